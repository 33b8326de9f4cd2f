/* Cron expressions: "minute hour day-of-month month day-of-week". Sets are bit
 * masks; the next time is found by going over days, then hours, then minutes. */
#include <ctype.h>
#include <stdio.h>

#include "work/work.h"

#define MINUTE_US (60 * 1000000LL)
#define DAY_MINUTES 1440
/* Leap days are at most eight years apart (1896 to 1904). */
#define MAX_DAYS (366 * 9)

struct work_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* days from bit 1, Sunday is bit 0 */
    /* As in every cron: with both days restricted, either of them will do. */
    bool any_day, any_weekday;
};

struct field {
    const char *name;
    unsigned min, max;
    const char *const *names; /* of the values from min on */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field fields[5] = {
    {"minute", 0, 59, NULL},          {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},    {"month", 1, 12, month_names},
    {"day of week", 0, 7, day_names},
};

static bool value_of(const struct field *f, sv text, unsigned *out)
{
    for (unsigned i = 0; f->names && f->names[i]; i++) {
        if (sv_ieq(text, sv_of(f->names[i]))) {
            *out = f->min + i;
            return true;
        }
    }
    int64_t v;
    if (!text.n || !isdigit((unsigned char)text.p[0]) || !sv_i64(text, &v)) return false;
    if (v < f->min || v > f->max) return false;
    *out = (unsigned)v;
    return true;
}

/* One of "*", "5", "1-5", each with "/step". */
static bool parse_item(const struct field *f, sv text, uint64_t *mask)
{
    sv step_text, to_text, range = sv_cut(text, '/', &step_text);
    unsigned from, to, step = 1;
    if (sv_eqs(range, "*")) {
        from = f->min;
        to = f->max;
    } else {
        sv from_text = sv_cut(range, '-', &to_text);
        if (!value_of(f, from_text, &from)) return false;
        to = from;
        if (to_text.p && !value_of(f, to_text, &to)) return false;
        if (step_text.p && !to_text.p) to = f->max;
    }
    if (step_text.p) {
        int64_t v;
        if (!sv_i64(step_text, &v) || v < 1 || v > f->max) return false;
        step = (unsigned)v;
    }
    if (from > to) return false;
    for (unsigned i = from; i <= to; i += step)
        *mask |= UINT64_C(1) << i;
    return true;
}

static bool parse_field(const struct field *f, sv text, uint64_t *mask)
{
    *mask = 0;
    while (text.p) {
        sv rest, item = sv_cut(text, ',', &rest);
        if (!parse_item(f, item, mask)) return false;
        text = rest;
    }
    return true;
}

static sv next_word(sv *text)
{
    sv t = *text;
    while (t.n && (*t.p == ' ' || *t.p == '\t'))
        t.p++, t.n--;
    size_t n = 0;
    while (n < t.n && t.p[n] != ' ' && t.p[n] != '\t')
        n++;
    *text = sv_make(t.p + n, t.n - n);
    return sv_make(t.p, n);
}

static int bad(struct err *err, sv expr, const char *what)
{
    char text[128];
    snprintf(text, sizeof text, "%.*s", SVARG(expr));
    err_detail(err, "cron \"%s\": %s", text, what);
    return err_set(err, 422, "bad_cron", text, what, NULL);
}

int work_cron_parse(struct arena *a, sv expr, struct work_cron **out, struct err *err)
{
    uint64_t mask[5];
    sv rest = expr;
    bool star[5];
    for (int i = 0; i < 5; i++) {
        sv word = next_word(&rest);
        if (!word.n) return bad(err, expr, "five fields are wanted");
        star[i] = word.p[0] == '*';
        if (!parse_field(&fields[i], word, &mask[i])) return bad(err, expr, fields[i].name);
    }
    if (sv_trim(rest).n) return bad(err, expr, "five fields are wanted");
    struct work_cron *c = ARENA_NEW(a, struct work_cron);
    c->minutes = mask[0];
    c->hours = (uint32_t)mask[1];
    c->days = (uint32_t)mask[2];
    c->months = (uint32_t)mask[3];
    c->weekdays = (uint32_t)((mask[4] | mask[4] >> 7) & 0x7f); /* 7 is Sunday too */
    c->any_day = star[2];
    c->any_weekday = star[4];
    if (work_cron_next(c, 0, 0) == INT64_MAX) return bad(err, expr, "there is no such day");
    *out = c;
    return 0;
}

struct date {
    int64_t year;
    unsigned month, day;
};

static unsigned month_days(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* The date of a day counted from 1970-01-01, not before it. */
static struct date date_of(int64_t days)
{
    struct date d = {1970, 1, 1};
    int64_t cycles = days / 146097; /* 400 years */
    d.year += cycles * 400;
    days -= cycles * 146097;
    for (;;) {
        int64_t n = 337 + month_days(d.year, 2);
        if (days < n) break;
        days -= n;
        d.year++;
    }
    while (days >= month_days(d.year, d.month)) {
        days -= month_days(d.year, d.month);
        d.month++;
    }
    d.day += (unsigned)days;
    return d;
}

static void next_day(struct date *d)
{
    if (++d->day <= month_days(d->year, d->month)) return;
    d->day = 1;
    if (++d->month <= 12) return;
    d->month = 1;
    d->year++;
}

static bool day_matches(const struct work_cron *c, const struct date *d, unsigned weekday)
{
    if (!(c->months >> d->month & 1)) return false;
    bool day = c->days >> d->day & 1, week = c->weekdays >> weekday & 1;
    if (c->any_day || c->any_weekday) return day && week;
    return day || week;
}

/* First minute of the day, not before `from`, that matches; -1: none. */
static int minute_of_day(const struct work_cron *c, int from)
{
    for (int h = from / 60; h < 24; h++) {
        if (!(c->hours >> h & 1)) continue;
        for (int m = h == from / 60 ? from % 60 : 0; m < 60; m++)
            if (c->minutes >> m & 1) return h * 60 + m;
    }
    return -1;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t work_cron_next(const struct work_cron *c, int64_t after_us, int offset_minutes)
{
    int64_t minute = floor_div(after_us, MINUTE_US) + 1 + offset_minutes; /* local */
    if (minute < 0) minute = 0;
    int64_t days = minute / DAY_MINUTES;
    int from = (int)(minute % DAY_MINUTES);
    struct date d = date_of(days);
    for (int i = 0; i < MAX_DAYS; i++, days++, next_day(&d), from = 0) {
        if (!day_matches(c, &d, (unsigned)((days + 4) % 7))) continue;
        int m = minute_of_day(c, from);
        if (m >= 0) return (days * DAY_MINUTES + m - offset_minutes) * MINUTE_US;
    }
    return INT64_MAX;
}
