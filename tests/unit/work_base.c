/* Unit tests of core/work: worker pool, cron expressions, channels. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "work/work.h"

static struct err e;

/* ---- pool -------------------------------------------------------------------- */

static _Atomic int ran, inside, most_inside;
static _Atomic bool gate_open;

static void count_up(void *arg)
{
    (void)arg;
    atomic_fetch_add(&ran, 1);
}

static void wait_at_gate(void *arg)
{
    (void)arg;
    int n = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);
    while (n > most && !atomic_compare_exchange_weak(&most_inside, &most, n)) {
    }
    while (!atomic_load(&gate_open))
        usleep(1000);
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_add(&ran, 1);
}

static int reset(void **state)
{
    (void)state;
    atomic_store(&ran, 0);
    atomic_store(&inside, 0);
    atomic_store(&most_inside, 0);
    atomic_store(&gate_open, false);
    return 0;
}

static void wait_for(_Atomic int *what, int value)
{
    for (int i = 0; atomic_load(what) < value; i++) {
        if (i > 20000) fail_msg("%d, waited for %d", atomic_load(what), value);
        usleep(500);
    }
}

static void *submit_many(void *arg)
{
    struct work_pool *p = arg;
    for (int i = 0; i < 20000; i++)
        while (!work_pool_submit(p, count_up, NULL))
            usleep(10);
    return NULL;
}

static void test_pool(void **state)
{
    (void)state;
    struct work_pool *p = work_pool_start(8, 256);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, submit_many, p);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    work_pool_stop(p, 5000); /* runs what is queued */
    assert_int_equal(ran, 80000);
    assert_false(work_on_worker());
}

static void test_pool_parallel(void **state)
{
    (void)state;
    /* every thread gets to work, though they are submitted in a burst */
    struct work_pool *p = work_pool_start(6, 16);
    for (int i = 0; i < 6; i++)
        assert_true(work_pool_submit(p, wait_at_gate, NULL));
    wait_for(&inside, 6);
    /* one by one as well, when all were asleep in between */
    atomic_store(&gate_open, true);
    wait_for(&ran, 6);
    atomic_store(&gate_open, false);
    for (int i = 0; i < 6; i++) {
        assert_true(work_pool_submit(p, wait_at_gate, NULL));
        wait_for(&inside, i + 1);
    }
    struct work_pool_stats s;
    work_pool_stats(p, &s);
    assert_int_equal(s.threads, 6);
    assert_int_equal(s.busy, 6);
    /* all busy: the ring fills, then it says no */
    for (int i = 0; i < 16; i++)
        assert_true(work_pool_submit(p, count_up, NULL));
    assert_false(work_pool_submit(p, count_up, NULL));
    work_pool_stats(p, &s);
    assert_int_equal(s.queued, 16);
    assert_int_equal(s.refused, 1);
    atomic_store(&gate_open, true);
    work_pool_stop(p, 5000);
    assert_int_equal(ran, 28);
}

static _Atomic bool on_worker_inside;
static void look(void *arg)
{
    (void)arg;
    atomic_store(&on_worker_inside, work_on_worker());
    atomic_fetch_add(&ran, 1);
}

static void test_on_worker(void **state)
{
    (void)state;
    struct work_pool *p = work_pool_start(1, 4);
    assert_true(work_pool_submit(p, look, NULL));
    wait_for(&ran, 1);
    assert_true(on_worker_inside);
    work_pool_stop(p, 1000);
}

static void test_pool_late(void **state)
{
    (void)state;
    /* a stuck job does not hold up the end for ever, and nothing new begins */
    struct work_pool *p = work_pool_start(1, 4);
    assert_true(work_pool_submit(p, wait_at_gate, NULL));
    assert_true(work_pool_submit(p, count_up, NULL));
    wait_for(&inside, 1);
    int64_t before = clock_mono_us();
    work_pool_stop(p, 100);
    assert_in_range(clock_mono_us() - before, 90000, 5000000);
    atomic_store(&gate_open, true);
    wait_for(&ran, 1);
    usleep(20000);
    assert_int_equal(ran, 1);
}

/* ---- cron --------------------------------------------------------------------- */

static int64_t at(const char *text)
{
    int64_t us;
    if (!clock_parse(sv_of(text), &us)) fail_msg("bad time %s", text);
    return us;
}

