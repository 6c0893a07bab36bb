/* Random programs of several threads that use all of rights at once: transfers between accounts, audits, counted stores, sleeps,
 * ends and beginnings of threads, foreign code. Nothing is ever lost or torn: each step sees the invariants of what it has rights
 * to, and at the end the accounts hold what they began with. */
#include <sched.h>

#include "tests/rights.h"

#define THREADS 5u
#define ACCOUNTS 24u
#define MARKED 4u /* the last ones may be handed to foreign code */
#define BALANCE 1000L
#define STEPS SUPPORT_SCALE(12000, 700)

struct worker {
    const struct rights_world *w;
    uint64_t random;
    eddy_thread *t;
};

static uint32_t inside;  /* threads in foreign code */
static long foreign_sum; /* what foreign code has moved; plain */

static uint64_t dice(struct worker *k, uint64_t sides)
{
    return support_random(&k->random) % sides;
}

/* Takes time now and then, so that others meet what is half done. */
static void dawdle(struct worker *k)
{
    if (dice(k, 64) == 0)
        sched_yield();
}

static void add_to(struct worker *k, struct account *a, long sum)
{
    CHECK(EDDY_WRITABLE(k->t, a)->balance == a->mirror);
    a->balance += sum;
    dawdle(k);
    a->mirror += sum;
}

static void transfer(struct worker *k)
{
    struct account *a = account_at(k->t, (unsigned)dice(k, ACCOUNTS)), *b = account_at(k->t, (unsigned)dice(k, ACCOUNTS));
    eddy_own_request both[] = {{a, true}, {b, true}};
    CHECK(eddy_own_all(k->t, both, 2) == EDDY_OK);
    long sum = (long)dice(k, 10);
    add_to(k, a, -sum);
    add_to(k, b, sum);
}

/* All of them at one moment, read, some of them perhaps written. */
static void audit(struct worker *k)
{
    eddy_own_request all[ACCOUNTS];
    long sum = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++)
        all[i] = (eddy_own_request){account_at(k->t, i), dice(k, 16) == 0};
    CHECK(eddy_own_all(k->t, all, ACCOUNTS) == EDDY_OK);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        const struct account *a = EDDY_READABLE(k->t, (struct account *)all[i].object);
        CHECK(a->balance == a->mirror);
        sum += a->balance;
    }
    CHECK(sum == (long)ACCOUNTS * BALANCE);
}

static void read_one(struct worker *k)
{
    struct account *a = account_at(k->t, (unsigned)dice(k, ACCOUNTS));
    for (unsigned i = (unsigned)dice(k, 4); i != 0; i--) {
        eddy_own_read(k->t, a);
        long balance = EDDY_READABLE(k->t, a)->balance;
        dawdle(k);
        CHECK(balance == a->mirror && balance == a->balance);
        eddy_safepoint(k->t);
    }
}

/* A counted store, of a new object, of another account, of nothing; by exchange or without. */
static void store_into(struct worker *k)
{
    struct account *a = account_at(k->t, (unsigned)dice(k, ACCOUNTS)), *value = NULL;
    ROOTS_PUSH(k->t, 2);
    roots[0] = a;
    switch (dice(k, 3)) {
    case 0: value = account_new(k->t, k->w); break;
    case 1: value = account_at(k->t, (unsigned)dice(k, ACCOUNTS)); break;
    default: break;
    }
    roots[1] = value;
    eddy_reserve(k->t, 1);
    eddy_own_write(k->t, a);
    long before = a->balance;
    if (dice(k, 2) == 0)
        eddy_own_store(k->t, a, (void **)(void *)&a->next, value);
    else
        EDDY_SET(k->t, a, next, value);
    CHECK(a->balance == before && EDDY_GET(k->t, a, next) == value);
    ROOTS_POP(k->t);
}

