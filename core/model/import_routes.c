/* Imports over HTTP: upload, columns, check, preview, commit (docs/http-api.md). */
#define LOG_ROOM "model"
#include "model/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLES 3

/* ---- rights -------------------------------------------------------------------------- */

/* The route's resource, when the caller may bring rows in; else NULL and answered. */
const struct model_resource *import_resource(struct http_req *req, struct model_ctx *c)
{
    const struct model_resource *r = http_route_data(req);
    struct err err = {0};
    sv plugin = sv_of(r->mf->manifest->id);
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(c->tenant, plugin))
        err_set(&err, 404, "plugin_disabled", NULL);
    else if (!auth_can(c->who, r->name, SV("import")))
        policy_refuse(c->who, &err);
    if (!err_is(&err)) return r;
    http_fail(req, &err);
    return NULL;
}

static int load(struct http_req *req, struct model_ctx *c, const struct model_resource *r,
                struct import *im, struct err *err)
{
    int64_t id;
    if (!sv_i64(http_param(req, "import"), &id)) return err_set(err, 404, "not_found", NULL);
    return import_load(c, r, id, im, err);
}

/* ---- what an import looks like --------------------------------------------------------- */

static void title(struct jsonw *w, const struct mf_title *t)
{
    jsonw_key(w, SV("title"));
    jsonw_obj(w);
    jsonw_kv_str(w, "zh", t->zh);
    jsonw_kv_str(w, "en", t->en);
    jsonw_end_obj(w);
}

