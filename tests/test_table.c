/* Tables: every kind of entry against a plain array of pairs, growth, dead entries, tables that die, tables on cycles. */
#include "tests/support.h"

#define PRECISE (EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)

static const eddy_table_kind kinds[] = {EDDY_TABLE_STRONG, EDDY_TABLE_WEAK_KEY, EDDY_TABLE_WEAK_VALUE,
                                        EDDY_TABLE_EPHEMERON};
#define KINDS 4

static void put(const struct world *w, eddy_table *table, void *key, void *value)
{
    assert_int_equal(eddy_table_put(w->t, table, key, value), EDDY_OK);
}

/* What each kind keeps alive: with the key held, with the value held, with nothing held. */
static void test_what_is_kept(void **state)
{
    (void)state;
    static const struct {
        unsigned key_held, value_held, nothing;
    } live[KINDS] = {
        {2, 2, 2}, /* objects besides the table and its array */
        {2, 1, 0},
        {1, 2, 0},
        {2, 1, 0},
    };
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned held = 0; held < 3; held++) {
            struct world w = world_open(PRECISE);
            ROOTS_PUSH(w.t, 3);
            eddy_table *table = roots[0] = eddy_table_new(w.t, kinds[kind]);
            uint64_t own = kinds[kind] == EDDY_TABLE_EPHEMERON ? 1 : 2;
            roots[1] = node_new(&w);
            roots[2] = node_new(&w);
            void *key = roots[1], *value = roots[2];
            put(&w, table, key, value);
            assert_int_equal(live_after_collect(&w), own + 2);
            assert_ptr_equal(eddy_table_get(w.t, table, key), value);
            assert_verifies(&w);
            roots[1] = held == 0 ? key : NULL;
            roots[2] = held == 1 ? value : NULL;
            assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
            eddy_table_tidy(w.t, table); /* lets the strong side of dead entries go */
            unsigned expected = held == 0   ? live[kind].key_held
                                : held == 1 ? live[kind].value_held
                                            : live[kind].nothing;
            assert_int_equal(live_after_collect(&w), own + expected);
            assert_int_equal(eddy_table_count(table), expected == 2);
            if (held == 0)
                assert_ptr_equal(eddy_table_get(w.t, table, key), expected == 2 ? value : NULL);
            assert_verifies(&w);
            roots[0] = roots[1] = roots[2] = NULL;
            assert_int_equal(live_after_collect(&w), 0);
            assert_int_equal(world_stats(&w).attached_objects, 0);
            ROOTS_POP(w.t);
            world_close(&w);
        }
}

/* A value that refers to its key: only the ephemeron lets them go. */
static void test_value_refers_to_key(void **state)
{
    (void)state;
    static const unsigned live[KINDS] = {2, 2, 0, 0};
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct world w = world_open(PRECISE);
        ROOTS_PUSH(w.t, 2);
        eddy_table *table = roots[0] = eddy_table_new(w.t, kinds[kind]);
        uint64_t own = kinds[kind] == EDDY_TABLE_EPHEMERON ? 1 : 2;
        struct node *value = roots[1] = node_new(&w);
        EDDY_SET(w.t, value, left, node_new(&w));
        put(&w, table, value->left, value);
        roots[1] = NULL;
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        eddy_table_tidy(w.t, table);
        assert_int_equal(live_after_collect(&w), own + live[kind]);
        roots[0] = NULL;
        assert_int_equal(live_after_collect(&w), 0);
        ROOTS_POP(w.t);
        world_close(&w);
    }
}

/* A table on a cycle with its keys and values dies with them. */
static void test_tables_on_cycles(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned both = 0; both < 2; both++) {
            struct world w = world_open(PRECISE);
            ROOTS_PUSH(w.t, 3);
            eddy_table *table = roots[0] = eddy_table_new(w.t, kinds[kind]);
            for (unsigned i = 0; i < 40; i++) {
                struct node *key = roots[1] = node_new(&w), *value = roots[2] = node_new(&w);
                EDDY_SET(w.t, value, left, (struct node *)(void *)table);
                if (both)
                    EDDY_SET(w.t, key, right, (struct node *)(void *)table);
                put(&w, table, key, value);
                EDDY_SET(w.t, value, right, roots[1]);
            }
            roots[2] = NULL; /* the last key is left */
            assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
            assert_verifies(&w);
            roots[0] = roots[1] = NULL;
            assert_int_equal(live_after_collect(&w), 0);
            assert_int_equal(world_stats(&w).attached_objects, 0);
            ROOTS_POP(w.t);
            world_close(&w);
        }
}

/* ---- at random, against arrays ---- */

#define KEYS 700u

struct play {
    struct world w;
    eddy_table_kind kind;
    eddy_table *table;
    eddy_array *keys, *values; /* what is held */
    void *expected[KEYS];      /* address of the value in the table; NULL: none */
    bool has[KEYS];
};

