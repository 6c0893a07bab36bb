/* Fields that hold words: low-bit tags, NaN boxes, a decoding of the program's own, addresses inside objects. What words refer
 * to lives, what they do not is nothing to the heap; in every kind of layout, alone and with other threads. */
#include "tests/support.h"

#define HANDLES 16
#define FIXED 3
#define MOST_LENGTH 40
#define MOST_REACHED 4096

/* One layout for all: three words, then perhaps an array of them. */
struct box {
    uint64_t id;
    size_t length;
    uintptr_t fixed[FIXED];
    uintptr_t tail[];
};

/* An encoding, and how the test makes words of it. */
struct scheme {
    const char *name;
    eddy_encoding encoding;
    uintptr_t (*encode)(const void *object); /* a reference */
    uintptr_t (*plain)(uint64_t random);     /* a word that is none */
};

#define BOXED (UINT64_C(0xfffc) << 48)
#define PAYLOAD ((UINT64_C(1) << 48) - 1)

static char not_in_the_heap[64];

static uintptr_t low_encode(const void *p)
{
    return (uintptr_t)p | ((uintptr_t)p >> 4 & 6); /* two bits that say something else, too */
}
static uintptr_t low_plain(uint64_t random)
{
    return random % 4 == 0 ? 0 : random % 4 == 1 ? (uintptr_t)not_in_the_heap & ~(uintptr_t)15 : random | 1;
}
static uintptr_t nan_encode(const void *p)
{
    return (uintptr_t)p | BOXED;
}
static uintptr_t nan_plain(uint64_t random)
{
    double d = (double)random * 1e-3;
    uintptr_t word;
    memcpy(&word, &d, sizeof word);
    return random % 5 == 0 ? BOXED : random % 5 == 1 ? (random & PAYLOAD) : word; /* NULL; what would be a pointer */
}
static void *odd_decode(uintptr_t word)
{
    return (word >> 60) == 5 ? (void *)(~word & PAYLOAD & ~(uintptr_t)15) : NULL;
}
static uintptr_t odd_encode(const void *p)
{
    return ((~(uintptr_t)p & PAYLOAD) | UINT64_C(5) << 60) & ~(uintptr_t)15;
}
static uintptr_t odd_plain(uint64_t random)
{
    return (random & (UINT64_MAX >> 4)) | UINT64_C(9) << 60;
}
static uintptr_t inside_encode(const void *p)
{
    return (uintptr_t)p + ((uintptr_t)p >> 4) % 30;
}
static uintptr_t inside_plain(uint64_t random)
{
    return random % 2 ? 0 : (uintptr_t)not_in_the_heap + random % 60;
}

static const struct scheme schemes[] = {
    {"low bits", {.test = 1, .value = 0, .address = ~(uintptr_t)15}, low_encode, low_plain},
    {"NaN", {.test = ~PAYLOAD, .value = BOXED, .address = PAYLOAD & ~(uintptr_t)15}, nan_encode, nan_plain},
    {"own", {.decode = odd_decode}, odd_encode, odd_plain},
    {"inside", {.address = UINTPTR_MAX, .flags = EDDY_ENCODING_INTERIOR}, inside_encode, inside_plain},
};
#define SCHEMES (sizeof schemes / sizeof schemes[0])

static void trace_box(const void *object, eddy_visitor *visitor)
{
    const struct box *box = object;
    for (int i = 0; i < FIXED; i++)
        eddy_visit(visitor, (void *const *)(const void *)&box->fixed[i]);
}

enum layout { NO_TAIL, TAIL, TRACED, LAYOUTS };

static const eddy_type *box_type(eddy_heap *heap, const struct scheme *scheme, enum layout layout)
{
    static const size_t offsets[] = {offsetof(struct box, fixed[0]), offsetof(struct box, fixed[1]),
                                     offsetof(struct box, fixed[2])};
    eddy_type_desc desc = {.name = "box",
                           .size = sizeof(struct box),
                           .length_offset = offsetof(struct box, length),
                           .encoding = &scheme->encoding};
    if (layout == TRACED)
        desc.trace = trace_box;
    else
        desc.ref_offsets = offsets, desc.ref_count = FIXED;
    if (layout == TAIL)
        desc.tail = EDDY_TAIL_REFS;
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(heap, &desc, &type), EDDY_OK);
    return type;
}

