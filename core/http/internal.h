/* What the files of this room share. Nothing here is seen outside of it.
 *
 * Threads: everything belongs to one loop thread unless a comment says other-
 * wise. A request that is with a worker is in the hands of that worker alone
 * until http_send posts it back; the loop then only notes that its h2o request
 * has gone.
 */
#ifndef ATRIUM_CORE_HTTP_INTERNAL_H
#define ATRIUM_CORE_HTTP_INTERNAL_H

#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <h2o/http2_internal.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "http/limits.h"
#include "http/methods.h"

#define HTTP_SERVER_NAME "atrium"
#define HTTP_TICK_MS 200             /* log flush and drain watch; every fifth sweeps */
#define HTTP_MAX_RES_HEADERS 24      /* before the vector moves to h2o's pool */

/* h2o's views are not const, though it only reads through them. */
#define HTTP_IOV(lit) {(char *)(lit), sizeof(lit) - 1}

struct http_loop;
struct http_conn;

/* ---- messages to a loop --------------------------------------------------- */

struct http_msg {
    h2o_multithread_message_t link;
    void (*fn)(struct http_loop *l, struct http_msg *m);   /* [loop] owns m */
};
void http_post(struct http_loop *l, struct http_msg *m);   /* [any] */

/* ---- requests -------------------------------------------------------------- */

struct http_file {                   /* what http_send_file noted */
    const char *path;                /* NULL: the answer is not a file */
    sv type, cache, disposition;
};

struct http_res_header {
    struct http_res_header *next;
    h2o_iovec_t name;
    sv value;
};

struct http_req {
    struct http_msg msg;             /* carries the request back to its loop */
    struct http_req *next_free;
    struct http_loop *loop;
    h2o_req_t *h;                    /* [loop] NULL once h2o has let go of it */
    struct http_conn *conn;          /* [loop] valid while h is */
    struct arena *arena;
    bool outside;                    /* [loop] a worker or somebody else holds it */
    bool answered;                   /* [loop] h2o was given the answer */
    bool operator_side, head, h2;
    /* the head: views into h2o's memory, or into the arena after http_req_lend */
    enum http_method method;
    sv method_text, path, prefix, query, host, agent, given_id, id, remote, body;
    const h2o_header_t *headers;
    size_t n_headers;
    sv upgrade;                      /* of HTTP/1; h2o takes it out of the list */
    const char *scheme;
    h2o_buffer_t *body_buf;          /* [loop] taken from an HTTP/2 stream */
    struct http_site *site;
    int64_t started_us;
    void *user;
    int64_t user_label;
    /* the answer */
    int status;
    const char *type;
    struct buf out;
    sv out_static;
    bool no_compress;
    struct http_res_header *extra, **extra_end;
    struct http_file file;
    struct http_stream *stream;
    h2o_generator_t generator;       /* of a stream */
    uint64_t seen_bytes;             /* what the sweep saw of bytes_sent, and when */
    int64_t seen_us;
    /* from here on not cleared between requests */
    struct http_match match;
    char id_buf[32];
    h2o_header_t head_out[HTTP_MAX_RES_HEADERS];
};

/* Found again from h2o's request: our state hangs on it as a prefilter. */
struct http_req *http_req_of(h2o_req_t *h);
/* [loop] From now on somebody outside holds it. Copies what they may read out
 * of h2o's memory when h2o may free that under them (HTTP/2 resets). */
void http_req_lend(struct http_req *r);
/* [loop] The outside has done with it: answer, or forget it when h2o has. */
void http_req_back(struct http_loop *l, struct http_msg *m);
void http_req_respond(struct http_req *r);        /* [loop] sends what is filled in */
void http_req_free_all(struct http_loop *l);
/* Set by http_defer and the stream openers in the thread that runs the handler:
 * after a deferring handler returned, the request may already be somebody
 * else's, so the thread must not ask the request itself. */
enum http_taken { HTTP_NOT_TAKEN, HTTP_TAKEN_DEFER };
extern _Thread_local enum http_taken http_taken;
void http_register_handlers(h2o_hostconf_t *host, struct http_server *s, bool operator_side);

/* response.c */
#define HTTP_COMPRESS_MIN 1024
const char *http_reason(int status);
/* Moves status, headers and type into h2o's response. `length` SIZE_MAX: not
 * known beforehand. [loop] */
void http_res_head(struct http_req *r, size_t length);
bool http_compressible(sv type);
extern h2o_mime_attributes_t http_mime_compressible;
/* Makes h2o's own error answers (413, 400 ...) problem+json too. */
void http_register_problem_filter(h2o_pathconf_t *path);
/* Problem text for an answer that has no request: raw HTTP/1.1, malloc'ed. */
sv http_raw_problem(int status, const char *code, int retry_after);

/* request.c */
const char *http_pick_lang(sv cookie_lang, sv accept_language);
sv http_cookie_in(sv cookies, sv name);

/* files.c */
struct http_files;                   /* h2o's file handler, out of reach of requests */
struct http_files *http_files_new(h2o_globalconf_t *conf);
void http_file_respond(struct http_req *r);       /* [loop] */
void http_file_head(struct http_req *r);          /* [loop] before the head goes out */

/* stream.c [loop] */
void http_stream_start(struct http_req *r);
void http_stream_never(struct http_req *r);       /* the client went before the start */
void http_streams_end(struct http_loop *l);
void http_stream_reader_left(struct http_stream *s);

