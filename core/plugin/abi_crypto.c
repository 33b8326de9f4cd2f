/* atrium.crypto/1 */
#include "plugin/internal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static void random_bytes(void *out, size_t n)
{
    rand_bytes(out, n);
}

static uint64_t random_below(uint64_t bound)
{
    return bound ? rand_below(bound) : 0;
}

/* HMAC-SHA256 under the tenant's secret of "plugin NUL purpose NUL bytes". Ids
 * and purposes hold no NUL (a purpose is cut there), so no two plugins or
 * purposes share an input. */
static void keyed_hash(struct atrium_ctx *ctx, struct atrium_str purpose, struct atrium_str bytes,
                       uint8_t out[ATRIUM_HASH_BYTES])
{
    CTX_CHECK(ctx);
    unsigned char small[512], *in = small;
    size_t id_n = strlen(ctx->plug->id), n_purpose = strnlen(purpose.ptr, purpose.len);
    size_t n = id_n + 1 + n_purpose + 1 + bytes.len;
    if (n > sizeof small) in = arena_alloc(ctx->arena, n);
    unsigned char *p = in;
    memcpy(p, ctx->plug->id, id_n + 1);
    p += id_n + 1;
    if (n_purpose) memcpy(p, purpose.ptr, n_purpose);
    p += n_purpose;
    *p++ = '\0';
    if (bytes.len) memcpy(p, bytes.ptr, bytes.len);
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), ctx->tenant->secret, (int)sizeof ctx->tenant->secret, in, n, out,
              &len) || len != ATRIUM_HASH_BYTES)
        panic("HMAC-SHA256 failed");
}

static bool equal(struct atrium_str a, struct atrium_str b)
{
    return sv_eq_const_time(to_sv(a), to_sv(b));
}

const struct atrium_crypto_1 plug_crypto_1 = {
    .random = random_bytes,
    .random_below = random_below,
    .keyed_hash = keyed_hash,
    .equal = equal,
};
