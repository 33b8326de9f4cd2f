/* The frame of every write: transaction, lock, hook, history, and after the
 * commit the audit line and the event. */
#define LOG_ROOM "model"
#include "model/batch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What is due after a commit. */
struct model_done {
    struct model_done *next;
    const struct auth_principal *who;
    const struct model_resource *r;
    const char *action, *event;
    int64_t id;
    sv row;
    sv detail;        /* of the log's line */
    bool audit;       /* also of a resource that is not audited as such */
    const struct auth_hat *behalf;
    const char *gone; /* bytes of a deleted file, or NULL */
};

static void drop_json(void *v)
{
    json_decref(v);
}

json_t *json_keep(struct arena *a, json_t *v)
{
    if (!v) panic("model: out of memory for JSON");
    arena_on_free(a, drop_json, v);
    return v;
}

/* ---- transaction ------------------------------------------------------------------ */

struct attempt {
    struct write *w;
    int (*fn)(struct write *w, struct err *err);
};

static int run_attempt(void *arg, struct store_conn *conn, struct err *err)
{
    struct attempt *t = arg;
    t->w->conn = conn;
    t->w->before = t->w->after = NULL;
    t->w->done = NULL;
    t->w->quiet = false;
    t->w->c->approval = 0;
    return t->fn(t->w, err);
}

