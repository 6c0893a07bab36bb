/* Chrome's trace event format (JSON), which Perfetto (ui.perfetto.dev) and chrome://tracing open: a track for each thread,
 * the collector and the control, counters for memory. Written piece by piece: traces are large. */
#include <inttypes.h>

#include "export.h"

static bool first;

static void begin_event(FILE *file)
{
    fputs(first ? "\n" : ",\n", file);
    first = false;
}

static void name_track(FILE *file, unsigned long tid, const char *name)
{
    begin_event(file);
    fprintf(file, "{\"ph\":\"M\",\"pid\":1,\"tid\":%lu,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}", tid, name);
}

static void slice(FILE *file, unsigned long tid, const char *category, const char *name, uint64_t begin,
                  uint64_t length, const char *argument, double value)
{
    begin_event(file);
    fprintf(file, "{\"ph\":\"X\",\"pid\":1,\"tid\":%lu,\"cat\":\"%s\",\"name\":\"%s\",\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"%s\":%.3f}}",
            tid, category, name, (double)begin * 1e-3, (double)length * 1e-3, argument, value);
}

void export_trace(const struct analysis *a, FILE *file)
{
    enum { COLLECTOR = 100000, CONTROL = 100001 };
    const struct recording *r = a->recording;
    first = true;
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
    name_track(file, COLLECTOR, "collector");
    if (r->gap_count != 0)
        name_track(file, CONTROL, "control: gaps");
    for (size_t i = 0; i < r->life_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "thread %" PRIu32 " (system %" PRIu32 ")", r->lives[i].thread, r->lives[i].os_id);
        name_track(file, r->lives[i].thread, name);
    }
    for (size_t i = 0; i < r->stall_count; i++) {
        const struct stall *s = &r->stalls[i];
        slice(file, s->thread, "stall", stall_names[s->kind], s->begin, s->length, "queued_us", (double)s->queued * 1e-3);
    }
    for (size_t i = 0; i < r->phase_count; i++)
        slice(file, COLLECTOR, "collector", phase_names[r->phases[i].kind], r->phases[i].begin, r->phases[i].length,
              "work", (double)r->phases[i].work);
    for (size_t i = 0; i < r->event_count; i++) {
        const struct event *e = &r->events[i];
        if (e->kind == EDDY_RECORD_REQUEST)
            slice(file, e->thread, "request", "request", e->begin + e->length - e->extra, e->extra, "latency_us",
                  (double)e->length * 1e-3);
    }
    for (size_t i = 0; i < r->gap_count; i++)
        slice(file, CONTROL, "control", "gap", r->gaps[i].begin, r->gaps[i].length, "queued_us",
              (double)r->gaps[i].queued * 1e-3);
    for (size_t i = 0; i < r->epoch_count; i++) {
        const eddy_record_epoch *e = &r->epochs[i];
        begin_event(file);
        fprintf(file,
                "{\"ph\":\"C\",\"pid\":1,\"name\":\"memory\",\"ts\":%.3f,\"args\":{\"live\":%" PRIu64
                ",\"committed\":%" PRIu64 ",\"logs\":%" PRIu64 "}}",
                (double)(e->base.begin_ns + e->base.length_ns) * 1e-3, e->live_bytes, e->committed_bytes, e->log_bytes);
    }
    fputs("\n]}\n", file);
}
