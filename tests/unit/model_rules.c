/* The model's pure parts: validation, filters, scopes, rich text, cursors. */
#include "model_fake.h"

static struct fake fake;

static json_t *json_of(struct arena *a, const char *text)
{
    struct err e = {0};
    json_t *v = NULL;
    if (json_parse(a, sv_of(text), &v, &e) < 0) fail_msg("bad JSON in the test: %s", text);
    return v;
}

static const char *complaint(const struct err *e, const char *field)
{
    for (unsigned i = 0; i < e->n_fields; i++)
        if (strcmp(e->fields[i].field, field) == 0) return e->fields[i].code;
    return NULL;
}

/* ---- validation ------------------------------------------------------------------- */

#define GOOD_POLL                                                                                  \
    "\"name\":\"n\",\"title\":\"t\",\"starts_at\":\"2026-01-01T00:00:00Z\","                       \
    "\"ends_at\":\"2026-01-02T00:00:00Z\",\"options\":[{\"title\":\"a\"},{\"title\":\"b\"}]"

static void expect(const char *body, bool create, const char *field, const char *code)
{
    struct arena *a = arena_new(0);
    struct err e = {0};
    int rc = model_validate(fake.poll->mf, json_of(a, body), create, &e);
    const char *got = field ? complaint(&e, field) : NULL;
    if (!field && rc != 0) fail_msg("%s: %s %s", body, e.fields[0].field, e.fields[0].code);
    if (field && (rc == 0 || e.status != 422)) fail_msg("%s: passed", body);
    if (field && (!got || strcmp(got, code) != 0))
        fail_msg("%s: %s is %s, not %s (first: %s %s)", body, field, got ? got : "fine", code,
                 e.fields[0].field, e.fields[0].code);
    arena_free(a);
}

static void test_validate_create(void **state)
{
    (void)state;
    expect("{" GOOD_POLL "}", true, NULL, NULL);
    expect("{}", true, "name", "required");
    expect("{}", true, "options", "required");
    expect("{\"name\":\"  \"}", true, "name", "required");
    expect("{\"name\":5}", true, "name", "not_string");
    expect("{\"nome\":\"x\"}", true, "nome", "unknown_field");
    expect("{\"id\":\"1\"}", true, "id", "read_only");
    expect("{\"state\":\"published\"}", true, "state", "read_only");
    expect("{\"version\":3}", true, "version", "read_only");
    expect("{\"ballots\":9}", true, "ballots", "read_only");
    expect("{\"choice\":\"both\"}", true, "choice", "not_in_options");
    expect("{\"max_choices\":0}", true, "max_choices", "too_small");
    expect("{\"max_choices\":101}", true, "max_choices", "too_large_value");
    expect("{\"max_choices\":1.5}", true, "max_choices", "not_integer");
    expect("{\"login_required\":\"yes\"}", true, "login_required", "not_boolean");
    expect("{\"starts_at\":\"tomorrow\"}", true, "starts_at", "not_time");
    expect("{\"cover\":\"-4\"}", true, "cover", "not_id");
    expect("{\"cover\":12}", true, "cover", "not_id");
    expect("{\"owner\":\"x\"}", true, "owner", "not_id");
    expect("{\"name\":\"a\\nb\"}", true, "name", "pattern_mismatch");
}

static void test_validate_too_long(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP;
    buf_str(&b, "{\"name\":\"");
    for (int i = 0; i < 60; i++)
        buf_str(&b, "年");
    size_t at = b.n;
    buf_str(&b, "\"}");
    buf_chr(&b, '\0');
    expect(b.p, false, NULL, NULL); /* 60 characters, not bytes */
    b.n = at;
    buf_str(&b, "x\"}");
    buf_chr(&b, '\0');
    expect(b.p, false, "name", "too_long");
    buf_free(&b);
}

static void test_validate_between_fields(void **state)
{
    (void)state;
    expect("{\"starts_at\":\"2026-01-02T00:00:00Z\",\"ends_at\":\"2026-01-01T00:00:00Z\"}", false,
           "ends_at", "end_before_start");
    /* the same moment, written in another zone */
    expect("{\"starts_at\":\"2026-01-02T08:00:00+08:00\",\"ends_at\":\"2026-01-02T00:00:00Z\"}",
           false, "ends_at", "end_before_start");
}

