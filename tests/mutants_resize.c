/* The wrong variant of resizing (runtime/resize.c): caught by a scenario that passes without it. */
#include "tests/caught.h"

#define A (&lab.actors[0])

/* An array that is private gets, in its cell, more slots than promotion copies; the last one's object is held by it alone. */
static enum verdict grown_beyond_what_promotion_copies(void)
{
    lab_open(0);
    eddy_array *array = make_array(A, 0, OBJECT_REFS_BOUND);
    size_t room = (eddy_object_size(lab.heap, array) - offsetof(eddy_array, slots)) / sizeof(void *);
    SET_UP(room > OBJECT_REFS_BOUND);
    array = A->roots[0] = eddy_resize(A->t, array, room);
    for (size_t i = 0; i < room; i++)
        put_element(A, array, i, make(A, 1));
    A->roots[1] = A->value = NULL;
    void *last = array->slots[room - 1];
    epochs(3);
    MUST(alive(last), FREED_LIVE);
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(GROW_PRIVATE, grown_beyond_what_promotion_copies, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grown_beyond_what_promotion_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
