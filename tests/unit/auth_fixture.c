#include "auth_fixture.h"
#include "core_hooks.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

struct house house;

/* The buffer pools that libh2o keeps by thread stay when a loop thread ends. Only
 * read by sanitizer builds. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libh2o-evloop\n";
}

/* ---- callbacks, as main has them --------------------------------------------------------- */

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

/* ---- routes that show what the room knows ------------------------------------------------ */

static void who(struct http_req *req)
{
    static const char *const kinds[] = {"anon", "staff", "member", "key", "system"};
    const struct auth_principal *p = auth_of(req);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_str(&w, "kind", kinds[p->kind]);
    jsonw_kv_id(&w, "id", p->id);
    jsonw_kv_bool(&w, "admin", p->admin);
    jsonw_kv_bool(&w, "by_cookie", p->by_cookie);
    jsonw_kv_sv(&w, "device", p->device.n ? p->device : SV(""));
    jsonw_kv_bool(&w, "may_read_polls", auth_can(p, SV("vote.poll"), SV("read")));
    jsonw_kv_i64(&w, "depts", p->n_depts);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
}

static void device(struct http_req *req)
{
    sv one = auth_device(req, auth_tenant_of(req)), two = auth_device(req, auth_tenant_of(req));
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "device", sv_eq(one, two) ? one : SV("differs"));
    jsonw_end_obj(&w);
    http_type(req, "application/json");
}

static void start_http(void)
{
    struct err e = {0};
    house.router = http_router_new();
    const struct http_route mine[] = {
        {.method = HTTP_GET, .pattern = "/api/test/who", .handler = who},
        {.method = HTTP_POST, .pattern = "/api/test/who", .handler = who},
        {.method = HTTP_GET, .pattern = "/api/test/public/who", .handler = who},
        {.method = HTTP_GET, .pattern = "/api/test/public/device", .handler = device},
    };
    for (size_t i = 0; i < sizeof mine / sizeof mine[0]; i++)
        OK(http_router_add(house.router, &mine[i], &e));
    OK(auth_routes(house.auth, house.router, &e));

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 128) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    house.port = ntohs(at.sin_port);
    struct http_listen listen = {.fd = fd};
    struct http_config c = {.listen = &listen, .n_listen = 1, .loops = 1, .router = house.router,
                            .spill_dir = house.state_dir, .access_log_fd = -1,
                            .resolve = on_resolve, .submit = on_submit, .guard = on_guard};
    house.http = http_server_start(&c, &e);
    if (!house.http) fail_msg("http: %s", e.detail);
}

/* ---- the house --------------------------------------------------------------------------- */

static struct auth *start_auth(void)
{
    struct err e = {0};
    struct auth *a = NULL;
    struct auth_opts o = {.settings = &house.settings, .control = house.control,
                          .server = &house.opts};
    OK(auth_start(&o, &a, &e));
    return a;
}

int house_migrate(void *arg, struct auth_tenant *t, struct err *err)
{
    struct store_conn *c;
    (void)arg;
    if (model_migrate(house.model, house.core, t, err) != 0 || store_get(t->db, &c, err) != 0)
        return -1;
    int rc = auth_install_roles(c, house.core, err);
    store_put(c);
    return rc;
}

struct auth_tenant *house_tenant(const char *slug, const char *host)
{
    struct err e = {0};
    struct auth_tenant *t = NULL;
    sv password;
    struct auth_new_tenant n = {.slug = sv_of(slug), .name = sv_of(slug), .host = sv_of(host),
                                .admin_name = SV("Anna"), .admin_login = SV("anna"),
                                .admin_phone = SV("13800138000"), .admin_password = SV(PASSWORD)};
    OK(auth_tenant_create(house.auth, house.arena, &n, house_migrate, NULL, &t, &password, &e));
    return t;
}

static void load_model(void)
{
    struct cfg_errors e = {.a = house.arena, .file = "core", .text = BUF_IN(house.arena)};
    if (cfg_load_manifest(house.arena, TEST_TOP "/core/auth/manifest", &house.core, &e) != 0)
        fail_msg("%.*s", SVARG(buf_view(&e.text)));
    house.model = model_new(house.auth);
    core_hooks_stand_in();
    if (model_add(house.model, house.core, &e) != 0 ||
        model_seal(house.model, NULL, &e, NULL) != 0)
        fail_msg("%.*s", SVARG(buf_view(&e.text)));
}

int house_setup(void **state)
{
    (void)state;
    log_level_now = LOG_ERROR;
    id_init(1);
    house.arena = arena_new(0);
    house.server = mariadb_start(NULL);
    snprintf(house.state_dir, sizeof house.state_dir, "%s/state", mariadb_dir(house.server));
    char make[80];
    snprintf(make, sizeof make, "mkdir -m 700 %s", house.state_dir);
    assert_int_equal(system(make), 0);
    house.settings = (struct cfg_settings){
        .state_dir = house.state_dir, .default_tenant = "alpha", .utc_offset = 480,
        .session = {.idle_minutes = 120, .absolute_hours = 168, .lock_after = 5,
                    .lock_minutes = 15}};
    house.opts = (struct store_db_opts){.socket = mariadb_socket(house.server), .user = "root"};
    house.control = store_db_new(&house.opts);
    house.pool = work_pool_start(8, 256);
    house.auth = start_auth();
    load_model();
    house.alpha = house_tenant("alpha", NULL);
    house.beta = house_tenant("beta", "beta.example");
    /* guessing is what these tests do; captchas have tests of their own */
    house_sql(ALPHA, "INSERT INTO core_setting (id, created_at, updated_at, plugin, name, value)"
                     " VALUES (1, NOW(), NOW(), 'core', 'captcha_after', '0')");
    auth_forget(house.alpha);
    start_http();
    return 0;
}

