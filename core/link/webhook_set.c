/* The webhooks of a tenant, read at most every five seconds and shared by all
 * writes meanwhile: a tenant without any pays a look at a clock. What was changed
 * on this node is read again at once. */
#define LOG_ROOM "link"
#include "link/room.h"

#define FRESH_US 5000000
#define BEFORE_US (86400 * INT64_C(1000000))

struct loading {
    struct webhook_set *set;
    const struct auth_tenant *t;
    size_t cap;
    int64_t *staff, *role;
};

static sv text_of(struct arena *a, const struct store_val *v)
{
    return v->type == STORE_NULL ? SV("") : arena_sv(a, v->u.s);
}

static sv opened(struct loading *x, const struct store_val *v)
{
    sv plain;
    if (v->type == STORE_NULL) return SV("");
    if (auth_unseal(x->t, x->set->a, "webhook", v->u.s, &plain) == 0) return plain;
    log_error("the secret of a webhook cannot be opened");
    return SV("");
}

static void grow(struct loading *x)
{
    struct webhook_set *s = x->set;
    size_t cap = x->cap ? x->cap * 2 : 8;
    struct webhook *v = ARENA_ARRAY(s->a, struct webhook, cap);
    int64_t *staff = ARENA_ARRAY(s->a, int64_t, cap), *role = ARENA_ARRAY(s->a, int64_t, cap);
    if (s->n) {
        memcpy(v, s->v, s->n * sizeof *v);
        memcpy(staff, x->staff, s->n * sizeof *staff);
        memcpy(role, x->role, s->n * sizeof *role);
    }
    s->v = v;
    x->staff = staff;
    x->role = role;
    x->cap = cap;
}

static bool on_row(void *arg, const struct store_val *v, unsigned n)
{
    struct loading *x = arg;
    struct arena *a = x->set->a;
    (void)n;
    if (x->set->n == x->cap) grow(x);
    size_t at = x->set->n++;
    int64_t made = v[9].type == STORE_NULL ? 0 : v[9].u.i;
    bool old = clock_now_us() < made + BEFORE_US;
    x->set->v[at] = (struct webhook){.id = v[0].u.i,
                                     .url = text_of(a, &v[1]),
                                     .events = text_of(a, &v[2]),
                                     .filter = text_of(a, &v[3]),
                                     .fields = text_of(a, &v[4]),
                                     .active = sv_eqs(v[6].u.s, "active"),
                                     .secret = opened(x, &v[7]),
                                     .before = old ? opened(x, &v[8]) : SV("")};
    x->role[at] = v[5].type == STORE_NULL ? 0 : v[5].u.i;
    x->staff[at] = v[10].type == STORE_NULL ? 0 : v[10].u.i;
    return true;
}

static int load(struct auth_tenant *t, struct store_conn *c, struct webhook_set *set,
                struct err *err)
{
    struct loading x = {.set = set, .t = t};
    set->loaded = clock_mono_us();
    if (store_run(c,
                  SV("SELECT id, url, events, filter, fields, role, state, secret, old_secret,"
                     " secret_at, seen_as FROM core_webhook ORDER BY id"),
                  NULL, 0, on_row, &x, err) != 0)
        return -1;
    for (size_t i = 0; i < set->n; i++) {
        int64_t staff = x.role[i] ? 0 : x.staff[i];
        if ((staff || x.role[i]) &&
            auth_behalf(t, c, set->a, staff, x.role[i], &set->v[i].who, err) != 0)
            return -1;
    }
    return 0;
}

void webhook_set_drop(struct webhook_set *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) arena_free(s->a);
}

/* Under the lock. A write that comes while another reads waits for it: both need it. */
static int renew(struct link_tenant *lt, struct store_conn *c, struct err *err)
{
    atomic_store(&lt->stale, false);
    struct arena *a = arena_new(0);
    struct webhook_set *set = ARENA_NEW(a, struct webhook_set);
    set->a = a;
    atomic_init(&set->refs, 1);
    if (load(lt->t, c, set, err) != 0) {
        atomic_store(&lt->stale, true);
        arena_free(a);
        return -1;
    }
    webhook_set_drop(lt->set);
    lt->set = set;
    return 0;
}

int webhook_set_get(struct link_tenant *lt, struct store_conn *c, struct webhook_set **out,
                    struct err *err)
{
    int rc = 0;
    pthread_mutex_lock(&lt->lock);
    bool old = !lt->set || atomic_load(&lt->stale) || clock_mono_us() - lt->set->loaded > FRESH_US;
    if (old) rc = renew(lt, c, err);
    *out = rc == 0 ? lt->set : NULL;
    if (*out) atomic_fetch_add(&(*out)->refs, 1);
    pthread_mutex_unlock(&lt->lock);
    return rc;
}

const struct webhook *webhook_find(const struct webhook_set *s, int64_t id)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].id == id) return &s->v[i];
    return NULL;
}
