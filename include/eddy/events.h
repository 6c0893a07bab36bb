/* Events: callbacks of what the heap does. Any number of listeners; without any, an event costs one predictable
 * branch on a slow path, and nothing on the inline paths. When <sys/sdt.h> was there at build time (EDDY_USDT),
 * each event is also a USDT probe `eddy:NAME` with the heap and the callback's further arguments (systemtap, bpftrace, perf).
 *
 * Two classes of callbacks:
 *  - *Observers* run in the middle of Eddy's work: with its locks held on the collecting thread, between two steps of
 *    an operation on the others. They may read statistics (stats.h, eddy_inspect_threads), write to
 *    memory outside the heap and ask for an epoch (eddy_collect_hint). They must not touch objects, allocate, store,
 *    reach a safepoint, or wait for another thread. eddy_collect, eddy_collector_step, eddy_verify,
 *    eddy_inspect_begin and eddy_listener_remove answer EDDY_EBUSY there.
 *  - *Helpers* (memory_low, out_of_memory) run at a safepoint of an allocating thread, whose other references are held,
 *    and may do whatever the thread may: store, allocate, collect, change limits. They do not nest: no helper is
 *    called on a thread that is inside one.
 * "Collecting thread" is the collector thread, or on heaps with EDDY_HEAP_MANUAL the thread that processes the epoch. */
#ifndef EDDY_EVENTS_H
#define EDDY_EVENTS_H

#include "eddy/collect.h"
#include "eddy/inspect.h"
#include "eddy/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An epoch that has been processed. Numbers are of this epoch alone, times in nanoseconds. */
typedef struct eddy_epoch_report {
    uint64_t epoch;
    uint64_t begun_ns;        /* CLOCK_MONOTONIC: when the handshakes were asked for */
    uint64_t rendezvous_ns;   /* from then until every thread had passed; the threads run on meanwhile */
    uint64_t work_ns;         /* from then to the end of the epoch */
    uint64_t cpu_ns;          /* CPU time of the collecting thread within work_ns */
    uint64_t allocated_bytes; /* handed out to threads between the beginnings of the epoch before and of this one */
    uint64_t incs, decs;      /* count operations applied */
    uint64_t objects_freed;   /* counted objects; the young sweep counts none */
    uint64_t cycles_freed;    /* garbage cycles among them */
    uint64_t live_bytes_before, live_bytes; /* as eddy_stats.live_bytes, at the beginning and the end */
    uint64_t live_objects;
    uint64_t committed_bytes; /* as in eddy_stats, at the end */
    uint64_t next_bytes;      /* allocation until the next epoch */
} eddy_epoch_report;

/* What a search for cycles did in its part of an epoch. */
typedef struct eddy_cycle_report {
    uint64_t epoch;
    const char *phase;   /* where the search is now: "idle" when it has ended; constant text */
    uint64_t nodes;      /* objects it has looked at since it began, or since its last tests */
    uint64_t candidates; /* possible garbage cycles found so far */
    uint64_t ns;         /* time the slice took */
} eddy_cycle_report;

typedef enum eddy_pacing_reason {
    EDDY_PACING_MEMORY = 0, /* little room is left below the limit, or much allocation waits for its sweep */
    EDDY_PACING_LOGS,       /* more than half of the log space is used */
    EDDY_PACING_CYCLES      /* counted memory has doubled during a search for cycles */
} eddy_pacing_reason;

typedef struct eddy_memory_report {
    uint64_t used_bytes; /* committed, free blocks not counted */
    uint64_t soft_limit; /* 0: none */
    uint64_t heap_limit; /* 0: none */
} eddy_memory_report;

/* A listener. Members that are NULL are not called. `heap` is the heap it was added to. */
typedef struct eddy_listener {
    void *context; /* first argument of each callback */

    /* Observer, collecting thread: the handshakes of `epoch` have been asked for. */
    void (*epoch_begin)(void *context, eddy_heap *heap, uint64_t epoch);
    /* Observer, collecting thread: it has been processed. */
    void (*epoch_end)(void *context, eddy_heap *heap, const eddy_epoch_report *report);
    /* Observer: `t` has passed the handshake out of `epoch`; its own thread or, with `on_behalf`, the collecting thread
     * for one in a native region. */
    void (*handshake)(void *context, eddy_heap *heap, eddy_thread *t, uint64_t epoch, bool on_behalf);
    /* Observer, own thread of `t`: a stall (stats.h) begins. `kind` is EDDY_STALL_WAIT for a wait, which may lie within another
     * stall; EDDY_STALL_KINDS for the others, whose kind is known at their end. */
    void (*stall_begin)(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind);
    /* Observer, own thread: it has ended after `ns` of wall time, waits within it not counted. */
    void (*stall_end)(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind, uint64_t ns);
    /* Observer, collecting thread: a search for cycles has used its part of the epoch. */
    void (*cycle_slice)(void *context, eddy_heap *heap, const eddy_cycle_report *report);
    /* Observer, own thread: `t` will sleep for at most `ns`, because only `room` bytes are left. */
    void (*pacing)(void *context, eddy_heap *heap, eddy_thread *t, eddy_pacing_reason reason, uint64_t room, uint64_t ns);
    /* Observer, collecting thread: the finalizer of `object` has been queued. The address is for identification only. */
    void (*finalizer_queued)(void *context, eddy_heap *heap, const void *object);
    /* Observer, collecting thread: the thread has reached no safepoint for longer than eddy_config.late_thread_ms since
     * `epoch` was asked for. Once per thread and epoch. */
    void (*late_thread)(void *context, eddy_heap *heap, uint64_t epoch, const eddy_thread_state *state);
    /* Observer, collecting thread: EDDY_HEAP_VERIFY_EPOCHS found a mismatch. If nobody listens, the misuse handler is called. */
    void (*corrupt)(void *context, eddy_heap *heap, const eddy_verify_report *report);

    /* Helper, own thread: more than the soft limit is in use, or less than an eighth of the heap limit is left for objects
     * (another eighth is kept for logs and tables). At most once per epoch, on one thread. */
    void (*memory_low)(void *context, eddy_heap *heap, eddy_thread *t, const eddy_memory_report *report);
    /* Helper, own thread: an allocation is about to fail with EDDY_ENOMEM. All listeners are asked; if one returns true
     * (it has raised the limit, or dropped references), the allocation waits for a few epochs and tries again,
     * and asks again if that is in vain. Not called for objects larger than the whole range. */
    bool (*out_of_memory)(void *context, eddy_heap *heap, eddy_thread *t);
} eddy_listener;

/* Adds a listener, which must not change until it is removed or the heap destroyed. Callbacks may begin before this returns. The
 * order among listeners is not fixed. EDDY_EBUSY if it has been added already, EDDY_ENOMEM. Any thread, not
 * a safepoint; takes a lock. */
EDDY_API eddy_status eddy_listener_add(eddy_heap *heap, const eddy_listener *listener);

/* Removes it; when this returns none of its callbacks runs any more. EDDY_EINVAL if it was not added, EDDY_EBUSY inside a
 * callback. Any thread; a safepoint if that is attached. Waits for callbacks that are running. */
EDDY_API eddy_status eddy_listener_remove(eddy_heap *heap, const eddy_listener *listener);

#ifdef __cplusplus
}
#endif

#endif
