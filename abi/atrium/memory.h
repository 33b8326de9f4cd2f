/* atrium.memory/1: where memory comes from and how long it lives.
 *
 * Three lives: the context's arena (until its callback, or the request it
 * answers later, is over), the tenant's state (until the process ends) and
 * retained texts (until release). For all else a plugin has its own malloc. */
#ifndef ATRIUM_MEMORY_H
#define ATRIUM_MEMORY_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_MEMORY_1 "atrium.memory/1"

/* A counted copy of some bytes. */
struct atrium_blob;

struct atrium_memory_1 {
    /* [worker] Zeroed, 16-byte aligned, never NULL (the process ends when memory
     * does). Owner: the context. Valid until: end of the context; for a request
     * that is answered later, until it is answered. */
    void *(*alloc)(struct atrium_ctx *ctx, size_t n);
    /* [worker] A copy, also NUL-terminated. Same life. */
    struct atrium_str (*copy)(struct atrium_ctx *ctx, struct atrium_str text);

    /* [worker] What tenant_open made for the tenant of ctx, or NULL when the
     * plugin has no tenant_open. Owner: the plugin. Two callbacks of the same
     * tenant run at once: guard it. */
    void *(*tenant)(const struct atrium_ctx *ctx);

    /* [any] A copy that outlives the context, with one reference. Owner: who
     * holds the reference. */
    struct atrium_blob *(*retain)(struct atrium_str bytes);
    /* [any] One more reference to the same copy. */
    struct atrium_blob *(*again)(struct atrium_blob *blob);
    /* [any] Its bytes, NUL-terminated. Valid until: the last release. */
    struct atrium_str (*bytes)(const struct atrium_blob *blob);
    /* [any] Gives one reference back. NULL is allowed. */
    void (*release)(struct atrium_blob *blob);
};

#ifdef __cplusplus
}
#endif
#endif
