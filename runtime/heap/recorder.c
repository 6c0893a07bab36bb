/* Recording: starting, stopping, and the thread that writes; see record.h and include/eddy/record.h.
 *
 * The writer empties the rings every few milliseconds, sooner when it finds them filling, and nobody waits for
 * it. `heap->recording` changes under registry_lock, as does the list of threads: who attaches sees it and has a
 * ring made, or is given one by whoever starts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/heap/record.h"

#define RING_USUAL 4096u
#define RING_LEAST 64u
#define RING_MOST (1u << 20)
#define COLLECTOR_RING 16384u
#define NAP_SHORT_NS UINT64_C(500000)
#define NAP_LONG_NS UINT64_C(20000000)
#define ASK_NS UINT64_C(100000000) /* between two looks for a request to stop */

_Static_assert(sizeof(eddy_record) == EDDY_RECORD_SLOT, "a record is a slot");
_Static_assert(sizeof(eddy_record_epoch) == 6 * EDDY_RECORD_SLOT, "an epoch is six slots");
_Static_assert(sizeof(eddy_record_header) == 64, "the header is two slots");

/* ---- producers ---- */

void eddy__record_stall(struct thread *t, eddy_record_stall kind, uint64_t begin, uint64_t length, uint64_t queued)
{
    const eddy_record record = {EDDY_RECORD_STALL, (uint8_t)kind, 1, t->number, begin, length, queued};
    eddy__ring_put(EDDY_LOAD_ACQUIRE(&t->ring), &record);
}

void eddy__record_thread(struct thread *t, bool attached)
{
    struct recorder *r = t->heap->recorder;
    if (!eddy__recording(t->heap))
        return;
    if (t->ring == NULL)
        EDDY_STORE_RELEASE(&t->ring, eddy__ring_create(r->ring_events));
    const eddy_record record = {EDDY_RECORD_THREAD, attached, 1, t->number, eddy__os_now(), 0, (uint64_t)t->tid};
    eddy__ring_put(t->ring, &record);
}

void eddy__record_collector(eddy_heap *heap, const eddy_record *record)
{
    eddy__ring_put(EDDY_LOAD_ACQUIRE(&heap->recorder->collector), record);
}

void eddy_record_event(eddy_thread *ft, unsigned kind, uint64_t begin, uint64_t length, uint64_t extra)
{
    struct thread *t = thread_of(ft);
    if (!eddy__recording(t->heap))
        return;
    const eddy_record record = {EDDY_RECORD_EVENT, (uint8_t)kind, 1, t->number, begin, length, extra};
    eddy__ring_put(EDDY_LOAD_ACQUIRE(&t->ring), &record);
}

uint64_t eddy_record_now(void)
{
    return eddy__os_now();
}

bool eddy_record_active(eddy_heap *heap)
{
    return eddy__recording(heap);
}

/* ---- the writer ---- */

static void write_bytes(struct recorder *r, const void *bytes, size_t count)
{
    if (r->error != 0)
        return;
    r->bytes += count;
    if (r->file < 0) {
        if (!r->write(r->context, bytes, count))
            r->error = ECANCELED;
        return;
    }
    for (const char *from = bytes; count != 0;) {
        ssize_t written = write(r->file, from, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            r->error = written < 0 ? errno : EIO;
            return;
        }
        from += written;
        count -= (size_t)written;
    }
}

static void write_record(struct recorder *r, const eddy_record *record)
{
    write_bytes(r, record, sizeof *record);
    r->records++;
}

/* Writes what is in a ring; in which 64th of its room it was. */
static unsigned drain(struct recorder *r, struct record_ring *ring, uint32_t thread)
{
    if (ring == NULL)
        return 0;
    uint64_t dropped = EDDY_LOAD_RELAXED(&ring->dropped), slots = 0;
    uint32_t taken;
    while (slots <= ring->room && (taken = eddy__ring_take(ring, r->buffer, RECORD_BUFFER)) != 0) {
        for (uint32_t i = 0; i < taken; i += r->buffer[i].slots)
            r->records++;
        write_bytes(r, r->buffer, (size_t)taken * sizeof r->buffer[0]);
        slots += taken;
    }
    if (dropped != ring->dropped_seen) {
        const eddy_record record = {EDDY_RECORD_DROPPED, 0, 1, thread, eddy__os_now(), 0, dropped - ring->dropped_seen};
        write_record(r, &record);
        r->dropped += dropped - ring->dropped_seen;
        ring->dropped_seen = dropped;
    }
    return (unsigned)(slots * 64 / ring->room);
}

