/* Dates and times in words. */
#include "model/reltime.h"

#include <stdio.h>

#define DAY_US (INT64_C(86400) * 1000000)
#define MINUTE_US (INT64_C(60) * 1000000)
#define MAX_DAYS 36600 /* a hundred years, also in minutes and months */

/* ---- calendar --------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years begin in March here, so that the leap day is the last of its year. */
int64_t civil_day(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = floor_div(y, 400);
    int64_t of_era = y - era * 400, shifted = ((int64_t)month + 9) % 12;
    int64_t of_year = (153 * shifted + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_from_day(int64_t day, int64_t *year, unsigned *month, unsigned *day_of_month)
{
    int64_t z = day + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), shifted = (5 * of_year + 2) / 153;
    *day_of_month = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = y + era * 400 + (*month <= 2);
}

unsigned civil_weekday(int64_t day)
{
    return (unsigned)((day + 3) - floor_div(day + 3, 7) * 7);
}

static unsigned days_in(int64_t year, unsigned month)
{
    int64_t y = month == 12 ? year + 1 : year;
    return (unsigned)(civil_day(y, month % 12 + 1, 1) - civil_day(year, month, 1));
}

/* The 31st of a shorter month is its last day. */
static int64_t add_months(int64_t day, int64_t months)
{
    int64_t year;
    unsigned month, of_month;
    civil_from_day(day, &year, &month, &of_month);
    int64_t at = year * 12 + (int64_t)month - 1 + months;
    year = floor_div(at, 12);
    month = (unsigned)(at - year * 12) + 1;
    unsigned last = days_in(year, month);
    return civil_day(year, month, of_month < last ? of_month : last);
}

/* ---- reading ---------------------------------------------------------------------- */

static bool two_digits(const char *p, unsigned *out)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return false;
    *out = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
    return true;
}

static bool plain_date(sv t, struct reltime *out)
{
    unsigned hi, lo, month, day;
    if (t.n != 10 || t.p[4] != '-' || t.p[7] != '-' || !two_digits(t.p, &hi) ||
        !two_digits(t.p + 2, &lo) || !two_digits(t.p + 5, &month) || !two_digits(t.p + 8, &day))
        return false;
    int64_t year = (int64_t)hi * 100 + lo;
    if (year < 1000 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return false;
    *out = (struct reltime){.base = REL_FIXED, .fixed = civil_day(year, month, day)};
    return true;
}

/* `this_week`, `last_month`, `next_year`. */
static bool period(sv t, struct reltime *out)
{
    static const struct {
        const char *name;
        enum reltime_base base;
        int64_t days, months;
    } periods[] = {{"week", REL_WEEK, 7, 0},
                   {"month", REL_MONTH, 0, 1},
                   {"quarter", REL_QUARTER, 0, 3},
                   {"year", REL_YEAR, 0, 12}};
    sv name, which = sv_cut(t, '_', &name);
    int64_t by = sv_eqs(which, "last") ? -1 : sv_eqs(which, "next") ? 1 : 0;
    if (!by && !sv_eqs(which, "this")) return false;
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        if (!sv_eqs(name, periods[i].name)) continue;
        *out = (struct reltime){.base = periods[i].base,
                                .days = by * periods[i].days,
                                .months = by * periods[i].months};
        return true;
    }
    return false;
}

/* "-7d" behind `today`, "-2h" behind `now`. */
static bool offset(sv t, struct reltime *out)
{
    int64_t n;
    size_t digits = 1;
    int sign = t.p[0] == '+' ? 1 : t.p[0] == '-' ? -1 : 0;
    while (digits < t.n && t.p[digits] >= '0' && t.p[digits] <= '9')
        digits++;
    sv unit = sv_make(t.p + digits, t.n - digits);
    if (!sign || digits == 1 || digits > 7 || !sv_i64(sv_make(t.p + 1, digits - 1), &n))
        return false;
    n *= sign;
    if (sv_eqs(unit, "d"))
        out->days = n;
    else if (sv_eqs(unit, "w"))
        out->days = n * 7;
    else if (sv_eqs(unit, "m"))
        out->months = n;
    else if (sv_eqs(unit, "y"))
        out->months = n * 12;
    else if (sv_eqs(unit, "h") && out->base == REL_NOW)
        out->minutes = n * 60;
    else if (sv_eqs(unit, "min") && out->base == REL_NOW)
        out->minutes = n;
    else
        return false;
    int64_t far = out->days + out->months * 30 + out->minutes / 1440;
    return far >= -MAX_DAYS && far <= MAX_DAYS;
}

bool reltime_parse(sv text, struct reltime *out)
{
    static const struct {
        const char *word;
        enum reltime_base base;
        int64_t days;
    } words[] = {{"today", REL_DAY, 0},
                 {"now", REL_NOW, 0},
                 {"yesterday", REL_DAY, -1},
                 {"tomorrow", REL_DAY, 1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        sv word = sv_of(words[i].word);
        if (!sv_starts(text, word)) continue;
        *out = (struct reltime){.base = words[i].base, .days = words[i].days};
        if (text.n == word.n) return true;
        return i < 2 && offset(sv_make(text.p + word.n, text.n - word.n), out);
    }
    return period(text, out) || plain_date(text, out);
}

/* ---- in time ---------------------------------------------------------------------- */

static int64_t period_start(enum reltime_base base, int64_t day)
{
    int64_t year;
    unsigned month, of_month;
    civil_from_day(day, &year, &month, &of_month);
    switch (base) {
    case REL_WEEK:
        return day - civil_weekday(day);
    case REL_MONTH:
        return civil_day(year, month, 1);
    case REL_QUARTER:
        return civil_day(year, (month - 1) / 3 * 3 + 1, 1);
    case REL_YEAR:
        return civil_day(year, 1, 1);
    default:
        return day;
    }
}

static int64_t period_end(enum reltime_base base, int64_t start)
{
    switch (base) {
    case REL_WEEK:
        return start + 7;
    case REL_MONTH:
        return add_months(start, 1);
    case REL_QUARTER:
        return add_months(start, 3);
    case REL_YEAR:
        return add_months(start, 12);
    default:
        return start + 1;
    }
}

void reltime_range(const struct reltime *r, int64_t now_us, int offset_minutes, int64_t *from,
                   int64_t *to)
{
    int64_t shift = offset_minutes * MINUTE_US, local = now_us + shift;
    int64_t day = floor_div(local, DAY_US), in_day = local - day * DAY_US;
    if (r->base == REL_FIXED) day = r->fixed;
    int64_t start = add_months(period_start(r->base, day), r->months) + r->days;
    if (r->base == REL_NOW) {
        *from = *to = start * DAY_US + in_day + r->minutes * MINUTE_US - shift;
        return;
    }
    *from = start * DAY_US - shift;
    *to = period_end(r->base, start) * DAY_US - shift;
}

void reltime_date(int64_t us, int offset_minutes, char out[11])
{
    int64_t year;
    unsigned month, day;
    civil_from_day(floor_div(us + offset_minutes * MINUTE_US, DAY_US), &year, &month, &day);
    snprintf(out, 11, "%04u-%02u-%02u", (unsigned)year % 10000, month % 100, day % 100);
}
