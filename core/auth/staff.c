/* Members of staff for the operator's tools, the first administrator, and the
 * password that an administrator sets for somebody. */
#define LOG_ROOM "auth"

#include "auth/room.h"

int staff_admin_role(struct store_conn *c, struct err *err)
{
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now),
                               STORE_S(SV(ROLE_ADMIN)), STORE_S(SV("系统管理员"))};
    return store_exec(c, SV("INSERT INTO core_role (id, created_at, updated_at, code, name,"
                            " builtin, version) VALUES (?, ?, ?, ?, ?, 1, 1)"
                            " ON DUPLICATE KEY UPDATE builtin = 1"),
                      args, 5, NULL, err);
}

int staff_set_password(struct store_conn *c, int64_t staff, sv hash, bool must_change,
                       struct err *err)
{
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now),  STORE_T(now), STORE_I(staff),
                               STORE_S(hash),      STORE_T(now), STORE_I(must_change)};
    struct store_val old[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_I(staff)};
    if (store_exec(c, SV("INSERT INTO core_password_history (id, created_at, updated_at, staff,"
                         " password_hash) SELECT ?, ?, ?, staff, password_hash"
                         " FROM core_staff_secret WHERE staff = ?"), old, 4, NULL, err) != 0)
        return -1;
    return store_exec(c, SV("INSERT INTO core_staff_secret (id, created_at, updated_at, staff,"
                            " password_hash, changed_at, must_change) VALUES (?, ?, ?, ?, ?, ?, ?)"
                            " ON DUPLICATE KEY UPDATE updated_at = VALUES(updated_at),"
                            " password_hash = VALUES(password_hash),"
                            " changed_at = VALUES(changed_at), must_change = VALUES(must_change)"),
                      args, 7, NULL, err);
}

int staff_rehash(struct store_conn *c, int64_t staff, sv hash, struct err *err)
{
    struct store_val args[] = {STORE_S(hash), STORE_I(staff)};
    return store_exec(c, SV("UPDATE core_staff_secret SET password_hash = ? WHERE staff = ?"), args,
                      2, NULL, err);
}

/* ---- creating ---------------------------------------------------------------------------- */

struct new_staff {
    struct auth_tenant *tenant;
    struct arena *arena;
    const struct auth_new_staff *n;
    sv phone, hash;
    int64_t id;
    struct auth_rules rules;
};

static bool login_ok(sv login)
{
    if (login.n < 2 || login.n > 40) return false;
    for (size_t i = 0; i < login.n; i++) {
        char c = login.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!letter && !(i > 0 && other)) return false;
    }
    return true;
}

static int give_role(struct store_conn *c, struct new_staff *s, sv code, struct err *err)
{
    int64_t now = clock_now_us();
    if (sv_eqs(code, ROLE_ADMIN) && staff_admin_role(c, err) != 0) return -1;
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_I(s->id),
                               STORE_S(code)};
    uint64_t n = 0;
    if (store_exec(c, SV("INSERT INTO core_staff_role (id, created_at, updated_at, staff, role)"
                         " SELECT ?, ?, ?, ?, id FROM core_role WHERE code = ?"),
                   args, 5, &n, err) != 0)
        return -1;
    return n ? 0 : err_field(err, "roles", "ref_not_found", NULL);
}

static int insert(void *arg, struct store_conn *c, struct err *err)
{
    struct new_staff *s = arg;
    const struct auth_new_staff *n = s->n;
    int64_t now = clock_now_us();
    struct store_val phone[2];
    if (people_seal_phone(tenant_full(s->tenant), s->arena, AUTH_STAFF, s->id, s->phone, phone, err) != 0)
        return -1;
    struct store_val args[] = {STORE_I(s->id),    STORE_T(now),     STORE_T(now), STORE_S(n->login),
                               STORE_S(n->name), phone[0],         phone[1]};
    if (store_exec(c, SV("INSERT INTO core_staff (id, created_at, updated_at, login, name, phone,"
                         " phone_hash, state, version) VALUES (?, ?, ?, ?, ?, ?, ?, 'active', 1)"),
                   args, 7, NULL, err) != 0)
        return -1;
    if (auth_seats_check(s->tenant, c, 0, 0, s->id, err) != 0) return -1;
    for (unsigned i = 0; i < n->n_roles; i++)
        if (give_role(c, s, n->roles[i], err) != 0) return -1;
    return staff_set_password(c, s->id, s->hash, s->rules.password_first, err);
}

