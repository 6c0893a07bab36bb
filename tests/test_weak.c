/* Weak references: what clears them, what does not, objects that die young, chains, cycles, references that are objects
 * themselves; many threads that load while objects die. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

#define PRECISE (EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)

static eddy_weak *weak_of(const struct world *w, void *object)
{
    eddy_weak *weak = NULL;
    assert_int_equal(eddy_weak_create(w->t, object, &weak), EDDY_OK);
    assert_non_null(weak);
    return weak;
}

static void test_lives_and_dies_with_its_object(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    n->value = 7;
    eddy_weak *weak = weak_of(&w, n);
    assert_ptr_equal(eddy_weak_load(w.t, weak), n);
    for (unsigned i = 0; i < 6; i++) {
        world_step(&w, 1);
        assert_ptr_equal(eddy_weak_load(w.t, weak), n);
    }
    assert_int_equal(n->value, 7);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_null(eddy_weak_load(w.t, weak));
    assert_null(eddy_weak_load(w.t, weak));
    eddy_stats s = world_stats(&w);
    assert_int_equal(s.weak_cleared, 1);
    assert_int_equal(s.attached_objects, 0);
    assert_verifies(&w);
    eddy_weak_drop(w.t, weak);
    eddy_weak_drop(w.t, NULL);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* An object with a weak reference is counted from then on: the young sweep takes no notice of what dies (I9). */
static void test_dies_young(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    for (unsigned round = 0; round < 20; round++) {
        eddy_weak *first = weak_of(&w, node_new(&w)), *second;
        void *held[1] = {node_new(&w)};
        eddy_frame frame;
        eddy_frame_push(w.t, &frame, held, 1);
        world_step(&w, round % 3); /* private-current, private-old and counted ones */
        second = weak_of(&w, held[0]);
        eddy_frame_pop(w.t, &frame);
        world_step(&w, 4);
        assert_null(eddy_weak_load(w.t, first));
        assert_null(eddy_weak_load(w.t, second));
        eddy_weak_drop(w.t, first);
        eddy_weak_drop(w.t, second);
    }
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* A load makes the object alive: it is the only reference, and stays as long as the caller keeps it. */
static void test_a_load_holds(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 1);
    eddy_weak *weak = weak_of(&w, roots[0] = node_new(&w));
    world_step(&w, 3);
    for (unsigned when = 0; when < 8; when++) { /* however far its death has come */
        assert_non_null(eddy_weak_load(w.t, weak));
        roots[0] = NULL;
        for (unsigned i = 0; i < 3; i++) {
            world_step(&w, 1);
            roots[0] = eddy_weak_load(w.t, weak);
            assert_non_null(roots[0]);
            if (i < when % 3)
                roots[0] = NULL;
            else
                break;
        }
        assert_non_null(roots[0] = eddy_weak_load(w.t, weak));
        world_step(&w, 5);
        assert_ptr_equal(eddy_object_at(w.heap, roots[0]), roots[0]);
        assert_verifies(&w);
    }
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_null(eddy_weak_load(w.t, weak));
    eddy_weak_drop(w.t, weak);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* An object has one cell; it ends when all have dropped it, whatever came first. */
static void test_cells_are_shared(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 2);
    struct node *a = roots[0] = node_new(&w), *b = roots[1] = node_new(&w);
    eddy_weak *one = weak_of(&w, a), *two = weak_of(&w, a), *other = weak_of(&w, b);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, other);
    eddy_weak_drop(w.t, one);
    assert_ptr_equal(eddy_weak_load(w.t, two), a);
    eddy_weak_drop(w.t, two);
    world_step(&w, 3);
    assert_ptr_equal(weak_of(&w, a), one); /* the record still has it */
    eddy_weak_drop(w.t, one);
    eddy_weak_drop(w.t, other);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).weak_cleared, 0); /* nobody could have asked */
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_arguments(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    eddy_weak *weak = (eddy_weak *)&w;
    assert_int_equal(eddy_weak_create(w.t, NULL, &weak), EDDY_EINVAL);
    assert_null(weak);
    assert_null(eddy_alloc_weak(w.t, NULL));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
#ifdef EDDY_DEBUG
    const char *text;
    struct node *n = node_new(&w);
    CATCH_MISUSE(eddy_weak_create(w.t, &n->value, &weak), text);
    assert_string_equal(text, "attaching to an object: it is no object of this heap");
    eddy_native_enter(w.t);
    CATCH_MISUSE(eddy_weak_create(w.t, n, &weak), text);
    assert_string_equal(text, "attaching to an object: the thread is in a native region");
    eddy_native_leave(w.t);
#endif
    world_close(&w);
}

