/* Collection: acyclic garbage, a very long list, garbage cycles of many shapes, live and dead mixed; what is left is
 * exactly what the test knows to be reachable. Reports, and the time-out. */
#include "tests/support.h"

#include <sched.h>

#include "runtime/heap/heap.h"

/* ---- acyclic ---- */

static void test_trees(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 14); /* a tree under construction per level */
    for (int round = 0; round < 10; round++) {
        for (uint64_t leaf = 0; leaf < 1 << 12; leaf++) {
            int level = 0;
            struct node *n = node_new(&w);
            while (roots[level] != NULL) { /* two trees of a height make one of the next */
                roots[13] = n;
                struct node *parent = node_new(&w);
                EDDY_SET(w.t, parent, left, roots[level]);
                EDDY_SET(w.t, parent, right, roots[13]);
                roots[level++] = NULL;
                n = parent;
            }
            roots[level] = n;
        }
        assert_int_equal(live_after_collect(&w), (1 << 13) - 1);
        assert_verifies(&w);
        roots[12] = roots[13] = NULL;
    }
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).cycles_freed, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Freed without recursion: the collector's stack would not be large enough. */
static void test_a_long_list(void **state)
{
    (void)state;
    const uint64_t length = SUPPORT_SCALE(10000000, 1000000);
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    for (uint64_t i = 0; i < length; i++) {
        struct node *n = node_new(&w);
        n->value = i;
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    assert_int_equal(live_after_collect(&w), length);
    uint64_t expected = length;
    for (const struct node *n = roots[0]; n != NULL; n = n->left)
        if (n->value != --expected)
            fail_msg("node %llu is wrong", (unsigned long long)expected);
    assert_int_equal(expected, 0);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).live_bytes, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* The same for a search of cycles: a ring as long. */
static void test_a_long_ring(void **state)
{
    (void)state;
    const uint64_t length = SUPPORT_SCALE(3000000, 500000);
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 2);
    struct node *first = roots[1] = roots[0] = node_new(&w);
    for (uint64_t i = 1; i < length; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    EDDY_SET(w.t, first, left, roots[0]);
    roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), length);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).cycle_objects_freed, length);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- shapes of cycles; each builder returns its entry in roots[0] and the number of objects that hang from it ---- */

struct build {
    struct world w;
    void **roots; /* [0] the entry, others free */
    uint64_t random;
};

static struct node *add_node(struct build *b)
{
    return node_new(&b->w);
}

static uint64_t self_loop(struct build *b)
{
    struct node *n = b->roots[0] = add_node(b);
    EDDY_SET(b->w.t, n, left, n);
    return 1;
}

static uint64_t double_self_loop(struct build *b)
{
    self_loop(b);
    struct node *n = b->roots[0];
    EDDY_SET(b->w.t, n, right, n);
    return 1;
}

static uint64_t pair(struct build *b)
{
    b->roots[0] = add_node(b);
    b->roots[1] = add_node(b);
    EDDY_SET(b->w.t, (struct node *)b->roots[0], left, b->roots[1]);
    EDDY_SET(b->w.t, (struct node *)b->roots[1], left, b->roots[0]);
    return 2;
}

static uint64_t doubly_linked_list(struct build *b)
{
    b->roots[0] = b->roots[1] = add_node(b);
    for (int i = 1; i < 1000; i++) {
        struct node *n = add_node(b);
        EDDY_SET(b->w.t, n, left, b->roots[1]);
        struct node *last = b->roots[1];
        b->roots[1] = n;
        EDDY_SET(b->w.t, last, right, b->roots[1]);
    }
    return 1000;
}

/* A row of rings, each of which refers to the next. */
static uint64_t chain_of_cycles(struct build *b)
{
    b->roots[0] = NULL;
    for (int i = 0; i < 500; i++) {
        struct node *a = b->roots[1] = add_node(b);
        struct node *c = b->roots[2] = add_node(b);
        a = b->roots[1];
        EDDY_SET(b->w.t, a, left, c);
        EDDY_SET(b->w.t, c, left, a);
        EDDY_SET(b->w.t, c, right, b->roots[0]);
        b->roots[0] = b->roots[1];
    }
    return 1000;
}

