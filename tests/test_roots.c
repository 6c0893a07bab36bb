/* Roots: frames of handles, root slots, retained references, the conservative scan of C stacks, interior
 * pointers, keep_alive. What none of them holds is reclaimed; what one of them holds is not. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

/* ---- frames ---- */

static void test_only_frames_hold_on_precise_heaps(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct node *volatile on_the_stack[10];
    for (int i = 0; i < 10; i++)
        on_the_stack[i] = node_new(&w);
    ROOTS_PUSH(w.t, 3);
    for (int i = 0; i < 3; i++)
        roots[i] = node_new(&w);
    assert_int_equal(live_after_collect(&w), 3);
    assert_int_equal(world_stats(&w).roots_accepted, 0);
    roots[1] = NULL; /* slots are plain memory */
    assert_int_equal(live_after_collect(&w), 2);
    roots[2] = roots[0]; /* the same object twice */
    assert_int_equal(live_after_collect(&w), 1);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    (void)on_the_stack;
    world_close(&w);
}

static uint64_t frames_to_depth(struct world *w, int depth)
{
    ROOTS_PUSH(w->t, 2);
    struct node *n = roots[0] = node_new(w);
    n->value = (uint64_t)depth;
    uint64_t deepest = depth == 0 ? live_after_collect(w) : frames_to_depth(w, depth - 1);
    assert_int_equal(((struct node *)roots[0])->value, depth);
    roots[0] = NULL;
    ROOTS_POP(w->t);
    return deepest;
}

static void test_nested_frames(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(frames_to_depth(&w, 200), 201);
    assert_int_equal(live_after_collect(&w), 0);
    eddy_frame empty;
    eddy_frame_push(w.t, &empty, NULL, 0);
    assert_int_equal(live_after_collect(&w), 0);
    eddy_frame_pop(w.t, &empty);
    world_close(&w);
}

static void test_frames_work_on_conservative_heaps_too(void **state)
{
    (void)state;
    struct world w = world_open(0);
    void **slots = calloc(50, sizeof *slots); /* not on the stack: nothing but the frame holds these */
    eddy_frame frame;
    eddy_frame_push(w.t, &frame, slots, 50);
    for (int i = 0; i < 50; i++)
        slots[i] = node_new(&w);
    assert_true(live_after_collect(&w) >= 50);
    for (int i = 0; i < 50; i++)
        assert_ptr_equal(eddy_object_at(w.heap, slots[i]), slots[i]);
    eddy_frame_pop(w.t, &frame);
    free(slots);
    world_close(&w);
}

/* ---- root slots ---- */

static void *global_slots[3];

static void test_root_slots(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    for (int i = 0; i < 3; i++) {
        global_slots[i] = &w; /* whatever was there is overwritten */
        assert_int_equal(eddy_root_add(w.t, &global_slots[i]), EDDY_OK);
        assert_null(eddy_root_load(w.t, &global_slots[i]));
        eddy_root_store(w.t, &global_slots[i], node_new(&w));
    }
    assert_int_equal(live_after_collect(&w), 3);
    eddy_root_store(w.t, &global_slots[0], eddy_root_load(w.t, &global_slots[1]));
    assert_int_equal(live_after_collect(&w), 2);
    assert_verifies(&w);

    assert_int_equal(eddy_root_add(w.t, &global_slots[1]), EDDY_EBUSY); /* changing nothing */
    assert_non_null(eddy_root_load(w.t, &global_slots[1]));
    assert_int_equal(eddy_root_remove(w.t, &global_slots[2]), EDDY_OK);
    assert_null(global_slots[2]);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(eddy_root_remove(w.t, &global_slots[2]), EDDY_EINVAL);
    void *never_added;
    assert_int_equal(eddy_root_remove(w.t, &never_added), EDDY_EINVAL);
    assert_int_equal(eddy_root_add(w.t, &global_slots[2]), EDDY_OK); /* again */

    eddy_root_store(w.t, &global_slots[0], NULL);
    eddy_root_store(w.t, &global_slots[1], NULL);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(eddy_root_remove(w.t, &global_slots[1]), EDDY_OK); /* out of order */
    assert_int_equal(eddy_root_remove(w.t, &global_slots[0]), EDDY_OK);
    world_close(&w); /* slot 2 is still registered */
}

