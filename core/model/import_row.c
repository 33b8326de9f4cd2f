/* Rows of a file as bodies of the API. */
#define LOG_ROOM "model"
#include "model/batch.h"
#include "model/import.h"

#include <stdio.h>

/* ---- the mapping --------------------------------------------------------------------- */

static int field_named(const struct import_run *run, sv name)
{
    for (unsigned i = 0; i < run->n_fields; i++)
        if (sv_eqs(name, run->fields[i].f->name)) return (int)i;
    return -1;
}

/* Each column's field; complaints name the column by its number, from 0. */
static void read_mapping(struct import_run *run, struct err *err)
{
    bool *taken = ARENA_ARRAY(run->c->arena, bool, run->n_fields + 1);
    for (unsigned i = 0; i < run->n_columns; i++) {
        const json_t *v = json_array_get(run->im->mapping, i);
        char path[24];
        run->by_column[i] = -1;
        snprintf(path, sizeof path, "mapping.%u", i);
        if (!v || json_is_null(v)) continue;
        int at = field_named(run, sv_of(json_string_value(v)));
        if (at < 0)
            err_field(err, path, "unknown_field", NULL);
        else if (taken[at])
            err_field(err, path, "duplicate", NULL);
        else if (!run->fields[at].may)
            err_field(err, path, "forbidden", NULL);
        if (at < 0) continue;
        taken[at] = true;
        run->by_column[i] = at;
    }
    for (unsigned i = 0; i < run->n_fields; i++) {
        const struct mf_field *f = run->fields[i].f;
        /* Fields of rows that are there already may be left out; of new ones not. */
        if (!taken[i] && f->required && !f->has_default && !f->visible_if.n &&
            run->im->on_match != MF_UPDATE)
            err_field(err, f->name, "import_no_column", NULL);
    }
}

static int column_of(const struct import_run *run, const char *field)
{
    for (unsigned i = 0; i < run->n_columns; i++)
        if (run->by_column[i] >= 0 &&
            strcmp(run->fields[run->by_column[i]].f->name, field) == 0)
            return (int)i;
    return -1;
}

static void find_keys(struct import_run *run, struct err *err)
{
    const struct mf_import *im = &run->im->r->mf->import;
    run->keys = ARENA_ARRAY(run->c->arena, int, im->n_key + 1);
    for (size_t i = 0; i < im->n_key; i++) {
        run->keys[i] = column_of(run, im->key[i]);
        if (run->keys[i] < 0 && run->im->on_match != MF_FAIL)
            err_field(err, im->key[i], "import_no_column", NULL);
        if (run->keys[i] < 0) return;
    }
    run->n_keys = (unsigned)im->n_key;
}

static int load_dicts(struct import_run *run, struct err *err)
{
    struct store_conn *conn;
    int rc = 0;
    if (store_get(run->c->tenant->db, &conn, err) < 0) return -1;
    for (unsigned i = 0; rc == 0 && i < run->n_fields; i++)
        if (run->fields[i].f->dictionary)
            rc = dict_load(conn, run->c->arena, run->fields[i].f->dictionary, &run->fields[i].dict,
                           err);
    store_put(conn);
    return rc;
}

/* What others would have to agree to row by row is refused as a whole; where that
 * depends on the row, the row is. */
static int agreed(const struct import_run *run, struct err *err)
{
    const char **names = ARENA_ARRAY(run->c->arena, const char *, run->n_columns + 1);
    size_t n = 0;
    for (unsigned i = 0; i < run->n_columns; i++)
        if (run->by_column[i] >= 0) names[n++] = run->fields[run->by_column[i]].f->name;
    if (approval_never(run->im->r, run->c, "create", names, n, err) < 0) return -1;
    return run->im->on_match == MF_UPDATE
               ? approval_never(run->im->r, run->c, "update", names, n, err)
               : 0;
}

int import_run_start(struct import_run *run, struct import *im, struct model_ctx *c,
                     struct err *err)
{
    *run = (struct import_run){.im = im, .c = c};
    run->p = policy_of(im->r, c->who, c->arena, err);
    if (!run->p) return -1;
    if (!run->p->can_create || !auth_can(c->who, im->r->name, SV("import")) ||
        (im->on_match == MF_UPDATE && !run->p->can_update))
        return policy_refuse(c->who, err);
    run->n_fields = import_fields(im->r, run->p, c->arena, &run->fields);
    run->n_columns = (unsigned)json_array_size(im->columns);
    run->by_column = ARENA_ARRAY(c->arena, int, run->n_columns + 1);
    read_mapping(run, err);
    find_keys(run, err);
    if (err_is(err) || agreed(run, err) < 0 || load_dicts(run, err) < 0) return -1;
    run->together = batch_can(im->r, im->on_match == MF_UPDATE);
    for (unsigned i = 0; i < run->n_columns; i++) {
        struct import_field *f = run->by_column[i] >= 0 ? &run->fields[run->by_column[i]] : NULL;
        if (!f || !f->ref) continue;
        f->refs = import_refs_new(f->ref, c, err);
        if (!f->refs) return -1;
    }
    return 0;
}

