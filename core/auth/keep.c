/* What keeps the operation log honest from outside it, and within bounds: anchors and
 * the cut of retention, in the control database, which a tenant's account cannot
 * reach, each under a MAC of the tenant's secret, which lies
 * there wrapped by the master key. */
#define LOG_ROOM "auth"

#include <errno.h>
#include <stdlib.h>

#include "auth/room.h"

#define TICK_S 5
#define PURGE_EVERY_US (3600 * 1000000LL)
#define BATCH 1000
#define BATCHES 200                  /* of one purge; the next hour goes on */
#define PAUSE_US 10000
#define DAY_US (86400 * 1000000LL)

/* ---- marks ------------------------------------------------------------------------------- */

static void mark_mac(const struct tenant *t, const char *kind, int64_t day, int64_t id, sv hash,
                     int64_t lines, char out[AUTH_HASH_CHARS])
{
    struct arena *a = arena_new(512);
    unsigned char key[32], mac[32];
    /* wrapped by the master key, and the same after that one was rotated */
    seal_hmac(t->pub.secret, SV("key:audit"), key);
    seal_hmac(key, arena_printf(a, "%s:%lld:%lld:%lld:%.*s:%lld", kind, (long long)t->pub.id,
                                (long long)day, (long long)id, SVARG(hash), (long long)lines), mac);
    seal_hex(mac, sizeof mac, out);
    arena_free(a);
}

static int write_anchor(struct tenant *t, const struct audit_tail *tail, struct err *err)
{
    int64_t now = clock_now_us(), day = clock_day(now, 0);
    char mac[AUTH_HASH_CHARS];
    struct store_conn *c;
    sv hash = sv_make(tail->hash, AUTH_HASH_CHARS);
    mark_mac(t, "anchor", day, tail->id, hash, 0, mac);
    struct store_val args[] = {STORE_I(t->pub.id), STORE_I(day), STORE_I(tail->id), STORE_S(hash),
                               STORE_S(sv_make(mac, sizeof mac)), STORE_T(now)};
    if (store_get(t->auth->control, &c, err) != 0) return -1;
    /* the id comes last: what stands before still compares with the old one */
    int rc = store_exec(c, SV("INSERT INTO audit_anchor (tenant, day, last_id, hash, mac,"
                              " updated_at) VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
                              " hash = IF(VALUES(last_id) > last_id, VALUES(hash), hash),"
                              " mac = IF(VALUES(last_id) > last_id, VALUES(mac), mac),"
                              " updated_at = VALUES(updated_at),"
                              " last_id = GREATEST(last_id, VALUES(last_id))"),
                        args, 6, NULL, err);
    store_put(c);
    return rc;
}

int keep_anchor(struct tenant *t, struct err *err)
{
    pthread_mutex_lock(&t->lock);
    struct audit_tail tail = t->tail;
    bool there = tail.id == t->anchored.id;
    pthread_mutex_unlock(&t->lock);
    if (there) return 0;
    if (write_anchor(t, &tail, err) != 0) return -1;
    pthread_mutex_lock(&t->lock);
    t->anchored = tail;
    pthread_mutex_unlock(&t->lock);
    return 0;
}

/* ---- reading them -------------------------------------------------------------------------- */

struct reading {
    const struct tenant *t;
    struct arena *a;
    struct audit_mark *list;
    size_t n, cap;
    int64_t cut, forged;
};

static bool on_anchor(void *arg, const struct store_val *v, unsigned n_cols)
{
    struct reading *r = arg;
    char mac[AUTH_HASH_CHARS];
    (void)n_cols;
    int64_t id = v[1].u.i;
    sv hash = arena_sv(r->a, v[2].u.s);
    mark_mac(r->t, "anchor", v[0].u.i, id, hash, 0, mac);
    if (!sv_eq_const_time(sv_make(mac, sizeof mac), v[3].u.s)) {
        r->forged = id;
        return false;
    }
    if (id <= r->cut) return true;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct audit_mark *more = ARENA_ARRAY(r->a, struct audit_mark, cap);
        if (r->n) memcpy(more, r->list, r->n * sizeof *more);
        r->list = more;
        r->cap = cap;
    }
    r->list[r->n++] = (struct audit_mark){.id = id, .hash = hash};
    return true;
}