/* ---- a random graph, and what is reachable in it ---- */

struct machine {
    struct world w;
    const struct scheme *scheme;
    const eddy_type *types[LAYOUTS];
    void **handles;
    uint64_t random, made;
};

static struct box *box_new(struct machine *m)
{
    uint64_t random = support_random(&m->random);
    enum layout layout = (enum layout)(random % LAYOUTS);
    struct box *box = layout == TAIL
                          ? eddy_alloc_tail(m->w.t, m->types[TAIL], random >> 8 & 3 ? random >> 10 & 3 : MOST_LENGTH)
                          : eddy_alloc(m->w.t, m->types[layout]);
    assert_non_null(box);
    box->id = ++m->made;
    for (size_t i = 0; i < FIXED; i++) /* zero is whatever the encoding makes of it */
        assert_int_equal(box->fixed[i], 0);
    return box;
}

static uintptr_t *any_field(struct machine *m, struct box *box)
{
    size_t tail = eddy_object_type(m->w.heap, box) == m->types[TAIL] ? box->length : 0;
    size_t i = support_random(&m->random) % (FIXED + tail);
    return i < FIXED ? &box->fixed[i] : &box->tail[i - FIXED];
}

static uintptr_t any_word(struct machine *m)
{
    uint64_t random = support_random(&m->random);
    struct box *box = m->handles[random % HANDLES];
    return random >> 32 & 1 && box != NULL ? m->scheme->encode(box) : m->scheme->plain(support_random(&m->random));
}

struct reached {
    struct box *all[MOST_REACHED];
    size_t count;
};

static struct box *referred(const struct machine *m, uintptr_t word)
{
    void *p = eddy_decode(&m->scheme->encoding, word);
    return eddy_object_at(m->w.heap, p);
}

static void reach(const struct machine *m, struct reached *r, uintptr_t word)
{
    struct box *box = referred(m, word);
    if (box == NULL)
        return;
    assert_true(box->id != 0 && box->id <= m->made);
    for (size_t i = 0; i < r->count; i++)
        if (r->all[i] == box)
            return;
    assert_true(r->count < MOST_REACHED);
    r->all[r->count++] = box;
}

static size_t reachable(const struct machine *m)
{
    static struct reached r;
    r.count = 0;
    for (size_t i = 0; i < HANDLES; i++)
        if (m->handles[i] != NULL)
            reach(m, &r, m->scheme->encode(m->handles[i]));
    for (size_t i = 0; i < r.count; i++) {
        for (size_t k = 0; k < FIXED; k++)
            reach(m, &r, r.all[i]->fixed[k]);
        if (eddy_object_type(m->w.heap, r.all[i]) == m->types[TAIL])
            for (size_t k = 0; k < r.all[i]->length; k++)
                reach(m, &r, r.all[i]->tail[k]);
    }
    return r.count;
}

static void mutate(struct machine *m)
{
    uint64_t random = support_random(&m->random);
    size_t at = random >> 8 & (HANDLES - 1);
    struct box *box = m->handles[at];
    unsigned what = random % 16;
    if (what < 3 || box == NULL) {
        m->handles[at] = box_new(m);
        return;
    }
    if (what == 3) {
        m->handles[at] = NULL;
    } else if (what == 4) {
        struct box *next = referred(m, eddy_load_tagged(m->w.t, any_field(m, box)));
        if (next != NULL)
            m->handles[at] = next;
    } else if (what == 5) {
        eddy_collect_hint(m->w.heap);
        eddy_safepoint(m->w.t);
    } else if (what == 6 && eddy_object_type(m->w.heap, box) == m->types[TAIL]) {
        eddy_fill_refs(m->w.t, box, (void **)(void *)box->tail, (void *)any_word(m), box->length);
    } else if (what == 7) {
        eddy_copy_refs(m->w.t, box, (void **)(void *)box->fixed, box, (void *const *)(void *)(box->fixed + 1), FIXED - 1);
    } else if (what < 10) {
        uintptr_t *field = any_field(m, box), old = eddy_load_tagged(m->w.t, field), word = any_word(m);
        assert_false(eddy_compare_and_swap_tagged(m->w.t, box, field, old ^ 2, word));
        assert_int_equal(eddy_load_tagged(m->w.t, field), old);
        assert_true(eddy_compare_and_swap_tagged(m->w.t, box, field, old, word));
        assert_int_equal(eddy_load_tagged(m->w.t, field), word);
    } else if (what < 12) {
        uintptr_t *field = any_field(m, box), old = eddy_load_tagged(m->w.t, field);
        assert_int_equal(eddy_exchange_tagged(m->w.t, box, field, any_word(m)), old);
    } else {
        uintptr_t *field = any_field(m, box), word = any_word(m);
        eddy_store_tagged(m->w.t, box, field, word);
        assert_int_equal(eddy_load_tagged(m->w.t, field), word);
    }
}

