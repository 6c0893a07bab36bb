/* What each operation does: first to the heap, then, at the step at which the heap changes, to the model. */
#include "tools/fuzz/operations.h"

#include <string.h>

#define LENGTHS 16u
static const uint16_t lengths[LENGTHS] = {0, 1, 2, 3, 4, 5, 6, 8, 12, 20, 30, 31, 32, 33, 70, 200};

/* ---- access: heap and model together ---- */

static struct model_object *object_of(struct mutator *m, uint32_t number)
{
    return &m->run->model.objects[number];
}

void fuzz_hold(struct mutator *m, unsigned handle, uint32_t number)
{
    char *address = model_address(m->run, number);
    /* where words may point into objects, they do */
    address = number != 0 && !m->framed && m->run->c->settings.interior ? address + 4 : address;
    if (m->framed && m->depth + m->above != 0 && m->thread != NULL)
        eddy_frame_set(m->thread, &m->frame, handle, address);
    else
        m->slots[handle] = address;
    m->handles[handle] = number;
}

static uint32_t value_of(const struct mutator *m, uint8_t operand)
{
    return operand == VALUE_NULL ? 0 : m->handles[operand % FUZZ_HANDLES];
}

/* A promise of acyclic types must be kept: they refer to leaves only, which are keys of nothing. */
static uint32_t storable(struct mutator *m, uint32_t container, uint32_t value)
{
    struct model_object *v = object_of(m, value);
    if (value == 0 || object_of(m, container)->shape != SHAPE_ACYCLIC)
        return value;
    if (v->fields != 0 || v->table != 0 || v->keyed)
        return 0;
    v->in_acyclic = true;
    return value;
}

/* Then nobody else uses its fields: it is being resized, or rights tell who may. */
static bool is_set_apart(const struct mutator *m, uint32_t container)
{
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        if (m->run->mutators[i].pending.resized == container)
            return true;
    return model_object(m->run, container)->shape == SHAPE_PURSE;
}

bool fuzz_may_store(struct mutator *m, uint32_t container)
{
    const struct model_object *c = object_of(m, container);
    return container != 0 && !is_set_apart(m, container) && (!c->permanent || c->shape == SHAPE_CELL);
}

static bool has_words(struct mutator *m, uint32_t container)
{
    return object_of(m, container)->shape == SHAPE_WORDS;
}

/* What a field of `container` holds that refers to `value`. */
static void *word_of(struct mutator *m, uint32_t container, uint32_t value)
{
    return shape_encode(object_of(m, container)->shape, model_address(m->run, value), value != 0 ? value : container);
}

static void **field_of(struct mutator *m, uint32_t container, uint32_t index)
{
    return shape_fields(model_address(m->run, container), object_of(m, container)->shape) + index;
}

static void begin_store(struct mutator *m, uint32_t container, uint32_t index, uint32_t value, bool holds)
{
    m->pending =
        (struct pending){.kind = PENDING_STORE, .object = container, .index = index, .value = value, .holds = holds};
}

void fuzz_store(struct mutator *m, uint32_t container, uint32_t index, uint32_t value)
{
    if (!fuzz_may_store(m, container))
        return;
    begin_store(m, container, index, value, false);
    void *object = model_address(m->run, container), **field = field_of(m, container, index);
    if (has_words(m, container))
        eddy_store_tagged(m->thread, object, (uintptr_t *)(void *)field, (uintptr_t)word_of(m, container, value));
    else
        eddy_store(m->thread, object, field, model_address(m->run, value));
    model_exchanged(m);
    m->pending = (struct pending){.kind = PENDING_NONE};
}

uint32_t fuzz_new(struct mutator *m, unsigned shape, size_t length)
{
    struct run *r = m->run;
    size_t fields = fuzz_shapes[shape].fields + (fuzz_shapes[shape].tailed ? length : 0);
    if (r->model.count + 1 >= MODEL_OBJECTS || r->model.field_count + fields >= MODEL_FIELDS)
        return 0;
    if (!fuzz_shapes[shape].tailed)
        length = 0;
    void *object = shape_alloc(m->thread, r->types, shape, length);
    if (object == NULL) {
        if (eddy_thread_error(m->thread) != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "an allocation failed: %s", eddy_status_text(eddy_thread_error(m->thread)));
        return 0;
    }
    return model_born(r, object, shape, length);
}

