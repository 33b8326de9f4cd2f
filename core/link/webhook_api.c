/* Webhooks as records: what may be put into one, its secret, a test, sending again. */
#define LOG_ROOM "link"

#include <stdio.h>

#include "link/room.h"

#define SECRET_MARK "whsec_"
#define MAX_REPLAY 10000

/* ---- what a webhook may hold ---------------------------------------------------------- */

struct patterns {
    const struct model *m;
    struct arena *a;
    const struct model_resource *r; /* the one that all are of, or NULL */
    const char *bad;
    unsigned n;
    bool mixed;
};

/* "vote.poll.created" or "vote.poll.*" names a resource, "vote.*" and "*" several. */
static bool on_pattern(void *arg, sv pattern)
{
    struct patterns *p = arg;
    const char *dot = pattern.n ? memrchr(pattern.p, '.', pattern.n) : NULL;
    const struct model_resource *r =
        dot ? model_find(p->m, sv_make(pattern.p, (size_t)(dot - pattern.p))) : NULL;
    bool wide = sv_eqs(pattern, "*") ||
                (sv_ends(pattern, SV(".*")) && !memchr(pattern.p, '.', pattern.n - 2));
    if (!r && !wide) p->bad = arena_str(p->a, pattern);
    p->mixed |= !r || (p->n && r != p->r);
    p->r = r;
    p->n++;
    return !p->bad;
}

/* Would a list with this filter and these columns be answered? */
static int check_view(struct model_hook_call *call, const struct patterns *p, sv filter, sv fields,
                      struct err *err)
{
    if (!filter.n && !fields.n) return 0;
    if (p->mixed)
        return err_field(err, filter.n ? "filter" : "fields", "webhook_one_resource", NULL);
    struct model_ctx c = {.tenant = call->tenant,
                          .who = call->who,
                          .arena = call->arena,
                          .conn = call->conn,
                          .lang = "en"};
    struct model_list l = {.filter = filter, .fields = fields, .limit = 1};
    struct buf out = BUF_IN(call->arena);
    struct err e = {0};
    if (model_list(p->r, &c, &l, &out, &e) == 0) return 0;
    if (e.status >= 500) {
        err_copy(err, &e);
        return -1;
    }
    return err_field(err, strcmp(e.code, "bad_filter") == 0 ? "filter" : "fields", e.code,
                     e.args[0] ? e.args[0] : "", NULL);
}

static int check_role(struct model_hook_call *call, struct err *err)
{
    int64_t id;
    struct store_val code;
    bool found;
    if (!sv_i64(json_get_sv(call->after, "role"), &id)) return 0;
    struct store_val args[] = {STORE_I(id)};
    if (store_one(call->conn, call->arena, SV("SELECT code FROM core_role WHERE id = ?"), args, 1,
                  &code, 1, &found, err) != 0)
        return -1;
    if (found && !auth_may_give_role(call->who, code.u.s))
        err_field(err, "role", "key_rights", arena_str(call->arena, code.u.s), NULL);
    return 0;
}

static sv new_secret(struct arena *a)
{
    char text[41];
    rand_text(text, 40);
    return arena_printf(a, SECRET_MARK "%s", text);
}

static void put(json_t *row, const char *name, sv value)
{
    json_object_set_new(row, name, json_stringn(value.p, value.n));
}

/* Who saves a webhook vouches for it: from then on it sees what he may see, so that
 * nobody turns another's eyes to an address of his own. */
int webhook_check(struct model_hook_call *call, struct err *err)
{
    struct link *l = link_of(NULL);
    if (call->who->kind == AUTH_SYSTEM || strcmp(call->event, "check") != 0) return 0;
    struct patterns p = {.m = l->o.model, .a = call->arena};
    if (!webhook_url_ok(json_get_sv(call->after, "url"), l->o.allow_http))
        err_field(err, "url", "webhook_url", NULL);
    webhook_each_event(json_get_sv(call->after, "events"), on_pattern, &p);
    if (p.bad || !p.n) return err_field(err, "events", "webhook_events", p.bad ? p.bad : "", NULL);
    if (check_role(call, err) != 0 ||
        check_view(call, &p, json_get_sv(call->after, "filter"), json_get_sv(call->after, "fields"),
                   err) != 0 ||
        err_is(err))
        return -1;
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)call->who->id);
    if (call->who->kind == AUTH_STAFF) put(call->after, "seen_as", sv_of(id));
    if (!call->before)
        put(call->after, "secret",
            auth_seal(call->tenant, call->arena, "webhook", new_secret(call->arena)));
    return 0;
}

