/* A plugin on or off for a tenant. */
#include "plugin/internal.h"

#define LOG_ROOM "plugin"

static bool needs(const struct mf_manifest *m, const char *id)
{
    for (size_t i = 0; i < m->n_requires; i++) {
        if (strcmp(m->requires[i], id) == 0) return true;
    }
    return false;
}

static int check_others(struct plug *p, const struct auth_tenant *t, bool on, struct err *err)
{
    const struct plug_registry *r = p->reg;
    for (size_t i = 0; on && i < p->mf->n_requires; i++) {
        if (!auth_plugin_on(t, sv_of(p->mf->requires[i])))
            return err_set(err, 409, "plugin_requires", p->mf->requires[i], NULL);
    }
    for (unsigned i = 0; !on && i < r->n_plugs; i++) {
        const struct plug *q = r->plugs[i];
        if (q->mf && needs(q->mf, p->id) && auth_plugin_on(t, sv_of(q->id)))
            return err_set(err, 409, "plugin_required", q->id, NULL);
    }
    return 0;
}

/* The plugin's own say. */
static int call_out(struct plug *p, struct auth_tenant *t, const struct auth_principal *by, bool on,
                    struct err *err)
{
    atrium_status (*fn)(void *, struct atrium_ctx *, struct atrium_error *) =
        on ? p->entry.enable : p->entry.disable;
    struct plug_part *part;
    if (!fn) return 0;
    if (plug_part_open(p, t, &part, err) != 0) return -1;
    struct arena *a = arena_new(0);
    struct atrium_ctx *c = ctx_begin(CTX_TENANT, p, part, t, by, a);
    struct atrium_error e;
    plug_error_init(&e);
    struct plug_frame before = plug_enter(p, p->call_lifecycle);
    atrium_status s = fn(p->self, c, &e);
    plug_leave(before);
    ctx_end(c);
    int rc = s == ATRIUM_OK ? 0 : plug_error_in(p, s, &e, err);
    arena_free(a);
    return rc;
}

static int install(struct plug *p, struct auth_tenant *t, struct err *err)
{
    if (model_migrate(p->reg->model, p->mf, t, err) != 0) return -1;
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0) return -1;
    int rc = auth_install_roles(c, p->mf, err);
    store_put(c);
    return rc;
}

int plug_switch(struct plug_registry *r, struct auth_tenant *t, const struct auth_principal *by,
                sv id, bool on, struct err *err)
{
    struct plug *p = plug_by_id(r, id);
    if (!p) {
        char name[64] = "";
        memcpy(name, id.p ? id.p : "", id.n < sizeof name ? id.n : sizeof name - 1);
        return err_set(err, 404, "plugin_unknown", name, NULL);
    }
    if (!p->mf || (on && !plug_running(p))) return err_set(err, 409, "plugin_failed", NULL);
    if (check_others(p, t, on, err) != 0) return -1;
    /* A plugin that does not run can still be switched off. */
    if (on && install(p, t, err) != 0) return -1;
    if (plug_running(p) && call_out(p, t, by, on, err) != 0) return -1;
    if (auth_plugin_switch(t, id, sv_of(p->mf->version), on, by->id, err) != 0) return -1;
    auth_forget(t);
    struct err own = {0};
    if (plug_schedules_set(r, &own) != 0)
        log_error("schedules after switching %s: %s", p->id, own.detail);
    log_info("plugin %s is %s for %.*s", p->id, on ? "on" : "off", SVARG(t->slug));
    return 0;
}
