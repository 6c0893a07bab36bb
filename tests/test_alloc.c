/* Allocation: every size, alignment, memory that reads as zero also where garbage was before, the size
 * classes, tails, lengths that overflow, large objects. Addresses are looked up in test_lookup.c. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

static bool all_zero(const void *p, size_t bytes)
{
    const char *c = p;
    return bytes == 0 || (c[0] == 0 && memcmp(c, c + 1, bytes - 1) == 0);
}

static void check_bytes_object(const struct world *w, size_t size)
{
    void *p = eddy_alloc_bytes(w->t, size);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    size_t usable = eddy_object_size(w->heap, p);
    assert_true(usable >= size && usable >= 8);
    assert_true(usable <= size + size / 4 + 4096);
    assert_true(all_zero(p, usable));
    assert_ptr_equal(eddy_object_type(w->heap, p), eddy_type_bytes(w->heap));
    memset(p, 0xff, usable);
}

static void test_every_size(void **state)
{
    (void)state;
    struct world w = world_open(0);
    for (size_t size = 0; size <= 9000; size++)
        check_bytes_object(&w, size);
    for (size_t size = 9001; size <= 70000; size += 101)
        check_bytes_object(&w, size);
    for (size_t size = 70000; size <= 20 * MIB; size = size * 3 + 1)
        check_bytes_object(&w, size);
    world_close(&w);
}

/* ---- size classes ---- */

static void test_size_classes_are_the_smallest_that_fit(void **state)
{
    (void)state;
    for (unsigned i = 1; i < EDDY__CLASSES; i++)
        assert_true(eddy__class_cell[i - 1] < eddy__class_cell[i]);
    assert_int_equal(eddy__class_cell[EDDY__CLASSES - 1], CELL_MAX);
    for (size_t cell = 16; cell <= CELL_MAX; cell += 16) {
        unsigned found = eddy__class_of(cell);
        assert_true(eddy__class_cell[found] >= cell);
        assert_true(found == 0 || eddy__class_cell[found - 1] < cell);
    }
}

static void test_cell_numbers_by_multiplication_are_exact(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDDY__CLASSES; i++) {
        uint64_t cell = eddy__class_cell[i], reciprocal = eddy__cell_reciprocal(cell);
        for (uint64_t offset = 0; offset < BLOCK_BYTES; offset++)
            if (offset * reciprocal >> 32 != offset / cell)
                fail_msg("offset %u, cell %u", (unsigned)offset, (unsigned)cell);
        assert_true(BLOCK_FIRST_CELL + eddy__cells_per_block(cell) * cell <= BLOCK_BYTES);
    }
}

static void test_usable_size_at_the_bounds_of_classes(void **state)
{
    (void)state;
    struct world w = world_open(0);
    for (unsigned i = 0; i < EDDY__CLASSES; i++) {
        size_t most = eddy__class_cell[i] - EDDY__HEADER_SIZE;
        assert_int_equal(eddy_object_size(w.heap, eddy_alloc_bytes(w.t, most)), most);
        assert_true(eddy_object_size(w.heap, eddy_alloc_bytes(w.t, most + 1)) > most);
    }
    void *small = eddy_alloc_bytes(w.t, CELL_MAX - EDDY__HEADER_SIZE);
    void *large = eddy_alloc_bytes(w.t, CELL_MAX - EDDY__HEADER_SIZE + 1);
    assert_int_equal(block_state_of(block_of(w.heap, small)), BLOCK_YOUNG);
    assert_int_equal(block_state_of(block_of(w.heap, large)), BLOCK_LARGE);
    world_close(&w);
}

static void test_writing_all_usable_bytes_harms_no_neighbour(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    for (size_t size = 0; size < 9000; size = size * 3 / 2 + 1) {
        unsigned char *p[64];
        for (int i = 0; i < 64; i++) {
            p[i] = eddy_alloc_bytes(w.t, size);
            memset(p[i], i + 1, eddy_object_size(w.heap, p[i]));
        }
        for (int i = 0; i < 64; i++) {
            size_t usable = eddy_object_size(w.heap, p[i]);
            assert_ptr_equal(eddy_object_type(w.heap, p[i]), eddy_type_bytes(w.heap));
            assert_int_equal(p[i][0], i + 1);
            assert_int_equal(p[i][usable - 1], i + 1);
            assert_true(memcmp(p[i], p[i] + 1, usable - 1) == 0);
        }
    }
    world_close(&w);
}

/* ---- zero where garbage was ---- */

#define BATCH 3000

