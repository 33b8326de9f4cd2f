/* POST /api/p/r/bulk: the same change to many records. Each goes the way that a
 * single one goes, with its rights, hooks, history and version, and one that fails
 * stops none of the others. Up to 200 are answered at once, more become a task. */
#define LOG_ROOM "model"
#include "model/bulk.h"

#include <stdio.h>

#define AT_ONCE 200
#define MAX_IDS 10000

/* ---- what is asked for ------------------------------------------------------------ */

static const char *const names[] = {"update", "delete", "restore", "assign", "do"};

static int known_members(const json_t *body, struct err *err)
{
    static const char *const known[] = {"action", "ids",        "filter", "q",
                                        "set",    "transition", "owner",  "dept"};
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)body, name, v)
    {
        bool ok = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strcmp(name, known[i]) == 0) ok = true;
        if (!ok) err_field(err, name, "unknown_field", NULL);
    }
    return err_is(err) ? -1 : 0;
}

static int read_action(struct bulk *b, const json_t *body, struct err *err)
{
    sv action = json_get_sv(body, "action");
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (!sv_eqs(action, names[i])) continue;
        b->action = (enum bulk_action)i;
        return 0;
    }
    return err_field(err, "action", action.p ? "not_in_options" : "required",
                     "update, delete, restore, assign, do", NULL);
}

static int read_ids(struct bulk *b, const json_t *body, struct err *err)
{
    const json_t *ids = json_object_get(body, "ids");
    b->filter = json_get_sv(body, "filter");
    b->search = json_get_sv(body, "q");
    b->by_filter = b->filter.p || b->search.p;
    if (b->by_filter) return ids ? err_field(err, "ids", "bulk_one_of", NULL) : 0;
    if (!json_is_array(ids) || !json_array_size(ids))
        return err_field(err, "ids", "required", NULL);
    if (json_array_size(ids) > MAX_IDS)
        return err_field(err, "ids", "too_many_items", "10000", NULL);
    b->ids = ARENA_ARRAY(b->a, int64_t, json_array_size(ids));
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *v = json_array_get(ids, i);
        sv text = sv_make(json_string_value(v), json_string_length(v));
        if (!json_is_string(v) || !sv_i64(text, &b->ids[i]) || b->ids[i] <= 0)
            return err_field(err, "ids", "not_id", NULL);
        b->n_ids++;
    }
    return 0;
}

static int read_change(struct bulk *b, const json_t *body, struct err *err)
{
    json_t *set = json_object_get(body, "set");
    b->transition = json_get_sv(body, "transition");
    if (set && !json_is_object(set)) return err_field(err, "set", "not_object", NULL);
    if (b->action == BULK_UPDATE && !json_object_size(set))
        return err_field(err, "set", "required", NULL);
    if (b->action == BULK_DO && !b->transition.n)
        return err_field(err, "transition", "required", NULL);
    b->set = set;
    if (b->action != BULK_ASSIGN) return 0;
    b->set = json_keep(b->a, json_object());
    json_t *owner = json_object_get(body, "owner"), *dept = json_object_get(body, "dept");
    if (!owner && !dept) return err_field(err, "owner", "required", NULL);
    if (owner) json_object_set(b->set, "owner", owner);
    if (dept) json_object_set(b->set, "dept", dept);
    return 0;
}

int bulk_read(struct bulk *b, const json_t *body, struct err *err)
{
    if (known_members(body, err) < 0 || read_action(b, body, err) < 0 || read_ids(b, body, err) < 0)
        return -1;
    return read_change(b, body, err);
}

/* Refuses at once what every row would refuse. */
static int allowed(const struct bulk *b, struct model_ctx *c, struct err *err)
{
    const struct model_policy *p = policy_of(b->r, c->who, b->a, err);
    if (!p) return -1;
    bool gone = b->action == BULK_DELETE || b->action == BULK_RESTORE;
    bool may = b->action == BULK_DO ? p->can_read : gone ? p->can_delete : p->can_update;
    if (!may) return policy_refuse(c->who, err);
    /* A hundred rows are not a hundred questions: those that others have to agree to
     * are refused one by one. */
    c->may_ask = false;
    const char *action = gone ? "delete" : "update";
    if (b->action == BULK_DO) action = arena_str(b->a, b->transition);
    return sensitive_check(b->r, c, action, err);
}

/* ---- one row ---------------------------------------------------------------------- */

static int change(const struct bulk *b, struct model_ctx *c, int64_t id, struct err *err)
{
    switch (b->action) {
    case BULK_UPDATE:
    case BULK_ASSIGN:
        return model_update(b->r, c, id, -1, b->set, err);
    case BULK_DELETE:
        return model_delete(b->r, c, id, err);
    case BULK_RESTORE:
        return model_restore(b->r, c, id, err);
    case BULK_DO:
        return model_transition(b->r, c, id, b->transition, b->set, err);
    }
    return err_internal(err, "unknown bulk action");
}

