/* Workload "lru": a cache that all threads share. Keys are drawn with a skew; a hit moves the entry to
 * the front of its shard's ring, a miss makes a value and an entry, and the oldest entry is evicted when
 * the shard is full. The ring is doubly linked, hence full of reference cycles.
 *
 * A shard has a lock. It protects the fields; a value is read after the lock has been released, so the
 * reader needs a reference of its own, or, with manual freeing, a copy. Values follow from their keys,
 * so the sum of what is read does not depend on the order of the threads. */
#include <stdatomic.h>
#include <string.h>

#include "engine.h"

enum { MAX_SHARDS = 256, MAX_WORDS = 500 };

struct entry {
    struct entry *chain; /* next of the bucket */
    struct entry *newer; /* neighbours in the ring */
    struct entry *older;
    struct bytes *value;
    uint64_t key;
};
#define ENTRY_REFS(REF)                                                                                                \
    REF(entry, chain, entry) REF(entry, newer, entry) REF(entry, older, entry) REF(entry, value, bytes)
ENGINE_TYPE(entry, ENTRY_REFS)

struct shard {
    struct array *buckets;
    struct entry *ring; /* a sentinel: its `older` is the newest entry, its `newer` the oldest */
};
#define SHARD_REFS(REF) REF(shard, buckets, array) REF(shard, ring, entry)
ENGINE_TYPE(shard, SHARD_REFS)

/* What is not in the managed heap. */
static struct shard_state {
    pthread_mutex_t mutex;
    uint64_t used;
} __attribute__((aligned(128))) states[MAX_SHARDS];

static void *cache; /* root: an array of shards */
static atomic_uint_fast64_t hits;

static uint64_t shard_capacity(const struct bench_run *run)
{
    return (uint64_t)run->request.params[LRU_ENTRIES] / (uint64_t)run->request.params[LRU_SHARDS] + 1;
}

static size_t value_words(const struct bench_run *run)
{
    return (size_t)run->request.params[LRU_VALUE_BYTES] / sizeof(uint64_t);
}

static void prepare(engine_thread *t, struct bench_run *run)
{
    ENGINE_REGISTER(entry);
    ENGINE_REGISTER(shard);
    ENGINE_ROOT_ADD(t, cache);
    size_t shards = (size_t)run->request.params[LRU_SHARDS];
    size_t buckets = 16;
    while (buckets < shard_capacity(run))
        buckets *= 2;
    ENGINE_FRAME(t, local, struct array * cache; struct array * buckets; struct entry * ring; struct shard * shard;);
    local.cache = ENGINE_NEW_ARRAY(t, shards);
    for (size_t i = 0; i < shards; i++) {
        pthread_mutex_init(&states[i].mutex, NULL);
        states[i].used = 0;
        local.buckets = ENGINE_NEW_ARRAY(t, buckets);
        local.ring = ENGINE_NEW(t, entry);
        ENGINE_INIT(t, local.ring, newer, ENGINE_SHARE(t, local.ring));
        ENGINE_INIT(t, local.ring, older, ENGINE_SHARE(t, local.ring));
        local.shard = ENGINE_NEW(t, shard);
        ENGINE_INIT(t, local.shard, buckets, local.buckets);
        ENGINE_INIT(t, local.shard, ring, local.ring);
        ENGINE_SET(t, shard, local.cache, slots[i], local.shard);
    }
    ENGINE_ROOT_SET(t, cache, local.cache);
    ENGINE_FRAME_END(t, local);
}

/* The functions from here to insert() run under the shard's lock. Every entry they touch is in a bucket
 * of the shard, and stays there until the function itself takes it out: nothing else keeps it. */

static inline struct entry *find(engine_thread *t, struct array *buckets, size_t bucket, uint64_t key)
{
    struct entry *entry = ENGINE_ARRAY_GET(t, entry, buckets, bucket);
    while (entry != NULL && entry->key != key)
        entry = ENGINE_GET(t, entry, chain);
    return entry;
}

