/* The OpenAPI 3.1 document: what the tenant has switched on, cut to what the caller
 * may do by the policy that the calls themselves go by. */
#define LOG_ROOM "model"
#include "model/custom.h"

struct doc {
    const struct model *m;
    struct auth_tenant *t;
    const struct auth_principal *who;
    struct arena *a;
    struct jsonw w;
};

static bool on(const struct doc *d, const struct mf_manifest *mf)
{
    return strcmp(mf->id, "core") == 0 || auth_plugin_on(d->t, sv_of(mf->id));
}

static const char *words(const struct mf_title *t, const char *fallback)
{
    return t->en ? t->en : t->zh ? t->zh : fallback;
}

/* ---- operations ------------------------------------------------------------------- */

static void param_ref(struct jsonw *w, const char *name, struct arena *a)
{
    jsonw_obj(w);
    jsonw_kv_sv(w, "$ref", arena_printf(a, "#/components/parameters/%s", name));
    jsonw_end_obj(w);
}

static void schema_ref(struct jsonw *w, sv name, struct arena *a)
{
    jsonw_obj(w);
    jsonw_kv_sv(w, "$ref", arena_printf(a, "#/components/schemas/%.*s", SVARG(name)));
    jsonw_end_obj(w);
}

static void open_answer(struct jsonw *w, const char *code, const char *text, const char *type)
{
    jsonw_key(w, sv_of(code));
    jsonw_obj(w);
    jsonw_kv_str(w, "description", text);
    jsonw_key(w, SV("content"));
    jsonw_obj(w);
    jsonw_key(w, sv_of(type));
    jsonw_obj(w);
}

static void close_answer(struct jsonw *w)
{
    jsonw_end_obj(w);
    jsonw_end_obj(w);
    jsonw_end_obj(w);
}

static void problem(struct jsonw *w)
{
    static const char ref[] = "{\"$ref\":\"#/components/responses/Problem\"}";
    jsonw_kv_raw(w, "4XX", sv_of(ref));
    jsonw_kv_raw(w, "5XX", sv_of(ref));
}

struct operation {
    const char *method, *action, *summary, *code;
    const char *params[12]; /* names of shared parameters */
    sv body, answer;        /* names of schemas, or SV_NULL */
    const char *type;       /* of an answer that is no JSON */
    bool list;
};

/* Whether the manifest lets others be asked first. */
static bool may_ask(const struct mf_resource *mf, const char *action)
{
    if (strncmp(action, "do.", 3) == 0) action += 3;
    for (size_t i = 0; i < mf->n_approvals; i++)
        for (size_t k = 0; k < mf->approvals[i].n_on; k++)
            if (strcmp(mf->approvals[i].on[k], action) == 0) return true;
    return false;
}

static void responses(struct doc *d, const struct model_resource *r, const struct operation *o)
{
    struct jsonw *w = &d->w;
    jsonw_key(w, SV("responses"));
    jsonw_obj(w);
    if (o->type) {
        open_answer(w, o->code, "Done", o->type);
        close_answer(w);
    } else if (o->answer.p) {
        open_answer(w, o->code, "Done", "application/json");
        jsonw_key(w, SV("schema"));
        schema_ref(w, o->answer, d->a);
        close_answer(w);
    } else {
        jsonw_key(w, sv_of(o->code));
        jsonw_raw(w, SV("{\"description\":\"Done\"}"));
    }
    if (may_ask(r->mf, o->action)) {
        open_answer(w, "202", "Others have to agree first", "application/json");
        jsonw_key(w, SV("schema"));
        jsonw_raw(w, SV("{\"$ref\":\"#/components/schemas/Asked\"}"));
        close_answer(w);
    }
    problem(w);
    jsonw_end_obj(w);
}

