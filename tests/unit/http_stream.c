/* core/http's streams: SSE, WebSocket, downloads. */
#define LOG_ROOM "test"
#include "http_fixture.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void nap(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static uint64_t streams_open(void)
{
    struct http_stats st;
    http_server_stats(fx.server, &st);
    return st.streams;
}

static int want_closed;
static uint64_t want_open;
static bool closed_enough(void)
{
    return streams_closed == want_closed;
}
static bool open_enough(void)
{
    return streams_open() == want_open;
}

static void wait_closed(int n)
{
    want_closed = n;
    if (!wait_until(closed_enough, 5000)) fail_msg("%d streams closed, not %d", streams_closed, n);
}

static void wait_open(uint64_t n)
{
    want_open = n;
    if (!wait_until(open_enough, 5000))
        fail_msg("%d streams open, not %d", (int)streams_open(), (int)n);
}

static struct http_stream *only_stream(void)
{
    struct http_stream *s[16];
    size_t n = 0;
    for (int i = 0; i < 200 && n == 0; i++) {
        stream_list_take(s, &n, 16);
        if (!n) nap(5);
    }
    assert_int_equal(n, 1);
    return s[0];
}

static void open_sse(struct client *c, const char *path)
{
    char request[128];
    client_open(c, fx.port);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    client_puts(c, request);
}

/* ---- SSE ------------------------------------------------------------------------------ */

static void sse(void **state)
{
    (void)state;
    const char *paths[] = {"/sse", "/loop/sse", "/t/demo/sse"};
    for (int i = 0; i < 3; i++) {
        struct client c;
        open_sse(&c, paths[i]);
        assert_true(client_wait_for(&c, "\r\n\r\n", 3000));
        assert_non_null(strstr(c.in, "content-type: text/event-stream"));
        assert_non_null(strstr(c.in, "cache-control: no-store"));
        assert_true(client_wait_for(&c, "retry: 3000\n\n", 3000));
        assert_true(client_wait_for(&c, "id: 1\ndata: hello\n\n", 3000));
        struct http_stream *s = only_stream();
        for (int k = 0; k < 100; k++) {
            char text[64];
            int n = snprintf(text, sizeof(text), "id: %d\ndata: tick %d\n\n", k + 2, k);
            assert_true(http_stream_write(s, sv_make(text, (size_t)n)));
        }
        assert_true(client_wait_for(&c, "data: tick 99\n\n", 3000));
        http_stream_end(s);
        assert_true(client_wait_for(&c, "\r\n0\r\n\r\n", 3000));
        wait_closed(i + 1);
        assert_false(http_stream_write(s, SV("late")));
        http_stream_unref(s);
        client_close(&c);
    }
    wait_open(0);
}

static void sse_over_http2(void **state)
{
    (void)state;
    static struct h2_in f;
    struct client c;
    client_open_tls(&c, fx.tls_port, "h2", 0);
    h2_hello(&c);
    h2_request(&c, 1, "GET", "/sse", NULL, NULL, true);
    bool hello = false;
    while (!hello && h2_read(&c, &f, 3000))
        hello = f.type == 0 && memmem(f.p, f.n, "data: hello", 11);
    assert_true(hello);
    struct http_stream *s = only_stream();
    assert_true(http_stream_write(s, SV("data: two\n\n")));
    bool two = false;
    while (!two && h2_read(&c, &f, 3000))
        two = f.type == 0 && memmem(f.p, f.n, "data: two", 9);
    assert_true(two);
    h2_frame(&c, 3, 0, 1, "\0\0\0\x08", 4); /* the browser's page is left */
    wait_closed(1);
    assert_false(http_stream_write(s, SV("late")));
    http_stream_unref(s);
    client_close(&c);
}

