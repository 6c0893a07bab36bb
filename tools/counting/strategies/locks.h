/* Strategy 3: a lock in each object, taken for each change of its count. */
#ifndef COUNT_LOCKS_H
#define COUNT_LOCKS_H

#include "count.h"

#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 1
#define COUNT_PERMANENT 0

struct count_header {
    uint32_t count; /* the lock's holder */
    uint16_t lock;
};

struct count_thread {
    unsigned index;
};

COUNT_NOTHING_TO_OPEN
COUNT_NOTHING_PER_THREAD
COUNT_NOTHING_TO_POLL

static inline void count_init(struct count_thread *t, struct count_header *h)
{
    (void)t;
    h->count = 1;
    EDDY_STORE_RELAXED(&h->lock, 0);
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    (void)t;
    count_lock16(&h->lock);
    h->count++;
    count_unlock16(&h->lock);
}

/* Who finds zero has taken the lock after everybody else gave it back, and giving back is their last access. */
static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    (void)t;
    count_lock16(&h->lock);
    bool last = --h->count == 0;
    count_unlock16(&h->lock);
    return last;
}

#endif
