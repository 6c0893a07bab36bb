/* EDDY_HEAP_LOG_EPOCHS: a line on standard error at the end of every epoch, as eddy/options.h describes it. A listener like
 * any other; runs on the collecting thread. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/runtime.h"

static unsigned long long kib(uint64_t bytes)
{
    return (unsigned long long)(bytes >> 10);
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void print_epoch(void *context, eddy_heap *heap, const eddy_epoch_report *r)
{
    (void)context;
    char line[512];
    int n = snprintf(line, sizeof line,
                     "eddy %s: epoch %llu @%.3fs, %.3f ms wait, %.3f ms work, %.3f ms cpu, %lluK allocated, "
                     "live %lluK->%lluK in %llu objects, %lluK committed, %llu incs, %llu decs, %llu freed, "
                     "%llu cycles freed, next after %lluK\n",
                     heap->name, (unsigned long long)r->epoch, (double)(r->begun_ns - heap->created_ns) / 1e9,
                     ms(r->rendezvous_ns), ms(r->work_ns), ms(r->cpu_ns), kib(r->allocated_bytes),
                     kib(r->live_bytes_before), kib(r->live_bytes), (unsigned long long)r->live_objects,
                     kib(r->committed_bytes), (unsigned long long)r->incs, (unsigned long long)r->decs,
                     (unsigned long long)r->objects_freed, (unsigned long long)r->cycles_freed, kib(r->next_bytes));
    if (n <= 0)
        return;
    size_t length = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    line[length - 1] = '\n'; /* of a name that is too long for it */
    int saved = errno;
    ssize_t written = write(STDERR_FILENO, line, length); /* at once: lines of several heaps do not mix */
    (void)written;
    errno = saved;
}

const eddy_listener eddy__epoch_lines = {.epoch_end = print_epoch};
