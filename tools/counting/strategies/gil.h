/* Strategy 2: plain counts under one global lock, handed over as CPython does it.
 *
 * Who wants the lock waits for a switch interval; if nobody has had it meanwhile, it asks the holder to let go. The holder
 * looks for that request between operations, releases, and waits until another thread really has taken the lock, lest
 * it take it back at once. */
#ifndef COUNT_GIL_H
#define COUNT_GIL_H

#include <errno.h>
#include <time.h>

#include "count.h"

#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 0
#define COUNT_PERMANENT 0

#ifndef GIL_INTERVAL_NS
#define GIL_INTERVAL_NS 5000000
#endif

struct count_header {
    uint64_t count; /* the holder of the lock */
};

struct count_thread {
    unsigned index;
    uint64_t switches; /* how often it let go because it was asked */
};

static struct {
    int drop_request; /* set by who waits, reset by who takes; read by the holder without the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t released, taken; /* of the mutex, as all that follows */
    bool held;
    uint64_t takes;
    struct count_thread *last_holder;
} gil;

static void count_open(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&gil.mutex, NULL);
    pthread_cond_init(&gil.released, &attributes);
    pthread_cond_init(&gil.taken, NULL);
    pthread_condattr_destroy(&attributes);
    gil.held = false;
    gil.last_holder = NULL;
}

static void count_close(void)
{
    pthread_cond_destroy(&gil.taken);
    pthread_cond_destroy(&gil.released);
    pthread_mutex_destroy(&gil.mutex);
}

static COUNT_COLD void gil_take(struct count_thread *t)
{
    pthread_mutex_lock(&gil.mutex);
    while (gil.held) {
        uint64_t takes = gil.takes;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += GIL_INTERVAL_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        int result = pthread_cond_timedwait(&gil.released, &gil.mutex, &until);
        if (result == ETIMEDOUT && gil.held && gil.takes == takes)
            EDDY_STORE_RELAXED(&gil.drop_request, 1);
    }
    gil.held = true;
    gil.takes++;
    gil.last_holder = t;
    EDDY_STORE_RELAXED(&gil.drop_request, 0);
    pthread_cond_broadcast(&gil.taken);
    pthread_mutex_unlock(&gil.mutex);
}

static COUNT_COLD void gil_release(struct count_thread *t, bool asked)
{
    pthread_mutex_lock(&gil.mutex);
    gil.held = false;
    pthread_cond_signal(&gil.released);
    while (asked && gil.last_holder == t && EDDY_LOAD_RELAXED(&gil.drop_request) != 0)
        pthread_cond_wait(&gil.taken, &gil.mutex);
    pthread_mutex_unlock(&gil.mutex);
}

static COUNT_COLD void gil_yield(struct count_thread *t)
{
    t->switches++;
    gil_release(t, true);
    gil_take(t);
}

static void count_attach(struct count_thread *t, unsigned index)
{
    t->index = index;
    t->switches = 0;
    gil_take(t);
}

static void count_detach(struct count_thread *t)
{
    gil_release(t, false);
}

static inline void count_init(struct count_thread *t, struct count_header *h)
{
    (void)t;
    h->count = 1;
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    (void)t;
    h->count++;
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    (void)t;
    return --h->count == 0;
}

static inline void count_poll(struct count_thread *t)
{
    if (EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&gil.drop_request) != 0))
        gil_yield(t);
}

COUNT_UNUSED static void count_block(struct count_thread *t)
{
    gil_release(t, false);
}

COUNT_UNUSED static void count_unblock(struct count_thread *t)
{
    gil_take(t);
}

#endif
