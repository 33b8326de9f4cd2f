/* `import` of a resource: which of its fields a file may bring, and by what a row
 * of the file is known to be one that is there already. */
#include "config/manifest_reader.h"

static bool same_columns(const struct mf_index *x, const struct mf_import *im)
{
    if (!x->unique || x->n != im->n_key) return false;
    for (size_t i = 0; i < x->n; i++) {
        bool found = false;
        for (size_t k = 0; k < im->n_key; k++)
            found |= strcmp(x->cols[i], im->key[k]) == 0;
        if (!found) return false;
    }
    return true;
}

static bool is_unique(const struct mf_resource *res, const struct mf_import *im)
{
    if (im->n_key == 1) {
        const struct mf_field *f = mf_field_find(res, sv_of(im->key[0]));
        if (f && f->unique) return true;
    }
    for (size_t i = 0; i < res->n_indexes; i++)
        if (same_columns(&res->indexes[i], im)) return true;
    return false;
}

/* What a cell cannot say: bytes, and what nobody may write. */
static bool can_come(const struct mf_field *f)
{
    return !f->hidden && !f->read_only && f->type != MF_SEQUENCE && f->type != MF_IMAGE &&
           f->type != MF_FILE && f->type != MF_VIDEO && f->type != MF_IMAGES && f->type != MF_FILES;
}

static void read_actions(struct mf_reader *r, struct cfg_node *n, struct mf_import *im)
{
    static const char *const names[] = {"skip", "update", "fail"};
    struct cfg_names all = {0};
    size_t count;
    for (size_t i = 0; i < 3; i++)
        cfg_names_add(r->a, &all, names[i]);
    const char *const *list = cfg_texts(n, "on_match", &all, "action", &count, r->e);
    for (size_t i = 0; i < count && i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            if (strcmp(list[i], names[k]) == 0) im->on_match[im->n_on_match++] = (enum mf_on_match)k;
    if (!im->n_on_match) {
        im->on_match[im->n_on_match++] = MF_SKIP;
        im->on_match[im->n_on_match++] = MF_UPDATE;
        im->on_match[im->n_on_match++] = MF_FAIL;
    }
}

void mf_read_import(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *n = cfg_map(root, "import", r->e);
    struct mf_import *im = &res->import;
    struct cfg_names names = {0};
    if (!n) return;
    for (size_t i = 0; i < res->n_fields; i++)
        if (can_come(&res->fields[i])) cfg_names_add(r->a, &names, res->fields[i].name);
    im->on = true;
    im->key = cfg_texts(n, "key", &names, "field", &im->n_key, r->e);
    im->fields = cfg_texts(n, "fields", &names, "field", &im->n_fields, r->e);
    read_actions(r, n, im);
    if (im->n_key && !is_unique(res, im))
        cfg_error(r->e, cfg_get(n, "key"), "'key' must be a unique field or the columns of a unique index");
    if (im->n_key > 4) cfg_error(r->e, cfg_get(n, "key"), "'key' has at most 4 fields");
    if (res->internal || res->parent || (res->traits & MF_MANAGED))
        cfg_error(r->e, n, "rows of this resource are not created by people: no import");
    cfg_no_unknown(n, r->e);
}
