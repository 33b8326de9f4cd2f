/* Unit tests of core/store: statements, values, errors, the statement cache. */
#include "store_test.h"

static struct mariadb *server;
static struct store_db *db;
static struct store_conn *c;
static struct arena *a;
static struct err e;

static int set_up(void **state)
{
    (void)state;
    server = mariadb_start(NULL);
    struct store_db_opts o = mariadb_database(server, "unit");
    o.stmt_cache = 8;
    db = store_db_new(&o);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_db_free(db);
    mariadb_stop(server);
    return 0;
}

static int take(void **state)
{
    (void)state;
    a = arena_new(0);
    OK(store_get(db, &c, &e));
    OK(store_ddl(c, SV("DROP TABLE IF EXISTS t"), &e));
    return 0;
}

static int give(void **state)
{
    (void)state;
    store_put(c);
    arena_free(a);
    return 0;
}

static void one(const char *sql, const struct store_val *args, unsigned n_args,
                struct store_val *row, unsigned n_cols)
{
    bool found = false;
    OK(store_one(c, a, sv_of(sql), args, n_args, row, n_cols, &found, &e));
    if (!found) fail_msg("no row: %s", sql);
}

static int64_t count(const char *sql)
{
    struct store_val v;
    one(sql, NULL, 0, &v, 1);
    assert_int_equal(v.type, STORE_I64);
    return v.u.i;
}

static void test_session(void **state)
{
    (void)state;
    struct store_val v[5];
    one("SELECT @@time_zone, @@tx_isolation, @@character_set_client, @@sql_mode, "
        "@@collation_connection",
        NULL, 0, v, 5);
    assert_true(sv_eqs(v[0].u.s, "+00:00"));
    assert_true(sv_eqs(v[1].u.s, "READ-COMMITTED"));
    assert_true(sv_eqs(v[2].u.s, "utf8mb4"));
    assert_non_null(strstr(v[3].u.s.p, "STRICT_ALL_TABLES"));
    assert_non_null(strstr(v[4].u.s.p, "utf8mb4_"));
}

