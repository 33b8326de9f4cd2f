/* atrium.crypto/1 */
#include "plugin/internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "auth/protect.h"

static void random_bytes(void *out, size_t n)
{
    rand_bytes(out, n);
}

static uint64_t random_below(uint64_t bound)
{
    return bound ? rand_below(bound) : 0;
}

/* OpenSSL 3 looks an algorithm up by name at every call that does not bring it;
 * on the way of each ballot that costs more than the hash. */
static const EVP_MD *sha256;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    if (!sha256) panic("OpenSSL has no SHA-256");
}

#define BLOCK 64

/* HMAC (RFC 2104) with a key of at most a block: `buf` begins with room for a
 * block, the text follows. */
static void hmac(const unsigned char *key, size_t key_n, unsigned char *buf, size_t n,
                 uint8_t out[ATRIUM_HASH_BYTES])
{
    unsigned char outer[BLOCK + ATRIUM_HASH_BYTES];
    unsigned len = 0;
    memset(buf, 0x36, BLOCK);
    memset(outer, 0x5c, BLOCK);
    for (size_t i = 0; i < key_n; i++) {
        buf[i] ^= key[i];
        outer[i] ^= key[i];
    }
    if (!EVP_Digest(buf, BLOCK + n, outer + BLOCK, &len, sha256, NULL) ||
        !EVP_Digest(outer, sizeof outer, out, &len, sha256, NULL) || len != ATRIUM_HASH_BYTES)
        panic("SHA-256 failed");
    OPENSSL_cleanse(buf, BLOCK);
    OPENSSL_cleanse(outer, BLOCK);
}

/* HMAC-SHA256 under the tenant's secret of "plugin NUL purpose NUL bytes". Ids
 * and purposes hold no NUL (a purpose is cut there), so no two plugins or
 * purposes share an input. */
static void keyed_hash(struct atrium_ctx *ctx, struct atrium_str purpose, struct atrium_str bytes,
                       uint8_t out[ATRIUM_HASH_BYTES])
{
    CTX_CHECK(ctx);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
    unsigned char small[512], *buf = small;
    size_t id_n = strlen(ctx->plug->id);
    size_t purpose_n = purpose.len ? strnlen(purpose.ptr, purpose.len) : 0;
    size_t n = id_n + 1 + purpose_n + 1 + bytes.len;
    if (BLOCK + n > sizeof small) buf = arena_alloc(ctx->arena, BLOCK + n);
    unsigned char *p = buf + BLOCK;
    memcpy(p, ctx->plug->id, id_n + 1);
    p += id_n + 1;
    if (purpose_n) memcpy(p, purpose.ptr, purpose_n);
    p += purpose_n;
    *p++ = '\0';
    if (bytes.len) memcpy(p, bytes.ptr, bytes.len);
    hmac(ctx->tenant->secret, sizeof ctx->tenant->secret, buf, n, out);
}

static bool equal(struct atrium_str a, struct atrium_str b)
{
    return sv_eq_const_time(to_sv(a), to_sv(b));
}

/* ---- values of protected fields ----------------------------------------------------------- */

/* The plugin's own encrypted field. What follows may wait for the control database:
 * no rows are being read meanwhile. */
static atrium_status place(struct atrium_ctx *ctx, struct atrium_str resource,
                           struct atrium_str field, int64_t row, struct auth_place *at,
                           const struct mf_field **f, struct atrium_error *err)
{
    const struct mf_manifest *mf = ctx->plug->mf;
    const struct mf_resource *r = mf_resource_find(mf, to_sv(resource));
    if (ctx->reading) return plug_fault(err, ATRIUM_E_STATE, "crypto is used from a row callback");
    *f = r ? mf_field_find(r, to_sv(field)) : NULL;
    if (!*f || !(*f)->protect.encrypted)
        return plug_fault(err, ATRIUM_E_ARGUMENT, "crypto: no such encrypted field of this plugin");
    *at = (struct auth_place){arena_printf(ctx->arena, "%s.%s", mf->id, r->name),
                              sv_of((*f)->name), row};
    return ATRIUM_OK;
}

static atrium_status seal_field(struct atrium_ctx *ctx, struct atrium_str resource,
                                struct atrium_str field, int64_t row, struct atrium_str plain,
                                struct atrium_str *sealed, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct auth_place at;
    const struct mf_field *f;
    struct err e = {0};
    sv out;
    atrium_status s = place(ctx, resource, field, row, &at, &f, err);
    if (s != ATRIUM_OK) return s;
    if (auth_seal_value(ctx->tenant, ctx->arena, &at, to_sv(plain), &out, &e) != 0)
        return plug_error_out(err, &e);
    *sealed = to_str(out);
    return ATRIUM_OK;
}

