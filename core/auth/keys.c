/* Data keys and hash keys of tenants: rows of tenant_key in the control database,
 * wrapped by the master key, in memory as an immutable ring that is replaced when
 * something changed. */
#define LOG_ROOM "auth"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "auth/room.h"

#define UNKNOWN_US 1000000           /* a number nobody knows is asked for so seldom */

static const char *const states[] = {
    [AUTH_KEY_NEXT] = "next", [AUTH_KEY_ACTIVE] = "active", [AUTH_KEY_OLD] = "old",
    [AUTH_KEY_RETIRED] = "retired"};

const char *auth_key_state_name(enum auth_key_state s)
{
    return states[s];
}

static sv about(struct arena *a, const struct tenant *t, sv purpose, int64_t number)
{
    return arena_printf(a, "tenant/%lld/key/%.*s/%lld", (long long)t->pub.id, SVARG(purpose),
                        (long long)number);
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reading {
    struct tenant *t;
    struct arena *arena;
    struct keyring *ring;
    bool bad;
};

static enum auth_key_state state_of(sv name)
{
    for (unsigned i = 0; i < 4; i++)
        if (sv_eqs(name, states[i])) return (enum auth_key_state)i;
    return AUTH_KEY_OLD;
}

static bool on_key(void *arg, const struct store_val *v, unsigned n)
{
    struct reading *r = arg;
    (void)n;
    sv purpose = v[0].u.s, plain;
    bool hash = sv_eqs(purpose, "hash");
    struct key_set *set = hash ? &r->ring->hash : &r->ring->data;
    struct key_slot slot = {.pub = {.number = (unsigned)v[1].u.i, .state = state_of(v[3].u.s),
                                    .since = v[5].u.i}};
    if (set->n == KEYS_MAX || !suite_of_name(v[2].u.s, &slot.pub.suite) ||
        master_open(r->t->auth, r->arena, about(r->arena, r->t, purpose, v[1].u.i), v[4].u.s,
                    &plain) != 0 ||
        plain.n != SUITE_KEY) {
        log_error("tenant %.*s: key %lld (%.*s) cannot be opened with the master keys",
                  SVARG(r->t->pub.slug), (long long)v[1].u.i, SVARG(purpose));
        r->bad = true;
        return true;
    }
    memcpy(slot.key, plain.p, SUITE_KEY);
    OPENSSL_cleanse((char *)(uintptr_t)plain.p, plain.n);
    if (slot.pub.state == AUTH_KEY_ACTIVE) set->now = set->n;
    set->has_now |= slot.pub.state == AUTH_KEY_ACTIVE;
    set->k[set->n++] = slot;
    return true;
}

static int read_ring(struct tenant *t, struct store_conn *c, struct keyring *out, bool *bad,
                     struct err *err)
{
    struct reading r = {.t = t, .arena = arena_new(0), .ring = out};
    struct store_val id[] = {STORE_I(t->pub.id)};
    int rc = store_run(c, SV("SELECT purpose, number, suite, state, wrapped, since FROM tenant_key"
                             " WHERE tenant = ? ORDER BY purpose, number"),
                       id, 1, on_key, &r, err);
    arena_free(r.arena);
    *bad = r.bad;
    return rc;
}

/* ---- making ------------------------------------------------------------------------------- */

/* What the tenant's administrator chose; aes unless he did. */
static enum suite suite_setting(struct tenant *t)
{
    enum suite s = SUITE_AES;
    struct arena *a = arena_new(256);
    struct store_conn *c;
    struct store_val v[1];
    struct err none = {0};
    bool found = false;
    if (store_get(t->pub.db, &c, &none) == 0) {
        if (store_one(c, a, SV("SELECT value FROM core_setting WHERE plugin = 'core'"
                               " AND name = 'cipher_suite'"), NULL, 0, v, 1, &found, &none) == 0 &&
            found && v[0].type == STORE_TEXT && v[0].u.s.n > 2)
            suite_of_name(sv_make(v[0].u.s.p + 1, v[0].u.s.n - 2), &s);
        store_put(c);
    }
    arena_free(a);
    return s;
}

/* Two nodes at once: the unique index lets one of them in; the other reads it. */
static int insert_key(struct tenant *t, struct store_conn *c, sv purpose, unsigned number,
                      enum suite suite, enum auth_key_state state, struct err *err)
{
    struct arena *a = arena_new(0);
    unsigned char key[SUITE_KEY];
    int64_t now = clock_now_us();
    rand_bytes(key, sizeof key);
    sv wrapped = master_seal(t->auth, a, about(a, t, purpose, number),
                             sv_make((const char *)key, sizeof key));
    OPENSSL_cleanse(key, sizeof key);
    struct store_val args[] = {STORE_I(id_next()), STORE_I(t->pub.id), STORE_S(purpose),
                               STORE_I(number), STORE_S(sv_of(suite_name(suite))),
                               STORE_S(wrapped), STORE_S(sv_of(states[state])), STORE_T(now),
                               STORE_T(now)};
    int rc = store_exec(c, SV("INSERT INTO tenant_key (id, tenant, purpose, number, suite, wrapped,"
                              " state, since, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                        args, 9, NULL, err);
    arena_free(a);
    return rc;
}

static int first_keys(struct tenant *t, struct store_conn *c, const struct keyring *have,
                      struct err *err)
{
    static const sv purposes[] = {{"data", 4}, {"hash", 4}};
    enum suite suite = suite_setting(t);
    for (unsigned i = 0; i < 2; i++) {
        struct err e = {0};
        if ((i ? &have->hash : &have->data)->n) continue;
        if (insert_key(t, c, purposes[i], 1, suite, AUTH_KEY_ACTIVE, &e) == 0 || e.status == 409)
            continue;
        err_copy(err, &e);
        return -1;
    }
    return 0;
}

/* ---- the ring ----------------------------------------------------------------------------- */

static bool same(const struct keyring *a, const struct keyring *b)
{
    return memcmp(&a->data, &b->data, sizeof a->data) == 0 &&
           memcmp(&a->hash, &b->hash, sizeof a->hash) == 0;
}

/* Under t->keys_lock. */
static int load(struct tenant *t, struct err *err)
{
    struct store_conn *c;
    bool bad = false;
    if (store_get(t->auth->control, &c, err) != 0) return -1;
    struct keyring *ring = xmalloc(sizeof *ring);
    memset(ring, 0, sizeof *ring);
    int64_t at = clock_mono_us();
    int rc = read_ring(t, c, ring, &bad, err);
    if (rc == 0 && !bad && (!ring->data.has_now || !ring->hash.has_now)) {
        rc = first_keys(t, c, ring, err);
        memset(ring, 0, sizeof *ring);
        if (rc == 0) rc = read_ring(t, c, ring, &bad, err);
    }
    store_put(c);
    if (rc == 0 && (!ring->data.has_now || !ring->hash.has_now))
        rc = err_internal(err, "tenant %.*s: its keys cannot be opened", SVARG(t->pub.slug));
    struct keyring *old = atomic_load(&t->keys);
    if (rc != 0 || (old && same(old, ring))) {
        OPENSSL_cleanse(ring, sizeof *ring);
        free(ring);
    } else {
        ring->older = old;           /* kept: a reader may still look */
        atomic_store_explicit(&t->keys, ring, memory_order_release);
    }
    if (rc == 0) atomic_store(&t->keys_at, at);
    return rc;
}

int keys_ring(struct tenant *t, bool fresh, const struct keyring **out, struct err *err)
{
    int64_t now = clock_mono_us();
    struct keyring *r = atomic_load_explicit(&t->keys, memory_order_acquire);
    int rc = 0;
    if (!r || fresh || now - atomic_load(&t->keys_at) > AUTH_KEYS_FRESH_US) {
        pthread_mutex_lock(&t->keys_lock);
        /* who waited for the lock finds it done */
        if (!atomic_load(&t->keys) || atomic_load(&t->keys_at) < now) rc = load(t, err);
        pthread_mutex_unlock(&t->keys_lock);
        r = atomic_load_explicit(&t->keys, memory_order_acquire);
    }
    *out = r;
    return rc;
}

int keys_known(struct tenant *t, const struct keyring **out, struct err *err)
{
    *out = atomic_load_explicit(&t->keys, memory_order_acquire);
    return *out ? 0 : keys_ring(t, false, out, err);
}

const struct key_slot *keys_find(const struct key_set *set, unsigned number)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->k[i].pub.number == number) return &set->k[i];
    return NULL;
}

const struct key_slot *keys_data(struct tenant *t, unsigned number, struct err *err)
{
    const struct keyring *r;
    if (keys_known(t, &r, err) != 0) return NULL;
    const struct key_slot *k = keys_find(&r->data, number);
    if (!k && clock_mono_us() - atomic_load(&t->keys_at) > UNKNOWN_US) {
        if (keys_ring(t, true, &r, err) != 0) return NULL;
        k = keys_find(&r->data, number);
    }
    if (!k) err_internal(err, "tenant %.*s has no data key %u", SVARG(t->pub.slug), number);
    return k;
}

void keys_free(struct tenant *t)
{
    struct keyring *r = atomic_load(&t->keys);
    while (r) {
        struct keyring *older = r->older;
        OPENSSL_cleanse(r, sizeof *r);
        free(r);
        r = older;
    }
    pthread_mutex_destroy(&t->keys_lock);
}

/* ---- for the operator --------------------------------------------------------------------- */

static void copy_set(const struct key_set *set, struct auth_key *out, unsigned *n, unsigned *now)
{
    for (unsigned i = 0; i < set->n; i++) out[i] = set->k[i].pub;
    *n = set->n;
    *now = set->k[set->now].pub.number;
}

int auth_keys(struct auth_tenant *tenant, bool fresh, struct auth_keys *out, struct err *err)
{
    const struct keyring *r;
    if (keys_ring(tenant_full(tenant), fresh, &r, err) != 0) return -1;
    copy_set(&r->data, out->data, &out->n_data, &out->data_now);
    copy_set(&r->hash, out->hash, &out->n_hash, &out->hash_now);
    return 0;
}

struct change {
    struct tenant *t;
    sv purpose;
    enum suite suite;
    unsigned number;
    enum auth_key_state from, to;
};

static int set_state(struct store_conn *c, const struct change *g, struct err *err)
{
    struct store_val args[] = {STORE_S(sv_of(states[g->to])), STORE_T(clock_now_us()),
                               STORE_I(g->t->pub.id), STORE_S(g->purpose), STORE_I(g->number),
                               STORE_S(sv_of(states[g->from]))};
    return store_exec(c, SV("UPDATE tenant_key SET state = ?, since = ? WHERE tenant = ?"
                            " AND purpose = ? AND number = ? AND state = ?"), args, 6, NULL, err);
}

static int active_to_old(struct store_conn *c, const struct change *g, struct err *err)
{
    struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(g->t->pub.id),
                               STORE_S(g->purpose)};
    return store_exec(c, SV("UPDATE tenant_key SET state = 'old', since = ? WHERE tenant = ?"
                            " AND purpose = ? AND state = 'active'"), args, 3, NULL, err);
}

