/* The worker process: every room put together in the order of the floors. */
#ifndef ATRIUM_MAIN_WORKER_H
#define ATRIUM_MAIN_WORKER_H

#include "link/link.h"
#include "main/listeners.h"
#include "main/site.h"
#include "plugin/plugin.h"

struct main_worker {
    const struct main_options *options;
    struct arena *arena;         /* lives as long as the process */
    struct cfg_settings settings;
    struct main_listeners listeners;
    struct store_db_opts db_opts;
    struct store_db *control;
    struct work_pool *pool;
    struct work_hub *hub;
    struct auth *auth;
    struct mf_manifest *core;    /* manifest of the core's own data */
    struct model *model;
    struct plug_page *page;
    struct plug_registry *plugins;
    struct work_jobs *jobs;
    struct work_reactor *reactor;
    struct link *link;
    struct http_router *router, *operator_router;
    struct main_site *site;
    struct http_server *server;
    int64_t started_us;
    bool draining;
};

int main_work(const struct main_options *o);

/* Brings a tenant's schema to what core and its plugins ask for. Also the
 * callback for auth_tenant_create: `arg` is the worker. [worker] */
int main_migrate(void *arg, struct auth_tenant *t, struct err *err);

bool main_plugin_stands(const struct plug_info *i);

#endif