static void unlink_entry(engine_thread *t, struct entry *entry)
{
    struct entry *newer = ENGINE_GET(t, entry, newer);
    struct entry *older = ENGINE_GET(t, entry, older);
    ENGINE_SET(t, entry, newer, older, ENGINE_SHARE(t, older));
    ENGINE_SET(t, entry, older, newer, ENGINE_SHARE(t, newer));
}

static void link_newest(engine_thread *t, struct entry *ring, struct entry *entry)
{
    struct entry *newest = ENGINE_GET(t, ring, older);
    ENGINE_SET(t, entry, entry, newer, ENGINE_SHARE(t, ring));
    ENGINE_SET(t, entry, entry, older, ENGINE_SHARE(t, newest));
    ENGINE_SET(t, entry, newest, newer, ENGINE_SHARE(t, entry));
    ENGINE_SET(t, entry, ring, older, ENGINE_SHARE(t, entry));
}

static void evict_oldest(engine_thread *t, struct shard *shard)
{
    struct array *buckets = ENGINE_GET(t, shard, buckets);
    struct entry *victim = ENGINE_GET(t, ENGINE_GET(t, shard, ring), newer);
    size_t bucket = engine_mix(victim->key) & (buckets->length - 1);
    unlink_entry(t, victim);
    ENGINE_FREE(t, ENGINE_GET(t, victim, value));
    struct entry *next = ENGINE_SHARE(t, ENGINE_GET(t, victim, chain));
    struct entry *previous = ENGINE_ARRAY_GET(t, entry, buckets, bucket);
    if (previous == victim) {
        ENGINE_SET(t, entry, buckets, slots[bucket], next);
    } else {
        while (ENGINE_GET(t, previous, chain) != victim)
            previous = ENGINE_GET(t, previous, chain);
        ENGINE_SET(t, entry, previous, chain, next);
    }
    ENGINE_FREE(t, victim);
}

/* Moves the caller's ownership of `entry` into the shard; evicts if there are too many then. */
static void insert(engine_thread *t, struct shard *shard, struct shard_state *state, size_t bucket, struct entry *entry,
                   uint64_t capacity)
{
    struct array *buckets = ENGINE_GET(t, shard, buckets);
    ENGINE_INIT(t, entry, chain, ENGINE_SHARE(t, ENGINE_ARRAY_GET(t, entry, buckets, bucket)));
    ENGINE_SET(t, entry, buckets, slots[bucket], entry);
    link_newest(t, ENGINE_GET(t, shard, ring), entry);
    if (state->used == capacity)
        evict_oldest(t, shard);
    else
        state->used++;
}

/* A reference to the value that stays good without the lock. `copy` has room for the value. */
static inline struct bytes *borrow_value(engine_thread *t, struct entry *entry, struct bytes *copy)
{
    struct bytes *value = ENGINE_GET(t, entry, value);
#ifdef ENGINE_MANUAL
    memcpy(copy, value, sizeof *value + value->length * sizeof value->words[0]);
    return copy;
#else
    (void)copy;
    return ENGINE_SHARE(t, value);
#endif
}

static struct bytes *make_value(engine_thread *t, uint64_t key, size_t words)
{
    struct bytes *value = ENGINE_NEW_BYTES(t, sizeof *value + words * sizeof value->words[0]);
    value->length = words;
    for (size_t i = 0; i < words; i++)
        value->words[i] = engine_mix(key + i);
    return value;
}

