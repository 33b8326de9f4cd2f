#define LOG_ROOM "test"
#include "http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct fixture fx;
static int server_log;
struct http_limits fx_limits;
unsigned fx_loops, fx_proxies, fx_queue;
_Atomic int running, bad_views, later_sent, done_calls, done_499, streams_closed, ws_messages;

/* Memory that h2o's recycling pools keep in thread-local storage is not given
 * back when a loop thread ends; a server ends once in a process. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libh2o-evloop\n";
}

/* ---- a worker pool, as main would bring ----------------------------------------- */

static pthread_mutex_t pool_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pool_cond = PTHREAD_COND_INITIALIZER;
static struct job {
    struct http_req *r;
    void (*run)(struct http_req *);
} jobs[4096];
static unsigned jobs_head, jobs_tail;
static bool pool_stop;
static pthread_t workers[3];

static pthread_mutex_t gate_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_cond = PTHREAD_COND_INITIALIZER;
static bool gate_shut;

void gate_close(void)
{
    pthread_mutex_lock(&gate_mu);
    gate_shut = true;
    pthread_mutex_unlock(&gate_mu);
}

void gate_open(void)
{
    pthread_mutex_lock(&gate_mu);
    gate_shut = false;
    pthread_cond_broadcast(&gate_cond);
    pthread_mutex_unlock(&gate_mu);
}

static bool submit(void *arg, struct http_req *r, void (*run)(struct http_req *))
{
    (void)arg;
    pthread_mutex_lock(&pool_mu);
    bool ok = jobs_tail - jobs_head < fx_queue;
    if (ok) {
        jobs[jobs_tail++ % 4096] = (struct job){r, run};
        pthread_cond_signal(&pool_cond);
    }
    pthread_mutex_unlock(&pool_mu);
    return ok;
}

static void *worker_main(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&pool_mu);
    for (;;) {
        while (jobs_head == jobs_tail && !pool_stop)
            pthread_cond_wait(&pool_cond, &pool_mu);
        if (jobs_head == jobs_tail) break;
        struct job j = jobs[jobs_head++ % 4096];
        pthread_mutex_unlock(&pool_mu);
        j.run(j.r);
        pthread_mutex_lock(&pool_mu);
    }
    pthread_mutex_unlock(&pool_mu);
    return NULL;
}

/* ---- the thread that answers deferred requests ------------------------------------- */

static pthread_mutex_t later_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t later_cond = PTHREAD_COND_INITIALIZER;
static struct http_req *later[4096];
static unsigned later_head, later_tail;
static bool later_stop;
static pthread_t later_thread;

static void *later_main(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&later_mu);
    for (;;) {
        while (later_head == later_tail && !later_stop)
            pthread_cond_wait(&later_cond, &later_mu);
        if (later_head == later_tail) break;
        struct http_req *r = later[later_head++ % 4096];
        pthread_mutex_unlock(&later_mu);
        struct timespec t = {0, 2000000};
        nanosleep(&t, NULL);
        http_type(r, "text/plain");
        buf_printf(http_out(r), "later %.*s", SVARG(http_path(r)));
        http_send(r);
        atomic_fetch_add(&later_sent, 1);
        pthread_mutex_lock(&later_mu);
    }
    pthread_mutex_unlock(&later_mu);
    return NULL;
}

static void defer(struct http_req *r)
{
    http_defer(r);
    pthread_mutex_lock(&later_mu);
    later[later_tail++ % 4096] = r;
    pthread_cond_signal(&later_cond);
    pthread_mutex_unlock(&later_mu);
}

/* ---- routes ---------------------------------------------------------------------------- */

static void r_const(struct http_req *r)
{
    http_type(r, "application/json");
    http_out_static(r, SV("{\"ok\":true}"));
}

static bool add_pair(void *arg, sv name, sv value)
{
    jsonw_key(arg, name);
    jsonw_sv(arg, value);
    return true;
}

