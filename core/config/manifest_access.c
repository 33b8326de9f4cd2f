/* Who may do what with a resource, and what its pages show. */
#include "config/manifest_reader.h"

void mf_read_scopes(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *map = cfg_map(root, "scopes", r->e);
    if (!map) return;
    res->scopes = ARENA_ARRAY(r->a, struct mf_scope, map->n);
    for (struct cfg_node *c = map->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        struct mf_scope *s = &res->scopes[res->n_scopes++];
        mf_want_ident(r, &at, c->key, 32);
        if (sv_eqs(c->key, "all")) cfg_error(r->e, &at, "the scope 'all' is built in");
        s->name = c->key.p;
        if (!cfg_want(c, CFG_MAP, r->e)) continue;
        s->title = mf_title(r, c, "title", true);
        s->expr = sv_of(mf_text(r, c, "where"));
        cfg_no_unknown(c, r->e);
    }
}

/* fields: {name: hidden | masked | unmasked | read_only} */
static void read_field_rights(struct mf_reader *r, struct cfg_node *grant,
                              const struct mf_resource *res, struct mf_grant *g)
{
    static const char *const rights[] = {"hidden", "masked", "unmasked", "read_only", NULL};
    struct cfg_node *map = cfg_map(grant, "fields", r->e);
    if (!map) return;
    struct cfg_names fields = {0};
    for (size_t i = 0; i < res->n_fields; i++)
        cfg_names_add(r->a, &fields, res->fields[i].name);
    g->fields = arena_calloc(r->a, map->n, sizeof *g->fields);
    for (struct cfg_node *c = map->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        if (!cfg_names_has(&fields, c->key)) cfg_no_such(r->e, &at, "field", c->key, &fields);
        int right = cfg_choice(map, c->key.p, rights, 0, r->e);
        const struct mf_field *f = mf_field_find(res, c->key);
        if (f && (right == 1 || right == 2) && !mf_can_be_masked(f->type))
            cfg_error(r->e, &at, "a field of type %s cannot be masked", mf_type_names[f->type]);
        g->fields[g->n_fields].field = c->key.p;
        g->fields[g->n_fields++].mark = rights[right];
    }
}

static void read_grant(struct mf_reader *r, struct cfg_node *c, const struct mf_resource *res,
                       const struct cfg_names *scopes, const struct cfg_names *transitions,
                       struct mf_grant *g)
{
    struct cfg_node at = {.line = c->key_line, .column = c->key_column};
    if (!cfg_names_has(&r->roles, c->key)) cfg_no_such(r->e, &at, "role", c->key, &r->roles);
    g->role = c->key.p;
    if (!cfg_want(c, CFG_MAP, r->e)) return;
    g->read = cfg_texts(c, "read", scopes, "scope", &g->n_read, r->e);
    g->update = cfg_texts(c, "update", scopes, "scope", &g->n_update, r->e);
    g->del = cfg_texts(c, "delete", scopes, "scope", &g->n_del, r->e);
    g->create = cfg_bool(c, "create", false, r->e);
    g->export = cfg_bool(c, "export", false, r->e);
    g->import = cfg_bool(c, "import", false, r->e);
    if (g->import && !(res->import.on && g->create))
        cfg_error(r->e, cfg_get(c, "import"), "'import' needs 'create', and `import` of the resource");
    g->partners = cfg_bool(c, "partners", false, r->e);
    g->doing = cfg_texts(c, "do", transitions, "transition", &g->n_doing, r->e);
    read_field_rights(r, c, res, g);
    if ((res->traits & MF_APPEND_ONLY) && (g->n_update || g->n_del))
        cfg_error(r->e, cfg_get(c, g->n_update ? "update" : "delete"),
                  "append_only rows cannot be changed or deleted");
    if ((res->traits & MF_MANAGED) && (g->create || g->n_update || g->n_del))
        cfg_error(r->e, c, "managed rows are not created, changed or deleted by people");
    /* A right to change what one may not see would tell by its answers. */
    struct cfg_node *read = cfg_get(c, "read");
    bool reads = read && (read->kind != CFG_LIST || read->n);
    if (!reads && (g->n_update || g->n_del || g->export || g->n_doing))
        cfg_error(r->e, c, "a role needs 'read' before it can update, delete, export or do");
    cfg_no_unknown(c, r->e);
}

