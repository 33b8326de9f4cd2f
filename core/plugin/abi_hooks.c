/* atrium.hooks/1 */
#include "plugin/internal.h"

static atrium_status bind_check(const struct atrium_host *host, struct atrium_str name,
                                atrium_change_fn *fn, struct atrium_error *err)
{
    return plug_bind(host, PLUG_CHECK, name, (void (*)(void))fn, err);
}

static atrium_status bind_transition(const struct atrium_host *host, struct atrium_str name,
                                     atrium_change_fn *fn, struct atrium_error *err)
{
    return plug_bind(host, PLUG_TRANSITION, name, (void (*)(void))fn, err);
}

static atrium_status bind_event(const struct atrium_host *host, struct atrium_str name,
                                atrium_change_fn *fn, struct atrium_error *err)
{
    return plug_bind(host, PLUG_EVENT, name, (void (*)(void))fn, err);
}

static atrium_status set(struct atrium_ctx *ctx, const struct atrium_change *change,
                         const char *field, struct atrium_str json)
{
    CTX_CHECK(ctx);
    (void)change;                /* the context knows it; the argument is for the reader */
    if (!ctx->change || strcmp(ctx->change->event, "check") != 0 || !ctx->change->after)
        return plug_fault(NULL, ATRIUM_E_STATE, "hooks.set outside a check");
    json_t *v = json_loadb(json.ptr, json.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!v) return plug_fault(NULL, ATRIUM_E_ARGUMENT, "hooks.set: the value is not JSON");
    json_object_set_new(ctx->change->after, field, v);
    return ATRIUM_OK;
}

const struct atrium_hooks_1 plug_hooks_1 = {
    .bind_check = bind_check,
    .bind_transition = bind_transition,
    .bind_event = bind_event,
    .set = set,
};
