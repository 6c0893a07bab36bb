/* The command "report": one HTML page about one or several recordings, with everything in it. The page's own parts are
 * in report/; here its data is made, with as many points as a chart can show. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"

enum {
    RUNS_MOST = 16,
    PERCENTILES = 61,      /* 1/(1-p) from 1 to a million, ten to a decade */
    RATES = 81,            /* thresholds from 100 ns to 10 s, ten to a decade */
    BINS = 45,             /* of histograms: 10 ns to 10 s, five to a decade */
    TIMELINE_MOST = 30000, /* events of stalls, of the collector and of the control each */
    MEMORY_MOST = 3000,
    LANES_MOST = 24
};

extern const char page_html[], page_css[], page_js[], uPlot_min_css[], uPlot_iife_min_js[];

static double grid(double first, double per_decade, int i)
{
    return first * pow(10, i / per_decade);
}

static json_t *grid_array(double first, double per_decade, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_push(array, json_number(grid(first, per_decade, i)));
    return array;
}

/* ---- distributions ---- */

static json_t *percentiles(const struct times *times)
{
    if (times->count == 0)
        return json_null();
    json_t *array = json_array();
    for (int i = 0; i < PERCENTILES; i++) {
        double x = grid(1, 10, i);
        json_push(array, x > (double)times->count * 1.0001 ? json_null()
                                                           : json_number((double)times_percentile(times, 1 - 1 / x)));
    }
    return array;
}

/* How many times are at least `ns`. */
static size_t at_least(const struct times *times, double ns)
{
    size_t low = 0, high = times->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((double)times->ns[middle] < ns)
            low = middle + 1;
        else
            high = middle;
    }
    return times->count - low;
}

static json_t *rates(const struct times *times, double watched)
{
    if (times->count == 0 || watched <= 0)
        return json_null();
    json_t *array = json_array();
    for (int i = 0; i < RATES; i++) {
        size_t count = at_least(times, grid(100, 10, i));
        json_push(array, count == 0 ? json_null() : json_number((double)count / watched));
    }
    return array;
}

static json_t *histogram(const struct times *times)
{
    json_t *array = json_array();
    for (int i = 0; i < BINS; i++) {
        size_t count = at_least(times, i == 0 ? 0 : grid(10, 5, i - 1)) - at_least(times, grid(10, 5, i));
        json_push(array, count == 0 ? json_null() : json_integer((json_int_t)count));
    }
    return array;
}

static void put_kind(json_t *kinds, const char *id, const char *title, const struct times *times, bool part, int colour)
{
    json_t *kind = json_object();
    json_put(kind, "id", json_text(id));
    json_put(kind, "title", json_text(title));
    json_put(kind, "count", json_integer((json_int_t)times->count));
    json_put(kind, "p50", json_number((double)times_percentile(times, 0.5)));
    json_put(kind, "p99", json_number((double)times_percentile(times, 0.99)));
    json_put(kind, "p999", json_number((double)times_percentile(times, 0.999)));
    json_put(kind, "p9999", json_number((double)times_percentile(times, 0.9999)));
    json_put(kind, "max", json_number((double)times_percentile(times, 1)));
    json_put(kind, "total", json_number((double)times->total));
    bool latency = strcmp(id, "request") == 0 || strcmp(id, "service") == 0;
    json_put(kind, "max_cost", latency ? json_null() : json_number((double)times->max_cost));
    json_put(kind, "part", json_boolean(part));
    json_put(kind, "colour", json_integer(colour));
    json_put(kind, "histogram", histogram(times));
    json_push(kinds, kind);
}

static json_t *kinds_of(const struct analysis *a)
{
    json_t *kinds = json_array();
    for (int kind = 0; kind < EDDY_RECORD_STALLS; kind++)
        if (a->kinds[kind].count != 0)
            put_kind(kinds, stall_names[kind], stall_titles[kind] + strspn(stall_titles[kind], " "), &a->kinds[kind],
                     kind == EDDY_RECORD_STACK_SCAN, kind);
    put_kind(kinds, "all", "all stalls, nested as one", &a->all, false, 0);
    if (a->gaps.count != 0)
        put_kind(kinds, "control", "control: gaps", &a->gaps, false, 0);
    if (a->requests.count != 0) {
        put_kind(kinds, "request", "requests: latency", &a->requests, false, EDDY_RECORD_STALLS);
        put_kind(kinds, "service", "of which service", &a->service, true, EDDY_RECORD_STALLS + 1);
    }
    return kinds;
}

/* ---- utilisation ---- */

