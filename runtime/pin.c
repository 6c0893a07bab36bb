/* Pins (design, section 7): the slow paths of pin.h, and how a thread hands over what it did.
 *
 * A thread counts its pins and unpins of an epoch by object in a small direct-mapped table. An entry that another
 * object displaces, and at the handshake, on entry into native state and at the thread's end every entry, is written
 * to a chain of chunks, three words each: object, pins, unpins. The handshake hands the chain over. There is room in the
 * first chunk for every entry in use, so that only a slow path of eddy_pin or eddy_unpin ever waits. Keeps I1 (a first
 * pin publishes) and I5 (nothing is dropped; the collector applies unpins one epoch late). */
#include "collector/collector.h"
#include "runtime/runtime.h"

#define PIN_WORDS 3u
#define WAITS_FOR_A_CHUNK 4u /* then one is taken, whatever the limit: what is in use is in the threads' hands */
#define ONLY_UNPINNED ((uintptr_t)1)

_Static_assert(EDDY__PINS *PIN_WORDS <= LOG_CHUNK_ENTRIES, "all entries fit a chunk");
_Static_assert(EDDY__PINS - 1 <= UINT8_MAX, "numbers of entries are bytes");

/* ---- handing over ---- */

static void write_out(struct thread *t, struct eddy__pin *entry)
{
    struct log_chunk *chunk = t->pin_chunks;
    uintptr_t *words = chunk->end;
    words[0] = entry->key & ~ONLY_UNPINNED;
    words[1] = entry->pins;
    words[2] = entry->unpins;
    EDDY_STORE_RELEASE(&chunk->end, words + PIN_WORDS); /* in this order in the image of a forked child, too */
    EDDY_STORE_RELEASE(&entry->key, 0);
}

void eddy__pins_flush(struct thread *t)
{
    for (unsigned i = 0; i < t->pins_used; i++)
        write_out(t, &t->fast.pins[t->pin_list[i]]);
    t->pins_used = 0;
}

/* Whether the thread was about to empty the entry, which has been written already. */
static bool just_written(const struct log_chunk *chunk, const struct eddy__pin *entry)
{
    const uintptr_t *words = chunk->end - PIN_WORDS;
    return chunk->end != chunk->entries && words[0] == (entry->key & ~ONLY_UNPINNED) && words[1] == entry->pins
           && words[2] == entry->unpins;
}

/* In a forked child: the thread has vanished, wherever it was; pins outlive it. */
void eddy__pins_abandon(struct thread *t)
{
    for (unsigned i = 0; i < EDDY__PINS; i++) {
        struct eddy__pin *entry = &t->fast.pins[i];
        if (entry->key != 0 && !just_written(t->pin_chunks, entry))
            write_out(t, entry);
        entry->key = 0;
    }
    t->pins_used = 0;
}

static size_t room_of(const struct thread *t)
{
    const struct log_chunk *chunk = t->pin_chunks;
    return chunk == NULL ? 0 : (size_t)(chunk->entries + LOG_CHUNK_ENTRIES - chunk->end);
}

static void add_chunk(struct thread *t, struct log_chunk *chunk)
{
    eddy_heap *heap = t->heap;
    chunk->end = chunk->entries;
    chunk->next = t->pin_chunks;
    EDDY_STORE_RELAXED(&t->pin_chunks, chunk);
    if (EDDY_LOAD_RELAXED(&heap->active) == 0)
        eddy__collector_note_active(heap);
    if (EDDY_ADD_RELAXED(&heap->logged, LOG_CHUNK_BYTES) + LOG_CHUNK_BYTES >= EDDY_LOAD_RELAXED(&heap->log_bytes))
        eddy__collector_request(heap, REQUEST_EPOCH);
}

/* Makes room for one entry more than are in use. Possible safepoint; whether it was one. */
static bool make_room(struct thread *t)
{
    eddy_heap *heap = t->heap;
    unsigned waits = 0;
    while (room_of(t) < (t->pins_used + 1) * PIN_WORDS) {
        bool surely = waits == WAITS_FOR_A_CHUNK;
        bool full = EDDY_LOAD_RELAXED(&heap->chunks_used) * LOG_CHUNK_BYTES >= heap->config.log_limit;
        struct log_chunk *chunk = full && !surely ? NULL : eddy__chunk_take(heap, surely);
        if (chunk != NULL) {
            add_chunk(t, chunk);
            break;
        }
        eddy__wait_for_memory(t, 0);
        waits += waits < WAITS_FOR_A_CHUNK;
    }
    return waits != 0;
}

