/* A cache of database rows with weak values and finalizers: a row is the same object for all who use it, is forgotten
 * when nobody does, and is written back then if it was changed.
 *
 * The "database" is an array. Rows are found by their number: the keys are objects that the program keeps, one for each
 * number; the table holds the rows weakly. A row that has died is out of the table before its finalizer has run, so that
 * the database still has the old contents: whoever misses a row that has not been written back waits for its finalizer. */
#include <assert.h>
#include <stdio.h>

#include <eddy/eddy.h>

enum { ROWS = 200 };

struct row {
    int number, value;
    bool changed;
};

static int database[ROWS];
static bool out[ROWS]; /* there is an object of this row, alive or not finalized yet */
static unsigned reads, writes;

struct cache {
    const eddy_type *type;
    eddy_table *rows; /* held by the frame of main */
    eddy_array *keys; /* so is this */
    eddy_finalizer_queue *queue;
};

static void write_back(eddy_thread *t, void *object, void *data)
{
    struct row *row = object;
    (void)t, (void)data;
    out[row->number] = false;
    if (row->changed) {
        database[row->number] = row->value;
        writes++;
    }
}

/* The caller holds the row before its next safepoint. */
static struct row *fetch(eddy_thread *t, struct cache *cache, int number)
{
    void *key = eddy_load(t, &cache->keys->slots[number]);
    struct row *row = eddy_table_get(t, cache->rows, key);
    if (row != NULL)
        return row;
    while (out[number]) {
        eddy_finalizers_wait(t, cache->queue, 10);
        eddy_finalizers_run(t, cache->queue, SIZE_MAX);
    }
    void *slots[1] = {eddy_alloc(t, cache->type)};
    eddy_frame frame;
    row = slots[0];
    assert(row != NULL);
    row->number = number;
    row->value = database[number];
    reads++;
    eddy_frame_push(t, &frame, slots, 1);
    if (eddy_table_put(t, cache->rows, key, row) || eddy_finalizer_attach(t, row, cache->queue, write_back, NULL))
        row = NULL;
    else
        out[number] = true;
    eddy_frame_pop(t, &frame);
    return row;
}

int main(void)
{
    const eddy_type_desc layout = {.name = "row", .size = sizeof(struct row)};
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS;
    eddy_heap *heap;
    eddy_thread *t;
    struct cache cache;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t)
        || eddy_type_register(heap, &layout, &cache.type) || eddy_finalizer_queue_create(heap, &cache.queue))
        return 1;
    void *slots[3] = {NULL}; /* table, keys, a row in use */
    eddy_frame frame;
    eddy_frame_push(t, &frame, slots, 3);
    slots[0] = cache.rows = eddy_table_new(t, EDDY_TABLE_WEAK_VALUE);
    slots[1] = cache.keys = eddy_alloc_array(t, ROWS);
    assert(slots[0] != NULL && slots[1] != NULL);
    for (int i = 0; i < ROWS; i++) {
        void *key = eddy_alloc_bytes(t, 8);
        assert(key != NULL);
        eddy_store(t, cache.keys, &cache.keys->slots[i], key);
    }

    for (int i = 0; i < ROWS; i++) { /* rows are changed, and nobody keeps them */
        struct row *row = fetch(t, &cache, i);
        assert(row != NULL && row->value == 0);
        row->value = 2 * i;
        row->changed = true;
    }
    struct row *kept = slots[2] = fetch(t, &cache, 7);
    assert(kept != NULL && kept->value == 14);
    kept->value = 15;
    kept->changed = true;
    assert(eddy_collect(t, 0, NULL) == EDDY_OK);
    assert(fetch(t, &cache, 7) == kept); /* in use: still the same object */
    eddy_finalizers_run(t, cache.queue, SIZE_MAX);
    assert(writes >= ROWS - 1 && database[7] != 15);
    for (int i = 0; i < ROWS; i++) {
        struct row *row = fetch(t, &cache, i); /* read again, with what was written */
        assert(row != NULL && row->value == (i == 7 ? 15 : 2 * i));
    }

    slots[2] = NULL; /* the end: what is left is written, too */
    assert(eddy_finalize_all(t) == EDDY_OK);
    eddy_finalizers_run(t, cache.queue, SIZE_MAX);
    for (int i = 0; i < ROWS; i++)
        assert(database[i] == (i == 7 ? 15 : 2 * i));
    printf("%u reads, %u writes\n", reads, writes);
    eddy_frame_pop(t, &frame);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
