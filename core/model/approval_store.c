/* The rows of approvals. Whoever changes one holds the lock of its core_approval
 * row, so that of two who decide at once the second sees what the first did. */
#define LOG_ROOM "model"
#include "model/approval.h"

/* ---- reading ---------------------------------------------------------------------- */

static int name_at(const char *const *names, sv text)
{
    for (int i = 0; names[i]; i++)
        if (sv_eqs(text, names[i])) return i;
    return 0;
}

static sv text_of(struct arena *a, const struct store_val *v)
{
    return v->type == STORE_TEXT || v->type == STORE_BLOB ? arena_sv(a, v->u.s) : SV_NULL;
}

static int64_t int_of(const struct store_val *v)
{
    return v->type == STORE_I64 || v->type == STORE_TIME ? v->u.i : 0;
}

static enum mf_on_timeout timeout_of(sv text)
{
    static const char *const names[] = {"remind", "approve", "reject", "escalate", NULL};
    return (enum mf_on_timeout)name_at(names, text);
}

struct reading {
    struct arena *a;
    struct approval_row *row;
    size_t cap, step; /* seats of steps.. */
};

static bool take_step(void *arg, const struct store_val *v, unsigned n)
{
    struct reading *rd = arg;
    struct approval_row *row = rd->row;
    (void)n;
    if (row->a.n_steps == rd->cap) return false;
    struct appr_step *s = &row->a.steps[row->a.n_steps];
    struct approval_step_row *sr = &row->rows[row->a.n_steps++];
    *s = (struct appr_step){.id = v[0].u.i,
                            .position = v[1].u.i,
                            .all = int_of(&v[2]) != 0,
                            .state = (enum appr_step_state)name_at(appr_step_names, v[3].u.s),
                            .on_timeout = timeout_of(text_of(rd->a, &v[4]))};
    *sr = (struct approval_step_row){.title_zh = text_of(rd->a, &v[5]),
                                     .title_en = text_of(rd->a, &v[6]),
                                     .by_rule = text_of(rd->a, &v[7]),
                                     .hours = int_of(&v[8]),
                                     .deadline_at = int_of(&v[9]),
                                     .decided_at = int_of(&v[10])};
    s->seats = ARENA_ARRAY(rd->a, struct appr_seat, APPR_MAX_SEATS);
    sr->seats = ARENA_ARRAY(rd->a, struct approval_seat_row, APPR_MAX_SEATS);
    return true;
}

static bool take_seat(void *arg, const struct store_val *v, unsigned n)
{
    struct reading *rd = arg;
    (void)n;
    for (size_t i = 0; i < rd->row->a.n_steps; i++) {
        struct appr_step *s = &rd->row->a.steps[i];
        if (s->id != v[1].u.i || s->n_seats == APPR_MAX_SEATS) continue;
        struct approval_seat_row *r = &rd->row->rows[i].seats[s->n_seats];
        s->seats[s->n_seats++] =
            (struct appr_seat){.id = v[0].u.i,
                               .staff = int_of(&v[2]),
                               .state = (enum appr_seat_state)name_at(appr_seat_names, v[3].u.s)};
        *r = (struct approval_seat_row){.origin = text_of(rd->a, &v[4]),
                                        .comment = text_of(rd->a, &v[5]),
                                        .decided_at = int_of(&v[6]),
                                        .name = text_of(rd->a, &v[7]),
                                        .active = int_of(&v[8]) != 0};
    }
    return true;
}

