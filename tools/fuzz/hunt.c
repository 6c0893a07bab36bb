/* The command mutants: for each deliberate bug, how many schedules and seconds it takes until it is found; the median
 * over several seeds. The list is in runtime/heap/mutants.h. Not in it, because no run can tell them from the design:
 *  - members of a candidate that failed are not made candidate roots again: whatever makes one garbage later is a
 *    decrement of a member, which makes a candidate root by itself;
 *  - a candidate with a member that was freed stays valid: as long as it is valid its inner references stand, so that
 *    no member's count reaches zero;
 *  - a leaf that is published with its container stays private-current: it has no fields to store into, and the
 *    collector promotes it at its first increment;
 *  - a counted store pushes its inc after the exchange: its thread cannot leave the epoch in between, and a dec that
 *    another thread logs meanwhile is applied after all incs of that epoch. */
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
    bool free_running;
};

static void work(void *context)
{
    const struct hunt *h = context;
    struct fuzz_case c;
    double end = fuzz_clock() + h->seconds;
    eddy__mutant = (int)h->mutant;
    fuzz_shared->free_running = h->free_running;
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
        shared[i]->runs = 0;
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
        found.schedules += shared[i]->runs;
    return found;
}

static int by_seconds(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

/* The median; PASSED when less than half of the hunts have found it. */
static struct found hunt_mutant(const struct options *o, unsigned mutant)
{
    static struct found all[99];
    for (unsigned i = 0; i < o->seeds; i++) {
        all[i] = hunt_once(o, mutant, o->seed + i * UINT64_C(1000003));
        if (all[i].outcome == OUTCOME_PASSED)
            all[i].seconds = 1e9;
    }
    qsort(all, o->seeds, sizeof all[0], by_seconds);
    return all[o->seeds / 2];
}

int command_mutants(const struct options *o)
{
    unsigned missed = 0, first = o->mutant != 0 ? o->mutant : 1, last = o->mutant != 0 ? o->mutant + 1u : MUTANT_COUNT;
    json_t *root = json_object();
    printf("%-27s %9s %10s  %s\n", "mutant", "seconds", "schedules", "how it is found");
    for (unsigned mutant = first; mutant < last; mutant++) {
        struct found found = hunt_mutant(o, mutant);
        bool caught = found.outcome != OUTCOME_PASSED;
        missed += !caught;
        if (caught)
            printf("%-27s %9.2f %10" PRIu64 "  %s: %.60s\n", mutant_name(mutant), found.seconds, found.schedules,
                   fuzz_outcome_text(found.outcome), found.message);
        else
            printf("%-27s %9s %10" PRIu64 "  NOT FOUND: %s\n", mutant_name(mutant), "-", found.schedules, mutant_text(mutant));
        fflush(stdout);
        json_object_set_new(root, mutant_name(mutant),
                            json_pack("{s:b,s:f,s:I,s:s}", "found", caught, "seconds", caught ? found.seconds : o->seconds,
                                      "schedules", (json_int_t)found.schedules, "outcome", fuzz_outcome_text(found.outcome)));
    }
    if (o->json != NULL && json_dump_file(root, o->json, JSON_INDENT(2)) != 0)
        fprintf(stderr, "eddy-fuzz: cannot write %s\n", o->json);
    json_decref(root);
    printf("%u of %u found (median of %u seeds, at most %.0f s each)\n", last - first - missed, last - first, o->seeds, o->seconds);
    return missed != 0;
}
