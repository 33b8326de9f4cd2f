/* auth: the rules that need no database. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "auth/room.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)

static struct arena *a;

static int setup(void **state)
{
    (void)state;
    a = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

#define assert_sv(v, s) assert_string_equal(arena_str(a, v), s)

/* ---- passwords --------------------------------------------------------------------------- */

static const char *refusal(const char *password, const char *login)
{
    static char code[64];
    struct err e = {0};
    if (auth_password_check(sv_of(password), sv_of(login), "new", &e) == 0) return "";
    assert_int_equal(e.status, 422);
    assert_int_equal(e.n_fields, 1);
    assert_string_equal(e.fields[0].field, "new");
    snprintf(code, sizeof code, "%s", e.fields[0].code);
    return code;
}

static void test_password_policy(void **state)
{
    (void)state;
    assert_string_equal(refusal("River7stone9", "anna"), "");
    assert_string_equal(refusal("correct-Horse-battery", "anna"), "");
    assert_string_equal(refusal("春江潮水连海平Aa1", "anna"), "");
    assert_string_equal(refusal("", "anna"), "required");
    assert_string_equal(refusal("Ab3$efgh9", "anna"), "too_short");
    assert_string_equal(refusal("一二三四五六七Aa", "anna"), "too_short");   /* characters, not bytes */
    assert_string_equal(refusal("onlysmallletters", "anna"), "auth.password_kinds");
    assert_string_equal(refusal("small123letters", "anna"), "auth.password_kinds");
    assert_string_equal(refusal("xxAnNa-77-Qrt", "anna"), "auth.password_login");
    assert_string_equal(refusal("Password1234", "anna"), "password_weak");
    assert_string_equal(refusal("P@ssw0rd2024!", "anna"), "password_weak");
    assert_string_equal(refusal("Admin@123456", "anna"), "password_weak");
    assert_string_equal(refusal("1qaz@WSX2026", "anna"), "password_weak");
    assert_string_equal(refusal("Aa1Aa1Aa1Aa1", "anna"), "password_weak");
    assert_string_equal(refusal("Qwertyuiop12", "anna"), "password_weak");
    char huge[400];
    memset(huge, 'x', sizeof huge - 1);
    memcpy(huge, "Aa1-", 4);
    huge[sizeof huge - 1] = 0;
    assert_string_equal(refusal(huge, "anna"), "too_long");
    assert_string_equal(refusal("bad\xff\xfe" "Utf8-text-1", "anna"), "not_string");
}

static void test_password_generated(void **state)
{
    (void)state;
    struct auth_rules r = rules_default(NULL);
    for (int i = 0; i < 50; i++) {
        sv p = password_generate(a, &r);
        assert_int_equal(p.n, 16);
        assert_string_equal(refusal(p.p, "admin"), "");
    }
    static const struct { unsigned min, kinds, n; } asked[] = {
        {8, 1, 16}, {16, 4, 16}, {24, 4, 24}, {64, 3, 64}, {5000, 9, 200}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct err e = {0};
        r.password_min = asked[i].min;
        r.password_kinds = asked[i].kinds;
        sv p = password_generate(a, &r);
        assert_int_equal(p.n, asked[i].n);
        if (asked[i].min <= 64)
            assert_int_equal(password_rules_check(&r, p, SV_NULL, "password", &e), 0);
    }
}

