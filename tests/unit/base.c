/* Unit tests of core/base: text, memory, encodings, clock, ids, random. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

#define assert_sv(v, text) assert_text((v), (text), __LINE__)
static void assert_text(sv v, const char *text, int line)
{
    if (!sv_eqs(v, text)) fail_msg("line %d: got \"%.*s\", want \"%s\"", line, SVARG(v), text);
}

/* ---- sv ----------------------------------------------------------------- */

static void test_sv(void **state)
{
    (void)state;
    assert_true(sv_ieq(SV("Content-Type"), SV("content-tYPE")));
    assert_false(sv_ieq(SV("a["), SV("a{")));
    assert_true(sv_starts(SV("abc"), SV("ab")) && sv_starts(SV("abc"), SV("")));
    assert_false(sv_starts(SV("a"), SV("ab")));
    assert_true(sv_ends(SV("x.yaml"), SV(".yaml")) && !sv_ends(SV("yaml"), SV(".yaml")));
    assert_sv(sv_trim(SV(" \t a b\r\n")), "a b");
    assert_int_equal(sv_trim(SV("  ")).n, 0);
    assert_true(sv_cmp(SV("a"), SV("ab")) < 0 && sv_cmp(SV("b"), SV("ab")) > 0);
    assert_int_equal(sv_cmp(SV_NULL, SV("")), 0);

    sv rest, head = sv_cut(SV("a=b=c"), '=', &rest);
    assert_sv(head, "a");
    assert_sv(rest, "b=c");
    head = sv_cut(SV("abc"), '=', &rest);
    assert_sv(head, "abc");
    assert_null(rest.p);
    sv_cut(SV("abc="), '=', &rest);
    assert_non_null(rest.p);
    assert_int_equal(rest.n, 0);

    assert_true(sv_eq_const_time(SV("same"), SV("same")));
    assert_false(sv_eq_const_time(SV("same"), SV("samf")));
    assert_false(sv_eq_const_time(SV("same"), SV("sam")));
    assert_int_not_equal(sv_hash(SV("a")), sv_hash(SV("b")));
}

