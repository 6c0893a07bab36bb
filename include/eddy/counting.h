/* Counting style: the vocabulary of a counting C API, over pins.
 *
 * Code written as "take a reference, give it back" says EDDY_INCREF and EDDY_DECREF where it always did; what it
 * counts is how often the object is pinned (pin.h). So the usual rules hold: a *new* or *owned* reference is a pin,
 * to be given back once, by whatever thread; a *borrowed* reference is valid as long as its owner holds it. What has been
 * given back for the last time is not freed but lives on if anything else reaches it, cycles included.
 *
 * Owned references live in C variables and in memory outside the heap. A reference from one object of the
 * heap to another belongs into a reference field instead, written with EDDY_SET: pins are roots, and a cycle that goes
 * through one is never garbage. Heaps with precise roots do not see borrowed references in C variables:
 * what a safepoint should not take away must be owned there, or reachable from what is.
 *
 * The functions and macros work on the calling thread's selected record, which is a thread-local variable: that of
 * the heap it was attached to last, unless eddy_thread_select says otherwise. Used on a thread that is not attached, or
 * on an object of another heap, they call the misuse handler. Costs and safepoints: those of eddy_pin and eddy_unpin. */
#ifndef EDDY_COUNTING_H
#define EDDY_COUNTING_H

#include "eddy/pin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The record in question; never NULL. One word in the static part of thread-local memory, so that shared libraries,
 * loaded late or not, reach it without a call. */
EDDY_API extern __thread eddy_thread *eddy__self __attribute__((tls_model("initial-exec")));

/* Selects which of the calling thread's records the macros below work on; detaching from its heap selects another.
 * Not a safepoint. Errors, changing nothing: EDDY_EINVAL (NULL), EDDY_ETHREAD (another thread's record),
 * EDDY_EDETACHED. */
EDDY_API eddy_status eddy_thread_select(eddy_thread *t);

/* Takes a reference to `object`, which is not NULL. A possible safepoint, which it survives; cost: that of eddy_pin. */
static inline void eddy_incref(void *object)
{
    eddy_pin(eddy__self, object);
}
/* Gives back a reference to `object`, which is not NULL. A possible safepoint; cost: that of eddy_unpin. */
static inline void eddy_decref(void *object)
{
    eddy_unpin(eddy__self, object);
}

/* eddy_incref, except that NULL is ignored. A possible safepoint. */
static inline void eddy_xincref(void *object)
{
    if (object != NULL)
        eddy_pin(eddy__self, object);
}
/* eddy_decref, except that NULL is ignored. A possible safepoint. */
static inline void eddy_xdecref(void *object)
{
    if (object != NULL)
        eddy_unpin(eddy__self, object);
}

/* Takes a reference to `object`, which is not NULL, and returns it. A possible safepoint, as eddy_incref. */
static inline void *eddy_newref(void *object)
{
    eddy_incref(object);
    return object;
}
/* Takes a reference to `object` and returns it; NULL is returned as it is. A possible safepoint, as eddy_incref. */
static inline void *eddy_xnewref(void *object)
{
    eddy_xincref(object);
    return object;
}

#ifdef __cplusplus
}
#endif

/* eddy_incref for pointers of any type; the argument is evaluated once. */
#define EDDY_INCREF(object) eddy_incref((void *)(object))
/* eddy_decref for pointers of any type; the argument is evaluated once. */
#define EDDY_DECREF(object) eddy_decref((void *)(object))
/* eddy_xincref for pointers of any type; the argument is evaluated once. */
#define EDDY_XINCREF(object) eddy_xincref((void *)(object))
/* eddy_xdecref for pointers of any type; the argument is evaluated once. */
#define EDDY_XDECREF(object) eddy_xdecref((void *)(object))
/* eddy_newref for pointers of any type, which it returns; the argument is evaluated once. */
#define EDDY_NEWREF(object) ((__typeof__(object))eddy_newref((void *)(object)))
/* eddy_xnewref for pointers of any type, which it returns; the argument is evaluated once. */
#define EDDY_XNEWREF(object) ((__typeof__(object))eddy_xnewref((void *)(object)))

/* Sets a variable that owns a reference, or holds NULL, to NULL, and then gives the reference back. The variable is evaluated
 * once. */
#define EDDY_CLEAR(variable)                                                                                           \
    do {                                                                                                               \
        __typeof__(&(variable)) eddy__variable = &(variable);                                                          \
        void *eddy__old = (void *)*eddy__variable;                                                                     \
        *eddy__variable = NULL;                                                                                        \
        eddy_xdecref(eddy__old);                                                                                       \
    } while (0)
/* Sets a variable that owns a reference, or holds NULL, to the reference `value`, which changes hands; the old reference is given
 * back last, when the variable has its new value. Arguments are evaluated once. */
#define EDDY_XSETREF(variable, value)                                                                                  \
    do {                                                                                                               \
        __typeof__(&(variable)) eddy__variable = &(variable);                                                          \
        void *eddy__old = (void *)*eddy__variable;                                                                     \
        *eddy__variable = (value);                                                                                     \
        eddy_xdecref(eddy__old);                                                                                       \
    } while (0)
/* Sets a variable that owns a reference to the reference `value`, as EDDY_XSETREF; what the variable holds before is not NULL. */
#define EDDY_SETREF(variable, value)                                                                                   \
    do {                                                                                                               \
        __typeof__(&(variable)) eddy__variable = &(variable);                                                          \
        void *eddy__old = (void *)*eddy__variable;                                                                     \
        *eddy__variable = (value);                                                                                     \
        eddy_decref(eddy__old);                                                                                        \
    } while (0)

#endif
