/* The part of the engine "boehm" that is not inline. A stall is an interval in which the world is
 * stopped; every mutator suffers each of them, so they are counted once, whatever the number of threads.
 * Collector time is the processor time of the whole process during these intervals, which includes
 * parallel markers; sweeping is done by allocation and not in it. Incremental marking is done by allocation as well
 * and stops nobody else: neither stalls nor collector time show it, but wall time, processor time and the latencies
 * of the workload "requests" do. */
#include <stdlib.h>

#include "engine.h"

static struct {
    struct stall_interval *intervals; /* all since the heap was made */
    uint64_t *costs_ns;               /* parallel to it: without the time in the run queue */
    size_t used, capacity;
    uint64_t cpu_ns;
    uint64_t stop_ns, stop_cpu_ns, stop_queue_ns; /* of the stop in progress */
    size_t first_measured;
    uint64_t first_collections;
} stops;

static void stop_ended(void)
{
    if (stops.used == stops.capacity) {
        size_t capacity = stops.capacity == 0 ? 1024 : 2 * stops.capacity;
        stops.intervals = engine_checked(realloc(stops.intervals, capacity * sizeof *stops.intervals));
        stops.costs_ns = engine_checked(realloc(stops.costs_ns, capacity * sizeof *stops.costs_ns));
        stops.capacity = capacity;
    }
    uint64_t now = bench_now_ns();
    uint64_t queued = bench_run_queue_ns() - stops.stop_queue_ns;
    uint64_t length = now - stops.stop_ns;
    stops.cpu_ns += bench_process_cpu_ns() - stops.stop_cpu_ns;
    stops.intervals[stops.used] = (struct stall_interval){stops.stop_ns, now};
    stops.costs_ns[stops.used] = length > queued ? length - queued : 0;
    stops.used++;
}

/* Called by the collecting thread, under the collector's lock. */
static void on_event(GC_EventType event)
{
    if (event == GC_EVENT_PRE_STOP_WORLD) {
        stops.stop_queue_ns = bench_run_queue_ns();
        stops.stop_cpu_ns = bench_process_cpu_ns();
        stops.stop_ns = bench_now_ns();
    } else if (event == GC_EVENT_POST_START_WORLD) {
        stop_ended();
    }
}

void engine_open(const struct bench_request *request)
{
    GC_INIT();
    if (request->heap_mb != 0)
        GC_set_max_heap_size((GC_word)(request->heap_mb << 20));
    GC_set_on_collection_event(on_event);
    if (request->engine_params[BOEHM_PARAM_INCREMENTAL] != 0)
        GC_enable_incremental();
}

engine_thread *engine_attach(void)
{
    return NULL;
}

void engine_detach(engine_thread *t)
{
    (void)t;
}

void engine_measure(void)
{
    stops.first_measured = stops.used;
    stops.first_collections = GC_get_gc_no();
}

void engine_stalls(engine_thread *t)
{
    (void)t;
}

void engine_report(struct bench_run *run)
{
    struct stall_tally tally = {0};
    for (size_t i = stops.first_measured; i < stops.used; i++) {
        stall_tally_add(&tally, stops.intervals[i].end_ns - stops.intervals[i].begin_ns, 1);
        if (stops.costs_ns[i] > run->stall.max_cost_ns)
            run->stall.max_cost_ns = stops.costs_ns[i];
    }
    stall_tally_finish(&tally, &run->stall);
    run->stall.mmu_1ms = stall_mmu(stops.intervals + stops.first_measured, stops.used - stops.first_measured, 1000000);
    bench_count(run, "collections", GC_get_gc_no() - stops.first_collections);
    bench_count(run, "heap_bytes", GC_get_heap_size());
}

void engine_close(void)
{
    GC_set_on_collection_event(NULL);
    free(stops.intervals);
    free(stops.costs_ns);
}

void engine_collect(engine_thread *t)
{
    (void)t;
    GC_gcollect();
}

uint64_t engine_collector_cpu_ns(void)
{
    return stops.cpu_ns;
}
