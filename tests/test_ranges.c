/* Ambiguous ranges: memory outside the heap that is scanned conservatively. */
#include "tests/support.h"

#define WORDS 300

static void *static_words[WORDS];

/* Addresses as no scan of the C stack recognises them. */
static uintptr_t hidden[WORDS];

/* Objects that the range alone holds. In a call of its own, so that nothing stays on the stack. */
__attribute__((noinline)) static void fill(struct world *w, void **words, size_t n, size_t offset)
{
    for (size_t i = 0; i < n; i++) {
        char *object = eddy_alloc_bytes(w->t, 56);
        memset(object, (int)i, 56);
        words[i] = object + offset;
        hidden[i] = ~(uintptr_t)object;
    }
}

static size_t surviving(const struct world *w, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += eddy_object_at(w->heap, (void *)~hidden[i]) == (void *)~hidden[i];
    return found;
}

static void test_a_range_holds(void **state)
{
    (void)state;
    static const unsigned flags[] = {EDDY_HEAP_PRECISE_ROOTS, EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL, 0};
    for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++) {
        struct world w = world_open(flags[f]);
        bool precise = (flags[f] & EDDY_HEAP_PRECISE_ROOTS) != 0;
        assert_int_equal(eddy_root_range_add(w.t, static_words, static_words + WORDS), EDDY_OK);
        fill(&w, static_words, WORDS, 0);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
            assert_int_equal(surviving(&w, WORDS), WORDS);
            assert_verifies(&w);
        }
        for (size_t i = 0; i < WORDS; i++)
            assert_int_equal(((unsigned char *)static_words[i])[55], i % 256);
        for (size_t i = 0; i < WORDS; i += 3) /* plain memory */
            static_words[i] = NULL;
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        assert_true(surviving(&w, WORDS) <= (precise ? WORDS / 3 * 2 : WORDS - WORDS / 6));
        eddy_native_enter(w.t);
        eddy_native_leave(w.t);
        assert_int_equal(eddy_root_range_remove(w.t, static_words), EDDY_OK);
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        assert_true(surviving(&w, WORDS) <= (precise ? 0 : WORDS / 4));
        memset(static_words, 0, sizeof static_words);
        world_close(&w);
    }
}

/* A reference wanders between a handle and the range, an epoch at a time. */
static void test_a_reference_moves_in_and_out(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    assert_int_equal(eddy_root_range_add(w.t, static_words, static_words + 2), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    n->value = 99;
    for (unsigned i = 0; i < 40; i++) {
        if (i % 2 == 0) {
            static_words[i / 2 % 2] = roots[0];
            roots[0] = NULL;
        } else {
            roots[0] = static_words[i / 2 % 2];
            static_words[i / 2 % 2] = NULL;
        }
        world_step(&w, i % 5);
        assert_int_equal(n->value, 99);
        assert_ptr_equal(eddy_object_at(w.heap, n), n);
    }
    assert_int_equal(live_after_collect(&w), 1);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w); /* removes the range */
    struct world again = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(eddy_root_range_remove(again.t, static_words), EDDY_EINVAL);
    world_close(&again);
}

static void test_bounds_and_addresses_inside(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_INTERIOR_POINTERS);
    char *odd = (char *)(static_words + 1) - 3; /* the first and the last word are not wholly inside */
    assert_int_equal(eddy_root_range_add(w.t, odd - 2, (char *)(static_words + 10) + 7), EDDY_OK);
    fill(&w, static_words, 12, 17);
    assert_int_equal(live_after_collect(&w), 9);
    assert_null(eddy_object_at(w.heap, (void *)~hidden[0]));
    assert_null(eddy_object_at(w.heap, (void *)~hidden[10]));
    assert_non_null(eddy_object_at(w.heap, (void *)~hidden[9]));
    assert_int_equal(eddy_root_range_remove(w.t, odd - 2), EDDY_OK);
    world_close(&w);

    w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(eddy_root_range_add(w.t, static_words, static_words + 10), EDDY_OK);
    assert_int_equal(eddy_root_range_add(w.t, static_words + 20, static_words + 30), EDDY_OK);
    assert_int_equal(eddy_root_range_add(w.t, static_words + 40, static_words + 40), EDDY_OK);
    fill(&w, static_words, 50, 0);
    assert_int_equal(live_after_collect(&w), 20);
    assert_int_equal(eddy_root_range_remove(w.t, static_words), EDDY_OK); /* out of order */
    assert_int_equal(live_after_collect(&w), 10);
    static_words[25] = (char *)static_words[25] + 1; /* no address of an object on this heap */
    assert_int_equal(live_after_collect(&w), 9);
    world_close(&w);
    memset(static_words, 0, sizeof static_words);
}

