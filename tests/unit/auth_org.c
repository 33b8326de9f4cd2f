/* auth: the organisation's rules that need no database: what lies within what, who
 * is whose superior, where a seat is left, and whose rights add up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/room.h"

static struct auth_roles *read(const char *grants)
{
    struct role_row row = {.code = SV("r"), .grants = sv_of(grants)};
    return roles_compile(&row, 1);
}

static bool within(const char *inner, const char *outer)
{
    struct auth_roles *i = read(inner), *o = read(outer);
    sv what = SV("");
    bool yes = auth_roles_within(i, o, &what);
    if (!yes) assert_true(sv_eqs(what, "a.b"));
    roles_unref(i);
    roles_unref(o);
    return yes;
}

#define G(x) "{\"a.b\":{" x "}}"

static void test_within(void **state)
{
    (void)state;
    assert_true(within("{}", "{}"));
    assert_true(within(G("\"read\":[]"), "{}"));
    assert_false(within(G("\"read\":[\"own\"]"), "{}"));
    assert_true(within(G("\"read\":[\"own\"]"), G("\"read\":[\"all\"]")));
    assert_false(within(G("\"read\":[\"all\"]"), G("\"read\":[\"own\",\"subtree\"]")));
    assert_true(within(G("\"read\":[\"department\"]"), G("\"read\":[\"subtree\"]")));
    assert_false(within(G("\"read\":[\"subtree\"]"), G("\"read\":[\"department\"]")));
    assert_false(within(G("\"read\":[\"own\"]"), G("\"read\":[\"subtree\"]")));
    assert_false(within(G("\"create\":true"), G("\"read\":[\"all\"]")));
    assert_false(within(G("\"read\":[\"all\"],\"export\":true"), G("\"read\":[\"all\"]")));
    assert_false(within(G("\"update\":[\"own\"]"), G("\"read\":[\"all\"],\"delete\":[\"all\"]")));
    assert_false(within(G("\"do\":[\"win\"]"), G("\"do\":[\"lose\"]")));
    assert_true(within(G("\"do\":[\"win\"]"), G("\"do\":[\"all\"]")));
    /* what the outer one hides, the inner one must hide */
    assert_false(within(G("\"read\":[\"all\"]"),
                        G("\"read\":[\"all\"],\"fields\":{\"p\":\"hidden\"}")));
    assert_true(within(G("\"read\":[\"all\"],\"fields\":{\"p\":\"hidden\",\"q\":\"hidden\"}"),
                       G("\"read\":[\"all\"],\"fields\":{\"p\":\"hidden\"}")));
    assert_false(within(G("\"read\":[\"all\"],\"update\":[\"all\"]"),
                        G("\"read\":[\"all\"],\"update\":[\"all\"],\"fields\":{\"p\":\"read_only\"}")));
    /* what the outer one sees masked, the inner one sees masked or not at all; who may
     * not unmask lets nobody else */
    const char *all = G("\"read\":[\"all\"]"),
               *masked = G("\"read\":[\"all\"],\"fields\":{\"p\":\"masked\"}"),
               *unmasked = G("\"read\":[\"all\"],\"fields\":{\"p\":\"unmasked\"}"),
               *hidden = G("\"read\":[\"all\"],\"fields\":{\"p\":\"hidden\"}");
    assert_false(within(all, masked));
    assert_false(within(unmasked, masked));
    assert_false(within(unmasked, all));
    assert_false(within(masked, hidden));
    assert_true(within(masked, masked));
    assert_true(within(hidden, masked));
    assert_true(within(masked, all));
    assert_true(within(unmasked, unmasked));
    assert_true(within(all, unmasked));
    assert_true(within(masked, unmasked));
    assert_true(within(G("\"read\":[\"custom\"],\"depts\":[\"1\"]"),
                       G("\"read\":[\"custom\"],\"depts\":[\"1\",\"2\"]")));
    assert_false(within(G("\"read\":[\"custom\"],\"depts\":[\"1\",\"3\"]"),
                        G("\"read\":[\"custom\"],\"depts\":[\"1\",\"2\"]")));
}

static void test_superior(void **state)
{
    (void)state;
    const struct auth_org_node tree[] = {
        {1, 0, 10}, {2, 1, 20}, {3, 2, 0}, {4, 3, 40}, {5, 6, 0}, {6, 5, 0}};
    assert_int_equal(auth_superior(tree, 6, 4, 99), 40);
    assert_int_equal(auth_superior(tree, 6, 4, 40), 20);   /* past the one without a manager */
    assert_int_equal(auth_superior(tree, 6, 2, 20), 10);
    assert_int_equal(auth_superior(tree, 6, 1, 10), 0);    /* nobody above the top */
    assert_int_equal(auth_superior(tree, 6, 0, 99), 0);
    assert_int_equal(auth_superior(tree, 6, 77, 99), 0);
    assert_int_equal(auth_superior(tree, 6, 5, 99), 0);    /* a ring ends */
}