static json_t *mmu_of(const struct analysis *a)
{
    uint64_t windows[CURVE_WINDOWS];
    double mmu[CURVE_WINDOWS], bounded = 1;
    curve_windows(windows);
    json_t *cost = json_array(), *wall = json_array(), *control = json_array(), *bmu = json_array();
    for (int i = 0; i < CURVE_WINDOWS; i++) {
        bool fits = (double)windows[i] <= a->seconds * 1e9;
        mmu[i] = fits ? least_mmu(a->cost, a->thread_count, windows[i]) : -1;
        json_push(cost, fits ? json_number(mmu[i]) : json_null());
        json_push(wall, fits ? json_number(least_mmu(a->wall, a->thread_count, windows[i])) : json_null());
        json_push(control, fits ? json_number(least_mmu(&a->control, 1, windows[i])) : json_null());
    }
    /* bounded: the least of all windows that are not shorter (Sachindran, Moss and Berger, "MC2", OOPSLA 2004) */
    for (int i = CURVE_WINDOWS; i-- > 0;) {
        bounded = mmu[i] >= 0 && mmu[i] < bounded ? mmu[i] : bounded;
        if (json_array_insert_new(bmu, 0, mmu[i] >= 0 ? json_number(bounded) : json_null()) != 0)
            fatal("out of memory");
    }
    json_t *curves = json_object();
    json_put(curves, "all", cost);
    json_put(curves, "bmu", bmu);
    json_put(curves, "wall", wall);
    json_put(curves, "control", a->control_seconds > 0 ? control : json_null());
    return curves;
}

/* ---- the time line ---- */

struct item {
    int lane, kind;
    uint64_t begin, length;
};

struct items {
    struct item *items;
    size_t count, room;
};

static void add_item(struct items *items, int lane, int kind, uint64_t begin, uint64_t length)
{
    items->items = grow(items->items, items->count, &items->room, sizeof *items->items);
    items->items[items->count++] = (struct item){lane, kind, begin, length};
}

static int by_length(const void *a, const void *b)
{
    uint64_t x = ((const struct item *)a)->length, y = ((const struct item *)b)->length;
    return (x < y) - (x > y);
}

/* The longest of them, in a chart's units (microseconds); how many are left out. */
static size_t put_items(json_t *array, struct items *items)
{
    size_t shown = items->count < TIMELINE_MOST ? items->count : TIMELINE_MOST;
    if (shown < items->count)
        qsort(items->items, items->count, sizeof *items->items, by_length);
    for (size_t i = shown; i-- > 0;) { /* the longest last: drawn over the others */
        const struct item *item = &items->items[i];
        json_push(array, json_pack("[i,i,o,o]", item->lane, item->kind, json_number(round((double)item->begin / 100) / 10),
                                   json_number(round((double)item->length / 100) / 10)));
    }
    free(items->items);
    return items->count - shown;
}

/* A lane per thread that stalls, as far as there is room; -1: none. */
static void lanes_of(const struct analysis *a, json_t *names, int lanes[65536])
{
    const struct recording *r = a->recording;
    json_push(names, json_text("collector"));
    for (int i = 0; i < 65536; i++)
        lanes[i] = -1;
    for (size_t i = 0; i < r->stall_count; i++) {
        const struct stall *s = &r->stalls[i];
        if (lanes[s->thread] >= 0 || json_array_size(names) == LANES_MOST || s->begin + s->length < a->from
            || s->begin > a->to)
            continue;
        char name[32];
        snprintf(name, sizeof name, "thread %" PRIu32, s->thread);
        lanes[s->thread] = (int)json_array_size(names);
        json_push(names, json_text(name));
    }
    lanes[0] = (int)json_array_size(names); /* the control */
    if (r->gap_count != 0)
        json_push(names, json_text("control"));
}

static const char *const phase_titles[EDDY_RECORD_PHASES] = {"rendezvous", "increments",  "decrements",  "cycle tests",
                                                             "sweep",      "cycle slice", "end of epoch"};

