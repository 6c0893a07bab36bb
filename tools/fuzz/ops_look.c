/* Operations that look, or ask for what cannot be: inspections, checked against the model; listeners, whose events must follow from
 * each other; options as text; calls that must be refused, and change nothing. */
#include "runtime/heap/heap.h"

#include "tools/fuzz/operations.h"

#include <string.h>

/* ---- inspections ---- */

#define STEPS_MOST 12u

struct look {
    struct run *run;
    uint64_t objects, bytes, reached;
    uintptr_t last;
    uint64_t room; /* of a writer, until it refuses */
};

static void look_at_object(void *context, const eddy_object_info *info)
{
    struct look *look = context;
    struct model *model = &look->run->model;
    if ((uintptr_t)info->object <= look->last)
        fuzz_fail(OUTCOME_WRONG, "an inspection goes back from %zx to %p", (size_t)look->last, info->object);
    look->last = (uintptr_t)info->object;
    look->objects++;
    look->bytes += info->bytes;
    look->reached += model->objects[model_at(look->run, info->object)].mark == model->walk;
}

static void look_at_type(void *context, const eddy_type_count *count)
{
    struct look *look = context;
    if (count->objects == 0 || eddy_type_name(count->type) == NULL)
        fuzz_fail(OUTCOME_WRONG, "an inspection counts a type without objects, or name");
    look->objects -= count->objects;
    look->bytes -= count->bytes;
}

static bool take_bytes(void *context, const void *bytes, size_t n)
{
    struct look *look = context;
    (void)bytes;
    if (n > look->room)
        return false;
    look->room -= n;
    return true;
}

/* All that the model can reach is there, and the types add up. */
static void look_at_all(struct run *r, eddy_inspection *inspection)
{
    struct look look = {.run = r};
    uint32_t reachable = model_mark(r);
    eddy_inspect_objects(inspection, look_at_object, &look);
    if (look.reached != reachable)
        fuzz_fail(OUTCOME_WRONG, "an inspection shows %u of %u reachable objects", (unsigned)look.reached, reachable);
    if (eddy_inspect_types(inspection, look_at_type, &look) == EDDY_OK && (look.objects != 0 || look.bytes != 0))
        fuzz_fail(OUTCOME_WRONG, "an inspection counts %lld objects more than its types have", (long long)look.objects);
}

/* Each step is a reference that the model knows, where fields are the program's. */
static void look_at_path(struct run *r, eddy_inspection *inspection, uint32_t number)
{
    eddy_path_step steps[STEPS_MOST];
    eddy_root root;
    size_t length;
    if (eddy_inspect_path(inspection, model_address(r, number), &root, steps, STEPS_MOST, &length) != EDDY_OK)
        return;
    if (length == 0 || root.kind == EDDY_ROOT_NONE)
        fuzz_fail(OUTCOME_WRONG, "no root is said to reach object %u", number);
    for (size_t i = 1; i < length && i < STEPS_MOST; i++) {
        const struct model_object *before = model_object(r, model_at(r, steps[i - 1].object));
        uint32_t field = (uint32_t)(steps[i].field - fuzz_shapes[before->shape].first) / 8;
        if (before->fields == 0 || before->keyed || before->permanent || steps[i].field < fuzz_shapes[before->shape].first)
            continue; /* what is hidden has no field */
        if (field >= before->fields || model_address(r, r->model.fields[before->first + field]) != steps[i].object)
            fuzz_fail(OUTCOME_WRONG, "step %zu of the path to object %u is none", i, number);
    }
    if (length <= STEPS_MOST && steps[length - 1].object != model_address(r, number))
        fuzz_fail(OUTCOME_WRONG, "the path to object %u ends elsewhere", number);
}

