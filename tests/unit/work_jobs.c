/* Unit tests of core/work: durable jobs and schedules, on a real MariaDB. */
#include <pthread.h>
#include <stdatomic.h>

#include "store_test.h"
#include "work/work.h"

#define HOUR_US (3600 * 1000000LL)

static struct mariadb *server;
static struct store_db *db[2]; /* two tenants */
static const char *const names[2] = {"jobs1", "jobs2"};
static struct work_pool *pool;
static struct arena *a;
static struct err e;

/* What the handler saw and shall do. */
static struct {
    _Atomic int runs, ended, inside;
    _Atomic int fail_until; /* attempts that fail */
    _Atomic bool hold;      /* wait with progress until released or cancelled */
    _Atomic bool stopped;   /* progress said no */
    _Atomic int per_kind[4];
    pthread_mutex_t lock;
    char order[64], payload[200];
    void *tenant;
    int64_t last_id;
    int attempt;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int run_job(void *arg, struct work_job *job, struct err *err)
{
    (void)arg;
    atomic_fetch_add(&seen.runs, 1);
    atomic_fetch_add(&seen.inside, 1);
    pthread_mutex_lock(&seen.lock);
    size_t n = strlen(seen.order);
    if (job->payload.n && n < sizeof seen.order - 1) seen.order[n] = job->payload.p[0];
    snprintf(seen.payload, sizeof seen.payload, "%.*s", SVARG(job->payload));
    seen.tenant = job->tenant;
    seen.last_id = job->id;
    seen.attempt = job->attempt;
    pthread_mutex_unlock(&seen.lock);
    if (sv_starts(job->kind, SV("t.k"))) atomic_fetch_add(&seen.per_kind[job->kind.p[3] - '0'], 1);
    int rc = 0;
    while (atomic_load(&seen.hold) && rc == 0) {
        usleep(5000);
        if (!work_job_progress(job, 42)) {
            atomic_store(&seen.stopped, true);
            rc = err_set(err, 409, "conflict", NULL);
        }
    }
    arena_reset(job->arena);
    if (rc == 0 && job->attempt <= atomic_load(&seen.fail_until)) {
        err_detail(err, "attempt %d", job->attempt);
        rc = err_set(err, 500, "internal", NULL);
    }
    atomic_fetch_sub(&seen.inside, 1);
    atomic_fetch_add(&seen.ended, 1);
    return rc;
}

static void tenants(void *arg, bool (*fn)(void *ctx, void *tenant, struct store_db *db), void *ctx)
{
    (void)arg;
    for (int i = 0; i < 2; i++)
        if (!fn(ctx, (void *)names[i], db[i])) return;
}

static struct work_jobs *start(const char *node, unsigned lease_s)
{
    struct work_jobs_opts o = {.pool = pool,
                               .max_running = 4,
                               .poll_ms = 50,
                               .node = node,
                               .lease_s = lease_s,
                               .tenants = tenants,
                               .run = run_job};
    err_clear(&e);
    struct work_jobs *j = work_jobs_start(&o, &e);
    assert_non_null(j);
    return j;
}

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
    a = arena_new(0);
    for (int i = 0; i < 2; i++) {
        struct store_db_opts o = mariadb_database(server, names[i]);
        db[i] = store_db_new(&o);
        size_t n;
        const struct store_table *t = work_tables(&n);
        struct store_plan p;
        struct store_conn *c;
        OK(store_get(db[i], &c, &e));
        OK(store_plan(c, a, t, n, false, &p, &e));
        OK(store_apply(c, &p, "test", &e));
        OK(store_plan(c, a, t, n, false, &p, &e));
        assert_int_equal(p.n, 0);
        store_put(c);
    }
    pool = work_pool_start(8, 64);
    seen.runs = seen.ended = seen.inside = seen.fail_until = 0;
    seen.hold = seen.stopped = false;
    memset(seen.order, 0, sizeof seen.order);
    for (int i = 0; i < 4; i++)
        seen.per_kind[i] = 0;
    clock_set_offset_us(0);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    clock_set_offset_us(0);
    work_pool_stop(pool, 5000);
    for (int i = 0; i < 2; i++)
        store_db_free(db[i]);
    arena_free(a);
    return 0;
}

