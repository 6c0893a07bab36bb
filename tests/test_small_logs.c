/* Logs whose chunks hold one to eight entries, and whose space is bounded so tightly that stores wait: every operation
 * that pushes several entries crosses chunks, at every place where it can. No entry is lost: counts are exact. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eddy/eddy.h"
#include "runtime/heap/log.h"

#define ENTRIES_MOST 8u
#define FIELDS 5u
#define THREADS 2u
#define ROUNDS 60u
#define ARRAY 70u /* more than a bulk operation does between two safepoints */

struct node {
    struct node *f[FIELDS];
};

struct work {
    eddy_heap *heap;
    const eddy_type *type;
    unsigned number;
    bool failed;
    pthread_t os_thread;
};

static void *slots[THREADS + 1]; /* global roots: one per thread, one for all */

static eddy_heap *open_heap(unsigned entries, unsigned flags, const eddy_type **type)
{
    size_t offsets[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        offsets[i] = offsetof(struct node, f) + i * sizeof(void *);
    const eddy_type_desc desc = {.name = "node", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = FIELDS};
    eddy_config config;
    eddy_heap *heap;
    eddy_config_init(&config);
    config.flags = flags | EDDY_HEAP_PRECISE_ROOTS;
    config.reserve_bytes = (size_t)256 << 20;
    config.log_chunk_entries = entries;
    config.log_limit = 64 * LOG_CHUNK_BYTES;
    config.log_bytes_epoch = 16 * LOG_CHUNK_BYTES;
    assert_int_equal(eddy_heap_create(&config, &heap), EDDY_OK);
    assert_int_equal(eddy_type_register(heap, &desc, type), EDDY_OK);
    return heap;
}

/* ---- the work: all that logs ---- */

static struct node *full_node(eddy_thread *t, const struct work *w, void **handles)
{
    struct node *n = handles[0] = eddy_alloc(t, w->type);
    for (unsigned i = 0; n != NULL && i < FIELDS; i++) {
        struct node *child = eddy_alloc(t, w->type);
        eddy_store(t, n, (void **)&n->f[i], child);
    }
    return n;
}

/* Publishes by closure and by bump, promotes what the bump made private-old, stores, exchanges, swaps, copies. */
static bool one_round(eddy_thread *t, const struct work *w, void **handles, unsigned round)
{
    void **own = &slots[w->number];
    eddy_array *array = handles[1] = eddy_alloc_array(t, ARRAY);
    struct node *n = full_node(t, w, handles);
    if (array == NULL || n == NULL)
        return false;
    eddy_store(t, array, &array->slots[0], n);
    handles[2] = full_node(t, w, handles);
    eddy_root_store(t, own, n); /* closure */
    eddy_root_store(t, own, array);
    struct node *old = handles[2];
    handles[3] = eddy_alloc_array(t, 30);
    for (unsigned i = 0; i < 30; i++)
        eddy_store(t, handles[3], &((eddy_array *)handles[3])->slots[i], full_node(t, w, handles));
    eddy_root_store(t, &slots[THREADS], handles[3]);             /* bump */
    eddy_store(t, old, (void **)&old->f[round % FIELDS], array); /* promotes */
    eddy_store(t, array, &array->slots[1], old);
    eddy_exchange(t, old, (void **)&old->f[(round + 1) % FIELDS], n);
    eddy_compare_and_swap(t, old, (void **)&old->f[(round + 2) % FIELDS], NULL, n);
    eddy_compare_and_swap(t, old, (void **)&old->f[(round + 1) % FIELDS], n, old);
    eddy_fill_refs(t, array, array->slots + 2, old, ARRAY / 2);
    eddy_copy_refs(t, array, array->slots + 1, array, array->slots, ARRAY - 1);
    eddy_retain(t, old);
    handles[2] = handles[3] = NULL;
    eddy_safepoint(t);
    eddy_release(t, old);
    if (round % 7 == 0)
        eddy_reserve(t, 2);
    return true;
}

static bool verified(eddy_thread *t)
{
    eddy_verify_report report;
    if (eddy_verify(t, 0, &report) == EDDY_OK)
        return true;
    fprintf(stderr, "%s\n", report.message);
    return false;
}

static bool nothing_left(eddy_thread *t)
{
    eddy_stats stats;
    eddy_status status = eddy_collect(t, 0, NULL);
    eddy_heap_stats(eddy_thread_heap(t), &stats);
    return status == EDDY_OK && stats.live_objects == 0 && stats.misused_releases == 0;
}

static void *work(void *argument)
{
    struct work *w = argument;
    eddy_thread *t;
    w->failed = true;
    if (eddy_thread_attach(w->heap, &t) != EDDY_OK)
        return NULL;
    void *handles[4] = {NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, handles, 4);
    w->failed = false;
    for (unsigned round = 0; round < ROUNDS && !w->failed; round++)
        w->failed = !one_round(t, w, handles, round);
    eddy_frame_pop(t, &frame);
    if (eddy_thread_detach(t) != EDDY_OK)
        w->failed = true;
    return NULL;
}

/* ---- tests ---- */

static void run(unsigned entries, unsigned flags, unsigned threads)
{
    struct work works[THREADS];
    const eddy_type *type;
    eddy_heap *heap = open_heap(entries, flags, &type);
    eddy_thread *t;
    assert_int_equal(eddy_thread_attach(heap, &t), EDDY_OK);
    for (unsigned i = 0; i <= THREADS; i++)
        assert_int_equal(eddy_root_add(t, &slots[i]), EDDY_OK);
    eddy_native_enter(t);
    for (unsigned i = 0; i < threads; i++) {
        works[i] = (struct work){.heap = heap, .type = type, .number = i};
        assert_int_equal(pthread_create(&works[i].os_thread, NULL, work, &works[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(works[i].os_thread, NULL);
    eddy_native_leave(t);
    for (unsigned i = 0; i < threads; i++)
        assert_false(works[i].failed);
    assert_true(verified(t));
    for (unsigned i = 0; i <= THREADS; i++)
        assert_int_equal(eddy_root_remove(t, &slots[i]), EDDY_OK);
    assert_true(nothing_left(t));
    assert_true(verified(t));
    assert_int_equal(eddy_thread_detach(t), EDDY_OK);
    assert_int_equal(eddy_heap_destroy(heap), EDDY_OK);
}

static void test_manual(void **state)
{
    (void)state;
    for (unsigned entries = 1; entries <= ENTRIES_MOST; entries++)
        run(entries, EDDY_HEAP_MANUAL, 1);
}

static void test_with_collector(void **state)
{
    (void)state;
    for (unsigned entries = 1; entries <= ENTRIES_MOST; entries++)
        run(entries, 0, THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_with_collector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
