/* An approval as people see it: what would change, who is asked, what happened.
 * Who asked and who is asked see the picture as the requester saw the record;
 * others who may read the record see what they may read of it. */
#define LOG_ROOM "model"
#include "model/approval.h"

struct showing {
    struct model *m;
    struct model_ctx *c;
    struct store_conn *conn;
    struct approval_row row;
    const struct model_policy *p; /* NULL: everything that is in the picture */
    struct jsonw w;
};

/* ---- whom it is for --------------------------------------------------------------- */

static bool has_part(const struct showing *s)
{
    const struct auth_principal *who = s->c->who;
    if (who->kind == AUTH_SYSTEM || who->admin) return true;
    if (!auth_is_staff(who)) return false;
    if (who->id == s->row.a.requester) return true;
    for (size_t i = 0; i < s->row.a.n_steps; i++)
        for (size_t k = 0; k < s->row.a.steps[i].n_seats; k++)
            if (s->row.a.steps[i].seats[k].staff == who->id) return true;
    return false;
}

static int may_see(struct showing *s, struct err *err)
{
    struct err none = {0};
    struct buf away = BUF_IN(s->c->arena);
    if (has_part(s)) return 0;
    s->p = s->row.r ? policy_of(s->row.r, s->c->who, s->c->arena, &none) : NULL;
    if (s->p && s->p->can_read && s->row.row_id &&
        model_get(s->row.r, s->c, s->row.row_id, SV_NULL, &away, &none) == 0)
        return 0;
    return err_set(err, 404, "not_found", NULL);
}

/* ---- pieces ----------------------------------------------------------------------- */

static void title(struct jsonw *w, const char *key, const struct mf_title *t)
{
    jsonw_key(w, sv_of(key));
    jsonw_obj(w);
    jsonw_kv_str(w, "zh", t->zh);
    jsonw_kv_str(w, "en", t->en);
    jsonw_end_obj(w);
}

const struct mf_title *approval_op_title(const struct model_resource *r, sv op)
{
    static const struct {
        const char *op;
        struct mf_title title;
    } own[] = {{"create", {"新建", "Create"}},
               {"update", {"修改", "Change"}},
               {"delete", {"删除", "Delete"}},
               {"export", {"导出", "Export"}}};
    static const struct mf_title none = {"", ""};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (sv_eqs(op, own[i].op)) return &own[i].title;
    for (size_t i = 0; r && i < r->mf->n_transitions; i++)
        if (sv_eqs(op, r->mf->transitions[i].name)) return &r->mf->transitions[i].title;
    return &none;
}

static const struct mf_title *name_title(const struct model_resource *r, sv name)
{
    static const struct mf_title second = {"双人复核", "Second person"}, none = {"", ""};
    for (size_t i = 0; r && i < r->mf->n_approvals; i++)
        if (sv_eqs(name, r->mf->approvals[i].name)) return &r->mf->approvals[i].title;
    return sv_eqs(name, "second_person") ? &second : &none;
}

struct name {
    struct arena *a;
    sv text;
};

static bool take_name(void *arg, const struct store_val *v, unsigned n)
{
    struct name *x = arg;
    (void)n;
    if (v[0].type == STORE_TEXT) x->text = arena_sv(x->a, v[0].u.s);
    return true;
}

static void person(struct jsonw *w, const char *key, int64_t id, sv name)
{
    jsonw_key(w, sv_of(key));
    if (!id) {
        jsonw_null(w);
        return;
    }
    jsonw_obj(w);
    jsonw_kv_id(w, "id", id);
    jsonw_kv_sv(w, "name", name);
    jsonw_end_obj(w);
}

static int requester(struct showing *s, struct err *err)
{
    struct name x = {.a = s->c->arena};
    struct store_val args[] = {STORE_I(s->row.a.requester)};
    if (store_run(s->conn, SV("SELECT `name` FROM `core_staff` WHERE `id`=?"), args, 1, take_name, &x,
                  err) < 0)
        return -1;
    person(&s->w, "requester", s->row.a.requester, x.text);
    return 0;
}