static void test_cron(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *after, *next;
        int offset;
    } cases[] = {
        {"* * * * *", "2026-11-20T10:00:00Z", "2026-11-20T10:01:00Z", 0},
        {"* * * * *", "2026-11-20T10:00:59.999999Z", "2026-11-20T10:01:00Z", 0},
        {"0 2 * * *", "2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z", 0},
        {"0 2 * * *", "2026-11-20T01:59:59Z", "2026-11-20T02:00:00Z", 0},
        {"0 2 * * *", "2026-11-20T17:00:00Z", "2026-11-20T18:00:00Z", 480},
        {"0 2 * * *", "2026-11-20T18:00:00Z", "2026-11-21T18:00:00Z", 480},
        {"30 23 * * *", "2026-11-20T00:00:00Z", "2026-11-20T04:30:00Z", -300},
        {"*/15 * * * *", "2026-11-20T10:31:00Z", "2026-11-20T10:45:00Z", 0},
        {"5/20 * * * *", "2026-11-20T10:31:00Z", "2026-11-20T10:45:00Z", 0},
        {"10-20/5,50 * * * *", "2026-11-20T10:15:00Z", "2026-11-20T10:20:00Z", 0},
        {"10-20/5,50 * * * *", "2026-11-20T10:20:00Z", "2026-11-20T10:50:00Z", 0},
        {"0 0 1 * *", "2026-11-20T10:00:00Z", "2026-12-01T00:00:00Z", 0},
        {"0 0 1 1 *", "2026-11-20T10:00:00Z", "2027-01-01T00:00:00Z", 0},
        {"0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z", 0},
        {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z", 0},
        {"0 9 * * mon-fri", "2026-11-20T09:00:00Z", "2026-11-23T09:00:00Z", 0},
        {"0 9 * * 7", "2026-11-20T09:00:00Z", "2026-11-22T09:00:00Z", 0},
        {"0 9 * * SUN", "2026-11-20T09:00:00Z", "2026-11-22T09:00:00Z", 0},
        {"0 0 * jan,Jul *", "2026-11-20T09:00:00Z", "2027-01-01T00:00:00Z", 0},
        /* both days restricted: either will do; one of them a star: both must */
        {"0 0 13 * fri", "2026-11-20T01:00:00Z", "2026-11-27T00:00:00Z", 0},
        {"0 0 */2 * fri", "2026-11-21T01:00:00Z", "2026-11-27T00:00:00Z", 0},
        {"59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z", 0},
        {"  0\t2  * * *  ", "2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z", 0},
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct work_cron *c;
        err_clear(&e);
        if (work_cron_parse(a, sv_of(cases[i].expr), &c, &e) != 0)
            fail_msg("%s: %s", cases[i].expr, e.detail);
        int64_t next = work_cron_next(c, at(cases[i].after), cases[i].offset);
        char text[32];
        size_t n = clock_rfc3339(next, text);
        text[n] = '\0';
        if (next != at(cases[i].next)) fail_msg("%s: %s", cases[i].expr, text);
    }
    static const char *const bad[] = {"",
                                      "* * * *",
                                      "* * * * * *",
                                      "60 * * * *",
                                      "* 24 * * *",
                                      "* * 0 * *",
                                      "* * 32 * *",
                                      "* * * 13 *",
                                      "* * * * 8",
                                      "-1 * * * *",
                                      "a * * * *",
                                      "5-1 * * * *",
                                      "*/0 * * * *",
                                      "1,,2 * * * *",
                                      ", * * * *",
                                      "1- * * * *",
                                      "*/ * * * *",
                                      "0 0 31 2 *",
                                      "0 0 30 feb *",
                                      "+1 * * * *",
                                      "1.5 * * * *",
                                      "mon * * * *"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct work_cron *c;
        err_clear(&e);
        if (work_cron_parse(a, sv_of(bad[i]), &c, &e) == 0) fail_msg("accepted: \"%s\"", bad[i]);
        assert_string_equal(e.code, "bad_cron");
    }
    arena_free(a);
}

/* ---- channels -------------------------------------------------------------------- */

struct listener {
    int64_t last;
    _Atomic int n;
    int stop_after;
    bool disorder;
    char text[200];
};

static bool hear(void *arg, int64_t id, sv data)
{
    struct listener *l = arg;
    if (id <= l->last) l->disorder = true;
    l->last = id;
    size_t used = strlen(l->text);
    if (used + data.n + 2 < sizeof l->text) {
        memcpy(l->text + used, data.p, data.n);
        l->text[used + data.n] = '\0';
    }
    return atomic_fetch_add(&l->n, 1) + 1 != l->stop_after;
}

