/* Reading and writing reference fields: store, load, exchange, compare-and-swap, bulk copy and fill, into
 * containers in each of the three states of the design (private-current, private-old, counted), with values in
 * each of them; several threads on the same fields; nothing lost after several epochs. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

/* ---- containers in a known state; on a manual heap no epoch passes behind the test's back ---- */

enum object_state { CURRENT, OLD, COUNTED, STATES };

#define SLOTS 16

struct box { /* SLOTS references; not so many that it is born counted */
    void *slots[SLOTS];
};

struct refs {
    struct world w;
    const eddy_type *box;
    void *roots[64]; /* handles */
    eddy_frame frame;
    void *global; /* root slot */
};

static void refs_open(struct refs *r)
{
    r->w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    size_t offsets[SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        offsets[i] = i * sizeof(void *);
    const eddy_type_desc desc = {.name = "box", .size = sizeof(struct box), .ref_offsets = offsets, .ref_count = SLOTS};
    assert_int_equal(eddy_type_register(r->w.heap, &desc, &r->box), EDDY_OK);
    memset(r->roots, 0, sizeof r->roots);
    eddy_frame_push(r->w.t, &r->frame, r->roots, sizeof r->roots / sizeof r->roots[0]);
    assert_int_equal(eddy_root_add(r->w.t, &r->global), EDDY_OK);
}

static void refs_close(struct refs *r)
{
    assert_int_equal(eddy_root_remove(r->w.t, &r->global), EDDY_OK);
    eddy_frame_pop(r->w.t, &r->frame);
    world_close(&r->w);
}

static enum object_state state_of(const struct refs *r, const void *object)
{
    if (eddy__is_own(r->w.t, object))
        return CURRENT;
    return header_is_counted(*eddy__header(object)) ? COUNTED : OLD;
}

/* Publishing something with a large closure bumps the tag: everything the thread owns becomes private-old. */
static void age_everything(struct refs *r)
{
    struct node *chain = NULL;
    for (int i = 0; i < 40; i++) {
        struct node *n = node_new(&r->w);
        EDDY_SET(r->w.t, n, left, chain);
        chain = n;
    }
    eddy_root_store(r->w.t, &r->global, chain);
}

/* Brings the fresh objects a[0..n) into the state wanted. */
static void bring(struct refs *r, enum object_state wanted, void **objects, size_t n)
{
    if (wanted == OLD)
        age_everything(r);
    for (size_t i = 0; i < n; i++) {
        if (wanted == COUNTED)
            eddy_root_store(r->w.t, &r->global, objects[i]);
        if (wanted == COUNTED && state_of(r, objects[i]) == OLD) /* so wide that it was published by a bump */
            world_step(&r->w, 1);
        assert_int_equal(state_of(r, objects[i]), wanted);
    }
}

static void *fresh(struct refs *r, enum object_state state, bool box)
{
    void *object = box ? eddy_alloc(r->w.t, r->box) : node_new(&r->w);
    bring(r, state, &object, 1);
    return object;
}

/* A box and three nodes in the given states. What shall be current comes last: an older one would age. */
static struct box *fresh_operands(struct refs *r, enum object_state box_state, enum object_state value_state,
                                  struct node *values[3])
{
    struct box *box = NULL;
    if (box_state != CURRENT)
        box = r->roots[0] = fresh(r, box_state, true);
    void *nodes[3];
    for (int i = 0; i < 3; i++)
        nodes[i] = node_new(&r->w);
    if (value_state != CURRENT)
        bring(r, value_state, nodes, 3);
    if (box == NULL)
        box = r->roots[0] = fresh(r, CURRENT, true);
    for (int i = 0; i < 3; i++) {
        values[i] = r->roots[i + 1] = nodes[i];
        values[i]->value = 100 + (uint64_t)i;
    }
    assert_int_equal(state_of(r, box), box_state);
    assert_int_equal(state_of(r, values[2]), value_state);
    return box;
}

/* Whatever held the values, except the box. */
static void drop_values(struct refs *r)
{
    r->roots[1] = r->roots[2] = r->roots[3] = NULL;
    eddy_root_store(r->w.t, &r->global, NULL);
}

typedef void pair_test(struct refs *r, struct box *box, struct node *v[3]);

static void for_all_states(pair_test *test)
{
    struct refs r;
    refs_open(&r);
    for (int box_state = CURRENT; box_state < STATES; box_state++)
        for (int value_state = CURRENT; value_state < STATES; value_state++) {
            struct node *values[3];
            struct box *box = fresh_operands(&r, (enum object_state)box_state, (enum object_state)value_state, values);
            test(&r, box, values);
            assert_verifies(&r.w);
            memset(r.roots, 0, sizeof r.roots);
            assert_int_equal(live_after_collect(&r.w), 0);
        }
    refs_close(&r);
}

/* ---- single references ---- */

static void store_and_load(struct refs *r, struct box *box, struct node *v[3])
{
    eddy_thread *t = r->w.t;
    bool was_current = state_of(r, box) == CURRENT;
    assert_null(eddy_load(t, &box->slots[3]));
    eddy_store(t, box, &box->slots[3], v[0]);
    assert_ptr_equal(eddy_load(t, &box->slots[3]), v[0]);
    assert_int_equal(state_of(r, box), was_current ? CURRENT : COUNTED);
    if (!was_current)
        assert_int_not_equal(state_of(r, v[0]), CURRENT); /* it has been published */
    eddy_store(t, box, &box->slots[3], v[1]);
    eddy_store(t, box, &box->slots[3], NULL);
    assert_null(eddy_load(t, &box->slots[3]));
    eddy_store(t, box, &box->slots[0], v[1]);
    eddy_store(t, box, &box->slots[1], v[1]);
    eddy_store(t, box, &box->slots[15], box); /* itself */
    drop_values(r);
    world_step(&r->w, 4);
    assert_ptr_equal(box->slots[0], v[1]);
    assert_ptr_equal(box->slots[1], v[1]);
    assert_int_equal(v[1]->value, 101);
    eddy_store(t, box, &box->slots[0], NULL);
    world_step(&r->w, 4);
    assert_int_equal(v[1]->value, 101); /* still held by slot 1 */
    assert_ptr_equal(eddy_object_at(r->w.heap, v[1]), v[1]);
    assert_null(eddy_object_at(r->w.heap, v[2])); /* held by nothing any more */
}

static void test_store_and_load(void **state)
{
    (void)state;
    for_all_states(store_and_load);
}

static void exchange(struct refs *r, struct box *box, struct node *v[3])
{
    eddy_thread *t = r->w.t;
    assert_null(eddy_exchange(t, box, &box->slots[7], v[0]));
    assert_ptr_equal(eddy_exchange(t, box, &box->slots[7], v[1]), v[0]);
    assert_ptr_equal(eddy_exchange(t, box, &box->slots[7], v[1]), v[1]);
    assert_ptr_equal(eddy_exchange(t, box, &box->slots[7], NULL), v[1]);
    assert_null(eddy_exchange(t, box, &box->slots[7], v[2]));
    drop_values(r);
    world_step(&r->w, 4);
    assert_ptr_equal(eddy_load(t, &box->slots[7]), v[2]);
    assert_int_equal(v[2]->value, 102);
    assert_null(eddy_object_at(r->w.heap, v[1]));
}

static void test_exchange(void **state)
{
    (void)state;
    for_all_states(exchange);
}

static void compare_and_swap(struct refs *r, struct box *box, struct node *v[3])
{
    eddy_thread *t = r->w.t;
    assert_false(eddy_compare_and_swap(t, box, &box->slots[2], v[1], v[0]));
    assert_null(eddy_load(t, &box->slots[2]));
    assert_true(eddy_compare_and_swap(t, box, &box->slots[2], NULL, v[0]));
    assert_false(eddy_compare_and_swap(t, box, &box->slots[2], NULL, v[1]));
    assert_false(eddy_compare_and_swap(t, box, &box->slots[2], v[1], NULL));
    assert_ptr_equal(eddy_load(t, &box->slots[2]), v[0]);
    assert_true(eddy_compare_and_swap(t, box, &box->slots[2], v[0], v[0]));
    assert_true(eddy_compare_and_swap(t, box, &box->slots[2], v[0], v[2]));
    assert_true(eddy_compare_and_swap(t, box, &box->slots[2], v[2], NULL));
    assert_true(eddy_compare_and_swap(t, box, &box->slots[2], NULL, v[1]));
    drop_values(r);
    world_step(&r->w, 4);
    assert_ptr_equal(eddy_load(t, &box->slots[2]), v[1]);
    assert_int_equal(v[1]->value, 101);
    assert_null(eddy_object_at(r->w.heap, v[0]));
    assert_null(eddy_object_at(r->w.heap, v[2]));
}

static void test_compare_and_swap(void **state)
{
    (void)state;
    for_all_states(compare_and_swap);
}

/* Stores for which room was reserved are no safepoints: an epoch that is asked for does not pass. */
static void test_reserved_stores_are_no_safepoints(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.log_chunk_entries = 8;
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 1);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 64);
    for (int round = 0; round < 50; round++) {
        eddy_reserve(w.t, 64);
        uint64_t epoch = w.t->epoch;
        eddy_collect_hint(w.heap);
        for (size_t i = 0; i < 64; i++)
            array_put(w.t, array, i, i % 2 ? array : NULL);
        assert_int_equal(w.t->epoch, epoch);
        eddy_safepoint(w.t);
    }
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- bulk ---- */

