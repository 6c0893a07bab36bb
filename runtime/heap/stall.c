/* Stall recorder; see stall.h. Histograms by HdrHistogram_c. The minimum mutator utilisation is the
 * definition of Cheng and Blelloch (PLDI 2001), for windows of 1 ms that end with a stall. */
#include "runtime/heap/stall.h"

#include <hdr_histogram.h>
#include <string.h>

#include "runtime/heap/events.h"
#include "runtime/heap/memory.h"
#include "runtime/heap/record.h"

#define RING 128
#define WINDOW_NS UINT64_C(1000000)
#define WINDOW_STALLS 256
#define WINDOW_MERGE_NS 8000 /* stalls within so short a time are kept as one */
#define LONG_NS 20000        /* stalls from here on get their run-queue delay subtracted */
#define BASELINE_AGE_NS WINDOW_NS
#define INNER (UINT64_C(1) << 63) /* in what begin returns: of a stall inside another */
#define HIGHEST_NS INT64_C(100000000000)

struct stall_event {
    uint64_t end, wall, cost;
    eddy_stall_kind kind;
};

struct stall_record {
    /* owner */
    struct stall_event ring[RING];
    unsigned ring_count;
    uint64_t waited; /* waits inside the stall that is being timed */
    uint64_t delay;  /* run-queue delay at `delay_at` */
    uint64_t delay_at;
    uint64_t clock;       /* what a stall that has just begun has read, for a part that begins with it; else 0 */
    uint64_t delay_inner; /* run-queue delay when a stall inside another last looked; `delay` at first */
    int schedstat;
    /* under lock */
    pthread_mutex_t lock;
    struct hdr_histogram *wall[EDDY_STALL_KINDS];
    uint64_t total[EDDY_STALL_KINDS];
    uint64_t max_cost[EDDY_STALL_KINDS];
    /* stalls of the last WINDOW_NS, by end and cost; worst: the most that any window lost */
    struct {
        uint64_t first_end, end, cost;
    } window[WINDOW_STALLS];
    unsigned window_first, window_count;
    uint64_t window_sum, worst;
};

struct stall_record *eddy__stalls_create(eddy_heap *heap)
{
    struct stall_record *r = eddy__internal_alloc(heap, sizeof *r);
    if (r == NULL)
        return NULL;
    r->schedstat = -1;
    pthread_mutex_init(&r->lock, NULL);
    for (int kind = 0; kind < EDDY_STALL_KINDS; kind++)
        if (hdr_init(1, HIGHEST_NS, 2, &r->wall[kind]) != 0) {
            eddy__stalls_destroy(heap, r);
            return NULL;
        }
    return r;
}

void eddy__stalls_destroy(eddy_heap *heap, struct stall_record *r)
{
    if (r == NULL)
        return;
    for (int kind = 0; kind < EDDY_STALL_KINDS; kind++)
        if (r->wall[kind] != NULL)
            hdr_close(r->wall[kind]);
    eddy__os_run_delay_close(&r->schedstat);
    pthread_mutex_destroy(&r->lock);
    eddy__internal_free(heap, r, sizeof *r);
}

/* ---- owner ---- */

static void append(struct stall_record *r, eddy_stall_kind kind, uint64_t end, uint64_t wall, uint64_t cost)
{
    if (r->ring_count == RING)
        return; /* a reader has held the lock for hundreds of events: these are not counted */
    r->ring[r->ring_count++] = (struct stall_event){end, wall, cost, kind};
}

static void window_add(struct stall_record *r, uint64_t end, uint64_t cost)
{
    while (r->window_count > 0 && (r->window[r->window_first].end + WINDOW_NS <= end || r->window_count == WINDOW_STALLS)) {
        r->window_sum -= r->window[r->window_first].cost;
        r->window_first = (r->window_first + 1) % WINDOW_STALLS;
        r->window_count--;
    }
    unsigned last = (r->window_first + r->window_count - 1) % WINDOW_STALLS;
    if (r->window_count != 0 && end - r->window[last].first_end < WINDOW_MERGE_NS) {
        r->window[last].end = end;
        r->window[last].cost += cost;
    } else {
        unsigned slot = (r->window_first + r->window_count++) % WINDOW_STALLS;
        r->window[slot].first_end = r->window[slot].end = end;
        r->window[slot].cost = cost;
    }
    r->window_sum += cost;
    /* the oldest stall may lie partly outside the window */
    uint64_t sum = r->window_sum, start = end - WINDOW_NS;
    uint64_t oldest_begin = r->window[r->window_first].end - r->window[r->window_first].cost;
    if (oldest_begin < start)
        sum -= start - oldest_begin;
    if (sum > WINDOW_NS)
        sum = WINDOW_NS;
    if (sum > r->worst)
        r->worst = sum;
}

