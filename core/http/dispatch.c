/* A request's way through the loop: from h2o's handler to the route, to a
 * worker and back. The struct http_req comes from a free list of the loop with
 * its arena, so that a short request costs no malloc. */
#define LOG_ROOM "http"
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/panic.h"
#include "http/internal.h"

#define MAX_FREE 512u /* per loop; each keeps one arena block */

_Thread_local enum http_taken http_taken;

/* ---- free list ------------------------------------------------------------- */

static struct http_req *req_new(struct http_loop *l)
{
    struct http_req *r = l->free_reqs;
    struct arena *a;
    if (r) {
        l->free_reqs = r->next_free;
        l->n_free--;
        a = r->arena;
    } else {
        r = xmalloc(sizeof(*r));
        a = arena_new(4096);
    }
    memset(r, 0, offsetof(struct http_req, match));
    r->match.route = NULL;
    r->match.n_params = 0;
    r->loop = l;
    r->arena = a;
    r->msg.fn = http_req_back;
    r->status = 200;
    r->out = BUF_IN(a);
    r->extra_end = &r->extra;
    return r;
}

static void release(struct http_req *r)
{
    struct http_loop *l = r->loop;
    if (r->body_buf) h2o_buffer_dispose(&r->body_buf);
    if (l->n_free >= MAX_FREE) {
        arena_free(r->arena);
        free(r);
        return;
    }
    arena_reset(r->arena);
    r->next_free = l->free_reqs;
    l->free_reqs = r;
    l->n_free++;
}

void http_req_free_all(struct http_loop *l)
{
    while (l->free_reqs) {
        struct http_req *r = l->free_reqs;
        l->free_reqs = r->next_free;
        arena_free(r->arena);
        free(r);
    }
    l->n_free = 0;
}

/* ---- the tie between h2o's request and ours --------------------------------- */

struct tie {
    h2o_req_prefilter_t super;
    struct http_req *r;
};

/* h2o calls this when the head of the answer is complete and before filters
 * look at it: the place to correct what its file handler guessed. */
static void on_answer_head(h2o_req_prefilter_t *self, h2o_req_t *h, h2o_ostream_t **slot)
{
    struct http_req *r = ((struct tie *)self)->r;
    if (r->file.path) http_file_head(r);
    h2o_setup_next_prefilter(self, h, slot);
}

struct http_req *http_req_of(h2o_req_t *h)
{
    for (h2o_req_prefilter_t *p = h->prefilters; p; p = p->next)
        if (p->on_setup_ostream == on_answer_head) return ((struct tie *)p)->r;
    return NULL;
}

/* ---- the head ---------------------------------------------------------------- */

/* "." and ".." segments, also percent-encoded, and encoded NUL: no honest
 * client sends them, and a "*rest" parameter must never carry them. */
static bool path_ok(sv path)
{
    if (path.n == 0 || path.p[0] != '/') return false;
    bool dots = true; /* the segment so far is dots only */
    unsigned n_dots = 0;
    for (size_t i = 1; i <= path.n; i++) {
        if (i == path.n || path.p[i] == '/') {
            if (dots && (n_dots == 1 || n_dots == 2)) return false;
            dots = true;
            n_dots = 0;
        } else if (path.p[i] == '.') {
            n_dots++;
        } else if (path.p[i] == '%' && i + 2 < path.n && path.p[i + 1] == '2' &&
                   (path.p[i + 2] | 0x20) == 'e') {
            n_dots++;
            i += 2;
        } else if (path.p[i] == '%' && i + 2 < path.n && path.p[i + 1] == '0' &&
                   path.p[i + 2] == '0') {
            return false;
        } else {
            dots = false;
        }
    }
    return true;
}

static bool id_ok(sv id)
{
    if (id.n < 8 || id.n > 64) return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static void make_id(struct http_req *r)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t v[2] = {r->loop->id_seed, r->loop->id_next++};
    char *p = r->id_buf;
    for (int i = 15; i >= 0; i--, v[0] >>= 4)
        p[i] = hex[v[0] & 15];
    for (int i = 25; i >= 16; i--, v[1] >>= 4)
        p[i] = hex[v[1] & 15];
    r->id = sv_make(p, 26);
}