/* Arrays of up to 32 references begin private, longer ones are born counted. */
static eddy_array *array_in_state(struct refs *r, size_t length, enum object_state state)
{
    eddy_array *array = r->roots[0] = eddy_alloc_array(r->w.t, length);
    if (length <= OBJECT_REFS_BOUND)
        bring(r, state, &r->roots[0], 1);
    return array;
}

#define TOKENS 8

static void copy_and_compare(struct refs *r, size_t length, size_t to, size_t from, size_t n, enum object_state state)
{
    eddy_thread *t = r->w.t;
    static void *shadow[1024];
    for (int i = 0; i < TOKENS; i++)
        r->roots[8 + i] = node_new(&r->w);
    if (state != CURRENT)
        age_everything(r);
    eddy_array *array = array_in_state(r, length, state);
    for (size_t i = 0; i < length; i++) {
        shadow[i] = i % 5 == 4 ? NULL : r->roots[8 + i * 7 / 3 % TOKENS];
        array_put(t, array, i, shadow[i]);
    }
    eddy_copy_refs(t, array, &array->slots[to], array, &array->slots[from], n);
    memmove(&shadow[to], &shadow[from], n * sizeof shadow[0]);
    assert_memory_equal(array->slots, shadow, length * sizeof shadow[0]);
}

