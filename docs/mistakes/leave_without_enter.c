/* Native regions do not match.
 * switch: every build
 * diagnosis: eddy: misuse of eddy_native_leave: the thread is in no native region */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(0);
    eddy_native_enter(t);
    eddy_native_leave(t);
    eddy_native_leave(t); /* the mistake */
    return 0;
}
