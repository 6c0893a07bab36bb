/* Wrong variants of fibers (include/eddy/fiber.h, docs/design.md, section 7): each is switched on at run time and caught
 * by a scenario that passes without it. With precise roots a fiber is its frames: no stack is switched. "In e" says which
 * epoch a thread is in while the collector waits for the handshakes out of e, or processes e. */
#include "tests/caught.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])

static eddy_fiber *fiber;
static eddy_frame frame; /* the fiber's */
static void *slots[1];

static void job_create(struct actor *self)
{
    slots[0] = NULL;
    self->index = eddy_fiber_create(self->t, NULL, 0, &fiber);
}
static void job_push(struct actor *self)
{
    eddy_frame_push(self->t, &frame, slots, 1);
}
static void job_resume(struct actor *self)
{
    self->index = eddy_fiber_switch(self->t, fiber);
}
static void job_suspend(struct actor *self)
{
    self->index = eddy_fiber_switch(self->t, NULL);
}
static void job_offer(struct actor *self)
{
    self->index = eddy_fiber_offer(self->t, fiber);
}
static void job_drop(struct actor *self)
{
    self->index = eddy_fiber_drop(self->t, fiber);
}

static bool done(struct actor *a, job_fn *job)
{
    perform(a, job);
    return a->index == EDDY_OK;
}

/* Everything is dropped, the fiber too, and all is reclaimed. */
static enum verdict closed(void)
{
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    SET_UP(done(A, job_drop));
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* What only a suspended fiber's frame holds. */
static enum verdict held_by_a_suspended_fiber(void)
{
    lab_open(2);
    SET_UP(done(A, job_create) && done(A, job_resume));
    perform(A, job_push);
    slots[0] = make(A, 0);
    forget_all(A);
    SET_UP(done(A, job_suspend));
    epochs(3);
    MUST(alive(slots[0]), FREED_LIVE);
    return closed();
}

/* A leaves the fiber in e. B, in e+1, takes it up before epoch e is processed: at the end of e nobody but the fiber held it. */
static enum verdict taken_up_in_the_next_epoch(void)
{
    lab_open(2);
    SET_UP(done(A, job_create) && done(A, job_resume));
    perform(A, job_push);
    struct node *n = slots[0] = make(A, 0);
    forget_all(A);
    SET_UP(done(A, job_suspend) && done(A, job_offer));
    epoch_begin();
    handshake(A);
    handshake(B);
    SET_UP(done(B, job_resume));
    epoch_end();
    MUST(alive(n), FREED_LIVE);
    SET_UP(done(B, job_suspend) && done(B, job_offer));
    return closed();
}

/* The same; but A is in e still, and after B, in e+1, has taken what the fiber held, A takes it up again and leaves it once more:
 * what it held at first is a root of e all the same. */
static enum verdict taken_back_by_a_thread_behind(void)
{
    lab_open(2);
    SET_UP(done(A, job_create) && done(A, job_resume));
    perform(A, job_push);
    struct node *n = slots[0] = make(A, 0);
    forget_all(A);
    SET_UP(done(A, job_suspend) && done(A, job_offer));
    epoch_begin();
    handshake(B);
    SET_UP(done(B, job_resume));
    hold(B, 0, n); /* below the fiber's stack: B's own, which is suspended; it is looked at when it runs again */
    slots[0] = NULL;
    SET_UP(done(B, job_suspend) && done(B, job_offer));
    SET_UP(done(A, job_resume) && done(A, job_suspend));
    if (behind(A))
        handshake(A);
    epoch_end();
    MUST(alive(n), FREED_LIVE);
    return closed();
}

/* A's new object goes with the fiber to B, which stores it into a root slot. While the collector promotes it, A, which holds it, too,
 * stores into it. */
static struct node *shared, *stored;

static void owner_stores(void)
{
    stored = make(A, 1);
    put(A, shared, 0, stored);
    A->roots[1] = NULL;
}

static enum verdict offered_with_objects_of_its_owner(void)
{
    lab_open(2);
    SET_UP(done(A, job_create) && done(A, job_resume));
    perform(A, job_push);
    epoch_begin();
    handshake(A);
    handshake(B);
    shared = slots[0] = make(A, 0); /* the handle stays, in the stack that A began on */
    SET_UP(done(A, job_suspend) && done(A, job_offer) && done(B, job_resume));
    put_root(B, 0, shared);
    at_point(HOOK_COLLECTOR_PROMOTE, 0, owner_stores);
    epoch_end();
    if (lab.act != NULL) {
        lab.act = NULL;
        owner_stores();
    }
    SET_UP(done(B, job_suspend) && done(B, job_offer));
    epochs(2);
    MUST(alive(stored), FREED_LIVE);
    return closed();
}

CAUGHT(FIBER_BLIND, held_by_a_suspended_fiber, FREED_LIVE)
CAUGHT(RESUME_CANCELS, taken_up_in_the_next_epoch, FREED_LIVE)
CAUGHT(RESUME_BEHIND, taken_back_by_a_thread_behind, FREED_LIVE)
CAUGHT(OFFER_CURRENT, offered_with_objects_of_its_owner, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_by_a_suspended_fiber),
        cmocka_unit_test(test_taken_up_in_the_next_epoch),
        cmocka_unit_test(test_taken_back_by_a_thread_behind),
        cmocka_unit_test(test_offered_with_objects_of_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
