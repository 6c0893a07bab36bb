/* What the files of runtime/ share with each other. Executed by mutator threads only; `t` is always the
 * calling thread's own record. */
#ifndef EDDY_RUNTIME_RUNTIME_H
#define EDDY_RUNTIME_RUNTIME_H

#include "runtime/heap/heap.h"
#include "runtime/heap/memory.h"
#include "runtime/heap/stall.h"

/* handshake.c: the step from epoch e to e+1. */
void eddy__handshake(struct thread *t);
/* Records the roots of this moment for the thread's epoch; false when there was no memory for them. */
bool eddy__record_roots(struct thread *t);
/* Takes over what the collector did on the thread's behalf up to `epoch`. */
void eddy__catch_up(struct thread *t, uint64_t epoch);
/* Makes everything the thread owns private-old. */
void eddy__bump(struct thread *t);

/* frames.c */
/* Begins a record with the handles of frames; false when there was no memory for it. */
bool eddy__record_frames(struct thread *t, struct root_buffer *roots);
/* The record of the epoch before has been handed over. */
void eddy__settle_frames(struct thread *t);
/* Nothing recorded of the frames holds any more: the next record is of all of them. */
void eddy__forget_frames(struct thread *t);

/* scan.c: appends the words of the C stack (registers included) that lie in the heap's range. */
bool eddy__scan_stack(struct thread *t, struct root_buffer *roots);
/* Appends those of the aligned words from `low` up to `high`. */
bool eddy__scan_words(struct thread *t, struct root_buffer *roots, const void *low, const void *high);
bool eddy__root_buffer_add(struct thread *t, struct root_buffer *roots, uintptr_t word);
static inline void eddy__root_buffer_clear(struct root_buffer *roots)
{
    roots->count = roots->exact = roots->stable = roots->kept = 0;
}
/* Makes room for so many words from the beginning on. */
bool eddy__root_buffer_room(struct thread *t, struct root_buffer *roots, size_t words);

/* native.c: one level of native state, without nesting count or stall accounting. */
void eddy__native_begin(struct thread *t);
void eddy__native_end(struct thread *t);

/* handshake.c: takes part in the handshake, and in the stop that eddy_verify asks for. */
void eddy__poll_slow(struct thread *t);
/* Polls; called at every slow path that is a safepoint. */
static inline void eddy__poll(struct thread *t)
{
#ifdef EDDY_STRESS
    eddy__poll_slow(t);
#endif
    EDDY__NOTE_SAFEPOINT(&t->fast);
    if (EDDY_LOAD_RELAXED(EDDY_LOAD_RELAXED(&t->fast.epoch_word)) != t->fast.epoch)
        eddy__poll_slow(t);
}
/* helpers.c: the helpers of eddy/events.h. Safepoints, on which any reference that t->held does not name must be
 * findable in another way. */
/* Calls memory_low if little memory is left and it has not been called in this epoch. */
void eddy__memory_low(struct thread *t);
/* Calls out_of_memory: whether an allocation is to be tried again. */
bool eddy__last_resort(struct thread *t);
/* pacing.c */
/* Sleeps a little when the collector lags; once before memory is taken. A safepoint. */
void eddy__pace_allocation(struct thread *t);
/* Notes `bytes` handed out, and asks for an epoch when enough have been. */
void eddy__note_allocation(struct thread *t, size_t bytes);
/* Waits for memory after a failed attempt number `attempt` (from 0); false when it is no use any more:
 * out of memory. A safepoint. */
bool eddy__wait_for_memory(struct thread *t, unsigned attempt);
/* Makes room for so many entries in both logs. A safepoint when it must wait. Never fails. Returns
 * whether it passed a safepoint. */
bool eddy__reserve_entries(struct thread *t, size_t incs, size_t decs);

/* Whether both logs have room without a slow path. */
static inline bool eddy__has_room(const struct thread *t, ptrdiff_t incs, ptrdiff_t decs)
{
    return t->inc.limit - t->inc.next >= incs && t->dec.limit - t->dec.next >= decs;
}

/* log pushes that may cross into a reserved chunk */
static inline void eddy__push(struct thread *t, struct log *log, uintptr_t entry)
{
    if (EDDY_UNLIKELY(log->next == log->limit)) {
        if (MUTANT(MUTANT_DROP_ON_OVERFLOW) && log == &t->inc)
            return;
        eddy__log_advance(log, t->heap->chunk_entries);
    }
    log_push(log, entry);
}
static inline void eddy__push_inc(struct thread *t, const void *object)
{
    eddy__push(t, &t->inc, (uintptr_t)object);
    log_publish(&t->inc);
}
static inline void eddy__push_dec(struct thread *t, const void *object)
{
    eddy__push(t, &t->dec, (uintptr_t)object);
}

