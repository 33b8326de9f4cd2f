/* HTTP/2 frames, one by one, before h2o handles them. h2o calls each connection's
 * frame reader through a pointer in the connection; ours stands in front of it.
 * What it bounds is listed in docs/security-h2o.md. */
#define LOG_ROOM "http"
#include "http/internal.h"

#define FRAME_HEAD H2O_HTTP2_FRAME_HEADER_SIZE
#define MAX_BLOCK_FRAMES 16u /* HEADERS and its CONTINUATIONs */
#define MAX_CONTROL 200u     /* a second: PING, SETTINGS, PRIORITY, unknown, empty DATA */

struct frame {
    size_t length;
    uint8_t type, flags;
    uint32_t id;
};

static struct frame frame_of(const uint8_t *p)
{
    return (struct frame){
        .length = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2],
        .type = p[3],
        .flags = p[4],
        .id =
            ((uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]) & 0x7fffffff,
    };
}

static ssize_t calm_down(struct http_conn *c, const char **err_desc, const char *why)
{
    log_warn("HTTP/2 connection from %.*s ended: %s", (int)c->ip_n, c->ip, why);
    *err_desc = why;
    return H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
}

/* Errors on streams that h2o has answered with RST_STREAM, in all. */
static uint64_t stream_errors(const struct http_loop *l)
{
    uint64_t n = 0;
    for (size_t i = 0; i < H2O_HTTP2_ERROR_MAX; i++)
        n += l->ctx.http2.events.protocol_level_errors[i];
    return n;
}

/* Lets the request run without its body and with an answer given beforehand. */
static void refuse_stream(h2o_http2_conn_t *conn, h2o_http2_stream_t *stream, int status)
{
    struct http_loop *l = H2O_STRUCT_FROM_MEMBER(struct http_loop, ctx, conn->super.ctx);
    h2o_http2_stream_set_state(conn, stream, H2O_HTTP2_STREAM_STATE_REQ_PENDING);
    h2o_http2_stream_set_state(conn, stream, H2O_HTTP2_STREAM_STATE_SEND_HEADERS);
    if (conn->pull_stream_ids.max_processed < stream->stream_id)
        conn->pull_stream_ids.max_processed = stream->stream_id;
    l->refuse_status = status;
    h2o_process_request(&stream->req);
    l->refuse_status = 0;
}

static size_t limit_of(struct http_conn *c, const h2o_http2_stream_t *stream)
{
    enum http_method m;
    const h2o_req_t *h = &stream->req;
    if (!http_method_parse(sv_make(h->input.method.base, h->input.method.len), &m))
        return c->loop->s->lim.body_bytes;
    return http_body_limit(c->loop->s, c->operator_side, m,
                           sv_make(h->input.authority.base, h->input.authority.len),
                           sv_make(h->input.path.base, h->input.path.len));
}

/* Is the body longer than its route takes: by what was announced, or by what is
 * there and `more`? The route is only asked for when the answer may be yes. */
static bool too_long(struct http_conn *c, const h2o_http2_stream_t *stream, size_t more)
{
    size_t n = stream->_req_body->size + more;
    if (stream->_expected_content_length != SIZE_MAX && stream->_expected_content_length > n)
        n = stream->_expected_content_length;
    return n > c->loop->s->lim.body_bytes && n > limit_of(c, stream);
}

/* Takes a DATA frame that no request wants. The stream's window is not opened
 * again, the connection's is, or other streams would starve. */
static ssize_t swallow(h2o_http2_conn_t *conn, const struct frame *f)
{
    h2o_http2_window_consume_window(&conn->_input_window, f->length);
    ssize_t left = h2o_http2_window_get_window(&conn->_input_window);
    int32_t full = (int32_t)H2O_HTTP2_SETTINGS_HOST.initial_window_size;
    if (left * 2 < full) {
        int32_t delta = (int32_t)(full - left);
        h2o_http2_encode_window_update_frame(&conn->_write.buf, 0, delta);
        h2o_http2_conn_request_write(conn);
        h2o_http2_window_update(&conn->_input_window, delta);
    }
    return (ssize_t)(FRAME_HEAD + f->length);
}

static ssize_t read_frame(h2o_http2_conn_t *conn, const uint8_t *src, size_t len,
                          const char **err_desc);

