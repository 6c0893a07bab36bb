/* Bulk copy and fill of reference fields. Into private-current objects: plain word moves. Into counted
 * ones: a counted store per element, so that every element logs its inc and dec and no permutation
 * escapes the two tests of cycle detection. In pieces with safepoints between them, so that no step of a
 * mutator is longer than a bounded number of words. */
#include "runtime/runtime.h"

#define PIECE 64

/* One element; `object` may have become private-old or counted since the last one. */
static void put(eddy_thread *t, void *object, void **field, void *value)
{
    if (eddy__is_own(t, object))
        EDDY_STORE_RELAXED(field, value);
    else
        eddy__store_slow(t, object, field, value);
}

void eddy_copy_refs(eddy_thread *ft, void *object, void **target, void *source_object, void *const *source, size_t n)
{
    struct thread *t = thread_of(ft);
    bool backwards = (uintptr_t)target > (uintptr_t)source && (uintptr_t)target < (uintptr_t)(source + n);
    void *kept[2] = {object, source_object};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, kept, 2);
    for (size_t done = 0; done < n; done++) {
        if (done % PIECE == PIECE - 1)
            eddy__poll(t);
        size_t i = backwards ? n - 1 - done : done;
        put(ft, object, target + i, EDDY_LOAD_ACQUIRE(source + i));
    }
    eddy_frame_pop(ft, &frame);
}

void eddy_fill_refs(eddy_thread *ft, void *object, void **target, void *value, size_t n)
{
    struct thread *t = thread_of(ft);
    void *kept[2] = {object, value};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, kept, 2);
    for (size_t i = 0; i < n; i++) {
        if (i % PIECE == PIECE - 1)
            eddy__poll(t);
        put(ft, object, target + i, value);
    }
    eddy_frame_pop(ft, &frame);
}
