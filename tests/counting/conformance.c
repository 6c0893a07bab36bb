/* What every strategy of counting must do, whatever it costs: nothing leaks, nothing is freed early, on many threads.
 *
 * Compiled once per strategy, with checks: memory of the dead is overwritten, and every retain and release looks whether its
 * object lives. Each test runs on a thread of its own that has ended when the living are counted, so that nothing is left on
 * its stack. */
#include "object.h"

#include "tests/support.h"

enum { THREADS = 4, SLOTS = LAB_MIDDLE };

/* ---- frame ---- */

typedef void body_fn(struct lab_thread *t);

static void *run_body(void *argument)
{
    struct lab_thread *t = lab_attach(0);
    (*(body_fn **)argument)(t);
    lab_detach(t);
    return NULL;
}

/* What is permanent is alive for ever. */
static void forget_living(void)
{
#ifndef COUNT_EDDY
    EDDY_STORE_RELAXED(&cells_live, 0);
#endif
}

/* Runs a test; afterwards `left` objects are alive. */
static void run(body_fn *body, int64_t left)
{
    pthread_t director;
    lab_open();
    assert_int_equal(pthread_create(&director, NULL, run_body, &body), 0);
    assert_int_equal(pthread_join(director, NULL), 0);
    assert_int_equal(lab_live(left), left);
    lab_close();
    assert_checks_passed();
    forget_living();
}

struct worker {
    pthread_t thread;
    unsigned index;
    struct object *array;
    pthread_barrier_t *barrier;
    void (*work)(struct lab_thread *t, struct worker *w);
};

static void *run_worker(void *argument)
{
    struct worker *w = argument;
    struct lab_thread *t = lab_attach(w->index + 1);
    w->work(t, w);
    lab_detach(t);
    return NULL;
}

/* Runs `work` on so many threads beside the director, who holds the array meanwhile. */
COUNT_UNUSED static void run_workers(struct lab_thread *t, unsigned count, struct object *array,
                                     void (*work)(struct lab_thread *t, struct worker *w))
{
    struct worker workers[THREADS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, count);
    lab_block(t);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.index = i, .array = array, .barrier = &barrier, .work = work};
        CHECK(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) == 0);
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    lab_unblock(t);
    pthread_barrier_destroy(&barrier);
}

COUNT_UNUSED static void wait_for_others(struct lab_thread *t, struct worker *w)
{
    lab_block(t);
    pthread_barrier_wait(w->barrier);
    lab_unblock(t);
}

/* ---- one thread ---- */

static void counts_one_object(struct lab_thread *t)
{
    struct object *o = lab_new_int(t, 42);
    for (int i = 0; i < 1000; i++)
        lab_retain(t, o);
    for (int i = 0; i < 1000; i++)
        lab_release(t, o);
    CHECK(lab_int(o) == 42);
    struct object *array = lab_new_array(t, 2);
    lab_retain(t, o);
    lab_init(t, array, 0, o);
    lab_retain(t, o);
    lab_init(t, array, 1, o);
    lab_release(t, o);
    lab_set(t, array, 0, NULL); /* the other slot still has it */
    CHECK(lab_int(lab_get(t, array, 1)) == 42);
    lab_set(t, array, 1, lab_new_int(t, 43));
    CHECK(lab_int(lab_get(t, array, 1)) == 43);
    lab_release(t, array);
}

static void frees_long_lists(struct lab_thread *t)
{
    enum { LENGTH = 200000 };
    struct object *head = lab_new_array(t, 2);
    for (int i = 0; i < SUPPORT_SCALE(LENGTH, LENGTH / 20); i++) {
        struct object *next = lab_new_array(t, 2);
        lab_init(t, next, (uint32_t)i % 2, head);
        head = next;
        lab_poll(t);
    }
    lab_release(t, head);
}

/* Random stores between arrays, each of which refers to older ones only. */
static void frees_graphs(struct lab_thread *t)
{
    uint64_t seed = support_seed("graphs");
    struct object *table = lab_new_array(t, SLOTS);
    lab_hold(t, table);
    for (int i = 0; i < SUPPORT_SCALE(200000, 30000); i++) {
        uint32_t at = (uint32_t)(lab_random(&seed) % SLOTS);
        struct object *array = lab_new_array(t, 4);
        for (uint32_t k = 0; k < 4; k++) {
            struct object *older = lab_get(t, table, (uint32_t)(lab_random(&seed) % SLOTS));
            if (older == NULL || lab_random(&seed) % 8 != 0)
                older = lab_new_int(t, i);
            else
                lab_retain(t, older);
            lab_init(t, array, k, older);
        }
        lab_set(t, table, at, array);
        lab_poll(t);
    }
    lab_unhold(t, table);
}