static unsigned drain_all(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    unsigned most = drain(r, EDDY_LOAD_ACQUIRE(&r->collector), 0);
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&heap->threads); t != NULL; t = t->next) {
        unsigned filled = drain(r, EDDY_LOAD_ACQUIRE(&t->ring), t->number);
        if (filled > most)
            most = filled;
    }
    return most;
}

static void write_header(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    eddy_record_header header = {.version = EDDY_RECORD_VERSION, .header_bytes = sizeof header, .begun_ns = r->begun};
    memcpy(header.magic, EDDY_RECORD_MAGIC, sizeof header.magic);
    uint64_t since = eddy__os_now() - r->begun;
    header.begun_realtime_ns = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec - since;
    header.pid = (uint64_t)getpid();
    strncpy(header.heap, heap->name, sizeof header.heap - 1);
    write_bytes(r, &header, sizeof header);
}

static void *writer_main(void *argument)
{
    eddy_heap *heap = argument;
    struct recorder *r = heap->recorder;
    eddy__os_thread_setup("eddy record", 0);
    write_header(heap);
    for (size_t i = 0; i < r->attached_count; i++)
        write_record(r, &r->attached[i]);
    uint64_t nap = NAP_SHORT_NS, asked_at = r->begun;
    while (EDDY_LOAD_ACQUIRE(&r->stop) == 0) {
        unsigned filled = drain_all(heap);
        uint64_t now = eddy__os_now();
        bool asked = now - asked_at > ASK_NS && eddy__record_asked_to_stop(heap);
        if (now - asked_at > ASK_NS)
            asked_at = now;
        if (now >= r->deadline || asked || r->error != 0) {
            EDDY_STORE_RELEASE(&heap->recording, 0);
            break;
        }
        nap = filled >= 16 ? nap / 2 : filled < 4 ? nap * 2 : nap;
        nap = nap < NAP_SHORT_NS ? NAP_SHORT_NS : nap > NAP_LONG_NS ? NAP_LONG_NS : nap;
        eddy__os_wait(&r->stop, 0, r->deadline - now < nap ? r->deadline - now : nap);
    }
    drain_all(heap);
    const eddy_record end = {EDDY_RECORD_END, 0, 1, 0, eddy__os_now(), r->records + 1, r->dropped};
    write_record(r, &end);
    if (r->file >= 0 && close(r->file) != 0 && r->error == 0)
        r->error = errno;
    r->file = -1;
    return NULL;
}

/* ---- starting and stopping ---- */

/* Under lock and registry_lock: every attached thread has an empty ring, and so has the collector. */
static bool prepare_rings(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    if (r->collector == NULL)
        EDDY_STORE_RELEASE(&r->collector, eddy__ring_create(COLLECTOR_RING));
    if (r->collector == NULL)
        return false;
    eddy__ring_clear(r->collector);
    for (struct thread *t = heap->threads; t != NULL; t = t->next) {
        if (t->ring != NULL)
            eddy__ring_clear(t->ring);
        else if (t->life == RECORD_ATTACHED) {
            struct record_ring *ring = eddy__ring_create(r->ring_events);
            if (ring == NULL)
                return false;
            EDDY_STORE_RELEASE(&t->ring, ring);
        }
    }
    return true;
}

/* Under lock and registry_lock: notes who is attached; those that attach later say so themselves. */
static bool list_threads(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    free(r->attached);
    r->attached_count = 0;
    r->attached = malloc((heap->attached + 1) * sizeof *r->attached);
    if (r->attached == NULL)
        return false;
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        if (t->life == RECORD_ATTACHED)
            r->attached[r->attached_count++] =
                (eddy_record){EDDY_RECORD_THREAD, 1, 1, t->number, r->begun, 0, (uint64_t)t->tid};
    return true;
}

static eddy_status start_writer(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&r->writer, NULL, writer_main, heap);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    r->started = failed == 0;
    if (failed == 0)
        return EDDY_OK;
    EDDY_STORE_RELEASE(&heap->recording, 0);
    errno = failed;
    return EDDY_ESYSTEM;
}