/* Sessions remember who somebody is and what he may do. */
static bool about_people(const struct model_resource *r)
{
    static const char *const names[] = {
        "core.staff",      "core.staff_role", "core.role",   "core.dept",    "core.post",
        "core.post_role",  "core.partner",    "core.partner_role",           "core.staff_post",
        "core.delegation", "core.member",     "core.api_key", "core.device"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (sv_eqs(r->name, names[i])) return true;
    return false;
}

static void send(struct model_ctx *c, const struct model_done *d)
{
    struct arena *a = c->arena;
    const struct model_resource *r = d->r;
    if (about_people(r)) auth_forget(c->tenant);
    if ((has_trait(r, MF_AUDITED) && !c->one_line) || d->audit) {
        sv target = arena_printf(a, "%.*s/%lld", SVARG(r->name), (long long)d->id);
        auth_audit(c->tenant, d->who, c->req,
                   &(struct auth_audit){.action = d->action,
                                        .target = target,
                                        .detail = d->detail,
                                        .ok = true,
                                        .on_behalf = d->behalf ? d->behalf->id : 0});
    }
    if (d->gone && unlink(d->gone) != 0) log_warn("cannot remove %s: %s", d->gone, strerror(errno));
    const struct model_outbox *o = &r->model->outbox;
    if (o->committed) o->committed(o->arg, c->tenant, r->name);
    const struct model_hooks *h = &r->model->hooks;
    if (h->event)
        h->event(h->arg, c->tenant, arena_printf(a, "%.*s.%s", SVARG(r->name), d->event), d->id,
                 d->row);
}

void model_committed(struct model_ctx *c)
{
    struct model_done *d = c->done;
    c->done = NULL;
    for (; d; d = d->next)
        send(c, d);
}

static void append(struct model_done **list, struct model_done *more)
{
    while (*list)
        list = &(*list)->next;
    *list = more;
}

struct model_done *done_join(struct model_done *first, struct model_done *more)
{
    append(&first, more);
    return first;
}

int write_run(struct write *w, int (*fn)(struct write *w, struct err *err), struct err *err)
{
    struct model_ctx *c = w->c;
    struct attempt t = {w, fn};
    w->a = c->arena;
    w->now = clock_now_us();
    if (c->conn) {
        if (run_attempt(&t, c->conn, err) < 0) return -1;
    } else {
        struct store_conn *conn;
        if (store_get(c->tenant->db, &conn, err) < 0) return -1;
        int rc = store_tx(conn, run_attempt, &t, err);
        store_put(conn);
        if (rc < 0) return -1;
    }
    append(&c->done, w->done);
    if (!c->conn) model_committed(c);
    return 0;
}

/* ---- the row as it is ------------------------------------------------------------- */

static json_t *row_json(struct write *w, const struct rows *rows, size_t i, unsigned n,
                        struct err *err)
{
    struct buf b = BUF_IN(w->a);
    json_t *v = NULL;
    row_fields(&b, rows->cols, n, rows_at(rows, i));
    b.p[0] = '{';
    buf_chr(&b, '}');
    if (json_parse(w->a, buf_view(&b), &v, err) < 0) {
        err_clear(err);
        err_internal(err, "%s: a stored row is not JSON", w->r->name.p);
        return NULL;
    }
    return v;
}

static const struct model_policy *whole(struct write *w, const struct model_resource *r)
{
    struct err none = {0};
    return policy_of(r, &auth_system, w->a, &none);
}

static int wrong_version(const struct write *w, struct err *err)
{
    if (w->c->agreed && approval_fresh((struct write *)(uintptr_t)w, err) < 0) return -1;
    if (w->version < 0 || !w->r->version) return 0;
    int64_t have = json_integer_value(json_object_get(w->before, "version"));
    return have == w->version ? 0 : err_set(err, 409, "version_conflict", NULL);
}

static void condition(const struct frag *f, const struct auth_principal *who, struct sql *s)
{
    if (f->text.p)
        frag_render(f, who, s);
    else
        sql_text(s, "1");
}

/* Of the rows of an action, those that are the caller's by himself. */
static const struct frag *own_rows(const struct model_policy *p, const struct frag *rows)
{
    static const struct frag any;
    return !p->hats ? &any : rows == &p->update ? &p->own_update : rows == &p->del ? &p->own_del : &any;
}

int write_lock_all(struct write *w, const struct frag *rows, bool deleted, const int64_t *ids,
                   size_t n, struct rows *found, struct err *err)
{
    const struct model_policy *all = whole(w, w->r);
    const struct model_col **cols = ARENA_ARRAY(w->a, const struct model_col *, all->n_cols + 2);
    memcpy(cols, all->cols, all->n_cols * sizeof *cols);
    /* any kind: the places of "may be changed" and "by his own right" */
    cols[all->n_cols] = cols[all->n_cols + 1] = w->r->id;
    *found = (struct rows){.a = w->a, .cols = cols, .n_cols = all->n_cols + 2};

    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "SELECT %.*s,(", SVARG(all->columns));
    condition(rows, w->c->who, &s);
    sql_text(&s, "),(");
    condition(own_rows(w->p, rows), w->c->who, &s);
    sql_text(&s, " AND ");
    condition(&w->p->own_read, w->c->who, &s);
    buf_printf(&s.text, ") FROM %.*s", SVARG(w->r->ident));
    policy_where(w->p, w->c->who, &w->p->read, deleted, &s);
    sql_text(&s, " AND `id` IN ");
    sql_in_ids(&s, ids, n);
    sql_text(&s, " FOR UPDATE");
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, rows_collect, found, err) < 0)
        return -1;
    return protect_rows(all, w->c, found, err);
}

/* One of the rows that the batch has locked already, else it is locked now. */
static int lock_one(struct write *w, const struct frag *rows, bool deleted, struct rows *found,
                    struct err *err)
{
    if (rows == &w->p->update && !deleted && batch_locked(w->c->batch, w->id, found)) return 0;
    return write_lock_all(w, rows, deleted, &w->id, 1, found, err);
}

int write_lock(struct write *w, const struct frag *rows, bool deleted, struct err *err)
{
    struct rows found;
    if (lock_one(w, rows, deleted, &found, err) < 0) return -1;
    if (!found.n) return err_set(err, 404, "not_found", NULL);
    unsigned n_cols = found.n_cols - 2;
    w->before = row_json(w, &found, 0, n_cols, err);
    if (!w->before) return -1;
    const struct store_val *may = &rows_at(&found, 0)[n_cols];
    if (may->type != STORE_I64 || !may->u.i) return policy_refuse(w->c->who, err);
    if (w->p->hats && !may[1].u.i && w->c->who->n_hats) w->behalf = &w->c->who->hats[0];
    return wrong_version(w, err);
}

