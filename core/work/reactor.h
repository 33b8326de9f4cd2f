/* What the files of the reactor share. Nobody else includes it. Everything here
 * belongs to the reactor thread. */
#ifndef ATRIUM_CORE_WORK_REACTOR_H
#define ATRIUM_CORE_WORK_REACTOR_H

#include <curl/curl.h>
#include <sys/socket.h>

#include "base/panic.h"
#include "work/work.h"

struct peer;

struct request {
    struct request *next;          /* in the inbox, then in its peer's queue */
    struct request *newer, *older; /* of those at work */
    struct peer *peer;
    CURL *easy; /* NULL: waiting */
    struct curl_slist *headers;
    char *method, *url;
    struct buf body, answer;
    int64_t deadline; /* monotonic; waiting counts */
    size_t max_body;
    bool allow_private, refused_private, too_large, probe;
    void (*done)(void *arg, int status, sv body, const char *error);
    void *arg;
    char error[CURL_ERROR_SIZE];
};

/* peer.c: one scheme, host and port. At most PEER_MAX requests at a time, the
 * rest waits; after several failures in a row nobody asks it for a while. */
extern int64_t peer_open_us; /* how long; only tests change it */
struct peers;
struct peers *peers_new(void);
void peers_free(struct peers *p);
struct peer *peers_find(struct peers *p, sv key);
/* True when the request may begin now; otherwise it waits in the peer's queue,
 * or *error says why it fails at once. */
bool peer_admit(struct peer *peer, struct request *r, const char **error);
/* One at work has ended. */
void peer_ended(struct peer *peer, const struct request *r, bool failed);
/* The next waiting one that shall be admitted anew, or NULL. */
struct request *peer_next(struct peer *peer);
/* Any waiting one of any peer: for the end. */
struct request *peers_drain(struct peers *p);

/* guard.c: addresses that a request on somebody else's behalf must not reach. */
bool guard_is_private(const struct sockaddr *addr);
bool guard_is_private_text(const char *ip);

#endif
