/* Wrong variants of pins (docs/design.md, section 7): each is switched on at run time and caught by a scenario that
 * passes without it. A, B and C are mutators; "in e" says which epoch a mutator is in. Addresses reach other mutators
 * by native code: no field, no root slot. */
#include "tests/caught.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])
#define C (&lab.actors[2])

static void job_pin(struct actor *self)
{
    eddy_pin(self->t, self->value);
}
static void job_unpin(struct actor *self)
{
    eddy_unpin(self->t, self->value);
}
static void pin(struct actor *a, void *object)
{
    a->value = object;
    perform(a, job_pin);
}
static void unpin(struct actor *a, void *object)
{
    a->value = object;
    perform(a, job_unpin);
}

/* A has pinned x long ago. B, in e+1, pins it too; then A, still in e, unpins it. */
static enum verdict unpin_in_its_own_epoch(void)
{
    lab_open(2);
    struct node *x = make(A, 0);
    pin(A, x);
    hold(A, 0, NULL);
    SET_UP(settle() && alive(x));
    epoch_begin();
    handshake(B);
    pin(B, x);
    unpin(A, x);
    handshake(A);
    epoch_end();
    MUST(alive(x), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    unpin(B, x);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* I1. A, in e, pins x, which refers to y. B, in e+1, is told of x and loads y; then A clears x's field: if it still takes x
 * for its own, that store is not logged, and nothing counts y in e. */
static enum verdict pin_of_a_private_object(void)
{
    lab_open(2);
    struct node *x = make(A, 0), *y = make(A, 1);
    put(A, x, 0, y);
    hold(A, 1, NULL);
    epoch_begin();
    handshake(B);
    pin(A, x);
    hold(B, 0, x->f[0]);
    put(A, x, 0, NULL);
    handshake(A);
    epoch_end();
    SET_UP(B->roots[0] == y && alive(x));
    MUST(alive(y), FREED_LIVE);
    unpin(A, x);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* B, in e, gives back the pin that A took in e+1, and A, in e+1, the one that C took in e+2: A's two cancel out, but not in
 * the order in which they are applied. */
static enum verdict pins_cancelling_out(void)
{
    lab_open(3);
    struct node *x = make(C, 0);
    put_root(C, 0, x);
    SET_UP(settle());
    epoch_begin();
    handshake(A);
    pin(A, x);
    unpin(B, x);
    handshakes();
    epoch_end();
    epoch_begin();
    handshake(C);
    pin(C, x);
    unpin(A, x);
    handshakes();
    epoch_end();
    hold(C, 0, NULL);
    SET_UP(settle());
    MUST(alive(x), FREED_LIVE);
    MUST(verified(), MISCOUNTED);
    MUST(stats_now().misused_unpins == 0 && stats_now().pinned_objects == 0, LEFT_GARBAGE);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* B pins x and ends at once; A gives the pin back. */
static enum verdict end_forgets_pins(void)
{
    lab_open(2);
    struct node *x = make(B, 0);
    pin(B, x);
    detach(B);
    SET_UP(B->index == EDDY_OK && settle());
    MUST(alive(x), FREED_LIVE);
    MUST(verified(), MISCOUNTED);
    unpin(A, x);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* B pins x and falls asleep, for many epochs. */
static enum verdict sleeper_keeps_its_pins(void)
{
    lab_open(2);
    struct node *x = make(B, 0);
    pin(B, x);
    hold(B, 0, NULL);
    enter(B);
    epochs(4);
    MUST(alive(x), FREED_LIVE);
    unpin(A, x);
    SET_UP(settle());
    MUST(!alive(x), LEFT_GARBAGE); /* whether B wakes or not */
    SET_UP(stats_now().misused_unpins == 0);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(UNPIN_NOW, unpin_in_its_own_epoch, FREED_LIVE)
CAUGHT(PIN_PRIVATE, pin_of_a_private_object, FREED_LIVE)
CAUGHT(PINS_NETTED, pins_cancelling_out, LEFT_GARBAGE)
CAUGHT(PINS_LOST, end_forgets_pins, FREED_LIVE)
CAUGHT(PINS_ASLEEP, sleeper_keeps_its_pins, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpin_in_its_own_epoch), cmocka_unit_test(test_pin_of_a_private_object),
        cmocka_unit_test(test_pins_cancelling_out),    cmocka_unit_test(test_end_forgets_pins),
        cmocka_unit_test(test_sleeper_keeps_its_pins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
