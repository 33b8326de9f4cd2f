/* CSV: RFC 4180 with what spreadsheets make of it (semicolons, tabs, "sep=;", line
 * ends of three kinds, quotes inside of plain cells). */
#define LOG_ROOM "model"
#include "model/sheet_read.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"

#define PIECE (256u << 10)

/* ---- the machine ------------------------------------------------------------------- */

void csv_init(struct csv *c, char delimiter, sheet_row_fn *fn, void *arg)
{
    *c = (struct csv){.delimiter = delimiter, .first = true, .line = 1, .fn = fn, .arg = arg};
}

void csv_free(struct csv *c)
{
    buf_free(&c->text);
}

static int end_cell(struct csv *c, struct err *err)
{
    if (c->n == SHEET_MAX_COLS) return err_set(err, 422, "import_too_many_columns", "256", NULL);
    c->ends[c->n++] = c->text.n;
    c->state = CSV_START;
    return 0;
}

/* "sep=;" before the table is a hint to spreadsheets, not a row. */
static bool is_hint(const struct csv *c)
{
    return c->first && c->text.n <= 5 && c->text.n >= 4 && memcmp(c->text.p, "sep=", 4) == 0;
}

static int end_row(struct csv *c, struct err *err)
{
    sv cells[SHEET_MAX_COLS];
    size_t at = 0;
    unsigned used = 0;
    if (end_cell(c, err) < 0) return -1;
    for (unsigned i = 0; i < c->n; i++) {
        cells[i] = sv_make(c->text.p ? c->text.p + at : "", c->ends[i] - at);
        at = c->ends[i];
        if (sv_trim(cells[i]).n) used = i + 1;
    }
    struct sheet_row row = {c->line, cells, used};
    bool hint = is_hint(c);
    if (used) c->first = false;
    c->line += 1 + c->lines_inside;
    c->lines_inside = 0;
    c->n = 0;
    buf_clear(&c->text);
    if (!used || hint) return 0;
    if (++c->rows > SHEET_MAX_ROWS) return err_set(err, 422, "import_too_many_rows", "1048576", NULL);
    c->stopped = !c->fn(c->arg, &row);
    return 0;
}

static int put(struct csv *c, char ch, struct err *err)
{
    size_t from = c->n ? c->ends[c->n - 1] : 0;
    if (c->text.n - from >= SHEET_MAX_CELL)
        return err_set(err, 422, "import_cell_too_long", NULL);
    buf_chr(&c->text, ch);
    return 0;
}

/* One character outside of quotes. */
static int plain(struct csv *c, char ch, struct err *err)
{
    bool cr = c->after_cr;
    c->after_cr = false;
    if (ch == '\n' && cr) return 0; /* the second half of CRLF */
    if (ch == '\n' || ch == '\r') {
        c->after_cr = ch == '\r';
        return end_row(c, err);
    }
    if (ch == c->delimiter) return end_cell(c, err);
    if (ch == '"' && c->state == CSV_START) {
        c->state = CSV_QUOTED;
        return 0;
    }
    c->state = CSV_PLAIN;
    return put(c, ch, err);
}

