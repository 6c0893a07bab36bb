/* The part of the engines "eddy" and "eddy-precise" that is not inline: the heap, types, statistics.
 *
 * The stalls reported are those of the threads that run the workload: the main thread, which builds the
 * live heap before the clock starts, is left out. Since a thread reads its own stalls only, each worker
 * adds its distribution to one tally when it has finished. */
#include "engine.h"

static eddy_heap *heap;
static eddy_stats before; /* when the measured part began */

static pthread_mutex_t stall_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stall_tally tally;
static eddy_stall_summary kinds[EDDY_STALL_KINDS + 1]; /* greatest and total figures over the threads */

static void require(eddy_status status, const char *what)
{
    if (status != EDDY_OK)
        bench_fatal("cannot %s: %s", what, eddy_status_text(status));
}

void engine_open(const struct bench_request *request)
{
    const int64_t *params = request->engine_params;
    eddy_config config;
    eddy_config_init(&config);
    config.name = "bench";
    config.heap_limit = (size_t)request->heap_mb << 20;
    config.epoch_bytes = (size_t)params[EDDY_PARAM_EPOCH_BYTES];
    config.epoch_bytes_min = (size_t)params[EDDY_PARAM_EPOCH_BYTES_MIN];
    config.epoch_bytes_max = (size_t)params[EDDY_PARAM_EPOCH_BYTES_MAX];
    config.log_bytes_epoch = (size_t)params[EDDY_PARAM_LOG_BYTES_EPOCH];
    config.log_limit = (size_t)params[EDDY_PARAM_LOG_LIMIT];
    config.idle_ms = (unsigned)params[EDDY_PARAM_IDLE_MS];
    config.cycle_growth_percent = (unsigned)params[EDDY_PARAM_CYCLE_GROWTH];
    config.collector_nice = (int)params[EDDY_PARAM_NICE];
#ifdef ENGINE_PRECISE
    config.flags |= EDDY_HEAP_PRECISE_ROOTS;
#endif
    require(eddy_heap_create(&config, &heap), "make the heap");
}

engine_thread *engine_attach(void)
{
    eddy_thread *t;
    require(eddy_thread_attach(heap, &t), "attach a thread");
    return t;
}

void engine_detach(engine_thread *t)
{
    require(eddy_thread_detach(t), "detach a thread");
}

const eddy_type *engine_type(const char *name, size_t size, const size_t *offsets, size_t count)
{
    const eddy_type_desc desc = {.name = name, .size = size, .ref_offsets = offsets, .ref_count = count};
    const eddy_type *type;
    require(eddy_type_register(heap, &desc, &type), "register a type");
    return type;
}

void engine_measure(void)
{
    eddy_heap_stats(heap, &before);
}

static void add_bucket(void *context, uint64_t ns, uint64_t count)
{
    stall_tally_add(context, ns, count);
}

void engine_stalls(engine_thread *t)
{
    pthread_mutex_lock(&stall_lock);
    for (int kind = 0; kind <= EDDY_STALL_KINDS; kind++) {
        static bool seen[EDDY_STALL_KINDS + 1];
        eddy_stall_summary own;
        require(eddy_stall_stats(heap, t, (eddy_stall_kind)kind, &own), "read the stalls");
        eddy_stall_summary *all = &kinds[kind];
        all->count += own.count;
        all->total_ns += own.total_ns;
        all->wait_ns += own.wait_ns;
        all->p50_ns = own.p50_ns > all->p50_ns ? own.p50_ns : all->p50_ns; /* the slowest thread's */
        all->p99_ns = own.p99_ns > all->p99_ns ? own.p99_ns : all->p99_ns;
        all->max_ns = own.max_ns > all->max_ns ? own.max_ns : all->max_ns;
        all->max_cost_ns = own.max_cost_ns > all->max_cost_ns ? own.max_cost_ns : all->max_cost_ns;
        all->mmu_1ms = !seen[kind] || own.mmu_1ms < all->mmu_1ms ? own.mmu_1ms : all->mmu_1ms;
        seen[kind] = true;
    }
    require(eddy_stall_each(heap, t, EDDY_STALL_KINDS, add_bucket, &tally), "read the stalls");
    pthread_mutex_unlock(&stall_lock);
}