static void *root_slot_thread(void *argument)
{
    struct world mine = *(struct world *)argument;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    void *own;
    CHECK(eddy_root_add(mine.t, &own) == EDDY_OK);
    for (int i = 0; i < SUPPORT_SCALE(20000, 2000); i++) {
        struct node *n = node_new(&mine);
        EDDY_SET(mine.t, n, left, eddy_root_load(mine.t, &global_slots[0]));
        eddy_root_store(mine.t, &own, n);
        if (i % 3 == 0)
            eddy_root_store(mine.t, &global_slots[0], i % 30 ? eddy_root_load(mine.t, &own) : NULL);
    }
    CHECK(eddy_root_remove(mine.t, &own) == EDDY_OK);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_root_slots_shared_by_threads(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 128 << 10;
    struct world w = world_open_with(&config);
    assert_int_equal(eddy_root_add(w.t, &global_slots[0]), EDDY_OK);
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, root_slot_thread, &w), 0);
    eddy_native_enter(w.t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_verifies(&w);
    assert_int_equal(eddy_root_remove(w.t, &global_slots[0]), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* ---- retained references ---- */

static void test_retain_and_release(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct node *n = node_new(&w);
    eddy_retain(w.t, n);
    eddy_retain(w.t, NULL);
    eddy_release(w.t, NULL);
    for (int i = 0; i < 299; i++) /* more than a count byte holds */
        eddy_retain(w.t, n);
    for (int i = 0; i < 299; i++) {
        if (i % 100 == 0) {
            assert_int_equal(live_after_collect(&w), 1);
            assert_verifies(&w);
        }
        eddy_release(w.t, n);
    }
    assert_int_equal(live_after_collect(&w), 1);
    n->value = 7; /* still ours */
    eddy_release(w.t, n);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).misused_releases, 0);
    world_close(&w);
}

static void test_releases_without_a_retain_free_nothing(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    eddy_release(w.t, n);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).misused_releases, 1);
    eddy_retain(w.t, n);
    eddy_release(w.t, n);
    eddy_release(w.t, n);
    eddy_release(w.t, n);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).misused_releases, 3);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* A reference is handed over outside the heap, and released by another thread than the one that retained it. */
struct mailbox {
    struct world w;
    struct node *letter; /* atomic */
};

static void *receiver_main(void *argument)
{
    struct mailbox *box = argument;
    struct world mine = box->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    for (uint64_t i = 1; i <= 300; i++) {
        struct node *n = NULL;
        WAIT_UNTIL((eddy_safepoint(mine.t), n = EDDY_EXCHANGE_ACQ_REL(&box->letter, NULL)) != NULL);
        CHECK(n->value == i && n->left->value == i + 1);
        eddy_release(mine.t, n);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_handing_over_to_another_thread(void **state)
{
    (void)state;
    struct mailbox box = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    struct world *w = &box.w;
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, receiver_main, &box), 0);
    ROOTS_PUSH(w->t, 1);
    for (uint64_t i = 1; i <= 300; i++) {
        struct node *inner = roots[0] = node_new(w);
        inner->value = i + 1;
        struct node *outer = node_new(w);
        outer->value = i;
        EDDY_SET(w->t, outer, left, roots[0]);
        eddy_retain(w->t, outer);
        EDDY_STORE_RELEASE(&box.letter, outer);
        roots[0] = NULL;
        WAIT_UNTIL((eddy_safepoint(w->t), EDDY_LOAD_ACQUIRE(&box.letter) == NULL));
        if (i % 50 == 0)
            eddy_collect_hint(w->heap);
    }
    eddy_native_enter(w->t);
    pthread_join(id, NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
    assert_int_equal(live_after_collect(w), 0);
    assert_int_equal(world_stats(w).misused_releases, 0);
    ROOTS_POP(w->t);
    world_close(w);
}

/* ---- conservative scans ---- */

#define HIDDEN 200

/* Addresses as the scan cannot recognise them. */
static uintptr_t hide(const void *p)
{
    return ~(uintptr_t)p;
}

static size_t surviving(const struct world *w, const uintptr_t *hidden)
{
    size_t found = 0;
    for (int i = 0; i < HIDDEN; i++)
        found += eddy_object_at(w->heap, (void *)~hidden[i]) == (void *)~hidden[i];
    return found;
}

/* Makes objects and keeps words `offset` bytes into them on the stack, while a collection runs. */
__attribute__((noinline)) static size_t survive_by_words(struct world *w, size_t offset, uint64_t *ambiguous)
{
    uintptr_t hidden[HIDDEN];
    volatile uintptr_t words[HIDDEN];
    for (int i = 0; i < HIDDEN; i++) {
        char *n = eddy_alloc_bytes(w->t, 56);
        hidden[i] = hide(n);
        words[i] = (uintptr_t)n + offset;
    }
    eddy_collect_report report;
    assert_int_equal(eddy_collect(w->t, 0, &report), EDDY_OK);
    if (ambiguous != NULL)
        *ambiguous = report.ambiguous_objects;
    size_t found = surviving(w, hidden);
    for (int i = 0; i < HIDDEN; i++) {
        assert_int_equal(words[i], ~hidden[i] + offset);
        words[i] = 0;
    }
    return found;
}

static void test_words_on_the_stack_hold(void **state)
{
    (void)state;
    struct world w = world_open(0);
    uint64_t ambiguous = 0;
    assert_int_equal(survive_by_words(&w, 0, &ambiguous), HIDDEN);
    assert_true(ambiguous >= HIDDEN);
    assert_true(world_stats(&w).roots_accepted >= HIDDEN);
    assert_true(live_after_collect(&w) < HIDDEN / 2); /* a stale word may hold one or the other */
    world_close(&w);
}

static void test_interior_words_hold_only_when_asked_for(void **state)
{
    (void)state;
    static const size_t offsets[] = {1, 8, 15, 32, 55};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct world w = world_open(EDDY_HEAP_INTERIOR_POINTERS);
        assert_int_equal(survive_by_words(&w, offsets[i], NULL), HIDDEN);
        world_close(&w);
        w = world_open(0);
        assert_true(survive_by_words(&w, offsets[i], NULL) < HIDDEN / 2);
        assert_true(world_stats(&w).roots_refused >= HIDDEN / 2);
        world_close(&w);
    }
    struct world w = world_open(EDDY_HEAP_INTERIOR_POINTERS);
    assert_true(survive_by_words(&w, 56, NULL) < HIDDEN / 2); /* one past the end: the next header */
    world_close(&w);
}

