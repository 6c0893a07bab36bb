/* The death of objects that have something attached (design, section 6). An object whose count reaches zero is first
 * decided on by its weak cell (weak.c); then its finalizers are queued, which keeps it; only when there are none left does
 * it die, and what was attached to it ends. Also the collector's own log of decs, which like every other is applied one
 * epoch late. Keeps I5 and I8 (what waits has a count of one). */
#include "collector/collector.h"
#include "collector/walk.h"
#include "runtime/heap/events.h"

#include <stdlib.h>

void eddy__attached_create(struct collector *c)
{
    struct attached *at = &c->attached;
    struct vector *all[] = {&at->held, &at->due, &at->own[0], &at->own[1], &at->cells, &at->finalizers};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        eddy__vector_init(all[i], c->heap, sizeof(void *));
}

void eddy__attached_destroy(struct collector *c)
{
    struct attached *at = &c->attached;
    struct vector *all[] = {&at->held, &at->due, &at->own[0], &at->own[1], &at->cells, &at->finalizers};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        eddy__vector_free(all[i]);
}

bool eddy__attached_at_rest(const struct collector *c)
{
    const struct attached *at = &c->attached;
    return at->held.count == 0 && at->due.count == 0 && at->own[0].count == 0 && at->own[1].count == 0
           && EDDY_LOAD_RELAXED(&c->heap->dropped_edges) == NULL;
}

/* ---- the collector's own log ---- */

void eddy__own_dec(struct collector *c, void *object)
{
    vector_push(&c->attached.own[c->epoch & 1], object);
}

/* Before step 2: the decs of the epoch before are due. */
void eddy__attached_begin(struct collector *c)
{
    struct attached *at = &c->attached;
    struct vector held = at->held, *own = &at->own[(c->epoch & 1) ^ 1];
    at->held = at->due; /* empty */
    at->due = held;
    for (size_t i = 0; i < own->count; i++)
        vector_push(&c->decs, vector_at(own, i));
    own->count = 0;
    eddy__vector_trim(own);
    eddy__hidden_begin(c);
}

/* ---- records ---- */

struct object_record *eddy__attachment(const struct collector *c, const void *object)
{
    if ((EDDY_LOAD_RELAXED(eddy__header(object)) & HEADER_ATTACHED) == 0)
        return NULL;
    return attachment_find(c->heap, object);
}

static void unlink_record(struct collector *c, struct object_record *a)
{
    struct object_record **link = attachment_chain(c->heap, a->object), *head = a;
    struct object_record *next = EDDY_LOAD_RELAXED(&a->next);
    if (EDDY_CAS_ACQ_REL(link, &head, next))
        return;
    while (head != a) { /* links behind the head are nobody else's */
        link = &head->next;
        head = EDDY_LOAD_RELAXED(link);
    }
    EDDY_STORE_RELEASE(link, next);
}

void eddy__attachment_end(struct collector *c, struct object_record *a)
{
    eddy_heap *heap = c->heap;
    uint64_t external = EDDY_LOAD_RELAXED(&a->external);
    if (external != 0 && !MUTANT(MUTANT_EXTERNAL_KEPT)) {
        EDDY_SUB_RELAXED(&heap->external, external);
        eddy__discharge_objects(heap, external);
    }
    eddy_weak *owned = EDDY_LOAD_ACQUIRE(&a->owned);
    if (owned != NULL)
        eddy__weak_release(owned);
    struct table *table = EDDY_LOAD_ACQUIRE(&a->table);
    if (table != NULL)
        eddy__table_end(table);
    eddy__hidden_end(a);
    unlink_record(c, a);
    EDDY_SUB_RELAXED(&heap->attached_objects, 1);
    eddy__retire(heap, a);
}

/* ---- finalizers ---- */

static int by_group_and_number(const void *x, const void *y)
{
    const struct finalizer *a = *(struct finalizer *const *)x, *b = *(struct finalizer *const *)y;
    if (a->group != b->group)
        return a->group > b->group ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

static void enqueue(struct collector *c, struct finalizer *f)
{
    struct eddy_finalizer_queue *queue = f->queue;
    EDDY_STORE_RELAXED(&f->next, NULL);
    EDDY_ADD_SEQ_CST(&queue->pending, 1);
    EDDY_STORE_RELEASE(&queue->tail->next, f);
    queue->tail = f;
    EDDY_ADD_SEQ_CST(&queue->posted, 1);
    if (EDDY_LOAD_SEQ_CST(&queue->waiters) != 0)
        eddy__os_wake(&queue->posted);
    STAT_ADD(c->stats.finalizers_queued, 1);
    EVENT(c->heap, finalizer_queued, f->object);
}

bool eddy__finalizers_gather(struct collector *c, struct object_record *a)
{
    struct finalizer *list = EDDY_EXCHANGE_ACQ_REL(&a->finalizers, NULL);
    uint64_t first = UINT64_MAX;
    for (const struct finalizer *f = list; f != NULL; f = EDDY_LOAD_RELAXED(&f->next))
        first = f->number < first ? f->number : first;
    for (struct finalizer *f = list; f != NULL; f = EDDY_LOAD_RELAXED(&f->next)) {
        f->group = MUTANT(MUTANT_FINALIZERS_MIXED) ? 0 : first; /* those of one object come one after the other */
        vector_push(&c->attached.finalizers, f);
    }
    return list != NULL;
}

void eddy__finalizers_queue(struct collector *c, bool have_one)
{
    struct vector *v = &c->attached.finalizers;
    if (v->count == 0)
        return;
    qsort(v->items, v->count, sizeof(void *), by_group_and_number);
    for (size_t i = 0; i < v->count; i++)
        if (!(have_one && i == 0))
            count_inc(c, ((struct finalizer *)vector_at(v, i))->object, true);
    for (size_t i = 0; i < v->count; i++)
        enqueue(c, vector_at(v, i));
    v->count = 0;
}

static void gather_of(void *context, struct block *b, uint32_t cell, void *object)
{
    (void)cell;
    struct object_record *a = EDDY_LOAD_RELAXED(&b->attached) ? eddy__attachment(context, object) : NULL;
    if (a != NULL)
        eddy__finalizers_gather(context, a);
}

void eddy__collector_finalize_all(eddy_heap *heap)
{
    struct collector *c = heap->collector;
    pthread_mutex_lock(&heap->collector_lock);
    eddy__walk_objects(c, gather_of, c);
    for (size_t i = 0; i < c->attached.finalizers.count; i++)
        ((struct finalizer *)vector_at(&c->attached.finalizers, i))->group = 0;
    eddy__finalizers_queue(c, false);
    pthread_mutex_unlock(&heap->collector_lock);
}

/* ---- count zero ---- */

static void give_up(void *context, void *const *slot)
{
    struct collector *c = context;
    void *value = EDDY_LOAD_RELAXED(slot);
    if (value != NULL && !MUTANT(MUTANT_EDGE_UNRELEASED))
        vector_push(&c->decs, value);
}

bool eddy__attached_dies(struct collector *c, struct block *b, void *object)
{
    struct object_record *a = eddy__attachment(c, object);
    if (a == NULL)
        return true;
    if (!eddy__weak_decided(c, a)) {
        cycle_touch(c, b, cell_number(b, object), false); /* the hold is a reference that no test knows of */
        vector_push(&c->attached.held, a);
        return false;
    }
    if (eddy__finalizers_gather(c, a)) {
        eddy__finalizers_queue(c, true); /* the count of one is the first entry's */
        return false;
    }
    eddy__hidden_each(c, object, give_up, c);
    eddy__attachment_end(c, a);
    return true;
}
