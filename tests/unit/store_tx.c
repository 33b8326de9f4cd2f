/* Unit tests of core/store: the pool, transactions, a server that goes away. */
#include <pthread.h>
#include <stdatomic.h>

#include "store_test.h"

static struct mariadb *server;
static struct store_db_opts opts;
static struct store_db *db;
static struct err e;

static int set_up(void **state)
{
    (void)state;
    server = mariadb_start(NULL);
    opts = mariadb_database(server, "tx");
    opts.max_conns = 4;
    opts.wait_ms = 300;
    free(mariadb_sql(server, "tx", "CREATE TABLE t (id INT PRIMARY KEY, v BIGINT NOT NULL)"));
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
    free(mariadb_sql(server, "tx", "DELETE FROM t"));
    free(mariadb_sql(server, "tx", "INSERT INTO t VALUES (1, 0), (2, 0)"));
    db = store_db_new(&opts);
    return 0;
}

static int done(void **state)
{
    (void)state;
    store_db_free(db);
    return 0;
}

static int64_t num(const char *text)
{
    return sql_i64(server, "tx", text);
}

static struct store_conn *get(void)
{
    struct store_conn *c;
    OK(store_get(db, &c, &e));
    return c;
}

static int64_t connection_id(struct store_conn *c)
{
    struct store_val v;
    bool found;
    struct arena *a = arena_new(0);
    OK(store_one(c, a, SV("SELECT CONNECTION_ID()"), NULL, 0, &v, 1, &found, &e));
    arena_free(a);
    return v.u.i;
}

static void kill_connection(int64_t id)
{
    char sql[64];
    snprintf(sql, sizeof sql, "KILL %lld", (long long)id);
    free(mariadb_sql(server, NULL, sql));
}

/* ---- pool ------------------------------------------------------------------ */

static void test_pool(void **state)
{
    (void)state;
    struct store_conn *c[4], *more;
    for (int i = 0; i < 4; i++)
        c[i] = get();
    int64_t before = clock_mono_us();
    FAILS(store_get(db, &more, &e), 503, "overloaded");
    assert_in_range(clock_mono_us() - before, 280000, 5000000);
    assert_int_equal(e.retry_after, 1);
    int64_t last = connection_id(c[2]);
    assert_ptr_equal(store_conn_db(c[2]), db);
    store_put(c[1]);
    store_put(c[2]);
    /* the one last given back comes first */
    more = get();
    assert_int_equal(connection_id(more), last);
    store_put(more);
    store_put(c[0]);
    store_put(c[3]);
    struct store_db_stats s;
    store_db_stats(db, &s);
    assert_int_equal(s.open, 4);
    assert_int_equal(s.idle, 4);
    assert_int_equal(s.connects, 4);
    assert_int_equal(s.waits, 1);
    store_db_trim(db, 60000);
    store_db_stats(db, &s);
    assert_int_equal(s.open, 4);
    store_db_trim(db, 0);
    store_db_stats(db, &s);
    assert_int_equal(s.open, 0);
    more = get();
    store_put(more);
}

struct crowd {
    _Atomic int failed, rounds;
};

static void *use_pool(void *arg)
{
    struct crowd *crowd = arg;
    struct err te;
    for (int i = 0; i < 100; i++) {
        struct store_conn *c;
        err_clear(&te);
        if (store_get(db, &c, &te) != 0) {
            atomic_fetch_add(&crowd->failed, 1);
            continue;
        }
        if (store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = ?"), &STORE_I(1 + i % 2), 1, NULL,
                       &te) != 0)
            atomic_fetch_add(&crowd->failed, 1);
        store_put(c);
        atomic_fetch_add(&crowd->rounds, 1);
    }
    return NULL;
}

