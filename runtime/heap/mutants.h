/* Deliberate bugs and interleaving hooks, for tests of the tests.
 *
 * In builds with EDDY_HOOKS one binary holds every wrong variant of docs/design.md section 9; a test
 * switches one on at run time and must then see a failure. In all other builds MUTANT() is the
 * constant 0 and HOOK() nothing. HOOK(point) calls a function of the test between two steps of the
 * protocol, on the thread that takes them. Builds that measure coverage have the hooks alone. */
#ifndef EDDY_RUNTIME_HEAP_MUTANTS_H
#define EDDY_RUNTIME_HEAP_MUTANTS_H

#include "eddy/base.h"

/* X(name, what is wrong). Up to WEAK_SEEN_EVER each has a scenario of its own (tests/mutants_….c); eddy-fuzz finds all.
 * Those of rights, the last ones, have scenarios only. */
#define EDDY_MUTANTS(X)                                                                                                \
    X(DEC_NOW, "decs applied in their own epoch (I5)")                                                                 \
    X(NO_DRAIN, "step 1 without the drain")                                                                            \
    X(CAS_FIRST, "promotion: header counted before the incs of its fields are pushed")                                 \
    X(NO_COMPENSATION, "lost promotion: incs are not taken back")                                                      \
    X(NO_BUMP, "publish without bump")                                                                                 \
    X(NO_DELTA, "cycles: delta test left out")                                                                         \
    X(NO_SIGMA, "cycles: sigma test left out")                                                                         \
    X(TEST_NOW, "cycles: both tests at once, no epoch between")                                                        \
    X(DROP_ON_OVERFLOW, "log full: the inc is dropped")                                                                \
    X(FORWARD_ORDER, "candidates freed in the order they were found")                                                  \
    X(NO_RELEASE, "failed candidate with members at count zero: members not released")                                 \
    X(FILTER_ANY, "conservative filter accepts any private word")                                                      \
    X(FILTER_EARLY, "conservative filter before the drain, no drain afterwards")                                       \
    X(STICKY_COUNT, "count bytes wrap instead of overflowing into the table")                                          \
    X(NO_FIRST_INC, "promoted object without its own inc/dec pair (I6)")                                               \
    X(SWEEP_EARLY, "young blocks of the epoch that still runs are swept")                                              \
    X(UNPIN_NOW, "unpins applied in their own epoch (I5)")                                                             \
    X(PIN_PRIVATE, "a first pin does not publish")                                                                     \
    X(PINS_NETTED, "pins and unpins of one thread in one epoch cancel out")                                            \
    X(PINS_LOST, "the end of a thread forgets what it pinned in its last epoch")                                       \
    X(PINS_ASLEEP, "a thread that goes into native state keeps its pins to itself")                                    \
    X(HIGH_WATERMARK, "frames: a pop leaves the watermark where it is")                                                \
    X(SET_HIGH, "frames: so does a store into an older frame")                                                         \
    X(STABLE_NOW, "frames: handles that are replaced are uncounted before the new ones are counted")                   \
    X(FIBER_BLIND, "fibers: a suspended one is no root")                                                               \
    X(RESUME_CANCELS, "fibers: one that is taken up in a later epoch was no root in the earlier one either")           \
    X(RESUME_BEHIND, "fibers: taken by a thread that is in an earlier epoch than it was left in")                      \
    X(OFFER_CURRENT, "fibers: offered without a bump")                                                                 \
    X(TAGGED_RAW, "words: the object that a stored word refers to is not counted")                                     \
    X(ATTACH_PRIVATE, "what is attached to a private object does not make it counted (I9)")                            \
    X(WEAK_AT_ONCE, "weak: a cell that has just been loaded is decided on at count zero, without a hold")              \
    X(WEAK_LATE_PUSH, "weak: a rescue pushes its inc first, then looks whether the cell was cleared")                  \
    X(WEAK_EACH, "weak: the cells of a candidate are decided on one by one")                                           \
    X(WEAK_NO_WINDOW, "weak: a candidate with cells that have just been loaded is decided on at once")                 \
    X(FINALIZE_EARLY, "finalizers of a cycle are queued before its weak cells are cleared")                            \
    X(GROW_PRIVATE, "resize: an object that is not counted gets more references than promotion copies")                \
    X(EDGE_NOW, "ephemerons: the value of a dropped one is decremented in the same epoch")                             \
    X(EDGE_NO_TOUCH, "ephemerons: dropping one does not fail the delta test of a candidate with its value")            \
    X(EDGE_UNRELEASED, "ephemerons: a dying key does not give its value up")                                           \
    X(EDGE_UNSEEN, "ephemerons: the search for cycles does not enter keys of types without references")                \
    X(PERMANENT_COUNTED, "header says permanent, the count goes on")                                                   \
    X(PERMANENT_SHALLOW, "what a permanent object refers to is not made permanent")                                    \
    X(FORK_DROP_INCS, "child: what vanished threads had published and nobody had applied is thrown away")              \
    X(WEAK_SEEN_EVER, "weak: what a thread has loaded in an earlier epoch needs no inc and dec either")                \
    X(PUBLISH_NO_FIELDS, "publish: the incs of the fields are not pushed")                                             \
    X(PUBLISH_FIRST_ONLY, "publish of a closure: only its first object becomes counted")                               \
    X(STORE_NO_DEC, "a counted store forgets the dec of what it overwrites")                                           \
    X(STORE_INC_OF_OLD, "a counted store pushes the inc of a value that is already counted twice")                     \
    X(CAS_KEEPS_INC, "failed compare-and-swap: the inc is not taken back")                                             \
    X(CAS_DEC_VALUE, "successful compare-and-swap: the dec is that of the new value")                                  \
    X(PROMOTE_SKIPS_LAST, "self-promotion leaves out the last field")                                                  \
    X(COUNTED_BIT, "log entries say \"counted\" of every object")                                                      \
    X(COLLECTOR_PROMOTES_PLAINLY, "the collector promotes by a plain store, not by compare-and-swap")                  \
    X(DRAIN_ONCE, "the drain ends after one round")                                                                    \
    X(DRAIN_OWN_EPOCH, "the drain leaves out threads that have joined in the next epoch")                              \
    X(HANDSHAKE_NO_BUMP, "handshake without a bump of the tag")                                                        \
    X(HANDSHAKE_KEEPS_RUN, "handshake does not hand over the blocks that are being allocated into")                    \
    X(ROOTS_TOP_FRAME, "only the top frame of handles is recorded")                                                    \
    X(ROOTS_OFF_BY_ONE, "the last handle of a frame is not recorded")                                                  \
    X(ROOTS_NOT_HELD, "arguments of functions that wait are not recorded")                                             \
    X(ROOTS_ALL_KEPT, "roots of the epoch before are uncounted as if all were roots still")                            \
    X(ROOTS_NOT_UNCOUNTED, "roots of the epoch before stay counted")                                                   \
    X(DEC_MARK_LATE, "the decs of an epoch end where those of the next have got to")                                   \
    X(NATIVE_OLD_ROOTS, "entry into a native region does not record roots anew")                                       \
    X(NATIVE_PLAIN_STORE, "the collector acts for a sleeping thread by a store, not by compare-and-swap")              \
    X(NATIVE_NO_CATCH_UP, "a thread that wakes does not catch up with the epoch")                                      \
    X(CARRY_FORGETS, "a thread that sleeps through an epoch loses its roots")                                          \
    X(NATIVE_RUN_FORGOTTEN, "acting for a thread leaves out the blocks that it allocates into")                        \
    X(DETACH_KEEPS_ROOTS, "a thread that detaches leaves its roots behind")                                            \
    X(RECORD_RECYCLED_EARLY, "records of ended threads are used again before their logs were applied")                 \
    X(ATTACH_NO_JOIN, "a reused record does not join the epoch in hand")                                               \
    X(YOUNG_END_SHORT, "the filter takes the last cell of a block for not yet allocated")                              \
    X(FILTER_INTERIOR, "interior words are refused though the heap accepts them")                                      \
    X(OVERFLOW_OFF_BY_ONE, "a count enters the overflow table one too low")                                            \
    X(OVERFLOW_BACK, "a count leaves the overflow table one too high")                                                 \
    X(LOG_SPAN_SHORT, "the last entry of a full log chunk is not read")                                                \
    X(RESERVE_SHORT, "one entry less than needed is reserved")                                                         \
    X(SLICE_DROPS, "releases that a slice cuts short are forgotten")                                                   \
    X(NO_CANDIDATES, "decrements above zero make no candidate roots while a search is under way")                      \
    X(TAKE_KEEPS_FLAGS, "candidate roots keep their flags when a search begins")                                       \
    X(DISCOVER_SKIPS, "discovery skips the first edge of an object")                                                   \
    X(SCAN_SKIPS, "the scan does not follow the edges of what is referenced from outside")                             \
    X(MARK_STAYS, "what a search knows of a cell outlives the object in it")                                           \
    X(FRONTIER_BLIND, "a search follows what an epoch may have freed meanwhile")                                       \
    X(SPLIT_LOW, "components: an edge to a node on the stack does not lower the number")                               \
    X(ARM_LATE, "the delta test is armed after the counts were copied")                                                \
    X(DELTA_NO_INC, "the delta test does not notice incs")                                                             \
    X(DELTA_NO_DEC, "the delta test does not notice decs")                                                             \
    X(SIGMA_ONE, "the sigma test passes with one reference from outside")                                              \
    X(SIGMA_ALL_EDGES, "sigma: edges into other candidates lower their counts, too")                                   \
    X(RELEASE_LOWERS_NOTHING, "decs that follow from a freed candidate fail the delta test of the next")               \
    X(FREED_KEEPS_OUTSIDE, "a freed candidate does not decrement what it refers to")                                   \
    X(FREED_DROPS_INSIDE, "a freed candidate decrements its own members, too")                                         \
    X(SWEEP_ONE_LIVE, "the young sweep gives back blocks with one live cell")                                          \
    X(LARGE_FREED_YOUNG, "a large object is given back at count zero, before its young sweep")                         \
    X(CELLMAP_LONG, "runs of free cells are one cell too long")                                                        \
    X(CELLMAP_FLAGGED, "cells whose count byte is at most one are taken for free")                                     \
    X(GIVE_LIVE_BLOCK, "blocks are sorted into the pools of free ones by half their cells")                            \
    X(BULK_LAST_RAW, "bulk copies store the last element without the barrier")                                         \
    X(LATE_ASLEEP, "order: that the collector sleeps is visible only after it has looked at the requests")             \
    X(LATE_LEAVE, "order: native state is left by a store, visible late, not by a read-modify-write")                  \
    X(LATE_ENTRY, "order: the end of a log is visible before the entries are")                                         \
    X(LATE_CHUNK_END, "order: what is in a chunk of a log is visible before the end of the chunk before is")           \
    X(LATE_HANDOVER, "order: a handshake is acknowledged before what it hands over is visible")                        \
    X(LATE_HEADER, "order: the inc of a published object is visible before its header says counted")                   \
    X(EARLY_ZERO, "order: the count byte of a freed cell is zero before the last other write to the cell")             \
    X(FINALIZERS_MIXED, "finalizers of the members of a cycle are queued in the order of attaching")                   \
    X(FINALIZED_KEPT, "a finalizer taken from its queue still counts its object")                                      \
    X(DISPOSE_KEEPS, "a disposed object keeps its finalizers, which are run once more")                                \
    X(EXTERNAL_KEPT, "external bytes of dead objects are not written off")                                             \
    X(TABLE_NOT_TOLD, "tables: the death of a key is not told")                                                        \
    X(RANGE_BLIND, "ambiguous ranges are not copied")                                                                  \
    X(RESIZE_SHORT, "resize: a copy lacks the last element")                                                           \
    X(FORK_KEEPS_FRAMES, "child: the frames of vanished threads are not forgotten")                                    \
    X(FORK_PINS_AGAIN, "child: what sleeping threads have pinned is handed over once more")                            \
    X(KIND_MISPLACED, "a block whose kind has changed is not looked for in the pool that it is in")                    \
    X(RIGHT_WAKE_AT_ONCE, "rights: a thread that wakes does not wait for those that take something from it")           \
    X(RIGHT_NO_BARRIER, "rights: what all could read is written without a barrier")                                    \
    X(RIGHT_UNSORTED, "rights to several objects are asked for in the order given")                                    \
    X(RIGHT_TAKE_RUNNING, "rights are taken from a running owner as if it slept")                                      \
    X(RIGHT_ASLEEP_DEAF, "rights: a thread that goes into native state does not look at its queue any more")           \
    X(RIGHT_TOKEN_STAYS, "rights: the token stays the same when something was taken")                                  \
    X(RIGHT_PLAIN_NUMBER, "rights: the owner's code is its bare number")                                               \
    X(RIGHT_KEPT_BEFORE,                                                                                               \
      "rights: what was kept in an acquisition that has ended is waited for to its owner's next end")                  \
    X(RIGHT_LEGACY_PREEMPTED, "the holder of the legacy lock gives away what others ask for")                          \
    X(RIGHT_KEPT_GRANTED, "rights: what is kept is granted to others")                                                 \
    X(RIGHT_STORE_AFTER_WAIT, "rights: a store that waited does not take the right again")                             \
    X(RIGHT_RESTART_KEEPING, "rights: several at once start again without looking at what was put aside")              \
    X(RIGHT_BARRIER_ASKS_ONCE, "rights: a barrier asks only those that are awake when it begins")                      \
    X(RIGHT_BULK, "rights: a bulk operation does not ask again after its safepoints")                                  \
    X(RIGHT_NOT_MARKED, "what is handed to foreign code is not marked")

