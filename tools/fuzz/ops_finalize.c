/* Finalizers, and what else ends with an object: external bytes. Queued entries are checked against the records of
 * extras.h: each once, in the promised order, none while its object can be reached. Operations whose effects on one object
 * would have no order in the model if they overlapped (attaching, disposing) give way to each other. */
#include "tools/fuzz/operations.h"

static struct mutator *mutator_of(struct run *r, const eddy_thread *t)
{
    unsigned i = 0;
    while (r->mutators[i].thread != t)
        i++;
    return &r->mutators[i];
}

/* ---- the promised order ---- */

/* Whether `from` reaches `to` along fields (and, with `hidden`, in any way but roots). */
static bool leads_to(struct run *r, uint32_t from, uint32_t to, bool hidden)
{
    struct model *model = &r->model;
    model->walk++;
    struct walk w = {.model = model};
    model_reach(&w, from);
    while (w.left != 0) {
        while (w.left != 0) {
            const struct model_object *o = &model->objects[model->work[--w.left]];
            for (uint32_t i = 0; i < o->fields; i++)
                model_reach(&w, model->fields[o->first + i]);
            if (hidden && o->table != 0)
                extras_table(r, &w, o->table - 1);
        }
        if (hidden)
            extras_follow(r, &w);
    }
    return model->objects[to].mark == model->walk;
}

/* Whether what the last walk has met is, or was, a key: it may have led further when the collector looked at it. */
static bool met_key(const struct model *model)
{
    for (uint32_t number = 1; number <= model->count; number++)
        if (model->objects[number].mark == model->walk && model->objects[number].keyed)
            return true;
    return false;
}

/* Whether one leads to the other; or may have, when the collector looked, by an ephemeron or an entry that is gone. */
static bool may_have_led(struct run *r, uint32_t from, uint32_t to)
{
    return leads_to(r, from, to, true) || met_key(&r->model);
}

/* A dead object's finalizer has been found: so its whole cycle has been found dead; or, unless `sure`, may have been. */
static void lapse(struct run *r, uint32_t object, bool sure)
{
    struct model *model = &r->model;
    uint32_t tick = ++model->extras.clock;
    for (uint32_t number = 1; number <= model->count; number++)
        if (number == object || (leads_to(r, object, number, true) && leads_to(r, number, object, true)))
            *(sure ? &model->objects[number].lapsed : &model->objects[number].doubtful) = tick;
        else if (may_have_led(r, object, number) && may_have_led(r, number, object))
            model->objects[number].doubtful = tick;
}

static bool is_queued(const struct run *r, const struct record_model *record)
{
    return extras_lapsed(r, record->object, record->made) || r->model.extras.finalized_all > record->made;
}

/* The first finalizer of an object that waited when the object lapsed. */
static uint32_t first_of(const struct extras *x, uint32_t object, uint32_t lapsed)
{
    uint32_t i = 0;
    for (; i < x->record_count; i++) {
        const struct record_model *record = &x->records[i];
        bool of_this_death = record->state == RECORD_WAITS || (record->state == RECORD_RUN && record->lapsed == lapsed);
        if (record->object == object && record->made < lapsed && of_this_death)
            break;
    }
    return i;
}

/* `number` has been taken from its queue, and object and cycle have lapsed; by this (`just_dead`), or before. */
static void check_order(struct run *r, uint32_t number, bool just_dead)
{
    const struct extras *x = &r->model.extras;
    const struct record_model *taken = &x->records[number];
    uint32_t lapsed = model_object(r, taken->object)->lapsed;
    for (uint32_t i = 0; i < x->record_count; i++) {
        const struct record_model *other = &x->records[i];
        if (i == number || other->state != RECORD_WAITS)
            continue;
        bool earlier = other->object == taken->object && i < number;
        bool before = other->object != taken->object && model_object(r, other->object)->lapsed == lapsed
                      && other->made < lapsed && first_of(x, other->object, lapsed) < first_of(x, taken->object, lapsed);
        if (other->queue == taken->queue && (earlier || before))
            fuzz_fail(OUTCOME_WRONG, "finalizer %u of object %u came out before finalizer %u of object %u", number,
                      taken->object, i, other->object);
        if (just_dead && other->object != taken->object && !model_reaches(r, other->object)
            && leads_to(r, other->object, taken->object, false) && !leads_to(r, taken->object, other->object, true)
            && !met_key(&r->model))
            fuzz_fail(OUTCOME_WRONG, "object %u was finalized before object %u, which refers to it", taken->object,
                      other->object);
    }
}

