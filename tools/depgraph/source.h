/* Files to read: plain ones, compressed ones through a helper program, and the machine's own package
 * database. */
#ifndef DEPGRAPH_SOURCE_H
#define DEPGRAPH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* An open file. */
struct source {
    FILE *stream;
    pid_t helper; /* the decompressing process, 0 when the file is plain */
};

/* Opens a file; one whose name ends as that of a compressed file is read through apt-helper, or lz4.
 * Returns NULL, or the reason why it cannot be read. */
const char *source_open(struct source *source, const char *path);

/* Closes it. False when the helper program failed: what was read is incomplete. */
bool source_close(struct source *source);

/* The files of this machine's package database that exist: dpkg's status, then apt's package lists in
 * alphabetical order. A new array of new strings; *count receives their number. */
char **source_system_files(size_t *count);

#endif
