/* A condition's tree to SQL. Columns are the registry's; every value is bound. */
#define LOG_ROOM "model"
#include "model/custom.h"
#include "model/value.h"

struct out {
    struct arena *a;
    struct buf text;
    struct frag *f;
    const struct cond_at *at;
    unsigned cap;
    struct err *err;
};

static int complain(struct out *o, const char *code, const struct cond *c, unsigned i)
{
    bool value = i < c->n_vals;
    return cond_fail(o->err, code, value ? c->vals[i].at : c->at, value ? c->vals[i].text : SV(""),
                     c->col->f->name);
}

static struct frag_arg *arg(struct out *o, enum frag_var var, struct store_val v)
{
    struct frag *f = o->f;
    if (f->n_args == o->cap) {
        unsigned cap = o->cap ? o->cap * 2 : 8;
        struct frag_arg *grown = ARENA_ARRAY(o->a, struct frag_arg, cap);
        if (f->n_args) memcpy(grown, f->args, f->n_args * sizeof *f->args);
        f->args = grown;
        o->cap = cap;
    }
    f->args[f->n_args] = (struct frag_arg){.var = var, .v = v};
    return &f->args[f->n_args++];
}

/* Binds one value at a '?' that the caller writes. */
static int bind(struct out *o, const struct cond *c, unsigned i)
{
    if (c->vals[i].var == VAR_DEPTS) return complain(o, "filter_depts", c, i);
    if (c->vals[i].var != VAR_VALUE) {
        if (c->col->kind != COL_ID) return complain(o, "filter_not_ref", c, i);
        arg(o, c->vals[i].var, STORE_N);
        return 0;
    }
    struct store_val v;
    if (!value_of_text(c->col, c->vals[i].text, o->a, &v))
        return complain(o, "filter_bad_value", c, i);
    arg(o, VAR_VALUE, v);
    return 0;
}

/* ---- dates in words --------------------------------------------------------------- */

static void edge(struct out *o, const struct cond *c, unsigned i, const char *op, bool end)
{
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, op);
    buf_chr(&o->text, '?');
    struct frag_arg *a = arg(o, VAR_TIME, STORE_N);
    a->when = c->vals[i].when;
    a->end = end;
    a->date = c->col->kind == COL_DATE;
}

/* A period's column of dates has a last day; one of times has a moment that is
 * no longer in it. `now` is a moment, or as a date its day. */
static void period(struct out *o, const struct cond *c, unsigned i, enum cond_op op)
{
    bool moment = c->vals[i].when.base == REL_NOW && c->col->kind == COL_TIME;
    bool open = c->col->kind == COL_TIME && !moment;
    switch (op) {
    case OP_LT:
        edge(o, c, i, "<", false);
        return;
    case OP_GE:
        edge(o, c, i, ">=", false);
        return;
    case OP_LE:
        edge(o, c, i, open ? "<" : "<=", true);
        return;
    case OP_GT:
        edge(o, c, i, open ? ">=" : ">", true);
        return;
    default:
        buf_chr(&o->text, '(');
        edge(o, c, i, ">=", false);
        buf_str(&o->text, " AND ");
        edge(o, c, i, open ? "<" : "<=", true);
        buf_chr(&o->text, ')');
    }
}

/* ---- tests ------------------------------------------------------------------------ */

static int compare(struct out *o, const struct cond *c, const char *op)
{
    if (c->vals[0].var == VAR_TIME) {
        period(o, c, 0, c->op);
        return 0;
    }
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, op);
    buf_sv(&o->text, c->col->param);
    return bind(o, c, 0);
}

/* "is not x" holds for an empty field too. */
static int differs(struct out *o, const struct cond *c)
{
    if (c->vals[0].var == VAR_TIME) {
        buf_chr(&o->text, '(');
        period(o, c, 0, OP_EQ);
        buf_str(&o->text, " IS NOT TRUE)");
        return 0;
    }
    buf_chr(&o->text, '(');
    if (compare(o, c, "<>") < 0) return -1;
    buf_str(&o->text, " OR ");
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, " IS NULL)");
    return 0;
}

static bool any_period(const struct cond *c)
{
    for (unsigned i = 0; i < c->n_vals; i++)
        if (c->vals[i].var == VAR_TIME) return true;
    return false;
}

static int between(struct out *o, const struct cond *c)
{
    if (!any_period(c)) {
        buf_sv(&o->text, c->col->ident);
        buf_printf(&o->text, " BETWEEN %.*s AND %.*s", SVARG(c->col->param), SVARG(c->col->param));
        return bind(o, c, 0) < 0 ? -1 : bind(o, c, 1);
    }
    struct cond low = *c, high = *c;
    low.op = OP_GE;
    high.op = OP_LE;
    low.n_vals = high.n_vals = 1;
    high.vals = c->vals + 1;
    buf_chr(&o->text, '(');
    if (compare(o, &low, ">=") < 0) return -1;
    buf_str(&o->text, " AND ");
    if (compare(o, &high, "<=") < 0) return -1;
    buf_chr(&o->text, ')');
    return 0;
}

