/* Routes of plugins: guard, call, answer. */
#include "plugin/internal.h"

#define LOG_ROOM "plugin"

struct plug_route {
    struct plug *plug;
    const struct mf_route *mf;
    const struct plug_binding *binding;
    sv resource, action;         /* of `permission`; absent: none */
};

static int guard(const struct plug_route *r, const struct auth_tenant *t,
                 const struct auth_principal *who, struct err *err)
{
    if (!auth_plugin_on(t, sv_of(r->plug->id)))
        return err_set(err, 404, "plugin_disabled", NULL);
    if (!plug_running(r->plug)) {
        err_set(err, 503, "plugin_failed", NULL);
        err->retry_after = 30;
        return -1;
    }
    bool known = who->kind != AUTH_ANON;
    /* A partner's people come as far as a right of theirs is named. */
    bool staff = who->kind == AUTH_STAFF || who->kind == AUTH_KEY ||
                 (who->kind == AUTH_PARTNER && r->resource.p);
    if (r->mf->auth == MF_AUTH_STAFF && !staff)
        return known ? err_set(err, 403, "forbidden", NULL) : err_set(err, 401, "unauthorized", NULL);
    if (r->mf->auth == MF_AUTH_MEMBER && who->kind != AUTH_MEMBER)
        return known ? err_set(err, 403, "forbidden", NULL) : err_set(err, 401, "unauthorized", NULL);
    if (r->resource.p && !auth_can(who, r->resource, r->action))
        return err_set(err, 403, "forbidden", NULL);
    return 0;
}

void plug_later_half(struct atrium_later *l)
{
    if (atomic_fetch_sub(&l->halves, 1) == 1) http_send(l->req);
}

/* What the handler's return means. Nothing of `c` may be used after it. */
static void finish(const struct plug_route *r, struct atrium_ctx *c, atrium_status s,
                   const struct atrium_error *e)
{
    struct http_req *req = c->req;
    struct atrium_later *later = c->later;
    struct atrium_record *record = c->record;
    bool streaming = c->streaming;
    ctx_end(c);
    if (later) {                 /* somebody answers, whatever the handler says now */
        plug_later_half(later);
        return;
    }
    if (streaming) return;
    if (s == ATRIUM_LATER && record) {
        plug_stream_put(record);
        return;
    }
    struct err err;
    err_clear(&err);
    if (s == ATRIUM_OK && !record) return;
    atomic_fetch_add_explicit(&r->plug->failed_calls, 1, memory_order_relaxed);
    if (s == ATRIUM_OK)
        err_internal(&err, "%s appended a record and did not return ATRIUM_LATER", r->mf->hook);
    else if (s == ATRIUM_LATER)
        err_internal(&err, "%s promised an answer that nobody will give", r->mf->hook);
    else
        plug_error_in(r->plug, s, e, &err);
    buf_clear(http_out(req));
    http_fail(req, &err);
}

static void handle(struct http_req *req)
{
    const struct plug_route *r = http_route_data(req);
    struct plug *p = r->plug;
    struct auth_tenant *t = auth_tenant_of(req);
    const struct auth_principal *who = auth_of(req);
    struct plug_part *part;
    struct err err;
    err_clear(&err);
    if (guard(r, t, who, &err) != 0 || plug_part_open(p, t, &part, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct atrium_ctx *c = ctx_begin(CTX_REQUEST, p, part, t, who, http_arena(req));
    c->req = req;
    struct atrium_error e;
    plug_error_init(&e);
    struct plug_frame before = plug_enter(p, r->binding->call);
    atrium_status s = r->binding->fn.route(p->self, c, &e);
    plug_leave(before);
    finish(r, c, s, &e);
}

static bool method_of(const char *name, enum http_method *out)
{
    static const struct {
        const char *name;
        enum http_method method;
    } all[] = {{"GET", HTTP_GET},     {"POST", HTTP_POST},     {"PUT", HTTP_PUT},
               {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, name) == 0) {
            *out = all[i].method;
            return true;
        }
    }
    return false;
}

static int add_route(struct plug *p, const struct mf_route *mf, struct http_router *router,
                     struct err *err)
{
    struct arena *a = p->reg->arena;
    struct plug_route *r = ARENA_NEW(a, struct plug_route);
    r->plug = p;
    r->mf = mf;
    r->binding = plug_binding_find(p, PLUG_ROUTE, sv_of(mf->hook));
    if (mf->permission) {        /* "poll:read" is of our own resource */
        sv action, own = sv_cut(sv_of(mf->permission), ':', &action);
        r->resource = arena_printf(a, "%s.%.*s", p->id, SVARG(own));
        r->action = action;
    }
    struct http_route route = {
        .pattern = arena_printf(a, "/api/%s%s", p->id, mf->path).p,
        .flags = mf->upload ? HTTP_UPLOAD : 0,
        .handler = handle,
        .data = r,
        .owner = p,
    };
    if (!method_of(mf->method, &route.method))
        return err_internal(err, "route %s: unknown method %s", mf->path, mf->method);
    return http_router_add(router, &route, err);
}

int plug_routes(struct plug_registry *r, struct http_router *router, struct err *err)
{
    (void)err;
    for (unsigned i = 0; i < r->n_plugs; i++) {
        struct plug *p = r->plugs[i];
        if (atomic_load(&p->state) != PLUG_READY && !plug_running(p)) continue;
        for (size_t k = 0; k < p->mf->n_routes; k++) {
            struct err own = {0};
            if (add_route(p, &p->mf->routes[k], router, &own) == 0) continue;
            /* Its earlier routes stay and answer "plugin_failed". */
            plug_fail(p, "route %s %s: %s %s", p->mf->routes[k].method, p->mf->routes[k].path,
                      own.code, own.detail);
            break;
        }
    }
    return 0;
}
