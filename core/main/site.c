#include "main/site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_ROOM "main"
#define FOREVER "public, max-age=31536000, immutable"
#define ASK_AGAIN "no-cache"

struct ui_dir {
    sv plugin, hash;
    const char *path;
};

struct main_site {
    const char *console, *client;        /* directories */
    sv console_csp, client_csp;
    struct ui_dir *ui;
    size_t n_ui;
};

/* ---- content policies --------------------------------------------------------- */

/* The console's import map is inline and therefore named by its hash, which the
 * build wrote to csp.json. */
static sv console_policy(struct arena *a, const char *dir)
{
    struct buf hashes = BUF_IN(a);
    json_error_t why;
    json_t *doc = json_load_file(arena_printf(a, "%s/csp.json", dir).p, 0, &why);
    size_t i;
    json_t *h;
    json_array_foreach(json_object_get(doc, "script_hashes"), i, h)
        if (json_is_string(h))
            buf_printf(&hashes, " '%s'", json_string_value(h));
    json_decref(doc);
    return arena_printf(a,
                        "default-src 'self'; script-src 'self'%.*s; style-src 'self'; "
                        "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
                        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
                        SVARG(buf_view(&hashes)));
}

/* uni-app writes style attributes into its elements. */
#define CLIENT_POLICY                                                                          \
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "                \
    "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "                  \
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

/* ---- hashes of plugins' ui folders --------------------------------------------- */

static int by_name(const struct dirent **x, const struct dirent **y)
{
    return strcmp((*x)->d_name, (*y)->d_name);
}

static void digest_file(EVP_MD_CTX *md, const char *name, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char block[16384];
    ssize_t n;
    EVP_DigestUpdate(md, name, strlen(name) + 1);
    while ((n = read(fd, block, sizeof block)) > 0)
        EVP_DigestUpdate(md, block, (size_t)n);
    close(fd);
}

/* One hash for the folder, so that modules may import their neighbours. */
static sv digest_dir(struct arena *a, const char *dir)
{
    struct dirent **list;
    int n = scandir(dir, &list, NULL, by_name);
    if (n < 0)
        return SV_NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.')
            digest_file(md, list[i]->d_name, arena_printf(a, "%s/%s", dir, list[i]->d_name).p);
        free(list[i]);
    }
    free(list);
    unsigned char sum[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(md, sum, NULL);
    EVP_MD_CTX_free(md);
    struct buf hex = BUF_IN(a);
    buf_hex(&hex, sum, 8);
    return arena_sv(a, buf_view(&hex));
}

struct main_site *main_site_new(struct arena *a, const char *www_dir,
                                const struct mf_manifest *const *manifests, size_t n)
{
    struct main_site *s = ARENA_NEW(a, struct main_site);
    s->console = arena_printf(a, "%s/console", www_dir).p;
    s->client = arena_printf(a, "%s/client", www_dir).p;
    s->console_csp = console_policy(a, s->console);
    s->client_csp = SV(CLIENT_POLICY);
    s->ui = ARENA_ARRAY(a, struct ui_dir, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *dir = arena_printf(a, "%s/ui", manifests[i]->dir).p;
        sv hash = digest_dir(a, dir);
        if (hash.p)
            s->ui[s->n_ui++] =
                (struct ui_dir){.plugin = sv_of(manifests[i]->id), .hash = hash, .path = dir};
    }
    return s;
}

static const struct ui_dir *find_ui(const struct main_site *s, sv plugin)
{
    for (size_t i = 0; i < s->n_ui; i++)
        if (sv_eq(s->ui[i].plugin, plugin))
            return &s->ui[i];
    return NULL;
}

sv main_site_module(const struct main_site *s, struct arena *a, sv plugin, const char *module)
{
    const struct ui_dir *ui = find_ui(s, plugin);
    if (!ui || access(arena_printf(a, "%s/%s.mjs", ui->path, module).p, R_OK) != 0)
        return SV_NULL;
    return arena_printf(a, "/console/plugins/%.*s/%.*s/%s.mjs", SVARG(plugin), SVARG(ui->hash),
                        module);
}

/* ---- serving ---------------------------------------------------------------------- */

/* Names below a tree: plain characters, no hidden parts, no way up. */
static bool name_is_safe(sv name)
{
    bool part_start = true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '/' || c == '@' || c == '+';
        if (!plain || (part_start && (c == '.' || c == '/')))
            return false;
        part_start = c == '/';
    }
    return name.n > 0 && name.n < 512;
}

static const char *type_of(sv name)
{
    static const struct { const char *end, *type; } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (sv_ends(name, sv_of(types[i].end)))
            return types[i].type;
    return NULL;
}

static void send_below(struct http_req *req, const char *dir, sv name, const char *cache)
{
    const char *type = name_is_safe(name) ? type_of(name) : NULL;
    if (!type) {
        http_fail_code(req, 404, "not_found");
        return;
    }
    const char *path = arena_printf(http_arena(req), "%s/%.*s", dir, SVARG(name)).p;
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        http_fail_code(req, 404, "not_found");
        return;
    }
    http_send_file(req, path, type, cache, NULL);
}

static void send_index(struct http_req *req, const char *dir, sv policy)
{
    http_add_header(req, "content-security-policy", policy);
    send_below(req, dir, SV("index.html"), ASK_AGAIN);
}

static void serve_plugin(struct main_site *s, struct http_req *req, sv rest)
{
    sv plugin = sv_cut(rest, '/', &rest);
    sv hash = sv_cut(rest, '/', &rest);
    const struct ui_dir *ui = find_ui(s, plugin);
    if (!ui || !rest.p || !sv_eq(hash, ui->hash)) {
        http_fail_code(req, 404, "not_found");
        return;
    }
    send_below(req, ui->path, rest, FOREVER);
}

static sv after(sv path, size_t n)
{
    return sv_make(path.p + n, path.n - n);
}

void main_site_serve(struct main_site *s, struct http_req *req)
{
    sv path = http_path(req);
    sv plugins = SV("/console/plugins/"), console = SV("/console/"), api = SV("/api/");
    if (sv_eqs(path, "/console")) {
        sv to = arena_printf(http_arena(req), "%.*s/console/", SVARG(http_prefix(req)));
        http_status(req, 302);
        http_add_header(req, "location", to);
    } else if (sv_starts(path, api)) {
        http_fail_code(req, 404, "not_found");
    } else if (sv_starts(path, plugins)) {
        serve_plugin(s, req, after(path, plugins.n));
    } else if (sv_eq(path, console)) {
        send_index(req, s->console, s->console_csp);
    } else if (sv_starts(path, console)) {
        sv name = after(path, console.n);
        send_below(req, s->console, name, sv_starts(name, SV("assets/")) ? FOREVER : ASK_AGAIN);
    } else if (sv_eqs(path, "/")) {
        send_index(req, s->client, s->client_csp);
    } else if (path.n > 1) {
        sv name = after(path, 1);
        send_below(req, s->client, name, sv_starts(name, SV("assets/")) ? FOREVER : ASK_AGAIN);
    } else {
        http_fail_code(req, 404, "not_found");
    }
}
