/* A small stack machine with boxed values, as interpreters of dynamic languages are: operands are looked at for their kinds,
 * small numbers are shared objects that always exist, larger ones are made, names and operators are looked up in dictionaries, arguments
 * go in tuples. No specialisation, no inline caches. The cost of counting appears in it as a share of work. */
#ifndef MACHINE_H
#define MACHINE_H

#include <string.h>

#include "object.h"
#include "workloads/program.h"

enum operation {
    OPERATOR_HASH,
    OPERATOR_ITEM,
    OPERATOR_LESS,
    OPERATOR_ADD, /* in the order of the instructions, as those that follow */
    OPERATOR_SUBTRACT,
    OPERATOR_MULTIPLY,
    OPERATOR_MODULO,
    OPERATORS
};

enum { SMALL_FIRST = -5, SMALL_LAST = 256, SMALL_INTS = SMALL_LAST - SMALL_FIRST + 1, GLOBALS_ROOM = LAB_MIDDLE };

/* Objects of the machine that all threads share, all read-only: arrays in the crew's array of shared ones. */
struct machine {
    struct code main, f;
    struct object *const *small; /* small numbers */
    struct object *consts[CONSTS];
    struct object *truth[2];   /* false, true */
    struct object *globals;    /* name, value, name, value, ...: open addressing */
    struct object *classes[3]; /* of numbers, texts, arrays: name of an operator, number of the function */
    struct object *selectors[OPERATORS];
#ifdef COUNT_CENSUS_H
    uint64_t byte_codes;
#endif
};

static COUNT_COLD _Noreturn void machine_wrong(const char *what)
{
    count_fatal(what);
}

static __attribute__((noinline)) struct object *machine_new_int(struct lab_thread *t, const struct machine *m, int64_t value)
{
    if (value < SMALL_FIRST || value > SMALL_LAST)
        return lab_new_int(t, value);
    struct object *small = m->small[value - SMALL_FIRST];
    lab_retain(t, small);
    return small;
}

/* FNV-1a (Fowler, Noll, Vo) over the characters. */
static __attribute__((noinline)) int64_t machine_hash(const struct object *text)
{
    if (text->kind != LAB_TEXT)
        machine_wrong("hash of what is no text");
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *characters = lab_text(text);
    for (int i = 0; i < LAB_TEXT_LENGTH && characters[i] != 0; i++)
        hash = (hash ^ (uint8_t)characters[i]) * UINT64_C(0x100000001b3);
    return (int64_t)(hash >> 34);
}

static bool machine_same_text(const struct object *a, const struct object *b)
{
    return a == b || (lab_int(a) == lab_int(b) && memcmp(lab_text(a), lab_text(b), LAB_TEXT_LENGTH) == 0);
}

/* Borrowed. Texts have their hash in the first word. */
static __attribute__((noinline)) struct object *machine_find(struct lab_thread *t, const struct object *dictionary,
                                                             const struct object *name)
{
    uint32_t room = dictionary->length / 2;
    for (uint32_t at = (uint32_t)lab_int(name) % room;; at = (at + 1) % room) {
        const struct object *key = lab_get(t, dictionary, 2 * at);
        if (key == NULL)
            machine_wrong("no such name");
        if (machine_same_text(key, name))
            return lab_get(t, dictionary, 2 * at + 1);
    }
}

/* What an operator means for an object of that kind. */
static inline enum operation machine_meaning(struct lab_thread *t, const struct machine *m, enum operation selector,
                                             const struct object *receiver)
{
    return (enum operation)lab_int(machine_find(t, m->classes[receiver->kind - LAB_INT], m->selectors[selector]));
}

