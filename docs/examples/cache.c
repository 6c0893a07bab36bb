/* A cache that gives way when memory gets short: the heap has a soft limit, and a helper that drops the cache. */
#include <eddy/eddy.h>
#include <stdio.h>

static void *cache; /* a root slot: a list of what was computed before */
static int dropped;

/* Runs on the thread that allocates, at a safepoint: it may store, allocate, collect. */
static void on_memory_low(void *context, eddy_heap *heap, eddy_thread *t, const eddy_memory_report *report)
{
    (void)context, (void)heap;
    if (dropped++ == 0)
        printf("%zu of %zu MiB in use: the cache goes\n", (size_t)(report->used_bytes >> 20),
               (size_t)(report->soft_limit >> 20));
    eddy_root_store(t, &cache, NULL);
}

int main(void)
{
    const eddy_listener listener = {.memory_low = on_memory_low};
    eddy_config config;
    eddy_heap *heap;
    eddy_thread *t;
    eddy_config_init(&config);
    config.soft_limit = (size_t)16 << 20;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t) || eddy_root_add(t, &cache)
        || eddy_listener_add(heap, &listener))
        return 1;
    for (int i = 0; i < 100000; i++) { /* a KiB of cache each time: six times the limit in all */
        eddy_array *entry = eddy_alloc_array(t, 2);
        void *value = entry == NULL ? NULL : eddy_alloc_bytes(t, 1000);
        if (value == NULL)
            return 1;
        eddy_store(t, entry, &entry->slots[0], eddy_root_load(t, &cache));
        eddy_store(t, entry, &entry->slots[1], value);
        eddy_root_store(t, &cache, entry);
    }
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    printf("dropped %d times; at most %zu MiB committed\n", dropped, (size_t)(stats.peak_committed_bytes >> 20));
    if (eddy_root_remove(t, &cache) || eddy_thread_detach(t) || eddy_heap_destroy(heap))
        return 1;
    return dropped == 0;
}