static int load_steps(struct store_conn *conn, struct arena *a, int64_t id, struct approval_row *row,
                      struct err *err)
{
    enum { MAX_STEPS = 40 }; /* ten of the manifest, and signers put in */
    struct reading rd = {.a = a, .row = row, .cap = MAX_STEPS};
    struct store_val args[] = {STORE_I(id)};
    row->a.steps = ARENA_ARRAY(a, struct appr_step, MAX_STEPS);
    row->rows = ARENA_ARRAY(a, struct approval_step_row, MAX_STEPS);
    if (store_run(conn,
                  SV("SELECT `id`,`position`,`every`,`status`,`on_timeout`,`title_zh`,`title_en`,"
                     "`by_rule`,`hours`,`deadline_at`,`decided_at` FROM `core_approval_step` "
                     "WHERE `approval`=? ORDER BY `position`,`id`"),
                  args, 1, take_step, &rd, err) < 0)
        return -1;
    return store_run(conn,
                     SV("SELECT v.`id`,v.`step`,v.`staff`,v.`status`,v.`origin`,v.`comment`,"
                        "v.`decided_at`,s.`name`,s.`state`='active' AND s.`deleted_at` IS NULL "
                        "FROM `core_approval_seat` v LEFT JOIN `core_staff` s ON s.`id`=v.`staff` "
                        "WHERE v.`approval`=? ORDER BY v.`id`"),
                     args, 1, take_seat, &rd, err);
}

int approval_load(struct model *m, struct store_conn *conn, struct auth_tenant *t, struct arena *a,
                  int64_t id, bool lock, struct approval_row *out, struct err *err)
{
    struct store_val args[] = {STORE_I(id)}, v[14];
    bool found = false;
    sv plain = SV("SELECT `name`,`subject`,`resource`,`row_id`,`op`,`requester`,`status`,`stamp`,"
                  "`open_key`,`body`,`picture`,`created_at`,`reminded_at`,`id` FROM `core_approval` "
                  "WHERE `id`=?");
    sv locked = SV("SELECT `name`,`subject`,`resource`,`row_id`,`op`,`requester`,`status`,`stamp`,"
                   "`open_key`,`body`,`picture`,`created_at`,`reminded_at`,`id` FROM "
                   "`core_approval` WHERE `id`=? FOR UPDATE");
    if (store_one(conn, a, lock ? locked : plain, args, 1, v, 14, &found, err) < 0) return -1;
    if (!found) return err_set(err, 404, "not_found", NULL);
    *out = (struct approval_row){.name = text_of(a, &v[0]),
                                 .subject = text_of(a, &v[1]),
                                 .resource = text_of(a, &v[2]),
                                 .op = text_of(a, &v[4]),
                                 .stamp = text_of(a, &v[7]),
                                 .open_key = text_of(a, &v[8]),
                                 .created_at = int_of(&v[11]),
                                 .reminded_at = int_of(&v[12])};
    out->a = (struct appr){.id = id,
                           .requester = int_of(&v[5]),
                           .state = (enum appr_state)name_at(appr_state_names, text_of(a, &v[6]))};
    sv row_id = text_of(a, &v[3]);
    if (row_id.p && !sv_i64(row_id, &out->row_id)) out->row_id = 0;
    out->r = model_find(m, out->resource);
    if (approval_open(t, a, id, text_of(a, &v[9]), &out->body, err) < 0 ||
        approval_open(t, a, id, text_of(a, &v[10]), &out->picture, err) < 0)
        return -1;
    return load_steps(conn, a, id, out, err);
}

/* ---- writing ---------------------------------------------------------------------- */

static int save_seat(struct store_conn *conn, const struct appr_seat *s, sv comment, int64_t now,
                     struct err *err)
{
    struct store_val args[] = {STORE_S(sv_of(appr_seat_names[s->state])), store_text_or_null(comment),
                               STORE_T(now), STORE_T(now), STORE_I(s->id)};
    return store_exec(conn,
                      SV("UPDATE `core_approval_seat` SET `status`=?,`comment`=?,`decided_at`=?,"
                         "`updated_at`=? WHERE `id`=?"),
                      args, 5, NULL, err);
}

static int save_step(struct store_conn *conn, const struct appr_step *s,
                     const struct approval_step_row *r, int64_t now, struct err *err)
{
    bool over = s->state != STEP_WAITING && s->state != STEP_ACTIVE;
    struct store_val args[] = {STORE_S(sv_of(appr_step_names[s->state])),
                               r->deadline_at ? STORE_T(r->deadline_at) : STORE_N,
                               over ? STORE_T(now) : STORE_N, STORE_T(now), STORE_I(s->id)};
    return store_exec(conn,
                      SV("UPDATE `core_approval_step` SET `status`=?,`deadline_at`=?,"
                         "`decided_at`=?,`updated_at`=? WHERE `id`=?"),
                      args, 5, NULL, err);
}

