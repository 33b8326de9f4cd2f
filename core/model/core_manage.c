/* Delegated administration: who may write core.staff, core.role and core.post by a
 * role keeps within his own rights. Otherwise whoever can give a role, or set the
 * password or the phone of somebody who has one, could make himself anything.
 *
 * For the host: only people of his departments, never himself, never an
 * administrator, nobody who may more than he may, and no role that allows more.
 * For a partner: its own people and roles, bounded by the partner's limit. What
 * somebody has by a delegation does not count: it is not his to hand on. */
#define LOG_ROOM "model"
#include "model/internal.h"

/* ---- reading ---------------------------------------------------------------------- */

struct role_doc {
    int64_t id, partner;
    bool builtin;
    sv grants;
};
struct docs {
    struct arena *a;
    struct role_doc *v;
    size_t n, cap;
};

static int64_t number(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static bool take_doc(void *arg, const struct store_val *v, unsigned n_cols)
{
    struct docs *d = arg;
    (void)n_cols;
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 8;
        struct role_doc *more = ARENA_ARRAY(d->a, struct role_doc, cap);
        if (d->n) memcpy(more, d->v, d->n * sizeof *more);
        d->v = more;
        d->cap = cap;
    }
    d->v[d->n++] = (struct role_doc){number(&v[0]), number(&v[1]), number(&v[2]) != 0,
                                     v[3].type == STORE_NULL ? SV_NULL : arena_sv(d->a, v[3].u.s)};
    return true;
}

#define ROLE "SELECT r.`id`,r.`partner`,r.`builtin`,r.`grants` FROM `core_role` AS r "

static int role_of(struct model_hook_call *call, int64_t id, struct docs *out, struct err *err)
{
    struct store_val args[] = {STORE_I(id)};
    return store_run(call->conn, SV(ROLE "WHERE r.`id`=?"), args, 1, take_doc, out, err);
}

/* Directly or by any post, also one that is to come. */
static int roles_held(struct model_hook_call *call, int64_t staff, struct docs *out,
                      struct err *err)
{
    struct store_val args[] = {STORE_I(staff), STORE_I(staff), STORE_T(clock_now_us())};
    return store_run(call->conn,
                     SV(ROLE "WHERE r.`id` IN (SELECT `role` FROM `core_staff_role` WHERE "
                             "`staff`=?) OR r.`id` IN (SELECT x.`role` FROM `core_staff_post` AS p "
                             "JOIN `core_post_role` AS x ON x.`post`=p.`post` WHERE p.`staff`=? "
                             "AND (p.`until` IS NULL OR p.`until`>?))"),
                     args, 3, take_doc, out, err);
}

static int64_t id_in(const json_t *row, const char *name)
{
    int64_t id = 0;
    return sv_i64(json_get_sv(row, name), &id) ? id : 0;
}

/* ---- bounds ----------------------------------------------------------------------- */

static bool unbounded(const struct auth_principal *who)
{
    return who->admin || who->kind == AUTH_SYSTEM;
}

static int refuse(struct err *err, const char *field, const char *code, const char *what)
{
    err_set(err, 403, code, what, NULL);
    if (field) err_field(err, field, code, what, NULL);
    return -1;
}

/* What the caller's roles may amount to: his own rights, or his partner's limit. */
static int bound_of(struct model_hook_call *call, const struct auth_roles **out, struct err *err)
{
    const struct auth_principal *who = call->who;
    *out = who->roles;
    if (who->kind != AUTH_PARTNER) return 0;
    struct docs d = {.a = call->arena};
    struct store_val args[] = {STORE_I(who->partner)};
    if (store_run(call->conn,
                  SV(ROLE "WHERE r.`code`='core.partner_everyone' OR r.`id` IN (SELECT `role` FROM "
                          "`core_partner_role` WHERE `partner`=?)"),
                  args, 1, take_doc, &d, err) < 0)
        return -1;
    sv *docs = ARENA_ARRAY(call->arena, sv, d.n + 1);
    for (size_t i = 0; i < d.n; i++)
        docs[i] = d.v[i].grants;
    return auth_roles_read(call->conn, call->arena, docs, d.n, out, err);
}

