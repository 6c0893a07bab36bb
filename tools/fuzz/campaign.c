/* The command run: worker processes, each of which runs cases (or the free-running mode) with seeds of its own; a live
 * line; what was found goes to a file. */
#include "tools/fuzz/options.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS_MOST 64
#define CASE_SECONDS 60u   /* without progress */
#define FREE_SECONDS 6.0
#define FREE_ONE_IN 3u     /* of the rounds, in mode both */
#define ROUND_SECONDS 4.0

struct worker {
    struct shared *shared;
    pid_t child;
    uint64_t seed, step;
    double seconds;
    bool free_running;
    unsigned cpu, threads;
    uint64_t schedules;
};

static volatile sig_atomic_t interrupted;
static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void work(void *context)
{
    const struct worker *w = context;
    double end = fuzz_clock() + w->seconds;
    struct fuzz_case c;
    fuzz_shared->free_running = w->free_running;
    fuzz_shared->seed = w->seed;
    if (w->free_running) {
        free_run(w->seed, w->step, w->seconds, w->threads);
        return;
    }
    for (uint64_t i = 0; fuzz_clock() < end && (w->schedules == 0 || i < w->schedules); i++) {
        alarm(CASE_SECONDS);
        fuzz_shared->seed = w->seed + i * w->step;
        fuzz_generate(&c, fuzz_shared->seed);
        fuzz_run(&c);
    }
}

struct totals {
    uint64_t runs, operations, points, epochs, objects, cycles;
    unsigned covered;
    uint64_t coverage[HOOK_COUNT];
};

static struct totals sum_up(const struct worker *workers, unsigned count)
{
    struct totals t = {0};
    for (unsigned i = 0; i < count; i++) {
        const struct shared *s = workers[i].shared;
        t.runs += s->runs;
        t.operations += s->operations;
        t.points += s->points;
        t.epochs += s->epochs;
        t.objects += s->objects;
        t.cycles += s->cycles;
        for (unsigned p = 0; p < HOOK_COUNT; p++)
            t.coverage[p] += s->coverage[p];
    }
    for (unsigned p = 0; p < HOOK_COUNT; p++)
        t.covered += t.coverage[p] != 0;
    return t;
}

static void live_line(const struct totals *t, double elapsed, uint64_t last, double since)
{
    fprintf(stderr, "\r%5.0f s  %8.0f operations/s  %" PRIu64 " schedules  %" PRIu64 " epochs  %" PRIu64 " objects  %" PRIu64
                    " cycles  hooks %u/%u   ",
            elapsed, since > 0 ? (double)(t->operations - last) / since : 0, t->runs, t->epochs, t->objects, t->cycles,
            t->covered, HOOK_COUNT);
}

static bool write_json(const char *path, const struct totals *t, double elapsed, const struct failure *f)
{
    json_t *hooks = json_object();
#define POINT(name, text) json_object_set_new(hooks, #name, json_integer((json_int_t)t->coverage[HOOK_##name]));
    EDDY_HOOK_POINTS(POINT)
#undef POINT
    json_t *root = json_pack("{s:f,s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:o,s:s,s:s}", "seconds", elapsed, "schedules",
                             (json_int_t)t->runs, "operations", (json_int_t)t->operations, "operations_per_s",
                             (double)t->operations / elapsed, "points", (json_int_t)t->points, "epochs",
                             (json_int_t)t->epochs, "objects", (json_int_t)t->objects, "cycles_reclaimed",
                             (json_int_t)t->cycles, "hooks", hooks, "outcome", fuzz_outcome_text(f->outcome), "message",
                             f->message);
    bool written = root != NULL && json_dump_file(root, path, JSON_INDENT(2)) == 0;
    if (!written)
        fprintf(stderr, "eddy-fuzz: cannot write %s\n", path);
    json_decref(root);
    return written;
}

static void begin_round(struct worker *w, const struct options *o, unsigned number, unsigned round, double left)
{
    w->free_running = o->free_running && (!o->deterministic || (number == 0 && round % FREE_ONE_IN == FREE_ONE_IN - 1));
    double most = o->schedules != 0 ? 1e6 : w->free_running ? FREE_SECONDS : ROUND_SECONDS;
    w->seconds = left < most ? left : most;
    w->child = fuzz_fork(w->shared, work, w, w->free_running ? -1 : (int)w->cpu, (unsigned)w->seconds + CASE_SECONDS);
}

