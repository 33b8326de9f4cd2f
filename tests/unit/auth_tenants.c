/* auth: tenants and what belongs to one: its database, roles, plugins, log. */
#include "auth_fixture.h"

#include "auth/protect.h"

static struct err e;

/* ---- creating ---------------------------------------------------------------------------- */

static bool see(void *arg, const struct store_val *row, unsigned n)
{
    (void)row;
    (void)n;
    ++*(unsigned *)arg;
    return true;
}

static int query(struct auth_tenant *t, const char *sql, unsigned *rows)
{
    struct store_conn *c;
    *rows = 0;
    if (store_get(t->db, &c, &e) != 0) return -1;
    int rc = store_run(c, sv_of(sql), NULL, 0, see, rows, &e);
    store_put(c);
    return rc;
}

static void test_account_reaches_only_its_own(void **state)
{
    (void)state;
    unsigned rows;
    err_clear(&e);
    OK(query(house.alpha, "SELECT id FROM core_staff", &rows));
    assert_int_equal(rows, 1);
    err_clear(&e);
    assert_int_equal(query(house.alpha, "SELECT id FROM atrium_t_beta.core_staff", &rows), -1);
    err_clear(&e);
    assert_int_equal(query(house.alpha, "SELECT id FROM atrium.tenant", &rows), -1);
    err_clear(&e);
    assert_int_equal(query(house.alpha, "SELECT user FROM mysql.user", &rows), -1);
    /* _ in a GRANT would stand for any character */
    struct auth_tenant *dash = house_tenant("a-b", NULL);
    house_sql(NULL, "CREATE DATABASE atrium_t_axb");
    house_sql(NULL, "CREATE TABLE atrium_t_axb.x (id INT)");
    err_clear(&e);
    assert_int_equal(query(dash, "SELECT id FROM atrium_t_axb.x", &rows), -1);
    house_sql(NULL, "DROP DATABASE atrium_t_axb");
}

static void test_secrets_are_sealed(void **state)
{
    (void)state;
    char *sealed = mariadb_sql(house.server, "atrium",
                               "SELECT CONCAT(db_password, secret) FROM tenant"
                               " WHERE slug = 'alpha'");
    assert_true(strlen(sealed) > 100);
    free(sealed);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_staff_secret"
                                      " WHERE password_hash LIKE '%" PASSWORD "%'"), 0);
    assert_memory_not_equal(house.alpha->secret, house.beta->secret, 32);
}

static int64_t count_databases(void)
{
    return house_i64(NULL, "SELECT COUNT(*) FROM information_schema.schemata"
                           " WHERE schema_name LIKE 'atrium%'");
}

static int64_t count_users(void)
{
    return house_i64(NULL, "SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'atrium%'");
}

static int refuse_to_migrate(void *arg, struct auth_tenant *t, struct err *err)
{
    unsigned rows;
    (void)arg;
    if (query(t, "SELECT 1", &rows) != 0) return -1;     /* the database is there by now */
    return err_internal(err, "no");
}

static struct auth_new_tenant new_tenant(const char *slug)
{
    return (struct auth_new_tenant){.slug = sv_of(slug), .name = SV("Gamma"),
                                    .admin_name = SV("Anna"), .admin_login = SV("anna")};
}

