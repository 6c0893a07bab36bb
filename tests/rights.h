/* What the tests of rights share: accounts, which are arbitrated, in root slots; and helpers, threads that do one thing with
 * the account of slot 0. */
#ifndef EDDY_TESTS_RIGHTS_H
#define EDDY_TESTS_RIGHTS_H

#include "tests/support.h"

#define RIGHTS_SLOTS 64u

struct account {
    eddy_right right;
    uint32_t number;
    long balance, mirror;
    struct account *next;
};

struct rights_world {
    eddy_heap *heap;
    eddy_thread *t; /* of the main thread */
    const eddy_type *account;
};

static void *slots[RIGHTS_SLOTS];

static inline struct rights_world rights_open_with(const eddy_config *config)
{
    struct rights_world w = {0};
    const size_t offsets[] = {offsetof(struct account, next)};
    const eddy_type_desc desc = {.name = "account",
                                 .size = sizeof(struct account),
                                 .ref_offsets = offsets,
                                 .ref_count = 1,
                                 .flags = EDDY_TYPE_ARBITRATED};
    assert_int_equal(eddy_heap_create(config, &w.heap), EDDY_OK);
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    assert_int_equal(eddy_type_register(w.heap, &desc, &w.account), EDDY_OK);
    for (unsigned i = 0; i < RIGHTS_SLOTS; i++)
        assert_int_equal(eddy_root_add(w.t, &slots[i]), EDDY_OK);
    return w;
}

static inline struct rights_world rights_open(unsigned flags)
{
    const eddy_config config = support_config(flags);
    return rights_open_with(&config);
}

static inline void rights_close(struct rights_world *w)
{
    assert_checks_passed();
    assert_int_equal(eddy_verify(w->t, 0, NULL), EDDY_OK);
    for (unsigned i = 0; i < RIGHTS_SLOTS; i++)
        assert_int_equal(eddy_root_remove(w->t, &slots[i]), EDDY_OK);
    assert_int_equal(eddy_thread_detach(w->t), EDDY_OK);
    assert_int_equal(eddy_heap_destroy(w->heap), EDDY_OK);
}

static inline struct account *account_new(eddy_thread *t, const struct rights_world *w)
{
    struct account *a = eddy_alloc(t, w->account);
    if (a == NULL)
        support_fail("allocation failed", __FILE__, __LINE__);
    return a;
}

/* A new one, of the main thread, in a slot. */
static inline struct account *account_publish(const struct rights_world *w, unsigned slot)
{
    struct account *a = account_new(w->t, w);
    eddy_own_write(w->t, a);
    a->number = slot;
    eddy_root_store(w->t, &slots[slot], a);
    return a;
}

static inline struct account *account_at(eddy_thread *t, unsigned slot)
{
    return eddy_root_load(t, &slots[slot]);
}

/* ---- helpers ---- */

enum helper_job {
    HELPER_OWNS,         /* owns and increments the account, says so, sleeps until it is to end */
    HELPER_READS,        /* reads it, says so, sleeps */
    HELPER_READS_WRITES, /* the same, and writes it then */
    HELPER_RUNS,         /* says so, then owns and increments it again and again, with safepoints; counts */
    HELPER_CHECKS        /* reads it again and again: balance and mirror must be the same */
};

struct helper {
    const struct rights_world *w;
    enum helper_job job;
    pthread_t id;
    uint32_t step; /* helper */
    uint32_t end;  /* main thread */
    uint64_t count;
    bool lost; /* something was taken from it in its sleep */
};

static inline void helper_sleeps(struct helper *h, eddy_thread *t)
{
    uint64_t token = eddy_rights_token(t);
    eddy_native_enter(t);
    EDDY_STORE_RELEASE(&h->step, 1);
    WAIT_UNTIL(EDDY_LOAD_ACQUIRE(&h->end) != 0);
    eddy_native_leave(t);
    h->lost = !eddy_rights_hold(t, token);
}

static inline void *helper_main(void *argument)
{
    struct helper *h = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(h->w->heap, &t) == EDDY_OK);
    struct account *a = account_at(t, 0);
    ROOTS_PUSH(t, 1);
    roots[0] = a;
    if (h->job == HELPER_RUNS || h->job == HELPER_CHECKS)
        EDDY_STORE_RELEASE(&h->step, 1);
    switch (h->job) {
    case HELPER_OWNS:
        eddy_own_write(t, a);
        a->balance++;
        break;
    case HELPER_READS:
    case HELPER_READS_WRITES:
        eddy_own_read(t, a);
        h->count = (uint64_t)a->balance;
        if (h->job == HELPER_READS)
            break;
        eddy_own_write(t, a);
        a->balance++;
        break;
    case HELPER_RUNS:
    case HELPER_CHECKS:
        while (EDDY_LOAD_ACQUIRE(&h->end) == 0) {
            if (h->job == HELPER_RUNS) {
                eddy_own_write(t, a);
                EDDY_WRITABLE(t, a)->balance++;
                h->count++;
            } else {
                eddy_own_read(t, a);
                CHECK(EDDY_READABLE(t, a)->balance == a->mirror);
            }
            eddy_safepoint(t);
        }
        break;
    }
    if (h->job != HELPER_RUNS && h->job != HELPER_CHECKS)
        helper_sleeps(h, t);
    ROOTS_POP(t);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static inline struct helper *helper_start(const struct rights_world *w, enum helper_job job)
{
    struct helper *h = calloc(1, sizeof *h);
    h->w = w;
    h->job = job;
    assert_int_equal(pthread_create(&h->id, NULL, helper_main, h), 0);
    return h;
}

/* Main thread: until the helper has got to its step, in native state. */
static inline void helper_wait(const struct rights_world *w, struct helper *h)
{
    eddy_native_enter(w->t);
    WAIT_UNTIL(EDDY_LOAD_ACQUIRE(&h->step) != 0);
    eddy_native_leave(w->t);
}

/* Ends it; returns what it left. */
static inline struct helper helper_end(const struct rights_world *w, struct helper *h)
{
    EDDY_STORE_RELEASE(&h->end, 1);
    eddy_native_enter(w->t);
    pthread_join(h->id, NULL);
    eddy_native_leave(w->t);
    struct helper left = *h;
    free(h);
    return left;
}

#endif
