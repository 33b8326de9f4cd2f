/* Unit tests of core/store: the group-commit writer. */
#include <pthread.h>
#include <stdatomic.h>

#include "store_test.h"

static struct mariadb *server;
static struct store_db *db;

struct record {
    struct store_item item;
    struct err err;
    int64_t id;
    _Atomic int calls, ok;
    int answer; /* what `out` said */
};

static struct {
    _Atomic int outstanding;
    _Atomic bool closed; /* batches wait while it is */
    _Atomic int batches, afters, deadlocks, kills;
} world;

static int insert(void *arg, struct store_conn *c, struct arena *a, struct store_item **items,
                  size_t n, struct err *err)
{
    (void)arg;
    while (atomic_load(&world.closed))
        usleep(1000);
    atomic_fetch_add(&world.batches, 1);
    for (size_t i = 0; i < n; i++) {
        struct record *r = items[i]->arg;
        uint64_t changed = 0;
        if (sv_eqs(items[i]->data, "bad")) {
            err_set(items[i]->err, 422, "invalid", NULL);
            return err_set(err, 422, "invalid", NULL);
        }
        if (store_exec(c,
                       SV("INSERT INTO w (id, v) VALUES (?, ?) "
                          "ON DUPLICATE KEY UPDATE id = id"),
                       (struct store_val[]){STORE_I(r->id), STORE_S(items[i]->data)}, 2, &changed,
                       err) != 0)
            return -1;
        int *answer = ARENA_NEW(a, int);
        *answer = (int)r->id * 2;
        items[i]->out = answer;
        items[i]->result = changed ? 1 : 2;
    }
    if (atomic_load(&world.deadlocks) > 0) {
        atomic_fetch_sub(&world.deadlocks, 1);
        return store_exec(c, SV("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"), NULL, 0, NULL,
                          err);
    }
    if (atomic_load(&world.kills) > 0) {
        atomic_fetch_sub(&world.kills, 1);
        char sql[64];
        struct store_val id;
        bool found;
        if (store_one(c, a, SV("SELECT CONNECTION_ID()"), NULL, 0, &id, 1, &found, err) != 0)
            return -1;
        snprintf(sql, sizeof sql, "KILL %lld", (long long)id.u.i);
        free(mariadb_sql(server, NULL, sql));
    }
    return 0;
}

static void after(void *arg, struct arena *a)
{
    (void)arg;
    (void)a;
    atomic_fetch_add(&world.afters, 1);
}

static void done(struct store_item *item, bool ok)
{
    struct record *r = item->arg;
    if (ok && item->out) r->answer = *(int *)item->out;
    atomic_store(&r->ok, ok);
    atomic_fetch_add(&r->calls, 1);
    atomic_fetch_sub(&world.outstanding, 1);
}

static int set_up(void **state)
{
    (void)state;
    server = mariadb_start(NULL);
    struct store_db_opts o = mariadb_database(server, "writer");
    db = store_db_new(&o);
    free(mariadb_sql(server, "writer",
                     "CREATE TABLE w (id BIGINT PRIMARY KEY, v VARCHAR(20) NOT NULL)"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_db_free(db);
    mariadb_stop(server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    free(mariadb_sql(server, "writer", "DELETE FROM w"));
    return 0;
}

static struct record *records(int n)
{
    struct record *r = calloc((size_t)n, sizeof *r);
    for (int i = 0; i < n; i++) {
        r[i].id = i + 1;
        r[i].item =
            (struct store_item){.data = SV("value"), .arg = &r[i], .err = &r[i].err, .done = done};
        err_clear(&r[i].err);
    }
    return r;
}

static bool add(struct store_writer *w, struct record *r)
{
    atomic_fetch_add(&world.outstanding, 1);
    if (store_writer_add(w, &r->item)) return true;
    atomic_fetch_sub(&world.outstanding, 1);
    return false;
}

static void wait_all(void)
{
    for (int i = 0; atomic_load(&world.outstanding) > 0; i++) {
        if (i > 20000) fail_msg("%d records were never answered", world.outstanding);
        usleep(1000);
    }
}

static int64_t num(const char *text)
{
    return sql_i64(server, "writer", text);
}

static struct store_writer *writer(unsigned batch, unsigned queue)
{
    return store_writer_start(db, &(struct store_writer_opts){.name = "test",
                                                              .max_batch = batch,
                                                              .max_queue = queue,
                                                              .batch = insert,
                                                              .after = after});
}

static void test_groups(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct record *r = records(N);
    struct store_writer *w = writer(100, 0);
    /* while the first batch is held up, the others gather */
    atomic_store(&world.closed, true);
    for (int i = 0; i < N; i++)
        assert_true(add(w, &r[i]));
    atomic_store(&world.closed, false);
    wait_all();
    struct store_writer_stats s;
    store_writer_stats(w, &s);
    assert_int_equal(s.items, N);
    assert_int_equal(s.failed, 0);
    assert_int_equal(s.queued, 0);
    assert_in_range(s.batches, 10, 12);
    assert_int_equal(world.afters, s.batches);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), N);
    for (int i = 0; i < N; i++) {
        assert_true(r[i].ok && r[i].calls == 1);
        assert_int_equal(r[i].item.result, 1);
        assert_int_equal(r[i].answer, r[i].id * 2);
    }
    store_writer_stop(w);
    free(r);
}

static void test_full_and_stop(void **state)
{
    (void)state;
    struct record *r = records(20);
    struct store_writer *w = writer(4, 8);
    atomic_store(&world.closed, true);
    assert_true(add(w, &r[0]));
    struct store_writer_stats s;
    do
        store_writer_stats(w, &s);
    while (s.queued); /* the first is being written */
    int taken = 1;
    while (taken < 20 && add(w, &r[taken]))
        taken++;
    assert_int_equal(taken, 9);
    atomic_store(&world.closed, false);
    store_writer_stop(w); /* what is queued is still written */
    assert_int_equal(world.outstanding, 0);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), 9);
    free(r);
}

