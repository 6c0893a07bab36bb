/* A heap in the format of V8's heap snapshots, as Chrome's developer tools load it (v8/src/profiler/
 * heap-snapshot-generator.cc, HeapSnapshotJSONSerializer, names the fields): "nodes" and "edges" are flat arrays of
 * numbers, the edges in the order of their nodes; names are indices into "strings", targets are indices of a node's first
 * number. Node 0 is the root; below it stands "(GC roots)", below that a node for each kind of roots.
 *
 * Chrome keeps all numbers in 32 bits, so ids are offsets in the heap's range, in units of 16 bytes: different up to 64 GiB,
 * and the same in every snapshot of a heap. No object lies at the start of a block, so those ids are free for the other nodes.
 *
 * Order of nodes here: root, "(GC roots)", root groups, "(unreachable)", objects in the order of addresses.
 * Order of strings: "", "(GC roots)", the groups, "(unreachable)", types by number, offsets. */
#include <stdlib.h>

#include "collector/inspection.h"
#include "collector/output.h"

#define NODE_FIELDS 7

enum { V8_OBJECT = 3, V8_SYNTHETIC = 9 };                  /* positions in node_types */
enum { V8_ELEMENT = 1, V8_PROPERTY = 2, V8_SHORTCUT = 5 }; /* positions in edge_types */

static const char head[] =
    "{\"snapshot\":{\"meta\":{"
    "\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\",\"trace_node_id\",\"detachedness\"],"
    "\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\",\"regexp\",\"number\",\"native\","
    "\"synthetic\",\"concatenated string\",\"sliced string\",\"symbol\",\"bigint\",\"object shape\"],"
    "\"string\",\"number\",\"number\",\"number\",\"number\",\"number\"],";
static const char edge_head[] =
    "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],"
    "\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\"hidden\",\"shortcut\",\"weak\"],"
    "\"string_or_number\",\"node\"],";
static const char other_heads[] =
    "\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\",\"script_id\",\"line\",\"column\"],"
    "\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\",\"children\"],"
    "\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],"
    "\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]},";

struct snapshot {
    const eddy_inspection *i;
    const struct graph *g;
    struct output out;
    const char *separator; /* before the next item of an array */
    uint32_t groups;       /* "(unreachable)" is the last */
    uint32_t types;
    uint32_t *offsets; /* of the fields of all types, ascending, without repetition: their names */
    size_t offset_count;
    uint64_t unreachable;
};

/* ---- positions ---- */

