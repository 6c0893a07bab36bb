/* Sums over results: see result.h. */
#include "result.h"

uint64_t work_queries(const struct work *work)
{
    uint64_t sum = 0;
    for (enum query_kind kind = 0; kind < QUERIES; kind++)
        sum += work->queries[kind];
    return sum;
}

void work_add(struct work *sum, const struct work *work)
{
    for (enum query_kind kind = 0; kind < QUERIES; kind++)
        sum->queries[kind] += work->queries[kind];
    sum->visits += work->visits;
    sum->replacements += work->replacements;
    sum->relinks += work->relinks;
    sum->releases += work->releases;
}
