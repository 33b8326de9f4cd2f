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

const struct atrium_time_1 plug_time_1 = {
    .now_us = now_us,
    .mono_us = mono_us,
    .day = day,
    .day_start_us = day_start_us,
    .utc_offset = utc_offset,
    .format = format,
    .parse = parse,
};
