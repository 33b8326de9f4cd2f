/* Changes of rows: checks and transitions before, events after. */
#include "plugin/internal.h"

#include <stdlib.h>

#define LOG_ROOM "plugin"

/* ---- before: inside the model's transaction -------------------------------------- */

int plug_call_change(void *arg, sv plugin, const char *name, struct model_hook_call *call,
                     struct err *err)
{
    struct plug_registry *r = arg;
    struct plug *p = plug_by_id(r, plugin);
    bool check = strcmp(call->event, "check") == 0;
    const struct plug_binding *b =
        p ? plug_binding_find(p, check ? PLUG_CHECK : PLUG_TRANSITION, sv_of(name)) : NULL;
    if (!b || !plug_running(p)) {
        /* A rule that cannot be asked has not said yes. */
        err_set(err, 503, "plugin_failed", NULL);
        err_detail(err, "hook %s of %.*s cannot run", name, SVARG(plugin));
        err->retry_after = 30;
        return -1;
    }
    struct plug_part *part;
    if (plug_part_open(p, call->tenant, &part, err) != 0) return -1;
    struct atrium_ctx *c = ctx_begin(CTX_CHANGE, p, part, call->tenant, call->who, call->arena);
    c->conn = call->conn;
    c->change = call;
    sv resource = arena_printf(call->arena, "%s.%s", p->id, call->resource->name);
    struct atrium_change change = {
        .size = sizeof change,
        .event = to_str(sv_of(call->event)),
        .resource = to_str(resource),
        .id = call->id,
        .before = (const struct atrium_json *)call->before,
        .after = (const struct atrium_json *)call->after,
    };
    struct atrium_error e;
    plug_error_init(&e);
    struct plug_frame before = plug_enter(p, b->call);
    atrium_status s = b->fn.change(p->self, c, &change, &e);
    plug_leave(before);
    call->done = c->done;        /* the hook's own writes go out with the one it belongs to */
    ctx_end(c);
    if (s == ATRIUM_OK) return 0;
    atomic_fetch_add_explicit(&p->failed_calls, 1, memory_order_relaxed);
    return plug_error_in(p, s, &e, err);
}

void plug_model_hooks(struct plug_registry *r, struct model_hooks *out)
{
    *out = (struct model_hooks){.arg = r, .call = plug_call_change, .event = plug_call_event};
}

/* ---- after: the subscribers of an event -------------------------------------------- */

static int by_event(const void *a, const void *b)
{
    const struct plug_event *x = a, *y = b;
    int c = strcmp(x->hook->on, y->hook->on);
    if (c) return c;
    if (x->hook->order != y->hook->order) return x->hook->order < y->hook->order ? -1 : 1;
    return strcmp(x->plug->id, y->plug->id);
}

void plug_events_build(struct plug_registry *r)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->n_plugs; i++)
        n += r->plugs[i]->mf ? (unsigned)r->plugs[i]->mf->n_hooks : 0;
    r->events = ARENA_ARRAY(r->arena, struct plug_event, n + 1);
    for (unsigned i = 0; i < r->n_plugs; i++) {
        struct plug *p = r->plugs[i];
        if (atomic_load(&p->state) != PLUG_READY) continue;
        for (size_t k = 0; k < p->mf->n_hooks; k++) {
            const struct mf_hook *h = &p->mf->hooks[k];
            r->events[r->n_events++] =
                (struct plug_event){p, h, plug_binding_find(p, PLUG_EVENT, sv_of(h->hook))};
        }
    }
    if (r->n_events) qsort(r->events, r->n_events, sizeof *r->events, by_event);
}

static void tell(const struct plug_event *s, struct auth_tenant *t, sv event, int64_t id, sv json)
{
    struct plug *p = s->plug;
    struct err err;
    err_clear(&err);
    struct plug_part *part;
    struct arena *a = arena_new(0);
    json_t *data = NULL;
    if (plug_part_open(p, t, &part, &err) == 0 &&
        (json.n == 0 || json_parse(a, json, &data, &err) == 0)) {
        struct atrium_ctx *c = ctx_begin(CTX_EVENT, p, part, t, &auth_system, a);
        const char *dot = event.n ? memrchr(event.p, '.', event.n) : NULL;
        struct atrium_change change = {
            .size = sizeof change,
            .event = to_str(event),
            .resource = to_str(dot ? sv_make(event.p, (size_t)(dot - event.p)) : SV_NULL),
            .id = id,
            .after = (const struct atrium_json *)data,
        };
        struct atrium_error e;
        plug_error_init(&e);
        struct plug_frame before = plug_enter(p, s->binding->call);
        atrium_status st = s->binding->fn.change(p->self, c, &change, &e);
        plug_leave(before);
        ctx_end(c);
        if (st != ATRIUM_OK) plug_error_in(p, st, &e, &err);
    }
    if (err_is(&err)) {
        atomic_fetch_add_explicit(&p->failed_calls, 1, memory_order_relaxed);
        log_warn("%s: event %.*s %lld: %s %s", p->id, SVARG(event), (long long)id, err.code,
                 err.detail);
    }
    arena_free(a);
}

void plug_call_event(void *arg, struct auth_tenant *t, sv event, int64_t id, sv json)
{
    struct plug_registry *r = arg;
    for (unsigned i = 0; i < r->n_events; i++) {
        const struct plug_event *s = &r->events[i];
        if (!sv_eqs(event, s->hook->on)) continue;
        if (plug_running(s->plug) && auth_plugin_on(t, sv_of(s->plug->id)))
            tell(s, t, event, id, json);
    }
}
