/* Emitting events; see eddy/events.h. EVENT is the one place where listeners are called and probes lie.
 * Mutators and the collector, never with registry_lock held.
 *
 * A listener's node is never freed before the heap: so the list is walked without a lock. Who calls counts itself in
 * `users` first and looks at `live` then; who removes clears `live` first and waits for `users` then. */
#ifndef EDDY_RUNTIME_HEAP_EVENTS_H
#define EDDY_RUNTIME_HEAP_EVENTS_H

#include "runtime/heap/heap.h"

#ifdef EDDY_USDT
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define EVENT_PROBE(member, ...) STAP_PROBEV(eddy, member, __VA_ARGS__)
#define EVENT_PROBES 1
#else
#define EVENT_PROBE(member, ...) ((void)0)
#define EVENT_PROBES 0
#endif

/* Bits of heap.listening. */
enum {
    LISTEN_epoch_begin = 1u << 0,
    LISTEN_epoch_end = 1u << 1,
    LISTEN_handshake = 1u << 2,
    LISTEN_stall_begin = 1u << 3,
    LISTEN_stall_end = 1u << 4,
    LISTEN_cycle_slice = 1u << 5,
    LISTEN_pacing = 1u << 6,
    LISTEN_finalizer_queued = 1u << 7,
    LISTEN_late_thread = 1u << 8,
    LISTEN_corrupt = 1u << 9,
    LISTEN_memory_low = 1u << 10,
    LISTEN_out_of_memory = 1u << 11
};

struct listener {
    const eddy_listener *callbacks; /* written under registry_lock while not live */
    struct listener *next;          /* written once, before it is published */
    uint32_t live;                  /* under registry_lock; read by whoever calls */
    uint32_t users;                 /* futex: callbacks that are running, or about to look at `live` */
};

/* The callbacks of a node, counted in; NULL, not counted, if it is not live. */
const eddy_listener *eddy__listener_enter(struct listener *node);
void eddy__listener_leave(struct listener *node);
/* Whether the calling thread is inside an observer. */
bool eddy__in_observer(void);
void eddy__observing(int by);

/* Whether anyone wants an event: for what has to be measured first. */
#define EVENT_WANTED(heap, member) (EVENT_PROBES || (EDDY_LOAD_RELAXED(&(heap)->listening) & LISTEN_##member) != 0)

/* Calls `statement` with `l` bound to each listener that has the callback. */
#define EVENT_EACH(heap, member, l, statement)                                                                         \
    for (struct listener *event_node = EDDY_LOAD_ACQUIRE(&(heap)->listeners); event_node != NULL;                      \
         event_node = event_node->next) {                                                                              \
        const eddy_listener *l = eddy__listener_enter(event_node);                                                     \
        if (l == NULL)                                                                                                 \
            continue;                                                                                                  \
        if (l->member != NULL) {                                                                                       \
            statement;                                                                                                 \
        }                                                                                                              \
        eddy__listener_leave(event_node);                                                                              \
    }

/* An event for observers. */
#define EVENT(heap, member, ...)                                                                                       \
    do {                                                                                                               \
        EVENT_PROBE(member, heap, __VA_ARGS__);                                                                        \
        if (EDDY_UNLIKELY((EDDY_LOAD_RELAXED(&(heap)->listening) & LISTEN_##member) != 0)) {                           \
            eddy__observing(1);                                                                                        \
            EVENT_EACH(heap, member, event_l, event_l->member(event_l->context, heap, __VA_ARGS__))                    \
            eddy__observing(-1);                                                                                       \
        }                                                                                                              \
    } while (0)

/* Under registry_lock, at the heap's end: frees the nodes. */
void eddy__listeners_destroy(eddy_heap *heap);

#endif
