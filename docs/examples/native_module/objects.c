/* The object API over Eddy. References between objects are reference fields, written through the barrier; only what C code
 * owns is counted, as pins. Lists and dictionaries may be shared by threads: one lock guards their structure, and a
 * thread that waits for it does so in a native region. */
#include "objects.h"

#include <pthread.h>
#include <string.h>

#include "host.h"

struct string {
    size_t length;
    char text[];
};
struct number {
    long value;
};
struct list {
    eddy_array *items;
    size_t count;
};
struct dict { /* open addressing; the room is a power of two */
    eddy_array *keys, *values;
    size_t count;
};

static eddy_heap *heap;
static const eddy_type *string_type, *number_type, *list_type, *dict_type;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread const char *error;

int objects_create(eddy_heap *of)
{
    const size_t list_refs[] = {offsetof(struct list, items)};
    const size_t dict_refs[] = {offsetof(struct dict, keys), offsetof(struct dict, values)};
    const eddy_type_desc string = {.name = "string",
                                   .size = sizeof(struct string),
                                   .tail = EDDY_TAIL_BYTES,
                                   .element_size = 1,
                                   .length_offset = offsetof(struct string, length)};
    const eddy_type_desc number = {.name = "number", .size = sizeof(struct number)};
    const eddy_type_desc list = {.name = "list", .size = sizeof(struct list), .ref_offsets = list_refs, .ref_count = 1};
    const eddy_type_desc dict = {.name = "dict", .size = sizeof(struct dict), .ref_offsets = dict_refs, .ref_count = 2};
    heap = of;
    return eddy_type_register(heap, &string, &string_type) || eddy_type_register(heap, &number, &number_type)
           || eddy_type_register(heap, &list, &list_type) || eddy_type_register(heap, &dict, &dict_type);
}

static void acquire(void)
{
    if (pthread_mutex_trylock(&lock) == 0)
        return;
    eddy_native_enter(eddy__self);
    pthread_mutex_lock(&lock);
    eddy_native_leave(eddy__self);
}

static void release(void)
{
    pthread_mutex_unlock(&lock);
}

const char *Nm_Error(void)
{
    return error;
}

void Nm_SetError(const char *message)
{
    error = message;
}

void Nm_AllowThreads(void)
{
    eddy_native_enter(eddy__self);
}

void Nm_DisallowThreads(void)
{
    eddy_native_leave(eddy__self);
}

/* `p` if it is of the type; else NULL, with an error. */
static void *checked(object *p, const eddy_type *type, const char *otherwise)
{
    if (p != NULL && eddy_object_type(heap, p) == type)
        return p;
    error = otherwise;
    return NULL;
}

/* A new object as a new reference. */
static void *owned(void *p)
{
    if (p == NULL)
        error = "out of memory";
    return eddy_xnewref(p);
}

/* ---- strings and numbers ---- */

object *Nm_String(const char *text, size_t length)
{
    struct string *s = eddy_alloc_tail(eddy__self, string_type, length + 1);
    if (s != NULL)
        memcpy(s->text, text, length);
    return owned(s);
}

const char *Nm_StringText(object *p)
{
    struct string *s = checked(p, string_type, "not a string");
    return s == NULL ? NULL : s->text;
}

object *Nm_Number(long value)
{
    struct number *n = eddy_alloc(eddy__self, number_type);
    if (n != NULL)
        n->value = value;
    return owned(n);
}

long Nm_NumberValue(object *p)
{
    const struct number *n = checked(p, number_type, "not a number");
    return n == NULL ? -1 : n->value;
}

/* ---- lists ---- */

object *Nm_List(void)
{
    return owned(eddy_alloc(eddy__self, list_type));
}

static int append(struct list *list, object *item)
{
    eddy_thread *t = eddy__self;
    eddy_array *items = EDDY_GET(t, list, items);
    size_t room = items == NULL ? 0 : items->length;
    if (list->count == room) {
        eddy_array *grown = eddy_alloc_array(t, room == 0 ? 4 : 2 * room);
        if (grown == NULL)
            return -1;
        if (room != 0)
            eddy_copy_refs(t, grown, grown->slots, items, items->slots, room);
        EDDY_SET(t, list, items, grown);
        items = grown;
    }
    eddy_store(t, items, &items->slots[list->count], item);
    list->count++;
    return 0;
}

int Nm_ListAppend(object *p, object *item)
{
    struct list *list = checked(p, list_type, "not a list");
    if (list == NULL)
        return -1;
    acquire();
    int result = append(list, item);
    release();
    if (result != 0)
        error = "out of memory";
    return result;
}