static void look_at_dominators(struct run *r, eddy_inspection *inspection, uint32_t number)
{
    uint64_t objects, bytes, outer, outer_bytes;
    const void *dominator, *object = model_address(r, number);
    if (eddy_inspect_retained(inspection, object, &objects, &bytes) != EDDY_OK
        || eddy_inspect_dominator(inspection, object, &dominator) != EDDY_OK)
        return;
    if (objects == 0 || bytes < eddy_object_size(r->heap, object) || dominator == object)
        fuzz_fail(OUTCOME_WRONG, "object %u retains %llu objects", number, (unsigned long long)objects);
    if (dominator != NULL && eddy_inspect_retained(inspection, dominator, &outer, &outer_bytes) == EDDY_OK
        && (outer <= objects || outer_bytes <= bytes))
        fuzz_fail(OUTCOME_WRONG, "what dominates object %u retains less than it", number);
}

/* Writes it all, or until the writer refuses. */
static void look_at_text(struct run *r, eddy_inspection *inspection, uint32_t number, unsigned what)
{
    struct look look = {.room = (what & 3) != 0 ? UINT64_MAX : (uint64_t)what << 4};
    const void *object = model_address(r, number);
    eddy_status status = (what & 4) != 0 ? eddy_inspect_write_snapshot(inspection, take_bytes, &look)
                         : (what & 8) != 0 || number == 0
                             ? eddy_inspect_write_dot(inspection, take_bytes, &look)
                             : eddy_inspect_print_path(inspection, object, take_bytes, &look);
    if (status != EDDY_OK && status != EDDY_ENOMEM && ((what & 3) != 0 || status != EDDY_ESYSTEM))
        fuzz_fail(OUTCOME_WRONG, "an inspection cannot be written: %s", eddy_status_text(status));
}

/* What a handle refers to, or lies some references below. */
static uint32_t below_handle(struct mutator *m, const struct operation *o)
{
    uint32_t number = m->handles[o->a % FUZZ_HANDLES];
    for (unsigned steps = o->b >> 4; number != 0 && steps > 0; steps--) {
        const struct model_object *c = model_object(m->run, number);
        uint32_t next = c->fields != 0 ? *model_field(m->run, number, (o->c + steps) % c->fields) : 0;
        number = next != 0 ? next : number;
    }
    return number;
}

static void look(struct mutator *m, const struct operation *o, eddy_inspection *inspection)
{
    struct run *r = m->run;
    uint32_t number = below_handle(m, o);
    eddy_root root;
    size_t length;
    look_at_all(r, inspection);
    if (eddy_inspect_path(inspection, r, &root, NULL, 0, &length) == EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "a path to what is no object");
    if (number != 0 && (o->b & 1) != 0)
        look_at_path(r, inspection, number);
    if (number != 0 && (o->b & 2) != 0)
        look_at_dominators(r, inspection, number);
    if ((o->b & 4) != 0)
        look_at_text(r, inspection, number, o->c);
}

void op_inspect(struct mutator *m, const struct operation *o)
{
    eddy_inspection *inspection = NULL;
    if (m->run->c->settings.fail_for_good || !fuzz_begin_exclusive(m)) /* as verification does, it waits for its tables */
        return;
    eddy_status status = eddy_inspect_begin(m->thread, 0, &inspection);
    if (status == EDDY_OK)
        look(m, o, inspection);
    else if (status != EDDY_EBUSY && status != EDDY_ENOMEM)
        fuzz_fail(OUTCOME_WRONG, "no inspection: %s", eddy_status_text(status));
    eddy_inspect_end(inspection);
    fuzz_end_exclusive(m);
}

/* ---- statistics ---- */

static void see_thread(void *context, const eddy_thread_state *state)
{
    unsigned *seen = context;
    *seen += state->number != 0;
}

static void see_stalls(void *context, uint64_t ns, uint64_t count)
{
    (void)ns;
    *(uint64_t *)context += count;
}

