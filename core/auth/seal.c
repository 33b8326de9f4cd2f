/* Sealing of secrets that lie in the control database, and the hashes that the
 * room uses. */
#define LOG_ROOM "auth"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "auth/room.h"

#define NONCE 12
#define TAG 16

/* ---- sealing ----------------------------------------------------------------------------- */

/* Nothing here can fail but for want of memory; going on without would store a
 * secret in the clear. */
static void must(bool ok)
{
    if (!ok) panic("auth: OpenSSL refuses to encrypt");
}

sv seal_text(struct arena *a, const unsigned char key[32], sv about, sv plain)
{
    unsigned char *box = arena_alloc(a, NONCE + plain.n + TAG);
    int n = 0;
    rand_bytes(box, NONCE);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, box) == 1);
    must(EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)about.p, (int)about.n) == 1);
    must(EVP_EncryptUpdate(c, box + NONCE, &n, (const unsigned char *)plain.p, (int)plain.n) == 1);
    must(EVP_EncryptFinal_ex(c, box + NONCE + n, &n) == 1);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, box + NONCE + plain.n) == 1);
    EVP_CIPHER_CTX_free(c);
    struct buf out = BUF_IN(a);
    buf_base64url(&out, box, NONCE + plain.n + TAG);
    return arena_sv(a, buf_view(&out));
}

int seal_open(struct arena *a, const unsigned char key[32], sv about, sv sealed, sv *plain)
{
    struct buf box = BUF_IN(a);
    if (buf_unbase64url(&box, sealed) != 0 || box.n < NONCE + TAG) return -1;
    unsigned char *p = (unsigned char *)box.p;
    size_t len = box.n - NONCE - TAG;
    unsigned char *out = arena_zalloc(a, len + 1);
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c != NULL);
    bool ok = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, p) == 1 &&
              EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)about.p, (int)about.n) == 1 &&
              EVP_DecryptUpdate(c, out, &n, p + NONCE, (int)len) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, p + NONCE + len) == 1 &&
              EVP_DecryptFinal_ex(c, out + n, &n) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok) return -1;
    *plain = sv_make((char *)out, len);
    return 0;
}

/* ---- digests ----------------------------------------------------------------------------- */

void seal_sha256(sv data, unsigned char out[32])
{
    SHA256((const unsigned char *)data.p, data.n, out);
}

void seal_sha256_hex(sv data, char out[AUTH_HASH_CHARS])
{
    unsigned char sum[32];
    seal_sha256(data, sum);
    seal_hex(sum, sizeof sum, out);
}

void seal_hex(const unsigned char *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
}

void seal_hmac(const unsigned char key[32], sv data, unsigned char out[32])
{
    unsigned n = 0;
    must(HMAC(EVP_sha256(), key, 32, (const unsigned char *)data.p, data.n, out, &n) != NULL);
}

/* ---- SipHash-2-4, 128 bits (Aumasson and Bernstein, 2012) -------------------------------- */

static inline uint64_t rotl(uint64_t x, unsigned b)
{
    return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static uint64_t load64(const unsigned char *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++) x |= (uint64_t)p[i] << (8 * i);
    return x;
}

struct hash128 seal_siphash(const uint64_t key[2], sv data)
{
    uint64_t v[4] = {
        0x736f6d6570736575ULL ^ key[0],
        0x646f72616e646f6dULL ^ key[1] ^ 0xee,
        0x6c7967656e657261ULL ^ key[0],
        0x7465646279746573ULL ^ key[1],
    };
    const unsigned char *p = (const unsigned char *)data.p;
    size_t left = data.n;
    for (; left >= 8; p += 8, left -= 8) {
        uint64_t m = load64(p, 8);
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = load64(p, left) | (uint64_t)(data.n & 0xff) << 56;
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xee;
    for (int i = 0; i < 4; i++) sip_round(v);
    struct hash128 h = {.a = v[0] ^ v[1] ^ v[2] ^ v[3]};
    v[1] ^= 0xdd;
    for (int i = 0; i < 4; i++) sip_round(v);
    h.b = v[0] ^ v[1] ^ v[2] ^ v[3];
    return h;
}