static int within(struct model_hook_call *call, const sv *docs, size_t n, const char *field,
                  const char *code, struct err *err)
{
    const struct auth_roles *inner, *outer;
    sv what = SV("");
    if (auth_roles_read(call->conn, call->arena, docs, n, &inner, err) < 0 ||
        bound_of(call, &outer, err) < 0)
        return -1;
    if (outer && auth_roles_within(inner, outer, &what)) return 0;
    return refuse(err, field, code, arena_str(call->arena, what));
}

/* May the caller give or take this role to or from people of `partner`? */
static int may_give(struct model_hook_call *call, int64_t role, int64_t partner, const char *field,
                    struct err *err)
{
    struct docs d = {.a = call->arena};
    if (role_of(call, role, &d, err) < 0) return -1;
    if (!d.n) return 0; /* a reference to nothing is refused as such */
    const struct role_doc *r = &d.v[0];
    bool of_other = r->partner && r->partner != partner;
    if (of_other || (r->builtin && partner)) return err_field(err, field, "role_not_for", NULL);
    if (unbounded(call->who)) return 0;
    if (r->builtin) return refuse(err, field, "role_beyond_yours", "*");
    if (call->who->kind == AUTH_PARTNER)
        return r->partner == call->who->partner ? 0 : refuse(err, field, "role_beyond_yours", "*");
    return within(call, &r->grants, 1, field, "role_beyond_yours", err);
}

static bool lists(const json_t *list, int64_t role)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (id_in(json_array_get(list, i), "role") == role) return true;
    return false;
}

/* Each role that is in one list and not in the other. */
static int may_give_changes(struct model_hook_call *call, const json_t *one, const json_t *other,
                            int64_t partner, const char *field, struct err *err)
{
    for (size_t i = 0; i < json_array_size(one); i++) {
        int64_t role = id_in(json_array_get(one, i), "role");
        if (role && !lists(other, role) && may_give(call, role, partner, field, err) < 0) return -1;
    }
    return 0;
}

static int roles_changed(struct model_hook_call *call, const char *field, int64_t partner,
                         struct err *err)
{
    const json_t *before = json_object_get(call->before, field);
    const json_t *after = json_object_get(call->after, field);
    if (may_give_changes(call, after, before, partner, field, err) < 0) return -1;
    return unbounded(call->who) ? 0
                                : may_give_changes(call, before, after, partner, field, err);
}

/* ---- people ----------------------------------------------------------------------- */

static bool in_ids(const int64_t *v, unsigned n, int64_t id)
{
    for (unsigned i = 0; i < n; i++)
        if (v[i] == id) return true;
    return false;
}

/* Is the department among those whose people the caller manages by himself? */
static bool manages(const struct auth_principal *who, int64_t dept)
{
    const struct auth_grant *g = auth_grant_of(who, SV("core.staff"));
    if (g && g->n_hats) g = &g->hats[0];
    if (!g) return false;
    if (who->kind == AUTH_PARTNER) return true;
    if (!g->n_update) return in_ids(who->depts, who->n_depts, dept);
    for (unsigned i = 0; i < g->n_update; i++) {
        sv s = g->update[i];
        if (sv_eqs(s, "all") || (sv_eqs(s, "department") && dept && dept == who->dept) ||
            (sv_eqs(s, "subtree") && in_ids(who->depts, who->n_depts, dept)) ||
            (sv_eqs(s, "custom") && in_ids(g->custom[AUTH_UPDATE].v, g->custom[AUTH_UPDATE].n, dept)))
            return true;
    }
    return false;
}

