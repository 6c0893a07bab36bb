/* See shapes.h. */
#include "tools/fuzz/shapes.h"

#include "tools/fuzz/program.h"

#define WIDE 33u
#define LARGE_BYTES 9000u

const struct shape fuzz_shapes[SHAPES_ALL] = {
    [SHAPE_NODE] = {"node", 40, 3, 16, false, 40, false},
    [SHAPE_LEAF] = {"leaf", 24, 0, 0, false, 4, false},
    [SHAPE_ARRAY] = {"array", 8, 0, 8, true, 5, false},
    [SHAPE_TAILED] = {"tailed", 40, 2, 24, true, 3, false},
    [SHAPE_ACYCLIC] = {"acyclic", 32, 2, 16, false, 2, false},
    [SHAPE_TRACED] = {"traced", 48, 4, 16, false, 3, false},
    [SHAPE_WIDE] = {"wide", 16 + WIDE * 8, WIDE, 16, false, 1, false},
    [SHAPE_LARGE] = {"large", 32 + LARGE_BYTES, 2, 16, false, 1, false},
    [SHAPE_WORDS] = {"words", 40, 3, 16, false, 3, false},
    [SHAPE_CELL] = {"cell", 32, 2, 16, false, 1, false},
    [SHAPE_WEAK] = {"weak reference", 0, 0, 0, false, 0, true},
    [SHAPE_TABLE] = {"table", 0, 0, 0, false, 0, true},
    [SHAPE_PURSE] = {"purse", 32, 1, 24, false, 0, true},
};

/* Low bit set: no reference; the three bits above it mean nothing. */
static const eddy_encoding encoding = {.test = 1, .value = 0, .address = ~(uintptr_t)15};

static void trace(const void *object, eddy_visitor *visitor)
{
    void *const *fields = (void *const *)(const void *)((const char *)object + fuzz_shapes[SHAPE_TRACED].first);
    for (uint32_t i = fuzz_shapes[SHAPE_TRACED].fields; i > 0; i--)
        eddy_visit(visitor, fields + i - 1);
}

bool shapes_register(eddy_heap *heap, const eddy_type **types)
{
    for (unsigned k = 0; k < SHAPES_ALL; k++) {
        const struct shape *s = &fuzz_shapes[k];
        if (s->size == 0)
            continue; /* of Eddy's own types */
        size_t offsets[WIDE];
        for (uint32_t i = 0; i < s->fields; i++)
            offsets[i] = s->first + i * sizeof(void *);
        eddy_type_desc desc = {.name = s->name, .size = s->size, .ref_offsets = offsets, .ref_count = s->fields};
        if (k == SHAPE_LEAF || k == SHAPE_ARRAY) {
            types[k] = k == SHAPE_LEAF ? eddy_type_bytes(heap) : eddy_type_array(heap);
            continue;
        }
        if (k == SHAPE_TAILED) {
            desc.tail = EDDY_TAIL_REFS;
            desc.length_offset = sizeof(struct shape_head);
        }
        if (k == SHAPE_ACYCLIC)
            desc.flags = EDDY_TYPE_ACYCLIC;
        if (k == SHAPE_TRACED) {
            desc.ref_count = 0;
            desc.trace = trace;
        }
        if (k == SHAPE_CELL)
            desc.flags = EDDY_TYPE_MUTABLE;
        if (k == SHAPE_PURSE)
            desc.flags = EDDY_TYPE_ARBITRATED;
        if (k == SHAPE_WORDS)
            desc.encoding = &encoding;
        if (eddy_type_register(heap, &desc, &types[k]) != EDDY_OK)
            return false;
    }
    return true;
}

void *shape_alloc(eddy_thread *t, const eddy_type *const *types, unsigned shape, size_t length)
{
    switch (shape) {
    case SHAPE_LEAF: return eddy_alloc_bytes(t, fuzz_shapes[SHAPE_LEAF].size);
    case SHAPE_ARRAY: return eddy_alloc_array(t, length);
    case SHAPE_TAILED: return eddy_alloc_tail(t, types[shape], length);
    case SHAPE_NODE: return eddy_alloc_sized(t, types[shape], 40);
    default: return eddy_alloc(t, types[shape]);
    }
}

static uint64_t canary_of(const void *object, uint32_t number)
{
    return fuzz_mix((uintptr_t)object ^ (uint64_t)number << 48);
}

void shape_stamp(void *object, unsigned shape, uint32_t number)
{
    struct shape_head *head = object;
    if (shape == SHAPE_ARRAY || fuzz_shapes[shape].opaque)
        return;
    head->canary = canary_of(object, number);
    head->number = number;
}

bool shape_is_intact(const void *object, unsigned shape, uint32_t number, size_t length)
{
    const struct shape_head *head = object;
    if (fuzz_shapes[shape].opaque)
        return true;
    if (shape == SHAPE_ARRAY)
        return ((const eddy_array *)object)->length == length;
    if (shape == SHAPE_TAILED && *(const size_t *)(const void *)(head + 1) != length)
        return false;
    return head->canary == canary_of(object, number) && head->number == number;
}

bool shape_is_copy(const void *copy, const void *object, unsigned shape, uint32_t number)
{
    const struct shape_head *head = copy;
    return shape == SHAPE_ARRAY || (head->canary == canary_of(object, number) && head->number == number);
}

void *shape_encode(unsigned shape, void *object, uint32_t salt)
{
    if (shape != SHAPE_WORDS)
        return object;
    return object == NULL ? (void *)(uintptr_t)(2 * salt + 1) : (void *)((uintptr_t)object | salt % 8 * 2);
}

void *shape_decode(unsigned shape, const void *word)
{
    return shape == SHAPE_WORDS ? eddy_decode(&encoding, (uintptr_t)word) : (void *)(uintptr_t)word;
}

void **shape_fields(void *object, unsigned shape)
{
    return (void **)(void *)((char *)object + fuzz_shapes[shape].first);
}
