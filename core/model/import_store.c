/* Rows of core.import and of core_import_row. */
#define LOG_ROOM "model"
#include "model/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAR_AT_ONCE 5000
#define DONE_BITS (1u << ROW_CREATED | 1u << ROW_UPDATED | 1u << ROW_SKIPPED)

const char *const import_actions[] = {"skip", "update", "fail"};

/* ---- the import ---------------------------------------------------------------------- */

static sv json_text(const json_t *v, struct arena *a)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_json(&w, v);
    return buf_view(&b);
}

static sv spec_text(const struct sheet_spec *s, struct arena *a)
{
    return arena_printf(a, "{\"xlsx\":%s,\"encoding\":%d,\"delimiter\":%d}",
                        s->xlsx ? "true" : "false", (int)s->encoding, (int)s->delimiter);
}

/* Columns come with samples; what is in a file may be of protected fields. */
static struct auth_place columns_of(const struct import *im)
{
    return (struct auth_place){SV("core.import"), SV("columns"), im->id};
}

static int insert_import(struct store_conn *c, const struct import *im,
                         const struct auth_principal *who, struct arena *a, struct err *err)
{
    struct auth_place at = columns_of(im);
    sv columns;
    if (kept_seal(im->tenant, a, &at, json_text(im->columns, a), &columns, err) < 0) return -1;
    struct store_val now = STORE_T(clock_now_us());
    struct store_val by = who->kind == AUTH_STAFF ? STORE_I(who->id) : STORE_N;
    struct store_val args[] = {STORE_I(im->id),
                               now,
                               now,
                               by,
                               by,
                               STORE_S(im->name),
                               STORE_S(im->r->name),
                               STORE_S(im->path),
                               STORE_S(spec_text(&im->spec, a)),
                               STORE_S(columns),
                               STORE_S(json_text(im->mapping, a)),
                               STORE_S(sv_of(import_actions[im->on_match]))};
    return store_exec(c,
                      SV("INSERT INTO `core_import` (`id`,`created_at`,`updated_at`,`created_by`,"
                         "`owner`,`name`,`resource`,`path`,`spec`,`columns`,`mapping`,`on_match`,"
                         "`state`,`rows`,`to_create`,`to_update`,`to_skip`,`bad`,`created`,"
                         "`updated`,`skipped`,`failed`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,"
                         "'uploaded',0,0,0,0,0,0,0,0,0)"),
                      args, 12, NULL, err);
}

int import_insert(struct store_conn *c, const struct import *im, const struct auth_principal *who,
                  struct err *err)
{
    struct arena *a = arena_new(0);
    int rc = insert_import(c, im, who, a, err);
    arena_free(a);
    return rc;
}

