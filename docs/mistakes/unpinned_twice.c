/* More unpins than pins, more releases than retains. They free nothing; the collector counts them.
 * switch: eddy_heap_stats
 * diagnosis: misused_releases 1, misused_unpins 1 */
#include "mistake.h"

int main(void)
{
    eddy_thread *t = begin(0);
    struct node *a = new_node(t);
    eddy_pin(t, a);
    eddy_unpin(t, a);
    eddy_unpin(t, a); /* the mistake */
    eddy_retain(t, a);
    eddy_release(t, a);
    eddy_release(t, a); /* the mistake */
    eddy_collect(t, 0, NULL);
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    printf("misused_releases %llu, misused_unpins %llu\n", (unsigned long long)stats.misused_releases,
           (unsigned long long)stats.misused_unpins);
    eddy_keep_alive(a);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
