/* A slot of a frame that is not the top one is written as plain memory. No handshake looks at it again.
 * switch: debug
 * diagnosis: eddy: misuse of eddy_frame_push: a handle of an older frame was written without eddy_frame_set */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(EDDY_HEAP_PRECISE_ROOTS);
    void *slots[2] = {NULL};
    eddy_frame outer, inner;
    eddy_frame_push(t, &outer, slots, 1);
    slots[0] = new_node(t);
    eddy_frame_push(t, &inner, slots + 1, 1);
    eddy_collect(t, 0, NULL);
    slots[0] = new_node(t); /* the mistake; right: eddy_frame_set(t, &outer, 0, ...) */
    eddy_collect(t, 0, NULL);
    return 0;
}
