/* Registering object layouts. Types are constant once registered and live as long as the heap. */
#include <stdlib.h>
#include <string.h>

#include "runtime/heap/table.h"
#include "runtime/runtime.h"

/* Whether a word at `offset` lies in the fixed part. */
static bool inside(const eddy_type_desc *d, size_t offset)
{
    return d->size >= sizeof(void *) && offset <= d->size - sizeof(void *);
}

static bool overlaps_length(const eddy_type_desc *d, size_t offset)
{
    return d->tail != EDDY_TAIL_NONE && offset + sizeof(void *) > d->length_offset
           && offset < d->length_offset + sizeof(size_t);
}

static bool valid_encoding(const eddy_encoding *e)
{
    if (e == NULL)
        return true;
    if ((e->flags & ~(unsigned)EDDY_ENCODING_INTERIOR) != 0)
        return false;
    return e->decode != NULL || (e->flags & EDDY_ENCODING_INTERIOR) != 0 || (e->address & 15) == 0;
}

static bool valid(const eddy_type_desc *d)
{
    if (d->size > UINT32_MAX / 2 || (d->ref_count != 0 && d->ref_offsets == NULL)
        || (d->flags & ~(unsigned)(EDDY_TYPE_ACYCLIC | EDDY_TYPE_MUTABLE | EDDY_TYPE_ARBITRATED)) != 0
        || !valid_encoding(d->encoding))
        return false;
    for (size_t i = 0; i < d->ref_count; i++) {
        size_t offset = d->ref_offsets[i];
        if (offset % sizeof(void *) != 0 || !inside(d, offset) || overlaps_length(d, offset)
            || (i > 0 && offset <= d->ref_offsets[i - 1]))
            return false;
    }
    if (d->trace != NULL && (d->ref_count != 0 || d->tail == EDDY_TAIL_REFS))
        return false;
    switch (d->tail) {
    case EDDY_TAIL_NONE: return true;
    case EDDY_TAIL_REFS:
        if (d->size % sizeof(void *) != 0)
            return false;
        break;
    case EDDY_TAIL_BYTES:
        if (d->element_size == 0)
            return false;
        break;
    default: return false;
    }
    return d->length_offset % sizeof(size_t) == 0 && inside(d, d->length_offset);
}

/* Whether the first four bytes are free for a right. */
static bool right_fits(const eddy_type_desc *d)
{
    return d->size >= sizeof(eddy_right) && (d->ref_count == 0 || d->ref_offsets[0] != 0)
           && (d->tail == EDDY_TAIL_NONE || d->length_offset != 0);
}

static void free_type(struct type *type)
{
    if (type == NULL)
        return;
    free(type->name);
    free(type->offsets);
    free(type->tagged);
    free(type);
}

/* Takes the fields out of the sight of what knows pointers only. */
static bool make_tagged(struct type *type, const eddy_type_desc *d)
{
    if (d->encoding == NULL)
        return true;
    type->tagged = malloc(sizeof *type->tagged);
    if (type->tagged == NULL)
        return false;
    *type->tagged = (struct tagged){
        .encoding = *d->encoding, .offset_count = type->offset_count, .tail = type->tail == EDDY_TAIL_REFS};
    type->offset_count = 0;
    if (type->tagged->tail) {
        type->tail = EDDY_TAIL_BYTES;
        type->element_size = sizeof(uintptr_t);
    }
    return true;
}