/* Dirty objects of mixed sizes, of which every fourth stays alive, so that cells between live ones are used again. */
static void test_reused_cells_read_as_zero(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    static const size_t sizes[] = {0, 8, 9, 24, 40, 56, 120, 121, 300, 1000, 3000, 8168, 8169, 33000};
    const size_t kinds = sizeof sizes / sizeof sizes[0];
    static uintptr_t before[BATCH];
    void *roots[BATCH / 4] = {NULL};
    eddy_frame frame;
    eddy_frame_push(w.t, &frame, roots, BATCH / 4);
    unsigned reused = 0;
    for (int round = 0; round < 6; round++) {
        for (size_t i = 0; i < BATCH; i++) {
            void *p = eddy_alloc_bytes(w.t, sizes[i % kinds]);
            size_t usable = eddy_object_size(w.heap, p);
            if (!all_zero(p, usable))
                fail_msg("round %d: an object of %zu bytes is not zero", round, sizes[i % kinds]);
            memset(p, 0xff, usable);
            reused += (uintptr_t)p == before[i];
            before[i] = (uintptr_t)p;
            if (i % 4 == (size_t)round % 4)
                roots[i / 4] = p;
        }
        world_step(&w, 4);
    }
    assert_true(reused > 100); /* the test saw what it is about */
    assert_verifies(&w);
    eddy_frame_pop(w.t, &frame);
    world_close(&w);
}

/* ---- types of fixed size ---- */

static const eddy_type *plain_type(eddy_heap *heap, size_t size)
{
    const eddy_type_desc desc = {.name = "plain", .size = size};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(heap, &desc, &type), EDDY_OK);
    return type;
}

static void test_fixed_types_of_every_size(void **state)
{
    (void)state;
    struct world w = world_open(0);
    for (size_t size = 0; size <= 10000; size += size < 300 ? 1 : 97) {
        const eddy_type *type = plain_type(w.heap, size);
        for (int i = 0; i < 3; i++) {
            void *p = i == 2 ? eddy_alloc_sized(w.t, type, size) : eddy_alloc(w.t, type);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            size_t usable = eddy_object_size(w.heap, p);
            assert_true(usable >= size);
            assert_true(all_zero(p, usable));
            assert_ptr_equal(eddy_object_type(w.heap, p), type);
            memset(p, 0xff, usable);
        }
    }
    world_close(&w);
}

struct constant56 {
    uint64_t words[7];
};

static void test_sized_allocation_fills_cells_like_the_general_one(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    const eddy_type *type = plain_type(w.heap, sizeof(struct constant56));
    char *last = eddy_alloc(w.t, type);
    for (int i = 0; i < 5000; i++) { /* the two paths share one run of cells */
        struct constant56 *p = i % 3 ? eddy_alloc_sized(w.t, type, sizeof *p) : eddy_alloc(w.t, type);
        assert_true(all_zero(p, sizeof *p));
        memset(p, 0xff, sizeof *p);
        if (block_of(w.heap, p) == block_of(w.heap, last))
            assert_int_equal((char *)p - last, 64);
        last = (char *)p;
    }
    world_close(&w);
}

/* ---- tails ---- */

struct record {
    uint64_t head;
    struct node *ref;
    size_t length;
    uint32_t pad[2];
};

static const eddy_type *tail_type(eddy_heap *heap, eddy_tail tail, size_t element)
{
    const size_t offsets[] = {offsetof(struct record, ref)};
    const eddy_type_desc desc = {.name = "record",
                                 .size = sizeof(struct record),
                                 .ref_offsets = offsets,
                                 .ref_count = 1,
                                 .tail = tail,
                                 .element_size = element,
                                 .length_offset = offsetof(struct record, length)};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(heap, &desc, &type), EDDY_OK);
    return type;
}

static void test_tails(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    static const size_t elements[] = {1, 3, 8, 24};
    for (size_t e = 0; e <= 4; e++) {
        bool refs = e == 4;
        size_t element = refs ? sizeof(void *) : elements[e];
        const eddy_type *type = tail_type(w.heap, refs ? EDDY_TAIL_REFS : EDDY_TAIL_BYTES, refs ? 0 : element);
        for (size_t length = 0; length < 20000; length = length * 2 + 1) {
            struct record *r = roots[0] = eddy_alloc_tail(w.t, type, length);
            assert_non_null(r);
            assert_int_equal(r->length, length);
            assert_true(eddy_object_size(w.heap, r) >= sizeof *r + length * element);
            assert_true(all_zero(r + 1, length * element));
            if (!refs) {
                memset(r + 1, 0xff, length * element);
            } else {
                for (size_t i = 0; i < length; i++) {
                    struct node *n = node_new(&w);
                    n->value = i;
                    r = roots[0];
                    eddy_store(w.t, r, (void **)(r + 1) + i, n);
                }
                assert_int_equal(live_after_collect(&w), length + 1);
                for (size_t i = 0; i < length; i++)
                    assert_int_equal(((struct node **)(r + 1))[i]->value, i);
            }
        }
        struct record *empty = eddy_alloc(w.t, type); /* eddy_alloc on such a type: length 0 */
        assert_int_equal(empty->length, 0);
    }
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_arrays(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    for (size_t length = 0; length < 3000; length += length < 70 ? 1 : 131) {
        eddy_array *array = eddy_alloc_array(w.t, length);
        assert_int_equal(array->length, length);
        assert_true(all_zero(array->slots, length * sizeof(void *)));
        assert_ptr_equal(eddy_object_type(w.heap, array), eddy_type_array(w.heap));
        assert_true(eddy_object_size(w.heap, array) >= offsetof(eddy_array, slots) + length * sizeof(void *));
    }
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* Objects with many references are born counted, and then die like other counted objects. */
static void test_wide_objects_are_born_counted(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    eddy_array *narrow = eddy_alloc_array(w.t, OBJECT_REFS_BOUND);
    assert_false(header_is_counted(*eddy__header(narrow)));
    eddy_array *wide = eddy_alloc_array(w.t, OBJECT_REFS_BOUND + 1);
    assert_true(header_is_counted(*eddy__header(wide)));
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).objects_freed, 1);
    world_close(&w);
}