static int in_periods(struct out *o, const struct cond *c)
{
    if (c->n_vals > 1) buf_chr(&o->text, '(');
    for (unsigned i = 0; i < c->n_vals; i++) {
        struct cond one = *c;
        one.op = OP_EQ;
        one.vals = c->vals + i;
        one.n_vals = 1;
        if (i) buf_str(&o->text, " OR ");
        if (compare(o, &one, "=") < 0) return -1;
    }
    if (c->n_vals > 1) buf_chr(&o->text, ')');
    return 0;
}

static int in_list(struct out *o, const struct cond *c)
{
    if (c->n_vals == 1 && c->vals[0].var == VAR_DEPTS) {
        if (c->col->kind != COL_ID) return complain(o, "filter_not_ref", c, 0);
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, " IN \1");
        arg(o, VAR_DEPTS, STORE_N);
        o->f->by_depts = true;
        return 0;
    }
    if (any_period(c)) return in_periods(o, c);
    /* Padded to a power of two, as sql_in_ids is and for the same reason. */
    unsigned slots = 1;
    while (slots < c->n_vals)
        slots *= 2;
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, " IN (");
    for (unsigned i = 0; i < slots; i++) {
        if (i) buf_chr(&o->text, ',');
        buf_sv(&o->text, c->col->param);
        if (bind(o, c, i < c->n_vals ? i : c->n_vals - 1) < 0) return -1;
    }
    buf_chr(&o->text, ')');
    return 0;
}

static int like(struct out *o, const struct cond *c)
{
    if (c->col->kind != COL_TEXT) return complain(o, "filter_not_text", c, 0);
    sv text = c->vals[0].text;
    struct buf b = BUF_IN(o->a);
    if (c->op != OP_STARTS) buf_chr(&b, '%');
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("%_|", text.p[i]) && text.p[i]) buf_chr(&b, '|');
        buf_chr(&b, text.p[i]);
    }
    if (c->op != OP_ENDS) buf_chr(&b, '%');
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, " LIKE ? ESCAPE '|'");
    arg(o, VAR_VALUE, STORE_S(b.n ? buf_view(&b) : SV("")));
    return 0;
}

/* Codes of regions are digits of province, city and county, with zeros behind. */
static int in_region(struct out *o, const struct cond *c)
{
    sv code = c->vals[0].text;
    if (c->vals[0].var != VAR_VALUE || !text_region(code))
        return complain(o, "filter_bad_value", c, 0);
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, " LIKE ?");
    arg(o, VAR_VALUE, STORE_S(arena_printf(o->a, "%.*s%%", SVARG(text_region_prefix(code)))));
    return 0;
}

/* An item of a set: an id, or a text of its options. */
static int bind_item(struct out *o, const struct cond *c, unsigned i)
{
    const struct mf_field *f = c->col->f;
    sv text = c->vals[i].text;
    int64_t id = 0;
    bool ok = !c->col->many || sv_i64(text, &id);
    if (c->vals[i].var != VAR_VALUE) {
        if (!c->col->many || c->vals[i].var == VAR_DEPTS)
            return complain(o, "filter_not_ref", c, i);
        arg(o, c->vals[i].var, STORE_N);
        return 0;
    }
    for (size_t k = 0; f->n_options && k <= f->n_options; k++) {
        ok = k < f->n_options && sv_eqs(text, f->options[k].code);
        if (ok) break;
    }
    if (!ok) return complain(o, "filter_bad_value", c, i);
    arg(o, VAR_VALUE, c->col->many ? STORE_I(id) : STORE_S(arena_sv(o->a, text)));
    return 0;
}

/* Any of them, by the table of links. */
static int has(struct out *o, const struct cond *c)
{
    unsigned slots = 1;
    if (!c->col->link.n) return complain(o, "filter_not_set", c, 0);
    while (slots < c->n_vals)
        slots *= 2;
    buf_printf(&o->text, "`id` IN (SELECT `row` FROM %.*s WHERE `value` IN (", SVARG(c->col->link));
    for (unsigned i = 0; i < slots; i++) {
        buf_str(&o->text, i ? ",?" : "?");
        if (bind_item(o, c, i < c->n_vals ? i : c->n_vals - 1) < 0) return -1;
    }
    buf_str(&o->text, "))");
    return 0;
}

/* The branch that begins with the value, that row included. */
static int under(struct out *o, const struct cond *c)
{
    if (c->col->part_of && c->col->f->type == MF_TEXT) return in_region(o, c);
    if (!c->col->tree) return complain(o, "filter_not_tree", c, 0);
    if (c->col->link.n) {
        buf_printf(&o->text,
                   "`id` IN (SELECT `row` FROM %.*s WHERE `value` IN (SELECT `descendant` FROM "
                   "`%s_tree` WHERE `ancestor`=?))",
                   SVARG(c->col->link), c->col->tree->table);
        return bind_item(o, c, 0);
    }
    buf_sv(&o->text, c->col->ident);
    buf_printf(&o->text, " IN (SELECT `descendant` FROM `%s_tree` WHERE `ancestor`=?)",
               c->col->tree->table);
    return bind(o, c, 0);
}

