/* Garbage cycles that refer to each other: one search reclaims them all, in the reverse of the order in which they
 * were found, each after those that refer to it. And the cases where it cannot: a neighbour that is alive, and
 * one that is freed by counting before the tests. */
#include "tests/steps.h"

#define PAIRS 30u

/* Pairs: pairs[i] is a candidate root and refers to itself through a second node. None has a root any more once
 * drop_pairs was called. */
static struct node *pairs[PAIRS];
static eddy_array *holder; /* keeps them until then */

static void make_pairs(unsigned count)
{
    holder = make_array(A, 2, PAIRS);
    put_root(A, 0, holder);
    for (unsigned i = 0; i < count; i++) {
        pairs[i] = make_pair(1);
        put_element(A, holder, i, pairs[i]);
        put_root(A, 1, NULL);
    }
    forget_all(A);
}

/* Pair i refers to pair k, by its first node or its second. */
static void link_pairs(unsigned i, unsigned k, bool second)
{
    struct node *from = second ? pairs[i]->f[0] : pairs[i];
    put(A, from, from->f[1] == NULL ? 1 : 2, pairs[k]);
}

static void drop_pairs(void)
{
    assert_true(settle());
    put_root(A, 0, NULL);
    epochs(2);
}

/* One search reclaims `count` pairs and everything else. */
static void assert_one_search(unsigned count)
{
    assert_int_equal(stats_now().cycles_freed, 0);
    search(false);
    assert_int_equal(stats_now().cycle_passes, 1);
    assert_int_equal(stats_now().cycles_found, count);
    assert_int_equal(stats_now().cycles_freed, count);
    assert_int_equal(stats_now().cycles_rejected_sigma + stats_now().cycles_rejected_delta, 0);
    assert_int_equal(live_objects(), 0);
    search_end();
    assert_true(lab_close());
}

/* Each refers to the next; the candidate roots are found from either end. */
static void test_chain(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        lab_open(0);
        make_pairs(PAIRS);
        for (unsigned i = 0; i + 1 < PAIRS; i++)
            link_pairs(backwards ? i + 1 : i, backwards ? i : i + 1, i % 2);
        drop_pairs();
        assert_one_search(PAIRS);
    }
}

/* Pair i refers to pairs 2i+1 and 2i+2, and these to a pair that all of them refer to. */
static void test_tree_with_common_end(void **state)
{
    (void)state;
    lab_open(0);
    make_pairs(PAIRS);
    for (unsigned i = 0; 2 * i + 2 < PAIRS - 1; i++) {
        link_pairs(i, 2 * i + 1, false);
        link_pairs(i, 2 * i + 2, true);
    }
    for (unsigned i = 0; i + 1 < PAIRS; i++)
        link_pairs(i, PAIRS - 1, i % 2);
    drop_pairs();
    assert_one_search(PAIRS);
}

/* Between two pairs lies an object on no cycle, which dies with the first and takes its reference to the second away. */
static void test_acyclic_object_between(void **state)
{
    (void)state;
    lab_open(0);
    make_pairs(2);
    struct node *between = make(A, 0);
    put(A, between, 0, pairs[1]);
    put(A, pairs[0], 1, between);
    make_candidate(between);
    forget_all(A);
    drop_pairs();
    assert_one_search(2);
}

/* The first is alive: the others look like garbage beside it and must be rejected, all the way down the chain; then it
 * dies. */
static void deceive_first(void)
{
    put(A, pairs[0]->f[0], 2, pairs[0]);
}

static void test_live_neighbour(void **state)
{
    (void)state;
    const unsigned count = 6;
    lab_open(0);
    make_pairs(count);
    for (unsigned i = 0; i + 1 < count; i++)
        link_pairs(i, i + 1, false);
    put_root(A, 2, pairs[0]);
    drop_pairs();
    script.deceive = deceive_first;
    search(false);
    assert_int_equal(stats_now().cycles_found, count);
    assert_int_equal(stats_now().cycles_rejected_delta, 1);
    assert_int_equal(stats_now().cycles_rejected_sigma, count - 1);
    assert_int_equal(live_objects(), 2 * count);
    put_root(A, 2, NULL);
    epochs(2);
    search(false);
    assert_int_equal(stats_now().cycles_freed, count);
    assert_int_equal(live_objects(), 0);
    search_end();
    assert_true(lab_close());
}