static void test_integers(void **state)
{
    (void)state;
    OK(store_ddl(c,
                 SV("CREATE TABLE t (i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, "
                    "u16 SMALLINT UNSIGNED, i24 MEDIUMINT, u24 MEDIUMINT UNSIGNED, i32 INT, "
                    "u32 INT UNSIGNED, i64 BIGINT, u64 BIGINT UNSIGNED, y YEAR, b TINYINT(1))"),
                 &e));
    const int64_t rows[3][12] = {
        {-128, 255, -32768, 65535, -8388608, 16777215, INT32_MIN, UINT32_MAX, INT64_MIN, INT64_MAX,
         1901, 0},
        {127, 0, 32767, 0, 8388607, 0, INT32_MAX, 0, INT64_MAX, 0, 2155, 1},
        {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 2026, 1},
    };
    sv insert = SV("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
    for (int r = 0; r < 3; r++) {
        struct store_val args[12];
        for (int i = 0; i < 12; i++)
            args[i] = STORE_I(rows[r][i]);
        uint64_t affected = 0;
        OK(store_exec(c, insert, args, 12, &affected, &e));
        assert_int_equal(affected, 1);
        struct store_val got[12];
        one("SELECT * FROM t WHERE y = ?", &STORE_I(rows[r][10]), 1, got, 12);
        for (int i = 0; i < 12; i++) {
            assert_int_equal(got[i].type, STORE_I64);
            if (got[i].u.i != rows[r][i]) fail_msg("row %d column %d", r, i);
        }
    }
    struct store_val args[12];
    for (int i = 0; i < 12; i++)
        args[i] = STORE_I(0);
    args[9] = STORE_I(-1);
    FAILS(store_exec(c, insert, args, 12, NULL, &e), 500, "internal");
    assert_non_null(strstr(e.detail, "u64"));
}

static void test_text(void **state)
{
    (void)state;
    OK(store_ddl(c,
                 SV("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(100), m MEDIUMTEXT, "
                    "b VARBINARY(100), l MEDIUMBLOB, d DECIMAL(20,4)) CHARSET utf8mb4"),
                 &e));
    size_t big = 5 << 20;
    char *p = malloc(big);
    for (size_t i = 0; i < big; i++)
        p[i] = (char)('a' + i % 26);
    char bytes[6] = {0, 1, '\'', (char)0xff, '\\', 0};
    struct store_val args[6] = {STORE_I(1),
                                STORE_S(SV("\xf0\x9f\x97\xb3 投票 'x' \\ \"")),
                                STORE_S(sv_make(p, big)),
                                STORE_B(sv_make(bytes, sizeof bytes)),
                                STORE_B(sv_make(p, 70000)),
                                STORE_S(SV("-12345678901234.5678"))};
    sv insert = SV("INSERT INTO t VALUES (?,?,?,?,?,?)");
    OK(store_exec(c, insert, args, 6, NULL, &e));
    struct store_val v[6];
    one("SELECT id, s, m, b, l, d FROM t WHERE id = ?", args, 1, v, 6);
    assert_int_equal(v[1].type, STORE_TEXT);
    for (int i = 1; i < 6; i++)
        assert_true(sv_eq(v[i].u.s, args[i].u.s));
    assert_int_equal(v[2].type, STORE_TEXT);
    assert_int_equal(v[3].type, STORE_BLOB);
    assert_int_equal(v[4].type, STORE_BLOB);
    assert_int_equal(v[5].type, STORE_TEXT);
    assert_int_equal(v[1].u.s.p[v[1].u.s.n], 0);

    /* lengths around the steps of the protocol's length coding */
    const size_t steps[] = {0, 1, 250, 251, 252, 255, 256, 65535, 65536, 1 << 24};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t n = steps[i] < big ? steps[i] : big;
        args[0] = STORE_I(10 + (int64_t)i);
        args[1] = STORE_N;
        args[2] = STORE_S(sv_make(p, n));
        OK(store_exec(c, insert, args, 6, NULL, &e));
        one("SELECT id, s, m, b, l, d FROM t WHERE id = ?", args, 1, v, 6);
        assert_int_equal(v[1].type, STORE_NULL);
        assert_true(sv_eq(v[2].u.s, sv_make(p, n)));
        assert_true(sv_eq(v[3].u.s, args[3].u.s));
    }
    /* an empty view is an empty text; NULL is said by STORE_N */
    struct store_val none[2] = {STORE_S(SV_NULL), STORE_I(10)};
    OK(store_exec(c, SV("UPDATE t SET s = ? WHERE id = ?"), none, 2, NULL, &e));
    assert_int_equal(count("SELECT COUNT(*) FROM t WHERE s = ''"), 1);
    assert_int_equal(store_text_or_null(SV_NULL).type, STORE_NULL);
    args[1] = STORE_S(SV("\xff\xfe"));
    args[0] = STORE_I(99);
    FAILS(store_exec(c, insert, args, 6, NULL, &e), 500, "internal");
    free(p);
}

static void test_nulls(void **state)
{
    (void)state;
    /* more columns than the null bitmap's first bytes hold */
    struct buf sql = BUF_HEAP, ins = BUF_HEAP, sel = BUF_HEAP;
    buf_str(&sql, "CREATE TABLE t (id INT PRIMARY KEY");
    buf_str(&ins, "INSERT INTO t VALUES (?");
    buf_str(&sel, "SELECT id");
    for (int i = 0; i < 40; i++) {
        buf_printf(&sql, ", c%d %s", i, i % 3 == 0 ? "BIGINT" : i % 3 == 1 ? "TEXT" : "DOUBLE");
        buf_str(&ins, ",?");
        buf_printf(&sel, ", c%d", i);
    }
    buf_str(&sql, ")");
    buf_str(&ins, ")");
    buf_str(&sel, " FROM t WHERE id = ?");
    buf_chr(&sel, '\0');
    OK(store_ddl(c, buf_view(&sql), &e));
    for (int id = 0; id < 7; id++) {
        struct store_val args[41], got[41];
        args[0] = STORE_I(id);
        for (int i = 0; i < 40; i++) {
            args[i + 1] = (i + id) % 7 == 0 ? STORE_N
                          : i % 3 == 0      ? STORE_I(i * 1000 + id)
                          : i % 3 == 1      ? STORE_S(SV("text"))
                                            : STORE_D(i + 0.5);
        }
        OK(store_exec(c, buf_view(&ins), args, 41, NULL, &e));
        one(sel.p, args, 1, got, 41);
        for (int i = 0; i < 41; i++) {
            assert_int_equal(got[i].type, args[i].type);
            if (got[i].type == STORE_I64) assert_int_equal(got[i].u.i, args[i].u.i);
            if (got[i].type == STORE_F64) assert_true(got[i].u.f == args[i].u.f);
            if (got[i].type == STORE_TEXT) assert_true(sv_eq(got[i].u.s, args[i].u.s));
        }
    }
    buf_free(&sql);
    buf_free(&ins);
    buf_free(&sel);
}

