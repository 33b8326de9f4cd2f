#include "auth/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define MAX_TOKEN 16384
#define SKEW_S 120
#define MIN_RSA_BITS 2048

enum alg { ALG_NONE, ALG_RS256, ALG_ES256, ALG_EDDSA };

static int no(struct err *err, const char *why)
{
    err_set(err, 401, "auth.outer", NULL);
    err_detail(err, "token: %s", why);
    return -1;
}

/* ---- keys -------------------------------------------------------------------------------- */

static bool bytes_of(struct arena *a, const json_t *key, const char *name, struct buf *out)
{
    sv text = json_get_sv(key, name);
    *out = BUF_IN(a);
    return text.n && text.n <= 1400 && buf_unbase64url(out, text) == 0 && out->n;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !c || EVP_PKEY_fromdata_init(c) != 1 ||
        EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(c);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(struct arena *a, const json_t *jwk)
{
    struct buf n, e;
    if (!bytes_of(a, jwk, "n", &n) || !bytes_of(a, jwk, "e", &e) || e.n > 8) return NULL;
    BIGNUM *bn = BN_bin2bn((unsigned char *)n.p, (int)n.n, NULL);
    BIGNUM *be = BN_bin2bn((unsigned char *)e.p, (int)e.n, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (bn && be && bld && BN_num_bits(bn) >= MIN_RSA_BITS &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
        key = from_params("RSA", bld);
    OSSL_PARAM_BLD_free(bld);
    BN_free(bn);
    BN_free(be);
    return key;
}

static EVP_PKEY *ec_key(struct arena *a, const json_t *jwk)
{
    struct buf x, y;
    unsigned char point[65] = {4};
    if (!sv_eqs(json_get_sv(jwk, "crv"), "P-256") || !bytes_of(a, jwk, "x", &x) ||
        !bytes_of(a, jwk, "y", &y) || x.n != 32 || y.n != 32)
        return NULL;
    memcpy(point + 1, x.p, 32);
    memcpy(point + 33, y.p, 32);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (bld &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = from_params("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    return key;
}

static EVP_PKEY *ed_key(struct arena *a, const json_t *jwk)
{
    struct buf x;
    if (!sv_eqs(json_get_sv(jwk, "crv"), "Ed25519") || !bytes_of(a, jwk, "x", &x) || x.n != 32)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (unsigned char *)x.p, 32);
}

/* The key's own type decides what it may verify: a public key is never a secret. */
static EVP_PKEY *key_for(struct arena *a, const json_t *jwk, enum alg alg)
{
    sv kty = json_get_sv(jwk, "kty"), use = json_get_sv(jwk, "use");
    if (use.n && !sv_eqs(use, "sig")) return NULL;
    if (alg == ALG_RS256) return sv_eqs(kty, "RSA") ? rsa_key(a, jwk) : NULL;
    if (alg == ALG_ES256) return sv_eqs(kty, "EC") ? ec_key(a, jwk) : NULL;
    return sv_eqs(kty, "OKP") ? ed_key(a, jwk) : NULL;
}

/* ---- the signature ------------------------------------------------------------------------- */

/* r and s, 32 bytes each, as OpenSSL wants them. */
static bool ec_der(sv raw, unsigned char out[80], size_t *n)
{
    unsigned char *p = out;
    if (raw.n != 64) return false;
    ECDSA_SIG *s = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.p, 32, NULL);
    BIGNUM *v = BN_bin2bn((const unsigned char *)raw.p + 32, 32, NULL);
    if (!s || !r || !v || ECDSA_SIG_set0(s, r, v) != 1) {
        BN_free(r);
        BN_free(v);
        ECDSA_SIG_free(s);
        return false;
    }
    int len = i2d_ECDSA_SIG(s, &p);
    ECDSA_SIG_free(s);
    *n = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static bool signed_by(EVP_PKEY *key, enum alg alg, sv text, sv signature)
{
    unsigned char der[80];
    size_t n = signature.n;
    const unsigned char *p = (const unsigned char *)signature.p;
    if (alg == ALG_ES256) {
        if (!ec_der(signature, der, &n)) return false;
        p = der;
    }
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = c && EVP_DigestVerifyInit(c, NULL, alg == ALG_EDDSA ? NULL : EVP_sha256(), NULL,
                                        key) == 1 &&
              EVP_DigestVerify(c, p, n, (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(c);
    return ok;
}

static bool any_key(struct arena *a, const json_t *jwks, sv kid, enum alg alg, sv text,
                    sv signature, bool *known)
{
    size_t i;
    json_t *jwk;
    *known = false;
    json_array_foreach(json_object_get(jwks, "keys"), i, jwk)
    {
        if (i == 32) break;
        if (kid.n && !sv_eq(json_get_sv(jwk, "kid"), kid)) continue;
        EVP_PKEY *key = key_for(a, jwk, alg);
        if (!key) continue;
        *known = true;
        bool ok = signed_by(key, alg, text, signature);
        EVP_PKEY_free(key);
        if (ok) return true;
    }
    return false;
}

/* ---- the claims ---------------------------------------------------------------------------- */

static bool names(const json_t *aud, sv who)
{
    size_t i;
    json_t *one;
    if (json_is_string(aud)) return sv_eqs(who, json_string_value(aud));
    json_array_foreach(aud, i, one)
        if (json_is_string(one) && sv_eqs(who, json_string_value(one))) return true;
    return false;
}

/* Seconds since 1970, also with a fraction or an exponent; what is beyond all time
 * stays on its side of it. */
static bool seconds(const json_t *v, int64_t *out)
{
    if (!json_is_number(v)) return false;
    double d = json_number_value(v), limit = 1e15;
    *out = (int64_t)(d > limit ? limit : d < -limit ? -limit : d);
    return true;
}

static int check_claims(const json_t *c, const struct jwt_want *w, struct err *err)
{
    int64_t now = w->now_us / 1000000, at;
    const json_t *aud = json_object_get(c, "aud"), *exp = json_object_get(c, "exp");
    const json_t *nbf = json_object_get(c, "nbf"), *iat = json_object_get(c, "iat");
    sv azp = json_get_sv(c, "azp"), sub = json_get_sv(c, "sub");
    if (!sv_eq(json_get_sv(c, "iss"), w->issuer)) return no(err, "another issuer");
    if (!names(aud, w->audience)) return no(err, "not for us");
    if (json_array_size(aud) > 1 && !azp.n) return no(err, "several audiences without azp");
    if (azp.n && !sv_eq(azp, w->audience)) return no(err, "another azp");
    if (!seconds(exp, &at) || at <= now - SKEW_S)
        return no(err, "expired");
    if (seconds(nbf, &at) && at > now + SKEW_S)
        return no(err, "not yet valid");
    if (!seconds(iat, &at) || at > now + SKEW_S)
        return no(err, "issued in the future");
    if (w->nonce.n && !sv_eq_const_time(json_get_sv(c, "nonce"), w->nonce))
        return no(err, "another nonce");
    if (!sub.n || sub.n > 255) return no(err, "no subject");
    return 0;
}

static int part(struct arena *a, sv text, json_t **out, struct err *err)
{
    struct buf b = BUF_IN(a);
    struct err e = {0};
    if (buf_unbase64url(&b, text) != 0 || json_parse(a, buf_view(&b), out, &e) != 0 ||
        !json_is_object(*out))
        return no(err, "malformed");
    return 0;
}

static enum alg alg_of(const json_t *header)
{
    sv name = json_get_sv(header, "alg");
    if (sv_eqs(name, "RS256")) return ALG_RS256;
    if (sv_eqs(name, "ES256")) return ALG_ES256;
    return sv_eqs(name, "EdDSA") ? ALG_EDDSA : ALG_NONE;
}

int jwt_verify(struct arena *a, sv token, const json_t *jwks, const struct jwt_want *want,
               json_t **claims, bool *unknown_key, struct err *err)
{
    sv rest, more, head = sv_cut(token, '.', &rest), body = sv_cut(rest, '.', &more);
    struct buf signature = BUF_IN(a);
    json_t *header;
    bool known;
    *unknown_key = false;
    if (token.n > MAX_TOKEN || !rest.p || !more.p || memchr(more.p, '.', more.n))
        return no(err, "malformed");
    if (part(a, head, &header, err) != 0) return -1;
    enum alg alg = alg_of(header);
    if (alg == ALG_NONE) return no(err, "an algorithm that is not taken");
    if (json_object_get(header, "crit")) return no(err, "critical extensions");
    if (buf_unbase64url(&signature, more) != 0) return no(err, "malformed");
    sv text = sv_make(token.p, head.n + 1 + body.n);
    if (!any_key(a, jwks, json_get_sv(header, "kid"), alg, text, buf_view(&signature), &known)) {
        *unknown_key = !known;
        return no(err, known ? "the signature is not right" : "no such key");
    }
    if (part(a, body, claims, err) != 0) return -1;
    return check_claims(*claims, want, err);
}
