/* Threads that objects belong to, for strategies 6 and 7: who is there, and a queue for each in which others leave
 * objects that only their owner can settle.
 *
 * Numbers are never used again, so an object cannot come to belong to a thread that did not make it. The queue of a thread
 * that has gone is closed: who finds it so settles the object itself, under the same lock, after everything its owner did. */
#ifndef COUNT_PARTY_H
#define COUNT_PARTY_H

#include "count.h"

/* An object that was found dead while its owner did something else; memory of the dead that need not wait any longer. */
COUNT_UNUSED static void count_dead(struct count_thread *t, struct count_header *h);
COUNT_UNUSED static void count_reuse(struct count_thread *t, struct count_header *h);

enum { PARTY_NOBODY = 0, PARTY_MOST = 4096 };

struct party {
    pthread_mutex_t lock;
    bool open; /* all of the lock, except `waiting` */
    struct count_header **entries;
    size_t count, room;
    int waiting; /* whether there are entries: hint for the owner, who reads it without the lock */
};

static struct party parties[PARTY_MOST] = {[PARTY_NOBODY] = {.lock = PTHREAD_MUTEX_INITIALIZER}};
static uint32_t party_last; /* number given out last; atomic */

COUNT_UNUSED static void party_reset(void)
{
    for (uint32_t i = 1; i <= party_last; i++) {
        free(parties[i].entries);
        pthread_mutex_destroy(&parties[i].lock);
        parties[i] = (struct party){.open = false};
    }
    party_last = 0;
}

/* A number for the calling thread. */
COUNT_UNUSED static uint32_t party_join(void)
{
    uint32_t id = __atomic_add_fetch(&party_last, 1, __ATOMIC_RELAXED);
    if (id >= PARTY_MOST)
        count_fatal("too many threads");
    pthread_mutex_init(&parties[id].lock, NULL);
    parties[id].open = true;
    return id;
}

/* Leaves an object for its owner; false: the owner has gone (PARTY_NOBODY always has), and the caller, who now has *held locked, may do as the owner would. */
COUNT_UNUSED static bool party_leave(uint32_t owner, struct count_header *h, struct party **held)
{
    struct party *p = &parties[owner];
    pthread_mutex_lock(&p->lock);
    if (!p->open) {
        *held = p;
        return false;
    }
    if (p->count == p->room) {
        p->room = p->room != 0 ? 2 * p->room : 64;
        p->entries = realloc(p->entries, p->room * sizeof(struct count_header *));
        if (p->entries == NULL)
            count_fatal("out of memory");
    }
    p->entries[p->count++] = h;
    EDDY_STORE_RELAXED(&p->waiting, 1);
    pthread_mutex_unlock(&p->lock);
    return true;
}

COUNT_UNUSED static inline bool party_has_entries(uint32_t id)
{
    return EDDY_LOAD_RELAXED(&parties[id].waiting) != 0;
}

/* Takes all entries; the caller frees the array. With `close`, and if there were none, none follow: whoever settles an object himself
 * from then on comes after everything that its owner did. */
COUNT_UNUSED static struct count_header **party_take(uint32_t id, size_t *count, bool close)
{
    struct party *p = &parties[id];
    pthread_mutex_lock(&p->lock);
    struct count_header **entries = p->entries;
    *count = p->count;
    p->entries = NULL;
    p->count = p->room = 0;
    EDDY_STORE_RELAXED(&p->waiting, 0);
    if (close && *count == 0)
        p->open = false;
    pthread_mutex_unlock(&p->lock);
    return entries;
}

/* Asked by the owner, who alone closes it. */
COUNT_UNUSED static bool party_is_open(uint32_t id)
{
    return parties[id].open;
}

#endif
