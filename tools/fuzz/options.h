/* The command line of eddy-fuzz. */
#ifndef EDDY_FUZZ_OPTIONS_H
#define EDDY_FUZZ_OPTIONS_H

#include "tools/fuzz/fuzz.h"

enum command { COMMAND_RUN, COMMAND_REPLAY, COMMAND_SHRINK, COMMAND_MUTANTS, COMMAND_EXHAUSTIVE, COMMAND_LIST };

struct options {
    enum command command;
    double seconds;
    uint64_t seed;
    uint64_t schedules; /* 0: as many as there is time for */
    unsigned workers;
    unsigned seeds;   /* per mutant */
    unsigned bound;   /* preemptions of exhaustive exploration */
    unsigned threads; /* of the free-running mode, 0: any */
    bool deterministic, free_running;
    enum eddy__mutant mutant;
    bool mutant_given;
    const char *json, *trace, *output, *file;
};

/* False when the program is to end with `*status`; what is wrong has been said. */
bool options_parse(struct options *o, int argc, char **argv, int *status);
const char *mutant_name(unsigned mutant);
const char *mutant_text(unsigned mutant);
/* MUTANT_COUNT when there is none of that name. */
unsigned mutant_named(const char *name);

/* Each command; the program's exit status. */
int command_run(const struct options *o);
int command_replay(const struct options *o);
int command_shrink(const struct options *o);
int command_mutants(const struct options *o);
int command_exhaustive(const struct options *o);

/* casefile.c: what a failure is, in a file of its own. */
struct failure {
    struct fuzz_case c;
    enum outcome outcome;
    unsigned mutant;
    bool free_running; /* `seed`, no case */
    uint64_t seed;
    char message[400];
};
/* From what a worker left behind; with its switches. */
void failure_take(struct failure *f, const struct shared *shared, enum outcome outcome);
bool failure_save(const struct failure *f, const char *path);
/* Says what is wrong with the file. */
bool failure_load(struct failure *f, const char *path);
/* What happens when it is run again. */
enum outcome failure_replay(const struct failure *f, struct shared *shared);

double fuzz_clock(void);

#endif
