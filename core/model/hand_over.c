/* Hand-over: what somebody owns gets another owner, row by row over all resources of
 * plugins, by the ordinary write path and with the rights of who asked. What is
 * one's own in the core (files, tasks, delegations) stays. */
#define LOG_ROOM "model"
#include "model/bulk.h"

#include <stdio.h>

#define STEP 20

/* The resources whose rows somebody owns, in the order of the registry. */
static const struct model_resource *owned_at(const struct model *m, const struct auth_tenant *t,
                                             size_t at)
{
    for (size_t i = 0; i < m->n_plugins; i++) {
        const struct model_plugin *p = m->plugins[i];
        sv id = sv_of(p->mf->id);
        if (p->dropped || sv_eqs(id, "core") || !auth_plugin_on(t, id)) continue;
        for (size_t k = 0; k < p->n_res; k++) {
            const struct model_resource *r = p->res[k];
            if (!r->owner || r->mf->internal || (r->mf->traits & MF_NO_EDIT)) continue;
            if (at-- == 0) return r;
        }
    }
    return NULL;
}

/* ---- POST /api/core/staff/:id/hand-over {to} --------------------------------------- */

/* Somebody who works here, whom the caller may see, and not the one who hands over. */
static int heir(const struct model *m, struct model_ctx *c, const json_t *body, int64_t from,
                int64_t *to, struct err *err)
{
    struct buf row = BUF_IN(c->arena);
    struct err e = {0};
    json_t *doc;
    if (!sv_i64(json_get_sv(body, "to"), to)) return err_field(err, "to", "required", NULL);
    if (*to == from) return err_field(err, "to", "hand_over_oneself", NULL);
    if (model_get(model_find(m, SV("core.staff")), c, *to, SV(""), &row, &e) < 0)
        return err_field(err, "to", "ref_not_found", NULL);
    if (json_parse(c->arena, buf_view(&row), &doc, err) < 0) return -1;
    if (sv_eqs(json_get_sv(doc, "state"), "active")) return 0;
    return err_field(err, "to", "hand_over_gone", NULL);
}

/* A resource that asks for a proof before it is changed asks for it here, once. */
static int proofs(const struct model *m, struct model_ctx *c, struct err *err)
{
    const struct model_resource *r;
    for (size_t i = 0; (r = owned_at(m, c->tenant, i)) != NULL; i++) {
        struct err none = {0};
        const struct model_policy *p = policy_of(r, c->who, c->arena, &none);
        if (p && p->can_update && sensitive_check(r, c, "update", err) < 0) return -1;
    }
    return 0;
}

static int ask(struct http_req *req, struct model *m, int64_t *task, struct err *err)
{
    struct model_ctx c = request_ctx(req);
    json_t *body;
    int64_t from, to;
    if (!auth_is_staff(c.who)) return policy_refuse(c.who, err);
    if (!sv_i64(http_param(req, "id"), &from)) return err_set(err, 404, "not_found", NULL);
    if (model_may_manage(m, req, from, err) < 0 || http_json(req, &body, err) < 0) return -1;
    if (heir(m, &c, body, from, &to, err) < 0 || proofs(m, &c, err) < 0) return -1;
    struct task_new n = {.kind = "core.hand_over",
                         .title = sv_of(msg_text(c.lang, "hand_over")),
                         .input = json_keep(c.arena, json_pack("{s:I,s:I}", "from", (json_int_t)from,
                                                               "to", (json_int_t)to))};
    return task_add(&c, &n, task, err);
}

