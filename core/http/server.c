/* The server: configuration, loop threads, their messages, draining, the end. */
#define LOG_ROOM "http"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/panic.h"
#include "http/internal.h"

#define FOREVER_MS (24u * 3600 * 1000) /* h2o's own HTTP/1 time-out: ours are in conn.c */
#define STOP_WAIT_US 10000000          /* for answers that somebody still owes */
#define TLS_KEEP_US 60000000           /* handshakes with the old certificate end in time */

/* ---- messages ------------------------------------------------------------------- */

/* h2o enlists the message first and writes to the loop's pipe afterwards, when
 * the loop may long have handled it: the count keeps the pipe until then. */
void http_post(struct http_loop *l, struct http_msg *m)
{
    atomic_fetch_add_explicit(&l->posting, 1, memory_order_relaxed);
    h2o_multithread_send_message(&l->inbox, &m->link);
    atomic_fetch_sub_explicit(&l->posting, 1, memory_order_release);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct http_loop *l = H2O_STRUCT_FROM_MEMBER(struct http_loop, inbox, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct http_msg *m = H2O_STRUCT_FROM_MEMBER(struct http_msg, link.link, messages->next);
        h2o_linklist_unlink(&m->link.link);
        m->fn(l, m);
    }
}

/* A command that is run on a loop and then freed. */
struct command {
    struct http_msg msg;
    int64_t until_us;
    SSL_CTX **ctx; /* n_listen contexts, owned */
};

static struct command *command_new(void (*fn)(struct http_loop *, struct http_msg *))
{
    struct command *c = xmalloc(sizeof(*c));
    *c = (struct command){.msg.fn = fn};
    return c;
}

/* ---- a loop ---------------------------------------------------------------------- */

static void on_accept(h2o_socket_t *listener, const char *err)
{
    if (err) return;
    struct http_loop *l = listener->data;
    for (size_t i = 0; i < l->s->cfg.n_listen; i++) {
        if (l->listeners[i] == listener) {
            http_conn_accept(l, i);
            return;
        }
    }
}

static void resume_accept(struct http_loop *l)
{
    l->accept_paused = false;
    for (size_t i = 0; i < l->s->cfg.n_listen; i++)
        if (l->listeners[i] && !h2o_socket_is_reading(l->listeners[i]))
            h2o_socket_read_start(l->listeners[i], on_accept);
}

static void close_listeners(struct http_loop *l)
{
    for (size_t i = 0; i < l->s->cfg.n_listen; i++) {
        if (l->listeners[i]) h2o_socket_close(l->listeners[i]);
        l->listeners[i] = NULL;
    }
}

static void drop_retired(struct http_loop *l, int64_t before_us)
{
    struct retired_tls **at = &l->retired;
    while (*at) {
        struct retired_tls *t = *at;
        if (t->at_us <= before_us) {
            *at = t->next;
            SSL_CTX_free(t->ctx);
            free(t);
        } else {
            at = &t->next;
        }
    }
}

static void on_tick(h2o_timeout_entry_t *e)
{
    struct http_loop *l = H2O_STRUCT_FROM_MEMBER(struct http_loop, tick_entry, e);
    h2o_timeout_link(l->ctx.loop, &l->tick, &l->tick_entry);
    access_log_flush(&l->log, false);
    if (l->accept_paused) resume_accept(l);
    if (++l->ticks % 5 == 0 || l->draining) {
        int64_t now = clock_mono_us();
        http_conn_sweep(l, now);
        drop_retired(l, now - TLS_KEEP_US);
    }
}

