/* From the tables that are there to the tables that are wanted: one statement
 * per change, each of them harmless to data unless it is marked destructive. */
#include <stdlib.h>

#include "store/schema.h"

#define LOG_ROOM "store"

/* InnoDB indexes at most so many bytes of one column, utf8mb4 has up to 4 each. */
#define MAX_INDEX_BYTES 3072
#define TEXT_PREFIX 191

struct plan {
    struct store_conn *c;
    struct arena *a;
    struct err *err;
    struct live_table *live;
    bool allow_destructive;
    struct store_step *steps;
    size_t n, cap;
};

/* One more statement; `live`: the table it changes, NULL when it makes one. */
static struct store_step *step(struct plan *p, const struct live_table *live,
                               const struct buf *sql, sv why, enum store_how how)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 32;
        struct store_step *steps = ARENA_ARRAY(p->a, struct store_step, cap);
        if (p->n) memcpy(steps, p->steps, p->n * sizeof *steps);
        p->steps = steps;
        p->cap = cap;
    }
    struct store_step *s = &p->steps[p->n++];
    *s = (struct store_step){.sql = buf_view(sql), .why = why, .how = how};
    if (live) {
        s->table = live->name;
        s->rows = live->rows;
        s->bytes = live->bytes;
    }
    return s;
}

static int refuse(struct plan *p, const char *table, const char *column, const char *why)
{
    err_detail(p->err, "%s.%s: %s", table, column, why);
    return err_set(p->err, 409, "schema_conflict", table, column, NULL);
}

static struct buf alter(struct plan *p, const struct store_table *t)
{
    struct buf b = BUF_IN(p->a);
    buf_str(&b, "ALTER TABLE ");
    store_ident(&b, t->name);
    buf_chr(&b, ' ');
    return b;
}

static bool stop_at_first(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return false;
}

/* Does any row of the column meet "before `column` after"? */
static int any_row(struct plan *p, sv table, sv column, const char *before, const char *after,
                   bool *any)
{
    struct buf b = BUF_IN(p->a);
    buf_str(&b, "SELECT 1 FROM ");
    store_ident(&b, table.p);
    buf_printf(&b, " WHERE %s", before);
    store_ident(&b, column.p);
    buf_printf(&b, "%s LIMIT 1", after);
    *any = false;
    return store_run(p->c, buf_view(&b), NULL, 0, stop_at_first, any, p->err);
}

/* ---- columns ---------------------------------------------------------------- */

/* `actual` is what the table is called at the moment: a rename may be a step
 * of this very plan. */
static int plan_change(struct plan *p, const struct store_table *t, const struct live_table *table,
                       sv actual, const struct store_col *want, struct live_col *live)
{
    bool rename = !sv_ieq(live->name, sv_of(want->name));
    enum col_change change = coltype_change(want, live);
    bool any;
    if (change == COL_WIDEN_IF_JSON) {
        if (any_row(p, actual, live->name, "NOT JSON_VALID(", ")", &any) != 0) return -1;
        if (any) return refuse(p, t->name, want->name, "holds text that is not JSON");
        change = COL_WIDEN;
    }
    struct buf type = BUF_IN(p->a);
    if (coltype_write(&type, want) != 0) return refuse(p, t->name, want->name, "has no size");
    if (change == COL_NARROW) {
        sv why = arena_printf(p->a, "%.*s cannot become %.*s without loss",
                              SVARG(live->column_type), SVARG(buf_view(&type)));
        return refuse(p, t->name, want->name, why.p);
    }
    if (want->not_null && live->nullable) {
        if (any_row(p, actual, live->name, "", " IS NULL", &any) != 0) return -1;
        if (any) return refuse(p, t->name, want->name, "holds NULLs and cannot become NOT NULL");
    }
    bool same = change == COL_SAME && want->not_null == !live->nullable &&
                want->auto_inc == live->auto_inc && coltype_same_default(want, live);
    if (same && !rename) return 0;

    struct buf b = alter(p, t);
    if (rename) {
        buf_str(&b, "CHANGE COLUMN ");
        store_ident(&b, live->name.p);
        buf_chr(&b, ' ');
    } else {
        buf_str(&b, "MODIFY COLUMN ");
    }
    coltype_define(&b, want, true);
    sv why;
    if (rename)
        why = arena_printf(p->a, "rename column %s.%.*s to %s", t->name, SVARG(live->name),
                           want->name);
    else if (change == COL_WIDEN)
        why = arena_printf(p->a, "widen column %s.%s from %.*s to %.*s", t->name, want->name,
                           SVARG(live->column_type), SVARG(buf_view(&type)));
    else
        why = arena_printf(p->a, "change default or NULL of column %s.%s", t->name, want->name);
    bool nulls = want->not_null == !live->nullable;
    enum store_how how = nulls && coltype_instant(want, live) ? STORE_INSTANT
                         : change == COL_WIDEN                ? STORE_COPY
                                                              : STORE_ONLINE;
    step(p, table, &b, why, how);
    return 0;
}

