/* Resizing: contents, addresses, what the old object is worth, memory and accounts, beside a collector that reads. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

struct text {
    struct node *owner;
    size_t length;
    uint32_t hash; /* no multiple of a word */
    char bytes[];
};

static const eddy_type *text_type(eddy_heap *heap)
{
    static const size_t offsets[] = {offsetof(struct text, owner)};
    const eddy_type_desc desc = {.name = "text",
                                 .size = offsetof(struct text, bytes),
                                 .ref_offsets = offsets,
                                 .ref_count = 1,
                                 .tail = EDDY_TAIL_BYTES,
                                 .element_size = 1,
                                 .length_offset = offsetof(struct text, length)};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(heap, &desc, &type), EDDY_OK);
    return type;
}

/* ---- bytes ---- */

static bool is_pattern(const unsigned char *p, size_t from, size_t to, unsigned salt)
{
    for (size_t i = from; i < to; i++)
        if (p[i] != (unsigned char)(i * 7 + salt))
            return false;
    return true;
}
static void make_pattern(unsigned char *p, size_t from, size_t to, unsigned salt)
{
    for (size_t i = from; i < to; i++)
        p[i] = (unsigned char)(i * 7 + salt);
}
static bool is_zero(const unsigned char *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static size_t any_length(uint64_t *random)
{
    static const size_t bounds[] = {40, 400, 9000, 70000, 300000};
    size_t bound = bounds[support_random(random) % 5];
    return support_random(random) % bound;
}

static void test_texts_of_random_length(void **state)
{
    (void)state;
    static const unsigned flags[] = {EDDY_HEAP_PRECISE_ROOTS, EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL};
    for (int f = 0; f < 2; f++) {
        struct world w = world_open(flags[f]);
        const eddy_type *type = text_type(w.heap);
        uint64_t random = support_seed(__func__);
        ROOTS_PUSH(w.t, 2);
        struct text *text = roots[0] = eddy_alloc_tail(w.t, type, 0);
        EDDY_SET(w.t, text, owner, node_new(&w));
        text->owner->value = 42;
        text->hash = 0xabcdef01;
        unsigned moved = 0, stayed = 0;
        for (int i = 0; i < SUPPORT_SCALE(600, 100); i++) {
            unsigned salt = (unsigned)i;
            size_t before = text->length, wanted = any_length(&random);
            make_pattern((unsigned char *)text->bytes, 0, before, salt);
            struct text *old = roots[1] = text;
            text = roots[0] = eddy_resize(w.t, text, wanted);
            assert_non_null(text);
            size_t common = before < wanted ? before : wanted;
            assert_int_equal(text->length, wanted);
            assert_true(is_pattern((unsigned char *)text->bytes, 0, common, salt));
            assert_true(is_zero((unsigned char *)text->bytes, common, wanted));
            assert_int_equal(text->hash, 0xabcdef01);
            assert_int_equal(EDDY_GET(w.t, text, owner)->value, 42);
            assert_ptr_equal(eddy_object_type(w.heap, text), type);
            assert_true(eddy_object_size(w.heap, text) >= sizeof *text - 4 + wanted);
            if (old != text) {
                moved++;
                assert_true(wanted > before);
                assert_int_equal(old->length, before); /* as it was */
                assert_true(is_pattern((unsigned char *)old->bytes, 0, before, salt));
            } else {
                stayed++;
            }
            if (flags[f] & EDDY_HEAP_MANUAL)
                world_step(&w, support_random(&random) % 3);
            else if (i % 8 == 0)
                eddy_collect_hint(w.heap);
            if (i % 32 == 0) {
                roots[1] = NULL;
                assert_int_equal(live_after_collect(&w), 2);
                assert_verifies(&w);
            }
        }
        assert_true(moved != 0 && stayed != 0);
        ROOTS_POP(w.t);
        assert_int_equal(live_after_collect(&w), 0);
        assert_int_equal(world_stats(&w).live_bytes, 0); /* whatever was counted has been taken off again */
        assert_int_equal(w.heap->unswept, 0);
        world_close(&w);
    }
}

static void test_plain_bytes(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 2);
    unsigned char *p = roots[0] = eddy_alloc_bytes(w.t, 10);
    for (size_t size = 20; size < 2000000; size = size * 3 / 2) {
        size_t usable = eddy_object_size(w.heap, p);
        make_pattern(p, 0, usable, (unsigned)size);
        p = roots[0] = eddy_resize(w.t, p, size);
        assert_true(eddy_object_size(w.heap, p) >= size);
        assert_true(is_pattern(p, 0, usable < size ? usable : size, (unsigned)size));
        assert_true(is_zero(p, usable, size));
    }
    assert_int_equal(live_after_collect(&w), 1);
    uint64_t committed = world_stats(&w).committed_bytes;
    assert_true(committed > 1000000);
    make_pattern(p, 0, 5000, 1);
    assert_ptr_equal(eddy_resize(w.t, p, 5000), p); /* gives memory back */
    assert_true(is_pattern(p, 0, 5000, 1));
    assert_true(world_stats(&w).committed_bytes + 1000000 < committed);
    assert_true(eddy_object_size(w.heap, p) < 100000);
    assert_int_equal(live_after_collect(&w), 1);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).live_bytes, 0);
    world_close(&w);
}