static void check_all(struct play *p)
{
    for (unsigned i = 0; i < KEYS; i++) {
        void *key = eddy_load(p->w.t, &p->keys->slots[i]);
        if (key != NULL)
            assert_ptr_equal(eddy_table_get(p->w.t, p->table, key), p->has[i] ? p->expected[i] : NULL);
    }
    size_t cursor = 0, found = 0, expected = 0;
    void *pair[2];
    while (eddy_table_next(p->w.t, p->table, &cursor, &pair[0], &pair[1])) {
        unsigned i = (unsigned)((struct node *)pair[0])->value;
        assert_true(i < KEYS && p->has[i]);
        assert_ptr_equal(pair[1], p->expected[i]);
        found++;
    }
    for (unsigned i = 0; i < KEYS; i++)
        expected += p->has[i];
    assert_int_equal(found, expected);
}

/* What must have gone when all but `keys` and `values` has been let go. */
static void let_go(struct play *p)
{
    for (unsigned i = 0; i < KEYS; i++) {
        bool key = p->keys->slots[i] != NULL, value = p->has[i] && p->values->slots[i] == p->expected[i];
        if ((p->kind == EDDY_TABLE_WEAK_KEY || p->kind == EDDY_TABLE_EPHEMERON) && !key)
            p->has[i] = false;
        if (p->kind == EDDY_TABLE_WEAK_VALUE && !value)
            p->has[i] = false;
    }
}

static void move(struct play *p, uint64_t *seed, unsigned growing)
{
    eddy_thread *t = p->w.t;
    unsigned i = (unsigned)(support_random(seed) % KEYS);
    void *held[2] = {eddy_load(t, &p->keys->slots[i]), NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 2);
    if (support_random(seed) % 8 < 3 + growing) {
        if (held[0] == NULL) { /* a new key; what an old one at its number had is as good as gone */
            if (p->has[i] || (p->kind == EDDY_TABLE_STRONG && p->expected[i] != NULL))
                goto end;
            struct node *key = held[0] = node_new(&p->w);
            key->value = i;
            array_put(t, p->keys, i, key);
        }
        held[1] = node_new(&p->w);
        array_put(t, p->values, i, held[1]);
        assert_int_equal(eddy_table_put(t, p->table, held[0], held[1]), EDDY_OK);
        p->expected[i] = held[1];
        p->has[i] = true;
    } else if (held[0] != NULL && support_random(seed) % 3 == 0) {
        bool removed = eddy_table_remove(t, p->table, held[0]);
        assert_int_equal(removed || p->kind == EDDY_TABLE_WEAK_VALUE, p->has[i] || p->kind == EDDY_TABLE_WEAK_VALUE);
        p->has[i] = false;
        p->expected[i] = NULL;
    } else if (support_random(seed) % 2) {
        array_put(t, p->keys, i, NULL);
    } else {
        array_put(t, p->values, i, NULL);
    }
end:
    eddy_frame_pop(t, &frame);
}

static void test_at_random(void **state)
{
    (void)state;
    uint64_t seed = support_seed("tables at random");
    for (unsigned round = 0; round < SUPPORT_SCALE(16, 4); round++) {
        struct play p = {.w = world_open(PRECISE), .kind = kinds[round % KINDS]};
        ROOTS_PUSH(p.w.t, 3);
        p.table = roots[0] = eddy_table_new(p.w.t, p.kind);
        p.keys = roots[1] = eddy_alloc_array(p.w.t, KEYS);
        p.values = roots[2] = eddy_alloc_array(p.w.t, KEYS);
        for (unsigned phase = 0; phase < 8; phase++) {
            for (unsigned step = 0; step < 2000; step++) {
                move(&p, &seed, phase % 2 ? 0 : 3);
                if (support_random(&seed) % 256 == 0)
                    world_step(&p.w, 1);
            }
            assert_int_equal(eddy_collect(p.w.t, 0, NULL), EDDY_OK);
            let_go(&p);
            check_all(&p);
            assert_verifies(&p.w);
        }
        eddy_table_tidy(p.w.t, p.table);
        size_t live = 0;
        for (unsigned i = 0; i < KEYS; i++)
            live += p.has[i];
        assert_int_equal(eddy_table_count(p.table), live);
        roots[0] = NULL;
        uint64_t kept = 2;
        for (unsigned i = 0; i < KEYS; i++)
            kept += (p.keys->slots[i] != NULL) + (p.values->slots[i] != NULL);
        assert_int_equal(live_after_collect(&p.w), kept);
        roots[1] = roots[2] = NULL;
        assert_int_equal(live_after_collect(&p.w), 0);
        assert_int_equal(world_stats(&p.w).attached_objects, 0);
        ROOTS_POP(p.w.t);
        world_close(&p.w);
    }
}

/* ---- the rest ---- */