static void sleep_a_little(struct worker *k)
{
    eddy_native_enter(k->t);
    sched_yield();
    eddy_native_leave(k->t);
}

/* What foreign code does: it knows nothing of threads, and keeps addresses from section to section. */
static struct account *kept_by_foreign[MARKED];

static void foreign_code(struct worker *k)
{
    CHECK(EDDY_ADD_SEQ_CST(&inside, 1) == 0);
    struct account *a = kept_by_foreign[dice(k, MARKED)], *b = kept_by_foreign[dice(k, MARKED)];
    if (a != NULL && b != NULL) {
        long sum = (long)dice(k, 5);
        CHECK(a->balance == a->mirror && b->balance == b->mirror);
        a->balance -= sum;
        a->mirror -= sum;
        dawdle(k);
        b->balance += sum;
        b->mirror += sum;
        foreign_sum += sum;
    }
    EDDY_ADD_SEQ_CST(&inside, -1);
}

static void legacy(struct worker *k)
{
    unsigned i = (unsigned)dice(k, MARKED);
    struct account *a = account_at(k->t, ACCOUNTS - 1 - i);
    eddy_legacy_enter(k->t);
    if (dice(k, 2) == 0) {
        eddy_legacy_hand(k->t, a);
        kept_by_foreign[i] = a;
    }
    foreign_code(k);
    if (dice(k, 4) == 0)
        transfer(k); /* called back: the holder takes from everybody */
    if (dice(k, 4) == 0) {
        unsigned window = eddy_legacy_window_open(k->t);
        sched_yield();
        eddy_legacy_window_close(k->t, window);
    }
    eddy_safepoint(k->t);
    foreign_code(k);
    eddy_legacy_leave(k->t);
}

static void begin_again(struct worker *k)
{
    CHECK(eddy_thread_detach(k->t) == EDDY_OK);
    sched_yield();
    CHECK(eddy_thread_attach(k->w->heap, &k->t) == EDDY_OK);
}

static void *worker_main(void *argument)
{
    struct worker *k = argument;
    CHECK(eddy_thread_attach(k->w->heap, &k->t) == EDDY_OK);
    for (int step = 0; step < STEPS; step++) {
        uint64_t what = dice(k, 100);
        if (what < 45)
            transfer(k);
        else if (what < 65)
            read_one(k);
        else if (what < 80)
            store_into(k);
        else if (what < 90)
            sleep_a_little(k);
        else if (what < 94)
            audit(k);
        else if (what < 98)
            legacy(k);
        else if (what < 99)
            eddy_barrier(k->t);
        else
            begin_again(k);
        eddy_safepoint(k->t);
    }
    CHECK(eddy_thread_detach(k->t) == EDDY_OK);
    return NULL;
}

static void run(unsigned flags, unsigned share_after, uint64_t seed)
{
    struct rights_world w = rights_open(flags);
    pthread_t ids[THREADS];
    struct worker workers[THREADS];
    memset(kept_by_foreign, 0, sizeof kept_by_foreign);
    assert_int_equal(eddy_own_share_after(w.heap, share_after), EDDY_OK);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        struct account *a = account_publish(&w, i);
        eddy_own_write(w.t, a);
        a->balance = a->mirror = BALANCE;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.w = &w, .random = seed + i * UINT64_C(0x9e3779b97f4a7c15)};
        assert_int_equal(pthread_create(&ids[i], NULL, worker_main, &workers[i]), 0);
    }
    eddy_native_enter(w.t);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w.t);
    struct worker last = {.w = &w, .random = seed, .t = w.t};
    audit(&last);
    rights_close(&w);
}

static void test_accounts(void **state)
{
    (void)state;
    uint64_t seed = support_seed("test_accounts");
    run(0, 3, seed);
    run(EDDY_HEAP_PRECISE_ROOTS, 1, seed + 1);
    run(0, 0, seed + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts),
    };
    return RUN_TESTS("ownership_stress", tests);
}
