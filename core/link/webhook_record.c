/* Into the delivery table, in the transaction of the write that is told of: when it
 * commits, the event is as durable as the write, and when it does not, there was
 * none. The body is made here and now, as the webhook's own eyes see the row, by the
 * very call that answers GET. */
#define LOG_ROOM "link"
#include "link/room.h"

/* ---- the body --------------------------------------------------------------------------- */

static sv chosen(struct arena *a, sv row, sv fields)
{
    struct err none = {0};
    json_t *v;
    if (!fields.n || json_parse(a, row, &v, &none) != 0) return row;
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "id", json_get_sv(v, "id"));
    for (sv rest = fields; rest.p;) {
        sv name = sv_trim(sv_cut(rest, ',', &rest));
        const json_t *value = name.n ? json_object_get(v, arena_str(a, name)) : NULL;
        if (!value || sv_eqs(name, "id")) continue;
        jsonw_key(&w, name);
        jsonw_json(&w, value);
    }
    jsonw_end_obj(&w);
    return buf_view(&b);
}

static sv only_id(struct arena *a, int64_t id)
{
    return arena_printf(a, "{\"id\":\"%lld\"}", (long long)id);
}

/* Does the filter let the row through? Asked as a list is, with the same rights. */
static int passes(const struct webhook *h, const struct model_written *w, struct model_ctx *c,
                  bool *yes, struct err *err)
{
    struct buf out = BUF_IN(c->arena);
    sv filter = arena_printf(c->arena, "(%.*s) and id = %lld", SVARG(h->filter), (long long)w->id);
    struct model_list l = {.filter = filter, .fields = SV("id"), .limit = 1};
    if (model_list(w->r, c, &l, &out, err) != 0) return -1;
    *yes = !sv_starts(buf_view(&out), SV("{\"items\":[]"));
    return 0;
}

/* *data stays SV_NULL when this webhook may not see the row. */
static int see(const struct webhook *h, const struct model_written *w, sv *data, struct err *err)
{
    struct model_ctx c = *w->c;
    struct buf out = BUF_IN(c.arena);
    struct err e = {0};
    bool yes = true;
    c.who = h->who;
    c.req = NULL;
    c.lang = "en";
    int rc = model_get(w->r, &c, w->id, SV_NULL, &out, &e);
    if (rc == 0 && h->filter.n) rc = passes(h, w, &c, &yes, &e);
    if (rc != 0) {
        if (e.status >= 500 || e.status == 409) {
            err_copy(err, &e);
            return -1;
        }
        if (e.status == 400) log_warn("webhook %lld: its filter fails", (long long)h->id);
        return 0; /* not to be seen, which is an answer */
    }
    if (yes)
        *data = w->going ? only_id(c.arena, w->id) : chosen(c.arena, buf_view(&out), h->fields);
    return 0;
}

static sv body_of(const struct auth_tenant *t, struct arena *a, const struct webhook_event *e)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", e->id);
    jsonw_kv_sv(&w, "event", e->name);
    jsonw_kv_id(&w, "sequence", e->id);
    jsonw_kv_time(&w, "created_at", id_time_us(e->id));
    jsonw_kv_sv(&w, "tenant", t->slug);
    jsonw_kv_sv(&w, "resource", e->resource);
    jsonw_kv_id(&w, "row_id", e->row);
    jsonw_kv_raw(&w, "data", e->data);
    jsonw_end_obj(&w);
    return buf_view(&b);
}

/* The body may hold values of encrypted fields; the field is one itself. */
struct auth_place webhook_body_place(int64_t delivery)
{
    return (struct auth_place){SV("core.webhook_delivery"), SV("body"), delivery};
}

int webhook_add(struct auth_tenant *t, struct store_conn *c, struct arena *a, int64_t webhook,
                bool held, const struct webhook_event *e, int64_t *id, struct err *err)
{
    int64_t now = clock_now_us();
    sv body;
    *id = id_next();
    struct auth_place at = webhook_body_place(*id);
    if (auth_seal_value(t, a, &at, body_of(t, a, e), &body, err) != 0) return -1;
    struct store_val args[] = {
        STORE_I(*id),
        STORE_T(now),
        STORE_T(now),
        STORE_I(webhook),
        STORE_S(e->name),
        STORE_S(arena_printf(a, "%lld", (long long)e->id)),
        STORE_S(arena_printf(a, "%lld", (long long)e->row)),
        STORE_S(body),
        STORE_S(held ? SV("held") : SV("pending")),
        STORE_T(now),
    };
    return store_exec(c,
                      SV("INSERT INTO core_webhook_delivery (id, created_at, updated_at, webhook,"
                         " event, event_id, row_id, body, status, next_at, attempts)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"),
                      args, sizeof args / sizeof *args, NULL, err);
}

/* ---- each write --------------------------------------------------------------------------- */

static int record_all(const struct model_written *w, const struct webhook_set *set, bool *any,
                      struct err *err)
{
    struct arena *a = w->c->arena;
    struct webhook_event e = {.name = arena_printf(a, "%.*s.%s", SVARG(w->resource), w->event),
                              .resource = w->resource,
                              .row = w->id};
    for (size_t i = 0; i < set->n; i++) {
        const struct webhook *h = &set->v[i];
        int64_t id;
        e.data = SV_NULL;
        if (!h->who || !webhook_wants(h->events, e.name)) continue;
        if (see(h, w, &e.data, err) != 0) return -1;
        if (!e.data.p) continue;
        if (!e.id) e.id = id_next();
        if (webhook_add(w->c->tenant, w->c->conn, a, h->id, !h->active, &e, &id, err) != 0)
            return -1;
        *any = true;
    }
    return 0;
}

int webhook_record(void *arg, const struct model_written *w, struct err *err)
{
    struct link_tenant *lt = link_tenant(arg, w->c->tenant);
    struct webhook_set *set;
    bool any = false;
    if (webhook_set_get(lt, w->c->conn, &set, err) != 0) return -1;
    int rc = set->n ? record_all(w, set, &any, err) : 0;
    webhook_set_drop(set);
    if (any) atomic_store(&lt->due, true);
    return rc;
}

void webhook_committed(void *arg, struct auth_tenant *t, sv resource)
{
    struct link_tenant *lt = atomic_load_explicit(&t->link, memory_order_acquire);
    if (sv_eqs(resource, "core.calendar_day")) auth_calendar_forget(t);
    if (!lt) return;
    if (sv_eqs(resource, "core.webhook") || sv_eqs(resource, "core.role") ||
        sv_eqs(resource, "core.staff")) {
        atomic_store(&lt->stale, true);
        atomic_store(&lt->due, true);
    }
    if (atomic_load(&lt->due)) webhook_pump_wake(arg);
}
