/* The model of a deterministic run: every object, reference and root that the program has made, kept apart from
 * Eddy and from what Eddy knows. One thread runs at a time (sched.h), so the model is exact: it changes at the very
 * step at which the heap does. Objects are numbered in the order of their birth and never forgotten.
 *
 * Oracles: sound (all that is reachable in the model is where it was, unchanged), exact (when all is quiet nothing
 * else is left, and counts are in-degrees). */
#ifndef EDDY_FUZZ_MODEL_H
#define EDDY_FUZZ_MODEL_H

#include "tools/fuzz/extras.h"
#include "tools/fuzz/fuzz.h"
#include "tools/fuzz/shapes.h"

enum { MODEL_OBJECTS = 8192, MODEL_FIELDS = 1 << 17, MODEL_BUCKETS = 4 * MODEL_OBJECTS, FUZZ_WORDS = 4 };

struct model_object {
    uintptr_t address;
    uint32_t first; /* in model.fields */
    uint32_t fields;
    uint32_t length;
    uint8_t shape;
    bool replaced; /* its address was handed out again */
    bool permanent;
    bool keyed;            /* is, or was, the key of an ephemeron or of a table's entry */
    bool in_acyclic;       /* an object of a type without cycles has referred to it */
    bool gone;             /* a weak reference that has said that its target is dead */
    uint32_t target;       /* of a weak reference */
    uint32_t made, lapsed; /* ticks: made as a weak reference; see extras.h */
    uint32_t doubtful;     /* the same, if it was not put into the queue alive, or was on the cycle still */
    uint32_t table;        /* a table: its number plus one */
    uint32_t external;
    uint32_t mark; /* number of the last walk that reached it */
};

/* A store that is under way: takes effect at the exchange. */
enum pending_kind { PENDING_NONE, PENDING_STORE, PENDING_ROOT, PENDING_BULK };
struct pending {
    enum pending_kind kind;
    uint32_t object, index, value; /* numbers of objects; index of a field or root */
    uint32_t taken;                /* what an exchange took out: held by the thread until it returns */
    bool holds;                    /* … if anybody wants it */
    uint32_t source, from, count;  /* bulk: where the values come from (0: `value`) */
    uint32_t result;               /* a new object that the thread holds without a handle */
    uint32_t resized;              /* is being resized: nobody else uses it */
};

struct mutator {
    unsigned number;
    eddy_thread *thread;       /* NULL: not attached */
    void **slots;              /* FUZZ_HANDLES; in the frame, or on the C stack */
    volatile uintptr_t *words; /* FUZZ_WORDS on the C stack, which mean nothing: a conservative scan must cope */
    eddy_frame frame;
    bool framed;
    uint32_t handles[FUZZ_HANDLES]; /* the model's side */
    struct small_frame nested[FUZZ_NESTED];
    unsigned depth;         /* of `nested` */
    unsigned above;         /* frames above its own that are not in `nested` */
    const uint32_t *called; /* FUZZ_HANDLES arguments of a call under way; NULL: none */
    void *range[FUZZ_RANGE];
    uint32_t ranged[FUZZ_RANGE];
    bool has_range;
    unsigned finalizing; /* what finalizers do that it runs */
    uint32_t disposed;   /* object that it is disposing of */
    bool busy;           /* in the middle of an operation */
    struct pending pending;
    bool dies; /* ends without detaching after the operation */
    uint64_t executed;
    struct run *run;
};

struct model {
    uint32_t count; /* objects; number 0 is null */
    uint32_t field_count;
    struct model_object objects[MODEL_OBJECTS];
    uint32_t fields[MODEL_FIELDS];
    uint32_t buckets[MODEL_BUCKETS]; /* address -> number of the newest object there */
    uint32_t work[MODEL_OBJECTS];
    uint32_t walk; /* number of the last walk */
    uint32_t roots[FUZZ_ROOTS];
    uint32_t retained[FUZZ_RETAINED];
    struct extras extras;
    bool dirty; /* something was freed since the last check */
};

/* A walk along references. */
struct walk {
    struct model *model;
    uint32_t left, reached; /* objects in model.work; objects marked */
};
void model_reach(struct walk *w, uint32_t number);

/* One run: a heap and what uses it. */
struct run {
    const struct fuzz_case *c;
    eddy_heap *heap;
    const eddy_type *types[SHAPES_ALL];
    void *root_slots[FUZZ_ROOTS];
    struct mutator mutators[FUZZ_MUTATORS];
    struct model model;
    uint32_t arrived; /* mutators at the present barrier */
    uint32_t phase;
    uint32_t exclusive; /* mutator that waits until no other is in an operation, plus one; they begin none. 0: nobody */
    uint32_t foreign;   /* mutators in foreign code, under the legacy lock */
    bool listening;     /* the listeners of ops_look.c are those of this run */
    bool resting;       /* the program is over: no epochs are asked for any more */
    uint64_t operations;
};

/* A new object, checked: zeroed, not where a reachable one is. Its number. The caller puts it into a handle
 * before the next scheduling point. */
uint32_t model_born(struct run *r, void *object, unsigned shape, size_t length);
/* The same for an object that was made by eddy_resize: with the contents of another. */
uint32_t model_copied(struct run *r, void *object, uint32_t from, size_t length);
/* The model's fields of an object that has another length now: those that stay keep their values, others are null. */
void model_set_length(struct run *r, uint32_t number, size_t length);
/* The newest object at an address, 0 if there is none. */
uint32_t model_at(const struct run *r, const void *address);
static inline void *model_address(const struct run *r, uint32_t number)
{
    return (void *)r->model.objects[number].address;
}
static inline uint32_t *model_field(struct run *r, uint32_t object, uint32_t index)
{
    return &r->model.fields[r->model.objects[object].first + index];
}

static inline struct model_object *model_object(struct run *r, uint32_t number)
{
    return &r->model.objects[number];
}
/* Whether the program can reach the object now. Walks. */
bool model_reaches(struct run *r, uint32_t number);
/* What is found in a field of an object of that shape: a number. */
uint32_t model_found(const struct run *r, unsigned shape, const void *word);

/* The exchange of the store under way on `m` has taken place. */
void model_exchanged(struct mutator *m);
/* Takes over what a bulk move has done so far. */
void model_sync_bulk(struct mutator *m);

/* Marks what is reachable; how many objects that is. */
uint32_t model_mark(struct run *r);
/* The same, from ambiguous words also (numbers of objects). */
uint32_t model_mark_also(struct run *r, const uint32_t *numbers, uint32_t count);

/* oracle.c: fails unless all that is reachable is alive and holds what was stored. */
void oracle_sound(struct run *r);
/* Whether nothing is left but what is reachable, also from ambiguous words. */
bool oracle_nothing_left(struct run *r);
/* Nothing moves, all logs have been applied: nothing is left but what is reachable, and counts are exact. */
void oracle_exact(struct run *r);
/* After everything was let go. */
void oracle_empty(struct run *r);

#endif
