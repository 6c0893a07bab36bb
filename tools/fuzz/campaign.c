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
#define CASE_SECONDS 60u /* without progress */
#define FREE_SECONDS 6.0
#define FREE_ONE_IN 3u /* of the rounds, in mode both */
#define ROUND_SECONDS 4.0

struct worker {
    struct shared *shared;
    pid_t child;
    uint64_t seed, step;
    double seconds;
    bool free_running;
    unsigned cpu, threads;
    uint64_t schedules;
    double begun, spent[2]; /* seconds: scheduled, free-running */
};

/* A case that the clock has cut short, though no thread waited for ever in it: on a busy machine it may need no more than time. */
static bool passes_alone(const struct shared *shared, enum outcome outcome)
{
    static struct shared *again;
    if (outcome != OUTCOME_HANG || shared->free_running || strcmp(shared->message, FUZZ_NO_PROGRESS) != 0)
        return false;
    if (again == NULL)
        again = fuzz_shared_new();
    return fuzz_try(again, &shared->current) == OUTCOME_PASSED;
}

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
    struct figures all, scheduled, free;
    uint64_t points;
    double scheduled_seconds, free_seconds; /* of all workers, divided by their number */
    unsigned covered;
    uint64_t coverage[HOOK_COUNT];
};

static void add_figures(struct figures *to, const struct figures *f)
{
    to->runs += f->runs;
    to->operations += f->operations;
    to->epochs += f->epochs;
    to->objects += f->objects;
    to->cycles += f->cycles;
}

static struct totals sum_up(const struct worker *workers, unsigned count)
{
    struct totals t = {.points = 0};
    for (unsigned i = 0; i < count; i++) {
        const struct worker *w = &workers[i];
        const struct shared *s = w->shared;
        add_figures(&t.scheduled, &s->scheduled);
        add_figures(&t.free, &s->free);
        t.points += s->points;
        t.scheduled_seconds += w->spent[0] / count;
        t.free_seconds += w->spent[1] / count;
        for (unsigned p = 0; p < HOOK_COUNT; p++)
            t.coverage[p] += s->coverage[p];
    }
    t.all = t.scheduled;
    add_figures(&t.all, &t.free);
    for (unsigned p = 0; p < HOOK_COUNT; p++)
        t.covered += t.coverage[p] != 0;
    return t;
}

static double rate(uint64_t n, double seconds)
{
    return seconds > 0 ? (double)n / seconds : 0;
}

static void live_line(const struct options *o, const struct totals *t, double elapsed, uint64_t last, double since)
{
    char of[32] = "";
    if (o->schedules == 0)
        snprintf(of, sizeof of, " of %.0f", o->seconds);
    fprintf(stderr,
            "\r%4.0f%s s  %7.0f operations/s  %" PRIu64 " epochs  %" PRIu64 " objects  %" PRIu64
            " cycles reclaimed  %" PRIu64 " schedules  hook points %u/%u\033[K",
            elapsed, of, rate(t->all.operations - last, since), t->all.epochs, t->all.objects, t->all.cycles,
            t->scheduled.runs, t->covered, HOOK_COUNT);
}

static json_t *json_of(const struct figures *f, double seconds, const char *runs)
{
    return json_pack("{s:f,s:I,s:I,s:f,s:I,s:I,s:I}", "seconds", seconds, runs, (json_int_t)f->runs, "operations",
                     (json_int_t)f->operations, "operations_per_s", rate(f->operations, seconds), "epochs",
                     (json_int_t)f->epochs, "objects", (json_int_t)f->objects, "cycles_reclaimed", (json_int_t)f->cycles);
}