static void test_overlapping_copies(void **state)
{
    (void)state;
    struct refs r;
    refs_open(&r);
    static const size_t lengths[] = {2, 32, 33, 200, 1000};
    static const size_t shifts[] = {0, 1, 2, 63, 64, 100};
    for (int container = CURRENT; container < STATES; container++)
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
            for (size_t s = 0; s < sizeof shifts / sizeof shifts[0]; s++) {
                size_t length = lengths[l], shift = shifts[s];
                if (shift >= length)
                    continue;
                copy_and_compare(&r, length, shift, 0, length - shift, (enum object_state)container); /* up */
                copy_and_compare(&r, length, 0, shift, length - shift, (enum object_state)container); /* down */
                world_step(&r.w, 3);
                assert_verifies(&r.w);
            }
    memset(r.roots, 0, sizeof r.roots);
    eddy_root_store(r.w.t, &r.global, NULL);
    assert_int_equal(live_after_collect(&r.w), 0);
    refs_close(&r);
}

static void test_copies_between_objects_and_from_plain_memory(void **state)
{
    (void)state;
    struct refs r;
    refs_open(&r);
    eddy_thread *t = r.w.t;
    for (int container = CURRENT; container < STATES; container++) {
        void *plain[20];
        eddy_frame frame;
        memset(plain, 0, sizeof plain);
        eddy_frame_push(t, &frame, plain, 20);
        for (int i = 0; i < 20; i++)
            plain[i] = node_new(&r.w);
        eddy_array *from = array_in_state(&r, 20, (enum object_state)container);
        eddy_copy_refs(t, from, from->slots, NULL, plain, 20);
        assert_memory_equal(from->slots, plain, sizeof plain);
        r.roots[1] = from;
        eddy_array *to = r.roots[2] = eddy_alloc_array(t, 500);
        for (size_t i = 0; i < 500; i += 20)
            eddy_copy_refs(t, to, &to->slots[i], from, from->slots, 20);
        eddy_copy_refs(t, to, &to->slots[3], from, from->slots, 0); /* nothing */
        world_step(&r.w, 3);
        for (size_t i = 0; i < 500; i++)
            assert_ptr_equal(to->slots[i], plain[i % 20]);
        assert_verifies(&r.w);
        eddy_frame_pop(t, &frame);
    }
    refs_close(&r);
}

