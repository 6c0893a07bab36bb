/* What the attached threads are doing; see eddy/inspect.h. Any thread. */
#include "runtime/heap/who.h"
#include "runtime/runtime.h"

void eddy_inspect_threads(eddy_heap *heap, eddy_thread_visit_fn *visit, void *context)
{
    /* records stay; those of threads that attach from here on may be missed */
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&heap->threads); t != NULL; t = t->next) {
        eddy_thread_state state;
        if (!eddy__who(t, &state))
            continue;
        eddy__os_thread_look(state.tid, &state);
        visit(context, &state);
    }
}
