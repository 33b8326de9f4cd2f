/* Signatures by SM2 with SM3 (GB/T 32918). OpenSSL takes an elliptic key for SM2 when
 * it lies on that curve; the signer's id goes into what is signed. */
#define LOG_ROOM "auth"

#include "auth/suite.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/panic.h"

#define USUAL_ID "1234567812345678"
#define MAX_ID 1024

static EVP_PKEY *read_key(sv pem, bool private)
{
    if (pem.n == 0 || pem.n > 64u << 10) return NULL;
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (!b) panic("OpenSSL: out of memory");
    /* An empty password: one that is encrypted is not asked for at the terminal. */
    EVP_PKEY *k = private ? PEM_read_bio_PrivateKey(b, NULL, NULL, (void *)(uintptr_t) "")
                          : PEM_read_bio_PUBKEY(b, NULL, NULL, (void *)(uintptr_t) "");
    BIO_free(b);
    if (k && EVP_PKEY_is_a(k, "SM2")) return k;
    EVP_PKEY_free(k);
    return NULL;
}

/* A digest context that knows the key and the id; NULL: no. */
static EVP_MD_CTX *begin(EVP_PKEY *key, sv id, EVP_PKEY_CTX **pctx)
{
    sv name = id.n ? id : SV(USUAL_ID);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    *pctx = key && name.n <= MAX_ID ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    if (c && *pctx && EVP_PKEY_CTX_set1_id(*pctx, name.p, (int)name.n) > 0) {
        EVP_MD_CTX_set_pkey_ctx(c, *pctx);
        return c;
    }
    EVP_MD_CTX_free(c);
    return NULL;
}

int suite_sm2_sign(sv pem, sv id, sv data, struct buf *out)
{
    EVP_PKEY *key = read_key(pem, true);
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *c = begin(key, id, &pctx);
    unsigned char der[256];
    size_t n = sizeof der;
    bool ok = c && EVP_DigestSignInit(c, NULL, EVP_sm3(), NULL, key) == 1 &&
              EVP_DigestSign(c, der, &n, (const unsigned char *)data.p, data.n) == 1;
    EVP_MD_CTX_free(c);
    EVP_PKEY_CTX_free(pctx);
    EVP_PKEY_free(key);
    if (!ok) return -1;
    buf_add(out, der, n);
    return 0;
}

int suite_sm2_verify(sv pem, sv id, sv data, sv signature)
{
    EVP_PKEY *key = read_key(pem, false);
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *c = begin(key, id, &pctx);
    bool ok = c && EVP_DigestVerifyInit(c, NULL, EVP_sm3(), NULL, key) == 1 &&
              EVP_DigestVerify(c, (const unsigned char *)signature.p, signature.n,
                               (const unsigned char *)data.p, data.n) == 1;
    EVP_MD_CTX_free(c);
    EVP_PKEY_CTX_free(pctx);
    EVP_PKEY_free(key);
    return ok ? 0 : -1;
}
