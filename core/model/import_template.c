/* Files to fill in: a template with the headings, lists to choose from and notes;
 * and the rows that failed, each with the reason, to be mended and sent again. */
#define LOG_ROOM "model"
#include "model/export.h"
#include "model/import.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define MAX_LIST 500 /* choices of one column */
#define FILL_ROWS 5000

static bool zh(const struct model_ctx *c)
{
    return c->lang && c->lang[0] == 'z';
}

/* ---- messages ------------------------------------------------------------------------- */

static const char *field_title(const struct model_resource *r, const char *name, const char *lang)
{
    const struct mf_field *f = mf_field_find(r->mf, sv_of(name));
    return f ? title_of(&f->title, lang) : name;
}

void import_message(const struct model_resource *r, const char *lang, const json_t *e,
                    struct buf *out)
{
    const char *args[ERR_MAX_ARGS] = {0}, *field = json_string_value(json_object_get(e, "f"));
    const char *code = json_string_value(json_object_get(e, "c"));
    const json_t *list = json_object_get(e, "a");
    for (size_t i = 0; i < ERR_MAX_ARGS; i++)
        args[i] = json_string_value(json_array_get(list, i));
    if (field && field[0])
        buf_printf(out, "%s%s", field_title(r, field, lang), lang[0] == 'z' ? "：" : ": ");
    msg_format(out, lang, code ? code : "invalid", args);
}

/* ---- a file that is written and sent ---------------------------------------------------- */

static void remove_file(void *path)
{
    unlink(path);
}

/* A temporary file, gone when the answer is out; NULL with err. */
static char *temp_path(struct model_ctx *c, int *fd, struct err *err)
{
    const char *dir = state_subdir(c->arena, "exports", err);
    if (!dir) return NULL;
    char *path = arena_str(c->arena, arena_printf(c->arena, "%s/rows-XXXXXX", dir));
    *fd = mkstemp(path);
    if (*fd < 0) {
        err_internal(err, "cannot make %s: %s", path, strerror(errno));
        return NULL;
    }
    arena_on_free(c->arena, remove_file, path);
    return path;
}

static void send_it(struct http_req *req, struct model_ctx *c, const char *path, bool csv, sv name)
{
    http_send_file(req, path,
                   csv ? "text/csv; charset=utf-8"
                       : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                   "private, no-store",
                   arena_printf(c->arena, "%.*s.%s", SVARG(name), csv ? "csv" : "xlsx").p);
}

