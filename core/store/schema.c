/* Reads information_schema into a picture that the planner can compare with. */
#include "store/schema.h"

struct reading {
    struct arena *a;
    bool mariadb;
    struct live_table *tables, *table; /* the one last met: rows come by table */
    struct live_col *col;
    struct live_idx *idx;
    struct live_part *part;
};

static sv text_of(struct reading *r, const struct store_val *v)
{
    bool has_text = v->type == STORE_TEXT || v->type == STORE_BLOB;
    return has_text ? arena_sv(r->a, v->u.s) : SV_NULL;
}

/* MariaDB tells a default as SQL, MySQL the bare text of a literal. */
static sv quoted(struct arena *a, sv text)
{
    struct buf b = BUF_IN(a);
    buf_chr(&b, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'' || text.p[i] == '\\') buf_chr(&b, '\\');
        buf_chr(&b, text.p[i]);
    }
    buf_chr(&b, '\'');
    return buf_view(&b);
}

static int64_t int_of(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

/* Positions r->table; makes it when `make`. */
static bool at_table(struct reading *r, sv name, bool make)
{
    if (r->table && sv_eq(r->table->name, name)) return true;
    struct live_table **p = &r->tables;
    while (*p && !sv_eq((*p)->name, name))
        p = &(*p)->next;
    if (!*p) {
        if (!make) return false;
        *p = ARENA_NEW(r->a, struct live_table);
        (*p)->name = arena_sv(r->a, name);
    }
    r->table = *p;
    r->col = NULL;
    r->idx = NULL;
    return true;
}

static bool on_column(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)n_cols;
    struct reading *r = arg;
    at_table(r, row[0].u.s, true);
    sv extra = text_of(r, &row[12]);
    struct live_col *col = ARENA_NEW(r->a, struct live_col);
    if (r->col)
        r->col->next = col;
    else
        r->table->cols = col;
    r->col = col;
    col->name = text_of(r, &row[1]);
    col->dflt = text_of(r, &row[2]);
    if (!r->mariadb && col->dflt.p && !strstr(extra.p, "DEFAULT_GENERATED"))
        col->dflt = quoted(r->a, col->dflt);
    col->nullable = sv_ieq(row[3].u.s, SV("YES"));
    col->data_type = text_of(r, &row[4]);
    col->length = (uint64_t)int_of(&row[5]);
    col->precision = (int)int_of(&row[6]);
    col->scale = (int)int_of(&row[7]);
    col->time_precision = (int)int_of(&row[8]);
    col->charset = text_of(r, &row[9]);
    col->collation = text_of(r, &row[10]);
    col->column_type = text_of(r, &row[11]);
    col->is_unsigned = col->column_type.p && strstr(col->column_type.p, "unsigned");
    col->auto_inc = strstr(extra.p, "auto_increment") != NULL;
    return true;
}

static bool on_index(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)n_cols;
    struct reading *r = arg;
    if (!at_table(r, row[0].u.s, false)) return true;
    if (!r->idx || !sv_eq(r->idx->name, row[1].u.s)) {
        struct live_idx *idx = ARENA_NEW(r->a, struct live_idx);
        if (r->idx)
            r->idx->next = idx;
        else
            r->table->idx = idx;
        r->idx = idx;
        r->part = NULL;
        idx->name = text_of(r, &row[1]);
        idx->unique = int_of(&row[2]) == 0;
        idx->fulltext = sv_ieq(row[3].u.s, SV("FULLTEXT"));
    }
    struct live_part *part = ARENA_NEW(r->a, struct live_part);
    if (r->part)
        r->part->next = part;
    else
        r->idx->parts = part;
    r->part = part;
    part->column = text_of(r, &row[4]);
    part->desc = row[5].type == STORE_TEXT && sv_eqs(row[5].u.s, "D");
    part->prefix = (unsigned)int_of(&row[6]);
    return true;
}