static int report(const struct options *o, const struct totals *t, double elapsed, const struct failure *f)
{
    printf("%.1f s: %" PRIu64 " schedules, %" PRIu64 " operations (%.0f a second), %" PRIu64 " scheduling points, %" PRIu64
           " epochs, %" PRIu64 " objects, %" PRIu64 " cycles reclaimed\n",
           elapsed, t->runs, t->operations, (double)t->operations / elapsed, t->points, t->epochs, t->objects, t->cycles);
    printf("hook points reached: %u of %u", t->covered, HOOK_COUNT);
#define POINT(name, text)                                                                                     \
    if (t->coverage[HOOK_##name] == 0)                                                                        \
        printf("; not " #name);
    EDDY_HOOK_POINTS(POINT)
#undef POINT
    printf("\n");
    bool written = o->json == NULL || write_json(o->json, t, elapsed, f);
    if (f->outcome == OUTCOME_PASSED) {
        printf("nothing was found\n");
        return written ? 0 : 2;
    }
    printf("FOUND: %s: %s\n", fuzz_outcome_text(f->outcome), f->message);
    if (failure_save(f, o->output))
        printf("written to %s; eddy-fuzz replay and eddy-fuzz shrink take it\n", o->output);
    return 1;
}

static void stop_all(struct worker *workers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (workers[i].child > 0) {
            kill(workers[i].child, SIGKILL);
            fuzz_await(workers[i].shared, workers[i].child);
        }
}

int command_run(const struct options *o)
{
    static struct worker workers[WORKERS_MOST];
    static struct failure failure;
    unsigned count = o->schedules != 0 ? 1 : o->workers, rounds = 0, running;
    unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    double begun = fuzz_clock(), shown = begun;
    uint64_t last = 0;
    bool live = isatty(STDERR_FILENO);
    signal(SIGINT, on_interrupt);
    printf("seeds from %" PRIu64 "%s%s\n", o->seed, o->mutant != 0 ? ", mutant " : "", o->mutant != 0 ? mutant_name(o->mutant) : "");
    for (unsigned i = 0; i < count; i++)
        workers[i] = (struct worker){.shared = fuzz_shared_new(), .seed = o->seed + i, .step = count, .cpu = i % cpus,
                                     .threads = o->threads, .schedules = o->schedules};
    do {
        double elapsed = fuzz_clock() - begun;
        running = 0;
        for (unsigned i = 0; i < count; i++) {
            struct worker *w = &workers[i];
            enum outcome outcome = OUTCOME_PASSED;
            bool ended = w->child != 0 && fuzz_poll(w->shared, w->child, &outcome);
            if (ended) {
                w->child = 0;
                w->seed = w->shared->seed + w->step;
            }
            if (outcome != OUTCOME_PASSED && failure.outcome == OUTCOME_PASSED)
                failure_take(&failure, w->shared, outcome);
            bool again = elapsed < o->seconds && failure.outcome == OUTCOME_PASSED && !interrupted
                         && (o->schedules == 0 || (!ended && w->shared->runs == 0));
            if (w->child == 0 && again)
                begin_round(w, o, i, rounds++ / count, o->seconds - elapsed);
            running += w->child != 0;
        }
        usleep(20000);
        struct totals t = sum_up(workers, count);
        if (live && fuzz_clock() - shown > 0.5) {
            live_line(&t, elapsed, last, fuzz_clock() - shown);
            last = t.operations;
            shown = fuzz_clock();
        }
    } while (running != 0 && failure.outcome == OUTCOME_PASSED && !interrupted);
    stop_all(workers, count);
    if (o->trace != NULL && !fuzz_trace_write(workers[0].shared, o->trace))
        return 2;
    if (live)
        fprintf(stderr, "\n");
    struct totals t = sum_up(workers, count);
    return report(o, &t, fuzz_clock() - begun, &failure);
}
