/* Split counts whose end is settled by a barrier: memory of the dead is used again when every thread has polled, or waited,
 * since. Part of split.h.
 *
 * Epochs as in quiescent-state-based reclamation (Hart, McKenney, Brown and Walpole, JPDC 2007). A late report follows its
 * subtraction, the subtraction happened before the death that counted it, and the report before its thread's next poll. The
 * dead are marked, and all reports are read once more before their memory goes. */
#ifndef COUNT_SPLIT_BARRIER_H
#define COUNT_SPLIT_BARRIER_H

#define COUNT_DEFERRED_REUSE 1

#ifndef SPLIT_BATCH
#define SPLIT_BATCH 256 /* tests have smaller ones */
#endif

/* Objects that wait for one barrier. */
struct split_batch {
    uint64_t target; /* epoch that all threads must have seen; 0: the batch is being filled */
    size_t count;
    struct count_header *dead[SPLIT_BATCH];
    struct split_batch *next;
};

struct split_limbo {
    uint64_t seen; /* epoch at the last poll; UINT64_MAX: touches no objects now; 0: nobody. Written by the thread */
    struct split_batch *filling, *waiting; /* the youngest first */
};

static uint64_t split_epoch; /* atomic */
static struct split_limbo split_limbos[PARTY_MOST];
static pthread_mutex_t split_orphans_lock = PTHREAD_MUTEX_INITIALIZER;
static struct split_batch *split_orphans; /* batches of threads that have gone */

static void split_open(void)
{
    for (size_t i = 0; i < PARTY_MOST; i++)
        split_limbos[i] = (struct split_limbo){0};
    EDDY_STORE_RELAXED(&split_epoch, 1);
}

static void split_reuse_batch(struct count_thread *t, struct split_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        count_reuse(t, batch->dead[i]);
    free(batch);
}

static void split_close(void)
{
    while (split_orphans != NULL) {
        struct split_batch *batch = split_orphans;
        split_orphans = batch->next;
        split_reuse_batch(NULL, batch);
    }
}

static void split_attach(struct count_thread *t)
{
    t->limbo = &split_limbos[t->id];
    t->limbo->filling = t->limbo->waiting = NULL;
    EDDY_STORE_RELEASE(&t->limbo->seen, EDDY_LOAD_ACQUIRE(&split_epoch));
}

/* Has everybody passed a safepoint since the batch was closed? */
static bool split_passed(const struct split_batch *batch)
{
    uint32_t last = EDDY_LOAD_ACQUIRE(&party_last);
    for (uint32_t id = 1; id <= last; id++) {
        uint64_t seen = EDDY_LOAD_ACQUIRE(&split_limbos[id].seen);
        if (seen != 0 && seen < batch->target)
            return false;
    }
    return true;
}

static void split_drain(struct count_thread *t, uint32_t id, bool close);

/* The batches that everybody has passed: when one is, those before it are. */
static struct split_batch *split_take_passed(struct split_limbo *limbo)
{
    struct split_batch **at = &limbo->waiting;
    while (*at != NULL && !split_passed(*at))
        at = &(*at)->next;
    struct split_batch *passed = *at;
    *at = NULL;
    return passed;
}

/* Late reports of what dies here are in the thread's own queue or in that of legacy code: no other thread may do this. */
static COUNT_COLD void split_try_reuse(struct count_thread *t)
{
    struct split_limbo *limbo = t->limbo;
    if (t->legacy != PARTY_NOBODY)
        return;
    struct split_batch *batch = split_take_passed(limbo);
    if (batch == NULL)
        return;
    split_drain(t, t->id, false);
    pthread_mutex_lock(&split_lock);
    t->legacy = split_legacy;
    split_drain(t, split_legacy, false);
    t->legacy = PARTY_NOBODY;
    pthread_mutex_unlock(&split_lock);
    while (batch != NULL) {
        struct split_batch *next = batch->next;
        split_reuse_batch(t, batch);
        batch = next;
    }

    pthread_mutex_lock(&split_orphans_lock);
    batch = split_orphans;
    if (batch != NULL && split_passed(batch))
        split_orphans = batch->next;
    else
        batch = NULL;
    pthread_mutex_unlock(&split_orphans_lock);
    if (batch != NULL)
        split_reuse_batch(t, batch);
}