void fuzz_root_store(struct mutator *m, unsigned slot, uint32_t value)
{
    m->pending = (struct pending){.kind = PENDING_ROOT, .index = slot, .value = value};
    eddy_root_store(m->thread, &m->run->root_slots[slot], model_address(m->run, value));
    model_exchanged(m);
    m->pending = (struct pending){.kind = PENDING_NONE};
}

/* ---- operations ---- */

static void do_new(struct mutator *m, const struct operation *o)
{
    uint32_t number = fuzz_new(m, o->b % SHAPES, lengths[o->c % LENGTHS]);
    if (number != 0)
        fuzz_hold(m, o->a % FUZZ_HANDLES, number);
}

/* The container and field that the first two operands name; false if there is none. */
static bool operand_field(struct mutator *m, const struct operation *o, uint8_t handle, uint8_t at, uint32_t *container,
                          uint32_t *index)
{
    (void)o;
    *container = m->handles[handle % FUZZ_HANDLES];
    if (*container == 0 || object_of(m, *container)->fields == 0 || is_set_apart(m, *container))
        return false;
    *index = at % object_of(m, *container)->fields;
    return true;
}

static void do_store(struct mutator *m, const struct operation *o)
{
    uint32_t container, index;
    if (operand_field(m, o, o->a, o->b, &container, &index))
        fuzz_store(m, container, index, storable(m, container, value_of(m, o->c)));
}

static void do_load(struct mutator *m, const struct operation *o)
{
    uint32_t container, index;
    if (!operand_field(m, o, o->b, o->c, &container, &index))
        return;
    const void *found = eddy_load(m->thread, field_of(m, container, index));
    uint32_t expected = *model_field(m->run, container, index);
    if (shape_decode(object_of(m, container)->shape, found) != model_address(m->run, expected))
        fuzz_fail(OUTCOME_CHANGED, "field %u of object %u is object %u, not %u", index, container,
                  model_found(m->run, object_of(m, container)->shape, found), expected);
    fuzz_hold(m, o->a % FUZZ_HANDLES, expected);
}

static void do_exchange(struct mutator *m, const struct operation *o)
{
    uint32_t container, index;
    if (!operand_field(m, o, o->a, o->b, &container, &index) || !fuzz_may_store(m, container))
        return;
    uint32_t value = storable(m, container, value_of(m, o->c));
    begin_store(m, container, index, value, true);
    void *object = model_address(m->run, container), **field = field_of(m, container, index), *old;
    if (has_words(m, container))
        old = (void *)eddy_exchange_tagged(m->thread, object, (uintptr_t *)(void *)field,
                                           (uintptr_t)word_of(m, container, value));
    else
        old = eddy_exchange(m->thread, object, field, model_address(m->run, value));
    old = shape_decode(object_of(m, container)->shape, old);
    model_exchanged(m);
    if (old != model_address(m->run, m->pending.taken))
        fuzz_fail(OUTCOME_WRONG, "an exchange gave object %u, not %u", model_at(m->run, old), m->pending.taken);
    fuzz_hold(m, o->c % FUZZ_HANDLES, m->pending.taken);
    m->pending = (struct pending){.kind = PENDING_NONE};
}