static int64_t add_to(int tenant, struct work_add add)
{
    struct store_conn *c;
    int64_t id = 0;
    if (!add.kind.p) add.kind = SV("t.job");
    if (!add.payload.p) add.payload = SV("{}");
    OK(store_get(db[tenant], &c, &e));
    OK(work_job_add(c, &add, &id, &e));
    store_put(c);
    return id;
}
#define ADD(...) add_to(0, (struct work_add){__VA_ARGS__})

static int64_t num(const char *sql)
{
    return sql_i64(server, names[0], sql);
}

static void is_state(int64_t id, const char *want)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT state FROM core_job WHERE id = %lld", (long long)id);
    for (int i = 0;; i++) {
        char *got = mariadb_sql(server, names[0], sql);
        bool same = got && strcmp(got, want) == 0;
        if (!same && i > 1000) fail_msg("job is %s, not %s", got, want);
        free(got);
        if (same) return;
        usleep(5000);
    }
}

static void wait_for(_Atomic int *what, int value)
{
    for (int i = 0; atomic_load(what) < value; i++) {
        if (i > 20000) fail_msg("%d, waited for %d", atomic_load(what), value);
        usleep(500);
    }
}

static void test_run(void **state)
{
    (void)state;
    struct work_jobs *j = start("n1", 0);
    int64_t id = ADD(.kind = SV("vote.count"), .payload = SV("{\"poll\": \"投票\"}"));
    work_jobs_wake(j);
    is_state(id, "done");
    assert_string_equal(seen.payload, "{\"poll\": \"投票\"}");
    assert_ptr_equal(seen.tenant, names[0]);
    assert_int_equal(seen.last_id, id);
    assert_int_equal(num("SELECT progress = 100 AND node IS NULL AND attempt = 1 AND error IS NULL "
                         "AND ended_at >= started_at FROM core_job"),
                     1);
    /* without a wake-up the poll finds it; the other tenant is served as well */
    add_to(1, (struct work_add){.payload = SV("other")});
    wait_for(&seen.ended, 2);
    assert_ptr_equal(seen.tenant, names[1]);
    work_jobs_stop(j, 5000);
}

static void test_key(void **state)
{
    (void)state;
    int64_t one = ADD(.key = SV("k\xe9y")), same = ADD(.key = SV("k\xe9y"));
    int64_t upper = ADD(.key = SV("K\xe9Y")),
            kind = ADD(.kind = SV("t.other"), .key = SV("k\xe9y"));
    assert_true(one == same && one != upper && one != kind);
    assert_true(ADD(.priority = 0) != ADD(.priority = 0));
    /* inside the caller's transaction: it comes and goes with it */
    struct store_conn *c;
    int64_t id, again;
    struct work_add add = {.kind = SV("t.job"), .payload = SV("{}"), .key = SV("in tx")};
    OK(store_get(db[0], &c, &e));
    OK(store_begin(c, &e));
    OK(work_job_add(c, &add, &id, &e));
    OK(work_job_add(c, &add, &again, &e));
    assert_int_equal(id, again);
    assert_true(store_in_tx(c));
    store_rollback(c);
    assert_int_equal(num("SELECT COUNT(*) FROM core_job WHERE ukey = 'in tx'"), 0);
    static char longer[400];
    memset(longer, 'x', sizeof longer);
    add.key = sv_make(longer, 191);
    FAILS(work_job_add(c, &add, &id, &e), 500, "internal");
    store_put(c);
}

static void test_order(void **state)
{
    (void)state;
    /* one at a time, by priority, then by time */
    int64_t now = clock_now_us();
    ADD(.payload = SV("4"), .run_at_us = now - 10);
    ADD(.payload = SV("5"), .run_at_us = now - 5);
    ADD(.payload = SV("6"), .priority = -3, .run_at_us = now - 100);
    ADD(.payload = SV("2"), .priority = 5, .run_at_us = now - 8);
    ADD(.payload = SV("3"), .priority = 5, .run_at_us = now - 4);
    ADD(.payload = SV("1"), .priority = 9);
    ADD(.payload = SV("x"), .priority = 9, .run_at_us = now + HOUR_US);
    struct work_jobs_opts o = {.pool = pool,
                               .max_running = 1,
                               .poll_ms = 50,
                               .node = "n",
                               .tenants = tenants,
                               .run = run_job};
    struct work_jobs *j = work_jobs_start(&o, &e);
    wait_for(&seen.ended, 6);
    usleep(120000);
    assert_int_equal(seen.runs, 6); /* the one of the future is not */
    clock_set_offset_us(2 * HOUR_US);
    wait_for(&seen.ended, 7);
    work_jobs_stop(j, 5000);
    assert_string_equal(seen.order, "123456x");
}

