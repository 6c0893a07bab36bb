/* Ephemerons: the value lives with its key and not longer, whatever refers to what; keys without references of their own;
 * chains; changing and dropping; a random play against what should be reachable. */
#include "tests/support.h"

#define PRECISE (EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)

static eddy_ephemeron *ephemeron_of(const struct world *w, void *key, void *value)
{
    eddy_ephemeron *e = NULL;
    assert_int_equal(eddy_ephemeron_create(w->t, key, value, &e), EDDY_OK);
    return e;
}

static void test_value_lives_with_its_key(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 2);
    struct node *key = roots[0] = node_new(&w), *value = roots[1] = node_new(&w);
    eddy_ephemeron *e = ephemeron_of(&w, key, value);
    roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 2);
    void *k;
    assert_ptr_equal(eddy_ephemeron_get(w.t, e, &k), value);
    assert_ptr_equal(k, key);
    assert_ptr_equal(eddy_ephemeron_get(w.t, e, NULL), value);
    assert_verifies(&w);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_null(eddy_ephemeron_get(w.t, e, &k));
    assert_null(k);
    assert_false(eddy_ephemeron_set(w.t, e, node_new(&w)));
    eddy_ephemeron_drop(w.t, e);
    eddy_ephemeron_drop(w.t, NULL);
    assert_int_equal(eddy_ephemeron_create(w.t, NULL, NULL, &e), EDDY_EINVAL);
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* A value that refers to its key does not keep it alive: keys of every kind, leaves and large ones too. */
static void test_value_refers_to_its_key(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    for (unsigned kind = 0; kind < 5; kind++)
        for (unsigned direct = 0; direct < 2; direct++) {
            ROOTS_PUSH(w.t, 2);
            roots[0] = kind == 0   ? (void *)node_new(&w)
                       : kind == 1 ? eddy_alloc_bytes(w.t, 8)
                       : kind == 2 ? eddy_alloc_bytes(w.t, 50000)
                       : kind == 3 ? (void *)eddy_alloc_array(w.t, 3000)
                                   : (void *)eddy_alloc_array(w.t, 2);
            if (direct)
                roots[1] = roots[0]; /* is its key */
            else {
                struct node *value = roots[1] = node_new(&w);
                EDDY_SET(w.t, value, right, roots[0]);
            }
            eddy_ephemeron *e = ephemeron_of(&w, roots[0], roots[1]);
            roots[1] = NULL;
            assert_int_equal(live_after_collect(&w), 2 - direct);
            assert_non_null(eddy_ephemeron_get(w.t, e, NULL));
            assert_verifies(&w);
            roots[0] = NULL;
            assert_int_equal(live_after_collect(&w), 0);
            assert_null(eddy_ephemeron_get(w.t, e, NULL));
            eddy_ephemeron_drop(w.t, e);
            ROOTS_POP(w.t);
        }
    world_close(&w);
}

static void test_change_and_drop(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 1);
    roots[0] = eddy_alloc_bytes(w.t, 16);
    eddy_ephemeron *e[8];
    for (unsigned i = 0; i < 8; i++)
        e[i] = ephemeron_of(&w, roots[0], node_new(&w)); /* the value is held by the call */
    assert_int_equal(live_after_collect(&w), 9);
    assert_true(eddy_ephemeron_set(w.t, e[0], node_new(&w)));
    assert_true(eddy_ephemeron_set(w.t, e[1], NULL));
    assert_int_equal(live_after_collect(&w), 8);
    assert_null(eddy_ephemeron_get(w.t, e[1], NULL));
    const unsigned order[] = {3, 7, 0, 5};
    for (unsigned i = 0; i < 4; i++) { /* from the middle, the beginning, the end */
        eddy_ephemeron_drop(w.t, e[order[i]]);
        assert_int_equal(live_after_collect(&w), 7 - i);
        assert_verifies(&w);
    }
    e[0] = ephemeron_of(&w, roots[0], node_new(&w));
    assert_int_equal(live_after_collect(&w), 5);
    roots[0] = NULL;
    eddy_ephemeron_drop(w.t, e[2]); /* with its key */
    assert_int_equal(live_after_collect(&w), 0);
    const unsigned left[] = {0, 1, 4, 6};
    for (unsigned i = 0; i < 4; i++)
        eddy_ephemeron_drop(w.t, e[left[i]]);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).attached_objects, 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* The value of one is the key of the next; the last value refers to the first key. All die in a few epochs. */
