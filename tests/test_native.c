/* Native regions: callbacks from any depth, blocking system calls, references that foreign code keeps, and that a thread
 * which sleeps costs the collector nothing: shown by counters. */
#include "tests/support.h"

#include <unistd.h>

#include "collector/collector.h"

static uint64_t native_depth(const struct world *w)
{
    return thread_of(w->t)->native_depth;
}

/* Epochs on the calling thread, which is attached to nothing or in a native region. */
static void pass_epochs(eddy_heap *heap, unsigned n)
{
    while (n-- != 0)
        assert_true(eddy__collector_epoch(heap, UINT64_MAX, NULL));
}

/* ---- callbacks ---- */

struct caller {
    struct world w;
    eddy_frame *frame; /* of one handle, pushed before the regions were entered */
    unsigned calls;
};

static void foreign_code(struct caller *c, unsigned depth);

/* Replaces what the handle holds: the snapshot of the first entry is no longer true. */
static void managed_code(struct caller *c, unsigned depth)
{
    unsigned before = (unsigned)native_depth(&c->w);
    eddy_callback callback = eddy_callback_begin(c->w.t);
    assert_int_equal(native_depth(&c->w), 0);
    ROOTS_PUSH(c->w.t, 1);
    struct node *n = roots[0] = node_new(&c->w);
    n->value = ++c->calls;
    EDDY_SET(c->w.t, n, left, c->frame->slots[0]);
    eddy_frame_set(c->w.t, c->frame, 0, n);
    eddy_pin(c->w.t, n);
    if (depth != 0)
        foreign_code(c, depth - 1);
    eddy_unpin(c->w.t, n);
    ROOTS_POP(c->w.t);
    eddy_callback_end(c->w.t, callback);
    assert_int_equal(native_depth(&c->w), before);
}

static void foreign_code(struct caller *c, unsigned depth)
{
    for (unsigned i = 0; i <= depth % 3; i++)
        eddy_native_enter(c->w.t);
    pass_epochs(c->w.heap, depth % 4);
    managed_code(c, depth);
    pass_epochs(c->w.heap, 3);
    for (unsigned i = 0; i <= depth % 3; i++)
        eddy_native_leave(c->w.t);
}

static void test_callbacks(void **state)
{
    (void)state;
    struct caller c = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL)};
    ROOTS_PUSH(c.w.t, 1);
    c.frame = &roots_frame;
    managed_code(&c, 0); /* from no region at all */
    for (unsigned depth = 0; depth < 6; depth++)
        foreign_code(&c, depth);
    uint64_t expected = c.calls;
    assert_int_equal(live_after_collect(&c.w), expected);
    for (struct node *n = roots[0]; n != NULL; n = EDDY_GET(c.w.t, n, left))
        assert_int_equal(n->value, expected--);
    assert_int_equal(expected, 0);
    assert_verifies(&c.w);
    ROOTS_POP(c.w.t);
    assert_int_equal(live_after_collect(&c.w), 0);
    world_close(&c.w);
}

static void test_misused_callbacks(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    const char *text;
    eddy_native_enter(w.t);
    eddy_callback callback = eddy_callback_begin(w.t);
    eddy_native_enter(w.t);
    CATCH_MISUSE(eddy_callback_end(w.t, callback), text);
    assert_string_equal(text, "eddy_callback_end: the callback is in a native region that it entered");
    eddy_native_leave(w.t);
    ROOTS_PUSH(w.t, 1);
    CATCH_MISUSE(eddy_callback_end(w.t, callback), text);
    assert_string_equal(text, "eddy_callback_end: the callback has not popped its frames");
    ROOTS_POP(w.t);
    CATCH_MISUSE(eddy_native_leave(w.t), text);
    assert_string_equal(text, "eddy_native_leave: the thread is in no native region");
    eddy_callback_end(w.t, callback);
    eddy_native_leave(w.t);
    world_close(&w);
}

/* ---- sleeping ---- */

struct sleeper {
    struct world w;
    int pipe[2];
    int asleep; /* atomic */
    void *pinned;
};

static void *read_into(void *context, void *const *arguments, size_t count)
{
    struct sleeper *s = context;
    CHECK(count == 1);
    EDDY_STORE_SEQ_CST(&s->asleep, 1);
    CHECK(read(s->pipe[0], arguments[0], 16) == 5); /* blocks until the main thread writes */
    return NULL;
}

