/* The answer: what a handler filled in becomes h2o's response. Names of headers
 * are literals or tokens, values are in the request's arena, so nothing is
 * copied when it goes out. */
#define LOG_ROOM "http"
#include <stdio.h>

#include "base/panic.h"
#include "http/internal.h"

static const char problem_type[] = "application/problem+json";

const char *http_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Error";
    }
}

/* ---- what handlers call ---------------------------------------------------- */

void http_status(struct http_req *r, int status)
{
    r->status = status;
}

void http_type(struct http_req *r, const char *literal_content_type)
{
    r->type = literal_content_type;
}

struct buf *http_out(struct http_req *r)
{
    r->out_static = SV_NULL;
    return &r->out;
}

void http_out_static(struct http_req *r, sv body)
{
    r->out_static = body;
}

static void add(struct http_req *r, const char *name, sv value)
{
    struct http_res_header *h = ARENA_NEW(r->arena, struct http_res_header);
    h->name = h2o_iovec_init(name, strlen(name));
    h->value = value;
    *r->extra_end = h;
    r->extra_end = &h->next;
}

void http_add_header(struct http_req *r, const char *name, sv value)
{
    /* A line break in a value would let its author write headers of his own. */
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t') {
            log_error("header %s: control character in the value, dropped", name);
            return;
        }
    }
    add(r, name, arena_sv(r->arena, value));
}

static bool cookie_text_ok(sv v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\') return false;
    }
    return true;
}

void http_add_cookie(struct http_req *r, const char *name, sv value,
                     const struct http_cookie_opts *opts)
{
    static const struct http_cookie_opts none;
    const struct http_cookie_opts *o = opts ? opts : &none;
    if (!cookie_text_ok(value)) {
        log_error("cookie %s: value is not cookie text, dropped", name);
        return;
    }
    struct buf b = BUF_IN(r->arena);
    buf_str(&b, name);
    buf_chr(&b, '=');
    buf_sv(&b, value);
    buf_str(&b, "; Path=");
    buf_str(&b, o->path ? o->path : "/");
    if (!o->session) {
        buf_str(&b, "; Max-Age=");
        buf_i64(&b, o->max_age_s);
    }
    buf_str(&b, "; SameSite=Lax");
    if (o->http_only) buf_str(&b, "; HttpOnly");
    if (o->secure) buf_str(&b, "; Secure");
    add(r, "set-cookie", buf_view(&b));
    r->no_compress = true; /* a length that depends on secrets and on input tells secrets */
}

void http_fail(struct http_req *r, const struct err *err)
{
    int status = err->status ? err->status : 500;
    /* 501 and 503 are the client's wish and our load, not faults to be looked into. */
    if (status >= 500 && (err->detail[0] || (status != 501 && status != 503)))
        log_error("%.*s %s %.*s%.*s: %d %s%s%s", SVARG(r->id), http_method_name(r->method),
                  SVARG(r->prefix), SVARG(r->path), status, err->code ? err->code : "internal",
                  err->detail[0] ? ": " : "", err->detail);
    r->status = status;
    r->type = problem_type;
    r->file.path = NULL;
    buf_clear(http_out(r));
    err_problem(err, http_lang(r), r->id, &r->out);
    if (err->retry_after) add(r, "retry-after", arena_printf(r->arena, "%d", err->retry_after));
}

void http_fail_code(struct http_req *r, int status, const char *code)
{
    struct err err;
    err_clear(&err);
    err_set(&err, status, code, NULL);
    http_fail(r, &err);
}

/* ---- compression ------------------------------------------------------------- */

h2o_mime_attributes_t http_mime_compressible = {.is_compressible = 1};

bool http_compressible(sv type)
{
    const char *semicolon = type.n ? memchr(type.p, ';', type.n) : NULL;
    if (semicolon) type.n = (size_t)(semicolon - type.p);
    type = sv_trim(type);
    if (sv_eq(type, SV("text/event-stream"))) return false;
    return sv_starts(type, SV("text/")) || sv_ends(type, SV("json")) || sv_ends(type, SV("xml")) ||
           sv_ends(type, SV("/javascript")) || sv_ends(type, SV("/wasm"));
}

/* ---- sending ------------------------------------------------------------------- */

static const h2o_iovec_t request_id_name = HTTP_IOV("x-request-id");
static const h2o_iovec_t nosniff_name = HTTP_IOV("x-content-type-options");
static const h2o_iovec_t referrer_name = HTTP_IOV("referrer-policy");

static void push(h2o_req_t *h, const h2o_iovec_t *name, sv value)
{
    h2o_headers_t *v = &h->res.headers;
    h2o_vector_reserve(&h->pool, v, v->size + 1);
    /* h2o's field is not const, but it only reads names */
    v->entries[v->size++] = (h2o_header_t){.name = (h2o_iovec_t *)(uintptr_t)name,
                                           .value = h2o_iovec_init(value.p, value.n)};
}

