/* auth: the rules of logging in that need no database. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "auth/jwt.h"
#include "auth/login.h"

#define SECOND 1000000LL
#define DAY (86400 * SECOND)

static struct arena *a;

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

/* ---- RFC 6238, appendix B (SHA-1) ---------------------------------------------------------- */

static void test_totp_vectors(void **state)
{
    static const struct { int64_t at; uint32_t code; } vectors[] = {
        {59, 94287082},          {1111111109, 7081804},   {1111111111, 14050471},
        {1234567890, 89005924},  {2000000000, 69279037},  {20000000000, 65353130},
    };
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_int_equal(totp_code(SV("12345678901234567890"),
                                   totp_step(vectors[i].at * SECOND), 100000000),
                         vectors[i].code);
}

static void test_totp_window(void **state)
{
    sv secret = SV("12345678901234567890");
    int64_t now = 1111111111 * SECOND, step = totp_step(now);
    char text[16];
    (void)state;
    for (int d = -3; d <= 3; d++) {
        snprintf(text, sizeof text, "%06u", totp_code(secret, step + d, 1000000));
        assert_int_equal(totp_check(secret, sv_of(text), now, 0), d >= -1 && d <= 1 ? step + d : 0);
    }
    snprintf(text, sizeof text, "%06u", totp_code(secret, step, 1000000));
    assert_int_equal(totp_check(secret, sv_of(text), now, step), 0);      /* once */
    assert_int_equal(totp_check(secret, sv_of(text), now, step - 1), step);
    assert_int_equal(totp_check(secret, SV("05047"), now, 0), 0);
    assert_int_equal(totp_check(secret, SV("0504 1"), now, 0), 0);
    assert_int_equal(totp_check(secret, SV(""), now, 0), 0);
}

