/* REST: requests of docs/http-api.md to calls of the engine. */
#define LOG_ROOM "model"
#include "model/import.h"
#include "model/notes.h"

struct model_ctx request_ctx(struct http_req *req)
{
    return (struct model_ctx){.tenant = (struct auth_tenant *)http_site_of(req),
                              .who = auth_of(req),
                              .req = req,
                              .arena = http_arena(req),
                              .may_ask = true,
                              .lang = http_lang(req)};
}

/* ---- common steps ----------------------------------------------------------------- */

/* The route's resource; NULL and answered when the tenant has its plugin off. */
static const struct model_resource *resource_of(struct http_req *req)
{
    const struct model_resource *r = http_route_data(req);
    const struct auth_tenant *t = (const struct auth_tenant *)http_site_of(req);
    sv plugin = sv_of(r->mf->manifest->id);
    if (sv_eqs(plugin, "core") || auth_plugin_on(t, plugin)) return r;
    http_fail_code(req, 404, "plugin_disabled");
    return NULL;
}

static int row_id(struct http_req *req, int64_t *id, struct err *err)
{
    if (sv_i64(http_param(req, "id"), id) && *id > 0) return 0;
    return err_set(err, 404, "not_found", NULL);
}

/* If-Match: "3"; -1 when there is none or any version will do. */
static int if_match(struct http_req *req, const struct model_resource *r, int64_t *version,
                    struct err *err)
{
    sv v = sv_trim(http_header(req, "if-match"));
    *version = -1;
    if (!v.n || sv_eqs(v, "*") || !r->version) return 0;
    if (sv_starts(v, SV("W/"))) v = sv_make(v.p + 2, v.n - 2);
    if (v.n > 2 && v.p[0] == '"' && v.p[v.n - 1] == '"' &&
        sv_i64(sv_make(v.p + 1, v.n - 2), version) && *version >= 0)
        return 0;
    return err_set(err, 412, "version_conflict", NULL);
}

static int read_limit(struct http_req *req, unsigned *limit, struct err *err)
{
    sv v = http_query(req, "limit");
    uint64_t n;
    *limit = 0;
    if (!v.p) return 0;
    if (sv_u64(v, &n) && n >= 1 && n <= 200) {
        *limit = (unsigned)n;
        return 0;
    }
    err_set(err, 400, "bad_limit", "200", NULL);
    return err_field(err, "limit", "bad_limit", "200", NULL);
}

static void read_list(struct http_req *req, struct model_list *l)
{
    sv count = http_query(req, "count");
    *l = (struct model_list){.filter = http_query(req, "filter"),
                             .search = http_query(req, "q"),
                             .sort = http_query(req, "sort"),
                             .after = http_query(req, "after"),
                             .fields = http_query(req, "fields"),
                             .expand = http_query(req, "expand"),
                             .count = !sv_eqs(count, "0"),
                             .deleted = sv_eqs(http_query(req, "deleted"), "only")};
}

/* The row as the answer of a write. A caller who may write what he may not see
 * learns its id. */
static int answer_row(struct post *p, struct err *err)
{
    struct buf *out = http_out(p->req);
    struct err none = {0};
    if (model_get(p->r, &p->c, p->id, SV_NULL, out, &none) == 0) return 0;
    if (none.status != 403 && none.status != 404) {
        err_copy(err, &none);
        return -1;
    }
    struct jsonw w = jsonw_on(out);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", p->id);
    jsonw_end_obj(&w);
    return 0;
}

/* Nothing was done: others have to agree first. */
static int answer_asked(struct post *p, struct err *err)
{
    p->status = 202;
    return approval_answer(p->r, &p->c, http_out(p->req), err);
}

/* ---- reading ---------------------------------------------------------------------- */

static void get_list(struct http_req *req)
{
    const struct model_resource *r = resource_of(req);
    struct model_ctx c = request_ctx(req);
    struct model_list l;
    struct err err = {0};
    if (!r) return;
    read_list(req, &l);
    if (read_limit(req, &l.limit, &err) < 0 ||
        reveal_read(r, &c, http_query(req, "reveal"), http_query(req, "reason"), &err) < 0 ||
        model_list(r, &c, &l, http_out(req), &err) < 0)
        http_fail(req, &err);
    else
        answer_tagged(req, false);
}

