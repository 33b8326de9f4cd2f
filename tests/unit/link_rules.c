/* B-38: webhooks' rules as pure functions: events, back-off, giving up, signature,
 * addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "link/room.h"

#define WANT "38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789"

static void events(void **state)
{
    (void)state;
    sv e = SV("vote.poll.created");
    assert_true(webhook_wants(SV("vote.poll.created"), e));
    assert_true(webhook_wants(SV("a.b.c\n vote.poll.*"), e));
    assert_true(webhook_wants(SV("vote.*"), e));
    assert_true(webhook_wants(SV("*"), e));
    assert_false(webhook_wants(SV("vote.poll.updated,vote.ballot.*"), e));
    assert_false(webhook_wants(SV("vote.pol.*"), e));
    assert_false(webhook_wants(SV("vote.poll"), e));
    assert_false(webhook_wants(SV(""), e));
}

static void back_off(void **state)
{
    (void)state;
    assert_int_equal(webhook_delay_us(1, 200), 5000000);
    assert_int_equal(webhook_delay_us(1, 0), 4000000);
    assert_int_equal(webhook_delay_us(1, 400), 6000000);
    assert_int_equal(webhook_delay_us(2, 200), 30000000);
    for (unsigned n = 2; n < 40; n++) {
        assert_true(webhook_delay_us(n, 200) >= webhook_delay_us(n - 1, 200));
        for (unsigned j = 0; j < 1000; j += 37)
            assert_in_range(webhook_delay_us(n, j), 4000000, INT64_C(86400000000));
    }
    assert_int_equal(webhook_delay_us(40, 400), INT64_C(86400000000));
}

static void giving_up(void **state)
{
    (void)state;
    const int64_t hour = INT64_C(3600000000), now = 100 * hour;
    assert_true(webhook_gives_up(410, 1, now, now));
    assert_false(webhook_gives_up(500, 500, now - hour + 1, now)); /* a burst is no hour */
    assert_false(webhook_gives_up(500, 19, now - 9 * hour, now));
    assert_true(webhook_gives_up(0, 20, now - hour, now));
}

static void signature(void **state)
{
    struct buf b = BUF_HEAP;
    (void)state;
    webhook_sign(&b, SV("whsec_test"), SV_NULL, INT64_C(1700000000999999), SV("{\"a\":1}"));
    /* printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test */
    sv want = SV("t=1700000000,v1=" WANT);
    assert_int_equal(b.n, want.n);
    assert_memory_equal(b.p, want.p, want.n);
    buf_clear(&b);
    webhook_sign(&b, SV("new"), SV("whsec_test"), INT64_C(1700000000000000), SV("{\"a\":1}"));
    assert_int_equal(b.n, want.n + 4 + 64);
    assert_true(sv_ends(buf_view(&b), SV(",v1=" WANT)));
    buf_free(&b);
}

static void addresses(void **state)
{
    (void)state;
    assert_true(webhook_url_ok(SV("https://example.com/x?y=1"), false));
    assert_true(webhook_url_ok(SV("https://example.com:8443"), false));
    assert_false(webhook_url_ok(SV("http://example.com/"), false));
    assert_true(webhook_url_ok(SV("http://example.com/"), true));
    static const char *const bad[] = {"https://",       "https:///x",          "https://:80/",
                                      "https://a@b/",   "https://a b/",        "https://a/\n",
                                      "https://a/#x",   "file:///etc/passwd",  "gopher://a/",
                                      "https://a\\@b/", "//example.com/", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(webhook_url_ok(sv_of(bad[i]), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),    cmocka_unit_test(back_off),  cmocka_unit_test(giving_up),
        cmocka_unit_test(signature), cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