int approval_save(struct store_conn *conn, struct approval_row *row, int64_t now, struct err *err)
{
    int64_t deadline = 0;
    for (size_t i = 0; i < row->a.n_steps; i++) {
        struct appr_step *s = &row->a.steps[i];
        for (size_t k = 0; k < s->n_seats; k++)
            if (s->seats[k].changed &&
                save_seat(conn, &s->seats[k], row->rows[i].seats[k].comment, now, err) < 0)
                return -1;
        if (s->changed && save_step(conn, s, &row->rows[i], now, err) < 0) return -1;
        if (s->state == STEP_ACTIVE) deadline = row->rows[i].deadline_at;
    }
    bool over = row->a.state != APPR_PENDING;
    struct store_val args[] = {STORE_S(sv_of(appr_state_names[row->a.state])),
                               over ? STORE_T(now) : STORE_N,
                               deadline && !over ? STORE_T(deadline) : STORE_N,
                               over ? STORE_N : store_text_or_null(row->open_key),
                               row->reminded_at ? STORE_T(row->reminded_at) : STORE_N,
                               STORE_T(now), STORE_I(row->a.id)};
    return store_exec(conn,
                      SV("UPDATE `core_approval` SET `status`=?,`decided_at`=?,`deadline_at`=?,"
                         "`open_key`=?,`reminded_at`=?,`updated_at`=? WHERE `id`=?"),
                      args, 7, NULL, err);
}

int approval_log(struct store_conn *conn, const struct approval_log_line *l, struct err *err)
{
    struct store_val now = STORE_T(clock_now_us());
    struct store_val args[] = {STORE_I(id_next()),
                               now,
                               now,
                               STORE_I(l->approval),
                               l->staff ? STORE_I(l->staff) : STORE_N,
                               store_text_or_null(l->who_name),
                               STORE_S(sv_of(l->action)),
                               l->comment.n ? STORE_S(l->comment) : STORE_N,
                               l->other ? STORE_I(l->other) : STORE_N};
    return store_exec(conn,
                      SV("INSERT INTO `core_approval_log` (`id`,`created_at`,`updated_at`,"
                         "`approval`,`staff`,`who_name`,`action`,`comment`,`other`) "
                         "VALUES (?,?,?,?,?,?,?,?,?)"),
                      args, 9, NULL, err);
}

int approval_add_seats(struct store_conn *conn, int64_t approval, int64_t step, const int64_t *who,
                       size_t n, const char *origin, struct err *err)
{
    struct store_val now = STORE_T(clock_now_us());
    for (size_t i = 0; i < n; i++) {
        struct store_val args[] = {STORE_I(id_next()), now, now, STORE_I(approval), STORE_I(step),
                                   STORE_I(who[i]), STORE_S(sv_of(origin))};
        if (store_exec(conn,
                       SV("INSERT INTO `core_approval_seat` (`id`,`created_at`,`updated_at`,"
                          "`approval`,`step`,`staff`,`status`,`origin`) "
                          "VALUES (?,?,?,?,?,?,'open',?)"),
                       args, 7, NULL, err) < 0)
            return -1;
    }
    return 0;
}

int approval_mark(struct store_conn *conn, const struct model_resource *r, int64_t row_id,
                  int64_t approval, struct err *err)
{
    if (!r || !r->approval || !row_id) return 0;
    struct arena *a = arena_new(256);
    struct store_val args[] = {approval ? STORE_I(approval) : STORE_N, STORE_I(row_id)};
    int rc = store_exec(conn, arena_printf(a, "UPDATE %.*s SET `approval`=? WHERE `id`=?",
                                           SVARG(r->ident)),
                        args, 2, NULL, err);
    arena_free(a);
    return rc;
}
