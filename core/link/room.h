/* What the files of this room share. Nobody else includes it. */
#ifndef ATRIUM_CORE_LINK_ROOM_H
#define ATRIUM_CORE_LINK_ROOM_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/protect.h"
#include "base/panic.h"
#include "link/link.h"

/* ---- link.c ----------------------------------------------------------------------------- */

struct sending;

struct link {
    struct link_opts o;
    struct link_tenant *_Atomic tenants;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    struct sending *results; /* ended, not yet written down */
    unsigned in_flight;
    bool woken, stopping;
};

/* The context of a request; `conn` NULL lets the engine take one. */
struct model_ctx link_ctx(struct http_req *req, struct store_conn *conn);
struct link *link_of(const struct http_req *req);
/* ":id" of the route, 404 when it is none. */
int link_id(struct http_req *req, int64_t *id, struct err *err);
/* Runs fn in a transaction on a connection of its own. */
int link_tx(struct auth_tenant *t, int (*fn)(void *arg, struct store_conn *c, struct err *err),
            void *arg, struct err *err);
/* 404 or 403 unless the caller may change this row, by the engine's own rules: an
 * update in his name that changes nothing, on `conn`. */
int link_may_update(struct http_req *req, struct store_conn *conn, const struct model_resource *r,
                    int64_t id, struct err *err);

/* ---- api_key.c -------------------------------------------------------------------------- */

model_core_hook_fn api_key_check;
void api_key_secret(struct http_req *req);

/* ---- agreement.c, calendar.c ------------------------------------------------------------ */

model_core_hook_fn agreement_check, agreement_version_check, agreement_publish;
void agreement_list(struct http_req *req);
void agreement_get(struct http_req *req);
void agreement_accept(struct http_req *req);
void calendar_get(struct http_req *req);
void calendar_init(struct http_req *req);
void calendar_set(struct http_req *req);

/* ---- webhook_rules.c: pure -------------------------------------------------------------- */

bool webhook_each_event(sv list, bool (*fn)(void *arg, sv pattern), void *arg);
bool webhook_hears(sv pattern, sv event); /* "vote.poll.*", "vote.poll.created", "*" */
bool webhook_wants(sv events, sv event);
/* Until the next attempt after `failed` ones; jitter: any number. At most a day. */
int64_t webhook_delay_us(unsigned failed, unsigned jitter);
/* Is this receiver to be left alone until somebody resumes it? */
bool webhook_gives_up(int status, int64_t failures, int64_t since, int64_t now);
/* "t=<unix>,v1=<hex>" over "<t>.<body>"; a second v1 while `before` is valid. */
void webhook_sign(struct buf *out, sv secret, sv before, int64_t now_us, sv body);
bool webhook_url_ok(sv url, bool allow_http);

/* ---- webhook_set.c: the webhooks of a tenant, in memory --------------------------------- */

struct webhook {
    int64_t id;
    sv url, events, filter, fields, secret, before; /* before: the secret until a day ago */
    bool active;
    const struct auth_principal *who; /* as whom it sees; NULL: gone or suspended */
};
struct webhook_set {
    _Atomic int refs;
    struct arena *a;
    int64_t loaded;
    size_t n;
    struct webhook *v;
};
struct link_tenant {
    struct link_tenant *next;
    struct auth_tenant *t;
    pthread_mutex_t lock; /* set */
    struct webhook_set *set;
    _Atomic bool stale; /* changed here: read again before it is used */
    _Atomic bool due;   /* something was added here: look at once */
    int64_t look_at;    /* of the pump alone; monotonic */
};
struct link_tenant *link_tenant(struct link *l, struct auth_tenant *t);
/* Read again after five seconds; on `c`. The caller lets it go. */
int webhook_set_get(struct link_tenant *lt, struct store_conn *c, struct webhook_set **out,
                    struct err *err);
void webhook_set_drop(struct webhook_set *s);
const struct webhook *webhook_find(const struct webhook_set *s, int64_t id);

/* ---- webhook_record.c: into the delivery table, in the write's transaction --------------- */

struct webhook_event {
    int64_t id; /* of the event: the same for all who hear it */
    sv name, resource;
    int64_t row;
    sv data; /* JSON */
};
int webhook_record(void *arg, const struct model_written *w, struct err *err);
void webhook_committed(void *arg, struct auth_tenant *t, sv resource);
struct auth_place webhook_body_place(int64_t delivery);
/* Adds one delivery. */
int webhook_add(struct auth_tenant *t, struct store_conn *c, struct arena *a, int64_t webhook,
                bool held, const struct webhook_event *e, int64_t *id, struct err *err);

/* ---- webhook_pump.c, webhook_result.c: out, and what came of it --------------------------- */

#define WEBHOOK_ANSWER 2048
#define WEBHOOK_TEST "core.webhook.test"

struct sending {
    struct sending *next;
    struct link *link;
    struct link_tenant *lt;
    int64_t id, webhook, began; /* began: monotonic */
    int attempts, max_attempts, status, ms;
    char error[200];
    size_t answer_n;
    char answer[WEBHOOK_ANSWER];
};
int webhook_pump_start(struct link *l, struct err *err);
void webhook_pump_wake(struct link *l);
void webhook_pump_stop(struct link *l);
/* Writes down how one attempt ended. */
int webhook_result(struct sending *s, struct err *err);

/* ---- webhook_api.c ------------------------------------------------------------------------ */

model_core_hook_fn webhook_check, webhook_move;
void webhook_secret(struct http_req *req);
void webhook_test(struct http_req *req);
void webhook_replay(struct http_req *req);
int webhook_sweep(struct model *m, struct auth_tenant *t, struct work_job *job, struct err *err);

#endif
