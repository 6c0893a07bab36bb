/* Finalizers: order, exactly once, resurrection, what a finalizer may do, waiting, disposing; cycles; many threads. */
#include "tests/support.h"

#define PRECISE (EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)
#define LOG_MOST 4096u

/* What finalizers did, in order. */
static struct record {
    uint64_t values[LOG_MOST];
    void *data[LOG_MOST];
    unsigned count;
} done;

static void note(eddy_thread *t, void *object, void *data)
{
    (void)t;
    done.values[done.count] = ((struct node *)object)->value;
    done.data[done.count++] = data;
}

static eddy_finalizer_queue *open_queue(const struct world *w)
{
    eddy_finalizer_queue *queue;
    assert_int_equal(eddy_finalizer_queue_create(w->heap, &queue), EDDY_OK);
    done.count = 0;
    return queue;
}

static struct node *finalizable(const struct world *w, eddy_finalizer_queue *queue, uint64_t value, eddy_finalizer_fn *fn)
{
    struct node *n = node_new(w);
    n->value = value;
    assert_int_equal(eddy_finalizer_attach(w->t, n, queue, fn, NULL), EDDY_OK);
    return n;
}

static size_t run_all(const struct world *w, eddy_finalizer_queue *queue)
{
    return eddy_finalizers_run(w->t, queue, SIZE_MAX);
}

static void count_queued(void *context, eddy_heap *heap, const void *object)
{
    (void)heap, (void)object;
    EDDY_ADD_RELAXED((uint64_t *)context, 1);
}

