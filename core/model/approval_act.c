/* What people (and the clock) do to an approval. Each act is one transaction that
 * holds the approval's lock from its first statement on: of two at once the
 * second finds what the first has left. */
#define LOG_ROOM "model"
#include "model/approval.h"

#define HOUR_US (INT64_C(3600) * 1000000)

struct run {
    struct approval_act *x;
    struct model_ctx *c; /* of who acts */
    struct model_ctx as; /* of who asked, for what is carried out */
    struct approval_row row;
    struct store_conn *conn;
    int64_t now;
    enum appr_next next;
    bool doing;               /* a failure from here on is the operation's */
    const struct err *failed; /* second turn: it could not be done, for this reason */
    const char *event;        /* told after the commit */
    struct write tell;
};

static int64_t actor(const struct run *r)
{
    return auth_is_staff(r->c->who) ? r->c->who->id : 0;
}

static int note(struct run *r, const char *action, int64_t other, struct err *err)
{
    struct approval_log_line l = {.approval = r->row.a.id,
                                  .staff = actor(r),
                                  .who_name = r->c->who->name,
                                  .action = action,
                                  .comment = r->x->comment,
                                  .other = other};
    return approval_log(r->conn, &l, err);
}

static size_t number_of(const struct run *r, const struct appr_step *s)
{
    return (size_t)(s - r->row.a.steps);
}

static bool related(const struct run *r)
{
    int64_t who = actor(r);
    if (r->c->who->kind == AUTH_SYSTEM || r->c->who->admin || who == r->row.a.requester) return true;
    for (size_t i = 0; i < r->row.a.n_steps; i++)
        for (size_t k = 0; k < r->row.a.steps[i].n_seats; k++)
            if (r->row.a.steps[i].seats[k].staff == who) return true;
    return false;
}

static int closed(const struct run *r, struct err *err)
{
    return err_set(err, 409, "approval_closed", appr_state_names[r->row.a.state], NULL);
}

/* ---- what follows ----------------------------------------------------------------- */

static int begin_next(struct run *r, struct err *err)
{
    struct appr_step *s = appr_begin(&r->row.a);
    if (!s) return err_internal(err, "approval %lld: no step to begin", (long long)r->row.a.id);
    size_t at = number_of(r, s), n, open = 0;
    struct approval_step_row *sr = &r->row.rows[at];
    if (sr->hours) sr->deadline_at = r->now + sr->hours * HOUR_US;
    for (size_t i = 0; i < s->n_seats; i++)
        open += s->seats[i].state == SEAT_OPEN;
    r->event = "asked";
    if (open) return 0; /* it waited for a signer, or is his */
    return approval_fill(r->x->m, r->c->tenant, r->conn, r->c->arena, &r->row, at, &n, err);
}

static sv problem_text(struct run *r)
{
    struct buf b = BUF_IN(r->c->arena);
    buf_str(&b, "{\"zh\":");
    err_problem(r->failed, "zh", SV(""), &b);
    buf_str(&b, ",\"en\":");
    err_problem(r->failed, "en", SV(""), &b);
    buf_chr(&b, '}');
    return buf_view(&b);
}

static int give_up(struct run *r, struct err *err)
{
    bool stale = r->failed->code && strcmp(r->failed->code, "approval_stale") == 0;
    struct store_val args[] = {STORE_S(problem_text(r)), STORE_I(r->row.a.id)};
    r->row.a.state = stale ? APPR_STALE : APPR_FAILED;
    r->event = stale ? "stale" : "failed";
    if (store_exec(r->conn, SV("UPDATE `core_approval` SET `problem`=? WHERE `id`=?"), args, 2, NULL,
                   err) < 0)
        return -1;
    return note(r, r->event, 0, err);
}

static int carry_out(struct run *r, struct err *err)
{
    if (r->failed) return give_up(r, err);
    r->as.conn = r->conn;
    r->as.done = NULL;
    r->as.agreed = &r->row;
    r->doing = true;
    if (!r->as.who) return err_set(err, 409, "approval_requester_gone", NULL);
    if (approval_do(&r->row, &r->as, err) < 0) return -1;
    r->doing = false;
    r->row.a.state = APPR_APPROVED;
    r->event = "approved";
    return 0;
}

static int follow(struct run *r, struct err *err)
{
    if (r->next == NEXT_STEP) return begin_next(r, err);
    if (r->next == NEXT_DO) return carry_out(r, err);
    if (r->next == NEXT_REJECTED) r->event = "rejected";
    return 0;
}

