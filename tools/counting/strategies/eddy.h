/* Strategy 8: Eddy. Mutators append to logs, a collector thread counts.
 *
 * Without a further macro: Eddy as it is meant to be used. References on the stack are not counted but found when the
 * stack is looked at; what is stored into an object that only its maker can reach is not counted either; a store into any other logs one
 * increment and one decrement. With COUNT_EDDY_LOG each retain and each release of the stack is an entry of a log
 * (eddy_retain, eddy_release); with COUNT_EDDY_PIN it is counted in a table of the thread (eddy_pin, eddy_unpin). */
#ifndef COUNT_EDDY_H
#define COUNT_EDDY_H

#include "count.h"
#include "eddy/eddy.h"

#define COUNT_EDDY 1
#define COUNT_MANY_THREADS 1
#define COUNT_GUARDED 0
#define COUNT_PERMANENT 1

#if defined(COUNT_EDDY_LOG)
#define EDDY_STACK_RETAIN eddy_retain
#define EDDY_STACK_RELEASE eddy_release
#elif defined(COUNT_EDDY_PIN)
#define EDDY_STACK_RETAIN eddy_pin
#define EDDY_STACK_RELEASE eddy_unpin
#endif

#endif
