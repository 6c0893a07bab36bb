/* The command line: what run and compare have in common, and turning it into requests. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <getopt.h>
#include <stdio.h>

#include "bench.h"

enum { OPTIONS_SETTINGS = 2 * BENCH_PARAMS };

/* A --param, not yet looked up: engines differ in what they know. */
struct setting {
    const char *name;
    size_t name_length;
    int64_t value;
};

struct options {
    const struct bench_workload *workload;
    uint64_t threads; /* 0: the workload's default */
    uint64_t heap_mb, live_mb;
    FILE *json;     /* where the result goes as JSON, or NULL */
    bool json_only; /* it is standard output: no text there then */
    size_t setting_count;
    struct setting settings[OPTIONS_SETTINGS];
};

/* The common long options, for getopt_long: OPTIONS_LONG in the command's table, its own beside them. */
enum { OPTION_THREADS = 256, OPTION_HEAP_MB, OPTION_LIVE_MB, OPTION_JSON, OPTION_PARAM, OPTION_OWN };
#define OPTIONS_LONG                                                                                                   \
    {"threads", required_argument, NULL, OPTION_THREADS}, {"heap-mb", required_argument, NULL, OPTION_HEAP_MB},        \
        {"live-mb", required_argument, NULL, OPTION_LIVE_MB}, {"json", required_argument, NULL, OPTION_JSON},          \
    {                                                                                                                  \
        "param", required_argument, NULL, OPTION_PARAM                                                                 \
    }

/* Ends the process with BENCH_USAGE after one line that says what is wrong. */
_Noreturn void options_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The next option of the command line, or -1; one that is not in the table is an error. */
int options_next(int argc, char **argv, const struct option *table);

/* Takes a common option. */
void options_take(struct options *options, int option, const char *argument);

/* Takes what follows the options: the name of a workload, and nothing else. */
void options_take_workload(struct options *options, int argc, char **argv, int index);

uint64_t options_number(const char *option, const char *text, uint64_t least, uint64_t most);

const struct bench_engine *options_engine(const char *name, size_t length);

/* Whether the workload or the engine has the parameter. */
bool options_knows(const struct options *options, const struct bench_engine *engine, const struct setting *setting);

/* The request for one engine, defaults filled in. Settings that neither it nor the workload know are
 * left out: the caller has decided what that means. */
struct bench_request options_request(const struct options *options, const struct bench_engine *engine);

/* Ends the process with BENCH_USAGE because no engine in use knows the setting. */
_Noreturn void options_unknown_setting(const struct options *options, const struct bench_engine *engine,
                                       const struct setting *setting);

#endif
