/* Pins: nested, across threads, in scopes and foreign calls; what is pinned lives, whatever else refers to it, what no
 * longer is goes back to normal, cycles included. Every end of a thread hands over its pins. Misuse is found and
 * counted, or reported, and corrupts nothing. */
#include "tests/support.h"

#include "collector/collector.h"

static struct world precise(void)
{
    return world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
}

/* ---- one thread ---- */

static void test_pins_nest(void **state)
{
    (void)state;
    struct world w = precise();
    struct node *n = node_new(&w);
    n->value = 7;
    eddy_pin(w.t, n);
    eddy_pin(w.t, NULL);
    eddy_unpin(w.t, NULL);
    eddy_pin(w.t, n);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).pinned_objects, 1);
    assert_verifies(&w);
    eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 1);
    for (int i = 0; i < 1000; i++)
        eddy_pin(w.t, n);
    for (int i = 0; i < 1000; i++) {
        if (i % 300 == 0)
            assert_int_equal(live_after_collect(&w), 1);
        eddy_unpin(w.t, n);
    }
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(n->value, 7);
    eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 0);
    eddy_stats stats = world_stats(&w);
    assert_int_equal(stats.pinned_objects, 0);
    assert_int_equal(stats.misused_unpins, 0);
    world_close(&w);
}

/* The first unpin of an epoch comes before the first pin, and the object is the thread's own again by then. */
static void test_every_order_over_epochs(void **state)
{
    (void)state;
    uint64_t random = support_seed("every order");
    struct world w = precise();
    ROOTS_PUSH(w.t, 8);
    unsigned held[8] = {0};
    for (unsigned i = 0; i < SUPPORT_SCALE(20000, 4000); i++) {
        uint64_t r = support_random(&random);
        unsigned k = r % 8;
        if (roots[k] == NULL) {
            roots[k] = node_new(&w);
            EDDY_SET(w.t, (struct node *)roots[k], left, roots[(k + 1) % 8]);
        }
        if (r >> 8 & 1) {
            eddy_pin(w.t, roots[k]);
            held[k]++;
        } else if (held[k] != 0) {
            eddy_unpin(w.t, roots[k]);
            if (--held[k] == 0 && r >> 9 & 1)
                roots[k] = NULL;
        }
        if (r >> 16 & 1 && roots[k] != NULL)
            EDDY_SET(w.t, (struct node *)roots[k], right, node_new(&w));
        if (r % 64 == 0)
            world_step(&w, 1);
    }
    uint64_t pinned = 0;
    for (unsigned k = 0; k < 8; k++)
        pinned += held[k] != 0;
    assert_verifies(&w);
    world_step(&w, 2);
    assert_int_equal(world_stats(&w).pinned_objects, pinned);
    for (unsigned k = 0; k < 8; k++)
        for (; held[k] != 0; held[k]--)
            eddy_unpin(w.t, roots[k]);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    eddy_stats stats = world_stats(&w);
    assert_int_equal(stats.pinned_objects, 0);
    assert_int_equal(stats.misused_unpins, 0);
    world_close(&w);
}

/* Far more objects than a thread keeps at hand: they displace each other. */
static void test_many_objects(void **state)
{
    (void)state;
    const size_t many = SUPPORT_SCALE(20000, 3000);
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct node **nodes = calloc(many, sizeof *nodes);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < many; i++) {
            nodes[i] = node_new(&w);
            eddy_pin(w.t, nodes[i]);
            nodes[i]->value = i;
        }
        for (size_t i = 0; i < many; i += 2) {
            eddy_pin(w.t, nodes[i]);
            eddy_unpin(w.t, nodes[(i * 7919) % many]);
            eddy_pin(w.t, nodes[(i * 7919) % many]);
        }
        assert_int_equal(live_after_collect(&w), many);
        assert_int_equal(world_stats(&w).pinned_objects, many);
        assert_verifies(&w);
        for (size_t i = 0; i < many; i++) {
            assert_int_equal(nodes[i]->value, i);
            eddy_unpin(w.t, nodes[i]);
            if (i % 2 == 0)
                eddy_unpin(w.t, nodes[i]);
        }
        assert_int_equal(live_after_collect(&w), 0);
        assert_int_equal(world_stats(&w).misused_unpins, 0);
    }
    free(nodes);
    world_close(&w);
}

