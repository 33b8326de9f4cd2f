/* Built with an earlier header that ended after init: the rest is zero-filled,
 * whatever lies behind it in memory. */
#include "tiny.h"

static void never(void *self)
{
    (void)self;
    __builtin_trap();
}
ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    TINY_HEAD(offsetof(struct atrium_plugin_entry, start)),
    .drain = never,
    .stop = never,
    .destroy = never,
};
