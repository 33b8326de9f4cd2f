/* atrium.http/1 */
#include "plugin/internal.h"

static const struct atrium_str absent;

static atrium_status bind_route(const struct atrium_host *host, struct atrium_str name,
                                atrium_http_handler *fn, struct atrium_error *err)
{
    return plug_bind(host, PLUG_ROUTE, name, (void (*)(void))fn, err);
}

/* ---- the request --------------------------------------------------------------------- */

static struct atrium_str method(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",
        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
    };
    return ctx->req ? atrium_cstr(names[http_method_of(ctx->req)]) : absent;
}

static struct atrium_str path(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_path(ctx->req)) : absent;
}

static struct atrium_str param(const struct atrium_ctx *ctx, const char *name)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_param(ctx->req, name)) : absent;
}

static struct atrium_str query(const struct atrium_ctx *ctx, const char *name)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_query(ctx->req, name)) : absent;
}

static struct atrium_str header(const struct atrium_ctx *ctx, const char *name)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_header(ctx->req, name)) : absent;
}

static struct atrium_str body(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_body(ctx->req)) : absent;
}

static atrium_status json(struct atrium_ctx *ctx, const struct atrium_json **out,
                          struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (!ctx->req) return plug_fault(err, ATRIUM_E_STATE, "http.json outside a handler");
    json_t *v;
    struct err e;
    err_clear(&e);
    if (http_json(ctx->req, &v, &e) != 0) return plug_error_out(err, &e);
    *out = (const struct atrium_json *)v;
    return ATRIUM_OK;
}

static atrium_status part(struct atrium_ctx *ctx, uint32_t i, struct atrium_part *out,
                          struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (!ctx->req) return plug_fault(err, ATRIUM_E_STATE, "http.part outside a handler");
    if (out->size < sizeof *out)
        return plug_fault(err, ATRIUM_E_ARGUMENT, "http.part: out->size is too small");
    struct http_part *parts;
    size_t n;
    struct err e;
    err_clear(&e);
    if (!ctx->parts) {           /* parsed once, on the first call */
        if (http_multipart(ctx->req, &parts, &n, &e) != 0) return plug_error_out(err, &e);
        ctx->parts = parts;
        ctx->n_parts = n;
    }
    if (i >= ctx->n_parts) return ATRIUM_E_NOT_FOUND;
    const struct http_part *p = &ctx->parts[i];
    out->name = to_str(p->name);
    out->filename = to_str(p->filename);
    out->content_type = to_str(p->content_type);
    out->data = to_str(p->data);
    return ATRIUM_OK;
}

static struct atrium_str remote(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_remote(ctx->req)) : absent;
}

static struct atrium_str lang(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    return atrium_cstr(ctx->req ? http_lang(ctx->req) : "zh");
}

static struct atrium_str base_url(struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    if (!ctx->req) return absent;
    return to_str(arena_printf(ctx->arena, "%.*s://%.*s%.*s", SVARG(http_scheme(ctx->req)),
                               SVARG(http_host(ctx->req)), SVARG(http_prefix(ctx->req))));
}

static struct atrium_str request_id(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    return ctx->req ? to_str(http_request_id(ctx->req)) : absent;
}

/* ---- the answer ------------------------------------------------------------------------ */

static void set_status(struct atrium_ctx *ctx, uint32_t status)
{
    CTX_CHECK(ctx);
    if (ctx->req && status >= 200 && status < 600) http_status(ctx->req, (int)status);
}

/* These decide where one answer ends and the next begins. */
static bool is_framing(const char *name)
{
    static const char *const names[] = {"content-length", "transfer-encoding", "connection",
                                        "keep-alive", "upgrade", "trailer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static void add_header(struct atrium_ctx *ctx, struct atrium_str name, struct atrium_str value)
{
    CTX_CHECK(ctx);
    if (!ctx->req || name.len == 0) return;
    char *lower = arena_str(ctx->arena, to_sv(name));
    for (char *p = lower; *p; p++) {
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + ('a' - 'A'));
        if (*p <= ' ' || *p == ':' || *p == 0x7f) return;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0') return;
    }
    if (!is_framing(lower)) http_add_header(ctx->req, lower, to_sv(value));
}

static struct atrium_json_writer *body_json(struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    if (!ctx->req) return NULL;
    if (!ctx->body) {
        ctx->body = ARENA_NEW(ctx->arena, struct atrium_json_writer);
        http_type(ctx->req, "application/json");
        buf_clear(http_out(ctx->req));
        ctx->body->w = jsonw_on(http_out(ctx->req));
    }
    return ctx->body;
}

static void body_bytes(struct atrium_ctx *ctx, struct atrium_str content_type,
                       struct atrium_str bytes)
{
    CTX_CHECK(ctx);
    if (!ctx->req) return;
    http_type(ctx->req, arena_str(ctx->arena, to_sv(content_type)));
    buf_clear(http_out(ctx->req));
    buf_add(http_out(ctx->req), bytes.ptr, bytes.len);
}

/* ---- answering later --------------------------------------------------------------------- */

static atrium_status later(struct atrium_ctx *ctx, struct atrium_later **out,
                           struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (!ctx->req || ctx->later || ctx->record || ctx->streaming)
        return plug_fault(err, ATRIUM_E_STATE, "http.later: there is no request to take");
    struct atrium_later *l = ARENA_NEW(ctx->arena, struct atrium_later);
    l->req = ctx->req;
    l->plug = ctx->plug;
    atomic_init(&l->halves, 2);
    http_defer(ctx->req);
    *out = ctx->later = l;
    return ATRIUM_OK;
}

static void later_answer(struct atrium_later *l, uint32_t status, struct atrium_str content_type,
                         struct atrium_str bytes)
{
    http_status(l->req, status >= 200 && status < 600 ? (int)status : 500);
    http_type(l->req, arena_str(http_arena(l->req), to_sv(content_type)));
    buf_clear(http_out(l->req));
    buf_add(http_out(l->req), bytes.ptr, bytes.len);
    plug_later_half(l);
}

static void later_fail(struct atrium_later *l, atrium_status status,
                       const struct atrium_error *error)
{
    struct err e;
    err_clear(&e);
    plug_error_in(l->plug, status, error, &e);
    buf_clear(http_out(l->req));
    http_fail(l->req, &e);
    plug_later_half(l);
}

const struct atrium_http_1 plug_http_1 = {
    .bind_route = bind_route,
    .method = method,
    .path = path,
    .param = param,
    .query = query,
    .header = header,
    .body = body,
    .json = json,
    .part = part,
    .remote = remote,
    .lang = lang,
    .base_url = base_url,
    .request_id = request_id,
    .set_status = set_status,
    .add_header = add_header,
    .body_json = body_json,
    .body_bytes = body_bytes,
    .later = later,
    .later_answer = later_answer,
    .later_fail = later_fail,
};