/* ---- arguments out of range ---- */

static void assert_invalid(struct world *w, void *p)
{
    assert_null(p);
    assert_int_equal(eddy_thread_error(w->t), EDDY_EINVAL);
}

static void test_lengths_that_overflow(void **state)
{
    (void)state;
    struct world w = world_open(0);
    assert_invalid(&w, eddy_alloc_bytes(w.t, SIZE_MAX));
    assert_invalid(&w, eddy_alloc_bytes(w.t, SIZE_MAX / 2 + 1));
    assert_invalid(&w, eddy_alloc_array(w.t, SIZE_MAX));
    assert_invalid(&w, eddy_alloc_array(w.t, SIZE_MAX / 8));
    assert_invalid(&w, eddy_alloc_array(w.t, SIZE_MAX / 8 + 1));
    assert_invalid(&w, eddy_alloc_array(w.t, SIZE_MAX / 16 + 1));
    const eddy_type *bytes3 = tail_type(w.heap, EDDY_TAIL_BYTES, 3), *bytes1 = tail_type(w.heap, EDDY_TAIL_BYTES, 1);
    assert_invalid(&w, eddy_alloc_tail(w.t, bytes3, SIZE_MAX / 3 + 1));
    assert_invalid(&w, eddy_alloc_tail(w.t, bytes1, SIZE_MAX));
    assert_invalid(&w, eddy_alloc_tail(w.t, bytes1, SIZE_MAX - sizeof(struct record)));
    assert_invalid(&w, eddy_alloc_tail(w.t, w.node, 1)); /* has no tail */
    assert_non_null(node_new(&w));
    world_close(&w);
}

static void test_sizes_beyond_the_reserve(void **state)
{
    (void)state;
    struct world w = world_open(0);
    static const size_t sizes[] = {(size_t)1 << 30, (size_t)3 << 30, (size_t)1 << 45, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_null(eddy_alloc_bytes(w.t, sizes[i]));
        assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    }
    assert_non_null(node_new(&w));
    world_close(&w);
}

/* ---- large objects ---- */

static void test_large_objects_live_and_die(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 8);
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < 8; i++) {
            size_t size = 10000 + i * 70001 + (size_t)round * 977;
            unsigned char *p = roots[i] = eddy_alloc_bytes(w.t, size);
            assert_true(all_zero(p, size));
            memset(p, (int)i + 1, size);
            for (size_t j = 0; j < 8; j++)
                if (roots[j] != NULL)
                    assert_int_equal(((unsigned char *)roots[j])[9999], j + 1);
        }
    assert_int_equal(live_after_collect(&w), 8);
    assert_verifies(&w);
    for (size_t i = 0; i < 8; i++)
        roots[i] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).live_bytes, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* A large object with a short tail of references: its length must be there before the collector may look at it. */
static void test_large_objects_with_few_references(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 64 << 10;
    struct world w = world_open_with(&config);
    const size_t size = 200000;
    const eddy_type_desc desc = {.name = "large", .size = size, .tail = EDDY_TAIL_REFS, .length_offset = 0};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    for (int i = 0; i < 300; i++) {
        char *object = roots[0] = eddy_alloc_tail(w.t, type, 2);
        assert_int_equal(*(size_t *)(void *)object, 2);
        for (int j = 0; j < 2; j++) {
            struct node *n = node_new(&w);
            object = roots[0];
            eddy_store(w.t, object, (void **)(void *)(object + size) + j, n);
        }
        if (i % 50 == 0)
            assert_int_equal(live_after_collect(&w), 3);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_size_classes_are_the_smallest_that_fit),
        cmocka_unit_test(test_cell_numbers_by_multiplication_are_exact),
        cmocka_unit_test(test_usable_size_at_the_bounds_of_classes),
        cmocka_unit_test(test_writing_all_usable_bytes_harms_no_neighbour),
        cmocka_unit_test(test_reused_cells_read_as_zero),
        cmocka_unit_test(test_fixed_types_of_every_size),
        cmocka_unit_test(test_sized_allocation_fills_cells_like_the_general_one),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_wide_objects_are_born_counted),
        cmocka_unit_test(test_lengths_that_overflow),
        cmocka_unit_test(test_sizes_beyond_the_reserve),
        cmocka_unit_test(test_large_objects_live_and_die),
        cmocka_unit_test(test_large_objects_with_few_references),
    };
    return RUN_TESTS("alloc", tests);
}
