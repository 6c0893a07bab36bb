/* Wrong variants of the filter for conservative roots (docs/design.md, sections 7 and 9): each is switched on at run
 * time and caught by a scenario that passes without it. References that must not lie on a scanned stack are made
 * and forgotten in calls far down the stack, below all that is scanned later, and kept elsewhere in disguise. */
#include "tests/caught.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])
#define DISGUISE UINT64_C(0x5a5a5a5a5a5a5a5a)
#define DEEP 16384

static uintptr_t parent, children[FIELDS]; /* in disguise */

static void *revealed(uintptr_t disguised)
{
    return (void *)(disguised ^ DISGUISE);
}

/* Calls `job` with so much of the stack left unused that nothing it leaves there is scanned afterwards. */
static __attribute__((noinline)) void deep_down(struct actor *self, job_fn *job)
{
    volatile char unused[DEEP];
    unused[0] = unused[DEEP - 1] = 0;
    job(self);
    (void)unused[0];
}

static __attribute__((noinline)) void give_children(struct actor *self)
{
    struct node *p = revealed(parent);
    for (unsigned i = 0; i < FIELDS; i++) {
        struct node *child = eddy_alloc(self->t, lab.node);
        child->canary = (uintptr_t)child ^ CANARY;
        children[i] = (uintptr_t)child ^ DISGUISE;
        eddy_store(self->t, p, (void **)&p->f[i], child);
    }
}

static __attribute__((noinline)) void make_family(struct actor *self)
{
    struct node *p = eddy_alloc(self->t, lab.node);
    p->canary = (uintptr_t)p ^ CANARY;
    parent = (uintptr_t)p ^ DISGUISE;
    give_children(self);
}

static void job_make_family(struct actor *self)
{
    deep_down(self, make_family);
}
static void job_give_children(struct actor *self)
{
    deep_down(self, give_children);
}
/* A handshake with the parent's address in a word of the stack, and nowhere else. */
static void job_handshake_with_word(struct actor *self)
{
    volatile uintptr_t word = parent ^ DISGUISE;
    eddy_safepoint(self->t);
    (void)word;
}

static void open_conservative(void)
{
    eddy_config config = lab_config();
    config.flags = EDDY_HEAP_MANUAL;
    lab_open_with(&config, 2);
}

static bool children_alive(void)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (!alive(revealed(children[i])))
            return false;
    return true;
}

/* The parent is private to A, born in e+1. A stale word of B's stack, recorded at B's handshake out of e, happens to be its
 * address. Promoted for that word, it would be counted while A, which takes it for its own, stores without a log. */
static void owner_stores(void)
{
    perform(A, job_give_children);
}

static enum verdict filter_accepts_any_private_word(void)
{
    open_conservative();
    epoch_begin();
    handshake(A);
    parent = (uintptr_t)make(A, 0) ^ DISGUISE;
    A->value = NULL;
    perform(B, job_handshake_with_word);
    at_point(HOOK_COLLECTOR_PROMOTE, 0, owner_stores);
    epoch_end();
    if (lab.act != NULL) { /* the word was refused */
        lab.act = NULL;
        owner_stores();
    }
    epoch_pass();
    SET_UP(alive(revealed(parent)));
    MUST(children_alive(), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* Only a word of B's stack holds the parent. While the collector promotes it for that word, B, in e+1 already,
 * promotes it first: the incs of the children are in B's log, and only a drain after the filter looks at them. */
static void holder_promotes_first(void)
{
    B->roots[0] = revealed(parent);
    put(B, B->roots[0], 1, NULL);
    B->object = NULL;
}

static enum verdict filter_after_the_last_drain(void)
{
    open_conservative();
    perform(B, job_make_family);
    epoch_begin();
    handshake(A);
    perform(B, job_handshake_with_word);
    at_point(HOOK_COLLECTOR_PROMOTE, 0, holder_promotes_first);
    epoch_end();
    SET_UP(lab.act == NULL && alive(revealed(parent)));
    MUST(alive(revealed(children[0])) && alive(revealed(children[2])), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(FILTER_ANY, filter_accepts_any_private_word, FREED_LIVE)
CAUGHT(FILTER_EARLY, filter_after_the_last_drain, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_accepts_any_private_word),
        cmocka_unit_test(test_filter_after_the_last_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
