/* The constants of jit.h: an interpreter of a compiler's code, which knows nothing but them, does the same on one heap as the
 * inline functions on another; after each step both have the same in the same places. */
#include "tests/support.h"

#include "eddy/jit.h"
#include "collector/collector.h"

/* ---- what generated code does ---- */

static uint64_t load64(const void *base, ptrdiff_t offset)
{
    return EDDY_LOAD_RELAXED((const uint64_t *)(const void *)((const char *)base + offset));
}
static uint32_t load32(const void *base, ptrdiff_t offset)
{
    return EDDY_LOAD_RELAXED((const uint32_t *)(const void *)((const char *)base + offset));
}
static void store64(void *base, ptrdiff_t offset, uint64_t value)
{
    EDDY_STORE_RELAXED((uint64_t *)(void *)((char *)base + offset), value);
}

static void *jit_alloc(eddy_thread *t, const eddy_type *type)
{
    char *run = (char *)t + load32(type, EDDY_JIT_TYPE_RUN);
    char *cell = (char *)load64(run, EDDY_JIT_RUN_NEXT);
    if (cell == (char *)load64(run, EDDY_JIT_RUN_LIMIT))
        return eddy_jit_alloc_slow(t, type);
    uint32_t bytes = load32(type, EDDY_JIT_TYPE_CELL);
    store64(run, EDDY_JIT_RUN_NEXT, (uint64_t)(cell + bytes));
    store64(cell, 0, load64(t, EDDY_JIT_THREAD_TAG) | load64(type, EDDY_JIT_TYPE_HEADER));
    for (uint32_t i = EDDY_JIT_HEADER_SIZE; i < bytes; i += 8)
        store64(cell, i, 0);
    return cell + EDDY_JIT_HEADER_SIZE;
}

static void jit_store(eddy_thread *t, void *object, void **field, void *value)
{
    if ((load64(object, -EDDY_JIT_HEADER_SIZE) ^ load64(t, EDDY_JIT_THREAD_TAG)) >> EDDY_JIT_TAG_SHIFT == 0)
        store64(field, 0, (uint64_t)value);
    else
        eddy_jit_store_slow(t, object, field, value);
}

static bool jit_must_poll(const eddy_thread *t)
{
    return load64((const void *)load64(t, EDDY_JIT_THREAD_EPOCH_WORD), 0) != load64(t, EDDY_JIT_THREAD_EPOCH);
}

static void jit_poll(eddy_thread *t)
{
    if (jit_must_poll(t))
        eddy_jit_poll_slow(t);
}

static char *jit_pin_of(eddy_thread *t, const void *object)
{
    uint64_t at =
        (((uintptr_t)object + ((uintptr_t)object >> EDDY_JIT_PIN_SHIFT)) & EDDY_JIT_PIN_MASK) * EDDY_JIT_PIN_SCALE;
    return (char *)t + EDDY_JIT_THREAD_PINS + at;
}
static void jit_pin(eddy_thread *t, void *object)
{
    char *pin = jit_pin_of(t, object);
    if (load64(pin, EDDY_JIT_PIN_KEY) == (uintptr_t)object)
        store64(pin, EDDY_JIT_PIN_PINS, load64(pin, EDDY_JIT_PIN_PINS) + 1);
    else
        eddy_jit_pin_slow(t, object);
}
static void jit_unpin(eddy_thread *t, void *object)
{
    char *pin = jit_pin_of(t, object);
    if (load64(pin, EDDY_JIT_PIN_KEY) == (uintptr_t)object)
        store64(pin, EDDY_JIT_PIN_UNPINS, load64(pin, EDDY_JIT_PIN_UNPINS) + 1);
    else
        eddy_jit_unpin_slow(t, object);
}

/* ---- two worlds in step ---- */

#define HANDLES 16
#define TYPES 4

struct side {
    struct world w;
    const eddy_type *types[TYPES];
    void *handles[HANDLES];
    unsigned pins[HANDLES];
    eddy_frame frame;
};

static void side_open(struct side *s)
{
    s->w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    const size_t offsets[] = {0, 8};
    const size_t sizes[TYPES] = {16, 40, 200, 9000}; /* the last: large objects, always by the slow path */
    for (unsigned i = 0; i < TYPES; i++) {
        const eddy_type_desc desc = {.name = "jit", .size = sizes[i], .ref_offsets = offsets, .ref_count = 2};
        assert_int_equal(eddy_type_register(s->w.heap, &desc, &s->types[i]), EDDY_OK);
    }
    eddy_frame_push(s->w.t, &s->frame, s->handles, HANDLES);
}

