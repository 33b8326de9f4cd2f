/* JSON Schemas (2020-12, as OpenAPI 3.1 has it) of fields, rows and bodies. */
#define LOG_ROOM "model"
#include "model/custom.h"

static void type(struct jsonw *w, const char *name, bool may_be_null)
{
    jsonw_key(w, SV("type"));
    if (!may_be_null) {
        jsonw_cstr(w, name);
        return;
    }
    jsonw_arr(w);
    jsonw_cstr(w, name);
    jsonw_cstr(w, "null");
    jsonw_end_arr(w);
}

static void codes(struct jsonw *w, const struct mf_field *f, bool may_be_null)
{
    if (f->dictionary) { /* each tenant's own */
        struct arena *a = arena_new(256);
        jsonw_kv_sv(w, "description",
                    arena_printf(a, "A code of the dictionary %s.", f->dictionary));
        arena_free(a);
        return;
    }
    jsonw_key(w, SV("enum"));
    jsonw_arr(w);
    for (size_t i = 0; i < f->n_options; i++)
        jsonw_cstr(w, f->options[i].code);
    if (may_be_null) jsonw_null(w);
    jsonw_end_arr(w);
}

static void bounds(struct jsonw *w, const struct mf_field *f, const char *min, const char *max)
{
    if (f->has_min) jsonw_kv_i64(w, min, f->min);
    if (f->has_max) jsonw_kv_i64(w, max, f->max);
}

static void text(struct jsonw *w, const struct mf_field *f, bool null)
{
    type(w, "string", null);
    bounds(w, f, "minLength", "maxLength");
    if (f->pattern && f->type != MF_SEQUENCE) jsonw_kv_str(w, "pattern", f->pattern);
    if (f->type == MF_EMAIL) jsonw_kv_str(w, "format", "email");
    if (f->type == MF_LINK) jsonw_kv_str(w, "format", "uri");
    if (f->type == MF_COLOR) jsonw_kv_str(w, "pattern", "^#[0-9a-fA-F]{6}$");
}

static void about(struct jsonw *w, const struct mf_field *f)
{
    if (f->title.en) jsonw_kv_str(w, "title", f->title.en);
    if (f->help.en) jsonw_kv_str(w, "description", f->help.en);
}

static void set(struct jsonw *w, const struct mf_field *f, bool null)
{
    bool ids = f->type == MF_REFS || f->type == MF_IMAGES || f->type == MF_FILES;
    type(w, "array", null);
    bounds(w, f, "minItems", "maxItems");
    jsonw_kv_bool(w, "uniqueItems", true);
    jsonw_key(w, SV("items"));
    jsonw_obj(w);
    type(w, "string", false);
    if (ids) jsonw_kv_str(w, "pattern", "^[0-9]{1,19}$");
    if (f->type == MF_TAGS) {
        jsonw_kv_i64(w, "minLength", 1);
        jsonw_kv_i64(w, "maxLength", 40);
    }
    if (f->type == MF_MULTI_ENUM || f->dictionary) codes(w, f, false);
    jsonw_end_obj(w);
}

static void decimal(struct jsonw *w, const struct mf_field *f, bool null)
{
    struct arena *a = arena_new(256);
    type(w, "string", null);
    jsonw_kv_str(w, "format", "decimal");
    jsonw_kv_sv(w, "pattern",
                f->scale
                    ? arena_printf(a, "^-?[0-9]{1,%u}(\\.[0-9]{1,%u})?$", 18 - f->scale, f->scale)
                    : SV("^-?[0-9]{1,18}$"));
    arena_free(a);
}

/* One of the core's own schemas. */
static void refer(struct jsonw *w, const char *name, bool null)
{
    struct arena *a = arena_new(256);
    jsonw_key(w, SV("oneOf"));
    jsonw_raw(w, arena_printf(a, "[{\"$ref\":\"#/components/schemas/%s\"}%s]", name,
                              null ? ",{\"type\":\"null\"}" : ""));
    arena_free(a);
}

static void schema(struct jsonw *w, const struct mf_field *f, bool null)
{
    if (!f->schema.n) return;
    struct arena *a = arena_new(256);
    jsonw_key(w, SV("oneOf"));
    jsonw_raw(w, arena_printf(a, "[%.*s%s]", SVARG(f->schema), null ? ",{\"type\":\"null\"}" : ""));
    arena_free(a);
}

