#include "main/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link/link.h"
#include "main/console.h"
#include "main/database.h"
#include "main/operator.h"

#define LOG_ROOM "main"
#define DB_WAIT_MS 120000

/* ---- callbacks of http ------------------------------------------------------------ */

static struct http_site *on_resolve(void *arg, sv host, sv path, size_t *prefix_len)
{
    struct main_worker *w = arg;
    return (struct http_site *)auth_resolve(w->auth, host, path, prefix_len);
}

struct run {
    void (*fn)(struct http_req *);
    struct http_req *req;
    unsigned limit_s;
};

/* Until when the request's statements may run. A client may ask for less. */
static int64_t deadline_of(const struct run *r)
{
    if (!auth_tenant_of(r->req))
        return 0;                /* the operator's */
    uint64_t ms = (uint64_t)r->limit_s * 1000, wanted;
    sv asked = http_header(r->req, "x-deadline-ms");
    if (asked.n && sv_u64(asked, &wanted) && wanted > 0 && wanted < ms)
        ms = wanted;
    return http_started_us(r->req) + (int64_t)ms * 1000;
}

static void run_request(void *arg)
{
    struct run *r = arg;         /* in the request's arena, and gone after it */
    store_deadline(deadline_of(r));
    r->fn(r->req);
    store_deadline(0);
}

static bool on_submit(void *arg, struct http_req *req, void (*fn)(struct http_req *))
{
    struct main_worker *w = arg;
    struct run *r = arena_alloc(http_arena(req), sizeof *r);
    *r = (struct run){fn, req, w->settings.limits.request};
    return work_pool_submit(w->pool, run_request, r);
}

static int on_guard(void *arg, struct http_req *req, struct err *err)
{
    struct main_worker *w = arg;
    struct auth_tenant *t = auth_tenant_of(req);
    const struct auth_principal *p;
    if (!t) {
        /* On the unix socket whoever may open it is the operator; a TCP listener
         * of the operator's side has health and metrics only. */
        bool open = http_over_unix(req) || !sv_starts(http_path(req), SV("/operator/"));
        return open ? 0 : err_set(err, 403, "forbidden", NULL);
    }
    if (auth_identify(w->auth, req, t, &p, err) != 0)
        return -1;
    http_set_user(req, (void *)p, p->id);
    return 0;
}

/* The fallback has no data of its own; one worker, one site. */
static struct main_site *the_site;

static void on_fallback(struct http_req *req)
{
    main_site_serve(the_site, req);
}

/* ---- callbacks of work --------------------------------------------------------------- */

static int on_job(void *arg, struct work_job *job, struct err *err)
{
    struct main_worker *w = arg;
    if (sv_starts(job->kind, SV("core."))) return model_job_run(w->model, job, err);
    return plug_job_run(w->plugins, job, err);
}

struct each_ctx {
    bool (*fn)(void *ctx, void *tenant, struct store_db *db);
    void *ctx;
};

static bool one_tenant(void *arg, struct auth_tenant *t)
{
    struct each_ctx *e = arg;
    return e->fn(e->ctx, t, t->db);
}

static void on_tenants(void *arg, bool (*fn)(void *, void *, struct store_db *), void *ctx)
{
    struct main_worker *w = arg;
    struct each_ctx e = {fn, ctx};
    auth_each_tenant(w->auth, one_tenant, &e);
}

/* ---- start, floor by floor -------------------------------------------------------------- */

