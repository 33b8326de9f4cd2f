/* The one clock. Wall time is UTC in microseconds since 1970; tests move it by
 * an offset, so no other room calls time(2) or clock_gettime(2). [any] */
#ifndef ATRIUM_CORE_CLOCK_H
#define ATRIUM_CORE_CLOCK_H

#include "base/sv.h"

int64_t clock_now_us(void);                /* wall time, with the offset */
int64_t clock_mono_us(void);               /* monotonic, never moved */
void clock_set_offset_us(int64_t offset);  /* tests and the operator's drill only */

/* RFC 3339 in UTC with 'Z': "2026-11-20T12:00:00Z", or with .mmm when the time
 * has milliseconds. `out` needs 32 bytes; returns the length. */
size_t clock_rfc3339(int64_t us, char *out);
/* Parses RFC 3339 with any offset; fractions to microseconds. false: not one. */
bool clock_parse(sv text, int64_t *us);
/* "YYYY-MM-DD HH:MM:SS.uuuuuu" for MySQL DATETIME(6); `out` needs 32 bytes. */
size_t clock_mysql(int64_t us, char *out);
/* Days since 1970-01-01 of the local day at a fixed offset from UTC (minutes),
 * for rules such as "per day". China is +480. */
int64_t clock_day(int64_t us, int offset_minutes);

#endif
