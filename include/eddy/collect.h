/* Collection on demand, and verification. */
#ifndef EDDY_COLLECT_H
#define EDDY_COLLECT_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a collection on demand did. */
typedef struct eddy_collect_report {
    uint64_t epochs;            /* epochs that passed during the call */
    uint64_t objects_freed;     /* counted objects freed meanwhile (the young sweep counts no objects) */
    uint64_t cycles_freed;      /* garbage cycles among them */
    uint64_t live_bytes;        /* bytes in live cells and large objects afterwards */
    uint64_t ambiguous_objects; /* objects that only words on C stacks kept alive: some may be garbage */
    unsigned late_threads; /* on EDDY_ETIMEDOUT: threads that reached no safepoint; 0: it was the search that took so long */
} eddy_collect_report;

/* Returns when everything that was unreachable at the call, cycles included, has been reclaimed (with
 * conservative roots: all but what ambiguous words hold). Other threads go on meanwhile; the caller
 * waits, in a native region; as it asked for this, the wait is not recorded as a stall. `timeout_ms` bounds the whole
 * (milliseconds, 0: no bound), for there may be threads that reach no safepoint; then EDDY_ETIMEDOUT, and the collection
 * goes on by itself. `report` may be NULL. Own thread; a safepoint. Other errors: EDDY_ETHREAD, EDDY_EDETACHED, EDDY_EBUSY
 * (inside a callback of an event, or during an inspection of this thread). Cost: at least three epochs and a search for
 * cycles over everything that may be on one. */
EDDY_API eddy_status eddy_collect(eddy_thread *t, unsigned timeout_ms, eddy_collect_report *report);

/* Asks for an epoch soon and returns at once. Any thread, not a safepoint. */
EDDY_API void eddy_collect_hint(eddy_heap *heap);

/* On a heap with EDDY_HEAP_MANUAL: processes one epoch on the calling thread. All other attached
 * threads must reach safepoints meanwhile: it waits for them without bound. Own thread; a safepoint. Errors: EDDY_EINVAL (a heap
 * with a collector thread), EDDY_ETHREAD, EDDY_EDETACHED, EDDY_EBUSY (inside a callback of an event, or during an inspection
 * of this thread). */
EDDY_API eddy_status eddy_collector_step(eddy_thread *t);

/* What a verification found. */
typedef struct eddy_verify_report {
    uint64_t objects;     /* live cells and large objects examined */
    uint64_t references;  /* reference fields examined */
    uint64_t unreachable; /* objects no root reaches: garbage not yet reclaimed */
    uint64_t mismatches;  /* objects whose count differs from the recomputed one, references to free
                               cells, reachable objects that are not counted */
    char message[512];    /* the first mismatch: object, type, path from a root; empty if there is none */
} eddy_verify_report;

/* Stops all attached threads at their next safepoint (threads in native regions stay there), brings the logs to rest,
 * recomputes every count and all reachability from scratch and compares. The only function, with fork, for which threads
 * wait for each other. In a forked child, counts that are too high are no mismatch: what vanished threads were doing may
 * have left them so (fork.h). EDDY_OK, EDDY_ECORRUPT (mismatches were found), EDDY_ETIMEDOUT (a thread reached no safepoint
 * within `timeout_ms`, 0: no bound), EDDY_EBUSY (another verification or an inspection is under way; or inside a callback of
 * an event), EDDY_ETHREAD, EDDY_EDETACHED. When the system has no memory for its tables it waits until it has. `report` may
 * be NULL. Own thread; a safepoint. Cost: several epochs and two visits of every object. */
EDDY_API eddy_status eddy_verify(eddy_thread *t, unsigned timeout_ms, eddy_verify_report *report);

#ifdef __cplusplus
}
#endif

#endif
