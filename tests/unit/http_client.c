/* The clients of the tests: HTTP/1.1 text and HTTP/2 frames, plain or TLS. */
#define LOG_ROOM "test"
#include "http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <unistd.h>

void client_open(struct client *c, int port)
{
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(c->fd, (struct sockaddr *)&in, sizeof(in)) != 0)
        fail_msg("connect: %s", strerror(errno));
}

void client_open_tls(struct client *c, int port, const char *alpn, int max_version)
{
    client_open(c, port);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (max_version) SSL_CTX_set_max_proto_version(ctx, max_version);
    c->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    unsigned char list[32];
    size_t n = strlen(alpn);
    list[0] = (unsigned char)n;
    memcpy(list + 1, alpn, n);
    SSL_set_alpn_protos(c->ssl, list, (unsigned)n + 1);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_connect(c->ssl) != 1) fail_msg("TLS handshake failed");
}

void client_close(struct client *c)
{
    if (c->ssl) SSL_free(c->ssl);
    if (c->fd >= 0) close(c->fd);
    free(c->in);
    *c = (struct client){.fd = -1};
}

bool client_try_send(struct client *c, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        struct pollfd pfd = {.fd = c->fd, .events = POLLOUT};
        if (poll(&pfd, 1, 5000) != 1) return false;
        ssize_t w = c->ssl ? SSL_write(c->ssl, at, n > 16384 ? 16384 : (int)n)
                           : send(c->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (w < 0 && !c->ssl && (errno == EAGAIN || errno == EINTR)) continue;
        if (w <= 0) return false;
        at += w;
        n -= (size_t)w;
    }
    return true;
}

void client_send(struct client *c, const void *p, size_t n)
{
    if (!client_try_send(c, p, n)) fail_msg("send failed");
}

void client_puts(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

bool client_more(struct client *c, int ms)
{
    if (c->eof) return false;
    if (c->cap - c->n < 65536) {
        c->cap = c->n + (c->n > 1u << 20 ? c->n : 0) + 131072;
        c->in = realloc(c->in, c->cap + 1);
    }
    struct pollfd pfd = {.fd = c->fd, .events = POLLIN};
    if (!(c->ssl && SSL_pending(c->ssl)) && poll(&pfd, 1, ms) != 1) return false;
    ssize_t r = c->ssl ? SSL_read(c->ssl, c->in + c->n, (int)(c->cap - c->n))
                       : recv(c->fd, c->in + c->n, c->cap - c->n, 0);
    if (r <= 0 && c->ssl && SSL_get_error(c->ssl, (int)r) == SSL_ERROR_WANT_READ) return true;
    if (r <= 0) {
        c->eof = true;
        return false;
    }
    c->n += (size_t)r;
    c->in[c->n] = 0;
    return true;
}

bool client_wait_for(struct client *c, const char *text, int ms)
{
    int64_t until = clock_mono_us() + ms * 1000;
    while (!(c->n && memmem(c->in, c->n, text, strlen(text)))) {
        int left = (int)((until - clock_mono_us()) / 1000);
        if (left <= 0 || (!client_more(c, left) && c->eof))
            return c->n && memmem(c->in, c->n, text, strlen(text));
    }
    return true;
}

void client_eat(struct client *c, size_t n)
{
    memmove(c->in, c->in + n, c->n - n);
    c->n -= n;
}

static void need(struct client *c, size_t n)
{
    while (c->n < n)
        if (!client_more(c, 5000))
            fail_msg("the server closed or said nothing: %zu of %zu bytes: %.*s", c->n, n,
                     (int)(c->n < 300 ? c->n : 300), c->in ? c->in : "");
}

const char *response_header(const struct response *r, const char *name)
{
    static char value[512];
    size_t n = strlen(name);
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            const char *v = line + n + 1;
            while (*v == ' ')
                v++;
            size_t len = strcspn(v, "\r");
            snprintf(value, sizeof(value), "%.*s", (int)len, v);
            return value;
        }
    }
    return NULL;
}

static void read_chunked(struct client *c, struct response *r)
{
    for (;;) {
        char *end;
        while (!c->n || !memmem(c->in, c->n, "\r\n", 2))
            need(c, c->n + 1);
        size_t size = strtoul(c->in, &end, 16);
        size_t line = (size_t)(end - c->in) + 2;
        need(c, line + size + 2);
        r->body = realloc(r->body, r->body_n + size + 1);
        memcpy(r->body + r->body_n, c->in + line, size);
        r->body_n += size;
        client_eat(c, line + size + 2);
        if (size == 0) return;
    }
}

struct response client_response(struct client *c, bool head_only)
{
    struct response r = {0};
    char *end;
    do {
        while (!c->n || !(end = memmem(c->in, c->n, "\r\n\r\n", 4)))
            need(c, c->n + 1);
        size_t head = (size_t)(end - c->in) + 4;
        free(r.head);
        r.head = strndup(c->in, head);
        client_eat(c, head);
        if (sscanf(r.head, "HTTP/1.%*d %d", &r.status) != 1) fail_msg("not a response: %s", r.head);
    } while (r.status == 100);
    const char *length = response_header(&r, "content-length");
    size_t n = length ? strtoul(length, NULL, 10) : 0;
    if (head_only || r.status == 304 || r.status == 204 || r.status == 101) {
        r.body = strdup("");
    } else if (length) {
        need(c, n);
        r.body = malloc(n + 1);
        memcpy(r.body, c->in, n);
        r.body_n = n;
        client_eat(c, n);
    } else if (response_header(&r, "transfer-encoding")) {
        read_chunked(c, &r);
    } else {
        while (client_more(c, 5000))
            ;
        r.body = malloc(c->n + 1);
        if (c->n) memcpy(r.body, c->in, c->n);
        r.body_n = c->n;
        c->n = 0;
    }
    r.body[r.body_n] = 0;
    return r;
}

