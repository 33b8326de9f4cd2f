/* protect: {store: encrypted | plain, show: masked | plain, find: exact | none} */
#include "config/manifest_reader.h"

bool mf_can_be_masked(enum mf_type t)
{
    switch (t) {
    case MF_TEXT:
    case MF_LONGTEXT:
    case MF_PHONE:
    case MF_EMAIL:
    case MF_LINK:
    case MF_ID_NUMBER:
        return true;
    default:
        return false;
    }
}

bool mf_protected(const struct mf_resource *res, sv field)
{
    const struct mf_field *f = mf_field_find(res, field);
    return f && (f->protect.encrypted || f->protect.masked);
}

void mf_read_protect(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    static const char *const stores[] = {"plain", "encrypted", NULL};
    static const char *const shows[] = {"plain", "masked", NULL};
    static const char *const finds[] = {"none", "exact", NULL};
    struct cfg_node *m = cfg_map(n, "protect", r->e);
    if (!m) return;
    f->protect.encrypted = cfg_choice(m, "store", stores, 0, r->e) == 1;
    f->protect.masked = cfg_choice(m, "show", shows, 0, r->e) == 1;
    f->protect.exact = cfg_choice(m, "find", finds, 0, r->e) == 1;
    cfg_no_unknown(m, r->e);
    /* "contains" would read it out letter by letter, or finds nothing at all */
    if (f->search)
        cfg_error(r->e, cfg_get(n, "search"), "a protected field cannot be searched");
    if (f->unique && f->protect.encrypted && !f->protect.exact)
        cfg_error(r->e, m, "an encrypted field that is unique needs 'find: exact'");
    if (cfg_get(n, "default") && f->protect.encrypted)
        cfg_error(r->e, cfg_get(n, "default"), "an encrypted field has no default");
}
