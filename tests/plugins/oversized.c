/* Says that it is larger than it is. */
#include "tiny.h"

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    TINY_HEAD(sizeof(struct atrium_plugin_entry) + 4096),
};
