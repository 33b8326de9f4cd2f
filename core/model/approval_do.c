/* Carrying out what was agreed: the ordinary write path, in the name and with the
 * rights of who asked, in the transaction that ends the approval. */
#define LOG_ROOM "model"
#include "model/approval.h"

static int note_row(struct approval_row *row, struct model_ctx *c, int64_t id, struct err *err)
{
    struct store_val args[] = {STORE_S(arena_printf(c->arena, "%lld", (long long)id)),
                               STORE_I(row->a.id)};
    row->row_id = id;
    return store_exec(c->conn, SV("UPDATE `core_approval` SET `row_id`=? WHERE `id`=?"), args, 2,
                      NULL, err);
}

int approval_do(struct approval_row *row, struct model_ctx *c, struct err *err)
{
    const struct model_resource *r = row->r;
    json_t *body = NULL;
    int64_t id;
    sv plugin = r ? sv_of(r->mf->manifest->id) : SV("");
    if (!r || (!sv_eqs(plugin, "core") && !auth_plugin_on(c->tenant, plugin)))
        return err_set(err, 404, "plugin_disabled", NULL);
    /* An export is fetched by who asked for it, within a day. */
    if (sv_eqs(row->op, "export")) return 0;
    if (row->body.n && json_parse(c->arena, row->body, &body, err) < 0) return -1;
    if (body && json_is_null(body)) body = NULL;
    if (sv_eqs(row->op, "create")) {
        if (model_create(r, c, body, &id, err) < 0) return -1;
        return note_row(row, c, id, err);
    }
    if (sv_eqs(row->op, "update")) return model_update(r, c, row->row_id, -1, body, err);
    if (sv_eqs(row->op, "delete")) return delete_versioned(r, c, row->row_id, -1, err);
    return model_transition(r, c, row->row_id, row->op, body, err);
}
