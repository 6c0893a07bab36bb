/* Counts, seen from inside: the count byte, the table of counts that do not fit it and the way back, hubs with very
 * many referrers; and the two containers of the collector, object map and vector. */
#include "tests/support.h"

#include "collector/state.h"

/* ---- count bytes ---- */

static uint64_t count_of(const struct world *w, const void *object)
{
    const struct block *b = block_of(w->heap, object);
    return eddy__count_of(w->heap->collector, b, cell_number(b, object), object);
}

static bool in_table(const struct world *w, const void *object)
{
    const struct block *b = block_of(w->heap, object);
    bool says_so = (b->counts[cell_number(b, object)] & COUNT_MASK) == COUNT_OVERFLOW;
    assert_int_equal(says_so, eddy__map_find(&w->heap->collector->overflow, object) != NULL);
    return says_so;
}

/* A handle, and an array whose first `n` slots refer to one object: its count is n + 1 after an epoch, of which the
 * handle's part is counted anew and taken back in each. */
static void set_count(const struct world *w, eddy_array *array, void *object, size_t n)
{
    for (size_t i = 0; i < array->length; i++) {
        void *wanted = i < n ? object : NULL;
        if (array->slots[i] != wanted)
            array_put(w->t, array, i, wanted);
    }
    world_step(w, 3);
}

