/* HTTP/1.1 as bytes on a real connection: the guards, the dispatch, the router,
 * the query, cookie, range and JSON readers behind h2o's parser. Each input must
 * end with a closed connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int port;
static struct http_server *server;

static bool add_up(void *arg, sv name, sv value)
{
    *(size_t *)arg += name.n + value.n;
    return true;
}

static void everything(struct http_req *r)
{
    size_t n = 0;
    http_query_each(r, add_up, &n);
    n += http_query(r, "q").n + http_cookie(r, "c").n + http_param(r, "id").n;
    n += http_header(r, "x").n + http_host(r).n + http_remote(r).n;
    struct jsonw w = jsonw_on(http_out(r));
    jsonw_obj(&w);
    jsonw_kv_str(&w, "lang", http_lang(r));
    jsonw_kv_i64(&w, "n", (int64_t)n);
    jsonw_end_obj(&w);
}

static void body(struct http_req *r)
{
    struct err err;
    json_t *v;
    struct http_part *parts;
    size_t n;
    err_clear(&err);
    if (http_json(r, &v, &err) == 0) return;
    err_clear(&err);
    if (http_multipart(r, &parts, &n, &err) != 0) http_fail(r, &err);
}

static void file(struct http_req *r)
{
    http_send_file(r, "/etc/passwd", "text/plain", NULL, NULL);
}

static void start(void)
{
    struct err err;
    err_clear(&err);
    log_init(LOG_ERROR, -1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(in);
    if (bind(fd, (struct sockaddr *)&in, n) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &n) != 0)
        abort();
    port = ntohs(in.sin_port);
    struct http_router *router = http_router_new();
    static const struct http_route routes[] = {
        {HTTP_GET, "/a/:id", HTTP_ON_LOOP, everything, NULL, NULL},
        {HTTP_GET, "/r/*rest", HTTP_ON_LOOP, everything, NULL, NULL},
        {HTTP_POST, "/b", HTTP_ON_LOOP, body, NULL, NULL},
        {HTTP_GET, "/f", HTTP_ON_LOOP, file, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        http_router_add(router, &routes[i], &err);
    struct http_listen listening = {.fd = fd};
    struct http_config cfg = {
        .listen = &listening,
        .n_listen = 1,
        .loops = 1,
        .router = router,
        .access_log_fd = -1,
        .trusted_proxies = 1,
        .limits = {.body_bytes = 65536},
    };
    server = http_server_start(&cfg, &err);
    if (!server) abort();
}

/* A connection; the fuzzer's own clock may interrupt, and ports may run short for a
 * moment on a busy machine. */
static int reach(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int tries = 0; tries < 1000; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0) return fd;
        close(fd);
        usleep(1000);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server) start();
    int fd = reach();
    struct linger hard = {1, 0}; /* no port is kept in TIME-WAIT */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    (void)sent;
    shutdown(fd, SHUT_WR);
    char b[65536];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, 4000); /* the fuzzer's own clock may interrupt it */
    } while ((ready < 0 && errno == EINTR) || (ready == 1 && recv(fd, b, sizeof(b), 0) > 0));
    if (!(p.revents & (POLLIN | POLLHUP))) abort(); /* the connection hangs */
    close(fd);
    return 0;
}