/* What waited goes on, or waits. */
int webhook_move(struct model_hook_call *call, struct err *err)
{
    bool resume = sv_eqs(sv_of(call->event), "transition:resume");
    struct store_val args[] = {STORE_I(call->id)};
    if (resume) {
        json_object_set_new(call->after, "failures", json_integer(0));
        json_object_set_new(call->after, "failing_since", json_null());
    }
    return store_exec(call->conn,
                      resume ? SV("UPDATE core_webhook_delivery SET status = 'pending'"
                                  " WHERE webhook = ? AND status = 'held'")
                             : SV("UPDATE core_webhook_delivery SET status = 'held'"
                                  " WHERE webhook = ? AND status = 'pending'"),
                      args, 1, NULL, err);
}

/* ---- routes ------------------------------------------------------------------------------ */

struct asking {
    struct http_req *req;
    struct link *l;
    const struct model_resource *r;
    int64_t id, count;
    sv secret;
    struct model_ctx system;
    json_t *body;
};

/* Runs fn for who may change this webhook; NULL and answered when it failed. */
static bool ask(struct http_req *req, struct asking *x,
                int (*fn)(void *arg, struct store_conn *c, struct err *err))
{
    struct err err = {0};
    x->req = req;
    x->l = link_of(req);
    x->r = model_find(x->l->o.model, SV("core.webhook"));
    if (link_id(req, &x->id, &err) != 0 || link_tx(auth_tenant_of(req), fn, x, &err) != 0) {
        http_fail(req, &err);
        return false;
    }
    return true;
}

static void audit(struct asking *x, const char *action)
{
    sv target = arena_printf(http_arena(x->req), "core.webhook/%lld", (long long)x->id);
    auth_audit(auth_tenant_of(x->req), auth_of(x->req), x->req,
               &(struct auth_audit){.action = action, .target = target, .ok = true});
}

static void wake(struct asking *x)
{
    atomic_store(&link_tenant(x->l, auth_tenant_of(x->req))->due, true);
    webhook_pump_wake(x->l);
}

/* The one before stays valid for a day if anybody was ever shown it. */
static int renew(void *arg, struct store_conn *conn, struct err *err)
{
    struct asking *x = arg;
    struct arena *a = http_arena(x->req);
    struct store_val key[] = {STORE_I(x->id)}, v[2];
    bool found;
    if (link_may_update(x->req, conn, x->r, x->id, err) != 0 ||
        store_one(conn, a, SV("SELECT secret, secret_at FROM core_webhook WHERE id = ?"), key, 1, v,
                  2, &found, err) != 0)
        return -1;
    x->secret = new_secret(a);
    x->system = link_ctx(x->req, conn);
    x->system.who = &auth_system;
    char at[32];
    size_t at_n = clock_rfc3339(clock_now_us(), at);
    json_t *body = json_object();
    put(body, "secret", auth_seal(auth_tenant_of(x->req), a, "webhook", x->secret));
    if (v[1].type != STORE_NULL && v[0].type != STORE_NULL) put(body, "old_secret", v[0].u.s);
    put(body, "secret_at", sv_make(at, at_n));
    int rc = model_update(x->r, &x->system, x->id, -1, body, err);
    json_decref(body);
    return rc;
}

void webhook_secret(struct http_req *req)
{
    struct asking x = {0};
    if (!ask(req, &x, renew)) return;
    model_committed(&x.system);
    audit(&x, "webhook_secret");
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", x.id);
    jsonw_kv_sv(&w, "secret", x.secret);
    jsonw_end_obj(&w);
    http_add_header(req, "cache-control", SV("no-store"));
}

static int add_test(void *arg, struct store_conn *conn, struct err *err)
{
    struct asking *x = arg;
    struct webhook_event e = {.id = id_next(),
                              .name = SV(WEBHOOK_TEST),
                              .resource = SV("core.webhook"),
                              .row = x->id,
                              .data = SV("{\"test\":true}")};
    if (link_may_update(x->req, conn, x->r, x->id, err) != 0) return -1;
    return webhook_add(auth_tenant_of(x->req), conn, http_arena(x->req), x->id, false, &e,
                       &x->count, err);
}

