/* Fibers: what suspended stacks and frames hold, what a suspension costs the collector, fibers that go from thread to
 * thread, misuse. Under ThreadSanitizer, which is told of the switches, each is also a synchronisation. */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/coroutine.h"

#include "runtime/heap/fiber.h"

#define FIBERS 40

static struct coroutine *coroutines_open(const struct world *w, size_t n, void (*body)(struct coroutine *self))
{
    struct coroutine *all = calloc(n, sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < n; i++)
        coroutine_open(w, &all[i], body, i);
    return all;
}

static void coroutines_close(const struct world *w, struct coroutine *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        coroutine_close(w, &all[i]);
    free(all);
}

/* ---- what they hold ---- */

#define LIST 20

static struct node *list_new(const struct world *w, uint64_t number)
{
    struct node *list = NULL;
    for (uint64_t i = 0; i < LIST; i++) {
        struct node *n = node_new(w);
        n->value = number * 1000 + i;
        EDDY_SET(w->t, n, left, list);
        list = n;
    }
    return list;
}

static void check_list(const struct node *list, uint64_t number)
{
    for (uint64_t i = LIST; i-- > 0; list = list->left)
        CHECK(list != NULL && list->value == number * 1000 + i);
    CHECK(list == NULL);
}

/* A list that only this stack holds, through several suspensions; deeper in calls each time. */
__attribute__((noinline)) static void on_the_stack(struct coroutine *self, unsigned depth)
{
    struct node *list = list_new(&self->w, self->number + depth);
    coroutine_yield(self);
    check_list(list, self->number + depth);
    if (depth != 0)
        on_the_stack(self, depth - 1);
    check_list(list, self->number + depth);
    eddy_keep_alive(list);
}

static void stack_body(struct coroutine *self)
{
    on_the_stack(self, 4);
}

/* The same in frames of handles. */
static void in_frames(struct coroutine *self, unsigned depth)
{
    ROOTS_PUSH(self->w.t, 2);
    for (unsigned i = 0; i < LIST; i++) {
        struct node *n = node_new(&self->w);
        n->value = (self->number + depth) * 1000 + i;
        EDDY_SET(self->w.t, n, left, roots[1]);
        roots[1] = n;
    }
    coroutine_yield(self);
    check_list(roots[1], self->number + depth);
    if (depth != 0)
        in_frames(self, depth - 1);
    check_list(roots[1], self->number + depth);
    ROOTS_POP(self->w.t);
}

static void frames_body(struct coroutine *self)
{
    in_frames(self, 4);
}

static void hold_while_suspended(unsigned flags, void (*body)(struct coroutine *self))
{
    struct world w = world_open(flags);
    struct coroutine *all = coroutines_open(&w, FIBERS, body);
    uint64_t expected = 0;
    for (unsigned round = 0; round < 6; round++) {
        for (size_t i = 0; i < FIBERS; i++) {
            coroutine_resume(&w, &all[i]);
            assert_int_equal(all[i].ended, round == 5);
            if (i % 8 == 7)
                eddy_collect_hint(w.heap);
        }
        expected += round < 5 ? FIBERS * LIST : 0;
        if (round < 5)
            assert_true(live_after_collect(&w) >= expected);
        if (round < 5 && (flags & EDDY_HEAP_PRECISE_ROOTS))
            assert_int_equal(world_stats(&w).live_objects, expected);
        assert_verifies(&w);
        assert_null(eddy_fiber_current(w.t));
    }
    assert_checks_passed();
    coroutines_close(&w, all, FIBERS);
    if (flags & EDDY_HEAP_PRECISE_ROOTS)
        assert_int_equal(live_after_collect(&w), 0);
    else
        assert_true(live_after_collect(&w) < expected / 4);
    assert_null(EDDY_LOAD_ACQUIRE(&w.heap->fibers) == NULL ? NULL : EDDY_LOAD_ACQUIRE(&w.heap->fibers)->next); /* the own one */
    world_close(&w);
}

