/* atrium.model/1 */
#include "plugin/internal.h"

/* Joins the open transaction, else leaves connections to the model. */
static atrium_status context(struct atrium_ctx *ctx, atrium_model_as as, struct model_ctx *m,
                             struct atrium_error *err)
{
    if (as > ATRIUM_AS_SYSTEM) return plug_fault(err, ATRIUM_E_ARGUMENT, "model: unknown `as`");
    if (ctx->reading) return plug_fault(err, ATRIUM_E_STATE, "model is used from a row callback");
    bool joins = ctx_uncommitted(ctx);
    if (!joins) ctx_yield_conn(ctx);
    *m = (struct model_ctx){
        .tenant = ctx->tenant,
        .who = as == ATRIUM_AS_SYSTEM ? &auth_system : ctx->who,
        .req = ctx->req,
        .arena = ctx->arena,
        .lang = ctx->req ? http_lang(ctx->req) : "zh",
    };
    if (joins) {
        struct err e;
        err_clear(&e);
        if (ctx_conn(ctx, &m->conn, &e) != 0) return plug_error_out(err, &e);
        m->done = ctx->done;
    }
    return ATRIUM_OK;
}

static atrium_status begin(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                           const struct model_resource **r, struct model_ctx *m,
                           struct atrium_error *err)
{
    struct model *all = ctx->plug->reg->model;
    *r = all ? model_find(all, to_sv(resource)) : NULL;
    if (!*r) return plug_fault(err, ATRIUM_E_ARGUMENT, "model: there is no such resource");
    return context(ctx, as, m, err);
}

/* In a joined transaction what is to follow the commit waits in the context. */
static atrium_status end(struct atrium_ctx *ctx, const struct model_ctx *m, int rc,
                         const struct err *e, struct atrium_error *err)
{
    if (m->conn) ctx->done = m->done;
    return rc == 0 ? ATRIUM_OK : plug_error_out(err, e);
}

static atrium_status get(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                         int64_t id, struct atrium_str expand, struct atrium_str *json,
                         struct atrium_error *err)
{
    CTX_CHECK(ctx);
    const struct model_resource *r;
    struct model_ctx m;
    atrium_status s = begin(ctx, as, resource, &r, &m, err);
    if (s != ATRIUM_OK) return s;
    struct buf out = BUF_IN(ctx->arena);
    struct err e;
    err_clear(&e);
    int rc = model_get(r, &m, id, to_sv(expand), &out, &e);
    if (rc == 0) *json = to_str(buf_view(&out));
    return end(ctx, &m, rc, &e, err);
}

static atrium_status list(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                          const struct atrium_list *query, struct atrium_str *json,
                          struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (query->size < sizeof *query)
        return plug_fault(err, ATRIUM_E_ARGUMENT, "model.list: query->size is too small");
    const struct model_resource *r;
    struct model_ctx m;
    atrium_status s = begin(ctx, as, resource, &r, &m, err);
    if (s != ATRIUM_OK) return s;
    struct model_list q = {
        .filter = to_sv(query->filter),
        .search = to_sv(query->search),
        .sort = to_sv(query->sort),
        .after = to_sv(query->after),
        .fields = to_sv(query->fields),
        .expand = to_sv(query->expand),
        .limit = query->limit,
        .count = query->count != 0,
    };
    struct buf out = BUF_IN(ctx->arena);
    struct err e;
    err_clear(&e);
    int rc = model_list(r, &m, &q, &out, &e);
    if (rc == 0) *json = to_str(buf_view(&out));
    return end(ctx, &m, rc, &e, err);
}

/* A body of the plugin as a tree; absent: an empty object. */
static int body_of(struct atrium_ctx *ctx, struct atrium_str json, json_t **out, struct err *e)
{
    return json_parse(ctx->arena, json.ptr ? to_sv(json) : SV("{}"), out, e);
}

static atrium_status create(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                            struct atrium_str json, int64_t *id, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    const struct model_resource *r;
    struct model_ctx m;
    atrium_status s = begin(ctx, as, resource, &r, &m, err);
    if (s != ATRIUM_OK) return s;
    json_t *body;
    struct err e;
    err_clear(&e);
    int rc = body_of(ctx, json, &body, &e);
    int64_t made = 0;
    if (rc == 0) rc = model_create(r, &m, body, &made, &e);
    if (rc == 0 && id) *id = made;
    return end(ctx, &m, rc, &e, err);
}

static atrium_status update(struct atrium_ctx *ctx, atrium_model_as as, struct atrium_str resource,
                            int64_t id, int64_t version, struct atrium_str json,
                            struct atrium_error *err)
{
    CTX_CHECK(ctx);
    const struct model_resource *r;
    struct model_ctx m;
    atrium_status s = begin(ctx, as, resource, &r, &m, err);
    if (s != ATRIUM_OK) return s;
    json_t *body;
    struct err e;
    err_clear(&e);
    int rc = body_of(ctx, json, &body, &e);
    if (rc == 0) rc = model_update(r, &m, id, version, body, &e);
    return end(ctx, &m, rc, &e, err);
}

static atrium_status remove_row(struct atrium_ctx *ctx, atrium_model_as as,
                                struct atrium_str resource, int64_t id, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    const struct model_resource *r;
    struct model_ctx m;
    atrium_status s = begin(ctx, as, resource, &r, &m, err);
    if (s != ATRIUM_OK) return s;
    struct err e;
    err_clear(&e);
    int rc = model_delete(r, &m, id, &e);
    return end(ctx, &m, rc, &e, err);
}

static atrium_status transition(struct atrium_ctx *ctx, atrium_model_as as,
                                struct atrium_str resource, int64_t id, struct atrium_str name,
                                struct atrium_str json, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    const struct model_resource *r;
    struct model_ctx m;
    atrium_status s = begin(ctx, as, resource, &r, &m, err);
    if (s != ATRIUM_OK) return s;
    json_t *body;
    struct err e;
    err_clear(&e);
    int rc = body_of(ctx, json, &body, &e);
    if (rc == 0) rc = model_transition(r, &m, id, to_sv(name), body, &e);
    return end(ctx, &m, rc, &e, err);
}

static atrium_status show_file(struct atrium_ctx *ctx, int64_t file, bool everybody,
                               struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct model_ctx m;
    atrium_status s = context(ctx, ATRIUM_AS_SYSTEM, &m, err);
    if (s != ATRIUM_OK) return s;
    struct err e;
    err_clear(&e);
    int rc = model_file_set_public(&m, file, everybody, &e);
    return end(ctx, &m, rc, &e, err);
}

const struct atrium_model_1 plug_model_1 = {
    .get = get,
    .list = list,
    .create = create,
    .update = update,
    .remove = remove_row,
    .transition = transition,
    .show_file = show_file,
};