static void members(struct jsonw *w, const struct mf_field *f, bool null)
{
    switch (f->type) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
        type(w, "integer", null);
        bounds(w, f, "minimum", "maximum");
        break;
    case MF_BOOL:
        type(w, "boolean", null);
        break;
    case MF_DATE:
    case MF_DATETIME:
        type(w, "string", null);
        jsonw_kv_str(w, "format", f->type == MF_DATE ? "date" : "date-time");
        break;
    case MF_ENUM:
        type(w, "string", null);
        codes(w, f, null);
        break;
    case MF_MULTI_ENUM:
    case MF_TAGS:
    case MF_REFS:
    case MF_IMAGES:
    case MF_FILES:
        set(w, f, null);
        break;
    case MF_DECIMAL:
        decimal(w, f, null);
        break;
    case MF_TIME:
        type(w, "string", null);
        jsonw_kv_str(w, "pattern", "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$");
        break;
    case MF_ID_NUMBER:
        type(w, "string", null);
        jsonw_kv_str(w, "pattern", "^[1-9][0-9]{16}[0-9Xx]$");
        break;
    case MF_ADDRESS:
        refer(w, "Address", null);
        break;
    case MF_POINT:
        refer(w, "Point", null);
        break;
    case MF_POLYGON:
        refer(w, "Polygon", null);
        break;
    case MF_JSON:
        schema(w, f, null); /* anything, when it has none */
        break;
    case MF_IMAGE:
    case MF_FILE:
    case MF_VIDEO:
    case MF_REF:
    case MF_USER:
    case MF_DEPT:
        type(w, "string", null);
        jsonw_kv_str(w, "pattern", "^[0-9]{1,19}$");
        break;
    default:
        text(w, f, null);
    }
}

static void value(struct jsonw *w, const struct mf_field *f, bool may_be_null, bool fixed)
{
    jsonw_obj(w);
    about(w, f);
    if (fixed) jsonw_kv_bool(w, "readOnly", true);
    members(w, f, may_be_null);
    jsonw_end_obj(w);
}

void openapi_value(const struct mf_field *f, bool may_be_null, struct jsonw *w)
{
    value(w, f, may_be_null, false);
}

/* With `expand` a reference is an object. */
static void reference(struct jsonw *w, const struct model_col *c, bool fixed)
{
    jsonw_obj(w);
    about(w, c->f);
    if (fixed) jsonw_kv_bool(w, "readOnly", true);
    jsonw_key(w, SV("oneOf"));
    if (c->many) {
        jsonw_raw(w, SV("[{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\","
                        "\"pattern\":\"^[0-9]{1,19}$\"}},{\"type\":\"array\",\"items\":"
                        "{\"$ref\":\"#/components/schemas/Reference\"}}]"));
        jsonw_end_obj(w);
        return;
    }
    jsonw_raw(w, SV("[{\"type\":[\"string\",\"null\"],\"pattern\":\"^[0-9]{1,19}$\"},"
                    "{\"$ref\":\"#/components/schemas/Reference\"}]"));
    jsonw_end_obj(w);
}

static sv component(struct arena *a, const struct model_resource *r, const char *end)
{
    return arena_printf(a, "#/components/schemas/%.*s%s", SVARG(r->name), end);
}

