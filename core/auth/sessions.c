/* Sessions as people see them: their own, and everybody's for administrators; and
 * the end of one. Tokens and their hashes stay where they are. */
#define LOG_ROOM "auth"

#include "auth/login.h"

#define PAGE 50
#define MAX_PAGE 200

#define COLUMNS                                                                                  \
    "SELECT s.id, s.created_at, s.last_seen, s.expires_at, s.address, s.agent, s.client, s.staff," \
    " s.member, u.name, u.login, m.name, m.phone, d.name FROM core_session s"                    \
    " LEFT JOIN core_staff u ON u.id = s.staff LEFT JOIN core_member m ON m.id = s.member"       \
    " LEFT JOIN core_device d ON d.id = s.device"

struct list { struct http_req *req; struct jsonw w; unsigned n, limit; int64_t last; bool more; };

static sv text_of(const struct store_val *v)
{
    return v->type == STORE_TEXT ? v->u.s : SV_NULL;
}

static bool on_row(void *arg, const struct store_val *v, unsigned n_cols)
{
    struct list *l = arg;
    struct jsonw *w = &l->w;
    (void)n_cols;
    if (l->n == l->limit) {
        l->more = true;
        return false;
    }
    bool staff = v[7].type == STORE_I64;
    sv name = text_of(staff ? &v[9] : &v[11]), phone = text_of(&v[12]);
    struct err none = {0};
    if (!name.p && phone.p && people_phone(login_tenant(l->req), http_arena(l->req), AUTH_MEMBER,
                                           v[8].u.i, &v[12], &phone, &none) == 0)
        name = phone_mask(http_arena(l->req), phone);
    jsonw_obj(w);
    jsonw_kv_id(w, "id", v[0].u.i);
    jsonw_kv_time(w, "created_at", v[1].u.i);
    jsonw_kv_time(w, "last_seen", v[2].u.i);
    jsonw_kv_time(w, "expires_at", v[3].u.i);
    jsonw_kv_sv(w, "address", text_of(&v[4]));
    jsonw_kv_sv(w, "agent", text_of(&v[5]));
    jsonw_kv_sv(w, "client", text_of(&v[6]));
    jsonw_kv_str(w, "kind", staff ? "staff" : "member");
    jsonw_key(w, SV("who"));
    jsonw_obj(w);
    jsonw_kv_id(w, "id", staff ? v[7].u.i : v[8].u.i);
    jsonw_kv_sv(w, "name", name);
    jsonw_kv_sv(w, "login", text_of(&v[10]));
    jsonw_end_obj(w);
    jsonw_kv_sv(w, "device", text_of(&v[13]));
    jsonw_kv_bool(w, "current", auth_of(l->req)->session == v[0].u.i);
    jsonw_end_obj(w);
    l->last = v[0].u.i;
    l->n++;
    return true;
}

