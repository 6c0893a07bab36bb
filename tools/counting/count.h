/* What a strategy of counting is: the interface that each header of strategies/ implements.
 *
 * The build compiles variant.c (and the tests) once per strategy, with the macro COUNT_STRATEGY naming its header, so that
 * every operation is inline in the loops that are measured. A strategy knows only headers, never objects:
 *
 *   struct count_header       what it keeps in each object; the object's first member
 *   struct count_thread       what it keeps for each thread; first member of the thread's record
 *   COUNT_MANY_THREADS        whether more than one thread may use it at a time
 *   COUNT_GUARDED             whether a field that several threads read and write needs a lock of its container, because
 *                             between reading a reference there and counting it the object could be freed
 *   COUNT_PERMANENT           whether it knows permanent objects, which are never freed
 *   COUNT_DEFERRED_REUSE      whether memory of the dead waits: count_retire keeps it, and hands it to count_reuse later
 *
 *   count_open, count_close   once for all threads; nobody is attached then
 *   count_attach, detach      by the thread itself
 *   count_init                a new object: one reference, the caller's
 *   count_permanent           makes it permanent; nobody else knows it yet
 *   count_retain              one reference more; the caller has the use of one
 *   count_release             one reference less; true: it was the last one, and the caller destroys the object
 *   count_poll                now and then, between operations
 *   count_block, unblock      around a wait, during which the thread touches no object
 *
 * What a strategy finds dead by itself it gives to count_dead, which object_counted.h has; so a strategy that does declares that. */
#ifndef COUNT_H
#define COUNT_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "eddy/atomic.h"

struct count_header;
struct count_thread;

#define COUNT_UNUSED __attribute__((unused))
#define COUNT_COLD __attribute__((noinline, cold))

/* A point between two accesses of shared memory. Tests put a scheduler here. */
#ifndef COUNT_STEP
#define COUNT_STEP(what) ((void)0)
#endif

_Noreturn static inline void count_fatal(const char *what)
{
    fprintf(stderr, "eddy-counting: %s\n", what);
    abort();
}

/* Keeps the compiler from moving accesses to memory across, or from merging them; costs nothing when it runs. */
static inline void count_keep_order(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* A word as a lock, for a few instructions. With more threads than processors its holder may not be running. */
static inline void count_spin(unsigned *spins)
{
    if (++*spins % 64 == 0)
        sched_yield();
}

static inline void count_lock16(uint16_t *lock)
{
    unsigned spins = 0;
    while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0)
        while (EDDY_LOAD_RELAXED(lock) != 0)
            count_spin(&spins);
}

static inline void count_unlock16(uint16_t *lock)
{
    EDDY_STORE_RELEASE(lock, 0);
}

/* Strategies that do not need one of these name it. */
#define COUNT_NOTHING_TO_OPEN                                                                                          \
    COUNT_UNUSED static void count_open(void)                                                                          \
    {                                                                                                                  \
    }                                                                                                                  \
    COUNT_UNUSED static void count_close(void)                                                                         \
    {                                                                                                                  \
    }
#define COUNT_NOTHING_PER_THREAD                                                                                       \
    COUNT_UNUSED static inline void count_attach(struct count_thread *t, unsigned index)                               \
    {                                                                                                                  \
        t->index = index;                                                                                              \
    }                                                                                                                  \
    COUNT_UNUSED static inline void count_detach(struct count_thread *t)                                               \
    {                                                                                                                  \
        (void)t;                                                                                                       \
    }
#define COUNT_NOTHING_TO_POLL                                                                                          \
    COUNT_UNUSED static inline void count_poll(struct count_thread *t)                                                 \
    {                                                                                                                  \
        (void)t;                                                                                                       \
    }                                                                                                                  \
    COUNT_UNUSED static inline void count_block(struct count_thread *t)                                                \
    {                                                                                                                  \
        (void)t;                                                                                                       \
    }                                                                                                                  \
    COUNT_UNUSED static inline void count_unblock(struct count_thread *t)                                              \
    {                                                                                                                  \
        (void)t;                                                                                                       \
    }

#endif