static void shift_deadline(struct run *r, struct appr_step *s)
{
    struct approval_step_row *sr = &r->row.rows[number_of(r, s)];
    sr->deadline_at = sr->hours ? r->now + sr->hours * HOUR_US : 0;
    s->changed = true;
}

/* ---- acts ------------------------------------------------------------------------- */

/* He was asked for an office that he may have lost since. */
static int still_asked(struct run *r, struct appr_step *s, const struct appr_seat *seat,
                       struct err *err)
{
    const struct approval_seat_row *sr = &r->row.rows[number_of(r, s)].seats[seat - s->seats];
    struct people *p = ARENA_NEW(r->c->arena, struct people);
    bool rule = sv_eqs(sr->origin, "rule");
    if (!rule && !sv_eqs(sr->origin, "admin")) return 0;
    if (rule ? approval_people(r->conn, r->c->arena, r->row.rows[number_of(r, s)].by_rule,
                               r->row.a.requester, p, err) < 0
             : approval_admins(r->conn, p, err) < 0)
        return -1;
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i] == seat->staff) return 0;
    return err_set(err, 403, "approval_not_yours", NULL);
}

static int vote(struct run *r, bool agree, struct err *err)
{
    struct appr_step *s = appr_active(&r->row.a);
    struct appr_seat *seat = appr_seat_of(&r->row.a, actor(r));
    if (seat) {
        if (still_asked(r, s, seat, err) < 0) return -1;
        r->row.rows[number_of(r, s)].seats[seat - s->seats].comment = r->x->comment;
    }
    if (appr_vote(&r->row.a, actor(r), agree, &r->next, err) < 0 ||
        note(r, agree ? "approved" : "rejected", 0, err) < 0)
        return -1;
    return follow(r, err);
}

static int withdraw(struct run *r, struct err *err)
{
    if (appr_withdraw(&r->row.a, actor(r), err) < 0) return -1;
    r->event = "withdrawn";
    return note(r, "withdrawn", 0, err);
}

static int remind(struct run *r, struct err *err)
{
    if (r->row.a.state != APPR_PENDING) return closed(r, err);
    if (actor(r) != r->row.a.requester && !r->c->who->admin)
        return err_set(err, 403, "approval_not_yours", NULL);
    int64_t left = r->row.reminded_at + HOUR_US - r->now;
    if (r->row.reminded_at && left > 0) {
        err_set(err, 429, "approval_reminded", NULL);
        err->retry_after = (int)(left / 1000000 + 1);
        return -1;
    }
    r->row.reminded_at = r->now;
    r->event = "reminded";
    return note(r, "reminded", 0, err);
}

static bool take_id(void *arg, const struct store_val *v, unsigned n)
{
    (void)n;
    *(int64_t *)arg = v[0].u.i;
    return true;
}

/* Somebody who can be asked: there, active, not who asked for it. */
static int check_other(struct run *r, struct err *err)
{
    struct store_val args[] = {STORE_I(r->x->staff)};
    int64_t found = 0;
    if (r->x->staff == r->row.a.requester) return err_field(err, "staff", "approval_own", NULL);
    if (store_run(r->conn,
                  SV("SELECT `id` FROM `core_staff` WHERE `id`=? AND `state`='active' AND "
                     "`deleted_at` IS NULL"),
                  args, 1, take_id, &found, err) < 0)
        return -1;
    return found ? 0 : err_field(err, "staff", "ref_not_found", NULL);
}

static int transfer(struct run *r, struct err *err)
{
    struct appr_step *s = appr_active(&r->row.a);
    if (check_other(r, err) < 0 || appr_transfer(&r->row.a, actor(r), r->x->staff, err) < 0 ||
        approval_add_seats(r->conn, r->row.a.id, s->id, &r->x->staff, 1, "transfer", err) < 0)
        return -1;
    r->event = "asked";
    return note(r, "transferred", r->x->staff, err);
}

