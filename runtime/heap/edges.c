/* Edges that are not pointers at fixed places: words that encode references, fields that a trace callback visits; see
 * edges.h. */
#include "runtime/heap/edges.h"

/* The object in which a byte lies; the cell is live. */
static void *object_around(const eddy_heap *heap, const char *p)
{
    const struct block *b = block_of(heap, p);
    if (block_state_of(b) == BLOCK_LARGE_REST)
        b = &heap->blocks[EDDY_LOAD_RELAXED(&b->next)];
    uint32_t cell_bytes = EDDY_LOAD_RELAXED(&b->cell);
    if (cell_bytes == 0)
        return cell_object(heap, b, 0);
    size_t offset = (size_t)(p - block_start(heap, b)) - BLOCK_FIRST_CELL - EDDY__HEADER_SIZE;
    return cell_object(heap, b, (uint32_t)(offset / cell_bytes));
}

void *eddy__tagged_object(const eddy_heap *heap, const struct tagged *tagged, uintptr_t word)
{
    void *p = eddy_decode(&tagged->encoding, word);
    if (!heap_contains(heap, p))
        return NULL;
    return tagged->encoding.flags & EDDY_ENCODING_INTERIOR ? object_around(heap, p) : p;
}

static void tagged_edge(const struct eddy_visitor *visitor, void *const *slot)
{
    uintptr_t word = (uintptr_t)EDDY_LOAD_ACQUIRE(slot);
    struct decoded_edge decoded = {eddy__tagged_object(visitor->heap, visitor->tagged, word), slot};
    visitor->edge(visitor->context, &decoded.object);
}

void eddy_visit(eddy_visitor *visitor, void *const *field)
{
    if (visitor->tagged != NULL)
        tagged_edge(visitor, field);
    else
        visitor->edge(visitor->context, field);
}

void eddy__edges_special(const eddy_heap *heap, const struct type *type, const void *object, edge_fn *edge, void *context)
{
    struct eddy_visitor visitor = {.edge = edge, .context = context, .heap = heap, .tagged = type->tagged};
    if (type->trace != NULL) {
        type->trace(object, &visitor);
        return;
    }
    for (uint32_t i = 0; i < type->tagged->offset_count; i++)
        tagged_edge(&visitor, (void *const *)(const void *)((const char *)object + type->offsets[i]));
    if (!type->tagged->tail)
        return;
    void *const *slots = (void *const *)(const void *)((const char *)object + type->size);
    size_t length = edges_tail_length(heap, type, object);
    for (size_t i = 0; i < length; i++)
        tagged_edge(&visitor, slots + i);
}
