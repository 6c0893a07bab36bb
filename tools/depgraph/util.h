/* Small helpers that every file uses: exit codes, C memory that must be there, clocks, random numbers
 * and readable numbers. */
#ifndef DEPGRAPH_UTIL_H
#define DEPGRAPH_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define PROGRAM "eddy-depgraph"

/* Exit codes. */
enum {
    DONE = 0,
    FAILED = 1,   /* nothing could be loaded, or the heap's verification found a mismatch */
    USAGE = 2,    /* a bad option, or a file that cannot be read */
    NO_MEMORY = 3 /* the heap limit or the system's memory is used up */
};

/* C memory, zeroed. Ends the program with NO_MEMORY when there is none. */
void *must_calloc(size_t count, size_t size);

/* Makes room for `needed` elements of `size` bytes in a growing array; the capacity at least doubles. */
void *must_grow(void *array, size_t *capacity, size_t needed, size_t size);

/* The hash under which a package name is found and checked (FNV-1a). */
uint64_t hash_name(const char *name, size_t length);

/* Nanoseconds of CLOCK_MONOTONIC, and of the process's CPU time. */
uint64_t now_ns(void);
uint64_t cpu_ns(void);

/* The next number of a splitmix64 sequence. */
uint64_t random_next(uint64_t *state);

/* A readable size ("12.3 MB", in units of 1024) in a buffer of the caller's, which is returned. */
struct text {
    char chars[32];
};
const char *size_text(uint64_t bytes, struct text *text);

#endif
