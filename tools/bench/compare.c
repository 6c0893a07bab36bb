/* The command "compare": several engines on one workload, in turns, each run in a process of its own.
 *
 * Ratios are paired: the first engine's run of a round is divided by another engine's run of the same
 * round, so that slow changes of the machine's speed cancel. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "system.h"

enum { MAX_ENGINES = 8, MAX_RUNS = 1000, MAX_ARGUMENTS = 32 + 2 * OPTIONS_SETTINGS };

/* The figures of one run that the comparison is about. */
enum figure { WALL, CPU, COLLECTOR_CPU, PEAK_RSS, STALL_P9999, STALL_MAX, STALL_COST, STALL_WAIT, MMU, FIGURES };

static const struct {
    const char *group, *key; /* where the figure is in the document of a run */
    const char *title;
    double scale; /* from the document's unit to the table's */
    int decimals;
} figures[FIGURES] = {
    [WALL] = {NULL, "wall_s", "wall s", 1, 3},
    [CPU] = {NULL, "cpu_s", "CPU s", 1, 3},
    [COLLECTOR_CPU] = {NULL, "collector_cpu_s", "collector s", 1, 3},
    [PEAK_RSS] = {NULL, "peak_rss_bytes", "peak MiB", 1.0 / (1 << 20), 1},
    [STALL_P9999] = {"stall", "p9999_ns", "p99.99 us", 1e-3, 1},
    [STALL_MAX] = {"stall", "max_ns", "longest us", 1e-3, 1},
    [STALL_COST] = {"stall", "max_cost_ns", "cost us", 1e-3, 1},
    [STALL_WAIT] = {"stall", "wait_ns", "waits us", 1e-3, 1},
    [MMU] = {"stall", "mmu_1ms", "MMU 1 ms", 1, 3},
};

/* The figures that are also shown as ratios. */
static const enum figure ratio_figures[] = {WALL, CPU, PEAK_RSS};
enum { RATIO_FIGURES = sizeof ratio_figures / sizeof ratio_figures[0] };

struct contender {
    const struct bench_engine *engine;
    json_t *documents; /* of the rounds that count */
    double values[FIGURES][MAX_RUNS];
};

static struct {
    struct options options;
    unsigned runs, warmup;
    size_t count;
    struct contender contenders[MAX_ENGINES];
    const char *checksum; /* of the first run; all others must have it too */
} comparison;

static void take_engines(const char *list)
{
    comparison.count = 0;
    for (const char *name = list; name != NULL;) {
        size_t length = strcspn(name, ",");
        const struct bench_engine *engine = options_engine(name, length);
        for (size_t i = 0; i < comparison.count; i++)
            if (comparison.contenders[i].engine == engine)
                options_error("--engines names %s twice", engine->name);
        if (comparison.count == MAX_ENGINES)
            options_error("more than %d engines", MAX_ENGINES);
        comparison.contenders[comparison.count++].engine = engine;
        name = name[length] == ',' ? name + length + 1 : NULL;
    }
}

static void parse(int argc, char **argv)
{
    enum { OPTION_ENGINES = OPTION_OWN, OPTION_RUNS, OPTION_WARMUP };
    static const struct option table[] = {OPTIONS_LONG,
                                          {"engines", required_argument, NULL, OPTION_ENGINES},
                                          {"runs", required_argument, NULL, OPTION_RUNS},
                                          {"warmup", required_argument, NULL, OPTION_WARMUP},
                                          {0}};
    struct options *options = &comparison.options;
    comparison.runs = 5;
    comparison.warmup = 1;
    int option;
    while ((option = options_next(argc, argv, table)) != -1) {
        if (option == OPTION_ENGINES)
            take_engines(optarg);
        else if (option == OPTION_RUNS)
            comparison.runs = (unsigned)options_number("--runs", optarg, 1, MAX_RUNS);
        else if (option == OPTION_WARMUP)
            comparison.warmup = (unsigned)options_number("--warmup", optarg, 0, MAX_RUNS);
        else
            options_take(options, option, optarg);
    }
    options_take_workload(options, argc, argv, optind);
    if (comparison.count < 2)
        options_error("--engines must name at least two engines, separated by commas");
    for (size_t i = 0; i < options->setting_count; i++) {
        bool known = false;
        for (size_t e = 0; e < comparison.count; e++)
            known = known || options_knows(options, comparison.contenders[e].engine, &options->settings[i]);
        if (!known)
            options_unknown_setting(options, comparison.contenders[0].engine, &options->settings[i]);
    }
    for (size_t e = 0; e < comparison.count; e++)
        options_request(options, comparison.contenders[e].engine); /* the ranges are checked here, once */
}

