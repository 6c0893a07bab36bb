/* A cache that keeps nothing alive: parsed documents by their names, as long as somebody uses them.
 *
 * The names are objects that the program keeps anyway; the table holds the documents weakly (EDDY_TABLE_WEAK_VALUE), so one
 * that nobody uses any more is collected, and parsed again when it is asked for later. */
#include <assert.h>
#include <stdio.h>

#include <eddy/eddy.h>

struct document {
    struct document *included;
    int words;
};

static unsigned parsed;

static struct document *open_document(eddy_thread *t, eddy_table *cache, const eddy_type *type, void *name)
{
    struct document *found = eddy_table_get(t, cache, name);
    if (found != NULL)
        return found;
    struct document *made = eddy_alloc(t, type);
    if (made == NULL)
        return NULL;
    made->words = 100;
    parsed++;
    return eddy_table_put(t, cache, name, made) == EDDY_OK ? made : NULL;
}

int main(void)
{
    static const size_t references[] = {offsetof(struct document, included)};
    const eddy_type_desc layout = {
        .name = "document", .size = sizeof(struct document), .ref_offsets = references, .ref_count = 1};
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS; /* only what is in the frame below is a root */
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *type;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &type))
        return 1;
    void *roots[3] = {NULL}; /* cache, name, document in use */
    eddy_frame frame;
    eddy_frame_push(t, &frame, roots, 3);
    roots[0] = eddy_table_new(t, EDDY_TABLE_WEAK_VALUE);
    roots[1] = eddy_alloc_bytes(t, 32);
    assert(roots[0] != NULL && roots[1] != NULL);

    roots[2] = open_document(t, roots[0], type, roots[1]);
    assert(open_document(t, roots[0], type, roots[1]) == roots[2] && parsed == 1); /* in use: found */
    assert(eddy_collect(t, 0, NULL) == EDDY_OK);
    assert(open_document(t, roots[0], type, roots[1]) == roots[2] && parsed == 1);

    roots[2] = NULL; /* not in use any more */
    assert(eddy_collect(t, 0, NULL) == EDDY_OK);
    assert(eddy_table_get(t, roots[0], roots[1]) == NULL);
    roots[2] = open_document(t, roots[0], type, roots[1]);
    assert(roots[2] != NULL && parsed == 2);

    printf("parsed %u times\n", parsed);
    eddy_frame_pop(t, &frame);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