static void test_password_hash(void **state)
{
    (void)state;
    struct err e = {0};
    sv one, two;
    assert_int_equal(auth_password_hash(a, SV("River7stone9"), &one, &e), 0);
    assert_int_equal(auth_password_hash(a, SV("River7stone9"), &two, &e), 0);
    assert_false(sv_eq(one, two));   /* each has a salt of its own */
    assert_true(sv_starts(one, SV("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_true(auth_password_verify(one, SV("River7stone9")));
    assert_false(auth_password_verify(one, SV("River7stone8")));
    assert_false(auth_password_verify(one, SV("")));
    assert_false(auth_password_verify(SV(""), SV("")));
    assert_false(auth_password_verify(SV("plain"), SV("plain")));
    assert_false(password_outdated(one));
    assert_true(password_outdated(SV("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$x")));
    assert_int_equal(password_verify_nobody(SV("anything"), &e), 0);
}

/* ---- phones ------------------------------------------------------------------------------ */

static void test_phone(void **state)
{
    (void)state;
    assert_sv(phone_normal(a, SV("13800138000")), "13800138000");
    assert_sv(phone_normal(a, SV(" +86 138-0013-8000 ")), "13800138000");
    assert_sv(phone_normal(a, SV("+1 (415) 555-0100")), "+14155550100");
    const char *bad[] = {"", "1380013800", "138001380001", "12800138000", "0138001380",
                         "+86 12345", "+0123456789", "13800a38000", "+", "138+0138000",
                         "+12345678901234567", "anna"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(phone_normal(a, sv_of(bad[i])).p);
    assert_sv(phone_mask(a, SV("13800138000")), "138****8000");
    assert_sv(phone_mask(a, SV("+14155550100")), "+141****0100");
    assert_sv(phone_mask(a, SV("123")), "****");
    assert_sv(phone_mask(a, SV("")), "");
}

/* ---- lock-out ---------------------------------------------------------------------------- */

static void test_lockout(void **state)
{
    (void)state;
    struct lockout_rule rule = {.after = 5, .base_us = 15 * MINUTE, .cap_us = 60 * MINUTE,
                                .forget_us = 100 * MINUTE};
    struct lockout_state s = {0};
    int64_t now = 1000000 * SECOND;
    for (int i = 1; i <= 4; i++) {
        s = lockout_next(s, &rule, now += SECOND);
        assert_int_equal(s.failures, i);
        assert_int_equal(s.locked_until, 0);
    }
    const int64_t spans[] = {15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 60 * MINUTE};
    for (size_t i = 0; i < 4; i++) {
        s = lockout_next(s, &rule, now += SECOND);
        assert_int_equal(s.locked_until, now + spans[i]);
    }
    s = lockout_next(s, &rule, now += 101 * MINUTE);     /* long quiet: forgotten */
    assert_int_equal(s.failures, 1);
    assert_int_equal(s.locked_until, 0);
    s.failures = INT32_MAX;                              /* no overflow, no endless loop */
    s = lockout_next(s, &rule, now += SECOND);
    assert_int_equal(s.locked_until, now + 60 * MINUTE);
}

static void test_lockout_subjects(void **state)
{
    (void)state;
    struct auth_rules rules = rules_default(NULL);
    struct lockout l;
    lockout_init(&l, &rules, "login", SV("anna"), SV("192.0.2.1"));
    assert_string_equal(l.name, "login:anna");
    assert_string_equal(l.address, "ip:192.0.2.1");
    assert_int_equal(l.name_rule.after, 5);
    assert_int_equal(l.address_rule.after, 50);
    char text[201];
    memset(text, 'x', 200);
    text[200] = 0;
    lockout_init(&l, &rules, "login", sv_of(text), SV("192.0.2.1"));
    assert_int_equal(strlen(l.name), 46);
    lockout_init(&l, &rules, "login", SV("\xff\xff"), SV("192.0.2.1"));
    assert_int_equal(strlen(l.name), 46);
    lockout_init(&l, &rules, "phone", SV(""), SV("192.0.2.1"));
    assert_string_equal(l.name, "");
}

/* ---- codes ------------------------------------------------------------------------------- */

static void test_code_wait(void **state)
{
    (void)state;
    int64_t now = 1000000 * SECOND;
    assert_int_equal(code_wait(&(struct code_usage){0}, now), 0);
    struct code_usage u = {.last_at = now - 20 * SECOND, .day_first = now - 20 * SECOND,
                           .by_phone_day = 1};
    assert_int_equal(code_wait(&u, now), 40);
    u.last_at = now - 60 * SECOND;
    assert_int_equal(code_wait(&u, now), 0);
    u.by_phone_day = 9;
    assert_int_equal(code_wait(&u, now), 0);
    u.by_phone_day = 10;
    u.day_first = now - 86000 * SECOND;
    assert_int_equal(code_wait(&u, now), 400);
    u = (struct code_usage){.by_address_hour = 59};
    assert_int_equal(code_wait(&u, now), 0);
    u.by_address_hour = 60;
    assert_int_equal(code_wait(&u, now), 900);
}

static void test_code_hash(void **state)
{
    (void)state;
    unsigned char k1[32] = {1}, k2[32] = {2};
    char base[64], other[64];
    code_hash(k1, SV("13800138000"), SV("staff"), SV("123456"), base);
    code_hash(k1, SV("13800138000"), SV("staff"), SV("123456"), other);
    assert_memory_equal(base, other, 64);
    code_hash(k2, SV("13800138000"), SV("staff"), SV("123456"), other);
    assert_memory_not_equal(base, other, 64);
    code_hash(k1, SV("13800138000"), SV("member"), SV("123456"), other);
    assert_memory_not_equal(base, other, 64);
    code_hash(k1, SV("13800138001"), SV("staff"), SV("123456"), other);
    assert_memory_not_equal(base, other, 64);
    code_hash(k1, SV("13800138000"), SV("staff"), SV("123457"), other);
    assert_memory_not_equal(base, other, 64);
}

/* ---- devices, seals, digests ------------------------------------------------------------- */

static void test_device(void **state)
{
    (void)state;
    unsigned char k1[32] = {1}, k2[32] = {2};
    sv id = SV("abcdefghijklmnopqrstuv");
    sv cookie = device_sign(a, k1, id);
    assert_true(sv_eq(device_verify(k1, cookie), id));
    assert_null(device_verify(k2, cookie).p);            /* another tenant's */
    assert_null(device_verify(k1, SV("")).p);
    assert_null(device_verify(k1, id).p);
    for (size_t i = 0; i < cookie.n; i++) {
        char *bad = arena_str(a, cookie);
        bad[i] = bad[i] == 'x' ? 'y' : 'x';
        assert_null(device_verify(k1, sv_make(bad, cookie.n)).p);
    }
}

static void test_seal(void **state)
{
    (void)state;
    unsigned char k1[32] = {1}, k2[32] = {2};
    sv out, sealed = seal_text(a, k1, SV("tenant/1/password"), SV("secret"));
    assert_int_equal(seal_open(a, k1, SV("tenant/1/password"), sealed, &out), 0);
    assert_sv(out, "secret");
    assert_int_equal(seal_open(a, k2, SV("tenant/1/password"), sealed, &out), -1);
    assert_int_equal(seal_open(a, k1, SV("tenant/2/password"), sealed, &out), -1);
    assert_int_equal(seal_open(a, k1, SV("tenant/1/password"), SV(""), &out), -1);
    char *bad = arena_str(a, sealed);
    bad[sealed.n / 2] = bad[sealed.n / 2] == 'A' ? 'B' : 'A';
    assert_int_equal(seal_open(a, k1, SV("tenant/1/password"), sv_make(bad, sealed.n), &out), -1);
    sv again = seal_text(a, k1, SV("tenant/1/password"), SV("secret"));
    assert_false(sv_eq(sealed, again));
}

static void test_master_key(void **state)
{
    (void)state;
    char dir[] = "/tmp/atrium-auth-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/master.key", dir);
    struct master_keys one, two;
    struct err e = {0};
    assert_int_equal(master_load(dir, NULL, &one, &e), 0);
    assert_int_equal(master_load(dir, NULL, &two, &e), 0);
    assert_memory_equal(&one, &two, sizeof one);
    assert_int_equal(one.n, 1);
    assert_int_equal(master_add(dir, &e), 0);
    assert_int_equal(master_load(dir, NULL, &two, &e), 0);
    assert_int_equal(two.n, 2);
    assert_int_equal(two.k[1].number, 2);
    assert_memory_equal(one.k[0].b, two.k[0].b, 32);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    chmod(path, 0640);
    assert_int_equal(master_load(dir, NULL, &two, &e), -1);
    assert_non_null(strstr(e.detail, "0600"));
    chmod(path, 0600);
    assert_int_equal(truncate(path, 20), 0);
    err_clear(&e);
    assert_int_equal(master_load(dir, NULL, &two, &e), -1);   /* never replaced by a new one */
    unlink(path);
    rmdir(dir);
    err_clear(&e);
    assert_int_equal(master_load(dir, NULL, &two, &e), -1);
}

static void test_siphash(void **state)
{
    (void)state;
    unsigned char key[16], data[70], want[16];
    uint64_t k[2];
    for (unsigned i = 0; i < 16; i++) key[i] = (unsigned char)i;
    for (unsigned i = 0; i < 70; i++) data[i] = (unsigned char)i;
    memcpy(k, key, 16);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    assert_non_null(mac);
    for (size_t n = 0; n < 70; n++) {
        EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
        size_t size = 16, got;
        OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_end()};
        assert_int_equal(EVP_MAC_init(c, key, 16, params), 1);
        assert_int_equal(EVP_MAC_update(c, data, n), 1);
        assert_int_equal(EVP_MAC_final(c, want, &got, sizeof want), 1);
        EVP_MAC_CTX_free(c);
        struct hash128 h = seal_siphash(k, sv_make((char *)data, n));
        unsigned char have[16];
        memcpy(have, &h.a, 8);
        memcpy(have + 8, &h.b, 8);
        assert_memory_equal(have, want, 16);
    }
    EVP_MAC_free(mac);
}

/* ---- names of tenants -------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    const char *good[] = {"ab", "demo", "a-1", "abcdefghijklmnopqrstuvwxyz12345"};
    const char *bad[] = {"", "a", "1a", "-a", "a-", "A1", "a_b", "a.b", "a`b", "a'b",
                         "abcdefghijklmnopqrstuvwxyz123456", "\xe4\xb8\xad"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(tenant_slug_ok(sv_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(tenant_slug_ok(sv_of(bad[i])));
    assert_true(tenant_host_ok(SV("crm.example.com")));
    assert_true(tenant_host_ok(SV("a-b.example")));
    const char *bad_hosts[] = {"", ".a", "a.", "-a.b", "a-.b", "a..b", "A.b", "a b", "a:80", "a/b"};
    for (size_t i = 0; i < sizeof bad_hosts / sizeof bad_hosts[0]; i++)
        assert_false(tenant_host_ok(sv_of(bad_hosts[i])));
}

/* ---- grants ------------------------------------------------------------------------------ */

static struct auth_principal with(struct auth_roles *r)
{
    return (struct auth_principal){.kind = AUTH_STAFF, .id = 7, .roles = r, .admin = r->admin};
}

static bool listed(const sv *v, unsigned n, const char *what)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_eqs(v[i], what)) return true;
    return false;
}

