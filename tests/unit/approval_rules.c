/* The step machine of approvals: every event in every state, over plain data. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/approval_rules.h"

enum { ASKS = 1, ANN = 2, BOB = 3, CAT = 4, OUT = 9 };

struct made {
    struct appr a;
    struct appr_step steps[3];
    struct appr_seat seats[3][3];
};

/* Two steps: Ann and Bob, then Cat. */
static struct made *two_levels(bool all)
{
    static struct made m;
    m = (struct made){.a = {.id = 7, .requester = ASKS, .n_steps = 2}};
    m.a.steps = m.steps;
    m.seats[0][0] = (struct appr_seat){.id = 1, .staff = ANN};
    m.seats[0][1] = (struct appr_seat){.id = 2, .staff = BOB};
    m.seats[1][0] = (struct appr_seat){.id = 3, .staff = CAT};
    m.steps[0] = (struct appr_step){.id = 1, .all = all, .seats = m.seats[0], .n_seats = 2};
    m.steps[1] = (struct appr_step){.id = 2, .position = 1, .seats = m.seats[1], .n_seats = 1};
    assert_ptr_equal(appr_begin(&m.a), &m.steps[0]);
    return &m;
}

static enum appr_next vote(struct made *m, int64_t who, bool agree, const char *refusal)
{
    struct err e = {0};
    enum appr_next next = NEXT_NOTHING;
    int rc = appr_vote(&m->a, who, agree, &next, &e);
    assert_int_equal(rc, refusal ? -1 : 0);
    if (refusal) assert_string_equal(e.code, refusal);
    return next;
}

static void test_any_decides(void **state)
{
    (void)state;
    struct made *m = two_levels(false);
    assert_int_equal(vote(m, BOB, true, NULL), NEXT_STEP);
    assert_int_equal(m->steps[0].state, STEP_APPROVED);
    assert_int_equal(m->seats[0][0].state, SEAT_VOID); /* Ann is not asked any more */
    assert_ptr_equal(appr_begin(&m->a), &m->steps[1]);
    vote(m, ANN, true, "approval_not_yours");
    assert_int_equal(vote(m, CAT, true, NULL), NEXT_DO);
    assert_null(appr_begin(&m->a));
    vote(m, CAT, true, "approval_closed");
}

static void test_all_must_agree(void **state)
{
    (void)state;
    struct made *m = two_levels(true);
    assert_int_equal(vote(m, ANN, true, NULL), NEXT_NOTHING);
    assert_int_equal(m->steps[0].state, STEP_ACTIVE);
    vote(m, ANN, true, "approval_not_yours"); /* once each */
    assert_int_equal(vote(m, BOB, true, NULL), NEXT_STEP);
    m = two_levels(true);
    assert_int_equal(vote(m, ANN, true, NULL), NEXT_NOTHING);
    assert_int_equal(vote(m, BOB, false, NULL), NEXT_REJECTED);
    assert_int_equal(m->a.state, APPR_REJECTED);
    assert_int_equal(m->steps[1].state, STEP_VOID);
    assert_int_equal(m->seats[1][0].state, SEAT_VOID);
    vote(m, CAT, true, "approval_closed");
}

static void test_strangers(void **state)
{
    (void)state;
    struct made *m = two_levels(false);
    vote(m, OUT, true, "approval_not_yours");
    vote(m, ASKS, true, "approval_not_yours");
    vote(m, CAT, true, "approval_not_yours"); /* his step has not begun */
    assert_int_equal(m->steps[0].state, STEP_ACTIVE);
}

static void test_withdraw(void **state)
{
    (void)state;
    struct err e = {0};
    struct made *m = two_levels(false);
    assert_int_equal(appr_withdraw(&m->a, ANN, &e), -1);
    assert_string_equal(e.code, "approval_not_yours");
    err_clear(&e);
    assert_int_equal(appr_withdraw(&m->a, ASKS, &e), 0);
    assert_int_equal(m->a.state, APPR_WITHDRAWN);
    vote(m, ANN, true, "approval_closed");
    assert_int_equal(appr_withdraw(&m->a, ASKS, &e), -1);
    assert_string_equal(e.code, "approval_closed");
    assert_int_equal(e.status, 409);
}

