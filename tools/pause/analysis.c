/* Figures of a recording; see analysis.h. */
#include "analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const uint64_t mmu_windows[MMU_WINDOWS] = {1000000, 10000000, 100000000};

/* ---- times ---- */

void times_add(struct times *times, uint64_t ns, uint64_t queued)
{
    times->ns = grow(times->ns, times->count, &times->room, sizeof *times->ns);
    times->ns[times->count++] = ns;
    times->total += ns;
    uint64_t cost = ns > queued ? ns - queued : 0;
    times->max_cost = cost > times->max_cost ? cost : times->max_cost;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void times_sort(struct times *times)
{
    if (times->count != 0)
        qsort(times->ns, times->count, sizeof *times->ns, by_size);
}

uint64_t times_percentile(const struct times *times, double share)
{
    if (times->count == 0)
        return 0;
    double rank = ceil(share * (double)times->count - 1e-9);
    size_t index = rank < 1 ? 0 : (size_t)rank - 1;
    return times->ns[index < times->count ? index : times->count - 1];
}

/* ---- parts ---- */

static void find_measured(struct analysis *a, bool whole)
{
    const struct recording *r = a->recording;
    uint64_t from = UINT64_MAX, to = 0;
    for (size_t i = 0; i < r->event_count && !whole; i++) {
        const struct event *event = &r->events[i];
        if (event->kind != EDDY_RECORD_MEASURED)
            continue;
        from = event->begin < from ? event->begin : from;
        to = event->begin + event->length > to ? event->begin + event->length : to;
    }
    a->from = to != 0 ? from : 0;
    a->to = to != 0 ? to : r->end;
    a->seconds = (double)(a->to - a->from) * 1e-9;
}

static bool measured(const struct analysis *a, uint64_t begin, uint64_t length)
{
    return begin + length > a->from && begin < a->to;
}

static void add_stalls(struct analysis *a)
{
    const struct recording *r = a->recording;
    for (size_t i = 0; i < r->stall_count; i++) {
        const struct stall *s = &r->stalls[i];
        if (!measured(a, s->begin, s->length))
            continue;
        times_add(&a->kinds[s->kind], s->self, s->queued);
        if (s->outer)
            times_add(&a->all, s->length, s->queued);
    }
    for (int kind = 0; kind < EDDY_RECORD_STALLS; kind++)
        times_sort(&a->kinds[kind]);
    times_sort(&a->all);
}

static void add_events(struct analysis *a)
{
    const struct recording *r = a->recording;
    for (size_t i = 0; i < r->event_count; i++) {
        const struct event *event = &r->events[i];
        if (event->kind != EDDY_RECORD_REQUEST || !measured(a, event->begin, event->length))
            continue;
        times_add(&a->requests, event->length, 0);
        times_add(&a->service, event->extra, 0);
    }
    times_sort(&a->requests);
    times_sort(&a->service);
}

static void add_control(struct analysis *a)
{
    const struct recording *r = a->recording;
    const char *share = recording_note(r, "control_share");
    double watched = share == NULL ? 0 : strtod(share, NULL);
    a->control_seconds = a->seconds * watched;
    a->control.from = a->from;
    a->control.to = a->to;
    for (size_t i = 0; i < r->gap_count; i++) {
        const struct gap *gap = &r->gaps[i];
        if (!measured(a, gap->begin, gap->length))
            continue;
        times_add(&a->gaps, gap->length, gap->queued);
        lost_add(&a->control, gap->begin, gap->begin + gap->length);
    }
    times_sort(&a->gaps);
    lost_sum(&a->control);
}

static void add_utilisation(struct analysis *a)
{
    const struct recording *r = a->recording;
    a->cost = need(calloc(r->life_count + 1, sizeof *a->cost));
    a->wall = need(calloc(r->life_count + 1, sizeof *a->wall));
    size_t of_thread[65536];
    memset(of_thread, 0xff, sizeof of_thread);
    size_t *lives = need(malloc((r->life_count + 1) * sizeof *lives)),
           *before = need(malloc((r->life_count + 1) * sizeof *before));
    for (size_t i = 0; i < r->life_count; i++) {
        const struct life *life = &r->lives[i];
        if (life->end <= a->from || life->begin >= a->to)
            continue;
        struct lost range = {.from = life->begin > a->from ? life->begin : a->from,
                             .to = life->end < a->to ? life->end : a->to};
        lives[a->thread_count] = i;
        before[a->thread_count] = of_thread[life->thread];
        of_thread[life->thread] = a->thread_count;
        a->cost[a->thread_count] = a->wall[a->thread_count] = range;
        a->thread_count++;
    }
    for (size_t i = 0; i < r->stall_count; i++) {
        const struct stall *s = &r->stalls[i];
        if (!s->outer || !measured(a, s->begin, s->length))
            continue;
        size_t n = of_thread[s->thread]; /* the last of the lives under that number that had begun */
        while (n != SIZE_MAX && r->lives[lives[n]].begin > s->begin + s->length)
            n = before[n];
        if (n == SIZE_MAX)
            continue;
        uint64_t end = s->begin + s->length;
        lost_add(&a->wall[n], s->begin, end);
        lost_add(&a->cost[n], s->begin + s->queued, end);
    }
    for (size_t i = 0; i < a->thread_count; i++) {
        lost_sum(&a->cost[i]);
        lost_sum(&a->wall[i]);
    }
    for (int i = 0; i < MMU_WINDOWS; i++) {
        a->mmu_cost[i] = least_mmu(a->cost, a->thread_count, mmu_windows[i]);
        a->mmu_wall[i] = least_mmu(a->wall, a->thread_count, mmu_windows[i]);
        a->mmu_control[i] = least_mmu(&a->control, 1, mmu_windows[i]);
    }
    free(lives);
    free(before);
}

static void add_memory(struct analysis *a)
{
    const struct recording *r = a->recording;
    uint64_t cpu_before = 0;
    double live_sum = 0;
    for (size_t i = 0; i < r->epoch_count; i++) {
        const eddy_record_epoch *e = &r->epochs[i];
        uint64_t cpu = i == 0 ? 0 : e->collector_cpu_ns - cpu_before;
        cpu_before = e->collector_cpu_ns;
        if (!measured(a, e->base.begin_ns, e->base.length_ns))
            continue;
        a->epochs++;
        a->allocated += (double)e->allocated_bytes;
        a->promoted += (double)e->promoted_bytes;
        a->collector_cpu += (double)cpu * 1e-9;
        live_sum += (double)e->live_bytes;
        if ((double)e->live_bytes > a->live_max)
            a->live_max = (double)e->live_bytes;
        if ((double)e->peak_committed_bytes > a->committed_peak)
            a->committed_peak = (double)e->peak_committed_bytes;
        if ((double)e->log_bytes > a->log_peak)
            a->log_peak = (double)e->log_bytes;
    }
    a->live_mean = a->epochs != 0 ? live_sum / (double)a->epochs : 0;
}

struct analysis *analyse(struct recording *recording, bool whole)
{
    struct analysis *a = need(calloc(1, sizeof *a));
    a->recording = recording;
    find_measured(a, whole);
    add_stalls(a);
    add_events(a);
    add_control(a);
    add_utilisation(a);
    add_memory(a);
    return a;
}

void analysis_free(struct analysis *a)
{
    for (int kind = 0; kind < EDDY_RECORD_STALLS; kind++)
        free(a->kinds[kind].ns);
    free(a->all.ns);
    free(a->requests.ns);
    free(a->service.ns);
    free(a->gaps.ns);
    for (size_t i = 0; i < a->thread_count; i++) {
        lost_free(&a->cost[i]);
        lost_free(&a->wall[i]);
    }
    lost_free(&a->control);
    free(a->cost);
    free(a->wall);
    recording_free(a->recording);
    free(a);
}
