/* Recording what takes time from a mutator.
 *
 * The owner appends events to a ring of its own, a few stores each, and now and then (at handshakes, in
 * native entries, when the ring is half full) empties it into histograms under a lock that readers take
 * too; it never waits for that lock. A stall inside another one is part of that one; recordings (record.h) show it, too. Cost of a stall: wall time less run-queue delay (schedstat), waits in full. */
#ifndef EDDY_RUNTIME_HEAP_STALL_H
#define EDDY_RUNTIME_HEAP_STALL_H

#include "eddy/record.h"
#include "runtime/heap/heap.h"

struct stall_record *eddy__stalls_create(eddy_heap *heap);
void eddy__stalls_destroy(eddy_heap *heap, struct stall_record *record);
/* Adds `from` to `into` (registry_lock held) and empties `from`, whose thread ends: called by that thread. */
void eddy__stalls_merge(struct stall_record *into, struct stall_record *from);

/* The thread that forks: keeps a record as it is, so that a child finds it whole. */
void eddy__stalls_lock(struct stall_record *record);
void eddy__stalls_unlock(struct stall_record *record);
/* In the child, locked: forgets what the thread was about to add, if it is `gone`, and what the system says of it. */
void eddy__stalls_after_fork(struct stall_record *record, bool gone);

/* Owner: begins a stall. One inside another is not counted: 0 is returned, and end does nothing, unless it is
 * recorded. Where it counts, its end says: handshakes, native regions, or slow paths. */
uint64_t eddy__stall_begin(struct thread *t);
void eddy__stall_end(struct thread *t, eddy_record_stall what, uint64_t begun);
/* Owner: a wait begins; it lasted that many nanoseconds from `begun`. Inside or outside a stall. */
uint64_t eddy__stall_wait_begin(struct thread *t);
void eddy__stall_wait(struct thread *t, eddy_record_stall what, uint64_t begun, uint64_t nanoseconds);
/* Owner: a part of a stall, for recordings only: begin returns 0, and end does nothing, when none is being made. A part that
 * begins with a stall shares its reading of the clock. */
uint64_t eddy__stall_part_begin(struct thread *t);
void eddy__stall_part_end(struct thread *t, eddy_record_stall what, uint64_t begun);
/* Owner: empties the ring if the lock is free. */
void eddy__stalls_flush(struct thread *t);

#endif
