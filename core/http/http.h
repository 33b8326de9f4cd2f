/* http: libh2o behind a small interface. Owns listeners, TLS, loop threads,
 * routing, bodies, responses, streams, static files and every limit on the
 * wire. Knows nothing of tenants' data: `main` hands it callbacks.
 *
 * A request's way here: [loop] accept -> head limits -> rate limit ->
 * resolve(host, path) -> route -> (HTTP_ON_LOOP: handler at once | else: hand
 * to `submit`, which is main's worker pool; refused = 503 with Retry-After) ->
 * [worker] guard -> handler -> [loop] send -> access log.
 */
#ifndef ATRIUM_CORE_HTTP_H
#define ATRIUM_CORE_HTTP_H

#include "base/base.h"

struct http_server;
struct http_req;
struct http_stream;
struct http_router;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS };

enum http_route_flags {
    HTTP_ON_LOOP = 1u << 0,      /* handler is [loop]: short, never blocks */
    HTTP_UPLOAD = 1u << 1,       /* body limit is limits.upload instead of limits.body */
    HTTP_STREAM = 1u << 2,       /* answers with a stream; not counted as a slow request */
    HTTP_NO_ACCESS_LOG = 1u << 3,/* health checks */
    HTTP_ANY_SITE = 1u << 4,     /* of the deployment: answers also where no tenant is */
};

/* A handler fills the response of `req` and returns; unless it called
 * http_defer or opened a stream, the response is sent when it returns. */
typedef void http_handler(struct http_req *req);

struct http_route {
    enum http_method method;
    const char *pattern;         /* "/api/vote/poll/:id"; last part may be "*rest" */
    uint32_t flags;
    http_handler *handler;
    void *data;                  /* handler's own, see http_route_data */
    const void *owner;           /* who guards it; opaque here */
};

/* ---- router ------------------------------------------------------------ */

/* Built once, then read-only and shared by all loops. HEAD follows GET. A
 * pattern that is already there is refused ("duplicate"). */
struct http_router *http_router_new(void);
void http_router_free(struct http_router *r);
int http_router_add(struct http_router *r, const struct http_route *route, struct err *err);
/* The same for a table of them; ends at the first that is refused. */
int http_router_add_all(struct http_router *r, const struct http_route *routes, size_t n,
                        struct err *err);
/* [any] finds a route; on a path known with other methods *allow is filled with
 * "GET, POST". params point into `path`. */
struct http_match {
    const struct http_route *route;
    unsigned n_params;
    struct { sv name, value; } params[8];   /* value still percent-encoded */
};
bool http_router_find(const struct http_router *r, enum http_method m, sv path,
                      struct http_match *out, sv *allow);

/* ---- server ------------------------------------------------------------ */

struct http_listen {
    int fd;                      /* listening socket, opened by the supervisor */
    const char *cert, *key;      /* PEM paths; NULL: plain */
    bool operator_side;          /* serves only routes of `operator_router` */
};

struct http_limits {             /* 0 takes the default in parentheses */
    size_t header_bytes;         /* all request headers (16 KiB): 431 */
    size_t body_bytes;           /* JSON and forms (1 MiB): 413 */
    size_t upload_bytes;         /* routes with HTTP_UPLOAD (512 MiB): 413 */
    size_t spill_bytes;          /* bodies above live in a file (1 MiB) */
    unsigned connections;        /* open connections, all loops (20000) */
    unsigned connections_per_ip; /* (4000) */
    unsigned rate_per_ip;        /* requests a second by address (0: none) */
    unsigned rate_burst;         /* (2 * rate_per_ip) */
    unsigned header_timeout_s;   /* (10) whole head must be there: 408 */
    unsigned body_timeout_s;     /* (60) */
    unsigned idle_timeout_s;     /* (75) keep-alive */
    unsigned h2_streams;         /* concurrent per connection (100) */
    unsigned h2_resets_per_s;    /* RST_STREAM per connection and second (50): GOAWAY */
    size_t stream_buffer;        /* bytes a slow stream reader may owe (256 KiB) */
};

