/* The program that tests/tool_gdb.sh debugs: a heap with a known content, stopped in `stop_here`. */
#include <eddy/eddy.h>

struct gadget {
    struct gadget *next;
    void *payload;
};

static void *slot;

__attribute__((noinline)) void stop_here(eddy_heap *heap, struct gadget *counted, struct gadget *young, eddy_array *array)
{
    eddy_keep_alive(heap);
    eddy_keep_alive(counted);
    eddy_keep_alive(young);
    eddy_keep_alive(array);
}

int main(void)
{
    static const size_t references[] = {offsetof(struct gadget, next), offsetof(struct gadget, payload)};
    const eddy_type_desc layout = {
        .name = "gadget", .size = sizeof(struct gadget), .ref_offsets = references, .ref_count = 2};
    eddy_config config;
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *type;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_IGNORE_ENVIRONMENT;
    config.name = "target";
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &type)
        || eddy_root_add(t, &slot))
        return 1;
    void *handles[2];
    eddy_frame frame;
    struct gadget *counted = handles[0] = eddy_alloc(t, type);
    handles[1] = NULL;
    eddy_frame_push(t, &frame, handles, 2);
    eddy_array *array = handles[1] = eddy_alloc_array(t, 40);
    EDDY_SET(t, counted, payload, array);
    eddy_root_store(t, &slot, counted);
    for (int i = 0; i < 4; i++)
        if (eddy_collector_step(t))
            return 1;
    struct gadget *young = eddy_alloc(t, type);
    eddy_retain(t, counted); /* entries that no epoch has applied: three incs, two decs */
    EDDY_SET(t, counted, next, counted);
    EDDY_SET(t, counted, next, NULL);
    eddy_store(t, array, &array->slots[7], counted);
    eddy_release(t, counted);
    stop_here(heap, counted, young, array);
    eddy_frame_pop(t, &frame);
    return eddy_root_remove(t, &slot) || eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
