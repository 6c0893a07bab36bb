/* Listening to a heap: how long its epochs take, and how long the program's threads are held up. */
#include <eddy/eddy.h>
#include <stdio.h>

struct tally {
    uint64_t epochs, work_ns;  /* written by the collector thread */
    uint64_t stalls, stall_ns; /* by any thread */
};

static void on_epoch_end(void *context, eddy_heap *heap, const eddy_epoch_report *report)
{
    struct tally *tally = context;
    (void)heap;
    tally->epochs++;
    tally->work_ns += report->work_ns;
}

static void on_stall_end(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind, uint64_t ns)
{
    struct tally *tally = context;
    (void)heap, (void)t, (void)kind;
    EDDY_ADD_RELAXED(&tally->stalls, 1);
    EDDY_ADD_RELAXED(&tally->stall_ns, ns);
}

int main(void)
{
    struct tally tally = {0};
    const eddy_listener listener = {.context = &tally, .epoch_end = on_epoch_end, .stall_end = on_stall_end};
    eddy_heap *heap;
    eddy_thread *t;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_listener_add(heap, &listener))
        return 1;
    eddy_array *list = NULL;
    for (int i = 0; i < 500000; i++) { /* the C stack holds the list */
        eddy_array *cell = eddy_alloc_array(t, 2);
        if (cell == NULL)
            return 1;
        eddy_store(t, cell, &cell->slots[0], i % 1000 ? list : NULL);
        list = cell;
    }
    eddy_keep_alive(list);
    if (eddy_collect(t, 0, NULL) || eddy_listener_remove(heap, &listener)) /* from here on nobody writes to the tally */
        return 1;
    printf("%llu epochs, %.3f ms of work; %llu stalls, %.3f ms\n", (unsigned long long)tally.epochs,
           (double)tally.work_ns / 1e6, (unsigned long long)tally.stalls, (double)tally.stall_ns / 1e6);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap) || tally.epochs == 0 || tally.stalls == 0;
}
