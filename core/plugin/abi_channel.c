/* atrium.channel/1: the work room's hub on one side, SSE streams on the other.
 * What the hub carries is the frame without its id line. */
#include "plugin/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_ROOM "plugin"

#define MAX_TOPIC 64
#define MAX_EVENT 32
#define MAX_DATA (64 * 1024)
#define MAX_INTERVAL_MS 60000

static const struct mf_channel *declared(const struct plug *p, sv name)
{
    for (size_t i = 0; i < p->mf->n_channels; i++) {
        if (sv_eqs(name, p->mf->channels[i].name)) return &p->mf->channels[i];
    }
    return NULL;
}

/* One line each in the frame: what has a line break would be two. */
static bool one_line(struct atrium_str s)
{
    return !s.len || (!memchr(s.ptr, '\n', s.len) && !memchr(s.ptr, '\r', s.len));
}

static bool sound(const struct plug *p, struct atrium_str channel, struct atrium_str topic,
                  struct atrium_str event, struct atrium_str json)
{
    return declared(p, to_sv(channel)) && topic.len <= MAX_TOPIC && event.len <= MAX_EVENT &&
           json.len <= MAX_DATA && one_line(event) && one_line(json);
}

static sv hub_name(const struct atrium_ctx *ctx, struct atrium_str channel, struct atrium_str topic)
{
    return arena_printf(ctx->arena, "%s.%.*s/%.*s", ctx->plug->id, SVARG(to_sv(channel)),
                        SVARG(to_sv(topic)));
}

static sv frame(struct arena *a, struct atrium_str event, struct atrium_str json)
{
    struct buf b = BUF_IN(a);
    if (event.len) {
        buf_str(&b, "event: ");
        buf_sv(&b, to_sv(event));
        buf_chr(&b, '\n');
    }
    buf_str(&b, "data: ");
    buf_sv(&b, to_sv(json));
    buf_str(&b, "\n\n");
    return buf_view(&b);
}

/* ---- publishing --------------------------------------------------------------------------- */

static atrium_status send(struct atrium_ctx *ctx, struct atrium_str channel,
                          struct atrium_str topic, struct atrium_str event,
                          struct atrium_str json, uint32_t interval_ms)
{
    if (ctx->kind == CTX_CHANGE)
        return plug_fault(NULL, ATRIUM_E_STATE, "channel.publish before the change is durable");
    if (!sound(ctx->plug, channel, topic, event, json) || interval_ms > MAX_INTERVAL_MS)
        return plug_fault(NULL, ATRIUM_E_ARGUMENT,
                          "channel.publish: channel not declared, or topic, event or data refused");
    struct ctx_message *m = ARENA_NEW(ctx->arena, struct ctx_message);
    m->name = hub_name(ctx, channel, topic);
    m->data = frame(ctx->arena, event, json);
    m->interval_ms = interval_ms;
    *ctx->messages_end = m;
    ctx->messages_end = &m->next;
    if (!ctx_uncommitted(ctx)) ctx_send_messages(ctx);
    return ATRIUM_OK;
}

static atrium_status publish(struct atrium_ctx *ctx, struct atrium_str channel,
                             struct atrium_str topic, struct atrium_str event,
                             struct atrium_str json)
{
    CTX_CHECK(ctx);
    return send(ctx, channel, topic, event, json, 0);
}

static atrium_status publish_latest(struct atrium_ctx *ctx, struct atrium_str channel,
                                    struct atrium_str topic, struct atrium_str event,
                                    struct atrium_str json, uint32_t interval_ms)
{
    CTX_CHECK(ctx);
    return send(ctx, channel, topic, event, json, interval_ms);
}

/* ---- listening ------------------------------------------------------------------------------ */

/* One browser that listens. Owner: its stream, until `closed`. */
struct listener {
    struct work_hub *hub;
    struct http_stream *stream;
    pthread_mutex_t lock;        /* between subscribing and an early `closed` */
    struct work_sub *sub;
    bool closed;
};

