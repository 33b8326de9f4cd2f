/* core/http over HTTP/1.1: a real server, raw sockets. */
#define LOG_ROOM "test"
#include "http_fixture.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void assert_contains(const struct response *r, const char *text)
{
    if (!strstr(r->body, text)) fail_msg("no %s in %s", text, r->body);
}

static void assert_header(const struct response *r, const char *name, const char *value)
{
    const char *v = response_header(r, name);
    if (!v || strcmp(v, value) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", name, v ? v : "missing", value);
}

/* ---- plain requests -------------------------------------------------------------- */

static void constant(void **state)
{
    (void)state;
    const char *paths[] = {"/const", "/work", "/loop/later", "/later"};
    for (int i = 0; i < 4; i++) {
        struct response r = get(paths[i]);
        assert_int_equal(r.status, 200);
        assert_header(&r, "server", "atrium");
        assert_header(&r, "x-content-type-options", "nosniff");
        assert_header(&r, "referrer-policy", "same-origin");
        assert_non_null(response_header(&r, "x-request-id"));
        if (i < 2) {
            assert_string_equal(r.body, "{\"ok\":true}");
            assert_header(&r, "content-type", "application/json");
        } else {
            assert_contains(&r, "later /");
        }
        response_free(&r);
    }
}

static void what_handlers_see(void **state)
{
    (void)state;
    const char *prefixes[] = {"", "/loop"};
    for (int i = 0; i < 2; i++) {
        char request[512];
        snprintf(request, sizeof(request),
                 "GET /t/demo%s/who/a%%2Fb%%20c?x=1&q=%%E4%%B8%%AD+%%26&q=2&flag&=v HTTP/1.1\r\n"
                 "Host: Demo.Test:8080\r\nUser-Agent: me\r\nCookie: a=1; c=\"val\"; d=2\r\n"
                 "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"
                 "Accept-Language: fr, en;q=0.8, zh;q=0.3\r\n\r\n",
                 prefixes[i]);
        struct response r = ask(fx.port, request);
        assert_int_equal(r.status, 200);
        char path[64];
        snprintf(path, sizeof(path), "\"path\":\"%s/who/a%%2Fb%%20c\"", prefixes[i]);
        assert_contains(&r, path);
        assert_contains(&r, "\"prefix\":\"/t/demo\"");
        assert_contains(&r, "\"id\":\"a/b c\"");
        assert_contains(&r, "\"q\":\"中 &\"");
        assert_contains(&r, "\"host\":\"Demo.Test:8080\"");
        assert_contains(&r, "\"scheme\":\"http\"");
        assert_contains(&r, "\"remote\":\"127.0.0.1\"");
        assert_contains(&r, "\"lang\":\"en\"");
        assert_contains(&r, "\"cookie\":\"val\"");
        assert_contains(&r, "\"agent\":\"me\"");
        assert_contains(
            &r, "\"query\":{\"x\":\"1\",\"q\":\"中 &\",\"q\":\"2\",\"flag\":\"\",\"\":\"v\"}");
        if (i == 0) assert_contains(&r, "\"data\":\"route data\"");
        assert_header(&r, "x-extra", "yes");
        assert_null(response_header(&r, "x-bad"));
        assert_header(&r, "set-cookie",
                      "session=abc; Path=/; Max-Age=60; SameSite=Lax; HttpOnly; Secure");
        response_free(&r);
    }
}

static void languages(void **state)
{
    (void)state;
    static const struct {
        const char *header, *lang;
    } cases[] = {
        {"X: y", "zh"},
        {"Accept-Language: en", "en"},
        {"Accept-Language: zh-CN,zh;q=0.9,en;q=0.8", "zh"},
        {"Accept-Language: en-US,en;q=0.9,zh;q=0.8", "en"},
        {"Accept-Language: de, fr", "zh"},
        {"Accept-Language: zh;q=0, en;q=0.1", "en"},
        {"Accept-Language: ;;,,q=", "zh"},
        {"Accept-Language: en\r\nCookie: lang=zh", "zh"},
        {"Cookie: x=1; lang=en", "en"},
        {"Accept-Language: en\r\nCookie: lang=xx", "en"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[256], want[32];
        snprintf(request, sizeof(request), "GET /who/1 HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
                 cases[i].header);
        snprintf(want, sizeof(want), "\"lang\":\"%s\"", cases[i].lang);
        struct response r = ask(fx.port, request);
        if (!strstr(r.body, want)) fail_msg("%s: %s", cases[i].header, r.body);
        response_free(&r);
    }
}

static void request_ids(void **state)
{
    (void)state;
    struct response r =
        ask(fx.port, "GET /const HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc.DEF-12_3\r\n\r\n");
    assert_header(&r, "x-request-id", "abc.DEF-12_3");
    response_free(&r);
    static const char *const bad[] = {
        "short", "has space in it", "quote\"quote", "umläut-umläut",
        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    char last[64] = "";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char request[256];
        snprintf(request, sizeof(request),
                 "GET /work HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n\r\n", bad[i]);
        r = ask(fx.port, request);
        const char *id = response_header(&r, "x-request-id");
        assert_int_equal(strlen(id), 26);
        assert_string_not_equal(id, last);
        snprintf(last, sizeof(last), "%s", id);
        response_free(&r);
    }
}

static void keep_alive_and_pipelining(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    for (int i = 0; i < 5; i++) {
        client_puts(&c, i % 2 ? "GET /const HTTP/1.1\r\nHost: a\r\n\r\n"
                              : "GET /work HTTP/1.1\r\nHost: a\r\n\r\n");
        struct response r = client_response(&c, false);
        assert_int_equal(r.status, 200);
        assert_header(&r, "connection", "keep-alive");
        response_free(&r);
    }
    /* many at once, of all kinds, answered in order */
    struct buf b = BUF_HEAP;
    for (int i = 0; i < 100; i++)
        buf_printf(&b,
                   i % 3 == 0 ? "GET /who/%d HTTP/1.1\r\nHost: a\r\n\r\n"
                   : i % 3 == 1
                       ? "GET /loop/who/%d HTTP/1.1\r\nHost: a\r\n\r\n"
                       : "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                         "Content-Length: 13\r\n\r\n{\"id\":\"%04d\"}",
                   i);
    client_send(&c, b.p, b.n);
    buf_free(&b);
    for (int i = 0; i < 100; i++) {
        char want[32];
        snprintf(want, sizeof(want), i % 3 == 2 ? "\"id\":\"%04d\"" : "\"id\":\"%d\"", i);
        struct response r = client_response(&c, false);
        assert_contains(&r, want);
        response_free(&r);
    }
    client_puts(&c, "GET /const HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    struct response r = client_response(&c, false);
    response_free(&r);
    client_more(&c, 2000);
    assert_true(c.eof);
    client_close(&c);
}

static void slow_arrival(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    static const char request[] =
        "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 13\r\n\r\n{\"a\":\"bytes\"}";
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < sizeof(request) - 1; i += 7) {
            size_t n = sizeof(request) - 1 - i < 7 ? sizeof(request) - 1 - i : 7;
            client_send(&c, request + i, n);
            struct timespec t = {0, 500000};
            nanosleep(&t, NULL);
        }
        struct response r = client_response(&c, false);
        assert_int_equal(r.status, 201);
        assert_string_equal(r.body, "{\"a\":\"bytes\"}");
        response_free(&r);
    }
    client_close(&c);
}

static void head(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    const char *paths[] = {"/const", "/work", "/big/5000", "/nowhere", "/file/missing"};
    const char *lengths[] = {"11", "11", "5000", NULL, NULL};
    for (int i = 0; i < 5; i++) {
        char request[128];
        snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        client_puts(&c, request);
        struct response r = client_response(&c, true);
        assert_int_equal(r.status, i < 3 ? 200 : 404);
        if (lengths[i]) assert_header(&r, "content-length", lengths[i]);
        response_free(&r);
    }
    assert_int_equal(c.n, 0);
    client_close(&c);
}

/* ---- errors ---------------------------------------------------------------------------- */

static void problems(void **state)
{
    (void)state;
    struct response r = get("/nowhere");
    assert_problem(&r, 404, "not_found");
    response_free(&r);
    r = ask(fx.port, "DELETE /json HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_problem(&r, 405, "method_not_allowed");
    assert_header(&r, "allow", "POST, PUT");
    response_free(&r);
    r = ask(fx.port, "BREW /json HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_problem(&r, 501, "method_not_allowed");
    response_free(&r);
    r = ask(fx.port, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: "
                     "text/plain\r\nContent-Length: 2\r\n\r\n{}");
    assert_problem(&r, 415, "unsupported_media_type");
    response_free(&r);
    r = ask(fx.port,
            "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json; charset=utf-8\r\n"
            "Content-Length: 3\r\n\r\n{\"a");
    assert_problem(&r, 400, "bad_json");
    response_free(&r);
    r = ask(fx.port,
            "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/merge-patch+json\r\n"
            "Content-Length: 2\r\n\r\n[]");
    assert_problem(&r, 400, "bad_json");
    response_free(&r);
    r = get("/fail");
    assert_problem(&r, 422, "invalid");
    assert_contains(&r, "\"fields\":{\"name\":");
    response_free(&r);
    r = get("/guarded");
    assert_problem(&r, 401, "unauthorized");
    response_free(&r);
    r = ask(fx.port, "GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\n\r\n");
    assert_int_equal(r.status, 200);
    response_free(&r);
    r = ask(fx.port,
            "GET /const HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx");
    assert_problem(&r, 417, "bad_request");
    response_free(&r);
}

static void tenants_and_sides(void **state)
{
    (void)state;
    struct response r = ask(fx.port, "GET /const HTTP/1.1\r\nHost: unknown.test:1\r\n\r\n");
    assert_problem(&r, 404, "tenant_unknown");
    response_free(&r);
    r = ask(fx.port, "GET /anywhere HTTP/1.1\r\nHost: unknown.test\r\n\r\n");
    assert_int_equal(r.status, 200);
    response_free(&r);
    r = ask(fx.port, "POST /anywhere HTTP/1.1\r\nHost: unknown.test\r\nContent-Length: 0\r\n\r\n");
    assert_problem(&r, 404, "tenant_unknown");
    response_free(&r);
    r = get("/t/demo/const");
    assert_int_equal(r.status, 200);
    response_free(&r);
    r = get("/healthz");
    assert_problem(&r, 404, "not_found");
    response_free(&r);
    r = ask(fx.operator_port, "GET /healthz HTTP/1.1\r\nHost: unknown.test\r\n\r\n");
    assert_int_equal(r.status, 200);
    response_free(&r);
    r = ask(fx.operator_port, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_problem(&r, 404, "not_found");
    response_free(&r);
    r = get("/app/deep/link"); /* the fallback's */
    assert_int_equal(r.status, 200);
    response_free(&r);
    r = ask(fx.port, "GET http://unknown.test/const HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_problem(&r, 404, "tenant_unknown");
    response_free(&r);
    r = ask(fx.port, "GET http://other.test/who/1?q=z HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_contains(&r, "\"host\":\"other.test\"");
    assert_contains(&r, "\"q\":\"z\"");
    response_free(&r);
}

static void bad_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "/file/..", "/../etc/passwd", "/a/./b", "/a/%2e%2e/b", "/%2E/b",
        "/a/.%2e",  "/a%00b",         "*",      "a",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct response r = get(bad[i]);
        assert_problem(&r, 400, "bad_request");
        response_free(&r);
    }
    static const char *const good[] = {"/who/...", "/who/.a", "/who/a..b", "/who/%2e%2ea",
                                       "/who/%2e%2e%2f"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct response r = get(good[i]);
        assert_int_equal(r.status, 200);
        response_free(&r);
    }
}

/* ---- bodies -------------------------------------------------------------------------------- */

static void too_large_by_length(void **state)
{
    (void)state;
    /* refused before any of the body is sent */
    struct response r =
        ask(fx.port, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n");
    assert_problem(&r, 413, "too_large");
    response_free(&r);
    r = ask(fx.port, "POST /t/demo/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 8000001\r\n\r\n");
    assert_problem(&r, 413, "too_large");
    response_free(&r);
    r = ask(fx.port,
            "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n");
    assert_problem(&r, 400, "bad_request");
    response_free(&r);
    /* exactly the limit is fine */
    struct client c;
    client_open(&c, fx.port);
    client_puts(&c, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n");
    char *body = calloc(1, 8000000);
    client_send(&c, body, 8000000);
    free(body);
    r = client_response(&c, false);
    assert_contains(&r, "\"body\":8000000");
    response_free(&r);
    client_close(&c);
}

static void too_large_chunked(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    client_puts(&c, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    char *chunk = malloc(65536 + 16);
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, ' ', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    for (int i = 0; i < 40 && client_try_send(&c, chunk, 65536 + 9); i++)
        ;
    struct response r = client_response(&c, false);
    assert_problem(&r, 413, "too_large");
    response_free(&r);
    client_close(&c);
    /* below the limit by less than the guard's slack: decided when it is whole */
    client_open(&c, fx.port);
    client_puts(&c, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 16; i++)
        client_send(&c, chunk, 65536 + 9);
    client_puts(&c, "1\r\n \r\n0\r\n\r\n");
    r = client_response(&c, false);
    assert_problem(&r, 413, "too_large");
    response_free(&r);
    client_close(&c);
    free(chunk);
    client_open(&c, fx.port);
    client_puts(&c, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n");
    r = client_response(&c, false);
    assert_string_equal(r.body, "{\"a\":1}");
    response_free(&r);
    client_close(&c);
}

static void upload_lives_in_a_file(void **state)
{
    (void)state;
    size_t size = 5000000;
    char *body = malloc(size);
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        body[i] = (char)(i * 7 >> 2);
        sum = sum * 31 + (unsigned char)body[i];
    }
    struct client c;
    client_open(&c, fx.port);
    for (int turn = 0; turn < 2; turn++) {
        char request[128], want[96];
        snprintf(request, sizeof(request),
                 "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
        client_puts(&c, request);
        client_send(&c, body, size);
        struct response r = client_response(&c, false);
        snprintf(want, sizeof(want), "{\"n\":%zu,\"sum\":%u,\"spilled\":true}", size, sum);
        assert_string_equal(r.body, want);
        response_free(&r);
    }
    client_close(&c);
    free(body);
    struct response r =
        ask(fx.port, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    assert_contains(&r, "\"n\":1,");
    response_free(&r);
}

/* The spill directory takes no file: a clear answer, and others are served. */
static void no_room_for_an_upload(void **state)
{
    (void)state;
    assert_int_equal(rmdir(fx.spill), 0);
    char *body = calloc(1, 5000000);
    struct client c;
    client_open(&c, fx.port);
    client_puts(&c, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
    client_try_send(&c, body, 5000000);
    struct response r = client_response(&c, false);
    assert_problem(&r, 507, "disk_full");
    response_free(&r);
    client_close(&c);
    client_open(&c, fx.port);
    client_puts(&c, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    client_send(&c, body, 100000);
    r = client_response(&c, false);
    assert_contains(&r, "\"n\":100000,");
    response_free(&r);
    client_close(&c);
    free(body);
}

static void multipart(void **state)
{
    (void)state;
    struct response r = ask(
        fx.port, "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; "
                 "boundary=B\r\nContent-Length: 67\r\n\r\n"
                 "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nhello\r\n--B--\r\n");
    assert_string_equal(r.body, "[\"title\",5]");
    response_free(&r);
    r = ask(fx.port,
            "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\n"
            "Content-Length: 5\r\n\r\nhello");
    assert_problem(&r, 400, "bad_multipart");
    response_free(&r);
}

/* ---- heads that are wrong ---------------------------------------------------------------------
 */

static void head_too_large(void **state)
{
    (void)state;
    char request[40000];
    int n = snprintf(request, sizeof(request), "GET /const HTTP/1.1\r\nHost: a\r\nX: ");
    memset(request + n, 'x', 20000);
    request[n + 20000] = 0;
    struct client c;
    client_open(&c, fx.port);
    client_puts(&c, request); /* no end of the head is needed to refuse it */
    struct response r = client_response(&c, false);
    assert_problem(&r, 431, "headers_too_large");
    assert_header(&r, "connection", "close");
    response_free(&r);
    client_more(&c, 2000);
    assert_true(c.eof);
    client_close(&c);
    client_open(&c, fx.port);
    client_puts(&c, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
    r = client_response(&c, false);
    assert_int_equal(r.status, 200);
    response_free(&r);
    client_puts(&c, request); /* also as the second request */
    r = client_response(&c, false);
    assert_problem(&r, 431, "headers_too_large");
    response_free(&r);
    client_close(&c);
}

static void ambiguous_framing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 0x4\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "X: a\r\n folded\r\nContent-Length: 4\r\n",
        "Host: b\r\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char request[512];
        snprintf(request, sizeof(request),
                 "POST /upload HTTP/1.1\r\nHost: a\r\n%s\r\n0\r\n\r\nGET /const HTTP/1.1\r\n\r\n",
                 bad[i]);
        struct client c;
        client_open(&c, fx.port);
        client_puts(&c, request);
        struct response r = client_response(&c, false);
        if (r.status != 400) fail_msg("%s: %d %s", bad[i], r.status, r.body);
        response_free(&r);
        while (client_more(&c, 4000))
            ;
        assert_true(c.eof);
        assert_int_equal(c.n, 0); /* the smuggled request was not answered */
        client_close(&c);
    }
}

static void unknown_coding(void **state)
{
    (void)state;
    struct response r =
        ask(fx.port, "POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n");
    assert_problem(&r, 400, "bad_request");
    response_free(&r);
}

static void malformed_requests(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "GET /const HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        "GET /who/%zz?%&=%&&q=%4 HTTP/1.1\r\nCookie: =;=;;\r\n\r\n",
        "POST /form HTTP/1.1\r\nContent-Type: multipart/form-data; "
        "boundary=B\r\nTransfer-Encoding: chunked\r\n\r\n"
        "8\r\n--B\r\n\r\n--\r\n0\r\n\r\n",
        "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        "123456789012345678901234\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n\x81\xfe\xff\xff",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /file/x HTTP/1.1\r\nRange: bytes=0-,1-,-\r\n\r\n",
    };
    uint32_t seed = 20261120;
    for (int i = 0; i < 300; i++) {
        char b[1024];
        const char *s = seeds[i % 7];
        size_t n = strlen(s);
        memcpy(b, s, n);
        for (int k = 0; k < 1 + i % 8 && n; k++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = (seed >> 8) % n;
            switch (seed >> 29) {
            case 0:
                b[at] = 0;
                break;
            case 1:
                b[at] = '\n';
                break;
            case 2:
                memmove(b + at, b + at + 1, n - at - 1);
                n--;
                break;
            case 3:
                n = at + 1;
                break;
            default:
                b[at] = (char)(seed >> 20);
            }
        }
        struct client c;
        client_open(&c, fx.port);
        client_try_send(&c, b, n);
        shutdown(c.fd, SHUT_WR);
        while (client_more(&c, 3000))
            ;
        assert_true(c.eof);
        client_close(&c);
    }
    struct response r = get("/const");
    assert_int_equal(r.status, 200);
    response_free(&r);
}

/* ---- limits
 * -------------------------------------------------------------------------------------- */

static void rate_limit(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    int ok = 0, refused = 0;
    for (int i = 0; i < 30; i++) {
        client_puts(&c, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
        struct response r = client_response(&c, false);
        if (r.status == 200) {
            ok++;
        } else {
            refused++;
            assert_problem(&r, 429, "too_many_requests");
            assert_header(&r, "retry-after", "1");
        }
        response_free(&r);
    }
    client_close(&c);
    assert_true(ok >= 10 && ok <= 14);
    assert_true(refused >= 16);
    /* a new connection does not bring a new allowance */
    struct response r = get("/const");
    assert_int_equal(r.status, 429);
    response_free(&r);
    struct http_stats st;
    http_server_stats(fx.server, &st);
    assert_true(st.refused_rate >= 17);
}

static int setup_rate(void **state)
{
    (void)state;
    fixture_reset();
    fx_limits.rate_per_ip = 5;
    fx_limits.rate_burst = 10;
    fixture_start();
    return 0;
}

static void proxies(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *remote;
    } cases[] = {
        {"", "127.0.0.1"},
        {"X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
        {"X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.1\r\n", "192.0.2.7"},
        {"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.7,10.0.0.1\r\n", "192.0.2.7"},
        {"X-Forwarded-For: [2001:db8::1]:443, 10.0.0.1\r\n", "2001:db8::1"},
        {"X-Forwarded-For: 192.0.2.9:1234, 10.0.0.1\r\n", "192.0.2.9"},
        {"X-Forwarded-For: \"<script>\", 10.0.0.1\r\n", "10.0.0.1"},
        {"X-Forwarded-For: ,,,\r\n", "127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[256], want[64];
        snprintf(request, sizeof(request),
                 "GET /who/1 HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n%s\r\n",
                 cases[i].headers);
        snprintf(want, sizeof(want), "\"remote\":\"%s\"", cases[i].remote);
        struct response r = ask(fx.port, request);
        if (!strstr(r.body, want) || !strstr(r.body, "\"scheme\":\"https\""))
            fail_msg("%s: %s", cases[i].headers, r.body);
        response_free(&r);
    }
}

static int setup_proxies(void **state)
{
    (void)state;
    fixture_reset();
    fx_proxies = 2;
    fixture_start();
    return 0;
}

static void connections_per_address(void **state)
{
    (void)state;
    struct client c[8];
    for (int i = 0; i < 8; i++) {
        client_open(&c[i], fx.port);
        client_puts(&c[i], "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
        struct response r = client_response(&c[i], false);
        assert_int_equal(r.status, 200);
        response_free(&r);
    }
    struct client over;
    client_open(&over, fx.port);
    struct response r = client_response(&over, false);
    assert_problem(&r, 503, "overloaded");
    assert_header(&r, "retry-after", "1");
    response_free(&r);
    client_close(&over);
    client_close(&c[0]);
    struct timespec t = {0, 50000000};
    nanosleep(&t, NULL);
    r = get("/const");
    assert_int_equal(r.status, 200);
    response_free(&r);
    for (int i = 1; i < 8; i++)
        client_close(&c[i]);
}

static int setup_few_connections(void **state)
{
    (void)state;
    fixture_reset();
    fx_limits.connections_per_ip = 8;
    fixture_start();
    return 0;
}

static bool five_refused(void)
{
    struct http_stats st;
    http_server_stats(fx.server, &st);
    return st.refused_full == 5;
}

static bool three_run(void)
{
    return running == 3;
}

static void full_queue(void **state)
{
    (void)state;
    gate_close();
    struct client c[12];
    int ok = 0, refused = 0;
    for (int i = 0; i < 12; i++) {
        client_open(&c[i], fx.port);
        client_puts(&c[i], "GET /slow?q=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        if (i == 2) assert_true(wait_until(three_run, 3000)); /* one with each worker */
    }
    assert_true(wait_until(five_refused, 3000)); /* four fit into the queue */
    gate_open();
    for (int i = 0; i < 12; i++) {
        struct response r = client_response(&c[i], false);
        if (r.status == 200) {
            ok++;
        } else {
            refused++;
            assert_problem(&r, 503, "overloaded");
            assert_header(&r, "retry-after", "1");
        }
        response_free(&r);
        client_close(&c[i]);
    }
    assert_int_equal(ok, 7);
    assert_int_equal(refused, 5);
}

static int setup_short_queue(void **state)
{
    (void)state;
    fixture_reset();
    fx_queue = 4;
    fixture_start();
    return 0;
}

static void time_outs(void **state)
{
    (void)state;
    struct client idle, head_c, body_c, second;
    client_open(&idle, fx.port);
    client_open(&head_c, fx.port);
    client_puts(&head_c, "GET /const HTTP/1.1\r\nHost:");
    client_open(&body_c, fx.port);
    client_puts(&body_c, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{");
    client_open(&second, fx.port);
    client_puts(&second, "GET /const HTTP/1.1\r\nHost: a\r\n\r\nGET /cons");
    struct response r = client_response(&second, false);
    assert_int_equal(r.status, 200);
    response_free(&r);
    r = client_response(&head_c, false);
    assert_problem(&r, 408, "timed_out");
    response_free(&r);
    r = client_response(&body_c, false);
    assert_problem(&r, 408, "timed_out");
    response_free(&r);
    r = client_response(&second, false);
    assert_problem(&r, 408, "timed_out");
    response_free(&r);
    client_more(&idle, 5000);
    assert_true(idle.eof);
    client_close(&idle);
    client_close(&head_c);
    client_close(&body_c);
    client_close(&second);
}

static int setup_short_times(void **state)
{
    (void)state;
    fixture_reset();
    fx_limits.header_timeout_s = fx_limits.body_timeout_s = fx_limits.idle_timeout_s = 1;
    fixture_start();
    return 0;
}

static bool no_connections(void)
{
    struct http_stats st;
    http_server_stats(fx.server, &st);
    return st.connections == 0;
}

/* A client that asks for much and reads nothing is dropped. */
static void reader_that_stands_still(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.port);
    int small = 4096;
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client_puts(&c, "GET /big/30000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(wait_until(no_connections, 8000));
    client_close(&c);
}

/* ---- answering later
 * --------------------------------------------------------------------------------- */

static bool all_later(void)
{
    return later_sent == 200;
}

static bool all_done(void)
{
    return done_calls == 200;
}

static void clients_that_leave(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct client c;
        client_open(&c, fx.port);
        client_puts(&c, i % 2 ? "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                              : "GET /loop/later HTTP/1.1\r\nHost: a\r\n\r\n");
        if (i % 3 == 0) {
            struct linger hard = {1, 0};
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        }
        /* let it be taken in, or it is never a request */
        while (done_calls + 40 < i - 1) {
            struct timespec t = {0, 1000000};
            nanosleep(&t, NULL);
        }
        struct timespec t = {0, 300000};
        nanosleep(&t, NULL);
        client_close(&c);
    }
    wait_until(all_later, 3000);
    wait_until(all_done, 1000);
    struct http_stats st;
    http_server_stats(fx.server, &st);
    assert_int_equal(st.active_requests, 0);
    struct response r = get("/const");
    assert_int_equal(r.status, 200);
    response_free(&r);
}

/* ---- files
 * ------------------------------------------------------------------------------------------------
 */

static void write_file(const char *name, const char *unit, int times)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", fx.dir, name);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < times; i++)
        fputs(unit, f);
    fclose(f);
}

static struct response get_file(const char *name, const char *headers)
{
    char request[512];
    snprintf(request, sizeof(request), "GET /file/%s HTTP/1.1\r\nHost: a\r\n%s\r\n", name, headers);
    return ask(fx.port, request);
}

static void files(void **state)
{
    (void)state;
    write_file("a.txt", "0123456789", 1000);
    struct response r = get_file("a.txt", "");
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body_n, 10000);
    assert_header(&r, "content-type", "text/css; charset=utf-8");
    assert_header(&r, "cache-control", "max-age=60");
    assert_header(&r, "x-content-type-options", "nosniff");
    assert_null(response_header(&r, "content-disposition"));
    char etag[64], header[256];
    snprintf(etag, sizeof(etag), "%s", response_header(&r, "etag"));
    response_free(&r);

    snprintf(header, sizeof(header), "If-None-Match: %s\r\n", etag);
    r = get_file("a.txt", header);
    assert_int_equal(r.status, 304);
    assert_header(&r, "etag", etag);
    response_free(&r);
    r = get_file("a.txt", "If-None-Match: \"other\"\r\n");
    assert_int_equal(r.status, 200);
    response_free(&r);

    r = get_file("a.txt", "Range: bytes=5-14\r\nAccept-Encoding: gzip\r\n");
    assert_int_equal(r.status, 206);
    assert_string_equal(r.body, "5678901234");
    assert_header(&r, "content-range", "bytes 5-14/10000");
    response_free(&r);
    r = get_file("a.txt", "Range: bytes=-3\r\n");
    assert_string_equal(r.body, "789");
    response_free(&r);
    r = get_file("a.txt", "Range: bytes=9998-\r\n");
    assert_string_equal(r.body, "89");
    response_free(&r);
    r = get_file("a.txt", "Range: bytes=10000-\r\n");
    assert_problem(&r, 416, "bad_range");
    assert_header(&r, "content-range", "bytes */10000");
    response_free(&r);
    static const char *const whole[] = {
        "Range: bytes=0-0,1-1\r\n",
        "Range: bytes=\r\n",
        "Range: bytes=-\r\n",
        "Range: bytes=5-4\r\n",
        "Range: bytes=x-y\r\n",
        "Range: lines=1-2\r\n",
        "Range: bytes=0-1,\r\n",
        "Range: bytes=0-1 ,,, \r\n",
        "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n",
        "Range: bytes=99999999999999999999-\r\n",
    };
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        r = get_file("a.txt", whole[i]);
        if (r.status != 200 || r.body_n != 10000)
            fail_msg("%s: %d, %zu bytes", whole[i], r.status, r.body_n);
        response_free(&r);
    }
    snprintf(header, sizeof(header), "Range: bytes=0-1\r\nIf-Range: %s\r\n", etag);
    r = get_file("a.txt", header);
    assert_int_equal(r.status, 206);
    response_free(&r);

    r = get_file("a.txt", "Accept-Encoding: gzip, br\r\n");
    assert_header(&r, "content-encoding", "gzip");
    assert_header(&r, "vary", "accept-encoding");
    assert_true(r.body_n < 500);
    assert_int_equal((unsigned char)r.body[0], 0x1f);
    response_free(&r);

    r = ask(fx.port, "HEAD /file/a.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_int_equal(r.status, 200);
    assert_header(&r, "content-length", "10000");
    response_free(&r);
    r = get("/file/a.txt?dl=1");
    assert_header(&r, "content-disposition",
                  "attachment; filename=\"___ x.css\"; filename*=UTF-8''%E4%B8%AD%20x.css");
    response_free(&r);
    r = get("/file/missing");
    assert_problem(&r, 404, "not_found");
    response_free(&r);
    char sub[128];
    snprintf(sub, sizeof(sub), "%s/sub", fx.dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    r = get("/file/sub");
    assert_problem(&r, 404, "not_found");
    response_free(&r);
    write_file("empty", "", 0);
    r = get("/file/empty");
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body_n, 0);
    response_free(&r);
}

static void a_changed_file_is_seen(void **state)
{
    (void)state;
    write_file("b.txt", "one", 1);
    struct response r = get("/file/b.txt");
    assert_string_equal(r.body, "one");
    response_free(&r);
    write_file("b.new", "three", 1);
    char from[128], to[128];
    snprintf(from, sizeof(from), "%s/b.new", fx.dir);
    snprintf(to, sizeof(to), "%s/b.txt", fx.dir);
    assert_int_equal(rename(from, to), 0);
    r = get("/file/b.txt");
    assert_string_equal(r.body, "three");
    response_free(&r);
}

static void json_is_compressed_when_large(void **state)
{
    (void)state;
    struct response r =
        ask(fx.port, "GET /big/20000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_header(&r, "content-encoding", "gzip");
    assert_true(r.body_n < 2000);
    response_free(&r);
    r = ask(fx.port, "GET /big/200 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_null(response_header(&r, "content-encoding"));
    assert_int_equal(r.body_n, 200);
    response_free(&r);
}

/* ---- access log
 * ------------------------------------------------------------------------------------------- */

static char *read_log(void)
{
    struct timespec t = {0, 500000000};
    nanosleep(&t, NULL);
    FILE *f = fopen(fx.log_path, "r");
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

static void access_log(void **state)
{
    (void)state;
    struct response r = get("/t/demo/who/7?token=secret");
    response_free(&r);
    r = ask(fx.port, "GET /loop/later HTTP/1.1\r\nHost: a\r\nUser-Agent: a\"b\\\xff\x80z\r\n\r\n");
    response_free(&r);
    r = get("/silent");
    response_free(&r);
    r = ask(fx.port, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: "
                     "application/json\r\nContent-Length: 2\r\n\r\n{}");
    response_free(&r);
    char *log = read_log();
    assert_null(strstr(log, "secret"));
    assert_null(strstr(log, "silent"));
    int lines = 0;
    struct arena *a = arena_new(0);
    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *v;
        struct err err;
        err_clear(&err);
        if (json_parse(a, sv_of(line), &v, &err) != 0) fail_msg("not JSON: %s", line);
        lines++;
        sv path = json_get_sv(v, "path");
        assert_true(sv_eqs(json_get_sv(v, "ip"), "127.0.0.1"));
        assert_true(json_get_sv(v, "id").n >= 8);
        int64_t us;
        assert_true(clock_parse(json_get_sv(v, "t"), &us));
        if (sv_eqs(path, "/t/demo/who/7")) {
            assert_true(sv_eqs(json_get_sv(v, "tenant"), "demo"));
            assert_true(sv_eqs(json_get_sv(v, "user"), "77"));
            assert_int_equal(json_integer_value(json_object_get(v, "status")), 200);
        } else if (sv_eqs(path, "/json")) {
            assert_int_equal(json_integer_value(json_object_get(v, "status")), 201);
            assert_int_equal(json_integer_value(json_object_get(v, "bytes_in")), 2);
            assert_int_equal(json_integer_value(json_object_get(v, "bytes_out")), 2);
            assert_true(sv_eqs(json_get_sv(v, "method"), "POST"));
        } else {
            assert_true(sv_eqs(path, "/loop/later"));
        }
    }
    assert_int_equal(lines, 3);
    assert_int_equal(done_calls, 4);
    arena_free(a);
    free(log);
}

/* ---- drain
 * ---------------------------------------------------------------------------------------------------
 */

static void drain(void **state)
{
    (void)state;
    gate_close();
    struct client busy, idle, late;
    client_open(&idle, fx.port);
    client_puts(&idle, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
    struct response r = client_response(&idle, false);
    response_free(&r);
    client_open(&late, fx.port);
    client_puts(&late, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
    r = client_response(&late, false);
    response_free(&r);
    client_open(&busy, fx.port);
    client_puts(&busy, "GET /slow?q=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    struct timespec t = {0, 100000000};
    nanosleep(&t, NULL);
    http_server_drain(fx.server, 100); /* not all gone yet */
    /* a keep-alive connection may still ask, and is told to go */
    client_puts(&late, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
    r = client_response(&late, false);
    assert_int_equal(r.status, 200);
    assert_header(&r, "connection", "close");
    response_free(&r);
    gate_open();
    r = client_response(&busy, false); /* accepted before: finished */
    assert_int_equal(r.status, 200);
    assert_contains(&r, "\"q\":\"1\"");
    response_free(&r);
    client_more(&idle, 3000);
    assert_true(idle.eof);
    assert_true(wait_until(no_connections, 2000));
    client_close(&busy);
    client_close(&idle);
    client_close(&late);
}

static void one_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct response r = get(i % 2 ? "/work" : "/later");
        assert_int_equal(r.status, 200);
        response_free(&r);
    }
}

static int setup_one_loop(void **state)
{
    (void)state;
    fixture_reset();
    fx_loops = 1;
    fixture_start();
    return 0;
}

static int setup_uploads(void **state)
{
    (void)state;
    fixture_reset();
    fx_limits.upload_bytes = 8000000;
    fixture_start();
    return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
#define TS(f, s) cmocka_unit_test_setup_teardown(f, s, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(constant),
        T(what_handlers_see),
        T(languages),
        T(request_ids),
        T(keep_alive_and_pipelining),
        T(slow_arrival),
        T(head),
        T(problems),
        T(tenants_and_sides),
        T(bad_paths),
        TS(too_large_by_length, setup_uploads),
        T(too_large_chunked),
        T(upload_lives_in_a_file),
        T(no_room_for_an_upload),
        T(multipart),
        T(head_too_large),
        T(ambiguous_framing),
        T(unknown_coding),
        T(malformed_requests),
        TS(rate_limit, setup_rate),
        TS(proxies, setup_proxies),
        TS(connections_per_address, setup_few_connections),
        TS(full_queue, setup_short_queue),
        TS(time_outs, setup_short_times),
        TS(reader_that_stands_still, setup_short_times),
        T(clients_that_leave),
        T(files),
        T(a_changed_file_is_seen),
        T(json_is_compressed_when_large),
        T(access_log),
        T(drain),
        TS(one_loop, setup_one_loop),
    };
    if (getenv("ONLY")) cmocka_set_test_filter(getenv("ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
