/* Unit tests of core/base: JSON, errors, messages, the log. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

#define assert_sv(v, text) assert_text((v), (text), __LINE__)
static void assert_text(sv v, const char *text, int line)
{
    if (!sv_eqs(v, text)) fail_msg("line %d: got \"%.*s\", want \"%s\"", line, SVARG(v), text);
}

/* ---- JSON --------------------------------------------------------------- */

static void test_json_parse(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct err e = {0};
    json_t *v;
    assert_int_equal(json_parse(a, SV("{\"a\": \"投\", \"n\": 1, \"e\": \"\"}"), &v, &e), 0);
    assert_sv(json_get_sv(v, "a"), "投");
    assert_null(json_get_sv(v, "n").p);
    assert_null(json_get_sv(v, "missing").p);
    assert_non_null(json_get_sv(v, "e").p);

    const char *bad[] = {"",
                         "{",
                         "{\"a\":1,\"a\":2}",
                         "{\"a\":1}x",
                         "[1,]",
                         "\"\\u0000\"",
                         "\"\xff\"",
                         "[1e999]",
                         "nul",
                         "{'a':1}",
                         "123456789012345678901234"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err_clear(&e);
        if (json_parse(a, sv_of(bad[i]), &v, &e) == 0) fail_msg("%s accepted", bad[i]);
        assert_int_equal(e.status, 400);
        assert_string_equal(e.code, "bad_json");
    }
    err_clear(&e);
    assert_int_equal(json_parse(a, SV("{\n  \"a\": x}"), &v, &e), -1);
    assert_string_equal(e.args[0], "2");
    assert_non_null(e.args[1]);

    char deep[200];
    for (int n = 64; n <= 65; n++) {
        memset(deep, '[', (size_t)n);
        memset(deep + n, ']', (size_t)n);
        err_clear(&e);
        assert_int_equal(json_parse(a, sv_make(deep, (size_t)n * 2), &v, &e), n == 64 ? 0 : -1);
    }
    assert_string_equal(e.args[1], "65");
    err_clear(&e); /* brackets inside strings do not count */
    assert_int_equal(json_parse(a,
                                SV("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                                   "[[[[[[[[[[[[[\\\"[[[\""),
                                &v, &e),
                     0);
    arena_free(a);
}

static void test_json_write(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP;
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", INT64_MAX);
    jsonw_kv_i64(&w, "n", -5);
    jsonw_kv_str(&w, "none", NULL);
    jsonw_kv_sv(&w, "empty", SV(""));
    jsonw_kv_bool(&w, "yes", true);
    jsonw_kv_time(&w, "t", 0);
    jsonw_kv_raw(&w, "raw", SV("[1]"));
    jsonw_kv_raw(&w, "raw0", SV_NULL);
    jsonw_key(&w, SV("list"));
    jsonw_arr(&w);
    jsonw_obj(&w);
    jsonw_end_obj(&w);
    jsonw_arr(&w);
    jsonw_end_arr(&w);
    jsonw_null(&w);
    jsonw_cstr(&w, "x");
    jsonw_end_arr(&w);
    jsonw_kv_bool(&w, "last", false);
    jsonw_end_obj(&w);
    assert_sv(buf_view(&b),
              "{\"id\":\"9223372036854775807\",\"n\":-5,\"none\":null,\"empty\":\"\",\"yes\":true,"
              "\"t\":\"1970-01-01T00:00:00Z\",\"raw\":[1],\"raw0\":null,"
              "\"list\":[{},[],null,\"x\"],\"last\":false}");
    buf_free(&b);
}

static void test_json_strings(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"plain text of more than eight bytes", "\"plain text of more than eight bytes\""},
        {"q\"b\\s/", "\"q\\\"b\\\\s/\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"投票🎉投票🎉", "\"投票🎉投票🎉\""},
        {"bad\xff-bytes\xe6\x8a", "\"bad\xef\xbf\xbd-bytes\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    struct buf b = BUF_HEAP;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct jsonw w = jsonw_on(&b);
        buf_clear(&b);
        jsonw_cstr(&w, pairs[i][0]);
        assert_sv(buf_view(&b), pairs[i][1]);
    }
    /* Every byte at every place of a word: what is written is read back. */
    struct arena *a = arena_new(0);
    for (int c = 1; c < 128; c++) {
        for (size_t at = 0; at < 17; at++) {
            char text[18] = "aaaaaaaaaaaaaaaaa";
            text[at] = (char)c;
            struct jsonw w = jsonw_on(&b);
            struct err e = {0};
            json_t *v;
            buf_clear(&b);
            jsonw_cstr(&w, text);
            assert_int_equal(json_parse(a, buf_view(&b), &v, &e), 0);
            assert_string_equal(json_string_value(v), text);
        }
        arena_reset(a);
    }
    arena_free(a);
    buf_free(&b);
}

static void test_json_numbers_and_values(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP;
    static const struct {
        double v;
        const char *text;
    } numbers[] = {{0, "0"},
                   {-3, "-3"},
                   {0.1, "0.1"},
                   {1e300, "1e+300"},
                   {1.0 / 3, "0.3333333333333333"},
                   {(double)NAN, "null"},
                   {(double)INFINITY, "null"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct jsonw w = jsonw_on(&b);
        buf_clear(&b);
        jsonw_f64(&w, numbers[i].v);
        assert_sv(buf_view(&b), numbers[i].text);
    }

    struct arena *a = arena_new(0);
    struct err e = {0};
    json_t *v;
    const char *text = "[{},[],{\"a\":[1,2.5,true,false,null,\"\\\"\"],\"b\":{\"c\":-1}}]";
    assert_int_equal(json_parse(a, sv_of(text), &v, &e), 0);
    struct jsonw w = jsonw_on(&b);
    buf_clear(&b);
    jsonw_arr(&w);
    jsonw_json(&w, v);
    jsonw_json(&w, NULL);
    jsonw_end_arr(&w);
    sv got = buf_view(&b);
    assert_true(sv_ends(got, SV(",null]")));
    assert_sv(sv_make(got.p + 1, got.n - 7), text);

    /* as deep a value as may come in, put below a deep writer */
    char deep[128];
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    assert_int_equal(json_parse(a, sv_make(deep, 128), &v, &e), 0);
    buf_clear(&b);
    w = jsonw_on(&b);
    for (int i = 0; i < 60; i++)
        jsonw_arr(&w);
    jsonw_json(&w, v);
    for (int i = 0; i < 60; i++)
        jsonw_end_arr(&w);
    assert_int_equal(b.n, 248);
    arena_free(a);
    buf_free(&b);
}

/* ---- errors and messages ------------------------------------------------ */

static void test_err(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(err_is(&e));
    assert_int_equal(err_set(&e, 404, "not_found", NULL), -1);
    err_set(&e, 500, "internal", NULL); /* the first error stays */
    assert_int_equal(e.status, 404);
    assert_string_equal(e.code, "not_found");
    err_internal(&e, "errno %d", 5);
    assert_int_equal(e.status, 404);
    assert_string_equal(e.detail, "errno 5");

    err_clear(&e);
    char name[32], code[32] = "too_long";
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "options.%d.title", i);
        err_field(&e, name, code, "80", NULL);
    }
    memset(code, 'x', sizeof code - 1); /* the error has copies of its own */
    assert_int_equal(e.status, 422);
    assert_string_equal(e.code, "invalid");
    assert_true(e.n_fields > 0 && e.n_fields <= ERR_MAX_FIELDS);
    assert_int_equal(e.n_fields + e.dropped_fields, 40);
    assert_string_equal(e.fields[3].field, "options.3.title");
    assert_string_equal(e.fields[3].code, "too_long");
    assert_string_equal(e.fields[3].args[0], "80");
    assert_null(e.fields[3].args[1]);

    static struct err copy;
    err_copy(&copy, &e);
    memset(&e, 'z', sizeof e);
    assert_string_equal(copy.code, "invalid");
    assert_string_equal(copy.fields[3].field, "options.3.title");
    assert_string_equal(copy.fields[3].args[0], "80");

    /* long texts: cut at a character, and never past the struct */
    err_clear(&e);
    char big[1000];
    for (size_t i = 0; i + 3 < sizeof big; i += 3)
        memcpy(big + i, "票", 4);
    for (int i = 0; i < 30; i++)
        err_field(&e, big, "too_long", big, big, NULL);
    assert_int_equal(e.n_fields + e.dropped_fields, 30);
    assert_true(e.n_fields > 0 && e.used <= sizeof e.text);
    assert_true(sv_utf8_ok(sv_of(e.fields[0].args[0])));
}

static void test_problem(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b = BUF_HEAP;
    err_field(&e, "title", "too_long", "80", NULL);
    err_field(&e, "ends_at", "not_time", NULL);
    err_field(&e, "title", "pattern_mismatch", NULL);
    err_problem(&e, "zh", SV("r-1"), &b);
    assert_sv(buf_view(&b),
              "{\"type\":\"about:blank\",\"title\":\"内容未通过检查\",\"status\":422,"
              "\"code\":\"invalid\",\"detail\":\"部分内容填写有误，请检查标出的字段。\","
              "\"fields\":{\"title\":\"最多 80 个字符。; 格式不符合要求。\","
              "\"ends_at\":\"不是有效的时间，应为 2026-01-31T08:00:00+08:00 这样的格式。\"},"
              "\"request_id\":\"r-1\"}");
    struct arena *a = arena_new(0);
    struct err none = {0};
    json_t *v;
    assert_int_equal(json_parse(a, buf_view(&b), &v, &none), 0);

    err_clear(&e);
    err_set(&e, 418, "teapot", NULL); /* neither status nor code is known */
    err_detail(&e, "secret for the log");
    buf_clear(&b);
    err_problem(&e, "en", SV_NULL, &b);
    assert_sv(buf_view(&b), "{\"type\":\"about:blank\",\"title\":\"Bad request\",\"status\":418,"
                            "\"code\":\"teapot\",\"detail\":\"teapot\"}");
    arena_free(a);
    buf_free(&b);
}

static void test_msg(void **state)
{
    (void)state;
    assert_string_equal(msg_text("zh", "required"), "必填。");
    assert_string_equal(msg_text("zh-CN", "required"), "必填。");
    assert_string_equal(msg_text("en", "required"), "This is required.");
    assert_string_equal(msg_text(NULL, "required"), "This is required.");
    assert_string_equal(msg_text("en", "no.such.id"), "no.such.id");

    /* the catalogue survives growth */
    char id[32], text[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "test.m%d", i);
        snprintf(text, sizeof text, "text %d", i);
        msg_add(id, NULL, text);
    }
    assert_string_equal(msg_text("zh", "test.m1999"), "text 1999");
    assert_string_equal(msg_text("en", "test.m0"), "text 0");
    assert_string_equal(msg_text("zh", "not_found"), "要找的内容不存在，或您无权查看。");
    msg_add("test.m0", "新", "new");
    assert_string_equal(msg_text("zh", "test.m0"), "新");

    msg_add("test.args", NULL, "{1}{0}{9} {} {2}{");
    struct buf b = BUF_HEAP;
    msg_format(&b, "en", "test.args", (const char *const[3]){"a", "b", NULL});
    assert_sv(buf_view(&b), "ba{9} {} {");
    buf_free(&b);
}

static void test_log(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    log_init(LOG_INFO, fd[1]);
    errno = EAGAIN;
    log_line(LOG_DEBUG, "base", "not shown");
    log_line(LOG_WARN, "base", "say \"%s\"\n\xff", "hello");
    assert_int_equal(errno, EAGAIN);
    char line[512];
    ssize_t n = read(fd[0], line, sizeof line);
    assert_true(n > 0);
    struct arena *a = arena_new(0);
    struct err e = {0};
    json_t *v;
    assert_int_equal(json_parse(a, sv_make(line, (size_t)n), &v, &e), 0);
    assert_sv(json_get_sv(v, "level"), "warn");
    assert_sv(json_get_sv(v, "room"), "base");
    assert_sv(json_get_sv(v, "msg"), "say \"hello\"\n\xef\xbf\xbd");
    int64_t t;
    assert_true(clock_parse(json_get_sv(v, "t"), &t));
    arena_free(a);

    static char big[10000];
    memset(big, 'x', sizeof big - 1);
    log_line(LOG_ERROR, "base", "%s", big);
    static char got[20000];
    n = read(fd[0], got, sizeof got);
    assert_true(n > 4000 && n < 4400 && got[n - 1] == '\n');
    log_init(LOG_INFO, STDERR_FILENO);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_parse),   cmocka_unit_test(test_json_write),
        cmocka_unit_test(test_json_strings), cmocka_unit_test(test_json_numbers_and_values),
        cmocka_unit_test(test_err),          cmocka_unit_test(test_problem),
        cmocka_unit_test(test_msg),          cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests_name("base_text", tests, NULL, NULL);
}
