/* What the files of this room share: the plugin, its bindings, its part of a
 * tenant, the context behind the ABI. Lock order: registry, plugin-of-tenant. */
#ifndef ATRIUM_PLUGIN_INTERNAL_H
#define ATRIUM_PLUGIN_INTERNAL_H

#include <config.h>

#include <pthread.h>
#include <stdatomic.h>

#include "atrium/auth.h"
#include "atrium/channel.h"
#include "atrium/crypto.h"
#include "atrium/hooks.h"
#include "atrium/http.h"
#include "atrium/jobs.h"
#include "atrium/json.h"
#include "atrium/log.h"
#include "atrium/memory.h"
#include "atrium/model.h"
#include "atrium/plugin.h"
#include "atrium/settings.h"
#include "atrium/storage.h"
#include "atrium/time.h"
#include "plugin/plugin.h"

/* ---- what a manifest declares and init binds -------------------------------------- */

enum plug_kind {
    PLUG_ROUTE,
    PLUG_CHECK,
    PLUG_TRANSITION,
    PLUG_EVENT,
    PLUG_JOB,
    PLUG_STREAM,
};
extern const char *const plug_kind_names[];

struct plug_binding {
    enum plug_kind kind;
    const char *name;            /* of the C function, as the manifest says it */
    unsigned call;               /* its line in the crash page */
    union {
        void (*any)(void);       /* NULL: not bound yet */
        atrium_http_handler *route;
        atrium_change_fn *change;
        atrium_job_fn *job;
        atrium_batch_fn *batch;
    } fn;
};

struct plug;

/* What a plugin gets as its host; `pub` first, so that one is the other. */
struct plug_host {
    struct atrium_host pub;
    struct plug *plug;
};

struct plug {
    struct plug_registry *reg;
    struct plug_host host;
    const char *id;
    const char *dir;
    const struct mf_manifest *mf;        /* NULL: did not load */
    const char *path;                    /* of the library, NULL: none */
    struct atrium_plugin_entry entry;    /* our copy, zero-filled */
    void *self;
    unsigned index;                      /* in the registry, and in plug_tenant.of */
    _Atomic int state;                   /* enum plug_state */
    const char *_Atomic error;           /* "" when none */
    bool binding;                        /* init is running: bind functions may be called */
    bool alive;                          /* load gave a self that destroy has not taken */
    bool hung;                           /* missed a deadline: never called again */
    char bind_error[256];                /* the first bind that was refused, or "" */
    struct plug_binding *bindings;
    unsigned n_bindings;
    unsigned call_lifecycle;             /* its line in the crash page */
    _Atomic uint64_t calls, failed_calls;
};

struct plug_event {                      /* one subscriber of an event */
    struct plug *plug;
    const struct mf_hook *hook;
    const struct plug_binding *binding;
};

struct plug_registry {
    struct plug_opts o;
    struct arena *arena;                 /* manifests, names; guarded by lock after load */
    pthread_mutex_t lock;                /* bindings during init, states, errors */
    struct plug **plugs;                 /* by id */
    unsigned n_plugs;
    struct plug_event *events;           /* by event, then order */
    unsigned n_events;
    struct model *model;
    struct work_jobs *_Atomic jobs;
    struct plug_coalesce *coalesce;      /* publish_latest's clock */
    _Atomic bool draining;
    pthread_mutex_t tenants_lock;
    struct plug_tenant *tenants;         /* all that were made, for the end */
    pthread_mutex_t schedules_lock;      /* one set_schedules at a time */
};

/* ---- a tenant's part ---------------------------------------------------------------- */

struct plug_stream {
    struct plug *plug;
    struct auth_tenant *tenant;
    const struct mf_stream *mf;
    const struct plug_binding *binding;
    pthread_rwlock_t lock;               /* add and stop must not meet */
    struct store_writer *_Atomic writer;
    struct atrium_ctx *ctx;              /* of the batch that waits for its commit */
    struct store_writer_stats ended;     /* what the writer counted before it stopped */
};

struct plug_part {                       /* one plugin in one tenant */
    pthread_mutex_t lock;                /* opening */
    _Atomic bool open;
    void *state;                         /* what tenant_open made */
    struct plug_stream *streams;         /* as many as the manifest declares */
};

struct plug_tenant {
    struct plug_tenant *next;
    struct auth_tenant *tenant;
    struct plug_part of[];               /* by plug.index */
};