/* Expects what is in the field (if the operand is odd) or what is in a handle. */
static void do_cas(struct mutator *m, const struct operation *o)
{
    uint32_t container, index;
    if (!operand_field(m, o, o->a, o->b, &container, &index) || !fuzz_may_store(m, container))
        return;
    uint32_t value = storable(m, container, value_of(m, (uint8_t)(o->c >> 1)));
    uint32_t expected = (o->c & 1) != 0 ? *model_field(m->run, container, index) : m->handles[o->c / 16 % FUZZ_HANDLES];
    if (has_words(m, container) && expected == 0)
        return; /* many words are no reference */
    m->pending = (struct pending){.object = container, .value = value, .taken = expected};
    void *object = model_address(m->run, container), **at = field_of(m, container, index);
    bool swapped = has_words(m, container) ? eddy_compare_and_swap_tagged(m->thread, object, (uintptr_t *)(void *)at,
                                                                          (uintptr_t)word_of(m, container, expected),
                                                                          (uintptr_t)word_of(m, container, value))
                                           : eddy_compare_and_swap(m->thread, object, at, model_address(m->run, expected),
                                                                   model_address(m->run, value));
    uint32_t *field = model_field(m->run, container, index);
    if (swapped != (*field == expected))
        fuzz_fail(OUTCOME_WRONG, "a compare-and-swap %s", swapped ? "succeeded, and should not" : "failed, and should not");
    if (swapped)
        *field = value;
    m->pending = (struct pending){.kind = PENDING_NONE};
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void bulk(struct mutator *m, const struct pending *p)
{
    m->pending = *p;
    if (p->source != 0)
        eddy_copy_refs(m->thread, model_address(m->run, p->object), field_of(m, p->object, p->index),
                       model_address(m->run, p->source), field_of(m, p->source, p->from), p->count);
    else
        eddy_fill_refs(m->thread, model_address(m->run, p->object), field_of(m, p->object, p->index),
                       word_of(m, p->object, p->value), p->count);
    model_sync_bulk(m);
    m->pending = (struct pending){.kind = PENDING_NONE};
}

static void do_copy(struct mutator *m, const struct operation *o)
{
    uint32_t target = m->handles[o->a % FUZZ_HANDLES], source = m->handles[o->b % FUZZ_HANDLES];
    if (target == 0 || source == 0 || object_of(m, target)->shape == SHAPE_ACYCLIC || !fuzz_may_store(m, target)
        || is_set_apart(m, source) || has_words(m, target) != has_words(m, source))
        return;
    uint32_t room = object_of(m, target)->fields, have = object_of(m, source)->fields, most = least(room, have);
    if (most == 0)
        return;
    uint32_t n = 1 + o->c % most;
    bulk(m, &(struct pending){.kind = PENDING_BULK,
                              .object = target,
                              .source = source,
                              .count = n,
                              .index = o->c / 3 % (room - n + 1),
                              .from = o->c / 7 % (have - n + 1)});
}

static void do_fill(struct mutator *m, const struct operation *o)
{
    uint32_t target = m->handles[o->a % FUZZ_HANDLES];
    if (target == 0 || object_of(m, target)->fields == 0 || !fuzz_may_store(m, target))
        return;
    uint32_t room = object_of(m, target)->fields, n = o->b % 4 == 0 ? 1 + o->b % room : room;
    bulk(m, &(struct pending){.kind = PENDING_BULK,
                              .object = target,
                              .value = storable(m, target, value_of(m, o->c)),
                              .count = n,
                              .index = room - n});
}

static void do_drop(struct mutator *m, const struct operation *o)
{
    fuzz_hold(m, o->a % FUZZ_HANDLES, 0);
}

static void do_dup(struct mutator *m, const struct operation *o)
{
    fuzz_hold(m, o->a % FUZZ_HANDLES, m->handles[o->b % FUZZ_HANDLES]);
}

static void do_root_store(struct mutator *m, const struct operation *o)
{
    fuzz_root_store(m, o->a % FUZZ_ROOTS, value_of(m, o->b));
}

static void do_root_load(struct mutator *m, const struct operation *o)
{
    unsigned slot = o->b % FUZZ_ROOTS;
    if (eddy_root_load(m->thread, &m->run->root_slots[slot]) != model_address(m->run, m->run->model.roots[slot]))
        fuzz_fail(OUTCOME_CHANGED, "root slot %u is not what was stored", slot);
    fuzz_hold(m, o->a % FUZZ_HANDLES, m->run->model.roots[slot]);
}

/* Into a free place; out of one that is taken. */
static void do_retain(struct mutator *m, const struct operation *o)
{
    uint32_t *place = &m->run->model.retained[o->a % FUZZ_RETAINED], number = *place;
    if (number != 0) { /* held until it is logged */
        *place = 0;
        m->pending = (struct pending){.value = number};
        eddy_release(m->thread, model_address(m->run, number));
    } else {
        number = value_of(m, o->b);
        m->pending = (struct pending){.value = number};
        eddy_retain(m->thread, model_address(m->run, number));
        if (*place == 0)
            *place = number;
        else if (number != 0)
            eddy_release(m->thread, model_address(m->run, number));
    }
    m->pending = (struct pending){.kind = PENDING_NONE};
}

static void do_safepoint(struct mutator *m, const struct operation *o)
{
    (void)o;
    eddy_safepoint(m->thread);
}

static void do_native(struct mutator *m, const struct operation *o)
{
    eddy_native_enter(m->thread);
    for (unsigned i = 0; i < o->a % 16u; i++)
        sched_point(POINT_OPERATION, 0);
    eddy_native_leave(m->thread);
}

void fuzz_attach(struct mutator *m)
{
    eddy_status status = eddy_thread_attach(m->run->heap, &m->thread);
    if (status != EDDY_OK && status != EDDY_ENOMEM)
        fuzz_fail(OUTCOME_WRONG, "attach: %s", eddy_status_text(status));
    if (status == EDDY_OK && m->framed)
        eddy_frame_push(m->thread, &m->frame, m->slots, FUZZ_HANDLES);
}

void fuzz_detach(struct mutator *m)
{
    if (m->thread == NULL)
        return;
    extras_detach(m);
    for (unsigned k = 0; k < FUZZ_HANDLES; k++)
        fuzz_hold(m, k, 0);
    if (m->framed)
        eddy_frame_pop(m->thread, &m->frame);
    eddy_thread *t = m->thread;
    m->thread = NULL;
    eddy_status status = eddy_thread_detach(t);
    if (status != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "detach: %s", eddy_status_text(status));
}

static void do_detach(struct mutator *m, const struct operation *o)
{
    fuzz_detach(m);
    for (unsigned i = 0; i < o->a % 16u; i++)
        sched_point(POINT_OPERATION, 0);
    fuzz_attach(m);
}

static void do_die(struct mutator *m, const struct operation *o)
{
    (void)o;
    m->dies = true;
}

static void do_collect(struct mutator *m, const struct operation *o)
{
    eddy_collect_report report;
    if (o->a % 4u != 0) {
        eddy_collect_hint(m->run->heap);
        return;
    }
    eddy_status status = eddy_collect(m->thread, 0, &report);
    if (status != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "collection: %s", eddy_status_text(status));
}

static void do_verify(struct mutator *m, const struct operation *o)
{
    (void)o;
    eddy_verify_report report;
    if (m->run->c->settings.fail_for_good) /* its tables wait for memory */
        return;
    eddy_status status = eddy_verify(m->thread, 0, &report);
    if (status == EDDY_ECORRUPT)
        fuzz_fail(OUTCOME_MISCOUNTED, "verification: %.200s", report.message);
    if (status != EDDY_OK && status != EDDY_EBUSY)
        fuzz_fail(OUTCOME_WRONG, "verification: %s", eddy_status_text(status));
}

/* With entries reserved counted stores are no safepoints. */
static void do_reserve(struct mutator *m, const struct operation *o)
{
    unsigned n = o->a % 4u;
    eddy_reserve(m->thread, n);
    struct operation store = {.a = o->b, .c = o->c};
    for (unsigned i = 0; i < n; i++) {
        store.b = (uint8_t)(o->c + i);
        do_store(m, &store);
    }
}

static void do_limit(struct mutator *m, const struct operation *o)
{
    eddy_heap_set_limit(m->run->heap, (size_t)(o->a % 4u) << 20);
}

/* Publishes something large, so that all that the thread owns becomes private-old. */
static void do_bump(struct mutator *m, const struct operation *o)
{
    uint32_t array = fuzz_new(m, SHAPE_ARRAY, 12);
    if (array == 0)
        return;
    m->pending.result = array;
    unsigned handle = o->b % FUZZ_HANDLES;
    fuzz_hold(m, handle, array);
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t leaf = fuzz_new(m, SHAPE_LEAF, 0);
        if (leaf != 0)
            fuzz_store(m, array, i, leaf);
    }
    fuzz_root_store(m, o->a % FUZZ_ROOTS, array);
    fuzz_hold(m, handle, 0);
}

