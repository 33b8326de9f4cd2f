/* A record's history as somebody may see it: what he may not read of the record
 * he does not read of its past either, not even that there was something. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_ITEMS 200

struct reader {
    const struct model_policy *p;
    struct model_ctx *c;
    int64_t id;
    struct arena *a;
    struct jsonw w;
    unsigned n, limit;
    int64_t last; /* id of the last line shown */
    bool more;
};

static bool custom_readable(const struct model_policy *p, sv field)
{
    sv name = sv_make(field.p + 7, field.n - 7);
    const struct model_col *c = p->custom;
    if (!c || !colset_has(&p->readable, c->at)) return false;
    for (unsigned i = 0; i < c->n_hide; i++)
        if (sv_eq(c->hide[i], name)) return false;
    return true;
}

static bool readable(const struct model_policy *p, const char *field)
{
    if (field && sv_starts(sv_of(field), SV("custom."))) return custom_readable(p, sv_of(field));
    const struct model_col *c = field ? col_find(p->res, sv_of(field)) : NULL;
    const struct model_child *k = field && !c ? kid_find(p->res, sv_of(field)) : NULL;
    return (c && colset_has(&p->readable, c->at)) || (k && colset_has(&p->readable, k->at));
}

/* The rows of a children field without what the caller may not see of them. */
static json_t *readable_rows(struct reader *rd, const struct model_child *k, const json_t *list)
{
    const struct model_policy *p = policy_of_child(k, rd->c->who, rd->a);
    json_t *out = json_keep(rd->a, json_array());
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name;
        json_t *v, *row = json_object();
        json_array_append_new(out, row);
        json_object_foreach(json_array_get(list, i), name, v)
        {
            const struct model_col *c = col_find(k->res, sv_of(name));
            if (c && colset_has(&p->readable, c->at)) json_object_set(row, name, v);
        }
    }
    return out;
}

static void write_change(struct reader *rd, struct jsonw *w, json_t *one)
{
    protect_change(rd->p, rd->c, rd->id, one);
    const char *field = json_string_value(json_object_get(one, "field"));
    const struct model_child *k = kid_find(rd->p->res, sv_of(field));
    if (!k) {
        jsonw_json(w, one);
        return;
    }
    json_t *before = readable_rows(rd, k, json_object_get(one, "before"));
    json_t *after = readable_rows(rd, k, json_object_get(one, "after"));
    if (json_equal(before, after)) return; /* only what is hidden has changed */
    jsonw_obj(w);
    jsonw_kv_str(w, "field", field);
    jsonw_key(w, SV("before"));
    jsonw_json(w, before);
    jsonw_key(w, SV("after"));
    jsonw_json(w, after);
    jsonw_end_obj(w);
}

/* False: there was something, and nothing of it may be seen. */
static bool changes_of(struct reader *rd, sv text, struct buf *out)
{
    json_t *list = NULL;
    struct err none = {0};
    struct jsonw w = jsonw_on(out);
    jsonw_arr(&w);
    if (text.n && json_parse(rd->a, text, &list, &none) < 0) list = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        if (readable(rd->p, json_string_value(json_object_get(one, "field"))))
            write_change(rd, &w, one);
    }
    jsonw_end_arr(&w);
    return out->n > 2 || !json_array_size(list);
}

