/* The oracles of deterministic runs; see model.h. The exact ones look into the collector for what it says of counts
 * and of words that it took for references, and into nothing else. */
#include "collector/state.h"

#include "tools/fuzz/model.h"

#include <inttypes.h>

/* ---- soundness ---- */

static void check_object(struct run *r, uint32_t number)
{
    const struct model_object *o = &r->model.objects[number];
    void *object = (void *)o->address;
    const char *name = fuzz_shapes[o->shape].name;
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        if (r->mutators[i].pending.resized == number)
            return; /* its length is changing */
    if (o->replaced || eddy_object_at(r->heap, object) != object || eddy_object_type(r->heap, object) != r->types[o->shape])
        fuzz_fail(OUTCOME_FREED_LIVE, "object %u (%s) is reachable and was freed", number, name);
    if (!shape_is_intact(object, o->shape, number, o->length))
        fuzz_fail(OUTCOME_CHANGED, "object %u (%s) is reachable and was overwritten", number, name);
    void **fields = shape_fields(object, o->shape);
    for (uint32_t i = 0; i < o->fields; i++) {
        uint32_t expected = r->model.fields[o->first + i];
        void *found = EDDY_LOAD_ACQUIRE(&fields[i]);
        if (shape_decode(o->shape, found) != model_address(r, expected))
            fuzz_fail(OUTCOME_CHANGED, "field %u of object %u (%s) is object %u, not %u", i, number, name,
                      model_found(r, o->shape, found), expected);
    }
    if (o->permanent && !eddy_is_permanent(object))
        fuzz_fail(OUTCOME_CHANGED, "object %u (%s) is not permanent any more", number, name);
}

static void check_roots(struct run *r)
{
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        if (EDDY_LOAD_ACQUIRE(&r->root_slots[i]) != model_address(r, r->model.roots[i]))
            fuzz_fail(OUTCOME_CHANGED, "root slot %u is object %u, not %u", i, model_at(r, r->root_slots[i]),
                      r->model.roots[i]);
}

void oracle_sound(struct run *r)
{
    struct model *model = &r->model;
    model->dirty = false;
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        if (r->mutators[i].pending.kind == PENDING_BULK)
            model_sync_bulk(&r->mutators[i]);
    model_mark(r);
    for (uint32_t number = 1; number <= model->count; number++)
        if (model->objects[number].mark == model->walk)
            check_object(r, number);
    check_roots(r);
}

/* ---- exactness ---- */

enum { WORDS = 4096 }; /* ambiguous ones, at most */

/* Words of C stacks that the collector took for references in the last epoch: numbers of objects. */
static uint32_t ambiguous_words(struct run *r, uint32_t *numbers, uint32_t most)
{
    unsigned parity = EDDY_LOAD_RELAXED(&r->heap->processed) & 1;
    uint32_t count = 0;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&r->heap->threads); t != NULL; t = t->next)
        for (size_t i = t->accepted[parity].exact; i < t->accepted[parity].count && count < most; i++)
            if ((numbers[count] = model_at(r, (void *)t->accepted[parity].objects[i])) != 0)
                count++;
    return count;
}

static void add_degrees(struct run *r, uint32_t *degrees)
{
    const struct model *model = &r->model;
    for (uint32_t number = 1; number <= model->count; number++) {
        const struct model_object *o = &model->objects[number];
        if (o->mark == model->walk)
            for (uint32_t i = 0; i < o->fields; i++)
                degrees[model->fields[o->first + i]]++;
    }
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        degrees[model->roots[i]]++;
    for (unsigned i = 0; i < FUZZ_RETAINED; i++)
        degrees[model->retained[i]]++;
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        for (unsigned k = 0; r->mutators[i].thread != NULL && r->mutators[i].framed && k < FUZZ_HANDLES; k++)
            degrees[r->mutators[i].handles[k]]++;
    extras_degrees(r, degrees);
}

bool oracle_nothing_left(struct run *r)
{
    uint32_t numbers[WORDS], words = ambiguous_words(r, numbers, WORDS);
    eddy_stats stats;
    eddy_heap_stats(r->heap, &stats);
    uint32_t reached = model_mark_also(r, numbers, words);
    return stats.live_objects == reached + extras_hidden(r);
}

void oracle_exact(struct run *r)
{
    static uint32_t numbers[WORDS], degrees[MODEL_OBJECTS + 1];
    struct model *model = &r->model;
    oracle_sound(r);
    uint32_t words = ambiguous_words(r, numbers, WORDS), expected = model_mark_also(r, numbers, words);
    eddy_stats stats;
    eddy_heap_stats(r->heap, &stats);
    expected += extras_hidden(r);
    /* an ambiguous word may be all that holds a part of a table */
    bool known = words == 0 || model->extras.table_count == 0;
    if (known && stats.live_objects != expected)
        fuzz_fail(stats.live_objects > expected ? OUTCOME_GARBAGE : OUTCOME_FREED_LIVE,
                  "%" PRIu64 " objects are left, %u are reachable (%u ambiguous words)", stats.live_objects, expected,
                  words);
    for (uint32_t i = 0; i <= model->count; i++)
        degrees[i] = 0;
    add_degrees(r, degrees);
    for (uint32_t i = 0; i < words; i++)
        degrees[numbers[i]]++;
    for (uint32_t number = 1; number <= model->count; number++) {
        const struct model_object *o = &model->objects[number];
        void *object = (void *)o->address;
        if (o->mark != model->walk || o->permanent || !known)
            continue;
        const struct block *b = block_of(r->heap, object);
        uint64_t count = eddy__count_of(r->heap->collector, b, cell_number(b, object), object);
        if (count != degrees[number])
            fuzz_fail(OUTCOME_MISCOUNTED, "object %u (%s) has the count %" PRIu64 ", and %u references", number,
                      fuzz_shapes[o->shape].name, count, degrees[number]);
    }
    if (stats.misused_releases != 0)
        fuzz_fail(OUTCOME_MISCOUNTED, "a release is called a misuse");
    if (known)
        extras_exact(r, &stats);
}

void oracle_empty(struct run *r)
{
    uint32_t numbers[WORDS];
    oracle_exact(r);
    if (ambiguous_words(r, numbers, WORDS) != 0 || r->model.extras.permanent_count != 0)
        return; /* permanent objects stay */
    eddy_stats stats;
    eddy_heap_stats(r->heap, &stats);
    uint64_t objects = stats.committed_bytes - stats.overhead_bytes - stats.free_bytes;
    if (stats.live_objects != 0 || stats.live_bytes != 0)
        fuzz_fail(OUTCOME_GARBAGE, "in the end %" PRIu64 " objects are left", stats.live_objects);
    if (objects != 0)
        fuzz_fail(OUTCOME_GARBAGE, "in the end no object is left, but %" PRIu64 " bytes of blocks are", objects);
    if (EDDY_LOAD_RELAXED(&r->heap->unswept) != 0)
        fuzz_fail(OUTCOME_GARBAGE, "in the end %" PRIu64 " bytes still wait for a sweep", r->heap->unswept);
}