/* All refer to all. */
static uint64_t clique(struct build *b)
{
    enum { N = 60 };
    eddy_array *list = b->roots[1] = eddy_alloc_array(b->w.t, N);
    for (size_t i = 0; i < N; i++)
        array_put(b->w.t, list, i, eddy_alloc_array(b->w.t, N));
    for (size_t i = 0; i < N; i++)
        eddy_copy_refs(b->w.t, list->slots[i], ((eddy_array *)list->slots[i])->slots, list, list->slots, N);
    b->roots[0] = list->slots[0];
    return N;
}

static uint64_t random_graph(struct build *b)
{
    enum { N = 400 };
    eddy_array *list = b->roots[1] = eddy_alloc_array(b->w.t, N);
    for (size_t i = 0; i < N; i++)
        array_put(b->w.t, list, i, add_node(b));
    for (size_t i = 0; i < N; i++) { /* a spine keeps everything reachable from the first */
        struct node *n = list->slots[i];
        EDDY_SET(b->w.t, n, left, i + 1 < N ? list->slots[i + 1] : NULL);
        EDDY_SET(b->w.t, n, right, list->slots[support_random(&b->random) % N]);
    }
    b->roots[0] = list->slots[0];
    return N;
}

/* A small ring that holds a large tree, and a tree that holds small rings. */
static uint64_t ring_with_trees(struct build *b)
{
    b->roots[1] = NULL;
    for (int i = 0; i < 300; i++) {
        struct node *n = add_node(b);
        EDDY_SET(b->w.t, n, left, b->roots[1]);
        b->roots[1] = n;
        struct node *ring = b->roots[2] = add_node(b);
        EDDY_SET(b->w.t, ring, left, ring);
        EDDY_SET(b->w.t, (struct node *)b->roots[1], right, b->roots[2]);
    }
    struct node *top = b->roots[0] = add_node(b);
    EDDY_SET(b->w.t, top, left, b->roots[1]);
    EDDY_SET(b->w.t, (struct node *)b->roots[0], right, b->roots[0]);
    return 601;
}

/* Rings that share a node with the next one: one component of many rings. */
static uint64_t daisy(struct build *b)
{
    struct node *centre = b->roots[0] = add_node(b);
    eddy_array *petals = b->roots[1] = eddy_alloc_array(b->w.t, 40);
    EDDY_SET(b->w.t, (struct node *)b->roots[0], left, petals);
    for (size_t i = 0; i < 40; i++) {
        struct node *n = add_node(b);
        EDDY_SET(b->w.t, n, left, b->roots[0]);
        array_put(b->w.t, b->roots[1], i, n);
    }
    (void)centre;
    return 42;
}

typedef uint64_t builder(struct build *b);

static builder *const builders[] = {self_loop,    double_self_loop, pair, doubly_linked_list, chain_of_cycles, clique,
                                    random_graph, ring_with_trees,  daisy};
#define BUILDERS (sizeof builders / sizeof builders[0])

/* Drops the builder's scratch handles. */
static void keep_entry_only(struct build *b)
{
    for (int i = 1; i < 4; i++)
        b->roots[i] = NULL;
}

static void test_shapes(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++)
        for (size_t i = 0; i < BUILDERS; i++) {
            struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | (manual ? EDDY_HEAP_MANUAL : 0));
            ROOTS_PUSH(w.t, 4);
            struct build b = {.w = w, .roots = roots, .random = 12345 + i};
            uint64_t size = builders[i](&b);
            keep_entry_only(&b);
            assert_int_equal(live_after_collect(&w), size);
            assert_verifies(&w);
            roots[0] = NULL; /* all of it has been counted by now: cycle detection's case */
            assert_int_equal(live_after_collect(&w), 0);
            assert_int_equal(world_stats(&w).live_bytes, 0);
            ROOTS_POP(w.t);
            world_close(&w);
        }
}

