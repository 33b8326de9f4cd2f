/* A real server on loopback for the tests of core/http, and small clients. */
#ifndef ATRIUM_TESTS_HTTP_FIXTURE_H
#define ATRIUM_TESTS_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "http/http.h"

struct fixture {
    struct http_server *server;
    struct http_config cfg;
    struct http_listen listen[3];    /* plain, TLS, operator */
    int port, tls_port, operator_port;
    char dir[64], spill[96];
    char cert[96], key[96], log_path[96], server_log[96];
    struct http_router *router, *operator_router;
};

extern struct fixture fx;

/* What a test may turn before fixture_start; fixture_reset puts the defaults. */
extern struct http_limits fx_limits;
extern unsigned fx_loops, fx_proxies, fx_queue;
void fixture_reset(void);
void fixture_start(void);
void fixture_stop(void);
int fixture_setup(void **state);     /* reset + start */
int fixture_teardown(void **state);

/* Makes a self-signed certificate for "localhost" with this serial number. */
void make_cert(const char *cert, const char *key, long serial);

/* Workers blocked by the /slow route until this is opened. */
void gate_close(void);
void gate_open(void);
extern _Atomic int running;          /* requests inside of /slow */
extern _Atomic int bad_views;        /* what /slow read after its wait was not what was sent */
extern _Atomic int later_sent;       /* http_send calls of the /later thread */
extern _Atomic int done_calls, done_499;
extern _Atomic int streams_closed, ws_messages;
void stream_list_take(struct http_stream **out, size_t *n, size_t max);

/* ---- clients ---------------------------------------------------------------- */

struct client {
    int fd;
    SSL *ssl;
    char *in;                        /* received, not yet consumed */
    size_t n, cap;
    bool eof;
};

struct response {
    int status;
    char *head, *body;               /* NUL-terminated, freed by response_free */
    size_t body_n;
};

void client_open(struct client *c, int port);
void client_open_tls(struct client *c, int port, const char *alpn, int max_version);
void client_close(struct client *c);
void client_send(struct client *c, const void *p, size_t n);
void client_puts(struct client *c, const char *text);
bool client_try_send(struct client *c, const void *p, size_t n);
/* Reads more; false at the end or after `ms` without anything. */
bool client_more(struct client *c, int ms);
bool client_wait_for(struct client *c, const char *text, int ms);
void client_eat(struct client *c, size_t n);
/* One HTTP/1.1 response; `head_only` for answers to HEAD. Fails the test when
 * there is none. */
struct response client_response(struct client *c, bool head_only);
void response_free(struct response *r);
/* Value of a header (first), NULL when absent; static buffer. */
const char *response_header(const struct response *r, const char *name);
/* Connects, asks, closes. */
struct response ask(int port, const char *request);
struct response get(const char *path);

bool log_has(const char *text);        /* the server's own log */
bool wait_until(bool (*fn)(void), int ms);
void assert_problem(const struct response *r, int status, const char *code);

/* ---- HTTP/2 frames ------------------------------------------------------------ */

void h2_hello(struct client *c);     /* preface and SETTINGS */
void h2_frame(struct client *c, uint8_t type, uint8_t flags, uint32_t id, const void *p, size_t n);
/* HEADERS for a request with plain literals. */
void h2_request(struct client *c, uint32_t id, const char *method, const char *path,
                const char *more_name, const char *more_value, bool end_stream);
struct h2_in {
    uint8_t type, flags;
    uint32_t id;
    size_t n;
    uint8_t p[17000];
};
bool h2_read(struct client *c, struct h2_in *f, int ms);
/* Reads until GOAWAY or the end; returns its error code, -1: none came. */
int h2_goaway(struct client *c, int ms);

#endif
