/* Counting style: new, borrowed and owned references, the macros that take variables, names of another API, threads that
 * are attached to several heaps or to none. */
#include "tests/support.h"

#define EDDY_COUNTING_PREFIX Py_
#include "eddy/counting_names.h"
#define EDDY_COUNTING_PREFIX other
#include "eddy/counting_names.h"

static uint64_t live(struct world *w)
{
    uint64_t objects = live_after_collect(w);
    assert_int_equal(world_stats(w).misused_unpins, 0);
    return objects;
}

static void test_references(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct node *n = node_new(&w), *none = NULL;
    EDDY_INCREF(n);
    EDDY_XINCREF(n);
    EDDY_XINCREF(none);
    EDDY_XDECREF(none);
    struct node *third = EDDY_NEWREF(n), *fourth = EDDY_XNEWREF(n);
    assert_ptr_equal(third, n);
    assert_ptr_equal(fourth, n);
    assert_null(EDDY_XNEWREF(none));
    EDDY_DECREF(n);
    EDDY_XDECREF(n);
    EDDY_DECREF(third);
    assert_int_equal(live(&w), 1);
    EDDY_DECREF(fourth);
    assert_int_equal(live(&w), 0);
    world_close(&w);
}

static struct node **next_of(struct node ***place)
{
    return (*place)++; /* an argument that may be evaluated once only */
}

static void test_variables(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct node *owned[3] = {EDDY_NEWREF(node_new(&w)), EDDY_NEWREF(node_new(&w)), NULL}, **at = owned;
    struct node *last = EDDY_NEWREF(node_new(&w));
    EDDY_SETREF(*next_of(&at), EDDY_NEWREF(last));
    assert_ptr_equal(at, owned + 1);
    assert_ptr_equal(owned[0], last);
    assert_int_equal(live(&w), 2);
    EDDY_XSETREF(*next_of(&at), NULL);
    assert_null(owned[1]);
    assert_int_equal(live(&w), 1);
    EDDY_XSETREF(*next_of(&at), last); /* changes hands */
    EDDY_CLEAR(owned[0]);
    EDDY_CLEAR(owned[1]);
    assert_null(owned[0]);
    assert_int_equal(live(&w), 1);
    EDDY_CLEAR(owned[2]);
    assert_int_equal(live(&w), 0);
    world_close(&w);
}

static void test_names_of_another_api(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct node *n = Py_NewRef(node_new(&w));
    Py_INCREF(n);
    otherXINCREF(n);
    otherXDECREF(Py_XNewRef(NULL));
    otherDECREF(n);
    Py_DECREF(n);
    assert_int_equal(live(&w), 1);
    Py_XDECREF(n);
    assert_int_equal(live(&w), 0);
    world_close(&w);
}

static void test_several_heaps(void **state)
{
    (void)state;
    struct world a = world_open(EDDY_HEAP_PRECISE_ROOTS), b = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_ptr_equal(eddy__self, b.t);
    struct node *in_a = node_new(&a), *in_b = EDDY_NEWREF(node_new(&b));
    const char *text;
    CATCH_MISUSE(EDDY_INCREF(in_a), text);
    assert_string_equal(text, "eddy_pin: the address is no object of this heap");
    assert_int_equal(eddy_thread_select(a.t), EDDY_OK);
    EDDY_INCREF(in_a);
    assert_int_equal(live(&a), 1);
    EDDY_DECREF(in_a);
    assert_int_equal(eddy_thread_detach(a.t), EDDY_OK);
    a.t = NULL;
    assert_ptr_equal(eddy__self, b.t);
    EDDY_DECREF(in_b);
    assert_int_equal(live(&b), 0);
    world_close(&a);
    world_close(&b);
}

static void *stranger_main(void *argument)
{
    struct world *w = argument;
    CHECK(eddy_thread_select(w->t) == EDDY_ETHREAD);
    CHECK(eddy_thread_select(NULL) == EDDY_EINVAL);
    EDDY_INCREF(argument); /* misuse */
    return NULL;
}

static const char *stranger_misuse; /* atomic */

static void note_misuse(const char *function, const char *what)
{
    (void)function;
    EDDY_STORE_RELEASE(&stranger_misuse, what);
    pthread_exit(NULL);
}

static void test_threads_that_are_not_attached(void **state)
{
    (void)state;
    struct world w = world_open(0);
    pthread_t id;
    eddy_misuse_fn *handler = eddy_set_misuse_handler(note_misuse);
    assert_int_equal(pthread_create(&id, NULL, stranger_main, &w), 0);
    eddy_native_enter(w.t);
    pthread_join(id, NULL);
    eddy_native_leave(w.t);
    eddy_set_misuse_handler(handler);
    assert_checks_passed();
    assert_string_equal(EDDY_LOAD_ACQUIRE(&stranger_misuse), "the thread is not attached");
    eddy_thread *old = w.t;
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    w.t = NULL;
    assert_int_equal(eddy_thread_select(old), EDDY_EDETACHED);
    const char *text;
    CATCH_MISUSE(EDDY_DECREF(&w), text);
    assert_string_equal(text, "eddy_unpin: the thread is not attached");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_names_of_another_api),
        cmocka_unit_test(test_several_heaps),
        cmocka_unit_test(test_threads_that_are_not_attached),
    };
    return RUN_TESTS("counting", tests);
}