static bool to_fd(void *arg, sv data)
{
    while (data.n) {
        ssize_t n = write(*(int *)arg, data.p, data.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        data = sv_make(data.p + n, data.n - (size_t)n);
    }
    return true;
}

/* ---- what a column may hold ------------------------------------------------------------- */

struct choices {
    struct arena *a;
    const char **v; /* NULL-terminated */
    unsigned n;
};

static bool on_choice(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct choices *x = arg;
    (void)n_cols;
    if (row[0].type == STORE_TEXT && row[0].u.s.n && row[0].u.s.n < 200)
        x->v[x->n++] = arena_str(x->a, row[0].u.s);
    return x->n < MAX_LIST;
}

/* Names of what may be referred to, as far as the caller may see it. */
static void ref_choices(struct model_ctx *c, const struct model_resource *to, struct choices *out)
{
    struct err none = {0};
    struct store_conn *conn;
    struct sql s;
    const struct model_policy *p = policy_of(to, c->who, c->arena, &none);
    bool seen = p && p->can_read && to->label && to->label->kind == COL_TEXT &&
                colset_has(&p->readable, to->label->at) && !to->label->sealed &&
                !colset_has(&p->masked, to->label->at);
    if (!seen || store_get(c->tenant->db, &conn, &none) < 0) return;
    sql_start(&s, c->arena);
    buf_printf(&s.text, "SELECT %.*s FROM %.*s", SVARG(to->label->ident), SVARG(to->ident));
    policy_where(p, c->who, &p->read, false, &s);
    buf_printf(&s.text, " ORDER BY `id` LIMIT %d", MAX_LIST);
    if (store_run(conn, buf_view(&s.text), s.args, s.n, on_choice, out, &none) < 0)
        log_warn("choices of %s: %s", to->name.p, none.detail);
    store_put(conn);
}

static struct choices choices_of(struct model_ctx *c, const struct import_field *f)
{
    struct choices out = {.a = c->arena, .v = ARENA_ARRAY(c->arena, const char *, MAX_LIST + 1)};
    if (f->f->type == MF_BOOL) {
        out.v[out.n++] = zh(c) ? "是" : "yes";
        out.v[out.n++] = zh(c) ? "否" : "no";
    }
    for (size_t i = 0; i < f->f->n_options && out.n < MAX_LIST; i++)
        out.v[out.n++] = title_of(&f->f->options[i].title, c->lang);
    if (f->ref) ref_choices(c, f->ref, &out);
    return out;
}

static const char *example_of(struct model_ctx *c, const struct mf_field *f)
{
    switch (f->type) {
    case MF_INT: return "12";
    case MF_MONEY: return "1234.50";
    case MF_PERCENT: return "12.5%";
    case MF_DATE: return "2026-11-20";
    case MF_DATETIME: return "2026-11-20 09:30";
    case MF_PHONE: return "13800000000";
    case MF_EMAIL: return "name@example.com";
    case MF_LINK: return "https://example.com/";
    case MF_COLOR: return "#2456c8";
    case MF_DEPT: return zh(c) ? "总部/销售部" : "Head office/Sales";
    case MF_MULTI_ENUM: return zh(c) ? "多个以分号隔开" : "several: separated by semicolons";
    case MF_CHILDREN: return zh(c) ? "多个以分号隔开" : "several: separated by semicolons";
    default: return "";
    }
}

/* ---- the workbook ------------------------------------------------------------------------ */

struct book {
    lxw_workbook *wb;
    lxw_worksheet *page, *lists, *notes;
    lxw_format *head, *must, *plain;
    unsigned list_col;
};

static void add_list(struct book *b, lxw_col_t col, const char *title, const struct choices *x)
{
    char range[64];
    lxw_col_t at = (lxw_col_t)b->list_col++;
    worksheet_write_string(b->lists, 0, at, title, b->head);
    for (unsigned i = 0; i < x->n; i++)
        worksheet_write_string(b->lists, i + 1, at, x->v[i], NULL);
    char letters[8];
    lxw_col_to_name(letters, at, LXW_TRUE);
    snprintf(range, sizeof range, "=Lists!%s$2:%s$%u", letters, letters, x->n + 1);
    lxw_data_validation v = {.validate = LXW_VALIDATION_TYPE_LIST_FORMULA,
                             .value_formula = range,
                             .error_type = LXW_VALIDATION_ERROR_TYPE_WARNING};
    worksheet_data_validation_range(b->page, 1, col, FILL_ROWS, col, &v);
}

static void add_note(struct book *b, struct model_ctx *c, lxw_row_t row,
                     const struct import_field *f)
{
    const struct mf_field *mf = f->f;
    const char *help = mf->help.zh ? title_of(&mf->help, c->lang) : "";
    worksheet_write_string(b->notes, row, 0, title_of(&mf->title, c->lang), NULL);
    worksheet_write_string(b->notes, row, 1,
                           mf->required && !mf->has_default ? (zh(c) ? "必填" : "required") : "",
                           NULL);
    worksheet_write_string(b->notes, row, 2, example_of(c, mf), NULL);
    worksheet_write_string(b->notes, row, 3, help, NULL);
}

static void fill(struct book *b, struct model_ctx *c, const struct import_field *fields, unsigned n)
{
    static const char *const heads[2][4] = {{"列", "必填", "示例", "说明"},
                                            {"Column", "Required", "Example", "Notes"}};
    lxw_col_t col = 0;
    for (unsigned i = 0; i < 4; i++)
        worksheet_write_string(b->notes, 0, (lxw_col_t)i, heads[zh(c) ? 0 : 1][i], b->head);
    for (unsigned i = 0; i < n; i++) {
        const struct mf_field *f = fields[i].f;
        if (!fields[i].may) continue;
        bool must = f->required && !f->has_default;
        const char *title = title_of(&f->title, c->lang);
        worksheet_write_string(b->page, 0, col, arena_printf(c->arena, "%s%s", title, must ? " *" : "").p,
                               must ? b->must : b->head);
        struct choices x = choices_of(c, &fields[i]);
        bool one = f->type != MF_MULTI_ENUM && f->type != MF_CHILDREN;
        if (x.n && one) add_list(b, col, title, &x);
        add_note(b, c, (lxw_row_t)col + 1, &fields[i]);
        col++;
    }
    worksheet_set_column(b->page, 0, col ? col - 1 : 0, 18, b->plain);
    worksheet_set_column(b->notes, 0, 3, 24, NULL);
    worksheet_freeze_panes(b->page, 1, 0);
}

static int write_workbook(struct model_ctx *c, const char *path, const struct import_field *fields,
                          unsigned n, struct err *err)
{
    struct book b = {.wb = workbook_new(path)};
    if (!b.wb) return err_internal(err, "xlsx: no workbook");
    b.page = workbook_add_worksheet(b.wb, zh(c) ? "导入" : "Import");
    b.notes = workbook_add_worksheet(b.wb, zh(c) ? "说明" : "Notes");
    b.lists = workbook_add_worksheet(b.wb, "Lists");
    b.head = workbook_add_format(b.wb);
    b.must = workbook_add_format(b.wb);
    b.plain = workbook_add_format(b.wb); /* text: long numbers stay as typed */
    format_set_bold(b.head);
    format_set_bold(b.must);
    format_set_font_color(b.must, 0xC0392B);
    format_set_num_format(b.plain, "@");
    fill(&b, c, fields, n);
    lxw_error e = workbook_close(b.wb);
    return e == LXW_NO_ERROR ? 0 : err_internal(err, "xlsx: %s", lxw_strerror(e));
}

static int write_headings(struct model_ctx *c, int fd, const struct import_field *fields,
                          unsigned n, struct err *err)
{
    struct cell *head = ARENA_ARRAY(c->arena, struct cell, n + 1);
    unsigned k = 0;
    struct sheet *s = sheet_csv.open(c->arena, to_fd, &fd, err);
    for (unsigned i = 0; i < n; i++)
        if (fields[i].may)
            head[k++] = (struct cell){.kind = CELL_TEXT,
                                      .text = sv_of(title_of(&fields[i].f->title, c->lang))};
    if (!s) return -1;
    int rc = sheet_csv.row(s, head, k, err);
    return sheet_csv.close(s, rc == 0, err) < 0 ? -1 : rc;
}

void import_template_get(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct import_field *fields;
    struct err err = {0};
    int fd = -1;
    if (!r) return;
    sv format = http_query(req, "format");
    bool csv = sv_eqs(format, "csv");
    const struct model_policy *p = policy_of(r, c.who, c.arena, &err);
    if (p && format.n && !csv && !sv_eqs(format, "xlsx"))
        err_field(&err, "format", "not_in_options", "csv, xlsx", NULL);
    char *path = p && !err_is(&err) ? temp_path(&c, &fd, &err) : NULL;
    int rc = -1;
    if (path) {
        unsigned n = import_fields(r, p, c.arena, &fields);
        rc = csv ? write_headings(&c, fd, fields, n, &err)
                 : write_workbook(&c, path, fields, n, &err);
        close(fd);
    }
    if (rc < 0)
        http_fail(req, &err);
    else
        send_it(req, &c, path, csv, sv_of(title_of(&r->mf->title, c.lang)));
}

/* ---- rows that failed ---------------------------------------------------------------------- */

/* Why, in both languages: the file may go to somebody else. */
static sv reasons(struct arena *a, const struct model_resource *r, sv stored)
{
    json_t *list = NULL;
    struct err none = {0};
    struct buf b = BUF_IN(a);
    if (!stored.n || json_parse(a, stored, &list, &none) < 0) return SV("");
    for (int en = 0; en < 2; en++)
        for (size_t i = 0; i < json_array_size(list); i++) {
            if (i || en) buf_str(&b, en ? " / " : "；");
            import_message(r, en ? "en" : "zh", json_array_get(list, i), &b);
        }
    return buf_view(&b);
}

/* Whoever brought the file has it back as it was, to mend it; others see masks. */
static int failed_rows(const struct import *im, struct model_ctx *c, const struct sheet_ops *ops,
                       struct sheet *s, struct err *err)
{
    const struct model_policy *p = policy_of(im->r, c->who, c->arena, err);
    if (!p) return -1;
    bool own = c->who->kind == AUTH_STAFF && c->who->id == im->owner;
    const struct mf_field *const *masks = own ? NULL : import_masks(im, c, p);
    unsigned columns = (unsigned)json_array_size(im->columns), n = 1;
    int64_t after = 0;
    struct arena *a = arena_new(0);
    int rc = 0;
    while (rc == 0 && n > 0) {
        struct import_line *rows;
        struct store_conn *conn;
        arena_reset(a);
        if (store_get(c->tenant->db, &conn, err) < 0) break;
        rc = import_rows(conn, a, im, after, 1u << ROW_BAD | 1u << ROW_FAILED, IMPORT_BATCH,
                         &rows, &n, err);
        store_put(conn);
        for (unsigned i = 0; rc == 0 && i < n; i++) {
            struct cell *cells = ARENA_ARRAY(a, struct cell, columns + 1);
            for (unsigned k = 0; k < columns; k++)
                if (k < rows[i].n && rows[i].cells[k].n)
                    cells[k] = (struct cell){.kind = CELL_TEXT, .text = import_shown(masks, k, rows[i].cells[k], a)};
            cells[columns] =
                (struct cell){.kind = CELL_PLAIN, .text = reasons(a, im->r, rows[i].errors)};
            rc = ops->row(s, cells, columns + 1, err);
            after = rows[i].line;
        }
    }
    arena_free(a);
    return err_is(err) ? -1 : rc;
}

static int write_failed_file(const struct import *im, struct model_ctx *c,
                             const struct sheet_ops *ops, int fd, struct err *err)
{
    unsigned columns = (unsigned)json_array_size(im->columns);
    struct cell *head = ARENA_ARRAY(c->arena, struct cell, columns + 1);
    struct sheet *s = ops->open(c->arena, to_fd, &fd, err);
    if (!s) return -1;
    for (unsigned k = 0; k < columns; k++)
        head[k] = (struct cell){
            .kind = CELL_TEXT, .text = json_get_sv(json_array_get(im->columns, k), "heading")};
    head[columns] = (struct cell){.kind = CELL_TEXT, .text = SV("原因 Reason")};
    int rc = ops->row(s, head, columns + 1, err);
    if (rc == 0) rc = failed_rows(im, c, ops, s, err);
    return ops->close(s, rc == 0, err) < 0 ? -1 : rc;
}

void import_failed_get(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct import im;
    struct err err = {0};
    int fd = -1;
    int64_t id;
    if (!r) return;
    int rc = sv_i64(http_param(req, "import"), &id) ? import_load(&c, r, id, &im, &err)
                                                    : err_set(&err, 404, "not_found", NULL);
    char *path = rc == 0 ? temp_path(&c, &fd, &err) : NULL;
    if (path) {
        rc = write_failed_file(&im, &c, im.spec.xlsx ? &sheet_xlsx : &sheet_csv, fd, &err);
        close(fd);
    }
    if (rc < 0 || !path)
        http_fail(req, &err);
    else
        send_it(req, &c, path, !im.spec.xlsx,
                arena_printf(c.arena, "%s-%s", title_of(&r->mf->title, c.lang),
                             zh(&c) ? "未导入" : "failed"));
}
