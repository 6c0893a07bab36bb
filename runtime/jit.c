/* The number of the layout that jit.h describes. Any thread may ask. */
#include "eddy/jit.h"

/* Whoever changes what compiled code relies on gives the layout a new number, in jit.h. */
_Static_assert(EDDY_JIT_LAYOUT == 2 && EDDY_JIT_THREAD_TAG == 0 && EDDY_JIT_THREAD_EPOCH_WORD == 8
                   && EDDY_JIT_THREAD_EPOCH == 16 && EDDY_JIT_TYPE_HEADER == 0 && EDDY_JIT_TYPE_RUN == 8
                   && EDDY_JIT_TYPE_CELL == 12 && EDDY_JIT_RUN_NEXT == 0 && EDDY_JIT_RUN_LIMIT == 8 && EDDY_JIT_PIN_KEY == 0
                   && EDDY_JIT_PIN_PINS == 8 && EDDY_JIT_PIN_UNPINS == 16 && EDDY_JIT_PIN_MASK == 4080
                   && EDDY_JIT_PIN_SCALE == 2 && EDDY_JIT_THREAD_RIGHTS_TOKEN == EDDY_JIT_THREAD_OWN_KEY + 8
                   && EDDY_JIT_THREAD_OWN_MASK == EDDY_JIT_THREAD_OWN_KEY + 4,
               "the layout has changed");

unsigned eddy_jit_layout(void)
{
    return EDDY_JIT_LAYOUT;
}
