/* What the files say: see catalog.h. */
#include "catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relation.h"
#include "util.h"
#include "version.h"

enum { TEXT_BLOCK_SIZE = 64 * 1024, NAME_TABLE_SIZE = 1024 };

/* Strings live side by side in blocks and are freed together. */
struct text_block {
    struct text_block *previous;
    size_t used;
    size_t size;
    char text[];
};

static const char *keep_text(struct catalog *catalog, const char *text, size_t length)
{
    struct text_block *block = catalog->texts;
    if (block == NULL || block->size - block->used <= length) {
        size_t size = length < TEXT_BLOCK_SIZE ? TEXT_BLOCK_SIZE : length + 1;
        block = must_calloc(1, sizeof *block + size);
        block->previous = catalog->texts;
        block->size = size;
        catalog->texts = block;
    }
    char *kept = block->text + block->used;
    memcpy(kept, text, length);
    kept[length] = '\0';
    block->used += length + 1;
    return kept;
}

/* The table's slot that holds the name, or the empty one where it belongs. */
static uint32_t *name_slot(const struct catalog *catalog, const char *text, size_t length, uint64_t hash)
{
    size_t mask = catalog->name_table_size - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &catalog->name_table[i];
        if (*slot == 0)
            return slot;
        const struct name *name = &catalog->names[*slot - 1];
        if (name->hash == hash && name->length == length && memcmp(name->text, text, length) == 0)
            return slot;
    }
}

static void grow_name_table(struct catalog *catalog)
{
    size_t size = catalog->name_table_size == 0 ? NAME_TABLE_SIZE : catalog->name_table_size * 2;
    free(catalog->name_table);
    catalog->name_table = must_calloc(size, sizeof *catalog->name_table);
    catalog->name_table_size = size;
    for (size_t i = 0; i < catalog->name_count; i++) {
        const struct name *name = &catalog->names[i];
        *name_slot(catalog, name->text, name->length, name->hash) = (uint32_t)i + 1;
    }
}

static uint32_t intern(struct catalog *catalog, const char *text, size_t length)
{
    if (catalog->name_count * 2 >= catalog->name_table_size)
        grow_name_table(catalog);
    uint64_t hash = hash_name(text, length);
    uint32_t *slot = name_slot(catalog, text, length, hash);
    if (*slot == 0) {
        catalog->names =
            must_grow(catalog->names, &catalog->name_capacity, catalog->name_count + 1, sizeof *catalog->names);
        catalog->names[catalog->name_count++] = (struct name){
            .text = keep_text(catalog, text, length), .length = (uint32_t)length, .package = NO_PACKAGE, .hash = hash};
        *slot = (uint32_t)catalog->name_count;
    }
    return *slot - 1;
}

uint32_t catalog_find(const struct catalog *catalog, const char *text, size_t length)
{
    if (catalog->name_table_size == 0)
        return NO_PACKAGE;
    return *name_slot(catalog, text, length, hash_name(text, length)) - 1; /* 0 - 1 is NO_PACKAGE */
}

/* The number of the name that `text` stands for in a stanza of the given architecture. */
static uint32_t intern_qualified(struct catalog *catalog, const char *text, size_t length, const char *architecture,
                                 size_t architecture_length)
{
    bool plain = architecture_length == 0
                 || (architecture_length == strlen(catalog->architecture)
                     && memcmp(architecture, catalog->architecture, architecture_length) == 0);
    static const char *const anywhere[] = {"all", "any", "native"};
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere && !plain; i++)
        plain = strlen(anywhere[i]) == architecture_length && memcmp(anywhere[i], architecture, architecture_length) == 0;
    if (plain)
        return intern(catalog, text, length);
    size_t whole = length + 1 + architecture_length;
    char *qualified = must_calloc(whole, 1);
    memcpy(qualified, text, length);
    qualified[length] = ':';
    memcpy(qualified + length + 1, architecture, architecture_length);
    uint32_t name = intern(catalog, qualified, whole);
    free(qualified);
    return name;
}

/* What a relation's targets need to know of the stanza. */
struct taking {
    struct catalog *catalog;
    const struct field *architecture;
    enum relation_kind kind;
};

