/* Unit tests of core/store: schema plans and their application. */
#include <signal.h>
#include <sys/wait.h>

#include "store_test.h"

static struct mariadb *server;
static struct store_db_opts opts;
static struct store_db *db;
static struct store_conn *c;
static struct arena *a;
static struct err e;

static int set_up(void **state)
{
    (void)state;
    server = mariadb_start(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mariadb_stop(server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    opts = mariadb_database(server, "plan");
    db = store_db_new(&opts);
    a = arena_new(0);
    OK(store_get(db, &c, &e));
    return 0;
}

static int done(void **state)
{
    (void)state;
    store_put(c);
    store_db_free(db);
    arena_free(a);
    return 0;
}

static struct store_plan plan_of(const struct store_table *t, size_t n, bool destructive)
{
    struct store_plan p;
    OK(store_plan(c, a, t, n, destructive, &p, &e));
    return p;
}

/* Plans, applies, and wants the second plan to be empty. */
static size_t migrate(const struct store_table *t, size_t n, bool destructive)
{
    struct store_plan p = plan_of(t, n, destructive);
    size_t steps = p.n;
    OK(store_apply(c, &p, "test", &e));
    p = plan_of(t, n, destructive);
    if (p.n) fail_msg("planned again: %.*s: %.*s", SVARG(p.steps[0].why), SVARG(p.steps[0].sql));
    return steps;
}

static void sql(const char *text)
{
    free(mariadb_sql(server, "plan", text));
}

static int64_t num(const char *text)
{
    return sql_i64(server, "plan", text);
}

static const char *const by_id[] = {"id"};
#define ID                                                                                         \
    {                                                                                              \
        .name = "id", .type = STORE_COL_ID, .not_null = true                                       \
    }

static struct store_table table(const char *name, const struct store_col *cols, size_t n)
{
    return (struct store_table){
        .name = name, .cols = cols, .n_cols = (unsigned)n, .primary = by_id, .n_primary = 1};
}

static const struct store_col every_type[] = {
    ID,
    {.name = "i64", .type = STORE_COL_I64},
    {.name = "i32", .type = STORE_COL_I32},
    {.name = "b", .type = STORE_COL_BOOL},
    {.name = "f64", .type = STORE_COL_F64},
    {.name = "dec_", .type = STORE_COL_DECIMAL, .size = 18, .scale = 2},
    {.name = "vc", .type = STORE_COL_VARCHAR, .size = 80},
    {.name = "long_vc", .type = STORE_COL_VARCHAR, .size = 2000},
    {.name = "asc_", .type = STORE_COL_ASCII, .size = 64},
    {.name = "txt", .type = STORE_COL_TEXT},
    {.name = "bin", .type = STORE_COL_BINARY, .size = 32},
    {.name = "blb", .type = STORE_COL_BLOB},
    {.name = "d", .type = STORE_COL_DATE},
    {.name = "dt", .type = STORE_COL_DATETIME},
    {.name = "js", .type = STORE_COL_JSON},
    /* the same, NOT NULL */
    {.name = "i64n", .type = STORE_COL_I64, .not_null = true},
    {.name = "vcn", .type = STORE_COL_VARCHAR, .size = 80, .not_null = true},
    {.name = "ascn", .type = STORE_COL_ASCII, .size = 64, .not_null = true},
    {.name = "txtn", .type = STORE_COL_TEXT, .not_null = true},
    {.name = "binn", .type = STORE_COL_BINARY, .size = 32, .not_null = true},
    {.name = "dtn", .type = STORE_COL_DATETIME, .not_null = true},
    {.name = "jsn", .type = STORE_COL_JSON, .not_null = true},
};

static const struct store_col every_default[] = {
    ID,
    {.name = "n1", .type = STORE_COL_I64, .dflt = "0"},
    {.name = "n2", .type = STORE_COL_I64, .dflt = "'7'", .not_null = true},
    {.name = "n3", .type = STORE_COL_I32, .dflt = "-1"},
    {.name = "n4", .type = STORE_COL_BOOL, .dflt = "TRUE", .not_null = true},
    {.name = "n5", .type = STORE_COL_BOOL, .dflt = "0", .not_null = true},
    {.name = "n6", .type = STORE_COL_F64, .dflt = "1.50"},
    {.name = "n7", .type = STORE_COL_F64, .dflt = "1e9"},
    {.name = "n8", .type = STORE_COL_F64, .dflt = "-2.5e-3"},
    {.name = "n9", .type = STORE_COL_DECIMAL, .size = 18, .scale = 2, .dflt = "0"},
    {.name = "n10", .type = STORE_COL_DECIMAL, .size = 18, .scale = 2, .dflt = "12.5"},
    {.name = "n11", .type = STORE_COL_I64, .dflt = "9223372036854775807"},
    {.name = "n12", .type = STORE_COL_I64, .dflt = "NULL"},
    {.name = "s1", .type = STORE_COL_VARCHAR, .size = 40, .dflt = "''"},
    {.name = "s2", .type = STORE_COL_VARCHAR, .size = 40, .dflt = "'It''s'", .not_null = true},
    {.name = "s3", .type = STORE_COL_VARCHAR, .size = 40, .dflt = "'a\\\\b\\n'"},
    {.name = "s4", .type = STORE_COL_VARCHAR, .size = 40, .dflt = "'\xe6\x8a\x95\xf0\x9f\x97\xb3'"},
    {.name = "s5", .type = STORE_COL_VARCHAR, .size = 40, .dflt = "0"},
    {.name = "s6", .type = STORE_COL_ASCII, .size = 40, .dflt = "'new'", .not_null = true},
    {.name = "s7", .type = STORE_COL_TEXT, .dflt = "'text'"},
    {.name = "s8", .type = STORE_COL_BINARY, .size = 8, .dflt = "''"},
    {.name = "s9", .type = STORE_COL_JSON, .dflt = "'{}'", .not_null = true},
    {.name = "s10", .type = STORE_COL_VARCHAR, .size = 40, .dflt = "'NULL'"},
    {.name = "t1", .type = STORE_COL_DATE, .dflt = "'2026-01-02'"},
    {.name = "t2", .type = STORE_COL_DATETIME, .dflt = "'2026-01-02'"},
    {.name = "t3", .type = STORE_COL_DATETIME, .dflt = "'2026-01-02 03:04:05.5'"},
    {.name = "t4", .type = STORE_COL_DATETIME, .dflt = "CURRENT_TIMESTAMP(6)", .not_null = true},
    {.name = "t5", .type = STORE_COL_DATETIME, .dflt = "NOW(6)"},
};

#define N(x) (sizeof(x) / sizeof *(x))

static const struct store_idx every_index[] = {
    {.name = "ix_i64", .cols = (const char *const[]){"i64"}, .n_cols = 1},
    {.name = "ix_desc", .cols = (const char *const[]){"vc", "-dt", "id"}, .n_cols = 3},
    {.name = "uq_asc", .cols = (const char *const[]){"asc_", "vc"}, .n_cols = 2, .unique = true},
    {.name = "ft", .cols = (const char *const[]){"vc", "txt"}, .n_cols = 2, .fulltext = true},
    {.name = "ix_txt", .cols = (const char *const[]){"txt"}, .n_cols = 1},
    {.name = "ix_long", .cols = (const char *const[]){"long_vc"}, .n_cols = 1},
};

static void test_create(void **state)
{
    (void)state;
    struct store_table t[] = {table("every_type", every_type, N(every_type)),
                              table("every_default", every_default, N(every_default))};
    t[0].idx = every_index;
    t[0].n_idx = N(every_index);
    assert_int_equal(migrate(t, 2, false), 2);
    assert_int_equal(num("SELECT COUNT(*) FROM atrium_journal WHERE state = 'done'"), 2);
    /* the defaults are what they say */
    sql("INSERT INTO every_default (id) VALUES (1)");
    assert_int_equal(
        num("SELECT COUNT(*) FROM every_default WHERE n1 = 0 AND n2 = 7 AND n4 = 1 AND "
            "n7 = 1e9 AND n10 = 12.5 AND s2 = 'It''s' AND s3 = 'a\\\\b\\n' AND "
            "s9 = '{}' AND s10 = 'NULL' AND t3 = '2026-01-02 03:04:05.5'"),
        1);
    /* JSON is checked, emoji are told apart */
    sql("INSERT INTO every_type (id, jsn, i64n, vcn, ascn, txtn, binn, dtn, vc) "
        "VALUES (1, '{}', 1, '', '', '', '', now(6), '\xf0\x9f\x98\x80')");
    FAILS(store_exec(c, SV("UPDATE every_type SET js = '{bad'"), NULL, 0, NULL, &e), 500,
          "internal");
    assert_int_equal(num("SELECT COUNT(*) FROM every_type WHERE vc = '\xf0\x9f\x98\x8e'"), 0);
    assert_int_equal(num("SELECT COUNT(*) FROM every_type WHERE vc = '\xf0\x9f\x98\x80'"), 1);
}

static void test_add_columns(void **state)
{
    (void)state;
    /* every column one by one, in tables with rows */
    struct store_table small = table("every_default", every_default, 1);
    assert_int_equal(migrate(&small, 1, false), 1);
    sql("INSERT INTO every_default VALUES (1), (2)");
    struct store_table t = table("every_default", every_default, N(every_default));
    assert_int_equal(migrate(&t, 1, false), N(every_default) - 1);
    assert_int_equal(num("SELECT COUNT(*) FROM every_default WHERE n2 = 7 AND s6 = 'new'"), 2);

    /* indexes on a table that is there; then other ones of the same name */
    struct store_table u = table("every_type", every_type, N(every_type));
    assert_int_equal(migrate(&u, 1, false), 1);
    u.idx = every_index;
    u.n_idx = N(every_index);
    assert_int_equal(migrate(&u, 1, false), N(every_index));
    struct store_idx other[N(every_index)];
    memcpy(other, every_index, sizeof other);
    other[1].cols = (const char *const[]){"vc", "dt", "id"}; /* direction only */
    other[2].unique = false;
    u.idx = other;
    assert_int_equal(migrate(&u, 1, false), 2);
    /* an index that left the manifest stays */
    u.n_idx = 1;
    assert_int_equal(migrate(&u, 1, false), 0);
}

static void test_rename(void **state)
{
    (void)state;
    struct store_col before[] = {ID,
                                 {.name = "title", .type = STORE_COL_VARCHAR, .size = 20},
                                 {.name = "meta", .type = STORE_COL_JSON}};
    struct store_idx idx[] = {{.name = "ix", .cols = (const char *const[]){"title"}, .n_cols = 1}};
    struct store_table t = table("poll", before, N(before));
    t.idx = idx;
    t.n_idx = 1;
    migrate(&t, 1, false);
    sql("INSERT INTO poll VALUES (1, 'hello', '[1]')");
    /* table and column have other names, the column is wider as well */
    struct store_col after[] = {
        ID,
        {.name = "heading", .was = "title", .type = STORE_COL_VARCHAR, .size = 40},
        {.name = "extra", .was = "meta", .type = STORE_COL_JSON}};
    struct store_idx idx2[] = {
        {.name = "ix", .cols = (const char *const[]){"heading"}, .n_cols = 1}};
    struct store_table t2 = table("vote_poll", after, N(after));
    t2.was = "poll";
    t2.idx = idx2;
    t2.n_idx = 1;
    assert_int_equal(migrate(&t2, 1, false), 3);
    assert_int_equal(
        num("SELECT COUNT(*) FROM vote_poll WHERE heading = 'hello' AND extra = '[1]'"), 1);
    FAILS(store_exec(c, SV("UPDATE vote_poll SET extra = 'x'"), NULL, 0, NULL, &e), 500,
          "internal");
    /* on a fresh database `was` means nothing */
    sql("DROP TABLE vote_poll");
    assert_int_equal(migrate(&t2, 1, false), 1);
}

static const struct {
    const char *ddl; /* what is there */
    struct store_col want;
    int steps; /* -1: refused */
} widening[] = {
    {"TINYINT", {.type = STORE_COL_I64}, 1},
    {"INT UNSIGNED", {.type = STORE_COL_I64}, 1},
    {"BIGINT UNSIGNED", {.type = STORE_COL_I64}, -1},
    {"BIGINT", {.type = STORE_COL_ID}, -1},
    {"INT UNSIGNED", {.type = STORE_COL_ID}, 1},
    {"BIGINT", {.type = STORE_COL_I32}, -1},
    {"TINYINT(4)", {.type = STORE_COL_BOOL}, 0},
    {"INT", {.type = STORE_COL_BOOL}, -1},
    {"FLOAT", {.type = STORE_COL_F64}, 1},
    {"INT", {.type = STORE_COL_F64}, 1},
    {"BIGINT", {.type = STORE_COL_F64}, -1},
    {"DECIMAL(10,2)", {.type = STORE_COL_DECIMAL, .size = 12, .scale = 4}, 1},
    {"DECIMAL(10,2)", {.type = STORE_COL_DECIMAL, .size = 10, .scale = 4}, -1},
    {"DECIMAL(10,2)", {.type = STORE_COL_DECIMAL, .size = 10, .scale = 0}, -1},
    {"INT", {.type = STORE_COL_DECIMAL, .size = 12, .scale = 2}, 1},
    {"VARCHAR(20)", {.type = STORE_COL_VARCHAR, .size = 200}, 1},
    {"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
     {.type = STORE_COL_VARCHAR, .size = 20},
     0},
    {"VARCHAR(20) CHARACTER SET latin1", {.type = STORE_COL_VARCHAR, .size = 20}, 1},
    {"VARCHAR(20) CHARACTER SET ascii", {.type = STORE_COL_VARCHAR, .size = 20}, 1},
    {"VARCHAR(20)", {.type = STORE_COL_ASCII, .size = 20}, -1},
    {"VARCHAR(20)", {.type = STORE_COL_VARCHAR, .size = 19}, -1},
    {"CHAR(20)", {.type = STORE_COL_VARCHAR, .size = 20}, 1},
    {"VARCHAR(20)", {.type = STORE_COL_TEXT}, 1},
    {"TEXT", {.type = STORE_COL_TEXT}, 1},
    {"LONGTEXT", {.type = STORE_COL_TEXT}, -1},
    {"TEXT", {.type = STORE_COL_VARCHAR, .size = 2000}, -1},
    {"MEDIUMTEXT CHECK (JSON_VALID(`c`))", {.type = STORE_COL_TEXT}, 1},
    {"MEDIUMTEXT", {.type = STORE_COL_JSON}, 1},
    {"VARBINARY(8)", {.type = STORE_COL_BINARY, .size = 16}, 1},
    {"VARBINARY(8)", {.type = STORE_COL_BINARY, .size = 4}, -1},
    {"BLOB", {.type = STORE_COL_BLOB}, 1},
    {"LONGBLOB", {.type = STORE_COL_BLOB}, -1},
    {"VARBINARY(8)", {.type = STORE_COL_BLOB}, 1},
    {"DATE", {.type = STORE_COL_DATETIME}, 1},
    {"DATETIME", {.type = STORE_COL_DATETIME}, 1},
    {"TIMESTAMP NULL", {.type = STORE_COL_DATETIME}, 1},
    {"DATETIME(6)", {.type = STORE_COL_DATE}, -1},
    {"VARCHAR(40)", {.type = STORE_COL_I64}, -1},
    {"BIGINT NOT NULL", {.type = STORE_COL_I64}, 1},
    {"BIGINT", {.type = STORE_COL_I64, .not_null = true}, 1},
    {"BIGINT DEFAULT 5", {.type = STORE_COL_I64, .dflt = "6"}, 1},
    {"BIGINT DEFAULT 5", {.type = STORE_COL_I64}, 1},
    {"VARCHAR(9) DEFAULT 'Abc'", {.type = STORE_COL_VARCHAR, .size = 9, .dflt = "'abc'"}, 1},
};

/* A table `w` whose column `c` is `ddl`. */
static void make_w(const char *ddl)
{
    char text[200];
    sql("DROP TABLE IF EXISTS w");
    snprintf(text, sizeof text,
             "CREATE TABLE w (id BIGINT UNSIGNED NOT NULL, c %s, "
             "PRIMARY KEY (id)) CHARSET utf8mb4",
             ddl);
    sql(text);
}

static void test_widen(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(widening); i++) {
        make_w(widening[i].ddl);
        struct store_col cols[] = {ID, widening[i].want};
        cols[1].name = "c";
        struct store_table t = table("w", cols, 2);
        if (widening[i].steps < 0) {
            struct store_plan p;
            FAILS(store_plan(c, a, &t, 1, true, &p, &e), 409, "schema_conflict");
            assert_non_null(strstr(e.detail, "w.c"));
            continue;
        }
        size_t steps = migrate(&t, 1, false);
        if ((int)steps != widening[i].steps) fail_msg("%s: %zu steps", widening[i].ddl, steps);
    }
}

/* What a step is said to cost the server confirms: it refuses an ALGORITHM that it
 * cannot keep to. */
static void confirm(const struct store_step *step)
{
    bool instant = step->how == STORE_INSTANT;
    if (!sv_starts(step->sql, SV("ALTER TABLE"))) return;
    const char *how = instant                     ? "ALGORITHM=INSTANT"
                      : step->how == STORE_ONLINE ? "ALGORITHM=INPLACE, LOCK=NONE"
                                                  : "ALGORITHM=COPY";
    sv text = arena_printf(a, "%.*s, %s", SVARG(step->sql), how);
    if (store_ddl(c, text, &e) != 0)
        fail_msg("%.*s is not %s: %s", SVARG(step->sql), how, e.detail);
}

static void test_costs(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(widening); i++) {
        if (widening[i].steps != 1) continue;
        make_w(widening[i].ddl);
        if (!strstr(widening[i].ddl, "NOT NULL") && !widening[i].want.not_null)
            sql("INSERT INTO w (id, c) VALUES (1, NULL), (2, NULL)");
        struct store_col cols[] = {ID, widening[i].want};
        cols[1].name = "c";
        struct store_table t = table("w", cols, 2);
        struct store_plan p = plan_of(&t, 1, false);
        assert_int_equal(p.n, 1);
        assert_true(sv_eqs(p.steps[0].table, "w"));
        assert_true(p.steps[0].bytes > 0);
        confirm(&p.steps[0]);
    }
    /* columns and indexes that come, go and are renamed */
    make_w("VARCHAR(20) NOT NULL");
    static const char *const on_d[] = {"d"};
    static const struct store_idx ix = {.name = "ix_d", .cols = on_d, .n_cols = 1};
    struct store_col cols[] = {
        ID,
        {.name = "d", .was = "c", .type = STORE_COL_VARCHAR, .size = 20, .not_null = true},
        {.name = "n", .type = STORE_COL_I64, .not_null = true, .dflt = "0"}};
    struct store_table t = table("w", cols, 3);
    t.idx = &ix;
    t.n_idx = 1;
    struct store_plan p = plan_of(&t, 1, false);
    assert_int_equal(p.n, 3);
    for (size_t i = 0; i < p.n; i++) confirm(&p.steps[i]);
    assert_int_equal(p.steps[0].how, STORE_INSTANT);
    assert_int_equal(p.steps[1].how, STORE_INSTANT);
    assert_int_equal(p.steps[2].how, STORE_ONLINE);
    struct store_table without = table("w", cols, 1);
    p = plan_of(&without, 1, false);
    for (size_t i = 0; i < p.n; i++) confirm(&p.steps[i]);
    static const char *const gone[] = {"d", "n"};
    without.retire = gone;
    without.n_retire = 2;
    p = plan_of(&without, 1, true);
    assert_true(p.n > 0);
    for (size_t i = 0; i < p.n; i++) {
        assert_true(p.steps[i].destructive);
        confirm(&p.steps[i]);
    }
}

