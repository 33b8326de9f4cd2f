/* Connections: accepting, counting, watching. h2o has one time-out for all of an
 * HTTP/1 request and none for a reader that stands still, so the times are kept
 * here: a sweep each second looks at every connection of the loop.
 *
 * To see the bytes of a request while they arrive, the read callback that h2o
 * sets on a socket is replaced by on_read below, which looks (guard_h1.c) and
 * then calls h2o's. h2o sets its own again after each answer; such connections
 * are on the loop's watch list and get ours back before the loop sleeps. */
#define LOG_ROOM "http"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h> /* newer than netinet/tcp.h: bytes_acked */
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "http/internal.h"

#define ACCEPT_BATCH 16
#define TCP_ESTABLISHED 1 /* of netinet/tcp.h, which does not go with linux/tcp.h */
#define SLOWEST_BODY 4096 /* bytes a second, after body_timeout_s */

static void on_read(h2o_socket_t *sock, const char *err);

/* ---- life ----------------------------------------------------------------------- */

static void unlink_conn(struct http_conn *c)
{
    struct http_loop *l = c->loop;
    if (c->prev)
        c->prev->next = c->next;
    else
        l->conns = c->next;
    if (c->next) c->next->prev = c->prev;
    l->n_conns--;
}

static void on_close(void *data)
{
    struct http_conn *c = data;
    struct http_loop *l = c->loop;
    if (l->reading == c) l->reading = NULL;
    unlink_conn(c);
    limits_disconnect(l->s->limits, c->peer);
    atomic_fetch_sub_explicit(&l->s->connections, 1, memory_order_relaxed);
    free((char *)(uintptr_t)c->refusal.p);
    c->sock = NULL;
    if (!c->on_watch) free(c); /* else http_conn_watch does */
}

static void name_peer(struct http_conn *c, const struct sockaddr *sa)
{
    const void *addr = NULL;
    if (sa->sa_family == AF_INET)
        addr = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
    else if (sa->sa_family == AF_INET6)
        addr = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    if (!addr || !inet_ntop(sa->sa_family, addr, c->ip, sizeof(c->ip))) memcpy(c->ip, "local", 6);
    const char *mapped = strncmp(c->ip, "::ffff:", 7) == 0 && strchr(c->ip, '.') ? c->ip + 7 : NULL;
    if (mapped) memmove(c->ip, mapped, strlen(mapped) + 1);
    c->ip_n = (uint8_t)strlen(c->ip);
}

/* Told to go before anything is allocated. A TLS client cannot be told. */
static void turn_away(struct http_loop *l, int fd, bool tls)
{
    COUNT(l, refused_full, 1);
    if (!tls) {
        sv text = http_raw_problem(503, "overloaded", 1);
        ssize_t n = send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)n; /* best effort */
        shutdown(fd, SHUT_WR);
        free((char *)(uintptr_t)text.p);
    }
    close(fd);
}

static void take_in(struct http_loop *l, size_t listener, int fd, const struct sockaddr *sa)
{
    struct http_server *s = l->s;
    const struct http_listen *listen = &s->listen[listener];
    struct limit_peer *peer;
    if (limits_connect(s->limits, sa, &peer) != LIMIT_OK) {
        turn_away(l, fd, listen->cert != NULL);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct http_conn *c = xmalloc(sizeof(*c));
    memset(c, 0, sizeof(*c));
    c->loop = l;
    c->peer = peer;
    c->operator_side = listen->operator_side;
    c->tls = listen->cert != NULL;
    c->proto = c->tls ? HTTP_PROTO_HANDSHAKE : HTTP_PROTO_1;
    c->idle_since_us = clock_mono_us();
    name_peer(c, sa);
    c->sock = h2o_evloop_socket_create(l->ctx.loop, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    c->sock->on_close.cb = on_close;
    c->sock->on_close.data = c;
    c->next = l->conns;
    if (c->next) c->next->prev = c;
    l->conns = c;
    l->n_conns++;
    atomic_fetch_add_explicit(&s->connections, 1, memory_order_relaxed);
    h2o_accept(&l->accept[listener], c->sock);
    http_conn_expect_change(c);
}

void http_conn_accept(struct http_loop *l, size_t listener)
{
    int listening = h2o_socket_get_fd(l->listeners[listener]);
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage sa;
        socklen_t n = sizeof(sa);
        memset(&sa, 0, sizeof(sa));
        int fd = accept4(listening, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno != EAGAIN) {
                /* No descriptor left: epoll would call again at once, for ever.
                 * The next tick tries again. */
                log_error("accept: %s", strerror(errno));
                h2o_socket_read_stop(l->listeners[listener]);
                l->accept_paused = true;
            }
            return;
        }
        take_in(l, listener, fd, (struct sockaddr *)&sa);
    }
}

