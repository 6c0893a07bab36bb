/* What the parts of eddy-counting share: strategies, cases, one run's request and its result. Knows no strategy. */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LAB_MOST_THREADS = 16 };

/* What is run. */
enum lab_case {
    CASE_HOT,        /* pairs on 16 objects of the thread */
    CASE_COLD,       /* pairs on more objects than caches hold */
    CASE_SHARE,      /* pairs, of which a share is on other threads' objects */
    CASE_ONE,        /* pairs of all threads on one object */
    CASE_NEIGHBOURS, /* pairs of each thread on an object of its own, all in the same cache lines */
    CASE_MIX,        /* the operations of an interpreter without the interpreter */
    CASE_INTERPRETER,
    CASE_MEMORY, /* bytes per object */
    CASE_FORK,   /* pages that a child dirties by reading */
    CASES
};

struct lab_request {
    enum lab_case which;
    unsigned threads;
    unsigned share;      /* percent, CASE_SHARE */
    bool elide;          /* CASE_INTERPRETER: without the pairs that lifetime analysis removes */
    bool unknowing;      /* CASE_INTERPRETER: constants, true and false are counted even if they are permanent */
    uint64_t operations; /* of each thread: pairs, operations, iterations; objects for memory and fork */
};

struct lab_result {
    double wall_s, cpu_s; /* of the measured part; CPU of all threads, until everything that was put off is done */
    uint64_t checksum;    /* the same for all strategies */
    uint64_t operations;  /* of all threads; byte codes for CASE_INTERPRETER */
    uint64_t bytes;       /* CASE_MEMORY: taken from the system; CASE_FORK: dirtied */
    uint64_t total_bytes; /* CASE_FORK: of the objects */
    uint64_t retains, releases, byte_codes; /* of the census alone, one iteration after another */
};

struct lab_variant {
    const char *name, *number, *title;
    bool many_threads, permanent;
    unsigned bytes_int, bytes_pair; /* of a number, of an array of two; Eddy's header included */
    void (*run)(const struct lab_request *request, struct lab_result *result);
};

enum { LAB_VARIANTS = 15 };
extern const struct lab_variant *const lab_variants[LAB_VARIANTS];
extern const struct lab_variant lab_variant_census; /* plain counts that count their operations */

/* Whether the strategy runs the case with so many threads. */
bool lab_can(const struct lab_variant *variant, const struct lab_request *request);

uint64_t lab_now_ns(void);
uint64_t lab_cpu_ns(void);        /* of the process; of its running threads only up to their last look at their own */
uint64_t lab_own_cpu_ns(void);    /* of the calling thread */
uint64_t lab_private_dirty(void); /* bytes; of this process */

_Noreturn void lab_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
