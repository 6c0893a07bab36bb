/* Events: each callback comes when it should, on the thread that events.h names; listeners can be added and removed
 * while events rain; observers are refused what would deadlock; a thread that delays an epoch is named. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/support.h"

#include "runtime/heap/events.h"
#include "runtime/heap/heap.h"

/* What a listener has seen; counters are atomic. */
struct seen {
    eddy_listener listener;
    eddy_heap *heap;
    pthread_t owner; /* the test's thread */
    int begins, ends, own, on_behalf, slices, pacings, stalls_begun, stalls_ended, waits;
    int wrong; /* on the wrong thread, or with impossible arguments */
    uint64_t last_begin, last_end;
    eddy_epoch_report report;
    int late;
    eddy_thread_state late_state;
};

#define EXPECT(seen, condition) ((condition) ? (void)0 : (void)EDDY_ADD_SEQ_CST(&(seen)->wrong, 1))

static bool on_owner(const struct seen *s)
{
    return pthread_equal(s->owner, pthread_self());
}

static void on_epoch_begin(void *context, eddy_heap *heap, uint64_t epoch)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && epoch > s->last_begin && on_owner(s));
    s->last_begin = epoch;
    EDDY_ADD_SEQ_CST(&s->begins, 1);
}

static void on_epoch_end(void *context, eddy_heap *heap, const eddy_epoch_report *report)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && report->epoch == s->last_begin && on_owner(s));
    s->last_end = report->epoch;
    s->report = *report;
    EDDY_ADD_SEQ_CST(&s->ends, 1);
}

static void on_handshake(void *context, eddy_heap *heap, eddy_thread *t, uint64_t epoch, bool on_behalf)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && t != NULL && epoch <= heap->epoch);
    EDDY_ADD_SEQ_CST(on_behalf ? &s->on_behalf : &s->own, 1);
}

static void on_stall_begin(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && t == eddy_thread_current(heap) && (kind == EDDY_STALL_WAIT || kind == EDDY_STALL_KINDS));
    EDDY_ADD_SEQ_CST(&s->stalls_begun, 1);
}

static void on_stall_end(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind, uint64_t ns)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && t == eddy_thread_current(heap) && kind < EDDY_STALL_KINDS && ns < UINT64_C(1) << 60);
    EDDY_ADD_SEQ_CST(&s->stalls_ended, 1);
    if (kind == EDDY_STALL_WAIT)
        EDDY_ADD_SEQ_CST(&s->waits, 1);
}

static void on_cycle_slice(void *context, eddy_heap *heap, const eddy_cycle_report *report)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && report->epoch == s->last_begin && strlen(report->phase) > 3);
    EDDY_ADD_SEQ_CST(&s->slices, 1);
}

static void on_pacing(void *context, eddy_heap *heap, eddy_thread *t, eddy_pacing_reason reason, uint64_t room, uint64_t ns)
{
    struct seen *s = context;
    EXPECT(s, t == eddy_thread_current(heap) && reason == EDDY_PACING_LOGS && room < MIB && ns >= 1000);
    EDDY_ADD_SEQ_CST(&s->pacings, 1);
}

static void on_late_thread(void *context, eddy_heap *heap, uint64_t epoch, const eddy_thread_state *state)
{
    struct seen *s = context;
    EXPECT(s, heap == s->heap && epoch == s->last_begin);
    s->late_state = *state;
    EDDY_ADD_SEQ_CST(&s->late, 1);
}

static struct seen watching(const struct world *w)
{
    return (struct seen){.heap = w->heap, .owner = pthread_self()};
}

static void watch(struct seen *s)
{
    s->listener.context = s;
    s->listener.epoch_begin = on_epoch_begin;
    s->listener.epoch_end = on_epoch_end;
    s->listener.handshake = on_handshake;
    s->listener.stall_begin = on_stall_begin;
    s->listener.stall_end = on_stall_end;
    s->listener.cycle_slice = on_cycle_slice;
    assert_int_equal(eddy_listener_add(s->heap, &s->listener), EDDY_OK);
}

static void assert_quiet(struct world *w)
{
    assert_int_equal(w->heap->listening, 0);
}

/* ---- epochs, handshakes, cycles, stalls ---- */

