/* Fuzzing one's own types (eddy/fuzz.h): a pair with a trace callback, and a growing row of words that are references or
 * integers. The driver finds nothing wrong with them; then it is shown a pair whose callback forgets a field, and finds that. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <eddy/eddy.h>
#include <eddy/fuzz.h>

enum { ROW_WORDS = 6 };

struct pair {
    const void *self; /* to see that it is intact */
    void *first, *second;
};

struct row {
    uintptr_t words[ROW_WORDS]; /* low bit set: an integer */
    uintptr_t mark;
};

struct context {
    eddy_heap *heap;
    const eddy_type *pair, *row;
};

static bool forgetful;
static const eddy_encoding encoding = {.test = 1, .value = 0, .address = ~(uintptr_t)15};

/* ---- pairs ---- */

static void trace_pair(const void *object, eddy_visitor *visitor)
{
    const struct pair *pair = object;
    eddy_visit(visitor, (void *const *)&pair->first);
    if (!forgetful)
        eddy_visit(visitor, (void *const *)&pair->second);
}

static void *make_pair(eddy_thread *t, uint64_t random, void *context)
{
    struct context *c = context;
    (void)random;
    struct pair *pair = eddy_alloc(t, c->pair);
    if (pair != NULL)
        pair->self = (const void *)~(uintptr_t)pair;
    return pair;
}

static unsigned pair_fields(const void *object, void *context)
{
    (void)object, (void)context;
    return 2;
}

static void *pair_load(eddy_thread *t, void *object, unsigned field, void *context)
{
    struct pair *pair = object;
    (void)context;
    return field == 0 ? EDDY_GET(t, pair, first) : EDDY_GET(t, pair, second);
}

static bool pair_store(eddy_thread *t, void *object, unsigned field, void *value, void *context)
{
    struct pair *pair = object;
    (void)context;
    if (field == 0)
        EDDY_SET(t, pair, first, value);
    else
        EDDY_SET(t, pair, second, value);
    return true;
}

static const char *pair_check(const void *object, void *context)
{
    const struct pair *pair = object;
    (void)context;
    return pair->self == (const void *)~(uintptr_t)pair ? NULL : "it does not know itself";
}

/* ---- rows ---- */

static void *make_row(eddy_thread *t, uint64_t random, void *context)
{
    struct context *c = context;
    struct row *row = eddy_alloc(t, c->row);
    if (row != NULL) {
        row->mark = ~(uintptr_t)row;
        eddy_store_tagged(t, row, &row->words[0], random | 1);
    }
    return row;
}

static unsigned row_fields(const void *object, void *context)
{
    (void)object, (void)context;
    return ROW_WORDS;
}

static void *row_load(eddy_thread *t, void *object, unsigned field, void *context)
{
    struct row *row = object;
    (void)context;
    return eddy_decode(&encoding, eddy_load_tagged(t, &row->words[field]));
}

static bool row_store(eddy_thread *t, void *object, unsigned field, void *value, void *context)
{
    struct row *row = object;
    (void)context;
    eddy_store_tagged(t, row, &row->words[field], value == NULL ? 1 : (uintptr_t)value | (field & 7) << 1);
    return true;
}

static const char *row_check(const void *object, void *context)
{
    const struct row *row = object;
    (void)context;
    return row->mark == ~(uintptr_t)row ? NULL : "its mark is wrong";
}

/* Integers come and go, where no reference is. */
static void row_act(eddy_thread *t, void *object, uint64_t random, void *context)
{
    struct row *row = object;
    uintptr_t *word = &row->words[random % ROW_WORDS];
    uintptr_t found = eddy_load_tagged(t, word);
    (void)context;
    if ((found & 1) != 0)
        eddy_compare_and_swap_tagged(t, row, word, found, random | 1);
}

/* ---- the target ---- */

static const eddy_fuzz_kind kinds[] = {
    {"pair", make_pair, pair_fields, pair_load, pair_store, pair_check, NULL},
    {"row", make_row, row_fields, row_load, row_store, row_check, row_act},
};

static eddy_status open_types(eddy_heap *heap, void **context)
{
    static struct context c;
    size_t offsets[ROW_WORDS];
    for (size_t i = 0; i < ROW_WORDS; i++)
        offsets[i] = offsetof(struct row, words) + i * sizeof(uintptr_t);
    const eddy_type_desc pair = {.name = "pair", .size = sizeof(struct pair), .trace = trace_pair};
    const eddy_type_desc row = {
        .name = "row", .size = sizeof(struct row), .ref_offsets = offsets, .ref_count = ROW_WORDS, .encoding = &encoding};
    c.heap = heap;
    *context = &c;
    eddy_status status = eddy_type_register(heap, &pair, &c.pair);
    return status != EDDY_OK ? status : eddy_type_register(heap, &row, &c.row);
}

static const eddy_fuzz_kind *kind_of(const void *object, void *context)
{
    const struct context *c = context;
    const eddy_type *type = eddy_object_type(c->heap, object);
    return type == c->pair ? &kinds[0] : type == c->row ? &kinds[1] : NULL;
}

int main(void)
{
    const eddy_fuzz_target target = {.kinds = kinds, .count = 2, .open = open_types, .kind_of = kind_of};
    const eddy_fuzz_options options = {.seed = 1, .seconds = 1, .threads = 2};
    eddy_fuzz_report report;
    bool good = eddy_fuzz(&target, &options, &report);
    printf("%llu operations on %llu objects in %llu heaps, %llu epochs, %llu cycles; %s\n",
           (unsigned long long)report.operations, (unsigned long long)report.objects, (unsigned long long)report.heaps,
           (unsigned long long)report.epochs, (unsigned long long)report.cycles,
           good ? "nothing was found" : report.message);
    assert(good);

    forgetful = true;
    good = eddy_fuzz(&target, &options, &report);
    printf("forgetful pairs, seed %llu: %s\n", (unsigned long long)report.seed, report.message);
    assert(!good);
    fflush(stdout);
    _Exit(0); /* the heap that failed is left as it is: nothing that runs at exit is to look at it */
}