static void test_data_decides(void **state)
{
    (void)state;
    struct store_col loose[] = {
        ID, {.name = "n", .type = STORE_COL_I64}, {.name = "j", .type = STORE_COL_TEXT}};
    struct store_col strict[] = {ID,
                                 {.name = "n", .type = STORE_COL_I64, .not_null = true},
                                 {.name = "j", .type = STORE_COL_JSON}};
    struct store_table t = table("d", loose, 3), s = table("d", strict, 3);
    migrate(&t, 1, false);
    sql("INSERT INTO d VALUES (1, NULL, '{}'), (2, 2, '{}')");
    struct store_plan p;
    FAILS(store_plan(c, a, &s, 1, false, &p, &e), 409, "schema_conflict");
    assert_non_null(strstr(e.detail, "d.n"));
    sql("UPDATE d SET n = 0, j = 'no json' WHERE id = 1");
    FAILS(store_plan(c, a, &s, 1, false, &p, &e), 409, "schema_conflict");
    assert_non_null(strstr(e.detail, "d.j"));
    sql("UPDATE d SET j = NULL WHERE id = 1");
    assert_int_equal(migrate(&s, 1, false), 2);
    /* another primary key is not something to do by the way */
    s.primary = (const char *const[]){"n"};
    FAILS(store_plan(c, a, &s, 1, true, &p, &e), 409, "schema_conflict");
}

