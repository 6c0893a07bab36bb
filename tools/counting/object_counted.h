/* Objects with counts in them: strategies 1 to 7. Part of object.h. */
#ifndef OBJECT_COUNTED_H
#define OBJECT_COUNTED_H

#include <string.h>

#include "cells.h"

struct object {
    struct count_header header;
    uint16_t kind;
    uint16_t guard; /* lock of the slots, for strategies that need one */
    uint32_t length;
    struct object *slots[];
};

struct lab_thread {
    struct count_thread own; /* first: the strategy knows only this */
    struct cell_cache cache;
    struct object **dying; /* dead arrays whose references are still to be released */
    size_t dying_count, dying_room;
    bool destroying;
};

#define LAB_STACK_COUNTS 1 /* references on the stack are counted */

static inline struct lab_thread *lab_thread_of(struct count_thread *t)
{
    return (struct lab_thread *)(void *)t;
}

static inline size_t lab_words(uint16_t kind, uint32_t length)
{
    return kind == LAB_ARRAY ? (length != 0 ? length : 1) : kind == LAB_INT ? 1 : LAB_TEXT_WORDS;
}

static inline size_t lab_bytes(uint16_t kind, uint32_t length)
{
    return sizeof(struct object) + lab_words(kind, length) * sizeof(struct object *);
}

COUNT_UNUSED static void count_reuse(struct count_thread *t, struct count_header *h)
{
    struct object *o = (struct object *)(void *)h;
    cell_give(t != NULL ? &lab_thread_of(t)->cache : NULL, o, lab_bytes(o->kind, o->length));
}

static inline void lab_free(struct lab_thread *t, struct object *o)
{
    cell_died();
#ifdef COUNT_DEFERRED_REUSE
    count_retire(&t->own, &o->header);
#else
    count_reuse(&t->own, &o->header);
#endif
}

static COUNT_COLD void lab_dying_grow(struct lab_thread *t)
{
    t->dying_room = t->dying_room != 0 ? 2 * t->dying_room : 64;
    t->dying = realloc(t->dying, t->dying_room * sizeof(struct object *));
    if (t->dying == NULL)
        count_fatal("out of memory");
}

static void count_dead(struct count_thread *t, struct count_header *h);

/* Destroys an array, and what dies with it: a list instead of recursion. */
static COUNT_COLD void lab_destroy_array(struct lab_thread *t, struct object *o)
{
    if (t->dying_count == t->dying_room)
        lab_dying_grow(t);
    t->dying[t->dying_count++] = o;
    if (t->destroying)
        return;
    t->destroying = true;
    while (t->dying_count != 0) {
        struct object *dead = t->dying[--t->dying_count];
        for (uint32_t i = 0; i < dead->length; i++)
            if (dead->slots[i] != NULL && count_release(&t->own, &dead->slots[i]->header))
                count_dead(&t->own, &dead->slots[i]->header);
        lab_free(t, dead);
    }
    t->destroying = false;
}

static inline void lab_destroy(struct lab_thread *t, struct object *o)
{
    if (o->kind == LAB_ARRAY)
        lab_destroy_array(t, o);
    else
        lab_free(t, o);
}

COUNT_UNUSED static void count_dead(struct count_thread *t, struct count_header *h)
{
    lab_destroy(lab_thread_of(t), (struct object *)(void *)h);
}

static inline struct object *lab_new(struct lab_thread *t, enum lab_kind kind, uint32_t length)
{
    struct object *o = cell_take(&t->cache, lab_bytes((uint16_t)kind, length));
    o->kind = (uint16_t)kind;
    o->length = length;
    EDDY_STORE_RELAXED(&o->guard, 0);
    count_init(&t->own, &o->header);
    return o;
}

static inline struct object *lab_new_int(struct lab_thread *t, int64_t value)
{
    struct object *o = lab_new(t, LAB_INT, 0);
    o->slots[0] = (struct object *)(intptr_t)value;
    return o;
}

