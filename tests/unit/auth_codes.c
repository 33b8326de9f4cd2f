/* auth over HTTP: one-time codes, members of the public, devices. */
#include "auth_fixture.h"

static struct err e;

/* ---- codes ------------------------------------------------------------------------------- */

static void ask_code(const char *phone, const char *purpose)
{
    char body[128];
    snprintf(body, sizeof body, "{\"phone\":\"%s\",\"purpose\":\"%s\"}", phone, purpose);
    expect(202, "POST", "/api/auth/code", "", body);
}

static struct reply member_login(const char *phone, const char *code)
{
    char body[128];
    snprintf(body, sizeof body, "{\"phone\":\"%s\",\"code\":\"%s\"}", phone, code);
    return ask("POST", "/api/auth/member/login", "", body);
}

static int member_status(const char *phone, const char *code)
{
    struct reply r = member_login(phone, code);
    int status = r.status;
    reply_free(&r);
    return status;
}

static const char *another(const char *code)
{
    static char out[8];
    snprintf(out, sizeof out, "%s", code);
    out[5] = out[5] == '0' ? '1' : '0';
    return out;
}

static void test_member(void **state)
{
    (void)state;
    const char *phone = "13900139001";
    ask_code(phone, "member");
    const char *code = code_for(phone);
    assert_non_null(code);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_outbox WHERE recipient ="
                                      " '13900139001'"), 1);
    assert_int_equal(member_status(phone, another(code)), 401);
    assert_int_equal(member_status("13900139002", code), 401);
    struct reply r = member_login("+86 139-0013-9001", code);
    assert_int_equal(r.status, 200);
    assert_true(has(r.head, "atrium_m="));
    const char *token = member(&r, "token");
    assert_string_equal(member(&r, "name"), "139****9001");
    reply_free(&r);
    assert_int_equal(member_status(phone, code), 401);   /* once */
    assert_string_equal(kind(WHO, bearer_of(token)), "member");
    assert_string_equal(kind("/api/test/public/who", cookie_of("atrium_m", token)), "member");

    /* a browser that is both: by the path */
    char both[256];
    snprintf(both, sizeof both, "Cookie: atrium_m=%s; atrium_s=%s\r\n", token, log_in("", "anna"));
    assert_string_equal(kind("/api/test/public/who", both), "member");
    assert_string_equal(kind(WHO, both), "staff");
    assert_string_equal(kind("/api/core/session", both), "staff");
    assert_string_equal(kind("/api/auth/member/session", both), "member");
    strcat(both, "Origin: http://localhost\r\n");
    expect(204, "POST", "/api/auth/member/logout", both, NULL);
    assert_string_equal(kind(WHO, both), "staff");
    assert_string_equal(kind("/api/auth/member/session", both), "staff");
    expect(401, "GET", WHO, bearer_of(token), NULL);

    clock_set_offset_us(61 * SECOND);
    ask_code(phone, "member");               /* again: the same person */
    for (int i = 0; i < 500 && codes_for(phone) < 2; i++) usleep(10000);
    assert_int_equal(member_status(phone, code_for(phone)), 200);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_member"), 1);
    house_sql(ALPHA, "UPDATE core_member SET state = 'blocked'");
    clock_set_offset_us(122 * SECOND);
    ask_code(phone, "member");
    for (int i = 0; i < 500 && codes_for(phone) < 3; i++) usleep(10000);
    assert_int_equal(member_status(phone, code_for(phone)), 403);
}

static void test_code_limits(void **state)
{
    (void)state;
    const char *phone = "13900139010";
    ask_code(phone, "member");
    const char *code = code_for(phone);
    ask_code(phone, "member");               /* too soon: 202, and nothing is sent */
    usleep(300000);
    assert_int_equal(codes_for(phone), 1);
    for (int i = 0; i < 5; i++) assert_int_equal(member_status(phone, another(code)), 401);
    assert_int_equal(member_status(phone, code), 401);   /* five tries are used up */

    phone = "13900139011";
    ask_code(phone, "member");
    code = code_for(phone);
    clock_set_offset_us(5 * MINUTE + SECOND);
    assert_int_equal(member_status(phone, code), 401);   /* too old */

    phone = "13900139012";                   /* asking again makes the first void */
    ask_code(phone, "member");
    char first[8];
    snprintf(first, sizeof first, "%s", code_for(phone));
    clock_set_offset_us(7 * MINUTE);
    ask_code(phone, "member");
    for (int i = 0; i < 500 && codes_for(phone) < 2; i++) usleep(10000);
    if (strcmp(first, code_for(phone)) != 0) assert_int_equal(member_status(phone, first), 401);
    assert_int_equal(member_status(phone, code_for(phone)), 200);

    phone = "13900139013";
    for (int i = 0; i < 12; i++) {           /* ten a day */
        clock_set_offset_us(HOUR + i * 61 * SECOND);
        ask_code(phone, "member");
    }
    usleep(300000);
    assert_int_equal(codes_for(phone), 10);
}