static void test_epochs(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    struct seen s = watching(&w);
    watch(&s);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    EDDY_SET(w.t, n, left, node_new(&w));
    EDDY_SET(w.t, n, right, n);
    for (int i = 1; i <= 3; i++) {
        world_step(&w, 1);
        assert_int_equal(s.begins, i);
        assert_int_equal(s.ends, i);
        assert_int_equal(s.own + s.on_behalf, i);
    }
    assert_int_equal(s.last_end, w.heap->processed);
    assert_int_equal(s.report.live_objects, 2);
    assert_int_equal(s.report.live_bytes, world_stats(&w).live_bytes);
    assert_int_equal(s.report.committed_bytes, world_stats(&w).committed_bytes);
    assert_int_equal(s.report.objects_freed, 0);
    roots[0] = NULL;
    uint64_t incs = world_stats(&w).incs;
    world_step(&w, 1);
    assert_int_equal(s.report.incs, world_stats(&w).incs - incs);
    assert_int_equal(s.slices, 0); /* nothing to search for */
    assert_int_equal(live_after_collect(&w), 0);
    assert_true(s.slices > 0);
    assert_int_equal(s.ends, world_stats(&w).epochs);
    assert_int_equal(s.wrong, 0);
    assert_int_equal(s.stalls_begun, s.stalls_ended);
    ROOTS_POP(w.t);
    world_close(&w); /* with the listener */
}

/* What one epoch freed is in its report, cycles too. */
static uint64_t freed_by_reports, cycles_by_reports, epochs_by_reports;

static void sum_reports(void *context, eddy_heap *heap, const eddy_epoch_report *report)
{
    (void)context, (void)heap;
    freed_by_reports += report->objects_freed;
    cycles_by_reports += report->cycles_freed;
    epochs_by_reports++;
}

