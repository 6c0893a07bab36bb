/* Strategies of exploration: who goes on at a scheduling point.
 *
 * Random: a switch at one in `rate` points, to any actor.
 *
 * PCT: the actor of the highest priority goes on; at `rate` points chosen beforehand the running one's becomes the lowest. So a run has
 * so many preemptions at most, besides those by actors of higher priority that can go on again; a bug that needs d ordered
 * steps among n threads and k points is found with probability 1/(n k^(d-1)) at least (Burckhardt, Kothari, Musuvathi and
 * Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
 *
 * Steps: as random, but only between operations and between steps of a search for cycles, so that what the search has read is
 * out of date by an operation or two, again and again.
 *
 * Recorded: the default but for the switches of another run; the default is to go on as long as one can. */
#include "tools/fuzz/sched.h"

/* About as many points as a run has. */
#define POINTS_LEAST 100u
#define POINTS_PER_OPERATION 6u

static unsigned nth_actor(unsigned enabled, unsigned n)
{
    for (unsigned a = 0;; a++)
        if ((enabled & 1u << a) != 0 && n-- == 0)
            return a;
}

unsigned strategy_default(uint32_t point, unsigned current, unsigned enabled)
{
    if ((enabled & 1u << current) != 0)
        return current;
    return nth_actor(enabled, point % (unsigned)__builtin_popcount(enabled));
}

void strategy_begin(struct strategy_state *s, const struct fuzz_case *c)
{
    const struct schedule *schedule = &c->schedule;
    *s = (struct strategy_state){.schedule = schedule, .random = fuzz_mix(schedule->seed ^ 0x5c4ed)};
    for (unsigned a = 0; a < FUZZ_ACTORS; a++) { /* a random permutation */
        unsigned b = fuzz_below(&s->random, a + 1);
        s->priority[a] = s->priority[b];
        s->priority[b] = 100 + (int32_t)a;
    }
    for (unsigned i = 0; i < 16; i++)
        s->changes[i] = UINT32_MAX;
    for (unsigned i = 0; schedule->strategy == STRATEGY_PCT && i < schedule->rate && i < 16; i++) {
        uint32_t point = fuzz_below(&s->random, POINTS_LEAST + POINTS_PER_OPERATION * c->count);
        unsigned at = i;
        for (; at > 0 && s->changes[at - 1] > point; at--)
            s->changes[at] = s->changes[at - 1];
        s->changes[at] = point;
    }
}

static unsigned pick_priority(struct strategy_state *s, uint32_t point, unsigned current, unsigned enabled)
{
    while (s->change < 16 && s->changes[s->change] <= point)
        s->priority[current] = 50 - (int32_t)s->change++;
    /* An actor that polls for another would keep it from running for ever. */
    if (point % 4096 == 4095)
        s->priority[current] = -(int32_t)(point / 4096);
    unsigned best = FUZZ_ACTORS;
    for (unsigned a = 0; a < FUZZ_ACTORS; a++)
        if ((enabled & 1u << a) != 0 && (best == FUZZ_ACTORS || s->priority[a] > s->priority[best]))
            best = a;
    return best;
}

unsigned strategy_pick(struct strategy_state *s, unsigned kind, uint32_t point, unsigned current, unsigned enabled)
{
    const struct schedule *schedule = s->schedule;
    if (schedule->strategy == STRATEGY_STEPS && kind != HOOK_SLICE && kind != POINT_OPERATION)
        return strategy_default(point, current, enabled);
    if (schedule->strategy == STRATEGY_PCT)
        return pick_priority(s, point, current, enabled);
    if ((enabled & 1u << current) != 0 && fuzz_below(&s->random, schedule->rate == 0 ? 1 : schedule->rate) != 0)
        return current;
    return nth_actor(enabled, fuzz_below(&s->random, (uint32_t)__builtin_popcount(enabled)));
}