/* pin.c: puts what the thread has pinned and unpinned where the collector finds it. */
void eddy__pins_flush(struct thread *t);
void eddy__pins_abandon(struct thread *t);
/* barrier.c: makes `object` (NULL: a root outside the heap) counted and `value` publishable, with room for one inc and
 * `decs` decs left. Possible safepoint, which both operands survive. */
void eddy__prepare_store(struct thread *t, void *object, void *value, size_t decs);

/* promote.c */
/* Makes a private-old object counted (self_promote of the design); entries must be reserved. */
void eddy__self_promote(struct thread *t, void *object);
/* Log entries that eddy__self_promote may need for `object`. */
size_t eddy__promote_needs(struct thread *t, const void *object);
/* Makes a private-current object reachable for others; entries must be reserved: PUBLISH_INCS, PUBLISH_DECS. */
void eddy__publish(struct thread *t, void *object);
#define PUBLISH_OBJECTS 8u
#define PUBLISH_REFS 24u
#define PUBLISH_INCS (PUBLISH_REFS + 1u)
#define PUBLISH_DECS 1u

static inline bool eddy__is_counted(const void *object)
{
    return header_is_counted(EDDY_LOAD_ACQUIRE(eddy__header(object)));
}
/* Pushes the inc of an object that the thread has at hand, unless it is permanent, telling the collector whether it still has to look at
 * the header, which would take the cache line away. */
static inline void eddy__push_unpublished(struct thread *t, const void *object, uintptr_t bits)
{
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    if (header_is_permanent(header))
        return;
    if (header_is_counted(header) || MUTANT(MUTANT_COUNTED_BIT))
        bits |= ENTRY_COUNTED;
    eddy__push(t, &t->inc, (uintptr_t)object | bits);
}
static inline void eddy__push_value(struct thread *t, const void *object, uintptr_t bits)
{
    eddy__push_unpublished(t, object, bits);
    log_publish(&t->inc);
}

/* fibers.c: the thread is about to detach. */
void eddy__fibers_leave(struct thread *t);
void eddy__fibers_abandon(struct thread *t);

/* ranges.c */
bool eddy__record_ranges(struct thread *t, struct root_buffer *roots);
/* The thread is about to detach. */
void eddy__ranges_leave(struct thread *t);

/* lookup.c: the checks of eddy_store in debug builds, for fields that may be words. */
void eddy__check_field(eddy_thread *t, const void *object, void *const *field, const void *value);
/* epoch_lines.c: the listener of EDDY_HEAP_LOG_EPOCHS. */
extern const eddy_listener eddy__epoch_lines;

/* collect.c */
/* Own thread, and neither in the middle of Eddy's own work nor of an inspection: else a status. */
eddy_status eddy__check_caller(const struct thread *t);
/* Goes into native state, stops all other threads and brings the logs to rest: EDDY_EBUSY, EDDY_ETIMEDOUT, and then nothing has
 * changed. Resume lets them and the caller go on. */
eddy_status eddy__stop_threads(struct thread *t, unsigned timeout_ms);
void eddy__resume_threads(struct thread *t);
/* collect.c; in native state, or not attached. Until so many nanoseconds on the clock (UINT64_MAX: no bound); false when
 * the time is up, with *late threads (may be NULL) that reached no safepoint. */
/* One epoch from now. */
bool eddy__pass_epoch(eddy_heap *heap, uint64_t deadline, unsigned *late);
/* Epochs until everything that is unreachable now has been reclaimed, cycles included. */
bool eddy__reclaim_all(eddy_heap *heap, uint64_t deadline, unsigned *late);

/* ownership_queue.c: what rights ask for at a safepoint; when the thread has gone into native state; when it has woken, before it
 * looks at any object. */
void eddy__own_safepoint(struct thread *t);
void eddy__own_asleep(struct thread *t);
void eddy__own_woken(struct thread *t);
/* ownership.c: a record is made. */
void eddy__rights_open(struct thread *t);
/* In the child, whose only thread is `self`, or NULL. */
void eddy__rights_after_fork(eddy_heap *heap, const struct thread *self);
/* ownership_check.c: the checks of a store in debug builds that concern rights. */
void eddy__check_owned_store(struct thread *t, const void *object);
/* The record is being freed. */
void eddy__right_table_destroy(struct thread *t);
/* ownership_legacy.c: the thread is about to detach. */
void eddy__rights_leave(struct thread *t);

/* thread.c: checks that a record is attached and the caller's own. */
eddy_status eddy__check_owner(const struct thread *t);

#endif
