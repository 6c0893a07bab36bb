/* What the parts of eddy-pause share: its commands, exit codes, and small helpers. */
#ifndef PAUSE_H
#define PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    PAUSE_OK = 0,
    PAUSE_FAILED = 1, /* a limit is exceeded, a run failed, a file is no recording */
    PAUSE_USAGE = 2   /* wrong command line */
};

/* Commands of main.c; `argv[0]` is the command's name. They return the exit code. */
int pause_run(int argc, char **argv);
int pause_attach(int argc, char **argv);
int pause_show(int argc, char **argv);
int pause_report(int argc, char **argv);
int pause_export(int argc, char **argv);
int pause_compare(int argc, char **argv);

/* Ends the process after one line on standard error: with PAUSE_USAGE, or with PAUSE_FAILED. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory, or the end of the process. */
void *need(void *p);
void *grow(void *items, size_t count, size_t *room, size_t size); /* room for one more of `count` */

/* A whole number from `least` to `most`, or a usage error that names the option. */
uint64_t number_of(const char *option, const char *text, uint64_t least, uint64_t most);

/* getopt_long with messages of ours: the next option, or -1. */
struct option;
int next_option(int argc, char **argv, const char *leading, const struct option *table);

uint64_t now_ns(void);

/* A time as text: four digits and a unit. Returns `text`. */
const char *show_ns(double ns, char *text, size_t room);
const char *show_bytes(double bytes, char *text, size_t room);

/* A file for the result: `path`, or standard output for NULL and "-". Closing reports what could not be written. */
FILE *open_output(const char *path);
void close_output(FILE *file, const char *path);

#endif
