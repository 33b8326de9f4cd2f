/* link: what ties Atrium to other systems. API keys as records, webhooks, the
 * working-day calendar and agreements: the C behind the core's own resources that
 * the resource engine cannot say by itself. Nobody's neighbour calls it: model
 * reaches it by hooks, people by routes. */
#ifndef ATRIUM_CORE_LINK_H
#define ATRIUM_CORE_LINK_H

#include "model/model.h"

/* Binds the hooks of the core's resources; before model_seal. */
void link_hooks(void);
int link_routes(struct model *m, struct http_router *r, struct err *err);

#endif
