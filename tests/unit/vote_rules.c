/* The rules of a poll, one test per sentence of A-2.2.4f. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "poll_rules.h"
#include "qr.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
/* 2026-11-20T16:00:00Z: midnight between the 20th and the 21st in China. */
#define MIDNIGHT (INT64_C(20777) * DAY + 16 * HOUR)
#define CHINA 480

static struct poll_rules open_poll(void)
{
    return (struct poll_rules){
        .state = POLL_PUBLISHED,
        .starts_us = MIDNIGHT - DAY,
        .ends_us = MIDNIGHT + DAY,
        .results = POLL_ALWAYS,
        .max_choices = 1,
        .limit = {1, 1, 0},
    };
}

static void hours_begin_included_end_excluded_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    assert_int_equal(poll_phase(&r, r.starts_us - 1), POLL_UPCOMING);
    assert_int_equal(poll_phase(&r, r.starts_us), POLL_OPEN);
    assert_int_equal(poll_phase(&r, r.ends_us - 1), POLL_OPEN);
    assert_int_equal(poll_phase(&r, r.ends_us), POLL_ENDED);
    assert_int_equal(poll_admits(&r, r.starts_us - 1, false, 1), POLL_NOT_OPEN);
    assert_int_equal(poll_admits(&r, r.starts_us, false, 1), POLL_YES);
    assert_int_equal(poll_admits(&r, r.ends_us, false, 1), POLL_HAS_ENDED);
}

static void state_overrules_hours_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.state = POLL_DRAFT;
    assert_int_equal(poll_phase(&r, MIDNIGHT), POLL_HIDDEN);
    assert_int_equal(poll_admits(&r, MIDNIGHT, true, 1), POLL_NOT_OPEN);
    r.state = POLL_CLOSED;
    assert_int_equal(poll_phase(&r, MIDNIGHT), POLL_ENDED);
    assert_int_equal(poll_phase(&r, r.starts_us - 1), POLL_ENDED);
    assert_int_equal(poll_admits(&r, MIDNIGHT, true, 1), POLL_HAS_ENDED);
}

static void single_choice_takes_one_option_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.max_choices = 5;               /* left over from "multiple": has no say */
    assert_int_equal(poll_admits(&r, MIDNIGHT, false, 0), POLL_NO_OPTION);
    assert_int_equal(poll_admits(&r, MIDNIGHT, false, 1), POLL_YES);
    assert_int_equal(poll_admits(&r, MIDNIGHT, false, 2), POLL_TOO_MANY_OPTIONS);
}

static void multiple_choice_takes_up_to_its_maximum_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.multiple = true;
    r.max_choices = 3;
    assert_int_equal(poll_admits(&r, MIDNIGHT, false, 3), POLL_YES);
    assert_int_equal(poll_admits(&r, MIDNIGHT, false, 4), POLL_TOO_MANY_OPTIONS);
}

static void login_can_be_required_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.login_required = true;
    assert_int_equal(poll_admits(&r, MIDNIGHT, false, 1), POLL_LOGIN_REQUIRED);
    assert_int_equal(poll_admits(&r, MIDNIGHT, true, 1), POLL_YES);
}

static void limits_count_persons_devices_addresses_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.limit[POLL_PERSON] = 2;
    r.limit[POLL_DEVICE] = 3;
    r.limit[POLL_ADDRESS] = 4;
    assert_int_equal(poll_within_limits(&r, true, (int64_t[]){1, 2, 3}), POLL_YES);
    assert_int_equal(poll_within_limits(&r, true, (int64_t[]){2, 0, 0}), POLL_LIMIT_PERSON);
    assert_int_equal(poll_within_limits(&r, true, (int64_t[]){0, 3, 0}), POLL_LIMIT_DEVICE);
    assert_int_equal(poll_within_limits(&r, true, (int64_t[]){0, 0, 4}), POLL_LIMIT_ADDRESS);
    /* Nobody is logged in: there is no person to count. */
    assert_int_equal(poll_within_limits(&r, false, (int64_t[]){9, 2, 3}), POLL_YES);
    assert_false(poll_limits(&r, POLL_PERSON, false));
    /* 0 is no limit. */
    r.limit[POLL_DEVICE] = r.limit[POLL_ADDRESS] = 0;
    assert_int_equal(poll_within_limits(&r, false, (int64_t[]){0, 1000000, 1000000}), POLL_YES);
}

