/* A thread uses the record of another.
 * switch: debug, of the program alone
 * diagnosis: eddy: misuse of eddy_store: called on a thread that the record does not belong to */
#include <pthread.h>

#include "mistake.h"

static eddy_thread *record; /* the mistake; right: each thread attaches, and hands its own record down */

static void *other(void *object)
{
    EDDY_SET(record, (struct node *)object, left, NULL);
    return NULL;
}

int main(void)
{
    record = begin(0);
    struct node *a = new_node(record);
    pthread_t thread;
    if (pthread_create(&thread, NULL, other, a) != 0)
        return 2;
    pthread_join(thread, NULL);
    eddy_keep_alive(a);
    return 0;
}
