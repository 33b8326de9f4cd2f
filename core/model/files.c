/* Files that people uploaded: found, shown, made public. A row of core.file says
 * what a file is; its bytes are <state>/files/<tenant>/aa/bb/<id>.
 *
 * Rights are those of the records that refer to it (file_rights.c). Files come
 * back with a type that we sniffed ourselves, and what a browser might run as a
 * page of ours is only ever downloaded. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD_EXPORT_US (INT64_C(25) * 3600 * 1000000) /* links of tasks last a day */

/* One process has one state directory; set once, before any request. */
static char the_state_dir[1024];

const char *state_dir(void)
{
    return the_state_dir[0] ? the_state_dir : NULL;
}

/* What a crash left half-written. Younger files may be another worker's. */
static void sweep(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        int64_t at = (int64_t)st.st_mtim.tv_sec * 1000000;
        if (S_ISREG(st.st_mode) && clock_now_us() - at > OLD_EXPORT_US)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d) closedir(d);
}

void exports_sweep(void)
{
    char path[1100];
    if (!state_dir()) return;
    snprintf(path, sizeof path, "%s/exports", the_state_dir);
    sweep(path);
}

void model_set_state_dir(const char *dir)
{
    snprintf(the_state_dir, sizeof the_state_dir, "%s", dir);
    exports_sweep();
}

const char *state_subdir(struct arena *a, const char *name, struct err *err)
{
    if (!state_dir()) {
        err_internal(err, "there is no state directory for %s", name);
        return NULL;
    }
    const char *path = arena_printf(a, "%s/%s", state_dir(), name).p;
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return path;
    if (errno == ENOSPC || errno == EDQUOT)
        err_set(err, 507, "disk_full", NULL);
    else
        err_internal(err, "cannot make %s: %s", path, strerror(errno));
    return NULL;
}

const char *file_path(struct arena *a, const struct auth_tenant *t, sv path)
{
    return arena_printf(a, "%s/files/%.*s/%.*s", state_dir() ? state_dir() : "", SVARG(t->slug),
                        SVARG(path))
        .p;
}

/* ---- finding ---------------------------------------------------------------------- */

struct found {
    struct arena *a;
    struct model_file *f;
    sv path;
    bool any, public;
};

static sv text_of(struct arena *a, const struct store_val *v)
{
    return v->type == STORE_TEXT ? arena_sv(a, v->u.s) : SV("");
}

static bool take(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct found *o = arg;
    if (n_cols < 5) return true;
    o->any = true;
    o->f->name = text_of(o->a, &row[0]);
    o->f->type = text_of(o->a, &row[1]);
    o->f->size = row[2].type == STORE_I64 ? (uint64_t)row[2].u.i : 0;
    o->path = text_of(o->a, &row[3]);
    o->public = row[4].type == STORE_I64 && row[4].u.i;
    return true;
}

static int find(struct model_ctx *c, int64_t id, struct model_file *out, bool *public,
                struct err *err)
{
    struct found o = {.a = c->arena, .f = out};
    struct store_conn *conn;
    struct store_val args[] = {STORE_I(id)};
    out->id = id;
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = store_run(conn,
                       SV("SELECT `name`,`type`,`size`,`path`,`public` FROM `core_file` "
                          "WHERE `id`=?"),
                       args, 1, take, &o, err);
    bool may = o.any && o.public;
    if (rc == 0 && o.any && !may) rc = file_allowed(c, conn, id, &may, err);
    conn_leave(c, conn);
    if (rc < 0) return -1;
    if (!may) return err_set(err, 404, "not_found", NULL);
    out->path = sv_of(file_path(c->arena, c->tenant, o.path));
    *public = o.public;
    return 0;
}

int model_file_find(struct model_ctx *c, int64_t id, struct model_file *out, struct err *err)
{
    bool public;
    return find(c, id, out, &public, err);
}

int model_file_set_public(struct model_ctx *c, int64_t id, bool public, struct err *err)
{
    struct store_conn *conn;
    struct store_val args[] = {STORE_I(public), STORE_I(id)};
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc =
        store_exec(conn, SV("UPDATE `core_file` SET `public`=? WHERE `id`=?"), args, 2, NULL, err);
    conn_leave(c, conn);
    return rc;
}

/* ---- serving ---------------------------------------------------------------------- */

static bool shown_inline(sv type)
{
    return (sv_starts(type, SV("image/")) && !sv_eq(type, SV("image/svg+xml"))) ||
           sv_starts(type, SV("video/")) || sv_starts(type, SV("audio/")) ||
           sv_eq(type, SV("application/pdf"));
}

void files_get(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    struct model_file f = {0};
    struct err err = {0};
    bool public = false;
    int64_t id;
    if (!sv_i64(http_param(req, "id"), &id) || id <= 0) err_set(&err, 404, "not_found", NULL);
    if (err_is(&err) || find(&c, id, &f, &public, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    /* An id's bytes never change; who may have them does, so each use is asked for. */
    if (!sv_eq(f.type, SV("application/pdf"))) /* whose viewer a sandbox would stop */
        http_add_header(req, "content-security-policy", SV("default-src 'none'; sandbox"));
    http_send_file(req, f.path.p, arena_str(c.arena, f.type),
                   public ? "public, max-age=3600" : "private, no-cache",
                   shown_inline(f.type) ? NULL : arena_str(c.arena, f.name));
}