void http_res_head(struct http_req *r, size_t length)
{
    h2o_req_t *h = r->h;
    h->res.status = r->status;
    h->res.reason = http_reason(r->status);
    h->res.content_length = length;
    h->res.headers.entries = r->head_out;
    h->res.headers.size = 0;
    h->res.headers.capacity = HTTP_MAX_RES_HEADERS;
    if (r->type) push(h, &H2O_TOKEN_CONTENT_TYPE->buf, sv_of(r->type));
    push(h, &request_id_name, r->id);
    push(h, &nosniff_name, SV("nosniff"));
    push(h, &referrer_name, SV("same-origin"));
    for (struct http_res_header *e = r->extra; e; e = e->next) {
        const h2o_token_t *token = h2o_lookup_token(e->name.base, e->name.len);
        push(h, token ? &token->buf : &e->name, e->value);
    }
}

void http_req_respond(struct http_req *r)
{
    static h2o_generator_t whole; /* all of the body at once: no state */
    r->answered = true;
    if (r->stream) {
        http_stream_start(r);
        return;
    }
    if (r->file.path) {
        http_file_respond(r);
        return;
    }
    sv body = r->out_static.p ? r->out_static : buf_view(&r->out);
    bool bodyless = r->status == 204 || r->status == 304;
    if (bodyless) body = SV_NULL;
    if (!r->type && body.n) r->type = "application/json";
    http_res_head(r, bodyless ? SIZE_MAX : body.n);
    h2o_req_t *h = r->h;
    h->res.mime_attr = body.n >= HTTP_COMPRESS_MIN && !r->no_compress && r->type &&
                               http_compressible(sv_of(r->type))
                           ? &http_mime_compressible
                           : &h2o_mime_attributes_as_is;
    h2o_start_response(h, &whole);
    h2o_iovec_t vec = h2o_iovec_init(body.p, body.n);
    h2o_send(h, &vec, r->head || body.n == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

/* ---- errors that h2o answers by itself ------------------------------------------- */

struct problem_ostream {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static void send_problem(h2o_ostream_t *_self, h2o_req_t *h, h2o_iovec_t *bufs, size_t n,
                         h2o_send_state_t state)
{
    struct problem_ostream *self = (struct problem_ostream *)_self;
    bool has_body = n != 0;
    (void)bufs;
    h2o_ostream_send_next(&self->super, h, &self->body, has_body, state);
}

static const char *code_of(int status)
{
    return status == 413 ? "too_large" : status >= 500 ? "internal" : "bad_request";
}

static sv raw_header(const h2o_req_t *h, const h2o_token_t *token)
{
    ssize_t i = h2o_find_header(&h->headers, token, -1);
    return i == -1 ? SV_NULL
                   : sv_make(h->headers.entries[i].value.base, h->headers.entries[i].value.len);
}

static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *h, h2o_ostream_t **slot)
{
    (void)self;
    if (h->res.status >= 400 && !http_req_of(h)) {
        struct problem_ostream *os =
            (struct problem_ostream *)h2o_add_ostream(h, sizeof(*os), slot);
        os->super.do_send = send_problem;
        slot = &os->super.next;
        const char *lang =
            http_pick_lang(http_cookie_in(raw_header(h, H2O_TOKEN_COOKIE), SV("lang")),
                           raw_header(h, H2O_TOKEN_ACCEPT_LANGUAGE));
        struct err err;
        struct buf b = BUF_HEAP;
        err_clear(&err);
        err_set(&err, h->res.status, code_of(h->res.status), NULL);
        err_problem(&err, lang, SV_NULL, &b);
        os->body = h2o_strdup(&h->pool, b.p, b.n);
        buf_free(&b);
        h->res.content_length = os->body.len;
        h->res.mime_attr = &h2o_mime_attributes_as_is;
        memset(&h->res.headers, 0, sizeof(h->res.headers));
        push(h, &H2O_TOKEN_CONTENT_TYPE->buf, sv_make(problem_type, sizeof(problem_type) - 1));
        push(h, &nosniff_name, SV("nosniff"));
        push(h, &referrer_name, SV("same-origin"));
    }
    h2o_setup_next_ostream(h, slot);
}

void http_register_problem_filter(h2o_pathconf_t *path)
{
    h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup_ostream;
}

sv http_raw_problem(int status, const char *code, int retry_after)
{
    struct buf body = BUF_HEAP, b = BUF_HEAP;
    struct err err;
    err_clear(&err);
    err_set(&err, status, code, NULL);
    err_problem(&err, "zh", SV_NULL, &body);
    buf_printf(&b,
               "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\n"
               "Content-Length: %zu\r\nServer: " HTTP_SERVER_NAME "\r\n"
               "x-content-type-options: nosniff\r\nreferrer-policy: same-origin\r\n",
               status, http_reason(status), problem_type, body.n);
    if (retry_after) buf_printf(&b, "Retry-After: %d\r\n", retry_after);
    buf_str(&b, "\r\n");
    buf_sv(&b, buf_view(&body));
    buf_free(&body);
    return buf_view(&b);
}
