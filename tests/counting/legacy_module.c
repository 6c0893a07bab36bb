/* A module of legacy code: compiled with nothing but its own header. */
#include "legacy_module.h"

#include <stddef.h>

void (*legacy_dealloc)(struct legacy_object *object);

static struct legacy_object *kept[LEGACY_KEPT];

void legacy_keep(unsigned place, struct legacy_object *object)
{
    struct legacy_object *old = kept[place % LEGACY_KEPT];
    LEGACY_INCREF(object);
    kept[place % LEGACY_KEPT] = object;
    if (old != NULL)
        LEGACY_DECREF(old);
}

void legacy_give_back(struct legacy_object *object)
{
    LEGACY_DECREF(object);
}

void legacy_forget(void)
{
    for (unsigned i = 0; i < LEGACY_KEPT; i++) {
        struct legacy_object *old = kept[i];
        kept[i] = NULL;
        if (old != NULL)
            LEGACY_DECREF(old);
    }
}
