/* Gives the functions of counting.h the names of another counting C API, so that code written against it needs only
 * to be compiled again. Define the prefix, then include this header, once for each prefix:
 *
 *     #define EDDY_COUNTING_PREFIX Py_
 *     #include <eddy/counting_names.h>     // Py_INCREF, Py_DECREF, Py_XINCREF, Py_XDECREF, Py_NewRef, Py_XNewRef
 *
 * These are functions, for pointers of any type. What takes a variable must be a macro, and a macro cannot be named by
 * one; the API's own header defines these with one line each:
 *
 *     #define Py_CLEAR(variable) EDDY_CLEAR(variable)
 *     #define Py_SETREF(variable, value) EDDY_SETREF(variable, value)
 *     #define Py_XSETREF(variable, value) EDDY_XSETREF(variable, value)
 *
 * Without a prefix the header does nothing. */
#include "eddy/counting.h"

#ifdef EDDY_COUNTING_PREFIX

#ifndef EDDY__COUNTING_NAME
#define EDDY__COUNTING_PASTE(prefix, name) prefix##name
#define EDDY__COUNTING_EXPAND(prefix, name) EDDY__COUNTING_PASTE(prefix, name)
#define EDDY__COUNTING_NAME(name) EDDY__COUNTING_EXPAND(EDDY_COUNTING_PREFIX, name)
#endif

static inline void EDDY__COUNTING_NAME(INCREF)(void *object)
{
    eddy_incref(object);
}
static inline void EDDY__COUNTING_NAME(DECREF)(void *object)
{
    eddy_decref(object);
}
static inline void EDDY__COUNTING_NAME(XINCREF)(void *object)
{
    eddy_xincref(object);
}
static inline void EDDY__COUNTING_NAME(XDECREF)(void *object)
{
    eddy_xdecref(object);
}
static inline void *EDDY__COUNTING_NAME(NewRef)(void *object)
{
    return eddy_newref(object);
}
static inline void *EDDY__COUNTING_NAME(XNewRef)(void *object)
{
    return eddy_xnewref(object);
}

#undef EDDY_COUNTING_PREFIX

#endif
