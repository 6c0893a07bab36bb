/* Code in counting style runs on a thread that is not attached.
 * switch: every build
 * diagnosis: eddy: misuse of eddy_pin: the thread is not attached */
#include <pthread.h>

#include "mistake.h"

static void *other(void *object)
{
    EDDY_INCREF(object); /* the mistake; right: eddy_thread_attach first */
    return NULL;
}

int main(void)
{
    eddy_thread *t = begin(0);
    struct node *a = new_node(t);
    pthread_t thread;
    eddy_pin(t, a);
    if (pthread_create(&thread, NULL, other, a) != 0)
        return 2;
    pthread_join(thread, NULL);
    return 0;
}