static void operation(struct doc *d, const struct model_resource *r, const struct operation *o)
{
    struct jsonw *w = &d->w;
    jsonw_key(w, sv_of(o->method));
    jsonw_obj(w);
    jsonw_kv_sv(w, "operationId", arena_printf(d->a, "%.*s.%s", SVARG(r->name), o->action));
    jsonw_kv_sv(w, "summary",
                arena_printf(d->a, "%s: %s", words(&r->mf->title, r->mf->name), o->summary));
    jsonw_key(w, SV("tags"));
    jsonw_arr(w);
    jsonw_sv(w, r->name);
    jsonw_end_arr(w);
    if (o->params[0]) {
        jsonw_key(w, SV("parameters"));
        jsonw_arr(w);
        for (size_t i = 0; i < 12 && o->params[i]; i++)
            param_ref(w, o->params[i], d->a);
        if (o->type)
            jsonw_raw(w, SV("{\"name\":\"format\",\"in\":\"query\",\"schema\":{\"enum\":[\"csv\","
                            "\"xlsx\"],\"default\":\"csv\"}}"));
        jsonw_end_arr(w);
    }
    if (o->body.p) {
        jsonw_key(w, SV("requestBody"));
        jsonw_obj(w);
        jsonw_kv_bool(w, "required", true);
        jsonw_key(w, SV("content"));
        jsonw_obj(w);
        jsonw_key(w, SV("application/json"));
        jsonw_obj(w);
        jsonw_key(w, SV("schema"));
        schema_ref(w, o->body, d->a);
        jsonw_end_obj(w);
        jsonw_end_obj(w);
        jsonw_end_obj(w);
    }
    responses(d, r, o);
    jsonw_end_obj(w);
}

static void open_path(struct doc *d, const struct model_resource *r, const char *rest)
{
    jsonw_key(&d->w, arena_printf(d->a, "/api/%s/%s%s", r->mf->manifest->id, r->mf->name, rest));
    jsonw_obj(&d->w);
}

static sv named(struct doc *d, const struct model_resource *r, const char *end)
{
    return arena_printf(d->a, "%.*s%s", SVARG(r->name), end);
}

/* ---- resources -------------------------------------------------------------------- */

static void transition_paths(struct doc *d, const struct model_policy *p)
{
    const struct model_resource *r = p->res;
    for (size_t i = 0; i < r->mf->n_transitions && p->can_read; i++) {
        const struct mf_transition *t = &r->mf->transitions[i];
        if (!d->who->admin && !auth_can(d->who, r->name, sv_of(t->name))) continue;
        open_path(d, r, arena_printf(d->a, "/{id}/do/%s", t->name).p);
        operation(d, r,
                  &(struct operation){.method = "post",
                                      .action = arena_printf(d->a, "do.%s", t->name).p,
                                      .summary = words(&t->title, t->name),
                                      .code = "200",
                                      .params = {"Id", "IdempotencyKey"},
                                      .answer = r->name});
        jsonw_end_obj(&d->w);
    }
}

/* import_routes.c's */
static void import_paths(struct doc *d, const struct model_resource *r)
{
    static const struct {
        const char *rest, *method, *action, *summary, *code, *id, *type;
    } all[] = {
        {"/import", "post", "import", "bring a file in", "201", NULL, NULL},
        {"/import/template", "get", "import.template", "file to fill in", "200", NULL, "text/csv"},
        {"/import/{import}", "get", "import.get", "an import", "200", "Import", NULL},
        {"/import/{import}/check", "post", "import.check", "check the rows", "202", "Import", NULL},
        {"/import/{import}/rows", "get", "import.rows", "rows and complaints", "200", "Import",
         NULL},
        {"/import/{import}/commit", "post", "import.commit", "write the rows", "202", "Import",
         NULL},
        {"/import/{import}/failed", "get", "import.failed", "rows that failed", "200", "Import",
         "text/csv"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        open_path(d, r, all[i].rest);
        operation(d, r,
                  &(struct operation){.method = all[i].method,
                                      .action = all[i].action,
                                      .summary = all[i].summary,
                                      .code = all[i].code,
                                      .params = {all[i].id},
                                      .type = all[i].type});
        jsonw_end_obj(&d->w);
    }
}

static void note_paths(struct doc *d, const struct model_policy *p)
{
    const struct model_resource *r = p->res;
    static const struct {
        uint32_t trait;
        bool one;
        const char *rest, *method, *action, *summary, *code, *body, *answer;
    } all[] = {
        {MF_COMMENTS, false, "comments", "get", "comments", "comments", "200", NULL, "Comments"},
        {MF_COMMENTS, false, "comments", "post", "comment", "say something", "201", "NewComment",
         "Comment"},
        {MF_COMMENTS, true, "comments", "patch", "comment.update", "change one's comment", "200",
         "NewComment", "Comment"},
        {MF_COMMENTS, true, "comments", "delete", "comment.delete", "take a comment back", "204",
         NULL, NULL},
        {MF_ATTACHMENTS, false, "attachments", "get", "attachments", "attachments", "200", NULL,
         "Attachments"},
        {MF_ATTACHMENTS, false, "attachments", "post", "attach", "add a file", "201",
         "NewAttachment", "Attachment"},
        {MF_ATTACHMENTS, true, "attachments", "delete", "detach", "take a file away", "204", NULL,
         NULL},
    };
    const char *open = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool get = strcmp(all[i].method, "get") == 0, post = strcmp(all[i].method, "post") == 0;
        if (!has_trait(r, all[i].trait) || r->parent || !p->can_read) continue;
        if (all[i].trait == MF_ATTACHMENTS && !get && !p->can_update) continue;
        const char *rest =
            arena_printf(d->a, "/{id}/%s%s", all[i].rest, all[i].one ? "/{note}" : "").p;
        if (open && strcmp(open, rest) != 0) jsonw_end_obj(&d->w);
        if (!open || strcmp(open, rest) != 0) open_path(d, r, rest);
        open = rest;
        operation(d, r,
                  &(struct operation){.method = all[i].method,
                                      .action = all[i].action,
                                      .summary = all[i].summary,
                                      .code = all[i].code,
                                      .params = {"Id",
                                                 get          ? "Limit"
                                                 : post       ? "IdempotencyKey"
                                                 : all[i].one ? "Note"
                                                              : NULL,
                                                 get ? "After" : NULL},
                                      .body = all[i].body ? sv_of(all[i].body) : SV_NULL,
                                      .answer = all[i].answer ? sv_of(all[i].answer) : SV_NULL});
    }
    if (open) jsonw_end_obj(&d->w);
}

