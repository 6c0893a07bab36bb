/* What asking costs when nobody else wants the object: the update of an entry of a hash table, and of one object again and again,
 * by one thread. Ratios are medians of those of runs taken in turns. */
#include "ownership.h"

#include <stdio.h>

#define BUCKET_BITS 12
#define ENTRIES 4096u
#define MOST_RUNS 256u

/* The finalizer of MurmurHash3 (Appleby). */
static inline size_t bucket_of(uint64_t key)
{
    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (key ^ key >> 33) >> (64 - BUCKET_BITS);
}

/* One update: look up, ask, add, give back, poll. */
#define UPDATES(name, way)                                                                                             \
    __attribute__((noinline)) static uint64_t updates_##name(eddy_thread *t, eddy_array *buckets, uint64_t n)          \
    {                                                                                                                  \
        uint64_t random = 88172645463325252u;                                                                          \
        for (uint64_t i = 0; i < n; i++) {                                                                             \
            uint64_t key = ownership_random(&random) % ENTRIES;                                                        \
            struct item *item = eddy_load(t, &buckets->slots[bucket_of(key)]);                                         \
            while (item->key != key)                                                                                   \
                item = EDDY_GET(t, item, next);                                                                        \
            begin_access(t, item, (way), true);                                                                        \
            item->value += (int64_t)i;                                                                                 \
            end_access(item, (way));                                                                                   \
            eddy_safepoint(t);                                                                                         \
        }                                                                                                              \
        return random;                                                                                                 \
    }                                                                                                                  \
    __attribute__((noinline)) static uint64_t accesses_##name(eddy_thread *t, eddy_array *items, uint64_t n)           \
    {                                                                                                                  \
        for (uint64_t i = 0; i < n; i++) {                                                                             \
            struct item *item = eddy_load(t, &items->slots[i % ENTRIES]);                                              \
            begin_access(t, item, (way), true);                                                                        \
            item->value += (int64_t)i;                                                                                 \
            end_access(item, (way));                                                                                   \
            eddy_safepoint(t);                                                                                         \
        }                                                                                                              \
        return 0;                                                                                                      \
    }
UPDATES(none, WAY_NONE)
UPDATES(owned, WAY_OWNED)
UPDATES(mutex, WAY_MUTEX)
UPDATES(spin, WAY_SPIN)
UPDATES(rwlock, WAY_RWLOCK)

typedef uint64_t loop_fn(eddy_thread *t, eddy_array *array, uint64_t n);

static loop_fn *const updates[WAYS] = {updates_none, updates_owned, updates_mutex, updates_spin, updates_rwlock};
static loop_fn *const accesses[WAYS] = {accesses_none, accesses_owned, accesses_mutex, accesses_spin, accesses_rwlock};

static void *item_slots[WAYS], *table_slots[WAYS];
static eddy_array *items[WAYS], *tables[WAYS];

static void build(const struct ownership *o, eddy_thread *t, enum way way)
{
    items[way] = ownership_items(o, t, way, ENTRIES, &item_slots[way], true);
    if (eddy_root_add(t, &table_slots[way]) != EDDY_OK
        || (tables[way] = eddy_alloc_array(t, (size_t)1 << BUCKET_BITS)) == NULL)
        bench_out_of_memory();
    eddy_root_store(t, &table_slots[way], tables[way]);
    for (size_t i = 0; i < ENTRIES; i++) {
        struct item *item = eddy_load(t, &items[way]->slots[i]);
        void **bucket = &tables[way]->slots[bucket_of(item->key)];
        eddy_own_write(t, item);
        EDDY_SET(t, item, next, eddy_load(t, bucket));
        eddy_store(t, tables[way], bucket, item);
    }
}

static void compare(const struct ownership *o, eddy_thread *t, const char *what, loop_fn *const loops[WAYS],
                    eddy_array **arrays)
{
    static double ns[WAYS][MOST_RUNS], ratio[MOST_RUNS];
    for (unsigned run = 0; run < o->runs; run++)
        for (enum way way = 0; way < WAYS; way++) {
            if (!ownership_wants(o, way))
                continue;
            if (run == 0)
                loops[way](t, arrays[way], o->ops / 10);
            uint64_t begun = bench_now_ns();
            loops[way](t, arrays[way], o->ops);
            ns[way][run] = (double)(bench_now_ns() - begun) / (double)o->ops;
        }
    for (enum way way = 0; way < WAYS; way++) {
        if (!ownership_wants(o, way))
            continue;
        printf("%-22s %-10s", what, ownership_ways[way]);
        for (enum way base = WAY_NONE; base <= WAY_MUTEX && o->only == NULL; base += 2) { /* unchecked, mutex */
            for (unsigned run = 0; run < o->runs; run++)
                ratio[run] = ns[way][run] / ns[base][run];
            printf(" %7.3f of %s", ownership_median(ratio, o->runs), ownership_ways[base]);
        }
        if (o->only == NULL) {
            for (unsigned run = 0; run < o->runs; run++)
                ratio[run] = (ns[way][run] - ns[WAY_NONE][run]) / (ns[WAY_MUTEX][run] - ns[WAY_NONE][run]);
            printf(" (what is added: %.3f)", ownership_median(ratio, o->runs));
        }
        double *all = ns[way];
        for (unsigned run = 0; run < o->runs; run++)
            ratio[run] = all[run];
        printf("  %7.2f ns\n", ownership_median(ratio, o->runs));
    }
}

void ownership_check(struct ownership *o)
{
    ownership_open(o);
    eddy_thread *t = ownership_attach(o);
    for (enum way way = 0; way < WAYS; way++)
        build(o, t, way);
    eddy_collect(t, 0, NULL);
    compare(o, t, "hash map update", updates, tables);
    compare(o, t, "one access of many", accesses, items);
    for (enum way way = 0; way < WAYS; way++) {
        eddy_root_remove(t, &item_slots[way]);
        eddy_root_remove(t, &table_slots[way]);
    }
    eddy_thread_detach(t);
    ownership_close(o);
}
