/* What comments and attachments have in common: whose they are, who may, what
 * becomes of them with their record. A record in the bin takes them along without
 * a write, since they are only ever reached through it. */
#define LOG_ROOM "model"
#include "model/notes.h"

static const char *const names[] = {"anon", "staff", "member", "key", "system", "partner"};

static const char *author_kind(const struct auth_principal *who)
{
    return (size_t)who->kind < sizeof names / sizeof *names ? names[who->kind] : "system";
}

const struct model_resource *notes_kept(const struct model_resource *r, uint32_t trait)
{
    if (!has_trait(r, trait) || r->parent) return NULL;
    return model_find(r->model, trait == MF_COMMENTS ? SV("core.comment") : SV("core.attachment"));
}

const struct model_policy *notes_policy(const struct model_resource *r, struct model_ctx *c,
                                        uint32_t trait, const struct model_resource **kept,
                                        struct err *err)
{
    const struct model_policy *p = policy_of(r, c->who, c->arena, err);
    if (!p) return NULL;
    if (c->who->kind == AUTH_ANON || !p->can_read) {
        policy_refuse(c->who, err);
        return NULL;
    }
    *kept = notes_kept(r, trait);
    if (*kept) return p;
    err_set(err, 404, "not_found", NULL);
    return NULL;
}

/* ---- writing ---------------------------------------------------------------------- */

int noting_start(struct noting *n, struct post *p, uint32_t trait, const char *action,
                 const char *event, struct err *err)
{
    *n = (struct noting){.w = {.r = p->r,
                               .c = &p->c,
                               .a = p->c.arena,
                               .action = action,
                               .event = event,
                               .id = p->id,
                               .version = -1,
                               .body = p->body},
                         .note = p->note};
    n->w.p = notes_policy(p->r, &p->c, trait, &n->kept, err);
    return n->w.p ? 0 : -1;
}

static bool take_any(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return true;
}

int noting_hold(struct noting *n, struct err *err)
{
    struct write *w = &n->w;
    bool found = false;
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "SELECT 1 FROM %.*s", SVARG(w->r->ident));
    policy_where(w->p, w->c->who, &w->p->read, false, &s);
    sql_text(&s, " AND `id`=? LOCK IN SHARE MODE");
    sql_val(&s, STORE_I(w->id));
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, take_any, &found, err) < 0) return -1;
    return found ? 0 : err_set(err, 404, "not_found", NULL);
}

json_t *noting_row(struct noting *n)
{
    const struct auth_principal *who = n->w.c->who;
    json_t *row = json_keep(n->w.a, json_object());
    json_object_set_new(row, "resource", json_stringn(n->w.r->name.p, n->w.r->name.n));
    json_object_set_new(row, "row_id", json_integer((json_int_t)n->w.id));
    json_object_set_new(row, "author_kind", json_string(author_kind(who)));
    if (who->id) json_object_set_new(row, "author", json_integer((json_int_t)who->id));
    if (who->name.n)
        json_object_set_new(row, "author_name", json_stringn(who->name.p, who->name.n));
    return row;
}

/* Numbers that readers of JSON could not hold are text in a row. */
static int64_t number(const json_t *row, const char *name)
{
    const json_t *v = json_object_get(row, name);
    int64_t n = 0;
    if (json_is_integer(v)) return json_integer_value(v);
    return json_is_string(v) && sv_i64(sv_of(json_string_value(v)), &n) ? n : 0;
}

json_t *noting_lock(struct noting *n, struct err *err)
{
    struct write k = n->w;
    struct err none = {0};
    k.r = n->kept;
    k.p = policy_of(n->kept, &auth_system, k.a, &none);
    k.id = n->note;
    if (write_lock(&k, &k.p->update, false, err) < 0) return NULL;
    bool here = sv_eq(json_get_sv(k.before, "resource"), n->w.r->name) &&
                number(k.before, "row_id") == n->w.id;
    if (here) return k.before;
    err_set(err, 404, "not_found", NULL);
    return NULL;
}

bool note_mine(const struct auth_principal *who, const json_t *row)
{
    return sv_eqs(json_get_sv(row, "author_kind"), author_kind(who)) && who->id &&
           number(row, "author") == who->id;
}

