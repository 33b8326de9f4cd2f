/* Taking a row away. References are the engine's rule, not the database's, so
 * that hot writers pay for no foreign keys; the row is locked by then, and
 * whoever adds a reference holds a share lock on it (write_row.c). */
#define LOG_ROOM "model"
#include "model/custom.h"

#define MAX_DEPTH 64 /* of a tree that goes as a whole */

static bool take_id(void *arg, const struct store_val *row, unsigned n_cols)
{
    if (n_cols) *(int64_t *)arg = row[0].u.i;
    return true;
}

static int in_use(struct write *w, const struct model_resource *by, struct err *err)
{
    bool zh = w->c->lang && w->c->lang[0] == 'z';
    const struct mf_title *t = &by->mf->title;
    const char *name = zh ? t->zh : t->en;
    return err_set(err, 409, "in_use", name ? name : by->mf->name, NULL);
}

static int restricted(struct write *w, const struct model_referrer *ref, int64_t id, bool soft,
                      struct err *err)
{
    int64_t found = 0;
    struct sql s;
    sql_start(&s, w->a);
    /* A row in the bin may come back, so it holds on to what it refers to
     * unless that only goes into the bin as well. */
    const char *live = soft && ref->res->deleted_at ? " AND `deleted_at` IS NULL" : "";
    if (ref->col->link.n)
        buf_printf(&s.text,
                   "SELECT `id` FROM %.*s WHERE `id` IN (SELECT `row` FROM %.*s WHERE `value`=?)%s "
                   "LIMIT 1",
                   SVARG(ref->res->ident), SVARG(ref->col->link), live);
    else
        buf_printf(&s.text, "SELECT `id` FROM %.*s WHERE %.*s=?%s LIMIT 1", SVARG(ref->res->ident),
                   SVARG(ref->col->ident), live);
    sql_val(&s, STORE_I(id));
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, take_id, &found, err) < 0) return -1;
    return found ? in_use(w, ref->res, err) : 0;
}

int write_unused(struct write *w, const struct model_resource *r, int64_t id, bool soft,
                 struct err *err)
{
    for (unsigned i = 0; i < r->n_referrers; i++)
        if (r->referrers[i].col->f->on_delete == MF_RESTRICT &&
            restricted(w, &r->referrers[i], id, soft, err) < 0)
            return -1;
    return 0;
}

static int statement(struct write *w, const struct model_referrer *ref, const char *fmt, int64_t id,
                     struct err *err)
{
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, fmt, SVARG(ref->res->ident), SVARG(ref->col->ident),
               SVARG(ref->col->ident));
    sql_val(&s, STORE_I(id));
    return store_exec(w->conn, buf_view(&s.text), s.args, s.n, NULL, err);
}

static int cascade(struct write *w, const struct model_referrer *ref, int64_t id, unsigned depth,
                   struct err *err)
{
    bool noted = has_trait(ref->res, MF_COMMENTS | MF_ATTACHMENTS) || rich_any(ref->res);
    if (!ref->res->n_referrers && !ref->res->linked && !noted &&
        !ref->res->custom)
        return statement(w, ref, "DELETE FROM %.*s WHERE %.*s=?", id, err);
    struct rows found = {.a = w->a, .cols = &ref->res->id, .n_cols = 1};
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "SELECT `id` FROM %.*s WHERE %.*s=? FOR UPDATE", SVARG(ref->res->ident),
               SVARG(ref->col->ident));
    sql_val(&s, STORE_I(id));
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, rows_collect, &found, err) < 0)
        return -1;
    for (size_t i = 0; i < found.n; i++)
        if (write_remove(w, ref->res, rows_at(&found, i)->u.i, depth + 1, err) < 0) return -1;
    return 0;
}

int write_remove(struct write *w, const struct model_resource *r, int64_t id, unsigned depth,
                 struct err *err)
{
    if (depth > MAX_DEPTH) return err_internal(err, "%s: references go too deep", r->name.p);
    if (write_unused(w, r, id, false, err) < 0) return -1;
    for (unsigned i = 0; i < r->n_referrers; i++) {
        const struct model_referrer *ref = &r->referrers[i];
        if (ref->col->f->on_delete == MF_CLEAR && ref->col->link.n) {
            if (links_clear(w, ref->res, ref->col, id, err) < 0) return -1;
            continue;
        }
        if (ref->col->f->on_delete == MF_CLEAR &&
            statement(w, ref, "UPDATE %.*s SET %.*s=NULL WHERE %.*s=?", id, err) < 0)
            return -1;
        if (ref->col->f->on_delete == MF_CASCADE && cascade(w, ref, id, depth, err) < 0) return -1;
    }
    if (links_remove(w, r, id, err) < 0 || custom_remove(w, r, id, err) < 0 ||
        notes_remove(w, r, id, depth, err) < 0 || rich_remove(w, r, id, err) < 0)
        return -1;
    if (has_trait(r, MF_TREE) && tree_remove(w, r, id, err) < 0) return -1;
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "DELETE FROM %.*s WHERE `id`=?", SVARG(r->ident));
    sql_val(&s, STORE_I(id));
    return store_exec(w->conn, buf_view(&s.text), s.args, s.n, NULL, err);
}
