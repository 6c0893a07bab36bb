/* Step 3 of an epoch: the young sweep. Every object born in or before the epoch that is still private is
 * dead, cyclic or not; nothing is done per object, because a block's dead cells are those whose count byte
 * is zero, and the block knows how many are not. Keeps I8: a block is allocated into again only from here on. */
#include "collector/state.h"

/* A search for cycles that is under way may have numbered its cells; all of those nodes are erased. */
static void drop_aux(struct collector *c, struct block *b)
{
    if (b->aux == NULL)
        return;
    eddy__internal_free(c->heap, b->aux, b->cells * sizeof *b->aux);
    b->aux = NULL;
}

void eddy__give_block(struct collector *c, struct block *b)
{
    drop_aux(c, b);
    eddy__block_give(c->heap, b);
}

void eddy__give_large(struct collector *c, struct block *b)
{
    drop_aux(c, b);
    eddy__large_give(c->heap, b);
}

static void sweep_block(struct collector *c, struct block *b)
{
    eddy_heap *heap = c->heap;
    EDDY_SUB_RELAXED(&heap->unswept, b->bytes);
    if (b->live == 0) {
        eddy__give_block(c, b);
    } else if (b->live <= b->cells - b->cells / 4 && b->live < b->cells) {
        EDDY_STORE_RELEASE(&b->state, BLOCK_PARTIAL);
        eddy__blocks_push(heap, &heap->partial[b->kind * EDDY__CLASSES + b->size_class], b);
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

/* Takes blocks without live cells out of the pools of partly free ones, so that any size may use them. */
void eddy__sort_partial(struct collector *c)
{
    eddy_heap *heap = c->heap;
    for (unsigned slot = 0; slot < EDDY__SLOTS; slot++) {
        if (!c->partial_empty[slot])
            continue;
        c->partial_empty[slot] = false;
        uint32_t chain = eddy__blocks_take_all(&heap->partial[slot]);
        while (chain != BLOCK_LINK_END) {
            struct block *b = &heap->blocks[chain - 1];
            chain = EDDY_LOAD_RELAXED(&b->next);
            if (b->live == 0)
                eddy__give_block(c, b);
            else
                eddy__blocks_push(heap, &heap->partial[slot], b);
        }
    }
}