/* A new node that refers to what the thread has. */
static void do_link(struct mutator *m, const struct operation *o)
{
    uint32_t number = fuzz_new(m, SHAPE_NODE, 0);
    if (number == 0)
        return;
    unsigned handle = o->a % FUZZ_HANDLES;
    uint32_t values[3];
    for (unsigned i = 0; i < 3; i++)
        values[i] = (o->b >> i & 1) != 0 ? m->handles[(o->c >> (2 * i)) % FUZZ_HANDLES] : 0;
    fuzz_hold(m, handle, number);
    for (unsigned i = 0; i < 3; i++) /* what the handle referred to is private's business now */
        if (values[i] != 0 && values[i] != number && (m->handles[(o->c >> (2 * i)) % FUZZ_HANDLES] == values[i]))
            fuzz_store(m, number, i, values[i]);
    if ((o->b & 8) != 0)
        fuzz_hold(m, (o->b >> 4) % FUZZ_HANDLES, 0);
}

static void do_garbage(struct mutator *m, const struct operation *o)
{
    unsigned handle = o->a % FUZZ_HANDLES;
    for (unsigned i = 0; i < o->c % 64u; i++) {
        uint32_t number = fuzz_new(m, o->b % SHAPES, lengths[i % 8]);
        if (number == 0)
            return;
        fuzz_hold(m, handle, number);
        if (object_of(m, number)->fields != 0)
            fuzz_store(m, number, 0, storable(m, number, number));
    }
    fuzz_hold(m, handle, 0);
}

