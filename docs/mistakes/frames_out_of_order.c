/* A frame of handles is popped that is not the top one: a return in between has forgotten its own.
 * switch: every build
 * diagnosis: eddy: misuse of eddy_frame_pop: the frame is not the top one */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(EDDY_HEAP_PRECISE_ROOTS);
    void *slots[2] = {NULL};
    eddy_frame outer, inner;
    eddy_frame_push(t, &outer, slots, 1);
    eddy_frame_push(t, &inner, slots + 1, 1);
    eddy_frame_pop(t, &outer); /* the mistake; right: inner first */
    return 0;
}
