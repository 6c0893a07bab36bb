/* The command "export". docs/pause.md describes each format. */
#include "export.h"

#include <getopt.h>
#include <hdr_histogram.h>
#include <inttypes.h>
#include <string.h>

#include "encode.h"
#include "json.h"

/* The times that --kind names. */
static const struct times *times_of(const struct analysis *a, const char *kind)
{
    for (int i = 0; i < EDDY_RECORD_STALLS; i++)
        if (strcmp(kind, stall_names[i]) == 0)
            return &a->kinds[i];
    if (strcmp(kind, "all") == 0)
        return &a->all;
    if (strcmp(kind, "request") == 0)
        return &a->requests;
    if (strcmp(kind, "control") == 0)
        return &a->gaps;
    char known[256] = "";
    for (int i = 0; i < EDDY_RECORD_STALLS; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), ", %s", stall_names[i]);
    usage_error("unknown kind '%s'; there are: all, request, control%s", kind, known);
}

static void export_hgrm(const struct analysis *a, const char *kind, FILE *file)
{
    struct hdr_histogram *histogram = histogram_of(times_of(a, kind));
    hdr_percentiles_print(histogram, file, 5, 1000, CLASSIC);
    hdr_close(histogram);
}

static void log_line(const struct analysis *a, const char *tag, const struct times *times, FILE *file)
{
    if (times->count == 0)
        return;
    struct hdr_histogram *histogram = histogram_of(times);
    fprintf(file, "Tag=%s,%.3f,%.3f,%.3f,", tag, (double)a->from * 1e-9, a->seconds,
            (double)times_percentile(times, 1) * 1e-6);
    encode_histogram(histogram, file);
    fputc('\n', file);
    hdr_close(histogram);
}

/* An interval log of one interval: a tagged histogram for each kind. */
static void export_hlog(const struct analysis *a, FILE *file)
{
    double begun = (double)a->recording->header.begun_realtime_ns * 1e-9;
    fprintf(file,
            "#[Stalls in nanoseconds; by eddy-pause]\n#[Histogram log format version 1.3]\n"
            "#[StartTime: %.3f (seconds since epoch)]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
            begun);
    log_line(a, "all", &a->all, file);
    for (int i = 0; i < EDDY_RECORD_STALLS; i++)
        log_line(a, stall_names[i], &a->kinds[i], file);
    log_line(a, "request", &a->requests, file);
    log_line(a, "control", &a->gaps, file);
}

static void export_csv(const struct analysis *a, FILE *file)
{
    const struct recording *r = a->recording;
    fputs("type,kind,thread,begin_ns,length_ns,self_ns,queued_ns,outer,value\n", file);
    for (size_t i = 0; i < r->stall_count; i++) {
        const struct stall *s = &r->stalls[i];
        fprintf(file, "stall,%s,%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d,\n",
                stall_names[s->kind], s->thread, s->begin, s->length, s->self, s->queued, s->outer);
    }
    for (size_t i = 0; i < r->phase_count; i++)
        fprintf(file, "phase,%s,0,%" PRIu64 ",%" PRIu64 ",,,,%" PRIu64 "\n", phase_names[r->phases[i].kind],
                r->phases[i].begin, r->phases[i].length, r->phases[i].work);
    for (size_t i = 0; i < r->epoch_count; i++)
        fprintf(file, "epoch,,0,%" PRIu64 ",%" PRIu64 ",,,,%" PRIu64 "\n", r->epochs[i].base.begin_ns,
                r->epochs[i].base.length_ns, r->epochs[i].base.extra);
    for (size_t i = 0; i < r->event_count; i++)
        fprintf(file, "event,%u,%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",,,,%" PRIu64 "\n", r->events[i].kind,
                r->events[i].thread, r->events[i].begin, r->events[i].length, r->events[i].extra);
    for (size_t i = 0; i < r->gap_count; i++)
        fprintf(file, "gap,control,,%" PRIu64 ",%" PRIu64 ",,%" PRIu64 ",,\n", r->gaps[i].begin, r->gaps[i].length,
                r->gaps[i].queued);
}

