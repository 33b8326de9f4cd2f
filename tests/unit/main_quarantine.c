/* When a plugin is put into quarantine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "main/quarantine.h"

#define SECOND 1000000LL

static void out_after_n_deaths_in_the_window(void **state)
{
    (void)state;
    struct main_quarantine q = {0};
    assert_false(main_quarantine_note(&q, SV("crm"), 10 * SECOND, 3, 60));
    assert_false(main_quarantine_note(&q, SV("crm"), 20 * SECOND, 3, 60));
    assert_false(main_quarantine_note(&q, SV("vote"), 25 * SECOND, 3, 60));
    assert_true(main_quarantine_note(&q, SV("crm"), 30 * SECOND, 3, 60));
    struct arena *a = arena_new(0);
    assert_true(sv_eqs(main_quarantine_text(a, &q), "crm"));
    /* Told once only; what is out stays out. */
    assert_false(main_quarantine_note(&q, SV("crm"), 31 * SECOND, 3, 60));
    main_quarantine_pardon(&q);
    assert_true(main_quarantine_text(a, &q).n == 0);
    arena_free(a);
}

static void rare_deaths_never_add_up(void **state)
{
    (void)state;
    struct main_quarantine q = {0};
    for (int i = 1; i < 100; i++)
        assert_false(main_quarantine_note(&q, SV("crm"), i * 31 * SECOND, 3, 60));
}

static void a_name_that_cannot_be_is_ignored(void **state)
{
    (void)state;
    struct main_quarantine q = {0};
    char longest[200];
    memset(longest, 'a', sizeof longest);
    assert_false(main_quarantine_note(&q, sv_make(longest, sizeof longest), SECOND, 1, 60));
    assert_false(main_quarantine_note(&q, SV(""), SECOND, 1, 60));
    assert_int_equal(q.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_after_n_deaths_in_the_window),
        cmocka_unit_test(rare_deaths_never_add_up),
        cmocka_unit_test(a_name_that_cannot_be_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
