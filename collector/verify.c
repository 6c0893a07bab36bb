/* Verification: with all threads asleep and the logs applied, recomputes every count and all reachability
 * from the objects themselves and compares with what the collector knows. Names the first mismatch with
 * object, type and a path from a root. */
#include "collector/collector.h"

#include <stdio.h>
#include <string.h>

#include "collector/state.h"
#include "runtime/heap/fiber.h"

#define PATH_OBJECTS 6

struct verification {
    struct collector *c;
    eddy_verify_report *report;
    struct object_map degree; /* references found to each object */
    struct object_map parent; /* reached objects -> the object they were reached from, or 0 */
    struct vector work;
    void *object;             /* whose edges are being visited */
};

static const char *name_of(const struct verification *v, const void *object)
{
    return type_of_header(v->c->heap, EDDY_LOAD_RELAXED(eddy__header(object)))->name;
}

static bool is_object(const struct verification *v, const void *p, struct block **b, uint32_t *cell)
{
    return heap_contains(v->c->heap, p) && eddy__is_counted_object(v->c->heap, p, b, cell);
}

/* Appends the path by which `object` is reached: its type, that of its referrer, and so on. */
static void append_path(const struct verification *v, char *text, size_t room, const void *object)
{
    size_t used = strlen(text);
    for (int steps = 0; steps < PATH_OBJECTS && used + 64 < room; steps++) {
        const struct object_map_entry *entry = eddy__map_find(&v->parent, object);
        if (entry == NULL || entry->value == 0) {
            snprintf(text + used, room - used, entry == NULL ? " <- (unreachable)" : " <- root");
            return;
        }
        object = (const void *)(uintptr_t)entry->value;
        used += (size_t)snprintf(text + used, room - used, " <- %s %p", name_of(v, object), object);
    }
}

static void mismatch(struct verification *v, const void *object, const char *what, uint64_t found, uint64_t expected)
{
    if (v->report->mismatches++ != 0)
        return;
    char *text = v->report->message;
    size_t room = sizeof v->report->message;
    snprintf(text, room, "object %p of type %s: %s (found %llu, expected %llu); path: %p", object,
             name_of(v, object), what, (unsigned long long)found, (unsigned long long)expected, object);
    append_path(v, text, room, object);
}

/* ---- edges and roots ---- */

static void count_edge(void *context, void *const *slot)
{
    struct verification *v = context;
    void *target = EDDY_LOAD_ACQUIRE(slot);
    struct block *b;
    uint32_t cell;
    if (target == NULL)
        return;
    v->report->references++;
    if (is_object(v, target, &b, &cell))
        eddy__map_get(&v->degree, target)->value++;
    else
        mismatch(v, v->object, "refers to an address that is no live object", (uint64_t)(uintptr_t)target, 0);
}

static void reach(struct verification *v, void *object, const void *from)
{
    struct block *b;
    uint32_t cell;
    if (object == NULL || !is_object(v, object, &b, &cell) || eddy__map_find(&v->parent, object) != NULL)
        return;
    eddy__map_get(&v->parent, object)->value = (uint64_t)(uintptr_t)from;
    vector_push(&v->work, object);
}

static void reach_edge(void *context, void *const *slot)
{
    struct verification *v = context;
    reach(v, EDDY_LOAD_ACQUIRE(slot), v->object);
}

typedef void root_fn(struct verification *v, void *object, uint64_t times);

static void each_listed(struct verification *v, const struct root_list *list, root_fn *f)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->objects[i] != 0)
            f(v, (void *)list->objects[i], 1);
}