static void test_suspended_stacks_hold(void **state)
{
    (void)state;
    hold_while_suspended(0, stack_body);
}

static void test_suspended_frames_hold(void **state)
{
    (void)state;
    hold_while_suspended(EDDY_HEAP_PRECISE_ROOTS, frames_body);
    hold_while_suspended(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL, frames_body);
}

/* The stack that the thread began on is a root while a fiber runs. */
static void collect_body(struct coroutine *self)
{
    for (int i = 0; i < 3; i++) {
        CHECK(eddy_collect(self->w.t, 0, NULL) == EDDY_OK);
        coroutine_yield(self);
    }
}

static void test_the_stack_left_behind_holds(void **state)
{
    (void)state;
    struct world w = world_open(0);
    struct coroutine *all = coroutines_open(&w, 1, collect_body);
    for (int i = 0; i < 3; i++) {
        struct node *list = list_new(&w, 77);
        coroutine_resume(&w, all);
        check_list(list, 77);
        eddy_keep_alive(list);
    }
    assert_checks_passed();
    coroutines_close(&w, all, 1);
    world_close(&w);
    w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    all = coroutines_open(&w, 1, collect_body);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    n->value = 5;
    for (int i = 0; i < 3; i++) {
        coroutine_resume(&w, all);
        assert_int_equal(world_stats(&w).live_objects, 1);
        assert_int_equal(n->value, 5);
    }
    ROOTS_POP(w.t);
    assert_checks_passed();
    coroutines_close(&w, all, 1);
    world_close(&w);
}

/* ---- cost ---- */

static void test_a_suspended_fiber_is_looked_at_once(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct coroutine *all = coroutines_open(&w, FIBERS, stack_body);
    for (size_t i = 0; i < FIBERS; i++)
        coroutine_resume(&w, &all[i]);
    world_step(&w, 1);
    uint64_t accepted = world_stats(&w).roots_accepted;
    assert_true(accepted >= FIBERS);
    world_step(&w, 10);
    assert_true(world_stats(&w).roots_accepted - accepted < FIBERS); /* of the stack in use, ten times */
    coroutine_resume(&w, &all[3]);
    assert_int_equal(all[3].fiber->counted, w.heap->processed - 10);
    world_step(&w, 1);
    assert_int_equal(all[3].fiber->counted, w.heap->processed);
    assert_int_equal(all[4].fiber->counted, w.heap->processed - 11);
    for (size_t i = 0; i < FIBERS; i++)
        while (!all[i].ended)
            coroutine_resume(&w, &all[i]);
    assert_checks_passed();
    coroutines_close(&w, all, FIBERS);
    world_close(&w);
}

/* ---- fibers of threads ---- */

static void list_only_body(struct coroutine *self)
{
    struct node *list = list_new(&self->w, self->number);
    coroutine_yield(self);
    check_list(list, self->number);
    eddy_keep_alive(list);
}

struct pool {
    struct world w;
    pthread_mutex_t lock;
    struct coroutine *all;
    struct coroutine **queue; /* on offer */
    size_t count, left;
};

static struct coroutine *pool_take(struct pool *pool, uint64_t random)
{
    pthread_mutex_lock(&pool->lock);
    struct coroutine *c = NULL;
    if (pool->count != 0) {
        size_t at = random % pool->count;
        c = pool->queue[at];
        pool->queue[at] = pool->queue[--pool->count];
    }
    pthread_mutex_unlock(&pool->lock);
    return c;
}

static void pool_put(struct pool *pool, struct coroutine *c)
{
    pthread_mutex_lock(&pool->lock);
    pool->queue[pool->count++] = c;
    pthread_mutex_unlock(&pool->lock);
}

static bool pool_done(struct pool *pool, size_t ended)
{
    pthread_mutex_lock(&pool->lock);
    pool->left -= ended;
    bool done = pool->left == 0;
    pthread_mutex_unlock(&pool->lock);
    return done;
}

