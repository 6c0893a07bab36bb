/* One process's work: see run.h. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "components.h"
#include "live.h"
#include "report.h"
#include "util.h"

/* Reports what went wrong and returns the exit code for it. */
static int give_up(const struct run *run, const char *doing, eddy_status status)
{
    struct text limit;
    if (status != EDDY_ENOMEM)
        fprintf(stderr, PROGRAM ": cannot %s: %s\n", doing, eddy_status_text(status));
    else if (run->options->heap_limit != 0)
        fprintf(stderr, PROGRAM ": out of memory: a heap limited to %s is too small to %s\n",
                size_text(run->options->heap_limit, &limit), doing);
    else
        fprintf(stderr, PROGRAM ": out of memory: cannot %s\n", doing);
    return status == EDDY_ENOMEM ? NO_MEMORY : FAILED;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts `names` and keeps the first of them. */
static void show_names(struct shown_names *shown, const char **names, size_t count)
{
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count && i < SHOWN_NAMES; i++)
        snprintf(shown->names[shown->count++], SHOWN_NAME_SIZE, "%s", names[i]);
}

static void note_plan(struct found *found, const struct catalog *catalog, const struct plan *plan)
{
    found->packages = catalog->package_count;
    found->virtual_packages = plan->virtual_count;
    found->edges = plan->edge_count;
    found->weak_edges = plan->weak_count;
    found->unresolved = plan->unresolved_count;
    const char **names = must_calloc(plan->unresolved_count, sizeof *names);
    for (size_t i = 0; i < plan->unresolved_count; i++)
        names[i] = catalog->names[plan->unresolved[i]].text;
    show_names(&found->unresolved_names, names, plan->unresolved_count);
    free(names);
}

/* The names are in the heap, in the release that the caller holds. */
static void note_largest_cycle(struct found *found, const struct graph *graph, eddy_thread *thread,
                               const struct release *release, const struct components *components)
{
    const char **names = must_calloc(components->largest, sizeof *names);
    for (uint32_t i = 0; i < components->largest; i++)
        names[i] = EDDY_GET(thread, graph_package(graph, thread, release, components->members[i]), name);
    show_names(&found->cycle_names, names, components->largest);
    free(names);
}

/* Finds the cycles; their sizes are kept for comparison with what queries find. */
static void analyse(struct run *run, eddy_thread *thread)
{
    struct found *found = &run->result->found;
    void *held[1];
    eddy_frame frame;
    held[0] = eddy_root_load(thread, &run->graph.current);
    eddy_frame_push(thread, &frame, held, 1);
    struct components components;
    components_find(&run->graph, thread, held[0], true, &components);
    found->largest_weak_cycle = components.largest;
    components_free(&components);
    components_find(&run->graph, thread, held[0], false, &components);
    found->cycles = components.cycles;
    found->largest_cycle = components.largest;
    note_largest_cycle(found, &run->graph, thread, held[0], &components);
    run->cycle_sizes = components.sizes;
    components.sizes = NULL;
    components_free(&components);
    eddy_frame_pop(thread, &frame);
}

static eddy_status create_heap(struct run *run)
{
    eddy_config config;
    eddy_config_init(&config);
    config.heap_limit = run->options->heap_limit;
    config.name = "depgraph";
    if (run->options->precise)
        config.flags |= EDDY_HEAP_PRECISE_ROOTS;
    return graph_create(&run->graph, &config);
}

/* Builds the graph, and takes the heap's measure when it holds nothing else. */
static eddy_status fill_heap(struct run *run, const struct catalog *catalog, struct plan *plan)
{
    eddy_thread *thread;
    eddy_status status = eddy_thread_attach(run->graph.heap, &thread);
    if (status != EDDY_OK)
        return status;
    eddy_collect_report report = {0};
    if (!graph_build(&run->graph, thread, catalog, plan))
        status = eddy_thread_error(thread);
    if (status == EDDY_OK) {
        analyse(run, thread);
        status = eddy_collect(thread, 0, &report);
    }
    run->result->before_bytes = report.live_bytes;
    eddy_thread_detach(thread);
    return status;
}

int run_load(struct run *run)
{
    struct run_result *result = run->result;
    const uint64_t begin = now_ns(), cpu_begin = cpu_ns();
    struct catalog catalog;
    int code = load_files(run->options, run->quiet, &catalog, &result->load);
    if (code != DONE) {
        catalog_free(&catalog);
        return code;
    }
    struct plan plan;
    plan_make(&plan, &catalog);
    note_plan(&result->found, &catalog, &plan);
    eddy_status status = create_heap(run);
    if (status == EDDY_OK)
        status = fill_heap(run, &catalog, &plan);
    plan_free(&plan);
    catalog_free(&catalog);
    if (status != EDDY_OK)
        return give_up(run, "hold the graph", status);
    eddy_heap_stats(run->graph.heap, &result->before);
    result->load_ns = now_ns() - begin;
    result->load_cpu_ns = cpu_ns() - cpu_begin;
    if (!run->quiet)
        report_found(result);
    return DONE;
}

int run_live(struct run *run)
{
    struct run_result *result = run->result;
    if (run->options->seconds == 0)
        return DONE;
    if (!run->quiet)
        report_begin_live(run->options);
    eddy_status status = live_run(&run->graph, run->options, run->cycle_sizes, run->quiet, result);
    if (status != EDDY_OK)
        return give_up(run, "let the threads work", status);
    eddy_stats stats;
    eddy_heap_stats(run->graph.heap, &stats);
    result->collector_cpu_ns = stats.collector_cpu_ns - result->before.collector_cpu_ns;
    result->live_cpu_ns += result->collector_cpu_ns;
    return DONE;
}

/* The last collection and the verification. */
static eddy_status collect_and_verify(struct run *run)
{
    struct run_result *result = run->result;
    eddy_thread *thread;
    eddy_status status = eddy_thread_attach(run->graph.heap, &thread);
    if (status != EDDY_OK)
        return status;
    const uint64_t begin = now_ns();
    status = eddy_collect(thread, 0, &result->last);
    result->collect_ns = now_ns() - begin;
    eddy_heap_stats(run->graph.heap, &result->after);
    result->memory = memory_read(); /* before the verification, which needs memory of its own */
    if (status == EDDY_OK && run->options->verify) {
        status = eddy_verify(thread, 0, &result->verify);
        result->verified = status == EDDY_OK;
    }
    eddy_thread_detach(thread);
    return status;
}

int run_settle(struct run *run)
{
    eddy_status status = collect_and_verify(run);
    if (status == EDDY_OK)
        return DONE;
    if (status != EDDY_ECORRUPT)
        return give_up(run, "collect and verify the heap", status);
    fprintf(stderr, PROGRAM ": verification failed: %s\n", run->result->verify.message);
    return FAILED;
}

void run_end(struct run *run)
{
    graph_destroy(&run->graph);
    free(run->cycle_sizes);
}
