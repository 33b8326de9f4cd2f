/* atrium.time/1 */
#include "plugin/internal.h"

#define DAY_US INT64_C(86400000000)
#define MINUTE_US INT64_C(60000000)

_Static_assert(ATRIUM_TIME_TEXT >= 32, "clock_rfc3339 writes up to 32 bytes");

static int64_t now_us(void)
{
    return clock_now_us();
}

static int64_t mono_us(void)
{
    return clock_mono_us();
}

static int64_t day(const struct atrium_ctx *ctx, int64_t us)
{
    return clock_day(us, ctx->tenant->utc_offset);
}

static int64_t day_start_us(const struct atrium_ctx *ctx, int64_t d)
{
    return d * DAY_US - ctx->tenant->utc_offset * MINUTE_US;
}

static int32_t utc_offset(const struct atrium_ctx *ctx)
{
    return (int32_t)ctx->tenant->utc_offset;
}

static size_t format(int64_t us, char out[ATRIUM_TIME_TEXT])
{
    return clock_rfc3339(us, out);
}

static bool parse(struct atrium_str text, int64_t *us)
{
    return clock_parse(to_sv(text), us);
}

/* ---- the calendar ------------------------------------------------------------------------ */

static int enter(struct atrium_ctx *ctx, struct store_conn **c, struct err *e)
{
    err_clear(e);
    return ctx_conn(ctx, c, e);
}

static atrium_status is_workday(struct atrium_ctx *ctx, int64_t d, bool *out,
                                struct atrium_error *err)
{
    struct store_conn *c;
    struct err e;
    CTX_CHECK(ctx);
    if (enter(ctx, &c, &e) != 0 || auth_workday_is(ctx->tenant, c, d, out, &e) != 0)
        return plug_error_out(err, &e);
    return ATRIUM_OK;
}

static atrium_status add_workdays(struct atrium_ctx *ctx, int64_t d, int64_t n, int64_t *out,
                                  struct atrium_error *err)
{
    struct store_conn *c;
    struct err e;
    CTX_CHECK(ctx);
    if (enter(ctx, &c, &e) != 0 || auth_workday_add(ctx->tenant, c, d, n, out, &e) != 0)
        return plug_error_out(err, &e);
    return ATRIUM_OK;
}

static atrium_status workdays_between(struct atrium_ctx *ctx, int64_t from, int64_t to,
                                      int64_t *out, struct atrium_error *err)
{
    struct store_conn *c;
    struct err e;
    CTX_CHECK(ctx);
    if (enter(ctx, &c, &e) != 0 || auth_workday_between(ctx->tenant, c, from, to, out, &e) != 0)
        return plug_error_out(err, &e);
    return ATRIUM_OK;
}

const struct atrium_time_1 plug_time_1 = {
    .now_us = now_us,
    .mono_us = mono_us,
    .day = day,
    .day_start_us = day_start_us,
    .utc_offset = utc_offset,
    .format = format,
    .parse = parse,
    .is_workday = is_workday,
    .add_workdays = add_workdays,
    .workdays_between = workdays_between,
};