static sv from_iov(h2o_iovec_t v)
{
    return sv_make(v.base, v.len);
}

/* "http://host/path" is a legal request target; the host in it counts. */
static void cut_absolute(sv *target, sv *host)
{
    size_t at = sv_starts(*target, SV("http://")) ? 7 : sv_starts(*target, SV("https://")) ? 8 : 0;
    if (at == 0) return;
    sv rest = sv_make(target->p + at, target->n - at);
    const char *slash = memchr(rest.p, '/', rest.n);
    *host = slash ? sv_make(rest.p, (size_t)(slash - rest.p)) : rest;
    *target = slash ? sv_make(slash, rest.n - host->n) : SV("/");
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80"; SV_NULL when
 * it is none of these. */
static sv address(sv v)
{
    if (v.n && v.p[0] == '[') {
        const char *end = memchr(v.p, ']', v.n);
        v = end ? sv_make(v.p + 1, (size_t)(end - v.p) - 1) : SV_NULL;
    } else if (v.n) {
        const char *colon = memchr(v.p, ':', v.n);
        if (colon && !memchr(colon + 1, ':', v.n - (size_t)(colon + 1 - v.p)))
            v.n = (size_t)(colon - v.p);
    }
    char text[INET6_ADDRSTRLEN];
    struct in6_addr a;
    if (v.n == 0 || v.n >= sizeof(text)) return SV_NULL;
    memcpy(text, v.p, v.n);
    text[v.n] = 0;
    return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1 ? v : SV_NULL;
}

/* The client's address behind `hops` proxies that we trust: what the outermost
 * of them wrote. Each entry is believed only as far as the one behind it. */
static void remote_of(struct http_req *r, unsigned hops)
{
    r->remote = sv_make(r->conn->ip, r->conn->ip_n);
    for (size_t i = r->n_headers; hops && i-- > 0;) {
        const h2o_header_t *h = &r->headers[i];
        if (h->name != &H2O_TOKEN_X_FORWARDED_FOR->buf) continue;
        sv list = from_iov(h->value);
        while (hops && list.n) {
            size_t at = list.n;
            while (at > 0 && list.p[at - 1] != ',')
                at--;
            sv one = address(sv_trim(sv_make(list.p + at, list.n - at)));
            if (!one.n) return;
            r->remote = one;
            hops--;
            list.n = at ? at - 1 : 0;
        }
    }
}

/* One pass over the head; returns its size. */
static size_t read_head(struct http_req *r, h2o_req_t *h)
{
    size_t bytes = h->input.path.len + h->input.method.len + h->input.authority.len;
    r->headers = h->headers.entries;
    r->n_headers = h->headers.size;
    for (size_t i = 0; i < h->headers.size; i++) {
        const h2o_header_t *e = &h->headers.entries[i];
        bytes += e->name->len + e->value.len + 4;
        if (e->name == &H2O_TOKEN_USER_AGENT->buf)
            r->agent = from_iov(e->value);
        else if (e->name->len == 12 && memcmp(e->name->base, "x-request-id", 12) == 0)
            r->given_id = from_iov(e->value);
    }
    r->h2 = h->version >= 0x200;
    r->method_text = from_iov(h->input.method);
    r->host = from_iov(h->input.authority);
    sv target = from_iov(h->input.path);
    cut_absolute(&target, &r->host);
    const char *q = target.n ? memchr(target.p, '?', target.n) : NULL;
    r->path = q ? sv_make(target.p, (size_t)(q - target.p)) : target;
    r->query = q ? sv_make(q + 1, target.n - r->path.n - 1) : SV_NULL;
    r->body = from_iov(h->entity);
    r->upgrade = from_iov(h->upgrade);
    if (id_ok(r->given_id))
        r->id = r->given_id;
    else
        make_id(r);
    return bytes;
}

/* ---- what the request may do --------------------------------------------------- */

static sv host_name(sv host)
{
    if (host.n && host.p[0] == '[') return host;
    const char *colon = host.n ? memchr(host.p, ':', host.n) : NULL;
    return colon ? sv_make(host.p, (size_t)(colon - host.p)) : host;
}

size_t http_body_limit(const struct http_server *s, bool operator_side, enum http_method m, sv host,
                       sv target)
{
    cut_absolute(&target, &host);
    const char *q = target.n ? memchr(target.p, '?', target.n) : NULL;
    sv path = q ? sv_make(target.p, (size_t)(q - target.p)) : target;
    if (!operator_side && s->cfg.resolve) {
        size_t cut = 0;
        if (s->cfg.resolve(s->cfg.arg, host_name(host), path, &cut) && cut <= path.n)
            path = sv_make(path.p + cut, path.n - cut);
    }
    struct http_match match;
    const struct http_router *router = operator_side ? s->cfg.operator_router : s->cfg.router;
    bool upload = router && http_router_find(router, m, path, &match, NULL) &&
                  (match.route->flags & HTTP_UPLOAD);
    return upload ? s->lim.upload_bytes : s->lim.body_bytes;
}

static void refuse(struct http_req *r, int status, const char *code)
{
    http_fail_code(r, status, code);
}

/* Routes of the deployment itself answer also where no tenant is. */
static bool serves_any_site(const struct http_req *r, const struct http_router *router)
{
    struct http_match match;
    enum http_method m;
    return http_method_parse(r->method_text, &m) && router &&
           http_router_find(router, m, r->path, &match, NULL) &&
           (match.route->flags & HTTP_ANY_SITE);
}

/* Fills site, prefix and match; false when the answer is already an error. */
static bool find_route(struct http_req *r, struct http_server *s)
{
    const struct http_router *router = r->operator_side ? s->cfg.operator_router : s->cfg.router;
    if (!r->operator_side && s->cfg.resolve) {
        size_t cut = 0;
        r->site = s->cfg.resolve(s->cfg.arg, host_name(r->host), r->path, &cut);
        if (!r->site && !serves_any_site(r, router)) {
            refuse(r, 404, "tenant_unknown");
            return false;
        }
        if (cut && cut <= r->path.n) {
            r->prefix = sv_make(r->path.p, cut);
            r->path = cut == r->path.n ? SV("/") : sv_make(r->path.p + cut, r->path.n - cut);
        }
    }
    enum http_method m = HTTP_GET;
    bool known = http_method_parse(r->method_text, &m);
    r->method = m;
    sv allow = SV_NULL;
    if (known && router && http_router_find(router, m, r->path, &r->match, &allow)) return true;
    if (allow.n) {
        refuse(r, 405, "method_not_allowed");
        http_add_header(r, "allow", allow);
        return false;
    }
    if (!known) {
        refuse(r, 501, "method_not_allowed");
        return false;
    }
    if (!r->operator_side && s->cfg.fallback && (m == HTTP_GET || m == HTTP_HEAD)) return true;
    refuse(r, 404, "not_found");
    return false;
}

/* ---- the end ------------------------------------------------------------------ */

static void finished(struct http_req *r, int status, uint64_t bytes_out)
{
    struct http_loop *l = r->loop;
    const struct http_config *cfg = &l->s->cfg;
    uint64_t us = (uint64_t)(clock_mono_us() - r->started_us);
    COUNT(l, requests, 1);
    COUNT(l, active, -1);
    if (cfg->done) cfg->done(cfg->arg, r, status, us);
    if (!(r->match.route && (r->match.route->flags & HTTP_NO_ACCESS_LOG))) {
        struct access_entry e = {
            .id = r->id,
            .ip = r->remote,
            .method = r->method_text,
            .path = r->path,
            .prefix = r->prefix,
            .agent = r->agent,
            .status = status,
            .bytes_in = r->body.n,
            .bytes_out = bytes_out,
            .us = us,
            .user = r->user_label,
        };
        access_log_add(&l->log, &e);
    }
    release(r);
}

/* ---- workers --------------------------------------------------------------------- */

static void run(struct http_req *r) /* [worker] */
{
    const struct http_config *cfg = &r->loop->s->cfg;
    struct err err;
    http_taken = HTTP_NOT_TAKEN;
    if (cfg->guard) {
        err_clear(&err);
        if (cfg->guard(cfg->arg, r, &err) != 0) {
            http_fail(r, &err);
            http_post(r->loop, &r->msg);
            return;
        }
    }
    r->match.route->handler(r);
    /* After a defer somebody else may have sent it already: hands off. */
    if (http_taken != HTTP_TAKEN_DEFER) http_post(r->loop, &r->msg);
}

static void keep(struct http_req *r)
{
    h2o_http2_stream_t *stream = H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, r->h);
    struct arena *a = r->arena;
    h2o_header_t *copy = arena_alloc(a, sizeof(*copy) * (r->n_headers + 1));
    h2o_iovec_t *names = arena_alloc(a, sizeof(*names) * (r->n_headers + 1));
    for (size_t i = 0; i < r->n_headers; i++) {
        copy[i] = r->headers[i];
        if (!h2o_iovec_is_token(copy[i].name)) {
            sv name = arena_sv(a, from_iov(*copy[i].name));
            names[i] = h2o_iovec_init(name.p, name.n);
            copy[i].name = &names[i];
        }
        copy[i].orig_name = NULL;
        sv value = arena_sv(a, from_iov(copy[i].value));
        copy[i].value = h2o_iovec_init(value.p, value.n);
        if (copy[i].name == &H2O_TOKEN_USER_AGENT->buf) r->agent = value;
        if (r->id.p != r->id_buf && r->given_id.p == r->headers[i].value.base) r->id = value;
    }
    r->headers = copy;
    sv prefix = r->prefix, path = r->path;
    r->prefix = arena_sv(a, prefix);
    r->path = arena_sv(a, path);
    for (unsigned i = 0; i < r->match.n_params; i++) {
        sv *v = &r->match.params[i].value;
        if (v->n) v->p = r->path.p + (v->p - path.p);
    }
    r->query = arena_sv(a, r->query);
    r->host = arena_sv(a, r->host);
    r->method_text = arena_sv(a, r->method_text);
    r->remote = arena_sv(a, r->remote);
    if (stream->_req_body) {
        /* The stream's buffer would go with the stream; ours goes with us. */
        r->body_buf = stream->_req_body;
        stream->_req_body = NULL;
    }
}

