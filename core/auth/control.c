/* The control database: which tenants there are, where they are placed and how
 * they are reached. Passwords and secrets lie there sealed with the master key. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define CONTROL_DB "atrium"
#define CONTROL_CONNS 8

/* ---- schema ------------------------------------------------------------------------------ */

#define COL_ID {.name = "id", .type = STORE_COL_ID, .not_null = true}
#define COL_CREATED {.name = "created_at", .type = STORE_COL_DATETIME, .not_null = true}

static const char *const by_id[] = {"id"};
static const char *const by_host[] = {"host"};
static const char *const by_slug[] = {"slug"};
static const char *const by_login[] = {"login"};
static const char *const by_tenant[] = {"tenant"};

static const struct store_col placement_cols[] = {
    COL_ID,
    {.name = "name", .type = STORE_COL_VARCHAR, .size = 60, .not_null = true},
    {.name = "host", .type = STORE_COL_ASCII, .size = 253},      /* NULL: the settings' server */
    {.name = "socket", .type = STORE_COL_ASCII, .size = 107},
    {.name = "port", .type = STORE_COL_I32},
    COL_CREATED,
};
static const struct store_col tenant_cols[] = {
    COL_ID,
    {.name = "slug", .type = STORE_COL_ASCII, .size = 31, .not_null = true},
    {.name = "name", .type = STORE_COL_VARCHAR, .size = 100, .not_null = true},
    {.name = "state", .type = STORE_COL_ASCII, .size = 16, .not_null = true},
    {.name = "utc_offset", .type = STORE_COL_I32, .not_null = true},
    {.name = "placement", .type = STORE_COL_ID},                 /* NULL: the settings' server */
    {.name = "db_name", .type = STORE_COL_ASCII, .size = 64, .not_null = true},
    {.name = "db_user", .type = STORE_COL_ASCII, .size = 32, .not_null = true},
    {.name = "db_password", .type = STORE_COL_ASCII, .size = 200, .not_null = true},
    {.name = "secret", .type = STORE_COL_ASCII, .size = 200, .not_null = true},
    {.name = "seats", .type = STORE_COL_I32},                    /* NULL: no limit */
    COL_CREATED,
    {.name = "updated_at", .type = STORE_COL_DATETIME, .not_null = true},
};
static const struct store_col host_cols[] = {
    {.name = "host", .type = STORE_COL_ASCII, .size = 253, .not_null = true},
    {.name = "tenant", .type = STORE_COL_ID, .not_null = true},
    COL_CREATED,
};
static const struct store_col operator_cols[] = {
    COL_ID,
    {.name = "login", .type = STORE_COL_ASCII, .size = 40, .not_null = true},
    {.name = "name", .type = STORE_COL_VARCHAR, .size = 60, .not_null = true},
    {.name = "password_hash", .type = STORE_COL_ASCII, .size = 200, .not_null = true},
    COL_CREATED,
};
static const struct store_col anchor_cols[] = {
    {.name = "tenant", .type = STORE_COL_ID, .not_null = true},
    {.name = "day", .type = STORE_COL_I32, .not_null = true},
    {.name = "last_id", .type = STORE_COL_ID, .not_null = true},
    {.name = "hash", .type = STORE_COL_ASCII, .size = 64, .not_null = true},
    {.name = "mac", .type = STORE_COL_ASCII, .size = 64, .not_null = true},
    {.name = "updated_at", .type = STORE_COL_DATETIME, .not_null = true},
};
static const struct store_col cut_cols[] = {
    {.name = "tenant", .type = STORE_COL_ID, .not_null = true},
    {.name = "last_id", .type = STORE_COL_ID, .not_null = true},
    {.name = "hash", .type = STORE_COL_ASCII, .size = 64, .not_null = true},
    {.name = "line_count", .type = STORE_COL_I64, .not_null = true},
    {.name = "mac", .type = STORE_COL_ASCII, .size = 64, .not_null = true},
    {.name = "updated_at", .type = STORE_COL_DATETIME, .not_null = true},
};
static const char *const by_tenant_day[] = {"tenant", "day"};

