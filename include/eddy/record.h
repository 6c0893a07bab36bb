/* Recording: what took time from each thread, and what the collector did, event by event.
 *
 * A recording is a stream of bytes, to a file or to a callback, written by a thread of its own: threads only
 * put an event into a ring of their own, and what finds the ring full is counted and dropped. Off by default; while it is off
 * it costs one load on paths that are timed anyway, and nothing on the inline ones. While it is on, an event costs
 * its thread some tens of nanoseconds, one more clock reading or two if it lies inside another event, and each
 * attached thread has a ring (ring_events times 32 bytes, kept until the heap is destroyed).
 *
 * The environment variable EDDY_RECORD switches it on without a change to the program: see eddy_record_start.
 * The command eddy-pause makes reports of recordings (docs/pause.md).
 *
 * Format, version 1. Numbers are little-endian; times are nanoseconds of the monotonic clock (CLOCK_MONOTONIC).
 * An eddy_record_header, then records. Each record is as long as its `slots` say, in units of 32 bytes; readers
 * skip types and kinds they do not know. Records of one thread are in the order in which their events *ended*;
 * those of different threads are not ordered. The last record is an EDDY_RECORD_END: a file without one has been cut short. */
#ifndef EDDY_RECORD_H
#define EDDY_RECORD_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EDDY_RECORD_MAGIC "EDDYREC\n"
#define EDDY_RECORD_VERSION 1u
#define EDDY_RECORD_SLOT 32u /* bytes */

/* The beginning of a recording. */
typedef struct eddy_record_header {
    char magic[8];              /* EDDY_RECORD_MAGIC without the final zero */
    uint32_t version;           /* EDDY_RECORD_VERSION */
    uint32_t header_bytes;      /* the first record begins here; at least 64 */
    uint64_t begun_ns;          /* when the recording began */
    uint64_t begun_realtime_ns; /* the same moment, nanoseconds since 1970 */
    uint64_t pid;
    char heap[24]; /* the heap's name, filled up with zeros */
} eddy_record_header;

/* Types of records. */
typedef enum eddy_record_type {
    EDDY_RECORD_STALL = 1, /* something took time from a thread. kind: eddy_record_stall; extra: how much of it the
                                thread stood in the run queue (looked at for stalls above 20 us; waits count in full) */
    EDDY_RECORD_PHASE = 2, /* the collector did something. kind: eddy_record_phase; extra: work done */
    EDDY_RECORD_EPOCH = 3, /* an epoch has been processed: an eddy_record_epoch */
    EDDY_RECORD_THREAD = 4, /* kind 1: a thread has attached, or was when the recording began; 0: it detaches. extra: its id
                                for the operating system. Numbers are used again */
    EDDY_RECORD_DROPPED = 5, /* the ring was full: `extra` events of the thread are missing here */
    EDDY_RECORD_EVENT = 6,   /* from eddy_record_event; kind and extra are the program's */
    EDDY_RECORD_TEXT = 7,    /* kind 0: "name=value" about the run. The text begins after the first 8 bytes and is
                                filled up with zeros. Written by tools */
    EDDY_RECORD_GAP = 8, /* a control thread (number `thread`) that only reads the clock was interrupted. extra: of this,
                                in the run queue. Written by tools */
    EDDY_RECORD_END = 9  /* the end. length_ns: records in the file; extra: events dropped in all */
} eddy_record_type;

/* What took the time. Events nest: inside a slow path there may be a handshake or a wait. Inner ones come first. */
typedef enum eddy_record_stall {
    EDDY_RECORD_HANDSHAKE = 0, /* a thread's step into the next epoch, scan of its stack included */
    EDDY_RECORD_STACK_SCAN,    /* copying roots, part of a handshake or of a native region's entry */
    EDDY_RECORD_ALLOC,         /* finding the next block of free cells */
    EDDY_RECORD_LARGE,         /* allocating a large object */
    EDDY_RECORD_LOG,           /* finding the next log chunk */
    EDDY_RECORD_NATIVE,        /* entering or leaving a native region */
    EDDY_RECORD_WAIT_MEMORY,   /* waiting because memory had run out */
    EDDY_RECORD_WAIT_LOG,      /* waiting because log space had run out */
    EDDY_RECORD_PACING,        /* a short sleep because the collector lags */
    EDDY_RECORD_VERIFY,        /* held by eddy_verify */
    EDDY_RECORD_FINALIZER,     /* running finalizers on a thread that allocates */
    EDDY_RECORD_STALLS
} eddy_record_stall;

/* What the collector did, in the order of an epoch. `extra` counts what is in brackets. */
typedef enum eddy_record_phase {
    EDDY_RECORD_RENDEZVOUS = 0, /* until every thread had passed its handshake */
    EDDY_RECORD_INCS,           /* roots and increments, promotion [increments] */
    EDDY_RECORD_DECS,           /* decrements and what they freed [decrements] */
    EDDY_RECORD_CYCLE_TEST,     /* tests of garbage cycles, freeing them [decrements] */
    EDDY_RECORD_SWEEP,          /* young blocks; sorting them into pools [blocks] */
    EDDY_RECORD_CYCLE_SLICE,    /* a slice of the search for cycles [candidates found] */
    EDDY_RECORD_FINISH,         /* giving memory back, statistics */
    EDDY_RECORD_PHASES
} eddy_record_phase;