/* May the caller touch this person at all? */
static int may_touch(struct model_hook_call *call, int64_t staff, int64_t dept, struct err *err)
{
    const struct auth_principal *who = call->who;
    if (unbounded(who)) return 0;
    if (staff == who->id) return refuse(err, NULL, "not_oneself", NULL);
    if (!manages(who, dept)) return refuse(err, NULL, "forbidden", NULL);
    struct docs d = {.a = call->arena};
    if (roles_held(call, staff, &d, err) < 0) return -1;
    sv *docs = ARENA_ARRAY(call->arena, sv, d.n + 1);
    for (size_t i = 0; i < d.n; i++) {
        if (d.v[i].builtin) return refuse(err, NULL, "administrators_only", NULL);
        docs[i] = d.v[i].grants;
    }
    if (who->kind == AUTH_PARTNER) return 0; /* the limit bounds them all */
    return within(call, docs, d.n, NULL, "person_beyond_you", err);
}

static bool active(const json_t *row)
{
    return sv_eqs(json_get_sv(row, "state"), "active");
}

/* Does this write make one more active person somewhere? */
static int take_seat(struct model_hook_call *call, struct err *err)
{
    const json_t *b = call->before, *a = call->after ? call->after : call->before;
    bool comes = strcmp(call->event, "transition:resume") == 0;
    if (strcmp(call->event, "restore") == 0) comes = active(b);
    if (strcmp(call->event, "check") == 0)
        comes = !b || (active(b) && (id_in(a, "department") != id_in(b, "department") ||
                                     id_in(a, "partner") != id_in(b, "partner")));
    if (!comes) return 0;
    return auth_seats_check(call->tenant, call->conn, id_in(a, "department"), id_in(a, "partner"),
                            call->id, err);
}

int manage_staff(struct model_hook_call *call, struct err *err)
{
    bool check = strcmp(call->event, "check") == 0;
    const json_t *after = call->after ? call->after : call->before;
    int64_t dept = id_in(after, "department");
    if (call->before && may_touch(call, call->id, id_in(call->before, "department"), err) < 0)
        return -1;
    if (check && !unbounded(call->who) && !manages(call->who, dept))
        return refuse(err, "department", "department_not_yours", NULL);
    if (check && roles_changed(call, "roles", id_in(after, "partner"), err) < 0) return -1;
    return take_seat(call, err);
}

/* Whoever leaves has no post, no log-in, and acts for nobody. */
int staff_depart(struct model_hook_call *call, struct err *err)
{
    struct store_val post[] = {STORE_T(clock_now_us()), STORE_I(call->id), STORE_T(clock_now_us())};
    struct store_val both[] = {STORE_I(call->id), STORE_I(call->id)};
    if (staff_check(call, err) < 0 ||
        store_exec(call->conn,
                   SV("UPDATE `core_staff_post` SET `until`=? WHERE `staff`=? AND "
                      "(`until` IS NULL OR `until`>?)"),
                   post, 3, NULL, err) < 0 ||
        store_exec(call->conn,
                   SV("UPDATE `core_delegation` SET `state`='revoked' WHERE `state`='active' AND "
                      "(`owner`=? OR `to_staff`=?)"),
                   both, 2, NULL, err) < 0)
        return -1;
    return store_exec(call->conn, SV("DELETE FROM `core_session` WHERE `staff`=?"), both, 1, NULL,
                      err);
}

int post_roles_check(struct model_hook_call *call, struct err *err)
{
    const json_t *row = call->after ? call->after : call->before;
    return roles_changed(call, "roles", id_in(row, "partner"), err);
}

struct place { int64_t dept, partner; bool found; };

static bool take_place(void *arg, const struct store_val *v, unsigned n_cols)
{
    (void)n_cols;
    *(struct place *)arg = (struct place){number(&v[0]), number(&v[1]), true};
    return true;
}