/* Is there anything whose mask this caller may lift? */
static bool unmasks(const struct model_policy *p)
{
    for (unsigned i = 0; i < p->res->n_cols; i++)
        if (colset_has(&p->readable, i) && colset_has(&p->masked, i) &&
            colset_has(&p->unmaskable, i))
            return p->can_read;
    return false;
}

static void reveal_path(struct doc *d, const struct model_policy *p)
{
    if (!unmasks(p)) return;
    open_path(d, p->res, "/{id}/reveal");
    operation(d, p->res,
              &(struct operation){.method = "post",
                                  .action = "reveal",
                                  .summary = "masked fields in the clear, with a line in the log",
                                  .code = "200",
                                  .params = {"Id"},
                                  .body = SV("Reveal"),
                                  .answer = SV("Revealed")});
    jsonw_end_obj(&d->w);
}

/* The same table as routes.c's: what is routed is what is told. */
static void resource_paths(struct doc *d, const struct model_policy *p)
{
    const struct model_resource *r = p->res;
    struct jsonw *w = &d->w;
    bool file = sv_eq(r->name, SV("core.file")), approval = sv_eq(r->name, SV("core.approval"));
    const char *reveal = unmasks(p) ? "Reveal" : NULL, *reason = reveal ? "Reason" : NULL;
    open_path(d, r, "");
    if (p->can_read)
        operation(d, r,
                  &(struct operation){.method = "get",
                                      .action = "list",
                                      .summary = "list",
                                      .code = "200",
                                      .params = {"Filter", "Search", "Sort", "Limit", "After",
                                                 "Fields", "Expand", "Count", "Deleted", reveal,
                                                 reason},
                                      .answer = named(d, r, ".list")});
    if (!r->parent && !file && p->can_create)
        operation(d, r,
                  &(struct operation){.method = "post",
                                      .action = "create",
                                      .summary = "create",
                                      .code = "201",
                                      .params = {"IdempotencyKey"},
                                      .body = named(d, r, ".create"),
                                      .answer = r->name});
    jsonw_end_obj(w);

    if (r->mf->import.on) import_paths(d, r);

    open_path(d, r, "/export");
    if (p->can_read && p->can_export)
        operation(d, r,
                  &(struct operation){.method = "get",
                                      .action = "export",
                                      .summary = "export",
                                      .code = "200",
                                      .params = {"Filter", "Search", "Sort", "Fields", reveal,
                                                 reason},
                                      .type = "text/csv"});
    jsonw_end_obj(w);

    if (!r->parent && (p->can_update || p->can_delete || r->mf->n_transitions)) {
        open_path(d, r, "/bulk");
        operation(d, r,
                  &(struct operation){.method = "post",
                                      .action = "bulk",
                                      .summary = "change many",
                                      .code = "200",
                                      .params = {"IdempotencyKey"},
                                      .body = SV("Bulk"),
                                      .answer = SV("BulkResult")});
        jsonw_end_obj(w);
    }

    open_path(d, r, "/group");
    if (p->can_read)
        operation(d, r,
                  &(struct operation){.method = "get",
                                      .action = "group",
                                      .summary = "statistics by group",
                                      .code = "200",
                                      .params = {"By", "Sum", "Avg", "Min", "Max", "Filter",
                                                 "Search", "Expand", "Groups"},
                                      .answer = SV("Groups")});
    jsonw_end_obj(w);

    open_path(d, r, "/{id}");
    if (p->can_read)
        operation(d, r,
                  &(struct operation){.method = "get",
                                      .action = "get",
                                      .summary = "read",
                                      .code = "200",
                                      .params = {"Id", "Expand", reveal, reason},
                                      .answer = approval ? SV("Approval") : r->name});
    if (!r->parent && p->can_update)
        operation(d, r,
                  &(struct operation){.method = "patch",
                                      .action = "update",
                                      .summary = "change",
                                      .code = "200",
                                      .params = {"Id", "IfMatch"},
                                      .body = named(d, r, ".update"),
                                      .answer = r->name});
    if (!r->parent && p->can_delete)
        operation(d, r,
                  &(struct operation){.method = "delete",
                                      .action = "delete",
                                      .summary = "delete",
                                      .code = "204",
                                      .params = {"Id", "IfMatch"}});
    jsonw_end_obj(w);

    reveal_path(d, p);
    if (has_trait(r, MF_AUDITED) && p->can_read) {
        open_path(d, r, "/{id}/history");
        operation(d, r,
                  &(struct operation){.method = "get",
                                      .action = "history",
                                      .summary = "history",
                                      .code = "200",
                                      .params = {"Id"},
                                      .answer = SV("History")});
        jsonw_end_obj(w);
    }
    if (r->parent) return;
    note_paths(d, p);
    if (r->deleted_at && p->can_delete) {
        open_path(d, r, "/{id}/restore");
        operation(d, r,
                  &(struct operation){.method = "post",
                                      .action = "restore",
                                      .summary = "take back a deletion",
                                      .code = "200",
                                      .params = {"Id", "IdempotencyKey"},
                                      .answer = r->name});
        jsonw_end_obj(w);
    }
    transition_paths(d, p);
}