static void test_reports_add_up(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    const eddy_listener listener = {.epoch_end = sum_reports};
    assert_int_equal(eddy_listener_add(w.heap, &listener), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    for (int i = 0; i < 10; i++) {
        struct node *n = roots[0] = node_new(&w);
        EDDY_SET(w.t, n, left, node_new(&w));
        if (i % 2)
            EDDY_SET(w.t, n->left, left, n);
        world_step(&w, 1);
    }
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(freed_by_reports, 20);
    assert_int_equal(cycles_by_reports, 5);
    assert_int_equal(epochs_by_reports, world_stats(&w).epochs);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_stalls_and_native_regions(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    struct seen s = watching(&w);
    watch(&s);
    eddy_native_enter(w.t);
    eddy_native_leave(w.t);
    assert_int_equal(s.stalls_begun, 2);
    assert_int_equal(s.stalls_ended, 2);
    assert_int_equal(s.waits, 0);
    assert_non_null(eddy_alloc_bytes(w.t, 100000));
    assert_true(s.stalls_ended > 2);
    world_step(&w, 1); /* the thread sleeps in native state meanwhile */
    assert_int_equal(s.on_behalf, 1);
    assert_int_equal(s.own, 0);
    assert_int_equal(eddy_listener_remove(w.heap, &s.listener), EDDY_OK);
    assert_quiet(&w);
    int before = s.stalls_ended;
    assert_non_null(eddy_alloc_bytes(w.t, 100000));
    assert_int_equal(s.stalls_ended, before);
    assert_int_equal(s.wrong, 0);
    world_close(&w);
}

static void test_pacing(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.log_limit = MIB;
    config.log_bytes_epoch = 2 * MIB; /* no epoch comes from it before pacing does */
    struct world w = world_open_with(&config);
    struct seen s = watching(&w);
    s.listener =
        (eddy_listener){.context = &s, .pacing = on_pacing, .stall_begin = on_stall_begin, .stall_end = on_stall_end};
    assert_int_equal(eddy_listener_add(w.heap, &s.listener), EDDY_OK);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    eddy_root_store(w.t, &slot, eddy_alloc_array(w.t, 100));
    eddy_array *array = slot;
    for (size_t i = 0; i < 100; i++)
        array_put(w.t, array, i, node_new(&w));
    for (size_t i = 0; s.pacings == 0; i++) /* stores alone */
        array_put(w.t, array, i % 100, array->slots[i * 7 % 100]);
    assert_true(s.waits > 0);
    assert_int_equal(s.stalls_begun, s.stalls_ended);
    assert_int_equal(s.wrong, 0);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

struct paced {
    eddy_listener listener;
    uint64_t room, unswept, ns, longest_ns; /* at the first sleep; of all */
    int sleeps;
};

static void on_paced(void *context, eddy_heap *heap, eddy_thread *t, eddy_pacing_reason reason, uint64_t room, uint64_t ns)
{
    struct paced *p = context;
    (void)t;
    CHECK(reason == EDDY_PACING_MEMORY);
    if (p->sleeps++ == 0) {
        p->room = room;
        p->unswept = EDDY_LOAD_RELAXED(&heap->unswept);
        p->ns = ns;
    }
    if (ns > p->longest_ns)
        p->longest_ns = ns;
}

/* Below a limit sleeps begin, short, when three eighths of what is not live are left: no epoch has passed by then, because on a
 * manual heap none does of itself. */
static void test_pacing_begins_early(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    config.heap_limit = 16 * MIB;
    config.epoch_bytes = config.epoch_bytes_min = config.epoch_bytes_max = MIB;
    struct world w = world_open_with(&config);
    struct paced p = {.listener = {.context = &p, .pacing = on_paced}};
    assert_int_equal(eddy_listener_add(w.heap, &p.listener), EDDY_OK);
    while (p.sleeps == 0)
        assert_non_null(eddy_alloc_bytes(w.t, 1000));
    uint64_t slack = p.room + p.unswept;
    assert_true(p.room <= slack / 8 * 3 && p.room >= slack / 8 * 3 - 4 * BLOCK_BYTES);
    assert_true(p.ns < 30000);
    assert_int_equal(p.longest_ns, p.ns); /* and the epoch has made room */
    assert_int_equal(eddy_listener_remove(w.heap, &p.listener), EDDY_OK);
    assert_checks_passed();
    world_close(&w);
}

/* ---- adding and removing ---- */

static void count_epoch(void *context, eddy_heap *heap, uint64_t epoch)
{
    (void)heap, (void)epoch;
    EDDY_ADD_SEQ_CST((int *)context, 1);
}

static void test_several_listeners(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    int counts[3] = {0};
    eddy_listener l[3];
    for (int i = 0; i < 3; i++) {
        l[i] = (eddy_listener){.context = &counts[i], .epoch_begin = count_epoch};
        assert_int_equal(eddy_listener_add(w.heap, &l[i]), EDDY_OK);
        assert_int_equal(eddy_listener_add(w.heap, &l[i]), EDDY_EBUSY);
        world_step(&w, 1);
    }
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[2], 1);
    assert_int_equal(eddy_listener_remove(w.heap, &l[1]), EDDY_OK);
    assert_int_equal(eddy_listener_remove(w.heap, &l[1]), EDDY_EINVAL);
    assert_int_equal(eddy_listener_remove(w.heap, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_listener_add(w.heap, NULL), EDDY_EINVAL);
    world_step(&w, 1);
    assert_int_equal(counts[0], 4);
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[2], 2);
    for (int i = 0; i < 100; i++) { /* nodes are used again */
        assert_int_equal(eddy_listener_add(w.heap, &l[1]), EDDY_OK);
        assert_int_equal(eddy_listener_remove(w.heap, &l[1]), EDDY_OK);
    }
    size_t nodes = 0;
    for (const struct listener *n = w.heap->listeners; n != NULL; n = n->next)
        nodes++;
    assert_int_equal(nodes, 3);
    world_close(&w);
}

struct rain {
    eddy_heap *heap;
    int stop;
};

static void *raining_main(void *argument)
{
    struct rain *rain = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(rain->heap, &t) == EDDY_OK);
    while (!EDDY_LOAD_RELAXED(&rain->stop)) {
        eddy_native_enter(t);
        eddy_native_leave(t);
        eddy_alloc_bytes(t, 20000);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

/* A listener on the stack of a function that returns: whoever calls it after its removal reads what is no listener. */
static void mark_stall(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    (void)heap, (void)t, (void)kind;
    int *alive = context;
    CHECK(EDDY_LOAD_SEQ_CST(alive) == 1);
}

static void listen_for_a_moment(struct world *w, int i)
{
    int alive = 1;
    eddy_listener l = {.context = &alive, .stall_begin = mark_stall};
    assert_int_equal(eddy_listener_add(w->heap, &l), EDDY_OK);
    if (i % 4 == 0)
        eddy_alloc_bytes(w->t, 20000);
    assert_int_equal(eddy_listener_remove(w->heap, &l), EDDY_OK);
    EDDY_STORE_SEQ_CST(&alive, 0);
    memset(&l, 0xff, sizeof l);
}

static void test_removal_while_events_rain(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    struct rain rain = {.heap = w.heap};
    pthread_t ids[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, raining_main, &rain), 0);
    for (int i = 0; i < SUPPORT_SCALE(3000, 400); i++)
        listen_for_a_moment(&w, i);
    EDDY_STORE_RELAXED(&rain.stop, 1);
    eddy_native_enter(w.t);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_quiet(&w);
    world_close(&w);
}

/* Removal waits for a callback that is running, even when it begins while the callback runs. */
struct slow {
    eddy_heap *heap;
    int inside, done;
};

static void outlast_removal(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    struct slow *slow = context;
    (void)t, (void)kind;
    EDDY_STORE_SEQ_CST(&slow->inside, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&heap->listening) == 0); /* the removal is under way */
    for (int i = 0; i < 5; i++)
        support_nap();
    EDDY_STORE_SEQ_CST(&slow->done, 1);
}

static void *allocating_main(void *argument)
{
    struct slow *slow = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(slow->heap, &t) == EDDY_OK);
    eddy_alloc_bytes(t, 20000);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_removal_waits_for_a_callback(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    struct slow slow = {.heap = w.heap};
    const eddy_listener l = {.context = &slow, .stall_begin = outlast_removal};
    assert_int_equal(eddy_listener_add(w.heap, &l), EDDY_OK);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, allocating_main, &slow), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&slow.inside) == 1);
    assert_int_equal(eddy_listener_remove(w.heap, &l), EDDY_OK);
    assert_int_equal(EDDY_LOAD_SEQ_CST(&slow.done), 1);
    pthread_join(id, NULL);
    assert_checks_passed();
    world_close(&w);
}

