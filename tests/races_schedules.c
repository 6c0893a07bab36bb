/* Random schedules, exactly repeatable: three mutators do random things, stop between any two steps of a store or a
 * promotion, sleep in native regions, come and go, while epochs begin, wait and end, and things happen between
 * any two steps of the collector as well; a quarter of the heaps has conservative roots. After every epoch, and in the middle of many, all that is reachable must be
 * alive; now and then everything comes to rest, counts must be exact, and what is left exactly what is reachable.
 * Each schedule follows from its seed, which a failure prints. EDDY_SEED: the first seed; EDDY_SCHEDULES: how many;
 * EDDY_MUTANT: number of a wrong variant (runtime/heap/mutants.h), to see how soon it is caught. */
#include "tests/lab.h"

#define MUTATORS 3u
#define STEPS 300u
#define STEPS_TO_REST 100u
#define ARRAY_MOST 30u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(EDDY_STRESS)
#define SCHEDULES 100u
#else
#define SCHEDULES 600u
#endif

static uint64_t random_state;
static bool failed;

static unsigned below(unsigned n) /* xorshift; Marsaglia, "Xorshift RNGs", J. Stat. Software 8, 2003 */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 20) % n);
}

static void check(bool condition, const char *what)
{
    if (condition || failed)
        return;
    fprintf(stderr, "failed: %s\n", what);
    failed = true;
}

/* ---- what a mutator does; operands are handles ---- */

static void *handle(const struct actor *a)
{
    return a->roots[below(ROOTS)];
}

static bool is_array(const void *p)
{
    return p != NULL && eddy_object_type(lab.heap, p) == eddy_type_array(lab.heap);
}

/* A reference field of `object`, or NULL. */
static void **field_of(void *object)
{
    if (object == NULL)
        return NULL;
    if (is_array(object)) {
        eddy_array *array = object;
        return &array->slots[below((unsigned)array->length)];
    }
    if (eddy_object_type(lab.heap, object) != lab.node)
        return NULL;
    return (void **)&((struct node *)object)->f[below(FIELDS)];
}

static void **field; /* of the operand `object` of the job in hand, chosen by the conductor */
static unsigned amount;

static void job_store(struct actor *self)
{
    eddy_store(self->t, self->object, field, self->value);
}
static void job_load(struct actor *self)
{
    self->roots[self->index] = eddy_load(self->t, field);
}
static void job_exchange(struct actor *self)
{
    size_t k = self->index;
    self->roots[k] = eddy_exchange(self->t, self->object, field, self->value);
}
static void job_cas(struct actor *self)
{
    eddy_compare_and_swap(self->t, self->object, field, self->roots[self->index], self->value);
}
static void job_load_root(struct actor *self)
{
    self->roots[self->index] = eddy_root_load(self->t, &lab.slots[amount]);
}
static void job_copy(struct actor *self)
{
    eddy_array *to = self->object, *from = self->value;
    size_t n = to->length < from->length ? to->length : from->length;
    eddy_copy_refs(self->t, to, to->slots, from, from->slots + (from->length - n), n);
}
static void job_fill(struct actor *self)
{
    eddy_array *to = self->object;
    eddy_fill_refs(self->t, to, to->slots, self->value, to->length);
}
static void job_reserve(struct actor *self)
{
    eddy_reserve(self->t, 1);
}

static void retain_or_release(struct actor *a)
{
    unsigned i = below(RETAINED);
    if (lab.retained[i] != NULL) {
        a->value = lab.retained[i];
        lab.retained[i] = NULL;
        perform(a, job_release);
    } else {
        a->value = handle(a);
        perform(a, job_retain);
        lab.retained[i] = a->value;
    }
}

/* Stores of one kind or another, which may stop in the middle. */
static void change_field(struct actor *a, job_fn *job)
{
    a->object = handle(a);
    a->value = below(4) == 0 ? NULL : handle(a);
    a->index = below(ROOTS);
    field = field_of(a->object);
    if (field != NULL)
        perform(a, job);
}

static void bulk(struct actor *a)
{
    a->object = handle(a);
    a->value = handle(a);
    if (!is_array(a->object))
        return;
    perform(a, below(2) == 0 && is_array(a->value) ? job_copy : job_fill);
}

static void native_or_detached(struct actor *a, bool may_detach)
{
    if (a->native)
        leave(a);
    else if (a->t == NULL)
        attach(a);
    else if (below(4) == 0 && may_detach)
        detach(a);
    else
        enter(a);
}

static bool can_act(const struct actor *a)
{
    return a->t != NULL && !a->native && !stopped(a);
}

/* A stop in the middle of a job: others may then use `field`, so only jobs that have read it may stop. */
static void change_and_stop(struct actor *a)
{
    static const enum eddy__hook_point points[] = {HOOK_STORE_CHECKED, HOOK_STORE_PUSHED, HOOK_STORE_EXCHANGED,
                                                   HOOK_PROMOTE_READ};
    stop_at(a, points[below(4)]);
    a->object = handle(a);
    a->value = handle(a);
    a->index = below(FIELDS);
    if (a->object != NULL && eddy_object_type(lab.heap, a->object) == lab.node)
        perform(a, job_put);
    if (!stopped(a))
        a->stop_at = -1;
}

