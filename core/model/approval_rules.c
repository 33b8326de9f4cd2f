/* The rules of approvals over plain data; see the header. */
#define LOG_ROOM "model"
#include "model/approval_rules.h"

#include <string.h>

const char *const appr_state_names[APPR_STATES + 1] = {"pending", "approved", "rejected", "withdrawn",
                                                       "stale",   "failed",   NULL};
const char *const appr_step_names[STEP_STATES + 1] = {"waiting",  "active", "approved",
                                                      "rejected", "void",   NULL};
const char *const appr_seat_names[SEAT_STATES + 1] = {"open", "approved", "rejected", "transferred",
                                                      "void", "gone",     NULL};

struct appr_step *appr_active(struct appr *a)
{
    for (size_t i = 0; a->state == APPR_PENDING && i < a->n_steps; i++)
        if (a->steps[i].state == STEP_ACTIVE) return &a->steps[i];
    return NULL;
}

struct appr_step *appr_begin(struct appr *a)
{
    for (size_t i = 0; a->state == APPR_PENDING && i < a->n_steps; i++) {
        if (a->steps[i].state != STEP_WAITING) continue;
        a->steps[i].state = STEP_ACTIVE;
        a->steps[i].changed = true;
        return &a->steps[i];
    }
    return NULL;
}

static struct appr_seat *open_seat(struct appr_step *s, int64_t staff)
{
    for (size_t i = 0; s && i < s->n_seats; i++)
        if (s->seats[i].staff == staff && s->seats[i].state == SEAT_OPEN) return &s->seats[i];
    return NULL;
}

struct appr_seat *appr_seat_of(struct appr *a, int64_t staff)
{
    return open_seat(appr_active(a), staff);
}

static void put(struct appr_seat *seat, enum appr_seat_state state)
{
    seat->state = state;
    seat->changed = true;
}

/* Nobody else is asked in a step that is decided. */
static void close_step(struct appr_step *s, enum appr_step_state state)
{
    s->state = state;
    s->changed = true;
    for (size_t i = 0; i < s->n_seats; i++)
        if (s->seats[i].state == SEAT_OPEN) put(&s->seats[i], SEAT_VOID);
}

static void end(struct appr *a, enum appr_state state)
{
    for (size_t i = 0; i < a->n_steps; i++)
        if (a->steps[i].state == STEP_WAITING || a->steps[i].state == STEP_ACTIVE)
            close_step(&a->steps[i], STEP_VOID);
    a->state = state;
}

static bool waits(const struct appr *a)
{
    for (size_t i = 0; i < a->n_steps; i++)
        if (a->steps[i].state == STEP_WAITING) return true;
    return false;
}

static bool all_agree(const struct appr_step *s)
{
    for (size_t i = 0; i < s->n_seats; i++)
        if (s->seats[i].state == SEAT_OPEN) return false;
    return true;
}

static enum appr_next agreed(struct appr *a, struct appr_step *s)
{
    close_step(s, STEP_APPROVED);
    return waits(a) ? NEXT_STEP : NEXT_DO;
}

static enum appr_next refused(struct appr *a, struct appr_step *s)
{
    close_step(s, STEP_REJECTED);
    end(a, APPR_REJECTED);
    return NEXT_REJECTED;
}

static int closed(const struct appr *a, struct err *err)
{
    return err_set(err, 409, "approval_closed", appr_state_names[a->state], NULL);
}

int appr_vote(struct appr *a, int64_t staff, bool agree, enum appr_next *next, struct err *err)
{
    struct appr_step *s = appr_active(a);
    *next = NEXT_NOTHING;
    if (!s) return closed(a, err);
    struct appr_seat *seat = open_seat(s, staff);
    if (!seat) return err_set(err, 403, "approval_not_yours", NULL);
    put(seat, agree ? SEAT_APPROVED : SEAT_REJECTED);
    if (!agree)
        *next = refused(a, s);
    else if (!s->all || all_agree(s))
        *next = agreed(a, s);
    return 0;
}

int appr_withdraw(struct appr *a, int64_t staff, struct err *err)
{
    if (staff != a->requester) return err_set(err, 403, "approval_not_yours", NULL);
    if (a->state != APPR_PENDING) return closed(a, err);
    end(a, APPR_WITHDRAWN);
    return 0;
}

int appr_timeout(struct appr *a, enum appr_next *next, struct err *err)
{
    struct appr_step *s = appr_active(a);
    *next = NEXT_NOTHING;
    if (!s) return closed(a, err);
    if (s->on_timeout == MF_APPROVE) *next = agreed(a, s);
    if (s->on_timeout == MF_REJECT) *next = refused(a, s);
    return 0;
}

int appr_transfer(struct appr *a, int64_t from, int64_t to, struct err *err)
{
    struct appr_step *s = appr_active(a);
    if (!s) return closed(a, err);
    struct appr_seat *seat = open_seat(s, from);
    if (!seat) return err_set(err, 403, "approval_not_yours", NULL);
    if (to == a->requester) return err_field(err, "staff", "approval_own", NULL);
    for (size_t i = 0; i < s->n_seats; i++)
        if (s->seats[i].staff == to && s->seats[i].state != SEAT_GONE)
            return err_field(err, "staff", "approval_has_seat", NULL);
    put(seat, SEAT_TRANSFERRED);
    return 0;
}

size_t appr_seats(int64_t *found, size_t n, int64_t requester, bool self_ok)
{
    size_t kept = 0;
    bool self = false;
    for (size_t i = 0; i < n; i++) {
        bool twice = false;
        for (size_t k = 0; k < kept; k++)
            twice |= found[k] == found[i];
        if (found[i] == requester)
            self = true;
        else if (found[i] && !twice)
            found[kept++] = found[i];
    }
    if (kept == 0 && self && self_ok) found[kept++] = requester;
    return kept;
}

size_t appr_leave(struct appr_step *s, const int64_t *found, size_t n)
{
    size_t open = 0;
    for (size_t i = 0; i < s->n_seats; i++) {
        if (s->seats[i].state != SEAT_OPEN) continue;
        bool there = false;
        for (size_t k = 0; k < n; k++)
            there |= found[k] == s->seats[i].staff;
        if (there)
            open++;
        else
            put(&s->seats[i], SEAT_GONE);
    }
    return open;
}

void appr_settle(struct appr *a, enum appr_next *next)
{
    struct appr_step *s = appr_active(a);
    bool agree = false;
    *next = NEXT_NOTHING;
    if (!s || !s->all) return;
    for (size_t i = 0; i < s->n_seats; i++) {
        if (s->seats[i].state == SEAT_OPEN) return;
        agree |= s->seats[i].state == SEAT_APPROVED;
    }
    if (agree) *next = agreed(a, s);
}

void appr_hold(struct appr *a)
{
    struct appr_step *s = appr_active(a);
    if (!s) return;
    s->state = STEP_WAITING;
    s->changed = true;
}
