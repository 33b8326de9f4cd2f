#include "base/workday.h"

bool workday_plain(int64_t day)
{
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; Monday is 0 */
    return weekday < 5;
}

/* One step at a time: a calendar is a table of exceptions, and n is small. */
static int walk(int64_t *day, int64_t n, int step, workday_fn *is, void *arg)
{
    for (int64_t looked = 0; n > 0; looked++) {
        if (looked == WORKDAY_MAX) return -1;
        *day += step;
        int worked = is(arg, *day);
        if (worked < 0) return -1;
        n -= worked;
    }
    return 0;
}

int workday_next(int64_t day, workday_fn *is, void *arg, int64_t *out)
{
    if (walk(&day, 1, 1, is, arg) != 0) return -1;
    *out = day;
    return 0;
}

int workday_add(int64_t day, int64_t n, workday_fn *is, void *arg, int64_t *out)
{
    if (n > WORKDAY_MAX || n < -WORKDAY_MAX) return -1;
    if (n == 0) {
        int worked = is(arg, day);
        if (worked < 0) return -1;
        n = !worked;
    }
    if (walk(&day, n < 0 ? -n : n, n < 0 ? -1 : 1, is, arg) != 0) return -1;
    *out = day;
    return 0;
}

int workday_between(int64_t from, int64_t to, workday_fn *is, void *arg, int64_t *out)
{
    int64_t low = from < to ? from : to, high = from < to ? to : from, n = 0;
    if (high - low > WORKDAY_MAX) return -1;
    for (int64_t day = low; day < high; day++) {
        int worked = is(arg, day);
        if (worked < 0) return -1;
        n += worked;
    }
    *out = from < to ? n : -n;
    return 0;
}

/* Eras of 400 years that begin on the first of March, so that the leap day is last. */
#define ERA 146097

int64_t workday_of(int year, int month, int mday)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;
    return era * ERA + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void workday_civil(int64_t day, int *year, int *month, int *mday)
{
    int64_t z = day + 719468, era = (z >= 0 ? z : z - (ERA - 1)) / ERA, doe = z - era * ERA;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (ERA - 1)) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *mday = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}