static void test_fill(void **state)
{
    (void)state;
    struct refs r;
    refs_open(&r);
    static const size_t lengths[] = {0, 1, 32, 33, 64, 700};
    for (int container = CURRENT; container < STATES; container++)
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            size_t length = lengths[l];
            eddy_array *array = array_in_state(&r, length, (enum object_state)container);
            struct node *n = r.roots[1] = node_new(&r.w);
            eddy_fill_refs(r.w.t, array, array->slots, n, length);
            for (size_t i = 0; i < length; i++)
                assert_ptr_equal(array->slots[i], n);
            world_step(&r.w, 3);
            assert_verifies(&r.w);
            eddy_fill_refs(r.w.t, array, array->slots, NULL, length);
            for (size_t i = 0; i < length; i++)
                assert_null(array->slots[i]);
        }
    memset(r.roots, 0, sizeof r.roots);
    eddy_root_store(r.w.t, &r.global, NULL);
    assert_int_equal(live_after_collect(&r.w), 0);
    refs_close(&r);
}

/* ---- contents after many epochs ---- */

/* Random operations on an array beside a shadow of it, with epochs of a few KB passing meanwhile. */
static void test_random_operations_beside_epochs(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 16 << 10;
    config.log_bytes_epoch = 16 << 10;
    struct world w = world_open_with(&config);
    uint64_t random = support_seed(__func__);
    enum { N = 300 };
    static uint64_t shadow[N]; /* the value of the node in each slot, 0 for none */
    memset(shadow, 0, sizeof shadow);
    ROOTS_PUSH(w.t, 2);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, N);
    for (uint64_t step = 1; step <= SUPPORT_SCALE(400000, 20000); step++) {
        uint64_t what = support_random(&random);
        size_t i = what % N, j = what / N % N, n = what >> 40;
        switch (what >> 61) {
        case 0:
        case 1:
        case 2: {
            struct node *node = node_new(&w);
            node->value = step;
            if (n % 3 == 0) /* a small graph behind it */
                EDDY_SET(w.t, node, left, array->slots[j]);
            array_put(w.t, array, i, node);
            shadow[i] = step;
            break;
        }
        case 3:
            array_put(w.t, array, i, eddy_load(w.t, &array->slots[j]));
            shadow[i] = shadow[j];
            break;
        case 4:
            roots[1] = eddy_exchange(w.t, array, &array->slots[i], eddy_load(w.t, &array->slots[j]));
            array_put(w.t, array, j, roots[1]);
            uint64_t held = shadow[i];
            shadow[i] = shadow[j];
            shadow[j] = held;
            break;
        case 5:
            n %= N - (i > j ? i : j);
            eddy_copy_refs(w.t, array, &array->slots[i], array, &array->slots[j], n % 20);
            memmove(&shadow[i], &shadow[j], n % 20 * sizeof shadow[0]);
            break;
        case 6:
            assert_true(eddy_compare_and_swap(w.t, array, &array->slots[i], array->slots[i], NULL));
            shadow[i] = 0;
            break;
        default:
            roots[1] = array->slots[j];
            n = n % 10 < N - i ? n % 10 : N - i;
            eddy_fill_refs(w.t, array, &array->slots[i], roots[1], n);
            for (size_t k = 0; k < n; k++)
                shadow[i + k] = roots[1] ? ((struct node *)roots[1])->value : 0;
        }
        size_t probe = what >> 20 & 127;
        const struct node *seen = array->slots[probe];
        if ((seen ? seen->value : 0) != shadow[probe])
            fail_msg("step %llu: slot %zu differs", (unsigned long long)step, probe);
    }
    roots[1] = NULL;
    for (size_t i = 0; i < N; i++)
        assert_int_equal(array->slots[i] ? ((struct node *)array->slots[i])->value : 0, shadow[i]);
    assert_verifies(&w);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- several threads on the same fields ---- */

#define THREADS 3

struct shared {
    struct world w;
    void *root;      /* root slot: an array */
    uint64_t pushed; /* sums of values, over all threads */
    uint64_t popped;
};

