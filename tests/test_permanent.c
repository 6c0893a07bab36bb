/* Permanent objects: by allocation, by closure, by freezing the heap, laid out by the compiler, shared by two heaps.
 * White-box where it must be seen that counts and headers are not written. */
#include "tests/support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/walk.h"

#define PRECISE_MANUAL (EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)

static bool sticky(eddy_heap *heap, const void *object)
{
    const struct block *b = block_of(heap, object);
    return b->counts[cell_number(b, object)] == COUNT_PERMANENT;
}

static bool permanent(eddy_heap *heap, const void *object)
{
    return eddy_is_permanent(object) && sticky(heap, object);
}

static const eddy_type *mutable_type(eddy_heap *heap)
{
    const size_t offsets[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc desc = {
        .name = "variable", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = 2, .flags = EDDY_TYPE_MUTABLE};
    const eddy_type *type = NULL;
    CHECK(eddy_type_register(heap, &desc, &type) == EDDY_OK);
    return type;
}

/* ---- by allocation ---- */

static void test_born_permanent(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    struct node *n = eddy_alloc_permanent(w.t, w.node), *m = eddy_alloc_permanent(w.t, w.node);
    uint64_t *bytes = eddy_alloc_permanent_bytes(w.t, 24), *large = eddy_alloc_permanent_bytes(w.t, 100000);
    eddy_array *array = eddy_alloc_permanent_tail(w.t, eddy_type_array(w.heap), 1000);
    assert_true(eddy_is_permanent(n) && eddy_is_permanent(bytes) && eddy_is_permanent(array));
    bytes[0] = large[9] = 7;
    n->value = 5;
    assert_int_equal(eddy_permanent_set(w.t, n, (void **)&n->left, m), EDDY_OK);
    assert_int_equal(eddy_permanent_set(w.t, array, &array->slots[999], n), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 5); /* no root refers to them */
    assert_true(permanent(w.heap, n) && permanent(w.heap, m) && permanent(w.heap, bytes) && permanent(w.heap, large)
                && permanent(w.heap, array));
    assert_true(bytes[0] == 7 && large[9] == 7 && n->value == 5 && n->left == m && array->slots[999] == n);
    eddy_stats stats = world_stats(&w);
    assert_int_equal(stats.permanent_objects, 5);
    assert_int_equal(stats.permanent_bytes, stats.live_bytes);
    assert_verifies(&w);
    assert_null(eddy_alloc_permanent_tail(w.t, eddy_type_array(w.heap), SIZE_MAX / 8));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    assert_null(eddy_alloc_permanent_bytes(w.t, SIZE_MAX));
    world_close(&w);
}

static void test_set_once(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    ROOTS_PUSH(w.t, 1);
    struct node *n = eddy_alloc_permanent(w.t, w.node), *m = eddy_alloc_permanent(w.t, w.node);
    struct node *mortal = roots[0] = node_new(&w);
    assert_int_equal(eddy_permanent_set(w.t, n, (void **)&n->left, mortal), EDDY_EINVAL);
    assert_int_equal(eddy_permanent_set(w.t, mortal, (void **)&mortal->left, m), EDDY_EINVAL);
    assert_null(n->left);
    assert_null(mortal->left);
    assert_int_equal(eddy_permanent_set(w.t, n, (void **)&n->left, NULL), EDDY_OK);
    assert_int_equal(eddy_permanent_set(w.t, n, (void **)&n->left, m), EDDY_OK);
    assert_int_equal(eddy_permanent_set(w.t, n, (void **)&n->left, n), EDDY_EBUSY);
    assert_ptr_equal(n->left, m);
    ROOTS_POP(w.t);
    assert_verifies(&w);
    world_close(&w);
}

/* References to a permanent object that come and go: no entry for what is stored, no count that changes. */
static void test_counts_stand_still(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    ROOTS_PUSH(w.t, 2);
    struct node *n = eddy_alloc_permanent(w.t, w.node);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 1000);
    world_step(&w, 4);
    uint64_t incs = world_stats(&w).incs;
    for (size_t i = 0; i < 1000; i++)
        array_put(w.t, array, i, n);
    eddy_retain(w.t, n);
    world_step(&w, 1);
    assert_in_range(world_stats(&w).incs - incs, 0, 4); /* the handle's, at each epoch */
    for (size_t i = 0; i < 1000; i++)
        array_put(w.t, array, i, NULL);
    for (unsigned i = 0; i < 3; i++)
        eddy_release(w.t, n);
    assert_false(eddy_compare_and_swap(w.t, array, &array->slots[0], n, n));
    assert_true(eddy_compare_and_swap(w.t, array, &array->slots[0], NULL, n));
    assert_ptr_equal(eddy_exchange(w.t, array, &array->slots[0], NULL), n);
    roots[1] = n;
    world_step(&w, 3);
    assert_true(permanent(w.heap, n));
    assert_int_equal(world_stats(&w).misused_releases, 0);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 1);
    assert_true(permanent(w.heap, n));
    assert_verifies(&w);
    world_close(&w);
}