static void test_retire(void **state)
{
    (void)state;
    struct store_col before[] = {
        ID,
        {.name = "a", .type = STORE_COL_VARCHAR, .size = 20, .not_null = true},
        {.name = "b", .type = STORE_COL_JSON, .not_null = true},
        {.name = "k", .type = STORE_COL_I64, .not_null = true, .dflt = "3"}};
    struct store_idx idx[] = {{.name = "ix", .cols = (const char *const[]){"a", "k"}, .n_cols = 2}};
    struct store_table t = table("r", before, 4);
    t.idx = idx;
    t.n_idx = 1;
    migrate(&t, 1, false);
    sql("INSERT INTO r VALUES (1, 'x', '{}', 1)");
    struct store_table after = table("r", before, 1);
    after.retire = (const char *const[]){"a", "gone_long_ago"};
    after.n_retire = 2;
    /* not allowed: kept, but new rows need not fill them */
    assert_int_equal(migrate(&after, 1, false), 2);
    sql("INSERT INTO r (id) VALUES (2)");
    assert_int_equal(num("SELECT COUNT(*) FROM r WHERE a = 'x' AND b = '{}'"), 1);
    FAILS(store_exec(c, SV("UPDATE r SET b = 'x'"), NULL, 0, NULL, &e), 500, "internal");
    /* allowed: only the one that is named goes, with its index */
    struct store_plan p = plan_of(&after, 1, true);
    assert_int_equal(p.n, 1);
    assert_true(p.steps[0].destructive);
    assert_int_equal(migrate(&after, 1, true), 1);
    assert_int_equal(num("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE "
                         "TABLE_SCHEMA = 'plan' AND TABLE_NAME = 'r'"),
                     3);
}

