/* atrium.settings/1 */
#include "plugin/internal.h"

static sv value(struct atrium_ctx *ctx, struct atrium_str name)
{
    return model_setting(ctx->tenant, ctx->arena, ctx->plug->mf, to_sv(name));
}

static int64_t i64(struct atrium_ctx *ctx, struct atrium_str name, int64_t dflt)
{
    CTX_CHECK(ctx);
    int64_t v;
    return sv_i64(value(ctx, name), &v) ? v : dflt;
}

static bool boolean(struct atrium_ctx *ctx, struct atrium_str name, bool dflt)
{
    CTX_CHECK(ctx);
    sv v = value(ctx, name);
    return sv_eqs(v, "true") ? true : sv_eqs(v, "false") ? false : dflt;
}

static struct atrium_str text(struct atrium_ctx *ctx, struct atrium_str name,
                              struct atrium_str dflt)
{
    CTX_CHECK(ctx);
    sv v = value(ctx, name);
    json_t *j = v.n ? json_loadb(v.p, v.n, JSON_DECODE_ANY, NULL) : NULL;
    struct atrium_str out = dflt;
    if (json_is_string(j))
        out = to_str(arena_sv(ctx->arena, sv_make(json_string_value(j), json_string_length(j))));
    json_decref(j);
    return out;
}

static struct atrium_str json(struct atrium_ctx *ctx, struct atrium_str name)
{
    CTX_CHECK(ctx);
    return to_str(value(ctx, name));
}

const struct atrium_settings_1 plug_settings_1 = {
    .i64 = i64,
    .boolean = boolean,
    .text = text,
    .json = json,
};