/* ---- connections ----------------------------------------------------------- */

enum http_proto { HTTP_PROTO_HANDSHAKE, HTTP_PROTO_1, HTTP_PROTO_2, HTTP_PROTO_WS };

struct http_conn {
    struct http_conn *prev, *next;   /* all of the loop */
    struct http_conn *watch_next;    /* to be looked at after this turn of the loop */
    bool on_watch;
    struct http_loop *loop;
    h2o_socket_t *sock;
    struct limit_peer *peer;
    char ip[48];
    uint8_t ip_n;
    bool operator_side, tls, refused;
    enum http_proto proto;
    struct http_stream *stream;      /* whose reader's FIN is looked for */
    unsigned busy;                   /* requests between on_req and their end */
    h2o_socket_cb read_cb;           /* h2o's own, behind ours */
    h2o_socket_cb handshake_cb;
    int64_t idle_since_us;
    /* HTTP/1 head and body that are arriving */
    size_t head_scanned, head_len;
    size_t body_limit;               /* of a request that carries a body */
    bool has_body;
    int64_t head_us, body_us;
    sv refusal;                      /* being written; freed by free() */
    /* HTTP/2 */
    ssize_t (*h2_expect)(h2o_http2_conn_t *, const uint8_t *, size_t, const char **);
    size_t h2_block;                 /* bytes of the header block being continued */
    unsigned h2_block_frames;
    int64_t h2_second;
    unsigned h2_resets, h2_control;
    /* write progress, seen by the sweep */
    uint64_t acked;
    int64_t acked_us;
};

void http_conn_accept(struct http_loop *l, size_t listener);      /* [loop] */
/* Puts the guards in place again where h2o has set its own callbacks. */
void http_conn_watch(struct http_loop *l);
void http_conn_expect_change(struct http_conn *c);
void http_conn_sweep(struct http_loop *l, int64_t now_us);
void http_conn_shut(struct http_conn *c);
static inline struct http_conn *http_conn_of(h2o_conn_t *c)
{
    return c->callbacks->get_socket(c)->on_close.data;
}
/* guard_h1.c: false when the request was refused; the guard owns the socket. */
bool http_h1_admit(struct http_conn *c);
void http_h1_refuse(struct http_conn *c, int status, const char *code);
/* guard_h2.c */
void http_h2_guard(struct http_conn *c);
/* Body limit of the route that a request will take. */
size_t http_body_limit(const struct http_server *s, bool operator_side, enum http_method m,
                       sv host, sv target);

/* ---- access log ------------------------------------------------------------- */

struct access_log {
    int fd;
    struct buf buf;
    size_t dropped;                  /* lines lost to a disk that stands still */
    int64_t stamp_s;
    char stamp[24];
};
struct access_entry {
    sv id, ip, method, prefix, path, agent;
    int status;
    uint64_t bytes_in, bytes_out, us;
    int64_t user;
};
void access_log_add(struct access_log *a, const struct access_entry *e);
void access_log_flush(struct access_log *a, bool all);

/* ---- TLS --------------------------------------------------------------------- */

SSL_CTX *http_tls_load(const char *cert, const char *key, struct err *err);

/* ---- loops -------------------------------------------------------------------- */

struct http_counters {               /* written by one loop, read by anybody */
    _Atomic uint64_t requests, active, streams, refused_rate, refused_full, h2_resets;
};
#define COUNT(l, what, d) \
    atomic_store_explicit(&(l)->count.what, \
                          atomic_load_explicit(&(l)->count.what, memory_order_relaxed) + \
                              (uint64_t)(d), memory_order_relaxed)

struct retired_tls { struct retired_tls *next; SSL_CTX *ctx; int64_t at_us; };

struct http_loop {
    struct http_server *s;
    unsigned index;
    pthread_t thread;
    bool thread_started;
    h2o_context_t ctx;
    h2o_accept_ctx_t *accept;        /* per listener */
    h2o_socket_t **listeners;
    h2o_multithread_receiver_t inbox;
    _Atomic unsigned posting;        /* threads inside of http_post */
    h2o_timeout_t tick, ping_sse, ping_ws, soon;
    h2o_timeout_entry_t tick_entry;
    unsigned ticks;
    struct http_req *free_reqs;
    unsigned n_free, outside;
    struct http_conn *conns, *watch;
    size_t n_conns;
    struct http_conn *reading;       /* whose read callback runs; NULL once it is freed */
    int refuse_status;               /* set while h2o is made to run a refused request */
    struct http_stream *streams;     /* list of open streams */
    struct access_log log;
    struct retired_tls *retired;
    uint64_t id_seed, id_next;
    bool draining, stopping, done, accept_paused, files_used;
    int64_t stop_by_us;
    struct http_counters count;
};

struct http_server {
    struct http_config cfg;
    struct http_limits lim;          /* cfg.limits with the defaults filled in */
    struct http_listen *listen;      /* own copy */
    h2o_globalconf_t conf;
    h2o_hostconf_t *hosts[2][2];     /* [operator side]: {host, NULL} */
    struct http_files *files;
    struct http_loop *loops;
    unsigned n_loops;
    struct limits *limits;
    pthread_mutex_t mu;              /* guards the start-up count and tls reloads */
    pthread_cond_t cond;
    unsigned ready, ended;
    _Atomic size_t connections;      /* all loops */
    bool drained;
};

#endif
