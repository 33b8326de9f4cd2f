/* model: the resource engine. Turns manifests into tables, policy, REST routes,
 * exports and the OpenAPI document. One compiled policy serves every path. */
#ifndef ATRIUM_CORE_MODEL_H
#define ATRIUM_CORE_MODEL_H

#include "auth/auth.h"

/* ---- registry ---------------------------------------------------------------- */

struct model;                    /* all resources of all loaded manifests; immutable after
                                  * model_seal */
struct model_resource;           /* a resource with its prepared SQL */
struct model_ctx;

/* How C hooks of plugins are reached; the plugin room fills it before seal. */
struct model_hook_call {
    const struct mf_resource *resource;
    const struct model *model;
    struct auth_tenant *tenant;
    const struct auth_principal *who;
    struct store_conn *conn;     /* the open transaction */
    struct arena *arena;
    const char *event;           /* "check", "transition:<name>" */
    int64_t id;                  /* 0 on create */
    const json_t *before;        /* row as stored, NULL on create */
    json_t *after;               /* row to be; a check hook may change it */
    struct model_done *done;     /* a hook that writes through the engine on `conn` leaves its
                                  * context's `done` here: sent with this write's own */
};
struct model_hooks {
    void *arg;
    /* Runs the C hook `name` of plugin `plugin`; -1 refuses with *err. [worker] */
    int (*call)(void *arg, sv plugin, const char *name, struct model_hook_call *call,
                struct err *err);
    /* After commit: "vote.poll.created|updated|deleted|<transition>". [worker] */
    void (*event)(void *arg, struct auth_tenant *t, sv event, int64_t id, sv json);
};

/* What must be as durable as a write: told of each one inside its transaction. */
struct model_written {
    struct model_ctx *c;         /* of the writer, joined to the transaction */
    const struct model_resource *r;
    sv resource;                 /* "vote.poll" */
    const char *event;           /* "created", "updated", "deleted", a transition */
    int64_t id;
    bool going;                  /* about to be taken away: the last moment it can be read */
};
struct model_outbox {
    void *arg;
    int (*record)(void *arg, const struct model_written *w, struct err *err);   /* -1: no write */
    void (*committed)(void *arg, struct auth_tenant *t, sv resource);           /* after it */
};
/* One, before the first request. */
void model_set_outbox(struct model *m, const struct model_outbox *o);
/* For rows that a room below makes by itself: the outbox hears of them as of any
 * other, in the transaction of `c` and after its commit. `arg` is the model. */
int model_made(void *arg, struct auth_tenant *t, struct store_conn *c, sv resource, int64_t id,
               struct err *err);
void model_made_committed(void *arg, struct auth_tenant *t, sv resource);

/* Names of the resources with the trait `partner`, for auth_set_partner_resources;
 * they last as long as the model. After model_seal. */
const sv *model_partner_resources(const struct model *m, unsigned *n);
/* May the request's person set another's password, as far as his rights to manage
 * people go? `arg` is the model; for auth_set_manage. [worker] */
int model_may_manage(void *arg, struct http_req *req, int64_t staff, struct err *err);

/* Binds the C behind a `validate` or a transition's `hook` of the core's own
 * manifest, where no plugin can: an unbound name keeps the core from starting.
 * `name` must last. A check hears "check" (create, update), "delete" and
 * "restore"; a transition "transition:<name>". Rules that live in this room stand
 * in the table of core_hooks.c instead. [init, before model_seal] */
typedef int model_core_hook_fn(struct model_hook_call *call, struct err *err);
void model_core_hook(const char *name, model_core_hook_fn *fn);

struct model *model_new(struct auth *auth);
void model_free(struct model *m);
/* Adds a manifest's resources. References, scopes and indexes are checked in
 * model_seal, when all manifests are there; a manifest that fails is left out
 * (complaints in `e`) and the others stand. `*dropped` lists the ids left out,
 * NULL-terminated, in the model's arena. */
