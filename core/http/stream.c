/* Streams: SSE and chunked downloads; what WebSockets share with them.
 *
 * Writers on any thread append to `pending` under the stream's lock and wake the
 * loop once. The loop hands everything to h2o in one piece and takes more when
 * h2o has written it. A reader may owe `stream_buffer` bytes; one more and the
 * stream is closed: memory for slow readers is bounded, and no thread waits for
 * them unless it asked to (http_stream_write_wait). */
#define LOG_ROOM "http"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/panic.h"
#include "http/stream.h"

/* ---- life -------------------------------------------------------------------- */

static void wake(struct http_loop *l, struct http_msg *m);
static void pump(struct http_stream *s);

struct http_stream *http_stream_new(struct http_req *r, enum stream_kind kind,
                                    const struct http_stream_ops *ops, void *arg)
{
    struct http_stream *s = xmalloc(sizeof(*s));
    *s = (struct http_stream){
        .kind = kind,
        .loop = r->loop,
        .max_owed = r->loop->s->lim.stream_buffer,
        .ops = ops,
        .arg = arg,
        .msg.fn = wake,
        .pending = BUF_HEAP,
        .flying = BUF_HEAP,
    };
    atomic_init(&s->refs, 2); /* the caller's and the loop's */
    pthread_mutex_init(&s->mu, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->room, &attr);
    pthread_condattr_destroy(&attr);
    r->stream = s;
    return s;
}

void http_stream_ref(struct http_stream *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

void http_stream_unref(struct http_stream *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    pthread_mutex_destroy(&s->mu);
    pthread_cond_destroy(&s->room);
    buf_free(&s->pending);
    buf_free(&s->flying);
    free(s);
}

void http_stream_link(struct http_stream *s)
{
    struct http_loop *l = s->loop;
    s->linked = true;
    s->prev = NULL;
    s->next = l->streams;
    if (s->next) s->next->prev = s;
    l->streams = s;
    COUNT(l, streams, 1);
}

void http_stream_gone(struct http_stream *s)
{
    if (s->told) return;
    s->told = true;
    s->h = NULL;
    h2o_timeout_unlink(&s->ping);
    h2o_timeout_unlink(&s->soon);
    if (s->conn) s->conn->stream = NULL;
    if (s->linked) {
        if (s->prev)
            s->prev->next = s->next;
        else
            s->loop->streams = s->next;
        if (s->next) s->next->prev = s->prev;
        s->linked = false;
        COUNT(s->loop, streams, -1);
    }
    pthread_mutex_lock(&s->mu);
    s->closed = true;
    bool in_flight = s->woken; /* wake() then gives the reference back */
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->mu);
    if (s->ops && s->ops->closed) s->ops->closed(s->arg);
    if (!in_flight) http_stream_unref(s);
}

/* ---- writers -------------------------------------------------------------------- */

/* Under the lock. */
static void wake_loop(struct http_stream *s)
{
    if (!s->woken) {
        s->woken = true;
        http_post(s->loop, &s->msg);
    }
}

static void append(struct http_stream *s, sv data)
{
    if (s->kind == STREAM_WS) {
        uint32_t n = (uint32_t)data.n;
        buf_add(&s->pending, &n, sizeof(n));
    }
    buf_sv(&s->pending, data);
    s->owed += data.n;
    wake_loop(s);
}

bool http_stream_write(struct http_stream *s, sv data)
{
    pthread_mutex_lock(&s->mu);
    bool ok = !s->closed && !s->ending;
    if (ok && s->owed + data.n > s->max_owed) {
        s->closed = true; /* the loop sees it and cuts the connection */
        pthread_cond_broadcast(&s->room);
        wake_loop(s);
        ok = false;
    }
    if (ok && data.n) append(s, data);
    pthread_mutex_unlock(&s->mu);
    return ok;
}