/* A command line under construction. */
struct command {
    char *words[MAX_ARGUMENTS + 1];
    size_t count;
};

static void __attribute__((format(printf, 2, 3))) add_word(struct command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *word;
    if (command->count == MAX_ARGUMENTS || vasprintf(&word, format, arguments) < 0)
        bench_fatal("cannot make the command line of a run");
    va_end(arguments);
    command->words[command->count++] = word;
}

static struct command command_of(const struct bench_engine *engine)
{
    const struct options *options = &comparison.options;
    struct command command = {0};
    add_word(&command, "eddy-bench");
    add_word(&command, "run");
    add_word(&command, "%s", options->workload->name);
    add_word(&command, "--engine=%s", engine->name);
    if (options->threads != 0)
        add_word(&command, "--threads=%" PRIu64, options->threads);
    if (options->heap_mb != 0)
        add_word(&command, "--heap-mb=%" PRIu64, options->heap_mb);
    if (options->live_mb != 0)
        add_word(&command, "--live-mb=%" PRIu64, options->live_mb);
    for (size_t i = 0; i < options->setting_count; i++) {
        const struct setting *setting = &options->settings[i];
        if (options_knows(options, engine, setting))
            add_word(&command, "--param=%.*s=%" PRId64, (int)setting->name_length, setting->name, setting->value);
    }
    add_word(&command, "--json=-");
    return command;
}

/* Runs the command with its standard output in a pipe; returns the end to read. */
static int start(struct command *command, pid_t *child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        bench_fatal("cannot make a pipe: %s", strerror(errno));
    *child = fork();
    if (*child < 0)
        bench_fatal("cannot fork: %s", strerror(errno));
    if (*child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execv("/proc/self/exe", command->words);
        bench_fatal("cannot run /proc/self/exe: %s", strerror(errno));
    }
    close(ends[1]);
    return ends[0];
}

/* The document of one run of one engine. Ends the process if the run fails. */
static json_t *run_engine(const struct bench_engine *engine)
{
    struct command command = command_of(engine);
    pid_t child;
    int output = start(&command, &child);
    json_error_t error;
    json_t *document = json_loadfd(output, 0, &error);
    close(output);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < command.count; i++)
        free(command.words[i]);
    if (WIFSIGNALED(status))
        bench_fatal("the run on %s was ended by signal %d", engine->name, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        bench_fatal("the run on %s failed with status %d", engine->name, WEXITSTATUS(status));
    if (document == NULL)
        bench_fatal("the run on %s printed no JSON: %s", engine->name, error.text);
    return document;
}

static double figure_of(const json_t *document, enum figure figure)
{
    const json_t *group = figures[figure].group == NULL ? document : json_object_get(document, figures[figure].group);
    return json_number_value(json_object_get(group, figures[figure].key));
}

static void check_checksum(const json_t *document, const char *engine)
{
    const char *checksum = json_string_value(json_object_get(document, "checksum"));
    if (comparison.checksum == NULL)
        comparison.checksum = strdup(checksum);
    if (strcmp(comparison.checksum, checksum) != 0)
        bench_fatal("checksums differ: %s on %s, %s on %s before", checksum, engine, comparison.checksum,
                    comparison.contenders[0].engine->name);
}

