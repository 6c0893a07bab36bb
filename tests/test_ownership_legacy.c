/* Foreign code under the legacy lock: one thread at a time, no preemption, windows, marked objects; forks. */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rights.h"

#define THREADS 4
#define ROUNDS SUPPORT_SCALE(600, 60)

/* ---- foreign code: knows nothing of Eddy, and keeps what it was handed ---- */

static uint32_t inside;
static struct account *kept;

static void foreign_keep(struct account *a)
{
    CHECK(EDDY_ADD_SEQ_CST(&inside, 1) == 0);
    kept = a;
    EDDY_ADD_SEQ_CST(&inside, -1);
}

static void foreign_add(void)
{
    CHECK(EDDY_ADD_SEQ_CST(&inside, 1) == 0);
    if (kept != NULL) {
        CHECK(kept->balance == kept->mirror);
        kept->balance++;
        for (volatile int i = 0; i < 50; i++) {
        }
        kept->mirror++;
    }
    EDDY_ADD_SEQ_CST(&inside, -1);
}

/* ---- threads ---- */

static void *foreign_main(void *argument)
{
    const struct rights_world *w = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(w->heap, &t) == EDDY_OK);
    for (int i = 0; i < ROUNDS; i++) {
        eddy_legacy_enter(t);
        foreign_add();
        if (i == ROUNDS / 4) {
            eddy_legacy_hand(t, account_at(t, 0));
            foreign_keep(account_at(t, 0));
        }
        eddy_safepoint(t);
        foreign_add();
        if (i % 8 == 0) {
            unsigned window = eddy_legacy_window_open(t);
            support_nap();
            eddy_legacy_window_close(t, window);
            foreign_add();
        }
        eddy_legacy_leave(t);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

/* Managed code, which asks. */
static void *managed_main(void *argument)
{
    const struct rights_world *w = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(w->heap, &t) == EDDY_OK);
    for (int i = 0; i < 4 * ROUNDS; i++) {
        struct account *a = account_at(t, 0), *b = account_at(t, 1);
        if (i % 2 == 0) {
            eddy_own_request both[] = {{a, true}, {b, true}};
            CHECK(eddy_own_all(t, both, 2) == EDDY_OK);
            EDDY_WRITABLE(t, b)->balance++;
        } else {
            eddy_own_write(t, a);
        }
        CHECK(EDDY_WRITABLE(t, a)->balance == a->mirror);
        a->balance++;
        a->mirror++;
        eddy_safepoint(t);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_foreign_code_beside_managed_threads(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    pthread_t ids[THREADS];
    kept = NULL;
    account_publish(&w, 0);
    account_publish(&w, 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, i % 2 == 0 ? foreign_main : managed_main, &w), 0);
    eddy_native_enter(w.t);
    for (int i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w.t);
    struct account *a = account_at(w.t, 0), *b = account_at(w.t, 1);
    assert_false(eddy_owns_write(w.t, a)); /* marked for ever */
    eddy_own_request both[] = {{a, false}, {b, false}};
    assert_int_equal(eddy_own_all(w.t, both, 2), EDDY_OK);
    assert_int_equal(a->balance, a->mirror);
    assert_int_equal(b->balance, THREADS / 2 * 2 * ROUNDS);
    eddy_safepoint(w.t); /* gives the lock back */
    eddy_legacy_enter(w.t);
    eddy_legacy_leave(w.t);
    kept = NULL;
    rights_close(&w);
}

static void test_nesting_and_ends(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    eddy_legacy_enter(w.t);
    eddy_legacy_enter(w.t);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_EBUSY);
    eddy_own_write(w.t, a);
    unsigned window = eddy_legacy_window_open(w.t);
    struct helper *h = helper_start(&w, HELPER_OWNS); /* takes it in the window */
    WAIT_UNTIL(EDDY_LOAD_ACQUIRE(&h->step) != 0);
    eddy_legacy_window_close(w.t, window);
    assert_false(eddy_owns_write(w.t, a));
    eddy_own_write(w.t, a);
    assert_int_equal(a->balance, 1);
    eddy_native_enter(w.t); /* no window: keeps lock and rights */
    eddy_native_leave(w.t);
    assert_true(eddy_owns_write(w.t, a));
    eddy_legacy_leave(w.t);
    eddy_safepoint(w.t);
    assert_true(eddy_owns_write(w.t, a));
    eddy_legacy_leave(w.t);
    helper_end(&w, h);
    rights_close(&w);
}

/* The right to a marked object is the lock, which goes at the next safepoint. */
static void test_guards_on_marked_objects(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    eddy_legacy_enter(w.t);
    eddy_legacy_hand(w.t, a);
    uint64_t token = eddy_rights_token(w.t);
    eddy_safepoint(w.t);
    assert_true(eddy_rights_hold(w.t, token));
    eddy_legacy_leave(w.t);
    assert_false(eddy_rights_hold(w.t, token));
    eddy_own_write(w.t, a);
    token = eddy_rights_token(w.t);
    assert_true(eddy_rights_hold(w.t, token));
    eddy_safepoint(w.t);
    assert_false(eddy_rights_hold(w.t, token));
    rights_close(&w);
}

static void *ends_inside(void *argument)
{
    const struct rights_world *w = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(w->heap, &t) == EDDY_OK);
    eddy_own_write(t, account_at(t, 0));
    eddy_legacy_enter(t);
    return NULL;
}

static void test_a_thread_that_ends_in_foreign_code(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    pthread_t id;
    eddy_native_enter(w.t);
    assert_int_equal(pthread_create(&id, NULL, ends_inside, &w), 0);
    pthread_join(id, NULL);
    eddy_native_leave(w.t);
    eddy_legacy_enter(w.t);
    eddy_own_write(w.t, a);
    eddy_legacy_leave(w.t);
    rights_close(&w);
}

/* ---- forks: the child has what other threads had ---- */

#if !defined(__SANITIZE_THREAD__)
static void test_a_forked_child(void **state)
{
    (void)state;
    struct rights_world w = rights_open(EDDY_HEAP_ATFORK);
    struct account *a = account_publish(&w, 0);
    struct helper *h = helper_start(&w, HELPER_OWNS);
    helper_wait(&w, h);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        eddy_own_write(w.t, a);
        a->balance++;
        eddy_legacy_enter(w.t);
        eddy_legacy_hand(w.t, a);
        eddy_legacy_leave(w.t);
        eddy_barrier(w.t);
        eddy_own_read(w.t, a);
        _exit(a->balance == 2 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    helper_end(&w, h);
    rights_close(&w);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign_code_beside_managed_threads),
        cmocka_unit_test(test_nesting_and_ends),
        cmocka_unit_test(test_guards_on_marked_objects),
        cmocka_unit_test(test_a_thread_that_ends_in_foreign_code),
#if !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_a_forked_child),
#endif
    };
    return RUN_TESTS("ownership_legacy", tests);
}
