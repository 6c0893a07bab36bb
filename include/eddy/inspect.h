/* Looking into a heap: what it holds, why an object is alive, what would go with it, what the threads do.
 *
 * An *inspection* stops all attached threads at their next safepoint, as eddy_verify does, and brings the logs
 * to rest, so that all its answers are exact and agree with each other; the threads go on when it ends. It is a tool
 * for debugging, not for every minute of a running program: it reads every object. Between begin and end the
 * calling thread counts as being in a native region: it may read objects, but must call no function that
 * takes its `eddy_thread *`. No answer needs recursion; tables come from malloc, outside the heap's limit.
 *
 * The functions that take an inspection are called by the thread that began it, and are no safepoints, but for the end.
 * Those that return EDDY_ENOMEM need tables, made when first needed: 24 bytes per object and 4 per reference for paths and
 * snapshots, 56 and 8 for retained sizes. */
#ifndef EDDY_INSPECT_H
#define EDDY_INSPECT_H

#include "eddy/type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- inspections ---- */

/* An inspection under way. */
typedef struct eddy_inspection eddy_inspection;

/* Begins an inspection. Errors: EDDY_ETIMEDOUT (a thread reached no safepoint within `timeout_ms`, 0: no bound), EDDY_EBUSY
 * (one is under way already, or a verification; or called inside a callback), EDDY_ENOMEM, EDDY_ETHREAD, EDDY_EDETACHED;
 * then *inspection is NULL. Own thread only. A safepoint. Cost: several epochs. */
EDDY_API eddy_status eddy_inspect_begin(eddy_thread *t, unsigned timeout_ms, eddy_inspection **inspection);

/* Ends it: the threads go on. Same thread as begin (else the misuse handler is called). A safepoint. NULL is allowed. */
EDDY_API void eddy_inspect_end(eddy_inspection *inspection);

/* ---- the heap walk ---- */

/* How much there is of a type. */
typedef struct eddy_type_count {
    const eddy_type *type;
    uint64_t objects;
    uint64_t bytes; /* of their cells and large objects, as in eddy_stats.live_bytes */
} eddy_type_count;

/* Calls `visit` for each type of which there are objects, most bytes first. EDDY_ENOMEM. Cost: a visit of every object. */
EDDY_API eddy_status eddy_inspect_types(eddy_inspection *inspection,
                                        void (*visit)(void *context, const eddy_type_count *count), void *context);

/* What is known of an object. */
typedef struct eddy_object_info {
    const void *object;
    const eddy_type *type;
    uint64_t bytes;      /* of its cell, or large object */
    uint64_t references; /* its counted references: fields and roots that hold it */
} eddy_object_info;

/* Calls `visit` once for each object, in the order of addresses; garbage that has not been found yet included.
 * Never fails. */
EDDY_API void eddy_inspect_objects(eddy_inspection *inspection,
                                   void (*visit)(void *context, const eddy_object_info *info), void *context);

/* ---- why is it alive ---- */

/* What keeps an object alive that is no object. */
typedef enum eddy_root_kind {
    EDDY_ROOT_NONE = 0, /* no root reaches the object: garbage that has not been found yet */
    EDDY_ROOT_STACK,    /* a word on a thread's C stack or in its registers */
    EDDY_ROOT_HANDLE,   /* a slot of a frame of handles, or an argument of a function that waits */
    EDDY_ROOT_SLOT,     /* a global root slot */
    EDDY_ROOT_RETAINED, /* eddy_retain */
    EDDY_ROOT_PINNED,   /* eddy_pin */
    EDDY_ROOT_FIBER,    /* the stack or a handle of a suspended fiber */
    EDDY_ROOT_FINALIZER /* an entry of a queue of finalizers */
} eddy_root_kind;

/* The root that a path begins with. */
typedef struct eddy_root {
    eddy_root_kind kind;
    unsigned thread;  /* STACK, HANDLE: eddy_thread_state.number; else 0 */
    const void *slot; /* SLOT: its address; else NULL */
} eddy_root;

/* A path's step: `object` is referred to from the one before (the first from the root). */
typedef struct eddy_path_step {
    const void *object;
    const eddy_type *type;
    size_t field; /* offset in the object before of the field that refers to this one; 0 for the first */
} eddy_path_step;

/* A shortest path from a root to `object`, its last step. Writes the first `room` steps; *length is how many there are (0 with
 * EDDY_ROOT_NONE). `steps` may be NULL if `room` is 0. EDDY_EINVAL if `object` is no live object, EDDY_ENOMEM. Breadth-first
 * search over everything reachable the first time, then O(length). */
