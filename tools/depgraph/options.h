/* The command line. */
#ifndef DEPGRAPH_OPTIONS_H
#define DEPGRAPH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READERS_MAX = 64, WRITERS_MAX = 16, PROCESSES_MAX = 32, SECONDS_MAX = 24 * 60 * 60 };

struct options {
    unsigned seconds;
    unsigned readers;
    unsigned writers;
    unsigned processes;     /* 0: one process only, no comparison */
    uint64_t release_every; /* replacements by a writer between two releases */
    uint64_t seed;
    size_t heap_limit; /* bytes; 0: none */
    bool precise;
    bool verify;
    bool system;      /* read the machine's package database */
    const char *json; /* file for the results, or NULL */
    char **files;
    int file_count;
};

/* Reads the command line. Returns DONE, or USAGE after an error message; *finished is set when the
 * program has nothing else to do (after --help). */
int options_read(struct options *options, int count, char **arguments, bool *finished);

#endif
