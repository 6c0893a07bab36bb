/* Step 2 of an epoch: the decs of the epoch before, and what follows from them. An object whose count
 * reaches zero is dead: its fields are put on the work list, its cell is freed. A work list that has grown
 * long is cut when the mutators wait for an epoch: a dec that is applied later only keeps garbage longer. */
#include "collector/state.h"

#define AHEAD 8
#define SLICE_STEPS 20000u /* work done before a look at the requests */

bool eddy__slice_over(const struct collector *c, uint64_t done)
{
    return done >= SLICE_STEPS && (EDDY_LOAD_RELAXED(&c->heap->request) & REQUEST_EPOCH) != 0;
}

static void push_child(void *context, void *const *slot)
{
    struct collector *c = context;
    void *child = EDDY_LOAD_RELAXED(slot);
    if (child == NULL)
        return;
    vector_push(&c->decs, child);
}

static void release_object(struct collector *c, void *object)
{
    struct block *b = block_of(c->heap, object);
    if (b->kind != KIND_LEAF)
        edges_each(c->heap, EDDY_LOAD_RELAXED(eddy__header(object)), object, push_child, c);
    eddy__cell_free(c, b, cell_number(b, object), object);
}

static void dec(struct collector *c, void *object)
{
    if (eddy__count_dec(c, object))
        release_object(c, object);
}

void eddy__release_all(struct collector *c, bool slice)
{
    /* two stages ahead: count bytes first, then the object, which is read when its count reaches zero */
    void *queue[AHEAD];
    unsigned head = 0, queued = 0;
    uint64_t done = 0;
    while (queued != 0 || c->decs.count != 0) {
        bool stop = slice && eddy__slice_over(c, done);
        while (!stop && queued < AHEAD && c->decs.count != 0) {
            void *object = vector_pop(&c->decs);
            count_prefetch(c, object);
            __builtin_prefetch(eddy__header(object), 0);
            queue[(head + queued++) % AHEAD] = object;
        }
        if (queued == 0)
            break;
        dec(c, queue[head]);
        head = (head + 1) % AHEAD;
        queued--;
        done++;
    }
    STAT_ADD(c->stats.decs, done);
}

static void apply_entry(struct collector *c, uintptr_t entry)
{
    void *object = (void *)(entry & ~ENTRY_MASK);
    if (EDDY_UNLIKELY(entry & ENTRY_RETAIN)) {
        struct object_map_entry *retained = eddy__map_find(&c->retained, object);
        if (retained == NULL) {
            STAT_ADD(c->stats.misused_releases, 1);
            return;
        }
        if (--retained->value == 0)
            eddy__map_remove(&c->retained, retained);
    }
    dec(c, object);
}

/* The decs that `t` logged up to the handshake out of the epoch before. */
static void apply_log(struct collector *c, struct thread *t, const uintptr_t *mark)
{
    struct log_chunk *done;
    uintptr_t *from;
    size_t n;
    do {
        n = eddy__log_span(&t->dec, mark, &from, &done);
        for (size_t i = 0; i < n; i++) {
            if (i + AHEAD < n)
                count_prefetch(c, (void *)(from[i + AHEAD] & ~ENTRY_MASK));
            apply_entry(c, from[i]);
            if (c->decs.count > 4 * AHEAD) /* keeps the list short and its objects in the cache */
                eddy__release_all(c, true);
        }
        t->dec.read += n;
        c->applied += n;
        STAT_ADD(c->stats.decs, n);
        if (done != NULL)
            eddy__chunk_give(c->heap, done);
    } while (done != NULL || n != 0);
}

/* Roots that were counted in the epoch before; those held by nothing else are reported as ambiguous. */
static void uncount_roots(struct collector *c, struct thread *t)
{
    unsigned before = (c->epoch & 1) ^ 1;
    for (size_t i = 0; i < t->accepted[before].count; i++)
        dec(c, (void *)t->accepted[before].objects[i]);
    t->accepted[before].count = 0;
}

void eddy__apply_decs(struct collector *c)
{
    HOOK(HOOK_STEP_DECS, NULL);
    unsigned before = (c->epoch & 1) ^ 1;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next) {
        if (t->in_epoch != c->epoch)
            continue;
        apply_log(c, t, t->handover[MUTANT(MUTANT_DEC_NOW) ? c->epoch & 1 : before].dec_mark);
        uncount_roots(c, t);
    }
    eddy__release_all(c, true);
}
