/* From the rule of a step to people: roles, heads of departments, posts, fields of
 * the row, a setting, or everybody who has the right. */
#define LOG_ROOM "model"
#include "model/approval.h"

#define MAX_UP 50 /* departments above one another */

/* ---- the rule with the row's own part --------------------------------------------- */

static const char *const by_names[] = {"role", "superior", "post", "staff_id", "dept", "logins",
                                       "right"};

static void add_rule(struct model_ctx *c, const struct mf_resource *mf, const struct mf_approver *by,
                     const json_t *row, struct jsonw *w)
{
    const char *key = by_names[by->by];
    jsonw_obj(w);
    if (by->by == MF_BY_SUPERIOR) {
        jsonw_kv_i64(w, key, by->level);
    } else if (by->by == MF_BY_USER_FIELD || by->by == MF_BY_DEPT_MANAGER) {
        jsonw_kv_str(w, key, json_string_value(json_object_get(row, by->name)));
    } else if (by->by == MF_BY_STAFF) {
        sv text = model_setting(c->tenant, c->arena, mf->manifest, sv_of(by->name));
        json_t *v = NULL;
        struct err none = {0};
        bool good = text.n && json_parse(c->arena, text, &v, &none) == 0 && json_is_string(v);
        jsonw_kv_str(w, key, good ? json_string_value(v) : "");
    } else if (by->by == MF_BY_RIGHT) {
        jsonw_kv_sv(w, key, arena_printf(c->arena, "%s.%s:%s", mf->manifest->id, mf->name, by->name));
    } else {
        jsonw_kv_str(w, key, by->name);
    }
    jsonw_end_obj(w);
}

sv approval_rule(struct model_ctx *c, const struct mf_resource *mf, const struct mf_approver *by,
                 size_t n, const json_t *row)
{
    struct buf b = BUF_IN(c->arena);
    struct jsonw w = jsonw_on(&b);
    jsonw_arr(&w);
    for (size_t i = 0; i < n; i++)
        add_rule(c, mf, &by[i], row, &w);
    jsonw_end_arr(&w);
    return buf_view(&b);
}

/* ---- people ----------------------------------------------------------------------- */

static bool take_person(void *arg, const struct store_val *v, unsigned n)
{
    struct people *p = arg;
    (void)n;
    if (v[0].type == STORE_I64 && p->n < APPR_MAX_SEATS) p->v[p->n++] = v[0].u.i;
    return p->n < APPR_MAX_SEATS;
}

/* Who has the role, himself or by a post. Partners' people decide on what their own
 * organisation asks for, nobody else's. */
static int by_role(struct store_conn *conn, sv code, int64_t requester, struct people *out,
                   struct err *err)
{
    struct store_val now = STORE_T(clock_now_us());
    struct store_val args[] = {STORE_S(code), STORE_S(code), now, now, STORE_I(requester)};
    return store_run(conn,
                     SV("SELECT s.`id` FROM `core_staff` s WHERE (s.`id` IN (SELECT x.`staff` FROM "
                        "`core_staff_role` x JOIN `core_role` r ON r.`id`=x.`role` WHERE "
                        "r.`code`=?) OR s.`id` IN (SELECT p.`staff` FROM `core_staff_post` p JOIN "
                        "`core_post_role` x ON x.`post`=p.`post` JOIN `core_role` r ON "
                        "r.`id`=x.`role` WHERE r.`code`=? AND p.`since`<=? AND (p.`until` IS NULL OR "
                        "p.`until`>?))) AND s.`state`='active' AND s.`deleted_at` IS NULL AND "
                        "(s.`partner` IS NULL OR s.`partner`=(SELECT q.`partner` FROM `core_staff` q "
                        "WHERE q.`id`=?)) ORDER BY s.`id`"),
                     args, 5, take_person, out, err);
}

