/* A new tenant: row in the control database, a database, an account that reaches
 * only that database, tables, first administrator. Each step knows how to be
 * undone. A creation cut off by a crash leaves its row in state `creating`; the
 * next attempt with the same name clears it away first. */
#define LOG_ROOM "auth"

#include <stdlib.h>

#include "auth/room.h"

#define PASSWORD_CHARS 32

struct creation {
    struct auth *auth;
    const struct auth_new_tenant *n;
    struct arena *arena;
    struct store_conn *control, *admin;
    struct tenant_row row;
    bool has_row, has_db, has_user;
    struct tenant *tenant;
};

/* ---- checks ------------------------------------------------------------------------------ */

static int check_input(const struct auth_new_tenant *n, struct err *err)
{
    int rc = 0;
    if (!tenant_slug_ok(n->slug)) rc = err_field(err, "slug", "pattern_mismatch", NULL);
    if (n->name.n == 0) rc = err_field(err, "name", "required", NULL);
    if (sv_utf8_len(n->name) > 100) rc = err_field(err, "name", "too_long", "100", NULL);
    if (n->host.p && !tenant_host_ok(n->host))
        rc = err_field(err, "host", "pattern_mismatch", NULL);
    return rc;
}

/* 'name'@'where': over a socket the server sees localhost, else any address. */
static const char *account_host(const struct auth *a)
{
    return a->server.socket ? "localhost" : "%";
}

/* In a GRANT the database is a pattern, where _ stands for any character. */
static sv grant_pattern(struct arena *a, sv db)
{
    struct buf b = BUF_IN(a);
    for (size_t i = 0; i < db.n; i++) {
        if (db.p[i] == '_') buf_chr(&b, '\\');
        buf_chr(&b, db.p[i]);
    }
    return buf_view(&b);
}

static void make_names(struct creation *k)
{
    struct arena *a = k->arena;
    struct tenant_row *r = &k->row;
    r->id = id_next();
    r->slug = k->n->slug;
    r->name = k->n->name;
    r->utc_offset = k->auth->settings->utc_offset;
    char *db = arena_str(a, arena_printf(a, "atrium_t_%.*s", SVARG(r->slug)));
    for (char *p = db; *p; p++)
        if (*p == '-') *p = '_';     /* slugs have no _, so two names stay two */
    r->db_name = sv_of(db);
    /* MySQL allows an account 32 characters: too few for the slug */
    r->db_user = arena_printf(a, "atrium_%llx", (unsigned long long)r->id);
    char *password = arena_zalloc(a, PASSWORD_CHARS + 1);
    rand_text(password, PASSWORD_CHARS);
    r->db_password = sv_make(password, PASSWORD_CHARS);
    rand_bytes(r->secret, sizeof r->secret);
}

/* ---- undoing ----------------------------------------------------------------------------- */

static void drop(struct store_conn *admin, sv sql)
{
    struct err e = {0};
    if (store_ddl(admin, sql, &e) != 0)
        log_error("undoing a tenant: %.*s: %s", SVARG(sql), e.detail);
}

/* True when the row says so, or when nobody can tell: a lost answer to the last
 * step must not drop the database of a tenant that lives. What then remains is
 * cleared away by the next attempt. */
static bool may_be_active(struct creation *k)
{
    struct err e = {0};
    struct store_val id[] = {STORE_I(k->row.id)}, state[1];
    bool found = false;
    if (!k->has_row) return false;
    if (store_one(k->control, k->arena, SV("SELECT state FROM tenant WHERE id = ?"), id, 1, state,
                  1, &found, &e) == 0)
        return found && !sv_eqs(state[0].u.s, "creating");
    log_error("undoing a tenant: %s", e.detail);
    return true;
}

static void undo(struct creation *k)
{
    struct arena *a = k->arena;
    struct err e = {0};
    if (k->tenant) tenant_free(k->tenant);
    k->tenant = NULL;
    if (may_be_active(k)) return;
    if (k->has_user)
        drop(k->admin, arena_printf(a, "DROP USER IF EXISTS '%.*s'@'%s'", SVARG(k->row.db_user),
                                    account_host(k->auth)));
    if (k->has_db)
        drop(k->admin, arena_printf(a, "DROP DATABASE IF EXISTS `%.*s`", SVARG(k->row.db_name)));
    if (!k->has_row) return;
    struct store_val id[] = {STORE_I(k->row.id)};
    if (store_exec(k->control, SV("DELETE FROM tenant_host WHERE tenant = ?"), id, 1, NULL, &e) ||
        store_exec(k->control, SV("DELETE FROM tenant_key WHERE tenant = ?"), id, 1, NULL, &e) ||
        store_exec(k->control, SV("DELETE FROM tenant WHERE id = ? AND state = 'creating'"), id, 1,
                   NULL, &e))
        log_error("undoing a tenant: %s", e.detail);
}

