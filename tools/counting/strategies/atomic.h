/* Strategy 4: atomic counts.
 *
 * A retain needs no order: whoever retains has the use of a reference already. A release orders what its thread did to the
 * object before what the last one does, who acquires before it destroys. With COUNT_SEQ_CST every operation is
 * sequentially consistent instead. With COUNT_PERMANENT_BIG or COUNT_PERMANENT_BIT it is strategy 5 on top of 4. */
#ifndef COUNT_ATOMIC_H
#define COUNT_ATOMIC_H

#include "count.h"
#include "strategies/permanent.h"

#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 1

struct count_header {
    union permanent_word word; /* any thread, atomically */
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
    EDDY_STORE_RELAXED(&h->word.count, 1);
}

static inline void count_permanent(struct count_header *h)
{
    EDDY_STORE_RELAXED(&h->word.count, PERMANENT_COUNT);
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    (void)t;
    if (PERMANENT_TEST(h->word))
        return;
#ifdef COUNT_SEQ_CST
    EDDY_ADD_SEQ_CST(&h->word.count, 1);
#else
    EDDY_ADD_RELAXED(&h->word.count, 1);
#endif
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    (void)t;
    if (PERMANENT_TEST(h->word))
        return false;
#ifdef COUNT_SEQ_CST
    return __atomic_fetch_sub(&h->word.count, 1, __ATOMIC_SEQ_CST) == 1;
#else
    if (__atomic_fetch_sub(&h->word.count, 1, __ATOMIC_RELEASE) != 1)
        return false;
    (void)EDDY_LOAD_ACQUIRE(&h->word.count); /* a load, not a fence: thread sanitizers understand it */
    return true;
#endif
}

#endif