int write_load_children(struct write *w, struct err *err)
{
    for (unsigned i = 0; i < w->r->n_kids; i++) {
        const struct model_child *k = &w->r->kids[i];
        const struct model_policy *all = whole(w, k->res);
        struct rows found = {.a = w->a, .cols = all->cols, .n_cols = all->n_cols};
        struct sql s;
        sql_start(&s, w->a);
        buf_printf(&s.text, "SELECT %.*s FROM %.*s WHERE %.*s=?%s ORDER BY %s`id`",
                   SVARG(all->columns), SVARG(k->res->ident), SVARG(k->by->ident),
                   k->res->deleted_at ? " AND `deleted_at` IS NULL" : "",
                   k->position ? "`position`," : "");
        sql_val(&s, STORE_I(w->id));
        if (store_run(w->conn, buf_view(&s.text), s.args, s.n, rows_collect, &found, err) < 0)
            return -1;
        if (protect_rows(all, w->c, &found, err) < 0) return -1;
        json_t *list = json_array();
        json_object_set_new(w->before, k->f->name, list);
        for (size_t n = 0; n < found.n; n++) {
            json_t *row = row_json(w, &found, n, found.n_cols, err);
            if (!row) return -1;
            json_array_append(list, row);
        }
    }
    return 0;
}

/* ---- hook, failure, end ----------------------------------------------------------- */

int write_hook(struct write *w, const char *hook, const char *event, struct err *err)
{
    const struct model_hooks *h = &w->r->model->hooks;
    if (!hook) return 0;
    bool own = core_resource(w->r->mf);
    if (!own && !h->call)
        return err_internal(err, "%s: nobody runs the hook %s", w->r->name.p, hook);
    struct model_hook_call call = {.resource = w->r->mf,
                                   .model = w->r->model,
                                   .tenant = w->c->tenant,
                                   .who = w->c->who,
                                   .conn = w->conn,
                                   .arena = w->a,
                                   .event = event,
                                   .id = strcmp(event, "check") == 0 && !w->before ? 0 : w->id,
                                   .before = w->before,
                                   .after = w->after};
    int rc = own ? core_hook_call(hook, &call, err)
                 : h->call(h->arg, sv_of(w->r->mf->manifest->id), hook, &call, err);
    append(&w->done, call.done);
    if (rc == 0) return 0;
    if (!err_is(err)) err_internal(err, "hook %s failed without saying why", hook);
    return -1;
}

int write_failed(struct write *w, const struct model_resource *r, const char *prefix,
                 struct err *err)
{
    if (err->status != 409 || !err->code || strcmp(err->code, "duplicate") != 0) return -1;
    const char *key = store_dup_key(w->conn), *dot = strrchr(key, '.');
    if (dot) key = dot + 1; /* MySQL says table.key, MariaDB key */
    for (unsigned i = 0; i < r->n_indexes; i++) {
        const struct model_index *x = &r->indexes[i];
        if (strcmp(x->name, key) != 0 || !x->blame) continue;
        char path[MODEL_PATH];
        path_join(path, prefix, x->blame->f->name);
        err_clear(err);
        return err_field(err, path, "not_unique", NULL);
    }
    return -1;
}

static bool told_less(const struct model_resource *r)
{
    bool less = r->guarded;
    for (unsigned i = 0; i < r->n_kids; i++)
        less |= r->kids[i].res->guarded;
    return less;
}

/* The row for listeners: without what the manifest hides, masked where it masks. */
static sv public_row(struct write *w)
{
    json_t *row = w->after ? w->after : w->before;
    if (told_less(w->r)) row = json_keep(w->a, protect_told(w->r, w->a, row));
    struct buf b = BUF_IN(w->a);
    struct jsonw jw = jsonw_on(&b);
    const char *name;
    json_t *v;
    jsonw_obj(&jw);
    json_object_foreach(row, name, v)
    {
        const struct model_col *c = col_find(w->r, sv_of(name));
        const struct model_child *k = c ? NULL : kid_find(w->r, sv_of(name));
        if (c ? c->secret || c->part_of : !k || k->f->hidden) continue;
        jsonw_key(&jw, sv_of(name));
        jsonw_json(&jw, v);
    }
    jsonw_end_obj(&jw);
    return buf_view(&b);
}

