/* The results as JSON: see json.h. */
#include "json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static void put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *new_part(json_t *object, const char *key)
{
    json_t *part = json_object();
    json_object_set_new(object, key, part);
    return part;
}

static void put_names(json_t *object, const char *key, const struct shown_names *names)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < names->count; i++)
        json_array_append_new(list, json_string(names->names[i]));
    json_object_set_new(object, key, list);
}

static void put_input(json_t *object, const struct load_summary *load)
{
    json_t *part = new_part(object, "input");
    put(part, "files", load->files);
    put(part, "skipped_files", load->skipped);
    put(part, "stanzas", load->stanzas);
    put(part, "superseded", load->superseded);
    put(part, "malformed", load->malformed);
    json_object_set_new(part, "architecture", json_string(load->architecture));
}

static void put_found(json_t *object, const struct found *found)
{
    json_t *part = new_part(object, "found");
    put(part, "packages", found->packages);
    put(part, "virtual_packages", found->virtual_packages);
    put(part, "edges", found->edges);
    put(part, "weak_edges", found->weak_edges);
    put(part, "unresolved", found->unresolved);
    put_names(part, "unresolved_names", &found->unresolved_names);
    put(part, "cycles", found->cycles);
    put(part, "largest_cycle", found->largest_cycle);
    put_names(part, "largest_cycle_names", &found->cycle_names);
    put(part, "largest_weak_cycle", found->largest_weak_cycle);
}

static void put_work(json_t *object, const struct work *work)
{
    json_t *part = new_part(object, "work");
    put(part, "closures", work->queries[QUERY_CLOSURE]);
    put(part, "reverse_closures", work->queries[QUERY_DEPENDENTS]);
    put(part, "cycles", work->queries[QUERY_CYCLE]);
    put(part, "visits", work->visits);
    put(part, "replacements", work->replacements);
    put(part, "relinks", work->relinks);
    put(part, "releases", work->releases);
}

static void put_heap(json_t *object, const struct run_result *result)
{
    const eddy_stats *before = &result->before, *after = &result->after;
    json_t *part = new_part(object, "heap");
    put(part, "live_bytes_before", result->before_bytes);
    put(part, "live_bytes_after", result->last.live_bytes);
    put(part, "ambiguous_objects", result->last.ambiguous_objects);
    put(part, "peak_bytes", after->peak_committed_bytes);
    put(part, "allocated_bytes", after->allocated_bytes - before->allocated_bytes);
    put(part, "objects_freed", after->objects_freed - before->objects_freed);
    put(part, "cycles_freed", after->cycles_freed - before->cycles_freed);
    put(part, "cycle_objects_freed", after->cycle_objects_freed - before->cycle_objects_freed);
    put(part, "cycle_passes", after->cycle_passes - before->cycle_passes);
    put(part, "cycle_nodes", after->cycle_nodes - before->cycle_nodes);
    put(part, "cycles_rejected_sigma", after->cycles_rejected_sigma - before->cycles_rejected_sigma);
    put(part, "cycles_rejected_delta", after->cycles_rejected_delta - before->cycles_rejected_delta);
    put(part, "epochs", after->epochs - before->epochs);
    put(part, "log_bytes", after->log_bytes_total - before->log_bytes_total);
    put(part, "collector_cpu_ns", after->collector_cpu_ns - before->collector_cpu_ns);
    put(part, "collector_cpu_ns_at_work", result->collector_cpu_ns);
    put(part, "last_collection_ns", result->collect_ns);
}

static void put_memory(json_t *object, const struct memory *memory)
{
    json_t *part = new_part(object, "memory");
    put(part, "peak_bytes", memory->peak_bytes);
    put(part, "resident_bytes", memory->resident_bytes);
    put(part, "proportional_bytes", memory->proportional_bytes);
    put(part, "private_bytes", memory->private_bytes);
}

static void put_threads(json_t *object, const struct run_result *result)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < result->thread_count; i++) {
        const struct thread_result *thread = &result->threads[i];
        json_t *part = json_object();
        json_object_set_new(part, "role", json_string(thread->writes ? "writer" : "reader"));
        put(part, "index", thread->index);
        put(part, "cpu_ns", thread->cpu_ns);
        put_work(part, &thread->work);
        json_t *stalls = new_part(part, "stall");
        put(stalls, "count", thread->stalls.count);
        put(stalls, "p50_ns", thread->stalls.p50_ns);
        put(stalls, "p99_ns", thread->stalls.p99_ns);
        put(stalls, "p999_ns", thread->stalls.p999_ns);
        put(stalls, "p9999_ns", thread->stalls.p9999_ns);
        put(stalls, "max_ns", thread->stalls.max_ns);
        put(stalls, "max_cost_ns", thread->stalls.max_cost_ns);
        put(stalls, "wait_ns", thread->stalls.wait_ns);
        json_object_set_new(stalls, "mmu_1ms", json_real(thread->stalls.mmu_1ms));
        json_array_append_new(list, part);
    }
    json_object_set_new(object, "threads", list);
}

static void put_run(json_t *object, const struct options *options, const struct run_result *result)
{
    put_input(object, &result->load);
    put_found(object, &result->found);
    put(object, "load_ns", result->load_ns);
    put(object, "load_cpu_ns", result->load_cpu_ns);
    put(object, "live_ns", result->live_ns);
    put(object, "live_cpu_ns", result->live_cpu_ns);
    put_work(object, &result->work);
    put_heap(object, result);
    put_memory(object, &result->memory);
    put_threads(object, result);
    if (options->verify) {
        json_t *part = new_part(object, "verify");
        put(part, "objects", result->verify.objects);
        put(part, "references", result->verify.references);
        put(part, "unreachable", result->verify.unreachable);
        put(part, "mismatches", result->verify.mismatches);
    }
}

static void put_control(json_t *object, const struct control_summary *control)
{
    json_t *part = new_part(object, "control");
    put(part, "count", control->count);
    put(part, "p9999_ns", control->p9999_ns);
    put(part, "max_ns", control->max_ns);
    put(part, "max_cost_ns", control->max_cost_ns);
}

int json_write(const struct options *options, const struct run_result *run, const struct control_summary *control,
               const struct run_result *processes, unsigned process_count)
{
    json_t *root = json_object();
    put_run(root, options, run);
    if (control != NULL)
        put_control(root, control);
    if (process_count > 0) {
        json_t *list = json_array();
        for (unsigned i = 0; i < process_count; i++) {
            json_t *process = json_object();
            put_run(process, options, &processes[i]);
            json_array_append_new(list, process);
        }
        json_object_set_new(root, "processes", list);
    }
    int written = json_dump_file(root, options->json, JSON_INDENT(2));
    json_decref(root);
    if (written == 0)
        return DONE;
    fprintf(stderr, PROGRAM ": cannot write %s: %s\n", options->json, strerror(errno));
    return USAGE;
}
