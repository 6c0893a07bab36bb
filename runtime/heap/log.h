/* Logs: single-producer, single-consumer streams of entries in chained chunks.
 *
 * The owner pushes; the collector consumes. An inc log may be consumed as far as `tail` at any time (I5);
 * a dec log up to a mark that a handshake recorded. An entry is an object address; its low bits say
 * more (ENTRY_RETAIN). A log never drops an entry: log_reserve makes room before the first step of an
 * operation, and is the only place that may wait. */
#ifndef EDDY_RUNTIME_HEAP_LOG_H
#define EDDY_RUNTIME_HEAP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eddy/atomic.h"
#include "runtime/heap/mutants.h"

#define LOG_CHUNK_BYTES 8192
#define LOG_CHUNK_ENTRIES ((LOG_CHUNK_BYTES - 2 * sizeof(void *)) / sizeof(uintptr_t))

#define ENTRY_RETAIN ((uintptr_t)1)    /* the count operation is an eddy_retain or eddy_release */
#define ENTRY_COUNTED ((uintptr_t)2)   /* the object's header was seen to say "counted": no need to look at it again */
#define ENTRY_PERMANENT ((uintptr_t)8) /* inc logs: the object has been born permanent */
#define ENTRY_MASK ((uintptr_t)15)

struct log_chunk {
    struct log_chunk *next; /* producer: release, after `end`; NULL while this is the last chunk */
    uintptr_t *end;         /* producer: where the entries of a chunk that has a successor end */
    uintptr_t entries[LOG_CHUNK_ENTRIES];
};

struct log {
    /* producer's, read by nobody else, except that the collector reads `next` (relaxed) when it
     * performs a handshake on the producer's behalf */
    uintptr_t *next;  /* where the next entry goes */
    uintptr_t *limit; /* end of the room in `chunk`; equal to `next` after a handshake, so that the first
                         push afterwards takes the slow path and is noticed as activity */
    struct log_chunk *chunk;
    struct log_chunk *spare; /* reserved chunks, linked by `next` */
    unsigned spares;
    uintptr_t *tail; /* published end (release); inc logs only */
    /* consumer's */
    struct log_chunk *head;
    uintptr_t *read;
};

static inline bool log_in_chunk(const struct log_chunk *chunk, const uintptr_t *p)
{
    return (uintptr_t)p - (uintptr_t)chunk - 1 < LOG_CHUNK_BYTES;
}

/* Owner: appends one entry; there is room (log_reserve). `next` after the entry: a fork may stop the thread in between. */
static inline void log_push(struct log *log, uintptr_t entry)
{
    if (MUTANT(MUTANT_LATE_ENTRY))
        STORE_LATE(log->next, entry);
    else
        EDDY_STORE_RELAXED(log->next, entry);
    EDDY_STORE_RELAXED(&log->next, log->next + 1);
}

/* Owner, inc logs: makes what was pushed visible to the collector. */
static inline void log_publish(struct log *log)
{
    if (MUTANT(MUTANT_LATE_ENTRY))
        EDDY_STORE_RELAXED(&log->tail, log->next);
    else
        EDDY_STORE_RELEASE(&log->tail, log->next);
}

/* Owner: moves to the next reserved chunk, or reopens the present one after a handshake, when
 * next == limit. There is room. */
void eddy__log_advance(struct log *log, unsigned chunk_entries);

/* Collector: the next contiguous entries up to `stop`, or to the published tail when `stop` is NULL.
 * Returns how many, with *from at the first; the caller advances `read`. Returns 0 with *done
 * set (else NULL) when a chunk has been read to its end: give it back and call again. */
size_t eddy__log_span(struct log *log, const uintptr_t *stop, uintptr_t **from, struct log_chunk **done);

#endif