/* ---- by closure ---- */

/* A ring with a chord, an array in it and a leaf, all of them young: private, counted and numbered by a search. */
static void test_closure(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    ROOTS_PUSH(w.t, 3);
    struct node *head = roots[0] = node_new(&w), *last = head;
    for (unsigned i = 0; i < 100; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, last, left, n);
        EDDY_SET(w.t, n, right, i % 3 == 0 ? head : last);
        last = n;
        if (i % 20 == 10)
            world_step(&w, 1);
    }
    eddy_array *array = eddy_alloc_array(w.t, 2000);
    EDDY_SET(w.t, last, left, array);
    array_put(w.t, array, 1999, head);
    uint64_t *leaf = eddy_alloc_bytes(w.t, 8);
    array_put(w.t, array, 7, leaf);
    *leaf = 99;
    struct node *apart = roots[1] = node_new(&w);
    EDDY_SET(w.t, apart, left, head);
    assert_int_equal(eddy_make_permanent(w.t, head), EDDY_OK);
    assert_int_equal(eddy_make_permanent(w.t, head), EDDY_OK);
    assert_int_equal(eddy_make_permanent(w.t, NULL), EDDY_OK);
    assert_int_equal(world_stats(&w).permanent_objects, 103);
    assert_false(eddy_is_permanent(apart));
    for (struct node *n = head; n != last; n = n->left)
        assert_true(permanent(w.heap, n));
    assert_true(permanent(w.heap, array) && permanent(w.heap, leaf));
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 104);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 103);
    assert_true(*leaf == 99 && array->slots[1999] == head && permanent(w.heap, leaf));
    assert_verifies(&w);
    world_close(&w);
}

/* Counts in the overflow table, flagged candidate roots, and nodes of a search that is under way. */
static void test_closure_of_candidates(void **state)
{
    (void)state;
    for (unsigned epochs = 0; epochs < 6; epochs++) {
        struct world w = world_open(PRECISE_MANUAL);
        ROOTS_PUSH(w.t, 3);
        struct node *ring = roots[0] = node_new(&w), *other = node_new(&w);
        EDDY_SET(w.t, ring, left, other);
        EDDY_SET(w.t, other, left, ring);
        eddy_array *many = roots[1] = eddy_alloc_array(w.t, 300);
        for (size_t i = 0; i < 300; i++)
            array_put(w.t, many, i, ring);
        world_step(&w, 3);
        assert_int_equal(world_stats(&w).overflowed_counts, 1);
        roots[1] = NULL; /* from now on the ring is referred to by less and less */
        world_step(&w, 3);
        eddy__collector_request(w.heap, REQUEST_CYCLES);
        world_step(&w, epochs);
        assert_int_equal(eddy_make_permanent(w.t, other), EDDY_OK);
        roots[0] = NULL;
        assert_int_equal(live_after_collect(&w), 2);
        assert_true(permanent(w.heap, ring) && permanent(w.heap, other));
        assert_int_equal(world_stats(&w).overflowed_counts, 0);
        assert_verifies(&w);
        ROOTS_POP(w.t);
        world_close(&w);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w), *m = node_new(&w);
    EDDY_SET(w.t, n, left, m);
    assert_int_equal(eddy_make_permanent(w.t, n), EDDY_OK);
    const char *text;
    CATCH_MISUSE(EDDY_SET(w.t, n, left, NULL), text);
    assert_non_null(strstr(text, "permanent"));
    CATCH_MISUSE(eddy_exchange(w.t, n, (void **)&n->left, n), text);
    assert_non_null(strstr(text, "permanent"));
    CATCH_MISUSE(eddy_compare_and_swap(w.t, n, (void **)&n->left, m, NULL), text);
    assert_non_null(strstr(text, "permanent"));
    CATCH_MISUSE(eddy_fill_refs(w.t, n, (void **)&n->left, NULL, 1), text);
    assert_non_null(strstr(text, "permanent"));
    w.t = eddy_thread_current(w.heap);
    thread_of(w.t)->frames = &roots_frame; /* eddy_fill_refs did not return */
    assert_ptr_equal(n->left, m);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 2);
    assert_verifies(&w);
    world_close(&w);
}

