/* atrium.http/1: routes that the manifest declares, their requests and answers.
 *
 * A handler runs after identity, "is this plugin on for the tenant" and the
 * route's permission have been decided. It looks synchronous: it fills the
 * answer and returns. When the answer depends on something that comes later it
 * returns ATRIUM_LATER instead (see `later`, storage.h `append`, channel.h
 * `subscribe`); no thread waits meanwhile. */
#ifndef ATRIUM_HTTP_H
#define ATRIUM_HTTP_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_HTTP_1 "atrium.http/1"

struct atrium_host;

/* [worker] May block. Returns
 *   ATRIUM_OK     the answer is in ctx and is sent now (default: 200, no body);
 *   ATRIUM_LATER  exactly one of later, append, subscribe succeeded for ctx;
 *   an error      the answer is application/problem+json made of *err. */
typedef atrium_status atrium_http_handler(void *self, struct atrium_ctx *ctx,
                                          struct atrium_error *err);

/* A request whose answer comes later. Owner: who got it from `later`, until it
 * is answered. */
struct atrium_later;

/* One part of multipart/form-data. Views into the request's body. */
struct atrium_part {
    uint32_t size;                   /* sizeof, set by the caller */
    uint32_t reserved;               /* 0 */
    struct atrium_str name;
    struct atrium_str filename;      /* absent: a plain field */
    struct atrium_str content_type;  /* as the client says: not to be trusted */
    struct atrium_str data;
};

struct atrium_http_1 {
    /* [init] Binds the handler of each route whose manifest entry has
     * `hook: <name>`. ATRIUM_E_ARGUMENT: not declared, or bound twice. */
    atrium_status (*bind_route)(const struct atrium_host *host, struct atrium_str name,
                                atrium_http_handler *fn, struct atrium_error *err);

    /* ---- the request: [worker], in a handler's context; elsewhere absent.
     * Valid until: end of the context. ---- */

    struct atrium_str (*method)(const struct atrium_ctx *ctx);
    struct atrium_str (*path)(const struct atrium_ctx *ctx);   /* after the tenant's prefix */
    /* Decoded part of the path: ":id" is "id". */
    struct atrium_str (*param)(const struct atrium_ctx *ctx, const char *name);
    /* Decoded value of the query string, first wins; absent when not given. */
    struct atrium_str (*query)(const struct atrium_ctx *ctx, const char *name);
    /* `name` in lower case. */
    struct atrium_str (*header)(const struct atrium_ctx *ctx, const char *name);
    struct atrium_str (*body)(const struct atrium_ctx *ctx);
    /* The body as a JSON object; 415 when the type is not JSON, 400 "bad_json". */
    atrium_status (*json)(struct atrium_ctx *ctx, const struct atrium_json **out,
                          struct atrium_error *err);
    /* Part number i of multipart/form-data; ATRIUM_E_NOT_FOUND after the last,
     * ATRIUM_E_REFUSED when the body is not well formed. Routes with
     * `upload: true` only. */
    atrium_status (*part)(struct atrium_ctx *ctx, uint32_t i, struct atrium_part *out,
                          struct atrium_error *err);
    struct atrium_str (*remote)(const struct atrium_ctx *ctx);   /* "192.0.2.1", proxies believed
                                                                    as the operator configured */
    struct atrium_str (*lang)(const struct atrium_ctx *ctx);     /* "zh" or "en" */
    /* What a link to this tenant begins with: "https://demo.example.com" or
     * "https://example.com/t/demo". No slash at the end. */
    struct atrium_str (*base_url)(struct atrium_ctx *ctx);
    struct atrium_str (*request_id)(const struct atrium_ctx *ctx);

    /* ---- the answer: [worker], in a handler's context ---- */

    void (*set_status)(struct atrium_ctx *ctx, uint32_t status);
    /* Adds a header; the name is made lower case. Content-Length and connection
     * headers are the host's and ignored here. */
    void (*add_header)(struct atrium_ctx *ctx, struct atrium_str name, struct atrium_str value);
    /* The writer of a JSON body; the first call begins the body. Valid until:
     * end of the context. NULL outside a handler. */
    struct atrium_json_writer *(*body_json)(struct atrium_ctx *ctx);
    /* Sets the whole body, copied. */
    void (*body_bytes)(struct atrium_ctx *ctx, struct atrium_str content_type,
                       struct atrium_str bytes);

    /* ---- answering later ---- */

    /* [worker] Takes the request out of the handler, which then touches the
     * answer no more and returns ATRIUM_LATER. The arena of ctx lives until the
     * answer, ctx itself only until the handler returns. ATRIUM_E_STATE when the
     * request was taken already. */
    atrium_status (*later)(struct atrium_ctx *ctx, struct atrium_later **out,
                           struct atrium_error *err);
    /* [any] Sends the answer, once; the handle is gone then, also when the
     * client went away long ago. Body is copied. */
    void (*later_answer)(struct atrium_later *later, uint32_t status,
                         struct atrium_str content_type, struct atrium_str body);
    /* [any] Same with an error; `status` as a handler would return it. */
    void (*later_fail)(struct atrium_later *later, atrium_status status,
                       const struct atrium_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
