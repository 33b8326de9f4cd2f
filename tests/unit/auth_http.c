/* auth over HTTP: log-ins, sessions, CSRF, lock-out, passwords, rights. */
#include "auth_fixture.h"

#define GOOD_ANNA "{\"login\":\"anna\",\"password\":\"" PASSWORD "\"}"
#define BAD_ANNA "{\"login\":\"anna\",\"password\":\"River7stone8\"}"

/* argon2id of PASSWORD with 64 KiB and one pass */
#define WEAK_HASH                                                                                 \
    "$argon2id$v=19$m=64,t=1,p=1$YXRyaXVtdGVzdHNhbHQwMA$b31Vm2c1LnyhVZUgC838MPZtx6CpoyJMA2eCn5piOf0"

static struct err e;

/* ---- logging in and out ------------------------------------------------------------------ */

static void test_login(void **state)
{
    (void)state;
    struct reply r = ask("POST", LOGIN, "", GOOD_ANNA);
    assert_int_equal(r.status, 200);
    assert_int_equal(strlen(member(&r, "token")), 43);
    assert_string_equal(member(&r, "name"), "Anna");
    int64_t until;
    assert_true(clock_parse(sv_of(member(&r, "expires_at")), &until));
    assert_true(llabs(until - clock_now_us() - 168 * HOUR) < MINUTE);
    char cookie[96];
    snprintf(cookie, sizeof cookie, "atrium_s=%s; Path=/;", member(&r, "token"));
    assert_true(has(r.head, cookie));
    assert_true(has(r.head, "HttpOnly") && has(r.head, "SameSite=Lax"));
    assert_false(has(r.head, "Secure"));
    assert_true(has(r.head, "no-store"));
    assert_false(has(r.body, "argon2"));
    const char *token = member(&r, "token");
    assert_string_equal(kind(WHO, bearer_of(token)), "staff");
    assert_string_equal(kind(WHO, cookie_of("atrium_s", token)), "staff");
    assert_string_equal(kind(WHO, ""), "anon");
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM core_session WHERE token_hash LIKE '%%%.20s%%'",
             token);
    assert_int_equal(house_i64(ALPHA, sql), 0);
    reply_free(&r);

    r = ask("GET", "/api/core/session", bearer_of(token), NULL);
    assert_int_equal(r.status, 200);
    assert_true(has(r.body, "\"roles\":[\"admin\"]") && has(r.body, "\"admin\":true"));
    assert_string_equal(member(&r, "slug"), "alpha");
    assert_string_equal(member(&r, "phone"), "138****8000");
    reply_free(&r);
    r = ask("GET", "/api/core/session", "", NULL);
    assert_true(has(r.body, "\"kind\":\"anon\",\"user\":null"));
    reply_free(&r);
    /* by phone, and whatever the case of the login */
    expect(200, "POST", LOGIN, "", "{\"login\":\"13800138000\",\"password\":\"" PASSWORD "\"}");
    expect(200, "POST", LOGIN, "", "{\"login\":\"+8613800138000\",\"password\":\"" PASSWORD "\"}");
    house_sql(ALPHA, "UPDATE core_staff SET phone = '+8613800138000' WHERE login = 'anna'");
    expect(200, "POST", LOGIN, "", "{\"login\":\"13800138000\",\"password\":\"" PASSWORD "\"}");
    house_sql(ALPHA, "UPDATE core_staff SET phone = '13800138000' WHERE login = 'anna'");
    expect(200, "POST", LOGIN, "", "{\"login\":\"ANNA\",\"password\":\"" PASSWORD "\"}");
}

static void test_tenant_path(void **state)
{
    (void)state;
    struct reply r = ask("POST", "/t/beta" LOGIN, "", GOOD_ANNA);
    assert_int_equal(r.status, 200);
    assert_true(has(r.head, "Path=/t/beta/;"));
    reply_free(&r);
}