static void take_target(void *context, const struct target *target)
{
    struct taking *taking = context;
    struct catalog *catalog = taking->catalog;
    const struct field *own = taking->architecture;
    uint32_t name =
        target->qualifier != NULL
            ? intern_qualified(catalog, target->name, target->length, target->qualifier, target->qualifier_length)
            : intern_qualified(catalog, target->name, target->length, own->text, own->length);
    catalog->relations = must_grow(catalog->relations, &catalog->relation_capacity, catalog->relation_count + 1,
                                   sizeof *catalog->relations);
    catalog->relations[catalog->relation_count++] = (struct relation){name, taking->kind};
}

static void add_relations(struct catalog *catalog, const struct stanza *stanza, struct package_entry *package,
                          struct complaints *complaints)
{
    static const struct {
        enum field_id field;
        enum relation_kind kind;
    } relations[] = {{FIELD_PRE_DEPENDS, PRE_DEPENDS},
                     {FIELD_DEPENDS, DEPENDS},
                     {FIELD_RECOMMENDS, RECOMMENDS},
                     {FIELD_SUGGESTS, SUGGESTS},
                     {FIELD_PROVIDES, PROVIDES}};
    package->first_relation = catalog->relation_count;
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++) {
        const struct field *field = &stanza->fields[relations[i].field];
        struct taking taking = {catalog, &stanza->fields[FIELD_ARCHITECTURE], relations[i].kind};
        if (field->line != 0)
            relation_each(field, complaints, take_target, &taking);
    }
    package->relation_count = catalog->relation_count - package->first_relation;
}

static bool has_usable_name(const struct stanza *stanza, struct complaints *complaints)
{
    const struct field *package = &stanza->fields[FIELD_PACKAGE];
    const struct field *architecture = &stanza->fields[FIELD_ARCHITECTURE];
    struct excerpt shown;
    if (package->line == 0) {
        complain(complaints, stanza->line, "a stanza without a field Package");
        return false;
    }
    if (package->length == 0 || relation_name_length(package->text) != package->length) {
        complain(complaints, package->line, "not a package name: \"%s\"", excerpt(package->text, package->length, &shown));
        return false;
    }
    if (architecture->length > 0 && relation_name_length(architecture->text) != architecture->length) {
        complain(complaints, architecture->line, "not an architecture: \"%s\"",
                 excerpt(architecture->text, architecture->length, &shown));
        return false;
    }
    return true;
}

void catalog_add(struct catalog *catalog, const struct stanza *stanza, struct complaints *complaints)
{
    catalog->stanzas++;
    if (!has_usable_name(stanza, complaints))
        return;
    const struct field *package_name = &stanza->fields[FIELD_PACKAGE];
    const struct field *architecture = &stanza->fields[FIELD_ARCHITECTURE];
    const struct field *version = &stanza->fields[FIELD_VERSION];
    if (catalog->architecture[0] == '\0' && architecture->length > 0 && strcmp(architecture->text, "all") != 0)
        snprintf(catalog->architecture, sizeof catalog->architecture, "%s", architecture->text);
    uint32_t name =
        intern_qualified(catalog, package_name->text, package_name->length, architecture->text, architecture->length);
    uint32_t number = catalog->names[name].package;
    const char *version_text = version->length > 0 ? version->text : "";
    if (number != NO_PACKAGE) {
        catalog->superseded++;
        if (version_compare(version_text, catalog->packages[number].version) < 0)
            return;
    } else {
        catalog->packages = must_grow(catalog->packages, &catalog->package_capacity, catalog->package_count + 1,
                                      sizeof *catalog->packages);
        number = (uint32_t)catalog->package_count++;
        catalog->names[name].package = number;
    }
    struct package_entry *package = &catalog->packages[number];
    package->name = name;
    package->version = keep_text(catalog, version_text, strlen(version_text));
    add_relations(catalog, stanza, package, complaints);
}

void catalog_free(struct catalog *catalog)
{
    while (catalog->texts != NULL) {
        struct text_block *block = catalog->texts;
        catalog->texts = block->previous;
        free(block);
    }
    free(catalog->names);
    free(catalog->name_table);
    free(catalog->packages);
    free(catalog->relations);
}