/* ---- what observers may not do ---- */

static eddy_status refusals[4];
static const eddy_listener *own_listener;

static void try_everything(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    (void)context, (void)kind;
    refusals[0] = eddy_collect(t, 0, NULL);
    refusals[1] = eddy_collector_step(t);
    refusals[2] = eddy_verify(t, 0, NULL);
    refusals[3] = eddy_listener_remove(heap, own_listener);
}

static void test_observers_are_refused_what_waits(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    const eddy_listener l = {.stall_begin = try_everything};
    own_listener = &l;
    assert_int_equal(eddy_listener_add(w.heap, &l), EDDY_OK);
    assert_non_null(eddy_alloc_bytes(w.t, 100000));
    for (int i = 0; i < 4; i++)
        assert_int_equal(refusals[i], EDDY_EBUSY);
    assert_int_equal(eddy_listener_remove(w.heap, &l), EDDY_OK);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    world_close(&w);
}

/* ---- threads that delay ---- */

struct lazy {
    eddy_heap *heap;
    int step; /* atomic: 1 attached, 2 may go on */
    int tid;
    const char *stack;
};

static void *lazy_main(void *argument)
{
    struct lazy *lazy = argument;
    eddy_thread *t = NULL;
    char here;
    pthread_setname_np(pthread_self(), "the lazy one");
    CHECK(eddy_thread_attach(lazy->heap, &t) == EDDY_OK);
    lazy->tid = eddy__os_thread_id();
    lazy->stack = &here;
    EDDY_STORE_SEQ_CST(&lazy->step, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&lazy->step) == 2); /* without a safepoint */
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_a_thread_that_delays_is_named(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.late_thread_ms = 1;
    struct world w = world_open_with(&config);
    struct seen s = watching(&w);
    s.listener = (eddy_listener){.context = &s, .epoch_begin = on_epoch_begin, .late_thread = on_late_thread};
    assert_int_equal(eddy_listener_add(w.heap, &s.listener), EDDY_OK);
    struct lazy lazy = {.heap = w.heap};
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, lazy_main, &lazy), 0);
    WAIT_UNTIL((eddy_safepoint(w.t), EDDY_LOAD_SEQ_CST(&lazy.step) == 1));
    for (int i = 0; s.late == 0; i++) { /* the caller itself is in a native region, and not late */
        assert_true(i < 10000);
        assert_int_equal(eddy_collect(w.t, 5, NULL), EDDY_ETIMEDOUT);
    }
    assert_int_equal(eddy_collect(w.t, 5, NULL), EDDY_ETIMEDOUT);
    assert_int_equal(s.late, 1); /* once per epoch */
    assert_int_equal(s.wrong, 0);
    assert_int_equal(s.late_state.tid, lazy.tid);
    assert_string_equal(s.late_state.name, "the lazy one");
    assert_false(s.late_state.native);
    assert_int_equal(s.late_state.epoch, w.heap->epoch - 1);
    assert_true((const char *)s.late_state.stack_low < lazy.stack && lazy.stack < (const char *)s.late_state.stack_high);
    assert_true(s.late_state.since_ns != 0 && s.late_state.since_ns <= eddy__os_now());
    assert_true(s.late_state.kernel_state == 'R' || s.late_state.kernel_state == 'S');
    EDDY_STORE_SEQ_CST(&lazy.step, 2);
    pthread_join(id, NULL);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    assert_checks_passed();
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_reports_add_up),
        cmocka_unit_test(test_stalls_and_native_regions),
        cmocka_unit_test(test_pacing),
        cmocka_unit_test(test_pacing_begins_early),
        cmocka_unit_test(test_several_listeners),
        cmocka_unit_test(test_removal_while_events_rain),
        cmocka_unit_test(test_removal_waits_for_a_callback),
        cmocka_unit_test(test_observers_are_refused_what_waits),
        cmocka_unit_test(test_a_thread_that_delays_is_named),
    };
    return RUN_TESTS("events", tests);
}
