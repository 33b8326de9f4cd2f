/* What of a file is shown again: cells of fields that the caller sees masked are
 * masked here too, though he brought them, or they were brought by somebody else. */
#define LOG_ROOM "model"
#include "model/import.h"

static const struct mf_field *masked(const struct import_field *f, const struct model_policy *p)
{
    return f->col && colset_has(&p->masked, f->col->at) ? f->f : NULL;
}

static const struct mf_field *named(const struct import_field *fields, unsigned n, const char *name,
                                    const struct model_policy *p)
{
    for (unsigned i = 0; i < n && name; i++)
        if (strcmp(fields[i].f->name, name) == 0) return masked(&fields[i], p);
    return NULL;
}

/* A mapping can be taken back by whoever wants to see; the heading stays. */
const struct mf_field **import_masks(const struct import *im, struct model_ctx *c,
                                     const struct model_policy *p)
{
    struct import_field *fields;
    unsigned n = import_fields(im->r, p, c->arena, &fields);
    size_t columns = json_array_size(im->columns);
    const struct mf_field **out = ARENA_ARRAY(c->arena, const struct mf_field *, columns + 1);
    for (size_t i = 0; i < columns; i++) {
        int at = import_match(fields, n, json_get_sv(json_array_get(im->columns, i), "heading"));
        out[i] = named(fields, n, json_string_value(json_array_get(im->mapping, i)), p);
        if (!out[i] && at >= 0) out[i] = masked(&fields[at], p);
    }
    return out;
}

sv import_shown(const struct mf_field *const *masks, unsigned column, sv cell, struct arena *a)
{
    sv v = import_trim(cell);
    if (!masks || !masks[column] || !v.n) return cell;
    enum mf_type type = masks[column]->type; /* a mask counts characters: no blanks or dashes */
    return mask_text(a, type, type == MF_PHONE ? auth_normal(a, type, v) : v);
}

json_t *import_columns_shown(const struct import *im, struct model_ctx *c,
                             const struct model_policy *p)
{
    const struct mf_field **masks = import_masks(im, c, p);
    json_t *out = json_keep(c->arena, json_deep_copy(im->columns));
    for (unsigned i = 0; i < json_array_size(out); i++) {
        json_t *samples = json_object_get(json_array_get(out, i), "samples");
        for (size_t k = 0; masks[i] && k < json_array_size(samples); k++) {
            const json_t *one = json_array_get(samples, k);
            sv v = import_shown(masks, i, sv_make(json_string_value(one), json_string_length(one)),
                                c->arena);
            json_array_set_new(samples, k, json_stringn(v.p, v.n));
        }
    }
    return out;
}