static void r_who(struct http_req *r)
{
    struct jsonw w = jsonw_on(http_out(r));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "method", http_method_of(r));
    jsonw_kv_sv(&w, "path", http_path(r));
    jsonw_kv_sv(&w, "prefix", http_prefix(r));
    jsonw_kv_sv(&w, "id", http_param(r, "id"));
    jsonw_kv_sv(&w, "q", http_query(r, "q"));
    jsonw_kv_sv(&w, "host", http_host(r));
    jsonw_kv_sv(&w, "scheme", http_scheme(r));
    jsonw_kv_sv(&w, "remote", http_remote(r));
    jsonw_kv_str(&w, "lang", http_lang(r));
    jsonw_kv_sv(&w, "cookie", http_cookie(r, "c"));
    jsonw_kv_sv(&w, "agent", http_header(r, "user-agent"));
    jsonw_kv_sv(&w, "data", sv_of(http_route_data(r)));
    jsonw_key(&w, SV("query"));
    jsonw_obj(&w);
    http_query_each(r, add_pair, &w);
    jsonw_end_obj(&w);
    jsonw_end_obj(&w);
    http_set_user(r, r, 77);
    http_add_header(r, "x-extra", SV("yes"));
    http_add_header(r, "x-bad", SV("a\r\nb: c"));
    struct http_cookie_opts o = {.max_age_s = 60, .http_only = true, .secure = true};
    http_add_cookie(r, "session", SV("abc"), &o);
}

static void r_json(struct http_req *r)
{
    json_t *v;
    struct err err;
    err_clear(&err);
    if (http_json(r, &v, &err) != 0) {
        http_fail(r, &err);
        return;
    }
    http_status(r, 201);
    struct jsonw w = jsonw_on(http_out(r));
    jsonw_json(&w, v);
}

static void r_form(struct http_req *r)
{
    struct http_part *parts;
    size_t n;
    struct err err;
    err_clear(&err);
    if (http_multipart(r, &parts, &n, &err) != 0) {
        http_fail(r, &err);
        return;
    }
    struct jsonw w = jsonw_on(http_out(r));
    jsonw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        jsonw_sv(&w, parts[i].name);
        jsonw_i64(&w, (int64_t)parts[i].data.n);
    }
    jsonw_end_arr(&w);
}

/* Whether the body lives in a file: an unlinked one of the spill directory. */
static bool spilled(void)
{
    bool found = false;
    for (int fd = 3; fd < 400 && !found; fd++) {
        char name[32], target[256];
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(name, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = 0;
            found =
                strstr(target, fx.dir) && strstr(target, "body.") && strstr(target, "(deleted)");
        }
    }
    return found;
}

static void r_upload(struct http_req *r)
{
    uint32_t sum = 0;
    sv body = http_body(r);
    for (size_t i = 0; i < body.n; i++)
        sum = sum * 31 + (unsigned char)body.p[i];
    buf_printf(http_out(r), "{\"n\":%zu,\"sum\":%u,\"spilled\":%s}", body.n, sum,
               spilled() ? "true" : "false");
}

static void r_slow(struct http_req *r)
{
    atomic_fetch_add(&running, 1);
    pthread_mutex_lock(&gate_mu);
    while (gate_shut)
        pthread_cond_wait(&gate_cond, &gate_mu);
    pthread_mutex_unlock(&gate_mu);
    atomic_fetch_sub(&running, 1);
    sv long_value = http_header(r, "x-long-header-name");
    if (sv_eq(http_header(r, "user-agent"), SV("h2-test")) && http_query(r, "q").p &&
        (long_value.n != 199 || strspn(long_value.p, "v") < 199 ||
         !sv_eq(http_path(r), SV("/slow")) || !sv_eq(http_query(r, "q"), SV("abc")) ||
         !sv_eq(http_body(r), SV("twenty bytes of body"))))
        atomic_fetch_add(&bad_views, 1);
    /* everything of the request must still be there, also when the client is not */
    struct jsonw w = jsonw_on(http_out(r));
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "path", http_path(r));
    jsonw_kv_sv(&w, "agent", http_header(r, "user-agent"));
    jsonw_kv_sv(&w, "x", http_header(r, "x-long-header-name"));
    jsonw_kv_sv(&w, "q", http_query(r, "q"));
    jsonw_kv_i64(&w, "body", (int64_t)http_body(r).n);
    jsonw_end_obj(&w);
}