void noting_tell(struct noting *n, const json_t *row)
{
    struct write *w = &n->w;
    struct buf b = BUF_IN(w->a);
    struct jsonw jw = jsonw_on(&b);
    jsonw_obj(&jw);
    jsonw_kv_id(&jw, "id", w->id);
    jsonw_kv_id(&jw, "note", n->note);
    static const char *const told[] = {"text", "mentions", "files", "file"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const json_t *v = json_object_get(row, told[i]);
        if (!v || json_is_null(v)) continue;
        jsonw_key(&jw, sv_of(told[i]));
        jsonw_json(&jw, v);
    }
    jsonw_end_obj(&jw);
    sv detail = arena_printf(w->a, "{\"%s\":\"%lld\"}", n->kept->mf->name, (long long)n->note);
    write_tell_detail(w, detail, buf_view(&b));
}

/* ---- reading ---------------------------------------------------------------------- */

int notes_read(const struct model_resource *r, const struct model_resource *kept,
               struct store_conn *conn, int64_t id, sv after, unsigned limit, struct arena *a,
               struct note_page *out, struct err *err)
{
    int64_t from = 0;
    if (after.n && (!sv_i64(after, &from) || from <= 0))
        return err_set(err, 400, "bad_cursor", NULL);
    struct err none = {0};
    const struct model_policy *all = policy_of(kept, &auth_system, a, &none);
    *out = (struct note_page){.rows = {.a = a, .cols = all->cols, .n_cols = all->n_cols}};
    struct sql s;
    sql_start(&s, a);
    buf_printf(&s.text,
               "SELECT %.*s FROM %.*s WHERE `resource`=? AND `row_id`=?%s ORDER BY `id` DESC "
               "LIMIT ?",
               SVARG(all->columns), SVARG(kept->ident), from ? " AND `id`<?" : "");
    sql_val(&s, STORE_S(r->name));
    sql_val(&s, STORE_I(id));
    if (from) sql_val(&s, STORE_I(from));
    sql_val(&s, STORE_I((int64_t)limit + 1));
    if (store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &out->rows, err) < 0)
        return -1;
    out->more = out->rows.n > limit;
    if (out->more) out->rows.n = limit;
    if (out->rows.n) out->last = note_val(kept, &out->rows, out->rows.n - 1, "id")->u.i;
    return 0;
}

int notes_names(struct store_conn *conn, const struct model_resource *of, const int64_t *ids,
                size_t n, struct rows *out, struct err *err)
{
    static const char *const of_file[] = {"id", "name", "type", "size"};
    bool file = sv_eqs(of->name, "core.file");
    struct arena *a = out->a;
    const struct model_col **cols = ARENA_ARRAY(a, const struct model_col *, 4);
    unsigned n_cols = file ? 4 : 2;
    struct sql s;
    sql_start(&s, a);
    sql_text(&s, "SELECT ");
    for (unsigned i = 0; i < n_cols; i++) {
        cols[i] = col_find(of, sv_of(of_file[i]));
        if (i) buf_chr(&s.text, ',');
        sql_ident(&s, cols[i]);
    }
    out->cols = cols;
    out->n_cols = n_cols;
    out->n = 0;
    if (!n) return 0;
    buf_printf(&s.text, " FROM %.*s WHERE `id` IN ", SVARG(of->ident));
    sql_in_ids(&s, ids, n);
    return store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, out, err);
}

const struct store_val *note_val(const struct model_resource *kept, const struct rows *rows,
                                 size_t i, const char *name)
{
    static const struct store_val none = {.type = STORE_NULL};
    const struct model_col *c = col_find(kept, sv_of(name));
    for (unsigned k = 0; k < rows->n_cols; k++)
        if (rows->cols[k] == c) return &rows_at(rows, i)[k];
    return &none;
}

