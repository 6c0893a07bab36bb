/* Byte code of the small stack machine, and the assembler that writes it.
 *
 * With elision the assembler does what lifetime analysis in a compiler does: an operand that was pushed from a local variable or a
 * constant, and is used up by an instruction that only looks at it, before that variable changes, is pushed *borrowed*: neither
 * the push retains, nor the use releases. The stack is static, so this is known when the code is written, and costs nothing
 * when it runs: borrowed operands have instructions of their own. What is known to be permanent needs no analysis: constants are
 * always borrowed then, and true and false are not counted between a comparison and the jump that follows. */
#ifndef BYTE_CODE_H
#define BYTE_CODE_H

#include "count.h"

enum op {
    OP_LOAD_LOCAL, /* argument: variable */
    OP_LOAD_CONST, /* argument: constant */
    OP_BORROW_LOCAL,
    OP_BORROW_CONST,
    OP_LOAD_GLOBAL, /* argument: constant that is its name */
    OP_STORE_LOCAL,
    OP_JUMP, /* argument: instruction */
    OP_JUMP_IF_FALSE,
    OP_JUMP_IF_FALSE_KNOWN, /* true and false are known to be permanent: not released */
    OP_CALL, /* argument: number of operands, all moved into a tuple; the function is the machine's second one */
    OP_RETURN,
    OP_STORE_INDEX, /* array, index, value: the value is moved */
    /* Instructions with one or two operands that they only look at: four forms each, OP + FIRST_BORROWED + SECOND_BORROWED. */
    OP_HASH,
    OP_INDEX = OP_HASH + 4,
    OP_LESS = OP_INDEX + 4,
    OP_LESS_KNOWN = OP_LESS + 4, /* nor retained */
    OP_ADD = OP_LESS_KNOWN + 4,
    OP_SUBTRACT = OP_ADD + 4,
    OP_MULTIPLY = OP_SUBTRACT + 4,
    OP_MODULO = OP_MULTIPLY + 4,
    OPS = OP_MODULO + 4
};

enum { FIRST_BORROWED = 1, SECOND_BORROWED = 2, CODE_MOST = 96, CODE_STACK = 16 };

struct instruction {
    uint16_t op, argument;
};

struct code {
    struct instruction instructions[CODE_MOST];
    uint16_t length;
    bool elide; /* lifetime analysis */
    bool known; /* constants, true and false are permanent */
    uint16_t depth;
    int pushed_by[CODE_STACK]; /* the instruction that an operand comes from, if it can be borrowed; else -1 */
};

static uint16_t emit(struct code *c, enum op op, unsigned argument)
{
    if (c->length == CODE_MOST)
        count_fatal("the program is too long");
    c->instructions[c->length] = (struct instruction){(uint16_t)op, (uint16_t)argument};
    return c->length++;
}

static void push(struct code *c, enum op op, unsigned argument)
{
    uint16_t at = emit(c, op, argument);
    bool borrowable = (c->elide && op == OP_LOAD_LOCAL) || ((c->elide || c->known) && op == OP_LOAD_CONST);
    c->pushed_by[c->depth++] = borrowable ? at : -1;
}

static void borrow(struct code *c, int at)
{
    struct instruction *load = &c->instructions[at];
    load->op = load->op == OP_LOAD_LOCAL ? OP_BORROW_LOCAL : OP_BORROW_CONST;
}

/* An instruction that looks at so many operands and leaves one. */
static void look(struct code *c, enum op op, unsigned operands)
{
    unsigned form = 0;
    if (op == OP_LESS && c->known)
        op = OP_LESS_KNOWN;
    for (unsigned i = 0; i < operands; i++) {
        int from = c->pushed_by[c->depth - operands + i];
        if (from < 0)
            continue;
        borrow(c, from);
        form |= i == 0 ? FIRST_BORROWED : SECOND_BORROWED;
    }
    emit(c, (enum op)((unsigned)op + form), 0);
    c->depth = (uint16_t)(c->depth - operands);
    c->pushed_by[c->depth++] = -1;
}

/* A variable changes: what was pushed from it must be owned. */
static void store_local(struct code *c, unsigned variable)
{
    c->depth--;
    for (unsigned i = 0; i < c->depth; i++)
        if (c->pushed_by[i] >= 0 && c->instructions[c->pushed_by[i]].op == OP_LOAD_LOCAL
            && c->instructions[c->pushed_by[i]].argument == variable)
            c->pushed_by[i] = -1;
    emit(c, OP_STORE_LOCAL, variable);
}

/* The array and the index are only looked at, but in this place of the stack they stay owned. */
static void store_index(struct code *c)
{
    emit(c, OP_STORE_INDEX, 0);
    c->depth = (uint16_t)(c->depth - 3);
}

static void call(struct code *c, unsigned operands)
{
    emit(c, OP_CALL, operands);
    c->depth = (uint16_t)(c->depth - operands);
    c->pushed_by[c->depth++] = -1;
}

static uint16_t jump_if_false(struct code *c)
{
    c->depth--;
    return emit(c, c->known ? OP_JUMP_IF_FALSE_KNOWN : OP_JUMP_IF_FALSE, 0);
}

static void land(struct code *c, uint16_t jump)
{
    c->instructions[jump].argument = c->length;
}

static void give_back(struct code *c)
{
    c->depth--;
    emit(c, OP_RETURN, 0);
}

#endif