static atrium_status open_field(struct atrium_ctx *ctx, struct atrium_str resource,
                                struct atrium_str field, int64_t row, struct atrium_str sealed,
                                struct atrium_str *plain, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct auth_place at;
    const struct mf_field *f;
    struct err e = {0};
    sv out;
    atrium_status s = place(ctx, resource, field, row, &at, &f, err);
    if (s != ATRIUM_OK) return s;
    if (auth_open_value(ctx->tenant, ctx->arena, &at, to_sv(sealed), &out, &e) != 0)
        return plug_error_out(err, &e);
    *plain = to_str(out);
    return ATRIUM_OK;
}

static atrium_status hash_field(struct atrium_ctx *ctx, struct atrium_str resource,
                                struct atrium_str field, struct atrium_str plain,
                                struct atrium_str *hash, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct auth_place at;
    const struct mf_field *f;
    struct err e = {0};
    sv out;
    atrium_status s = place(ctx, resource, field, 0, &at, &f, err);
    if (s != ATRIUM_OK) return s;
    if (auth_hash(ctx->tenant, ctx->arena, &at, f->type, to_sv(plain), &out, &e) != 0)
        return plug_error_out(err, &e);
    *hash = to_str(out);
    return ATRIUM_OK;
}

/* ---- what partners speak ------------------------------------------------------------------- */

static bool digest(atrium_digest how, struct atrium_str bytes, uint8_t out[ATRIUM_HASH_BYTES])
{
    return how <= ATRIUM_SM3 && suite_digest(how == ATRIUM_SM3, to_sv(bytes), out);
}

static bool hmac_of(atrium_digest how, struct atrium_str key, struct atrium_str bytes,
                    uint8_t out[ATRIUM_HASH_BYTES])
{
    return how <= ATRIUM_SM3 && suite_hmac(how == ATRIUM_SM3, to_sv(key), to_sv(bytes), out);
}

/* The people who sent it are told no more than that it is not right. */
static atrium_status given(int rc, const struct buf *b, struct atrium_str *out,
                           struct atrium_error *err)
{
    struct err e = {0};
    if (rc != 0) {
        err_set(&e, 422, "invalid", NULL);
        return plug_error_out(err, &e);
    }
    if (out) *out = b->n ? to_str(buf_view(b)) : to_str(SV(""));
    return ATRIUM_OK;
}

static atrium_status sm4_encrypt(struct atrium_ctx *ctx, const uint8_t key[16],
                                 const uint8_t iv[16], struct atrium_str bytes,
                                 struct atrium_str *out, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct buf b = BUF_IN(ctx->arena);
    return given(suite_sm4_cbc(true, key, iv, to_sv(bytes), &b), &b, out, err);
}

static atrium_status sm4_decrypt(struct atrium_ctx *ctx, const uint8_t key[16],
                                 const uint8_t iv[16], struct atrium_str bytes,
                                 struct atrium_str *out, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct buf b = BUF_IN(ctx->arena);
    return given(suite_sm4_cbc(false, key, iv, to_sv(bytes), &b), &b, out, err);
}

static atrium_status sm2_sign(struct atrium_ctx *ctx, struct atrium_str key, struct atrium_str id,
                              struct atrium_str bytes, struct atrium_str *signature,
                              struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct buf b = BUF_IN(ctx->arena);
    return given(suite_sm2_sign(to_sv(key), to_sv(id), to_sv(bytes), &b), &b, signature, err);
}

static atrium_status sm2_verify(struct atrium_ctx *ctx, struct atrium_str key,
                                struct atrium_str id, struct atrium_str bytes,
                                struct atrium_str signature, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    int rc = suite_sm2_verify(to_sv(key), to_sv(id), to_sv(bytes), to_sv(signature));
    return given(rc, NULL, NULL, err);
}

static atrium_status open_3des(struct atrium_ctx *ctx, const uint8_t key[24], const uint8_t iv[8],
                               struct atrium_str bytes, struct atrium_str *out,
                               struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct buf b = BUF_IN(ctx->arena);
    return given(suite_open_3des(key, iv, to_sv(bytes), &b), &b, out, err);
}

const struct atrium_crypto_1 plug_crypto_1 = {
    .random = random_bytes,
    .random_below = random_below,
    .keyed_hash = keyed_hash,
    .equal = equal,
    .seal_field = seal_field,
    .open_field = open_field,
    .hash_field = hash_field,
    .digest = digest,
    .hmac = hmac_of,
    .sm4_encrypt = sm4_encrypt,
    .sm4_decrypt = sm4_decrypt,
    .sm2_sign = sm2_sign,
    .sm2_verify = sm2_verify,
    .open_3des = open_3des,
};
