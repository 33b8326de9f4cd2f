/* auth: tenants, identities, sessions, roles, audit. Its tables in a tenant's
 * database are resources of the core manifest (core/auth/manifest/), its tables
 * in the control database are in control.c. Row scopes and field rights are
 * data here; `model` compiles them. */
#ifndef ATRIUM_CORE_AUTH_H
#define ATRIUM_CORE_AUTH_H

#include "base/base.h"
#include "config/manifest.h"
#include "http/http.h"
#include "store/store.h"
#include "work/work.h"

/* ---- tenants ----------------------------------------------------------------------------- */

struct auth;                     /* the room's state, one per process */

struct auth_tenant {             /* immutable but for what is said; reference counted */
    int64_t id;
    sv slug;                     /* [a-z][a-z0-9-]{1,30} */
    sv name;
    int utc_offset;              /* minutes */
    struct store_db *db;         /* the tenant's own account and database */
    struct store_writer *_Atomic audit;   /* writer of core_audit, from the first line on */
    unsigned char secret[32];    /* for signed device ids, links, cursors */
    void *_Atomic model;         /* model's per-tenant caches, see model.h */
    void *_Atomic plugins;       /* plugin room's per-tenant state */
    void *_Atomic link;          /* link room's */
    _Atomic int64_t seats;       /* licences for active staff; < 0: no limit */
};

struct auth_opts {
    const struct cfg_settings *settings;
    /* A pool with no database selected, of an account that may create databases
     * and accounts; auth makes the control database with it and keeps a pool of
     * its own there. */
    struct store_db *control;
    /* How that pool reaches the server; tenants' databases are placed there too
     * unless their placement says otherwise. Strings are copied. */
    const struct store_db_opts *server;
};
/* Makes or migrates the control schema, loads the tenants. [worker] */
int auth_start(const struct auth_opts *o, struct auth **out, struct err *err);
/* Ends the log-ins in flight; before the http server is freed. [any] */
void auth_drain(struct auth *a, unsigned timeout_ms);
void auth_stop(struct auth *a);

/* [loop, any] By host name, else by "/t/<slug>/" prefix (whose length goes to
 * *prefix_len), else the default tenant. Lock-free; NULL when unknown or
 * suspended. The tenant stays valid while the process lives. */
struct auth_tenant *auth_resolve(struct auth *a, sv host, sv path, size_t *prefix_len);
struct auth_tenant *auth_tenant_by_slug(struct auth *a, sv slug);
/* main hands http the tenant as its site. [any] */
static inline struct auth_tenant *auth_tenant_of(const struct http_req *req)
{
    return (struct auth_tenant *)http_site_of(req);
}
void auth_each_tenant(struct auth *a, bool (*fn)(void *arg, struct auth_tenant *t), void *arg);

struct auth_new_tenant {
    sv slug, name;
    sv host;                     /* own host name or SV_NULL */
    sv admin_name, admin_login, admin_phone;
    sv admin_password;           /* SV_NULL: generated and given back */
};
/* Creates database, account with rights on that database only, schema by
 * `migrate` (main hands model's; it also calls auth_install_roles), first
 * administrator. A failed creation leaves nothing behind. *password lives in
 * `a`. [worker] */
int auth_tenant_create(struct auth *au, struct arena *a, const struct auth_new_tenant *n,
                       int (*migrate)(void *arg, struct auth_tenant *t, struct err *err), void *arg,
                       struct auth_tenant **out, sv *password, struct err *err);
/* Reads tenants anew from the control database (another process made one). */
int auth_tenants_reload(struct auth *a, struct err *err);

/* Which plugins a tenant has switched on; rows of core_plugin, cached, exact in
 * this process after the call. */
bool auth_plugin_on(const struct auth_tenant *t, sv plugin);     /* [any], lock-free */
int auth_plugin_switch(struct auth_tenant *t, sv plugin, sv version, bool on, int64_t by,
                       struct err *err);                          /* [worker] */

/* ---- principals -------------------------------------------------------------------------- */

enum auth_kind {
    AUTH_ANON,
    AUTH_STAFF,                  /* of the host */
    AUTH_MEMBER,
    AUTH_KEY,
    AUTH_SYSTEM,
    AUTH_PARTNER,                /* staff of a partner organisation */
};

/* The departments that the scope "custom" names, by what it was given for. */
enum auth_act { AUTH_READ, AUTH_UPDATE, AUTH_DELETE };
struct auth_ids { const int64_t *v; unsigned n; };

