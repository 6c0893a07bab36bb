/* See options.h. Wrong options are refused with what would be right. */
#include "tools/fuzz/options.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/fuzz/ops.h"

static const char help[] = "Usage: eddy-fuzz [COMMAND] [OPTION]...\n"
                           "\n"
                           "Runs random programs on heaps, and says whether a heap lied.\n"
                           "\n"
                           "Commands:\n"
                           "  run              programs under a scheduler, and threads at full speed (default)\n"
                           "  replay FILE      what a failure file, or an input of libFuzzer, holds, again\n"
                           "  shrink FILE      makes it as small as possible; prints readable steps and a C test\n"
                           "  mutants          how soon each deliberate bug is found\n"
                           "  exhaustive FILE  all schedules of a small program, up to a bound of preemptions\n"
                           "  list             operations, deliberate bugs, hook points\n"
                           "\n"
                           "Options:\n"
                           "  --seconds N      how long (run: 60; mutants: at most so long for each; 60)\n"
                           "  --seed N         the first seed (1)\n"
                           "  --schedules N    run: ends after so many schedules\n"
                           "  --workers N      processes beside each other (as many as cores)\n"
                           "  --mode NAME      run: scheduled, free or both (both)\n"
                           "  --threads N      free mode: threads, 2 to 16 (2 to 8, chosen at random)\n"
                           "  --mutant NAME    run: with this deliberate bug; mutants: only this one\n"
                           "  --seeds N        mutants: runs for each; the median is reported (5)\n"
                           "  --bound N        exhaustive: preemptions (2)\n"
                           "  --trace FILE     writes each event of the last run of the first worker\n"
                           "  --output FILE    where a failure is written (eddy-fuzz.failure)\n"
                           "  --json FILE      the summary, for programs\n"
                           "  --help           this\n"
                           "\n"
                           "Exit status: 0 nothing was found, 1 something was, 2 wrong usage.\n";

static const char *const names[] = {"NONE",
#define NAME(name, text) #name,
                                    EDDY_MUTANTS(NAME)
#undef NAME
};
static const char *const texts[] = {"as designed",
#define TEXT(name, text) text,
                                    EDDY_MUTANTS(TEXT)
#undef TEXT
};

const char *mutant_name(unsigned mutant)
{
    return mutant < MUTANT_COUNT ? names[mutant] : "?";
}

const char *mutant_text(unsigned mutant)
{
    return mutant < MUTANT_COUNT ? texts[mutant] : "?";
}

unsigned mutant_named(const char *name)
{
    unsigned i = 0;
    while (i < MUTANT_COUNT && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

__attribute__((format(printf, 1, 2))) static bool refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "eddy-fuzz: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (eddy-fuzz --help lists all)\n");
    va_end(arguments);
    return false;
}

static bool whole(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == 0 && *value >= least && *value <= most)
        return true;
    return refuse("%s must be a whole number from %llu to %llu, not '%s'", option, (unsigned long long)least,
                  (unsigned long long)most, text);
}

static bool parse_mode(struct options *o, const char *text)
{
    o->deterministic = strcmp(text, "free") != 0;
    o->free_running = strcmp(text, "scheduled") != 0;
    return strcmp(text, "both") == 0 || !o->deterministic || !o->free_running
           || refuse("unknown mode '%s'; there are: scheduled, free, both", text);
}

static bool parse_mutant(struct options *o, const char *text)
{
    unsigned mutant = mutant_named(text);
    o->mutant = (enum eddy__mutant)mutant;
    o->mutant_given = true;
    return mutant != MUTANT_COUNT || refuse("there is no deliberate bug '%s'; eddy-fuzz list shows them", text);
}