/* Fields of the tenant's own that the caller sees; none when they cannot be read. */
static struct custom_defs own_fields(struct doc *d, const struct model_policy *p)
{
    struct custom_defs own = {0};
    struct store_conn *conn;
    struct err err = {0};
    if (!p->res->custom || store_get(d->t->db, &conn, &err) < 0) return own;
    if (custom_load(conn, d->a, p->res, &own, &err) < 0) log_warn("own fields: %s", err.detail);
    store_put(conn);
    custom_visible(&own, p->res, d->who);
    return own;
}

static void resource_schemas(struct doc *d, const struct model_policy *p)
{
    struct custom_defs own = own_fields(d, p);
    const struct model_resource *r = p->res;
    struct jsonw *w = &d->w;
    jsonw_key(w, r->name);
    openapi_row(p, &own, w);
    jsonw_key(w, named(d, r, ".list"));
    jsonw_obj(w);
    jsonw_kv_str(w, "type", "object");
    jsonw_kv_raw(w, "required", SV("[\"items\",\"next\"]"));
    jsonw_key(w, SV("properties"));
    jsonw_obj(w);
    jsonw_key(w, SV("items"));
    jsonw_obj(w);
    jsonw_kv_str(w, "type", "array");
    jsonw_key(w, SV("items"));
    schema_ref(w, r->name, d->a);
    jsonw_end_obj(w);
    jsonw_kv_raw(w, "next", SV("{\"type\":[\"string\",\"null\"]}"));
    jsonw_kv_raw(w, "count", SV("{\"type\":\"integer\"}"));
    jsonw_kv_raw(w, "count_capped", SV("{\"type\":\"boolean\"}"));
    jsonw_end_obj(w);
    jsonw_end_obj(w);
    if (!r->parent && !sv_eq(r->name, SV("core.file")) && p->can_create) {
        jsonw_key(w, named(d, r, ".create"));
        openapi_body(p, &own, true, w);
    }
    if (r->parent || p->can_update) {
        jsonw_key(w, named(d, r, ".update"));
        openapi_body(p, &own, false, w);
    }
}

