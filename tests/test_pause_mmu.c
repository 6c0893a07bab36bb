/* eddy-pause's minimum mutator utilisation against its definition: all windows, looked at one by one. */
#include "support.h"

#include "tools/pause/mmu.c"
#include "tools/pause/util.c"

/* By trying every beginning. */
static double by_definition(const struct lost *lost, uint64_t window)
{
    uint64_t life = lost->to - lost->from, worst = 0;
    uint64_t length = window < life ? window : life;
    for (uint64_t begin = lost->from; begin + length <= lost->to; begin++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < lost->count; i++) {
            uint64_t from = lost->begin[i] > begin ? lost->begin[i] : begin;
            uint64_t to = lost->end[i] < begin + length ? lost->end[i] : begin + length;
            sum += to > from ? to - from : 0;
        }
        worst = sum > worst ? sum : worst;
    }
    return 1 - (double)worst / (double)length;
}

static void test_definition(void **state)
{
    (void)state;
    uint64_t random = support_seed("test_definition");
    for (int round = 0; round < SUPPORT_SCALE(400, 60); round++) {
        struct lost lost = {.from = 50 + support_random(&random) % 20};
        lost.to = lost.from + 1 + support_random(&random) % 200;
        uint64_t at = lost.from - support_random(&random) % 10;
        for (unsigned i = 0, count = support_random(&random) % 12; i < count; i++) {
            uint64_t begin = at + support_random(&random) % 30;
            at = begin + support_random(&random) % 20;
            lost_add(&lost, begin, at);
        }
        lost_sum(&lost);
        for (uint64_t window = 1; window < 260; window += 1 + support_random(&random) % 9)
            assert_true(fabs(lost_mmu(&lost, window) - by_definition(&lost, window)) < 1e-12);
        lost_free(&lost);
    }
}

static void test_edges(void **state)
{
    (void)state;
    struct lost none = {.from = 10, .to = 20};
    lost_sum(&none);
    assert_true(lost_mmu(&none, 5) == 1 && lost_mmu(&none, 100) == 1);
    lost_free(&none);
    struct lost all = {.from = 10, .to = 20};
    lost_add(&all, 0, 15);
    lost_add(&all, 12, 100); /* overlaps the first: counted once */
    lost_sum(&all);
    assert_true(lost_mmu(&all, 5) == 0 && lost_mmu(&all, 10) == 0 && lost_mmu(&all, 11) == 0);
    lost_free(&all);
    assert_true(least_mmu(NULL, 0, 5) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition), cmocka_unit_test(test_edges)};
    return RUN_TESTS("pause_mmu", tests);
}