static void listener_end(struct listener *l)
{
    http_stream_unref(l->stream);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* [any] From the hub. The stream is ended by its own rules; only `closed`
 * unsubscribes, so that there is one place for it. */
static bool on_message(void *arg, int64_t id, sv data)
{
    struct listener *l = arg;
    char small[4096];
    int n = snprintf(small, sizeof small, "id: %lld\n", (long long)id);
    if ((size_t)n + data.n <= sizeof small) {
        memcpy(small + n, data.p, data.n);
        http_stream_write(l->stream, sv_make(small, (size_t)n + data.n));
        return true;
    }
    struct buf b = BUF_HEAP;
    buf_add(&b, small, (size_t)n);
    buf_sv(&b, data);
    http_stream_write(l->stream, buf_view(&b));
    buf_free(&b);
    return true;
}

/* [loop] */
static void on_closed(void *arg)
{
    struct listener *l = arg;
    pthread_mutex_lock(&l->lock);
    l->closed = true;
    struct work_sub *sub = l->sub;
    pthread_mutex_unlock(&l->lock);
    if (!sub) return;            /* subscribe() is still at it and ends it */
    work_hub_unsubscribe(l->hub, sub);
    listener_end(l);
}

static bool may_listen(const struct mf_channel *c, const struct auth_principal *who)
{
    switch (c->who) {
    case MF_CH_PUBLIC: return true;
    case MF_CH_MEMBER: return who->kind == AUTH_MEMBER || auth_is_staff(who);
    case MF_CH_STAFF: return who->kind == AUTH_STAFF;
    }
    return false;
}

static atrium_status subscribe(struct atrium_ctx *ctx, struct atrium_str channel,
                               struct atrium_str topic, struct atrium_str first_event,
                               struct atrium_str first_json, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (!ctx->req || ctx->later || ctx->record || ctx->streaming)
        return plug_fault(err, ATRIUM_E_STATE, "channel.subscribe: there is no request to take");
    if (!sound(ctx->plug, channel, topic, first_event, first_json))
        return plug_fault(err, ATRIUM_E_ARGUMENT,
                          "channel.subscribe: channel not declared, or topic or data refused");
    struct err e;
    err_clear(&e);
    if (!may_listen(declared(ctx->plug, to_sv(channel)), ctx->who)) {
        bool anon = ctx->who->kind == AUTH_ANON;
        err_set(&e, anon ? 401 : 403, anon ? "unauthorized" : "forbidden", NULL);
        return plug_error_out(err, &e);
    }
    sv name = hub_name(ctx, channel, topic);
    sv first = first_json.ptr ? frame(ctx->arena, first_event, first_json) : SV_NULL;
    struct listener *l = xmalloc(sizeof *l);
    *l = (struct listener){.hub = ctx->plug->reg->o.hub};
    pthread_mutex_init(&l->lock, NULL);
    static const struct http_stream_ops ops = {.closed = on_closed};
    /* Nothing may be closed before the stream is noted down. */
    pthread_mutex_lock(&l->lock);
    l->stream = http_sse(ctx->req, &ops, l);
    pthread_mutex_unlock(&l->lock);
    ctx->streaming = true;
    if (first.p) http_stream_write(l->stream, first);
    /* After the first: what was published in between comes again, newest only. */
    struct work_sub *sub =
        work_hub_subscribe(l->hub, ctx->tenant->id, name, -1, on_message, l);
    pthread_mutex_lock(&l->lock);
    l->sub = sub;
    bool gone = l->closed;
    pthread_mutex_unlock(&l->lock);
    if (gone) {
        work_hub_unsubscribe(l->hub, sub);
        listener_end(l);
    }
    return ATRIUM_OK;
}

static uint32_t listeners(const struct atrium_ctx *ctx, struct atrium_str channel,
                          struct atrium_str topic)
{
    CTX_CHECK(ctx);
    return work_hub_count(ctx->plug->reg->o.hub, ctx->tenant->id, hub_name(ctx, channel, topic));
}

const struct atrium_channel_1 plug_channel_1 = {
    .publish = publish,
    .publish_latest = publish_latest,
    .subscribe = subscribe,
    .listeners = listeners,
};
