/* Rings of records: one producer, one consumer, no lock; see record.h. */
#include <stdlib.h>
#include <string.h>

#include "runtime/heap/record.h"

/* Not charged to the heap: that it is being watched must not change when it collects. Every page is touched here,
 * so that the producer need not wait for the system. */
struct record_ring *eddy__ring_create(uint32_t room)
{
    if (FAILS_NOW())
        return NULL;
    struct record_ring *ring = calloc(1, sizeof *ring);
    eddy_record *slots = malloc((size_t)room * sizeof *slots);
    if (ring == NULL || slots == NULL) {
        free(ring);
        free(slots);
        return NULL;
    }
    memset(slots, 0xff, (size_t)room * sizeof *slots);
    ring->room = room;
    ring->slots = slots;
    return ring;
}

void eddy__ring_destroy(struct record_ring *ring)
{
    if (ring == NULL)
        return;
    free(ring->slots);
    free(ring);
}

void eddy__ring_put(struct record_ring *ring, const eddy_record *record)
{
    if (ring == NULL)
        return;
    uint64_t head = ring->head;
    unsigned slots = record->slots;
    if (EDDY_UNLIKELY(head + slots - ring->tail_seen > ring->room)) {
        ring->tail_seen = EDDY_LOAD_ACQUIRE(&ring->tail);
        if (head + slots - ring->tail_seen > ring->room) {
            EDDY_STORE_RELAXED(&ring->dropped, ring->dropped + 1);
            return;
        }
    }
    for (unsigned i = 0; i < slots; i++)
        memcpy(&ring->slots[(head + i) & (ring->room - 1)], record + i, sizeof *record);
    EDDY_STORE_RELEASE(&ring->head, head + slots);
}

uint32_t eddy__ring_take(struct record_ring *ring, eddy_record *to, uint32_t most)
{
    uint64_t tail = ring->tail, head = EDDY_LOAD_ACQUIRE(&ring->head);
    uint32_t taken = 0;
    while (tail + taken != head) {
        unsigned slots = ring->slots[(tail + taken) & (ring->room - 1)].slots;
        if (taken + slots > most)
            break;
        for (unsigned i = 0; i < slots; i++)
            memcpy(&to[taken + i], &ring->slots[(tail + taken + i) & (ring->room - 1)], sizeof *to);
        taken += slots;
    }
    EDDY_STORE_RELEASE(&ring->tail, tail + taken);
    return taken;
}

void eddy__ring_clear(struct record_ring *ring)
{
    EDDY_STORE_RELEASE(&ring->tail, EDDY_LOAD_ACQUIRE(&ring->head));
    ring->dropped_seen = EDDY_LOAD_RELAXED(&ring->dropped);
}
