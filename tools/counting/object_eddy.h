/* Objects of Eddy's heap: strategy 8. Part of object.h.
 *
 * There a field of an object is no owned reference but a barriered store; so where a field takes an owned reference over, the
 * reference of the stack is given back after the store, if references of the stack are counted at all. */
#ifndef OBJECT_EDDY_H
#define OBJECT_EDDY_H

#include <string.h>
#include <time.h>

struct object {
    uint32_t kind;
    uint32_t length;
    struct object *slots[];
};

struct lab_thread {
    eddy_thread *eddy;
    struct object *holder; /* an array that others could reach, for lab_pair */
};

#ifdef EDDY_STACK_RETAIN
#define LAB_STACK_COUNTS 1
#else
#define LAB_STACK_COUNTS 0
#define EDDY_STACK_RETAIN(t, o) ((void)(t), (void)(o))
#define EDDY_STACK_RELEASE(t, o) ((void)(t), (void)(o))
#endif

enum { LAB_TYPES = LAB_SMALL + 3 };

static eddy_heap *lab_heap;
static const eddy_type *lab_arrays[LAB_TYPES], *lab_int_type, *lab_text_type;

static void lab_require(eddy_status status)
{
    if (status != EDDY_OK)
        count_fatal(eddy_status_text(status));
}

static inline size_t lab_type_of(uint32_t length)
{
    return length <= LAB_SMALL ? length : length == LAB_MIDDLE ? LAB_SMALL + 1 : LAB_SMALL + 2;
}

static const eddy_type *lab_register(const char *name, size_t words, bool references)
{
    static size_t offsets[LAB_LARGE];
    for (size_t i = 0; i < words; i++)
        offsets[i] = offsetof(struct object, slots) + i * sizeof(void *);
    const eddy_type_desc desc = {.name = name,
                                 .size = sizeof(struct object) + words * sizeof(void *),
                                 .ref_offsets = offsets,
                                 .ref_count = references ? words : 0};
    const eddy_type *type;
    lab_require(eddy_type_register(lab_heap, &desc, &type));
    return type;
}

static void lab_open(void)
{
    eddy_config config;
    eddy_config_init(&config);
#if LAB_STACK_COUNTS
    config.flags |= EDDY_HEAP_PRECISE_ROOTS;
#endif
    lab_require(eddy_heap_create(&config, &lab_heap));
    lab_int_type = lab_register("int", 1, false);
    lab_text_type = lab_register("text", LAB_TEXT_WORDS, false);
    for (uint32_t length = 0; length <= LAB_SMALL; length++)
        lab_arrays[length] = lab_register("array", length, true);
    lab_arrays[LAB_SMALL + 1] = lab_register("array", LAB_MIDDLE, true);
    lab_arrays[LAB_SMALL + 2] = lab_register("array", LAB_LARGE, true);
}

static void lab_close(void)
{
    lab_require(eddy_heap_destroy(lab_heap));
}

static inline struct object *lab_new(struct lab_thread *t, const eddy_type *type, enum lab_kind kind, uint32_t length)
{
    struct object *o = eddy_alloc(t->eddy, type);
    if (o == NULL)
        count_fatal("out of memory");
    o->kind = kind;
    o->length = length;
    EDDY_STACK_RETAIN(t->eddy, o);
    return o;
}

static inline struct object *lab_new_int(struct lab_thread *t, int64_t value)
{
    struct object *o = lab_new(t, lab_int_type, LAB_INT, 0);
    o->slots[0] = (struct object *)(intptr_t)value;
    return o;
}

static inline struct object *lab_new_words(struct lab_thread *t, const void *words)
{
    struct object *o = lab_new(t, lab_text_type, LAB_TEXT, 0);
    memcpy((void *)o->slots, words, LAB_TEXT_WORDS * sizeof(void *));
    return o;
}

static inline struct object *lab_new_array(struct lab_thread *t, uint32_t length)
{
    return lab_new(t, lab_arrays[lab_type_of(length)], LAB_ARRAY, length);
}