static int start_settings(struct main_worker *w)
{
    if (main_settings_load(w->arena, w->options, &w->settings) != 0)
        return -1;
    if (!w->options->listen_fds ||
        main_listeners_parse(w->options->listen_fds, &w->listeners) != 0) {
        fputs("atriumd: a worker is started by its supervisor only\n", stderr);
        return -1;
    }
    int fd = 2;
    if (w->settings.log.file) {
        fd = open(w->settings.log.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (fd < 0) {
            fprintf(stderr, "atriumd: cannot write %s: %s\n", w->settings.log.file,
                    strerror(errno));
            return -1;
        }
    }
    log_init((enum log_level)w->settings.log.level, fd);
    id_init(w->settings.node);
    return 0;
}

static int start_store(struct main_worker *w, struct err *err)
{
    if (main_database_opts(w->arena, &w->settings, &w->db_opts, err) != 0 ||
        main_database_wait(&w->db_opts, DB_WAIT_MS, err) != 0)
        return -1;
    /* The control database itself is selected by auth, which makes it. */
    w->control = store_db_new(&w->db_opts);
    return 0;
}

static int start_work(struct main_worker *w, struct err *err)
{
    w->pool = work_pool_start(w->settings.workers, w->settings.queue);
    w->hub = work_hub_new(16);
    w->reactor = work_reactor_start(err);
    return w->reactor ? 0 : -1;
}

static int start_auth(struct main_worker *w, struct err *err)
{
    struct auth_opts o = {
        .settings = &w->settings,
        .control = w->control,
        .server = &w->db_opts,
    };
    return auth_start(&o, &w->auth, err);
}

static const char *core_manifest_dir(struct arena *a)
{
    const char *dir = getenv("ATRIUM_CORE_MANIFEST");
    return dir ? dir : arena_printf(a, "%s/%s", ATRIUM_DATADIR, AUTH_MANIFEST_DIR).p;
}

static int start_plugins(struct main_worker *w, struct err *err)
{
    struct arena *a = w->arena;
    struct cfg_errors e = {.a = a, .file = core_manifest_dir(a), .text = BUF_IN(a)};
    if (cfg_load_manifest(a, e.file, &w->core, &e) != 0)
        return err_internal(err, "the core manifest does not load:\n%.*s",
                            SVARG(buf_view(&e.text)));
    w->model = model_new(w->auth);
    model_set_state_dir(w->settings.state_dir);
    struct link_opts link = {.auth = w->auth,
                             .model = w->model,
                             .reactor = w->reactor,
                             .allow_private = w->settings.webhooks.allow_private,
                             .allow_http = w->settings.webhooks.allow_http};
    w->link = link_new(&link);
    if (model_add(w->model, w->core, &e) != 0)
        return err_internal(err, "the core's resources do not stand:\n%.*s",
                            SVARG(buf_view(&e.text)));
    if (model_core_jobs_check(w->model, err) != 0) return -1;
    const char **quarantine = ARENA_ARRAY(a, const char *, 65);
    size_t n_quarantine = 0;
    for (sv rest = sv_of(w->options->quarantine); rest.n > 0 && n_quarantine < 64;)
        quarantine[n_quarantine++] = arena_str(a, sv_cut(rest, ',', &rest));
    static const char *const library_dirs[] = {ATRIUM_PLUGINDIR};
    struct plug_opts o = {
        .auth = w->auth,
        .hub = w->hub,
        .page = w->page,
        .dirs = w->settings.plugin_dirs,
        .n_dirs = w->settings.n_plugin_dirs,
        .library_dirs = library_dirs,
        .n_library_dirs = 1,
        .quarantine = quarantine,
        .n_quarantine = n_quarantine,
        .safe_mode = w->options->safe_mode,
    };
    w->plugins = plug_new(&o);
    plug_load(w->plugins);
    auth_set_outer(w->auth, w->reactor, w->settings.outer_login.allow_private,
                   w->settings.outer_login.allow_http);
    struct model_hooks hooks;
    plug_model_hooks(w->plugins, &hooks);
    auth_set_events(w->auth, &(struct auth_events){.arg = hooks.arg,
                                                   .tell = hooks.event,
                                                   .made_arg = w->model,
                                                   .made = model_made,
                                                   .committed = model_made_committed});
    return plug_add_models(w->plugins, w->model, err);
}

/* ---- schema -------------------------------------------------------------------------------- */

/* Its resources are in the model: neither failed nor kept out (quarantine, safe mode). */
bool main_plugin_stands(const struct plug_info *i)
{
    return i->manifest && (i->state == PLUG_READY || i->state == PLUG_RUNNING);
}

struct migration {
    struct main_worker *w;
    struct auth_tenant *tenant;
    struct err *err;
    int rc;
};

static bool migrate_plugin(void *arg, const struct plug_info *i)
{
    struct migration *m = arg;
    if (main_plugin_stands(i) && auth_plugin_on(m->tenant, sv_of(i->id)))
        m->rc = model_migrate(m->w->model, i->manifest, m->tenant, m->err);
    return m->rc == 0;
}

/* Tables of the floors below model, which are not resources. */
static int migrate_work(struct auth_tenant *t, struct err *err)
{
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0)
        return -1;
    struct arena *a = arena_new(0);
    struct store_plan plan;
    size_t n;
    const struct store_table *tables = work_tables(&n);
    int rc = store_plan(c, a, tables, n, false, &plan, err);
    if (rc == 0 && plan.n > 0)
        rc = store_apply(c, &plan, "core jobs", err);
    arena_free(a);
    store_put(c);
    return rc;
}