static void report_stalls(struct bench_run *run)
{
    const eddy_stall_summary *all = &kinds[EDDY_STALL_KINDS];
    stall_tally_finish(&tally, &run->stall);
    run->stall.max_ns = all->max_ns; /* exact, where the tally has the limits of buckets */
    run->stall.max_cost_ns = all->max_cost_ns;
    run->stall.wait_ns = all->wait_ns;
    run->stall.mmu_1ms = all->mmu_1ms;
    bench_count(run, "stall_total_ns", all->total_ns);
    bench_count(run, "handshake_stalls", kinds[EDDY_STALL_HANDSHAKE].count);
    bench_count(run, "handshake_p50_ns", kinds[EDDY_STALL_HANDSHAKE].p50_ns);
    bench_count(run, "handshake_p99_ns", kinds[EDDY_STALL_HANDSHAKE].p99_ns);
    bench_count(run, "handshake_max_ns", kinds[EDDY_STALL_HANDSHAKE].max_ns);
    bench_count(run, "handshake_max_cost_ns", kinds[EDDY_STALL_HANDSHAKE].max_cost_ns);
    bench_count(run, "slow_path_stalls", kinds[EDDY_STALL_SLOW_PATH].count);
    bench_count(run, "slow_path_max_ns", kinds[EDDY_STALL_SLOW_PATH].max_ns);
    bench_count(run, "slow_path_max_cost_ns", kinds[EDDY_STALL_SLOW_PATH].max_cost_ns);
    bench_count(run, "wait_stalls", kinds[EDDY_STALL_WAIT].count);
    bench_count(run, "wait_max_ns", kinds[EDDY_STALL_WAIT].max_ns);
    bench_count(run, "wait_max_cost_ns", kinds[EDDY_STALL_WAIT].max_cost_ns);
}

void engine_report(struct bench_run *run)
{
    eddy_stats after;
    eddy_heap_stats(heap, &after);
#define REPORT_DIFFERENCE(field) bench_count(run, #field, after.field - before.field)
    REPORT_DIFFERENCE(epochs);
    REPORT_DIFFERENCE(allocated_bytes);
    REPORT_DIFFERENCE(promotions);
    REPORT_DIFFERENCE(incs);
    REPORT_DIFFERENCE(decs);
    REPORT_DIFFERENCE(objects_freed);
    REPORT_DIFFERENCE(drain_rounds);
    REPORT_DIFFERENCE(cycle_passes);
    REPORT_DIFFERENCE(cycle_nodes);
    REPORT_DIFFERENCE(cycles_found);
    REPORT_DIFFERENCE(cycles_rejected_sigma);
    REPORT_DIFFERENCE(cycles_rejected_delta);
    REPORT_DIFFERENCE(cycles_freed);
    REPORT_DIFFERENCE(cycle_objects_freed);
    REPORT_DIFFERENCE(log_bytes_total);
    REPORT_DIFFERENCE(roots_accepted);
    REPORT_DIFFERENCE(roots_refused);
    REPORT_DIFFERENCE(handshakes);
    REPORT_DIFFERENCE(handshakes_native);
    REPORT_DIFFERENCE(collector_wakeups);
#undef REPORT_DIFFERENCE
    bench_count(run, "epoch_bytes", after.epoch_bytes);
    bench_count(run, "live_bytes", after.live_bytes);
    bench_count(run, "live_objects", after.live_objects);
    bench_count(run, "committed_bytes", after.committed_bytes);
    bench_count(run, "peak_committed_bytes", after.peak_committed_bytes);
    bench_count(run, "overhead_bytes", after.overhead_bytes);
    bench_count(run, "free_bytes", after.free_bytes);
    report_stalls(run);
}

void engine_close(void)
{
    require(eddy_heap_destroy(heap), "destroy the heap");
}

void engine_collect(engine_thread *t)
{
    require(eddy_collect(t, 0, NULL), "collect");
}

uint64_t engine_collector_cpu_ns(void)
{
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    return stats.collector_cpu_ns;
}
