/* What eddy-counting asks of the operating system: clocks, dirty pages; and how it gives up. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lab.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t lab_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t lab_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t lab_own_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t lab_private_dirty(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    uint64_t kib = 0;
    char line[256];
    bool found = false;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        found = sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1 || found;
    if (!found)
        lab_fatal("/proc/self/smaps_rollup does not say how many pages are private");
    fclose(file);
    return kib * 1024;
}

_Noreturn void lab_fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("eddy-counting: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}
