/* The pool of one database. Free connections are a stack, so that the warmest
 * (statements prepared, server caches hot) is used first and the coldest ages
 * at the bottom. When the server cannot be reached a circuit opens: callers get
 * 503 at once, and one of them a second tries to connect. */
#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"

#define LOG_ROOM "store"

#define PROBE_US 1000000          /* between attempts while the server is away */
#define LOOK_US 50000             /* idle longer: see whether the socket was closed */
#define TRIM_US (300 * 1000000LL) /* idle longer: the coldest is closed */

static char *copy(const char *s)
{
    if (!s) return NULL;
    size_t n = strlen(s) + 1;
    char *p = xmalloc(n);
    memcpy(p, s, n);
    return p;
}

static void library_init(void)
{
    if (mysql_server_init(0, NULL, NULL) != 0) panic("store: cannot start libmariadb");
}

struct store_db *store_db_new(const struct store_db_opts *opts)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_init);

    struct store_db *db = xmalloc(sizeof *db);
    *db = (struct store_db){.o = *opts};
    db->o.host = copy(opts->host);
    db->o.socket = copy(opts->socket);
    db->o.user = copy(opts->user);
    db->o.password = copy(opts->password);
    db->o.database = copy(opts->database);
    db->o.tls_ca = copy(opts->tls_ca);
    if (!db->o.max_conns) db->o.max_conns = 32;
    if (!db->o.wait_ms) db->o.wait_ms = 2000;
    if (!db->o.connect_ms) db->o.connect_ms = 3000;
    if (!db->o.query_ms) db->o.query_ms = 30000;
    if (!db->o.stmt_cache) db->o.stmt_cache = 256;
    db->idle = xmalloc(sizeof(struct store_conn *) * db->o.max_conns);
    pthread_mutex_init(&db->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&db->freed, &attr);
    pthread_condattr_destroy(&attr);
    return db;
}

void store_db_free(struct store_db *db)
{
    if (!db) return;
    pthread_mutex_lock(&db->lock);
    unsigned out = db->n_open - db->n_idle;
    pthread_mutex_unlock(&db->lock);
    if (out) {
        /* freeing would hand their users a dead pool; a leak is the lesser harm */
        log_error("%u connections of %s are still in use: the pool is not freed", out,
                  db->o.database ? db->o.database : "-");
        return;
    }
    while (db->n_idle)
        conn_free(db->idle[--db->n_idle]);
    pthread_cond_destroy(&db->freed);
    pthread_mutex_destroy(&db->lock);
    free(db->idle);
    free((void *)db->o.host);
    free((void *)db->o.socket);
    free((void *)db->o.user);
    free((void *)db->o.password);
    free((void *)db->o.database);
    free((void *)db->o.tls_ca);
    free(db);
}

int db_unavailable(struct err *err, const char *why)
{
    if (!err_is(err)) err_detail(err, "%s", why);
    err_set(err, 503, "unavailable", NULL);
    err->retry_after = 1;
    return -1;
}

static bool may_connect_locked(struct store_db *db)
{
    if (!db->away) return true;
    int64_t now = clock_mono_us();
    if (now < db->probe_at) return false;
    db->probe_at = now + PROBE_US;
    return true;
}

bool db_may_connect(struct store_db *db)
{
    pthread_mutex_lock(&db->lock);
    bool yes = may_connect_locked(db);
    pthread_mutex_unlock(&db->lock);
    return yes;
}

void db_reachable(struct store_db *db, bool yes)
{
    pthread_mutex_lock(&db->lock);
    bool changed = db->away == yes;
    db->away = !yes;
    if (yes) {
        db->n_connects++;
    } else {
        db->probe_at = clock_mono_us() + PROBE_US;
        db->epoch++;
        /* nobody waits for what cannot come */
        pthread_cond_broadcast(&db->freed);
    }
    pthread_mutex_unlock(&db->lock);
    if (changed && yes) log_info("database %s is back", db->o.database ? db->o.database : "-");
}

void db_lost(struct store_db *db)
{
    pthread_mutex_lock(&db->lock);
    db->epoch++;
    pthread_mutex_unlock(&db->lock);
}

bool db_may_tell(struct store_db *db)
{
    int64_t now = clock_mono_us();
    pthread_mutex_lock(&db->lock);
    bool yes = !db->told_at || now - db->told_at >= PROBE_US;
    if (yes) db->told_at = now;
    pthread_mutex_unlock(&db->lock);
    return yes;
}

/* A place for one more connection has come free. */
static void release_place(struct store_db *db)
{
    pthread_mutex_lock(&db->lock);
    db->n_open--;
    if (db->n_waiting) pthread_cond_signal(&db->freed);
    pthread_mutex_unlock(&db->lock);
}