static void test_auto_increment(void **state)
{
    (void)state;
    struct store_col cols[] = {
        {.name = "id", .type = STORE_COL_ID, .not_null = true, .auto_inc = true},
        {.name = "v", .type = STORE_COL_I64}};
    struct store_table t = table("ai", cols, 2);
    assert_int_equal(migrate(&t, 1, false), 1);
    sql("INSERT INTO ai (v) VALUES (7), (8)");
    assert_int_equal(num("SELECT MAX(id) FROM ai"), 2);
}

static void test_failing_step(void **state)
{
    (void)state;
    struct store_col cols[] = {ID, {.name = "v", .type = STORE_COL_I64}};
    struct store_idx idx[] = {
        {.name = "uq", .cols = (const char *const[]){"v"}, .n_cols = 1, .unique = true}};
    struct store_table t = table("f", cols, 2);
    migrate(&t, 1, false);
    sql("INSERT INTO f VALUES (1, 5), (2, 5)");
    t.idx = idx;
    t.n_idx = 1;
    struct store_plan p = plan_of(&t, 1, false);
    err_clear(&e);
    assert_int_equal(store_apply(c, &p, "test", &e), -1);
    assert_non_null(strstr(e.detail, "f.uq"));
    assert_int_equal(num("SELECT COUNT(*) FROM atrium_journal WHERE state = 'failed' AND "
                         "error LIKE 'Duplicate%'"),
                     1);
    sql("DELETE FROM f WHERE id = 2");
    assert_int_equal(migrate(&t, 1, false), 1);
    /* a text in a unique index, an index on nothing, a size forgotten */
    struct store_col bad[] = {ID, {.name = "t", .type = STORE_COL_TEXT}};
    struct store_idx uq[] = {
        {.name = "uq", .cols = (const char *const[]){"t"}, .n_cols = 1, .unique = true}};
    struct store_table b = table("b", bad, 2);
    b.idx = uq;
    b.n_idx = 1;
    FAILS(store_plan(c, a, &b, 1, false, &p, &e), 409, "schema_conflict");
    uq[0].cols = (const char *const[]){"missing"};
    FAILS(store_plan(c, a, &b, 1, false, &p, &e), 409, "schema_conflict");
    bad[1].type = STORE_COL_VARCHAR;
    b.n_idx = 0;
    FAILS(store_plan(c, a, &b, 1, false, &p, &e), 409, "schema_conflict");
}