enum eddy__mutant {
    MUTANT_NONE = 0,
#define EDDY__MUTANT(name, text) MUTANT_##name,
    EDDY_MUTANTS(EDDY__MUTANT)
#undef EDDY__MUTANT
        MUTANT_COUNT
};

/* X(name, where it is). */
#define EDDY_HOOK_POINTS(X)                                                                                            \
    X(STORE_CHECKED, "a counted store knows the tags, nothing pushed yet")                                             \
    X(STORE_PUSHED, "inc pushed, exchange not done")                                                                   \
    X(STORE_EXCHANGED, "exchange done, dec not pushed")                                                                \
    X(PROMOTE_READ, "mutator has pushed the incs of a promotion, CAS not done")                                        \
    X(COLLECTOR_PROMOTE, "collector has read the fields of a promotion, CAS not done")                                 \
    X(STEP_INCS, "collector: before step 1")                                                                           \
    X(STEP_DRAIN, "before a drain round")                                                                              \
    X(STEP_DRAINED, "a drain round has read all logs, has promoted nothing yet")                                       \
    X(STEP_DECS, "before step 2")                                                                                      \
    X(STEP_SWEEP, "before step 3")                                                                                     \
    X(CYCLE_PREPARED, "a sigma preparation has just ended")                                                            \
    X(SLICE, "collector: before each step of a search for cycles, and of releasing")                                   \
    X(NATIVE_CAPTURED, "collector: has read what a sleeping thread (subject) hands over, compare-and-swap not done")   \
    X(NATIVE_ENTERING, "mutator: has recorded its roots, still counts as running")                                     \
    X(NATIVE_LEFT, "mutator: counts as running again, has not caught up with the epoch")                               \
    X(WEAK_SEEN, "mutator: has read the word of a weak cell, nothing done")                                            \
    X(WEAK_RESCUED, "mutator: the word is LIVE, nothing pushed")                                                       \
    X(WEAK_DECIDE, "collector: before the decision on an object that has a hold")                                      \
    X(WEAK_MOVE, "collector: before each weak cell of a candidate is taken over, and before the decision")             \
    X(CELL_FREED, "collector: a cell has just been freed (subject)")                                                   \
    X(STEP_SWEPT, "after step 3")                                                                                      \
    X(EPOCH_ENDS, "an epoch has been processed")                                                                       \
    X(PUBLISH, "a private-current object (subject) is about to be published")                                          \
    X(ROOTS_RECORDED, "mutator: has recorded its roots at a handshake, has not acknowledged it")                       \
    X(RIGHT_FOUND, "mutator: has read who owns an object (subject) that is asked for, not yet whether it is kept")     \
    X(RIGHT_ASKED, "mutator: a request for a right is in the queue of another thread (subject)")                       \
    X(RIGHT_WAIT, "mutator: waits for a right or for a barrier, running")                                              \
    X(RIGHT_TAKING, "mutator: is about to take an object (subject) from a sleeping owner")                             \
    X(RIGHT_WAKING, "mutator: has woken, others are taking something from it")