static void test_failure_leaves_nothing(void **state)
{
    (void)state;
    struct auth_tenant *t;
    sv password;
    int64_t databases = count_databases(), users = count_users(),
            rows = house_i64("atrium", "SELECT COUNT(*) FROM tenant");
    struct auth_new_tenant n = new_tenant("gamma");
    n.host = SV("gamma.example");
    FAILS(auth_tenant_create(house.auth, house.arena, &n, refuse_to_migrate, NULL, &t, &password,
                             &e), 500);
    n.host = SV("beta.example");             /* taken */
    FAILS(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e),
          422);
    assert_string_equal(e.fields[0].field, "host");
    n.host = SV_NULL;
    n.admin_password = SV("short");
    FAILS(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e),
          422);
    n = new_tenant("alpha");
    FAILS(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e),
          422);
    assert_string_equal(e.fields[0].field, "slug");
    n = new_tenant("Bad_Slug");
    FAILS(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e),
          422);
    assert_int_equal(count_databases(), databases);
    assert_int_equal(count_users(), users);
    assert_int_equal(house_i64("atrium", "SELECT COUNT(*) FROM tenant"), rows);
    assert_int_equal(house_i64("atrium", "SELECT COUNT(*) FROM tenant_host"), 1);
    assert_null(auth_tenant_by_slug(house.auth, SV("gamma")));
    house_sql(NULL, "CREATE DATABASE atrium_t_gamma");   /* somebody else's */
    n = new_tenant("gamma");
    FAILS(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e),
          409);
    assert_int_equal(count_databases(), databases + 1);
    house_sql(NULL, "DROP DATABASE atrium_t_gamma");
}

static void test_creation_after_a_crash(void **state)
{
    (void)state;
    struct auth_tenant *t;
    sv password;
    house_sql("atrium", "INSERT INTO tenant (id, slug, name, state, utc_offset, db_name, db_user,"
                        " db_password, secret, created_at, updated_at) VALUES (5, 'delta', 'x',"
                        " 'creating', 480, 'atrium_t_delta', 'atrium_5', 'x', 'x', NOW(), NOW())");
    house_sql(NULL, "CREATE DATABASE atrium_t_delta");
    house_sql(NULL, "CREATE TABLE atrium_t_delta.remains (id INT)");
    house_sql(NULL, "CREATE USER 'atrium_5'@'localhost' IDENTIFIED BY 'x'");
    OK(auth_tenants_reload(house.auth, &e));
    assert_null(auth_tenant_by_slug(house.auth, SV("delta")));
    struct auth_new_tenant n = new_tenant("delta");
    OK(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e));
    assert_int_equal(password.n, 16);        /* generated */
    assert_ptr_equal(auth_tenant_by_slug(house.auth, SV("delta")), t);
    assert_int_equal(house_i64(NULL, "SELECT COUNT(*) FROM mysql.user WHERE user = 'atrium_5'"), 0);
    assert_int_equal(house_i64(NULL, "SELECT COUNT(*) FROM information_schema.tables WHERE"
                                     " table_name = 'remains'"), 0);
}

/* ---- resolving --------------------------------------------------------------------------- */

static const char *resolve(const char *host, const char *path, size_t *n)
{
    struct auth_tenant *t = auth_resolve(house.auth, sv_of(host), sv_of(path), n);
    return t ? t->slug.p : "";
}

static void test_resolve(void **state)
{
    (void)state;
    size_t n = 99;
    assert_string_equal(resolve("beta.example", "/api/x", &n), "beta");
    assert_int_equal(n, 0);
    assert_string_equal(resolve("BETA.Example:8443", "/t/alpha/api", &n), "beta");
    assert_int_equal(n, 0);
    assert_string_equal(resolve("localhost", "/t/beta/api/x", &n), "beta");
    assert_int_equal(n, 7);
    assert_string_equal(resolve("localhost", "/t/beta", &n), "beta");
    assert_int_equal(n, 7);
    assert_string_equal(resolve("localhost", "/api/x", &n), "alpha");
    assert_int_equal(n, 0);
    assert_string_equal(resolve("", "/", &n), "alpha");
    assert_string_equal(resolve("[::1]:80", "/", &n), "alpha");
    assert_string_equal(resolve("localhost", "/t/nobody/api", &n), "");
    assert_string_equal(resolve("localhost", "/t/", &n), "");
}

static void test_suspended_is_gone(void **state)
{
    (void)state;
    size_t n;
    house_sql("atrium", "UPDATE tenant SET state = 'suspended' WHERE slug = 'beta'");
    OK(auth_tenants_reload(house.auth, &e));
    assert_string_equal(resolve("localhost", "/t/beta/", &n), "");
    assert_string_equal(resolve("beta.example", "/", &n), "alpha");
    house_sql("atrium", "UPDATE tenant SET state = 'active' WHERE slug = 'beta'");
    OK(auth_tenants_reload(house.auth, &e));
    assert_ptr_equal(auth_tenant_by_slug(house.auth, SV("beta")), house.beta);
}