void op_look(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    eddy_stall_summary summary;
    unsigned threads = 0;
    uint64_t stalls = 0;
    eddy_stall_kind kind = (eddy_stall_kind)(o->b % (EDDY_STALL_KINDS + 2u));
    eddy_status expected = kind > EDDY_STALL_KINDS ? EDDY_EINVAL : EDDY_OK;
    eddy_thread *t = (o->b & 16) != 0 ? m->thread : NULL;
    if (eddy_thread_heap(m->thread) != r->heap || eddy_thread_current(r->heap) != m->thread
        || eddy_thread_select(m->thread) != EDDY_OK || (eddy_heap_threads(r->heap) == 0))
        fuzz_fail(OUTCOME_WRONG, "a thread is not where it is attached");
    if ((o->a & 3) == 0)
        eddy_inspect_threads(r->heap, see_thread, &threads);
    if ((o->a & 3) == 0 && threads == 0)
        fuzz_fail(OUTCOME_WRONG, "no thread is attached");
    if (eddy_stall_stats(r->heap, t, kind, &summary) != expected
        || eddy_stall_each(r->heap, t, kind, see_stalls, &stalls) != expected
        || (expected == EDDY_OK && stalls < summary.count))
        fuzz_fail(OUTCOME_WRONG, "statistics of stalls are wrong");
}

/* ---- listeners ---- */

#define LISTENERS 3u

/* Of one listener; the epochs of a heap end in order. */
static struct heard {
    uint64_t begun, ended;
    uint64_t events;
    bool added;
} heard[LISTENERS];

static void on_begin(void *context, eddy_heap *heap, uint64_t epoch)
{
    struct heard *h = context;
    (void)heap;
    if (epoch <= h->begun)
        fuzz_fail(OUTCOME_WRONG, "epoch %llu is said to begin after %llu", (unsigned long long)epoch,
                  (unsigned long long)h->begun);
    h->begun = epoch;
}

static void on_end(void *context, eddy_heap *heap, const eddy_epoch_report *report)
{
    struct heard *h = context;
    (void)heap;
    if ((h->begun != 0 && report->epoch != h->begun) || report->epoch <= h->ended)
        fuzz_fail(OUTCOME_WRONG, "epoch %llu is said to end after %llu", (unsigned long long)report->epoch,
                  (unsigned long long)h->ended);
    h->ended = report->epoch;
}

static void on_handshake(void *context, eddy_heap *heap, eddy_thread *t, uint64_t epoch, bool on_behalf)
{
    (void)heap, (void)t, (void)epoch, (void)on_behalf;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, 1);
}

static void on_stall(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    (void)heap, (void)t, (void)kind;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, 1);
}

static void on_stall_end(void *context, eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind, uint64_t ns)
{
    (void)heap, (void)t, (void)kind, (void)ns;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, 1);
}

static void on_slice(void *context, eddy_heap *heap, const eddy_cycle_report *report)
{
    (void)heap;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, report->phase != NULL);
}

static void on_pacing(void *context, eddy_heap *heap, eddy_thread *t, eddy_pacing_reason reason, uint64_t room, uint64_t ns)
{
    (void)heap, (void)t, (void)reason, (void)room, (void)ns;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, 1);
}

static void on_queued(void *context, eddy_heap *heap, const void *object)
{
    (void)context;
    if (!heap_contains(heap, object))
        fuzz_fail(OUTCOME_WRONG, "a finalizer of %p is queued", object);
}

static void on_low(void *context, eddy_heap *heap, eddy_thread *t, const eddy_memory_report *report)
{
    (void)heap, (void)report;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, 1);
    eddy_safepoint(t);
}

static bool on_out_of_memory(void *context, eddy_heap *heap, eddy_thread *t)
{
    (void)t;
    EDDY_ADD_RELAXED(&((struct heard *)context)->events, 1);
    return eddy_heap_set_limit(heap, 0) == EDDY_OK && ((struct heard *)context)->events % 2 == 0;
}

static eddy_listener listeners[LISTENERS];