static void test_validate_children(void **state)
{
    (void)state;
    expect("{\"options\":{}}", false, "options", "not_array");
    expect("{\"options\":[]}", false, "options", "required");
    expect("{\"options\":[{\"title\":\"a\"}]}", false, "options", "too_few_items");
    expect("{\"options\":[{\"title\":\"a\"},{}]}", false, "options.1.title", "required");
    expect("{\"options\":[{\"title\":\"a\"},3]}", false, "options.1", "not_object");
    expect("{\"options\":[{\"title\":\"a\"},{\"title\":\"b\",\"x\":1}]}", false, "options.1.x",
           "unknown_field");
    expect("{\"options\":[{\"title\":\"a\"},{\"title\":\"b\",\"count\":7}]}", false,
           "options.1.count", "read_only");
    expect("{\"options\":[{\"title\":\"a\"},{\"title\":\"b\",\"position\":7}]}", false,
           "options.1.position", "unknown_field");
    expect("{\"options\":[{\"title\":\"a\",\"poll\":\"1\"},{\"title\":\"b\"}]}", false,
           "options.0.poll", "read_only");
    expect("{\"options\":[{\"title\":\"a\",\"id\":1},{\"title\":\"b\"}]}", false, "options.0.id",
           "not_id");
    /* a row that is there already keeps what it leaves out */
    expect("{\"options\":[{\"id\":\"1\"},{\"id\":\"2\",\"title\":null}]}", false, "options.1.title",
           "required");
}

static void test_validate_update(void **state)
{
    (void)state;
    expect("{}", false, NULL, NULL);
    expect("{\"title\":\"\"}", false, "title", "required");
    expect("{\"title\":null}", false, "title", "required");
    expect("{\"intro\":null}", false, NULL, NULL);
    expect("{\"choice\":null}", false, NULL, NULL); /* back to its default */
}