/* All shapes at once, some of them dropped, some kept, again and again. */
static void test_live_and_dead_mixed(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 64 << 10; /* many epochs while the graphs are being built */
    struct world w = world_open_with(&config);
    enum { GRAPHS = 64 };
    ROOTS_PUSH(w.t, 4 + GRAPHS);
    void **kept = roots + 4;
    uint64_t sizes[GRAPHS] = {0}, total = 0;
    struct build b = {.w = w, .roots = roots, .random = support_seed(__func__)};
    for (int step = 0; step < SUPPORT_SCALE(2000, 300); step++) {
        size_t at = support_random(&b.random) % GRAPHS;
        total -= sizes[at];
        kept[at] = NULL;
        sizes[at] = 0;
        if (support_random(&b.random) % 4 != 0) {
            sizes[at] = builders[support_random(&b.random) % BUILDERS](&b);
            kept[at] = roots[0];
            total += sizes[at];
        }
        keep_entry_only(&b);
        roots[0] = NULL;
        if (step % 100 == 99)
            assert_int_equal(live_after_collect(&w), total);
    }
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* Cycles that refer to live objects, and live objects that referred to cycles: only the cycles go. */
static void test_cycles_tied_to_live_objects(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 4);
    enum { N = 200 };
    eddy_array *live = roots[3] = eddy_alloc_array(w.t, N);
    for (size_t i = 0; i < N; i++)
        array_put(w.t, live, i, node_new(&w));
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < N; i++) { /* live -> ring, ring -> another live one */
            struct build b = {.w = w, .roots = roots};
            pair(&b);
            EDDY_SET(w.t, (struct node *)roots[1], right, live->slots[i * 7 % N]);
            EDDY_SET(w.t, (struct node *)live->slots[i], left, roots[0]);
        }
        roots[0] = roots[1] = NULL;
        assert_int_equal(live_after_collect(&w), 1 + 3 * N);
        for (size_t i = 0; i < N; i += 2)
            EDDY_SET(w.t, (struct node *)live->slots[i], left, NULL);
        assert_int_equal(live_after_collect(&w), 1 + 2 * N);
        assert_verifies(&w);
    }
    roots[3] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* A long chain of small cycles, each of which only the one before holds: one call frees all of it. */
static void chain_grown_from(bool head_last)
{
    const uint64_t cycles = SUPPORT_SCALE(300000, 60000);
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 4);
    struct build b = {.w = w, .roots = roots};
    for (uint64_t i = 0; i < cycles; i++) {
        roots[2] = roots[0];
        pair(&b);
        if (head_last)
            EDDY_SET(w.t, (struct node *)roots[1], right, roots[2]);
        else if (i != 0)
            EDDY_SET(w.t, (struct node *)roots[2], right, roots[0]);
        else
            roots[3] = roots[0];
    }
    if (head_last)
        roots[3] = roots[0];
    roots[0] = roots[1] = roots[2] = NULL;
    assert_int_equal(live_after_collect(&w), 2 * cycles);
    roots[3] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).cycles_freed, cycles);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_a_long_chain_of_cycles(void **state)
{
    (void)state;
    chain_grown_from(true);
    chain_grown_from(false);
}

/* ---- reports ---- */

