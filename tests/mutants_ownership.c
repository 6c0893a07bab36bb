/* Wrong variants of rights (docs/design.md, section 8): each is switched on at run time and caught by a scenario that passes
 * without it. A, B and C are threads, x and y objects of an arbitrated type in root slots. An actor that waits for a right
 * stops at each turn of its wait, and goes on when it is resumed. */
#include <sched.h>
#include <stdlib.h>

#include "tests/caught.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])
#define C (&lab.actors[2])
#define TURNS 20u

struct owned {
    eddy_right right;
    uint32_t value;
    void *field;
};

static const eddy_type *owned_type;

static void rights_lab_with(const eddy_config *config, unsigned actors)
{
    const size_t offsets[] = {offsetof(struct owned, field)};
    const eddy_type_desc desc = {
        .name = "owned", .size = sizeof(struct owned), .ref_offsets = offsets, .ref_count = 1, .flags = EDDY_TYPE_ARBITRATED};
    lab_open_with(config, actors);
    if (eddy_type_register(lab.heap, &desc, &owned_type) != EDDY_OK)
        abort();
}

static void rights_lab(unsigned actors)
{
    const eddy_config config = lab_config();
    rights_lab_with(&config, actors);
}

/* ---- what actors do; in `index` they leave whether they have the right ---- */

static void job_make_owned(struct actor *self)
{
    self->value = eddy_alloc(self->t, owned_type);
    self->roots[0] = self->value;
    eddy_own_write(self->t, self->value);
    eddy_root_store(self->t, &lab.slots[self->index], self->value);
}
static void job_own_write(struct actor *self)
{
    self->index = 0;
    eddy_own_write(self->t, self->object);
    self->index = 1;
}
static void job_own_read(struct actor *self)
{
    self->index = 0;
    eddy_own_read(self->t, self->object);
    self->index = 1;
}
static void job_own_both(struct actor *self)
{
    const eddy_own_request both[] = {{self->object, true}, {self->value, true}};
    self->index = 0;
    eddy_own_all(self->t, both, 2);
    self->index = 1;
}
static void job_legacy_enter(struct actor *self)
{
    eddy_legacy_enter(self->t);
}
static void job_legacy_leave(struct actor *self)
{
    eddy_legacy_leave(self->t);
}
static void job_hand(struct actor *self)
{
    eddy_legacy_hand(self->t, self->object);
}
static void job_owned_store(struct actor *self)
{
    struct owned *x = self->object;
    eddy_own_store(self->t, x, &x->field, self->value);
}

static struct owned *make_owned(struct actor *a, unsigned slot)
{
    a->index = slot;
    perform(a, job_make_owned);
    return a->value;
}

/* Asks, and stops at the first turn of the wait, if there is one. */
static void ask(struct actor *a, job_fn *job, void *object, void *other)
{
    a->object = object;
    a->value = other;
    stop_at(a, HOOK_RIGHT_WAIT);
    perform(a, job);
}

/* One more turn of its wait; whether it has got what it asked for. */
static bool turn(struct actor *a)
{
    if (stopped(a)) {
        stop_at(a, HOOK_RIGHT_WAIT);
        resume(a);
    }
    return !stopped(a) && a->index == 1;
}

static bool gets(struct actor *a)
{
    for (unsigned i = 0; i < TURNS && stopped(a); i++)
        turn(a);
    return turn(a);
}

static bool has(const struct actor *a, const struct owned *x)
{
    return eddy_owns_write(a->t, x);
}

/* ---- scenarios ---- */