static void kv_time(struct jsonw *w, const char *key, int64_t at)
{
    jsonw_key(w, sv_of(key));
    if (at)
        jsonw_time(w, at);
    else
        jsonw_null(w);
}

/* ---- what would change ------------------------------------------------------------ */

static bool none(const json_t *v)
{
    return !v || json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0);
}

static void one_field(struct showing *s, const struct mf_field *f, unsigned at, const json_t *before,
                      const json_t *after)
{
    const json_t *a = json_object_get(before, f->name), *b = json_object_get(after, f->name);
    struct jsonw *w = &s->w;
    if (s->p && !colset_has(&s->p->readable, at)) return;
    if (none(a) && none(b)) return;
    bool same = none(a) == none(b) && json_equal(a, b);
    jsonw_obj(w);
    jsonw_key(w, SV("field"));
    model_field_schema(f, w);
    jsonw_key(w, SV("before"));
    jsonw_json(w, a);
    jsonw_key(w, SV("after"));
    jsonw_json(w, json_is_object(after) ? b : NULL);
    jsonw_kv_bool(w, "changed", json_is_object(before) && json_is_object(after) && !same);
    jsonw_end_obj(w);
}

static int picture(struct showing *s, struct err *err)
{
    const struct model_resource *r = s->row.r;
    json_t *all = NULL;
    if (s->row.picture.n && json_parse(s->c->arena, s->row.picture, &all, err) < 0) return -1;
    const json_t *before = json_object_get(all, "before"), *after = json_object_get(all, "after");
    const json_t *labels = json_object_get(all, "labels");
    jsonw_key(&s->w, SV("fields"));
    jsonw_arr(&s->w);
    for (unsigned i = 0; r && i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        bool shown = !c->system || c == r->owner || c == r->dept || c == r->state;
        if (shown && !c->secret) one_field(s, c->f, c->at, before, after);
    }
    for (unsigned i = 0; r && i < r->n_kids; i++)
        if (!r->kids[i].f->hidden) one_field(s, r->kids[i].f, r->kids[i].at, before, after);
    jsonw_end_arr(&s->w);
    jsonw_key(&s->w, SV("labels"));
    if (labels && !s->p) {
        jsonw_json(&s->w, labels);
        return 0;
    }
    jsonw_obj(&s->w);
    jsonw_end_obj(&s->w);
    return 0;
}

/* ---- steps ------------------------------------------------------------------------ */

static void seat(struct jsonw *w, const struct appr_seat *s, const struct approval_seat_row *r)
{
    jsonw_obj(w);
    person(w, "staff", s->staff, r->name);
    jsonw_kv_str(w, "status", appr_seat_names[s->state]);
    jsonw_kv_sv(w, "origin", r->origin);
    jsonw_kv_sv(w, "comment", r->comment);
    kv_time(w, "decided_at", r->decided_at);
    jsonw_end_obj(w);
}

static void step(struct jsonw *w, const struct appr_step *s, const struct approval_step_row *r)
{
    struct mf_title t = {r->title_zh.p, r->title_en.p};
    jsonw_obj(w);
    jsonw_kv_id(w, "id", s->id);
    title(w, "title", &t);
    jsonw_kv_str(w, "status", appr_step_names[s->state]);
    jsonw_kv_str(w, "mode", s->all ? "all" : "any");
    kv_time(w, "deadline_at", r->deadline_at);
    kv_time(w, "decided_at", r->decided_at);
    jsonw_key(w, SV("seats"));
    jsonw_arr(w);
    for (size_t i = 0; i < s->n_seats; i++)
        seat(w, &s->seats[i], &r->seats[i]);
    jsonw_end_arr(w);
    jsonw_end_obj(w);
}

