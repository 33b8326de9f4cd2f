/* HTTP/1 requests while they arrive. h2o takes heads up to 400 KiB and the body
 * of every request up to the largest upload before any handler is asked; here a
 * head that is too long and a body that its route will not take are refused at
 * once, and so are heads that two readers may understand differently. */
#define LOG_ROOM "http"
#include <stdlib.h>

#include "http/internal.h"

/* Bytes read and thrown away after a refusal: an upload's client writes on for a
 * while before it reads. The sweep bounds the time. */
#define LINGER_MAX (16u << 20)

/* ---- refusing --------------------------------------------------------------------- */

/* From here on h2o must not see the connection again, until it is told that it
 * was closed by the peer, on which it frees everything. */
static void give_up(struct http_conn *c)
{
    h2o_socket_read_stop(c->sock);
    c->read_cb(c->sock, h2o_socket_error_closed);
}

static void on_linger(h2o_socket_t *sock, const char *err)
{
    struct http_conn *c = sock->on_close.data;
    c->head_scanned += sock->input->size;
    h2o_buffer_consume(&sock->input, sock->input->size);
    /* Out of memory: the buffer could not spill; it is empty now. */
    if ((err && err != h2o_socket_error_out_of_memory) || c->head_scanned > LINGER_MAX) give_up(c);
}

static void on_refusal_written(h2o_socket_t *sock, const char *err)
{
    struct http_conn *c = sock->on_close.data;
    if (err) {
        give_up(c);
        return;
    }
    /* Closing with unread bytes would reset the connection, and the client would
     * lose the answer; so it is read for a short while (the sweep ends it). */
    shutdown(h2o_socket_get_fd(sock), SHUT_WR);
    c->head_scanned = 0;
    h2o_buffer_consume(&sock->input, sock->input->size);
    h2o_socket_read_start(sock, on_linger);
}

void http_h1_refuse(struct http_conn *c, int status, const char *code)
{
    if (h2o_socket_is_writing(c->sock)) {
        http_conn_shut(c); /* "100 Continue" is stuck: nobody listens */
        return;
    }
    c->refused = true;
    c->body_us = clock_mono_us();
    h2o_socket_read_stop(c->sock);
    struct access_entry e = {.ip = sv_make(c->ip, c->ip_n),
                             .method = SV("-"),
                             .path = SV("-"),
                             .status = status,
                             .bytes_in = c->sock->input->size,
                             .us = c->head_us ? (uint64_t)(c->body_us - c->head_us) : 0};
    c->refusal = http_raw_problem(status, code, 0);
    e.bytes_out = c->refusal.n;
    access_log_add(&c->loop->log, &e);
    COUNT(c->loop, requests, 1);
    h2o_iovec_t v = h2o_iovec_init(c->refusal.p, c->refusal.n);
    h2o_socket_write(c->sock, &v, 1, on_refusal_written);
}

/* ---- looking ------------------------------------------------------------------------ */

/* Where the head ends: behind an empty line; h2o's parser takes bare LF too. */
static size_t head_end(const char *p, size_t n, size_t from)
{
    for (size_t i = from; i < n;) {
        const char *nl = memchr(p + i, '\n', n - i);
        if (!nl) return 0;
        i = (size_t)(nl - p) + 1;
        if (i < n && p[i] == '\n') return i + 1;
        if (i + 1 < n && p[i] == '\r' && p[i + 1] == '\n') return i + 2;
    }
    return 0;
}

struct framing {
    unsigned lengths, codings;
    bool bad;
    uint64_t length;
    sv host;
};

static void read_framing(sv head, struct framing *f)
{
    *f = (struct framing){0};
    const char *p = head.p, *end = head.p + head.n;
    while ((p = memchr(p, '\n', (size_t)(end - p))) && ++p < end) {
        char first = (char)(*p | 0x20);
        if (*p == ' ' || *p == '\t') f->bad = true; /* folded lines: gone since RFC 7230 */
        if (first != 'c' && first != 't' && first != 'h') continue;
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        sv value, line = sv_make(p, (size_t)((nl ? nl : end) - p));
        sv name = sv_cut(line, ':', &value);
        if (sv_ieq(name, SV("content-length"))) {
            uint64_t n;
            if (!sv_u64(sv_trim(value), &n) || (f->lengths && n != f->length))
                f->bad = true;
            else
                f->length = n;
            f->lengths++;
        } else if (sv_ieq(name, SV("transfer-encoding"))) {
            f->codings++;
        } else if (sv_ieq(name, SV("host"))) {
            if (f->host.p) f->bad = true;
            f->host = sv_trim(value);
        }
    }
    /* Both, or more than one coding: the classic ways to smuggle a request. */
    if ((f->lengths && f->codings) || f->codings > 1) f->bad = true;
}

/* Reads the request line only as far as the route needs it. */
static size_t limit_of(struct http_conn *c, sv head, sv host)
{
    sv rest, target, line = sv_cut(head, '\n', &rest);
    sv method = sv_cut(line, ' ', &target);
    target = sv_cut(target, ' ', &rest);
    enum http_method m;
    if (!http_method_parse(method, &m)) return c->loop->s->lim.body_bytes;
    return http_body_limit(c->loop->s, c->operator_side, m, host, target);
}

bool http_h1_admit(struct http_conn *c)
{
    const h2o_buffer_t *in = c->sock->input;
    const struct http_limits *lim = &c->loop->s->lim;
    if (c->refused) return false;
    if (c->head_len == 0) {
        if (c->head_us == 0) c->head_us = clock_mono_us();
        size_t end = head_end(in->bytes, in->size, c->head_scanned > 3 ? c->head_scanned - 3 : 0);
        c->head_scanned = in->size;
        if ((end ? end : in->size) > lim->header_bytes) {
            http_h1_refuse(c, 431, "headers_too_large");
            return false;
        }
        if (!end) return true;
        struct framing f;
        sv head = sv_make(in->bytes, end);
        read_framing(head, &f);
        if (f.bad) {
            http_h1_refuse(c, 400, "bad_request");
            return false;
        }
        c->head_len = end;
        c->has_body = f.lengths || f.codings;
        if (c->has_body) {
            c->body_us = clock_mono_us();
            c->body_limit = limit_of(c, head, f.host);
            if (f.length > c->body_limit) {
                http_h1_refuse(c, 413, "too_large");
                return false;
            }
        }
    }
    /* Chunked bodies are decoded in place by h2o, so the buffer is a fair measure
     * of the body, but for the chunk that is just arriving. */
    if (c->has_body && in->size > c->head_len + c->body_limit + 65536) {
        http_h1_refuse(c, 413, "too_large");
        return false;
    }
    return true;
}