static void left_is_the_tightest_limit_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.limit[POLL_PERSON] = 5;
    r.limit[POLL_DEVICE] = 3;
    r.limit[POLL_ADDRESS] = 100;
    assert_int_equal(poll_left(&r, true, (int64_t[]){1, 1, 1}), 2);
    assert_int_equal(poll_left(&r, true, (int64_t[]){4, 1, 1}), 1);
    assert_int_equal(poll_left(&r, true, (int64_t[]){1, 9, 1}), 0);
    assert_int_equal(poll_per_period(&r, true), 3);
    r.limit[POLL_DEVICE] = 0;
    assert_int_equal(poll_per_period(&r, true), 5);
    assert_int_equal(poll_per_period(&r, false), 0);
    r.limit[POLL_ADDRESS] = 0;
    assert_int_equal(poll_left(&r, false, (int64_t[]){7, 7, 7}), -1);
}

static void days_are_the_tenants_own_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    assert_int_equal(poll_period(&r, POLL_DEVICE, MIDNIGHT, CHINA, 1440), 0);   /* in total */
    r.per_day = true;
    int64_t before = poll_period(&r, POLL_PERSON, MIDNIGHT - 1, CHINA, 1440);
    int64_t after = poll_period(&r, POLL_PERSON, MIDNIGHT, CHINA, 1440);
    assert_int_equal(before, 20777);
    assert_int_equal(after, 20778);
    /* The same moments are one day in London. */
    assert_int_equal(poll_period(&r, POLL_PERSON, MIDNIGHT - 1, 0, 1440),
                     poll_period(&r, POLL_PERSON, MIDNIGHT, 0, 1440));
    /* Before 1970 days still follow one another. */
    assert_int_equal(poll_period(&r, POLL_DEVICE, -1, 0, 1440), -1);
}

static void addresses_have_a_window_of_their_own_A_2_2_4f(void **state)
{
    (void)state;
    struct poll_rules r = open_poll();
    r.per_day = true;
    int64_t a = poll_period(&r, POLL_ADDRESS, MIDNIGHT, CHINA, 10);
    assert_int_equal(poll_period(&r, POLL_ADDRESS, MIDNIGHT + 10 * 60 * SECOND - 1, CHINA, 10), a);
    assert_int_equal(poll_period(&r, POLL_ADDRESS, MIDNIGHT + 10 * 60 * SECOND, CHINA, 10), a + 1);
    assert_int_equal(poll_period(&r, POLL_ADDRESS, MIDNIGHT, CHINA, 1440), 20778);
    r.per_day = false;
    assert_int_equal(poll_period(&r, POLL_ADDRESS, MIDNIGHT, CHINA, 10), 0);
}