static void test_union(void **state)
{
    (void)state;
    struct role_row rows[] = {
        {.code = SV("agent"),
         .grants = SV("{\"crm.lead\":{\"read\":[\"mine\"],\"create\":true,\"update\":[\"mine\"],"
                      "\"do\":[\"win\"],\"fields\":{\"phone\":\"hidden\",\"amount\":\"hidden\","
                      "\"no\":\"read_only\"}}}")},
        {.code = SV("auditor"),
         .grants = SV("{\"crm.lead\":{\"read\":[\"team\",\"mine\"],\"export\":true,"
                      "\"fields\":{\"phone\":\"hidden\",\"owner\":\"hidden\"}}}")},
        {.code = SV("maker"), .grants = SV("{\"crm.lead\":{\"create\":true}}")},
        {.code = SV("broken"), .grants = SV("{\"crm.lead\":{\"read\":[\"all\"]")},
        {.code = SV("odd"), .grants = SV("{\"crm.lead\":[1],\"x\":{\"read\":[1,null]}}")},
    };
    struct auth_roles *r = roles_compile(rows, 5);
    struct auth_principal p = with(r);
    const struct auth_grant *g = auth_grant_of(&p, SV("crm.lead"));
    assert_non_null(g);
    assert_int_equal(g->n_read, 2);
    assert_true(listed(g->read, 2, "mine") && listed(g->read, 2, "team"));
    assert_int_equal(g->n_update, 1);
    assert_true(g->create && g->export);
    assert_int_equal(g->n_del, 0);
    /* hidden: in both that read; the one that only creates says nothing about reading */
    assert_int_equal(g->n_hidden, 1);
    assert_true(sv_eqs(g->hidden[0], "phone"));
    /* read-only: the second that writes marks nothing */
    assert_int_equal(g->n_read_only, 0);
    assert_false(auth_scope_all(g->read, g->n_read));
    assert_true(auth_can(&p, SV("crm.lead"), SV("win")));
    assert_false(auth_can(&p, SV("crm.lead"), SV("lose")));
    assert_false(auth_can(&p, SV("crm.lead"), SV("delete")));
    assert_false(auth_can(&p, SV("x"), SV("read")));
    assert_null(auth_grant_of(&p, SV("crm.deal")));
    assert_int_equal(r->n_codes, 5);
    roles_unref(r);

    r = roles_compile(rows, 1);
    p = with(r);
    g = auth_grant_of(&p, SV("crm.lead"));
    assert_int_equal(g->n_hidden, 2);
    assert_int_equal(g->n_read_only, 3);     /* what is hidden is not written either */
    roles_unref(r);
}