static void test_growth(void **state)
{
    (void)state;
    const unsigned count = SUPPORT_SCALE(100000, 3000);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
        ROOTS_PUSH(w.t, 2);
        eddy_table *table = roots[0] = eddy_table_new(w.t, kinds[kind]);
        eddy_array *all = roots[1] = eddy_alloc_array(w.t, count);
        for (unsigned i = 0; i < count; i++) {
            struct node *n = node_new(&w);
            array_put(w.t, all, i, n);
            put(&w, table, n, n);
        }
        assert_int_equal(eddy_table_count(table), count);
        for (unsigned i = 0; i < count; i++)
            assert_ptr_equal(eddy_table_get(w.t, table, all->slots[i]), all->slots[i]);
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        for (unsigned i = 0; i < count; i += 2)
            assert_true(eddy_table_remove(w.t, table, all->slots[i]));
        assert_int_equal(eddy_table_count(table), count / 2);
        for (unsigned i = 0; i < count; i++)
            assert_ptr_equal(eddy_table_get(w.t, table, all->slots[i]), i % 2 ? all->slots[i] : NULL);
        roots[0] = roots[1] = NULL;
        assert_int_equal(live_after_collect(&w), 0);
        ROOTS_POP(w.t);
        world_close(&w);
    }
}

static void test_arguments_and_the_end(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 4);
    assert_null(eddy_table_new(w.t, (eddy_table_kind)77));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    eddy_table *table = roots[0] = eddy_table_new(w.t, EDDY_TABLE_EPHEMERON);
    struct node *n = roots[1] = node_new(&w);
    assert_int_equal(eddy_table_put(w.t, table, NULL, n), EDDY_EINVAL);
    assert_int_equal(eddy_table_put(w.t, table, n, NULL), EDDY_EINVAL);
    assert_null(eddy_table_get(w.t, table, n));
    assert_false(eddy_table_remove(w.t, table, n));
    size_t cursor = 0;
    void *key, *value;
    assert_false(eddy_table_next(w.t, table, &cursor, &key, &value));
    eddy_table_tidy(w.t, table);
    /* heaps end with tables in all states, and weak references to the dead */
    for (unsigned i = 0; i < 20; i++) {
        struct node *k = roots[2] = node_new(&w);
        put(&w, table, k, n);
        EDDY_SET(w.t, k, left, roots[3]);
        if (i >= 10)
            roots[3] = k;
    }
    assert_true(eddy_table_remove(w.t, table, roots[2]));
    roots[2] = eddy_alloc_weak(w.t, node_new(&w));
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    assert_true(eddy_table_remove(w.t, table, roots[3]) == false);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Threads with a lock of their own share a table, keys come and go. */
struct hall {
    struct world *w;
    eddy_table *table;
    eddy_array *keys;
    pthread_mutex_t lock;
};

static void *use_table(void *argument)
{
    struct hall *hall = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(hall->w->heap, &t) == EDDY_OK);
    void *held[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 2);
    uint64_t seed = (uint64_t)(uintptr_t)&seed | 1;
    for (unsigned i = 0; i < SUPPORT_SCALE(20000, 2000); i++) {
        unsigned k = (unsigned)(support_random(&seed) % 64);
        eddy_native_enter(t);
        pthread_mutex_lock(&hall->lock);
        eddy_native_leave(t);
        held[0] = eddy_load(t, &hall->keys->slots[k]);
        if (held[0] == NULL || support_random(&seed) % 8 == 0) {
            held[0] = eddy_alloc(t, hall->w->node);
            held[1] = eddy_alloc(t, hall->w->node);
            EDDY_SET(t, (struct node *)held[1], left, held[0]);
            CHECK(eddy_table_put(t, hall->table, held[0], held[1]) == EDDY_OK);
            eddy_store(t, hall->keys, &hall->keys->slots[k], held[0]);
        } else {
            struct node *value = held[1] = eddy_table_get(t, hall->table, held[0]);
            CHECK(value != NULL && value->left == held[0]);
        }
        pthread_mutex_unlock(&hall->lock);
        if (i % 64 == 0)
            eddy_collect_hint(hall->w->heap);
    }
    eddy_frame_pop(t, &frame);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_threads_share_a_table(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 2);
    struct hall hall = {.w = &w, .lock = PTHREAD_MUTEX_INITIALIZER};
    hall.table = roots[0] = eddy_table_new(w.t, EDDY_TABLE_EPHEMERON);
    hall.keys = roots[1] = eddy_alloc_array(w.t, 64);
    eddy_retain(w.t, hall.table);
    eddy_retain(w.t, hall.keys);
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, use_table, &hall);
    eddy_native_enter(w.t);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    eddy_table_tidy(w.t, hall.table);
    assert_true(eddy_table_count(hall.table) <= 64);
    assert_verifies(&w);
    eddy_release(w.t, hall.table);
    eddy_release(w.t, hall.keys);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_value_refers_to_key),
        cmocka_unit_test(test_tables_on_cycles),
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_arguments_and_the_end),
        cmocka_unit_test(test_threads_share_a_table),
    };
    return RUN_TESTS("table", tests);
}
