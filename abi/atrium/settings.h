/* atrium.settings/1: the plugin's settings in this tenant, as the manifest
 * declares them and an administrator set them. */
#ifndef ATRIUM_SETTINGS_H
#define ATRIUM_SETTINGS_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_SETTINGS_1 "atrium.settings/1"

struct atrium_settings_1 {
    /* [worker] The value now, or the manifest's default; `dflt` when the setting
     * is not declared or of another type. From memory, cheap. */
    int64_t (*i64)(struct atrium_ctx *ctx, struct atrium_str name, int64_t dflt);
    bool (*boolean)(struct atrium_ctx *ctx, struct atrium_str name, bool dflt);
    /* Valid until: end of the context. */
    struct atrium_str (*text)(struct atrium_ctx *ctx, struct atrium_str name,
                              struct atrium_str dflt);
    /* [worker] Any type as JSON text; absent when not declared. */
    struct atrium_str (*json)(struct atrium_ctx *ctx, struct atrium_str name);
};

#ifdef __cplusplus
}
#endif
#endif
