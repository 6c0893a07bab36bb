/* What the files say, in C memory: names, packages and their relations. Only the way from the files to
 * the graph: freed when the graph stands. */
#ifndef DEPGRAPH_CATALOG_H
#define DEPGRAPH_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "deb822.h"

#define NO_PACKAGE UINT32_MAX

/* A name that some field mentions. Packages of another architecture than the main one are called
 * "name:architecture". */
struct name {
    const char *text;
    uint32_t length;
    uint32_t package; /* the package so called, or NO_PACKAGE */
    uint64_t hash;
};

enum relation_kind { PRE_DEPENDS, DEPENDS, RECOMMENDS, SUGGESTS, PROVIDES };

struct relation {
    uint32_t name;
    enum relation_kind kind;
};

struct package_entry {
    uint32_t name;
    const char *version;
    size_t first_relation;
    size_t relation_count;
};

struct catalog {
    struct name *names;
    size_t name_count, name_capacity;
    uint32_t *name_table; /* name number + 1, or 0; open addressing */
    size_t name_table_size;
    struct package_entry *packages;
    size_t package_count, package_capacity;
    struct relation *relations;
    size_t relation_count, relation_capacity;
    struct text_block *texts;
    char architecture[16]; /* the main one: the first that is not "all" */
    uint64_t stanzas;
    uint64_t superseded; /* stanzas of a package of which there is a newer one, or a later equal one */
};

/* Adds a stanza. One without a usable package name is reported and left out; of several stanzas of one
 * package the newest version counts, of equal versions the last one. */
void catalog_add(struct catalog *catalog, const struct stanza *stanza, struct complaints *complaints);

/* The number of a name, or NO_PACKAGE when no field mentions it. */
uint32_t catalog_find(const struct catalog *catalog, const char *text, size_t length);

void catalog_free(struct catalog *catalog);

#endif
