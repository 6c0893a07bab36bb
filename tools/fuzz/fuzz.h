/* What the parts of the fuzzer share: outcomes, the memory in which a worker process tells the supervisor what it
 * does, and running a case. */
#ifndef EDDY_FUZZ_FUZZ_H
#define EDDY_FUZZ_FUZZ_H

#include <sys/types.h>

#include "eddy/eddy.h"
#include "runtime/heap/mutants.h"
#include "tools/fuzz/program.h"

enum outcome {
    OUTCOME_PASSED = 0,
    OUTCOME_FREED_LIVE, /* a reachable object was freed, moved or its place handed out again */
    OUTCOME_CHANGED,    /* a reachable object is not what was stored */
    OUTCOME_MISCOUNTED, /* a count differs from the number of references */
    OUTCOME_GARBAGE,    /* unreachable objects, or memory, were not reclaimed in time */
    OUTCOME_WRONG,      /* a function returned what it must not */
    OUTCOME_MISUSE,     /* Eddy itself called the misuse handler */
    OUTCOME_CRASH,      /* a signal, or a sanitizer, ended the process */
    OUTCOME_HANG,       /* no end within a bound of steps or of time */
    OUTCOME_CHECK,      /* a check of the free-running mode failed */
    OUTCOMES
};
const char *fuzz_outcome_text(enum outcome outcome);
/* The message of a case that the clock has cut short. */
#define FUZZ_NO_PROGRESS "no progress"

enum {
    FUZZ_POINTS = 65536, /* of which exhaustive exploration takes note */
    FUZZ_EVENTS = 1 << 20
};

/* An event of a run: an operation that begins, or a scheduling point. Kept in memory and written out afterwards, so that
 * a run does the same whether anybody wants its trace or not. */
struct fuzz_event {
    uint32_t object; /* or number of the operation */
    uint16_t kind;   /* a point, or EVENT_OPERATION */
    uint16_t actor;
};
#define EVENT_OPERATION UINT16_MAX

/* What was done: schedules (or heaps, in the free-running mode), and in them. */
struct figures {
    uint64_t runs, operations, epochs, objects, cycles;
};

/* Written by one worker process, read by the supervisor, also after the worker has crashed. */
struct shared {
    struct fuzz_case current; /* being run; its schedule also as switches so far */
    struct fuzz_switch switches[FUZZ_SWITCHES];
    uint32_t switch_count;
    bool free_running; /* not a case, but the free-running mode, with `seed` */
    uint64_t seed;
    uint32_t outcome;
    char message[400];
    struct figures scheduled, free;
    uint64_t points;               /* of all schedules */
    uint64_t coverage[HOOK_COUNT]; /* arrivals by hook point */
    uint64_t hash;                 /* of the events of the last run */
    uint32_t last_points;          /* scheduling points of the last run */
    uint8_t enabled[FUZZ_POINTS];  /* actors that could go on, by scheduling point */
    uint8_t usual[FUZZ_POINTS];    /* and the one that goes on without a strategy */
    uint32_t event_count;
    struct fuzz_event events[FUZZ_EVENTS];
};
extern struct shared *fuzz_shared;
/* Memory shared with processes forked later; never NULL. */
struct shared *fuzz_shared_new(void);

/* Said first in messages. */
extern const char *fuzz_where;
/* Ends the worker process with an outcome; by a signal, after a line on standard error, when that is set. */
extern bool fuzz_failures_abort;
__attribute__((format(printf, 2, 3))) _Noreturn void fuzz_fail(enum outcome outcome, const char *format, ...);

/* The same, when the shared memory says already what has failed. */
_Noreturn void fuzz_exit(void);

/* sched.c: writes the events of the last run; false when it cannot. */
bool fuzz_trace_write(const struct shared *shared, const char *path);

/* run.c: one deterministic run. Ends the process when it fails. */
void fuzz_run(const struct fuzz_case *given);
/* worker.c: `body` in a child process with its own shared memory, on one CPU unless -1, for so many seconds at most. */
pid_t fuzz_fork(struct shared *shared, void (*body)(void *context), void *context, int cpu, unsigned seconds);
enum outcome fuzz_await(struct shared *shared, pid_t child);
/* Whether it has ended. */
bool fuzz_poll(struct shared *shared, pid_t child, enum outcome *outcome);
/* free.c: the free-running mode for so long, with the seeds `seed`, `seed` + `step` and so on. Ends the process when it fails. */
void free_run(uint64_t seed, uint64_t step, double seconds, unsigned threads);

/* One case in a child. */
enum outcome fuzz_try(struct shared *shared, const struct fuzz_case *c);

#endif
