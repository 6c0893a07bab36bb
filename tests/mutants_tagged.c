/* The wrong variant of stores of words (include/eddy/ref.h): caught by a scenario that passes without it. */
#include "tests/caught.h"

#define A (&lab.actors[0])

/* An object is stored into a counted one as a word with a low-bit tag, and is held by nothing else. */
static enum verdict held_by_a_word(void)
{
    lab_open(0);
    static const size_t offsets[] = {0};
    const eddy_encoding encoding = {.test = 1, .value = 1, .address = ~(uintptr_t)15};
    const eddy_type_desc desc = {.size = 8, .ref_offsets = offsets, .ref_count = 1, .encoding = &encoding};
    const eddy_type *type;
    SET_UP(eddy_type_register(lab.heap, &desc, &type) == EDDY_OK);
    uintptr_t *box = A->roots[1] = eddy_alloc(A->t, type);
    epochs(3);
    struct node *n = make(A, 0);
    eddy_store_tagged(A->t, box, box, (uintptr_t)n | 1);
    forget_all(A);
    A->roots[1] = box;
    epochs(2);
    MUST(alive(n), FREED_LIVE);
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(TAGGED_RAW, held_by_a_word, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_by_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