static bool type_ok(enum mf_type type, const char *json)
{
    struct arena *a = arena_new(0);
    struct err e = {0};
    static struct mf_option options[] = {{.code = "a"}, {.code = "b"}};
    struct mf_field f = {.name = "f", .type = type, .options = options, .n_options = 2};
    bool ok = value_check(&f, json_of(a, json), "f", &e) == 0;
    arena_free(a);
    return ok;
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        enum mf_type type;
        const char *json;
        bool ok;
    } cases[] = {
        {MF_PHONE, "\"13912345678\"", true},
        {MF_PHONE, "\"+8613912345678\"", true},
        {MF_PHONE, "\"12912345678\"", false},
        {MF_PHONE, "\"139123456789\"", false},
        {MF_PHONE, "\"+0123456789\"", false},
        {MF_PHONE, "\"139 1234 5678\"", true}, /* kept without the blanks */
        {MF_PHONE, "\"139 1234 567\"", false},
        {MF_EMAIL, "\"a@b.cn\"", true},
        {MF_EMAIL, "\"a@b\"", false},
        {MF_EMAIL, "\"@b.cn\"", false},
        {MF_EMAIL, "\"a@b..cn\"", false},
        {MF_EMAIL, "\"a@b@c.cn\"", false},
        {MF_EMAIL, "\"a b@c.cn\"", false},
        {MF_EMAIL, "\"张@例子.中国\"", true},
        {MF_LINK, "\"https://a.cn/x?y=1\"", true},
        {MF_LINK, "\"javascript:alert(1)\"", false},
        {MF_LINK, "\"https://\"", false},
        {MF_LINK, "\"http:///x\"", false},
        {MF_LINK, "\"https://a b\"", false},
        {MF_LINK, "\"ftp://a.cn\"", false},
        {MF_COLOR, "\"#1a2B3c\"", true},
        {MF_COLOR, "\"#12345\"", false},
        {MF_COLOR, "\"#12345g\"", false},
        {MF_DATE, "\"2024-02-29\"", true},
        {MF_DATE, "\"2023-02-29\"", false},
        {MF_DATE, "\"2023-13-01\"", false},
        {MF_DATE, "\"2023-1-1\"", false},
        {MF_DATE, "\"1900-02-29\"", false},
        {MF_DATETIME, "\"2026-01-01T00:00:00+08:00\"", true},
        {MF_DATETIME, "\"2026-01-01\"", false},
        {MF_DATETIME, "\"0001-01-01T00:00:00Z\"", false},
        {MF_INT, "9007199254740991", true},
        {MF_INT, "9007199254740992", false},
        {MF_INT, "\"5\"", false},
        {MF_INT, "5.0", false},
        {MF_PERCENT, "2147483648", false},
        {MF_MONEY, "-100", true},
        {MF_BOOL, "1", false},
        {MF_MULTI_ENUM, "[\"a\",\"b\"]", true},
        {MF_MULTI_ENUM, "[\"a\",\"a\"]", false},
        {MF_MULTI_ENUM, "[\"c\"]", false},
        {MF_MULTI_ENUM, "\"a\"", false},
        {MF_ENUM, "\"a\"", true},
        {MF_ENUM, "\"A\"", false},
        {MF_JSON, "{\"x\":[1]}", true},
        {MF_REF, "\"9223372036854775807\"", true},
        {MF_REF, "\"9223372036854775808\"", false},
        {MF_REF, "\"0\"", false},
        {MF_REF, "\"1x\"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (type_ok(cases[i].type, cases[i].json) != cases[i].ok)
            fail_msg("%s as %s", cases[i].json, mf_type_names[cases[i].type]);
}

static void test_rules(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    json_t *row = json_of(a, "{\"x\":\"a\",\"n\":3,\"list\":[],\"void\":null}");
    assert_true(rule_holds(SV("[\"==\",\"x\",\"a\"]"), row));
    assert_false(rule_holds(SV("[\"!=\",\"x\",\"a\"]"), row));
    assert_true(rule_holds(SV("[\"in\",\"n\",[1,3]]"), row));
    assert_false(rule_holds(SV("[\"filled\",\"list\"]"), row));
    assert_true(rule_holds(SV("[\"==\",\"missing\",null]"), row));
    assert_true(rule_holds(SV("[\"and\",[\"==\",\"n\",3],[\"not\",[\"filled\",\"void\"]]]"), row));
    assert_true(rule_holds(SV("[\"or\",[\"==\",\"n\",4],[\"==\",\"n\",3]]"), row));
    assert_false(rule_holds(SV("[\"bogus\"]"), row));
    arena_free(a);
}

/* ---- filters and scopes ----------------------------------------------------------- */

static const struct auth_principal somebody = {
    .kind = AUTH_STAFF, .id = 7, .dept = 3, .depts = (const int64_t[]){3, 4, 5}, .n_depts = 3};

static void compiles(const struct model_resource *r, const char *text, bool scope, const char *want,
                     unsigned n_args)
{
    struct arena *a = arena_new(0);
    struct err e = {0};
    struct cond *c = NULL;
    struct frag f;
    struct sql s;
    if (cond_parse(r, a, sv_of(text), scope, &c, &e) < 0 || cond_compile(c, a, &f, &e) < 0)
        fail_msg("%s: %s %s", text, e.code, e.args[0] ? e.args[0] : "");
    sql_start(&s, a);
    frag_render(&f, &somebody, &s);
    if (!sv_eqs(buf_view(&s.text), want) || s.n != n_args)
        fail_msg("%s:\n  %.*s (%u)\n  %s (%u)", text, SVARG(buf_view(&s.text)), s.n, want, n_args);
    arena_free(a);
}

static void refused(const char *text, bool scope)
{
    struct arena *a = arena_new(0);
    struct err e = {0};
    struct cond *c = NULL;
    struct frag f;
    if (cond_parse(fake.poll, a, sv_of(text), scope, &c, &e) == 0 &&
        cond_compile(c, a, &f, &e) == 0)
        fail_msg("\"%s\" passed", text);
    assert_int_equal(e.status, 400);
    assert_string_equal(e.code, "bad_filter");
    arena_free(a);
}

static void test_filter(void **state)
{
    (void)state;
    const struct model_resource *r = fake.poll;
    compiles(r, "state = \"draft\"", false, "`state`=?", 1);
    compiles(r, "state=draft", false, "`state`=?", 1);
    compiles(r, "state != draft", false, "(`state`<>? OR `state` IS NULL)", 1);
    compiles(r, "cover null and intro !null", false, "(`cover` IS NULL AND `intro` IS NOT NULL)",
             0);
    compiles(r, "state in (draft, \"closed\", published)", false, "`state` IN (?,?,?,?)", 4);
    compiles(r, "limit_person between (1,5)", false, "`limit_person` BETWEEN ? AND ?", 2);
    compiles(r, "name ~ \"50%\"", false, "`name` LIKE ? ESCAPE '|'", 1);
    compiles(r, "state = \"published\" and (created_at > 2026-01-01T00:00:00Z or name ~ \"年\")",
             false, "(`state`=? AND (`created_at`>? OR `name` LIKE ? ESCAPE '|'))", 3);
    /* `and` binds closer than `or` */
    compiles(r, "name = a or name = b and name = c", false, "(`name`=? OR (`name`=? AND `name`=?))",
             3);
    compiles(r, "name = \"say \\\"hi\\\"\"", false, "`name`=?", 1);
    compiles(r, "login_required = true", false, "`login_required`=?", 1);
}

static void test_filter_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "name",
                                      "name =",
                                      "= a",
                                      "nome = a",
                                      "name == a",
                                      "name = a or",
                                      "(name = a",
                                      "name = a)",
                                      "name = \"open",
                                      "name in a",
                                      "name in (a",
                                      "name in ()",
                                      "name between (a)",
                                      "name between (a,b,c)",
                                      "limit_person = ten",
                                      "starts_at > yesteryear",
                                      "state = lost",
                                      "login_required = 1",
                                      "name = $user",
                                      "owner = $me",
                                      "name ! a",
                                      "limit_person ~ 1",
                                      "name = a name = b",
                                      "name ; drop table",
                                      "name = a -- ",
                                      "options = 1",
                                      "owner = 99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i], false);
    struct buf b = BUF_HEAP;
    for (int i = 0; i < 40; i++)
        buf_chr(&b, '(');
    buf_str(&b, "name = a");
    buf_chr(&b, '\0');
    refused(b.p, false);
    buf_clear(&b);
    for (int i = 0; i < 100; i++)
        buf_str(&b, i ? " or name = a" : "name = a");
    buf_chr(&b, '\0');
    refused(b.p, false);
    buf_free(&b);
}

