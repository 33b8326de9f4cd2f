/* One's own session and password, and the password that an administrator sets
 * for somebody else. */
#define LOG_ROOM "auth"

#include "auth/login.h"

static struct tenant *tenant_of(struct http_req *req)
{
    return tenant_full(auth_tenant_of(req));
}

/* ---- who am I ---------------------------------------------------------------------------- */

static void write_user(struct jsonw *w, const struct auth_principal *p)
{
    jsonw_key(w, SV("user"));
    if (p->kind == AUTH_ANON) {
        jsonw_null(w);
        return;
    }
    jsonw_obj(w);
    jsonw_kv_id(w, "id", p->id);
    jsonw_kv_sv(w, "name", p->name.n ? p->name : p->phone_masked);
    jsonw_kv_sv(w, "phone", p->phone_masked.p ? p->phone_masked : SV(""));
    if (auth_is_staff(p)) {
        jsonw_key(w, SV("department"));
        if (p->dept)
            jsonw_id(w, p->dept);
        else
            jsonw_null(w);
    }
    jsonw_end_obj(w);
}

void account_session(struct http_req *req)
{
    static const char *const kinds[] = {"anon", "staff", "member", "key", "system", "partner"};
    const struct auth_principal *p = auth_of(req);
    const struct auth_tenant *t = auth_tenant_of(req);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_str(&w, "kind", kinds[p->kind]);
    write_user(&w, p);
    jsonw_key(&w, SV("tenant"));
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "slug", t->slug);
    jsonw_kv_sv(&w, "name", t->name);
    jsonw_end_obj(&w);
    jsonw_key(&w, SV("roles"));
    jsonw_arr(&w);
    for (unsigned i = 0; p->roles && i < p->roles->n_codes; i++) jsonw_sv(&w, p->roles->codes[i]);
    jsonw_end_arr(&w);
    jsonw_kv_bool(&w, "admin", p->admin);
    jsonw_kv_str(&w, "lang", http_lang(req));
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
}

/* ---- one's own password ------------------------------------------------------------------ */

struct change { int64_t staff, session; sv hash; };

static int replace(void *arg, struct store_conn *c, struct err *err)
{
    struct change *k = arg;
    struct store_val others[] = {STORE_I(k->staff), STORE_I(k->session)};
    if (staff_set_password(c, k->staff, k->hash, false, err) != 0) return -1;
    return store_exec(c, SV("DELETE FROM core_session WHERE staff = ? AND id <> ?"), others, 2,
                      NULL, err);
}

/* Whoever found an open screen does not know the old one: it is asked, and
 * guessing it counts as guessing at the log-in does. Somebody who has none proves
 * himself by his second factor, if he has that. */
static int check_old(struct http_req *req, struct store_conn *c, const json_t *body, sv login,
                     sv hash, sv old, struct err *err)
{
    struct auth_rules rules = auth_rules_of(&tenant_of(req)->pub);
    struct lockout lock;
    bool ok;
    if (!hash.p)
        return reauth_check(req, c, &(struct person){.id = auth_of(req)->id}, body, err);
    if (!old.p) return err_field(err, "old", "required", NULL);
    lockout_init(&lock, &rules, "login", login, http_remote(req));
    if (lockout_check(&lock, c, err) != 0 || password_verify(hash, old, &ok, err) != 0) return -1;
    if (ok) return 0;
    if (lockout_fail(&lock, c, err) != 0) return -1;
    return err_field(err, "old", "auth.old_password", NULL);
}

static int change(struct http_req *req, struct store_conn *c, const json_t *body, sv old, sv new,
                  struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct arena *a = http_arena(req);
    struct store_val id[] = {STORE_I(p->id)}, v[2];
    struct change k = {.staff = p->id, .session = p->session};
    struct auth_rules rules = auth_rules_of(&tenant_of(req)->pub);
    bool found;
    if (store_one(c, a, SV("SELECT u.login, x.password_hash FROM core_staff u"
                           " LEFT JOIN core_staff_secret x ON x.staff = u.id WHERE u.id = ?"),
                  id, 1, v, 2, &found, err) != 0)
        return -1;
    if (!found) return err_set(err, 401, "unauthorized", NULL);
    sv login = v[0].u.s, hash = v[1].type == STORE_NULL ? SV_NULL : v[1].u.s;
    if (check_old(req, c, body, login, hash, old, err) != 0 ||
        password_rules_check(&rules, new, login, "new", err) != 0)
        return -1;
    if (old.p && sv_eq(old, new)) return err_field(err, "new", "auth.password_same", NULL);
    if (password_fresh(&rules, c, p->id, new, "new", err) != 0 ||
        auth_password_hash(a, new, &k.hash, err) != 0)
        return -1;
    return store_tx(c, replace, &k, err);
}

