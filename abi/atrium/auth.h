/* atrium.auth/1: who is asking and what they may do. */
#ifndef ATRIUM_AUTH_H
#define ATRIUM_AUTH_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_AUTH_1 "atrium.auth/1"

typedef uint32_t atrium_principal_kind;
enum {
    ATRIUM_ANON = 0,         /* the public, not logged in */
    ATRIUM_STAFF = 1,
    ATRIUM_MEMBER = 2,       /* the public, logged in */
    ATRIUM_KEY = 3,          /* an API key */
    ATRIUM_SYSTEM = 4,       /* jobs, streams, events */
    ATRIUM_PARTNER = 5,      /* staff of a partner organisation */
};

/* Filled by the host up to the caller's size. Views are valid until: end of the
 * context. */
struct atrium_principal {
    uint32_t size;           /* sizeof, set by the caller */
    atrium_principal_kind kind;
    int64_t id;              /* of the staff (of host or partner), member or key; else 0 */
    int64_t dept;            /* of staff, 0: none */
    uint32_t admin;          /* 1: the built-in administrator role */
    uint32_t by_cookie;      /* 1: a browser's session; 0: a token or none */
    struct atrium_str name;
    int64_t partner;         /* of ATRIUM_PARTNER: the organisation whose rows alone the
                              * person may see, also by a plugin's own SQL; else 0 */
};

struct atrium_auth_1 {
    /* [worker] */
    atrium_status (*principal)(const struct atrium_ctx *ctx, struct atrium_principal *out);
    /* [worker] Whether the person may do `action` ("read", "update", "export",
     * a transition) on a resource ("vote.poll"), on some rows at least. Rows are
     * decided by the model (model.h). */
    bool (*can)(const struct atrium_ctx *ctx, struct atrium_str resource,
                struct atrium_str action);
    /* [worker] The id of the person's browser, stable and signed by the host;
     * it is made, and its cookie set in the answer, when there was none: then
     * *fresh is true. Handlers only; elsewhere absent. */
    struct atrium_str (*device)(struct atrium_ctx *ctx, bool *fresh);
};

#ifdef __cplusplus
}
#endif
#endif