static void test_runs_once_when_dead(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    eddy_finalizer_queue *queue = open_queue(&w);
    uint64_t queued = 0;
    const eddy_listener listener = {.context = &queued, .finalizer_queued = count_queued};
    assert_int_equal(eddy_listener_add(w.heap, &listener), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    roots[0] = finalizable(&w, queue, 1, note);
    finalizable(&w, queue, 2, note); /* dies young */
    world_step(&w, 5);
    assert_int_equal(eddy_finalizers_pending(queue), 1);
    assert_int_equal(world_stats(&w).live_objects, 2); /* the entry holds its object */
    assert_verifies(&w);
    assert_int_equal(run_all(&w, queue), 1);
    assert_int_equal(done.values[0], 2);
    assert_int_equal(live_after_collect(&w), 1);
    roots[0] = NULL;
    world_step(&w, 4);
    assert_int_equal(run_all(&w, queue), 1);
    assert_int_equal(done.values[1], 1);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(run_all(&w, queue) + eddy_finalizers_pending(queue), 0);
    assert_int_equal(world_stats(&w).finalizers_queued, 2);
    assert_int_equal(eddy_finalizer_queue_destroy(w.t, queue), EDDY_OK);
    assert_int_equal(EDDY_LOAD_RELAXED(&queued), 2);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* First attached, first run; a referrer before what only it refers to; members of a cycle as they were attached. */
static void test_order(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    eddy_finalizer_queue *queue = open_queue(&w);
    ROOTS_PUSH(w.t, 2);
    struct node *n = roots[0] = finalizable(&w, queue, 1, note);
    int x, y, z;
    assert_int_equal(eddy_finalizer_attach(w.t, n, queue, note, &x), EDDY_OK);
    assert_int_equal(eddy_finalizer_attach(w.t, n, queue, note, &y), EDDY_OK);
    assert_int_equal(eddy_finalizer_attach(w.t, n, queue, NULL, &z), EDDY_OK);
    world_step(&w, 2);
    roots[0] = NULL;
    world_step(&w, 3);
    assert_int_equal(run_all(&w, queue), 4);
    assert_int_equal(done.count, 3);
    assert_true(done.data[0] == NULL && done.data[1] == &x && done.data[2] == &y);

    done.count = 0;
    for (uint64_t i = 0; i < 10; i++) { /* a list */
        n = finalizable(&w, queue, i, note);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    world_step(&w, 2);
    roots[0] = NULL;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(live_after_collect(&w), 10 - i);
        assert_int_equal(run_all(&w, queue), 1); /* only one is dead at a time: each keeps the next alive */
        assert_int_equal(done.values[i], 9 - i);
    }
    assert_int_equal(live_after_collect(&w), 0);

    done.count = 0;
    for (uint64_t i = 0; i < 50; i++) { /* a ring, attached in its order */
        n = finalizable(&w, queue, i, note);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
        if (i == 0)
            roots[1] = n;
    }
    EDDY_SET(w.t, (struct node *)roots[1], left, roots[0]);
    assert_int_equal(live_after_collect(&w), 50);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 50);
    assert_verifies(&w);
    assert_int_equal(run_all(&w, queue), 50);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(done.values[i], i);
    assert_int_equal(live_after_collect(&w), 0);

    done.count = 0;
    roots[0] = finalizable(&w, queue, 1, note); /* two members: the first one's come first, all of them */
    roots[1] = finalizable(&w, queue, 2, note);
    assert_int_equal(eddy_finalizer_attach(w.t, roots[0], queue, note, &x), EDDY_OK);
    assert_int_equal(eddy_finalizer_attach(w.t, roots[1], queue, note, &y), EDDY_OK);
    EDDY_SET(w.t, (struct node *)roots[0], left, roots[1]);
    EDDY_SET(w.t, (struct node *)roots[1], left, roots[0]);
    assert_int_equal(live_after_collect(&w), 2);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 2);
    assert_int_equal(run_all(&w, queue), 4);
    assert_true(done.values[0] == 1 && done.data[1] == &x && done.values[2] == 2 && done.data[3] == &y);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* All weak references to a dead cycle are cleared before any of its finalizers is there to be taken. */
static void test_weak_references_first(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    eddy_finalizer_queue *queue = open_queue(&w);
    ROOTS_PUSH(w.t, 2);
    struct node *a = roots[0] = finalizable(&w, queue, 1, note), *b = roots[1] = node_new(&w);
    EDDY_SET(w.t, a, left, b);
    EDDY_SET(w.t, b, left, a);
    eddy_weak *weak[2];
    assert_int_equal(eddy_weak_create(w.t, a, &weak[0]), EDDY_OK);
    assert_int_equal(eddy_weak_create(w.t, b, &weak[1]), EDDY_OK);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 2);
    assert_int_equal(eddy_finalizers_pending(queue), 1);
    assert_null(eddy_weak_load(w.t, weak[0]));
    assert_null(eddy_weak_load(w.t, weak[1]));
    eddy_finalization entry;
    assert_true(eddy_finalizer_take(w.t, queue, &entry));
    a = roots[0] = entry.object; /* back to life: the old reference stays cleared, a new one works */
    assert_ptr_equal(a->left->left, a);
    eddy_weak *fresh;
    assert_int_equal(eddy_weak_create(w.t, a, &fresh), EDDY_OK);
    assert_ptr_not_equal(fresh, weak[0]);
    assert_int_equal(live_after_collect(&w), 2);
    assert_null(eddy_weak_load(w.t, weak[0]));
    assert_ptr_equal(eddy_weak_load(w.t, fresh), a);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_null(eddy_weak_load(w.t, fresh));
    eddy_weak_drop(w.t, weak[0]);
    eddy_weak_drop(w.t, weak[1]);
    eddy_weak_drop(w.t, fresh);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- what a finalizer may do ---- */

static void *kept_slot;
static struct world *busy_world;
static eddy_finalizer_queue *busy_queue;

static void busy(eddy_thread *t, void *object, void *data)
{
    (void)data;
    struct node *n = object;
    done.values[done.count++] = n->value;
    struct node *fresh = eddy_alloc(t, busy_world->node);
    CHECK(fresh != NULL);
    EDDY_SET(t, fresh, left, n);
    eddy_root_store(t, &kept_slot, fresh); /* resurrects it */
    if (n->value++ < 3)
        CHECK(eddy_finalizer_attach(t, n, busy_queue, busy, NULL) == EDDY_OK);
    CHECK(eddy_heap_set_limit(busy_world->heap, ((size_t)64 + n->value) << 20) == EDDY_OK);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(eddy_alloc_bytes(t, 100) != NULL);
    CHECK(eddy_collector_step(t) == EDDY_OK);
    CHECK(n->value <= 4);
}

static void test_a_finalizer_may_do_anything(void **state)
{
    (void)state;
    eddy_config config = support_config(PRECISE);
    config.heap_limit = 64 * MIB;
    struct world w = world_open_with(&config);
    busy_world = &w;
    busy_queue = open_queue(&w);
    assert_int_equal(eddy_root_add(w.t, &kept_slot), EDDY_OK);
    finalizable(&w, busy_queue, 0, busy);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        assert_int_equal(run_all(&w, busy_queue), 1);
        assert_int_equal(done.values[i], i);
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        assert_int_equal(((struct node *)kept_slot)->left->value, i + 1);
        assert_int_equal(eddy_finalizers_pending(busy_queue), 0);
        eddy_root_store(w.t, &kept_slot, NULL);
    }
    assert_int_equal(live_after_collect(&w), 0);
    assert_checks_passed();
    assert_int_equal(eddy_root_remove(w.t, &kept_slot), EDDY_OK);
    world_close(&w);
}

