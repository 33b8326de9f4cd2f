/* atrium.auth/1 */
#include "plugin/internal.h"

static atrium_status principal(const struct atrium_ctx *ctx, struct atrium_principal *out)
{
    CTX_CHECK(ctx);
    static const atrium_principal_kind kinds[] = {
        [AUTH_ANON] = ATRIUM_ANON, [AUTH_STAFF] = ATRIUM_STAFF, [AUTH_MEMBER] = ATRIUM_MEMBER,
        [AUTH_KEY] = ATRIUM_KEY,   [AUTH_SYSTEM] = ATRIUM_SYSTEM,
        [AUTH_PARTNER] = ATRIUM_PARTNER,
    };
    const struct auth_principal *who = ctx->who;
    struct atrium_principal p = {
        .size = out->size,
        .kind = kinds[who->kind],
        .id = who->id,
        .dept = who->dept,
        .admin = who->admin,
        .by_cookie = who->by_cookie,
        .name = to_str(who->name),
        .partner = who->partner,
    };
    if (out->size < offsetof(struct atrium_principal, dept)) return ATRIUM_E_ARGUMENT;
    memcpy(out, &p, out->size < sizeof p ? out->size : sizeof p);
    return ATRIUM_OK;
}

static bool can(const struct atrium_ctx *ctx, struct atrium_str resource, struct atrium_str action)
{
    CTX_CHECK(ctx);
    return auth_can(ctx->who, to_sv(resource), to_sv(action));
}

static struct atrium_str device(struct atrium_ctx *ctx, bool *fresh)
{
    CTX_CHECK(ctx);
    if (!ctx->req) return (struct atrium_str){NULL, 0};
    bool had = ctx->who->device.n > 0;
    if (fresh) *fresh = !had;
    return to_str(had ? ctx->who->device : auth_device(ctx->req, ctx->tenant));
}

const struct atrium_auth_1 plug_auth_1 = {.principal = principal, .can = can, .device = device};