static void test_a_pinned_member_holds_its_cycle(void **state)
{
    (void)state;
    struct world w = precise();
    struct node *a = node_new(&w), *b = node_new(&w);
    EDDY_SET(w.t, a, left, b);
    EDDY_SET(w.t, b, left, a);
    eddy_pin(w.t, a);
    assert_int_equal(live_after_collect(&w), 2);
    assert_int_equal(live_after_collect(&w), 2);
    eddy_unpin(w.t, a);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).cycle_objects_freed, 2);
    world_close(&w);
}

/* What is no longer pinned is not freed while it is reachable. */
static void test_unpinned_objects_live_on(void **state)
{
    (void)state;
    struct world w = precise();
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    struct node *n = node_new(&w);
    eddy_pin(w.t, n);
    eddy_root_store(w.t, &slot, n);
    eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).pinned_objects, 0);
    eddy_pin(w.t, n); /* known again to the thread in a later epoch */
    eddy_root_store(w.t, &slot, NULL);
    assert_int_equal(live_after_collect(&w), 1);
    eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

/* Pinning what this thread has pinned already logs nothing, takes no memory and asks for no epoch. */
static void test_further_pins_cost_the_collector_nothing(void **state)
{
    (void)state;
    struct world w = precise();
    struct node *n = node_new(&w);
    eddy_pin(w.t, n);
    world_step(&w, 4);
    eddy_pin(w.t, n);
    eddy_unpin(w.t, n);
    const struct thread *t = thread_of(w.t);
    const uintptr_t *inc = t->inc.next, *dec = t->dec.next;
    uint64_t chunks = w.heap->chunks_used;
    for (int i = 0; i < 100000; i++) {
        eddy_pin(w.t, n);
        eddy_unpin(w.t, n);
    }
    assert_ptr_equal(t->inc.next, inc);
    assert_ptr_equal(t->dec.next, dec);
    assert_int_equal(w.heap->chunks_used, chunks);
    uint64_t before = world_stats(&w).log_bytes_total;
    world_step(&w, 2);
    assert_true(world_stats(&w).log_bytes_total - before < 100);
    eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

static void test_memory_of_chunks_comes_back(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.log_limit = 64 << 10; /* pins wait for the collector as stores do */
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 1);
    roots[0] = eddy_alloc_array(w.t, 3000);
    for (size_t i = 0; i < 3000; i++)
        array_put(w.t, roots[0], i, node_new(&w));
    for (int round = 0; round < SUPPORT_SCALE(50, 4); round++) {
        const eddy_array *array = roots[0];
        for (size_t i = 0; i < 3000; i++)
            eddy_pin(w.t, array->slots[i]);
        for (size_t i = 0; i < 3000; i++)
            eddy_unpin(w.t, array->slots[i]);
        assert_true(world_stats(&w).log_bytes < (256 << 10));
    }
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).misused_unpins, 0);
    world_close(&w);
}

/* ---- scopes and foreign calls ---- */

static uint64_t left_early(struct world *w, struct node *n, bool early)
{
    EDDY_PIN_SCOPE(w->t, n);
    EDDY_PIN_SCOPE(w->t, NULL);
    if (early)
        return live_after_collect(w);
    EDDY_PIN_SCOPE(w->t, n);
    return live_after_collect(w) + 100;
}

static void test_scopes(void **state)
{
    (void)state;
    struct world w = precise();
    assert_int_equal(left_early(&w, node_new(&w), true), 1);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(left_early(&w, node_new(&w), false), 101);
    assert_int_equal(live_after_collect(&w), 0);
    eddy_pin_scope scope = eddy_pin_scope_begin(w.t, node_new(&w));
    assert_int_equal(live_after_collect(&w), 1);
    eddy_pin_scope_end(&scope);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).misused_unpins, 0);
    world_close(&w);
}

static void *foreign(void *context, void *const *arguments, size_t count)
{
    struct world *w = context;
    assert_int_equal(count, 3);
    assert_null(arguments[1]);
    assert_int_equal(live_after_collect(w), 2);
    ((struct node *)arguments[0])->value += ((struct node *)arguments[2])->value;
    return arguments[0];
}

