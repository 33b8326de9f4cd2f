/* atrium.log/1: the log. Lines are JSON objects with time, plugin, tenant and
 * request id put in by the host. Never pass secrets or whole personal data. */
#ifndef ATRIUM_LOG_H
#define ATRIUM_LOG_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_LOG_1 "atrium.log/1"

typedef uint32_t atrium_log_level;
enum {
    ATRIUM_LOG_ERROR = 0,    /* somebody must look at it */
    ATRIUM_LOG_WARN = 1,
    ATRIUM_LOG_INFO = 2,
    ATRIUM_LOG_DEBUG = 3,
};

struct atrium_log_1 {
    /* [any] One line. ctx may be NULL outside a callback; then tenant and
     * request are not in the line. Text above 2,000 bytes is cut. An unknown
     * level counts as ATRIUM_LOG_ERROR. */
    void (*write)(const struct atrium_ctx *ctx, atrium_log_level level, struct atrium_str text);
    /* [any] Whether lines of this level are kept, to save making them. */
    bool (*wanted)(atrium_log_level level);
};

#ifdef __cplusplus
}
#endif
#endif