/* A key below `keys`, small ones more often: the product of two uniform numbers. */
static inline uint64_t draw_key(uint64_t *random, uint64_t keys)
{
    uint64_t draw = engine_random(random);
    uint64_t product = (draw >> 32) * (draw & UINT32_MAX);
    return (product >> 32) * keys >> 32;
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    uint64_t keys = 4 * (uint64_t)run->request.params[LRU_ENTRIES];
    uint64_t shards = (uint64_t)run->request.params[LRU_SHARDS];
    uint64_t capacity = shard_capacity(run);
    int64_t ops = run->request.params[LRU_OPS];
    size_t words = value_words(run);
    uint64_t random = engine_mix(index + 1);
    uint64_t own_hits = 0;
    uint64_t sum = 0;
    uint64_t copy[1 + MAX_WORDS];

    ENGINE_FRAME(t, local, struct array * cache; struct shard * shard; struct entry * entry; struct bytes * value;);
    local.cache = ENGINE_ROOT_GET(t, cache);
    for (int64_t op = 0; op < ops; op++) {
        uint64_t key = draw_key(&random, keys);
        uint64_t hash = engine_mix(key);
        size_t number = (hash >> 32) % shards;
        struct shard_state *state = &states[number];
        local.shard = ENGINE_ARRAY_GET(t, shard, local.cache, number);
        size_t bucket = hash & (ENGINE_GET(t, local.shard, buckets)->length - 1);

        engine_lock(t, &state->mutex);
        struct entry *found = find(t, ENGINE_GET(t, local.shard, buckets), bucket, key);
        if (found == NULL) {
            pthread_mutex_unlock(&state->mutex);
            local.value = make_value(t, key, words);
            local.entry = ENGINE_NEW(t, entry);
            local.entry->key = key;
            ENGINE_INIT(t, local.entry, value, local.value);
            engine_lock(t, &state->mutex);
            found = find(t, ENGINE_GET(t, local.shard, buckets), bucket, key);
        }
        if (found == NULL) {
            insert(t, local.shard, state, bucket, local.entry, capacity);
            found = local.entry;
        } else {
            if (local.entry != NULL) {
                /* Another thread was faster: give up the entry made above. */
                ENGINE_DISPOSE(t, entry, local.entry);
            } else {
                own_hits++;
            }
            unlink_entry(t, found);
            link_newest(t, ENGINE_GET(t, local.shard, ring), found);
        }
        local.value = borrow_value(t, found, (struct bytes *)(void *)copy);
        pthread_mutex_unlock(&state->mutex);

        for (uint64_t i = 0; i < local.value->length; i++)
            sum += local.value->words[i];
        ENGINE_DROP(t, bytes, local.value);
        local.value = NULL;
        local.entry = NULL;
        ENGINE_POLL(t);
    }
    atomic_fetch_add(&hits, own_hits);
    ENGINE_KEEP(local.cache);
    ENGINE_FRAME_END(t, local);
    return sum;
}

/* Walks every shard along its ring and along its buckets: both must hold all its entries. */
static void finish(engine_thread *t, struct bench_run *run)
{
    struct array *shards = ENGINE_ROOT_GET(t, cache);
    for (size_t number = 0; number < shards->length; number++) {
        struct shard *shard = ENGINE_ARRAY_GET(t, shard, shards, number);
        struct array *buckets = ENGINE_GET(t, shard, buckets);
        struct entry *ring = ENGINE_GET(t, shard, ring);
        uint64_t in_ring = 0, in_buckets = 0;
        for (struct entry *e = ENGINE_GET(t, ring, older); e != ring; e = ENGINE_GET(t, e, older))
            in_ring += ENGINE_GET(t, ENGINE_GET(t, e, older), newer) == e;
        for (size_t i = 0; i < buckets->length; i++)
            for (struct entry *e = ENGINE_ARRAY_GET(t, entry, buckets, i); e != NULL; e = ENGINE_GET(t, e, chain))
                in_buckets++;
        if (in_ring != states[number].used || in_buckets != states[number].used)
            bench_fatal("lru: shard %zu has %llu entries, %llu in its ring, %llu in its buckets", number,
                        (unsigned long long)states[number].used, (unsigned long long)in_ring,
                        (unsigned long long)in_buckets);
    }
    double lookups = (double)run->request.params[LRU_OPS] * run->request.threads;
    bench_real(run, "hit_rate", (double)atomic_load(&hits) / lookups);
}

const struct engine_workload ENGINE_SYMBOL(workload_lru) = {prepare, work, finish};
