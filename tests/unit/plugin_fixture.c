#include "plugin_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

struct rig rig;

/* ---- callbacks, as main has them --------------------------------------------------------- */

static int run_job(void *arg, struct work_job *job, struct err *err)
{
    (void)arg;
    return plug_job_run(rig.reg, job, err);
}

struct each_tenant {
    bool (*fn)(void *ctx, void *tenant, struct store_db *db);
    void *ctx;
};

static bool one_tenant(void *arg, struct auth_tenant *t)
{
    struct each_tenant *e = arg;
    return e->fn(e->ctx, t, t->db);
}

static void tenants(void *arg, bool (*fn)(void *, void *, struct store_db *), void *ctx)
{
    (void)arg;
    struct each_tenant e = {fn, ctx};
    auth_each_tenant(house.auth, one_tenant, &e);
}

static struct http_site *on_resolve(void *arg, sv host, sv path, size_t *prefix_len)
{
    (void)arg;
    return (struct http_site *)auth_resolve(house.auth, host, path, prefix_len);
}

struct run { void (*fn)(struct http_req *); struct http_req *req; };

static void run_request(void *arg)
{
    struct run *r = arg;
    r->fn(r->req);
}

static bool on_submit(void *arg, struct http_req *req, void (*fn)(struct http_req *))
{
    (void)arg;
    struct run *r = arena_alloc(http_arena(req), sizeof *r);
    *r = (struct run){fn, req};
    return work_pool_submit(house.pool, run_request, r);
}

static int on_guard(void *arg, struct http_req *req, struct err *err)
{
    const struct auth_principal *p;
    (void)arg;
    if (auth_identify(house.auth, req, auth_tenant_of(req), &p, err) != 0) return -1;
    http_set_user(req, (void *)p, p->id);
    return 0;
}

static bool must_be_ready(void *arg, const struct plug_info *i)
{
    (void)arg;
    if (i->state != PLUG_READY) fail_msg("%s: %s", i->id, i->error);
    return true;
}

/* A model of its own, with the plugin's hooks, beside the fixture's. */
static void load(const char *dir, const char *libraries)
{
    struct err e = {0};
    struct cfg_errors ce = {.a = house.arena, .file = "core", .text = BUF_IN(house.arena)};
    rig.hub = work_hub_new(16);
    rig.model = model_new(house.auth);
    assert_int_equal(model_add(rig.model, house.core, &ce), 0);
    struct plug_opts o = {.auth = house.auth, .hub = rig.hub, .dirs = &dir, .n_dirs = 1,
                          .library_dirs = &libraries, .n_library_dirs = 1};
    rig.reg = plug_new(&o);
    plug_load(rig.reg);
    OK(plug_add_models(rig.reg, rig.model, &e));
    plug_each(rig.reg, must_be_ready, NULL);
}

static void serve(void)
{
    struct err e = {0};
    rig.router = http_router_new();
    OK(auth_routes(house.auth, rig.router, &e));
    OK(model_routes(rig.model, rig.router, &e));
    OK(plug_routes(rig.reg, rig.router, &e));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    assert_true(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 128) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    house.port = ntohs(at.sin_port);     /* ask() speaks to ours from now on */
    struct http_listen l = {.fd = fd};
    struct http_config c = {.listen = &l, .n_listen = 1, .loops = 2, .router = rig.router,
                            .spill_dir = house.state_dir, .access_log_fd = -1,
                            .resolve = on_resolve, .submit = on_submit, .guard = on_guard};
    rig.http = http_server_start(&c, &e);
    if (!rig.http) fail_msg("http: %s", e.detail);
}

/* The tables of jobs come with the process, not with a manifest. */
static void make_job_tables(struct auth_tenant *t)
{
    struct err e = {0};
    struct store_conn *c;
    struct store_plan plan;
    size_t n;
    const struct store_table *tables = work_tables(&n);
    OK(store_get(t->db, &c, &e));
    OK(store_plan(c, house.arena, tables, n, false, &plan, &e));
    if (plan.n) OK(store_apply(c, &plan, "jobs", &e));
    store_put(c);
}

void rig_house(void **state)
{
    house_setup(state);
    log_init(LOG_ERROR, open("/dev/null", O_WRONLY));
    make_job_tables(house.alpha);
    make_job_tables(house.beta);
}

void rig_start(const char *dir, const char *libraries)
{
    struct err e = {0};
    load(dir, libraries);
    struct work_jobs_opts o = {.pool = house.pool, .node = "test", .poll_ms = 50,
                               .tenants = tenants, .run = run_job};
    rig.jobs = work_jobs_start(&o, &e);
    assert_non_null(rig.jobs);
    plug_start(rig.reg, rig.jobs);
    serve();
    rig.admin = arena_str(house.arena, sv_of(bearer_of(log_in("/t/alpha", "anna"))));
}

int rig_teardown(void **state)
{
    http_server_drain(rig.http, 2000);
    plug_drain(rig.reg);
    work_jobs_stop(rig.jobs, 2000);
    plug_stop(rig.reg);
    http_server_free(rig.http);
    http_router_free(rig.router);
    model_free(rig.model);
    plug_free(rig.reg);
    work_hub_free(rig.hub);
    return house_teardown(state);
}

/* ---- the client -------------------------------------------------------------------------- */

void says(int status, const char *method, const char *path, const char *headers,
                 const char *body, const char *const *parts)
{
    struct reply r = ask(method, path, headers, body);
    if (r.status != status)
        fail_msg("%s %s: %d instead of %d\n%s\n%s", method, path, r.status, status, r.head, r.body);
    for (; parts && *parts; parts++)
        if (!has(r.body, *parts) && !has(r.head, *parts))
            fail_msg("%s %s: no %s in\n%s\n%s", method, path, *parts, r.head, r.body);
    reply_free(&r);
}
/* ---- a connection that stays open ------------------------------------------------------------- */

void line_dial(struct line *l, const char *text, size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)house.port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    memset(l, 0, sizeof *l);
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(l->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(send(l->fd, text, n, MSG_NOSIGNAL), n);
}

void line_listen(struct line *l, const char *path)
{
    char head[300];
    int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    line_dial(l, head, (size_t)n);
}

bool line_comes(struct line *l, const char *part, int ms)
{
    int64_t end = clock_mono_us() + (int64_t)ms * 1000;
    for (;;) {
        l->text[l->n] = 0;
        if (strstr(l->text, part)) return true;
        int64_t left = end - clock_mono_us();
        if (left <= 0 || l->n + 1 >= sizeof l->text) return false;
        struct timeval tv = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
        setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        ssize_t n = recv(l->fd, l->text + l->n, sizeof l->text - 1 - l->n, 0);
        if (n > 0) l->n += (size_t)n;
        if (n == 0) return false;
    }
}

unsigned line_count(const struct line *l, const char *part)
{
    unsigned n = 0;
    for (const char *p = l->text; (p = strstr(p, part)); p++) n++;
    return n;
}

