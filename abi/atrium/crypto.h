/* atrium.crypto/1: random bytes, hashes keyed with the tenant's secret, values of
 * protected fields, and the algorithms that partners speak (SM2, SM3, SM4). The
 * tenant's keys never leave the host; keys that are passed in are the plugin's own. */
#ifndef ATRIUM_CRYPTO_H
#define ATRIUM_CRYPTO_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_CRYPTO_1 "atrium.crypto/1"
#define ATRIUM_HASH_BYTES 32

typedef uint32_t atrium_digest;
enum {
    ATRIUM_SHA256 = 0,
    ATRIUM_SM3 = 1,          /* GB/T 32905 */
};

struct atrium_crypto_1 {
    /* [any] From the kernel; never fails (the process ends instead). */
    void (*random)(void *out, size_t n);
    /* [any] Uniform in [0, bound), bound > 0. */
    uint64_t (*random_below)(uint64_t bound);
    /* [worker] HMAC-SHA256 of the bytes under a key that is derived from the
     * tenant's secret, the plugin's id and `purpose`: the same bytes hash
     * differently for another tenant, plugin or purpose. For pseudonyms (an
     * address in a counter) and signatures of links. */
    void (*keyed_hash)(struct atrium_ctx *ctx, struct atrium_str purpose, struct atrium_str bytes,
                       uint8_t out[ATRIUM_HASH_BYTES]);
    /* [any] Equal length and bytes, in time that does not depend on the bytes. */
    bool (*equal)(struct atrium_str a, struct atrium_str b);

    /* [worker] may block. Values of this plugin's fields with `protect: {store:
     * encrypted}` as they stand in the table, for SQL of the plugin's own; the engine
     * does it by itself. `resource` is the name in the manifest ("note"), `row` the
     * row's id: a value opens in its own place only. A text that is not sealed opens
     * as itself. hash_field is what the column <field>_hash holds, to write or to look
     * for (`find: exact`); while a hash key is being changed, rows may still have the
     * hash before. ATRIUM_E_ARGUMENT: no such field, or not an encrypted one. */
    atrium_status (*seal_field)(struct atrium_ctx *ctx, struct atrium_str resource,
                                struct atrium_str field, int64_t row, struct atrium_str plain,
                                struct atrium_str *sealed, struct atrium_error *err);
    atrium_status (*open_field)(struct atrium_ctx *ctx, struct atrium_str resource,
                                struct atrium_str field, int64_t row, struct atrium_str sealed,
                                struct atrium_str *plain, struct atrium_error *err);
    atrium_status (*hash_field)(struct atrium_ctx *ctx, struct atrium_str resource,
                                struct atrium_str field, struct atrium_str plain,
                                struct atrium_str *hash, struct atrium_error *err);

    /* [any] False: no such algorithm here. */
    bool (*digest)(atrium_digest how, struct atrium_str bytes, uint8_t out[ATRIUM_HASH_BYTES]);
    bool (*hmac)(atrium_digest how, struct atrium_str key, struct atrium_str bytes,
                 uint8_t out[ATRIUM_HASH_BYTES]);

    /* [worker] SM4-CBC (GB/T 32907) with PKCS#7, for what partners send and expect.
     * ATRIUM_E_REFUSED: does not decrypt. */
    atrium_status (*sm4_encrypt)(struct atrium_ctx *ctx, const uint8_t key[16],
                                 const uint8_t iv[16], struct atrium_str bytes,
                                 struct atrium_str *out, struct atrium_error *err);
    atrium_status (*sm4_decrypt)(struct atrium_ctx *ctx, const uint8_t key[16],
                                 const uint8_t iv[16], struct atrium_str bytes,
                                 struct atrium_str *out, struct atrium_error *err);

    /* [worker] SM2 with SM3 (GB/T 32918). Keys in PEM; `id` of the signer, absent: the
     * usual "1234567812345678"; signatures in DER. ATRIUM_E_REFUSED: not a key of SM2,
     * or not the signature. */
    atrium_status (*sm2_sign)(struct atrium_ctx *ctx, struct atrium_str key, struct atrium_str id,
                              struct atrium_str bytes, struct atrium_str *signature,
                              struct atrium_error *err);
    atrium_status (*sm2_verify)(struct atrium_ctx *ctx, struct atrium_str key,
                                struct atrium_str id, struct atrium_str bytes,
                                struct atrium_str signature, struct atrium_error *err);

    /* [worker] Reads what an older system wrote with 3DES (CBC, PKCS#7), for moving it
     * over; there is no way to write it. ATRIUM_E_REFUSED: does not decrypt. */
    atrium_status (*open_3des)(struct atrium_ctx *ctx, const uint8_t key[24], const uint8_t iv[8],
                               struct atrium_str bytes, struct atrium_str *out,
                               struct atrium_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
