/* Verification: with all threads asleep and the logs applied, recomputes every count and all reachability
 * from the objects themselves and compares with what the collector knows. Names the first mismatch with
 * object, type and a path from a root. */
#include "collector/collector.h"

#include <stdio.h>
#include <string.h>

#include "collector/walk.h"

#define PATH_OBJECTS 6

struct verification {
    struct collector *c;
    eddy_verify_report *report;
    struct object_map degree; /* references found to each object */
    struct object_map parent; /* reached objects -> the object they were reached from, or 0 */
    struct vector work;
    void *object; /* whose edges are being visited */
    bool closed;  /* that object is permanent, and its fields may not be stored into */
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
    snprintf(text, room, "object %p of type %s: %s (found %llu, expected %llu); path: %p", object, name_of(v, object),
             what, (unsigned long long)found, (unsigned long long)expected, object);
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
    if (is_object(v, target, &b, &cell)) {
        eddy__map_get(&v->degree, target)->value++;
        if (v->closed && (b->counts[cell] & COUNT_MASK) != COUNT_PERMANENT)
            mismatch(v, v->object, "is permanent and refers to an object that is not", (uint64_t)(uintptr_t)target, 0);
    } else if (!eddy__is_foreign_permanent(v->c->heap, target))
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

/* What the collector holds itself: objects that wait for a decision, and decs in its own log. */
static void count_holds(struct verification *v)
{
    const struct attached *at = &v->c->attached;
    const struct vector *records[] = {&at->held, &at->due}, *own[] = {&at->own[0], &at->own[1]};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < records[k]->count; i++)
            eddy__map_get(&v->degree, ((struct object_record *)vector_at(records[k], i))->object)->value++;
        for (size_t i = 0; i < own[k]->count; i++)
            eddy__map_get(&v->degree, vector_at(own[k], i))->value++;
    }
}

static void count_root(void *context, void *object, uint64_t times, eddy_root_kind kind, const struct thread *thread,
                       const void *where)
{
    struct verification *v = context;
    (void)kind, (void)thread, (void)where;
    eddy__map_get(&v->degree, object)->value += times;
}

static void reach_root(void *context, void *object, uint64_t times, eddy_root_kind kind, const struct thread *thread,
                       const void *where)
{
    (void)times, (void)kind, (void)thread, (void)where;
    reach(context, object, NULL);
}

/* ---- objects ---- */

static void visit_edges(struct verification *v, void *object, edge_fn *edge)
{
    v->object = object;
    edges_each(v->c->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)), object, edge, v);
    v->closed = false; /* hidden fields may be stored into */
    eddy__hidden_each(v->c, object, edge, v);
}

static void count_object(void *context, struct block *b, uint32_t cell, void *object)
{
    struct verification *v = context;
    v->report->objects++;
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    if (!header_is_counted(header))
        mismatch(v, object, "has a count but is private", header >> EDDY__TAG_SHIFT, 0);
    bool permanent = (b->counts[cell] & COUNT_MASK) == COUNT_PERMANENT;
    if (permanent != header_is_permanent(header))
        mismatch(v, object, "header and count disagree on whether it is permanent", permanent, !permanent);
    v->closed = permanent && !type_of_header(v->c->heap, header)->mutable_fields;
    visit_edges(v, object, count_edge);
}

static void reach_permanent(void *context, struct block *b, uint32_t cell, void *object)
{
    if ((b->counts[cell] & COUNT_MASK) == COUNT_PERMANENT)
        reach(context, object, NULL);
}

static void compare_object(void *context, struct block *b, uint32_t cell, void *object)
{
    struct verification *v = context;
    const struct object_map_entry *entry = eddy__map_find(&v->degree, object);
    uint64_t expected = entry == NULL ? 0 : entry->value, found = eddy__count_of(v->c, b, cell, object);
    if (found < expected || (found > expected && found != UINT64_MAX && !v->c->heap->orphaned))
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
    eddy__walk_roots(v.c, reach_root, &v);
    eddy__walk_objects(v.c, reach_permanent, &v);
    while (v.work.count != 0)
        visit_edges(&v, vector_pop(&v.work), reach_edge);
    eddy__walk_roots(v.c, count_root, &v);
    for (size_t i = 0; i < v.c->decs.count; i++) /* releases that were put off still count */
        eddy__map_get(&v.degree, vector_at(&v.c->decs, i))->value++;
    count_holds(&v);
    eddy__walk_objects(v.c, count_object, &v);
    eddy__walk_objects(v.c, compare_object, &v);
    eddy__vector_free(&v.work);
    eddy__map_free(&v.parent);
    eddy__map_free(&v.degree);
    pthread_mutex_unlock(&heap->registry_lock);
    pthread_mutex_unlock(&heap->collector_lock);
    return report->mismatches == 0 ? EDDY_OK : EDDY_ECORRUPT;
}
