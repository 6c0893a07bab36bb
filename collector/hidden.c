/* Hidden fields, the collector's side (design, section 6): how they are enumerated, and how they end. Only the
 * collector takes them out of the lists of their keys. One that is dropped while its key lives is a store of NULL into
 * that key by the collector: the dec goes into its own log (I5), for a thread may just have loaded the value; and as no
 * mutator touches anything, the delta test of a candidate that has the value must be failed by hand. */
#include "collector/state.h"

void eddy__hidden_each(const struct collector *c, const void *object, edge_fn *edge, void *context)
{
    const struct object_record *a = eddy__attachment(c, object);
    if (a == NULL)
        return;
    for (hidden_edge *e = EDDY_LOAD_ACQUIRE(&a->edges); e != NULL; e = EDDY_LOAD_RELAXED(&e->next))
        edge(context, &e->value);
}

/* Sets `previous` in what has been inserted since the last time. */
static void complete_list(struct object_record *a)
{
    hidden_edge *before = NULL, *e = EDDY_LOAD_ACQUIRE(&a->edges);
    for (; e != NULL && !e->listed; e = EDDY_LOAD_RELAXED(&e->next)) {
        e->previous = before;
        e->listed = true;
        before = e;
    }
    if (e != NULL && before != NULL)
        e->previous = before;
}

static void unlink_edge(struct object_record *a, hidden_edge *e)
{
    complete_list(a);
    hidden_edge *next = EDDY_LOAD_RELAXED(&e->next), *head = e;
    if (e->previous == NULL && !EDDY_CAS_ACQ_REL(&a->edges, &head, next))
        complete_list(a); /* it is not the first one any more */
    if (e->previous != NULL)
        EDDY_STORE_RELAXED(&e->previous->next, next);
    if (next != NULL)
        next->previous = e->previous;
}

static void drop_value(struct collector *c, void *value)
{
    struct block *b = block_of(c->heap, value);
    if (!MUTANT(MUTANT_EDGE_NO_TOUCH))
        cycle_touch(c, b, cell_number(b, value), false);
    if (MUTANT(MUTANT_EDGE_NOW))
        vector_push(&c->decs, value);
    else
        eddy__own_dec(c, value);
}

static void drop(struct collector *c, hidden_edge *e)
{
    struct object_record *a = EDDY_LOAD_RELAXED(&e->owner);
    void *value = EDDY_EXCHANGE_ACQ_REL(&e->value, NULL);
    if (value != NULL)
        drop_value(c, value);
    if (a != NULL)
        unlink_edge(a, e);
    eddy__internal_free(c->heap, e, sizeof *e);
}

void eddy__hidden_begin(struct collector *c)
{
    /* what has been dropped was announced before */
    hidden_edge *dropped = EDDY_EXCHANGE_ACQ_REL(&c->heap->dropped_edges, NULL);
    hidden_edge *fresh = EDDY_EXCHANGE_ACQ_REL(&c->heap->fresh_edges, NULL);
    for (; fresh != NULL; fresh = fresh->fresh)
        if (EDDY_LOAD_RELAXED(&fresh->owner) != NULL && !MUTANT(MUTANT_EDGE_UNSEEN))
            EDDY_STORE_RELAXED(&block_of(c->heap, fresh->owner->object)->kind, KIND_CYCLIC);
    for (hidden_edge *next; dropped != NULL; dropped = next) {
        next = dropped->link;
        drop(c, dropped);
    }
}

void eddy__hidden_end(struct object_record *a)
{
    for (hidden_edge *e = EDDY_LOAD_ACQUIRE(&a->edges), *next; e != NULL; e = next) {
        next = EDDY_LOAD_RELAXED(&e->next);
        EDDY_STORE_RELAXED(&e->value, NULL);
        EDDY_STORE_RELEASE(&e->owner, NULL);
        eddy__table_notify(e);
    }
}