static void test_timeout(void **state)
{
    (void)state;
    struct err e = {0};
    enum appr_next next;
    struct made *m = two_levels(false);
    m->steps[0].on_timeout = MF_REMIND;
    assert_int_equal(appr_timeout(&m->a, &next, &e), 0);
    assert_int_equal(next, NEXT_NOTHING);
    assert_int_equal(m->steps[0].state, STEP_ACTIVE);
    m->steps[0].on_timeout = MF_ESCALATE;
    assert_int_equal(appr_timeout(&m->a, &next, &e), 0);
    assert_int_equal(next, NEXT_NOTHING);
    m->steps[0].on_timeout = MF_APPROVE;
    assert_int_equal(appr_timeout(&m->a, &next, &e), 0);
    assert_int_equal(next, NEXT_STEP);
    appr_begin(&m->a);
    m->steps[1].on_timeout = MF_REJECT;
    assert_int_equal(appr_timeout(&m->a, &next, &e), 0);
    assert_int_equal(next, NEXT_REJECTED);
    assert_int_equal(m->a.state, APPR_REJECTED);
    assert_int_equal(appr_timeout(&m->a, &next, &e), -1);
}

static void test_transfer(void **state)
{
    (void)state;
    struct err e = {0};
    struct made *m = two_levels(true);
    assert_int_equal(appr_transfer(&m->a, OUT, CAT, &e), -1);
    assert_int_equal(e.status, 403);
    err_clear(&e);
    assert_int_equal(appr_transfer(&m->a, ANN, ASKS, &e), -1);
    assert_string_equal(e.fields[0].code, "approval_own");
    err_clear(&e);
    assert_int_equal(appr_transfer(&m->a, ANN, BOB, &e), -1);
    assert_string_equal(e.fields[0].code, "approval_has_seat");
    err_clear(&e);
    assert_int_equal(appr_transfer(&m->a, ANN, OUT, &e), 0);
    assert_int_equal(m->seats[0][0].state, SEAT_TRANSFERRED);
    assert_true(m->seats[0][0].changed);
    vote(m, ANN, true, "approval_not_yours");
}

static void test_who_gets_a_seat(void **state)
{
    (void)state;
    int64_t some[] = {ANN, ASKS, ANN, 0, BOB};
    assert_int_equal(appr_seats(some, 5, ASKS, true), 2);
    assert_true(some[0] == ANN && some[1] == BOB);
    int64_t self[] = {ASKS, ASKS};
    assert_int_equal(appr_seats(self, 2, ASKS, false), 0);
    self[0] = ASKS;
    assert_int_equal(appr_seats(self, 2, ASKS, true), 1);
    assert_true(self[0] == ASKS);
    assert_int_equal(appr_seats(NULL, 0, ASKS, true), 0);
}

static void test_leaving(void **state)
{
    (void)state;
    struct made *m = two_levels(true);
    int64_t left[] = {BOB};
    assert_int_equal(appr_leave(&m->steps[0], left, 1), 1);
    assert_int_equal(m->seats[0][0].state, SEAT_GONE);
    assert_int_equal(vote(m, BOB, true, NULL), NEXT_STEP); /* he alone is all, now */
    m = two_levels(true);
    assert_int_equal(appr_leave(&m->steps[0], NULL, 0), 0);
}

static void test_settle(void **state)
{
    (void)state;
    enum appr_next next;
    struct made *m = two_levels(true);
    appr_settle(&m->a, &next);
    assert_int_equal(next, NEXT_NOTHING); /* both are still asked */
    assert_int_equal(vote(m, ANN, true, NULL), NEXT_NOTHING);
    assert_int_equal(appr_leave(&m->steps[0], NULL, 0), 0); /* Bob has left */
    appr_settle(&m->a, &next);
    assert_int_equal(next, NEXT_STEP);
    m = two_levels(true);
    appr_leave(&m->steps[0], NULL, 0);
    appr_settle(&m->a, &next);
    assert_int_equal(next, NEXT_NOTHING); /* nobody agreed: nobody's silence does */
}

static void test_hold(void **state)
{
    (void)state;
    struct made *m = two_levels(false);
    m->a.n_steps = 3; /* a signer, put in before the step under way */
    m->steps[2] = m->steps[1];
    m->steps[1] = m->steps[0];
    m->seats[2][0] = (struct appr_seat){.id = 9, .staff = OUT};
    m->steps[0] = (struct appr_step){.id = 9, .seats = m->seats[2], .n_seats = 1};
    appr_hold(&m->a);
    assert_ptr_equal(appr_begin(&m->a), &m->steps[0]);
    vote(m, ANN, true, "approval_not_yours");
    assert_int_equal(vote(m, OUT, true, NULL), NEXT_STEP);
    assert_ptr_equal(appr_begin(&m->a), &m->steps[1]);
    assert_int_equal(vote(m, ANN, true, NULL), NEXT_STEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_decides), cmocka_unit_test(test_all_must_agree),
        cmocka_unit_test(test_strangers),   cmocka_unit_test(test_withdraw),
        cmocka_unit_test(test_timeout),     cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_who_gets_a_seat), cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_settle), cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
