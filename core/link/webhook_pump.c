/* The thread that sends deliveries. It claims what is due of each tenant, gives it
 * to the reactor, which holds no thread while a receiver thinks, and writes down
 * what came of it. A claimed row carries the end of a lease instead of its time: a
 * node that dies leaves rows that are due again when the lease ends. */
#define LOG_ROOM "link"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "link/room.h"

#define TIMEOUT_MS 10000
#define LEASE_US 20000000
#define AT_ONCE 50      /* claimed from a tenant in one go */
#define IN_FLIGHT 256   /* of this node */
#define BUSY_US 1000000 /* between looks at a tenant that has webhooks */
#define IDLE_US 30000000

/* ---- one attempt -------------------------------------------------------------------------- */

/* [reactor thread] */
static void done(void *arg, int status, sv body, const char *error)
{
    struct sending *s = arg;
    struct link *l = s->link;
    s->status = status;
    s->ms = (int)((clock_mono_us() - s->began) / 1000);
    snprintf(s->error, sizeof s->error, "%s", error ? error : "");
    s->answer_n = body.n < WEBHOOK_ANSWER ? body.n : WEBHOOK_ANSWER;
    if (s->answer_n) memcpy(s->answer, body.p, s->answer_n);
    pthread_mutex_lock(&l->lock);
    s->next = l->results;
    l->results = s;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

struct claimed {
    int64_t id, webhook;
    int attempts, max_attempts;
    sv event, event_id, body;
};

static bool post(struct link *l, struct link_tenant *lt, const struct webhook *h,
                 const struct claimed *c, struct arena *a)
{
    struct buf signature = BUF_IN(a);
    webhook_sign(&signature, h->secret, h->before, clock_now_us(), c->body);
    const char *headers[] = {
        "Content-Type: application/json",
        arena_printf(a, "X-Atrium-Signature: %.*s", SVARG(buf_view(&signature))).p,
        arena_printf(a, "X-Atrium-Event: %.*s", SVARG(c->event)).p,
        arena_printf(a, "X-Atrium-Event-Id: %.*s", SVARG(c->event_id)).p,
        arena_printf(a, "X-Atrium-Delivery: %lld", (long long)c->id).p,
        NULL,
    };
    struct sending *s = xmalloc(sizeof *s);
    s->next = NULL;
    s->link = l;
    s->lt = lt;
    s->id = c->id;
    s->webhook = h->id;
    s->attempts = c->attempts + 1;
    s->max_attempts = c->max_attempts;
    s->began = clock_mono_us();
    struct work_http req = {.method = "POST",
                            .url = h->url,
                            .headers = headers,
                            .body = c->body,
                            .timeout_ms = TIMEOUT_MS,
                            .max_body = 64u << 10,
                            .allow_private = l->o.allow_private,
                            .done = done,
                            .arg = s};
    pthread_mutex_lock(&l->lock);
    l->in_flight++;
    pthread_mutex_unlock(&l->lock);
    if (work_reactor_http(l->o.reactor, &req)) return true;
    pthread_mutex_lock(&l->lock);
    l->in_flight--;
    pthread_mutex_unlock(&l->lock);
    free(s);
    return false; /* its lease brings it back */
}

/* ---- claiming ------------------------------------------------------------------------------- */

struct claim {
    struct link_tenant *lt;
    struct arena *a;
    unsigned limit, n;
    struct claimed rows[AT_ONCE];
};

static bool on_row(void *arg, const struct store_val *v, unsigned n)
{
    struct claim *k = arg;
    (void)n;
    k->rows[k->n++] = (struct claimed){.id = v[0].u.i,
                                       .webhook = v[1].u.i,
                                       .event = arena_sv(k->a, v[2].u.s),
                                       .event_id = arena_sv(k->a, v[3].u.s),
                                       .body = arena_sv(k->a, v[4].u.s),
                                       .attempts = (int)v[5].u.i};
    return k->n < k->limit;
}

static int claim(void *arg, struct store_conn *c, struct err *err)
{
    struct claim *k = arg;
    int64_t now = clock_now_us();
    struct store_val due[] = {STORE_T(now), STORE_I(k->limit)};
    k->n = 0;
    if (store_run(c,
                  SV("SELECT id, webhook, event, event_id, body, attempts"
                     " FROM core_webhook_delivery WHERE status = 'pending' AND next_at <= ?"
                     " ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED"),
                  due, 2, on_row, k, err) != 0)
        return -1;
    for (unsigned i = 0; i < k->n; i++) {
        struct store_val args[] = {STORE_T(now + LEASE_US), STORE_I(k->rows[i].id)};
        if (store_exec(c, SV("UPDATE core_webhook_delivery SET next_at = ? WHERE id = ?"), args, 2,
                       NULL, err) != 0)
            return -1;
    }
    return 0;
}

static int hold(struct store_conn *c, int64_t id, struct err *err)
{
    struct store_val args[] = {STORE_I(id)};
    return store_exec(c,
                      SV("UPDATE core_webhook_delivery SET status = 'held'"
                         " WHERE id = ? AND status = 'pending'"),
                      args, 1, NULL, err);
}

/* What does not open can never be sent; the keys being away is for a while only. */
static int open_body(struct link_tenant *lt, struct store_conn *c, struct claimed *k,
                     struct arena *a, bool *good, struct err *err)
{
    struct auth_place at = webhook_body_place(k->id);
    struct err e = {0};
    *good = auth_open_value(lt->t, a, &at, k->body, &k->body, &e) == 0;
    if (*good) return 0;
    if (e.status == 503) {
        err_copy(err, &e);
        return -1;
    }
    log_error("webhook delivery %lld: %s", (long long)k->id, e.detail);
    return hold(c, k->id, err);
}

static unsigned room_left(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    unsigned left = l->stopping || l->in_flight >= IN_FLIGHT ? 0 : IN_FLIGHT - l->in_flight;
    pthread_mutex_unlock(&l->lock);
    return left < AT_ONCE ? left : AT_ONCE;
}

static int attempts_of(struct store_conn *c, struct arena *a, struct claimed *k, struct err *err)
{
    struct store_val args[] = {STORE_I(k->webhook)}, v;
    bool found;
    if (store_one(c, a, SV("SELECT max_attempts FROM core_webhook WHERE id = ?"), args, 1, &v, 1,
                  &found, err) != 0)
        return -1;
    k->max_attempts = found && v.type == STORE_I64 ? (int)v.u.i : 1;
    return 0;
}

/* How many were claimed; -1: the database does not answer. */
static int serve_once(struct link *l, struct link_tenant *lt, struct store_conn *c, bool *hooks,
                      struct err *err)
{
    struct webhook_set *set;
    struct claim k = {.lt = lt, .limit = room_left(l)};
    if (webhook_set_get(lt, c, &set, err) != 0) return -1;
    *hooks = set->n > 0;
    int rc = 0;
    k.a = arena_new(0);
    if (k.limit) rc = store_tx(c, claim, &k, err);
    for (unsigned i = 0; rc == 0 && i < k.n; i++) {
        const struct webhook *h = webhook_find(set, k.rows[i].webhook);
        bool test = sv_eqs(k.rows[i].event, WEBHOOK_TEST);
        if (h && (h->active || test)) {
            bool good = false;
            rc = attempts_of(c, k.a, &k.rows[i], err);
            if (rc == 0) rc = open_body(lt, c, &k.rows[i], k.a, &good, err);
            if (rc == 0 && good) post(l, lt, h, &k.rows[i], k.a);
        } else if (h) {
            rc = hold(c, k.rows[i].id, err);
        }
    }
    arena_free(k.a);
    webhook_set_drop(set);
    return rc == 0 ? (int)k.n : -1;
}

static void serve(struct link *l, struct link_tenant *lt)
{
    struct store_conn *c;
    struct err err = {0};
    bool hooks = false;
    int n = -1;
    atomic_store(&lt->due, false);
    if (store_get(lt->t->db, &c, &err) == 0) {
        do
            n = serve_once(l, lt, c, &hooks, &err);
        while (n == AT_ONCE);
        store_put(c);
    }
    if (n < 0) log_warn("webhooks of %.*s: %s", SVARG(lt->t->slug), err.detail);
    lt->look_at = clock_mono_us() + (hooks || n < 0 ? BUSY_US : IDLE_US);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool meet(void *arg, struct auth_tenant *t)
{
    link_tenant(arg, t);
    return true;
}

static struct sending *results_take(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    struct sending *list = l->results;
    l->results = NULL;
    for (struct sending *s = list; s; s = s->next)
        l->in_flight--;
    pthread_mutex_unlock(&l->lock);
    return list;
}

static void write_results(struct link *l)
{
    for (struct sending *s = results_take(l), *next; s; s = next) {
        struct err err = {0};
        next = s->next;
        if (webhook_result(s, &err) != 0)
            log_warn("webhook %lld: how it went was not stored: %s", (long long)s->webhook,
                     err.detail);
        free(s);
    }
}

static bool rest(struct link *l)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && !l->woken && !l->results)
        if (pthread_cond_timedwait(&l->wake, &l->lock, &until) == ETIMEDOUT) break;
    l->woken = false;
    bool on = !l->stopping;
    pthread_mutex_unlock(&l->lock);
    return on;
}

static void *pump(void *arg)
{
    struct link *l = arg;
    int64_t met = 0;
    do {
        int64_t now = clock_mono_us();
        if (!met || now - met > IDLE_US) {
            auth_each_tenant(l->o.auth, meet, l);
            met = now;
        }
        write_results(l);
        for (struct link_tenant *lt = atomic_load(&l->tenants); lt; lt = lt->next)
            if (atomic_load(&lt->due) || now >= lt->look_at) serve(l, lt);
    } while (rest(l));
    write_results(l);
    return NULL;
}

int webhook_pump_start(struct link *l, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&l->thread, NULL, pump, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) return err_internal(err, "cannot start the thread of webhooks: %d", rc);
    pthread_setname_np(l->thread, "webhooks");
    l->started = true;
    return 0;
}

void webhook_pump_wake(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    l->woken = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

void webhook_pump_stop(struct link *l)
{
    if (!l->started) return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    l->started = false;
}
