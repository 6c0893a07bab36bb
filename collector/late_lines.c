/* A line on standard error for a thread that delays an epoch, and what to do about it: the usual mistake is to block outside
 * a native region. With EDDY_HEAP_LOG_EPOCHS once per thread and epoch; in debug builds once per heap whatever the flags (not in
 * builds with hooks, which delay threads on purpose). Called by the rendezvous only. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/state.h"

#if defined(EDDY_DEBUG) && !defined(EDDY_HOOKS)
#define TOLD_ONCE 1
#else
#define TOLD_ONCE 0
#endif

#define FOR_LOOPS "a loop that does not allocate must call eddy_safepoint now and then"
#define FOR_BLOCKING "what blocks belongs between eddy_native_enter and eddy_native_leave"

static const char *advice(char kernel_state)
{
    switch (kernel_state) {
    case 'R': return "It runs: " FOR_LOOPS;
    case 0: return FOR_BLOCKING "; " FOR_LOOPS; /* nothing is known */
    default: return "It sleeps: " FOR_BLOCKING;
    }
}

bool eddy__late_lines_wanted(const struct collector *c)
{
    return (c->heap->config.flags & EDDY_HEAP_LOG_EPOCHS) != 0 || (TOLD_ONCE && !c->late_told);
}

void eddy__late_line(struct collector *c, const eddy_thread_state *state)
{
    if (!eddy__late_lines_wanted(c))
        return;
    c->late_told = true;
    char line[512];
    int n =
        snprintf(line, sizeof line,
                 "eddy %s: thread %u (%s, tid %d) has reached no safepoint for %u ms; until it does, epoch %llu does "
                 "not end and nothing is freed. %s\n",
                 c->heap->name, state->number, state->name, state->tid, c->heap->config.late_thread_ms,
                 (unsigned long long)c->epoch, advice(state->kernel_state));
    if (n <= 0)
        return;
    size_t length = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    line[length - 1] = '\n'; /* of a name that is too long for it */
    int saved = errno;
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
    errno = saved;
}
