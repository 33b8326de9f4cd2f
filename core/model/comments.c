/* Comments on a record: who reads it reads them and may add one; an author changes
 * and takes back his own, the administrator takes back any. */
#define LOG_ROOM "model"
#include "model/notes.h"

#include <stdio.h>

/* ---- writing ---------------------------------------------------------------------- */

static const char *const said[] = {"text", "mentions", "files"};

/* What the body says, in the one way that it is kept, laid over the row. */
static void lay(const struct model_resource *kept, const json_t *body, json_t *row)
{
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const json_t *v = json_object_get(body, said[i]);
        const struct mf_field *f = mf_field_find(kept->mf, sv_of(said[i]));
        if (v) json_object_set_new(row, said[i], value_normal(f, v));
    }
}

static int add(struct write *w, struct err *err)
{
    struct noting *n = (struct noting *)w;
    if (noting_hold(n, err) < 0) return -1;
    json_t *row = noting_row(n);
    lay(n->kept, w->body, row);
    n->note = id_next();
    if (write_refs(w, n->kept, NULL, NULL, row, "", err) < 0 ||
        write_insert(w, n->kept, n->note, row, "", err) < 0)
        return -1;
    noting_tell(n, row);
    return 0;
}

static int change(struct write *w, struct err *err)
{
    struct noting *n = (struct noting *)w;
    bool changed;
    char now[40];
    json_t *before;
    if (noting_hold(n, err) < 0 || !(before = noting_lock(n, err))) return -1;
    if (!note_mine(w->c->who, before)) return policy_refuse(w->c->who, err);
    json_t *after = json_keep(w->a, json_deep_copy(before));
    lay(n->kept, w->body, after);
    if (json_equal(before, after)) return 0;
    clock_rfc3339(w->now, now);
    json_object_set_new(after, "edited_at", json_string(now));
    if (write_refs(w, n->kept, NULL, before, after, "", err) < 0 ||
        write_update(w, n->kept, n->note, before, after, false, "", &changed, err) < 0)
        return -1;
    noting_tell(n, after);
    return 0;
}

static int take_back(struct write *w, struct err *err)
{
    struct noting *n = (struct noting *)w;
    json_t *row;
    if (noting_hold(n, err) < 0 || !(row = noting_lock(n, err))) return -1;
    if (!note_mine(w->c->who, row) && !w->c->who->admin) return policy_refuse(w->c->who, err);
    if (write_remove(w, n->kept, n->note, 0, err) < 0) return -1;
    noting_tell(n, NULL);
    return 0;
}

/* ---- reading ---------------------------------------------------------------------- */

/* One list for all that a page of comments names. */
struct gathered {
    struct arena *a;
    int64_t *ids;
    size_t n, cap;
};

static json_t *ids_of(struct arena *a, const struct store_val *v)
{
    json_t *list = NULL;
    struct err none = {0};
    if (v->type != STORE_TEXT || json_parse(a, v->u.s, &list, &none) < 0) return NULL;
    return list;
}

static int64_t id_at(const json_t *list, size_t i)
{
    int64_t id = 0;
    const char *s = json_string_value(json_array_get(list, i));
    return s && sv_i64(sv_of(s), &id) ? id : 0;
}

static void gather(struct gathered *g, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (g->n == g->cap) {
            int64_t *more = ARENA_ARRAY(g->a, int64_t, g->cap = g->cap ? g->cap * 2 : 16);
            for (size_t k = 0; k < g->n; k++)
                more[k] = g->ids[k];
            g->ids = more;
        }
        g->ids[g->n++] = id_at(list, i);
    }
}

struct page {
    const struct model_resource *kept;
    const struct auth_principal *who;
    struct arena *a;
    struct note_page notes;
    struct rows staff, files;
};

static int names(struct page *p, struct store_conn *conn, const char *field, struct rows *out,
                 struct err *err)
{
    struct gathered g = {.a = p->a};
    const struct model_col *c = col_find(p->kept, sv_of(field));
    for (size_t i = 0; i < p->notes.rows.n; i++)
        gather(&g, ids_of(p->a, note_val(p->kept, &p->notes.rows, i, field)));
    *out = (struct rows){.a = p->a};
    return notes_names(conn, c->many, g.ids, g.n, out, err);
}

static void mention(struct jsonw *w, const struct rows *staff, int64_t id)
{
    jsonw_obj(w);
    jsonw_kv_id(w, "id", id);
    for (size_t i = 0; i < staff->n; i++)
        if (rows_at(staff, i)[0].u.i == id) jsonw_kv_sv(w, "label", rows_at(staff, i)[1].u.s);
    jsonw_end_obj(w);
}

static bool own(const struct page *p, size_t i)
{
    json_t *row = json_keep(p->a, json_object());
    sv kind = note_val(p->kept, &p->notes.rows, i, "author_kind")->u.s;
    const struct store_val *id = note_val(p->kept, &p->notes.rows, i, "author");
    json_object_set_new(row, "author_kind", json_stringn(kind.p, kind.n));
    if (id->type == STORE_I64)
        json_object_set_new(row, "author", json_integer((json_int_t)id->u.i));
    return note_mine(p->who, row);
}

