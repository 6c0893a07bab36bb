/* Operations on objects as such, and on the heap as a whole: permanent objects, resizing, forking, limits. Some ask the
 * program for exclusiveness (nobody may store into objects that become permanent): then the other threads end what they do
 * and wait in native regions. */
#include "runtime/heap/heap.h"

#include "tools/fuzz/can_fork.h"
#include "tools/fuzz/operations.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 20u

/* ---- exclusiveness ---- */

static bool others_busy(const struct run *r, const struct mutator *m)
{
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        if (&r->mutators[i] != m && r->mutators[i].busy)
            return true;
    return false;
}

bool fuzz_begin_exclusive(struct mutator *m)
{
    struct run *r = m->run;
    if (r->exclusive != 0)
        return false;
    r->exclusive = m->number + 1;
    eddy_native_enter(m->thread);
    while (others_busy(r, m))
        sched_wait(NULL, 0, 100000);
    eddy_native_leave(m->thread);
    return true;
}

void fuzz_end_exclusive(struct mutator *m)
{
    m->run->exclusive = 0;
}

/* ---- permanent objects ---- */

/* Of an address where an object of the model may have died: whatever lies there now may look like a header, a count byte does not. */
static bool counted_permanent(struct run *r, const void *object)
{
    const struct block *b = block_of(r->heap, object);
    return (EDDY_LOAD_RELAXED(&b->counts[cell_number(b, object)]) & COUNT_MASK) == COUNT_PERMANENT;
}

/* What has become permanent, asked of the heap; fails if something reachable from `number` (0: anything reachable) has not. */
static void note_permanent(struct mutator *m, uint32_t number)
{
    struct run *r = m->run;
    struct model *model = &r->model;
    model_mark(r);
    for (uint32_t i = 1; i <= model->count; i++) {
        struct model_object *o = &model->objects[i];
        bool live = o->mark == model->walk;
        if (o->permanent || o->replaced || eddy_object_at(r->heap, (void *)o->address) != (void *)o->address
            || !eddy_is_permanent((void *)o->address) || (!live && !counted_permanent(r, (void *)o->address)))
            continue;
        o->permanent = true;
        model->extras.permanent_count++;
        if (!live) /* only the queue of its finalizers held it */
            o->lapsed = ++model->extras.clock;
    }
    model->walk++;
    struct walk w = {.model = model};
    for (uint32_t i = number != 0 ? number : 1; i <= (number != 0 ? number : model->count); i++)
        if (number != 0 || model->objects[i].mark == model->walk - 1)
            model_reach(&w, i);
    while (w.left != 0) {
        uint32_t at = model->work[--w.left];
        const struct model_object *o = &model->objects[at];
        if (!o->permanent)
            fuzz_fail(OUTCOME_WRONG, "object %u was not made permanent", at);
        for (uint32_t i = 0; o->shape != SHAPE_CELL && i < o->fields; i++)
            model_reach(&w, model->fields[o->first + i]);
    }
}

/* Whether tables are among what an object reaches: they could not be changed any more. */
static bool reaches_table(struct run *r, uint32_t number)
{
    struct model *model = &r->model;
    model->walk++;
    struct walk w = {.model = model};
    bool any = false;
    for (model_reach(&w, number); w.left != 0;) {
        const struct model_object *o = &model->objects[model->work[--w.left]];
        any = any || o->table != 0;
        for (uint32_t i = 0; i < o->fields; i++)
            model_reach(&w, model->fields[o->first + i]);
    }
    return any;
}

void op_permanent(struct mutator *m, const struct operation *o)
{
    uint32_t number = m->handles[o->a % FUZZ_HANDLES];
    if (number == 0 || !fuzz_begin_exclusive(m))
        return;
    number = m->handles[o->a % FUZZ_HANDLES];
    m->pending.value = number;
    if (!reaches_table(m->run, number)) {
        eddy_status status = eddy_make_permanent(m->thread, model_address(m->run, number));
        if (status == EDDY_OK)
            note_permanent(m, number);
        else if (status != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "an object cannot be made permanent: %s", eddy_status_text(status));
    }
    fuzz_end_exclusive(m);
}

