/* The columns of a resource: what the engine adds to every row, then the
 * manifest's fields in their order. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

/* The engine's own columns, described as fields, so that lists, filters, the
 * schema and the OpenAPI document treat all columns alike. */
static const struct mf_field own_id = {
    .name = "id", .type = MF_REF, .title = {"编号", "Id"}, .read_only = true};
static const struct mf_field own_created_at = {.name = "created_at",
                                               .type = MF_DATETIME,
                                               .title = {"创建时间", "Created at"},
                                               .read_only = true};
static const struct mf_field own_updated_at = {.name = "updated_at",
                                               .type = MF_DATETIME,
                                               .title = {"修改时间", "Changed at"},
                                               .read_only = true};
static const struct mf_field own_created_by = {.name = "created_by",
                                               .type = MF_USER,
                                               .title = {"创建人", "Created by"},
                                               .read_only = true,
                                               .on_delete = MF_CLEAR};
static const struct mf_field own_owner = {
    .name = "owner", .type = MF_USER, .title = {"负责人", "Owner"}, .on_delete = MF_CLEAR};
static const struct mf_field own_custom = {
    .name = "custom", .type = MF_JSON, .title = {"自定义字段", "Custom fields"}};
static const struct mf_field own_dept = {
    .name = "dept", .type = MF_DEPT, .title = {"部门", "Department"}, .on_delete = MF_CLEAR};
static const struct mf_field own_partner = {.name = "partner",
                                            .type = MF_REF,
                                            .to = "core.partner",
                                            .title = {"合作单位", "Partner"},
                                            .on_delete = MF_RESTRICT};
static const struct mf_field own_version = {.name = "version",
                                            .type = MF_INT,
                                            .title = {"版本", "Version"},
                                            .read_only = true,
                                            .has_default = true,
                                            .dflt = {"1", 1}};
static const struct mf_field own_state = {
    .name = "state", .type = MF_ENUM, .title = {"状态", "State"}, .read_only = true};
static const struct mf_field own_deleted_at = {.name = "deleted_at",
                                               .type = MF_DATETIME,
                                               .title = {"删除时间", "Deleted at"},
                                               .read_only = true};
/* The approval that is pending on the row; the engine alone sets it. */
static const struct mf_field own_approval = {.name = "approval",
                                             .type = MF_REF,
                                             .title = {"审批", "Approval"},
                                             .to = "core.approval",
                                             .read_only = true,
                                             .on_delete = MF_CLEAR};
/* 1 on live rows, NULL on deleted ones: NULLs are distinct in a unique index, so
 * an index over (field, live) is unique among the live rows alone. */
static const struct mf_field own_live = {.name = "live",
                                         .type = MF_BOOL,
                                         .title = {"有效", "Live"},
                                         .read_only = true,
                                         .hidden = true,
                                         .has_default = true,
                                         .dflt = {"true", 4}};

enum col_kind kind_of(enum mf_type t)
{
    switch (t) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
        return COL_INT;
    case MF_BOOL:
        return COL_BOOL;
    case MF_DATE:
        return COL_DATE;
    case MF_DATETIME:
        return COL_TIME;
    case MF_TIME:
        return COL_CLOCK;
    case MF_DECIMAL:
        return COL_DECIMAL;
    case MF_MULTI_ENUM:
    case MF_JSON:
    case MF_ADDRESS:
    case MF_POINT:
    case MF_POLYGON:
    case MF_IMAGES:
    case MF_FILES:
    case MF_TAGS:
    case MF_REFS:
        return COL_JSON;
    case MF_IMAGE:
    case MF_FILE:
    case MF_VIDEO:
    case MF_REF:
    case MF_USER:
    case MF_DEPT:
        return COL_ID;
    default:
        return COL_TEXT;
    }
}

/* The state column as an enum of the manifest's states. */
static const struct mf_field *state_field(const struct mf_resource *mf, struct arena *a)
{
    struct mf_field *f = ARENA_NEW(a, struct mf_field);
    *f = own_state;
    f->options = ARENA_ARRAY(a, struct mf_option, mf->n_states);
    f->n_options = mf->n_states;
    for (size_t i = 0; i < mf->n_states; i++)
        f->options[i] =
            (struct mf_option){mf->states[i].name, mf->states[i].title, mf->states[i].color};
    return f;
}

static const struct model_col *add(struct model_resource *r, struct arena *a,
                                   const struct mf_field *f, bool system)
{
    struct model_col *c = &r->cols[r->n_cols];
    c->f = f;
    c->at = r->n_cols++;
    c->kind = kind_of(f->type);
    c->name = sv_of(f->name);
    c->ident = arena_printf(a, "`%s`", f->name);
    c->key = arena_printf(a, ",\"%s\":", f->name);
    c->system = system;
    c->secret = f->hidden;
    c->file = f->type == MF_IMAGE || f->type == MF_FILE || f->type == MF_VIDEO ||
              f->type == MF_IMAGES || f->type == MF_FILES;
    /* A text beside a decimal would be compared as a floating number. */
    c->param =
        f->type == MF_DECIMAL ? arena_printf(a, "CAST(? AS DECIMAL(20,%u))", f->scale) : SV("?");
    c->sealed = f->protect.encrypted;
    if (c->sealed && f->protect.exact) {
        c->hash_name = arena_printf(a, "%s_hash", f->name).p;
        c->hash = arena_printf(a, "`%s`", c->hash_name);
    }
    r->guarded |= c->sealed || f->protect.masked;
    return c;
}

