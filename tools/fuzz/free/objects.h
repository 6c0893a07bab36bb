/* The free-running mode, part 2: objects that can be told from each other. Every object carries a canary
 * computed from its address and its identity, a color, its owner, and payload words that follow from the
 * canary. Arrays of the built-in type have no room for that: their slot 0 holds a leaf that stands for them. */
#ifndef EDDY_FUZZ_FREE_OBJECTS_H
#define EDDY_FUZZ_FREE_OBJECTS_H

#include "tools/fuzz/free/base.h"

struct head {
    uint64_t canary;
    uint64_t id;
    uint32_t slots; /* reference slots that operations may use */
    uint32_t index; /* in the owner's shadows */
    uint32_t owner; /* who writes its slots; OWNER_SHARED: anyone */
    uint16_t first; /* offset of the slots */
    uint8_t shape;
    uint8_t color;
};

enum { SHAPE_BYTES, SHAPE_ARRAY, SHAPE_TAG, SHAPE_STACK, SHAPE_ACYCLIC, SHAPE_FIRST };
enum { FIRST_SLOT = sizeof(struct head), LENGTH_AT = sizeof(struct head), FIRST_SLOT_TAILED = LENGTH_AT + 8 };

struct shape {
    const char *name;
    uint32_t size; /* fixed part */
    uint16_t refs; /* in the fixed part, one after the other */
    uint8_t tail;
    uint8_t element;
    bool traced;
    uint8_t weight; /* how often it is chosen */
};

static const struct shape shapes[] = {
    [SHAPE_BYTES] = {"bytes", 0, 0, 0, 0, false, 4},
    [SHAPE_ARRAY] = {"array", 8, 0, EDDY_TAIL_REFS, 0, false, 6},
    [SHAPE_TAG] = {"tag", 48, 0, 0, 0, false, 0},
    [SHAPE_STACK] = {"stack", 48, 1, 0, 0, false, 0},
    [SHAPE_ACYCLIC] = {"acyclic", 64, 2, 0, 0, false, 2},
    [SHAPE_FIRST] = {"pair", 48, 2, 0, 0, false, 12},
    {"sized", 64, 3, 0, 0, false, 8},
    {"node4", 96, 4, 0, 0, false, 6},
    {"node7", 152, 7, 0, 0, false, 3},
    {"node2 with 200 bytes", 200, 2, 0, 0, false, 2},
    {"node3 with 800 bytes", 800, 3, 0, 0, false, 1},
    {"node5 with 5000 bytes", 5000, 5, 0, 0, false, 1},
    {"node2 with 9000 bytes", 9000, 2, 0, 0, false, 1},
    {"node31", 32 + 31 * 8, 31, 0, 0, false, 1},
    {"node32", 32 + 32 * 8, 32, 0, 0, false, 1},
    {"node40", 32 + 40 * 8, 40, 0, 0, false, 1},
    {"leaf", 40, 0, 0, 0, false, 4},
    {"leaf with 300 bytes", 304, 0, 0, 0, false, 2},
    {"leaf with 20000 bytes", 20000, 0, 0, 0, false, 1},
    {"vector", 40, 0, EDDY_TAIL_REFS, 0, false, 6},
    {"vector with 3 fixed", 64, 3, EDDY_TAIL_REFS, 0, false, 3},
    {"blob with 2 fixed", 56, 2, EDDY_TAIL_BYTES, 3, false, 3},
    {"text", 40, 0, EDDY_TAIL_BYTES, 1, false, 2},
    {"traced", 96, 6, 0, 0, true, 3},
    {"traced with bytes", 80, 5, EDDY_TAIL_BYTES, 1, true, 2},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0], SHAPE_SIZED = SHAPE_FIRST + 1 };

static void trace_slots(const void *object, eddy_visitor *visitor)
{
    const struct head *h = object;
    void *const *slots = (void *const *)(const void *)((const char *)object + h->first);
    for (uint32_t i = h->slots; i > 0; i--)
        eddy_visit(visitor, slots + i - 1);
}

static void register_shapes(struct world *w)
{
    w->types[SHAPE_BYTES] = eddy_type_bytes(w->heap);
    w->types[SHAPE_ARRAY] = eddy_type_array(w->heap);
    for (unsigned i = SHAPE_TAG; i < SHAPES; i++) {
        const struct shape *s = &shapes[i];
        size_t offsets[64], first = s->tail != EDDY_TAIL_NONE ? FIRST_SLOT_TAILED : FIRST_SLOT;
        for (unsigned r = 0; r < s->refs; r++)
            offsets[r] = first + r * sizeof(void *);
        eddy_type_desc desc = {.name = s->name,
                               .size = s->size,
                               .ref_offsets = offsets,
                               .ref_count = s->refs,
                               .tail = (eddy_tail)s->tail,
                               .element_size = s->element,
                               .length_offset = s->tail != EDDY_TAIL_NONE ? LENGTH_AT : 0,
                               .flags = i == SHAPE_ACYCLIC ? EDDY_TYPE_ACYCLIC : 0};
        if (s->traced) {
            desc.ref_offsets = NULL;
            desc.ref_count = 0;
            desc.trace = trace_slots;
        }
        eddy_status status = eddy_type_register(w->heap, &desc, &w->types[i]);
        if (status != EDDY_OK)
            fail(w, NULL, "type %s: %s", s->name, eddy_status_text(status));
    }
}

