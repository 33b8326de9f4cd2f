/* atrium.jobs/1 */
#include "plugin/internal.h"

static atrium_status bind_job(const struct atrium_host *host, struct atrium_str name,
                              atrium_job_fn *fn, struct atrium_error *err)
{
    return plug_bind(host, PLUG_JOB, name, (void (*)(void))fn, err);
}

static atrium_status enqueue(struct atrium_ctx *ctx, struct atrium_str name,
                             struct atrium_str payload, const struct atrium_enqueue *opts,
                             int64_t *id, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    static const struct atrium_enqueue none = {.size = sizeof none};
    if (!opts) opts = &none;
    if (opts->size < sizeof *opts)
        return plug_fault(err, ATRIUM_E_ARGUMENT, "jobs.enqueue: opts->size is too small");
    if (ctx->reading)
        return plug_fault(err, ATRIUM_E_STATE, "jobs.enqueue is used from a row callback");
    if (!plug_binding_find(ctx->plug, PLUG_JOB, to_sv(name)))
        return plug_fault(err, ATRIUM_E_ARGUMENT, "jobs.enqueue: the job is not declared");
    struct work_add add = {
        .kind = arena_printf(ctx->arena, "%s.%.*s", ctx->plug->id, SVARG(to_sv(name))),
        .payload = to_sv(payload),
        .key = to_sv(opts->key),
        .run_at_us = opts->run_at_us,
        .priority = opts->priority,
        .max_attempts = (int)(opts->max_attempts < 1000 ? opts->max_attempts : 1000),
    };
    struct store_conn *c;
    struct err e;
    err_clear(&e);
    int64_t made = 0;
    if (ctx_conn(ctx, &c, &e) != 0 || work_job_add(c, &add, &made, &e) != 0)
        return plug_error_out(err, &e);
    if (id) *id = made;
    ctx->wake_jobs = true;
    if (!ctx_uncommitted(ctx)) ctx_send_messages(ctx);
    return ATRIUM_OK;
}

static bool progress(struct atrium_ctx *ctx, uint32_t percent)
{
    CTX_CHECK(ctx);
    if (!ctx->job) return true;
    ctx_yield_conn(ctx);
    return work_job_progress(ctx->job, percent < 100 ? (int)percent : 100);
}

const struct atrium_jobs_1 plug_jobs_1 = {
    .bind_job = bind_job,
    .enqueue = enqueue,
    .progress = progress,
};
