/* A program outside the tree: C11 and C++17, against the installed library. Makes garbage cycles in old
 * objects, sees them freed, and prints the version of the headers. */
#include <eddy/eddy.h>

#include <stdio.h>
#include <string.h>

typedef struct node {
    struct node *next;
    long number;
} node;

static int failed(const char *what)
{
    fprintf(stderr, "consumer: %s\n", what);
    return 1;
}

int main(void)
{
    enum { PAIRS = 1000 };
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS;
    eddy_heap *heap;
    eddy_thread *t;
    if (eddy_heap_create(&config, &heap) != EDDY_OK || eddy_thread_attach(heap, &t) != EDDY_OK)
        return failed("no heap");

    const size_t offsets[] = {offsetof(node, next)};
    eddy_type_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.name = "node";
    desc.size = sizeof(node);
    desc.ref_offsets = offsets;
    desc.ref_count = 1;
    const eddy_type *type;
    if (eddy_type_register(heap, &desc, &type) != EDDY_OK)
        return failed("no type");

    void *slots[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, slots, 2);
    for (int i = 0; i < PAIRS; i++) {
        node *a = (node *)(slots[0] = eddy_alloc(t, type));
        node *b = (node *)(slots[1] = eddy_alloc(t, type));
        if (a == NULL || b == NULL)
            return failed("out of memory");
        eddy_retain(t, a); /* makes the pair counted, so that it takes the search for cycles to free it */
        EDDY_SET(t, a, next, b);
        EDDY_SET(t, b, next, a);
        eddy_release(t, a);
    }
    slots[0] = slots[1] = NULL;
    eddy_collect_report report;
    if (eddy_collect(t, 10000, &report) != EDDY_OK)
        return failed("collection failed");
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    if (stats.live_objects != 0 || stats.cycle_objects_freed != 2 * PAIRS)
        return failed("garbage cycles were not freed");
    eddy_frame_pop(t, &frame);
    if (eddy_thread_detach(t) != EDDY_OK || eddy_heap_destroy(heap) != EDDY_OK)
        return failed("heap not destroyed");
    printf("%d.%d.%d\n", EDDY_VERSION_MAJOR, EDDY_VERSION_MINOR, EDDY_VERSION_PATCH);
    return 0;
}
