/* Tasks on a real database with the real jobs: done, failed, tried again, given
 * up, cancelled, resumed at the cursor, fenced, for somebody who is gone. */
#include <stdatomic.h>
#include <unistd.h>

#include "model/task.h"
#include "model_db.h"

static struct work_jobs *jobs;
static struct work_pool *pool;
static atomic_int runs, at, hold, fails, counter;
static int64_t first_cursor;

static int count_up(struct task_run *run, struct err *err)
{
    int64_t i = run->cursor ? json_integer_value(json_object_get(run->cursor, "i")) : 0;
    atomic_fetch_add(&runs, 1);
    first_cursor = i;
    run->total = 10;
    assert_int_equal(json_integer_value(json_object_get(run->input, "x")), 7);
    assert_int_equal(run->who->id, 1);
    assert_string_equal(run->lang, "en");
    for (; i < 10; i++) {
        while (i == 5 && atomic_load(&hold)) usleep(5000);
        if (i == 5 && atomic_load(&fails) > 0) {
            atomic_fetch_sub(&fails, 1);
            return err_set(err, atomic_load(&counter), "unavailable", NULL);
        }
        run->done = i + 1;
        json_t *c = json_pack("{s:I}", "i", (json_int_t)i + 1);
        bool go_on = task_progress(run, NULL, c);
        json_decref(c);
        if (!go_on) return -1;
        atomic_store(&at, (int)i + 1);
    }
    json_t *r = json_pack("{s:i}", "made", 10);
    int rc = task_result(run, r, 0, err);
    json_decref(r);
    return rc;
}

static void kinds(struct model *m)
{
    task_kind(m, "test.count", count_up);
}

static void tenants(void *arg, bool (*fn)(void *, void *, struct store_db *), void *ctx)
{
    (void)arg;
    fn(ctx, &w.tenant, w.tenant.db);
}

static int run_job(void *arg, struct work_job *job, struct err *err)
{
    (void)arg;
    return model_job_run(w.f.model, job, err);
}

static void start(void)
{
    struct work_jobs_opts o = {
        .pool = pool, .node = "t", .poll_ms = 20, .tenants = tenants, .run = run_job};
    struct err e = {0};
    jobs = work_jobs_start(&o, &e);
    assert_non_null(jobs);
    model_set_jobs(w.f.model, jobs);
}

static void stop(void)
{
    model_set_jobs(w.f.model, NULL);
    work_jobs_stop(jobs, 10000);
}

static int64_t add(void)
{
    struct model_ctx c = ctx();
    json_t *input = json_pack("{s:i}", "x", 7);
    int64_t id = 0;
    struct task_new n = {
        .kind = "test.count", .title = SV("数到十"), .resource = SV("vote.poll"), .input = input};
    OK(task_add(&c, &n, &id, err));
    task_wake(w.f.model);
    json_decref(input);
    return id;
}

static json_t *until(int64_t id, const char *state)
{
    const struct model_resource *task = model_find(w.f.model, SV("core.task"));
    json_t *row = NULL;
    for (int i = 0; i < 1500; i++, usleep(10000)) {
        row = get(task, id, NULL);
        if (strcmp(text(row, "state"), state) == 0) return row;
    }
    fail_msg("task is %s, not %s: %s", text(row, "state"), state, json_dumps(row, 0));
    return NULL;
}

static void until_at(int n)
{
    for (int i = 0; i < 1500 && atomic_load(&at) < n; i++) usleep(10000);
    assert_true(atomic_load(&at) >= n);
}

static void test_done(void **state)
{
    (void)state;
    start();
    json_t *row = until(add(), "done");
    assert_int_equal(integer(row, "done"), 10);
    assert_int_equal(integer(row, "total"), 10);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "result"), "made")),
                     10);
    assert_true(json_is_null(json_object_get(row, "error")));
    assert_true(json_is_string(json_object_get(row, "ended_at")));
    assert_null(json_object_get(row, "cursor"));
    assert_null(json_object_get(row, "input"));
    assert_string_equal(text(row, "owner"), "1");
    stop();
}

