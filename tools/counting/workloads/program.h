/* The program that the small stack machine runs: hashing of lines of text, arithmetic on boxed numbers, look-ups by name, calls with
 * argument tuples, an array as container.
 *
 *     def f(a, b):                              def main(n):
 *         if a < b: return b - a                    i = 0; total = 0
 *         return a * 3 + b                          while i < n:
 *                                                       k = (hash(lines[i % 8]) + i) % 16
 *                                                       total = (total + f(i, table[k]) * scale) % limit
 *                                                       table[k] = total
 *                                                       i = i + 1
 *                                                   return total
 *
 * `lines` is a constant, `scale` and `limit` are globals, `table` is a container of the thread. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "workloads/byte_code.h"

enum constant { CONST_0, CONST_1, CONST_3, CONST_8, CONST_16, CONST_LINES, CONST_SCALE, CONST_LIMIT, CONSTS };
enum variable { VAR_I, VAR_N, VAR_TOTAL, VAR_TABLE, VAR_K, VARIABLES = 8 };

static void write_f(struct code *c)
{
    enum { A, B };
    push(c, OP_LOAD_LOCAL, A);
    push(c, OP_LOAD_LOCAL, B);
    look(c, OP_LESS, 2);
    uint16_t otherwise = jump_if_false(c);
    push(c, OP_LOAD_LOCAL, B);
    push(c, OP_LOAD_LOCAL, A);
    look(c, OP_SUBTRACT, 2);
    give_back(c);
    land(c, otherwise);
    push(c, OP_LOAD_LOCAL, A);
    push(c, OP_LOAD_CONST, CONST_3);
    look(c, OP_MULTIPLY, 2);
    push(c, OP_LOAD_LOCAL, B);
    look(c, OP_ADD, 2);
    give_back(c);
}

static void write_main(struct code *c)
{
    push(c, OP_LOAD_CONST, CONST_0);
    store_local(c, VAR_I);
    push(c, OP_LOAD_CONST, CONST_0);
    store_local(c, VAR_TOTAL);
    uint16_t loop = c->length;
    push(c, OP_LOAD_LOCAL, VAR_I);
    push(c, OP_LOAD_LOCAL, VAR_N);
    look(c, OP_LESS, 2);
    uint16_t done = jump_if_false(c);

    push(c, OP_LOAD_CONST, CONST_LINES);
    push(c, OP_LOAD_LOCAL, VAR_I);
    push(c, OP_LOAD_CONST, CONST_8);
    look(c, OP_MODULO, 2);
    look(c, OP_INDEX, 2);
    look(c, OP_HASH, 1);
    push(c, OP_LOAD_LOCAL, VAR_I);
    look(c, OP_ADD, 2);
    push(c, OP_LOAD_CONST, CONST_16);
    look(c, OP_MODULO, 2);
    store_local(c, VAR_K);

    push(c, OP_LOAD_LOCAL, VAR_TOTAL);
    push(c, OP_LOAD_LOCAL, VAR_I);
    push(c, OP_LOAD_LOCAL, VAR_TABLE);
    push(c, OP_LOAD_LOCAL, VAR_K);
    look(c, OP_INDEX, 2);
    call(c, 2);
    push(c, OP_LOAD_GLOBAL, CONST_SCALE);
    look(c, OP_MULTIPLY, 2);
    look(c, OP_ADD, 2);
    push(c, OP_LOAD_GLOBAL, CONST_LIMIT);
    look(c, OP_MODULO, 2);
    store_local(c, VAR_TOTAL);

    push(c, OP_LOAD_LOCAL, VAR_TABLE);
    push(c, OP_LOAD_LOCAL, VAR_K);
    push(c, OP_LOAD_LOCAL, VAR_TOTAL);
    store_index(c);

    push(c, OP_LOAD_LOCAL, VAR_I);
    push(c, OP_LOAD_CONST, CONST_1);
    look(c, OP_ADD, 2);
    store_local(c, VAR_I);
    emit(c, OP_JUMP, loop);
    land(c, done);
    push(c, OP_LOAD_LOCAL, VAR_TOTAL);
    give_back(c);
}

#endif