/* An object that refers to a dead pair is alive when a search looks at them, and freed by counting at every step of it
 * or later: the dec that follows makes the pair a candidate again. */
static struct node *neighbour;

static void drop_neighbour(void)
{
    put_root(A, 1, NULL);
}

static bool neighbour_at_step(bool sliced)
{
    make_pairs(1);
    neighbour = make(A, 0);
    put(A, neighbour, 0, pairs[0]);
    put_root(A, 1, neighbour);
    make_candidate(neighbour);
    forget_all(A);
    drop_pairs();
    script.actions[0] = drop_neighbour;
    search(sliced);
    script.actions[0] = NULL;
    drop_neighbour();
    epochs(3);
    assert_false(alive(neighbour));
    if (live_objects() != 0)
        search(sliced);
    assert_int_equal(live_objects(), 0);
    search_end();
    return script.step > script.at[0];
}

static void test_neighbour_freed_by_counting(void **state)
{
    (void)state;
    lab_open(0);
    for (int sliced = 0; sliced < 2; sliced++)
        for (script.at[0] = 0; neighbour_at_step(sliced); script.at[0]++) {
        }
    assert_true(lab_close());
}

/* While a dead chain is being freed, a mutator stores into live objects that it refers to, and publishes them. */
static struct node *bystander;

static void use_bystander(void)
{
    hold(A, 0, bystander);
    struct node *n = make(A, 1);
    put(A, n, 0, bystander);
    put(A, bystander, 0, n);
    put(A, bystander, 1, bystander);
    put_root(A, 1, n);
    forget_all(A);
}

static bool bystander_at_step(bool sliced)
{
    make_pairs(3);
    link_pairs(0, 1, false);
    link_pairs(1, 2, true);
    bystander = make(A, 0);
    put_root(A, 1, bystander);
    for (unsigned i = 0; i < 3; i++)
        put(A, pairs[i], 2, bystander);
    forget_all(A);
    drop_pairs();
    script.actions[0] = use_bystander;
    search(sliced);
    script.actions[0] = NULL;
    assert_true(alive(bystander));
    epochs(3);
    bool used = script.step > script.at[0];
    assert_int_equal(live_objects(), used ? 2 : 1);
    search_end();
    return used;
}

static void test_live_bystander(void **state)
{
    (void)state;
    lab_open(0);
    for (int sliced = 0; sliced < 2; sliced++)
        for (script.at[0] = 0; bystander_at_step(sliced); script.at[0]++) {
        }
    assert_true(lab_close());
}

/* ---- the end of a search ---- */

static uint64_t said_from; /* a search that began in this epoch leaves nothing */
static bool early;

static bool said_early(enum eddy__hook_point point)
{
    early |= point == HOOK_STEP_SWEPT && lab.heap->exhausted_from >= said_from && live_objects() != 0;
    return false;
}

/* Who waits for a collection may look at any time, also while the epoch goes on: then the figures are those of before. */
static void test_the_end_is_said_with_its_figures(void **state)
{
    (void)state;
    lab_open(0);
    make_pairs(PAIRS);
    drop_pairs();
    assert_int_equal(live_objects(), 2 * PAIRS);
    said_from = lab.heap->epoch;
    early = false;
    lab.each = said_early;
    for (unsigned i = 0; lab.heap->exhausted_from < said_from; i++) {
        assert_true(i < STEPS_MOST);
        want_cycles();
        epoch_pass();
    }
    lab.each = NULL;
    assert_false(early);
    assert_int_equal(live_objects(), 0);
    assert_true(lab_close());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_end_is_said_with_its_figures),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_tree_with_common_end),
        cmocka_unit_test(test_acyclic_object_between),
        cmocka_unit_test(test_live_neighbour),
        cmocka_unit_test(test_neighbour_freed_by_counting),
        cmocka_unit_test(test_live_bystander),
    };
    return LAB_RUN(tests);
}