static void each_root(struct verification *v, root_fn *f)
{
    eddy_heap *heap = v->c->heap;
    unsigned parity = EDDY_LOAD_RELAXED(&heap->processed) & 1;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&heap->threads); t != NULL; t = t->next) {
        each_listed(v, &t->accepted[parity], f);
        each_listed(v, &t->stable, f);
    }
    for (const struct eddy_fiber *fiber = heap->fibers; fiber != NULL; fiber = fiber->next)
        each_listed(v, &fiber->accepted[parity], f);
    for (const struct root_slot *r = heap->root_slots; r != NULL; r = r->next)
        if (EDDY_LOAD_ACQUIRE(r->slot) != NULL)
            f(v, EDDY_LOAD_ACQUIRE(r->slot), 1);
    for (size_t i = 0; i < v->c->pins.room; i++)
        if (v->c->pins.entries[i].object != NULL)
            f(v, v->c->pins.entries[i].object, 1);
    for (size_t i = 0; i < v->c->retained.room; i++)
        if (v->c->retained.entries[i].object != NULL)
            f(v, v->c->retained.entries[i].object, v->c->retained.entries[i].value);
}

static void count_root(struct verification *v, void *object, uint64_t times)
{
    eddy__map_get(&v->degree, object)->value += times;
}

static void reach_root(struct verification *v, void *object, uint64_t times)
{
    (void)times;
    reach(v, object, NULL);
}

/* ---- objects ---- */

typedef void object_fn(struct verification *v, struct block *b, uint32_t cell, void *object);

static void each_object(struct verification *v, object_fn *f)
{
    eddy_heap *heap = v->c->heap;
    uint32_t touched = EDDY_LOAD_RELAXED(&heap->blocks_touched);
    for (uint32_t n = 0; n < touched; n++) {
        struct block *b = &heap->blocks[n];
        enum block_state state = block_state_of(b);
        if (state != BLOCK_YOUNG && state != BLOCK_PARTIAL && state != BLOCK_FULL && state != BLOCK_LARGE)
            continue;
        for (uint32_t cell = 0; cell < b->cells; cell++) {
            unsigned count = b->counts[cell] & COUNT_MASK;
            if (count != 0 && count != COUNT_DYING)
                f(v, b, cell, cell_object(heap, b, cell));
        }
    }
}

static void visit_edges(struct verification *v, void *object, edge_fn *edge)
{
    v->object = object;
    edges_each(v->c->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)), object, edge, v);
}

static void count_object(struct verification *v, struct block *b, uint32_t cell, void *object)
{
    (void)b, (void)cell;
    v->report->objects++;
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    if (!header_is_counted(header))
        mismatch(v, object, "has a count but is private", header >> EDDY__TAG_SHIFT, 0);
    visit_edges(v, object, count_edge);
}

static void compare_object(struct verification *v, struct block *b, uint32_t cell, void *object)
{
    const struct object_map_entry *entry = eddy__map_find(&v->degree, object);
    uint64_t expected = entry == NULL ? 0 : entry->value, found = eddy__count_of(v->c, b, cell, object);
    if (found != expected)
        mismatch(v, object, "count differs from the number of references", found, expected);
    if (eddy__map_find(&v->parent, object) == NULL)
        v->report->unreachable++;
}

eddy_status eddy__collector_verify(eddy_heap *heap, eddy_verify_report *report)
{
    struct verification v = {.c = heap->collector, .report = report};
    memset(report, 0, sizeof *report);
    pthread_mutex_lock(&heap->collector_lock);
    pthread_mutex_lock(&heap->registry_lock);
    eddy__map_init(&v.degree, heap);
    eddy__map_init(&v.parent, heap);
    eddy__vector_init(&v.work, heap, sizeof(void *));
    each_root(&v, reach_root);
    while (v.work.count != 0)
        visit_edges(&v, vector_pop(&v.work), reach_edge);
    each_root(&v, count_root);
    for (size_t i = 0; i < v.c->decs.count; i++) /* releases that were put off still count */
        count_root(&v, vector_at(&v.c->decs, i), 1);
    each_object(&v, count_object);
    each_object(&v, compare_object);
    eddy__vector_free(&v.work);
    eddy__map_free(&v.parent);
    eddy__map_free(&v.degree);
    pthread_mutex_unlock(&heap->registry_lock);
    pthread_mutex_unlock(&heap->collector_lock);
    return report->mismatches == 0 ? EDDY_OK : EDDY_ECORRUPT;
}
