/* Engine "boehm": the operations of engine.h on the Boehm-Demers-Weiser collector. gc.h redirects
 * pthread_create, so threads made by files that include this are known to the collector. */
#ifndef ENGINE_BOEHM_H
#define ENGINE_BOEHM_H

#ifndef GC_THREADS
#error "GC_THREADS must be defined"
#endif
#include <gc.h>

typedef struct engine_thread engine_thread;

#define ENGINE_TYPE(tag, REFS)
#define ENGINE_REGISTER(tag) ((void)0)

#define ENGINE_NEW(t, tag) ((void)(t), (struct tag *)engine_checked(GC_MALLOC(sizeof(struct tag))))
#define ENGINE_NEW_LEAF(t, tag) ((void)(t), (struct tag *)engine_checked(GC_MALLOC_ATOMIC(sizeof(struct tag))))
#define ENGINE_NEW_BYTES(t, size) ((void)(t), engine_checked(GC_MALLOC_ATOMIC(size)))
#define ENGINE_NEW_ARRAY(t, length) ((void)(t), engine_new_array(length))

#define ENGINE_GET(t, object, field) ((void)(t), (object)->field)
#define ENGINE_INIT(t, object, field, value) ((void)(t), (void)((object)->field = (value)))
#define ENGINE_SET(t, tag, object, field, value) ENGINE_INIT(t, object, field, value)
#define ENGINE_EXCHANGE(t, tag, object, field, value)                                                                  \
    ((void)(t), __atomic_exchange_n(&(object)->field, (value), __ATOMIC_ACQ_REL))
#define ENGINE_SHARE(t, value) (value)
#define ENGINE_DROP(t, tag, value) ((void)(t), (void)(value))
#define ENGINE_FREE(t, value) ((void)(t), (void)(value))
#define ENGINE_DISPOSE(t, tag, value) ((void)(t), (void)(value))

#define ENGINE_ROOT_ADD(t, root) ((void)(t), (void)((root) = NULL))
#define ENGINE_ROOT_SET(t, root, value) ((void)(t), (void)((root) = (value)))
#define ENGINE_ROOT_GET(t, root) ((void)(t), (root))

#define ENGINE_POLL(t) ((void)(t))
#define ENGINE_COLLECT(t) engine_collect(t)
#define ENGINE_BLOCK_BEGIN(t) ((void)(t))
#define ENGINE_BLOCK_END(t) ((void)(t))
#define ENGINE_FRAME(t, name, ...)                                                                                     \
    struct {                                                                                                           \
        __VA_ARGS__                                                                                                    \
    } name = {0}
#define ENGINE_FRAME_END(t, name) ((void)(t))
#define ENGINE_KEEP(reference) GC_reachable_here(reference)

static inline struct array *engine_new_array(size_t length)
{
    struct array *array = engine_checked(GC_MALLOC(sizeof *array + length * sizeof array->slots[0]));
    array->length = length;
    return array;
}

#endif