static bool set_option(struct options *o, const char *name, const char *value)
{
    uint64_t n = 0;
    bool good = true;
    if (strcmp(name, "--seconds") == 0) {
        char *end;
        o->seconds = strtod(value, &end);
        return (*end == 0 && o->seconds > 0 && o->seconds < 1e7)
               || refuse("--seconds must be a number above 0, not '%s'", value);
    }
    if (strcmp(name, "--seed") == 0)
        good = whole(name, value, 0, UINT64_MAX, &o->seed);
    else if (strcmp(name, "--schedules") == 0)
        good = whole(name, value, 1, UINT64_MAX, &o->schedules);
    else if (strcmp(name, "--workers") == 0 && (good = whole(name, value, 1, 64, &n)))
        o->workers = (unsigned)n;
    else if (strcmp(name, "--threads") == 0 && (good = whole(name, value, 2, 16, &n)))
        o->threads = (unsigned)n;
    else if (strcmp(name, "--seeds") == 0 && (good = whole(name, value, 1, 99, &n)))
        o->seeds = (unsigned)n;
    else if (strcmp(name, "--bound") == 0 && (good = whole(name, value, 0, 8, &n)))
        o->bound = (unsigned)n;
    else if (strcmp(name, "--mode") == 0)
        good = parse_mode(o, value);
    else if (strcmp(name, "--mutant") == 0)
        good = parse_mutant(o, value);
    else if (strcmp(name, "--trace") == 0)
        o->trace = value;
    else if (strcmp(name, "--output") == 0)
        o->output = value;
    else if (strcmp(name, "--json") == 0)
        o->json = value;
    else if (good)
        good = refuse("unknown option '%s'", name);
    return good;
}

static const struct {
    const char *name;
    enum command command;
    bool file;
} commands[] = {
    {"run", COMMAND_RUN, false},         {"replay", COMMAND_REPLAY, true},         {"shrink", COMMAND_SHRINK, true},
    {"mutants", COMMAND_MUTANTS, false}, {"exhaustive", COMMAND_EXHAUSTIVE, true}, {"list", COMMAND_LIST, false}};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void list(void)
{
    printf("Operations:\n");
    for (unsigned i = 0; i < fuzz_operation_kinds; i++)
        printf("  %s\n", fuzz_operations[i].name);
    printf("Deliberate bugs:\n");
    for (unsigned i = 1; i < MUTANT_COUNT; i++)
        printf("  %-26s %s\n", names[i], texts[i]);
    printf("Hook points:\n");
#define POINT(name, text) printf("  %-26s %s\n", #name, text);
    EDDY_HOOK_POINTS(POINT)
#undef POINT
}

bool options_parse(struct options *o, int argc, char **argv, int *status)
{
    *o = (struct options){.seconds = 60,
                          .seed = 1,
                          .seeds = 5,
                          .bound = 2,
                          .deterministic = true,
                          .free_running = true,
                          .output = "eddy-fuzz.failure",
                          .workers = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
    *status = 2;
    int at = 1;
    unsigned k = 0;
    if (at < argc && argv[at][0] != '-') {
        while (k < COMMANDS && strcmp(argv[at], commands[k].name) != 0)
            k++;
        if (k == COMMANDS)
            return refuse("unknown command '%s'; there are: run, replay, shrink, mutants, exhaustive, list", argv[at]);
        at++;
    }
    o->command = commands[k].command;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            fputs(help, stdout);
            *status = 0;
            return false;
        }
        if (argv[at][0] != '-' && commands[k].file && o->file == NULL) {
            o->file = argv[at];
            continue;
        }
        if (argv[at][0] != '-')
            return refuse("'%s' is one argument too many", argv[at]);
        if (at + 1 == argc)
            return refuse("%s '%s'", "a value is missing, or unknown: option", argv[at]);
        if (!set_option(o, argv[at], argv[at + 1]))
            return false;
        at++;
    }
    if (commands[k].file && o->file == NULL)
        return refuse("which file? %s needs one", commands[k].name);
    if (o->command == COMMAND_LIST) {
        list();
        *status = 0;
        return false;
    }
    return true;
}
