/* core/http over TLS: HTTP/2 by libcurl, certificates, and the attacks on HTTP/2
 * that docs/security-h2o.md lists, frame by frame. */
#define LOG_ROOM "test"
#include "http_fixture.h"

#include <curl/curl.h>
#include <openssl/x509.h>
#include <time.h>
#include <unistd.h>

enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION };
enum { NO_ERROR = 0, PROTOCOL_ERROR = 1, CALM = 11 };

static void nap(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* ---- libcurl ---------------------------------------------------------------------- */

struct answer {
    long status, version;
    struct buf body, head;
};

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
    buf_add(arg, p, size * n);
    return size * n;
}

static CURL *easy(const char *path, struct answer *a)
{
    char url[512];
    *a = (struct answer){.body = BUF_HEAP, .head = BUF_HEAP};
    snprintf(url, sizeof(url), "https://localhost:%d%s", fx.tls_port, path);
    CURL *c = curl_easy_init();
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &a->body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &a->head);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    return c;
}

static void perform(CURL *c, struct answer *a)
{
    CURLcode rc = curl_easy_perform(c);
    if (rc != CURLE_OK) fail_msg("curl: %s", curl_easy_strerror(rc));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(c, CURLINFO_HTTP_VERSION, &a->version);
    buf_chr(&a->body, 0);
    buf_chr(&a->head, 0);
}

static void answer_free(struct answer *a)
{
    buf_free(&a->body);
    buf_free(&a->head);
}

static void fetch(const char *path, struct answer *a)
{
    CURL *c = easy(path, a);
    perform(c, a);
    curl_easy_cleanup(c);
}

static void http2_by_curl(void **state)
{
    (void)state;
    struct answer a;
    const char *paths[] = {"/const", "/work", "/later", "/loop/later", "/t/demo/who/a%20b?q=1"};
    for (int i = 0; i < 5; i++) {
        fetch(paths[i], &a);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.version, CURL_HTTP_VERSION_2_0);
        assert_non_null(strstr(a.head.p, "x-request-id: "));
        assert_non_null(strstr(a.head.p, "server: atrium\r\n"));
        if (i == 4) {
            assert_non_null(strstr(a.body.p, "\"id\":\"a b\""));
            assert_non_null(strstr(a.body.p, "\"scheme\":\"https\""));
            assert_non_null(strstr(a.body.p, "\"prefix\":\"/t/demo\""));
            assert_non_null(strstr(a.head.p, "x-extra: yes\r\n"));
        }
        answer_free(&a);
    }
    fetch("/nowhere", &a);
    assert_int_equal(a.status, 404);
    assert_non_null(strstr(a.head.p, "content-type: application/problem+json"));
    answer_free(&a);
    CURL *c = easy("/big/3000000", &a);
    perform(c, &a);
    assert_int_equal(a.body.n, 3000001);
    answer_free(&a);
    curl_easy_cleanup(c);
}

static void http1_over_tls(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int i = 0; i < 2; i++) {
        struct client c;
        client_open_tls(&c, fx.tls_port, "http/1.1", versions[i]);
        assert_string_equal(SSL_get_version(c.ssl), i ? "TLSv1.3" : "TLSv1.2");
        for (int k = 0; k < 3; k++) {
            client_puts(
                &c, "GET /work HTTP/1.1\r\nHost: a\r\n\r\nGET /const HTTP/1.1\r\nHost: a\r\n\r\n");
            for (int m = 0; m < 2; m++) {
                struct response r = client_response(&c, false);
                assert_int_equal(r.status, 200);
                response_free(&r);
            }
        }
        /* the guards stand behind TLS too */
        client_puts(&c, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
        struct response r = client_response(&c, false);
        assert_problem(&r, 413, "too_large");
        response_free(&r);
        client_close(&c);
    }
    struct client c;
    client_open_tls(&c, fx.tls_port, "http/1.1", 0);
    char long_head[20000];
    memset(long_head, 'x', sizeof(long_head));
    client_puts(&c, "GET /const HTTP/1.1\r\nX: ");
    client_send(&c, long_head, sizeof(long_head));
    struct response r = client_response(&c, false);
    assert_problem(&r, 431, "headers_too_large");
    response_free(&r);
    client_close(&c);
}