static bool take_line(void *arg, const struct store_val *v, unsigned n)
{
    struct jsonw *w = arg;
    (void)n;
    jsonw_obj(w);
    kv_time(w, "at", v[0].u.i);
    person(w, "who", v[1].type == STORE_I64 ? v[1].u.i : 0, v[2].type == STORE_TEXT ? v[2].u.s : SV(""));
    jsonw_kv_sv(w, "action", v[3].u.s);
    jsonw_kv_sv(w, "comment", v[4].type == STORE_TEXT ? v[4].u.s : SV_NULL);
    person(w, "other", v[5].type == STORE_I64 ? v[5].u.i : 0, v[6].type == STORE_TEXT ? v[6].u.s : SV(""));
    jsonw_end_obj(w);
    return true;
}

static int log_lines(struct showing *s, struct err *err)
{
    struct store_val args[] = {STORE_I(s->row.a.id)};
    jsonw_key(&s->w, SV("log"));
    jsonw_arr(&s->w);
    if (store_run(s->conn,
                  SV("SELECT l.`created_at`,l.`staff`,l.`who_name`,l.`action`,l.`comment`,l.`other`,"
                     "o.`name` FROM `core_approval_log` l LEFT JOIN `core_staff` o ON "
                     "o.`id`=l.`other` WHERE l.`approval`=? ORDER BY l.`id` LIMIT 500"),
                  args, 1, take_line, &s->w, err) < 0)
        return -1;
    jsonw_end_arr(&s->w);
    return 0;
}

static void can(struct showing *s)
{
    int64_t who = auth_is_staff(s->c->who) ? s->c->who->id : 0;
    bool open = s->row.a.state == APPR_PENDING, mine = who && who == s->row.a.requester;
    bool asked = who && appr_seat_of(&s->row.a, who);
    jsonw_key(&s->w, SV("can"));
    jsonw_obj(&s->w);
    jsonw_kv_bool(&s->w, "decide", asked);
    jsonw_kv_bool(&s->w, "withdraw", open && mine);
    jsonw_kv_bool(&s->w, "remind", open && (mine || s->c->who->admin));
    jsonw_kv_bool(&s->w, "comment", has_part(s));
    jsonw_end_obj(&s->w);
}

/* ---- the whole -------------------------------------------------------------------- */

static void head(struct showing *s)
{
    struct jsonw *w = &s->w;
    const struct model_resource *r = s->row.r;
    static const struct mf_title none_title = {"", ""};
    jsonw_kv_id(w, "id", s->row.a.id);
    jsonw_kv_sv(w, "name", s->row.name);
    title(w, "title", name_title(r, s->row.name));
    jsonw_kv_sv(w, "subject", s->row.subject);
    jsonw_kv_sv(w, "resource", s->row.resource);
    title(w, "resource_title", r ? &r->mf->title : &none_title);
    jsonw_key(w, SV("row_id"));
    if (s->row.row_id)
        jsonw_id(w, s->row.row_id);
    else
        jsonw_null(w);
    jsonw_kv_sv(w, "op", s->row.op);
    title(w, "op_title", approval_op_title(r, s->row.op));
    jsonw_kv_str(w, "status", appr_state_names[s->row.a.state]);
    kv_time(w, "created_at", s->row.created_at);
}

struct rest {
    struct arena *a;
    int64_t decided_at;
    sv problem;
};

static bool take_rest(void *arg, const struct store_val *v, unsigned n)
{
    struct rest *x = arg;
    (void)n;
    if (v[0].type == STORE_TIME) x->decided_at = v[0].u.i;
    if (v[1].type == STORE_TEXT) x->problem = arena_sv(x->a, v[1].u.s);
    return true;
}

