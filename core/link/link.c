/* The room's beginning and end, its routes, and the steps that its files share. */
#define LOG_ROOM "link"

#include <stdlib.h>

#include "link/room.h"

/* Hooks of the core have no argument of their own. */
static struct link *the_link;

/* ---- common steps --------------------------------------------------------------------- */

struct model_ctx link_ctx(struct http_req *req, struct store_conn *conn)
{
    return (struct model_ctx){.tenant = auth_tenant_of(req),
                              .who = auth_of(req),
                              .req = req,
                              .arena = http_arena(req),
                              .conn = conn,
                              .lang = http_lang(req)};
}

struct link *link_of(const struct http_req *req)
{
    return req ? http_route_data(req) : the_link;
}

int link_id(struct http_req *req, int64_t *id, struct err *err)
{
    if (sv_i64(http_param(req, "id"), id) && *id > 0) return 0;
    return err_set(err, 404, "not_found", NULL);
}

int link_tx(struct auth_tenant *t, int (*fn)(void *arg, struct store_conn *c, struct err *err),
            void *arg, struct err *err)
{
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0) return -1;
    int rc = store_tx(c, fn, arg, err);
    store_put(c);
    return rc;
}

int link_may_update(struct http_req *req, struct store_conn *conn, const struct model_resource *r,
                    int64_t id, struct err *err)
{
    struct model_ctx c = link_ctx(req, conn);
    json_t *nothing = json_object();
    int rc = model_update(r, &c, id, -1, nothing, err);
    json_decref(nothing);
    return rc;
}

struct link_tenant *link_tenant(struct link *l, struct auth_tenant *t)
{
    struct link_tenant *lt = atomic_load_explicit(&t->link, memory_order_acquire);
    if (lt) return lt;
    lt = xmalloc(sizeof *lt);
    *lt = (struct link_tenant){.t = t};
    pthread_mutex_init(&lt->lock, NULL);
    void *none = NULL;
    if (!atomic_compare_exchange_strong(&t->link, &none, lt)) {
        pthread_mutex_destroy(&lt->lock);
        free(lt);
        return none;
    }
    lt->next = atomic_load(&l->tenants);
    while (!atomic_compare_exchange_weak(&l->tenants, &lt->next, lt)) {
    }
    return lt;
}

/* ---- beginning and end ---------------------------------------------------------------- */

struct link *link_new(const struct link_opts *o)
{
    struct link *l = xmalloc(sizeof *l);
    *l = (struct link){.o = *o};
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wake, NULL);
    the_link = l;
    model_core_hook("api_key_check", api_key_check);
    model_core_hook("agreement_check", agreement_check);
    model_core_hook("agreement_version_check", agreement_version_check);
    model_core_hook("agreement_publish", agreement_publish);
    model_core_hook("webhook_check", webhook_check);
    model_core_hook("webhook_move", webhook_move);
    model_core_job(o->model, "webhook_sweep", webhook_sweep);
    model_set_outbox(
        o->model,
        &(struct model_outbox){.arg = l, .record = webhook_record, .committed = webhook_committed});
    return l;
}

int link_routes(struct link *l, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_POST, "/api/core/api_key/:id/secret", 0, api_key_secret, l, NULL},
        {HTTP_GET, "/api/core/public/agreements", 0, agreement_list, l, NULL},
        {HTTP_GET, "/api/core/public/agreements/:code", 0, agreement_get, l, NULL},
        {HTTP_POST, "/api/core/public/agreements/accept", 0, agreement_accept, l, NULL},
        {HTTP_GET, "/api/core/calendar/:year", 0, calendar_get, l, NULL},
        {HTTP_POST, "/api/core/calendar/:year/init", 0, calendar_init, l, NULL},
        {HTTP_PUT, "/api/core/calendar/days", 0, calendar_set, l, NULL},
        {HTTP_POST, "/api/core/webhook/:id/secret", 0, webhook_secret, l, NULL},
        {HTTP_POST, "/api/core/webhook/:id/test", 0, webhook_test, l, NULL},
        {HTTP_POST, "/api/core/webhook/:id/replay", 0, webhook_replay, l, NULL},
    };
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}

int link_start(struct link *l, struct err *err)
{
    return webhook_pump_start(l, err);
}

void link_stop(struct link *l)
{
    webhook_pump_stop(l);
}

void link_free(struct link *l)
{
    for (struct sending *s = l->results, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    for (struct link_tenant *lt = l->tenants, *next; lt; lt = next) {
        next = lt->next;
        webhook_set_drop(lt->set);
        atomic_store(&lt->t->link, NULL);
        pthread_mutex_destroy(&lt->lock);
        free(lt);
    }
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    the_link = NULL;
    free(l);
}
