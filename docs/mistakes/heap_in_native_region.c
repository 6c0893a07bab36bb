/* The heap is used inside a native region, where the collector has passed the thread's handshakes for it.
 * switch: debug, of the program alone
 * diagnosis: eddy: misuse of eddy_store: the thread is in a native region */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(0);
    struct node *a = new_node(t), *b = new_node(t);
    eddy_native_enter(t);
    EDDY_SET(t, a, left, b); /* the mistake; right: after eddy_native_leave, or in a callback */
    eddy_native_leave(t);
    return 0;
}
