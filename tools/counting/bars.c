/* The comparisons that have a bar: the interpreter with one strategy and with another, one right after the other, in
 * changing order, so that the ratio of a pair is free of slow changes of the machine's speed; CPU time, so that it is free of
 * what else runs there, and helper threads are in it; and the instructions of both. */
#include "figures.h"

#include <stdio.h>
#include <string.h>

static void add(struct figures *f, const char *name, const char *what, const char *of, const char *to,
                struct lab_request request, double bar)
{
    struct lab_request base = request;
    base.unknowing = false;
    f->pairings[f->pairing_count++] = (struct pairing){.name = name,
                                                       .what = what,
                                                       .of = lab_variants[variant_index(of)],
                                                       .to = lab_variants[variant_index(to)],
                                                       .of_request = request,
                                                       .to_request = base,
                                                       .bar = bar};
}

void bars_make(struct figures *f)
{
    uint64_t scale = f->quick ? 1 : 4;
    struct lab_request interpreter = {CASE_INTERPRETER, 1, .operations = scale * 40000}, checked = interpreter;
    struct lab_request hot = {CASE_HOT, 1, .operations = scale << 22};
    checked.unknowing = true;
    add(f, "local-path", "interpreter: local counts (6), all objects the thread's own", "biased", "plain", interpreter,
        1.3);
    add(f, "local-pair", "the bare pair of the same", "biased", "plain", hot, 0);
    add(f, "permanent-check", "interpreter: the permanent bit is looked at (5)", "plain_bit", "plain", interpreter, 1.02);
    add(f, "permanent-everywhere", "the same, constants counted all the same", "plain_bit", "plain", checked, 0);
    add(f, "permanent-large", "interpreter: large counts (5)", "plain_big", "plain", interpreter, 1.02);
    add(f, "atomic", "interpreter: atomic counts (4)", "atomic", "plain", interpreter, 0);
    add(f, "atomic-pair", "the bare pair of the same", "atomic", "plain", hot, 0);
    add(f, "locks", "interpreter: a lock in each object (3)", "locks", "plain", interpreter, 0);
}

static double time_of(const struct lab_variant *variant, const struct lab_request *request)
{
    return plan_run_once(variant, request).cpu_s;
}

void bars_run(struct figures *f, const struct plan_choice *choice)
{
    for (size_t i = 0; i < f->pairing_count; i++) {
        struct pairing *p = &f->pairings[i];
        if (choice->progress)
            fprintf(stderr, "\r%u pairs: %-30s", f->pairs, p->name);
        for (unsigned k = 0; k < f->pairs; k++) {
            double to = k % 2 == 0 ? time_of(p->to, &p->to_request) : 0;
            double of = time_of(p->of, &p->of_request);
            if (k % 2 != 0)
                to = time_of(p->to, &p->to_request);
            p->ratios[k] = of / to;
        }
        if (!choice->instructions)
            continue;
        double of = instructions_of(p->of, &p->of_request, f->no_instructions, sizeof f->no_instructions);
        double to = of == 0 ? 0 : instructions_of(p->to, &p->to_request, f->no_instructions, sizeof f->no_instructions);
        p->instructions = to == 0 ? 0 : of / to;
    }
    if (choice->progress)
        fprintf(stderr, "\r%50s\r", "");
}