/* What one role, or the union of one's roles, allows on one resource. Scope
 * names are OR-ed; "all" stands for no restriction. */
struct auth_grant {
    sv resource;                 /* "vote.poll" */
    bool create, export, import;
    const sv *read, *update, *del, *doing;
    unsigned n_read, n_update, n_del, n_doing;
    const sv *hidden, *read_only;      /* fields; a right from any role lifts it */
    unsigned n_hidden, n_read_only;
    const sv *masked, *unmasked;       /* shown masked / may be unmasked, by any role's word */
    unsigned n_masked, n_unmasked;
    struct auth_ids custom[3];         /* by enum auth_act */
    /* Who acts for others as well: what stands above is everything together, and
     * here is whose it is: his own, then by the principal's delegations. A scope
     * speaks of the person it comes from. NULL: all is his own. */
    const struct auth_grant *hats;
    unsigned n_hats;
};

#define AUTH_HATS 4              /* one's own rights and at most three delegations */
struct auth_hat {                /* somebody whom one acts for */
    int64_t delegation, id, dept;
    const int64_t *depts;
    unsigned n_depts;
    sv name;
};

struct auth_roles;               /* compiled union of roles: shared, immutable, counted */

struct auth_principal {          /* lives as long as the request */
    enum auth_kind kind;
    int64_t id;                  /* staff, member or key id; 0 for anon and system */
    int64_t session;             /* row id of the session */
    int64_t dept;                /* of staff, 0 none */
    const int64_t *depts;        /* department subtree of `dept` */
    unsigned n_depts;
    int64_t partner;             /* of AUTH_PARTNER: the organisation; else 0 */
    const struct auth_hat *hats; /* delegations in force */
    unsigned n_hats;
    bool admin;                  /* built-in administrator role: everything */
    int utc_offset;              /* of his tenant, minutes: dates in scopes */
    bool by_cookie;              /* CSRF checks were applied */
    sv name, phone_masked;
    const struct auth_roles *roles;
    sv device;                   /* verified device id of the public, or "" */
};

/* Somebody with a row of core.staff: the host's or a partner's. */
static inline bool auth_is_staff(const struct auth_principal *p)
{
    return p->kind == AUTH_STAFF || p->kind == AUTH_PARTNER;
}

/* [worker] The caller's identity from Authorization: Bearer or the session
 * cookies; from memory when fresh (no query; a revoked session dies at once on
 * this node, within 5 s on others). Anonymous is not an error; a bad or expired
 * bearer token is 401; a cookie that is no longer good counts as none, since a
 * browser sends it also to the log-in and to public pages. Unsafe methods by
 * cookie need a same-origin Origin or Sec-Fetch-Site, else 403 "csrf".
 * A browser may hold a cookie of staff and one of a member: the member's goes
 * first below /api/auth/member/ and /api/<plugin>/public/, the other elsewhere. */
int auth_identify(struct auth *a, struct http_req *req, struct auth_tenant *t,
                  const struct auth_principal **out, struct err *err);
/* Same, for a caller that knows which cookie the route wants first: AUTH_STAFF
 * or AUTH_MEMBER. */
int auth_identify_for(struct auth *a, struct http_req *req, struct auth_tenant *t,
                      enum auth_kind want, const struct auth_principal **out, struct err *err);
/* The principal that guard stored with http_set_user; never NULL (anonymous). */
const struct auth_principal *auth_of(const struct http_req *req);
extern const struct auth_principal auth_system;   /* jobs, migrations */
/* A member of staff with the rights he has now, for work that is carried on in
 * his name; *out NULL when he is gone or suspended. Lives as long as `a`. [worker] */
int auth_staff_principal(struct auth_tenant *t, struct arena *a, int64_t staff,
                         const struct auth_principal **out, struct err *err);

/* The grant on a resource or NULL (nothing allowed). For admin and system a
 * static grant with everything; there "all" in `doing` means every transition.
 * What the core alone writes (core.audit, core.outbox) the administrator may
 * only read. [any] */
const struct auth_grant *auth_grant_of(const struct auth_principal *p, sv resource);
/* "vote.poll:read|create|update|delete|export|import|<transition>". */
bool auth_can(const struct auth_principal *p, sv resource, sv action);
bool auth_scope_all(const sv *scopes, unsigned n);

/* Gives the public a signed device id when it has none (cookie atrium_d); the id
 * is stable for this browser. [worker] */
sv auth_device(struct http_req *req, struct auth_tenant *t);

