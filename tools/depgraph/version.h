/* Debian's order of version numbers. */
#ifndef DEPGRAPH_VERSION_H
#define DEPGRAPH_VERSION_H

/* Below, equal to or above zero as version `a` is older than, as old as or newer than `b`. Any text has
 * a place in the order. */
int version_compare(const char *a, const char *b);

#endif
