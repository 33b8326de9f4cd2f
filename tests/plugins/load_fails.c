/* Refuses to be loaded; nothing else of it may be called. */
#include "tiny.h"

static atrium_status load(const struct atrium_host *host, void **self, struct atrium_error *err)
{
    (void)host, (void)self;
    atrium_str_put(err->detail, sizeof err->detail, ATRIUM_STR("no licence on this machine"));
    return atrium_fail(err, ATRIUM_E_REFUSED, 0, "tiny.no_licence", NULL);
}

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self, (void)host, (void)err;
    __builtin_trap();
}

static void destroy(void *self)
{
    (void)self;
    __builtin_trap();
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