static void test_all_swallows(void **state)
{
    (void)state;
    struct role_row rows[] = {
        {.code = SV("one"), .grants = SV("{\"a.b\":{\"read\":[\"mine\",\"team\"]}}")},
        {.code = SV("two"), .grants = SV("{\"a.b\":{\"read\":[\"all\"]}}")},
        {.code = SV("core.everyone"), .grants = SV("{\"core.dept\":{\"read\":[\"all\"]}}")},
    };
    struct auth_roles *r = roles_compile(rows, 3);
    struct auth_principal p = with(r);
    const struct auth_grant *g = auth_grant_of(&p, SV("a.b"));
    assert_int_equal(g->n_read, 1);
    assert_true(auth_scope_all(g->read, g->n_read));
    assert_int_equal(r->n_codes, 2);         /* everyone is no role that one holds */
    assert_false(r->admin);
    roles_unref(r);
}

static void test_many_resources(void **state)
{
    (void)state;
    struct buf b = BUF_IN(a);
    buf_chr(&b, '{');
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "%s\"p.r%d\":{\"read\":[\"s%d\"]}", i ? "," : "", i, i);
    buf_chr(&b, '}');
    struct role_row row = {.code = SV("wide"), .grants = buf_view(&b)};
    struct auth_roles *r = roles_compile(&row, 1);
    struct auth_principal p = with(r);
    for (int i = 0; i < 300; i++) {
        const struct auth_grant *g = auth_grant_of(&p, arena_printf(a, "p.r%d", i));
        assert_non_null(g);
        assert_true(sv_eq(g->read[0], arena_printf(a, "s%d", i)));
    }
    assert_null(auth_grant_of(&p, SV("p.r300")));
    roles_unref(r);
}

