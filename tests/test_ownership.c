/* Rights to objects: who gets them, from whom, and that they hold until a safepoint and no longer. */
#include "tests/rights.h"

/* ---- one thread ---- */

static void test_a_new_object_becomes_its_makers(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_new(w.t, &w);
    assert_true(eddy_owns_read(w.t, a));
    assert_false(eddy_owns_write(w.t, a));
    uint64_t token = eddy_rights_token(w.t);
    eddy_own_write(w.t, a);
    assert_true(eddy_owns_write(w.t, a) && eddy_owns_read(w.t, a));
    EDDY_WRITABLE(w.t, a)->balance = 7;
    eddy_root_store(w.t, &slots[0], a); /* published: still the maker's */
    for (int i = 0; i < 3; i++) {
        eddy_safepoint(w.t);
        assert_true(eddy_owns_write(w.t, a));
    }
    assert_true(eddy_rights_hold(w.t, token));
    rights_close(&w);
}

static void test_types(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    const size_t first = 0;
    const eddy_type *type;
    eddy_type_desc desc = {.name = "small", .size = 3, .flags = EDDY_TYPE_ARBITRATED};
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_EINVAL);
    desc = (eddy_type_desc){.size = 8, .ref_offsets = &first, .ref_count = 1, .flags = EDDY_TYPE_ARBITRATED};
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_EINVAL);
    desc = (eddy_type_desc){.size = 8, .tail = EDDY_TAIL_REFS, .length_offset = 0, .flags = EDDY_TYPE_ARBITRATED};
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_EINVAL);
    desc = (eddy_type_desc){.size = 16, .tail = EDDY_TAIL_REFS, .length_offset = 8, .flags = EDDY_TYPE_ARBITRATED};
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    assert_int_equal(eddy_own_share_after(w.heap, 16), EDDY_EINVAL);
    assert_int_equal(eddy_own_share_after(w.heap, 15), EDDY_OK);
    eddy_own_request many[EDDY_OWN_MOST + 1] = {{NULL, false}};
    assert_int_equal(eddy_own_all(w.t, many, EDDY_OWN_MOST + 1), EDDY_EINVAL);
    assert_int_equal(eddy_own_all(w.t, many, 0), EDDY_OK);
    rights_close(&w);
}

static void test_misuse(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    const char *text;
    void *plain = eddy_alloc_bytes(w.t, 16);
    *(uint32_t *)plain = 5;
    CATCH_MISUSE(eddy_own_write(w.t, plain), text);
    assert_string_equal(text, "eddy_own_write: the type of the object is not arbitrated");
    CATCH_MISUSE(eddy_legacy_leave(w.t), text);
    assert_string_equal(text, "eddy_legacy_leave: the thread does not hold the legacy lock");
    CATCH_MISUSE(eddy_legacy_window_open(w.t), text);
    assert_string_equal(text, "eddy_legacy_window_open: the thread does not hold the legacy lock");
    CATCH_MISUSE(eddy_legacy_window_close(w.t, 1), text);
    assert_string_equal(text, "eddy_legacy_window_close: no window is open, or a native region is");
    struct account *a = account_new(w.t, &w);
    CATCH_MISUSE(eddy_legacy_hand(w.t, a), text);
    assert_string_equal(text, "eddy_legacy_hand: the thread does not hold the legacy lock");
    eddy_native_enter(w.t);
    CATCH_MISUSE(eddy_barrier(w.t), text);
    assert_string_equal(text, "eddy_barrier: the thread is in a native region");
    eddy_native_leave(w.t);
    rights_close(&w);
}

