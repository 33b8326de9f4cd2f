/* B-38: lists of addresses and the bucket of a key. Pure functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "auth/room.h"

static bool from(const char *list, const char *address)
{
    struct cidr c[KEY_MAX_ADDRESSES];
    bool good;
    size_t n = cidr_list(sv_of(list), c, KEY_MAX_ADDRESSES, &good);
    for (size_t i = 0; i < n; i++)
        if (cidr_has(&c[i], sv_of(address))) return true;
    return false;
}

static void addresses(void **state)
{
    (void)state;
    assert_true(from("203.0.113.0/24", "203.0.113.200"));
    assert_false(from("203.0.113.0/24", "203.0.114.1"));
    assert_true(from("203.0.113.7", "203.0.113.7"));
    assert_false(from("203.0.113.7", "203.0.113.8"));
    assert_true(from("10.0.0.0/9", "10.127.255.255"));
    assert_false(from("10.0.0.0/9", "10.128.0.0"));
    assert_true(from("192.0.2.1,\n 2001:db8::/33;198.51.100.0/31", "2001:db8:7fff::1"));
    assert_false(from("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(from("198.51.100.0/31", "198.51.100.1"));
    assert_true(from("198.51.100.0/31", "::ffff:198.51.100.1"));
    assert_true(from("0.0.0.0/0", "8.8.8.8"));
    assert_false(from("0.0.0.0/0", "2001:db8::1"));
    assert_false(from("203.0.113.0/24", "nonsense"));
    static const char *const bad[] = {"203.0.113.0/33", "203.0.113", "a", "::/129", "1.2.3.4/",
                                      "1.2.3.4/-1",     "1.2.3.4 x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(auth_addresses_ok(sv_of(bad[i])));
    assert_true(auth_addresses_ok(SV("")));
    assert_true(auth_addresses_ok(SV(" ::1/128 , 1.2.3.4/0\n")));
}

static void bucket(void **state)
{
    (void)state;
    int64_t full = 0, now = 1000000000;
    for (unsigned i = 0; i < 60; i++) {
        struct rate_answer a = rate_take(&full, 60, now);
        assert_true(a.ok);
        assert_int_equal(a.limit, 60);
        assert_int_equal(a.remaining, 59 - i);
        assert_int_equal(a.reset_s, (int)i + 1);
    }
    struct rate_answer a = rate_take(&full, 60, now);
    assert_false(a.ok);
    assert_int_equal(a.remaining, 0);
    assert_int_equal(a.retry_s, 1);
    a = rate_take(&full, 60, now + 999999);
    assert_false(a.ok);
    a = rate_take(&full, 60, now + 1000000);
    assert_true(a.ok);
    assert_false(rate_take(&full, 60, now + 1000000).ok);
    /* after a minute of rest it is full again */
    a = rate_take(&full, 60, now + 70000000);
    assert_true(a.ok);
    assert_int_equal(a.remaining, 59);
}

static void one_a_minute(void **state)
{
    (void)state;
    int64_t full = 0;
    assert_true(rate_take(&full, 1, 5).ok);
    struct rate_answer a = rate_take(&full, 1, 6);
    assert_false(a.ok);
    assert_int_equal(a.retry_s, 60);
    assert_true(rate_take(&full, 1, 5 + 60000000).ok);
}

static void keys_apart(void **state)
{
    (void)state;
    int64_t now = 1000000000;
    assert_true(rate_of_key(1, 1, now).ok);
    assert_false(rate_of_key(1, 1, now).ok);
    assert_true(rate_of_key(2, 1, now).ok);
    /* more keys than the table holds: it stays bounded, nobody is refused for another's sake */
    for (int64_t k = 100; k < 20000; k++) assert_true(rate_of_key(k, 2, now).ok);
}

static void tokens(void **state)
{
    struct auth_key_secret s;
    (void)state;
    auth_key_make(&s);
    assert_true(token_key_ok(sv_of(s.token)));
    assert_true(sv_starts(sv_of(s.token), SV("atk_")));
    assert_int_equal(s.token[s.prefix_n], '_');
    assert_false(token_key_ok(sv_make(s.token, strlen(s.token) - 1)));
    s.token[20] = '\'';
    assert_false(token_key_ok(sv_of(s.token)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),  cmocka_unit_test(bucket), cmocka_unit_test(one_a_minute),
        cmocka_unit_test(keys_apart), cmocka_unit_test(tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
