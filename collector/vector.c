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
    eddy__discharge_overhead(v->heap, v->room * v->item_bytes);
    v->items = NULL;
    v->count = v->room = 0;
}

/* `room` is never 0. `surely`: whatever the limit says. */
static bool resize(struct vector *v, size_t room, bool surely)
{
    size_t more = room > v->room ? (room - v->room) * v->item_bytes : 0;
    if (!surely && more != 0 && !eddy__charge_overhead(v->heap, more))
        return false;
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): rooms and items are never of size 0 */
    void *items = room > v->room && FAILS_ONCE() ? NULL : realloc(v->items, room * v->item_bytes);
    if (items == NULL) {
        if (!surely)
            eddy__discharge_overhead(v->heap, more);
        return false;
    }
    if (surely && more != 0)
        eddy__charge_always(v->heap, more);
    if (room < v->room)
        eddy__discharge_overhead(v->heap, (v->room - room) * v->item_bytes);
    v->items = items;
    v->room = room;
    return true;
}

static bool grow(struct vector *v, bool surely)
{
    size_t room = v->room == 0                           ? ROOM_FIRST
                  : v->room * v->item_bytes < TRIM_BYTES ? v->room * 2
                                                         : v->room + v->room / 2;
    return resize(v, room, surely);
}

bool eddy__vector_grow(struct vector *v)
{
    return grow(v, false);
}

void eddy__vector_grow_surely(struct vector *v)
{
    while (!grow(v, true))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void eddy__vector_trim(struct vector *v)
{
    if (v->count == 0 && eddy__over_limit(v->heap))
        eddy__vector_free(v);
    else if (v->room * v->item_bytes > TRIM_BYTES && v->count < v->room / 4)
        resize(v, v->count < ROOM_FIRST ? ROOM_FIRST : v->count * 2, true);
}
