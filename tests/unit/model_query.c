/* The language of filters: what it says beyond columns and values, and the words
 * for dates, by a clock that stands still. */
#include "model_fake.h"

static struct fake fake;

static int setup(void **state)
{
    (void)state;
    fake_load(&fake, TEST_TOP "/tests/unit/model_manifest");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_free(&fake);
    return 0;
}

/* Saturday, 2026-11-21, half past one in the night in China; in UTC still Friday. */
#define NOW INT64_C(1795195800000000)
#define CHINA 480

/* ---- the calendar ----------------------------------------------------------------- */

static void test_calendar(void **state)
{
    (void)state;
    assert_int_equal(civil_day(1970, 1, 1), 0);
    assert_int_equal(civil_day(2000, 2, 29) + 1, civil_day(2000, 3, 1));
    assert_int_equal(civil_day(1900, 2, 28) + 1, civil_day(1900, 3, 1));
    assert_int_equal(civil_weekday(0), 3); /* a Thursday */
    assert_int_equal(civil_weekday(civil_day(2026, 11, 21)), 5);
    for (int64_t day = -1000000; day < 1000000; day += 37) {
        int64_t y;
        unsigned m, d;
        civil_from_day(day, &y, &m, &d);
        assert_int_equal(civil_day(y, m, d), day);
    }
}

static void range_is(const char *word, int offset, const char *from, const char *to)
{
    struct reltime r;
    int64_t a, b;
    char at[32], end[32];
    if (!reltime_parse(sv_of(word), &r)) fail_msg("%s: not a word", word);
    reltime_range(&r, NOW, offset, &a, &b);
    at[clock_rfc3339(a, at)] = '\0';
    end[clock_rfc3339(b, end)] = '\0';
    if (strcmp(at, from) || strcmp(end, to)) fail_msg("%s: %s .. %s", word, at, end);
}

static void test_words(void **state)
{
    (void)state;
    range_is("today", CHINA, "2026-11-20T16:00:00Z", "2026-11-21T16:00:00Z");
    range_is("today", 0, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
    range_is("yesterday", CHINA, "2026-11-19T16:00:00Z", "2026-11-20T16:00:00Z");
    range_is("tomorrow", CHINA, "2026-11-21T16:00:00Z", "2026-11-22T16:00:00Z");
    range_is("today-7d", CHINA, "2026-11-13T16:00:00Z", "2026-11-14T16:00:00Z");
    range_is("today+2w", CHINA, "2026-12-04T16:00:00Z", "2026-12-05T16:00:00Z");
    range_is("today+1m", CHINA, "2026-12-20T16:00:00Z", "2026-12-21T16:00:00Z");
    range_is("today-9m", CHINA, "2026-02-20T16:00:00Z", "2026-02-21T16:00:00Z");
    range_is("today-1y", CHINA, "2025-11-20T16:00:00Z", "2025-11-21T16:00:00Z");
    range_is("now-2h", CHINA, "2026-11-20T15:30:00Z", "2026-11-20T15:30:00Z");
    range_is("now+45min", CHINA, "2026-11-20T18:15:00Z", "2026-11-20T18:15:00Z");
    range_is("now", 0, "2026-11-20T17:30:00Z", "2026-11-20T17:30:00Z");
    range_is("now-1m", CHINA, "2026-10-20T17:30:00Z", "2026-10-20T17:30:00Z");
    range_is("this_week", CHINA, "2026-11-15T16:00:00Z", "2026-11-22T16:00:00Z");
    range_is("last_week", CHINA, "2026-11-08T16:00:00Z", "2026-11-15T16:00:00Z");
    range_is("this_month", CHINA, "2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z");
    range_is("last_month", CHINA, "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z");
    range_is("next_month", CHINA, "2026-11-30T16:00:00Z", "2026-12-31T16:00:00Z");
    range_is("this_quarter", CHINA, "2026-09-30T16:00:00Z", "2026-12-31T16:00:00Z");
    range_is("last_quarter", CHINA, "2026-06-30T16:00:00Z", "2026-09-30T16:00:00Z");
    range_is("this_year", CHINA, "2025-12-31T16:00:00Z", "2026-12-31T16:00:00Z");
    range_is("last_year", CHINA, "2024-12-31T16:00:00Z", "2025-12-31T16:00:00Z");
    range_is("2024-02-29", CHINA, "2024-02-28T16:00:00Z", "2024-02-29T16:00:00Z");
    range_is("2026-11-21", -300, "2026-11-21T05:00:00Z", "2026-11-22T05:00:00Z");
}

static void test_no_words(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "todays",       "today-",     "today-d",  "today7d",   "today-2h",
        "now-2x",     "yesterday-1d", "this_day",   "next_",    "some_week", "today-99999999d",
        "today+200y", "2026-02-29",   "2026-13-01", "2026-1-1", "now--1d",   "this_week-1w"};
    struct reltime r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (reltime_parse(sv_of(bad[i]), &r)) fail_msg("\"%s\" passed", bad[i]);
    /* The 31st of a shorter month is its last day. */
    int64_t from, to;
    char day[11];
    assert_true(reltime_parse(SV("today-1m"), &r));
    reltime_range(&r, civil_day(2026, 3, 31) * INT64_C(86400000000), 0, &from, &to);
    reltime_date(from, 0, day);
    assert_string_equal(day, "2026-02-28");
}

