/* The roots of suspended fibers (runtime/heap/fiber.h): counted in the epoch in which a fiber was left, then carried until
 * it has run again. Also frees the records of dropped fibers. Keeps I5 as for threads: what is uncounted is so in step 2
 * of the epoch at whose end it was no root any more. */
#include "collector/state.h"
#include "runtime/heap/fiber.h"

/* Whether the suspension that has been counted lasted to the end of this epoch. (If the fiber ran for a time, and was taken up
 * once more after that end, the answer is wrong and the roots stay for an epoch longer.) */
static bool still_suspended(const struct collector *c, const struct eddy_fiber *fiber)
{
    uint64_t resumed = EDDY_LOAD_ACQUIRE(&fiber->resumed);
    return resumed <= fiber->counted || resumed > c->epoch;
}

void eddy__fibers_filter(struct collector *c, bool exact)
{
    unsigned parity = c->epoch & 1;
    for (struct eddy_fiber *f = EDDY_LOAD_ACQUIRE(&c->heap->fibers); f != NULL; f = f->next) {
        if (f->suspended[parity] == c->epoch) {
            f->counted = c->epoch;
            if (exact)
                eddy__accept_exact(c, &f->accepted[parity], &f->roots[parity]);
            else
                eddy__accept_words(c, &f->accepted[parity], &f->roots[parity]);
        } else if (exact && f->accepted[parity ^ 1].count != 0 && still_suspended(c, f)) {
            eddy__carry_roots(c, f->accepted);
        }
    }
}

static void forget(struct collector *c, struct eddy_fiber *fiber)
{
    pthread_mutex_lock(&c->heap->registry_lock);
    struct eddy_fiber **link = &c->heap->fibers;
    while (*link != fiber)
        link = &(*link)->next;
    *link = fiber->next;
    pthread_mutex_unlock(&c->heap->registry_lock);
    eddy__fiber_free(c->heap, fiber);
}

void eddy__fibers_uncount(struct collector *c)
{
    for (struct eddy_fiber *f = EDDY_LOAD_ACQUIRE(&c->heap->fibers), *next; f != NULL; f = next) {
        next = f->next;
        eddy__uncount_roots(c, f->accepted, NULL);
        uint64_t dropped = EDDY_LOAD_ACQUIRE(&f->dropped);
        if (dropped != 0 && dropped <= c->epoch && f->accepted[c->epoch & 1].count == 0)
            forget(c, f);
    }
}