static void setup_loop(struct http_loop *l)
{
    struct http_server *s = l->s;
    h2o_context_init(&l->ctx, h2o_evloop_create(), &s->conf);
    h2o_multithread_register_receiver(l->ctx.queue, &l->inbox, on_messages);
    h2o_timeout_init(l->ctx.loop, &l->tick, HTTP_TICK_MS);
    h2o_timeout_init(l->ctx.loop, &l->ping_sse, 25000);
    h2o_timeout_init(l->ctx.loop, &l->ping_ws, 30000);
    h2o_timeout_init(l->ctx.loop, &l->soon, 20);
    l->tick_entry.cb = on_tick;
    h2o_timeout_link(l->ctx.loop, &l->tick, &l->tick_entry);
    for (size_t i = 0; i < s->cfg.n_listen; i++) {
        /* Each loop has a descriptor of its own on the one socket: epoll keys by it. */
        int fd = fcntl(s->listen[i].fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) panic("http: cannot duplicate a listening socket");
        l->accept[i].ctx = &l->ctx;
        l->accept[i].hosts = s->hosts[s->listen[i].operator_side];
        l->listeners[i] = h2o_evloop_socket_create(l->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
        l->listeners[i]->data = l;
        h2o_socket_read_start(l->listeners[i], on_accept);
    }
}

static void teardown_loop(struct http_loop *l)
{
    while (atomic_load_explicit(&l->posting, memory_order_acquire) != 0)
        sched_yield();
    close_listeners(l);
    h2o_timeout_unlink(&l->tick_entry);
    h2o_timeout_unlink(&l->ctx.http2._graceful_shutdown_timeout);
    h2o_evloop_t *loop = l->ctx.loop;
    h2o_timeout_dispose(loop, &l->tick);
    h2o_timeout_dispose(loop, &l->ping_sse);
    h2o_timeout_dispose(loop, &l->ping_ws);
    h2o_timeout_dispose(loop, &l->soon);
    h2o_multithread_unregister_receiver(l->ctx.queue, &l->inbox);
    h2o_context_dispose(&l->ctx);
    h2o_evloop_run(loop, 0); /* frees the sockets closed above */
    h2o_evloop_destroy(loop);
    drop_retired(l, INT64_MAX);
    for (size_t i = 0; i < l->s->cfg.n_listen; i++)
        SSL_CTX_free(l->accept[i].ssl_ctx);
    http_req_free_all(l);
    access_log_flush(&l->log, true);
    buf_free(&l->log.buf);
}

static void *loop_main(void *arg)
{
    struct http_loop *l = arg;
    struct http_server *s = l->s;
    char name[16];
    snprintf(name, sizeof(name), "http-%u", l->index);
    pthread_setname_np(pthread_self(), name);
    setup_loop(l);
    pthread_mutex_lock(&s->mu);
    s->ready++;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->mu);
    bool clean = true;
    for (;;) {
        h2o_evloop_run(l->ctx.loop, INT32_MAX);
        if (l->watch) http_conn_watch(l);
        if (l->files_used) { /* what is open is shared by one turn only */
            h2o_filecache_clear(l->ctx.filecache);
            l->files_used = false;
        }
        if (!l->stopping) continue;
        if (l->n_conns == 0 && l->outside == 0) break;
        if (clock_mono_us() > l->stop_by_us) {
            log_error("loop %u: %zu connections, %u requests did not end; left behind", l->index,
                      l->n_conns, l->outside);
            clean = false;
            break;
        }
    }
    if (clean) teardown_loop(l);
    l->done = clean;
    pthread_mutex_lock(&s->mu);
    s->ended++;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->mu);
    return NULL;
}

/* ---- start ------------------------------------------------------------------------- */

