/* Objects that own something outside the heap: pictures with malloc'ed pixels.
 *
 * eddy_external_add tells the heap how much a picture owns, so that it collects in time though the objects themselves are
 * small. The finalizer frees the pixels, on a thread that the program chose for it: here one that does nothing else.
 * A picture that is known to be done with is disposed of at once. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <eddy/eddy.h>

#define PIXELS ((size_t)256 << 10)
#define PICTURES 400u

struct picture {
    void *pixels;
};

static eddy_heap *heap;
static eddy_finalizer_queue *queue;
static unsigned freed, stop;

static void free_pixels(eddy_thread *t, void *object, void *data)
{
    (void)t, (void)data;
    free(((struct picture *)object)->pixels);
    __atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
}

static void *finalizer_thread(void *unused)
{
    (void)unused;
    eddy_thread *t;
    if (eddy_thread_attach(heap, &t))
        abort();
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        if (eddy_finalizers_wait(t, queue, 10))
            eddy_finalizers_run(t, queue, 100);
    eddy_finalizers_run(t, queue, SIZE_MAX);
    eddy_thread_detach(t);
    return NULL;
}

static struct picture *new_picture(eddy_thread *t, const eddy_type *type)
{
    struct picture *picture = eddy_alloc(t, type);
    if (picture == NULL || eddy_finalizer_attach(t, picture, queue, free_pixels, NULL) != EDDY_OK)
        return NULL;
    if (eddy_external_add(t, picture, PIXELS) != EDDY_OK)
        return NULL; /* the limit: nothing has been allocated yet */
    picture->pixels = malloc(PIXELS);
    return picture;
}

int main(void)
{
    const eddy_type_desc layout = {.name = "picture", .size = sizeof(struct picture)};
    eddy_config config;
    eddy_config_init(&config);
    config.heap_limit = (size_t)32 << 20; /* a third of what the pictures own in all */
    eddy_thread *t;
    const eddy_type *type;
    pthread_t thread;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &type)
        || eddy_finalizer_queue_create(heap, &queue) || pthread_create(&thread, NULL, finalizer_thread, NULL))
        return 1;

    for (unsigned i = 0; i < PICTURES; i++) {
        struct picture *picture;
        while ((picture = new_picture(t, type)) == NULL) /* the limit, and the finalizers' thread is late: lend it a hand */
            eddy_finalizers_run(t, queue, SIZE_MAX);
        if (i % 2)
            eddy_dispose(t, picture, true); /* done with it: pixels and bytes go now */
    }
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    assert(stats.peak_committed_bytes <= config.heap_limit);

    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    eddy_native_enter(t); /* joining blocks */
    pthread_join(thread, NULL);
    eddy_native_leave(t);
    eddy_collect(t, 0, NULL);
    eddy_finalizers_run(t, queue, SIZE_MAX);
    printf("%u of %u freed, the most held at once was %llu MB\n", freed, PICTURES,
           (unsigned long long)(stats.peak_committed_bytes >> 20));
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
