/* Exports into files: of a request, which sends it at once, or of a task, whose file
 * is kept for a day behind a link that only who asked may use. */
#define LOG_ROOM "model"
#include "model/export.h"
#include "model/task.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_US (INT64_C(24) * 3600 * 1000000)
#define TICK_US 500000

/* ---- the sink ------------------------------------------------------------------------ */

static bool write_all(struct export_sink *s, const char *p, size_t n)
{
    while (n) {
        ssize_t w = write(s->fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) {
            s->error = errno;
            return false;
        }
        p += w;
        n -= (size_t)w;
    }
    return true;
}

/* Old spreadsheets read GB18030; what is cut at the end of a piece waits. */
static bool recode(struct export_sink *s, sv data)
{
    char out[8192];
    buf_sv(&s->rest, data);
    char *in = s->rest.p, *from = in;
    size_t left = s->rest.n;
    if (!s->begun && left >= 3) { /* the mark of UTF-8 is none of GB18030's */
        s->begun = true;
        if (memcmp(in, "\xef\xbb\xbf", 3) == 0) {
            in += 3;
            left -= 3;
        }
    }
    while (left) {
        char *to = out;
        size_t room = sizeof out;
        size_t rc = iconv((iconv_t)s->conv, &in, &left, &to, &room);
        int why = errno;
        if (!write_all(s, out, sizeof out - room)) return false;
        if (rc != (size_t)-1 || why == E2BIG) continue;
        if (why == EINVAL) break;
        in++;
        left--;
    }
    memmove(from, in, left);
    s->rest.n = left;
    return true;
}

bool export_write(void *arg, sv data)
{
    struct export_sink *s = arg;
    if (s->tick && clock_mono_us() - s->ticked > TICK_US) {
        s->ticked = clock_mono_us();
        if (!s->tick(s->arg)) return false;
    }
    return s->conv ? recode(s, data) : write_all(s, data.p, data.n);
}

int export_sink_open(struct export_sink *s, int fd, sv format, sv encoding, struct err *err)
{
    *s = (struct export_sink){.fd = fd};
    if (!encoding.n || sv_ieq(encoding, SV("utf-8"))) return 0;
    if (!sv_ieq(encoding, SV("gb18030")) || !sv_eqs(format, "csv"))
        return err_field(err, "encoding", "not_in_options", "utf-8, gb18030 (csv)", NULL);
    iconv_t conv = iconv_open("GB18030", "UTF-8");
    if (conv == (iconv_t)-1) return err_internal(err, "iconv knows no GB18030");
    s->conv = conv;
    return 0;
}

void export_sink_close(struct export_sink *s, struct err *err)
{
    if (s->conv) iconv_close((iconv_t)s->conv);
    buf_free(&s->rest);
    if (s->error != ENOSPC && s->error != EDQUOT) return;
    err_clear(err);
    err_set(err, 507, "disk_full", NULL);
}

/* ---- the link ------------------------------------------------------------------------ */

static void sign(const struct auth_tenant *t, int64_t task, int64_t until, char out[33])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char text[80];
    int len = snprintf(text, sizeof text, "task-file:%lld:%lld", (long long)task, (long long)until);
    if (!HMAC(EVP_sha256(), t->secret, sizeof t->secret, (unsigned char *)text, (size_t)len, md, &n))
        panic("export: HMAC failed");
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", md[i]);
}

static const char *file_of(struct arena *a, const struct auth_tenant *t, int64_t task,
                           struct err *err)
{
    const char *dir = state_subdir(a, "exports", err);
    return dir ? arena_printf(a, "%s/%.*s-%lld", dir, SVARG(t->slug), (long long)task).p : NULL;
}

static void file_get(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    struct store_val v[2];
    struct store_conn *conn;
    struct stat st;
    int64_t id, until;
    char want[33];
    bool found = false;
    sv sig = http_query(req, "sig");
    bool good = sv_i64(http_param(req, "id"), &id) && sv_i64(http_query(req, "until"), &until);
    if (good) {
        sign(c.tenant, id, until, want);
        good = sig.n == 32 && sv_eq_const_time(sig, sv_make(want, 32)) && clock_now_us() < until;
    }
    if (good && c.who->kind == AUTH_STAFF && store_get(c.tenant->db, &conn, &err) == 0) {
        struct store_val args[] = {STORE_I(id), STORE_I(c.who->id)};
        if (store_one(conn, c.arena,
                      SV("SELECT `resource`,`result` FROM `core_task` WHERE `id`=? AND `owner`=?"),
                      args, 2, v, 2, &found, &err) < 0)
            found = false;
        store_put(conn);
    }
    const char *path = found ? file_of(c.arena, c.tenant, id, &err) : NULL;
    if (!path || stat(path, &st) != 0) {
        if (!err_is(&err)) err_set(&err, 404, "not_found", NULL);
        http_fail(req, &err);
        return;
    }
    json_t *result = NULL;
    sv name = SV("export");
    if (v[1].type == STORE_TEXT && json_parse(c.arena, v[1].u.s, &result, &err) == 0)
        name = json_get_sv(result, "name");
    sv target = v[0].type == STORE_TEXT ? v[0].u.s : SV("core.task");
    auth_audit(c.tenant, c.who, req,
               &(struct auth_audit){.action = "download", .target = target, .ok = true});
    http_send_file(req, path, "application/octet-stream", "private, no-store",
                   arena_str(c.arena, name));
}