static void empty_ring(struct stall_record *r)
{
    for (unsigned i = 0; i < r->ring_count; i++) {
        const struct stall_event *e = &r->ring[i];
        hdr_record_value(r->wall[e->kind], e->wall < 1 ? 1 : (int64_t)e->wall);
        r->total[e->kind] += e->wall;
        if (e->cost > r->max_cost[e->kind])
            r->max_cost[e->kind] = e->cost;
        window_add(r, e->end, e->cost);
    }
    r->ring_count = 0;
}

void eddy__stalls_flush(struct thread *t)
{
    struct stall_record *r = t->stalls;
    if (r->ring_count != 0 && pthread_mutex_trylock(&r->lock) == 0) {
        empty_ring(r);
        pthread_mutex_unlock(&r->lock);
    }
}

uint64_t eddy__stall_begin(struct thread *t)
{
    struct stall_record *r = t->stalls;
    if (t->stalled)
        return eddy__recording(t->heap) ? (r->clock = eddy__os_now()) | INNER : 0;
    t->stalled = true;
    EVENT(t->heap, stall_begin, &t->fast, EDDY_STALL_KINDS);
    r->waited = 0;
    uint64_t now = r->clock = eddy__os_now();
    if (now - r->delay_at > BASELINE_AGE_NS) {
        r->delay = eddy__os_run_delay(&r->schedstat);
        r->delay_at = now;
    }
    r->delay_inner = r->delay;
    return now;
}

/* A stall inside another: only recordings show it. */
static void end_inner(struct thread *t, eddy_record_stall what, uint64_t begun)
{
    if (!eddy__recording(t->heap))
        return;
    struct stall_record *r = t->stalls;
    uint64_t wall = eddy__os_now() - begun, queued = 0;
    r->clock = 0;
    if (wall > LONG_NS) {
        uint64_t delay = eddy__os_run_delay(&r->schedstat);
        queued = delay - r->delay_inner;
        r->delay_inner = delay;
    }
    eddy__record_stall(t, what, begun, wall, queued < wall ? queued : wall);
}

uint64_t eddy__stall_part_begin(struct thread *t)
{
    if (!eddy__recording(t->heap))
        return 0;
    return t->stalls->clock != 0 ? t->stalls->clock : eddy__os_now();
}

void eddy__stall_part_end(struct thread *t, eddy_record_stall what, uint64_t begun)
{
    if (begun != 0)
        end_inner(t, what, begun);
}

/* Where a kind of recordings counts. */
static eddy_stall_kind kind_of(eddy_record_stall what)
{
    if (what == EDDY_RECORD_HANDSHAKE || what == EDDY_RECORD_NATIVE || what == EDDY_RECORD_STACK_SCAN)
        return EDDY_STALL_HANDSHAKE;
    return EDDY_STALL_SLOW_PATH;
}

void eddy__stall_end(struct thread *t, eddy_record_stall what, uint64_t begun)
{
    if (begun == 0)
        return;
    if (begun & INNER) {
        end_inner(t, what, begun & ~INNER);
        return;
    }
    t->stalled = false;
    struct stall_record *r = t->stalls;
    uint64_t now = eddy__os_now();
    r->clock = 0;
    uint64_t wall = now - begun;
    wall = wall > r->waited ? wall - r->waited : 0;
    uint64_t cost = wall, queued = 0;
    if (wall > LONG_NS) {
        uint64_t delay = eddy__os_run_delay(&r->schedstat);
        queued = delay - r->delay;
        cost = wall > queued ? wall - queued : 0;
        r->delay = delay;
        r->delay_at = now;
    }
    append(r, kind_of(what), now, wall, cost);
    if (eddy__recording(t->heap))
        eddy__record_stall(t, what, begun, now - begun, queued < wall ? queued : wall);
    if (r->ring_count >= RING / 2)
        eddy__stalls_flush(t);
    EVENT(t->heap, stall_end, &t->fast, kind_of(what), wall);
}

uint64_t eddy__stall_wait_begin(struct thread *t)
{
    EVENT(t->heap, stall_begin, &t->fast, EDDY_STALL_WAIT);
    return t->stalls->clock = eddy__os_now();
}

void eddy__stall_wait(struct thread *t, eddy_record_stall what, uint64_t begun, uint64_t nanoseconds)
{
    if (eddy__recording(t->heap))
        eddy__record_stall(t, what, begun, nanoseconds, 0);
    t->stalls->clock = 0;
    t->stalls->waited += nanoseconds;
    append(t->stalls, EDDY_STALL_WAIT, begun + nanoseconds, nanoseconds, nanoseconds);
    EVENT(t->heap, stall_end, &t->fast, EDDY_STALL_WAIT, nanoseconds);
}

/* ---- forks ---- */

void eddy__stalls_lock(struct stall_record *r)
{
    pthread_mutex_lock(&r->lock);
}