static void test_second_node_sees_tenants(void **state)
{
    (void)state;
    struct auth *b = house_second_auth();
    struct auth_tenant *t = auth_tenant_by_slug(b, SV("beta"));
    assert_non_null(t);
    assert_true(t != house.beta && t->id == house.beta->id);
    assert_memory_equal(t->secret, house.beta->secret, 32);
    auth_stop(b);
}

/* ---- plugins ----------------------------------------------------------------------------- */

static void test_plugin_switch(void **state)
{
    (void)state;
    assert_false(auth_plugin_on(house.alpha, SV("vote")));
    OK(auth_plugin_switch(house.alpha, SV("vote"), SV("1.0.0"), true, 0, &e));
    OK(auth_plugin_switch(house.alpha, SV("crm"), SV("1.0.0"), true, 0, &e));
    assert_true(auth_plugin_on(house.alpha, SV("vote")));
    assert_true(auth_plugin_on(house.alpha, SV("crm")));
    assert_false(auth_plugin_on(house.alpha, SV("vot")));
    assert_false(auth_plugin_on(house.beta, SV("vote")));
    struct auth *b = house_second_auth();    /* known from its start on */
    assert_true(auth_plugin_on(auth_tenant_by_slug(b, SV("alpha")), SV("vote")));
    auth_stop(b);
    OK(auth_plugin_switch(house.alpha, SV("vote"), SV("1.0.0"), false, 0, &e));
    assert_false(auth_plugin_on(house.alpha, SV("vote")));
    assert_true(auth_plugin_on(house.alpha, SV("crm")));
}

/* ---- roles ------------------------------------------------------------------------------- */

static struct mf_manifest *small_manifest(const char *const *read, size_t n_read)
{
    struct arena *a = house.arena;
    struct mf_manifest *m = ARENA_NEW(a, struct mf_manifest);
    struct mf_role *role = ARENA_NEW(a, struct mf_role);
    struct mf_resource *r = ARENA_NEW(a, struct mf_resource);
    struct mf_grant *g = ARENA_NEW(a, struct mf_grant);
    *role = (struct mf_role){.id = "manager", .title = {"投票管理员", "Manager"}};
    *g = (struct mf_grant){.role = "manager", .read = read, .n_read = n_read};
    *r = (struct mf_resource){.name = "poll", .grants = g, .n_grants = 1};
    *m = (struct mf_manifest){.id = "vote", .roles = role, .n_roles = 1, .resources = r,
                              .n_resources = 1};
    return m;
}

static void install(struct mf_manifest *m)
{
    struct store_conn *c;
    OK(store_get(house.alpha->db, &c, &e));
    OK(auth_install_roles(c, m, &e));
    store_put(c);
}

static void assert_grants(const char *part, bool there)
{
    char *g = mariadb_sql(house.server, ALPHA, "SELECT grants FROM core_role"
                                               " WHERE code = 'vote.manager'");
    assert_non_null(g);
    if (has(g, part) != there) fail_msg("%s: %s", part, g);
    free(g);
}

static void test_templates_follow_until_edited(void **state)
{
    (void)state;
    static const char *const own[] = {"own"}, *const all[] = {"all"}, *const team[] = {"team"};
    install(small_manifest(own, 1));
    assert_grants("\"own\"", true);
    install(small_manifest(own, 1));
    install(small_manifest(all, 1));         /* an upgrade */
    assert_grants("\"all\"", true);
    house_sql(ALPHA, "UPDATE core_role SET grants = '{\"vote.poll\":{\"read\":[\"mine\"]}}'"
                     " WHERE code = 'vote.manager'");
    install(small_manifest(team, 1));        /* the tenant's edit stays */
    assert_grants("\"mine\"", true);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_role WHERE code = 'vote.manager'"
                                      " AND plugin = 'vote'"), 1);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_role WHERE builtin = 1"), 1);
}

