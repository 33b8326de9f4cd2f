/* POST /api/core/files: one part `file`, and `use` when it is for a field. The
 * bytes are durable before the row is, so a row never points at nothing. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct upload {
    struct arena *a;
    sv data, name, use;
    const char *type;
    int64_t id;
    sv path; /* aa/bb/<id> */
    const char *full;
};

/* ---- what is it for --------------------------------------------------------------- */

/* The field that `use` names ("vote.poll.cover", "vote.option.picture"). */
static const struct mf_field *use_field(const struct model *m, sv use,
                                        const struct model_resource **r)
{
    sv rest, plugin = sv_cut(use, '.', &rest), field, res = sv_cut(rest, '.', &field);
    if (!field.p) return NULL;
    *r = model_find(m, sv_make(plugin.p, plugin.n + 1 + res.n));
    const struct model_col *c = *r ? col_find(*r, field) : NULL;
    return c && c->file ? c->f : NULL;
}

static bool may_upload(const struct auth_principal *who, const struct model_resource *r)
{
    if (!r) return auth_is_staff(who) || who->kind == AUTH_KEY || who->admin;
    for (; r; r = r->parent)
        if (auth_can(who, r->name, SV("create")) || auth_can(who, r->name, SV("update")))
            return true;
    return false;
}

static int check_use(struct post *p, struct upload *u, struct err *err)
{
    const struct model_resource *r = NULL;
    const struct mf_field *f = NULL;
    if (u->use.n) {
        f = use_field(p->r->model, u->use, &r);
        if (!f) return err_field(err, "use", "unknown_field", NULL);
    }
    if (!may_upload(p->c.who, r)) return policy_refuse(p->c.who, err);
    if (f && !file_accepted(f, u->type))
        return err_field(err, "file", "file_type_refused", u->type, NULL);
    return 0;
}

/* ---- the bytes -------------------------------------------------------------------- */

static int disk_error(const char *what, const char *path, struct err *err)
{
    if (errno == ENOSPC || errno == EDQUOT) return err_set(err, 507, "disk_full", NULL);
    return err_internal(err, "cannot %s %s: %s", what, path, strerror(errno));
}

static int sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk_error("open", path, err);
    int rc = fsync(fd) == 0 ? 0 : disk_error("sync", path, err);
    close(fd);
    return rc;
}

/* Makes <state>/files/<tenant>/aa/bb; each new level is made durable. */
static const char *make_dirs(struct upload *u, const struct auth_tenant *t, const char *aa,
                             const char *bb, struct err *err)
{
    const char *dir = state_subdir(u->a, "files", err);
    const char *const parts[] = {arena_str(u->a, t->slug), aa, bb};
    for (size_t i = 0; dir && i < 3; i++) {
        const char *sub = arena_printf(u->a, "%s/%s", dir, parts[i]).p;
        if (mkdir(sub, 0700) == 0) {
            if (sync_dir(dir, err) < 0) return NULL;
        } else if (errno != EEXIST) {
            disk_error("make", sub, err);
            return NULL;
        }
        dir = sub;
    }
    return dir;
}

static int write_all(int fd, sv data)
{
    while (data.n) {
        ssize_t n = write(fd, data.p, data.n < (1u << 20) ? data.n : 1u << 20);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        data = sv_make(data.p + n, data.n - (size_t)n);
    }
    return 0;
}

static int write_bytes(struct upload *u, const struct auth_tenant *t, struct err *err)
{
    char aa[4], bb[4];
    /* The low bits of an id are its sequence: mixed, so that folders fill evenly. */
    uint64_t h = (uint64_t)u->id * UINT64_C(0x9e3779b97f4a7c15);
    snprintf(aa, sizeof aa, "%02x", (unsigned)(h >> 56));
    snprintf(bb, sizeof bb, "%02x", (unsigned)(h >> 48 & 255));
    const char *dir = make_dirs(u, t, aa, bb, err);
    if (!dir) return -1;
    u->path = arena_printf(u->a, "%s/%s/%lld", aa, bb, (long long)u->id);
    u->full = arena_printf(u->a, "%s/%lld", dir, (long long)u->id).p;
    int fd = open(u->full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return disk_error("make", u->full, err);
    int rc = write_all(fd, u->data) == 0 && fsync(fd) == 0 ? 0 : disk_error("write", u->full, err);
    if (close(fd) != 0 && rc == 0) rc = disk_error("close", u->full, err);
    if (rc == 0) rc = sync_dir(dir, err);
    if (rc < 0) unlink(u->full);
    return rc;
}

/* ---- the row ---------------------------------------------------------------------- */

static sv digest(struct arena *a, sv data)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf b = BUF_IN(a);
    if (!EVP_Digest(data.p, data.n, md, &n, EVP_sha256(), NULL)) panic("files: SHA-256 failed");
    buf_hex(&b, md, n);
    return buf_view(&b);
}