static void old_tls_is_refused(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, fx.tls_port);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    c.ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(c.ssl, c.fd);
    assert_int_not_equal(SSL_connect(c.ssl), 1);
    client_close(&c);
}

static void sessions_resume(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int v = 0; v < 2; v++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(ctx, versions[v]);
        SSL_SESSION *session = NULL;
        for (int i = 0; i < 2; i++) {
            struct client c;
            client_open(&c, fx.tls_port);
            c.ssl = SSL_new(ctx);
            SSL_set_fd(c.ssl, c.fd);
            if (session) SSL_set_session(c.ssl, session);
            assert_int_equal(SSL_connect(c.ssl), 1);
            assert_int_equal(SSL_session_reused(c.ssl), i);
            client_puts(&c, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
            struct response r = client_response(&c, false);
            assert_int_equal(r.status, 200);
            response_free(&r);
            if (!session) session = SSL_get1_session(c.ssl);
            SSL_shutdown(c.ssl); /* or OpenSSL holds the session for spoilt */
            client_close(&c);
        }
        SSL_SESSION_free(session);
        SSL_CTX_free(ctx);
    }
}

static long serial_seen(void)
{
    struct client c;
    client_open_tls(&c, fx.tls_port, "http/1.1", 0);
    X509 *x = SSL_get1_peer_certificate(c.ssl);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(x));
    X509_free(x);
    client_close(&c);
    return serial;
}

static bool serial_is_2(void)
{
    for (int i = 0; i < 6; i++) /* both loops */
        if (serial_seen() != 2) return false;
    return true;
}

static void certificate_reload(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(serial_seen(), 1);
    struct client old;
    client_open_tls(&old, fx.tls_port, "http/1.1", 0);
    /* handshakes that began before the swap end after it */
    struct client half;
    client_open(&half, fx.tls_port);
    nap(30);
    make_cert(fx.cert, fx.key, 2);
    err_clear(&err);
    assert_int_equal(http_server_reload_tls(fx.server, &err), 0);
    assert_true(wait_until(serial_is_2, 2000));
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    half.ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(half.ssl, half.fd);
    assert_int_equal(SSL_connect(half.ssl), 1);
    client_close(&half);
    client_puts(&old, "GET /const HTTP/1.1\r\nHost: a\r\n\r\n");
    struct response r = client_response(&old, false);
    assert_int_equal(r.status, 200);
    response_free(&r);
    client_close(&old);
    /* a bad file keeps what works */
    FILE *f = fopen(fx.cert, "w");
    fputs("-----BEGIN CERTIFICATE-----\nnonsense\n", f);
    fclose(f);
    err_clear(&err);
    assert_int_equal(http_server_reload_tls(fx.server, &err), -1);
    assert_non_null(strstr(err.detail, fx.cert));
    assert_true(serial_is_2());
    /* and so does a key that does not fit */
    char other[128];
    snprintf(other, sizeof(other), "%s/other.pem", fx.dir);
    make_cert(fx.cert, other, 3);
    err_clear(&err);
    assert_int_equal(http_server_reload_tls(fx.server, &err), -1);
    assert_true(serial_is_2());
}

/* ---- bodies ------------------------------------------------------------------------------ */

struct source {
    size_t left;
};

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
    struct source *s = arg;
    size_t take = size * n < s->left ? size * n : s->left;
    memset(p, 'x', take);
    s->left -= take;
    return take;
}

static void post(const char *path, size_t size, bool with_length, struct answer *a)
{
    struct source s = {size};
    CURL *c = easy(path, a);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, &s);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                     with_length ? (curl_off_t)size : (curl_off_t)-1);
    struct curl_slist *h = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
    perform(c, a);
    curl_slist_free_all(h);
    curl_easy_cleanup(c);
}

static void bodies(void **state)
{
    (void)state;
    struct answer a;
    for (int with_length = 0; with_length < 2; with_length++) {
        post("/upload", 5000000, with_length, &a);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(a.body.p, "\"n\":5000000,"));
        assert_non_null(strstr(a.body.p, "\"spilled\":true"));
        answer_free(&a);
        post("/json", 3000000, with_length, &a);
        assert_int_equal(a.status, 413);
        assert_non_null(strstr(a.body.p, "\"code\":\"too_large\""));
        answer_free(&a);
        post("/slow", 100, with_length, &a);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(a.body.p, "\"body\":100"));
        answer_free(&a);
    }
}

