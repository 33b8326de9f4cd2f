/* Unit tests of core/work: the reactor, against a small HTTP server in here. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "work/reactor.h"

/* ---- the server ---------------------------------------------------------------- */

static struct {
    int fd, port;
    _Atomic int connections, requests, inside, most_inside;
    _Atomic bool hold;
    _Atomic int status; /* of /status */
} http;

static void reply(int fd, int status, const char *extra, const char *body, size_t n)
{
    char head[512];
    int len = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status,
                       n, extra);
    if (send(fd, head, (size_t)len, MSG_NOSIGNAL) < 0) return;
    while (n) {
        ssize_t w = send(fd, body, n, MSG_NOSIGNAL);
        if (w <= 0) return;
        body += w;
        n -= (size_t)w;
    }
}

static void answer(int fd, char *request)
{
    static char big[3 << 20];
    char *path = strchr(request, ' ') + 1;
    if (strncmp(path, "/echo", 5) == 0) {
        reply(fd, 200, "", request, strlen(request));
    } else if (strncmp(path, "/status", 7) == 0) {
        reply(fd, http.status, "", "status", 6);
    } else if (strncmp(path, "/big", 4) == 0) {
        reply(fd, 200, "", big, (size_t)atoi(path + 5));
    } else if (strncmp(path, "/redirect", 9) == 0) {
        reply(fd, 302, "Location: /echo\r\n", "moved", 5);
    } else if (strncmp(path, "/close", 6) == 0) {
        shutdown(fd, SHUT_RDWR);
    } else if (strncmp(path, "/hold", 5) == 0) {
        int n = atomic_fetch_add(&http.inside, 1) + 1, most = http.most_inside;
        while (n > most && !atomic_compare_exchange_weak(&http.most_inside, &most, n)) {
        }
        while (http.hold)
            usleep(1000);
        atomic_fetch_sub(&http.inside, 1);
        reply(fd, 200, "", "held", 4);
    } else if (strncmp(path, "/HEAD", 5) == 0) {
        reply(fd, 204, "", "", 0);
    } else {
        reply(fd, 404, "", "no", 2);
    }
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buf[8192];
    size_t n = 0;
    for (;;) {
        buf[n] = '\0';
        char *end = strstr(buf, "\r\n\r\n");
        if (end) {
            char *length = strcasestr(buf, "content-length:");
            size_t body = length && length < end ? (size_t)atoi(length + 15) : 0;
            size_t whole = (size_t)(end + 4 - buf) + body;
            if (n >= whole) {
                atomic_fetch_add(&http.requests, 1);
                char *one = strndup(buf, whole);
                answer(fd, one);
                free(one);
                memmove(buf, buf + whole, n - whole);
                n -= whole;
                continue;
            }
        }
        ssize_t r = recv(fd, buf + n, sizeof buf - 1 - n, 0);
        if (r <= 0) break;
        n += (size_t)r;
    }
    close(fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(http.fd, NULL, NULL);
        if (fd < 0) return NULL;
        atomic_fetch_add(&http.connections, 1);
        pthread_t t;
        pthread_create(&t, NULL, serve, (void *)(intptr_t)fd);
        pthread_detach(t);
    }
}

static int listen_loopback(int *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&in, n) != 0 || listen(fd, 64) != 0) abort();
    getsockname(fd, (struct sockaddr *)&in, &n);
    *port = ntohs(in.sin_port);
    return fd;
}

/* ---- what comes back ------------------------------------------------------------- */

struct result {
    _Atomic int calls;
    int status;
    size_t n;
    char body[2048], error[300];
};

static struct work_reactor *reactor;
static struct err e;

static void on_done(void *arg, int status, sv body, const char *error)
{
    struct result *r = arg;
    r->status = status;
    r->n = body.n;
    snprintf(r->body, sizeof r->body, "%.*s", SVARG(body));
    snprintf(r->error, sizeof r->error, "%s", error ? error : "");
    if (!status && !error) abort();
    atomic_fetch_add(&r->calls, 1);
}

static char urls[256][128];
static unsigned n_urls;

static sv url(const char *path)
{
    char *u = urls[n_urls++ % 256];
    snprintf(u, sizeof urls[0], "http://127.0.0.1:%d%s", http.port, path);
    return sv_of(u);
}

static void send_it(struct result *r, struct work_http h)
{
    h.done = on_done;
    h.arg = r;
    assert_true(work_reactor_http(reactor, &h));
}

