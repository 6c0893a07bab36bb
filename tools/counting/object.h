/* The object model that all strategies share, and what workloads and tests do with it.
 *
 * An object is a number, a text, or an array of references. References are *owned* (one count) or borrowed (valid as long as
 * whatever owns it stays). With Eddy what is on the stack owns nothing, and lives all the same. All operations are inline:
 *
 *   lab_new_int, _text, _array   owned; slots are NULL
 *   lab_retain, lab_release      of a reference on the stack
 *   lab_init                     fills an empty slot of an array of the thread's own; the array takes the owned reference over
 *   lab_set                      the same for any slot: what was there is released
 *   lab_get                      borrowed, from an array that nobody writes meanwhile
 *   lab_get_shared, lab_set_shared  for arrays that several threads read and write; owned
 *   lab_hold, lab_unhold         keeps an object for other threads, or across everything: a reference in plain memory
 *   lab_permanent                makes a new object, and what it refers to, permanent if the strategy can
 *   lab_pair                     the pair whose cost is measured: one reference more, one less
 *   lab_poll                     a safepoint; lab_block, lab_unblock around waits
 *   lab_open, lab_close, lab_attach, lab_detach
 *   lab_settle                   everything that is dead and was put off is destroyed, if nobody else is active */
#ifndef OBJECT_H
#define OBJECT_H

#include "count.h"

/* Words that memory of the dead does not hold. */
enum lab_kind { LAB_INT = 0x1a01, LAB_TEXT = 0x1a02, LAB_ARRAY = 0x1a03 };

enum { LAB_TEXT_LENGTH = 96, LAB_TEXT_WORDS = 1 + LAB_TEXT_LENGTH / 8 }; /* hash, characters */

/* Lengths of arrays that can be made: up to 8, and these. */
enum { LAB_SMALL = 8, LAB_MIDDLE = 64, LAB_LARGE = 1024 };

#ifdef COUNT_CHECKED
#define LAB_CHECK(object)                                                                                              \
    ((object)->kind >= LAB_INT && (object)->kind <= LAB_ARRAY ? (void)0 : count_fatal("a dead object is used"))
#else
#define LAB_CHECK(object) ((void)0)
#endif

#include COUNT_STRATEGY

#ifdef COUNT_EDDY
#include "object_eddy.h"
#else
#include "object_counted.h"
#endif

/* The payload of numbers and texts. */
static inline int64_t lab_int(const struct object *o)
{
    return (int64_t)(intptr_t)o->slots[0];
}

static inline const char *lab_text(const struct object *o)
{
    return (const char *)&o->slots[1];
}

/* A fast random generator (xorshift64*; Vigna, ACM TOMS 42, 2016); `state` must not be zero. */
static inline uint64_t lab_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