void model_set_outbox(struct model *m, const struct model_outbox *o)
{
    m->outbox = *o;
}

int model_made(void *arg, struct auth_tenant *t, struct store_conn *c, sv resource, int64_t id,
               struct err *err)
{
    struct model *m = arg;
    const struct model_resource *r = model_find(m, resource);
    if (!r || !m->outbox.record) return 0;
    struct arena *a = arena_new(0);
    struct model_ctx x = {.tenant = t, .who = &auth_system, .arena = a, .conn = c, .lang = "zh"};
    struct model_written told = {.c = &x, .r = r, .resource = r->name, .event = "created", .id = id};
    int rc = m->outbox.record(m->outbox.arg, &told, err);
    arena_free(a);
    return rc;
}

void model_made_committed(void *arg, struct auth_tenant *t, sv resource)
{
    struct model *m = arg;
    if (m->outbox.committed) m->outbox.committed(m->outbox.arg, t, resource);
}

int write_record(struct model_ctx *of, struct store_conn *conn, const struct model_resource *r,
                 const char *event, int64_t id, bool going, struct err *err)
{
    const struct model_outbox *o = &r->model->outbox;
    if (!o->record) return 0;
    struct model_ctx c = *of;
    c.conn = conn;
    c.done = NULL;
    c.batch = NULL;
    struct model_written told = {
        .c = &c, .r = r, .resource = r->name, .event = event, .id = id, .going = going};
    return o->record(o->arg, &told, err);
}

int write_going(struct write *w, struct err *err)
{
    return write_record(w->c, w->conn, w->r, w->event, w->id, true, err);
}

/* Of a row that is only gathered the outbox hears once it can be read. */
static int tell(struct write *w, struct err *err)
{
    if (!w->after) return 0;
    if (!w->c->batch) return write_record(w->c, w->conn, w->r, w->event, w->id, false, err);
    batch_tell(w->c->batch, w);
    return 0;
}

/* By the row when that tells, else by the kind of thing that was done. */
static const struct auth_hat *behalf_of(const struct write *w)
{
    const struct auth_hat *h = policy_behalf(w->r, w->c->who, sv_of(w->action));
    return h ? h : w->behalf;
}

int write_done(struct write *w, struct err *err)
{
    if (w->quiet) return 0;
    if (tell(w, err) < 0) return -1;
    struct history_note note = {0};
    if (has_trait(w->r, MF_AUDITED) &&
        (history_changes(w, &note, err) < 0 || history_add(w, &note, err) < 0))
        return -1;
    struct model_done *d = ARENA_NEW(w->a, struct model_done);
    *d = (struct model_done){.who = w->c->who,
                             .r = w->r,
                             .action = w->action,
                             .event = w->event,
                             .id = w->id,
                             .detail = history_pointer(w, &note),
                             .row = public_row(w),
                             .behalf = behalf_of(w)};
    sv path = w->after ? SV_NULL : json_get_sv(w->before, "path");
    if (path.n && sv_eq(w->r->name, SV("core.file"))) d->gone = file_path(w->a, w->c->tenant, path);
    append(&w->done, d);
    return 0;
}

void write_tell(struct write *w, const struct model_resource *r, const char *action,
                const char *event, int64_t id, sv row)
{
    struct model_done *d = ARENA_NEW(w->a, struct model_done);
    *d = (struct model_done){.who = w->c->who,
                             .r = r,
                             .action = action,
                             .event = event,
                             .id = id,
                             .row = row,
                             .audit = true};
    append(&w->done, d);
}

void write_tell_detail(struct write *w, sv detail, sv row)
{
    struct model_done *d = ARENA_NEW(w->a, struct model_done);
    *d = (struct model_done){.who = w->c->who,
                             .r = w->r,
                             .action = w->action,
                             .event = w->event,
                             .id = w->id,
                             .row = row,
                             .detail = detail,
                             .behalf = behalf_of(w),
                             .audit = true};
    append(&w->done, d);
}
