/* Engine "atomic": the operations of engine.h on malloc, with a count in front of every object that
 * threads change atomically. Counts protect lifetimes; fields are protected by the workload's locks. */
#ifndef ENGINE_ATOMIC_H
#define ENGINE_ATOMIC_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct engine_thread engine_thread;

#define ENGINE_REF_DROP(tag, field, target) target##_drop(t, object->field);
#define ENGINE_TYPE(tag, REFS)                                                                                         \
    __attribute__((unused)) static void tag##_drop(engine_thread *t, struct tag *object)                               \
    {                                                                                                                  \
        (void)t;                                                                                                       \
        if (engine_is_last(object)) {                                                                                  \
            REFS(ENGINE_REF_DROP)                                                                                      \
            free(engine_count(object));                                                                                \
        }                                                                                                              \
    }
#define ENGINE_REGISTER(tag) ((void)0)

#define ENGINE_NEW(t, tag) ((void)(t), (struct tag *)memset(engine_new(sizeof(struct tag)), 0, sizeof(struct tag)))
#define ENGINE_NEW_LEAF(t, tag) ((void)(t), (struct tag *)engine_new(sizeof(struct tag)))
#define ENGINE_NEW_BYTES(t, size) ((void)(t), engine_new(size))
#define ENGINE_NEW_ARRAY(t, length) ((void)(t), engine_new_array(length))

#define ENGINE_GET(t, object, field) ((void)(t), (object)->field)
#define ENGINE_INIT(t, object, field, value) ((void)(t), (void)((object)->field = (value)))
#define ENGINE_SET(t, tag, object, field, value)                                                                       \
    do {                                                                                                               \
        void *engine_old = (object)->field;                                                                            \
        (object)->field = (value);                                                                                     \
        tag##_drop((t), engine_old);                                                                                   \
    } while (0)
#define ENGINE_EXCHANGE(t, tag, object, field, value)                                                                  \
    ((void)(t), __atomic_exchange_n(&(object)->field, (value), __ATOMIC_ACQ_REL))
#define ENGINE_SHARE(t, value) ((__typeof__(value))engine_share(value))
#define ENGINE_DROP(t, tag, value) tag##_drop((t), (value))
#define ENGINE_FREE(t, value) ((void)(t), (void)(value))
#define ENGINE_DISPOSE(t, tag, value) tag##_drop((t), (value))

#define ENGINE_ROOT_ADD(t, root) ((void)(t), (void)((root) = NULL))
#define ENGINE_ROOT_SET(t, root, value) ((void)(t), (void)((root) = (value)))
#define ENGINE_ROOT_GET(t, root) ((void)(t), (root))

#define ENGINE_POLL(t) ((void)(t))
#define ENGINE_COLLECT(t) ((void)(t))
#define ENGINE_BLOCK_BEGIN(t) ((void)(t))
#define ENGINE_BLOCK_END(t) ((void)(t))
#define ENGINE_FRAME(t, name, ...)                                                                                     \
    struct {                                                                                                           \
        __VA_ARGS__                                                                                                    \
    } name = {0}
#define ENGINE_FRAME_END(t, name) ((void)(t))
#define ENGINE_KEEP(reference) ((void)(reference))

static inline atomic_size_t *engine_count(void *object)
{
    return (atomic_size_t *)object - 1;
}

static inline void *engine_new(size_t size)
{
    atomic_size_t *count = engine_checked(malloc(size + sizeof *count));
    atomic_init(count, 1);
    return count + 1;
}

static inline void *engine_share(void *object)
{
    if (object != NULL)
        atomic_fetch_add_explicit(engine_count(object), 1, memory_order_relaxed);
    return object;
}

/* Gives up one reference; says whether it was the last. */
static inline bool engine_is_last(void *object)
{
    return object != NULL && atomic_fetch_sub_explicit(engine_count(object), 1, memory_order_acq_rel) == 1;
}

static inline struct array *engine_new_array(size_t length)
{
    size_t size = sizeof(struct array) + length * sizeof(void *);
    atomic_size_t *count = engine_checked(calloc(1, size + sizeof *count));
    atomic_init(count, 1);
    struct array *array = (struct array *)(void *)(count + 1);
    array->length = length;
    return array;
}

__attribute__((unused)) static inline void array_drop(engine_thread *t, struct array *array)
{
    (void)t;
    if (engine_is_last(array))
        free(engine_count(array));
}

__attribute__((unused)) static inline void bytes_drop(engine_thread *t, struct bytes *bytes)
{
    (void)t;
    if (engine_is_last(bytes))
        free(engine_count(bytes));
}

#endif