static void write_fields(struct jsonw *w, struct model_ctx *c, const struct model_resource *r,
                         const struct model_policy *p)
{
    struct import_field *fields;
    unsigned n = import_fields(r, p, c->arena, &fields);
    jsonw_key(w, SV("fields"));
    jsonw_arr(w);
    for (unsigned i = 0; i < n; i++) {
        jsonw_obj(w);
        jsonw_kv_str(w, "name", fields[i].f->name);
        title(w, &fields[i].f->title);
        jsonw_kv_str(w, "type", mf_type_names[fields[i].f->type]);
        jsonw_kv_bool(w, "required", fields[i].f->required && !fields[i].f->has_default);
        jsonw_kv_bool(w, "allowed", fields[i].may);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
}

static void write_rules(struct jsonw *w, const struct model_resource *r,
                        const struct model_policy *p)
{
    const struct mf_import *im = &r->mf->import;
    jsonw_key(w, SV("key"));
    jsonw_arr(w);
    for (size_t i = 0; i < im->n_key; i++)
        jsonw_cstr(w, im->key[i]);
    jsonw_end_arr(w);
    jsonw_key(w, SV("actions"));
    jsonw_arr(w);
    for (size_t i = 0; i < im->n_on_match; i++)
        if (im->on_match[i] != MF_UPDATE || p->can_update)
            jsonw_cstr(w, import_actions[im->on_match[i]]);
    jsonw_end_arr(w);
}

static void write_counts(struct jsonw *w, const struct import *im)
{
    static const char *const names[] = {"create",  "update",  "skip",    "errors",
                                        "created", "updated", "skipped", "failed"};
    jsonw_key(w, SV("counts"));
    jsonw_obj(w);
    jsonw_kv_i64(w, "rows", im->rows);
    for (unsigned i = 0; i < 8; i++)
        jsonw_kv_i64(w, names[i], im->n[i]);
    jsonw_end_obj(w);
}

static int write_import(struct http_req *req, struct model_ctx *c, const struct import *im,
                        struct err *err)
{
    static const char *const encodings[] = {"utf-8", "gb18030", "utf-16", "utf-16"};
    const struct model_policy *p = policy_of(im->r, c->who, c->arena, err);
    struct jsonw w = jsonw_on(http_out(req));
    char delimiter[2] = {im->spec.delimiter, '\0'};
    if (!p) return -1;
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", im->id);
    jsonw_kv_sv(&w, "resource", im->r->name);
    jsonw_kv_sv(&w, "name", im->name);
    jsonw_kv_sv(&w, "state", im->state);
    jsonw_kv_str(&w, "format", im->spec.xlsx ? "xlsx" : "csv");
    if (!im->spec.xlsx) {
        jsonw_kv_str(&w, "encoding", encodings[im->spec.encoding]);
        jsonw_kv_str(&w, "delimiter", delimiter);
    }
    jsonw_key(&w, SV("columns"));
    jsonw_json(&w, import_columns_shown(im, c, p));
    jsonw_key(&w, SV("mapping"));
    jsonw_json(&w, im->mapping);
    jsonw_kv_str(&w, "on_match", import_actions[im->on_match]);
    jsonw_key(&w, SV("task"));
    if (im->task)
        jsonw_id(&w, im->task);
    else
        jsonw_null(&w);
    write_counts(&w, im);
    write_rules(&w, im->r, p);
    write_fields(&w, c, im->r, p);
    jsonw_end_obj(&w);
    return 0;
}

/* ---- upload ---------------------------------------------------------------------------- */

struct upload {
    struct model_ctx *c;
    struct import im;
    const struct model_policy *p;
    sv data;
    const char *full;
    unsigned rows;
};

static int read_parts(struct http_req *req, struct upload *u, struct err *err)
{
    struct http_part *parts;
    size_t n;
    if (http_multipart(req, &parts, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (sv_eq(parts[i].name, SV("file")) && parts[i].filename.p && !u->data.p) {
            u->data = parts[i].data;
            u->im.name = upload_clean_name(u->c->arena, parts[i].filename);
        }
    return u->data.n ? 0 : err_field(err, "file", "required", NULL);
}

static int disk_error(const char *path, struct err *err)
{
    if (errno == ENOSPC || errno == EDQUOT) return err_set(err, 507, "disk_full", NULL);
    return err_internal(err, "cannot write %s: %s", path, strerror(errno));
}

static int write_file(struct upload *u, struct err *err)
{
    const char *dir = state_subdir(u->c->arena, "imports", err);
    if (!dir) return -1;
    u->im.path = arena_printf(u->c->arena, "%lld", (long long)u->im.id);
    u->full = arena_printf(u->c->arena, "%s/%.*s", dir, SVARG(u->im.path)).p;
    int fd = open(u->full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return disk_error(u->full, err);
    int rc = 0;
    for (sv left = u->data; rc == 0 && left.n;) {
        ssize_t n = write(fd, left.p, left.n < (1u << 20) ? left.n : 1u << 20);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            rc = disk_error(u->full, err);
        else
            left = sv_make(left.p + n, left.n - (size_t)n);
    }
    if (rc == 0 && fsync(fd) != 0) rc = disk_error(u->full, err);
    close(fd);
    return rc;
}

/* The heading and the first rows, for people to see which column is which. */
static bool on_row(void *arg, const struct sheet_row *row)
{
    struct upload *u = arg;
    json_t *columns = u->im.columns;
    if (u->rows == 0) {
        for (unsigned i = 0; i < row->n; i++) {
            sv h = import_trim(row->cells[i]);
            json_t *one = json_object();
            if (h.n > 200) h.n = 200;
            while (h.n && !sv_utf8_ok(h))
                h.n--;
            json_object_set_new(one, "heading", json_stringn(h.p, h.n));
            json_object_set_new(one, "samples", json_array());
            json_array_append_new(columns, one);
        }
    }
    for (unsigned i = 0; u->rows && i < json_array_size(columns); i++) {
        sv v = i < row->n ? row->cells[i] : SV("");
        if (v.n > 100) v.n = 100;
        while (v.n && !sv_utf8_ok(v))
            v.n--;
        json_array_append_new(json_object_get(json_array_get(columns, i), "samples"),
                              json_stringn(v.p ? v.p : "", v.n));
    }
    return ++u->rows <= SAMPLES;
}

static void guess(struct upload *u)
{
    struct import_field *fields;
    unsigned n = import_fields(u->im.r, u->p, u->c->arena, &fields);
    bool *taken = ARENA_ARRAY(u->c->arena, bool, n + 1);
    for (size_t i = 0; i < json_array_size(u->im.columns); i++) {
        sv heading = json_get_sv(json_array_get(u->im.columns, i), "heading");
        int at = import_match(fields, n, heading);
        bool ok = at >= 0 && !taken[at] && fields[at].may;
        if (ok) taken[at] = true;
        json_array_append_new(u->im.mapping, ok ? json_string(fields[at].f->name) : json_null());
    }
}

static int take_file(struct upload *u, struct err *err)
{
    const char *dir = state_subdir(u->c->arena, "imports", err);
    u->im.columns = json_keep(u->c->arena, json_array());
    u->im.mapping = json_keep(u->c->arena, json_array());
    if (!dir || sheet_detect(u->full, &u->im.spec, err) < 0 ||
        sheet_read(u->full, &u->im.spec, dir, on_row, u, err) < 0)
        return -1;
    if (u->rows < 2) return err_field(err, "file", "import_empty", NULL);
    guess(u);
    struct store_conn *conn;
    if (store_get(u->c->tenant->db, &conn, err) < 0) return -1;
    int rc = import_insert(conn, &u->im, u->c->who, err);
    store_put(conn);
    return rc;
}

static void post_import(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct upload u = {.c = &c};
    struct err err = {0};
    if (!r) return;
    u.im = (struct import){
        .tenant = c.tenant, .id = id_next(), .r = r, .on_match = r->mf->import.on_match[0]};
    u.im.state = SV("uploaded");
    u.p = policy_of(r, c.who, c.arena, &err);
    int rc = u.p ? approval_never(r, &c, "create", NULL, 0, &err) : -1;
    if (rc == 0) rc = read_parts(req, &u, &err);
    if (rc == 0) rc = write_file(&u, &err);
    if (rc == 0) rc = take_file(&u, &err);
    if (rc < 0 && u.full) unlink(u.full);
    if (rc == 0) rc = write_import(req, &c, &u.im, &err);
    if (rc < 0)
        http_fail(req, &err);
    else
        http_status(req, 201);
}

static void get_import(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct import im;
    struct err err = {0};
    if (!r) return;
    if (load(req, &c, r, &im, &err) < 0 || write_import(req, &c, &im, &err) < 0)
        http_fail(req, &err);
}

/* ---- check and commit ------------------------------------------------------------------- */

/* Is its task at work? Then nothing else may begin. */
static int idle(struct model_ctx *c, const struct import *im, struct err *err)
{
    struct store_conn *conn;
    struct store_val args[] = {STORE_I(im->task)}, v[1];
    bool found = false;
    if (!im->task) return 0;
    if (store_get(c->tenant->db, &conn, err) < 0) return -1;
    int rc = store_one(conn, c->arena,
                       SV("SELECT `id` FROM `core_task` WHERE `id`=? AND `state` IN "
                          "('queued','running')"),
                       args, 1, v, 1, &found, err);
    store_put(conn);
    if (rc < 0) return -1;
    return found ? err_set(err, 409, "import_busy", NULL) : 0;
}

struct begin {
    struct model_ctx *c;
    struct import *im;
    const char *kind, *state;
    sv title;
    int64_t total, task, was; /* was: the task before */
};

/* Of two who begin at once the second waits here and is refused. */
static int still_idle(struct store_conn *conn, const struct import *im, int64_t was,
                      struct err *err)
{
    uint64_t n = 0;
    struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(im->id),
                               was ? STORE_I(was) : STORE_N};
    if (store_exec(conn,
                   SV("UPDATE `core_import` SET `updated_at`=? WHERE `id`=? AND `task`<=>?"), args,
                   3, &n, err) < 0)
        return -1;
    return n ? 0 : err_set(err, 409, "import_busy", NULL);
}

static int begin_in_tx(void *arg, struct store_conn *conn, struct err *err)
{
    struct begin *b = arg;
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)b->im->id);
    json_t *input = json_pack("{s:s,s:s%}", "import", id, "resource", b->im->r->name.p,
                              b->im->r->name.n);
    struct task_new n = {.kind = b->kind,
                         .title = b->title,
                         .resource = b->im->r->name,
                         .input = input,
                         .total = b->total};
    b->c->conn = conn;
    int rc = still_idle(conn, b->im, b->was, err);
    /* The task has no session: whoever starts it proves himself now. */
    if (rc == 0) rc = sensitive_check(b->im->r, b->c, "create", err);
    if (rc == 0) rc = sensitive_check(b->im->r, b->c, "update", err);
    if (rc == 0) rc = task_add(b->c, &n, &b->task, err);
    json_decref(input);
    b->im->task = b->task;
    return rc < 0 ? -1 : import_save(conn, b->im, b->state, err);
}

static void begin(struct http_req *req, struct begin *b)
{
    struct err err = {0};
    struct store_conn *conn;
    b->was = b->im->task;
    int rc = store_get(b->c->tenant->db, &conn, &err);
    if (rc == 0) {
        rc = store_tx(conn, begin_in_tx, b, &err);
        b->c->conn = NULL;
        store_put(conn);
    }
    if (rc < 0) {
        http_fail(req, &err);
        return;
    }
    task_wake(b->im->r->model);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "task", b->task);
    jsonw_end_obj(&w);
    http_status(req, 202);
}