/* The fields of mutable types go on being counted: they keep what they refer to, and let it go. */
static void test_mutable(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    ROOTS_PUSH(w.t, 1);
    const eddy_type *variable = mutable_type(w.heap);
    struct node *v = eddy_alloc_permanent(w.t, variable), *closed = roots[0] = node_new(&w);
    struct node *inner = eddy_alloc(w.t, variable);
    EDDY_SET(w.t, closed, left, inner);
    EDDY_SET(w.t, closed, right, v);
    EDDY_SET(w.t, inner, left, node_new(&w));
    assert_int_equal(eddy_make_permanent(w.t, closed), EDDY_OK);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 4);
    assert_int_equal(world_stats(&w).permanent_objects, 3);
    assert_false(eddy_is_permanent(inner->left));
    assert_verifies(&w);
    EDDY_SET(w.t, v, left, node_new(&w));
    EDDY_SET(w.t, v->left, left, v->left); /* a cycle held by a permanent object */
    EDDY_SET(w.t, v, right, inner->left);
    EDDY_SET(w.t, inner, left, NULL);
    assert_int_equal(live_after_collect(&w), 5);
    assert_verifies(&w);
    EDDY_SET(w.t, v, left, NULL);
    void *held = v->right;
    assert_ptr_equal(eddy_exchange(w.t, v, (void **)&v->right, closed), held);
    assert_int_equal(live_after_collect(&w), 3);
    assert_verifies(&w);
    eddy_ephemeron *ephemeron; /* its value is no field of the key's: it may come and go */
    assert_int_equal(eddy_ephemeron_create(w.t, closed, node_new(&w), &ephemeron), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 4);
    assert_verifies(&w);
    eddy_ephemeron_drop(w.t, ephemeron);
    assert_int_equal(live_after_collect(&w), 3);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Below the limit there is no room for the table: an error, and all is as it was. */
static void test_closure_without_memory(void **state)
{
    (void)state;
    eddy_config config = support_config(PRECISE_MANUAL);
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 1);
    struct node *head = roots[0] = node_new(&w), *last = head;
    for (unsigned i = 0; i < 20000; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, last, left, n);
        last = n;
    }
    world_step(&w, 4);
    assert_int_equal(eddy_heap_set_limit(w.heap, MIB), EDDY_OK);
    assert_int_equal(eddy_make_permanent(w.t, head), EDDY_ENOMEM);
    assert_int_equal(world_stats(&w).permanent_objects, 0);
    assert_false(eddy_is_permanent(head) || eddy_is_permanent(last));
    assert_int_equal(eddy_heap_set_limit(w.heap, 0), EDDY_OK);
    assert_verifies(&w);
    assert_int_equal(eddy_make_permanent(w.t, head->left), EDDY_OK);
    assert_int_equal(world_stats(&w).permanent_objects, 20000);
    assert_verifies(&w);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 20000);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_owner_checked(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE_MANUAL);
    eddy_thread *gone = w.t;
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    assert_int_equal(eddy_make_permanent(gone, NULL), EDDY_EDETACHED);
    assert_int_equal(eddy_heap_freeze(gone), EDDY_EDETACHED);
    w.t = NULL;
    world_close(&w);
}

/* ---- freezing ---- */

static void note_visit(void *context, struct block *b, uint32_t cell, void *object)
{
    uint64_t *visits = context;
    if (b->counts[cell] != COUNT_PERMANENT)
        return;
    visits[0]++;
    visits[1] += ((struct node *)object)->value;
}

static void test_freeze(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 4);
    struct node *live = roots[0] = node_new(&w);
    live->value = 1;
    for (unsigned i = 0; i < 5000; i++) { /* of each two one is garbage; some on cycles */
        struct node *n = roots[2] = node_new(&w), *m = roots[3] = node_new(&w);
        n->value = i;
        m->value = 1000000;
        EDDY_SET(w.t, n, left, live);
        EDDY_SET(w.t, m, left, n);
        EDDY_SET(w.t, m, right, m);
        live = roots[0] = n;
    }
    roots[2] = roots[3] = NULL;
    struct node *young = roots[1] = node_new(&w); /* private when the heap is frozen */
    EDDY_SET(w.t, young, left, node_new(&w));
    assert_int_equal(eddy_heap_freeze(w.t), EDDY_OK);
    assert_int_equal(world_stats(&w).permanent_objects, 5003);
    assert_true(permanent(w.heap, live) && permanent(w.heap, young) && permanent(w.heap, young->left));
    uint64_t visits[2] = {0, 0};
    pthread_mutex_lock(&w.heap->collector_lock);
    eddy__walk_objects(w.heap->collector, note_visit, visits);
    pthread_mutex_unlock(&w.heap->collector_lock);
    assert_int_equal(visits[0], 5003);
    assert_int_equal(visits[1], 1 + 5000 * 4999 / 2);
    roots[0] = roots[1] = NULL;
    struct node *later = roots[0] = node_new(&w);
    EDDY_SET(w.t, later, left, live);
    assert_int_equal(live_after_collect(&w), 5004);
    assert_int_equal(eddy_heap_freeze(w.t), EDDY_OK); /* again: what has come since */
    assert_int_equal(world_stats(&w).permanent_objects, 5004);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 5004);
    world_close(&w);
}

