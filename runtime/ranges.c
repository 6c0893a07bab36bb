/* Ambiguous ranges (include/eddy/root.h): memory that a thread declares to hold references, copied with its C stack. Own
 * thread only, so that a range is looked at at the one moment at which its references change hands between epochs. */
#include <stdlib.h>

#include "runtime/runtime.h"

struct root_range {
    struct root_range *next;
    void *start, *end; /* as given */
};

static uintptr_t align_up(const void *p)
{
    return ((uintptr_t)p + sizeof(uintptr_t) - 1) & ~(uintptr_t)(sizeof(uintptr_t) - 1);
}

static struct root_range **find_range(struct thread *t, const void *start)
{
    struct root_range **link = &t->ranges;
    while (*link != NULL && (*link)->start != start)
        link = &(*link)->next;
    return link;
}

static eddy_status check_call(const struct thread *t)
{
    eddy_status status = eddy__check_owner(t);
    return status == EDDY_OK && t->native_depth != 0 ? EDDY_EBUSY : status;
}

eddy_status eddy_root_range_add(eddy_thread *ft, void *start, void *end)
{
    struct thread *t = thread_of(ft);
    eddy_status status = check_call(t);
    if (status != EDDY_OK)
        return status;
    if ((uintptr_t)end < (uintptr_t)start || *find_range(t, start) != NULL)
        return EDDY_EINVAL;
    struct root_range *range = eddy__internal_alloc(t->heap, sizeof *range);
    if (range == NULL)
        return EDDY_ENOMEM;
    *range = (struct root_range){.next = t->ranges, .start = start, .end = end};
    t->ranges = range;
    return EDDY_OK;
}

static void remove_range(struct thread *t, struct root_range **link)
{
    struct root_range *range = *link;
    *link = range->next;
    eddy__internal_free(t->heap, range, sizeof *range);
}

eddy_status eddy_root_range_remove(eddy_thread *ft, void *start)
{
    struct thread *t = thread_of(ft);
    eddy_status status = check_call(t);
    if (status != EDDY_OK)
        return status;
    struct root_range **link = find_range(t, start);
    if (*link == NULL)
        return EDDY_EINVAL;
    remove_range(t, link);
    return EDDY_OK;
}

void eddy__ranges_leave(struct thread *t)
{
    while (t->ranges != NULL)
        remove_range(t, &t->ranges);
}

bool eddy__record_ranges(struct thread *t, struct root_buffer *roots)
{
    for (const struct root_range *range = t->ranges; range != NULL; range = range->next)
        if (!eddy__scan_words(t, roots, (const void *)align_up(range->start), range->end))
            return false;
    return true;
}
