/* Ownership: which thread may read and write the fields of an object, without locks.
 *
 * For types that ask for it (EDDY_TYPE_ARBITRATED) Eddy arbitrates access. Their objects begin with an `eddy_right`, which
 * is Eddy's; the rest is the program's:
 *
 *     struct account { eddy_right right; long balance; };
 *
 *     eddy_own_write(t, a);           // returns with the right
 *     a->balance += sum;              // plain accesses, until the next safepoint
 *
 * A thread *owns* an object, and reads and writes it, or nobody does, and everybody may read it. *A right lasts until the
 * thread's next safepoint and no longer*; what is still needed then is asked for again, which costs one load, one compare
 * and a branch as long as nobody else has wanted it. eddy_own_write and eddy_own_read are themselves possible safepoints:
 * after them no right of before holds. Rights to several objects at once: eddy_own_all. A counted store (ref.h) is a
 * possible safepoint, too, unless entries were reserved (eddy_reserve).
 *
 * Another thread's object is taken from it at its next safepoint; in its sleep, if it is in a native region; or at once, if
 * it has ended. Between fork and the child's use of an object the parent's other threads may have had it: it is then the child's
 * as it was at that moment.
 *
 * A new object is nobody's: everybody may read it once it can be reached. The first eddy_own_write of its maker, before other
 * threads can reach it, makes it the maker's at the price of a store. What is never written after it was published costs its
 * readers nothing; the first write by anybody else costs a barrier.
 *
 * Debug builds call the misuse handler for a store without the right, or with a right from before a safepoint, into an object
 * of such a type; plain accesses are checked where the program says EDDY_WRITABLE or EDDY_READABLE.
 * All functions: own thread, outside native regions (else the misuse handler is called), and for objects of such types. */
#ifndef EDDY_OWNERSHIP_H
#define EDDY_OWNERSHIP_H

