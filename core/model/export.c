/* Export: the list's rows, all of them, chunk by chunk along the key, so that
 * neither memory nor a long read of the database grows with their number. */
#define LOG_ROOM "model"
#include "model/export.h"
#include "model/custom.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct export_run {
    const struct model_resource *r;
    struct model_ctx c; /* its arena is the chunk's */
    struct query q;
    const struct sheet_ops *ops;
    struct sheet *sheet;
    unsigned first; /* 1: the id was not asked for */
    uint64_t n_rows;
    sv refs; /* for expand: references that are shown */
    const char *lang;
    int64_t *exported;
    struct cell *cells;
    struct dict *dicts;        /* by the column's number */
    struct custom_defs custom; /* columns of the tenant's own, in the place of `custom` */
};

int export_cut(struct err *err)
{
    return err_internal(err, "the reader of an export has gone");
}

const char *title_of(const struct mf_title *t, const char *lang)
{
    const char *first = lang && lang[0] == 'z' ? t->zh : t->en;
    return first ? first : t->en ? t->en : t->zh ? t->zh : "";
}

/* ---- cells ------------------------------------------------------------------------ */

static sv option_title(const struct mf_field *f, sv code, const char *lang)
{
    for (size_t i = 0; i < f->n_options; i++)
        if (sv_eqs(code, f->options[i].code)) return sv_of(title_of(&f->options[i].title, lang));
    return code;
}

static sv choice_title(const struct export_run *x, const struct model_col *c, sv code)
{
    return c->f->dictionary ? dict_title(&x->dicts[c->at], code)
                            : option_title(c->f, code, x->lang);
}

static sv value_text(struct arena *a, const struct model_col *c, const struct store_val *v);

static sv label_of(const struct export_run *x, const struct expand *labels,
                   const struct model_col *c, sv id)
{
    const struct model_col *label = c;
    int64_t n = 0;
    const struct store_val *l =
        labels && sv_i64(id, &n) ? expand_label(labels, c, n, &label) : NULL;
    return l && l->type != STORE_NULL ? value_text(x->c.arena, label, l) : id;
}

/* Items of a set in one cell. */
static sv set_text(const struct export_run *x, const struct expand *labels,
                   const struct model_col *c, sv json)
{
    json_t *list = NULL;
    struct err none = {0};
    struct buf b = BUF_IN(x->c.arena);
    if (json_parse(x->c.arena, json, &list, &none) < 0) return json;
    for (size_t i = 0; i < json_array_size(list); i++) {
        sv item = sv_of(json_string_value(json_array_get(list, i)));
        if (i) buf_str(&b, "; ");
        buf_sv(&b, c->many ? label_of(x, labels, c, item) : choice_title(x, c, item));
    }
    return buf_view(&b);
}

/* An address as people write it; a place as two numbers. */
static sv shape_text(const struct export_run *x, const struct model_col *c, sv json)
{
    json_t *v = NULL;
    struct err none = {0};
    if (json_parse(x->c.arena, json, &v, &none) < 0 || c->f->type == MF_POLYGON) return json;
    if (c->f->type == MF_ADDRESS) return json_get_sv(v, "text");
    return arena_printf(x->c.arena, "%.6f,%.6f", json_number_value(json_object_get(v, "lng")),
                        json_number_value(json_object_get(v, "lat")));
}

static sv local_time(struct arena *a, const struct export_run *x, int64_t us)
{
    char text[32];
    clock_rfc3339(us + (int64_t)x->c.tenant->utc_offset * 60000000, text);
    return arena_printf(a, "%.10s %.8s", text, text + 11);
}

static sv value_text(struct arena *a, const struct model_col *c, const struct store_val *v)
{
    struct buf b = BUF_IN(a);
    if (v->type == STORE_TEXT || v->type == STORE_BLOB) return v->u.s;
    row_value(&b, c, v);
    sv t = buf_view(&b);
    return t.n >= 2 && t.p[0] == '"' ? sv_make(t.p + 1, t.n - 2) : t;
}