static void test_a_chain(void **state)
{
    (void)state;
    enum { LENGTH = 500 };
    struct world w = world_open(PRECISE);
    static eddy_ephemeron *e[LENGTH];
    for (unsigned closed = 0; closed < 2; closed++) {
        ROOTS_PUSH(w.t, 3);
        roots[0] = roots[1] = node_new(&w);
        for (unsigned i = 0; i < LENGTH; i++) {
            roots[2] = node_new(&w);
            e[i] = ephemeron_of(&w, roots[1], roots[2]);
            roots[1] = roots[2];
        }
        if (closed)
            EDDY_SET(w.t, (struct node *)roots[1], left, roots[0]);
        roots[1] = roots[2] = NULL;
        assert_int_equal(live_after_collect(&w), LENGTH + 1);
        for (unsigned i = 0; i < LENGTH; i++)
            assert_non_null(eddy_ephemeron_get(w.t, e[i], NULL));
        roots[0] = NULL;
        uint64_t epochs = world_stats(&w).epochs;
        assert_int_equal(live_after_collect(&w), 0);
        assert_true(world_stats(&w).epochs - epochs <= 16);
        for (unsigned i = 0; i < LENGTH; i++) {
            assert_null(eddy_ephemeron_get(w.t, e[i], NULL));
            eddy_ephemeron_drop(w.t, e[i]);
        }
        ROOTS_POP(w.t);
    }
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* ---- at random, against what should be reachable ---- */

#define OBJECTS 24u
#define EPHEMERONS 24u

struct play {
    struct world w;
    eddy_weak *weak[OBJECTS]; /* of each object; NULL: there is none */
    bool rooted[OBJECTS];
    int left[OBJECTS], right[OBJECTS];
    struct {
        eddy_ephemeron *e;
        int key, value;
    } entries[EPHEMERONS];
    bool live[OBJECTS];
    void **roots;
};

static void reach(struct play *p, int i)
{
    if (i < 0 || p->live[i])
        return;
    p->live[i] = true;
    reach(p, p->left[i]);
    reach(p, p->right[i]);
    for (unsigned k = 0; k < EPHEMERONS; k++)
        if (p->entries[k].e != NULL && p->entries[k].key == i)
            reach(p, p->entries[k].value);
}

static void find_live(struct play *p)
{
    memset(p->live, 0, sizeof p->live);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (p->rooted[i])
            reach(p, (int)i);
}

/* The object, if the model says that it lives; it is held in the last slots meanwhile. */
static struct node *get(struct play *p, int i, unsigned slot)
{
    struct node *n = i < 0 ? NULL : eddy_weak_load(p->w.t, p->weak[i]);
    p->roots[OBJECTS + slot] = n;
    return n;
}

static int any_live(struct play *p, uint64_t *seed)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        unsigned i = (unsigned)(support_random(seed) % OBJECTS);
        if (p->live[i])
            return (int)i;
    }
    return -1;
}

static void check_dead_and_live(struct play *p)
{
    assert_int_equal(eddy_collect(p->w.t, 0, NULL), EDDY_OK);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (p->weak[i] != NULL) {
            struct node *n = get(p, (int)i, 0);
            assert_int_equal(n != NULL, p->live[i]);
            if (n != NULL)
                assert_int_equal(n->value, i);
        }
    for (unsigned k = 0; k < EPHEMERONS; k++)
        if (p->entries[k].e != NULL) {
            void *value = eddy_ephemeron_get(p->w.t, p->entries[k].e, NULL);
            bool lives = p->live[p->entries[k].key];
            assert_int_equal(value != NULL, lives && p->entries[k].value >= 0);
        }
    p->roots[OBJECTS] = p->roots[OBJECTS + 1] = NULL;
}

