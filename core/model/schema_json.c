/* GET /api/console/schema/<plugin>/<resource>: what the console draws pages from,
 * cut to what this person may read and change. */
#define LOG_ROOM "model"
#include "model/custom.h"

static void title(struct jsonw *w, const char *key, const struct mf_title *t)
{
    jsonw_key(w, sv_of(key));
    if (!t->zh && !t->en) {
        jsonw_null(w);
        return;
    }
    jsonw_obj(w);
    jsonw_kv_str(w, "zh", t->zh ? t->zh : t->en);
    jsonw_kv_str(w, "en", t->en ? t->en : t->zh);
    jsonw_end_obj(w);
}

static void kv_optional(struct jsonw *w, const char *key, const char *text)
{
    if (text) jsonw_kv_str(w, key, text);
}

static void options(struct jsonw *w, const struct mf_field *f)
{
    jsonw_key(w, SV("options"));
    jsonw_arr(w);
    for (size_t i = 0; i < f->n_options; i++) {
        jsonw_obj(w);
        jsonw_kv_str(w, "value", f->options[i].code);
        title(w, "title", &f->options[i].title);
        kv_optional(w, "color", f->options[i].color);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
}

/* Rows of the tenant in the place of the manifest's options; those that are off
 * are there for the records that have them. */
static void dictionary(struct jsonw *w, const struct dict *d)
{
    jsonw_key(w, SV("options"));
    jsonw_arr(w);
    for (size_t i = 0; i < d->n; i++) {
        const struct dict_item *it = &d->items[i];
        jsonw_obj(w);
        jsonw_kv_sv(w, "value", it->code);
        jsonw_key(w, SV("title"));
        jsonw_obj(w);
        jsonw_kv_sv(w, "zh", it->title);
        jsonw_kv_sv(w, "en", it->title);
        jsonw_end_obj(w);
        if (it->color.n) jsonw_kv_sv(w, "color", it->color);
        if (it->off) jsonw_kv_bool(w, "is_off", true);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
}

/* A bound of a decimal is a number with its places. */
static void bound(struct jsonw *w, const char *key, const struct mf_field *f, int64_t v)
{
    char text[32];
    size_t n = decimal_format(v, f->scale, text);
    if (f->type == MF_DECIMAL)
        jsonw_kv_raw(w, key, sv_make(text, n));
    else
        jsonw_kv_i64(w, key, v);
}

static const char *target(const struct mf_field *f)
{
    return f->type == MF_USER                        ? "core.staff"
           : f->type == MF_DEPT                      ? "core.dept"
           : f->type == MF_REF || f->type == MF_REFS ? f->to
                                                     : NULL;
}

/* Can who is asking judge by this field: is it shown to him, as it is? Else only the
 * server can, and the condition is none of his. */
static bool judges(void *arg, const char *field, bool by_value)
{
    const struct model_policy *p = arg;
    const struct model_col *c = col_find(p->res, sv_of(field));
    const struct model_child *k = c ? NULL : kid_find(p->res, sv_of(field));
    if (!c) return k && colset_has(&p->readable, k->at);
    return colset_has(&p->readable, c->at) && !(by_value && colset_has(&p->masked, c->at));
}

static void condition(struct jsonw *w, const char *key, sv tree, const struct model_policy *p)
{
    if (!tree.n || (p && !rule_each_field(tree, judges, (void *)(uintptr_t)p))) return;
    jsonw_kv_raw(w, key, tree);
}

/* `p`: of who is asking; NULL: of settings, which are no rows. */
static void field_members(const struct mf_field *f, bool read_only, const struct model_policy *p,
                          struct jsonw *w)
{
    jsonw_kv_str(w, "name", f->name);
    jsonw_kv_str(w, "type", mf_type_names[f->type]);
    title(w, "title", &f->title);
    title(w, "help", &f->help);
    jsonw_kv_bool(w, "required", f->required);
    jsonw_kv_bool(w, "read_only", read_only || f->type == MF_SEQUENCE);
    jsonw_kv_bool(w, "hidden", f->hidden);
    jsonw_kv_bool(w, "search", f->search);
    jsonw_kv_bool(w, "unique", f->unique);
    if (f->has_min) bound(w, "min", f, f->min);
    if (f->has_max) bound(w, "max", f, f->max);
    if (f->type == MF_DECIMAL) jsonw_kv_i64(w, "scale", f->scale);
    if (f->computed) jsonw_kv_bool(w, "computed", true);
    kv_optional(w, "dictionary", f->dictionary);
    if (f->schema.n) jsonw_kv_raw(w, "schema", f->schema);
    kv_optional(w, "pattern", f->pattern);
    if (f->has_default) jsonw_kv_raw(w, "default", f->dflt);
    if (f->n_options) options(w, f);
    kv_optional(w, "to", target(f));
    if (f->type == MF_CHILDREN) {
        kv_optional(w, "of", f->to);
        kv_optional(w, "by", f->by);
    }
    kv_optional(w, "accept", f->accept);
    kv_optional(w, "after", f->after);
    condition(w, "visible_if", f->visible_if, p);
    condition(w, "required_if", f->required_if, p);
    condition(w, "read_only_if", f->read_only_if, p);
}

void model_field_schema(const struct mf_field *f, struct jsonw *w)
{
    jsonw_obj(w);
    field_members(f, f->read_only, NULL, w);
    jsonw_end_obj(w);
}

static void names(struct jsonw *w, const char *key, const char *const *list, size_t n,
                  const struct model_policy *p)
{
    jsonw_key(w, sv_of(key));
    jsonw_arr(w);
    for (size_t i = 0; i < n; i++) {
        const char *bare = list[i][0] == '-' ? list[i] + 1 : list[i];
        const struct model_col *c = p ? col_find(p->res, sv_of(bare)) : NULL;
        if (!p || (c && colset_has(&p->readable, c->at))) jsonw_cstr(w, list[i]);
    }
    jsonw_end_arr(w);
}

static void traits(struct jsonw *w, const struct mf_resource *mf)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } all[] = {
        {MF_OWNED, "owned"},     {MF_DEPT_TRAIT, "dept"},         {MF_VERSIONED, "versioned"},
        {MF_AUDITED, "audited"}, {MF_SOFT_DELETE, "soft_delete"}, {MF_APPEND_ONLY, "append_only"},
        {MF_TREE, "tree"},       {MF_MANAGED, "managed"},         {MF_PARTNER, "partner"},
        {MF_CUSTOM, "custom"},   {MF_COMMENTS, "comments"},       {MF_ATTACHMENTS, "attachments"}};
    jsonw_key(w, SV("traits"));
    jsonw_arr(w);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (mf->traits & all[i].bit) jsonw_cstr(w, all[i].name);
    jsonw_end_arr(w);
}

