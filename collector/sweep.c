/* Step 3 of an epoch: the young sweep. Every object born in or before the epoch that is still private is
 * dead, cyclic or not; nothing is done per object, because a block's dead cells are those whose count byte
 * is zero, and the block knows how many are not. Keeps I8: a block is allocated into again only from here on. */
#include "collector/state.h"

void eddy__give_block(struct collector *c, struct block *b)
{
    eddy__marks_drop_block(c, b);
    eddy__block_give(c->heap, b);
}

void eddy__give_large(struct collector *c, struct block *b)
{
    eddy__marks_drop_block(c, b);
    eddy__large_give(c->heap, b);
}

void eddy__pool_block(struct collector *c, struct block *b)
{
    eddy_heap *heap = c->heap;
    unsigned slot = b->kind * EDDY__CLASSES + b->size_class;
    EDDY_STORE_RELEASE(&b->state, BLOCK_PARTIAL);
    eddy__blocks_push(heap, block_is_sparse(b) ? &heap->sparse[slot] : &heap->partial[slot], b);
}

/* Builds with hooks: what was private and is dead now reads as freed. */
static void poison_free_cells(const eddy_heap *heap, const struct block *b)
{
#ifdef EDDY_POISON_WORD
    for (uint32_t cell = 0; cell < b->young_end; cell++)
        if (b->counts[cell] == 0)
            eddy__poison(cell_object(heap, b, cell), b->cell - EDDY__HEADER_SIZE);
#else
    (void)heap, (void)b;
#endif
}

static void sweep_block(struct collector *c, struct block *b)
{
    eddy_heap *heap = c->heap;
    EDDY_SUB_RELAXED(&heap->unswept, b->bytes);
    poison_free_cells(heap, b);
    if (b->live <= MUTANT(MUTANT_SWEEP_ONE_LIVE)) {
        eddy__give_block(c, b);
    } else if (block_is_partial(b)) {
        eddy__pool_block(c, b);
    } else {
        EDDY_STORE_RELEASE(&b->state, BLOCK_FULL);
    }
}

static void sweep_chain(struct collector *c, uint32_t chain)
{
    while (chain != BLOCK_LINK_END) {
        struct block *b = &c->heap->blocks[chain - 1];
        chain = EDDY_LOAD_RELAXED(&b->next);
        sweep_block(c, b);
        c->applied++;
    }
}

static void sweep_large(struct collector *c, uint32_t chain)
{
    while (chain != BLOCK_LINK_END) {
        struct block *b = &c->heap->blocks[chain - 1];
        chain = EDDY_LOAD_RELAXED(&b->next);
        EDDY_SUB_RELAXED(&c->heap->unswept, b->bytes);
        if (b->live == 0)
            eddy__give_large(c, b);
        else
            b->swept = 1;
        c->applied++;
    }
}

void eddy__sweep_young(struct collector *c)
{
    HOOK(HOOK_STEP_SWEEP, NULL);
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next) {
        if (t->in_epoch != c->epoch)
            continue;
        struct handover *handover = &t->handover[c->epoch & 1];
        sweep_chain(c, handover->young);
        sweep_large(c, handover->large);
        handover->young = handover->large = BLOCK_LINK_END;
    }
}

#define MISPLACED_MOST 16u

static void sort_chain(struct collector *c, uint32_t chain)
{
    while (chain != BLOCK_LINK_END) {
        struct block *b = &c->heap->blocks[chain - 1];
        chain = EDDY_LOAD_RELAXED(&b->next);
        if (b->live == 0 || (MUTANT(MUTANT_GIVE_LIVE_BLOCK) && b->live < 2))
            eddy__give_block(c, b);
        else
            eddy__pool_block(c, b);
    }
}

/* Puts blocks where they belong when many have changed since they came into their pools: those without live
 * cells may then be used for any size. */
void eddy__sort_partial(struct collector *c)
{
    eddy_heap *heap = c->heap;
    for (unsigned slot = 0; slot < EDDY__SLOTS; slot++) {
        if (c->misplaced[slot] < MISPLACED_MOST && !(c->at_rest && c->misplaced[slot] != 0))
            continue;
        c->misplaced[slot] = 0;
        sort_chain(c, eddy__blocks_take_all(&heap->partial[slot]));
        sort_chain(c, eddy__blocks_take_all(&heap->sparse[slot]));
    }
}
