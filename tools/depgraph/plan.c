/* From a catalog to a plan of the graph: see plan.h. */
#include "plan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define NO_NODE UINT32_MAX

/* What is known of each name while the plan is made. */
struct making {
    const struct catalog *catalog;
    struct plan *plan;
    uint32_t *number; /* per name: its node, or NO_NODE */
    bool *missing;    /* per name: is in the list of unresolved names */
    size_t unresolved_capacity;
};

static edge edge_make(uint32_t from, bool weak, uint32_t to)
{
    return (edge)from << 33 | (edge)weak << 32 | to;
}

static int compare_edges(const void *a, const void *b)
{
    const edge *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Takes a free slot of the hash table for a name. */
static void place_node(struct making *making, uint32_t name)
{
    struct plan *plan = making->plan;
    uint32_t mask = plan->capacity - 1;
    uint32_t slot = (uint32_t)making->catalog->names[name].hash & mask;
    while (plan->names[slot] != NO_PACKAGE)
        slot = (slot + 1) & mask;
    plan->names[slot] = name;
    making->number[name] = slot;
}

/* Decides which names become nodes, and places them. */
static void place_nodes(struct making *making)
{
    const struct catalog *catalog = making->catalog;
    struct plan *plan = making->plan;
    bool *is_node = must_calloc(catalog->name_count, sizeof *is_node);
    for (size_t i = 0; i < catalog->package_count; i++) {
        const struct package_entry *package = &catalog->packages[i];
        const struct relation *relations = catalog->relations + package->first_relation;
        is_node[package->name] = true;
        for (size_t j = 0; j < package->relation_count; j++)
            if (relations[j].kind == PROVIDES)
                is_node[relations[j].name] = true;
    }
    for (size_t name = 0; name < catalog->name_count; name++)
        plan->node_count += is_node[name];
    plan->virtual_count = plan->node_count - (uint32_t)catalog->package_count;
    plan->capacity = 16;
    while (plan->capacity < plan->node_count * 2)
        plan->capacity *= 2;
    plan->names = must_calloc(plan->capacity, sizeof *plan->names);
    memset(plan->names, 0xff, plan->capacity * sizeof *plan->names);
    memset(making->number, 0xff, catalog->name_count * sizeof *making->number);
    for (size_t name = 0; name < catalog->name_count; name++)
        if (is_node[name])
            place_node(making, (uint32_t)name);
    plan->nodes = must_calloc(plan->node_count, sizeof *plan->nodes);
    uint32_t next = 0;
    for (uint32_t slot = 0; slot < plan->capacity; slot++)
        if (plan->names[slot] != NO_PACKAGE)
            plan->nodes[next++] = slot;
    free(is_node);
}

/* The node that a dependency on `name` means, or NO_NODE. What the package's own architecture does not
 * have, the main one may. */
static uint32_t resolve(struct making *making, uint32_t name)
{
    const struct catalog *catalog = making->catalog;
    if (making->number[name] != NO_NODE)
        return making->number[name];
    const char *colon = strchr(catalog->names[name].text, ':');
    if (colon != NULL) {
        uint32_t plain = catalog_find(catalog, catalog->names[name].text, (size_t)(colon - catalog->names[name].text));
        if (plain != NO_PACKAGE && making->number[plain] != NO_NODE)
            return making->number[plain];
    }
    if (!making->missing[name]) {
        struct plan *plan = making->plan;
        making->missing[name] = true;
        plan->unresolved = must_grow(plan->unresolved, &making->unresolved_capacity, plan->unresolved_count + 1,
                                     sizeof *plan->unresolved);
        plan->unresolved[plan->unresolved_count++] = name;
    }
    return NO_NODE;
}

static void add_edge(struct making *making, uint32_t from, bool weak, uint32_t to)
{
    struct plan *plan = making->plan;
    if (from != to)
        plan->forward[plan->edge_count++] = edge_make(from, weak, to);
}

static void add_edges(struct making *making, const struct package_entry *package)
{
    const struct catalog *catalog = making->catalog;
    const struct relation *relations = catalog->relations + package->first_relation;
    uint32_t own = making->number[package->name];
    for (size_t i = 0; i < package->relation_count; i++) {
        uint32_t name = relations[i].name;
        if (relations[i].kind == PROVIDES) {
            if (catalog->names[name].package == NO_PACKAGE)
                add_edge(making, making->number[name], false, own);
            continue;
        }
        uint32_t target = resolve(making, name);
        if (target != NO_NODE)
            add_edge(making, own, relations[i].kind == RECOMMENDS || relations[i].kind == SUGGESTS, target);
    }
}

/* Sorts the edges and keeps one of each: of a needed and a weak one between the same nodes, the needed. */
static void sort_edges(struct plan *plan)
{
    for (size_t i = 0; i < plan->edge_count; i++) { /* for now, the weak bit below the target */
        edge e = plan->forward[i];
        plan->forward[i] = (edge)edge_from(e) << 33 | (edge)edge_to(e) << 1 | edge_is_weak(e);
    }
    qsort(plan->forward, plan->edge_count, sizeof *plan->forward, compare_edges);
    size_t kept = 0;
    edge last = 0;
    for (size_t i = 0; i < plan->edge_count; i++) {
        edge e = plan->forward[i];
        if (kept > 0 && e >> 1 == last >> 1)
            continue;
        last = e;
        plan->forward[kept++] = edge_make(edge_from(e), e & 1, (uint32_t)(e >> 1));
        plan->weak_count += e & 1;
    }
    plan->edge_count = kept;
    qsort(plan->forward, plan->edge_count, sizeof *plan->forward, compare_edges);
    plan->backward = must_calloc(plan->edge_count, sizeof *plan->backward);
    for (size_t i = 0; i < plan->edge_count; i++) {
        edge e = plan->forward[i];
        plan->backward[i] = edge_make(edge_to(e), edge_is_weak(e), edge_from(e));
    }
    qsort(plan->backward, plan->edge_count, sizeof *plan->backward, compare_edges);
}

void plan_make(struct plan *plan, const struct catalog *catalog)
{
    *plan = (struct plan){0};
    struct making making = {
        .catalog = catalog,
        .plan = plan,
        .number = must_calloc(catalog->name_count, sizeof *making.number),
        .missing = must_calloc(catalog->name_count, sizeof *making.missing),
    };
    place_nodes(&making);
    plan->forward = must_calloc(catalog->relation_count, sizeof *plan->forward); /* at most one each */
    for (size_t i = 0; i < catalog->package_count; i++)
        add_edges(&making, &catalog->packages[i]);
    sort_edges(plan);
    free(making.number);
    free(making.missing);
}

void plan_free(struct plan *plan)
{
    free(plan->nodes);
    free(plan->names);
    free(plan->forward);
    free(plan->backward);
    free(plan->unresolved);
}
