/* Forking while other threads are in the middle of anything: the child finds a heap in which all that it can reach is
 * whole, allocates, collects, verifies, ends its heap; so does a child of that child; the parent goes on.
 *
 * Under the thread sanitizer no thread can be made in the child of a process with several ("starting new threads after
 * multi-threaded fork is not supported"): there, only heaps without a collector thread are forked; and a lock of its own that
 * another thread held stays locked in the child, about once in a hundred runs, so a child that hangs is no failure there:
 * that it does not hang is for the other builds to show. The allocator of the address sanitizer does not survive a fork beside threads that are inside it: there, the others only sleep. */
#include "tests/support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/heap/heap.h"

#if defined(__SANITIZE_THREAD__)
#define NO_THREADS_IN_CHILDREN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_THREADS_IN_CHILDREN 1
#endif
#endif
#ifndef NO_THREADS_IN_CHILDREN
#define NO_THREADS_IN_CHILDREN 0
#endif
#if defined(__SANITIZE_ADDRESS__)
#define NO_FORK_BESIDE_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_FORK_BESIDE_MALLOC 1
#endif
#endif

#define CHILD_SECONDS (NO_THREADS_IN_CHILDREN ? 30u : 100u)
#define SLOTS 32u
#define PLAYERS 3u

struct game {
    struct world w;
    void *slots[SLOTS]; /* global roots */
    uint64_t seed;
    uint32_t stop, playing;
};

/* The number in a node is a hash of its address: a node that was freed and used again would show. */
static uint64_t name_of(const struct node *n)
{
    return ((uintptr_t)n ^ 0x5eed) * 2654435761u;
}

static struct node *named_node(eddy_thread *t, const eddy_type *type)
{
    struct node *n = eddy_alloc(t, type);
    CHECK(n != NULL);
    if (n != NULL)
        n->value = name_of(n);
    return n;
}

/* Whether the first few nodes down from here are what they should be. */
static bool whole(eddy_thread *t, struct node *n)
{
    for (unsigned steps = 0; n != NULL && steps < 200; steps++) {
        struct node *right = EDDY_GET(t, n, right);
        if (n->value != name_of(n) || (right != NULL && right->value != name_of(right)))
            return false;
        n = EDDY_GET(t, n, left);
    }
    return true;
}

/* Keeps lists short, and with them all that is alive. */
static void cut(eddy_thread *t, struct node *n)
{
    for (unsigned steps = 0; n != NULL && steps < 20; steps++)
        n = EDDY_GET(t, n, left);
    if (n != NULL)
        EDDY_SET(t, n, left, NULL);
}

/* One move: new private graphs, published, old ones taken apart, roots retained and released. */
static void move(eddy_thread *t, struct game *g, uint64_t *random, void **roots)
{
    uint64_t what = support_random(random);
    void **from = &g->slots[what % SLOTS], **to = &g->slots[what / SLOTS % SLOTS];
    struct node *old = roots[0] = eddy_root_load(t, from);
    struct node *n = roots[1] = named_node(t, g->w.node);
    if (n == NULL)
        return;
    EDDY_SET(t, n, right, named_node(t, g->w.node));
    if ((what >> 40 & 15) == 0)
        EDDY_SET(t, n->right, left, n);
    unsigned kind = what >> 20 & 7;
    if (kind < 4)
        EDDY_SET(t, n, left, old);
    if (kind == 4 && old != NULL)
        EDDY_SET(t, old, left, n);
    if (kind == 5 && old != NULL)
        EDDY_SET(t, old, right, NULL);
    if (kind == 6) {
        eddy_retain(t, n);
        eddy_release(t, n);
        eddy_alloc_bytes(t, what >> 30 & 15 ? 100 : 20000);
    }
    if (kind == 7)
        eddy_root_store(t, from, NULL);
    eddy_root_store(t, to, n);
    CHECK(whole(t, n));
    cut(t, n);
    roots[0] = roots[1] = NULL;
}