/* ---- filters ---------------------------------------------------------------------- */

/* The statement with its values put in, as a reader would write it. */
static const char *shown(struct arena *a, const struct sql *s)
{
    struct buf b = BUF_IN(a);
    unsigned at = 0;
    for (size_t i = 0; i < s->text.n; i++) {
        if (s->text.p[i] != '?') {
            buf_chr(&b, s->text.p[i]);
            continue;
        }
        const struct store_val *v = &s->args[at++];
        char text[40];
        if (v->type == STORE_TIME) {
            buf_add(&b, text, clock_rfc3339(v->u.i, text));
        } else if (v->type == STORE_I64) {
            buf_i64(&b, v->u.i);
        } else {
            buf_sv(&b, v->u.s);
        }
    }
    return arena_str(a, buf_view(&b));
}

static void says(const char *resource, const char *filter, const char *want)
{
    static const struct auth_principal who = {.kind = AUTH_STAFF, .id = 7, .utc_offset = CHINA};
    const struct model_resource *r = model_find(fake.model, sv_of(resource));
    struct arena *a = arena_new(0);
    struct err e = {0};
    struct cond *c = NULL;
    struct frag f;
    struct sql s;
    if (cond_parse(r, a, sv_of(filter), false, &c, &e) < 0 || cond_compile(c, a, &f, &e) < 0)
        fail_msg("%s: %s %s", filter, e.n_fields ? e.fields[0].code : e.code, e.args[0]);
    frag_settle(&f, a, NOW, CHINA);
    sql_start(&s, a);
    frag_render(&f, &who, &s);
    const char *have = shown(a, &s);
    if (strcmp(have, want)) fail_msg("%s:\n  %s\n  %s", filter, have, want);
    arena_free(a);
}

static void test_dates_in_filters(void **state)
{
    (void)state;
    says("vote.poll", "starts_at = today",
         "(`starts_at`>=2026-11-20T16:00:00Z AND `starts_at`<2026-11-21T16:00:00Z)");
    says("vote.poll", "starts_at in this_month",
         "(`starts_at`>=2026-10-31T16:00:00Z AND `starts_at`<2026-11-30T16:00:00Z)");
    says("vote.poll", "starts_at >= today-7d", "`starts_at`>=2026-11-13T16:00:00Z");
    says("vote.poll", "starts_at > today", "`starts_at`>=2026-11-21T16:00:00Z");
    says("vote.poll", "starts_at <= 2026-11-21", "`starts_at`<2026-11-21T16:00:00Z");
    says("vote.poll", "starts_at < now-2h", "`starts_at`<2026-11-20T15:30:00Z");
    says("vote.poll", "starts_at between (last_week, now)",
         "(`starts_at`>=2026-11-08T16:00:00Z AND `starts_at`<=2026-11-20T17:30:00Z)");
    says(
        "vote.poll", "starts_at != today",
        "((`starts_at`>=2026-11-20T16:00:00Z AND `starts_at`<2026-11-21T16:00:00Z) IS NOT TRUE)");
    /* A date has a last day, not a moment behind it. */
    says("zoo.animal", "born in last_month", "(`born`>=2026-10-01 AND `born`<=2026-10-31)");
    says("zoo.animal", "born = today", "(`born`>=2026-11-21 AND `born`<=2026-11-21)");
    says("zoo.animal", "born > this_year", "`born`>2026-12-31");
    says("zoo.animal", "born <= now", "`born`<=2026-11-21");
    says("zoo.animal", "born = 2026-11-20", "`born`=2026-11-20");
    says("zoo.animal", "born in (2026-11-20, last_week)",
         "(`born`=2026-11-20 OR (`born`>=2026-11-09 AND `born`<=2026-11-15))");
}

