/* What a whole measurement consists of, and its statistics. */
#ifndef FIGURES_H
#define FIGURES_H

#include "lab.h"

enum { FIGURES_ROUNDS = 64, FIGURES_EXPERIMENTS = 40 };

/* Least, median and greatest. */
struct spread {
    double least, median, most;
};

/* One strategy in one experiment: the figures of all rounds. */
struct series {
    bool runs;                                              /* the strategy can run it, and was asked for */
    double wall_ns[FIGURES_ROUNDS], cpu_ns[FIGURES_ROUNDS]; /* per operation, all threads together */
    struct lab_result last;
};

/* One case with its parameters, on all strategies in turns. */
struct experiment {
    char name[32];
    const char *title, *unit;
    struct lab_request request;
    struct series series[LAB_VARIANTS];
};

/* A comparison of two runs of the interpreter, one after the other, many times. */
struct pairing {
    const char *name, *what;
    const struct lab_variant *of, *to;
    struct lab_request of_request, to_request;
    double bar; /* 0: none */
    double ratios[FIGURES_ROUNDS];
    double instructions; /* ratio; 0: not measured */
};

enum { FIGURES_PAIRINGS = 8 };

struct figures {
    bool quick, only_some;
    unsigned rounds, pairs;
    size_t experiment_count, pairing_count;
    struct experiment experiments[FIGURES_EXPERIMENTS];
    struct pairing pairings[FIGURES_PAIRINGS];
    struct lab_result census, census_elided; /* of the interpreter's program; `operations` are its iterations */
    char no_instructions[128];               /* why instructions were not counted, if so */
    double load_before, load_after;          /* of the machine */
    bool disagree;                           /* checksums differ */
};

/* figures.c */
struct spread spread_of(const double *values, unsigned count);
struct spread series_wall(const struct figures *f, const struct series *s);
struct spread series_cpu(const struct figures *f, const struct series *s);
const struct experiment *figures_find(const struct figures *f, const char *name);
size_t variant_index(const char *name); /* LAB_VARIANTS: there is none */
double figures_wall(const struct figures *f, const char *experiment, const char *variant); /* medians; 0: not measured */
double figures_cpu(const struct figures *f, const char *experiment, const char *variant);
/* Bytes or shares: the figures that are not times. */
const struct lab_result *figures_result(const struct figures *f, const char *experiment, const char *variant);

/* plan.c: what there is to run, and running it in processes of its own. */
struct plan_choice {
    bool quick;
    const char *only; /* experiments whose names begin so; NULL: all */
    bool chosen[LAB_VARIANTS];
    unsigned rounds, pairs; /* 0: the default */
    bool instructions, progress;
};
void plan_make(struct figures *f, const struct plan_choice *choice);
void plan_run(struct figures *f, const struct plan_choice *choice);
struct lab_result plan_run_once(const struct lab_variant *variant, const struct lab_request *request);
double plan_load(void);

/* bars.c: the comparisons that have a bar. */
void bars_make(struct figures *f);
void bars_run(struct figures *f, const struct plan_choice *choice);

/* instructions.c: per pair or iteration, counted by callgrind. 0: not possible, `why` says why. */
double instructions_of(const struct lab_variant *variant, const struct lab_request *request, char *why, size_t size);

/* table.c, report.c, chart.c, page.c */
void table_print(const struct figures *f);
bool report_write(const struct figures *f, const char *path);
bool chart_write_all(const struct figures *f, const char *directory);
bool page_write(const struct figures *f, const char *path);
void machine_text(const struct figures *f, char *text, size_t size);

#endif