/* HTTP/1.1: seen without a write, within a second or two. */
static void reader_leaves(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct client c;
        if (i < 2) {
            open_sse(&c, i ? "/loop/sse" : "/sse");
        } else {
            client_open_tls(&c, fx.tls_port, "http/1.1", 0);
            client_puts(&c, "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        assert_true(client_wait_for(&c, "data: hello", 3000));
        if (i == 1) {
            struct linger hard = {1, 0};
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        }
        if (i == 3) SSL_shutdown(c.ssl);
        client_close(&c);
        wait_closed(i + 1);
    }
    wait_open(0);
}

static void reader_that_never_reads(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    int small = 4096;
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client_puts(&c, "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_stream *s = only_stream();
    char block[1024];
    memset(block, 'x', sizeof(block));
    int written = 0;
    while (written < 100000 && http_stream_write(s, sv_make(block, sizeof(block)))) {
        written++;
        if (written % 64 == 0) nap(1);
    }
    assert_true(written < 20000); /* kernel buffers and 256 KiB */
    wait_closed(1);
    wait_open(0);
    http_stream_unref(s);
    client_close(&c);
}

static void thousand_streams(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max < 8192 ? rl.rlim_max : 8192;
    setrlimit(RLIMIT_NOFILE, &rl);
    static struct client c[N];
    for (int i = 0; i < N; i++)
        open_sse(&c[i], i % 2 ? "/loop/sse" : "/sse");
    wait_open(N);
    static struct http_stream *s[N + 1];
    size_t n;
    stream_list_take(s, &n, N + 1);
    assert_int_equal(n, N);
    for (int round = 0; round < 5; round++) {
        char text[32];
        int len = snprintf(text, sizeof(text), "data: round %d\n\n", round);
        for (size_t i = 0; i < n; i++)
            assert_true(http_stream_write(s[i], sv_make(text, (size_t)len)));
    }
    for (int i = 0; i < N; i++)
        if (!client_wait_for(&c[i], "data: round 4\n\n", 5000))
            fail_msg("reader %d did not get it: %.*s", i, (int)c[i].n, c[i].in);
    for (int i = 0; i < N / 2; i++)
        client_close(&c[i]);
    wait_closed(N / 2);
    struct response r = get("/const"); /* no thread is held */
    assert_int_equal(r.status, 200);
    response_free(&r);
    for (size_t i = 0; i < n; i++)
        http_stream_end(s[i]);
    wait_closed(N);
    for (size_t i = 0; i < n; i++)
        http_stream_unref(s[i]);
    for (int i = N / 2; i < N; i++)
        client_close(&c[i]);
}

static _Atomic bool writers_stop;

static void *hammer(void *arg)
{
    struct http_stream *s = arg;
    while (!writers_stop && http_stream_write(s, SV("data: x\n\n")))
        nap(1);
    http_stream_unref(s);
    return NULL;
}

/* Writers in several threads while readers come and go. */
static void writers_and_leavers(void **state)
{
    (void)state;
    writers_stop = false;
    pthread_t t[60];
    struct client c[30];
    for (int i = 0; i < 30; i++) {
        open_sse(&c[i], "/sse");
        struct http_stream *s = only_stream();
        http_stream_ref(s);
        pthread_create(&t[2 * i], NULL, hammer, s);
        pthread_create(&t[2 * i + 1], NULL, hammer, s);
        if (i >= 10) client_close(&c[i - 10]);
    }
    for (int i = 20; i < 30; i++)
        client_close(&c[i]);
    wait_closed(30);
    writers_stop = true;
    for (int i = 0; i < 60; i++)
        pthread_join(t[i], NULL);
}

/* ---- downloads -------------------------------------------------------------------------- */

static void download(void **state)
{
    (void)state;
    struct response r = get("/download");
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "content-type"), "text/csv; charset=utf-8");
    assert_int_equal(r.body_n, 3000000);
    for (size_t i = 0; i < r.body_n; i++)
        if (r.body[i] != (char)('A' + i % 10000 % 26)) fail_msg("byte %zu is wrong", i);
    response_free(&r);
    r = ask(fx.port, "GET /download HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_string_equal(response_header(&r, "content-encoding"), "gzip");
    assert_true(r.body_n < 300000);
    response_free(&r);
    wait_closed(2);
    struct client c; /* leaves in the middle */
    client_open(&c, fx.port);
    client_puts(&c, "GET /download HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(client_wait_for(&c, "ABCDEF", 3000));
    client_close(&c);
    wait_closed(3);
    wait_open(0);
}

/* ---- WebSocket ---------------------------------------------------------------------------- */

static void ws_open(struct client *c, const char *path, const char *more)
{
    char request[512];
    client_open(c, fx.port);
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: keep-alive, "
             "Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
             path, more);
    client_puts(c, request);
}

static void ws_frame(struct client *c, int opcode, const char *data, size_t n)
{
    uint8_t *b = malloc(n + 14);
    size_t at = 0;
    b[at++] = (uint8_t)(0x80 | opcode);
    if (n < 126) {
        b[at++] = (uint8_t)(0x80 | n);
    } else if (n < 65536) {
        b[at++] = 0x80 | 126;
        b[at++] = (uint8_t)(n >> 8);
        b[at++] = (uint8_t)n;
    } else {
        b[at++] = 0x80 | 127;
        for (int i = 7; i >= 0; i--)
            b[at++] = (uint8_t)((uint64_t)n >> i * 8);
    }
    const uint8_t mask[4] = {1, 2, 3, 4};
    memcpy(b + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        b[at + i] = (uint8_t)data[i] ^ mask[i % 4];
    client_try_send(c, b, at + n);
    free(b);
}

/* Reads one frame; returns its opcode, -1 at the end. */
static int ws_read(struct client *c, char *out, size_t cap, size_t *n)
{
    for (;;) {
        const uint8_t *p = (const uint8_t *)c->in;
        if (c->n >= 2) {
            size_t len = p[1] & 127, head = 2;
            if (len == 126 && c->n >= 4) {
                len = (size_t)p[2] << 8 | p[3];
                head = 4;
            } else if (len == 127 && c->n >= 10) {
                len = (size_t)p[6] << 24 | (size_t)p[7] << 16 | (size_t)p[8] << 8 | p[9];
                head = 10;
            }
            if (!(len >= 126 && head == 2) && c->n >= head + len) {
                int opcode = p[0] & 15;
                *n = len < cap ? len : cap;
                memcpy(out, p + head, *n);
                client_eat(c, head + len);
                return opcode;
            }
        }
        if (!client_more(c, 5000)) return -1;
    }
}

static void ws_expect(struct client *c, const char *text)
{
    static char b[70000];
    size_t n;
    int opcode = ws_read(c, b, sizeof(b), &n);
    if (opcode != 1 || n != strlen(text) || memcmp(b, text, n) != 0)
        fail_msg("opcode %d, %zu bytes: %.*s", opcode, n, (int)(n < 80 ? n : 80), b);
}

static void ws_handshake(struct client *c, const char *path)
{
    ws_open(c, path, "Origin: http://a.test\r\n");
    struct response r = client_response(c, false);
    assert_int_equal(r.status, 101);
    assert_string_equal(response_header(&r, "sec-websocket-accept"),
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    response_free(&r);
}

static void websocket(void **state)
{
    (void)state;
    const char *paths[] = {"/ws", "/loop/ws"};
    for (int k = 0; k < 2; k++) {
        struct client c;
        ws_handshake(&c, paths[k]);
        ws_expect(&c, "welcome");
        for (int i = 0; i < 50; i++) {
            ws_frame(&c, 1, "echo me", 7);
            ws_expect(&c, "echo me");
        }
        char *big = malloc(60001);
        memset(big, 'z', 60000);
        big[60000] = 0;
        ws_frame(&c, 1, big, 60000);
        ws_expect(&c, big);
        free(big);
        ws_frame(&c, 9, "ping", 4);
        char b[64];
        size_t n;
        assert_int_equal(ws_read(&c, b, sizeof(b), &n), 10);
        assert_memory_equal(b, "ping", 4);
        struct http_stream *s = only_stream();
        assert_true(http_stream_write(s, SV("from outside")));
        ws_expect(&c, "from outside");
        http_stream_unref(s);
        ws_frame(&c, 1, "bye", 3);
        assert_int_equal(ws_read(&c, b, sizeof(b), &n), 8);
        ws_frame(&c, 8, "\x03\xe9", 2);
        while (client_more(&c, 3000))
            ;
        assert_true(c.eof);
        wait_closed(k + 1);
        client_close(&c);
    }
    wait_open(0);
}

static void websocket_refusals(void **state)
{
    (void)state;
    struct client c;
    ws_open(&c, "/ws", "Origin: https://evil.test\r\n");
    struct response r = client_response(&c, false);
    assert_problem(&r, 403, "forbidden");
    response_free(&r);
    client_close(&c);
    r = get("/ws");
    assert_problem(&r, 400, "bad_request");
    response_free(&r);
    r = ask(fx.port, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n");
    assert_problem(&r, 400, "bad_request");
    response_free(&r);
    r = ask(fx.port,
            "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n");
    assert_problem(&r, 400, "bad_request");
    response_free(&r);
}

static void websocket_peers_that_misbehave(void **state)
{
    (void)state;
    static char big[70000];
    struct client c;
    for (int k = 0; k < 5; k++) {
        ws_handshake(&c, "/ws");
        ws_expect(&c, "welcome");
        switch (k) {
        case 0:
            ws_frame(&c, 1, big, sizeof(big));
            break; /* too large */
        case 1:
            client_send(&c, "\x81\x02hi", 4);
            break; /* not masked */
        case 2:
            ws_frame(&c, 1, "\xff\xfe", 2);
            break; /* not UTF-8 */
        case 3:
            ws_frame(&c, 11, "x", 1);
            break; /* no such opcode */
        default:
            break; /* just leaves */
        }
        if (k < 4) {
            while (client_more(&c, 3000))
                ;
            assert_true(c.eof);
        }
        client_close(&c);
        wait_closed(k + 1);
    }
    assert_int_equal(ws_messages, 0);
    /* leaves before the answer to the handshake is out */
    for (int k = 0; k < 20; k++) {
        ws_open(&c, "/loop/ws", "");
        struct linger hard = {1, 0};
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        if (k % 2) nap(1);
        client_close(&c);
    }
    wait_open(0);
}

static void websocket_reader_that_never_reads(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    int small = 4096;
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client_puts(&c,
                "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    struct http_stream *s = only_stream();
    char block[4000];
    memset(block, 'x', sizeof(block));
    int written = 0;
    while (written < 100000 && http_stream_write(s, sv_make(block, sizeof(block)))) {
        written++;
        if (written % 16 == 0) nap(25);
    }
    assert_true(written > 30 && written < 5000);
    wait_closed(1);
    http_stream_unref(s);
    client_close(&c);
}

/* A reader that does read may be sent any amount. */
static void websocket_much(void **state)
{
    (void)state;
    struct client c;
    ws_handshake(&c, "/ws");
    ws_expect(&c, "welcome");
    struct http_stream *s = only_stream();
    static char block[20001], got[20001];
    memset(block, 'x', 20000);
    for (int i = 0; i < 200; i++) {
        assert_true(http_stream_write_wait(s, sv_make(block, 20000), 3000));
        size_t n;
        assert_int_equal(ws_read(&c, got, sizeof(got), &n), 1);
        assert_int_equal(n, 20000);
    }
    http_stream_unref(s);
    client_close(&c);
    wait_closed(1);
}

/* ---- drain ------------------------------------------------------------------------------------
 */

static void drain(void **state)
{
    (void)state;
    struct client c, w;
    open_sse(&c, "/sse");
    assert_true(client_wait_for(&c, "data: hello", 3000));
    ws_handshake(&w, "/ws");
    ws_expect(&w, "welcome");
    http_server_drain(fx.server, 50);
    assert_true(client_wait_for(&c, "\r\n0\r\n\r\n", 3000));
    char *last = strstr(c.in, "data: hello");
    assert_non_null(strstr(last, "retry: "));
    char b[64];
    size_t n;
    assert_int_equal(ws_read(&w, b, sizeof(b), &n), 8);
    assert_int_equal((uint8_t)b[0] << 8 | (uint8_t)b[1], 1001);
    client_close(&w);
    wait_closed(2);
    client_close(&c);
}

static bool all_started(void)
{
    return (int)streams_open() + streams_closed == 20;
}

/* The server goes while streams and downloads run. */
static void stop_under_streams(void **state)
{
    (void)state;
    struct client c[20];
    for (int i = 0; i < 20; i++) {
        if (i % 4 == 0)
            ws_handshake(&c[i], "/ws");
        else
            open_sse(&c[i], i % 4 == 1 ? "/download" : "/sse");
    }
    assert_true(wait_until(all_started, 5000)); /* a download may be over by now */
    fixture_stop();
    assert_int_equal(streams_closed, 20);
    for (int i = 0; i < 20; i++)
        client_close(&c[i]);
    fixture_start(); /* for the teardown */
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sse),
        T(sse_over_http2),
        T(reader_leaves),
        T(reader_that_never_reads),
        T(thousand_streams),
        T(writers_and_leavers),
        T(download),
        T(websocket),
        T(websocket_refusals),
        T(websocket_peers_that_misbehave),
        T(websocket_reader_that_never_reads),
        T(websocket_much),
        T(drain),
        T(stop_under_streams),
    };
    if (getenv("ONLY")) cmocka_set_test_filter(getenv("ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
