/* Creating, configuring and destroying heaps. */
#ifndef EDDY_HEAP_H
#define EDDY_HEAP_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of eddy_config. */
enum {
    /* Do not scan C stacks: roots are frames of handles, root slots and retained references only. */
    EDDY_HEAP_PRECISE_ROOTS = 1u << 0,
    /* Accept, in conservative scans, words that point anywhere into an object (one past its end excluded),
     * not only at its beginning. Words with low-bit tags (low 4 bits) need this flag too. */
    EDDY_HEAP_INTERIOR_POINTERS = 1u << 1,
    /* No collector thread: epochs run only inside eddy_collect and eddy_collector_step. For tests and
     * single-threaded embedders who want to choose the moment. A full heap still triggers a collection. */
    EDDY_HEAP_MANUAL = 1u << 2,
    /* fork() prepares this heap by itself (fork.h). */
    EDDY_HEAP_ATFORK = 1u << 3,
    /* Do not look at the environment variable EDDY_OPTIONS (options.h). */
    EDDY_HEAP_IGNORE_ENVIRONMENT = 1u << 16,
    /* Print a line to standard error at the end of every epoch, and one for each thread that delays an epoch for longer than
     * late_thread_ms; options.h tells what they say. */
    EDDY_HEAP_LOG_EPOCHS = 1u << 17,
    /* Verify after every epoch, as eddy_verify does: counts are comparable only while nobody changes
     * references, so all threads stop at their next safepoint meanwhile, for several epochs and two walks through the heap.
     * A mismatch is reported to listeners (`corrupt` of events.h) or else to the misuse handler. For debugging.
     * On manual heaps eddy_collector_step verifies. */
    EDDY_HEAP_VERIFY_EPOCHS = 1u << 18
};

/* Configuration of a heap. Fill it with eddy_config_init, then change what you need. */
typedef struct eddy_config {
    size_t heap_limit;      /* bytes that blocks, large objects, logs and tables together may take; an eighth
                               is kept for logs and tables. Allocations wait, then fail, rather than exceed it; only
                               tables without which garbage could not be freed may, for the time of a
                               search. 0: no limit. At least 1 MiB otherwise */
    size_t soft_limit;      /* bytes in use (as of heap_limit, free blocks not counted) above which the collector works
                               harder: shorter distances of epochs, not below epoch_bytes_min, more searches for cycles, free
                               memory returned at once; and memory_low of events.h is called. Nothing waits or fails
                               because of it. 0: none. At least 1 MiB otherwise; from heap_limit on without effect */
    size_t reserve_bytes;   /* bytes of address space reserved for objects, the ceiling of the heap.
                               0: 64 GiB (or 4 times heap_limit if smaller, at least 256 MiB). Rounded up to 1 MiB */
    size_t epoch_bytes;     /* allocation between epochs at the start, bytes. 0: 8 MiB, or a sixteenth of a heap_limit
                               below 128 MiB. Adapted while running */
    size_t epoch_bytes_min; /* lower bound of the adaptation, bytes. 0: 4 MiB */
    size_t epoch_bytes_max; /* upper bound of the adaptation, bytes. 0: 64 MiB */
    size_t log_bytes_epoch; /* log bytes that trigger an epoch, at most: half the present distance of epochs if
                               that is less. 0: 2 MiB */
    size_t log_limit; /* log bytes at which stores wait for the collector. 0: 64 MiB, or an eighth of heap_limit */
    unsigned log_chunk_entries; /* entries of a log chunk. 0: fills the chunk (1022). At least 1 */
    unsigned idle_ms;           /* a program that has logged or allocated something, but too little to trigger an
                               epoch, gets one after so many milliseconds. 0: 100 */
    unsigned return_ms; /* free memory beyond one epoch's allocation that has not been needed for so many milliseconds goes
                               back to the system, at the end of the next epoch; what is free when the program comes to
                               rest goes back soon after. 0: 1000 */
    unsigned cycle_growth_percent; /* look for garbage cycles when counted memory has grown by so many percent
                               since the last search. 0: 30 */
    unsigned flags;                /* EDDY_HEAP_… */
    int collector_nice;            /* nice value added for the collector thread, 0 to 19 */
    unsigned late_thread_ms; /* a thread that delays an epoch for so many milliseconds, because it reaches no safepoint, is
                               reported: to listeners (late_thread of events.h); with EDDY_HEAP_LOG_EPOCHS on standard
                               error; in builds with EDDY_DEBUG there, too, the first one of a heap. 0: 1000 */
    const char *name;        /* for diagnostics and the collector thread's name; copied; may be NULL */
} eddy_config;

/* Sets every field to its default. Any thread, not a safepoint. */
EDDY_API void eddy_config_init(eddy_config *config);

/* Creates a heap and starts its collector thread (all signals blocked in it). `config` may be NULL for
 * the defaults; the environment may override it (options.h). On success *heap is set. Errors: EDDY_EINVAL (a field out of
 * range), EDDY_ENOMEM, EDDY_ESYSTEM (address space or thread creation refused); then *heap is NULL. Any thread, not a safepoint.
 * Cost: some system calls; address space is reserved, not memory. */
EDDY_API eddy_status eddy_heap_create(const eddy_config *config, eddy_heap **heap);

/* Destroys a heap: stops the collector thread and frees every object, whatever refers to it.
 * Fails with EDDY_EBUSY, changing nothing, while threads are attached. Any thread that is not
 * attached; not a safepoint. NULL is allowed and does nothing. Waits for the epoch in hand. Finalizers do not run
 * (eddy_finalize_all). Cost: in proportion to the heap. */
EDDY_API eddy_status eddy_heap_destroy(eddy_heap *heap);

/* Number of threads attached now. Any thread, not a safepoint. */
EDDY_API unsigned eddy_heap_threads(eddy_heap *heap);

/* Changes the heap limit (bytes, 0: none). Lowering it below what is in use makes allocations wait, and then fail,
 * until enough is freed. EDDY_EINVAL for a value below 1 MiB other than 0. Any thread, not a safepoint. */
EDDY_API eddy_status eddy_heap_set_limit(eddy_heap *heap, size_t bytes);

/* Changes the soft limit (bytes, 0: none) of eddy_config. EDDY_EINVAL for a value below 1 MiB other than 0. Any thread, not
 * a safepoint. */
EDDY_API eddy_status eddy_heap_set_soft_limit(eddy_heap *heap, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
