/* Ciphers and keyed hashes for field values. Pure: keys in, bytes out; no
 * database, no state but the algorithms that OpenSSL has looked up.
 *
 *   aes       AES-256-GCM, HMAC-SHA-256
 *   sm4-gcm   SM4-GCM, HMAC-SM3 (OpenSSL 3.1 and later)
 *   sm4-ctr   SM4-CTR then HMAC-SM3 over nonce and text (OpenSSL 3.0: Debian 12) */
#ifndef ATRIUM_CORE_AUTH_SUITE_H
#define ATRIUM_CORE_AUTH_SUITE_H

#include "base/base.h"

#define SUITE_KEY 64 /* bytes of a key of any suite; each takes what it needs */
#define SUITE_HASH 32

enum suite { SUITE_AES, SUITE_SM4_GCM, SUITE_SM4_CTR, SUITE_COUNT };

const char *suite_name(enum suite s);
/* "aes", "sm4" (the best SM4 that this OpenSSL has), or a full name. */
bool suite_of_name(sv name, enum suite *out);
/* Does this OpenSSL have it? */
bool suite_there(enum suite s);

/* Appends nonce, text and tag to `out`; `about` is bound to the text, so that it
 * opens in its own place only. A random nonce: at most 2^32 values by one key. */
void suite_seal(enum suite s, const unsigned char key[SUITE_KEY], sv about, sv plain,
                struct buf *out);
/* The plain text appended to `out`; -1: another key or place, or altered. */
int suite_open(enum suite s, const unsigned char key[SUITE_KEY], sv about, sv box,
               struct buf *out);
/* HMAC with the suite's hash under the first 32 bytes of the key. */
void suite_hash(enum suite s, const unsigned char key[SUITE_KEY], sv data,
                unsigned char out[SUITE_HASH]);

/* Digests and HMAC, also of keys of other lengths; false: this OpenSSL has no SM3. */
bool suite_digest(bool sm3, sv data, unsigned char out[SUITE_HASH]);
bool suite_hmac(bool sm3, sv key, sv data, unsigned char out[SUITE_HASH]);

/* SM4-CBC with PKCS#7, as partners use it; nothing is stored by it. Appends. */
int suite_sm4_cbc(bool encrypt, const unsigned char key[16], const unsigned char iv[16], sv data,
                  struct buf *out);

/* SM2 with SM3: keys in PEM, signatures in DER; `id` of the signer. -1: not a key of
 * SM2, or not its signature. (sm2.c) */
int suite_sm2_sign(sv key, sv id, sv data, struct buf *out);
int suite_sm2_verify(sv key, sv id, sv data, sv signature);

/* Reads a value that an older system had encrypted with 3DES (CBC, 24-byte key,
 * PKCS#7), for imports; nothing is ever written with it. -1: not such a text. */
int suite_open_3des(const unsigned char key[24], const unsigned char iv[8], sv box,
                    struct buf *out);

#endif
