/* A body against its resource: every complaint names its field, children as
 * options.1.title. Pure: reads JSON and manifest, changes nothing. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

struct check {
    const struct mf_resource *r;
    const json_t *before, *merged; /* the row as it is, if known, and as it will be */
    bool create, system;
    int utc_offset;
    const char *skip;   /* the child's reference to its parent */
    const char *prefix; /* "options.1." */
    struct err *err;
};

static const char *path_of(const struct check *c, const char *name, char out[MODEL_PATH])
{
    return path_join(out, c->prefix, name);
}

static int complain(const struct check *c, const char *name, const char *code)
{
    char path[MODEL_PATH];
    return err_field(c->err, path_of(c, name, path), code, NULL);
}

static bool own_column(const struct mf_resource *r, const char *name)
{
    static const struct {
        const char *name;
        uint32_t trait;
    } own[] = {{"id", 0},         {"created_at", 0},         {"updated_at", 0},
               {"created_by", 0}, {"version", MF_VERSIONED}, {"deleted_at", MF_SOFT_DELETE}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i].name) == 0) return !own[i].trait || (r->traits & own[i].trait) != 0;
    return strcmp(name, "state") == 0 && r->initial;
}

/* owner, dept and partner are columns of the engine that a body may set. */
static bool trait_ref(const struct mf_resource *r, const char *name)
{
    return ((r->traits & MF_OWNED) && strcmp(name, "owner") == 0) ||
           ((r->traits & MF_DEPT_TRAIT) && strcmp(name, "dept") == 0) ||
           ((r->traits & MF_PARTNER) && strcmp(name, "partner") == 0);
}

/* Checked by custom_merge, which knows the tenant's fields. */
static bool custom(const struct mf_resource *r, const char *name)
{
    return (r->traits & MF_CUSTOM) && strcmp(name, "custom") == 0;
}

static bool holds(const struct check *c, sv tree, const json_t *row)
{
    return rule_holds_at(tree, row, c->utc_offset);
}

static bool fixed(const struct check *c, const struct mf_field *f, const json_t *v)
{
    if (c->system) return false;
    if (f->read_only || f->type == MF_SEQUENCE) return true;
    if (!f->read_only_if.n || !c->before || !holds(c, f->read_only_if, c->before)) return false;
    /* As it was read it may be sent back. */
    const json_t *old = json_object_get(c->before, f->name);
    bool none = !old || json_is_null(old);
    return none ? !value_void(f, v) : !json_equal(old, v);
}

static int children(const struct check *c, const struct mf_field *f, const json_t *list);

static void one(const struct check *c, const char *name, const json_t *v)
{
    static const struct mf_field staff = {.name = "owner", .type = MF_USER};
    const struct mf_field *f = mf_field_find(c->r, sv_of(name));
    char path[MODEL_PATH];
    if (c->skip && strcmp(name, c->skip) == 0) {
        complain(c, name, "read_only");
    } else if (!f && custom(c->r, name)) {
        return;
    } else if (!f && own_column(c->r, name)) {
        complain(c, name, "read_only");
    } else if (!f && trait_ref(c->r, name)) {
        if (!json_is_null(v)) value_check(&staff, v, path_of(c, name, path), c->err);
    } else if (!f || (f->hidden && !c->system)) {
        complain(c, name, "unknown_field");
    } else if (fixed(c, f, v)) {
        complain(c, name, "read_only");
    } else if (f->type == MF_CHILDREN) {
        if (!json_is_null(v)) children(c, f, v);
    } else if (!value_void(f, v)) {
        value_check(f, v, path_of(c, name, path), c->err);
    }
}

static bool is_required(const struct check *c, const struct mf_field *f)
{
    if (f->required_if.n && holds(c, f->required_if, c->merged)) return true;
    /* What the form does not show cannot be asked for. */
    return f->required && !(f->visible_if.n && !holds(c, f->visible_if, c->merged));
}

static void required(const struct check *c, const json_t *body)
{
    for (size_t i = 0; i < c->r->n_fields; i++) {
        const struct mf_field *f = &c->r->fields[i];
        if (f->hidden || f->read_only || f->type == MF_SEQUENCE) continue;
        if (c->skip && strcmp(f->name, c->skip) == 0) continue;
        const json_t *v = json_object_get(body, f->name);
        bool given = v && !value_void(f, v);
        if (given || (f->has_default && !mf_default_var(f) && (!v || json_is_null(v)))) continue;
        /* The caller's own: a member of the public has no department. */
        if (mf_default_var(f) && !value_void(f, json_object_get(c->merged, f->name))) continue;
        if (!v && !c->create) {
            /* Not in this change; but a condition may make the stored void a fault. */
            if (!f->required_if.n || !value_empty(json_object_get(c->merged, f->name))) continue;
        }
        if (is_required(c, f)) complain(c, f->name, "required");
    }
}

