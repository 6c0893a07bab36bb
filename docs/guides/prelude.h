/* What the fragments of the guides speak of. tests/docs_text.sh compiles each as the body of a function behind this. */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
    struct node *left, *right;
    long number;
};
struct account {
    eddy_right right;
    long balance;
};

extern eddy_heap *heap;
extern eddy_thread *t;
extern const eddy_type *node_type;
extern struct node *node, *child;
extern struct account *a, *b;
extern void *object, *arguments[2];
extern int file;
extern char buffer[100];
extern eddy_foreign_fn *foreign;
void *make(eddy_thread *t);
void finalize(eddy_thread *t, void *object, void *data);