static void with_defaults(struct http_limits *l)
{
    struct {
        size_t *field, value;
    } sizes[] = {
        {&l->header_bytes, 16 << 10},   {&l->body_bytes, 1 << 20},
        {&l->upload_bytes, 512u << 20}, {&l->spill_bytes, 1 << 20},
        {&l->stream_buffer, 256 << 10},
    };
    struct {
        unsigned *field, value;
    } counts[] = {
        {&l->connections, 20000},  {&l->connections_per_ip, 4000}, {&l->header_timeout_s, 10},
        {&l->body_timeout_s, 60},  {&l->idle_timeout_s, 75},       {&l->h2_streams, 100},
        {&l->h2_resets_per_s, 50},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (*sizes[i].field == 0) *sizes[i].field = sizes[i].value;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (*counts[i].field == 0) *counts[i].field = counts[i].value;
    if (l->rate_per_ip && !l->rate_burst) l->rate_burst = 2 * l->rate_per_ip;
    /* h2o does not check for a failed spill while it gathers header blocks, so
     * no header block may be large enough to be spilled. */
    if (l->spill_bytes < 1 << 20) l->spill_bytes = 1 << 20;
    if (l->header_bytes > 256 << 10) l->header_bytes = 256 << 10;
}

static void setup_h2o(struct http_server *s)
{
    h2o_globalconf_t *g = &s->conf;
    h2o_config_init(g);
    g->server_name = h2o_iovec_init(H2O_STRLIT(HTTP_SERVER_NAME));
    g->max_request_entity_size = s->lim.upload_bytes;
    g->handshake_timeout = (uint64_t)s->lim.header_timeout_s * 1000;
    g->http1.req_timeout = FOREVER_MS;
    g->http1.upgrade_to_http2 = 0; /* HTTP/2 by ALPN only: h2c is the riskier code */
    g->http2.idle_timeout = (uint64_t)s->lim.idle_timeout_s * 1000;
    g->http2.max_concurrent_requests_per_connection =
        s->lim.h2_streams < 100 ? s->lim.h2_streams : 100;
    g->filecache.capacity = 64;
    /* Any name will do, the listener decides which of the two is used. */
    const char *names[2] = {"public", "operator"};
    for (int side = 0; side < 2; side++) {
        s->hosts[side][0] =
            h2o_config_register_host(g, h2o_iovec_init(names[side], strlen(names[side])), 65535);
        http_register_handlers(s->hosts[side][0], s, side == 1);
    }
    s->files = http_files_new(g);
}

/* h2o keeps this for the whole process, and reads it for as long as it runs. */
static void setup_spill(const struct http_server *s)
{
    h2o_buffer_mmap_settings_t *m = &h2o_socket_buffer_mmap_settings;
    m->threshold = s->lim.spill_bytes;
    snprintf(m->fn_template, sizeof(m->fn_template), "%s/body.XXXXXX",
             s->cfg.spill_dir ? s->cfg.spill_dir : "/tmp");
}

/* What this room says and the core's own table does not know. */
static void add_messages(void)
{
    msg_add("headers_too_large", "请求头超过允许的大小。",
            "The request's headers are larger than allowed.");
    msg_add("timed_out", "请求未在规定时间内到达。", "The request did not arrive in time.");
    msg_add("bad_range", "请求的范围超出文件大小。", "The range lies behind the end of the file.");
}

static SSL_CTX **load_tls(const struct http_server *s, struct err *err)
{
    SSL_CTX **ctx = xmalloc(sizeof(SSL_CTX *) * (s->cfg.n_listen + 1));
    memset(ctx, 0, sizeof(SSL_CTX *) * (s->cfg.n_listen + 1));
    for (size_t i = 0; i < s->cfg.n_listen; i++) {
        const struct http_listen *l = &s->listen[i];
        if (l->cert && !(ctx[i] = http_tls_load(l->cert, l->key ? l->key : l->cert, err))) {
            while (i-- > 0)
                SSL_CTX_free(ctx[i]);
            free(ctx);
            return NULL;
        }
    }
    return ctx;
}

static void free_server(struct http_server *s)
{
    for (unsigned i = 0; i < s->n_loops; i++) {
        free(s->loops[i].accept);
        free(s->loops[i].listeners);
    }
    free(s->loops);
    limits_free(s->limits);
    for (size_t i = 0; s->listen && i < s->cfg.n_listen; i++) {
        free((char *)(uintptr_t)s->listen[i].cert);
        free((char *)(uintptr_t)s->listen[i].key);
    }
    free(s->listen);
    free(s->files);
    if (s->conf.hosts) h2o_config_dispose(&s->conf);
    pthread_mutex_destroy(&s->mu);
    pthread_cond_destroy(&s->cond);
    free(s);
}

static char *copy(const char *text)
{
    return text ? memcpy(xmalloc(strlen(text) + 1), text, strlen(text) + 1) : NULL;
}

static void start_loops(struct http_server *s, SSL_CTX **ctx)
{
    uint64_t seed;
    rand_bytes(&seed, sizeof(seed));
    for (unsigned i = 0; i < s->n_loops; i++) {
        struct http_loop *l = &s->loops[i];
        l->s = s;
        l->index = i;
        l->id_seed = seed + i;
        l->log.fd = s->cfg.access_log_fd;
        l->log.stamp_s = -1;
        l->accept = xmalloc(sizeof(*l->accept) * (s->cfg.n_listen + 1));
        memset(l->accept, 0, sizeof(*l->accept) * (s->cfg.n_listen + 1));
        l->listeners = xmalloc(sizeof(*l->listeners) * (s->cfg.n_listen + 1));
        memset(l->listeners, 0, sizeof(*l->listeners) * (s->cfg.n_listen + 1));
        for (size_t k = 0; k < s->cfg.n_listen; k++) {
            l->accept[k].ssl_ctx = ctx[k];
            if (ctx[k]) SSL_CTX_up_ref(ctx[k]);
        }
    }
    for (size_t k = 0; k < s->cfg.n_listen; k++)
        SSL_CTX_free(ctx[k]);
    free(ctx);
    for (unsigned i = 0; i < s->n_loops; i++)
        if (pthread_create(&s->loops[i].thread, NULL, loop_main, &s->loops[i]) != 0)
            panic("http: cannot start a loop thread");
    pthread_mutex_lock(&s->mu);
    while (s->ready < s->n_loops)
        pthread_cond_wait(&s->cond, &s->mu);
    pthread_mutex_unlock(&s->mu);
}

struct http_server *http_server_start(const struct http_config *cfg, struct err *err)
{
    struct http_server *s = xmalloc(sizeof(*s));
    memset(s, 0, sizeof(*s));
    s->cfg = *cfg;
    s->lim = cfg->limits;
    with_defaults(&s->lim);
    pthread_mutex_init(&s->mu, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->cond, &attr);
    pthread_condattr_destroy(&attr);
    s->listen = xmalloc(sizeof(*s->listen) * (cfg->n_listen + 1));
    for (size_t i = 0; i < cfg->n_listen; i++) {
        s->listen[i] = cfg->listen[i];
        s->listen[i].cert = copy(cfg->listen[i].cert);
        s->listen[i].key = copy(cfg->listen[i].key);
    }
    SSL_CTX **ctx = load_tls(s, err);
    if (!ctx) {
        free_server(s);
        return NULL;
    }
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, add_messages);
    signal(SIGPIPE, SIG_IGN); /* a write to a gone client is an error, not an end */
    s->limits = limits_new(&s->lim, cfg->trusted_proxies == 0);
    setup_spill(s);
    setup_h2o(s);
    s->n_loops = cfg->loops ? cfg->loops : 1;
    s->loops = xmalloc(sizeof(*s->loops) * s->n_loops);
    memset(s->loops, 0, sizeof(*s->loops) * s->n_loops);
    start_loops(s, ctx);
    return s;
}