static void test_times(void **state)
{
    (void)state;
    OK(store_ddl(c,
                 SV("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, d6 DATETIME(6), "
                    "d0 DATETIME, d DATE, ts TIMESTAMP(6) NULL, txt VARCHAR(40))"),
                 &e));
    const char *texts[] = {
        "1970-01-01T00:00:00Z",        "1970-01-01T00:00:01.000001Z", "2026-11-20T12:34:56.789012Z",
        "2000-02-29T23:59:59.999999Z", "1900-03-01T00:00:00Z",        "1969-12-31T23:59:59.999999Z",
        "2100-02-28T12:00:00Z",        "0001-01-01T00:00:00Z",        "9999-12-31T23:59:59.999999Z",
        "2024-12-31T00:00:00Z",        "1600-02-29T01:02:03Z",        "2023-03-01T00:00:00.5Z"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t us;
        assert_true(clock_parse(sv_of(texts[i]), &us));
        char text[32];
        size_t n = clock_mysql(us, text);
        int64_t whole = us - ((us % 1000000) + 1000000) % 1000000;
        OK(store_exec(c, SV("INSERT INTO t (d6, d0, d, txt) VALUES (?, ?, ?, ?)"),
                      (struct store_val[]){STORE_T(us), STORE_T(whole), STORE_T(us),
                                           STORE_S(sv_make(text, n))},
                      4, NULL, &e));
        struct store_val v[4];
        one("SELECT d6, d0, d, d6 = txt FROM t ORDER BY id DESC LIMIT 1", NULL, 0, v, 4);
        assert_int_equal(v[0].type, STORE_TIME);
        if (v[0].u.i != us) fail_msg("%s", texts[i]);
        assert_int_equal(v[1].u.i, whole);
        assert_int_equal(v[2].type, STORE_TIME);
        assert_int_equal(v[2].u.i, clock_day(us, 0) * 86400000000LL);
        assert_int_equal(v[3].u.i, 1); /* the server reads it as the same time */
    }
    /* every day of some centuries, there and back */
    sv echo = SV("SELECT CAST(? AS DATETIME(6)), TO_DAYS(?) - 719528");
    for (int64_t day = -200000; day < 200000; day += 997) {
        int64_t us = day * 86400000000LL + 86399999999LL;
        struct store_val v[2], args[2] = {STORE_T(us), STORE_T(us)};
        bool found;
        OK(store_one(c, a, echo, args, 2, v, 2, &found, &e));
        assert_int_equal(v[0].u.i, us);
        assert_int_equal(v[1].u.i, day);
    }
    FAILS(store_exec(c, SV("INSERT INTO t (d6) VALUES (?)"), &STORE_T(INT64_MAX), 1, NULL, &e), 500,
          "internal");
    struct store_val v;
    one("SELECT CAST('-26:01:02.5' AS TIME(6))", NULL, 0, &v, 1);
    assert_int_equal(v.u.i, -((26 * 3600LL + 62) * 1000000 + 500000));
}

static void test_floats(void **state)
{
    (void)state;
    OK(store_ddl(c, SV("CREATE TABLE t (d DOUBLE, f FLOAT)"), &e));
    const double values[] = {0, -0.5, 1.5, 1e300, -1e-300, 3.141592653589793};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct store_val args[2] = {STORE_D(values[i]), STORE_D(0.25)}, v[2];
        OK(store_exec(c, SV("INSERT INTO t VALUES (?, ?)"), args, 2, NULL, &e));
        one("SELECT d, f FROM t", NULL, 0, v, 2);
        assert_true(v[0].u.f == values[i] && v[1].u.f == 0.25);
        OK(store_exec(c, SV("DELETE FROM t"), NULL, 0, NULL, &e));
    }
}

struct seen {
    int n, stop_at;
    int64_t sum;
};

static bool see(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct seen *s = arg;
    assert_int_equal(n_cols, 1);
    s->sum += row[0].u.i;
    return ++s->n != s->stop_at;
}

static bool nested(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(int *)arg = store_exec(c, SV("SELECT 1"), NULL, 0, NULL, &e);
    return true;
}