void mf_read_grants(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *map = cfg_map(root, "permissions", r->e);
    if (!map) return;
    struct cfg_names scopes = {0}, transitions = {0};
    cfg_names_add(r->a, &scopes, "all");
    for (size_t i = 0; i < res->n_scopes; i++)
        cfg_names_add(r->a, &scopes, res->scopes[i].name);
    if (res->traits & MF_OWNED) cfg_names_add(r->a, &scopes, "own");
    if (res->traits & MF_DEPT_TRAIT) {
        cfg_names_add(r->a, &scopes, "department");
        cfg_names_add(r->a, &scopes, "subtree");
    }
    for (size_t i = 0; i < res->n_transitions; i++)
        cfg_names_add(r->a, &transitions, res->transitions[i].name);
    res->grants = ARENA_ARRAY(r->a, struct mf_grant, map->n);
    for (struct cfg_node *c = map->first; c; c = c->next)
        read_grant(r, c, res, &scopes, &transitions, &res->grants[res->n_grants++]);
}

/* ---- views ------------------------------------------------------------------ */

/* May lists be narrowed or ordered by this column? */
static bool comparable(const struct mf_resource *res, sv name, bool order)
{
    const struct mf_field *f = mf_field_find(res, name);
    if (!f) return true;
    switch (f->type) {
    case MF_LONGTEXT:
    case MF_RICHTEXT:
    case MF_JSON:
    case MF_CHILDREN:
    case MF_ADDRESS:
    case MF_POINT:
    case MF_POLYGON:
        return false;
    case MF_MULTI_ENUM:
    case MF_TAGS:
    case MF_REFS:
    case MF_IMAGES:
    case MF_FILES:
    case MF_IMAGE:
    case MF_FILE:
    case MF_VIDEO:
        return !order;
    default:
        return true;
    }
}

static void read_sorts(struct mf_reader *r, struct cfg_node *list_view, struct mf_resource *res,
                       const struct cfg_names *columns)
{
    struct cfg_node *list = cfg_list(list_view, "sort", r->e);
    if (!list) return;
    const char **out = ARENA_ARRAY(r->a, const char *, list->n + 1);
    for (struct cfg_node *c = list->first; c; c = c->next) {
        if (!cfg_want(c, CFG_SCALAR, r->e)) continue;
        sv name = c->scalar;
        if (sv_starts(name, SV("-"))) name = sv_make(name.p + 1, name.n - 1);
        if (!cfg_names_has(columns, name))
            cfg_no_such(r->e, c, "column", name, columns);
        else if (!comparable(res, name, true) || mf_protected(res, name))
            cfg_error(r->e, c, "lists cannot be sorted by '%.*s'", CFG_SHOW(name));
        out[res->n_list_sorts++] = c->scalar.p;
    }
    res->list_sorts = out;
}

static void read_list_view(struct mf_reader *r, struct cfg_node *m, struct mf_resource *res,
                           const struct cfg_names *columns)
{
    size_t n;
    cfg_texts(m, "columns", columns, "column", &n, r->e);
    res->list_filters = cfg_texts(m, "filters", columns, "column", &res->n_list_filters, r->e);
    struct cfg_node *filters = cfg_get(m, "filters");
    for (struct cfg_node *c = res->list_filters ? filters->first : NULL; c; c = c->next)
        if (c->kind == CFG_SCALAR && !comparable(res, c->scalar, false))
            cfg_error(r->e, c, "lists cannot be filtered by '%.*s'", CFG_SHOW(c->scalar));
        else if (c->kind == CFG_SCALAR && mf_protected(res, c->scalar) &&
                 !mf_field_find(res, c->scalar)->protect.exact)
            cfg_error(r->e, c, "'%.*s' is protected: a filter needs 'find: exact'",
                      CFG_SHOW(c->scalar));
    read_sorts(r, m, res, columns);
    cfg_no_unknown(m, r->e);
}

static void read_form_view(struct mf_reader *r, struct cfg_node *m, const struct cfg_names *columns)
{
    struct cfg_node *groups = cfg_list(m, "groups", r->e);
    for (struct cfg_node *c = groups ? groups->first : NULL; c; c = c->next) {
        size_t n;
        if (!cfg_want(c, CFG_MAP, r->e)) continue;
        mf_title(r, c, "title", true);
        cfg_texts(c, "fields", columns, "field", &n, r->e);
        if (!cfg_get(c, "fields")) cfg_missing(c, "fields", r->e);
        cfg_no_unknown(c, r->e);
    }
}

void mf_read_views(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *m = cfg_map(root, "views", r->e);
    if (!m) return;
    struct cfg_names columns = {0};
    size_t n;
    mf_columns(r, res, &columns);
    read_list_view(r, cfg_map(m, "list", r->e), res, &columns);
    struct cfg_node *form = cfg_map(m, "form", r->e), *detail = cfg_map(m, "detail", r->e);
    read_form_view(r, form, &columns);
    cfg_no_unknown(form, r->e);
    cfg_texts(detail, "facts", &columns, "column", &n, r->e);
    read_form_view(r, detail, &columns);
    cfg_no_unknown(detail, r->e);
    cfg_no_unknown(m, r->e);
    res->views = cfg_json(root, "views", r->e); /* after the checks: it marks all as used */
}
