/* The heap and the thread record, as runtime and collector share them.
 *
 * heap -> block table -> blocks -> cells
 *      -> pools: free blocks, partly free blocks per slot, log chunks (lock-free stacks)
 *      -> thread records (a list that only grows) -> logs, runs of free cells, young blocks, roots
 *      -> collector state (collector/state.h), which no mutator touches
 *
 * Each field says who writes it. "collector" is whoever holds `collector_lock`: the collector thread,
 * or a mutator inside eddy_collector_step. */
#ifndef EDDY_RUNTIME_HEAP_HEAP_H
#define EDDY_RUNTIME_HEAP_HEAP_H

#include <pthread.h>

#include "eddy/eddy.h"
#include "runtime/heap/attachment.h"
#include "runtime/heap/block.h"
#include "runtime/heap/log.h"
#include "runtime/heap/mutants.h"
#include "runtime/heap/os.h"

struct collector;
struct cellmap;
struct stall_record;
struct record_ring;
struct recorder;
struct listener;

#define HEAP_MAX_TYPES 65535u
#define HEAP_MAX_THREADS 65534u
#define OBJECT_REFS_BOUND 32u /* objects with more reference fields are born counted */

/* ---- header of an object ---- */

#define HEADER_LOW ((UINT64_C(1) << EDDY__TAG_SHIFT) - 1)
#define HEADER_GENERATION_BITS 24
#define HEADER_GENERATION_MASK ((UINT64_C(1) << HEADER_GENERATION_BITS) - 1)
#define HEADER_OWNER_SHIFT 48

static inline bool header_is_counted(uint64_t header)
{
    return header >> EDDY__TAG_SHIFT == 0;
}
static inline bool header_is_permanent(uint64_t header)
{
    return (header & EDDY__HEADER_PERMANENT) != 0;
}
/* Counted, and not permanent: the usual case, told by one comparison. */
static inline bool header_is_plain(uint64_t header)
{
    return header < EDDY__HEADER_PERMANENT;
}
static inline unsigned header_type(uint64_t header)
{
    return (unsigned)(header & 0xffff);
}

/* ---- types ---- */

/* Reference fields that are words of an encoding. */
struct tagged {
    eddy_encoding encoding;
    uint32_t offset_count; /* in type.offsets */
    bool tail;             /* the tail, which counts as bytes elsewhere, is an array of words */
};

struct type {
    struct eddy_type fast; /* first: what inline code sees */
    char *name;
    size_t size;
    uint32_t *offsets; /* byte offsets of the reference fields of the fixed part */
    uint32_t offset_count;
    eddy_tail tail;
    size_t element_size;
    size_t length_offset;
    eddy_trace_fn *trace;
    struct tagged *tagged; /* if not NULL: offset_count is 0 and tail not EDDY_TAIL_REFS, whatever was declared */
    bool special;          /* has one of the two above */
    enum block_kind kind;
    bool born_counted;   /* always, whatever the length */
    bool mutable_fields; /* EDDY_TYPE_MUTABLE */
    bool arbitrated;     /* EDDY_TYPE_ARBITRATED */
};

/* ---- threads ---- */

/* The state word: state in bits 0..1, sequence in 2..23, epoch in 24..63. */
enum thread_state { THREAD_RUNNING = 0, THREAD_NATIVE = 1 };
#define WORD_STATE(w) ((w)&3u)
#define WORD_EPOCH(w) ((w) >> 24)
#define WORD_SEQUENCE(w) (((w) >> 2) & 0x3fffff)
#define WORD_MAKE(state, sequence, epoch)                                                                              \
    ((uint64_t)(state) | ((uint64_t)((sequence)&0x3fffff) << 2) | ((uint64_t)(epoch) << 24))

/* Where a thread record is in its life; changes under registry_lock. */
enum record_life { RECORD_FREE = 0, RECORD_ATTACHED, RECORD_DETACHED };

/* The roots a thread recorded at a handshake, or on entry to a native region. Two per thread, by the
 * parity of the epoch they belong to: the collector reads one while the thread may write the other. */
