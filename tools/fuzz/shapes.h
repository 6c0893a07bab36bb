/* The kinds of objects of deterministic programs: one for each way in which Eddy treats objects. All but arrays
 * begin with a canary that tells number and address. */
#ifndef EDDY_FUZZ_SHAPES_H
#define EDDY_FUZZ_SHAPES_H

#include "eddy/eddy.h"

enum shape_number {
    SHAPE_NODE,    /* three references */
    SHAPE_LEAF,    /* plain bytes */
    SHAPE_ARRAY,   /* built-in array */
    SHAPE_TAILED,  /* two references and an array of them */
    SHAPE_ACYCLIC, /* two references to leaves */
    SHAPE_TRACED,  /* four references behind a callback: born counted */
    SHAPE_WIDE,    /* 33 references: born counted */
    SHAPE_LARGE,   /* two references and 9000 bytes */
    SHAPE_WORDS,   /* three words, of which those that are even refer to objects */
    SHAPE_CELL,    /* two references that may be stored into when it is permanent */
    SHAPES,
    /* Made by operations of their own, which alone know their bytes. */
    SHAPE_WEAK = SHAPES,
    SHAPE_TABLE,
    SHAPE_PURSE, /* ours: of an arbitrated type, one reference */
    SHAPES_ALL
};

struct shape {
    const char *name;
    size_t size;     /* fixed part */
    uint32_t fields; /* references in the fixed part, behind `first` */
    uint32_t first;  /* offset of the references */
    bool tailed;
    unsigned weight;
    bool opaque;
};
extern const struct shape fuzz_shapes[SHAPES_ALL];

struct shape_head {
    uint64_t canary;
    uint64_t number;
};

/* False when a type cannot be registered. */
bool shapes_register(eddy_heap *heap, const eddy_type **types);
/* A new object, not yet stamped, or NULL. A safepoint. */
void *shape_alloc(eddy_thread *t, const eddy_type *const *types, unsigned shape, size_t length);
/* Most objects know who they are. */
void shape_stamp(void *object, unsigned shape, uint32_t number);
bool shape_is_intact(const void *object, unsigned shape, uint32_t number, size_t length);
/* Whether `copy` has what Eddy copies of an object with that number. */
bool shape_is_copy(const void *copy, const void *object, unsigned shape, uint32_t number);
/* What a field of an object of this shape holds when it refers to `object` (or, NULL, to none; `salt` varies the word). */
void *shape_encode(unsigned shape, void *object, uint32_t salt);
void *shape_decode(unsigned shape, const void *word);
void **shape_fields(void *object, unsigned shape);

#endif
