/* For compilers: what generated code must know to allocate, store, poll and pin without a call.
 *
 * Offsets are in bytes, from an `eddy_thread *`, a `const eddy_type *`, a run, an entry of pins or an object. All fields are
 * 64 bits unless said otherwise; ordinary loads and stores of aligned words do (an acquire load where "acquire" is
 * said: ordinary on x86). They hold for the version of Eddy that the code runs with: compare
 * EDDY_JIT_LAYOUT, as compiled in, with eddy_jit_layout() when the program starts.
 *
 *     allocate (t, type)          for types whose objects all have one size; the type may be a constant of the code
 *         run    = t + load32(type + EDDY_JIT_TYPE_RUN)
 *         cell   = load(run + EDDY_JIT_RUN_NEXT)
 *         if cell == load(run + EDDY_JIT_RUN_LIMIT): return eddy_jit_alloc_slow(t, type)       // a safepoint; NULL: failed
 *         bytes  = load32(type + EDDY_JIT_TYPE_CELL)
 *         store(run + EDDY_JIT_RUN_NEXT, cell + bytes)
 *         store(cell, load(t + EDDY_JIT_THREAD_TAG) | load(type + EDDY_JIT_TYPE_HEADER))       // one 64-bit store
 *         clear the bytes from cell + EDDY_JIT_HEADER_SIZE to cell + bytes
 *         return cell + EDDY_JIT_HEADER_SIZE
 *
 *     store (t, object, field, value)
 *         if (load(object - EDDY_JIT_HEADER_SIZE) ^ load(t + EDDY_JIT_THREAD_TAG)) >> EDDY_JIT_TAG_SHIFT == 0:
 *             store(field, value)
 *         else: eddy_jit_store_slow(t, object, field, value)                                   // a possible safepoint
 *
 *     load (field)                an acquire load
 *
 *     poll (t)                    at loop back-edges
 *         if load(load(t + EDDY_JIT_THREAD_EPOCH_WORD)) != load(t + EDDY_JIT_THREAD_EPOCH): eddy_jit_poll_slow(t)
 *
 *     pin (t, object)             unpin: the same with EDDY_JIT_PIN_UNPINS and eddy_jit_unpin_slow
 *         at = ((object + (object >> EDDY_JIT_PIN_SHIFT)) & EDDY_JIT_PIN_MASK) * EDDY_JIT_PIN_SCALE
 *         pin = t + EDDY_JIT_THREAD_PINS + at
 *         if load(pin + EDDY_JIT_PIN_KEY) == object: add 1 to (pin + EDDY_JIT_PIN_PINS)
 *         else: eddy_jit_pin_slow(t, object)
 *
 *     own for writing (t, object)          for arbitrated types (ownership.h)
 *         if load32(object) != load32(t + EDDY_JIT_THREAD_OWN_KEY): eddy_jit_own_write_slow(t, object) // a possible safepoint
 *
 *     own for reading (t, object)
 *         if (load32(object), acquire, & load32(t + EDDY_JIT_THREAD_OWN_MASK)) != 0: eddy_jit_own_read_slow(t, object)
 *
 *     nothing was taken since (t, token)   load(t + EDDY_JIT_THREAD_RIGHTS_TOKEN) == token
 *
 * A store needs no check at all into an object that the code has just allocated, as long as no safepoint lies between.
 * At a safepoint references must be where Eddy finds them: on the C stack or in registers that the
 * called function preserves (conservative roots), or in frames of handles (precise roots). */
#ifndef EDDY_JIT_H
#define EDDY_JIT_H

#include "eddy/alloc.h"
#include "eddy/ownership.h"
#include "eddy/pin.h"
#include "eddy/ref.h"
#include "eddy/thread.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with every change of the constants below. */
#define EDDY_JIT_LAYOUT 2

