/* The connection of a call: the caller's, or one taken for the call. */
#define LOG_ROOM "model"
#include "model/internal.h"

int conn_enter(struct model_ctx *c, struct store_conn **conn, struct err *err)
{
    *conn = c->conn;
    return c->conn ? 0 : store_get(c->tenant->db, conn, err);
}

void conn_leave(struct model_ctx *c, struct store_conn *conn)
{
    if (!c->conn && conn) store_put(conn);
}