static int read_groups(struct http_req *req, struct model_group *g, struct err *err)
{
    uint64_t n = 0;
    sv limit = http_query(req, "limit");
    *g = (struct model_group){.by = http_query(req, "by"),
                              .sum = http_query(req, "sum"),
                              .avg = http_query(req, "avg"),
                              .min = http_query(req, "min"),
                              .max = http_query(req, "max"),
                              .filter = http_query(req, "filter"),
                              .search = http_query(req, "q"),
                              .expand = http_query(req, "expand")};
    if (!limit.p || (sv_u64(limit, &n) && n >= 1 && n <= 1000)) {
        g->limit = (unsigned)n;
        return 0;
    }
    err_set(err, 400, "bad_limit", "1000", NULL);
    return err_field(err, "limit", "bad_limit", "1000", NULL);
}

static void get_groups(struct http_req *req)
{
    const struct model_resource *r = resource_of(req);
    struct model_ctx c = request_ctx(req);
    struct model_group g;
    struct err err = {0};
    if (!r) return;
    if (read_groups(req, &g, &err) < 0 || model_groups(r, &c, &g, http_out(req), &err) < 0)
        http_fail(req, &err);
}

static void get_row(struct http_req *req)
{
    const struct model_resource *r = resource_of(req);
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    int64_t id;
    if (!r) return;
    if (row_id(req, &id, &err) < 0 ||
        reveal_read(r, &c, http_query(req, "reveal"), http_query(req, "reason"), &err) < 0 ||
        model_get(r, &c, id, http_query(req, "expand"), http_out(req), &err) < 0)
        http_fail(req, &err);
    else
        answer_tagged(req, r->version != NULL);
}

static void get_history(struct http_req *req)
{
    const struct model_resource *r = resource_of(req);
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    int64_t id;
    if (!r) return;
    unsigned limit = 0;
    if (row_id(req, &id, &err) < 0 || read_limit(req, &limit, &err) < 0 ||
        model_history_page(r, &c, id, http_query(req, "after"), limit ? limit : 50, http_out(req),
                           &err) < 0)
        http_fail(req, &err);
}

static void get_export(struct http_req *req)
{
    const struct model_resource *r = resource_of(req);
    struct model_list l;
    sv format = http_query(req, "format");
    if (!r) return;
    read_list(req, &l);
    l.after = SV_NULL;
    export_get(req, r, &l, format.n ? format : SV("csv"));
}

/* ---- writing ---------------------------------------------------------------------- */

static int op_create(struct post *p, struct err *err)
{
    if (model_create(p->r, &p->c, p->body, &p->id, err) < 0) return -1;
    if (p->c.approval) return answer_asked(p, err);
    p->status = 201;
    return answer_row(p, err);
}

static int op_restore(struct post *p, struct err *err)
{
    if (model_restore(p->r, &p->c, p->id, err) < 0) return -1;
    return answer_row(p, err);
}

static int op_transition(struct post *p, struct err *err)
{
    if (model_transition(p->r, &p->c, p->id, p->name, p->body, err) < 0) return -1;
    if (p->c.approval) return answer_asked(p, err);
    return answer_row(p, err);
}

static void post_row(struct http_req *req)
{
    struct post p = {.req = req, .c = request_ctx(req), .r = resource_of(req), .op = op_create};
    struct err err = {0};
    if (!p.r) return;
    if (http_json(req, &p.body, &err) < 0)
        http_fail(req, &err);
    else
        post_run(&p);
}

static void post_restore(struct http_req *req)
{
    struct post p = {.req = req, .c = request_ctx(req), .r = resource_of(req), .op = op_restore};
    struct err err = {0};
    if (!p.r) return;
    if (row_id(req, &p.id, &err) < 0)
        http_fail(req, &err);
    else
        post_run(&p);
}

static void post_transition(struct http_req *req)
{
    struct post p = {.req = req,
                     .c = request_ctx(req),
                     .r = resource_of(req),
                     .op = op_transition,
                     .name = http_param(req, "transition")};
    struct err err = {0};
    if (!p.r) return;
    if (row_id(req, &p.id, &err) < 0 || (http_body(req).n && http_json(req, &p.body, &err) < 0))
        http_fail(req, &err);
    else
        post_run(&p);
}

static int op_update(struct post *p, struct err *err)
{
    if (model_update(p->r, &p->c, p->id, p->version, p->body, err) < 0) return -1;
    return p->c.approval ? answer_asked(p, err) : answer_row(p, err);
}