void eddy__stalls_unlock(struct stall_record *r)
{
    pthread_mutex_unlock(&r->lock);
}

void eddy__stalls_after_fork(struct stall_record *r, bool gone)
{
    if (gone)
        r->ring_count = 0;
    eddy__os_run_delay_close(&r->schedstat); /* it is that of a thread of the parent */
    r->delay_at = 0;
}

/* ---- readers ---- */

void eddy__stalls_merge(struct stall_record *into, struct stall_record *from)
{
    pthread_mutex_lock(&from->lock);
    pthread_mutex_lock(&into->lock);
    empty_ring(from);
    for (int kind = 0; kind < EDDY_STALL_KINDS; kind++) {
        hdr_add(into->wall[kind], from->wall[kind]);
        hdr_reset(from->wall[kind]);
        into->total[kind] += from->total[kind];
        from->total[kind] = 0;
        if (from->max_cost[kind] > into->max_cost[kind])
            into->max_cost[kind] = from->max_cost[kind];
        from->max_cost[kind] = 0;
    }
    if (from->worst > into->worst)
        into->worst = from->worst;
    from->worst = from->window_sum = 0;
    from->window_count = 0;
    eddy__os_run_delay_close(&from->schedstat); /* it is that of the thread that ends */
    from->delay_at = 0;
    pthread_mutex_unlock(&into->lock);
    pthread_mutex_unlock(&from->lock);
}

/* Sums of the records that a query asks for. */
struct sums {
    struct hdr_histogram *wall;
    uint64_t total, wait, max_cost, worst;
};

static void add_record(struct sums *sums, struct stall_record *r, eddy_stall_kind kind)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    for (int k = 0; k < EDDY_STALL_KINDS; k++) {
        if (kind != EDDY_STALL_KINDS && k != (int)kind)
            continue;
        hdr_add(sums->wall, r->wall[k]);
        sums->total += r->total[k];
        if (r->max_cost[k] > sums->max_cost)
            sums->max_cost = r->max_cost[k];
    }
    sums->wait += r->total[EDDY_STALL_WAIT];
    if (r->worst > sums->worst)
        sums->worst = r->worst;
    pthread_mutex_unlock(&r->lock);
}

static eddy_status sum_up(eddy_heap *heap, eddy_thread *ft, eddy_stall_kind kind, struct sums *sums)
{
    memset(sums, 0, sizeof *sums);
    if (kind < 0 || kind > EDDY_STALL_KINDS)
        return EDDY_EINVAL;
    if (hdr_init(1, HIGHEST_NS, 2, &sums->wall) != 0)
        return EDDY_ENOMEM;
    if (ft != NULL) {
        eddy__stalls_flush(thread_of(ft));
        add_record(sums, thread_of(ft)->stalls, kind);
        return EDDY_OK;
    }
    pthread_mutex_lock(&heap->registry_lock);
    add_record(sums, heap->past_stalls, kind);
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        add_record(sums, t->stalls, kind);
    pthread_mutex_unlock(&heap->registry_lock);
    return EDDY_OK;
}

eddy_status eddy_stall_stats(eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind, eddy_stall_summary *s)
{
    struct sums sums;
    eddy_status status = sum_up(heap, t, kind, &sums);
    if (status != EDDY_OK)
        return status;
    memset(s, 0, sizeof *s);
    s->count = (uint64_t)sums.wall->total_count;
    if (s->count != 0) {
        s->p50_ns = (uint64_t)hdr_value_at_percentile(sums.wall, 50);
        s->p99_ns = (uint64_t)hdr_value_at_percentile(sums.wall, 99);
        s->p999_ns = (uint64_t)hdr_value_at_percentile(sums.wall, 99.9);
        s->p9999_ns = (uint64_t)hdr_value_at_percentile(sums.wall, 99.99);
        s->max_ns = (uint64_t)hdr_max(sums.wall);
    }
    s->total_ns = sums.total;
    s->max_cost_ns = sums.max_cost;
    s->wait_ns = sums.wait;
    s->mmu_1ms = 1.0 - (double)sums.worst / (double)WINDOW_NS;
    hdr_close(sums.wall);
    return EDDY_OK;
}

eddy_status eddy_stall_each(eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind,
                            void (*visit)(void *context, uint64_t ns, uint64_t count), void *context)
{
    struct sums sums;
    eddy_status status = sum_up(heap, t, kind, &sums);
    if (status != EDDY_OK)
        return status;
    struct hdr_iter iter;
    hdr_iter_recorded_init(&iter, sums.wall);
    while (hdr_iter_next(&iter))
        visit(context, (uint64_t)iter.highest_equivalent_value, (uint64_t)iter.count);
    hdr_close(sums.wall);
    return EDDY_OK;
}
