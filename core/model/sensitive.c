/* Sensitive operations: what the manifest demands, raised by the tenant's setting
 * `sensitive`, never lowered. */
#define LOG_ROOM "model"
#include "model/internal.h"

static unsigned of_manifest(const struct mf_resource *mf, const char *action)
{
    for (size_t i = 0; i < mf->n_sensitive; i++)
        if (strcmp(mf->sensitive[i].action, action) == 0)
            return mf->sensitive[i].demand == MF_REAUTH ? DEMAND_REAUTH : DEMAND_SECOND;
    return 0;
}

/* {"crm.customer": {"delete": "reauth", "do.pay": "second_person"}} */
static unsigned of_tenant(const struct model_resource *r, struct model_ctx *c, const char *action)
{
    const struct model_resource *core = model_find(r->model, SV("core.approval"));
    if (!core) return 0;
    sv text = model_setting(c->tenant, c->arena, core->mf->manifest, SV("sensitive"));
    json_t *all = NULL;
    struct err none = {0};
    if (text.n < 3 || json_parse(c->arena, text, &all, &none) < 0) return 0;
    const json_t *mine = json_object_getn(all, r->name.p, r->name.n);
    const json_t *v = json_object_get(mine, action);
    if (!v) v = json_object_get(mine, arena_printf(c->arena, "do.%s", action).p);
    const char *demand = json_string_value(v);
    if (!demand) return 0;
    return strcmp(demand, "second_person") == 0 ? DEMAND_SECOND : DEMAND_REAUTH;
}

unsigned sensitive_demand(const struct model_resource *r, struct model_ctx *c, const char *action)
{
    return of_manifest(r->mf, action) | of_tenant(r, c, action);
}

int sensitive_check(const struct model_resource *r, struct model_ctx *c, const char *action,
                    struct err *err)
{
    if (c->who->kind == AUTH_SYSTEM || c->agreed || c->proved) return 0;
    if (!(sensitive_demand(r, c, action) & DEMAND_REAUTH)) return 0;
    struct store_conn *conn;
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = auth_proved(c->who, conn, err);
    conn_leave(c, conn);
    return rc;
}
