/* Races of weak loads with death (docs/design.md, section 6): at every point of the collector's epochs while an object or
 * a cycle dies, a mutator loads a weak cell, at once or having seen its word long before. What it gets is alive and stays
 * so; the cells of a cycle are cleared all or none; counts stay exact; and what nobody keeps is reclaimed. */
#include "tests/weak_lab.h"

#define CELLS 3u

static eddy_weak *cells[CELLS];
static unsigned chosen;   /* the cell that is loaded */
static bool in_two_steps; /* seen at the point, the rest after the epoch */

static void load_chosen(void)
{
    if (in_two_steps)
        stop_at(A, HOOK_WEAK_SEEN);
    load_weak(A, 0, cells[chosen]);
}

/* x -> y -> z, all with cells; x alone has a root. */
static void make_chain(void)
{
    struct node *next = NULL;
    for (unsigned i = CELLS; i-- != 0;) {
        struct node *n = make(A, 0);
        put(A, n, 0, next);
        cells[i] = weak_of(A, n);
        hold(A, 1, next = n);
    }
    put_root(A, 0, next);
    forget_all(A);
}

static void make_cycle(void)
{
    make_chain();
    struct node *x = lab.slots[0];
    hold(A, 0, x);
    put(A, x->f[0]->f[0], 1, x);
    put_root(A, 3, x);
    put_root(A, 3, NULL);
    forget_all(A);
}

/* All cells are cleared, or none; whether they are. With `partly`, a chain may have lost its beginning. */
static bool cleared(bool partly)
{
    bool before = load_weak(A, 1, cells[0]) == NULL, first = before;
    for (unsigned i = 1; i < CELLS; i++) {
        bool gone = load_weak(A, 1 + i, cells[i]) == NULL;
        assert_true(partly ? before || !gone : gone == first);
        before = gone;
    }
    return before;
}

struct situation {
    void (*set_up)(void);
    bool cycle;
    bool warm; /* all cells have been loaded in the epoch before */
};

/* The load happens when the collector comes to `point` for the time number `skip`, counted from when the last root
 * goes. False if it does not come there so often. */
static bool load_at(const struct situation *s, enum eddy__hook_point point, unsigned skip)
{
    lab_open(1);
    s->set_up();
    assert_true(settle());
    put_root(A, 0, NULL);
    at_point(point, skip, load_chosen);
    void *found = NULL;
    bool acted = false;
    for (unsigned i = 0; i < 8; i++) {
        if (s->warm && !acted && i < 3) {
            for (unsigned k = 0; k < CELLS; k++)
                load_weak(A, 5, cells[k]);
            hold(A, 5, NULL);
        }
        if (s->cycle)
            want_cycles();
        epoch_begin();
        handshakes();
        epoch_end();
        if (!acted && lab.act == NULL) {
            acted = true;
            if (stopped(A))
                resume(A);
            found = A->roots[0];
        }
        assert_true(sound());
    }
    bool seen = lab.act == NULL;
    lab.act = NULL;
    if (found != NULL) {
        assert_true(alive(found));
        for (unsigned i = chosen; i < CELLS; i++) /* and all that it leads to */
            assert_non_null(load_weak(A, 1, cells[i]));
        if (s->cycle)
            assert_false(cleared(false));
        forget_all(A);
    } else if (s->cycle) {
        cleared(false);
    } else {
        cleared(true);
    }
    forget_all(A);
    assert_true(verified());
    assert_true(collect_all());
    assert_int_equal(live_objects(), 0);
    assert_true(cleared(false));
    for (unsigned i = 0; i < CELLS; i++)
        drop_weak(A, cells[i]);
    assert_true(lab_close());
    return seen;
}

static void at_every_point(const struct situation *s)
{
    const enum eddy__hook_point points[] = {HOOK_STEP_INCS, HOOK_STEP_DRAIN, HOOK_STEP_DECS,     HOOK_WEAK_DECIDE,
                                            HOOK_WEAK_MOVE, HOOK_STEP_SWEEP, HOOK_CYCLE_PREPARED};
    for (int two = 0; two < 2; two++)
        for (chosen = 0; chosen < CELLS; chosen++)
            for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
                in_two_steps = two != 0;
                for (unsigned skip = 0; skip < 20 && load_at(s, points[i], skip); skip++) {
                }
            }
}

static void test_a_chain(void **state)
{
    (void)state;
    at_every_point(&(struct situation){make_chain, false, false});
}
static void test_a_chain_that_is_loaded(void **state)
{
    (void)state;
    at_every_point(&(struct situation){make_chain, false, true});
}
static void test_a_cycle(void **state)
{
    (void)state;
    at_every_point(&(struct situation){make_cycle, true, false});
}
static void test_a_cycle_that_is_loaded(void **state)
{
    (void)state;
    at_every_point(&(struct situation){make_cycle, true, true});
}

/* ---- the PENDING window of a cycle, from outside ---- */

/* The cells were loaded when the tests came: the candidate waits for an epoch, in which B, who holds nothing of it, finds a
 * cell. */
static void test_rescue_while_a_candidate_waits(void **state)
{
    (void)state;
    for (unsigned k = 0; k <= CELLS; k++) {
        lab_open(2);
        make_cycle();
        assert_true(settle());
        put_root(A, 0, NULL);
        epochs(2);
        want_cycles();
        epoch_pass(); /* prepared */
        chosen = 1;
        in_two_steps = false;
        at_point(HOOK_STEP_DECS, 0, load_chosen);
        epoch_pass(); /* put off: a cell is LIVE, but no inc has been seen yet */
        assert_int_equal(lab.heap->collector->cycles.phase, CYCLE_ARMED);
        assert_int_equal(live_objects(), CELLS);
        forget_all(A);
        if (k < CELLS)
            assert_non_null(load_weak(B, 0, cells[k]));
        epochs(2);
        if (k < CELLS) {
            assert_int_equal(live_objects(), CELLS);
            for (unsigned i = 0; i < CELLS; i++)
                assert_non_null(load_weak(B, 1, cells[i]));
            assert_true(sound());
        }
        forget_all(B);
        assert_true(collect_all());
        assert_int_equal(live_objects(), 0);
        for (unsigned i = 0; i < CELLS; i++) {
            assert_null(load_weak(A, 0, cells[i]));
            drop_weak(A, cells[i]);
        }
        assert_true(lab_close());
    }
}

/* A has read PENDING and B makes the cell LIVE; or the other way round; both get the object. */
static void test_two_rescuers(void **state)
{
    (void)state;
    lab_open(2);
    make_chain();
    assert_true(settle());
    stop_at(A, HOOK_WEAK_SEEN);
    load_weak(A, 0, cells[0]);
    assert_non_null(load_weak(B, 0, cells[0]));
    resume(A);
    assert_non_null(A->value);
    stop_at(A, HOOK_WEAK_RESCUED);
    load_weak(A, 0, cells[1]);
    assert_non_null(load_weak(B, 1, cells[1]));
    resume(A);
    assert_non_null(A->value);
    put_root(A, 0, NULL);
    forget_all(A);
    epochs(4);
    assert_int_equal(live_objects(), CELLS);
    for (unsigned i = 0; i < CELLS; i++)
        drop_weak(A, cells[i]);
    assert_true(lab_close());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain),
        cmocka_unit_test(test_a_chain_that_is_loaded),
        cmocka_unit_test(test_a_cycle),
        cmocka_unit_test(test_a_cycle_that_is_loaded),
        cmocka_unit_test(test_rescue_while_a_candidate_waits),
        cmocka_unit_test(test_two_rescuers),
    };
    return LAB_RUN(tests);
}