/* Resources with the trait `partner`: on all others a partner's people have only
 * what a role of the host gives "for partners" with a named scope. Once, before
 * the server starts; the array must last. */
void auth_set_partner_resources(struct auth *a, const sv *names, unsigned n);

/* A role as somebody has it, for explanations. */
struct auth_role_view {
    int64_t id;
    sv code, name, via;          /* via: "role", "post", "everyone", "delegation" */
    sv via_name;                 /* of the post, or of whom it is done for */
    unsigned hat;                /* 0: his own */
    bool admin;                  /* the built-in role */
    const struct auth_roles *roles;   /* this one alone, compiled */
};
int auth_roles_of_staff(struct auth_tenant *t, struct arena *a, const struct auth_principal *who,
                        struct auth_role_view **out, size_t *n, struct err *err);
const struct auth_grant *auth_grant_in(const struct auth_roles *r, sv resource);

/* Would a role with these grants hand on no more than `outer` allows? *resource:
 * where it would. Rights from delegations are not one's own to give. [any] */
bool auth_roles_within(const struct auth_roles *inner, const struct auth_roles *outer,
                       sv *resource);
/* Grants of role documents, compiled; lives in `a`. [worker] */
int auth_roles_read(struct store_conn *c, struct arena *a, const sv *documents, size_t n,
                    const struct auth_roles **out, struct err *err);

/* May the console show this menu? By the roles' "menus" and "hide_menus"; rights
 * are asked besides. [any] */
bool auth_menu_shown(const struct auth_principal *p, sv menu);

/* ---- organisation ------------------------------------------------------------------------ */

/* Somebody's superior: the manager of his department, or of the nearest one above
 * that has one who is not himself. 0: nobody. */
struct auth_org_node { int64_t id, parent, manager; };
int64_t auth_superior(const struct auth_org_node *nodes, size_t n, int64_t dept, int64_t staff);
int auth_superior_of(struct store_conn *c, int64_t staff, int64_t *superior, struct err *err);

/* Seats. A unit (a department with all below it, or a partner) holds `seats`;
 * `people` are the active ones. Which limit would one more person in (dept,
 * partner) pass? -1: none, else the unit's place, or n for the tenant itself.
 * A nested unit lies within another's seats. `total` < 0: the tenant has no limit. */
struct auth_seat { int64_t dept, partner, seats, people; bool nested; };
int auth_seats_full(const struct auth_seat *units, size_t n, const bool *above, int64_t total,
                    int64_t everybody);
/* 409 "seats_exhausted" naming whose, when one more active person does not fit.
 * In a transaction: locks until its end, so that two at once cannot both have the
 * last seat. `staff`: not counted. [worker] */
int auth_seats_check(struct auth_tenant *t, struct store_conn *c, int64_t dept, int64_t partner,
                     int64_t staff, struct err *err);
/* The tenant's licences, from the operator; < 0: no limit. */
int auth_tenant_seats(struct auth *a, struct auth_tenant *t, int64_t seats, struct err *err);

/* Roles changed, staff changed, session revoked: forget what was cached. [any] */
void auth_forget(struct auth_tenant *t);

/* Role templates of a plugin become rows of core_role ("vote.manager") when the
 * plugin is switched on; tenants' edits to them are kept. `grants` of a row is
 *   {"vote.poll": {"read": [scope], "create": true, "update": [scope], "delete": [scope],
 *    "export": true, "import": true, "do": [transition],
 *    "fields": {"phone": "hidden" | "masked" | "unmasked" | "read_only"}}}
 * with, for the scope "custom", "depts": [ids] and "below": true, with "partners":
 * true for partners' people, and beside the resources "menus" and "hide_menus".
 * For the core manifest: at the creation of a tenant and after its upgrade. [worker] */
int auth_install_roles(struct store_conn *c, const struct mf_manifest *m, struct err *err);

/* ---- staff ------------------------------------------------------------------------------- */

struct auth_new_staff {
    sv login, name, phone;       /* phone may be SV_NULL */
    sv password;                 /* SV_NULL: generated and given back */
    const sv *roles;             /* codes: "admin", "vote.manager" */
    unsigned n_roles;
};
/* For the operator's tools and the first administrator; the console goes through
 * model. *password lives in `a`. [worker] */
int auth_staff_create(struct auth_tenant *t, struct arena *a, const struct auth_new_staff *n,
                      int64_t *id, sv *password, struct err *err);
/* Sets a password (SV_NULL: generates one) and ends every session of that
 * person. 404 when there is no such login. [worker] */
