/* What calling listeners safely takes; see events.h. */
#include "runtime/heap/events.h"

#include <stdlib.h>

static __thread unsigned observing;

bool eddy__in_observer(void)
{
    return observing != 0;
}

void eddy__observing(int by)
{
    observing += (unsigned)by;
}

const eddy_listener *eddy__listener_enter(struct listener *node)
{
    EDDY_ADD_SEQ_CST(&node->users, 1);
    if (EDDY_LOAD_SEQ_CST(&node->live) != 0)
        return node->callbacks;
    eddy__listener_leave(node);
    return NULL;
}

void eddy__listener_leave(struct listener *node)
{
    if (EDDY_ADD_SEQ_CST(&node->users, -1) == 1 && EDDY_LOAD_SEQ_CST(&node->live) == 0)
        eddy__os_wake(&node->users);
}

void eddy__listeners_destroy(eddy_heap *heap)
{
    for (struct listener *n = heap->listeners, *next; n != NULL; n = next) {
        next = n->next;
        free(n);
    }
    heap->listeners = NULL;
}
