/* Wrong variants of permanent objects and of forking (docs/design.md, section 7): each is switched on at run time and
 * caught by a scenario that passes without it. */
#include "tests/fork_lab.h"

#define A (&lab.actors[0])

static void job_make_permanent(struct actor *self)
{
    self->index = eddy_make_permanent(self->t, self->value);
}

static bool make_permanent(struct actor *a, void *object)
{
    a->value = object;
    perform(a, job_make_permanent);
    return a->index == EDDY_OK && eddy_is_permanent(object);
}

/* References that were counted go, others come that nobody counts. */
static enum verdict count_goes_on(void)
{
    lab_open(1);
    eddy_array *array = make_array(A, 0, 8);
    put_root(A, 0, array);
    struct node *x = make(A, 1);
    put_element(A, array, 0, x);
    SET_UP(settle() && make_permanent(A, x));
    put_root(A, 1, x);
    put_element(A, array, 0, NULL);
    put_root(A, 2, x);
    put_root(A, 2, NULL); /* a dec without its inc */
    hold(A, 1, NULL);
    epochs(4);
    MUST(alive(x), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return PASSED;
}

static enum verdict closure_not_followed(void)
{
    lab_open(1);
    struct node *x = make(A, 0), *y = make(A, 1);
    put(A, x, 0, y);
    put(A, y, 1, x);
    SET_UP(make_permanent(A, x));
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return PASSED;
}

/* What a thread had stored, and nobody has counted yet, is stored in the child, too. */
static enum verdict incs_thrown_away(void)
{
    lab_open(1);
    struct node *x = make(A, 0);
    put(A, x, 0, make(A, 1));
    put_root(A, 0, x);
    enum verdict verdict = fork_lab();
    MUST(verdict == PASSED, verdict);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(PERMANENT_COUNTED, count_goes_on, FREED_LIVE)
CAUGHT(PERMANENT_SHALLOW, closure_not_followed, MISCOUNTED)
CAUGHT(FORK_DROP_INCS, incs_thrown_away, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_goes_on),
        cmocka_unit_test(test_closure_not_followed),
        cmocka_unit_test(test_incs_thrown_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