void response_free(struct response *r)
{
    free(r->head);
    free(r->body);
    *r = (struct response){0};
}

struct response ask(int port, const char *request)
{
    struct client c;
    client_open(&c, port);
    client_puts(&c, request);
    struct response r = client_response(&c, strncmp(request, "HEAD", 4) == 0);
    client_close(&c);
    return r;
}

struct response get(const char *path)
{
    char request[1024];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: demo.test\r\n\r\n", path);
    return ask(fx.port, request);
}

void assert_problem(const struct response *r, int status, const char *code)
{
    if (r->status != status) fail_msg("status %d, not %d: %s", r->status, status, r->body);
    const char *type = response_header(r, "content-type");
    if (!type || strcmp(type, "application/problem+json") != 0)
        fail_msg("type %s", type ? type : "missing");
    const char *nosniff = response_header(r, "x-content-type-options");
    assert_non_null(nosniff);
    struct arena *a = arena_new(0);
    struct err err;
    json_t *v;
    err_clear(&err);
    if (json_parse(a, sv_make(r->body, r->body_n), &v, &err) != 0)
        fail_msg("not JSON: %s", r->body);
    if (!sv_eqs(json_get_sv(v, "code"), code)) fail_msg("code is not %s: %s", code, r->body);
    assert_int_equal(json_integer_value(json_object_get(v, "status")), status);
    arena_free(a);
}

/* ---- HTTP/2 -------------------------------------------------------------------------- */

void h2_frame(struct client *c, uint8_t type, uint8_t flags, uint32_t id, const void *p, size_t n)
{
    uint8_t *b = malloc(9 + n);
    b[0] = (uint8_t)(n >> 16);
    b[1] = (uint8_t)(n >> 8);
    b[2] = (uint8_t)n;
    b[3] = type;
    b[4] = flags;
    b[5] = (uint8_t)(id >> 24);
    b[6] = (uint8_t)(id >> 16);
    b[7] = (uint8_t)(id >> 8);
    b[8] = (uint8_t)id;
    if (n) memcpy(b + 9, p, n);
    client_try_send(c, b, 9 + n); /* the server may have hung up: reading will tell */
    free(b);
}

void h2_hello(struct client *c)
{
    client_puts(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    h2_frame(c, 4, 0, 0, NULL, 0);
}

static size_t literal(uint8_t *out, const char *name, const char *value)
{
    size_t n = strlen(name), m = strlen(value), at = 0;
    out[at++] = 0; /* literal, not indexed, new name */
    out[at++] = (uint8_t)n;
    memcpy(out + at, name, n);
    at += n;
    if (m < 127) {
        out[at++] = (uint8_t)m;
    } else { /* HPACK integer with a 7-bit prefix */
        size_t rest = m - 127;
        out[at++] = 127;
        while (rest >= 128) {
            out[at++] = (uint8_t)(rest % 128 + 128);
            rest /= 128;
        }
        out[at++] = (uint8_t)rest;
    }
    memcpy(out + at, value, m);
    return at + m;
}

void h2_request(struct client *c, uint32_t id, const char *method, const char *path,
                const char *more_name, const char *more_value, bool end_stream)
{
    uint8_t b[16384];
    size_t n = literal(b, ":method", method);
    n += literal(b + n, ":scheme", "https");
    n += literal(b + n, ":authority", "demo.test");
    n += literal(b + n, ":path", path);
    n += literal(b + n, "user-agent", "h2-test");
    if (more_name) n += literal(b + n, more_name, more_value);
    h2_frame(c, 1, (uint8_t)(4 | (end_stream ? 1 : 0)), id, b, n);
}

bool h2_read(struct client *c, struct h2_in *f, int ms)
{
    while (c->n < 9)
        if (!client_more(c, ms)) return false;
    const uint8_t *p = (const uint8_t *)c->in;
    f->n = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
    f->type = p[3];
    f->flags = p[4];
    f->id = ((uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]) & 0x7fffffff;
    if (f->n > sizeof(f->p)) fail_msg("frame of %zu bytes", f->n);
    while (c->n < 9 + f->n)
        if (!client_more(c, ms)) return false;
    memcpy(f->p, c->in + 9, f->n);
    client_eat(c, 9 + f->n);
    return true;
}

int h2_goaway(struct client *c, int ms)
{
    static struct h2_in f;
    while (h2_read(c, &f, ms))
        if (f.type == 7 && f.n >= 8)
            return (int)((uint32_t)f.p[4] << 24 | (uint32_t)f.p[5] << 16 | (uint32_t)f.p[6] << 8 |
                         f.p[7]);
    return -1;
}
