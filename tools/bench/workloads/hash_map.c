/* Workload "hash-map": every thread has a chained hash table of boxed entries. Half of the operations
 * look up a random key, the other half delete it if it is there and insert it if not; the table starts
 * half full and stays so. Buckets and chains are old, so nearly all stores are counted. The tables are
 * left to the end of the process. */
#include "engine.h"

struct pair {
    struct pair *next;
    uint64_t key;
    uint64_t value;
};
#define PAIR_REFS(REF) REF(pair, next, pair)
ENGINE_TYPE(pair, PAIR_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(pair);
}

/* Where a key is, or would be: its bucket, its entry (or NULL) and the one before it in the chain. */
struct place {
    size_t bucket;
    struct pair *entry;
    struct pair *previous;
};

static inline struct place find(engine_thread *t, struct array *table, uint64_t key)
{
    struct place place = {.bucket = engine_mix(key) & (table->length - 1)};
    place.entry = ENGINE_ARRAY_GET(t, pair, table, place.bucket);
    while (place.entry != NULL && place.entry->key != key) {
        place.previous = place.entry;
        place.entry = ENGINE_GET(t, place.entry, next);
    }
    return place;
}

static void insert(engine_thread *t, struct array *table, size_t bucket, uint64_t key, uint64_t value)
{
    struct pair *entry = ENGINE_NEW(t, pair);
    entry->key = key;
    entry->value = value;
    ENGINE_INIT(t, entry, next, ENGINE_SHARE(t, ENGINE_ARRAY_GET(t, pair, table, bucket)));
    ENGINE_SET(t, pair, table, slots[bucket], entry);
}

static void take_out(engine_thread *t, struct array *table, struct place place)
{
    struct pair *next = ENGINE_SHARE(t, ENGINE_GET(t, place.entry, next));
    if (place.previous != NULL)
        ENGINE_SET(t, pair, place.previous, next, next);
    else
        ENGINE_SET(t, pair, table, slots[place.bucket], next);
    ENGINE_FREE(t, place.entry);
}

static uint64_t sum_table(engine_thread *t, struct array *table)
{
    uint64_t sum = 0;
    for (size_t bucket = 0; bucket < table->length; bucket++) {
        struct pair *entry = ENGINE_ARRAY_GET(t, pair, table, bucket);
        for (; entry != NULL; entry = ENGINE_GET(t, entry, next))
            sum += engine_mix(entry->key ^ entry->value);
    }
    return sum;
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    uint64_t keys = (uint64_t)run->request.params[MAP_KEYS];
    int64_t ops = run->request.params[MAP_OPS];
    uint64_t random = engine_mix(index + 1);
    uint64_t sum = 0;
    size_t buckets = 16;
    while (buckets < keys)
        buckets *= 2;

    ENGINE_FRAME(t, local, struct array *table;);
    local.table = ENGINE_NEW_ARRAY(t, buckets);
    for (uint64_t key = 0; key < 2 * keys; key += 2)
        insert(t, local.table, find(t, local.table, key).bucket, key, key);
    for (int64_t op = 0; op < ops; op++) {
        uint64_t draw = engine_random(&random);
        uint64_t key = (draw >> 1) % (2 * keys);
        struct place place = find(t, local.table, key);
        if (place.entry != NULL)
            sum += place.entry->value ^ (uint64_t)op;
        if (draw & 1)
            ENGINE_POLL(t);
        else if (place.entry != NULL)
            take_out(t, local.table, place);
        else
            insert(t, local.table, place.bucket, key, draw);
    }
    sum += sum_table(t, local.table);
    ENGINE_KEEP(local.table);
    ENGINE_FRAME_END(t, local);
    return sum;
}

const struct engine_workload ENGINE_SYMBOL(workload_hash_map) = {prepare, work, NULL};