/* All kinds of objects: leaves, large ones, arrays that are born counted, roots of other kinds. */
static void test_every_kind_of_object(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 4);
    eddy_weak *weak[4];
    roots[0] = eddy_alloc_bytes(w.t, 24);
    roots[1] = eddy_alloc_bytes(w.t, 100000);
    roots[2] = eddy_alloc_array(w.t, 500);
    roots[3] = eddy_alloc_array(w.t, 50000);
    for (unsigned i = 0; i < 4; i++)
        weak[i] = weak_of(&w, roots[i]);
    world_step(&w, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(eddy_weak_load(w.t, weak[i]), roots[i]);
        eddy_retain(w.t, roots[i]);
        roots[i] = NULL;
    }
    world_step(&w, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_non_null(roots[i] = eddy_weak_load(w.t, weak[i]));
        eddy_release(w.t, roots[i]);
        roots[i] = NULL;
    }
    assert_int_equal(live_after_collect(&w), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_null(eddy_weak_load(w.t, weak[i]));
        eddy_weak_drop(w.t, weak[i]);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Neighbours of an object with a weak cell are freed as ever, and the place can be used again. */
static void test_neighbours_and_reuse(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    uint64_t seed = support_seed("reuse");
    for (unsigned round = 0; round < SUPPORT_SCALE(60, 15); round++) {
        ROOTS_PUSH(w.t, 64);
        eddy_weak *weak[64] = {NULL};
        for (unsigned i = 0; i < 64; i++) {
            roots[i] = support_random(&seed) % 2 ? (void *)node_new(&w) : eddy_alloc_bytes(w.t, 24);
            if (support_random(&seed) % 3 == 0)
                weak[i] = weak_of(&w, roots[i]);
        }
        world_step(&w, (unsigned)(support_random(&seed) % 3));
        for (unsigned i = 0; i < 64; i++)
            if (support_random(&seed) % 2)
                roots[i] = NULL;
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        for (unsigned i = 0; i < 64; i++)
            if (weak[i] != NULL) {
                assert_ptr_equal(eddy_weak_load(w.t, weak[i]), roots[i]);
                eddy_weak_drop(w.t, weak[i]);
            }
        ROOTS_POP(w.t);
        assert_verifies(&w);
    }
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).attached_objects, 0);
    world_close(&w);
}

/* ---- chains ---- */

/* A chain of objects that all have weak references dies in a few epochs, not in one epoch a link, even if all
 * have been loaded. */
