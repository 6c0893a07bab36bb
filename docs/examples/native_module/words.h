/* What the module exports. */
#ifndef WORDS_H
#define WORDS_H

#include "objects.h"

/* The words of a string, in order: new reference to a list. Fails for words of more than 32 characters. */
NM_API object *words_split(object *text);
/* How often each word occurs in a list of strings: new reference to a dictionary from strings to numbers. */
NM_API object *words_count(object *texts);
/* Adds the numbers of one dictionary to those of another. */
NM_API int words_add(object *totals, object *counts);
/* The longest string of a list: new reference. */
NM_API object *words_longest(object *list);
/* Keeps a reference for whoever asks next, and returns the one that was kept before (new reference, or NULL). */
NM_API object *words_swap(object *kept);

#endif
