/* The free-running mode, part 1: what everything shares. Random numbers, the configuration of a run, the world
 * of one heap, the mutator of one thread, and how a failure is reported (with the line that replays it). */
#ifndef EDDY_FUZZ_FREE_BASE_H
#define EDDY_FUZZ_FREE_BASE_H

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eddy/eddy.h"

enum {
    ROOTS = 24,                           /* global root slots */
    STACKS = 3,                           /* lock-free stacks, each in a root slot of its own */
    BOXES = 5,                            /* of toys, each in a root slot of its own */
    TOYS = 8,                             /* places in a box */
    PURSES = 12,                          /* objects under rights, each in a root slot of its own */
    MAILBOXES = 12,                       /* words of C memory that hold retained references */
    LOCALS = 14,                          /* a mutator's references to whatever it likes */
    FIGURES = 4,                          /* a mutator's lists, rings, trees and webs */
    TEMPS = 6,                            /* held while an operation is under way */
    SLOTS = LOCALS + FIGURES + TEMPS + 1, /* and an array that is resized */
    PERMANENT = 8,                        /* permanent toys, each in a root slot of its own */
    FIBERS = 6,                           /* places for fibers on offer */
    SHADOWS = 1024,                       /* objects in a mutator's exact model */
    COLORS = 4,                           /* slot k of a shared object holds objects of color k % COLORS only */
    THREADS_MOST = 16,
    PLACES = THREADS_MOST + 2, /* and two for the supervisors */
    SHAPES_MOST = 32,
    WEAK_LOCALS = 4, /* a mutator's weak cells */
    TINY_STACK = 96 << 10
};

/* Groups of operations; a mode gives each a weight. */
enum group {
    GROUP_PRIVATE,
    GROUP_SHARED,
    GROUP_FIGURE,
    GROUP_STACK,
    GROUP_MAIL,
    GROUP_GARBAGE,
    GROUP_NATIVE,
    GROUP_ATTACH,
    GROUP_COLLECT,
    GROUP_RESERVE,
    GROUP_TOYS,
    GROUP_ATTACHED,
    GROUP_RIGHTS,
    GROUP_LASTING,
    GROUP_FRAMES,
    GROUP_FIBERS,
    GROUP_FORK,
    GROUPS
};

struct mode {
    const char *name;
    unsigned flags;      /* of the heap */
    bool stack;          /* mutators live on C stacks and push no frame */
    size_t limit;        /* heap limit, 0: none */
    unsigned chunk_most; /* most entries of a log chunk, 0: the default */
    size_t figure_most;  /* nodes of the largest figure */
    bool collecting;     /* searches for cycles follow on each other */
    unsigned weights[GROUPS];
};

struct options {
    uint64_t seed;
    double seconds;
    unsigned threads;
    unsigned mutant;
    const char *mode;
};

struct rng {
    uint64_t state;
};

/* Where mutators live one after the other; what the watchdog looks at. */
struct place {
    uint64_t operations; /* and allocations, of which some operations make many */
    const char *operation;
};

/* One heap and what the threads share. */
struct world {
    const struct mode *mode;
    struct options options;
    uint64_t seed; /* of this heap */
    eddy_heap *heap;
    const eddy_type *types[SHAPES_MOST];
    void *roots[ROOTS];
    void *stacks[STACKS];
    void *boxes[BOXES];
    void *purses[PURSES];
    const eddy_type *purse;
    void *permanent[PERMANENT];
    uint64_t permanent_objects;
    struct traveller *fibers[FIBERS]; /* on offer */
    void *foreign_kept[PURSES];       /* what foreign code has been handed */
    uint32_t foreign_inside;          /* threads in foreign code */
    uint64_t depth[STACKS];           /* pushes less pops */
    void *mail[MAILBOXES];
    void *pinned[MAILBOXES]; /* objects with a pin for whoever takes them out */
    eddy_finalizer_queue *queue;
    uint64_t attached, finalized; /* finalizers; must agree in the end */
    uint32_t stop;
    uint32_t collecting;        /* a mutator waits for a collection */
    uint32_t lives;             /* owner numbers given out */
    uint64_t retains, releases; /* must agree in the end */
    uint64_t out_of_memory, collections, verifications, objects_verified;
    bool tiny_stacks; /* of mutators' threads */
    struct place places[PLACES];
};