/* The gentle hammer: h2o sees the end of the stream or a failed write, and frees
 * the connection on its own ways. */
void http_conn_shut(struct http_conn *c)
{
    shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
}

/* ---- our callback before h2o's ---------------------------------------------------- */

void http_conn_expect_change(struct http_conn *c)
{
    if (c->on_watch) return;
    c->on_watch = true;
    c->watch_next = c->loop->watch;
    c->loop->watch = c;
}

/* Has the TLS handshake ended? Then h2o reads with another callback, or already
 * runs a request; ALPN tells what is spoken. */
static bool greeted(struct http_conn *c)
{
    h2o_socket_cb now = c->sock->_cb.read;
    if (c->proto != HTTP_PROTO_HANDSHAKE) return true;
    if (!c->handshake_cb) c->handshake_cb = now;
    if (!c->busy && (!now || now == c->handshake_cb || now == on_read)) return false;
    h2o_iovec_t p = h2o_socket_ssl_get_selected_protocol(c->sock);
    c->proto = sv_eq(sv_make(p.base, p.len), SV("h2")) ? HTTP_PROTO_2 : HTTP_PROTO_1;
    if (c->proto == HTTP_PROTO_2) http_h2_guard(c); /* looks at frames, needs no callback */
    return true;
}

/* Puts our callback in front where h2o reads. False: look again after this turn
 * of the loop, h2o writes between two reads of the handshake. */
static bool wrap(struct http_conn *c)
{
    bool ready = greeted(c);
    h2o_socket_cb now = c->sock->_cb.read;
    if (now == on_read || (ready && (c->proto != HTTP_PROTO_1 || c->refused || c->busy)))
        return true; /* a busy one is looked at again when it is not */
    if (!now) return ready;
    c->read_cb = now;
    c->sock->_cb.read = on_read;
    /* What came with the end of the handshake or of the last request. */
    if (ready && c->sock->input->size) http_h1_admit(c);
    return true;
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct http_conn *c = sock->on_close.data;
    struct http_loop *l = c->loop;
    if (c->proto == HTTP_PROTO_1 && err == h2o_socket_error_out_of_memory) {
        http_h1_refuse(c, 507, "disk_full"); /* the spill file could not grow */
        return;
    }
    if (!err && c->proto == HTTP_PROTO_1 && sock->input->size && !http_h1_admit(c)) return;
    l->reading = c;
    c->read_cb(sock, err);
    if (l->reading != c) return; /* closed and freed */
    l->reading = NULL;
    if (!wrap(c)) http_conn_expect_change(c);
}

void http_conn_watch(struct http_loop *l)
{
    struct http_conn *c = l->watch, *next;
    l->watch = NULL;
    for (; c; c = next) {
        next = c->watch_next;
        c->on_watch = false;
        if (!c->sock)
            free(c);
        else if (!wrap(c))
            http_conn_expect_change(c);
    }
}

/* ---- the sweep ------------------------------------------------------------------------ */

static struct tcp_info tcp_state(struct http_conn *c)
{
    struct tcp_info info;
    socklen_t n = sizeof(info);
    memset(&info, 0, sizeof(info));
    info.tcpi_state = TCP_ESTABLISHED; /* Unix sockets have no state */
    getsockopt(h2o_socket_get_fd(c->sock), IPPROTO_TCP, TCP_INFO, &info, &n);
    return info;
}

/* Tells a slow reader from one that stands still: the bytes that the peer's
 * kernel has acknowledged. */
