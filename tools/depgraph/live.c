/* The threads' work: see live.h. */
#include "live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "util.h"

#define SECOND_NS UINT64_C(1000000000)
#define NAP_NS UINT64_C(50000000)

/* Counters of a running thread: written by it, read each second by the main thread. */
enum counter {
    COUNT_QUERIES, /* and the next ones, by kind */
    COUNT_VISITS = COUNT_QUERIES + QUERIES,
    COUNT_REPLACEMENTS,
    COUNT_RELINKS,
    COUNT_RELEASES,
    COUNTERS
};

struct live {
    struct graph *graph;
    const struct options *options;
    struct answers answers;
    atomic_bool stop;
    _Atomic(eddy_status) failure; /* the first one of any thread */
};

struct worker {
    _Alignas(64) _Atomic(uint64_t) counters[COUNTERS]; /* each worker's on cache lines of their own */
    struct live *live;
    pthread_t id;
    uint64_t random;
    struct thread_result *result;
};

static void count(struct worker *worker, enum counter counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(&worker->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&worker->counters[counter], value + amount, memory_order_relaxed);
}

static bool stopped(const struct live *live)
{
    return atomic_load_explicit(&live->stop, memory_order_relaxed);
}

static void fail(struct live *live, eddy_status status)
{
    eddy_status none = EDDY_OK;
    atomic_compare_exchange_strong(&live->failure, &none, status);
    atomic_store(&live->stop, true);
}

static uint32_t random_node(struct worker *worker)
{
    const struct graph *graph = worker->live->graph;
    return graph->nodes[random_next(&worker->random) % graph->node_count];
}