void http_req_lend(struct http_req *r)
{
    r->outside = true;
    r->loop->outside++;
    if (r->h2)   /* an HTTP/1 request stays until it is answered: */
        keep(r); /* h2o reads nothing on its connection meanwhile */
}

void http_req_back(struct http_loop *l, struct http_msg *m)
{
    struct http_req *r = (struct http_req *)m;
    r->outside = false;
    l->outside--;
    if (r->h) {
        http_req_respond(r);
        return;
    }
    if (r->stream) http_stream_never(r);
    finished(r, 499, 0);
}

/* ---- h2o's side -------------------------------------------------------------------- */

struct handler {
    h2o_handler_t super;
    struct http_server *s;
    bool operator_side;
};

static void dispatch(struct http_req *r, struct http_server *s)
{
    struct http_loop *l = r->loop;
    const struct http_route *route = r->match.route;
    http_taken = HTTP_NOT_TAKEN;
    if (!route) {
        s->cfg.fallback(r);
    } else if (route->flags & HTTP_ON_LOOP) {
        route->handler(r);
    } else {
        http_req_lend(r);
        if (s->cfg.submit && s->cfg.submit(s->cfg.arg, r, run)) return;
        r->outside = false;
        l->outside--;
        COUNT(l, refused_full, 1);
        struct err err;
        err_clear(&err);
        err_set(&err, 503, "overloaded", NULL);
        err.retry_after = 1;
        http_fail(r, &err);
    }
    if (http_taken == HTTP_TAKEN_DEFER) return; /* lent by http_defer */
    http_req_respond(r);
}