static void test_rows(void **state)
{
    (void)state;
    struct seen all = {0}, some = {.stop_at = 3}, none = {0};
    sv sql = SV("SELECT seq FROM seq_1_to_5000");
    OK(store_run(c, sql, NULL, 0, see, &all, &e));
    assert_int_equal(all.n, 5000);
    assert_int_equal(all.sum, 5000 * 5001 / 2);
    OK(store_run(c, sql, NULL, 0, see, &some, &e));
    assert_int_equal(some.n, 3);
    OK(store_run(c, sql, NULL, 0, NULL, NULL, &e));
    OK(store_run(c, SV("SELECT seq FROM seq_1_to_5 WHERE seq > 9"), NULL, 0, see, &none, &e));
    assert_int_equal(none.n, 0);
    bool found = true;
    struct store_val v[2];
    OK(store_one(c, a, SV("SELECT 1 FROM DUAL WHERE 1 = 0"), NULL, 0, v, 1, &found, &e));
    assert_false(found);
    FAILS(store_one(c, a, SV("SELECT 1"), NULL, 0, v, 2, &found, &e), 500, "internal");
    FAILS(store_run(c, SV("SELECT ?"), NULL, 0, see, &none, &e), 500, "internal");
    /* a failure in the middle of rows */
    FAILS(store_run(c,
                    SV("SELECT (SELECT seq FROM seq_1_to_9 s WHERE s.seq <= t.seq) "
                       "FROM seq_1_to_3 t"),
                    NULL, 0, see, &none, &e),
          500, "internal");
    /* the connection is taken while rows are read */
    int rc = 0;
    err_clear(&e);
    assert_int_equal(store_run(c, SV("SELECT 1"), NULL, 0, nested, &rc, &e), 0);
    assert_int_equal(rc, -1);
    assert_int_equal(e.status, 500);
    assert_int_equal(count("SELECT 42"), 42);
}

static void test_errors(void **state)
{
    (void)state;
    OK(store_ddl(c,
                 SV("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20), "
                    "UNIQUE KEY uq_a_b (a, b))"),
                 &e));
    sv insert = SV("INSERT INTO t VALUES (?, ?, ?)");
    struct store_val args[3] = {STORE_I(1), STORE_S(SV("x' for key 'y")), STORE_S(SV("z"))};
    OK(store_exec(c, insert, args, 3, NULL, &e));
    FAILS(store_exec(c, insert, args, 3, NULL, &e), 409, "duplicate");
    assert_string_equal(store_dup_key(c), "PRIMARY");
    args[0] = STORE_I(2);
    FAILS(store_exec(c, insert, args, 3, NULL, &e), 409, "duplicate");
    assert_string_equal(store_dup_key(c), "uq_a_b");
    assert_non_null(strstr(e.detail, "uq_a_b"));
    assert_null(strstr(e.detail, "x'")); /* the value is nobody's business */
    assert_false(store_retryable(c));
    FAILS(store_exec(c, SV("INSERT INTO nowhere VALUES (1)"), NULL, 0, NULL, &e), 500, "internal");
    FAILS(store_ddl(c, SV("CREATE TABLE t (x INT)"), &e), 500, "internal");
    FAILS(store_exec(c, SV("SELEC 1"), NULL, 0, NULL, &e), 500, "internal");
    args[1] = STORE_S(SV("longer than twenty characters"));
    FAILS(store_exec(c, insert, args, 3, NULL, &e), 500, "internal");
    assert_int_equal(count("SELECT COUNT(*) FROM t"), 1);
}

static void test_disk_full(void **state)
{
    (void)state;
    /* the server says "table is full" of a table in memory as of one on a full disk */
    OK(store_ddl(c, SV("SET SESSION max_heap_table_size = 16384"), &e));
    OK(store_ddl(c, SV("CREATE TABLE t (b CHAR(200)) ENGINE=MEMORY"), &e));
    err_clear(&e);
    int n = 0;
    while (n < 10000 &&
           store_exec(c, SV("INSERT INTO t VALUES (?)"), &STORE_S(SV("x")), 1, NULL, &e) == 0)
        n++;
    assert_int_equal(e.status, 507);
    assert_string_equal(e.code, "disk_full");
    assert_int_equal(count("SELECT COUNT(*) FROM t"), n);
}