struct root_buffer {
    uintptr_t *words; /* exact references first, then words of the stack that lie in the heap's range */
    size_t kept;      /* of the handles of older frames that have been counted, so many stay */
    size_t stable;    /* words at the beginning that follow them, NULL included */
    size_t exact;
    size_t count;
    size_t room;
};

/* Roots that the collector has counted. */
struct root_list {
    uintptr_t *objects;
    size_t exact; /* so many of them, at the beginning, are not from conservative scans */
    size_t count, room;
};

/* What one handshake handed over; by parity of the epoch. Written by the thread at its own handshake,
 * by the collector when it acts on the thread's behalf; read by the collector after the acknowledgement. */
struct handover {
    uint32_t young;         /* chain of blocks (number plus one) */
    uint32_t large;         /* chain of large objects */
    uintptr_t *dec_mark;    /* the epoch's decs end here */
    struct log_chunk *pins; /* chain: what was pinned and unpinned, see runtime/pin.c */
    bool carried;           /* the thread slept in a native region through the whole epoch before, too: nothing new */
};

/* What a thread asks of the owner of an object; runtime/ownership_queue.c. */
struct steal {
    struct steal *next;
    struct thread *thread; /* who asks; constant */
    void *object;
    uint32_t state; /* whether it has been answered; futex */
    bool write;
    bool legacy; /* by the holder of the legacy lock */
};

/* What a thread has of rights; runtime/ownership.h. "owner": of this record. */
struct rights {
    struct steal wanted;       /* owner, until it is in a queue; there is one at a time */
    struct steal *requests;    /* stack of what others want of it; any thread */
    uint64_t passed;           /* owner, seq_cst: the last barrier that had begun when it passed a safepoint */
    uint32_t keeping;          /* owner: odd while it acquires rights; a number of its own for each time */
    uint32_t takers;           /* any thread: so many are taking something from it in its sleep; futex */
    uint32_t legacy_depth;     /* owner: of sections of foreign code */
    bool borrowed;             /* owner: has the legacy lock until its next safepoint, for marked objects */
    unsigned reserved;         /* owner: stores that entries have been reserved for, */
    uint64_t reserved_at;      /* at this count of fast.safepoints; both for debug builds */
    struct right_table *table; /* debug builds: what it has rights to; owner */
    bool table_missing;        /* there was no memory for it: what was asked for is not known */
};

