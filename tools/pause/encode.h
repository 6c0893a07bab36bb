/* HdrHistogram's interchange formats. */
#ifndef PAUSE_ENCODE_H
#define PAUSE_ENCODE_H

#include "analysis.h"

struct hdr_histogram;

/* A histogram of times: 1 ns to 1000 s, three digits. */
struct hdr_histogram *histogram_of(const struct times *times);
/* Writes a histogram as text: base64 of the "compressed" V2 encoding, as in interval logs. */
void encode_histogram(const struct hdr_histogram *histogram, FILE *file);

#endif
