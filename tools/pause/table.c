/* The table that ends a run, and that "show" prints. */
#include <inttypes.h>

#include "analysis.h"

enum { TEXT = 24 };

static void print_times(FILE *file, const char *title, const struct times *times)
{
    static const double shares[] = {0.5, 0.99, 0.999, 0.9999, 1};
    char text[TEXT];
    fprintf(file, "%-22s %9zu", title, times->count);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        fprintf(file, " %9s", show_ns((double)times_percentile(times, shares[i]), text, sizeof text));
    fprintf(file, " %9s", show_ns((double)times->max_cost, text, sizeof text));
    fprintf(file, " %9s\n", show_ns((double)times->total, text, sizeof text));
}

static void print_mmu(FILE *file, const char *title, const double mmu[MMU_WINDOWS])
{
    fprintf(file, "%-38s %9.3f %9.3f %9.3f\n", title, mmu[0], mmu[1], mmu[2]);
}

static void print_utilisation(const struct analysis *a, FILE *file)
{
    fprintf(file, "\n%-38s %9s %9s %9s\n", "minimum mutator utilisation", "1 ms", "10 ms", "100 ms");
    print_mmu(file, "  worst thread, without the run queue", a->mmu_cost);
    print_mmu(file, "  worst thread, as on the clock", a->mmu_wall);
    if (a->control_seconds > 0)
        print_mmu(file, "  control", a->mmu_control);
}

static void print_memory(const struct analysis *a, FILE *file)
{
    char live[TEXT], most[TEXT], peak[TEXT], logs[TEXT], rate[TEXT];
    double seconds = a->seconds > 0 ? a->seconds : 1;
    fprintf(file, "\nallocated %s/s, of which %.2f%% survived; live %s, at most %s\n",
            show_bytes(a->allocated / seconds, rate, sizeof rate), a->allocated > 0 ? 100 * a->promoted / a->allocated : 0,
            show_bytes(a->live_mean, live, sizeof live), show_bytes(a->live_max, most, sizeof most));
    fprintf(file, "peak memory %s, logs at most %s; %" PRIu64 " epochs; collector %.3f s CPU (%.1f%% of a core)\n",
            show_bytes(a->committed_peak, peak, sizeof peak), show_bytes(a->log_peak, logs, sizeof logs), a->epochs,
            a->collector_cpu, 100 * a->collector_cpu / seconds);
}

static void print_lost_events(const struct analysis *a, FILE *file)
{
    const struct recording *r = a->recording;
    if (r->dropped != 0)
        fprintf(file, "%" PRIu64 " events were dropped: the figures are lower bounds\n", r->dropped);
    if (!r->ended)
        fputs("the recording was cut short\n", file);
    const char *lost = recording_note(r, "control_dropped");
    if (lost != NULL)
        fprintf(file, "the control's %s shortest gaps are missing\n", lost);
}

void print_table(const struct analysis *a, FILE *file)
{
    const struct recording *r = a->recording;
    fprintf(file, "%s: %zu thread%s, %.2f s measured, of %.2f s\n\n", recording_title(r), a->thread_count,
            a->thread_count == 1 ? "" : "s", a->seconds, (double)r->end * 1e-9);
    fprintf(file, "%-22s %9s %9s %9s %9s %9s %9s %9s %9s\n", "stalls", "count", "p50", "p99", "p99.9", "p99.99",
            "longest", "cost", "total");
    for (int kind = 0; kind < EDDY_RECORD_STALLS; kind++)
        if (a->kinds[kind].count != 0)
            print_times(file, stall_titles[kind], &a->kinds[kind]);
    print_times(file, "all, nested as one", &a->all);
    if (a->control_seconds > 0) {
        char title[64];
        snprintf(title, sizeof title, "control, %.0f%% of time",
                 100 * a->control_seconds / (a->seconds > 0 ? a->seconds : 1));
        print_times(file, title, &a->gaps);
    }
    if (a->requests.count != 0) {
        print_times(file, "requests: latency", &a->requests);
        print_times(file, "  of which service", &a->service);
    }
    fputs("cost: the longest, without the time in the run queue. ", file);
    fputs(a->control_seconds > 0 ? "control: gaps of a thread that only reads the clock.\n" : "\n", file);
    print_utilisation(a, file);
    print_memory(a, file);
    print_lost_events(a, file);
}
