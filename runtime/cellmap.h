/* The free cells of the block that a thread allocates from, as bits: made from the count bytes when the block
 * is taken, walked run by run. Cells that the collector frees meanwhile wait for the block's sweep (I8).
 * Own thread only. */
#ifndef EDDY_RUNTIME_CELLMAP_H
#define EDDY_RUNTIME_CELLMAP_H

#include "runtime/heap/block.h"
#include "runtime/heap/mutants.h"

#define CELLMAP_WORDS (BLOCK_BYTES / 16 / 64)

struct cellmap {
    uint64_t free[CELLMAP_WORDS]; /* bit set: free and not handed out yet */
    uint32_t word;                /* no bit is set in the words before this one */
    uint32_t words;
};

/* Eight count bytes are looked at by one load; the thread sanitizer pairs only accesses of the same size. */
#if defined(__SANITIZE_THREAD__)
#define CELLMAP_BYTEWISE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CELLMAP_BYTEWISE 1
#endif
#endif

/* Bit i of the result: byte i is zero. Acquire: the zero was the collector's last write to a cell. */
static inline uint64_t cellmap_zero_bytes(const uint8_t *bytes)
{
#ifdef CELLMAP_BYTEWISE
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++)
        bits |= (uint64_t)(EDDY_LOAD_ACQUIRE(bytes + i) == 0) << i;
    return bits;
#else
    const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t x = EDDY_LOAD_ACQUIRE((const uint64_t *)(const void *)bytes);
    uint64_t zero = ~(((x & low7) + low7) | x | low7) >> 7; /* 1 in each zero byte */
    return zero * UINT64_C(0x0102040810204080) >> 56;
#endif
}

/* `b->counts` has room for a multiple of 64 cells. */
static inline void cellmap_fill(struct cellmap *map, const struct block *b)
{
    map->word = 0;
    map->words = (b->cells + 63) / 64;
    for (uint32_t w = 0; w < map->words; w++) {
        uint64_t bits = 0;
        for (unsigned i = 0; i < 8; i++)
            bits |= cellmap_zero_bytes(b->counts + w * 64 + i * 8) << (i * 8);
        if (MUTANT(MUTANT_CELLMAP_FLAGGED))
            for (unsigned i = 0; i < 64; i++)
                bits |= (uint64_t)(b->counts[w * 64 + i] <= 1) << i;
        map->free[w] = bits;
    }
    if (b->cells % 64 != 0)
        map->free[map->words - 1] &= (UINT64_C(1) << (b->cells % 64)) - 1;
}

static inline void cellmap_clear(struct cellmap *map)
{
    map->word = map->words = 0;
}

/* Takes the next run of free cells [*first, *end) out of the map; false if there is none. */
static inline bool cellmap_next(struct cellmap *map, uint32_t *first, uint32_t *end)
{
    while (map->word < map->words && map->free[map->word] == 0)
        map->word++;
    if (map->word == map->words)
        return false;
    uint64_t *bits = &map->free[map->word];
    unsigned start = (unsigned)__builtin_ctzll(*bits);
    *first = *end = map->word * 64 + start;
    for (;;) {
        uint64_t from_start = *bits >> start;
        unsigned length = ~from_start == 0 ? 64 : (unsigned)__builtin_ctzll(~from_start);
        *end += length;
        *bits &= length == 64 ? 0 : ~(((UINT64_C(1) << length) - 1) << start);
        if (start + length < 64 || ++map->word == map->words)
            break;
        bits++;
        start = 0;
    }
    *end += MUTANT(MUTANT_CELLMAP_LONG) && *end - *first < 4;
    return true;
}

/* The first cell of the run after the present one, or `none`. */
static inline uint32_t cellmap_peek(const struct cellmap *map, uint32_t none)
{
    for (uint32_t w = map->word; w < map->words; w++)
        if (map->free[w] != 0)
            return w * 64 + (uint32_t)__builtin_ctzll(map->free[w]);
    return none;
}

#endif