/* Asleep in a system call whose buffer is an object, with a list on the stack alone. */
static void *sleeper_main(void *argument)
{
    struct sleeper *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    struct node *list = NULL;
    for (uint64_t i = 0; i < 50; i++) {
        struct node *n = node_new(&mine);
        n->value = i;
        EDDY_SET(mine.t, n, left, list);
        list = n;
    }
    s->pinned = eddy_alloc_bytes(mine.t, 16);
    eddy_call_native(mine.t, read_into, s, &s->pinned, 1);
    CHECK(memcmp(s->pinned, "hello", 5) == 0);
    uint64_t expected = 50;
    for (struct node *n = list; n != NULL; n = EDDY_GET(mine.t, n, left))
        CHECK(n->value == --expected);
    CHECK(expected == 0);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_a_sleeper_costs_nothing(void **state)
{
    (void)state;
    struct sleeper s = {.w = world_open(EDDY_HEAP_MANUAL)};
    assert_int_equal(eddy_thread_detach(s.w.t), EDDY_OK);
    pass_epochs(s.w.heap, 6); /* until this thread's record takes no part any more */
    assert_int_equal(pipe(s.pipe), 0);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, sleeper_main, &s), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s.asleep) == 1);
    pass_epochs(s.w.heap, 4); /* what it did before is applied */
    eddy_stats before = world_stats(&s.w), after;
    assert_int_equal(before.pinned_objects, 1);
    pass_epochs(s.w.heap, 1000); /* none of them waits for it */
    after = world_stats(&s.w);
    assert_int_equal(after.epochs - before.epochs, 1000);
    assert_int_equal(after.handshakes_native - before.handshakes_native, 1000);
    assert_int_equal(after.handshakes_carried - before.handshakes_carried, 1000);
    assert_int_equal(after.handshakes, before.handshakes);
    assert_int_equal(after.roots_accepted, before.roots_accepted); /* no word of its stack was looked at again */
    assert_int_equal(after.roots_refused, before.roots_refused);
    assert_int_equal(after.incs + after.decs, before.incs + before.decs);
    assert_true(after.live_objects >= 51);
    assert_int_equal(write(s.pipe[1], "hello", 5), 5);
    EDDY_STORE_SEQ_CST(&s.asleep, 0);
    assert_int_equal(pthread_join(id, NULL), 0);
    assert_checks_passed();
    s.pinned = NULL; /* `s` lies on this stack */
    assert_int_equal(eddy_thread_attach(s.w.heap, &s.w.t), EDDY_OK);
    eddy_collect_report report;
    assert_int_equal(eddy_collect(s.w.t, 0, &report), EDDY_OK);
    after = world_stats(&s.w);
    assert_int_equal(after.pinned_objects, 0);
    assert_true(after.live_objects == 0 || report.ambiguous_objects != 0); /* the collector has worked on this stack, too */
    close(s.pipe[0]);
    close(s.pipe[1]);
    world_close(&s.w);
}

/* ---- callbacks beside epochs ---- */

static void *flapping_main(void *argument)
{
    struct sleeper *s = argument;
    struct caller c = {.w = s->w};
    CHECK(eddy_thread_attach(c.w.heap, &c.w.t) == EDDY_OK);
    ROOTS_PUSH(c.w.t, 1);
    for (uint64_t i = 1; i <= SUPPORT_SCALE(20000, 1500); i++) {
        eddy_native_enter(c.w.t);
        if (i % 8 == 0)
            eddy_collect_hint(c.w.heap);
        eddy_callback callback = eddy_callback_begin(c.w.t);
        struct node *n = node_new(&c.w);
        n->value = i;
        EDDY_SET(c.w.t, n, left, i % 50 ? roots[0] : NULL);
        roots[0] = n;
        eddy_callback_end(c.w.t, callback);
        eddy_native_leave(c.w.t);
        n = roots[0];
        CHECK(n->value == i);
        n = EDDY_GET(c.w.t, n, left);
        CHECK(n == NULL || n->value == i - 1);
    }
    ROOTS_POP(c.w.t);
    CHECK(eddy_thread_detach(c.w.t) == EDDY_OK);
    return NULL;
}

static void test_callbacks_beside_epochs(void **state)
{
    (void)state;
    struct sleeper s = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, flapping_main, &s), 0);
    eddy_native_enter(s.w.t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(s.w.t);
    assert_checks_passed();
    assert_verifies(&s.w);
    assert_int_equal(live_after_collect(&s.w), 0);
    world_close(&s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_misused_callbacks),
        cmocka_unit_test(test_a_sleeper_costs_nothing),
        cmocka_unit_test(test_callbacks_beside_epochs),
    };
    return RUN_TESTS("native", tests);
}