static int read_action(const json_t *body, struct import *im, struct err *err)
{
    sv v = json_get_sv(body, "on_match");
    const struct mf_import *rules = &im->r->mf->import;
    if (!v.p) return 0;
    for (size_t i = 0; i < rules->n_on_match; i++)
        if (sv_eqs(v, import_actions[rules->on_match[i]])) {
            im->on_match = rules->on_match[i];
            return 0;
        }
    return err_field(err, "on_match", "not_in_options", "skip, update, fail", NULL);
}

static int read_check(struct http_req *req, struct import *im, struct err *err)
{
    json_t *body = NULL;
    if (http_body(req).n && http_json(req, &body, err) < 0) return -1;
    const json_t *mapping = json_object_get(body, "mapping");
    if (read_action(body, im, err) < 0) return -1;
    if (!mapping) return 0;
    if (!json_is_array(mapping) || json_array_size(mapping) != json_array_size(im->columns))
        return err_field(err, "mapping", "not_array", NULL);
    im->mapping = (json_t *)(uintptr_t)mapping;
    return 0;
}

static void post_check(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct import im;
    struct import_run run = {0};
    struct err err = {0};
    if (!r) return;
    if (load(req, &c, r, &im, &err) < 0 || idle(&c, &im, &err) < 0 ||
        read_check(req, &im, &err) < 0 || import_run_start(&run, &im, &c, &err) < 0) {
        import_run_end(&run);
        http_fail(req, &err);
        return;
    }
    import_run_end(&run);
    bool begun = sv_eqs(im.state, "committing") || sv_eqs(im.state, "done");
    if (begun) {
        http_fail_code(req, 409, "import_begun");
        return;
    }
    bool zh = c.lang && c.lang[0] == 'z';
    begin(req, &(struct begin){.c = &c,
                               .im = &im,
                               .kind = "core.import_check",
                               .state = "checking",
                               .title = arena_printf(c.arena, zh ? "检查导入文件：%.*s" : "Check of %.*s",
                                                     SVARG(im.name))});
}

