/* Errors, memory, options, and numbers for people. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pause.h"

static void complain(const char *format, va_list arguments)
{
    fflush(stdout);
    fputs("eddy-pause: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

_Noreturn void usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    fputs("Try 'eddy-pause --help'.\n", stderr);
    exit(PAUSE_USAGE);
}

_Noreturn void fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    exit(PAUSE_FAILED);
}

void *need(void *p)
{
    if (p == NULL)
        fatal("out of memory");
    return p;
}

void *grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 64 : 2 * *room;
    return need(realloc(items, *room * size));
}

uint64_t number_of(const char *option, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || number < 0 || (uint64_t)number < least || (uint64_t)number > most)
        usage_error("%s must be a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'", option, least, most, text);
    return (uint64_t)number;
}

int next_option(int argc, char **argv, const char *leading, const struct option *table)
{
    opterr = 0;
    int option = getopt_long(argc, argv, leading, table, NULL);
    if (option == ':')
        usage_error("option %s needs a value", argv[optind - 1]);
    if (option == '?') {
        char known[256] = "";
        for (; table->name != NULL; table++)
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s--%s", known[0] ? ", " : "", table->name);
        usage_error("unknown option '%s'; there are: %s", argv[optind - 1], known);
    }
    return option;
}

uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static const char *scaled(double value, double step, const char *const *units, char *text, size_t room)
{
    while (value >= 999.5 && units[1] != NULL) {
        value /= step;
        units++;
    }
    snprintf(text, room, value < 99.95 && value != (int)value ? "%.1f %s" : "%.0f %s", value, *units);
    return text;
}

const char *show_ns(double ns, char *text, size_t room)
{
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    return scaled(ns, 1000, units, text, room);
}

const char *show_bytes(double bytes, char *text, size_t room)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", NULL};
    return scaled(bytes, 1024, units, text, room);
}

FILE *open_output(const char *path)
{
    if (path == NULL || strcmp(path, "-") == 0)
        return stdout;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fatal("cannot write %s: %s", path, strerror(errno));
    return file;
}

void close_output(FILE *file, const char *path)
{
    bool failed = ferror(file) != 0;
    failed = (file == stdout ? fflush(file) : fclose(file)) != 0 || failed;
    if (failed)
        fatal("cannot write %s: %s", path == NULL ? "standard output" : path, strerror(errno));
}