static void test_crowd(void **state)
{
    (void)state;
    /* many threads, few connections: everybody has his turn */
    struct crowd crowd = {0};
    pthread_t t[16];
    for (int i = 0; i < 16; i++)
        pthread_create(&t[i], NULL, use_pool, &crowd);
    for (int i = 0; i < 16; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(num("SELECT SUM(v) FROM t"), 1600);
    struct store_db_stats s;
    store_db_stats(db, &s);
    assert_true(s.open <= 4 && s.idle == s.open);
}

static void test_bad_account(void **state)
{
    (void)state;
    struct store_db_opts o = opts;
    o.user = "nobody";
    struct store_db *bad = store_db_new(&o);
    struct store_conn *c;
    FAILS(store_get(bad, &c, &e), 503, "unavailable");
    assert_non_null(strstr(e.detail, "nobody"));
    store_db_free(bad);
    o = opts;
    o.socket = NULL;
    o.host = "127.0.0.1";
    o.port = 1;
    bad = store_db_new(&o);
    FAILS(store_get(bad, &c, &e), 503, "unavailable");
    int64_t before = clock_mono_us();
    FAILS(store_get(bad, &c, &e), 503, "unavailable"); /* the circuit is open */
    assert_true(clock_mono_us() - before < 200000);
    store_db_free(bad);
}

static void test_tls(void **state)
{
    (void)state;
    struct store_db_opts o = opts;
    struct store_conn *c;
    o.tls = true;
    /* asked for, not offered: never in the clear instead */
    struct store_db *plain = store_db_new(&o);
    FAILS(store_get(plain, &c, &e), 503, "unavailable");
    store_db_free(plain);

    char cert[128], key[128], cmd[600], ssl_cert[160], ssl_key[160];
    snprintf(cert, sizeof cert, "%s/cert", mariadb_dir(server));
    snprintf(key, sizeof key, "%s/key", mariadb_dir(server));
    snprintf(cmd, sizeof cmd,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s -out %s >/dev/null 2>&1",
             key, cert);
    assert_int_equal(system(cmd), 0);
    snprintf(ssl_cert, sizeof ssl_cert, "--ssl-cert=%s", cert);
    snprintf(ssl_key, sizeof ssl_key, "--ssl-key=%s", key);
    struct mariadb *secure = mariadb_start((const char *const[]){ssl_cert, ssl_key, NULL});
    o = mariadb_database(secure, "tls");
    o.tls = true;
    /* by nobody known: refused */
    struct store_db *unknown = store_db_new(&o);
    FAILS(store_get(unknown, &c, &e), 503, "unavailable");
    if (!strstr(e.detail, "certificate") && !strstr(e.detail, "TLS")) fail_msg("%s", e.detail);
    store_db_free(unknown);
    o.tls_ca = cert;
    struct store_db *known = store_db_new(&o);
    OK(store_get(known, &c, &e));
    struct arena *a = arena_new(0);
    struct store_val v[2];
    bool found;
    OK(store_one(c, a, SV("SHOW STATUS LIKE 'Ssl_cipher'"), NULL, 0, v, 2, &found, &e));
    assert_true(v[1].u.s.n > 0);
    arena_free(a);
    store_put(c);
    store_db_free(known);
    mariadb_stop(secure);
}

/* ---- transactions ------------------------------------------------------------ */

static void test_commit_and_rollback(void **state)
{
    (void)state;
    struct store_conn *c = get();
    sv set = SV("UPDATE t SET v = ? WHERE id = 1");
    OK(store_begin(c, &e));
    assert_true(store_in_tx(c));
    FAILS(store_begin(c, &e), 500, "internal");
    OK(store_exec(c, set, &STORE_I(5), 1, NULL, &e));
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 0);
    FAILS(store_ddl(c, SV("CREATE TABLE u (x INT)"), &e), 500, "internal");
    OK(store_commit(c, &e));
    assert_false(store_in_tx(c));
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 5);
    FAILS(store_commit(c, &e), 500, "internal");
    OK(store_begin(c, &e));
    OK(store_exec(c, set, &STORE_I(6), 1, NULL, &e));
    store_rollback(c);
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 5);
    /* given back open: rolled back, and nothing of it left for the next user */
    OK(store_begin(c, &e));
    OK(store_exec(c, set, &STORE_I(7), 1, NULL, &e));
    store_put(c);
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 5);
    c = get();
    assert_false(store_in_tx(c));
    OK(store_exec(c, set, &STORE_I(8), 1, NULL, &e));
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 8);
    store_put(c);
}

struct transfer {
    int from, to;
    pthread_barrier_t *both;
    int runs;
};

