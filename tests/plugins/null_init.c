/* Forgot its init. */
#include "tiny.h"

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
    .id = ATRIUM_STR_INIT("tiny"),
    .version = ATRIUM_STR_INIT("1.0.0"),
    .load = tiny_load,
};
