/* The container that a store names is not the one that the field lies in.
 * switch: debug, of the program alone
 * diagnosis: eddy: misuse of eddy_store: the field is not inside the container */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(0);
    struct node *a = new_node(t), *b = new_node(t);
    eddy_store(t, a, (void **)(void *)&b->left, a); /* the mistake; right: eddy_store(t, b, ...) */
    return 0;
}
