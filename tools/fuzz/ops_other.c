/* Operations beside the program's heap: a second one without a collector thread, calls with records of other and of detached threads,
 * and misuse, which ends a forked child. */
#include "tools/fuzz/can_fork.h"
#include "tools/fuzz/operations.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- records that are not the caller's ---- */

static void expect(const char *what, eddy_status status, eddy_status expected)
{
    if (status != expected)
        fuzz_fail(OUTCOME_WRONG, "%s: %s, not %s", what, eddy_status_text(status), eddy_status_text(expected));
}

/* All that looks whose record it gets. */
static void call_with(eddy_thread *t, eddy_status expected)
{
    static void *words[2];
    eddy_inspection *inspection;
    eddy_verify_report report;
    eddy_fiber *fiber;
    expect("eddy_collect", eddy_collect(t, 0, NULL), expected);
    expect("eddy_collector_step", eddy_collector_step(t), expected);
    expect("eddy_verify", eddy_verify(t, 0, &report), expected);
    expect("eddy_inspect_begin", eddy_inspect_begin(t, 0, &inspection), expected);
    expect("eddy_root_range_add", eddy_root_range_add(t, words, words + 2), expected);
    expect("eddy_root_range_remove", eddy_root_range_remove(t, words), expected);
    expect("eddy_fiber_create", eddy_fiber_create(t, words, sizeof words, &fiber), expected);
    expect("eddy_fiber_switch", eddy_fiber_switch(t, NULL), expected);
    expect("eddy_make_permanent", eddy_make_permanent(t, NULL), expected);
    expect("eddy_heap_freeze", eddy_heap_freeze(t), expected);
    expect("eddy_thread_select", eddy_thread_select(t), expected);
    expect("eddy_thread_detach", eddy_thread_detach(t), expected);
}

void op_foreign(struct mutator *m, const struct operation *o)
{
    const struct mutator *other = &m->run->mutators[o->a % FUZZ_MUTATORS];
    if (other != m && other->thread != NULL)
        call_with(other->thread, EDDY_ETHREAD);
    if ((o->b & 3) == 0)
        call_with(NULL, EDDY_EINVAL);
}

/* ---- a second heap ---- */

static void fill(eddy_thread *t, const struct operation *o)
{
    void *slots[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, slots, 2);
    for (unsigned i = 0; i < 4u + o->b % 32u; i++) {
        eddy_array *array = eddy_alloc_array(t, 1 + i % 5);
        if (array == NULL)
            break;
        slots[1] = array;
        eddy_store(t, array, &array->slots[0], i % 3 == 0 ? array : slots[0]);
        if (i % 4 != 0)
            slots[0] = array;
        if (i % 8 == 7)
            expect("a step of the collector", eddy_collector_step(t), EDDY_OK);
    }
    eddy_frame_pop(t, &frame);
}

void op_second_heap(struct mutator *m, const struct operation *o)
{
    eddy_config config;
    eddy_heap *heap;
    eddy_thread *t;
    eddy_stats stats;
    if (m->run->c->settings.fail_at != 0)
        return;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS | ((o->a & 1) != 0 ? EDDY_HEAP_VERIFY_EPOCHS : 0)
                   | ((o->a & 2) != 0 ? EDDY_HEAP_ATFORK : 0);
    config.reserve_bytes = (size_t)32 << 20;
    config.heap_limit = (o->a & 4) != 0 ? (size_t)2 << 20 : 0;
    config.name = (o->a & 8) != 0 ? "second" : NULL;
    expect("a second heap", eddy_heap_create(&config, &heap), EDDY_OK);
    expect("a second attachment", eddy_thread_attach(heap, &t), EDDY_OK);
    fill(t, o);
    expect("a manual collection", eddy_collect(t, 0, NULL), EDDY_OK);
    eddy_heap_stats(heap, &stats);
    if (stats.live_objects != 0)
        fuzz_fail(OUTCOME_GARBAGE, "%u objects of the second heap are left", (unsigned)stats.live_objects);
    expect("an end", eddy_thread_detach(t), EDDY_OK);
    call_with(t, EDDY_EDETACHED);
    expect("an end", eddy_heap_destroy(heap), EDDY_OK);
    expect("a choice", eddy_thread_select(m->thread), EDDY_OK);
}

/* ---- misuse ---- */

#define MISUSED 7

static void end_as_misused(const char *function, const char *what)
{
    (void)function, (void)what;
    _exit(MISUSED);
}

