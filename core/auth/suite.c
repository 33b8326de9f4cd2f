/* Ciphers and keyed hashes by OpenSSL. Algorithms are looked up once: OpenSSL 3
 * does it at every call that brings none, which costs more than a short text. */
#define LOG_ROOM "auth"

#include "auth/suite.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#define GCM_NONCE 12
#define GCM_TAG 16
#define CTR_NONCE 16
#define CTR_TAG SUITE_HASH
#define MAX_TEXT (16u << 20)

static struct {
    EVP_CIPHER *cipher[SUITE_COUNT];
    EVP_MD *sha256, *sm3;
} found;

static void look_up(void)
{
    found.cipher[SUITE_AES] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    found.cipher[SUITE_SM4_GCM] = EVP_CIPHER_fetch(NULL, "SM4-GCM", NULL);
    found.cipher[SUITE_SM4_CTR] = EVP_CIPHER_fetch(NULL, "SM4-CTR", NULL);
    found.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    found.sm3 = EVP_MD_fetch(NULL, "SM3", NULL);
    if (!found.cipher[SUITE_AES] || !found.sha256) panic("OpenSSL has no AES-GCM or SHA-256");
}

static void ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look_up);
}

/* Nothing here fails but for want of memory; going on without would store a
 * value in the clear. */
static void must(bool ok)
{
    if (!ok) panic("OpenSSL refuses to work");
}

/* ---- names ------------------------------------------------------------------------------- */

static const char *const names[SUITE_COUNT] = {
    [SUITE_AES] = "aes", [SUITE_SM4_GCM] = "sm4-gcm", [SUITE_SM4_CTR] = "sm4-ctr"};

const char *suite_name(enum suite s)
{
    return names[s];
}

bool suite_there(enum suite s)
{
    ready();
    return found.cipher[s] && (s == SUITE_AES || found.sm3);
}

bool suite_of_name(sv name, enum suite *out)
{
    if (sv_eqs(name, "sm4")) {
        *out = suite_there(SUITE_SM4_GCM) ? SUITE_SM4_GCM : SUITE_SM4_CTR;
        return suite_there(*out);
    }
    for (unsigned i = 0; i < SUITE_COUNT; i++) {
        if (!sv_eqs(name, names[i])) continue;
        *out = (enum suite)i;
        return suite_there(*out);
    }
    return false;
}

/* ---- GCM --------------------------------------------------------------------------------- */

static const unsigned char *bytes(sv v)
{
    return (const unsigned char *)(v.p ? v.p : "");
}

static void seal_gcm(const EVP_CIPHER *cipher, const unsigned char *key, sv about, sv plain,
                     unsigned char *box)
{
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c && EVP_EncryptInit_ex2(c, cipher, key, box, NULL) == 1);
    must(EVP_EncryptUpdate(c, NULL, &n, bytes(about), (int)about.n) == 1);
    must(EVP_EncryptUpdate(c, box + GCM_NONCE, &n, bytes(plain), (int)plain.n) == 1);
    must(EVP_EncryptFinal_ex(c, box + GCM_NONCE + n, &n) == 1);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, box + GCM_NONCE + plain.n) == 1);
    EVP_CIPHER_CTX_free(c);
}

static bool open_gcm(const EVP_CIPHER *cipher, const unsigned char *key, sv about,
                     unsigned char *box, size_t len, unsigned char *out)
{
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c != NULL);
    bool ok = EVP_DecryptInit_ex2(c, cipher, key, box, NULL) == 1 &&
              EVP_DecryptUpdate(c, NULL, &n, bytes(about), (int)about.n) == 1 &&
              EVP_DecryptUpdate(c, out, &n, box + GCM_NONCE, (int)len) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, box + GCM_NONCE + len) == 1 &&
              EVP_DecryptFinal_ex(c, out + n, &n) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

/* ---- SM4-CTR and HMAC-SM3: encrypt, then authenticate ------------------------------------ */

/* Twice the same: CTR adds a stream of bytes. */
static void stream_ctr(const unsigned char *key, const unsigned char *nonce,
                       const unsigned char *in, size_t len, unsigned char *out)
{
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c && EVP_EncryptInit_ex2(c, found.cipher[SUITE_SM4_CTR], key, nonce, NULL) == 1);
    must(EVP_EncryptUpdate(c, out, &n, in, (int)len) == 1);
    EVP_CIPHER_CTX_free(c);
}

/* The length of `about` comes first, so that no two pairs of texts look alike. */
static void tag_ctr(const unsigned char *key, sv about, const unsigned char *box, size_t n,
                    unsigned char tag[CTR_TAG])
{
    struct buf b = BUF_HEAP;
    unsigned len = 0;
    buf_printf(&b, "%zu:", about.n);
    buf_sv(&b, about);
    buf_add(&b, box, n);
    must(HMAC(found.sm3, key + 32, 32, (unsigned char *)b.p, b.n, tag, &len) && len == CTR_TAG);
    buf_free(&b);
}