#ifdef EDDY_DEBUG
static void test_what_debug_builds_find(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    const char *text;
    ROOTS_PUSH(w.t, 2);
    struct account *a = roots[0] = account_new(w.t, &w), *b = roots[1] = account_new(w.t, &w);
    eddy_own_write(w.t, a);
    eddy_own_write(w.t, b);
    eddy_root_store(w.t, &slots[0], a);
    eddy_root_store(w.t, &slots[1], b);
    eddy_own_write(w.t, a);
    EDDY_WRITABLE(w.t, a)->balance = 1;
    CATCH_MISUSE(EDDY_SET(w.t, b, next, a), text); /* asking for a was a possible safepoint */
    assert_string_equal(text, "eddy_store: the right to the object is from before a safepoint");
    eddy_own_write(w.t, a);
    eddy_own_write(w.t, a);
    EDDY_SET(w.t, a, next, b);
    CATCH_MISUSE(EDDY_SET(w.t, a, next, NULL), text); /* the store, too: nothing was reserved */
    assert_string_equal(text, "eddy_store: the right to the object is from before a safepoint");
    eddy_reserve(w.t, 2);
    eddy_own_write(w.t, a);
    CATCH_MISUSE(EDDY_SET(w.t, a, next, NULL), text); /* asking ends the reservation, if it waits */
    eddy_own_request both[] = {{a, true}, {b, false}};
    assert_int_equal(eddy_own_all(w.t, both, 2), EDDY_OK);
    EDDY_WRITABLE(w.t, a)->balance = EDDY_READABLE(w.t, b)->balance + 1;
    CATCH_MISUSE(EDDY_WRITABLE(w.t, b)->balance = 2, text);
    assert_string_equal(text, "EDDY_WRITABLE: the right to the object is from before a safepoint");
    uint64_t token = eddy_rights_token(w.t);
    eddy_safepoint(w.t);
    CATCH_MISUSE((void)EDDY_READABLE(w.t, b), text);
    assert_string_equal(text, "EDDY_READABLE: the right to the object is from before a safepoint");
    assert_true(eddy_rights_hold(w.t, token));
    (void)EDDY_READABLE(w.t, b);
    EDDY_WRITABLE(w.t, a)->balance = 3;
    eddy_safepoint(w.t);
    CATCH_MISUSE((void)EDDY_READABLE(w.t, b), text);
    assert_true(text[0] != 0);
    eddy_legacy_enter(w.t);
    eddy_own_write(w.t, a);
    eddy_safepoint(w.t);
    EDDY_WRITABLE(w.t, a)->balance = 4; /* no preemption */
    eddy_legacy_leave(w.t);
    CATCH_MISUSE(EDDY_WRITABLE(w.t, a)->balance = 5, text);
    assert_string_equal(text, "EDDY_WRITABLE: the right to the object is from before a safepoint");
    ROOTS_POP(w.t);
    rights_close(&w);
}

static void test_debug_builds_find_access_without_right(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    struct helper *h = helper_start(&w, HELPER_OWNS);
    helper_wait(&w, h); /* it sleeps, and is the owner */
    const char *text;
    CATCH_MISUSE(EDDY_WRITABLE(w.t, a)->balance = 5, text);
    assert_string_equal(text, "EDDY_WRITABLE: the thread has no right to the object");
    CATCH_MISUSE(EDDY_SET(w.t, a, next, NULL), text);
    assert_string_equal(text, "eddy_store: the thread has no right to the object");
    helper_end(&w, h);
    rights_close(&w);
}
#endif

/* ---- from whom ---- */

static void test_from_a_sleeper_without_waking_it(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    struct helper *h = helper_start(&w, HELPER_OWNS);
    helper_wait(&w, h);
    assert_false(eddy_owns_read(w.t, a));
    eddy_own_write(w.t, a); /* it is asleep until helper_end: this returns all the same */
    assert_int_equal(a->balance, 1);
    a->balance = 2;
    eddy_barrier(w.t);                   /* nor does this wake it */
    assert_true(helper_end(&w, h).lost); /* its token has changed */
    rights_close(&w);
}

static void test_from_one_that_has_ended(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    struct helper *h = helper_start(&w, HELPER_OWNS);
    helper_wait(&w, h);
    helper_end(&w, h);
    assert_false(eddy_owns_write(w.t, a));
    eddy_own_write(w.t, a);
    assert_int_equal(a->balance, 1);
    rights_close(&w);
}

