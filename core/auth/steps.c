/* What follows the first proof of a log-in: a new password where the old one is
 * over, the second factor, the register of devices; each step is answered with a
 * ticket for the next. */
#define LOG_ROOM "auth"

#include "auth/login.h"

const char *steps_next(const struct auth_rules *r, const struct person *who, bool admin,
                       bool enrolled, const struct steps *s, int64_t now)
{
    bool by_password = strcmp(s->by, "password") == 0;
    bool wanted = r->totp == AUTH_TOTP_ALL || (r->totp == AUTH_TOTP_ADMINS && admin);
    if (!(s->passed & PASSED_FACTOR)) {
        if (enrolled) return "totp";
        if (wanted) return "enrol";
    }
    /* last: who changes a password is by now certain to be its owner */
    if (by_password && !(s->passed & PASSED_PASSWORD) &&
        password_due(r, who->must_change, who->changed_at, now))
        return "password";
    return NULL;
}

static int is_admin(struct store_conn *c, int64_t staff, bool *admin, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val args[] = {STORE_I(staff)}, v[1];
    int rc = store_one(c, a, SV("SELECT r.id FROM core_staff_role s JOIN core_role r"
                                " ON r.id = s.role WHERE s.staff = ? AND r.code = 'admin'"
                                " AND r.builtin = 1 LIMIT 1"), args, 1, v, 1, admin, err);
    arena_free(a);
    return rc;
}

static int next_step(struct http_req *req, struct store_conn *c, const struct person *who,
                     const struct steps *s, const char **step, struct err *err)
{
    struct auth_rules rules = auth_rules_of(&login_tenant(req)->pub);
    bool admin, enrolled;
    if (is_admin(c, who->id, &admin, err) != 0 || factor_enrolled(c, who->id, &enrolled, err) != 0)
        return -1;
    *step = steps_next(&rules, who, admin, enrolled, s, clock_now_us());
    return 0;
}

static int make_ticket(struct http_req *req, struct store_conn *c, const struct person *who,
                       const struct steps *s, char text[AUTH_TOKEN_CHARS + 1], struct err *err)
{
    struct buf data = BUF_IN(http_arena(req));
    struct jsonw w = jsonw_on(&data);
    jsonw_obj(&w);
    jsonw_kv_str(&w, "by", s->by);
    jsonw_kv_i64(&w, "passed", s->passed);
    jsonw_end_obj(&w);
    struct ticket_new n = {.kind = LOGIN_TICKET, .staff = who->id, .life_us = LOGIN_TICKET_US,
                           .address = http_remote(req), .data = buf_view(&data)};
    return ticket_make(c, &n, text, err);
}