/* The check of a JSON column reads "json_valid(`name`)". */
static bool on_check(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)n_cols;
    struct reading *r = arg;
    if (!at_table(r, row[0].u.s, false)) return true;
    sv clause = text_of(r, &row[1]), rest, name;
    const char *at = clause.p ? strstr(clause.p, "json_valid(`") : NULL;
    if (!at) return true;
    name = sv_cut(sv_of(at + 12), '`', &rest);
    struct live_col *col = schema_col(r->table, arena_str(r->a, name));
    if (col) col->json = true;
    return true;
}

static bool on_size(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct reading *r = arg;
    (void)n_cols;
    for (struct live_table *t = r->tables; t; t = t->next) {
        if (!sv_eq(t->name, row[0].u.s)) continue;
        if (row[1].type == STORE_I64) t->rows = (uint64_t)row[1].u.i;
        if (row[2].type == STORE_I64) t->bytes = (uint64_t)row[2].u.i;
        break;
    }
    return true;
}

int schema_read(struct store_conn *c, struct arena *a, struct live_table **out, struct err *err)
{
    if (conn_ready(c, err) != 0) return -1;
    struct reading r = {.a = a, .mariadb = mariadb_connection(c->my)};
    sv columns = SV("SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, "
                    "CAST(CHARACTER_MAXIMUM_LENGTH AS SIGNED), CAST(NUMERIC_PRECISION AS SIGNED), "
                    "CAST(NUMERIC_SCALE AS SIGNED), CAST(DATETIME_PRECISION AS SIGNED), "
                    "CHARACTER_SET_NAME, COLLATION_NAME, COLUMN_TYPE, EXTRA "
                    "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
                    "ORDER BY TABLE_NAME, ORDINAL_POSITION");
    sv indexes = SV("SELECT TABLE_NAME, INDEX_NAME, CAST(NON_UNIQUE AS SIGNED), INDEX_TYPE, "
                    "COLUMN_NAME, COLLATION, CAST(SUB_PART AS SIGNED) "
                    "FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() "
                    "ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX");
    /* the name of a check is unique per table in one, per schema in the other */
    sv checks = r.mariadb ? SV("SELECT TABLE_NAME, CHECK_CLAUSE "
                               "FROM information_schema.CHECK_CONSTRAINTS "
                               "WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY TABLE_NAME")
                          : SV("SELECT t.TABLE_NAME, c.CHECK_CLAUSE "
                               "FROM information_schema.CHECK_CONSTRAINTS c "
                               "JOIN information_schema.TABLE_CONSTRAINTS t "
                               "USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME) "
                               "WHERE t.CONSTRAINT_SCHEMA = DATABASE() ORDER BY t.TABLE_NAME");
    sv sizes = SV("SELECT TABLE_NAME, CAST(TABLE_ROWS AS SIGNED), "
                  "CAST(DATA_LENGTH + INDEX_LENGTH AS SIGNED) "
                  "FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()");
    if (store_run(c, columns, NULL, 0, on_column, &r, err) != 0) return -1;
    if (store_run(c, sizes, NULL, 0, on_size, &r, err) != 0) return -1;
    r.table = NULL;
    if (store_run(c, indexes, NULL, 0, on_index, &r, err) != 0) return -1;
    r.table = NULL;
    if (store_run(c, checks, NULL, 0, on_check, &r, err) != 0) return -1;
    *out = r.tables;
    return 0;
}

struct live_table *schema_table(struct live_table *list, const char *name)
{
    while (list && !sv_eqs(list->name, name))
        list = list->next;
    return list;
}

struct live_col *schema_col(struct live_table *t, const char *name)
{
    struct live_col *col = t->cols;
    while (col && !sv_ieq(col->name, sv_of(name)))
        col = col->next;
    return col;
}

struct live_idx *schema_idx(struct live_table *t, const char *name)
{
    struct live_idx *idx = t->idx;
    while (idx && !sv_ieq(idx->name, sv_of(name)))
        idx = idx->next;
    return idx;
}
