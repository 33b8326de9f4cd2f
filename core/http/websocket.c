/* WebSocket on HTTP/1.1, by h2o's upgrade and wslay. Messages of at most 64 KiB;
 * a ping each 30 s, and a peer that was silent for two of them is dropped. */
#define LOG_ROOM "http"
#include <stdlib.h>

#include "http/stream.h"

#define MAX_MESSAGE (64u * 1024)
#define KEY_LENGTH 24u
#define MAX_SILENT_PINGS 2u

static void on_message(h2o_websocket_conn_t *ws, const struct wslay_event_on_msg_recv_arg *m);

/* Never inside of a message callback: wslay still uses the connection then.
 * Callers are the loop's own: messages from writers, timers, h2o's last call. */
static void close_now(struct http_stream *s)
{
    h2o_websocket_conn_t *ws = s->ws;
    s->ws = NULL;
    if (ws) h2o_websocket_close(ws);
    http_stream_gone(s);
}

/* Lets h2o work; it may end in on_message(NULL), after which ws is NULL and the
 * loop's reference is given back: callers hold one of their own. */
static void proceed(struct http_stream *s)
{
    if (s->ws && s->ws->sock) h2o_websocket_proceed(s->ws);
}

/* h2o does not tell when wslay's queue gets shorter, so it is looked at soon
 * again while there is something in it. */
static void settle(struct http_stream *s)
{
    if (!s->ws) return;
    size_t queued = wslay_event_get_queued_msg_length(s->ws->ws_ctx);
    pthread_mutex_lock(&s->mu);
    size_t owed = queued;
    for (size_t at = 0; at + sizeof(uint32_t) <= s->pending.n;) {
        uint32_t n;
        memcpy(&n, s->pending.p + at, sizeof(n));
        at += sizeof(n) + n;
        owed += n;
    }
    s->owed = owed;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->mu);
    if ((queued || !s->ws->sock) && !h2o_timeout_is_linked(&s->soon))
        h2o_timeout_link(s->loop->ctx.loop, &s->loop->soon, &s->soon);
}

void http_ws_pump(struct http_stream *s)
{
    bool ending;
    if (!s->ws || !s->ws->sock) return; /* the 101 is still on its way: on_soon comes back */
    if (!http_stream_take(s, &s->flying, &ending)) {
        close_now(s);
        return;
    }
    for (size_t at = 0; at + sizeof(uint32_t) <= s->flying.n;) {
        uint32_t n;
        memcpy(&n, s->flying.p + at, sizeof(n));
        at += sizeof(n);
        struct wslay_event_msg m = {WSLAY_TEXT_FRAME, (const uint8_t *)s->flying.p + at, n};
        wslay_event_queue_msg(s->ws->ws_ctx, &m);
        at += n;
    }
    buf_clear(&s->flying);
    if (ending && !s->ws_goodbye) {
        s->ws_goodbye = true;
        wslay_event_queue_close(s->ws->ws_ctx, WSLAY_CODE_GOING_AWAY, NULL, 0);
    }
    http_stream_ref(s);
    proceed(s);
    settle(s);
    http_stream_unref(s);
}

static void on_soon(h2o_timeout_entry_t *e)
{
    struct http_stream *s = H2O_STRUCT_FROM_MEMBER(struct http_stream, soon, e);
    if (s->ws->sock)
        http_ws_pump(s);
    else
        settle(s);
}

static void on_ping(h2o_timeout_entry_t *e)
{
    struct http_stream *s = H2O_STRUCT_FROM_MEMBER(struct http_stream, ping, e);
    if (!s->ws->sock) {
        h2o_timeout_link(s->loop->ctx.loop, &s->loop->ping_ws, &s->ping);
        return; /* the sweep ends writes that stand still */
    }
    if (s->ws_goodbye || s->ws_idle++ >= MAX_SILENT_PINGS) {
        close_now(s);
        return;
    }
    h2o_timeout_link(s->loop->ctx.loop, &s->loop->ping_ws, &s->ping);
    struct wslay_event_msg m = {WSLAY_PING, NULL, 0};
    wslay_event_queue_msg(s->ws->ws_ctx, &m);
    http_ws_pump(s);
}

static void on_message(h2o_websocket_conn_t *ws, const struct wslay_event_on_msg_recv_arg *m)
{
    struct http_stream *s = ws->data;
    if (!m) { /* h2o's last call: the connection is over */
        close_now(s);
        return;
    }
    s->ws_idle = 0;
    if (wslay_is_ctrl_frame(m->opcode)) return;
    if (s->ops && s->ops->message)
        s->ops->message(s->arg, s, sv_make((const char *)m->msg, m->msg_length),
                        m->opcode == WSLAY_BINARY_FRAME);
}

void http_ws_start(struct http_stream *s, struct http_req *r)
{
    sv key = http_header(r, "sec-websocket-key");
    r->status = 101;
    r->type = NULL;
    http_res_head(r, SIZE_MAX);
    r->conn->proto = HTTP_PROTO_WS;
    s->ws = h2o_upgrade_to_websocket(r->h, key.p, s, on_message);
    wslay_event_config_set_max_recv_msg_length(s->ws->ws_ctx, MAX_MESSAGE);
    s->soon.cb = on_soon;
    s->ping.cb = on_ping;
    h2o_timeout_link(s->loop->ctx.loop, &s->loop->soon, &s->soon);
    h2o_timeout_link(s->loop->ctx.loop, &s->loop->ping_ws, &s->ping);
    http_stream_link(s);
    if (s->loop->draining) http_stream_end(s);
}

/* A page of another origin can open a WebSocket with the user's cookies; only
 * the header tells. Programs send none. */
static bool same_origin(const struct http_req *r)
{
    sv origin = http_header(r, "origin");
    if (!origin.p) return true;
    const char *p = memmem(origin.p, origin.n, "://", 3);
    return p && sv_ieq(sv_make(p + 3, origin.n - (size_t)(p + 3 - origin.p)), r->host);
}

struct http_stream *http_websocket(struct http_req *r, const struct http_stream_ops *ops, void *arg,
                                   struct err *err)
{
    sv key = http_header(r, "sec-websocket-key");
    if (r->h2 || r->method != HTTP_GET || r->head || !sv_ieq(r->upgrade, SV("websocket")) ||
        key.n != KEY_LENGTH || !sv_eq(http_header(r, "sec-websocket-version"), SV("13"))) {
        err_set(err, 400, "bad_request", NULL);
        err_detail(err, "not a WebSocket handshake");
        return NULL;
    }
    if (!same_origin(r)) {
        err_set(err, 403, "forbidden", NULL);
        err_detail(err, "WebSocket from another origin");
        return NULL;
    }
    return http_stream_new(r, STREAM_WS, ops, arg);
}
