/* No candidate root is lost: an object whose last reference from outside goes away while a search for cycles is
 * under way may be looked at by that search too early or too late to be found, and must then be a candidate of the
 * next one. Each at every step of the search, with the roots taken in portions of different sizes. */
#include "tests/steps.h"

/* x <-> y, x in root slot 0; x refers to m, too, which refers to nothing and is a candidate root, as are others. */
static struct node *x, *m;

/* m, of which the search may have seen everything, refers to x; then only m and y do. */
static void close_another_cycle(void)
{
    put(A, m, 0, x);
    put_root(A, 0, NULL);
}

/* `order`: which of x, y and m become candidates, and in which order. */
static bool act(const char *order, bool sliced, uint32_t portion)
{
    x = make(A, 0);
    struct node *y = make(A, 1);
    m = make(A, 2);
    put(A, x, 0, m);
    put(A, x, 1, y);
    put(A, y, 0, x);
    put_root(A, 0, x);
    forget_all(A);
    assert_true(settle());
    for (const char *p = order; *p != 0; p++) {
        make_candidate(*p == 'x' ? x : *p == 'y' ? y : m);
        assert_true(settle());
    }
    eddy__portion_roots = portion;
    search(sliced);
    search_end();
    return script.step > script.at[0];
}

static void test_close_another_cycle(void **state)
{
    (void)state;
    static const char *const orders[] = {"m", "my", "ym", "mx", "xm", "mxy", "xmy", "xym", "yxm", "ymx", "myx"};
    script.actions[0] = close_another_cycle;
    lab_open(0);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        for (uint32_t portion = 0; portion < 4; portion++)
            for (int sliced = 0; sliced < 2; sliced++)
                for (script.at[0] = 0; act(orders[i], sliced, portion); script.at[0]++) {
                }
    assert_true(lab_close());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_another_cycle),
    };
    return LAB_RUN(tests);
}