static int transfer(void *arg, struct store_conn *c, struct err *err)
{
    struct transfer *t = arg;
    sv add = SV("UPDATE t SET v = v + 1 WHERE id = ?");
    t->runs++;
    if (store_exec(c, add, &STORE_I(t->from), 1, NULL, err) != 0) return -1;
    if (t->runs == 1) pthread_barrier_wait(t->both); /* now each has what the other wants */
    return store_exec(c, add, &STORE_I(t->to), 1, NULL, err);
}

static void *run_transfer(void *arg)
{
    struct transfer *t = arg;
    struct store_conn *c;
    struct err te;
    err_clear(&te);
    intptr_t rc = store_get(db, &c, &te);
    if (rc == 0) {
        rc = store_tx(c, transfer, t, &te);
        store_put(c);
    }
    if (rc != 0) fprintf(stderr, "transfer: %s %s\n", te.code, te.detail);
    return (void *)rc;
}

static void test_deadlock(void **state)
{
    (void)state;
    pthread_barrier_t both;
    pthread_barrier_init(&both, NULL, 2);
    for (int round = 0; round < 5; round++) {
        struct transfer t[2] = {{1, 2, &both, 0}, {2, 1, &both, 0}};
        pthread_t th[2];
        void *rc;
        for (int i = 0; i < 2; i++)
            pthread_create(&th[i], NULL, run_transfer, &t[i]);
        for (int i = 0; i < 2; i++) {
            pthread_join(th[i], &rc);
            assert_null(rc);
        }
        assert_true(t[0].runs + t[1].runs > 2); /* one of them was the victim */
    }
    pthread_barrier_destroy(&both);
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 10);
    assert_int_equal(num("SELECT v FROM t WHERE id = 2"), 10);
}

static void *lock_other_way(void *arg)
{
    pthread_barrier_t *both = arg;
    struct store_conn *c;
    struct err te;
    err_clear(&te);
    if (store_get(db, &c, &te) != 0 || store_begin(c, &te) != 0) abort();
    /* heavier, so that the other one is the victim */
    for (int i = 0; i < 20; i++) {
        struct store_val args[2] = {STORE_I(100 + i), STORE_I(0)};
        store_exec(c, SV("INSERT INTO t VALUES (?, ?)"), args, 2, NULL, &te);
    }
    store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = 2"), NULL, 0, NULL, &te);
    pthread_barrier_wait(both);
    store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = 1"), NULL, 0, NULL, &te);
    store_commit(c, &te);
    store_put(c);
    return NULL;
}

static void test_after_a_deadlock(void **state)
{
    (void)state;
    /* The server has rolled everything back. Whoever does not notice must not
     * go on outside a transaction. */
    pthread_barrier_t both;
    pthread_barrier_init(&both, NULL, 2);
    struct store_conn *c = get();
    OK(store_begin(c, &e));
    OK(store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = 1"), NULL, 0, NULL, &e));
    pthread_t th;
    pthread_create(&th, NULL, lock_other_way, &both);
    pthread_barrier_wait(&both);
    usleep(100000);
    FAILS(store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = 2"), NULL, 0, NULL, &e), 409,
          "conflict");
    assert_true(store_retryable(c));
    pthread_join(th, NULL);
    FAILS(store_exec(c, SV("UPDATE t SET v = 99 WHERE id = 1"), NULL, 0, NULL, &e), 409,
          "conflict");
    FAILS(store_commit(c, &e), 409, "conflict");
    assert_false(store_in_tx(c));
    store_put(c);
    pthread_barrier_destroy(&both);
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 1);
}

static void test_lock_wait(void **state)
{
    (void)state;
    struct store_conn *c = get(), *other = get();
    OK(store_begin(c, &e));
    OK(store_exec(c, SV("UPDATE t SET v = 1 WHERE id = 1"), NULL, 0, NULL, &e));
    OK(store_begin(other, &e));
    FAILS(store_run(other, SV("SELECT v FROM t WHERE id = 1 FOR UPDATE NOWAIT"), NULL, 0, NULL,
                    NULL, &e),
          409, "conflict");
    assert_true(store_retryable(other));
    /* only the statement has failed: the transaction goes on */
    OK(store_exec(other, SV("UPDATE t SET v = 2 WHERE id = 2"), NULL, 0, NULL, &e));
    assert_false(store_retryable(other));
    OK(store_commit(other, &e));
    OK(store_commit(c, &e));
    store_put(c);
    store_put(other);
    assert_int_equal(num("SELECT v FROM t WHERE id = 2"), 2);
}

