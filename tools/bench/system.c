/* Clocks, peak memory and fatal ends, on Linux. */
#include "system.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        bench_fatal("clock_gettime failed");
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_process_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_peak_rss_bytes(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL)
        return 0;
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, status) != NULL && sscanf(line, "VmHWM: %llu kB", &kib) != 1)
        kib = 0;
    fclose(status);
    return (uint64_t)kib * 1024;
}

uint64_t bench_run_queue_ns(void)
{
    /* Read without stdio: this is called from the collector of an engine, which must not allocate. */
    int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    char text[128];
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    char *second = strchr(text, ' ');
    return second == NULL ? 0 : strtoull(second, NULL, 10);
}

/* jemalloc's, if the process has it. */
extern int mallctl(const char *name, void *old, size_t *old_length, void *new, size_t new_length) __attribute__((weak));

const char *bench_allocator_name(void)
{
    static char name[64] = "libc";
    const char *version;
    size_t length = sizeof version;
    if (mallctl != NULL && mallctl("version", &version, &length, NULL, 0) == 0)
        snprintf(name, sizeof name, "jemalloc %s", version);
    return name;
}

_Noreturn void bench_out_of_memory(void)
{
    static const char text[] = "eddy-bench: out of memory: the workload does not fit into the heap limit "
                               "or the machine's memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(BENCH_NO_MEMORY);
}

_Noreturn void bench_fatal(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "eddy-bench: %s\n", text);
    fflush(stderr);
    _exit(BENCH_FAILED);
}
