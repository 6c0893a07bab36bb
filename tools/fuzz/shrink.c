/* The command shrink: makes a failing case as small as it finds it may be and still fail: fewer switches, operations,
 * threads, odd settings. Greedy removal of ever smaller pieces (delta debugging; Zeller and Hildebrandt, "Simplifying and
 * isolating failure-inducing input", IEEE TSE 28, 2002). When operations go, the recorded switches may no longer
 * fit: then the schedule is sought anew, from some seeds. */
#include "tools/fuzz/options.h"

#include <stdlib.h>
#include <string.h>

#define SCHEDULES_TRIED 12u

struct search {
    struct failure best;
    struct shared *shared;
    unsigned tried;
    double end;
};

/* Whether the case fails in the same way (crashes count as any); if so it becomes the best one. */
static bool fails(struct search *s, const struct fuzz_case *c)
{
    s->tried++;
    enum outcome outcome = fuzz_try(s->shared, c);
    if (outcome == OUTCOME_PASSED || outcome == OUTCOME_HANG || outcome == OUTCOME_WRONG)
        return outcome == s->best.outcome && outcome != OUTCOME_PASSED;
    return true;
}

static bool accept(struct search *s, const struct fuzz_case *c)
{
    struct failure f;
    if (!fails(s, c))
        return false;
    failure_take(&f, s->shared, s->best.outcome);
    f.mutant = s->best.mutant;
    /* what was recorded is what was done, perhaps less than was asked for */
    if (f.c.schedule.strategy == STRATEGY_SWITCHES && !fails(s, &f.c))
        f.c = *c;
    memcpy(f.message, s->shared->message, sizeof f.message);
    s->best = f;
    return true;
}

/* The same with the recorded schedule, or with another one. */
static bool accept_somehow(struct search *s, struct fuzz_case *c)
{
    fuzz_case_normalise(c);
    if (accept(s, c))
        return true;
    for (unsigned i = 0; i < SCHEDULES_TRIED && fuzz_clock() < s->end; i++) {
        c->schedule.strategy = i % 3 == 2 ? STRATEGY_PCT : STRATEGY_RANDOM;
        c->schedule.rate = 1u << i % 5;
        c->schedule.seed = fuzz_mix(i + s->best.c.count);
        if (accept(s, c))
            return true;
    }
    return false;
}

static void drop_operations(struct search *s)
{
    static struct fuzz_case c;
    for (uint32_t piece = s->best.c.count / 2 + 1; piece != 0; piece /= 2)
        for (uint32_t at = 0; at < s->best.c.count && fuzz_clock() < s->end;) {
            c = s->best.c;
            uint32_t n = piece < c.count - at ? piece : c.count - at;
            memmove(c.operations + at, c.operations + at + n, (c.count - at - n) * sizeof c.operations[0]);
            c.count -= n;
            if (!accept_somehow(s, &c))
                at += piece;
        }
}

static void drop_switches(struct search *s)
{
    static struct fuzz_case c;
    if (s->best.c.schedule.strategy != STRATEGY_SWITCHES)
        return;
    for (uint32_t piece = s->best.c.schedule.switch_count / 2 + 1; piece != 0; piece /= 2)
        for (uint32_t at = 0; at < s->best.c.schedule.switch_count && fuzz_clock() < s->end;) {
            c = s->best.c;
            struct schedule *plan = &c.schedule;
            uint32_t n = piece < plan->switch_count - at ? piece : plan->switch_count - at, before = plan->switch_count;
            memmove(plan->switches + at, plan->switches + at + n, (plan->switch_count - at - n) * sizeof plan->switches[0]);
            plan->switch_count -= n;
            if (!accept(s, &c) || s->best.c.schedule.switch_count >= before)
                at += piece;
        }
}

static void merge_threads(struct search *s)
{
    static struct fuzz_case c;
    for (unsigned gone = FUZZ_MUTATORS - 1; gone > 0; gone--) {
        c = s->best.c;
        if (gone >= c.settings.threads)
            continue;
        c.settings.threads--;
        for (uint32_t i = 0; i < c.count; i++)
            if (c.operations[i].thread >= gone)
                c.operations[i].thread = c.operations[i].thread == gone ? 0 : c.operations[i].thread - 1;
        accept_somehow(s, &c);
    }
}

static void plain_settings(struct search *s)
{
    static struct fuzz_case c;
    uint8_t *const fields[] = {&c.settings.interior,      &c.settings.on_stack,    &c.settings.conservative,
                               &c.settings.fail_for_good, &c.settings.slice_steps, &c.settings.portion_roots,
                               &c.settings.chunk_entries};
    for (unsigned i = 0; i <= sizeof fields / sizeof fields[0] && fuzz_clock() < s->end; i++) {
        c = s->best.c;
        if (i == sizeof fields / sizeof fields[0])
            c.settings.fail_at = 0;
        else
            *fields[i] = 0;
        if (memcmp(&c.settings, &s->best.c.settings, sizeof c.settings) != 0)
            accept_somehow(s, &c);
    }
}

/* ---- output ---- */

static void print_test(const struct failure *f)
{
    char *text = NULL, *rest;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fuzz_case_print(&f->c, stream);
    fclose(stream);
    printf("\n/* For tests/races_fuzz.c and the list in its main. %s: %s */\n", fuzz_outcome_text(f->outcome), f->message);
    printf("static void test_found_by_fuzzing(void **state)\n{\n    (void)state;\n");
    if (f->mutant != 0)
        printf("    eddy__mutant = MUTANT_%s; /* the deliberate bug that fails here */\n", mutant_name(f->mutant));
    printf("    assert_case_passes(");
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        printf("\n        \"%s\\n\"", line);
    printf(");\n}\n");
    free(text);
}

int command_shrink(const struct options *o)
{
    static struct search s;
    s.shared = fuzz_shared_new();
    if (!failure_load(&s.best, o->file))
        return 2;
    s.end = fuzz_clock() + o->seconds;
    if (s.best.free_running) {
        fprintf(stderr, "eddy-fuzz: %s holds a failure of the free-running mode, which has no program to shrink\n",
                o->file);
        return 2;
    }
    eddy__mutant = (int)(s.best.mutant = o->mutant_given ? o->mutant : s.best.mutant);
    static struct fuzz_case first;
    first = s.best.c;
    s.best.outcome = fuzz_try(s.shared, &first);
    if (s.best.outcome == OUTCOME_PASSED || !accept(&s, &first)) {
        printf("it does not fail any more\n");
        return 0;
    }
    uint32_t before = s.best.c.count, last;
    do {
        last = s.best.c.count + s.best.c.settings.threads;
        drop_operations(&s);
        merge_threads(&s);
        plain_settings(&s);
    } while (s.best.c.count + s.best.c.settings.threads < last && fuzz_clock() < s.end);
    drop_switches(&s);
    s.best.outcome = fuzz_try(s.shared, &s.best.c);
    memcpy(s.best.message, s.shared->message, sizeof s.best.message);
    printf("%u operations of %u are left, %u threads, %u switches (%u runs)\n%s: %s\n\n", s.best.c.count, before,
           s.best.c.settings.threads, s.best.c.schedule.switch_count, s.tried, fuzz_outcome_text(s.best.outcome),
           s.best.message);
    fuzz_case_print(&s.best.c, stdout);
    print_test(&s.best);
    char path[4096];
    snprintf(path, sizeof path, "%s.small", o->file);
    if (failure_save(&s.best, path))
        printf("\nwritten to %s\n", path);
    return 1;
}
