/* atrium.model/1: resources (one's own and those of others) with their policy,
 * validation, history and events: the same path that the REST API takes.
 *
 * Rows are JSON as the API shows them. Errors are the API's: not found also for
 * rows outside the person's scope, fields with their names, conflicts of
 * version. Calls join the transaction of the context when there is one. */
#ifndef ATRIUM_MODEL_H
#define ATRIUM_MODEL_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_MODEL_1 "atrium.model/1"

/* In whose name. */
typedef uint32_t atrium_model_as;
enum {
    ATRIUM_AS_CALLER = 0,    /* the person of the context, with their scopes and field rights */
    ATRIUM_AS_SYSTEM = 1,    /* everything is allowed; written so in the audit */
};

/* What a list asks for; grammar as in the HTTP API. Absent views and zeros take
 * the API's defaults. */
struct atrium_list {
    uint32_t size;           /* sizeof, set by the caller */
    uint32_t limit;          /* 0: 20; at most 200 */
    struct atrium_str filter, search, sort, after, fields, expand;
    uint32_t count;          /* 1: with the count, capped at 10,000 */
    uint32_t reserved;       /* 0 */
};

struct atrium_model_1 {
    /* [worker, may block] One row as JSON text. Valid until: end of the context. */
    atrium_status (*get)(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                         int64_t id, struct atrium_str expand, struct atrium_str *json,
                         struct atrium_error *err);
    /* [worker, may block] {"items": [...], "next": ..., ...} */
    atrium_status (*list)(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                          const struct atrium_list *query, struct atrium_str *json,
                          struct atrium_error *err);
    /* [worker, may block] Body: a JSON object of fields. */
    atrium_status (*create)(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                            struct atrium_str json, int64_t *id, struct atrium_error *err);
    /* [worker, may block] version < 0: no optimistic check. */
    atrium_status (*update)(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                            int64_t id, int64_t version, struct atrium_str json,
                            struct atrium_error *err);
    /* [worker, may block] */
    atrium_status (*remove)(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                            int64_t id, struct atrium_error *err);
    /* [worker, may block] Body: fields that the transition asks for; absent: none. */
    atrium_status (*transition)(struct atrium_ctx *ctx, atrium_model_as as,
                                struct atrium_str resource, int64_t id, struct atrium_str name,
                                struct atrium_str json, struct atrium_error *err);
    /* [worker, may block] Shows a file (a cover, a picture) to everybody, or
     * again only to those who may see the record it belongs to. For hooks: what
     * a published page shows is public until it is withdrawn. */
    atrium_status (*show_file)(struct atrium_ctx *ctx, int64_t file, bool everybody,
                               struct atrium_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
