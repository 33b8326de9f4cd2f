/* multipart/form-data: what browsers and curl send, and what attackers send. */
#define LOG_ROOM "test"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/http.h"

static struct arena *a;
static struct http_part *parts;
static size_t n;
static struct err err;

static int setup(void **state)
{
    (void)state;
    a = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static int parse_n(const char *type, const char *body, size_t len)
{
    /* An exact heap copy, so that a read beyond the end is seen by ASan. */
    char *copy = malloc(len ? len : 1);
    memcpy(copy, body, len);
    err_clear(&err);
    int rc = http_multipart_parse(a, sv_of(type), sv_make(copy, len), &parts, &n, &err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        parts[i].name = arena_sv(a, parts[i].name);
        parts[i].data = arena_sv(a, parts[i].data);
        if (parts[i].filename.p) parts[i].filename = arena_sv(a, parts[i].filename);
        if (parts[i].content_type.p) parts[i].content_type = arena_sv(a, parts[i].content_type);
    }
    free(copy);
    return rc;
}

static int parse(const char *type, const char *body)
{
    return parse_n(type, body, strlen(body));
}

#define TYPE "multipart/form-data; boundary=XX"

static void fields_and_file(void **state)
{
    (void)state;
    assert_int_equal(
        parse(TYPE,
              "--XX\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nHello\r\n"
              "--XX\r\nContent-Disposition: form-data; name=\"cover\"; filename=\"a b.png\"\r\n"
              "Content-Type: image/png\r\n\r\n\x89PNG\r\n--X\r\n\r\n"
              "--XX--\r\n"),
        0);
    assert_int_equal(n, 2);
    assert_true(sv_eqs(parts[0].name, "title"));
    assert_true(sv_eqs(parts[0].data, "Hello"));
    assert_null(parts[0].filename.p);
    assert_true(sv_eqs(parts[1].name, "cover"));
    assert_true(sv_eqs(parts[1].filename, "a b.png"));
    assert_true(sv_eqs(parts[1].content_type, "image/png"));
    assert_true(sv_eqs(parts[1].data, "\x89PNG\r\n--X\r\n"));
}

static void empty_part_and_preamble(void **state)
{
    (void)state;
    assert_int_equal(parse("Multipart/Form-Data; charset=utf-8; boundary=\"XX\"",
                           "preamble\r\n--XX  \r\ncontent-disposition:form-data;name=e\r\n\r\n\r\n"
                           "--XX\r\nContent-Disposition: form-data; name=\"f\"; "
                           "filename=\"\"\r\n\r\n\r\n--XX--epilogue"),
                     0);
    assert_int_equal(n, 2);
    assert_true(sv_eqs(parts[0].name, "e"));
    assert_int_equal(parts[0].data.n, 0);
    assert_non_null(parts[1].filename.p);
    assert_int_equal(parts[1].filename.n, 0);
    assert_int_equal(parse(TYPE, "--XX--\r\n"), 0);
    assert_int_equal(n, 0);
}

static void names_in_all_spellings(void **state)
{
    (void)state;
    assert_int_equal(parse(TYPE,
                           "--XX\r\nContent-Disposition: form-data; name=\"a\\\"b\"; "
                           "filename=\"C:\\dir\\x.txt\"\r\n\r\n1\r\n"
                           "--XX\r\nContent-Disposition: form-data; name=\"u\"; filename=\"x\"; "
                           "filename*=UTF-8''%e4%b8%ad%e6%96%87.png\r\n\r\n2\r\n--XX--\r\n"),
                     0);
    assert_true(sv_eqs(parts[0].name, "a\"b"));
    assert_true(sv_eqs(parts[0].filename, "C:\\dir\\x.txt"));
    assert_true(sv_eqs(parts[1].filename, "中文.png"));
}

static void large_binary(void **state)
{
    (void)state;
    size_t size = 3u << 20;
    char *body = malloc(size + 300);
    int head = snprintf(
        body, 200, "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n");
    for (size_t i = 0; i < size; i++)
        body[(size_t)head + i] = (char)(i * 31 >> 3);
    memcpy(body + head + size, "\r\n--XX--\r\n", 10);
    assert_int_equal(parse_n(TYPE, body, (size_t)head + size + 10), 0);
    assert_int_equal(n, 1);
    assert_int_equal(parts[0].data.n, size);
    free(body);
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "--XX",
        "--XX\r\n",
        "--XXY\r\n\r\n",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--X",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--XX",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--XX-",
        "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--XX--",
        "--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--",
        "--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XX--",
        "--XX\r\nno colon here\r\n\r\nx\r\n--XX--",
        "--XX\r\n\r\nx\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"\xff\xfe\"\r\n\r\nx\r\n--XX--",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(TYPE, bad[i]) == 0) fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.status, 400);
        assert_string_equal(err.code, "bad_multipart");
    }
    assert_int_equal(parse("multipart/form-data", "--XX--"), -1);
    assert_int_equal(err.status, 415);
    assert_int_equal(parse("application/json", "{}"), -1);
    assert_int_equal(err.status, 415);
    assert_int_equal(parse("multipart/form-data; boundary=", "----"), -1);
    assert_int_equal(err.status, 400);
    char type[200] = "multipart/form-data; boundary=";
    memset(type + strlen(type), 'b', 71);
    assert_int_equal(parse(type, "--"), -1);
    assert_int_equal(err.status, 400);
}

static void too_many_parts(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP;
    for (int i = 0; i < 300; i++)
        buf_str(&b, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n");
    buf_str(&b, "--XX--\r\n");
    assert_int_equal(parse_n(TYPE, b.p, b.n), -1);
    assert_int_equal(err.status, 400);
    buf_free(&b);
}

/* Every prefix of a good body is refused, and nothing is read beyond it. */
static void all_prefixes(void **state)
{
    (void)state;
    static const char good[] =
        "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"q\\\"\"\r\nContent-Type: "
        "x\r\n"
        "\r\ndata\r\n--XX\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n\r\n--XX--";
    for (size_t len = 0; len < sizeof(good) - 1; len++)
        assert_int_equal(parse_n(TYPE, good, len), -1);
    assert_int_equal(parse_n(TYPE, good, sizeof(good) - 1), 0);
    assert_int_equal(n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_and_file, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_part_and_preamble, setup, teardown),
        cmocka_unit_test_setup_teardown(names_in_all_spellings, setup, teardown),
        cmocka_unit_test_setup_teardown(large_binary, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(all_prefixes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