struct http_site;                /* what resolve found: a tenant, opaque here */

struct http_config {
    const struct http_listen *listen;
    size_t n_listen;
    unsigned loops;              /* loop threads */
    struct http_limits limits;
    const struct http_router *router, *operator_router;
    const char *spill_dir;       /* for bodies above limits.spill_bytes */
    int access_log_fd;           /* -1: none. JSON lines, written by batches */
    unsigned trusted_proxies;    /* how many X-Forwarded-For hops to believe */
    void *arg;
    /* [loop] Finds the tenant by host (without its port), or by path prefix
     * "/t/<id>/" of which *prefix_len is then cut from the path. NULL: 404 "tenant_unknown" for all
     * routes that are not on the operator's side. Must not block. */
    struct http_site *(*resolve)(void *arg, sv host, sv path, size_t *prefix_len);
    /* [loop] Hands a job to a worker thread; false when the queue is full. */
    bool (*submit)(void *arg, struct http_req *req, void (*run)(struct http_req *));
    /* [worker] Identity and permission before the handler; -1 with *err ends
     * the request with that problem. Also may set http_set_user. */
    int (*guard)(void *arg, struct http_req *req, struct err *err);
    /* [loop] Called once per finished request, for metrics; may be NULL. */
    void (*done)(void *arg, const struct http_req *req, int status, uint64_t us);
    /* [loop] Requests that match no route, GET/HEAD only (static trees and
     * client pages). May answer with http_send_file. NULL: 404. */
    http_handler *fallback;
};

/* Starts the loops. The config is copied, what it points to must live as long
 * as the server. */
struct http_server *http_server_start(const struct http_config *cfg, struct err *err);
/* Reads certificates anew; old ones stay when a file is bad. [any] */
int http_server_reload_tls(struct http_server *s, struct err *err);
/* Stops accepting, finishes requests in flight (h1: Connection: close, h2:
 * GOAWAY), ends streams with a retry hint, returns when all connections are
 * gone or after `timeout_ms`. [any] */
void http_server_drain(struct http_server *s, unsigned timeout_ms);
/* Cuts what is left and ends the loops. Waits for requests that a worker or a
 * deferring handler still holds (10 s, then the memory is left behind): end the
 * workers afterwards. */
void http_server_free(struct http_server *s);

struct http_stats {
    uint64_t requests, active_requests, connections, streams, refused_rate, refused_full,
        h2_resets;
};
void http_server_stats(const struct http_server *s, struct http_stats *out);   /* [any] */

/* ---- request (valid until the response is sent) ------------------------- */

struct arena *http_arena(struct http_req *req);
enum http_method http_method_of(const struct http_req *req);
sv http_path(const struct http_req *req);          /* after the tenant's prefix, no query */
sv http_prefix(const struct http_req *req);        /* "/t/demo" or "" */
sv http_query_raw(const struct http_req *req);
sv http_host(const struct http_req *req);          /* as sent, with a port if there is one */
sv http_scheme(const struct http_req *req);        /* "http" or "https" (proxy believed) */
sv http_header(const struct http_req *req, const char *lower_name);
sv http_cookie(const struct http_req *req, const char *name);
/* Decoded query value; p NULL when absent. First wins. */
sv http_query(struct http_req *req, const char *name);
/* Calls back for each decoded pair in order, until false. */
void http_query_each(struct http_req *req, bool (*fn)(void *, sv name, sv value), void *arg);
sv http_param(struct http_req *req, const char *name);   /* decoded path parameter */
sv http_body(const struct http_req *req);          /* whole; a mapped file when large */
sv http_remote(const struct http_req *req);        /* "192.0.2.1" after trusted proxies */
bool http_over_unix(const struct http_req *req);   /* came by a unix socket, whatever proxies say */
sv http_request_id(const struct http_req *req);    /* accepted from X-Request-Id or made */
const char *http_lang(const struct http_req *req); /* "zh" or "en": cookie, then header */
struct http_site *http_site_of(const struct http_req *req);
const struct http_route *http_route_of(const struct http_req *req);
void *http_route_data(const struct http_req *req);
int64_t http_started_us(const struct http_req *req);     /* monotonic */
/* What the guard learned; opaque here. `label` goes to the access log. */
void http_set_user(struct http_req *req, void *user, int64_t label);
void *http_user(const struct http_req *req);