static void test_errors(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(eddy_root_range_add(w.t, static_words + 1, static_words), EDDY_EINVAL);
    assert_int_equal(eddy_root_range_add(w.t, static_words, static_words + 1), EDDY_OK);
    assert_int_equal(eddy_root_range_add(w.t, static_words, static_words + 2), EDDY_EINVAL);
    assert_int_equal(eddy_root_range_remove(w.t, static_words + 1), EDDY_EINVAL);
    eddy_native_enter(w.t);
    assert_int_equal(eddy_root_range_add(w.t, static_words + 1, static_words + 2), EDDY_EBUSY);
    assert_int_equal(eddy_root_range_remove(w.t, static_words), EDDY_EBUSY);
    eddy_native_leave(w.t);
    assert_int_equal(eddy_root_range_remove(w.t, static_words), EDDY_OK);
    assert_int_equal(eddy_root_range_remove(w.t, static_words), EDDY_EINVAL);
    world_close(&w);
}

/* ---- threads, each with a range, that pass objects on through the heap ---- */

struct exchange {
    struct world w;
    eddy_array *shared; /* retained */
    uint64_t seed;
};

static void *exchange_main(void *argument)
{
    const struct exchange *x = argument;
    struct world mine = x->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    void **words = calloc(64, sizeof *words);
    CHECK(eddy_root_range_add(mine.t, words, words + 64) == EDDY_OK);
    uint64_t random = (x->seed ^ (uintptr_t)words) | 1;
    for (int i = 0; i < SUPPORT_SCALE(30000, 3000); i++) {
        uint64_t r = support_random(&random);
        size_t mine_at = r >> 8 & 63, shared_at = r >> 16 & 15;
        if (r % 4 == 0) {
            struct node *n = words[mine_at] = node_new(&mine);
            n->value = (uint64_t)(uintptr_t)n ^ 0x5a5a;
        } else if (r % 4 == 1) {
            words[mine_at] = eddy_load(mine.t, &x->shared->slots[shared_at]);
        } else if (r % 4 == 2) {
            array_put(mine.t, x->shared, shared_at, words[mine_at]);
        } else {
            words[mine_at] = eddy_exchange(mine.t, x->shared, &x->shared->slots[shared_at], words[mine_at]);
        }
        const struct node *n = words[r >> 24 & 63];
        if (n != NULL)
            CHECK(n->value == ((uint64_t)(uintptr_t)n ^ 0x5a5a));
        if (r % 512 == 0)
            eddy_collect_hint(mine.heap);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    free(words);
    return NULL;
}

static void test_threads_with_ranges(void **state)
{
    (void)state;
    struct exchange x = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS), .seed = support_seed(__func__)};
    x.shared = eddy_alloc_array(x.w.t, 16);
    eddy_retain(x.w.t, x.shared);
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, exchange_main, &x), 0);
    eddy_native_enter(x.w.t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(x.w.t);
    assert_checks_passed();
    assert_verifies(&x.w);
    eddy_release(x.w.t, x.shared);
    assert_int_equal(live_after_collect(&x.w), 0);
    world_close(&x.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_holds),
        cmocka_unit_test(test_a_reference_moves_in_and_out),
        cmocka_unit_test(test_bounds_and_addresses_inside),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_threads_with_ranges),
    };
    return RUN_TESTS("ranges", tests);
}
