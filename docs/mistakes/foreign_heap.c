/* A reference to an object of another heap (or to memory of malloc) is stored.
 * switch: debug, of the program alone
 * diagnosis: eddy: misuse of eddy_store: the value is not an object of this heap */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(0);
    struct node *a = new_node(t), *b = calloc(1, sizeof *b);
    EDDY_SET(t, a, left, b); /* the mistake */
    return 0;
}