/* JSON body as an object; 415 when the type is not JSON, 400 "bad_json". */
int http_json(struct http_req *req, json_t **out, struct err *err);

/* multipart/form-data. Parts are views into the body. */
struct http_part {
    sv name, filename, content_type, data;   /* filename.p NULL: a plain field */
};
int http_multipart(struct http_req *req, struct http_part **parts, size_t *n, struct err *err);
/* The parser itself, for tests and fuzzing. */
int http_multipart_parse(struct arena *a, sv content_type, sv body, struct http_part **parts,
                         size_t *n, struct err *err);

/* ---- response ----------------------------------------------------------- */

void http_status(struct http_req *req, int status);      /* default 200 */
/* `name` must be a literal in lower case; value is copied. */
void http_add_header(struct http_req *req, const char *name, sv value);
struct http_cookie_opts { int max_age_s; bool http_only, secure, session; const char *path; };
void http_add_cookie(struct http_req *req, const char *name, sv value,
                     const struct http_cookie_opts *opts);     /* SameSite=Lax always */
/* The body buffer (in the request's arena); write JSON straight into it. */
struct buf *http_out(struct http_req *req);
/* Sets a literal or arena-owned body without a copy. */
void http_out_static(struct http_req *req, sv body);
void http_type(struct http_req *req, const char *literal_content_type);
void http_fail(struct http_req *req, const struct err *err);   /* problem+json */
void http_fail_code(struct http_req *req, int status, const char *code);
/* Static file through h2o's own handler: ETag, range, compression negotiated
 * for text. `cache`: a Cache-Control value or NULL. `download`: a file name for
 * Content-Disposition or NULL. Callable from a worker; sent on the loop. */
void http_send_file(struct http_req *req, const char *path, const char *content_type,
                    const char *cache, const char *download);

/* ---- answering later ---------------------------------------------------- */

/* After http_defer the handler may return; somebody calls http_send exactly
 * once, from any thread. The request and its arena live until then, also when
 * the client has gone. */
void http_defer(struct http_req *req);
void http_send(struct http_req *req);

/* ---- streams: SSE, WebSocket, large downloads --------------------------- */

struct http_stream_ops {
    /* [loop] the peer has gone or the stream was closed; last call; `arg` may
     * be freed. */
    void (*closed)(void *arg);
    /* [loop] WebSocket message from the peer; NULL for SSE and downloads. */
    void (*message)(void *arg, struct http_stream *s, sv data, bool binary);
};
/* Turn the request into a stream; the request object ends with the handler.
 * The stream is reference counted: the caller holds one reference. */
struct http_stream *http_sse(struct http_req *req, const struct http_stream_ops *ops, void *arg);
struct http_stream *http_websocket(struct http_req *req, const struct http_stream_ops *ops,
                                   void *arg, struct err *err);
/* Chunked download; http_stream_write_wait gives back pressure. [worker] */
struct http_stream *http_download(struct http_req *req, const struct http_stream_ops *ops, void *arg);
/* [any] Queues bytes (SSE: already framed "id:..\ndata:..\n\n"; WebSocket: one
 * text message). false when closed or when the reader owes more than
 * stream_buffer: the stream is then closed, never grown. */
bool http_stream_write(struct http_stream *s, sv data);
/* [worker] Waits until there is room, at most `timeout_ms`. */
bool http_stream_write_wait(struct http_stream *s, sv data, unsigned timeout_ms);
void http_stream_end(struct http_stream *s);       /* [any] flush and close */
void http_stream_ref(struct http_stream *s);
void http_stream_unref(struct http_stream *s);

#endif
