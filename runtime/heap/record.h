/* Recording events (include/eddy/record.h): rings, and who puts what into them.
 *
 * A ring has one producer (the thread it belongs to; for the collector's, whoever holds collector_lock) and one
 * consumer (the writing thread, or whoever starts and stops it while there is none). The producer never
 * waits: what finds no room is counted. Rings are made by the thread that starts a recording, or by a thread that
 * attaches meanwhile, and live as long as the record of the thread, so that a latecomer finds memory. */
#ifndef EDDY_RUNTIME_HEAP_RECORD_H
#define EDDY_RUNTIME_HEAP_RECORD_H

#include "eddy/record.h"
#include "runtime/heap/heap.h"

struct record_ring {
    eddy_record *slots; /* constant */
    uint32_t room;      /* constant, a power of two */
    char apart[52];
    uint64_t head;      /* producer, release: slots ever filled */
    uint64_t tail_seen; /* producer: `tail` when it last looked */
    uint64_t dropped;   /* producer, relaxed: records that found no room */
    char from[40];
    uint64_t tail;         /* consumer, release: slots ever emptied */
    uint64_t dropped_seen; /* consumer: what has been written of `dropped` */
};

enum { RECORD_BUFFER = 2048 }; /* slots that the writer takes at a time */

struct recorder {
    pthread_mutex_t lock; /* start and stop */
    bool started;         /* under lock: the thread has yet to be joined */
    pthread_t writer;
    uint32_t stop;                 /* futex: 1 when the writer is to end */
    uint32_t ring_events;          /* under registry_lock: room of the rings of this recording */
    struct record_ring *collector; /* made when first needed, under registry_lock; then constant */
    /* the writer, and whoever starts it */
    int file; /* -1: the callback */
    eddy_record_write_fn *write;
    void *context;
    uint64_t begun, deadline; /* UINT64_MAX: none */
    uint64_t records, dropped, bytes;
    int error;             /* errno of the first write that failed */
    eddy_record *attached; /* who was when it began, for the writer to write first */
    size_t attached_count;
    eddy_record buffer[RECORD_BUFFER];
    /* record_attach.c */
    uint32_t allowed;   /* any thread, relaxed */
    uint64_t polled_at; /* collector */
    char place[192];    /* the file that says that attaching is allowed; under lock, constant while allowed */
    /* record_env.c */
    struct eddy_heap *next_configured;
};

static inline bool eddy__recording(const eddy_heap *heap)
{
    return EDDY_UNLIKELY(EDDY_LOAD_ACQUIRE(&heap->recording) != 0);
}

/* ring.c. Producer: appends a record of `slots` slots, or counts it as dropped. NULL is a ring without room. */
void eddy__ring_put(struct record_ring *ring, const eddy_record *record);
/* Consumer: up to `most` slots, whole records only. */
uint32_t eddy__ring_take(struct record_ring *ring, eddy_record *to, uint32_t most);
/* Consumer: forgets what is in it. */
void eddy__ring_clear(struct record_ring *ring);
struct record_ring *eddy__ring_create(uint32_t room);
void eddy__ring_destroy(struct record_ring *ring);

/* recorder.c */
/* eddy_record_start, whose path is as it stands; `exclusive`: it must not exist. */
eddy_status eddy__record_begin(eddy_heap *heap, const eddy_record_options *options, bool exclusive);
struct recorder *eddy__recorder_create(void);
/* Stops what is being recorded; the collector has ended. */
void eddy__recorder_destroy(eddy_heap *heap);
/* Owner, `eddy__recording` having said yes: a stall. */
void eddy__record_stall(struct thread *t, eddy_record_stall kind, uint64_t begin, uint64_t length, uint64_t queued);
/* Owner, under registry_lock: it attaches, or detaches. */
void eddy__record_thread(struct thread *t, bool attached);
/* Collector: a record of its own. */
void eddy__record_collector(eddy_heap *heap, const eddy_record *record);

/* record_env.c: does what the environment asks for, when a heap has been made. */
void eddy__record_configured(eddy_heap *heap);
/* Before the heap's recorder goes: the environment's recording is not to be stopped at exit any more. */
void eddy__record_forget(eddy_heap *heap);

/* record_attach.c. Collector, at the end of an epoch: looks for a request, if that is allowed. */
void eddy__record_poll(eddy_heap *heap);
/* Whether the tool asks for the end of a recording that it asked for; any thread. */
bool eddy__record_asked_to_stop(const eddy_heap *heap);
void eddy__record_refuse_attach(eddy_heap *heap);

#endif
