/* table_file.h - a CSV file row by row, cells found by the names in its first line.
 * Shell (reads a file). One reader, one thread. Bounded: a cell of at most TABLE_CELL_BYTES_MAX. */
#ifndef SEATSIM_TABLE_FILE_H
#define SEATSIM_TABLE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

enum { TABLE_COLUMNS_MAX = 8, TABLE_CELL_BYTES_MAX = 4096 };

/* Gets one row: cells[i] belongs to the i-th wanted column and lives until the function returns.
 * Anything but EXAM_OK ends the reading and is returned by table_file_read. */
typedef exam_err (*table_row)(void *ctx, uint64_t line, const char *const *cells);

/* Reads `path`; `columns` are the wanted names, all mandatory. A leading apostrophe that shields a
 * cell from spreadsheets is taken off. On failure `why` says what and where.
 * EXAM_IO: cannot be read. EXAM_INVALID: a column is missing, or a row has too few cells.
 * EXAM_MALFORMED: not CSV. EXAM_TOO_BIG: a cell. */
EXAM_MUST_USE exam_err table_file_read(const char *path, const char *const *columns,
                                       size_t columns_n, table_row row, void *ctx, char *why,
                                       size_t why_bytes);

#endif