static int ending(struct showing *s, struct err *err)
{
    struct rest x = {.a = s->c->arena};
    struct store_val args[] = {STORE_I(s->row.a.id)};
    json_t *v = NULL;
    if (store_run(s->conn, SV("SELECT `decided_at`,`problem` FROM `core_approval` WHERE `id`=?"), args,
                  1, take_rest, &x, err) < 0 ||
        (x.problem.n && json_parse(s->c->arena, x.problem, &v, err) < 0))
        return -1;
    kv_time(&s->w, "decided_at", x.decided_at);
    bool zh = s->c->lang && s->c->lang[0] == 'z';
    jsonw_key(&s->w, SV("problem"));
    jsonw_json(&s->w, json_object_get(v, zh ? "zh" : "en"));
    return 0;
}

static int write_all(struct showing *s, struct err *err)
{
    jsonw_obj(&s->w);
    head(s);
    if (ending(s, err) < 0 || requester(s, err) < 0 || picture(s, err) < 0) return -1;
    jsonw_key(&s->w, SV("steps"));
    jsonw_arr(&s->w);
    for (size_t i = 0; i < s->row.a.n_steps; i++)
        step(&s->w, &s->row.a.steps[i], &s->row.rows[i]);
    jsonw_end_arr(&s->w);
    if (log_lines(s, err) < 0) return -1;
    can(s);
    jsonw_end_obj(&s->w);
    return 0;
}

int approval_show(struct model *m, struct model_ctx *c, int64_t id, struct buf *out, struct err *err)
{
    struct showing s = {.m = m, .c = c, .w = jsonw_on(out)};
    size_t at = out->n;
    if (conn_enter(c, &s.conn, err) < 0) return -1;
    int rc = approval_load(m, s.conn, c->tenant, c->arena, id, false, &s.row, err);
    conn_leave(c, s.conn);
    if (rc < 0 || may_see(&s, err) < 0 || conn_enter(c, &s.conn, err) < 0) return -1;
    rc = write_all(&s, err);
    conn_leave(c, s.conn);
    if (rc < 0) out->n = at;
    return rc;
}

/* ---- in short --------------------------------------------------------------------- */

static void brief(struct showing *s)
{
    struct jsonw *w = &s->w;
    const struct appr_step *now = appr_active(&s->row.a);
    jsonw_obj(w);
    jsonw_key(w, SV("approval"));
    jsonw_obj(w);
    jsonw_kv_id(w, "id", s->row.a.id);
    jsonw_kv_sv(w, "name", s->row.name);
    jsonw_kv_str(w, "state", appr_state_names[s->row.a.state]);
    jsonw_key(w, SV("step"));
    size_t at = now ? (size_t)(now - s->row.a.steps) : 0;
    struct mf_title t = now ? (struct mf_title){s->row.rows[at].title_zh.p, s->row.rows[at].title_en.p}
                            : (struct mf_title){"", ""};
    jsonw_obj(w);
    jsonw_kv_str(w, "zh", t.zh);
    jsonw_kv_str(w, "en", t.en);
    jsonw_end_obj(w);
    jsonw_key(w, SV("approvers"));
    jsonw_arr(w);
    for (size_t i = 0; now && i < now->n_seats; i++) {
        if (now->seats[i].state != SEAT_OPEN) continue;
        jsonw_obj(w);
        jsonw_kv_id(w, "id", now->seats[i].staff);
        jsonw_kv_sv(w, "name", s->row.rows[at].seats[i].name);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
    jsonw_end_obj(w);
    jsonw_end_obj(w);
}

int approval_brief(struct model *m, struct model_ctx *c, int64_t id, struct buf *out, struct err *err)
{
    struct showing s = {.m = m, .c = c, .w = jsonw_on(out)};
    if (conn_enter(c, &s.conn, err) < 0) return -1;
    int rc = approval_load(m, s.conn, c->tenant, c->arena, id, false, &s.row, err);
    conn_leave(c, s.conn);
    if (rc == 0) brief(&s);
    return rc;
}

int approval_answer(const struct model_resource *r, struct model_ctx *c, struct buf *out,
                    struct err *err)
{
    return approval_brief(r->model, c, c->approval, out, err);
}
