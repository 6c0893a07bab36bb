/* The object API over rights instead of one lock: each list and each dictionary belongs to a thread, or all may read it. Managed
 * threads call it in parallel; a native module calls it under the legacy lock, whose holder nothing is taken from, so that the
 * module's "get, then set" is one step for all. What is built aside (a longer array) is put in place if nobody has
 * changed the object meanwhile. */
#include "objects.h"

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
    eddy_right right;
    size_t count;
    eddy_array *items;
};
struct dict { /* open addressing; the room is a power of two */
    eddy_right right;
    size_t count, changes;
    eddy_array *keys, *values;
};

static eddy_heap *heap;
static const eddy_type *string_type, *number_type, *list_type, *dict_type;
static __thread const char *error;
static __thread unsigned window;

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
    const eddy_type_desc list = {
        .name = "list", .size = sizeof(struct list), .ref_offsets = list_refs, .ref_count = 1, .flags = EDDY_TYPE_ARBITRATED};
    const eddy_type_desc dict = {
        .name = "dict", .size = sizeof(struct dict), .ref_offsets = dict_refs, .ref_count = 2, .flags = EDDY_TYPE_ARBITRATED};
    heap = of;
    return eddy_type_register(heap, &string, &string_type) || eddy_type_register(heap, &number, &number_type)
           || eddy_type_register(heap, &list, &list_type) || eddy_type_register(heap, &dict, &dict_type);
}

const char *Nm_Error(void)
{
    return error;
}

void Nm_SetError(const char *message)
{
    error = message;
}

/* The module blocks: others may run foreign code meanwhile. */
void Nm_AllowThreads(void)
{
    module_pauses();
    window = eddy_legacy_window_open(eddy__self);
}

void Nm_DisallowThreads(void)
{
    eddy_legacy_window_close(eddy__self, window);
    module_resumes();
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

/* The same for an object that threads ask for: its maker is the first owner. */
static void *arbitrated(void *p)
{
    if (p != NULL)
        eddy_own_write(eddy__self, p);
    return owned(p);
}

static int no_memory(void)
{
    error = "out of memory";
    return -1;
}

/* ---- strings and numbers: nobody writes them ---- */

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
    return arbitrated(eddy_alloc(eddy__self, list_type));
}

/* A longer array, unless another thread was faster. */
static int lengthen(struct list *list)
{
    eddy_thread *t = eddy__self;
    eddy_array *items = EDDY_GET(t, list, items);
    size_t count = list->count;
    eddy_array *grown = eddy_alloc_array(t, count == 0 ? 4 : 2 * count); /* rights end here */
    if (grown == NULL)
        return no_memory();
    if (count != 0)
        eddy_copy_refs(t, grown, grown->slots, items, items->slots, count);
    eddy_own_write_reserve(t, list, 1);
    if (list->count == count && EDDY_GET(t, list, items) == items)
        EDDY_SET(t, list, items, grown);
    return 0;
}

int Nm_ListAppend(object *p, object *item)
{
    eddy_thread *t = eddy__self;
    struct list *list = checked(p, list_type, "not a list");
    if (list == NULL)
        return -1;
    for (;;) {
        eddy_own_write_reserve(t, list, 1);
        eddy_array *items = EDDY_GET(t, list, items);
        if (items != NULL && list->count < items->length) {
            eddy_store(t, items, &items->slots[list->count], item);
            list->count++;
            return 0;
        }
        if (lengthen(list) != 0)
            return -1;
    }
}

size_t Nm_ListSize(object *p)
{
    const struct list *list = checked(p, list_type, "not a list");
    if (list == NULL)
        return 0;
    eddy_own_read(eddy__self, list);
    return list->count;
}

object *Nm_ListGet(object *p, size_t index)
{
    const struct list *list = checked(p, list_type, "not a list");
    if (list == NULL)
        return NULL;
    eddy_own_read(eddy__self, list);
    if (index < list->count)
        return eddy_load(eddy__self, &EDDY_GET(eddy__self, list, items)->slots[index]);
    error = "no such item";
    return NULL;
}

/* ---- dictionaries ---- */