struct thread {
    struct eddy_thread fast; /* first: what inline code sees. Owner writes */
    eddy_heap *heap;
    uint32_t magic;                    /* THREAD_MAGIC while attached */
    uint32_t number;                   /* owner number, 1 upwards; constant */
    uint64_t word;                     /* state word: owner; collector by compare-and-swap in native state */
    uint64_t generation;               /* owner */
    uint64_t bumps_left;               /* owner: bumps allowed before an epoch must pass */
    struct cellmap *maps[EDDY__SLOTS]; /* free cells of the block in hand; made when first needed; owner */
    uint64_t slots_used[2];            /* bit per slot with a run; owner, relaxed (collector reads on behalf) */
    uint32_t young;                    /* chain of used-up young blocks; owner, relaxed */
    uint32_t large;                    /* chain of young large objects; owner, relaxed */
    struct log inc, dec;
    struct root_buffer roots[2]; /* owner, by parity of its epoch */
    struct handover handover[2];
    eddy_frame *frames;           /* owner */
    eddy_frame *watermark;        /* owner: this frame and those below it have been recorded and are unchanged */
    size_t kept;                  /* owner: least total of the watermark since the last handshake */
    eddy_fiber *fiber;            /* owner: the one that runs; NULL as long as none has been switched to */
    eddy_fiber *own_fiber;        /* owner: that of the stack it began on, made when first left */
    size_t fibers;                /* owner: others that belong to the thread */
    struct root_range *ranges;    /* owner; ranges.c */
    void *held[4];                /* owner: arguments of a function that waits; roots at its handshakes */
    struct log_chunk *pin_chunks; /* what was pinned and unpinned in its epoch and is not in fast.pins; owner, relaxed */
    unsigned pins_used;           /* owner: entries of fast.pins in use, their numbers in pin_list */
    uint8_t pin_list[EDDY__PINS];
    char *stack_base;            /* owner: of the stack it runs on */
    uint32_t native_depth;       /* owner */
    uint64_t passes_seen;        /* owner: heap.cycle_passes when a wait for memory began */
    uint64_t freed_seen;         /* owner: the same of heap.objects_freed */
    uint64_t wait_begun;         /* owner: when that wait began */
    eddy_status error;           /* owner */
    bool stalled;                /* owner: inside a stall that is being timed */
    struct stall_record *stalls; /* owner; readers take its lock */
    struct record_ring *ring;    /* made under registry_lock when events are first recorded; then constant */
    pthread_t os_thread;         /* constant while attached */
    int tid;                     /* the kernel's number of that thread; constant while attached */
    bool helping;                /* owner: inside a helper of events.h */
    bool inspecting;             /* owner: has stopped the other threads, between eddy_inspect_begin and end */
    uint64_t since;              /* owner, relaxed: coarse time of its last handshake or change of state */
    enum record_life life;       /* under registry_lock */
    struct {
        const eddy_weak *cell;
        uint64_t epoch;
    } recent[WEAK_RECENT]; /* owner: cells it has loaded, and when */
    struct rights rights;
    struct thread *next; /* registry: written once */
    /* collector */
    struct root_list accepted[2]; /* roots counted in an epoch, by parity */
    struct root_list stable; /* handles of older frames, from the oldest, NULL included: counted as long as they are here */
    uint64_t in_epoch;       /* last epoch whose handshake this record took part in */
    uint64_t quiet_epochs; /* epochs since it was detached in which it had nothing left to apply */
};

#define THREAD_MAGIC 0x45644479u
#define THREAD_DEAD 0x64656164u

/* ---- the heap ---- */

struct root_slot {
    void **slot;
    struct root_slot *next;
};

struct eddy_heap {
    /* written at creation only */
    char *base;   /* first byte of the object range */
    size_t range; /* its bytes */
    struct block *blocks;
    uint32_t block_count;
    unsigned flags;
    unsigned chunk_entries;
    eddy_config config; /* as given, defaults filled in */
    char *name;
    uint64_t created_ns; /* eddy__os_now of the creation */
    void *backing;       /* private to backing_*.c */
    struct collector *collector;
    const eddy_type *bytes_type, *bytes_large_type, *array_type, *weak_type, *table_type;
    struct object_record **attachments; /* the directory; see attachment.h */
    struct listener *listeners;         /* grows at the head; under registry_lock; release */
    uint32_t listening;                 /* LISTEN_… bits of runtime/heap/events.h; under registry_lock, relaxed */

    /* written by the collector */
    uint64_t epoch __attribute__((aligned(64))); /* polled by every thread; seq_cst store under registry_lock */
    uint32_t epochs_done;                        /* futex: bumped when an epoch has been processed */
    uint64_t processed;                          /* the last epoch processed */
    uint64_t objects_freed;                      /* by counts, up to the last epoch processed */
    uint64_t cycle_passes; /* up to the last epoch processed: searches for cycles that have ended, those not counted that gave up for want of memory but freed something */
    uint64_t exhausted_from; /* epoch in which the last of them began that left no garbage of before */
    uint32_t search_lag;     /* growth during a search for cycles, thousandths of what is harmless */
    size_t epoch_bytes;      /* present distance of epochs, bytes allocated */
    size_t log_bytes;        /* the same, bytes logged */
    uint32_t waiting;        /* not 0 while it sleeps until handshakes have passed */
    uint32_t parked;         /* not 0 while eddy_verify or eddy_heap_freeze holds all threads; futex */
    uint32_t held;           /* not 0 while a thread forks: no epoch begins; that thread; futex */