/* A new node that refers to what the mutator has: private for a while, and with it what it refers to. */
static void make_linked(struct actor *a)
{
    unsigned k = below(ROOTS);
    struct node *n = make(a, k);
    for (unsigned i = 0; i < FIELDS; i++)
        if (below(2))
            put(a, n, i, handle(a));
    if (below(2))
        hold(a, below(ROOTS), NULL); /* perhaps reachable through the new one only */
}

static void mutate(struct actor *a)
{
    switch (below(28)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: make_linked(a); break;
    case 5: make_array(a, below(ROOTS), 1 + (below(8) == 0 ? 99 : below(ARRAY_MOST))); break;
    case 6:
    case 7:
    case 8:
    case 9: change_field(a, job_store); break;
    case 10: change_field(a, below(2) ? job_exchange : job_cas); break;
    case 11:
    case 12:
    case 13: change_field(a, job_load); break;
    case 14:
    case 15: put_root(a, below(SLOTS), below(2) ? NULL : handle(a)); break;
    case 16:
    case 17:
        a->index = below(ROOTS);
        amount = below(SLOTS);
        perform(a, job_load_root);
        break;
    case 18:
    case 19: hold(a, below(ROOTS), NULL); break;
    case 20: retain_or_release(a); break;
    case 21:
        if (below(3) == 0)
            bump(a, below(SLOTS));
        else
            bulk(a);
        break;
    case 22: perform(a, below(4) ? job_safepoint : job_reserve); break;
    default: change_and_stop(a);
    }
}

/* One step of a random mutator: what it does depends on what it is in the middle of. */
static void step(void)
{
    struct actor *a = &lab.actors[below(MUTATORS)];
    if (stopped(a)) {
        if (below(6) == 0)
            resume(a);
    } else if (!can_act(a) || below(30) == 0) {
        if (can_act(a) || below(5) == 0)
            native_or_detached(a, true);
    } else {
        mutate(a);
    }
}

/* Between two steps of the collector. */
static bool each_point(enum eddy__hook_point point)
{
    (void)point;
    if (failed || below(6) != 0)
        return true;
    if (below(4) == 0)
        check(sound(), "in the middle of an epoch something reachable has been freed");
    for (unsigned i = below(4); i != 0 && !failed; i--)
        step();
    return true;
}

/* ---- epochs ---- */

static bool someone_behind(void)
{
    for (unsigned i = 0; i < MUTATORS; i++)
        if (behind(&lab.actors[i]))
            return true;
    return false;
}

/* Begins an epoch, lets a mutator pass, or ends it when all have passed. */
static void advance_epoch(void)
{
    struct actor *a = &lab.actors[below(MUTATORS)];
    if (!lab.begun) {
        if (below(3) == 0)
            want_cycles();
        epoch_begin();
        check(sound(), "something reachable has been freed");
    } else if (!someone_behind()) {
        check(epoch_end(), "an epoch has not ended");
        check(sound(), "something reachable has been freed");
    } else if (behind(a)) {
        if (stopped(a))
            resume(a);
        else
            handshake(a);
    }
}

static void rest(void)
{
    bool (*each)(enum eddy__hook_point) = lab.each;
    lab.each = NULL;
    for (unsigned i = 0; i < MUTATORS; i++)
        while (stopped(&lab.actors[i]))
            resume(&lab.actors[i]);
    handshakes();
    check(epoch_end(), "an epoch has not ended");
    check(collect_all(), "no end of a collection");
    check(sound(), "after a collection something reachable has been freed");
    check(verified(), "counts differ");
    if (!failed && (lab.heap->flags & EDDY_HEAP_PRECISE_ROOTS) && live_objects() != lab.walked) {
        fprintf(stderr, "%llu objects, %u reachable\n", (unsigned long long)live_objects(), lab.walked);
        check(false, "garbage is left");
    }
    lab.each = each;
}

static void run_schedule(uint64_t seed)
{
    random_state = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    for (unsigned i = 0; i < 10; i++)
        below(2);
    eddy_config config = lab_config();
    config.log_chunk_entries = below(9);
    if (below(4) == 0) /* stale words of stacks keep some garbage then, and are promoted at odd moments */
        config.flags = EDDY_HEAP_MANUAL | (below(2) ? EDDY_HEAP_INTERIOR_POINTERS : 0);
    lab_open_with(&config, MUTATORS);
    eddy__slice_steps = below(3) ? below(6) : 0;
    eddy__portion_roots = below(5);
    lab.each = each_point;
    for (unsigned i = 1; i <= STEPS && !failed; i++) {
        if (below(3) == 0)
            advance_epoch();
        else
            step();
        if (i % STEPS_TO_REST == 0)
            rest();
    }
    lab.each = NULL;
    check(failed || lab_close(), "something is left in the end");
    if (failed)
        fail_msg("repeat with EDDY_SEED=%llu EDDY_SCHEDULES=1", (unsigned long long)seed);
}

static void test_schedules(void **state)
{
    (void)state;
    const char *first = getenv("EDDY_SEED"), *count = getenv("EDDY_SCHEDULES"), *mutant = getenv("EDDY_MUTANT");
    eddy__mutant = mutant != NULL ? atoi(mutant) : MUTANT_NONE;
    uint64_t seed = first != NULL ? strtoull(first, NULL, 0) : 1;
    uint64_t n = count != NULL ? strtoull(count, NULL, 0) : SCHEDULES;
    printf("seeds %llu to %llu\n", (unsigned long long)seed, (unsigned long long)(seed + n - 1));
    for (uint64_t i = 0; i < n; i++)
        run_schedule(seed + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules)};
    return LAB_RUN(tests);
}