void webhook_test(struct http_req *req)
{
    struct asking x = {0};
    if (!ask(req, &x, add_test)) return;
    audit(&x, "webhook_test");
    wake(&x);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "delivery", x.count);
    jsonw_end_obj(&w);
    http_status(req, 202);
}

/* ---- sending again ------------------------------------------------------------------------- */

#define AGAIN                                                                                      \
    "UPDATE core_webhook_delivery SET status = 'pending', attempts = 0, next_at = ?"               \
    " WHERE webhook = ? AND status IN ('sent', 'dead')"

static int again_each(struct asking *x, struct store_conn *conn, const json_t *list,
                      struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        int64_t id;
        uint64_t n = 0;
        if (!json_is_string(v) || !sv_i64(sv_of(json_string_value(v)), &id))
            return err_field(err, "deliveries", "not_id", NULL);
        struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(x->id), STORE_I(id)};
        if (store_exec(conn, SV(AGAIN " AND id = ?"), args, 3, &n, err) != 0) return -1;
        x->count += (int64_t)n;
    }
    return 0;
}

static int again_between(struct asking *x, struct store_conn *conn, int64_t from, int64_t to,
                         struct err *err)
{
    struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(x->id), STORE_T(from), STORE_T(to),
                               STORE_I(MAX_REPLAY)};
    uint64_t n = 0;
    if (store_exec(conn,
                   SV(AGAIN " AND created_at >= ? AND created_at < ? ORDER BY created_at LIMIT ?"),
                   args, 5, &n, err) != 0)
        return -1;
    x->count = (int64_t)n;
    return 0;
}

static int again(void *arg, struct store_conn *conn, struct err *err)
{
    struct asking *x = arg;
    const json_t *list = json_object_get(x->body, "deliveries");
    int64_t from, to;
    x->count = 0;
    if (link_may_update(x->req, conn, x->r, x->id, err) != 0) return -1;
    if (json_array_size(list) > MAX_REPLAY)
        return err_field(err, "deliveries", "too_many_items", "10000", NULL);
    if (json_array_size(list)) return again_each(x, conn, list, err);
    sv a = json_get_sv(x->body, "from"), b = json_get_sv(x->body, "to");
    if (!a.n || !b.n) return err_set(err, 422, "webhook_nothing", NULL);
    if (!clock_parse(a, &from)) return err_field(err, "from", "not_time", NULL);
    if (!clock_parse(b, &to)) return err_field(err, "to", "not_time", NULL);
    return again_between(x, conn, from, to, err);
}

void webhook_replay(struct http_req *req)
{
    struct asking x = {0};
    struct err err = {0};
    if (http_json(req, &x.body, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    if (!ask(req, &x, again)) return;
    audit(&x, "webhook_replay");
    wake(&x);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "count", x.count);
    jsonw_end_obj(&w);
}

/* ---- what is old goes ------------------------------------------------------------------------ */

#define DAY_US (86400 * INT64_C(1000000))
#define SWEEP_ROWS 1000

/* Those that arrived after thirty days, those that were given up after ninety. */
int webhook_sweep(struct model *m, struct auth_tenant *t, struct work_job *job, struct err *err)
{
    static const struct {
        sv status;
        int64_t days;
    } kept[] = {{{"sent", 4}, 30}, {{"dead", 4}, 90}};
    struct store_conn *c;
    (void)m;
    if (store_get(t->db, &c, err) != 0) return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof kept / sizeof *kept; i++) {
        uint64_t n = SWEEP_ROWS;
        while (rc == 0 && n == SWEEP_ROWS && work_job_wanted(job)) {
            struct store_val args[] = {STORE_S(kept[i].status),
                                       STORE_T(clock_now_us() - kept[i].days * DAY_US),
                                       STORE_I(SWEEP_ROWS)};
            rc = store_exec(c,
                            SV("DELETE FROM core_webhook_delivery WHERE status = ?"
                               " AND created_at < ? LIMIT ?"),
                            args, 3, &n, err);
        }
    }
    store_put(c);
    return rc;
}
