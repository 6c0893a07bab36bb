/* Finalizers: what is to be done once an object is dead. The collector only queues them; threads of the program's
 * choosing run them.
 *
 * A finalizer is queued once, when its object has been found dead and all weak references to it (for a
 * cycle: to all its members) have been cleared. Its queue entry is a counted reference: the object and all it refers to
 * are alive and whole, and a finalizer may store it anywhere, attach to it again, allocate, or raise the heap limit.
 *
 * Order. Entries come out of a queue in the order in which they went in. The finalizers of an object are
 * queued in the order in which they were attached; objects in the order in which they were found dead, so that an object is
 * finalized before those that only it referred to; the members of a dead cycle one after the other, in the order in which their
 * first finalizers were attached. With several threads, entries are taken in this order, and run as the threads please. */
#ifndef EDDY_FINALIZE_H
#define EDDY_FINALIZE_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_finalizer_queue eddy_finalizer_queue;

/* Runs on the thread that takes the entry, which is in no native region. `object` is held until it returns. */
typedef void eddy_finalizer_fn(eddy_thread *t, void *object, void *data);

/* An entry taken from a queue. */
typedef struct eddy_finalization {
    void *object;          /* held by the caller's stack or frame, as any loaded reference */
    eddy_finalizer_fn *fn; /* as given when it was attached; may be NULL */
    void *data;
} eddy_finalization;

/* Makes a queue. EDDY_ENOMEM. Any thread, not a safepoint; takes a lock. It ends with its heap, if not before;
 * what is in it then is dropped, not run. */
EDDY_API eddy_status eddy_finalizer_queue_create(eddy_heap *heap, eddy_finalizer_queue **queue);
/* Ends a queue, which no thread may use any more. EDDY_EBUSY while it has entries, finalizers are attached that would go
 * into it, or a thread waits for it; EDDY_ETHREAD, EDDY_EDETACHED. Own thread; not a safepoint; takes a lock. */
EDDY_API eddy_status eddy_finalizer_queue_destroy(eddy_thread *t, eddy_finalizer_queue *queue);

/* When `object` dies, (fn, data) goes into `queue`. An object may have several. EDDY_EINVAL (NULL
 * object or queue), EDDY_ENOMEM. Own thread; a safepoint; `object` is held. The first attachment of an object shares it with
 * other threads, and takes about 150 bytes. */
EDDY_API eddy_status eddy_finalizer_attach(eddy_thread *t, void *object, eddy_finalizer_queue *queue,
                                           eddy_finalizer_fn *fn, void *data);

/* Takes the first entry; false if there is none. Any number of threads may take from one queue, without waiting for each
 * other. Own thread; a possible safepoint, before it looks. Cost: a compare-and-swap and a log entry. */
EDDY_API bool eddy_finalizer_take(eddy_thread *t, eddy_finalizer_queue *queue, eddy_finalization *entry);

/* Takes and runs at most `most` entries, on this thread; returns how many. Own thread; a safepoint. */
EDDY_API size_t eddy_finalizers_run(eddy_thread *t, eddy_finalizer_queue *queue, size_t most);

/* Waits, in a native region, until the queue has an entry, or for `timeout_ms` milliseconds (0: without bound). Returns whether it
 * has one, which another thread may be first to take. Own thread; a safepoint. */
EDDY_API bool eddy_finalizers_wait(eddy_thread *t, eddy_finalizer_queue *queue, unsigned timeout_ms);

/* Entries in the queue now. Any thread, not a safepoint. */
EDDY_API uint64_t eddy_finalizers_pending(const eddy_finalizer_queue *queue);

/* Queues everything: for the orderly end of a program, before it runs its queues for the last time and destroys the heap,
 * which runs nothing: puts the finalizers of *all* objects that the heap holds into their queues, of live and permanent
 * ones, too, in the order in which they were attached. Weak references stay as they are. Own thread; a safepoint. Errors:
 * EDDY_ETHREAD, EDDY_EDETACHED, EDDY_EBUSY (inside a callback of an event, or during an inspection of this thread). Cost:
 * two epochs, waited for in native state, and a visit of every object, while no epoch is processed. */
EDDY_API eddy_status eddy_finalize_all(eddy_thread *t);

/* "This object is dead now": writes its external bytes off and takes its finalizers away from it at once; with `run`
 * calls them, in their order, on this thread, otherwise drops them. The object itself lives on as long as it is referred to,
 * and weak references stay. Nothing happens to an object without attachments. Own thread; a safepoint with `run`; the
 * object is held. Never fails. */
EDDY_API void eddy_dispose(eddy_thread *t, void *object, bool run);

#ifdef __cplusplus
}
#endif

#endif
