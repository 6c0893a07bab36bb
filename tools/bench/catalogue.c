/* The tables of workloads, engines and their parameters. */
#include <pthread.h>

#include "bench.h"
#include "system.h"

#define MILLION INT64_C(1000000)

/* clang-format off */
#define GRAPH_PARAMS                                                                                          \
    {{"slots", 10000, 1, 100 * MILLION, "graphs held per thread"},                                            \
     {"nodes", 32, 3, 64, "nodes of a graph, 40 bytes each"},                                                 \
     {"steps", 150000, 1, 1000 * MILLION, "graphs replaced per thread"}}

const struct bench_workload bench_workloads[WORKLOADS] = {
    [WORKLOAD_ALLOC_24] = {"alloc-24", "objects of 24 bytes that die at once", 1, 1,
        {{"objects", 50 * MILLION, 1, 100000 * MILLION, "objects per thread"}}},
    [WORKLOAD_ALLOC_56] = {"alloc-56", "objects of 56 bytes that die at once", 1, 1,
        {{"objects", 50 * MILLION, 1, 100000 * MILLION, "objects per thread"}}},
    [WORKLOAD_BINARY_TREES] = {"binary-trees", "the classic programme: stretch, long-lived, short-lived trees",
        1, 1, {{"depth", 18, 6, 28, "depth of the long-lived tree"}}},
    [WORKLOAD_GCBENCH] = {"gcbench", "Boehm's GCBench: trees built top-down and bottom-up", 1, 2,
        {{"depth", 16, 4, 24, "depth of the long-lived tree; the stretch tree's is two more"},
         {"array", 500000, 2, 1000 * MILLION, "doubles in the long-lived array"}}},
    [WORKLOAD_MT_GCBENCH] = {"mt-gcbench", "GCBench with odd-sized garbage between the nodes", 1, 2,
        {{"depth", 16, 4, 24, "depth of the long-lived tree"},
         {"array", 500000, 2, 1000 * MILLION, "doubles in the long-lived array"}}},
    [WORKLOAD_QUADS] = {"quads", "a large live 4-ary tree beside small 4-ary trees that die", 1, 1,
        {{"depth", 10, 3, 14, "depth of the live tree"}}},
    [WORKLOAD_HASH_MAP] = {"hash-map", "entries of a chained table replaced by new ones, with boxed values", 1, 2,
        {{"keys", 500000, 1, 1000 * MILLION, "keys held (of twice as many possible)"},
         {"ops", 8 * MILLION, 1, 100000 * MILLION, "operations per thread"}}},
    [WORKLOAD_LRU] = {"lru", "one cache shared by all threads, least recently used entries evicted", 2, 4,
        {{"entries", 100000, 1, 1000 * MILLION, "entries held (of four times as many possible)"},
         {"ops", 3 * MILLION, 1, 100000 * MILLION, "look-ups per thread"},
         {"value_bytes", 64, 8, 4000, "bytes of a value"},
         {"shards", 16, 1, 256, "independent parts, each with a lock"}}},
    [WORKLOAD_CYCLES] = {"cycles", "two-node cycles that grow old, then are dropped and reclaimed", 1, 1,
        {{"pairs", MILLION, 1, 1000 * MILLION, "cycles per thread"}}},
    [WORKLOAD_ACYCLIC] = {"acyclic", "the same with two-node chains", 1, 1,
        {{"pairs", MILLION, 1, 1000 * MILLION, "chains per thread"}}},
    [WORKLOAD_GRAPH] = {"graph", "cyclic graphs that live long, then are replaced", 1, 3, GRAPH_PARAMS},
    [WORKLOAD_DAG] = {"dag", "the same with edges in one direction only", 1, 3, GRAPH_PARAMS},
    [WORKLOAD_STORE] = {"store", "cost of single stores: plain, young, counted, exchange", 1, 1,
        {{"ops", 100 * MILLION, 1000, 100000 * MILLION, "plain and young stores; a tenth of it of the others"}}},
    [WORKLOAD_REQUESTS] = {"requests", "a server: requests arrive when they do, latency counts from then", 2, 5,
        {{"requests", 10000, 1, 1000 * MILLION, "requests per thread"},
         {"rate", 2000, 1, 10 * MILLION, "requests per second and thread, on average"},
         {"entries", 400000, 1, 1000 * MILLION, "entries of the live tables together, about 120 bytes each"},
         {"objects", 100, 1, 10000, "objects that a request makes, and as many texts"},
         {"updates", 50, 0, 100, "of a hundred requests so many replace an entry"}}},
    [WORKLOAD_FRAMES] = {"frames", "objects that die at once, made at the bottom of a deep recursion", 1, 2,
        {{"depth", 100000, 0, 200000, "depth of the recursion"},
         {"objects", 50 * MILLION, 1, 100000 * MILLION, "objects per thread"}}},
};
/* clang-format on */