/* Adds a listener, or removes it again; a part of the callbacks each. */
void op_listen(struct mutator *m, const struct operation *o)
{
    unsigned k = o->a % LISTENERS;
    struct heard *h = &heard[k];
    eddy_listener *l = &listeners[k];
    if (!fuzz_begin_exclusive(m))
        return;
    if (!m->run->listening)
        memset(heard, 0, sizeof heard);
    m->run->listening = true;
    bool add = !h->added;
    if (add) {
        *h = (struct heard){0};
        *l = (eddy_listener){.context = h, .epoch_begin = on_begin, .epoch_end = on_end, .finalizer_queued = on_queued};
        if (k != 0) {
            l->handshake = on_handshake;
            l->stall_begin = on_stall;
            l->stall_end = on_stall_end;
            l->cycle_slice = on_slice;
            l->pacing = on_pacing;
        }
        if (k == 2) {
            l->memory_low = on_low;
            l->out_of_memory = on_out_of_memory;
        }
    }
    eddy_status status = add ? eddy_listener_add(m->run->heap, l) : eddy_listener_remove(m->run->heap, l);
    if (status != EDDY_OK && (!add || status != EDDY_ENOMEM))
        fuzz_fail(OUTCOME_WRONG, "a listener cannot be %s: %s", add ? "added" : "removed", eddy_status_text(status));
    h->added = add && status == EDDY_OK;
    status = add ? eddy_listener_add(m->run->heap, l) : eddy_listener_remove(m->run->heap, l);
    if (status != (add ? EDDY_EBUSY : EDDY_EINVAL) && (!add || status != EDDY_ENOMEM))
        fuzz_fail(OUTCOME_WRONG, "a listener is %s twice: %s", add ? "added" : "removed", eddy_status_text(status));
    fuzz_end_exclusive(m);
}

/* ---- options as text ---- */

/* What is right, then what is wrong. */
static const char *const good_options[] = {"heap_limit=1g",
                                           " soft_limit=16m ",
                                           "epoch=8k",
                                           "epoch_min=1",
                                           "epoch_max=2t",
                                           "log_epoch=0",
                                           "log_limit=64M",
                                           "log_chunk=7",
                                           "idle_ms=20",
                                           "late_ms=1",
                                           "cycle_growth=40",
                                           "nice=3",
                                           "log=none",
                                           "log=stderr",
                                           "verify=epoch",
                                           "verify=none",
                                           "interior=on",
                                           "interior=off",
                                           "roots=precise",
                                           "roots=conservative",
                                           "manual=on",
                                           "manual=off",
                                           "",
                                           "reserve=99999"};
static const char *const bad_options[] = {"heap_limit",      "=1",
                                          "nope=1",          "epoch=-1",
                                          "epoch=1x",        "nice=99999999999999999999",
                                          "idle_ms=1k",      "log=on",
                                          "manual=",         "epoch=99999999999t",
                                          "verify=epochs",   "epoch = 1",
                                          "interior=on=off", "log_chunk=4294967296"};

void op_options(struct mutator *m, const struct operation *o)
{
    char text[200], error[EDDY_CONFIG_ERROR_BYTES];
    eddy_config config, before;
    uint64_t state = (uint64_t)o->a << 16 | (uint64_t)o->b << 8 | o->c;
    bool bad = (o->a & 3) == 0;
    unsigned pairs = 1 + o->b % 4u, wrong = o->b / 4 % pairs;
    size_t used = 0;
    (void)m;
    for (unsigned i = 0; i < pairs; i++) {
        bool is_bad = bad && i == wrong;
        const char *pair = is_bad ? bad_options[fuzz_below(&state, sizeof bad_options / sizeof *bad_options)]
                                  : good_options[fuzz_below(&state, sizeof good_options / sizeof *good_options)];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : ",", pair);
    }
    eddy_config_init(&config);
    before = config;
    bool said = (o->c & 1) != 0;
    eddy_status status = eddy_config_parse(&config, text, said ? error : NULL, said ? 1 + o->c * 6u : 0);
    if (status != (bad ? EDDY_EINVAL : EDDY_OK) || (bad && memcmp(&before, &config, sizeof config) != 0))
        fuzz_fail(OUTCOME_WRONG, "the options '%s' are read with: %s", text, eddy_status_text(status));
}

/* ---- what is refused ---- */

static void refused(const char *what, eddy_status status, eddy_status expected)
{
    if (status != expected && status != EDDY_ENOMEM)
        fuzz_fail(OUTCOME_WRONG, "%s: %s, not %s", what, eddy_status_text(status), eddy_status_text(expected));
}

