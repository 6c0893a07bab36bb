/* Relation fields: see relation.h. */
#include "relation.h"

#include <string.h>

/* A place in a field's text; `line` follows it through continued values. */
struct cursor {
    const char *at;
    uint64_t line;
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("+-._", c) != NULL);
}

static void advance(struct cursor *cursor)
{
    if (*cursor->at == '\n')
        cursor->line++;
    cursor->at++;
}

static void skip_blanks(struct cursor *cursor)
{
    while (*cursor->at != '\0' && strchr(" \t\r\n", *cursor->at) != NULL)
        advance(cursor);
}

static bool at_separator(const struct cursor *cursor)
{
    return *cursor->at == '\0' || *cursor->at == ',' || *cursor->at == '|';
}

static void skip_to_separator(struct cursor *cursor)
{
    while (!at_separator(cursor))
        advance(cursor);
}

size_t relation_name_length(const char *text)
{
    size_t length = 0;
    if (is_alphanumeric(text[0]))
        while (is_name(text[length]))
            length++;
    return length;
}

/* "(>= 1.2-3)". Returns NULL, or what is wrong with it. */
static const char *read_version(struct cursor *cursor)
{
    static const char *const operators[] = {"<<", "<=", ">=", ">>", "=", "<", ">"};
    advance(cursor);
    skip_blanks(cursor);
    size_t found = 0;
    for (size_t i = 0; i < sizeof operators / sizeof *operators && found == 0; i++)
        if (strncmp(cursor->at, operators[i], strlen(operators[i])) == 0)
            found = strlen(operators[i]);
    if (found == 0)
        return "a version constraint without an operator";
    cursor->at += found;
    skip_blanks(cursor);
    const char *version = cursor->at;
    while (is_name(*cursor->at) || (*cursor->at != '\0' && strchr("~:", *cursor->at) != NULL))
        cursor->at++;
    if (cursor->at == version)
        return "a version constraint without a version";
    skip_blanks(cursor);
    if (*cursor->at != ')')
        return "a version constraint without a closing parenthesis";
    cursor->at++;
    return NULL;
}

/* One alternative. Returns NULL, or what is wrong with it. */
static const char *read_target(struct cursor *cursor, struct target *target)
{
    *target = (struct target){cursor->at, relation_name_length(cursor->at), NULL, 0};
    if (target->length == 0)
        return at_separator(cursor) ? "an empty dependency" : "not a package name";
    cursor->at += target->length;
    if (*cursor->at == ':') {
        target->qualifier = ++cursor->at;
        target->qualifier_length = relation_name_length(cursor->at);
        if (target->qualifier_length == 0)
            return "an empty architecture";
        cursor->at += target->qualifier_length;
    }
    skip_blanks(cursor);
    if (*cursor->at == '(') {
        const char *reason = read_version(cursor);
        if (reason != NULL)
            return reason;
        skip_blanks(cursor);
    }
    return at_separator(cursor) ? NULL : "unexpected text after a dependency";
}

void relation_each(const struct field *field, struct complaints *complaints, target_fn *take, void *context)
{
    struct cursor cursor = {field->text, field->line};
    skip_blanks(&cursor);
    while (*cursor.at != '\0') {
        const struct cursor begin = cursor;
        struct target target;
        const char *reason = read_target(&cursor, &target);
        if (reason == NULL) {
            take(context, &target);
        } else {
            skip_to_separator(&cursor);
            struct excerpt shown;
            complain(complaints, begin.line, "%s: \"%s\"", reason,
                     excerpt(begin.at, (uint64_t)(cursor.at - begin.at), &shown));
        }
        if (*cursor.at == '\0')
            return;
        bool another = *cursor.at == '|'; /* a comma may end the field, a bar may not */
        advance(&cursor);
        skip_blanks(&cursor);
        if (another && *cursor.at == '\0')
            complain(complaints, cursor.line, "an alternative is missing at the end");
    }
}