static void test_stale_plan(void **state)
{
    (void)state;
    /* two nodes have planned the same; the second one finds it done */
    struct store_table t = table("every_default", every_default, 1);
    migrate(&t, 1, false);
    t.n_cols = 4;
    struct store_plan first = plan_of(&t, 1, false), second = plan_of(&t, 1, false);
    assert_int_equal(first.n, 3);
    OK(store_apply(c, &first, "node 1", &e));
    OK(store_apply(c, &second, "node 2", &e));
    assert_int_equal(num("SELECT COUNT(*) FROM atrium_journal WHERE error = 'was there already'"),
                     3);
    /* a plan for a table that is gone says: plan again */
    t.n_cols = 6;
    first = plan_of(&t, 1, false);
    sql("DROP TABLE every_default");
    FAILS(store_apply(c, &first, "late", &e), 409, "conflict");
}

static void test_killed_half_way(void **state)
{
    (void)state;
    /* a process is killed at different moments of a migration; the next one
     * takes it up again */
    enum { TABLES = 12 };
    static char names[TABLES][16];
    struct store_table t[TABLES];
    for (int i = 0; i < TABLES; i++) {
        snprintf(names[i], sizeof names[i], "k_%d", i);
        t[i] = table(names[i], every_type, N(every_type));
        t[i].idx = every_index;
        t[i].n_idx = N(every_index);
    }
    int cut_off = 0;
    for (int kill_ms = 2; kill_ms < 40; kill_ms += 7) {
        pid_t pid = fork();
        if (pid == 0) {
            struct store_db *own = store_db_new(&opts);
            struct store_conn *oc;
            struct store_plan p;
            struct err oe;
            err_clear(&oe);
            if (store_get(own, &oc, &oe) != 0 ||
                store_plan(oc, arena_new(0), t, TABLES, false, &p, &oe) != 0 ||
                store_apply(oc, &p, "child", &oe) != 0)
                _exit(1);
            _exit(0);
        }
        usleep((useconds_t)kill_ms * 1000);
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        if (WIFSIGNALED(status)) cut_off++;
        int64_t there = num("SELECT COUNT(*) FROM information_schema.TABLES WHERE "
                            "TABLE_SCHEMA = 'plan' AND TABLE_NAME LIKE 'k\\_%'");
        if (there == TABLES) break;
    }
    assert_true(cut_off > 0);
    migrate(t, TABLES, false);
    assert_int_equal(num("SELECT COUNT(*) FROM information_schema.TABLES WHERE "
                         "TABLE_SCHEMA = 'plan' AND TABLE_NAME LIKE 'k\\_%'"),
                     TABLES);
    assert_int_equal(num("SELECT COUNT(*) FROM atrium_journal WHERE state = 'started'"), 0);
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    /* while somebody holds the lock a plan waits */
    struct store_table t = table("o", every_type, 3);
    struct store_plan p = plan_of(&t, 1, false);
    bool found;
    struct store_val v;
    OK(store_one(c, a, SV("SELECT GET_LOCK(CONCAT('atrium.', SHA1(DATABASE())), 1)"), NULL, 0, &v,
                 1, &found, &e));
    struct store_db *other = store_db_new(&opts);
    struct store_conn *oc;
    OK(store_get(other, &oc, &e));
    int64_t before = clock_mono_us();
    /* the lock ends with its connection, which is killed from the side */
    char text[80];
    OK(store_one(c, a, SV("SELECT CONNECTION_ID()"), NULL, 0, &v, 1, &found, &e));
    snprintf(text, sizeof text, "KILL %lld", (long long)v.u.i);
    pid_t killer = fork();
    if (killer == 0) {
        usleep(300000);
        free(mariadb_sql(server, "plan", text));
        _exit(0);
    }
    OK(store_apply(oc, &p, "waits", &e));
    assert_true(clock_mono_us() - before > 250000);
    int status;
    waitpid(killer, &status, 0);
    store_put(oc);
    store_db_free(other);
    assert_int_equal(num("SELECT COUNT(*) FROM atrium_journal WHERE state = 'done'"), 1);
}

int main(void)
{
    log_init(LOG_WARN, 2);
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)
        T(test_create),       T(test_add_columns),     T(test_rename),         T(test_widen),
        T(test_data_decides), T(test_retire),          T(test_auto_increment), T(test_failing_step),
        T(test_stale_plan),   T(test_killed_half_way), T(test_one_at_a_time),   T(test_costs),
    };
    return cmocka_run_group_tests_name("store plans", tests, set_up, tear_down);
}