/* The server renames the column in the indexes too; so does the picture of them. */
static void rename_in_picture(struct plan *p, struct live_table *live, struct live_col *col,
                              const char *name)
{
    for (struct live_idx *i = live->idx; i; i = i->next)
        for (struct live_part *part = i->parts; part; part = part->next)
            if (sv_ieq(part->column, col->name)) part->column = arena_sv(p->a, sv_of(name));
    col->name = arena_sv(p->a, sv_of(name));
}

static int plan_column(struct plan *p, const struct store_table *t, struct live_table *live,
                       sv actual, const struct store_col *want)
{
    struct live_col *col = schema_col(live, want->name);
    if (!col && want->was) col = schema_col(live, want->was);
    if (col) {
        col->wanted = true;
        if (plan_change(p, t, live, actual, want, col) != 0) return -1;
        rename_in_picture(p, live, col, want->name);
        return 0;
    }
    struct buf b = alter(p, t);
    buf_str(&b, "ADD COLUMN ");
    if (coltype_define(&b, want, true) != 0) return refuse(p, t->name, want->name, "has no size");
    step(p, live, &b, arena_printf(p->a, "add column %s.%s", t->name, want->name), STORE_INSTANT);
    return 0;
}

/* ---- indexes ----------------------------------------------------------------- */

static const struct store_col *column_of(const struct store_table *t, sv name)
{
    for (unsigned i = 0; i < t->n_cols; i++)
        if (sv_ieq(sv_of(t->cols[i].name), name)) return &t->cols[i];
    return NULL;
}

struct part {
    const char *name;
    bool desc;
    unsigned prefix;
};

/* Column k of an index. A long text is indexed by its beginning, which a unique
 * index cannot do. */
static int index_part(struct plan *p, const struct store_table *t, const struct store_idx *idx,
                      unsigned k, struct part *out)
{
    const char *name = idx->cols[k];
    bool desc = name[0] == '-';
    if (desc) name++;
    const struct store_col *col = column_of(t, sv_of(name));
    if (!col) return refuse(p, t->name, name, "is in an index but is no column");
    *out = (struct part){.name = name, .desc = desc};
    if (idx->fulltext) return 0;
    switch (col->type) {
    case STORE_COL_TEXT:
    case STORE_COL_JSON:
    case STORE_COL_BLOB:
        out->prefix = TEXT_PREFIX;
        break;
    case STORE_COL_VARCHAR:
        if (col->size > MAX_INDEX_BYTES / 4) out->prefix = MAX_INDEX_BYTES / 4;
        break;
    case STORE_COL_ASCII:
    case STORE_COL_BINARY:
        if (col->size > MAX_INDEX_BYTES) out->prefix = MAX_INDEX_BYTES;
        break;
    default:
        break;
    }
    if (idx->unique && out->prefix)
        return refuse(p, t->name, name, "is too long for a unique index");
    return 0;
}

static int index_define(struct plan *p, const struct store_table *t, const struct store_idx *idx,
                        struct buf *b)
{
    buf_str(b, idx->fulltext ? "FULLTEXT INDEX " : idx->unique ? "UNIQUE INDEX " : "INDEX ");
    store_ident(b, idx->name);
    for (unsigned k = 0; k < idx->n_cols; k++) {
        struct part part;
        if (index_part(p, t, idx, k, &part) != 0) return -1;
        buf_str(b, k ? ", " : " (");
        store_ident(b, part.name);
        if (part.prefix) buf_printf(b, "(%u)", part.prefix);
        if (part.desc && !idx->fulltext) buf_str(b, " DESC");
    }
    buf_chr(b, ')');
    return 0;
}

static int index_same(struct plan *p, const struct store_table *t, const struct store_idx *idx,
                      const struct live_idx *live, bool *same)
{
    *same = false;
    if (idx->unique != live->unique || idx->fulltext != live->fulltext) return 0;
    const struct live_part *l = live->parts;
    for (unsigned k = 0; k < idx->n_cols; k++, l = l->next) {
        struct part part;
        if (index_part(p, t, idx, k, &part) != 0) return -1;
        if (!l || !sv_ieq(l->column, sv_of(part.name))) return 0;
        if (idx->fulltext) continue;
        if (l->desc != part.desc || l->prefix != part.prefix) return 0;
    }
    *same = l == NULL;
    return 0;
}