struct sleeper {
    struct world *w;
    uint32_t stage; /* 1: native, 2: asked to leave, 3: running, 4: asked to end */
    struct node *kept;
};

static void *sleep_in_native(void *argument)
{
    struct sleeper *s = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(s->w->heap, &t) == EDDY_OK);
    ROOTS_PUSH(t, 1);
    struct node *n = roots[0] = s->kept = eddy_alloc(t, s->w->node);
    EDDY_SET(t, n, left, eddy_alloc(t, s->w->node));
    eddy_native_enter(t);
    EDDY_STORE_SEQ_CST(&s->stage, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s->stage) == 2);
    eddy_native_leave(t);
    CHECK(eddy_is_permanent(roots[0]) && eddy_is_permanent(n->left)); /* it was private, of a thread that slept */
    struct node *m = eddy_alloc(t, s->w->node);
    EDDY_SET(t, m, left, n);
    CHECK(!eddy_is_permanent(m));
    EDDY_STORE_SEQ_CST(&s->stage, 3);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s->stage) == 4); /* no safepoint: there it would wait for the freeze, as if asleep */
    ROOTS_POP(t);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_freeze_needs_the_others_asleep(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct sleeper s = {.w = &w};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sleep_in_native, &s), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s.stage) == 1);
    assert_int_equal(eddy_heap_freeze(w.t), EDDY_OK);
    assert_int_equal(world_stats(&w).permanent_objects, 2);
    EDDY_STORE_SEQ_CST(&s.stage, 2);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s.stage) == 3);
    assert_int_equal(eddy_heap_freeze(w.t), EDDY_EBUSY);
    assert_int_equal(world_stats(&w).permanent_objects, 2);
    EDDY_STORE_SEQ_CST(&s.stage, 4);
    pthread_join(thread, NULL);
    assert_checks_passed();
    assert_int_equal(live_after_collect(&w), 2);
    assert_true(permanent(w.heap, s.kept));
    assert_verifies(&w);
    world_close(&w);
}

/* ---- outside the heap ---- */

EDDY_STATIC_OBJECT(struct node, tail, {.value = 2});
EDDY_STATIC_OBJECT(struct node, head, {.left = EDDY_STATIC_REF(tail), .value = 1});

static void test_static_objects(void **state)
{
    (void)state;
    struct world w = world_open(0);
    struct node *outside = EDDY_STATIC_REF(head);
    assert_int_equal((uintptr_t)outside % 16, 0);
    assert_true(eddy_is_permanent(outside));
    assert_null(eddy_object_type(w.heap, outside));
    assert_int_equal(eddy_object_size(w.heap, outside), 0);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 2);
    roots[1] = outside;
    struct node *n = roots[0] = node_new(&w); /* promoted by the collector with the reference in it */
    EDDY_SET(w.t, n, left, outside);
    assert_verifies(&w);
    EDDY_SET(w.t, n, right, outside);
    assert_true(eddy_compare_and_swap(w.t, n, (void **)&n->right, outside, outside));
    assert_false(eddy_compare_and_swap(w.t, n, (void **)&n->right, n, outside));
    assert_ptr_equal(eddy_exchange(w.t, n, (void **)&n->right, n), outside);
    eddy_root_store(w.t, &slot, outside);
    eddy_root_store(w.t, &slot, n);
    eddy_retain(w.t, outside);
    eddy_release(w.t, outside);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 100);
    eddy_fill_refs(w.t, array, array->slots, outside, 100);
    eddy_fill_refs(w.t, array, array->slots, NULL, 50);
    struct node *late = node_new(&w); /* promoted, then published, by its thread */
    EDDY_SET(w.t, late, left, outside);
    array_put(w.t, array, 1, late);
    assert_int_equal(eddy_make_permanent(w.t, outside), EDDY_OK);
    assert_verifies(&w);
    roots[0] = NULL;
    eddy_root_store(w.t, &slot, NULL); /* n refers to itself and to the static object: a cycle is searched for, and found */
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    const char *text;
    CATCH_MISUSE(EDDY_SET(w.t, outside, left, NULL), text);
    assert_string_not_equal(text, "");
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    ROOTS_POP(w.t);
    assert_verifies(&w);
    world_close(&w);
}

