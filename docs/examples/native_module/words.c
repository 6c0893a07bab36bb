/* A native module in counting style. There is nothing of Eddy in it: it was written for an interpreter that counts
 * references, and is compiled against the new objects.h. */
#include "words.h"

#include <pthread.h>
#include <string.h>

#define LONGEST_WORD 32

object *words_split(object *text)
{
    object *list = NULL, *word = NULL;
    const char *p = Nm_StringText(text);
    if (p == NULL)
        return NULL;
    list = Nm_List();
    if (list == NULL)
        goto failed;
    while (*(p += strspn(p, " ")) != 0) {
        size_t length = strcspn(p, " ");
        if (length > LONGEST_WORD) {
            Nm_SetError("word too long");
            goto failed;
        }
        Nm_XSETREF(word, Nm_String(p, length));
        if (word == NULL || Nm_ListAppend(list, word) != 0)
            goto failed;
        p += length;
    }
    Nm_XDECREF(word);
    return list;

failed:
    Nm_XDECREF(word);
    Nm_XDECREF(list);
    return NULL;
}

/* counts[word] += number */
static int add(object *counts, object *word, long number)
{
    object *before = Nm_DictGet(counts, word); /* borrowed */
    object *sum;
    if (before == NULL && Nm_Error() != NULL)
        return -1;
    sum = Nm_Number(number + (before == NULL ? 0 : Nm_NumberValue(before)));
    if (sum == NULL)
        return -1;
    int result = Nm_DictSet(counts, word, sum);
    Nm_DECREF(sum);
    return result;
}

object *words_count(object *texts)
{
    object *words = NULL, *counts = Nm_Dict();
    if (counts == NULL)
        return NULL;
    for (size_t i = 0; i < Nm_ListSize(texts); i++) {
        object *text = Nm_ListGet(texts, i); /* borrowed: another thread may take it from the list */
        Nm_XINCREF(text);
        words = text == NULL ? NULL : words_split(text);
        Nm_XDECREF(text);
        if (words == NULL)
            goto failed;
        for (size_t k = 0; k < Nm_ListSize(words); k++)
            if (add(counts, Nm_ListGet(words, k), 1) != 0)
                goto failed;
        Nm_CLEAR(words);
    }
    return counts;

failed:
    Nm_XDECREF(words);
    Nm_DECREF(counts);
    return NULL;
}

int words_add(object *totals, object *counts)
{
    object *keys = Nm_DictKeys(counts);
    int result = keys == NULL ? -1 : 0;
    if (keys == NULL)
        return -1;
    for (size_t i = 0; result == 0 && i < Nm_ListSize(keys); i++) {
        object *word = Nm_ListGet(keys, i); /* borrowed */
        result = add(totals, word, Nm_NumberValue(Nm_DictGet(counts, word)));
    }
    Nm_DECREF(keys);
    return result;
}

object *words_longest(object *list)
{
    object *longest = NULL;
    for (size_t i = 0; i < Nm_ListSize(list); i++) {
        object *word = Nm_ListGet(list, i);
        const char *text = Nm_StringText(word);
        if (text == NULL) {
            Nm_CLEAR(longest);
            break;
        }
        if (longest == NULL)
            longest = Nm_NewRef(word);
        else if (strlen(text) > strlen(Nm_StringText(longest)))
            Nm_SETREF(longest, Nm_NewRef(word));
    }
    return longest;
}

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static object *kept; /* owned */

object *words_swap(object *object_to_keep)
{
    Nm_XINCREF(object_to_keep);
    Nm_AllowThreads();
    pthread_mutex_lock(&kept_lock);
    object *before = kept;
    kept = object_to_keep;
    pthread_mutex_unlock(&kept_lock);
    Nm_DisallowThreads();
    return before; /* the reference that was kept is the caller's now, whatever thread took it */
}
