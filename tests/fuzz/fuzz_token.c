/* What a stranger sends to say who he is: signed tokens and the keys they name,
 * base64url, cookies, Authorization headers, codes, sealed texts. The first letter
 * says which. Nobody is let in who was not signed for. */
#include <openssl/evp.h>

#include "auth/jwt.h"
#include "auth/login.h"
#include "base/panic.h"
#include "http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISSUER "https://id.example"
#define NOW_S 1800000000LL

static const struct jwt_want want = {.issuer = {ISSUER, sizeof ISSUER - 1},
                                     .audience = {"atrium", 6},
                                     .now_us = NOW_S * 1000000};

/* Never called here: device.c asks for it when it sets a cookie. */
const char *session_cookie_path(struct http_req *req)
{
    (void)req;
    return "/";
}

/* ---- signed tokens ---------------------------------------------------------------- */

static EVP_PKEY *signer;
static json_t *keys;

static void start(void)
{
    static const unsigned char secret[32] = {7};
    unsigned char public[32];
    size_t n = sizeof public;
    struct err e = {0};
    struct arena *a = arena_new(0);
    struct buf x = BUF_IN(a);
    signer = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof secret);
    if (!signer || EVP_PKEY_get_raw_public_key(signer, public, &n) != 1) panic("no key");
    buf_base64url(&x, public, n);
    sv text = arena_printf(a, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"%.*s\"}]}",
                           SVARG(buf_view(&x)));
    json_t *v;
    if (json_parse(a, text, &v, &e) != 0) panic("no set of keys");
    keys = json_deep_copy(v);
    arena_free(a);
}

static sv sign(struct arena *a, sv header, sv claims)
{
    struct buf b = BUF_IN(a);
    unsigned char mac[64];
    size_t n = sizeof mac;
    buf_base64url(&b, header.p, header.n);
    buf_chr(&b, '.');
    buf_base64url(&b, claims.p, claims.n);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || EVP_DigestSignInit(c, NULL, NULL, NULL, signer) != 1 ||
        EVP_DigestSign(c, mac, &n, (unsigned char *)b.p, b.n) != 1)
        panic("cannot sign");
    EVP_MD_CTX_free(c);
    buf_chr(&b, '.');
    buf_base64url(&b, mac, n);
    return buf_view(&b);
}

/* -1: refused, and it says so as every refusal does. */
static int ask(struct arena *a, sv token, const json_t *set, json_t **claims)
{
    struct err e = {0};
    bool unknown;
    int rc = jwt_verify(a, token, set, &want, claims, &unknown, &e);
    if (rc != 0 && (e.status != 401 || strcmp(e.code, "auth.outer") != 0)) panic("another refusal");
    if (rc == 0 && unknown) panic("taken by an unknown key");
    return rc;
}

static void claims_signed(struct arena *a, sv text)
{
    json_t *c;
    if (ask(a, sign(a, SV("{\"alg\":\"EdDSA\",\"kid\":\"a\"}"), text), keys, &c) != 0) return;
    const json_t *exp = json_object_get(c, "exp");
    if (!sv_eqs(json_get_sv(c, "iss"), ISSUER) || !json_get_sv(c, "sub").n) panic("not his");
    if (!json_is_number(exp) || json_number_value(exp) < (double)(NOW_S - 200)) panic("too old");
}

static void header_signed(struct arena *a, sv header)
{
    static const char *const good = "{\"iss\":\"" ISSUER "\",\"aud\":\"atrium\",\"sub\":\"7\","
                                    "\"exp\":1800000100,\"iat\":1800000000}";
    struct err e = {0};
    json_t *c, *h;
    if (ask(a, sign(a, header, sv_of(good)), keys, &c) != 0) return;
    if (json_parse(a, header, &h, &e) != 0 || !sv_eqs(json_get_sv(h, "alg"), "EdDSA") ||
        json_object_get(h, "crit"))
        panic("a header that is not to be taken");
}

static void keys_given(struct arena *a, sv text)
{
    struct err e = {0};
    json_t *set, *c;
    sv token, first = sv_cut(text, '\n', &token);
    if (json_parse(a, first, &set, &e) != 0) return;
    if (token.p) ask(a, token, set, &c);
    ask(a, sign(a, SV("{\"alg\":\"EdDSA\"}"), SV("{}")), set, &c);
}

/* ---- texts ------------------------------------------------------------------------ */

static void base64url(struct arena *a, sv text)
{
    struct buf out = BUF_IN(a), again = BUF_IN(a);
    if (buf_unbase64url(&out, text) != 0) {
        if (out.n) panic("something of a bad text was left");
        return;
    }
    buf_base64url(&again, out.p, out.n);
    if (!sv_eq(buf_view(&again), text)) panic("two texts for one value");
}

static void cookies(sv text)
{
    static const unsigned char secret[32] = {3};
    static const char *const names[] = {"atrium_s", "atrium_m", "atrium_d", "lang"};
    sv rest, own = sv_cut(text, '\n', &rest);
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        sv v = http_cookie_in(rest.p ? rest : text, i < 4 ? sv_of(names[i]) : own);
        if (v.p && (v.p < text.p || v.p + v.n > text.p + text.n)) panic("not of the header");
        if (device_verify(secret, v).p) panic("a device that was not signed");
    }
    http_pick_lang(text, rest);
}

static void authorization(struct arena *a, sv text)
{
    struct cidr list[KEY_MAX_ADDRESSES];
    bool good;
    sv token = token_bearer(text);
    if (token_session_ok(token) && token_key_ok(token)) panic("both");
    size_t n = cidr_list(text, list, KEY_MAX_ADDRESSES, &good);
    if (n > KEY_MAX_ADDRESSES) panic("more than there is room");
    for (size_t i = 0; i < n; i++) cidr_has(&list[i], SV("203.0.113.7"));
    sv phone = phone_normal(a, text);
    if (phone.p && !sv_eq(phone_normal(a, phone), phone)) panic("a phone with two forms");
    phone_mask(a, phone);
    if (totp_check(SV("12345678901234567890"), text, 59000000, 0) < 0) panic("a step before time");
}

static void sealed(struct arena *a, sv text)
{
    static const unsigned char key[32] = {9};
    sv out;
    if (seal_open(a, key, SV("here"), text, &out) == 0) panic("opened what nobody has sealed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *c;
    if (!signer) start();
    if (!size || size > 20000) return 0;
    struct arena *a = arena_new(0);
    sv text = sv_make((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 't':
        if (ask(a, text, keys, &c) == 0) panic("forged");
        break;
    case 'c': claims_signed(a, text); break;
    case 'h': header_signed(a, text); break;
    case 'k': keys_given(a, text); break;
    case 'b': base64url(a, text); break;
    case 'o': cookies(text); break;
    case 'a': authorization(a, text); break;
    default: sealed(a, text);
    }
    arena_free(a);
    return 0;
}
