/* Static files, by h2o's own file handler: it knows ETag, If-None-Match, ranges,
 * HEAD and pre-compressed neighbours (.gz). It expects to map URL paths onto a
 * tree; ours maps onto "/" and is handed the file's own path, so it lives on a
 * host that no listener serves.
 *
 * What it gets wrong is settled before it is asked: it answers errors in plain
 * text, ignores If-Range, reads beyond a malformed Range header and repeats a
 * file as often as a Range header lists it. */
#define LOG_ROOM "http"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "http/internal.h"

struct http_files {
    h2o_handler_t *handler;
};

struct http_files *http_files_new(h2o_globalconf_t *conf)
{
    struct http_files *f = xmalloc(sizeof(*f));
    h2o_hostconf_t *host =
        h2o_config_register_host(conf, h2o_iovec_init(H2O_STRLIT("files")), 65535);
    h2o_file_register(&host->fallback_path, "/", NULL, NULL, H2O_FILE_FLAG_SEND_COMPRESSED);
    f->handler = host->fallback_path.handlers.entries[0];
    return f;
}

static sv disposition(struct arena *a, sv name)
{
    struct buf b = BUF_IN(a);
    buf_str(&b, "attachment; filename=\"");
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        buf_chr(&b, c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '/' ? '_' : (char)c);
    }
    buf_str(&b, "\"; filename*=UTF-8''");
    buf_urlencode(&b, name);
    return buf_view(&b);
}

void http_send_file(struct http_req *r, const char *path, const char *content_type,
                    const char *cache, const char *download)
{
    struct arena *a = r->arena;
    if (path[0] == '/') {
        r->file.path = arena_str(a, sv_of(path));
    } else {
        char *cwd = getcwd(NULL, 0);
        r->file.path = arena_printf(a, "%s/%s", cwd ? cwd : "", path).p;
        free(cwd);
    }
    r->file.type = arena_sv(a, sv_of(content_type ? content_type : "application/octet-stream"));
    r->file.cache = arena_sv(a, sv_of(cache));
    r->file.disposition = download ? disposition(a, sv_of(download)) : SV_NULL;
}

/* ---- before h2o looks ---------------------------------------------------------- */

static void drop_header(struct http_req *r, const h2o_token_t *token)
{
    ssize_t i;
    while ((i = h2o_find_header(&r->h->headers, token, -1)) != -1)
        h2o_delete_header(&r->h->headers, i);
}

/* "bytes=a-b", "bytes=a-" or "bytes=-n" and nothing else; *out_of_file tells
 * that it lies behind the end. */
static bool single_range(sv v, uint64_t size, bool *out_of_file)
{
    *out_of_file = false;
    if (!sv_starts(v, SV("bytes="))) return false;
    sv last, first = sv_cut(sv_make(v.p + 6, v.n - 6), '-', &last);
    uint64_t a = 0, b = 0;
    if (!last.p || (first.n && !sv_u64(first, &a)) || (last.n && !sv_u64(last, &b)) ||
        (!first.n && !last.n) || (first.n && last.n && b < a) || a > SIZE_MAX / 2 ||
        b > SIZE_MAX / 2)
        return false;
    *out_of_file = first.n ? a >= size : b == 0 || size == 0;
    return true;
}

static sv h2o_header(const h2o_req_t *h, const h2o_token_t *token)
{
    ssize_t i = h2o_find_header(&h->headers, token, -1);
    return i == -1 ? SV_NULL
                   : sv_make(h->headers.entries[i].value.base, h->headers.entries[i].value.len);
}

static void file_error(struct http_req *r, int status, const char *code)
{
    r->file.path = NULL;
    http_fail_code(r, status, code);
}

void http_file_respond(struct http_req *r)
{
    h2o_req_t *h = r->h;
    r->loop->files_used = true;
    h2o_filecache_ref_t *ref =
        h2o_filecache_open_file(h->conn->ctx->filecache, r->file.path, O_RDONLY | O_CLOEXEC);
    if (!ref) {
        int e = errno;
        bool full = e == EMFILE || e == ENFILE;
        if (full) log_error("%s: no file descriptor left", r->file.path);
        file_error(r, full ? 503 : 404, full ? "overloaded" : "not_found");
        http_req_respond(r);
        return;
    }
    bool regular = S_ISREG(ref->st.st_mode);
    uint64_t size = (uint64_t)ref->st.st_size;
    char etag[H2O_FILECACHE_ETAG_MAXLEN + 1];
    size_t etag_n = h2o_filecache_get_etag(ref, etag);
    h2o_filecache_close_file(ref);
    if (!regular) {
        file_error(r, 404, "not_found");
        http_req_respond(r);
        return;
    }
    sv range = h2o_header(h, H2O_TOKEN_RANGE), if_range = h2o_header(h, H2O_TOKEN_IF_RANGE);
    bool beyond = false;
    if (range.p && ((if_range.p && !sv_eq(if_range, sv_make(etag, etag_n))) ||
                    !single_range(range, size, &beyond))) {
        drop_header(r, H2O_TOKEN_RANGE);
    } else if (range.p && beyond) {
        file_error(r, 416, "bad_range");
        http_add_header(r, "content-range",
                        arena_printf(r->arena, "bytes */%llu", (unsigned long long)size));
        http_req_respond(r);
        return;
    } else if (range.p) {
        drop_header(r, H2O_TOKEN_ACCEPT_ENCODING); /* a range is of the file as it is */
    }
    if (r->file.cache.n) http_add_header(r, "cache-control", r->file.cache);
    if (r->file.disposition.n) http_add_header(r, "content-disposition", r->file.disposition);
    r->type = NULL; /* h2o adds one; http_file_head corrects it */
    http_res_head(r, SIZE_MAX);
    h->path_normalized = h2o_iovec_init(r->file.path, strlen(r->file.path));
    h2o_handler_t *handler = r->loop->s->files->handler;
    if (handler->on_req(handler, h) != 0) {
        /* gone since we looked */
        file_error(r, 404, "not_found");
        http_req_respond(r);
    }
}

void http_file_head(struct http_req *r)
{
    h2o_req_t *h = r->h;
    if (h->res.status != 200 && h->res.status != 206) return;
    for (size_t i = 0; i < h->res.headers.size; i++)
        if (h->res.headers.entries[i].name == &H2O_TOKEN_CONTENT_TYPE->buf)
            h->res.headers.entries[i].value = h2o_iovec_init(r->file.type.p, r->file.type.n);
    bool compress = h->res.status == 200 && http_compressible(r->file.type);
    h->res.mime_attr = compress ? &http_mime_compressible : &h2o_mime_attributes_as_is;
    if (h->res.content_length != SIZE_MAX && h->res.content_length < HTTP_COMPRESS_MIN)
        h->res.mime_attr = &h2o_mime_attributes_as_is;
}