static void test_admin(void **state)
{
    (void)state;
    struct role_row fake = {.code = SV("admin"), .builtin = false, .grants = SV("{}")};
    struct role_row real = {.code = SV("admin"), .builtin = true, .grants = SV_NULL};
    struct auth_roles *r = roles_compile(&fake, 1);
    assert_false(r->admin);                  /* the name alone is nothing */
    roles_unref(r);
    r = roles_compile(&real, 1);
    assert_true(r->admin);
    struct auth_principal p = with(r);
    assert_true(auth_can(&p, SV("any.thing"), SV("delete")));
    assert_true(auth_can(&p, SV("any.thing"), SV("publish")));
    assert_true(auth_can(&p, SV("core.audit"), SV("read")));
    assert_true(auth_can(&p, SV("core.audit"), SV("export")));
    assert_false(auth_can(&p, SV("core.audit"), SV("create")));
    assert_false(auth_can(&p, SV("core.outbox"), SV("create")));
    assert_true(auth_can(&auth_system, SV("core.audit"), SV("create")));
    roles_unref(r);
}

/* What the core alone writes no role can write; who gives roles is checked where
 * they are given (core_manage.c). */
static void test_no_way_up(void **state)
{
    (void)state;
    struct role_row row = {
        .code = SV("hr"),
        .grants = SV("{\"core.staff\":{\"read\":[\"all\"],\"update\":[\"subtree\"]},"
                     "\"core.staff_role\":{\"read\":[\"all\"],\"create\":true},"
                     "\"core.seat\":{\"read\":[\"all\"],\"update\":[\"all\"]},"
                     "\"core.audit\":{\"read\":[\"all\"],\"delete\":[\"all\"]}}")};
    struct auth_roles *r = roles_compile(&row, 1);
    struct auth_principal p = with(r);
    assert_true(auth_can(&p, SV("core.staff"), SV("update")));
    assert_false(auth_can(&p, SV("core.staff_role"), SV("create")));
    assert_true(auth_can(&p, SV("core.seat"), SV("read")));
    assert_false(auth_can(&p, SV("core.seat"), SV("update")));
    assert_false(auth_can(&p, SV("core.audit"), SV("delete")));
    roles_unref(r);
}

