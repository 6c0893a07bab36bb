/* Why is this object still alive, and what would go with it? Finds a leak: a cache that nobody empties. */
#include <eddy/eddy.h>
#include <stdio.h>

struct session {
    struct session *next;
    eddy_array *data;
};

static void *cache; /* a root slot */

static void print_type(void *context, const eddy_type_count *count)
{
    (void)context;
    printf("  %6llu %-8s %8llu bytes\n", (unsigned long long)count->objects, eddy_type_name(count->type),
           (unsigned long long)count->bytes);
}

int main(void)
{
    static const size_t references[] = {offsetof(struct session, next), offsetof(struct session, data)};
    const eddy_type_desc layout = {
        .name = "session", .size = sizeof(struct session), .ref_offsets = references, .ref_count = 2};
    const eddy_type *type;
    eddy_config config;
    eddy_heap *heap;
    eddy_thread *t;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS; /* else the variables below would be roots, too */
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &type)
        || eddy_root_add(t, &cache))
        return 1;
    eddy_array *leaked = NULL;
    void *handles[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, handles, 1);
    for (int i = 0; i < 1000; i++) {
        struct session *s = handles[0] = eddy_alloc(t, type);
        eddy_array *data = s == NULL ? NULL : eddy_alloc_array(t, 20);
        if (data == NULL)
            return 1;
        EDDY_SET(t, s, data, data);
        EDDY_SET(t, s, next, (struct session *)eddy_root_load(t, &cache));
        eddy_root_store(t, &cache, s);
        if (i == 997)
            leaked = data;
    }
    eddy_frame_pop(t, &frame);

    eddy_inspection *inspection;
    if (eddy_inspect_begin(t, 0, &inspection)) /* the other threads stop */
        return 1;
    printf("The heap holds\n");
    eddy_status status = eddy_inspect_types(inspection, print_type, NULL);
    printf("An array is alive because of\n");
    status |= eddy_inspect_print_path(inspection, leaked, eddy_write_to_file, stdout);
    uint64_t objects, bytes;
    status |= eddy_inspect_retained(inspection, eddy_root_load(t, &cache), &objects, &bytes);
    printf("The cache retains %llu objects, %llu bytes\n", (unsigned long long)objects, (unsigned long long)bytes);
    const char *name = "why_alive.heapsnapshot"; /* for the memory panel of Chrome's developer tools */
    FILE *file = fopen(name, "w");
    if (file == NULL)
        return 1;
    status |= eddy_inspect_write_snapshot(inspection, eddy_write_to_file, file);
    eddy_inspect_end(inspection); /* they go on */
    if (fclose(file) != 0 || remove(name) != 0 || status != EDDY_OK)
        return 1;
    return eddy_root_remove(t, &cache) || eddy_thread_detach(t) || eddy_heap_destroy(heap) || objects != 2000;
}