static struct timespec deadline_in_ms(unsigned ms)
{
    int64_t at = clock_mono_us() + (int64_t)ms * 1000;
    return (struct timespec){.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
}

/* Takes a free connection, or a place for a new one (*out NULL). *probe: the
 * server is thought to be away, and this caller shall find out. */
static int take(struct store_db *db, struct store_conn **out, unsigned *epoch, bool *probe,
                struct err *err)
{
    struct timespec until = {0};
    int rc = 0;
    pthread_mutex_lock(&db->lock);
    for (;;) {
        if (!may_connect_locked(db)) {
            rc = db_unavailable(err, "the database does not answer");
            break;
        }
        if (db->n_idle) {
            *out = db->idle[--db->n_idle];
            break;
        }
        if (db->n_open < db->o.max_conns) {
            db->n_open++;
            *out = NULL;
            break;
        }
        if (!until.tv_sec) {
            until = deadline_in_ms(db->o.wait_ms);
            db->n_waits++;
        }
        db->n_waiting++;
        int waited = pthread_cond_timedwait(&db->freed, &db->lock, &until);
        db->n_waiting--;
        if (waited == ETIMEDOUT && !db->n_idle && db->n_open >= db->o.max_conns) {
            err_detail(err, "no free connection to %s within %u ms (%u in use)",
                       db->o.database ? db->o.database : "-", db->o.wait_ms, db->n_open);
            rc = err_set(err, 503, "overloaded", NULL);
            err->retry_after = 1;
            break;
        }
    }
    *epoch = db->epoch;
    *probe = db->away;
    pthread_mutex_unlock(&db->lock);
    return rc;
}

int store_get(struct store_db *db, struct store_conn **out, struct err *err)
{
    struct store_conn *c = NULL;
    unsigned epoch;
    bool connect;
    if (take(db, &c, &epoch, &connect, err) != 0) return -1;
    if (!c) {
        c = conn_new(db);
        connect = true;
    }
    bool suspect = !connect && (c->epoch != epoch || clock_mono_us() - c->idle_since > LOOK_US);
    if (connect || (suspect && !conn_alive(c))) {
        if (conn_open(c, err) != 0) {
            conn_free(c);
            release_place(db);
            return -1;
        }
    } else if (suspect) {
        c->epoch = epoch;
    }
    c->used = false;
    c->retryable = false;
    fault_clear(c);
    *out = c;
    return 0;
}

void store_put(struct store_conn *c)
{
    if (!c) return;
    struct store_db *db = c->db;
    if (c->in_tx) {
        log_error("a connection to %s came back with an open transaction: rolled back",
                  db->o.database ? db->o.database : "-");
        store_rollback(c);
    }
    if (c->broken || !c->my || c->busy) {
        if (c->busy) log_error("a connection came back from inside its own row function");
        conn_free(c);
        release_place(db);
        return;
    }
    int64_t now = clock_mono_us();
    struct store_conn *cold = NULL;
    c->idle_since = now;
    pthread_mutex_lock(&db->lock);
    if (db->n_idle && now - db->idle[0]->idle_since > TRIM_US) {
        cold = db->idle[0];
        db->n_idle--;
        db->n_open--;
        memmove(db->idle, db->idle + 1, sizeof *db->idle * db->n_idle);
    }
    db->idle[db->n_idle++] = c;
    if (db->n_waiting) pthread_cond_signal(&db->freed);
    pthread_mutex_unlock(&db->lock);
    if (cold) conn_free(cold);
}

void store_db_trim(struct store_db *db, unsigned idle_ms)
{
    int64_t before = clock_mono_us() - (int64_t)idle_ms * 1000;
    for (;;) {
        struct store_conn *cold = NULL;
        pthread_mutex_lock(&db->lock);
        if (db->n_idle && db->idle[0]->idle_since <= before) {
            cold = db->idle[0];
            db->n_idle--;
            db->n_open--;
            memmove(db->idle, db->idle + 1, sizeof *db->idle * db->n_idle);
        }
        pthread_mutex_unlock(&db->lock);
        if (!cold) return;
        conn_free(cold);
    }
}

void store_db_stats(struct store_db *db, struct store_db_stats *out)
{
    pthread_mutex_lock(&db->lock);
    *out = (struct store_db_stats){.open = db->n_open,
                                   .idle = db->n_idle,
                                   .waiting = db->n_waiting,
                                   .away = db->away,
                                   .connects = db->n_connects,
                                   .waits = db->n_waits};
    pthread_mutex_unlock(&db->lock);
}

struct store_db *store_conn_db(struct store_conn *c)
{
    return c->db;
}