/* Every way in which a description can be wrong. */
static void refuse_type(struct mutator *m, unsigned which)
{
    static const size_t odd[] = {4}, twice[] = {8, 8}, far[] = {64}, good[] = {16};
    static const eddy_encoding wrong_encoding = {.test = 1, .address = 3},
                               unknown_flag = {.address = ~(uintptr_t)15, .flags = 8};
    static const eddy_type_desc wrong[] = {
        {.size = (size_t)1 << 40},
        {.size = 24, .ref_count = 1},
        {.size = 24, .flags = 1u << 20},
        {.size = 24, .ref_offsets = odd, .ref_count = 1},
        {.size = 24, .ref_offsets = twice, .ref_count = 2},
        {.size = 24, .ref_offsets = far, .ref_count = 1},
        {.size = 20, .tail = EDDY_TAIL_REFS, .length_offset = 8},
        {.size = 24, .tail = EDDY_TAIL_REFS, .length_offset = 4},
        {.size = 24, .tail = EDDY_TAIL_REFS, .length_offset = 24},
        {.size = 24, .tail = EDDY_TAIL_REFS, .length_offset = 16, .ref_offsets = good, .ref_count = 1},
        {.size = 24, .tail = EDDY_TAIL_BYTES, .length_offset = 8},
        {.size = 24, .tail = (eddy_tail)7, .length_offset = 8},
        {.size = 24, .ref_offsets = good, .ref_count = 1, .encoding = &wrong_encoding},
        {.size = 24, .ref_offsets = good, .ref_count = 1, .encoding = &unknown_flag},
        {.size = 2, .flags = EDDY_TYPE_ARBITRATED},
    };
    const eddy_type *type = NULL;
    refused("a wrong type", eddy_type_register(m->run->heap, &wrong[which % (sizeof wrong / sizeof *wrong)], &type),
            EDDY_EINVAL);
}

static void refuse_heap(unsigned which)
{
    eddy_config config;
    eddy_heap *heap;
    eddy_config_init(&config);
    switch (which % 7) {
    case 0: config.heap_limit = 1; break;
    case 1: config.soft_limit = 1; break;
    case 2: config.reserve_bytes = SIZE_MAX; break;
    case 3: config.flags = 1u << 30; break;
    case 4: config.collector_nice = 20; break;
    case 5: config.log_chunk_entries = 1u << 20; break;
    default: config.log_limit = 1;
    }
    refused("a wrong configuration", eddy_heap_create(&config, &heap), EDDY_EINVAL);
}

void op_refused(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    eddy_thread *t = m->thread, *again;
    static void *unknown;
    eddy_fiber *fiber;
    switch (o->a % 12u) {
    case 0: refused("a root slot again", eddy_root_add(t, &r->root_slots[o->b % FUZZ_ROOTS]), EDDY_EBUSY); break;
    case 1: refused("an unknown root slot", eddy_root_remove(t, &unknown), EDDY_EINVAL); break;
    case 2:
        refused("a range that ends before it begins", eddy_root_range_add(t, &unknown + 1, &unknown), EDDY_EINVAL);
        break;
    case 3: refused("an unknown range", eddy_root_range_remove(t, &unknown), EDDY_EINVAL); break;
    case 4: refused("a tiny limit", eddy_heap_set_limit(r->heap, 1 + o->b), EDDY_EINVAL); break;
    case 5: refused("a tiny soft limit", eddy_heap_set_soft_limit(r->heap, 1 + o->b), EDDY_EINVAL); break;
    case 6: refused("a second attachment", eddy_thread_attach(r->heap, &again), EDDY_EBUSY); break;
    case 7: refused("the end of a heap in use", eddy_heap_destroy(r->heap), EDDY_EBUSY); break;
    case 8: refuse_type(m, o->b); break;
    case 9: refuse_heap(o->b); break;
    case 10: refused("a stack of no bytes", eddy_fiber_create(t, &unknown, 0, &fiber), EDDY_EINVAL); break;
    default:
        if (eddy_alloc_array(t, SIZE_MAX / 16 - o->b) != NULL || eddy_alloc_bytes(t, SIZE_MAX - o->b) != NULL
            || eddy_alloc_tail(t, r->types[SHAPE_TAILED], SIZE_MAX / 8 - o->b) != NULL)
            fuzz_fail(OUTCOME_WRONG, "an object as large as the world");
    }
}