/* An encrypted column is compared by its hash: one for each key in use. */
static int by_hash(struct out *o, const struct cond *c)
{
    if (c->op == OP_NULL || c->op == OP_NOT_NULL) {
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, c->op == OP_NULL ? " IS NULL" : " IS NOT NULL");
        return 0;
    }
    if ((c->op != OP_EQ && c->op != OP_IN) || !c->col->hash.n || !o->at || !o->at->tenant)
        return complain(o, "filter_protected", c, 0);
    buf_sv(&o->text, c->col->hash);
    buf_str(&o->text, " IN (");
    for (unsigned i = 0, k = 0; i < c->n_vals; i++) {
        sv hashes[PROTECT_HASHES];
        unsigned n;
        if (protect_hashes(o->at->tenant, o->a, o->at->r, c->col, c->vals[i].text, hashes, &n,
                           o->err) < 0)
            return -1;
        for (unsigned h = 0; h < n; h++) {
            buf_str(&o->text, k++ ? ",?" : "?");
            arg(o, VAR_VALUE, STORE_S(hashes[h]));
        }
    }
    buf_chr(&o->text, ')');
    return 0;
}

static int write_cond(struct out *o, const struct cond *c);

/* A field of the tenant's, by the table beside the rows: the test is that of an
 * ordinary column of its type, on the column that holds such values. */
static int custom(struct out *o, const struct cond *c)
{
    const char *column = c->custom_field ? custom_column(c->custom_field->type) : NULL;
    bool none = c->op == OP_NULL || c->op == OP_NE;
    struct model_col col = {.f = c->custom_field, .name = c->custom};
    struct cond one = *c;
    if (!column) return complain(o, "filter_no_index", c, c->n_vals);
    col.kind = kind_of(c->custom_field->type == MF_MULTI_ENUM ? MF_TEXT : c->custom_field->type);
    col.param = col.kind == COL_DECIMAL ? SV("CAST(? AS DECIMAL(24,6))") : SV("?");
    col.ident = arena_printf(o->a, "`%s`", column);
    one.col = &col;
    one.custom = SV_NULL;
    if (c->op == OP_NE) one.op = OP_EQ;
    if (c->op == OP_NULL) one.op = OP_NOT_NULL;
    if (c->op == OP_HAS) one.op = OP_IN;
    buf_printf(&o->text, "`id` %sIN (SELECT `row` FROM `%s__custom` WHERE `field`=? AND ",
               none ? "NOT " : "", c->custom_in);
    arg(o, VAR_VALUE, STORE_S(arena_sv(o->a, c->custom)));
    if (write_cond(o, &one) < 0) return -1;
    buf_chr(&o->text, ')');
    return 0;
}

static int write_cond(struct out *o, const struct cond *c)
{
    if (c->col && c->col->sealed) return by_hash(o, c);
    if (c->custom.n) return custom(o, c);
    switch (c->op) {
    case OP_AND:
    case OP_OR:
        buf_chr(&o->text, '(');
        for (const struct cond *k = c->first; k; k = k->next) {
            if (k != c->first) buf_str(&o->text, c->op == OP_AND ? " AND " : " OR ");
            if (write_cond(o, k) < 0) return -1;
        }
        buf_chr(&o->text, ')');
        return 0;
    case OP_EQ:
        return compare(o, c, "=");
    case OP_NOT: /* also where the inside is neither true nor false: of empty fields */
        buf_chr(&o->text, '(');
        if (write_cond(o, c->first) < 0) return -1;
        buf_str(&o->text, " IS NOT TRUE)");
        return 0;
    case OP_NE:
        return differs(o, c);
    case OP_LT:
        return compare(o, c, "<");
    case OP_LE:
        return compare(o, c, "<=");
    case OP_GT:
        return compare(o, c, ">");
    case OP_GE:
        return compare(o, c, ">=");
    case OP_BETWEEN:
        return between(o, c);
    case OP_NULL:
    case OP_NOT_NULL:
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, c->op == OP_NULL ? " IS NULL" : " IS NOT NULL");
        return 0;
    case OP_IN:
        return in_list(o, c);
    case OP_UNDER:
        return under(o, c);
    case OP_LIKE:
    case OP_STARTS:
    case OP_ENDS:
        return like(o, c);
    case OP_HAS:
        return has(o, c);
    }
    return err_internal(o->err, "unknown operator %d", (int)c->op);
}

int cond_compile_for(const struct cond *c, const struct cond_at *at, struct arena *a,
                 struct frag *out, struct err *err)
{
    *out = (struct frag){0};
    struct out o = {.a = a, .text = BUF_IN(a), .f = out, .at = at, .err = err};
    if (write_cond(&o, c) < 0) return -1;
    out->text = buf_view(&o.text);
    return 0;
}

int cond_compile(const struct cond *c, struct arena *a, struct frag *out, struct err *err)
{
    return cond_compile_for(c, NULL, a, out, err);
}
