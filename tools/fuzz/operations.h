/* The operations that are not in ops.c, and what all of them share. */
#ifndef EDDY_FUZZ_OPERATIONS_H
#define EDDY_FUZZ_OPERATIONS_H

#include "tools/fuzz/figures.h"
#include "tools/fuzz/sched.h"

/* ops_roots.c */
operation_fn op_pin, op_pin_get, op_call, op_frame_push, op_frame_pop, op_frame_set, op_range, op_callback, op_fiber;
/* ops_weak.c */
operation_fn op_weak, op_weak_load, op_weak_new, op_weak_get, op_ephemeron, op_ephemeron_get, op_ephemeron_set;
/* ops_table.c */
operation_fn op_table_new, op_table_put, op_table_get, op_table_remove, op_table_each;
/* ops_finalize.c */
operation_fn op_finalizer, op_finalize, op_dispose, op_external, op_finalize_all;
/* ops_heap.c */
operation_fn op_permanent, op_permanent_new, op_permanent_set, op_freeze, op_resize, op_fork, op_soft_limit;
/* No other thread is in an operation until the end; false if one wants the same already. A safepoint. */
bool fuzz_begin_exclusive(struct mutator *m);
void fuzz_end_exclusive(struct mutator *m);
/* ops_other.c */
operation_fn op_foreign, op_second_heap, op_misuse;
/* ops_rights.c */
operation_fn op_purse_new, op_own, op_own_all, op_own_store, op_own_load, op_guard, op_barrier, op_legacy;
/* ops_look.c */
operation_fn op_inspect, op_look, op_listen, op_options, op_refused;

/* What an operand of kind VALUE or HANDLE stands for. */
static inline uint32_t operand_value(const struct mutator *m, uint8_t operand)
{
    return operand == VALUE_NULL ? 0 : m->handles[operand % FUZZ_HANDLES];
}

/* Whether the object may be the weak side of something that has a hidden field (ops_weak.c). */
bool fuzz_may_be_key(struct mutator *m, uint32_t number);
/* Whether fields of the object may be written: it is not permanent, and nobody resizes it. */
bool fuzz_may_store(struct mutator *m, uint32_t container);
/* A small piece of a program: allocates, stores, polls, as `what` says. Uses no handle. */
void fuzz_stir(struct mutator *m, unsigned what);

#endif