static void run(const struct scheme *scheme, unsigned flags, int steps)
{
    struct machine m = {
        .w = world_open(EDDY_HEAP_PRECISE_ROOTS | flags), .scheme = scheme, .random = support_seed(scheme->name)};
    for (int i = 0; i < LAYOUTS; i++)
        m.types[i] = box_type(m.w.heap, scheme, (enum layout)i);
    ROOTS_PUSH(m.w.t, HANDLES);
    m.handles = roots;
    for (int i = 1; i <= steps; i++) {
        mutate(&m);
        if (flags != 0 && i % 16 == 0)
            world_step(&m.w, 1);
        if (i % (steps / 8) == 0) {
            size_t expected = reachable(&m);
            assert_int_equal(live_after_collect(&m.w), expected);
            assert_int_equal(reachable(&m), expected);
            assert_verifies(&m.w);
        }
    }
    memset(roots, 0, sizeof roots);
    assert_int_equal(live_after_collect(&m.w), 0);
    ROOTS_POP(m.w.t);
    world_close(&m.w);
}

static void test_random_graphs(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        run(&schemes[i], 0, SUPPORT_SCALE(20000, 2000));
        run(&schemes[i], EDDY_HEAP_MANUAL, SUPPORT_SCALE(5000, 1000));
    }
}

/* ---- large objects, cycles ---- */

