/* A reference is stored into a permanent object whose type is not mutable.
 * switch: every build
 * diagnosis: eddy: misuse of eddy_store: the container is permanent and its type is not mutable */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(0);
    struct node *a = eddy_alloc_permanent(t, node_type);
    EDDY_SET(t, a, left, new_node(t)); /* the mistake; right: EDDY_TYPE_MUTABLE, or eddy_permanent_set */
    return 0;
}