static int by_post(struct store_conn *conn, sv name, int64_t requester, struct people *out,
                   struct err *err)
{
    struct store_val now = STORE_T(clock_now_us());
    struct store_val args[] = {STORE_S(name), now, now, STORE_I(requester)};
    return store_run(conn,
                     SV("SELECT DISTINCT s.`id` FROM `core_staff` s JOIN `core_staff_post` p ON "
                        "p.`staff`=s.`id` JOIN `core_post` o ON o.`id`=p.`post` WHERE o.`name`=? AND "
                        "p.`since`<=? AND (p.`until` IS NULL OR p.`until`>?) AND s.`state`='active' "
                        "AND s.`deleted_at` IS NULL AND (s.`partner` IS NULL OR s.`partner`=(SELECT "
                        "q.`partner` FROM `core_staff` q WHERE q.`id`=?)) ORDER BY s.`id`"),
                     args, 4, take_person, out, err);
}

int approval_admins(struct store_conn *conn, struct people *out, struct err *err)
{
    return by_role(conn, SV("admin"), 0, out, err);
}

static int by_login(struct store_conn *conn, sv login, struct people *out, struct err *err)
{
    struct store_val args[] = {STORE_S(login)};
    return store_run(conn,
                     SV("SELECT `id` FROM `core_staff` WHERE `login`=? AND `state`='active' AND "
                        "`deleted_at` IS NULL"),
                     args, 1, take_person, out, err);
}

static int by_id(struct store_conn *conn, int64_t id, struct people *out, struct err *err)
{
    struct store_val args[] = {STORE_I(id)};
    return store_run(conn,
                     SV("SELECT `id` FROM `core_staff` WHERE `id`=? AND `state`='active' AND "
                        "`deleted_at` IS NULL"),
                     args, 1, take_person, out, err);
}