int model_add(struct model *m, const struct mf_manifest *mf, struct cfg_errors *e);
int model_seal(struct model *m, const struct model_hooks *hooks, struct cfg_errors *e,
               const char *const **dropped);
const struct model_resource *model_find(const struct model *m, sv name);   /* "vote.poll" */
const struct mf_resource *model_manifest_of(const struct model_resource *r);

/* ---- schema -------------------------------------------------------------------- */

/* Tables of one manifest (plus history when audited). */
int model_tables(const struct model *m, const struct mf_manifest *mf, struct arena *a,
                 struct store_table **out, size_t *n, struct err *err);
/* Plans and applies the tables of one manifest in a tenant's database. */
int model_migrate(const struct model *m, const struct mf_manifest *mf, struct auth_tenant *t,
                  struct err *err);
/* Drops the columns that the manifest retires, for good: an operator's decision,
 * never part of a migration. *dropped: how many statements. */
int model_drop_retired(const struct model *m, const struct mf_manifest *mf, struct auth_tenant *t,
                       size_t *dropped, struct err *err);

/* ---- jobs of the core ------------------------------------------------------------ */

/* Functions that `jobs` of the core's manifest name as their hooks, and kinds that
 * the core itself queues: a job of the kind "core.<name>" comes here. -1: again
 * after a while. [worker] Rooms below this one are wrapped by main. Bound before
 * model_seal; `name` must last. */
typedef int model_job_fn(struct model *m, struct auth_tenant *t, struct work_job *job,
                         struct err *err);
void model_core_job(struct model *m, const char *name, model_job_fn *fn);
/* Has each cron job of the core's manifest its function? */
int model_core_jobs_check(const struct model *m, struct err *err);
int model_job_run(struct model *m, struct work_job *job, struct err *err);
/* The manifest with id "core"; NULL before model_add. */
const struct mf_manifest *model_core_manifest(const struct model *m);
/* Who shall be woken when a job is added; NULL: nobody, the poll finds it. */
void model_set_jobs(struct model *m, struct work_jobs *jobs);

/* Adds the task that brings all rows of a tenant to its present keys. */
int model_rekey(struct model *m, struct auth_tenant *t, int64_t *task, struct err *err);

/* ---- rows, for C callers (the ABI's model interface, the routes, jobs) ----------- */

struct model_ctx {
    struct auth_tenant *tenant;
    const struct auth_principal *who;
    struct http_req *req;        /* for audit; NULL outside a request */
    struct arena *arena;
    struct store_conn *conn;     /* NULL: the engine takes one; else joins its transaction */
    const char *lang;
    struct model_done *done;     /* joined transactions: what model_committed will send */
    /* An operation that others have to agree to first (approvals): a caller who can
     * say so to his own sets `may_ask` and looks at `approval` after a call that
     * succeeded; not 0: nothing was done, that approval was asked for. Others are
     * refused with 409 "approval_needed". */
    bool may_ask;
    bool proved;                 /* sensitive operations: whoever asked has been checked already */
    int64_t approval;
    const struct approval_row *agreed;   /* the engine's own: the one that is carried out */
    struct write_batch *batch;   /* the engine's own: rows are gathered; NULL: written at once */
    bool one_line;               /* whoever made it writes one line of the log for all its writes */
    const struct model_reveal *reveal;   /* masked fields to show; NULL: none */
};
/* Who joined the engine to a transaction of his own calls this once it is
 * committed: audit lines and events of the context's writes go out then. */
void model_committed(struct model_ctx *c);

/* All write JSON as the API shows it (ids and times as strings, fields that may
 * not be read left out) to `out`. Errors are the API's: 404 also for rows
 * outside the scope, 422 with fields, 409 version_conflict (412 with If-Match). */
int model_get(const struct model_resource *r, struct model_ctx *c, int64_t id, sv expand,
              struct buf *out, struct err *err);