/* B has found A asleep and is about to take x, when A wakes and looks whether x is its own. */
static enum verdict woken_at_once(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    enter(A);
    B->object = x;
    stop_at(B, HOOK_RIGHT_TAKING);
    perform(B, job_own_write);
    SET_UP(stopped(B));
    stop_at(A, HOOK_RIGHT_WAKING);
    leave(A);
    bool a_has = !stopped(A) && has(A, x);
    resume(B);
    MUST(!(a_has && has(B, x)), TWO_OWNERS);
    SET_UP(has(B, x));
    if (stopped(A))
        resume(A);
    MUST(!has(A, x), TWO_OWNERS);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* x is everybody's; A reads it, and B writes before A has passed a safepoint. */
static enum verdict written_without_barrier(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    enter(A);
    SET_UP(eddy_own_share_after(lab.heap, 1) == EDDY_OK);
    ask(B, job_own_read, x, NULL);
    leave(A);
    handshake(B);
    ask(A, job_own_read, x, NULL);
    SET_UP(turn(A) && eddy_owns_read(B->t, x) && EDDY_LOAD_ACQUIRE(&x->right) == 0);
    ask(B, job_own_write, x, NULL);
    MUST(!turn(B), TWO_OWNERS);
    handshake(A);
    MUST(gets(B), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A has y, and B x; each asks for both, in its own order. */
static enum verdict unsorted(void)
{
    rights_lab(3);
    struct owned *x = make_owned(C, 0), *y = make_owned(C, 1);
    ask(A, job_own_both, x, y); /* C has both */
    ask(B, job_own_both, y, x);
    SET_UP(stopped(A) && stopped(B));
    for (unsigned i = 0; i < TURNS; i++) {
        handshake(C);
        if (turn(A))
            handshake(A);
        if (turn(B))
            handshake(B);
    }
    MUST(gets(A) && gets(B), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A has got x and waits for y; B asks for x meanwhile. */
static enum verdict kept_is_granted(void)
{
    rights_lab(3);
    struct owned *x = make_owned(C, 0), *y = make_owned(C, 1), *first = x < y ? x : y, *second = x < y ? y : x;
    enter(C);
    ask(A, job_own_write, first, NULL);
    ask(B, job_own_write, second, NULL);
    SET_UP(has(A, first) && has(B, second));
    handshake(A);
    ask(A, job_own_both, x, y);
    ask(C, job_leave, NULL, NULL);
    ask(C, job_own_write, first, NULL);
    SET_UP(stopped(A) && stopped(C));
    turn(A);
    turn(C);
    MUST(stopped(C), STARVED); /* else A has lost what it kept */
    handshake(B);
    MUST(gets(A) && has(A, first) && has(A, second), STARVED);
    handshake(A);
    MUST(gets(C) && has(C, first), STARVED);
    C->native = false;
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

static void job_read_and_write(struct actor *self)
{
    const eddy_own_request both[] = {{self->object, false}, {self->value, true}};
    self->index = 0;
    eddy_own_all(self->t, both, 2);
    self->index = 1;
}

/* Both are everybody's. A wants to read the first and write the second, B to write both: when A has claimed the second it has lost the
 * first, which B keeps while it waits for the second. */
static enum verdict restarted_keeping(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0), *y = make_owned(A, 1), *first = x < y ? x : y, *second = x < y ? y : x;
    EDDY_STORE_RELAXED(&x->right, 0);
    EDDY_STORE_RELAXED(&y->right, 0);
    ask(A, job_read_and_write, first, second);
    ask(B, job_own_both, first, second);
    SET_UP(stopped(A) && stopped(B));
    for (unsigned i = 0; i < TURNS; i++) {
        if (turn(A))
            handshake(A);
        if (turn(B))
            handshake(B);
    }
    MUST(turn(A) && turn(B), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

static bool is_done(struct actor *a)
{
    pthread_mutex_lock(&lab.lock);
    bool done = a->state == ACTOR_IDLE;
    pthread_mutex_unlock(&lab.lock);
    return done;
}
/* Waits until it sleeps in native state, having looked at its queue. */
static void await_sleep(const struct actor *a)
{
    const struct thread *t = (const struct thread *)(const void *)a->t;
    while (WORD_STATE(EDDY_LOAD_SEQ_CST(&t->word)) != THREAD_NATIVE)
        sched_yield();
    for (eddy_thread_state state = {0}; state.kernel_state != 'S'; eddy__os_thread_look(t->tid, &state))
        sched_yield();
}

static struct owned *four[4]; /* by address */

static void job_own_last_three(struct actor *self)
{
    const eddy_own_request three[] = {{four[1], true}, {four[2], true}, {four[3], true}};
    self->index = 0;
    eddy_own_all(self->t, three, 3);
    self->index = 1;
}

static int by_address(const void *a, const void *b)
{
    const struct owned *x = *(struct owned *const *)a, *y = *(struct owned *const *)b;
    return (x > y) - (x < y);
}

/* The first and the last of four are marked. A keeps the second and waits for the third, while B, who has borrowed the lock, sees that
 * the second is kept. Then A comes to the last one, gives up what it keeps, and waits for the lock. */
static enum verdict kept_before(void)
{
    rights_lab(3);
    for (unsigned i = 0; i < 4; i++)
        four[i] = make_owned(C, i);
    qsort(four, 4, sizeof *four, by_address);
    perform(C, job_legacy_enter);
    for (unsigned i = 0; i < 4; i += 3) {
        C->object = four[i];
        perform(C, job_hand);
    }
    perform(C, job_legacy_leave);
    ask(A, job_own_last_three, NULL, NULL);
    handshake(C);
    turn(A);
    SET_UP(stopped(A));
    B->object = four[0];
    B->value = four[1];
    stop_at(B, HOOK_RIGHT_FOUND);
    perform(B, job_own_both);
    SET_UP(stopped(B));
    handshake(C);
    let_go(A);
    await_sleep(A);
    turn(B);
    MUST(gets(B) && has(B, four[1]), STARVED);
    while (!is_done(A)) {
        handshake(B);
        sched_yield();
    }
    MUST(A->index == 1 && has(A, four[1]) && has(A, four[2]), STARVED);
    handshake(A);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

static void job_barrier(struct actor *self)
{
    self->index = 0;
    eddy_barrier(self->t);
    self->index = 1;
}

/* A sleeps when B's barrier begins, and wakes while it waits for C. */
static enum verdict barrier_asks_once(void)
{
    rights_lab(3);
    enter(A);
    ask(B, job_barrier, NULL, NULL);
    SET_UP(stopped(B)); /* for C: threads are looked at from the last to the first */
    leave(A);
    handshake(C);
    SET_UP(!turn(B));
    handshake(A);
    MUST(turn(B), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A runs, and B does not wait for it. */
static enum verdict taken_from_a_running_owner(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    ask(B, job_own_write, x, NULL);
    MUST(!turn(B) && has(A, x), TWO_OWNERS);
    handshake(A);
    MUST(!has(A, x), TWO_OWNERS);
    MUST(gets(B) && has(B, x), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* B asks while A is about to fall asleep. */
static enum verdict deaf_in_its_sleep(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    stop_at(A, HOOK_NATIVE_ENTERING);
    enter(A);
    SET_UP(stopped(A));
    ask(B, job_own_write, x, NULL);
    SET_UP(stopped(B));
    resume(A);
    SET_UP(!stopped(A));
    MUST(gets(B) && has(B, x), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A guard that A checked before a safepoint, at which B takes x. */
static enum verdict token_stays(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    uint64_t token = eddy_rights_token(A->t);
    handshake(A);
    SET_UP(eddy_rights_token(A->t) == token);
    ask(B, job_own_write, x, NULL);
    handshake(A);
    SET_UP(gets(B) && has(B, x));
    MUST(eddy_rights_token(A->t) != token, TWO_OWNERS);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* Threads 1 and 3: one's number is covered by the other's. */
static enum verdict plain_number(void)
{
    rights_lab(3);
    struct owned *x = make_owned(A, 0), *y = make_owned(C, 1);
    MUST(!eddy_owns_read(B->t, x) && !eddy_owns_read(C->t, x), TWO_OWNERS);
    MUST(!eddy_owns_read(A->t, y) && !eddy_owns_read(B->t, y), TWO_OWNERS);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A has x and stores into it; there is no log space, and while it waits for some B gets x. */
static enum verdict store_after_a_wait(void)
{
    eddy_config config = lab_config();
    config.log_limit = 32 * 8192;
    config.log_chunk_entries = 4;
    rights_lab_with(&config, 2);
    struct owned *x = make_owned(A, 0), *y = make_owned(A, 1);
    make(A, 2);
    ask(B, job_own_write, y, NULL); /* B is the owner of something, too: nothing waits for it */
    handshake(A);
    SET_UP(gets(B));
    handshake(B);
    enter(B);
    unsigned stores = 0;
    for (; has(A, x) && stores < 100000; stores++) {
        A->object = x;
        A->value = y;
        stop_at(A, HOOK_NATIVE_ENTERING);
        perform(A, job_owned_store);
        if (!stopped(A))
            continue;
        leave(B);
        ask(B, job_own_write, x, NULL); /* while A goes to sleep */
        SET_UP(stopped(B));
        break;
    }
    SET_UP(stopped(A) && stopped(B));
    /* B, which was faster, gets x; on return from the store A has it, because it has taken it again. */
    for (unsigned i = 0; i < TURNS && stopped(A); i++) {
        stop_at(A, HOOK_NATIVE_ENTERING);
        resume(A);
        if (!turn(B))
            continue;
        SET_UP(i != 0 || has(B, x));
        handshake(B);
    }
    MUST(!stopped(A), STARVED);
    MUST(has(A, x), TWO_OWNERS);
    return PASSED;
}

static void job_fill(struct actor *self)
{
    struct owned *x = self->object;
    self->index = 0;
    eddy_fill_refs(self->t, x, &x->field, self->value, 1);
    self->index = 1;
}

/* B stores into x without exchange, while A, whose right to x ended at a safepoint, is about to fill it. */
static enum verdict bulk_without_right(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    struct node *a = make(A, 1), *b = make(B, 0);
    put_root(A, 1, a);
    ask(B, job_own_write, x, NULL);
    handshake(A);
    SET_UP(gets(B));
    B->object = x;
    B->value = b;
    stop_at(B, HOOK_STORE_PUSHED);
    perform(B, job_owned_store);
    SET_UP(stopped(B));
    ask(A, job_fill, x, a);
    resume(B);
    handshake(B);
    MUST(gets(A), STARVED);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A runs foreign code, which has x; B asks, and A passes safepoints, and sleeps. */
static enum verdict preempted(void)
{
    rights_lab(2);
    struct owned *x = make_owned(B, 0);
    perform(A, job_legacy_enter);
    ask(A, job_own_write, x, NULL);
    handshake(B);
    SET_UP(gets(A) && has(A, x));
    ask(B, job_own_write, x, NULL);
    SET_UP(stopped(B));
    handshake(A);
    MUST(has(A, x), TWO_OWNERS);
    enter(A);
    turn(B);
    MUST(has(A, x), TWO_OWNERS);
    leave(A);
    MUST(has(A, x) && !turn(B), TWO_OWNERS);
    perform(A, job_legacy_leave);
    MUST(gets(B) && has(B, x), STARVED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* Foreign code has been handed x. Later B owns it, and A runs foreign code again. */
static enum verdict not_marked(void)
{
    rights_lab(2);
    struct owned *x = make_owned(A, 0);
    perform(A, job_legacy_enter);
    A->object = x;
    perform(A, job_hand);
    perform(A, job_legacy_leave);
    ask(B, job_own_write, x, NULL);
    handshake(A);
    SET_UP(gets(B));
    MUST(!eddy_owns_write(B->t, x), TWO_OWNERS); /* its right is the lock, until its next safepoint */
    MUST(EDDY_LOAD_ACQUIRE(&lab.heap->legacy_next) == EDDY_LOAD_ACQUIRE(&lab.heap->legacy_now) + 1, TWO_OWNERS);
    handshake(B);
    SET_UP(EDDY_LOAD_ACQUIRE(&lab.heap->legacy_next) == EDDY_LOAD_ACQUIRE(&lab.heap->legacy_now));
    perform(A, job_legacy_enter);
    perform(A, job_legacy_leave);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(RIGHT_WAKE_AT_ONCE, woken_at_once, TWO_OWNERS)
CAUGHT(RIGHT_NO_BARRIER, written_without_barrier, TWO_OWNERS)
CAUGHT(RIGHT_UNSORTED, unsorted, STARVED)
CAUGHT(RIGHT_KEPT_GRANTED, kept_is_granted, STARVED)
CAUGHT(RIGHT_RESTART_KEEPING, restarted_keeping, STARVED)
CAUGHT(RIGHT_KEPT_BEFORE, kept_before, STARVED)
CAUGHT(RIGHT_BARRIER_ASKS_ONCE, barrier_asks_once, STARVED)
CAUGHT(RIGHT_TAKE_RUNNING, taken_from_a_running_owner, TWO_OWNERS)
CAUGHT(RIGHT_ASLEEP_DEAF, deaf_in_its_sleep, STARVED)
CAUGHT(RIGHT_TOKEN_STAYS, token_stays, TWO_OWNERS)
CAUGHT(RIGHT_PLAIN_NUMBER, plain_number, TWO_OWNERS)
CAUGHT(RIGHT_STORE_AFTER_WAIT, store_after_a_wait, TWO_OWNERS)
CAUGHT(RIGHT_BULK, bulk_without_right, MISCOUNTED)
CAUGHT(RIGHT_LEGACY_PREEMPTED, preempted, TWO_OWNERS)
CAUGHT(RIGHT_NOT_MARKED, not_marked, TWO_OWNERS)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_woken_at_once),      cmocka_unit_test(test_written_without_barrier),
        cmocka_unit_test(test_unsorted),           cmocka_unit_test(test_kept_is_granted),
        cmocka_unit_test(test_restarted_keeping),  cmocka_unit_test(test_kept_before),
        cmocka_unit_test(test_barrier_asks_once),  cmocka_unit_test(test_taken_from_a_running_owner),
        cmocka_unit_test(test_deaf_in_its_sleep),  cmocka_unit_test(test_token_stays),
        cmocka_unit_test(test_plain_number),       cmocka_unit_test(test_store_after_a_wait),
        cmocka_unit_test(test_bulk_without_right), cmocka_unit_test(test_preempted),
        cmocka_unit_test(test_not_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