/* Under lock of the tenant's row: one rotation after the other. */
static int lock_tenant(struct store_conn *c, const struct tenant *t, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val id[] = {STORE_I(t->pub.id)}, v[1];
    bool found;
    int rc = store_one(c, a, SV("SELECT id FROM tenant WHERE id = ? FOR UPDATE"), id, 1, v, 1,
                       &found, err);
    arena_free(a);
    return rc;
}

static int newest(struct store_conn *c, struct change *g, unsigned *number, bool *next,
                  struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val args[] = {STORE_I(g->t->pub.id), STORE_S(g->purpose)}, v[2];
    bool found;
    int rc = store_one(c, a, SV("SELECT number, state FROM tenant_key WHERE tenant = ?"
                                " AND purpose = ? ORDER BY number DESC LIMIT 1"), args, 2, v, 2,
                       &found, err);
    *number = rc == 0 && found ? (unsigned)v[0].u.i : 0;
    *next = rc == 0 && found && sv_eqs(v[1].u.s, "next");
    arena_free(a);
    return rc;
}

static int add_data_key(void *arg, struct store_conn *c, struct err *err)
{
    struct change *g = arg;
    bool next;
    if (lock_tenant(c, g->t, err) != 0 || newest(c, g, &g->number, &next, err) != 0 ||
        active_to_old(c, g, err) != 0)
        return -1;
    return insert_key(g->t, c, g->purpose, ++g->number, g->suite, AUTH_KEY_ACTIVE, err);
}