static void *foreign_native(void *context, void *const *arguments, size_t count)
{
    struct world *w = context;
    assert_int_equal(count, 1);
    assert_int_equal(thread_of(w->t)->native_depth, 1);
    for (int i = 0; i < 4; i++)
        assert_true(eddy__collector_epoch(w->heap, UINT64_MAX, NULL));
    assert_ptr_equal(eddy_object_at(w->heap, arguments[0]), arguments[0]);
    memset(arguments[0], 'x', 8);
    return NULL;
}

static void test_foreign_calls(void **state)
{
    (void)state;
    struct world w = precise();
    struct node *a = node_new(&w), *b = node_new(&w);
    a->value = 3;
    b->value = 4;
    void *arguments[3] = {a, NULL, b};
    assert_ptr_equal(eddy_call_pinned(w.t, foreign, &w, arguments, 3), a);
    assert_int_equal(a->value, 7);
    assert_int_equal(live_after_collect(&w), 0);
    void *bytes = eddy_alloc_bytes(w.t, 8);
    assert_null(eddy_call_native(w.t, foreign_native, &w, &bytes, 1));
    assert_memory_equal(bytes, "xxxxxxxx", 8);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).misused_unpins, 0);
    world_close(&w);
}

/* ---- several threads ---- */

struct hand_over {
    struct world w;
    struct node *n;
    int how;
};

enum { END_DETACHED, END_ATTACHED, END_NATIVE, ENDS };

static void end_thread(eddy_thread *t, int how)
{
    if (how == END_DETACHED)
        CHECK(eddy_thread_detach(t) == EDDY_OK);
    else if (how == END_NATIVE)
        eddy_native_enter(t);
}

static void *pinner_main(void *argument)
{
    struct hand_over *h = argument;
    struct world mine = h->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    h->n = node_new(&mine);
    eddy_pin(mine.t, h->n);
    eddy_pin(mine.t, h->n);
    end_thread(mine.t, h->how);
    return NULL;
}

static void *unpinner_main(void *argument)
{
    struct hand_over *h = argument;
    struct world mine = h->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    eddy_unpin(mine.t, h->n);
    end_thread(mine.t, h->how);
    return NULL;
}

static void run_alone(struct world *w, void *(*main)(void *), void *argument)
{
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, main, argument), 0);
    eddy_native_enter(w->t);
    pthread_join(id, NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
}

static void test_the_end_of_a_thread_hands_its_pins_over(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++) {
        struct hand_over h = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS | (manual ? EDDY_HEAP_MANUAL : 0))};
        for (h.how = 0; h.how < ENDS; h.how++) {
            run_alone(&h.w, pinner_main, &h);
            assert_int_equal(live_after_collect(&h.w), 1);
            assert_verifies(&h.w);
            run_alone(&h.w, unpinner_main, &h);
            assert_int_equal(live_after_collect(&h.w), 1);
            eddy_unpin(h.w.t, h.n);
            assert_int_equal(live_after_collect(&h.w), 0);
            assert_int_equal(world_stats(&h.w).pinned_objects, 0);
            assert_int_equal(world_stats(&h.w).misused_unpins, 0);
        }
        world_close(&h.w);
    }
}

/* A ring of mailboxes: each thread pins what it puts in, and unpins what it takes out, or passes it on with its pin. */
#define RING 4
struct ring {
    struct world w;
    struct node *boxes[RING]; /* atomic; a pin goes with each */
    int next;                 /* atomic */
};

