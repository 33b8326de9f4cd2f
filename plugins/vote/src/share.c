/* Link and QR code of a poll, for staff who may read it. */
#include "vote.h"

#include <stdio.h>
#include <stdlib.h>

#include "qr.h"

#define PNG_SCALE 12

/* The person's own right to this row: the model knows scopes, the route's
 * permission only that there is one. */
static atrium_status visible(struct atrium_ctx *ctx, int64_t *id, struct atrium_error *err)
{
    struct atrium_str row;
    atrium_status s = vote_path_id(ctx, id, err);
    if (s != ATRIUM_OK) return s;
    return atrium.model->get(ctx, ATRIUM_AS_CALLER, ATRIUM_STR("vote.poll"), *id,
                             atrium_str_make(NULL, 0), &row, err);
}

/* Where the public client shows the poll (client_pages in the manifest). */
static void link_of(struct atrium_ctx *ctx, int64_t id, char *out, size_t room)
{
    struct atrium_str base = atrium.http->base_url(ctx);
    snprintf(out, room, "%.*s/#/pages/poll/poll?id=%lld", (int)base.len, base.ptr, (long long)id);
}

atrium_status vote_poll_share(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    int64_t id;
    char text[512];
    atrium_status s = visible(ctx, &id, err);
    if (s != ATRIUM_OK) return s;
    struct atrium_json_writer *w = atrium.http->body_json(ctx);
    atrium.json->begin_object(w);
    link_of(ctx, id, text, sizeof text);
    atrium_kv_str(w, "url", atrium_cstr(text));
    snprintf(text, sizeof text, "/api/vote/poll/%lld/qr.svg", (long long)id);
    atrium_kv_str(w, "qr", atrium_cstr(text));
    snprintf(text, sizeof text, "/api/vote/poll/%lld/qr.png", (long long)id);
    atrium_kv_str(w, "qr_png", atrium_cstr(text));
    atrium.json->end_object(w);
    return ATRIUM_OK;
}

static atrium_status qr(struct atrium_ctx *ctx, bool png, struct atrium_error *err)
{
    int64_t id;
    char url[512];
    struct qr_image image;
    atrium_status s = visible(ctx, &id, err);
    if (s != ATRIUM_OK) return s;
    link_of(ctx, id, url, sizeof url);
    if (!(png ? qr_png(url, PNG_SCALE, &image) : qr_svg(url, &image)))
        return atrium_fail(err, ATRIUM_E_INTERNAL, 500, "internal", NULL);
    atrium.http->body_bytes(ctx, png ? ATRIUM_STR("image/png") : ATRIUM_STR("image/svg+xml"),
                            atrium_str_make(image.bytes, image.n));
    free(image.bytes);
    return ATRIUM_OK;
}

atrium_status vote_poll_qr_svg(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    return qr(ctx, false, err);
}

atrium_status vote_poll_qr_png(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    return qr(ctx, true, err);
}