static int64_t int_of(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static sv text_of(const struct store_val *v)
{
    return v->type == STORE_TEXT ? v->u.s : SV("");
}

static enum mf_on_match action_of(sv text)
{
    for (int i = 0; i < 3; i++)
        if (sv_eqs(text, import_actions[i])) return (enum mf_on_match)i;
    return MF_SKIP;
}

static int take(struct import *im, const struct store_val *v, struct arena *a, struct err *err)
{
    struct auth_place at = columns_of(im);
    json_t *spec = NULL;
    sv columns;
    if (kept_open(im->tenant, a, &at, text_of(&v[4]), &columns, err) < 0 ||
        json_parse(a, text_of(&v[3]), &spec, err) < 0 ||
        json_parse(a, columns, &im->columns, err) < 0 ||
        json_parse(a, text_of(&v[5]), &im->mapping, err) < 0)
        return -1;
    im->owner = int_of(&v[0]);
    im->name = text_of(&v[1]);
    im->path = text_of(&v[2]);
    im->spec = (struct sheet_spec){
        .xlsx = json_is_true(json_object_get(spec, "xlsx")),
        .encoding = (enum sheet_encoding)json_integer_value(json_object_get(spec, "encoding")),
        .delimiter = (char)json_integer_value(json_object_get(spec, "delimiter"))};
    im->on_match = action_of(text_of(&v[6]));
    im->state = text_of(&v[7]);
    im->task = int_of(&v[8]);
    im->rows = int_of(&v[9]);
    for (unsigned i = 0; i < 8; i++)
        im->n[i] = int_of(&v[10 + i]);
    return 0;
}

int import_load(struct model_ctx *c, const struct model_resource *r, int64_t id, struct import *out,
                struct err *err)
{
    struct store_conn *conn;
    struct store_val args[] = {STORE_I(id), STORE_S(r->name)}, v[18];
    bool found = false;
    *out = (struct import){.tenant = c->tenant, .id = id, .r = r};
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = store_one(conn, c->arena,
                       SV("SELECT `owner`,`name`,`path`,`spec`,`columns`,`mapping`,`on_match`,"
                          "`state`,`task`,`rows`,`to_create`,`to_update`,`to_skip`,`bad`,`created`,"
                          "`updated`,`skipped`,`failed` FROM `core_import` "
                          "WHERE `id`=? AND `resource`=?"),
                       args, 2, v, 18, &found, err);
    conn_leave(c, conn);
    if (rc < 0) return -1;
    bool own = found && c->who->kind == AUTH_STAFF && int_of(&v[0]) == c->who->id;
    if (!found || !(own || c->who->admin)) return err_set(err, 404, "not_found", NULL);
    return take(out, v, c->arena, err);
}

int import_save(struct store_conn *c, const struct import *im, const char *state, struct err *err)
{
    struct arena *a = arena_new(0);
    struct store_val args[] = {STORE_S(sv_of(state)),
                               STORE_S(json_text(im->mapping, a)),
                               STORE_S(sv_of(import_actions[im->on_match])),
                               im->task ? STORE_I(im->task) : STORE_N,
                               STORE_I(im->rows),
                               STORE_I(im->n[ROW_CREATE]),
                               STORE_I(im->n[ROW_UPDATE]),
                               STORE_I(im->n[ROW_SKIP]),
                               STORE_I(im->n[ROW_BAD]),
                               STORE_I(im->n[ROW_CREATED]),
                               STORE_I(im->n[ROW_UPDATED]),
                               STORE_I(im->n[ROW_SKIPPED]),
                               STORE_I(im->n[ROW_FAILED]),
                               STORE_T(clock_now_us()),
                               STORE_I(im->id)};
    int rc = store_exec(c,
                        SV("UPDATE `core_import` SET `state`=?,`mapping`=?,`on_match`=?,`task`=?,"
                           "`rows`=?,`to_create`=?,`to_update`=?,`to_skip`=?,`bad`=?,`created`=?,"
                           "`updated`=?,`skipped`=?,`failed`=?,`updated_at`=? WHERE `id`=?"),
                        args, 15, NULL, err);
    arena_free(a);
    return rc;
}

/* ---- its rows ------------------------------------------------------------------------ */

/* Bound to the import and the line. */
static struct auth_place row_place(const struct import *im, const char *what, int64_t line,
                                   struct arena *a)
{
    return (struct auth_place){
        SV("core.import_row"), arena_printf(a, "%s/%lld", what, (long long)im->id), line};
}

static sv cells_text(const struct import_line *row, struct arena *a)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_arr(&w);
    for (unsigned i = 0; i < row->n; i++)
        jsonw_sv(&w, row->cells[i]);
    jsonw_end_arr(&w);
    return buf_view(&b);
}

sv import_errors(const struct err *e, struct arena *a)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    if (!err_is(e)) return SV_NULL;
    jsonw_arr(&w);
    for (unsigned i = 0; i < e->n_fields || i == 0; i++) {
        bool field = i < e->n_fields;
        const char *const *args = field ? e->fields[i].args : e->args;
        jsonw_obj(&w);
        jsonw_kv_str(&w, "f", field ? e->fields[i].field : "");
        jsonw_kv_str(&w, "c", field ? e->fields[i].code : e->code);
        jsonw_key(&w, SV("a"));
        jsonw_arr(&w);
        for (unsigned k = 0; k < ERR_MAX_ARGS && args[k]; k++)
            jsonw_cstr(&w, args[k]);
        jsonw_end_arr(&w);
        jsonw_end_obj(&w);
    }
    jsonw_end_arr(&w);
    return buf_view(&b);
}