static void test_sv_numbers(void **state)
{
    (void)state;
    int64_t i;
    uint64_t u;
    assert_true(sv_i64(SV("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(sv_i64(SV("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(sv_u64(SV("18446744073709551615"), &u) && u == UINT64_MAX);
    const char *bad[] = {"",
                         "-",
                         "+1",
                         " 1",
                         "1 ",
                         "1a",
                         "0x1",
                         "9223372036854775808",
                         "-9223372036854775809",
                         "18446744073709551616",
                         "--1",
                         "1.0"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        if (sv_i64(sv_of(bad[k]), &i)) fail_msg("\"%s\" read as an integer", bad[k]);
    assert_false(sv_u64(SV("-1"), &u));
    assert_false(sv_u64(SV("18446744073709551616"), &u));
    assert_false(sv_u64(SV("99999999999999999999"), &u));
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(sv_utf8_ok(SV("")) && sv_utf8_ok(SV("a\xc2\x80")) && sv_utf8_ok(SV("投票🎉")));
    assert_int_equal(sv_utf8_len(SV("投票🎉a")), 4);
    const char *bad[] = {"\x80",
                         "\xc0\xaf",
                         "\xc1\xbf",
                         "\xc3",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xe6\x8a",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xff",
                         "a\xe6\x8a-"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        if (sv_utf8_ok(sv_of(bad[k]))) fail_msg("malformed text %zu passed", k);
}

/* ---- arena and buf ------------------------------------------------------ */

static void note(void *arg)
{
    char *order = arg;
    size_t n = strlen(order);
    order[n] = (char)('a' + n);
    order[n + 1] = '\0';
}

static char seen[4];
static void push_1(void *arg)
{
    (void)arg;
    strncat(seen, "1", sizeof seen - strlen(seen) - 1);
}
static void push_2(void *arg)
{
    (void)arg;
    strncat(seen, "2", sizeof seen - strlen(seen) - 1);
}

static void test_arena(void **state)
{
    (void)state;
    struct arena *a = arena_new(64);
    unsigned char *last[200];
    for (size_t i = 0; i < 200; i++) {
        last[i] = arena_alloc(a, i * 7);
        assert_int_equal((uintptr_t)last[i] % 16, 0);
        memset(last[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(last[i][k], (unsigned char)i);
    assert_true(arena_used(a) >= 200 * 199 / 2 * 7);

    unsigned char *z = arena_zalloc(a, 1 << 20);
    for (size_t k = 0; k < 1 << 20; k += 4096)
        assert_int_equal(z[k], 0);

    char order[8] = "";
    arena_on_free(a, note, order);
    arena_on_free(a, push_1, NULL);
    arena_on_free(a, push_2, NULL);
    arena_reset(a);
    assert_string_equal(order, "a");
    assert_string_equal(seen, "21"); /* last registered first */
    assert_int_equal(arena_used(a), 0);

    assert_sv(arena_printf(a, "%d-%s", 42, "x"), "42-x");
    assert_string_equal(arena_str(a, SV_NULL), "");
    char *p = arena_alloc(a, 10);
    memcpy(p, "0123456789", 10);
    assert_true(arena_extend(a, p, 10, 20));
    assert_memory_equal(p, "0123456789", 10);
    assert_false(arena_extend(a, p, 20, 1 << 20));
    arena_alloc(a, 1);
    assert_false(arena_extend(a, p, 20, 30));
    arena_free(a);
    assert_string_equal(order, "a"); /* not called twice */
    arena_free(NULL);
}

static void fill(struct buf *b)
{
    for (int i = 0; i < 5000; i++)
        buf_printf(b, "%d,", i);
    assert_int_equal(b->n, 10 * 2 + 90 * 3 + 900 * 4 + 4000 * 5);
    assert_memory_equal(b->p + b->n - 10, "4998,4999,", 10);
    buf_free(b);
    assert_int_equal(b->n, 0);
}

static void test_buf(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP;
    fill(&b);
    struct arena *a = arena_new(0);
    struct buf in = BUF_IN(a);
    fill(&in);
    fill(&in); /* may be used again after buf_free */

    const int64_t numbers[] = {0, 7, 10, 99, 100, 12345, -1, -100, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char want[32];
        snprintf(want, sizeof want, "%lld", (long long)numbers[i]);
        buf_clear(&b);
        buf_i64(&b, numbers[i]);
        assert_sv(buf_view(&b), want);
    }
    buf_free(&b);
    arena_free(a);
}

static void test_encodings(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP, back = BUF_HEAP;
    buf_hex(&b, "\x00\xff\x1a", 3);
    assert_sv(buf_view(&b), "00ff1a");

    const char *pairs[][2] = {
        {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xfb\xff\xbf", "-_-_"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buf_clear(&b);
        buf_base64url(&b, pairs[i][0], strlen(pairs[i][0]));
        assert_sv(buf_view(&b), pairs[i][1]);
        buf_clear(&back);
        assert_int_equal(buf_unbase64url(&back, buf_view(&b)), 0);
        assert_sv(buf_view(&back), pairs[i][0]);
    }
    unsigned char raw[256];
    for (size_t n = 0; n < sizeof raw; n++) {
        rand_bytes(raw, sizeof raw);
        buf_clear(&b);
        buf_clear(&back);
        buf_base64url(&b, raw, n);
        assert_int_equal(buf_unbase64url(&back, buf_view(&b)), 0);
        assert_true(sv_eq(buf_view(&back), sv_make((char *)raw, n)));
    }
    /* padding, alphabet of the other base64, loose bits, impossible length */
    const char *bad64[] = {"Zg==", "Zm+v", "Zh", "Zm9", "Z"};
    buf_clear(&back);
    for (size_t i = 0; i < sizeof bad64 / sizeof *bad64; i++)
        if (buf_unbase64url(&back, sv_of(bad64[i])) == 0) fail_msg("%s accepted", bad64[i]);
    assert_int_equal(back.n, 0);

    assert_int_equal(buf_urldecode(&back, SV("a%20b+c%E6%8a%95"), true), 0);
    assert_sv(buf_view(&back), "a b c投");
    buf_clear(&back);
    assert_int_equal(buf_urldecode(&back, SV("a+b"), false), 0);
    assert_sv(buf_view(&back), "a+b");
    const char *badurl[] = {"%", "%2", "a%zz", "%2g"};
    for (size_t i = 0; i < sizeof badurl / sizeof *badurl; i++)
        assert_int_equal(buf_urldecode(&back, sv_of(badurl[i]), true), -1);
    buf_clear(&b);
    buf_urlencode(&b, SV("a-._~/ é"));
    assert_sv(buf_view(&b), "a-._~%2F%20%C3%A9");
    buf_free(&b);
    buf_free(&back);
}

/* ---- clock and ids ------------------------------------------------------ */

static void test_clock(void **state)
{
    (void)state;
    static const struct {
        const char *text, *back;
        int64_t us;
    } good[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
        {"2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z", 1795176000000000},
        {"2026-11-20T20:00:00+08:00", "2026-11-20T12:00:00Z", 1795176000000000},
        {"2024-02-29t23:59:59.5z", "2024-02-29T23:59:59.500Z", 1709251199500000},
        {"2024-02-29 23:59:59.1234567Z", "2024-02-29T23:59:59.123Z", 1709251199123456},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", -1000},
        {"2000-02-29T00:00:00-00:30", "2000-02-29T00:30:00Z", 951784200000000},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", 1483228800000000},
        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", 253402300799000000},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", -62135596800000000},
    };
    char out[32];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t us;
        if (!clock_parse(sv_of(good[i].text), &us)) fail_msg("%s refused", good[i].text);
        assert_int_equal(us, good[i].us);
        assert_int_equal(clock_rfc3339(us, out), strlen(good[i].back));
        assert_string_equal(out, good[i].back);
    }
    const char *bad[] = {"",
                         "2026-11-20",
                         "2026-11-20T12:00:00",
                         "2026-13-01T00:00:00Z",
                         "2026-00-01T00:00:00Z",
                         "2025-02-29T00:00:00Z",
                         "1900-02-29T00:00:00Z",
                         "2026-04-31T00:00:00Z",
                         "2026-01-00T00:00:00Z",
                         "2026-01-01T24:00:00Z",
                         "2026-01-01T00:60:00Z",
                         "2026-01-01T00:00:60Z",
                         "2026-01-01T00:00:00.Z",
                         "2026-01-01T00:00:00Zx",
                         "2026-01-01T00:00:00+8:00",
                         "2026-01-01T00:00:00+24:00",
                         "2026-1-01T00:00:00Z",
                         "2026-01-01T00:00:00+0800",
                         "2026-01-01T00:00"};
    int64_t us;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (clock_parse(sv_of(bad[i]), &us)) fail_msg("%s accepted", bad[i]);

    clock_mysql(1709251199123456, out);
    assert_string_equal(out, "2024-02-29 23:59:59.123456");
    clock_mysql(INT64_MAX, out); /* clamped to what four digits can say */
    assert_string_equal(out, "9999-12-31 23:59:59.999999");
    clock_rfc3339(INT64_MIN, out);
    assert_string_equal(out, "0000-01-01T00:00:00Z");

    /* every day of 800 years, against the C library */
    for (int64_t day = -146097; day < 146097; day++) {
        time_t t = day * 86400;
        struct tm tm;
        char want[32];
        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT00:00:00Z", &tm);
        clock_rfc3339(day * 86400 * 1000000, out);
        assert_string_equal(out, want);
        assert_true(clock_parse(sv_of(out), &us) && us == day * 86400 * 1000000);
    }

    assert_int_equal(clock_day(0, 480), 0);
    assert_int_equal(clock_day(57600LL * 1000000 - 1, 480), 0);
    assert_int_equal(clock_day(57600LL * 1000000, 480), 1); /* midnight in China */
    assert_int_equal(clock_day(-1, 0), -1);

    int64_t before = clock_now_us(), mono = clock_mono_us();
    clock_set_offset_us(3600 * 1000000LL);
    int64_t moved = clock_now_us() - before;
    clock_set_offset_us(0);
    assert_true(moved >= 3600 * 1000000LL && moved < 3660 * 1000000LL);
    assert_true(clock_mono_us() - mono < 60 * 1000000LL);
}

#define ID_THREADS 4
#define ID_EACH 20000
static int64_t made[ID_THREADS][ID_EACH];

static void *make_ids(void *arg)
{
    int64_t *out = arg;
    for (int i = 0; i < ID_EACH; i++)
        out[i] = id_next();
    return NULL;
}

static int cmp_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void test_ids(void **state)
{
    (void)state;
    id_init(1023);
    int64_t now = clock_now_us(), id = id_next();
    assert_true(id > 0);
    assert_true(llabs(id_time_us(id) - now) < 2000000);
    assert_int_equal(id >> 12 & 1023, 1023);

    clock_set_offset_us(-86400LL * 1000000); /* the clock steps back */
    for (int i = 0; i < 10000; i++) {
        int64_t next = id_next();
        assert_true(next > id);
        id = next;
    }
    clock_set_offset_us(0);

    pthread_t t[ID_THREADS];
    for (int i = 0; i < ID_THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, make_ids, made[i]), 0);
    for (int i = 0; i < ID_THREADS; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < ID_THREADS; i++)
        for (int k = 1; k < ID_EACH; k++)
            assert_true(made[i][k] > made[i][k - 1]);
    qsort(made, ID_THREADS * ID_EACH, sizeof(int64_t), cmp_i64);
    const int64_t *all = made[0];
    for (int i = 1; i < ID_THREADS * ID_EACH; i++)
        assert_int_not_equal(all[i], all[i - 1]);
}

static void test_rand(void **state)
{
    (void)state;
    unsigned count[6] = {0};
    for (int i = 0; i < 6000; i++)
        count[rand_below(6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(count[i], 800, 1200); /* 7 sigma */
    assert_int_equal(rand_below(1), 0);
    char a[41], b[41];
    rand_text(a, 40);
    rand_text(b, 40);
    assert_int_equal(strlen(a), 40);
    assert_string_not_equal(a, b);
    assert_null(strpbrk(a, "0O1lI"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sv),    cmocka_unit_test(test_sv_numbers),
        cmocka_unit_test(test_utf8),  cmocka_unit_test(test_arena),
        cmocka_unit_test(test_buf),   cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_clock), cmocka_unit_test(test_ids),
        cmocka_unit_test(test_rand),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
