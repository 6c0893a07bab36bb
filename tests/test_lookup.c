/* From an address to the object that contains it: private and counted objects, interior addresses,
 * headers, free cells, foreign addresses, large objects. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

static void assert_owns_its_bytes(const struct world *w, const void *object)
{
    const char *p = object;
    size_t usable = eddy_object_size(w->heap, object);
    for (size_t i = 0; i<usable; i += usable> 70000 ? 509 : 1)
        assert_ptr_equal(eddy_object_at(w->heap, p + i), object);
    assert_ptr_equal(eddy_object_at(w->heap, p + usable - 1), object);
    for (size_t i = 1; i <= EDDY__HEADER_SIZE; i++)
        assert_null(eddy_object_at(w->heap, p - i));
}

static const size_t sizes[] = {0, 8, 24, 100, 500, 3000, 8168, 8169, 32768, 100000, 3 * 1048576};
#define SIZES (sizeof sizes / sizeof sizes[0])

static void test_interior_addresses(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, SIZES);
    for (size_t i = 0; i < SIZES; i++) {
        roots[i] = eddy_alloc_bytes(w.t, sizes[i]);
        assert_owns_its_bytes(&w, roots[i]); /* private-current */
    }
    for (int epoch = 0; epoch < 3; epoch++) {
        world_step(&w, 1);
        for (size_t i = 0; i < SIZES; i++) /* counted, in blocks that are swept */
            assert_owns_its_bytes(&w, roots[i]);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Every address of a block: either inside one of the objects, or in none. */
static void test_every_address_of_a_block(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    static const size_t some[] = {8, 24, 88, 1000, 8000};
    for (size_t s = 0; s < sizeof some / sizeof some[0]; s++) {
        char *first = eddy_alloc_bytes(w.t, some[s]);
        struct block *b = block_of(w.heap, first);
        char *start = block_start(w.heap, b);
        for (uint32_t cell = 1; cell < b->cells; cell++)
            assert_non_null(eddy_alloc_bytes(w.t, some[s]));
        for (size_t at = 0; at < BLOCK_BYTES; at++) {
            void *expected = NULL;
            size_t in_cells = at - BLOCK_FIRST_CELL, cell = in_cells / b->cell;
            if (at >= BLOCK_FIRST_CELL && cell < b->cells && in_cells % b->cell >= EDDY__HEADER_SIZE)
                expected = start + BLOCK_FIRST_CELL + cell * b->cell + EDDY__HEADER_SIZE;
            assert_ptr_equal(eddy_object_at(w.heap, start + at), expected);
        }
    }
    world_close(&w);
}

static void test_free_cells(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 100);
    uintptr_t dead[100];
    for (int i = 0; i < 100; i++) {
        roots[i] = node_new(&w);
        dead[i] = (uintptr_t)node_new(&w);
    }
    /* not allocated yet: the cells behind the run */
    assert_null(eddy_object_at(w.heap, (char *)dead[99] + 32));
    assert_null(eddy_object_at(w.heap, (char *)dead[99] + 32 * 100));
    world_step(&w, 4);
    for (int i = 0; i < 100; i++) {
        assert_ptr_equal(eddy_object_at(w.heap, roots[i]), roots[i]);
        assert_null(eddy_object_at(w.heap, (void *)dead[i]));
    }
    uintptr_t was[100];
    for (int i = 0; i < 100; i++) {
        was[i] = (uintptr_t)roots[i];
        roots[i] = NULL;
    }
    world_step(&w, 4);
    for (int i = 0; i < 100; i++)
        assert_null(eddy_object_at(w.heap, (void *)was[i]));
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_foreign_addresses(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL), other = world_open(EDDY_HEAP_MANUAL);
    int local = 0;
    void *outside = malloc(64);
    void *theirs = eddy_alloc_bytes(other.t, 64);
    const void *foreign[] = {NULL, (void *)(uintptr_t)1, (void *)UINTPTR_MAX,          &local, outside, theirs,
                             &w,   w.heap->base - 1,     w.heap->base + w.heap->range, w.heap};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_null(eddy_object_at(w.heap, foreign[i]));
    /* inside the range, but never handed out; and a block of log chunks */
    assert_null(eddy_object_at(w.heap, w.heap->base + w.heap->range - 1));
    const struct thread *t = thread_of(w.t);
    assert_null(eddy_object_at(w.heap, t->inc.next));
    assert_null(eddy_object_at(w.heap, t->inc.chunk));
    free(outside);
    world_close(&other);
    world_close(&w);
}

/* An object that has just been published is counted by its header, but no count has been applied yet. */
static void test_published_objects_before_their_first_count(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    for (size_t i = 0; i < SIZES; i++) {
        void *object = eddy_alloc_bytes(w.t, sizes[i]);
        eddy_root_store(w.t, &slot, object);
        assert_true(header_is_counted(*eddy__header(object)));
        assert_owns_its_bytes(&w, object);
    }
    struct node *n = node_new(&w);
    eddy_root_store(w.t, &slot, n);
    assert_owns_its_bytes(&w, n);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

/* While one thread allocates and the collector recycles, another looks addresses up: whatever it finds begins at an
 * object's place and spans the address, and what it holds itself is always found. */
struct reader {
    struct world w;
    int stop;
    uint64_t found;
};

static void *reader_main(void *argument)
{
    struct reader *reader = argument;
    eddy_heap *heap = reader->w.heap;
    struct world mine = reader->w;
    CHECK(eddy_thread_attach(heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 1);
    roots[0] = node_new(&mine);
    uint64_t random = 88172645463325252u;
    while (!EDDY_LOAD_RELAXED(&reader->stop)) {
        char *address = heap->base + support_random(&random) % (8 * MIB);
        char *object = eddy_object_at(heap, address);
        if (object != NULL) {
            CHECK(object <= address && (uintptr_t)object % 16 == 0);
            reader->found++;
        }
        CHECK(eddy_object_at(heap, roots[0]) == roots[0]);
        eddy_safepoint(mine.t);
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_lookup_beside_allocation(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = config.epoch_bytes_max = MIB;
    struct world w = world_open_with(&config);
    struct reader reader = {.w = w};
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, reader_main, &reader), 0);
    ROOTS_PUSH(w.t, 64);
    for (size_t i = 0; i < SUPPORT_SCALE(3000000, 100000); i++)
        roots[i % 64] = i % 1000 == 0 ? eddy_alloc_bytes(w.t, i % 50000) : node_new(&w);
    EDDY_STORE_RELAXED(&reader.stop, 1);
    eddy_native_enter(w.t);
    pthread_join(id, NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interior_addresses),
        cmocka_unit_test(test_every_address_of_a_block),
        cmocka_unit_test(test_free_cells),
        cmocka_unit_test(test_foreign_addresses),
        cmocka_unit_test(test_published_objects_before_their_first_count),
        cmocka_unit_test(test_lookup_beside_allocation),
    };
    return RUN_TESTS("lookup", tests);
}