static int insert_signer(struct run *r, struct appr_step *s, struct err *err)
{
    int64_t id = id_next(), at = r->x->before ? s->position : s->position + 1;
    struct store_val now = STORE_T(r->now), approval = STORE_I(r->row.a.id);
    struct store_val shift[] = {approval, STORE_I(at)};
    struct store_val args[] = {STORE_I(id), now, now, approval, STORE_I(at)};
    if (store_exec(r->conn,
                   SV("UPDATE `core_approval_step` SET `position`=`position`+1 WHERE `approval`=? "
                      "AND `position`>=?"),
                   shift, 2, NULL, err) < 0 ||
        store_exec(r->conn,
                   SV("INSERT INTO `core_approval_step` (`id`,`created_at`,`updated_at`,`approval`,"
                      "`position`,`title_zh`,`title_en`,`every`,`status`,`by_rule`,`on_timeout`) "
                      "VALUES (?,?,?,?,?,'加签','Added signer',0,'waiting','[]','remind')"),
                   args, 5, NULL, err) < 0)
        return -1;
    return approval_add_seats(r->conn, r->row.a.id, id, &r->x->staff, 1, "added", err);
}

static int add_signer(struct run *r, struct err *err)
{
    struct appr_step *s = appr_active(&r->row.a);
    if (!s) return closed(r, err);
    if (!appr_seat_of(&r->row.a, actor(r))) return err_set(err, 403, "approval_not_yours", NULL);
    if (check_other(r, err) < 0) return -1;
    for (size_t i = 0; i < s->n_seats; i++)
        if (s->seats[i].staff == r->x->staff && s->seats[i].state == SEAT_OPEN)
            return err_field(err, "staff", "approval_has_seat", NULL);
    if (insert_signer(r, s, err) < 0) return -1;
    if (r->x->before) {
        appr_hold(&r->row.a);
        if (approval_save(r->conn, &r->row, r->now, err) < 0 ||
            approval_load(r->x->m, r->conn, r->c->tenant, r->c->arena, r->x->id, true, &r->row, err) <
                0 ||
            begin_next(r, err) < 0)
            return -1;
    }
    return note(r, r->x->before ? "added_before" : "added_after", r->x->staff, err);
}

/* ---- the clock -------------------------------------------------------------------- */

/* The heads of those who have not answered; where all must agree, in their place. */
static int escalate(struct run *r, struct appr_step *s, struct err *err)
{
    struct people *p = ARENA_NEW(r->c->arena, struct people);
    size_t n = s->n_seats;
    for (size_t i = 0; i < n; i++) {
        int64_t head = 0;
        if (s->seats[i].state != SEAT_OPEN) continue;
        if (auth_superior_of(r->conn, s->seats[i].staff, &head, err) < 0) return -1;
        if (!head) continue;
        p->v[p->n++] = head;
        if (!s->all) continue;
        s->seats[i].state = SEAT_VOID;
        s->seats[i].changed = true;
    }
    if (p->n == 0 && approval_admins(r->conn, p, err) < 0) return -1;
    p->n = appr_seats(p->v, p->n, r->row.a.requester, false);
    size_t fresh = 0;
    for (size_t i = 0; i < p->n; i++) {
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known |= s->seats[k].staff == p->v[i];
        if (!known) p->v[fresh++] = p->v[i];
    }
    return approval_add_seats(r->conn, r->row.a.id, s->id, p->v, fresh, "escalated", err);
}

static int timeout(struct run *r, struct err *err)
{
    struct appr_step *s = appr_active(&r->row.a);
    if (!s) return 0;
    struct approval_step_row *sr = &r->row.rows[number_of(r, s)];
    if (!sr->deadline_at || sr->deadline_at > r->now) return 0; /* somebody was faster */
    r->event = "timeout";
    if (s->on_timeout == MF_ESCALATE && escalate(r, s, err) < 0) return -1;
    if (appr_timeout(&r->row.a, &r->next, err) < 0 || note(r, "timeout", 0, err) < 0) return -1;
    if (r->next == NEXT_NOTHING) shift_deadline(r, s);
    return follow(r, err);
}

/* Who has left is not waited for. */
static int refill(struct run *r, struct err *err)
{
    struct appr_step *s = appr_active(&r->row.a);
    if (!s) return 0;
    size_t at = number_of(r, s), n = 0;
    struct people *there = ARENA_NEW(r->c->arena, struct people);
    for (size_t i = 0; i < s->n_seats; i++)
        if (r->row.rows[at].seats[i].active) there->v[there->n++] = s->seats[i].staff;
    if (appr_leave(s, there->v, there->n) > 0) return 0;
    if (approval_fill(r->x->m, r->c->tenant, r->conn, r->c->arena, &r->row, at, &n, err) < 0)
        return -1;
    if (n) {
        r->event = "asked";
        return note(r, "refilled", 0, err);
    }
    appr_settle(&r->row.a, &r->next);
    return follow(r, err);
}

/* ---- the frame -------------------------------------------------------------------- */