uint32_t extras_finalized(struct mutator *m, const void *object, const void *data)
{
    struct run *r = m->run;
    struct extras *x = &r->model.extras;
    uint32_t number = (uint32_t)(uintptr_t)data - 1;
    struct record_model *record = &x->records[number];
    if (number >= x->record_count || record->state != RECORD_WAITS)
        fuzz_fail(OUTCOME_WRONG, "finalizer %u of object %u is run twice", number, record->object);
    if (object != model_address(r, record->object) || model_object(r, record->object)->replaced
        || eddy_object_at(r->heap, object) != object)
        fuzz_fail(OUTCOME_FREED_LIVE, "finalizer %u is run on object %u, not on object %u", number, model_at(r, object),
                  record->object);
    bool live = model_reaches(r, record->object);
    if (live && !is_queued(r, record) && !extras_doubtful(r, record->object, record->made))
        fuzz_fail(OUTCOME_WRONG, "finalizer %u of object %u is run, but the object can be reached", number, record->object);
    bool just_dead = !live && !is_queued(r, record);
    if (!live && !extras_lapsed(r, record->object, record->made))
        lapse(r, record->object, just_dead);
    /* Entries taken by several threads at once have no order, those put in while alive another; splitting may lack memory. */
    if (!live && x->taking == 1 && x->finalized_all == 0 && r->c->settings.fail_at == 0)
        check_order(r, number, just_dead);
    record->state = RECORD_RUN;
    record->lapsed = model_object(r, record->object)->lapsed;
    m->pending.result = record->object;
    return record->object;
}

/* ---- attaching ---- */

static struct run *running; /* for callbacks */
static void on_finalizer(eddy_thread *t, void *object, void *data);

/* Those of queue 0 have no function: they are only taken. */
void op_finalizer(struct mutator *m, const struct operation *o)
{
    uint32_t object = m->handles[o->a % FUZZ_HANDLES], queue = o->b % FUZZ_QUEUES;
    struct extras *x = &m->run->model.extras;
    if (object == 0 || x->attaching != 0 || x->record_count == FUZZ_RECORDS)
        return;
    x->attaching++;
    m->pending.value = object;
    eddy_status status = eddy_finalizer_attach(m->thread, model_address(m->run, object), x->queues[queue],
                                               queue == 0 ? NULL : on_finalizer, (void *)(uintptr_t)(x->record_count + 1));
    if (status == EDDY_OK)
        x->records[x->record_count++] =
            (struct record_model){.object = object, .made = ++x->clock, .queue = queue, .state = RECORD_WAITS};
    else if (status != EDDY_ENOMEM)
        fuzz_fail(OUTCOME_WRONG, "a finalizer cannot be attached: %s", eddy_status_text(status));
    x->attaching--;
}

/* ---- running ---- */

/* What a finalizer does with its object: nothing, or brings it back to life. */
static void use(struct mutator *m, uint32_t object, unsigned how)
{
    if (how % 4 == 1)
        fuzz_hold(m, how / 4 % FUZZ_HANDLES, object);
    if (how % 4 == 2)
        fuzz_root_store(m, how / 4 % FUZZ_ROOTS, object);
}

static void on_disposed(struct mutator *m, void *object, const void *data)
{
    struct record_model *record = &m->run->model.extras.records[(uintptr_t)data - 1];
    if (record->object != m->disposed || record->state != RECORD_DISPOSED || object != model_address(m->run, m->disposed))
        fuzz_fail(OUTCOME_WRONG, "disposing of object %u runs finalizer %u of object %u", m->disposed,
                  (unsigned)(uintptr_t)data - 1, record->object);
    record->state = RECORD_RUN;
}

static void on_finalizer(eddy_thread *t, void *object, void *data)
{
    struct mutator *m = mutator_of(running, t);
    struct pending before = m->pending;
    m->above++; /* a frame holds the object */
    if (m->disposed != 0)
        on_disposed(m, object, data);
    else
        use(m, extras_finalized(m, object, data), m->finalizing);
    fuzz_stir(m, m->finalizing);
    m->above--;
    m->pending = before;
}