static int install_roles(struct main_worker *w, struct auth_tenant *t, struct err *err)
{
    struct store_conn *c;
    if (store_get(t->db, &c, err) != 0)
        return -1;
    int rc = auth_install_roles(c, w->core, err);
    store_put(c);
    return rc;
}

int main_migrate(void *arg, struct auth_tenant *t, struct err *err)
{
    struct migration m = {.w = arg, .tenant = t, .err = err};
    if (migrate_work(t, err) != 0 || model_migrate(m.w->model, m.w->core, t, err) != 0)
        return -1;
    m.rc = install_roles(m.w, t, err);
    if (m.rc == 0)
        plug_each(m.w->plugins, migrate_plugin, &m);
    return m.rc;
}

/* A tenant whose schema cannot be brought up is logged and the others serve. */
static bool migrate_one(void *arg, struct auth_tenant *t)
{
    struct err err = {0};
    if (main_migrate(arg, t, &err) != 0)
        log_error("schema of tenant %.*s: %s", SVARG(t->slug), err.detail);
    return true;
}

/* ---- routes and server ------------------------------------------------------------------------ */

static bool collect(void *arg, const struct plug_info *i)
{
    const struct mf_manifest ***next = arg;
    if (i->manifest)
        *(*next)++ = i->manifest;
    return true;
}

static bool count_one(void *arg, const struct plug_info *i)
{
    (void)i;
    ++*(size_t *)arg;
    return true;
}

static int start_routes(struct main_worker *w, struct err *err)
{
    size_t n = 0;
    plug_each(w->plugins, count_one, &n);
    const struct mf_manifest **all = ARENA_ARRAY(w->arena, const struct mf_manifest *, n + 1);
    const struct mf_manifest **next = all;
    plug_each(w->plugins, collect, &next);
    w->site = the_site = main_site_new(w->arena, w->settings.www_dir, all, (size_t)(next - all));
    w->router = http_router_new();
    w->operator_router = http_router_new();
    unsigned n_partner;
    const sv *of_partners = model_partner_resources(w->model, &n_partner);
    auth_set_partner_resources(w->auth, of_partners, n_partner);
    auth_set_manage(w->auth, model_may_manage, w->model);
    if (auth_routes(w->auth, w->router, err) != 0 || model_routes(w->model, w->router, err) != 0 ||
        link_routes(w->link, w->router, err) != 0 ||
        plug_routes(w->plugins, w->router, err) != 0 ||
        main_console_routes(w, w->router, err) != 0 ||
        main_health_routes(w, w->router, err) != 0)
        return -1;
    return main_operator_routes(w, w->operator_router, err);
}

static int start_jobs(struct main_worker *w, struct err *err)
{
    struct work_jobs_opts o = {
        .pool = w->pool,
        .node = arena_printf(w->arena, "node-%u", w->settings.node).p,
        .arg = w,
        .tenants = on_tenants,
        .run = on_job,
    };
    w->jobs = work_jobs_start(&o, err);
    if (!w->jobs)
        return -1;
    model_set_jobs(w->model, w->jobs);
    plug_start(w->plugins, w->jobs);
    return 0;
}