static int answer(struct http_req *req, sv sql, const struct store_val *args, unsigned n,
                  unsigned limit, struct err *err)
{
    struct list l = {.req = req, .w = jsonw_on(http_out(req)), .limit = limit};
    struct store_conn *c;
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    jsonw_obj(&l.w);
    jsonw_key(&l.w, SV("items"));
    jsonw_arr(&l.w);
    int rc = store_run(c, sql, args, n, on_row, &l, err);
    store_put(c);
    if (rc != 0) return -1;
    jsonw_end_arr(&l.w);
    jsonw_key(&l.w, SV("next"));
    if (l.more) jsonw_id(&l.w, l.last);
    else jsonw_null(&l.w);
    jsonw_end_obj(&l.w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

void sessions_own(struct http_req *req)
{
    const struct auth_principal *p = auth_of(req);
    struct err e = {0};
    if (!auth_is_staff(p) && p->kind != AUTH_MEMBER) {
        http_fail_code(req, 401, "unauthorized");
        return;
    }
    struct store_val args[] = {STORE_I(p->id), STORE_T(clock_now_us())};
    sv sql = auth_is_staff(p)
                 ? SV(COLUMNS " WHERE s.staff = ? AND s.expires_at > ? ORDER BY s.id DESC LIMIT 201")
                 : SV(COLUMNS " WHERE s.member = ? AND s.expires_at > ? ORDER BY s.id DESC LIMIT 201");
    if (answer(req, sql, args, 2, MAX_PAGE, &e) != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
}

static bool admin_only(struct http_req *req)
{
    const struct auth_principal *p = auth_of(req);
    if (p->kind == AUTH_ANON) http_fail_code(req, 401, "unauthorized");
    else if (!p->admin) http_fail_code(req, 403, "forbidden");
    return p->admin;
}

static int all(struct http_req *req, struct err *err)
{
    int64_t after = INT64_MAX, limit = PAGE, staff = 0;
    sv text = http_query(req, "after"), many = http_query(req, "limit");
    sv kind = http_query(req, "kind"), who = http_query(req, "staff");
    if (text.n && !sv_i64(text, &after)) return err_set(err, 400, "bad_request", NULL);
    if (many.n && (!sv_i64(many, &limit) || limit < 1 || limit > MAX_PAGE))
        return err_set(err, 400, "bad_request", NULL);
    if (who.n && !sv_i64(who, &staff)) return err_set(err, 400, "bad_request", NULL);
    if (kind.n && !sv_eqs(kind, "staff") && !sv_eqs(kind, "member"))
        return err_set(err, 400, "bad_request", NULL);
    struct store_val args[] = {STORE_I(after), STORE_T(clock_now_us()), STORE_I(limit + 1),
                               STORE_I(limit + 1)};
    sv sql = SV(COLUMNS " WHERE s.id < ? AND s.expires_at > ? ORDER BY s.id DESC LIMIT ?");
    unsigned n = 3;
    if (staff) {
        args[2] = STORE_I(staff);
        sql = SV(COLUMNS " WHERE s.id < ? AND s.expires_at > ? AND s.staff = ?"
                         " ORDER BY s.id DESC LIMIT ?");
        n = 4;
    } else if (sv_eqs(kind, "staff")) {
        sql = SV(COLUMNS " WHERE s.id < ? AND s.expires_at > ? AND s.staff IS NOT NULL"
                         " ORDER BY s.id DESC LIMIT ?");
    } else if (sv_eqs(kind, "member")) {
        sql = SV(COLUMNS " WHERE s.id < ? AND s.expires_at > ? AND s.member IS NOT NULL"
                         " ORDER BY s.id DESC LIMIT ?");
    }
    return answer(req, sql, args, n, (unsigned)limit, err);
}

void sessions_all(struct http_req *req)
{
    struct err e = {0};
    if (!admin_only(req)) return;
    if (all(req, &e) != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
}

/* ---- the end of one ------------------------------------------------------------------------ */

static int end(struct http_req *req, bool any, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct arena *a = http_arena(req);
    struct store_conn *c;
    struct store_val v[2];
    bool found;
    int64_t id;
    if (!sv_i64(http_param(req, "id"), &id)) return err_set(err, 404, "not_found", NULL);
    struct store_val args[] = {STORE_I(id), STORE_I(p->id)};
    sv find = any ? SV("SELECT staff, member FROM core_session WHERE id = ?")
              : auth_is_staff(p)
                  ? SV("SELECT staff, member FROM core_session WHERE id = ? AND staff = ?")
                  : SV("SELECT staff, member FROM core_session WHERE id = ? AND member = ?");
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    int rc = store_one(c, a, find, args, any ? 1 : 2, v, 2, &found, err);
    if (rc == 0 && !found) rc = err_set(err, 404, "not_found", NULL);
    if (rc == 0)
        rc = store_exec(c, SV("DELETE FROM core_session WHERE id = ?"), args, 1, NULL, err);
    store_put(c);
    if (rc != 0) return -1;
    auth_forget(auth_tenant_of(req));    /* exact here; other nodes look within five seconds */
    bool staff = v[0].type == STORE_I64;
    struct auth_audit line = {
        .action = "session_end", .ok = true,
        .target = arena_printf(a, "core.%s/%lld", staff ? "staff" : "member",
                               (long long)(staff ? v[0].u.i : v[1].u.i)),
        .detail = arena_printf(a, "{\"session\":\"%lld\"}", (long long)id)};
    auth_audit(auth_tenant_of(req), p, req, &line);
    http_status(req, 204);
    return 0;
}

void sessions_end_own(struct http_req *req)
{
    const struct auth_principal *p = auth_of(req);
    struct err e = {0};
    if (!auth_is_staff(p) && p->kind != AUTH_MEMBER) http_fail_code(req, 401, "unauthorized");
    else if (end(req, false, &e) != 0) http_fail(req, &e);
}

void sessions_end_any(struct http_req *req)
{
    struct err e = {0};
    if (admin_only(req) && end(req, true, &e) != 0) http_fail(req, &e);
}