static int on_req(h2o_handler_t *_self, h2o_req_t *h)
{
    struct handler *self = (struct handler *)_self;
    struct http_server *s = self->s;
    struct http_loop *l = H2O_STRUCT_FROM_MEMBER(struct http_loop, ctx, h->conn->ctx);
    struct http_req *r = req_new(l);
    struct tie *tie = (struct tie *)h2o_add_prefilter(h, sizeof(*tie));
    tie->super.on_setup_ostream = on_answer_head;
    tie->r = r;
    r->h = h;
    r->conn = http_conn_of(h->conn);
    r->operator_side = self->operator_side;
    r->started_us = clock_mono_us();
    r->conn->busy++;
    r->conn->head_len = r->conn->head_scanned = 0;
    r->conn->head_us = 0;
    COUNT(l, active, 1);

    size_t head = read_head(r, h);
    r->head = sv_eq(r->method_text, SV("HEAD"));
    r->scheme = r->conn->tls ? "https" : "http";
    if (s->cfg.trusted_proxies && sv_eq(http_header(r, "x-forwarded-proto"), SV("https")))
        r->scheme = "https";
    remote_of(r, s->cfg.trusted_proxies);

    if (l->refuse_status) {
        refuse(r, l->refuse_status, l->refuse_status == 413 ? "too_large" : "bad_request");
    } else if (head > s->lim.header_bytes) {
        refuse(r, 431, "headers_too_large");
    } else if (!path_ok(r->path)) {
        refuse(r, 400, "bad_request");
    } else if (s->cfg.trusted_proxies ? !limits_request_ip(s->limits, r->remote, r->started_us)
                                      : !limits_request(s->limits, r->conn->peer, r->started_us)) {
        COUNT(l, refused_rate, 1);
        struct err err;
        err_clear(&err);
        err_set(&err, 429, "too_many_requests", NULL);
        err.retry_after = 1;
        http_fail(r, &err);
    } else if (find_route(r, s)) {
        size_t limit = r->match.route && (r->match.route->flags & HTTP_UPLOAD) ? s->lim.upload_bytes
                                                                               : s->lim.body_bytes;
        if (r->body.n <= limit) {
            dispatch(r, s);
            return 0;
        }
        refuse(r, 413, "too_large");
    }
    http_req_respond(r);
    return 0;
}

