/* Forks between any two steps of a store, a promotion, an entry into a native region: the child finds whole what it
 * can reach, and no count too low; in the parent the thread goes on. */
#include "tests/fork_lab.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])

/* An old array in root slot 0 with old nodes; an old ring in slot 1. */
static eddy_array *array;

static void set_up(void)
{
    lab_open(2);
    array = make_array(A, 0, 8);
    put_root(A, 0, array);
    for (unsigned i = 0; i < 8; i++) {
        struct node *n = make(A, 1);
        put(A, n, 0, make(A, 2));
        put_element(A, array, i, n);
    }
    struct node *ring = make(A, 1);
    put(A, ring, 0, ring);
    put_root(A, 1, ring);
    assert_true(settle());
    forget_all(A);
}

/* A small graph of A's own: v refers to a node, a leaf of the array's, and through it to a second node. */
static struct node *small_graph(void)
{
    struct node *v = make(A, 1), *w = make(A, 2), *u = make(A, 3);
    put(A, w, 0, u);
    put(A, w, 1, array->slots[3]);
    put(A, v, 0, w);
    put(A, v, 1, u);
    put(A, v, 2, v);
    return v;
}

/* B takes the old value onto its stack, and stores it elsewhere: the child has that, whatever A was doing. */
static void take_elsewhere(void)
{
    void *old = array->slots[5];
    if (old != NULL)
        put_root(B, 2, old);
}

static void fork_and_go_on(void)
{
    bool was_stopped = stopped(A);
    assert_int_equal(fork_lab(), PASSED);
    take_elsewhere();
    assert_int_equal(fork_lab(), PASSED);
    if (was_stopped)
        resume(A);
    assert_int_equal(fork_lab(), PASSED);
    assert_true(lab_close());
}

static void at_each_point(void (*act)(void))
{
    static const enum eddy__hook_point points[] = {HOOK_STORE_CHECKED, HOOK_STORE_PUSHED, HOOK_STORE_EXCHANGED,
                                                   HOOK_PROMOTE_READ};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        for (unsigned before = 0; before < 2; before++) {
            set_up();
            small_graph();
            if (before != 0)
                epochs(before);
            stop_at(A, points[i]);
            act();
            fork_and_go_on();
        }
}

static void store_graph(void)
{
    put_element(A, array, 5, A->roots[1]);
}

static void store_old(void)
{
    put_element(A, array, 5, array->slots[2]);
}

static void store_nothing(void)
{
    put_element(A, array, 5, NULL);
}

static void store_into_private_old(void)
{
    bump(A, 3);
    put(A, A->roots[1], 2, array->slots[5]);
}

static void store_into_root(void)
{
    put_root(A, 1, A->roots[1]);
}

static void test_stores(void **state)
{
    (void)state;
    at_each_point(store_graph);
    at_each_point(store_old);
    at_each_point(store_nothing);
    at_each_point(store_into_root);
}

static void test_promotion(void **state)
{
    (void)state;
    at_each_point(store_into_private_old);
}

/* Asleep, about to sleep, just awake: after an epoch in which the collector acted for it, or none. */
static void test_native_regions(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 6; what++) {
        set_up();
        struct node *v = small_graph();
        put_element(A, array, 5, v);
        make(A, 4);
        if (what < 2)
            stop_at(A, HOOK_NATIVE_ENTERING);
        enter(A);
        if (what >= 2)
            epochs(what % 2 * 2);
        if (what >= 4) {
            stop_at(A, HOOK_NATIVE_LEFT);
            leave(A);
        }
        fork_and_go_on();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_promotion),
        cmocka_unit_test(test_native_regions),
    };
    return LAB_RUN(tests);
}
