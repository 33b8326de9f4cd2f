/* Settings of a plugin in a tenant: rows of core_setting over the manifest's
 * defaults. Kept in memory for a few seconds, since hot paths ask; another
 * node's change is seen after that, this process's own at once. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdlib.h>

#define FRESH_US 5000000

struct setting {
    struct setting *next;
    char *name, *value; /* JSON text */
};

struct plugin_settings {
    struct plugin_settings *next;
    const struct mf_manifest *mf;
    struct setting *first;
    int64_t loaded; /* 0: never */
};

/* Of one tenant, for as long as the process lives, as the tenant itself. */
struct tenant_settings {
    struct tenant_settings *next;
    pthread_mutex_t lock;
    struct plugin_settings *plugins;
};

/* Keeps them reachable: a tenant's own pointer is opaque to leak checkers. */
static struct tenant_settings *_Atomic all_settings;

static struct tenant_settings *settings_of(struct auth_tenant *t)
{
    struct tenant_settings *s = atomic_load(&t->model);
    if (s) return s;
    s = xmalloc(sizeof *s);
    *s = (struct tenant_settings){0};
    pthread_mutex_init(&s->lock, NULL);
    void *none = NULL;
    if (!atomic_compare_exchange_strong(&t->model, &none, s)) {
        pthread_mutex_destroy(&s->lock);
        free(s);
        return none;
    }
    s->next = atomic_load(&all_settings);
    while (!atomic_compare_exchange_weak(&all_settings, &s->next, s)) {
    }
    return s;
}

static struct plugin_settings *plugin_of(struct tenant_settings *s, const struct mf_manifest *mf)
{
    for (struct plugin_settings *p = s->plugins; p; p = p->next)
        if (p->mf == mf) return p;
    struct plugin_settings *p = xmalloc(sizeof *p);
    *p = (struct plugin_settings){.next = s->plugins, .mf = mf};
    s->plugins = p;
    return p;
}

static void forget(struct setting *s)
{
    for (struct setting *next; s; s = next) {
        next = s->next;
        free(s->name);
        free(s->value);
        free(s);
    }
}

static char *copy(sv v)
{
    char *p = xmalloc(v.n + 1);
    if (v.n) memcpy(p, v.p, v.n);
    p[v.n] = '\0';
    return p;
}

static bool take(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct setting **first = arg;
    if (n_cols < 2 || row[1].type != STORE_TEXT) return true;
    struct setting *s = xmalloc(sizeof *s);
    *s = (struct setting){.next = *first, .name = copy(row[0].u.s), .value = copy(row[1].u.s)};
    *first = s;
    return true;
}

/* Under the lock. What was known stays in force while the database is away. */
static void load(struct auth_tenant *t, struct plugin_settings *p)
{
    struct store_conn *conn;
    struct err err = {0};
    struct setting *first = NULL;
    struct store_val args[] = {STORE_S(sv_of(p->mf->id))};
    int rc = store_get(t->db, &conn, &err);
    if (rc == 0) {
        rc = store_run(conn, SV("SELECT `name`,`value` FROM `core_setting` WHERE `plugin`=?"), args,
                       1, take, &first, &err);
        store_put(conn);
    }
    p->loaded = clock_mono_us();
    if (rc < 0) {
        log_warn("settings of %s: %s", p->mf->id, err.detail);
        forget(first);
        return;
    }
    forget(p->first);
    p->first = first;
}

static const struct mf_field *field_of(const struct mf_manifest *mf, sv name)
{
    for (size_t i = 0; i < mf->n_settings; i++)
        if (sv_eqs(name, mf->settings[i].field.name)) return &mf->settings[i].field;
    return NULL;
}

sv model_setting(struct auth_tenant *t, struct arena *a, const struct mf_manifest *mf, sv name)
{
    const struct mf_field *f = field_of(mf, name);
    if (!f) return SV_NULL;
    struct tenant_settings *s = settings_of(t);
    sv out = f->has_default ? f->dflt : SV("null");
    pthread_mutex_lock(&s->lock);
    struct plugin_settings *p = plugin_of(s, mf);
    if (!p->loaded || clock_mono_us() - p->loaded > FRESH_US) load(t, p);
    for (struct setting *one = p->first; one; one = one->next)
        if (sv_eqs(name, one->name)) out = arena_sv(a, sv_of(one->value));
    pthread_mutex_unlock(&s->lock);
    return out;
}

static int store_setting(struct store_conn *conn, const struct mf_manifest *mf, sv name,
                         const json_t *value, int64_t by, struct err *err)
{
    struct store_val plugin = STORE_S(sv_of(mf->id)), key = STORE_S(name);
    if (!value || json_is_null(value))
        return store_exec(conn, SV("DELETE FROM `core_setting` WHERE `plugin`=? AND `name`=?"),
                          (struct store_val[]){plugin, key}, 2, NULL, err);
    struct buf b = BUF_HEAP;
    struct jsonw w = jsonw_on(&b);
    jsonw_json(&w, value);
    struct store_val now = STORE_T(clock_now_us());
    struct store_val args[] = {STORE_I(id_next()),         now,    now,
                               by ? STORE_I(by) : STORE_N, plugin, key,
                               STORE_S(buf_view(&b))};
    int rc = store_exec(conn,
                        SV("INSERT INTO `core_setting` (`id`,`created_at`,`updated_at`,"
                           "`created_by`,`plugin`,`name`,`value`) VALUES (?,?,?,?,?,?,?) "
                           "ON DUPLICATE KEY UPDATE `value`=VALUES(`value`),"
                           "`updated_at`=VALUES(`updated_at`)"),
                        args, 7, NULL, err);
    buf_free(&b);
    return rc;
}

/* All complaints at once, each by the name of its setting. */
static int check_all(const struct mf_manifest *mf, const json_t *values, struct err *err)
{
    int rc = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)values, name, value)
    {
        const struct mf_field *f = field_of(mf, sv_of(name));
        if (!f)
            rc = err_field(err, name, "unknown_field", NULL);
        else if (!json_is_null(value) && value_check(f, value, name, err) < 0)
            rc = -1;
    }
    return rc;
}

struct change {
    const struct mf_manifest *mf;
    const json_t *values;
    int64_t by;
};

static int store_all(void *arg, struct store_conn *conn, struct err *err)
{
    struct change *c = arg;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)c->values, name, value)
    {
        if (store_setting(conn, c->mf, sv_of(name), value, c->by, err) < 0) return -1;
    }
    return 0;
}

int model_settings_set(struct auth_tenant *t, const struct mf_manifest *mf, const json_t *values,
                       int64_t by, struct err *err)
{
    if (check_all(mf, values, err) < 0) return -1;
    struct store_conn *conn;
    if (store_get(t->db, &conn, err) < 0) return -1;
    struct change c = {mf, values, by};
    int rc = store_tx(conn, store_all, &c, err);
    store_put(conn);
    struct tenant_settings *s = settings_of(t);
    pthread_mutex_lock(&s->lock);
    plugin_of(s, mf)->loaded = 0;
    pthread_mutex_unlock(&s->lock);
    return rc;
}