static void test_words_into_the_middle_of_large_objects(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    const eddy_type *type = box_type(w.heap, &schemes[3], NO_TAIL);
    ROOTS_PUSH(w.t, 1);
    struct box *box = roots[0] = eddy_alloc(w.t, type);
    for (int round = 0; round < 2; round++) { /* private at first, then counted */
        char *large = eddy_alloc_bytes(w.t, 200000);
        memset(large, 7, 200000);
        eddy_store_tagged(w.t, box, &box->fixed[0], (uintptr_t)large + 150000);
        char *small = eddy_alloc_bytes(w.t, 100);
        eddy_store_tagged(w.t, box, &box->fixed[1], (uintptr_t)small + 99);
        assert_int_equal(live_after_collect(&w), 3);
        assert_ptr_equal(eddy_object_at(w.heap, (void *)box->fixed[0]), large);
        assert_int_equal(large[199999], 7);
        assert_verifies(&w);
    }
    eddy_store_tagged(w.t, box, &box->fixed[0], 0);
    assert_int_equal(live_after_collect(&w), 2);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

static void test_cycles_through_words(void **state)
{
    (void)state;
    for (size_t s = 0; s < SCHEMES; s++)
        for (int layout = 0; layout < LAYOUTS; layout++) {
            struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
            const eddy_type *type = box_type(w.heap, &schemes[s], (enum layout)layout);
            ROOTS_PUSH(w.t, 2);
            for (int i = 0; i < 50; i++) {
                struct box *box = layout == TAIL ? eddy_alloc_tail(w.t, type, 1) : eddy_alloc(w.t, type);
                eddy_store_tagged(w.t, box, layout == TAIL ? &box->tail[0] : &box->fixed[1],
                                  schemes[s].encode(roots[0] != NULL ? roots[0] : box));
                roots[0] = box;
                if (i == 0)
                    roots[1] = box;
            }
            struct box *first = roots[1];
            eddy_store_tagged(w.t, first, &first->fixed[2], schemes[s].encode(roots[0]));
            roots[1] = NULL;
            assert_int_equal(live_after_collect(&w), 50);
            roots[0] = NULL;
            assert_int_equal(live_after_collect(&w), 0);
            assert_true(world_stats(&w).cycle_objects_freed >= 50);
            ROOTS_POP(w.t);
            world_close(&w);
        }
}

/* ---- several threads on the fields of one object ---- */

struct shared {
    struct world w;
    const eddy_type *type;
    struct box *box; /* retained */
    uint64_t seed;
};

static void *shared_main(void *argument)
{
    struct shared s = *(struct shared *)argument;
    CHECK(eddy_thread_attach(s.w.heap, &s.w.t) == EDDY_OK);
    uint64_t random = s.seed ^ (uintptr_t)&s;
    random |= 1;
    ROOTS_PUSH(s.w.t, 2);
    for (int i = 0; i < SUPPORT_SCALE(20000, 2000); i++) {
        uint64_t r = support_random(&random);
        uintptr_t *field = &s.box->fixed[r >> 8 & 1];
        if (r % 8 == 0) {
            eddy_store_tagged(s.w.t, s.box, field, r | 1);
            continue;
        }
        struct box *box = roots[0] = eddy_alloc(s.w.t, s.type);
        box->id = r;
        box->length = ~r;
        uintptr_t old = eddy_load_tagged(s.w.t, field);
        roots[1] = eddy_decode(&schemes[0].encoding, old);
        eddy_store_tagged(s.w.t, box, &box->fixed[0], r % 8 == 1 ? old : 1);
        if (r % 8 == 2)
            eddy_compare_and_swap_tagged(s.w.t, s.box, field, old, low_encode(box));
        else
            old = eddy_exchange_tagged(s.w.t, s.box, field, low_encode(box));
        const struct box *seen = roots[1];
        if (seen != NULL)
            CHECK(seen->id == ~seen->length && eddy_object_at(s.w.heap, seen) == seen);
    }
    ROOTS_POP(s.w.t);
    CHECK(eddy_thread_detach(s.w.t) == EDDY_OK);
    return NULL;
}

static void test_threads_share_a_box(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = config.epoch_bytes_max = 128 << 10;
    struct shared s = {.w = world_open_with(&config), .seed = support_seed(__func__)};
    s.type = box_type(s.w.heap, &schemes[0], NO_TAIL);
    s.box = eddy_alloc(s.w.t, s.type);
    eddy_retain(s.w.t, s.box);
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, shared_main, &s), 0);
    eddy_native_enter(s.w.t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(s.w.t);
    assert_checks_passed();
    assert_verifies(&s.w);
    eddy_release(s.w.t, s.box);
    assert_int_equal(live_after_collect(&s.w), 0);
    world_close(&s.w);
}

/* ---- errors ---- */

static void test_errors(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    static const size_t offsets[] = {0};
    eddy_encoding encoding = {.address = ~(uintptr_t)7};
    eddy_type_desc desc = {.size = 8, .ref_offsets = offsets, .ref_count = 1, .encoding = &encoding};
    const eddy_type *type;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_EINVAL);
    encoding = (eddy_encoding){.address = ~(uintptr_t)15, .flags = 8};
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_EINVAL);
    encoding = (eddy_encoding){.address = ~(uintptr_t)15};
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    encoding.address = 0; /* it has been copied */
    ROOTS_PUSH(w.t, 1);
    uintptr_t *object = roots[0] = eddy_alloc(w.t, type);
    eddy_store_tagged(w.t, object, object, (uintptr_t)node_new(&w));
    assert_int_equal(live_after_collect(&w), 2);
#ifdef EDDY_DEBUG
    const char *text;
    struct node *n = node_new(&w);
    CATCH_MISUSE(eddy_store(w.t, object, (void **)(void *)object, n), text);
    assert_non_null(strstr(text, "eddy_store_tagged writes them"));
    CATCH_MISUSE(eddy_store_tagged(w.t, n, (uintptr_t *)(void *)&n->left, 0), text);
    assert_non_null(strstr(text, "has no encoding"));
    CATCH_MISUSE(eddy_store_tagged(w.t, object, object, (uintptr_t)n + 16), text);
    assert_non_null(strstr(text, "the value is not an object"));
#endif
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_words_into_the_middle_of_large_objects),
        cmocka_unit_test(test_cycles_through_words),
        cmocka_unit_test(test_threads_share_a_box),
        cmocka_unit_test(test_errors),
    };
    return RUN_TESTS("tagged", tests);
}
