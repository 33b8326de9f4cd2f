/* The first visible sheet of a workbook, row by row. */
#define LOG_ROOM "model"
#include <stdio.h>
#include <stdlib.h>

#include "model/sheet_zip.h"

#define MAX_STYLES 65536u
#define MAX_FORMATS 2000u

struct format {
    unsigned id;
    enum sheet_number kind;
};

struct book {
    unzFile z;
    struct arena *a;
    struct err *err;
    struct zip_part part;
    /* workbook and its relations */
    char rel[64], target[200];
    bool from_1904, chosen;
    /* styles */
    struct format *formats;
    unsigned n_formats, n_styles;
    unsigned char *styles; /* enum sheet_number by style */
    bool in_xfs;
    struct strings strings;
    /* the sheet */
    sheet_row_fn *fn;
    void *arg;
    struct arena *row_arena;
    sv cells[SHEET_MAX_COLS];
    unsigned used, col, rows;
    uint32_t line;
    struct buf text;
    char type; /* 's'hared, 'i'nline, 't'ext of a formula, 'b'ool, 'n'umber, 'e'rror */
    unsigned style, phonetic;
    bool in_value;
};

static bool is(const char *name, const char *want)
{
    return strcmp(name, want) == 0;
}

static uint64_t number(const char *text)
{
    uint64_t n;
    return text && sv_u64(sv_of(text), &n) ? n : 0;
}

