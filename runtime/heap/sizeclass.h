/* Size classes of cells in 32 KiB blocks.
 *
 * A cell is the 8-byte header and the object, a multiple of 16 bytes. The first cell of a block
 * begins at offset 8, so that objects lie at multiples of 16 while a header mostly shares a cache line
 * with the first fields behind it. Steps of 16 up to 256 bytes, then four to a doubling, then the
 * sizes that divide a block with little waste. */
#ifndef EDDY_RUNTIME_HEAP_SIZECLASS_H
#define EDDY_RUNTIME_HEAP_SIZECLASS_H

#include "eddy/layout.h"

#define BLOCK_SHIFT 15
#define BLOCK_BYTES ((size_t)1 << BLOCK_SHIFT)
#define BLOCK_FIRST_CELL 8
#define CELL_MAX 8176 /* larger objects get blocks of their own */

extern const uint16_t eddy__class_cell[EDDY__CLASSES];

/* Index of the smallest class with cells of at least `cell` bytes (at most CELL_MAX). */
unsigned eddy__class_of(size_t cell);

/* Bytes of the cell for an object of `size` bytes, not rounded to a class. */
static inline size_t eddy__cell_bytes(size_t size)
{
    size_t cell = (size + EDDY__HEADER_SIZE + 15) & ~(size_t)15;
    return cell < 16 ? 16 : cell;
}

static inline unsigned eddy__cells_per_block(size_t cell)
{
    return (unsigned)((BLOCK_BYTES - BLOCK_FIRST_CELL) / cell);
}

/* ceil(2^32 / cell): (offset * reciprocal) >> 32 is offset / cell, exact for offsets below 2^15. */
static inline uint32_t eddy__cell_reciprocal(size_t cell)
{
    return (uint32_t)((((uint64_t)1 << 32) + cell - 1) / cell);
}

#endif
