/* Strategy 6: a local count for the thread that made the object, a shared one for all others (biased counting).
 *
 * Each count alone may be anything: a reference taken by one side may be given back by the other. Only the sum says whether
 * the object lives, and nobody can read the sum at one moment. What makes the test for zero sound without a lock is that there is
 * one moment at which the two become one, and one thread that brings it about:
 *
 *   MERGED   the owner has given up its count, which is zero or has been added to the shared one; from then on that is the
 *            sum, and who takes it to zero destroys the object. The owner merges when its count comes to zero. An atomic operation on the
 *            shared word does it, so either it finds zero, or a later release does: never both, never neither.
 *   QUEUED   somebody released a reference that must be in the owner's count. The count is left alone: the reference itself
 *            goes into the owner's queue, and keeps the object alive, until the owner merges on its behalf.
 *
 * Owner's and local field are written by the owner alone, or, after it has gone, under the lock of its queue. */
#ifndef COUNT_BIASED_H
#define COUNT_BIASED_H

#include "count.h"
#include "strategies/party.h"

#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 1
#define COUNT_PERMANENT 0

enum { BIASED_QUEUED = 1, BIASED_MERGED = 2, BIASED_FLAGS = 3, BIASED_ONE = 4 };

struct count_header {
    uint32_t owner; /* number of the thread, or PARTY_NOBODY; others compare it with their own */
    uint32_t local;
    int32_t shared; /* BIASED_ONE per reference, and two flags; any thread, atomically */
};

struct count_thread {
    uint32_t id;
    unsigned index;
};

static void count_open(void)
{
}

static void count_close(void)
{
    party_reset();
}

static void count_attach(struct count_thread *t, unsigned index)
{
    t->index = index;
    t->id = party_join();
}

static inline void count_init(struct count_thread *t, struct count_header *h)
{
    h->local = 1;
    EDDY_STORE_RELAXED(&h->shared, 0);
    EDDY_STORE_RELAXED(&h->owner, t->id);
}

static inline bool biased_is_mine(const struct count_thread *t, const struct count_header *h)
{
    return EDDY_LIKELY(EDDY_LOAD_RELAXED(&h->owner) == t->id);
}

/* The owner's count becomes part of the shared one, less `given_back`. Says whether that was the end. */
static bool biased_merge(struct count_header *h, uint32_t given_back)
{
    int32_t local = (int32_t)(h->local - given_back) * BIASED_ONE;
    h->local = 0;
    EDDY_STORE_RELAXED(&h->owner, PARTY_NOBODY); /* before the merge: after it the object may go at any time */
    COUNT_STEP("merge");
    int32_t shared = EDDY_LOAD_RELAXED(&h->shared), merged;
    do {
        merged = ((shared & ~BIASED_FLAGS) + local) | BIASED_MERGED;
        COUNT_STEP("merge, read");
    } while (!EDDY_CAS_ACQ_REL(&h->shared, &shared, merged));
    return merged == BIASED_MERGED;
}

/* An entry of a queue has merged already if its owner came to zero meanwhile. */
static bool biased_settle(struct count_header *h)
{
    if ((EDDY_LOAD_ACQUIRE(&h->shared) & BIASED_MERGED) == 0)
        return biased_merge(h, 1);
    return __atomic_sub_fetch(&h->shared, BIASED_ONE, __ATOMIC_ACQ_REL) == BIASED_MERGED;
}

static COUNT_COLD void biased_drain(struct count_thread *t, bool close)
{
    size_t count;
    struct count_header **entries = party_take(t->id, &count, close);
    for (size_t i = 0; i < count; i++)
        if (biased_settle(entries[i]))
            count_dead(t, entries[i]);
    free(entries);
}

static void count_detach(struct count_thread *t)
{
    do
        biased_drain(t, true);
    while (party_is_open(t->id)); /* what has been destroyed may have released more */
}

static inline void count_poll(struct count_thread *t)
{
    if (EDDY_UNLIKELY(party_has_entries(t->id)))
        biased_drain(t, false);
}

COUNT_UNUSED static inline void count_block(struct count_thread *t)
{
    (void)t;
}

COUNT_UNUSED static inline void count_unblock(struct count_thread *t)
{
    (void)t;
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    if (biased_is_mine(t, h))
        h->local++;
    else
        EDDY_ADD_RELAXED(&h->shared, BIASED_ONE);
}

static COUNT_COLD bool biased_enqueue(struct count_header *h)
{
    struct party *gone;
    COUNT_STEP("queue");
    if (party_leave(EDDY_LOAD_RELAXED(&h->owner), h, &gone))
        return false;
    bool dead = biased_settle(h);
    pthread_mutex_unlock(&gone->lock);
    return dead;
}

static COUNT_COLD bool biased_release_shared(struct count_header *h)
{
    int32_t shared = EDDY_LOAD_RELAXED(&h->shared), next;
    do {
        next = shared == 0 ? BIASED_QUEUED : shared - BIASED_ONE;
        COUNT_STEP("release, read");
    } while (!EDDY_CAS_ACQ_REL(&h->shared, &shared, next));
    if (next == BIASED_QUEUED && shared == 0)
        return biased_enqueue(h);
    return next == BIASED_MERGED;
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    if (!biased_is_mine(t, h))
        return biased_release_shared(h);
    if (EDDY_LIKELY(--h->local != 0))
        return false;
    COUNT_STEP("zero");
    if (EDDY_LIKELY(EDDY_LOAD_ACQUIRE(&h->shared) == 0)) /* nor a flag: no references at all, so nobody who could get one */
        return true;
    return biased_merge(h, 0);
}

#endif
