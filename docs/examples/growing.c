/* A vector that grows: eddy_resize leaves it where it is as long as its cell or the memory behind it has room, and
 * otherwise returns a copy, whose address the program stores where the old one was. */
#include <assert.h>
#include <stdio.h>

#include <eddy/eddy.h>

struct vector {
    eddy_array *items;
    size_t count;
};

static bool push(eddy_thread *t, struct vector *v, void *item)
{
    if (v->count == v->items->length) {
        eddy_array *grown = eddy_resize(t, v->items, 2 * v->items->length);
        if (grown == NULL)
            return false;
        EDDY_SET(t, v, items, grown);
    }
    eddy_store(t, v->items, &v->items->slots[v->count++], item);
    return true;
}

int main(void)
{
    static const size_t references[] = {offsetof(struct vector, items)};
    const eddy_type_desc layout = {
        .name = "vector", .size = sizeof(struct vector), .ref_offsets = references, .ref_count = 1};
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *type;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &type))
        return 1;
    void *handles[2] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, handles, 2);
    struct vector *v = handles[0] = eddy_alloc(t, type);
    eddy_array *items = v == NULL ? NULL : eddy_alloc_array(t, 4);
    if (items == NULL)
        return 1;
    EDDY_SET(t, v, items, items);
    unsigned moved = 0;
    for (size_t i = 0; i < 100000; i++) {
        size_t *number = handles[1] = eddy_alloc_bytes(t, sizeof *number);
        if (number == NULL)
            return 1;
        *number = i;
        const eddy_array *before = v->items;
        if (!push(t, v, number))
            return 1;
        moved += v->items != before;
    }
    for (size_t i = 0; i < v->count; i++)
        assert(*(const size_t *)v->items->slots[i] == i);
    printf("%zu items, room for %zu, moved %u times\n", v->count, v->items->length, moved);
    eddy_frame_pop(t, &frame);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
