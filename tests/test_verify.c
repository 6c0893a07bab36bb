/* Verification: agrees with complex graphs while threads run, come and go; finds counts and references that were
 * damaged behind Eddy's back, and names object, type and path. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

/* ---- damage: on a manual heap, where nothing else happens ---- */

struct outer {
    struct node *first;
};

struct damaged {
    struct world w;
    void *slot; /* root slot -> outer -> node -> array -> nodes */
    struct outer *outer;
    struct node *inner;
    eddy_array *array;
};

#define SLOTS 40

static void damaged_open(struct damaged *d)
{
    d->w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    eddy_thread *t = d->w.t;
    const size_t offsets[] = {0};
    const eddy_type_desc desc = {.name = "outer", .size = sizeof(struct outer), .ref_offsets = offsets, .ref_count = 1};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(d->w.heap, &desc, &type), EDDY_OK);
    assert_int_equal(eddy_root_add(t, &d->slot), EDDY_OK);
    d->array = eddy_alloc_array(t, SLOTS);
    d->inner = node_new(&d->w);
    EDDY_SET(t, d->inner, left, d->array);
    d->outer = eddy_alloc(t, type);
    EDDY_SET(t, d->outer, first, d->inner);
    eddy_root_store(t, &d->slot, d->outer);
    for (size_t i = 0; i < SLOTS; i++)
        array_put(t, d->array, i, node_new(&d->w));
    world_step(&d->w, 4);
    eddy_verify_report report;
    assert_int_equal(eddy_verify(t, 0, &report), EDDY_OK);
    assert_int_equal(report.objects, 3 + SLOTS);
    assert_int_equal(report.references, 2 + SLOTS);
    assert_int_equal(report.unreachable, 0);
    assert_int_equal(report.mismatches, 0);
    assert_string_equal(report.message, "");
}

static void damaged_close(struct damaged *d)
{
    assert_verifies(&d->w); /* the damage has been repaired */
    assert_int_equal(eddy_root_remove(d->w.t, &d->slot), EDDY_OK);
    assert_int_equal(live_after_collect(&d->w), 0);
    world_close(&d->w);
}

static uint8_t *count_byte(const struct world *w, const void *object)
{
    struct block *b = block_of(w->heap, object);
    return &b->counts[cell_number(b, object)];
}