/* A large object alone in its heap has room behind it: it stays where it is, in the epoch of its birth and long after. */
static void test_large_objects_grow_where_they_are(void **state)
{
    (void)state;
    for (unsigned epochs = 0; epochs < 4; epochs += 3) {
        struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
        ROOTS_PUSH(w.t, 1);
        unsigned char *p = roots[0] = eddy_alloc_bytes(w.t, 100000);
        world_step(&w, epochs);
        unsigned stayed = 0;
        for (size_t size = 140000; size < 1000000; size += 60000) {
            make_pattern(p, 0, size - 60000, 3);
            uint64_t allocated = world_stats(&w).allocated_bytes;
            unsigned char *q = roots[0] = eddy_resize(w.t, p, size);
            stayed += q == p;
            p = q;
            assert_true(is_pattern(p, 0, size - 60000, 3));
            assert_true(world_stats(&w).allocated_bytes > allocated);
            world_step(&w, epochs);
        }
        assert_true(stayed >= 5);
        assert_int_equal(live_after_collect(&w), 1);
        assert_true(world_stats(&w).live_bytes >= 100000);
        ROOTS_POP(w.t);
        assert_int_equal(live_after_collect(&w), 0);
        assert_int_equal(world_stats(&w).live_bytes, 0);
        assert_int_equal(w.heap->unswept, 0);
        world_close(&w);
    }
}

/* ---- arrays of references ---- */

static void check_array(const struct world *w, const eddy_array *array, size_t used)
{
    for (size_t i = 0; i < array->length; i++) {
        const struct node *n = eddy_load(w->t, &array->slots[i]);
        assert_true(i < used ? n != NULL && n->value == i : n == NULL);
    }
}

static void test_arrays_of_random_length(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    uint64_t random = support_seed(__func__);
    ROOTS_PUSH(w.t, 1);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 0);
    for (int i = 0; i < SUPPORT_SCALE(400, 80); i++) {
        size_t before = array->length, wanted = any_length(&random) / 40;
        if (i % 3 == 0)
            wanted = 20 + support_random(&random) % 24; /* about the bound of what promotion copies */
        array = roots[0] = eddy_resize(w.t, array, wanted);
        assert_int_equal(array->length, wanted);
        check_array(&w, array, before);
        for (size_t k = before; k < wanted; k++) {
            struct node *n = node_new(&w);
            n->value = k;
            array_put(w.t, array, k, n);
        }
        world_step(&w, support_random(&random) % 3);
        check_array(&w, array, wanted);
        if (i % 8 == 0) {
            assert_int_equal(live_after_collect(&w), 1 + wanted); /* what was cut off is garbage, and old arrays */
            assert_verifies(&w);
        }
    }
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).live_bytes, 0);
    world_close(&w);
}