static struct cell cell_of(const struct export_run *x, const struct expand *labels,
                           const struct model_col *c, const struct store_val *v)
{
    struct arena *a = x->c.arena;
    bool zh = x->lang && x->lang[0] == 'z';
    struct cell out = {.kind = CELL_PLAIN};
    if (v->type == STORE_NULL) {
        out.kind = CELL_EMPTY;
    } else if (c->ref && v->type == STORE_I64) {
        const struct model_col *label = c;
        const struct store_val *l = labels ? expand_label(labels, c, v->u.i, &label) : NULL;
        out.kind = CELL_TEXT;
        out.text = l && l->type != STORE_NULL ? value_text(a, label, l) : value_text(a, c, v);
    } else if (c->kind == COL_BOOL) {
        out.text = v->u.i ? (zh ? SV("是") : SV("yes")) : (zh ? SV("否") : SV("no"));
    } else if (c->kind == COL_TIME && v->type == STORE_TIME) {
        out.text = local_time(a, x, v->u.i);
    } else if (c->f->type == MF_MONEY) {
        out = (struct cell){.kind = CELL_MONEY, .n = v->u.i};
    } else if (c->f->type == MF_PERCENT) {
        int64_t n = v->u.i, u = n < 0 ? -n : n;
        out.text = arena_printf(a, "%s%lld.%02lld%%", n < 0 ? "-" : "", (long long)(u / 100),
                                (long long)(u % 100));
    } else if (c->kind == COL_INT) {
        out = (struct cell){.kind = CELL_INT, .n = v->u.i};
    } else if (c->kind == COL_DECIMAL) {
        out = (struct cell){.kind = CELL_DECIMAL, .text = v->u.s};
    } else if (c->f->type == MF_ENUM) {
        out.text = choice_title(x, c, v->u.s);
    } else if (c->link.n) {
        out = (struct cell){.kind = CELL_TEXT, .text = set_text(x, labels, c, v->u.s)};
    } else if (c->f->type == MF_ADDRESS || c->f->type == MF_POINT || c->f->type == MF_POLYGON) {
        out = (struct cell){.kind = CELL_TEXT, .text = shape_text(x, c, v->u.s)};
    } else {
        out.text = value_text(a, c, v);
        if (c->kind == COL_TEXT || c->kind == COL_JSON) out.kind = CELL_TEXT;
    }
    return out;
}

static bool is_custom(const struct export_run *x, const struct model_col *c)
{
    return x->r->custom && c->at == x->r->custom->at;
}

/* ---- chunks ----------------------------------------------------------------------- */

static int write_chunk(struct export_run *x, const struct rows *rows, const struct expand *labels,
                       struct err *err)
{
    for (size_t i = 0; i < rows->n; i++) {
        unsigned n = 0;
        for (unsigned k = 0; k < x->q.n_shown; k++) {
            const struct store_val *v = &rows_at(rows, i)[k];
            if (!is_custom(x, x->q.cols[k])) {
                x->cells[n++] = cell_of(x, labels, x->q.cols[k], v);
                continue;
            }
            custom_cells(&x->custom, x->lang, x->c.tenant->utc_offset, x->c.arena,
                         v->type == STORE_TEXT ? v->u.s : SV_NULL, x->cells + n);
            n += (unsigned)x->custom.n;
        }
        if (x->ops->row(x->sheet, x->cells + x->first, n - x->first, err) < 0) return -1;
        if (x->exported) ++*x->exported;
    }
    return 0;
}

static int read_chunk(struct export_run *x, struct rows *rows, struct expand **labels,
                      struct err *err)
{
    struct store_conn *conn;
    struct sql s;
    sql_start(&s, x->c.arena);
    query_select(&x->q, MODEL_EXPORT_CHUNK, &s);
    *labels = NULL;
    if (x->refs.n && expand_parse(x->q.p, &x->c, x->refs, false, labels, err) < 0) return -1;
    if (conn_enter(&x->c, &conn, err) < 0) return -1;
    int rc = store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, rows, err);
    if (rc == 0 && *labels) rc = expand_load(*labels, conn, rows, err);
    if (rc == 0) rc = protect_rows(x->q.p, &x->c, rows, err);
    x->n_rows += rows->n;
    conn_leave(&x->c, conn);
    return rc;
}

/* Two arenas take turns: the cursor of the last row lives in the one before. */
static int all_chunks(struct export_run *x, struct err *err)
{
    struct arena *turn[2] = {arena_new(128 << 10), arena_new(128 << 10)};
    int rc = 0;
    for (unsigned i = 0; rc == 0; i ^= 1) {
        arena_reset(turn[i]);
        x->c.arena = x->q.a = turn[i];
        struct rows rows = {.a = turn[i], .cols = x->q.cols, .n_cols = x->q.n_cols};
        struct expand *labels;
        rc = read_chunk(x, &rows, &labels, err);
        if (rc == 0) rc = write_chunk(x, &rows, labels, err);
        if (rc < 0 || rows.n < MODEL_EXPORT_CHUNK) break;
        const struct store_val *last = rows_at(&rows, rows.n - 1);
        x->q.after = true;
        x->q.after_val = last[x->q.at_sort];
        x->q.after_id = last[x->q.at_id].u.i;
    }
    arena_free(turn[0]);
    arena_free(turn[1]);
    return rc;
}

