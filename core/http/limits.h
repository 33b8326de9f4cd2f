/* Who may connect and how often it may ask: connections in all and by address,
 * requests by address. One table for all loops, bounded. [any] */
#ifndef ATRIUM_CORE_HTTP_LIMITS_H
#define ATRIUM_CORE_HTTP_LIMITS_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "http/http.h"

struct limits;
struct limit_peer;                   /* one address (IPv6: one /64) */

struct limits *limits_new(const struct http_limits *l, bool count_by_address);
void limits_free(struct limits *t);

enum limit_verdict { LIMIT_OK, LIMIT_ALL, LIMIT_ADDRESS };
/* A connection from `sa`; on LIMIT_OK *peer must be given back. */
enum limit_verdict limits_connect(struct limits *t, const struct sockaddr *sa,
                                  struct limit_peer **peer);
void limits_disconnect(struct limits *t, struct limit_peer *peer);

/* One request by the peer; false: too many. */
bool limits_request(struct limits *t, struct limit_peer *peer, int64_t now_us);
/* The same by an address in text, for clients behind a trusted proxy. */
bool limits_request_ip(struct limits *t, sv ip, int64_t now_us);

#endif
