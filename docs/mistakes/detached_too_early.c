/* A thread detaches while its frames of handles are pushed. Nothing happens, and the status says so.
 * switch: the status
 * diagnosis: detach: still in use */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(EDDY_HEAP_PRECISE_ROOTS);
    void *slots[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, slots, 1);
    printf("detach: %s\n", eddy_status_text(eddy_thread_detach(t))); /* the mistake; right: pop first */
    return 0;
}
