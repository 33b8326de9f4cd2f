/* 63-bit, time-ordered, unique ids: 41 bits of milliseconds since 2024-01-01,
 * 10 bits of node, 12 bits of sequence. [any, lock-free] */
#ifndef ATRIUM_CORE_ID_H
#define ATRIUM_CORE_ID_H

#include "base/sv.h"

void id_init(unsigned node);               /* node 0..1023, once at start */
int64_t id_next(void);
int64_t id_time_us(int64_t id);            /* when it was made */

#endif