static int op_delete(struct post *p, struct err *err)
{
    if (delete_versioned(p->r, &p->c, p->id, p->version, err) < 0) return -1;
    p->status = p->c.approval ? 202 : 204;
    return p->c.approval ? approval_answer(p->r, &p->c, http_out(p->req), err) : 0;
}

static void patch_row(struct http_req *req)
{
    struct post p = {.req = req, .c = request_ctx(req), .r = resource_of(req), .op = op_update};
    struct err err = {0};
    if (!p.r) return;
    if (row_id(req, &p.id, &err) < 0 || if_match(req, p.r, &p.version, &err) < 0 ||
        http_json(req, &p.body, &err) < 0)
        http_fail(req, &err);
    else
        post_run(&p);
}

static void post_bulk(struct http_req *req)
{
    struct post p = {.req = req, .c = request_ctx(req), .r = resource_of(req), .op = bulk_op};
    struct err err = {0};
    if (!p.r) return;
    if (http_json(req, &p.body, &err) < 0)
        http_fail(req, &err);
    else
        post_run(&p);
}

/* ---- comments and attachments ----------------------------------------------------- */

static void get_notes(struct http_req *req,
                      void (*get)(struct http_req *, const struct model_resource *, int64_t, sv,
                                  unsigned))
{
    const struct model_resource *r = resource_of(req);
    struct err err = {0};
    unsigned limit = 0;
    int64_t id;
    if (!r) return;
    if (row_id(req, &id, &err) < 0 || read_limit(req, &limit, &err) < 0)
        http_fail(req, &err);
    else
        get(req, r, id, http_query(req, "after"), limit ? limit : 20);
}

static void get_comments(struct http_req *req)
{
    get_notes(req, comments_get);
}

static void get_attachments(struct http_req *req)
{
    get_notes(req, attachments_get);
}

static void run_note(struct http_req *req, int (*op)(struct post *, struct err *), bool body)
{
    struct post p = {.req = req, .c = request_ctx(req), .r = resource_of(req), .op = op};
    struct err err = {0};
    sv note = http_param(req, "note");
    if (!p.r) return;
    if (note.n && (!sv_i64(note, &p.note) || p.note <= 0)) err_set(&err, 404, "not_found", NULL);
    if (err_is(&err) || row_id(req, &p.id, &err) < 0 ||
        (body && http_json(req, &p.body, &err) < 0))
        http_fail(req, &err);
    else
        post_run(&p);
}

static void post_comment(struct http_req *req)
{
    run_note(req, comment_add, true);
}

static void patch_comment(struct http_req *req)
{
    run_note(req, comment_change, true);
}

static void delete_comment(struct http_req *req)
{
    run_note(req, comment_remove, false);
}

static void post_attachment(struct http_req *req)
{
    run_note(req, attachment_add, true);
}

static void delete_attachment(struct http_req *req)
{
    run_note(req, attachment_remove, false);
}

static void delete_row(struct http_req *req)
{
    struct post p = {.req = req, .c = request_ctx(req), .r = resource_of(req), .op = op_delete};
    struct err err = {0};
    if (!p.r) return;
    if (row_id(req, &p.id, &err) < 0 || if_match(req, p.r, &p.version, &err) < 0)
        http_fail(req, &err);
    else
        post_run(&p);
}

void files_post(struct http_req *req)
{
    struct post p = {
        .req = req, .c = request_ctx(req), .r = http_route_data(req), .op = upload_save};
    post_run(&p);
}

/* ---- documents -------------------------------------------------------------------- */

static void get_openapi(struct http_req *req)
{
    const struct model *m = http_route_data(req);
    sv scheme = http_scheme(req), host = http_host(req), prefix = http_prefix(req);
    sv base =
        arena_printf(http_arena(req), "%.*s://%.*s%.*s", SVARG(scheme), SVARG(host), SVARG(prefix));
    model_openapi(m, (struct auth_tenant *)http_site_of(req), auth_of(req), base, http_out(req));
    http_add_header(req, "vary", SV("authorization, cookie"));
    answer_tagged(req, false);
}

/* ---- the table -------------------------------------------------------------------- */

struct adder {
    struct http_router *router;
    struct arena *a;
    struct err *err;
    bool failed;
};

