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

/* ---- tenants -------------------------------------------------------------- */

struct auth;                     /* the room's state, one per process */

struct auth_tenant {             /* immutable but for what is said; reference counted */
    int64_t id;
    sv slug;                     /* [a-z][a-z0-9-]{1,30} */
    sv name;
    int utc_offset;              /* minutes */
    struct store_db *db;         /* the tenant's own account and database */
    struct store_writer *audit;  /* group-commit writer of core_audit */
    unsigned char secret[32];    /* for signed device ids, links, cursors */
    void *_Atomic model;         /* model's per-tenant caches, see model.h */
    void *_Atomic plugins;       /* plugin room's per-tenant state */
    void *_Atomic main;          /* main's */
};

struct auth_opts {
    const struct cfg_settings *settings;
    struct store_db *control;    /* account of the control database */
    /* How to reach a server where tenants' databases are placed. */
    const struct store_db_opts *server;
    struct work_pool *pool;
    struct work_hub *hub;
};
/* Makes or migrates the control schema, loads the tenants. [worker] */
int auth_start(const struct auth_opts *o, struct auth **out, struct err *err);
void auth_stop(struct auth *a);

/* [loop, any] By host name, else by "/t/<slug>/" prefix (whose length goes to
 * *prefix_len), else the default tenant. Lock-free; NULL when unknown or
 * suspended. The tenant stays valid while the process lives. */
struct auth_tenant *auth_resolve(struct auth *a, sv host, sv path, size_t *prefix_len);
struct auth_tenant *auth_tenant_by_slug(struct auth *a, sv slug);
void auth_each_tenant(struct auth *a, bool (*fn)(void *arg, struct auth_tenant *t), void *arg);

struct auth_new_tenant {
    sv slug, name;
    sv host;                     /* own host name or SV_NULL */
    sv admin_name, admin_login, admin_phone;
    sv admin_password;           /* SV_NULL: generated and given back */
};
/* Creates database, account with rights on that database only, schema by
 * `migrate` (main hands model's), first administrator. A failed creation leaves
 * nothing behind. *password lives in `a`. [worker] */
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

/* ---- principals -------------------------------------------------------------- */

enum auth_kind { AUTH_ANON, AUTH_STAFF, AUTH_MEMBER, AUTH_KEY, AUTH_SYSTEM };

/* What one role, or the union of one's roles, allows on one resource. Scope
 * names are OR-ed; "all" stands for no restriction. */
struct auth_grant {
    sv resource;                 /* "vote.poll" */
    bool create, export;
    const sv *read, *update, *del, *doing;
    unsigned n_read, n_update, n_del, n_doing;
    const sv *hidden, *read_only;      /* fields; a right from any role lifts it */
    unsigned n_hidden, n_read_only;
};

struct auth_roles;               /* compiled union of roles: shared, immutable, counted */

struct auth_principal {          /* lives as long as the request */
    enum auth_kind kind;
    int64_t id;                  /* staff, member or key id; 0 for anon and system */
    int64_t session;             /* row id of the session */
    int64_t dept;                /* of staff, 0 none */
    const int64_t *depts;        /* department subtree of `dept` */
    unsigned n_depts;
    bool admin;                  /* built-in administrator role: everything */
    bool by_cookie;              /* CSRF checks were applied */
    sv name, phone_masked;
    const struct auth_roles *roles;
    sv device;                   /* verified device id of the public, or "" */
};

/* [worker] The caller's identity from Authorization: Bearer or the session
 * cookies; from memory when fresh (no query; a revoked session dies at once on
 * this node, within 5 s on others). Anonymous is not an error; a bad or expired
 * token is 401. Unsafe methods by cookie need a same-origin Origin or
 * Sec-Fetch-Site, else 403 "csrf". */
int auth_identify(struct auth *a, struct http_req *req, struct auth_tenant *t,
                  const struct auth_principal **out, struct err *err);
/* The principal that guard stored with http_set_user; never NULL (anonymous). */
const struct auth_principal *auth_of(const struct http_req *req);
extern const struct auth_principal auth_system;   /* jobs, migrations */

/* The grant on a resource or NULL (nothing allowed). For admin and system a
 * static grant with everything. [any] */
const struct auth_grant *auth_grant_of(const struct auth_principal *p, sv resource);
/* "vote.poll:read|create|update|delete|export|<transition>". */
bool auth_can(const struct auth_principal *p, sv resource, sv action);
bool auth_scope_all(const sv *scopes, unsigned n);

/* Gives the public a signed device id when it has none (cookie atrium_d); the id
 * is stable for this browser. [worker] */
sv auth_device(struct http_req *req, struct auth_tenant *t);

/* Roles changed, staff changed, session revoked: forget what was cached. [any] */
void auth_forget(struct auth_tenant *t);

/* Role templates of a plugin become rows of core_role ("vote.manager") when the
 * plugin is switched on; tenants' edits to them are kept. [worker] */
int auth_install_roles(struct store_conn *c, const struct mf_manifest *m, struct err *err);

/* ---- passwords and codes ------------------------------------------------------- */

/* argon2id (RFC 9106, second recommended: 64 MiB, t=3, p=4 is too heavy for a
 * burst of log-ins; parameters are in password.c with the reason). */
int auth_password_hash(struct arena *a, sv password, sv *out, struct err *err);
bool auth_password_verify(sv hash, sv password);
/* At least 10 characters of three kinds, not the login, not a common one. */
int auth_password_check(sv password, sv login, const char *field, struct err *err);

/* ---- routes ---------------------------------------------------------------------- */

/* Adds the routes of docs/http-api.md: /api/auth/... and /api/core/session. */
int auth_routes(struct auth *a, struct http_router *r, struct err *err);

/* ---- audit ------------------------------------------------------------------------ */

struct auth_audit {              /* one line of the operation log */
    const char *action;          /* "login", "create", "update", "export", ... */
    sv target;                   /* "vote.poll/123" */
    sv detail;                   /* JSON or SV_NULL; never a secret */
    bool ok;
};
/* Queued to the group-commit writer; each row carries the hash of the one before
 * it, so that a removed line shows. `req` may be NULL (jobs). [worker] */
void auth_audit(struct auth_tenant *t, const struct auth_principal *p, struct http_req *req,
                const struct auth_audit *entry);

/* Directory with the core manifest, relative to the data directory. */
#define AUTH_MANIFEST_DIR "core"

#endif
