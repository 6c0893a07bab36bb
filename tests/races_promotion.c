/* Races of promotion and of counted stores: mutators and the collector promote the same private-old object, and
 * two mutators store into the same field, with each of them stopped between any two of its steps. Counts are exact
 * afterwards, whoever was first, and nothing reachable is freed. */
#include "tests/lab.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])
#define CHAIN 6u

static void assert_exact(void)
{
    assert_true(sound());
    assert_true(settle());
    assert_true(sound());
    assert_true(verified());
    assert_int_equal(live_objects(), lab.walked);
}

/* ---- the collector and a mutator ---- */

/* n[0] -> n[1] -> … with a branch at each; only n[0] has a handle. */
static struct node *n[CHAIN];

static void make_chain(struct actor *a)
{
    for (unsigned i = 0; i < CHAIN; i++) {
        n[i] = make(a, 0);
        put(a, n[i], 1, make(a, 1));
        if (i != 0)
            put(a, n[i - 1], 0, n[i]);
        hold(a, i == 0 ? 2 : 3, n[i]);
    }
    forget_all(a);
    hold(a, 0, n[0]);
}

static unsigned victim;
static void *victim_value;

static void store_into_victim(void)
{
    put(A, n[victim], 1, victim_value);
}

/* While the collector promotes the k-th object of the chain, having read its fields, a mutator that is one epoch ahead stores
 * into the j-th: it promotes it first, or after the collector, and overwrites a field that may have been read. */
static void test_store_while_collector_promotes(void **state)
{
    (void)state;
    bool all_seen = false;
    for (unsigned k = 0; !all_seen; k++)
        for (victim = 0; victim < CHAIN; victim++)
            for (unsigned value = 0; value < 3; value++) {
                lab_open(1);
                make_chain(A);
                epoch_begin();
                handshake(A);
                victim_value = value == 0 ? NULL : value == 1 ? make(A, 4) : n[(victim + 1) % CHAIN];
                at_point(HOOK_COLLECTOR_PROMOTE, k, store_into_victim);
                epoch_end();
                all_seen = lab.act != NULL;
                lab.act = NULL;
                assert_exact();
                assert_true(lab_close());
            }
}

/* A stops in a store into the k-th object: before its compare-and-swap, when it has pushed the incs of the fields, or
 * after it. Meanwhile the collector promotes the chain, and in some runs B overwrites what A has copied: a loser must
 * take back what it pushed, not what is there now. */
static void stop_while_collector_promotes(enum eddy__hook_point where, unsigned overwrite)
{
    lab_open(2);
    make_chain(A);
    epoch_begin();
    handshakes();
    stop_at(A, where);
    put(A, n[victim], 2, NULL);
    assert_true(stopped(A));
    epoch_end();
    hold(B, 0, n[victim]);
    if (overwrite >= 1)
        put(B, n[victim], 1, overwrite == 1 ? NULL : make(B, 1));
    if (overwrite == 2)
        put(B, n[victim], 0, NULL);
    resume(A);
    assert_exact();
    assert_true(lab_close());
}

static void test_collector_promotes_while_stopped(void **state)
{
    (void)state;
    for (victim = 0; victim < CHAIN; victim++)
        for (unsigned overwrite = 0; overwrite < 3; overwrite++) {
            stop_while_collector_promotes(HOOK_PROMOTE_READ, overwrite);
            stop_while_collector_promotes(HOOK_STORE_PUSHED, overwrite);
            stop_while_collector_promotes(HOOK_STORE_EXCHANGED, overwrite);
        }
}

/* ---- two mutators ---- */

/* Both promote the same object, which A has made private-old by a bump and put into a root slot; A stops before its
 * compare-and-swap. B may be in the same epoch or one ahead, and may go on to overwrite the fields. */
