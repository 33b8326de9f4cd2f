/* The context behind struct atrium_ctx: who, which tenant, which connection. */
#include "plugin/internal.h"

#include <stdio.h>

#define LOG_ROOM "plugin"

struct atrium_ctx *ctx_begin(enum ctx_kind kind, struct plug *p, struct plug_part *part,
                             struct auth_tenant *t, const struct auth_principal *who,
                             struct arena *a)
{
    struct atrium_ctx *c = ARENA_NEW(a, struct atrium_ctx);
    c->magic = CTX_ALIVE;
    c->kind = kind;
    c->thread = pthread_self();
    c->plug = p;
    c->part = part;
    c->tenant = t;
    c->who = who;
    c->arena = a;
    c->messages_end = &c->messages;
    return c;
}

void ctx_end(struct atrium_ctx *c)
{
    if (c->own_conn && c->conn) store_put(c->conn);
    c->conn = NULL;
    c->magic = CTX_DEAD;
}

int ctx_conn(struct atrium_ctx *c, struct store_conn **out, struct err *err)
{
    if (!c->conn) {
        if (store_get(c->tenant->db, &c->conn, err) != 0) return -1;
        c->own_conn = true;
    }
    *out = c->conn;
    return 0;
}

/* A thread that holds one connection and waits for a second can starve the pool:
 * before another room takes its own, ours goes back. */
void ctx_yield_conn(struct atrium_ctx *c)
{
    if (c->own_conn && c->conn && !c->in_tx) {
        store_put(c->conn);
        c->conn = NULL;
        c->own_conn = false;
    }
}

bool ctx_uncommitted(const struct atrium_ctx *c)
{
    return c->in_tx || c->kind == CTX_BATCH || c->kind == CTX_CHANGE;
}

void ctx_send_messages(struct atrium_ctx *c)
{
    struct plug_registry *r = c->plug->reg;
    if (c->done) {
        struct model_ctx m = {
            .tenant = c->tenant, .who = c->who, .req = c->req, .arena = c->arena, .done = c->done};
        c->done = NULL;
        model_committed(&m);     /* each write is told as its own principal's */
    }
    for (struct ctx_message *m = c->messages; m; m = m->next) {
        if (m->interval_ms)
            coalesce_put(r->coalesce, c->tenant->id, m->name, m->data, m->interval_ms);
        else
            work_hub_publish(r->o.hub, c->tenant->id, m->name, m->data);
    }
    if (c->wake_jobs) {
        struct work_jobs *jobs = atomic_load(&r->jobs);
        if (jobs) work_jobs_wake(jobs);
    }
    ctx_drop_messages(c);
}

void ctx_drop_messages(struct atrium_ctx *c)
{
    c->messages = NULL;
    c->messages_end = &c->messages;
    c->wake_jobs = false;
    c->done = NULL;
}

#ifdef ATRIUM_DEBUG_HOST
void ctx_check(const struct atrium_ctx *c, const char *function)
{
    const char *why = !c ? "has no context"
                      : c->magic == CTX_DEAD ? "came after the callback returned"
                      : c->magic != CTX_ALIVE ? "has something that is no context"
                      : !pthread_equal(c->thread, pthread_self()) ? "came from another thread"
                                                                  : NULL;
    if (!why) return;
    static char text[160];       /* the process ends with it */
    struct plug *p = plug_current();
    snprintf(text, sizeof text, "ABI: a [worker] call %s (%s, plugin %s)", why, function,
             p ? p->id : "?");
    panic(text);
}
#endif

/* ---- which plugin this thread is in ------------------------------------------------ */

static _Thread_local struct plug_frame here;

struct plug_frame plug_enter(struct plug *p, unsigned call)
{
    struct plug_frame before = here;
    here = (struct plug_frame){p, call};
    plug_page_here(p->reg->o.page, call);
    atomic_fetch_add_explicit(&p->calls, 1, memory_order_relaxed);
    return before;
}

void plug_leave(struct plug_frame before)
{
    plug_page_here(here.plug->reg->o.page, before.call);
    here = before;
}

struct plug *plug_current(void)
{
    return here.plug;
}