/* ---- disposing, queues ---- */

static void test_dispose(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    eddy_finalizer_queue *queue = open_queue(&w);
    ROOTS_PUSH(w.t, 2);
    roots[0] = finalizable(&w, queue, 1, note);
    int x;
    assert_int_equal(eddy_finalizer_attach(w.t, roots[0], queue, note, &x), EDDY_OK);
    roots[1] = finalizable(&w, queue, 2, note);
    assert_int_equal(eddy_external_add(w.t, roots[0], 1000), EDDY_OK);
    assert_int_equal(eddy_external_add(w.t, roots[1], 100), EDDY_OK);
    assert_int_equal(eddy_finalizer_queue_destroy(w.t, queue), EDDY_EBUSY);
    eddy_dispose(w.t, roots[0], true);
    assert_int_equal(done.count, 2);
    assert_true(done.values[0] == 1 && done.data[1] == &x);
    assert_int_equal(world_stats(&w).external_bytes, 100);
    eddy_dispose(w.t, roots[0], true);
    eddy_dispose(w.t, roots[1], false);
    eddy_dispose(w.t, node_new(&w), true);
    eddy_dispose(w.t, NULL, true);
    assert_int_equal(done.count, 2);
    assert_int_equal(world_stats(&w).external_bytes, 0);
    assert_int_equal(eddy_finalizer_queue_destroy(w.t, queue), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 2);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_arguments_and_unfinished_business(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE), other = world_open(PRECISE);
    eddy_finalizer_queue *queue = open_queue(&w);
    assert_int_equal(eddy_finalizer_attach(w.t, NULL, queue, note, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_finalizer_attach(w.t, node_new(&w), NULL, note, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_finalizer_attach(other.t, node_new(&other), queue, note, NULL), EDDY_EINVAL);
    assert_false(eddy_finalizers_wait(w.t, queue, 1));
    eddy_finalizer_queue *second;
    assert_int_equal(eddy_finalizer_queue_create(w.heap, &second), EDDY_OK);
    finalizable(&w, queue, 1, note);
    finalizable(&w, second, 2, note);
    world_step(&w, 4);
    assert_int_equal(eddy_finalizers_pending(queue) + eddy_finalizers_pending(second), 2);
    assert_int_equal(run_all(&w, second), 1);
    assert_int_equal(done.values[0], 2);
    finalizable(&w, second, 3, note);
    world_close(&other);
    world_close(&w); /* what is queued or attached goes with its heap */
    assert_int_equal(done.count, 1);
}

/* ---- threads ---- */

#define OBJECTS SUPPORT_SCALE(40000, 4000)

struct crew {
    eddy_heap *heap;
    eddy_finalizer_queue *queue;
    uint8_t *seen; /* by the value of the object */
    uint64_t ran;
};

static void tick(eddy_thread *t, void *object, void *data)
{
    (void)t;
    struct crew *crew = data;
    EDDY_ADD_RELAXED(&crew->seen[((struct node *)object)->value], 1);
    EDDY_ADD_RELAXED(&crew->ran, 1);
}

static void *run_finalizers(void *argument)
{
    struct crew *crew = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(crew->heap, &t) == EDDY_OK);
    while (EDDY_LOAD_RELAXED(&crew->ran) != OBJECTS)
        if (eddy_finalizers_wait(t, crew->queue, 20))
            eddy_finalizers_run(t, crew->queue, 10);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_threads_share_a_queue(void **state)
{
    (void)state;
    enum { RUNNERS = 3 };
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = config.epoch_bytes_max = 262144;
    struct world w = world_open_with(&config);
    struct crew crew = {.heap = w.heap, .queue = open_queue(&w), .seen = calloc(OBJECTS, 1)};
    pthread_t runners[RUNNERS];
    for (unsigned i = 0; i < RUNNERS; i++)
        pthread_create(&runners[i], NULL, run_finalizers, &crew);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        struct node *n = node_new(&w);
        n->value = i;
        if (i % 16 == 0) /* a cycle of its own */
            EDDY_SET(w.t, n, right, n);
        CHECK(eddy_finalizer_attach(w.t, n, crew.queue, tick, &crew) == EDDY_OK);
    }
    while (EDDY_LOAD_RELAXED(&crew.ran) != OBJECTS)
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    eddy_native_enter(w.t);
    for (unsigned i = 0; i < RUNNERS; i++)
        pthread_join(runners[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_int_equal(crew.seen[i], 1);
    assert_int_equal(eddy_finalizers_pending(crew.queue), 0);
    assert_verifies(&w);
    free(crew.seen);
    world_close(&w);
}

/* At the end: live and permanent objects, too, in the order of attachment. */
static void test_all_at_the_end(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    eddy_finalizer_queue *queue = open_queue(&w);
    ROOTS_PUSH(w.t, 3);
    memset(&done, 0, sizeof done);
    assert_int_equal(eddy_finalize_all(w.t), EDDY_OK); /* none */
    roots[0] = finalizable(&w, queue, 1, note);
    roots[1] = finalizable(&w, queue, 2, note);
    assert_int_equal(eddy_make_permanent(w.t, roots[1]), EDDY_OK);
    roots[2] = finalizable(&w, queue, 3, note); /* has not been counted yet */
    finalizable(&w, queue, 4, note);            /* garbage */
    assert_int_equal(eddy_finalize_all(w.t), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 4);
    assert_int_equal(run_all(&w, queue), 4);
    for (unsigned i = 0; i < 3; i++)
        roots[i] = NULL;
    assert_int_equal(live_after_collect(&w), 1);
    assert_verifies(&w);
    assert_int_equal(eddy_finalize_all(w.t), EDDY_OK); /* once only */
    assert_int_equal(run_all(&w, queue), 0);
    ROOTS_POP(w.t);
    assert_int_equal(eddy_finalizer_queue_destroy(w.t, queue), EDDY_OK);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_at_the_end),
        cmocka_unit_test(test_runs_once_when_dead),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_weak_references_first),
        cmocka_unit_test(test_a_finalizer_may_do_anything),
        cmocka_unit_test(test_dispose),
        cmocka_unit_test(test_arguments_and_unfinished_business),
        cmocka_unit_test(test_threads_share_a_queue),
    };
    return RUN_TESTS("finalize", tests);
}
