/* conf/atrium.yaml: the settings of a deployment. Every key is optional; the
 * commented example in conf/ says what each means. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/reader.h"

#define MAX_PATH 1024
#define GIB ((size_t)1 << 30)

struct loader {
    struct arena *a;
    struct cfg_errors *e;
    struct cfg_settings *s;
    sv base; /* directory of the file, with its slash, or "" */
};

static unsigned get_uint(struct loader *l, struct cfg_node *map, const char *key, unsigned dflt,
                         unsigned min, unsigned max)
{
    return (unsigned)cfg_int(map, key, dflt, min, max, l->e);
}

static const char *resolve(struct loader *l, struct cfg_node *n)
{
    if (!cfg_want(n, CFG_SCALAR, l->e)) return NULL;
    if (n->scalar.n == 0 || n->scalar.n > MAX_PATH) {
        cfg_error(l->e, n, "%s must be a path of 1 to %d bytes", cfg_called(l->e, n), MAX_PATH);
        return NULL;
    }
    if (n->scalar.p[0] == '/') return n->scalar.p;
    return arena_printf(l->a, "%.*s%s", SVARG(l->base), n->scalar.p).p;
}

static const char *get_path(struct loader *l, struct cfg_node *map, const char *key,
                            const char *dflt)
{
    struct cfg_node *n = cfg_get(map, key);
    return n ? resolve(l, n) : dflt;
}

static void read_listen_entry(struct loader *l, struct cfg_node *n, struct cfg_listen *out)
{
    if (!cfg_want(n, CFG_MAP, l->e)) return;
    out->address = cfg_cstr(n, "address", NULL, l->e);
    struct cfg_node *port = cfg_get(n, "port");
    out->port = get_uint(l, n, "port", 0, 0, 65535);
    out->operator_side = cfg_bool(n, "operator", false, l->e);
    struct cfg_node *tls = cfg_map(n, "tls", l->e);
    if (tls) {
        out->cert = get_path(l, tls, "cert", NULL);
        out->key = get_path(l, tls, "key", NULL);
        if (!cfg_get(tls, "cert")) cfg_missing(tls, "cert", l->e);
        if (!cfg_get(tls, "key")) cfg_missing(tls, "key", l->e);
        cfg_no_unknown(tls, l->e);
    }
    struct cfg_node *address = cfg_get(n, "address");
    bool is_unix = out->address && strncmp(out->address, "unix:", 5) == 0;
    if (!address)
        cfg_missing(n, "address", l->e);
    else if (is_unix && port)
        cfg_error(l->e, port, "a unix socket has no port");
    else if (is_unix && out->address[5] != '/')
        cfg_error(l->e, address, "a unix socket needs an absolute path: unix:/run/atrium.sock");
    else if (out->address && out->address[0] == '\0')
        cfg_error(l->e, address, "'address' is empty");
    else if (!is_unix && !port)
        cfg_missing(n, "port", l->e);
    cfg_no_unknown(n, l->e);
}

static void read_listen(struct loader *l, struct cfg_node *root)
{
    struct cfg_node *list = cfg_list(root, "listen", l->e);
    if (list && list->n == 0) cfg_error(l->e, list, "'listen' is empty: nobody could reach Atrium");
    if (!list || list->n == 0) {
        l->s->listen = ARENA_NEW(l->a, struct cfg_listen);
        *l->s->listen = (struct cfg_listen){.address = "127.0.0.1", .port = 8080};
        l->s->n_listen = 1;
        return;
    }
    l->s->listen = ARENA_ARRAY(l->a, struct cfg_listen, list->n);
    for (struct cfg_node *c = list->first; c; c = c->next) {
        struct cfg_listen *out = &l->s->listen[l->s->n_listen++];
        read_listen_entry(l, c, out);
        for (struct cfg_listen *o = l->s->listen; o < out; o++)
            if (o->address && out->address && strcmp(o->address, out->address) == 0 &&
                o->port == out->port && (out->port || strncmp(out->address, "unix:", 5) == 0))
                cfg_error(l->e, c, "the same address and port twice");
    }
}

