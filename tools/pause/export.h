/* Formats that others read. */
#ifndef PAUSE_EXPORT_H
#define PAUSE_EXPORT_H

#include "analysis.h"

/* trace.c */
void export_trace(const struct analysis *analysis, FILE *file);

#endif