static void wait_for(struct result *r)
{
    for (int i = 0; !atomic_load(&r->calls); i++) {
        if (i > 20000) fail_msg("no answer");
        usleep(1000);
    }
    assert_int_equal(r->calls, 1);
}

#define CALL(r, ...)                                                                               \
    do {                                                                                           \
        memset(&(r), 0, sizeof(r));                                                                \
        send_it(&(r), (struct work_http){__VA_ARGS__});                                            \
        wait_for(&(r));                                                                            \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    http.fd = listen_loopback(&http.port);
    pthread_t t;
    pthread_create(&t, NULL, accept_all, NULL);
    pthread_detach(t);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    err_clear(&e);
    reactor = work_reactor_start(&e);
    http.connections = http.requests = http.most_inside = 0;
    http.hold = false;
    http.status = 200;
    return reactor ? 0 : -1;
}

static int done(void **state)
{
    (void)state;
    http.hold = false;
    work_reactor_stop(reactor);
    while (http.inside)
        usleep(1000);
    return 0;
}

static void test_request(void **state)
{
    (void)state;
    struct result r;
    CALL(r, .method = "GET", .url = url("/echo?a=1"), .allow_private = true);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body, "GET /echo?a=1 HTTP/1.1\r\n"));
    assert_null(strstr(r.body, "Content-Type"));
    const char *headers[] = {"X-Signature: abc", "Content-Type: application/json", NULL};
    char body[] = "{\"x\": 1}";
    struct work_http h = {.method = "POST",
                          .url = url("/echo"),
                          .headers = headers,
                          .body = sv_make(body, sizeof body - 1),
                          .allow_private = true};
    memset(&r, 0, sizeof r);
    send_it(&r, h);
    memset(body, '#', sizeof body - 1); /* copied */
    wait_for(&r);
    assert_non_null(strstr(r.body, "POST /echo"));
    assert_non_null(strstr(r.body, "X-Signature: abc\r\n"));
    assert_non_null(strstr(r.body, "application/json\r\n"));
    assert_non_null(strstr(r.body, "\r\n\r\n{\"x\": 1}"));
    assert_null(strstr(r.body, "Expect"));
    CALL(r, .method = "DELETE", .url = url("/echo"), .allow_private = true);
    assert_non_null(strstr(r.body, "DELETE /echo"));
    CALL(r, .method = "PUT", .url = url("/echo"), .body = SV("abc"), .allow_private = true);
    assert_non_null(strstr(r.body, "\r\n\r\nabc"));
    CALL(r, .method = "HEAD", .url = url("/HEAD"), .allow_private = true);
    assert_int_equal(r.status, 204);
    CALL(r, .url = url("/nothing"), .allow_private = true);
    assert_int_equal(r.status, 404);
    assert_string_equal(r.body, "no");
    assert_int_equal(http.connections, 1); /* one connection was enough */
    CALL(r, .url = url("/redirect"), .allow_private = true);
    assert_int_equal(r.status, 302); /* never followed */
    assert_int_equal(http.requests, 7);
}

static void test_refused(void **state)
{
    (void)state;
    struct result r;
    static const char *const bad[] = {"ftp://127.0.0.1/x",     "file:///etc/passwd",
                                      "not an address",        "http://",
                                      "gopher://127.0.0.1:1/", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CALL(r, .url = sv_of(bad[i]), .allow_private = true);
        assert_int_equal(r.status, 0);
        assert_true(r.error[0]);
    }
    CALL(r, .method = "GET /evil HTTP/1.1\r\nX: y", .url = url("/echo"), .allow_private = true);
    assert_int_equal(r.status, 0);
    const char *headers[] = {"X: y\r\nInjected: yes", NULL};
    CALL(r, .url = url("/echo"), .headers = headers, .allow_private = true);
    assert_int_equal(r.status, 0);
    assert_int_equal(http.requests, 0);
}

static void test_private(void **state)
{
    (void)state;
    struct result r;
    char local[80];
    snprintf(local, sizeof local, "http://localhost:%d/echo", http.port);
    CALL(r, .url = url("/echo"));
    assert_string_equal(r.error, "private addresses are refused");
    CALL(r, .url = sv_of(local));
    assert_string_equal(r.error, "private addresses are refused");
    CALL(r, .url = SV("http://[::1]:80/"));
    assert_string_equal(r.error, "private addresses are refused");
    CALL(r, .url = SV("http://2130706433/")); /* 127.0.0.1 in one number */
    assert_string_equal(r.error, "private addresses are refused");
    CALL(r, .url = SV("http://169.254.169.254/latest/meta-data"));
    assert_string_equal(r.error, "private addresses are refused");
    assert_int_equal(http.connections, 0);
    /* not over a connection that somebody else was allowed to open, either */
    CALL(r, .url = url("/echo"), .allow_private = true);
    assert_int_equal(r.status, 200);
    CALL(r, .url = url("/echo"));
    assert_string_equal(r.error, "private addresses are refused");
    assert_int_equal(http.requests, 1);
}

