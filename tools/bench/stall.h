/* Stalls: collecting their distribution and summing it up. */
#ifndef BENCH_STALL_H
#define BENCH_STALL_H

#include <stddef.h>
#include <stdint.h>

/* The summary that a run reports. Times in nanoseconds. */
struct bench_stall {
    uint64_t count;
    uint64_t p50_ns, p99_ns, p999_ns, p9999_ns, max_ns;
    uint64_t max_cost_ns; /* longest time less the time spent waiting for a processor */
    uint64_t wait_ns;     /* total of waits for memory and log space */
    double mmu_1ms;       /* least share of any millisecond left to the mutator */
};

/* A distribution in the making: numbers of stalls by length, in any order. Zero bytes are an empty one. */
struct stall_tally {
    struct stall_bucket {
        uint64_t ns, count;
    } * buckets;
    size_t used, capacity;
};

struct stall_interval {
    uint64_t begin_ns, end_ns;
};

void stall_tally_add(struct stall_tally *tally, uint64_t ns, uint64_t count);

/* Sets count and percentiles of *summary from the tally, and empties the tally. max_ns is the
 * longest length added. */
void stall_tally_finish(struct stall_tally *tally, struct bench_stall *summary);

/* The least share of any window of `window_ns` that lies outside the intervals, which are in order
 * and do not overlap. */
double stall_mmu(const struct stall_interval *intervals, size_t count, uint64_t window_ns);

#endif