static int plan_index(struct plan *p, const struct store_table *t, struct live_table *live,
                      const struct store_idx *idx)
{
    struct live_idx *l = schema_idx(live, idx->name);
    bool same = false;
    if (l) {
        l->wanted = true;
        if (index_same(p, t, idx, l, &same) != 0) return -1;
        if (same) return 0;
    }
    struct buf b = alter(p, t);
    if (l) {
        buf_str(&b, "DROP INDEX ");
        store_ident(&b, idx->name);
        buf_str(&b, ", ");
    }
    buf_str(&b, "ADD ");
    if (index_define(p, t, idx, &b) != 0) return -1;
    step(p, live, &b,
         arena_printf(p->a, "%s index %s.%s", l ? "rebuild" : "add", t->name, idx->name),
         idx->fulltext ? STORE_COPY : STORE_ONLINE);
    return 0;
}

static void primary_define(const struct store_table *t, struct buf *b)
{
    buf_str(b, "PRIMARY KEY");
    for (unsigned k = 0; k < t->n_primary; k++) {
        buf_str(b, k ? ", " : " (");
        store_ident(b, t->primary[k]);
    }
    buf_chr(b, ')');
}

static int plan_primary(struct plan *p, const struct store_table *t, struct live_table *live)
{
    struct live_idx *l = schema_idx(live, "PRIMARY");
    if (!t->n_primary) return 0;
    if (!l) {
        struct buf b = alter(p, t);
        buf_str(&b, "ADD ");
        primary_define(t, &b);
        step(p, live, &b, arena_printf(p->a, "add primary key of %s", t->name), STORE_COPY);
        return 0;
    }
    l->wanted = true;
    const struct live_part *part = l->parts;
    unsigned k = 0;
    while (k < t->n_primary && part && sv_ieq(part->column, sv_of(t->primary[k]))) {
        part = part->next;
        k++;
    }
    if (k == t->n_primary && !part) return 0;
    return refuse(p, t->name, t->primary[0], "the primary key cannot be changed");
}

/* ---- what nobody wants any more ------------------------------------------------ */

static bool uses(const struct live_idx *idx, sv column)
{
    for (const struct live_part *part = idx->parts; part; part = part->next)
        if (sv_ieq(part->column, column)) return true;
    return false;
}

static bool is_retired(const struct store_table *t, sv column)
{
    for (unsigned i = 0; i < t->n_retire; i++)
        if (sv_ieq(sv_of(t->retire[i]), column)) return true;
    return false;
}

static void plan_drop(struct plan *p, const struct store_table *t, struct live_table *live,
                      const struct live_col *col)
{
    struct buf b = alter(p, t);
    for (struct live_idx *i = live->idx; i; i = i->next) {
        if (i->wanted || !uses(i, col->name)) continue;
        i->wanted = true; /* gone: not again for the next column */
        buf_str(&b, "DROP INDEX ");
        store_ident(&b, i->name.p);
        buf_str(&b, ", ");
    }
    buf_str(&b, "DROP COLUMN ");
    store_ident(&b, col->name.p);
    step(p, live, &b,
         arena_printf(p->a, "drop retired column %s.%.*s", t->name, SVARG(col->name)),
         STORE_ONLINE)
        ->destructive = true;
}

/* A column that nobody writes any more must not refuse new rows. */
static void plan_relax(struct plan *p, const struct store_table *t, struct live_table *live,
                       const struct live_col *col)
{
    struct live_idx *primary = schema_idx(live, "PRIMARY");
    bool has_default = col->dflt.p && !sv_ieq(col->dflt, SV("NULL"));
    if (col->nullable || has_default || col->auto_inc) return;
    if (primary && uses(primary, col->name)) return;
    struct buf b = alter(p, t);
    buf_str(&b, "MODIFY COLUMN ");
    store_ident(&b, col->name.p);
    buf_printf(&b, " %.*s", SVARG(col->column_type));
    if (col->charset.p)
        buf_printf(&b, " CHARACTER SET %.*s COLLATE %.*s", SVARG(col->charset),
                   SVARG(col->collation));
    buf_str(&b, " NULL");
    if (col->json) {
        buf_str(&b, " CHECK (JSON_VALID(");
        store_ident(&b, col->name.p);
        buf_str(&b, "))");
    }
    step(p, live, &b,
         arena_printf(p->a, "let unused column %s.%.*s be NULL", t->name, SVARG(col->name)),
         STORE_ONLINE);
}

