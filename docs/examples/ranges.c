/* References in memory that the heap knows nothing of: a buffer of malloc, whose words are looked at like those of
 * the C stack once it has been added as an ambiguous range. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <eddy/eddy.h>

#define ENTRIES 1000u

int main(void)
{
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS; /* ranges work with precise roots, too */
    eddy_heap *heap;
    eddy_thread *t;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t))
        return 1;
    void **buffer = calloc(ENTRIES, sizeof *buffer);
    if (buffer == NULL || eddy_root_range_add(t, buffer, buffer + ENTRIES))
        return 1;
    for (size_t i = 0; i < ENTRIES; i++) {
        size_t *number = buffer[i] = eddy_alloc_bytes(t, sizeof *number);
        if (number == NULL)
            return 1;
        *number = i;
    }
    eddy_stats held, after;
    if (eddy_collect(t, 0, NULL))
        return 1;
    eddy_heap_stats(heap, &held);
    for (size_t i = 0; i < ENTRIES; i++)
        assert(*(const size_t *)buffer[i] == i);
    if (eddy_root_range_remove(t, buffer)) /* from here on the buffer is any memory */
        return 1;
    free(buffer);
    if (eddy_collect(t, 0, NULL))
        return 1;
    eddy_heap_stats(heap, &after);
    printf("%llu objects held by the buffer, %llu after it\n", (unsigned long long)held.live_objects,
           (unsigned long long)after.live_objects);
    assert(held.live_objects == ENTRIES && after.live_objects == 0);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