int auth_staff_password(struct auth_tenant *t, struct arena *a, sv login, sv password, sv *out,
                        struct err *err);

/* ---- passwords and codes ----------------------------------------------------------------- */

/* How one-time codes reach people. Without one they go to the development
 * outbox: resource core.outbox and <state_dir>/outbox.jsonl. `send` may block
 * [worker]; the texts live during the call. Set before the server starts. */
struct auth_delivery {
    void *arg;
    int (*send)(void *arg, struct auth_tenant *t, sv phone, sv purpose, sv code, sv text,
                struct err *err);
};
void auth_set_delivery(struct auth *a, const struct auth_delivery *d);

/* Who hears of rows that the room makes without the resource engine above it:
 * "core.member.created" when a member registers. `made` is asked in the transaction
 * that makes the row, which its -1 undoes; `tell` comes after the commit. Set before
 * the server starts. */
struct auth_events {
    void *arg;
    void (*tell)(void *arg, struct auth_tenant *t, sv event, int64_t id, sv json);
    void *made_arg;
    int (*made)(void *arg, struct auth_tenant *t, struct store_conn *c, sv resource, int64_t id,
                struct err *err);
    void (*committed)(void *made_arg, struct auth_tenant *t, sv resource);
};
void auth_set_events(struct auth *a, const struct auth_events *e);

/* Whether somebody who is no administrator may set another's password: main hands
 * model's rule. 0: he may. Before the server starts. */
typedef int auth_manage_fn(void *arg, struct http_req *req, int64_t staff, struct err *err);
void auth_set_manage(struct auth *a, auth_manage_fn *fn, void *arg);

/* The way out for outer log-ins (OpenID Connect, WeCom), and where it may lead. Set
 * before the server starts; without it they answer 502. */
void auth_set_outer(struct auth *a, struct work_reactor *r, bool allow_private, bool allow_http);

/* argon2id (RFC 9106, second recommended: 64 MiB, t=3, p=4 is too heavy for a
 * burst of log-ins; parameters are in password.c with the reason). */
int auth_password_hash(struct arena *a, sv password, sv *out, struct err *err);
bool auth_password_verify(sv hash, sv password);
/* At least 10 characters of three kinds, not the login, not a common one. */
int auth_password_check(sv password, sv login, const char *field, struct err *err);

/* Somebody as whom work is done without a request: a member of staff with the
 * rights he has now, or (staff 0) the holder of one role, who is nobody. *out NULL
 * when he is gone or suspended, or the role is. Lives as long as `a`. [worker] */
int auth_behalf(struct auth_tenant *t, struct store_conn *c, struct arena *a, int64_t staff,
                int64_t role, const struct auth_principal **out, struct err *err);

/* ---- secrets that lie in a tenant's rows ------------------------------------------------- */

/* Sealed with the tenant's data key, bound to the tenant and to `what`; SV_NULL and a
 * line in the log when the keys cannot be read. [worker] */
sv auth_seal(const struct auth_tenant *t, struct arena *a, const char *what, sv plain);
int auth_unseal(const struct auth_tenant *t, struct arena *a, const char *what, sv sealed,
                sv *plain);

/* ---- agreements ---------------------------------------------------------------------------- */

/* The current versions that are asked for at a place, as an array; `all`: also those
 * that this person has accepted. [worker] */
int auth_agreements(struct store_conn *c, enum auth_kind kind, int64_t who, sv place, bool all,
                    struct jsonw *w, struct err *err);

/* ---- the working-day calendar -------------------------------------------------------------- */

/* Days are numbers since 1970-01-01 in the tenant's own time (clock_day). By rows of
 * core.calendar_day, else Monday to Friday. From memory when fresh; `c` NULL: takes a
 * connection when it needs one. 422 "workday_range" beyond what can be reckoned.
 * [worker] */
int auth_workday_is(struct auth_tenant *t, struct store_conn *c, int64_t day, bool *out,
                    struct err *err);
/* The n-th working day after `day` (n < 0: before); 0: the day itself or the next one. */
int auth_workday_add(struct auth_tenant *t, struct store_conn *c, int64_t day, int64_t n,
                     int64_t *out, struct err *err);
/* Working days in [from, to). */
int auth_workday_between(struct auth_tenant *t, struct store_conn *c, int64_t from, int64_t to,
                         int64_t *out, struct err *err);
void auth_calendar_forget(struct auth_tenant *t);    /* [any] */

/* ---- API keys ---------------------------------------------------------------------------- */

