/* E-P65: working-day arithmetic, against a slow count of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/workday.h"

/* The first week of October 2026 is off, Saturday the 10th is worked on. */
static int october(void *arg, int64_t day)
{
    int64_t first = workday_of(2026, 10, 1);
    if (arg) ++*(int *)arg;
    if (day >= first && day < first + 7) return 0;
    if (day == first + 9) return 1;
    return workday_plain(day);
}

static int never(void *arg, int64_t day)
{
    (void)arg;
    (void)day;
    return 0;
}

static int unknown(void *arg, int64_t day)
{
    (void)arg;
    (void)day;
    return -1;
}

static void dates(void **state)
{
    (void)state;
    assert_int_equal(workday_of(1970, 1, 1), 0);
    assert_int_equal(workday_of(2000, 3, 1), 11017);
    assert_int_equal(workday_of(2026, 11, 21), 20778);
    for (int64_t d = -800000; d < 800000; d += 13) {
        int y, m, k;
        workday_civil(d, &y, &m, &k);
        assert_int_equal(workday_of(y, m, k), d);
    }
    assert_true(workday_plain(workday_of(2026, 11, 20)));  /* Friday */
    assert_false(workday_plain(workday_of(2026, 11, 21)));
    assert_false(workday_plain(workday_of(1969, 12, 28))); /* a Sunday before the epoch */
    assert_true(workday_plain(workday_of(1969, 12, 29)));
}

static void adding(void **state)
{
    int64_t d;
    (void)state;
    assert_int_equal(workday_add(workday_of(2026, 9, 30), 1, october, NULL, &d), 0);
    assert_int_equal(d, workday_of(2026, 10, 8));
    assert_int_equal(workday_add(workday_of(2026, 9, 30), 3, october, NULL, &d), 0);
    assert_int_equal(d, workday_of(2026, 10, 10)); /* the worked Saturday */
    assert_int_equal(workday_add(workday_of(2026, 10, 8), -1, october, NULL, &d), 0);
    assert_int_equal(d, workday_of(2026, 9, 30));
    assert_int_equal(workday_add(workday_of(2026, 10, 3), 0, october, NULL, &d), 0);
    assert_int_equal(d, workday_of(2026, 10, 8));
    assert_int_equal(workday_add(workday_of(2026, 10, 9), 0, october, NULL, &d), 0);
    assert_int_equal(d, workday_of(2026, 10, 9));
    assert_int_equal(workday_next(workday_of(2026, 10, 10), october, NULL, &d), 0);
    assert_int_equal(d, workday_of(2026, 10, 12));
    assert_int_equal(workday_add(0, 1, never, NULL, &d), -1);
    assert_int_equal(workday_add(0, 1, unknown, NULL, &d), -1);
    assert_int_equal(workday_add(0, WORKDAY_MAX + 1, october, NULL, &d), -1);
}

static void counting(void **state)
{
    int64_t n, back;
    (void)state;
    int64_t a = workday_of(2026, 10, 1), b = workday_of(2026, 10, 12);
    assert_int_equal(workday_between(a, b, october, NULL, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(workday_between(b, a, october, NULL, &n), 0);
    assert_int_equal(n, -3);
    assert_int_equal(workday_between(a, a, october, NULL, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(workday_between(0, WORKDAY_MAX + 1, october, NULL, &n), -1);
    /* adding n lands where n days lie between, from any start */
    for (int64_t d = a - 60; d < a + 60; d++)
        for (int64_t k = 1; k < 30; k++) {
            assert_int_equal(workday_add(d, k, october, NULL, &b), 0);
            assert_int_equal(workday_between(d + 1, b + 1, october, NULL, &n), 0);
            assert_int_equal(n, k);
            assert_int_equal(workday_add(b, -k, october, NULL, &back), 0);
            assert_true(october(NULL, d) ? back == d : back < d);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates), cmocka_unit_test(adding), cmocka_unit_test(counting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