/* ---- routes of plugins ------------------------------------------------------------ */

/* "/public/poll/:id" as "/api/vote/public/poll/{id}", and its parameters. */
static sv template_of(struct doc *d, const struct mf_manifest *mf, const char *path,
                      const char *names[8], unsigned *n)
{
    struct buf b = BUF_IN(d->a);
    buf_printf(&b, "/api/%s", mf->id);
    *n = 0;
    for (const char *p = path; *p;) {
        if (*p != ':' && *p != '*') {
            buf_chr(&b, *p++);
            continue;
        }
        const char *end = p + 1;
        while (*end && *end != '/')
            end++;
        sv name = {p + 1, (size_t)(end - p - 1)};
        buf_printf(&b, "{%.*s}", SVARG(name));
        if (*n < 8) names[(*n)++] = arena_str(d->a, name);
        p = end;
    }
    return buf_view(&b);
}

static void route_operation(struct doc *d, const struct mf_manifest *mf, const struct mf_route *r,
                            const char *const *names, unsigned n)
{
    struct jsonw *w = &d->w;
    struct buf method = BUF_IN(d->a);
    for (const char *p = r->method; *p; p++)
        buf_chr(&method, (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p));
    jsonw_key(w, buf_view(&method));
    jsonw_obj(w);
    jsonw_kv_sv(w, "operationId", arena_printf(d->a, "%s.%s", mf->id, r->hook));
    jsonw_kv_str(w, "summary", words(&r->title, r->hook));
    jsonw_key(w, SV("tags"));
    jsonw_arr(w);
    jsonw_cstr(w, mf->id);
    jsonw_end_arr(w);
    if (r->auth == MF_AUTH_PUBLIC)
        jsonw_kv_raw(w, "security", SV("[{},{\"member\":[]},{\"bearer\":[]}]"));
    if (r->auth == MF_AUTH_MEMBER) jsonw_kv_raw(w, "security", SV("[{\"member\":[]}]"));
    jsonw_key(w, SV("parameters"));
    jsonw_arr(w);
    for (unsigned i = 0; i < n; i++) {
        jsonw_obj(w);
        jsonw_kv_str(w, "name", names[i]);
        jsonw_kv_str(w, "in", "path");
        jsonw_kv_bool(w, "required", true);
        jsonw_kv_raw(w, "schema", SV("{\"type\":\"string\"}"));
        jsonw_end_obj(w);
    }
    if (sv_eqs(buf_view(&method), "post")) param_ref(w, "IdempotencyKey", d->a);
    jsonw_end_arr(w);
    if (r->request.n) {
        jsonw_key(w, SV("requestBody"));
        jsonw_obj(w);
        jsonw_kv_bool(w, "required", true);
        jsonw_key(w, SV("content"));
        jsonw_obj(w);
        jsonw_key(w, r->upload ? SV("multipart/form-data") : SV("application/json"));
        jsonw_obj(w);
        jsonw_kv_raw(w, "schema", r->request);
        jsonw_end_obj(w);
        jsonw_end_obj(w);
        jsonw_end_obj(w);
    }
    jsonw_key(w, SV("responses"));
    jsonw_obj(w);
    open_answer(w, "2XX", "Done", r->response.n ? "application/json" : "*/*");
    if (r->response.n) jsonw_kv_raw(w, "schema", r->response);
    close_answer(w);
    problem(w);
    jsonw_end_obj(w);
    jsonw_end_obj(w);
}

static bool may_call(const struct doc *d, const struct mf_manifest *mf, const struct mf_route *r)
{
    const struct auth_principal *who = d->who;
    if (r->auth == MF_AUTH_PUBLIC) return true;
    if (r->auth == MF_AUTH_MEMBER) return who->kind == AUTH_MEMBER || who->admin;
    if (who->admin) return true;
    if (who->kind != AUTH_STAFF && who->kind != AUTH_KEY) return false;
    if (!r->permission) return true;
    sv action, resource = sv_cut(sv_of(r->permission), ':', &action);
    return auth_can(who, arena_printf(d->a, "%s.%.*s", mf->id, SVARG(resource)), action);
}

