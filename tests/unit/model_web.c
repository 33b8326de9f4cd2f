#include "model_web.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "work/work.h"

static struct http_server *server;
static struct http_router *router;
static struct work_pool *pool;
static int port;

/* Pools that h2o keeps by thread are not given back when a loop ends. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libh2o-evloop\n";
}

/* ---- the server ------------------------------------------------------------------- */

static struct http_site *resolve(void *arg, sv host, sv path, size_t *prefix_len)
{
    (void)arg;
    (void)host;
    *prefix_len = sv_starts(path, SV("/t/test/")) ? 7 : 0;
    return (struct http_site *)&w.tenant;
}

struct job {
    void (*fn)(struct http_req *);
    struct http_req *req;
};

static void run_job(void *arg)
{
    struct job *j = arg;
    j->fn(j->req);
}

static bool submit(void *arg, struct http_req *req, void (*fn)(struct http_req *))
{
    (void)arg;
    struct job *j = arena_alloc(http_arena(req), sizeof *j);
    *j = (struct job){fn, req};
    return work_pool_submit(pool, run_job, j);
}

/* The header X-Who stands for a session. */
static int guard(void *arg, struct http_req *req, struct err *err)
{
    static struct auth_principal anon = {.kind = AUTH_ANON};
    sv who = http_header(req, "x-who");
    (void)arg;
    (void)err;
    struct auth_principal *p = sv_eqs(who, "anon")    ? &anon
                               : sv_eqs(who, "staff") ? &w.staff
                                                      : &w.admin;
    http_set_user(req, p, p->id);
    return 0;
}

int web_setup(void **state)
{
    world_setup(state);
    struct err e = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0)
        return -1;
    port = ntohs(at.sin_port);
    pool = work_pool_start(8, 64);
    router = http_router_new();
    if (model_routes(w.f.model, router, &e) != 0) {
        fprintf(stderr, "routes: %s\n", e.detail);
        return -1;
    }
    struct http_listen on = {.fd = fd};
    struct http_config c = {.listen = &on,
                            .n_listen = 1,
                            .loops = 1,
                            .router = router,
                            .spill_dir = w.state,
                            .access_log_fd = -1,
                            .resolve = resolve,
                            .submit = submit,
                            .guard = guard};
    server = http_server_start(&c, &e);
    return server ? 0 : -1;
}

int web_teardown(void **state)
{
    http_server_drain(server, 2000);
    http_server_free(server);
    work_pool_stop(pool, 2000);
    http_router_free(router);
    return world_teardown(state);
}

/* ---- a client --------------------------------------------------------------------- */

static int connect_to(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) fail_msg("cannot connect");
    return fd;
}

static void unchunk(struct answer *a)
{
    struct buf out = BUF_IN(w.a);
    const char *p = a->body.p, *end = p + a->body.n;
    while (p < end) {
        char *after;
        unsigned long n = strtoul(p, &after, 16);
        p = after + 2;
        if (n == 0 || p + n > end) break;
        buf_add(&out, p, n);
        p += n + 2;
    }
    buf_chr(&out, '\0');
    a->body = sv_make(out.p, out.n - 1);
}

struct answer ask_raw(struct arena *arena, const void *request, size_t n)
{
    struct answer a = {0};
    struct buf in = BUF_IN(arena);
    char piece[8192];
    int fd = connect_to();
    for (const char *p = request; n;) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) break;
        p += k;
        n -= (size_t)k;
    }
    for (ssize_t k; (k = recv(fd, piece, sizeof piece, 0)) > 0;)
        buf_add(&in, piece, (size_t)k);
    close(fd);
    buf_chr(&in, '\0');
    a.all = in.p;
    a.status = in.n > 12 ? atoi(in.p + 9) : 0;
    char *split = strstr(in.p, "\r\n\r\n");
    if (!split) return a;
    a.head = sv_make(in.p, (size_t)(split - in.p) + 2);
    a.body = sv_make(split + 4, in.n - 1 - (size_t)(split + 4 - in.p));
    return a;
}

sv answer_header(const struct answer *a, const char *name)
{
    sv rest = a->head, line;
    while (rest.p && rest.n) {
        line = sv_cut(rest, '\n', &rest);
        sv value, key = sv_cut(line, ':', &value);
        if (value.p && sv_ieq(key, sv_of(name))) return sv_trim(value);
    }
    return SV_NULL;
}

/* `extra`: header lines, each with its end. */
struct answer ask(const char *method, const char *path, const char *extra, const char *body)
{
    struct buf b = BUF_IN(w.a);
    buf_printf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path,
               extra ? extra : "");
    if (body)
        buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    buf_printf(&b, "\r\n%s", body ? body : "");
    struct answer a = ask_raw(w.a, b.p, b.n);
    if (sv_ieq(answer_header(&a, "transfer-encoding"), SV("chunked"))) unchunk(&a);
    return a;
}

void answered(const struct answer *a, int status)
{
    if (a->status != status) fail_msg("%d, not %d:\n%s", a->status, status, a->all);
}