/* The array that refers to itself is garbage after that, grown or cut. */
static void test_cycles_through_resized_arrays(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    for (size_t length = 1; length < 5000; length = length * 5 + 1) {
        eddy_array *array = roots[0] = eddy_alloc_array(w.t, length);
        array_put(w.t, array, 0, array);
        array = roots[0] = eddy_resize(w.t, array, length * 2);
        array_put(w.t, array, length * 2 - 1, array);
        array_put(w.t, array, 0, array);
        assert_true(live_after_collect(&w) <= 2);
        array = roots[0] = eddy_resize(w.t, array, length);
        assert_int_equal(live_after_collect(&w), 1);
        array_put(w.t, array, length - 1, array);
        assert_verifies(&w);
        roots[0] = NULL;
        assert_int_equal(live_after_collect(&w), 0);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Words of an encoding in the tail. */
static void test_tails_of_words(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    const eddy_encoding encoding = {.test = 1, .value = 1, .address = ~(uintptr_t)15};
    const eddy_type_desc desc = {.size = sizeof(size_t), .tail = EDDY_TAIL_REFS, .encoding = &encoding};
    const eddy_type *type;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    size_t *array = roots[0] = eddy_alloc_tail(w.t, type, 3);
    for (size_t length = 3; length < 3000; length = length * 2 + 3) {
        for (size_t i = 0; i < length; i++)
            eddy_store_tagged(w.t, array, array + 1 + i, i % 2 ? i * 2 : (uintptr_t)node_new(&w) | 1);
        array = roots[0] = eddy_resize(w.t, array, length * 2 + 3);
        assert_int_equal(live_after_collect(&w), 1 + (length + 1) / 2);
        for (size_t i = 1; i < length; i += 2)
            assert_int_equal(eddy_load_tagged(w.t, array + 1 + i), i * 2);
        assert_int_equal(array[1 + length], 0);
    }
    array = roots[0] = eddy_resize(w.t, array, 4);
    assert_int_equal(live_after_collect(&w), 3);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- beside a collector that reads the same object ---- */

static void *grower_main(void *argument)
{
    struct world mine = *(struct world *)argument;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    uint64_t random = (uint64_t)(uintptr_t)&mine | 1;
    ROOTS_PUSH(mine.t, 1);
    eddy_array *array = roots[0] = eddy_alloc_array(mine.t, 100);
    for (int i = 0; i < SUPPORT_SCALE(2000, 200); i++) {
        size_t before = array->length, wanted = support_random(&random) % 6000;
        array = roots[0] = eddy_resize(mine.t, array, wanted);
        CHECK(array->length == wanted);
        for (size_t k = before; k < wanted; k += 37)
            array_put(mine.t, array, k, node_new(&mine));
        if (wanted != 0)
            array_put(mine.t, array, wanted - 1, array);
        if (i % 20 == 0)
            eddy_collect_hint(mine.heap);
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_threads_resize(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = config.epoch_bytes_max = 256 << 10;
    config.cycle_growth_percent = 1;
    struct world w = world_open_with(&config);
    pthread_t ids[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, grower_main, &w), 0);
    eddy_native_enter(w.t);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_verifies(&w);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).live_bytes, 0);
    world_close(&w);
}

/* ---- errors ---- */

static void trace_nothing(const void *object, eddy_visitor *visitor)
{
    (void)object, (void)visitor;
}

static void test_errors(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.heap_limit = 4 << 20;
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 2);
    roots[0] = node_new(&w);
    assert_null(eddy_resize(w.t, roots[0], 3)); /* no tail */
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 5);
    assert_null(eddy_resize(w.t, array, SIZE_MAX / 4));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    array_put(w.t, array, 4, array);
    assert_null(eddy_resize(w.t, array, (size_t)1 << 20)); /* more than the limit */
    assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    assert_int_equal(array->length, 5);
    assert_ptr_equal(array->slots[4], array);
    unsigned char *large = roots[1] = eddy_alloc_bytes(w.t, 50000);
    make_pattern(large, 0, 50000, 9);
    assert_null(eddy_resize(w.t, large, 5 << 20));
    assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    assert_true(is_pattern(large, 0, 50000, 9));

    const eddy_type_desc desc = {.size = sizeof(size_t), .tail = EDDY_TAIL_BYTES, .element_size = 8, .trace = trace_nothing};
    const eddy_type *traced;
    assert_int_equal(eddy_type_register(w.heap, &desc, &traced), EDDY_OK);
    size_t *object = roots[0] = eddy_alloc_tail(w.t, traced, 10);
    assert_ptr_equal(eddy_resize(w.t, object, 4), object);
    assert_ptr_equal(eddy_resize(w.t, object, 9), object);
    assert_int_equal(object[0], 9);
    assert_null(eddy_resize(w.t, object, 1000));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    assert_int_equal(object[0], 9);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_random_length),
        cmocka_unit_test(test_plain_bytes),
        cmocka_unit_test(test_large_objects_grow_where_they_are),
        cmocka_unit_test(test_arrays_of_random_length),
        cmocka_unit_test(test_cycles_through_resized_arrays),
        cmocka_unit_test(test_tails_of_words),
        cmocka_unit_test(test_threads_resize),
        cmocka_unit_test(test_errors),
    };
    return RUN_TESTS("resize", tests);
}
