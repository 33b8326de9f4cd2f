/* Names that a manifest declares, and the functions that init puts behind them:
 * all or none. */
#include "plugin/internal.h"

#include <stdio.h>

#define LOG_ROOM "plugin"

const char *const plug_kind_names[] = {"route", "check", "transition", "event", "job", "stream"};

static size_t upper_bound(const struct mf_manifest *m)
{
    size_t n = m->n_routes + m->n_hooks + m->n_jobs + m->n_streams;
    for (size_t i = 0; i < m->n_resources; i++) n += 1 + m->resources[i].n_transitions + m->resources[i].n_fields;
    return n;
}

static struct plug_binding *find(const struct plug *p, enum plug_kind kind, sv name)
{
    for (unsigned i = 0; i < p->n_bindings; i++) {
        if (p->bindings[i].kind == kind && sv_eqs(name, p->bindings[i].name))
            return &p->bindings[i];
    }
    return NULL;
}

const struct plug_binding *plug_binding_find(const struct plug *p, enum plug_kind kind, sv name)
{
    return find(p, kind, name);
}

/* Several routes or transitions may share one function. */
static void declare(struct plug *p, enum plug_kind kind, const char *name)
{
    if (!name || find(p, kind, sv_of(name))) return;
    sv call = arena_printf(p->reg->arena, "%s %s", plug_kind_names[kind], name);
    p->bindings[p->n_bindings++] = (struct plug_binding){
        .kind = kind,
        .name = name,
        .call = plug_page_line(p->reg->o.page, p->id, call.p),
    };
}

int plug_declare(struct plug *p, struct err *err)
{
    const struct mf_manifest *m = p->mf;
    p->bindings = ARENA_ARRAY(p->reg->arena, struct plug_binding, upper_bound(m) + 1);
    for (size_t i = 0; i < m->n_routes; i++) declare(p, PLUG_ROUTE, m->routes[i].hook);
    for (size_t i = 0; i < m->n_resources; i++) {
        const struct mf_resource *r = &m->resources[i];
        declare(p, PLUG_CHECK, r->check_hook);
        for (size_t f = 0; f < r->n_fields; f++)
            declare(p, PLUG_CHECK, r->fields[f].compute_hook);
        for (size_t t = 0; t < r->n_transitions; t++)
            declare(p, PLUG_TRANSITION, r->transitions[t].hook);
    }
    for (size_t i = 0; i < m->n_hooks; i++) declare(p, PLUG_EVENT, m->hooks[i].hook);
    for (size_t i = 0; i < m->n_jobs; i++) declare(p, PLUG_JOB, m->jobs[i].hook);
    for (size_t i = 0; i < m->n_streams; i++) declare(p, PLUG_STREAM, m->streams[i].hook);
    if (p->n_bindings && !m->library)
        return err_internal(err, "the manifest names the %s %s but no library",
                            plug_kind_names[p->bindings[0].kind], p->bindings[0].name);
    return 0;
}

static atrium_status refuse(struct plug *p, struct atrium_error *err, atrium_status s,
                            const char *fmt, enum plug_kind kind, sv name)
{
    char text[256];
    snprintf(text, sizeof text, fmt, plug_kind_names[kind], SVARG(name));
    if (!p->bind_error[0]) memcpy(p->bind_error, text, sizeof text);
    return plug_fault(err, s, text);
}

atrium_status plug_bind(const struct atrium_host *host, enum plug_kind kind,
                        struct atrium_str name, void (*fn)(void), struct atrium_error *err)
{
    struct plug *p = ((struct plug_host *)host)->plug;
    sv n = to_sv(name);
    pthread_mutex_lock(&p->reg->lock);
    atrium_status s = ATRIUM_OK;
    struct plug_binding *b = find(p, kind, n);
    if (!p->binding)
        s = refuse(p, err, ATRIUM_E_STATE, "%s %.*s: names are bound in init only", kind, n);
    else if (!b)
        s = refuse(p, err, ATRIUM_E_ARGUMENT, "%s %.*s is not in the manifest", kind, n);
    else if (!fn)
        s = refuse(p, err, ATRIUM_E_ARGUMENT, "%s %.*s is bound to no function", kind, n);
    else if (b->fn.any)
        s = refuse(p, err, ATRIUM_E_ARGUMENT, "%s %.*s is bound twice", kind, n);
    else
        b->fn.any = fn;
    pthread_mutex_unlock(&p->reg->lock);
    return s;
}