static void test_counts(void **state)
{
    (void)state;
    run(counts_one_object, 0);
}

static void test_long_lists(void **state)
{
    (void)state;
    run(frees_long_lists, 0);
}

static void test_graphs(void **state)
{
    (void)state;
    run(frees_graphs, 0);
}

/* ---- many threads ---- */

#define VALUE 7000

/* Objects of the shared array: numbers, and arrays of such objects. */
COUNT_UNUSED static void look_at(struct lab_thread *t, const struct object *o)
{
    if (o->kind == LAB_INT) {
        CHECK(lab_int(o) >= VALUE);
        return;
    }
    CHECK(o->kind == LAB_ARRAY && o->length == 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct object *inner = lab_get(t, o, i);
        CHECK(inner->kind == LAB_INT ? lab_int(inner) >= VALUE : inner->kind == LAB_ARRAY);
    }
}

#if COUNT_MANY_THREADS
/* Takes references out of the array, keeps some for a while, puts others in. */
static void work_on_shared(struct lab_thread *t, struct worker *w)
{
    enum { KEPT = 16 };
    struct object *kept[KEPT] = {NULL};
    uint64_t seed = support_seed("sharing") + 2 * w->index;
    for (int i = 0; i < SUPPORT_SCALE(60000, 15000); i++) {
        uint32_t at = (uint32_t)(lab_random(&seed) % SLOTS), mine = (uint32_t)(lab_random(&seed) % KEPT);
        struct object *o = lab_get_shared(t, w->array, at);
        if (o != NULL)
            look_at(t, o);
        switch (lab_random(&seed) % 4) {
        case 0: /* replaces it by a new number */ lab_set_shared(t, w->array, at, lab_new_int(t, VALUE + i)); break;
        case 1: /* or by an array that refers to it and to one that was kept */
            if (o != NULL && kept[mine] != NULL && lab_random(&seed) % 4 == 0) {
                struct object *pair = lab_new_array(t, 2);
                lab_init(t, pair, 0, o);
                lab_init(t, pair, 1, kept[mine]);
                kept[mine] = o = NULL;
                lab_set_shared(t, w->array, at, pair);
            }
            break;
        case 2: /* keeps it */
            if (kept[mine] != NULL)
                lab_release(t, kept[mine]);
            kept[mine] = o;
            o = NULL;
            break;
        default: /* puts another one there */
            if (kept[mine] != NULL) {
                look_at(t, kept[mine]);
                lab_retain(t, kept[mine]);
                lab_set_shared(t, w->array, at, kept[mine]);
            }
        }
        if (o != NULL)
            lab_release(t, o);
        lab_poll(t);
    }
    for (int i = 0; i < KEPT; i++)
        if (kept[i] != NULL)
            lab_release(t, kept[i]);
}

static void shares(struct lab_thread *t)
{
    struct object *array = lab_new_array(t, SLOTS);
    lab_hold(t, array);
    run_workers(t, THREADS, array, work_on_shared);
    for (uint32_t i = 0; i < SLOTS; i++)
        lab_set_shared(t, array, i, NULL);
    lab_unhold(t, array);
}

/* Every thread makes objects; half of the threads end; the others release what those made. */
static void make_and_leave(struct lab_thread *t, struct worker *w)
{
    for (uint32_t i = w->index; i < LAB_LARGE; i += THREADS) {
        struct object *array = lab_new_array(t, 1);
        lab_init(t, array, 0, lab_new_int(t, VALUE + i));
        lab_set_shared(t, w->array, i, array);
    }
    wait_for_others(t, w);
    if (w->index % 2 == 0)
        return;
    for (uint32_t i = w->index - 1; i < LAB_LARGE; i += i % 2 == 0 ? 1 : THREADS - 1) {
        struct object *o = lab_get_shared(t, w->array, i);
        lab_set_shared(t, w->array, i, NULL);
        CHECK(lab_int(lab_get(t, o, 0)) == (int64_t)(VALUE + i));
        lab_release(t, o);
        lab_poll(t);
    }
}