static struct type *make_type(const eddy_type_desc *d)
{
    struct type *type = calloc(1, sizeof *type);
    if (type == NULL)
        return NULL;
    type->name = strdup(d->name != NULL ? d->name : "?");
    type->offsets = malloc((d->ref_count + 1) * sizeof *type->offsets);
    if (type->name == NULL || type->offsets == NULL) {
        free_type(type);
        return NULL;
    }
    for (size_t i = 0; i < d->ref_count; i++)
        type->offsets[i] = (uint32_t)d->ref_offsets[i];
    type->size = d->size;
    type->offset_count = (uint32_t)d->ref_count;
    type->tail = d->tail;
    type->element_size = d->element_size;
    type->length_offset = d->length_offset;
    type->trace = d->trace;
    if (!make_tagged(type, d)) {
        free_type(type);
        return NULL;
    }
    type->special = type->tagged != NULL || type->trace != NULL;
    bool has_refs = d->ref_count != 0 || d->tail == EDDY_TAIL_REFS || d->trace != NULL;
    type->kind = !has_refs ? KIND_LEAF : (d->flags & EDDY_TYPE_ACYCLIC) ? KIND_ACYCLIC : KIND_CYCLIC;
    type->born_counted = d->trace != NULL || d->ref_count > OBJECT_REFS_BOUND;
    type->mutable_fields = (d->flags & EDDY_TYPE_MUTABLE) != 0;
    type->arbitrated = (d->flags & EDDY_TYPE_ARBITRATED) != 0;
    size_t cell = eddy__cell_bytes(d->size);
    bool inline_path = d->tail == EDDY_TAIL_NONE && !type->born_counted && cell <= CELL_MAX;
    unsigned size_class = inline_path ? eddy__class_of(cell) : 0;
    unsigned slot = inline_path ? size_class + type->kind * EDDY__CLASSES : EDDY__SLOT_NONE;
    type->fast.run = (uint32_t)(offsetof(struct eddy_thread, runs) + slot * sizeof(struct eddy__run));
    type->fast.cell = inline_path ? eddy__class_cell[size_class] : 0;
    return type;
}

eddy_status eddy_type_register(eddy_heap *heap, const eddy_type_desc *desc, const eddy_type **result)
{
    *result = NULL;
    if (desc == NULL || !valid(desc) || ((desc->flags & EDDY_TYPE_ARBITRATED) != 0 && !right_fits(desc)))
        return EDDY_EINVAL;
    struct type *type = make_type(desc);
    if (type == NULL)
        return EDDY_ENOMEM;
    pthread_mutex_lock(&heap->registry_lock);
    bool full = heap->type_count > HEAP_MAX_TYPES;
    if (!full) {
        type->fast.header = heap->type_count;
        heap->types[heap->type_count++] = type;
    }
    pthread_mutex_unlock(&heap->registry_lock);
    if (full) {
        free_type(type);
        return EDDY_ELIMIT;
    }
    *result = &type->fast;
    return EDDY_OK;
}

eddy_status eddy__types_create(eddy_heap *heap)
{
    heap->types = eddy__os_reserve((HEAP_MAX_TYPES + 1) * sizeof *heap->types, eddy__os_page());
    if (heap->types == NULL)
        return EDDY_ESYSTEM;
    heap->type_count = 1; /* no header is ever zero: number 0 names no type */
    eddy_type_desc bytes = {.name = "bytes"};
    eddy_type_desc array = {.name = "array",
                            .size = offsetof(eddy_array, slots),
                            .tail = EDDY_TAIL_REFS,
                            .length_offset = offsetof(eddy_array, length)};
    eddy_status status = eddy_type_register(heap, &bytes, &heap->bytes_type);
    if (status == EDDY_OK)
        status = eddy_type_register(heap, &array, &heap->array_type);
    eddy_type_desc weak = {.name = "weak", .size = sizeof(eddy_weak *)};
    if (status == EDDY_OK)
        status = eddy_type_register(heap, &weak, &heap->weak_type);
    const size_t slots[] = {offsetof(struct eddy_table, slots)};
    eddy_type_desc table = {.name = "table", .size = sizeof(struct eddy_table), .ref_offsets = slots, .ref_count = 1};
    return status != EDDY_OK ? status : eddy_type_register(heap, &table, &heap->table_type);
}

void eddy__types_destroy(eddy_heap *heap)
{
    if (heap->types == NULL)
        return;
    for (uint32_t i = 1; i < heap->type_count; i++)
        free_type(heap->types[i]);
    eddy__os_unreserve(heap->types, (HEAP_MAX_TYPES + 1) * sizeof *heap->types);
}

const eddy_type *eddy_type_bytes(eddy_heap *heap)
{
    return heap->bytes_type;
}

const eddy_type *eddy_type_array(eddy_heap *heap)
{
    return heap->array_type;
}

const char *eddy_type_name(const eddy_type *type)
{
    return ((const struct type *)(const void *)type)->name;
}