static uint64_t object_node(const struct snapshot *s, uint32_t node)
{
    return 2 + s->groups + (node - 1);
}
static uint64_t type_string(const struct snapshot *s, const struct type *type)
{
    return 2 + s->groups + type->fast.header;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint64_t offset_string(const struct snapshot *s, uint32_t offset)
{
    const uint32_t *at = bsearch(&offset, s->offsets, s->offset_count, sizeof offset, by_value);
    return 2 + s->groups + s->types + (uint64_t)(at - s->offsets);
}

static bool collect_offsets(struct snapshot *s)
{
    size_t count = 0, kept = 0;
    for (uint32_t n = 1; n < s->types; n++)
        count += s->i->heap->types[n]->offset_count;
    s->offsets = eddy__graph_table(count, sizeof *s->offsets);
    if (s->offsets == NULL)
        return false;
    count = 0;
    for (uint32_t n = 1; n < s->types; n++)
        for (uint32_t k = 0; k < s->i->heap->types[n]->offset_count; k++)
            s->offsets[count++] = s->i->heap->types[n]->offsets[k];
    qsort(s->offsets, count, sizeof *s->offsets, by_value);
    for (size_t k = 0; k < count; k++)
        if (k == 0 || s->offsets[k] != s->offsets[kept - 1])
            s->offsets[kept++] = s->offsets[k];
    s->offset_count = kept;
    return true;
}

/* ---- nodes ---- */

static void put_node(struct snapshot *s, unsigned type, uint64_t name, uint64_t id, uint64_t bytes, uint64_t edges)
{
    eddy__output(&s->out, "%s%u,%llu,%llu,%llu,%llu,0,0", s->separator, type, (unsigned long long)name,
                 (unsigned long long)id, (unsigned long long)bytes, (unsigned long long)edges);
    s->separator = ",\n";
}

static uint64_t object_id(const struct snapshot *s, const void *object)
{
    return (uint64_t)((const char *)object - s->i->heap->base) >> 4;
}
/* Of the n-th of the nodes that are no objects. */
static uint64_t other_id(uint32_t n)
{
    return (uint64_t)(n + 1) * (BLOCK_BYTES >> 4);
}

/* The end of the roots of the group that begins with root `r`. */
static size_t group_end(const struct graph *g, size_t r)
{
    size_t end = r;
    while (end < g->root_count && g->roots[end].group == g->roots[r].group)
        end++;
    return end;
}

static void put_nodes(struct snapshot *s)
{
    const struct graph *g = s->g;
    s->separator = "\n";
    eddy__output(&s->out, "\"nodes\":[");
    put_node(s, V8_SYNTHETIC, 0, other_id(0), 0, 1 + g->root_count);
    put_node(s, V8_SYNTHETIC, 1, other_id(1), 0, s->groups);
    uint32_t group = 0;
    for (size_t r = 0, end; r < g->root_count; r = end, group++) {
        end = group_end(g, r);
        put_node(s, V8_SYNTHETIC, 2 + group, other_id(2 + group), 0, end - r);
    }
    put_node(s, V8_SYNTHETIC, 2 + group, other_id(2 + group), 0, s->unreachable);
    for (uint32_t n = 1; n < g->nodes; n++) {
        const void *object = g->objects[n];
        put_node(s, V8_OBJECT, type_string(s, inspect_type(s->i, object)), object_id(s, object),
                 inspect_bytes(s->i, object), g->first[n + 1] - g->first[n]);
    }
    eddy__output(&s->out, "],\n");
}

/* ---- edges ---- */

static void put_edge(struct snapshot *s, unsigned type, uint64_t name, uint64_t node)
{
    eddy__output(&s->out, "%s%u,%llu,%llu", s->separator, type, (unsigned long long)name,
                 (unsigned long long)node * NODE_FIELDS);
    s->separator = ",\n";
}

static void put_object_edge(void *context, uint32_t target, struct edge_name name)
{
    struct snapshot *s = context;
    if (name.indexed)
        put_edge(s, V8_ELEMENT, name.value, object_node(s, target));
    else
        put_edge(s, V8_PROPERTY, offset_string(s, (uint32_t)name.value), object_node(s, target));
}

static void put_edges(struct snapshot *s)
{
    const struct graph *g = s->g;
    s->separator = "\n";
    eddy__output(&s->out, "\"edges\":[");
    put_edge(s, V8_ELEMENT, 1, 1);
    for (size_t r = 0; r < g->root_count; r++) /* so that distances are counted from the roots */
        put_edge(s, V8_SHORTCUT, 2 + g->roots[r].group, object_node(s, g->roots[r].node));
    for (uint32_t group = 0; group < s->groups; group++)
        put_edge(s, V8_ELEMENT, group + 1, 2 + group);
    for (size_t r = 0, end; r < g->root_count; r = end) {
        end = group_end(g, r);
        for (size_t k = r; k < end; k++)
            put_edge(s, V8_ELEMENT, k - r + 1, object_node(s, g->roots[k].node));
    }
    uint64_t index = 0;
    for (uint32_t n = 1; n < g->nodes; n++)
        if (g->parent[n] == NODE_NONE)
            put_edge(s, V8_ELEMENT, ++index, object_node(s, n));
    for (uint32_t n = 1; n < g->nodes; n++)
        eddy__graph_named_edges(s->i, g->objects[n], put_object_edge, s);
    eddy__output(&s->out, "],\n");
}

/* ---- the rest ---- */

static void put_head(struct snapshot *s)
{
    const struct graph *g = s->g;
    uint64_t objects = g->nodes - 1, references = g->first[g->nodes] - g->root_count;
    uint64_t nodes = 2 + s->groups + objects;
    uint64_t edges = 1 + g->root_count + s->groups + g->root_count + s->unreachable + references;
    eddy__output(&s->out, "%s", head);
    eddy__output(&s->out, "%s", edge_head);
    eddy__output(&s->out, "%s", other_heads);
    eddy__output(&s->out, "\"node_count\":%llu,\"edge_count\":%llu,\"trace_function_count\":0},\n",
                 (unsigned long long)nodes, (unsigned long long)edges);
}

static void put_strings(struct snapshot *s)
{
    eddy__output(
        &s->out,
        "\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":[],\n\"strings\":[\n\"\"");
    eddy__output(&s->out, ",\n\"(GC roots)\"");
    for (uint32_t k = 0; k < s->groups; k++) {
        bool last = k == s->groups - 1;
        eddy__output(&s->out, ",\n\"");
        eddy__output_group(&s->out, last ? EDDY_ROOT_NONE : s->g->groups[k].kind, last ? 0 : s->g->groups[k].thread);
        eddy__output(&s->out, "\"");
    }
    for (uint32_t n = 0; n < s->types; n++) {
        eddy__output(&s->out, ",\n\"");
        eddy__output_quoted(&s->out, n == 0 ? "" : s->i->heap->types[n]->name);
        eddy__output(&s->out, "\"");
    }
    for (size_t k = 0; k < s->offset_count; k++)
        eddy__output(&s->out, ",\n\"+%u\"", s->offsets[k]);
    eddy__output(&s->out, "]}\n");
}

eddy_status eddy_inspect_write_snapshot(eddy_inspection *i, eddy_write_fn *write, void *context)
{
    eddy_status status = eddy__graph_need_parents(i);
    if (status != EDDY_OK)
        return status;
    struct snapshot s = {
        .i = i, .g = &i->graph, .groups = i->graph.group_count + 1, .types = EDDY_LOAD_RELAXED(&i->heap->type_count)};
    if (!collect_offsets(&s))
        return EDDY_ENOMEM;
    for (uint32_t n = 1; n < s.g->nodes; n++)
        s.unreachable += s.g->parent[n] == NODE_NONE;
    output_begin(&s.out, write, context);
    put_head(&s);
    put_nodes(&s);
    put_edges(&s);
    put_strings(&s);
    free(s.offsets);
    return eddy__output_end(&s.out);
}
