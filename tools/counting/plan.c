/* What there is to run, and running it: each run in a process of its own, strategies in turns, so that slow changes of the machine's
 * speed reach all of them. */
#include "figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIANT(name) extern const struct lab_variant lab_variant_##name;
VARIANT(plain)
VARIANT(gil)
VARIANT(locks)
VARIANT(atomic)
VARIANT(atomic_sc)
VARIANT(plain_big)
VARIANT(plain_bit)
VARIANT(atomic_big)
VARIANT(atomic_bit)
VARIANT(biased)
VARIANT(split_cas)
VARIANT(split_barrier)
VARIANT(eddy_log)
VARIANT(eddy_pin)
VARIANT(eddy)
#undef VARIANT

const struct lab_variant *const lab_variants[LAB_VARIANTS] = {
    &lab_variant_plain,      &lab_variant_gil,       &lab_variant_locks,     &lab_variant_atomic,
    &lab_variant_atomic_sc,  &lab_variant_plain_big, &lab_variant_plain_bit, &lab_variant_atomic_big,
    &lab_variant_atomic_bit, &lab_variant_biased,    &lab_variant_split_cas, &lab_variant_split_barrier,
    &lab_variant_eddy_log,   &lab_variant_eddy_pin,  &lab_variant_eddy,
};

bool lab_can(const struct lab_variant *variant, const struct lab_request *request)
{
    return (request->threads == 1 || variant->many_threads) && (!request->unknowing || variant->permanent);
}

/* ---- the experiments ---- */

static void add(struct figures *f, const struct plan_choice *choice, const char *name, const char *title,
                const char *unit, struct lab_request request)
{
    if (choice->only != NULL && strncmp(name, choice->only, strlen(choice->only)) != 0)
        return;
    if (f->experiment_count == FIGURES_EXPERIMENTS)
        lab_fatal("more than %d experiments", FIGURES_EXPERIMENTS);
    struct experiment *e = &f->experiments[f->experiment_count++];
    *e = (struct experiment){.title = title, .unit = unit, .request = request};
    snprintf(e->name, sizeof e->name, "%s", name);
    for (size_t i = 0; i < LAB_VARIANTS; i++)
        e->series[i].runs = choice->chosen[i] && lab_can(lab_variants[i], &request);
}

void plan_make(struct figures *f, const struct plan_choice *choice)
{
    static const unsigned threads[] = {1, 2, 4, 8}, shares[] = {0, 10, 25, 50, 75, 100};
    uint64_t scale = choice->quick ? 1 : 6;
    uint64_t pairs = scale << 19, objects = choice->quick ? 1 << 18 : 1 << 21, iterations = scale * 4000;
    char name[32];
    f->quick = choice->quick;
    f->rounds = choice->rounds != 0 ? choice->rounds : choice->quick ? 3 : 9;
    f->pairs = choice->pairs != 0 ? choice->pairs : choice->quick ? 10 : 30;
    f->only_some = choice->only != NULL;
    for (size_t i = 0; i < LAB_VARIANTS; i++)
        f->only_some = f->only_some || !choice->chosen[i];
    add(f, choice, "hot", "pairs on 16 objects", "ns/pair", (struct lab_request){CASE_HOT, 1, .operations = pairs});
    add(f, choice, "cold", "pairs on many objects, in no order", "ns/pair",
        (struct lab_request){CASE_COLD, 1, .operations = objects});
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        snprintf(name, sizeof name, "share-%u", shares[i]);
        add(f, choice, name, "pairs of 2 threads, so many percent on the other's objects", "ns/pair",
            (struct lab_request){CASE_SHARE, 2, .share = shares[i], .operations = pairs / 2});
    }
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        snprintf(name, sizeof name, "one-%u", threads[i]);
        add(f, choice, name, "pairs of so many threads on one object", "ns/pair",
            (struct lab_request){CASE_ONE, threads[i], .operations = pairs / 4 / threads[i]});
    }
    add(f, choice, "neighbours-2", "pairs of 2 threads, each on its own object, in the same cache lines", "ns/pair",
        (struct lab_request){CASE_NEIGHBOURS, 2, .operations = pairs / 2});
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        snprintf(name, sizeof name, "mix-%u", threads[i]);
        add(f, choice, name, "operations of an interpreter, so many threads", "ns/operation",
            (struct lab_request){CASE_MIX, threads[i], .operations = pairs / threads[i]});
    }
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        snprintf(name, sizeof name, "interpreter-%u", threads[i]);
        add(f, choice, name, "the interpreter, so many threads", "ns/iteration",
            (struct lab_request){CASE_INTERPRETER, threads[i], .operations = iterations / threads[i]});
    }
    add(f, choice, "interpreter-elided", "the interpreter without the pairs that lifetime analysis removes",
        "ns/iteration", (struct lab_request){CASE_INTERPRETER, 1, .elide = true, .operations = iterations});
    add(f, choice, "interpreter-checked", "the interpreter, what is known to be permanent counted all the same",
        "ns/iteration", (struct lab_request){CASE_INTERPRETER, 1, .unknowing = true, .operations = iterations});
    add(f, choice, "memory", "bytes per boxed number, from the system", "bytes",
        (struct lab_request){CASE_MEMORY, 1, .operations = choice->quick ? 1 << 18 : 1 << 20});
    add(f, choice, "fork", "pages that a child dirties by reading", "percent",
        (struct lab_request){CASE_FORK, 1, .operations = choice->quick ? 1 << 17 : 1 << 19});
}

