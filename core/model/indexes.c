/* Indexes of a resource and what they cover.
 *
 * Beside the declared ones the engine adds: one per unique field and sequence,
 * per reference (deleting what is referred to must find us), per owner and dept
 * (scopes), on created_at where rows are edited (append-only rows come in the
 * order of their ids anyway, and each index costs a hot writer), on deleted_at,
 * and for the columns that scopes go by. InnoDB appends the id to each, which the keyset pages use.
 * Where rows go into a bin every index ends with `live`: unique ones because only live rows must
 * differ, the others so that counting live rows reads the index alone. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

/* An index entry holds at most 3072 bytes: 768 characters of utf8mb4. */
#define MAX_INDEXED_CHARS 700
/* InnoDB takes 64 beside the primary key; what is added for speed stops before. */
#define MAX_INDEXES 60

static const char *bare(const char *col)
{
    return col[0] == '-' ? col + 1 : col;
}

static const char *index_name(struct arena *a, char kind, const char *const *cols, size_t n)
{
    struct buf b = BUF_IN(a);
    buf_chr(&b, kind);
    for (size_t i = 0; i < n; i++) {
        buf_chr(&b, '_');
        buf_str(&b, bare(cols[i]));
    }
    if (b.n <= 60) return arena_str(a, buf_view(&b));
    return arena_str(a, arena_printf(a, "%.40s_%016llx", arena_str(a, buf_view(&b)),
                                     (unsigned long long)sv_hash(buf_view(&b))));
}

/* Is there an index that begins with this column? */
static bool leads(const struct model_resource *r, const char *col)
{
    for (unsigned i = 0; i < r->n_indexes; i++)
        if (strcmp(bare(r->indexes[i].cols[0]), col) == 0) return true;
    return false;
}

static void add(struct model_resource *r, struct arena *a, const char *const *cols, size_t n,
                bool unique, const struct model_col *blame)
{
    struct model_index *x = &r->indexes[r->n_indexes++];
    x->name = index_name(a, unique ? 'u' : 'i', cols, n);
    x->cols = ARENA_ARRAY(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        x->cols[i] = cols[i];
    x->n = (unsigned)n;
    x->unique = unique;
    x->blame = blame;
    if (r->live && strcmp(cols[0], "deleted_at") != 0) x->cols[x->n++] = "live";
}

static void add_one(struct model_resource *r, struct arena *a, const char *col)
{
    if (!leads(r, col)) add(r, a, &col, 1, false, NULL);
}

static bool indexable(const struct model_col *c)
{
    if (c->kind == COL_JSON || c->f->type == MF_LONGTEXT || c->f->type == MF_RICHTEXT) return false;
    return c->kind != COL_TEXT || !c->f->has_max || c->f->max <= MAX_INDEXED_CHARS;
}

/* Is there an index of these columns, and no others but `live`? */
static bool exact(const struct model_resource *r, const char *const *cols, unsigned n)
{
    for (unsigned i = 0; i < r->n_indexes; i++) {
        const struct model_index *x = &r->indexes[i];
        bool same = x->n == n || (x->n == n + 1 && r->live && strcmp(x->cols[n], "live") == 0);
        for (unsigned k = 0; same && k < n; k++)
            same = strcmp(x->cols[k], cols[k]) == 0;
        if (same) return true;
    }
    return false;
}

static void add_exact(struct model_resource *r, struct arena *a, const char *const *cols,
                      unsigned n)
{
    if (r->n_indexes < MAX_INDEXES && !exact(r, cols, n)) add(r, a, cols, n, false, NULL);
}

/* What plan.c asks for: per column that a scope goes by, its rows in the order
 * of their ids and in each declared order. */
static void add_for_scopes(struct model_resource *r, struct arena *a)
{
    struct arena *scratch = arena_new(0);
    struct colset by = {{0}};
    for (size_t i = 0; i < r->mf->n_scopes; i++) {
        struct cond *c = NULL;
        struct err err = {0};
        if (cond_parse(r, scratch, r->mf->scopes[i].expr, true, &c, &err) == 0)
            branch_drivers(c, scratch, &by);
    }
    arena_free(scratch);
    for (unsigned i = 0; i < r->n_cols; i++) {
        if (!colset_has(&by, i) || !indexable(&r->cols[i])) continue;
        const char *cols[2] = {r->cols[i].f->name};
        add_exact(r, a, cols, 1);
        for (size_t k = 0; k < r->mf->n_list_sorts; k++) {
            const struct model_col *s = col_find(r, sv_of(bare(r->mf->list_sorts[k])));
            if (!s || s == r->id || s == r->created_at || s->at == i || !indexable(s)) continue;
            cols[1] = s->f->name;
            add_exact(r, a, cols, 2);
        }
        /* Few values, many rows each: the tabs above somebody's list. */
        for (size_t k = 0; k < r->mf->n_list_filters; k++) {
            const struct model_col *f = col_find(r, sv_of(r->mf->list_filters[k]));
            if (!f || f->f->type != MF_ENUM || f->at == i) continue;
            cols[1] = f->f->name;
            add_exact(r, a, cols, 2);
        }
    }
}

static void add_declared(struct model_resource *r, struct arena *a, const struct mf_index *x,
                         struct cfg_errors *e)
{
    const struct model_col *blame = NULL;
    if (x->n == 0) return;
    for (size_t i = 0; i < x->n; i++) {
        const struct model_col *c = col_find(r, sv_of(bare(x->cols[i])));
        if (!c) {
            seal_error(e, r->mf, NULL, "indexes: there is no column \"%s\"", bare(x->cols[i]));
            return;
        }
        if (!indexable(c)) {
            seal_error(e, r->mf, c->f, "indexes: \"%s\" is too long for an index", c->f->name);
            return;
        }
        /* A duplicate is told at the last field that somebody types in. */
        if (!c->system) blame = c;
    }
    add(r, a, x->cols, x->n, x->unique, blame);
}

void indexes_build(struct model_resource *r, struct arena *a, struct cfg_errors *e)
{
    const struct mf_resource *mf = r->mf;
    r->indexes =
        ARENA_ARRAY(a, struct model_index, mf->n_indexes + 2 * (size_t)r->n_cols + MAX_INDEXES);
    for (size_t i = 0; i < mf->n_indexes; i++)
        add_declared(r, a, &mf->indexes[i], e);
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (!c->f->unique && c->f->type != MF_SEQUENCE) continue;
        if (c->sealed)
            add(r, a, &c->hash_name, 1, true, c);
        else if (!indexable(c))
            seal_error(e, mf, c->f, "\"%s\" is too long to be unique", c->f->name);
        else
            add(r, a, &c->f->name, 1, true, c);
    }
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        /* created_by is kept when a member of staff goes, so nobody looks it up. */
        bool ref = c->kind == COL_ID && c != r->id && c != r->created_by;
        if (ref) add_one(r, a, c->f->name);
        if (c->hash_name) add_one(r, a, c->hash_name);
    }
    if (!has_trait(r, MF_APPEND_ONLY) && !mf->internal && !mf->parent) add_one(r, a, "created_at");
    if (r->deleted_at) add_one(r, a, "deleted_at");
    add_for_scopes(r, a);
}

