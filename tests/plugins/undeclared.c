/* Binds what the manifest does not declare, and does not look at the answer. */
#include "tiny.h"

static atrium_status handler(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self, (void)ctx, (void)err;
    return ATRIUM_OK;
}

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self, (void)err;
    const struct atrium_http_1 *http =
        (const struct atrium_http_1 *)host->get_interface(host, ATRIUM_STR(ATRIUM_HTTP_1));
    http->bind_route(host, ATRIUM_STR("hello"), handler, NULL);
    http->bind_route(host, ATRIUM_STR("goodbye"), handler, NULL);
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