static void read_threads(struct loader *l, struct cfg_node *root)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cpus < 1 ? 1 : cpus > 64 ? 64 : (unsigned)cpus;
    struct cfg_node *m = cfg_map(root, "threads", l->e);
    l->s->loops = get_uint(l, m, "loops", n, 1, 256);
    /* Workers wait for the database more than they compute. */
    l->s->workers = get_uint(l, m, "workers", n * 8, 1, 1024);
    l->s->queue = get_uint(l, m, "queue", 4096, 1, 1000000);
    cfg_no_unknown(m, l->e);
}

static void read_limits(struct loader *l, struct cfg_node *root)
{
    struct cfg_node *m = cfg_map(root, "limits", l->e);
    struct cfg_settings *s = l->s;
    s->limits.header = cfg_size(m, "header", 16 << 10, 1 << 10, 1 << 20, l->e);
    s->limits.body = cfg_size(m, "body", 1 << 20, 1 << 10, GIB, l->e);
    s->limits.upload = cfg_size(m, "upload", 512 << 20, 1 << 10, GIB << 10, l->e);
    s->limits.spill = cfg_size(m, "spill", 1 << 20, 4 << 10, GIB, l->e);
    s->limits.connections = get_uint(l, m, "connections", 20000, 1, 10000000);
    s->limits.connections_per_ip = get_uint(l, m, "connections_per_ip", 4000, 1, 10000000);
    s->limits.rate_per_ip = get_uint(l, m, "rate_per_ip", 0, 0, 10000000);
    s->limits.header_timeout = get_uint(l, m, "header_timeout", 10, 1, 3600);
    s->limits.idle_timeout = get_uint(l, m, "idle_timeout", 75, 1, 3600);
    s->limits.request = get_uint(l, m, "request", 30, 1, 3600);
    s->limits.trusted_proxies = get_uint(l, m, "trusted_proxies", 0, 0, 16);
    cfg_no_unknown(m, l->e);
}

static void read_database(struct loader *l, struct cfg_node *root)
{
    struct cfg_node *m = cfg_map(root, "database", l->e);
    struct cfg_settings *s = l->s;
    s->database.host = cfg_cstr(m, "host", NULL, l->e);
    s->database.socket = get_path(l, m, "socket", NULL);
    s->database.user = cfg_cstr(m, "user", NULL, l->e);
    s->database.password_file = get_path(l, m, "password_file", NULL);
    s->database.port = get_uint(l, m, "port", 3306, 1, 65535);
    s->database.max_conns = get_uint(l, m, "max_conns", 64, 1, 10000);
    s->database.buffer_pool = cfg_cstr(m, "buffer_pool", "256M", l->e);
    cfg_size(m, "buffer_pool", 0, 5 << 20, GIB << 14, l->e); /* checks the text's form */

    struct cfg_node *host = cfg_get(m, "host"), *sock = cfg_get(m, "socket");
    struct cfg_node *pool = cfg_get(m, "buffer_pool");
    s->database.embedded = !host && !sock;
    if (host && sock) cfg_error(l->e, sock, "'host' and 'socket' exclude each other");
    if (s->database.embedded) {
        static const char *const remote_only[] = {"port", "user", "password_file", NULL};
        for (const char *const *k = remote_only; *k; k++) {
            struct cfg_node *n = cfg_get(m, *k);
            if (n) cfg_error(l->e, n, "'%s' needs a 'host' or a 'socket' beside it", *k);
        }
    } else {
        if (!cfg_get(m, "user")) cfg_missing(m, "user", l->e);
        if (pool) cfg_error(l->e, pool, "'buffer_pool' is for the private database only");
        if (sock && cfg_get(m, "port")) cfg_error(l->e, cfg_get(m, "port"), "a socket has no port");
    }
    cfg_no_unknown(m, l->e);
}

