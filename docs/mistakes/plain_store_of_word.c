/* The fields of a type with an encoding hold words; one is written as if it held a pointer.
 * switch: debug, of the program alone
 * diagnosis: eddy: misuse of eddy_store: the fields of the container are words: eddy_store_tagged writes them */
#include "mistake.h"

struct box {
    uintptr_t word;
};

int main(void)
{
    static const size_t references[] = {offsetof(struct box, word)};
    static const eddy_encoding encoding = {.test = 1, .value = 0, .address = ~(uintptr_t)15};
    const eddy_type_desc layout = {
        .name = "box", .size = sizeof(struct box), .ref_offsets = references, .ref_count = 1, .encoding = &encoding};
    eddy_thread *t = begin(0);
    const eddy_type *type;
    if (eddy_type_register(heap, &layout, &type) != EDDY_OK)
        return 2;
    struct box *box = eddy_alloc(t, type);
    struct node *node = new_node(t);
    eddy_store(t, box, (void **)(void *)&box->word, node); /* the mistake; right: eddy_store_tagged */
    return 0;
}
