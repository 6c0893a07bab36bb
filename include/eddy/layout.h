/* What the inline fast paths know of Eddy's structures. Internal: names with two underscores may
 * change in any release; use the functions of the other headers.
 *
 * An object's header is the 8 bytes before its address:
 *     bits 63..24  tag: owner number (16 bits) and generation (24 bits); 0 when the object is counted
 *     bits 23..0   type number (16 bits) and flags, of which bit 23 says that the object is permanent (and counted)
 * A thread's current tag has the same position and zero low bits, so "private-current" is one
 * exclusive or and one compare. */
#ifndef EDDY_LAYOUT_H
#define EDDY_LAYOUT_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EDDY__TAG_SHIFT 24
#define EDDY__HEADER_PERMANENT (UINT64_C(1) << 23)
#define EDDY__HEADER_SIZE 8
#define EDDY__CLASSES 38 /* size classes, runtime/heap/sizeclass.c */
#define EDDY__KINDS 3    /* leaf, acyclic, cyclic */
#define EDDY__SLOTS (EDDY__CLASSES * EDDY__KINDS)
#define EDDY__SLOT_NONE EDDY__SLOTS /* a run that is always empty: leads to the slow path */

/* A run of free cells of one size class and kind. `next` == `limit`: used up. Written by the owner;
 * read by the collector when it performs a handshake on the owner's behalf. */
struct eddy__run {
    char *next;
    char *limit;
};

#define EDDY__PINS 256 /* objects whose pins a thread keeps at hand, see pin.h */

/* What a thread has pinned and unpinned in the present epoch. `key` is the object; 0: nothing; with the lowest bit
 * set the object has only been unpinned so far. Written by the owner only. 32 bytes, so that finding one needs no multiplication. */
struct eddy__pin {
    uintptr_t key;
    uint64_t pins, unpins;
    uint64_t unused;
};

/* The beginning of a thread record. Every field is written by the owning thread alone, except that
 * `epoch_word` points to a word that the collector writes, and that others let it point to a word that is no epoch when they
 * want something at the thread's next safepoint; and `rights_token`. */
struct eddy_thread {
    uint64_t tag;               /* current tag, in header position */
    const uint64_t *epoch_word; /* the heap's epoch */
    uint64_t epoch;             /* the epoch this thread is in */
    struct eddy__run runs[EDDY__SLOTS + 1];
    struct eddy__pin pins[EDDY__PINS];
    uint32_t own_key;      /* the right of an object that this thread may write */
    uint32_t own_mask;     /* bits that are zero in that of any object that it may read */
    uint64_t rights_token; /* counts what was taken from it; any thread, release */
    uint64_t safepoints;   /* debug builds: counts possible safepoints */
};

/* The beginning of a type. Constant after registration. */
struct eddy_type {
    uint64_t header; /* low 24 bits of the headers of its objects */
    uint32_t run; /* offset of the run in a thread record; that of EDDY__SLOT_NONE when allocation needs the slow path */
    uint32_t cell; /* bytes of a cell: header and object, a multiple of 16 */
};

/* Every function that is a possible safepoint says so in debug builds, where what a thread may do depends on it. */
#ifdef EDDY_DEBUG
#define EDDY__NOTE_SAFEPOINT(t) ((void)(t)->safepoints++)
#else
#define EDDY__NOTE_SAFEPOINT(t) ((void)0)
#endif

/* The run of free cells from which `t` allocates objects of `type`. */
static inline struct eddy__run *eddy__run_of(eddy_thread *t, const eddy_type *type)
{
    return (struct eddy__run *)(void *)((char *)t + type->run);
}

static inline uint64_t *eddy__header(const void *object)
{
    return (uint64_t *)((uintptr_t)object - EDDY__HEADER_SIZE);
}

/* Whether `object` is private-current of `t` (invariant I1 lets its owner then do as it likes). */
static inline bool eddy__is_own(const eddy_thread *t, const void *object)
{
    return (EDDY_LOAD_RELAXED(eddy__header(object)) ^ t->tag) >> EDDY__TAG_SHIFT == 0;
}

#ifdef __cplusplus
}
#endif

#endif