static bool write_stands_still(struct http_conn *c, int64_t now, int64_t limit_us)
{
    if (!h2o_socket_is_writing(c->sock)) {
        c->acked_us = 0;
        return false;
    }
    uint64_t n = tcp_state(c).tcpi_bytes_acked;
    if (c->acked_us == 0 || n != c->acked) {
        c->acked = n;
        c->acked_us = now;
        return false;
    }
    return now - c->acked_us > limit_us;
}

static void sweep_h1(struct http_conn *c, int64_t now)
{
    struct http_loop *l = c->loop;
    const struct http_limits *lim = &l->s->lim;
    size_t got = c->sock->input->size;
    if (c->busy || c->refused || !h2o_socket_is_reading(c->sock)) return;
    if (got == 0) {
        int64_t most = (int64_t)lim->idle_timeout_s * 1000000;
        if (l->draining && most > 1000000)
            most = 1000000; /* a busy client has asked again by now */
        if (now - c->idle_since_us > most) http_conn_shut(c);
    } else if (c->head_len == 0) {
        if (c->head_us == 0) c->head_us = now;
        if (now - c->head_us > (int64_t)lim->header_timeout_s * 1000000)
            http_h1_refuse(c, 408, "timed_out");
    } else {
        size_t body = got > c->head_len ? got - c->head_len : 0;
        int64_t most = ((int64_t)lim->body_timeout_s + (int64_t)(body / SLOWEST_BODY)) * 1000000;
        if (now - c->body_us > most) http_h1_refuse(c, 408, "timed_out");
    }
}

static void sweep_refused(struct http_conn *c, int64_t now)
{
    if (c->refused && now - c->body_us > 3000000)
        http_conn_shut(c); /* has had the time to read why */
}

struct h2_sweep {
    int64_t now;
    struct http_loop *l;
};

/* HTTP/2: a request body that trickles, an answer that the peer's window holds
 * back for ever. Either ends the connection. */
static int sweep_h2_request(h2o_req_t *h, void *arg)
{
    const struct h2_sweep *sw = arg;
    const struct http_limits *lim = &sw->l->s->lim;
    h2o_http2_stream_t *stream = H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, h);
    int64_t limit_us = (int64_t)lim->body_timeout_s * 1000000;
    if (stream->state == H2O_HTTP2_STREAM_STATE_RECV_BODY) {
        int64_t since = (int64_t)h->timestamps.request_body_begin_at.tv_sec * 1000000 +
                        h->timestamps.request_body_begin_at.tv_usec;
        const struct timeval *tv = h2o_get_timestamp(&sw->l->ctx, NULL, NULL);
        int64_t wall = (int64_t)tv->tv_sec * 1000000 + tv->tv_usec;
        size_t got = stream->_req_body ? stream->_req_body->size : 0;
        if (wall - since > limit_us + (int64_t)(got / SLOWEST_BODY) * 1000000)
            http_conn_shut(http_conn_of(h->conn));
        return 0;
    }
    struct http_req *r = http_req_of(h);
    if (!r || !r->answered || !h2o_http2_stream_has_pending_data(stream)) {
        if (r) r->seen_us = 0;
        return 0;
    }
    if (r->seen_us == 0 || r->seen_bytes != h->bytes_sent) {
        r->seen_us = sw->now;
        r->seen_bytes = h->bytes_sent;
    } else if (sw->now - r->seen_us > limit_us) {
        http_conn_shut(r->conn);
    }
    return 0;
}

void http_conn_sweep(struct http_loop *l, int64_t now)
{
    int64_t limit_us = (int64_t)l->s->lim.body_timeout_s * 1000000;
    for (struct http_conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        if (write_stands_still(c, now, limit_us))
            http_conn_shut(c);
        else if (c->stream && tcp_state(c).tcpi_state != TCP_ESTABLISHED)
            http_stream_reader_left(c->stream);
        else if (c->refused)
            sweep_refused(c, now);
        else if (c->proto == HTTP_PROTO_1)
            sweep_h1(c, now);
    }
    struct h2_sweep sw = {now, l};
    l->s->conf.http2.callbacks.foreach_request(&l->ctx, sweep_h2_request, &sw);
}