/* Owned. */
static __attribute__((noinline)) struct object *machine_binary(struct lab_thread *t, const struct machine *m,
                                                               enum operation selector, const struct object *a,
                                                               const struct object *b)
{
    enum operation meaning = machine_meaning(t, m, selector, a);
    if (a->kind != LAB_INT || b->kind != LAB_INT)
        machine_wrong("arithmetic on what is no number");
    int64_t x = lab_int(a), y = lab_int(b), result;
    bool overflow = false;
    switch (meaning) {
    case OPERATOR_ADD: overflow = __builtin_add_overflow(x, y, &result); break;
    case OPERATOR_SUBTRACT: overflow = __builtin_sub_overflow(x, y, &result); break;
    case OPERATOR_MULTIPLY: overflow = __builtin_mul_overflow(x, y, &result); break;
    default:
        if (y == 0 || (x == INT64_MIN && y == -1))
            machine_wrong("division by zero");
        result = x % y;
        if (result != 0 && (result ^ y) < 0)
            result += y;
    }
    if (overflow)
        machine_wrong("overflow");
    return machine_new_int(t, m, result);
}

static __attribute__((noinline)) bool machine_less(struct lab_thread *t, const struct machine *m,
                                                   const struct object *a, const struct object *b)
{
    if (machine_meaning(t, m, OPERATOR_LESS, a) != OPERATOR_LESS || a->kind != LAB_INT || b->kind != LAB_INT)
        machine_wrong("comparison of what is no number");
    return lab_int(a) < lab_int(b);
}

/* Borrowed. */
static __attribute__((noinline)) struct object *machine_item(struct lab_thread *t, const struct machine *m,
                                                             const struct object *array, const struct object *index)
{
    if (machine_meaning(t, m, OPERATOR_ITEM, array) != OPERATOR_ITEM || array->kind != LAB_ARRAY || index->kind != LAB_INT)
        machine_wrong("index of what has none");
    int64_t at = lab_int(index);
    if (at < 0 || at >= (int64_t)array->length)
        machine_wrong("index out of range");
    return lab_get(t, array, (uint32_t)at);
}

/* The four forms of an instruction that looks at its operands: releases those that are not borrowed. */
#define MACHINE_FORMS(op, ...)                                                                                         \
    case op: __VA_ARGS__(op, lab_release(t, a), lab_release(t, b));                                                    \
    case op + FIRST_BORROWED: __VA_ARGS__(op, (void)a, lab_release(t, b));                                             \
    case op + SECOND_BORROWED: __VA_ARGS__(op, lab_release(t, a), (void)b);                                            \
    case op + FIRST_BORROWED + SECOND_BORROWED:                                                                        \
        __VA_ARGS__(op, (void)a, (void)b)
#define MACHINE_BINARY(op, end_a, end_b)                                                                               \
    b = *--top;                                                                                                        \
    a = *--top;                                                                                                        \
    o = machine_binary(t, m, (enum operation)(OPERATOR_ADD + (op - OP_ADD) / 4), a, b);                                \
    end_a;                                                                                                             \
    end_b;                                                                                                             \
    *top++ = o;                                                                                                        \
    break
#define MACHINE_LESS(op, end_a, end_b)                                                                                 \
    b = *--top;                                                                                                        \
    a = *--top;                                                                                                        \
    o = m->truth[machine_less(t, m, a, b)];                                                                            \
    if (op != OP_LESS_KNOWN)                                                                                           \
        lab_retain(t, o);                                                                                              \
    end_a;                                                                                                             \
    end_b;                                                                                                             \
    *top++ = o;                                                                                                        \
    break
#define MACHINE_INDEX(op, end_a, end_b)                                                                                \
    b = *--top;                                                                                                        \
    a = *--top;                                                                                                        \
    o = machine_item(t, m, a, b);                                                                                      \
    lab_retain(t, o);                                                                                                  \
    end_a;                                                                                                             \
    end_b;                                                                                                             \
    *top++ = o;                                                                                                        \
    break
#define MACHINE_HASH(op, end_a, end_b)                                                                                 \
    a = *--top;                                                                                                        \
    machine_meaning(t, m, OPERATOR_HASH, a);                                                                           \
    o = machine_new_int(t, m, machine_hash(a));                                                                        \
    end_a;                                                                                                             \
    *top++ = o;                                                                                                        \
    break