/* ---- the task ------------------------------------------------------------------------ */

static bool tick(void *arg)
{
    return task_progress(arg, NULL, NULL);
}

static int finish(struct task_run *run, const struct model_resource *r, sv format, struct err *err)
{
    int64_t until = clock_now_us() + KEEP_US;
    char sig[33], day[32], at[32];
    sign(run->tenant, run->id, until, sig);
    clock_rfc3339(clock_now_us() + (int64_t)run->tenant->utc_offset * 60000000, day);
    clock_rfc3339(until, at);
    json_t *result = json_pack(
        "{s:s,s:I,s:s,s:s}", "name",
        arena_printf(run->arena, "%s-%.10s.%.*s", title_of(&r->mf->title, run->lang), day,
                     SVARG(format))
            .p,
        "rows", (json_int_t)run->done, "expires_at", at, "url",
        arena_printf(run->arena, "/api/core/task/%lld/file?until=%lld&sig=%s", (long long)run->id,
                     (long long)until, sig)
            .p);
    int rc = task_result(run, result, 0, err);
    json_decref(result);
    return rc;
}

int export_task(struct task_run *run, struct err *err)
{
    const json_t *in = run->input;
    const struct model_resource *r = model_find(run->model, json_get_sv(in, "resource"));
    struct model_ctx c = {
        .tenant = run->tenant, .who = run->who, .arena = run->arena, .lang = run->lang};
    c.proved = true; /* when it was asked for; rights are looked at anew */
    struct model_list l = {.filter = json_get_sv(in, "filter"),
                           .search = json_get_sv(in, "q"),
                           .sort = json_get_sv(in, "sort"),
                           .fields = json_get_sv(in, "fields"),
                           .exported = &run->done};
    sv format = json_get_sv(in, "format");
    struct export_sink s;
    if (!r) return err_set(err, 404, "not_found", NULL);
    const char *path = file_of(run->arena, run->tenant, run->id, err);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return err_is(err) ? -1 : err_internal(err, "cannot make %s", path);
    run->done = 0; /* a run that was cut off begins anew */
    int rc = export_sink_open(&s, fd, format, json_get_sv(in, "encoding"), err);
    if (rc == 0) {
        s.tick = tick;
        s.arg = run;
        rc = model_export(r, &c, &l, format, export_write, &s, err);
        export_sink_close(&s, err);
    }
    if (close(fd) != 0 && rc == 0) rc = err_internal(err, "cannot close %s", path);
    if (rc < 0 || err_is(err)) {
        unlink(path);
        return -1;
    }
    return finish(run, r, format, err);
}

/* ---- asking for one ------------------------------------------------------------------- */

static void post_export(struct http_req *req)
{
    static const char *const names[] = {"filter", "q", "sort", "fields", "format", "encoding"};
    const struct model_resource *r = http_route_data(req);
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    json_t *body = NULL, *input = json_keep(c.arena, json_object());
    sv plugin = sv_of(r->mf->manifest->id), format;
    int64_t id = 0;
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(c.tenant, plugin))
        err_set(&err, 404, "plugin_disabled", NULL);
    int rc = err_is(&err) ? -1 : http_body(req).n ? http_json(req, &body, &err) : 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *v = json_object_get(body, names[i]);
        if (json_is_string(v)) json_object_set(input, names[i], (json_t *)(uintptr_t)v);
    }
    json_object_set_new(input, "resource", json_stringn(r->name.p, r->name.n));
    format = json_get_sv(input, "format");
    if (!format.n) {
        format = SV("xlsx");
        json_object_set_new(input, "format", json_string("xlsx"));
    }
    struct model_list l = {.filter = json_get_sv(input, "filter"),
                           .search = json_get_sv(input, "q"),
                           .sort = json_get_sv(input, "sort"),
                           .fields = json_get_sv(input, "fields")};
    if (rc == 0) rc = export_check(r, &c, &l, format, json_get_sv(input, "encoding"), &err);
    if (rc > 0) { /* somebody has to agree first */
        if (approval_answer(r, &c, http_out(req), &err) < 0)
            http_fail(req, &err);
        else
            http_status(req, 202);
        return;
    }
    if (rc == 0) {
        bool zh = c.lang && c.lang[0] == 'z';
        struct task_new n = {.kind = "core.export",
                             .title = arena_printf(c.arena, zh ? "导出%s" : "Export of %s",
                                                   title_of(&r->mf->title, c.lang)),
                             .resource = r->name,
                             .input = input};
        rc = task_add(&c, &n, &id, &err);
    }
    if (rc < 0) {
        http_fail(req, &err);
        return;
    }
    task_wake(r->model);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "task", id);
    jsonw_end_obj(&w);
    http_status(req, 202);
}

int export_add_routes(struct http_router *router, struct arena *a, const struct model_resource *r,
                      struct err *err)
{
    struct http_route post = {.method = HTTP_POST,
                              .pattern = arena_printf(a, "/api/%s/%s/export",
                                                      r->mf->manifest->id, r->mf->name)
                                             .p,
                              .handler = post_export,
                              .data = (void *)(uintptr_t)r};
    struct http_route file = {.method = HTTP_GET,
                              .pattern = "/api/core/task/:id/file",
                              .handler = file_get,
                              .data = (void *)(uintptr_t)r};
    if (http_router_add(router, &post, err) < 0) return -1;
    return sv_eqs(r->name, "core.task") ? http_router_add(router, &file, err) : 0;
}
