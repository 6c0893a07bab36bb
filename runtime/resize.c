/* Resizing objects (eddy_resize). In place, the collector may be reading the object meanwhile: slots beyond the length are
 * NULL, so that it sees the same references whichever length it reads; a length never says more than the cell holds. Keeps
 * the bound on what promotion copies: an object that is not counted never gets more references in place. */
#include <string.h>

#include "runtime/heap/edges.h"
#include "runtime/runtime.h"

#define PIECE_BYTES ((size_t)32 << 10)
#define SHRINK_LEAST 2u /* memory is given back when less than one part in so many is used */

/* One call. */
struct resize {
    struct thread *t;
    const struct type *type;
    struct block *b;
    char *object;
    bool bytes;             /* of the type without fields that eddy_alloc_bytes uses: its length is its size */
    bool refs;              /* the tail is an array of references, or of words */
    size_t element, length; /* now */
    size_t wanted;
};

static size_t *length_field(const struct resize *r)
{
    return (size_t *)(void *)(r->object + r->type->length_offset);
}

static char *tail_of(const struct resize *r, size_t index)
{
    return r->object + r->type->size + index * r->element;
}

/* Zeroes what is added of the tail, as far as the program may have used it before, in pieces; the object is held. */
static void clear_tail(const struct resize *r, size_t room)
{
    char *p = tail_of(r, r->length), *end = tail_of(r, r->wanted);
    if (end > r->object + room)
        end = r->object + room;
    for (size_t left = (size_t)(end - p); left != 0;) {
        size_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        memset(p, 0, piece);
        p += piece;
        left -= piece;
        if (left != 0)
            eddy__poll(r->t);
    }
}

static void set_length(const struct resize *r)
{
    if (!r->bytes)
        EDDY_STORE_RELEASE(length_field(r), r->wanted);
}

static void shrink(struct resize *r, size_t size)
{
    if (r->refs)
        eddy_fill_refs(&r->t->fast, r->object, (void **)(void *)tail_of(r, r->wanted), NULL, r->length - r->wanted);
    set_length(r);
    if (r->b->cell == 0 && r->b->kind == KIND_LEAF && size < object_bytes(r->b) / SHRINK_LEAST)
        eddy__large_resize(r->t->heap, r->b, eddy__cell_bytes(size), r->t->fast.epoch);
}

/* Whether the object may have `wanted` elements where it is, as far as promotion is concerned. */
static bool refs_allowed(const struct resize *r)
{
    size_t fixed = r->type->offset_count + (r->type->tagged != NULL ? r->type->tagged->offset_count : 0);
    return !r->refs || fixed + r->wanted <= OBJECT_REFS_BOUND || eddy__is_counted(r->object)
           || MUTANT(MUTANT_GROW_PRIVATE);
}

static bool grow_in_place(struct resize *r, size_t size)
{
    size_t room = object_bytes(r->b);
    if (!refs_allowed(r))
        return false;
    if (size > room) {
        if (r->b->cell != 0 || !eddy__large_resize(r->t->heap, r->b, eddy__cell_bytes(size), r->t->fast.epoch))
            return false;
        uint64_t more = object_bytes(r->b) - room;
        eddy__note_allocation(r->t, more);
        EDDY_SUB_RELAXED(&r->t->heap->unswept, more); /* eddy__large_resize has seen to that */
    }
    if (!r->refs && !r->bytes)
        clear_tail(r, room);
    set_length(r);
    return true;
}

/* ---- a copy ---- */

static bool is_field(const struct type *type, size_t offset)
{
    uint32_t count = type->offset_count + (type->tagged != NULL ? type->tagged->offset_count : 0);
    for (uint32_t i = 0; i < count; i++)
        if (type->offsets[i] == offset)
            return true;
    return false;
}

