/* Engine "malloc": the operations of engine.h on malloc and explicit free. */
#ifndef ENGINE_MALLOC_H
#define ENGINE_MALLOC_H

#include <stdlib.h>
#include <string.h>

/* Nobody frees an object that another thread or the caller may still use: a workload that hands
 * references out of a lock must copy instead. */
#define ENGINE_MANUAL 1

typedef struct engine_thread engine_thread;

#define ENGINE_REF_DISPOSE(tag, field, target) target##_dispose(t, object->field);
#define ENGINE_TYPE(tag, REFS)                                                                                         \
    __attribute__((unused)) static void tag##_dispose(engine_thread *t, struct tag *object)                            \
    {                                                                                                                  \
        (void)t;                                                                                                       \
        if (object != NULL) {                                                                                          \
            REFS(ENGINE_REF_DISPOSE)                                                                                   \
            free(object);                                                                                              \
        }                                                                                                              \
    }
#define ENGINE_REGISTER(tag) ((void)0)

#define ENGINE_NEW(t, tag) ((void)(t), (struct tag *)engine_new(sizeof(struct tag)))
#define ENGINE_NEW_LEAF(t, tag) ((void)(t), (struct tag *)engine_checked(malloc(sizeof(struct tag))))
#define ENGINE_NEW_BYTES(t, size) ((void)(t), engine_checked(malloc(size)))
#define ENGINE_NEW_ARRAY(t, length) ((void)(t), engine_new_array(length))

#define ENGINE_GET(t, object, field) ((void)(t), (object)->field)
#define ENGINE_INIT(t, object, field, value) ((void)(t), (void)((object)->field = (value)))
#define ENGINE_SET(t, tag, object, field, value) ENGINE_INIT(t, object, field, value)
#define ENGINE_EXCHANGE(t, tag, object, field, value)                                                                  \
    ((void)(t), __atomic_exchange_n(&(object)->field, (value), __ATOMIC_ACQ_REL))
#define ENGINE_SHARE(t, value) (value)
#define ENGINE_DROP(t, tag, value) ((void)(t), (void)(value))
#define ENGINE_FREE(t, value) ((void)(t), free(value))
#define ENGINE_DISPOSE(t, tag, value) tag##_dispose((t), (value))

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

static inline void *engine_new(size_t size)
{
    void *object = engine_checked(malloc(size));
    memset(object, 0, size);
    return object;
}

static inline struct array *engine_new_array(size_t length)
{
    struct array *array = engine_checked(calloc(1, sizeof *array + length * sizeof array->slots[0]));
    array->length = length;
    return array;
}

__attribute__((unused)) static inline void array_dispose(engine_thread *t, struct array *array)
{
    (void)t;
    free(array);
}

__attribute__((unused)) static inline void bytes_dispose(engine_thread *t, struct bytes *bytes)
{
    (void)t;
    free(bytes);
}

#endif