static void r_fail(struct http_req *r)
{
    struct err err;
    err_clear(&err);
    err_field(&err, "name", "required", NULL);
    http_fail(r, &err);
}

static void r_big(struct http_req *r)
{
    int64_t n = 0;
    sv_i64(http_param(r, "n"), &n);
    http_type(r, "text/plain; charset=utf-8");
    for (int64_t i = 0; i < n; i++)
        buf_chr(http_out(r), (char)('a' + i % 26));
}

static void on_stream_closed(void *arg)
{
    (void)arg;
    atomic_fetch_add(&streams_closed, 1);
}

static void on_ws_message(void *arg, struct http_stream *s, sv data, bool binary)
{
    (void)arg;
    (void)binary;
    atomic_fetch_add(&ws_messages, 1);
    if (sv_eq(data, SV("bye")))
        http_stream_end(s);
    else
        http_stream_write(s, data);
}

static const struct http_stream_ops stream_ops = {on_stream_closed, NULL};
static const struct http_stream_ops ws_ops = {on_stream_closed, on_ws_message};

static pthread_mutex_t list_mu = PTHREAD_MUTEX_INITIALIZER;
static struct http_stream *list[4096];
static size_t n_list;

static void keep_stream(struct http_stream *s)
{
    pthread_mutex_lock(&list_mu);
    if (n_list < 4096)
        list[n_list++] = s;
    else
        http_stream_unref(s);
    pthread_mutex_unlock(&list_mu);
}

void stream_list_take(struct http_stream **out, size_t *n, size_t max)
{
    pthread_mutex_lock(&list_mu);
    *n = n_list < max ? n_list : max;
    memcpy(out, list, *n * sizeof(*out));
    n_list = 0;
    pthread_mutex_unlock(&list_mu);
}

static void r_sse(struct http_req *r)
{
    struct http_stream *s = http_sse(r, &stream_ops, NULL);
    http_stream_write(s, SV("id: 1\ndata: hello\n\n"));
    keep_stream(s);
}

static void r_ws(struct http_req *r)
{
    struct err err;
    err_clear(&err);
    struct http_stream *s = http_websocket(r, &ws_ops, NULL, &err);
    if (!s) {
        http_fail(r, &err);
        return;
    }
    http_stream_write(s, SV("welcome"));
    keep_stream(s);
}

/* A thread that writes 3 MiB with back pressure into a download. */
static void *download_main(void *arg)
{
    struct http_stream *s = arg;
    char block[10000];
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)('A' + i % 26);
    bool ok = true;
    for (int i = 0; i < 300 && ok; i++)
        ok = http_stream_write_wait(s, sv_make(block, sizeof(block)), 3000);
    http_stream_end(s);
    http_stream_unref(s);
    return NULL;
}

static void r_download(struct http_req *r)
{
    http_type(r, "text/csv; charset=utf-8");
    pthread_t t;
    pthread_create(&t, NULL, download_main, http_download(r, &stream_ops, NULL));
    pthread_detach(t);
}

static void r_file(struct http_req *r)
{
    struct buf path = BUF_IN(http_arena(r));
    buf_str(&path, fx.dir);
    buf_str(&path, "/");
    buf_sv(&path, http_param(r, "name"));
    buf_chr(&path, 0);
    http_send_file(r, path.p, "text/css; charset=utf-8", "max-age=60",
                   http_query(r, "dl").p ? "中 x.css" : NULL);
}

static void fallback(struct http_req *r)
{
    if (sv_starts(http_path(r), SV("/app")))
        r_const(r);
    else
        http_fail_code(r, 404, "not_found");
}

static char site;

static struct http_site *resolve(void *arg, sv host, sv path, size_t *cut)
{
    (void)arg;
    if (sv_eq(host, SV("unknown.test"))) return NULL;
    if (sv_starts(path, SV("/t/demo/")) || sv_eq(path, SV("/t/demo"))) *cut = 7;
    return (struct http_site *)&site;
}