enum eddy__hook_point {
#define EDDY__POINT(name, text) HOOK_##name,
    EDDY_HOOK_POINTS(EDDY__POINT)
#undef EDDY__POINT
        HOOK_COUNT
};

#define EDDY_MUTANTS_FUZZED                                                                                            \
    MUTANT_RIGHT_LEGACY_PREEMPTED /* the last one that eddy-fuzz finds; scenarios find the others */

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
/* When not 0: turns of a wait for a right before the thread sleeps. */
EDDY_API extern uint32_t eddy__right_spins;
/* A store of a wrong variant that lacks its memory order, and so may become visible after what follows it. Under the scheduler of
 * eddy-fuzz it stays in a store buffer of its thread for a while (tools/fuzz/buffers.c), on any machine; without one it is
 * a relaxed store, whose consequences a thread sanitizer may see. */
EDDY_API extern void (*eddy__buffer_store)(void *where, uint64_t value, unsigned bytes);
#define STORE_LATE(p, v)                                                                                               \
    do {                                                                                                               \
        if (eddy__buffer_store != NULL)                                                                                \
            eddy__buffer_store((p), (uint64_t)(v), sizeof *(p));                                                       \
        else                                                                                                           \
            EDDY_STORE_RELAXED((p), (v));                                                                              \
    } while (0)