static void test_totp_texts(void **state)
{
    struct buf b = BUF_IN(a), uri = BUF_IN(a);
    (void)state;
    totp_base32(&b, SV("12345678901234567890"));
    assert_string_equal(arena_str(a, buf_view(&b)), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    totp_uri(&uri, SV("A&B"), SV("anna"), SV("GEZD"));
    assert_string_equal(arena_str(a, buf_view(&uri)),
                        "otpauth://totp/A%26B:anna?secret=GEZD&issuer=A%26B");
}

/* ---- steps, rules -------------------------------------------------------------------------- */

static void test_steps(void **state)
{
    struct auth_rules r = rules_default(NULL);
    struct person who = {.kind = AUTH_STAFF, .id = 1, .changed_at = 100 * DAY};
    struct steps s = {.by = "password"};
    int64_t now = 200 * DAY;
    (void)state;
    assert_null(steps_next(&r, &who, true, false, &s, now));
    assert_string_equal(steps_next(&r, &who, false, true, &s, now), "totp");
    r.totp = AUTH_TOTP_ADMINS;
    assert_null(steps_next(&r, &who, false, false, &s, now));
    assert_string_equal(steps_next(&r, &who, true, false, &s, now), "enrol");
    r.totp = AUTH_TOTP_ALL;
    assert_string_equal(steps_next(&r, &who, false, false, &s, now), "enrol");
    r.password_days = 90;
    s.passed = PASSED_FACTOR;
    assert_string_equal(steps_next(&r, &who, false, true, &s, now), "password");
    s.by = "code";                                       /* nobody typed a password */
    assert_null(steps_next(&r, &who, false, true, &s, now));
    s.by = "password";
    s.passed |= PASSED_PASSWORD;
    assert_null(steps_next(&r, &who, false, true, &s, now));
    r.password_days = 0;
    s.passed = PASSED_FACTOR;
    who.must_change = true;
    assert_string_equal(steps_next(&r, &who, false, true, &s, now), "password");
}

static void test_rules(void **state)
{
    struct auth_rules r = rules_default(NULL);
    (void)state;
    rules_take(&r, SV("totp"), SV("\"admins\""));
    rules_take(&r, SV("devices"), SV("\"roles\""));
    rules_take(&r, SV("password_min"), SV("14"));
    rules_take(&r, SV("captcha_codes"), SV("true"));
    rules_take(&r, SV("lock_after"), SV("-1"));          /* not taken */
    rules_take(&r, SV("idle_minutes"), SV("\"x\""));
    assert_int_equal(r.totp, AUTH_TOTP_ADMINS);
    assert_int_equal(r.devices, AUTH_DEVICES_ROLES);
    assert_int_equal(r.password_min, 14);
    assert_true(r.captcha_codes);
    assert_int_equal(r.lock_after, 5);
    assert_int_equal(r.idle_minutes, 120);
}

/* What the manifest says a setting is without a value is what the room goes by. */
static void test_defaults_agree(void **state)
{
    struct cfg_errors e = {.a = a, .file = "core", .text = BUF_IN(a)};
    struct auth_rules of_room = rules_default(NULL), of_manifest = {.lock_after = 5,
        .lock_minutes = 15, .idle_minutes = 120, .session_hours = 168};
    struct mf_manifest *m;
    (void)state;
    if (cfg_load_manifest(a, TEST_TOP "/core/auth/manifest", &m, &e) != 0)
        fail_msg("%.*s", SVARG(buf_view(&e.text)));
    for (size_t i = 0; i < m->n_settings; i++)
        if (m->settings[i].field.has_default)
            rules_take(&of_manifest, sv_of(m->settings[i].field.name), m->settings[i].field.dflt);
    assert_memory_equal(&of_room, &of_manifest, sizeof of_room);
}

static void test_password_rules(void **state)
{
    struct auth_rules r = rules_default(NULL);
    struct err e = {0};
    (void)state;
    assert_int_equal(password_rules_check(&r, SV("River7stone"), SV("anna"), "new", &e), 0);
    r.password_min = 12;
    assert_int_equal(password_rules_check(&r, SV("River7stone"), SV("anna"), "new", &e), -1);
    assert_string_equal(e.fields[0].code, "too_short");
    assert_string_equal(e.fields[0].args[0], "12");
    err_clear(&e);
    r.password_kinds = 4;
    assert_int_equal(password_rules_check(&r, SV("River7stonestone"), SV("anna"), "new", &e), -1);
    assert_string_equal(e.fields[0].args[0], "4");
    assert_false(password_due(&r, false, 0, 5000 * DAY));
    r.password_days = 90;
    assert_true(password_due(&r, false, 100 * DAY, 191 * DAY));
    assert_false(password_due(&r, false, 100 * DAY, 190 * DAY));
    assert_true(password_due(&r, true, 190 * DAY, 190 * DAY));
}

/* ---- captcha -------------------------------------------------------------------------------- */

static void test_captcha(void **state)
{
    struct err e = {0};
    sv one, two, three;
    (void)state;
    assert_false(captcha_wanted(0, 100, 1000));
    assert_false(captcha_wanted(3, 2, 29));
    assert_true(captcha_wanted(3, 3, 0));
    assert_true(captcha_wanted(3, 0, 30));
    for (int i = 0; i < 200; i++) {
        sv text = captcha_text(a);
        assert_int_equal(text.n, 5);
        for (size_t k = 0; k < text.n; k++) assert_null(strchr("0O1IlSBQDGZ", text.p[k]));
    }
    assert_int_equal(captcha_draw(a, SV("A2C4E"), 7, &one, &e), 0);
    assert_int_equal(captcha_draw(a, SV("A2C4E"), 7, &two, &e), 0);
    assert_int_equal(captcha_draw(a, SV("A2C4E"), 8, &three, &e), 0);
    assert_true(sv_starts(one, SV("\x89PNG\r\n")));
    assert_true(sv_eq(one, two));
    assert_false(sv_eq(one, three));
    assert_true(captcha_equal(SV(" a2c4e "), SV("A2C4E")));
    assert_false(captcha_equal(SV("A2C4"), SV("A2C4E")));
    assert_false(captcha_equal(SV(""), SV("")));
}

/* ---- tokens ----------------------------------------------------------------------------------- */

static EVP_PKEY *ed;

static sv b64(sv v)
{
    struct buf b = BUF_IN(a);
    buf_base64url(&b, v.p, v.n);
    return buf_view(&b);
}

static json_t *key_set(const char *kid)
{
    unsigned char raw[32];
    size_t n = sizeof raw;
    json_t *out;
    struct err e = {0};
    assert_int_equal(EVP_PKEY_get_raw_public_key(ed, raw, &n), 1);
    sv text = arena_printf(a, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\","
                              "\"x\":\"%.*s\"}]}", kid, SVARG(b64(sv_make((char *)raw, n))));
    assert_int_equal(json_parse(a, text, &out, &e), 0);
    return out;
}

static sv sign_it(const char *header, const char *claims)
{
    sv text = arena_printf(a, "%.*s.%.*s", SVARG(b64(sv_of(header))), SVARG(b64(sv_of(claims))));
    unsigned char sig[64];
    size_t n = sizeof sig;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, ed), 1);
    assert_int_equal(EVP_DigestSign(c, sig, &n, (const unsigned char *)text.p, text.n), 1);
    EVP_MD_CTX_free(c);
    return arena_printf(a, "%.*s.%.*s", SVARG(text), SVARG(b64(sv_make((char *)sig, n))));
}