static void split_close_batch(struct split_limbo *limbo)
{
    limbo->filling->target = __atomic_add_fetch(&split_epoch, 1, __ATOMIC_ACQ_REL);
}

/* Keeps a dead object until its memory may be used again. */
COUNT_UNUSED static void count_retire(struct count_thread *t, struct count_header *h)
{
    struct split_limbo *limbo = t->limbo;
    if (limbo->filling == NULL && (limbo->filling = calloc(1, sizeof *limbo->filling)) == NULL)
        count_fatal("out of memory");
    limbo->filling->dead[limbo->filling->count++] = h;
    if (limbo->filling->count < SPLIT_BATCH)
        return;
    split_close_batch(limbo);
    struct split_batch *closed = limbo->filling;
    limbo->filling = NULL;
    closed->next = limbo->waiting;
    limbo->waiting = closed;
}

static void split_detach(struct count_thread *t)
{
    struct split_limbo *limbo = t->limbo;
    if (limbo->filling != NULL)
        split_close_batch(limbo);
    EDDY_STORE_RELEASE(&limbo->seen, UINT64_MAX);
    pthread_mutex_lock(&split_orphans_lock);
    if (limbo->filling != NULL) {
        limbo->filling->next = limbo->waiting;
        limbo->waiting = limbo->filling;
    }
    while (limbo->waiting != NULL) {
        struct split_batch *batch = limbo->waiting;
        limbo->waiting = batch->next;
        batch->next = split_orphans;
        split_orphans = batch;
    }
    pthread_mutex_unlock(&split_orphans_lock);
    limbo->filling = NULL;
}

/* A report: the shared count has been below zero. Whoever calls it has the right. True: the object is dead. */
static bool split_settle(struct count_header *h)
{
    return h->plain != SPLIT_DEAD && split_ran_out(h);
}

static COUNT_COLD void split_drain(struct count_thread *t, uint32_t id, bool close)
{
    size_t count;
    struct count_header **entries = party_take(id, &count, close);
    for (size_t i = 0; i < count; i++) {
        if (EDDY_LOAD_RELAXED(&entries[i]->right) != id)
            party_leave(split_legacy, entries[i], NULL); /* it went to legacy code meanwhile */
        else if (split_settle(entries[i]))
            count_dead(t, entries[i]);
    }
    free(entries);
}

static COUNT_COLD bool split_report(struct count_header *h)
{
    struct party *gone;
    COUNT_STEP("report");
    if (party_leave(EDDY_LOAD_RELAXED(&h->right), h, &gone))
        return false;
    bool dead = split_settle(h);
    pthread_mutex_unlock(&gone->lock);
    return dead;
}

static inline bool count_release(struct count_thread *t, struct count_header *h)
{
    if (split_is_mine(t, h))
        return EDDY_UNLIKELY(--h->plain == 0) && split_ran_out(h);
    COUNT_STEP("release");
    if (EDDY_LIKELY(__atomic_sub_fetch(&h->shared, 1, __ATOMIC_ACQ_REL) >= 0))
        return false;
    return split_report(h);
}

static inline void count_poll(struct count_thread *t)
{
    if (EDDY_UNLIKELY(party_has_entries(t->id)))
        split_drain(t, t->id, false);
    uint64_t epoch = EDDY_LOAD_ACQUIRE(&split_epoch);
    if (EDDY_UNLIKELY(epoch != t->limbo->seen))
        EDDY_STORE_RELEASE(&t->limbo->seen, epoch);
    if (EDDY_UNLIKELY(t->limbo->waiting != NULL))
        split_try_reuse(t);
}

COUNT_UNUSED static void count_block(struct count_thread *t)
{
    count_poll(t);
    EDDY_STORE_RELEASE(&t->limbo->seen, UINT64_MAX);
}

COUNT_UNUSED static void count_unblock(struct count_thread *t)
{
    EDDY_STORE_RELEASE(&t->limbo->seen, EDDY_LOAD_ACQUIRE(&split_epoch));
}

#endif