/* A large object, held by a word far behind its beginning. */
__attribute__((noinline)) static bool large_survives(struct world *w, size_t offset)
{
    volatile uintptr_t word;
    uintptr_t hidden;
    {
        char *large = eddy_alloc_bytes(w->t, 200000);
        hidden = hide(large);
        word = (uintptr_t)large + offset;
    }
    assert_int_equal(eddy_collect(w->t, 0, NULL), EDDY_OK);
    bool found = eddy_object_at(w->heap, (void *)~hidden) != NULL;
    word = 0;
    (void)word;
    return found;
}

static void test_interior_words_of_large_objects(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_INTERIOR_POINTERS);
    assert_true(large_survives(&w, 0));
    assert_true(large_survives(&w, 40000));
    assert_true(large_survives(&w, 199999));
    world_close(&w);
}

/* Deep in calls, every frame's locals are roots; a register may be all that holds the newest. */
__attribute__((noinline)) static uint64_t deep(struct world *w, int depth)
{
    struct node *n = node_new(w);
    n->value = (uint64_t)depth;
    uint64_t sum = depth == 0 ? (live_after_collect(w), 0) : deep(w, depth - 1);
    assert_int_equal(n->value, depth);
    eddy_keep_alive(n);
    return sum + n->value;
}

static void test_locals_of_deep_calls(void **state)
{
    (void)state;
    struct world w = world_open(0);
    assert_int_equal(deep(&w, 500), 500 * 501 / 2);
    world_close(&w);
}

static void test_keep_alive(void **state)
{
    (void)state;
    struct world w = world_open(0);
    for (int i = 0; i < 20; i++) {
        struct node *n = node_new(&w);
        struct node *inner = node_new(&w);
        inner->value = 100 + (uint64_t)i;
        EDDY_SET(w.t, n, left, inner);
        uint64_t *value = &inner->value; /* interior: does not hold on this heap */
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        assert_int_equal(*value, 100 + i);
        eddy_keep_alive(n);
    }
    world_close(&w);
}

/* ---- a graph that only one kind of root holds, by turns ---- */

static void test_taking_turns(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    assert_int_equal(eddy_root_add(w.t, &global_slots[0]), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    for (int i = 0; i < 99; i++) {
        n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    for (int i = 0; i < 10; i++) {
        eddy_root_store(w.t, &global_slots[0], n);
        roots[0] = NULL;
        world_step(&w, 1 + (unsigned)i % 3);
        eddy_retain(w.t, n);
        eddy_root_store(w.t, &global_slots[0], NULL);
        world_step(&w, 1 + (unsigned)i % 4);
        roots[0] = n;
        eddy_release(w.t, n);
        world_step(&w, 1 + (unsigned)i % 3);
        assert_int_equal(world_stats(&w).live_objects, 100);
    }
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(eddy_root_remove(w.t, &global_slots[0]), EDDY_OK);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_frames_hold_on_precise_heaps),
        cmocka_unit_test(test_nested_frames),
        cmocka_unit_test(test_frames_work_on_conservative_heaps_too),
        cmocka_unit_test(test_root_slots),
        cmocka_unit_test(test_root_slots_shared_by_threads),
        cmocka_unit_test(test_retain_and_release),
        cmocka_unit_test(test_releases_without_a_retain_free_nothing),
        cmocka_unit_test(test_handing_over_to_another_thread),
        cmocka_unit_test(test_words_on_the_stack_hold),
        cmocka_unit_test(test_interior_words_hold_only_when_asked_for),
        cmocka_unit_test(test_interior_words_of_large_objects),
        cmocka_unit_test(test_locals_of_deep_calls),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_taking_turns),
    };
    return RUN_TESTS("roots", tests);
}