static ssize_t pass_on(struct http_conn *c, h2o_http2_conn_t *conn, const uint8_t *src, size_t len,
                       const char **err_desc)
{
    ssize_t ret = c->h2_expect(conn, src, len, err_desc);
    if (conn->_read_expect != read_frame) { /* h2o waits for something else now */
        c->h2_expect = conn->_read_expect;
        conn->_read_expect = read_frame;
    }
    return ret;
}

/* One frame that is there in full. */
static ssize_t look(struct http_conn *c, h2o_http2_conn_t *conn, const struct frame *f,
                    const uint8_t *src, size_t len, const char **err_desc)
{
    const struct http_limits *lim = &c->loop->s->lim;
    int64_t second = clock_mono_us() / 1000000;
    if (second != c->h2_second) {
        c->h2_second = second;
        c->h2_resets = c->h2_control = 0;
    }
    bool control = false;
    switch (f->type) {
    case H2O_HTTP2_FRAME_TYPE_DATA: {
        control = f->length == 0 && !(f->flags & H2O_HTTP2_FRAME_FLAG_END_STREAM);
        h2o_http2_stream_t *stream = h2o_http2_conn_get_stream(conn, f->id);
        if (c->h2_block || f->id == 0 || !(f->id & 1) || f->id > conn->pull_stream_ids.max_open)
            break; /* h2o ends the connection */
        if (!stream || stream->state > H2O_HTTP2_STREAM_STATE_RECV_BODY)
            return swallow(conn, f); /* answered early or reset: late bytes are no error */
        if (stream->state == H2O_HTTP2_STREAM_STATE_RECV_BODY && too_long(c, stream, f->length)) {
            refuse_stream(conn, stream, 413);
            return swallow(conn, f);
        }
        break;
    }
    case H2O_HTTP2_FRAME_TYPE_HEADERS:
    case H2O_HTTP2_FRAME_TYPE_CONTINUATION:
        c->h2_block += f->length + 1;
        if (c->h2_block > lim->header_bytes || ++c->h2_block_frames > MAX_BLOCK_FRAMES)
            return calm_down(c, err_desc, "header block too large");
        break;
    case H2O_HTTP2_FRAME_TYPE_RST_STREAM:
        c->h2_resets++;
        break;
    case H2O_HTTP2_FRAME_TYPE_WINDOW_UPDATE:
        break;
    default:
        control = true;
    }
    if (control && ++c->h2_control > MAX_CONTROL)
        return calm_down(c, err_desc, "too many control frames");
    if (f->type > H2O_HTTP2_FRAME_TYPE_CONTINUATION && !c->h2_block)
        return (ssize_t)(FRAME_HEAD + f->length); /* h2o would write to stderr */

    uint64_t before = stream_errors(c->loop);
    ssize_t ret = pass_on(c, conn, src, len, err_desc);
    if (ret < 0) return ret;
    /* Resets that the client provokes cost as much as those it sends. */
    c->h2_resets += (unsigned)(stream_errors(c->loop) - before);
    if (c->h2_resets > lim->h2_resets_per_s) {
        COUNT(c->loop, h2_resets, 1);
        return calm_down(c, err_desc, "too many stream resets");
    }
    if ((f->type == H2O_HTTP2_FRAME_TYPE_HEADERS || f->type == H2O_HTTP2_FRAME_TYPE_CONTINUATION) &&
        (f->flags & H2O_HTTP2_FRAME_FLAG_END_HEADERS)) {
        c->h2_block = 0;
        c->h2_block_frames = 0;
        h2o_http2_stream_t *stream = h2o_http2_conn_get_stream(conn, f->id);
        if (stream && stream->state == H2O_HTTP2_STREAM_STATE_RECV_BODY && too_long(c, stream, 0))
            refuse_stream(conn, stream, 413);
    }
    return ret;
}

static ssize_t read_frame(h2o_http2_conn_t *conn, const uint8_t *src, size_t len,
                          const char **err_desc)
{
    struct http_conn *c = conn->sock->on_close.data;
    if (len < FRAME_HEAD || memcmp(src, "PRI", 3) == 0) return pass_on(c, conn, src, len, err_desc);
    struct frame f = frame_of(src);
    if (f.length > H2O_HTTP2_SETTINGS_HOST.max_frame_size || len < FRAME_HEAD + f.length)
        return pass_on(c, conn, src, len, err_desc);
    return look(c, conn, &f, src, len, err_desc);
}

void http_h2_guard(struct http_conn *c)
{
    h2o_http2_conn_t *conn = c->sock->data;
    c->h2_expect = conn->_read_expect;
    conn->_read_expect = read_frame;
}
