/* A driver that fuzzes a program's own types: not part of <eddy/eddy.h>, in a library of its own (CMake: eddy::fuzz).
 *
 * The program says how objects of its types are made, how their reference fields are read and written (through its own
 * functions: what is to be tested), and how to see that one is intact. The driver lets threads do that at random, beside
 * epochs and searches for cycles that follow on each other, and checks: no object that can be reached is freed or changed; a
 * field holds what was stored last; weak references give their object as long as it is held; every count is right
 * (eddy_verify); each finalizer runs once; in the end nothing is left. So it finds trace callbacks that forget a field,
 * plain stores where a barrier is due, encodings that do not decode, references kept where nobody looks. With a debug build
 * of Eddy (EDDY_DEBUG), and with sanitizers, it finds more, and sooner. docs/examples/fuzz_types.c shows its use. */
#ifndef EDDY_FUZZ_H
#define EDDY_FUZZ_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One kind of objects. All functions get the target's context; they run on the driver's threads, several at once, and may do what
 * any code on an attached thread may. `object` is held by the caller. */
typedef struct eddy_fuzz_kind {
    const char *name;
    /* A new object, or NULL: memory has run out. `random` chooses what the program likes: a length, contents. */
    void *(*make)(eddy_thread *t, uint64_t random, void *context);
    /* How many reference fields `load` and `store` may be asked for. */
    unsigned (*fields)(const void *object, void *context);
    /* What a field refers to. Not a safepoint. */
    void *(*load)(eddy_thread *t, void *object, unsigned field, void *context);
    /* Stores a reference to an object of any kind, or NULL; false: it is not allowed there, and nothing has changed. */
    bool (*store)(eddy_thread *t, void *object, unsigned field, void *value, void *context);
    /* NULL if the object is what it should be, else what is wrong. Not a safepoint. NULL: nothing is to be checked. */
    const char *(*check)(const void *object, void *context);
    /* Whatever else the program does with such an object; what fields refer to stays. NULL: nothing. */
    void (*act)(eddy_thread *t, void *object, uint64_t random, void *context);
} eddy_fuzz_kind;

/* What is to be fuzzed. */
typedef struct eddy_fuzz_target {
    const eddy_fuzz_kind *kinds;
    unsigned count;
    /* Registers the types; `context` may become what the other functions get. Called for every heap. */
    eddy_status (*open)(eddy_heap *heap, void **context);
    /* Which kind an object is of. */
    const eddy_fuzz_kind *(*kind_of)(const void *object, void *context);
    /* Frees the context when the heap is gone; may be NULL. */
    void (*close)(void *context);
} eddy_fuzz_target;

/* How to fuzz. Zero bytes are the defaults. */
typedef struct eddy_fuzz_options {
    uint64_t seed; /* of the first heap; each heap has the next one. Programs follow from seeds, interleavings do not */
    double seconds;      /* 0: 1 */
    unsigned threads;    /* 0: 3; at most 16 */
    unsigned heap_flags; /* of eddy_config; heaps with precise and with conservative roots take turns in any case */
    size_t heap_limit;   /* 0: none */
} eddy_fuzz_options;

/* What a fuzzing run did and found; the numbers are those of all heaps together. */
typedef struct eddy_fuzz_report {
    uint64_t seed; /* of the heap that failed, or of the last one */
    uint64_t heaps, operations, objects, epochs, cycles;
    char message[400]; /* what failed; empty if nothing did */
} eddy_fuzz_report;

/* Fuzzes for as long as the options say; false if something failed, which the report tells. Then the heap is what it is, and is not
 * destroyed: the process should end. Any thread that is attached to no heap of the target's; a safepoint of
 * the driver's heaps only. `options` may be NULL. */
EDDY_API bool eddy_fuzz(const eddy_fuzz_target *target, const eddy_fuzz_options *options, eddy_fuzz_report *report);

#ifdef __cplusplus
}
#endif

#endif
