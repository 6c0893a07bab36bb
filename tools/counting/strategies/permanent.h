/* Strategy 5: permanent objects, in the two known encodings, for the strategies that count in one word.
 *
 * BIG: the count begins so high that no program takes it to zero. Nothing is tested, and nothing spared: every operation
 * still writes. BIT: the highest bit of the count says it, and who finds it set does not write. The bit is looked at as the
 * sign of the highest byte: one compare with memory and one branch, no register. */
#ifndef COUNT_PERMANENT_H
#define COUNT_PERMANENT_H

#include <stdint.h>

#include "eddy/atomic.h"

#define PERMANENT_COUNT ((uint64_t)3 << 62)

#if defined(COUNT_PERMANENT_BIT)
#define COUNT_PERMANENT 1
#define PERMANENT_TEST(word) EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&(word).byte[PERMANENT_HIGHEST]) < 0)
#define PERMANENT_TEST_ALONE(word) EDDY_UNLIKELY((word).byte[PERMANENT_HIGHEST] < 0) /* by the only thread */
#elif defined(COUNT_PERMANENT_BIG)
#define COUNT_PERMANENT 1
#define PERMANENT_TEST(word) 0
#define PERMANENT_TEST_ALONE(word) 0
#else
#define COUNT_PERMANENT 0
#define PERMANENT_TEST(word) 0
#define PERMANENT_TEST_ALONE(word) 0
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PERMANENT_HIGHEST 7
#else
#define PERMANENT_HIGHEST 0
#endif

union permanent_word {
    uint64_t count;
    int8_t byte[8];
};

#endif
