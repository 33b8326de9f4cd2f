/* A condition's tree to SQL. Columns are the registry's; every value is bound. */
#define LOG_ROOM "model"
#include "model/internal.h"

struct out {
    struct arena *a;
    struct buf text;
    struct frag *f;
    unsigned cap;
    struct err *err;
};

static int complain(struct out *o, const char *what, const struct cond *c, sv value)
{
    sv text = value.p ? arena_printf(o->a, "%s %s: \"%.*s\"", c->col->f->name, what,
                                     (int)(value.n > 60 ? 60 : value.n), value.p)
                      : arena_printf(o->a, "%s %s", c->col->f->name, what);
    return err_set(o->err, 400, "bad_filter", text.p, NULL);
}

static void arg(struct out *o, enum frag_var var, struct store_val v)
{
    struct frag *f = o->f;
    if (f->n_args == o->cap) {
        unsigned cap = o->cap ? o->cap * 2 : 8;
        void *grown = arena_alloc(o->a, cap * sizeof *f->args);
        if (f->n_args) memcpy(grown, f->args, f->n_args * sizeof *f->args);
        f->args = grown;
        o->cap = cap;
    }
    f->args[f->n_args].var = var;
    f->args[f->n_args++].v = v;
}

/* Binds one value at a '?' that the caller writes. */
static int bind(struct out *o, const struct cond *c, unsigned i)
{
    if (c->vals[i].var == VAR_DEPTS)
        return complain(o, "needs `in` with a list of departments", c, SV_NULL);
    if (c->vals[i].var != VAR_VALUE) {
        if (c->col->kind != COL_ID) return complain(o, "is not a reference", c, SV_NULL);
        arg(o, c->vals[i].var, STORE_N);
        return 0;
    }
    struct store_val v;
    if (!value_of_text(c->col, c->vals[i].text, o->a, &v))
        return complain(o, "cannot be", c, c->vals[i].text);
    arg(o, VAR_VALUE, v);
    return 0;
}

static int compare(struct out *o, const struct cond *c, const char *op)
{
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, op);
    buf_chr(&o->text, '?');
    return bind(o, c, 0);
}

static int in_list(struct out *o, const struct cond *c)
{
    if (c->n_vals == 1 && c->vals[0].var == VAR_DEPTS) {
        if (c->col->kind != COL_ID) return complain(o, "is not a reference", c, SV_NULL);
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, " IN \1");
        arg(o, VAR_DEPTS, STORE_N);
        o->f->by_depts = true;
        return 0;
    }
    /* Padded to a power of two, as sql_in_ids is and for the same reason. */
    unsigned slots = 1;
    while (slots < c->n_vals)
        slots *= 2;
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, " IN (");
    for (unsigned i = 0; i < slots; i++) {
        buf_str(&o->text, i ? ",?" : "?");
        if (bind(o, c, i < c->n_vals ? i : c->n_vals - 1) < 0) return -1;
    }
    buf_chr(&o->text, ')');
    return 0;
}

static int contains(struct out *o, const struct cond *c)
{
    if (c->col->kind != COL_TEXT) return complain(o, "is not text", c, SV_NULL);
    sv text = c->vals[0].text;
    struct buf b = BUF_IN(o->a);
    buf_chr(&b, '%');
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("%_|", text.p[i]) && text.p[i]) buf_chr(&b, '|');
        buf_chr(&b, text.p[i]);
    }
    buf_chr(&b, '%');
    buf_sv(&o->text, c->col->ident);
    buf_str(&o->text, " LIKE ? ESCAPE '|'");
    arg(o, VAR_VALUE, STORE_S(buf_view(&b)));
    return 0;
}

/* The branch that begins with the value, that row included. */
static int under(struct out *o, const struct cond *c)
{
    if (!c->col->tree) return complain(o, "is not of a tree", c, SV_NULL);
    buf_sv(&o->text, c->col->ident);
    buf_printf(&o->text, " IN (SELECT `descendant` FROM `%s_tree` WHERE `ancestor`=?)",
               c->col->tree->table);
    return bind(o, c, 0);
}

static int write_cond(struct out *o, const struct cond *c)
{
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
    case OP_NE: /* "is not x" holds for an empty field too */
        buf_chr(&o->text, '(');
        if (compare(o, c, "<>") < 0) return -1;
        buf_str(&o->text, " OR ");
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, " IS NULL)");
        return 0;
    case OP_LT:
        return compare(o, c, "<");
    case OP_LE:
        return compare(o, c, "<=");
    case OP_GT:
        return compare(o, c, ">");
    case OP_GE:
        return compare(o, c, ">=");
    case OP_BETWEEN:
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, " BETWEEN ? AND ?");
        return bind(o, c, 0) < 0 ? -1 : bind(o, c, 1);
    case OP_NULL:
    case OP_NOT_NULL:
        buf_sv(&o->text, c->col->ident);
        buf_str(&o->text, c->op == OP_NULL ? " IS NULL" : " IS NOT NULL");
        return 0;
    case OP_IN:
        return in_list(o, c);
    case OP_LIKE:
        return contains(o, c);
    case OP_UNDER:
        return under(o, c);
    }
    return err_internal(o->err, "unknown operator %d", (int)c->op);
}

int cond_compile(const struct cond *c, struct arena *a, struct frag *out, struct err *err)
{
    *out = (struct frag){0};
    struct out o = {.a = a, .text = BUF_IN(a), .f = out, .err = err};
    if (write_cond(&o, c) < 0) return -1;
    out->text = buf_view(&o.text);
    return 0;
}
