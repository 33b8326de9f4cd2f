/* Another program's plugin. Its constructor would be noticed: nothing of it may
 * run before the head was checked. */
#include <stdlib.h>

#include "tiny.h"

__attribute__((constructor)) static void too_early(void)
{
    setenv("TINY_RAN", "1", 1);
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = 0x4b524f57,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
};