void import_run_end(struct import_run *run)
{
    for (unsigned i = 0; i < run->n_fields; i++)
        import_refs_free(run->fields[i].refs);
}

/* ---- bodies -------------------------------------------------------------------------- */

const struct import_field *import_field_of(const struct import_run *run, unsigned column)
{
    return column < run->n_columns && run->by_column[column] >= 0
               ? &run->fields[run->by_column[column]]
               : NULL;
}

static unsigned names_of(const struct import_field *f, sv cell, sv *out)
{
    if (f->kid || f->many) return import_split(cell, true, out, 64);
    out[0] = import_trim(cell);
    return out[0].n > 0;
}

static int want_names(const struct import_run *run, struct import_line *const *rows, unsigned n,
                      struct store_conn *conn, struct err *err)
{
    for (unsigned k = 0; k < run->n_columns; k++) {
        const struct import_field *f = import_field_of(run, k);
        if (!f || !f->refs) continue;
        import_refs_trim(f->refs);
        for (unsigned i = 0; i < n; i++) {
            sv names[64];
            unsigned count = k < rows[i]->n ? names_of(f, rows[i]->cells[k], names) : 0;
            for (unsigned x = 0; x < count; x++)
                import_refs_want(f->refs, names[x]);
        }
        if (import_refs_load(f->refs, conn, err) < 0) return -1;
    }
    return 0;
}

static json_t *id_json(int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    return json_string(text);
}

static void put_names(const struct import_field *f, sv cell, json_t *body, struct err *err)
{
    sv names[64];
    unsigned n = names_of(f, cell, names);
    json_t *list = f->kid || f->many ? json_array() : NULL;
    for (unsigned i = 0; i < n; i++) {
        int64_t id;
        if (import_refs_find(f->refs, names[i], &id, f->f->name, err) < 0) continue;
        if (!list) {
            json_object_set_new(body, f->f->name, id_json(id));
            continue;
        }
        if (f->many) {
            json_array_append_new(list, id_json(id));
            continue;
        }
        json_t *row = json_object();
        json_object_set_new(row, f->one->f->name, id_json(id));
        json_array_append_new(list, row);
    }
    if (list && n)
        json_object_set_new(body, f->f->name, list);
    else
        json_decref(list);
}

/* Titles of a tenant's dictionary as its codes; what is neither stays, to be refused. */
static sv dict_codes(const struct import_field *f, sv cell, struct arena *a)
{
    sv parts[64];
    struct buf b = BUF_IN(a);
    bool one = f->f->type == MF_ENUM;
    unsigned n = one ? 1 : import_split(cell, true, parts, 64);
    if (one) parts[0] = import_trim(cell);
    for (unsigned i = 0; i < n; i++) {
        sv code = parts[i];
        for (size_t k = 0; k < f->dict.n; k++)
            if (!f->dict.items[k].off && sv_ieq(parts[i], f->dict.items[k].title))
                code = f->dict.items[k].code;
        if (i) buf_chr(&b, ';');
        buf_sv(&b, code);
    }
    return b.p ? buf_view(&b) : SV("");
}

static void make_body(const struct import_run *run, struct import_line *row, struct arena *a)
{
    json_t *body = json_keep(a, json_object());
    err_clear(&row->err);
    for (unsigned k = 0; k < row->n && k < run->n_columns; k++) {
        const struct import_field *f = import_field_of(run, k);
        json_t *v = NULL;
        if (!f) continue;
        if (f->refs) {
            put_names(f, row->cells[k], body, &row->err);
        } else if (import_cell(f->f, f->dict.n ? dict_codes(f, row->cells[k], a) : row->cells[k],
                               run->c->tenant->utc_offset, a, &v,
                               &row->err) == 0 &&
                   v) {
            json_object_set_new(body, f->f->name, v);
        }
    }
    row->body = body;
}

int import_bodies(const struct import_run *run, struct import_line *const *rows, unsigned n,
                  struct store_conn *conn, struct arena *a, struct err *err)
{
    if (want_names(run, rows, n, conn, err) < 0) return -1;
    for (unsigned i = 0; i < n; i++)
        make_body(run, rows[i], a);
    return import_find_matches(run, rows, n, conn, a, err);
}