static const struct store_col key_cols[] = {
    COL_ID,
    {.name = "tenant", .type = STORE_COL_ID, .not_null = true},
    {.name = "purpose", .type = STORE_COL_ASCII, .size = 8, .not_null = true},
    {.name = "number", .type = STORE_COL_I32, .not_null = true},
    {.name = "suite", .type = STORE_COL_ASCII, .size = 16, .not_null = true},
    {.name = "wrapped", .type = STORE_COL_ASCII, .size = 200, .not_null = true},
    {.name = "state", .type = STORE_COL_ASCII, .size = 8, .not_null = true},
    {.name = "since", .type = STORE_COL_DATETIME, .not_null = true},
    COL_CREATED,
};
static const char *const by_key[] = {"tenant", "purpose", "number"};

static const struct store_idx key_idx[] = {
    {.name = "u_key", .cols = by_key, .n_cols = 3, .unique = true}};
static const struct store_idx tenant_idx[] = {
    {.name = "u_slug", .cols = by_slug, .n_cols = 1, .unique = true}};
static const struct store_idx host_idx[] = {
    {.name = "i_tenant", .cols = by_tenant, .n_cols = 1}};
static const struct store_idx operator_idx[] = {
    {.name = "u_login", .cols = by_login, .n_cols = 1, .unique = true}};

#define TABLE(n, c, p, i, ni)                                                                   \
    {.name = n, .cols = c, .n_cols = sizeof c / sizeof c[0], .primary = p, .n_primary = 1,       \
     .idx = i, .n_idx = ni}
static const struct store_table control_tables[] = {
    TABLE("placement", placement_cols, by_id, NULL, 0),
    TABLE("tenant", tenant_cols, by_id, tenant_idx, 1),
    TABLE("tenant_host", host_cols, by_host, host_idx, 1),
    TABLE("tenant_key", key_cols, by_id, key_idx, 1),
    TABLE("operator", operator_cols, by_id, operator_idx, 1),
    {.name = "audit_anchor", .cols = anchor_cols, .n_cols = 6, .primary = by_tenant_day,
     .n_primary = 2},
    TABLE("audit_cut", cut_cols, by_tenant, NULL, 0),
};

static int make_database(struct auth *a, struct err *err)
{
    struct store_conn *c;
    if (store_get(a->admin, &c, err) != 0) return -1;
    int rc = store_ddl(c, SV("CREATE DATABASE IF NOT EXISTS `" CONTROL_DB
                             "` CHARACTER SET utf8mb4"), err);
    store_put(c);
    return rc;
}

int control_migrate(struct auth *a, struct err *err)
{
    if (make_database(a, err) != 0) return -1;
    struct store_db_opts o = a->server;
    o.database = CONTROL_DB;
    o.max_conns = CONTROL_CONNS;
    a->control = store_db_new(&o);
    struct store_conn *c;
    if (store_get(a->control, &c, err) != 0) return -1;
    struct arena *arena = arena_new(0);
    struct store_plan plan = {0};
    int rc = store_plan(c, arena, control_tables, sizeof control_tables / sizeof control_tables[0],
                        false, &plan, err);
    if (rc == 0 && plan.n > 0) rc = store_apply(c, &plan, "control", err);
    arena_free(arena);
    store_put(c);
    return rc;
}

/* ---- reading ----------------------------------------------------------------------------- */

sv control_about(struct arena *a, int64_t tenant, const char *what)
{
    return arena_printf(a, "tenant/%lld/%s", (long long)tenant, what);
}

struct loading {
    struct auth *auth;
    struct arena *arena;             /* of this load */
    struct tenant **active;
    size_t n, cap;
    struct tenant_host *hosts;
    size_t n_hosts, cap_hosts;
};

static sv text_of(const struct store_val *v)
{
    return v->type == STORE_TEXT || v->type == STORE_BLOB ? v->u.s : SV_NULL;
}

static struct tenant *known_tenant(const struct auth *a, int64_t id)
{
    for (struct tenant *t = a->tenants; t; t = t->next)
        if (t->pub.id == id) return t;
    return NULL;
}

