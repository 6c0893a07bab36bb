/* Engine "eddy" and, with ENGINE_PRECISE, "eddy-precise": the operations of engine.h on Eddy. */
#ifndef ENGINE_EDDY_H
#define ENGINE_EDDY_H

#include "eddy/eddy.h"

typedef eddy_thread engine_thread;

_Static_assert(offsetof(struct array, slots) == offsetof(eddy_array, slots), "arrays have one layout");

#define engine_type ENGINE_SYMBOL(engine_type)
const eddy_type *engine_type(const char *name, size_t size, const size_t *offsets, size_t count);

#define ENGINE_REF_OFFSET(tag, field, target) offsetof(struct tag, field),
#define ENGINE_TYPE(tag, REFS)                                                                                         \
    static const eddy_type *tag##_type;                                                                                \
    static void tag##_register(void)                                                                                   \
    {                                                                                                                  \
        static const size_t offsets[] = {REFS(ENGINE_REF_OFFSET) 0};                                                   \
        tag##_type = engine_type(#tag, sizeof(struct tag), offsets, sizeof offsets / sizeof offsets[0] - 1);           \
    }
#define ENGINE_REGISTER(tag) tag##_register()

#define ENGINE_NEW(t, tag) ((struct tag *)engine_checked(eddy_alloc_sized((t), tag##_type, sizeof(struct tag))))
#define ENGINE_NEW_LEAF(t, tag) ENGINE_NEW(t, tag)
#define ENGINE_NEW_BYTES(t, size) engine_checked(eddy_alloc_bytes((t), (size)))
#define ENGINE_NEW_ARRAY(t, length) ((struct array *)(void *)engine_checked(eddy_alloc_array((t), (length))))

#define ENGINE_GET(t, object, field) EDDY_GET((t), (object), field)
#define ENGINE_INIT(t, object, field, value) EDDY_SET((t), (object), field, (value))
#define ENGINE_SET(t, tag, object, field, value) EDDY_SET((t), (object), field, (value))
#define ENGINE_EXCHANGE(t, tag, object, field, value)                                                                  \
    ((struct tag *)eddy_exchange((t), (object), (void **)(void *)&(object)->field, (value)))
#define ENGINE_SHARE(t, value) (value)
#define ENGINE_DROP(t, tag, value) ((void)(t), (void)(value))
#define ENGINE_FREE(t, value) ((void)(t), (void)(value))
#define ENGINE_DISPOSE(t, tag, value) ((void)(t), (void)(value))

#define ENGINE_ROOT_ADD(t, root) engine_root_add((t), &(root))
#define ENGINE_ROOT_SET(t, root, value) eddy_root_store((t), &(root), (value))
#define ENGINE_ROOT_GET(t, root) eddy_root_load((t), &(root))

#define ENGINE_POLL(t) eddy_safepoint(t)
#define ENGINE_COLLECT(t) engine_collect(t)
#define ENGINE_BLOCK_BEGIN(t) eddy_native_enter(t)
#define ENGINE_BLOCK_END(t) eddy_native_leave(t)
#define ENGINE_MEASURED(t, begin, end) eddy_record_event((t), EDDY_RECORD_MEASURED, (begin), (end) - (begin), 0)
#define ENGINE_REQUEST(t, due, begin, end)                                                                             \
    eddy_record_event((t), EDDY_RECORD_REQUEST, (due), (end) - (due), (end) - (begin))

#ifdef ENGINE_PRECISE
#define ENGINE_FRAME(t, name, ...)                                                                                     \
    struct {                                                                                                           \
        __VA_ARGS__                                                                                                    \
    } name = {0};                                                                                                      \
    eddy_frame name##_frame;                                                                                           \
    eddy_frame_push((t), &name##_frame, (void **)(void *)&name, sizeof name / sizeof(void *))
#define ENGINE_FRAME_END(t, name) eddy_frame_pop((t), &name##_frame)
#define ENGINE_KEEP(reference) ((void)(reference))
#else
#define ENGINE_FRAME(t, name, ...)                                                                                     \
    struct {                                                                                                           \
        __VA_ARGS__                                                                                                    \
    } name = {0}
#define ENGINE_FRAME_END(t, name) ((void)(t))
#define ENGINE_KEEP(reference) eddy_keep_alive(reference)
#endif

static inline void engine_root_add(eddy_thread *t, void **root)
{
    eddy_status status = eddy_root_add(t, root);
    if (status != EDDY_OK)
        bench_fatal("cannot register a root: %s", eddy_status_text(status));
}

#endif
