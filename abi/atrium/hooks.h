/* atrium.hooks/1: being asked before a row changes and told after it did.
 *
 * A check and a transition hook run inside the transaction of the change, before
 * it is written; what they write is part of it, refusing rolls it all back. An
 * event runs after the commit, in no transaction; failing is only logged. */
#ifndef ATRIUM_HOOKS_H
#define ATRIUM_HOOKS_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_HOOKS_1 "atrium.hooks/1"

struct atrium_host;

/* A change of one row. Filled by the host, grows at its end. Owner: the host.
 * Valid until: the callback returns. */
struct atrium_change {
    uint32_t size;                   /* sizeof(struct atrium_change) of the host */
    uint32_t reserved;
    struct atrium_str event;         /* "check", "transition:close", "vote.poll.updated" */
    struct atrium_str resource;      /* "vote.poll"; absent in events of no resource */
    int64_t id;                      /* 0: being created */
    const struct atrium_json *before;    /* the row as it is stored; NULL when being created and
                                            in events */
    const struct atrium_json *after;     /* the row to be; in events the event's own data */
};

/* [worker] May block. A check or transition: anything but ATRIUM_OK refuses,
 * with *err for the person. An event: the result is only logged. */
typedef atrium_status atrium_change_fn(void *self, struct atrium_ctx *ctx,
                                       const struct atrium_change *change,
                                       struct atrium_error *err);

struct atrium_hooks_1 {
    /* [init] Binds `validate: <name>` of a resource. */
    atrium_status (*bind_check)(const struct atrium_host *host, struct atrium_str name,
                                atrium_change_fn *fn, struct atrium_error *err);
    /* [init] Binds `hook: <name>` of transitions; one function may serve several. */
    atrium_status (*bind_transition)(const struct atrium_host *host, struct atrium_str name,
                                     atrium_change_fn *fn, struct atrium_error *err);
    /* [init] Binds `hook: <name>` of the manifest's `hooks: [{on: <event>}]`. */
    atrium_status (*bind_event)(const struct atrium_host *host, struct atrium_str name,
                                atrium_change_fn *fn, struct atrium_error *err);
    /* [worker] In a check hook: puts a field of the row to be to a JSON value.
     * ATRIUM_E_STATE elsewhere, ATRIUM_E_ARGUMENT when it is not JSON. */
    atrium_status (*set)(struct atrium_ctx *ctx, const struct atrium_change *change,
                         const char *field, struct atrium_str json);
};

#ifdef __cplusplus
}
#endif
#endif