static json_t *timeline_of(const struct analysis *a)
{
    const struct recording *r = a->recording;
    static int lanes[65536];
    json_t *names = json_array(), *kinds = json_array(), *stalls = json_array(), *array = json_array();
    lanes_of(a, names, lanes);
    for (int kind = 0; kind < EDDY_RECORD_STALLS; kind++) {
        json_push(kinds, json_text(stall_titles[kind] + (kind == EDDY_RECORD_STACK_SCAN ? strlen("  of which ") : 0)));
        json_push(stalls, json_integer(kind));
    }
    for (int phase = 0; phase < EDDY_RECORD_PHASES; phase++)
        json_push(kinds, json_text(phase_titles[phase]));
    json_push(kinds, json_text("gap of the control"));
    struct items events = {.count = 0}, phases = {.count = 0}, gaps = {.count = 0};
    for (size_t i = 0; i < r->phase_count; i++)
        add_item(&phases, 0, EDDY_RECORD_STALLS + r->phases[i].kind, r->phases[i].begin, r->phases[i].length);
    for (int inner = 0; inner < 2; inner++) /* inner ones over outer ones */
        for (size_t i = 0; i < r->stall_count; i++)
            if (r->stalls[i].outer != (inner != 0) && lanes[r->stalls[i].thread] >= 0)
                add_item(&events, lanes[r->stalls[i].thread], r->stalls[i].kind, r->stalls[i].begin, r->stalls[i].length);
    for (size_t i = 0; i < r->gap_count; i++)
        add_item(&gaps, lanes[0], EDDY_RECORD_STALLS + EDDY_RECORD_PHASES, r->gaps[i].begin, r->gaps[i].length);
    json_t *line = json_object();
    json_put(line, "from", json_number((double)a->from * 1e-3));
    json_put(line, "to", json_number((double)a->to * 1e-3));
    json_put(line, "lanes", names);
    json_put(line, "kinds", kinds);
    json_put(line, "stall_kinds", stalls);
    size_t hidden = put_items(array, &phases) + put_items(array, &events) + put_items(array, &gaps);
    json_put(line, "items", array);
    json_put(line, "hidden", json_integer((json_int_t)hidden));
    return line;
}

static json_t *memory_of(const struct analysis *a)
{
    const struct recording *r = a->recording;
    json_t *at = json_array(), *live = json_array(), *committed = json_array(), *logs = json_array();
    size_t step = r->epoch_count / MEMORY_MOST + 1;
    for (size_t i = 0; i < r->epoch_count; i += step) {
        const eddy_record_epoch *e = &r->epochs[i];
        json_push(at, json_number((double)(e->base.begin_ns + e->base.length_ns) * 1e-9));
        json_push(live, json_number((double)e->live_bytes));
        json_push(committed, json_number((double)e->committed_bytes));
        json_push(logs, json_number((double)e->log_bytes));
    }
    json_t *memory = json_object();
    json_put(memory, "at", at);
    json_put(memory, "live", live);
    json_put(memory, "committed", committed);
    json_put(memory, "logs", logs);
    return memory;
}

/* ---- a run ---- */

static const char *const fact_names[] = {"measured",   "threads",       "MMU 1 ms",  "MMU 10 ms",
                                         "MMU 100 ms", "control 10 ms", "allocated", "survived",
                                         "live, mean", "peak memory",   "epochs",    "collector CPU"};

static void fact(json_t *facts, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fact(json_t *facts, const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_push(facts, json_text(text));
}

static json_t *facts_of(const struct analysis *a)
{
    char text[24];
    json_t *facts = json_array();
    double time = a->seconds > 0 ? a->seconds : 1;
    fact(facts, "%.2f s", a->seconds);
    fact(facts, "%zu", a->thread_count);
    for (int i = 0; i < MMU_WINDOWS; i++)
        fact(facts, "%.3f", a->mmu_cost[i]);
    if (a->control_seconds > 0)
        fact(facts, "%.3f", a->mmu_control[1]);
    else
        fact(facts, "-");
    fact(facts, "%s/s", show_bytes(a->allocated / time, text, sizeof text));
    fact(facts, "%.2f %%", a->allocated > 0 ? 100 * a->promoted / a->allocated : 0);
    fact(facts, "%s", show_bytes(a->live_mean, text, sizeof text));
    fact(facts, "%s", show_bytes(a->committed_peak, text, sizeof text));
    fact(facts, "%" PRIu64, a->epochs);
    fact(facts, "%.1f %%", 100 * a->collector_cpu / time);
    return facts;
}

static json_t *about_run(const struct analysis *a)
{
    const struct recording *r = a->recording;
    char text[256], date[64] = "";
    time_t begun = (time_t)(r->header.begun_realtime_ns / 1000000000u);
    struct tm broken;
    if (gmtime_r(&begun, &broken) != NULL)
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", &broken);
    const char *processors = recording_note(r, "processors");
    snprintf(text, sizeof text, "Recorded %s, process %" PRIu64 ", heap \"%s\"%s%s; %.2f s measured of %.2f s.", date,
             r->header.pid, r->header.heap, processors ? ", processors: " : "", processors ? processors : "",
             a->seconds, (double)r->end * 1e-9);
    return json_text(text);
}

static json_t *warnings_of(const struct analysis *a)
{
    const struct recording *r = a->recording;
    json_t *warnings = json_array();
    char text[160];
    if (r->dropped != 0) {
        snprintf(text, sizeof text, "%" PRIu64 " events were dropped: the figures are lower bounds.", r->dropped);
        json_push(warnings, json_text(text));
    }
    if (!r->ended)
        json_push(warnings, json_text("The recording was cut short."));
    return warnings;
}

static json_t *run_of(const struct analysis *a, const char *name)
{
    double watched = 0;
    for (size_t i = 0; i < a->thread_count; i++)
        watched += (double)(a->wall[i].to - a->wall[i].from) * 1e-9;
    json_t *run = json_object(), *curves = json_object(), *often = json_object();
    json_put(run, "name", json_text(name));
    json_put(run, "about", about_run(a));
    json_put(run, "warnings", warnings_of(a));
    json_put(run, "facts", facts_of(a));
    json_put(run, "kinds", kinds_of(a));
    json_put(curves, "all", percentiles(&a->all));
    json_put(curves, "control", percentiles(&a->gaps));
    json_put(curves, "request", percentiles(&a->requests));
    json_put(run, "percentiles", curves);
    json_put(often, "all", rates(&a->all, watched));
    json_put(often, "control", rates(&a->gaps, a->control_seconds));
    json_put(run, "rates", often);
    json_put(run, "mmu", mmu_of(a));
    json_put(run, "timeline", timeline_of(a));
    json_put(run, "memory", memory_of(a));
    json_put(run, "metrics", json_metrics(a));
    return run;
}

/* ---- the page ---- */

static void write_page(FILE *file, const char *data)
{
    const struct {
        const char *mark, *text;
    } parts[] = {{"@UPLOT_CSS@", uPlot_min_css},
                 {"@PAGE_CSS@", page_css},
                 {"@DATA@", data},
                 {"@UPLOT_JS@", uPlot_iife_min_js},
                 {"@PAGE_JS@", page_js}};
    const char *rest = page_html;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *mark = strstr(rest, parts[i].mark);
        fwrite(rest, 1, (size_t)(mark - rest), file);
        fputs(parts[i].text, file);
        rest = mark + strlen(parts[i].mark);
    }
    fputs(rest, file);
}