size_t Nm_ListSize(object *p)
{
    const struct list *list = checked(p, list_type, "not a list");
    if (list == NULL)
        return 0;
    acquire();
    size_t count = list->count;
    release();
    return count;
}

object *Nm_ListGet(object *p, size_t index)
{
    const struct list *list = checked(p, list_type, "not a list");
    object *item = NULL;
    if (list == NULL)
        return NULL;
    acquire();
    if (index < list->count)
        item = eddy_load(eddy__self, &EDDY_GET(eddy__self, list, items)->slots[index]);
    else
        error = "no such item";
    release();
    return item;
}

/* ---- dictionaries ---- */

object *Nm_Dict(void)
{
    return owned(eddy_alloc(eddy__self, dict_type));
}

/* FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv). */
static size_t hash(const struct string *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = s->text; *p != 0; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    return (size_t)h;
}

/* The place of a key, or of the gap where it belongs. */
static size_t find(const eddy_array *keys, const struct string *key)
{
    size_t mask = keys->length - 1, at = hash(key) & mask;
    for (;; at = (at + 1) & mask) {
        const struct string *there = eddy_load(eddy__self, &keys->slots[at]);
        if (there == NULL || strcmp(there->text, key->text) == 0)
            return at;
    }
}

static int grow(struct dict *dict)
{
    eddy_thread *t = eddy__self;
    eddy_array *keys = EDDY_GET(t, dict, keys), *values = EDDY_GET(t, dict, values);
    size_t room = keys == NULL ? 0 : keys->length;
    eddy_array *new_keys = eddy_alloc_array(t, room == 0 ? 8 : 2 * room);
    eddy_array *new_values = new_keys == NULL ? NULL : eddy_alloc_array(t, new_keys->length);
    if (new_values == NULL)
        return -1;
    for (size_t i = 0; i < room; i++) {
        struct string *key = eddy_load(t, &keys->slots[i]);
        if (key == NULL)
            continue;
        size_t at = find(new_keys, key);
        eddy_store(t, new_keys, &new_keys->slots[at], key);
        eddy_store(t, new_values, &new_values->slots[at], eddy_load(t, &values->slots[i]));
    }
    EDDY_SET(t, dict, keys, new_keys);
    EDDY_SET(t, dict, values, new_values);
    return 0;
}

static int set(struct dict *dict, struct string *key, object *value)
{
    eddy_thread *t = eddy__self;
    eddy_array *keys = EDDY_GET(t, dict, keys);
    if (keys == NULL || 4 * (dict->count + 1) > 3 * keys->length) {
        if (grow(dict) != 0)
            return -1;
        keys = EDDY_GET(t, dict, keys);
    }
    eddy_array *values = EDDY_GET(t, dict, values);
    size_t at = find(keys, key);
    if (keys->slots[at] == NULL) {
        eddy_store(t, keys, &keys->slots[at], key);
        dict->count++;
    }
    eddy_store(t, values, &values->slots[at], value);
    return 0;
}

int Nm_DictSet(object *p, object *key, object *value)
{
    struct dict *dict = checked(p, dict_type, "not a dictionary");
    struct string *name = checked(key, string_type, "not a string");
    if (dict == NULL || name == NULL)
        return -1;
    acquire();
    int result = set(dict, name, value);
    release();
    if (result != 0)
        error = "out of memory";
    return result;
}

object *Nm_DictGet(object *p, object *key)
{
    const struct dict *dict = checked(p, dict_type, "not a dictionary");
    const struct string *name = checked(key, string_type, "not a string");
    object *value = NULL;
    if (dict == NULL || name == NULL)
        return NULL;
    acquire();
    if (dict->count != 0) {
        size_t at = find(EDDY_GET(eddy__self, dict, keys), name);
        value = eddy_load(eddy__self, &EDDY_GET(eddy__self, dict, values)->slots[at]);
    }
    release();
    return value;
}

object *Nm_DictKeys(object *p)
{
    const struct dict *dict = checked(p, dict_type, "not a dictionary");
    object *list = dict == NULL ? NULL : Nm_List();
    if (list == NULL)
        return NULL;
    acquire();
    const eddy_array *keys = EDDY_GET(eddy__self, dict, keys);
    int result = 0;
    for (size_t i = 0; keys != NULL && result == 0 && i < keys->length; i++)
        if (eddy_load(eddy__self, &keys->slots[i]) != NULL)
            result = append((struct list *)(void *)list, eddy_load(eddy__self, &keys->slots[i]));
    release();
    if (result != 0) {
        error = "out of memory";
        Nm_CLEAR(list);
    }
    return list;
}
