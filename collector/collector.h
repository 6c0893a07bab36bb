/* What mutator threads may ask of the collector. The only header of this room that others include. */
#ifndef EDDY_COLLECTOR_COLLECTOR_H
#define EDDY_COLLECTOR_COLLECTOR_H

#include "runtime/heap/heap.h"

/* Makes the collector's state; EDDY_ENOMEM. Start also makes its thread (EDDY_ESYSTEM). */
eddy_status eddy__collector_create(eddy_heap *heap);
eddy_status eddy__collector_start(eddy_heap *heap);
/* Ends the thread, if there is one; then the state. */
void eddy__collector_stop(eddy_heap *heap);
void eddy__collector_destroy(eddy_heap *heap);

/* Adds REQUEST_… bits and wakes the collector. Any thread; lock-free; a system call only when the
 * request is new. */
void eddy__collector_request(eddy_heap *heap, uint32_t bits);

/* Notes that something was allocated or logged, so that an idle collector plans an epoch. Any thread. */
void eddy__collector_note_active(eddy_heap *heap);

/* Processes one epoch on the calling thread, which must be in a native region or not attached. False
 * when a thread reached no safepoint within timeout_ns (UINT64_MAX: no bound); the epoch then stays
 * requested and a later call goes on with it. */
bool eddy__collector_epoch(eddy_heap *heap, uint64_t timeout_ns, unsigned *late);

/* Whether the last epoch left nothing to do: no logs, no young blocks, no releases, no candidates. */
bool eddy__collector_at_rest(const eddy_heap *heap);

/* Forking: holds the collector between two epochs, with collector_lock taken, until let_go. The caller is in native
 * state or not attached. */
void eddy__collector_hold(eddy_heap *heap);
void eddy__collector_let_go(eddy_heap *heap);
/* In the child, before let_go: its thread is gone, and so is whoever waited for it. */
void eddy__collector_lost(eddy_heap *heap);

/* The collector's part of the statistics. Any thread. */
void eddy__collector_stats(eddy_heap *heap, eddy_stats *stats);
/* Objects that only words of C stacks held in the last epoch. Takes collector_lock. */
uint64_t eddy__collector_ambiguous(eddy_heap *heap);

/* EDDY_HEAP_VERIFY_EPOCHS: after an epoch, on the thread that processed it, without collector_lock. */
void eddy__collector_verify_epoch(eddy_heap *heap);
/* Makes an object and what it reaches permanent; with the caller in native state, no object of the closure private-current,
 * `object` a root. EDDY_ENOMEM: nothing has changed. Takes collector_lock. */
eddy_status eddy__collector_make_permanent(eddy_heap *heap, void *object);
/* With all threads in native state: makes everything with a count permanent, if the collector is at rest; else false.
 * Takes collector_lock. */
bool eddy__collector_freeze(eddy_heap *heap);
/* Queues the finalizers of all objects that have a count. Takes collector_lock. */
void eddy__collector_finalize_all(eddy_heap *heap);

/* With all threads in native state and the collector at rest: recomputes and compares. Takes collector_lock. */
eddy_status eddy__collector_verify(eddy_heap *heap, eddy_verify_report *report);

/* Holds collector_lock between the two. */
eddy_status eddy__inspection_create(eddy_heap *heap, struct thread *t, struct eddy_inspection **inspection);
void eddy__inspection_destroy(struct eddy_inspection *inspection);
/* The thread that began it. */
struct thread *eddy__inspection_thread(const struct eddy_inspection *inspection);

#endif
