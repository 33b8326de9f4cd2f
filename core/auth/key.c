/* API keys (接口密钥): programs' way in. The secret, `atk_<prefix>_<random>`, is
 * shown once; its SHA-256 is kept. A key is found, kept in memory and forgotten
 * exactly as a session is, and its rights are compiled as a member of staff's are,
 * from the roles it was given and from grants of its own. It is nobody's: scopes
 * that speak of $user match no row. */
#define LOG_ROOM "auth"

#include <stdio.h>
#include <stdlib.h>

#include "auth/room.h"

#define USED_EVERY_US 60000000LL     /* last_used_at is written at most so often */
#define NEVER INT64_MAX

struct key_row {
    int64_t id, expires, used, rate;
    sv name, grants, addresses;
    bool active;
};

static int read_row(struct store_conn *c, struct arena *a, sv token, struct key_row *r,
                    bool *found, struct err *err)
{
    char hash[AUTH_HASH_CHARS];
    seal_sha256_hex(token, hash);
    struct store_val args[] = {STORE_S(sv_make(hash, sizeof hash))}, v[8];
    if (store_one(c, a, SV("SELECT id, name, state, expires_at, last_used_at, rate, addresses,"
                           " grants FROM core_api_key WHERE secret_hash = ?"),
                  args, 1, v, 8, found, err) != 0)
        return -1;
    if (!*found) return 0;
    *r = (struct key_row){.id = v[0].u.i, .name = v[1].u.s,
                          .active = sv_eqs(v[2].u.s, "active"),
                          .expires = v[3].type == STORE_NULL ? NEVER : v[3].u.i,
                          .used = v[4].type == STORE_NULL ? 0 : v[4].u.i,
                          .rate = v[5].type == STORE_I64 ? v[5].u.i : 0,
                          .addresses = v[6].type == STORE_NULL ? SV("") : v[6].u.s,
                          .grants = v[7].type == STORE_NULL ? SV_NULL : v[7].u.s};
    return 0;
}

static struct key_rule *rule_of(const struct key_row *r)
{
    struct cidr list[KEY_MAX_ADDRESSES];
    bool good;
    size_t n = cidr_list(r->addresses, list, KEY_MAX_ADDRESSES, &good);
    struct key_rule *rule = xmalloc(sizeof *rule + n * sizeof *list);
    rule->rate = r->rate > 0 ? (unsigned)r->rate : 1;
    rule->n = n;
    rule->closed = !good;            /* a list that cannot be read lets nobody in */
    if (n) memcpy(rule->from, list, n * sizeof *list);
    return rule;
}

static struct session *build(const struct key_row *r, struct auth_roles *roles, int64_t now)
{
    struct session *s = xmalloc(sizeof *s + r->name.n + 1);
    memset(s, 0, sizeof *s);
    atomic_init(&s->refs, 1);
    atomic_init(&s->seen_us, now);
    s->expires_us = r->expires;
    s->idle_us = NEVER - now;
    s->roles = roles;
    s->rule = rule_of(r);
    memcpy(s->tail, r->name.p, r->name.n);
    s->tail[r->name.n] = 0;
    s->p = (struct auth_principal){.kind = AUTH_KEY, .id = r->id, .admin = roles->admin,
                                   .name = {s->tail, r->name.n}, .phone_masked = {"", 0},
                                   .roles = roles, .device = {"", 0}};
    return s;
}

int key_look_up(struct tenant *t, sv token, struct session **out, struct err *err)
{
    struct store_conn *c;
    struct arena *a = arena_new(0);
    struct key_row r = {0};
    struct auth_roles *roles = NULL;
    bool found = false;
    int rc = -1;
    *out = NULL;
    if (store_get(t->pub.db, &c, err) == 0) {
        int64_t now = clock_now_us();
        rc = read_row(c, a, token, &r, &found, err);
        bool good = rc == 0 && found && r.active && now < r.expires;
        if (good && now - r.used > USED_EVERY_US) {
            struct store_val args[] = {STORE_T(now), STORE_I(r.id)};
            rc = store_exec(c, SV("UPDATE core_api_key SET last_used_at = ? WHERE id = ?"), args,
                            2, NULL, err);
        }
        if (good && rc == 0) rc = roles_of_key(t, c, r.id, r.grants, &roles, err);
        if (good && rc == 0) *out = build(&r, roles, now);
        store_put(c);
    }
    arena_free(a);
    return rc;
}

/* ---- each request ------------------------------------------------------------------------ */

static bool allowed_from(const struct key_rule *r, sv address)
{
    if (r->closed) return false;
    for (size_t i = 0; i < r->n; i++)
        if (cidr_has(&r->from[i], address)) return true;
    return r->n == 0;
}

static void say(struct http_req *req, const char *name, int64_t n)
{
    http_add_header(req, name, arena_printf(http_arena(req), "%lld", (long long)n));
}

int key_admit(struct http_req *req, const struct session *s, struct err *err)
{
    if (!allowed_from(s->rule, http_remote(req))) return err_set(err, 403, "key_address", NULL);
    struct rate_answer a = rate_of_key(s->p.id, s->rule->rate, clock_mono_us());
    say(req, "ratelimit-limit", a.limit);
    say(req, "ratelimit-remaining", a.remaining);
    say(req, "ratelimit-reset", a.reset_s);
    if (a.ok) return 0;
    err_set(err, 429, "too_many_requests", NULL);
    err->retry_after = a.retry_s > 0 ? a.retry_s : 1;
    return -1;
}

/* ---- what a key may be given ------------------------------------------------------------- */

bool auth_may_give_role(const struct auth_principal *who, sv code)
{
    if (who->admin) return true;
    for (unsigned i = 0; who->roles && i < who->roles->n_codes; i++)
        if (sv_eq(who->roles->codes[i], code)) return true;
    return sv_eqs(code, ROLE_EVERYONE) && who->kind == AUTH_STAFF;
}