static void take(struct mutator *m, eddy_finalizer_queue *queue, unsigned how)
{
    eddy_finalization entry;
    if (!eddy_finalizer_take(m->thread, queue, &entry))
        return;
    uint32_t object = extras_finalized(m, entry.object, entry.data);
    fuzz_hold(m, how / 8 % FUZZ_HANDLES, object);
    use(m, object, how);
}

void op_finalize(struct mutator *m, const struct operation *o)
{
    struct extras *x = &m->run->model.extras;
    unsigned queue = o->a % FUZZ_QUEUES;
    running = m->run;
    if (o->b % 16u == 15)
        eddy_finalizers_wait(m->thread, x->queues[queue], 1 + o->b / 16u);
    m->finalizing = o->c;
    x->taking++;
    if (queue == 0 || (o->b & 1) != 0)
        take(m, x->queues[queue], o->c);
    else
        eddy_finalizers_run(m->thread, x->queues[queue], 1 + o->b / 2 % 4u);
    x->taking--;
}

/* ---- all at once ---- */

void op_dispose(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    struct extras *x = &r->model.extras;
    uint32_t object = m->handles[o->a % FUZZ_HANDLES];
    bool run = (o->b & 1) != 0, mine[FUZZ_RECORDS] = {false};
    if (object == 0 || x->attaching != 0)
        return;
    x->attaching++;
    for (uint32_t i = 0; i < x->record_count; i++) {
        mine[i] = x->records[i].object == object && x->records[i].state == RECORD_WAITS && !is_queued(r, &x->records[i]);
        if (mine[i])
            x->records[i].state = RECORD_DISPOSED;
    }
    model_object(r, object)->external = 0;
    m->pending.value = m->disposed = object;
    m->finalizing = 0;
    running = r;
    eddy_dispose(m->thread, model_address(r, object), run);
    m->disposed = 0;
    for (uint32_t i = 0; i < x->record_count; i++)
        if (mine[i] && (x->records[i].state == RECORD_RUN) != (run && x->records[i].queue != 0))
            fuzz_fail(OUTCOME_WRONG, "disposing of object %u %s finalizer %u", object, run ? "does not run" : "runs", i);
        else if (mine[i])
            x->records[i].state = RECORD_DISPOSED;
    x->attaching--;
}

void op_finalize_all(struct mutator *m, const struct operation *o)
{
    struct extras *x = &m->run->model.extras;
    (void)o;
    if (x->attaching != 0)
        return;
    x->attaching++;
    x->finalized_all = ++x->clock;
    eddy_status status = eddy_finalize_all(m->thread);
    if (status != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "all finalizers cannot be queued: %s", eddy_status_text(status));
    x->attaching--;
}

/* ---- external bytes ---- */

void op_external(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    struct extras *x = &r->model.extras;
    uint32_t number = m->handles[o->a % FUZZ_HANDLES], bytes = 16u * o->b;
    if (number == 0 || x->attaching != 0)
        return;
    x->attaching++;
    m->pending.value = number;
    void *object = model_address(r, number);
    uint32_t *external = &model_object(r, number)->external;
    eddy_status status;
    if ((o->c & 1) == 0) {
        status = eddy_external_add(m->thread, object, bytes);
        *external += status == EDDY_OK ? bytes : 0;
    } else {
        status = eddy_external_sub(m->thread, object, bytes);
        if (status != (bytes <= *external ? EDDY_OK : EDDY_EINVAL))
            fuzz_fail(OUTCOME_WRONG, "%u external bytes of %u are given up: %s", bytes, *external,
                      eddy_status_text(status));
        *external -= status == EDDY_OK ? bytes : 0;
    }
    if (status == EDDY_EINVAL && (o->c & 1) == 0)
        fuzz_fail(OUTCOME_WRONG, "external bytes are refused");
    if (eddy_external_of(m->thread, object) != *external)
        fuzz_fail(OUTCOME_MISCOUNTED, "object %u owns %zu external bytes, not %u", number,
                  eddy_external_of(m->thread, object), *external);
    x->attaching--;
}