static inline void lab_retain(struct lab_thread *t, struct object *o)
{
    LAB_CHECK(o);
    EDDY_STACK_RETAIN(t->eddy, o);
}

static inline void lab_release(struct lab_thread *t, struct object *o)
{
    LAB_CHECK(o);
    EDDY_STACK_RELEASE(t->eddy, o);
}

static inline void lab_set(struct lab_thread *t, struct object *array, uint32_t i, struct object *owned)
{
    eddy_store(t->eddy, array, (void **)(void *)&array->slots[i], owned);
    if (owned != NULL)
        EDDY_STACK_RELEASE(t->eddy, owned);
}

static inline void lab_init(struct lab_thread *t, struct object *array, uint32_t i, struct object *owned)
{
    lab_set(t, array, i, owned);
}

static inline void lab_set_shared(struct lab_thread *t, struct object *array, uint32_t i, struct object *owned)
{
    lab_set(t, array, i, owned);
}

static inline struct object *lab_get(struct lab_thread *t, const struct object *array, uint32_t i)
{
    return eddy_load(t->eddy, (void *const *)(void *const)&array->slots[i]);
}

static inline struct object *lab_get_shared(struct lab_thread *t, struct object *array, uint32_t i)
{
    struct object *o = lab_get(t, array, i);
    if (o != NULL)
        lab_retain(t, o);
    return o;
}

static inline void lab_hold(struct lab_thread *t, struct object *o)
{
    eddy_retain(t->eddy, o);
}

static inline void lab_unhold(struct lab_thread *t, struct object *o)
{
    EDDY_STACK_RELEASE(t->eddy, o);
    eddy_release(t->eddy, o);
}

/* References on the stack cost nothing where they are not counted, so the pair is one of counted fields: a store, which
 * logs one increment and one decrement. */
static inline void lab_pair(struct lab_thread *t, struct object *o)
{
#if LAB_STACK_COUNTS
    lab_retain(t, o);
    count_keep_order();
    lab_release(t, o);
#else
    eddy_store(t->eddy, t->holder, (void **)(void *)&t->holder->slots[0], o);
#endif
}

COUNT_UNUSED static void lab_permanent(struct lab_thread *t, struct object *o)
{
    lab_require(eddy_make_permanent(t->eddy, o));
}

static inline void lab_poll(struct lab_thread *t)
{
    eddy_safepoint(t->eddy);
}

static inline void lab_block(struct lab_thread *t)
{
    eddy_native_enter(t->eddy);
}

static inline void lab_unblock(struct lab_thread *t)
{
    eddy_native_leave(t->eddy);
}

static struct lab_thread *lab_attach(unsigned index)
{
    (void)index;
    struct lab_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        count_fatal("out of memory");
    lab_require(eddy_thread_attach(lab_heap, &t->eddy));
    t->holder = lab_new_array(t, 1);
    eddy_retain(t->eddy, t->holder);
    EDDY_STACK_RELEASE(t->eddy, t->holder);
    return t;
}

static void lab_detach(struct lab_thread *t)
{
    eddy_release(t->eddy, t->holder);
    lab_require(eddy_thread_detach(t->eddy));
    free(t);
}

COUNT_UNUSED static void lab_settle(struct lab_thread *t)
{
    lab_require(eddy_collect(t->eddy, 0, NULL));
}

/* Objects that are alive when no thread is attached any more, so that no stack can keep any; waits until there are as many as
 * expected, for the collector takes some epochs. */
COUNT_UNUSED static int64_t lab_live(int64_t expected)
{
    eddy_stats stats;
    for (int i = 0; i < 20000; i++) {
        eddy_heap_stats(lab_heap, &stats);
        if ((int64_t)stats.live_objects == expected)
            break;
        eddy_collect_hint(lab_heap);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return (int64_t)stats.live_objects;
}

#endif
