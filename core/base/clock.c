#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

static _Atomic int64_t offset_us;

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME) + atomic_load_explicit(&offset_us, memory_order_relaxed);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_set_offset_us(int64_t offset)
{
    atomic_store(&offset_us, offset);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct civil {
    int64_t year;
    unsigned month, day, hour, minute, second, us;
};

/* Days and dates of the proleptic Gregorian calendar, counted in eras of 400
 * years that begin on 1 March, so that the leap day is the last of its year. */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* What four digits of year can say. Times outside are clamped: none is ever
 * meant, and every reader of the texts below knows four digits only. */
#define YEAR_0 (-719528 * DAY)
#define YEAR_10000 (2932897 * DAY)

static struct civil civil_of(int64_t us)
{
    us = us < YEAR_0 ? YEAR_0 : us < YEAR_10000 ? us : YEAR_10000 - 1;
    int64_t days = floor_div(us, DAY), rest = us - days * DAY;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (unsigned)((5 * doy + 2) / 153);
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    unsigned s = (unsigned)(rest / SECOND);
    return (struct civil){
        .year = yoe + era * 400 + (month <= 2),
        .month = month,
        .day = (unsigned)(doy - (153 * (int64_t)mp + 2) / 5) + 1,
        .hour = s / 3600,
        .minute = s / 60 % 60,
        .second = s % 60,
        .us = (unsigned)(rest % SECOND),
    };
}

static char *put(char *p, unsigned v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

/* "YYYY-MM-DD?HH:MM:SS" */
static char *put_civil(char *p, const struct civil *c, char between)
{
    p = put(p, (unsigned)c->year, 4);
    *p++ = '-';
    p = put(p, c->month, 2);
    *p++ = '-';
    p = put(p, c->day, 2);
    *p++ = between;
    p = put(p, c->hour, 2);
    *p++ = ':';
    p = put(p, c->minute, 2);
    *p++ = ':';
    return put(p, c->second, 2);
}

size_t clock_rfc3339(int64_t us, char *out)
{
    struct civil c = civil_of(us);
    char *p = put_civil(out, &c, 'T');
    if (c.us >= 1000) {
        *p++ = '.';
        p = put(p, c.us / 1000, 3);
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

size_t clock_mysql(int64_t us, char *out)
{
    struct civil c = civil_of(us);
    char *p = put_civil(out, &c, ' ');
    *p++ = '.';
    p = put(p, c.us, 6);
    *p = '\0';
    return (size_t)(p - out);
}

/* Takes `width` digits off the front, then `sep` unless it is 0. */
static bool take(sv *t, unsigned width, char sep, unsigned *out)
{
    unsigned v = 0;
    if (t->n < width + (sep != 0)) return false;
    for (unsigned i = 0; i < width; i++) {
        if (t->p[i] < '0' || t->p[i] > '9') return false;
        v = v * 10 + (unsigned)(t->p[i] - '0');
    }
    if (sep && t->p[width] != sep) return false;
    t->p += width + (sep != 0);
    t->n -= width + (sep != 0);
    *out = v;
    return true;
}

static bool take_fraction(sv *t, unsigned *us)
{
    unsigned digits = 0, v = 0;
    t->p++;
    t->n--;
    for (; t->n && t->p[0] >= '0' && t->p[0] <= '9'; t->p++, t->n--, digits++)
        if (digits < 6) v = v * 10 + (unsigned)(t->p[0] - '0');
    if (digits == 0) return false;
    for (; digits < 6; digits++)
        v *= 10;
    *us = v;
    return true;
}

static bool take_zone(sv *t, int *minutes)
{
    unsigned h, m;
    *minutes = 0;
    if (t->n == 1) return t->p[0] == 'Z' || t->p[0] == 'z';
    if (t->n != 6 || (t->p[0] != '+' && t->p[0] != '-')) return false;
    int sign = t->p[0] == '-' ? -1 : 1;
    t->p++;
    t->n--;
    if (!take(t, 2, ':', &h) || !take(t, 2, 0, &m) || h > 23 || m > 59) return false;
    *minutes = sign * (int)(h * 60 + m);
    return true;
}

bool clock_parse(sv t, int64_t *us)
{
    static const unsigned char month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y, mo, d, h, mi, s, frac = 0;
    int zone;
    if (!take(&t, 4, '-', &y) || !take(&t, 2, '-', &mo) || !take(&t, 2, 0, &d)) return false;
    if (t.n == 0 || (t.p[0] != 'T' && t.p[0] != 't' && t.p[0] != ' ')) return false;
    t.p++;
    t.n--;
    if (!take(&t, 2, ':', &h) || !take(&t, 2, ':', &mi) || !take(&t, 2, 0, &s)) return false;
    if (t.n && t.p[0] == '.' && !take_fraction(&t, &frac)) return false;
    if (!take_zone(&t, &zone)) return false;

    if (mo < 1 || mo > 12 || d < 1) return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > month_days[mo - 1] + (mo == 2 && leap ? 1u : 0u)) return false;
    /* A leap second, which may stand at the end of an hour only, becomes the
     * first of the next one. */
    if (h > 23 || mi > 59 || s > 60 || (s == 60 && mi != 59)) return false;
    int64_t secs = days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - zone * 60;
    *us = secs * SECOND + frac;
    return true;
}

int64_t clock_day(int64_t us, int offset_minutes)
{
    return floor_div(us + offset_minutes * 60 * SECOND, DAY);
}