static void test_guard(void **state)
{
    (void)state;
    static const char *const closed[] = {"0.0.0.0",
                                         "10.1.2.3",
                                         "100.64.0.1",
                                         "127.0.0.1",
                                         "127.255.255.255",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "::7f00:1",
                                         "64:ff9b::7f00:1",
                                         "2002:7f00:1::",
                                         "2002:a00:1::1",
                                         "fe80::1",
                                         "fc00::1",
                                         "fdff::1",
                                         "ff02::1",
                                         "2001:db8::1",
                                         "2001::1",
                                         "100::1",
                                         "junk",
                                         ""};
    static const char *const open[] = {"1.1.1.1",      "8.8.8.8",        "172.15.0.1",
                                       "172.32.0.1",   "192.167.1.1",    "100.63.0.1",
                                       "100.128.0.1",  "223.5.5.5",      "2606:4700::1111",
                                       "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (!guard_is_private_text(closed[i])) fail_msg("let through: %s", closed[i]);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (guard_is_private_text(open[i])) fail_msg("refused: %s", open[i]);
}

static void test_limits(void **state)
{
    (void)state;
    struct result r;
    CALL(r, .url = url("/big/2000000"), .allow_private = true);
    assert_string_equal(r.error, "the answer is too large");
    CALL(r, .url = url("/big/2000000"), .max_body = 2000000, .allow_private = true);
    assert_int_equal(r.n, 2000000);
    CALL(r, .url = url("/big/2000000"), .max_body = 1999999, .allow_private = true);
    assert_int_equal(r.status, 0);
    http.hold = true;
    int64_t before = clock_mono_us();
    CALL(r, .url = url("/hold"), .timeout_ms = 200, .allow_private = true);
    assert_int_equal(r.status, 0);
    assert_in_range(clock_mono_us() - before, 190000, 5000000);
    CALL(r, .url = url("/close"), .allow_private = true);
    assert_int_equal(r.status, 0);
    assert_true(r.error[0]);
}

static void test_concurrency(void **state)
{
    (void)state;
    static struct result r[50];
    struct result other;
    memset(r, 0, sizeof r);
    http.hold = true;
    for (int i = 0; i < 50; i++)
        send_it(&r[i], (struct work_http){.url = url("/hold"), .allow_private = true});
    while (http.inside < 8)
        usleep(1000);
    usleep(100000);
    assert_int_equal(http.inside, 8);
    /* another host (by its port) is not held up */
    int port, fd = listen_loopback(&port);
    char text[64];
    snprintf(text, sizeof text, "http://127.0.0.1:%d/", port);
    memset(&other, 0, sizeof other);
    send_it(&other, (struct work_http){.url = sv_of(text), .allow_private = true});
    int peer = accept(fd, NULL, NULL);
    reply(peer, 200, "", "here", 4);
    wait_for(&other);
    assert_int_equal(other.status, 200);
    close(peer);
    close(fd);
    http.hold = false;
    for (int i = 0; i < 50; i++) {
        wait_for(&r[i]);
        assert_int_equal(r[i].status, 200);
    }
    assert_int_equal(http.most_inside, 8);
    assert_true(http.connections <= 8);
}

static void test_waiting_counts(void **state)
{
    (void)state;
    static struct result r[9];
    memset(r, 0, sizeof r);
    http.hold = true;
    for (int i = 0; i < 9; i++)
        send_it(&r[i], (struct work_http){.url = url("/hold"),
                                          .timeout_ms = i < 8 ? 600 : 300,
                                          .allow_private = true});
    wait_for(&r[8]);
    assert_non_null(strstr(r[8].error, "waiting"));
    for (int i = 0; i < 8; i++)
        wait_for(&r[i]);
}

static void test_circuit(void **state)
{
    (void)state;
    struct result r;
    peer_open_us = 300000;
    http.status = 503;
    for (int i = 0; i < 5; i++) {
        CALL(r, .url = url("/status"), .allow_private = true);
        assert_int_equal(r.status, 503);
    }
    CALL(r, .url = url("/status"), .allow_private = true);
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.error, "left alone"));
    assert_int_equal(http.requests, 5);
    usleep(350000);
    /* one is let through; it fails, so it stays open */
    CALL(r, .url = url("/status"), .allow_private = true);
    assert_int_equal(r.status, 503);
    CALL(r, .url = url("/status"), .allow_private = true);
    assert_int_equal(r.status, 0);
    usleep(350000);
    http.status = 200;
    CALL(r, .url = url("/status"), .allow_private = true);
    assert_int_equal(r.status, 200);
    for (int i = 0; i < 8; i++) {
        http.status = i % 4 == 3 ? 200 : 500; /* never five in a row */
        CALL(r, .url = url("/status"), .allow_private = true);
        assert_int_equal(r.status, http.status);
    }
    /* nobody listening: five attempts, then no more; the waiting ones are told too */
    int port, fd = listen_loopback(&port);
    close(fd);
    char text[64];
    snprintf(text, sizeof text, "http://127.0.0.1:%d/", port);
    static struct result many[40];
    memset(many, 0, sizeof many);
    for (int i = 0; i < 40; i++)
        send_it(&many[i], (struct work_http){.url = sv_of(text), .allow_private = true});
    int left_alone = 0;
    for (int i = 0; i < 40; i++) {
        wait_for(&many[i]);
        if (strstr(many[i].error, "left alone")) left_alone++;
    }
    assert_true(left_alone >= 27);
    peer_open_us = 10000000;
}

