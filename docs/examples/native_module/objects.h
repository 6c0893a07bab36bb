/* The object API of a small interpreter, as native modules see it: strings, numbers, lists and dictionaries, counted
 * references. "New reference": the caller owns it and gives it back with Nm_DECREF. "Borrowed": valid as long as its
 * owner holds it. Functions that fail return NULL or -1 and set the thread's error. All but the counting is declared as it
 * would be for any counting interpreter. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <stddef.h>

/* All that had to be changed for Eddy: */
#define EDDY_COUNTING_PREFIX Nm_
#include <eddy/counting_names.h>
#define Nm_CLEAR(variable) EDDY_CLEAR(variable)
#define Nm_SETREF(variable, value) EDDY_SETREF(variable, value)
#define Nm_XSETREF(variable, value) EDDY_XSETREF(variable, value)

#define NM_API __attribute__((visibility("default")))

typedef struct object object;

NM_API object *Nm_String(const char *text, size_t length); /* new reference */
NM_API const char *Nm_StringText(object *string);          /* NULL: not a string; valid as long as the string */
NM_API object *Nm_Number(long value);                      /* new reference */
NM_API long Nm_NumberValue(object *number);                /* -1: perhaps not a number, see Nm_Error */

NM_API object *Nm_List(void);                         /* new reference */
NM_API int Nm_ListAppend(object *list, object *item); /* the list takes a reference of its own */
NM_API size_t Nm_ListSize(object *list);
NM_API object *Nm_ListGet(object *list, size_t index); /* borrowed */

NM_API object *Nm_Dict(void);                                    /* new reference */
NM_API int Nm_DictSet(object *dict, object *key, object *value); /* key: a string; both get references of its own */
NM_API object *Nm_DictGet(object *dict, object *key);            /* borrowed; NULL without an error: no such key */
NM_API object *Nm_DictKeys(object *dict);                        /* new reference to a new list */

/* The calling thread's error, NULL if there is none; setting it to NULL forgets it. */
NM_API const char *Nm_Error(void);
NM_API void Nm_SetError(const char *message);

/* Around code that blocks and touches no object. */
NM_API void Nm_AllowThreads(void);
NM_API void Nm_DisallowThreads(void);

#endif