/* The templates of the core manifest, by the way they go into the database. */
static void test_template(void **state)
{
    (void)state;
    struct cfg_errors e = {.a = a, .file = "core", .text = BUF_IN(a)};
    struct mf_manifest *m;
    if (cfg_load_manifest(a, TEST_TOP "/core/auth/manifest", &m, &e) != 0)
        fail_msg("%.*s", SVARG(buf_view(&e.text)));
    struct buf everyone = BUF_IN(a), auditor = BUF_IN(a);
    roles_template(m, "everyone", &everyone);
    roles_template(m, "auditor", &auditor);
    struct role_row rows[] = {{.code = SV("core.everyone"), .grants = buf_view(&everyone)},
                              {.code = SV("core.auditor"), .grants = buf_view(&auditor)}};
    struct auth_roles *r = roles_compile(rows, 1);
    struct auth_principal p = with(r);
    assert_true(auth_can(&p, SV("core.dept"), SV("read")));
    assert_true(auth_can(&p, SV("core.file"), SV("create")));
    assert_false(auth_can(&p, SV("core.audit"), SV("read")));
    const struct auth_grant *g = auth_grant_of(&p, SV("core.staff"));
    assert_true(listed(g->hidden, g->n_hidden, "phone"));
    roles_unref(r);
    r = roles_compile(rows, 2);
    p = with(r);
    assert_true(auth_can(&p, SV("core.audit"), SV("export")));
    g = auth_grant_of(&p, SV("core.staff"));
    assert_true(listed(g->hidden, g->n_hidden, "phone"));
    assert_false(listed(g->hidden, g->n_hidden, "roles"));
    roles_unref(r);
    /* nobody but the administrator has anything on secrets */
    const char *internal[] = {"staff_secret", "session", "login_code", "lockout", "setting",
                              "plugin", "idempotency"};
    for (size_t i = 0; i < sizeof internal / sizeof internal[0]; i++) {
        const struct mf_resource *res = mf_resource_find(m, sv_of(internal[i]));
        assert_non_null(res);
        assert_true(res->internal);
        assert_int_equal(res->n_grants, 0);
    }
}

/* ---- the log's hash ---------------------------------------------------------------------- */

static void test_audit_hash(void **state)
{
    (void)state;
    struct audit_line base = {.id = 1, .at_us = 2, .who = 3, .who_kind = SV("staff"),
                              .who_name = SV("Anna"), .action = SV("create"), .target = SV("a.b/1"),
                              .address = SV("::1"), .request_id = SV("r"), .detail = SV("{}"),
                              .ok = true};
    char one[64], two[64];
    audit_hash(SV("0"), &base, one);
    audit_hash(SV("0"), &base, two);
    assert_memory_equal(one, two, 64);
    audit_hash(SV("1"), &base, two);
    assert_memory_not_equal(one, two, 64);
    struct audit_line other = base;
    other.ok = false;
    audit_hash(SV("0"), &other, two);
    assert_memory_not_equal(one, two, 64);
    other = base;                            /* what moves over a border changes the hash */
    other.action = SV("createa");
    other.target = SV(".b/1");
    audit_hash(SV("0"), &other, two);
    assert_memory_not_equal(one, two, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_policy), cmocka_unit_test(test_password_generated),
        cmocka_unit_test(test_password_hash),   cmocka_unit_test(test_phone),
        cmocka_unit_test(test_lockout),         cmocka_unit_test(test_lockout_subjects),
        cmocka_unit_test(test_code_wait),       cmocka_unit_test(test_code_hash),
        cmocka_unit_test(test_device),          cmocka_unit_test(test_seal),
        cmocka_unit_test(test_master_key),      cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_union),
        cmocka_unit_test(test_all_swallows),    cmocka_unit_test(test_many_resources),
        cmocka_unit_test(test_admin),           cmocka_unit_test(test_no_way_up),
        cmocka_unit_test(test_template),        cmocka_unit_test(test_audit_hash),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
