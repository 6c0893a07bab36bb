/* Two counts with the obvious test: whoever takes its count to zero looks at the other one. Unsound; only tests use it.
 *
 * Two ways to go wrong, both found by tests/counting/schedules.c: both threads find both counts zero and free the object twice;
 * or a reference taken by one side is given back by the other, and no count is ever zero again together with the other. */
#ifndef COUNT_NAIVE_H
#define COUNT_NAIVE_H

#include "count.h"
#include "strategies/party.h"

#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 1
#define COUNT_PERMANENT 0

struct count_header {
    uint32_t owner;
    int32_t local;  /* written by the owner, read by all */
    int32_t shared; /* any thread, atomically */
};

struct count_thread {
    uint32_t id;
    unsigned index;
};

COUNT_UNUSED static void count_open(void)
{
}

COUNT_UNUSED static void count_close(void)
{
    party_reset();
}

COUNT_UNUSED static void count_attach(struct count_thread *t, unsigned index)
{
    t->index = index;
    t->id = party_join();
}

COUNT_UNUSED static void count_detach(struct count_thread *t)
{
    (void)t;
}

COUNT_NOTHING_TO_POLL

COUNT_UNUSED static inline void count_init(struct count_thread *t, struct count_header *h)
{
    h->owner = t->id;
    EDDY_STORE_RELAXED(&h->local, 1);
    EDDY_STORE_RELAXED(&h->shared, 0);
}

COUNT_UNUSED static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    if (h->owner == t->id)
        EDDY_STORE_RELAXED(&h->local, h->local + 1);
    else
        EDDY_ADD_SEQ_CST(&h->shared, 1);
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    if (h->owner == t->id) {
        int32_t local = h->local - 1;
        EDDY_STORE_SEQ_CST(&h->local, local);
        COUNT_STEP("local count written");
        return local == 0 && EDDY_LOAD_SEQ_CST(&h->shared) == 0;
    }
    int32_t shared = __atomic_sub_fetch(&h->shared, 1, __ATOMIC_SEQ_CST);
    COUNT_STEP("shared count written");
    return shared == 0 && EDDY_LOAD_SEQ_CST(&h->local) == 0;
}

#endif
