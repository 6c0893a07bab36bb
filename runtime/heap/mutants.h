/* Deliberate bugs and interleaving hooks, for tests of the tests.
 *
 * In builds with EDDY_HOOKS one binary holds every wrong variant of docs/design.md section 9; a test
 * switches one on at run time and must then see a failure. In all other builds MUTANT() is the
 * constant 0 and HOOK() nothing. HOOK(point) calls a function of the test between two steps of the
 * protocol, on the thread that takes them. */
#ifndef EDDY_RUNTIME_HEAP_MUTANTS_H
#define EDDY_RUNTIME_HEAP_MUTANTS_H

#include "eddy/base.h"

enum eddy__mutant {
    MUTANT_NONE = 0,
    MUTANT_DEC_NOW,          /* decs applied in their own epoch (I5) */
    MUTANT_NO_DRAIN,         /* step 1 without the drain */
    MUTANT_CAS_FIRST,        /* promotion: header counted before the incs of its fields are pushed */
    MUTANT_NO_COMPENSATION,  /* lost promotion: incs are not taken back */
    MUTANT_NO_BUMP,          /* publish without bump */
    MUTANT_NO_DELTA,         /* cycles: delta test left out */
    MUTANT_NO_SIGMA,         /* cycles: sigma test left out */
    MUTANT_TEST_NOW,         /* cycles: both tests at once, no epoch between */
    MUTANT_DROP_ON_OVERFLOW, /* log full: the inc is dropped */
    MUTANT_FORWARD_ORDER,    /* candidates freed in the order they were found */
    MUTANT_NO_RELEASE,       /* failed candidate with members at count zero: members not released */
    MUTANT_FILTER_ANY,       /* conservative filter accepts any private word */
    MUTANT_FILTER_EARLY,     /* conservative filter before the drain, no drain afterwards */
    MUTANT_STICKY_COUNT,     /* count bytes wrap instead of overflowing into the table */
    MUTANT_NO_FIRST_INC,     /* promoted object without its own inc/dec pair (I6) */
    MUTANT_SWEEP_EARLY,      /* young blocks of the epoch that still runs are swept */
    MUTANT_UNPIN_NOW,        /* unpins applied in their own epoch (I5) */
    MUTANT_PIN_PRIVATE,      /* a first pin does not publish */
    MUTANT_PINS_NETTED,      /* pins and unpins of one thread in one epoch cancel out */
    MUTANT_PINS_LOST,        /* the end of a thread forgets what it pinned in its last epoch */
    MUTANT_PINS_ASLEEP,      /* a thread that goes into native state keeps its pins to itself */
    MUTANT_HIGH_WATERMARK,   /* frames: a pop leaves the watermark where it is */
    MUTANT_SET_HIGH,         /* frames: so does a store into an older frame */
    MUTANT_STABLE_NOW,       /* frames: handles that are replaced are uncounted before the new ones are counted */
    MUTANT_FIBER_BLIND,      /* fibers: a suspended one is no root */
    MUTANT_RESUME_CANCELS,   /* fibers: one that is taken up in a later epoch was no root in the earlier one either */
    MUTANT_RESUME_BEHIND,    /* fibers: taken by a thread that is in an earlier epoch than it was left in */
    MUTANT_OFFER_CURRENT,    /* fibers: offered without a bump */
    MUTANT_TAGGED_RAW,       /* words: the object that a stored word refers to is not counted */
    MUTANT_COUNT
};

enum eddy__hook_point {
    HOOK_STORE_CHECKED,     /* a counted store knows the tags, nothing pushed yet */
    HOOK_STORE_PUSHED,      /* inc pushed, exchange not done */
    HOOK_STORE_EXCHANGED,   /* exchange done, dec not pushed */
    HOOK_PROMOTE_READ,      /* mutator has pushed the incs of a promotion, CAS not done */
    HOOK_COLLECTOR_PROMOTE, /* collector has read the fields of a promotion, CAS not done */
    HOOK_STEP_INCS,         /* collector: before step 1 */
    HOOK_STEP_DRAIN,        /* before a drain round */
    HOOK_STEP_DECS,         /* before step 2 */
    HOOK_STEP_SWEEP,        /* before step 3 */
    HOOK_CYCLE_PREPARED,    /* a sigma preparation has just ended */
    HOOK_SLICE,             /* collector: before each step of a search for cycles, and of releasing */
    HOOK_NATIVE_CAPTURED,   /* collector: has read what a sleeping thread (subject) hands over, compare-and-swap not done */
    HOOK_NATIVE_ENTERING,   /* mutator: has recorded its roots, still counts as running */
    HOOK_NATIVE_LEFT        /* mutator: counts as running again, has not caught up with the epoch */
};

#ifdef EDDY_HOOKS
EDDY_API extern int eddy__mutant;
EDDY_API extern void (*eddy__hook)(enum eddy__hook_point point, void *subject);
/* When not 0: counts down at every attempt to take memory from below (blocks, large objects, log chunks,
 * tables); the attempt that brings it to 0 fails, and with eddy__fail_for_good all later ones, except
 * of the collector's work lists and of root buffers, which wait until they get theirs. */
EDDY_API extern uint32_t eddy__fail_countdown;
EDDY_API extern uint32_t eddy__fail_for_good;
bool eddy__fails_now(void);
/* When not 0: work that can be put off ends after so many steps in every epoch. */
EDDY_API extern uint32_t eddy__slice_steps;
/* When not 0: a portion of a search for cycles begins from so many candidate roots. */
EDDY_API extern uint32_t eddy__portion_roots;
#define FAILS_NOW() eddy__fails_now()
/* For what waits until it succeeds. */
#define FAILS_ONCE() (EDDY_LOAD_RELAXED(&eddy__fail_for_good) == 0 && eddy__fails_now())
#define SLICE_STEPS() EDDY_LOAD_RELAXED(&eddy__slice_steps)
#define PORTION_ROOTS() EDDY_LOAD_RELAXED(&eddy__portion_roots)
#define MUTANT(m) EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&eddy__mutant) == (m))
#define HOOK(point, subject)                                                                                  \
    do {                                                                                                      \
        if (EDDY_UNLIKELY(eddy__hook != NULL))                                                                \
            eddy__hook((point), (subject));                                                                   \
    } while (0)
#else
#define MUTANT(m) 0
#define HOOK(point, subject) ((void)0)
#define FAILS_NOW() false
#define FAILS_ONCE() false
#define SLICE_STEPS() 0u
#define PORTION_ROOTS() 0u
#endif

#endif