static void test_counts_follow_references(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 2);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 200);
    struct node *n = roots[1] = node_new(&w);
    /* up and down across 124, and back from the table only well below it */
    static const size_t wanted[] = {0,   1,   2,  100, 123, 124, 125, 126, 127, 128, 200, 127, 126, 125,
                                    124, 100, 80, 65,  60,  50,  124, 125, 50,  200, 1,   0,   200, 0};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        set_count(&w, array, n, wanted[i]);
        assert_int_equal(count_of(&w, n), wanted[i] + 1);
        if (wanted[i] + 1 >= COUNT_OVERFLOW)
            assert_true(in_table(&w, n));
        if (wanted[i] + 1 < 64)
            assert_false(in_table(&w, n));
        assert_int_equal(world_stats(&w).overflowed_counts, in_table(&w, n));
        assert_verifies(&w);
    }
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* To zero from the table in a single epoch: the entry goes with the object. */
static void test_death_in_the_table(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    for (int round = 0; round < 10; round++) {
        eddy_array *array = roots[0] = eddy_alloc_array(w.t, 1000);
        for (size_t i = 0; i < 10; i++) {
            struct node *n = node_new(&w);
            array_put(w.t, array, i, n);
            for (size_t j = i; j < 1000; j += 10)
                array_put(w.t, array, j, array->slots[i]);
            for (int j = 0; j < 100; j++)
                eddy_retain(w.t, array->slots[i]);
        }
        world_step(&w, 3);
        assert_int_equal(world_stats(&w).overflowed_counts, 10);
        for (size_t i = 0; i < 10; i++)
            for (int j = 0; j < 100; j++)
                eddy_release(w.t, array->slots[i]);
        roots[0] = NULL;
        assert_int_equal(live_after_collect(&w), 0);
        assert_int_equal(world_stats(&w).overflowed_counts, 0);
        assert_int_equal(w.heap->collector->overflow.count, 0);
        assert_int_equal(w.heap->collector->retained.count, 0);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- a hub with a hundred thousand referrers ---- */

#define REFERRERS 100000

static void build_hub(struct world *w, void **roots, bool cyclic)
{
    roots[0] = node_new(w);
    for (int i = 0; i < REFERRERS; i++) {
        struct node *n = node_new(w);
        EDDY_SET(w->t, n, left, roots[0]);
        EDDY_SET(w->t, n, right, roots[1]);
        roots[1] = n;
    }
    if (cyclic)
        EDDY_SET(w->t, (struct node *)roots[0], left, roots[1]);
}

static void test_hub(void **state)
{
    (void)state;
    for (int cyclic = 0; cyclic < 2; cyclic++) {
        struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
        ROOTS_PUSH(w.t, 2);
        build_hub(&w, roots, cyclic);
        assert_int_equal(live_after_collect(&w), REFERRERS + 1);
        assert_int_equal(world_stats(&w).overflowed_counts, 1);
        assert_verifies(&w);
        if (cyclic) {
            roots[1] = NULL; /* the hub holds them */
            assert_int_equal(live_after_collect(&w), REFERRERS + 1);
            roots[0] = NULL;
            assert_int_equal(live_after_collect(&w), 0);
            assert_int_equal(world_stats(&w).cycle_objects_freed, REFERRERS + 1);
        } else {
            roots[0] = NULL; /* they hold the hub */
            assert_int_equal(live_after_collect(&w), REFERRERS + 1);
            roots[1] = NULL;
            assert_int_equal(live_after_collect(&w), 0);
        }
        assert_int_equal(world_stats(&w).overflowed_counts, 0);
        ROOTS_POP(w.t);
        world_close(&w);
    }
}

/* Several hubs at once, whose referrers come and go at random. */
static void test_hubs_at_random(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 64 << 10;
    config.log_bytes_epoch = 64 << 10;
    struct world w = world_open_with(&config);
    uint64_t random = support_seed(__func__);
    enum { HUBS = 20, SLOTS = 3000 };
    ROOTS_PUSH(w.t, 1 + HUBS);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, SLOTS);
    for (int i = 0; i < HUBS; i++)
        roots[1 + i] = node_new(&w);
    for (int i = 0; i < SUPPORT_SCALE(500000, 50000); i++) {
        uint64_t r = support_random(&random);
        size_t hub = r >> 32 & 1 ? r % HUBS : r % 2; /* some of them often */
        array_put(w.t, array, (r >> 40) % SLOTS, (r >> 33) % 8 ? roots[1 + hub] : NULL);
    }
    assert_verifies(&w);
    for (int i = 0; i < HUBS; i++)
        roots[1 + i] = NULL;
    uint64_t left = 1, seen = 0;
    for (size_t i = 0; i < SLOTS; i++) /* count distinct ones by marking them */
        if (array->slots[i] != NULL && ((struct node *)array->slots[i])->value++ == 0)
            left++;
        else
            seen++;
    (void)seen;
    assert_int_equal(live_after_collect(&w), left);
    eddy_fill_refs(w.t, array, array->slots, NULL, SLOTS);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).overflowed_counts, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- object map ---- */

enum { KEYS = 700 };

static void test_object_map_against_an_array(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    uint64_t random = support_seed(__func__), expected[KEYS] = {0};
    bool present[KEYS] = {false};
    size_t count = 0;
    struct object_map map;
    eddy__map_init(&map, w.heap);
    assert_null(eddy__map_find(&map, &map));
    for (int step = 0; step < 200000; step++) {
        uint64_t r = support_random(&random);
        size_t k = r % KEYS % (step / 50000 % 2 ? 50 : KEYS);               /* grows, shrinks in number, grows again */
        void *key = (void *)(uintptr_t)((k + 1) * 16 * (k % 3 ? 1 : 4096)); /* near each other, and far apart */
        struct object_map_entry *entry = eddy__map_find(&map, key);
        assert_int_equal(entry != NULL, present[k]);
        if (present[k])
            assert_int_equal(entry->value, expected[k]);
        if (r >> 60 < 6) {
            entry = eddy__map_get(&map, key);
            assert_int_equal(entry->value, expected[k]);
            entry->value = expected[k] = r;
            count += !present[k];
            present[k] = true;
        } else if (present[k]) {
            eddy__map_remove(&map, entry);
            count--;
            present[k] = false;
            expected[k] = 0;
        }
        assert_int_equal(map.count, count);
    }
    for (size_t k = 0; k < KEYS; k++) {
        void *key = (void *)(uintptr_t)((k + 1) * 16 * (k % 3 ? 1 : 4096));
        assert_int_equal(eddy__map_find(&map, key) != NULL, present[k]);
    }
    eddy__map_free(&map);
    assert_int_equal(map.count, 0);
    world_close(&w);
}

/* ---- vector ---- */

static void test_vector(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    uint64_t committed = world_stats(&w).committed_bytes;
    struct vector v;
    eddy__vector_init(&v, w.heap, sizeof(void *));
    const size_t n = 1000000;
    for (size_t i = 0; i < n; i++)
        vector_push(&v, (void *)(i * 16));
    assert_int_equal(v.count, n);
    assert_true(v.room >= n);
    assert_true(world_stats(&w).committed_bytes >= committed + n * sizeof(void *)); /* charged to the heap */
    for (size_t i = 0; i < n; i += 997)
        assert_ptr_equal(vector_at(&v, i), (void *)(i * 16));
    for (size_t i = n; i-- > n / 100;)
        assert_ptr_equal(vector_pop(&v), (void *)(i * 16));
    eddy__vector_trim(&v);
    assert_true(v.room < n / 4);
    for (size_t i = 0; i < v.count; i++)
        assert_ptr_equal(vector_at(&v, i), (void *)(i * 16));
    eddy__vector_free(&v);
    assert_int_equal(world_stats(&w).committed_bytes, committed);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_follow_references),
        cmocka_unit_test(test_death_in_the_table),
        cmocka_unit_test(test_hub),
        cmocka_unit_test(test_hubs_at_random),
        cmocka_unit_test(test_object_map_against_an_array),
        cmocka_unit_test(test_vector),
    };
    return RUN_TESTS("counts", tests);
}