static int act(struct run *r, struct err *err)
{
    switch (r->x->what) {
    case DO_APPROVE:
        return vote(r, true, err);
    case DO_REJECT:
        return vote(r, false, err);
    case DO_WITHDRAW:
        return withdraw(r, err);
    case DO_REMIND:
        return remind(r, err);
    case DO_TRANSFER:
        return transfer(r, err);
    case DO_ADD_SIGNER:
        return add_signer(r, err);
    case DO_COMMENT:
        return note(r, "comment", 0, err);
    case DO_TIMEOUT:
        return timeout(r, err);
    case DO_REFILL:
        return refill(r, err);
    }
    return -1;
}

static sv told(const struct run *r)
{
    struct buf b = BUF_IN(r->c->arena);
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", r->row.a.id);
    jsonw_kv_sv(&w, "name", r->row.name);
    jsonw_kv_str(&w, "status", appr_state_names[r->row.a.state]);
    jsonw_kv_sv(&w, "resource", r->row.resource);
    if (r->row.row_id) jsonw_kv_id(&w, "row_id", r->row.row_id);
    jsonw_kv_sv(&w, "op", r->row.op);
    jsonw_kv_sv(&w, "subject", r->row.subject);
    jsonw_kv_id(&w, "requester", r->row.a.requester);
    jsonw_end_obj(&w);
    return buf_view(&b);
}

static int attempt(void *arg, struct store_conn *conn, struct err *err)
{
    struct run *r = arg;
    r->conn = conn;
    r->now = clock_now_us();
    r->next = NEXT_NOTHING;
    r->doing = false;
    r->event = NULL;
    r->tell.done = NULL;
    r->as.done = NULL;
    if (approval_load(r->x->m, conn, r->c->tenant, r->c->arena, r->x->id, true, &r->row, err) < 0)
        return -1;
    if (!related(r)) return err_set(err, 404, "not_found", NULL);
    if (act(r, err) < 0) return -1;
    if (r->row.a.state != APPR_PENDING &&
        approval_mark(conn, r->row.r, r->row.row_id, 0, err) < 0)
        return -1;
    return approval_save(conn, &r->row, r->now, err);
}

static bool final(const struct err *err)
{
    return err->status >= 400 && err->status < 500 && err->status != 429 &&
           strcmp(err->code, "conflict") != 0;
}

static void tell(struct run *r)
{
    r->as.conn = NULL;
    r->as.req = NULL; /* the address is not that of who asked */
    model_committed(&r->as);
    if (!r->event) return;
    const struct model_resource *own = model_find(r->x->m, SV("core.approval"));
    sv action = arena_printf(r->c->arena, "approval_%s", r->event);
    r->tell.a = r->c->arena;
    r->tell.c = r->c;
    write_tell(&r->tell, own, action.p, r->event, r->row.a.id, told(r));
    r->c->done = r->tell.done;
    model_committed(r->c);
}

/* Who asked, with the rights of today; NULL: gone. */
static int requester_of(struct run *r, struct err *err)
{
    struct store_conn *conn;
    if (store_get(r->c->tenant->db, &conn, err) < 0) return -1;
    struct store_val args[] = {STORE_I(r->x->id)}, v[1];
    bool found = false;
    int rc = store_one(conn, r->c->arena,
                       SV("SELECT `requester` FROM `core_approval` WHERE `id`=?"), args, 1, v, 1,
                       &found, err);
    store_put(conn);
    if (rc < 0) return -1;
    if (!found) return err_set(err, 404, "not_found", NULL);
    if (v[0].type != STORE_I64) return 0;
    return auth_staff_principal(r->c->tenant, r->c->arena, v[0].u.i, &r->as.who, err);
}

int approval_act(struct approval_act *x, struct err *err)
{
    struct run r = {.x = x, .c = x->c};
    struct err why = {0};
    struct store_conn *conn;
    r.as = (struct model_ctx){
        .tenant = x->c->tenant, .arena = x->c->arena, .lang = x->c->lang};
    if (requester_of(&r, err) < 0 || store_get(x->c->tenant->db, &conn, err) < 0) return -1;
    int rc = store_tx(conn, attempt, &r, &why);
    if (rc < 0 && r.doing && final(&why)) {
        /* Agreed, but it cannot be done: the vote stands, and the reason is told. */
        r.failed = &why;
        rc = store_tx(conn, attempt, &r, err);
    } else if (rc < 0) {
        err_copy(err, &why);
    }
    store_put(conn);
    if (rc == 0) tell(&r);
    return rc;
}
