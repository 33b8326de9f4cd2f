/* Create, update, delete, restore. */
#define LOG_ROOM "model"
#include "model/custom.h"

static int start(struct write *w, const struct model_resource *r, struct model_ctx *c,
                 const char *action, const char *event, struct err *err)
{
    *w = (struct write){.r = r, .c = c, .action = action, .event = event, .version = -1};
    w->p = policy_of(r, c->who, c->arena, err);
    return w->p ? 0 : -1;
}

/* A sensitive operation asks who it is once more; that he may do it at all is
 * clear by then. */
static int may(struct write *w, bool allowed, struct err *err)
{
    if (!allowed) return policy_refuse(w->c->who, err);
    return sensitive_check(w->r, w->c, w->action, err);
}

/* The caller's body stays as it is: after a deadlock everything starts anew. */
static json_t *own_body(struct write *w)
{
    return json_keep(w->a, json_deep_copy((json_t *)(uintptr_t)w->body));
}

/* ---- create ----------------------------------------------------------------------- */

static int sequences(struct write *w, struct err *err)
{
    for (size_t i = 0; i < w->r->mf->n_fields; i++) {
        const struct mf_field *f = &w->r->mf->fields[i];
        json_t *v = NULL;
        if (f->type != MF_SEQUENCE) continue;
        json_t *early = json_object_get(w->numbers, f->name);
        if (early) {
            json_object_set(w->after, f->name, early);
            continue;
        }
        if (sequence_next(w, f, &v, err) < 0) return -1;
        json_object_set_new(w->after, f->name, v);
    }
    return 0;
}

static int create(struct write *w, struct err *err)
{
    json_t *body = own_body(w);
    bool changed = false;
    w->id = id_next();
    if (merge_check(w, body, err) < 0) return -1;
    w->after = merge_row(w, body);
    if (custom_merge(w, body, err) < 0 || write_derive(w, err) < 0 ||
        validate_write(w, body, true, err) < 0 ||
        write_refs(w, w->r, NULL, NULL, w->after, "", err) < 0 || write_children_refs(w, err) < 0)
        return -1;
    int asked = approval_gate(w, "create", err);
    if (asked != 0) return asked < 0 ? -1 : 0;
    if (write_hooks(w, err) < 0 || sequences(w, err) < 0 ||
        write_insert(w, w->r, w->id, w->after, "", err) < 0 || write_children(w, &changed, err) < 0)
        return -1;
    return write_done(w, err);
}

int model_create(const struct model_resource *r, struct model_ctx *c, json_t *body, int64_t *id,
                 struct err *err)
{
    struct write w;
    if (start(&w, r, c, "create", "created", err) < 0) return -1;
    if (may(&w, w.p->can_create, err) < 0) return -1;
    w.body = body;
    if (sequence_early(&w, err) < 0 || write_run(&w, create, err) < 0) return -1;
    *id = c->approval ? 0 : w.id;
    return 0;
}

/* ---- update ----------------------------------------------------------------------- */

static int update(struct write *w, struct err *err)
{
    json_t *body = own_body(w);
    bool children = false, changed = false;
    if (write_lock(w, &w->p->update, false, err) < 0 || write_load_children(w, err) < 0 ||
        merge_check(w, body, err) < 0)
        return -1;
    w->after = merge_row(w, body);
    if (custom_merge(w, body, err) < 0 || write_derive(w, err) < 0 ||
        validate_write(w, body, false, err) < 0 ||
        write_refs(w, w->r, NULL, w->before, w->after, "", err) < 0 ||
        write_children_refs(w, err) < 0)
        return -1;
    int asked = approval_gate(w, "update", err);
    if (asked != 0) return asked < 0 ? -1 : 0;
    if (write_hooks(w, err) < 0 || write_children(w, &children, err) < 0 ||
        write_update(w, w->r, w->id, w->before, w->after, children, "", &changed, err) < 0)
        return -1;
    w->quiet = !changed;
    return write_done(w, err);
}

int model_update(const struct model_resource *r, struct model_ctx *c, int64_t id, int64_t version,
                 json_t *body, struct err *err)
{
    struct write w;
    if (start(&w, r, c, "update", "updated", err) < 0) return -1;
    if (may(&w, w.p->can_update, err) < 0) return -1;
    w.body = body;
    w.id = id;
    w.version = version;
    return write_run(&w, update, err);
}

/* ---- delete and restore ----------------------------------------------------------- */

static int bury(struct write *w, bool deleted, struct err *err)
{
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "UPDATE %.*s SET `deleted_at`=?,`live`=?,`updated_at`=?%s WHERE `id`=?",
               SVARG(w->r->ident), w->r->version ? ",`version`=`version`+1" : "");
    sql_val(&s, deleted ? STORE_T(w->now) : STORE_N);
    sql_val(&s, deleted ? STORE_N : STORE_I(1));
    sql_val(&s, STORE_T(w->now));
    sql_val(&s, STORE_I(w->id));
    if (store_exec(w->conn, buf_view(&s.text), s.args, s.n, NULL, err) < 0)
        return write_failed(w, w->r, "", err);
    return 0;
}

/* Plugins' checks are about what a row will be; the core's own also about whether
 * it may go. */
static int core_check(struct write *w, const char *event, struct err *err)
{
    return core_resource(w->r->mf) ? write_hook(w, w->r->mf->check_hook, event, err) : 0;
}

static int erase(struct write *w, struct err *err)
{
    if (write_lock(w, &w->p->del, false, err) < 0) return -1;
    int asked = approval_gate(w, "delete", err);
    if (asked != 0) return asked < 0 ? -1 : 0;
    if (core_check(w, "delete", err) < 0 || write_going(w, err) < 0) return -1;
    if (!w->r->deleted_at) {
        if (write_remove(w, w->r, w->id, 0, err) < 0) return -1;
    } else if (write_unused(w, w->r, w->id, true, err) < 0 || bury(w, true, err) < 0) {
        return -1;
    }
    return write_done(w, err);
}

int delete_versioned(const struct model_resource *r, struct model_ctx *c, int64_t id,
                     int64_t version, struct err *err)
{
    struct write w;
    if (start(&w, r, c, "delete", "deleted", err) < 0) return -1;
    if (may(&w, w.p->can_delete, err) < 0) return -1;
    w.id = id;
    w.version = version;
    return write_run(&w, erase, err);
}

int model_delete(const struct model_resource *r, struct model_ctx *c, int64_t id, struct err *err)
{
    return delete_versioned(r, c, id, -1, err);
}

static int unbury(struct write *w, struct err *err)
{
    if (write_lock(w, &w->p->del, true, err) < 0) return -1;
    /* What it refers to may be gone by now. */
    w->after = w->before;
    if (core_check(w, "restore", err) < 0) return -1;
    if (write_refs(w, w->r, NULL, NULL, w->after, "", err) < 0 || bury(w, false, err) < 0)
        return -1;
    return write_done(w, err);
}

int model_restore(const struct model_resource *r, struct model_ctx *c, int64_t id, struct err *err)
{
    struct write w;
    if (!r->deleted_at) return err_set(err, 404, "not_found", NULL);
    if (start(&w, r, c, "restore", "restored", err) < 0) return -1;
    if (!w.p->can_delete) return policy_refuse(c->who, err);
    w.id = id;
    return write_run(&w, unbury, err);
}
