/* From headings to fields. */
#define LOG_ROOM "model"
#include "model/import.h"

/* Of a children field whose rows are one reference, such as the roles of staff. */
static const struct model_col *only_column(const struct model_child *k)
{
    const struct model_col *one = NULL;
    for (unsigned i = 0; i < k->res->n_cols; i++) {
        const struct model_col *c = &k->res->cols[i];
        if (c->system || c == k->by || c == k->position || c->f->hidden || c->f->read_only)
            continue;
        if (one) return NULL;
        one = c;
    }
    return one && one->ref && !one->file ? one : NULL;
}

static bool listed(const struct mf_import *im, const char *name)
{
    for (size_t i = 0; i < im->n_fields; i++)
        if (strcmp(im->fields[i], name) == 0) return true;
    return im->n_fields == 0;
}

unsigned import_fields(const struct model_resource *r, const struct model_policy *p,
                       struct arena *a, struct import_field **out)
{
    unsigned n = 0;
    *out = ARENA_ARRAY(a, struct import_field, r->mf->n_fields + 1);
    for (size_t i = 0; i < r->mf->n_fields; i++) {
        const struct mf_field *f = &r->mf->fields[i];
        struct import_field x = {.f = f, .col = col_find(r, sv_of(f->name))};
        x.kid = x.col ? NULL : kid_find(r, sv_of(f->name));
        if (f->hidden || f->read_only || f->type == MF_SEQUENCE || !listed(&r->mf->import, f->name))
            continue;
        if (x.kid) {
            x.one = only_column(x.kid);
            x.ref = x.one ? x.one->ref : NULL;
            x.may = colset_has(&p->writable, x.kid->at);
            if (!x.one) continue;
        } else if (!x.col || x.col->file || x.col->secret || f->type == MF_IMAGES ||
                   f->type == MF_FILES) {
            continue;
        } else {
            x.many = f->type == MF_REFS;
            x.ref = x.many ? model_find(r->model, sv_of(f->to)) : x.col->ref;
            x.may = colset_has(&p->writable, x.col->at);
        }
        (*out)[n++] = x;
    }
    return n;
}

/* ---- headings ------------------------------------------------------------------------ */

/* What a heading says, without decoration: "手机号 *（必填）" -> "手机号". */
static void plain(sv v, char out[128])
{
    size_t n = 0;
    unsigned inside = 0;
    v = import_trim(v);
    for (size_t i = 0; i < v.n && n < 127;) {
        sv rest = sv_make(v.p + i, v.n - i);
        if (sv_starts(rest, SV("（")) || rest.p[0] == '(') {
            inside++;
            i += rest.p[0] == '(' ? 1 : 3;
        } else if (sv_starts(rest, SV("）")) || rest.p[0] == ')') {
            if (inside) inside--;
            i += rest.p[0] == ')' ? 1 : 3;
        } else {
            char c = v.p[i++];
            if (inside || c == ' ' || c == '*' || c == '_' || c == '\n' || c == '\r') continue;
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        }
    }
    out[n] = '\0';
}

static bool names(const char *title, const char *heading)
{
    char text[128];
    plain(sv_of(title), text);
    return text[0] && strcmp(text, heading) == 0;
}

int import_match(const struct import_field *fields, unsigned n, sv heading)
{
    char text[128];
    sv whole = import_trim(heading);
    for (unsigned i = 0; i < n; i++) { /* as it stands, before what is alike */
        const struct mf_field *f = fields[i].f;
        if (sv_eqs(whole, f->title.zh) || sv_eqs(whole, f->title.en) || sv_eqs(whole, f->name))
            return (int)i;
    }
    plain(heading, text);
    for (unsigned i = 0; text[0] && i < n; i++) {
        const struct mf_field *f = fields[i].f;
        if (names(f->title.zh, text) || names(f->title.en, text) || names(f->name, text))
            return (int)i;
    }
    return -1;
}
