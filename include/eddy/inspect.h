/* Looking into a heap: what it holds, why an object is alive, what would go with it, what the threads do.
 *
 * An *inspection* stops all attached threads at their next safepoint, as eddy_verify does, and brings the logs
 * to rest, so that all its answers are exact and agree with each other; the threads go on when it ends. It is a tool
 * for debugging, not for every minute of a running program: it reads every object. Between begin and end the
 * calling thread counts as being in a native region: it may read objects, but must call no function that
 * takes its `eddy_thread *`. No answer needs recursion; tables come from malloc, outside the heap's limit. */
#ifndef EDDY_INSPECT_H
#define EDDY_INSPECT_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- threads ---- */

/* What is known of one attached thread. Its backtrace is not: that would take a signal. */
typedef struct eddy_thread_state {
    unsigned number;        /* owner number within the heap, from 1; used again after a thread has ended */
    int tid;                /* the kernel's number of the thread */
    char name[16];          /* the kernel's name of the thread ("" if not readable) */
    bool native;            /* in a native region, or waiting inside Eddy; else running */
    uint64_t epoch;         /* the epoch it has entered: one behind the heap's when it still owes a handshake */
    uint64_t since_ns;      /* CLOCK_MONOTONIC to a few milliseconds: its last handshake, or entry into or exit from a
                               native region, whichever was last. Polls that found nothing to do leave no trace */
    const void *stack_low;  /* its C stack: lowest address, and the first one above; NULL if unknown */
    const void *stack_high;
    char kernel_state;      /* of /proc/self/task/TID/stat: R running or runnable, S sleeping, D in a disk wait, … ; 0 unknown */
    int system_call;        /* number of the system call it is blocked in; -1: none, or unknown */
    uintptr_t stack_pointer, program_counter; /* in user code, where it is blocked; 0 while it runs, or when the kernel does not tell */
    char waits_in[32];      /* kernel function it sleeps in (wchan); "" if none or not readable */
} eddy_thread_state;

typedef void eddy_thread_visit(void *context, const eddy_thread_state *state);

/* Calls `visit` for each attached thread. Stops nobody: each state is a snapshot of its own. Any thread, not a
 * safepoint. Takes a lock, not held during the visits; reads /proc. */
EDDY_API void eddy_inspect_threads(eddy_heap *heap, eddy_thread_visit *visit, void *context);

#ifdef __cplusplus
}
#endif

#endif