static void test_bad_bodies(void **state)
{
    (void)state;
    struct reply r = ask("POST", LOGIN, "", "{}");
    assert_int_equal(r.status, 422);
    assert_true(has(r.body, "\"login\"") && has(r.body, "\"password\""));
    reply_free(&r);
    expect(422, "POST", LOGIN, "", "{\"login\":1,\"password\":\"x\"}");
    expect(422, "POST", LOGIN, "", "{\"login\":\"anna\",\"password\":\"\"}");
    expect(422, "POST", LOGIN, "", "{\"phone\":\"12\",\"code\":\"123456\"}");
    expect(400, "POST", LOGIN, "", "{\"login\":");
    expect(415, "POST", LOGIN, "", NULL);
    struct buf b = BUF_HEAP;
    buf_str(&b, "{\"login\":\"anna\",\"password\":\"");
    for (int i = 0; i < 300; i++) buf_chr(&b, 'x');
    buf_str(&b, "\"}");
    buf_chr(&b, 0);
    expect(422, "POST", LOGIN, "", b.p);
    buf_free(&b);
}

static void test_token_is_nothing_elsewhere(void **state)
{
    (void)state;
    const char *token = log_in("", "anna");
    assert_int_equal(strlen(token), 43);
    expect(200, "GET", WHO, bearer_of(token), NULL);
    expect(401, "GET", "/t/beta" WHO, bearer_of(token), NULL);
    char headers[256];
    snprintf(headers, sizeof headers, "Host: beta.example\r\n%s", bearer_of(token));
    expect(401, "GET", WHO, headers, NULL);
    assert_string_equal(kind("/t/beta" WHO, cookie_of("atrium_s", token)), "anon");
    expect(401, "GET", WHO, bearer_of("nonsense"), NULL);
    char other[44];
    snprintf(other, sizeof other, "%s", token);
    other[10] = other[10] == 'A' ? 'B' : 'A';
    expect(401, "GET", WHO, bearer_of(other), NULL);
    /* a staff token in the member's cookie, and the other way, is nobody's */
    assert_string_equal(kind(WHO, cookie_of("atrium_m", token)), "anon");
}

static void test_logout(void **state)
{
    (void)state;
    const char *token = log_in("", "anna");
    expect(200, "GET", WHO, bearer_of(token), NULL);
    struct reply r = ask("POST", "/api/auth/logout", bearer_of(token), NULL);
    assert_int_equal(r.status, 204);
    assert_true(has(r.head, "atrium_s=; Path=/; Max-Age=0"));
    reply_free(&r);
    expect(401, "GET", WHO, bearer_of(token), NULL);     /* at once */
    expect(204, "POST", "/api/auth/logout", "", NULL);   /* nothing to end is no error */
}

static void test_logout_on_another_node(void **state)
{
    (void)state;
    const char *token = log_in("", "anna");
    expect(200, "GET", WHO, bearer_of(token), NULL);
    house_sql(ALPHA, "DELETE FROM core_session");        /* as the other node would */
    int64_t from = clock_mono_us();
    while (strcmp(kind(WHO, bearer_of(token)), "staff") == 0) {
        assert_true(clock_mono_us() - from < 5500000);
        usleep(100000);
    }
    expect(401, "GET", WHO, bearer_of(token), NULL);
}

/* ---- guessing ---------------------------------------------------------------------------- */

static void test_unknown_is_like_wrong(void **state)
{
    (void)state;
    struct reply one = ask("POST", LOGIN, "", BAD_ANNA);
    struct reply two = ask("POST", LOGIN, "", 
                            "{\"login\":\"nobody\",\"password\":\"" PASSWORD "\"}");
    assert_int_equal(one.status, 401);
    assert_int_equal(two.status, 401);
    assert_string_equal(member(&one, "code"), "login_failed");
    assert_string_equal(member(&two, "code"), "login_failed");
    assert_string_equal(member(&one, "detail"), member(&two, "detail"));
    assert_false(has(one.head, "set-cookie") || has(one.head, "Set-Cookie"));
    reply_free(&one);
    reply_free(&two);
}