static bool item(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct reader *rd = arg;
    struct jsonw *w = &rd->w;
    struct buf changes = BUF_IN(rd->a);
    (void)n_cols;
    if (rd->n == rd->limit) {
        rd->more = true;
        return false;
    }
    rd->n++;
    rd->last = row[7].u.i;
    bool seen = changes_of(rd, row[5].type == STORE_TEXT ? row[5].u.s : SV(""), &changes);
    if (!seen && sv_eqs(row[4].u.s, "update")) return true;
    jsonw_obj(w);
    jsonw_kv_id(w, "id", row[7].u.i);
    jsonw_kv_time(w, "at", row[0].u.i);
    jsonw_key(w, SV("who"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "kind", row[1].u.s);
    if (row[2].type == STORE_I64) jsonw_kv_id(w, "id", row[2].u.i);
    jsonw_kv_sv(w, "name", row[3].type == STORE_TEXT ? row[3].u.s : SV_NULL);
    jsonw_end_obj(w);
    jsonw_kv_sv(w, "action", row[4].u.s);
    jsonw_kv_raw(w, "changes", buf_view(&changes));
    if (row[6].type == STORE_I64) jsonw_kv_id(w, "approval", row[6].u.i);
    jsonw_end_obj(w);
    return true;
}

static bool take_row(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return true;
}

/* Who may delete sees rows in the bin too. */
int row_visible(const struct model_policy *p, struct model_ctx *c, struct store_conn *conn,
                int64_t id, bool bin, struct err *err)
{
    bool found = false;
    for (int deleted = 0; deleted <= (bin && p->res->deleted_at && p->can_delete) && !found;
         deleted++) {
        struct sql s;
        sql_start(&s, c->arena);
        buf_printf(&s.text, "SELECT `id` FROM %.*s", SVARG(p->res->ident));
        policy_where(p, c->who, &p->read, deleted, &s);
        sql_text(&s, " AND `id`=?");
        sql_val(&s, STORE_I(id));
        if (store_run(conn, buf_view(&s.text), s.args, s.n, take_row, &found, err) < 0) return -1;
    }
    return found ? 0 : err_set(err, 404, "not_found", NULL);
}

static int read_lines(struct reader *rd, struct store_conn *conn, int64_t id, int64_t after,
                      struct err *err)
{
    struct sql s;
    sql_start(&s, rd->a);
    buf_printf(&s.text,
               "SELECT `at`,`who_kind`,`who`,`who_name`,`action`,`changes`,`approval`,`id` FROM "
               "`%s_history` WHERE `row_id`=?%s ORDER BY `id` DESC LIMIT ?",
               rd->p->res->table, after ? " AND `id`<?" : "");
    sql_val(&s, STORE_I(id));
    if (after) sql_val(&s, STORE_I(after));
    sql_val(&s, STORE_I((int64_t)rd->limit + 1));
    return store_run(conn, buf_view(&s.text), s.args, s.n, item, rd, err);
}

int model_history_page(const struct model_resource *r, struct model_ctx *c, int64_t id, sv after,
                       unsigned limit, struct buf *out, struct err *err)
{
    int64_t from = 0;
    const struct model_policy *p = policy_of(r, c->who, c->arena, err);
    if (!p) return -1;
    if (!p->can_read) return policy_refuse(c->who, err);
    if (!has_trait(r, MF_AUDITED)) return err_set(err, 404, "not_found", NULL);
    if (after.n && (!sv_i64(after, &from) || from <= 0))
        return err_set(err, 400, "bad_cursor", NULL);
    struct store_conn *conn;
    if (conn_enter(c, &conn, err) < 0) return -1;
    struct reader rd = {.p = p, .c = c, .id = id, .a = c->arena, .w = jsonw_on(out), .limit = limit};
    size_t at = out->n;
    int rc = row_visible(p, c, conn, id, true, err);
    if (rc == 0) {
        jsonw_obj(&rd.w);
        jsonw_key(&rd.w, SV("items"));
        jsonw_arr(&rd.w);
        rc = read_lines(&rd, conn, id, from, err);
        jsonw_end_arr(&rd.w);
        jsonw_key(&rd.w, SV("next"));
        if (rd.more)
            jsonw_id(&rd.w, rd.last);
        else
            jsonw_null(&rd.w);
        jsonw_end_obj(&rd.w);
    }
    if (rc < 0) out->n = at;
    conn_leave(c, conn);
    return rc;
}

int model_history(const struct model_resource *r, struct model_ctx *c, int64_t id, struct buf *out,
                  struct err *err)
{
    return model_history_page(r, c, id, SV_NULL, MAX_ITEMS, out, err);
}
