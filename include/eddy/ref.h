/* Reading and writing reference fields.
 *
 * `object` is the object that contains `field`; `value` is an object of the same heap or NULL. Own
 * thread only; permanent objects: see permanent.h. A store into an object that only this thread can reach (the usual case for a new
 * object) is one compare and one plain store. A store into an object that others may reach logs one
 * increment and one decrement; it is then a *possible safepoint* (it may wait for log space), unless
 * entries were reserved with eddy_reserve. Fields of one object may be written by several threads at
 * once: every store takes effect, in some order. Debug builds check that `object` and `value` are
 * objects and that `field` is inside `object`, and call the misuse handler if not. */
#ifndef EDDY_REF_H
#define EDDY_REF_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

EDDY_API void eddy__store_slow(eddy_thread *t, void *object, void **field, void *value);
EDDY_API void *eddy__exchange_slow(eddy_thread *t, void *object, void **field, void *value);
EDDY_API bool eddy__cas_slow(eddy_thread *t, void *object, void **field, void *expected, void *value);
EDDY_API void eddy__check_store(eddy_thread *t, const void *object, void *const *field, const void *value);

#ifdef EDDY_DEBUG
#define EDDY__CHECK_STORE(t, object, field, value) eddy__check_store((t), (object), (field), (value))
#else
#define EDDY__CHECK_STORE(t, object, field, value) ((void)0)
#endif

/* Reads a field: an acquire load, no barrier. What it returns is held by the caller's stack or a frame, or not at all. Own
 * thread; not a safepoint. */
static inline void *eddy_load(eddy_thread *t, void *const *field)
{
    (void)t;
    return EDDY_LOAD_ACQUIRE(field);
}

/* Writes a field. `value` may be NULL. Own thread; a possible safepoint, which all arguments survive. Never fails; storing into
 * a permanent object calls the misuse handler. Cost: a load and a compare more than a plain store while only this thread can
 * reach `object`; else an atomic exchange and two log entries. */
static inline void eddy_store(eddy_thread *t, void *object, void **field, void *value)
{
    EDDY__CHECK_STORE(t, object, field, value);
    if (EDDY_LIKELY(eddy__is_own(t, object)))
        EDDY_STORE_RELAXED(field, value);
    else
        eddy__store_slow(t, object, field, value);
}

/* Writes a field and returns what it held, atomically, with respect to all other stores. Own thread; a possible safepoint,
 * before it looks at the field. Never fails; cost as of eddy_store. */
static inline void *eddy_exchange(eddy_thread *t, void *object, void **field, void *value)
{
    EDDY__CHECK_STORE(t, object, field, value);
    if (EDDY_LIKELY(eddy__is_own(t, object))) {
        void *old = EDDY_LOAD_RELAXED(field);
        EDDY_STORE_RELAXED(field, value);
        return old;
    }
    return eddy__exchange_slow(t, object, field, value);
}

/* Writes `value` if the field holds `expected`, atomically; says whether it did. Strong: false means that the field held something
 * else. Own thread; a possible safepoint, before it looks at the field. Cost as of eddy_store. */
static inline bool eddy_compare_and_swap(eddy_thread *t, void *object, void **field, void *expected, void *value)
{
    EDDY__CHECK_STORE(t, object, field, value);
    if (EDDY_LIKELY(eddy__is_own(t, object))) {
        if (EDDY_LOAD_RELAXED(field) != expected)
            return false;
        EDDY_STORE_RELAXED(field, value);
        return true;
    }
    return eddy__cas_slow(t, object, field, expected, value);
}

/* eddy_store with the member's name: EDDY_SET(t, node, left, child) for node->left = child. The member must be a pointer. `object`
 * is evaluated twice. */
#define EDDY_SET(t, object, member, value)                                                                             \
    eddy_store((t), (object), (void **)(void *)&(object)->member, (void *)(value))
/* eddy_load with the member's name, and of its type: EDDY_GET(t, node, left) for node->left. The member must be a pointer. */
#define EDDY_GET(t, object, member)                                                                                    \
    ((__typeof__((object)->member))eddy_load((t), (void *const *)(const void *)&(object)->member))

/* ---- fields that hold words: types with an encoding (type.h) ---- */

