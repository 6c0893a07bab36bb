/* Writing results as JSON. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "system.h"

/* jansson's setters fail only when memory has run out, or on text that is no UTF-8. */
static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        bench_fatal("cannot make the JSON document");
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

static json_t *params_of_run(const struct bench_run *run)
{
    const struct bench_request *request = &run->request;
    json_t *params = json_object();
    for (size_t i = 0; i < request->workload->param_count; i++)
        set(params, request->workload->params[i].name, json_integer(request->params[i]));
    set_count(params, "heap_mb", request->heap_mb);
    set_count(params, "live_mb", request->live_mb);
    set(params, "allocator", json_string(bench_allocator_name()));
    json_t *engine_params = json_object();
    for (size_t i = 0; i < request->engine->param_count; i++)
        if (request->engine_params[i] != request->engine->params[i].initial)
            set(engine_params, request->engine->params[i].name, json_integer(request->engine_params[i]));
    set(params, "engine_params", engine_params);
    for (size_t i = 0; i < run->metric_count; i++) {
        const struct bench_metric *metric = &run->metrics[i];
        if (metric->is_count)
            set_count(params, metric->name, metric->count);
        else
            set(params, metric->name, json_real(metric->real));
    }
    return params;
}

static json_t *stall_of_run(const struct bench_stall *stall)
{
    json_t *object = json_object();
    set_count(object, "count", stall->count);
    set_count(object, "p50_ns", stall->p50_ns);
    set_count(object, "p99_ns", stall->p99_ns);
    set_count(object, "p999_ns", stall->p999_ns);
    set_count(object, "p9999_ns", stall->p9999_ns);
    set_count(object, "max_ns", stall->max_ns);
    set_count(object, "max_cost_ns", stall->max_cost_ns);
    set_count(object, "wait_ns", stall->wait_ns);
    set(object, "mmu_1ms", json_real(stall->mmu_1ms));
    return object;
}

json_t *report_of_run(const struct bench_run *run)
{
    char checksum[17];
    snprintf(checksum, sizeof checksum, "%016" PRIx64, run->checksum);
    json_t *document = json_object();
    set(document, "workload", json_string(run->request.workload->name));
    set(document, "engine", json_string(run->request.engine->name));
    set_count(document, "threads", run->request.threads);
    set(document, "wall_s", json_real(run->wall_s));
    set(document, "cpu_s", json_real(run->cpu_s));
    set(document, "collector_cpu_s", json_real(run->collector_cpu_s));
    set_count(document, "peak_rss_bytes", run->peak_rss_bytes);
    set(document, "checksum", json_string(checksum));
    set(document, "stall", stall_of_run(&run->stall));
    set(document, "params", params_of_run(run));
    return document;
}

bool report_write(json_t *document, FILE *file)
{
    bool written = json_dumpf(document, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file) != EOF;
    written = fclose(file) == 0 && written;
    if (!written)
        fprintf(stderr, "eddy-bench: cannot write the JSON document: %s\n", strerror(errno));
    json_decref(document);
    return written;
}