static void run_rounds(void)
{
    for (unsigned round = 0; round < comparison.warmup + comparison.runs; round++) {
        for (size_t e = 0; e < comparison.count; e++) {
            struct contender *contender = &comparison.contenders[e];
            json_t *document = run_engine(contender->engine);
            check_checksum(document, contender->engine->name);
            if (round < comparison.warmup) {
                json_decref(document);
                continue;
            }
            for (int figure = 0; figure < FIGURES; figure++)
                contender->values[figure][round - comparison.warmup] = figure_of(document, (enum figure)figure);
            json_array_append_new(contender->documents, document);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct spread {
    double least, median, most;
};

static struct spread spread_of(const double *values)
{
    double sorted[MAX_RUNS];
    memcpy(sorted, values, comparison.runs * sizeof sorted[0]);
    qsort(sorted, comparison.runs, sizeof sorted[0], by_value);
    unsigned half = comparison.runs / 2;
    double median = comparison.runs % 2 != 0 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return (struct spread){sorted[0], median, sorted[comparison.runs - 1]};
}

/* Of the first engine to another one, over the rounds. A ratio to zero is reported as zero. */
static struct spread ratio_of(size_t other, enum figure figure)
{
    double ratios[MAX_RUNS];
    for (unsigned i = 0; i < comparison.runs; i++) {
        double divisor = comparison.contenders[other].values[figure][i];
        ratios[i] = divisor == 0 ? 0 : comparison.contenders[0].values[figure][i] / divisor;
    }
    return spread_of(ratios);
}

static void print_table(void)
{
    struct bench_request request = options_request(&comparison.options, comparison.contenders[0].engine);
    printf("%s, threads %u, heap limit %" PRIu64 " MiB, live heap %" PRIu64 " MiB: medians of %u runs\n\n",
           request.workload->name, request.threads, request.heap_mb, request.live_mb, comparison.runs);
    printf("%-18s", "engine");
    for (int figure = 0; figure < FIGURES; figure++)
        printf(" %11s", figures[figure].title);
    putchar('\n');
    for (size_t e = 0; e < comparison.count; e++) {
        printf("%-18s", comparison.contenders[e].engine->name);
        for (int figure = 0; figure < FIGURES; figure++)
            printf(" %11.*f", figures[figure].decimals,
                   spread_of(comparison.contenders[e].values[figure]).median * figures[figure].scale);
        putchar('\n');
    }
    printf("\n%-27s %-22s %-22s %-22s\n", "paired ratios", "wall", "CPU", "peak memory");
    for (size_t e = 1; e < comparison.count; e++) {
        char names[64];
        snprintf(names, sizeof names, "%s / %s", comparison.contenders[0].engine->name,
                 comparison.contenders[e].engine->name);
        printf("%-27s", names);
        for (size_t i = 0; i < RATIO_FIGURES; i++) {
            struct spread ratio = ratio_of(e, ratio_figures[i]);
            char text[64];
            snprintf(text, sizeof text, "%.3f (%.3f-%.3f)", ratio.median, ratio.least, ratio.most);
            printf(" %-22s", text);
        }
        putchar('\n');
    }
}

static json_t *json_of_spread(struct spread spread)
{
    return json_pack("{s:f,s:f,s:f}", "median", spread.median, "least", spread.least, "most", spread.most);
}

static json_t *document_of_comparison(void)
{
    json_t *engines = json_array();
    json_t *ratios = json_array();
    for (size_t e = 0; e < comparison.count; e++) {
        struct contender *contender = &comparison.contenders[e];
        json_t *medians = json_object();
        for (int figure = 0; figure < FIGURES; figure++)
            json_object_set_new(medians, figures[figure].key, json_real(spread_of(contender->values[figure]).median));
        json_array_append_new(engines, json_pack("{s:s,s:o,s:O}", "engine", contender->engine->name, "medians", medians,
                                                 "runs", contender->documents));
        if (e == 0)
            continue;
        json_t *ratio = json_pack("{s:s,s:s}", "of", comparison.contenders[0].engine->name, "to", contender->engine->name);
        for (size_t i = 0; i < RATIO_FIGURES; i++)
            json_object_set_new(ratio, figures[ratio_figures[i]].key, json_of_spread(ratio_of(e, ratio_figures[i])));
        json_array_append_new(ratios, ratio);
    }
    json_t *document =
        json_pack("{s:s,s:i,s:s,s:o,s:o}", "workload", comparison.options.workload->name, "rounds",
                  (int)comparison.runs, "checksum", comparison.checksum, "engines", engines, "ratios", ratios);
    if (document == NULL)
        bench_fatal("cannot make the JSON document");
    return document;
}

int bench_command_compare(int argc, char **argv)
{
    parse(argc, argv);
    for (size_t e = 0; e < comparison.count; e++)
        comparison.contenders[e].documents = json_array();
    run_rounds();
    if (!comparison.options.json_only)
        print_table();
    FILE *json = comparison.options.json;
    return json == NULL || report_write(document_of_comparison(), json) ? BENCH_OK : BENCH_FAILED;
}
