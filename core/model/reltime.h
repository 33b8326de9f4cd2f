/* Dates and times in words, as filters and scopes say them: `today-7d`, `now-2h`,
 * `last_month`, `2026-11-21`. Pure: the clock and the zone are the caller's. */
#ifndef ATRIUM_CORE_MODEL_RELTIME_H
#define ATRIUM_CORE_MODEL_RELTIME_H

#include "base/base.h"

enum reltime_base { REL_NOW, REL_DAY, REL_WEEK, REL_MONTH, REL_QUARTER, REL_YEAR, REL_FIXED };

struct reltime {
    enum reltime_base base;
    /* What is added to now, or to the start of the period: `today-7d` is a DAY
     * with -7 days, `last_month` a MONTH with -1 months. */
    int64_t minutes, days, months;
    int64_t fixed; /* REL_FIXED: the day since 1970 */
};

/* False when the text is no such word. A plain date is one: it stands for the
 * whole local day. At most 100 years away. */
bool reltime_parse(sv text, struct reltime *out);
/* From `from` until before `to`, in UTC microseconds; both the same for `now`. */
void reltime_range(const struct reltime *r, int64_t now_us, int offset_minutes, int64_t *from,
                   int64_t *to);
/* "2026-11-21" of the local day in which the moment lies; 10 characters and NUL. */
void reltime_date(int64_t us, int offset_minutes, char out[11]);

/* The calendar: days since 1970-01-01. Monday is 0. */
int64_t civil_day(int64_t year, unsigned month, unsigned day);
void civil_from_day(int64_t day, int64_t *year, unsigned *month, unsigned *day_of_month);
unsigned civil_weekday(int64_t day);

#endif