static void assert_says(const char *message, const char *what)
{
    if (strstr(message, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", message, what);
}

static void assert_says_address(const char *message, const void *p)
{
    char text[32];
    snprintf(text, sizeof text, "%p", p);
    assert_says(message, text);
}

static eddy_verify_report assert_corrupt(const struct damaged *d, uint64_t mismatches)
{
    eddy_verify_report report;
    assert_int_equal(eddy_verify(d->w.t, 0, &report), EDDY_ECORRUPT);
    assert_int_equal(report.mismatches, mismatches);
    return report;
}

static void test_a_count_that_is_too_high_or_too_low(void **state)
{
    (void)state;
    struct damaged d;
    damaged_open(&d);
    for (int by = -1; by <= 1; by += 2) {
        array_put(d.w.t, d.array, 0, d.array->slots[1]); /* a count of two, so that less is not yet free */
        world_step(&d.w, 3);
        *count_byte(&d.w, d.array->slots[1]) = (uint8_t)(*count_byte(&d.w, d.array->slots[1]) + by);
        eddy_verify_report report = assert_corrupt(&d, 1);
        assert_says_address(report.message, d.array->slots[1]);
        assert_says(report.message, "of type node");
        assert_says(report.message, "count differs");
        assert_says(report.message, by < 0 ? "found 1, expected 2" : "found 3, expected 2");
        assert_says(report.message, "<- array");
        assert_says(report.message, "<- outer");
        assert_says(report.message, "<- root");
        *count_byte(&d.w, d.array->slots[1]) = (uint8_t)(*count_byte(&d.w, d.array->slots[1]) - by);
    }
    damaged_close(&d);
}

static void test_a_dangling_reference(void **state)
{
    (void)state;
    struct damaged d;
    damaged_open(&d);
    void *dead = d.array->slots[5];
    array_put(d.w.t, d.array, 5, NULL);
    world_step(&d.w, 4);
    assert_null(eddy_object_at(d.w.heap, dead));
    void *bad[] = {dead, (char *)d.inner + 8, (void *)(uintptr_t)0x1230, &d};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) { /* freed; inside an object; nowhere; on the stack */
        EDDY_STORE_RELAXED(&d.array->slots[5], bad[i]);
        eddy_verify_report report = assert_corrupt(&d, 1);
        assert_says_address(report.message, d.array);
        assert_says(report.message, "of type array");
        assert_says(report.message, "no live object");
        assert_says(report.message, "<- node");
        EDDY_STORE_RELAXED(&d.array->slots[5], NULL);
    }
    damaged_close(&d);
}

/* References overwritten without the barrier: what was lost is counted too often, what was stored too rarely. */
static void test_stores_without_the_barrier(void **state)
{
    (void)state;
    struct damaged d;
    damaged_open(&d);
    void *lost = d.array->slots[7];
    EDDY_STORE_RELAXED(&d.array->slots[7], d.array->slots[8]);
    eddy_verify_report report = assert_corrupt(&d, 2);
    assert_int_equal(report.unreachable, 1);
    EDDY_STORE_RELAXED(&d.array->slots[7], NULL);
    report = assert_corrupt(&d, 1);
    assert_says_address(report.message, lost);
    assert_says(report.message, "unreachable");
    EDDY_STORE_RELAXED(&d.array->slots[7], lost);
    damaged_close(&d);
}

static void test_a_count_in_the_table(void **state)
{
    (void)state;
    struct damaged d;
    damaged_open(&d);
    for (int i = 0; i < 300; i++)
        eddy_retain(d.w.t, d.inner);
    world_step(&d.w, 3);
    assert_verifies(&d.w);
    uint8_t before = *count_byte(&d.w, d.inner);
    *count_byte(&d.w, d.inner) = 45; /* 301 modulo 256: what a byte that wraps would hold */
    eddy_verify_report report = assert_corrupt(&d, 1);
    assert_says(report.message, "found 45, expected 301");
    *count_byte(&d.w, d.inner) = before;
    for (int i = 0; i < 300; i++)
        eddy_release(d.w.t, d.inner);
    world_step(&d.w, 3);
    damaged_close(&d);
}

/* Garbage that has not been reclaimed yet is no mismatch. */
static void test_unreachable_is_no_mismatch(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    EDDY_SET(w.t, n, left, node_new(&w));
    EDDY_SET(w.t, n, right, n);
    world_step(&w, 3);
    roots[0] = NULL;
    eddy_verify_report report;
    assert_int_equal(eddy_verify(w.t, 0, &report), EDDY_OK);
    assert_int_equal(report.objects, 2);
    assert_int_equal(report.unreachable, 2);
    assert_int_equal(eddy_verify(w.t, 0, NULL), EDDY_OK);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- beside running threads ---- */

struct busy {
    struct world w;
    void *shared; /* root slot: an array */
    int stop, running;
    uint64_t steps; /* atomic: done by all threads */
};

enum { SHARED = 200 };

/* Stores, retains, sleeps, allocates and drops cycles. */
static void churn(struct busy *busy, const struct world *mine, eddy_array *array, void **roots, uint64_t *random)
{
    EDDY_ADD_RELAXED(&busy->steps, 1);
    uint64_t r = support_random(random);
    size_t i = r % SHARED, j = (r >> 16) % SHARED;
    struct node *n = roots[0] = node_new(mine);
    EDDY_SET(mine->t, n, left, r >> 50 & 7 ? eddy_load(mine->t, &array->slots[j]) : NULL); /* chains stay short */
    EDDY_SET(mine->t, n, right, r >> 40 & 31 ? NULL : n);
    array_put(mine->t, array, i, r % 7 ? roots[0] : NULL);
    if (r % 5 == 0) {
        eddy_retain(mine->t, roots[0]);
        roots[1] = roots[0];
        eddy_release(mine->t, roots[0]);
    }
    if (r % 64 == 0) {
        eddy_native_enter(mine->t);
        eddy_native_leave(mine->t);
    }
    if (r % 128 == 0)
        eddy_fill_refs(mine->t, array, array->slots, NULL, SHARED / 2);
    eddy_safepoint(mine->t);
}

static void *churning_main(void *argument)
{
    struct busy *busy = argument;
    struct world mine = busy->w;
    uint64_t random = (uintptr_t)&mine | 1;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&busy->running, 1);
    ROOTS_PUSH(mine.t, 2);
    eddy_array *array = eddy_root_load(mine.t, &busy->shared);
    while (!EDDY_LOAD_RELAXED(&busy->stop))
        churn(busy, &mine, array, roots, &random);
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

/* The same, but for a moment at a time. */
static void *visiting_main(void *argument)
{
    struct busy *busy = argument;
    uint64_t random = (uintptr_t)&busy | 1;
    EDDY_ADD_SEQ_CST(&busy->running, 1);
    while (!EDDY_LOAD_RELAXED(&busy->stop)) {
        struct world mine = busy->w;
        CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
        ROOTS_PUSH(mine.t, 2);
        eddy_array *array = eddy_root_load(mine.t, &busy->shared);
        for (int i = 0; i < 5; i++)
            churn(busy, &mine, array, roots, &random);
        ROOTS_POP(mine.t);
        CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    }
    return NULL;
}

static void *verifying_main(void *argument)
{
    struct busy *busy = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(busy->w.heap, &t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&busy->running, 1);
    while (!EDDY_LOAD_RELAXED(&busy->stop)) {
        eddy_status status = eddy_verify(t, 0, NULL);
        CHECK(status == EDDY_OK || status == EDDY_EBUSY); /* one at a time */
        CHECK(eddy_collect(t, 0, NULL) == EDDY_OK);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

/* With `ballast` objects besides, which only make the verifications take longer. */
static void verify_beside(void *(*main_of_thread)(void *), bool manual, size_t ballast)
{
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | (manual ? EDDY_HEAP_MANUAL : 0));
    config.epoch_bytes = 256 << 10;
    struct busy busy = {.w = world_open_with(&config)};
    struct world *w = &busy.w;
    assert_int_equal(eddy_root_add(w->t, &busy.shared), EDDY_OK);
    eddy_root_store(w->t, &busy.shared, eddy_alloc_array(w->t, SHARED));
    ROOTS_PUSH(w->t, 1);
    for (size_t i = 0; i < ballast; i++) {
        struct node *n = node_new(w);
        EDDY_SET(w->t, n, left, roots[0]);
        roots[0] = n;
    }
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, main_of_thread, &busy), 0);
    WAIT_UNTIL((eddy_safepoint(w->t), EDDY_LOAD_SEQ_CST(&busy.running) == 3));
    for (int i = 0; i < SUPPORT_SCALE(40, 10); i++) {
        uint64_t steps = EDDY_LOAD_RELAXED(&busy.steps);
        if (main_of_thread != verifying_main) /* so that there is something new to look at */
            WAIT_UNTIL((eddy_safepoint(w->t), EDDY_LOAD_RELAXED(&busy.steps) >= steps + 200));
        eddy_verify_report report;
        eddy_status status = eddy_verify(w->t, 0, &report);
        if (status != EDDY_OK && !(main_of_thread == verifying_main && status == EDDY_EBUSY)) {
            EDDY_STORE_RELAXED(&busy.stop, 1);
            fail_msg("round %d: %s; %s", i, eddy_status_text(status), report.message);
        }
        assert_true(status != EDDY_OK || report.objects >= 1);
    }
    EDDY_STORE_RELAXED(&busy.stop, 1);
    eddy_native_enter(w->t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
    assert_verifies(w);
    ROOTS_POP(w->t);
    assert_int_equal(eddy_root_remove(w->t, &busy.shared), EDDY_OK);
    assert_int_equal(live_after_collect(w), 0);
    world_close(w);
}

static void test_beside_running_threads(void **state)
{
    (void)state;
    verify_beside(churning_main, false, 0);
    verify_beside(churning_main, true, 0);
}

/* A thread that attaches meanwhile has to wait, too. */
static void test_beside_threads_that_come_and_go(void **state)
{
    (void)state;
    verify_beside(visiting_main, false, SUPPORT_SCALE(50000, 10000));
    verify_beside(visiting_main, true, SUPPORT_SCALE(50000, 10000));
}

static void test_several_verifications_at_once(void **state)
{
    (void)state;
    verify_beside(verifying_main, false, 0);
    verify_beside(verifying_main, true, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_count_that_is_too_high_or_too_low),
        cmocka_unit_test(test_a_dangling_reference),
        cmocka_unit_test(test_stores_without_the_barrier),
        cmocka_unit_test(test_a_count_in_the_table),
        cmocka_unit_test(test_unreachable_is_no_mismatch),
        cmocka_unit_test(test_beside_running_threads),
        cmocka_unit_test(test_beside_threads_that_come_and_go),
        cmocka_unit_test(test_several_verifications_at_once),
    };
    return RUN_TESTS("verify", tests);
}
