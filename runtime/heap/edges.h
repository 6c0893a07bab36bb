/* Enumerating the reference fields of an object: the one way in which promotion, release, cycle search
 * and verification see edges, so that all of them see the same ones (design, section 5). Each slot
 * is read once, atomically. Any thread that may look at the object. */
#ifndef EDDY_RUNTIME_HEAP_EDGES_H
#define EDDY_RUNTIME_HEAP_EDGES_H

#include "runtime/heap/heap.h"

typedef void edge_fn(void *context, void *const *slot);

struct eddy_visitor {
    edge_fn *edge;
    void *context;
    const eddy_heap *heap;
    const struct tagged *tagged; /* NULL: the fields are pointers */
};

/* What `edge` gets of a word: a copy, decoded, and where the word is. */
struct decoded_edge {
    void *object; /* `slot` points here */
    void *const *field;
};

/* Where in its object, whose type this is, the reference is that `edge` has got. */
static inline void *const *edges_field(const struct type *type, void *const *slot)
{
    return type->tagged != NULL ? ((const struct decoded_edge *)(const void *)slot)->field : slot;
}

/* edges.c: the object that a word refers to, or NULL. */
void *eddy__tagged_object(const eddy_heap *heap, const struct tagged *tagged, uintptr_t word);
/* The edges of an object of a type with an encoding (see struct decoded_edge) or a trace callback. */
void eddy__edges_special(const eddy_heap *heap, const struct type *type, const void *object, edge_fn *edge, void *context);

/* Length of the tail, bounded by what the cell can hold, so that a damaged length leads nowhere else. */
static inline size_t edges_tail_length(const eddy_heap *heap, const struct type *type, const void *object)
{
    size_t length = EDDY_LOAD_RELAXED((const size_t *)(const void *)((const char *)object + type->length_offset));
    size_t most = (object_bytes(block_of(heap, object)) - type->size) / sizeof(void *);
    return length < most ? length : most;
}

/* Number of reference fields that an object of a type without trace callback has. */
static inline size_t edges_count(const eddy_heap *heap, const struct type *type, const void *object)
{
    if (type->tagged != NULL)
        return type->tagged->offset_count + (type->tagged->tail ? edges_tail_length(heap, type, object) : 0);
    return type->offset_count + (type->tail == EDDY_TAIL_REFS ? edges_tail_length(heap, type, object) : 0);
}

/* Calls edge(context, slot) for each reference field of `object`, whose header is `header`. */
__attribute__((always_inline)) static inline void edges_each(const eddy_heap *heap, uint64_t header, const void *object,
                                                             edge_fn *edge, void *context)
{
    const struct type *type = type_of_header(heap, header);
    for (uint32_t i = 0; i < type->offset_count; i++)
        edge(context, (void *const *)(const void *)((const char *)object + type->offsets[i]));
    if (type->tail == EDDY_TAIL_REFS) {
        void *const *slots = (void *const *)(const void *)((const char *)object + type->size);
        size_t length = edges_tail_length(heap, type, object);
        for (size_t i = 0; i < length; i++)
            edge(context, slots + i);
    } else if (type->special) {
        eddy__edges_special(heap, type, object, edge, context);
    }
}

#endif