    /* written by any thread */
    uint64_t allocated
        __attribute__((aligned(64))); /* bytes of blocks and large objects handed out since the last epoch began */
    uint64_t allocated_total;
    uint64_t logged;    /* bytes of log chunks taken since the last epoch began */
    uint64_t committed; /* bytes: blocks, large objects, chunks, tables */
    uint64_t overhead;  /* of which chunks and tables */
    uint64_t committed_peak;
    uint64_t unswept;           /* bytes of blocks and large objects handed out and not yet swept */
    uint64_t fresh_blocks;      /* taken that were not in a pool, since the collector last looked */
    uint32_t blocks_touched;    /* table entries from here on were never used */
    uint64_t chunks_used;       /* log chunks not in the pool */
    uint64_t heap_limit;        /* UINT64_MAX: none */
    uint64_t soft_limit;        /* UINT64_MAX: none */
    uint64_t low_epoch;         /* last epoch in which memory_low was called */
    uint32_t unacknowledged;    /* futex: threads that have not passed the handshake of the epoch in hand */
    uint32_t epoch_waiters;     /* threads that sleep on epochs_done */
    uint32_t wake;              /* futex: bumped to wake the collector */
    uint32_t asleep;            /* collector: 0 awake, 1 sleeping until a timer, 2 until woken; ASLEEP_LOST */
    uint32_t request;           /* REQUEST_… bits for the collector */
    uint32_t active;            /* something was allocated or logged since the last epoch began */
    eddy_weak *warm_cells;      /* stack of the weak cells that have become LIVE since the collector last looked */
    hidden_edge *fresh_edges;   /* stack of hidden fields in keys whose blocks the search for cycles does not enter */
    hidden_edge *dropped_edges; /* stack of those that nobody wants any more */
    uint64_t external;          /* bytes outside that objects own; part of `committed` */
    uint64_t external_fresh;    /* of these, what has been added since the last epoch began */
    uint64_t finalizers_made;   /* numbers them */
    uint64_t attached_objects;  /* records in the directory */

    uint64_t barriers __attribute__((aligned(64))); /* begun; any thread, seq_cst; runtime/ownership_barrier.c */
    uint32_t barrier_sleepers;                      /* threads that sleep on barrier_passed */
    uint32_t barrier_passed;                        /* futex: bumped when somebody passes who may be waited for */
    uint32_t legacy_next, legacy_now; /* the legacy lock: tickets; the second is a futex; runtime/ownership_legacy.c */
    uint32_t legacy_holder;           /* number of the thread that runs foreign code, or 0; that thread */
    uint32_t share_after;             /* eddy_own_share_after; any thread */

    eddy__stack free_blocks __attribute__((aligned(64)));
    eddy__stack cold_blocks; /* address space for blocks without memory behind it, not charged */
    eddy__stack chunks;
    void *retired_counts;             /* chain of replaced count arrays, see memory.c; any thread */
    uint64_t free_count;              /* blocks in free_blocks (approximate while threads pop) */
    eddy__stack partial[EDDY__SLOTS]; /* swept blocks of which a quarter is free */
    eddy__stack sparse[EDDY__SLOTS];  /* half of which is: taken first, for their long runs */

    pthread_mutex_t registry_lock; /* threads, types, root slots; covers "write the epoch and take the list" */
    struct thread *threads;        /* grows at the head; release */
    uint32_t thread_count;         /* records made */
    struct thread **numbered;      /* the records by number; each written once, release */
    uint32_t attached;             /* under registry_lock */
    struct type **types;
    uint32_t type_count;
    struct root_slot *root_slots;
    eddy_fiber *fibers;               /* all of them; runtime/heap/fiber.h */
    struct stall_record *past_stalls; /* of detached threads; under registry_lock */
    struct recorder *recorder;        /* constant */
    uint32_t recording;               /* events are recorded: set under registry_lock, reset by any thread; release */
    struct eddy_finalizer_queue *finalizer_queues; /* under registry_lock */
    pthread_mutex_t collector_lock;
    pthread_t collector_thread;
    bool collector_running;
    bool forker_entered;           /* the thread that forks has entered native state for it; under collector_lock */
    bool orphaned;                 /* a forked child in which threads vanished: counts may be too high */
    struct eddy_heap *next_atfork; /* fork.c */
};

