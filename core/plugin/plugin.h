/* plugin: loads plugins through the ABI and runs them. Owns the loader, the
 * registry, the implementation of the ABI's tables (one abi_<interface>.c per
 * header in abi/atrium), the lifecycle and the crash page.
 *
 * How main puts the process together:
 *
 *     reg = plug_new(&opts);
 *     plug_load(reg);                      manifests, dlopen, load, init
 *     plug_add_models(reg, model);         model_add + model_seal of what stands
 *     auth_routes(...); model_routes(...); plug_routes(reg, router, &err);
 *     jobs = work_jobs_start({.arg = reg, .run = ... plug_job_run ...});
 *     plug_start(reg, jobs);               start, schedules
 *     http_server_start(...);
 *     ...
 *     http_server_drain(...); plug_drain(reg); work_jobs_stop(...); plug_stop(reg);
 *
 * A plugin that fails at any step is "failed" with a text that the console
 * shows; everybody else goes on. A library is never dlclosed. */
#ifndef ATRIUM_CORE_PLUGIN_H
#define ATRIUM_CORE_PLUGIN_H

#include "model/model.h"

struct plug_registry;
struct plug_page;

/* ---- start and end of the process ------------------------------------------ */

struct plug_opts {               /* copied; what it points to lives as long as the registry */
    struct auth *auth;
    struct work_hub *hub;
    struct plug_page *page;      /* of this worker, or NULL (tests, --check) */
    const char *const *dirs;     /* each <dir>/<id>/plugin.yaml is a plugin */
    size_t n_dirs;
    /* Where a manifest's `library` is looked for when it is not beside the
     * manifest: <dir>/<library>, <dir>/<id>/<library> and the same in .libs/. */
    const char *const *library_dirs;
    size_t n_library_dirs;
    const char *const *quarantine;   /* ids that the supervisor locked out */
    size_t n_quarantine;
    bool safe_mode;              /* load manifests, run no plugin code */
    unsigned step_ms;            /* deadline of load, init, start, stop (5000) */
    unsigned drain_ms;           /* deadline of drain (10000) */
};

struct plug_registry *plug_new(const struct plug_opts *o);
/* After plug_stop. The libraries stay mapped. */
void plug_free(struct plug_registry *r);

/* Reads the manifests, checks and opens the libraries, calls load and init. In
 * the order of `requires`; a plugin whose requirement failed fails too. Faults
 * are logged and kept in plug_info; the return value says only how many plugins
 * failed. Once, on the start-up thread. */
unsigned plug_load(struct plug_registry *r);
/* Hands the manifests that stand to the model and seals it with our hooks;
 * what the model drops becomes "failed". -1 only when the core's own resources
 * do not stand. The core manifest must have been added before. */
int plug_add_models(struct plug_registry *r, struct model *m, struct err *err);
/* Adds /api/<plugin>/<path> for each declared route. The handlers guard
 * themselves (tenant has the plugin on, else 404 "plugin_disabled"; then auth
 * and permission of the route): main's guard only has to identify. */
int plug_routes(struct plug_registry *r, struct http_router *router, struct err *err);
/* Calls start, then sets the schedules of all tenants. `jobs` may be NULL. */
void plug_start(struct plug_registry *r, struct work_jobs *jobs);
/* No new work comes any more: calls drain, then stops the streams' writers when
 * they have finished what they hold. Requests in flight are still answered. */
void plug_drain(struct plug_registry *r);
/* Calls stop and destroy. No request, job or stream may be running. */
void plug_stop(struct plug_registry *r);

/* ---- calls from the rooms below --------------------------------------------- */

/* For work_jobs_opts.run: runs "<plugin>.<hook>". A plugin that is off in the
 * tenant: the job fails and is retried later. [worker] */
int plug_job_run(struct plug_registry *r, struct work_job *job, struct err *err);
/* True when the kind's first part names one of our plugins. [any] */
bool plug_owns_job(const struct plug_registry *r, sv kind);
/* What plug_add_models hands to model_seal; for tests of the model without it. */
void plug_model_hooks(struct plug_registry *r, struct model_hooks *out);

/* ---- plugins of a tenant ------------------------------------------------------ */

enum plug_state {
    PLUG_READ,                   /* manifest read */
    PLUG_LOADED,                 /* library checked, load() done */
    PLUG_READY,                  /* init() done, all names bound */
    PLUG_RUNNING,                /* start() done */
    PLUG_DRAINING,
    PLUG_STOPPED,
    PLUG_FAILED,                 /* see error */
    PLUG_QUARANTINED,            /* locked out by the supervisor */
};
const char *plug_state_name(enum plug_state s);

struct plug_info {
    const char *id;              /* of the manifest, or the directory's name when it does not load */
    const char *dir;
    const struct mf_manifest *manifest;   /* NULL when it did not load */
    enum plug_state state;
    const char *error;           /* English, "" when none; lives as long as the registry */
};
/* In alphabetic order. [any] */
void plug_each(const struct plug_registry *r, bool (*fn)(void *arg, const struct plug_info *i),
               void *arg);
bool plug_find(const struct plug_registry *r, sv id, struct plug_info *out);   /* [any] */

/* Switches a plugin on for a tenant: schema, role templates, the plugin's own
 * `enable`, then the switch and the schedules. Off: `disable`, the switch. No
 * row is deleted. 404 unknown, 409 "plugin_failed", 409 "plugin_required" when
 * others need it or it needs others that are off. [worker] */
int plug_switch(struct plug_registry *r, struct auth_tenant *t, const struct auth_principal *by,
                sv id, bool on, struct err *err);
/* GET /api/core/plugins of docs/http-api.md: the array, for this tenant. [worker] */
void plug_list_json(const struct plug_registry *r, const struct auth_tenant *t, struct buf *out);

struct plug_stats {              /* sums over all tenants */
    uint64_t calls, failed_calls;            /* into plugins */
    uint64_t records, batches, failed_records, queued_records;   /* of streams */
};
void plug_stats(const struct plug_registry *r, struct plug_stats *out);        /* [any] */

/* ---- crash page ------------------------------------------------------------------ */

/* One shared page per worker process. Before each call into a plugin the thread
 * writes what it calls; when the process dies of a signal raised by itself the
 * handler writes which thread that was, and the supervisor reads the names. */

/* Supervisor: makes the page and its descriptor for the child (close-on-exec is
 * off). NULL with err when there is no memory. */
struct plug_page *plug_page_new(int *fd, struct err *err);
/* Worker: maps what it inherited and installs handlers for SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL and SIGABRT that note the culprit and die as before. */
struct plug_page *plug_page_open(int fd, struct err *err);
/* Supervisor, after the child's death: who was running on the thread that died.
 * false: nobody's plugin (a fault of the core, or killed from outside). The
 * views point into the page. */
bool plug_page_culprit(const struct plug_page *p, sv *plugin, sv *call);
void plug_page_free(struct plug_page *p);

#endif