/* Inside of a transaction a row that fails takes back what it had written. */
int bulk_one(const struct bulk *b, struct model_ctx *c, int64_t id, struct err *err)
{
    if (!c->conn) return change(b, c, id, err);
    if (store_savepoint(c->conn, err) < 0) return -1;
    if (change(b, c, id, err) == 0) return 0;
    struct err none = {0};
    if (store_rollback_to(c->conn, &none) < 0) log_warn("bulk: a row cannot be undone: %s", none.detail);
    return -1;
}

/* ---- rows of a filter ------------------------------------------------------------- */

static bool take_id(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct bulk_page *p = arg;
    (void)n_cols;
    if (p->n < BULK_PAGE) p->ids[p->n++] = row[0].u.i;
    return true;
}

int bulk_page(const struct bulk *b, struct model_ctx *c, int64_t after, struct bulk_page *out,
              struct err *err)
{
    struct query q;
    struct sql s;
    struct store_conn *conn;
    struct model_list l = {.filter = b->filter,
                           .search = b->search,
                           .fields = SV("id"),
                           .sort = SV("id"),
                           .deleted = b->action == BULK_RESTORE};
    out->n = 0;
    if (query_prepare(b->r, c, &l, &q, err) < 0) return -1;
    q.after = true;
    q.after_id = after;
    sql_start(&s, c->arena);
    query_select(&q, BULK_PAGE, &s);
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = store_run(conn, buf_view(&s.text), s.args, s.n, take_id, out, err);
    conn_leave(c, conn);
    return rc;
}

/* ---- at once ---------------------------------------------------------------------- */

static void write_result(struct jsonw *w, struct post *p, int64_t id, const struct err *e)
{
    struct buf text = BUF_IN(p->c.arena);
    jsonw_obj(w);
    jsonw_kv_id(w, "id", id);
    jsonw_kv_bool(w, "ok", !err_is(e));
    if (err_is(e)) {
        err_problem(e, p->c.lang, SV_NULL, &text);
        jsonw_kv_raw(w, "error", buf_view(&text));
    }
    jsonw_end_obj(w);
}

static int at_once(const struct bulk *b, struct post *p, const int64_t *ids, size_t n,
                   struct err *err)
{
    struct jsonw w = jsonw_on(http_out(p->req));
    int64_t failed = 0;
    jsonw_obj(&w);
    jsonw_key(&w, SV("items"));
    jsonw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        struct err one = {0};
        if (bulk_one(b, &p->c, ids[i], &one) < 0) failed++;
        if (p->c.conn && store_retryable(p->c.conn)) { /* all of it starts anew */
            err_copy(err, &one);
            return -1;
        }
        write_result(&w, p, ids[i], &one);
    }
    jsonw_end_arr(&w);
    jsonw_kv_i64(&w, "done", (int64_t)n - failed);
    jsonw_kv_i64(&w, "failed", failed);
    jsonw_end_obj(&w);
    return 0;
}

/* ---- as a task -------------------------------------------------------------------- */

static int as_task(const struct bulk *b, struct post *p, struct err *err)
{
    struct arena *a = p->c.arena;
    char what[20];
    int64_t id;
    snprintf(what, sizeof what, "bulk_%s", names[b->action]);
    struct task_new n = {.kind = "core.bulk",
                         .title = arena_printf(a, "%s: %s", msg_text(p->c.lang, what),
                                               title_of(&b->r->mf->title, p->c.lang)),
                         .resource = b->r->name,
                         .input = json_keep(a, json_pack("{s:s#,s:O}", "resource", b->r->name.p,
                                                         (int)b->r->name.n, "body", p->body)),
                         .total = (int64_t)b->n_ids};
    if (task_add(&p->c, &n, &id, err) < 0) return -1;
    struct jsonw w = jsonw_on(http_out(p->req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "task", id);
    jsonw_end_obj(&w);
    p->status = 202;
    return 0;
}

int bulk_op(struct post *p, struct err *err)
{
    struct bulk b = {.r = p->r, .a = p->c.arena};
    struct bulk_page page;
    if (bulk_read(&b, p->body, err) < 0 || allowed(&b, &p->c, err) < 0) return -1;
    if (!b.by_filter)
        return b.n_ids <= AT_ONCE ? at_once(&b, p, b.ids, b.n_ids, err) : as_task(&b, p, err);
    if (bulk_page(&b, &p->c, 0, &page, err) < 0) return -1;
    return page.n <= AT_ONCE ? at_once(&b, p, page.ids, page.n, err) : as_task(&b, p, err);
}
