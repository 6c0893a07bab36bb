/* Debian's control data: see deb822.h. */
#include "deb822.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util.h"

static const char *const field_names[FIELDS] = {
    [FIELD_PACKAGE] = "Package",         [FIELD_VERSION] = "Version",   [FIELD_ARCHITECTURE] = "Architecture",
    [FIELD_PRE_DEPENDS] = "Pre-Depends", [FIELD_DEPENDS] = "Depends",   [FIELD_RECOMMENDS] = "Recommends",
    [FIELD_SUGGESTS] = "Suggests",       [FIELD_PROVIDES] = "Provides",
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void append(struct field *field, const char *text, size_t length)
{
    field->text = must_grow(field->text, &field->capacity, field->length + length + 1, 1);
    memcpy(field->text + field->length, text, length);
    field->length += length;
    field->text[field->length] = '\0';
}

static enum field_id find_field(const char *name, size_t length)
{
    for (enum field_id id = 0; id < FIELDS; id++)
        if (strlen(field_names[id]) == length && strncasecmp(field_names[id], name, length) == 0)
            return id;
    return FIELDS;
}

/* Length of the field name at the beginning of a line, 0 (and a complaint) when there is none. */
static size_t name_length(struct deb822 *reader, const char *line, size_t length)
{
    struct excerpt shown;
    const char *colon = memchr(line, ':', length);
    if (colon == NULL) {
        complain(reader->complaints, reader->line, "no colon after a field name: \"%s\"", excerpt(line, length, &shown));
        return 0;
    }
    size_t name = (size_t)(colon - line);
    if (name == 0)
        complain(reader->complaints, reader->line, "empty field name");
    for (size_t i = 0; i < name; i++) {
        if (line[i] <= ' ' || line[i] > '~') {
            complain(reader->complaints, reader->line, "not a field name: \"%s\"", excerpt(line, name, &shown));
            return 0;
        }
    }
    return name;
}

/* Takes a line that begins a field. Returns the field to which continuation lines belong, or NULL when
 * nobody wants them. */
static struct field *begin_field(struct deb822 *reader, struct stanza *stanza, const char *line, size_t length)
{
    size_t name = name_length(reader, line, length);
    if (name == 0)
        return NULL;
    enum field_id id = find_field(line, name);
    if (id == FIELDS)
        return NULL;
    struct field *field = &stanza->fields[id];
    if (field->line != 0) {
        complain(reader->complaints, reader->line, "second field %s in one stanza", field_names[id]);
        return NULL;
    }
    const char *value = line + name + 1;
    while (value < line + length && is_blank(*value))
        value++;
    field->line = reader->line;
    append(field, value, (size_t)(line + length - value));
    return field;
}

/* Reads a line without the blanks at its end. False at the end of the file. */
static bool next_line(struct deb822 *reader, size_t *length)
{
    ssize_t got = getline(&reader->buffer, &reader->capacity, reader->stream);
    if (got < 0)
        return false;
    reader->line++;
    *length = (size_t)got;
    while (*length > 0 && is_blank(reader->buffer[*length - 1]))
        --*length;
    return true;
}

bool deb822_next(struct deb822 *reader, struct stanza *stanza)
{
    for (enum field_id id = 0; id < FIELDS; id++) {
        stanza->fields[id].length = 0;
        stanza->fields[id].line = 0;
    }
    stanza->line = 0;
    struct field *field = NULL;
    size_t length;
    while (next_line(reader, &length)) {
        const char *line = reader->buffer;
        if (length == 0) {
            if (stanza->line != 0)
                return true;
            continue;
        }
        if (line[0] == '#')
            continue;
        bool continues = line[0] == ' ' || line[0] == '\t';
        if (continues && stanza->line == 0) {
            complain(reader->complaints, reader->line, "a continuation line without a field");
            continue;
        }
        if (stanza->line == 0)
            stanza->line = reader->line;
        if (memchr(line, '\0', length) != NULL) {
            complain(reader->complaints, reader->line, "a line with a NUL byte");
            if (!continues)
                field = NULL;
        } else if (!continues) {
            field = begin_field(reader, stanza, line, length);
        } else if (field != NULL) {
            append(field, "\n", 1);
            append(field, line, length);
        }
    }
    return stanza->line != 0;
}

void deb822_close(struct deb822 *reader)
{
    free(reader->buffer);
}

void stanza_free(struct stanza *stanza)
{
    for (enum field_id id = 0; id < FIELDS; id++)
        free(stanza->fields[id].text);
}
