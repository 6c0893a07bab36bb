/* Building releases of the graph: the first one after a plan, the others as copies. Both go over the
 * packages twice, first to make them, then to link them. */
#include <string.h>

#include "graph.h"
#include "util.h"

/* Allocates a NUL-terminated leaf. */
static char *text_new(eddy_thread *thread, const char *text, size_t length)
{
    char *copy = eddy_alloc_bytes(thread, length + 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

/* Allocates a package without edges. Texts in the heap must be held by the caller. */
static struct package *package_new(struct graph *graph, eddy_thread *thread, uint32_t number, const char *name,
                                   uint32_t name_length, const char *version)
{
    void *held[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(thread, &frame, held, 2);
    struct package *package = NULL;
    held[0] = text_new(thread, name, name_length);
    if (held[0] != NULL && version != NULL)
        held[1] = text_new(thread, version, strlen(version));
    if (held[0] != NULL && (held[1] != NULL || version == NULL))
        package = eddy_alloc_sized(thread, graph->package_type, sizeof *package);
    if (package != NULL) {
        package->canary = PACKAGE_CANARY ^ (uintptr_t)package;
        package->name_hash = hash_name(name, name_length);
        package->number = number;
        package->name_length = name_length;
        EDDY_SET(thread, package, name, held[0]);
        EDDY_SET(thread, package, version, held[1]);
    }
    eddy_frame_pop(thread, &frame);
    return package;
}

/* Allocates a release with an empty table. */
static struct release *release_new(struct graph *graph, eddy_thread *thread, uint64_t number)
{
    void *held[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(thread, &frame, held, 1);
    struct release *release = NULL;
    held[0] = eddy_alloc_array(thread, graph->capacity);
    if (held[0] != NULL)
        release = eddy_alloc(thread, graph->release_type);
    if (release != NULL) {
        release->number = number;
        EDDY_SET(thread, release, table, held[0]);
    }
    eddy_frame_pop(thread, &frame);
    return release;
}

static void set_slot(eddy_thread *thread, eddy_array *array, size_t index, void *value)
{
    eddy_store(thread, array, &array->slots[index], value);
}

/* ---- the first release ---- */

static bool make_planned_packages(struct graph *graph, eddy_thread *thread, struct release *release,
                                  const struct catalog *catalog, const struct plan *plan)
{
    eddy_array *table = EDDY_GET(thread, release, table);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t number = graph->nodes[i];
        const struct name *name = &catalog->names[plan->names[number]];
        const char *version = name->package == NO_PACKAGE ? NULL : catalog->packages[name->package].version;
        struct package *package = package_new(graph, thread, number, name->text, name->length, version);
        if (package == NULL)
            return false;
        set_slot(thread, table, number, package);
    }
    return true;
}

/* The edges of one node: a run of the plan's sorted array. */
struct run {
    const edge *edges;
    size_t length;
    uint32_t needed;
};

static struct run take_run(const edge **at, const edge *end, uint32_t from)
{
    struct run run = {*at, 0, 0};
    for (; *at < end && edge_from(**at) == from; ++*at) {
        run.length++;
        run.needed += !edge_is_weak(**at);
    }
    return run;
}

/* Links a package in one direction; `member` of it is the array, `needed` the count of needed edges. */
static bool link_run(eddy_thread *thread, const struct release *release, const struct run *run, struct package *package,
                     eddy_array **member, uint32_t *needed)
{
    const eddy_array *table = EDDY_GET(thread, release, table);
    if (run->length == 0)
        return true;
    eddy_array *array = eddy_alloc_array(thread, run->length);
    if (array == NULL)
        return false;
    for (size_t i = 0; i < run->length; i++)
        set_slot(thread, array, i, eddy_load(thread, &table->slots[edge_to(run->edges[i])]));
    *needed = run->needed;
    eddy_store(thread, package, (void **)(void *)member, array);
    return true;
}

static bool link_planned_packages(struct graph *graph, eddy_thread *thread, const struct release *release,
                                  const struct plan *plan)
{
    const edge *forward = plan->forward, *backward = plan->backward;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t number = graph->nodes[i];
        struct run depends = take_run(&forward, plan->forward + plan->edge_count, number);
        struct run dependents = take_run(&backward, plan->backward + plan->edge_count, number);
        struct package *package = graph_package(graph, thread, release, number);
        if (!link_run(thread, release, &depends, package, &package->depends, &package->needed_depends)
            || !link_run(thread, release, &dependents, package, &package->dependents, &package->needed_dependents))
            return false;
    }
    return true;
}

bool graph_build(struct graph *graph, eddy_thread *thread, const struct catalog *catalog, struct plan *plan)
{
    graph->capacity = plan->capacity;
    graph->node_count = plan->node_count;
    graph->nodes = plan->nodes;
    plan->nodes = NULL;
    void *held[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(thread, &frame, held, 1);
    struct release *release = held[0] = release_new(graph, thread, 1);
    bool built = release != NULL && make_planned_packages(graph, thread, release, catalog, plan)
                 && link_planned_packages(graph, thread, release, plan);
    if (built)
        eddy_root_store(thread, &graph->current, release);
    eddy_frame_pop(thread, &frame);
    return built;
}

/* ---- copies ---- */

static bool copy_packages(struct graph *graph, eddy_thread *thread, const struct release *old, struct release *fresh)
{
    eddy_array *table = EDDY_GET(thread, fresh, table);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t number = graph->nodes[i];
        const struct package *model = graph_package(graph, thread, old, number);
        graph_check_name(thread, model);
        struct package *package = package_new(graph, thread, number, EDDY_GET(thread, model, name), model->name_length,
                                              EDDY_GET(thread, model, version));
        if (package == NULL)
            return false;
        package->revision = model->revision;
        package->needed_depends = model->needed_depends;
        package->needed_dependents = model->needed_dependents;
        set_slot(thread, table, number, package);
    }
    return true;
}

/* Gives `package` an array of the same edges as in `model`, but within the new release. */
static bool copy_links(struct graph *graph, eddy_thread *thread, const struct release *fresh, const eddy_array *model,
                       struct package *package, eddy_array **member)
{
    const eddy_array *table = EDDY_GET(thread, fresh, table);
    if (model == NULL)
        return true;
    eddy_array *array = eddy_alloc_array(thread, model->length);
    if (array == NULL)
        return false;
    for (size_t i = 0; i < model->length; i++) {
        uint32_t number = graph_neighbour(graph, thread, model, i)->number;
        set_slot(thread, array, i, eddy_load(thread, &table->slots[number]));
    }
    eddy_store(thread, package, (void **)(void *)member, array);
    return true;
}

static bool link_copies(struct graph *graph, eddy_thread *thread, const struct release *old, const struct release *fresh)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct package *model = graph_package(graph, thread, old, graph->nodes[i]);
        struct package *package = graph_package(graph, thread, fresh, graph->nodes[i]);
        if (!copy_links(graph, thread, fresh, EDDY_GET(thread, model, depends), package, &package->depends)
            || !copy_links(graph, thread, fresh, EDDY_GET(thread, model, dependents), package, &package->dependents))
            return false;
    }
    return true;
}

bool graph_renew(struct graph *graph, eddy_thread *thread)
{
    void *held[2] = {NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(thread, &frame, held, 2);
    struct release *old = held[0] = eddy_root_load(thread, &graph->current);
    struct release *fresh = held[1] = release_new(graph, thread, old->number + 1);
    bool built = fresh != NULL && copy_packages(graph, thread, old, fresh) && link_copies(graph, thread, old, fresh);
    if (built)
        eddy_root_store(thread, &graph->current, fresh);
    eddy_frame_pop(thread, &frame);
    return built;
}