static int fail_for_good(void *arg, struct store_conn *c, struct err *err)
{
    ++*(int *)arg;
    if (store_exec(c, SV("UPDATE t SET v = 77 WHERE id = 1"), NULL, 0, NULL, err) != 0) return -1;
    return err_set(err, 422, "invalid", NULL);
}

static int lose_once(void *arg, struct store_conn *c, struct err *err)
{
    int *runs = arg;
    if (store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = 1"), NULL, 0, NULL, err) != 0)
        return -1;
    if (++*runs == 1) kill_connection(connection_id(c));
    return store_exec(c, SV("UPDATE t SET v = v + 1 WHERE id = 2"), NULL, 0, NULL, err);
}

static int nested(void *arg, struct store_conn *c, struct err *err)
{
    return store_tx(c, fail_for_good, arg, err);
}

static void test_tx(void **state)
{
    (void)state;
    struct store_conn *c = get();
    int runs = 0;
    FAILS(store_tx(c, fail_for_good, &runs, &e), 422, "invalid");
    assert_int_equal(runs, 1);
    FAILS(store_tx(c, nested, &runs, &e), 422, "invalid");
    assert_int_equal(runs, 2);
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 0);
    runs = 0;
    OK(store_tx(c, lose_once, &runs, &e));
    assert_int_equal(runs, 2);
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 1);
    assert_int_equal(num("SELECT v FROM t WHERE id = 2"), 1);
    store_put(c);
}

/* ---- losing connections -------------------------------------------------------- */

static void test_killed_connection(void **state)
{
    (void)state;
    struct store_conn *c = get();
    int64_t id = connection_id(c);
    store_put(c);
    kill_connection(id);
    /* idle: the first SELECT does not notice */
    c = get();
    assert_true(connection_id(c) != id);
    /* in the middle: told, and good again afterwards, outside a transaction */
    kill_connection(connection_id(c));
    FAILS(store_exec(c, SV("UPDATE t SET v = 1 WHERE id = 1"), NULL, 0, NULL, &e), 503,
          "unavailable");
    assert_int_equal(e.retry_after, 1);
    OK(store_exec(c, SV("UPDATE t SET v = 3 WHERE id = 1"), NULL, 0, NULL, &e));
    /* in a transaction: everything fails until it is over */
    OK(store_begin(c, &e));
    OK(store_exec(c, SV("UPDATE t SET v = 4 WHERE id = 1"), NULL, 0, NULL, &e));
    kill_connection(connection_id(c));
    FAILS(store_exec(c, SV("UPDATE t SET v = 5 WHERE id = 1"), NULL, 0, NULL, &e), 503,
          "unavailable");
    assert_true(store_retryable(c));
    FAILS(store_exec(c, SV("UPDATE t SET v = 5 WHERE id = 1"), NULL, 0, NULL, &e), 503,
          "unavailable");
    FAILS(store_commit(c, &e), 503, "unavailable");
    assert_false(store_in_tx(c));
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 3);
    OK(store_exec(c, SV("UPDATE t SET v = 6 WHERE id = 1"), NULL, 0, NULL, &e));
    store_put(c);
    /* a first statement that writes is not repeated, but a begin is */
    c = get();
    id = connection_id(c);
    store_put(c);
    kill_connection(id);
    c = get();
    OK(store_begin(c, &e));
    store_rollback(c);
    store_put(c);
}

static void test_lost_at_commit(void **state)
{
    (void)state;
    struct store_conn *c = get();
    OK(store_begin(c, &e));
    OK(store_exec(c, SV("UPDATE t SET v = 4 WHERE id = 1"), NULL, 0, NULL, &e));
    kill_connection(connection_id(c));
    FAILS(store_commit(c, &e), 503, "unavailable");
    assert_false(store_retryable(c)); /* nobody knows what happened */
    store_put(c);
}