/* Routes of one path are one entry, so each path is told where it first comes. */
static void plugin_routes(struct doc *d, const struct mf_manifest *mf)
{
    for (size_t i = 0; i < mf->n_routes; i++) {
        const char *names[8];
        unsigned n;
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first &= strcmp(mf->routes[k].path, mf->routes[i].path) != 0;
        if (!first) continue;
        jsonw_key(&d->w, template_of(d, mf, mf->routes[i].path, names, &n));
        jsonw_obj(&d->w);
        for (size_t k = i; k < mf->n_routes; k++)
            if (strcmp(mf->routes[k].path, mf->routes[i].path) == 0 &&
                may_call(d, mf, &mf->routes[k]))
                route_operation(d, mf, &mf->routes[k], names, n);
        jsonw_end_obj(&d->w);
    }
}

/* ---- the document ----------------------------------------------------------------- */

static void tag(struct doc *d, sv name, const char *text)
{
    jsonw_obj(&d->w);
    jsonw_kv_sv(&d->w, "name", name);
    jsonw_kv_str(&d->w, "description", text);
    jsonw_end_obj(&d->w);
}

static const struct model_policy *rights(struct doc *d, const struct model_resource *r)
{
    struct err none = {0};
    if (r->mf->internal || !on(d, r->mf->manifest)) return NULL;
    return policy_of(r, d->who, d->a, &none);
}

static void head(struct doc *d, sv base_url)
{
    struct jsonw *w = &d->w;
    jsonw_kv_str(w, "openapi", "3.1.0");
    jsonw_key(w, SV("info"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "title", d->t->name.n ? d->t->name : SV("Atrium"));
    jsonw_kv_str(w, "version", "1");
    jsonw_kv_str(w, "description",
                 "Ids are strings, times RFC 3339 in UTC, money whole cents. Errors are "
                 "application/problem+json.");
    jsonw_end_obj(w);
    jsonw_key(w, SV("servers"));
    jsonw_arr(w);
    jsonw_obj(w);
    jsonw_kv_sv(w, "url", base_url);
    jsonw_end_obj(w);
    jsonw_end_arr(w);
    jsonw_kv_raw(w, "security", SV("[{\"bearer\":[]},{\"cookie\":[]}]"));
    jsonw_key(w, SV("tags"));
    jsonw_arr(w);
    tag(d, SV("session"), "Signing in and out");
    tag(d, SV("file"), "Files");
    tag(d, SV("plugin"), "Plugins");
    for (size_t i = 0; i < d->m->n_plugins; i++) {
        const struct model_plugin *p = d->m->plugins[i];
        if (p->dropped || !on(d, p->mf)) continue;
        if (p->mf->n_routes) tag(d, sv_of(p->mf->id), words(&p->mf->title, p->mf->id));
        for (size_t k = 0; k < p->n_res; k++)
            if (rights(d, p->res[k]))
                tag(d, p->res[k]->name, words(&p->res[k]->mf->title, p->res[k]->mf->name));
    }
    jsonw_end_arr(w);
}

static void each_resource(struct doc *d, void (*fn)(struct doc *, const struct model_policy *))
{
    for (size_t i = 0; i < d->m->n_all; i++) {
        const struct model_policy *p = rights(d, d->m->all[i]);
        if (p) fn(d, p);
    }
}

static void events(struct doc *d, const struct model_policy *p)
{
    if (p->can_read && !p->res->parent) openapi_event(p, &d->w);
}

void model_openapi(const struct model *m, struct auth_tenant *t, const struct auth_principal *who,
                   sv base_url, struct buf *out)
{
    struct doc d = {.m = m, .t = t, .who = who, .a = arena_new(64 << 10), .w = jsonw_on(out)};
    jsonw_obj(&d.w);
    head(&d, base_url);
    jsonw_key(&d.w, SV("paths"));
    jsonw_obj(&d.w);
    openapi_core_paths(who, &d.w);
    each_resource(&d, resource_paths);
    for (size_t i = 0; i < m->n_plugins; i++)
        if (!m->plugins[i]->dropped && on(&d, m->plugins[i]->mf))
            plugin_routes(&d, m->plugins[i]->mf);
    jsonw_end_obj(&d.w);
    jsonw_key(&d.w, SV("webhooks"));
    jsonw_obj(&d.w);
    each_resource(&d, events);
    jsonw_end_obj(&d.w);
    jsonw_key(&d.w, SV("components"));
    jsonw_obj(&d.w);
    openapi_core_components(&d.w);
    openapi_event_schema(&d.w);
    each_resource(&d, resource_schemas);
    jsonw_end_obj(&d.w);
    jsonw_end_obj(&d.w);
    jsonw_end_obj(&d.w);
    arena_free(d.a);
}
