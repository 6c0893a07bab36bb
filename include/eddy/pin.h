/* Pins: for native code that keeps references where Eddy does not look.
 *
 * A pinned object is a root, and other threads may be given its address by whatever way. (No object of
 * Eddy ever moves.) Pins nest: an object is pinned as long as it was pinned more often than unpinned,
 * all threads taken together, so that one thread may unpin what another has pinned. After the last
 * unpin the object is not freed but lives on like any other, as long as it is reachable.
 *
 * Each thread counts its own pins and unpins, by object, and hands the numbers over once an epoch: no
 * atomic operation, no log entry. Pins outlive the thread that made them. */
#ifndef EDDY_PIN_H
#define EDDY_PIN_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

EDDY_API void eddy__pin_slow(eddy_thread *t, void *object);
EDDY_API void eddy__unpin_slow(eddy_thread *t, void *object);

/* Where the pins of an object are counted, unless another object is counted there. */
static inline struct eddy__pin *eddy__pin_of(eddy_thread *t, const void *object)
{
    uintptr_t at = ((uintptr_t)object + ((uintptr_t)object >> 7)) & ((EDDY__PINS - 1) * 16);
    return (struct eddy__pin *)(void *)((char *)t->pins + at * (sizeof(struct eddy__pin) / 16));
}

/* Pins an object, which the caller must have a right to use. Own thread, outside native regions (else the misuse handler
 * is called). The first pin of an object since the thread's last handshake publishes it and is a
 * possible safepoint, which `object` survives; never fails. NULL is allowed and ignored. Cost: one
 * compare and one addition; the first time in an epoch some 10 ns, and some 20 on the collector. */
static inline void eddy_pin(eddy_thread *t, void *object)
{
    struct eddy__pin *pin = eddy__pin_of(t, object);
    if (EDDY_LIKELY(pin->key == (uintptr_t)object))
        pin->pins++;
    else
        eddy__pin_slow(t, object);
}

/* Takes one pin off, whichever thread made it. Own thread, outside native regions (else the misuse
 * handler is called). Possible safepoint; what it was the last pin of stays valid until the thread's
 * next safepoint only if something else holds it. An unpin without a pin is found by the collector and
 * counted in eddy_stats.misused_unpins; it frees nothing. NULL is allowed and ignored. Cost: one compare and one
 * addition; the first time in an epoch as for eddy_pin. */
static inline void eddy_unpin(eddy_thread *t, void *object)
{
    struct eddy__pin *pin = eddy__pin_of(t, object);
    if (EDDY_LIKELY(pin->key == (uintptr_t)object))
        pin->unpins++;
    else
        eddy__unpin_slow(t, object);
}

/* ---- scopes ---- */

/* An object that is pinned from begin to end. */
typedef struct eddy_pin_scope {
    eddy_thread *thread;
    void *object;
} eddy_pin_scope;

/* Pins `object` (NULL allowed) until the scope that it returns is ended. Own thread; a possible safepoint; cost: that of eddy_pin. */
static inline eddy_pin_scope eddy_pin_scope_begin(eddy_thread *t, void *object)
{
    eddy_pin_scope scope = {t, object};
    eddy_pin(t, object);
    return scope;
}

/* Ends a scope, on the thread that began it: unpins its object. A possible safepoint; cost: that of eddy_unpin. */
static inline void eddy_pin_scope_end(eddy_pin_scope *scope)
{
    eddy_unpin(scope->thread, scope->object);
}

#if defined(__GNUC__)
#define EDDY__JOIN2(a, b) a##b
#define EDDY__JOIN(a, b) EDDY__JOIN2(a, b)
/* Declares that `object` is pinned until the end of the enclosing block, however that is left (not by longjmp). Other
 * compilers: call eddy_pin_scope_begin, and eddy_pin_scope_end on every way out. */
#define EDDY_PIN_SCOPE(t, object)                                                                                      \
    eddy_pin_scope EDDY__JOIN(eddy__scope_, __LINE__) __attribute__((cleanup(eddy_pin_scope_end), unused)) =           \
        eddy_pin_scope_begin((t), (object))
#endif

/* ---- foreign calls ---- */

/* A foreign function: gets the caller's context, the arguments and their number. */
typedef void *eddy_foreign_fn(void *context, void *const *arguments, size_t count);

/* Calls `function` with `count` objects (NULL allowed among them), which are pinned until it has returned; returns
 * what it returns. `arguments` must not change meanwhile. Own thread; a possible safepoint. The function may use Eddy, and what is
 * pinned for it stays valid whatever it does. It returns in the ordinary way (no longjmp). */
EDDY_API void *eddy_call_pinned(eddy_thread *t, eddy_foreign_fn *function, void *context, void *const *arguments,
                                size_t count);

/* Calls `function` in a native region, with `count` objects (NULL allowed among them) that are pinned until it has returned,
 * and returns what it returns: for functions that block or take long. `arguments` must not change meanwhile. Own thread; a
 * safepoint. The function must not use Eddy, except between eddy_callback_begin and eddy_callback_end. It may read and write
 * those bytes of its arguments that are not reference fields. A result that is an object must be one of the arguments, or
 * pinned. */
EDDY_API void *eddy_call_native(eddy_thread *t, eddy_foreign_fn *function, void *context, void *const *arguments,
                                size_t count);

#ifdef __cplusplus
}
#endif

#endif
