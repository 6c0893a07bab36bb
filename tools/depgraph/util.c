/* Small helpers: see util.h. */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static _Noreturn void out_of_memory(void)
{
    fprintf(stderr, PROGRAM ": out of memory outside the managed heap\n");
    exit(NO_MEMORY);
}

void *must_calloc(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *must_grow(void *array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return array;
    size_t grown = *capacity * 2 > needed ? *capacity * 2 : needed;
    if (grown < 64)
        grown = 64;
    if (grown > SIZE_MAX / size)
        out_of_memory();
    void *memory = realloc(array, grown * size);
    if (memory == NULL)
        out_of_memory();
    *capacity = grown;
    return memory;
}

uint64_t hash_name(const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

const char *size_text(uint64_t bytes, struct text *text)
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(text->chars, sizeof text->chars, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text->chars;
}
