/* The legacy lock (design, section 8): one thread at a time runs foreign code. A ticket lock, waited for in native state. Marked objects
 * belong to whoever has it: the holder, or a thread that borrows it until its next safepoint, and runs no foreign code. */
#include "runtime/ownership.h"

static void take(struct thread *t)
{
    eddy_heap *heap = t->heap;
    uint32_t ticket = EDDY_ADD_SEQ_CST(&heap->legacy_next, 1); /* either this sees who unlocks, or that one sees who waits */
    if (EDDY_LOAD_SEQ_CST(&heap->legacy_now) == ticket)
        return;
    eddy__native_begin(t);
    for (uint32_t now; (now = EDDY_LOAD_SEQ_CST(&heap->legacy_now)) != ticket;)
        eddy__os_wait(&heap->legacy_now, now, UINT64_MAX);
    eddy__native_end(t);
}

/* Marked objects are the thread's no longer: guards that rely on them must fail. */
static void unlock(struct thread *t)
{
    eddy_heap *heap = t->heap;
    if (!MUTANT(MUTANT_RIGHT_TOKEN_STAYS))
        EDDY_ADD_RELEASE(&t->fast.rights_token, 1);
    uint32_t now = EDDY_ADD_SEQ_CST(&heap->legacy_now, 1) + 1;
    if (EDDY_LOAD_SEQ_CST(&heap->legacy_next) != now)
        eddy__os_wake(&heap->legacy_now);
}

void eddy__legacy_borrow(struct thread *t)
{
    take(t);
    t->rights.borrowed = true;
}

void eddy__legacy_return(struct thread *t)
{
    if (!t->rights.borrowed)
        return;
    t->rights.borrowed = false;
    unlock(t);
}

static struct thread *outside_native(eddy_thread *ft, const char *function)
{
    struct thread *t = thread_of(ft);
    if (t->native_depth != 0)
        eddy__misuse(function, "the thread is in a native region");
    EDDY__NOTE_SAFEPOINT(ft);
    return t;
}

static void begin_section(struct thread *t, uint32_t depth)
{
    eddy__own_safepoint(t);
    take(t);
    t->rights.legacy_depth = depth;
    EDDY_EXCHANGE_SEQ_CST(&t->heap->legacy_holder, t->number);
}

/* What was asked of it meanwhile is looked at after it is no longer the holder. */
static void end_section(struct thread *t)
{
    t->rights.legacy_depth = 0;
    EDDY_EXCHANGE_SEQ_CST(&t->heap->legacy_holder, 0);
    unlock(t);
    eddy__own_safepoint(t);
}

void eddy_legacy_enter(eddy_thread *ft)
{
    struct thread *t = outside_native(ft, "eddy_legacy_enter");
    if (t->rights.legacy_depth != 0)
        t->rights.legacy_depth++;
    else
        begin_section(t, 1);
}

void eddy_legacy_leave(eddy_thread *ft)
{
    struct thread *t = outside_native(ft, "eddy_legacy_leave");
    if (t->rights.legacy_depth == 0)
        eddy__misuse("eddy_legacy_leave", "the thread does not hold the legacy lock");
    if (t->rights.legacy_depth != 1)
        t->rights.legacy_depth--;
    else
        end_section(t);
}

unsigned eddy_legacy_window_open(eddy_thread *ft)
{
    struct thread *t = outside_native(ft, "eddy_legacy_window_open");
    if (t->rights.legacy_depth == 0)
        eddy__misuse("eddy_legacy_window_open", "the thread does not hold the legacy lock");
    unsigned depth = t->rights.legacy_depth;
    end_section(t);
    eddy_native_enter(ft);
    return depth;
}

void eddy_legacy_window_close(eddy_thread *ft, unsigned window)
{
    struct thread *t = thread_of(ft);
    if (window == 0 || t->native_depth != 1 || t->rights.legacy_depth != 0)
        eddy__misuse("eddy_legacy_window_close", "no window is open, or a native region is");
    eddy_native_leave(ft);
    begin_section(t, window);
}

void eddy_legacy_hand(eddy_thread *ft, void *object)
{
    struct thread *t = outside_native(ft, "eddy_legacy_hand");
    eddy__own_check(t, object, "eddy_legacy_hand");
    if (t->rights.legacy_depth == 0)
        eddy__misuse("eddy_legacy_hand", "the thread does not hold the legacy lock");
    if ((EDDY_LOAD_ACQUIRE(right_of(object)) & EDDY__RIGHT_MARKED) != 0)
        return;
    eddy__own_write_slow(ft, object);
    if (!MUTANT(MUTANT_RIGHT_NOT_MARKED))
        EDDY_STORE_RELEASE(right_of(object), EDDY__RIGHT_MARKED);
}

void eddy__rights_leave(struct thread *t)
{
    eddy__legacy_return(t);
    if (t->rights.legacy_depth != 0)
        end_section(t);
}