enum figure_kind { FIGURE_NONE, FIGURE_LIST, FIGURE_RING, FIGURE_TREE, FIGURE_WEB };

struct figure {
    enum figure_kind kind;
    uint32_t nodes;
    uint64_t base; /* node i has identity base + i */
    bool reversed; /* list or ring: runs from the last node to the first */
};

/* The model of one object that this mutator alone writes. Addresses are kept as their complements, which no
 * conservative scan takes for references. */
struct shadow {
    uint64_t id; /* 0: unused */
    uintptr_t hidden;
    uint32_t slots;
    bool marked;
    uintptr_t *values;
};

struct mutator {
    struct world *world;
    eddy_thread *thread;
    struct rng rng;
    struct place *place;
    uint32_t owner; /* of the objects it alone writes; 1 upwards, never used again */
    uint64_t serial;
    void *slots[SLOTS]; /* LOCALS, FIGURES, TEMPS */
    eddy_frame frame;
    struct figure figures[FIGURES];
    struct weak_local {
        eddy_weak *cell;
        uint64_t id;
    } weak[WEAK_LOCALS];
    struct shadow *shadows; /* SHADOWS */
    uint32_t shadow_hint;
    uint32_t *work;   /* SHADOWS: mark stack */
    uintptr_t *grown; /* what the array that is resized must hold, hidden */
    size_t grown_length;
};

#define OWNER_SHARED 0u
#define OWNER_FROZEN UINT32_MAX
#define FIGURE_SLOT LOCALS
#define TEMP_SLOT (LOCALS + FIGURES)
#define GROWN_SLOT (TEMP_SLOT + TEMPS)

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t next_random(struct rng *rng)
{
    return mix(rng->state += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint32_t below(struct rng *rng, uint32_t bound)
{
    return (uint32_t)((next_random(rng) >> 32) * bound >> 32);
}

static inline bool one_in(struct rng *rng, uint32_t n)
{
    return below(rng, n) == 0;
}

static inline uintptr_t hide(const void *p)
{
    return ~(uintptr_t)p;
}

static inline void *unhide(uintptr_t hidden)
{
    return (void *)~hidden;
}

static inline void print_replay(const struct world *w)
{
    fprintf(stderr, "torture: replay with: test_torture --mode %s --seed %" PRIu64 " --threads %u --seconds %.0f",
            w->mode->name, w->options.seed, w->options.threads, w->options.seconds < 20 ? 20 : w->options.seconds);
    if (w->options.mutant != 0)
        fprintf(stderr, " --mutant %u", w->options.mutant);
    fprintf(stderr, "\n");
}

/* Ends the program: a failure found by `m`, or (NULL) by the supervisor of `w`. */
__attribute__((format(printf, 3, 4))) _Noreturn static void fail(const struct world *w, const struct mutator *m,
                                                                 const char *format, ...)
{
    static uint32_t failing;
    if (EDDY_EXCHANGE_ACQ_REL(&failing, 1) != 0)
        for (;;)
            pause(); /* one report is enough */
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (m != NULL && used >= 0 && (size_t)used < sizeof text)
        snprintf(text + used, sizeof text - (size_t)used, "; mutator %" PRIu32 ", operation %" PRIu64 " of its place (%s)",
                 m->owner, m->place->operations, m->place->operation);
#ifdef FREE_FAILED
    FREE_FAILED(w, text);
#endif
    fprintf(stderr, "torture: FAILED: %s\n", text);
    print_replay(w);
    abort();
}

#endif
