/* Beginning and ending an inspection (eddy/inspect.h): the caller stops all threads, itself in native state, and holds the
 * collector still in between. Its queries are the collector's. Own thread. */
#include "collector/collector.h"
#include "runtime/runtime.h"

eddy_status eddy_inspect_begin(eddy_thread *ft, unsigned timeout_ms, eddy_inspection **inspection)
{
    struct thread *t = thread_of(ft);
    *inspection = NULL;
    eddy_status status = eddy__check_caller(t);
    if (status == EDDY_OK)
        status = eddy__stop_threads(t, timeout_ms);
    if (status != EDDY_OK)
        return status;
    status = eddy__inspection_create(t->heap, t, inspection);
    if (status != EDDY_OK) {
        eddy__resume_threads(t);
        return status;
    }
    t->inspecting = true;
    t->native_depth++; /* so that the thread cannot detach */
    return EDDY_OK;
}

void eddy_inspect_end(eddy_inspection *inspection)
{
    if (inspection == NULL)
        return;
    struct thread *t = eddy__inspection_thread(inspection);
    if (eddy__check_owner(t) != EDDY_OK)
        eddy__misuse("eddy_inspect_end", "called on a thread other than the one that began the inspection");
    eddy__inspection_destroy(inspection);
    t->inspecting = false;
    t->native_depth--;
    eddy__resume_threads(t);
}