static void states(struct jsonw *w, const struct mf_resource *mf)
{
    jsonw_key(w, SV("states"));
    jsonw_arr(w);
    for (size_t i = 0; i < mf->n_states; i++) {
        jsonw_obj(w);
        jsonw_kv_str(w, "name", mf->states[i].name);
        title(w, "title", &mf->states[i].title);
        kv_optional(w, "color", mf->states[i].color);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
    jsonw_kv_str(w, "initial", mf->initial);
}

static void transitions(struct jsonw *w, const struct model_resource *r,
                        const struct auth_principal *who)
{
    jsonw_key(w, SV("transitions"));
    jsonw_arr(w);
    for (size_t i = 0; i < r->mf->n_transitions; i++) {
        const struct mf_transition *t = &r->mf->transitions[i];
        if (!who->admin && !auth_can(who, r->name, sv_of(t->name))) continue;
        jsonw_obj(w);
        jsonw_kv_str(w, "name", t->name);
        title(w, "title", &t->title);
        names(w, "from", t->from, t->n_from, NULL);
        jsonw_kv_str(w, "to", t->to);
        names(w, "require", t->require, t->n_require, NULL);
        jsonw_kv_bool(w, "confirm", t->confirm);
        jsonw_kv_bool(w, "danger", t->danger);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
}

struct about {
    struct model_ctx *c;
    struct store_conn *conn;
    struct err *err;
};

static void live_options(struct jsonw *w, const struct mf_field *f, struct about *x)
{
    struct dict d;
    if (f->dictionary && dict_load(x->conn, x->c->arena, f->dictionary, &d, x->err) == 0)
        dictionary(w, &d);
}

/* What the form says before it asks; not where a field of the rule is not shown. */
static void rules(struct jsonw *w, const struct model_policy *p)
{
    const struct mf_resource *mf = p->res->mf;
    jsonw_key(w, SV("rules"));
    jsonw_arr(w);
    for (size_t i = 0; i < mf->n_rules; i++) {
        bool shown = true;
        for (size_t k = 0; k < mf->rules[i].n_fields; k++) {
            const struct model_col *c = col_find(p->res, sv_of(mf->rules[i].fields[k]));
            shown = shown && c && colset_has(&p->readable, c->at);
        }
        sv that = mf->rules[i].that;
        if (!shown || !rule_each_field(that, judges, (void *)(uintptr_t)p)) continue;
        jsonw_obj(w);
        jsonw_kv_raw(w, "that", that);
        title(w, "message", &mf->rules[i].message);
        names(w, "fields", mf->rules[i].fields, mf->rules[i].n_fields, NULL);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
}

/* What others have to agree to, and what asks for a new proof. */
static void approvals(struct jsonw *w, const struct mf_resource *mf)
{
    jsonw_key(w, SV("approvals"));
    jsonw_arr(w);
    for (size_t i = 0; i < mf->n_approvals; i++) {
        const struct mf_approval *p = &mf->approvals[i];
        jsonw_obj(w);
        jsonw_kv_str(w, "name", p->name);
        title(w, "title", &p->title);
        names(w, "on", p->on, p->n_on, NULL);
        if (p->when.n) jsonw_kv_raw(w, "when", p->when);
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
    jsonw_key(w, SV("sensitive"));
    jsonw_obj(w);
    for (size_t i = 0; i < mf->n_sensitive; i++)
        jsonw_kv_str(w, mf->sensitive[i].action,
                     mf->sensitive[i].demand == MF_REAUTH ? "reauth" : "second_person");
    jsonw_end_obj(w);
}

/* Fields of the tenant's own follow the manifest's, by the name custom.x. */
static void own_fields(struct jsonw *w, const struct model_policy *p, struct about *x)
{
    struct custom_defs d = {0};
    if (!p->custom || !colset_has(&p->readable, p->custom->at)) return;
    if (custom_load(x->conn, x->c->arena, p->res, &d, x->err) < 0) return;
    custom_visible(&d, p->res, x->c->who);
    for (size_t i = 0; i < d.n; i++) {
        struct mf_field f = d.v[i].f;
        sv name = sv_of(f.name);
        bool fixed =
            !colset_has(&p->writable, p->custom->at) || custom_fixed(p->res, x->c->who, name);
        f.name = d.v[i].path;
        jsonw_obj(w);
        field_members(&f, fixed, p, w);
        jsonw_kv_bool(w, "filterable", d.v[i].filterable && custom_column(f.type));
        jsonw_kv_bool(w, "listed", d.v[i].listed);
        jsonw_end_obj(w);
    }
}

static void resource(struct jsonw *w, const struct model_policy *p, struct about *x)
{
    const struct auth_principal *who = x->c->who;
    struct arena *a = x->c->arena;
    const struct model_resource *r = p->res;
    const struct mf_resource *mf = r->mf;
    jsonw_obj(w);
    jsonw_kv_sv(w, "name", r->name);
    title(w, "title", &mf->title);
    jsonw_kv_str(w, "label", mf->label ? mf->label : "id");
    traits(w, mf);
    jsonw_key(w, SV("fields"));
    jsonw_arr(w);
    for (size_t i = 0; i < mf->n_fields; i++) {
        const struct mf_field *f = &mf->fields[i];
        const struct model_col *c = col_find(r, sv_of(f->name));
        const struct model_child *k = c ? NULL : kid_find(r, sv_of(f->name));
        unsigned at = c ? c->at : k->at;
        if (!colset_has(&p->readable, at)) continue;
        jsonw_obj(w);
        field_members(f, !colset_has(&p->writable, at), p, w);
        live_options(w, f, x);
        if (c && colset_has(&p->masked, at)) {
            jsonw_kv_bool(w, "masked", true);
            jsonw_kv_bool(w, "reveal", colset_has(&p->unmaskable, at));
        }
        if (c && (c->sealed || colset_has(&p->masked, at)))
            jsonw_kv_bool(w, "exact", f->protect.exact);
        if (k) {
            jsonw_key(w, SV("child"));
            resource(w, policy_of_child(k, who, a), x);
        }
        jsonw_end_obj(w);
    }
    own_fields(w, p, x);
    jsonw_end_arr(w);
    states(w, mf);
    transitions(w, r, who);
    rules(w, p);
    approvals(w, mf);
    jsonw_kv_raw(w, "views", mf->views.n ? mf->views : SV("{}"));
    names(w, "sorts", mf->list_sorts, mf->n_list_sorts, p);
    names(w, "filters", mf->list_filters, mf->n_list_filters, p);
    jsonw_end_obj(w);
}

void schema_get(struct http_req *req)
{
    const struct model *m = http_route_data(req);
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    sv plugin = http_param(req, "plugin"), name = http_param(req, "resource");
    const struct model_resource *r =
        model_find(m, arena_printf(c.arena, "%.*s.%.*s", SVARG(plugin), SVARG(name)));
    if (!r || r->mf->internal) {
        http_fail_code(req, 404, "not_found");
        return;
    }
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(c.tenant, plugin)) {
        http_fail_code(req, 404, "plugin_disabled");
        return;
    }
    const struct model_policy *p = policy_of(r, c.who, c.arena, &err);
    if (p && !p->can_read && !p->can_create) policy_refuse(c.who, &err);
    if (err_is(&err)) {
        http_fail(req, &err);
        return;
    }
    struct about x = {.c = &c, .err = &err};
    if (conn_enter(&c, &x.conn, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    struct buf out = BUF_IN(c.arena);
    struct jsonw w = jsonw_on(&out);
    resource(&w, p, &x);
    conn_leave(&c, x.conn);
    if (err_is(&err))
        http_fail(req, &err);
    else
        buf_sv(http_out(req), buf_view(&out));
}
