/* A counting API as legacy code was compiled against it: it knows one plain count at the beginning of an object, changes it
 * in line, and calls a hook when it has come to zero. Nothing of strategies, threads, or a second count. */
#ifndef LEGACY_MODULE_H
#define LEGACY_MODULE_H

#include <stdint.h>

struct legacy_object {
    int32_t count;
};

extern void (*legacy_dealloc)(struct legacy_object *object);

#define LEGACY_INCREF(object) ((void)(object)->count++)
#define LEGACY_DECREF(object)                                                                                          \
    do {                                                                                                               \
        if (--(object)->count == 0)                                                                                    \
            legacy_dealloc(object);                                                                                    \
    } while (0)

enum { LEGACY_KEPT = 32 };

/* Called by the holder of the legacy lock. Keeps a reference of its own to the object; forgets what it kept in that place. */
void legacy_keep(unsigned place, struct legacy_object *object);

/* Gives back a reference that the caller gave it, and forgets all that it kept. */
void legacy_give_back(struct legacy_object *object);
void legacy_forget(void);

#endif
