/* atrium.crypto/1 */
#include "plugin/internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

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

const struct atrium_crypto_1 plug_crypto_1 = {
    .random = random_bytes,
    .random_below = random_below,
    .keyed_hash = keyed_hash,
    .equal = equal,
};