/* A word on the C stack that looks like a reference to an object of late, of whatever thread, or to one that is about
 * to be allocated behind it. */
static void do_word(struct mutator *m, const struct operation *o)
{
    const struct model *model = &m->run->model;
    uint32_t back = o->b % 16u;
    if (back < model->count)
        m->words[o->a % FUZZ_WORDS] = model->objects[model->count - back].address + 48u * (o->c % 4u);
}

const struct operation_kind fuzz_operations[] = {
    {"link", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_NUMBER}, 60, do_link, 0},
    {"new", {OPERAND_HANDLE, OPERAND_SHAPE, OPERAND_NUMBER}, 26, do_new, 0},
    {"store", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_VALUE}, 80, do_store, 0},
    {"load", {OPERAND_HANDLE, OPERAND_HANDLE, OPERAND_NUMBER}, 40, do_load, 0},
    {"exchange", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_VALUE}, 12, do_exchange, 0},
    {"cas", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_NUMBER}, 10, do_cas, 0},
    {"copy", {OPERAND_HANDLE, OPERAND_HANDLE, OPERAND_NUMBER}, 8, do_copy, 0},
    {"fill", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_VALUE}, 8, do_fill, 0},
    {"drop", {OPERAND_HANDLE}, 24, do_drop, 0},
    {"dup", {OPERAND_HANDLE, OPERAND_HANDLE}, 6, do_dup, 0},
    {"root-store", {OPERAND_ROOT, OPERAND_VALUE}, 30, do_root_store, 0},
    {"root-load", {OPERAND_HANDLE, OPERAND_ROOT}, 30, do_root_load, 0},
    {"retain", {OPERAND_PLACE, OPERAND_VALUE}, 8, do_retain, 0},
    {"safepoint", {OPERAND_NONE}, 60, do_safepoint, 0},
    {"native", {OPERAND_NUMBER}, 16, do_native, 0},
    {"detach", {OPERAND_NUMBER}, 6, do_detach, 0},
    {"die", {OPERAND_NONE}, 2, do_die, 0},
    {"collect", {OPERAND_NUMBER}, 6, do_collect, 0},
    {"verify", {OPERAND_NONE}, 1, do_verify, 0},
    {"reserve", {OPERAND_NUMBER, OPERAND_HANDLE, OPERAND_VALUE}, 6, do_reserve, 0},
    {"limit", {OPERAND_NUMBER}, 0, do_limit, 0},
    {"bump", {OPERAND_ROOT, OPERAND_HANDLE}, 5, do_bump, 0},
    {"garbage", {OPERAND_HANDLE, OPERAND_SHAPE, OPERAND_NUMBER}, 3, do_garbage, 0},
    {"word", {OPERAND_NUMBER, OPERAND_NUMBER, OPERAND_NUMBER}, 16, do_word, 0},
    {"figure", {OPERAND_HANDLE, OPERAND_FIGURE, OPERAND_NUMBER}, 12, figure_build, 0},
    {"pin", {OPERAND_PLACE, OPERAND_VALUE, OPERAND_NUMBER}, 40, op_pin, THEME_PINS},
    {"call", {OPERAND_NUMBER, OPERAND_NUMBER}, 10, op_call, THEME_PINS},
    {"frame-push", {OPERAND_HANDLE, OPERAND_HANDLE}, 30, op_frame_push, THEME_FRAMES},
    {"frame-pop", {OPERAND_HANDLE, OPERAND_NUMBER}, 20, op_frame_pop, THEME_FRAMES},
    {"frame-set", {OPERAND_NUMBER, OPERAND_VALUE}, 30, op_frame_set, THEME_FRAMES},
    {"range", {OPERAND_NUMBER, OPERAND_VALUE, OPERAND_NUMBER}, 30, op_range, THEME_FRAMES},
    {"callback", {OPERAND_NUMBER, OPERAND_NUMBER}, 10, op_callback, THEME_FRAMES},
    {"fiber", {OPERAND_PLACE, OPERAND_NUMBER, OPERAND_NUMBER}, 60, op_fiber, THEME_FIBERS},
    {"weak", {OPERAND_PLACE, OPERAND_VALUE}, 30, op_weak, THEME_WEAK},
    {"weak-load", {OPERAND_HANDLE, OPERAND_PLACE}, 60, op_weak_load, THEME_WEAK},
    {"weak-new", {OPERAND_HANDLE, OPERAND_VALUE}, 12, op_weak_new, THEME_WEAK},
    {"weak-get", {OPERAND_HANDLE, OPERAND_HANDLE}, 24, op_weak_get, THEME_WEAK},
    {"ephemeron", {OPERAND_PLACE, OPERAND_HANDLE, OPERAND_VALUE}, 40, op_ephemeron, THEME_EPHEMERONS},
    {"ephemeron-get", {OPERAND_HANDLE, OPERAND_PLACE, OPERAND_NUMBER}, 40, op_ephemeron_get, THEME_EPHEMERONS},
    {"ephemeron-set", {OPERAND_PLACE, OPERAND_VALUE}, 30, op_ephemeron_set, THEME_EPHEMERONS},
    {"table-new", {OPERAND_HANDLE, OPERAND_NUMBER}, 12, op_table_new, THEME_TABLES},
    {"table-put", {OPERAND_HANDLE, OPERAND_HANDLE, OPERAND_HANDLE}, 60, op_table_put, THEME_TABLES},
    {"table-get", {OPERAND_HANDLE, OPERAND_HANDLE, OPERAND_HANDLE}, 50, op_table_get, THEME_TABLES},
    {"table-remove", {OPERAND_HANDLE, OPERAND_HANDLE}, 16, op_table_remove, THEME_TABLES},
    {"table-each", {OPERAND_HANDLE, OPERAND_NUMBER}, 20, op_table_each, THEME_TABLES},
    {"finalizer", {OPERAND_HANDLE, OPERAND_NUMBER}, 50, op_finalizer, THEME_FINALIZERS},
    {"finalize", {OPERAND_NUMBER, OPERAND_NUMBER, OPERAND_NUMBER}, 40, op_finalize, THEME_FINALIZERS},
    {"dispose", {OPERAND_HANDLE, OPERAND_NUMBER}, 8, op_dispose, THEME_FINALIZERS},
    {"external", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_NUMBER}, 16, op_external, THEME_FINALIZERS},
    {"finalize-all", {OPERAND_NONE}, 1, op_finalize_all, THEME_FINALIZERS},
    {"permanent", {OPERAND_HANDLE}, 12, op_permanent, THEME_PERMANENT},
    {"permanent-new", {OPERAND_HANDLE, OPERAND_SHAPE, OPERAND_NUMBER}, 12, op_permanent_new, THEME_PERMANENT},
    {"permanent-set", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_VALUE}, 16, op_permanent_set, THEME_PERMANENT},
    {"freeze", {OPERAND_NONE}, 2, op_freeze, THEME_PERMANENT},
    {"resize", {OPERAND_HANDLE, OPERAND_NUMBER}, 60, op_resize, THEME_RESIZE},
    {"fork", {OPERAND_NONE}, 6, op_fork, THEME_FORK},
    {"soft-limit", {OPERAND_NUMBER}, 4, op_soft_limit, THEME_FORK},
    {"pin-get", {OPERAND_HANDLE, OPERAND_PLACE, OPERAND_NUMBER}, 40, op_pin_get, THEME_PINS},
    {"inspect", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_NUMBER}, 8, op_inspect, THEME_LOOK},
    {"look", {OPERAND_NUMBER, OPERAND_NUMBER}, 8, op_look, THEME_LOOK},
    {"listen", {OPERAND_NUMBER}, 16, op_listen, THEME_LOOK},
    {"options", {OPERAND_NUMBER, OPERAND_NUMBER, OPERAND_NUMBER}, 8, op_options, THEME_LOOK},
    {"refused", {OPERAND_NUMBER, OPERAND_NUMBER}, 24, op_refused, THEME_LOOK},
    {"foreign", {OPERAND_NUMBER, OPERAND_NUMBER}, 6, op_foreign, THEME_LOOK},
    {"second-heap", {OPERAND_NUMBER, OPERAND_NUMBER}, 3, op_second_heap, THEME_LOOK},
    {"purse-new", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_ROOT}, 30, op_purse_new, THEME_RIGHTS},
    {"own", {OPERAND_HANDLE, OPERAND_NUMBER}, 60, op_own, THEME_RIGHTS},
    {"own-all", {OPERAND_HANDLE, OPERAND_HANDLE, OPERAND_NUMBER}, 60, op_own_all, THEME_RIGHTS},
    {"own-store", {OPERAND_HANDLE, OPERAND_VALUE, OPERAND_NUMBER}, 40, op_own_store, THEME_RIGHTS},
    {"own-load", {OPERAND_HANDLE, OPERAND_HANDLE}, 30, op_own_load, THEME_RIGHTS},
    {"guard", {OPERAND_HANDLE, OPERAND_NUMBER}, 12, op_guard, THEME_RIGHTS},
    {"barrier", {OPERAND_NONE}, 8, op_barrier, THEME_RIGHTS},
    {"legacy", {OPERAND_HANDLE, OPERAND_NUMBER, OPERAND_NUMBER}, 30, op_legacy, THEME_RIGHTS},
    {"misuse", {OPERAND_NUMBER, OPERAND_NUMBER}, 3, op_misuse, THEME_LOOK},
};
const unsigned fuzz_operation_kinds = sizeof fuzz_operations / sizeof fuzz_operations[0];