/* ---- running ---- */

struct lab_result plan_run_once(const struct lab_variant *variant, const struct lab_request *request)
{
    int ends[2];
    if (pipe(ends) != 0)
        lab_fatal("cannot make a pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        lab_fatal("cannot fork: %s", strerror(errno));
    struct lab_result result;
    if (child == 0) {
        close(ends[0]);
        variant->run(request, &result);
        _exit(write(ends[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    close(ends[1]);
    ssize_t length = read(ends[0], &result, sizeof result);
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0 || length != (ssize_t)sizeof result)
        lab_fatal("a run of %s failed", variant->name);
    return result;
}

double plan_load(void)
{
    double load = 0;
    FILE *file = fopen("/proc/loadavg", "r");
    if (file != NULL) {
        if (fscanf(file, "%lf", &load) != 1)
            load = 0;
        fclose(file);
    }
    return load;
}

static void check(struct figures *f, const struct experiment *e, size_t variant, uint64_t checksum)
{
    for (size_t i = 0; i < LAB_VARIANTS; i++) {
        const struct series *s = &e->series[i];
        if (i == variant || s->last.operations == 0 || s->last.checksum == checksum)
            continue;
        fprintf(stderr, "eddy-counting: %s: checksums differ: %016llx of %s, %016llx of %s\n", e->name,
                (unsigned long long)checksum, lab_variants[variant]->name, (unsigned long long)s->last.checksum,
                lab_variants[i]->name);
        f->disagree = true;
        return;
    }
}

static void run_series(struct figures *f, struct experiment *e, size_t variant, unsigned round)
{
    struct series *s = &e->series[variant];
    if (!s->runs)
        return;
    struct lab_result result = plan_run_once(lab_variants[variant], &e->request);
    const char *wrong = getenv("EDDY_COUNTING_WRONG"); /* tests name a strategy whose checksum is to be wrong */
    result.checksum += wrong != NULL && strcmp(wrong, lab_variants[variant]->name) == 0;
    check(f, e, variant, result.checksum);
    s->last = result;
    s->wall_ns[round] = result.wall_s * 1e9 / (double)result.operations;
    s->cpu_ns[round] = result.cpu_s * 1e9 / (double)result.operations;
}

void plan_run(struct figures *f, const struct plan_choice *choice)
{
    struct lab_request census = {CASE_INTERPRETER, 1, .operations = 1000};
    f->load_before = plan_load();
    f->census = plan_run_once(&lab_variant_census, &census);
    census.elide = true;
    f->census_elided = plan_run_once(&lab_variant_census, &census);
    for (unsigned round = 0; round < f->rounds; round++)
        for (size_t e = 0; e < f->experiment_count; e++) {
            struct experiment *experiment = &f->experiments[e];
            if (choice->progress)
                fprintf(stderr, "\rround %u of %u: %-20s", round + 1, f->rounds, experiment->name);
            bool once = experiment->request.which == CASE_MEMORY || experiment->request.which == CASE_FORK;
            for (size_t i = 0; i < LAB_VARIANTS && (!once || round == 0); i++)
                run_series(f, experiment, (i + round) % LAB_VARIANTS, round);
        }
    f->load_after = plan_load();
    if (choice->progress)
        fprintf(stderr, "\r%40s\r", "");
}
