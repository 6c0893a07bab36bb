/* The races that Bacon and Rajan (ECOOP 2001) name for the two tests of cycle detection, each at every step of the
 * search: a mutator changes what the search is looking at, after its k-th step, for every k; with the whole search
 * in one epoch, and with one step an epoch. Nothing reachable is ever freed, counts stay exact, and what is garbage
 * in the end is reclaimed. */
#include "tests/steps.h"

/* x <-> y: x in root slot 0, a candidate root. In some starts a garbage pair z refers to x. */
static struct node *x, *y;

/* ---- how a search begins ---- */

enum start {
    PLAIN,          /* the search sees that the pair is alive */
    DECEIVED,       /* it looks like garbage: an inner edge is there whose inc has not been applied */
    BEHIND_GARBAGE, /* the same, and a garbage pair refers to it */
    STARTS
};

static void add_inner_reference(void)
{
    put(A, y, 1, x);
}

static void add_garbage(void)
{
    struct node *z = make_pair(1);
    put(A, z, 1, x);
    assert_true(settle());
    put_root(A, 1, NULL);
    epochs(2);
}

/* ---- what the mutator does ---- */

/* The last reference from outside moves into the candidate; only a handle speaks for it then. */
static void move_inside(void)
{
    hold(A, 0, x);
    put(A, y, 2, x);
    put_root(A, 0, NULL);
}
/* And out again. */
static void move_out(void)
{
    put_root(A, 0, x);
    put(A, y, 2, NULL);
    hold(A, 0, NULL);
}
/* A reference is added, and dropped later: the counts are in the end what they were. */
static void add(void)
{
    put(A, y, 2, x);
}
static void drop(void)
{
    put(A, y, 2, NULL);
}
/* The reference from outside goes to another member. */
static void move_along(void)
{
    put_root(A, 0, y);
}
/* The candidate becomes the garbage that it looks like. */
static void drop_all(void)
{
    put_root(A, 0, NULL);
}
/* One member is freed by counting, the other one lives on. */
static void break_up(void)
{
    hold(A, 0, y);
    put(A, y, 0, NULL);
    put(A, y, 1, NULL);
    put(A, y, 2, NULL);
    put(A, x, 0, NULL);
    put_root(A, 0, NULL);
}
/* All members are freed by counting. */
static void take_apart(void)
{
    break_up();
    hold(A, 0, NULL);
}
/* The members change places with new objects. */
static void replace_member(void)
{
    hold(A, 0, x);
    struct node *n = make(A, 1);
    put(A, n, 0, x);
    put(A, x, 0, n);
    hold(A, 0, NULL);
    hold(A, 1, NULL);
}

/* ---- every action at every step ---- */

/* Whether the search was long enough for both actions. */
static bool act(enum start start, bool sliced)
{
    x = make_pair(0);
    y = x->f[0];
    if (start == BEHIND_GARBAGE)
        add_garbage();
    assert_true(settle());
    script.deceive = start != PLAIN ? add_inner_reference : NULL;
    search(sliced);
    search_end();
    return script.step > script.at[0] && script.step > script.at[1];
}

static void every_step(action_fn *action)
{
    script.actions[0] = action;
    script.actions[1] = NULL;
    script.at[1] = 0;
    lab_open(0);
    for (enum start start = PLAIN; start < STARTS; start++)
        for (int sliced = 0; sliced < 2; sliced++)
            for (script.at[0] = 0; act(start, sliced); script.at[0]++) {
            }
    assert_true(lab_close());
}

/* The second action at every step from that of the first on. */
static void every_two_steps(action_fn *first, action_fn *second)
{
    script.actions[0] = first;
    script.actions[1] = second;
    lab_open(0);
    for (enum start start = DECEIVED; start < STARTS; start++)
        for (int sliced = 0; sliced < 2; sliced++)
            for (script.at[0] = script.at[1] = 0;; script.at[1] = ++script.at[0]) {
                while (act(start, sliced))
                    script.at[1]++;
                if (script.at[1] == script.at[0])
                    break; /* that was the end of the search */
            }
    assert_true(lab_close());
}

#define EVERY_STEP(action)                                                                                             \
    static void test_##action(void **state)                                                                            \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        every_step(action);                                                                                            \
    }
#define EVERY_TWO_STEPS(first, second)                                                                                 \
    static void test_##first##_##second(void **state)                                                                  \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        every_two_steps(first, second);                                                                                \
    }
EVERY_STEP(move_inside)
EVERY_STEP(move_along)
EVERY_STEP(drop_all)
EVERY_STEP(break_up)
EVERY_STEP(take_apart)
EVERY_STEP(replace_member)
EVERY_TWO_STEPS(add, drop)
EVERY_TWO_STEPS(move_inside, move_out)
EVERY_TWO_STEPS(add, take_apart)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_move_inside),    cmocka_unit_test(test_move_along),
        cmocka_unit_test(test_drop_all),       cmocka_unit_test(test_break_up),
        cmocka_unit_test(test_take_apart),     cmocka_unit_test(test_replace_member),
        cmocka_unit_test(test_add_drop),       cmocka_unit_test(test_move_inside_move_out),
        cmocka_unit_test(test_add_take_apart),
    };
    return LAB_RUN(tests);
}
