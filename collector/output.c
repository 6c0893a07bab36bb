/* Buffered text; see output.h. Also the text of a path, and writing to stdio. */
#include "collector/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/inspection.h"

#define PIECE_MOST 512

bool eddy_write_to_file(void *file, const void *bytes, size_t n)
{
    return fwrite(bytes, 1, n, file) == n;
}

static void flush(struct output *out)
{
    if (!out->failed && out->used != 0 && !out->write(out->context, out->bytes, out->used))
        out->failed = true;
    out->used = 0;
}

eddy_status eddy__output_end(struct output *out)
{
    flush(out);
    return out->failed ? EDDY_ESYSTEM : EDDY_OK;
}

void eddy__output(struct output *out, const char *format, ...)
{
    if (sizeof out->bytes - out->used <= PIECE_MOST)
        flush(out);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(out->bytes + out->used, PIECE_MOST, format, arguments);
    va_end(arguments);
    out->used += n < 0 ? 0 : n < PIECE_MOST ? (size_t)n : PIECE_MOST - 1;
}

/* Bytes of the UTF-8 sequence that begins at `s`; 0 if none does (RFC 3629: no surrogates, nothing overlong). */
static int utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    int length = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
                 : s[0] >= 0xe0 && s[0] <= 0xef ? 3
                 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                                : 0;
    for (int i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90)
        || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

void eddy__output_quoted(struct output *out, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s != 0;) {
        int length = utf8_length(s);
        if (length == 0)
            eddy__output(out, "\xef\xbf\xbd");
        else if (*s == '"' || *s == '\\')
            eddy__output(out, "\\%c", *s);
        else if (*s < 0x20)
            eddy__output(out, "\\u%04x", *s);
        else
            eddy__output(out, "%.*s", length, (const char *)s);
        s += length == 0 ? 1 : length;
    }
}

void eddy__output_group(struct output *out, eddy_root_kind kind, unsigned thread)
{
    switch (kind) {
    case EDDY_ROOT_NONE: eddy__output(out, "(unreachable)"); break;
    case EDDY_ROOT_STACK: eddy__output(out, "(stack of thread %u)", thread); break;
    case EDDY_ROOT_HANDLE: eddy__output(out, "(handles of thread %u)", thread); break;
    case EDDY_ROOT_SLOT: eddy__output(out, "(root slots)"); break;
    case EDDY_ROOT_RETAINED: eddy__output(out, "(retained)"); break;
    case EDDY_ROOT_PINNED: eddy__output(out, "(pinned)"); break;
    case EDDY_ROOT_FIBER: eddy__output(out, "(suspended fibers)"); break;
    case EDDY_ROOT_FINALIZER: eddy__output(out, "(queue of finalizers)"); break;
    }
}

/* ---- a path ---- */

static void print_path(struct output *out, const eddy_root *root, const eddy_path_step *steps, size_t length)
{
    eddy__output_group(out, root->kind, root->thread);
    if (root->slot != NULL)
        eddy__output(out, " %p", root->slot);
    eddy__output(out, "\n");
    for (size_t i = 0; i < length; i++) {
        eddy__output(out, "  -> %p ", steps[i].object);
        eddy__output_quoted(out, eddy_type_name(steps[i].type));
        if (i != 0)
            eddy__output(out, ", from offset %zu", steps[i].field);
        eddy__output(out, "\n");
    }
}

eddy_status eddy_inspect_print_path(eddy_inspection *i, const void *object, eddy_write_fn *write, void *context)
{
    eddy_root root;
    size_t length;
    eddy_status status = eddy_inspect_path(i, object, &root, NULL, 0, &length);
    if (status != EDDY_OK)
        return status;
    eddy_path_step *steps = eddy__graph_table(length, sizeof *steps);
    if (steps == NULL)
        return EDDY_ENOMEM;
    status = eddy_inspect_path(i, object, &root, steps, length, &length);
    if (status == EDDY_OK) {
        struct output out;
        output_begin(&out, write, context);
        print_path(&out, &root, steps, length);
        status = eddy__output_end(&out);
    }
    free(steps);
    return status;
}