/* After an early 413 the connection still serves, whatever data comes late. */
static void early_refusal_spares_the_connection(void **state)
{
    (void)state;
    static struct h2_in f;
    static char block[16384];
    struct client c;
    client_open_tls(&c, fx.tls_port, "h2", 0);
    h2_hello(&c);
    h2_request(&c, 1, "POST", "/json", "content-length", "9000000", false);
    for (int i = 0; i < 60; i++)
        h2_frame(&c, DATA, 0, 1, block, sizeof(block));
    h2_request(&c, 3, "GET", "/const", NULL, NULL, true);
    bool refused = false, served = false;
    while (!(refused && served) && h2_read(&c, &f, 3000)) {
        assert_int_not_equal(f.type, GOAWAY);
        assert_int_not_equal(f.type, RST);
        if (f.type == DATA && f.id == 1) refused = memmem(f.p, f.n, "too_large", 9) != NULL;
        if (f.type == DATA && f.id == 3) served = memmem(f.p, f.n, "{\"ok\":true}", 11) != NULL;
    }
    assert_true(refused && served);
    /* the announced length is enough */
    h2_request(&c, 5, "POST", "/json", "content-length", "9000000", false);
    refused = false;
    while (!refused && h2_read(&c, &f, 3000))
        refused = f.type == DATA && f.id == 5 && memmem(f.p, f.n, "too_large", 9);
    assert_true(refused);
    client_close(&c);
}

/* ---- clients that leave
 * -------------------------------------------------------------------------- */

static bool gone_40(void)
{
    return done_499 == 40;
}

/* The stream is reset while a worker has the request: what the worker reads must
 * stay, and its answer goes nowhere. */
static void reset_while_a_worker_runs(void **state)
{
    (void)state;
    gate_close();
    static const char body[] = "twenty bytes of body";
    char value[200];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    struct client c;
    client_open_tls(&c, fx.tls_port, "h2", 0);
    h2_hello(&c);
    for (uint32_t id = 1; id < 80; id += 2) {
        h2_request(&c, id, "POST", "/slow?q=abc", "x-long-header-name", value, false);
        h2_frame(&c, DATA, 1, id, body, sizeof(body) - 1);
    }
    nap(200);
    for (uint32_t id = 1; id < 40; id += 2)
        h2_frame(&c, RST, 0, id, "\0\0\0\x08", 4);
    nap(100);
    client_close(&c); /* the other half goes with the connection */
    nap(100);
    /* others use the memory that h2o has back now */
    client_open_tls(&c, fx.tls_port, "h2", 0);
    h2_hello(&c);
    memset(value, 'w', sizeof(value) - 1);
    for (uint32_t id = 1; id < 160; id += 2)
        h2_request(&c, id, "GET", "/const?wwwwwwwwwwwwwwwwwwwwwwwwww", "x-wwww-header-name", value,
                   true);
    nap(200);
    client_close(&c);
    gate_open();
    assert_true(wait_until(gone_40, 3000));
    assert_int_equal(bad_views, 0);
    struct http_stats st;
    http_server_stats(fx.server, &st);
    assert_int_equal(st.active_requests, 0);
}