#define ASLEEP_LOST 3 /* in a forked child: its thread has to be made again */

enum {
    REQUEST_EPOCH = 1,  /* an epoch soon */
    REQUEST_CYCLES = 2, /* and a complete search for cycles */
    REQUEST_STOP = 4    /* end the collector thread */
};

/* ---- addresses ---- */

/* False for NULL, and for permanent objects of other heaps and of the compiler: what a field may hold beside objects
 * of this heap. */
static inline bool heap_contains(const eddy_heap *heap, const void *p)
{
    return (uintptr_t)p - (uintptr_t)heap->base < heap->range;
}

static inline uint32_t block_number(const eddy_heap *heap, const void *p)
{
    return (uint32_t)(((uintptr_t)p - (uintptr_t)heap->base) >> BLOCK_SHIFT);
}

static inline struct block *block_of(const eddy_heap *heap, const void *p)
{
    return &heap->blocks[block_number(heap, p)];
}

static inline char *block_start(const eddy_heap *heap, const struct block *b)
{
    return heap->base + ((size_t)(b - heap->blocks) << BLOCK_SHIFT);
}

/* Number of the cell whose object begins at `p`. */
static inline uint32_t cell_number(const struct block *b, const void *p)
{
    uint32_t offset = ((uint32_t)(uintptr_t)p & (BLOCK_BYTES - 1)) - BLOCK_FIRST_CELL - EDDY__HEADER_SIZE;
    return (uint32_t)(((uint64_t)offset * b->reciprocal) >> 32);
}

/* The object in a cell. */
static inline char *cell_object(const eddy_heap *heap, const struct block *b, uint32_t cell)
{
    return block_start(heap, b) + BLOCK_FIRST_CELL + EDDY__HEADER_SIZE + (size_t)cell * b->cell;
}

static inline struct type *type_of_header(const eddy_heap *heap, uint64_t header)
{
    return heap->types[header_type(header)];
}

static inline struct thread *thread_of(eddy_thread *t)
{
    return (struct thread *)(void *)t;
}

/* Bytes of an object's cell without its header. */
static inline size_t object_bytes(const struct block *b)
{
    return b->cell ? b->cell - EDDY__HEADER_SIZE : EDDY_LOAD_RELAXED(&b->bytes) - BLOCK_FIRST_CELL - EDDY__HEADER_SIZE;
}

/* The state of a block, with everything that was written before it changed hands. */
static inline enum block_state block_state_of(const struct block *b)
{
    return (enum block_state)EDDY_LOAD_ACQUIRE(&b->state);
}

/* Wakes the collector if it sleeps in the rendezvous: a thread has passed, or has gone into native state. */
static inline void wake_rendezvous(eddy_heap *heap)
{
    if (EDDY_LOAD_SEQ_CST(&heap->waiting) != 0)
        eddy__os_wake(&heap->unacknowledged);
}

/* Sleeps, in native state or unattached, until an epoch after the `done`th has been processed, or so long. */
static inline void wait_epoch_done(eddy_heap *heap, uint32_t done, uint64_t nanoseconds)
{
    EDDY_ADD_SEQ_CST(&heap->epoch_waiters, 1);
    if (EDDY_LOAD_SEQ_CST(&heap->epochs_done) == done)
        eddy__os_wait(&heap->epochs_done, done, nanoseconds);
    EDDY_ADD_SEQ_CST(&heap->epoch_waiters, -1);
}

/* Whether an address is that of a permanent object outside the heap: reads what would be its header. A system call. */
bool eddy__is_foreign_permanent(const eddy_heap *heap, const void *p);

_Noreturn void eddy__misuse(const char *function, const char *what);

#endif
