/* Statistics: what the heap holds, what the collector did, what it cost the threads. */
#ifndef EDDY_STATS_H
#define EDDY_STATS_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Counters since the heap was made, and gauges of now. Values are read one by one while the heap runs. */
typedef struct eddy_stats {
    uint64_t live_bytes;      /* cells with counted objects and large objects, after the last epoch */
    uint64_t live_objects;    /* how many */
    uint64_t allocated_bytes; /* allocated since the beginning (by whole blocks, corrected at each epoch) */
    uint64_t committed_bytes; /* blocks, large objects, logs and tables held now: what heap_limit bounds */
    uint64_t peak_committed_bytes;
    uint64_t overhead_bytes;  /* of committed_bytes: logs and tables */
    uint64_t free_bytes;      /* of committed_bytes: free blocks */
    uint64_t log_bytes;       /* log chunks in use now */
    uint64_t log_bytes_total; /* entries ever logged, in bytes */
    uint64_t epochs;          /* epochs processed */
    uint64_t incs, decs;      /* count operations applied by the collector */
    uint64_t promotions;      /* objects that became counted */
    uint64_t objects_freed;   /* counted objects freed */
    uint64_t drain_rounds;    /* rounds of step 1's drain */
    uint64_t cycle_passes;    /* searches for cycles completed */
    uint64_t cycle_nodes;     /* objects visited by them */
    uint64_t cycles_found;    /* candidates handed to the tests */
    uint64_t cycles_rejected_sigma, cycles_rejected_delta;
    uint64_t cycles_freed, cycle_objects_freed;
    uint64_t roots_accepted, roots_refused; /* words of conservative scans */
    uint64_t overflowed_counts;             /* objects whose count is in the overflow table now */
    uint64_t misused_releases;              /* releases without a retain */
    uint64_t pinned_objects;                /* objects pinned now, as the collector knows (at an epoch's end) */
    uint64_t misused_unpins;                /* unpins without a pin */
    uint64_t collector_cpu_ns;              /* CPU time of the collector thread */
    uint64_t collector_wakeups;             /* times it was woken */
    uint64_t epoch_bytes;                   /* present distance of epochs, bytes of allocation */
    uint64_t handshakes;                    /* by the threads themselves */
    uint64_t handshakes_native;             /* on behalf of threads in native regions */
    uint64_t handshakes_carried; /* of these: of threads that slept through the epoch before, too: nothing to scan */
    uint64_t external_bytes;     /* of committed_bytes: owned by objects outside the heap (external.h) */
    uint64_t attached_objects;   /* objects with a weak cell, a finalizer or external bytes now, or that had one */
    uint64_t weak_cleared;       /* weak cells cleared */
    uint64_t weak_rescued;       /* objects that seemed dead, and were loaded through a weak cell */
    uint64_t finalizers_queued;  /* finalizers put into queues */
    uint64_t permanent_objects;  /* of live_objects: permanent ones */
    uint64_t permanent_bytes;    /* of live_bytes: theirs */
} eddy_stats;

/* Fills *stats. Any thread, not a safepoint; never fails. Cost: some fifty loads and a system call. */
EDDY_API void eddy_heap_stats(eddy_heap *heap, eddy_stats *stats);

/* Kinds of stalls: what takes time from a mutator. */
typedef enum eddy_stall_kind {
    EDDY_STALL_HANDSHAKE = 0, /* copying roots, handing over blocks and logs */
    EDDY_STALL_SLOW_PATH,     /* finding the next run of free cells, log chunks, large objects, promotion */
    EDDY_STALL_WAIT,          /* waiting for memory, log space, or the collector's pace */
    EDDY_STALL_KINDS
} eddy_stall_kind;

/* A distribution of stalls. Times in nanoseconds of wall time; *cost* is wall time less the time the
 * thread stood in the run queue (schedstat), waits counted in full. */
typedef struct eddy_stall_summary {
    uint64_t count;
    uint64_t p50_ns, p99_ns, p999_ns, p9999_ns, max_ns;
    uint64_t total_ns;
    uint64_t max_cost_ns;
    uint64_t wait_ns; /* total of EDDY_STALL_WAIT */
    double mmu_1ms;   /* minimum mutator utilisation over windows of 1 ms, from costs */
} eddy_stall_summary;

/* Fills *summary with the stalls of one thread (`t`, own thread) or, with NULL, of all threads of `heap`, past ones
 * included; of one kind, or of all with EDDY_STALL_KINDS. Any thread, not a safepoint; takes a lock. Errors: EDDY_EINVAL (an
 * unknown kind), EDDY_ENOMEM. */
EDDY_API eddy_status eddy_stall_stats(eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind, eddy_stall_summary *summary);

/* Calls `visit` for each bucket of the histogram of wall times that is not empty, shortest first: `count` stalls of at
 * most `ns` and more than the previous bucket's. Threads and kinds as for eddy_stall_stats. Any thread, not a safepoint; takes a
 * lock, not held during the visits. Errors: EDDY_EINVAL (an unknown kind), EDDY_ENOMEM. */
EDDY_API eddy_status eddy_stall_each(eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind,
                                     void (*visit)(void *context, uint64_t ns, uint64_t count), void *context);

#ifdef __cplusplus
}
#endif

#endif