static void lock_out(const char *body)
{
    for (int i = 0; i < 5; i++) expect(401, "POST", LOGIN, "", body);
    struct reply r = ask("POST", LOGIN, "", body);
    assert_int_equal(r.status, 423);
    assert_string_equal(member(&r, "code"), "locked_out");
    assert_true(has(r.head, "retry-after: "));
    reply_free(&r);
}

static void test_lockout(void **state)
{
    (void)state;
    lock_out(BAD_ANNA);
    expect(423, "POST", LOGIN, "", GOOD_ANNA);           /* the right one neither */
    house_staff(house.alpha, "bert", NULL, NULL);
    assert_int_equal(strlen(log_in("", "bert")), 43);    /* others may */
    clock_set_offset_us(16 * MINUTE);
    expect(401, "POST", LOGIN, "", BAD_ANNA);            /* the sixth: twice as long */
    expect(423, "POST", LOGIN, "", GOOD_ANNA);
    clock_set_offset_us(45 * MINUTE);
    expect(423, "POST", LOGIN, "", GOOD_ANNA);
    clock_set_offset_us(47 * MINUTE);
    expect(200, "POST", LOGIN, "", GOOD_ANNA);
    expect(401, "POST", LOGIN, "", BAD_ANNA);            /* counted anew */
    expect(200, "POST", LOGIN, "", GOOD_ANNA);
}

static void test_lockout_of_nobody(void **state)
{
    (void)state;
    lock_out("{\"login\":\"ghost\",\"password\":\"River7stone9\"}");
}

static void test_lockout_of_an_address(void **state)
{
    (void)state;
    char body[128];
    for (int i = 0; i < 50; i++) {
        snprintf(body, sizeof body, "{\"login\":\"u%d\",\"password\":\"River7stone8\"}", i);
        expect(401, "POST", LOGIN, "", body);
    }
    struct reply r = ask("POST", LOGIN, "", GOOD_ANNA);
    assert_int_equal(r.status, 429);
    assert_string_equal(member(&r, "code"), "locked_out");
    reply_free(&r);
}

struct burst { const char *login; int status; };

static void *burst_login(void *arg)
{
    struct burst *b = arg;
    char body[128];
    snprintf(body, sizeof body, "{\"login\":\"%s\",\"password\":\"" PASSWORD "\"}", b->login);
    struct reply r = ask("POST", LOGIN, "", body);
    b->status = r.status;
    reply_free(&r);
    return NULL;
}

static void test_burst(void **state)
{
    (void)state;
    pthread_t t[24];
    struct burst b[24];
    for (int i = 0; i < 24; i++) {
        b[i] = (struct burst){.login = "anna"};
        pthread_create(&t[i], NULL, burst_login, &b[i]);
    }
    for (int i = 0; i < 24; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(b[i].status, 200);
    }
}

/* ---- other sites ------------------------------------------------------------------------- */

static void csrf(int status, const char *cookie, const char *more)
{
    char headers[512];
    snprintf(headers, sizeof headers, "%s%s", cookie, more);
    expect(status, "POST", WHO, headers, "{}");
}

static void test_csrf(void **state)
{
    (void)state;
    const char *token = log_in("", "anna"), *cookie = cookie_of("atrium_s", token);
    expect(200, "GET", WHO, cookie, NULL);
    csrf(403, cookie, "");
    csrf(200, cookie, "Origin: http://localhost\r\n");
    csrf(200, cookie, "Sec-Fetch-Site: same-origin\r\n");
    csrf(403, cookie, "Origin: https://localhost\r\n");
    csrf(403, cookie, "Origin: http://localhost.evil.example\r\n");
    csrf(403, cookie, "Origin: http://evil.example\r\n");
    csrf(403, cookie, "Origin: null\r\n");
    csrf(403, cookie, "Sec-Fetch-Site: cross-site\r\n");
    csrf(403, cookie, "Sec-Fetch-Site: same-site\r\nOrigin: http://localhost\r\n");
    csrf(200, bearer_of(token), "");
    csrf(200, "", "");                       /* nobody: nothing to steal */
    csrf(200, cookie_of("atrium_s", "0123456789012345678901234567890123456789012"), "");
    struct reply r = ask("POST", WHO, cookie, "{}");
    assert_string_equal(member(&r, "code"), "csrf");
    reply_free(&r);
    expect(403, "POST", LOGIN, "Origin: http://evil.example\r\n", GOOD_ANNA);
    expect(200, "POST", LOGIN, "Origin: http://localhost\r\n", GOOD_ANNA);
}

