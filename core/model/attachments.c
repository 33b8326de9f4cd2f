/* Files beside a record: who reads it reads them; who may change that row adds and
 * takes them away. */
#define LOG_ROOM "model"
#include "model/notes.h"

#include <stdio.h>

/* ---- writing ---------------------------------------------------------------------- */

/* The record's history tells that there was one, not which: that is the log's. */
static int remember(struct write *w, struct err *err)
{
    struct history_note note = {.changes = SV("[]")};
    return has_trait(w->r, MF_AUDITED) ? history_add(w, &note, err) : 0;
}

static int add(struct write *w, struct err *err)
{
    struct noting *n = (struct noting *)w;
    if (write_lock(w, &w->p->update, false, err) < 0) return -1;
    json_t *row = noting_row(n);
    json_object_set(row, "file", json_object_get(w->body, "file"));
    n->note = id_next();
    if (write_refs(w, n->kept, NULL, NULL, row, "", err) < 0 ||
        write_insert(w, n->kept, n->note, row, "", err) < 0)
        return -1;
    if (remember(w, err) < 0) return -1;
    noting_tell(n, row);
    return 0;
}

static int take_away(struct write *w, struct err *err)
{
    struct noting *n = (struct noting *)w;
    json_t *row;
    if (write_lock(w, &w->p->update, false, err) < 0 || !(row = noting_lock(n, err)) ||
        write_remove(w, n->kept, n->note, 0, err) < 0)
        return -1;
    if (remember(w, err) < 0) return -1;
    noting_tell(n, row);
    return 0;
}

static int start(struct noting *n, struct post *p, const char *action, const char *event,
                 struct err *err)
{
    if (noting_start(n, p, MF_ATTACHMENTS, action, event, err) < 0) return -1;
    if (!n->w.p->can_update) return policy_refuse(p->c.who, err);
    return sensitive_check(p->r, &p->c, "update", err);
}

/* ---- reading ---------------------------------------------------------------------- */

static void attachment(struct jsonw *w, struct arena *a, const struct model_resource *kept,
                       const struct rows *rows, size_t i, const struct rows *files)
{
    jsonw_obj(w);
    jsonw_kv_id(w, "id", note_val(kept, rows, i, "id")->u.i);
    jsonw_key(w, SV("file"));
    note_file(w, a, files, note_val(kept, rows, i, "file")->u.i);
    note_author(w, kept, rows, i);
    jsonw_kv_time(w, "created_at", note_val(kept, rows, i, "created_at")->u.i);
    jsonw_end_obj(w);
}

static int read(const struct model_resource *r, const struct model_resource *kept,
                struct store_conn *conn, int64_t id, sv after, unsigned limit, struct arena *a,
                struct note_page *page, struct rows *files, struct err *err)
{
    if (notes_read(r, kept, conn, id, after, limit, a, page, err) < 0) return -1;
    int64_t *ids = ARENA_ARRAY(a, int64_t, page->rows.n + 1);
    for (size_t i = 0; i < page->rows.n; i++)
        ids[i] = note_val(kept, &page->rows, i, "file")->u.i;
    *files = (struct rows){.a = a};
    return notes_names(conn, col_find(kept, SV("file"))->ref, ids, page->rows.n, files, err);
}

static bool take_may(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return true;
}

/* Is the row among those that the caller may change? */
static int changeable(const struct model_policy *p, struct model_ctx *c, struct store_conn *conn,
                      int64_t id, bool *yes, struct err *err)
{
    struct sql s;
    *yes = false;
    if (!p->can_update) return 0;
    sql_start(&s, c->arena);
    buf_printf(&s.text, "SELECT 1 FROM %.*s", SVARG(p->res->ident));
    policy_where(p, c->who, &p->update, false, &s);
    sql_text(&s, " AND `id`=?");
    sql_val(&s, STORE_I(id));
    return store_run(conn, buf_view(&s.text), s.args, s.n, take_may, yes, err);
}

void attachments_get(struct http_req *req, const struct model_resource *r, int64_t id, sv after,
                     unsigned limit)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *kept;
    struct note_page page;
    struct rows files;
    struct err err = {0};
    struct store_conn *conn;
    bool may = false;
    const struct model_policy *p = notes_policy(r, &c, MF_ATTACHMENTS, &kept, &err);
    if (!p || conn_enter(&c, &conn, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    int rc = row_visible(p, &c, conn, id, false, &err);
    if (rc == 0) rc = read(r, kept, conn, id, after, limit, c.arena, &page, &files, &err);
    if (rc == 0) rc = changeable(p, &c, conn, id, &may, &err);
    conn_leave(&c, conn);
    if (rc < 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_key(&w, SV("items"));
    jsonw_arr(&w);
    for (size_t i = 0; i < page.rows.n; i++)
        attachment(&w, c.arena, kept, &page.rows, i, &files);
    jsonw_end_arr(&w);
    jsonw_key(&w, SV("next"));
    if (page.more)
        jsonw_id(&w, page.last);
    else
        jsonw_null(&w);
    jsonw_kv_bool(&w, "can_change", may);
    jsonw_end_obj(&w);
}

/* ---- answers ---------------------------------------------------------------------- */

int attachment_add(struct post *p, struct err *err)
{
    struct noting n;
    struct note_page page;
    struct rows files;
    struct store_conn *conn;
    char from[24];
    if (start(&n, p, "attach", "attached", err) < 0 ||
        model_validate(n.kept->mf, p->body, true, err) < 0 || write_run(&n.w, add, err) < 0)
        return -1;
    snprintf(from, sizeof from, "%lld", (long long)n.note + 1);
    if (conn_enter(&p->c, &conn, err) < 0) return -1;
    int rc = read(p->r, n.kept, conn, p->id, sv_of(from), 1, p->c.arena, &page, &files, err);
    conn_leave(&p->c, conn);
    struct jsonw w = jsonw_on(http_out(p->req));
    if (rc == 0 && page.rows.n) attachment(&w, p->c.arena, n.kept, &page.rows, 0, &files);
    p->status = 201;
    p->aside = true;
    return rc;
}

int attachment_remove(struct post *p, struct err *err)
{
    struct noting n;
    if (start(&n, p, "detach", "detached", err) < 0 || write_run(&n.w, take_away, err) < 0)
        return -1;
    p->status = 204;
    return 0;
}