static bool declared_filter(const struct mf_resource *mf, const char *col)
{
    for (size_t i = 0; i < mf->n_list_filters; i++)
        if (strcmp(mf->list_filters[i], col) == 0) return true;
    return false;
}

/* Within an index behind columns that the page filters by as well. */
static bool follows_filters(const struct model_resource *r, const char *col)
{
    for (unsigned i = 0; i < r->n_indexes; i++) {
        const struct model_index *x = &r->indexes[i];
        for (unsigned k = 0; k < x->n; k++) {
            if (strcmp(bare(x->cols[k]), col) == 0) return true;
            if (!declared_filter(r->mf, bare(x->cols[k]))) break;
        }
    }
    return false;
}

static void check_scope(const struct model_resource *r, size_t i, struct cfg_errors *e);

/* Marks what may be filtered and sorted by, and complains of what is declared
 * and not covered. */
void indexes_check(const struct model_resource *r, struct cfg_errors *e)
{
    const struct mf_resource *mf = r->mf;
    for (unsigned i = 0; i < r->n_cols; i++) {
        struct model_col *c = &r->cols[i];
        bool hashed = c->sealed && c->hash_name;
        bool first = c == r->id || leads(r, hashed ? c->hash_name : c->f->name);
        c->filter = first || c->f->search || c->link.n || c == r->custom;
        /* Ids rise with time, so created_at is ordered by the primary key. */
        c->sort = (first && c->kind != COL_JSON && !c->sealed) || c == r->created_at;
    }
    for (size_t i = 0; i < mf->n_list_filters; i++) {
        const struct model_col *c = col_find(r, sv_of(mf->list_filters[i]));
        if (!c) {
            seal_error(e, mf, NULL, "views.list.filters: there is no column \"%s\"",
                       mf->list_filters[i]);
        } else if (!c->filter && !follows_filters(r, c->f->name)) {
            seal_error(e, mf, c->f,
                       "views.list.filters: no index covers \"%s\"; add one to `indexes`",
                       c->f->name);
        } else {
            r->cols[c->at].filter = true;
        }
    }
    for (size_t i = 0; i < mf->n_list_sorts; i++) {
        const struct model_col *c = col_find(r, sv_of(bare(mf->list_sorts[i])));
        if (!c)
            seal_error(e, mf, NULL, "views.list.sort: there is no column \"%s\"",
                       bare(mf->list_sorts[i]));
        else if (!c->sort)
            seal_error(e, mf, c->f, "views.list.sort: no index begins with \"%s\"", c->f->name);
    }
    for (size_t i = 0; i < mf->n_scopes; i++)
        check_scope(r, i, e);
}

static bool scope_col_ok(void *arg, const struct model_col *c)
{
    const struct model_col **bad = arg;
    if (c->filter) return true;
    *bad = c;
    return false;
}

static const char *complaint(struct arena *a, const struct err *err)
{
    struct buf b = BUF_IN(a);
    if (!err->n_fields) return err->code;
    msg_format(&b, "en", err->fields[0].code, err->fields[0].args);
    return arena_str(a, buf_view(&b));
}

static void check_scope(const struct model_resource *r, size_t i, struct cfg_errors *e)
{
    const struct mf_scope *s = &r->mf->scopes[i];
    struct arena *a = arena_new(0);
    struct cond *c = NULL;
    struct err err = {0};
    struct frag f = {0};
    const struct model_col *bad = NULL;
    if (cond_parse(r, a, s->expr, true, &c, &err) < 0 || cond_compile(c, a, &f, &err) < 0)
        seal_error(e, r->mf, NULL, "scopes.%s: %s", s->name, complaint(a, &err));
    else if (!cond_each_col(c, scope_col_ok, &bad))
        seal_error(e, r->mf, bad->f, "scopes.%s: no index covers \"%s\"; add one to `indexes`",
                   s->name, bad->f->name);
    arena_free(a);
}
