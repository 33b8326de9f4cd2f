/* Decimal numbers as whole units of their last place, so that nothing is lost:
 * "12.5" at scale 2 is 1250. At most 18 digits in all. [any] */
#ifndef ATRIUM_CORE_DECIMAL_H
#define ATRIUM_CORE_DECIMAL_H

#include "base/sv.h"

#define DECIMAL_MAX_SCALE 6
#define DECIMAL_MAX_UNITS INT64_C(999999999999999999)

/* "-12.50": digits, perhaps a point and digits. False when it is none, or has
 * more places than `scale` that are not zero, or more than 18 digits. */
bool decimal_parse(sv text, unsigned scale, int64_t *units);
/* With exactly `scale` places; returns the length without the NUL. */
size_t decimal_format(int64_t units, unsigned scale, char out[32]);

#endif
