/* Debian's order of version numbers, "[epoch:]upstream[-revision]" (Debian Policy, section 5.6.12). */
#include "version.h"

#include <stdlib.h>
#include <string.h>

struct part {
    const char *at;
    const char *end;
};

static int is_digit(const struct part *part)
{
    return part->at < part->end && *part->at >= '0' && *part->at <= '9';
}

/* The place of a character that is no digit: a tilde before the end of the text, the end before
 * letters, letters before anything else. */
static int order(const struct part *part)
{
    if (part->at == part->end || is_digit(part))
        return 0;
    unsigned char c = (unsigned char)*part->at;
    if (c == '~')
        return -1;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : c + 256;
}

/* Compares runs of digits as numbers of any length. */
static int compare_numbers(struct part *a, struct part *b)
{
    while (a->at < a->end && *a->at == '0')
        a->at++;
    while (b->at < b->end && *b->at == '0')
        b->at++;
    int first = 0;
    for (; is_digit(a) && is_digit(b); a->at++, b->at++)
        if (first == 0)
            first = *a->at - *b->at;
    if (is_digit(a))
        return 1;
    return is_digit(b) ? -1 : first;
}

static int compare_parts(struct part a, struct part b)
{
    while (a.at < a.end || b.at < b.end) {
        while ((a.at < a.end && !is_digit(&a)) || (b.at < b.end && !is_digit(&b))) {
            int difference = order(&a) - order(&b);
            if (difference != 0)
                return difference;
            a.at++;
            b.at++;
        }
        int difference = compare_numbers(&a, &b);
        if (difference != 0)
            return difference;
    }
    return 0;
}

static unsigned long take_epoch(struct part *version)
{
    const char *colon = memchr(version->at, ':', (size_t)(version->end - version->at));
    if (colon == NULL)
        return 0;
    unsigned long epoch = strtoul(version->at, NULL, 10);
    version->at = colon + 1;
    return epoch;
}

/* Cuts the revision off and returns it. */
static struct part take_revision(struct part *version)
{
    struct part revision = {version->end, version->end};
    const char *hyphen = memrchr(version->at, '-', (size_t)(version->end - version->at));
    if (hyphen != NULL) {
        revision.at = hyphen + 1;
        version->end = hyphen;
    }
    return revision;
}

int version_compare(const char *a, const char *b)
{
    struct part left = {a, a + strlen(a)}, right = {b, b + strlen(b)};
    unsigned long left_epoch = take_epoch(&left), right_epoch = take_epoch(&right);
    if (left_epoch != right_epoch)
        return left_epoch < right_epoch ? -1 : 1;
    struct part left_revision = take_revision(&left), right_revision = take_revision(&right);
    int difference = compare_parts(left, right);
    return difference != 0 ? difference : compare_parts(left_revision, right_revision);
}