static int answer_step(struct http_req *req, struct store_conn *c, const struct person *who,
                       const struct steps *s, const char *step, sv ticket, struct err *err)
{
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_str(&w, "step", step);
    jsonw_kv_sv(&w, "ticket", ticket);
    jsonw_kv_i64(&w, "expires_in", LOGIN_TICKET_US / 1000000);
    if (strcmp(step, "enrol") == 0 && factor_begin(req, c, who, &w, err) != 0) return -1;
    if (s->codes) {                  /* shown now: they are kept nowhere */
        jsonw_key(&w, SV("recovery_codes"));
        jsonw_json(&w, s->codes);
    }
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

static int admit(struct http_req *req, struct store_conn *c, const struct person *who,
                 const struct steps *s, bool redirect, struct admitted *by, struct err *err)
{
    if (device_admit(req, c, who, redirect, by, err) == 0) return 0;
    if (err->status == 403 || err->status == 422) login_audit(req, who, s->by, err->code);
    return -1;
}

int steps_go_on(struct http_req *req, struct store_conn *c, const struct person *who,
                const struct steps *s, struct err *err)
{
    char ticket[AUTH_TOKEN_CHARS + 1];
    const char *step;
    struct admitted by;
    if (next_step(req, c, who, s, &step, err) != 0) return -1;
    if (step)
        return make_ticket(req, c, who, s, ticket, err) != 0
                   ? -1
                   : answer_step(req, c, who, s, step, sv_of(ticket), err);
    if (admit(req, c, who, s, false, &by, err) != 0 ||
        login_open(req, c, who, &by, s->codes, err) != 0)
        return -1;
    login_audit(req, who, s->by, NULL);
    return 0;
}

int steps_ticket(struct http_req *req, struct store_conn *c, const struct person *who,
                 const struct steps *s, char ticket[AUTH_TOKEN_CHARS + 1], struct err *err)
{
    struct session_made made;
    const char *step;
    struct admitted by;
    ticket[0] = 0;
    if (next_step(req, c, who, s, &step, err) != 0) return -1;
    if (step) return make_ticket(req, c, who, s, ticket, err);
    if (admit(req, c, who, s, true, &by, err) != 0 ||
        login_session(req, c, who, &by, &made, err) != 0)
        return -1;
    login_audit(req, who, s->by, NULL);
    return 0;
}

/* ---- the next request of the same log-in ------------------------------------------------- */

struct going { json_t *body; struct ticket ticket; struct steps s; struct person who; };

static int read_ticket(struct http_req *req, struct store_conn *c, struct going *g, struct err *err)
{
    static const char *const ways[] = {"password", "code", "oidc", "wecom", NULL};
    struct arena *a = http_arena(req);
    sv text;
    json_t *data;
    if (login_text(g->body, "ticket", true, 100, &text, err) != 0 ||
        ticket_try(c, a, LOGIN_TICKET, text, &g->ticket, err) != 0 ||
        json_parse(a, g->ticket.data, &data, err) != 0 ||
        login_staff_by_id(login_tenant(req), c, a, g->ticket.staff, &g->who, err) != 0)
        return -1;
    if (!g->who.id || !g->who.active) return err_set(err, 401, "auth.ticket", NULL);
    sv by = json_get_sv(data, "by");
    g->s = (struct steps){.by = "", .passed = (unsigned)json_integer_value(json_object_get(data, "passed"))};
    for (unsigned i = 0; ways[i]; i++)
        if (sv_eqs(by, ways[i])) g->s.by = ways[i];
    return 0;
}

static int finish(struct http_req *req, struct store_conn *c, struct going *g, unsigned passed,
                  struct err *err)
{
    if (ticket_use(c, &g->ticket, err) != 0) return -1;
    g->s.passed |= passed;
    return steps_go_on(req, c, &g->who, &g->s, err);
}

static int factor(struct http_req *req, struct store_conn *c, struct going *g, struct err *err)
{
    json_t *codes = NULL;
    bool enrolled;
    sv code;
    if (login_text(g->body, "code", true, 40, &code, err) != 0 ||
        factor_enrolled(c, g->who.id, &enrolled, err) != 0)
        return -1;
    if (factor_check(req, c, g->who.id, code, !enrolled, &codes, err) != 0) {
        if (err->status == 401) login_audit(req, &g->who, g->s.by, "totp");
        return -1;
    }
    if (codes) g->s.codes = codes;
    return finish(req, c, g, PASSED_FACTOR, err);
}

struct renewal { int64_t staff; sv hash; };

static int renew(void *arg, struct store_conn *c, struct err *err)
{
    struct renewal *r = arg;
    struct store_val staff[] = {STORE_I(r->staff)};
    if (staff_set_password(c, r->staff, r->hash, false, err) != 0) return -1;
    return store_exec(c, SV("DELETE FROM core_session WHERE staff = ?"), staff, 1, NULL, err);
}

/* Only who has all else behind him changes the password of this account. */
static int new_password(struct http_req *req, struct store_conn *c, struct going *g,
                        struct err *err)
{
    struct auth_rules rules = auth_rules_of(&login_tenant(req)->pub);
    struct renewal r = {.staff = g->who.id};
    const char *step;
    sv new;
    if (next_step(req, c, &g->who, &g->s, &step, err) != 0) return -1;
    if (!step || strcmp(step, "password") != 0) return err_set(err, 401, "auth.ticket", NULL);
    if (login_text(g->body, "new", true, 200, &new, err) != 0 ||
        password_rules_check(&rules, new, g->who.login, "new", err) != 0 ||
        password_fresh(&rules, c, g->who.id, new, "new", err) != 0 ||
        auth_password_hash(http_arena(req), new, &r.hash, err) != 0 ||
        store_tx(c, renew, &r, err) != 0)
        return -1;
    auth_forget(&login_tenant(req)->pub);
    struct auth_principal p = {.kind = AUTH_STAFF, .id = g->who.id, .name = g->who.name};
    struct auth_audit line = {.action = "password", .ok = true,
                              .target = arena_printf(http_arena(req), "core.staff/%lld",
                                                     (long long)g->who.id)};
    auth_audit(&login_tenant(req)->pub, &p, req, &line);
    return finish(req, c, g, PASSED_PASSWORD, err);
}

/* What is wanted of the holder of a ticket: for the page that an outer log-in leads
 * back to. */
static int show(struct http_req *req, struct store_conn *c, struct going *g, struct err *err)
{
    const char *step;
    if (next_step(req, c, &g->who, &g->s, &step, err) != 0) return -1;
    if (!step) return err_set(err, 401, "auth.ticket", NULL);
    sv text;
    return login_text(g->body, "ticket", true, 100, &text, err) != 0
               ? -1
               : answer_step(req, c, &g->who, &g->s, step, text, err);
}

static void run(struct http_req *req,
                int (*fn)(struct http_req *, struct store_conn *, struct going *, struct err *))
{
    struct err e = {0};
    struct going g = {0};
    struct store_conn *c;
    auth_rules_of(&login_tenant(req)->pub);
    if (login_body(req, &g.body, &e) != 0 || store_get(login_tenant(req)->pub.db, &c, &e) != 0) {
        http_fail(req, &e);
        return;
    }
    if (read_ticket(req, c, &g, &e) != 0 || fn(req, c, &g, &e) != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
    store_put(c);
}

static void run_factor(struct http_req *req)
{
    run(req, factor);
}

static void run_password(struct http_req *req)
{
    run(req, new_password);
}

void login_step_factor(struct http_req *req)
{
    login_defer(req, run_factor);
}

void login_step_password(struct http_req *req)
{
    login_defer(req, run_password);
}

void login_step(struct http_req *req)
{
    run(req, show);
}
