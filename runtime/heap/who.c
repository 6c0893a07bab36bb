/* Describing a thread; see who.h. */
#include "runtime/heap/who.h"

#include <string.h>

bool eddy__who(struct thread *t, eddy_thread_state *state)
{
    memset(state, 0, sizeof *state);
    state->system_call = -1;
    pthread_mutex_lock(&t->heap->registry_lock);
    bool attached = t->life == RECORD_ATTACHED;
    if (attached) {
        uint64_t word = EDDY_LOAD_ACQUIRE(&t->word);
        state->number = t->number;
        state->tid = t->tid;
        state->native = WORD_STATE(word) == THREAD_NATIVE;
        state->epoch = WORD_EPOCH(word);
        state->since_ns = EDDY_LOAD_RELAXED(&t->since);
        eddy__os_thread_stack(t->os_thread, &state->stack_low, &state->stack_high);
    }
    pthread_mutex_unlock(&t->heap->registry_lock);
    return attached;
}
