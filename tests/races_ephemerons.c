/* An ephemeron is dropped, changed or read at every step of a search for cycles that comes upon its key and its value, which
 * refers to the key: nothing reachable is freed, counts stay exact, and everything is reclaimed in the end. */
#include "tests/steps.h"
#include "tests/weak_lab.h"

static eddy_ephemeron *ephemeron;
static bool dropped;

/* key -> (hidden) value -> key; the key in root slot 0, a candidate root. */
static void make_keyed(bool rooted)
{
    struct node *key = make(A, 0), *value = make(A, 1);
    put(A, value, 0, key);
    ephemeron = ephemeron_of(A, key, value);
    dropped = false;
    put_root(A, 0, key);
    make_candidate(key);
    forget_all(A);
    assert_true(settle());
    if (!rooted) {
        put_root(A, 0, NULL);
        epochs(2);
    }
}

static void drop_it(void)
{
    if (!dropped)
        drop_ephemeron(A, ephemeron);
    dropped = true;
}
static void get_it(void)
{
    if (!dropped)
        get_ephemeron(A, 0, ephemeron);
}
static void forget_it(void)
{
    hold(A, 0, NULL);
}
static void job_set(struct actor *self)
{
    eddy_ephemeron_set(self->t, ephemeron, self->value);
}
static void change_it(void)
{
    A->value = NULL;
    if (!dropped)
        perform(A, job_set);
}
static void drop_root(void)
{
    put_root(A, 0, NULL);
}

static bool act(bool rooted, bool sliced)
{
    make_keyed(rooted);
    script.deceive = NULL;
    search(sliced);
    drop_it();
    search_end();
    return script.step > script.at[0] && script.step > script.at[1];
}

/* The second action at every step from that of the first on. */
static void every_two_steps(action_fn *first, action_fn *second)
{
    script.actions[0] = first;
    script.actions[1] = second;
    lab_open(0);
    for (int rooted = 0; rooted < 2; rooted++)
        for (int sliced = 0; sliced < 2; sliced++)
            for (script.at[0] = script.at[1] = 0;; script.at[1] = ++script.at[0]) {
                while (act(rooted != 0, sliced != 0))
                    script.at[1]++;
                if (script.at[1] == script.at[0])
                    break;
            }
    assert_true(lab_close());
}

#define EVERY_TWO_STEPS(first, second)                                                                                 \
    static void test_##first##_##second(void **state)                                                                  \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        every_two_steps(first, second);                                                                                \
    }
EVERY_TWO_STEPS(drop_it, drop_root)
EVERY_TWO_STEPS(drop_root, drop_it)
EVERY_TWO_STEPS(get_it, drop_it)
EVERY_TWO_STEPS(get_it, forget_it)
EVERY_TWO_STEPS(change_it, drop_root)
EVERY_TWO_STEPS(drop_root, get_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop_it_drop_root),   cmocka_unit_test(test_drop_root_drop_it),
        cmocka_unit_test(test_get_it_drop_it),      cmocka_unit_test(test_get_it_forget_it),
        cmocka_unit_test(test_change_it_drop_root), cmocka_unit_test(test_drop_root_get_it),
    };
    return LAB_RUN(tests);
}