static int read_cut(struct tenant *t, struct store_conn *c, struct arena *a, struct audit_mark *cut,
                    int64_t *forged, struct err *err)
{
    struct store_val id[] = {STORE_I(t->pub.id)}, v[4];
    char mac[AUTH_HASH_CHARS];
    bool found;
    *cut = (struct audit_mark){.hash = SV(AUDIT_GENESIS)};
    if (store_one(c, a, SV("SELECT last_id, hash, line_count, mac FROM audit_cut WHERE tenant = ?"),
                  id, 1, v, 4, &found, err) != 0)
        return -1;
    if (!found) return 0;
    *cut = (struct audit_mark){v[0].u.i, v[1].u.s, (uint64_t)v[2].u.i};
    mark_mac(t, "cut", 0, cut->id, cut->hash, (int64_t)cut->lines, mac);
    if (!sv_eq_const_time(sv_make(mac, sizeof mac), v[3].u.s)) *forged = cut->id;
    return 0;
}

int keep_read(struct tenant *t, struct arena *a, struct audit_mark *cut,
              struct audit_mark **anchors, size_t *n, int64_t *forged, struct err *err)
{
    struct store_val id[] = {STORE_I(t->pub.id)};
    struct reading r = {.t = t, .a = a};
    struct store_conn *c;
    *forged = 0;
    if (store_get(t->auth->control, &c, err) != 0) return -1;
    int rc = read_cut(t, c, a, cut, forged, err);
    r.cut = cut->id;
    if (rc == 0)
        rc = store_run(c, SV("SELECT day, last_id, hash, mac FROM audit_anchor WHERE tenant = ?"
                             " ORDER BY last_id"), id, 1, on_anchor, &r, err);
    store_put(c);
    if (r.forged) *forged = r.forged;
    *anchors = r.list;
    *n = r.n;
    return rc;
}

/* ---- one at a time --------------------------------------------------------------------------- */

static sv lock_name(struct arena *a, const struct tenant *t)
{
    return arena_printf(a, "atrium_audit_%lld", (long long)t->pub.id);
}

int keep_lock(struct tenant *t, struct store_conn *c, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val name[] = {STORE_S(lock_name(a, t))}, v[1];
    bool found;
    int rc = store_one(c, a, SV("SELECT GET_LOCK(?, 10)"), name, 1, v, 1, &found, err);
    bool got = rc == 0 && found && v[0].type == STORE_I64 && v[0].u.i == 1;
    arena_free(a);
    if (rc != 0) return -1;
    return got ? 0 : err_set(err, 409, "conflict", NULL);
}

void keep_unlock(struct tenant *t, struct store_conn *c)
{
    struct arena *a = arena_new(256);
    struct store_val name[] = {STORE_S(lock_name(a, t))}, v[1];
    struct err e = {0};
    bool found;
    if (store_one(c, a, SV("SELECT RELEASE_LOCK(?)"), name, 1, v, 1, &found, &e) != 0)
        log_warn("the lock of the log: %s", e.detail);
    arena_free(a);
}

/* ---- retention ----------------------------------------------------------------------------- */

struct oldest { int64_t before, id; char hash[AUTH_HASH_CHARS]; uint64_t n; };

static bool on_old(void *arg, const struct store_val *v, unsigned n)
{
    struct oldest *o = arg;
    (void)n;
    if (v[1].u.i >= o->before || v[2].u.s.n != AUTH_HASH_CHARS) return false;
    o->id = v[0].u.i;
    memcpy(o->hash, v[2].u.s.p, AUTH_HASH_CHARS);
    o->n++;
    return true;
}

static int write_cut(struct tenant *t, const struct oldest *o, uint64_t lines, struct err *err)
{
    char mac[AUTH_HASH_CHARS];
    struct store_conn *c;
    sv hash = sv_make(o->hash, AUTH_HASH_CHARS);
    mark_mac(t, "cut", 0, o->id, hash, (int64_t)lines, mac);
    struct store_val args[] = {STORE_I(t->pub.id), STORE_I(o->id), STORE_S(hash),
                               STORE_I((int64_t)lines), STORE_S(sv_make(mac, sizeof mac)),
                               STORE_T(clock_now_us())};
    if (store_get(t->auth->control, &c, err) != 0) return -1;
    int rc = store_exec(c, SV("REPLACE INTO audit_cut (tenant, last_id, hash, line_count, mac,"
                              " updated_at) VALUES (?, ?, ?, ?, ?, ?)"), args, 6, NULL, err);
    store_put(c);
    return rc;
}

/* The cut is written before its lines go: a death in between leaves lines that the
 * next purge removes and nobody counts as the chain. The newest line always stays,
 * for the next one hangs on it. */
