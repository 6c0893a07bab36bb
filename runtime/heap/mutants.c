/* The switches of mutants.h. */
#include "runtime/heap/mutants.h"

#ifdef EDDY_HOOKS
int eddy__mutant;
void (*eddy__hook)(enum eddy__hook_point point, void *subject);
void (*eddy__buffer_store)(void *where, uint64_t value, unsigned bytes);
uint32_t eddy__fail_countdown;
uint32_t eddy__fail_for_good;
uint32_t eddy__slice_steps;
uint32_t eddy__portion_roots;
uint32_t eddy__right_spins;

bool eddy__fails_now(void)
{
    uint32_t left = EDDY_LOAD_RELAXED(&eddy__fail_countdown);
    while (left != 0) {
        if (left == 1 && EDDY_LOAD_RELAXED(&eddy__fail_for_good) != 0)
            return true;
        if (EDDY_CAS_ACQ_REL(&eddy__fail_countdown, &left, left - 1))
            return left == 1;
    }
    return false;
}

#ifdef EDDY_COVERAGE
void eddy__arrive(enum eddy__hook_point point, void *subject)
{
    if (eddy__hook != NULL)
        eddy__hook(point, subject);
}
#endif
#else
typedef int eddy__no_mutants; /* a translation unit must not be empty */
#endif
