/* What the files of this room share. Nobody else includes it. */
#ifndef ATRIUM_CORE_LINK_ROOM_H
#define ATRIUM_CORE_LINK_ROOM_H

#include "link/link.h"

/* link.c: the context of a request; `conn` NULL lets the engine take one. */
struct model_ctx link_ctx(struct http_req *req, struct store_conn *conn);
/* ":id" of the route, 404 when it is none. */
int link_id(struct http_req *req, int64_t *id, struct err *err);
/* Runs fn in a transaction on a connection of its own. */
int link_tx(struct auth_tenant *t, int (*fn)(void *arg, struct store_conn *c, struct err *err),
            void *arg, struct err *err);

/* api_key.c */
model_core_hook_fn api_key_check;
void api_key_secret(struct http_req *req);

#endif
