/* Publishing and promoting: how private objects become counted (design, section 3). Keeps I2, I3 and
 * I6, and the order that matters: an object's header says "counted" before its first inc is visible. */
#include "runtime/heap/edges.h"
#include "runtime/runtime.h"

/* ---- self-promotion of a private-old object ---- */

struct copied_refs {
    const eddy_heap *heap;
    void *refs[OBJECT_REFS_BOUND];
    size_t count;
};

static void copy_ref(void *context, void *const *slot)
{
    struct copied_refs *copy = context;
    void *ref = EDDY_LOAD_ACQUIRE(slot);
    if (heap_contains(copy->heap, ref) && copy->count < OBJECT_REFS_BOUND)
        copy->refs[copy->count++] = ref;
}

size_t eddy__promote_needs(struct thread *t, const void *object)
{
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    return edges_count(t->heap, type_of_header(t->heap, header), object) + 1;
}

static void push_all(struct thread *t, const struct copied_refs *copy)
{
    for (size_t i = 0; i < copy->count; i++)
        eddy__push_inc(t, copy->refs[i]);
}

void eddy__self_promote(struct thread *t, void *object)
{
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    if (header_is_counted(header))
        return;
    struct copied_refs copy = {.heap = t->heap, .count = 0};
    edges_each(t->heap, header, object, copy_ref, &copy);
    if (MUTANT(MUTANT_PROMOTE_SKIPS_LAST) && copy.count != 0)
        copy.count--;
    if (!MUTANT(MUTANT_CAS_FIRST))
        push_all(t, &copy);
    if (!MUTANT(MUTANT_NO_FIRST_INC)) {
        eddy__push_inc(t, object);
        eddy__push_dec(t, object);
    }
    HOOK(HOOK_PROMOTE_READ, object);
    bool won = EDDY_CAS_RELEASE_ACQUIRE(eddy__header(object), &header, header & HEADER_LOW);
    if (MUTANT(MUTANT_CAS_FIRST)) {
        HOOK(HOOK_STORE_PUSHED, object);
        if (won)
            push_all(t, &copy);
        return;
    }
    if (won || MUTANT(MUTANT_NO_COMPENSATION))
        return;
    /* Another mutator or the collector was first and has pushed the same incs. */
    for (size_t i = 0; i < copy.count; i++)
        eddy__push_dec(t, copy.refs[i]);
}

/* ---- publishing a private-current object ---- */

/* The private-current closure of an object, as far as it is small. */
struct closure {
    struct thread *t;
    void *objects[PUBLISH_OBJECTS];
    size_t count;
    size_t refs;
    bool small;
};

static void closure_add(void *context, void *const *slot)
{
    struct closure *closure = context;
    void *ref = EDDY_LOAD_RELAXED(slot);
    if (ref == NULL)
        return;
    closure->refs++;
    if (!eddy__is_own(&closure->t->fast, ref))
        return;
    for (size_t i = 0; i < closure->count; i++)
        if (closure->objects[i] == ref)
            return;
    if (closure->count == PUBLISH_OBJECTS)
        closure->small = false;
    else
        closure->objects[closure->count++] = ref;
}

static bool find_closure(struct thread *t, void *object, struct closure *closure)
{
    closure->t = t;
    closure->objects[0] = object;
    closure->count = 1;
    closure->refs = 0;
    closure->small = true;
    for (size_t i = 0; i < closure->count && closure->small; i++) {
        uint64_t header = EDDY_LOAD_RELAXED(eddy__header(closure->objects[i]));
        if (closure->refs + edges_count(t->heap, type_of_header(t->heap, header), closure->objects[i]) > PUBLISH_REFS)
            return false;
        edges_each(t->heap, header, closure->objects[i], closure_add, closure);
    }
    return closure->small;
}

static void push_field(void *context, void *const *slot)
{
    void *ref = EDDY_LOAD_RELAXED(slot);
    if (ref != NULL)
        eddy__push_unpublished(context, ref, 0);
}

#define SIMPLE_REFS 8u

/* The usual case: a small object of fixed layout that refers to nothing of this thread's own but, perhaps,
 * leaves. Does it without a work list; false, having done nothing, if this is not that case. */
static bool publish_simple(struct thread *t, void *object)
{
    uint64_t *header = eddy__header(object), own = EDDY_LOAD_RELAXED(header);
    const struct type *type = type_of_header(t->heap, own);
    if (type->offset_count > SIMPLE_REFS || type->tail == EDDY_TAIL_REFS || type->special)
        return false;
    void *refs[SIMPLE_REFS], *leaves[SIMPLE_REFS];
    unsigned ref_count = 0, leaf_count = 0;
    for (uint32_t i = 0; i < type->offset_count; i++) {
        void *ref = EDDY_LOAD_RELAXED((void *const *)(const void *)((const char *)object + type->offsets[i]));
        if (ref == NULL)
            continue;
        refs[ref_count++] = ref;
        uint64_t its = EDDY_LOAD_RELAXED(eddy__header(ref));
        if ((its ^ t->fast.tag) >> EDDY__TAG_SHIFT != 0)
            continue;
        if (type_of_header(t->heap, its)->kind != KIND_LEAF)
            return false;
        leaves[leaf_count++] = ref;
    }
    for (unsigned i = 0; i < leaf_count; i++) {
        uint64_t *its = eddy__header(leaves[i]);
        EDDY_STORE_RELAXED(its, EDDY_LOAD_RELAXED(its) & HEADER_LOW);
    }
    if (MUTANT(MUTANT_LATE_HEADER))
        STORE_LATE(header, own & HEADER_LOW);
    else
        EDDY_STORE_RELAXED(header, own & HEADER_LOW);
    for (unsigned i = 0; i < ref_count && !MUTANT(MUTANT_PUBLISH_NO_FIELDS); i++)
        eddy__push_unpublished(t, refs[i], 0);
    return true;
}

/* The caller pushes an inc of `object` next, which is the one that I6 asks for, or pins it, and publishes all of them at once: a
 * forked child sees an object's fields counted, or the object not at all. */
void eddy__publish(struct thread *t, void *object)
{
    HOOK(HOOK_PUBLISH, object);
    if (MUTANT(MUTANT_NO_BUMP) || publish_simple(t, object))
        return;
    struct closure closure;
    if (!find_closure(t, object, &closure)) {
        eddy__bump(t);
        return;
    }
    for (size_t i = 0; i < closure.count; i++) {
        uint64_t *header = eddy__header(closure.objects[i]);
        EDDY_STORE_RELAXED(header, EDDY_LOAD_RELAXED(header) & HEADER_LOW);
        if (MUTANT(MUTANT_PUBLISH_FIRST_ONLY))
            closure.count = 1;
    }
    for (size_t i = 0; i < closure.count && !MUTANT(MUTANT_PUBLISH_NO_FIELDS); i++)
        edges_each(t->heap, EDDY_LOAD_RELAXED(eddy__header(closure.objects[i])), closure.objects[i], push_field, t);
}
