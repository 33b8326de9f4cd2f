/* Which plugins a tenant has switched on. The set in memory is immutable and
 * replaced as a whole; old ones are kept, a switch being a rare thing. */
#define LOG_ROOM "auth"

#include <stdlib.h>

#include "auth/room.h"

#define AGAIN_US 5000000             /* how long another node's switch may stay unseen */

struct plugin_set {
    struct plugin_set *older;
    struct arena *arena;             /* owns all of it */
    sv *ids;
    size_t n, cap;
};

static bool on_row(void *arg, const struct store_val *v, unsigned n)
{
    struct plugin_set *s = arg;
    (void)n;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        sv *more = ARENA_ARRAY(s->arena, sv, cap);
        if (s->n) memcpy(more, s->ids, s->n * sizeof *more);
        s->ids = more;
        s->cap = cap;
    }
    s->ids[s->n++] = arena_sv(s->arena, v[0].u.s);
    return true;
}

static bool same(const struct plugin_set *x, const struct plugin_set *y)
{
    if (!x || x->n != y->n) return false;
    for (size_t i = 0; i < x->n; i++)
        if (!sv_eq(x->ids[i], y->ids[i])) return false;
    return true;
}

static int read_set(struct tenant *t, struct store_conn *c, struct err *err)
{
    struct arena *arena = arena_new(512);
    struct plugin_set *s = ARENA_NEW(arena, struct plugin_set);
    s->arena = arena;
    /* under the lock, so that an older reading cannot replace a newer one */
    pthread_mutex_lock(&t->lock);
    int rc = store_run(c, SV("SELECT plugin FROM core_plugin WHERE is_on = 1 ORDER BY plugin"),
                       NULL, 0, on_row, s, err);
    struct plugin_set *now = atomic_load(&t->on);
    if (rc != 0 || same(now, s)) {
        arena_free(arena);
    } else {
        s->older = now;
        atomic_store(&t->on, s);
    }
    if (rc == 0) atomic_store(&t->on_at, clock_mono_us());
    pthread_mutex_unlock(&t->lock);
    return rc;
}

int plugins_load(struct tenant *t, struct err *err)
{
    struct store_conn *c;
    if (store_get(t->pub.db, &c, err) != 0) return -1;
    int rc = read_set(t, c, err);
    store_put(c);
    return rc;
}

void plugins_refresh(struct tenant *t)
{
    int64_t now = clock_mono_us(), at = atomic_load(&t->on_at);
    if (now - at < AGAIN_US) return;
    /* one of many requests goes; when it fails the next tries after a while */
    if (!atomic_compare_exchange_strong(&t->on_at, &at, now)) return;
    struct err e = {0};
    if (plugins_load(t, &e) != 0)
        log_warn("tenant %.*s: cannot read its plugins: %s", SVARG(t->pub.slug), e.detail);
}

void plugins_free(struct tenant *t)
{
    struct plugin_set *s = atomic_load(&t->on);
    while (s) {
        struct plugin_set *older = s->older;
        arena_free(s->arena);
        s = older;
    }
    atomic_store(&t->on, NULL);
}

bool auth_plugin_on(const struct auth_tenant *t, sv plugin)
{
    const struct plugin_set *s =
        atomic_load_explicit(&tenant_full(t)->on, memory_order_acquire);
    for (size_t i = 0; s && i < s->n; i++)
        if (sv_eq(s->ids[i], plugin)) return true;
    return false;
}

int auth_plugin_switch(struct auth_tenant *t, sv plugin, sv version, bool on, int64_t by,
                       struct err *err)
{
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0) return -1;
    int64_t now = clock_now_us();
    struct store_val by_val = by ? STORE_I(by) : STORE_N;
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now),   STORE_T(now),
                               STORE_S(plugin),    STORE_S(version), STORE_I(on),
                               by_val,             STORE_T(now)};
    int rc = store_exec(c, SV("INSERT INTO core_plugin (id, created_at, updated_at, plugin,"
                              " version, is_on, switched_by, switched_at)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
                              " updated_at = VALUES(updated_at), version = VALUES(version),"
                              " is_on = VALUES(is_on), switched_by = VALUES(switched_by),"
                              " switched_at = VALUES(switched_at)"),
                        args, sizeof args / sizeof args[0], NULL, err);
    if (rc == 0) rc = read_set(tenant_full(t), c, err);
    store_put(c);
    return rc;
}
