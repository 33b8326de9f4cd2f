/* XLSX by libxlsxwriter in its constant-memory mode: rows go to a temporary
 * file, which is packed at the end and then handed to the sink in pieces. Texts
 * are written as texts, so nothing in them can become a formula. */
#define LOG_ROOM "model"
#include "model/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define MAX_ROWS 1000000u /* of one sheet; Excel's own limit is 1,048,576 */
#define MAX_CHARS 32767u
#define PIECE (64u << 10)

struct sheet {
    struct arena *a;
    bool (*write)(void *arg, sv data);
    void *arg;
    char *path;
    const char *dir;
    lxw_workbook *book;
    lxw_worksheet *page;
    lxw_format *bold, *cents, *places[DECIMAL_MAX_SCALE + 1];
    lxw_row_t row;
    const struct cell *head; /* repeated on each sheet */
    unsigned n_head;
};

static int library_error(lxw_error e, struct err *err)
{
    if (errno == ENOSPC) return err_set(err, 507, "disk_full", NULL);
    return err_internal(err, "xlsx: %s", lxw_strerror(e));
}

static struct sheet *xlsx_open(struct arena *a, bool (*write)(void *arg, sv data), void *arg,
                               struct err *err)
{
    const char *dir = state_subdir(a, "exports", err);
    if (!dir) return NULL;
    struct sheet *s = ARENA_NEW(a, struct sheet);
    *s = (struct sheet){.a = a, .write = write, .arg = arg, .dir = dir};
    s->path = arena_str(a, arena_printf(a, "%s/xlsx-XXXXXX", dir));
    int fd = mkstemp(s->path);
    if (fd < 0) {
        err_internal(err, "cannot make %s: %s", s->path, strerror(errno));
        return NULL;
    }
    close(fd);
    lxw_workbook_options o = {
        .constant_memory = LXW_TRUE, .tmpdir = arena_str(a, sv_of(dir)), .use_zip64 = LXW_FALSE};
    s->book = workbook_new_opt(s->path, &o);
    if (!s->book) {
        unlink(s->path);
        err_internal(err, "xlsx: no workbook");
        return NULL;
    }
    s->bold = workbook_add_format(s->book);
    format_set_bold(s->bold);
    s->cents = workbook_add_format(s->book);
    format_set_num_format(s->cents, "0.00");
    for (int i = 0; i <= DECIMAL_MAX_SCALE; i++) {
        s->places[i] = workbook_add_format(s->book);
        format_set_num_format(s->places[i], i ? &"0.000000"[6 - i] : "0");
    }
    return s;
}

static const char *cut(struct arena *a, sv v)
{
    size_t chars = 0, i = 0;
    struct buf b = BUF_IN(a);
    for (; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if ((c & 0xc0) != 0x80 && ++chars > MAX_CHARS) break;
        /* XML has no such characters, not even escaped. */
        if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') buf_chr(&b, (char)c);
    }
    return arena_str(a, buf_view(&b));
}

/* A spreadsheet's numbers hold 15 digits; more are written as text. */
static lxw_error put_decimal(struct sheet *s, struct arena *a, lxw_col_t col, sv text)
{
    sv places, whole = sv_cut(text, '.', &places);
    unsigned scale = places.n <= DECIMAL_MAX_SCALE ? (unsigned)places.n : DECIMAL_MAX_SCALE;
    if (whole.n + places.n > 15)
        return worksheet_write_string(s->page, s->row, col, arena_str(a, text), NULL);
    return worksheet_write_number(s->page, s->row, col, strtod(arena_str(a, text), NULL),
                                  s->places[scale]);
}

static lxw_error put(struct sheet *s, struct arena *a, lxw_col_t col, const struct cell *c,
                     lxw_format *format)
{
    switch (c->kind) {
    case CELL_INT:
        return worksheet_write_number(s->page, s->row, col, (double)c->n, format);
    case CELL_MONEY:
        return worksheet_write_number(s->page, s->row, col, (double)c->n / 100, s->cents);
    case CELL_DECIMAL:
        return put_decimal(s, a, col, c->text);
    case CELL_TEXT:
    case CELL_PLAIN:
        return worksheet_write_string(s->page, s->row, col, cut(a, c->text), format);
    case CELL_EMPTY:
        break;
    }
    return LXW_NO_ERROR;
}

static int put_row(struct sheet *s, const struct cell *cells, unsigned n, lxw_format *format,
                   struct err *err)
{
    struct arena *a = arena_new(0);
    lxw_error e = LXW_NO_ERROR;
    errno = 0;
    for (unsigned i = 0; i < n && e == LXW_NO_ERROR; i++)
        e = put(s, a, (lxw_col_t)i, &cells[i], format);
    arena_free(a);
    s->row++;
    return e == LXW_NO_ERROR ? 0 : library_error(e, err);
}

static int next_page(struct sheet *s, struct err *err)
{
    s->page = workbook_add_worksheet(s->book, NULL);
    if (!s->page) return err_internal(err, "xlsx: no sheet");
    s->row = 0;
    return s->head ? put_row(s, s->head, s->n_head, s->bold, err) : 0;
}

static int xlsx_row(struct sheet *s, const struct cell *cells, unsigned n, struct err *err)
{
    if (!s->head) { /* the first row: titles, which outlive the call */
        s->head = cells;
        s->n_head = n;
        return next_page(s, err);
    }
    if (s->row >= MAX_ROWS && next_page(s, err) < 0) return -1;
    return put_row(s, cells, n, NULL, err);
}

static int hand_over(struct sheet *s, struct err *err)
{
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_internal(err, "cannot open %s: %s", s->path, strerror(errno));
    char *piece = arena_alloc(s->a, PIECE);
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, piece, PIECE);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = err_internal(err, "cannot read %s: %s", s->path, strerror(errno));
        if (n <= 0) break;
        if (!s->write(s->arg, sv_make(piece, (size_t)n))) {
            rc = export_cut(err);
            break;
        }
    }
    close(fd);
    return rc;
}

static int xlsx_close(struct sheet *s, bool ok, struct err *err)
{
    errno = 0;
    lxw_error e = workbook_close(s->book); /* frees it, also when it fails */
    int rc = !ok ? 0 : e == LXW_NO_ERROR ? hand_over(s, err) : library_error(e, err);
    unlink(s->path);
    return rc;
}

const struct sheet_ops sheet_xlsx = {xlsx_open, xlsx_row, xlsx_close};
