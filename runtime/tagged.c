/* Counted stores of words that may be references (types with an encoding): as in barrier.c, but what is counted is the
 * object that a word refers to, if any. */
#include "runtime/heap/edges.h"
#include "runtime/runtime.h"

static const struct tagged *encoding_of(const struct thread *t, const void *object)
{
    const struct tagged *tagged = type_of_header(t->heap, EDDY_LOAD_RELAXED(eddy__header(object)))->tagged;
    if (EDDY_UNLIKELY(tagged == NULL))
        eddy__misuse("eddy_store_tagged", "the type of the container has no encoding");
    return tagged;
}

static void push_new(struct thread *t, void *value)
{
    if (value != NULL)
        eddy__push_value(t, value, 0);
}

static void push_old(struct thread *t, const void *value)
{
    if (value != NULL)
        eddy__push_dec(t, value);
}

uintptr_t eddy__exchange_tagged_slow(eddy_thread *ft, void *object, uintptr_t *field, uintptr_t word)
{
    struct thread *t = thread_of(ft);
    const struct tagged *tagged = encoding_of(t, object);
    void *value = MUTANT(MUTANT_TAGGED_RAW) ? NULL : eddy__tagged_object(t->heap, tagged, word);
    eddy__prepare_store(t, object, value, 1);
    push_new(t, value);
    HOOK(HOOK_STORE_PUSHED, object);
    uintptr_t old = EDDY_EXCHANGE_ACQ_REL(field, word);
    HOOK(HOOK_STORE_EXCHANGED, object);
    push_old(t, eddy__tagged_object(t->heap, tagged, old));
    return old;
}

void eddy__store_tagged_slow(eddy_thread *ft, void *object, uintptr_t *field, uintptr_t word)
{
    eddy__exchange_tagged_slow(ft, object, field, word);
}

bool eddy__cas_tagged_slow(eddy_thread *ft, void *object, uintptr_t *field, uintptr_t expected, uintptr_t word)
{
    struct thread *t = thread_of(ft);
    const struct tagged *tagged = encoding_of(t, object);
    void *value = eddy__tagged_object(t->heap, tagged, word), *old = eddy__tagged_object(t->heap, tagged, expected);
    t->held[2] = old;
    eddy__prepare_store(t, object, value, 1);
    t->held[2] = NULL;
    push_new(t, value);
    uintptr_t found = expected;
    bool swapped = EDDY_CAS_ACQ_REL(field, &found, word);
    push_old(t, swapped ? old : value); /* on failure the inc is taken back */
    return swapped;
}

void eddy__check_store_tagged(eddy_thread *ft, const void *object, const uintptr_t *field, uintptr_t word)
{
    struct thread *t = thread_of(ft);
    const void *value = eddy__tagged_object(t->heap, encoding_of(t, object), word);
    eddy__check_field(ft, object, (void *const *)(const void *)field, value);
}
