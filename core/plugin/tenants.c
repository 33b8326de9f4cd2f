/* What the plugins keep of a tenant: their state and the writers of their
 * streams. Made on first use, ended with the process. */
#include "plugin/internal.h"

#include <stdlib.h>

#define LOG_ROOM "plugin"

static void part_init(struct plug_part *part, struct plug *p, struct auth_tenant *t)
{
    pthread_mutex_init(&part->lock, NULL);
    size_t n = p->mf ? p->mf->n_streams : 0;
    if (n == 0) return;
    part->streams = xmalloc(n * sizeof *part->streams);
    memset(part->streams, 0, n * sizeof *part->streams);
    for (size_t i = 0; i < n; i++) {
        struct plug_stream *s = &part->streams[i];
        s->plug = p;
        s->tenant = t;
        s->mf = &p->mf->streams[i];
        s->binding = plug_binding_find(p, PLUG_STREAM, sv_of(s->mf->hook));
        pthread_rwlock_init(&s->lock, NULL);
    }
}

struct plug_tenant *plug_tenant_of(struct plug_registry *r, struct auth_tenant *t)
{
    struct plug_tenant *pt = atomic_load_explicit(&t->plugins, memory_order_acquire);
    if (pt) return pt;
    pthread_mutex_lock(&r->tenants_lock);
    pt = atomic_load(&t->plugins);
    if (!pt) {
        size_t size = sizeof *pt + r->n_plugs * sizeof pt->of[0];
        pt = xmalloc(size);
        memset(pt, 0, size);
        pt->tenant = t;
        for (unsigned i = 0; i < r->n_plugs; i++) part_init(&pt->of[i], r->plugs[i], t);
        pt->next = r->tenants;
        r->tenants = pt;
        atomic_store_explicit(&t->plugins, pt, memory_order_release);
    }
    pthread_mutex_unlock(&r->tenants_lock);
    return pt;
}

static int open_now(struct plug *p, struct plug_part *part, struct auth_tenant *t, struct err *err)
{
    struct arena *a = arena_new(0);
    struct atrium_ctx *c = ctx_begin(CTX_TENANT, p, NULL, t, &auth_system, a);
    struct atrium_error e;
    plug_error_init(&e);
    struct plug_frame before = plug_enter(p, p->call_lifecycle);
    void *state = NULL;
    atrium_status s = p->entry.tenant_open(p->self, c, &state, &e);
    plug_leave(before);
    int rc = 0;
    if (s == ATRIUM_OK)
        part->state = state;
    else
        rc = plug_error_in(p, s, &e, err);
    ctx_end(c);
    arena_free(a);
    return rc;
}

int plug_part_open(struct plug *p, struct auth_tenant *t, struct plug_part **out, struct err *err)
{
    struct plug_part *part = &plug_tenant_of(p->reg, t)->of[p->index];
    int rc = 0;
    if (!atomic_load_explicit(&part->open, memory_order_acquire)) {
        pthread_mutex_lock(&part->lock);
        if (!atomic_load(&part->open)) {
            if (p->entry.tenant_open) rc = open_now(p, part, t, err);
            if (rc == 0) atomic_store_explicit(&part->open, true, memory_order_release);
        }
        pthread_mutex_unlock(&part->lock);
    }
    if (rc == 0) *out = part;
    return rc;
}

static size_t n_streams(const struct plug *p)
{
    return p->mf ? p->mf->n_streams : 0;
}

void plug_tenants_drain(struct plug_registry *r)
{
    /* No tenant is added any more: requests and jobs have ended or are refused. */
    for (struct plug_tenant *t = r->tenants; t; t = t->next) {
        for (unsigned i = 0; i < r->n_plugs; i++) {
            for (size_t k = 0; k < n_streams(r->plugs[i]); k++)
                plug_stream_stop(&t->of[i].streams[k]);
        }
    }
}

static void part_close(struct plug *p, struct plug_part *part)
{
    /* A plugin that hung is never called again; what it holds stays with it. */
    if (atomic_load(&part->open) && p->entry.tenant_close && !p->hung) {
        struct plug_frame before = plug_enter(p, p->call_lifecycle);
        p->entry.tenant_close(p->self, part->state);
        plug_leave(before);
    }
    for (size_t k = 0; k < n_streams(p); k++) pthread_rwlock_destroy(&part->streams[k].lock);
    free(part->streams);
    pthread_mutex_destroy(&part->lock);
}

void plug_tenants_close(struct plug_registry *r)
{
    for (struct plug_tenant *t = r->tenants, *next; t; t = next) {
        next = t->next;
        for (unsigned i = 0; i < r->n_plugs; i++) part_close(r->plugs[i], &t->of[i]);
        atomic_store(&t->tenant->plugins, NULL);
        free(t);
    }
    r->tenants = NULL;
}

void plug_tenants_stats(const struct plug_registry *r, struct plug_stats *out)
{
    struct plug_registry *m = (struct plug_registry *)r;     /* for the lock only */
    pthread_mutex_lock(&m->tenants_lock);
    for (struct plug_tenant *t = r->tenants; t; t = t->next) {
        for (unsigned i = 0; i < r->n_plugs; i++) {
            for (size_t k = 0; k < n_streams(r->plugs[i]); k++)
                plug_stream_stats(&t->of[i].streams[k], out);
        }
    }
    pthread_mutex_unlock(&m->tenants_lock);
}
