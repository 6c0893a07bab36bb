/* Where memory comes from: blocks, large objects, log chunks, tables; all of it charged to the heap.
 *
 * `eddy__backing_…` is implemented by backing_jemalloc.c or backing_plain.c (chosen at build time) and
 * hands out 32 KiB-aligned runs inside the heap's range. Everything else is in memory.c. Any thread. */
#ifndef EDDY_RUNTIME_HEAP_MEMORY_H
#define EDDY_RUNTIME_HEAP_MEMORY_H

#include "runtime/heap/heap.h"

/* Prepares the range [heap->base, +heap->range). */
eddy_status eddy__backing_create(eddy_heap *heap);
void eddy__backing_destroy(eddy_heap *heap);
/* `bytes` (a multiple of the page size), aligned to 32 KiB; *zeroed says whether they read as zero. NULL when used up. */
void *eddy__backing_take(eddy_heap *heap, size_t bytes, bool *zeroed);
void eddy__backing_give(eddy_heap *heap, void *p, size_t bytes);
/* While the process forks. */
void eddy__backing_lock(eddy_heap *heap);
void eddy__backing_unlock(eddy_heap *heap);
/* Makes a run longer or shorter where it is; false, changing nothing, when that cannot be. What is added has any contents. */
bool eddy__backing_resize(eddy_heap *heap, void *p, size_t bytes, size_t wanted);
/* Returns unused memory to the system: all of it, or what has been unused for a while. */
void eddy__backing_trim(eddy_heap *heap, bool all);

/* Accounting. Objects (blocks and large objects) and overhead (log chunks and tables) together stay below the
 * limit; objects leave a reserve for overhead, which is a sixteenth of the limit. The first two charge nothing
 * and return false when the limit does not allow it. The third is for tables without which entries or objects
 * would be lost: it gives up free blocks to make room, and only beyond that exceeds the limit. */
bool eddy__charge_objects(eddy_heap *heap, size_t bytes);
bool eddy__charge_overhead(eddy_heap *heap, size_t bytes);
void eddy__charge_always(eddy_heap *heap, size_t bytes);
void eddy__discharge_objects(eddy_heap *heap, size_t bytes);
void eddy__discharge_overhead(eddy_heap *heap, size_t bytes);
/* Bytes that objects may take in addition, free blocks counted as room; UINT64_MAX without a limit. */
uint64_t eddy__room(const eddy_heap *heap);
/* Whether more is charged than the limit allows: tables of a search may have exceeded it for its time. */
bool eddy__over_limit(const eddy_heap *heap);

/* Internal memory, zeroed; NULL when the system has none. Charged always. */
void *eddy__internal_alloc(eddy_heap *heap, size_t bytes);
void eddy__internal_free(eddy_heap *heap, void *p, size_t bytes);

/* Takes a block with state NONE or FREE out of the pool, or new from the backing; NULL when the limit or the
 * range is used up. Never waits. */
struct block *eddy__block_take(eddy_heap *heap);
/* Puts a new block into the pool, its memory touched; false when the limit or the range is used up. */
bool eddy__block_prepare(eddy_heap *heap);
/* Puts a block without live cells into the pool (state FREE). */
void eddy__block_give(eddy_heap *heap, struct block *b);
/* Gives the memory of free blocks beyond `keep` back to the system, and their count bytes two epochs later. */
void eddy__blocks_trim(eddy_heap *heap, size_t keep);

/* Makes `b` a block of empty cells, state YOUNG and birth `epoch` (release). False when there is no
 * memory for its count bytes. */
bool eddy__block_format(eddy_heap *heap, struct block *b, unsigned slot, uint64_t epoch);

/* Memory that other threads may be looking at until their next safepoint: retired, by any thread, it is freed two epochs
 * later. What nobody has seen yet can be freed at once. NULL when the system has none. */
void *eddy__retirable_alloc(eddy_heap *heap, size_t bytes);
void eddy__retire(eddy_heap *heap, void *p);
void eddy__retirable_free(eddy_heap *heap, void *p);

/* Collector, once an epoch: frees the count arrays, and whatever else was retired, an epoch ago or earlier. */
void eddy__counts_reclaim(eddy_heap *heap, void **previous);
/* At the heap's end: frees the count array of a block. */
void eddy__counts_free(struct block *b);

/* A large object of `bytes` including header room: its first block, state LARGE; NULL when used up. */
struct block *eddy__large_take(eddy_heap *heap, size_t bytes, enum block_kind kind, uint64_t epoch);
/* A thread that can reach it: makes a large object take `bytes` including header room, where it is; false, changing nothing,
 * when that cannot be now. What is added reads as zero. `epoch`: of the thread. */
bool eddy__large_resize(eddy_heap *heap, struct block *b, size_t bytes, uint64_t epoch);
/* Gives its memory back. */
void eddy__large_give(eddy_heap *heap, struct block *b);

/* A log chunk, or NULL when the limit is reached; `surely`: even then, for a thread that attaches. */
struct log_chunk *eddy__chunk_take(eddy_heap *heap, bool surely);
void eddy__chunk_give(eddy_heap *heap, struct log_chunk *chunk);
/* Collector: makes free blocks of those whose chunks are all in the pool. */
void eddy__chunks_trim(eddy_heap *heap);

/* Lock-free stacks of blocks, linked by block.next. */
void eddy__blocks_push(eddy_heap *heap, eddy__stack *stack, struct block *b);
struct block *eddy__blocks_pop(eddy_heap *heap, eddy__stack *stack);
/* Takes the whole stack: the number plus one of its top, a chain. */
uint32_t eddy__blocks_take_all(eddy__stack *stack);

#endif