static void post_commit(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct import im;
    struct err err = {0};
    json_t *body = NULL;
    if (!r) return;
    int rc = load(req, &c, r, &im, &err);
    if (rc == 0 && http_body(req).n) rc = http_json(req, &body, &err);
    if (rc == 0) rc = idle(&c, &im, &err);
    enum mf_on_match checked = rc == 0 ? im.on_match : MF_SKIP;
    if (rc == 0) rc = read_action(body, &im, &err);
    bool ready = rc == 0 && (sv_eqs(im.state, "checked") || sv_eqs(im.state, "committing"));
    if (rc == 0 && (!ready || im.on_match != checked))
        rc = err_set(&err, 409, "import_not_checked", NULL);
    if (rc == 0 && im.n[ROW_BAD] && !json_is_true(json_object_get(body, "skip_errors")))
        rc = err_set(&err, 409, "import_has_errors", NULL);
    if (rc < 0) {
        http_fail(req, &err);
        return;
    }
    bool zh = c.lang && c.lang[0] == 'z';
    begin(req, &(struct begin){.c = &c,
                               .im = &im,
                               .kind = "core.import",
                               .state = "committing",
                               .total = im.n[ROW_CREATE] + im.n[ROW_UPDATE],
                               .title = arena_printf(c.arena, zh ? "导入%s：%.*s" : "Import of %s: %.*s",
                                                     title_of(&r->mf->title, c.lang),
                                                     SVARG(im.name))});
}

/* ---- preview ---------------------------------------------------------------------------- */

