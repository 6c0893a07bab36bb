/* Workload "hash-map": churn. Every thread has a chained hash table in which every key is always present;
 * an operation finds a random key, reads its boxed value, takes the entry out and puts a new entry with a new
 * boxed value in its place at the head of the chain. Buckets and chains are old, so nearly all stores are
 * counted, and everything that dies is as old as the table is large. The tables are left to the end of the
 * process. */
#include "engine.h"

struct box {
    uint64_t words[3];
};
ENGINE_TYPE(box, NO_REFS)

struct pair {
    struct pair *next;
    struct box *value;
    uint64_t key;
};
#define PAIR_REFS(REF) REF(pair, next, pair) REF(pair, value, box)
ENGINE_TYPE(pair, PAIR_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(box);
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

static void insert(engine_thread *t, struct array *table, size_t bucket, uint64_t key, uint64_t seed)
{
    ENGINE_FRAME(t, made, struct box * box; struct pair * entry;);
    made.box = ENGINE_NEW_LEAF(t, box);
    for (unsigned i = 0; i < 3; i++)
        made.box->words[i] = seed + i;
    made.entry = ENGINE_NEW(t, pair);
    made.entry->key = key;
    ENGINE_INIT(t, made.entry, value, made.box);
    ENGINE_INIT(t, made.entry, next, ENGINE_SHARE(t, ENGINE_ARRAY_GET(t, pair, table, bucket)));
    ENGINE_SET(t, pair, table, slots[bucket], made.entry);
    ENGINE_FRAME_END(t, made);
}

static void take_out(engine_thread *t, struct array *table, struct place place)
{
    struct pair *next = ENGINE_SHARE(t, ENGINE_GET(t, place.entry, next));
    ENGINE_FREE(t, ENGINE_GET(t, place.entry, value));
    if (place.previous != NULL)
        ENGINE_SET(t, pair, place.previous, next, next);
    else
        ENGINE_SET(t, pair, table, slots[place.bucket], next);
    ENGINE_FREE(t, place.entry);
}

static uint64_t read_box(const struct box *box)
{
    return box->words[0] ^ box->words[1] << 1 ^ box->words[2] << 2;
}

static uint64_t sum_table(engine_thread *t, struct array *table)
{
    uint64_t sum = 0;
    for (size_t bucket = 0; bucket < table->length; bucket++) {
        struct pair *entry = ENGINE_ARRAY_GET(t, pair, table, bucket);
        for (; entry != NULL; entry = ENGINE_GET(t, entry, next))
            sum += engine_mix(entry->key ^ read_box(ENGINE_GET(t, entry, value)));
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

    ENGINE_FRAME(t, local, struct array * table;);
    local.table = ENGINE_NEW_ARRAY(t, buckets);
    for (uint64_t key = 0; key < keys; key++)
        insert(t, local.table, engine_mix(key) & (buckets - 1), key, key);
    for (int64_t op = 0; op < ops; op++) {
        uint64_t draw = engine_random(&random);
        uint64_t key = (draw >> 1) % keys;
        struct place place = find(t, local.table, key);
        sum += read_box(ENGINE_GET(t, place.entry, value)) ^ (uint64_t)op;
        take_out(t, local.table, place);
        insert(t, local.table, place.bucket, key, draw);
    }
    sum += sum_table(t, local.table);
    ENGINE_KEEP(local.table);
    ENGINE_FRAME_END(t, local);
    return sum;
}

const struct engine_workload ENGINE_SYMBOL(workload_hash_map) = {prepare, work, NULL};
