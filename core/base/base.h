/* base: what every room stands on. Knows nothing above libc (and jansson for
 * reading JSON). One include brings the whole floor.
 *
 * Conventions of the whole core:
 *  - a function that can fail returns 0, or -1 with *err filled in;
 *  - `sv` is a borrowed view {p, n}, UTF-8, not NUL-terminated unless said;
 *  - memory comes from an arena named in the call, or the owner is named in
 *    the comment of the function;
 *  - [any] may be called from every thread, [loop] only from an h2o loop
 *    thread and must not block, [worker] from a worker thread and may block.
 */
#ifndef ATRIUM_CORE_BASE_H
#define ATRIUM_CORE_BASE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/msg.h"
#include "base/panic.h"
#include "base/rand.h"
#include "base/sv.h"

#endif
