/* Signed tokens of outer log-ins (RFC 7519, OpenID Connect Core 3.1.3.7): RS256, ES256
 * and EdDSA by OpenSSL; nothing else, "none" and keyed hashes least of all. Pure. */
#ifndef ATRIUM_CORE_AUTH_JWT_H
#define ATRIUM_CORE_AUTH_JWT_H

#include "base/base.h"

struct jwt_want {
    sv issuer, audience, nonce;      /* nonce.n 0: none was sent */
    int64_t now_us;
};
/* 0: *claims of a token whose signature is one of `jwks`' and which is for us, now.
 * -1: err 401 "auth.outer" with the reason in its detail; *unknown_key says that the
 * token names a key that the set does not have: it may have been rotated. */
int jwt_verify(struct arena *a, sv token, const json_t *jwks, const struct jwt_want *want,
               json_t **claims, bool *unknown_key, struct err *err);

#endif