static int insert_row(struct model_ctx *c, struct upload *u, struct err *err)
{
    struct store_conn *conn;
    struct store_val now = STORE_T(clock_now_us());
    int64_t partner = c->who->partner;
    struct store_val by = auth_is_staff(c->who) ? STORE_I(c->who->id) : STORE_N;
    struct store_val key = c->who->kind == AUTH_KEY ? STORE_I(c->who->id) : STORE_N;
    struct store_val args[] = {STORE_I(u->id),
                               now,
                               now,
                               by,
                               by,
                               STORE_S(u->name),
                               STORE_S(sv_of(u->type)),
                               STORE_I((int64_t)u->data.n),
                               STORE_S(digest(u->a, u->data)),
                               STORE_S(u->path),
                               STORE_I(0),
                               u->use.n ? STORE_S(u->use) : STORE_N,
                               partner ? STORE_I(partner) : STORE_N,
                               key};
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = store_exec(conn,
                        SV("INSERT INTO `core_file` (`id`,`created_at`,`updated_at`,`created_by`,"
                           "`owner`,`name`,`type`,`size`,`sha256`,`path`,`public`,`used_by`,"
                           "`partner`,`api_key`) "
                           "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
                        args, 14, NULL, err);
    conn_leave(c, conn);
    return rc;
}

static void answer(struct post *p, const struct upload *u)
{
    struct buf url = BUF_IN(u->a);
    struct jsonw w = jsonw_on(http_out(p->req));
    file_url(&url, u->id, u->name);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", u->id);
    jsonw_kv_sv(&w, "name", u->name);
    jsonw_kv_str(&w, "type", u->type);
    jsonw_kv_i64(&w, "size", (int64_t)u->data.n);
    jsonw_kv_sv(&w, "url", buf_view(&url));
    jsonw_end_obj(&w);
}

/* The last part of a path, without control characters, of at most 200 characters. */
sv upload_clean_name(struct arena *a, sv name)
{
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            name = sv_make(name.p + i, name.n - i);
            break;
        }
    if (!sv_utf8_ok(name)) return SV("file");
    struct buf b = BUF_IN(a);
    size_t chars = 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if ((c & 0xc0) != 0x80 && ++chars > 200) break;
        if (c >= 0x20 && c != 0x7f) buf_chr(&b, (char)c);
    }
    sv out = sv_trim(buf_view(&b));
    return out.n ? out : SV("file");
}

static int read_parts(struct post *p, struct upload *u, struct err *err)
{
    struct http_part *parts;
    size_t n;
    if (http_multipart(p->req, &parts, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (sv_eq(parts[i].name, SV("file")) && parts[i].filename.p && !u->data.p) {
            u->data = parts[i].data.p ? parts[i].data : SV("");
            u->name = upload_clean_name(u->a, parts[i].filename);
        } else if (sv_eq(parts[i].name, SV("use")) && !parts[i].filename.p) {
            u->use = sv_trim(parts[i].data);
        }
    }
    if (!u->data.n) return err_field(err, "file", "required", NULL);
    u->type = file_sniff(u->data, u->name);
    return 0;
}

int upload_save(struct post *p, struct err *err)
{
    struct upload u = {.a = p->c.arena};
    if (read_parts(p, &u, err) < 0 || check_use(p, &u, err) < 0) return -1;
    u.id = id_next();
    if (write_bytes(&u, p->c.tenant, err) < 0) return -1;
    if (insert_row(&p->c, &u, err) < 0) {
        unlink(u.full);
        return -1;
    }
    p->status = 201;
    answer(p, &u);
    return 0;
}

/* What the engine itself has made, as a file of the person it made it for. */
int file_keep_path(struct model_ctx *c, const char *path, sv name, const char *type, int64_t *id,
                   struct err *err)
{
    struct upload u = {.a = c->arena, .name = name, .type = type, .id = id_next()};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return disk_error("open", path, err);
    if (fstat(fd, &st) != 0) {
        close(fd);
        return disk_error("read", path, err);
    }
    char *data = arena_alloc(u.a, (size_t)st.st_size + 1);
    ssize_t n = 0;
    size_t have = 0;
    while (have < (size_t)st.st_size && (n = read(fd, data + have, (size_t)st.st_size - have)) > 0)
        have += (size_t)n;
    close(fd);
    u.data = sv_make(data, have);
    if (write_bytes(&u, c->tenant, err) < 0) return -1;
    if (insert_row(c, &u, err) < 0) {
        unlink(u.full);
        return -1;
    }
    *id = u.id;
    return 0;
}