/* What a crash left of an earlier attempt. Its database was ours: the row is
 * written only when there is none of that name. */
static int clear_remains(struct creation *k, struct err *err)
{
    struct store_val slug[] = {STORE_S(k->n->slug)}, row[4];
    bool found;
    if (store_one(k->control, k->arena, SV("SELECT id, state, db_name, db_user FROM tenant"
                                           " WHERE slug = ?"), slug, 1, row, 4, &found, err) != 0)
        return -1;
    if (!found) return 0;
    if (!sv_eqs(row[1].u.s, "creating")) return err_field(err, "slug", "not_unique", NULL);
    log_warn("clearing away what is left of the creation of tenant %.*s", SVARG(k->n->slug));
    struct creation old = *k;
    old.row = (struct tenant_row){
        .id = row[0].u.i, .db_name = row[2].u.s, .db_user = row[3].u.s};
    old.has_row = old.has_db = old.has_user = true;
    undo(&old);
    return 0;
}

/* ---- doing ------------------------------------------------------------------------------- */

static int refuse_foreign_database(struct creation *k, struct err *err)
{
    struct store_val name[] = {STORE_S(k->row.db_name)}, one[1];
    bool found;
    if (store_one(k->admin, k->arena, SV("SELECT 1 FROM information_schema.schemata"
                                         " WHERE schema_name = ?"), name, 1, one, 1, &found,
                  err) != 0)
        return -1;
    if (!found) return 0;
    err_detail(err, "there is a database %.*s already", SVARG(k->row.db_name));
    return err_set(err, 409, "conflict", NULL);
}

static int write_row(struct creation *k, struct err *err)
{
    struct arena *a = k->arena;
    const struct tenant_row *r = &k->row;
    int64_t now = clock_now_us();
    struct store_val args[] = {
        STORE_I(r->id), STORE_S(r->slug), STORE_S(r->name), STORE_I(r->utc_offset),
        STORE_S(r->db_name), STORE_S(r->db_user),
        STORE_S(master_seal(k->auth, a, control_about(a, r->id, "password"), r->db_password)),
        STORE_S(master_seal(k->auth, a, control_about(a, r->id, "secret"),
                            sv_make((const char *)r->secret, sizeof r->secret))),
        STORE_T(now), STORE_T(now)};
    if (store_exec(k->control, SV("INSERT INTO tenant (id, slug, name, state, utc_offset, db_name,"
                                  " db_user, db_password, secret, created_at, updated_at)"
                                  " VALUES (?, ?, ?, 'creating', ?, ?, ?, ?, ?, ?, ?)"),
                   args, sizeof args / sizeof args[0], NULL, err) != 0)
        return -1;
    k->has_row = true;
    if (!k->n->host.p) return 0;
    struct store_val host[] = {STORE_S(k->n->host), STORE_I(r->id), STORE_T(now)};
    struct err e = {0};
    if (store_exec(k->control, SV("INSERT INTO tenant_host (host, tenant, created_at)"
                                  " VALUES (?, ?, ?)"), host, 3, NULL, &e) == 0)
        return 0;
    if (e.status == 409) return err_field(err, "host", "not_unique", NULL);
    err_copy(err, &e);
    return -1;
}

static int make_database(struct creation *k, struct err *err)
{
    struct arena *a = k->arena;
    const struct tenant_row *r = &k->row;
    const char *where = account_host(k->auth);
    if (store_ddl(k->admin, arena_printf(a, "CREATE DATABASE `%.*s` CHARACTER SET utf8mb4",
                                         SVARG(r->db_name)), err) != 0)
        return -1;
    k->has_db = true;
    /* rand_text gives letters and digits only: nothing to quote */
    if (store_ddl(k->admin, arena_printf(a, "CREATE USER '%.*s'@'%s' IDENTIFIED BY '%.*s'",
                                         SVARG(r->db_user), where, SVARG(r->db_password)),
                  err) != 0)
        return -1;
    k->has_user = true;
    sv pattern = grant_pattern(a, r->db_name);
    return store_ddl(k->admin,
                     arena_printf(a, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX,"
                                     " DROP, REFERENCES, LOCK TABLES, CREATE TEMPORARY TABLES"
                                     " ON `%.*s`.* TO '%.*s'@'%s'",
                                  SVARG(pattern), SVARG(r->db_user), where), err);
}

