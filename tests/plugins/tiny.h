/* What the tiny plugins of the tests begin with. Each is one way to fail (or to
 * succeed); the manifests are written by the tests. */
#ifndef ATRIUM_TESTS_TINY_H
#define ATRIUM_TESTS_TINY_H

#include "atrium/easy.h"

static inline atrium_status tiny_load(const struct atrium_host *host, void **self,
                                      struct atrium_error *err)
{
    (void)host;
    (void)err;
    *self = NULL;
    return ATRIUM_OK;
}

static inline atrium_status tiny_init(void *self, const struct atrium_host *host,
                                      struct atrium_error *err)
{
    (void)self;
    (void)host;
    (void)err;
    return ATRIUM_OK;
}

/* The head of a sound entry of the plugin "tiny". */
#define TINY_HEAD(bytes)                                                                          \
    .magic = ATRIUM_MAGIC, .size = (bytes), .abi_major = ATRIUM_ABI_MAJOR,                         \
    .id = ATRIUM_STR_INIT("tiny"), .version = ATRIUM_STR_INIT("1.0.0"), .load = tiny_load,         \
    .init = tiny_init

#define TINY_ENTRY(...)                                                                           \
    ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {                         \
        TINY_HEAD(sizeof(struct atrium_plugin_entry)), __VA_ARGS__}

#endif