void op_permanent_new(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    unsigned shape = o->b % SHAPES;
    size_t length = o->c % 40u;
    if (r->model.count + 1 >= MODEL_OBJECTS || r->model.field_count + 64 >= MODEL_FIELDS)
        return;
    void *object = shape == SHAPE_LEAF         ? eddy_alloc_permanent_bytes(m->thread, fuzz_shapes[shape].size)
                   : fuzz_shapes[shape].tailed ? eddy_alloc_permanent_tail(m->thread, r->types[shape], length)
                                               : eddy_alloc_permanent(m->thread, r->types[shape]);
    if (object == NULL) {
        if (eddy_thread_error(m->thread) != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "no permanent object: %s", eddy_status_text(eddy_thread_error(m->thread)));
        return;
    }
    uint32_t number = model_born(r, object, shape, fuzz_shapes[shape].tailed ? length : 0);
    if (!eddy_is_permanent(object))
        fuzz_fail(OUTCOME_WRONG, "object %u is not permanent", number);
    model_object(r, number)->permanent = true;
    r->model.extras.permanent_count++;
    fuzz_hold(m, o->a % FUZZ_HANDLES, number);
}

void op_permanent_set(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    uint32_t container = m->handles[o->a % FUZZ_HANDLES], value = operand_value(m, o->c);
    const struct model_object *c = model_object(r, container);
    if (container == 0 || c->fields == 0 || c->shape == SHAPE_ACYCLIC || c->shape == SHAPE_WORDS)
        return;
    uint32_t index = o->b % c->fields, *known = model_field(r, container, index);
    bool both = c->permanent && (value == 0 || model_object(r, value)->permanent);
    eddy_status expected = !both ? EDDY_EINVAL : value != 0 && *known != 0 ? EDDY_EBUSY : EDDY_OK;
    eddy_status status =
        eddy_permanent_set(m->thread, model_address(r, container),
                           shape_fields(model_address(r, container), c->shape) + index, model_address(r, value));
    if (status != expected)
        fuzz_fail(OUTCOME_WRONG, "a permanent object is set: %s, not %s", eddy_status_text(status),
                  eddy_status_text(expected));
    if (status == EDDY_OK && value != 0)
        *known = value;
}

void op_freeze(struct mutator *m, const struct operation *o)
{
    (void)o;
    /* what only an ambiguous word holds would become permanent, too */
    if (m->run->c->settings.conservative || m->run->model.extras.table_count != 0 || !fuzz_begin_exclusive(m))
        return;
    eddy_status status = eddy_heap_freeze(m->thread);
    if (status == EDDY_OK)
        note_permanent(m, 0);
    else if (status != EDDY_EBUSY) /* a thread that begins or ends */
        fuzz_fail(OUTCOME_WRONG, "the heap cannot be frozen: %s", eddy_status_text(status));
    fuzz_end_exclusive(m);
}

/* ---- resizing ---- */

static const uint16_t resized_to[16] = {0, 1, 2, 3, 5, 6, 8, 13, 21, 30, 31, 33, 70, 200, 1100, 2300};

/* Nobody else is in the middle of something with it. */
static bool unused(const struct run *r, const struct mutator *m, uint32_t number)
{
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++) {
        const struct pending *p = &r->mutators[i].pending;
        if (&r->mutators[i] != m && (p->object == number || p->source == number || p->resized == number))
            return false;
    }
    return true;
}

static void resized(struct mutator *m, uint32_t number, void *result, size_t length, unsigned handle)
{
    struct run *r = m->run;
    if (result == NULL) {
        if (eddy_thread_error(m->thread) != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "object %u cannot be resized: %s", number,
                      eddy_status_text(eddy_thread_error(m->thread)));
    } else if (result == model_address(r, number)) {
        model_set_length(r, number, length);
    } else {
        m->pending.resized = 0;
        fuzz_hold(m, handle, model_copied(r, result, number, length));
    }
}

