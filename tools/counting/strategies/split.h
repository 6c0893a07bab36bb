/* Strategy 7: split counts. One count is plain and is touched only by who has the *right* to it, the other one is atomic and
 * for everybody else; counts are moved between them when one would run out.
 *
 * The right belongs to the thread that made the object, or, for objects of legacy code, to the holder of the legacy lock.
 * Legacy code knows the plain count alone: it adds one, takes one off, and calls the deallocation hook when it has come to
 * zero (legacy.h). So the rule is: while the object lives, the plain count is at least one; the hook restores that by moving the
 * whole shared count over, and only when there is nothing to move is the object dead. References are all alike: which
 * side took one says nothing of which side gives it back. What is owed when the *shared* count runs out goes to whoever
 * has the right, as an entry of a queue.
 *
 * The race about the end: one side finds that the object is dead, and destroys it, while a thread of the other side
 * has given back its reference but not yet looked where to report that. It is closed in one of two ways:
 *
 *   COUNT_SPLIT_CAS      a release takes one off the shared count by compare-and-swap only if there is one. If not, it gives back
 *                        nothing but hands its reference over: until the queue is emptied that keeps the object alive.
 *   COUNT_SPLIT_BARRIER  a release is one atomic subtraction, whatever comes of it; below zero is reported afterwards. The
 *                        memory of the dead is used again only after every thread has passed a safepoint since, so that
 *                        a late report still finds the header there; reports of dead objects are thrown away before. */
#ifndef COUNT_SPLIT_H
#define COUNT_SPLIT_H

#include "count.h"
#include "strategies/party.h"

#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 1
#define COUNT_PERMANENT 0

#define SPLIT_DEAD INT32_MIN /* plain count of an object that has been found dead */

struct count_header {
    int32_t plain;  /* who has the right. First: legacy code knows where it is */
    int32_t shared; /* any thread, atomically */
    uint32_t right; /* the thread or the legacy lock; written by who has it */
};

struct count_thread {
    uint32_t id;
    uint32_t legacy; /* number of the legacy lock while this thread holds it, else PARTY_NOBODY */
    unsigned index;
#ifdef COUNT_SPLIT_BARRIER
    struct split_limbo *limbo;
#endif
};

static pthread_mutex_t split_lock = PTHREAD_MUTEX_INITIALIZER; /* the legacy lock */
static uint32_t split_legacy;                                  /* its number; constant while threads are attached */

static inline bool split_is_mine(const struct count_thread *t, const struct count_header *h)
{
    uint32_t right = EDDY_LOAD_RELAXED(&h->right);
    return EDDY_LIKELY(right == t->id) || (right == t->legacy && right != PARTY_NOBODY);
}

static inline void count_init(struct count_thread *t, struct count_header *h)
{
    h->plain = 1;
    EDDY_STORE_RELAXED(&h->shared, 0);
    EDDY_STORE_RELAXED(&h->right, t->id);
}

/* The plain count has come to zero: moves the shared count over. True: there is none, the object is dead. Whoever calls
 * it has the right. */
static COUNT_COLD bool split_ran_out(struct count_header *h)
{
    COUNT_STEP("move");
    if (h->plain == 0 && EDDY_LIKELY(EDDY_LOAD_ACQUIRE(&h->shared) == 0)) { /* the usual end, without an atomic operation */
        h->plain = SPLIT_DEAD;
        return true;
    }
    h->plain += __atomic_exchange_n(&h->shared, 0, __ATOMIC_ACQ_REL);
    if (h->plain != 0)
        return false;
    h->plain = SPLIT_DEAD;
    return true;
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    if (split_is_mine(t, h))
        h->plain++;
    else
        EDDY_ADD_RELAXED(&h->shared, 1);
}

/* The deallocation hook: legacy code has taken the plain count to zero. */
COUNT_UNUSED static void split_hook(struct count_thread *t, struct count_header *h)
{
    if (split_ran_out(h))
        count_dead(t, h);
}

#ifdef COUNT_SPLIT_CAS
#include "strategies/split_cas.h"
#else
#include "strategies/split_barrier.h"
#endif

/* The legacy lock. Its holder has the right to the plain counts of legacy objects, and does what others left for it. */
COUNT_UNUSED static void split_legacy_begin(struct count_thread *t)
{
    pthread_mutex_lock(&split_lock);
    t->legacy = split_legacy;
}

COUNT_UNUSED static void split_legacy_end(struct count_thread *t)
{
    if (party_has_entries(split_legacy))
        split_drain(t, split_legacy, false);
    t->legacy = PARTY_NOBODY;
    pthread_mutex_unlock(&split_lock);
}

/* Makes an object of the calling thread, which holds the legacy lock, one of legacy code. */
COUNT_UNUSED static void split_to_legacy(struct count_thread *t, struct count_header *h)
{
    if (EDDY_LOAD_RELAXED(&h->right) != t->id)
        count_fatal("only its owner may hand an object to legacy code");
    EDDY_STORE_RELAXED(&h->right, split_legacy);
}

static void count_open(void)
{
    split_legacy = party_join();
    split_open();
}

static void count_close(void)
{
    split_close();
    party_reset();
}

static void count_attach(struct count_thread *t, unsigned index)
{
    t->index = index;
    t->id = party_join();
    t->legacy = PARTY_NOBODY;
    split_attach(t);
}

/* What the thread still has is settled by others from now on, under the lock of its queue. */
static void count_detach(struct count_thread *t)
{
    do
        split_drain(t, t->id, true);
    while (party_is_open(t->id)); /* what has been destroyed may have released more */
    split_legacy_begin(t);
    split_legacy_end(t);
    split_detach(t);
}

#endif
