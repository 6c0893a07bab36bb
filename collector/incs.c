/* Step 1 of an epoch: roots and inc logs are counted, objects whose count leaves zero are promoted, and
 * what *all* threads have pushed so far is drained until a full round makes no object of the epoch or
 * an earlier one leave zero. Without the drain live objects are freed, because the winner of a promotion may
 * be a mutator that is in the next epoch already. Keeps I5 (incs early) and I6. */
#include "collector/state.h"

#define AHEAD 8      /* how far log entries and objects are prefetched */
#define GATHERED 64u /* references counted together, if an object does not have more */

/* ---- promotion ---- */

/* References that objects which were promoted contain, to be counted. */
struct gathered {
    uintptr_t base; /* the heap's range */
    size_t range;
    size_t count, bound; /* the bound of an object's */
    void *refs[GATHERED + OBJECT_REFS_BOUND];
};

__attribute__((always_inline)) static inline void gather_ref(void *context, void *const *slot)
{
    struct gathered *g = context;
    void *ref = EDDY_LOAD_ACQUIRE(slot);
    if ((uintptr_t)ref - g->base < g->range && g->count < g->bound) /* heap_contains */
        g->refs[g->count++] = ref;
}

/* An object whose count has just left zero: if it is private-old, its fields become counted. */
static void promote(struct collector *c, void *object, struct gathered *g)
{
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    if (header_is_counted(header))
        return; /* born counted, or promoted by a mutator, which has pushed the incs */
    size_t before = g->count;
    g->bound = before + OBJECT_REFS_BOUND;
    if (block_of(c->heap, object)->kind != KIND_LEAF)
        edges_each(c->heap, header, object, gather_ref, g);
    HOOK(HOOK_COLLECTOR_PROMOTE, object);
    if (MUTANT(MUTANT_COLLECTOR_PROMOTES_PLAINLY))
        EDDY_STORE_RELEASE(eddy__header(object), header);
    if (!EDDY_CAS_RELEASE_ACQUIRE(eddy__header(object), &header, header & HEADER_LOW)) {
        g->count = before;
        return;
    }
    for (size_t i = before; i < g->count; i++)
        count_prefetch(c, g->refs[i]);
    STAT_ADD(c->stats.promotions, 1);
}

static void count_gathered(struct collector *c, struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++)
        count_inc(c, g->refs[i], false);
    STAT_ADD(c->stats.incs, g->count);
    g->count = 0;
}

/* Some at a time, so that headers and counts have arrived when they are read. */
void eddy__promote_all(struct collector *c)
{
    struct gathered g;
    g.base = (uintptr_t)c->heap->base;
    g.range = c->heap->range;
    g.count = 0;
    while (c->scan.count != 0) {
        void *batch[AHEAD];
        size_t n = c->scan.count < AHEAD ? c->scan.count : AHEAD;
        for (size_t i = 0; i < n; i++) {
            batch[i] = vector_pop(&c->scan);
            __builtin_prefetch(eddy__header(batch[i]), 1);
        }
        for (size_t i = 0; i < n; i++) {
            promote(c, batch[i], &g);
            if (g.count >= GATHERED)
                count_gathered(c, &g);
        }
        count_gathered(c, &g);
    }
}

/* ---- logs ---- */

static void apply_entry(struct collector *c, uintptr_t entry)
{
    void *object = (void *)(entry & ~ENTRY_MASK);
    if (EDDY_UNLIKELY(entry & (ENTRY_RETAIN | ENTRY_PERMANENT))) {
        if (entry & ENTRY_RETAIN)
            eddy__map_get(&c->retained, object)->value++;
        else
            eddy__born_permanent(c, object);
    }
    count_inc(c, object, (entry & ENTRY_COUNTED) != 0);
}

/* Everything that `t` has published; whether there was anything. */
static void drain_thread(struct collector *c, struct thread *t)
{
    struct log_chunk *done;
    uintptr_t *from;
    size_t n;
    do {
        n = eddy__log_span(&t->inc, NULL, &from, &done);
        for (size_t i = 0; i < n; i++) {
            if (i + AHEAD < n)
                count_prefetch(c, (void *)(from[i + AHEAD] & ~ENTRY_MASK));
            apply_entry(c, from[i]);
        }
        t->inc.read += n;
        c->applied += n;
        STAT_ADD(c->stats.incs, n);
        if (done != NULL)
            eddy__chunk_give(c->heap, done);
    } while (done != NULL || n != 0);
}

/* Rounds over all threads until one makes nothing of the epoch or before leave zero. At least one. */
static void drain(struct collector *c)
{
    if (MUTANT(MUTANT_NO_DRAIN))
        return;
    do {
        HOOK(HOOK_STEP_DRAIN, NULL);
        c->first_incs = 0;
        for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next)
            if (!MUTANT(MUTANT_DRAIN_OWN_EPOCH) || EDDY_LOAD_RELAXED(&t->fast.epoch) == c->epoch)
                drain_thread(c, t);
        HOOK(HOOK_STEP_DRAINED, NULL);
        eddy__promote_all(c);
        STAT_ADD(c->stats.drain_rounds, 1);
    } while (c->first_incs != 0 && !MUTANT(MUTANT_DRAIN_ONCE));
}

/* Without the drain, only what was logged before the handshakes. */
static void apply_logs_once(struct collector *c)
{
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next)
        if (t->in_epoch == c->epoch)
            drain_thread(c, t);
    eddy__promote_all(c);
}

void eddy__apply_incs(struct collector *c)
{
    HOOK(HOOK_STEP_INCS, NULL);
    eddy__filter_roots(c, true);
    eddy__apply_pins(c);
    if (MUTANT(MUTANT_FILTER_EARLY)) {
        eddy__filter_roots(c, false);
        apply_logs_once(c);
        return;
    }
    apply_logs_once(c);
    drain(c);
    if (!eddy__words_recorded(c))
        return;
    eddy__filter_roots(c, false);
    eddy__promote_all(c);
    drain(c);
}