#define FAILS_NOW() eddy__fails_now()
/* For what waits until it succeeds. */
#define FAILS_ONCE() (EDDY_LOAD_RELAXED(&eddy__fail_for_good) == 0 && eddy__fails_now())
#define SLICE_STEPS() EDDY_LOAD_RELAXED(&eddy__slice_steps)
#define PORTION_ROOTS() EDDY_LOAD_RELAXED(&eddy__portion_roots)
#define SPINS_FORCED() EDDY_LOAD_RELAXED(&eddy__right_spins)
#ifdef EDDY_COVERAGE /* neither counts as a branch, and no wrong variant as code */
void eddy__arrive(enum eddy__hook_point point, void *subject);
#define MUTANT(m) 0
#define HOOK(point, subject) eddy__arrive((point), (subject))
#else
#define MUTANT(m) EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&eddy__mutant) == (m))
#define HOOK(point, subject)                                                                                           \
    do {                                                                                                               \
        if (EDDY_UNLIKELY(eddy__hook != NULL))                                                                         \
            eddy__hook((point), (subject));                                                                            \
    } while (0)
#endif
#else
#define MUTANT(m) 0
#define STORE_LATE(p, v) ((void)0)
#define HOOK(point, subject) ((void)0)
#define FAILS_NOW() false
#define FAILS_ONCE() false
#define SLICE_STEPS() 0u
#define PORTION_ROOTS() 0u
#define SPINS_FORCED() 0u
#endif

#endif