static json_t *epoch_of(const eddy_record_epoch *e)
{
    json_t *epoch = json_object();
    json_put(epoch, "number", json_integer((json_int_t)e->base.extra));
    json_put(epoch, "begin_ns", json_integer((json_int_t)e->base.begin_ns));
    json_put(epoch, "length_ns", json_integer((json_int_t)e->base.length_ns));
#define PUT_FIGURE(field) json_put(epoch, #field, json_integer((json_int_t)e->field))
    PUT_FIGURE(allocated_bytes);
    PUT_FIGURE(promoted_bytes);
    PUT_FIGURE(allocated_total);
    PUT_FIGURE(live_bytes);
    PUT_FIGURE(live_objects);
    PUT_FIGURE(committed_bytes);
    PUT_FIGURE(peak_committed_bytes);
    PUT_FIGURE(overhead_bytes);
    PUT_FIGURE(free_bytes);
    PUT_FIGURE(log_bytes);
    PUT_FIGURE(epoch_bytes);
    PUT_FIGURE(incs);
    PUT_FIGURE(decs);
    PUT_FIGURE(promotions);
    PUT_FIGURE(objects_freed);
    PUT_FIGURE(cycle_nodes);
    PUT_FIGURE(cycles_freed);
    PUT_FIGURE(cycle_objects_freed);
    PUT_FIGURE(collector_cpu_ns);
    PUT_FIGURE(handshakes);
#undef PUT_FIGURE
    return epoch;
}

static void export_json(const struct analysis *a, FILE *file)
{
    const struct recording *r = a->recording;
    json_t *document = json_object(), *notes = json_object(), *threads = json_array(), *epochs = json_array();
    for (size_t i = 0; i < r->note_count; i++)
        json_put(notes, r->notes[i].name, json_text(r->notes[i].value));
    for (size_t i = 0; i < r->life_count; i++)
        json_push(threads, json_pack("{s:I,s:I,s:I,s:I}", "number", (json_int_t)r->lives[i].thread, "system",
                                     (json_int_t)r->lives[i].os_id, "begin_ns", (json_int_t)r->lives[i].begin, "end_ns",
                                     (json_int_t)r->lives[i].end));
    for (size_t i = 0; i < r->epoch_count; i++)
        json_push(epochs, epoch_of(&r->epochs[i]));
    json_put(document, "format", json_text("eddy-pause"));
    json_put(document, "version", json_integer(1));
    json_put(document, "title", json_text(recording_title(r)));
    json_put(document, "heap", json_text(r->header.heap));
    json_put(document, "pid", json_integer((json_int_t)r->header.pid));
    json_put(document, "begun_unix_ns", json_integer((json_int_t)r->header.begun_realtime_ns));
    json_put(document, "from_ns", json_integer((json_int_t)a->from));
    json_put(document, "to_ns", json_integer((json_int_t)a->to));
    json_put(document, "complete", json_boolean(r->ended));
    json_put(document, "notes", notes);
    json_put(document, "metrics", json_metrics(a));
    json_put(document, "threads", threads);
    json_put(document, "epochs", epochs);
    json_dumpf(document, file, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', file);
    json_decref(document);
}

int pause_export(int argc, char **argv)
{
    enum { OUTPUT = 'o', FORMAT = 256, KIND, WHOLE, SALVAGE };
    static const struct option table[] = {
        {"output", required_argument, NULL, OUTPUT}, {"format", required_argument, NULL, FORMAT},
        {"kind", required_argument, NULL, KIND},     {"whole", no_argument, NULL, WHOLE},
        {"salvage", no_argument, NULL, SALVAGE},     {0}};
    const char *output = NULL, *format = NULL, *kind = "all";
    bool whole = false, salvage = false;
    int option;
    while ((option = next_option(argc, argv, ":o:", table)) != -1) {
        whole = whole || option == WHOLE;
        salvage = salvage || option == SALVAGE;
        output = option == OUTPUT ? optarg : output;
        format = option == FORMAT ? optarg : format;
        kind = option == KIND ? optarg : kind;
    }
    static const char *const formats[] = {"hgrm", "hlog", "trace", "csv", "json"};
    int chosen = -1;
    for (int i = 0; format != NULL && i < 5; i++)
        chosen = strcmp(format, formats[i]) == 0 ? i : chosen;
    if (chosen < 0)
        usage_error("--format must be hgrm, hlog, trace, csv or json%s%s", format ? ", not " : "", format ? format : "");
    if (optind + 1 != argc)
        usage_error(optind == argc ? "export which recording?" : "one recording at a time");
    struct analysis *a = analyse(recording_read(argv[optind], salvage), whole);
    times_of(a, kind);
    FILE *file = open_output(output);
    if (chosen == 0)
        export_hgrm(a, kind, file);
    else if (chosen == 1)
        export_hlog(a, file);
    else if (chosen == 2)
        export_trace(a, file);
    else if (chosen == 3)
        export_csv(a, file);
    else
        export_json(a, file);
    close_output(file, output);
    analysis_free(a);
    return PAUSE_OK;
}