void op_resize(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    unsigned handle = o->a % FUZZ_HANDLES;
    uint32_t number = m->handles[handle];
    struct model_object *c = model_object(r, number);
    size_t length = resized_to[o->b % 16];
    if (number == 0 || (!fuzz_shapes[c->shape].tailed && c->shape != SHAPE_LEAF) || c->permanent || !unused(r, m, number)
        || r->model.count + 1 >= MODEL_OBJECTS || r->model.field_count + c->fields + length >= MODEL_FIELDS)
        return;
    for (uint32_t i = (uint32_t)length; i < c->length; i++) /* those that go are held no longer from here on */
        *model_field(r, number, c->fields - c->length + i) = 0;
    m->pending.resized = number;
    void *result = eddy_resize(m->thread, model_address(r, number),
                               c->shape == SHAPE_LEAF ? 24 + length * (1 + o->b / 16 * 4u) : length);
    resized(m, number, result, c->shape == SHAPE_LEAF ? 0 : length, handle);
    m->pending.resized = 0;
    if (result != NULL)
        r->model.dirty = true;
}

/* ---- forking ---- */

/* The child, in which this thread alone is left: what it reaches lives on through collections, and no count is too low. */
static void child(struct mutator *m)
{
    struct run *r = m->run;
    alarm(CHILD_SECONDS);
    fuzz_where = "in a forked child: ";
    sched_abandon();
    eddy__hook = NULL;
    EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
    EDDY_STORE_RELAXED(&eddy__fail_for_good, 0);
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        if (&r->mutators[i] != m) {
            if (r->mutators[i].pending.kind == PENDING_BULK)
                model_sync_bulk(&r->mutators[i]);
            r->mutators[i].thread = NULL;
            r->mutators[i].pending = (struct pending){.resized = r->mutators[i].pending.resized}; /* for ever */
        }
    for (unsigned i = 0; i < FUZZ_PLACES; i++) /* whoever ran on it is gone, and the fiber with him */
        if (r->model.extras.fibers[i].running)
            r->model.extras.fibers[i] = (struct fiber_place){.fiber = NULL};
    eddy_fork_child(r->heap);
    oracle_sound(r);
    for (unsigned i = 0; i < 2; i++) {
        if (eddy_collect(m->thread, 0, NULL) != EDDY_OK)
            fuzz_fail(OUTCOME_WRONG, "a collection fails");
        oracle_sound(r);
        fuzz_stir(m, 255);
    }
    eddy_verify_report report;
    if (eddy_verify(m->thread, 0, &report) == EDDY_ECORRUPT)
        fuzz_fail(OUTCOME_MISCOUNTED, "verification: %.200s", report.message);
    _exit(0);
}

void op_fork(struct mutator *m, const struct operation *o)
{
    (void)o;
    if (!CAN_FORK || m->run->c->settings.fail_at != 0 || m->run->exclusive != 0)
        return;
    fflush(NULL);
    eddy_fork_prepare(m->run->heap);
    pid_t pid = fork();
    if (pid == 0)
        child(m);
    int status = 0;
    pid_t ended;
    do
        ended = pid > 0 ? waitpid(pid, &status, 0) : pid;
    while (ended < 0 && errno == EINTR);
    if (pid > 0 && WIFSIGNALED(status))
        fuzz_fail(WTERMSIG(status) == SIGALRM ? OUTCOME_HANG : OUTCOME_CRASH, "a forked child: signal %d",
                  WTERMSIG(status));
    if (pid > 0 && WEXITSTATUS(status) != 0)
        fuzz_exit(); /* with what the child has said */
    eddy_fork_parent(m->run->heap);
}

/* ---- limits ---- */

void op_soft_limit(struct mutator *m, const struct operation *o)
{
    if (eddy_heap_set_soft_limit(m->run->heap, (size_t)(o->a % 4u) << 20) != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "a soft limit is refused");
}