/* ---- the export ------------------------------------------------------------------- */

static int titles(struct export_run *x, struct arena *a, struct err *err)
{
    struct cell *head = ARENA_ARRAY(a, struct cell, x->q.n_shown + x->custom.n);
    unsigned n = 0;
    for (unsigned i = 0; i < x->q.n_shown; i++) {
        const struct mf_field *f = x->q.cols[i]->f;
        const char *t = title_of(&f->title, x->lang);
        if (is_custom(x, x->q.cols[i])) {
            custom_titles(&x->custom, x->lang, head + n);
            n += (unsigned)x->custom.n;
        } else {
            head[n++] = (struct cell){.kind = CELL_TEXT, .text = sv_of(*t ? t : f->name)};
        }
    }
    return x->ops->row(x->sheet, head + x->first, n - x->first, err);
}

static sv shown_refs(const struct query *q, struct arena *a)
{
    struct buf b = BUF_IN(a);
    unsigned n = 0;
    for (unsigned i = 0; i < q->n_shown && n < 32; i++) {
        bool many = q->cols[i]->many && !q->cols[i]->file;
        if ((!q->cols[i]->ref && !many) || q->cols[i] == q->r->id) continue;
        if (n++) buf_chr(&b, ',');
        buf_sv(&b, q->cols[i]->name);
    }
    return buf_view(&b);
}

static int export_rows(struct export_run *x, struct arena *a, bool (*write)(void *arg, sv data),
                       void *arg, struct err *err)
{
    x->sheet = x->ops->open(a, write, arg, err);
    if (!x->sheet) return -1;
    int rc = titles(x, a, err);
    if (rc == 0) rc = all_chunks(x, err);
    return x->ops->close(x->sheet, rc == 0, err) < 0 ? -1 : rc;
}

/* What the tenant keeps: dictionaries, and fields of its own. */
static int load_tenants_own(struct export_run *x, struct err *err)
{
    struct store_conn *conn;
    x->dicts = ARENA_ARRAY(x->c.arena, struct dict, x->r->n_cols);
    if (conn_enter(&x->c, &conn, err) < 0) return -1;
    int rc = 0;
    for (unsigned i = 0; i < x->q.n_shown && rc == 0; i++) {
        const struct model_col *c = x->q.cols[i];
        if (c->f->dictionary)
            rc = dict_load(conn, x->c.arena, c->f->dictionary, &x->dicts[c->at], err);
    }
    if (rc == 0) rc = custom_load(conn, x->c.arena, x->r, &x->custom, err);
    conn_leave(&x->c, conn);
    custom_visible(&x->custom, x->r, x->c.who);
    return rc;
}

/* The query in words, so that an agreement to one export is none to another. */
static sv export_what(struct arena *a, const struct model_list *l, sv format)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "format", format);
    jsonw_kv_sv(&w, "filter", l->filter);
    jsonw_kv_sv(&w, "q", l->search);
    jsonw_kv_sv(&w, "sort", l->sort);
    jsonw_kv_sv(&w, "fields", l->fields);
    jsonw_end_obj(&w);
    return buf_view(&b);
}