/* Under lock: ends the writer, if there is one, and takes its place. */
static void end_writer(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    if (!r->started)
        return;
    EDDY_STORE_RELEASE(&heap->recording, 0);
    EDDY_STORE_RELEASE(&r->stop, 1);
    eddy__os_wake(&r->stop);
    pthread_join(r->writer, NULL);
    r->started = false;
}

static eddy_status begin_locked(eddy_heap *heap, const eddy_record_options *options, bool exclusive)
{
    struct recorder *r = heap->recorder;
    if (eddy__recording(heap))
        return EDDY_EBUSY;
    end_writer(heap); /* one that ended by itself */
    r->file = -1;
    if (options->path != NULL) {
        int how = O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL | O_NOFOLLOW : O_TRUNC);
        r->file = open(options->path, how, 0666);
        if (r->file < 0)
            return EDDY_ESYSTEM;
    }
    r->write = options->write;
    r->context = options->context;
    uint32_t wanted = options->ring_events != 0 ? options->ring_events : RING_USUAL;
    r->records = r->dropped = r->bytes = 0;
    r->error = 0;
    EDDY_STORE_RELAXED(&r->stop, 0);
    pthread_mutex_lock(&heap->registry_lock);
    for (r->ring_events = RING_LEAST; r->ring_events < wanted;)
        r->ring_events *= 2;
    r->begun = eddy__os_now();
    bool ready = prepare_rings(heap) && list_threads(heap);
    r->deadline = options->milliseconds ? r->begun + (uint64_t)options->milliseconds * 1000000u : UINT64_MAX;
    if (ready)
        EDDY_STORE_RELEASE(&heap->recording, 1);
    pthread_mutex_unlock(&heap->registry_lock);
    eddy_status status = ready ? start_writer(heap) : EDDY_ENOMEM;
    if (status != EDDY_OK && r->file >= 0) {
        int saved = errno;
        close(r->file);
        errno = saved;
    }
    return status;
}

eddy_status eddy__record_begin(eddy_heap *heap, const eddy_record_options *options, bool exclusive)
{
    if (options == NULL || (options->path == NULL) == (options->write == NULL)
        || (options->ring_events != 0 && (options->ring_events < RING_LEAST || options->ring_events > RING_MOST)))
        return EDDY_EINVAL;
    pthread_mutex_lock(&heap->recorder->lock);
    eddy_status status = begin_locked(heap, options, exclusive);
    pthread_mutex_unlock(&heap->recorder->lock);
    return status;
}

/* Replaces "%p" by the process id; false when there is no room. */
static bool expand(char *to, size_t room, const char *path)
{
    size_t used = 0;
    for (; *path != 0; path++) {
        int more = 1;
        if (path[0] == '%' && path[1] == 'p') {
            more = snprintf(to + used, room - used, "%ld", (long)getpid());
            path++;
        } else if (used + 1 < room) {
            to[used] = *path;
        }
        used += (size_t)more;
        if (used >= room)
            return false;
    }
    to[used] = 0;
    return true;
}

eddy_status eddy_record_start(eddy_heap *heap, const eddy_record_options *options)
{
    if (options == NULL || options->path == NULL)
        return eddy__record_begin(heap, options, false);
    char path[4096];
    if (!expand(path, sizeof path, options->path))
        return EDDY_EINVAL;
    eddy_record_options expanded = *options;
    expanded.path = path;
    return eddy__record_begin(heap, &expanded, false);
}

eddy_status eddy_record_stop(eddy_heap *heap, eddy_record_summary *summary)
{
    struct recorder *r = heap->recorder;
    pthread_mutex_lock(&r->lock);
    eddy_status status = r->started ? EDDY_OK : EDDY_EINVAL;
    end_writer(heap);
    if (status == EDDY_OK && summary != NULL)
        *summary = (eddy_record_summary){r->records, r->dropped, r->bytes};
    int error = r->error;
    pthread_mutex_unlock(&r->lock);
    if (status == EDDY_OK && error != 0) {
        errno = error;
        return EDDY_ESYSTEM;
    }
    return status;
}

struct recorder *eddy__recorder_create(void)
{
    struct recorder *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->file = -1;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void eddy__recorder_destroy(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    if (r == NULL)
        return;
    eddy__record_forget(heap);
    eddy__record_refuse_attach(heap);
    eddy_record_stop(heap, NULL);
    eddy__ring_destroy(r->collector);
    free(r->attached);
    pthread_mutex_destroy(&r->lock);
    free(r);
    heap->recorder = NULL;
}