/* Names that tell the runs apart: their titles, or the files if those are the same. */
static void name_runs(struct analysis **analyses, size_t count, const char *names[RUNS_MOST])
{
    bool same = false;
    for (size_t i = 0; i < count; i++) {
        names[i] = recording_title(analyses[i]->recording);
        for (size_t j = 0; j < i; j++)
            same = same || strcmp(names[i], names[j]) == 0;
    }
    for (size_t i = 0; i < count && same; i++) {
        const char *slash = strrchr(analyses[i]->recording->path, '/');
        names[i] = slash != NULL ? slash + 1 : analyses[i]->recording->path;
    }
}

int pause_report(int argc, char **argv)
{
    enum { OUTPUT = 'o', WHOLE = 256, SALVAGE };
    static const struct option table[] = {{"output", required_argument, NULL, OUTPUT},
                                          {"whole", no_argument, NULL, WHOLE},
                                          {"salvage", no_argument, NULL, SALVAGE},
                                          {0}};
    const char *output = NULL;
    bool whole = false, salvage = false;
    int option;
    while ((option = next_option(argc, argv, ":o:", table)) != -1) {
        whole = whole || option == WHOLE;
        salvage = salvage || option == SALVAGE;
        if (option == OUTPUT)
            output = optarg;
    }
    size_t count = (size_t)(argc - optind);
    if (count == 0)
        usage_error("a report of which recording?");
    if (count > RUNS_MOST)
        usage_error("a report of at most %d recordings", RUNS_MOST);
    struct analysis *analyses[RUNS_MOST];
    const char *names[RUNS_MOST];
    for (size_t i = 0; i < count; i++)
        analyses[i] = analyse(recording_read(argv[optind + (int)i], salvage), whole);
    name_runs(analyses, count, names);
    uint64_t windows[CURVE_WINDOWS];
    curve_windows(windows);
    json_t *data = json_object(), *runs = json_array(), *facts = json_array(), *window_grid = json_array();
    for (size_t i = 0; i < count; i++)
        json_push(runs, run_of(analyses[i], names[i]));
    for (size_t i = 0; i < sizeof fact_names / sizeof fact_names[0]; i++)
        json_push(facts, json_text(fact_names[i]));
    for (int i = 0; i < CURVE_WINDOWS; i++)
        json_push(window_grid, json_integer((json_int_t)windows[i]));
    json_put(data, "runs", runs);
    json_put(data, "facts", facts);
    json_put(data, "percentile_grid", grid_array(1, 10, PERCENTILES));
    json_put(data, "rate_grid", grid_array(100, 10, RATES));
    json_put(data, "histogram_grid", grid_array(10, 5, BINS));
    json_put(data, "window_grid", window_grid);
    char *text = need(json_dumps(data, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(9)));
    for (char *p = text; (p = strstr(p, "<!--")) != NULL;) /* would begin a comment inside the script element */
        *p = ' ';
    FILE *file = open_output(output);
    write_page(file, text);
    close_output(file, output);
    free(text);
    json_decref(data);
    for (size_t i = 0; i < count; i++)
        analysis_free(analyses[i]);
    return PAUSE_OK;
}