static void test_retry(void **state)
{
    (void)state;
    struct work_jobs *j = start("n1", 0);
    atomic_store(&seen.fail_until, 2);
    int64_t id = ADD(.max_attempts = 5);
    is_state(id, "failed");
    assert_int_equal(num("SELECT attempt = 1 AND error = 'internal: attempt 1' AND "
                         "TIMESTAMPDIFF(MICROSECOND, ended_at, due_at) BETWEEN 3700000 AND 6300000 "
                         "FROM core_job"),
                     1);
    usleep(150000);
    assert_int_equal(seen.runs, 1); /* not before its time */
    clock_set_offset_us(10 * 1000000);
    wait_for(&seen.ended, 2);
    is_state(id, "failed");
    clock_set_offset_us(40 * 1000000);
    is_state(id, "done");
    assert_int_equal(seen.runs, 3);
    /* no attempts left: kept as dead, with the reason */
    clock_set_offset_us(0);
    atomic_store(&seen.fail_until, 100);
    id = ADD(.max_attempts = 2);
    work_jobs_wake(j);
    is_state(id, "failed");
    clock_set_offset_us(HOUR_US);
    is_state(id, "dead");
    usleep(150000);
    assert_int_equal(seen.runs, 5);
    assert_int_equal(num("SELECT COUNT(*) FROM core_job WHERE state = 'dead' AND "
                         "error = 'internal: attempt 2'"),
                     1);
    work_jobs_stop(j, 5000);
}

static void test_cancel(void **state)
{
    (void)state;
    struct work_jobs *j = start("n1", 0);
    atomic_store(&seen.hold, true);
    int64_t id = ADD(.priority = 0);
    work_jobs_wake(j);
    wait_for(&seen.inside, 1);
    is_state(id, "running");
    for (int i = 0; num("SELECT progress FROM core_job") != 42; i++) {
        assert_true(i < 1000);
        usleep(5000);
    }
    free(mariadb_sql(server, names[0], "UPDATE core_job SET state = 'cancelled'"));
    wait_for(&seen.ended, 1);
    assert_true(seen.stopped);
    usleep(50000);
    is_state(id, "cancelled"); /* its end does not overwrite that */
    work_jobs_stop(j, 5000);
}

static void test_stop(void **state)
{
    (void)state;
    struct work_jobs *j = start("n1", 0);
    atomic_store(&seen.hold, true);
    int64_t id = ADD(.max_attempts = 1);
    work_jobs_wake(j);
    wait_for(&seen.inside, 1);
    work_jobs_stop(j, 5000);
    /* put back, not counted */
    is_state(id, "queued");
    assert_int_equal(num("SELECT attempt FROM core_job"), 0);
    atomic_store(&seen.hold, false);
    j = start("n2", 0);
    is_state(id, "done");
    work_jobs_stop(j, 5000);
}

static void test_lease(void **state)
{
    (void)state;
    /* a node that vanished in the middle of two jobs, one of them its last try */
    int64_t id = ADD(.max_attempts = 3), last = ADD(.max_attempts = 1);
    free(mariadb_sql(server, names[0],
                     "UPDATE core_job SET state = 'running', node = 'gone', attempt = 1, "
                     "due_at = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND"));
    struct work_jobs *j = start("n1", 60);
    usleep(150000);
    assert_int_equal(seen.runs, 0);
    clock_set_offset_us(31 * 1000000);
    is_state(id, "done");
    is_state(last, "dead");
    assert_int_equal(seen.runs, 1);
    assert_int_equal(seen.attempt, 2);
    work_jobs_stop(j, 5000);
}

static void test_take_over(void **state)
{
    (void)state;
    /* A process of the same node that is dead (pids end below four million), one of
     * another node, and one that lives: ours. Only the first goes on at once. */
    int64_t dead = ADD(.max_attempts = 3), other = ADD(.max_attempts = 3),
            alive = ADD(.max_attempts = 3);
    char sql[400];
    snprintf(sql, sizeof sql,
             "UPDATE core_job SET state = 'running', attempt = 1, "
             "due_at = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, "
             "node = CASE id WHEN %lld THEN 'n1:4194305' WHEN %lld THEN 'n11:4194305' "
             "ELSE 'n1:%d' END",
             (long long)dead, (long long)other, (int)getpid());
    free(mariadb_sql(server, names[0], sql));
    struct work_jobs *j = start("n1", 60);
    is_state(dead, "done");
    usleep(100000);
    is_state(other, "running");
    is_state(alive, "running");
    assert_int_equal(seen.runs, 1);
    work_jobs_stop(j, 5000);
}