static void read_graph(struct worker *worker, eddy_thread *thread)
{
    struct live *live = worker->live;
    struct querier querier;
    querier_begin(&querier, live->graph, thread, &live->answers);
    void *held[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(thread, &frame, held, 1);
    uint64_t visits = 0;
    while (!stopped(live)) {
        const struct release *release = held[0] = eddy_root_load(thread, &live->graph->current);
        enum query_kind kind = (enum query_kind)(random_next(&worker->random) % QUERIES);
        query_run(&querier, release, kind, random_node(worker));
        count(worker, COUNT_QUERIES + kind, 1);
        count(worker, COUNT_VISITS, querier.visits - visits);
        visits = querier.visits;
    }
    eddy_frame_pop(thread, &frame);
    querier_end(&querier);
}

/* Waits for the lock in a native region: its holder may be waiting for memory, that is, for an epoch in
 * which this thread takes part. */
static void lock_graph(struct graph *graph, eddy_thread *thread)
{
    if (pthread_mutex_trylock(&graph->lock) == 0)
        return;
    eddy_native_enter(thread);
    pthread_mutex_lock(&graph->lock);
    eddy_native_leave(thread);
}

static bool write_release(struct worker *worker, eddy_thread *thread)
{
    struct graph *graph = worker->live->graph;
    lock_graph(graph, thread);
    bool renewed = graph_renew(graph, thread);
    pthread_mutex_unlock(&graph->lock);
    count(worker, COUNT_RELEASES, renewed);
    return renewed;
}

static bool write_package(struct worker *worker, eddy_thread *thread)
{
    struct graph *graph = worker->live->graph;
    lock_graph(graph, thread);
    uint64_t changed = graph_replace(graph, thread, random_node(worker));
    pthread_mutex_unlock(&graph->lock);
    count(worker, COUNT_REPLACEMENTS, changed != 0);
    count(worker, COUNT_RELINKS, changed);
    return changed != 0;
}

static void write_graph(struct worker *worker, eddy_thread *thread)
{
    struct live *live = worker->live;
    uint64_t left = live->options->release_every;
    while (!stopped(live)) {
        bool written = left == 0 ? write_release(worker, thread) : write_package(worker, thread);
        left = left == 0 ? live->options->release_every : left - 1;
        if (!written)
            fail(live, eddy_thread_error(thread));
    }
}

static struct work worker_work(const struct worker *worker)
{
    uint64_t values[COUNTERS];
    for (enum counter counter = 0; counter < COUNTERS; counter++)
        values[counter] = atomic_load_explicit(&worker->counters[counter], memory_order_relaxed);
    struct work work = {
        .visits = values[COUNT_VISITS],
        .replacements = values[COUNT_REPLACEMENTS],
        .relinks = values[COUNT_RELINKS],
        .releases = values[COUNT_RELEASES],
    };
    for (enum query_kind kind = 0; kind < QUERIES; kind++)
        work.queries[kind] = values[COUNT_QUERIES + kind];
    return work;
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct live *live = worker->live;
    struct thread_result *result = worker->result;
    eddy_thread *thread;
    eddy_status status = eddy_thread_attach(live->graph->heap, &thread);
    if (status != EDDY_OK) {
        fail(live, status);
        return NULL;
    }
    if (result->writes)
        write_graph(worker, thread);
    else
        read_graph(worker, thread);
    eddy_stall_stats(live->graph->heap, thread, EDDY_STALL_KINDS, &result->stalls);
    eddy_thread_detach(thread);
    result->cpu_ns = thread_cpu_ns();
    result->work = worker_work(worker);
    return NULL;
}

static struct work all_work(const struct worker *workers, unsigned worker_count)
{
    struct work sum = {0};
    for (unsigned i = 0; i < worker_count; i++) {
        struct work work = worker_work(&workers[i]);
        work_add(&sum, &work);
    }
    return sum;
}

static void print_progress(const struct live *live, unsigned second, const struct work *work)
{
    eddy_stats stats;
    eddy_heap_stats(live->graph->heap, &stats);
    struct text held, now;
    printf("  %3u s  %9" PRIu64 " queries %9" PRIu64 " replacements %5" PRIu64 " releases | live %s, held %s, "
           "cycles freed %" PRIu64 "\n",
           second, work_queries(work), work->replacements, work->releases, size_text(stats.live_bytes, &now),
           size_text(stats.committed_bytes, &held), stats.cycles_freed);
    fflush(stdout);
}

/* Sleeps until a time, or until some thread has failed. */
static void sleep_until(const struct live *live, uint64_t end)
{
    for (uint64_t now = now_ns(); now < end && !stopped(live); now = now_ns()) {
        uint64_t left = end - now;
        struct timespec nap = {0, (long)(left < NAP_NS ? left : NAP_NS)};
        nanosleep(&nap, NULL);
    }
}

/* Starts the workers. Returns how many have started. */
static unsigned start_workers(struct live *live, struct worker *workers, struct run_result *result)
{
    const struct options *options = live->options;
    for (unsigned i = 0; i < result->thread_count; i++) {
        bool writes = i >= options->readers;
        result->threads[i] = (struct thread_result){.writes = writes, .index = 1 + (writes ? i - options->readers : i)};
        workers[i].live = live;
        workers[i].result = &result->threads[i];
        workers[i].random = options->seed * THREADS_MAX + i;
        if (pthread_create(&workers[i].id, NULL, worker_main, &workers[i]) != 0) {
            fail(live, EDDY_ESYSTEM);
            return i;
        }
    }
    return result->thread_count;
}

static struct worker *workers_new(unsigned worker_count)
{
    struct worker *workers = aligned_alloc(_Alignof(struct worker), (worker_count + 1) * sizeof *workers);
    if (workers == NULL)
        return NULL;
    for (unsigned i = 0; i < worker_count; i++)
        workers[i] = (struct worker){.live = NULL};
    return workers;
}

eddy_status live_run(struct graph *graph, const struct options *options, const uint32_t *cycle_sizes, bool quiet,
                     struct run_result *result)
{
    struct live live = {.graph = graph, .options = options};
    result->thread_count = options->readers + options->writers;
    struct worker *workers = workers_new(result->thread_count);
    if (workers == NULL)
        return EDDY_ENOMEM;
    answers_begin(&live.answers, graph, cycle_sizes);
    uint64_t begin = now_ns();
    unsigned started = start_workers(&live, workers, result);
    for (unsigned second = 1; second <= options->seconds && !stopped(&live); second++) {
        sleep_until(&live, begin + second * SECOND_NS);
        struct work work = all_work(workers, started);
        if (!quiet && !stopped(&live))
            print_progress(&live, second, &work);
    }
    result->live_ns = now_ns() - begin;
    atomic_store(&live.stop, true);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].id, NULL);
        result->live_cpu_ns += result->threads[i].cpu_ns;
    }
    result->work = all_work(workers, started);
    answers_end(&live.answers);
    free(workers);
    return live.failure;
}