struct model_list {
    sv filter;                   /* grammar in docs/http-api.md */
    sv search, sort, after, fields, expand;
    unsigned limit;              /* 0: 20, at most 200 */
    bool count;                  /* capped at 10,000 */
    bool deleted;                /* rows in the bin, for who may delete them */
    int64_t *exported;           /* of an export: counts rows as they are written, or NULL */
};
int model_list(const struct model_resource *r, struct model_ctx *c, const struct model_list *q,
               struct buf *out, struct err *err);
/* Groups of rows with their number and figures: `by` "state,created_at:day",
 * `sum`, `avg`, `min`, `max` names of columns. */
struct model_group {
    sv by, sum, avg, min, max, filter, search, expand;
    unsigned limit;              /* 0: 200, at most 1000 */
};
int model_groups(const struct model_resource *r, struct model_ctx *c, const struct model_group *g,
                 struct buf *out, struct err *err);
int model_create(const struct model_resource *r, struct model_ctx *c, json_t *body, int64_t *id,
                 struct err *err);
/* version < 0: no optimistic check. */
int model_update(const struct model_resource *r, struct model_ctx *c, int64_t id, int64_t version,
                 json_t *body, struct err *err);
int model_delete(const struct model_resource *r, struct model_ctx *c, int64_t id, struct err *err);
int model_restore(const struct model_resource *r, struct model_ctx *c, int64_t id, struct err *err);
int model_transition(const struct model_resource *r, struct model_ctx *c, int64_t id, sv name,
                     json_t *body, struct err *err);
int model_history(const struct model_resource *r, struct model_ctx *c, int64_t id,
                  struct buf *out, struct err *err);
/* One page; `after`: the `next` of the page before, or SV_NULL. */
int model_history_page(const struct model_resource *r, struct model_ctx *c, int64_t id, sv after,
                       unsigned limit, struct buf *out, struct err *err);
/* Rows stream to `write` (CSV with BOM, or XLSX) in constant memory. */
int model_export(const struct model_resource *r, struct model_ctx *c, const struct model_list *q,
                 sv format, bool (*write)(void *arg, sv data), void *arg, struct err *err);

/* The validator alone: body against the resource for create or update, changes
 * nothing. Business rules of fields as pure functions; unit-tested. */
int model_validate(const struct mf_resource *r, const json_t *body, bool create, struct err *err);

/* ---- settings of a plugin in a tenant ---------------------------------------------- */

/* Current value as JSON text, the manifest's default when unset; cached. */
sv model_setting(struct auth_tenant *t, struct arena *a, const struct mf_manifest *m, sv name);
/* Checks and stores what the object names, all of it or nothing; JSON null goes
 * back to the default. Complaints name the settings. Exact in this process after
 * the call. [worker] */
int model_settings_set(struct auth_tenant *t, const struct mf_manifest *m, const json_t *values,
                       int64_t by, struct err *err);

/* ---- files -------------------------------------------------------------------------- */

/* Where uploads and exports are kept, below the state directory; once at start,
 * before any request. */
void model_set_state_dir(const char *dir);
/* Who may not see the file: 404. Everybody may see what is public. */
struct model_file { int64_t id; sv name, type, path; uint64_t size; };
int model_file_find(struct model_ctx *c, int64_t id, struct model_file *out, struct err *err);
/* For hooks: what a published page shows is public, until it is withdrawn. In
 * the context's transaction when there is one. */
int model_file_set_public(struct model_ctx *c, int64_t id, bool public, struct err *err);

/* ---- routes ------------------------------------------------------------------------- */

/* /api/<plugin>/<resource>..., /api/core/files, /files/..., /api/openapi.json,
 * /api/console/schema/... (docs/http-api.md). */
int model_routes(struct model *m, struct http_router *r, struct err *err);
/* One field as GET /api/console/schema shows it; for schemas of settings. */
void model_field_schema(const struct mf_field *f, struct jsonw *w);
/* OpenAPI 3.1 of what the tenant has switched on and `who` may do. */
void model_openapi(const struct model *m, struct auth_tenant *t, const struct auth_principal *who,
                   sv base_url, struct buf *out);

#endif