static int guard(void *arg, struct http_req *r, struct err *err)
{
    (void)arg;
    if (http_route_of(r)->owner && !http_header(r, "authorization").p)
        return err_set(err, 401, "unauthorized", NULL);
    return 0;
}

static void done(void *arg, const struct http_req *r, int status, uint64_t us)
{
    (void)arg;
    (void)r;
    (void)us;
    atomic_fetch_add(&done_calls, 1);
    if (status == 499) atomic_fetch_add(&done_499, 1);
}

static const struct http_route routes[] = {
    {HTTP_GET, "/const", HTTP_ON_LOOP, r_const, NULL, NULL},
    {HTTP_GET, "/work", 0, r_const, NULL, NULL},
    {HTTP_GET, "/who/:id", 0, r_who, (void *)(uintptr_t) "route data", NULL},
    {HTTP_GET, "/loop/who/:id", HTTP_ON_LOOP, r_who, NULL, NULL},
    {HTTP_POST, "/json", 0, r_json, NULL, NULL},
    {HTTP_PUT, "/json", 0, r_json, NULL, NULL},
    {HTTP_POST, "/form", 0, r_form, NULL, NULL},
    {HTTP_POST, "/upload", HTTP_UPLOAD, r_upload, NULL, NULL},
    {HTTP_GET, "/slow", 0, r_slow, NULL, NULL},
    {HTTP_POST, "/slow", HTTP_UPLOAD, r_slow, NULL, NULL},
    {HTTP_GET, "/later", 0, defer, NULL, NULL},
    {HTTP_GET, "/loop/later", HTTP_ON_LOOP, defer, NULL, NULL},
    {HTTP_GET, "/fail", 0, r_fail, NULL, NULL},
    {HTTP_GET, "/guarded", 0, r_const, NULL, "owner"},
    {HTTP_GET, "/big/:n", 0, r_big, NULL, NULL},
    {HTTP_GET, "/sse", 0, r_sse, NULL, NULL},
    {HTTP_GET, "/loop/sse", HTTP_ON_LOOP | HTTP_STREAM, r_sse, NULL, NULL},
    {HTTP_GET, "/ws", 0, r_ws, NULL, NULL},
    {HTTP_GET, "/loop/ws", HTTP_ON_LOOP, r_ws, NULL, NULL},
    {HTTP_GET, "/download", 0, r_download, NULL, NULL},
    {HTTP_GET, "/file/:name", 0, r_file, NULL, NULL},
    {HTTP_GET, "/anywhere", HTTP_ON_LOOP | HTTP_ANY_SITE, r_const, NULL, NULL},
    {HTTP_GET, "/silent", HTTP_ON_LOOP | HTTP_NO_ACCESS_LOG, r_const, NULL, NULL},
};

/* ---- start and stop ----------------------------------------------------------------------- */

void make_cert(const char *cert, const char *key, long serial)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, k);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    X509_sign(x, k, EVP_sha256());
    FILE *f = fopen(cert, "w");
    PEM_write_X509(f, x);
    fclose(f);
    f = fopen(key, "w");
    PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(k);
}

static int listen_on_loopback(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(in);
    if (bind(fd, (struct sockaddr *)&in, n) != 0 || listen(fd, 2048) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &n) != 0)
        fail_msg("listen: %s", strerror(errno));
    *port = ntohs(in.sin_port);
    return fd;
}

void fixture_reset(void)
{
    memset(&fx_limits, 0, sizeof(fx_limits));
    fx_loops = 2;
    fx_proxies = 0;
    fx_queue = 1000;
    bad_views = later_sent = done_calls = done_499 = streams_closed = ws_messages = 0;
}