/* Values of one row of the table; `blank`: without its cells. Complaints quote cells. */
static int row_values(const struct import *im, const struct import_line *row, bool blank,
                      int64_t record, struct arena *a, struct store_val v[6], struct err *err)
{
    struct auth_place cells = row_place(im, "cells", row->line, a);
    struct auth_place errors = row_place(im, "errors", row->line, a);
    sv text = SV_NULL, complaints;
    if ((!blank && kept_seal(im->tenant, a, &cells, cells_text(row, a), &text, err) < 0) ||
        kept_seal(im->tenant, a, &errors, import_errors(&row->err, a), &complaints, err) < 0)
        return -1;
    v[0] = STORE_I(im->id);
    v[1] = STORE_I(row->line);
    v[2] = STORE_I(row->state);
    v[3] = store_text_or_null(text);
    v[4] = store_text_or_null(complaints);
    v[5] = record ? STORE_I(record) : STORE_N;
    return 0;
}

int import_stage(struct store_conn *c, const struct import *im, struct import_line *const *rows,
                 unsigned n, struct arena *a, struct err *err)
{
    struct store_val *v = ARENA_ARRAY(a, struct store_val, n * 6);
    for (unsigned i = 0; i < n; i++)
        if (row_values(im, rows[i], false, rows[i]->match, a, &v[i * 6], err) < 0) return -1;
    return store_insert(c,
                        SV("INSERT INTO `core_import_row` (`import`,`line`,`state`,`cells`,"
                           "`errors`,`row_id`) VALUES "),
                        SV(""), v, 6, n, NULL, err);
}

struct reader {
    const struct import *im;
    struct arena *a;
    struct import_line *rows;
    unsigned n;
    struct err *err;
};

static int read_row(struct reader *rd, struct import_line *row, const struct store_val *v)
{
    struct auth_place cells_at = row_place(rd->im, "cells", row->line, rd->a);
    struct auth_place errors_at = row_place(rd->im, "errors", row->line, rd->a);
    json_t *cells = NULL;
    sv text, errors;
    if (kept_open(rd->im->tenant, rd->a, &cells_at, text_of(&v[2]), &text, rd->err) < 0 ||
        kept_open(rd->im->tenant, rd->a, &errors_at, text_of(&v[3]), &errors, rd->err) < 0 ||
        (text.n && json_parse(rd->a, text, &cells, rd->err) < 0))
        return -1;
    row->n = (unsigned)json_array_size(cells);
    row->cells = ARENA_ARRAY(rd->a, sv, row->n + 1);
    for (unsigned i = 0; i < row->n; i++) {
        const json_t *cell = json_array_get(cells, i);
        row->cells[i] = sv_make(json_string_value(cell), json_string_length(cell));
    }
    row->errors = errors.n ? arena_sv(rd->a, errors) : SV_NULL;
    return 0;
}

static bool on_row(void *arg, const struct store_val *v, unsigned n_cols)
{
    struct reader *rd = arg;
    struct import_line *row = &rd->rows[rd->n++];
    (void)n_cols;
    *row = (struct import_line){.line = v[0].u.i, .state = (enum import_state)v[1].u.i,
                                .row_id = int_of(&v[4])};
    return read_row(rd, row, v) == 0;
}

