/* Walking the heap between epochs; see walk.h. */
#include "collector/walk.h"

#include "runtime/heap/fiber.h"

void eddy__walk_objects(struct collector *c, walk_object_fn *visit, void *context)
{
    eddy_heap *heap = c->heap;
    uint32_t touched = EDDY_LOAD_RELAXED(&heap->blocks_touched);
    for (uint32_t n = 0; n < touched; n++) {
        struct block *b = &heap->blocks[n];
        enum block_state state = block_state_of(b);
        if (state != BLOCK_YOUNG && state != BLOCK_PARTIAL && state != BLOCK_FULL && state != BLOCK_LARGE)
            continue;
        for (uint32_t cell = 0; cell < b->cells; cell++) {
            unsigned count = b->counts[cell] & COUNT_MASK;
            if (count != 0 && count != COUNT_DYING)
                visit(context, b, cell, cell_object(heap, b, cell));
        }
    }
}

static void visit_listed(const struct root_list *list, size_t from, size_t to, eddy_root_kind kind,
                         const struct thread *t, walk_root_fn *visit, void *context)
{
    for (size_t i = from; i < to; i++)
        if (list->objects[i] != 0)
            visit(context, (void *)list->objects[i], 1, kind, t, NULL);
}

void eddy__walk_roots(struct collector *c, walk_root_fn *visit, void *context)
{
    eddy_heap *heap = c->heap;
    unsigned parity = EDDY_LOAD_RELAXED(&heap->processed) & 1;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&heap->threads); t != NULL; t = t->next) {
        const struct root_list *list = &t->accepted[parity];
        size_t exact = list->exact < list->count ? list->exact : list->count;
        visit_listed(list, exact, list->count, EDDY_ROOT_STACK, t, visit, context);
        visit_listed(list, 0, exact, EDDY_ROOT_HANDLE, t, visit, context);
        visit_listed(&t->stable, 0, t->stable.count, EDDY_ROOT_HANDLE, t, visit, context);
    }
    for (const struct eddy_fiber *fiber = heap->fibers; fiber != NULL; fiber = fiber->next)
        visit_listed(&fiber->accepted[parity], 0, fiber->accepted[parity].count, EDDY_ROOT_FIBER, NULL, visit, context);
    for (const struct root_slot *r = heap->root_slots; r != NULL; r = r->next)
        if (EDDY_LOAD_ACQUIRE(r->slot) != NULL)
            visit(context, EDDY_LOAD_ACQUIRE(r->slot), 1, EDDY_ROOT_SLOT, NULL, r->slot);
    for (const eddy_finalizer_queue *q = heap->finalizer_queues; q != NULL; q = q->next)
        for (const struct finalizer *e = EDDY_LOAD_ACQUIRE(&q->head->next); e != NULL; e = EDDY_LOAD_ACQUIRE(&e->next))
            visit(context, e->object, 1, EDDY_ROOT_FINALIZER, NULL, NULL);
    for (size_t i = 0; i < c->pins.room; i++)
        if (c->pins.entries[i].object != NULL)
            visit(context, c->pins.entries[i].object, 1, EDDY_ROOT_PINNED, NULL, NULL);
    for (size_t i = 0; i < c->retained.room; i++)
        if (c->retained.entries[i].object != NULL)
            visit(context, c->retained.entries[i].object, c->retained.entries[i].value, EDDY_ROOT_RETAINED, NULL, NULL);
}
