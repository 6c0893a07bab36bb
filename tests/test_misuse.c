/* Misuse: what Eddy cannot report by a status goes to the misuse handler. Checks of stores are there in debug builds
 * only; whatever the handler does, the default one included, no such call returns. */
#include "tests/support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/heap/heap.h"

#define assert_misuse(statement, expected)                                                                             \
    do {                                                                                                               \
        const char *said;                                                                                              \
        CATCH_MISUSE(statement, said);                                                                                 \
        if (strstr(said, expected) == NULL)                                                                            \
            fail_msg("\"%s\" does not say \"%s\"", said, expected);                                                    \
    } while (0)

static void test_leaving_without_entering(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_misuse(eddy_native_leave(w.t), "eddy_native_leave: ");
    eddy_native_enter(w.t);
    eddy_native_leave(w.t);
    assert_misuse(eddy_native_leave(w.t), "no native region");
    node_new(&w); /* nothing has changed */
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

static void test_frames_popped_out_of_order(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    void *slots[3] = {NULL};
    eddy_frame frames[3];
    for (int i = 0; i < 3; i++) {
        eddy_frame_push(w.t, &frames[i], &slots[i], 1);
        slots[i] = node_new(&w);
    }
    assert_misuse(eddy_frame_pop(w.t, &frames[0]), "eddy_frame_pop: ");
    assert_misuse(eddy_frame_pop(w.t, &frames[1]), "not the top");
    assert_int_equal(live_after_collect(&w), 3); /* nothing has changed */
    for (int i = 3; i-- > 0;)
        eddy_frame_pop(w.t, &frames[i]);
    assert_misuse(eddy_frame_pop(w.t, &frames[0]), "not the top"); /* none is left */
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* ---- stores that debug builds check ---- */

#ifdef EDDY_DEBUG

static void test_stores_through_what_is_no_object(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL), other = world_open(EDDY_HEAP_MANUAL);
    ROOTS_PUSH(w.t, 2);
    struct node *n = roots[0] = node_new(&w), on_the_stack = {0}, *theirs = node_new(&other);
    struct node *dead = roots[1] = node_new(&w);
    void *inside = &n->right;
    world_step(&w, 3);
    roots[1] = NULL;
    world_step(&w, 3);
    assert_misuse(EDDY_SET(w.t, &on_the_stack, left, n), "the container is not an object");
    assert_misuse(EDDY_SET(w.t, theirs, left, n), "the container is not an object");
    assert_misuse(EDDY_SET(w.t, dead, left, n), "the container is not an object");
    assert_misuse(EDDY_SET(w.t, (struct node *)inside, left, n), "the container is not an object");
    assert_misuse(EDDY_SET(w.t, n, left, &on_the_stack), "the value is not an object");
    assert_misuse(EDDY_SET(w.t, n, left, theirs), "the value is not an object");
    assert_misuse(EDDY_SET(w.t, n, left, dead), "the value is not an object");
    assert_misuse(EDDY_SET(w.t, n, left, inside), "the value is not an object");
    assert_null(n->left);
    ROOTS_POP(w.t);
    assert_verifies(&w);
    world_close(&other);
    world_close(&w);
}

static void test_fields_outside_their_container(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct node *n = node_new(&w), *m = node_new(&w);
    void *plain = NULL;
    char *bytes = (char *)n;
    size_t usable = eddy_object_size(w.heap, n);
    assert_misuse(eddy_store(w.t, n, (void **)(void *)&m->left, m), "the field is not inside");
    assert_misuse(eddy_store(w.t, n, &plain, m), "the field is not inside");
    assert_misuse(eddy_store(w.t, n, (void **)(void *)(bytes + usable), m), "the field is not inside");
    assert_misuse(eddy_store(w.t, n, (void **)(void *)(bytes - 8), m), "the field is not inside");
    assert_misuse(eddy_store(w.t, n, (void **)(void *)(bytes + 4), m), "the field is not inside");
    /* the relatives of the store look, too */
    assert_misuse((void)eddy_exchange(w.t, n, &plain, m), "the field is not inside");
    assert_misuse((void)eddy_compare_and_swap(w.t, n, &plain, NULL, m), "the field is not inside");
    assert_null(plain);
    world_close(&w);
}

static void *wrong_thread_main(void *argument)
{
    struct world *w = argument;
    const char *said;
    CATCH_MISUSE(EDDY_SET(w->t, (struct node *)w, left, NULL), said);
    CHECK(strstr(said, "thread") != NULL);
    return NULL;
}

static void test_stores_by_the_wrong_thread(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, wrong_thread_main, &w), 0);
    pthread_join(id, NULL);
    assert_checks_passed();
    struct node *n = node_new(&w);
    eddy_native_enter(w.t);
    assert_misuse(EDDY_SET(w.t, n, left, NULL), "native region");
    eddy_native_leave(w.t);
    eddy_thread *old = w.t;
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    assert_misuse(EDDY_SET(old, n, left, NULL), "detached");
    w.t = NULL;
    world_close(&w);
}