/* ---- the end of sessions ----------------------------------------------------------------- */

static void test_idle_and_absolute(void **state)
{
    (void)state;
    const char *token = log_in("", "anna");
    for (int h = 1; h <= 3; h++) {           /* used every 100 minutes: stays */
        clock_set_offset_us(h * 100 * MINUTE);
        expect(200, "GET", WHO, bearer_of(token), NULL);
    }
    clock_set_offset_us(300 * MINUTE + 121 * MINUTE);
    expect(401, "GET", WHO, bearer_of(token), NULL);
    clock_set_offset_us(0);
    token = log_in("", "anna");
    for (int64_t at = 0; at < 168 * HOUR; at += 90 * MINUTE) {
        clock_set_offset_us(at);
        assert_string_equal(kind(WHO, bearer_of(token)), "staff");
    }
    clock_set_offset_us(168 * HOUR + SECOND);
    expect(401, "GET", WHO, bearer_of(token), NULL);
    log_in("", "anna");                      /* sweeps what is over */
    assert_true(house_i64(ALPHA, "SELECT COUNT(*) FROM core_session WHERE expires_at <"
                                 " NOW() + INTERVAL 7 DAY") == 0);
}

static void test_last_seen_is_written_seldom(void **state)
{
    (void)state;
    house_sql(ALPHA, "DELETE FROM core_session");
    const char *token = log_in("", "anna");
    int64_t from = house_i64(ALPHA, "SELECT UNIX_TIMESTAMP(last_seen) FROM core_session");
    auth_forget(house.alpha);
    clock_set_offset_us(50 * SECOND);
    expect(200, "GET", WHO, bearer_of(token), NULL);
    assert_int_equal(house_i64(ALPHA, "SELECT UNIX_TIMESTAMP(last_seen) FROM core_session"), from);
    auth_forget(house.alpha);
    clock_set_offset_us(70 * SECOND);
    expect(200, "GET", WHO, bearer_of(token), NULL);
    int64_t to = house_i64(ALPHA, "SELECT UNIX_TIMESTAMP(last_seen) FROM core_session");
    assert_true(to >= from + 69);
}

static void test_suspended(void **state)
{
    (void)state;
    house_staff(house.alpha, "dora", "13800138004", NULL);
    const char *token = log_in("", "dora");
    expect(200, "GET", WHO, bearer_of(token), NULL);
    house_sql(ALPHA, "UPDATE core_staff SET state = 'suspended' WHERE login = 'dora'");
    auth_forget(house.alpha);
    expect(401, "GET", WHO, bearer_of(token), NULL);
    assert_string_equal(log_in("", "dora"), "");
    house_sql(ALPHA, "UPDATE core_staff SET state = 'active', deleted_at = NOW(), live = NULL"
                     " WHERE login = 'dora'");
    assert_string_equal(log_in("", "dora"), "");
}