static void move(struct play *p, uint64_t *seed)
{
    eddy_thread *t = p->w.t;
    find_live(p);
    int a = any_live(p, seed), b = any_live(p, seed);
    unsigned k = (unsigned)(support_random(seed) % EPHEMERONS);
    switch (support_random(seed) % 8) {
    case 0:
    case 1: /* a new object in place of a dead one */
        for (unsigned i = 0; i < OBJECTS; i++) {
            bool used = p->live[i];
            for (unsigned n = 0; n < EPHEMERONS; n++)
                used = used || (p->entries[n].e != NULL && (p->entries[n].key == (int)i || p->entries[n].value == (int)i));
            if (used)
                continue;
            eddy_weak_drop(t, p->weak[i]);
            struct node *n = p->roots[i] = node_new(&p->w);
            n->value = i;
            assert_int_equal(eddy_weak_create(t, n, &p->weak[i]), EDDY_OK);
            p->rooted[i] = true;
            p->left[i] = p->right[i] = -1;
            for (unsigned j = 0; j < OBJECTS; j++) /* its predecessor is dead */
                p->left[j] = p->left[j] == (int)i ? -1 : p->left[j],
                p->right[j] = p->right[j] == (int)i ? -1 : p->right[j];
            break;
        }
        break;
    case 2:
    case 3:
        if (a >= 0) {
            struct node *n = get(p, a, 0), *to = get(p, b, 1);
            if (support_random(seed) % 2) {
                EDDY_SET(t, n, left, to);
                p->left[a] = b;
            } else {
                EDDY_SET(t, n, right, to);
                p->right[a] = b;
            }
        }
        break;
    case 4:
        if (a >= 0) {
            p->rooted[a] = false;
            p->roots[a] = NULL;
        }
        break;
    case 5:
        if (a >= 0 && p->entries[k].e == NULL) {
            struct node *key = get(p, a, 0), *value = get(p, b, 1);
            p->entries[k].e = ephemeron_of(&p->w, key, value);
            p->entries[k].key = a;
            p->entries[k].value = b;
        }
        break;
    case 6:
        if (p->entries[k].e != NULL && p->live[p->entries[k].key]) {
            struct node *value = get(p, b, 1);
            assert_true(eddy_ephemeron_set(t, p->entries[k].e, value));
            p->entries[k].value = b;
        }
        break;
    default: eddy_ephemeron_drop(t, p->entries[k].e); p->entries[k].e = NULL;
    }
    p->roots[OBJECTS] = p->roots[OBJECTS + 1] = NULL;
}

static void test_at_random(void **state)
{
    (void)state;
    uint64_t seed = support_seed("ephemerons at random");
    for (unsigned round = 0; round < SUPPORT_SCALE(30, 6); round++) {
        struct play p = {.w = world_open(PRECISE)};
        ROOTS_PUSH(p.w.t, OBJECTS + 2);
        p.roots = roots;
        for (unsigned step = 0; step < 1500; step++) {
            move(&p, &seed);
            if (support_random(&seed) % 16 == 0)
                world_step(&p.w, 1);
            if (step % 100 == 99) {
                find_live(&p);
                check_dead_and_live(&p);
                assert_verifies(&p.w);
            }
        }
        for (unsigned k = 0; k < EPHEMERONS; k++)
            eddy_ephemeron_drop(p.w.t, p.entries[k].e);
        for (unsigned i = 0; i < OBJECTS; i++)
            eddy_weak_drop(p.w.t, p.weak[i]);
        memset(roots, 0, sizeof roots);
        assert_int_equal(live_after_collect(&p.w), 0);
        assert_int_equal(world_stats(&p.w).attached_objects, 0);
        ROOTS_POP(p.w.t);
        world_close(&p.w);
    }
}

/* ---- threads: each has its own ephemerons, on keys that all share ---- */