static void test_seats(void **state)
{
    (void)state;
    struct auth_seat units[] = {{.dept = 1, .seats = 5, .people = 4},
                                {.dept = 2, .seats = 2, .people = 2, .nested = true},
                                {.partner = 9, .seats = 3, .people = 0}};
    const bool none[3] = {false}, in_one[3] = {true}, in_two[3] = {true, true},
               partner[3] = {false, false, true};
    assert_int_equal(auth_seats_full(NULL, 0, NULL, -1, 1000), -1);
    assert_int_equal(auth_seats_full(NULL, 0, NULL, 10, 9), -1);
    assert_int_equal(auth_seats_full(NULL, 0, NULL, 10, 10), 0);
    assert_int_equal(auth_seats_full(units, 3, in_one, 20, 10), -1);
    assert_int_equal(auth_seats_full(units, 3, in_two, 20, 10), 1);   /* the nested one is full */
    units[0].people = 5;
    assert_int_equal(auth_seats_full(units, 3, in_one, 20, 10), 0);
    assert_int_equal(auth_seats_full(units, 3, partner, 20, 10), -1);
    /* 20 in all, 8 split off: 12 are left for the rest, and 10 - 5 have one */
    assert_int_equal(auth_seats_full(units, 3, none, 20, 10), -1);
    assert_int_equal(auth_seats_full(units, 3, none, 20, 17), 3);
    assert_int_equal(auth_seats_full(units, 3, none, -1, 17), -1);
}

static void test_hats(void **state)
{
    (void)state;
    struct role_row rows[] = {
        {.code = SV("mine"), .grants = SV(G("\"read\":[\"own\"]"))},
        {.code = SV("his"), .grants = SV(G("\"read\":[\"subtree\"],\"create\":true")), .hat = 1},
        {.code = SV("admin"), .grants = SV_NULL, .builtin = true, .hat = 1}};
    struct auth_roles *r = roles_compile(rows, 3), *give = read(G("\"create\":true"));
    const struct auth_grant *g = auth_grant_in(r, SV("a.b"));
    assert_false(r->admin);                  /* to be administrator is not delegated */
    assert_int_equal(r->n_codes, 1);
    assert_true(g->create);
    assert_int_equal(g->n_read, 2);
    assert_int_equal(g->n_hats, 2);
    assert_true(g->hats[0].n_read == 1 && sv_eqs(g->hats[0].read[0], "own"));
    assert_false(g->hats[0].create);
    assert_true(g->hats[1].n_read == 1 && sv_eqs(g->hats[1].read[0], "subtree"));
    sv what;
    assert_false(auth_roles_within(give, r, &what));   /* nor handed on */
    roles_unref(give);
    roles_unref(r);
}

static void test_partner(void **state)
{
    (void)state;
    static const sv known[] = {{"a.b", 3}};
    struct role_row rows[] = {
        {.code = SV("host"), .grants = SV("{\"a.b\":{\"read\":[\"all\"]},\"x.y\":{\"read\":[\"all\","
                                          "\"named\"],\"partners\":true},\"x.z\":{\"read\":[\"all\"]}}")},
        {.code = SV("own"), .partner = 5,
         .grants = SV("{\"a.b\":{\"create\":true},\"x.z\":{\"read\":[\"named\"],\"partners\":true}}")}};
    struct role_row limit = {.code = SV("limit"),
                             .grants = SV("{\"a.b\":{\"read\":[\"all\"],\"create\":true},"
                                          "\"x.y\":{\"read\":[\"all\"]},\"x.z\":{\"read\":[\"all\"]}}")};
    struct role_input in = {.rows = rows, .n = 2, .partner = 5, .limit = &limit, .n_limit = 1,
                            .for_partners = known, .n_for_partners = 1};
    struct auth_roles *r = roles_compile_all(&in);
    assert_true(auth_grant_in(r, SV("a.b"))->create);
    const struct auth_grant *named = auth_grant_in(r, SV("x.y"));
    assert_true(named && named->n_read == 1 && sv_eqs(named->read[0], "named"));
    assert_null(auth_grant_in(r, SV("x.z")));   /* not meant by the host */
    roles_unref(r);
    limit.grants = SV("{\"a.b\":{\"read\":[\"all\"]}}");
    r = roles_compile_all(&in);
    assert_null(auth_grant_in(r, SV("a.b")));   /* beyond the limit: nothing of it */
    roles_unref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within), cmocka_unit_test(test_superior),
        cmocka_unit_test(test_seats),  cmocka_unit_test(test_hats),
        cmocka_unit_test(test_partner)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
