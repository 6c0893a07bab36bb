/* On a heap with precise roots a reference lives only in a C variable while a safepoint passes.
 * switch: debug, of the program alone
 * diagnosis: eddy: misuse of eddy_store: the value is not an object of this heap */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(EDDY_HEAP_PRECISE_ROOTS);
    void *roots[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, roots, 1);
    roots[0] = new_node(t);
    struct node *lost = new_node(t); /* the mistake; right: it has a slot of the frame, too */
    eddy_collect(t, 0, NULL);
    EDDY_SET(t, (struct node *)roots[0], left, lost);
    printf("nothing was found\n");
    return 0;
}