static struct timespec deadline(unsigned timeout_ms)
{
    struct timespec t;
    int64_t us = clock_mono_us() + (int64_t)timeout_ms * 1000;
    t.tv_sec = us / 1000000;
    t.tv_nsec = us % 1000000 * 1000;
    return t;
}

bool http_stream_write_wait(struct http_stream *s, sv data, unsigned timeout_ms)
{
    struct timespec until = deadline(timeout_ms);
    bool ok = true;
    pthread_mutex_lock(&s->mu);
    while (data.n) {
        if (s->closed || s->ending) {
            ok = false;
            break;
        }
        size_t room = s->owed < s->max_owed ? s->max_owed - s->owed : 0;
        size_t take = s->kind == STREAM_WS ? data.n : data.n < room ? data.n : room;
        if (take == 0 || take > room) {
            if (take > s->max_owed ||
                pthread_cond_timedwait(&s->room, &s->mu, &until) == ETIMEDOUT) {
                ok = false;
                break;
            }
            continue;
        }
        append(s, sv_make(data.p, take));
        data = sv_make(data.p + take, data.n - take);
    }
    pthread_mutex_unlock(&s->mu);
    return ok;
}

void http_stream_end(struct http_stream *s)
{
    pthread_mutex_lock(&s->mu);
    if (!s->closed && !s->ending) {
        s->ending = true;
        wake_loop(s);
    }
    pthread_mutex_unlock(&s->mu);
}

/* ---- the loop's side ---------------------------------------------------------------- */

bool http_stream_take(struct http_stream *s, struct buf *into, bool *ending)
{
    pthread_mutex_lock(&s->mu);
    struct buf t = *into;
    *into = s->pending;
    s->pending = t;
    buf_clear(&s->pending);
    *ending = s->ending;
    bool closed = s->closed;
    pthread_mutex_unlock(&s->mu);
    return !closed;
}

void http_stream_paid(struct http_stream *s, size_t bytes)
{
    pthread_mutex_lock(&s->mu);
    s->owed -= bytes;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->mu);
}

static void wake(struct http_loop *l, struct http_msg *m)
{
    (void)l;
    struct http_stream *s = (struct http_stream *)m;
    pthread_mutex_lock(&s->mu);
    s->woken = false;
    pthread_mutex_unlock(&s->mu);
    if (s->told) {
        http_stream_unref(s); /* left to us by http_stream_gone */
        return;
    }
    if (!s->started) return; /* http_stream_start will look */
    if (s->kind == STREAM_WS)
        http_ws_pump(s);
    else
        pump(s);
}

/* Cuts the connection under the stream; h2o then notices by itself. */
static void cut(struct http_stream *s)
{
    http_conn_shut(http_conn_of(s->h->conn));
}

static void finish(struct http_stream *s, h2o_send_state_t state)
{
    h2o_req_t *h = s->h;
    s->h = NULL;
    h2o_send(h, NULL, 0, state); /* h2o forgets the generator: stop() will not come */
    http_stream_gone(s);
}