static void test_from_one_that_runs(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0);
    struct helper *h = helper_start(&w, HELPER_RUNS);
    helper_wait(&w, h);
    for (int i = 0; i < SUPPORT_SCALE(2000, 200); i++) {
        eddy_own_write(w.t, a);
        long before = a->balance;
        a->balance = before + 1;
        assert_int_equal(EDDY_WRITABLE(w.t, a)->balance, before + 1);
        eddy_safepoint(w.t);
    }
    uint64_t its = helper_end(&w, h).count;
    eddy_own_write(w.t, a);
    assert_int_equal(a->balance, (long)its + SUPPORT_SCALE(2000, 200));
    rights_close(&w);
}

/* ---- sharing ---- */

static void test_reads_in_a_row_make_it_everybodys(void **state)
{
    (void)state;
    for (unsigned after = 0; after <= 3; after++) {
        struct rights_world w = rights_open(0);
        assert_int_equal(eddy_own_share_after(w.heap, after), EDDY_OK);
        struct account *a = account_publish(&w, 0);
        for (unsigned reads = 1; reads <= 5; reads++) {
            struct helper *h = helper_start(&w, reads == 1 ? HELPER_OWNS : HELPER_READS);
            helper_wait(&w, h);
            helper_end(&w, h); /* the next one has another record, or the same one: then it is no transfer */
            eddy_own_read(w.t, a);
            bool shared = EDDY_LOAD_ACQUIRE(&a->right) == 0;
            unsigned transfers = 2 * reads - 1;
            if (after == 0 || transfers < after)
                assert_false(shared);
            if (after != 0 && transfers >= after) {
                assert_true(shared);
                break;
            }
        }
        eddy_own_write(w.t, a); /* claims it: with nobody else running the barrier is passed at once */
        assert_true(eddy_owns_write(w.t, a));
        rights_close(&w);
    }
}

static void test_writes_in_between_do_not(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    assert_int_equal(eddy_own_share_after(w.heap, 2), EDDY_OK);
    struct account *a = account_publish(&w, 0);
    for (int i = 0; i < 4; i++) {
        struct helper *h = helper_start(&w, HELPER_READS_WRITES);
        helper_wait(&w, h);
        eddy_own_read(w.t, a);
        assert_int_not_equal(EDDY_LOAD_ACQUIRE(&a->right), 0);
        assert_false(eddy_owns_write(w.t, a)); /* for reading only, so far */
        eddy_own_write(w.t, a);
        assert_true(eddy_owns_write(w.t, a));
        helper_end(&w, h);
    }
    rights_close(&w);
}

/* Whoever writes what all read waits for those that are reading. */
static void test_readers_beside_a_writer(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    assert_int_equal(eddy_own_share_after(w.heap, 1), EDDY_OK);
    struct account *a = account_publish(&w, 0);
    struct helper *h[3];
    for (int i = 0; i < 3; i++)
        h[i] = helper_start(&w, HELPER_CHECKS);
    for (int i = 0; i < 3; i++)
        helper_wait(&w, h[i]);
    for (int i = 0; i < SUPPORT_SCALE(1000, 100); i++) {
        eddy_own_write(w.t, a);
        a->balance++;
        a->mirror = a->balance;
        eddy_safepoint(w.t);
    }
    for (int i = 0; i < 3; i++)
        helper_end(&w, h[i]);
    rights_close(&w);
}

/* ---- operations in pieces; compiled code ---- */

struct table {
    eddy_right right;
    size_t length;
    void *slots[1];
};

struct bulk {
    struct rights_world w;
    uint32_t end;
};