static void test_a_chain_dies_at_once(void **state)
{
    (void)state;
    enum { LENGTH = 300 };
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 1);
    static eddy_weak *weak[LENGTH];
    for (unsigned i = 0; i < LENGTH; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
        weak[i] = weak_of(&w, n);
    }
    world_step(&w, 3);
    for (unsigned i = 0; i < LENGTH; i++)
        assert_non_null(eddy_weak_load(w.t, weak[i]));
    assert_int_equal(world_stats(&w).live_objects, LENGTH);
    roots[0] = NULL;
    world_step(&w, 6);
    assert_int_equal(world_stats(&w).live_objects, 0);
    for (unsigned i = 0; i < LENGTH; i++) {
        assert_null(eddy_weak_load(w.t, weak[i]));
        eddy_weak_drop(w.t, weak[i]);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- cycles ---- */

static struct node *make_ring(const struct world *w, unsigned length, eddy_weak **weak)
{
    void *held[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(w->t, &frame, held, 2);
    for (unsigned i = 0; i < length; i++) {
        struct node *n = node_new(w);
        EDDY_SET(w->t, n, left, held[0]);
        held[0] = n;
        if (i == 0)
            held[1] = n;
        if (weak != NULL)
            weak[i] = weak_of(w, n);
    }
    EDDY_SET(w->t, (struct node *)held[1], left, held[0]);
    eddy_frame_pop(w->t, &frame);
    return held[0];
}

static void test_a_cycle_is_cleared_as_one(void **state)
{
    (void)state;
    enum { LENGTH = 20 };
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 1);
    eddy_weak *weak[LENGTH];
    roots[0] = make_ring(&w, LENGTH, weak);
    assert_int_equal(live_after_collect(&w), LENGTH);
    for (unsigned i = 0; i < LENGTH; i++)
        assert_non_null(eddy_weak_load(w.t, weak[i]));
    roots[0] = NULL;
    world_step(&w, 2);
    roots[0] = eddy_weak_load(w.t, weak[3]); /* found again through one of them: all stay */
    assert_int_equal(live_after_collect(&w), LENGTH);
    for (unsigned i = 0; i < LENGTH; i++)
        assert_non_null(eddy_weak_load(w.t, weak[i]));
    assert_verifies(&w);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    for (unsigned i = 0; i < LENGTH; i++) {
        assert_null(eddy_weak_load(w.t, weak[i]));
        eddy_weak_drop(w.t, weak[i]);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* One search frees a chain of dead cycles, though each has a weak reference. */
static void test_a_chain_of_cycles(void **state)
{
    (void)state;
    enum { RINGS = 40 };
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 1);
    eddy_weak *weak[RINGS];
    for (unsigned i = 0; i < RINGS; i++) {
        struct node *n = make_ring(&w, 3, NULL);
        EDDY_SET(w.t, n, right, roots[0]);
        roots[0] = n;
        weak[i] = weak_of(&w, n);
    }
    assert_int_equal(live_after_collect(&w), 3 * RINGS);
    uint64_t passes = world_stats(&w).cycle_passes;
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_true(world_stats(&w).cycle_passes - passes <= 4);
    for (unsigned i = 0; i < RINGS; i++) {
        assert_null(eddy_weak_load(w.t, weak[i]));
        eddy_weak_drop(w.t, weak[i]);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- weak references as objects ---- */

struct waiting {
    const void *reference; /* that is being looked at */
    unsigned waits, held;
};

static void on_stall_begin(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    struct waiting *w = context;
    (void)heap;
    if (kind != EDDY_STALL_WAIT || w->reference == NULL)
        return;
    w->waits++;
    for (const eddy_frame *frame = ((const struct thread *)(const void *)t)->frames; frame != NULL; frame = frame->previous)
        for (size_t i = 0; i < frame->count; i++)
            if (frame->slots[i] == w->reference) {
                w->held++;
                return;
            }
}

/* It is what holds its cell, which is looked at after the wait. */
static void test_holds_the_reference_while_it_waits_for_log_space(void **state)
{
    (void)state;
    enum { REFERENCES = 1000 };
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.log_limit = MIB;
    config.log_bytes_epoch = 2 * MIB; /* no epoch comes from it before the wait does */
    struct world w = world_open_with(&config);
    struct waiting waiting = {0};
    const eddy_listener listener = {.context = &waiting, .stall_begin = on_stall_begin};
    ROOTS_PUSH(w.t, 2);
    eddy_array *references = roots[0] = eddy_alloc_array(w.t, REFERENCES);
    eddy_array *nodes = roots[1] = eddy_alloc_array(w.t, REFERENCES); /* each has a cell of its own */
    for (size_t i = 0; i < REFERENCES; i++) {
        eddy_store(w.t, nodes, &nodes->slots[i], node_new(&w));
        eddy_store(w.t, references, &references->slots[i], eddy_alloc_weak(w.t, nodes->slots[i]));
    }
    assert_int_equal(eddy_listener_add(w.heap, &listener), EDDY_OK);
    for (size_t i = 0; waiting.waits == 0; i++) { /* more cells than a thread remembers to have loaded */
        waiting.reference = eddy_load(w.t, &references->slots[i % REFERENCES]);
        assert_ptr_equal(eddy_weak_get(w.t, (void *)waiting.reference), nodes->slots[i % REFERENCES]);
        waiting.reference = NULL;
    }
    assert_int_equal(waiting.held, waiting.waits);
    assert_int_equal(eddy_listener_remove(w.heap, &listener), EDDY_OK);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_as_objects(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 3);
    roots[0] = node_new(&w);
    roots[1] = eddy_alloc_weak(w.t, roots[0]);
    assert_ptr_equal(eddy_weak_get(w.t, roots[1]), roots[0]);
    roots[2] = eddy_alloc_weak(w.t, roots[1]); /* weakly to a weak reference */
    assert_int_equal(live_after_collect(&w), 3);
    assert_ptr_equal(eddy_weak_get(w.t, roots[2]), roots[1]);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 2);
    assert_null(eddy_weak_get(w.t, roots[1]));
    roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 1);
    assert_null(eddy_weak_get(w.t, roots[2]));
    roots[2] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).attached_objects, 0);
    assert_int_equal(world_stats(&w).overhead_bytes > 0, 1);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- threads ---- */

#define SHARED 1024
#define LOADED 16 /* of these are always loaded */

struct shared {
    eddy_heap *heap;
    const eddy_type *node;
    eddy_array *objects; /* in a root slot */
    eddy_weak *weak[SHARED];
    pthread_mutex_t lock; /* of the weak cells' names: they are replaced */
    uint32_t stop, started;
    uint64_t found, missed;
};

/* Loads cells at random: what it finds is alive and whole, and is kept in the array now and then. */
static void *load_cells(void *argument)
{
    struct shared *s = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(s->heap, &t) == EDDY_OK);
    void *held[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 1);
    uint64_t seed = (uint64_t)(uintptr_t)&seed | 1, found = 0, missed = 0;
    EDDY_ADD_RELAXED(&s->started, 1);
    while (!EDDY_LOAD_RELAXED(&s->stop)) {
        unsigned i = (unsigned)(support_random(&seed) % SHARED);
        if (i >= LOADED && support_random(&seed) % 64 != 0) {
            eddy_safepoint(t);
            continue; /* most are left alone for a while */
        }
        eddy_native_enter(t);
        pthread_mutex_lock(&s->lock);
        eddy_native_leave(t);
        struct node *n = held[0] = eddy_weak_load(t, s->weak[i]);
        pthread_mutex_unlock(&s->lock);
        if (n == NULL) {
            missed++;
        } else {
            found++;
            CHECK(n->value == ((uintptr_t)n ^ 0x77));
            if (support_random(&seed) % 64 == 0)
                eddy_store(t, s->objects, &s->objects->slots[i], n);
            eddy_safepoint(t);
            CHECK(n->value == ((uintptr_t)n ^ 0x77));
            held[0] = NULL;
        }
        eddy_safepoint(t);
    }
    EDDY_ADD_RELAXED(&s->found, found);
    EDDY_ADD_RELAXED(&s->missed, missed);
    eddy_frame_pop(t, &frame);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_threads_load_while_objects_die(void **state)
{
    (void)state;
    enum { LOADERS = 3 };
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = config.epoch_bytes_max = 65536;
    struct world w = world_open_with(&config);
    struct shared s = {.heap = w.heap, .node = w.node, .lock = PTHREAD_MUTEX_INITIALIZER};
    ROOTS_PUSH(w.t, 2);
    uint64_t seed = support_seed("threads");
    s.objects = roots[0] = eddy_alloc_array(w.t, SHARED);
    for (unsigned i = 0; i < SHARED; i++) {
        struct node *n = roots[1] = node_new(&w);
        n->value = (uintptr_t)n ^ 0x77;
        s.weak[i] = weak_of(&w, n);
    }
    pthread_t loaders[LOADERS];
    eddy_retain(w.t, s.objects);
    for (unsigned i = 0; i < LOADERS; i++)
        pthread_create(&loaders[i], NULL, load_cells, &s);
    WAIT_UNTIL((eddy_safepoint(w.t), EDDY_LOAD_RELAXED(&s.started) == LOADERS));
    for (unsigned round = 0; round < SUPPORT_SCALE(60000, 3000); round++) {
        unsigned i = (unsigned)(support_random(&seed) % SHARED);
        struct node *n = roots[1] = node_new(&w);
        n->value = (uintptr_t)n ^ 0x77;
        if (support_random(&seed) % 4 == 0)
            EDDY_SET(w.t, n, left, n);
        eddy_weak *weak = weak_of(&w, n);
        if (support_random(&seed) % 8 == 0)
            eddy_store(w.t, s.objects, &s.objects->slots[i], n);
        eddy_native_enter(w.t);
        pthread_mutex_lock(&s.lock);
        eddy_native_leave(w.t);
        eddy_weak *old = s.weak[i];
        s.weak[i] = weak;
        pthread_mutex_unlock(&s.lock);
        eddy_weak_drop(w.t, old);
        i = (unsigned)(support_random(&seed) % SHARED);
        eddy_store(w.t, s.objects, &s.objects->slots[i], NULL);
        roots[1] = NULL;
        if (round % 50 == 0)
            eddy_collect_hint(w.heap);
    }
    EDDY_STORE_RELAXED(&s.stop, 1);
    eddy_native_enter(w.t);
    for (unsigned i = 0; i < LOADERS; i++)
        pthread_join(loaders[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_verifies(&w);
    printf("%llu found, %llu missed, %llu rescued in %llu epochs\n", (unsigned long long)s.found,
           (unsigned long long)s.missed, (unsigned long long)world_stats(&w).weak_rescued,
           (unsigned long long)world_stats(&w).epochs);
    eddy_release(w.t, s.objects);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    for (unsigned i = 0; i < SHARED; i++) {
        assert_null(eddy_weak_load(w.t, s.weak[i]));
        eddy_weak_drop(w.t, s.weak[i]);
    }
    assert_int_equal(world_stats(&w).attached_objects, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Two threads make the first cell of the same object at once: both get the same one. */
struct makers {
    eddy_heap *heap;
    void *object;
    eddy_weak *weak[2];
    uint32_t ready;
};

static void *make_cell(void *argument)
{
    struct makers *m = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(m->heap, &t) == EDDY_OK);
    unsigned number = EDDY_ADD_SEQ_CST(&m->ready, 1);
    while (EDDY_LOAD_SEQ_CST(&m->ready) != 2)
        eddy_safepoint(t);
    CHECK(eddy_weak_create(t, m->object, &m->weak[number]) == EDDY_OK);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_two_threads_make_one_cell(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    for (unsigned round = 0; round < SUPPORT_SCALE(100, 20); round++) {
        struct makers m = {.heap = w.heap, .object = node_new(&w)};
        eddy_retain(w.t, m.object);
        pthread_t threads[2];
        for (unsigned i = 0; i < 2; i++)
            pthread_create(&threads[i], NULL, make_cell, &m);
        eddy_native_enter(w.t);
        for (unsigned i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        eddy_native_leave(w.t);
        assert_checks_passed();
        assert_ptr_equal(m.weak[0], m.weak[1]);
        eddy_weak_drop(w.t, m.weak[0]);
        eddy_weak_drop(w.t, m.weak[1]);
        eddy_release(w.t, m.object);
    }
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives_and_dies_with_its_object),
        cmocka_unit_test(test_dies_young),
        cmocka_unit_test(test_a_load_holds),
        cmocka_unit_test(test_cells_are_shared),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_every_kind_of_object),
        cmocka_unit_test(test_neighbours_and_reuse),
        cmocka_unit_test(test_a_chain_dies_at_once),
        cmocka_unit_test(test_a_cycle_is_cleared_as_one),
        cmocka_unit_test(test_a_chain_of_cycles),
        cmocka_unit_test(test_holds_the_reference_while_it_waits_for_log_space),
        cmocka_unit_test(test_as_objects),
        cmocka_unit_test(test_threads_load_while_objects_die),
        cmocka_unit_test(test_two_threads_make_one_cell),
    };
    return RUN_TESTS("weak", tests);
}
