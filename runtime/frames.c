/* Frames of handles, and recording those that changed (design, section 7).
 *
 * Only the top frame is written freely. So a frame below it, once recorded, stays as it is until it becomes the top
 * one again; the *watermark* is the youngest such frame. It is always below the top frame: a pop that uncovers it
 * moves it one down. A record of roots then has this shape: of the handles that the collector has counted for the
 * thread's older frames, in order from the oldest, the first `kept` stay; `stable` others follow in the place of the
 * rest; and those of the top frame are for this epoch only. Own thread only. */
#include "runtime/runtime.h"

static size_t total_of(const eddy_frame *frame)
{
    return frame == NULL ? 0 : frame->total;
}

void eddy_frame_push(eddy_thread *ft, eddy_frame *frame, void **slots, size_t count)
{
    struct thread *t = thread_of(ft);
    frame->slots = slots;
    frame->count = count;
    frame->previous = t->frames;
    frame->total = total_of(t->frames) + count;
    t->frames = frame;
}

void eddy_frame_pop(eddy_thread *ft, eddy_frame *frame)
{
    struct thread *t = thread_of(ft);
    if (EDDY_UNLIKELY(t->frames != frame))
        eddy__misuse("eddy_frame_pop", "the frame is not the top one");
    eddy_frame *top = frame->previous;
    t->frames = top;
    if (EDDY_UNLIKELY(top != NULL && top == t->watermark) && !MUTANT(MUTANT_HIGH_WATERMARK))
        t->watermark = top->previous;
}

void eddy_frame_set(eddy_thread *ft, eddy_frame *frame, size_t index, void *value)
{
    struct thread *t = thread_of(ft);
    if (index >= frame->count)
        eddy__misuse("eddy_frame_set", "the frame has no such slot");
    frame->slots[index] = value;
    if (t->watermark != NULL && frame->total <= t->watermark->total && !MUTANT(MUTANT_SET_HIGH))
        t->watermark = frame->previous;
}

/* ---- debug builds: has anybody written to a frame that is not looked at? ---- */

#ifdef EDDY_DEBUG
#define CHECKED_FRAMES 1000u

static uint64_t hash_of(const eddy_frame *frame)
{
    uint64_t hash = frame->count;
    for (size_t i = 0; i < frame->count; i++)
        hash = (hash ^ (uintptr_t)frame->slots[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash;
}

static void check_frames(const struct thread *t)
{
    const eddy_frame *frame = t->watermark;
    for (unsigned i = 0; frame != NULL && i < CHECKED_FRAMES; i++, frame = frame->previous)
        if (frame->check != hash_of(frame))
            eddy__misuse("eddy_frame_push", "a handle of an older frame was written without eddy_frame_set");
}
#endif

/* ---- recording ---- */

/* The frames between the top one and the watermark, behind what was recorded of the epoch before. */
static bool record_stable(struct thread *t, struct root_buffer *roots)
{
    size_t recorded = total_of(t->watermark);
    if (recorded < t->kept)
        t->kept = recorded;
    roots->kept = t->kept;
    eddy_frame *below = t->frames == NULL ? NULL : t->frames->previous;
    roots->stable = total_of(below) - t->kept;
    if (!eddy__root_buffer_room(t, roots, roots->stable))
        return false;
    for (eddy_frame *frame = below; frame != t->watermark; frame = frame->previous) {
        uintptr_t *words = roots->words + (frame->total - frame->count - t->kept);
        for (size_t i = 0; i < frame->count; i++)
            words[i] = MUTANT(MUTANT_ROOTS_TOP_FRAME) ? 0 : (uintptr_t)frame->slots[i];
#ifdef EDDY_DEBUG
        frame->check = hash_of(frame);
#endif
    }
    t->watermark = below;
    roots->count = roots->stable;
    return true;
}

bool eddy__record_frames(struct thread *t, struct root_buffer *roots)
{
#ifdef EDDY_DEBUG
    check_frames(t);
#endif
    if (!record_stable(t, roots))
        return false;
    for (size_t i = 0; t->frames != NULL && i + MUTANT(MUTANT_ROOTS_OFF_BY_ONE) < t->frames->count; i++)
        if (t->frames->slots[i] != NULL && !eddy__root_buffer_add(t, roots, (uintptr_t)t->frames->slots[i]))
            return false;
    return true;
}

void eddy__settle_frames(struct thread *t)
{
    t->kept = total_of(t->watermark);
}

void eddy__forget_frames(struct thread *t)
{
    t->watermark = NULL;
    t->kept = 0;
}
