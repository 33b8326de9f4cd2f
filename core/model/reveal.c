/* Unmasking: masked fields of a row, a page or an export shown in the clear to
 * who has the right, each time with a line in the operation log. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include "auth/protect.h"

#define MAX_REASON 500

static int forbid(const struct model_policy *p, const struct auth_principal *who, sv name,
                  struct arena *a, struct err *err)
{
    const char *text = arena_str(a, name.n > 60 ? sv_make(name.p, 60) : name);
    const struct model_col *c = col_find(p->res, name);
    if (who->kind == AUTH_ANON) return policy_refuse(who, err);
    if (!c || c->secret) {
        err_set(err, 400, "bad_request", NULL);
        return err_field(err, text, "unknown_field", NULL);
    }
    err_set(err, 403, "forbidden", NULL);
    return err_field(err, text, "forbidden", NULL);
}

/* The tenant may ask for a reason; the setting is the core's. */
static bool reason_asked(const struct model_resource *r, struct model_ctx *c)
{
    const struct model_resource *any = model_find(r->model, SV("core.staff"));
    if (!any) return false;
    return sv_eqs(model_setting(c->tenant, c->arena, any->mf->manifest, SV("reveal_reason")),
                  "true");
}

static int check_reason(const struct model_resource *r, struct model_ctx *c, sv reason,
                        struct err *err)
{
    if (reason.n > MAX_REASON || !sv_utf8_ok(reason))
        return err_field(err, "reason", "too_long", "500", NULL);
    if (!sv_trim(reason).n && reason_asked(r, c))
        return err_field(err, "reason", "required", NULL);
    return 0;
}

int reveal_read(const struct model_resource *r, struct model_ctx *c, sv names, sv reason,
                struct err *err)
{
    if (!sv_trim(names).n) return 0;
    const struct model_policy *p = policy_of(r, c->who, c->arena, err);
    if (!p) return -1;
    if (!p->can_read) return policy_refuse(c->who, err);
    struct model_reveal *v = ARENA_NEW(c->arena, struct model_reveal);
    *v = (struct model_reveal){.r = r, .names = names, .reason = reason};
    for (sv rest = names; rest.p;) {
        sv name = sv_trim(sv_cut(rest, ',', &rest));
        const struct model_col *col = name.n ? col_find(r, name) : NULL;
        if (!name.n) continue;
        /* What is shown anyway needs no right; what is masked needs it by name. */
        if (!col || !colset_has(&p->readable, col->at) ||
            (colset_has(&p->masked, col->at) && !colset_has(&p->unmaskable, col->at)))
            return forbid(p, c->who, name, c->arena, err);
        if (colset_has(&p->masked, col->at)) colset_put(&v->cols, col->at);
    }
    if (check_reason(r, c, reason, err) < 0 || sensitive_check(r, c, "reveal", err) < 0) return -1;
    c->reveal = v;
    return 0;
}

/* `detail`: members of the line's JSON that say which rows, or SV_NULL. */
void reveal_audit(const struct model_ctx *c, int64_t id, sv detail)
{
    const struct model_reveal *v = c->reveal;
    if (!v) return;
    struct buf b = BUF_IN(c->arena);
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "fields", v->names);
    jsonw_kv_sv(&w, "reason", v->reason.p ? v->reason : SV(""));
    if (detail.n) jsonw_kv_raw(&w, "rows", detail);
    jsonw_end_obj(&w);
    sv target = id ? arena_printf(c->arena, "%.*s/%lld", SVARG(v->r->name), (long long)id)
                   : v->r->name;
    const struct auth_hat *behalf = policy_behalf(v->r, c->who, SV("reveal"));
    auth_audit(c->tenant, c->who, c->req,
               &(struct auth_audit){.action = "reveal", .target = target, .detail = buf_view(&b),
                                    .ok = true, .on_behalf = behalf ? behalf->id : 0});
}

/* ---- POST .../reveal -------------------------------------------------------------- */

struct one {
    const struct model_policy *p;
    struct model_ctx *c;
    struct rows rows;
};

static int fetch(struct one *o, int64_t id, struct err *err)
{
    struct store_conn *conn;
    struct sql s;
    sql_start(&s, o->c->arena);
    buf_printf(&s.text, "SELECT %.*s FROM %.*s", SVARG(o->p->columns), SVARG(o->p->res->ident));
    policy_where(o->p, o->c->who, &o->p->read, false, &s);
    sql_text(&s, " AND `id`=?");
    sql_val(&s, STORE_I(id));
    if (conn_enter(o->c, &conn, err) < 0) return -1;
    int rc = store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &o->rows, err);
    conn_leave(o->c, conn);
    if (rc == 0 && !o->rows.n) return err_set(err, 404, "not_found", NULL);
    return rc < 0 ? -1 : protect_rows(o->p, o->c, &o->rows, err);
}

static int names_of(const json_t *body, struct arena *a, sv *out, struct err *err)
{
    const json_t *list = json_object_get(body, "fields");
    struct buf b = BUF_IN(a);
    if (!json_is_array(list) || !json_array_size(list))
        return err_field(err, "fields", "required", NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!json_is_string(one)) return err_field(err, "fields", "not_string", NULL);
        if (i) buf_chr(&b, ',');
        buf_sv(&b, sv_make(json_string_value(one), json_string_length(one)));
    }
    *out = buf_view(&b);
    return 0;
}

static int reveal(struct http_req *req, const struct model_resource *r, struct err *err)
{
    struct model_ctx c = request_ctx(req);
    struct one o = {.c = &c};
    json_t *body;
    sv names;
    int64_t id;
    if (!sv_i64(http_param(req, "id"), &id) || id <= 0)
        return err_set(err, 404, "not_found", NULL);
    if (http_json(req, &body, err) < 0 || names_of(body, c.arena, &names, err) < 0 ||
        reveal_read(r, &c, names, json_get_sv(body, "reason"), err) < 0)
        return -1;
    o.p = policy_of(r, c.who, c.arena, err);
    if (!o.p) return -1;
    o.rows = (struct rows){.a = c.arena, .cols = o.p->cols, .n_cols = o.p->n_cols};
    if (fetch(&o, id, err) < 0) return -1;
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    for (unsigned i = 0; i < o.p->n_cols; i++) {
        const struct model_col *col = o.p->cols[i];
        if (!colset_has(&c.reveal->cols, col->at)) continue;
        jsonw_key(&w, col->name);
        struct buf v = BUF_IN(c.arena);
        row_value(&v, col, &rows_at(&o.rows, 0)[i]);
        jsonw_raw(&w, buf_view(&v));
    }
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    reveal_audit(&c, id, SV_NULL);
    return 0;
}

void reveal_post(struct http_req *req)
{
    const struct model_resource *r = http_route_data(req);
    struct err err = {0};
    const struct auth_tenant *t = (const struct auth_tenant *)http_site_of(req);
    sv plugin = sv_of(r->mf->manifest->id);
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(t, plugin))
        http_fail_code(req, 404, "plugin_disabled");
    else if (reveal(req, r, &err) < 0)
        http_fail(req, &err);
}