/* Made on first use; never fails. [any] */
struct plug_tenant *plug_tenant_of(struct plug_registry *r, struct auth_tenant *t);
/* The part, with tenant_open done. -1 when tenant_open refused. [worker] */
int plug_part_open(struct plug *p, struct auth_tenant *t, struct plug_part **out, struct err *err);
void plug_tenants_drain(struct plug_registry *r);  /* stops all writers */
void plug_tenants_stats(const struct plug_registry *r, struct plug_stats *out);   /* adds */
void plug_tenants_close(struct plug_registry *r);  /* tenant_close of running plugins, frees */

/* ---- the context --------------------------------------------------------------------- */

enum ctx_kind { CTX_REQUEST, CTX_CHANGE, CTX_EVENT, CTX_JOB, CTX_BATCH, CTX_TENANT };

/* A message that waits for a commit. */
struct ctx_message {
    struct ctx_message *next;
    sv name, data;
    unsigned interval_ms;                /* 0: at once */
};

#define CTX_ALIVE UINT32_C(0x63747821)
#define CTX_DEAD UINT32_C(0x64656164)

struct atrium_ctx {
    uint32_t magic;
    enum ctx_kind kind;
    pthread_t thread;
    struct plug *plug;
    struct plug_part *part;              /* NULL inside tenant_open */
    struct auth_tenant *tenant;
    const struct auth_principal *who;
    struct arena *arena;
    struct http_req *req;                /* CTX_REQUEST */
    struct model_hook_call *change;      /* CTX_CHANGE */
    struct work_job *job;                /* CTX_JOB */
    struct store_conn *conn;             /* NULL until used; given in CHANGE and BATCH */
    bool own_conn;                       /* we took it, we give it back */
    bool in_tx;                          /* our own transaction, by storage.transaction */
    bool reading;                        /* a row callback runs */
    struct atrium_record *record;        /* to be queued when the handler returns */
    struct atrium_later *later;          /* the handler's half of a later answer */
    bool streaming;                      /* the request became a stream */
    bool wake_jobs;                      /* after the commit */
    struct model_done *done;             /* the model's own after-work, in the order of writes */
    struct atrium_json_writer *body;     /* the response's writer */
    struct http_part *parts;             /* of multipart, once asked for */
    size_t n_parts;
    struct ctx_message *messages, **messages_end;
};

/* Allocates the context in `a` and fills what all kinds have. */
struct atrium_ctx *ctx_begin(enum ctx_kind kind, struct plug *p, struct plug_part *part,
                             struct auth_tenant *t, const struct auth_principal *who,
                             struct arena *a);
/* Gives the connection back; the context is dead. */
void ctx_end(struct atrium_ctx *c);
/* The connection, taken from the tenant's pool when there is none yet. */
int ctx_conn(struct atrium_ctx *c, struct store_conn **out, struct err *err);
/* Gives a connection of our own back unless a transaction is open. */
void ctx_yield_conn(struct atrium_ctx *c);
/* True while what is done here is durable only after somebody's commit. */
bool ctx_uncommitted(const struct atrium_ctx *c);
void ctx_send_messages(struct atrium_ctx *c);
void ctx_drop_messages(struct atrium_ctx *c);

/* Thread tags. In a debug host a broken one ends the process with the name of
 * the function; else they cost nothing. */
#ifdef ATRIUM_DEBUG_HOST
void ctx_check(const struct atrium_ctx *c, const char *function);
#define CTX_CHECK(c) ctx_check((c), __func__)
#else
#define CTX_CHECK(c) ((void)(c))
#endif

/* ---- calls into plugins ------------------------------------------------------------------ */

/* Around each call: the crash page and "which plugin is this thread in". */
struct plug_frame {
    struct plug *plug;
    unsigned call;
};
struct plug_frame plug_enter(struct plug *p, unsigned call);   /* returns what was before */
void plug_leave(struct plug_frame before);
struct plug *plug_current(void);         /* NULL outside; [any] */

