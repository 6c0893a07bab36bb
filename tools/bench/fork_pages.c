/* eddy-bench fork-pages: how much of a heap a forked child that only reads shares with its parent.
 *
 * The parent builds a forest of binary trees of so many MiB, freezes it and forks; the child visits every object and
 * compares its private dirty pages before and after (smaps_rollup). The same with objects that have their counts inside,
 * as reference counting mostly has it: each is incremented when it is visited, and decremented when it is left. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "eddy/eddy.h"
#include "options.h"
#include "system.h"

#define TREE_DEPTH 14 /* a tree has 2^15 - 1 nodes of 32 bytes: close to 1 MiB */
#define TREE_MB 1

/* ---- what the child has alone ---- */

static uint64_t private_dirty_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    uint64_t kib = 0;
    char line[256];
    bool found = false;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        found = sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1 || found;
    if (!found)
        bench_fatal("/proc/self/smaps_rollup does not say how many pages are private");
    fclose(file);
    return kib * 1024;
}

struct result {
    uint64_t heap_bytes, own_bytes, objects;
};

/* In the child: what visiting the forest makes private. */
static void child(int out, uint64_t (*visit)(void *forest), void *forest)
{
    uint64_t before = private_dirty_bytes();
    struct result result = {.objects = visit(forest)};
    uint64_t after = private_dirty_bytes();
    result.own_bytes = after > before ? after - before : 0;
    _exit(write(out, &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
}

static void collect_result(pid_t pid, int in, struct result *result)
{
    int status;
    uint64_t heap_bytes = result->heap_bytes;
    if (read(in, result, sizeof *result) != (ssize_t)sizeof *result || waitpid(pid, &status, 0) != pid || status != 0)
        bench_fatal("the child has failed");
    result->heap_bytes = heap_bytes;
}

static void report(const char *name, const struct result *result)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = result->heap_bytes / page, own = result->own_bytes / page;
    printf("%-9s objects %" PRIu64 "  pages %" PRIu64 "  of its own after a visit to all %" PRIu64 "  shared %.3f %%\n",
           name, result->objects, pages, own, own < pages ? 100.0 - 100.0 * (double)own / (double)pages : 0.0);
}

/* ---- Eddy ---- */

struct node {
    struct node *left, *right;
    uint64_t value;
};

struct eddy_forest {
    eddy_thread *t;
    eddy_array *trees;
};

static struct node *grow(eddy_thread *t, const eddy_type *type, unsigned depth)
{
    struct node *n = eddy_alloc(t, type);
    if (n == NULL)
        bench_out_of_memory();
    n->value = depth;
    if (depth == 0)
        return n;
    void *kept[] = {n};
    eddy_frame frame;
    eddy_frame_push(t, &frame, kept, 1);
    EDDY_SET(t, n, left, grow(t, type, depth - 1));
    EDDY_SET(t, n, right, grow(t, type, depth - 1));
    eddy_frame_pop(t, &frame);
    return n;
}

static uint64_t visit_node(eddy_thread *t, const struct node *n)
{
    if (n == NULL)
        return 0;
    void *kept[] = {(void *)n};
    eddy_frame frame;
    eddy_frame_push(t, &frame, kept, 1);
    eddy_safepoint(t);
    uint64_t objects = 1 + visit_node(t, EDDY_GET(t, n, left)) + visit_node(t, EDDY_GET(t, n, right));
    eddy_frame_pop(t, &frame);
    return objects;
}

static uint64_t visit_eddy(void *argument)
{
    const struct eddy_forest *f = argument;
    uint64_t objects = 0;
    for (size_t i = 0; i < f->trees->length; i++)
        objects += visit_node(f->t, eddy_load(f->t, &f->trees->slots[i]));
    return objects;
}

static void run_eddy(uint64_t megabytes)
{
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS;
    eddy_heap *heap;
    struct eddy_forest f;
    const eddy_type *type;
    const size_t references[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc desc = {.name = "node", .size = sizeof(struct node), .ref_offsets = references, .ref_count = 2};
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &f.t) || eddy_type_register(heap, &desc, &type))
        bench_fatal("cannot make the heap");
    f.trees = eddy_alloc_array(f.t, megabytes / TREE_MB);
    void *kept[] = {f.trees};
    eddy_frame frame;
    eddy_frame_push(f.t, &frame, kept, 1);
    for (size_t i = 0; i < megabytes / TREE_MB; i++)
        eddy_store(f.t, f.trees, &f.trees->slots[i], grow(f.t, type, TREE_DEPTH));
    if (eddy_heap_freeze(f.t) != EDDY_OK)
        bench_fatal("cannot freeze the heap");
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    struct result result = {.heap_bytes = stats.permanent_bytes};
    int ends[2];
    if (pipe(ends) != 0)
        bench_fatal("cannot make a pipe");
    fflush(NULL);
    eddy_fork_prepare(heap);
    pid_t pid = fork();
    if (pid == 0) {
        eddy_fork_child(heap);
        child(ends[1], visit_eddy, &f);
    }
    eddy_fork_parent(heap);
    eddy_native_enter(f.t);
    collect_result(pid, ends[0], &result);
    eddy_native_leave(f.t);
    eddy_frame_pop(f.t, &frame);
    report("eddy", &result);
    if (eddy_thread_detach(f.t) || eddy_heap_destroy(heap))
        bench_fatal("cannot destroy the heap");
}