static int purge_batch(struct tenant *t, struct store_conn *c, int64_t before, uint64_t *removed,
                       bool *more, struct err *err)
{
    struct arena *a = arena_new(0);
    struct audit_mark cut = {0};
    struct oldest o = {.before = before};
    struct store_conn *control;
    int64_t forged = 0;
    uint64_t n = 0;
    *more = false;
    int rc = store_get(t->auth->control, &control, err);
    if (rc == 0) {
        rc = read_cut(t, control, a, &cut, &forged, err);
        store_put(control);
    }
    if (rc == 0 && forged) rc = err_internal(err, "the cut of the log is not ours; not purging");
    struct store_val from[] = {STORE_I(cut.id)};
    if (rc == 0)
        rc = store_run(c, SV("SELECT id, created_at, hash FROM core_audit WHERE id > ?"
                             " AND id < (SELECT MAX(id) FROM core_audit) ORDER BY id LIMIT 1000"),
                       from, 1, on_old, &o, err);
    if (rc == 0 && o.n) rc = write_cut(t, &o, cut.lines + o.n, err);
    struct store_val to[] = {STORE_I(o.n ? o.id : cut.id)};
    if (rc == 0 && to[0].u.i)
        rc = store_exec(c, SV("DELETE FROM core_audit WHERE id <= ? ORDER BY id LIMIT 2000"), to, 1,
                        &n, err);
    *removed += n;
    *more = rc == 0 && o.n == BATCH;
    arena_free(a);
    return rc;
}

int auth_audit_purge(struct auth_tenant *pub, uint64_t *removed, struct err *err)
{
    struct tenant *t = tenant_full(pub);
    struct auth_rules rules = auth_rules_of(pub);
    unsigned days = rules.audit_days < 180 ? 180 : rules.audit_days;
    int64_t before = clock_now_us() - (int64_t)days * DAY_US;
    struct store_conn *c;
    bool more = true;
    *removed = 0;
    if (store_get(pub->db, &c, err) != 0) return -1;
    int rc = keep_lock(t, c, err);
    if (rc == 0) {
        for (int i = 0; rc == 0 && more && i < BATCHES; i++) {
            rc = purge_batch(t, c, before, removed, &more, err);
            struct timespec pause = {.tv_nsec = PAUSE_US * 1000};
            if (more) nanosleep(&pause, NULL);   /* others write in between */
        }
        keep_unlock(t, c);
    }
    store_put(c);
    return rc;
}

/* ---- the thread ------------------------------------------------------------------------------ */

struct keeper {
    struct auth *auth;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    _Atomic bool stop;
};

static bool each(void *arg, struct auth_tenant *pub)
{
    struct keeper *k = arg;
    struct tenant *t = tenant_full(pub);
    struct err e = {0};
    uint64_t removed;
    if (keep_anchor(t, &e) != 0)
        log_warn("tenant %.*s: the log is not anchored: %s", SVARG(pub->slug), e.detail);
    int64_t now = clock_mono_us();
    if (!t->purge_at) t->purge_at = now + PURGE_EVERY_US / 60 + (int64_t)rand_below(60 * 1000000);
    if (now < t->purge_at) return !k->stop;
    t->purge_at = now + PURGE_EVERY_US;
    err_clear(&e);
    if (auth_audit_purge(pub, &removed, &e) != 0 && e.status != 409)
        log_warn("tenant %.*s: the log is not purged: %s", SVARG(pub->slug), e.detail);
    else if (removed)
        log_info("tenant %.*s: %llu lines of the log were past their time", SVARG(pub->slug),
                 (unsigned long long)removed);
    return !k->stop;
}

static void *keep(void *arg)
{
    struct keeper *k = arg;
    pthread_mutex_lock(&k->lock);
    while (!k->stop) {
        int64_t until = clock_mono_us() + TICK_S * 1000000;
        struct timespec ts = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
        pthread_cond_timedwait(&k->wake, &k->lock, &ts);
        if (k->stop) break;
        pthread_mutex_unlock(&k->lock);
        auth_each_tenant(k->auth, each, k);
        pthread_mutex_lock(&k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

struct keeper *keeper_start(struct auth *a)
{
    struct keeper *k = xmalloc(sizeof *k);
    pthread_condattr_t attr;
    *k = (struct keeper){.auth = a};
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&k->thread, NULL, keep, k) != 0) panic("auth: no thread for the log");
    return k;
}

void keeper_stop(struct keeper *k)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->wake);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
