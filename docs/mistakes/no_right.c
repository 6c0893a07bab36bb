/* An object of an arbitrated type is written without the right to it, or with one from before a safepoint.
 * switch: debug
 * diagnosis: eddy: misuse of EDDY_WRITABLE: the right to the object is from before a safepoint */
#include "mistake.h"

struct account {
    eddy_right right;
    long balance;
};

int main(void)
{
    const eddy_type_desc layout = {.name = "account", .size = sizeof(struct account), .flags = EDDY_TYPE_ARBITRATED};
    eddy_thread *t = begin(0);
    const eddy_type *type;
    if (eddy_type_register(heap, &layout, &type) != EDDY_OK)
        return 2;
    struct account *a = eddy_alloc(t, type);
    eddy_retain(t, a); /* others may know it now */
    eddy_own_write(t, a);
    EDDY_WRITABLE(t, a)->balance += 1;
    eddy_safepoint(t);
    EDDY_WRITABLE(t, a)->balance += 1; /* the mistake; right: eddy_own_write again */
    printf("%ld\n", a->balance);
    return 0;
}
