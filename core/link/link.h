/* link: what ties Atrium to other systems. API keys as records, webhooks, the
 * working-day calendar and agreements: the C behind the core's own resources that
 * the resource engine cannot say by itself. Nobody's neighbour calls it: model
 * reaches it by hooks, people by routes. */
#ifndef ATRIUM_CORE_LINK_H
#define ATRIUM_CORE_LINK_H

#include "model/model.h"

struct link;

struct link_opts {
    struct auth *auth;
    struct model *model;
    struct work_reactor *reactor;
    bool allow_private, allow_http; /* where webhooks may go */
};
/* Binds the hooks and jobs of the core's manifest; before model_seal. One per process. */
struct link *link_new(const struct link_opts *o);
int link_routes(struct link *l, struct http_router *r, struct err *err);
/* Deliveries begin. */
int link_start(struct link *l, struct err *err);
/* They end; what was under way is sent again by whoever comes next. */
void link_stop(struct link *l);
/* After the reactor's end. */
void link_free(struct link *l);

#endif