/* A post brings its roles. */
int staff_post_check(struct model_hook_call *call, struct err *err)
{
    const json_t *row = call->after ? call->after : call->before;
    int64_t staff = id_in(row, "staff");
    struct store_val args[] = {STORE_I(staff)}, post[] = {STORE_I(id_in(row, "post"))};
    struct place p = {0};
    struct docs d = {.a = call->arena};
    if (store_run(call->conn, SV("SELECT `department`,`partner` FROM `core_staff` WHERE `id`=?"),
                  args, 1, take_place, &p, err) < 0 ||
        may_touch(call, staff, p.dept, err) < 0 ||
        store_run(call->conn,
                  SV(ROLE "JOIN `core_post_role` AS x ON x.`role`=r.`id` WHERE x.`post`=?"), post,
                  1, take_doc, &d, err) < 0)
        return -1;
    for (size_t i = 0; i < d.n; i++)
        if (may_give(call, d.v[i].id, p.partner, "post", err) < 0) return -1;
    return 0;
}

/* For setting a password, which is to be somebody. */
int model_may_manage(void *arg, struct http_req *req, int64_t staff, struct err *err)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = model_find(arg, SV("core.staff"));
    struct model_hook_call call = {
        .model = arg, .tenant = c.tenant, .who = c.who, .arena = c.arena, .event = "password"};
    const struct model_policy *p = policy_of(r, c.who, c.arena, err);
    if (!p) return -1;
    if (!p->can_update) return policy_refuse(c.who, err);
    struct place place = {0};
    struct sql s;
    sql_start(&s, c.arena);
    sql_text(&s, "SELECT `department`,`partner` FROM `core_staff`");
    policy_where(p, c.who, &p->update, false, &s);
    sql_text(&s, " AND `id`=?");
    sql_val(&s, STORE_I(staff));
    if (conn_enter(&c, &call.conn, err) < 0) return -1;
    int rc = store_run(call.conn, buf_view(&s.text), s.args, s.n, take_place, &place, err);
    if (rc == 0 && !place.found) rc = err_set(err, 404, "not_found", NULL);
    if (rc == 0) rc = may_touch(&call, staff, place.dept, err);
    conn_leave(&c, call.conn);
    return rc;
}

/* ---- roles and partners ----------------------------------------------------------- */

static sv text_of(struct arena *a, const json_t *doc)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    if (!json_is_object(doc)) return SV_NULL;
    jsonw_json(&w, doc);
    return buf_view(&b);
}

static bool for_partners(const json_t *doc)
{
    const char *name;
    json_t *x;
    json_object_foreach((json_t *)(uintptr_t)doc, name, x)
        if (json_is_true(json_object_get(x, "partners"))) return true;
    return false;
}

int role_check(struct model_hook_call *call, struct err *err)
{
    const json_t *before = json_object_get(call->before, "grants");
    const json_t *after = json_object_get(call->after, "grants");
    if (after && !json_is_null(after) && grants_check(call->model, after, before, err) < 0)
        return -1;
    if (unbounded(call->who)) return 0;
    const json_t *row = call->before;
    if (json_is_true(json_object_get(row, "builtin")) || json_get_sv(row, "plugin").n)
        return refuse(err, NULL, "forbidden", NULL);
    if (for_partners(after)) return refuse(err, "grants", "role_beyond_yours", "partners");
    sv docs[2] = {text_of(call->arena, before), text_of(call->arena, after)};
    return within(call, docs, 2, "grants", "role_beyond_yours", err);
}

int partner_check(struct model_hook_call *call, struct err *err)
{
    struct store_val id[] = {STORE_I(call->id)};
    if (strcmp(call->event, "transition:freeze") == 0)
        return store_exec(call->conn,
                          SV("DELETE FROM `core_session` WHERE `staff` IN (SELECT `id` FROM "
                             "`core_staff` WHERE `partner`=?)"),
                          id, 1, NULL, err);
    return roles_changed(call, "limits", 0, err);
}