static void later_than(const struct check *c, const json_t *body)
{
    for (size_t i = 0; i < c->r->n_fields; i++) {
        const struct mf_field *f = &c->r->fields[i];
        if (!f->after) continue;
        if (!json_object_get(body, f->name) && !json_object_get(body, f->after)) continue;
        sv end = json_get_sv(c->merged, f->name), start = json_get_sv(c->merged, f->after);
        int64_t from, to;
        bool bad = false;
        if (!end.p || !start.p) continue;
        if (f->type == MF_TIME)
            bad = sv_cmp(end, start) <= 0;
        else if (f->type == MF_DATE)
            bad = value_date_ok(end) && value_date_ok(start) && sv_cmp(end, start) <= 0;
        else
            bad = clock_parse(end, &to) && clock_parse(start, &from) && to <= from;
        if (bad) complain(c, f->name, "end_before_start");
    }
}

/* Rules are asked when a field of theirs is in the change, so that a rule that is
 * new does not stand in the way of mending something else. */
static void rules(const struct check *c, const json_t *body)
{
    for (size_t i = 0; i < c->r->n_rules; i++) {
        const struct mf_rule *rule = &c->r->rules[i];
        if (!c->create && !rule_concerns(rule->that, body)) continue;
        if (holds(c, rule->that, c->merged)) continue;
        for (size_t k = 0; k < rule->n_fields; k++)
            complain(c, rule->fields[k], rule->code);
    }
}

static void object(const struct check *c, const json_t *body)
{
    unsigned before = c->err->n_fields;
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)body, name, v) one(c, name, v);
    required(c, body);
    later_than(c, body);
    if (c->err->n_fields == before) rules(c, body); /* of what is a value at all */
}

static const json_t *had(const struct check *c, const struct mf_field *f, const json_t *id)
{
    const json_t *list = c->before && id ? json_object_get(c->before, f->name) : NULL;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_object_get(json_array_get(list, i), "id"), id))
            return json_array_get(list, i);
    return NULL;
}

/* One row of a children field. A row with an id is one that is there already:
 * what it leaves out stays as it is. */
static void child(const struct check *c, const struct mf_field *f, const struct mf_resource *r,
                  size_t i, const json_t *row)
{
    char prefix[MODEL_PATH], path[MODEL_PATH];
    int64_t id;
    path_item(path, f->name, i, "");
    if (!json_is_object(row)) {
        err_field(c->err, path, "not_object", NULL);
        return;
    }
    path_join(prefix, path, ".");
    const json_t *given = json_object_get(row, "id");
    const json_t *laid = json_array_get(json_object_get(c->merged, f->name), i);
    struct check k = {.r = r,
                      .before = had(c, f, given),
                      .merged = json_is_object(laid) ? laid : row,
                      .create = !given,
                      .utc_offset = c->utc_offset,
                      .system = c->system,
                      .skip = f->by,
                      .prefix = prefix,
                      .err = c->err};
    json_t *rest = json_copy((json_t *)(uintptr_t)row);
    if (given) {
        if (!json_is_string(given) ||
            !sv_i64(sv_make(json_string_value(given), json_string_length(given)), &id) || id <= 0)
            complain(&k, "id", "not_id");
        json_object_del(rest, "id");
    }
    object(&k, rest);
    json_decref(rest);
}

static int children(const struct check *c, const struct mf_field *f, const json_t *list)
{
    char path[MODEL_PATH], arg[24];
    path_of(c, f->name, path);
    if (!json_is_array(list)) return err_field(c->err, path, "not_array", NULL);
    const struct mf_resource *r = f->to ? mf_resource_find(c->r->manifest, sv_of(f->to)) : NULL;
    if (!r) return err_internal(c->err, "children of %s: no resource", f->name);
    int64_t n = (int64_t)json_array_size(list), max = f->has_max ? f->max : 1000;
    if (n > max) {
        snprintf(arg, sizeof arg, "%lld", (long long)max);
        return err_field(c->err, path, "too_many_items", arg, NULL);
    }
    if (f->has_min && n && n < f->min) { /* none at all is the business of `required` */
        snprintf(arg, sizeof arg, "%lld", (long long)f->min);
        return err_field(c->err, path, "too_few_items", arg, NULL);
    }
    for (size_t i = 0; i < (size_t)n; i++)
        child(c, f, r, i, json_array_get(list, i));
    return 0;
}

static int validate(struct check *c, const json_t *body)
{
    if (!json_is_object(body)) return err_set(c->err, 400, "bad_request", NULL);
    object(c, body);
    return err_is(c->err) ? -1 : 0;
}

int validate_body(const struct mf_resource *r, const json_t *body, const json_t *before,
                  const json_t *merged, bool create, bool system, struct err *err)
{
    struct check c = {.r = r,
                      .before = before,
                      .merged = merged ? merged : body,
                      .create = create,
                      .system = system,
                      .utc_offset = 480,
                      .prefix = "",
                      .err = err};
    return validate(&c, body);
}

int validate_write(struct write *w, const json_t *body, bool create, struct err *err)
{
    struct check c = {.r = w->r->mf,
                      .before = w->before,
                      .merged = w->after,
                      .create = create,
                      .system = w->p->everything,
                      .utc_offset = w->c->tenant->utc_offset,
                      .prefix = "",
                      .err = err};
    return validate(&c, body);
}

int model_validate(const struct mf_resource *r, const json_t *body, bool create, struct err *err)
{
    return validate_body(r, body, NULL, NULL, create, false, err);
}