static void test_cancel(void **state)
{
    (void)state;
    const struct model_resource *task = model_find(w.f.model, SV("core.task"));
    struct model_ctx c = ctx();
    atomic_store(&hold, 1);
    start();
    int64_t id = add();
    until_at(5);
    OK(model_transition(task, &c, id, SV("cancel"), NULL, err));
    atomic_store(&hold, 0);
    json_t *row = until(id, "cancelled");
    stop();
    row = get(task, id, NULL);
    assert_string_equal(text(row, "state"), "cancelled");
    assert_int_equal(integer(row, "done"), 5); /* nothing was written after it */
    assert_int_equal(runs, 1);
    FAILS(model_transition(task, &c, id, SV("cancel"), NULL, err), 409, "not_allowed_in_state",
          "state", "not_allowed_in_state");
    /* one that never began */
    id = add();
    OK(model_transition(task, &c, id, SV("cancel"), NULL, err));
    start();
    for (int i = 0; i < 500 && number("SELECT COUNT(*) FROM core_job WHERE state<>'done'"); i++)
        usleep(10000);
    stop();
    assert_int_equal(runs, 1);
    assert_string_equal(text(get(task, id, NULL), "state"), "cancelled");
}

static void *end_node(void *arg)
{
    (void)arg;
    stop();
    return NULL;
}

static void test_node_ends(void **state)
{
    (void)state;
    pthread_t t;
    atomic_store(&hold, 1);
    start();
    int64_t id = add();
    until_at(5);
    pthread_create(&t, NULL, end_node, NULL);
    usleep(100000);
    atomic_store(&hold, 0);
    pthread_join(t, NULL);
    json_t *row = until(id, "queued");
    assert_int_equal(integer(row, "done"), 5);
    start();
    row = until(id, "done");
    stop();
    assert_int_equal(runs, 2);
    assert_int_equal(first_cursor, 5);
    assert_int_equal(integer(row, "done"), 10);
}

static void test_kill(void **state)
{
    (void)state;
    int64_t id = add();
    /* as kill -9 leaves it: claimed, four steps done, the lease long */
    run_sql("UPDATE core_task SET state='running',runner=5,tries=1,done=4,`cursor`='{\"i\":4}'");
    run_sql("UPDATE core_job SET state='running',node='t:4194305',attempt=1,"
            "due_at=UTC_TIMESTAMP(6)+INTERVAL 1 HOUR");
    start();
    until(id, "done");
    stop();
    assert_int_equal(first_cursor, 4);
}

static void test_fence(void **state)
{
    (void)state;
    atomic_store(&hold, 1);
    start();
    int64_t id = add();
    until_at(5);
    run_sql("UPDATE core_task SET runner=99"); /* somebody took it over */
    atomic_store(&hold, 0);
    stop();
    json_t *row = get(model_find(w.f.model, SV("core.task")), id, NULL);
    assert_int_equal(integer(row, "done"), 5);
    assert_string_equal(text(row, "state"), "running");
}

static void test_failures(void **state)
{
    (void)state;
    /* what is not the server's fault fails at once */
    atomic_store(&fails, 1);
    atomic_store(&counter, 422);
    start();
    int64_t id = add();
    json_t *row = until(id, "failed");
    assert_int_equal(integer(row, "done"), 5);
    assert_string_equal(text(row, "error"), msg_text("en", "unavailable"));
    /* what is, is tried again: the clock goes on over the back-off */
    atomic_store(&at, 0);
    atomic_store(&fails, 1);
    atomic_store(&counter, 503);
    id = add();
    row = until(id, "queued");
    for (int i = 0; i < 500 && number("SELECT COUNT(*) FROM core_job WHERE state='failed'") == 0;
         i++)
        usleep(10000);
    clock_set_offset_us(60 * 1000000);
    task_wake(w.f.model);
    row = until(id, "done");
    assert_true(json_is_null(json_object_get(row, "error")));
    assert_int_equal(first_cursor, 5);
    stop();
    clock_set_offset_us(0);
    /* one that comes no further is given up */
    id = add();
    run_sql("UPDATE core_task SET tries=5 WHERE id=%lld", (long long)id);
    start();
    row = until(id, "failed");
    assert_string_equal(text(row, "error"), msg_text("en", "task_gave_up"));
    stop();
}