static void test_channels(void **state)
{
    (void)state;
    struct work_hub *h = work_hub_new(3);
    struct listener a = {0}, b = {0}, other = {0}, tenant2 = {0}, late = {0}, newest = {0};
    struct work_sub *sa = work_hub_subscribe(h, 1, SV("poll.7"), 0, hear, &a);
    struct work_sub *sb = work_hub_subscribe(h, 1, SV("poll.7"), 0, hear, &b);
    struct work_sub *so = work_hub_subscribe(h, 1, SV("poll.8"), 0, hear, &other);
    struct work_sub *st = work_hub_subscribe(h, 2, SV("poll.7"), 0, hear, &tenant2);
    assert_int_equal(work_hub_count(h, 1, SV("poll.7")), 2);
    assert_int_equal(work_hub_count(h, 1, SV("nothing")), 0);
    int64_t ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = work_hub_publish(h, 1, SV("poll.7"), sv_make(&"12345"[i], 1));
    assert_string_equal(a.text, "12345");
    assert_string_equal(b.text, "12345");
    assert_int_equal(other.n + tenant2.n, 0); /* nobody hears another tenant */
    for (int i = 1; i < 5; i++)
        assert_true(ids[i] > ids[i - 1]);
    /* coming back: what was missed, as far as it is kept */
    struct work_sub *sl = work_hub_subscribe(h, 1, SV("poll.7"), ids[3], hear, &late);
    assert_string_equal(late.text, "5");
    work_hub_unsubscribe(h, sl);
    late = (struct listener){0};
    sl = work_hub_subscribe(h, 1, SV("poll.7"), ids[0], hear, &late);
    assert_string_equal(late.text, "345");
    struct work_sub *sn = work_hub_subscribe(h, 1, SV("poll.7"), -1, hear, &newest);
    assert_string_equal(newest.text, "5");
    /* a sink that says no hears no more, though its handle lives */
    a.stop_after = 6;
    work_hub_publish(h, 1, SV("poll.7"), SV("6"));
    work_hub_publish(h, 1, SV("poll.7"), SV("7"));
    assert_string_equal(a.text, "123456");
    assert_string_equal(late.text, "34567");
    assert_int_equal(work_hub_count(h, 1, SV("poll.7")), 3);
    work_hub_unsubscribe(h, sa);
    work_hub_unsubscribe(h, sb);
    work_hub_publish(h, 1, SV("poll.7"), SV("8"));
    assert_string_equal(b.text, "1234567");
    assert_int_equal(work_hub_count(h, 1, SV("poll.7")), 2);
    work_hub_unsubscribe(h, so);
    work_hub_unsubscribe(h, st);
    work_hub_unsubscribe(h, sl);
    work_hub_unsubscribe(h, sn);
    work_hub_publish(h, 1, SV(""), SV(""));
    work_hub_free(h);
}

static void test_many_channels(void **state)
{
    (void)state;
    struct work_hub *h = work_hub_new(2);
    static struct listener l[3000];
    static struct work_sub *s[3000];
    for (int i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof name, "c%d", i);
        s[i] = work_hub_subscribe(h, i % 7, sv_of(name), 0, hear, &l[i]);
        work_hub_publish(h, i % 7, sv_of(name), SV("x"));
    }
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(l[i].n, 1);
        if (i % 2) work_hub_unsubscribe(h, s[i]);
    }
    work_hub_free(h); /* the other handles go with it */
}

static struct work_hub *hub;
static _Atomic bool publishing;

static void *publish_all_the_time(void *arg)
{
    (void)arg;
    while (atomic_load(&publishing))
        work_hub_publish(hub, 1, SV("busy"), SV("m"));
    return NULL;
}

static void *come_and_go(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        struct listener *l = calloc(1, sizeof *l);
        l->stop_after = i % 3 == 0 ? 5 : 0;
        struct work_sub *s = work_hub_subscribe(hub, 1, SV("busy"), 0, hear, l);
        while (atomic_load(&l->n) < 5)
            usleep(50);
        work_hub_unsubscribe(hub, s);
        if (l->disorder) abort();
        free(l); /* nobody touches it any more */
    }
    return NULL;
}

static void test_channel_threads(void **state)
{
    (void)state;
    hub = work_hub_new(10);
    atomic_store(&publishing, true);
    pthread_t p[2], t[4];
    for (int i = 0; i < 2; i++)
        pthread_create(&p[i], NULL, publish_all_the_time, NULL);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, come_and_go, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    atomic_store(&publishing, false);
    for (int i = 0; i < 2; i++)
        pthread_join(p[i], NULL);
    assert_int_equal(work_hub_count(hub, 1, SV("busy")), 0);
    work_hub_free(hub);
}

int main(void)
{
    log_init(LOG_ERROR, 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pool, reset),
        cmocka_unit_test_setup(test_pool_parallel, reset),
        cmocka_unit_test_setup(test_on_worker, reset),
        cmocka_unit_test_setup(test_pool_late, reset),
        cmocka_unit_test(test_cron),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_many_channels),
        cmocka_unit_test(test_channel_threads),
    };
    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