/* Treiber's stack; without a collector it would need protection against reuse. */
static void *stack_main(void *argument)
{
    struct shared *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(s->w.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 2);
    eddy_array *array = eddy_root_load(mine.t, &s->root); /* alive as long as the root slot holds it */
    uint64_t random = (uintptr_t)&mine | 1, pushed = 0, popped = 0;
    for (uint64_t i = 1; i <= SUPPORT_SCALE(100000, 5000); i++) {
        void **top = &array->slots[support_random(&random) % 2];
        if (support_random(&random) % 8 < 5) {
            struct node *n = roots[0] = node_new(&mine);
            n->value = i;
            pushed += i;
            do {
                roots[1] = eddy_load(mine.t, top);
                EDDY_SET(mine.t, n, left, roots[1]);
            } while (!eddy_compare_and_swap(mine.t, array, top, roots[1], n));
        } else {
            struct node *n;
            while ((n = roots[0] = eddy_load(mine.t, top)) != NULL) {
                roots[1] = EDDY_GET(mine.t, n, left);
                if (eddy_compare_and_swap(mine.t, array, top, n, roots[1])) {
                    popped += n->value;
                    break;
                }
            }
        }
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&s->pushed, pushed);
    EDDY_ADD_SEQ_CST(&s->popped, popped);
    return NULL;
}

static void run_threads(struct shared *s, void *(*main_of_thread)(void *))
{
    pthread_t ids[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, main_of_thread, s), 0);
    eddy_native_enter(s->w.t);
    for (int i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(s->w.t);
    assert_checks_passed();
}

static void shared_open(struct shared *s, size_t slots)
{
    memset(s, 0, sizeof *s);
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 64 << 10;
    config.log_bytes_epoch = 64 << 10;
    s->w = world_open_with(&config);
    assert_int_equal(eddy_root_add(s->w.t, &s->root), EDDY_OK);
    eddy_root_store(s->w.t, &s->root, eddy_alloc_array(s->w.t, slots));
}

static void shared_close(struct shared *s)
{
    assert_verifies(&s->w);
    assert_int_equal(eddy_root_remove(s->w.t, &s->root), EDDY_OK);
    assert_int_equal(live_after_collect(&s->w), 0);
    world_close(&s->w);
}

static void test_lock_free_stacks(void **state)
{
    (void)state;
    struct shared s;
    shared_open(&s, 2);
    run_threads(&s, stack_main);
    const eddy_array *array = s.root;
    uint64_t left = 0, nodes = 0;
    for (int i = 0; i < 2; i++)
        for (const struct node *n = array->slots[i]; n != NULL; n = n->left) {
            left += n->value;
            nodes++;
        }
    assert_int_equal(s.pushed - s.popped, left);
    assert_int_equal(live_after_collect(&s.w), nodes + 1);
    shared_close(&s);
}

/* Tokens are exchanged between a private hand and shared slots: none is lost, none doubled. */
static void *juggle_main(void *argument)
{
    struct shared *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(s->w.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 1);
    eddy_array *array = eddy_root_load(mine.t, &s->root);
    uint64_t random = (uintptr_t)&mine | 1;
    struct node *token = roots[0] = node_new(&mine);
    token->value = EDDY_ADD_SEQ_CST(&s->pushed, 1) + 1;
    for (int i = 0; i < SUPPORT_SCALE(100000, 5000); i++)
        roots[0] = eddy_exchange(mine.t, array, &array->slots[support_random(&random) % array->length], roots[0]);
    for (size_t i = 0; roots[0] != NULL; i++) /* lays down what is in the hand */
        if (eddy_compare_and_swap(mine.t, array, &array->slots[i % array->length], NULL, roots[0]))
            roots[0] = NULL;
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_exchanged_tokens_are_conserved(void **state)
{
    (void)state;
    struct shared s;
    shared_open(&s, 5);
    run_threads(&s, juggle_main);
    const eddy_array *array = s.root;
    uint64_t seen = 0;
    for (size_t i = 0; i < array->length; i++)
        if (array->slots[i] != NULL)
            seen |= UINT64_C(1) << ((struct node *)array->slots[i])->value;
    assert_int_equal(seen, ((UINT64_C(1) << THREADS) - 1) << 1);
    assert_int_equal(live_after_collect(&s.w), THREADS + 1);
    shared_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_and_load),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_compare_and_swap),
        cmocka_unit_test(test_reserved_stores_are_no_safepoints),
        cmocka_unit_test(test_overlapping_copies),
        cmocka_unit_test(test_copies_between_objects_and_from_plain_memory),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_random_operations_beside_epochs),
        cmocka_unit_test(test_lock_free_stacks),
        cmocka_unit_test(test_exchanged_tokens_are_conserved),
    };
    return RUN_TESTS("refs", tests);
}