object *Nm_Dict(void)
{
    return arbitrated(eddy_alloc(eddy__self, dict_type));
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

/* Longer arrays, unless another thread has changed the dictionary meanwhile. */
static int grow(struct dict *dict)
{
    eddy_thread *t = eddy__self;
    eddy_array *keys = EDDY_GET(t, dict, keys), *values = EDDY_GET(t, dict, values);
    size_t room = keys == NULL ? 0 : keys->length, changes = dict->changes;
    eddy_array *new_keys = eddy_alloc_array(t, room == 0 ? 8 : 2 * room); /* rights end here */
    eddy_array *new_values = new_keys == NULL ? NULL : eddy_alloc_array(t, new_keys->length);
    if (new_values == NULL)
        return no_memory();
    for (size_t i = 0; i < room; i++) {
        struct string *key = eddy_load(t, &keys->slots[i]);
        if (key == NULL)
            continue;
        size_t at = find(new_keys, key);
        eddy_store(t, new_keys, &new_keys->slots[at], key);
        eddy_store(t, new_values, &new_values->slots[at], eddy_load(t, &values->slots[i]));
    }
    eddy_own_write_reserve(t, dict, 2);
    if (dict->changes == changes) {
        EDDY_SET(t, dict, keys, new_keys);
        EDDY_SET(t, dict, values, new_values);
        dict->changes++;
    }
    return 0;
}

/* Sets the value of a key; with `only_if`, if the present value is `*only_if`: 1 if it is another. */
static int set(struct dict *dict, struct string *key, object *value, object *const *only_if)
{
    eddy_thread *t = eddy__self;
    for (;;) {
        eddy_own_write_reserve(t, dict, 2);
        eddy_array *keys = EDDY_GET(t, dict, keys), *values = EDDY_GET(t, dict, values);
        if (keys == NULL || 4 * (dict->count + 1) > 3 * keys->length) {
            if (grow(dict) != 0)
                return -1;
            continue;
        }
        size_t at = find(keys, key);
        if (only_if != NULL && eddy_load(t, &values->slots[at]) != *only_if)
            return 1;
        dict->changes++;
        dict->count += eddy_load(t, &keys->slots[at]) == NULL;
        eddy_store(t, keys, &keys->slots[at], key);
        eddy_store(t, values, &values->slots[at], value);
        return 0;
    }
}

int Nm_DictSet(object *p, object *key, object *value)
{
    struct dict *dict = checked(p, dict_type, "not a dictionary");
    struct string *name = checked(key, string_type, "not a string");
    return dict == NULL || name == NULL ? -1 : set(dict, name, value, NULL);
}

object *Nm_DictGet(object *p, object *key)
{
    const struct dict *dict = checked(p, dict_type, "not a dictionary");
    const struct string *name = checked(key, string_type, "not a string");
    if (dict == NULL || name == NULL)
        return NULL;
    eddy_own_read(eddy__self, dict);
    if (dict->count == 0)
        return NULL;
    size_t at = find(EDDY_GET(eddy__self, dict, keys), name);
    return eddy_load(eddy__self, &EDDY_GET(eddy__self, dict, values)->slots[at]);
}

int dict_add(object *p, object *key, long number)
{
    for (;;) {
        object *before = Nm_DictGet(p, key), *sum = Nm_Number(number + (before == NULL ? 0 : Nm_NumberValue(before)));
        if (sum == NULL)
            return -1;
        int result = set((struct dict *)(void *)p, (struct string *)(void *)key, sum, &before);
        Nm_DECREF(sum);
        if (result <= 0)
            return result;
    }
}

object *Nm_DictKeys(object *p)
{
    const struct dict *dict = checked(p, dict_type, "not a dictionary");
    object *list = dict == NULL ? NULL : Nm_List();
    if (list == NULL)
        return NULL;
    for (size_t i = 0;; i++) {
        eddy_own_read(eddy__self, dict); /* appending ends rights */
        const eddy_array *keys = EDDY_GET(eddy__self, dict, keys);
        if (keys == NULL || i >= keys->length)
            return list;
        object *key = eddy_load(eddy__self, &keys->slots[i]);
        if (key != NULL && Nm_ListAppend(list, key) != 0)
            break;
    }
    Nm_CLEAR(list);
    return NULL;
}
