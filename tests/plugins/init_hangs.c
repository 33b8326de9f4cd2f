/* Never returns from init. */
#include <unistd.h>

#include "tiny.h"

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self, (void)host, (void)err;
    while (pause() != 0)
        ;
    return ATRIUM_OK;
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
    .id = ATRIUM_STR_INIT("tiny"),
    .version = ATRIUM_STR_INIT("1.0.0"),
    .load = tiny_load,
    .init = init,
};