/* ---- both -------------------------------------------------------------------------------- */

void suite_seal(enum suite s, const unsigned char key[SUITE_KEY], sv about, sv plain,
                struct buf *out)
{
    ready();
    must(suite_there(s) && plain.n <= MAX_TEXT);
    bool ctr = s == SUITE_SM4_CTR;
    size_t nonce = ctr ? CTR_NONCE : GCM_NONCE, tag = ctr ? CTR_TAG : GCM_TAG;
    buf_reserve(out, nonce + plain.n + tag);
    unsigned char *box = (unsigned char *)out->p + out->n;
    rand_bytes(box, nonce);
    if (ctr) {
        stream_ctr(key, box, bytes(plain), plain.n, box + nonce);
        tag_ctr(key, about, box, nonce + plain.n, box + nonce + plain.n);
    } else {
        seal_gcm(found.cipher[s], key, about, plain, box);
    }
    out->n += nonce + plain.n + tag;
}

int suite_open(enum suite s, const unsigned char key[SUITE_KEY], sv about, sv box, struct buf *out)
{
    ready();
    bool ctr = s == SUITE_SM4_CTR;
    size_t nonce = ctr ? CTR_NONCE : GCM_NONCE, tag = ctr ? CTR_TAG : GCM_TAG;
    if (!suite_there(s) || box.n < nonce + tag || box.n > MAX_TEXT + nonce + tag) return -1;
    size_t len = box.n - nonce - tag;
    buf_reserve(out, len + 1);
    unsigned char *to = (unsigned char *)out->p + out->n;
    unsigned char *from = (unsigned char *)(uintptr_t)box.p;
    if (ctr) {
        unsigned char want[CTR_TAG];
        tag_ctr(key, about, from, nonce + len, want);
        if (CRYPTO_memcmp(want, from + nonce + len, CTR_TAG) != 0) return -1;
        stream_ctr(key, from, from + nonce, len, to);
    } else if (!open_gcm(found.cipher[s], key, about, from, len, to)) {
        OPENSSL_cleanse(to, len);
        return -1;
    }
    out->n += len;
    return 0;
}

void suite_hash(enum suite s, const unsigned char key[SUITE_KEY], sv data,
                unsigned char out[SUITE_HASH])
{
    unsigned n = 0;
    ready();
    const EVP_MD *md = s == SUITE_AES ? found.sha256 : found.sm3;
    must(md && HMAC(md, key, 32, bytes(data), data.n, out, &n) && n == SUITE_HASH);
}

/* ---- for partners ------------------------------------------------------------------------ */

static const EVP_MD *md_of(bool sm3)
{
    ready();
    return sm3 ? found.sm3 : found.sha256;
}

bool suite_digest(bool sm3, sv data, unsigned char out[SUITE_HASH])
{
    unsigned n = 0;
    const EVP_MD *md = md_of(sm3);
    if (!md) return false;
    must(EVP_Digest(bytes(data), data.n, out, &n, md, NULL) && n == SUITE_HASH);
    return true;
}

bool suite_hmac(bool sm3, sv key, sv data, unsigned char out[SUITE_HASH])
{
    unsigned n = 0;
    const EVP_MD *md = md_of(sm3);
    if (!md) return false;
    must(HMAC(md, bytes(key), (int)key.n, bytes(data), data.n, out, &n) && n == SUITE_HASH);
    return true;
}

/* A block cipher in CBC with PKCS#7, both ways. */
static int cbc(const EVP_CIPHER *cipher, bool encrypt, const unsigned char *key,
               const unsigned char *iv, sv data, struct buf *out)
{
    int n = 0, rest = 0;
    if (!cipher || data.n > MAX_TEXT) return -1;
    buf_reserve(out, data.n + EVP_MAX_BLOCK_LENGTH);
    unsigned char *to = (unsigned char *)out->p + out->n;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c != NULL);
    bool ok = EVP_CipherInit_ex2(c, cipher, key, iv, encrypt, NULL) == 1 &&
              EVP_CipherUpdate(c, to, &n, bytes(data), (int)data.n) == 1 &&
              EVP_CipherFinal_ex(c, to + n, &rest) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok) return -1;
    out->n += (size_t)(n + rest);
    return 0;
}

int suite_sm4_cbc(bool encrypt, const unsigned char key[16], const unsigned char iv[16], sv data,
                  struct buf *out)
{
    if (!encrypt && (data.n == 0 || data.n % 16 != 0)) return -1;
    return cbc(EVP_sm4_cbc(), encrypt, key, iv, data, out);
}

/* ---- legacy ------------------------------------------------------------------------------ */

int suite_open_3des(const unsigned char key[24], const unsigned char iv[8], sv box,
                    struct buf *out)
{
    if (box.n == 0 || box.n % 8 != 0) return -1;
    return cbc(EVP_des_ede3_cbc(), false, key, iv, box, out);
}