static void test_gone(void **state)
{
    (void)state;
    int64_t id = add();
    fake_gone = 1;
    start();
    json_t *row = until(id, "failed");
    stop();
    assert_string_equal(text(row, "error"), msg_text("en", "task_nobody"));
    assert_int_equal(runs, 0);
    id = add();
    fake_gone = 0;
    run_sql("UPDATE core_task SET kind='test.none' WHERE id=%lld", (long long)id);
    start();
    row = until(id, "failed");
    stop();
    assert_string_equal(text(row, "error"), msg_text("en", "task_unknown"));
}

/* People read theirs, make none, change none. */
static void test_rights(void **state)
{
    (void)state;
    const struct model_resource *task = model_find(w.f.model, SV("core.task"));
    static const sv own[] = {{"own", 3}}, cancel[] = {{"cancel", 6}};
    fake_grants[0] = (struct auth_grant){.resource = SV("core.task"), .read = own, .n_read = 1,
                                         .doing = cancel, .n_doing = 1};
    fake_n_grants = 1;
    int64_t id = add(), made;
    struct model_ctx c = ctx();
    FAILS(model_create(task, &c, parse("{\"title\":\"x\",\"kind\":\"x\"}"), &made, err), 403,
          "forbidden", NULL, NULL);
    FAILS(model_update(task, &c, id, -1, parse("{\"title\":\"x\"}"), err), 403, "forbidden", NULL,
          NULL);
    FAILS(model_delete(task, &c, id, err), 403, "forbidden", NULL, NULL);
    w.who = &w.staff;
    c = ctx();
    struct buf b = BUF_IN(w.a);
    FAILS(model_get(task, &c, id, SV_NULL, &b, err), 404, "not_found", NULL, NULL);
    FAILS(model_transition(task, &c, id, SV("cancel"), NULL, err), 404, "not_found", NULL, NULL);
    w.who = &w.admin;
}

static void test_sweep(void **state)
{
    (void)state;
    int64_t old = add(), young = add(), runs_yet = add();
    run_sql("UPDATE core_task SET state='done',ended_at=UTC_TIMESTAMP(6)-INTERVAL 31 DAY "
            "WHERE id=%lld", (long long)old);
    run_sql("UPDATE core_task SET state='failed',ended_at=UTC_TIMESTAMP(6)-INTERVAL 29 DAY "
            "WHERE id=%lld", (long long)young);
    run_sql("UPDATE core_task SET state='cancelled' WHERE id=%lld", (long long)runs_yet);
    run_sql("DELETE FROM core_job");
    struct err e = {0};
    struct store_conn *conn;
    struct work_add sweep = {.kind = SV("core.tasks_sweep"), .payload = SV("{}")};
    int64_t job;
    assert_int_equal(store_get(w.tenant.db, &conn, &e), 0);
    assert_int_equal(work_job_add(conn, &sweep, &job, &e), 0);
    store_put(conn);
    start();
    for (int i = 0; i < 500 && number("SELECT COUNT(*) FROM core_task") > 2; i++) usleep(10000);
    stop();
    assert_int_equal(number("SELECT COUNT(*) FROM core_task"), 2);
}

static int world(void **state)
{
    fake_before_seal = kinds;
    world_setup(state);
    struct err e = {0};
    struct arena *a = arena_new(0);
    struct store_conn *c;
    struct store_plan plan;
    size_t n;
    const struct store_table *tables = work_tables(&n);
    assert_int_equal(store_get(w.tenant.db, &c, &e), 0);
    assert_int_equal(store_plan(c, a, tables, n, false, &plan, &e), 0);
    assert_int_equal(store_apply(c, &plan, "jobs", &e), 0);
    store_put(c);
    arena_free(a);
    pool = work_pool_start(3, 16);
    return 0;
}

static int end_world(void **state)
{
    work_pool_stop(pool, 5000);
    return world_teardown(state);
}

static int begin(void **state)
{
    run_sql("DELETE FROM core_job");
    run_sql("DELETE FROM core_task");
    atomic_store(&runs, 0);
    atomic_store(&at, 0);
    atomic_store(&hold, 0);
    atomic_store(&fails, 0);
    return world_begin(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, world_end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_done),     T(test_cancel), T(test_node_ends), T(test_kill),  T(test_fence),
        T(test_failures), T(test_gone),   T(test_rights),    T(test_sweep),
    };
    return cmocka_run_group_tests(tests, world, end_world);
}
