/* Lock-out: failed attempts are counted by name and by address. From the n-th
 * failure on the name is locked, each further failure doubles the time. Whether
 * the name exists makes no difference. Addresses get more, since an office has
 * one. Counts are rows, so that they hold on every node and after a restart. */
#define LOG_ROOM "auth"

#include <stdio.h>

#include "auth/room.h"

#define MINUTE_US 60000000LL
#define HOUR_US (60 * MINUTE_US)
#define ADDRESS_FACTOR 10            /* failures of an address for one of a name */

struct lockout_state lockout_next(struct lockout_state s, const struct lockout_rule *rule,
                                  int64_t now)
{
    if (now - s.last_at > rule->forget_us) s = (struct lockout_state){0};
    s.failures++;
    s.last_at = now;
    int64_t over = s.failures - (int64_t)rule->after;
    if (over < 0) return s;
    int64_t span = rule->base_us;
    while (over-- > 0 && span < rule->cap_us) span *= 2;
    s.locked_until = now + (span < rule->cap_us ? span : rule->cap_us);
    return s;
}

/* Subjects are compared by the database without regard to case; what does not
 * fit or is no text is compared by its hash. */
static void subject(char *out, size_t size, const char *kind, sv name)
{
    if (name.n <= 60 && sv_utf8_ok(name)) {
        snprintf(out, size, "%s:%.*s", kind, SVARG(name));
        return;
    }
    char hash[AUTH_HASH_CHARS];
    seal_sha256_hex(name, hash);
    snprintf(out, size, "%s#%.*s", kind, 40, hash);
}

void lockout_init(struct lockout *l, const struct auth_rules *r, const char *kind, sv name,
                  sv address)
{
    unsigned after = r->lock_after;
    int64_t base = (int64_t)r->lock_minutes * MINUTE_US;
    memset(l, 0, sizeof *l);
    if (name.n) subject(l->name, sizeof l->name, kind, name);
    snprintf(l->address, sizeof l->address, "ip:%.*s", SVARG(address));
    int64_t cap = base > 24 * HOUR_US ? base : 24 * HOUR_US;
    l->name_rule = (struct lockout_rule){after, base, cap, 24 * HOUR_US + base};
    cap = base > HOUR_US ? base : HOUR_US;
    l->address_rule = (struct lockout_rule){after * ADDRESS_FACTOR, base, cap, HOUR_US + base};
}

static int64_t time_or_0(const struct store_val *v)
{
    return v->type == STORE_TIME ? v->u.i : 0;
}

static int64_t locked_until(struct store_conn *c, const char *who, int *rc, struct err *err)
{
    if (!who[0] || *rc != 0) return 0;
    struct arena *a = arena_new(256);
    struct store_val args[] = {STORE_S(sv_of(who))}, v[1];
    bool found = false;
    *rc = store_one(c, a, SV("SELECT locked_until FROM core_lockout WHERE subject = ?"), args, 1, v,
                    1, &found, err);
    int64_t until = *rc == 0 && found ? time_or_0(&v[0]) : 0;
    arena_free(a);
    return until;
}

static int failures_of(struct store_conn *c, const char *who, const struct lockout_rule *rule,
                       int64_t *out, struct err *err)
{
    *out = 0;
    if (!who[0]) return 0;
    struct arena *a = arena_new(256);
    struct store_val args[] = {STORE_S(sv_of(who)), STORE_T(clock_now_us() - rule->forget_us)}, v[1];
    bool found = false;
    int rc = store_one(c, a, SV("SELECT failures FROM core_lockout WHERE subject = ?"
                                " AND last_at > ?"), args, 2, v, 1, &found, err);
    if (rc == 0 && found) *out = v[0].u.i;
    arena_free(a);
    return rc;
}

int lockout_failures(const struct lockout *l, struct store_conn *c, int64_t *name,
                     int64_t *address, struct err *err)
{
    if (failures_of(c, l->name, &l->name_rule, name, err) != 0) return -1;
    return failures_of(c, l->address, &l->address_rule, address, err);
}

int lockout_check(const struct lockout *l, struct store_conn *c, struct err *err)
{
    int rc = 0;
    int64_t name = locked_until(c, l->name, &rc, err);
    int64_t address = locked_until(c, l->address, &rc, err);
    int64_t now = clock_now_us();
    if (rc != 0) return -1;
    if (name <= now && address <= now) return 0;
    int64_t left = ((name > address ? name : address) - now + 999999) / 1000000;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)left);
    err_set(err, name > now ? 423 : 429, "locked_out", seconds, NULL);
    err->retry_after = (int)left;
    return -1;
}

static int count_one(struct store_conn *c, const char *who, const struct lockout_rule *rule,
                     struct err *err)
{
    if (!who[0]) return 0;
    int64_t now = clock_now_us();
    struct store_val row[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_S(sv_of(who)),
                              STORE_T(now)};
    /* makes the row when absent and locks it either way */
    if (store_exec(c, SV("INSERT INTO core_lockout (id, created_at, updated_at, subject, failures,"
                         " last_at) VALUES (?, ?, ?, ?, 0, ?)"
                         " ON DUPLICATE KEY UPDATE updated_at = VALUES(updated_at)"),
                   row, 5, NULL, err) != 0)
        return -1;
    struct arena *a = arena_new(256);
    struct store_val v[4];
    bool found = false;
    int rc = store_one(c, a, SV("SELECT id, failures, last_at, locked_until FROM core_lockout"
                                " WHERE subject = ? FOR UPDATE"), &row[3], 1, v, 4, &found, err);
    arena_free(a);
    if (rc != 0 || !found) return rc != 0 ? -1 : err_internal(err, "a lock-out row has gone");
    struct lockout_state s = {v[1].u.i, time_or_0(&v[2]), time_or_0(&v[3])};
    s = lockout_next(s, rule, now);
    struct store_val args[] = {STORE_I(s.failures), STORE_T(s.last_at),
                               s.locked_until ? STORE_T(s.locked_until) : STORE_N,
                               STORE_I(v[0].u.i)};
    return store_exec(c, SV("UPDATE core_lockout SET failures = ?, last_at = ?, locked_until = ?"
                            " WHERE id = ?"), args, 4, NULL, err);
}

static int count_both(void *arg, struct store_conn *c, struct err *err)
{
    const struct lockout *l = arg;
    if (count_one(c, l->name, &l->name_rule, err) != 0) return -1;
    return count_one(c, l->address, &l->address_rule, err);
}

int lockout_fail(const struct lockout *l, struct store_conn *c, struct err *err)
{
    if (store_tx(c, count_both, (void *)l, err) != 0) return -1;
    struct store_val old[] = {STORE_T(clock_now_us() - 8 * 24 * HOUR_US)};
    struct err e = {0};
    if (store_exec(c, SV("DELETE FROM core_lockout WHERE last_at < ? LIMIT 20"), old, 1, NULL,
                   &e) != 0)
        log_warn("sweeping lock-outs: %s", e.detail);
    return 0;
}

int lockout_clear(const struct lockout *l, struct store_conn *c, struct err *err)
{
    struct store_val args[] = {STORE_S(sv_of(l->name))};
    if (!l->name[0]) return 0;
    return store_exec(c, SV("DELETE FROM core_lockout WHERE subject = ?"), args, 1, NULL, err);
}