struct auth *house_second_auth(void)
{
    return start_auth();
}

int house_teardown(void **state)
{
    (void)state;
    http_server_drain(house.http, 2000);
    work_pool_stop(house.pool, 2000);
    auth_drain(house.auth, 2000);
    http_server_free(house.http);
    http_router_free(house.router);
    model_free(house.model);
    auth_stop(house.auth);
    store_db_free(house.control);
    mariadb_stop(house.server);
    arena_free(house.arena);
    return 0;
}

int house_fresh(void **state)
{
    (void)state;
    clock_set_offset_us(0);
    house_sql(ALPHA, "DELETE FROM core_lockout");
    return 0;
}

int64_t house_i64(const char *database, const char *sql)
{
    char *s = mariadb_sql(house.server, database, sql);
    int64_t v = s ? strtoll(s, NULL, 10) : INT64_MIN;
    free(s);
    return v;
}

void house_sql(const char *database, const char *sql)
{
    free(mariadb_sql(house.server, database, sql));
}

void house_staff(struct auth_tenant *t, const char *login, const char *phone, const char *role)
{
    struct err e = {0};
    sv code = sv_of(role);
    struct auth_new_staff n = {.login = sv_of(login), .name = sv_of(login), .phone = sv_of(phone),
                               .password = SV(PASSWORD), .roles = &code, .n_roles = role != NULL};
    int64_t id;
    OK(auth_staff_create(t, house.arena, &n, &id, NULL, &e));
}

/* ---- the client -------------------------------------------------------------------------- */

const char *kind(const char *path, const char *headers)
{
    struct reply r = ask("GET", path, headers, NULL);
    const char *k = r.status == 200 ? member(&r, "kind") : "refused";
    reply_free(&r);
    return k;
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)house.port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
    close(fd);
    return -1;
}

struct reply ask(const char *method, const char *path, const char *headers, const char *body)
{
    struct buf out = BUF_HEAP, in = BUF_HEAP;
    bool host = strstr(headers, "Host: ") != NULL;
    buf_printf(&out, "%s %s HTTP/1.1\r\n%s%sConnection: close\r\n", method, path,
               host ? "" : "Host: localhost\r\n", headers);
    if (body)
        buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                   strlen(body));
    buf_printf(&out, "\r\n%s", body ? body : "");
    int fd = dial();
    struct reply r = {0};
    if (fd >= 0 && send(fd, out.p, out.n, MSG_NOSIGNAL) == (ssize_t)out.n) {
        char block[4096];
        ssize_t n;
        while ((n = recv(fd, block, sizeof block, 0)) > 0) buf_add(&in, block, (size_t)n);
    }
    if (fd >= 0) close(fd);
    buf_chr(&in, 0);
    buf_free(&out);
    r.head = in.p;
    char *end = strstr(in.p, "\r\n\r\n");
    r.body = end ? end + 4 : in.p + in.n - 1;
    if (end) *end = 0;
    if (strncmp(in.p, "HTTP/1.1 ", 9) == 0) r.status = atoi(in.p + 9);
    return r;
}

void reply_free(struct reply *r)
{
    free(r->head);
    *r = (struct reply){0};
}

void expect(int status, const char *method, const char *path, const char *headers,
            const char *body)
{
    struct reply r = ask(method, path, headers, body);
    if (r.status != status)
        fail_msg("%s %s: %d instead of %d\n%s\n%s", method, path, r.status, status, r.head, r.body);
    reply_free(&r);
}

bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static char *slot(void)
{
    static _Thread_local char ring[16][512];
    static _Thread_local unsigned next;
    return ring[next++ % 16];
}

const char *member(const struct reply *r, const char *name)
{
    char key[64], *out = slot();
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(r->body, key);
    out[0] = 0;
    if (!at) return out;
    at += strlen(key);
    size_t n = strcspn(at, "\"");
    snprintf(out, 512, "%.*s", (int)n, at);
    return out;
}

const char *log_in(const char *base, const char *login)
{
    char path[128], body[256];
    snprintf(path, sizeof path, "%s/api/auth/login", base);
    snprintf(body, sizeof body, "{\"login\":\"%s\",\"password\":\"" PASSWORD "\"}", login);
    struct reply r = ask("POST", path, "", body);
    const char *token = "";
    if (r.status == 200) token = arena_str(house.arena, sv_of(member(&r, "token")));
    reply_free(&r);
    return token;
}

const char *bearer_of(const char *token)
{
    char *out = slot();
    snprintf(out, 512, "Authorization: Bearer %s\r\n", token);
    return out;
}

const char *cookie_of(const char *name, const char *value)
{
    char *out = slot();
    snprintf(out, 512, "Cookie: %s=%s\r\n", name, value);
    return out;
}

static unsigned read_outbox(const char *phone, char *newest)
{
    char path[96], line[1024], want[64];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/outbox.jsonl", house.state_dir);
    snprintf(want, sizeof want, "\"to\":\"%s\"", phone);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *code = strstr(line, "\"code\":\"");
        if (!strstr(line, want) || !code) continue;
        n++;
        if (newest) snprintf(newest, 512, "%.6s", code + 8);
    }
    fclose(f);
    return n;
}

unsigned codes_for(const char *phone)
{
    return read_outbox(phone, NULL);
}

const char *code_for(const char *phone)
{
    char *out = slot();
    for (int i = 0; i < 500; i++) {
        if (read_outbox(phone, out)) return out;
        usleep(10000);
    }
    return NULL;
}
