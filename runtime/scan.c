/* Copying the calling thread's registers and C stack for the collector's conservative filter.
 * Only words that lie in the heap's range are copied; which of them are references the collector
 * decides later (design, section 7). Called at handshakes and on entry to native regions. */
#include <stdlib.h>

#include "runtime/heap/fiber.h"
#include "runtime/runtime.h"

static bool grow(struct thread *t, struct root_buffer *roots, size_t least)
{
    size_t room = roots->room ? roots->room * 2 : 256;
    if (room < least)
        room = least;
    uintptr_t *words = FAILS_ONCE() ? NULL : realloc(roots->words, room * sizeof *words);
    if (words == NULL)
        return false;
    eddy__charge_always(t->heap, (room - roots->room) * sizeof *words);
    roots->words = words;
    roots->room = room;
    return true;
}

bool eddy__root_buffer_add(struct thread *t, struct root_buffer *roots, uintptr_t word)
{
    if (roots->count == roots->room && !grow(t, roots, 0))
        return false;
    roots->words[roots->count++] = word;
    return true;
}

bool eddy__root_buffer_room(struct thread *t, struct root_buffer *roots, size_t words)
{
    return words <= roots->room || grow(t, roots, words);
}

/* Reads memory that other code owns, red zones of AddressSanitizer included. */
EDDY_NO_SANITIZE bool eddy__scan_words(struct thread *t, struct root_buffer *roots, const void *low, const void *high)
{
    const uintptr_t base = (uintptr_t)t->heap->base;
    const size_t range = t->heap->range;
    const uintptr_t *end = (const uintptr_t *)((uintptr_t)high & ~(uintptr_t)(sizeof(uintptr_t) - 1));
    for (const uintptr_t *p = low; p < end; p++) {
        uintptr_t word = *(const volatile uintptr_t *)p;
        if (EDDY_UNLIKELY(word - base < range) && !eddy__root_buffer_add(t, roots, word))
            return false;
    }
    return true;
}

__attribute__((noinline)) bool eddy__scan_stack(struct thread *t, struct root_buffer *roots)
{
    /* Forces every callee-saved register onto this frame (setjmp would mangle one of them). */
    __builtin_unwind_init();
    const char *low = __builtin_frame_address(0);
    char marker;
    if (&marker < low)
        low = &marker;
    low = (const char *)((uintptr_t)low & ~(uintptr_t)(sizeof(uintptr_t) - 1));
    /* the registers are saved below the frame address: begin well below everything of this frame */
    const char *volatile start = low - 256;
    if (t->fiber != NULL && t->fiber->low != NULL) {
        if (low < t->fiber->low || low >= t->fiber->high)
            eddy__misuse("eddy_fiber_switch", "the thread is not on the stack of the fiber it switched to");
        if ((uintptr_t)start < (uintptr_t)t->fiber->low)
            start = t->fiber->low;
    }
    return eddy__scan_words(t, roots, start, t->stack_base);
}
