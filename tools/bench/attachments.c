/* eddy-bench-attachments: what weak references, ephemerons, tables and finalizers cost, to the thread and to the collector.
 * Times of the thread are wall times, those of the collector its CPU time. usage: eddy-bench-attachments [COUNT] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "eddy/eddy.h"

#define BATCH ((size_t)1 << 16) /* loads; the collector catches up after each batch, which is not timed */
#define BATCHES 200u

struct node {
    struct node *next, *other;
    uint64_t value;
};

struct bench {
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *node;
    void *roots[4];
    eddy_frame frame;
};

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static eddy_stats stats(const struct bench *b)
{
    eddy_stats s;
    eddy_heap_stats(b->heap, &s);
    return s;
}

static struct bench open_bench(void)
{
    struct bench b = {.roots = {NULL}};
    const size_t offsets[] = {offsetof(struct node, next), offsetof(struct node, other)};
    const eddy_type_desc desc = {.name = "node", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = 2};
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS;
    if (eddy_heap_create(&config, &b.heap) || eddy_thread_attach(b.heap, &b.t)
        || eddy_type_register(b.heap, &desc, &b.node))
        exit(1);
    return b;
}

static void close_bench(struct bench *b)
{
    if (eddy_thread_detach(b->t) || eddy_heap_destroy(b->heap))
        exit(1);
}

/* ---- weak loads ---- */

static void weak_loads(size_t cells)
{
    struct bench b = open_bench();
    eddy_frame_push(b.t, &b.frame, b.roots, 4);
    eddy_array *objects = b.roots[0] = eddy_alloc_array(b.t, cells);
    eddy_weak **weak = calloc(cells, sizeof *weak);
    for (size_t i = 0; i < cells; i++) {
        void *n = b.roots[1] = eddy_alloc(b.t, b.node);
        eddy_store(b.t, objects, &objects->slots[i], n);
        if (eddy_weak_create(b.t, n, &weak[i]))
            exit(1);
    }
    eddy_collect(b.t, 0, NULL);
    double best = 1e9, sum = 0, loads = (double)BATCH * BATCHES;
    uint64_t before = stats(&b).collector_cpu_ns;
    size_t at = 0;
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        double begun = now_ms();
        for (size_t i = 0; i < BATCH; i++) {
            if (eddy_weak_load(b.t, weak[at]) == NULL)
                exit(1);
            at = at + 1 == cells ? 0 : at + 1;
        }
        double wall = now_ms() - begun;
        sum += wall;
        best = wall < best ? wall : best;
        eddy_collect(b.t, 0, NULL);
    }
    uint64_t cpu = stats(&b).collector_cpu_ns - before;
    printf("weak load, %8zu cells in turn: thread %5.1f ns (best batch %.1f), collector %5.1f ns\n", cells,
           sum * 1e6 / loads, best * 1e6 / (double)BATCH, (double)cpu / loads);
    for (size_t i = 0; i < cells; i++)
        eddy_weak_drop(b.t, weak[i]);
    free(weak);
    eddy_frame_pop(b.t, &b.frame);
    close_bench(&b);
}

/* ---- death ---- */

enum what { PLAIN, WEAK, EPHEMERON, CHAIN, TABLE, FINALIZER, WHATS };

static const char *const names[WHATS] = {"objects without attachments",   "objects with weak references",
                                         "ephemerons, one key each",      "ephemerons, a chain of keys",
                                         "entries of an ephemeron table", "finalizable objects"};

static void nothing(eddy_thread *t, void *object, void *data)
{
    (void)t, (void)object, (void)data;
}

/* `count` of them are made, then let go at once. */
static void death(enum what what, size_t count)
{
    struct bench b = open_bench();
    eddy_frame_push(b.t, &b.frame, b.roots, 4);
    eddy_array *objects = b.roots[0] = eddy_alloc_array(b.t, count);
    b.roots[3] = eddy_table_new(b.t, EDDY_TABLE_EPHEMERON);
    void **handles = calloc(count, sizeof *handles);
    eddy_finalizer_queue *queue;
    if (eddy_finalizer_queue_create(b.heap, &queue))
        exit(1);
    double begun = now_ms();
    for (size_t i = 0; i < count; i++) {
        struct node *n = b.roots[1] = eddy_alloc(b.t, b.node);
        if (what != CHAIN || i == 0)
            eddy_store(b.t, objects, &objects->slots[i], n);
        eddy_status status = EDDY_OK;
        if (what == WEAK)
            status = eddy_weak_create(b.t, n, (eddy_weak **)&handles[i]);
        if (what == CHAIN && i != 0)
            status = eddy_ephemeron_create(b.t, b.roots[2], n, (eddy_ephemeron **)&handles[i]);
        b.roots[2] = n;
        if (what == EPHEMERON || what == TABLE) {
            struct node *value = b.roots[2] = eddy_alloc(b.t, b.node);
            EDDY_SET(b.t, value, next, n);
            status = what == TABLE ? eddy_table_put(b.t, b.roots[3], n, value)
                                   : eddy_ephemeron_create(b.t, n, value, (eddy_ephemeron **)&handles[i]);
        }
        if (what == FINALIZER)
            status = eddy_finalizer_attach(b.t, n, queue, nothing, NULL);
        if (status != EDDY_OK)
            exit(1);
    }
    double made = now_ms() - begun;
    eddy_collect(b.t, 0, NULL);
    b.roots[0] = b.roots[1] = b.roots[2] = NULL;
    uint64_t before = stats(&b).collector_cpu_ns;
    begun = now_ms();
    eddy_collect(b.t, 0, NULL);
    double wall = now_ms() - begun, run = 0;
    uint64_t cpu = stats(&b).collector_cpu_ns - before;
    if (what == FINALIZER) {
        begun = now_ms();
        if (eddy_finalizers_run(b.t, queue, count) != count)
            exit(1);
        run = now_ms() - begun;
        before = stats(&b).collector_cpu_ns;
        eddy_collect(b.t, 0, NULL);
        cpu += stats(&b).collector_cpu_ns - before;
    }
    printf("%9zu %-30s made in %7.1f ms; die in %7.1f ms, collector %7.1f ms", count, names[what], made, wall,
           (double)cpu / 1e6);
    printf(what == FINALIZER ? "; taken and run in %.1f ms\n" : "\n", run);
    b.roots[3] = NULL;
    eddy_collect(b.t, 0, NULL);
    if (stats(&b).live_objects != 0)
        exit(1);
    for (size_t i = 0; i < count; i++)
        if (what == WEAK)
            eddy_weak_drop(b.t, handles[i]);
        else
            eddy_ephemeron_drop(b.t, handles[i]);
    free(handles);
    eddy_frame_pop(b.t, &b.frame);
    close_bench(&b);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
    const size_t cells[] = {1, 1000, 1000000};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        weak_loads(cells[i]);
    for (enum what what = PLAIN; what < WHATS; what++) {
        death(what, count);
        death(what, 2 * count);
    }
    return 0;
}