static uint64_t canary_of(const struct head *h, const void *object)
{
    uint64_t c = mix((uintptr_t)object ^ UINT64_C(0x5ca1ab1e));
    c = mix(c ^ h->id) + ((uint64_t)h->slots << 32 | h->index);
    return mix(c ^ ((uint64_t)h->owner << 32 | (uint64_t)h->first << 16 | (unsigned)h->shape << 8 | h->color));
}

/* Where the words of the payload begin and end. */
static uint64_t *payload(const struct head *h, void *object, size_t *words)
{
    size_t from = h->shape == SHAPE_BYTES ? sizeof *h : h->first;
    if (shapes[h->shape].tail != EDDY_TAIL_REFS && h->shape != SHAPE_TAG)
        from += h->slots * sizeof(void *);
    size_t to = shapes[h->shape].size;
    if (h->shape == SHAPE_BYTES)
        to = h->slots; /* plain bytes keep their size there */
    *words = to > from ? (to - from) / 8 : 0;
    if (h->shape == SHAPE_STACK || h->shape == SHAPE_ARRAY || shapes[h->shape].tail == EDDY_TAIL_REFS)
        *words = 0;
    return (uint64_t *)(void *)((char *)object + from);
}

/* The bytes of the tail. */
static unsigned char *tail_bytes(const struct head *h, void *object, size_t *bytes)
{
    const struct shape *s = &shapes[h->shape];
    *bytes = s->tail == EDDY_TAIL_BYTES ? *(size_t *)(void *)((char *)object + LENGTH_AT) * s->element : 0;
    return (unsigned char *)object + s->size;
}

/* The head of an object, checked: fails unless it is a live object that says of itself what is true. */
static struct head *check(struct mutator *m, void *object)
{
    struct world *w = m->world;
    if (((uintptr_t)object & 15) != 0 || eddy_object_at(w->heap, object) != object)
        fail(w, m, "%p is no live object (%p)", object, eddy_object_at(w->heap, object));
    const eddy_type *type = eddy_object_type(w->heap, object);
    struct head *h = object;
    if (type == w->types[SHAPE_ARRAY]) {
        eddy_array *array = object;
        h = eddy_load(m->thread, &array->slots[0]);
        if (h == NULL)
            fail(w, m, "the array %p has lost its tag", object);
        if (h->shape != SHAPE_TAG || h->canary != canary_of(h, h) || *(uintptr_t *)(h + 1) != hide(object))
            fail(w, m, "the tag %p of the array %p is another object", (void *)h, object);
        if (h->slots + 1 != array->length)
            fail(w, m, "the array %p has length %zu, not %" PRIu32, object, array->length, h->slots + 1);
        return h;
    }
    if (h->canary != canary_of(h, object) || h->shape >= SHAPES || type != w->types[h->shape])
        fail(w, m, "object %p: canary %" PRIx64 ", id %" PRIx64 ", shape %u, type %s, expected canary %" PRIx64, object,
             h->canary, h->id, h->shape, type != NULL ? eddy_type_name(type) : "none", canary_of(h, object));
    return h;
}

/* Checks the payload, too: all of it. */
static struct head *check_all(struct mutator *m, void *object)
{
    struct head *h = check(m, object);
    size_t words, bytes;
    if (eddy_object_type(m->world->heap, object) == m->world->types[SHAPE_ARRAY])
        return h;
    uint64_t *word = payload(h, object, &words);
    if (h->shape != SHAPE_TAG)
        for (size_t i = 0; i < words; i++)
            if (word[i] != mix(h->canary + i))
                fail(m->world, m, "object %p of shape %s: word %zu of its payload has changed", object,
                     shapes[h->shape].name, i);
    unsigned char *byte = tail_bytes(h, object, &bytes);
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != (unsigned char)(h->canary + i))
            fail(m->world, m, "object %p of shape %s: byte %zu of its tail has changed", object, shapes[h->shape].name, i);
    return h;
}

/* The reference slots that operations may use; `h` is what check() returned. */
static void **slots_of(struct mutator *m, void *object, const struct head *h)
{
    if (eddy_object_type(m->world->heap, object) == m->world->types[SHAPE_ARRAY])
        return &((eddy_array *)object)->slots[1];
    return (void **)(void *)((char *)object + h->first);
}

static uint32_t slot_count(const struct head *h)
{
    return h->shape == SHAPE_BYTES ? 0 : h->slots;
}

/* ---- making ---- */

static void check_zero(struct mutator *m, const void *object, size_t bytes, size_t from)
{
    const unsigned char *p = object;
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != 0 && (i < from || i >= from + 8))
            fail(m->world, m, "byte %zu of the new object %p of %zu bytes is not zero", i, object, bytes);
}

