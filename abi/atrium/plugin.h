/* Atrium ABI 1: what a plugin exports and how its life goes.
 *
 * A plugin is a shared object that exports exactly one symbol, the constant
 * `atrium_plugin_entry`. Everything else is hidden, nothing of the host is
 * linked (`-z defs`): all that a plugin can do it does through the tables that
 * get_interface returns. Its manifest, plugin.yaml, says what it brings.
 *
 * The life of a plugin, in this order and on one thread at a time:
 *
 *     (file checked) --load--> LOADED --init--> READY --start--> RUNNING
 *     RUNNING --drain--> DRAINING --stop--> STOPPED --destroy--> gone
 *
 * Each step has a deadline (load, init, start, stop: 5 s; drain: 10 s; the
 * operator may change them). load, init or start that fails or passes its
 * deadline: the plugin is off with the reason in log and console, the others
 * go on; after a failed init or start only destroy is called, after a missed
 * deadline nothing is called any more. The library is never unmapped, so a
 * thread or a pointer that a plugin left behind harms nobody. */
#ifndef ATRIUM_PLUGIN_H
#define ATRIUM_PLUGIN_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_MAGIC UINT32_C(0x4d525441) /* "ATRM" in memory order */
#define ATRIUM_ABI_MAJOR UINT32_C(1)

/* ---- what the host gives ------------------------------------------------------- */

/* One per plugin. Owner: the host. Valid until: the process ends. */
struct atrium_host {
    uint32_t size;               /* sizeof(struct atrium_host) of the host */
    uint32_t abi_major;
    struct atrium_str version;   /* of Atrium, for logs: "0.1.0" */
    /* [init] The table of an interface ("atrium.storage/1") or NULL when this
     * host has none or the manifest does not list it under `interfaces`. Ask
     * once, keep the pointer: it never changes. What the manifest lists as
     * required is there, or init is not reached. */
    const void *(*get_interface)(const struct atrium_host *host, struct atrium_str id);
};

/* ---- what a plugin gives --------------------------------------------------------- */

/* The exported constant. The first three members are frozen for ever and are
 * read before any code of the plugin runs. A smaller struct than the host's is
 * filled with zeros at its end; a larger one is accepted only when the part the
 * host does not know is zero.
 *
 * `self` is what load gave; the host only hands it back. Members after load and
 * init may be NULL when there is nothing to do. */
struct atrium_plugin_entry {
    uint32_t magic;              /* ATRIUM_MAGIC */
    uint32_t size;               /* sizeof(struct atrium_plugin_entry) */
    uint32_t abi_major;          /* ATRIUM_ABI_MAJOR */

    uint32_t reserved;           /* 0 */
    struct atrium_str id;        /* must equal plugin.id of the manifest */
    struct atrium_str version;   /* must equal plugin.version */

    /* [init] Makes the plugin's own state. Must not call the host but for
     * get_interface. */
    atrium_status (*load)(const struct atrium_host *host, void **self, struct atrium_error *err);
    /* [init] Fetches its tables and binds a function to each name that the
     * manifest declares (routes, hooks, jobs, streams) with the bind functions
     * of http.h, hooks.h, jobs.h and storage.h. When it returns, every declared
     * name must be bound and every bound name declared; else nothing takes
     * effect and the plugin has failed. */
    atrium_status (*init)(void *self, const struct atrium_host *host, struct atrium_error *err);
    /* [init] All is bound; callbacks begin after it returns. May block. */
    atrium_status (*start)(void *self, struct atrium_error *err);
    /* [init] The process is going to end or to be replaced. Callbacks that run
     * are finished, few new ones come. Stop what the plugin started itself. May
     * block within the deadline. */
    void (*drain)(void *self);
    /* [init] No callback runs and none will. */
    void (*stop)(void *self);
    /* [init] Frees self. */
    void (*destroy)(void *self);

    /* [worker] A tenant is seen for the first time in this process: makes what
     * the plugin wants to remember of it, for memory.h's tenant(). Called once
     * per tenant, before any other callback for it. May block. */
    atrium_status (*tenant_open)(void *self, struct atrium_ctx *ctx, void **tenant,
                                 struct atrium_error *err);
    /* [init] Frees it, after stop. */
    void (*tenant_close)(void *self, void *tenant);

    /* [worker] An administrator switches the plugin on for the tenant of ctx:
     * tables are there, nothing else has been called. Failing refuses. May be
     * called again for a tenant that was on before. May block. */
    atrium_status (*enable)(void *self, struct atrium_ctx *ctx, struct atrium_error *err);
    /* [worker] ... and off. Rows stay. Failing refuses. May block. */
    atrium_status (*disable)(void *self, struct atrium_ctx *ctx, struct atrium_error *err);
};

/* Put this before the definition, so that it is the one visible symbol:
 *
 *     ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {...};
 */
#if defined(__GNUC__)
#define ATRIUM_EXPORT __attribute__((visibility("default")))
#else
#define ATRIUM_EXPORT
#endif

extern ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry;

#ifdef __cplusplus
}
#endif
#endif
