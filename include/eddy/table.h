/* Tables from objects to objects, by identity, whose entries may hold their keys or values weakly.
 *
 *   EDDY_TABLE_STRONG      keeps keys and values alive, as long as the table is alive
 *   EDDY_TABLE_WEAK_KEY    keeps values alive; an entry goes when its key dies. A value that refers to its key keeps it alive
 *   EDDY_TABLE_WEAK_VALUE  keeps keys alive; an entry goes when its value dies (a cache)
 *   EDDY_TABLE_EPHEMERON   an entry goes when its key dies; the key, not the table, keeps the value alive (ephemeron.h)
 *
 * A table is an object of the heap like any other: it is referred to from fields and roots, and dies with its
 * entries when nothing refers to it. When a key (or weak value) dies, the collector finds its entries by itself and puts
 * them on a list of the table; later operations on the table, each a few, take them out, without a search. Until then
 * a dead entry takes room, and in a WEAK_KEY or WEAK_VALUE table what it refers to strongly stays alive; of an EPHEMERON
 * entry the value is let go at once.
 *
 * Threads. One thread at a time uses a table; those that share one agree by a lock of their own (held, like every lock, in
 * a native region while waiting). Different tables need no agreement, whatever keys they share. Own thread only. */
#ifndef EDDY_TABLE_H
#define EDDY_TABLE_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eddy_table_kind {
    EDDY_TABLE_STRONG = 0,
    EDDY_TABLE_WEAK_KEY,
    EDDY_TABLE_WEAK_VALUE,
    EDDY_TABLE_EPHEMERON
} eddy_table_kind;

typedef struct eddy_table eddy_table;

/* Makes an empty table. NULL on EDDY_ENOMEM and EDDY_EINVAL (an unknown kind), see eddy_thread_error. Own thread; a
 * safepoint. */
EDDY_API eddy_table *eddy_table_new(eddy_thread *t, eddy_table_kind kind);

/* Sets the value of `key`. EDDY_EINVAL (a NULL key or value), EDDY_ENOMEM (then nothing has changed). Own thread; a
 * safepoint; table, key and value are held. Cost: as of a counted store, in a table with weak entries also that of an
 * ephemeron for a new key; now and then the table grows, in pieces with safepoints between them. */
EDDY_API eddy_status eddy_table_put(eddy_thread *t, eddy_table *table, void *key, void *value);

/* The value of `key`, held by the caller's stack or frame as any loaded reference, or NULL. Own thread; a possible safepoint (of
 * WEAK_VALUE tables only); table and key are held. Cost: a look-up in a hash table. */
EDDY_API void *eddy_table_get(eddy_thread *t, eddy_table *table, void *key);

/* Takes the entry of `key` out; returns whether there was one. Own thread; a safepoint; table and key are held. Cost: as of
 * eddy_table_put. */
EDDY_API bool eddy_table_remove(eddy_thread *t, eddy_table *table, void *key);

/* How many entries the table has, with those that have died and have not been taken out yet. Own thread; not a safepoint. */
EDDY_API size_t eddy_table_count(const eddy_table *table);

/* Walks through the table, an entry at a call: begin with *cursor 0. False at the end. *key and *value are held by the
 * caller's stack or frame, as any loaded reference. Entries may be removed, and values changed, meanwhile; after a new key
 * was put, some entries may come twice or not at all. Own thread; a possible safepoint; the table is held. */
EDDY_API bool eddy_table_next(eddy_thread *t, eddy_table *table, size_t *cursor, void **key, void **value);

/* Takes out all entries known to be dead. Own thread; a safepoint; the table is held. Cost: in proportion to their number. */
EDDY_API void eddy_table_tidy(eddy_thread *t, eddy_table *table);

#ifdef __cplusplus
}
#endif

#endif