static void test_lease_kept(void **state)
{
    (void)state;
    /* longer than its lease, without a word: the jobs thread keeps it */
    struct work_jobs *j = start("n1", 1), *other = start("n2", 1);
    atomic_store(&seen.hold, true);
    int64_t id = ADD(.priority = 0);
    work_jobs_wake(j);
    wait_for(&seen.inside, 1);
    usleep(2500000);
    assert_int_equal(seen.runs, 1);
    /* somebody else has it now: the first one learns of it */
    free(mariadb_sql(server, names[0],
                     "UPDATE core_job SET attempt = 2, node = 'n3', "
                     "due_at = due_at + INTERVAL 1 HOUR"));
    wait_for(&seen.ended, 1);
    assert_true(seen.stopped);
    is_state(id, "running");
    work_jobs_stop(j, 5000);
    work_jobs_stop(other, 5000);
}

static void test_two_nodes(void **state)
{
    (void)state;
    enum { N = 400 };
    struct store_conn *c;
    OK(store_get(db[0], &c, &e));
    for (int i = 0; i < N; i++) {
        struct work_add add = {.kind = i % 2 ? SV("t.k1") : SV("t.k2"), .payload = SV("{}")};
        int64_t id;
        OK(work_job_add(c, &add, &id, &e));
    }
    store_put(c);
    struct work_jobs *j[2] = {start("n1", 0), start("n2", 0)};
    wait_for(&seen.ended, N);
    usleep(100000);
    assert_int_equal(seen.runs, N); /* each once */
    assert_int_equal(seen.per_kind[1], N / 2);
    for (int i = 0; i < 2; i++)
        work_jobs_stop(j[i], 5000);
    assert_int_equal(num("SELECT COUNT(*) FROM core_job WHERE state = 'done'"), N);
}

static void test_full_pool(void **state)
{
    (void)state;
    /* requests have taken the whole pool: the job goes back, uncounted */
    struct work_pool *whole = pool;
    pool = work_pool_start(1, 16);
    struct work_jobs *j = start("n1", 0);
    atomic_store(&seen.hold, true);
    for (int i = 0; i < 3; i++)
        ADD(.max_attempts = 1);
    wait_for(&seen.inside, 1);
    usleep(100000);
    atomic_store(&seen.hold, false);
    wait_for(&seen.ended, 3);
    work_jobs_stop(j, 5000);
    work_pool_stop(pool, 5000);
    pool = whole;
    assert_int_equal(num("SELECT COUNT(*) FROM core_job WHERE state = 'done'"), 3);
}

static void test_purge(void **state)
{
    (void)state;
    ADD(.priority = 0);
    int64_t dead = ADD(.priority = 0);
    int64_t fresh_one = ADD(.priority = 0);
    free(mariadb_sql(server, names[0],
                     "UPDATE core_job SET state = 'done', "
                     "due_at = UTC_TIMESTAMP(6) - INTERVAL 8 DAY"));
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE core_job SET state = 'dead' WHERE id = %lld",
             (long long)dead);
    free(mariadb_sql(server, names[0], sql));
    snprintf(sql, sizeof sql, "UPDATE core_job SET due_at = UTC_TIMESTAMP(6) WHERE id = %lld",
             (long long)fresh_one);
    free(mariadb_sql(server, names[0], sql));
    struct work_jobs *j = start("n1", 0);
    for (int i = 0; num("SELECT COUNT(*) FROM core_job") != 2; i++) {
        assert_true(i < 200);
        usleep(10000);
    }
    is_state(dead, "dead");
    is_state(fresh_one, "done");
    work_jobs_stop(j, 5000);
}

static void test_database_away(void **state)
{
    (void)state;
    struct work_jobs *j = start("n1", 0);
    ADD(.priority = 0);
    work_jobs_wake(j);
    wait_for(&seen.ended, 1);
    usleep(50000);
    mariadb_kill(server);
    usleep(300000);
    mariadb_restart(server);
    usleep(1100000); /* until the circuit has asked again */
    int64_t id = ADD(.priority = 0);
    is_state(id, "done");
    work_jobs_stop(j, 5000);
}

/* ---- schedules ------------------------------------------------------------------- */

