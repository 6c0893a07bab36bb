/* Making objects permanent (design, section 7). The count becomes COUNT_PERMANENT, which nothing changes any more, and
 * after the counts of the whole closure the headers say so, from where on the mutators push no incs. Between epochs only,
 * under collector_lock: no dec is applied meanwhile, and whoever has seen a header has it seen after the count.
 * References in fields of permanent objects have been counted like all others (I3); these counts stay, so that even
 * what a store slipped into the closure while it was walked is kept. Permanent objects are never nodes of a search
 * for cycles, and a candidate with a member that becomes permanent fails. */
#include "collector/collector.h"
#include "collector/walk.h"

static bool is_permanent(const struct block *b, uint32_t cell)
{
    return (b->counts[cell] & COUNT_MASK) == COUNT_PERMANENT;
}

/* The object has a count. */
static void stick(struct collector *c, void *object, struct block *b, uint32_t cell)
{
    unsigned byte = b->counts[cell];
    if ((byte & COUNT_MASK) == COUNT_PERMANENT || MUTANT(MUTANT_PERMANENT_COUNTED))
        return;
    if ((byte & COUNT_MASK) == COUNT_OVERFLOW)
        eddy__map_remove(&c->overflow, eddy__map_find(&c->overflow, object));
    cycle_erase(c, b, cell);
    EDDY_STORE_RELAXED(&b->counts[cell], COUNT_PERMANENT);
    STAT_ADD(c->stats.permanent_objects, 1);
    STAT_ADD(c->stats.permanent_bytes, b->cell ? b->cell : b->bytes);
}

static void set_header(void *object)
{
    if (!header_is_permanent(EDDY_LOAD_RELAXED(eddy__header(object)))) /* else it is not written again */
        __atomic_fetch_or(eddy__header(object), EDDY__HEADER_PERMANENT, __ATOMIC_RELEASE);
}

void eddy__born_permanent(struct collector *c, void *object)
{
    struct block *b = block_of(c->heap, object);
    uint32_t cell = cell_number(b, object);
    if (!is_permanent(b, cell))
        count_inc(c, object, true);
    stick(c, object, b, cell);
}

/* ---- the closure of an object ---- */

struct closure {
    struct collector *c;
    struct vector objects; /* in the order in which they were met; each has been given a count of its own */
    struct object_map seen;
    bool failed;
};

static void add(struct closure *closure, void *object)
{
    struct collector *c = closure->c;
    struct block *b = block_of(c->heap, object);
    if (closure->failed || is_permanent(b, cell_number(b, object)) || eddy__map_find(&closure->seen, object) != NULL)
        return;
    struct vector *v = &closure->objects;
    if (v->count == v->room && !eddy__vector_grow(v)) {
        closure->failed = true;
        return;
    }
    vector_push(v, object);
    eddy__map_get(&closure->seen, object);
    count_inc(c, object, false);
}

static void add_edge(void *context, void *const *slot)
{
    struct closure *closure = context;
    void *target = EDDY_LOAD_ACQUIRE(slot);
    if (heap_contains(closure->c->heap, target))
        add(closure, target);
}

static void walk(struct closure *closure)
{
    struct collector *c = closure->c;
    for (size_t i = 0; i < closure->objects.count && !closure->failed; i++) {
        void *object = vector_at(&closure->objects, i);
        eddy__promote_all(c);
        uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
        if (!type_of_header(c->heap, header)->mutable_fields && !MUTANT(MUTANT_PERMANENT_SHALLOW))
            edges_each(c->heap, header, object, add_edge, closure);
    }
    eddy__promote_all(c);
}

eddy_status eddy__collector_make_permanent(eddy_heap *heap, void *object)
{
    struct collector *c = heap->collector;
    struct closure closure = {.c = c};
    pthread_mutex_lock(&heap->collector_lock);
    eddy__vector_init(&closure.objects, heap, sizeof(void *));
    eddy__map_init(&closure.seen, heap);
    add(&closure, object);
    walk(&closure);
    const struct vector *v = &closure.objects;
    for (size_t i = 0; i < v->count; i++) {
        void *member = vector_at(v, i);
        if (closure.failed) { /* its count of our own is taken back in the next epoch */
            vector_push(&c->decs, member);
            continue;
        }
        struct block *b = block_of(heap, member);
        stick(c, member, b, cell_number(b, member));
    }
    for (size_t i = 0; i < v->count && !closure.failed; i++)
        set_header(vector_at(v, i));
    STAT_SET(c->stats.live_bytes, c->counted_bytes);
    STAT_SET(c->stats.live_objects, c->counted_objects);
    eddy__vector_free(&closure.objects);
    eddy__map_free(&closure.seen);
    pthread_mutex_unlock(&heap->collector_lock);
    return closure.failed ? EDDY_ENOMEM : EDDY_OK;
}

/* ---- the whole heap ---- */

static void stick_object(void *context, struct block *b, uint32_t cell, void *object)
{
    stick(context, object, b, cell);
}

static void set_object_header(void *context, struct block *b, uint32_t cell, void *object)
{
    (void)context, (void)b, (void)cell;
    set_header(object);
}

bool eddy__collector_freeze(eddy_heap *heap)
{
    struct collector *c = heap->collector;
    pthread_mutex_lock(&heap->collector_lock);
    bool at_rest = c->at_rest && !c->begun && c->decs.count == 0;
    if (at_rest) {
        eddy__walk_objects(c, stick_object, c);
        eddy__walk_objects(c, set_object_header, c);
    }
    pthread_mutex_unlock(&heap->collector_lock);
    return at_rest;
}
