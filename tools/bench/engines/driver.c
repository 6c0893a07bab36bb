/* Runs one workload on one engine: heap, live heap, threads, clocks. Compiled once per engine.
 *
 * The clock runs from the first worker's start to the last one's end. Making the heap, the live heap and
 * what the workload's threads share comes before, checking and destroying after. */
#include <stdatomic.h>

#include "engine.h"

#define STACK_BYTES ((size_t)64 << 20) /* for deep recursions */

static const struct engine_workload *workload_code(enum bench_workload_id id)
{
    static const struct engine_workload *const table[WORKLOADS] = {
        [WORKLOAD_ALLOC_24] = &ENGINE_SYMBOL(workload_alloc_24),
        [WORKLOAD_ALLOC_56] = &ENGINE_SYMBOL(workload_alloc_56),
        [WORKLOAD_BINARY_TREES] = &ENGINE_SYMBOL(workload_binary_trees),
        [WORKLOAD_GCBENCH] = &ENGINE_SYMBOL(workload_gcbench),
        [WORKLOAD_MT_GCBENCH] = &ENGINE_SYMBOL(workload_mt_gcbench),
        [WORKLOAD_QUADS] = &ENGINE_SYMBOL(workload_quads),
        [WORKLOAD_HASH_MAP] = &ENGINE_SYMBOL(workload_hash_map),
        [WORKLOAD_LRU] = &ENGINE_SYMBOL(workload_lru),
        [WORKLOAD_CYCLES] = &ENGINE_SYMBOL(workload_cycles),
        [WORKLOAD_ACYCLIC] = &ENGINE_SYMBOL(workload_acyclic),
        [WORKLOAD_GRAPH] = &ENGINE_SYMBOL(workload_graph),
        [WORKLOAD_DAG] = &ENGINE_SYMBOL(workload_dag),
        [WORKLOAD_STORE] = &ENGINE_SYMBOL(workload_store),
        [WORKLOAD_REQUESTS] = &ENGINE_SYMBOL(workload_requests),
        [WORKLOAD_FRAMES] = &ENGINE_SYMBOL(workload_frames),
    };
    return table[id];
}

struct worker {
    pthread_t thread;
    unsigned index;
    struct bench_run *run;
    uint64_t begin_ns;
    uint64_t checksum;
};

static pthread_barrier_t start;
static atomic_uint running;
static uint64_t end_ns, end_cpu_ns, end_collector_cpu_ns; /* written by the last worker to end */

static void *work(void *argument)
{
    struct worker *worker = argument;
    pthread_barrier_wait(&start);
    engine_thread *t = engine_attach();
    worker->begin_ns = bench_now_ns();
    worker->checksum =
        workload_code(bench_workload_id(worker->run->request.workload))->work(t, worker->run, worker->index);
    uint64_t now = bench_now_ns();
    ENGINE_MEASURED(t, worker->begin_ns, now);
    if (atomic_fetch_sub(&running, 1) == 1) {
        end_ns = now;
        end_cpu_ns = bench_process_cpu_ns();
        end_collector_cpu_ns = engine_collector_cpu_ns();
    }
    engine_stalls(t);
    engine_detach(t);
    return NULL;
}

/* Runs the workers and fills in times and checksum. */
static void run_workers(struct bench_run *run)
{
    static struct worker workers[BENCH_MAX_THREADS];
    unsigned count = run->request.threads;
    pthread_barrier_init(&start, NULL, count + 1);
    atomic_store(&running, count);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.index = i, .run = run};
        if (pthread_create(&workers[i].thread, &attributes, work, &workers[i]) != 0)
            bench_fatal("cannot create thread %u", i);
    }
    pthread_attr_destroy(&attributes);
    engine_measure();
    uint64_t collector_cpu_ns = engine_collector_cpu_ns();
    uint64_t cpu_ns = bench_process_cpu_ns();
    pthread_barrier_wait(&start);
    uint64_t begin_ns = UINT64_MAX;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        begin_ns = workers[i].begin_ns < begin_ns ? workers[i].begin_ns : begin_ns;
        run->checksum = engine_mix(run->checksum + workers[i].checksum);
    }
    pthread_barrier_destroy(&start);
    run->wall_s = (double)(end_ns - begin_ns) * 1e-9;
    run->cpu_s = (double)(end_cpu_ns - cpu_ns) * 1e-9;
    run->collector_cpu_s = (double)(end_collector_cpu_ns - collector_cpu_ns) * 1e-9;
}

void ENGINE_SYMBOL(bench_execute)(struct bench_run *run);

void ENGINE_SYMBOL(bench_execute)(struct bench_run *run)
{
    const struct bench_request *request = &run->request;
    const struct engine_workload *code = workload_code(bench_workload_id(request->workload));
    engine_open(request);
    engine_thread *t = engine_attach();
    if (request->live_mb != 0)
        live_build(t, request->live_mb);
    code->prepare(t, run);
    if (request->live_mb != 0)
        engine_collect(t);
    engine_detach(t);

    run_workers(run);
    engine_report(run);
    run->peak_rss_bytes = bench_peak_rss_bytes();

    t = engine_attach();
    if (code->finish != NULL)
        code->finish(t, run);
    if (request->live_mb != 0)
        run->checksum = engine_mix(run->checksum + live_check(t, request->live_mb));
    engine_detach(t);
    engine_close();
}
