/* os.h for Linux. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "runtime/heap/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *eddy__os_reserve(size_t bytes, size_t alignment)
{
    size_t total = bytes + alignment;
    if (total < bytes)
        return NULL;
    char *p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)p + alignment - 1) & ~(uintptr_t)(alignment - 1));
    if (start != p)
        munmap(p, (size_t)(start - p));
    size_t rest = (size_t)(p + total - (start + bytes));
    if (rest != 0)
        munmap(start + bytes, rest);
    return start;
}

void eddy__os_unreserve(void *base, size_t bytes)
{
    munmap(base, bytes);
}

/* Only whole pages can be dropped. The kernel would round the end up to one, and drop what follows; blocks and
 * large objects begin and end within pages where these are larger than 4 KiB. */
void eddy__os_discard(void *start, size_t bytes)
{
    size_t page = eddy__os_page();
    char *from = start, *to = from + bytes;
    char *first = (char *)(((uintptr_t)from + page - 1) & ~(uintptr_t)(page - 1));
    char *last = (char *)((uintptr_t)to & ~(uintptr_t)(page - 1));
    if (first >= last || madvise(first, (size_t)(last - first), MADV_DONTNEED) != 0) {
        memset(from, 0, bytes);
        return;
    }
    memset(from, 0, (size_t)(first - from));
    memset(last, 0, (size_t)(to - last));
}

bool eddy__os_mapped(const void *p)
{
    unsigned char resident;
    uintptr_t page = (uintptr_t)p & ~(uintptr_t)(eddy__os_page() - 1);
    return mincore((void *)page, 1, &resident) == 0;
}

size_t eddy__os_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t eddy__os_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t eddy__os_now_coarse(void)
{
    return clock_ns(CLOCK_MONOTONIC_COARSE);
}

uint64_t eddy__os_thread_cpu(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t eddy__os_run_delay(int *handle)
{
    if (*handle < 0) {
        int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return 0;
        *handle = fd;
    }
    char text[96];
    ssize_t n = pread(*handle, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    const char *second = strchr(text, ' '); /* "on-cpu-ns run-delay-ns timeslices" */
    return second ? strtoull(second + 1, NULL, 10) : 0;
}

void eddy__os_run_delay_close(int *handle)
{
    if (*handle >= 0)
        close(*handle);
    *handle = -1;
}

void eddy__os_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec ts, *limit = NULL;
    if (timeout_ns != UINT64_MAX) {
        ts.tv_sec = (time_t)(timeout_ns / 1000000000u);
        ts.tv_nsec = (long)(timeout_ns % 1000000000u);
        limit = &ts;
    }
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit, NULL, 0);
    errno = saved;
}

void eddy__os_wake(const uint32_t *word)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

/* glibc: where the first thread's stack began. */
extern void *__libc_stack_end __attribute__((weak));

void *eddy__os_stack_base(void)
{
    pthread_attr_t attr;
    if (pthread_getattr_np(pthread_self(), &attr) != 0) /* of the first thread: without /proc it does not know */
        return &__libc_stack_end != NULL && eddy__os_thread_id() == getpid() ? __libc_stack_end : NULL;
    void *low = NULL;
    size_t size = 0;
    int failed = pthread_attr_getstack(&attr, &low, &size);
    pthread_attr_destroy(&attr);
    return failed ? NULL : (char *)low + size;
}

void eddy__os_thread_setup(const char *name, int nice_value)
{
    char text[16];
    snprintf(text, sizeof text, "%s", name);
    prctl(PR_SET_NAME, text, 0, 0, 0);
    if (nice_value != 0)
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice_value);
}
