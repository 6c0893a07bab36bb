/* Bulk copy and fill of reference fields. Into private-current objects: plain word moves. Into counted
 * ones: a counted store per element, so that every element logs its inc and dec and no permutation
 * escapes the two tests of cycle detection. In pieces with safepoints between them, so that no step of a
 * mutator is longer than a bounded number of words. */
#include "runtime/heap/edges.h"
#include "runtime/runtime.h"

#define PIECE 64

static const struct type *type_of(const struct thread *t, const void *object)
{
    return type_of_header(t->heap, EDDY_LOAD_RELAXED(eddy__header(object)));
}

/* One element; `object` may have become private-old or counted since the last one. */
static void put(eddy_thread *t, void *object, const struct tagged *tagged, bool arbitrated, void **field, void *value)
{
    if (eddy__is_own(t, object)) {
        EDDY_STORE_RELAXED(field, value);
        return;
    }
    if (EDDY_UNLIKELY(arbitrated) && !MUTANT(MUTANT_RIGHT_BULK)) /* what was polled since may have taken the right away */
        eddy_own_write(t, object);
    if (tagged == NULL)
        eddy__store_slow(t, object, field, value);
    else
        eddy__store_tagged_slow(t, object, (uintptr_t *)(void *)field, (uintptr_t)value);
}

void eddy_copy_refs(eddy_thread *ft, void *object, void **target, void *source_object, void *const *source, size_t n)
{
    struct thread *t = thread_of(ft);
    bool backwards = (uintptr_t)target > (uintptr_t)source && (uintptr_t)target < (uintptr_t)(source + n);
    const struct type *type = type_of(t, object);
    const struct tagged *tagged = type->tagged;
    void *kept[2] = {object, source_object};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, kept, 2);
    for (size_t done = 0; done < n; done++) {
        if (done % PIECE == PIECE - 1)
            eddy__poll(t);
        size_t i = backwards ? n - 1 - done : done;
        if (MUTANT(MUTANT_BULK_LAST_RAW) && done == n - 1)
            EDDY_STORE_RELAXED(target + i, EDDY_LOAD_ACQUIRE(source + i));
        else
            put(ft, object, tagged, type->arbitrated, target + i, EDDY_LOAD_ACQUIRE(source + i));
    }
    eddy_frame_pop(ft, &frame);
}

void eddy_fill_refs(eddy_thread *ft, void *object, void **target, void *value, size_t n)
{
    struct thread *t = thread_of(ft);
    const struct type *type = type_of(t, object);
    const struct tagged *tagged = type->tagged;
    void *kept[2] = {object, tagged == NULL ? value : eddy__tagged_object(t->heap, tagged, (uintptr_t)value)};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, kept, 2);
    for (size_t i = 0; i < n; i++) {
        if (i % PIECE == PIECE - 1)
            eddy__poll(t);
        put(ft, object, tagged, type->arbitrated, target + i, value);
    }
    eddy_frame_pop(ft, &frame);
}