static void *pool_thread(void *argument)
{
    struct pool *pool = argument;
    struct world mine = pool->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    uint64_t random = (uint64_t)(uintptr_t)&mine | 1;
    for (size_t ended = 0; !pool_done(pool, ended);) {
        struct coroutine *c = pool_take(pool, support_random(&random));
        ended = 0;
        eddy_safepoint(mine.t);
        if (c == NULL) {
            support_nap();
            continue;
        }
        for (uint64_t times = support_random(&random) % 3 + 1; times > 0 && !c->ended; times--)
            coroutine_resume(&mine, c);
        if (c->ended) {
            coroutine_close(&mine, c);
            ended = 1;
            continue;
        }
        CHECK(eddy_fiber_offer(mine.t, c->fiber) == EDDY_OK);
        pool_put(pool, c);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void run_pool(unsigned flags, size_t fibers, void (*body)(struct coroutine *self))
{
    eddy_config config = support_config(flags);
    config.epoch_bytes = config.epoch_bytes_max = 64 << 10;
    struct pool pool = {.w = world_open_with(&config), .lock = PTHREAD_MUTEX_INITIALIZER, .left = fibers};
    pool.all = coroutines_open(&pool.w, fibers, body);
    pool.queue = calloc(fibers, sizeof *pool.queue);
    for (size_t i = 0; i < fibers; i++) {
        assert_int_equal(eddy_fiber_offer(pool.w.t, pool.all[i].fiber), EDDY_OK);
        pool.queue[pool.count++] = &pool.all[i];
    }
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, pool_thread, &pool), 0);
    eddy_native_enter(pool.w.t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(pool.w.t);
    assert_checks_passed();
    assert_verifies(&pool.w);
    if (flags & EDDY_HEAP_PRECISE_ROOTS)
        assert_int_equal(live_after_collect(&pool.w), 0);
    free(pool.all);
    free(pool.queue);
    world_close(&pool.w);
}

/* Lists are built, handed from frame to frame and stored into, between suspensions. */
static void busy_body(struct coroutine *self)
{
    ROOTS_PUSH(self->w.t, 3);
    for (uint64_t round = 0; round < SUPPORT_SCALE(60, 12); round++) {
        struct node *list = NULL;
        for (uint64_t i = 0; i < LIST; i++) {
            struct node *n = node_new(&self->w);
            n->value = (self->number + round) * 1000 + i;
            EDDY_SET(self->w.t, n, left, list);
            roots[0] = list = n;
            if (i % 7 == 6) {
                coroutine_yield(self);
                EDDY_SET(self->w.t, list, right, list); /* it has been seen by another thread, perhaps */
            }
        }
        check_list(roots[0], self->number + round);
        if (round != 0)
            check_list(roots[1], self->number + round - 1);
        roots[1] = roots[0];
        roots[0] = NULL;
        eddy_keep_alive(list);
    }
    ROOTS_POP(self->w.t);
}

static void test_fibers_go_from_thread_to_thread(void **state)
{
    (void)state;
    run_pool(EDDY_HEAP_PRECISE_ROOTS, FIBERS, busy_body);
    run_pool(0, FIBERS, busy_body);
    run_pool(0, FIBERS, stack_body);
}

static void *leaver_main(void *argument)
{
    struct coroutine *all = argument;
    struct world mine = all[0].w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    for (size_t i = 0; i < 4; i++) {
        coroutine_open(&mine, &all[i], list_only_body, i);
        coroutine_resume(&mine, &all[i]);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_EBUSY);
    return NULL;
}

static void test_a_thread_that_ends_leaves_its_fibers_on_offer(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= EDDY_HEAP_MANUAL; flags += EDDY_HEAP_MANUAL) {
        struct world w = world_open(flags);
        struct coroutine *all = calloc(4, sizeof *all);
        all[0].w = w;
        pthread_t id;
        assert_int_equal(pthread_create(&id, NULL, leaver_main, all), 0);
        eddy_native_enter(w.t);
        pthread_join(id, NULL);
        eddy_native_leave(w.t);
        assert_int_equal(eddy_heap_threads(w.heap), 1);
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        for (size_t i = 0; i < 4; i++) {
            coroutine_resume(&w, &all[i]);
            assert_true(all[i].ended);
        }
        assert_checks_passed();
        assert_verifies(&w);
        coroutines_close(&w, all, 4);
        world_close(&w);
    }
}

