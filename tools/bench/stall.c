/* Summing up stalls: percentiles of a tally, minimum mutator utilisation of a list of intervals. */
#include "stall.h"

#include <stdlib.h>

#include "system.h"

void stall_tally_add(struct stall_tally *tally, uint64_t ns, uint64_t count)
{
    if (tally->used == tally->capacity) {
        size_t capacity = tally->capacity == 0 ? 256 : 2 * tally->capacity;
        struct stall_bucket *buckets = realloc(tally->buckets, capacity * sizeof *buckets);
        if (buckets == NULL)
            bench_out_of_memory();
        tally->buckets = buckets;
        tally->capacity = capacity;
    }
    tally->buckets[tally->used++] = (struct stall_bucket){ns, count};
}

static int by_length(const void *a, const void *b)
{
    uint64_t x = ((const struct stall_bucket *)a)->ns;
    uint64_t y = ((const struct stall_bucket *)b)->ns;
    return (x > y) - (x < y);
}

/* The length that `per_myriad` ten-thousandths of the stalls do not exceed. */
static uint64_t percentile(const struct stall_tally *tally, uint64_t total, uint64_t per_myriad)
{
    uint64_t rank = (total / 10000) * per_myriad + ((total % 10000) * per_myriad + 9999) / 10000;
    uint64_t seen = 0;
    for (size_t i = 0; i < tally->used; i++) {
        seen += tally->buckets[i].count;
        if (seen >= rank)
            return tally->buckets[i].ns;
    }
    return 0;
}

void stall_tally_finish(struct stall_tally *tally, struct bench_stall *summary)
{
    summary->count = 0;
    if (tally->used > 0)
        qsort(tally->buckets, tally->used, sizeof *tally->buckets, by_length);
    for (size_t i = 0; i < tally->used; i++)
        summary->count += tally->buckets[i].count;
    summary->p50_ns = percentile(tally, summary->count, 5000);
    summary->p99_ns = percentile(tally, summary->count, 9900);
    summary->p999_ns = percentile(tally, summary->count, 9990);
    summary->p9999_ns = percentile(tally, summary->count, 9999);
    summary->max_ns = percentile(tally, summary->count, 10000);
    free(tally->buckets);
    *tally = (struct stall_tally){0};
}

/* The part of [begin, end] that the intervals around number `near` cover. */
static uint64_t covered(const struct stall_interval *intervals, size_t count, size_t near, uint64_t begin, uint64_t end)
{
    size_t first = near;
    while (first > 0 && intervals[first - 1].end_ns > begin)
        first--;
    uint64_t sum = 0;
    for (size_t i = first; i < count && intervals[i].begin_ns < end; i++) {
        uint64_t from = intervals[i].begin_ns > begin ? intervals[i].begin_ns : begin;
        uint64_t to = intervals[i].end_ns < end ? intervals[i].end_ns : end;
        sum += to > from ? to - from : 0;
    }
    return sum;
}

double stall_mmu(const struct stall_interval *intervals, size_t count, uint64_t window_ns)
{
    /* A worst window begins where an interval begins, or ends where one ends. */
    uint64_t worst = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = intervals[i].begin_ns;
        uint64_t end = intervals[i].end_ns;
        uint64_t after = covered(intervals, count, i, begin, begin + window_ns);
        uint64_t before = covered(intervals, count, i, end > window_ns ? end - window_ns : 0, end);
        worst = after > worst ? after : worst;
        worst = before > worst ? before : worst;
    }
    return 1.0 - (double)worst / (double)window_ns;
}