/* Values never become text of the statement, whatever they hold. */
static void test_filter_binds(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct err e = {0};
    struct cond *c;
    struct frag f;
    assert_int_equal(cond_parse(fake.poll, a, SV("name = \"' or 1=1 -- ?\""), false, &c, &e), 0);
    assert_int_equal(cond_compile(c, a, &f, &e), 0);
    assert_true(sv_eqs(f.text, "`name`=?"));
    assert_true(sv_eqs(f.args[0].v.u.s, "' or 1=1 -- ?"));
    assert_int_equal(cond_parse(fake.poll, a, SV("name ~ \"a%_|b\""), false, &c, &e), 0);
    assert_int_equal(cond_compile(c, a, &f, &e), 0);
    assert_true(sv_eqs(f.args[0].v.u.s, "%a|%|_||b%"));
    arena_free(a);
}

static void test_scope(void **state)
{
    (void)state;
    compiles(fake.poll, "owner == $user", true, "`owner`=?", 1);
    compiles(fake.poll, "dept in $user.depts", true, "`dept` IN (?,?,?,?)", 4);
    compiles(fake.poll, "dept == $user.dept or owner == $user", true, "(`dept`=? OR `owner`=?)", 2);
    compiles(fake.poll, "state == \"draft\" and dept in $user.dept_tree", true,
             "(`state`=? AND `dept` IN (?,?,?,?))", 5);
    refused("name == $user", true);
    refused("dept == $user.depts", true);
    refused("owner == $me", true);
    refused("name in $user.depts", true);
}