static bool taken(const struct model_resource *r, const char *name)
{
    return col_find(r, sv_of(name)) || kid_find(r, sv_of(name));
}

static size_t n_parts(const struct mf_resource *mf)
{
    size_t n = 0;
    for (size_t i = 0; i < mf->n_fields; i++)
        for (const char *const *end = mf_parts(mf->fields[i].type); *end; end++)
            n++;
    return n;
}

static void add_field(struct model_resource *r, struct arena *a, const struct mf_field *f,
                      struct cfg_errors *e)
{
    struct model_col *c = (struct model_col *)(uintptr_t)add(r, a, f, false);
    for (const char *const *end = mf_parts(f->type); *end; end++) {
        const struct mf_field *part = parts_field(f, *end, a);
        if (taken(r, part->name) || mf_field_find(r->mf, sv_of(part->name)))
            seal_error(e, r->mf, f, "field \"%s\": the engine adds a column \"%s\"", f->name,
                       part->name);
        unsigned at = r->n_cols;
        add(r, a, part, true);
        r->cols[at].part_of = c;
    }
    if (!mf_linked(f->type)) return;
    sv link = arena_printf(a, "`%s__%s`", r->table, f->name);
    if (link.n > 66)
        seal_error(e, r->mf, f, "field \"%s\": its name and the table's are too long together",
                   f->name);
    c->link = link;
    r->linked = true;
}

int columns_build(struct model_resource *r, struct arena *a, struct cfg_errors *e)
{
    const struct mf_resource *mf = r->mf;
    unsigned before = e->n;
    size_t most = mf->n_fields + n_parts(mf) + 12;
    if (most > MODEL_MAX_COLS) {
        seal_error(e, mf, NULL, "more than %d fields", MODEL_MAX_COLS - 12);
        return -1;
    }
    r->cols = ARENA_ARRAY(a, struct model_col, most);
    r->kids = ARENA_ARRAY(a, struct model_child, mf->n_fields);

    r->id = add(r, a, &own_id, true);
    r->created_at = add(r, a, &own_created_at, true);
    r->updated_at = add(r, a, &own_updated_at, true);
    for (unsigned i = 0; i < 3; i++)
        r->cols[i].not_null = true;
    r->created_by = add(r, a, &own_created_by, true);
    if (mf->traits & MF_OWNED) r->owner = add(r, a, &own_owner, true);
    if (mf->traits & MF_CUSTOM) r->custom = add(r, a, &own_custom, true);
    if (mf->traits & MF_DEPT_TRAIT) r->dept = add(r, a, &own_dept, true);
    if (mf->traits & MF_PARTNER) r->partner = add(r, a, &own_partner, true);
    if (mf->traits & MF_VERSIONED) {
        r->version = add(r, a, &own_version, true);
        r->cols[r->version->at].not_null = true;
    }
    if (mf->initial) r->state = add(r, a, state_field(mf, a), true);
    if (mf->n_approvals) r->approval = add(r, a, &own_approval, true);
    if (mf->traits & MF_SOFT_DELETE) {
        r->deleted_at = add(r, a, &own_deleted_at, true);
        r->live = add(r, a, &own_live, true);
    }
    for (size_t i = 0; i < mf->n_fields; i++) {
        const struct mf_field *f = &mf->fields[i];
        if (taken(r, f->name)) {
            seal_error(e, mf, f, "field \"%s\": the name belongs to the engine", f->name);
        } else if (f->type == MF_CHILDREN) {
            struct model_child *k = &r->kids[r->n_kids++];
            k->f = f;
            k->key = arena_printf(a, ",\"%s\":", f->name);
        } else {
            add_field(r, a, f, e);
        }
    }
    for (unsigned i = 0; i < r->n_cols; i++)
        if (r->cols[i].hash_name && taken(r, r->cols[i].hash_name))
            seal_error(e, mf, r->cols[i].f, "field \"%s\": the engine needs the name \"%s\"",
                       r->cols[i].f->name, r->cols[i].hash_name);
    for (unsigned i = 0; i < r->n_kids; i++)
        r->kids[i].at = r->n_cols + i;
    if (mf->label) r->label = col_find(r, sv_of(mf->label));
    if (mf->label && !r->label)
        seal_error(e, mf, NULL, "label: there is no field \"%s\"", mf->label);
    return e->n == before ? 0 : -1;
}

const struct model_col *col_find(const struct model_resource *r, sv name)
{
    for (unsigned i = 0; i < r->n_cols; i++)
        if (sv_eq(r->cols[i].name, name)) return &r->cols[i];
    return NULL;
}

const struct model_child *kid_find(const struct model_resource *r, sv name)
{
    for (unsigned i = 0; i < r->n_kids; i++)
        if (sv_eqs(name, r->kids[i].f->name)) return &r->kids[i];
    return NULL;
}