static int open_access_log(const struct cfg_settings *s)
{
    if (!s->log.access)
        return -1;
    int fd = open(s->log.access, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        log_error("no access log: cannot write %s: %s", s->log.access, strerror(errno));
    return fd;
}

static int start_server(struct main_worker *w, struct err *err)
{
    const struct cfg_settings *s = &w->settings;
    struct http_listen *listen = ARENA_ARRAY(w->arena, struct http_listen, w->listeners.n);
    for (unsigned i = 0; i < w->listeners.n; i++) {
        const struct main_listener *l = &w->listeners.l[i];
        listen[i] = (struct http_listen){.fd = l->fd, .operator_side = l->operator_side};
        if (l->index >= 0 && (size_t)l->index < s->n_listen) {
            listen[i].cert = s->listen[l->index].cert;
            listen[i].key = s->listen[l->index].key;
        }
    }
    const char *spill = main_state_path(w->arena, s, "spill");
    if (mkdir(spill, 0700) != 0 && errno != EEXIST)
        return err_internal(err, "cannot make %s: %s", spill, strerror(errno));
    struct http_config c = {
        .listen = listen,
        .n_listen = w->listeners.n,
        .loops = s->loops,
        .limits =
            {
                .header_bytes = s->limits.header,
                .body_bytes = s->limits.body,
                .upload_bytes = s->limits.upload,
                .spill_bytes = s->limits.spill,
                .connections = s->limits.connections,
                .connections_per_ip = s->limits.connections_per_ip,
                .rate_per_ip = s->limits.rate_per_ip,
                .header_timeout_s = s->limits.header_timeout,
                .idle_timeout_s = s->limits.idle_timeout,
            },
        .router = w->router,
        .operator_router = w->operator_router,
        .spill_dir = spill,
        .access_log_fd = open_access_log(s),
        .trusted_proxies = s->limits.trusted_proxies,
        .arg = w,
        .resolve = on_resolve,
        .submit = on_submit,
        .guard = on_guard,
        .fallback = on_fallback,
    };
    w->server = http_server_start(&c, err);
    return w->server ? 0 : -1;
}

static int start(struct main_worker *w, struct err *err)
{
    w->page = w->options->page_fd >= 0 ? plug_page_open(w->options->page_fd, err) : NULL;
    if (start_store(w, err) != 0 || start_work(w, err) != 0 || start_auth(w, err) != 0 ||
        start_plugins(w, err) != 0)
        return -1;
    auth_each_tenant(w->auth, migrate_one, w);
    if (start_routes(w, err) != 0 || start_jobs(w, err) != 0 || link_start(w->link, err) != 0)
        return -1;
    return start_server(w, err);
}

/* ---- end ----------------------------------------------------------------------------------------- */

static void stop(struct main_worker *w)
{
    unsigned ms = w->settings.drain_seconds * 1000;
    w->draining = true;
    http_server_drain(w->server, ms);
    auth_drain(w->auth, ms);
    plug_drain(w->plugins);
    link_stop(w->link);
    model_set_jobs(w->model, NULL);
    work_jobs_stop(w->jobs, ms);
    work_pool_stop(w->pool, ms);
    plug_stop(w->plugins);
    http_server_free(w->server);
    work_reactor_stop(w->reactor);
    link_free(w->link);
    auth_stop(w->auth);
}

int main_work(const struct main_options *o)
{
    struct main_worker w = {.options = o, .arena = arena_new(0), .started_us = clock_mono_us()};
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);   /* before any thread: all inherit it */
    signal(SIGPIPE, SIG_IGN);
    if (start_settings(&w) != 0)
        return 2;
    struct err err = {0};
    if (start(&w, &err) != 0) {
        log_error("cannot start: %s", err.detail[0] ? err.detail : err.code);
        return 1;
    }
    log_info("ready after %lld ms", (long long)(clock_mono_us() - w.started_us) / 1000);
    if (o->ready_fd >= 0 && (write(o->ready_fd, "1", 1) != 1 || close(o->ready_fd) != 0))
        log_warn("the supervisor does not listen");
    int sig;
    do {
        sigwait(&wanted, &sig);
        if (sig == SIGHUP) {     /* from the operator directly: certificates only */
            struct err tls = {0};
            if (http_server_reload_tls(w.server, &tls) != 0)
                log_error("certificates: %s", tls.detail);
        }
    } while (sig == SIGHUP);
    log_info("draining");
    stop(&w);
    log_info("ended");
    return 0;
}