static void results_are_shown_to_whom_the_poll_says_A_2_2_4f(void **state)
{
    (void)state;
    static const struct {
        enum poll_results results;
        bool open, voted_open, ended;
    } cases[] = {
        {POLL_ALWAYS, true, true, true},
        {POLL_AFTER_VOTE, false, true, true},
        {POLL_AFTER_END, false, false, true},
        {POLL_NEVER, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct poll_rules r = open_poll();
        r.results = cases[i].results;
        assert_int_equal(poll_shows_results(&r, POLL_OPEN, false, false), cases[i].open);
        assert_int_equal(poll_shows_results(&r, POLL_OPEN, true, false), cases[i].voted_open);
        assert_int_equal(poll_shows_results(&r, POLL_ENDED, false, false), cases[i].ended);
        assert_true(poll_shows_results(&r, POLL_OPEN, false, true));
        assert_false(poll_shows_results(&r, POLL_HIDDEN, true, false));
    }
}

static void shares_are_of_all_votes_A_2_2_4f(void **state)
{
    (void)state;
    assert_int_equal(poll_share(1, 3), 3333);
    assert_int_equal(poll_share(2, 3), 6667);
    assert_int_equal(poll_share(3, 3), 10000);
    assert_int_equal(poll_share(0, 3), 0);
    assert_int_equal(poll_share(0, 0), 0);
    assert_int_equal(poll_share(INT64_C(900000000000), INT64_C(1000000000000)), 9000);
}

static void unknown_words_take_the_strictest_reading(void **state)
{
    (void)state;
    assert_int_equal(poll_state_of("published", 9), POLL_PUBLISHED);
    assert_int_equal(poll_state_of("publishe", 8), POLL_DRAFT);
    assert_int_equal(poll_state_of("", 0), POLL_DRAFT);
    assert_int_equal(poll_results_of("always", 6), POLL_ALWAYS);
    assert_int_equal(poll_results_of("after_end", 9), POLL_AFTER_END);
    assert_int_equal(poll_results_of("alway", 5), POLL_NEVER);
}

static void masked(const char *in, const char *want)
{
    char out[46];
    poll_mask_address(in, strlen(in), out);
    assert_string_equal(out, want);
}

static void stored_addresses_name_nobody_A_2_2_4f(void **state)
{
    (void)state;
    masked("192.0.2.77", "192.0.2.0");
    masked("2001:db8:1:2:3:4:5:6", "2001:db8:1::");
    masked("::ffff:192.0.2.77", "::ffff:192.0.2.0");
    masked("unix", "");
    masked("", "");
    masked("1234567890123456789012345678901234567890123456789", "");
}

static void qr_codes_are_images(void **state)
{
    (void)state;
    const char *url = "https://demo.example.com/#/pages/poll/poll?id=1234567890123456789";
    struct qr_image svg, png;
    assert_true(qr_svg(url, &svg));
    assert_true(svg.n > 500 && memcmp(svg.bytes, "<svg ", 5) == 0);
    assert_memory_equal(svg.bytes + svg.n - 10, "\"/></svg>\n", 10);
    free(svg.bytes);

    assert_true(qr_png(url, 8, &png));
    assert_int_equal(png_sig_cmp((png_const_bytep)png.bytes, 0, 8), 0);
    /* IHDR: as wide as high, whole modules with the quiet zone around. */
    const unsigned char *h = (const unsigned char *)png.bytes + 16;
    unsigned width = (unsigned)h[2] << 8 | h[3], height = (unsigned)h[6] << 8 | h[7];
    assert_int_equal(width, height);
    assert_int_equal(width % 8, 0);
    free(png.bytes);

    char *huge = malloc(5001);
    memset(huge, 'x', 5000);
    huge[5000] = '\0';
    assert_false(qr_svg(huge, &svg));
    assert_false(qr_png(huge, 8, &png));
    free(huge);
    assert_false(qr_png(url, 0, &png));
}

static void join_of(size_t n, size_t each, char *out, size_t *bytes)
{
    static char title[3 * 200];
    const char *titles[100];
    size_t sizes[100];
    for (size_t i = 0; i < each; i++) memcpy(title + 3 * i, "选", 3);
    for (size_t i = 0; i < n; i++) {
        titles[i] = title;
        sizes[i] = 3 * each;
    }
    *bytes = poll_join_titles(titles, sizes, n, out);
}

/* A-2.2.4f a ballot is kept with what the voter saw */
static void test_titles_are_joined(void **state)
{
    (void)state;
    char out[POLL_CHOSEN_BYTES];
    size_t n;
    join_of(1, 2, out, &n);
    assert_int_equal(n, 6);
    join_of(2, 1, out, &n);
    assert_int_equal(n, 9);
    assert_memory_equal(out, "选、选", 9);
    join_of(5, 96, out, &n);         /* 5 * 96 + 4 characters: fits */
    assert_int_equal(n, 3 * (5 * 96 + 4));
    join_of(100, 100, out, &n);      /* does not: 499 characters and the mark */
    assert_int_equal(n, 3 * POLL_CHOSEN_CHARS);
    assert_memory_equal(out + n - 3, "…", 3);
    join_of(4, 124, out, &n);        /* one short of the limit and its comma */
    assert_int_equal(n, 3 * (4 * 124 + 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_titles_are_joined),
        cmocka_unit_test(hours_begin_included_end_excluded_A_2_2_4f),
        cmocka_unit_test(state_overrules_hours_A_2_2_4f),
        cmocka_unit_test(single_choice_takes_one_option_A_2_2_4f),
        cmocka_unit_test(multiple_choice_takes_up_to_its_maximum_A_2_2_4f),
        cmocka_unit_test(login_can_be_required_A_2_2_4f),
        cmocka_unit_test(limits_count_persons_devices_addresses_A_2_2_4f),
        cmocka_unit_test(left_is_the_tightest_limit_A_2_2_4f),
        cmocka_unit_test(days_are_the_tenants_own_A_2_2_4f),
        cmocka_unit_test(addresses_have_a_window_of_their_own_A_2_2_4f),
        cmocka_unit_test(results_are_shown_to_whom_the_poll_says_A_2_2_4f),
        cmocka_unit_test(shares_are_of_all_votes_A_2_2_4f),
        cmocka_unit_test(unknown_words_take_the_strictest_reading),
        cmocka_unit_test(stored_addresses_name_nobody_A_2_2_4f),
        cmocka_unit_test(qr_codes_are_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
