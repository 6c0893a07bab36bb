/* Parsing of options, numbers and names; every error says what would have been right. */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void options_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("eddy-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\nTry 'eddy-bench --help' or 'eddy-bench list'.\n", stderr);
    va_end(arguments);
    exit(BENCH_USAGE);
}

/* Reads a whole decimal number. */
static bool parse_number(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return errno == 0 && end != text && *end == '\0';
}

uint64_t options_number(const char *option, const char *text, uint64_t least, uint64_t most)
{
    int64_t value;
    if (!parse_number(text, &value) || value < 0 || (uint64_t)value < least || (uint64_t)value > most)
        options_error("%s must be a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'", option, least, most, text);
    return (uint64_t)value;
}

/* Appends a name to a list "a, b, c". */
static void append_name(char *list, size_t size, const char *name)
{
    size_t length = strlen(list);
    snprintf(list + length, size - length, "%s%s", length == 0 ? "" : ", ", name);
}

static const struct bench_workload *find_workload(const char *name)
{
    char known[512] = "";
    for (size_t i = 0; i < WORKLOADS; i++) {
        if (strcmp(bench_workloads[i].name, name) == 0)
            return &bench_workloads[i];
        append_name(known, sizeof known, bench_workloads[i].name);
    }
    options_error("unknown workload '%s'; there are: %s", name, known);
}

const struct bench_engine *options_engine(const char *name, size_t length)
{
    char known[256] = "";
    for (size_t i = 0; i < bench_engine_count; i++) {
        if (strlen(bench_engines[i].name) == length && memcmp(bench_engines[i].name, name, length) == 0)
            return &bench_engines[i];
        append_name(known, sizeof known, bench_engines[i].name);
    }
    options_error("unknown engine '%.*s'; there are: %s", (int)length, name, known);
}

int options_next(int argc, char **argv, const struct option *table)
{
    opterr = 0;
    int option = getopt_long(argc, argv, ":", table, NULL);
    if (option == ':')
        options_error("option %s needs a value", argv[optind - 1]);
    if (option == '?') {
        char known[256] = "";
        for (; table->name != NULL; table++) {
            char name[32];
            snprintf(name, sizeof name, "--%s", table->name);
            append_name(known, sizeof known, name);
        }
        options_error("unknown option '%s'; there are: %s", argv[optind - 1], known);
    }
    return option;
}

static void take_json(struct options *options, const char *path)
{
    options->json_only = strcmp(path, "-") == 0;
    options->json = options->json_only ? stdout : fopen(path, "w");
    if (options->json == NULL)
        options_error("cannot write %s: %s", path, strerror(errno));
}

static void take_setting(struct options *options, const char *argument)
{
    const char *equals = strchr(argument, '=');
    struct setting setting = {.name = argument};
    if (equals == NULL || equals == argument || !parse_number(equals + 1, &setting.value))
        options_error("--param must be NAME=NUMBER, not '%s'", argument);
    setting.name_length = (size_t)(equals - argument);
    if (options->setting_count == OPTIONS_SETTINGS)
        options_error("more than %d --param", OPTIONS_SETTINGS);
    options->settings[options->setting_count++] = setting;
}

void options_take(struct options *options, int option, const char *argument)
{
    switch (option) {
    case OPTION_THREADS: options->threads = options_number("--threads", argument, 1, BENCH_MAX_THREADS); break;
    case OPTION_HEAP_MB: options->heap_mb = options_number("--heap-mb", argument, 1, 1 << 20); break;
    case OPTION_LIVE_MB: options->live_mb = options_number("--live-mb", argument, 1, 1 << 20); break;
    case OPTION_JSON: take_json(options, argument); break;
    case OPTION_PARAM: take_setting(options, argument); break;
    }
}

void options_take_workload(struct options *options, int argc, char **argv, int index)
{
    if (index == argc)
        options_error("which workload?");
    if (index + 1 != argc)
        options_error("one workload at a time: '%s' is one too many", argv[index + 1]);
    options->workload = find_workload(argv[index]);
}

/* The parameter of that name, or NULL. */
static const struct bench_param *find_param(const struct bench_param *params, size_t count, const struct setting *setting)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(params[i].name) == setting->name_length
            && memcmp(params[i].name, setting->name, setting->name_length) == 0)
            return &params[i];
    return NULL;
}

bool options_knows(const struct options *options, const struct bench_engine *engine, const struct setting *setting)
{
    const struct bench_workload *workload = options->workload;
    return find_param(workload->params, workload->param_count, setting) != NULL
           || find_param(engine->params, engine->param_count, setting) != NULL;
}

_Noreturn void options_unknown_setting(const struct options *options, const struct bench_engine *engine,
                                       const struct setting *setting)
{
    char known[512] = "";
    for (size_t i = 0; i < options->workload->param_count; i++)
        append_name(known, sizeof known, options->workload->params[i].name);
    for (size_t i = 0; i < engine->param_count; i++)
        append_name(known, sizeof known, engine->params[i].name);
    options_error("unknown parameter '%.*s'; %s on %s has: %s", (int)setting->name_length, setting->name,
                  options->workload->name, engine->name, known);
}

/* Sets values[] to the settings, or to the initial values. */
static void fill_values(const struct options *options, const struct bench_param *params, size_t count, int64_t *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = params[i].initial;
    for (size_t i = 0; i < options->setting_count; i++) {
        const struct setting *setting = &options->settings[i];
        const struct bench_param *param = find_param(params, count, setting);
        if (param == NULL)
            continue;
        if (setting->value < param->least || setting->value > param->most)
            options_error("parameter %s must be from %" PRId64 " to %" PRId64 ", not %" PRId64, param->name,
                          param->least, param->most, setting->value);
        values[param - params] = setting->value;
    }
}

struct bench_request options_request(const struct options *options, const struct bench_engine *engine)
{
    const struct bench_workload *workload = options->workload;
    struct bench_request request = {
        .workload = workload,
        .engine = engine,
        .threads = options->threads != 0 ? (unsigned)options->threads : workload->threads,
        .heap_mb = options->heap_mb,
        .live_mb = options->live_mb,
    };
    fill_values(options, workload->params, workload->param_count, request.params);
    fill_values(options, engine->params, engine->param_count, request.engine_params);
    return request;
}