static void test_report(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 4);
    struct build b = {.w = w, .roots = roots};
    for (int i = 0; i < 10; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[3]);
        roots[3] = n;
    }
    pair(&b);
    eddy_collect_report report;
    assert_int_equal(eddy_collect(w.t, 0, &report), EDDY_OK);
    assert_int_equal(report.live_bytes, 12 * 32);
    assert_int_equal(report.late_threads, 0);
    assert_int_equal(report.ambiguous_objects, 0);
    assert_true(report.epochs >= 2);
    roots[0] = roots[1] = NULL;
    roots[3] = NULL;
    assert_int_equal(eddy_collect(w.t, 0, &report), EDDY_OK);
    assert_int_equal(report.objects_freed, 12);
    assert_int_equal(report.cycles_freed, 1);
    assert_int_equal(report.live_bytes, 0);
    assert_int_equal(eddy_collect(w.t, 10000, &report), EDDY_OK); /* nothing left to do */
    assert_int_equal(report.objects_freed, 0);
    assert_int_equal(report.cycles_freed, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- time-out ---- */

struct stubborn {
    struct world w;
    int running, poll, stop; /* atomic */
};

static void *stubborn_main(void *argument)
{
    struct stubborn *s = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(s->w.heap, &t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&s->running, 1);
    while (EDDY_LOAD_SEQ_CST(&s->stop) == 0) {
        if (EDDY_LOAD_SEQ_CST(&s->poll) != 0)
            eddy_safepoint(t);
        support_nap();
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void timeout(unsigned flags)
{
    struct stubborn s = {.w = world_open(flags | EDDY_HEAP_PRECISE_ROOTS)};
    struct world *w = &s.w;
    ROOTS_PUSH(w->t, 1);
    pthread_t ids[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, stubborn_main, &s), 0);
    eddy_native_enter(w->t); /* no epoch is asked for before both are there */
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s.running) == 2);
    eddy_native_leave(w->t);
    uint64_t epoch = EDDY_LOAD_ACQUIRE(&w->heap->epoch);
    eddy_collect_hint(w->heap);
    if ((flags & EDDY_HEAP_MANUAL) == 0) /* so that the time-out measures the threads' delay, not the collector's */
        WAIT_UNTIL(EDDY_LOAD_ACQUIRE(&w->heap->epoch) != epoch);
    eddy_collect_report report;
    assert_int_equal(eddy_collect(w->t, 100, &report), EDDY_ETIMEDOUT);
    assert_int_equal(report.late_threads, 2);
    roots[0] = node_new(w);
    eddy_verify_report verified;
    assert_int_equal(eddy_verify(w->t, 100, &verified), EDDY_ETIMEDOUT);
    /* nobody is held for ever by what timed out, and the collection goes on by itself */
    roots[0] = node_new(w);
    assert_int_equal(eddy_collect(w->t, 100, NULL), EDDY_ETIMEDOUT);
    EDDY_STORE_SEQ_CST(&s.poll, 1);
    assert_int_equal(live_after_collect(w), 1);
    assert_verifies(w);
    EDDY_STORE_SEQ_CST(&s.stop, 1);
    eddy_native_enter(w->t);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
    ROOTS_POP(w->t);
    world_close(w);
}

static void test_timeout_when_threads_never_poll(void **state)
{
    (void)state;
    timeout(0);
    timeout(EDDY_HEAP_MANUAL);
}

/* ---- collections from several threads at once ---- */

static void *collecting_main(void *argument)
{
    struct stubborn *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 4);
    struct build b = {.w = mine, .roots = roots};
    for (int i = 0; i < SUPPORT_SCALE(100, 20); i++) {
        ring_with_trees(&b);
        keep_entry_only(&b);
        CHECK(eddy_collect(mine.t, 0, NULL) == EDDY_OK);
        CHECK(EDDY_GET(mine.t, (struct node *)roots[0], right) == roots[0]);
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_collections_from_several_threads(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++) {
        struct stubborn s = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS | (manual ? EDDY_HEAP_MANUAL : 0))};
        pthread_t ids[3];
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&ids[i], NULL, collecting_main, &s), 0);
        eddy_native_enter(s.w.t);
        for (int i = 0; i < 3; i++)
            pthread_join(ids[i], NULL);
        eddy_native_leave(s.w.t);
        assert_checks_passed();
        assert_int_equal(live_after_collect(&s.w), 0);
        world_close(&s.w);
    }
}

/* Other threads ask for epochs all the time, so that the release of a long list is cut into slices; what hangs at its
 * end is a ring. One call frees all of it nevertheless. */