static void test_bad_record(void **state)
{
    (void)state;
    enum { N = 64 };
    struct record *r = records(N);
    r[17].item.data = SV("bad");
    r[40].item.data = SV("this value is longer than its column");
    struct store_writer *w = writer(N, 0);
    atomic_store(&world.closed, true);
    for (int i = 0; i < N; i++)
        assert_true(add(w, &r[i]));
    atomic_store(&world.closed, false);
    wait_all();
    for (int i = 0; i < N; i++) {
        assert_int_equal(r[i].calls, 1);
        assert_int_equal(r[i].ok, i != 17 && i != 40 ? 1 : 0);
    }
    assert_int_equal(r[17].err.status, 422);
    assert_int_equal(r[40].err.status, 500);
    assert_int_equal(r[16].err.status, 0);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), N - 2);
    struct store_writer_stats s;
    store_writer_stats(w, &s);
    assert_int_equal(s.failed, 2);
    store_writer_stop(w);
    free(r);
}

static void test_deadlock(void **state)
{
    (void)state;
    struct record *r = records(10);
    struct store_writer *w = writer(0, 0);
    atomic_store(&world.deadlocks, 3);
    atomic_store(&world.closed, true);
    for (int i = 0; i < 10; i++)
        assert_true(add(w, &r[i]));
    atomic_store(&world.closed, false);
    wait_all();
    for (int i = 0; i < 10; i++)
        assert_true(r[i].ok && r[i].item.result == 1);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), 10);
    store_writer_stop(w);
    free(r);
}

static void test_lost_connection(void **state)
{
    (void)state;
    struct record *r = records(10);
    struct store_writer *w = writer(0, 0);
    atomic_store(&world.kills, 2); /* the COMMIT finds the connection dead */
    for (int i = 0; i < 10; i++)
        assert_true(add(w, &r[i]));
    wait_all();
    for (int i = 0; i < 10; i++)
        assert_true(r[i].ok);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), 10);
    store_writer_stop(w);
    free(r);
}

/* ---- under load, while the server is killed --------------------------------------- */

struct load {
    struct store_writer *w;
    struct record *r;
    int from, to, refused;
};

static void *send_load(void *arg)
{
    struct load *l = arg;
    for (int i = l->from; i < l->to; i++) {
        if (!add(l->w, &l->r[i])) l->refused++;
        if (i % 50 == 0) usleep(2000);
    }
    return NULL;
}

static void test_server_killed(void **state)
{
    (void)state;
    enum { N = 20000, THREADS = 4 };
    struct record *r = records(N);
    struct store_writer *w = writer(0, N);
    struct load load[THREADS];
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++) {
        load[i] = (struct load){w, r, i * (N / THREADS), (i + 1) * (N / THREADS), 0};
        pthread_create(&t[i], NULL, send_load, &load[i]);
    }
    for (int i = 0; i < 3; i++) {
        usleep(60000);
        mariadb_kill(server);
        usleep(50000);
        mariadb_restart(server);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    wait_all();
    /* Whoever was told "written" is there, exactly once (the key sees to that);
     * away for less than five seconds, the server has cost nobody anything. */
    int64_t ok = 0;
    for (int i = 0; i < N; i++) {
        if (r[i].calls > 1) fail_msg("record %d was answered %d times", i, r[i].calls);
        ok += r[i].ok;
    }
    assert_int_equal(ok, N);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), N);
    store_writer_stop(w);
    free(r);
}

static void test_server_stays_away(void **state)
{
    (void)state;
    struct record *r = records(700);
    struct store_writer *w = writer(100, 0);
    assert_true(add(w, &r[0]));
    wait_all();
    mariadb_kill(server);
    int64_t before = clock_mono_us();
    for (int i = 1; i < 600; i++)
        assert_true(add(w, &r[i]));
    wait_all();
    int64_t took = clock_mono_us() - before;
    /* one batch has waited for five seconds, the others not each anew */
    assert_in_range(took, 4500000, 15000000);
    for (int i = 1; i < 600; i++) {
        assert_false(r[i].ok);
        assert_int_equal(r[i].err.status, 503);
    }
    before = clock_mono_us();
    assert_true(add(w, &r[600]));
    wait_all();
    assert_true(clock_mono_us() - before < 3000000);
    mariadb_restart(server);
    usleep(1100000); /* until the circuit asks again */
    for (int i = 601; i < 700; i++)
        assert_true(add(w, &r[i]));
    wait_all();
    for (int i = 601; i < 700; i++)
        assert_true(r[i].ok);
    assert_int_equal(num("SELECT COUNT(*) FROM w"), 100);
    store_writer_stop(w);
    free(r);
}

int main(void)
{
    log_init(LOG_ERROR, 2);
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, fresh)
        T(test_groups),          T(test_full_and_stop), T(test_bad_record),        T(test_deadlock),
        T(test_lost_connection), T(test_server_killed), T(test_server_stays_away),
    };
    return cmocka_run_group_tests_name("store writer", tests, set_up, tear_down);
}