/* Owns the table again and again, and stores into it without exchange. */
static void *bulk_main(void *argument)
{
    struct bulk *b = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(b->w.heap, &t) == EDDY_OK);
    struct table *table = eddy_root_load(t, &slots[0]);
    for (size_t i = 0; EDDY_LOAD_ACQUIRE(&b->end) == 0; i++) {
        struct account *value = account_new(t, &b->w);
        eddy_own_write(t, table);
        eddy_own_store(t, table, &table->slots[i % table->length], i % 2 == 0 ? value : NULL);
        eddy_safepoint(t);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static void test_operations_in_pieces(void **state)
{
    (void)state;
    struct bulk b = {.w = rights_open(0)};
    const eddy_type *type;
    eddy_type_desc desc = {.name = "table",
                           .size = offsetof(struct table, slots),
                           .tail = EDDY_TAIL_REFS,
                           .length_offset = offsetof(struct table, length),
                           .flags = EDDY_TYPE_ARBITRATED};
    assert_int_equal(eddy_type_register(b.w.heap, &desc, &type), EDDY_OK);
    ROOTS_PUSH(b.w.t, 2);
    struct table *table = roots[0] = eddy_alloc_tail(b.w.t, type, 300);
    eddy_array *source = roots[1] = eddy_alloc_array(b.w.t, 300);
    eddy_own_write(b.w.t, table);
    eddy_root_store(b.w.t, &slots[0], table);
    for (size_t i = 0; i < 300; i++)
        array_put(b.w.t, source, i, account_new(b.w.t, &b.w));
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, bulk_main, &b), 0);
    for (int i = 0; i < SUPPORT_SCALE(300, 20); i++) {
        if (i % 2 == 0)
            eddy_copy_refs(b.w.t, table, table->slots, source, source->slots, 300);
        else
            eddy_fill_refs(b.w.t, table, table->slots, source->slots[7], 300);
        eddy_safepoint(b.w.t);
    }
    EDDY_STORE_RELEASE(&b.end, 1);
    eddy_native_enter(b.w.t);
    pthread_join(id, NULL);
    eddy_native_leave(b.w.t);
    assert_int_equal(eddy_verify(b.w.t, 0, NULL), EDDY_OK);
    eddy_own_write(b.w.t, table);
    struct table *longer = roots[1] = eddy_resize(b.w.t, table, 4000);
    assert_true(longer != NULL && longer->length == 4000);
    eddy_own_write(b.w.t, longer);
    assert_ptr_equal(eddy_load(b.w.t, &longer->slots[9]), eddy_load(b.w.t, &table->slots[9]));
    ROOTS_POP(b.w.t);
    rights_close(&b.w);
}

static uint32_t load32(const void *base, ptrdiff_t offset)
{
    return EDDY_LOAD_ACQUIRE((const uint32_t *)(const void *)((const char *)base + offset));
}

static void test_constants_for_compilers(void **state)
{
    (void)state;
    struct rights_world w = rights_open(0);
    struct account *a = account_publish(&w, 0), *b = account_new(w.t, &w);
    struct helper *h = helper_start(&w, HELPER_OWNS);
    helper_wait(&w, h);
    for (int i = 0; i < 4; i++) {
        const struct account *x = i % 2 == 0 ? a : b;
        assert_int_equal(load32(x, 0) == load32(w.t, EDDY_JIT_THREAD_OWN_KEY), eddy_owns_write(w.t, x));
        assert_int_equal((load32(x, 0) & load32(w.t, EDDY_JIT_THREAD_OWN_MASK)) == 0, eddy_owns_read(w.t, x));
        eddy_jit_own_read_slow(w.t, a);
        eddy_jit_own_write_slow(w.t, b);
    }
    assert_true(eddy_owns_read(w.t, a) && eddy_owns_write(w.t, b));
    uint64_t token = eddy_rights_token(w.t);
    assert_int_equal(*(const uint64_t *)(const void *)((const char *)w.t + EDDY_JIT_THREAD_RIGHTS_TOKEN), token);
    helper_end(&w, h);
    rights_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_object_becomes_its_makers),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_misuse),
#ifdef EDDY_DEBUG
        cmocka_unit_test(test_what_debug_builds_find),
        cmocka_unit_test(test_debug_builds_find_access_without_right),
#endif
        cmocka_unit_test(test_from_a_sleeper_without_waking_it),
        cmocka_unit_test(test_from_one_that_has_ended),
        cmocka_unit_test(test_from_one_that_runs),
        cmocka_unit_test(test_reads_in_a_row_make_it_everybodys),
        cmocka_unit_test(test_writes_in_between_do_not),
        cmocka_unit_test(test_readers_beside_a_writer),
        cmocka_unit_test(test_operations_in_pieces),
        cmocka_unit_test(test_constants_for_compilers),
    };
    return RUN_TESTS("ownership", tests);
}