static void test_code_of_staff(void **state)
{
    (void)state;
    clock_set_offset_us(3 * HOUR);
    struct reply known = ask("POST", "/api/auth/code", "",
                             "{\"phone\":\"13800138000\",\"purpose\":\"staff\"}");
    struct reply unknown = ask("POST", "/api/auth/code", "",
                               "{\"phone\":\"13900139020\",\"purpose\":\"staff\"}");
    assert_int_equal(known.status, 202);
    assert_int_equal(unknown.status, 202);
    assert_string_equal(known.body, unknown.body);
    reply_free(&known);
    reply_free(&unknown);
    const char *code = code_for("13800138000");
    assert_non_null(code);
    assert_int_equal(codes_for("13900139020"), 0);
    assert_int_equal(member_status("13800138000", code), 401);   /* of another purpose */
    char body[96];
    snprintf(body, sizeof body, "{\"phone\":\"13800138000\",\"code\":\"%s\"}", code);
    struct reply r = ask("POST", LOGIN, "", body);
    assert_int_equal(r.status, 200);
    assert_string_equal(kind(WHO, bearer_of(member(&r, "token"))), "staff");
    reply_free(&r);
    expect(422, "POST", "/api/auth/code", "", "{\"phone\":\"12\",\"purpose\":\"staff\"}");
    expect(422, "POST", "/api/auth/code", "", "{\"phone\":\"13800138000\",\"purpose\":\"x\"}");
    expect(422, "POST", "/api/auth/code", "", "{\"phone\":\"13800138000\"}");
}

/* Two requests at once send one code. */
static void *ask_at_once(void *arg)
{
    (void)arg;
    ask_code("13900139030", "member");
    return NULL;
}

static void test_code_at_once(void **state)
{
    (void)state;
    clock_set_offset_us(5 * HOUR);
    pthread_t t[6];
    for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, ask_at_once, NULL);
    for (int i = 0; i < 6; i++) pthread_join(t[i], NULL);
    assert_non_null(code_for("13900139030"));
    usleep(200000);
    assert_int_equal(codes_for("13900139030"), 1);
}

/* ---- devices ----------------------------------------------------------------------------- */

static void test_device(void **state)
{
    (void)state;
    struct reply r = ask("GET", "/api/test/public/device", "", NULL);
    const char *id = member(&r, "device");
    assert_int_equal(strlen(id), 22);
    const char *at = strstr(r.head, "atrium_d=");
    assert_non_null(at);
    assert_null(strstr(at + 1, "atrium_d="));            /* once, though asked twice */
    assert_true(has(at, "HttpOnly"));
    char cookie[96];
    snprintf(cookie, sizeof cookie, "%.*s", (int)strcspn(at + 9, ";"), at + 9);
    reply_free(&r);
    r = ask("GET", "/api/test/public/device", cookie_of("atrium_d", cookie), NULL);
    assert_string_equal(member(&r, "device"), id);
    assert_false(has(r.head, "atrium_d="));
    reply_free(&r);
    r = ask("GET", "/api/test/public/who", cookie_of("atrium_d", cookie), NULL);
    assert_string_equal(member(&r, "device"), id);
    reply_free(&r);
    r = ask("GET", "/t/beta/api/test/public/who", cookie_of("atrium_d", cookie), NULL);
    assert_string_equal(member(&r, "device"), "");       /* another tenant's signature */
    reply_free(&r);
    cookie[0] = cookie[0] == 'A' ? 'B' : 'A';
    r = ask("GET", "/api/test/public/device", cookie_of("atrium_d", cookie), NULL);
    assert_string_not_equal(member(&r, "device"), id);
    assert_true(has(r.head, "atrium_d="));
    reply_free(&r);
}

/* ---- a provider ----------------------------------------------------------------------------- */

struct sent { atomic_int n; pthread_t thread; char phone[24], code[8]; };

static int send_code(void *arg, struct auth_tenant *t, sv phone, sv purpose, sv code, sv text,
                     struct err *err)
{
    struct sent *s = arg;
    (void)t;
    (void)purpose;
    (void)err;
    assert_true(text.n > code.n);
    snprintf(s->phone, sizeof s->phone, "%.*s", SVARG(phone));
    snprintf(s->code, sizeof s->code, "%.*s", SVARG(code));
    s->thread = pthread_self();
    atomic_fetch_add(&s->n, 1);
    return 0;
}

static void request(struct tenant *t, struct store_conn *c, const char *phone)
{
    struct code_ask k = {sv_of(phone), SV("staff"), SV("192.0.2.1"), "zh"};
    struct code_job *job;
    int64_t wait;
    OK(code_request(t, c, &k, &job, &wait, &e));
    OK(code_deliver(job, &e));
    assert_int_equal(wait, 60);
}

/* Its call happens elsewhere, so that the answer's time does not tell who is known. */
static void test_provider(void **state)
{
    (void)state;
    clock_set_offset_us(8 * HOUR);
    struct auth *a = house_second_auth();
    struct sent sent = {0};
    auth_set_delivery(a, &(struct auth_delivery){.arg = &sent, .send = send_code});
    struct tenant *t = tenant_full(auth_tenant_by_slug(a, SV("alpha")));
    struct store_conn *c;
    OK(store_get(t->pub.db, &c, &e));
    request(t, c, "13900139040");            /* nobody's */
    request(t, c, "13800138000");
    for (int i = 0; i < 500 && !atomic_load(&sent.n); i++) usleep(10000);
    assert_int_equal(atomic_load(&sent.n), 1);
    assert_string_equal(sent.phone, "13800138000");
    assert_false(pthread_equal(sent.thread, pthread_self()));
    OK(code_use(t, c, SV("13800138000"), SV("staff"), sv_of(sent.code), &e));
    store_put(c);
    auth_stop(a);
}

#define T(name) cmocka_unit_test_setup(name, house_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_member),       T(test_code_limits), T(test_code_of_staff),
        T(test_code_at_once), T(test_provider),    T(test_device),
    };
    return cmocka_run_group_tests(tests, house_setup, house_teardown);
}
