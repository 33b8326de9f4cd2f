/* auth: the operation log over time: what retention removes, what it may not, and that
 * the log is verifiable afterwards. */
#include "auth_fixture.h"

#define DAY (24 * HOUR)
#define GAMMA "atrium_t_gamma"

static struct auth_tenant *gamma;
static struct err e;

static void at_day(int day)
{
    clock_set_offset_us(day * DAY);
}

static int64_t lines_there(void)
{
    return house_i64(GAMMA, "SELECT COUNT(*) FROM core_audit");
}

/* Waits until they are stored, so that the next ones hang on them. */
static void write_lines(int n)
{
    int64_t want = lines_there() + n;
    for (int i = 0; i < n; i++) {
        struct auth_audit line = {.action = "test", .target = SV("a.b/1"), .ok = true};
        auth_audit(gamma, &auth_system, NULL, &line);
        if (i % 200 == 199) usleep(5000);
    }
    for (int i = 0; i < 400 && lines_there() < want; i++) usleep(20000);
    assert_int_equal(lines_there(), want);
}

static struct auth_audit_report verify(void)
{
    struct auth_audit_report r;
    OK(auth_audit_verify(gamma, &r, &e));
    return r;
}

static void stands(int64_t lines, int64_t removed)
{
    struct auth_audit_report r = verify();
    if (r.why) fail_msg("line %lld: %s", (long long)r.bad, r.why);
    assert_int_equal(r.lines, lines);
    assert_int_equal(r.removed, removed);
    assert_int_equal(lines_there(), lines);
}

static void fails(const char *why)
{
    struct auth_audit_report r = verify();
    assert_non_null(r.why);
    assert_string_equal(r.why, why);
    assert_true(r.bad != 0);
}

static uint64_t purge(void)
{
    uint64_t removed;
    OK(auth_audit_purge(gamma, &removed, &e));
    return removed;
}

static void keep_days(const char *days)
{
    char sql[300];
    snprintf(sql, sizeof sql, "REPLACE INTO core_setting (id, created_at, updated_at, plugin, name,"
                              " value) VALUES (7, NOW(), NOW(), 'core', 'audit_days', '%s')", days);
    house_sql(GAMMA, sql);
    auth_forget(gamma);
}

/* Lines of 300, 190 and 179 days ago, and of today; the anchor of each of these days. */
static int setup(void **state)
{
    static const struct { int day, n; } past[] = {{-300, 2599}, {-190, 10}, {-179, 20}, {0, 5}};
    house_setup(state);
    at_day(past[0].day);
    gamma = house_tenant("gamma", NULL);             /* its first line is of that day */
    for (int i = 0; i < 400 && lines_there() < 1; i++) usleep(20000);
    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        at_day(past[i].day);
        write_lines(past[i].n);
        OK(keep_anchor(tenant_full(gamma), &e));
    }
    at_day(0);
    return 0;
}

static void test_nothing_too_early(void **state)
{
    (void)state;
    stands(2635, 0);
    assert_int_equal(purge(), 0);                    /* 400 days, as nobody has said anything */
    keep_days("301");
    assert_int_equal(purge(), 0);
    stands(2635, 0);
}

static void test_cut(void **state)
{
    (void)state;
    keep_days("200");
    house_sql(GAMMA, "CREATE TABLE kept AS SELECT * FROM core_audit");
    assert_int_equal(purge(), 2600);
    stands(35, 2600);
    assert_int_equal(verify().anchors, 3);           /* that of the first day went with its lines */
    assert_int_equal(purge(), 0);

    /* who died between noting the cut and removing: the lines are there, and go later */
    house_sql(GAMMA, "INSERT IGNORE INTO core_audit SELECT * FROM kept");
    assert_int_equal(lines_there(), 2635);
    assert_null(verify().why);
    assert_int_equal(verify().lines, 35);
    assert_int_equal(purge(), 2000);                 /* a batch at a time */
    assert_int_equal(purge(), 600);
    stands(35, 2600);
}

/* However it got into the table, a setting of fewer days is not followed. */
static void test_never_below_the_law(void **state)
{
    (void)state;
    keep_days("30");
    assert_int_equal(purge(), 10);                   /* 190 days, not those of 179 */
    stands(25, 2610);
    keep_days("0");
    assert_int_equal(purge(), 0);
    stands(25, 2610);
}

/* What is wrong behind the cut shows as before it. */
static void test_damage_after_the_cut(void **state)
{
    (void)state;
    house_sql(GAMMA, "CREATE OR REPLACE TABLE kept AS SELECT * FROM core_audit");
    house_sql(GAMMA, "DELETE FROM core_audit ORDER BY id LIMIT 1");
    fails("line missing before");
    house_sql(GAMMA, "INSERT IGNORE INTO core_audit SELECT * FROM kept");
    house_sql(GAMMA, "DELETE FROM core_audit ORDER BY id DESC LIMIT 3");
    fails("end cut off");
    house_sql(GAMMA, "DELETE FROM core_audit");
    fails("end cut off");
    house_sql(GAMMA, "INSERT INTO core_audit SELECT * FROM kept");
    house_sql(GAMMA, "UPDATE core_audit SET created_at = created_at + INTERVAL 1 DAY"
                     " ORDER BY id LIMIT 1");        /* to be kept longer, or shorter */
    fails("altered");
    house_sql(GAMMA, "REPLACE INTO core_audit SELECT * FROM kept");
    stands(25, 2610);
}

/* A cut that another hand wrote explains nothing, and nothing is removed by it. */
static void test_forged_cut(void **state)
{
    uint64_t removed;
    (void)state;
    house_sql("atrium", "CREATE TABLE kept_cut AS SELECT * FROM audit_cut");
    char sql[300];
    snprintf(sql, sizeof sql,
             "UPDATE atrium.audit_cut c, (SELECT id, hash FROM core_audit ORDER BY id LIMIT 1"
             " OFFSET 4) l SET c.last_id = l.id, c.hash = l.hash");
    house_sql(GAMMA, sql);
    fails("anchor forged");
    FAILS(auth_audit_purge(gamma, &removed, &e), 500);
    assert_int_equal(lines_there(), 25);
    house_sql("atrium", "REPLACE INTO audit_cut SELECT * FROM kept_cut");
    stands(25, 2610);
}

/* Years later nothing is young enough, and the chain still has its end. */
static void test_the_last_line_stays(void **state)
{
    (void)state;
    at_day(2000);
    assert_int_equal(purge(), 24);
    stands(1, 2634);
    write_lines(3);
    OK(keep_anchor(tenant_full(gamma), &e));
    stands(4, 2634);
    assert_int_equal(purge(), 1);
    stands(3, 2635);
    assert_int_equal(verify().anchors, 1);
    at_day(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_too_early), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_never_below_the_law), cmocka_unit_test(test_damage_after_the_cut),
        cmocka_unit_test(test_forged_cut), cmocka_unit_test(test_the_last_line_stays),
    };
    return cmocka_run_group_tests(tests, setup, house_teardown);
}