/* Kinds of eddy_record_event that tools know; 128 to 255 are the program's own. */
enum {
    EDDY_RECORD_REQUEST = 1, /* a request of a server. begin: when it should have begun; length: until its end; extra: the
                                part of that in which it was worked on */
    EDDY_RECORD_MEASURED = 2 /* what a report is to be about: other times are preparation. Whole run, if there is none */
};

/* A record; longer ones begin with it. */
typedef struct eddy_record {
    uint8_t type, kind;
    uint16_t slots;  /* length of the record in units of 32 bytes */
    uint32_t thread; /* number of the thread's record, 1 upwards; 0: the collector */
    uint64_t begin_ns;
    uint64_t length_ns;
    uint64_t extra;
} eddy_record;

/* EDDY_RECORD_EPOCH: six slots. Counters as in eddy_stats, since the heap was made; gauges at the epoch's end. */
typedef struct eddy_record_epoch {
    eddy_record base;         /* begin, length: from asking for the epoch to its end; extra: its number */
    uint64_t allocated_bytes; /* in the time before this epoch */
    uint64_t promoted_bytes;  /* of which became counted in this epoch */
    uint64_t allocated_total; /* counter */
    uint64_t live_bytes, live_objects;
    uint64_t committed_bytes, peak_committed_bytes, overhead_bytes, free_bytes, log_bytes;
    uint64_t epoch_bytes;                           /* distance to the next */
    uint64_t incs, decs, promotions, objects_freed; /* counters, as all that follow */
    uint64_t cycle_nodes, cycles_freed, cycle_objects_freed;
    uint64_t collector_cpu_ns; /* CPU time of the epochs that were recorded */
    uint64_t handshakes;       /* by threads and on their behalf */
} eddy_record_epoch;

/* Receives a recording piece by piece, on the thread that writes it. False ends the recording. Must not call functions of
 * this header. */
typedef bool eddy_record_write_fn(void *context, const void *bytes, size_t count);

/* How to record. Zero bytes are the defaults; exactly one of path and write is needed. */
typedef struct eddy_record_options {
    const char *path;            /* a file, made or overwritten; "%p" in it becomes the process id */
    eddy_record_write_fn *write; /* or a function, called with `context` */
    void *context;
    unsigned ring_events;  /* events that a thread's ring holds, rounded up to a power of two. 0: 4096. From 64 to 2^20.
                                    A thread keeps the ring of an earlier recording */
    unsigned milliseconds; /* ends by itself after so long. 0: when it is stopped */
} eddy_record_options;

/* What a recording was. */
typedef struct eddy_record_summary {
    uint64_t records; /* written */
    uint64_t dropped; /* events that found a ring full */
    uint64_t bytes;
} eddy_record_summary;

/* Starts recording. Errors, changing nothing: EDDY_EINVAL (options out of range), EDDY_EBUSY (a recording is being made),
 * EDDY_ENOMEM, EDDY_ESYSTEM (the file or the thread: see errno). Any thread, not a safepoint; takes the lock of attaching threads.
 *
 * A heap also starts it by itself, when it is made, if the environment has EDDY_RECORD=PATH (further heaps of the process
 * write to PATH.2, PATH.3, ...; a failure is reported on standard error and nothing else), and stops it when the heap is
 * destroyed or the process calls exit. EDDY_RECORD=attach allows eddy-pause attach, as eddy_record_allow_attach does. */
EDDY_API eddy_status eddy_record_start(eddy_heap *heap, const eddy_record_options *options);

/* Stops recording when everything recorded so far has been written. *summary (may be NULL) is filled in. Errors: EDDY_EINVAL
 * (none was started, or it has been stopped), EDDY_ESYSTEM (not everything could be written: see errno). A recording that
 * ended by itself is stopped, too. Destroying the heap stops it. Any thread but the callback's; not a safepoint; waits for
 * the writing thread. */
EDDY_API eddy_status eddy_record_stop(eddy_heap *heap, eddy_record_summary *summary);

/* Whether events are being recorded now. Any thread, not a safepoint. */
EDDY_API bool eddy_record_active(eddy_heap *heap);

/* Records an event of the program's own, `kind` up to 255 (of larger ones the low 8 bits), which began at `begin_ns` of
 * eddy_record_now. Own thread only; not a safepoint; never waits. Does nothing while
 * nothing is recorded. Cost: below 50 ns. */
EDDY_API void eddy_record_event(eddy_thread *t, unsigned kind, uint64_t begin_ns, uint64_t length_ns, uint64_t extra);

/* The clock of recordings (CLOCK_MONOTONIC), nanoseconds. Any thread, not a safepoint. */
EDDY_API uint64_t eddy_record_now(void);

/* Allows (or no longer) that a process of the same user starts a recording: `eddy-pause attach PID`. Makes a file in a
 * directory that belongs to the user alone ($XDG_RUNTIME_DIR/eddy, else /tmp/eddy-UID). The collector looks for a request at
 * the end of an epoch, at most every 50 ms: one system call. EDDY_ESYSTEM when that directory cannot be made, or is not the
 * user's own (errno). Any thread, not a safepoint. */
EDDY_API eddy_status eddy_record_allow_attach(eddy_heap *heap, bool allowed);

#ifdef __cplusplus
}
#endif

#endif
