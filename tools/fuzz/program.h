/* Programs and cases of eddy-fuzz.
 *
 * A *program* is a list of operations, each of which names the thread that executes it, its code in the table of
 * operations (ops.c) and three small operands. A *case* is a program with the configuration of its heap and a
 * schedule; it is all that a deterministic run depends on. Bytes <-> case (for libFuzzer, every string of bytes is
 * a case), text <-> case (for people, and for files). */
#ifndef EDDY_FUZZ_PROGRAM_H
#define EDDY_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    FUZZ_MUTATORS = 4, /* most threads of a deterministic program */
    FUZZ_COLLECTOR = FUZZ_MUTATORS,
    FUZZ_ACTORS,
    FUZZ_HANDLES = 6,      /* per thread */
    FUZZ_ROOTS = 4,        /* global root slots */
    FUZZ_RETAINED = 4,     /* places for retained references, shared by all threads */
    FUZZ_OPERATIONS = 600, /* most operations of a program */
    FUZZ_SWITCHES = 4000   /* most switches of a recorded schedule */
};

struct operation {
    uint8_t thread, code, a, b, c;
};

/* How the heap is configured, and what goes wrong in it. */
struct settings {
    uint8_t threads;
    uint8_t conservative; /* C stacks are scanned */
    uint8_t interior;
    uint8_t on_stack;      /* conservative: handles are on the stack only, in no frame */
    uint8_t chunk_entries; /* of log chunks, 0: the default */
    uint8_t slice_steps;   /* eddy__slice_steps */
    uint8_t portion_roots; /* eddy__portion_roots */
    uint8_t epoch_every;   /* an epoch is asked for at one in so many scheduling points, 0: never */
    uint8_t fail_for_good; /* after `fail_at` attempts to take memory */
    uint8_t faults;        /* FAULT_… */
    uint16_t fail_at;      /* 0: never */
};
_Static_assert(sizeof(struct settings) == 12, "no padding: settings are compared as bytes");

enum {
    FAULT_CLOCK = 1,  /* the clock jumps forward by up to hours now and then, as after a sleep of the machine */
    FAULT_LOGS = 2,   /* hardly any log chunks: stores wait for the collector */
    FAULT_STACKS = 4, /* threads have tiny stacks */
    FAULT_DEATHS = 8, /* threads that die do so in the middle of a native region, or with entries reserved */
    FAULTS = 16
};

enum strategy {
    STRATEGY_RANDOM,   /* switches at one in `rate` points to any thread */
    STRATEGY_PCT,      /* priorities, lowered at `rate` random points */
    STRATEGY_SWITCHES, /* as recorded: no switch but those */
    STRATEGY_STEPS     /* operations and steps of a search take turns: switches there only, at one in `rate` */
};

/* At scheduling point `point` of the run, `actor` goes on. */
struct fuzz_switch {
    uint32_t point;
    uint8_t actor;
};

struct schedule {
    enum strategy strategy;
    uint32_t rate;
    uint64_t seed;
    uint32_t switch_count;
    struct fuzz_switch switches[FUZZ_SWITCHES];
};

struct fuzz_case {
    struct settings settings;
    struct schedule schedule;
    uint32_t count;
    struct operation operations[FUZZ_OPERATIONS];
};

/* ---- random numbers: splitmix64 (Steele, Lea and Flood, OOPSLA 2014) ---- */

static inline uint64_t fuzz_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}
static inline uint64_t fuzz_random(uint64_t *state)
{
    return fuzz_mix(*state += UINT64_C(0x9e3779b97f4a7c15));
}
static inline uint32_t fuzz_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((fuzz_random(state) >> 32) * bound >> 32);
}

/* program.c */
/* Every string of bytes is a case; what is too long is cut. */
void fuzz_case_from_bytes(struct fuzz_case *c, const uint8_t *bytes, size_t size);
/* The bytes that give the case (a recorded schedule excepted); 0 when they do not fit. */
size_t fuzz_case_to_bytes(const struct fuzz_case *c, uint8_t *bytes, size_t room);
/* Text, as fuzz_case_parse reads it. */
void fuzz_case_print(const struct fuzz_case *c, FILE *to);
void fuzz_operation_print(const struct operation *o, char *text, size_t room);
/* False with a complaint in `complaint` (of 200 bytes). Lines that begin with # and unknown keys before the first
 * operation that begin with "x-" are skipped. */
bool fuzz_case_parse(struct fuzz_case *c, const char *text, char *complaint);
/* Brings every field into its range. */
void fuzz_case_normalise(struct fuzz_case *c);

/* generate.c: a random case that follows from `seed`. */
void fuzz_generate(struct fuzz_case *c, uint64_t seed);
/* narrow.c: in some cases makes the program, of a plan of its own, and changes settings and schedule, which have been made. */
bool fuzz_generate_narrow(struct fuzz_case *c, uint64_t *state);
/* generate.c: one random operation of thread `thread`. */
struct operation fuzz_random_operation(uint64_t *state, unsigned thread);

#endif