static void test_two_mutators_promote(void **state)
{
    (void)state;
    for (unsigned ahead = 0; ahead < 2; ahead++)
        for (unsigned stores = 1; stores < 4; stores++) {
            lab_open(2);
            make_chain(A);
            bump(A, 1);
            put_root(A, 0, n[0]);
            if (ahead) {
                epoch_begin();
                handshake(B);
            }
            hold(B, 0, lab.slots[0]);
            hold(B, 1, n[0]->f[0]);
            stop_at(A, HOOK_PROMOTE_READ);
            put(A, n[1], 2, n[0]);
            assert_true(stopped(A));
            for (unsigned i = 0; i < stores; i++)
                put(B, n[1], i, i == 1 ? NULL : n[0]);
            resume(A);
            handshakes();
            epoch_end();
            assert_exact();
            assert_true(lab_close());
        }
}

/* ---- two stores into one field ---- */

static struct node *field_of, *first_value, *second_value;

static void b_stores(void)
{
    put(B, field_of, 0, second_value);
}

static void b_stores_and_clears(void)
{
    b_stores();
    put(B, field_of, 0, NULL);
}

/* A, one epoch ahead, stops at `where` in its store; B stores into the same field at `when` in the epoch that the
 * collector processes, and A goes on before or after the end of that epoch. */
static void race_stores(enum eddy__hook_point where, enum eddy__hook_point when, void (*other)(void), bool cleared)
{
    lab_open(2);
    field_of = make(A, 0);
    put(A, field_of, 0, make(A, 1));
    put_root(A, 0, field_of);
    forget_all(A);
    epochs(2);
    hold(A, 0, field_of);
    hold(B, 0, field_of);
    epoch_begin();
    handshakes();
    first_value = make(A, 1);
    second_value = make(B, 1);
    hold(B, 1, NULL);
    B->roots[1] = second_value;
    stop_at(A, where);
    put(A, field_of, 0, first_value);
    assert_true(stopped(A));
    at_point(when, 0, other);
    epoch_end();
    assert_null(lab.act);
    if (cleared) {
        forget_all(B);
        epoch_begin();
        handshake(B);
        resume(A);
        hold(A, 1, NULL);
        handshake(A);
        epoch_end();
    } else {
        resume(A);
    }
    assert_exact();
    assert_true(lab_close());
}

static void test_two_stores(void **state)
{
    (void)state;
    const enum eddy__hook_point wheres[] = {HOOK_STORE_CHECKED, HOOK_STORE_PUSHED, HOOK_STORE_EXCHANGED};
    const enum eddy__hook_point whens[] = {HOOK_STEP_INCS, HOOK_STEP_DRAIN, HOOK_STEP_DECS, HOOK_STEP_SWEEP};
    for (size_t i = 0; i < sizeof wheres / sizeof wheres[0]; i++)
        for (size_t k = 0; k < sizeof whens / sizeof whens[0]; k++)
            for (int cleared = 0; cleared < 2; cleared++) {
                race_stores(wheres[i], whens[k], b_stores, cleared);
                race_stores(wheres[i], whens[k], b_stores_and_clears, cleared);
            }
}

/* ---- publishing ---- */

/* A publishes an object, by its closure or by a bump, and stops between its steps; B, one epoch ahead, takes it
 * from the slot as soon as it is there, and A then takes it apart. */
static void test_publish_and_take(void **state)
{
    (void)state;
    for (unsigned large = 0; large < 2; large++)
        for (unsigned early = 0; early < 2; early++) {
            lab_open(2);
            make_chain(A);
            if (!large)
                put(A, n[2], 0, NULL); /* what is left is few enough to be made counted one by one */
            epoch_begin();
            if (early)
                handshake(B);
            stop_at(A, HOOK_STORE_EXCHANGED);
            put_root(A, 0, n[0]);
            assert_true(stopped(A));
            assert_true(header_is_counted(EDDY_LOAD_RELAXED(eddy__header(n[0]))) == !large);
            hold(B, 0, ((struct node *)lab.slots[0])->f[0]);
            resume(A);
            put(A, n[0], 0, NULL);
            put_root(A, 0, NULL);
            forget_all(A);
            handshakes();
            epoch_end();
            assert_true(alive(n[1]));
            assert_exact();
            assert_true(lab_close());
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_while_collector_promotes),
        cmocka_unit_test(test_collector_promotes_while_stopped),
        cmocka_unit_test(test_two_mutators_promote),
        cmocka_unit_test(test_two_stores),
        cmocka_unit_test(test_publish_and_take),
    };
    return LAB_RUN(tests);
}