static void comment(struct page *p, struct jsonw *w, size_t i)
{
    const struct rows *rows = &p->notes.rows;
    const struct store_val *edited = note_val(p->kept, rows, i, "edited_at");
    json_t *mentions = ids_of(p->a, note_val(p->kept, rows, i, "mentions"));
    json_t *files = ids_of(p->a, note_val(p->kept, rows, i, "files"));
    bool mine = own(p, i);
    jsonw_obj(w);
    jsonw_kv_id(w, "id", note_val(p->kept, rows, i, "id")->u.i);
    jsonw_kv_sv(w, "text", note_val(p->kept, rows, i, "text")->u.s);
    note_author(w, p->kept, rows, i);
    jsonw_kv_time(w, "created_at", note_val(p->kept, rows, i, "created_at")->u.i);
    jsonw_key(w, SV("edited_at"));
    if (edited->type == STORE_TIME)
        jsonw_time(w, edited->u.i);
    else
        jsonw_null(w);
    jsonw_key(w, SV("mentions"));
    jsonw_arr(w);
    for (size_t k = 0; k < json_array_size(mentions); k++)
        mention(w, &p->staff, id_at(mentions, k));
    jsonw_end_arr(w);
    jsonw_key(w, SV("files"));
    jsonw_arr(w);
    for (size_t k = 0; k < json_array_size(files); k++)
        note_file(w, p->a, &p->files, id_at(files, k));
    jsonw_end_arr(w);
    jsonw_kv_bool(w, "can_change", mine);
    jsonw_kv_bool(w, "can_remove", mine || p->who->admin);
    jsonw_end_obj(w);
}

/* `after`: the page behind it. */
static int read(struct page *p, const struct model_resource *r, struct store_conn *conn, int64_t id,
                sv after, unsigned limit, struct err *err)
{
    if (notes_read(r, p->kept, conn, id, after, limit, p->a, &p->notes, err) < 0 ||
        names(p, conn, "mentions", &p->staff, err) < 0)
        return -1;
    return names(p, conn, "files", &p->files, err);
}

void comments_get(struct http_req *req, const struct model_resource *r, int64_t id, sv after,
                  unsigned limit)
{
    struct model_ctx c = request_ctx(req);
    struct page p = {.who = c.who, .a = c.arena};
    struct err err = {0};
    struct store_conn *conn;
    const struct model_policy *policy = notes_policy(r, &c, MF_COMMENTS, &p.kept, &err);
    if (!policy || conn_enter(&c, &conn, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    int rc = row_visible(policy, &c, conn, id, false, &err);
    if (rc == 0) rc = read(&p, r, conn, id, after, limit, &err);
    conn_leave(&c, conn);
    if (rc < 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_key(&w, SV("items"));
    jsonw_arr(&w);
    for (size_t i = 0; i < p.notes.rows.n; i++)
        comment(&p, &w, i);
    jsonw_end_arr(&w);
    jsonw_key(&w, SV("next"));
    if (p.notes.more)
        jsonw_id(&w, p.notes.last);
    else
        jsonw_null(&w);
    jsonw_end_obj(&w);
}

/* ---- answers ---------------------------------------------------------------------- */

/* The page that begins with this one, cut to it. */
static int answer(const struct noting *n, struct post *p, struct err *err)
{
    struct page page = {.kept = n->kept, .who = p->c.who, .a = p->c.arena};
    struct store_conn *conn;
    char from[24];
    snprintf(from, sizeof from, "%lld", (long long)n->note + 1);
    if (conn_enter(&p->c, &conn, err) < 0) return -1;
    int rc = read(&page, p->r, conn, p->id, sv_of(from), 1, err);
    conn_leave(&p->c, conn);
    struct jsonw w = jsonw_on(http_out(p->req));
    if (rc == 0 && page.notes.rows.n) comment(&page, &w, 0);
    p->aside = true;
    return rc;
}

static int said_well(const struct noting *n, const json_t *body, bool create, struct err *err)
{
    return model_validate(n->kept->mf, body, create, err);
}

int comment_add(struct post *p, struct err *err)
{
    struct noting n;
    if (noting_start(&n, p, MF_COMMENTS, "comment", "commented", err) < 0 ||
        said_well(&n, p->body, true, err) < 0 || write_run(&n.w, add, err) < 0)
        return -1;
    p->status = 201;
    return answer(&n, p, err);
}

int comment_change(struct post *p, struct err *err)
{
    struct noting n;
    if (noting_start(&n, p, MF_COMMENTS, "comment_change", "comment_changed", err) < 0 ||
        said_well(&n, p->body, false, err) < 0 || write_run(&n.w, change, err) < 0)
        return -1;
    return answer(&n, p, err);
}

int comment_remove(struct post *p, struct err *err)
{
    struct noting n;
    if (noting_start(&n, p, MF_COMMENTS, "comment_remove", "comment_removed", err) < 0 ||
        write_run(&n.w, take_back, err) < 0)
        return -1;
    p->status = 204;
    return 0;
}