static void children(struct jsonw *w, const struct model_child *k, const char *end)
{
    struct arena *a = arena_new(256);
    jsonw_key(w, sv_of(k->f->name));
    jsonw_obj(w);
    about(w, k->f);
    type(w, "array", false);
    bounds(w, k->f, "minItems", "maxItems");
    jsonw_key(w, SV("items"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "$ref", component(a, k->res, end));
    jsonw_end_obj(w);
    jsonw_end_obj(w);
    arena_free(a);
}

/* One object: fields that the tenant has added, as they are today. */
static void own_fields(struct jsonw *w, const struct model_col *c, const struct custom_defs *own,
                       bool fixed, bool demand)
{
    bool any = false;
    jsonw_obj(w);
    about(w, c->f);
    if (fixed) jsonw_kv_bool(w, "readOnly", true);
    type(w, "object", !demand);
    jsonw_kv_bool(w, "additionalProperties", false);
    jsonw_key(w, SV("properties"));
    jsonw_obj(w);
    for (size_t i = 0; i < own->n; i++) {
        jsonw_key(w, sv_of(own->v[i].f.name));
        value(w, &own->v[i].f, !(demand && own->v[i].f.required), fixed);
    }
    jsonw_end_obj(w);
    for (size_t i = 0; demand && i < own->n; i++) {
        if (!own->v[i].f.required) continue;
        if (!any) {
            jsonw_key(w, SV("required"));
            jsonw_arr(w);
        }
        any = true;
        jsonw_cstr(w, own->v[i].f.name);
    }
    if (any) jsonw_end_arr(w);
    jsonw_end_obj(w);
}

static bool demands_any(const struct custom_defs *own)
{
    for (size_t i = 0; i < own->n; i++)
        if (own->v[i].f.required) return true;
    return false;
}

void openapi_row(const struct model_policy *p, const struct custom_defs *own, struct jsonw *w)
{
    const struct model_resource *r = p->res;
    jsonw_obj(w);
    type(w, "object", false);
    jsonw_kv_raw(w, "required", SV("[\"id\"]"));
    jsonw_key(w, SV("properties"));
    jsonw_obj(w);
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        bool fixed = !colset_has(&p->writable, c->at);
        if (c->secret || c->part_of || c == r->deleted_at || !colset_has(&p->readable, c->at))
            continue;
        jsonw_key(w, c->name);
        if (c == r->custom)
            own_fields(w, c, own, fixed, false);
        else if (c->ref || c->many)
            reference(w, c, fixed);
        else
            value(w, c->f, !c->not_null, fixed);
    }
    for (unsigned i = 0; i < r->n_kids; i++)
        if (colset_has(&p->readable, r->kids[i].at)) children(w, &r->kids[i], "");
    jsonw_end_obj(w);
    jsonw_end_obj(w);
}

/* The reference to one's parent is the parent's business. */
static bool writable(const struct model_policy *p, const struct model_col *c)
{
    return colset_has(&p->writable, c->at) && c != p->res->parent_by;
}

static bool demanded(const struct mf_field *f)
{
    return f->required && !f->has_default && !f->visible_if.n;
}

static void required(const struct model_policy *p, const struct custom_defs *own, struct jsonw *w)
{
    const struct model_resource *r = p->res;
    bool any = false;
    for (size_t i = 0; i < r->mf->n_fields; i++) {
        const struct mf_field *f = &r->mf->fields[i];
        const struct model_col *c = col_find(r, sv_of(f->name));
        if (!demanded(f) || f->hidden || f->read_only || (c && !writable(p, c))) continue;
        if (!any) {
            jsonw_key(w, SV("required"));
            jsonw_arr(w);
        }
        any = true;
        jsonw_cstr(w, f->name);
    }
    if (r->custom && writable(p, r->custom) && demands_any(own)) {
        if (!any) {
            jsonw_key(w, SV("required"));
            jsonw_arr(w);
        }
        any = true;
        jsonw_cstr(w, "custom");
    }
    if (any) jsonw_end_arr(w);
}

void openapi_body(const struct model_policy *p, const struct custom_defs *own, bool create,
                  struct jsonw *w)
{
    const struct model_resource *r = p->res;
    jsonw_obj(w);
    type(w, "object", false);
    jsonw_kv_bool(w, "additionalProperties", false);
    /* A child with an id is one that is there, and may leave out what stays. */
    if (create && !r->parent) required(p, own, w);
    jsonw_key(w, SV("properties"));
    jsonw_obj(w);
    if (r->parent) {
        jsonw_key(w, SV("id"));
        jsonw_raw(w, SV("{\"type\":\"string\",\"pattern\":\"^[0-9]{1,19}$\"}"));
    }
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (!writable(p, c)) continue;
        jsonw_key(w, c->name);
        if (c == r->custom)
            own_fields(w, c, own, false, create && demands_any(own));
        else
            openapi_value(c->f, !demanded(c->f), w);
    }
    for (unsigned i = 0; i < r->n_kids; i++)
        if (colset_has(&p->writable, r->kids[i].at)) children(w, &r->kids[i], ".update");
    jsonw_end_obj(w);
    jsonw_end_obj(w);
}
