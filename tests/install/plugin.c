/* A plug-in with a managed heap of its own. */
#include <eddy/eddy.h>

EDDY_API int plugin_run(void);

/* Returns 0 when a heap worked from beginning to end. */
int plugin_run(void)
{
    eddy_heap *heap;
    eddy_thread *t;
    if (eddy_heap_create(NULL, &heap) != EDDY_OK || eddy_thread_attach(heap, &t) != EDDY_OK)
        return 1;
    for (int i = 0; i < 1000000; i++)
        if (eddy_alloc_array(t, 3) == NULL)
            return 2;
    if (eddy_collect(t, 10000, NULL) != EDDY_OK)
        return 3;
    return eddy_thread_detach(t) != EDDY_OK || eddy_heap_destroy(heap) != EDDY_OK ? 4 : 0;
}