static void test_scope_of_nobody(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct err e = {0};
    struct cond *c;
    struct frag f;
    struct sql s;
    const struct auth_principal member = {.kind = AUTH_MEMBER, .id = 7};
    assert_int_equal(
        cond_parse(fake.poll, a, SV("owner == $user or dept in $user.depts"), true, &c, &e), 0);
    assert_int_equal(cond_compile(c, a, &f, &e), 0);
    sql_start(&s, a);
    frag_render(&f, &member, &s); /* a member's id must not pass for a staff id */
    assert_int_equal(s.n, 2);
    assert_int_equal(s.args[0].u.i, 0);
    assert_int_equal(s.args[1].u.i, 0);
    arena_free(a);
}

/* ---- rich text -------------------------------------------------------------------- */

static void cleans(const char *in, const char *want)
{
    struct buf b = BUF_HEAP;
    sanitise_html(sv_of(in), &b);
    if (!sv_eqs(buf_view(&b), want)) fail_msg("%s\n  %.*s\n  %s", in, SVARG(buf_view(&b)), want);
    /* What is clean stays as it is. */
    struct buf again = BUF_HEAP;
    sanitise_html(buf_view(&b), &again);
    if (!sv_eq(buf_view(&b), buf_view(&again)))
        fail_msg("second pass:\n  %.*s\n  %.*s", SVARG(buf_view(&b)), SVARG(buf_view(&again)));
    buf_free(&again);
    buf_free(&b);
}

static void test_sanitise(void **state)
{
    (void)state;
    cleans("", "");
    cleans("<p>你好 <b>世界</b></p>", "<p>你好 <b>世界</b></p>");
    cleans("<P>a<BR/>b", "<p>a<br>b</p>");
    cleans("1 < 2 & 3 &lt; 4", "1 &lt; 2 &amp; 3 &lt; 4");
    cleans("<b><i>x</b>y</i>", "<b><i>x</i></b>y");
    cleans("</p>x", "x");
    cleans("<script>alert(1)</script>x", "x");
    cleans("<SCRIPT SRC=//evil.example/x></ScRiPt >x", "x");
    cleans("<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)");
    cleans("<style>*{}</style><svg><script>1</script></svg>y", "y");
    cleans("<img src=x onerror=alert(1)>", "<img src=\"x\">");
    cleans("<img src='x' alt='\"><script>'>", "<img src=\"x\" alt=\"&quot;&gt;&lt;script&gt;\">");
    cleans("<a href=\"javascript:alert(1)\">x</a>", "<a>x</a>");
    cleans("<a href=\"jAvAsCrIpT&#58;alert(1)\">x</a>", "<a>x</a>");
    cleans("<a href=\" &#x6a;avascript&colon;alert(1)\">x</a>", "<a>x</a>");
    cleans("<a href=\"java&#9;script:alert(1)\">x</a>", "<a>x</a>");
    cleans("<a href=\"data:text/html,x\">x</a>", "<a>x</a>");
    cleans("<img src=\"mailto:a@b.cn\">", "<img>");
    cleans("<a href=\"/p?a=1&amp;b=2\" onclick=\"x\">x</a>",
           "<a href=\"/p?a=1&amp;b=2\" rel=\"noopener noreferrer\">x</a>");
    cleans("<p style=\"text-align: center; position: fixed; color:#f00\">x</p>",
           "<p style=\"text-align:center;color:#f00\">x</p>");
    cleans("<p style=\"color:expression(alert(1));background-color:url(x)\">x</p>", "<p>x</p>");
    cleans("<iframe src=x></iframe><object data=x></object>z", "z");
    cleans("<!-- <b> --><!doctype html><?php x ?>k", "k");
    cleans("<a href=\"x\" href=\"javascript:1\">d</a>",
           "<a href=\"x\" rel=\"noopener noreferrer\">d</a>");
    cleans("<p", "");
    cleans("x<", "x&lt;");
    cleans("<b title=\"unfinished", "");
    cleans("<unknown>t</unknown>", "t");
    cleans("<td colspan=2 rowspan=x>c</td>", "<td colspan=\"2\">c</td>");
}