#define KEYS 64u
#define THREADS 3u

struct hall {
    eddy_heap *heap;
    const eddy_type *node;
    eddy_array *keys;
};

static void *attach_and_drop(void *argument)
{
    struct hall *hall = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(hall->heap, &t) == EDDY_OK);
    void *held[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 2);
    eddy_ephemeron *mine[KEYS] = {NULL};
    uint64_t seed = (uint64_t)(uintptr_t)&seed | 1;
    for (unsigned i = 0; i < SUPPORT_SCALE(40000, 4000); i++) {
        unsigned k = (unsigned)(support_random(&seed) % KEYS);
        if (mine[k] != NULL && support_random(&seed) % 2) {
            struct node *value = held[1] = eddy_ephemeron_get(t, mine[k], &held[0]);
            CHECK((value == NULL) == (held[0] == NULL));
            if (value != NULL)
                CHECK(value->value == 42 && eddy_load(t, (void *const *)&value->left) == held[0]);
        } else if (mine[k] != NULL) {
            eddy_ephemeron_drop(t, mine[k]);
            mine[k] = NULL;
        } else {
            held[0] = eddy_load(t, &hall->keys->slots[k]);
            struct node *value = held[1] = eddy_alloc(t, hall->node);
            value->value = 42;
            EDDY_SET(t, value, left, held[0]);
            if (held[0] != NULL)
                CHECK(eddy_ephemeron_create(t, held[0], value, &mine[k]) == EDDY_OK);
        }
        if (support_random(&seed) % 8 == 0) {
            held[0] = eddy_alloc_bytes(t, 16);
            eddy_store(t, hall->keys, &hall->keys->slots[k], held[0]);
        }
        if (i % 64 == 0)
            eddy_collect_hint(hall->heap);
        eddy_safepoint(t);
    }
    for (unsigned k = 0; k < KEYS; k++)
        eddy_ephemeron_drop(t, mine[k]);
    eddy_frame_pop(t, &frame);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_threads_share_keys(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct hall hall = {w.heap, w.node, eddy_alloc_array(w.t, KEYS)};
    eddy_retain(w.t, hall.keys);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, attach_and_drop, &hall);
    eddy_native_enter(w.t);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_verifies(&w);
    eddy_release(w.t, hall.keys);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).attached_objects, 0);
    world_close(&w);
}

static bool count_bytes(void *context, const void *bytes, size_t n)
{
    (void)bytes;
    *(size_t *)context += n;
    return true;
}

/* Inspections go along hidden fields like along others. */
static void test_inspection(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 2);
    struct node *key = roots[0] = node_new(&w), *value = roots[1] = node_new(&w);
    eddy_ephemeron *e = ephemeron_of(&w, key, value);
    roots[1] = NULL;
    eddy_inspection *inspection;
    assert_int_equal(eddy_inspect_begin(w.t, 0, &inspection), EDDY_OK);
    eddy_root root;
    eddy_path_step steps[4];
    size_t length, written = 0;
    assert_int_equal(eddy_inspect_path(inspection, value, &root, steps, 4, &length), EDDY_OK);
    assert_int_equal(root.kind, EDDY_ROOT_HANDLE);
    assert_int_equal(length, 2);
    assert_ptr_equal(steps[0].object, key);
    uint64_t objects, bytes;
    assert_int_equal(eddy_inspect_retained(inspection, key, &objects, &bytes), EDDY_OK);
    assert_int_equal(objects, 2);
    assert_int_equal(eddy_inspect_write_snapshot(inspection, count_bytes, &written), EDDY_OK);
    assert_true(written > 200);
    eddy_inspect_end(inspection);
    eddy_ephemeron_drop(w.t, e);
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_lives_with_its_key),
        cmocka_unit_test(test_value_refers_to_its_key),
        cmocka_unit_test(test_change_and_drop),
        cmocka_unit_test(test_a_chain),
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_threads_share_keys),
        cmocka_unit_test(test_inspection),
    };
    return RUN_TESTS("ephemeron", tests);
}