static void test_server_away(void **state)
{
    (void)state;
    struct store_conn *c[3];
    for (int i = 0; i < 3; i++) {
        c[i] = get();
        connection_id(c[i]);
    }
    for (int i = 0; i < 3; i++)
        store_put(c[i]);
    c[0] = get();
    mariadb_kill(server);
    FAILS(store_exec(c[0], SV("UPDATE t SET v = 1 WHERE id = 1"), NULL, 0, NULL, &e), 503,
          "unavailable");
    store_put(c[0]);
    /* at once, not by time-out; and nobody is asked more than once a second */
    FAILS(store_get(db, &c[0], &e), 503, "unavailable");
    struct store_db_stats s;
    store_db_stats(db, &s);
    assert_true(s.away);
    int64_t before = clock_mono_us();
    int refused = 0;
    while (clock_mono_us() - before < 200000) {
        FAILS(store_get(db, &c[0], &e), 503, "unavailable");
        refused++;
    }
    assert_true(refused > 50);
    mariadb_restart(server);
    before = clock_mono_us();
    for (;;) {
        err_clear(&e);
        if (store_get(db, &c[0], &e) == 0) break;
        assert_true(clock_mono_us() - before < 5000000);
        usleep(10000);
    }
    for (int i = 1; i < 3; i++)
        c[i] = get();
    for (int i = 0; i < 3; i++) {
        OK(store_exec(c[i], SV("UPDATE t SET v = v + 1 WHERE id = 1"), NULL, 0, NULL, &e));
        store_put(c[i]);
    }
    assert_int_equal(num("SELECT v FROM t WHERE id = 1"), 3);
    store_db_stats(db, &s);
    assert_false(s.away);
}

static void test_silent_return(void **state)
{
    (void)state;
    /* a server that was restarted while nobody looked is not noticed at all */
    struct store_conn *c[2] = {get(), get()};
    for (int i = 0; i < 2; i++)
        connection_id(c[i]);
    for (int i = 0; i < 2; i++)
        store_put(c[i]);
    mariadb_restart(server);
    for (int i = 0; i < 2; i++) {
        c[i] = get();
        OK(store_exec(c[i], SV("UPDATE t SET v = v + 1 WHERE id = 1"), NULL, 0, NULL, &e));
    }
    for (int i = 0; i < 2; i++)
        store_put(c[i]);
}

static void test_slow_query(void **state)
{
    (void)state;
    struct store_db_opts o = opts;
    o.query_ms = 1000;
    struct store_db *own = store_db_new(&o);
    struct store_conn *c;
    OK(store_get(own, &c, &e));
    int64_t before = clock_mono_us();
    /* once, not twice: what timed out is not tried again */
    FAILS(store_run(c, SV("SELECT SLEEP(3)"), NULL, 0, NULL, NULL, &e), 503, "overloaded");
    assert_in_range(clock_mono_us() - before, 900000, 1990000);
    OK(store_run(c, SV("SELECT 1"), NULL, 0, NULL, NULL, &e));
    store_put(c);
    store_db_free(own);
}

/* What a request's time no longer allows is ended by the server; the connection,
 * its transaction too, can be used on. */
static void test_deadline(void **state)
{
    (void)state;
    struct store_conn *c;
    OK(store_get(db, &c, &e));
    OK(store_begin(c, &e));
    OK(store_run(c, SV("SELECT 1"), NULL, 0, NULL, NULL, &e));
    int64_t before = clock_mono_us();
    store_deadline(before + 200000);
    FAILS(store_run(c, SV("SELECT SLEEP(5)"), NULL, 0, NULL, NULL, &e), 504, "deadline");
    assert_in_range(clock_mono_us() - before, 150000, 900000);
    store_deadline(clock_mono_us() - 1);
    FAILS(store_run(c, SV("SELECT 1"), NULL, 0, NULL, NULL, &e), 504, "deadline");
    store_rollback(c);
    store_deadline(0);
    /* The session's own limit is back. */
    OK(store_run(c, SV("SELECT SLEEP(0.4)"), NULL, 0, NULL, NULL, &e));
    store_put(c);
}

int main(void)
{
    log_init(LOG_ERROR, 2);
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)
        T(test_pool),
        T(test_crowd),
        T(test_bad_account),
        T(test_tls),
        T(test_commit_and_rollback),
        T(test_deadlock),
        T(test_after_a_deadlock),
        T(test_lock_wait),
        T(test_tx),
        T(test_killed_connection),
        T(test_lost_at_commit),
        T(test_server_away),
        T(test_silent_return),
        T(test_slow_query),
        T(test_deadline),
    };
    return cmocka_run_group_tests_name("store transactions", tests, set_up, tear_down);
}