int model_export(const struct model_resource *r, struct model_ctx *c, const struct model_list *l,
                 sv format, bool (*write)(void *arg, sv data), void *arg, struct err *err)
{
    struct export_run x = {.r = r, .c = *c, .lang = c->lang, .exported = l->exported};
    if (sv_eqs(format, "csv")) x.ops = &sheet_csv;
    if (sv_eqs(format, "xlsx")) x.ops = &sheet_xlsx;
    if (!x.ops) {
        err_set(err, 400, "bad_request", NULL);
        return err_field(err, "format", "not_in_options", "csv, xlsx", NULL);
    }
    if (query_prepare(r, c, l, &x.q, err) < 0) return -1;
    if (!x.q.p->can_export) return policy_refuse(c->who, err);
    if (sensitive_check(r, c, "export", err) < 0) return -1;
    int asked = approval_gate_export(r, c, export_what(c->arena, l, format), err);
    if (asked != 0) return asked < 0 ? -1 : 0;
    x.first = x.q.id_unasked;
    if (load_tenants_own(&x, err) < 0) return -1;
    x.refs = shown_refs(&x.q, c->arena);
    x.cells = ARENA_ARRAY(c->arena, struct cell, x.q.n_shown + x.custom.n + 1);
    int rc = export_rows(&x, c->arena, write, arg, err);
    const struct auth_hat *behalf = policy_behalf(r, c->who, SV("export"));
    auth_audit(c->tenant, c->who, c->req,
               &(struct auth_audit){.action = "export",
                                    .target = r->name,
                                    .ok = rc == 0,
                                    .on_behalf = behalf ? behalf->id : 0});
    if (c->reveal) {
        struct buf b = BUF_IN(c->arena);
        struct jsonw w = jsonw_on(&b);
        jsonw_obj(&w);
        jsonw_kv_sv(&w, "filter", l->filter.p ? l->filter : SV(""));
        jsonw_kv_sv(&w, "q", l->search.p ? l->search : SV(""));
        jsonw_kv_i64(&w, "count", (int64_t)x.n_rows);
        jsonw_end_obj(&w);
        reveal_audit(c, 0, buf_view(&b));
    }
    return rc;
}

/* ---- over HTTP -------------------------------------------------------------------- */

/* What model_export will ask as well, before a task is made of it. > 0: an approval
 * was asked for, c->approval. */
int export_check(const struct model_resource *r, struct model_ctx *c, const struct model_list *l,
                 sv format, sv encoding, struct err *err)
{
    struct query q;
    struct export_sink s;
    if (!sv_eqs(format, "csv") && !sv_eqs(format, "xlsx"))
        return err_field(err, "format", "not_in_options", "csv, xlsx", NULL);
    if (export_sink_open(&s, -1, format, encoding, err) < 0) return -1;
    export_sink_close(&s, err);
    if (query_prepare(r, c, l, &q, err) < 0) return -1;
    if (!q.p->can_export) return policy_refuse(c->who, err);
    if (sensitive_check(r, c, "export", err) < 0) return -1;
    return approval_gate_export(r, c, export_what(c->arena, l, format), err);
}

/* The export is written to a file first: an error is still an answer, the worker
 * is free while a slow reader reads, and the length is known. */
static void remove_file(void *path)
{
    unlink(path);
}

void export_get(struct http_req *req, const struct model_resource *r, const struct model_list *l,
                sv format)
{
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    if (reveal_read(r, &c, http_query(req, "reveal"), http_query(req, "reason"), &err) < 0) {
        http_fail(req, &err);
        return;
    }
    const char *dir = state_subdir(c.arena, "exports", &err);
    char *path = dir ? arena_str(c.arena, arena_printf(c.arena, "%s/rows-XXXXXX", dir)) : NULL;
    struct export_sink s;
    int fd = path ? mkstemp(path) : -1;
    store_deadline(0); /* each statement is short, all of them may take their time */
    if (fd < 0) {
        if (!err_is(&err)) err_internal(&err, "cannot make %s: %s", path, strerror(errno));
        http_fail(req, &err);
        return;
    }
    arena_on_free(c.arena, remove_file, path); /* once the answer is out */
    int rc = export_sink_open(&s, fd, format, http_query(req, "encoding"), &err);
    if (rc == 0) {
        rc = model_export(r, &c, l, format, export_write, &s, &err);
        export_sink_close(&s, &err);
        if (err_is(&err)) rc = -1;
    }
    close(fd);
    if (rc == 0 && c.approval) rc = approval_answer(r, &c, http_out(req), &err);
    if (rc < 0) {
        http_fail(req, &err);
        return;
    }
    if (c.approval) {
        http_status(req, 202);
        return;
    }
    bool csv = sv_eqs(format, "csv");
    char day[32];
    clock_rfc3339(clock_now_us() + (int64_t)c.tenant->utc_offset * 60000000, day);
    http_send_file(req, path,
                   csv ? s.conv ? "text/csv; charset=gb18030" : "text/csv; charset=utf-8"
                       : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                   "private, no-store",
                   arena_printf(c.arena, "%s-%.10s.%s", title_of(&r->mf->title, c.lang), day,
                                csv ? "csv" : "xlsx")
                       .p);
}