#define GOOD "{\"iss\":\"https://i\",\"aud\":\"me\",\"exp\":1300,\"iat\":1000,\"nonce\":\"n\",\"sub\":\"s\"}"
#define ED "{\"alg\":\"EdDSA\",\"kid\":\"k\"}"

static const char *verdict(sv token, json_t *keys)
{
    static char why[300];
    struct jwt_want want = {SV("https://i"), SV("me"), SV("n"), 1010 * SECOND};
    struct err e = {0};
    json_t *claims;
    bool unknown;
    if (jwt_verify(a, token, keys, &want, &claims, &unknown, &e) == 0) return "good";
    assert_int_equal(e.status, 401);
    snprintf(why, sizeof why, "%s", e.detail);
    return why;
}

static void test_jwt(void **state)
{
    (void)state;
    ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    json_t *keys = key_set("k");
    sv good = sign_it(ED, GOOD);
    assert_string_equal(verdict(good, keys), "good");
    assert_string_equal(verdict(sign_it("{\"alg\":\"EdDSA\"}", GOOD), keys), "good");
    assert_string_equal(verdict(good, key_set("other")), "token: no such key");
    assert_string_equal(verdict(sign_it("{\"alg\":\"none\",\"kid\":\"k\"}", GOOD), keys),
                        "token: an algorithm that is not taken");
    assert_string_equal(verdict(sign_it("{\"alg\":\"HS256\",\"kid\":\"k\"}", GOOD), keys),
                        "token: an algorithm that is not taken");
    assert_string_equal(verdict(sign_it("{\"alg\":\"RS256\",\"kid\":\"k\"}", GOOD), keys),
                        "token: no such key");
    assert_string_equal(verdict(sign_it("{\"alg\":\"EdDSA\",\"kid\":\"k\",\"crit\":[\"x\"]}", GOOD),
                                keys), "token: critical extensions");
    char *bent = arena_str(a, good);
    bent[good.n - 3] = bent[good.n - 3] == 'A' ? 'B' : 'A';
    assert_string_equal(verdict(sv_make(bent, good.n), keys), "token: the signature is not right");
    assert_string_equal(verdict(SV("a.b"), keys), "token: malformed");
    assert_string_equal(verdict(SV(""), keys), "token: malformed");
    assert_string_equal(verdict(SV("..."), keys), "token: malformed");
    EVP_PKEY *mine = ed;
    ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");       /* somebody else's key */
    sv forged = sign_it(ED, GOOD);
    assert_string_equal(verdict(forged, keys), "token: the signature is not right");
    EVP_PKEY_free(ed);
    ed = mine;
    static const struct { const char *claims, *why; } bad[] = {
        {"{\"iss\":\"https://j\",\"aud\":\"me\",\"exp\":1300,\"iat\":1000,\"nonce\":\"n\",\"sub\":\"s\"}", "token: another issuer"},
        {"{\"iss\":\"https://i\",\"aud\":\"you\",\"exp\":1300,\"iat\":1000,\"nonce\":\"n\",\"sub\":\"s\"}", "token: not for us"},
        {"{\"iss\":\"https://i\",\"aud\":[\"me\",\"x\"],\"exp\":1300,\"iat\":1000,\"nonce\":\"n\",\"sub\":\"s\"}", "token: several audiences without azp"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"azp\":\"x\",\"exp\":1300,\"iat\":1000,\"nonce\":\"n\",\"sub\":\"s\"}", "token: another azp"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"exp\":800,\"iat\":700,\"nonce\":\"n\",\"sub\":\"s\"}", "token: expired"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"iat\":700,\"nonce\":\"n\",\"sub\":\"s\"}", "token: expired"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"exp\":1300,\"iat\":1200,\"nonce\":\"n\",\"sub\":\"s\"}", "token: issued in the future"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"exp\":1300,\"nbf\":1200,\"iat\":1000,\"nonce\":\"n\",\"sub\":\"s\"}", "token: not yet valid"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"exp\":1300,\"iat\":1000,\"nonce\":\"m\",\"sub\":\"s\"}", "token: another nonce"},
        {"{\"iss\":\"https://i\",\"aud\":\"me\",\"exp\":1300,\"iat\":1000,\"nonce\":\"n\"}", "token: no subject"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_string_equal(verdict(sign_it(ED, bad[i].claims), keys), bad[i].why);
    EVP_PKEY_free(ed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totp_vectors), cmocka_unit_test(test_totp_window),
        cmocka_unit_test(test_totp_texts),   cmocka_unit_test(test_steps),
        cmocka_unit_test(test_rules),        cmocka_unit_test(test_defaults_agree),
        cmocka_unit_test(test_password_rules), cmocka_unit_test(test_captcha),
        cmocka_unit_test(test_jwt),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
