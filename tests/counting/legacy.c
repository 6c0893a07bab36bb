/* Split counts beside legacy code: a module that was compiled against a plain count and a deallocation hook keeps and gives
 * back references, under the legacy lock, while other threads retain and release the same objects atomically. */
#include "object.h"

#include "legacy_module.h"
#include "tests/support.h"

enum { THREADS = 4 };

static __thread struct lab_thread *self;
static uint64_t hooks; /* of the legacy lock */

static void dealloc(struct legacy_object *object)
{
    hooks++;
    split_hook(&self->own, (struct count_header *)(void *)object);
}

static struct legacy_object *as_legacy(struct object *o)
{
    return (struct legacy_object *)(void *)&o->header.plain;
}

static struct object *table; /* of the main thread */

static void *work(void *argument)
{
    unsigned index = (unsigned)(uintptr_t)argument;
    struct lab_thread *t = self = lab_attach(index + 1);
    uint64_t seed = support_seed("legacy") + 2 * index;
    for (int i = 0; i < SUPPORT_SCALE(40000, 2000); i++) {
        uint32_t at = (uint32_t)(lab_random(&seed) % LAB_MIDDLE);
        struct object *o = lab_get_shared(t, table, at);
        split_legacy_begin(&t->own);
        if (o == NULL || lab_random(&seed) % 4 == 0) { /* a new one, known to legacy code */
            if (o != NULL)
                lab_release(t, o);
            o = lab_new_int(t, 1000 + i);
            split_to_legacy(&t->own, &o->header);
            lab_retain(t, o);
            lab_set_shared(t, table, at, o);
        }
        if (lab_random(&seed) % 2 == 0)
            legacy_keep((unsigned)lab_random(&seed), as_legacy(o));
        bool gives = lab_random(&seed) % 2 == 0;
        if (gives)
            legacy_give_back(as_legacy(o)); /* a reference that may be in the shared count */
        split_legacy_end(&t->own);
        if (!gives) {
            CHECK(lab_int(o) >= 1000);
            lab_release(t, o);
        }
        lab_poll(t);
    }
    lab_detach(t);
    return NULL;
}

static void test_legacy_module(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    lab_open();
    legacy_dealloc = dealloc;
    struct lab_thread *t = self = lab_attach(0);
    table = lab_new_array(t, LAB_MIDDLE);
    lab_block(t);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    lab_unblock(t);
    split_legacy_begin(&t->own);
    legacy_forget();
    split_legacy_end(&t->own);
    lab_release(t, table);
    lab_detach(t);
    assert_int_equal(lab_live(0), 0);
    assert_true(hooks > 0);
    lab_close();
    assert_checks_passed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_legacy_module)};
    return RUN_TESTS("legacy", tests);
}
