/* The barrier (design, section 8): waits until every other thread has passed a safepoint, or is in native state. Barriers are numbered; a
 * thread that passes a safepoint, or goes into native state, notes the last number it sees, and wakes those that sleep if that is a new
 * one: those that wait do not wake each other for ever. Who waits passes safepoints meanwhile, so that barriers do not wait for each
 * other. */
#include "runtime/ownership.h"

void eddy__own_passed(struct thread *t)
{
    eddy_heap *heap = t->heap;
    uint64_t last = EDDY_LOAD_SEQ_CST(&heap->barriers);
    if (last == t->rights.passed)
        return;
    EDDY_STORE_SEQ_CST(&t->rights.passed, last);
    if (EDDY_LOAD_SEQ_CST(&heap->barrier_sleepers) != 0) {
        EDDY_ADD_SEQ_CST(&heap->barrier_passed, 1);
        eddy__os_wake(&heap->barrier_passed);
    }
}

/* The holder of the legacy lock passes no safepoint, in native state or not. */
static bool has_passed(struct thread *v, uint64_t number)
{
    if (EDDY_LOAD_SEQ_CST(&v->rights.passed) >= number)
        return true;
    return WORD_STATE(EDDY_LOAD_SEQ_CST(&v->word)) == THREAD_NATIVE && right_asleep(v) && !right_is_legacy(v);
}

/* Sleeps until somebody passes whom a barrier may wait for, unless v has passed. */
static void sleep_for(struct thread *t, struct thread *v, uint64_t number)
{
    eddy_heap *heap = t->heap;
    eddy__native_begin(t);
    EDDY_ADD_SEQ_CST(&heap->barrier_sleepers, 1);
    uint32_t seen = EDDY_LOAD_SEQ_CST(&heap->barrier_passed);
    if (!has_passed(v, number))
        eddy__os_wait(&heap->barrier_passed, seen, UINT64_MAX);
    EDDY_SUB_ACQ_REL(&heap->barrier_sleepers, 1);
    eddy__native_end(t);
}

void eddy__own_barrier(struct thread *t, bool claim)
{
    eddy_heap *heap = t->heap;
    uint64_t number = EDDY_ADD_SEQ_CST(&heap->barriers, 1) + 1;
    for (struct thread *v = EDDY_LOAD_ACQUIRE(&heap->threads); v != NULL; v = v->next) {
        if (v == t)
            continue;
        if (claim)
            EDDY_ADD_RELEASE(&v->fast.rights_token, 1);
        if (!has_passed(v, number))
            eddy__provoke(v);
    }
    for (struct thread *v = EDDY_LOAD_ACQUIRE(&heap->threads); v != NULL; v = v->next) {
        if (v == t || has_passed(v, number))
            continue;
        if (!MUTANT(MUTANT_RIGHT_BARRIER_ASKS_ONCE))
            eddy__provoke(v); /* it may have slept when it was looked at above, and have woken */
        unsigned spins = 0;
        while (!has_passed(v, number))
            if (eddy__own_spin(t, &spins))
                sleep_for(t, v, number);
    }
}

void eddy_barrier(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    if (t->native_depth != 0)
        eddy__misuse("eddy_barrier", "the thread is in a native region");
    EDDY__NOTE_SAFEPOINT(ft);
    eddy__own_safepoint(t);
    eddy__own_barrier(t, false);
}
