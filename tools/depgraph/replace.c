/* Replacing one package of the current release beside the readers. The lock is held, so nobody else
 * changes references meanwhile: a compare-and-swap that fails means a damaged heap. */
#include "graph.h"

/* Changes one reference to `old` into one to `fresh`. */
static void swap(eddy_thread *thread, eddy_array *array, size_t index, struct package *old, struct package *fresh)
{
    if (!eddy_compare_and_swap(thread, array, &array->slots[index], old, fresh))
        graph_damaged("a reference to package %u changed under the writers' lock", fresh->number);
}

/* Finds `number` in slots [first, end) of an array of edges, which are sorted by number. */
static size_t find_link(const struct graph *graph, eddy_thread *thread, const eddy_array *edges, size_t first,
                        size_t end, uint32_t number)
{
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        uint32_t found = graph_neighbour(graph, thread, edges, middle)->number;
        if (found == number)
            return middle;
        if (found < number)
            first = middle + 1;
        else
            end = middle;
    }
    graph_damaged("package %u is missing among its neighbour's edges", number);
}

/* An array like `model`, in the same place of another package. */
static bool copy_array(eddy_thread *thread, eddy_array *model, struct package *package, eddy_array **member)
{
    if (model == NULL)
        return true;
    eddy_array *array = eddy_alloc_array(thread, model->length);
    if (array == NULL)
        return false;
    eddy_store(thread, package, (void **)(void *)member, array);
    eddy_copy_refs(thread, array, array->slots, model, model->slots, model->length);
    return true;
}

static struct package *copy_package(const struct graph *graph, eddy_thread *thread, const struct package *old)
{
    struct package *fresh = eddy_alloc_sized(thread, graph->package_type, sizeof *fresh);
    if (fresh == NULL)
        return NULL;
    fresh->canary = PACKAGE_CANARY ^ (uintptr_t)fresh;
    fresh->name_hash = old->name_hash;
    fresh->number = old->number;
    fresh->revision = old->revision + 1;
    fresh->name_length = old->name_length;
    fresh->needed_depends = old->needed_depends;
    fresh->needed_dependents = old->needed_dependents;
    EDDY_SET(thread, fresh, name, EDDY_GET(thread, old, name));
    EDDY_SET(thread, fresh, version, EDDY_GET(thread, old, version));
    return fresh;
}

/* Leads all who depend on the package to the new one. Returns how many. */
static uint64_t relink_dependents(const struct graph *graph, eddy_thread *thread, struct package *old, struct package *fresh)
{
    const eddy_array *dependents = EDDY_GET(thread, fresh, dependents);
    size_t count = graph_edge_count(dependents);
    for (size_t i = 0; i < count; i++) {
        const struct package *other = graph_neighbour(graph, thread, dependents, i);
        eddy_array *edges = EDDY_GET(thread, other, depends);
        bool needed = i < fresh->needed_dependents;
        size_t first = needed ? 0 : other->needed_depends;
        size_t end = needed ? other->needed_depends : graph_edge_count(edges);
        swap(thread, edges, find_link(graph, thread, edges, first, end, fresh->number), old, fresh);
    }
    return count;
}

/* Leads all on which it depends to the new one. */
static uint64_t relink_depends(const struct graph *graph, eddy_thread *thread, struct package *old, struct package *fresh)
{
    const eddy_array *depends = EDDY_GET(thread, fresh, depends);
    size_t count = graph_edge_count(depends);
    for (size_t i = 0; i < count; i++) {
        const struct package *other = graph_neighbour(graph, thread, depends, i);
        eddy_array *edges = EDDY_GET(thread, other, dependents);
        bool needed = i < fresh->needed_depends;
        size_t first = needed ? 0 : other->needed_dependents;
        size_t end = needed ? other->needed_dependents : graph_edge_count(edges);
        swap(thread, edges, find_link(graph, thread, edges, first, end, fresh->number), old, fresh);
    }
    return count;
}

uint64_t graph_replace(struct graph *graph, eddy_thread *thread, uint32_t number)
{
    void *held[3] = {NULL, NULL, NULL};
    eddy_frame frame;
    eddy_frame_push(thread, &frame, held, 3);
    struct release *release = held[0] = eddy_root_load(thread, &graph->current);
    struct package *old = held[1] = graph_package(graph, thread, release, number);
    struct package *fresh = held[2] = copy_package(graph, thread, old);
    uint64_t changed = 0;
    if (fresh != NULL && copy_array(thread, EDDY_GET(thread, old, depends), fresh, &fresh->depends)
        && copy_array(thread, EDDY_GET(thread, old, dependents), fresh, &fresh->dependents)) {
        swap(thread, EDDY_GET(thread, release, table), number, old, fresh);
        changed = 1 + relink_dependents(graph, thread, old, fresh) + relink_depends(graph, thread, old, fresh);
    }
    eddy_frame_pop(thread, &frame);
    return changed;
}
