/* One resource: resources/<name>.yaml. */
#include "config/manifest_reader.h"

static const char *const trait_names[] = {"owned",       "dept",        "versioned", "audited",
                                          "soft_delete", "append_only", "tree",      "managed",
                                          "partner",     "custom",      "comments",  "attachments"};
#define N_TRAITS (sizeof trait_names / sizeof *trait_names)

static void read_traits(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_names all = {0};
    size_t n;
    for (size_t i = 0; i < N_TRAITS; i++)
        cfg_names_add(r->a, &all, trait_names[i]);
    const char *const *names = cfg_texts(root, "traits", &all, "trait", &n, r->e);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < N_TRAITS; k++)
            if (strcmp(names[i], trait_names[k]) == 0) res->traits |= 1u << k;
    if ((res->traits & MF_APPEND_ONLY) && (res->traits & (MF_VERSIONED | MF_SOFT_DELETE)))
        cfg_error(r->e, cfg_get(root, "traits"),
                  "append_only rows never change: no versioned, no soft_delete");
}

void mf_columns(struct mf_reader *r, const struct mf_resource *res, struct cfg_names *out)
{
    static const char *const always[] = {"id", "created_at", "updated_at", "created_by"};
    for (size_t i = 0; i < res->n_fields; i++) {
        cfg_names_add(r->a, out, res->fields[i].name);
        for (const char *const *end = mf_parts(res->fields[i].type); *end; end++)
            cfg_names_add(r->a, out, arena_printf(r->a, "%s%s", res->fields[i].name, *end).p);
    }
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        cfg_names_add(r->a, out, always[i]);
    if (res->traits & MF_OWNED) cfg_names_add(r->a, out, "owner");
    if (res->traits & MF_CUSTOM) cfg_names_add(r->a, out, "custom");
    if (res->traits & MF_DEPT_TRAIT) cfg_names_add(r->a, out, "dept");
    if (res->traits & MF_PARTNER) cfg_names_add(r->a, out, "partner");
    if (res->traits & MF_VERSIONED) cfg_names_add(r->a, out, "version");
    if (res->traits & MF_SOFT_DELETE) cfg_names_add(r->a, out, "deleted_at");
    if (res->n_states) cfg_names_add(r->a, out, "state");
    if (res->n_approvals) cfg_names_add(r->a, out, "approval");
}

/* Types whose values are too large, or not in the table at all, to be looked up. */
static bool can_be_indexed(const struct mf_resource *res, sv name)
{
    const struct mf_field *f = mf_field_find(res, name);
    return !f || (!f->protect.encrypted && f->type != MF_LONGTEXT && f->type != MF_RICHTEXT && f->type != MF_JSON &&
                  f->type != MF_CHILDREN && !mf_linked(f->type) && !*mf_parts(f->type));
}

/* [a, b] or {cols: [a, b], unique: true} */
static void read_index(struct mf_reader *r, struct cfg_node *c, const struct mf_resource *res,
                       const struct cfg_names *columns, struct mf_index *out)
{
    struct cfg_node *list = c;
    c->used = true;
    /* A bare list is read as the `cols` of a map that holds nothing else. */
    struct cfg_node holder = {
        .kind = CFG_MAP, .line = c->line, .column = c->column, .asked = cfg_asked_new(r->a)};
    struct cfg_node bare = *c;
    if (c->kind == CFG_LIST) {
        bare.key = SV("cols");
        bare.next = NULL;
        holder.first = list = &bare;
        c = &holder;
    } else if (!cfg_want(c, CFG_MAP, r->e)) {
        return;
    } else {
        list = cfg_get(c, "cols");
        if (!list) cfg_missing(c, "cols", r->e);
    }
    out->cols = cfg_texts(c, "cols", columns, "column", &out->n, r->e);
    out->unique = cfg_bool(c, "unique", false, r->e);
    cfg_no_unknown(c, r->e);
    if (list && list->kind == CFG_LIST && list->n == 0)
        cfg_error(r->e, list, "an index needs at least one column");
    if (out->n > 8) cfg_error(r->e, list, "an index has at most 8 columns");
    for (size_t i = 0; i < out->n; i++)
        if (!can_be_indexed(res, sv_of(out->cols[i])))
            cfg_error(r->e, list, "'%s' is of a type that cannot be indexed", out->cols[i]);
}

