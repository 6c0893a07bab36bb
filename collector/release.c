/* Step 2 of an epoch: the decs of the epoch before, and what follows from them. An object whose count
 * reaches zero is dead: its fields are put on the work list, its cell is freed. A work list that has grown
 * long is cut when the mutators wait for an epoch: a dec that is applied later only keeps garbage longer. */
#include "collector/state.h"

#include <stdlib.h>

#define AHEAD 8 /* log entries whose counts are fetched ahead */
#define BATCH 16u

/* While an epoch is asked for, slow work goes on only as long as the mutators are not far into the next one: they
 * do not wait for it, but what they allocate and log meanwhile is what the delay costs. */
bool eddy__epoch_presses(const struct collector *c)
{
    const eddy_heap *heap = c->heap;
    if ((EDDY_LOAD_RELAXED(&heap->request) & REQUEST_EPOCH) == 0)
        return false;
    return EDDY_LOAD_RELAXED(&heap->chunks_used) * LOG_CHUNK_BYTES > heap->config.log_limit / 2
           || EDDY_LOAD_RELAXED(&heap->allocated) > 2 * (uint64_t)EDDY_LOAD_RELAXED(&heap->epoch_bytes)
           || EDDY_LOAD_RELAXED(&heap->logged) > 2 * (uint64_t)EDDY_LOAD_RELAXED(&heap->log_bytes);
}

__attribute__((always_inline)) static inline void push_child(void *context, void *const *slot)
{
    struct collector *c = context;
    void *child = EDDY_LOAD_RELAXED(slot);
    if (heap_contains(c->heap, child))
        vector_push(&c->decs, child);
}

/* An object of which a count is to be taken back, and where that is. */
struct counted {
    void *object;
    struct block *b;
    uint32_t cell;
};

static inline struct counted counted_of(const struct collector *c, void *object)
{
    struct block *b = block_of(c->heap, object);
    return (struct counted){.object = object, .b = b, .cell = cell_number(b, object)};
}

static void release_object(struct collector *c, const struct counted *dead)
{
    struct block *b = dead->b;
    if (EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&b->attached) != 0) && !eddy__attached_dies(c, b, dead->object))
        return;
    if (b->kind != KIND_LEAF)
        edges_each(c->heap, EDDY_LOAD_RELAXED(eddy__header(dead->object)), dead->object, push_child, c);
    eddy__cell_free(c, b, dead->cell, dead->object);
}

static bool left_to_its_candidate(const struct collector *c, const void *object)
{
    uint32_t number = c->releasing_cycles ? cycle_node_of(c, object) : UINT32_MAX;
    return number != UINT32_MAX && cycle_node(c, number)->component < COMPONENT_TRIVIAL;
}

static inline void dec(struct collector *c, const struct counted *o)
{
    if (count_dec(c, o->object, o->b, o->cell) && !(MUTANT(MUTANT_NO_RELEASE) && left_to_its_candidate(c, o->object)))
        release_object(c, o);
}

static inline bool about_to_die(const struct counted *o)
{
    return (o->b->counts[o->cell] & COUNT_MASK) == 1 && o->b->kind != KIND_LEAF;
}

/* Takes some from the work list. What is touched of each is fetched before the first is looked at: count bytes first, the object itself
 * only if it dies, for the lines of live ones are the mutators'. */
static size_t release_some(struct collector *c)
{
    struct counted batch[BATCH], dying[BATCH];
    size_t n = c->decs.count < BATCH ? c->decs.count : BATCH, deaths = 0;
    for (size_t i = 0; i < n; i++) {
        batch[i] = counted_of(c, vector_pop(&c->decs));
        __builtin_prefetch(batch[i].b->counts + batch[i].cell, 1);
    }
    for (size_t i = 0; i < n; i++)
        if (about_to_die(&batch[i])) {
            __builtin_prefetch(eddy__header(batch[i].object), 0);
            dying[deaths++] = batch[i];
        } else {
            c->cycles.consequences += batch[i].b->kind == KIND_CYCLIC;
            dec(c, &batch[i]);
        }
    for (size_t i = 0; i < deaths; i++)
        dec(c, &dying[i]);
    return n;
}

void eddy__release_all(struct collector *c, bool slice)
{
    const uint64_t forced = SLICE_STEPS();
    uint64_t done = 0, look = forced != 0 ? forced : SLICE_STEPS_USUAL;
    while (c->decs.count != 0) {
        HOOK(HOOK_SLICE, NULL);
        done += release_some(c);
        if (!slice || done < look)
            continue;
        look += SLICE_STEPS_USUAL;
        if (forced == 0 && !eddy__epoch_presses(c))
            continue;
        if (MUTANT(MUTANT_SLICE_DROPS))
            c->decs.count = 0;
        break;
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
    struct counted o = counted_of(c, object);
    if (about_to_die(&o))
        vector_push(&c->decs, object); /* its header has to be fetched first */
    else
        dec(c, &o);
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

#define SORT_MOST 4096u

static int by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

/* The roots that were counted in the epoch before. Most are roots still and have just been counted again: of these
 * one count is taken back, without making candidates of them at every epoch. */
void eddy__uncount_roots(struct collector *c, struct root_list lists[2], const struct root_list *stable)
{
    const struct root_list *now = &lists[c->epoch & 1], none = {.objects = NULL};
    struct root_list *before = &lists[(c->epoch & 1) ^ 1];
    if (stable == NULL)
        stable = &none;
    c->kept.count = 0;
    if (before->count != 0 && now->count + stable->count - stable->exact <= SORT_MOST) {
        for (size_t i = 0; i < now->count; i++)
            vector_push(&c->kept, (void *)now->objects[i]);
        for (size_t i = stable->exact; i < stable->count; i++)
            vector_push(&c->kept, (void *)stable->objects[i]);
    }
    if (c->kept.count != 0)
        qsort(c->kept.items, c->kept.count, sizeof(void *), by_address);
    for (size_t i = 0; i < before->count; i++) {
        uintptr_t object = before->objects[i];
        if (MUTANT(MUTANT_ROOTS_NOT_UNCOUNTED))
            continue;
        if ((c->kept.count != 0 && bsearch(&object, c->kept.items, c->kept.count, sizeof object, by_address) != NULL)
            || MUTANT(MUTANT_ROOTS_ALL_KEPT))
            eddy__count_undo(c, (void *)object);
        else {
            struct counted o = counted_of(c, (void *)object);
            dec(c, &o);
        }
    }
    before->count = 0;
}

void eddy__apply_decs(struct collector *c)
{
    HOOK(HOOK_STEP_DECS, NULL);
    unsigned before = (c->epoch & 1) ^ 1;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next) {
        if (t->in_epoch != c->epoch)
            continue;
        const uintptr_t *mark = t->handover[MUTANT(MUTANT_DEC_NOW) ? c->epoch & 1 : before].dec_mark;
        if (MUTANT(MUTANT_DEC_MARK_LATE))
            mark = EDDY_LOAD_RELAXED(&t->dec.next);
        apply_log(c, t, mark);
        eddy__uncount_roots(c, t->accepted, &t->stable);
    }
    eddy__apply_unpins(c);
    eddy__fibers_uncount(c);
    eddy__release_all(c, true);
}