void org_hand_over(struct http_req *req)
{
    struct model *m = http_route_data(req);
    struct err err = {0};
    int64_t task = 0;
    if (ask(req, m, &task, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    task_wake(m);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "task", task);
    jsonw_end_obj(&w);
    http_status(req, 202);
}

/* ---- the task ---------------------------------------------------------------------- */

struct walk {
    struct task_run *run;
    struct bulk b;
    size_t at;     /* of the resource */
    int64_t last;  /* row of it that was done */
    bool stopped;
};

struct stretch {
    struct walk *w;
    struct model_ctx c;
    const int64_t *ids;
    size_t n;
    int64_t done, failed; /* before it */
};

/* A row that cannot be handed over (no right, a rule of its own) stays and is counted. */
static int in_tx(void *arg, struct store_conn *conn, struct err *err)
{
    struct stretch *s = arg;
    struct task_run *run = s->w->run;
    s->c.conn = conn;
    s->c.done = NULL;
    run->done = s->done; /* also of a second try */
    run->failed = s->failed;
    for (size_t i = 0; i < s->n; i++) {
        struct err e = {0};
        run->done++;
        if (bulk_one(&s->w->b, &s->c, s->ids[i], &e) == 0) continue;
        if (e.status >= 500 || store_retryable(conn)) {
            err_copy(err, &e);
            return -1;
        }
        run->failed++;
    }
    json_t *cursor = json_keep(s->c.arena, json_pack("{s:I,s:I}", "at", (json_int_t)s->w->at,
                                                     "last", (json_int_t)s->ids[s->n - 1]));
    if (task_progress(run, conn, cursor)) return 0;
    s->w->stopped = true;
    return err_set(err, 409, "conflict", NULL);
}

static int stretch(struct walk *w, const int64_t *ids, size_t n, struct err *err)
{
    struct task_run *run = w->run;
    struct store_conn *conn;
    struct arena *a = arena_new(0);
    struct stretch s = {.w = w,
                        /* proved: when it was asked for */
                        .c = {.tenant = run->tenant,
                              .who = run->who,
                              .lang = run->lang,
                              .arena = a,
                              .proved = true},
                        .ids = ids,
                        .n = n,
                        .done = run->done,
                        .failed = run->failed};
    int rc = -1;
    if (store_get(run->tenant->db, &conn, err) == 0) {
        rc = store_tx(conn, in_tx, &s, err);
        store_put(conn);
    }
    s.c.conn = NULL;
    if (rc == 0) {
        model_committed(&s.c);
        w->last = ids[n - 1];
    } else {
        run->done = s.done;
        run->failed = s.failed;
    }
    arena_free(a);
    return rc;
}

static int one_resource(struct walk *w, struct err *err)
{
    for (;;) {
        struct bulk_page page;
        struct arena *a = arena_new(0);
        struct model_ctx c = {
            .tenant = w->run->tenant, .who = w->run->who, .lang = w->run->lang, .arena = a};
        struct err none = {0};
        const struct model_policy *p = policy_of(w->b.r, c.who, a, &none);
        int rc = p && p->can_read ? bulk_page(&w->b, &c, w->last, &page, err) : 1;
        arena_free(a);
        if (rc < 0) return -1;
        if (rc > 0 || !page.n) return 0;
        for (size_t i = 0; i < page.n; i += STEP)
            if (stretch(w, page.ids + i, page.n - i < STEP ? page.n - i : STEP, err) < 0) return -1;
    }
}

int hand_over_run(struct task_run *run, struct err *err)
{
    struct walk w = {.run = run, .b = {.a = run->arena, .action = BULK_ASSIGN, .by_filter = true}};
    char to[24];
    snprintf(to, sizeof to, "%lld", (long long)json_integer_value(json_object_get(run->input, "to")));
    w.b.filter = arena_printf(run->arena, "owner = \"%lld\"",
                              (long long)json_integer_value(json_object_get(run->input, "from")));
    w.b.set = json_keep(run->arena, json_pack("{s:s}", "owner", to));
    w.at = (size_t)json_integer_value(json_object_get(run->cursor, "at"));
    w.last = json_integer_value(json_object_get(run->cursor, "last"));
    for (; (w.b.r = owned_at(run->model, run->tenant, w.at)) != NULL; w.at++, w.last = 0) {
        if (one_resource(&w, err) == 0) continue;
        if (w.stopped) err_clear(err);
        return -1;
    }
    json_t *result = json_keep(run->arena, json_pack("{s:I,s:I}", "done", (json_int_t)(run->done - run->failed),
                                                     "failed", (json_int_t)run->failed));
    return task_result(run, result, 0, err);
}