static void test_password_change(void **state)
{
    (void)state;
    house_staff(house.alpha, "emil", "13800138005", NULL);
    const char *mine = log_in("", "emil"), *other = log_in("", "emil");
    expect(200, "GET", WHO, bearer_of(other), NULL);
    const char *path = "/api/auth/password";
    expect(401, "POST", path, "", "{\"old\":\"" PASSWORD "\",\"new\":\"Brook8pebble1\"}");
    struct reply r = ask("POST", path, bearer_of(mine),
                         "{\"old\":\"River7stone8\",\"new\":\"Brook8pebble1\"}");
    assert_int_equal(r.status, 422);
    assert_true(has(r.body, "\"old\":"));
    reply_free(&r);
    r = ask("POST", path, bearer_of(mine), "{\"old\":\"" PASSWORD "\",\"new\":\"weak\"}");
    assert_int_equal(r.status, 422);
    assert_true(has(r.body, "\"new\":"));
    reply_free(&r);
    expect(422, "POST", path, bearer_of(mine), "{\"new\":\"Brook8pebble1\"}");
    expect(422, "POST", path, bearer_of(mine),
           "{\"old\":\"" PASSWORD "\",\"new\":\"" PASSWORD "\"}");
    expect(422, "POST", path, bearer_of(mine),
           "{\"old\":\"" PASSWORD "\",\"new\":\"Emil-8pebble1\"}");
    expect(204, "POST", path, bearer_of(mine),
           "{\"old\":\"" PASSWORD "\",\"new\":\"Brook8pebble1\"}");
    expect(200, "GET", WHO, bearer_of(mine), NULL);
    expect(401, "GET", WHO, bearer_of(other), NULL);
    assert_string_equal(log_in("", "emil"), "");
    expect(200, "POST", LOGIN, "", "{\"login\":\"emil\",\"password\":\"Brook8pebble1\"}");
}

static void test_password_reset(void **state)
{
    (void)state;
    house_staff(house.alpha, "fred", "13800138006", NULL);
    const char *fred = log_in("", "fred"), *anna = log_in("", "anna");
    char path[96], body[160];
    snprintf(path, sizeof path, "/api/auth/staff/%lld/password",
             (long long)house_i64(ALPHA, "SELECT id FROM core_staff WHERE login = 'fred'"));
    expect(401, "POST", path, "", NULL);
    expect(403, "POST", path, bearer_of(fred), NULL);
    expect(422, "POST", path, bearer_of(anna), "{\"password\":\"weak\"}");
    expect(404, "POST", "/api/auth/staff/1/password", bearer_of(anna), NULL);
    expect(404, "POST", "/api/auth/staff/x/password", bearer_of(anna), NULL);
    struct reply r = ask("POST", path, bearer_of(anna), NULL);
    assert_int_equal(r.status, 200);
    snprintf(body, sizeof body, "{\"login\":\"fred\",\"password\":\"%s\"}", member(&r, "password"));
    reply_free(&r);
    expect(401, "GET", WHO, bearer_of(fred), NULL);
    expect(200, "POST", LOGIN, "", body);
}

/* A hash made with weaker parameters is replaced at the next log-in. */
static void test_hash_is_renewed(void **state)
{
    (void)state;
    house_staff(house.alpha, "gina", "13800138007", NULL);
    house_sql(ALPHA,
              "UPDATE core_staff_secret SET password_hash = '" WEAK_HASH "' WHERE staff ="
              " (SELECT id FROM core_staff WHERE login = 'gina')");
    assert_int_equal(strlen(log_in("", "gina")), 43);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_staff_secret WHERE password_hash"
                                      " LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'"
                                      " AND staff = (SELECT id FROM core_staff WHERE"
                                      " login = 'gina')"), 1);
    assert_int_equal(strlen(log_in("", "gina")), 43);
}

/* ---- roles and departments --------------------------------------------------------------- */

