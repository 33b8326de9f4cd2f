/* Pictures and files inside rich text: addresses such as "/files/<id>/a.png" of its
 * elements are references as those of a file field are. Who writes them must see
 * the file, and who reads the field of the row reads it. */
#define LOG_ROOM "model"
#include "model/internal.h"

/* ---- what a text refers to -------------------------------------------------------- */

static sv after(sv text, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= text.n; i++)
        if (memcmp(text.p + i, what, n) == 0) return sv_make(text.p + i + n, text.n - i - n);
    return SV_NULL;
}

/* The id in an address of our own; 0: it is none. */
static int64_t file_of(sv address)
{
    if (!sv_starts(address, SV("/")) || sv_starts(address, SV("//"))) return 0;
    sv rest = after(address, "/files/"), digits = rest;
    int64_t id = 0;
    for (digits.n = 0; digits.n < rest.n && rest.p[digits.n] >= '0' && rest.p[digits.n] <= '9';)
        digits.n++;
    return rest.p && sv_i64(digits, &id) ? id : 0;
}

static void collect(sv html, const char *attribute, struct rich_ids *out, struct arena *a)
{
    for (sv rest = after(html, attribute); rest.p; rest = after(rest, attribute)) {
        sv left;
        int64_t id = file_of(sv_cut(rest, '"', &left));
        for (size_t i = 0; i < out->n; i++)
            if (out->v[i] == id) id = 0;
        if (!id) continue;
        if (out->n == out->cap) {
            int64_t *more = ARENA_ARRAY(a, int64_t, out->cap = out->cap ? out->cap * 2 : 8);
            for (size_t i = 0; i < out->n; i++)
                more[i] = out->v[i];
            out->v = more;
        }
        out->v[out->n++] = id;
    }
}

/* Text is escaped by the sanitiser, so quotes stand in tags alone. */
struct rich_ids rich_ids(sv html, struct arena *a)
{
    struct rich_ids out = {0};
    if (!after(html, "/files/").p) return out;
    collect(html, " src=\"", &out, a);
    collect(html, " href=\"", &out, a);
    return out;
}

static bool holds(const struct rich_ids *ids, int64_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->v[i] == id) return true;
    return false;
}

static struct rich_ids ids_of(const json_t *row, const struct model_col *c, struct arena *a)
{
    return rich_ids(row ? json_get_sv(row, c->f->name) : SV_NULL, a);
}

bool rich_any(const struct model_resource *r)
{
    for (unsigned i = 0; i < r->n_cols; i++)
        if (r->cols[i].f->type == MF_RICHTEXT) return true;
    return false;
}

/* ---- writing ---------------------------------------------------------------------- */

int rich_check(struct write *w, const struct model_resource *r, const json_t *before,
               const json_t *row, const char *prefix, struct err *err)
{
    if (strcmp(w->action, "restore") == 0) return 0;
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (c->f->type != MF_RICHTEXT) continue;
        struct rich_ids old = ids_of(before, c, w->a), new = ids_of(row, c, w->a);
        for (size_t k = 0; k < new.n; k++) {
            char path[MODEL_PATH];
            struct err failed = {0};
            bool yes = holds(&old, new.v[k]);
            if (!yes && file_allowed(w->c, w->conn, new.v[k], &yes, &failed) < 0) {
                err_copy(err, &failed);
                return -1;
            }
            if (!yes)
                return err_field(err, path_join(path, prefix, c->f->name), "ref_not_found", NULL);
        }
    }
    return 0;
}

static int forget(struct write *w, const struct model_resource *kept,
                  const struct model_resource *r, int64_t id, const struct model_col *c,
                  struct err *err)
{
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "DELETE FROM %.*s WHERE `resource`=? AND `row_id`=?%s", SVARG(kept->ident),
               c ? " AND `field`=?" : "");
    sql_val(&s, STORE_S(r->name));
    sql_val(&s, STORE_I(id));
    if (c) sql_val(&s, STORE_S(c->name));
    return store_exec(w->conn, buf_view(&s.text), s.args, s.n, NULL, err);
}

