/* Introspection beside threads: one at a time; threads are described as they are; others that run meanwhile lose nothing. */
#include "tests/inspect_graph.h"

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    eddy_inspection *i = begin(&w), *second;
    assert_int_equal(eddy_inspect_begin(w.t, 0, &second), EDDY_EBUSY);
    assert_null(second);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_EBUSY);
    assert_int_equal(eddy_verify(w.t, 0, NULL), EDDY_EBUSY);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_EBUSY);
    eddy_inspect_end(i);
    eddy_inspect_end(NULL);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    world_close(&w);
}

/* ---- threads ---- */

struct helper {
    struct world w;
    int step; /* atomic: 1 running, 2 to native, 3 native, 4 to running, 5 running, 6 the end */
    int tid;
};

static void *helper_main(void *argument)
{
    struct helper *h = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(h->w.heap, &t) == EDDY_OK);
    h->tid = eddy__os_thread_id();
    EDDY_STORE_SEQ_CST(&h->step, 1);
    WAIT_UNTIL((eddy_safepoint(t), EDDY_LOAD_SEQ_CST(&h->step) == 2));
    eddy_native_enter(t);
    EDDY_STORE_SEQ_CST(&h->step, 3);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h->step) == 4);
    eddy_native_leave(t);
    EDDY_STORE_SEQ_CST(&h->step, 5);
    WAIT_UNTIL((eddy_safepoint(t), EDDY_LOAD_SEQ_CST(&h->step) == 6));
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static eddy_thread_state found_state;
static unsigned threads_found;

static void find_thread(void *context, const eddy_thread_state *state)
{
    threads_found++;
    if (state->tid == *(int *)context)
        found_state = *state;
}

static eddy_thread_state state_of(struct helper *h)
{
    memset(&found_state, 0, sizeof found_state);
    threads_found = 0;
    eddy_inspect_threads(h->w.heap, find_thread, &h->tid);
    assert_int_equal(threads_found, 2);
    assert_int_equal(found_state.tid, h->tid);
    return found_state;
}

static void test_threads(void **state)
{
    (void)state;
    struct helper h = {.w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)};
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, helper_main, &h), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h.step) == 1);
    eddy_thread_state s = state_of(&h);
    assert_false(s.native);
    assert_int_equal(s.epoch, h.w.heap->epoch);
    assert_true(s.stack_low < s.stack_high);
    uint64_t before = s.since_ns;
    EDDY_STORE_SEQ_CST(&h.step, 2);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h.step) == 3);
    s = state_of(&h);
    assert_true(s.native);
    assert_true(s.since_ns >= before && s.since_ns <= eddy__os_now());
    world_step(&h.w, 2); /* acted for: its epoch goes on, its state does not */
    eddy_thread_state later = state_of(&h);
    assert_int_equal(later.epoch, h.w.heap->epoch);
    assert_int_equal(later.since_ns, s.since_ns);
    WAIT_UNTIL(eddy__os_now_coarse() > s.since_ns);
    EDDY_STORE_SEQ_CST(&h.step, 4);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h.step) == 5);
    later = state_of(&h);
    assert_false(later.native);
    assert_true(later.since_ns > s.since_ns);
    eddy_inspection *i = begin(&h.w); /* waits in its safepoint */
    assert_true(state_of(&h).native);
    eddy_inspect_end(i);
    EDDY_STORE_SEQ_CST(&h.step, 6);
    eddy_native_enter(h.w.t);
    pthread_join(id, NULL);
    eddy_native_leave(h.w.t);
    assert_checks_passed();
    world_close(&h.w);
}

/* ---- beside running threads ---- */

struct busy {
    struct world w;
    void *shared;
    int stop;
};

static void *busy_main(void *argument)
{
    struct busy *busy = argument;
    struct world mine = busy->w;
    uint64_t random = (uintptr_t)&mine | 1;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    eddy_array *array = eddy_root_load(mine.t, &busy->shared);
    while (!EDDY_LOAD_RELAXED(&busy->stop)) {
        uint64_t r = support_random(&random);
        ROOTS_PUSH(mine.t, 1);
        struct node *n = roots[0] = node_new(&mine);
        EDDY_SET(mine.t, n, left, r % 4 ? NULL : n);
        EDDY_SET(mine.t, n, right, r % 3 ? NULL : eddy_load(mine.t, &array->slots[r / 64 % array->length]));
        array_put(mine.t, array, r % array->length, r % 5 ? n : NULL);
        ROOTS_POP(mine.t);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

struct census {
    eddy_inspection *i;
    uint64_t objects, retained, dominated;
};

static void check_object(void *context, const eddy_object_info *info)
{
    struct census *census = context;
    const void *dominator;
    eddy_root root;
    size_t length;
    uint64_t objects, bytes;
    census->objects++;
    assert_int_equal(eddy_inspect_path(census->i, info->object, &root, NULL, 0, &length), EDDY_OK);
    assert_int_equal(eddy_inspect_retained(census->i, info->object, &objects, &bytes), EDDY_OK);
    assert_int_equal(eddy_inspect_dominator(census->i, info->object, &dominator), EDDY_OK);
    assert_int_equal(length == 0, objects == 0);
    if (length != 0 && dominator == NULL)
        census->dominated += objects; /* of the trees below the roots */
    census->retained += length != 0;
}

static void test_beside_running_threads(void **state)
{
    (void)state;
    struct busy busy = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    struct world *w = &busy.w;
    assert_int_equal(eddy_root_add(w->t, &busy.shared), EDDY_OK);
    eddy_root_store(w->t, &busy.shared, eddy_alloc_array(w->t, 100));
    pthread_t ids[2];
    for (int n = 0; n < 2; n++)
        assert_int_equal(pthread_create(&ids[n], NULL, busy_main, &busy), 0);
    for (int round = 0; round < SUPPORT_SCALE(10, 4); round++) {
        eddy_inspection *i = begin(w);
        struct census census = {.i = i}, again = {.i = i};
        eddy_inspect_objects(i, check_object, &census);
        eddy_inspect_objects(i, check_object, &again);
        assert_int_equal(census.objects, again.objects); /* nobody moves */
        assert_int_equal(census.objects, world_stats(w).live_objects);
        assert_int_equal(census.dominated, census.retained);
        eddy_inspect_end(i);
        eddy_safepoint(w->t);
    }
    EDDY_STORE_RELAXED(&busy.stop, 1);
    eddy_native_enter(w->t);
    for (int n = 0; n < 2; n++)
        pthread_join(ids[n], NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
    assert_int_equal(eddy_root_remove(w->t, &busy.shared), EDDY_OK);
    assert_int_equal(live_after_collect(w), 0);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_beside_running_threads),
    };
    return RUN_TESTS("inspect_threads", tests);
}
