/* What every part of eddy-bench shares: workloads, engines, one run's request and its result.
 *
 * A *workload* is a program; an *engine* is the memory management it runs on. Each workload is written
 * once, against engines/engine.h, and compiled once per engine, so that nothing in a measured loop is
 * called through a pointer that would not be in a program of its own. This header knows no engine. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stall.h"

enum {
    BENCH_OK = 0,
    BENCH_FAILED = 1,    /* a comparison whose checksums differ, or a run that failed */
    BENCH_USAGE = 2,     /* wrong command line */
    BENCH_NO_MEMORY = 3, /* an allocation failed inside a workload */
    BENCH_PARAMS = 8,    /* most parameters that a workload or an engine has */
    BENCH_METRICS = 64,  /* most figures that a run reports beside the fixed ones */
    BENCH_MAX_THREADS = 256
};

/* A parameter that --param sets. */
struct bench_param {
    const char *name;
    int64_t initial, least, most;
    const char *meaning;
};

/* Identifies a workload in the tables of catalogue.c and driver.c. */
enum bench_workload_id {
    WORKLOAD_ALLOC_24,
    WORKLOAD_ALLOC_56,
    WORKLOAD_BINARY_TREES,
    WORKLOAD_GCBENCH,
    WORKLOAD_MT_GCBENCH,
    WORKLOAD_QUADS,
    WORKLOAD_HASH_MAP,
    WORKLOAD_LRU,
    WORKLOAD_CYCLES,
    WORKLOAD_ACYCLIC,
    WORKLOAD_GRAPH,
    WORKLOAD_DAG,
    WORKLOAD_STORE,
    WORKLOAD_REQUESTS,
    WORKLOAD_FRAMES,
    WORKLOADS
};

/* Indices into bench_request.params, by workload. */
enum { ALLOC_OBJECTS };
enum { TREES_DEPTH };
enum { GCBENCH_DEPTH, GCBENCH_ARRAY };
enum { QUADS_DEPTH };
enum { MAP_KEYS, MAP_OPS };
enum { LRU_ENTRIES, LRU_OPS, LRU_VALUE_BYTES, LRU_SHARDS };
enum { CYCLES_PAIRS };
enum { GRAPH_SLOTS, GRAPH_NODES, GRAPH_STEPS };
enum { STORE_OPS };
enum { REQUESTS_COUNT, REQUESTS_RATE, REQUESTS_ENTRIES, REQUESTS_OBJECTS, REQUESTS_UPDATES };
enum { FRAMES_DEPTH, FRAMES_OBJECTS };

/* Indices into bench_request.engine_params, for the eddy engines. */
enum {
    EDDY_PARAM_EPOCH_BYTES,
    EDDY_PARAM_EPOCH_BYTES_MIN,
    EDDY_PARAM_EPOCH_BYTES_MAX,
    EDDY_PARAM_LOG_BYTES_EPOCH,
    EDDY_PARAM_LOG_LIMIT,
    EDDY_PARAM_IDLE_MS,
    EDDY_PARAM_CYCLE_GROWTH,
    EDDY_PARAM_NICE
};

/* The same for the boehm engines. */
enum { BOEHM_PARAM_INCREMENTAL };

struct bench_workload {
    const char *name;
    const char *summary;
    unsigned threads; /* when --threads is not given */
    size_t param_count;
    struct bench_param params[BENCH_PARAMS];
};

struct bench_run;

struct bench_engine {
    const char *name;
    const char *summary;
    size_t param_count;
    const struct bench_param *params;
    void (*execute)(struct bench_run *run);
};

extern const struct bench_workload bench_workloads[WORKLOADS];
extern const struct bench_engine bench_engines[];
extern const size_t bench_engine_count;

/* What the command line asks for. */
struct bench_request {
    const struct bench_workload *workload;
    const struct bench_engine *engine;
    unsigned threads;
    uint64_t heap_mb; /* 0: no limit */
    uint64_t live_mb;
    int64_t params[BENCH_PARAMS];
    int64_t engine_params[BENCH_PARAMS];
};

/* A figure that is not the same for all workloads and engines; it goes into "params" of the JSON. */
struct bench_metric {
    const char *name;
    bool is_count;
    uint64_t count;
    double real;
};

/* One run: the request, and what came of it. */
struct bench_run {
    struct bench_request request;
    double wall_s, cpu_s, collector_cpu_s;
    uint64_t peak_rss_bytes;
    uint64_t checksum;
    struct bench_stall stall;
    size_t metric_count;
    struct bench_metric metrics[BENCH_METRICS];
};

enum bench_workload_id bench_workload_id(const struct bench_workload *workload);

/* Add a figure to the run. Any thread; `name` is kept, not copied. */
void bench_count(struct bench_run *run, const char *name, uint64_t value);
void bench_real(struct bench_run *run, const char *name, double value);

/* Commands of main.c; `argv[0]` is the command's name. They return the exit code. */
int bench_command_run(int argc, char **argv);
int bench_command_compare(int argc, char **argv);
int bench_command_fork_pages(int argc, char **argv);
int bench_command_ownership(int argc, char **argv);

#endif