static void *player_main(void *argument)
{
    struct game *g = argument;
    uint64_t random = EDDY_ADD_SEQ_CST(&g->seed, 7777) | 1;
    eddy_thread *t;
    CHECK(eddy_thread_attach(g->w.heap, &t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&g->playing, 1);
    {
        ROOTS_PUSH(t, 2);
        for (unsigned i = 0; EDDY_LOAD_SEQ_CST(&g->stop) == 0; i++) {
            move(t, g, &random, roots);
            if (i % 64 == 0) {
                eddy_native_enter(t);
                eddy_native_leave(t);
            }
            if (i % 1000 == 999) /* garbage must not outrun the collector on a busy machine */
                CHECK(eddy_collect(t, 0, NULL) == EDDY_OK);
        }
        ROOTS_POP(t);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void game_open(struct game *g, unsigned flags, pthread_t *threads)
{
    eddy_config config = support_config(flags);
    *g = (struct game){.w = world_open_with(&config), .seed = support_seed("game")};
    for (unsigned i = 0; i < SLOTS; i++)
        assert_int_equal(eddy_root_add(g->w.t, &g->slots[i]), EDDY_OK);
    for (unsigned i = 0; i < PLAYERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, player_main, g), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&g->playing) == PLAYERS);
}

static void game_close(struct game *g, const pthread_t *threads)
{
    EDDY_STORE_SEQ_CST(&g->stop, 1);
    eddy_native_enter(g->w.t);
    for (unsigned i = 0; i < PLAYERS; i++)
        pthread_join(threads[i], NULL);
    eddy_native_leave(g->w.t);
    assert_checks_passed();
    for (unsigned i = 0; i < SLOTS; i++)
        assert_int_equal(eddy_root_remove(g->w.t, &g->slots[i]), EDDY_OK);
    assert_verifies(&g->w);
    world_close(&g->w);
}

/* ---- in the child ---- */

static void child_verifies(eddy_thread *t)
{
    eddy_verify_report report;
    eddy_status status = eddy_verify(t, 0, &report);
    if (status != EDDY_OK)
        fprintf(stderr, "in the child: %s; %s\n", eddy_status_text(status), report.message);
    CHECK(status == EDDY_OK);
}

static void child_plays(struct game *g, eddy_thread *t, uint64_t seed)
{
    ROOTS_PUSH(t, 2);
    uint64_t random = seed | 1;
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK(whole(t, eddy_root_load(t, &g->slots[i])));
    for (unsigned i = 0; i < SUPPORT_SCALE(4000u, 300u); i++)
        move(t, g, &random, roots);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK(whole(t, eddy_root_load(t, &g->slots[i])));
    CHECK(eddy_collect(t, 0, NULL) == EDDY_OK);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK(whole(t, eddy_root_load(t, &g->slots[i])));
    child_verifies(t);
    ROOTS_POP(t);
}

/* Waits for the child; it must have ended with status 0. */
static void child_ends_well(pid_t child)
{
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (NO_THREADS_IN_CHILDREN && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        fprintf(stderr, "the sanitizer's lock stayed locked in a child\n");
        return;
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static _Noreturn void child_ends(struct game *g, eddy_thread *t)
{
    eddy_thread *other;
    CHECK(eddy_thread_attach(g->w.heap, &other) == EDDY_EBUSY);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK(eddy_root_remove(t, &g->slots[i]) == EDDY_OK);
    CHECK(eddy_collect(t, 0, NULL) == EDDY_OK);
    child_verifies(t);
    CHECK(EDDY_LOAD_RELAXED(&g->w.heap->unswept) <= world_stats(&g->w).committed_bytes); /* else it fell below zero */
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    CHECK(eddy_heap_destroy(g->w.heap) == EDDY_OK);
    _exit(EDDY_LOAD_SEQ_CST(&support_failures) == 0 ? 0 : 1);
}

static void child_begins(const struct game *g, eddy_thread **t)
{
    alarm(CHILD_SECONDS);
    support_failures = 0;
    CHECK(eddy_heap_threads(g->w.heap) == (*t != NULL));
    CHECK(eddy_thread_current(g->w.heap) == *t);
    if (*t == NULL)
        CHECK(eddy_thread_attach(g->w.heap, t) == EDDY_OK);
}

static _Noreturn void child_main(struct game *g, eddy_thread *t, uint64_t seed, bool forks)
{
    child_begins(g, &t);
    child_plays(g, t, seed);
    if (forks) {
        pid_t child = fork();
        if (child == 0) {
            child_begins(g, &t);
            child_plays(g, t, seed + 99);
            child_ends(g, t);
        }
        child_ends_well(child);
        child_plays(g, t, seed + 5);
    }
    child_ends(g, t);
}

/* ---- tests ---- */

static void forks_beside_players(unsigned flags)
{
    struct game g;
    pthread_t threads[PLAYERS];
    game_open(&g, flags | EDDY_HEAP_ATFORK, threads);
    for (unsigned i = 0; i < SUPPORT_SCALE(12u, 3u); i++) {
        fflush(NULL);
        bool native = i % 4 == 3;
        if (native)
            eddy_native_enter(g.w.t);
        pid_t child = fork();
        if (native)
            eddy_native_leave(g.w.t);
        if (child == 0)
            child_main(&g, g.w.t, i + 1, i % 2 == 1);
        eddy_native_enter(g.w.t);
        child_ends_well(child);
        eddy_native_leave(g.w.t);
        if (i % 4 == 0)
            assert_verifies(&g.w);
    }
    game_close(&g, threads);
}

static void test_fork_beside_players(void **state)
{
    (void)state;
#ifdef NO_FORK_BESIDE_MALLOC
    skip();
#endif
    if (NO_THREADS_IN_CHILDREN)
        skip();
    forks_beside_players(EDDY_HEAP_PRECISE_ROOTS);
    forks_beside_players(0);
}

static void test_fork_without_collector_thread(void **state)
{
    (void)state;
#ifdef NO_FORK_BESIDE_MALLOC
    skip();
#endif
    forks_beside_players(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
}

/* The three functions by hand, in a thread that is not attached. */
struct forker {
    struct game *g;
    uint32_t done;
};

static void *forker_main(void *argument)
{
    struct forker *f = argument;
    for (unsigned i = 0; i < SUPPORT_SCALE(6u, 2u); i++) {
        eddy_fork_prepare(f->g->w.heap);
        pid_t child = fork();
        if (child == 0) {
            eddy_fork_child(f->g->w.heap);
            child_main(f->g, NULL, i + 1, false);
        }
        eddy_fork_parent(f->g->w.heap);
        child_ends_well(child);
    }
    EDDY_STORE_SEQ_CST(&f->done, 1);
    return NULL;
}

static void forks_unattached(unsigned flags)
{
    struct game g;
    pthread_t threads[PLAYERS], forkers[2];
    game_open(&g, flags, threads);
    struct forker f[2] = {{.g = &g}, {.g = &g}};
    for (unsigned i = 0; i < 2; i++) /* two at once */
        assert_int_equal(pthread_create(&forkers[i], NULL, forker_main, &f[i]), 0);
    while (EDDY_LOAD_SEQ_CST(&f[0].done) == 0 || EDDY_LOAD_SEQ_CST(&f[1].done) == 0)
        assert_int_equal(eddy_collect(g.w.t, 0, NULL), EDDY_OK);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(forkers[i], NULL);
    game_close(&g, threads);
}

static void test_fork_by_hand_unattached(void **state)
{
    (void)state;
#ifdef NO_FORK_BESIDE_MALLOC
    skip();
#endif
    forks_unattached(EDDY_HEAP_PRECISE_ROOTS | (NO_THREADS_IN_CHILDREN ? EDDY_HEAP_MANUAL : 0));
}

/* A thread that slept in a native region at the fork, and one that had ended: their objects are gone in the child,
 * what they had published is not; the parent's are as they were. */
struct sleeper {
    struct world *w;
    void *slot, *pinned;
    uint32_t stage;
};

static void *sleeper_main(void *argument)
{
    struct sleeper *s = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(s->w->heap, &t) == EDDY_OK);
    ROOTS_PUSH(t, 1);
    for (unsigned i = 0; i < 1000; i++) {
        struct node *n = named_node(t, s->w->node);
        EDDY_SET(t, n, left, roots[0]);
        roots[0] = n;
    }
    eddy_root_store(t, &s->slot, named_node(t, s->w->node));
    EDDY_SET(t, (struct node *)eddy_root_load(t, &s->slot), left, named_node(t, s->w->node));
    void *inner[1] = {named_node(t, s->w->node)}, *words[1]; /* a frame above the first, a range, a pin */
    eddy_frame frame;
    eddy_frame_push(t, &frame, inner, 1);
    CHECK(eddy_root_range_add(t, words, words + 1) == EDDY_OK);
    words[0] = named_node(t, s->w->node);
    s->pinned = named_node(t, s->w->node);
    eddy_pin(t, s->pinned);
    eddy_native_enter(t);
    EDDY_STORE_SEQ_CST(&s->stage, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s->stage) == 2);
    eddy_native_leave(t);
    CHECK(whole(t, roots[0]) && whole(t, inner[0]) && whole(t, words[0]));
    eddy_frame_pop(t, &frame);
    ROOTS_POP(t);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_what_sleepers_leave(void **state)
{
    (void)state;
    for (unsigned epochs = 0; epochs < 4; epochs++) {
        struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL | EDDY_HEAP_ATFORK);
        struct sleeper s = {.w = &w};
        assert_int_equal(eddy_root_add(w.t, &s.slot), EDDY_OK);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, sleeper_main, &s), 0);
        WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s.stage) == 1);
        ROOTS_PUSH(w.t, 1);
        struct node *own = roots[0] = node_new(&w);
        EDDY_SET(w.t, own, left, node_new(&w));
        world_step(&w, epochs);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            alarm(CHILD_SECONDS);
            support_failures = 0;
            EDDY_SET(w.t, own, right, node_new(&w));
            CHECK(eddy_collect(w.t, 0, NULL) == EDDY_OK);
            CHECK(world_stats(&w).live_objects == 6); /* nobody was in the middle of anything: exactly */
            CHECK(world_stats(&w).pinned_objects == 1);
            CHECK(whole(w.t, s.slot) && whole(w.t, s.pinned));
            eddy_unpin(w.t, s.pinned);
            CHECK(eddy_collect(w.t, 0, NULL) == EDDY_OK);
            CHECK(world_stats(&w).live_objects == 5);
            child_verifies(w.t);
            _exit(support_failures == 0 ? 0 : 1);
        }
        child_ends_well(child);
        assert_int_equal(live_after_collect(&w), 1007);
        EDDY_STORE_SEQ_CST(&s.stage, 2);
        eddy_native_enter(w.t);
        pthread_join(thread, NULL);
        eddy_native_leave(w.t);
        assert_checks_passed();
        eddy_unpin(w.t, s.pinned);
        assert_int_equal(live_after_collect(&w), 4);
        ROOTS_POP(w.t);
        assert_int_equal(eddy_root_remove(w.t, &s.slot), EDDY_OK);
        assert_verifies(&w);
        world_close(&w);
    }
}