void note_author(struct jsonw *w, const struct model_resource *kept, const struct rows *rows,
                 size_t i)
{
    const struct store_val *id = note_val(kept, rows, i, "author");
    const struct store_val *name = note_val(kept, rows, i, "author_name");
    jsonw_key(w, SV("author"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "kind", note_val(kept, rows, i, "author_kind")->u.s);
    if (id->type == STORE_I64) jsonw_kv_id(w, "id", id->u.i);
    jsonw_kv_sv(w, "name", name->type == STORE_TEXT ? name->u.s : SV_NULL);
    jsonw_end_obj(w);
}

void note_file(struct jsonw *w, struct arena *a, const struct rows *files, int64_t id)
{
    jsonw_obj(w);
    jsonw_kv_id(w, "id", id);
    for (size_t i = 0; i < files->n; i++) {
        const struct store_val *row = rows_at(files, i);
        if (row[0].u.i != id) continue;
        struct buf url = BUF_IN(a);
        sv name = row[1].type == STORE_TEXT ? row[1].u.s : SV("");
        file_url(&url, id, name);
        jsonw_kv_sv(w, "name", name);
        if (row[2].type == STORE_TEXT) jsonw_kv_sv(w, "type", row[2].u.s);
        if (row[3].type == STORE_I64) jsonw_kv_i64(w, "size", row[3].u.i);
        jsonw_kv_sv(w, "url", buf_view(&url));
        break;
    }
    jsonw_end_obj(w);
}

/* ---- with their record ------------------------------------------------------------ */

bool notes_kept_in(const struct model_resource *r)
{
    return sv_eqs(r->name, "core.comment") || sv_eqs(r->name, "core.attachment");
}

struct places {
    struct arena *a;
    struct place {
        struct place *next;
        sv resource;
        int64_t row;
    } * first;
};

static bool take_place(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct places *p = arg;
    (void)n_cols;
    struct place *one = ARENA_NEW(p->a, struct place);
    *one = (struct place){p->first, arena_sv(p->a, row[0].u.s), row[1].u.i};
    p->first = one;
    return true;
}

static int seen_at(struct model_ctx *c, struct store_conn *conn, const struct model *m,
                   uint32_t trait, const struct place *at, bool *yes, struct err *err)
{
    const struct model_resource *r = model_find(m, at->resource), *kept;
    struct err none = {0};
    if (!r) return 0;
    sv plugin = sv_of(r->mf->manifest->id);
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(c->tenant, plugin)) return 0;
    const struct model_policy *p = notes_policy(r, c, trait, &kept, &none);
    if (!p) return 0;
    if (row_visible(p, c, conn, at->row, false, &none) == 0) {
        *yes = true;
        return 0;
    }
    if (none.status == 404) return 0;
    err_copy(err, &none);
    return -1;
}

int notes_show_file(struct model_ctx *c, struct store_conn *conn, const struct model_referrer *ref,
                    int64_t id, bool *yes, struct err *err)
{
    struct places all = {.a = c->arena};
    struct sql s;
    sql_start(&s, c->arena);
    buf_printf(&s.text, "SELECT DISTINCT `resource`,`row_id` FROM %.*s WHERE ",
               SVARG(ref->res->ident));
    if (ref->col->link.n)
        buf_printf(&s.text, "`id` IN (SELECT `row` FROM %.*s WHERE `value`=?)",
                   SVARG(ref->col->link));
    else
        buf_printf(&s.text, "%.*s=?", SVARG(ref->col->ident));
    sql_val(&s, STORE_I(id));
    if (store_run(conn, buf_view(&s.text), s.args, s.n, take_place, &all, err) < 0) return -1;
    uint32_t trait = sv_eqs(ref->res->name, "core.comment") ? MF_COMMENTS : MF_ATTACHMENTS;
    for (const struct place *at = all.first; at && !*yes; at = at->next)
        if (seen_at(c, conn, ref->res->model, trait, at, yes, err) < 0) return -1;
    return 0;
}

static int remove_from(struct write *w, const struct model_resource *kept, const char *of,
                       int64_t id, unsigned depth, struct err *err)
{
    struct rows found = {.a = w->a, .cols = &kept->id, .n_cols = 1};
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "SELECT `id` FROM %.*s WHERE `resource`=? AND `row_id`=? FOR UPDATE",
               SVARG(kept->ident));
    sql_val(&s, STORE_S(sv_of(of)));
    sql_val(&s, STORE_I(id));
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, rows_collect, &found, err) < 0)
        return -1;
    for (size_t i = 0; i < found.n; i++)
        if (write_remove(w, kept, rows_at(&found, i)->u.i, depth + 1, err) < 0) return -1;
    return 0;
}

int notes_remove(struct write *w, const struct model_resource *r, int64_t id, unsigned depth,
                 struct err *err)
{
    static const uint32_t traits[] = {MF_COMMENTS, MF_ATTACHMENTS};
    for (size_t i = 0; i < 2; i++) {
        const struct model_resource *kept = notes_kept(r, traits[i]);
        if (kept && remove_from(w, kept, r->name.p, id, depth, err) < 0) return -1;
    }
    return 0;
}
