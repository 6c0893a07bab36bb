/* The graph's heap, and reading it with checks: see graph.h. */
#include "graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static eddy_status register_types(struct graph *graph)
{
    static const size_t package_refs[] = {offsetof(struct package, name), offsetof(struct package, version),
                                          offsetof(struct package, depends), offsetof(struct package, dependents)};
    static const size_t release_refs[] = {offsetof(struct release, table)};
    const eddy_type_desc package = {.name = "package",
                                    .size = sizeof(struct package),
                                    .ref_offsets = package_refs,
                                    .ref_count = sizeof package_refs / sizeof *package_refs};
    const eddy_type_desc release = {
        .name = "release", .size = sizeof(struct release), .ref_offsets = release_refs, .ref_count = 1};
    eddy_status status = eddy_type_register(graph->heap, &package, &graph->package_type);
    return status != EDDY_OK ? status : eddy_type_register(graph->heap, &release, &graph->release_type);
}

static eddy_status add_root(struct graph *graph)
{
    eddy_thread *thread;
    eddy_status status = eddy_thread_attach(graph->heap, &thread);
    if (status != EDDY_OK)
        return status;
    status = eddy_root_add(thread, &graph->current);
    eddy_thread_detach(thread);
    return status;
}

eddy_status graph_create(struct graph *graph, const eddy_config *config)
{
    *graph = (struct graph){0};
    pthread_mutex_init(&graph->lock, NULL);
    eddy_status status = eddy_heap_create(config, &graph->heap);
    if (status == EDDY_OK)
        status = register_types(graph);
    if (status == EDDY_OK)
        status = add_root(graph);
    return status;
}

void graph_destroy(struct graph *graph)
{
    eddy_heap_destroy(graph->heap);
    pthread_mutex_destroy(&graph->lock);
    free(graph->nodes);
}

void graph_damaged(const char *format, ...)
{
    fprintf(stderr, PROGRAM ": the heap is damaged: ");
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

static void check(const struct graph *graph, const struct package *package)
{
    if (package == NULL)
        graph_damaged("a reference to a package is null");
    if ((package->canary ^ (uintptr_t)package) != PACKAGE_CANARY)
        graph_damaged("%p is no package: its canary is %#llx", (const void *)package, (unsigned long long)package->canary);
    if (package->number >= graph->capacity)
        graph_damaged("%p is no package: its number is %u", (const void *)package, package->number);
}

struct package *graph_package(const struct graph *graph, eddy_thread *thread, const struct release *release, uint32_t number)
{
    struct package *package = eddy_load(thread, &EDDY_GET(thread, release, table)->slots[number]);
    check(graph, package);
    if (package->number != number)
        graph_damaged("package %u stands in slot %u of the table", package->number, number);
    return package;
}

struct package *graph_neighbour(const struct graph *graph, eddy_thread *thread, const eddy_array *edges, size_t index)
{
    struct package *package = eddy_load(thread, &edges->slots[index]);
    check(graph, package);
    return package;
}

void graph_check_name(eddy_thread *thread, const struct package *package)
{
    const char *name = EDDY_GET(thread, package, name);
    if (name == NULL || hash_name(name, package->name_length) != package->name_hash)
        graph_damaged("the name of package %u does not have its hash", package->number);
}

struct package *graph_find(const struct graph *graph, eddy_thread *thread, const struct release *release,
                           const char *name, size_t length)
{
    const eddy_array *table = EDDY_GET(thread, release, table);
    uint32_t mask = graph->capacity - 1;
    uint64_t hash = hash_name(name, length);
    for (uint32_t slot = (uint32_t)hash & mask;; slot = (slot + 1) & mask) {
        struct package *package = eddy_load(thread, &table->slots[slot]);
        if (package == NULL)
            return NULL;
        check(graph, package);
        if (package->name_hash == hash && package->name_length == length
            && memcmp(EDDY_GET(thread, package, name), name, length) == 0)
            return package;
    }
}
