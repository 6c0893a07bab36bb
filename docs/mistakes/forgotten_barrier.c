/* A reference is written with a plain store. The node is shared, so its references are counted: this one is not.
 * switch: EDDY_OPTIONS=verify=epoch
 * diagnosis: eddy: misuse of collector (verify=epoch): object
 * diagnosis: of type node: count differs from the number of references (found 2, expected 3) */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(EDDY_HEAP_PRECISE_ROOTS);
    void *roots[2] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, roots, 2);
    struct node *a = roots[0] = new_node(t);
    eddy_retain(t, a); /* others may know it now */
    roots[1] = new_node(t);
    eddy_retain(t, roots[1]);
    if (eddy_collect(t, 0, NULL) != EDDY_OK)
        return 2;
    a->left = roots[1];         /* the mistake; right: EDDY_SET(t, a, left, roots[1]) */
    for (int i = 0; i < 2; i++) /* an epoch is verified before the next one begins */
        eddy_collect(t, 0, NULL);
    printf("nothing was found\n");
    return 0;
}
