/* What the parts of eddy-bench ownership share: objects that threads contend for, and ways to arbitrate access to them.
 * Each loop is compiled once per way, so that nothing is called through a pointer. */
#ifndef BENCH_OWNERSHIP_H
#define BENCH_OWNERSHIP_H

#include <pthread.h>

#include "eddy/eddy.h"
#include "system.h"

enum way { WAY_NONE, WAY_OWNED, WAY_MUTEX, WAY_SPIN, WAY_RWLOCK, WAYS };
extern const char *const ownership_ways[WAYS];

/* An object, of an arbitrated type whichever way is in use. Locks lie inside, as they would. */
struct item {
    eddy_right right;
    uint32_t spin;
    uint64_t key;
    int64_t value;
    struct item *next;
    union {
        pthread_mutex_t mutex;
        pthread_rwlock_t rwlock;
    } lock; /* only for these two ways is there room for it */
};

struct ownership {
    eddy_heap *heap;
    const eddy_type *types[WAYS];
    uint64_t ops; /* per thread and measurement */
    unsigned runs, threads;
    const char *only; /* the way to measure alone, or NULL */
};

void ownership_open(struct ownership *o);
void ownership_close(struct ownership *o);
/* `count` items in an array held by a root slot, those of the calling thread if `own`. */
eddy_array *ownership_items(const struct ownership *o, eddy_thread *t, enum way way, size_t count, void **slot, bool own);
bool ownership_wants(const struct ownership *o, enum way way);
double ownership_median(double *values, size_t count);
eddy_thread *ownership_attach(const struct ownership *o);

/* Each prints its lines. */
void ownership_check(struct ownership *o);   /* ownership_check.c */
void ownership_steal(struct ownership *o);   /* ownership_steal.c */
void ownership_contend(struct ownership *o); /* ownership_contend.c */

static inline uint64_t ownership_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void spin_lock(uint32_t *word)
{
    while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) != 0)
        for (unsigned turns = 0; EDDY_LOAD_RELAXED(word) != 0; turns++)
            if (turns > 1000)
                sched_yield();
}

/* A thread that waits for a lock of the program does so in a native region, or it would hold up epochs. */
static inline void begin_access(eddy_thread *t, struct item *item, enum way way, bool write)
{
    switch (way) {
    case WAY_OWNED:
        if (write)
            eddy_own_write(t, item);
        else
            eddy_own_read(t, item);
        break;
    case WAY_MUTEX: pthread_mutex_lock(&item->lock.mutex); break;
    case WAY_SPIN: spin_lock(&item->spin); break;
    case WAY_RWLOCK:
        if (write)
            pthread_rwlock_wrlock(&item->lock.rwlock);
        else
            pthread_rwlock_rdlock(&item->lock.rwlock);
        break;
    default: break;
    }
}

static inline void end_access(struct item *item, enum way way)
{
    switch (way) {
    case WAY_MUTEX: pthread_mutex_unlock(&item->lock.mutex); break;
    case WAY_SPIN: EDDY_STORE_RELEASE(&item->spin, 0); break;
    case WAY_RWLOCK: pthread_rwlock_unlock(&item->lock.rwlock); break;
    default: break;
    }
}

#endif