static int remember(struct write *w, const struct model_resource *kept,
                    const struct model_resource *r, int64_t id, const struct model_col *c,
                    const struct rich_ids *ids, struct err *err)
{
    for (size_t i = 0; i < ids->n; i++) {
        struct store_val args[] = {STORE_I(id_next()), STORE_T(w->now), STORE_T(w->now),
                                   STORE_S(r->name),   STORE_I(id),     STORE_S(c->name),
                                   STORE_I(ids->v[i])};
        if (store_exec(w->conn,
                       arena_printf(w->a,
                                    "INSERT INTO %.*s (`id`,`created_at`,`updated_at`,`resource`,"
                                    "`row_id`,`field`,`file`) VALUES (?,?,?,?,?,?,?)",
                                    SVARG(kept->ident)),
                       args, 7, NULL, err) < 0)
            return -1;
    }
    return 0;
}

static const struct model_resource *kept_in(const struct model_resource *r)
{
    return rich_any(r) ? model_find(r->model, SV("core.rich_file")) : NULL;
}

int rich_write(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
               const json_t *row, struct err *err)
{
    const struct model_resource *kept = kept_in(r);
    for (unsigned i = 0; kept && i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (c->f->type != MF_RICHTEXT) continue;
        struct rich_ids old = ids_of(before, c, w->a), new = ids_of(row, c, w->a);
        if (!old.n && !new.n) continue;
        if (before && forget(w, kept, r, id, c, err) < 0) return -1;
        if (remember(w, kept, r, id, c, &new, err) < 0) return -1;
    }
    return 0;
}

int rich_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err)
{
    const struct model_resource *kept = kept_in(r);
    return kept ? forget(w, kept, r, id, NULL, err) : 0;
}

/* ---- reading ---------------------------------------------------------------------- */

struct places {
    struct arena *a;
    struct place {
        struct place *next;
        sv resource, field;
        int64_t row;
    } * first;
};

static bool take_place(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct places *p = arg;
    (void)n_cols;
    struct place *one = ARENA_NEW(p->a, struct place);
    *one = (struct place){p->first, arena_sv(p->a, row[0].u.s), arena_sv(p->a, row[2].u.s),
                          row[1].u.i};
    p->first = one;
    return true;
}

static int seen_at(struct model_ctx *c, struct store_conn *conn, const struct model *m,
                   const struct place *at, bool *yes, struct err *err)
{
    const struct model_resource *r = model_find(m, at->resource);
    const struct model_col *col = r ? col_find(r, at->field) : NULL;
    struct err none = {0};
    if (!col) return 0;
    sv plugin = sv_of(r->mf->manifest->id);
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(c->tenant, plugin)) return 0;
    const struct model_policy *p = policy_of(r, c->who, c->arena, &none);
    if (!p || !p->can_read || !colset_has(&p->readable, col->at)) return 0;
    if (row_visible(p, c, conn, at->row, false, &none) == 0) {
        *yes = true;
        return 0;
    }
    if (none.status == 404) return 0;
    err_copy(err, &none);
    return -1;
}

int rich_show_file(struct model_ctx *c, struct store_conn *conn, const struct model *m, int64_t id,
                   bool *yes, struct err *err)
{
    struct places all = {.a = c->arena};
    struct store_val args[] = {STORE_I(id)};
    if (store_run(conn,
                  SV("SELECT DISTINCT `resource`,`row_id`,`field` FROM `core_rich_file` WHERE "
                     "`file`=?"),
                  args, 1, take_place, &all, err) < 0)
        return -1;
    for (const struct place *at = all.first; at && !*yes; at = at->next)
        if (seen_at(c, conn, m, at, yes, err) < 0) return -1;
    return 0;
}