enum {
    EDDY_JIT_HEADER_SIZE = EDDY__HEADER_SIZE, /* bytes between the beginning of a cell and the object's address */
    EDDY_JIT_TAG_SHIFT = EDDY__TAG_SHIFT,     /* bits of a header below the tag */
    EDDY_JIT_CELL_GRAIN = 16,                 /* cells and addresses of objects are multiples of it */

    EDDY_JIT_THREAD_TAG = offsetof(struct eddy_thread, tag),
    EDDY_JIT_THREAD_EPOCH_WORD = offsetof(struct eddy_thread, epoch_word),
    EDDY_JIT_THREAD_EPOCH = offsetof(struct eddy_thread, epoch),
    EDDY_JIT_THREAD_PINS = offsetof(struct eddy_thread, pins),
    EDDY_JIT_THREAD_OWN_KEY = offsetof(struct eddy_thread, own_key),   /* 32 bits */
    EDDY_JIT_THREAD_OWN_MASK = offsetof(struct eddy_thread, own_mask), /* 32 bits */
    EDDY_JIT_THREAD_RIGHTS_TOKEN = offsetof(struct eddy_thread, rights_token),

    EDDY_JIT_TYPE_HEADER = offsetof(struct eddy_type, header),
    EDDY_JIT_TYPE_RUN = offsetof(struct eddy_type, run),   /* 32 bits */
    EDDY_JIT_TYPE_CELL = offsetof(struct eddy_type, cell), /* 32 bits */

    EDDY_JIT_RUN_NEXT = offsetof(struct eddy__run, next),
    EDDY_JIT_RUN_LIMIT = offsetof(struct eddy__run, limit),

    EDDY_JIT_PIN_KEY = offsetof(struct eddy__pin, key),
    EDDY_JIT_PIN_PINS = offsetof(struct eddy__pin, pins),
    EDDY_JIT_PIN_UNPINS = offsetof(struct eddy__pin, unpins),
    EDDY_JIT_PIN_SHIFT = 7,
    EDDY_JIT_PIN_MASK = (EDDY__PINS - 1) * 16,
    EDDY_JIT_PIN_SCALE = sizeof(struct eddy__pin) / 16
};

/* EDDY_JIT_LAYOUT of the library that is running. Any thread, not a safepoint. */
EDDY_API unsigned eddy_jit_layout(void);

/* The slow path of an allocation; does the whole of it. `type` is one whose objects all have one size. NULL when memory has run
 * out (eddy_thread_error). Own thread; a safepoint. */
static inline void *eddy_jit_alloc_slow(eddy_thread *t, const eddy_type *type)
{
    return eddy__alloc_slow(t, type);
}
/* The slow path of a store; does the whole of it, as eddy_store. Own thread; a possible safepoint. */
static inline void eddy_jit_store_slow(eddy_thread *t, void *object, void **field, void *value)
{
    eddy__store_slow(t, object, field, value);
}
/* The slow path of a poll. Own thread; a safepoint. */
static inline void eddy_jit_poll_slow(eddy_thread *t)
{
    eddy__safepoint_slow(t);
}
/* The slow path of a pin; does the whole of it, as eddy_pin. NULL is allowed. Own thread; a possible safepoint. */
static inline void eddy_jit_pin_slow(eddy_thread *t, void *object)
{
    eddy__pin_slow(t, object);
}
/* The slow path of an unpin; does the whole of it, as eddy_unpin. NULL is allowed. Own thread; a possible safepoint. */
static inline void eddy_jit_unpin_slow(eddy_thread *t, void *object)
{
    eddy__unpin_slow(t, object);
}
/* The slow path of owning for writing; does the whole of it, as eddy_own_write. Own thread; a possible safepoint. */
static inline void eddy_jit_own_write_slow(eddy_thread *t, void *object)
{
    eddy__own_write_slow(t, object);
}
/* The slow path of owning for reading; does the whole of it, as eddy_own_read. Own thread; a possible safepoint. */
static inline void eddy_jit_own_read_slow(eddy_thread *t, const void *object)
{
    eddy__own_read_slow(t, object);
}

#ifdef __cplusplus
}
#endif

#endif