static void *stamp(void *object, struct head *h, struct head fields)
{
    *h = fields;
    h->canary = canary_of(h, h);
    size_t words, bytes;
    uint64_t *word = payload(h, object, &words);
    if (h->shape != SHAPE_TAG)
        for (size_t i = 0; i < words; i++)
            word[i] = mix(h->canary + i);
    unsigned char *byte = tail_bytes(h, object, &bytes);
    for (size_t i = 0; i < bytes; i++)
        byte[i] = (unsigned char)(h->canary + i);
    return object;
}

static uint64_t new_id(struct mutator *m)
{
    return ((uint64_t)m->owner << 32 | (m->serial++ & 0xffffffff)) + 1;
}

static uint64_t new_colored_id(struct mutator *m, uint32_t color)
{
    uint64_t id = new_id(m);
    while (id % COLORS != color)
        id = new_id(m);
    return id;
}

static void *failed(struct mutator *m)
{
    if (eddy_thread_error(m->thread) != EDDY_ENOMEM)
        fail(m->world, m, "an allocation failed: %s", eddy_status_text(eddy_thread_error(m->thread)));
    EDDY_ADD_RELAXED(&m->world->out_of_memory, 1);
    return NULL;
}

static void *make_array(struct mutator *m, size_t length, struct head fields)
{
    void **held = &m->slots[TEMP_SLOT + TEMPS - 1];
    eddy_array *array = eddy_alloc_array(m->thread, length + 1);
    if (array == NULL)
        return failed(m);
    check_zero(m, array, eddy_object_size(m->world->heap, array), 0);
    *held = array;
    struct head *tag = eddy_alloc(m->thread, m->world->types[SHAPE_TAG]);
    if (tag == NULL) {
        *held = NULL;
        return failed(m);
    }
    check_zero(m, tag, shapes[SHAPE_TAG].size, SIZE_MAX - 8);
    fields.shape = SHAPE_TAG;
    fields.slots = (uint32_t)length;
    stamp(tag, tag, fields);
    *(uintptr_t *)(tag + 1) = hide(array);
    eddy_store(m->thread, array, &array->slots[0], tag);
    array = *held;
    *held = NULL;
    return array;
}

/* A new object, which the caller must put where it is found before the next safepoint; NULL: out of memory. */
static void *make(struct mutator *m, unsigned shape, size_t length, uint32_t owner, uint32_t index, uint64_t id)
{
    const struct shape *s = &shapes[shape];
    struct world *w = m->world;
    struct head fields = {.id = id,
                          .owner = owner,
                          .index = index,
                          .shape = (uint8_t)shape,
                          .color = (uint8_t)(id % COLORS),
                          .slots = s->refs,
                          .first = FIRST_SLOT};
    size_t from = SIZE_MAX - 8, bytes = s->size;
    void *object;
    if (shape == SHAPE_ARRAY)
        return make_array(m, length, fields);
    if (shape == SHAPE_BYTES) {
        bytes = sizeof(struct head) + length;
        fields.slots = (uint32_t)bytes;
        object = eddy_alloc_bytes(m->thread, bytes);
    } else if (s->tail != EDDY_TAIL_NONE) {
        fields.first = FIRST_SLOT_TAILED;
        fields.slots += s->tail == EDDY_TAIL_REFS ? (uint32_t)length : 0;
        bytes += length * (s->tail == EDDY_TAIL_REFS ? sizeof(void *) : s->element);
        object = eddy_alloc_tail(m->thread, w->types[shape], length);
        from = LENGTH_AT;
    } else if (shape == SHAPE_SIZED) {
        object = eddy_alloc_sized(m->thread, w->types[shape], 64);
    } else {
        object = eddy_alloc(m->thread, w->types[shape]);
    }
    if (object == NULL)
        return failed(m);
    if (((uintptr_t)object & 15) != 0 || eddy_object_size(w->heap, object) < bytes)
        fail(w, m, "new object %p of %zu bytes: size %zu", object, bytes, eddy_object_size(w->heap, object));
    if (from == LENGTH_AT && *(size_t *)(void *)((char *)object + LENGTH_AT) != length)
        fail(w, m, "new object %p: its length is not %zu", object, length);
    check_zero(m, object, bytes, from);
    EDDY_STORE_RELAXED(&m->place->operations, m->place->operations + 1);
    return stamp(object, object, fields);
}

static unsigned pick_shape(struct mutator *m)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < SHAPES; i++)
        sum += shapes[i].weight;
    unsigned at = below(&m->rng, sum);
    for (unsigned i = 0;; i++) {
        if (at < shapes[i].weight)
            return i;
        at -= shapes[i].weight;
    }
}

static size_t pick_length(struct mutator *m, unsigned shape)
{
    bool refs = shapes[shape].tail == EDDY_TAIL_REFS;
    switch (below(&m->rng, 16)) {
    case 0: return 0;
    case 1: return 26 + below(&m->rng, 10);
    case 2: return 40 + below(&m->rng, 160);
    case 3: return one_in(&m->rng, 8) ? 800 + below(&m->rng, refs ? 2000 : 40000) : 33;
    default: return 1 + below(&m->rng, 12);
    }
}

#endif