static int check_input(struct new_staff *s, struct err *err)
{
    const struct auth_new_staff *n = s->n;
    int rc = 0;
    if (!login_ok(n->login)) rc = err_field(err, "login", "pattern_mismatch", NULL);
    if (n->name.n == 0) rc = err_field(err, "name", "required", NULL);
    if (sv_utf8_len(n->name) > 60) rc = err_field(err, "name", "too_long", "60", NULL);
    if (n->phone.n) {
        s->phone = phone_normal(s->arena, n->phone);
        if (!s->phone.p) rc = err_field(err, "phone", "not_phone", NULL);
    }
    if (n->password.p &&
        password_rules_check(&s->rules, n->password, n->login, "password", err) != 0)
        rc = -1;
    return rc;
}

int auth_staff_create(struct auth_tenant *t, struct arena *a, const struct auth_new_staff *n,
                      int64_t *id, sv *password, struct err *err)
{
    struct new_staff s = {
        .tenant = t, .arena = a, .n = n, .id = id_next(), .rules = auth_rules_of(t)};
    if (check_input(&s, err) != 0) return -1;
    sv secret = n->password.p ? n->password : password_generate(a, &s.rules);
    if (auth_password_hash(a, secret, &s.hash, err) != 0) return -1;
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0) return -1;
    struct err e = {0};
    int rc = store_tx(c, insert, &s, &e);
    if (rc != 0) {
        bool phone = strstr(store_dup_key(c), "phone") != NULL;
        if (e.status == 409 && sv_eqs(sv_of(e.code), "duplicate"))
            err_field(err, phone ? "phone" : "login", "not_unique", NULL);
        else
            err_copy(err, &e);
    }
    store_put(c);
    if (rc != 0) return -1;
    *id = s.id;
    if (password) *password = secret;
    return 0;
}

/* ---- setting a password ------------------------------------------------------------------ */

struct reset { int64_t staff; sv hash; bool must_change; };

static int replace(void *arg, struct store_conn *c, struct err *err)
{
    struct reset *r = arg;
    struct store_val staff[] = {STORE_I(r->staff)};
    if (staff_set_password(c, r->staff, r->hash, r->must_change, err) != 0) return -1;
    return store_exec(c, SV("DELETE FROM core_session WHERE staff = ?"), staff, 1, NULL, err);
}

int auth_staff_password(struct auth_tenant *t, struct arena *a, sv login, sv password, sv *out,
                        struct err *err)
{
    struct auth_rules rules = auth_rules_of(t);
    if (password.p && password_rules_check(&rules, password, login, "password", err) != 0)
        return -1;
    sv secret = password.p ? password : password_generate(a, &rules);
    struct reset r = {.must_change = rules.password_first};
    if (auth_password_hash(a, secret, &r.hash, err) != 0) return -1;
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0) return -1;
    struct store_val args[] = {STORE_S(login)}, row[1];
    bool found = false;
    int rc = store_one(c, a, SV("SELECT id FROM core_staff WHERE login = ?"
                                " AND deleted_at IS NULL"), args, 1, row, 1, &found, err);
    if (rc == 0 && !found) rc = err_set(err, 404, "not_found", NULL);
    if (rc == 0) {
        r.staff = row[0].u.i;
        rc = store_tx(c, replace, &r, err);
    }
    store_put(c);
    if (rc != 0) return -1;
    auth_forget(t);
    if (out) *out = secret;
    return 0;
}