static void copy_fixed(const struct resize *r, char *copy)
{
    const struct type *type = r->type;
    size_t at = 0;
    for (; at + sizeof(uintptr_t) <= type->size; at += sizeof(uintptr_t)) {
        uintptr_t *to = (uintptr_t *)(void *)(copy + at);
        uintptr_t word = EDDY_LOAD_ACQUIRE((uintptr_t *)(void *)(r->object + at));
        if (!is_field(type, at)) {
            if (at != type->length_offset)
                EDDY_STORE_RELAXED(to, word);
        } else if (type->tagged != NULL) {
            eddy_store_tagged(&r->t->fast, copy, to, word);
        } else {
            eddy_store(&r->t->fast, copy, (void **)(void *)to, (void *)word);
        }
    }
    memcpy(copy + at, r->object + at, type->size - at);
    if (type->arbitrated) { /* nobody else can reach the copy */
        uint32_t marked = EDDY_LOAD_RELAXED((uint32_t *)(void *)copy) & EDDY__RIGHT_MARKED;
        EDDY_STORE_RELAXED((uint32_t *)(void *)copy, marked != 0 ? marked : r->t->fast.own_key);
    }
}

static void copy_bytes(const struct resize *r, char *to, size_t bytes)
{
    const char *from = tail_of(r, 0);
    for (size_t done = 0, piece; done < bytes; done += piece) {
        piece = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
        memcpy(to + done, from + done, piece);
        if (done + piece < bytes)
            eddy__poll(r->t);
    }
}

static void *copy_object(struct resize *r)
{
    eddy_thread *ft = &r->t->fast;
    char *copy = r->bytes ? eddy_alloc_bytes(ft, r->wanted) : eddy__alloc_tail(ft, &r->type->fast, r->wanted);
    if (copy == NULL)
        return NULL;
    void *kept[1] = {copy};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, kept, 1);
    size_t common = r->length < r->wanted ? r->length : r->wanted;
    common -= MUTANT(MUTANT_RESIZE_SHORT) && common != 0;
    if (!r->bytes)
        copy_fixed(r, copy);
    if (r->refs)
        eddy_copy_refs(ft, copy, (void **)(void *)(copy + r->type->size), r->object,
                       (void *const *)(void *)tail_of(r, 0), common);
    else
        copy_bytes(r, copy + r->type->size, common * r->element);
    eddy_frame_pop(ft, &frame);
    return copy;
}

static void *resize_held(struct resize *r)
{
    size_t size;
    if ((r->type->tail == EDDY_TAIL_NONE && !r->bytes) || __builtin_mul_overflow(r->wanted, r->element, &size)
        || __builtin_add_overflow(size, r->type->size, &size) || size > SIZE_MAX / 2) {
        r->t->error = EDDY_EINVAL;
        return NULL;
    }
    eddy__poll(r->t);
    if (r->wanted <= r->length) {
        shrink(r, size);
        return r->object;
    }
    if (grow_in_place(r, size))
        return r->object;
    if (r->type->trace != NULL) {
        r->t->error = EDDY_EINVAL;
        return NULL;
    }
    return copy_object(r);
}

void *eddy_resize(eddy_thread *ft, void *object, size_t length)
{
    struct thread *t = thread_of(ft);
    const struct type *type = type_of_header(t->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)));
    struct resize r = {.t = t, .type = type, .b = block_of(t->heap, object), .object = object, .wanted = length};
    r.bytes = &type->fast == t->heap->bytes_type;
    r.refs = type->tail == EDDY_TAIL_REFS || (type->tagged != NULL && type->tagged->tail);
    r.element = r.bytes ? 1 : type->tail == EDDY_TAIL_REFS ? sizeof(void *) : type->element_size;
    r.length = r.bytes ? object_bytes(r.b) : type->tail == EDDY_TAIL_NONE ? 0 : *length_field(&r);
    void *kept[1] = {object};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, kept, 1);
    void *result = resize_held(&r);
    eddy_frame_pop(ft, &frame);
    return result;
}
