/* The entry points of libFuzzer (clang -fsanitize=fuzzer): every input is a case (program.c), mutated as what it is:
 * operations are replaced, moved, repeated and taken from other inputs, never cut in the middle.
 *
 *     cmake --preset libfuzzer && cmake --build --preset libfuzzer --target eddy-fuzz-target
 *     build/libfuzzer/tools/fuzz/eddy-fuzz-target -max_len=3100 DIRECTORY tests/corpus */
#include "tools/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct fuzz_case c;
    if (fuzz_shared == NULL)
        fuzz_shared = fuzz_shared_new();
    fuzz_failures_abort = true;
    fuzz_case_from_bytes(&c, bytes, size);
    c.settings.fail_for_good = 0;
    fuzz_run(&c);
    return 0;
}

static void replace(struct fuzz_case *c, uint64_t *state)
{
    struct operation *o = &c->operations[fuzz_below(state, c->count)];
    switch (fuzz_below(state, 4)) {
    case 0: *o = fuzz_random_operation(state, o->thread); break;
    case 1: o->thread = (uint8_t)fuzz_below(state, c->settings.threads); break;
    case 2: o->a = (uint8_t)fuzz_below(state, 256); break;
    default: *(fuzz_below(state, 2) ? &o->b : &o->c) = (uint8_t)fuzz_below(state, 256);
    }
}

static void insert(struct fuzz_case *c, uint64_t *state)
{
    uint32_t at = fuzz_below(state, c->count + 1);
    if (c->count == FUZZ_OPERATIONS)
        return;
    memmove(c->operations + at + 1, c->operations + at, (c->count - at) * sizeof c->operations[0]);
    c->operations[at] = fuzz_random_operation(state, fuzz_below(state, c->settings.threads));
    c->count++;
}

static void drop(struct fuzz_case *c, uint64_t *state)
{
    uint32_t at = fuzz_below(state, c->count), n = 1 + fuzz_below(state, 4);
    if (n > c->count - at)
        n = c->count - at;
    memmove(c->operations + at, c->operations + at + n, (c->count - at - n) * sizeof c->operations[0]);
    c->count -= n;
}

static void swap(struct fuzz_case *c, uint64_t *state)
{
    struct operation *a = &c->operations[fuzz_below(state, c->count)], *b = &c->operations[fuzz_below(state, c->count)];
    struct operation kept = *a;
    *a = *b;
    *b = kept;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    static struct fuzz_case c;
    uint64_t state = seed;
    fuzz_case_from_bytes(&c, bytes, size);
    switch (c.count == 0 ? 1 : fuzz_below(&state, 10)) {
    case 0:
    case 1: insert(&c, &state); break;
    case 2: drop(&c, &state); break;
    case 3: swap(&c, &state); break;
    case 4: c.schedule.seed = fuzz_random(&state); break;
    case 5: { /* other settings, the same operations */
        static struct fuzz_case other;
        fuzz_generate(&other, fuzz_random(&state));
        c.settings = other.settings;
        c.schedule.strategy = other.schedule.strategy;
        c.schedule.rate = other.schedule.rate;
        break;
    }
    default: replace(&c, &state);
    }
    fuzz_case_normalise(&c);
    size_t written = fuzz_case_to_bytes(&c, bytes, most);
    return written != 0 ? written : size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t most, unsigned seed)
{
    static struct fuzz_case x, y;
    uint64_t state = seed;
    fuzz_case_from_bytes(&x, a, a_size);
    fuzz_case_from_bytes(&y, b, b_size);
    for (uint32_t i = 0; i < y.count && x.count < FUZZ_OPERATIONS; i++) /* some of the other's, in their order */
        if (fuzz_below(&state, 2) == 0)
            x.operations[x.count++] = y.operations[i];
    fuzz_case_normalise(&x);
    return fuzz_case_to_bytes(&x, out, most);
}
