/* Properties that are added to objects from outside, without touching their layout: a table of ephemerons.
 *
 * A property lives as long as the object it was added to, even if it refers to that object, as an observer here does to
 * what it observes. With strong or weak-key entries the two would keep each other alive for ever. */
#include <assert.h>
#include <stdio.h>

#include <eddy/eddy.h>

struct shape {
    double x, y;
};
struct observer {
    struct shape *observed;
    unsigned calls;
};

int main(void)
{
    static const size_t references[] = {offsetof(struct observer, observed)};
    const eddy_type_desc shape_layout = {.name = "shape", .size = sizeof(struct shape)};
    const eddy_type_desc observer_layout = {
        .name = "observer", .size = sizeof(struct observer), .ref_offsets = references, .ref_count = 1};
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS;
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *shapes, *observers;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t)
        || eddy_type_register(heap, &shape_layout, &shapes) || eddy_type_register(heap, &observer_layout, &observers))
        return 1;
    void *roots[3] = {NULL}; /* table, shape, observer */
    eddy_frame frame;
    eddy_frame_push(t, &frame, roots, 3);
    roots[0] = eddy_table_new(t, EDDY_TABLE_EPHEMERON);
    for (unsigned i = 0; i < 1000; i++) {
        roots[1] = eddy_alloc(t, shapes);
        struct observer *observer = roots[2] = eddy_alloc(t, observers);
        assert(roots[1] != NULL && observer != NULL);
        EDDY_SET(t, observer, observed, roots[1]);
        assert(eddy_table_put(t, roots[0], roots[1], observer) == EDDY_OK);
    }
    roots[2] = NULL; /* the last shape stays in use, and so does its observer */
    assert(eddy_collect(t, 0, NULL) == EDDY_OK);
    eddy_table_tidy(t, roots[0]);
    assert(eddy_table_count(roots[0]) == 1);
    struct observer *observer = eddy_table_get(t, roots[0], roots[1]);
    assert(observer != NULL && EDDY_GET(t, observer, observed) == roots[1]);

    /* one by itself, without a table */
    eddy_ephemeron *ephemeron;
    assert(eddy_ephemeron_create(t, roots[1], roots[0], &ephemeron) == EDDY_OK);
    assert(eddy_ephemeron_get(t, ephemeron, NULL) == roots[0]);
    roots[1] = NULL;
    assert(eddy_collect(t, 0, NULL) == EDDY_OK);
    assert(eddy_ephemeron_get(t, ephemeron, NULL) == NULL);
    eddy_ephemeron_drop(t, ephemeron);

    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    printf("%llu objects are left\n", (unsigned long long)stats.live_objects);
    eddy_frame_pop(t, &frame);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
