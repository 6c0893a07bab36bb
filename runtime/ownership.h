/* Rights to objects of arbitrated types (eddy/ownership.h; design, section 8): what the files runtime/ownership….c share.
 *
 * The right of an object is its first word: code and flags of the owner, or no code. It changes by compare-and-swap only,
 *     owned, not kept      by the owner at a safepoint, or by anybody while the owner sleeps (takers says so)
 *     owned and kept       by the owner; by the holder of the legacy lock at any time
 *     nobody's             by whoever claims it, and passes a barrier before it writes
 *     marked               never again
 * except that the maker of an object that nobody else can reach stores.
 *
 * A request lies in the queue of the owner; whoever has a request in hand settles it: answers, or puts it where somebody
 * is certain to look. A queue is looked at by its thread at safepoints, when its poll has been provoked; at the end of its
 * acquisitions and of foreign code; after it has gone into native state; and by who has put something there and sees that the thread sleeps. */
#ifndef EDDY_RUNTIME_OWNERSHIP_H
#define EDDY_RUNTIME_OWNERSHIP_H

#include "runtime/runtime.h"

#define RIGHT_NUMBER 0xffffu
#define RIGHT_CODE_BITS 16u

enum steal_state { STEAL_WAITING = 0, STEAL_SLEEPING, STEAL_ANSWERED };

/* Calls of a wait that spin, before it sleeps. */
#define RIGHT_SPINS 400u

static inline uint32_t *right_of(const void *object)
{
    return (uint32_t *)(uintptr_t)object;
}

static inline uint32_t right_code(const struct thread *t)
{
    return t->fast.own_key & EDDY__RIGHT_CODE;
}

/* The owner that a right names, or NULL. */
static inline struct thread *right_owner(const eddy_heap *heap, uint32_t right)
{
    return EDDY_LOAD_ACQUIRE(&heap->numbered[right & RIGHT_NUMBER]);
}

/* Claimed by its owner, which waits for the barrier: there may be readers yet. */
static inline bool right_is_claim(uint32_t right)
{
    return (right & (EDDY__RIGHT_KEPT | EDDY__RIGHT_WRITE | EDDY__RIGHT_READS)) == EDDY__RIGHT_KEPT;
}

/* Whether the thread is in native state. A read-modify-write: if it is, then what the caller did before happens
 * before whatever the thread does after it wakes, and the other way round. If it is not, then what the caller did before,
 * seq_cst, is seen by the thread once it is. */
static inline bool right_asleep(struct thread *v)
{
    return WORD_STATE(EDDY_ADD_SEQ_CST(&v->word, 0)) == THREAD_NATIVE;
}

/* Whether it runs foreign code. */
static inline bool right_is_legacy(const struct thread *v)
{
    return EDDY_LOAD_ACQUIRE(&v->heap->legacy_holder) == v->number;
}

/* ---- ownership.c ---- */

/* Gets a right to one object, kept if `keep` is EDDY__RIGHT_KEPT; false if it is marked. Waits. */
bool eddy__own_step(struct thread *t, void *object, bool write, uint32_t keep);
/* Around the acquisition of rights: between them polls end no right that is kept. */
void eddy__own_begin(struct thread *t);
void eddy__own_end(struct thread *t);
void eddy__own_check(struct thread *t, const void *object, const char *function);

/* ---- ownership_queue.c ---- */

/* Takes a right from its owner, or asks for it and waits until there was an answer: the right is to be looked at again. */
void eddy__own_request(struct thread *t, void *object, bool write);
/* The thread's next poll takes the slow path. Any thread. */
void eddy__provoke(struct thread *v);
/* A spin of a wait in running state; true when it is time to sleep. Polls. */
bool eddy__own_spin(struct thread *t, unsigned *spins);

/* ---- ownership_barrier.c ---- */

/* With `claim`, what all could read is about to be written: tokens change. Not for rights that are not kept: waits. */
void eddy__own_barrier(struct thread *t, bool claim);
/* Own thread, at a safepoint. */
void eddy__own_passed(struct thread *t);

/* ---- ownership_check.c ---- */

/* Debug builds: the thread has just got this right, with others. */
void eddy__note_only(struct thread *t, const void *object, bool write);

/* ---- ownership_legacy.c ---- */

/* Whether the thread has the legacy lock. */
static inline bool legacy_has(const struct thread *t)
{
    return t->rights.legacy_depth != 0 || t->rights.borrowed;
}
/* Takes it until the thread's next safepoint, nothing being kept. */
void eddy__legacy_borrow(struct thread *t);
/* Gives that back. */
void eddy__legacy_return(struct thread *t);

#endif