static int password(struct http_req *req, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct tenant *t = tenant_of(req);
    json_t *body;
    sv old, new;
    if (!auth_is_staff(p)) return err_set(err, 401, "unauthorized", NULL);
    if (login_body(req, &body, err) != 0) return -1;
    int rc = login_text(body, "old", false, 200, &old, err);
    rc |= login_text(body, "new", true, 200, &new, err);
    if (rc != 0) return -1;
    struct store_conn *c;
    if (store_get(t->pub.db, &c, err) != 0) return -1;
    rc = change(req, c, body, old, new, err);
    store_put(c);
    if (rc == 0) auth_forget(&t->pub);
    struct auth_audit line = {.action = "password", .ok = rc == 0,
                              .target = arena_printf(http_arena(req), "core.staff/%lld",
                                                     (long long)p->id)};
    auth_audit(&t->pub, p, req, &line);
    if (rc == 0) http_status(req, 204);
    return rc;
}

static void run_password(struct http_req *req)
{
    struct err e = {0};
    if (password(req, &e) != 0) http_fail(req, &e);
}

void account_password(struct http_req *req)
{
    login_defer(req, run_password);
}

/* ---- somebody else's --------------------------------------------------------------------- */

static int login_of(struct tenant *t, struct arena *a, sv id_text, sv *login, struct err *err)
{
    struct store_conn *c;
    struct store_val id[1], v[1];
    int64_t n;
    bool found = false;
    if (!sv_i64(id_text, &n)) return err_set(err, 404, "not_found", NULL);
    id[0] = STORE_I(n);
    if (store_get(t->pub.db, &c, err) != 0) return -1;
    int rc = store_one(c, a, SV("SELECT login FROM core_staff WHERE id = ?"
                                " AND deleted_at IS NULL"), id, 1, v, 1, &found, err);
    store_put(c);
    if (rc != 0) return -1;
    if (!found) return err_set(err, 404, "not_found", NULL);
    *login = v[0].u.s;
    return 0;
}

static int fresh(struct tenant *t, const struct auth_principal *p, struct err *err)
{
    struct store_conn *c;
    if (store_get(t->pub.db, &c, err) != 0) return -1;
    int rc = auth_proved(p, c, err);
    store_put(c);
    return rc;
}

/* Whoever manages people may do it within his bounds. */
static int may_manage(const struct tenant *t, struct http_req *req, struct err *err)
{
    const struct auth *a = t->auth;
    int64_t id;
    if (!auth_is_staff(auth_of(req)) || !a->manage) return err_set(err, 403, "forbidden", NULL);
    if (!sv_i64(http_param(req, "id"), &id)) return err_set(err, 404, "not_found", NULL);
    return a->manage(a->manage_arg, req, id, err);
}

static int reset(struct http_req *req, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct tenant *t = tenant_of(req);
    struct arena *a = http_arena(req);
    json_t *body = NULL;
    sv given = SV_NULL, login, out;
    if (p->kind == AUTH_ANON) return err_set(err, 401, "unauthorized", NULL);
    if (!p->admin && may_manage(t, req, err) != 0) return -1;
    if (fresh(t, p, err) != 0) return -1;
    if (http_body(req).n &&
        (login_body(req, &body, err) != 0 ||
         login_text(body, "password", false, 200, &given, err) != 0))
        return -1;
    if (login_of(t, a, http_param(req, "id"), &login, err) != 0 ||
        auth_staff_password(&t->pub, a, login, given, &out, err) != 0)
        return -1;
    struct auth_audit line = {.action = "password_reset", .ok = true,
                              .target = arena_printf(a, "core.staff/%.*s",
                                                     SVARG(http_param(req, "id")))};
    auth_audit(&t->pub, p, req, &line);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "password", out);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

static void run_reset(struct http_req *req)
{
    struct err e = {0};
    if (reset(req, &e) != 0) http_fail(req, &e);
}

void account_reset(struct http_req *req)
{
    login_defer(req, run_reset);
}