static void *ring_main(void *argument)
{
    struct ring *ring = argument;
    struct world mine = ring->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    int self = EDDY_ADD_SEQ_CST(&ring->next, 1);
    uint64_t random = (uint64_t)self * 77777 + 5;
    for (int i = 0; i < SUPPORT_SCALE(40000, 3000); i++) {
        uint64_t r = support_random(&random);
        struct node *give = NULL;
        if (r & 1) {
            give = node_new(&mine);
            eddy_pin(mine.t, give);
            give->value = ~(uintptr_t)give;
            EDDY_SET(mine.t, give, left, give); /* a cycle: never found dead by its last dec alone */
        }
        struct node *taken = EDDY_EXCHANGE_ACQ_REL(&ring->boxes[r >> 8 & (RING - 1)], give);
        if (taken != NULL) {
            CHECK(taken->value == ~(uintptr_t)taken);
            CHECK(EDDY_GET(mine.t, taken, left) == taken);
        }
        if (taken != NULL && r & 2) {
            eddy_pin(mine.t, taken);
            eddy_unpin(mine.t, taken);
            taken = EDDY_EXCHANGE_ACQ_REL(&ring->boxes[r >> 16 & (RING - 1)], taken);
        }
        if (taken != NULL)
            eddy_unpin(mine.t, taken);
        if (r % 100 == 3) {
            eddy_native_enter(mine.t);
            eddy_native_leave(mine.t);
        }
        eddy_safepoint(mine.t);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_pinned_here_unpinned_there(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 16 << 10;
    config.epoch_bytes_min = 16 << 10;
    config.log_bytes_epoch = 16 << 10;
    struct ring ring = {.w = world_open_with(&config)};
    pthread_t ids[RING];
    for (int i = 0; i < RING; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, ring_main, &ring), 0);
    eddy_native_enter(ring.w.t);
    for (int i = 0; i < RING; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(ring.w.t);
    assert_checks_passed();
    uint64_t left = 0;
    for (int i = 0; i < RING; i++)
        left += ring.boxes[i] != NULL;
    assert_int_equal(live_after_collect(&ring.w), left);
    assert_int_equal(world_stats(&ring.w).pinned_objects, left);
    assert_verifies(&ring.w);
    for (int i = 0; i < RING; i++)
        eddy_unpin(ring.w.t, ring.boxes[i]);
    assert_int_equal(live_after_collect(&ring.w), 0);
    assert_int_equal(world_stats(&ring.w).pinned_objects, 0);
    assert_int_equal(world_stats(&ring.w).misused_unpins, 0);
    world_close(&ring.w);
}

/* ---- misuse ---- */

static void test_unpins_without_a_pin(void **state)
{
    (void)state;
    struct world w = precise();
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    eddy_unpin(w.t, n); /* never pinned, and this thread's own */
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).misused_unpins, 1);
    eddy_pin(w.t, n);
    for (int i = 0; i < 4; i++)
        eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).misused_unpins, 4);
    assert_int_equal(world_stats(&w).pinned_objects, 0);
    assert_verifies(&w);
    eddy_pin(w.t, n); /* what was too much is forgotten */
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 1);
    eddy_unpin(w.t, n);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

static void test_misuse_is_reported(void **state)
{
    (void)state;
    struct world w = precise(), other = precise();
    const char *text;
    struct node *n = node_new(&w), *stranger = node_new(&other);
    CATCH_MISUSE(eddy_pin(w.t, stranger), text);
    assert_string_equal(text, "eddy_pin: the address is no object of this heap");
    CATCH_MISUSE(eddy_unpin(w.t, (char *)n + 8), text);
    assert_string_equal(text, "eddy_unpin: the address is no object of this heap");
    eddy_pin(w.t, n);
    eddy_native_enter(w.t);
    CATCH_MISUSE(eddy_pin(w.t, n), text);
    assert_string_equal(text, "eddy_pin: the thread is in a native region");
    CATCH_MISUSE(eddy_unpin(w.t, n), text);
    assert_string_equal(text, "eddy_unpin: the thread is in a native region");
    eddy_native_leave(w.t);
    eddy_unpin(w.t, n);
    eddy_thread *old = w.t;
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    CATCH_MISUSE(eddy_pin(old, n), text);
    assert_string_equal(text, "eddy_pin: the thread is not attached");
    w.t = NULL;
    world_close(&w);
    world_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pins_nest),
        cmocka_unit_test(test_every_order_over_epochs),
        cmocka_unit_test(test_many_objects),
        cmocka_unit_test(test_a_pinned_member_holds_its_cycle),
        cmocka_unit_test(test_unpinned_objects_live_on),
        cmocka_unit_test(test_further_pins_cost_the_collector_nothing),
        cmocka_unit_test(test_memory_of_chunks_comes_back),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_foreign_calls),
        cmocka_unit_test(test_the_end_of_a_thread_hands_its_pins_over),
        cmocka_unit_test(test_pinned_here_unpinned_there),
        cmocka_unit_test(test_unpins_without_a_pin),
        cmocka_unit_test(test_misuse_is_reported),
    };
    return RUN_TESTS("pins", tests);
}
