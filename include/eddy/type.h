/* Describing object layouts.
 *
 * The collector must know where an object's references are. A layout is a fixed part with the
 * offsets of its reference fields, optionally followed by an array of references or of bytes; or,
 * for anything else, a trace callback. */
#ifndef EDDY_TYPE_H
#define EDDY_TYPE_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What follows the fixed part. */
typedef enum eddy_tail {
    EDDY_TAIL_NONE = 0, /* nothing: all objects of the type have the same size */
    EDDY_TAIL_REFS,     /* an array of references, `length` of them, beginning at offset `size` */
    EDDY_TAIL_BYTES     /* an array of `length` elements of `element_size` bytes without references */
} eddy_tail;

enum {
    /* Objects of this type are never part of a cycle (a promise: a cycle of such objects is never freed).
     * Spares the collector the search. Types without references have it by nature. */
    EDDY_TYPE_ACYCLIC = 1u << 0,
    /* The reference fields of permanent objects of this type may be stored into; they keep alive what they refer to. */
    EDDY_TYPE_MUTABLE = 1u << 1,
    /* Threads ask for rights to objects of this type (ownership.h), the first four bytes of which are an `eddy_right`. */
    EDDY_TYPE_ARBITRATED = 1u << 2
};

/* The visitor handed to a trace callback. */
typedef struct eddy_visitor eddy_visitor;

/* Enumerates the reference fields of an object by calling eddy_visit for each. It runs on the collector
 * thread *beside* mutators: it must visit only fields that are written through ref.h, the same set of
 * them every time it is called on the same object, must not follow the references, block, allocate,
 * or call any other function of Eddy. */
typedef void eddy_trace_fn(const void *object, eddy_visitor *visitor);

/* Reports one reference field of the object in question to the visitor, which reads it. Only inside a trace callback, on the
 * thread that called it; not a safepoint. */
EDDY_API void eddy_visit(eddy_visitor *visitor, void *const *field);

enum {
    /* The address that a word encodes may be any byte of an object (one past its end excluded); else its first. */
    EDDY_ENCODING_INTERIOR = 1u << 0
};

/* How the reference fields of a type encode references, where they are not plain pointers: low-bit tags, boxes in the
 * payload of a NaN, pointers to the inside. All fields that the type declares are such *words* then, read and written by
 * eddy_load_tagged, eddy_store_tagged and so on (ref.h). A word is a reference if (word & test) == value, to what lies at
 * (word & address). Where that will not do, `decode` says it. An address outside the heap's range, NULL for one, is no reference.
 *
 *     low bit set: an integer; else a pointer        .test = 1, .value = 0, .address = ~15
 *     pointers with the top 16 bits 0xfffc           .test = 0xffff << 48, .value = 0xfffc << 48, .address = (1 << 48) - 1
 */
typedef struct eddy_encoding {
    uintptr_t test, value; /* 0 and 0: every word is a reference */
    uintptr_t address;
    void *(*decode)(uintptr_t word); /* if not NULL, instead: the address, or NULL. Called on any thread, the collector's too, at any
                                        time: depends on the word alone, calls nothing of Eddy, does not block */
    unsigned flags;                  /* EDDY_ENCODING_… */
} eddy_encoding;

/* The address that a word encodes; NULL: it is no reference. Whether an object lies there is not asked. Any thread, not a
 * safepoint. */
static inline void *eddy_decode(const eddy_encoding *encoding, uintptr_t word)
{
    if (encoding->decode != NULL)
        return encoding->decode(word);
    return (word & encoding->test) == encoding->value ? (void *)(word & encoding->address) : NULL;
}

/* A layout, for eddy_type_register. Zero bytes are the defaults of all members. */
typedef struct eddy_type_desc {
    const char *name;          /* for diagnostics; copied; may be NULL */
    size_t size;               /* bytes of the fixed part, 0 allowed */
    const size_t *ref_offsets; /* offsets of the reference fields in the fixed part, ascending multiples of 8; copied */
    size_t ref_count;          /* how many */
    eddy_tail tail;            /* what follows the fixed part */
    size_t element_size;       /* EDDY_TAIL_BYTES: bytes of an element, at least 1 */
    size_t length_offset;      /* with a tail: offset of a size_t in the fixed part into which Eddy writes the
                                  length at allocation and eddy_resize; never change it otherwise */
    eddy_trace_fn *trace;      /* if not NULL: enumerates the references; ref_offsets must be empty and
                                  the tail NONE or BYTES */
    unsigned flags;            /* EDDY_TYPE_… */
    const eddy_encoding *encoding; /* how its reference fields encode references; copied; NULL: they are pointers */
} eddy_type_desc;

/* Registers a layout with a heap; the returned type lives as long as the heap. Errors: EDDY_EINVAL (overlapping, misaligned
 * or out-of-range offsets; a tail without a length field; no room for an eddy_right; an encoding with neither
 * EDDY_ENCODING_INTERIOR nor zeros in the low 4 bits of `address`; …), EDDY_ELIMIT (65,535 types), EDDY_ENOMEM. Any thread,
 * not a safepoint; takes a lock. */
EDDY_API eddy_status eddy_type_register(eddy_heap *heap, const eddy_type_desc *desc, const eddy_type **type);

/* The built-in type of the objects of eddy_alloc_bytes. Never NULL. Any thread, not a safepoint. */
EDDY_API const eddy_type *eddy_type_bytes(eddy_heap *heap);

/* The built-in type of the objects of eddy_alloc_array, plain arrays of references (struct eddy_array). Never NULL. Any thread,
 * not a safepoint. */
EDDY_API const eddy_type *eddy_type_array(eddy_heap *heap);

/* The name given at registration ("?" if none). Any thread, not a safepoint. */
EDDY_API const char *eddy_type_name(const eddy_type *type);

/* The layout of objects of the built-in array type. */
typedef struct eddy_array {
    size_t length;  /* number of slots; set at allocation and by eddy_resize, read-only */
    void *slots[1]; /* `length` reference fields */
} eddy_array;

#ifdef __cplusplus
}
#endif

#endif
