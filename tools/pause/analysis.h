/* What a recording says, in figures: percentiles per kind of stall, minimum mutator utilisation, memory, the control. */
#ifndef PAUSE_ANALYSIS_H
#define PAUSE_ANALYSIS_H

#include "recording.h"

/* A set of times, sorted. `total` also counts what is not among them. */
struct times {
    uint64_t *ns;
    size_t count, room;
    uint64_t total, max_cost; /* cost: length less the time in the run queue; waits count in full */
};

/* The least time that `share` (0 to 1) of the times do not exceed; 0 if there are none. */
uint64_t times_percentile(const struct times *times, double share);
void times_add(struct times *times, uint64_t ns, uint64_t queued);
void times_sort(struct times *times);

/* Intervals in which a thread did not run, in order and apart from each other, in one thread's life. */
struct lost {
    uint64_t *begin, *end, *before; /* before: how much was lost up to the beginning */
    size_t count, room;
    uint64_t from, to; /* the life, as far as it is measured */
};

void lost_add(struct lost *lost, uint64_t begin, uint64_t end);
void lost_sum(struct lost *lost);
void lost_free(struct lost *lost);
/* Minimum mutator utilisation: the least share of any window of so many nanoseconds in which the thread ran (Cheng and Blelloch,
 * PLDI 2001). A life shorter than the window counts as a whole. */
double lost_mmu(const struct lost *lost, uint64_t window);

enum { MMU_WINDOWS = 3, CURVE_WINDOWS = 61 };
extern const uint64_t mmu_windows[MMU_WINDOWS]; /* 1, 10, 100 ms */

struct analysis {
    struct recording *recording;
    uint64_t from, to; /* what is measured */
    double seconds;
    struct times kinds[EDDY_RECORD_STALLS]; /* the time of its own of each */
    struct times all;                       /* stalls that lie in no other */
    struct times requests, service;         /* latencies, and the part in which they were worked on */
    struct times gaps;                      /* of the control */
    double control_seconds;                 /* how long it watched */
    size_t thread_count;                    /* lives that were measured */
    struct lost *cost, *wall;               /* of each: stalls less their time in the run queue; as on the clock */
    struct lost control;
    double mmu_cost[MMU_WINDOWS], mmu_wall[MMU_WINDOWS], mmu_control[MMU_WINDOWS];
    double allocated, promoted; /* bytes */
    double live_max, live_mean, committed_peak, log_peak;
    double collector_cpu; /* seconds */
    uint64_t epochs;
};

/* Takes the recording over. `whole`: also what lies outside the part that the program calls measured. */
struct analysis *analyse(struct recording *recording, bool whole);
void analysis_free(struct analysis *analysis);

/* Windows of the MMU curves, in nanoseconds, from 10 us to 10 s on a logarithmic scale; and the least utilisation of
 * the threads (or 1, if there are none) for each. */
void curve_windows(uint64_t windows[CURVE_WINDOWS]);
double least_mmu(const struct lost *lost, size_t count, uint64_t window);

/* A figure by name, for machines, comparisons and limits. */
struct metric {
    char name[48];
    double value;
    int better; /* -1: less is better; 1: more is; 0: neither */
};

struct metrics {
    struct metric *items;
    size_t count, room;
};

void metrics_of(const struct analysis *analysis, struct metrics *metrics);
const struct metric *metrics_find(const struct metrics *metrics, const char *name, size_t length);

/* limits.c: "FIGURE>NUMBER", "FIGURE<NUMBER" and, when there is something to compare with, "FIGURE>NUMBER%". */
enum { LIMITS_MOST = 32 };
struct limits {
    struct limit {
        const char *text;
        size_t length; /* of the figure's name */
        bool above, percent;
        double value;
    } items[LIMITS_MOST];
    size_t count;
};

/* A usage error if the text is no limit. `relative`: changes may be limited. */
void limits_add(struct limits *limits, const char *text, bool relative);
/* Complains of each limit that is exceeded; whether there was none. `before` (may be NULL) is what changes count from. */
bool limits_hold(const struct limits *limits, const struct metrics *metrics, const struct metrics *before);

/* table.c: prints it for people. */
void print_table(const struct analysis *analysis, FILE *file);

#endif
