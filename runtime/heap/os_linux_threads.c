/* The part of os.h that asks Linux about other threads of this process, through /proc/self/task. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/heap/os.h"

int eddy__os_thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

/* The first line of /proc/self/task/TID/NAME; "" if it cannot be read. */
static void read_line(int tid, const char *name, char *text, size_t room)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, name);
    int saved = errno;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, room - 1);
    if (fd >= 0)
        close(fd);
    errno = saved;
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
}

/* "running", or "NUMBER ARGUMENT… SP PC" of a system call, or "-1 SP PC" of a thread blocked outside one. */
static void parse_syscall(const char *text, eddy_thread_state *state)
{
    char *end;
    long number = strtol(text, &end, 10);
    const char *pc = strrchr(text, ' ');
    if (end == text || pc == NULL)
        return;
    const char *sp = pc;
    while (sp > text && sp[-1] != ' ')
        sp--;
    state->system_call = (int)number;
    state->stack_pointer = strtoull(sp, NULL, 16);
    state->program_counter = strtoull(pc, NULL, 16);
}

void eddy__os_thread_look(int tid, eddy_thread_state *state)
{
    char line[512];
    read_line(tid, "comm", line, sizeof line);
    snprintf(state->name, sizeof state->name, "%.15s", line);
    read_line(tid, "stat", line, sizeof line);
    const char *after_name = strrchr(line, ')'); /* "TID (NAME) STATE …", and the name may contain anything */
    if (after_name != NULL && after_name[1] == ' ')
        state->kernel_state = after_name[2];
    read_line(tid, "syscall", line, sizeof line);
    parse_syscall(line, state);
    read_line(tid, "wchan", line, sizeof line);
    snprintf(state->waits_in, sizeof state->waits_in, "%.31s", strcmp(line, "0") == 0 ? "" : line);
}

void eddy__os_thread_stack(pthread_t thread, const void **low, const void **high)
{
    pthread_attr_t attr;
    void *base = NULL;
    size_t size = 0;
    *low = *high = NULL;
    if (pthread_getattr_np(thread, &attr) != 0)
        return;
    if (pthread_attr_getstack(&attr, &base, &size) == 0) {
        *low = base;
        *high = (char *)base + size;
    }
    pthread_attr_destroy(&attr);
}