struct auth_key_secret { char token[64]; size_t prefix_n; char hash[64]; };
/* A new secret: the whole token, its shown beginning, what is kept of it. [any] */
void auth_key_make(struct auth_key_secret *out);
/* May `who` let a key or a webhook act by this role? Only by one he has. [any] */
bool auth_may_give_role(const struct auth_principal *who, sv code);
/* "203.0.113.0/24, 2001:db8::/32": can all of it be read? [any] */
bool auth_addresses_ok(sv text);

/* ---- sensitive operations ---------------------------------------------------------------- */

/* 403 "reauth_required" unless the principal's session was opened, or proved itself
 * by POST /api/auth/reauth, within the last five minutes. [worker] */
int auth_proved(const struct auth_principal *p, struct store_conn *c, struct err *err);

/* ---- rules of a tenant --------------------------------------------------------------------- */

enum auth_totp_rule { AUTH_TOTP_OPTIONAL, AUTH_TOTP_ADMINS, AUTH_TOTP_ALL };
enum auth_device_rule { AUTH_DEVICES_OFF, AUTH_DEVICES_ROLES, AUTH_DEVICES_ALL };

/* Settings of the core's manifest that log-in and log go by; cached for some
 * seconds, exact in this process after auth_forget. */
struct auth_rules {
    unsigned password_min, password_kinds, password_history, password_days;
    bool password_first;         /* one set by an administrator must be changed */
    unsigned totp, devices;      /* enums above */
    unsigned lock_after, lock_minutes, captcha_after;
    bool captcha_codes;
    unsigned idle_minutes, session_hours;
    unsigned audit_days;
};
struct auth_rules auth_rules_of(struct auth_tenant *t);           /* [worker] */

/* ---- one's own account, for the room that writes its row ---------------------------------- */

/* The caller, staff, proves again who he is: member `password` of the body, or `code`
 * of the second factor when he has no password; 422 names the field. [worker] */
int auth_reauth(struct http_req *req, const json_t *body, struct err *err);
/* Sends a code to a phone that is to become the caller's and answers 202. */
int auth_rebind_code(struct http_req *req, const json_t *body, struct err *err);
/* The phone of the body in its one form, when the body's `code` was sent there;
 * a code works once. 422 names the field. */
int auth_rebind_phone(struct http_req *req, json_t *body, sv *phone, struct err *err);

/* ---- routes ------------------------------------------------------------------------------ */

/* Adds the routes of docs/http-api.md: /api/auth/... and /api/core/session. Also
 * GET /api/auth/member/session (who am I, by the member's cookie) and, for
 * administrators, POST /api/auth/staff/:id/password (sets a new one, answers it). */
int auth_routes(struct auth *a, struct http_router *r, struct err *err);

/* ---- audit ------------------------------------------------------------------------------- */

struct auth_audit {              /* one line of the operation log */
    const char *action;          /* "login", "create", "update", "export", ... */
    sv target;                   /* "vote.poll/123" */
    sv detail;                   /* JSON or SV_NULL; never a secret */
    bool ok;
    int64_t on_behalf;           /* staff whose right was used (delegation); 0: one's own */
    const char *result;          /* why not, or what came of it: "locked_out"; NULL: nothing to say */
};
/* Queued to the group-commit writer; each row carries the hash of the one before
 * it, so that a removed line shows. `req` may be NULL (jobs). [worker] */
void auth_audit(struct auth_tenant *t, const struct auth_principal *p, struct http_req *req,
                const struct auth_audit *entry);

/* The log of a tenant against itself and against what the control database knows of
 * it: the line after which retention has cut, and the anchors (the last line, noted
 * every few seconds and kept by the day), so that lines cut off at the end show. */
struct auth_audit_report {
    uint64_t lines;              /* there now */
    int64_t bad;                 /* id of the first bad line; 0: none */
    const char *why;             /* "altered", "line missing before", "end cut off",
                                  * "anchor forged"; NULL when it stands */
    int64_t cut;                 /* lines up to this id were removed by retention */
    uint64_t removed;            /* how many */
    unsigned anchors;            /* met */
};
int auth_audit_verify(struct auth_tenant *t, struct auth_audit_report *out, struct err *err);
/* Removes what is older than the tenant's setting asks to keep, in small batches;
 * the chain stays verifiable. [worker] */
int auth_audit_purge(struct auth_tenant *t, uint64_t *removed, struct err *err);

/* Directory with the core manifest, relative to the data directory. */
#define AUTH_MANIFEST_DIR "core"

#endif
