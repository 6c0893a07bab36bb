/* The command mutants: for each deliberate bug, how many schedules and seconds it takes until it is found; the median
 * over several seeds. The list is in runtime/heap/mutants.h. Not in it, because no run can tell them from the design:
 *  - members of a candidate that failed are not made candidate roots again: whatever makes one garbage later is a
 *    decrement of a member, which makes a candidate root by itself;
 *  - a candidate with a member that was freed stays valid: as long as it is valid its inner references stand, so that
 *    no member's count reaches zero;
 *  - a leaf that is published with its container stays private-current: it has no fields to store into, and the
 *    collector promotes it at its first increment;
 *  - a counted store pushes its inc after the exchange: its thread cannot leave the epoch in between, and a dec that
 *    another thread logs meanwhile is applied after all incs of that epoch;
 *  - the collector publishes an epoch, or a thread enters native state, with less than a sequentially consistent store: each may
 *    then fail to see the other, and the rendezvous, which waits a bounded time before it looks again, takes longer.
 *
 * Weakened orders (LATE_…, EARLY_…) are stores that the scheduler keeps in a store buffer (buffers.c), so that they are found on any
 * machine. In the free-running mode they are relaxed stores: LATE_ENTRY, LATE_HANDOVER and EARLY_ZERO are also what ThreadSanitizer reports
 * then. Weakened loads are not simulated: a load that is too early looks like the other side's store that is too late. */
#include "tools/fuzz/options.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hunt {
    unsigned mutant;
    uint64_t seed, step;
    double seconds;
};

static void work(void *context)
{
    const struct hunt *h = context;
    struct fuzz_case c;
    double end = fuzz_clock() + h->seconds;
    eddy__mutant = (int)h->mutant;
    fuzz_shared->free_running = false;
    for (uint64_t seed = h->seed; fuzz_clock() < end; seed += h->step) {
        fuzz_shared->seed = seed;
        fuzz_generate(&c, seed);
        fuzz_run(&c);
    }
}

struct found {
    double seconds;
    uint64_t schedules;
    enum outcome outcome;
    char message[400];
};

#define WORKERS_MOST 16

/* One hunt with all workers; outcome PASSED: not found in time. */
static struct found hunt_once(const struct options *o, unsigned mutant, uint64_t seed)
{
    static struct shared *shared[WORKERS_MOST];
    struct hunt hunts[WORKERS_MOST];
    pid_t children[WORKERS_MOST];
    unsigned count = o->workers < WORKERS_MOST ? o->workers : WORKERS_MOST, left = count;
    unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    struct found found = {.outcome = OUTCOME_PASSED};
    double begun = fuzz_clock();
    for (unsigned i = 0; i < count; i++) {
        if (shared[i] == NULL)
            shared[i] = fuzz_shared_new();
        shared[i]->scheduled.runs = 0;
        hunts[i] = (struct hunt){.mutant = mutant, .seed = seed + i, .step = count, .seconds = o->seconds};
        children[i] = fuzz_fork(shared[i], work, &hunts[i], (int)(i % cpus), (unsigned)o->seconds + 60);
    }
    while (left != 0) {
        for (unsigned i = 0; i < count; i++) {
            enum outcome outcome;
            if (children[i] == 0 || !fuzz_poll(shared[i], children[i], &outcome))
                continue;
            children[i] = 0;
            left--;
            if (outcome == OUTCOME_PASSED || found.outcome != OUTCOME_PASSED)
                continue;
            found.outcome = outcome;
            found.seconds = fuzz_clock() - begun;
            memcpy(found.message, shared[i]->message, sizeof found.message);
            for (unsigned k = 0; k < count; k++)
                if (children[k] != 0)
                    kill(children[k], SIGKILL);
        }
        usleep(2000);
    }
    for (unsigned i = 0; i < count; i++)
        found.schedules += shared[i]->scheduled.runs;
    found.schedules += found.outcome != OUTCOME_PASSED; /* the one that failed */
    return found;
}