static void deferred_and_gone(void **state)
{
    (void)state;
    for (int k = 0; k < 5; k++) {
        struct client c;
        client_open_tls(&c, fx.tls_port, "h2", 0);
        h2_hello(&c);
        for (uint32_t id = 1; id < 60; id += 2)
            h2_request(&c, id, "GET", id % 4 == 1 ? "/later" : "/loop/later", NULL, NULL, true);
        nap(10);
        client_close(&c);
    }
    struct answer a;
    fetch("/const", &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
}

/* ---- attacks
 * --------------------------------------------------------------------------------------- */

/* GOAWAY with ENHANCE_YOUR_CALM, for the reason that the server's log names. A
 * reset of the connection may overtake it: then the log alone tells. */
static void expect_calm(struct client *c, const char *reason)
{
    int code = h2_goaway(c, 5000);
    if (code != CALM && !(code == -1 && c->eof))
        fail_msg("GOAWAY with %d, not ENHANCE_YOUR_CALM", code);
    while (client_more(c, 5000))
        c->n = 0;
    assert_true(c->eof);
    client_close(c);
    if (!log_has(reason)) fail_msg("the log does not say \"%s\"", reason);
    struct response r = get("/const"); /* others are served */
    assert_int_equal(r.status, 200);
    response_free(&r);
}

/* Has the server said GOAWAY or hung up? Reads without waiting, eats nothing. A
 * client that only writes would lose the GOAWAY to the reset behind it. */
static bool ended(struct client *c)
{
    client_more(c, 0);
    for (size_t at = 0; at + 9 <= c->n;) {
        const uint8_t *p = (const uint8_t *)c->in + at;
        if (p[3] == GOAWAY) return true;
        at += 9 + ((size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2]);
    }
    return c->eof;
}

static void attacker(struct client *c)
{
    client_open_tls(c, fx.tls_port, "h2", 0);
    h2_hello(c);
}

/* CVE-2023-44487 */
static void rapid_reset(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    for (uint32_t id = 1; id < 20000 && !ended(&c); id += 2) {
        h2_request(&c, id, "GET", "/work", NULL, NULL, true);
        h2_frame(&c, RST, 0, id, "\0\0\0\x08", 4);
    }
    expect_calm(&c, "too many stream resets");
    assert_true(done_calls < 200); /* of 10000 requests */
    struct http_stats st;
    http_server_stats(fx.server, &st);
    assert_int_equal(st.h2_resets, 1);
}

/* A browser that leaves a page resets some dozens: that must be no attack. */
static void some_resets_are_fine(void **state)
{
    (void)state;
    static struct h2_in f;
    struct client c;
    attacker(&c);
    for (int round = 0; round < 2; round++) {
        for (uint32_t id = 1 + (uint32_t)round * 100; id < 1 + (uint32_t)round * 100 + 80;
             id += 2) {
            h2_request(&c, id, "GET", "/later", NULL, NULL, true);
            h2_frame(&c, RST, 0, id, "\0\0\0\x08", 4);
        }
        nap(1100);
    }
    h2_request(&c, 301, "GET", "/const", NULL, NULL, true);
    bool served = false;
    while (!served && h2_read(&c, &f, 3000)) {
        assert_int_not_equal(f.type, GOAWAY);
        served = f.type == DATA && f.id == 301;
    }
    assert_true(served);
    client_close(&c);
}

/* CVE-2025-8671: the client makes the server reset. */
static void made_you_reset(void **state)
{
    (void)state;
    struct client c;
    gate_close(); /* a stream that was answered is no victim */
    attacker(&c);
    for (uint32_t id = 1; id < 4000 && !ended(&c); id += 2) {
        h2_request(&c, id, "GET", "/slow", NULL, NULL, true);
        h2_frame(&c, WINDOW, 0, id, "\0\0\0\0", 4); /* an increment of 0 */
    }
    expect_calm(&c, "too many stream resets");
    struct http_stats st;
    http_server_stats(fx.server, &st);
    assert_true(st.requests + st.active_requests < 300); /* of 2000 */
}

static void made_you_reset_by_overflow(void **state)
{
    (void)state;
    struct client c;
    gate_close(); /* a stream that was answered is no victim */
    attacker(&c);
    for (uint32_t id = 1; id < 4000 && !ended(&c); id += 2) {
        h2_request(&c, id, "GET", "/slow", NULL, NULL, true);
        h2_frame(&c, WINDOW, 0, id, "\x7f\xff\xff\xff", 4);
    }
    expect_calm(&c, "too many stream resets");
}

/* CVE-2019-9512 */
static void ping_flood(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    for (int i = 0; i < 5000 && !ended(&c); i++)
        h2_frame(&c, PING, 0, 0, "12345678", 8);
    expect_calm(&c, "too many control frames");
}

/* CVE-2019-9515 */
static void settings_flood(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    for (int i = 0; i < 5000 && !ended(&c); i++)
        h2_frame(&c, SETTINGS, 0, 0, NULL, 0);
    expect_calm(&c, "too many control frames");
}

/* CVE-2019-9518 */
static void empty_data_flood(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    h2_request(&c, 1, "POST", "/json", NULL, NULL, false);
    for (int i = 0; i < 5000 && !ended(&c); i++)
        h2_frame(&c, DATA, 0, 1, NULL, 0);
    expect_calm(&c, "too many control frames");
}

static void priority_flood(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    h2_request(&c, 1, "GET", "/const", NULL, NULL, true);
    for (int i = 0; i < 5000 && !ended(&c); i++)
        h2_frame(&c, PRIORITY, 0, 3, i % 2 ? "\0\0\0\0\x10" : "\0\0\0\x01\x20", 5);
    expect_calm(&c, "too many control frames");
}

static void unknown_frames(void **state)
{
    (void)state;
    static struct h2_in f;
    struct client c;
    attacker(&c);
    for (int i = 0; i < 20; i++)
        h2_frame(&c, (uint8_t)(10 + i * 7), 0xff, (uint32_t)i, "grease", 6); /* are ignored */
    h2_request(&c, 1, "GET", "/const", NULL, NULL, true);
    bool served = false;
    while (!served && h2_read(&c, &f, 3000))
        served = f.type == DATA && f.id == 1;
    assert_true(served);
    for (int i = 0; i < 5000 && !ended(&c); i++)
        h2_frame(&c, 0x42, 0, 0, NULL, 0);
    expect_calm(&c, "too many control frames");
}

/* CVE-2024-27316 and its like */
static void continuation_flood(void **state)
{
    (void)state;
    static char block[16384];
    struct client c;
    attacker(&c);
    h2_frame(&c, HEADERS, 1, 1, "\x82\x87\x84", 3);
    for (int i = 0; i < 500 && !ended(&c); i++)
        h2_frame(&c, CONTINUATION, 0, 1, block, sizeof(block));
    expect_calm(&c, "header block too large");
    attacker(&c);
    h2_frame(&c, HEADERS, 1, 1, "\x82\x87\x84", 3);
    for (int i = 0; i < 5000 && !ended(&c); i++)
        h2_frame(&c, CONTINUATION, 0, 1, NULL, 0);
    expect_calm(&c, "header block too large");
}

/* CVE-2016-1544 and its like: a small block that decodes to a large head. */
static void hpack_bomb(void **state)
{
    (void)state;
    static struct h2_in f;
    static uint8_t b[16384];
    struct client c;
    attacker(&c);
    size_t n = 0;
    memcpy(b,
           "\x82\x87\x84\x41\x01"
           "a",
           6); /* GET, https, /, :authority a */
    n = 6;
    b[n++] = 0x40; /* indexed literal: x: 3000 bytes */
    b[n++] = 1;
    b[n++] = 'x';
    b[n++] = 127;
    b[n++] = (3000 - 127) % 128 + 128;
    b[n++] = (3000 - 127) / 128;
    memset(b + n, 'y', 3000);
    n += 3000;
    while (n < 12000)
        b[n++] = 0x80 | 62; /* the same again: 27 MB in all */
    h2_frame(&c, HEADERS, 5, 1, b, n);
    bool refused = false;
    while (!refused && h2_read(&c, &f, 3000))
        refused = f.type == DATA && memmem(f.p, f.n, "headers_too_large", 17);
    assert_true(refused);
    client_close(&c);
}

/* CVE-2019-9514: requests that are wrong, each answered by a reset. */
static void reset_flood(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    for (uint32_t id = 1; id < 4000 && !ended(&c); id += 2)
        h2_frame(&c, HEADERS, 5, id, "\x82\x84", 2); /* no :scheme */
    expect_calm(&c, "too many stream resets");
}

/* More streams than allowed are refused, also slowly sent ones. */
static void too_many_streams(void **state)
{
    (void)state;
    gate_close();
    static struct h2_in f;
    struct client c;
    attacker(&c);
    for (uint32_t id = 1; id < 260; id += 2)
        h2_request(&c, id, "GET", "/slow", NULL, NULL, true);
    int refused = 0;
    while (refused < 30 && h2_read(&c, &f, 1000))
        refused += f.type == RST;
    assert_int_equal(refused, 30); /* of 130 */
    gate_open();
    client_close(&c);
}

/* CVE-2019-9517, -9511: asks for much, then closes its window. */
static bool no_connections(void)
{
    struct http_stats st;
    http_server_stats(fx.server, &st);
    return st.connections == 0;
}

static void closed_window(void **state)
{
    (void)state;
    struct client c;
    client_open_tls(&c, fx.tls_port, "h2", 0);
    client_puts(&c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    h2_frame(&c, SETTINGS, 0, 0, "\0\x04\0\0\0\0", 6); /* INITIAL_WINDOW_SIZE 0 */
    for (uint32_t id = 1; id < 100; id += 2)
        h2_request(&c, id, "GET", "/big/200000", NULL, NULL, true);
    for (int i = 0; i < 8 && !no_connections(); i++) {
        nap(500);
        h2_frame(&c, PING, 0, 0, "12345678", 8); /* keeps the idle time-out away */
    }
    assert_true(wait_until(no_connections, 4000));
    client_close(&c);
}

static void trickling_body(void **state)
{
    (void)state;
    struct client c;
    attacker(&c);
    h2_request(&c, 1, "POST", "/json", NULL, NULL, false);
    for (int i = 0; i < 25 && !no_connections(); i++) {
        h2_frame(&c, DATA, 0, 1, "x", 1);
        nap(200); /* the idle time-out never comes */
    }
    assert_true(no_connections());
    client_close(&c);
}

static void malformed_frames(void **state)
{
    (void)state;
    uint32_t seed = 44487;
    for (int i = 0; i < 150; i++) {
        struct client c;
        attacker(&c);
        h2_request(&c, 1, "POST", "/json", NULL, NULL, false);
        for (int k = 0; k < 30; k++) {
            uint8_t p[64];
            for (size_t m = 0; m < sizeof(p); m++) {
                seed = seed * 1664525 + 1013904223;
                p[m] = (uint8_t)(seed >> 24);
            }
            seed = seed * 1664525 + 1013904223;
            h2_frame(&c, (uint8_t)(seed >> 28), p[0], p[1] & 7, p + 2, p[3] & 31);
        }
        client_more(&c, 20);
        client_close(&c);
    }
    struct answer a;
    fetch("/work", &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
}

/* ---- drain
 * ---------------------------------------------------------------------------------------------- */

static void drain(void **state)
{
    (void)state;
    static struct h2_in f;
    gate_close();
    struct client c;
    attacker(&c);
    h2_request(&c, 1, "GET", "/slow", NULL, NULL, true);
    nap(100);
    http_server_drain(fx.server, 50);
    bool goaway = false, served = false;
    h2_request(&c, 3, "GET", "/const", NULL, NULL, true); /* on its way when GOAWAY came */
    for (int i = 0; i < 40 && !(goaway && served); i++) {
        if (!h2_read(&c, &f, 100)) continue;
        goaway = goaway || (f.type == GOAWAY && f.p[7] == NO_ERROR);
        served = served || (f.type == DATA && f.id == 3);
    }
    assert_true(goaway && served);
    gate_open();
    served = false;
    while (!served && h2_read(&c, &f, 3000))
        served = f.type == DATA && f.id == 1;
    assert_true(served);
    while (client_more(&c, 3000))
        ;
    assert_true(c.eof);
    client_close(&c);
}

static int setup_short_times(void **state)
{
    (void)state;
    fixture_reset();
    fx_limits.header_timeout_s = fx_limits.body_timeout_s = fx_limits.idle_timeout_s = 1;
    fixture_start();
    return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
#define TS(f, s) cmocka_unit_test_setup_teardown(f, s, fixture_teardown)

int main(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        T(http2_by_curl),
        T(http1_over_tls),
        T(old_tls_is_refused),
        T(sessions_resume),
        T(certificate_reload),
        T(bodies),
        T(early_refusal_spares_the_connection),
        T(reset_while_a_worker_runs),
        T(deferred_and_gone),
        T(rapid_reset),
        T(some_resets_are_fine),
        T(made_you_reset),
        T(made_you_reset_by_overflow),
        T(ping_flood),
        T(settings_flood),
        T(empty_data_flood),
        T(priority_flood),
        T(unknown_frames),
        T(continuation_flood),
        T(hpack_bomb),
        T(reset_flood),
        T(too_many_streams),
        TS(closed_window, setup_short_times),
        TS(trickling_body, setup_short_times),
        T(malformed_frames),
        T(drain),
    };
    if (getenv("ONLY")) cmocka_set_test_filter(getenv("ONLY"));
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}
