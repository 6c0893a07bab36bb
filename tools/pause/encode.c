/* HdrHistogram's V2 encoding (its Java source, org.HdrHistogram.EncodableHistogram, defines it): a header in network
 * order, counts as zigzag LEB128 numbers in which a negative one is a run of zeros; then a zlib stream (RFC 1950), whose
 * deflate blocks are left stored (RFC 1951, 3.2.4), which every reader must accept and no library is needed for. */
#include "encode.h"

#include <hdr_histogram.h>
#include <stdlib.h>
#include <string.h>

#define HIGHEST_NS INT64_C(1000000000000)
#define DIGITS 3
#define COOKIE_PLAIN 0x1c849313u
#define COOKIE_COMPRESSED 0x1c849314u
#define STORED_MOST 65535u
#define ADLER 65521u

struct bytes {
    unsigned char *bytes;
    size_t count, room;
};

struct hdr_histogram *histogram_of(const struct times *times)
{
    struct hdr_histogram *histogram;
    if (hdr_init(1, HIGHEST_NS, DIGITS, &histogram) != 0)
        fatal("out of memory");
    for (size_t i = 0; i < times->count; i++)
        hdr_record_value(histogram, times->ns[i] < 1                      ? 1
                                    : times->ns[i] < (uint64_t)HIGHEST_NS ? (int64_t)times->ns[i]
                                                                          : HIGHEST_NS);
    return histogram;
}

static void put(struct bytes *b, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;) {
        b->bytes = grow(b->bytes, b->count, &b->room, 1);
        b->bytes[b->count++] = (unsigned char)(value >> (8 * i));
    }
}

/* Least significant seven bits first; the ninth byte has eight. */
static void put_zigzag(struct bytes *b, int64_t number)
{
    uint64_t value = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
    for (unsigned i = 0; i < 8 && value >= 0x80; i++) {
        put(b, (value & 0x7f) | 0x80, 1);
        value >>= 7;
    }
    put(b, value, 1);
}

static void put_counts(struct bytes *b, const struct hdr_histogram *h)
{
    int32_t last = h->counts_len;
    while (last > 0 && h->counts[last - 1] == 0)
        last--;
    for (int32_t i = 0; i < last;) {
        int32_t zeros = 0;
        while (i + zeros < last && h->counts[i + zeros] == 0)
            zeros++;
        put_zigzag(b, zeros != 0 ? -zeros : h->counts[i]);
        i += zeros != 0 ? zeros : 1;
    }
}

static void put_stored(struct bytes *b, const struct bytes *plain)
{
    uint32_t low = 1, high = 0;
    put(b, 0x7801, 2);
    for (size_t at = 0; at < plain->count;) {
        size_t length = plain->count - at < STORED_MOST ? plain->count - at : STORED_MOST;
        put(b, at + length == plain->count, 1);
        put(b, (length & 0xff) << 8 | length >> 8, 2);
        put(b, (~length & 0xff) << 8 | (~length >> 8 & 0xff), 2);
        for (size_t end = at + length; at < end; at++) {
            low = (low + plain->bytes[at]) % ADLER;
            high = (high + low) % ADLER;
            put(b, plain->bytes[at], 1);
        }
    }
    put(b, high << 16 | low, 4);
}

static void write_base64(const struct bytes *b, FILE *file)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < b->count; i += 3) {
        size_t left = b->count - i;
        uint32_t three = (uint32_t)b->bytes[i] << 16 | (left > 1 ? (uint32_t)b->bytes[i + 1] << 8 : 0)
                         | (left > 2 ? b->bytes[i + 2] : 0);
        fputc(digits[three >> 18], file);
        fputc(digits[three >> 12 & 63], file);
        fputc(left > 1 ? digits[three >> 6 & 63] : '=', file);
        fputc(left > 2 ? digits[three & 63] : '=', file);
    }
}

void encode_histogram(const struct hdr_histogram *h, FILE *file)
{
    struct bytes counts = {.count = 0}, plain = {.count = 0}, packed = {.count = 0}, all = {.count = 0};
    double ratio = 1;
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    put_counts(&counts, h);
    put(&plain, COOKIE_PLAIN, 4);
    put(&plain, counts.count, 4);
    put(&plain, 0, 4); /* normalizing index offset */
    put(&plain, DIGITS, 4);
    put(&plain, 1, 8);
    put(&plain, (uint64_t)HIGHEST_NS, 8);
    put(&plain, ratio_bits, 8);
    for (size_t i = 0; i < counts.count; i++)
        put(&plain, counts.bytes[i], 1);
    put_stored(&packed, &plain);
    put(&all, COOKIE_COMPRESSED, 4);
    put(&all, packed.count, 4);
    for (size_t i = 0; i < packed.count; i++)
        put(&all, packed.bytes[i], 1);
    write_base64(&all, file);
    free(counts.bytes);
    free(plain.bytes);
    free(packed.bytes);
    free(all.bytes);
}
