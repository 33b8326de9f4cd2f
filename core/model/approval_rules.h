/* The step machine of approvals: plain data in, plain data out, no database. The
 * rows are read into these, an event is applied, and what changed is written
 * back in the transaction that holds the approval's lock. */
#ifndef ATRIUM_CORE_MODEL_APPROVAL_RULES_H
#define ATRIUM_CORE_MODEL_APPROVAL_RULES_H

#include "base/base.h"
#include "config/manifest.h"

enum appr_state {
    APPR_PENDING,
    APPR_APPROVED,  /* and carried out */
    APPR_REJECTED,
    APPR_WITHDRAWN,
    APPR_STALE,     /* the record changed meanwhile */
    APPR_FAILED,    /* agreed, but it could not be done any more */
    APPR_STATES
};
extern const char *const appr_state_names[APPR_STATES + 1];

enum appr_step_state { STEP_WAITING, STEP_ACTIVE, STEP_APPROVED, STEP_REJECTED, STEP_VOID, STEP_STATES };
extern const char *const appr_step_names[STEP_STATES + 1];

enum appr_seat_state {
    SEAT_OPEN,
    SEAT_APPROVED,
    SEAT_REJECTED,
    SEAT_TRANSFERRED, /* gave it to somebody else */
    SEAT_VOID,        /* decided without him */
    SEAT_GONE,        /* left the organisation, or lost the office */
    SEAT_STATES
};
extern const char *const appr_seat_names[SEAT_STATES + 1];

struct appr_seat {
    int64_t id, staff;
    enum appr_seat_state state;
    bool changed;
};
struct appr_step {
    int64_t id;
    int64_t position;     /* order; steps that were put in later lie between */
    bool all;             /* every seat must agree; else the first one decides */
    enum appr_step_state state;
    enum mf_on_timeout on_timeout;
    struct appr_seat *seats;
    size_t n_seats;
    bool changed;
};
struct appr {
    int64_t id, requester;
    enum appr_state state;
    struct appr_step *steps; /* by position */
    size_t n_steps;
};

/* What has to follow. */
enum appr_next {
    NEXT_NOTHING, /* the step goes on */
    NEXT_STEP,    /* appr_begin says which one begins */
    NEXT_DO,      /* all have agreed: carry it out */
    NEXT_REJECTED,
};

/* The step that is under way; NULL when none is. */
struct appr_step *appr_active(struct appr *a);
/* The next one that waits becomes active; NULL: there is none. */
struct appr_step *appr_begin(struct appr *a);
/* His open seat in the step under way, or NULL. */
struct appr_seat *appr_seat_of(struct appr *a, int64_t staff);

/* A vote. 409 approval_closed when it is over, 403 when he has no seat. */
int appr_vote(struct appr *a, int64_t staff, bool agree, enum appr_next *next, struct err *err);
/* Only who asked, while it is pending. */
int appr_withdraw(struct appr *a, int64_t staff, struct err *err);
/* The deadline of the step under way has passed: NEXT_NOTHING for reminding and
 * for what the caller does himself (escalation). */
int appr_timeout(struct appr *a, enum appr_next *next, struct err *err);
/* The holder of a seat gives it to somebody who has none in this step. */
int appr_transfer(struct appr *a, int64_t from, int64_t to, struct err *err);

/* Who of `found` gets a seat: each once, and nobody decides on his own request
 * unless he is the only one there is and `self_ok`. Returns how many, in place. */
size_t appr_seats(int64_t *found, size_t n, int64_t requester, bool self_ok);
/* Seats of those who are no longer in `found` end; how many stay open. */
size_t appr_leave(struct appr_step *s, const int64_t *found, size_t n);

/* Where all must agree and nobody is left to be asked, those who did are all. */
void appr_settle(struct appr *a, enum appr_next *next);
/* The step under way waits, with its places, while a signer before it is asked. */
void appr_hold(struct appr *a);

#endif