int import_rows(struct store_conn *c, struct arena *a, const struct import *im, int64_t after,
                unsigned states, unsigned limit, struct import_line **out, unsigned *n,
                struct err *err)
{
    struct reader rd = {.im = im, .a = a, .err = err};
    struct sql s;
    rd.rows = arena_alloc(a, limit * sizeof *rd.rows);
    sql_start(&s, a);
    sql_text(&s, "SELECT `line`,`state`,`cells`,`errors`,`row_id` FROM `core_import_row` "
                 "WHERE `import`=? AND `line`>?");
    sql_val(&s, STORE_I(im->id));
    sql_val(&s, STORE_I(after));
    if (states != 0xff) {
        const char *comma = " AND `state` IN (";
        for (int i = 0; i < 8; i++) {
            if (!(states >> i & 1)) continue;
            sql_text(&s, comma);
            sql_text(&s, "?");
            sql_val(&s, STORE_I(i));
            comma = ",";
        }
        sql_text(&s, ")");
    }
    sql_text(&s, " ORDER BY `line` LIMIT ?");
    sql_val(&s, STORE_I(limit));
    if (store_run(c, buf_view(&s.text), s.args, s.n, on_row, &rd, err) < 0 || err_is(err)) return -1;
    *out = rd.rows;
    *n = rd.n;
    return 0;
}

int import_settle(struct store_conn *c, const struct import *im, struct import_line *const *rows,
                  unsigned n, struct arena *a, struct err *err)
{
    /* One statement: INSERT ... ON DUPLICATE KEY UPDATE writes many different rows at once. */
    struct store_val *v = ARENA_ARRAY(a, struct store_val, n * 6);
    for (unsigned i = 0; i < n; i++) {
        bool done = DONE_BITS >> rows[i]->state & 1;
        if (row_values(im, rows[i], done, rows[i]->row_id, a, &v[i * 6], err) < 0) return -1;
    }
    if (!n) return 0;
    return store_insert(c,
                        SV("INSERT INTO `core_import_row` (`import`,`line`,`state`,`cells`,"
                           "`errors`,`row_id`) VALUES "),
                        SV(" ON DUPLICATE KEY UPDATE `state`=VALUES(`state`),"
                           "`cells`=VALUES(`cells`),`errors`=VALUES(`errors`),"
                           "`row_id`=VALUES(`row_id`)"),
                        v, 6, n, NULL, err);
}

int import_clear(struct store_conn *c, int64_t import, unsigned states, struct err *err)
{
    for (int i = 0; i < 8; i++) {
        uint64_t n = states >> i & 1;
        struct store_val args[] = {STORE_I(import), STORE_I(i), STORE_I(CLEAR_AT_ONCE)};
        while (n > 0)
            if (store_exec(c,
                           SV("DELETE FROM `core_import_row` WHERE `import`=? AND `state`=? "
                              "LIMIT ?"),
                           args, 3, &n, err) < 0)
                return -1;
    }
    return 0;
}

/* ---- old ones ------------------------------------------------------------------------ */

#define KEEP_US (INT64_C(7) * 86400 * 1000000)
#define SWEEP_AT_ONCE 100

struct old {
    int64_t id[SWEEP_AT_ONCE];
    char path[SWEEP_AT_ONCE][40];
    unsigned n;
};

static bool on_old(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct old *o = arg;
    (void)n_cols;
    o->id[o->n] = row[0].u.i;
    snprintf(o->path[o->n++], sizeof o->path[0], "%.*s", SVARG(text_of(&row[1])));
    return o->n < SWEEP_AT_ONCE;
}

int import_sweep(struct store_conn *c, struct err *err)
{
    struct old o = {.n = 0};
    struct arena *a = arena_new(0);
    struct store_val args[] = {STORE_T(clock_now_us() - KEEP_US), STORE_I(SWEEP_AT_ONCE)};
    int rc = store_run(c,
                       SV("SELECT `id`,`path` FROM `core_import` WHERE `updated_at`<? AND "
                          "`path` IS NOT NULL LIMIT ?"),
                       args, 2, on_old, &o, err);
    const char *dir = rc == 0 && o.n ? state_subdir(a, "imports", err) : NULL;
    for (unsigned i = 0; rc == 0 && dir && i < o.n; i++) {
        struct store_val id[] = {STORE_I(o.id[i])};
        rc = import_clear(c, o.id[i], 0xff, err);
        unlink(arena_printf(a, "%s/%s", dir, o.path[i]).p);
        if (rc == 0)
            rc = store_exec(c, SV("UPDATE `core_import` SET `path`=NULL WHERE `id`=?"), id, 1, NULL,
                            err);
    }
    arena_free(a);
    return rc;
}
