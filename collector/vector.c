/* Growing arrays; see vector.h. */
#include "collector/vector.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/heap/memory.h"

#define ROOM_FIRST 1024u
#define TRIM_BYTES ((size_t)1 << 20)

void eddy__vector_init(struct vector *v, eddy_heap *heap, size_t item_bytes)
{
    *v = (struct vector){.heap = heap, .item_bytes = item_bytes};
}

void eddy__vector_free(struct vector *v)
{
    free(v->items);
    eddy__discharge(v->heap, v->room * v->item_bytes);
    v->items = NULL;
    v->count = v->room = 0;
}

static bool resize(struct vector *v, size_t room)
{
    void *items = realloc(v->items, room * v->item_bytes);
    if (items == NULL)
        return false;
    if (room > v->room)
        eddy__charge_always(v->heap, (room - v->room) * v->item_bytes);
    else
        eddy__discharge(v->heap, (v->room - room) * v->item_bytes);
    v->items = items;
    v->room = room;
    return true;
}

bool eddy__vector_grow(struct vector *v)
{
    size_t room = v->room == 0 ? ROOM_FIRST : v->room * v->item_bytes < TRIM_BYTES ? v->room * 2 : v->room + v->room / 2;
    return resize(v, room);
}

void eddy__vector_grow_surely(struct vector *v)
{
    while (!eddy__vector_grow(v))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void eddy__vector_trim(struct vector *v)
{
    if (v->room * v->item_bytes > TRIM_BYTES && v->count < v->room / 4)
        resize(v, v->count < ROOM_FIRST ? ROOM_FIRST : v->count * 2);
}