static void test_operators(void **state)
{
    (void)state;
    says("vote.poll", "not (state = draft)", "(`state`=draft IS NOT TRUE)");
    says("vote.poll", "not (state = draft or name ~ x) and owner = $user",
         "(((`state`=draft OR `name` LIKE %x% ESCAPE '|') IS NOT TRUE) AND `owner`=7)");
    says("vote.poll", "name contains 50% and name starts \"a_\" and name ends z",
         "(`name` LIKE %50|%% ESCAPE '|' AND `name` LIKE a|_% ESCAPE '|' AND `name` LIKE %z ESCAPE "
         "'|')");
}

/* ---- complaints ------------------------------------------------------------------- */

static void complains(const char *filter, const char *code, const char *at)
{
    struct arena *a = arena_new(0);
    struct err e = {0};
    struct cond *c = NULL;
    struct frag f;
    if (cond_parse(fake.poll, a, sv_of(filter), false, &c, &e) == 0 &&
        cond_compile(c, a, &f, &e) == 0)
        fail_msg("\"%s\" passed", filter);
    assert_string_equal(e.code, "bad_filter");
    assert_int_equal(e.status, 400);
    if (strcmp(e.fields[0].code, code) || strcmp(e.args[0], at))
        fail_msg("%s: %s at %s", filter, e.fields[0].code, e.args[0]);
    assert_string_not_equal(msg_text("zh", code), code);
    assert_string_not_equal(msg_text("en", code), msg_text("zh", code));
    arena_free(a);
}

static void test_complaints(void **state)
{
    (void)state;
    complains("nome = a", "filter_unknown", "1");
    complains("name 甲 a", "filter_operator", "6");
    complains("name = ", "filter_value", "8");
    complains("name ~ \"年度\" und name = b", "filter_end", "13");
    complains("name = \"open", "filter_quote", "8");
    complains("name in a", "filter_open", "9");
    complains("name in (a b)", "filter_close", "12");
    complains("(name = a", "filter_close", "10");
    complains("and name = a", "filter_unknown", "1");
    complains("name = a and )", "filter_field", "14");
    complains("name between (a)", "filter_two", "1");
    complains("owner = $nobody", "filter_variable", "9");
    complains("owner = $user.depts", "filter_depts", "9");
    complains("name = $user", "filter_not_ref", "8");
    complains("state = lost", "filter_bad_value", "9");
    complains("starts_at = last_decade", "filter_bad_value", "13");
    complains("limit_person ~ 1", "filter_not_text", "16");
    complains("not (not (not (name)))", "filter_operator", "20");
    complains("((((((((((((((((((name = a", "filter_too_deep", "17");
}

/* ---- staff ------------------------------------------------------------------------ */

static void test_staff_stays_admin(void **state)
{
    (void)state;
    json_t *after =
        json_pack("{s:s, s:[{s:s},{s:s}]}", "state", "active", "roles", "role", "4", "role", "9");
    assert_true(staff_stays_admin("check", after, 9));
    assert_false(staff_stays_admin("check", after, 5));
    assert_false(staff_stays_admin("transition:suspend", after, 9));
    assert_false(staff_stays_admin("delete", after, 9));
    assert_true(staff_stays_admin("restore", after, 9));
    json_object_set_new(after, "state", json_string("suspended"));
    assert_false(staff_stays_admin("check", after, 9));
    json_decref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calendar),          cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_words),          cmocka_unit_test(test_dates_in_filters),
        cmocka_unit_test(test_operators),         cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_staff_stays_admin),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