/* ---- slow paths ---- */

/* Whether the object can be pinned, and has to be: it is neither NULL nor permanent. */
static bool check(const struct thread *t, const void *object, const char *function)
{
    if (t->magic != THREAD_MAGIC)
        eddy__misuse(function, "the thread is not attached");
    if (t->native_depth != 0)
        eddy__misuse(function, "the thread is in a native region");
    if (object == NULL || (((uintptr_t)object & 15) == 0 && eddy_is_permanent(object)))
        return false;
    if (!heap_contains(t->heap, object) || ((uintptr_t)object & 15) != 0)
        eddy__misuse(function, "the address is no object of this heap");
#ifdef EDDY_DEBUG
    if (eddy_object_at(t->heap, object) != object)
        eddy__misuse(function, "the address is no object of this heap");
#endif
    return true;
}

/* Gives the object a fresh entry, which is empty, under `key`. There is room. */
static struct eddy__pin *make_entry(struct thread *t, const void *object, uintptr_t key)
{
    struct eddy__pin *entry = eddy__pin_of(&t->fast, object);
    if (entry->key != 0)
        write_out(t, entry);
    else
        t->pin_list[t->pins_used++] = (uint8_t)(entry - t->fast.pins);
    entry->pins = entry->unpins = 0;
    EDDY_STORE_RELEASE(&entry->key, key);
    return entry;
}

/* Room for an entry, and the object is one that other threads may be given. */
static void prepare(struct thread *t, void *object)
{
    t->held[0] = object;
    bool waited;
    do {
        waited = make_room(t);
        if (!eddy__is_own(&t->fast, object))
            continue;
        for (; t->bumps_left <= 1; waited = true)
            eddy__wait_for_memory(t, 0);
        waited |= eddy__reserve_entries(t, PUBLISH_INCS, 0);
    } while (waited);
    t->held[0] = NULL;
    if (eddy__is_own(&t->fast, object) && !MUTANT(MUTANT_PIN_PRIVATE)) {
        eddy__publish(t, object); /* the inc that I6 asks for is the pin, handed over in this same epoch */
        log_publish(&t->inc);
    }
}

void eddy__pin_slow(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    if (!check(t, object, "eddy_pin"))
        return;
    prepare(t, object);
    struct eddy__pin *entry = eddy__pin_of(ft, object);
    if (entry->key == ((uintptr_t)object | ONLY_UNPINNED))
        entry->key = (uintptr_t)object;
    else
        entry = make_entry(t, object, (uintptr_t)object);
    entry->pins++;
}

void eddy__unpin_slow(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    if (!check(t, object, "eddy_unpin"))
        return;
    struct eddy__pin *entry = eddy__pin_of(ft, object);
    if (entry->key != ((uintptr_t)object | ONLY_UNPINNED)) {
        make_room(t);
        entry = make_entry(t, object, (uintptr_t)object | ONLY_UNPINNED);
    }
    entry->unpins++;
}

/* ---- foreign calls ---- */

static void pin_all(eddy_thread *t, void *const *objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        eddy_pin(t, objects[i]);
}

static void unpin_all(eddy_thread *t, void *const *objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        eddy_unpin(t, objects[i]);
}

void *eddy_call_pinned(eddy_thread *t, eddy_foreign_fn *function, void *context, void *const *arguments, size_t count)
{
    eddy_frame frame; /* until the last of them is pinned */
    eddy_frame_push(t, &frame, (void **)(uintptr_t)arguments, count);
    pin_all(t, arguments, count);
    eddy_frame_pop(t, &frame);
    void *result = function(context, arguments, count);
    unpin_all(t, arguments, count);
    return result;
}

void *eddy_call_native(eddy_thread *t, eddy_foreign_fn *function, void *context, void *const *arguments, size_t count)
{
    eddy_frame frame;
    eddy_frame_push(t, &frame, (void **)(uintptr_t)arguments, count);
    pin_all(t, arguments, count);
    eddy_frame_pop(t, &frame);
    eddy_native_enter(t);
    void *result = function(context, arguments, count);
    eddy_native_leave(t);
    unpin_all(t, arguments, count);
    return result;
}