void fixture_start(void)
{
    struct err err;
    err_clear(&err);
    memset(&fx, 0, sizeof(fx));
    snprintf(fx.dir, sizeof(fx.dir), "/tmp/http-test.XXXXXX");
    if (!mkdtemp(fx.dir)) fail_msg("mkdtemp: %s", strerror(errno));
    snprintf(fx.spill, sizeof(fx.spill), "%s/spill", fx.dir);
    mkdir(fx.spill, 0700);
    snprintf(fx.cert, sizeof(fx.cert), "%s/cert.pem", fx.dir);
    snprintf(fx.key, sizeof(fx.key), "%s/key.pem", fx.dir);
    snprintf(fx.log_path, sizeof(fx.log_path), "%s/access.log", fx.dir);
    snprintf(fx.server_log, sizeof(fx.server_log), "%s/server.log", fx.dir);
    server_log = open(fx.server_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log_init(LOG_INFO, server_log);
    make_cert(fx.cert, fx.key, 1);
    fx.router = http_router_new();
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (http_router_add(fx.router, &routes[i], &err) != 0) fail_msg("%s", err.detail);
    fx.operator_router = http_router_new();
    struct http_route health = {HTTP_GET, "/healthz", HTTP_ON_LOOP, r_const, NULL, NULL};
    http_router_add(fx.operator_router, &health, &err);

    fx.listen[0] = (struct http_listen){.fd = listen_on_loopback(&fx.port)};
    fx.listen[1] = (struct http_listen){
        .fd = listen_on_loopback(&fx.tls_port), .cert = fx.cert, .key = fx.key};
    fx.listen[2] =
        (struct http_listen){.fd = listen_on_loopback(&fx.operator_port), .operator_side = true};
    int log = open(fx.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    fx.cfg = (struct http_config){
        .listen = fx.listen,
        .n_listen = 3,
        .loops = fx_loops,
        .limits = fx_limits,
        .router = fx.router,
        .operator_router = fx.operator_router,
        .spill_dir = fx.spill,
        .access_log_fd = log,
        .trusted_proxies = fx_proxies,
        .resolve = resolve,
        .submit = submit,
        .guard = guard,
        .done = done,
        .fallback = fallback,
    };
    pool_stop = later_stop = false;
    for (size_t i = 0; i < 3; i++)
        pthread_create(&workers[i], NULL, worker_main, NULL);
    pthread_create(&later_thread, NULL, later_main, NULL);
    fx.server = http_server_start(&fx.cfg, &err);
    if (!fx.server) fail_msg("start: %s", err.detail);
}

void fixture_stop(void)
{
    gate_open();
    http_server_drain(fx.server, 200);
    http_server_free(fx.server);
    pthread_mutex_lock(&pool_mu);
    pool_stop = true;
    pthread_cond_broadcast(&pool_cond);
    pthread_mutex_unlock(&pool_mu);
    for (size_t i = 0; i < 3; i++)
        pthread_join(workers[i], NULL);
    pthread_mutex_lock(&later_mu);
    later_stop = true;
    pthread_cond_broadcast(&later_cond);
    pthread_mutex_unlock(&later_mu);
    pthread_join(later_thread, NULL);
    struct http_stream *left[4096];
    size_t n;
    stream_list_take(left, &n, 4096);
    while (n-- > 0)
        http_stream_unref(left[n]);
    http_router_free(fx.router);
    http_router_free(fx.operator_router);
    for (size_t i = 0; i < 3; i++)
        close(fx.listen[i].fd);
    close(fx.cfg.access_log_fd);
    log_init(LOG_ERROR, 2);
    close(server_log);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", fx.dir);
    if (system(command) != 0) print_message("could not remove %s\n", fx.dir);
}

int fixture_setup(void **state)
{
    (void)state;
    fixture_reset();
    fixture_start();
    return 0;
}

int fixture_teardown(void **state)
{
    (void)state;
    fixture_stop();
    return 0;
}

bool wait_until(bool (*fn)(void), int ms)
{
    for (int i = 0; i < ms / 5; i++) {
        if (fn()) return true;
        struct timespec t = {0, 5000000};
        nanosleep(&t, NULL);
    }
    return fn();
}

bool log_has(const char *text)
{
    FILE *f = fopen(fx.server_log, "r");
    char line[2048];
    bool found = false;
    while (f && !found && fgets(line, sizeof(line), f))
        found = strstr(line, text) != NULL;
    if (f) fclose(f);
    return found;
}