/* ---- misuse ---- */

static void *other_main(void *argument)
{
    struct coroutine *c = argument;
    struct world mine = c->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    CHECK(eddy_fiber_switch(mine.t, c->fiber) == EDDY_EBUSY);
    CHECK(eddy_fiber_offer(mine.t, c->fiber) == EDDY_EBUSY);
    CHECK(eddy_fiber_drop(mine.t, c->fiber) == EDDY_EBUSY);
    CHECK(eddy_fiber_switch(c->w.t, NULL) == EDDY_ETHREAD);
    eddy_fiber *none;
    CHECK(eddy_fiber_create(c->w.t, c->stack, STACK_BYTES, &none) == EDDY_ETHREAD && none == NULL);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void running_body(struct coroutine *self)
{
    eddy_thread *t = self->w.t;
    CHECK(eddy_fiber_current(t) == self->fiber);
    CHECK(eddy_fiber_switch(t, self->fiber) == EDDY_EINVAL);
    CHECK(eddy_fiber_offer(t, self->fiber) == EDDY_EBUSY);
    CHECK(eddy_fiber_drop(t, self->fiber) == EDDY_EBUSY);
    CHECK(eddy_thread_detach(t) == EDDY_EBUSY);
    eddy_native_enter(t);
    CHECK(eddy_fiber_switch(t, NULL) == EDDY_EBUSY);
    eddy_native_leave(t);
}

static void test_errors(void **state)
{
    (void)state;
    struct world w = world_open(0), precise = world_open(EDDY_HEAP_PRECISE_ROOTS);
    eddy_fiber *f;
    assert_int_equal(eddy_fiber_create(w.t, NULL, 0, &f), EDDY_EINVAL);
    assert_int_equal(eddy_fiber_create(w.t, &f, 0, &f), EDDY_EINVAL);
    assert_null(f);
    assert_int_equal(eddy_fiber_create(precise.t, NULL, 0, &f), EDDY_OK);
    assert_int_equal(eddy_fiber_switch(w.t, f), EDDY_EINVAL);
    assert_int_equal(eddy_thread_detach(precise.t), EDDY_EBUSY);
    assert_int_equal(eddy_fiber_switch(precise.t, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_fiber_offer(precise.t, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_fiber_drop(precise.t, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_fiber_drop(precise.t, f), EDDY_OK);
    world_close(&precise);

    struct coroutine *all = coroutines_open(&w, 1, running_body);
    all->w = w;
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, other_main, all), 0);
    eddy_native_enter(w.t);
    pthread_join(id, NULL);
    eddy_native_leave(w.t);
    coroutine_resume(&w, all);
    assert_checks_passed();

    coroutines_close(&w, all, 1);
    world_close(&w);
}

#define NOTICED 42

static void notice(const char *function, const char *what)
{
    (void)function;
    _exit(strstr(what, "not on the stack") != NULL ? NOTICED : 1);
}

/* In a child process, as there is no way on. */
static void test_a_switch_that_was_said_and_not_done_is_noticed(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct coroutine *all = coroutines_open(&w, 1, running_body);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        eddy_set_misuse_handler(notice);
        eddy_fiber_switch(w.t, all->fiber);
        eddy_native_enter(w.t);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), NOTICED);
    coroutines_close(&w, all, 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suspended_stacks_hold),
        cmocka_unit_test(test_suspended_frames_hold),
        cmocka_unit_test(test_the_stack_left_behind_holds),
        cmocka_unit_test(test_a_suspended_fiber_is_looked_at_once),
        cmocka_unit_test(test_fibers_go_from_thread_to_thread),
        cmocka_unit_test(test_a_thread_that_ends_leaves_its_fibers_on_offer),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_a_switch_that_was_said_and_not_done_is_noticed),
    };
    return RUN_TESTS("fibers", tests);
}
