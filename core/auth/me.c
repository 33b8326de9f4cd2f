/* What a member of staff sees of his own account: GET /api/auth/me. Writing the row
 * is the resource engine's, see core/main/profile.c. */
#define LOG_ROOM "auth"

#include "auth/login.h"

static int read_counts(struct tenant *t, struct store_conn *c, struct arena *a, int64_t staff,
                       int64_t *codes, sv *email, struct err *err)
{
    struct store_val args[] = {STORE_I(staff), STORE_I(staff)}, v[2];
    bool found;
    if (store_one(c, a, SV("SELECT (SELECT COUNT(*) FROM core_recovery_code WHERE staff = ?), email"
                           " FROM core_staff WHERE id = ?"), args, 2, v, 2, &found, err) != 0)
        return -1;
    *codes = found ? v[0].u.i : 0;
    *email = SV_NULL;
    return found ? people_email(t, a, staff, &v[1], email, err) : 0;
}

static bool on_identity(void *arg, const struct store_val *v, unsigned n)
{
    struct jsonw *w = arg;
    (void)n;
    jsonw_obj(w);
    jsonw_kv_id(w, "id", v[0].u.i);
    jsonw_kv_sv(w, "provider", v[1].u.s);
    jsonw_kv_sv(w, "title", v[2].u.s);
    jsonw_kv_sv(w, "name", v[3].type == STORE_TEXT ? v[3].u.s : SV_NULL);
    jsonw_end_obj(w);
    return true;
}

static int write_me(struct http_req *req, struct store_conn *c, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct arena *a = http_arena(req);
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct person who;
    bool enrolled;
    int64_t codes;
    sv email;
    if (login_staff_by_id(login_tenant(req), c, a, p->id, &who, err) != 0 ||
        factor_enrolled(c, p->id, &enrolled, err) != 0 ||
        read_counts(login_tenant(req), c, a, p->id, &codes, &email, err) != 0)
        return -1;
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", who.id);
    jsonw_kv_sv(&w, "login", who.login);
    jsonw_kv_sv(&w, "name", who.name);
    jsonw_kv_sv(&w, "email", email);
    jsonw_kv_sv(&w, "phone", who.phone.n ? phone_mask(a, who.phone) : SV_NULL);
    jsonw_kv_bool(&w, "has_password", who.hash.p != NULL);
    jsonw_key(&w, SV("password_changed_at"));
    if (who.changed_at) jsonw_time(&w, who.changed_at);
    else jsonw_null(&w);
    jsonw_key(&w, SV("totp"));
    jsonw_obj(&w);
    jsonw_kv_bool(&w, "enrolled", enrolled);
    jsonw_kv_bool(&w, "required", rules.totp == AUTH_TOTP_ALL ||
                                      (rules.totp == AUTH_TOTP_ADMINS && p->admin));
    jsonw_kv_i64(&w, "recovery_left", codes);
    jsonw_end_obj(&w);
    jsonw_key(&w, SV("password_rule"));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "min", rules.password_min);
    jsonw_kv_i64(&w, "kinds", rules.password_kinds);
    jsonw_end_obj(&w);
    jsonw_key(&w, SV("identities"));
    jsonw_arr(&w);
    struct store_val args[] = {STORE_I(p->id)};
    if (store_run(c, SV("SELECT i.id, v.code, v.name, i.name FROM core_identity i"
                        " JOIN core_login_provider v ON v.id = i.provider WHERE i.staff = ?"
                        " ORDER BY i.id"), args, 1, on_identity, &w, err) != 0)
        return -1;
    jsonw_end_arr(&w);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

void me_get(struct http_req *req)
{
    struct err e = {0};
    struct store_conn *c;
    if (!auth_is_staff(auth_of(req))) {
        http_fail_code(req, 401, "unauthorized");
        return;
    }
    auth_rules_of(auth_tenant_of(req));
    if (store_get(auth_tenant_of(req)->db, &c, &e) != 0) {
        http_fail(req, &e);
        return;
    }
    if (write_me(req, c, &e) != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
    store_put(c);
}