/* What is allowed passes: objects in every state, as container and as value. */
static void test_correct_stores_are_silent(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 3);
    const char *said = "";
    eddy_array *wide = roots[0] = eddy_alloc_array(w.t, 5000); /* large, born counted */
    roots[1] = eddy_alloc_bytes(w.t, 24);
    roots[2] = eddy_alloc_bytes(w.t, 24);
    CATCH_MISUSE(
        {
            for (size_t i = 0; i < 5000; i++) {
                struct node *n = node_new(&w);
                EDDY_SET(w.t, n, right, n);
                eddy_root_store(w.t, &slot, n); /* counted, its first count not yet applied */
                array_put(w.t, wide, i, n);
                EDDY_SET(w.t, n, left, roots[1 + i % 2]);
                array_put(w.t, wide, i / 2, roots[1 + i % 2]);
                if (i % 500 == 0)
                    world_step(&w, 1);
            }
        },
        said);
    assert_string_equal(said, "");
    ROOTS_POP(w.t);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

#endif

/* ---- handlers ---- */

static void returning_handler(const char *function, const char *what)
{
    dprintf(STDERR_FILENO, "told of %s, %s\n", function, what);
}

static void test_setting_handlers(void **state)
{
    (void)state;
    eddy_misuse_fn *standard = eddy_set_misuse_handler(returning_handler);
    assert_non_null(standard);
    assert_ptr_equal(eddy_set_misuse_handler(support_misuse), returning_handler);
    assert_ptr_equal(eddy_set_misuse_handler(NULL), support_misuse); /* back to the default */
    assert_ptr_equal(eddy_set_misuse_handler(standard), standard);
}

/* Runs a misuse in a child process; what it printed, and how it ended. */
static int in_a_child(void (*misuse)(struct world *w), eddy_misuse_fn *handler, char *text, size_t room)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        eddy_set_misuse_handler(handler);
        struct world w = {0};
        const eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
        if (eddy_heap_create(&config, &w.heap) == EDDY_OK && eddy_thread_attach(w.heap, &w.t) == EDDY_OK) {
            w.node = support_node_type(w.heap);
            misuse(&w);
        }
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t n;
    while (used + 1 < room && (n = read(ends[0], text + used, room - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = 0;
    char *emulator = strstr(text, "qemu: uncaught"); /* qemu-user adds a line of its own */
    if (emulator != NULL)
        *emulator = 0;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void leave_too_often(struct world *w)
{
    eddy_native_leave(w->t);
}

/* A field overwritten without the barrier makes a count fall below zero: the collector notices. */
static void lose_a_count(struct world *w)
{
    void *slot;
    eddy_root_add(w->t, &slot);
    struct node *n = node_new(w), *m = node_new(w);
    eddy_root_store(w->t, &slot, n);
    EDDY_SET(w->t, n, left, m);
    eddy_collector_step(w->t);
    eddy_collector_step(w->t);
    EDDY_STORE_RELAXED(&n->right, m); /* a second reference, never counted */
    EDDY_SET(w->t, n, right, NULL);
    eddy_collector_step(w->t);
    eddy_collector_step(w->t); /* m is freed here */
    EDDY_SET(w->t, n, left, NULL);
    eddy_collector_step(w->t);
    eddy_collector_step(w->t);
}

static void assert_aborted(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_the_default_handler_prints_a_line_and_aborts(void **state)
{
    (void)state;
    char text[512];
    assert_aborted(in_a_child(leave_too_often, NULL, text, sizeof text));
    assert_non_null(strstr(text, "misuse of eddy_native_leave"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_a_handler_that_returns_ends_the_process(void **state)
{
    (void)state;
    char text[512];
    assert_aborted(in_a_child(leave_too_often, returning_handler, text, sizeof text));
    assert_string_equal(text, "told of eddy_native_leave, the thread is in no native region\n");
}

static void test_a_count_below_zero_is_reported(void **state)
{
    (void)state;
    char text[512];
    assert_aborted(in_a_child(lose_a_count, returning_handler, text, sizeof text));
    assert_non_null(strstr(text, "below zero"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaving_without_entering),
        cmocka_unit_test(test_frames_popped_out_of_order),
#ifdef EDDY_DEBUG
        cmocka_unit_test(test_stores_through_what_is_no_object),
        cmocka_unit_test(test_fields_outside_their_container),
        cmocka_unit_test(test_stores_by_the_wrong_thread),
        cmocka_unit_test(test_correct_stores_are_silent),
#endif
        cmocka_unit_test(test_setting_handlers),
        cmocka_unit_test(test_the_default_handler_prints_a_line_and_aborts),
        cmocka_unit_test(test_a_handler_that_returns_ends_the_process),
        cmocka_unit_test(test_a_count_below_zero_is_reported),
    };
    return RUN_TESTS("misuse", tests);
}
