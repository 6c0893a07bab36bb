/* The contract with the operating system (runtime/heap/os.h), where pages may be of any size. */
#include "tests/support.h"

#include "runtime/heap/os.h"

static bool holds(const unsigned char *from, const unsigned char *to, unsigned char byte)
{
    for (; from < to; from++)
        if (*from != byte)
            return false;
    return true;
}

/* What is dropped reads as zero, and nothing around it does: within a page, across pages, with whole pages in between. */
static void test_discard_drops_what_it_is_told_to(void **state)
{
    (void)state;
    size_t page = eddy__os_page(), bytes = 6 * page;
    unsigned char *base = eddy__os_reserve(bytes, page);
    assert_non_null(base);
    const size_t edges[] = {0, 1, page - 1, page, page + 4096, 2 * page, 3 * page + 8, 5 * page, bytes};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        for (size_t k = i; k < sizeof edges / sizeof edges[0]; k++) {
            memset(base, 0x5a, bytes);
            eddy__os_discard(base + edges[i], edges[k] - edges[i]);
            assert_true(holds(base, base + edges[i], 0x5a));
            assert_true(holds(base + edges[i], base + edges[k], 0));
            assert_true(holds(base + edges[k], base + bytes, 0x5a));
        }
    }
    eddy__os_unreserve(base, bytes);
}

static void test_reservations_are_aligned(void **state)
{
    (void)state;
    for (size_t alignment = eddy__os_page(); alignment <= (size_t)1 << 24; alignment *= 4) {
        unsigned char *base = eddy__os_reserve((size_t)1 << 20, alignment);
        assert_non_null(base);
        assert_int_equal((uintptr_t)base & (alignment - 1), 0);
        assert_true(holds(base, base + ((size_t)1 << 20), 0));
        eddy__os_unreserve(base, (size_t)1 << 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discard_drops_what_it_is_told_to),
        cmocka_unit_test(test_reservations_are_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
