/* Global root slots. A root slot is a counted location outside the heap: its stores go through the
 * barrier (barrier.c), so the register below is needed by verification only. */
#include <stdlib.h>

#include "runtime/runtime.h"

/* The link that holds the entry for `slot`, or the last link. registry_lock held. */
static struct root_slot **find_slot(eddy_heap *heap, void **slot)
{
    struct root_slot **link = &heap->root_slots;
    while (*link != NULL && (*link)->slot != slot)
        link = &(*link)->next;
    return link;
}

eddy_status eddy_root_add(eddy_thread *ft, void **slot)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    struct root_slot *entry = malloc(sizeof *entry);
    if (entry == NULL)
        return EDDY_ENOMEM;
    pthread_mutex_lock(&t->heap->registry_lock);
    bool known = *find_slot(t->heap, slot) != NULL;
    if (!known) {
        *slot = NULL;
        entry->slot = slot;
        entry->next = t->heap->root_slots;
        t->heap->root_slots = entry;
    }
    pthread_mutex_unlock(&t->heap->registry_lock);
    if (known)
        free(entry);
    return known ? EDDY_EBUSY : EDDY_OK;
}

eddy_status eddy_root_remove(eddy_thread *ft, void **slot)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    pthread_mutex_lock(&t->heap->registry_lock);
    bool known = *find_slot(t->heap, slot) != NULL;
    pthread_mutex_unlock(&t->heap->registry_lock);
    if (!known)
        return EDDY_EINVAL;
    eddy_root_store(ft, slot, NULL);
    pthread_mutex_lock(&t->heap->registry_lock);
    struct root_slot **link = find_slot(t->heap, slot), *entry = *link;
    if (entry != NULL)
        *link = entry->next;
    pthread_mutex_unlock(&t->heap->registry_lock);
    free(entry);
    return EDDY_OK;
}
