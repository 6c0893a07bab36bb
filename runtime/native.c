/* Native regions (design, section 7). One word holds state, epoch and sequence; while it says
 * "native" the collector performs handshakes on the thread's behalf by a compare-and-swap on it.
 * Leaving is a read-modify-write before any access to the heap. */
#include "runtime/runtime.h"

void eddy__native_begin(struct thread *t)
{
    eddy_heap *heap = t->heap;
    EDDY__NOTE_SAFEPOINT(&t->fast);
    eddy__handshake(t);
    /* Without memory for the roots the thread cannot be represented: it waits as a running thread would,
     * which delays the epoch and nothing else. */
    while (!MUTANT(MUTANT_NATIVE_OLD_ROOTS) && !eddy__record_roots(t)) {
        t->error = EDDY_ENOMEM;
        wait_epoch_done(heap, EDDY_LOAD_RELAXED(&heap->epochs_done), 1000000);
    }
    if (!MUTANT(MUTANT_PINS_ASLEEP))
        eddy__pins_flush(t);
    EDDY_STORE_RELAXED(&t->since, eddy__os_now_coarse());
    HOOK(HOOK_NATIVE_ENTERING, t);
    uint64_t sequence = WORD_SEQUENCE(EDDY_LOAD_RELAXED(&t->word)) + 1;
    EDDY_EXCHANGE_SEQ_CST(&t->word, WORD_MAKE(THREAD_NATIVE, sequence, t->fast.epoch));
    /* Either this sees the epoch that was begun meanwhile, or the collector sees the native state. */
    if (EDDY_LOAD_SEQ_CST(&heap->epoch) != t->fast.epoch)
        wake_rendezvous(heap);
    eddy__own_asleep(t);
}

void eddy__native_end(struct thread *t)
{
    eddy_heap *heap = t->heap;
    for (;;) {
        uint64_t word = EDDY_LOAD_ACQUIRE(&t->word);
        if (MUTANT(MUTANT_LATE_LEAVE))
            STORE_LATE(&t->word, WORD_MAKE(THREAD_RUNNING, WORD_SEQUENCE(word) + 1, WORD_EPOCH(word)));
        else
            while (!EDDY_CAS_SEQ_CST(&t->word, &word,
                                     WORD_MAKE(THREAD_RUNNING, WORD_SEQUENCE(word) + 1, WORD_EPOCH(word)))) {
            }
        HOOK(HOOK_NATIVE_LEFT, t);
        EDDY_STORE_RELAXED(&t->since, eddy__os_now_coarse());
        if (!MUTANT(MUTANT_NATIVE_NO_CATCH_UP))
            eddy__catch_up(t, WORD_EPOCH(word));
        if (EDDY_LOAD_SEQ_CST(&heap->parked) == 0)
            break;
        /* eddy_verify holds all threads: back into native state, with the same roots, until it is over */
        uint64_t begun = eddy__stall_wait_begin(t);
        eddy__native_begin(t);
        while (EDDY_LOAD_ACQUIRE(&heap->parked) != 0)
            eddy__os_wait(&heap->parked, 1, UINT64_MAX);
        eddy__stall_wait(t, EDDY_RECORD_VERIFY, begun, eddy__os_now() - begun);
    }
    eddy__own_woken(t);
    eddy__handshake(t);
}

void eddy_native_enter(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    if (t->native_depth++ != 0)
        return;
    uint64_t begun = eddy__stall_begin(t);
    eddy__native_begin(t);
    eddy__stall_end(t, EDDY_RECORD_NATIVE, begun);
    eddy__stalls_flush(t);
}

void eddy_native_leave(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    if (t->native_depth == 0)
        eddy__misuse("eddy_native_leave", "the thread is in no native region");
    if (--t->native_depth != 0)
        return;
    uint64_t begun = eddy__stall_begin(t);
    eddy__native_end(t);
    eddy__stall_end(t, EDDY_RECORD_NATIVE, begun);
}

eddy_callback eddy_callback_begin(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    eddy_callback callback = {t->native_depth, t->frames};
    if (callback.depth != 0) {
        t->native_depth = 1;
        eddy_native_leave(ft);
    }
    return callback;
}

void eddy_callback_end(eddy_thread *ft, eddy_callback callback)
{
    struct thread *t = thread_of(ft);
    if (t->native_depth != 0)
        eddy__misuse("eddy_callback_end", "the callback is in a native region that it entered");
    if (t->frames != callback.frames)
        eddy__misuse("eddy_callback_end", "the callback has not popped its frames");
    if (callback.depth != 0) {
        eddy_native_enter(ft);
        t->native_depth = callback.depth;
    }
}