static bool write_json(const char *path, const struct totals *t, double elapsed, const struct failure *f)
{
    json_t *hooks = json_object();
#define POINT(name, text) json_object_set_new(hooks, #name, json_integer((json_int_t)t->coverage[HOOK_##name]));
    EDDY_HOOK_POINTS(POINT)
#undef POINT
    json_t *root = json_of(&t->all, elapsed, "runs");
    json_object_set_new(root, "schedules", json_integer((json_int_t)t->scheduled.runs));
    json_object_set_new(root, "points", json_integer((json_int_t)t->points));
    json_object_set_new(root, "scheduled", json_of(&t->scheduled, t->scheduled_seconds, "schedules"));
    json_object_set_new(root, "free", json_of(&t->free, t->free_seconds, "heaps"));
    json_object_set_new(root, "hooks_reached", json_integer(t->covered));
    json_object_set_new(root, "hooks", hooks);
    json_object_set_new(root, "outcome", json_string(fuzz_outcome_text(f->outcome)));
    json_object_set_new(root, "message", json_string(f->message));
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
    w->begun = fuzz_clock();
    w->child = fuzz_fork(w->shared, work, w, w->free_running ? -1 : (int)w->cpu, (unsigned)w->seconds + CASE_SECONDS);
}

static void print_figures(const char *how, const char *runs, const struct figures *f, double seconds)
{
    printf("%-13s %7.1f s  %" PRIu64 " %s, %" PRIu64 " operations (%.0f a second), %" PRIu64 " epochs, %" PRIu64
           " objects, %" PRIu64 " cycles reclaimed\n",
           how, seconds, f->runs, runs, f->operations, rate(f->operations, seconds), f->epochs, f->objects, f->cycles);
}

static int report(const struct options *o, const struct totals *t, double elapsed, const struct failure *f)
{
    if (o->deterministic)
        print_figures("scheduled", "schedules", &t->scheduled, t->scheduled_seconds);
    if (o->free_running)
        print_figures("at full speed", "heaps", &t->free, t->free_seconds);
    printf("%.1f s: %" PRIu64 " scheduling points, ", elapsed, t->points);
    printf("hook points reached: %u of %u", t->covered, HOOK_COUNT);
#define POINT(name, text)                                                                                              \
    if (t->coverage[HOOK_##name] == 0)                                                                                 \
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
        printf("written to %s; eddy-fuzz replay%s it\n", o->output,
               f->free_running ? " repeats" : " and eddy-fuzz shrink take");
    return 1;
}

static void stop_all(struct worker *workers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (workers[i].child > 0) {
            kill(workers[i].child, SIGKILL);
            fuzz_await(workers[i].shared, workers[i].child);
            workers[i].spent[workers[i].free_running] += fuzz_clock() - workers[i].begun;
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
    printf("seeds from %" PRIu64 "%s%s\n", o->seed, o->mutant != 0 ? ", mutant " : "",
           o->mutant != 0 ? mutant_name(o->mutant) : "");
    for (unsigned i = 0; i < count; i++)
        workers[i] = (struct worker){.shared = fuzz_shared_new(),
                                     .seed = o->seed + i,
                                     .step = count,
                                     .cpu = i % cpus,
                                     .threads = o->threads,
                                     .schedules = o->schedules};
    do {
        double elapsed = fuzz_clock() - begun;
        running = 0;
        for (unsigned i = 0; i < count; i++) {
            struct worker *w = &workers[i];
            enum outcome outcome = OUTCOME_PASSED;
            bool ended = w->child != 0 && fuzz_poll(w->shared, w->child, &outcome);
            if (ended) {
                w->child = 0;
                w->spent[w->free_running] += fuzz_clock() - w->begun;
                w->seed = w->shared->seed + w->step;
            }
            if (outcome != OUTCOME_PASSED && passes_alone(w->shared, outcome))
                outcome = OUTCOME_PASSED;
            if (outcome != OUTCOME_PASSED && failure.outcome == OUTCOME_PASSED)
                failure_take(&failure, w->shared, outcome);
            bool again = elapsed < o->seconds && failure.outcome == OUTCOME_PASSED && !interrupted
                         && (o->schedules == 0 || (!ended && w->shared->scheduled.runs == 0));
            if (w->child == 0 && again)
                begin_round(w, o, i, rounds++ / count, o->seconds - elapsed);
            running += w->child != 0;
        }
        usleep(20000);
        struct totals t = sum_up(workers, count);
        if (live && fuzz_clock() - shown > 0.5) {
            live_line(o, &t, elapsed, last, fuzz_clock() - shown);
            last = t.all.operations;
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
