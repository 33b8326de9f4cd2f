/* Working days. Days are numbers since 1970-01-01, as clock_day gives them; which of
 * them are worked on is for the caller to say. Pure but for what `is` does. [any] */
#ifndef ATRIUM_CORE_WORKDAY_H
#define ATRIUM_CORE_WORKDAY_H

#include <stdbool.h>
#include <stdint.h>

/* 1: worked on, 0: not, -1: cannot be told, which ends the arithmetic with -1. */
typedef int workday_fn(void *arg, int64_t day);

#define WORKDAY_MAX 100000 /* days that one call may look at */

/* Monday to Friday, for days of which a calendar says nothing. */
bool workday_plain(int64_t day);
/* The n-th working day after `day` (before it for n < 0); n 0: the day itself, or the
 * next one worked on. -1 also where there is none within WORKDAY_MAX. */
int workday_add(int64_t day, int64_t n, workday_fn *is, void *arg, int64_t *out);
/* Working days in [from, to); negative when `to` is before `from`. */
int workday_between(int64_t from, int64_t to, workday_fn *is, void *arg, int64_t *out);
/* The first working day after `day`. */
int workday_next(int64_t day, workday_fn *is, void *arg, int64_t *out);

/* Civil dates (proleptic Gregorian). */
int64_t workday_of(int year, int month, int mday);
void workday_civil(int64_t day, int *year, int *month, int *mday);

#endif