/* Within its block: which blocks the backing hands out may depend on the time. */
static uint64_t place(const struct side *s, const void *p)
{
    return p == NULL ? 0 : (uint64_t)((const char *)p - s->w.heap->base) % BLOCK_BYTES;
}

static void assert_same(const struct side *a, const struct side *b)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        assert_int_equal(place(a, a->handles[i]), place(b, b->handles[i]));
        if (a->handles[i] == NULL)
            continue;
        assert_int_equal(*eddy__header(a->handles[i]), *eddy__header(b->handles[i]));
        for (unsigned k = 0; k < 2; k++)
            assert_int_equal(place(a, ((void **)a->handles[i])[k]), place(b, ((void **)b->handles[i])[k]));
    }
    assert_int_equal(a->w.t->tag, b->w.t->tag);
    const struct thread *s = thread_of(a->w.t), *t = thread_of(b->w.t);
    assert_int_equal(s->pins_used, t->pins_used);
}

static void test_constants_against_inline_functions(void **state)
{
    (void)state;
    assert_int_equal(eddy_jit_layout(), EDDY_JIT_LAYOUT);
    uint64_t random = support_seed("jit");
    struct side a = {.handles = {NULL}}, b = {.handles = {NULL}};
    side_open(&a);
    side_open(&b);
    unsigned polls = 0;
    for (unsigned i = 0; i < SUPPORT_SCALE(40000, 5000); i++) {
        uint64_t r = support_random(&random);
        unsigned x = r >> 8 & (HANDLES - 1), y = r >> 16 & (HANDLES - 1), k = r >> 24 & 1;
        unsigned type = r >> 32 & 63 ? r >> 40 & 1 : r >> 40 & 3;
        switch (r % 8) {
        case 0:
        case 1:
        case 2:
            if (a.pins[x] != 0)
                break;
            a.handles[x] = jit_alloc(a.w.t, a.types[type]);
            b.handles[x] = eddy_alloc(b.w.t, b.types[type]);
            assert_non_null(a.handles[x]);
            break;
        case 3:
        case 4:
            if (a.handles[x] == NULL)
                break;
            jit_store(a.w.t, a.handles[x], (void **)a.handles[x] + k, a.handles[y]);
            eddy_store(b.w.t, b.handles[x], (void **)b.handles[x] + k, b.handles[y]);
            break;
        case 5:
            assert_int_equal(jit_must_poll(a.w.t), EDDY_LOAD_RELAXED(b.w.t->epoch_word) != b.w.t->epoch);
            polls += jit_must_poll(a.w.t);
            jit_poll(a.w.t);
            eddy_safepoint(b.w.t);
            assert_false(jit_must_poll(a.w.t));
            break;
        case 6:
            if (a.handles[x] == NULL)
                break;
            jit_pin(a.w.t, a.handles[x]);
            eddy_pin(b.w.t, b.handles[x]);
            assert_int_equal(load64(jit_pin_of(a.w.t, a.handles[x]), EDDY_JIT_PIN_KEY), (uintptr_t)a.handles[x]);
            a.pins[x]++;
            break;
        default:
            if (a.pins[x] == 0)
                break;
            jit_unpin(a.w.t, a.handles[x]);
            eddy_unpin(b.w.t, b.handles[x]);
            a.pins[x]--;
        }
        if (i % 64 == 0) /* asks for an epoch, so that the next poll finds it, or processes it, in both alike */
            assert_int_equal(eddy__collector_epoch(a.w.heap, 0, NULL), eddy__collector_epoch(b.w.heap, 0, NULL));
        if (i % 16 == 0)
            assert_same(&a, &b);
    }
    assert_true(polls > 10);
    for (unsigned i = 0; i < HANDLES; i++)
        for (; a.pins[i] != 0; a.pins[i]--) {
            jit_unpin(a.w.t, a.handles[i]);
            eddy_unpin(b.w.t, b.handles[i]);
        }
    struct side *sides[] = {&a, &b};
    for (unsigned i = 0; i < 2; i++) {
        struct side *s = sides[i];
        eddy_frame_pop(s->w.t, &s->frame);
        assert_int_equal(live_after_collect(&s->w), 0);
        assert_int_equal(world_stats(&s->w).pinned_objects, 0);
        assert_int_equal(world_stats(&s->w).misused_unpins, 0);
        world_close(&s->w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants_against_inline_functions),
    };
    return RUN_TESTS("jit", tests);
}