static void test_cache(void **state)
{
    (void)state;
    /* eight statements are kept; a hundred go round, and all go on working */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            char sql[64];
            snprintf(sql, sizeof sql, "SELECT %d + ?", i);
            struct store_val v;
            one(sql, &STORE_I(round), 1, &v, 1);
            assert_int_equal(v.u.i, i + round);
        }
    }
    struct store_val v[2];
    one("SHOW STATUS LIKE 'Prepared_stmt_count'", NULL, 0, v, 2);
    int64_t open = strtoll(v[1].u.s.p, NULL, 10);
    assert_in_range(open, 8, 9);
    /* the same one is not prepared again */
    one("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'", NULL, 0, v, 2);
    int64_t before = strtoll(v[1].u.s.p, NULL, 10);
    for (int i = 0; i < 20; i++)
        count("SELECT 7");
    one("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'", NULL, 0, v, 2);
    assert_int_equal(strtoll(v[1].u.s.p, NULL, 10), before + 1);
    /* the server's limit over all connections */
    free(mariadb_sql(server, NULL, "SET GLOBAL max_prepared_stmt_count = 8"));
    for (int i = 0; i < 20; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT %d - 1", i);
        assert_int_equal(count(sql), i - 1);
    }
    free(mariadb_sql(server, NULL, "SET GLOBAL max_prepared_stmt_count = 16382"));
}

static void test_table_changes(void **state)
{
    (void)state;
    /* a prepared statement lives through an ALTER of its table */
    OK(store_ddl(c, SV("CREATE TABLE t (x INT)"), &e));
    OK(store_exec(c, SV("INSERT INTO t VALUES (5)"), NULL, 0, NULL, &e));
    struct store_val v[2];
    one("SELECT * FROM t", NULL, 0, v, 1);
    assert_int_equal(v[0].u.i, 5);
    OK(store_ddl(c, SV("ALTER TABLE t MODIFY x VARCHAR(10)"), &e));
    one("SELECT * FROM t", NULL, 0, v, 1);
    assert_true(sv_eqs(v[0].u.s, "5"));
    OK(store_ddl(c, SV("ALTER TABLE t ADD y DOUBLE DEFAULT 2.5"), &e));
    one("SELECT * FROM t", NULL, 0, v, 2);
    assert_true(sv_eqs(v[0].u.s, "5") && v[1].u.f == 2.5);
    OK(store_ddl(c, SV("ALTER TABLE t DROP y"), &e));
    one("SELECT * FROM t", NULL, 0, v, 1);
    OK(store_ddl(c, SV("DROP TABLE t"), &e));
    bool found;
    FAILS(store_one(c, a, SV("SELECT * FROM t"), NULL, 0, v, 1, &found, &e), 500, "internal");
}

static void test_insert_many(void **state)
{
    (void)state;
    OK(store_ddl(c, SV("CREATE TABLE t (id INT PRIMARY KEY, s MEDIUMTEXT NOT NULL)"), &e));
    static struct store_val args[3000];
    static char big[3 << 20];
    memset(big, 'b', sizeof big);
    const size_t sizes[] = {0, 1, 2, 3, 255, 256, 257, 1000, 1500};
    sv head = SV("INSERT INTO t (id, s) VALUES "), tail = SV(" ON DUPLICATE KEY UPDATE id = id");
    int64_t there = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (size_t i = 0; i < sizes[k]; i++) {
            args[i * 2] = STORE_I((int64_t)i);
            args[i * 2 + 1] = STORE_S(SV("text"));
        }
        uint64_t affected = 99;
        OK(store_insert(c, head, tail, args, 2, sizes[k], &affected, &e));
        int64_t more = (int64_t)sizes[k] > there ? (int64_t)sizes[k] - there : 0;
        assert_int_equal(affected, more);
        there += more;
        assert_int_equal(count("SELECT COUNT(*) FROM t"), there);
    }
    assert_int_equal(count("SELECT SUM(id) DIV 1 FROM t"), 1499 * 1500 / 2);
    /* rows too large to go together */
    for (int i = 0; i < 12; i++) {
        args[i * 2] = STORE_I(5000 + i);
        args[i * 2 + 1] = STORE_S(sv_make(big, sizeof big));
    }
    OK(store_insert(c, head, SV(""), args, 2, 12, NULL, &e));
    assert_int_equal(count("SELECT COUNT(*) FROM t WHERE LENGTH(s) = 3145728"), 12);
    FAILS(store_insert(c, head, SV(""), args, 2, 12, NULL, &e), 409, "duplicate");
}

static void test_ident(void **state)
{
    (void)state;
    struct buf b = BUF_HEAP;
    store_ident(&b, "vote_poll2");
    assert_true(sv_eqs(buf_view(&b), "`vote_poll2`"));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, take, give)
        T(test_session),   T(test_integers), T(test_text),          T(test_nulls),
        T(test_times),     T(test_floats),   T(test_rows),          T(test_errors),
        T(test_disk_full), T(test_cache),    T(test_table_changes), T(test_insert_many),
        T(test_ident),
    };
    return cmocka_run_group_tests_name("store statements", tests, set_up, tear_down);
}
