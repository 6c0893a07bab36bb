/* Allocation.
 *
 * All functions: return an object whose bytes are zero, whose address is a multiple of 16 and never
 * changes, and which nobody frees by hand. Are safepoints. Return NULL when memory has run out even
 * after a last collection (eddy_thread_error says EDDY_ENOMEM) or an argument is out of range
 * (EDDY_EINVAL). Own thread only. Cost: about ten instructions while the thread's run of free cells
 * lasts; then a lock-free look for the next run; when the heap limit is near, a wait that is counted
 * as a stall. Objects above 8 KiB come from the large-object space and cost a call of its allocator. */
#ifndef EDDY_ALLOC_H
#define EDDY_ALLOC_H

#include "eddy/layout.h"
#include "eddy/type.h"

#ifdef __cplusplus
extern "C" {
#endif

EDDY_API void *eddy__alloc_slow(eddy_thread *t, const eddy_type *type);
EDDY_API void *eddy__alloc_tail(eddy_thread *t, const eddy_type *type, size_t length);

/* Writes header and zeros into a cell; unrolled stores, because gcc makes a slow string instruction of
 * a small memset. The header is a relaxed atomic store: the collector's filter may be reading it. */
static inline void *eddy__cell_init(char *cell, uint64_t header, size_t bytes)
{
    typedef uint64_t eddy__pair __attribute__((vector_size(16), may_alias));
    EDDY_STORE_RELAXED((uint64_t *)(void *)cell, header);
    const eddy__pair zero = {0, 0};
    char *object = cell + EDDY__HEADER_SIZE;
    char *end = cell + bytes - 8;
    char *p = object;
    while (p != end) {
        *(eddy__pair *)(void *)p = zero;
        p += 16;
    }
    *(uint64_t *)(void *)p = 0;
    return object;
}

/* Allocates an object of a type without a tail; of a type with one, an object whose tail has no elements. NULL: EDDY_ENOMEM. Own
 * thread; a safepoint. Cost: about ten instructions, mostly. */
static inline void *eddy_alloc(eddy_thread *t, const eddy_type *type)
{
    EDDY__NOTE_SAFEPOINT(t);
    struct eddy__run *run = eddy__run_of(t, type);
    char *cell = run->next;
    if (EDDY_UNLIKELY(cell == run->limit))
        return eddy__alloc_slow(t, type);
    EDDY_STORE_RELAXED(&run->next, cell + type->cell);
    return eddy__cell_init(cell, t->tag | type->header, type->cell);
}

/* Allocates an object of a type without a tail, as eddy_alloc, for a size the compiler knows: `size` is sizeof of the structure
 * that `type` describes, and must be its registered size, which is not checked; the clearing is unrolled. NULL: EDDY_ENOMEM. Own
 * thread; a safepoint. */
static inline void *eddy_alloc_sized(eddy_thread *t, const eddy_type *type, size_t size)
{
    EDDY__NOTE_SAFEPOINT(t);
    struct eddy__run *run = eddy__run_of(t, type);
    char *cell = run->next;
    if (EDDY_UNLIKELY(cell == run->limit))
        return eddy__alloc_slow(t, type);
    if (size <= 120) {
        size_t bytes = (size + EDDY__HEADER_SIZE + 15) & ~(size_t)15;
        if (bytes < 16)
            bytes = 16;
        EDDY_STORE_RELAXED(&run->next, cell + bytes);
        return eddy__cell_init(cell, t->tag | type->header, bytes);
    }
    EDDY_STORE_RELAXED(&run->next, cell + type->cell);
    return eddy__cell_init(cell, t->tag | type->header, type->cell);
}

/* Allocates an object of a type with a tail of `length` elements, 0 allowed. NULL: EDDY_ENOMEM, or EDDY_EINVAL for a type
 * without a tail and a length whose size overflows. Own thread; a safepoint. */
static inline void *eddy_alloc_tail(eddy_thread *t, const eddy_type *type, size_t length)
{
    return eddy__alloc_tail(t, type, length);
}

/* Allocates an array of `length` reference slots, 0 allowed. NULL: EDDY_ENOMEM, or EDDY_EINVAL for a length whose size
 * overflows. Own thread; a safepoint. */
EDDY_API eddy_array *eddy_alloc_array(eddy_thread *t, size_t length);

/* Allocates `size` bytes without references. Size 0 gives a distinct object of 8 usable bytes. NULL: EDDY_ENOMEM, or EDDY_EINVAL
 * for a size that overflows. Own thread; a safepoint. */
EDDY_API void *eddy_alloc_bytes(eddy_thread *t, size_t size);

/* Changes the length of an object of a type with a tail, or the bytes of one of eddy_alloc_bytes. Returns the object, resized in
 * place, if that is possible: always when it shrinks or its cell has room, else when it is large and the memory behind it
 * is free. Otherwise returns *another* object of the same type, with a copy of the contents, and leaves the old one as it
 * is: references to it, in fields, handles and other variables, still lead there, and keep it alive. The program stores the new
 * address where the old one was, as after realloc. Elements that are added are zero. (Of eddy_alloc_bytes: those within the
 * usable bytes are as the program left them.)
 * No other thread may store into the object, or use the tail, meanwhile. A safepoint, which the object survives. NULL, changing
 * nothing: EDDY_ENOMEM; EDDY_EINVAL: the type has no tail, the size overflows, the object is permanent, or it has a trace
 * callback and would have to move. Cost: in proportion to what is copied or cleared, in pieces with safepoints between
 * them. An array of references keeps its memory when it shrinks; other large objects give it back when less than half of
 * it is used. */
EDDY_API void *eddy_resize(eddy_thread *t, void *object, size_t length);

/* Usable bytes of an object: at least what was asked for; 0 for a permanent object that is not of this heap. Any
 * thread that can reach the object; not a safepoint. */
EDDY_API size_t eddy_object_size(eddy_heap *heap, const void *object);

/* The type of an object; NULL for a permanent object that is not of this heap. Any thread that can reach it; not a
 * safepoint. */
EDDY_API const eddy_type *eddy_object_type(eddy_heap *heap, const void *object);

/* The object that contains an address, or NULL when none does (free cells included). With interior
 * addresses whatever the heap's flags are. The answer is exact for objects the caller can reach; for
 * others it is a snapshot. Any attached thread, not a safepoint. Cost: some loads and a division. */
EDDY_API void *eddy_object_at(eddy_heap *heap, const void *address);

#ifdef __cplusplus
}
#endif

#endif
