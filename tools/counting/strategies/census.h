/* Plain counts that count how often they are used, for the number of operations in the interpreter's program. */
#ifndef COUNT_CENSUS_H
#define COUNT_CENSUS_H

#include "count.h"

#define COUNT_MANY_THREADS 0
#define COUNT_GUARDED 0
#define COUNT_PERMANENT 0

struct count_header {
    uint64_t count;
};

struct count_thread {
    unsigned index;
};

static uint64_t census_retains, census_releases, census_byte_codes;

COUNT_NOTHING_TO_OPEN
COUNT_NOTHING_PER_THREAD
COUNT_NOTHING_TO_POLL

static inline void count_init(struct count_thread *t, struct count_header *h)
{
    (void)t;
    h->count = 1;
}

static inline void count_retain(struct count_thread *t, struct count_header *h)
{
    (void)t;
    census_retains++;
    h->count++;
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    (void)t;
    census_releases++;
    return --h->count == 0;
}

#endif