static int by_seconds(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

#define SEEDS_MOST 99
#define NEVER 1e9

/* One hunt for each seed, in `all`; how many. No more than are needed to know that the median is none. */
static unsigned hunt_mutant(const struct options *o, unsigned mutant, struct found *all)
{
    unsigned missed = 0, i = 0;
    for (; i < o->seeds && missed <= o->seeds / 2; i++) {
        all[i] = hunt_once(o, mutant, o->seed + i * UINT64_C(1000003));
        if (all[i].outcome == OUTCOME_PASSED) {
            all[i].seconds = NEVER;
            missed++;
        }
    }
    return i;
}

/* The median of all seeds, of which those that were left out are misses; not found: PASSED. */
static struct found median_of(const struct options *o, const struct found *all, unsigned count)
{
    struct found sorted[SEEDS_MOST];
    memcpy(sorted, all, count * sizeof all[0]);
    qsort(sorted, count, sizeof sorted[0], by_seconds);
    unsigned middle = o->seeds / 2;
    return sorted[middle < count ? middle : count - 1];
}

static void print_line(unsigned mutant, const struct found *all, unsigned count, const struct found *median)
{
    if (median->outcome != OUTCOME_PASSED)
        printf("%-27s %8.2f %9" PRIu64 "  [", mutant_name(mutant), median->seconds, median->schedules);
    else
        printf("%-27s %8s %9s  [", mutant_name(mutant), "-", "-");
    for (unsigned i = 0; i < count; i++)
        if (all[i].outcome != OUTCOME_PASSED)
            printf("%s%.2f/%" PRIu64, i == 0 ? "" : " ", all[i].seconds, all[i].schedules);
        else
            printf("%s-/%" PRIu64, i == 0 ? "" : " ", all[i].schedules);
    if (median->outcome != OUTCOME_PASSED)
        printf("]  %s: %.60s\n", fuzz_outcome_text(median->outcome), median->message);
    else
        printf("]  NOT FOUND: %s\n", mutant_text(mutant));
    fflush(stdout);
}

static json_t *json_of(const struct options *o, unsigned mutant, const struct found *all, unsigned count,
                       const struct found *median)
{
    json_t *seeds = json_array();
    for (unsigned i = 0; i < count; i++) {
        bool caught = all[i].outcome != OUTCOME_PASSED;
        uint64_t seed = o->seed + i * UINT64_C(1000003);
        json_array_append_new(seeds, json_pack("{s:I,s:b,s:f,s:I,s:s}", "seed", (json_int_t)seed, "found", caught,
                                               "seconds", caught ? all[i].seconds : o->seconds, "schedules",
                                               (json_int_t)all[i].schedules, "outcome", fuzz_outcome_text(all[i].outcome)));
    }
    bool caught = median->outcome != OUTCOME_PASSED;
    return json_pack("{s:s,s:b,s:f,s:I,s:s,s:o}", "what", mutant_text(mutant), "found", caught, "seconds",
                     caught ? median->seconds : o->seconds, "schedules", (json_int_t)median->schedules, "outcome",
                     fuzz_outcome_text(median->outcome), "seeds", seeds);
}

int command_mutants(const struct options *o)
{
    static struct found all[SEEDS_MOST];
    unsigned missed = 0, first = o->mutant != 0 ? o->mutant : 1,
             last = o->mutant != 0 ? o->mutant + 1u : EDDY_MUTANTS_FUZZED + 1u;
    json_t *mutants = json_object();
    printf("%u workers, %u seeds from %" PRIu64
           ", at most %.0f s each; seconds and schedules until found, their median first\n",
           o->workers, o->seeds, o->seed, o->seconds);
    printf("%-27s %8s %9s  [%s]  %s\n", "mutant", "seconds", "schedules", "each seed", "how it is found");
    for (unsigned mutant = first; mutant < last; mutant++) {
        unsigned count = hunt_mutant(o, mutant, all);
        struct found median = median_of(o, all, count);
        missed += median.outcome == OUTCOME_PASSED;
        print_line(mutant, all, count, &median);
        json_object_set_new(mutants, mutant_name(mutant), json_of(o, mutant, all, count, &median));
    }
    printf("%u of %u found (median of %u seeds within %.0f s)\n", last - first - missed, last - first, o->seeds,
           o->seconds);
    json_t *root = json_pack("{s:I,s:I,s:f,s:I,s:I,s:o}", "workers", (json_int_t)o->workers, "seeds", (json_int_t)o->seeds,
                             "seconds_at_most", o->seconds, "mutants_found", (json_int_t)(last - first - missed),
                             "mutants_all", (json_int_t)(last - first), "mutants", mutants);
    bool written = o->json == NULL || (root != NULL && json_dump_file(root, o->json, JSON_INDENT(2)) == 0);
    if (!written)
        fprintf(stderr, "eddy-fuzz: cannot write %s\n", o->json);
    json_decref(root);
    return missed != 0 ? 1 : written ? 0 : 2;
}
