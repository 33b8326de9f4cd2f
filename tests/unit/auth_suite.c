/* auth: ciphers and digests by the vectors of their standards, sealing that opens in its
 * own place only, master keys from a mounted file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/room.h"

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

static sv hex(const char *text)
{
    size_t n = strlen(text) / 2;
    unsigned char *out = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (unsigned char)strtoul(two, NULL, 16);
    }
    return sv_make((char *)out, n);
}

static const unsigned char *raw(sv v)
{
    return (const unsigned char *)v.p;
}

static void same(sv have, sv want)
{
    assert_int_equal(have.n, want.n);
    assert_memory_equal(have.p, want.p, want.n);
}

static sv concat(sv x, sv y)
{
    struct buf b = BUF_IN(a);
    buf_sv(&b, x);
    buf_sv(&b, y);
    return buf_view(&b);
}

/* ---- digests ----------------------------------------------------------------------------- */

/* GB/T 32905-2016, appendix A. */
static void sm3(void **state)
{
    (void)state;
    unsigned char out[SUITE_HASH];
    assert_true(suite_digest(true, SV("abc"), out));
    same(sv_make((char *)out, 32),
         hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"));
    assert_true(suite_digest(
        true, SV("abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd"), out));
    same(sv_make((char *)out, 32),
         hex("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"));
}

static void sha256(void **state)
{
    (void)state;
    unsigned char out[SUITE_HASH];
    assert_true(suite_digest(false, SV("abc"), out));
    same(sv_make((char *)out, 32),
         hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    /* RFC 4231, case 2 */
    assert_true(suite_hmac(false, SV("Jefe"), SV("what do ya want for nothing?"), out));
    same(sv_make((char *)out, 32),
         hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

/* HMAC-SM3 as RFC 2104 says, put together of SM3. */
static void hmac_sm3(void **state)
{
    (void)state;
    unsigned char key[SUITE_KEY] = {0}, inner[64 + 4], outer[64 + 32], want[32], have[32];
    for (int i = 0; i < 32; i++) key[i] = (unsigned char)(i + 1);
    for (int i = 0; i < 64; i++) {
        inner[i] = 0x36 ^ (i < 32 ? key[i] : 0);
        outer[i] = 0x5c ^ (i < 32 ? key[i] : 0);
    }
    memcpy(inner + 64, "text", 4);
    assert_true(suite_digest(true, sv_make((char *)inner, sizeof inner), outer + 64));
    assert_true(suite_digest(true, sv_make((char *)outer, sizeof outer), want));
    suite_hash(SUITE_SM4_CTR, key, SV("text"), have);
    assert_memory_equal(have, want, 32);
    assert_true(suite_hmac(true, sv_make((char *)key, 32), SV("text"), have));
    assert_memory_equal(have, want, 32);
}

/* ---- ciphers ----------------------------------------------------------------------------- */

/* GB/T 32907-2016, appendix A, example 1: one block, which CBC with an iv of zeros is. */
static void sm4(void **state)
{
    (void)state;
    static const unsigned char zeros[16];
    sv key = hex("0123456789abcdeffedcba9876543210");
    struct buf out = BUF_IN(a), back = BUF_IN(a);
    assert_int_equal(suite_sm4_cbc(true, raw(key), zeros, key, &out), 0);
    assert_int_equal(out.n, 32);
    same(sv_make(out.p, 16), hex("681edf34d206965e86b3e94f536e4246"));
    assert_int_equal(suite_sm4_cbc(false, raw(key), zeros, buf_view(&out), &back), 0);
    same(buf_view(&back), key);
    back.n = 0;
    assert_int_equal(suite_sm4_cbc(false, raw(key), zeros, sv_make(out.p, 16), &back), -1);
    assert_int_equal(suite_sm4_cbc(false, raw(key), zeros, SV(""), &back), -1);
    assert_int_equal(suite_sm4_cbc(false, raw(key), zeros, sv_make(out.p, 31), &back), -1);
}

/* Case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation". */
static void aes_gcm(void **state)
{
    (void)state;
    unsigned char key[SUITE_KEY] = {0};
    struct buf out = BUF_IN(a);
    memcpy(key, hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").p, 32);
    sv about = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    sv box = concat(
        hex("cafebabefacedbaddecaf888"),
        hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b"));
    assert_int_equal(suite_open(SUITE_AES, key, about, box, &out), 0);
    same(buf_view(&out),
         hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
             "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
}

/* RFC 8998, appendix A.1. OpenSSL before 3.1 has no SM4-GCM. */
static void sm4_gcm(void **state)
{
    (void)state;
    unsigned char key[SUITE_KEY] = {0};
    struct buf out = BUF_IN(a);
    if (!suite_there(SUITE_SM4_GCM)) skip();
    memcpy(key, hex("0123456789abcdeffedcba9876543210").p, 16);
    sv about = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    sv box = concat(
        hex("00001234567800000000abcd"),
        hex("17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
            "83de3541e4c2b58177e065a9bf7b62ec"));
    assert_int_equal(suite_open(SUITE_SM4_GCM, key, about, box, &out), 0);
    same(buf_view(&out),
         hex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
             "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"));
}

/* Every suite: opens what it sealed, and nothing that was altered anywhere, cut off,
 * moved to another place or is under another key. */
static void sealed_is_bound(void **state)
{
    (void)state;
    for (enum suite s = 0; s < SUITE_COUNT; s++) {
        unsigned char key[SUITE_KEY], other[SUITE_KEY];
        struct buf box = BUF_IN(a), out = BUF_IN(a), twice = BUF_IN(a);
        if (!suite_there(s)) continue;
        for (int i = 0; i < SUITE_KEY; i++) {
            key[i] = (unsigned char)(7 * i + 1);
            other[i] = key[i] ^ 1;
        }
        suite_seal(s, key, SV("1/r/f/5"), SV("13912345678"), &box);
        suite_seal(s, key, SV("1/r/f/5"), SV("13912345678"), &twice);
        assert_true(box.n == twice.n && memcmp(box.p, twice.p, box.n) != 0);
        assert_int_equal(suite_open(s, key, SV("1/r/f/5"), buf_view(&box), &out), 0);
        same(buf_view(&out), SV("13912345678"));
        out.n = 0;
        assert_int_equal(suite_open(s, key, SV("1/r/f/6"), buf_view(&box), &out), -1);
        assert_int_equal(suite_open(s, other, SV("1/r/f/5"), buf_view(&box), &out), -1);
        for (size_t i = 0; i < box.n; i++) {
            box.p[i] ^= 4;
            assert_int_equal(suite_open(s, key, SV("1/r/f/5"), buf_view(&box), &out), -1);
            box.p[i] ^= 4;
            assert_int_equal(suite_open(s, key, SV("1/r/f/5"), sv_make(box.p, i), &out), -1);
        }
        assert_int_equal(out.n, 0);
        box.n = 0;
        suite_seal(s, key, SV(""), SV(""), &box);
        assert_int_equal(suite_open(s, key, SV(""), buf_view(&box), &out), 0);
        assert_int_equal(out.n, 0);
    }
}

static void suites_by_name(void **state)
{
    (void)state;
    enum suite s;
    assert_true(suite_of_name(SV("aes"), &s) && s == SUITE_AES);
    assert_true(suite_of_name(SV("sm4"), &s));
    assert_true(s == (suite_there(SUITE_SM4_GCM) ? SUITE_SM4_GCM : SUITE_SM4_CTR));
    assert_true(suite_of_name(SV("sm4-ctr"), &s) && s == SUITE_SM4_CTR);
    assert_false(suite_of_name(SV("3des"), &s));
    assert_false(suite_of_name(SV(""), &s));
}

/* Written with `openssl enc -des-ede3-cbc`. */
static void old_3des(void **state)
{
    (void)state;
    sv key = hex("0123456789abcdef23456789abcdef01456789abcdef0123");
    sv iv = hex("1234567890abcdef");
    sv box = hex("35b56df7926cc5f057f5543321a70731ceaa795d4b2a1c126565352747a638a3a9628518fded86cd");
    struct buf out = BUF_IN(a);
    assert_int_equal(suite_open_3des(raw(key), raw(iv), box, &out), 0);
    same(buf_view(&out), SV("旧系统的手机号 13800000000"));
    assert_int_equal(suite_open_3des(raw(key), raw(iv), sv_make(box.p, box.n - 8), &out), -1);
    assert_int_equal(suite_open_3des(raw(key), raw(iv), sv_make(box.p, 7), &out), -1);
    assert_int_equal(suite_open_3des(raw(key), raw(iv), SV(""), &out), -1);
}

/* ---- SM2 --------------------------------------------------------------------------------- */

/* The key of GB/T 32918.5-2017, appendix A. */
static const char sm2_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgOUUgj3shRLE/NuOK\n"
    "xtOflYiTk2koYLUaQvuB7033xbihRANCAAQJ+d8xHlQhoVDdfRYeS8XGchefrRgz\n"
    "/AdrsI/zVvNQIMzqSQziZ3WlLcbqcYzBqmAK7QX7814ISmYy9gctqa0T\n"
    "-----END PRIVATE KEY-----\n";
static const char sm2_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAECfnfMR5UIaFQ3X0WHkvFxnIXn60Y\n"
    "M/wHa7CP81bzUCDM6kkM4md1pS3G6nGMwapgCu0F+/NeCEpmMvYHLamtEw==\n"
    "-----END PUBLIC KEY-----\n";

static void sm2(void **state)
{
    (void)state;
    sv pub = sv_of(sm2_public), key = sv_of(sm2_private), text = SV("message digest"), id = SV_NULL;
    sv standard = hex("3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
                      "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
    struct buf sig = BUF_IN(a);
    assert_int_equal(suite_sm2_verify(pub, id, text, standard), 0);
    assert_int_equal(suite_sm2_verify(pub, SV("1234567812345678"), text, standard), 0);
    assert_int_equal(suite_sm2_verify(pub, SV("another"), text, standard), -1);
    assert_int_equal(suite_sm2_verify(pub, id, SV("message digesT"), standard), -1);
    assert_int_equal(suite_sm2_verify(pub, id, text, sv_make(standard.p, standard.n - 1)), -1);
    assert_int_equal(suite_sm2_verify(pub, id, text, SV("")), -1);
    assert_int_equal(suite_sm2_sign(key, SV("ALICE123@YAHOO.COM"), text, &sig), 0);
    assert_int_equal(suite_sm2_verify(pub, SV("ALICE123@YAHOO.COM"), text, buf_view(&sig)), 0);
    assert_int_equal(suite_sm2_verify(pub, id, text, buf_view(&sig)), -1);
}

static void sm2_wants_its_own_keys(void **state)
{
    (void)state;
    static const char p256[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                               "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                               "-----END PUBLIC KEY-----\n";
    struct buf out = BUF_IN(a);
    assert_int_equal(suite_sm2_verify(sv_of(p256), SV_NULL, SV("x"), SV("y")), -1);
    assert_int_equal(suite_sm2_sign(sv_of(sm2_public), SV_NULL, SV("x"), &out), -1);
    assert_int_equal(suite_sm2_sign(SV("no key"), SV_NULL, SV("x"), &out), -1);
    assert_int_equal(suite_sm2_sign(SV_NULL, SV_NULL, SV("x"), &out), -1);
}

/* ---- the master keys as a mounted file ------------------------------------------------------ */

#define K1 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define K2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static int load(const char *text, mode_t mode, struct master_keys *out)
{
    char path[] = "/tmp/atrium-master-XXXXXX";
    struct err e = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    int rc = master_load("/nonexistent", path, out, &e);
    unlink(path);
    return rc;
}

static void mounted_master(void **state)
{
    (void)state;
    struct master_keys k;
    struct err e = {0};
    assert_int_equal(load(K1 "\n2:" K2 "\n", 0640, &k), 0);
    assert_int_equal(k.n, 2);
    assert_int_equal(k.k[1].number, 2);
    assert_int_equal(k.k[1].b[0], 0xfe);
    assert_int_equal(load(K1 "\n", 0400, &k), 0);
    assert_int_equal(load(K1 "\n", 0644, &k), -1); /* others may read it */
    assert_int_equal(load(K1 "\n", 0660, &k), -1); /* a group may write it */
    assert_int_equal(load(K1, 0600, &k), -1);       /* cut off */
    assert_int_equal(load("2:" K1 "\n1:" K2 "\n", 0600, &k), -1);
    assert_int_equal(load("2:" K1 "\n2:" K2 "\n", 0600, &k), -1);
    assert_int_equal(load("0:" K1 "\n", 0600, &k), -1);
    assert_int_equal(load("", 0600, &k), -1);
    assert_int_equal(master_load("/nonexistent", "/nonexistent/master", &k, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sm3),
        cmocka_unit_test(sha256),
        cmocka_unit_test(hmac_sm3),
        cmocka_unit_test(sm4),
        cmocka_unit_test(aes_gcm),
        cmocka_unit_test(sm4_gcm),
        cmocka_unit_test(sealed_is_bound),
        cmocka_unit_test(suites_by_name),
        cmocka_unit_test(old_3des),
        cmocka_unit_test(sm2),
        cmocka_unit_test(sm2_wants_its_own_keys),
        cmocka_unit_test(mounted_master),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
