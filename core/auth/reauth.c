/* Asking again who sits there, before what an open screen must not give away. */
#define LOG_ROOM "auth"

#include "auth/login.h"

static int by_password(struct http_req *req, struct store_conn *c, const struct person *who,
                       sv password, struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct lockout lock;
    bool ok;
    lockout_init(&lock, &rules, "login", who->login, http_remote(req));
    if (lockout_check(&lock, c, err) != 0 ||
        password_verify(who->hash, password, &ok, err) != 0)
        return -1;
    if (ok) return 0;
    if (lockout_fail(&lock, c, err) != 0) return -1;
    return err_field(err, "password", "auth.old_password", NULL);
}

int reauth_check(struct http_req *req, struct store_conn *c, const struct person *who,
                 const json_t *body, struct err *err)
{
    struct err e = {0};
    bool enrolled;
    sv text;
    if (who->hash.p) {
        if (login_text((json_t *)(uintptr_t)body, "password", true, 200, &text, err) != 0)
            return -1;
        return by_password(req, c, who, text, err);
    }
    if (factor_enrolled(c, who->id, &enrolled, err) != 0) return -1;
    if (!enrolled) return 0;         /* signs in by code or elsewhere: there is nothing to ask */
    if (login_text((json_t *)(uintptr_t)body, "totp", true, 40, &text, err) != 0) return -1;
    if (factor_check(req, c, who->id, text, false, NULL, &e) == 0) return 0;
    if (e.status == 401) return err_field(err, "totp", "auth.factor", NULL);
    err_copy(err, &e);
    return -1;
}

int auth_reauth(struct http_req *req, const json_t *body, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct store_conn *c;
    struct person who;
    auth_rules_of(auth_tenant_of(req));
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    int rc = login_staff_by_id(login_tenant(req), c, http_arena(req), p->id, &who, err);
    if (rc == 0) rc = reauth_check(req, c, &who, body, err);
    store_put(c);
    return rc;
}

/* ---- a new phone --------------------------------------------------------------------------- */

#define REBIND "rebind"

int auth_rebind_code(struct http_req *req, const json_t *body, struct err *err)
{
    sv phone;
    if (login_phone(req, (json_t *)(uintptr_t)body, &phone, err) != 0) return -1;
    return login_send_code(req, body, phone, SV(REBIND), err);
}

int auth_rebind_phone(struct http_req *req, json_t *body, sv *phone, struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct tenant *t = login_tenant(req);
    struct lockout lock;
    struct store_conn *c;
    struct err e = {0};
    sv code;
    if (login_phone(req, body, phone, err) != 0 ||
        login_text(body, "code", true, 20, &code, err) != 0 ||
        store_get(t->pub.db, &c, err) != 0)
        return -1;
    lockout_init(&lock, &rules, "phone", SV(""), http_remote(req));
    int rc = lockout_check(&lock, c, err);
    if (rc == 0 && code_use(t, c, *phone, SV(REBIND), code, &e) != 0) {
        rc = -1;
        if (e.status != 401) err_copy(err, &e);
        else if (lockout_fail(&lock, c, err) == 0) err_field(err, "code", "code_invalid", NULL);
    }
    store_put(c);
    return rc;
}
