/* atrium.crypto/1: random bytes and hashes keyed with the tenant's secret. The
 * secret itself never leaves the host. */
#ifndef ATRIUM_CRYPTO_H
#define ATRIUM_CRYPTO_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_CRYPTO_1 "atrium.crypto/1"
#define ATRIUM_HASH_BYTES 32

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
};

#ifdef __cplusplus
}
#endif
#endif