static void outlives_its_maker(struct lab_thread *t)
{
    struct object *array = lab_new_array(t, LAB_LARGE);
    lab_hold(t, array);
    run_workers(t, THREADS, array, make_and_leave);
    lab_unhold(t, array);
}

/* All threads retain and release one object, and the last reference is given back by any of them. */
static void fight_for_one(struct lab_thread *t, struct worker *w)
{
    for (int round = 0; round < SUPPORT_SCALE(400, 50); round++) {
        if (w->index == 0)
            lab_set_shared(t, w->array, 0, lab_new_int(t, VALUE));
        wait_for_others(t, w);
        struct object *o = lab_get_shared(t, w->array, 0);
        wait_for_others(t, w);
        if (w->index == 1)
            lab_set_shared(t, w->array, 0, NULL);
        CHECK(lab_int(o) == VALUE);
        for (int i = 0; i < 300; i++) {
            lab_retain(t, o);
            lab_retain(t, o);
            lab_release(t, o);
            lab_release(t, o);
        }
        lab_release(t, o);
        lab_poll(t);
        wait_for_others(t, w);
    }
}

static void dies_once(struct lab_thread *t)
{
    struct object *array = lab_new_array(t, 1);
    lab_hold(t, array);
    run_workers(t, THREADS, array, fight_for_one);
    lab_unhold(t, array);
}

static void test_sharing(void **state)
{
    (void)state;
    run(shares, 0);
}

static void test_ended_makers(void **state)
{
    (void)state;
    run(outlives_its_maker, 0);
}

static void test_last_release(void **state)
{
    (void)state;
    run(dies_once, 0);
}
#endif

/* ---- permanent objects ---- */

#if COUNT_PERMANENT
/* Releases more often than it retains, which a permanent object does not notice. */
static void release_too_often(struct lab_thread *t, struct worker *w)
{
    for (int i = 0; i < 1000; i++) {
        lab_retain(t, w->array);
        lab_release(t, w->array);
#ifndef COUNT_EDDY
        lab_release(t, w->array);
#endif
        CHECK(lab_int(lab_get(t, w->array, 0)) == VALUE);
        lab_poll(t);
    }
}

static struct object *volatile permanent; /* where leak checkers find it */

static void keeps_permanent(struct lab_thread *t)
{
    struct object *array = permanent = lab_new_array(t, 1);
    lab_init(t, array, 0, lab_new_int(t, VALUE));
    lab_permanent(t, array);
#ifdef COUNT_PERMANENT_BIT
    struct count_header before = array->header;
#endif
    run_workers(t, COUNT_MANY_THREADS ? THREADS : 1, array, release_too_often);
#ifdef COUNT_PERMANENT_BIT
    CHECK(memcmp(&before, &array->header, sizeof before) == 0); /* nobody has written */
#endif
}

static void test_permanent(void **state)
{
    (void)state;
    run(keeps_permanent, 2);
}
#endif

/* ---- the global lock ---- */

#ifdef COUNT_GIL_H
static int64_t progress[THREADS]; /* written by each thread, under the lock */
static uint64_t switches_of_all;  /* likewise */

/* Runs until every other thread has run meanwhile: only if they are given the lock. */
static void take_turns(struct lab_thread *t, struct worker *w)
{
    wait_for_others(t, w);
    for (bool all = false; !all; lab_poll(t)) {
        progress[w->index]++;
        all = true;
        for (int i = 0; i < THREADS; i++)
            all = all && progress[i] > 1000;
    }
    switches_of_all += t->own.switches;
}

static void switches(struct lab_thread *t)
{
    run_workers(t, THREADS, NULL, take_turns);
    CHECK(switches_of_all >= THREADS - 1); /* the last one need not let go */
}

static void test_switching(void **state)
{
    (void)state;
    run(switches, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_graphs),
#if COUNT_MANY_THREADS
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_ended_makers),
        cmocka_unit_test(test_last_release),
#endif
#if COUNT_PERMANENT
        cmocka_unit_test(test_permanent),
#endif
#ifdef COUNT_GIL_H
        cmocka_unit_test(test_switching),
#endif
    };
    return RUN_TESTS("counting", tests);
}