/* A child that only reads permanent objects gets no collector thread, one that stores does. */
static void test_thread_on_demand(void **state)
{
    (void)state;
    if (NO_THREADS_IN_CHILDREN)
        skip();
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_ATFORK);
    ROOTS_PUSH(w.t, 1);
    roots[0] = node_new(&w);
    assert_int_equal(eddy_heap_freeze(w.t), EDDY_OK);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS);
        support_failures = 0;
        for (unsigned i = 0; i < 1000; i++) {
            CHECK(((struct node *)roots[0])->left == NULL);
            eddy_safepoint(w.t);
        }
        uint64_t epochs = world_stats(&w).epochs;
#ifndef EDDY_STRESS /* where every safepoint asks for an epoch */
        CHECK(world_stats(&w).collector_cpu_ns == 0);
#endif
        CHECK(eddy_collect(w.t, 0, NULL) == EDDY_OK);
        CHECK(world_stats(&w).epochs > epochs && world_stats(&w).collector_cpu_ns != 0);
        for (unsigned i = 0; i < SUPPORT_SCALE(2000000u, 20000u); i++) /* much more than what fits into one epoch */
            node_new(&w);
        CHECK(world_stats(&w).live_objects == 1);
        _exit(support_failures == 0 ? 0 : 1);
    }
    child_ends_well(child);
    assert_checks_passed();
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_sleepers_leave),           cmocka_unit_test(test_thread_on_demand),
        cmocka_unit_test(test_fork_without_collector_thread), cmocka_unit_test(test_fork_beside_players),
        cmocka_unit_test(test_fork_by_hand_unattached),
    };
    return RUN_TESTS("fork", tests);
}