static void pump(struct http_stream *s)
{
    bool ending;
    if (!s->h) return;
    if (s->busy) {
        pthread_mutex_lock(&s->mu);
        bool closed = s->closed;
        pthread_mutex_unlock(&s->mu);
        if (closed) cut(s);
        return;
    }
    if (!http_stream_take(s, &s->flying, &ending)) {
        finish(s, H2O_SEND_STATE_ERROR);
        return;
    }
    if (s->flying.n == 0) {
        if (ending) finish(s, H2O_SEND_STATE_FINAL);
        return;
    }
    s->busy = true;
    h2o_iovec_t v = h2o_iovec_init(s->flying.p, s->flying.n);
    h2o_send(s->h, &v, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void proceed(h2o_generator_t *gen, h2o_req_t *h)
{
    (void)h;
    struct http_stream *s = H2O_STRUCT_FROM_MEMBER(struct http_stream, gen, gen);
    s->busy = false;
    size_t n = s->flying.n;
    buf_clear(&s->flying);
    http_stream_paid(s, n);
    pump(s);
}

static void stop(h2o_generator_t *gen, h2o_req_t *h)
{
    (void)h;
    http_stream_gone(H2O_STRUCT_FROM_MEMBER(struct http_stream, gen, gen));
}

/* ---- SSE ------------------------------------------------------------------------------ */

static void on_ping(h2o_timeout_entry_t *e)
{
    struct http_stream *s = H2O_STRUCT_FROM_MEMBER(struct http_stream, ping, e);
    h2o_timeout_link(s->loop->ctx.loop, &s->loop->ping_sse, &s->ping);
    if (!s->busy) http_stream_write(s, SV(": ping\n\n"));
}

void http_stream_reader_left(struct http_stream *s)
{
    if (s->busy)
        cut(s); /* h2o still writes: it will see the error */
    else
        finish(s, H2O_SEND_STATE_ERROR);
}

/* ---- start ------------------------------------------------------------------------------ */

void http_stream_start(struct http_req *r)
{
    struct http_stream *s = r->stream;
    s->started = true;
    if (s->kind == STREAM_WS) {
        http_ws_start(s, r);
        return;
    }
    if (s->kind == STREAM_SSE) {
        r->status = 200;
        r->type = "text/event-stream";
        http_add_header(r, "cache-control", SV("no-store"));
        http_add_header(r, "x-accel-buffering", SV("no"));
    }
    http_res_head(r, SIZE_MAX);
    s->h = r->h;
    s->h->res.mime_attr = s->kind == STREAM_DOWNLOAD && r->type &&
                                  http_compressible(sv_of(r->type)) && !r->no_compress
                              ? &http_mime_compressible
                              : &h2o_mime_attributes_as_is;
    s->gen = (h2o_generator_t){proceed, stop};
    h2o_start_response(s->h, &s->gen);
    http_stream_link(s);
    if (r->head) {
        finish(s, H2O_SEND_STATE_FINAL);
        return;
    }
    if (s->loop->draining) http_stream_end(s);
    if (s->kind == STREAM_SSE) {
        s->ping.cb = on_ping;
        h2o_timeout_link(s->loop->ctx.loop, &s->loop->ping_sse, &s->ping);
        if (!r->h2) {
            /* h2o does not read while it answers HTTP/1: the sweep looks for the
             * reader's FIN, or it would only be noticed some writes later. */
            s->h->http1_is_persistent = 0;
            s->conn = r->conn;
            s->conn->stream = s;
        }
        /* The first bytes also make proxies and clients see the head at once. */
        buf_str(&s->flying, "retry: 3000\n\n");
        pthread_mutex_lock(&s->mu);
        s->owed += s->flying.n;
        pthread_mutex_unlock(&s->mu);
        s->busy = true;
        h2o_iovec_t v = h2o_iovec_init(s->flying.p, s->flying.n);
        h2o_send(s->h, &v, 1, H2O_SEND_STATE_IN_PROGRESS);
        return;
    }
    pump(s);
}

void http_stream_never(struct http_req *r)
{
    http_stream_gone(r->stream);
}

void http_streams_end(struct http_loop *l)
{
    for (struct http_stream *s = l->streams; s; s = s->next) {
        if (s->kind == STREAM_SSE) {
            /* Spread the return of all readers over some seconds. */
            char text[48];
            int n = snprintf(text, sizeof(text), "retry: %u\n\n", 500 + (unsigned)rand_below(3000));
            http_stream_write(s, sv_make(text, (size_t)n));
        }
        if (s->kind != STREAM_DOWNLOAD) http_stream_end(s);
    }
}

struct http_stream *http_sse(struct http_req *r, const struct http_stream_ops *ops, void *arg)
{
    return http_stream_new(r, STREAM_SSE, ops, arg);
}

struct http_stream *http_download(struct http_req *r, const struct http_stream_ops *ops, void *arg)
{
    return http_stream_new(r, STREAM_DOWNLOAD, ops, arg);
}