static void *hasty_main(void *argument)
{
    struct stubborn *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 4);
    struct build b = {.w = mine, .roots = roots};
    for (unsigned i = 0; EDDY_LOAD_SEQ_CST(&s->stop) == 0; i++) {
        if (i % 256 == 0) /* some garbage, but not more than the collector can take */
            pair(&b);
        struct node *n = roots[0];
        eddy_retain(mine.t, n);
        eddy_release(mine.t, n);
        eddy_collect_hint(mine.heap);
        eddy_safepoint(mine.t);
        sched_yield();
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_rings_behind_long_lists_beside_running_threads(void **state)
{
    (void)state;
    struct stubborn s = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    struct world *w = &s.w;
    const size_t offsets[] = {0}, size = 3000; /* of a size that nobody else uses: its cells stay free */
    const eddy_type_desc desc = {.name = "ring", .size = size, .ref_offsets = offsets, .ref_count = 1};
    const eddy_type *ring_type = NULL;
    assert_int_equal(eddy_type_register(w->heap, &desc, &ring_type), EDDY_OK);
    pthread_t ids[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, hasty_main, &s), 0);
    ROOTS_PUSH(w->t, 2);
    for (int round = 0; round < SUPPORT_SCALE(4, 2); round++) {
        void **ring = roots[0] = eddy_alloc(w->t, ring_type);
        eddy_store(w->t, ring, &ring[0], ring);
        uintptr_t hidden = ~(uintptr_t)ring;
        for (int i = 0; i < SUPPORT_SCALE(50000, 10000); i++) {
            struct node *n = node_new(w);
            EDDY_SET(w->t, n, left, roots[0]);
            roots[0] = n;
        }
        assert_int_equal(eddy_collect(w->t, 0, NULL), EDDY_OK);
        assert_non_null(eddy_object_at(w->heap, (void *)~hidden));
        roots[0] = NULL;
        assert_int_equal(eddy_collect(w->t, 0, NULL), EDDY_OK);
        if (eddy_object_at(w->heap, (void *)~hidden) != NULL) {
            EDDY_STORE_SEQ_CST(&s.stop, 1);
            fail_msg("round %d: the ring is still there", round);
        }
    }
    ROOTS_POP(w->t);
    EDDY_STORE_SEQ_CST(&s.stop, 1);
    eddy_native_enter(w->t);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
    assert_int_equal(live_after_collect(w), 0);
    world_close(w);
}

/* What is live costs a search four bytes for each cell, and no entry in a table. */
static void test_memory_of_a_search(void **state)
{
    (void)state;
    enum { OBJECTS = 200000 };
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 2);
    for (int i = 0; i < OBJECTS; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    struct node *other = roots[1] = node_new(&w);
    EDDY_SET(w.t, other, left, roots[0]);
    world_step(&w, 3);
    EDDY_SET(w.t, other, left, NULL); /* a candidate root, from where everything can be reached */
    world_step(&w, 1);
    eddy_stats before = world_stats(&w);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    eddy_stats after = world_stats(&w);
    assert_true(after.cycle_nodes >= before.cycle_nodes + OBJECTS);
    uint64_t most = before.committed_bytes + OBJECTS * 6;
    assert_true(after.peak_committed_bytes <= (most > before.peak_committed_bytes ? most : before.peak_committed_bytes));
    assert_int_equal(after.live_objects, OBJECTS + 1);
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_a_long_list),
        cmocka_unit_test(test_a_long_ring),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_live_and_dead_mixed),
        cmocka_unit_test(test_cycles_tied_to_live_objects),
        cmocka_unit_test(test_a_long_chain_of_cycles),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_timeout_when_threads_never_poll),
        cmocka_unit_test(test_collections_from_several_threads),
        cmocka_unit_test(test_rings_behind_long_lists_beside_running_threads),
        cmocka_unit_test(test_memory_of_a_search),
    };
    return RUN_TESTS("collect", tests);
}
