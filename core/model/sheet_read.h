/* Tables that people send, row by row: CSV in several encodings, and XLSX. Nothing
 * in a file is believed: sizes are bounded while they are read, entities and
 * encrypted archives refused. Knows nothing of resources. */
#ifndef ATRIUM_CORE_MODEL_SHEET_READ_H
#define ATRIUM_CORE_MODEL_SHEET_READ_H

#include "base/base.h"

#define SHEET_MAX_COLS 256
#define SHEET_MAX_CELL 32768u /* bytes of one cell; Excel's own limit is 32,767 characters */
#define SHEET_MAX_ROWS 1048577u /* with the heading */

struct sheet_row {
    uint32_t line; /* the row's number as a spreadsheet shows it, from 1 */
    const sv *cells;
    unsigned n;    /* without empty cells at the end; never 0 */
};
/* False: enough, stop. Rows without any text are left out. */
typedef bool sheet_row_fn(void *arg, const struct sheet_row *row);

enum sheet_encoding { SHEET_UTF8, SHEET_GB18030, SHEET_UTF16LE, SHEET_UTF16BE };
struct sheet_spec {
    bool xlsx;
    enum sheet_encoding encoding; /* of CSV */
    char delimiter;               /* of CSV: ',' ';' '\t' */
};

/* What is it? By content: 415 for what is neither. */
int sheet_detect(const char *path, struct sheet_spec *out, struct err *err);
/* 422 "import_bad_file" and the like; the function's false is no error. `tmp_dir`:
 * where texts of large workbooks are put aside. */
int sheet_read(const char *path, const struct sheet_spec *spec, const char *tmp_dir,
               sheet_row_fn *fn, void *arg, struct err *err);

/* ---- CSV, the machine (sheet_csv.c) ------------------------------------------------ */

struct csv {
    char delimiter;
    enum { CSV_START, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE_END } state;
    bool after_cr, stopped, first;
    uint32_t line, rows, lines_inside;
    struct buf text; /* of the row */
    size_t ends[SHEET_MAX_COLS];
    unsigned n;
    sheet_row_fn *fn;
    void *arg;
};
void csv_init(struct csv *c, char delimiter, sheet_row_fn *fn, void *arg);
/* UTF-8, in pieces of any size. -1 with err; stops quietly when fn said so. */
int csv_feed(struct csv *c, sv data, struct err *err);
int csv_end(struct csv *c, struct err *err);
void csv_free(struct csv *c);
/* Of the first lines, outside quotes; ',' when nothing speaks for another. */
char csv_delimiter(sv head);
int csv_read(const char *path, const struct sheet_spec *spec, sheet_row_fn *fn, void *arg,
             struct err *err);
int csv_detect(const char *path, struct sheet_spec *out, struct err *err);

/* ---- XLSX (sheet_xlsx.c, sheet_xml.c, sheet_number.c) ------------------------------ */

int xlsx_read(const char *path, const char *tmp_dir, sheet_row_fn *fn, void *arg, struct err *err);

/* How a cell's number is meant, by its style. */
enum sheet_number { NUM_PLAIN, NUM_DATE, NUM_TIME, NUM_PERCENT };
/* `code`: a format such as "yyyy/m/d h:mm" or "0.00%"; NULL: the built-in `id`. Pure. */
enum sheet_number sheet_number_kind(unsigned id, const char *code);
/* "2026-11-20", "2026-11-20 08:30:00", "08:30:00", "12.5%", "13800000001". Pure. */
sv sheet_number_text(struct arena *a, sv raw, enum sheet_number kind, bool from_1904);

#endif
