/* Searches for cycles, with actions of a mutator between any two of their steps: a step is what the search does
 * between two calls of its hook or, sliced, in one epoch. For builds with test hooks. */
#ifndef EDDY_TESTS_STEPS_H
#define EDDY_TESTS_STEPS_H

#include "tests/lab.h"

#define A (&lab.actors[0])
#define STEPS_MOST 400u /* more than a search takes */

typedef void action_fn(void);

/* What happens in the next search. */
static struct script {
    action_fn *actions[2]; /* may be NULL */
    unsigned at[2];        /* the steps before which they happen */
    unsigned step;         /* steps so far */
    action_fn *deceive;    /* what happens after the counts of the epoch, before the search; may be NULL */
} script;

static inline void take_step(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (script.actions[i] != NULL && script.at[i] == script.step)
            script.actions[i]();
    script.step++;
}

static inline bool steps_each(enum eddy__hook_point point)
{
    if (point == HOOK_STEP_SWEEP && script.deceive != NULL) {
        script.deceive();
        script.deceive = NULL;
    } else if (point == HOOK_SLICE && eddy__slice_steps == 0 && script.deceive == NULL) {
        take_step();
    }
    return true;
}

/* One search, in two epochs or, sliced, one step an epoch; all that is reachable stays alive. */
static inline void search(bool sliced)
{
    uint64_t passes = lab.heap->cycle_passes;
    script.step = 0;
    eddy__slice_steps = sliced;
    lab.each = steps_each;
    want_cycles();
    for (unsigned i = 0; lab.heap->cycle_passes == passes; i++) {
        assert_true(i < STEPS_MOST);
        if (sliced && i != 0)
            take_step();
        epoch_pass();
        assert_true(sound());
    }
    lab.each = NULL;
    eddy__slice_steps = 0;
}

/* What follows a search: the heap comes to rest, is checked, and everything is reclaimed, for another one. */
static inline void search_end(void)
{
    eddy__portion_roots = 0;
    epochs(3);
    assert_true(sound());
    assert_true(settle());
    assert_true(verified());
    assert_true(lab_empty());
}

/* ---- shapes ---- */

static inline void make_candidate(struct node *n)
{
    put_root(A, 3, n); /* one reference less: above zero, and perhaps on a cycle */
    put_root(A, 3, NULL);
}

/* first <-> second: first in a root slot, a candidate root. */
static inline struct node *make_pair(unsigned slot)
{
    struct node *first = make(A, 0), *second = make(A, 1);
    put(A, first, 0, second);
    put(A, second, 0, first);
    put_root(A, slot, first);
    make_candidate(first);
    forget_all(A);
    return first;
}

#endif
