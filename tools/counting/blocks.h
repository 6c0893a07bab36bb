/* The tables of results, for the terminal and for the page: which figures stand side by side. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "figures.h"

enum column_kind { COLUMN_WALL, COLUMN_CPU, COLUMN_BYTES, COLUMN_DIRTIED };

struct column {
    const char *experiment, *head;
    enum column_kind kind;
};

enum { BLOCK_COLUMNS = 8 };

struct block {
    const char *title;
    struct column columns[BLOCK_COLUMNS];
};

enum { BLOCKS = 6 };
extern const struct block blocks[BLOCKS];

/* The text of one cell: the median, and least and greatest if `spread`. Says whether there is a figure; "-" if not. */
bool block_cell(const struct figures *f, const struct column *column, size_t variant, bool spread, char *text, size_t size);

/* Whether anything of the block has been measured. */
bool block_measured(const struct figures *f, const struct block *block);

#endif