static void misuse_frames(eddy_thread *t, unsigned which)
{
    void *slot = NULL;
    eddy_frame below, above;
    eddy_frame_push(t, &below, &slot, 1);
    eddy_frame_push(t, &above, &slot, 1);
    if (which == 0)
        eddy_frame_pop(t, &below);
    else
        eddy_frame_set(t, &above, 1, NULL);
}

static void misuse_callback(eddy_thread *t, unsigned which)
{
    void *slot = NULL;
    eddy_frame frame;
    eddy_native_enter(t);
    eddy_callback callback = eddy_callback_begin(t);
    if (which == 0)
        eddy_frame_push(t, &frame, &slot, 1);
    else
        eddy_native_enter(t);
    eddy_callback_end(t, callback);
}

static void in_native(eddy_thread *t, void *object, unsigned which)
{
    eddy_native_enter(t);
    switch (which) {
    case 0: eddy_pin(t, object); break;
    case 1: eddy_barrier(t); break;
    case 2: eddy_legacy_enter(t); break;
    default: eddy__own_write_slow(t, object);
    }
}

/* Each of these must call the misuse handler, which does not return. */
static void misuse(struct mutator *m, unsigned which)
{
    eddy_thread *t = m->thread;
    void *leaf = eddy_alloc_bytes(t, 24), *permanent = eddy_alloc_permanent(t, m->run->types[SHAPE_NODE]);
    void *node = eddy_alloc(t, m->run->types[SHAPE_NODE]);
    void *outside[4] = {NULL};
    if (leaf == NULL || permanent == NULL || node == NULL)
        end_as_misused(NULL, NULL);
    switch (which) {
    case 0: eddy_native_leave(t); break;
    case 1:
    case 2: misuse_frames(t, which - 1); break;
    case 3:
    case 4: misuse_callback(t, which - 3); break;
    case 5: eddy_store(t, permanent, shape_fields(permanent, SHAPE_NODE), leaf); break;
    case 6: eddy_pin(t, outside + 2); break;
    case 7: eddy_legacy_leave(t); break;
    case 8: eddy_legacy_window_open(t); break;
    case 9: eddy_legacy_window_close(t, 1); break;
    case 10: eddy_legacy_hand(t, node); break;
    case 11: eddy_own_write(t, node); break;
    case 12:
    case 13:
    case 14:
    case 15: in_native(t, node, which - 12); break;
#ifdef EDDY_DEBUG
    case 16: eddy_store_tagged(t, node, (uintptr_t *)(void *)shape_fields(node, SHAPE_NODE), 0); break;
    case 17: eddy_store(t, node, outside, leaf); break;
    case 18: eddy_store(t, outside, outside, leaf); break;
    case 19: eddy_store(t, node, shape_fields(node, SHAPE_NODE), outside); break;
    case 20: eddy_native_enter(t), eddy_store(t, node, shape_fields(node, SHAPE_NODE), leaf); break;
#endif
    default: eddy_native_leave(t);
    }
}

/* In a child, which has this thread alone, and ends. */
static void child(struct mutator *m, const struct operation *o)
{
    bool by_default = (o->b & 7) == 0;
    sched_abandon();
    eddy__hook = NULL;
    EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
    EDDY_STORE_RELAXED(&eddy__fail_for_good, 0);
    alarm(20);
    if (by_default) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
    }
    eddy_fork_child(m->run->heap);
    eddy_set_misuse_handler(by_default ? NULL : end_as_misused);
    misuse(m, o->a % 24u);
    _exit(0);
}

void op_misuse(struct mutator *m, const struct operation *o)
{
    if (!CAN_FORK || m->run->c->settings.fail_at != 0 || m->run->exclusive != 0)
        return;
    fflush(NULL);
    eddy_fork_prepare(m->run->heap);
    pid_t pid = fork();
    if (pid == 0)
        child(m, o);
    int status = 0;
    pid_t ended;
    do
        ended = pid > 0 ? waitpid(pid, &status, 0) : pid;
    while (ended < 0 && errno == EINTR);
    bool noticed =
        (WIFEXITED(status) && WEXITSTATUS(status) == MISUSED) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (pid > 0 && !noticed)
        fuzz_fail(OUTCOME_WRONG, "misuse %u is not noticed: status %x", o->a % 24u, (unsigned)status);
    eddy_fork_parent(m->run->heap);
}
