/* Sessions: making, ending, and the way from a request to a principal. */
#define LOG_ROOM "auth"

#include <stdlib.h>

#include "auth/login.h"

#define MEMBER_IDLE_US (14LL * 86400 * 1000000)
#define MEMBER_ABSOLUTE_US (60LL * 86400 * 1000000)
#define SEEN_EVERY_US 60000000LL     /* last_seen is written at most so often */
#define PURGE_ROWS "50"

static const struct auth_principal nobody = {.kind = AUTH_ANON};
const struct auth_principal auth_system = {
    .kind = AUTH_SYSTEM, .admin = true, .name = {"system", 6}};

static int64_t idle_us(const struct auth_rules *r, enum auth_kind kind)
{
    return kind == AUTH_MEMBER ? MEMBER_IDLE_US : (int64_t)r->idle_minutes * 60 * 1000000;
}

static int64_t absolute_us(const struct auth_rules *r, enum auth_kind kind)
{
    return kind == AUTH_MEMBER ? MEMBER_ABSOLUTE_US : (int64_t)r->session_hours * 3600 * 1000000;
}

/* ---- making and ending ------------------------------------------------------------------- */

int session_create(struct tenant *t, struct store_conn *c, const struct session_new *n,
                   struct session_made *out, struct err *err)
{
    struct auth_rules rules = auth_rules_of(&t->pub);
    char hash[AUTH_HASH_CHARS];
    ticket_text(out->token);
    seal_sha256_hex(sv_make(out->token, AUTH_TOKEN_CHARS), hash);
    int64_t now = clock_now_us();
    out->id = id_next();
    out->expires_us = now + absolute_us(&rules, n->kind);
    struct store_val who = STORE_I(n->who);
    sv agent = sv_make(n->agent.p, n->agent.n < 190 ? n->agent.n : 190);
    struct store_val args[] = {
        STORE_I(out->id), STORE_T(now), STORE_T(now), STORE_S(sv_make(hash, sizeof hash)),
        n->kind == AUTH_STAFF ? who : STORE_N, n->kind == AUTH_MEMBER ? who : STORE_N,
        STORE_S(n->address), sv_utf8_ok(agent) ? STORE_S(agent) : STORE_S(SV("")), STORE_T(now),
        STORE_T(out->expires_us), n->client.n ? STORE_S(n->client) : STORE_N,
        n->device ? STORE_I(n->device) : STORE_N, STORE_I(n->cookie_only)};
    if (store_exec(c, SV("INSERT INTO core_session (id, created_at, updated_at, token_hash, staff,"
                         " member, address, agent, last_seen, expires_at, client, device,"
                         " cookie_only) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                   args, sizeof args / sizeof args[0], NULL, err) != 0)
        return -1;
    /* each new one sweeps a few that are over: the table stays as small as its use */
    struct store_val over[] = {STORE_T(now)};
    struct err e = {0};
    if (!store_in_tx(c) &&
        store_exec(c, SV("DELETE FROM core_session WHERE expires_at < ? LIMIT " PURGE_ROWS), over,
                   1, NULL, &e) != 0)
        log_warn("sweeping sessions: %s", e.detail);
    return 0;
}

const char *session_cookie(enum auth_kind kind)
{
    return kind == AUTH_MEMBER ? "atrium_m" : "atrium_s";
}

const char *session_cookie_path(struct http_req *req)
{
    sv prefix = http_prefix(req);
    return prefix.n ? arena_printf(http_arena(req), "%.*s/", SVARG(prefix)).p : "/";
}

sv session_token(const struct http_req *req, enum auth_kind want, bool *by_cookie)
{
    sv token = token_bearer(http_header(req, "authorization"));
    *by_cookie = token.p == NULL;
    return token.p ? token : http_cookie(req, session_cookie(want));
}

int session_end(struct tenant *t, struct http_req *req, const struct auth_principal *p,
                struct err *err)
{
    bool by_cookie;
    sv token = session_token(req, p->kind, &by_cookie);
    struct store_conn *c;
    if (store_get(t->pub.db, &c, err) != 0) return -1;
    struct store_val id[] = {STORE_I(p->session)};
    int rc = store_exec(c, SV("DELETE FROM core_session WHERE id = ?"), id, 1, NULL, err);
    store_put(c);
    if (rc == 0 && token_session_ok(token))
        scache_kill(t->auth->cache, scache_key(t->auth->cache, t->pub.id, token), clock_mono_us());
    return rc;
}

/* ---- looking up -------------------------------------------------------------------------- */

struct row {                         /* of the session joined with its person */
    struct auth_person who;
    int64_t last_seen, expires;
    bool cookie_only;
};

static int read_row(struct tenant *t, struct store_conn *c, struct arena *a, sv token,
                    struct row *r, bool *found, struct err *err)
{
    char hash[AUTH_HASH_CHARS];
    seal_sha256_hex(token, hash);
    struct store_val args[] = {STORE_S(sv_make(hash, sizeof hash))}, v[16];
    if (store_one(c, a, SV("SELECT s.id, s.last_seen, s.expires_at, s.staff, s.member,"
                           " m.phone, m.state, s.device, d.state," PERSON_COLUMNS ", s.cookie_only"
                           " FROM core_session s"
                           " LEFT JOIN core_staff u ON u.id = s.staff AND u.deleted_at IS NULL"
                           " LEFT JOIN core_member m ON m.id = s.member"
                           " LEFT JOIN core_device d ON d.id = s.device" PERSON_PARTNER
                           " WHERE s.token_hash = ?"),
                  args, 1, v, 16, found, err) != 0)
        return -1;
    if (!*found) return 0;
    *r = (struct row){.last_seen = v[1].u.i, .expires = v[2].u.i,
                      .cookie_only = v[15].type == STORE_I64 && v[15].u.i};
    bool staff = v[3].type != STORE_NULL;
    /* a frozen device takes its sessions with it */
    bool device = v[7].type == STORE_NULL ||
                  (v[8].type != STORE_NULL && sv_eqs(v[8].u.s, "active"));
    r->who = (struct auth_person){.kind = AUTH_MEMBER, .id = staff ? v[3].u.i : v[4].u.i,
                                  .session = v[0].u.i, .name = SV(""), .phone = SV("")};
    int rc;
    if (staff) {
        rc = person_take(t, a, &r->who, v + 9, err);
    } else {
        rc = people_phone(t, a, AUTH_MEMBER, r->who.id, &v[5], &r->who.phone, err);
        r->who.active = v[6].type != STORE_NULL && sv_eqs(v[6].u.s, "active");
    }
    if (!device) r->who.active = false;
    return rc;
}

static int touch(struct store_conn *c, const struct row *r, int64_t now, struct err *err)
{
    struct store_val args[] = {STORE_T(now), STORE_I(r->who.session)};
    return store_exec(c, SV("UPDATE core_session SET last_seen = ? WHERE id = ?"), args, 2, NULL,
                      err);
}

/* The session of a token from the database; *out NULL when it is no good. `seen`:
 * last use that this node knows of. */
static int look_up(struct tenant *t, sv token, int64_t seen, struct session **out, struct err *err)
{
    struct store_conn *c;
    struct arena *a = arena_new(0);
    struct row r = {0};
    struct auth_rules rules = auth_rules_of(&t->pub);
    bool found = false;
    int rc = -1;
    *out = NULL;
    if (store_get(t->pub.db, &c, err) == 0) {
        rc = read_row(t, c, a, token, &r, &found, err);
        int64_t now = clock_now_us(), last = r.last_seen > seen ? r.last_seen : seen;
        int64_t idle = idle_us(&rules, r.who.kind);
        bool good = rc == 0 && found && r.who.active && now < r.expires && now < last + idle;
        if (good && now - r.last_seen > SEEN_EVERY_US) rc = touch(c, &r, now, err);
        if (good && rc == 0) rc = principal_make(t, c, a, &r.who, out, err);
        if (*out) {
            atomic_init(&(*out)->seen_us, now);
            (*out)->expires_us = r.expires;
            (*out)->idle_us = idle;
            (*out)->cookie_only = r.cookie_only;
        }
        store_put(c);
    }
    arena_free(a);
    return rc;
}

static bool still_good(const struct session *s, int64_t now)
{
    return now < s->expires_us &&
           now < atomic_load_explicit(&s->seen_us, memory_order_relaxed) + s->idle_us;
}

/* *out is counted up for the caller, NULL when the token is no good. */
static int find_session(struct tenant *t, sv token, struct session **out, struct err *err)
{
    *out = NULL;
    bool key_token = token_key_ok(token);
    if (!key_token && !token_session_ok(token)) return 0;
    struct session_cache *cache = t->auth->cache;
    struct hash128 key = scache_key(cache, t->pub.id, token);
    uint64_t gen = atomic_load(&t->gen);
    int64_t mono = clock_mono_us(), now = clock_now_us(), seen = 0;
    struct session *s;
    enum scache_answer answer = scache_get(cache, key, gen, mono, &s);
    if (answer == CACHE_BAD) return 0;
    if (answer == CACHE_HIT && still_good(s, now)) {
        atomic_store_explicit(&s->seen_us, now, memory_order_relaxed);
        *out = s;
        return 0;
    }
    if (s) seen = atomic_load_explicit(&s->seen_us, memory_order_relaxed);
    session_unref(s);
    plugins_refresh(t);
    if ((key_token ? key_look_up(t, token, out, err) : look_up(t, token, seen, out, err)) != 0)
        return -1;
    scache_put(cache, key, gen, mono, *out);
    return 0;
}

/* ---- from the request to the principal --------------------------------------------------- */

static void unref_session(void *s)
{
    session_unref(s);
}

static bool unsafe_method(const struct http_req *req)
{
    enum http_method m = http_method_of(req);
    return m != HTTP_GET && m != HTTP_HEAD && m != HTTP_OPTIONS;
}

int session_same_origin(const struct http_req *req, bool always, struct err *err)
{
    sv site = http_header(req, "sec-fetch-site"), origin = http_header(req, "origin");
    bool ok = !always;
    if (site.n) {
        ok = sv_eqs(site, "same-origin");        /* said by the browser, not by a page */
    } else if (origin.n) {
        sv scheme = http_scheme(req), host = http_host(req);
        ok = origin.n == scheme.n + 3 + host.n && sv_starts(origin, scheme) &&
             memcmp(origin.p + scheme.n, "://", 3) == 0 &&
             sv_ieq(sv_make(origin.p + scheme.n + 3, host.n), host);
    }
    return ok ? 0 : err_set(err, 403, "csrf", NULL);
}

static enum auth_kind wanted_by_path(sv path)
{
    if (sv_starts(path, SV("/api/auth/member/"))) return AUTH_MEMBER;
    if (!sv_starts(path, SV("/api/"))) return AUTH_STAFF;
    sv rest, second;
    sv_cut(sv_make(path.p + 5, path.n - 5), '/', &rest);
    second = rest.p ? sv_cut(rest, '/', &rest) : SV("");
    return sv_eqs(second, "public") ? AUTH_MEMBER : AUTH_STAFF;
}

int auth_identify(struct auth *a, struct http_req *req, struct auth_tenant *t,
                  const struct auth_principal **out, struct err *err)
{
    return auth_identify_for(a, req, t, wanted_by_path(http_path(req)), out, err);
}

/* Partners' people have the cookie of staff. */
static bool is_of(const struct auth_principal *p, enum auth_kind kind)
{
    return (p->kind == AUTH_PARTNER ? AUTH_STAFF : p->kind) == kind;
}

static int by_cookies(struct http_req *req, struct tenant *t, enum auth_kind want,
                      struct session **out, struct err *err)
{
    enum auth_kind other = want == AUTH_MEMBER ? AUTH_STAFF : AUTH_MEMBER;
    if (find_session(t, http_cookie(req, session_cookie(want)), out, err) != 0) return -1;
    if (*out && is_of(&(*out)->p, want)) return 0;
    session_unref(*out);             /* a token in the other's cookie is nobody's */
    if (find_session(t, http_cookie(req, session_cookie(other)), out, err) != 0) return -1;
    if (*out && !is_of(&(*out)->p, other)) {
        session_unref(*out);
        *out = NULL;
    }
    return 0;
}

int auth_identify_for(struct auth *a, struct http_req *req, struct auth_tenant *tenant,
                      enum auth_kind want, const struct auth_principal **out, struct err *err)
{
    struct tenant *t = tenant_full(tenant);
    struct session *s = NULL;
    (void)a;
    sv token = token_bearer(http_header(req, "authorization"));
    if (token.p) {
        if (find_session(t, token, &s, err) != 0) return -1;
        if (s && s->cookie_only) {   /* the browser's alone: not to be carried elsewhere */
            session_unref(s);
            s = NULL;
        }
        if (!s) return err_set(err, 401, token_key_ok(token) ? "key_invalid" : "session_expired", NULL);
        if (s->rule && key_admit(req, s, err) != 0) {
            session_unref(s);
            return -1;
        }
    } else {
        if (by_cookies(req, t, want, &s, err) != 0) return -1;
        if (s && unsafe_method(req) && session_same_origin(req, true, err) != 0) {
            session_unref(s);
            return -1;
        }
    }
    struct auth_principal *p = arena_alloc(http_arena(req), sizeof *p);
    *p = s ? s->p : nobody;
    p->utc_offset = tenant->utc_offset;
    p->by_cookie = s && !token.p;
    p->device = SV("");
    if (s) arena_on_free(http_arena(req), unref_session, s);
    if (!auth_is_staff(p)) {
        sv device = device_verify(tenant->secret, http_cookie(req, "atrium_d"));
        if (device.p) p->device = device;
    }
    *out = p;
    return 0;
}

const struct auth_principal *auth_of(const struct http_req *req)
{
    const struct auth_principal *p = http_user(req);
    return p ? p : &nobody;
}