static void test_staff_create(void **state)
{
    (void)state;
    int64_t id;
    sv roles[] = {SV("admin"), SV("nowhere")}, password = SV_NULL;
    struct auth_new_staff n = {.login = SV("carl"), .name = SV("Carl"), .phone = SV("13800138055"),
                               .roles = roles, .n_roles = 1};
    OK(auth_staff_create(house.alpha, house.arena, &n, &id, &password, &e));
    assert_int_equal(password.n, 16);
    FAILS(auth_staff_create(house.alpha, house.arena, &n, &id, &password, &e), 422);
    assert_string_equal(e.fields[0].field, "login");
    assert_string_equal(e.fields[0].code, "not_unique");
    n.login = SV("carla");
    FAILS(auth_staff_create(house.alpha, house.arena, &n, &id, &password, &e), 422);
    assert_string_equal(e.fields[0].field, "phone");
    n.phone = SV_NULL;
    n.n_roles = 2;
    int64_t before = house_i64(ALPHA, "SELECT COUNT(*) FROM core_staff");
    FAILS(auth_staff_create(house.alpha, house.arena, &n, &id, &password, &e), 422);
    assert_string_equal(e.fields[0].field, "roles");
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_staff"), before);
    n.login = SV("9lives");
    n.phone = SV("12");
    FAILS(auth_staff_create(house.alpha, house.arena, &n, &id, &password, &e), 422);
    assert_int_equal(e.n_fields, 2);
}

/* ---- the log ----------------------------------------------------------------------------- */

struct writing { struct auth_tenant *t; int n; };

static void *write_lines(void *arg)
{
    struct writing *w = arg;
    for (int i = 0; i < w->n; i++) {
        struct auth_audit line = {.action = "test", .target = SV("a.b/1"),
                                  .detail = SV("{\"text\":\"审计\"}"), .ok = i % 2};
        auth_audit(w->t, &auth_system, NULL, &line);
        if (i % 50 == 0) usleep(2000);
    }
    return NULL;
}

static void verify(uint64_t *lines, int64_t *bad)
{
    struct auth_audit_report r;
    OK(auth_audit_verify(house.beta, &r, &e));
    *lines = r.lines;
    *bad = r.bad;
}

/* Two nodes with two threads each write one chain. */
static void test_audit_chain(void **state)
{
    (void)state;
    struct auth *b = house_second_auth();
    struct auth_tenant *there = auth_tenant_by_slug(b, SV("beta"));
    int64_t before = house_i64("atrium_t_beta", "SELECT COUNT(*) FROM core_audit");
    struct writing here_w = {house.beta, 500}, there_w = {there, 500};
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, write_lines, i % 2 ? &here_w : &there_w);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    auth_stop(b);                            /* writes what is queued */
    uint64_t lines = 0;
    int64_t bad = 0;
    for (int i = 0; i < 200 && lines < (uint64_t)before + 2000; i++) {
        usleep(20000);
        verify(&lines, &bad);
    }
    assert_int_equal(bad, 0);
    assert_int_equal(lines, before + 2000);

    int64_t id = house_i64("atrium_t_beta",
                           "SELECT id FROM core_audit ORDER BY id LIMIT 1 OFFSET 700");
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE core_audit SET ok = 1 - ok WHERE id = %lld", (long long)id);
    house_sql("atrium_t_beta", sql);
    verify(&lines, &bad);
    assert_int_equal(bad, id);
    house_sql("atrium_t_beta", sql);
    verify(&lines, &bad);
    assert_int_equal(bad, 0);
    int64_t next = house_i64("atrium_t_beta",
                             "SELECT id FROM core_audit ORDER BY id LIMIT 1 OFFSET 701");
    snprintf(sql, sizeof sql, "DELETE FROM core_audit WHERE id = %lld", (long long)id);
    house_sql("atrium_t_beta", sql);
    verify(&lines, &bad);
    assert_int_equal(bad, next);
}

