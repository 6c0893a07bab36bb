/* Split counts whose end is settled by compare-and-swap: nobody gives back a reference that the shared count does not have.
 * Part of split.h. */
#ifndef COUNT_SPLIT_CAS_H
#define COUNT_SPLIT_CAS_H

static void split_open(void)
{
}

static void split_close(void)
{
}

static void split_attach(struct count_thread *t)
{
    (void)t;
}

static void split_detach(struct count_thread *t)
{
    (void)t;
}

/* Gives back a reference that is in the plain count. Whoever calls it has the right. */
static inline bool split_give_back(struct count_header *h)
{
    return EDDY_UNLIKELY(--h->plain == 0) && split_ran_out(h);
}

static COUNT_COLD void split_drain(struct count_thread *t, uint32_t id, bool close)
{
    size_t count;
    struct count_header **entries = party_take(id, &count, close);
    for (size_t i = 0; i < count; i++) {
        if (EDDY_LOAD_RELAXED(&entries[i]->right) != id)
            party_leave(split_legacy, entries[i], NULL); /* it went to legacy code meanwhile */
        else if (split_give_back(entries[i]))
            count_dead(t, entries[i]);
    }
    free(entries);
}

static COUNT_COLD bool split_hand_over(struct count_header *h)
{
    struct party *gone;
    COUNT_STEP("hand over");
    if (party_leave(EDDY_LOAD_RELAXED(&h->right), h, &gone))
        return false;
    bool dead = split_give_back(h);
    pthread_mutex_unlock(&gone->lock);
    return dead;
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    if (split_is_mine(t, h))
        return split_give_back(h);
    int32_t shared = EDDY_LOAD_RELAXED(&h->shared);
    do {
        COUNT_STEP("release, read");
        if (shared <= 0)
            return split_hand_over(h);
    } while (!EDDY_CAS_ACQ_REL(&h->shared, &shared, shared - 1));
    return false;
}

static inline void count_poll(struct count_thread *t)
{
    if (EDDY_UNLIKELY(party_has_entries(t->id)))
        split_drain(t, t->id, false);
}

COUNT_UNUSED static void count_block(struct count_thread *t)
{
    (void)t;
}

COUNT_UNUSED static void count_unblock(struct count_thread *t)
{
    (void)t;
}

#endif