/* ---- counts inside ---- */

struct counted {
    uint64_t count;
    struct counted *left, *right;
    uint64_t value;
};

struct counted_forest {
    struct counted *nodes; /* tree by tree, each as a heap is laid out: 2i + 1 and 2i + 2 below i */
    uint64_t trees;
};

#define TREE_NODES ((UINT64_C(2) << TREE_DEPTH) - 1)

static uint64_t visit_counted_node(struct counted *n)
{
    if (n == NULL)
        return 0;
    EDDY_STORE_RELAXED(&n->count, n->count + 1);
    uint64_t objects = 1 + visit_counted_node(n->left) + visit_counted_node(n->right);
    EDDY_STORE_RELAXED(&n->count, n->count - 1);
    return objects;
}

static uint64_t visit_counted(void *argument)
{
    const struct counted_forest *f = argument;
    uint64_t objects = 0;
    for (uint64_t i = 0; i < f->trees; i++)
        objects += visit_counted_node(f->nodes + i * TREE_NODES);
    return objects;
}

static void run_counted(uint64_t megabytes)
{
    struct counted_forest f = {.trees = megabytes / TREE_MB};
    f.nodes = malloc(f.trees * TREE_NODES * sizeof *f.nodes);
    if (f.nodes == NULL)
        bench_out_of_memory();
    for (uint64_t i = 0; i < f.trees; i++)
        for (uint64_t k = 0; k < TREE_NODES; k++) {
            struct counted *tree = f.nodes + i * TREE_NODES;
            bool leaf = 2 * k + 2 >= TREE_NODES;
            tree[k] = (struct counted){1, leaf ? NULL : tree + 2 * k + 1, leaf ? NULL : tree + 2 * k + 2, k};
        }
    struct result result = {.heap_bytes = f.trees * TREE_NODES * sizeof *f.nodes};
    int ends[2];
    if (pipe(ends) != 0)
        bench_fatal("cannot make a pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(ends[1], visit_counted, &f);
    collect_result(pid, ends[0], &result);
    report("in-object", &result);
    free(f.nodes);
}

/* ---- command ---- */

int bench_command_fork_pages(int argc, char **argv)
{
    uint64_t megabytes = 40;
    static const struct option table[] = {{"mb", required_argument, NULL, OPTION_OWN}, {NULL, 0, NULL, 0}};
    while (options_next(argc, argv, table) != -1) {
        char *end;
        megabytes = strtoull(optarg, &end, 10);
        if (end == optarg || *end != 0 || megabytes < 1 || megabytes > 100000)
            options_error("--mb: '%s' is not a number between 1 and 100000", optarg);
    }
    if (optind != argc)
        options_error("fork-pages takes no argument '%s'", argv[optind]);
    run_eddy(megabytes);
    run_counted(megabytes);
    return BENCH_OK;
}
