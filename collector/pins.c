/* Pins, as the collector counts them (design, section 7). Each thread hands over, epoch by epoch, how often it
 * pinned and how often it unpinned each object. Pins are added in step 1, unpins taken off one epoch later in step 2,
 * as for incs and decs (I5): so each unpin finds its pin counted, whatever threads the two come from, and a number below
 * zero is a misuse and nothing else. While the number is above zero one count of the object is the pin's. */
#include "collector/state.h"

void eddy__pins_create(struct collector *c)
{
    eddy__map_init(&c->pins, c->heap);
    for (int i = 0; i < 2; i++)
        eddy__vector_init(&c->unpins[i], c->heap, sizeof(void *));
}

void eddy__pins_destroy(struct collector *c)
{
    eddy__map_free(&c->pins);
    for (int i = 0; i < 2; i++)
        eddy__vector_free(&c->unpins[i]);
}

static void add(struct collector *c, void *object, uint64_t pins)
{
    struct object_map_entry *entry = eddy__map_get(&c->pins, object);
    if (entry->value == 0)
        count_inc(c, object, false);
    entry->value += pins;
}

static void take_off(struct collector *c, void *object, uint64_t unpins)
{
    struct object_map_entry *entry = eddy__map_find(&c->pins, object);
    uint64_t pins = entry == NULL ? 0 : entry->value;
    if (unpins > pins) /* the object may be long dead: it is not looked at */
        STAT_ADD(c->stats.misused_unpins, unpins - pins);
    if (entry == NULL)
        return;
    entry->value = unpins < pins ? pins - unpins : 0;
    if (entry->value == 0) {
        eddy__map_remove(&c->pins, entry);
        vector_push(&c->decs, object);
    }
}

static void apply_chunk(struct collector *c, const struct log_chunk *chunk)
{
    for (const uintptr_t *p = chunk->entries; p < chunk->end; p += 3) {
        uint64_t pins = p[1], unpins = p[2];
        if (MUTANT(MUTANT_PINS_NETTED)) {
            uint64_t both = pins < unpins ? pins : unpins;
            pins -= both;
            unpins -= both;
        }
        if (pins != 0)
            add(c, (void *)p[0], pins);
        if (unpins != 0) {
            vector_push(&c->unpins[c->epoch & 1], (void *)p[0]);
            vector_push(&c->unpins[c->epoch & 1], (void *)unpins);
        }
        c->applied++;
    }
}

void eddy__apply_pins(struct collector *c)
{
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next) {
        if (t->in_epoch != c->epoch)
            continue;
        struct handover *handover = &t->handover[c->epoch & 1];
        for (struct log_chunk *chunk = handover->pins, *next; chunk != NULL; chunk = next) {
            next = chunk->next;
            apply_chunk(c, chunk);
            eddy__chunk_give(c->heap, chunk);
        }
        handover->pins = NULL;
    }
}

void eddy__apply_unpins(struct collector *c)
{
    struct vector *unpins = &c->unpins[MUTANT(MUTANT_UNPIN_NOW) ? c->epoch & 1 : (c->epoch & 1) ^ 1];
    for (size_t i = 0; i < unpins->count; i += 2)
        take_off(c, vector_at(unpins, i), (uint64_t)(uintptr_t)vector_at(unpins, i + 1));
    unpins->count = 0;
    eddy__vector_trim(unpins);
    STAT_SET(c->stats.pinned_objects, c->pins.count);
}

bool eddy__unpins_pending(const struct collector *c)
{
    return c->unpins[c->epoch & 1].count != 0;
}