/* ---- TLS reload ------------------------------------------------------------------------ */

static void swap_tls(struct http_loop *l, struct http_msg *m)
{
    struct command *c = (struct command *)m;
    for (size_t i = 0; i < l->s->cfg.n_listen; i++) {
        if (!c->ctx[i]) continue;
        struct retired_tls *t = xmalloc(sizeof(*t));
        *t = (struct retired_tls){l->retired, l->accept[i].ssl_ctx, clock_mono_us()};
        l->retired = t;
        l->accept[i].ssl_ctx = c->ctx[i];
    }
    free(c->ctx);
    free(c);
}

int http_server_reload_tls(struct http_server *s, struct err *err)
{
    SSL_CTX **ctx = load_tls(s, err);
    if (!ctx) return -1;
    for (unsigned k = 0; k < s->n_loops; k++) {
        struct command *c = command_new(swap_tls);
        c->ctx = xmalloc(sizeof(SSL_CTX *) * (s->cfg.n_listen + 1));
        for (size_t i = 0; i < s->cfg.n_listen; i++) {
            c->ctx[i] = ctx[i];
            if (ctx[i]) SSL_CTX_up_ref(ctx[i]);
        }
        http_post(&s->loops[k], &c->msg);
    }
    for (size_t i = 0; i < s->cfg.n_listen; i++)
        SSL_CTX_free(ctx[i]);
    free(ctx);
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void drain(struct http_loop *l, struct http_msg *m)
{
    free(m);
    if (l->draining) return;
    l->draining = true;
    close_listeners(l);
    h2o_context_request_shutdown(&l->ctx);
    http_streams_end(l);
}

static void stop(struct http_loop *l, struct http_msg *m)
{
    struct command *c = (struct command *)m;
    l->stop_by_us = c->until_us;
    l->stopping = true;
    for (struct http_conn *k = l->conns; k; k = k->next)
        http_conn_shut(k);
    free(c);
}

void http_server_drain(struct http_server *s, unsigned timeout_ms)
{
    for (unsigned i = 0; i < s->n_loops; i++)
        http_post(&s->loops[i], &command_new(drain)->msg);
    int64_t until = clock_mono_us() + (int64_t)timeout_ms * 1000;
    while (atomic_load(&s->connections) != 0 && clock_mono_us() < until) {
        struct timespec t = {0, 5000000};
        nanosleep(&t, NULL);
    }
    s->drained = true;
}

void http_server_free(struct http_server *s)
{
    if (!s) return;
    if (!s->drained) http_server_drain(s, 0);
    for (unsigned i = 0; i < s->n_loops; i++) {
        struct command *c = command_new(stop);
        c->until_us = clock_mono_us() + STOP_WAIT_US;
        http_post(&s->loops[i], &c->msg);
    }
    bool clean = true;
    for (unsigned i = 0; i < s->n_loops; i++) {
        pthread_join(s->loops[i].thread, NULL);
        clean = clean && s->loops[i].done;
    }
    /* Somebody may still call http_send: better to leak than to let them write
     * into freed memory. */
    if (clean) free_server(s);
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
    *out = (struct http_stats){0};
    out->connections = atomic_load_explicit(&s->connections, memory_order_relaxed);
    for (unsigned i = 0; i < s->n_loops; i++) {
        const struct http_counters *c = &s->loops[i].count;
        out->requests += atomic_load_explicit(&c->requests, memory_order_relaxed);
        out->active_requests += atomic_load_explicit(&c->active, memory_order_relaxed);
        out->streams += atomic_load_explicit(&c->streams, memory_order_relaxed);
        out->refused_rate += atomic_load_explicit(&c->refused_rate, memory_order_relaxed);
        out->refused_full += atomic_load_explicit(&c->refused_full, memory_order_relaxed);
        out->h2_resets += atomic_load_explicit(&c->h2_resets, memory_order_relaxed);
    }
}
