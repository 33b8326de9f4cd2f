/* CSV as spreadsheets read it: UTF-8 with a byte order mark, CRLF, RFC 4180
 * quotes, and no cell that a spreadsheet would take for a formula. */
#define LOG_ROOM "model"
#include "model/export.h"

#define FLUSH_AT (64u << 10)

struct sheet {
    struct buf b;
    bool (*write)(void *arg, sv data);
    void *arg;
};

static struct sheet *csv_open(struct arena *a, bool (*write)(void *arg, sv data), void *arg,
                              struct err *err)
{
    struct sheet *s = ARENA_NEW(a, struct sheet);
    (void)err;
    *s = (struct sheet){.b = BUF_IN(a), .write = write, .arg = arg};
    buf_reserve(&s->b, FLUSH_AT + (8 << 10));
    buf_str(&s->b, "\xef\xbb\xbf");
    return s;
}

static int flush(struct sheet *s, struct err *err)
{
    if (s->b.n && !s->write(s->arg, buf_view(&s->b))) return export_cut(err);
    buf_clear(&s->b);
    return 0;
}

static void text(struct buf *b, sv v, bool guard)
{
    /* "=1+1" from a visitor must not run on the desk of whoever opens the file. */
    bool formula = guard && v.n && strchr("=+-@\t\r", v.p[0]);
    bool quote = formula;
    for (size_t i = 0; i < v.n && !quote; i++)
        quote = v.p[i] == '"' || v.p[i] == ',' || v.p[i] == '\n' || v.p[i] == '\r';
    if (quote) buf_chr(b, '"');
    if (formula) buf_chr(b, '\'');
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] == '"') buf_chr(b, '"');
        buf_chr(b, v.p[i]);
    }
    if (quote) buf_chr(b, '"');
}

static void money(struct buf *b, int64_t cents)
{
    uint64_t u = cents < 0 ? 0 - (uint64_t)cents : (uint64_t)cents;
    if (cents < 0) buf_chr(b, '-');
    buf_i64(b, (int64_t)(u / 100));
    buf_chr(b, '.');
    buf_chr(b, (char)('0' + u / 10 % 10));
    buf_chr(b, (char)('0' + u % 10));
}

static int csv_row(struct sheet *s, const struct cell *cells, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < n; i++) {
        if (i) buf_chr(&s->b, ',');
        switch (cells[i].kind) {
        case CELL_EMPTY:
            break;
        case CELL_INT:
            buf_i64(&s->b, cells[i].n);
            break;
        case CELL_MONEY:
            money(&s->b, cells[i].n);
            break;
        case CELL_TEXT:
            text(&s->b, cells[i].text, true);
            break;
        case CELL_DECIMAL:
        case CELL_PLAIN:
            text(&s->b, cells[i].text, false);
            break;
        }
    }
    buf_str(&s->b, "\r\n");
    return s->b.n < FLUSH_AT ? 0 : flush(s, err);
}

static int csv_close(struct sheet *s, bool ok, struct err *err)
{
    return ok ? flush(s, err) : 0;
}

const struct sheet_ops sheet_csv = {csv_open, csv_row, csv_close};