struct logger {
    h2o_logger_t super;
};

/* A request that h2o answered by itself (a body too large, bad chunks). */
static void refused_by_h2o(h2o_req_t *h)
{
    struct http_loop *l = H2O_STRUCT_FROM_MEMBER(struct http_loop, ctx, h->conn->ctx);
    struct http_conn *c = http_conn_of(h->conn);
    sv path = from_iov(h->input.path);
    const char *q = path.n ? memchr(path.p, '?', path.n) : NULL;
    if (q) path.n = (size_t)(q - path.p);
    struct access_entry e = {
        .ip = sv_make(c->ip, c->ip_n),
        .method = from_iov(h->input.method),
        .path = path,
        .status = h->res.status,
        .bytes_out = h->bytes_sent,
    };
    COUNT(l, requests, 1);
    access_log_add(&l->log, &e);
}

/* h2o calls its loggers exactly once for each request, just before it frees
 * it: our sign that the request is over, whatever the reason. */
static void on_end(h2o_logger_t *self, h2o_req_t *h)
{
    (void)self;
    struct http_req *r = http_req_of(h);
    if (!r) {
        refused_by_h2o(h);
        return;
    }
    struct http_conn *c = r->conn;
    c->busy--;
    c->idle_since_us = clock_mono_us();
    if (!r->h2) http_conn_expect_change(c);
    r->h = NULL;
    r->conn = NULL;
    if (r->outside) return; /* http_req_back will finish it */
    bool cut = r->h2 && !r->answered;
    finished(r, cut ? 499 : h->res.status, h->bytes_sent);
}

void http_register_handlers(h2o_hostconf_t *host, struct http_server *s, bool operator_side)
{
    h2o_pathconf_t *path = &host->fallback_path;
    struct handler *handler = (struct handler *)h2o_create_handler(path, sizeof(*handler));
    handler->super.on_req = on_req;
    handler->s = s;
    handler->operator_side = operator_side;
    h2o_create_logger(path, sizeof(struct logger))->log_access = on_end;
    /* h2o wrote requests' troubles to stderr by itself; ours is the log. */
    path->error_log.emit_request_errors = 0;
    h2o_compress_args_t compress = {
        .min_size = HTTP_COMPRESS_MIN, .gzip = {.quality = 3}, .brotli = {.quality = -1}};
    h2o_compress_register(path, &compress);
    http_register_problem_filter(path);
}