static const struct bench_param eddy_params[] = {
    [EDDY_PARAM_EPOCH_BYTES] = {"epoch_bytes", 0, 0, INT64_MAX, "allocation between epochs at the start"},
    [EDDY_PARAM_EPOCH_BYTES_MIN] = {"epoch_bytes_min", 0, 0, INT64_MAX, "least allocation between epochs"},
    [EDDY_PARAM_EPOCH_BYTES_MAX] = {"epoch_bytes_max", 0, 0, INT64_MAX, "most allocation between epochs"},
    [EDDY_PARAM_LOG_BYTES_EPOCH] = {"log_bytes_epoch", 0, 0, INT64_MAX, "log bytes that trigger an epoch"},
    [EDDY_PARAM_LOG_LIMIT] = {"log_limit", 0, 0, INT64_MAX, "log bytes at which stores wait"},
    [EDDY_PARAM_IDLE_MS] = {"idle_ms", 0, 0, 1000000, "time to an epoch that nothing else triggers"},
    [EDDY_PARAM_CYCLE_GROWTH] = {"cycle_growth_percent", 0, 0, 1000000, "growth between searches for cycles"},
    [EDDY_PARAM_NICE] = {"collector_nice", 0, 0, 19, "nice value of the collector thread"},
};

#ifdef BENCH_WITH_BOEHM
static const struct bench_param boehm_params[] = {
    [BOEHM_PARAM_INCREMENTAL] = {"incremental", 0, 0, 1, "mark in steps, between allocations"},
};
static const struct bench_param boehm_incremental_params[] = {
    [BOEHM_PARAM_INCREMENTAL] = {"incremental", 1, 0, 1, "mark in steps, between allocations"},
};
#endif

void bench_execute_eddy(struct bench_run *run);
void bench_execute_eddy_precise(struct bench_run *run);
void bench_execute_malloc(struct bench_run *run);
void bench_execute_atomic(struct bench_run *run);
void bench_execute_boehm(struct bench_run *run);

#define EDDY_PARAM_COUNT (sizeof eddy_params / sizeof eddy_params[0])
_Static_assert(EDDY_PARAM_COUNT <= BENCH_PARAMS, "a request holds too few engine parameters");

const struct bench_engine bench_engines[] = {
    {"eddy", "Eddy, conservative stack roots", EDDY_PARAM_COUNT, eddy_params, bench_execute_eddy},
    {"eddy-precise", "Eddy, frames of handles", EDDY_PARAM_COUNT, eddy_params, bench_execute_eddy_precise},
    {"malloc", "malloc and explicit free", 0, NULL, bench_execute_malloc},
    {"atomic", "malloc, objects counted with C11 atomics", 0, NULL, bench_execute_atomic},
#ifdef BENCH_WITH_BOEHM
    {"boehm", "the Boehm-Demers-Weiser collector", 1, boehm_params, bench_execute_boehm},
    {"boehm-incremental", "the same, marking in steps", 1, boehm_incremental_params, bench_execute_boehm},
#endif
};
const size_t bench_engine_count = sizeof bench_engines / sizeof bench_engines[0];

enum bench_workload_id bench_workload_id(const struct bench_workload *workload)
{
    return (enum bench_workload_id)(workload - bench_workloads);
}

static void add_metric(struct bench_run *run, struct bench_metric metric)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (run->metric_count == BENCH_METRICS)
        bench_fatal("more than %d figures in one run", BENCH_METRICS);
    run->metrics[run->metric_count++] = metric;
    pthread_mutex_unlock(&lock);
}

void bench_count(struct bench_run *run, const char *name, uint64_t value)
{
    add_metric(run, (struct bench_metric){.name = name, .is_count = true, .count = value});
}

void bench_real(struct bench_run *run, const char *name, double value)
{
    add_metric(run, (struct bench_metric){.name = name, .real = value});
}
