/* What the files about approvals share; the rest of the room sees the part in
 * internal.h. */
#ifndef ATRIUM_CORE_MODEL_APPROVAL_H
#define ATRIUM_CORE_MODEL_APPROVAL_H

#include "model/approval_rules.h"
#include "model/internal.h"

#define APPR_MAX_SEATS 200
#define APPR_MAX_COMMENT 500

/* A row of core_approval with its steps and seats, read under its lock. */
struct approval_row {
    struct appr a;
    const struct model_resource *r; /* NULL: its plugin is gone */
    int64_t row_id;                 /* 0: of a create or an export */
    sv name, subject, resource, op, stamp, open_key;
    sv body, picture;               /* opened; JSON */
    int64_t created_at, reminded_at;
    struct approval_step_row *rows; /* beside a.steps, by number */
};
struct approval_step_row {
    sv title_zh, title_en, by_rule;
    int64_t hours, deadline_at, decided_at;
    struct approval_seat_row *seats; /* beside the step's seats */
};
struct approval_seat_row {
    sv name, origin, comment; /* name: of the person */
    int64_t decided_at;
    bool active;
};

/* ---- approval_store.c: the rows ---- */
/* 404 when there is none. `lock`: FOR UPDATE, in a transaction. */
int approval_load(struct model *m, struct store_conn *conn, struct auth_tenant *t, struct arena *a,
                  int64_t id, bool lock, struct approval_row *out, struct err *err);
/* Steps and seats that say `changed`, and the approval's own state, deadline and key. */
int approval_save(struct store_conn *conn, struct approval_row *row, int64_t now, struct err *err);
struct approval_log_line {
    int64_t approval, staff, other;
    sv who_name, comment;
    const char *action;
};
int approval_log(struct store_conn *conn, const struct approval_log_line *l, struct err *err);
int approval_add_seats(struct store_conn *conn, int64_t approval, int64_t step, const int64_t *who,
                       size_t n, const char *origin, struct err *err);
/* Shows or takes away the mark on the record. */
int approval_mark(struct store_conn *conn, const struct model_resource *r, int64_t row_id,
                  int64_t approval, struct err *err);

/* ---- approval_body.c: what few may read ---- */
sv approval_seal(const struct auth_tenant *t, struct arena *a, int64_t id, sv plain);
int approval_open(const struct auth_tenant *t, struct arena *a, int64_t id, sv sealed, sv *plain,
                  struct err *err);
/* {before: row, after: row, labels: {id: text}} with what the requester may read. */
sv approval_picture(struct write *w, struct err *err);

/* ---- approval_who.c: people ---- */
struct people {
    int64_t v[APPR_MAX_SEATS];
    size_t n;
};
/* The rule of a step with what the row says put in, as JSON for the step's row. */
sv approval_rule(struct model_ctx *c, const struct mf_resource *mf, const struct mf_approver *by,
                 size_t n, const json_t *row);
/* Active members of staff whom the rule means. */
int approval_people(struct store_conn *conn, struct arena *a, sv rule, int64_t requester,
                    struct people *out, struct err *err);
int approval_admins(struct store_conn *conn, struct people *out, struct err *err);
/* Fills the step that begins: *n seats. Falls back on the administrators. */
int approval_fill(struct model *m, struct auth_tenant *t, struct store_conn *conn, struct arena *a,
                  struct approval_row *row, size_t step, size_t *n, struct err *err);

/* ---- approval_act.c: what people do ---- */
enum approval_what {
    DO_APPROVE,
    DO_REJECT,
    DO_WITHDRAW,
    DO_REMIND,
    DO_TRANSFER,
    DO_ADD_SIGNER,
    DO_COMMENT,
    DO_TIMEOUT, /* by the job */
    DO_REFILL,
};
struct approval_act {
    struct model *m;
    struct model_ctx *c;
    int64_t id;
    enum approval_what what;
    sv comment;
    int64_t staff;
    bool before; /* add_signer */
};
int approval_act(struct approval_act *x, struct err *err);
/* Carries out what was agreed, in the open transaction of `c`. (approval_do.c) */
int approval_do(struct approval_row *row, struct model_ctx *c, struct err *err);

/* ---- approval_show.c: what people see ---- */
/* Part of the detail page; 404 for whom it is not. */
int approval_show(struct model *m, struct model_ctx *c, int64_t id, struct buf *out, struct err *err);
/* {"approval": {id, state, step, approvers}} */
int approval_brief(struct model *m, struct model_ctx *c, int64_t id, struct buf *out,
                   struct err *err);
const struct mf_title *approval_op_title(const struct model_resource *r, sv op);
enum approval_list { LIST_TODO, LIST_MINE, LIST_DONE };
int approval_list(struct model *m, struct model_ctx *c, enum approval_list which, sv after,
                  unsigned limit, struct buf *out, struct err *err);

#endif