int csv_feed(struct csv *c, sv data, struct err *err)
{
    for (size_t i = 0; i < data.n && !c->stopped; i++) {
        char ch = data.p[i];
        if (c->state == CSV_QUOTED) {
            if (ch == '"')
                c->state = CSV_QUOTE_END;
            else if (put(c, ch, err) < 0)
                return -1;
            c->lines_inside += ch == '\n';
        } else if (c->state == CSV_QUOTE_END && ch == '"') {
            c->state = CSV_QUOTED;
            if (put(c, '"', err) < 0) return -1;
        } else if (plain(c, ch, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int csv_end(struct csv *c, struct err *err)
{
    if (c->stopped || (!c->n && !c->text.n && c->state == CSV_START)) return 0;
    return end_row(c, err);
}

/* ---- what it is -------------------------------------------------------------------- */

char csv_delimiter(sv head)
{
    static const char marks[] = {',', ';', '\t'};
    unsigned found[3] = {0}, best = 0;
    bool quoted = false;
    if (sv_starts(head, SV("sep=")) && head.n > 4 && strchr(",;\t", head.p[4])) return head.p[4];
    for (size_t i = 0; i < head.n; i++) {
        if (head.p[i] == '"') quoted = !quoted;
        if (quoted) continue;
        for (unsigned k = 0; k < 3; k++)
            found[k] += head.p[i] == marks[k];
        if (head.p[i] == '\n' && (found[0] || found[1] || found[2])) break; /* the heading */
    }
    for (unsigned k = 1; k < 3; k++)
        if (found[k] > found[best]) best = k;
    return marks[best];
}

static int open_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) err_internal(err, "cannot open %s: %s", path, strerror(errno));
    return fd;
}

static ssize_t read_some(int fd, char *p, size_t n)
{
    for (;;) {
        ssize_t got = read(fd, p, n);
        if (got >= 0 || errno != EINTR) return got;
    }
}

/* Is all of it UTF-8? `keep`: bytes of a sequence cut at the end of a piece. */
static bool utf8_piece(const char *p, size_t n, size_t *keep)
{
    const unsigned char *at = (const unsigned char *)p, *end = at + n;
    while (at < end) {
        size_t step = utf8_step(at, end);
        if (!step) break;
        at += step;
    }
    *keep = (size_t)(end - at);
    return *keep < 4;
}

static int utf8_file(int fd, char *p, bool *yes, struct err *err)
{
    size_t keep = 0;
    ssize_t n;
    *yes = true;
    while (*yes && (n = read_some(fd, p + keep, PIECE - keep)) != 0) {
        if (n < 0) return err_internal(err, "cannot read an upload: %s", strerror(errno));
        size_t all = keep + (size_t)n;
        if (memchr(p, 0, all)) return err_set(err, 415, "import_bad_file", NULL);
        *yes = utf8_piece(p, all, &keep);
        memmove(p, p + all - keep, keep);
    }
    if (keep) *yes = false;
    return 0;
}

int csv_detect(const char *path, struct sheet_spec *out, struct err *err)
{
    int fd = open_file(path, err);
    if (fd < 0) return -1;
    char *p = malloc(PIECE);
    if (!p) panic("sheet_csv: out of memory");
    ssize_t n = read_some(fd, p, 4096);
    int rc = n < 0 ? err_internal(err, "cannot read %s: %s", path, strerror(errno)) : 0;
    sv head = sv_make(p, n > 0 ? (size_t)n : 0);
    bool utf8 = true;
    *out = (struct sheet_spec){.delimiter = ','};
    if (rc == 0 && sv_starts(head, sv_make("\xff\xfe", 2))) {
        out->encoding = SHEET_UTF16LE;
        out->delimiter = '\t'; /* "Unicode text" of spreadsheets */
    } else if (rc == 0 && sv_starts(head, sv_make("\xfe\xff", 2))) {
        out->encoding = SHEET_UTF16BE;
        out->delimiter = '\t';
    } else if (rc == 0) {
        if (sv_starts(head, SV("\xef\xbb\xbf"))) head = sv_make(head.p + 3, head.n - 3);
        out->delimiter = csv_delimiter(head);
        if (lseek(fd, 0, SEEK_SET) < 0) rc = err_internal(err, "cannot seek: %s", strerror(errno));
        if (rc == 0) rc = utf8_file(fd, p, &utf8, err);
        out->encoding = utf8 ? SHEET_UTF8 : SHEET_GB18030;
    }
    free(p);
    close(fd);
    return rc;
}

/* ---- a file ------------------------------------------------------------------------ */

struct feeder {
    struct csv csv;
    iconv_t conv;
    bool converts, bom_seen;
    char *text; /* converted */
};

static int feed(struct feeder *f, sv data, struct err *err)
{
    if (!f->bom_seen && data.n >= 3) {
        f->bom_seen = true;
        if (sv_starts(data, SV("\xef\xbb\xbf"))) data = sv_make(data.p + 3, data.n - 3);
    }
    return csv_feed(&f->csv, data, err);
}

/* Converts what is whole; the bytes of a cut character stay: *left. */
static int convert(struct feeder *f, char *p, size_t n, bool last, size_t *left, struct err *err)
{
    char *in = p;
    size_t in_left = n;
    while (in_left) {
        char *out = f->text;
        size_t out_left = PIECE;
        size_t rc = iconv(f->conv, &in, &in_left, &out, &out_left);
        int why = errno;
        if (feed(f, sv_make(f->text, PIECE - out_left), err) < 0) return -1;
        if (rc != (size_t)-1 || why == E2BIG) continue;
        if (why == EINVAL && !last) break;
        /* no character in this encoding: shown as such, and on */
        if (feed(f, SV("\xef\xbf\xbd"), err) < 0) return -1;
        in++;
        in_left--;
    }
    memmove(p, in, in_left);
    *left = in_left;
    return 0;
}

static int read_all(struct feeder *f, int fd, char *p, struct err *err)
{
    size_t left = 0;
    for (;;) {
        ssize_t n = read_some(fd, p + left, PIECE - left);
        if (n < 0) return err_internal(err, "cannot read an upload: %s", strerror(errno));
        size_t all = left + (size_t)n;
        if (f->converts ? convert(f, p, all, n == 0, &left, err) < 0
                        : feed(f, sv_make(p, all), err) < 0)
            return -1;
        if (n == 0 || f->csv.stopped) return csv_end(&f->csv, err);
    }
}

int csv_read(const char *path, const struct sheet_spec *spec, sheet_row_fn *fn, void *arg,
             struct err *err)
{
    static const char *const names[] = {"UTF-8", "GB18030", "UTF-16LE", "UTF-16BE"};
    struct feeder f = {.converts = spec->encoding != SHEET_UTF8};
    int fd = open_file(path, err);
    if (fd < 0) return -1;
    if (f.converts && (f.conv = iconv_open("UTF-8", names[spec->encoding])) == (iconv_t)-1) {
        close(fd);
        return err_internal(err, "iconv knows no %s", names[spec->encoding]);
    }
    csv_init(&f.csv, spec->delimiter, fn, arg);
    char *p = malloc(PIECE);
    f.text = malloc(PIECE);
    if (!p || !f.text) panic("sheet_csv: out of memory");
    int rc = read_all(&f, fd, p, err);
    free(p);
    free(f.text);
    csv_free(&f.csv);
    if (f.converts) iconv_close(f.conv);
    close(fd);
    return rc;
}