/* A row that cannot be opened leaves its tenant out, not the others. */
static struct tenant *open_row(struct loading *l, const struct store_val *v)
{
    struct arena *a = l->arena;
    struct tenant_row row = {
        .id = v[0].u.i,
        .slug = text_of(&v[1]),
        .name = text_of(&v[2]),
        .utc_offset = (int)v[3].u.i,
        .db_name = text_of(&v[4]),
        .db_user = text_of(&v[5]),
        .host = text_of(&v[8]),
        .socket = text_of(&v[9]),
        .port = v[10].type == STORE_I64 ? v[10].u.i : 0,
    };
    sv secret;
    if (master_open(l->auth, a, control_about(a, row.id, "password"), text_of(&v[6]),
                  &row.db_password) != 0 ||
        master_open(l->auth, a, control_about(a, row.id, "secret"), text_of(&v[7]), &secret) != 0 ||
        secret.n != sizeof row.secret) {
        log_error("tenant %.*s: its secrets were not sealed with these master keys; it is left out",
                  SVARG(row.slug));
        return NULL;
    }
    memcpy(row.secret, secret.p, sizeof row.secret);
    return tenant_make(l->auth, &row);
}

static bool on_tenant(void *arg, const struct store_val *v, unsigned n)
{
    struct loading *l = arg;
    (void)n;
    struct tenant *t = known_tenant(l->auth, v[0].u.i);
    if (!t) {
        t = open_row(l, v);
        if (!t) return true;
        t->next = l->auth->tenants;
        l->auth->tenants = t;
    }
    atomic_store(&t->pub.seats, v[11].type == STORE_I64 ? v[11].u.i : -1);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct tenant **more = ARENA_ARRAY(l->arena, struct tenant *, cap);
        if (l->n) memcpy(more, l->active, l->n * sizeof *more);
        l->active = more;
        l->cap = cap;
    }
    l->active[l->n++] = t;
    return true;
}

static bool on_host(void *arg, const struct store_val *v, unsigned n)
{
    struct loading *l = arg;
    (void)n;
    if (l->n_hosts == l->cap_hosts) {
        size_t cap = l->cap_hosts ? l->cap_hosts * 2 : 16;
        struct tenant_host *more = ARENA_ARRAY(l->arena, struct tenant_host, cap);
        if (l->n_hosts) memcpy(more, l->hosts, l->n_hosts * sizeof *more);
        l->hosts = more;
        l->cap_hosts = cap;
    }
    l->hosts[l->n_hosts++] =
        (struct tenant_host){.host = arena_sv(l->arena, text_of(&v[0])), .tenant = v[1].u.i};
    return true;
}

/* A tenant read for the first time gets its switches at once: auth_plugin_on may
 * not ask the database. One that does not answer is asked again by requests. */
static void read_switches(struct loading *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct err e = {0};
        struct tenant *t = l->active[i];
        if (!atomic_load(&t->on) && plugins_load(t, &e) != 0)
            log_warn("tenant %.*s: its plugins are not known yet: %s", SVARG(t->pub.slug),
                     e.detail);
    }
}

int control_load(struct auth *a, struct err *err)
{
    struct store_conn *c;
    if (store_get(a->control, &c, err) != 0) return -1;
    struct loading l = {.auth = a, .arena = arena_new(0)};
    pthread_mutex_lock(&a->lock);
    int rc = store_run(c, SV("SELECT t.id, t.slug, t.name, t.utc_offset, t.db_name, t.db_user,"
                             " t.db_password, t.secret, p.host, p.socket, p.port, t.seats"
                             " FROM tenant t LEFT JOIN placement p ON p.id = t.placement"
                             " WHERE t.state = 'active' ORDER BY t.id"),
                       NULL, 0, on_tenant, &l, err);
    if (rc == 0)
        rc = store_run(c, SV("SELECT host, tenant FROM tenant_host"), NULL, 0, on_host, &l, err);
    if (rc == 0) {
        read_switches(&l);
        tenants_publish(a, l.active, l.n, l.hosts, l.n_hosts);
    }
    pthread_mutex_unlock(&a->lock);
    arena_free(l.arena);
    store_put(c);
    return rc;
}
