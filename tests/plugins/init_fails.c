/* Fails in init without a word; what load made is given back by destroy. */
#include <stdlib.h>

#include "tiny.h"

static atrium_status load(const struct atrium_host *host, void **self, struct atrium_error *err)
{
    (void)host, (void)err;
    *self = malloc(100);             /* a leak checker looks after it */
    return ATRIUM_OK;
}

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self, (void)host, (void)err;
    return ATRIUM_E_INTERNAL;
}

static void destroy(void *self)
{
    free(self);
    setenv("TINY_DESTROYED", "1", 1);
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
    .id = ATRIUM_STR_INIT("tiny"),
    .version = ATRIUM_STR_INIT("1.0.0"),
    .load = load,
    .init = init,
    .destroy = destroy,
};