static void nothing(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

static void give_up(struct book *b, const char *code, const char *arg)
{
    err_set(b->err, 422, code, arg, NULL);
    zip_stop(&b->part);
}

static int parse(struct book *b, const char *name,
                 void (*start)(void *, const char *, const char **),
                 void (*end)(void *, const char *), void (*text)(void *, sv), bool *found)
{
    b->part = (struct zip_part){.arg = b, .start = start, .end = end, .text = text};
    if (zip_parse(b->z, name, &b->part, found, b->err) < 0) return -1;
    return err_is(b->err) ? -1 : 0;
}

/* ---- which sheet ------------------------------------------------------------------- */

static void workbook_start(void *arg, const char *name, const char **attrs)
{
    struct book *b = arg;
    const char *state = zip_attr(attrs, "state"), *id = NULL;
    if (is(name, "workbookPr")) {
        const char *v = zip_attr(attrs, "date1904");
        b->from_1904 = v && (is(v, "1") || is(v, "true"));
    }
    if (!is(name, "sheet") || b->chosen || (state && !is(state, "visible"))) return;
    for (const char **p = attrs; p[0]; p += 2) /* r:id, not sheetId */
        if (strlen(p[0]) > 3 && is(p[0] + strlen(p[0]) - 3, ":id")) id = p[1];
    snprintf(b->rel, sizeof b->rel, "%s", id ? id : "");
    b->chosen = true;
}

static void relations_start(void *arg, const char *name, const char **attrs)
{
    struct book *b = arg;
    const char *id = zip_attr(attrs, "Id"), *to = zip_attr(attrs, "Target");
    if (!is(name, "Relationship") || !id || !to || !is(id, b->rel)) return;
    if (to[0] == '/')
        snprintf(b->target, sizeof b->target, "%s", to + 1);
    else
        snprintf(b->target, sizeof b->target, "xl/%s", to);
}

static int find_sheet(struct book *b)
{
    bool found;
    snprintf(b->target, sizeof b->target, "xl/worksheets/sheet1.xml");
    if (parse(b, "xl/workbook.xml", workbook_start, nothing, NULL, &found) < 0) return -1;
    if (!found) return err_set(b->err, 422, "import_bad_file", NULL);
    return parse(b, "xl/_rels/workbook.xml.rels", relations_start, nothing, NULL, &found);
}

/* ---- styles ------------------------------------------------------------------------ */

static enum sheet_number kind_of(const struct book *b, unsigned id)
{
    for (unsigned i = 0; i < b->n_formats; i++)
        if (b->formats[i].id == id) return b->formats[i].kind;
    return sheet_number_kind(id, NULL);
}

static void styles_start(void *arg, const char *name, const char **attrs)
{
    struct book *b = arg;
    if (is(name, "numFmt") && b->n_formats < MAX_FORMATS) {
        const char *code = zip_attr(attrs, "formatCode");
        unsigned id = (unsigned)number(zip_attr(attrs, "numFmtId"));
        b->formats[b->n_formats++] = (struct format){id, sheet_number_kind(id, code ? code : "")};
    } else if (is(name, "cellXfs")) {
        b->in_xfs = true;
    } else if (is(name, "xf") && b->in_xfs && b->n_styles < MAX_STYLES) {
        b->styles[b->n_styles++] =
            (unsigned char)kind_of(b, (unsigned)number(zip_attr(attrs, "numFmtId")));
    }
}

static void styles_end(void *arg, const char *name)
{
    struct book *b = arg;
    if (is(name, "cellXfs")) b->in_xfs = false;
}

/* ---- rows -------------------------------------------------------------------------- */

/* "BC12" -> 54, from 0. */
static bool column_of(const char *ref, unsigned *out)
{
    unsigned n = 0, i = 0;
    for (; ref[i] >= 'A' && ref[i] <= 'Z' && i < 4; i++)
        n = n * 26 + (unsigned)(ref[i] - 'A' + 1);
    if (!i || !n) return false;
    *out = n - 1;
    return true;
}

static void row_start(struct book *b, const char **attrs)
{
    const char *r = zip_attr(attrs, "r");
    uint64_t line = number(r);
    b->line = line > b->line && line <= SHEET_MAX_ROWS ? (uint32_t)line : b->line + 1;
    b->used = b->col = 0;
    memset(b->cells, 0, sizeof b->cells);
    arena_reset(b->row_arena);
}

static void cell_start(struct book *b, const char **attrs)
{
    const char *r = zip_attr(attrs, "r"), *t = zip_attr(attrs, "t");
    if (r) column_of(r, &b->col);
    b->style = (unsigned)number(zip_attr(attrs, "s"));
    b->type = !t                   ? 'n'
              : is(t, "s")         ? 's'
              : is(t, "inlineStr") ? 'i'
              : is(t, "str")       ? 't'
                                   : t[0];
    buf_clear(&b->text);
}

static void sheet_start(void *arg, const char *name, const char **attrs)
{
    struct book *b = arg;
    if (is(name, "row"))
        row_start(b, attrs);
    else if (is(name, "c"))
        cell_start(b, attrs);
    else if (is(name, "rPh"))
        b->phonetic++;
    else if (is(name, "v") || (is(name, "t") && b->type == 'i'))
        b->in_value = b->phonetic == 0;
}

static sv value_of(struct book *b)
{
    sv raw = sv_make(b->text.p ? b->text.p : "", b->text.n);
    switch (b->type) {
    case 's': {
        uint64_t i;
        return sv_u64(raw, &i) ? strings_at(&b->strings, i) : SV("");
    }
    case 'b':
        return sv_eqs(raw, "1") ? SV("TRUE") : SV("FALSE");
    case 'n':
        return sheet_number_text(
            b->row_arena, sv_trim(raw),
            b->style < b->n_styles ? (enum sheet_number)b->styles[b->style] : NUM_PLAIN,
            b->from_1904);
    case 'd': /* ISO 8601 */
        return arena_sv(b->row_arena, raw);
    default:
        return arena_sv(b->row_arena, raw);
    }
}

static void cell_end(struct book *b)
{
    sv v = b->text.n ? value_of(b) : SV("");
    unsigned at = b->col++;
    b->type = 0;
    if (!sv_trim(v).n) return;
    if (at >= SHEET_MAX_COLS) {
        give_up(b, "import_too_many_columns", "256");
        return;
    }
    b->cells[at] = v;
    if (at + 1 > b->used) b->used = at + 1;
}

static void row_end(struct book *b)
{
    if (!b->used) return;
    if (++b->rows > SHEET_MAX_ROWS) {
        give_up(b, "import_too_many_rows", "1048576");
        return;
    }
    for (unsigned i = 0; i < b->used; i++)
        if (!b->cells[i].p) b->cells[i] = SV("");
    struct sheet_row row = {b->line, b->cells, b->used};
    if (!b->fn(b->arg, &row)) zip_stop(&b->part);
    b->used = 0;
}

static void sheet_end(void *arg, const char *name)
{
    struct book *b = arg;
    if (is(name, "v") || is(name, "t"))
        b->in_value = false;
    else if (is(name, "rPh")) {
        if (b->phonetic) b->phonetic--;
    } else if (is(name, "c"))
        cell_end(b);
    else if (is(name, "row"))
        row_end(b);
}

static void sheet_text(void *arg, sv text)
{
    struct book *b = arg;
    if (!b->in_value) return;
    if (b->text.n + text.n > SHEET_MAX_CELL) text.n = SHEET_MAX_CELL - b->text.n;
    buf_sv(&b->text, text);
}

/* ---- the file ---------------------------------------------------------------------- */

static int read_book(struct book *b, const char *tmp_dir)
{
    bool found;
    b->formats = ARENA_ARRAY(b->a, struct format, MAX_FORMATS);
    b->styles = ARENA_ARRAY(b->a, unsigned char, MAX_STYLES);
    if (zip_check(b->z, b->err) < 0 || find_sheet(b) < 0 ||
        parse(b, "xl/styles.xml", styles_start, styles_end, NULL, &found) < 0 ||
        strings_load(b->z, tmp_dir, &b->strings, b->err) < 0)
        return -1;
    if (parse(b, b->target, sheet_start, sheet_end, sheet_text, &found) < 0) return -1;
    return found ? 0 : err_set(b->err, 422, "import_bad_file", NULL);
}

int xlsx_read(const char *path, const char *tmp_dir, sheet_row_fn *fn, void *arg, struct err *err)
{
    struct book b = {.a = arena_new(0), .row_arena = arena_new(0), .err = err, .fn = fn, .arg = arg};
    b.strings.text_fd = b.strings.ends_fd = -1;
    b.z = unzOpen64(path);
    int rc = b.z ? read_book(&b, tmp_dir) : err_set(err, 422, "import_bad_file", NULL);
    if (b.z) unzClose(b.z);
    strings_free(&b.strings);
    buf_free(&b.text);
    arena_free(b.row_arena);
    arena_free(b.a);
    return rc;
}

/* ---- either kind ------------------------------------------------------------------- */

int sheet_detect(const char *path, struct sheet_spec *out, struct err *err)
{
    char head[8] = "";
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f) fclose(f);
    *out = (struct sheet_spec){0};
    if (n >= 4 && memcmp(head, "PK\3\4", 4) == 0) {
        out->xlsx = true;
        return 0;
    }
    /* the old binary kind, and workbooks with a password */
    if (n >= 4 && memcmp(head, "\xd0\xcf\x11\xe0", 4) == 0)
        return err_set(err, 415, "import_old_excel", NULL);
    return csv_detect(path, out, err);
}

int sheet_read(const char *path, const struct sheet_spec *spec, const char *tmp_dir,
               sheet_row_fn *fn, void *arg, struct err *err)
{
    if (spec->xlsx) return xlsx_read(path, tmp_dir, fn, arg, err);
    return csv_read(path, spec, fn, arg, err);
}
