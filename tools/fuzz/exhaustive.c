/* The command exhaustive: all schedules of a small program with at most so many switches that nothing forces
 * (preemption bounding: Musuvathi and Qadeer, "Iterative Context Bounding for Systematic Testing of Multithreaded
 * Programs", PLDI 2007). A schedule is its list of switches; each run says where another one would have been
 * possible, later than its last switch. */
#include "tools/fuzz/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct exploration {
    struct fuzz_case c;
    unsigned bound;
    double end;
    bool complete;
};

static void explore(struct exploration *x, uint32_t from)
{
    struct schedule *plan = &x->c.schedule;
    fuzz_run(&x->c);
    if (fuzz_clock() >= x->end) {
        x->complete = false;
        return;
    }
    uint32_t points = fuzz_shared->last_points < FUZZ_POINTS ? fuzz_shared->last_points : FUZZ_POINTS;
    if (plan->switch_count == x->bound || points <= from)
        return;
    size_t bytes = points - from;
    uint8_t *enabled = malloc(2 * bytes), *usual = enabled + bytes;
    if (enabled == NULL)
        fuzz_fail(OUTCOME_WRONG, "no memory");
    memcpy(enabled, fuzz_shared->enabled + from, bytes);
    memcpy(usual, fuzz_shared->usual + from, bytes);
    for (uint32_t at = 0; at < bytes && x->complete; at++)
        for (uint8_t actor = 0; actor < FUZZ_ACTORS && x->complete; actor++) {
            if ((enabled[at] & 1u << actor) == 0 || actor == usual[at])
                continue;
            plan->switches[plan->switch_count++] = (struct fuzz_switch){from + at, actor};
            explore(x, from + at + 1);
            plan->switch_count--;
        }
    free(enabled);
}

static void work(void *context)
{
    struct exploration *x = context;
    x->complete = true;
    explore(x, 1);
    if (!x->complete)
        snprintf(fuzz_shared->message, sizeof fuzz_shared->message, "not all: the time was up");
}

int command_exhaustive(const struct options *o)
{
    static struct exploration x;
    static struct failure f;
    struct shared *shared = fuzz_shared_new();
    if (!failure_load(&f, o->file))
        return 2;
    x = (struct exploration){.c = f.c, .bound = o->bound, .end = fuzz_clock() + o->seconds};
    eddy__mutant = (int)(o->mutant_given ? o->mutant : f.mutant);
    x.c.schedule.strategy = STRATEGY_SWITCHES;
    x.c.schedule.switch_count = 0;
    enum outcome outcome = fuzz_await(shared, fuzz_fork(shared, work, &x, 0, (unsigned)o->seconds + 60));
    printf("%" PRIu64 " schedules with at most %u preemptions; %s%s%s\n", shared->scheduled.runs, o->bound,
           fuzz_outcome_text(outcome), shared->message[0] != 0 ? ": " : "", shared->message);
    if (outcome == OUTCOME_PASSED)
        return 0;
    failure_take(&f, shared, outcome);
    f.mutant = (unsigned)eddy__mutant;
    if (failure_save(&f, o->output))
        printf("written to %s\n", o->output);
    return 1;
}
