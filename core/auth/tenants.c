/* Tenants in memory. The table is immutable and replaced as a whole, so that the
 * loop threads resolve without a lock; replaced tables are kept, since a reader
 * may still stand in one and there are few. */
#define LOG_ROOM "auth"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "auth/room.h"

#define MAX_HOST 253

struct slot { sv key; struct tenant *t; };

struct tenant_table {
    struct arena *arena;
    struct tenant_table *older;
    struct slot *by_host, *by_slug;  /* open addressing, at most half full */
    uint64_t host_mask, slug_mask;
    struct tenant **all;
    size_t n;
    struct tenant *dflt;
};

/* ---- one tenant -------------------------------------------------------------------------- */

struct tenant *tenant_make(struct auth *a, const struct tenant_row *row)
{
    struct arena *arena = arena_new(0);
    struct tenant *t = ARENA_NEW(arena, struct tenant);
    t->auth = a;
    t->arena = arena;
    t->pub.id = row->id;
    t->pub.slug = arena_sv(arena, row->slug);
    t->pub.name = arena_sv(arena, row->name);
    t->pub.utc_offset = row->utc_offset;
    atomic_init(&t->pub.seats, -1);
    memcpy(t->pub.secret, row->secret, sizeof t->pub.secret);
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->keys_lock, NULL);
    struct store_db_opts o = a->server;
    if (row->host.p || row->socket.p) {
        o.host = row->host.p ? arena_str(arena, row->host) : NULL;
        o.socket = row->socket.p ? arena_str(arena, row->socket) : NULL;
        o.port = (unsigned)row->port;
    }
    o.user = arena_str(arena, row->db_user);
    o.database = arena_str(arena, row->db_name);
    char *password = arena_str(arena, row->db_password);
    o.password = password;
    t->pub.db = store_db_new(&o);
    OPENSSL_cleanse(password, row->db_password.n);
    return t;
}

void tenant_free(struct tenant *t)
{
    struct err e = {0};
    audit_stop(t);
    if (keep_anchor(t, &e) != 0) log_warn("the log's last line is not anchored: %s", e.detail);
    plugins_free(t);
    roles_cache_free(t->roles);
    calendar_free(t->calendar);
    keys_free(t);
    store_db_free(t->pub.db);
    pthread_mutex_destroy(&t->lock);
    OPENSSL_cleanse(t->pub.secret, sizeof t->pub.secret);
    arena_free(t->arena);
}

bool tenant_slug_ok(sv slug)
{
    if (slug.n < 2 || slug.n > 31 || slug.p[0] < 'a' || slug.p[0] > 'z') return false;
    for (size_t i = 0; i < slug.n; i++) {
        char c = slug.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return slug.p[slug.n - 1] != '-';
}

bool tenant_host_ok(sv host)
{
    if (host.n == 0 || host.n > MAX_HOST) return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool edge = i == 0 || i == host.n - 1 || host.p[i - 1] == '.' || host.p[i + 1] == '.';
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) continue;
        if ((c != '-' && c != '.') || edge) return false;
    }
    return true;
}

/* ---- the table --------------------------------------------------------------------------- */

static struct slot *make_slots(struct arena *a, size_t n, uint64_t *mask)
{
    size_t cap = 8;
    while (cap < n * 2) cap *= 2;
    *mask = cap - 1;
    return ARENA_ARRAY(a, struct slot, cap);
}

static struct slot *find_slot(struct slot *slots, uint64_t mask, sv key)
{
    uint64_t i = sv_hash(key) & mask;
    while (slots[i].t && !sv_eq(slots[i].key, key)) i = (i + 1) & mask;
    return &slots[i];
}