EDDY_API void eddy__store_tagged_slow(eddy_thread *t, void *object, uintptr_t *field, uintptr_t word);
EDDY_API uintptr_t eddy__exchange_tagged_slow(eddy_thread *t, void *object, uintptr_t *field, uintptr_t word);
EDDY_API bool eddy__cas_tagged_slow(eddy_thread *t, void *object, uintptr_t *field, uintptr_t expected, uintptr_t word);
EDDY_API void eddy__check_store_tagged(eddy_thread *t, const void *object, const uintptr_t *field, uintptr_t word);

#ifdef EDDY_DEBUG
#define EDDY__CHECK_STORE_TAGGED(t, object, field, word) eddy__check_store_tagged((t), (object), (field), (word))
#else
#define EDDY__CHECK_STORE_TAGGED(t, object, field, word) ((void)0)
#endif

/* Reads a field that holds a word: an acquire load, no barrier. A word is no root: what holds an object on the stack or in a
 * handle is its address (eddy_decode). Own thread; not a safepoint. */
static inline uintptr_t eddy_load_tagged(eddy_thread *t, const uintptr_t *field)
{
    (void)t;
    return EDDY_LOAD_ACQUIRE(field);
}

/* Writes a field that holds a word. What the word refers to must be an object of the same heap, or no address of the heap at
 * all. Own thread; a possible safepoint, which `object` and what the word refers to survive. Never fails. Cost: that of
 * eddy_store, for words that are no references, too. Debug builds call the misuse handler for an `object` whose type has no
 * encoding, and eddy_store for one whose type has. */
static inline void eddy_store_tagged(eddy_thread *t, void *object, uintptr_t *field, uintptr_t word)
{
    EDDY__CHECK_STORE_TAGGED(t, object, field, word);
    if (EDDY_LIKELY(eddy__is_own(t, object)))
        EDDY_STORE_RELAXED(field, word);
    else
        eddy__store_tagged_slow(t, object, field, word);
}

/* Writes a field that holds a word and returns the word it held, atomically. Own thread; a possible safepoint, before it looks at
 * the field. Otherwise as eddy_store_tagged. */
static inline uintptr_t eddy_exchange_tagged(eddy_thread *t, void *object, uintptr_t *field, uintptr_t word)
{
    EDDY__CHECK_STORE_TAGGED(t, object, field, word);
    if (EDDY_LIKELY(eddy__is_own(t, object))) {
        uintptr_t old = EDDY_LOAD_RELAXED(field);
        EDDY_STORE_RELAXED(field, word);
        return old;
    }
    return eddy__exchange_tagged_slow(t, object, field, word);
}

/* Writes `word` if the field holds the word `expected`, bit by bit, atomically; says whether it did. Own thread; a possible
 * safepoint, before it looks at the field. Otherwise as eddy_store_tagged. */
static inline bool eddy_compare_and_swap_tagged(eddy_thread *t, void *object, uintptr_t *field, uintptr_t expected,
                                                uintptr_t word)
{
    EDDY__CHECK_STORE_TAGGED(t, object, field, word);
    if (EDDY_LIKELY(eddy__is_own(t, object))) {
        if (EDDY_LOAD_RELAXED(field) != expected)
            return false;
        EDDY_STORE_RELAXED(field, word);
        return true;
    }
    return eddy__cas_tagged_slow(t, object, field, expected, word);
}

/* Copies `n` reference fields from `source` (inside any object, or plain memory that holds rooted
 * references) to `target` inside `object`. The ranges may overlap: the result is as if the source had
 * been read first (memmove), provided no other thread writes them meanwhile. Word by word atomic.
 * Works in pieces with safepoints between them, so `object` and, if it is an object, `source_object`
 * (may be NULL) must be given: both are held. If the type of `object` has an encoding, the fields of both are words of that
 * encoding. Own thread. Cost: a store for each field. */
EDDY_API void eddy_copy_refs(eddy_thread *t, void *object, void **target, void *source_object, void *const *source,
                             size_t n);

/* Sets `n` reference fields of `object`, `target` and those behind it, to `value`: an object, NULL, or a word of the
 * encoding if the type of `object` has one. In pieces, with safepoints between them; `object` and `value` are held. Own
 * thread. Cost: a store for each field. */
EDDY_API void eddy_fill_refs(eddy_thread *t, void *object, void **target, void *value, size_t n);

/* Reserves log space for `n` counted stores (at most 64: more are as 64), so that they are no safepoints as long as
 * the thread passes no other safepoint. Own thread; a safepoint itself; may wait for log space. Never fails. */
EDDY_API void eddy_reserve(eddy_thread *t, unsigned n);

#ifdef __cplusplus
}
#endif

#endif