static int64_t id_at(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

/* The first head from this department upward who is not `but`. */
static int head_from(struct store_conn *conn, struct arena *a, int64_t dept, int64_t but,
                     int64_t *head, struct err *err)
{
    *head = 0;
    for (unsigned i = 0; dept && i < MAX_UP; i++) {
        struct store_val args[] = {STORE_I(dept)}, v[2];
        bool found;
        if (store_one(conn, a, SV("SELECT `manager`,`parent` FROM `core_dept` WHERE `id`=?"), args, 1,
                      v, 2, &found, err) < 0)
            return -1;
        if (!found) return 0;
        *head = id_at(&v[0]);
        if (*head && *head != but) return 0;
        *head = 0;
        dept = id_at(&v[1]);
    }
    return 0;
}

static int by_superior(struct store_conn *conn, int64_t staff, int64_t level, struct people *out,
                       struct err *err)
{
    for (int64_t above; level > 0 && staff; level--, staff = above)
        if (auth_superior_of(conn, staff, &above, err) < 0) return -1;
    return staff ? by_id(conn, staff, out, err) : 0;
}

static int by_logins(struct store_conn *conn, sv list, struct people *out, struct err *err)
{
    for (sv rest = list; rest.n;) {
        sv one = sv_trim(sv_cut(rest, ',', &rest));
        if (one.n && by_login(conn, one, out, err) < 0) return -1;
    }
    return 0;
}

/* ---- by right --------------------------------------------------------------------- */

struct roles {
    struct arena *a;
    sv resource, action;
    sv codes[APPR_MAX_SEATS];
    size_t n;
};

static bool lists(const json_t *list, sv name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (sv_eqs(name, json_string_value(json_array_get(list, i)))) return true;
    return false;
}

static bool allows(const json_t *grant, sv action)
{
    if (sv_eqs(action, "create") || sv_eqs(action, "export"))
        return json_is_true(json_object_getn(grant, action.p, action.n));
    if (sv_eqs(action, "update") || sv_eqs(action, "delete"))
        return json_array_size(json_object_getn(grant, action.p, action.n)) > 0;
    return lists(json_object_get(grant, "do"), action);
}

static bool take_role(void *arg, const struct store_val *v, unsigned n)
{
    struct roles *r = arg;
    json_t *doc = NULL;
    struct err none = {0};
    (void)n;
    if (v[1].type != STORE_TEXT || json_parse(r->a, v[1].u.s, &doc, &none) < 0) return true;
    const json_t *grant = json_object_getn(doc, r->resource.p, r->resource.n);
    if (grant && allows(grant, r->action) && r->n < APPR_MAX_SEATS)
        r->codes[r->n++] = arena_sv(r->a, v[0].u.s);
    return true;
}

/* Everybody with a role that gives the right, and the administrators. */
static int by_right(struct store_conn *conn, struct arena *a, sv right, int64_t requester,
                    struct people *out, struct err *err)
{
    struct roles *r = ARENA_NEW(a, struct roles);
    *r = (struct roles){.a = a};
    r->resource = sv_cut(right, ':', &r->action);
    if (store_run(conn, SV("SELECT `code`,`grants` FROM `core_role`"), NULL, 0, take_role, r, err) < 0)
        return -1;
    for (size_t i = 0; i < r->n; i++)
        if (by_role(conn, r->codes[i], requester, out, err) < 0) return -1;
    return approval_admins(conn, out, err);
}

/* ---- all of a rule ---------------------------------------------------------------- */

static int64_t id_member(const json_t *one, const char *key)
{
    const char *text = json_string_value(json_object_get(one, key));
    int64_t id = 0;
    return text && sv_i64(sv_of(text), &id) ? id : 0;
}

static int dept_head(struct store_conn *conn, struct arena *a, int64_t dept, int64_t requester,
                     struct people *out, struct err *err)
{
    int64_t head;
    if (head_from(conn, a, dept, requester, &head, err) < 0) return -1;
    return head ? by_id(conn, head, out, err) : 0;
}

static int find(struct store_conn *conn, struct arena *a, const json_t *one, int64_t requester,
                struct people *out, struct err *err)
{
    sv role = json_get_sv(one, "role"), right = json_get_sv(one, "right"),
       logins = json_get_sv(one, "logins"), post = json_get_sv(one, "post");
    json_int_t level = json_integer_value(json_object_get(one, "superior"));
    int64_t staff = id_member(one, "staff_id"), dept = id_member(one, "dept");
    if (role.p) return by_role(conn, role, requester, out, err);
    if (post.p) return by_post(conn, post, requester, out, err);
    if (right.p) return by_right(conn, a, right, requester, out, err);
    if (logins.p) return by_logins(conn, logins, out, err);
    if (level) return by_superior(conn, requester, level, out, err);
    if (staff) return by_id(conn, staff, out, err);
    if (dept) return dept_head(conn, a, dept, requester, out, err);
    return 0;
}

int approval_people(struct store_conn *conn, struct arena *a, sv rule, int64_t requester,
                    struct people *out, struct err *err)
{
    json_t *list = NULL;
    out->n = 0;
    if (!rule.n) return 0;
    if (json_parse(a, rule, &list, err) < 0) return -1;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (find(conn, a, json_array_get(list, i), requester, out, err) < 0) return -1;
    return 0;
}

static bool self_allowed(struct model *m, struct auth_tenant *t, struct arena *a)
{
    const struct model_resource *r = model_find(m, SV("core.approval"));
    return sv_eqs(model_setting(t, a, r->mf->manifest, SV("approval_self")), "true");
}

int approval_fill(struct model *m, struct auth_tenant *t, struct store_conn *conn, struct arena *a,
                  struct approval_row *row, size_t step, size_t *n, struct err *err)
{
    struct people *p = ARENA_NEW(a, struct people);
    const struct appr_step *s = &row->a.steps[step];
    bool self = self_allowed(m, t, a);
    const char *origin = "rule";
    if (approval_people(conn, a, row->rows[step].by_rule, row->a.requester, p, err) < 0) return -1;
    *n = appr_seats(p->v, p->n, row->a.requester, self);
    if (*n == 0) {
        p->n = 0;
        origin = "admin";
        if (approval_admins(conn, p, err) < 0) return -1;
        *n = appr_seats(p->v, p->n, row->a.requester, self);
    }
    /* Who has or had a place in this step keeps it. */
    size_t fresh = 0;
    for (size_t i = 0; i < *n; i++) {
        bool known = false;
        for (size_t k = 0; k < s->n_seats; k++)
            known |= s->seats[k].staff == p->v[i] && s->seats[k].state != SEAT_GONE;
        if (!known) p->v[fresh++] = p->v[i];
    }
    *n = fresh;
    return approval_add_seats(conn, row->a.id, s->id, p->v, fresh, origin, err);
}
