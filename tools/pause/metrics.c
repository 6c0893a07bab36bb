/* The figures of an analysis by name: what exports, comparisons and limits speak of. docs/pause.md lists them. */
#include <string.h>

#include "analysis.h"

static void add(struct metrics *m, const char *prefix, const char *name, double value, int better)
{
    m->items = grow(m->items, m->count, &m->room, sizeof *m->items);
    struct metric *metric = &m->items[m->count++];
    snprintf(metric->name, sizeof metric->name, "%s%s%s", prefix, *prefix ? "." : "", name);
    metric->value = value;
    metric->better = better;
}

static void add_times(struct metrics *m, const char *prefix, const struct times *times, int better)
{
    add(m, prefix, "count", (double)times->count, 0);
    add(m, prefix, "p50_us", (double)times_percentile(times, 0.5) * 1e-3, better);
    add(m, prefix, "p99_us", (double)times_percentile(times, 0.99) * 1e-3, better);
    add(m, prefix, "p999_us", (double)times_percentile(times, 0.999) * 1e-3, better);
    add(m, prefix, "p9999_us", (double)times_percentile(times, 0.9999) * 1e-3, better);
    add(m, prefix, "max_us", (double)times_percentile(times, 1) * 1e-3, better);
    add(m, prefix, "max_cost_us", (double)times->max_cost * 1e-3, better);
    add(m, prefix, "total_ms", (double)times->total * 1e-6, better);
}

void metrics_of(const struct analysis *a, struct metrics *m)
{
    static const char *const names[MMU_WINDOWS] = {"mmu_1ms", "mmu_10ms", "mmu_100ms"};
    const double mib = 1 << 20;
    add_times(m, "", &a->all, -1);
    for (int i = 0; i < MMU_WINDOWS; i++)
        add(m, "", names[i], a->mmu_cost[i], 1);
    for (int i = 0; i < MMU_WINDOWS; i++)
        add(m, "wall", names[i], a->mmu_wall[i], 1);
    add(m, "", "seconds", a->seconds, 0);
    add(m, "", "threads", (double)a->thread_count, 0);
    add(m, "", "epochs", (double)a->epochs, 0);
    add(m, "", "alloc_mib_s", a->seconds > 0 ? a->allocated / mib / a->seconds : 0, 0);
    add(m, "", "survival_percent", a->allocated > 0 ? 100 * a->promoted / a->allocated : 0, 0);
    add(m, "", "live_mib", a->live_mean / mib, 0);
    add(m, "", "live_max_mib", a->live_max / mib, 0);
    add(m, "", "peak_mib", a->committed_peak / mib, -1);
    add(m, "", "log_peak_mib", a->log_peak / mib, -1);
    add(m, "", "collector_cpu_s", a->collector_cpu, -1);
    add(m, "", "collector_cpu_percent", a->seconds > 0 ? 100 * a->collector_cpu / a->seconds : 0, -1);
    add(m, "", "dropped", (double)a->recording->dropped, 0);
    for (int kind = 0; kind < EDDY_RECORD_STALLS; kind++)
        if (a->kinds[kind].count != 0)
            add_times(m, stall_names[kind], &a->kinds[kind], -1);
    if (a->requests.count != 0) {
        add_times(m, "request", &a->requests, -1);
        add_times(m, "service", &a->service, -1);
    }
    if (a->control_seconds > 0) {
        add_times(m, "control", &a->gaps, 0);
        for (int i = 0; i < MMU_WINDOWS; i++)
            add(m, "control", names[i], a->mmu_control[i], 0);
    }
}

const struct metric *metrics_find(const struct metrics *m, const char *name, size_t length)
{
    for (size_t i = 0; i < m->count; i++)
        if (strlen(m->items[i].name) == length && memcmp(m->items[i].name, name, length) == 0)
            return &m->items[i];
    return NULL;
}
