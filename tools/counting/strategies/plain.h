/* Strategy 1: plain counts, for one thread. The floor that all others are compared with.
 *
 * With COUNT_PERMANENT_BIG or COUNT_PERMANENT_BIT it is strategy 5 on top of 1: permanent.h tells the encodings. */
#ifndef COUNT_PLAIN_H
#define COUNT_PLAIN_H

#include "count.h"
#include "strategies/permanent.h"

#define COUNT_MANY_THREADS 0
#define COUNT_GUARDED 0

struct count_header {
    union permanent_word word;
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
    h->word.count = 1;
}

static inline void count_permanent(struct count_header *h)
{
    h->word.count = PERMANENT_COUNT;
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    (void)t;
    if (PERMANENT_TEST_ALONE(h->word))
        return;
    h->word.count++;
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    (void)t;
#ifdef COUNT_PERMANENT_BIT
    /* One compare for both: a permanent count is negative as a signed number, and the last reference need not be taken off. */
    if (EDDY_UNLIKELY((int64_t)h->word.count <= 1))
        return h->word.count == 1;
    count_keep_order(); /* or the compiler keeps the count in a register, which is an instruction more */
    h->word.count--;
    return false;
#else
    return --h->word.count == 0;
#endif
}

#endif
