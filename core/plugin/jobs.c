/* Durable jobs of plugins and the schedules that the manifests declare. */
#include "plugin/internal.h"

#include <stdlib.h>

#define LOG_ROOM "plugin"

bool plug_owns_job(const struct plug_registry *r, sv kind)
{
    sv hook;
    return plug_by_id(r, sv_cut(kind, '.', &hook)) != NULL;
}

int plug_job_run(struct plug_registry *r, struct work_job *job, struct err *err)
{
    sv hook, id = sv_cut(job->kind, '.', &hook);
    struct auth_tenant *t = job->tenant;
    struct plug *p = plug_by_id(r, id);
    const struct plug_binding *b = p ? plug_binding_find(p, PLUG_JOB, hook) : NULL;
    if (!b) return err_internal(err, "there is no job %.*s", SVARG(job->kind));
    if (!plug_running(p) || !auth_plugin_on(t, id)) {
        err_set(err, 503, "plugin_disabled", NULL);
        return -1;
    }
    struct plug_part *part;
    if (plug_part_open(p, t, &part, err) != 0) return -1;
    struct atrium_ctx *c = ctx_begin(CTX_JOB, p, part, t, &auth_system, job->arena);
    c->job = job;
    struct atrium_job j = {
        .size = sizeof j,
        .attempt = (uint32_t)job->attempt,
        .id = job->id,
        .payload = to_str(job->payload),
    };
    struct atrium_error e;
    plug_error_init(&e);
    struct plug_frame before = plug_enter(p, b->call);
    atrium_status s = b->fn.job(p->self, c, &j, &e);
    plug_leave(before);
    ctx_end(c);
    if (s == ATRIUM_OK) return 0;
    atomic_fetch_add_explicit(&p->failed_calls, 1, memory_order_relaxed);
    return plug_error_in(p, s, &e, err);
}

/* ---- schedules ------------------------------------------------------------------------ */

struct schedules {
    struct plug_registry *reg;
    struct arena *a;
    struct work_schedule *list;
    size_t n, cap;
};

static void push(struct schedules *s, struct work_schedule one)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 32;
        struct work_schedule *list = ARENA_ARRAY(s->a, struct work_schedule, cap);
        if (s->n) memcpy(list, s->list, s->n * sizeof *list);
        s->list = list;
        s->cap = cap;
    }
    s->list[s->n++] = one;
}

static void of_manifest(struct schedules *s, struct auth_tenant *t, const struct mf_manifest *m)
{
    for (size_t k = 0; k < m->n_jobs; k++) {
        const struct mf_job *j = &m->jobs[k];
        if (!j->cron) continue;          /* enqueued by itself only */
        push(s, (struct work_schedule){
                    .tenant = t,
                    .db = t->db,
                    .name = arena_printf(s->a, "%s.%s", m->id, j->id),
                    .kind = arena_printf(s->a, "%s.%s", m->id, j->hook),
                    .expr = sv_of(j->cron),
                    .offset_minutes = t->utc_offset,
                });
    }
}

static bool of_tenant(void *arg, struct auth_tenant *t)
{
    struct schedules *s = arg;
    const struct mf_manifest *core = s->reg->model ? model_core_manifest(s->reg->model) : NULL;
    if (core) of_manifest(s, t, core);
    for (unsigned i = 0; i < s->reg->n_plugs; i++) {
        struct plug *p = s->reg->plugs[i];
        if (!plug_running(p) || !auth_plugin_on(t, sv_of(p->id))) continue;
        of_manifest(s, t, p->mf);
    }
    return true;
}

int plug_schedules_set(struct plug_registry *r, struct err *err)
{
    struct work_jobs *jobs = atomic_load(&r->jobs);
    if (!jobs) return 0;
    struct schedules s = {.reg = r, .a = arena_new(0)};
    /* Two switches at once: the list that is made later must win. */
    pthread_mutex_lock(&r->schedules_lock);
    auth_each_tenant(r->o.auth, of_tenant, &s);
    int rc = work_jobs_set_schedules(jobs, s.list, s.n, err);
    pthread_mutex_unlock(&r->schedules_lock);
    arena_free(s.a);
    return rc;
}
