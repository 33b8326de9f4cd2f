/* Built for a later ABI. */
#include <stdlib.h>

#include "tiny.h"

__attribute__((constructor)) static void too_early(void)
{
    setenv("TINY_RAN", "1", 1);
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR + 1,
};
