/* Permanent objects: never freed before their heap is destroyed, never counted, never written by Eddy.
 *
 * Count operations on a permanent object do nothing: no log entry is made for a reference to it that is stored, and
 * neither its header nor its count byte is written. So a forked child that only reads shares its pages with its
 * parent. What a permanent object refers to is permanent, except through the fields of types registered with
 * EDDY_TYPE_MUTABLE, which stay counted references: they keep what is stored into them alive.
 * A store into any other permanent object is refused: the misuse handler is called, in every build.
 * Bytes that are no references may be written by whoever likes. A permanent object is no part of any cycle.
 *
 * Permanent objects may be referred to by objects of several heaps of one process; the heap they belong to must
 * then be destroyed last. Only that heap knows their type and size. */
#ifndef EDDY_PERMANENT_H
#define EDDY_PERMANENT_H

#include "eddy/layout.h"
#include "eddy/type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Allocates an object of a type without a tail that is permanent from the start, as eddy_alloc does one that is not. Its reference
 * fields are null, and are given their values with eddy_permanent_set (or eddy_store, if its type is mutable). NULL: EDDY_ENOMEM or
 * EDDY_EINVAL (eddy_thread_error). Own thread; a safepoint. Cost: that of eddy_alloc, a call more, and one log entry. */
EDDY_API void *eddy_alloc_permanent(eddy_thread *t, const eddy_type *type);

/* Allocates an object of a type with a tail of `length` elements that is permanent from the start; otherwise as
 * eddy_alloc_permanent and eddy_alloc_tail. Own thread; a safepoint. */
EDDY_API void *eddy_alloc_permanent_tail(eddy_thread *t, const eddy_type *type, size_t length);

/* Allocates `size` bytes without references that are permanent from the start; otherwise as eddy_alloc_permanent and
 * eddy_alloc_bytes. Own thread; a safepoint. */
EDDY_API void *eddy_alloc_permanent_bytes(eddy_thread *t, size_t size);

/* Gives a null reference field of a permanent object its value, which must be permanent (or NULL). Once only:
 * EDDY_EBUSY if the field is not null. EDDY_EINVAL if `object` or `value` is not permanent. Atomic; any attached
 * thread; not a safepoint. Cost: a compare-and-swap. */
EDDY_API eddy_status eddy_permanent_set(eddy_thread *t, void *object, void **field, void *value);

/* Makes an object and all it reaches permanent; the fields of mutable types are not followed. Nobody may store into
 * these objects meanwhile: what such a store puts there stays alive, but does not become permanent. Own thread only;
 * a safepoint; waits for the step of the collector in hand, and no epoch is processed until it is done. Cost: about that
 * of promoting every object reached, and a table of them. EDDY_OK (also for what is permanent already, and for NULL),
 * EDDY_ENOMEM (the heap's limit has no room for the table: nothing has changed), EDDY_ETHREAD, EDDY_EDETACHED. */
EDDY_API eddy_status eddy_make_permanent(eddy_thread *t, void *object);

/* Makes everything that is alive permanent, for the end of a start-up phase: collects, then walks the heap. All other
 * attached threads must be in native regions and are held there meanwhile; else EDDY_EBUSY, and nothing has changed,
 * as also while eddy_verify runs. With conservative roots what only an ambiguous word holds becomes permanent, too.
 * Own thread only (EDDY_ETHREAD, EDDY_EDETACHED); a safepoint. Cost: that of eddy_collect, and a visit of every object. */
EDDY_API eddy_status eddy_heap_freeze(eddy_thread *t);

/* Whether an object is permanent. Any thread that can reach it; not a safepoint. One load. */
static inline bool eddy_is_permanent(const void *object)
{
    return (EDDY_LOAD_ACQUIRE(eddy__header(object)) & EDDY__HEADER_PERMANENT) != 0;
}

/* A permanent object laid out by the compiler, outside all heaps and for all of them:
 *
 *     EDDY_STATIC_OBJECT(struct node, tail, {.value = 2});
 *     EDDY_STATIC_OBJECT(struct node, head, {.next = EDDY_STATIC_REF(tail), .value = 1});
 *     ... EDDY_SET(t, object, next, EDDY_STATIC_REF(head)) ...
 *
 * Its references may name other static objects only, or be set with eddy_permanent_set. It has no eddy_type. */
#define EDDY_STATIC_OBJECT(type, name, ...)                                                                            \
    static struct {                                                                                                    \
        uint64_t eddy__padding, eddy__header;                                                                          \
        type object;                                                                                                   \
    } name __attribute__((aligned(16))) = {0, EDDY__HEADER_PERMANENT, __VA_ARGS__}
/* The address of a static object, as reference fields hold it, of its structure's type. A constant expression. */
#define EDDY_STATIC_REF(name) (&(name).object)

#ifdef __cplusplus
}
#endif

#endif