static int add_hash_key(void *arg, struct store_conn *c, struct err *err)
{
    struct change *g = arg;
    bool next;
    if (lock_tenant(c, g->t, err) != 0 || newest(c, g, &g->number, &next, err) != 0) return -1;
    if (next) return 0;
    return insert_key(g->t, c, g->purpose, ++g->number, g->suite, AUTH_KEY_NEXT, err);
}

static int activate(void *arg, struct store_conn *c, struct err *err)
{
    struct change *g = arg;
    if (lock_tenant(c, g->t, err) != 0 || active_to_old(c, g, err) != 0) return -1;
    return set_state(c, g, err);
}

static int retire(void *arg, struct store_conn *c, struct err *err)
{
    return set_state(c, arg, err);
}

static int run(struct change *g, int (*fn)(void *, struct store_conn *, struct err *),
               struct err *err)
{
    struct store_conn *c;
    const struct keyring *r;
    if (keys_ring(g->t, false, &r, err) != 0) return -1;     /* there are first keys */
    unsigned used = sv_eqs(g->purpose, "data") ? r->data.n : r->hash.n;
    if (used == KEYS_MAX && (fn == add_data_key || fn == add_hash_key))
        return err_internal(err, "tenant %.*s has %d keys", SVARG(g->t->pub.slug), KEYS_MAX);
    if (store_get(g->t->auth->control, &c, err) != 0) return -1;
    int rc = store_tx(c, fn, g, err);
    store_put(c);
    return rc != 0 ? -1 : keys_ring(g->t, true, &r, err);
}

int auth_key_rotate(struct auth_tenant *t, enum suite suite, unsigned *number, struct err *err)
{
    struct change g = {.t = tenant_full(t), .purpose = SV("data"), .suite = suite};
    int rc = run(&g, add_data_key, err);
    *number = g.number;
    return rc;
}

int auth_key_next_hash(struct auth_tenant *t, enum suite suite, unsigned *number, struct err *err)
{
    struct change g = {.t = tenant_full(t), .purpose = SV("hash"), .suite = suite};
    int rc = run(&g, add_hash_key, err);
    *number = g.number;
    return rc;
}

int auth_key_activate_hash(struct auth_tenant *t, unsigned number, struct err *err)
{
    struct change g = {.t = tenant_full(t), .purpose = SV("hash"), .number = number,
                       .from = AUTH_KEY_NEXT, .to = AUTH_KEY_ACTIVE};
    return run(&g, activate, err);
}

int auth_key_retire(struct auth_tenant *t, bool hash, unsigned number, struct err *err)
{
    struct change g = {.t = tenant_full(t), .purpose = hash ? SV("hash") : SV("data"),
                       .number = number, .from = AUTH_KEY_OLD, .to = AUTH_KEY_RETIRED};
    return run(&g, retire, err);
}