unsigned fuzz_operation_code(const char *name)
{
    unsigned code = 0;
    while (strcmp(fuzz_operations[code].name, name) != 0)
        code++;
    return code;
}

/* Bits of `what`: an object that dies at once, a poll, a native region, a root slot emptied. */
void fuzz_stir(struct mutator *m, unsigned what)
{
    if ((what & 1) != 0)
        fuzz_new(m, SHAPE_NODE, 0);
    if ((what & 2) != 0)
        eddy_safepoint(m->thread);
    if ((what & 12) == 12) {
        eddy_native_enter(m->thread);
        eddy_native_leave(m->thread);
    }
    if ((what & 0x70) == 0x10)
        fuzz_root_store(m, what >> 7, 0);
}

/* While another thread wants to be alone. */
static void wait_outside(struct mutator *m)
{
    if (m->thread != NULL)
        eddy_native_enter(m->thread);
    while (m->run->exclusive != 0)
        sched_wait(NULL, 0, 100000);
    if (m->thread != NULL)
        eddy_native_leave(m->thread);
}

void fuzz_execute(struct mutator *m, const struct operation *o)
{
    m->executed++;
    m->run->operations++;
    while (m->run->exclusive != 0)
        wait_outside(m);
    m->busy = true;
    if (m->thread == NULL)
        fuzz_attach(m);
    if (m->thread != NULL)
        fuzz_operations[o->code % fuzz_operation_kinds].run(m, o);
    m->pending = (struct pending){.kind = PENDING_NONE};
    m->busy = false;
}