static int first_administrator(struct creation *k, struct arena *a, sv *password, struct err *err)
{
    static const sv admin[] = {{ROLE_ADMIN, sizeof ROLE_ADMIN - 1}};
    struct auth_new_staff s = {
        .login = k->n->admin_login, .name = k->n->admin_name, .phone = k->n->admin_phone,
        .password = k->n->admin_password, .roles = admin, .n_roles = 1};
    int64_t id;
    return auth_staff_create(&k->tenant->pub, a, &s, &id, password, err);
}

static int activate(struct creation *k, struct err *err)
{
    struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(k->row.id)};
    if (store_exec(k->control, SV("UPDATE tenant SET state = 'active', updated_at = ?"
                                  " WHERE id = ?"), args, 2, NULL, err) != 0)
        return -1;
    struct auth *au = k->auth;
    pthread_mutex_lock(&au->lock);
    k->tenant->next = au->tenants;
    au->tenants = k->tenant;
    pthread_mutex_unlock(&au->lock);
    /* It exists from here on. A table that cannot be read now is read later. */
    struct err e = {0};
    if (control_load(au, &e) != 0)
        log_error("tenant %.*s is made but not served yet: %s", SVARG(k->row.slug), e.detail);
    return 0;
}

static int create(struct creation *k, struct arena *a,
                  int (*migrate)(void *arg, struct auth_tenant *t, struct err *err), void *arg,
                  sv *password, struct err *err)
{
    if (clear_remains(k, err) != 0) return -1;
    make_names(k);
    if (refuse_foreign_database(k, err) != 0 || write_row(k, err) != 0 ||
        make_database(k, err) != 0)
        return -1;
    k->tenant = tenant_make(k->auth, &k->row);
    if (migrate(arg, &k->tenant->pub, err) != 0 ||
        first_administrator(k, a, password, err) != 0)
        return -1;
    return activate(k, err);
}

/* One creation of a name at a time, whichever node it runs on. */
static int name_lock(struct creation *k, struct err *err)
{
    struct store_val name[] = {STORE_S(arena_printf(k->arena, "atrium_tenant_%.*s",
                                                    SVARG(k->n->slug)))}, got[1];
    bool found;
    if (store_one(k->control, k->arena, SV("SELECT GET_LOCK(?, 0)"), name, 1, got, 1, &found,
                  err) != 0)
        return -1;
    if (!found || got[0].type != STORE_I64 || got[0].u.i != 1)
        return err_set(err, 409, "conflict", NULL);
    return 0;
}

static void name_unlock(struct creation *k)
{
    struct store_val name[] = {STORE_S(arena_printf(k->arena, "atrium_tenant_%.*s",
                                                    SVARG(k->n->slug)))}, got[1];
    bool found;
    struct err e = {0};
    store_one(k->control, k->arena, SV("SELECT RELEASE_LOCK(?)"), name, 1, got, 1, &found, &e);
}

int auth_tenant_create(struct auth *au, struct arena *a, const struct auth_new_tenant *n,
                       int (*migrate)(void *arg, struct auth_tenant *t, struct err *err), void *arg,
                       struct auth_tenant **out, sv *password, struct err *err)
{
    if (check_input(n, err) != 0) return -1;
    struct creation k = {.auth = au, .n = n, .arena = arena_new(0)};
    int rc = -1;
    if (store_get(au->control, &k.control, err) == 0 && store_get(au->admin, &k.admin, err) == 0 &&
        name_lock(&k, err) == 0) {
        rc = create(&k, a, migrate, arg, password, err);
        if (rc != 0) undo(&k);
        name_unlock(&k);
    }
    if (k.admin) store_put(k.admin);
    if (k.control) store_put(k.control);
    arena_free(k.arena);
    if (rc != 0) return -1;
    *out = &k.tenant->pub;
    struct auth_audit line = {.action = "tenant_create", .target = k.tenant->pub.slug, .ok = true};
    auth_audit(*out, &auth_system, NULL, &line);
    log_info("made tenant %.*s", SVARG(k.tenant->pub.slug));
    return 0;
}
