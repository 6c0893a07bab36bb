/* A trace callback forgets a field, so that its counts do not agree with what the collector finds.
 * switch: EDDY_OPTIONS=verify=epoch
 * diagnosis: eddy: misuse of collector (verify=epoch): object
 * diagnosis: of type node: count differs from the number of references (found 1, expected 0) */
#include "mistake.h"

static void trace(const void *object, eddy_visitor *visitor)
{
    const struct node *node = object;
    eddy_visit(visitor, (void *const *)(const void *)&node->left); /* the mistake: and right? */
}

int main(void)
{
    const eddy_type_desc layout = {.name = "forgetful", .size = sizeof(struct node), .trace = trace};
    eddy_thread *t = begin(EDDY_HEAP_PRECISE_ROOTS);
    const eddy_type *type;
    void *roots[1] = {NULL};
    eddy_frame frame;
    if (eddy_type_register(heap, &layout, &type) != EDDY_OK)
        return 2;
    eddy_frame_push(t, &frame, roots, 1);
    struct node *a = roots[0] = eddy_alloc(t, type);
    eddy_retain(t, a);
    EDDY_SET(t, a, right, new_node(t));
    for (int i = 0; i < 2; i++) /* an epoch is verified before the next one begins */
        eddy_collect(t, 0, NULL);
    printf("nothing was found\n");
    return 0;
}