static void read_indexes(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *list = cfg_list(root, "indexes", r->e);
    if (!list) return;
    struct cfg_names columns = {0};
    mf_columns(r, res, &columns);
    if (list->n > 60) {
        cfg_error(r->e, list, "more than 60 indexes");
        return;
    }
    res->indexes = ARENA_ARRAY(r->a, struct mf_index, list->n);
    for (struct cfg_node *c = list->first; c; c = c->next)
        read_index(r, c, res, &columns, &res->indexes[res->n_indexes++]);
}

static void read_label(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_names columns = {0};
    mf_columns(r, res, &columns);
    if (!cfg_get(root, "label")) {
        cfg_missing(root, "label", r->e);
        return;
    }
    res->label = cfg_one_of(root, "label", &columns, "field", r->e);
    const struct mf_field *f = res->label ? mf_field_find(res, sv_of(res->label)) : NULL;
    if (res->label && !(f && f->protect.encrypted) && !can_be_indexed(res, sv_of(res->label)))
        cfg_error(r->e, cfg_get(root, "label"), "'label' must name a short field");
}

/* Names of fields that were; one that is (or is renamed) is a slip. */
static void read_retire(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_names columns = {0};
    mf_columns(r, res, &columns);
    res->retire = cfg_texts(root, "retire", NULL, "field", &res->n_retire, r->e);
    for (size_t i = 0; i < res->n_retire; i++) {
        const char *name = res->retire[i];
        if (!mf_is_ident(sv_of(name), 48))
            cfg_error(r->e, cfg_get(root, "retire"), "'%s' is no name of a field", name);
        else if (cfg_names_has(&columns, sv_of(name)))
            cfg_error(r->e, cfg_get(root, "retire"), "'%s' is still a field", name);
        for (size_t k = 0; k < res->n_fields; k++)
            if (res->fields[k].was && strcmp(res->fields[k].was, name) == 0)
                cfg_error(r->e, cfg_get(root, "retire"), "'%s' was renamed, not retired", name);
    }
}

void mf_read_resource(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    res->manifest = r->m;
    res->line = root->line;
    res->column = root->column;
    if (!cfg_want(root, CFG_MAP, r->e)) return;
    res->title = mf_title(r, root, "title", true);
    res->was = mf_ident(r, root, "was", 32, false);
    res->internal = cfg_bool(root, "internal", false, r->e);
    res->parent = mf_ident(r, root, "parent", 32, false);
    read_traits(r, root, res);

    struct cfg_node *fields = cfg_map(root, "fields", r->e);
    if (!cfg_get(root, "fields")) cfg_missing(root, "fields", r->e);
    if (fields && fields->n == 0) cfg_error(r->e, fields, "'fields' is empty");
    mf_read_fields(r, fields, &res->fields, &res->n_fields, false);
    if (res->traits & MF_TREE) mf_tree_parent(r, fields, res);
    mf_read_states(r, root, res);
    if (fields && res->n_fields) mf_check_fields(r, res, fields);
    read_label(r, root, res);
    read_indexes(r, root, res);
    read_retire(r, root, res);
    res->check_hook = mf_bind(r, root, "validate", MF_H_CHECK, false);
    mf_read_rules(r, root, res);
    mf_read_scopes(r, root, res);
    mf_read_import(r, root, res);
    mf_read_grants(r, root, res);
    mf_read_approvals(r, root, res);
    mf_read_views(r, root, res);
    cfg_no_unknown(root, r->e);
}

const char *const *mf_parts(enum mf_type t)
{
    static const char *const none[] = {NULL}, *const address[] = {"_region", "_lng", "_lat", NULL},
                             *const box[] = {"_min_lng", "_min_lat", "_max_lng", "_max_lat", NULL};
    return t == MF_ADDRESS ? address : t == MF_POINT ? address + 1 : t == MF_POLYGON ? box : none;
}

bool mf_linked(enum mf_type t)
{
    return t == MF_MULTI_ENUM || t == MF_TAGS || t == MF_REFS || t == MF_IMAGES || t == MF_FILES;
}

const struct mf_field *mf_field_find(const struct mf_resource *r, sv name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (sv_eqs(name, r->fields[i].name)) return &r->fields[i];
    return NULL;
}

const struct mf_resource *mf_resource_find(const struct mf_manifest *m, sv name)
{
    for (size_t i = 0; i < m->n_resources; i++)
        if (sv_eqs(name, m->resources[i].name)) return &m->resources[i];
    return NULL;
}