const struct plug_binding *plug_binding_find(const struct plug *p, enum plug_kind kind, sv name);
struct plug *plug_by_id(const struct plug_registry *r, sv id);
static inline bool plug_running(const struct plug *p)
{
    int s = atomic_load_explicit(&p->state, memory_order_acquire);
    return s == PLUG_RUNNING || s == PLUG_DRAINING;
}
/* Marks a plugin failed with a reason (kept for the console) and logs it. */
void plug_fail(struct plug *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- translation ---------------------------------------------------------------------------- */

static inline sv to_sv(struct atrium_str s)
{
    return (sv){s.ptr, s.len};
}
static inline struct atrium_str to_str(sv v)
{
    return (struct atrium_str){v.p, v.n};
}
void plug_error_init(struct atrium_error *e);
/* Host's error to the plugin's; returns the status that goes with it. `out` may
 * be NULL or of an older, smaller size. */
atrium_status plug_error_out(struct atrium_error *out, const struct err *e);
/* Plugin's error to the host's. Always -1. */
int plug_error_in(const struct plug *p, atrium_status s, const struct atrium_error *e,
                  struct err *out);
/* A fault of the plugin's own making: E_ARGUMENT and friends with a detail. */
atrium_status plug_fault(struct atrium_error *out, atrium_status s, const char *detail);

/* An entry that ends before `start` cannot be one. */
#define ATRIUM_ENTRY_MIN offsetof(struct atrium_plugin_entry, start)

/* ---- files of the loader -------------------------------------------------------------------- */

/* Reads the entry out of the file before anything of it runs: magic, size,
 * major, and that it is the only symbol. */
int plug_elf_check(const char *path, struct err *err);
/* Opens the library of a plugin and copies its entry. */
int plug_library_open(struct plug *p, struct err *err);
/* Collects what the manifest declares into p->bindings. */
int plug_declare(struct plug *p, struct err *err);
atrium_status plug_bind(const struct atrium_host *host, enum plug_kind kind,
                        struct atrium_str name, void (*fn)(void), struct atrium_error *err);
const void *plug_interface(sv id);       /* the table, or NULL */
const void *plug_get_interface(const struct atrium_host *host, struct atrium_str id);

/* One step of the life of a plugin with its deadline; -1: failed or too late,
 * the plugin is marked. */
enum plug_step { STEP_LOAD, STEP_INIT, STEP_START, STEP_DRAIN, STEP_STOP, STEP_DESTROY };
int plug_step(struct plug *p, enum plug_step step);

/* ---- hooks, streams, messages ------------------------------------------------------------------ */

void plug_events_build(struct plug_registry *r);
int plug_call_change(void *arg, sv plugin, const char *name, struct model_hook_call *call,
                     struct err *err);
void plug_call_event(void *arg, struct auth_tenant *t, sv event, int64_t id, sv json);
int plug_schedules_set(struct plug_registry *r, struct err *err);

/* A record for the request, in its arena, not queued yet. */
struct atrium_record *plug_stream_record(struct plug_stream *s, struct http_req *req, sv bytes);
/* Queues it and takes the request: the last thing that is done with either, for
 * the answer may be out before this returns. */
void plug_stream_put(struct atrium_record *r);
void plug_stream_stop(struct plug_stream *s);
void plug_stream_stats(struct plug_stream *s, struct plug_stats *out);   /* adds */

/* Sends the newest of a topic's messages at most once an interval. */
struct plug_coalesce *coalesce_new(struct work_hub *hub);
void coalesce_free(struct plug_coalesce *c);     /* sends what waits */
void coalesce_put(struct plug_coalesce *c, int64_t tenant, sv name, sv data,
                  unsigned interval_ms);

/* ---- crash page --------------------------------------------------------------------------------- */

/* A line "plugin, call" in the page; 0 when there is no page or no room. */
unsigned plug_page_line(struct plug_page *p, const char *plugin, const char *call);
void plug_page_here(struct plug_page *p, unsigned line);     /* [any] this thread runs it; 0: none */

/* ---- the tables ---------------------------------------------------------------------------------- */

extern const struct atrium_auth_1 plug_auth_1;
extern const struct atrium_channel_1 plug_channel_1;
extern const struct atrium_crypto_1 plug_crypto_1;
extern const struct atrium_hooks_1 plug_hooks_1;
extern const struct atrium_http_1 plug_http_1;
extern const struct atrium_jobs_1 plug_jobs_1;
extern const struct atrium_json_1 plug_json_1;
extern const struct atrium_log_1 plug_log_1;
extern const struct atrium_memory_1 plug_memory_1;
extern const struct atrium_model_1 plug_model_1;
extern const struct atrium_settings_1 plug_settings_1;
extern const struct atrium_storage_1 plug_storage_1;
extern const struct atrium_time_1 plug_time_1;

/* A JSON writer of the ABI is one of base's with its buffer. */
struct atrium_json_writer {
    struct jsonw w;
    struct buf own;              /* unless it writes into a response */
};

/* A request whose answer comes later is sent by who is last: the handler, which
 * still uses the request's arena, or the answer. In the request's arena. */
struct atrium_later {
    struct http_req *req;
    struct plug *plug;
    _Atomic int halves;          /* 2, 1, 0: send */
};
void plug_later_half(struct atrium_later *l);

/* The record of a stream behind storage.append. In the request's arena. */
struct atrium_record {
    struct store_item item;
    struct http_req *req;
    struct plug_stream *stream;
    struct err *err;             /* for refusals; item.err is the same */
    int http_status;             /* 0: no answer yet */
    bool failed;
};

#endif