/* ---- values of fields --------------------------------------------------------------------- */

static int open_at(struct auth_tenant *t, sv resource, sv field, int64_t row, sv text)
{
    struct arena *a = arena_new(0);
    struct auth_place at = {resource, field, row};
    sv plain;
    err_clear(&e);
    int rc = auth_open_value(t, a, &at, text, &plain, &e);
    if (rc == 0) rc = sv_eq(plain, SV("13912345678")) ? 0 : 1;
    arena_free(a);
    return rc;
}

/* A sealed text opens in its tenant, resource, field and row, and nowhere else. */
static void test_sealed_values_stay(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct auth_place at = {SV("crm.person"), SV("phone"), 7};
    unsigned number = 0;
    sv text, again;
    err_clear(&e);
    OK(auth_seal_value(house.alpha, a, &at, SV("13912345678"), &text, &e));
    OK(auth_seal_value(house.alpha, a, &at, SV("13912345678"), &again, &e));
    assert_true(auth_sealed(text, &number) && number == 1);
    assert_false(sv_eq(text, again));
    assert_true(text.n <= AUTH_SEALED_SIZE(11));
    assert_int_equal(open_at(house.alpha, SV("crm.person"), SV("phone"), 7, text), 0);
    assert_int_equal(open_at(house.alpha, SV("crm.person"), SV("phone"), 8, text), -1);
    assert_int_equal(open_at(house.alpha, SV("crm.person"), SV("mobile"), 7, text), -1);
    assert_int_equal(open_at(house.alpha, SV("crm.lead"), SV("phone"), 7, text), -1);
    assert_int_equal(open_at(house.beta, SV("crm.person"), SV("phone"), 7, text), -1);
    assert_int_equal(open_at(house.alpha, SV("crm.person"), SV("phone"), 7, SV("13912345678")), 0);
    arena_free(a);
}

static sv hash_of(struct auth_tenant *t, struct arena *a, sv field, enum mf_type type, sv plain)
{
    struct auth_place at = {SV("crm.person"), field, 0};
    sv out;
    err_clear(&e);
    OK(auth_hash(t, a, &at, type, plain, &out, &e));
    assert_true(out.n <= AUTH_HASH_SIZE);
    return out;
}

/* Forms of one value hash alike; tenants and fields apart. */
static void test_hashes_of_values(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    sv one = hash_of(house.alpha, a, SV("phone"), MF_PHONE, SV("13912345678"));
    assert_true(sv_eq(one, hash_of(house.alpha, a, SV("phone"), MF_PHONE, SV("+86 13912345678"))));
    assert_false(sv_eq(one, hash_of(house.alpha, a, SV("phone"), MF_PHONE, SV("13912345679"))));
    assert_false(sv_eq(one, hash_of(house.alpha, a, SV("mobile"), MF_PHONE, SV("13912345678"))));
    assert_false(sv_eq(one, hash_of(house.beta, a, SV("phone"), MF_PHONE, SV("13912345678"))));
    assert_true(sv_eq(hash_of(house.alpha, a, SV("mail"), MF_EMAIL, SV("A@x.cn ")),
                      hash_of(house.alpha, a, SV("mail"), MF_EMAIL, SV("a@x.cn"))));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_reaches_only_its_own),
        cmocka_unit_test(test_secrets_are_sealed),
        cmocka_unit_test(test_failure_leaves_nothing),
        cmocka_unit_test(test_creation_after_a_crash),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_suspended_is_gone),
        cmocka_unit_test(test_second_node_sees_tenants),
        cmocka_unit_test(test_plugin_switch),
        cmocka_unit_test(test_templates_follow_until_edited),
        cmocka_unit_test(test_staff_create),
        cmocka_unit_test(test_sealed_values_stay),
        cmocka_unit_test(test_hashes_of_values),
        cmocka_unit_test(test_audit_chain),
    };
    return cmocka_run_group_tests(tests, house_setup, house_teardown);
}