/* Runs one function; variables beyond the arguments are NULL. The result is owned. */
static __attribute__((noinline)) struct object *machine_call(struct lab_thread *t, struct machine *m,
                                                             const struct code *code, struct object *const *arguments,
                                                             uint32_t count)
{
    struct object *locals[VARIABLES] = {NULL}, *stack[CODE_STACK], **top = stack, *o, *a, *b;
    for (uint32_t i = 0; i < count; i++) {
        locals[i] = arguments[i];
        lab_retain(t, locals[i]);
    }
    const struct instruction *next = code->instructions;
    for (;;) {
        const struct instruction now = *next++;
#ifdef COUNT_CENSUS_H
        m->byte_codes++;
#endif
        switch (now.op) {
        case OP_LOAD_LOCAL:
            o = locals[now.argument];
            if (o == NULL)
                machine_wrong("a variable has no value");
            lab_retain(t, o);
            *top++ = o;
            break;
        case OP_BORROW_LOCAL:
            o = locals[now.argument];
            if (o == NULL)
                machine_wrong("a variable has no value");
            *top++ = o;
            break;
        case OP_LOAD_CONST:
            o = m->consts[now.argument];
            lab_retain(t, o);
            *top++ = o;
            break;
        case OP_BORROW_CONST: *top++ = m->consts[now.argument]; break;
        case OP_LOAD_GLOBAL:
            o = machine_find(t, m->globals, m->consts[now.argument]);
            lab_retain(t, o);
            *top++ = o;
            break;
        case OP_STORE_LOCAL:
            o = locals[now.argument];
            locals[now.argument] = *--top;
            if (o != NULL)
                lab_release(t, o);
            break;
        case OP_JUMP:
            next = code->instructions + now.argument;
            lab_poll(t);
            break;
        case OP_JUMP_IF_FALSE:
            o = *--top;
            if (o == m->truth[0])
                next = code->instructions + now.argument;
            else if (o != m->truth[1])
                machine_wrong("neither true nor false");
            lab_release(t, o);
            break;
        case OP_JUMP_IF_FALSE_KNOWN:
            o = *--top;
            if (o == m->truth[0])
                next = code->instructions + now.argument;
            else if (o != m->truth[1])
                machine_wrong("neither true nor false");
            break;
        case OP_CALL:
            a = lab_new_array(t, now.argument);
            top -= now.argument;
            for (uint32_t i = 0; i < now.argument; i++)
                lab_init(t, a, i, top[i]);
            lab_poll(t);
            o = machine_call(t, m, &m->f, a->slots, a->length);
            lab_release(t, a);
            *top++ = o;
            break;
        case OP_RETURN:
            for (uint32_t i = 0; i < VARIABLES; i++)
                if (locals[i] != NULL)
                    lab_release(t, locals[i]);
            return *--top;
        case OP_STORE_INDEX:
            o = *--top;
            b = *--top;
            a = *--top;
            machine_item(t, m, a, b);
            lab_set(t, a, (uint32_t)lab_int(b), o);
            lab_release(t, b);
            lab_release(t, a);
            break;
            MACHINE_FORMS(OP_HASH, MACHINE_HASH);
            MACHINE_FORMS(OP_INDEX, MACHINE_INDEX);
            MACHINE_FORMS(OP_LESS, MACHINE_LESS);
            MACHINE_FORMS(OP_LESS_KNOWN, MACHINE_LESS);
            MACHINE_FORMS(OP_ADD, MACHINE_BINARY);
            MACHINE_FORMS(OP_SUBTRACT, MACHINE_BINARY);
            MACHINE_FORMS(OP_MULTIPLY, MACHINE_BINARY);
            MACHINE_FORMS(OP_MODULO, MACHINE_BINARY);
        default: machine_wrong("no such instruction");
        }
    }
}

#endif
