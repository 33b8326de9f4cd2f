/* Says that its entry ends before init. */
#include "tiny.h"

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    TINY_HEAD(offsetof(struct atrium_plugin_entry, init)),
};
