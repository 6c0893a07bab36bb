/* Wrong variants of the watermark of frames (docs/design.md, section 7): each is switched on at run time and caught by a
 * scenario that passes without it. */
#include "tests/caught.h"

#define A (&lab.actors[0])

static struct call {
    eddy_frame frame;
    void *slots[1];
} calls[3];

static void push(unsigned i)
{
    calls[i].slots[0] = NULL;
    eddy_frame_push(A->t, &calls[i].frame, calls[i].slots, 1);
}

static void pop(unsigned i)
{
    eddy_frame_pop(A->t, &calls[i].frame);
}

static struct node *made(void)
{
    struct node *n = make(A, 0);
    A->roots[0] = NULL;
    return n;
}

static enum verdict held_to_the_end(void)
{
    epochs(3);
    MUST(alive(calls[0].slots[0]), FREED_LIVE);
    MUST(verified(), MISCOUNTED);
    for (unsigned i = 3; i-- > 0;)
        pop(i);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A return uncovers a frame, which is written to before the next call. */
static enum verdict written_after_a_return(void)
{
    lab_open(0);
    push(0);
    push(1);
    epoch_pass();
    pop(1);
    calls[0].slots[0] = made();
    push(1);
    push(2);
    return held_to_the_end();
}

static enum verdict set_while_covered(void)
{
    lab_open(0);
    for (unsigned i = 0; i < 3; i++)
        push(i);
    epoch_pass();
    eddy_frame_set(A->t, &calls[0].frame, 0, made());
    return held_to_the_end();
}

/* What a frame holds has been the top frame's since, and is an older frame's again: its count is replaced by another. */
static enum verdict recorded_again(void)
{
    lab_open(0);
    push(0);
    struct node *parent = calls[0].slots[0] = made(), *child = made();
    put(A, parent, 0, child);
    push(1);
    epoch_pass();
    SET_UP(alive(parent) && alive(child));
    pop(1);
    push(1);
    push(2);
    epochs(2);
    MUST(alive(child), FREED_LIVE);
    return held_to_the_end();
}

#ifdef EDDY_DEBUG
#define SEEN MISUSE /* the frame looks as if it had been written to behind the heap's back */
#else
#define SEEN FREED_LIVE
#endif

CAUGHT(HIGH_WATERMARK, written_after_a_return, SEEN)
CAUGHT(SET_HIGH, set_while_covered, SEEN)
CAUGHT(STABLE_NOW, recorded_again, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_after_a_return),
        cmocka_unit_test(test_set_while_covered),
        cmocka_unit_test(test_recorded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