void tenants_publish(struct auth *a, struct tenant *const *active, size_t n,
                     const struct tenant_host *hosts, size_t n_hosts)
{
    struct arena *arena = arena_new(0);
    struct tenant_table *t = ARENA_NEW(arena, struct tenant_table);
    t->arena = arena;
    t->n = n;
    t->all = ARENA_ARRAY(arena, struct tenant *, n + 1);
    t->by_slug = make_slots(arena, n, &t->slug_mask);
    t->by_host = make_slots(arena, n_hosts, &t->host_mask);
    const char *dflt = a->settings->default_tenant;
    for (size_t i = 0; i < n; i++) {
        t->all[i] = active[i];
        *find_slot(t->by_slug, t->slug_mask, active[i]->pub.slug) =
            (struct slot){active[i]->pub.slug, active[i]};
        if (dflt && sv_eqs(active[i]->pub.slug, dflt)) t->dflt = active[i];
    }
    for (size_t i = 0; i < n_hosts; i++) {
        for (size_t j = 0; j < n; j++) {
            if (active[j]->pub.id != hosts[i].tenant) continue;
            sv key = arena_sv(arena, hosts[i].host);
            *find_slot(t->by_host, t->host_mask, key) = (struct slot){key, active[j]};
        }
    }
    t->older = atomic_load(&a->table);
    atomic_store(&a->table, t);
}

void tenants_free(struct auth *a)
{
    struct tenant_table *table = atomic_load(&a->table);
    while (table) {
        struct tenant_table *older = table->older;
        arena_free(table->arena);
        table = older;
    }
    atomic_store(&a->table, NULL);
    while (a->tenants) {
        struct tenant *next = a->tenants->next;
        tenant_free(a->tenants);
        a->tenants = next;
    }
}

/* ---- resolving --------------------------------------------------------------------------- */

/* Lower case, no port, no final dot. */
static sv host_key(sv host, char out[MAX_HOST])
{
    if (host.n && host.p[0] == '[') return SV("");       /* an address is nobody's name */
    size_t n = 0;
    for (; n < host.n && host.p[n] != ':'; n++) {
        if (n == MAX_HOST) return SV("");
        char c = host.p[n];
        out[n] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    if (n && out[n - 1] == '.') n--;
    return sv_make(out, n);
}

struct auth_tenant *auth_resolve(struct auth *a, sv host, sv path, size_t *prefix_len)
{
    *prefix_len = 0;
    struct tenant_table *t = atomic_load_explicit(&a->table, memory_order_acquire);
    if (!t) return NULL;
    char lower[MAX_HOST];
    sv key = host_key(host, lower);
    struct slot *s = key.n ? find_slot(t->by_host, t->host_mask, key) : NULL;
    if (s && s->t) return &s->t->pub;
    if (sv_starts(path, SV("/t/"))) {
        size_t end = 3;
        while (end < path.n && path.p[end] != '/') end++;
        s = find_slot(t->by_slug, t->slug_mask, sv_make(path.p + 3, end - 3));
        if (!s->t) return NULL;      /* never the default tenant's data by a wrong name */
        *prefix_len = end;
        return &s->t->pub;
    }
    return t->dflt ? &t->dflt->pub : NULL;
}

struct auth_tenant *auth_tenant_by_slug(struct auth *a, sv slug)
{
    struct tenant_table *t = atomic_load_explicit(&a->table, memory_order_acquire);
    struct slot *s = t ? find_slot(t->by_slug, t->slug_mask, slug) : NULL;
    return s && s->t ? &s->t->pub : NULL;
}

void auth_each_tenant(struct auth *a, bool (*fn)(void *arg, struct auth_tenant *t), void *arg)
{
    struct tenant_table *t = atomic_load_explicit(&a->table, memory_order_acquire);
    for (size_t i = 0; t && i < t->n; i++)
        if (!fn(arg, &t->all[i]->pub)) return;
}

int auth_tenants_reload(struct auth *a, struct err *err)
{
    return control_load(a, err);
}

void auth_forget(struct auth_tenant *t)
{
    atomic_fetch_add(&tenant_full(t)->gen, 1);
}