static void test_stop(void **state)
{
    (void)state;
    static struct result r[20];
    memset(r, 0, sizeof r);
    http.hold = true;
    for (int i = 0; i < 20; i++)
        send_it(&r[i], (struct work_http){.url = url("/hold"), .allow_private = true});
    while (http.inside < 8)
        usleep(1000);
    work_reactor_stop(reactor);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(r[i].calls, 1); /* everybody was told */
        assert_non_null(strstr(r[i].error, "stopping"));
    }
    http.hold = false;
    while (http.inside)
        usleep(1000);
    reactor = work_reactor_start(&e);
}

static void *hammer(void *arg)
{
    struct result *r = arg;
    for (int i = 0; i < 200; i++)
        send_it(&r[i], (struct work_http){.url = sv_of(urls[0]),
                                          .body = SV("x"),
                                          .method = "POST",
                                          .allow_private = true});
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static struct result r[4][200];
    pthread_t t[4];
    memset(r, 0, sizeof r);
    n_urls = 0;
    url("/echo");
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, hammer, r[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 200; k++) {
            wait_for(&r[i][k]);
            assert_int_equal(r[i][k].status, 200);
        }
    }
}

static void test_tls(void **state)
{
    (void)state;
    /* a certificate that nobody has signed but itself is refused */
    char dir[] = "/tmp/atrium-test-tls-XXXXXX", cmd[600];
    assert_non_null(mkdtemp(dir));
    snprintf(cmd, sizeof cmd,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost -keyout %s/key -out %s/cert >/dev/null 2>&1",
             dir, dir);
    assert_int_equal(system(cmd), 0);
    int port, fd = listen_loopback(&port);
    close(fd);
    pid_t pid = fork();
    if (pid == 0) {
        char at[32], key[64], cert[64];
        snprintf(at, sizeof at, "127.0.0.1:%d", port);
        snprintf(key, sizeof key, "%s/key", dir);
        snprintf(cert, sizeof cert, "%s/cert", dir);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(1);
        execlp("openssl", "openssl", "s_server", "-accept", at, "-key", key, "-cert", cert, "-www",
               (char *)NULL);
        _exit(1);
    }
    char text[64];
    snprintf(text, sizeof text, "https://localhost:%d/", port);
    struct result r;
    for (int i = 0; i < 4; i++) { /* until it listens */
        usleep(300000);
        CALL(r, .url = sv_of(text), .allow_private = true);
        if (!strstr(r.error, "connect")) break;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    assert_int_equal(system(cmd), 0);
    assert_int_equal(r.status, 0);
    if (!strstr(r.error, "certificate")) fail_msg("%s", r.error);
}

int main(void)
{
    log_init(LOG_ERROR, 2);
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)
        T(test_request),        T(test_refused), T(test_private),
        T(test_guard),          T(test_limits),  T(test_concurrency),
        T(test_waiting_counts), T(test_circuit), T(test_stop),
        T(test_threads),        T(test_tls),
    };
    return cmocka_run_group_tests_name("work reactor", tests, set_up, NULL);
}