static void add(struct adder *x, enum http_method method, const char *pattern, uint32_t flags,
                http_handler *handler, const void *data)
{
    if (x->failed) return;
    struct http_route route = {.method = method,
                               .pattern = pattern,
                               .flags = flags,
                               .handler = handler,
                               .data = (void *)(uintptr_t)data};
    x->failed = http_router_add(x->router, &route, x->err) < 0;
}

static const char *below(struct adder *x, const struct model_resource *r, const char *rest)
{
    return arena_printf(x->a, "/api/%s/%s%s", r->mf->manifest->id, r->mf->name, rest).p;
}

/* Children are written with their parent, files by uploading them, append-only
 * rows by nobody once they are there. */
static void resource_routes(struct adder *x, const struct model_resource *r)
{
    bool file = sv_eq(r->name, SV("core.file"));
    bool fixed = has_trait(r, MF_NO_EDIT);
    add(x, HTTP_GET, below(x, r, ""), 0, get_list, r);
    add(x, HTTP_GET, below(x, r, "/export"), 0, get_export, r);
    add(x, HTTP_GET, below(x, r, "/group"), 0, get_groups, r);
    if (!sv_eq(r->name, SV("core.approval"))) /* its own page tells more (approval_http.c) */
        add(x, HTTP_GET, below(x, r, "/:id"), 0, get_row, r);
    if (!x->failed) x->failed = export_add_routes(x->router, x->a, r, x->err) < 0;
    if (!x->failed) x->failed = import_add_routes(x->router, x->a, r, x->err) < 0;
    if (has_trait(r, MF_AUDITED)) add(x, HTTP_GET, below(x, r, "/:id/history"), 0, get_history, r);
    add(x, HTTP_POST, below(x, r, "/:id/reveal"), 0, reveal_post, r);
    if (r->parent) return;
    if (notes_kept(r, MF_COMMENTS)) {
        add(x, HTTP_GET, below(x, r, "/:id/comments"), 0, get_comments, r);
        add(x, HTTP_POST, below(x, r, "/:id/comments"), 0, post_comment, r);
        add(x, HTTP_PATCH, below(x, r, "/:id/comments/:note"), 0, patch_comment, r);
        add(x, HTTP_DELETE, below(x, r, "/:id/comments/:note"), 0, delete_comment, r);
    }
    if (notes_kept(r, MF_ATTACHMENTS)) {
        add(x, HTTP_GET, below(x, r, "/:id/attachments"), 0, get_attachments, r);
        add(x, HTTP_POST, below(x, r, "/:id/attachments"), 0, post_attachment, r);
        add(x, HTTP_DELETE, below(x, r, "/:id/attachments/:note"), 0, delete_attachment, r);
    }
    if (!file && resource_creatable(r->mf)) add(x, HTTP_POST, below(x, r, ""), 0, post_row, r);
    if (!fixed || r->mf->n_transitions) add(x, HTTP_POST, below(x, r, "/bulk"), 0, post_bulk, r);
    if (r->mf->n_transitions)
        add(x, HTTP_POST, below(x, r, "/:id/do/:transition"), 0, post_transition, r);
    if (fixed) return;
    add(x, HTTP_PATCH, below(x, r, "/:id"), 0, patch_row, r);
    add(x, HTTP_DELETE, below(x, r, "/:id"), 0, delete_row, r);
    if (r->deleted_at) add(x, HTTP_POST, below(x, r, "/:id/restore"), 0, post_restore, r);
}

int model_routes(struct model *m, struct http_router *router, struct err *err)
{
    struct adder x = {.router = router, .a = m->a, .err = err};
    for (size_t i = 0; i < m->n_all; i++)
        if (!m->all[i]->mf->internal) resource_routes(&x, m->all[i]);
    const struct model_resource *file = model_find(m, SV("core.file"));
    if (file) {
        add(&x, HTTP_POST, "/api/core/files", HTTP_UPLOAD, files_post, file);
        add(&x, HTTP_GET, "/files/:id/:name", 0, files_get, NULL);
    }
    add(&x, HTTP_GET, "/api/openapi.json", 0, get_openapi, m);
    add(&x, HTTP_GET, "/api/console/schema/:plugin/:resource", 0, schema_get, m);
    if (!x.failed && org_routes(m, router, err) < 0) return -1;
    if (!x.failed && approval_routes(m, router, err) < 0) return -1;
    return x.failed ? -1 : 0;
}