/* Moves the clock to five seconds past a whole minute, `minutes` after the one
 * that is now, so that no minute passes by itself during the test. */
static void move_clock(int64_t minutes)
{
    static int64_t offset;
    if (minutes == 0) offset = 0;
    int64_t now = clock_now_us(), minute = 60 * 1000000;
    offset += now / minute * minute + minutes * minute + 5 * 1000000 - now;
    clock_set_offset_us(offset);
}

static void test_schedule(void **state)
{
    (void)state;
    struct work_jobs *j[2] = {start("n1", 0), start("n2", 0)};
    move_clock(0);
    const struct work_schedule s[] = {
        {(void *)names[0], db[0], SV("t.every"), SV("t.k1"), SV("* * * * *"), 0},
        {(void *)names[0], db[0], SV("t.never"), SV("t.k2"), SV("0 0 29 2 *"), 480},
    };
    for (int i = 0; i < 2; i++)
        OK(work_jobs_set_schedules(j[i], s, 2, &e));
    usleep(300000);
    assert_int_equal(seen.runs, 0); /* a new one begins now */
    move_clock(1);
    wait_for(&seen.ended, 1);
    usleep(300000);
    assert_int_equal(seen.runs, 1); /* one run, by two nodes */
    assert_non_null(strstr(seen.payload, "\"schedule\":\"t.every\""));
    assert_non_null(strstr(seen.payload, ":00Z\""));
    for (int i = 0; i < 2; i++)
        work_jobs_stop(j[i], 5000);
    /* away for three hours: it comes once, for the latest time */
    move_clock(180);
    j[0] = start("n1", 0);
    OK(work_jobs_set_schedules(j[0], s, 2, &e));
    wait_for(&seen.ended, 2);
    usleep(300000);
    assert_int_equal(seen.runs, 2);
    assert_int_equal(num("SELECT COUNT(*) FROM core_job WHERE kind = 't.k1' AND "
                         "ukey LIKE 't.every@20%:00Z'"),
                     2);
    /* another set: the old ones are forgotten; a bad one changes nothing */
    const struct work_schedule bad[] = {
        {(void *)names[0], db[0], SV("t.bad"), SV("t.k3"), SV("61 * * * *"), 0}};
    FAILS(work_jobs_set_schedules(j[0], bad, 1, &e), 422, "bad_cron");
    OK(work_jobs_set_schedules(j[0], s + 1, 1, &e));
    usleep(100000);
    move_clock(120);
    usleep(300000);
    assert_int_equal(seen.runs, 2);
    work_jobs_stop(j[0], 5000);
}

static void test_loose_scan(void **state)
{
    (void)state;
    /* the question asked every second must not read the whole table */
    free(mariadb_sql(
        server, names[0],
        "INSERT INTO core_job (id, kind, payload, state, priority, due_at, max_attempts, "
        "created_at) SELECT seq, 't.job', '{}', IF(seq % 3, 'done', 'queued'), seq % 2, "
        "'2100-01-01' - INTERVAL seq SECOND, 3, '2026-01-01' FROM seq_1_to_30000"));
    free(mariadb_sql(server, names[0], "ANALYZE TABLE core_job"));
    struct store_conn *c;
    OK(store_get(db[0], &c, &e));
    OK(store_ddl(c, SV("FLUSH STATUS"), &e));
    OK(store_exec(c,
                  SV("SELECT state, priority, MIN(due_at) FROM core_job "
                     "GROUP BY state, priority ORDER BY priority DESC, state"),
                  NULL, 0, NULL, &e));
    struct store_val v;
    bool found;
    OK(store_one(c, a,
                 SV("SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM "
                    "information_schema.SESSION_STATUS WHERE VARIABLE_NAME IN "
                    "('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_RND_NEXT')"),
                 NULL, 0, &v, 1, &found, &e));
    store_put(c);
    if (v.u.i > 100) fail_msg("%lld rows read", (long long)v.u.i);
}

int main(void)
{
    log_init(LOG_ERROR, 2);
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, finish)
        T(test_run),       T(test_key),        T(test_order), T(test_retry),
        T(test_cancel),    T(test_stop),       T(test_lease), T(test_lease_kept),
        T(test_two_nodes), T(test_full_pool),  T(test_purge), T(test_database_away),
        T(test_schedule),  T(test_loose_scan),  T(test_take_over),
    };
    return cmocka_run_group_tests_name("work jobs", tests, set_up, tear_down);
}