#include "eddy/layout.h"
#include "eddy/ref.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first member of each object of an arbitrated type. Never touched by the program. The owner's code, no word of which
 * covers another (the number, and how many of its bits are zero: J. M. Berger, "A note on error detection codes for
 * asymmetric channels", Information and Control 4, 1961), so that "mine or nobody's" is one test with a mask; and flags. */
typedef uint32_t eddy_right;

#define EDDY__RIGHT_CODE 0x1fffffu /* 0: nobody */
#define EDDY__RIGHT_WRITE                                                                                              \
    (1u << 21) /* the owner may have written since it got it; else it has asked for reading only */
#define EDDY__RIGHT_KEPT                                                                                               \
    (1u << 22) /* the owner is still waiting for something else, or asleep: it is not touching it */
#define EDDY__RIGHT_MARKED (1u << 23) /* has been handed to foreign code: the legacy lock decides */
#define EDDY__RIGHT_READS_SHIFT 24    /* so many transfers for reading in a row, four bits */
#define EDDY__RIGHT_READS (15u << EDDY__RIGHT_READS_SHIFT)

EDDY_API void eddy__own_write_slow(eddy_thread *t, void *object);
EDDY_API void eddy__own_read_slow(eddy_thread *t, const void *object);
EDDY_API void eddy__own_store_slow(eddy_thread *t, void *object, void **field, void *value);
EDDY_API void eddy__note_right(eddy_thread *t, const void *object, bool write);
EDDY_API void eddy__check_right(eddy_thread *t, const void *object, bool write, const char *function);
EDDY_API void eddy__confirm_rights(eddy_thread *t);

#ifdef EDDY_DEBUG
#define EDDY__NOTE_RIGHT(t, object, write) eddy__note_right((t), (object), (write))
/* The object; in debug builds the misuse handler is called if the thread has no right to write it. Own thread; not a safepoint. */
#define EDDY_WRITABLE(t, object) (eddy__check_right((t), (object), true, "EDDY_WRITABLE"), (object))
/* The object; in debug builds the misuse handler is called if the thread has no right to read it. Own thread; not a safepoint. */
#define EDDY_READABLE(t, object) (eddy__check_right((t), (object), false, "EDDY_READABLE"), (object))
#else
#define EDDY__NOTE_RIGHT(t, object, write) ((void)0)
#define EDDY_WRITABLE(t, object) (object)
#define EDDY_READABLE(t, object) (object)
#endif

/* Whether the thread may read and write the object now. Says no of marked objects (eddy_legacy_hand). Own thread; not a
 * safepoint. Cost: a load and a compare. */
static inline bool eddy_owns_write(const eddy_thread *t, const void *object)
{
    return EDDY_LOAD_RELAXED((const eddy_right *)object) == t->own_key;
}
/* Whether the thread may read the object now. Says no of marked objects (eddy_legacy_hand). Own thread; not a safepoint. Cost:
 * two loads and a test. */
static inline bool eddy_owns_read(const eddy_thread *t, const void *object)
{
    return (EDDY_LOAD_ACQUIRE((const eddy_right *)object) & t->own_mask) == 0;
}

/* Returns with the right to read and write `object`, which is held meanwhile. A possible safepoint; waits for the owner
 * if there is one, and while it waits passes safepoints, first spinning and then asleep. Never fails. Who asks gets: requests are
 * served in the order in which they reach an object. Cost: one load, compare and branch for the owner; else a request, and the time
 * until the owner's next safepoint; some 100 ns if that sleeps or has ended; for an object that all may read a barrier. */
static inline void eddy_own_write(eddy_thread *t, void *object)
{
    if (EDDY_UNLIKELY(!eddy_owns_write(t, object)))
        eddy__own_write_slow(t, object);
    EDDY__NOTE_RIGHT(t, object, true);
}

/* eddy_own_write and eddy_reserve (ref.h) in one: returns with the right and with entries for `n` counted stores, at most
 * 64, so that neither ends before the next safepoint. Own thread; a safepoint. Never fails. */
EDDY_API void eddy_own_write_reserve(eddy_thread *t, void *object, unsigned n);

/* Returns with the right to read `object`, which is held meanwhile. Waits, is served and costs as eddy_own_write; a possible
 * safepoint; never fails. Whoever takes an object for reading becomes its owner at first. When it has been taken for reading
 * several times in a row and not been written in between, it becomes nobody's, so that all may read it (eddy_own_share_after). */
static inline void eddy_own_read(eddy_thread *t, const void *object)
{
    if (EDDY_UNLIKELY(!eddy_owns_read(t, object)))
        eddy__own_read_slow(t, object);
    EDDY__NOTE_RIGHT(t, object, false);
}

/* After how many transfers for reading in a row, without a write in between, objects of the heap become readable by all: 1
 * at the first, up to 15; 0: never. Default: 3, so that a reader beside an owner that reads and writes in turn
 * does not drive it through barriers. EDDY_EINVAL beyond 15. Any thread, not a safepoint. */
EDDY_API eddy_status eddy_own_share_after(eddy_heap *heap, unsigned reads);

/* One of several objects to be owned at once. */
typedef struct eddy_own_request {
    void *object;
    bool write; /* else for reading */
} eddy_own_request;

#define EDDY_OWN_MOST 64

/* Returns with all these rights at the same time: what the thread does until its next safepoint is one step for all who use
 * rights. The objects, among which there may be the same one several times, are held meanwhile. They are asked for in the
 * order of their addresses, so that threads do not deadlock, and what has been granted is kept against everybody but the
 * holder of the legacy lock until all are there. A possible safepoint; waits. EDDY_EINVAL, with nothing done: more than
 * EDDY_OWN_MOST. Cost: that of the single rights. */
EDDY_API eddy_status eddy_own_all(eddy_thread *t, const eddy_own_request *requests, size_t n);

/* eddy_store into an object that the thread has the right to write: needs no atomic exchange. (eddy_store works, too.) A possible
 * safepoint unless entries were reserved; if it waited, it has taken the right again before it stored. Not for fields that are
 * words. */
static inline void eddy_own_store(eddy_thread *t, void *object, void **field, void *value)
{
    EDDY__CHECK_STORE(t, object, field, value);
    if (EDDY_LIKELY(eddy__is_own(t, object)))
        EDDY_STORE_RELAXED(field, value);
    else
        eddy__own_store_slow(t, object, field, value);
}

/* Returns when every other thread has passed a safepoint, or been in a native region, since the call; it wakes none of these.
 * The holder of the legacy lock passes none until it leaves or opens a window. What the others wrote
 * before is visible then. Own thread; itself a safepoint. Cost: the time until the last one's next safepoint. */
EDDY_API void eddy_barrier(eddy_thread *t);

/* ---- guards ---- */

/* The thread's token. As long as it stays the same, no right has been taken from the thread: what it could read or write
 * when it took the token it still can, safepoints or not. So compiled code checks once and acts many times:
 *
 *     do {
 *         eddy_own_write(t, a);                              // the guard
 *         uint64_t token = eddy_rights_token(t);
 *         do { a->sum += next(); eddy_safepoint(t); } while (more && eddy_rights_hold(t, token));
 *     } while (more);
 *
 * It changes whenever something was taken from the thread, or anything readable by all claimed by somebody, or the thread has given
 * the legacy lock back, at the next safepoint that is, if what it asked for is marked: it may, though
 * nothing that the code in question uses is concerned. An action that asks for a right may change what a guard relied on (an
 * object that refers to itself): take all rights first, with eddy_own_all, then the token. Own
 * thread; not a safepoint. Cost: one load. */
static inline uint64_t eddy_rights_token(const eddy_thread *t)
{
    return EDDY_LOAD_RELAXED(&t->rights_token);
}
/* Whether the token is what it was: all rights that the thread had when it took `token` it still has. Own thread; not a
 * safepoint. Cost: a load and a compare. */
static inline bool eddy_rights_hold(eddy_thread *t, uint64_t token)
{
    bool hold = EDDY_LOAD_RELAXED(&t->rights_token) == token;
#ifdef EDDY_DEBUG
    if (hold)
        eddy__confirm_rights(t);
#endif
    return hold;
}

/* ---- foreign code that knows nothing of threads ---- */

/* Takes the heap's legacy lock: one thread at a time runs foreign code. Its holder meets no preemption: its rights last
 * until it leaves, whatever safepoints it passes, native regions included. It takes objects from anyone, at the owner's next
 * safepoint as always; others wait until it leaves. Served in order; nests. A safepoint; waits in native state. */
EDDY_API void eddy_legacy_enter(eddy_thread *t);
/* Gives the legacy lock back, if that was its outermost section: the rights of the thread end then. Own thread; a safepoint.
 * Leaving without enter calls the misuse handler. */
EDDY_API void eddy_legacy_leave(eddy_thread *t);

/* Opens a window, before foreign code blocks: gives the legacy lock up, however deeply it nests, and enters a native region. Others
 * may hold the lock meanwhile. Returns what eddy_legacy_window_close needs. Own thread; a safepoint. Without the lock the misuse
 * handler is called. */
EDDY_API unsigned eddy_legacy_window_open(eddy_thread *t);

/* Closes a window: leaves the native region, and takes the legacy lock again as deeply as it nested; `window` is what
 * eddy_legacy_window_open returned. Own thread; a safepoint; waits in native state. If no window is open, or a region that
 * was entered in it has not been left, the misuse handler is called. */
EDDY_API void eddy_legacy_window_close(eddy_thread *t, unsigned window);

/* Hands an object to foreign code, which accesses it without asking, now or in a later section: takes it from whoever has it, and
 * *marks* it for ever. A marked object is its reader's and writer's who has the legacy lock: eddy_own_write and eddy_own_read
 * take the lock until the thread's next safepoint. Only the holder hands (else the misuse handler is called). A
 * possible safepoint, which `object` survives. Not needed for code that asks for rights itself. */
EDDY_API void eddy_legacy_hand(eddy_thread *t, void *object);

#ifdef __cplusplus
}
#endif

#endif