static void test_rights(void **state)
{
    (void)state;
    house_sql(ALPHA, "INSERT INTO core_role (id, created_at, updated_at, version, code, name,"
                     " grants) VALUES (77, NOW(), NOW(), 1, 'polls', 'x',"
                     " '{\"vote.poll\":{\"read\":[\"all\"]}}')");
    house_sql(ALPHA, "INSERT INTO core_dept (id, created_at, updated_at, version, name, parent)"
                     " VALUES (1, NOW(), NOW(), 1, 'a', NULL), (2, NOW(), NOW(), 1, 'b', 1),"
                     " (3, NOW(), NOW(), 1, 'c', 2), (4, NOW(), NOW(), 1, 'd', 1),"
                     " (5, NOW(), NOW(), 1, 'e', NULL)");
    house_sql(ALPHA, "INSERT INTO core_dept_tree (ancestor, descendant, depth) VALUES (1, 1, 0),"
                     " (1, 2, 1), (1, 3, 2), (1, 4, 1), (2, 2, 0), (2, 3, 1), (3, 3, 0), (4, 4, 0),"
                     " (5, 5, 0)");
    house_staff(house.alpha, "hans", "13800138008", "polls");
    house_sql(ALPHA, "UPDATE core_staff SET department = 1 WHERE login = 'hans'");
    const char *token = log_in("", "hans");
    struct reply r = ask("GET", WHO, bearer_of(token), NULL);
    assert_true(has(r.body, "\"may_read_polls\":true") && has(r.body, "\"admin\":false"));
    assert_true(has(r.body, "\"depts\":4"));
    reply_free(&r);
    house_sql(ALPHA, "UPDATE core_role SET grants = '{}' WHERE id = 77");
    auth_forget(house.alpha);
    r = ask("GET", WHO, bearer_of(token), NULL);
    assert_true(has(r.body, "\"may_read_polls\":false"));
    reply_free(&r);
}

/* ---- many readers, one that forgets and one that logs out -------------------------------- */

static atomic_bool stop;

static void *read_on(void *arg)
{
    while (!atomic_load(&stop)) {
        const char *k = kind(WHO, bearer_of(arg));
        assert_true(strcmp(k, "staff") == 0);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    char token[44];
    snprintf(token, sizeof token, "%s", log_in("", "anna"));
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, read_on, token);
    for (int i = 0; i < 20; i++) {
        auth_forget(house.alpha);
        const char *other = log_in("", "anna");
        expect(204, "POST", "/api/auth/logout", bearer_of(other), NULL);
        expect(401, "GET", WHO, bearer_of(other), NULL);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
}

/* What went on above is in the log, in one chain, without a secret. */
static void test_log(void **state)
{
    (void)state;
    struct auth_audit_report r;
    usleep(500000);
    OK(auth_audit_verify(house.alpha, &r, &e));
    assert_int_equal(r.bad, 0);
    const char *want[] = {"action = 'login' AND ok AND who_kind = 'staff' AND who_name = 'Anna'",
                          "action = 'login' AND NOT ok AND who_kind = 'anon'",
                          "action = 'login' AND NOT ok AND who_kind = 'staff'",
                          "action = 'logout'", "action = 'password' AND ok",
                          "action = 'password_reset' AND target LIKE 'core.staff/%'"};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM core_audit WHERE address = '127.0.0.1'"
                                  " AND %s", want[i]);
        if (house_i64(ALPHA, sql) < 1) fail_msg("no line: %s", want[i]);
    }
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_audit WHERE detail LIKE"
                                      " '%stone%' OR target LIKE '%stone%'"), 0);
}

#define T(name) cmocka_unit_test_setup(name, house_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_login), T(test_tenant_path), T(test_bad_bodies),
        T(test_token_is_nothing_elsewhere), T(test_logout), T(test_logout_on_another_node),
        T(test_unknown_is_like_wrong), T(test_lockout), T(test_lockout_of_nobody),
        T(test_lockout_of_an_address), T(test_burst), T(test_csrf), T(test_idle_and_absolute),
        T(test_last_seen_is_written_seldom), T(test_suspended), T(test_password_change),
        T(test_password_reset), T(test_hash_is_renewed), T(test_rights), T(test_threads), T(test_log),
    };
    return cmocka_run_group_tests(tests, house_setup, house_teardown);
}
