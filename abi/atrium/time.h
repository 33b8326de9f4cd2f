/* atrium.time/1: clock and calendar. Plugins take time from here only, so that
 * tests and drills can move it. Times are microseconds UTC since 1970. */
#ifndef ATRIUM_TIME_H
#define ATRIUM_TIME_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_TIME_1 "atrium.time/1"
#define ATRIUM_TIME_TEXT 32  /* room for a formatted time */

struct atrium_time_1 {
    int64_t (*now_us)(void);             /* [any] wall clock */
    int64_t (*mono_us)(void);            /* [any] monotonic, never moved: for durations */
    /* [any] The local day of the tenant as days since 1970-01-01, and the moment
     * a day begins there. For "per day" rules. */
    int64_t (*day)(const struct atrium_ctx *ctx, int64_t us);
    int64_t (*day_start_us)(const struct atrium_ctx *ctx, int64_t day);
    int32_t (*utc_offset)(const struct atrium_ctx *ctx);   /* [any] minutes east of UTC */
    /* [any] RFC 3339 in UTC, NUL-terminated; the length. */
    size_t (*format)(int64_t us, char out[ATRIUM_TIME_TEXT]);
    bool (*parse)(struct atrium_str text, int64_t *us);    /* [any] false: not a time */
    /* [worker, may block] The tenant's working-day calendar; where it says nothing,
     * Monday to Friday. Days as `day` gives them. ATRIUM_E_INVALID beyond what can be
     * reckoned (some 270 years). */
    atrium_status (*is_workday)(struct atrium_ctx *ctx, int64_t day, bool *out,
                                struct atrium_error *err);
    /* The n-th working day after `day`, for n < 0 before it; n 0: the day itself if it
     * is one, else the next. */
    atrium_status (*add_workdays)(struct atrium_ctx *ctx, int64_t day, int64_t n, int64_t *out,
                                  struct atrium_error *err);
    /* Working days in [from, to); negative when `to` is the earlier one. */
    atrium_status (*workdays_between)(struct atrium_ctx *ctx, int64_t from, int64_t to,
                                      int64_t *out, struct atrium_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