EDDY_API eddy_status eddy_inspect_path(eddy_inspection *inspection, const void *object, eddy_root *root,
                                       eddy_path_step *steps, size_t room, size_t *length);

/* ---- what would go with it ---- */

/* What only `object` keeps alive, itself included: the objects that it dominates in the graph from the roots. Zero for objects that
 * no root reaches. EDDY_EINVAL if `object` is no live object, EDDY_ENOMEM. The dominator tree of the whole heap is made the first
 * time (Lengauer and Tarjan, "A Fast Algorithm for Finding Dominators in a Flowgraph", TOPLAS 1(1), 1979, the simple version,
 * O(references * log objects)); then O(1). */
EDDY_API eddy_status eddy_inspect_retained(eddy_inspection *inspection, const void *object, uint64_t *objects,
                                           uint64_t *bytes);

/* Sets *dominator to the object without which `object` would be garbage, the nearest to it if there are several; to NULL if there
 * is none. Errors and cost: those of eddy_inspect_retained. */
EDDY_API eddy_status eddy_inspect_dominator(eddy_inspection *inspection, const void *object, const void **dominator);

/* ---- writing it down ---- */

/* Receives `n` bytes; false stops the writing, with EDDY_ESYSTEM as its result. */
typedef bool eddy_write_fn(void *context, const void *bytes, size_t n);

/* An eddy_write_fn for stdio: `file` is a FILE *. The caller flushes or closes it, and looks at that result, too. */
EDDY_API bool eddy_write_to_file(void *file, const void *bytes, size_t n);

/* Writes a shortest path from a root to `object` as text, a line per step. Errors and cost: those of eddy_inspect_path, and
 * EDDY_ESYSTEM (`write` refused). */
EDDY_API eddy_status eddy_inspect_print_path(eddy_inspection *inspection, const void *object, eddy_write_fn *write,
                                             void *context);

/* Writes the whole heap in the format of V8's heap snapshots, for the memory panel of Chrome's developer tools (name the
 * file *.heapsnapshot): a node per object, named after its type, with an id from its address (unambiguous within 64 GiB), so
 * that two snapshots can be compared; an edge per reference, named after the field's offset ("+8") or numbered in arrays and
 * trace callbacks; roots under "(GC roots)", garbage that has not been found yet under "(unreachable)". Errors: EDDY_ENOMEM,
 * EDDY_ESYSTEM (`write` refused). */
EDDY_API eddy_status eddy_inspect_write_snapshot(eddy_inspection *inspection, eddy_write_fn *write, void *context);

/* Writes the whole heap as a graph in the language of Graphviz (dot). For small heaps. Errors: EDDY_ENOMEM, EDDY_ESYSTEM (`write`
 * refused). */
EDDY_API eddy_status eddy_inspect_write_dot(eddy_inspection *inspection, eddy_write_fn *write, void *context);

/* ---- threads ---- */

/* What is known of one attached thread. Its backtrace is not: that would take a signal. */
typedef struct eddy_thread_state {
    unsigned number;       /* owner number within the heap, from 1; used again after a thread has ended */
    int tid;               /* the kernel's number of the thread */
    char name[16];         /* the kernel's name of the thread ("" if not readable) */
    bool native;           /* in a native region, or waiting inside Eddy; else running */
    uint64_t epoch;        /* the epoch it has entered: one behind the heap's when it still owes a handshake */
    uint64_t since_ns;     /* CLOCK_MONOTONIC to a few milliseconds: its last handshake, or entry into or exit from a
                               native region, whichever was last. Polls that found nothing to do leave no trace */
    const void *stack_low; /* its C stack: lowest address, and the first one above; NULL if unknown */
    const void *stack_high;
    char kernel_state; /* of /proc/self/task/TID/stat: R running or runnable, S sleeping, D in a disk wait, … ; 0 unknown */
    int system_call; /* number of the system call it is blocked in; -1: none, or unknown */
    uintptr_t stack_pointer,
        program_counter; /* in user code, where it is blocked; 0 while it runs, or when the kernel does not tell */
    char waits_in[32];   /* kernel function it sleeps in (wchan); "" if none or not readable */
} eddy_thread_state;

/* Is told of one thread; the state is valid until it returns. */
typedef void eddy_thread_visit_fn(void *context, const eddy_thread_state *state);

/* Calls `visit` for each attached thread. Stops nobody: each state is a snapshot of its own. Any thread, not a
 * safepoint. Takes a lock, not held during the visits; reads /proc. */
EDDY_API void eddy_inspect_threads(eddy_heap *heap, eddy_thread_visit_fn *visit, void *context);

#ifdef __cplusplus
}
#endif

#endif
