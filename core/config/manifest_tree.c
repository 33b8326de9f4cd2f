/* trait tree: the reference of a row to the one above it. */
#include "config/manifest_reader.h"

static void check_declared(struct mf_reader *r, const struct mf_field *f, const char *own)
{
    struct cfg_node at = {.line = f->line, .column = f->column};
    bool ref = f->type == MF_REF || f->type == MF_DEPT || f->type == MF_USER;
    if (!ref || !f->to || strcmp(f->to, own) != 0)
        cfg_error(r->e, &at, "'parent' of a tree must be a reference to %s", own);
    else if (f->on_delete == MF_CLEAR)
        cfg_error(r->e, &at, "'parent' of a tree is not cleared: restrict or cascade");
}

void mf_tree_parent(struct mf_reader *r, struct cfg_node *fields, struct mf_resource *res)
{
    const char *own = arena_printf(r->a, "%s.%s", r->m->id, res->name).p;
    if (res->parent || (res->traits & MF_APPEND_ONLY))
        cfg_error(r->e, fields, "a tree is neither append_only nor edited within a parent");
    for (size_t i = 0; i < res->n_fields; i++) {
        if (strcmp(res->fields[i].name, "parent") != 0) continue;
        check_declared(r, &res->fields[i], own);
        return;
    }
    struct mf_field *all = ARENA_ARRAY(r->a, struct mf_field, res->n_fields + 1);
    if (res->n_fields) memcpy(all, res->fields, res->n_fields * sizeof *all);
    all[res->n_fields++] = (struct mf_field){.name = "parent",
                                             .type = MF_REF,
                                             .title = {"上级", "Parent"},
                                             .to = own,
                                             .line = res->line,
                                             .column = res->column};
    res->fields = all;
}
