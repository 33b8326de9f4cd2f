/* What the tests of the auth room share: a real MariaDB, the room on it, the
 * core's tables by the resource engine, a real http server, a small client. */
#ifndef ATRIUM_TESTS_AUTH_FIXTURE_H
#define ATRIUM_TESTS_AUTH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/room.h"
#include "mariadb_fixture.h"
#include "model/model.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define PASSWORD "River7stone9"
#define ALPHA "atrium_t_alpha"           /* its database */
#define LOGIN "/api/auth/login"
#define WHO "/api/test/who"

#define OK(call)                                                                                  \
    do {                                                                                          \
        err_clear(&e);                                                                            \
        if ((call) != 0) fail_msg("line %d: %d %s: %s", __LINE__, e.status, e.code, e.detail);    \
    } while (0)

#define FAILS(call, want_status)                                                                  \
    do {                                                                                          \
        err_clear(&e);                                                                            \
        if ((call) == 0) fail_msg("line %d: succeeded", __LINE__);                                \
        if (e.status != (want_status))                                                            \
            fail_msg("line %d: %d %s: %s", __LINE__, e.status, e.code, e.detail);                 \
    } while (0)

struct house {
    struct mariadb *server;
    struct cfg_settings settings;
    char state_dir[64];
    struct store_db *control;        /* no database selected */
    struct store_db_opts opts;
    struct auth *auth;
    struct work_pool *pool;
    struct arena *arena;
    struct mf_manifest *core;
    struct model *model;
    struct http_router *router;
    struct http_server *http;
    unsigned port;
    struct auth_tenant *alpha, *beta;    /* beta also by host name beta.example */
};
extern struct house house;

int house_setup(void **state);
int house_teardown(void **state);
/* Before each test: the real time, nobody locked out. */
int house_fresh(void **state);
int house_migrate(void *arg, struct auth_tenant *t, struct err *err);
struct auth_tenant *house_tenant(const char *slug, const char *host);
/* A second node: another instance of the room on the same databases. */
struct auth *house_second_auth(void);
int64_t house_i64(const char *database, const char *sql);
void house_sql(const char *database, const char *sql);
void house_staff(struct auth_tenant *t, const char *login, const char *phone, const char *role);

struct reply {
    int status;
    char *head, *body;               /* of one heap block */
};
/* One request on a connection of its own. `headers`: lines ending in \r\n, or "".
 * With a body, it is JSON. */
struct reply ask(const char *method, const char *path, const char *headers, const char *body);
void reply_free(struct reply *r);
/* Asks, checks the status, throws the answer away. */
void expect(int status, const char *method, const char *path, const char *headers,
            const char *body);
/* Who the answer of a test route says is asking; "refused" when there is none. */
const char *kind(const char *path, const char *headers);
bool has(const char *text, const char *part);
/* Value of a text member anywhere in the body; lives until the next few calls. */
const char *member(const struct reply *r, const char *name);
/* The token of a log-in by password; "" on failure. For the main thread. */
const char *log_in(const char *base, const char *login);
const char *bearer_of(const char *token);
const char *cookie_of(const char *name, const char *value);
/* The newest code for a phone in the outbox; waits for it. NULL: none in time. */
const char *code_for(const char *phone);
unsigned codes_for(const char *phone);

#endif