static void read_log(struct loader *l, struct cfg_node *root)
{
    static const char *const levels[] = {[LOG_ERROR] = "error",
                                         [LOG_WARN] = "warn",
                                         [LOG_INFO] = "info",
                                         [LOG_DEBUG] = "debug",
                                         NULL};
    struct cfg_node *m = cfg_map(root, "log", l->e);
    l->s->log.level = cfg_choice(m, "level", levels, LOG_INFO, l->e);
    l->s->log.file = get_path(l, m, "file", NULL);
    l->s->log.access = get_path(l, m, "access", NULL);
    cfg_no_unknown(m, l->e);
}

static void read_rest(struct loader *l, struct cfg_node *root)
{
    struct cfg_settings *s = l->s;
    struct cfg_node *m = cfg_map(root, "session", l->e);
    s->session.idle_minutes = get_uint(l, m, "idle_minutes", 120, 1, 525600);
    s->session.absolute_hours = get_uint(l, m, "absolute_hours", 24 * 7, 1, 8760);
    s->session.lock_after = get_uint(l, m, "lock_after", 5, 1, 1000);
    s->session.lock_minutes = get_uint(l, m, "lock_minutes", 15, 1, 10080);
    cfg_no_unknown(m, l->e);

    m = cfg_map(root, "quarantine", l->e);
    s->quarantine.deaths = get_uint(l, m, "deaths", 3, 1, 100);
    s->quarantine.window_s = get_uint(l, m, "window_seconds", 300, 1, 86400);
    cfg_no_unknown(m, l->e);

    m = cfg_map(root, "outer_login", l->e);
    s->outer_login.allow_private = cfg_bool(m, "allow_private", false, l->e);
    s->outer_login.allow_http = cfg_bool(m, "allow_http", false, l->e);
    cfg_no_unknown(m, l->e);

    m = cfg_map(root, "webhooks", l->e);
    s->webhooks.allow_private = cfg_bool(m, "allow_private", false, l->e);
    s->webhooks.allow_http = cfg_bool(m, "allow_http", false, l->e);
    cfg_no_unknown(m, l->e);

    s->node = get_uint(l, root, "node", 0, 0, 1023);
    s->drain_seconds = get_uint(l, root, "drain_seconds", 30, 1, 3600);
    s->utc_offset = (int)cfg_int(root, "utc_offset", 480, -720, 840, l->e);
    s->default_tenant = cfg_cstr(root, "default_tenant", NULL, l->e);
    s->www_dir = get_path(l, root, "www_dir", ATRIUM_DATADIR "/www");

    struct cfg_node *dirs = cfg_list(root, "plugin_dirs", l->e);
    if (dirs) {
        const char **v = ARENA_ARRAY(l->a, const char *, dirs->n + 1);
        for (struct cfg_node *c = dirs->first; c; c = c->next)
            v[s->n_plugin_dirs++] = resolve(l, c);
        s->plugin_dirs = v;
    } else {
        static const char *const installed[] = {ATRIUM_DATADIR "/plugins"};
        s->plugin_dirs = installed;
        s->n_plugin_dirs = 1;
    }
}

static sv directory_of(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? sv_make(path, (size_t)(slash - path) + 1) : SV("");
}

int cfg_load_settings(struct arena *a, const char *path, const char *state_dir,
                      struct cfg_settings *out, struct cfg_errors *e)
{
    *out = (struct cfg_settings){0};
    if (!path) e->file = "(defaults)";
    unsigned before = e->n;
    struct cfg_node *root = path ? cfg_parse_file(a, path, e) : cfg_parse(a, SV(""), e);
    if (!root || !cfg_want(root, CFG_MAP, e)) return -1;
    struct loader l = {.a = a, .e = e, .s = out, .base = directory_of(path)};

    const char *own = get_path(&l, root, "state_dir", "/var/lib/atrium");
    out->state_dir = state_dir ? state_dir : own;
    out->master_key_file = get_path(&l, root, "master_key_file", NULL);
    read_listen(&l, root);
    read_threads(&l, root);
    read_limits(&l, root);
    read_database(&l, root);
    read_log(&l, root);
    read_rest(&l, root);
    cfg_no_unknown(root, e);
    return e->n == before ? 0 : -1;
}