static void plan_leftovers(struct plan *p, const struct store_table *t, struct live_table *live)
{
    for (struct live_col *col = live->cols; col; col = col->next) {
        if (col->wanted) continue;
        bool retired = is_retired(t, col->name);
        if (retired && p->allow_destructive) {
            plan_drop(p, t, live, col);
            continue;
        }
        if (!retired)
            log_info("column %s.%.*s is in the database but in no manifest: left alone", t->name,
                     SVARG(col->name));
        plan_relax(p, t, live, col);
    }
    for (struct live_idx *i = live->idx; i; i = i->next)
        if (!i->wanted)
            log_info("index %s.%.*s is in the database but in no manifest: left alone", t->name,
                     SVARG(i->name));
}

/* Before the columns: one that is widened beyond an index's limit leaves it. */
static void plan_gone(struct plan *p, const struct store_table *t, struct live_table *live)
{
    for (unsigned i = 0; i < t->n_gone; i++) {
        struct live_idx *idx = schema_idx(live, t->gone[i]);
        bool wanted = !idx || idx->wanted;
        for (unsigned k = 0; k < t->n_idx; k++)
            wanted |= strcmp(t->idx[k].name, t->gone[i]) == 0;
        if (wanted) continue;
        idx->wanted = true; /* dealt with */
        struct buf b = alter(p, t);
        buf_str(&b, "DROP INDEX ");
        store_ident(&b, t->gone[i]);
        step(p, live, &b, arena_printf(p->a, "drop index %s.%s", t->name, t->gone[i]), STORE_INSTANT);
    }
}

/* ---- tables -------------------------------------------------------------------- */

static int plan_create(struct plan *p, const struct store_table *t)
{
    struct buf b = BUF_IN(p->a);
    buf_str(&b, "CREATE TABLE ");
    store_ident(&b, t->name);
    buf_str(&b, " (\n");
    for (unsigned i = 0; i < t->n_cols; i++) {
        buf_str(&b, i ? ",\n  " : "  ");
        if (coltype_define(&b, &t->cols[i], false) != 0)
            return refuse(p, t->name, t->cols[i].name, "has no size");
    }
    if (t->n_primary) {
        buf_str(&b, ",\n  ");
        primary_define(t, &b);
    }
    for (unsigned i = 0; i < t->n_idx; i++) {
        buf_str(&b, ",\n  ");
        if (index_define(p, t, &t->idx[i], &b) != 0) return -1;
    }
    buf_str(&b, "\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=" STORE_COLLATION);
    step(p, NULL, &b, arena_printf(p->a, "create table %s", t->name), STORE_INSTANT);
    return 0;
}

static int plan_table(struct plan *p, const struct store_table *t)
{
    struct live_table *live = schema_table(p->live, t->name);
    if (!live && t->was) live = schema_table(p->live, t->was);
    if (!live) return plan_create(p, t);
    sv actual = live->name;
    if (!sv_eqs(live->name, t->name)) {
        struct buf b = BUF_IN(p->a);
        buf_str(&b, "RENAME TABLE ");
        store_ident(&b, actual.p);
        buf_str(&b, " TO ");
        store_ident(&b, t->name);
        step(p, live, &b, arena_printf(p->a, "rename table %.*s to %s", SVARG(actual), t->name),
             STORE_INSTANT);
        live->name = arena_sv(p->a, sv_of(t->name));
    }
    plan_gone(p, t, live);
    for (unsigned i = 0; i < t->n_cols; i++)
        if (plan_column(p, t, live, actual, &t->cols[i]) != 0) return -1;
    if (plan_primary(p, t, live) != 0) return -1;
    for (unsigned i = 0; i < t->n_idx; i++)
        if (plan_index(p, t, live, &t->idx[i]) != 0) return -1;
    plan_leftovers(p, t, live);
    return 0;
}

int store_plan(struct store_conn *c, struct arena *a, const struct store_table *tables, size_t n,
               bool allow_destructive, struct store_plan *out, struct err *err)
{
    struct plan p = {.c = c, .a = a, .err = err, .allow_destructive = allow_destructive};
    if (schema_read(c, a, &p.live, err) != 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (plan_table(&p, &tables[i]) != 0) return -1;
    *out = (struct store_plan){.steps = p.steps, .n = p.n};
    return 0;
}