static inline struct object *lab_new_words(struct lab_thread *t, const void *words)
{
    struct object *o = lab_new(t, LAB_TEXT, 0);
    memcpy((void *)o->slots, words, LAB_TEXT_WORDS * sizeof(void *));
    return o;
}

static inline struct object *lab_new_array(struct lab_thread *t, uint32_t length)
{
    struct object *o = lab_new(t, LAB_ARRAY, length);
    for (size_t i = 0; i < lab_words(LAB_ARRAY, length); i++)
        o->slots[i] = NULL;
    return o;
}

static inline void lab_retain(struct lab_thread *t, struct object *o)
{
    LAB_CHECK(o);
    count_retain(&t->own, &o->header);
}

static inline void lab_release(struct lab_thread *t, struct object *o)
{
    LAB_CHECK(o);
    if (EDDY_UNLIKELY(count_release(&t->own, &o->header)))
        lab_destroy(t, o);
}

static inline void lab_pair(struct lab_thread *t, struct object *o)
{
    lab_retain(t, o);
    count_keep_order();
    lab_release(t, o);
}

static inline void lab_init(struct lab_thread *t, struct object *array, uint32_t i, struct object *owned)
{
    (void)t;
    array->slots[i] = owned;
}

static inline struct object *lab_get(struct lab_thread *t, const struct object *array, uint32_t i)
{
    (void)t;
    return array->slots[i];
}

static inline void lab_set(struct lab_thread *t, struct object *array, uint32_t i, struct object *owned)
{
    struct object *old = array->slots[i];
    array->slots[i] = owned;
    if (old != NULL)
        lab_release(t, old);
}

static inline struct object *lab_get_shared(struct lab_thread *t, struct object *array, uint32_t i)
{
    if (COUNT_GUARDED)
        count_lock16(&array->guard);
    struct object *o = array->slots[i];
    if (o != NULL)
        lab_retain(t, o);
    if (COUNT_GUARDED)
        count_unlock16(&array->guard);
    return o;
}

static inline void lab_set_shared(struct lab_thread *t, struct object *array, uint32_t i, struct object *owned)
{
    if (COUNT_GUARDED)
        count_lock16(&array->guard);
    struct object *old = array->slots[i];
    array->slots[i] = owned;
    if (COUNT_GUARDED)
        count_unlock16(&array->guard);
    if (old != NULL)
        lab_release(t, old);
}

static inline void lab_hold(struct lab_thread *t, struct object *o)
{
    (void)t;
    (void)o; /* the owned reference is enough */
}

static inline void lab_unhold(struct lab_thread *t, struct object *o)
{
    lab_release(t, o);
}

COUNT_UNUSED static void lab_permanent(struct lab_thread *t, struct object *o)
{
    (void)t;
#if COUNT_PERMANENT
    count_permanent(&o->header);
    for (uint32_t i = 0; o->kind == LAB_ARRAY && i < o->length; i++)
        if (o->slots[i] != NULL)
            count_permanent(&o->slots[i]->header);
#else
    (void)o;
#endif
}

static inline void lab_poll(struct lab_thread *t)
{
    count_poll(&t->own);
}

static inline void lab_block(struct lab_thread *t)
{
    count_block(&t->own);
}

static inline void lab_unblock(struct lab_thread *t)
{
    count_unblock(&t->own);
}

static void lab_open(void)
{
    count_open();
}

static void lab_close(void)
{
    count_close();
    cells_close();
}

static struct lab_thread *lab_attach(unsigned index)
{
    struct lab_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        count_fatal("out of memory");
    count_attach(&t->own, index);
    return t;
}

static void lab_detach(struct lab_thread *t)
{
    count_detach(&t->own);
    cell_give_all(&t->cache);
    free(t->dying);
    free(t);
}

COUNT_UNUSED static void lab_settle(struct lab_thread *t)
{
    lab_poll(t);
}

/* Objects that are alive, in checked builds, when no thread is attached any more. */
COUNT_UNUSED static int64_t lab_live(int64_t expected)
{
    (void)expected; /* no waiting for it here */
    return EDDY_LOAD_RELAXED(&cells_live);
}

#endif
