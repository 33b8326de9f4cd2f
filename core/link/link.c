/* The room's hooks and routes, and the steps that its files share. */
#define LOG_ROOM "link"
#include "link/room.h"

struct model_ctx link_ctx(struct http_req *req, struct store_conn *conn)
{
    return (struct model_ctx){.tenant = auth_tenant_of(req),
                              .who = auth_of(req),
                              .req = req,
                              .arena = http_arena(req),
                              .conn = conn,
                              .lang = http_lang(req)};
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

void link_hooks(void)
{
    model_core_hook("api_key_check", api_key_check);
}

int link_routes(struct model *m, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_POST, "/api/core/api_key/:id/secret", 0, api_key_secret, m, NULL},
    };
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