static void test_sanitise_depth(void **state)
{
    (void)state;
    struct buf in = BUF_HEAP, out = BUF_HEAP;
    for (int i = 0; i < 500; i++)
        buf_str(&in, "<div>");
    sanitise_html(buf_view(&in), &out);
    size_t open = 0, closed = 0;
    for (size_t i = 0; i + 1 < out.n; i++) {
        open += out.p[i] == '<' && out.p[i + 1] == 'd';
        closed += out.p[i] == '<' && out.p[i + 1] == '/';
    }
    assert_int_equal(open, 64);
    assert_int_equal(closed, 64);
    buf_free(&in);
    buf_free(&out);
}

/* ---- cursors ---------------------------------------------------------------------- */

static void test_cursor(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const unsigned char secret[32] = {1}, other[32] = {2};
    const struct store_val vals[] = {STORE_N, STORE_I(-5), STORE_S(SV("年会")),
                                     STORE_T(INT64_C(1767225600123456)), STORE_D(1.5)};
    for (size_t i = 0; i < sizeof vals / sizeof *vals; i++) {
        struct buf b = BUF_IN(a);
        struct store_val v = STORE_N;
        int64_t id = 0;
        struct err e = {0};
        cursor_write(secret, 99, &vals[i], 42, &b);
        assert_int_equal(cursor_read(secret, 99, a, buf_view(&b), &v, &id, &e), 0);
        assert_int_equal(id, 42);
        assert_int_equal(v.type, vals[i].type);
        if (v.type == STORE_TEXT)
            assert_true(sv_eq(v.u.s, vals[i].u.s));
        else if (v.type != STORE_NULL)
            assert_int_equal(v.u.i, vals[i].u.i);
        assert_int_equal(cursor_read(other, 99, a, buf_view(&b), &v, &id, &e), -1);
        assert_string_equal(e.code, "bad_cursor");
        err_clear(&e);
        assert_int_equal(cursor_read(secret, 98, a, buf_view(&b), &v, &id, &e), -1);
        for (size_t k = 0; k < b.n; k++) { /* no byte may be changed */
            char was = b.p[k];
            b.p[k] = was == 'A' ? 'B' : 'A';
            assert_int_equal(cursor_read(secret, 99, a, buf_view(&b), &v, &id, &e), -1);
            b.p[k] = was;
        }
    }
    struct store_val v;
    int64_t id;
    struct err e = {0};
    assert_int_equal(cursor_read(secret, 99, a, SV("AAAA"), &v, &id, &e), -1);
    assert_int_equal(cursor_read(secret, 99, a, SV("!"), &v, &id, &e), -1);
    arena_free(a);
}

/* ---- sealing ---------------------------------------------------------------------- */

static void test_sealed(void **state)
{
    (void)state;
    assert_non_null(fake.poll);
    assert_ptr_equal(fake.option->parent, fake.poll);
    assert_int_equal(fake.poll->n_kids, 1);
    assert_non_null(fake.poll->kids[0].position);
    assert_null(model_find(fake.model, SV("vote.nothing")));
    assert_null(model_find(fake.model, SV("poll")));
    const struct model_col *c = col_find(fake.poll, SV("ends_at"));
    assert_true(c->filter && !c->sort); /* behind state in its index */
    assert_true(col_find(fake.poll, SV("created_at"))->filter);
    assert_false(col_find(fake.poll, SV("intro"))->filter);
}

static int setup(void **state)
{
    (void)state;
    fake_load(&fake, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_free(&fake);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_validate_create),
        cmocka_unit_test(test_validate_too_long),
        cmocka_unit_test(test_validate_between_fields),
        cmocka_unit_test(test_validate_children),
        cmocka_unit_test(test_validate_update),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_refused),
        cmocka_unit_test(test_filter_binds),
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_scope_of_nobody),
        cmocka_unit_test(test_sanitise),
        cmocka_unit_test(test_sanitise_depth),
        cmocka_unit_test(test_cursor),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