/* Objects of a second heap refer to those of the first. */
static void test_two_heaps(void **state)
{
    (void)state;
    struct world first = world_open(EDDY_HEAP_PRECISE_ROOTS), second = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct node *shared = eddy_alloc_permanent(first.t, first.node);
    shared->value = 3;
    ROOTS_PUSH(second.t, 2);
    eddy_array *array = roots[0] = eddy_alloc_array(second.t, 64);
    for (size_t i = 0; i < 64; i++)
        array_put(second.t, array, i, shared);
    roots[1] = shared;
    struct node *n = node_new(&second);
    EDDY_SET(second.t, n, right, shared);
    array_put(second.t, array, 0, n);
    assert_verifies(&second);
    assert_int_equal(eddy_make_permanent(second.t, array), EDDY_OK);
    assert_int_equal(world_stats(&second).permanent_objects, 2);
    assert_verifies(&second);
    ROOTS_POP(second.t);
    assert_int_equal(live_after_collect(&second), 2);
    world_close(&second);
    assert_int_equal(shared->value, 3);
    assert_int_equal(live_after_collect(&first), 1);
    assert_verifies(&first);
    world_close(&first);
}

/* ---- threads ---- */

#define KINDS 16u

struct party {
    struct world *w;
    void *roots[KINDS]; /* global roots: lists, some of them permanent */
    uint64_t seed;
    uint32_t done;
};

static void *play(void *argument)
{
    struct party *p = argument;
    uint64_t random = EDDY_ADD_SEQ_CST(&p->seed, 12345) | 1;
    eddy_thread *t;
    CHECK(eddy_thread_attach(p->w->heap, &t) == EDDY_OK);
    {
        ROOTS_PUSH(t, 2);
        for (unsigned i = 0; i < SUPPORT_SCALE(20000u, 2000u); i++) {
            uint64_t what = support_random(&random);
            void **from = &p->roots[what % KINDS], **to = &p->roots[what / 16 % KINDS];
            struct node *old = roots[0] = eddy_root_load(t, from);
            struct node *n = roots[1] = eddy_alloc(t, p->w->node);
            n->value = 77;
            EDDY_SET(t, n, left, old);
            if (old != NULL)
                CHECK(old->value == 77 && (old->left == NULL || old->left->value == 77));
            if (what / 256 % 8 == 0)
                EDDY_SET(t, n, left, NULL);
            if (what / 2048 % 256 == 0)
                CHECK(eddy_make_permanent(t, roots[1]) == EDDY_OK);
            eddy_root_store(t, to, n);
            roots[0] = roots[1] = NULL;
        }
        ROOTS_POP(t);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&p->done, 1);
    return NULL;
}

/* Several threads build lists out of each other's, and make some of them permanent; nobody stores into these. */
static void test_threads(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct party p = {.w = &w, .seed = support_seed("test_threads")};
    for (unsigned i = 0; i < KINDS; i++)
        assert_int_equal(eddy_root_add(w.t, &p.roots[i]), EDDY_OK);
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, play, &p), 0);
    while (EDDY_LOAD_SEQ_CST(&p.done) != 3)
        assert_verifies(&w);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_checks_passed();
    assert_verifies(&w);
    for (unsigned i = 0; i < KINDS; i++)
        assert_int_equal(eddy_root_remove(w.t, &p.roots[i]), EDDY_OK);
    uint64_t left = live_after_collect(&w);
    assert_int_equal(left, world_stats(&w).permanent_objects);
    assert_true(left != 0);
    assert_verifies(&w);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_born_permanent),
        cmocka_unit_test(test_set_once),
        cmocka_unit_test(test_counts_stand_still),
        cmocka_unit_test(test_closure),
        cmocka_unit_test(test_closure_of_candidates),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_mutable),
        cmocka_unit_test(test_closure_without_memory),
        cmocka_unit_test(test_owner_checked),
        cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_freeze_needs_the_others_asleep),
        cmocka_unit_test(test_static_objects),
        cmocka_unit_test(test_two_heaps),
        cmocka_unit_test(test_threads),
    };
    return RUN_TESTS("permanent", tests);
}