static void write_errors(struct jsonw *w, struct model_ctx *c, const struct import *im, sv stored)
{
    json_t *list = NULL;
    struct err none = {0};
    jsonw_arr(w);
    if (stored.n && json_parse(c->arena, stored, &list, &none) == 0)
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *e = json_array_get(list, i);
            struct buf text = BUF_IN(c->arena);
            import_message(im->r, c->lang, e, &text);
            jsonw_obj(w);
            jsonw_kv_sv(w, "field", json_get_sv(e, "f"));
            jsonw_kv_sv(w, "code", json_get_sv(e, "c"));
            jsonw_kv_sv(w, "message", buf_view(&text));
            jsonw_end_obj(w);
        }
    jsonw_end_arr(w);
}

static void write_rows(struct http_req *req, struct model_ctx *c, const struct import *im,
                       const struct model_policy *p, const struct import_line *rows, unsigned n,
                       unsigned limit)
{
    const struct mf_field *const *masks = import_masks(im, c, p);
    static const char *const states[] = {"create",  "update",  "skip",    "error",
                                         "created", "updated", "skipped", "failed"};
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_key(&w, SV("items"));
    jsonw_arr(&w);
    for (unsigned i = 0; i < n && i < limit; i++) {
        jsonw_obj(&w);
        jsonw_kv_i64(&w, "line", rows[i].line);
        jsonw_kv_str(&w, "action", states[(unsigned)rows[i].state & 7]);
        jsonw_key(&w, SV("cells"));
        jsonw_arr(&w);
        for (unsigned k = 0; k < rows[i].n; k++)
            jsonw_sv(&w, import_shown(masks, k, rows[i].cells[k], c->arena));
        jsonw_end_arr(&w);
        jsonw_key(&w, SV("errors"));
        write_errors(&w, c, im, rows[i].errors);
        jsonw_end_obj(&w);
    }
    jsonw_end_arr(&w);
    jsonw_key(&w, SV("next"));
    if (n > limit)
        jsonw_id(&w, rows[limit - 1].line);
    else
        jsonw_null(&w);
    jsonw_end_obj(&w);
}

static void get_rows(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    const struct model_resource *r = import_resource(req, &c);
    struct import im;
    struct import_line *rows = NULL;
    struct store_conn *conn;
    struct err err = {0};
    unsigned n = 0;
    int64_t after = 0;
    uint64_t limit = 50;
    if (!r) return;
    sv only = http_query(req, "only"), from = http_query(req, "after"), max = http_query(req, "limit");
    unsigned states = sv_eqs(only, "errors") ? 1u << ROW_BAD | 1u << ROW_FAILED : 0xff;
    if (load(req, &c, r, &im, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    if ((from.n && (!sv_i64(from, &after) || after < 0)) ||
        (max.n && (!sv_u64(max, &limit) || limit < 1 || limit > 200))) {
        http_fail_code(req, 400, "bad_request");
        return;
    }
    const struct model_policy *p = policy_of(r, c.who, c.arena, &err);
    int rc = p ? store_get(c.tenant->db, &conn, &err) : -1;
    if (rc == 0) {
        rc = import_rows(conn, c.arena, &im, after, states, (unsigned)limit + 1, &rows, &n, &err);
        store_put(conn);
    }
    if (rc < 0)
        http_fail(req, &err);
    else
        write_rows(req, &c, &im, p, rows, n, (unsigned)limit);
}

/* ---- the table -------------------------------------------------------------------------- */

int import_add_routes(struct http_router *router, struct arena *a, const struct model_resource *r,
                      struct err *err)
{
    const struct {
        enum http_method method;
        const char *rest;
        uint32_t flags;
        http_handler *handler;
    } all[] = {
        {HTTP_POST, "", HTTP_UPLOAD, post_import},
        {HTTP_GET, "/template", 0, import_template_get},
        {HTTP_GET, "/:import", 0, get_import},
        {HTTP_POST, "/:import/check", 0, post_check},
        {HTTP_GET, "/:import/rows", 0, get_rows},
        {HTTP_POST, "/:import/commit", 0, post_commit},
        {HTTP_GET, "/:import/failed", 0, import_failed_get},
    };
    if (!r->mf->import.on) return 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct http_route route = {.method = all[i].method,
                                   .pattern = arena_printf(a, "/api/%s/%s/import%s",
                                                           r->mf->manifest->id, r->mf->name,
                                                           all[i].rest)
                                                  .p,
                                   .flags = all[i].flags,
                                   .handler = all[i].handler,
                                   .data = (void *)(uintptr_t)r};
        if (http_router_add(router, &route, err) < 0) return -1;
    }
    return 0;
}
