/* compute: "price * area / 100": a small language over the fields of one row,
 * read into a tree with types, so that nothing can go wrong but a value that is
 * not there.
 *
 *   or    = and { "or" and }            and = not { "and" not }
 *   not   = [ "not" ] test              test = sum [ ("=" | "!=" | "<" | ...) sum ]
 *   sum   = product { ("+" | "-") product }
 *   product = unary { ("*" | "/") unary }   unary = [ "-" ] atom
 *   atom  = number | 'text' | true | false | field | function "(" or { "," or } ")" | "(" or ")"
 */
#include "config/manifest_reader.h"

#define MAX_DEPTH 16
#define MAX_ARGS 16
#define MAX_TEXT 1000

enum tok { T_END, T_NUMBER, T_TEXT, T_NAME, T_OP, T_BAD };

struct expr_reader {
    struct mf_reader *r;
    const struct mf_resource *res;
    const struct mf_field *own;
    const struct cfg_node *at;
    sv rest, text;
    enum tok tok;
    unsigned depth;
    bool failed;
};

static struct mf_expr *fail(struct expr_reader *x, const char *what, sv at)
{
    if (!x->failed)
        cfg_error(x->r->e, x->at, at.n ? "'compute': %s at '%.*s'" : "'compute': %s", what,
                  CFG_SHOW(at));
    x->failed = true;
    return NULL;
}

/* ---- tokens ----------------------------------------------------------------------- */

static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static void cut(struct expr_reader *x, enum tok tok, size_t n)
{
    x->tok = tok;
    x->text = sv_make(x->rest.p, n);
    x->rest = sv_make(x->rest.p + n, x->rest.n - n);
}

static void next(struct expr_reader *x)
{
    x->rest = sv_trim(x->rest);
    sv t = x->rest;
    size_t n = 1;
    if (!t.n) {
        x->tok = T_END;
        x->text = SV("");
        return;
    }
    if (in(t.p[0], "'\"")) {
        while (n < t.n && t.p[n] != t.p[0])
            n++;
        cut(x, n < t.n ? T_TEXT : T_BAD, n < t.n ? n + 1 : n);
        if (x->tok == T_TEXT) x->text = sv_make(x->text.p + 1, x->text.n - 2);
    } else if (t.p[0] >= '0' && t.p[0] <= '9') {
        while (n < t.n && ((t.p[n] >= '0' && t.p[n] <= '9') || t.p[n] == '.'))
            n++;
        cut(x, T_NUMBER, n);
    } else if (name_char(t.p[0])) {
        while (n < t.n && name_char(t.p[n]))
            n++;
        cut(x, T_NAME, n);
    } else if (in(t.p[0], "+-*/(),=<>!")) {
        if (t.n > 1 && in(t.p[0], "=<>!") && t.p[1] == '=') n = 2;
        cut(x, T_OP, n);
    } else {
        cut(x, T_BAD, 1);
    }
}

static bool is(const struct expr_reader *x, enum tok tok, const char *text)
{
    return x->tok == tok && sv_eqs(x->text, text);
}

static struct mf_expr *node(struct expr_reader *x, enum mf_expr_op op, enum mf_expr_kind kind)
{
    struct mf_expr *e = ARENA_NEW(x->r->a, struct mf_expr);
    e->op = op;
    e->kind = kind;
    e->args = ARENA_ARRAY(x->r->a, const struct mf_expr *, MAX_ARGS);
    return e;
}

/* ---- atoms ------------------------------------------------------------------------ */

static int kind_of_type(enum mf_type t)
{
    switch (t) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
    case MF_DECIMAL:
        return MF_K_NUMBER;
    case MF_BOOL:
        return MF_K_BOOL;
    case MF_DATE:
    case MF_DATETIME:
        return MF_K_DAY;
    case MF_TEXT:
    case MF_LONGTEXT:
    case MF_ENUM:
    case MF_PHONE:
    case MF_EMAIL:
    case MF_LINK:
    case MF_ID_NUMBER:
    case MF_TIME:
        return MF_K_TEXT;
    default:
        return -1;
    }
}

static struct mf_expr *field(struct expr_reader *x)
{
    const struct mf_field *f = mf_field_find(x->res, x->text);
    struct cfg_names all = {0};
    if (!f) {
        for (size_t i = 0; i < x->res->n_fields; i++)
            cfg_names_add(x->r->a, &all, x->res->fields[i].name);
        cfg_no_such(x->r->e, x->at, "field", x->text, &all);
        x->failed = true;
        return NULL;
    }
    int kind = kind_of_type(f->type);
    if (kind < 0) return fail(x, "a field of this type cannot be computed with", x->text);
    if (f->computed && f >= x->own)
        return fail(x, "a computed field may only use those that stand before it", x->text);
    if ((f->protect.encrypted && !x->own->protect.encrypted) ||
        (f->protect.masked && !x->own->protect.masked))
        return fail(x, "what is made of a protected field must be protected alike", x->text);
    struct mf_expr *e = node(x, MF_EX_FIELD, (enum mf_expr_kind)kind);
    e->field = f;
    next(x);
    return e;
}

static struct mf_expr *read_or(struct expr_reader *x);

static bool arguments(struct expr_reader *x, struct mf_expr *e)
{
    next(x); /* the parenthesis */
    do {
        if (e->n == MAX_ARGS) return fail(x, "too many arguments", SV(""));
        if (e->n) next(x);
        const struct mf_expr *one = read_or(x);
        if (!one) return false;
        e->args[e->n++] = one;
    } while (is(x, T_OP, ","));
    if (!is(x, T_OP, ")")) return fail(x, "')' is missing", x->text);
    next(x);
    return true;
}

static bool wants(const struct mf_expr *e, unsigned i, enum mf_expr_kind kind)
{
    return i < e->n && e->args[i]->kind == kind;
}

static struct mf_expr *function(struct expr_reader *x, sv name)
{
    static const struct {
        const char *name;
        enum mf_expr_op op;
        enum mf_expr_kind kind;
    } all[] = {{"if", MF_EX_IF, MF_K_TEXT},
               {"concat", MF_EX_CONCAT, MF_K_TEXT},
               {"round", MF_EX_ROUND, MF_K_NUMBER},
               {"coalesce", MF_EX_COALESCE, MF_K_TEXT},
               {"days", MF_EX_DAYS, MF_K_NUMBER}};
    struct mf_expr *e = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all && !e; i++)
        if (sv_eqs(name, all[i].name)) e = node(x, all[i].op, all[i].kind);
    if (!e) return fail(x, "there are if, concat, round, coalesce and days, and no", name);
    if (!arguments(x, e)) return NULL;
    bool right = true;
    if (e->op == MF_EX_IF) {
        right = e->n == 3 && wants(e, 0, MF_K_BOOL) && e->args[1]->kind == e->args[2]->kind;
        if (right) e->kind = e->args[1]->kind;
    } else if (e->op == MF_EX_ROUND) {
        right = wants(e, 0, MF_K_NUMBER) &&
                (e->n == 1 || (e->n == 2 && e->args[1]->op == MF_EX_NUMBER &&
                               e->args[1]->units % 1000000 == 0 && e->args[1]->units <= 6000000));
    } else if (e->op == MF_EX_DAYS) {
        right = e->n == 2 && wants(e, 0, MF_K_DAY) && wants(e, 1, MF_K_DAY);
    } else if (e->op == MF_EX_COALESCE) {
        e->kind = e->args[0]->kind;
        for (unsigned i = 1; i < e->n; i++)
            right = right && e->args[i]->kind == e->kind;
    }
    return right ? e : fail(x, "wrong arguments", name);
}

static struct mf_expr *atom(struct expr_reader *x)
{
    struct mf_expr *e;
    sv name = x->text;
    if (x->tok == T_NUMBER) {
        e = node(x, MF_EX_NUMBER, MF_K_NUMBER);
        if (!decimal_parse(name, 6, &e->units)) return fail(x, "not a number", name);
        next(x);
        return e;
    }
    if (x->tok == T_TEXT) {
        e = node(x, MF_EX_TEXT, MF_K_TEXT);
        e->text = arena_sv(x->r->a, name);
        next(x);
        return e;
    }
    if (is(x, T_NAME, "true") || is(x, T_NAME, "false")) {
        e = node(x, MF_EX_BOOL, MF_K_BOOL);
        e->units = name.n == 4;
        next(x);
        return e;
    }
    if (x->tok == T_NAME && sv_trim(x->rest).n && sv_trim(x->rest).p[0] == '(') {
        next(x);
        return function(x, name);
    }
    if (x->tok == T_NAME) return field(x);
    if (!is(x, T_OP, "(")) return fail(x, "a value is missing", x->text);
    next(x);
    e = read_or(x);
    if (e && !is(x, T_OP, ")")) return fail(x, "')' is missing", x->text);
    next(x);
    return e;
}

/* ---- operators -------------------------------------------------------------------- */

static struct mf_expr *join(struct expr_reader *x, enum mf_expr_op op, enum mf_expr_kind of,
                            enum mf_expr_kind kind, const struct mf_expr *a,
                            const struct mf_expr *b)
{
    if (!a || (op != MF_EX_NEG && op != MF_EX_NOT && !b)) return NULL;
    if (a->kind != of || (b && b->kind != of))
        return fail(x, of == MF_K_NUMBER ? "numbers are wanted" : "conditions are wanted",
                    of == MF_K_NUMBER ? x->text : SV(""));
    struct mf_expr *e = node(x, op, kind);
    e->args[e->n++] = a;
    if (b) e->args[e->n++] = b;
    return e;
}

static struct mf_expr *unary(struct expr_reader *x)
{
    if (!is(x, T_OP, "-")) return atom(x);
    next(x);
    return join(x, MF_EX_NEG, MF_K_NUMBER, MF_K_NUMBER, atom(x), NULL);
}

static struct mf_expr *product(struct expr_reader *x)
{
    struct mf_expr *e = unary(x);
    while (e && (is(x, T_OP, "*") || is(x, T_OP, "/"))) {
        enum mf_expr_op op = x->text.p[0] == '*' ? MF_EX_MUL : MF_EX_DIV;
        next(x);
        e = join(x, op, MF_K_NUMBER, MF_K_NUMBER, e, unary(x));
    }
    return e;
}

static struct mf_expr *sum(struct expr_reader *x)
{
    struct mf_expr *e = product(x);
    while (e && (is(x, T_OP, "+") || is(x, T_OP, "-"))) {
        enum mf_expr_op op = x->text.p[0] == '+' ? MF_EX_ADD : MF_EX_SUB;
        next(x);
        e = join(x, op, MF_K_NUMBER, MF_K_NUMBER, e, product(x));
    }
    return e;
}

static struct mf_expr *test(struct expr_reader *x)
{
    static const struct {
        const char *text;
        enum mf_expr_op op;
    } ops[] = {{"=", MF_EX_EQ},  {"==", MF_EX_EQ}, {"!=", MF_EX_NE}, {"<", MF_EX_LT},
               {"<=", MF_EX_LE}, {">", MF_EX_GT},  {">=", MF_EX_GE}};
    struct mf_expr *a = sum(x);
    for (size_t i = 0; a && x->tok == T_OP && i < sizeof ops / sizeof *ops; i++) {
        if (!sv_eqs(x->text, ops[i].text)) continue;
        next(x);
        struct mf_expr *b = sum(x);
        return b ? join(x, ops[i].op, a->kind, MF_K_BOOL, a, b) : NULL;
    }
    return a;
}

static struct mf_expr *read_not(struct expr_reader *x)
{
    if (!is(x, T_NAME, "not")) return test(x);
    next(x);
    return join(x, MF_EX_NOT, MF_K_BOOL, MF_K_BOOL, test(x), NULL);
}

static struct mf_expr *read_and(struct expr_reader *x)
{
    struct mf_expr *e = read_not(x);
    while (e && is(x, T_NAME, "and")) {
        next(x);
        e = join(x, MF_EX_AND, MF_K_BOOL, MF_K_BOOL, e, read_not(x));
    }
    return e;
}

static struct mf_expr *read_or(struct expr_reader *x)
{
    if (++x->depth > MAX_DEPTH) return fail(x, "nested too deeply", SV(""));
    struct mf_expr *e = read_and(x);
    while (e && is(x, T_NAME, "or")) {
        next(x);
        e = join(x, MF_EX_OR, MF_K_BOOL, MF_K_BOOL, e, read_and(x));
    }
    x->depth--;
    return e;
}

/* ---- the key ---------------------------------------------------------------------- */

static bool result_fits(enum mf_type t, enum mf_expr_kind k)
{
    return k == MF_K_TEXT ? t == MF_TEXT || t == MF_LONGTEXT : kind_of_type(t) == (int)k;
}

void mf_read_compute(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    struct cfg_node *c = cfg_get(n, "compute");
    if (!c) return;
    f->computed = f->read_only = true;
    if (f->required || cfg_get(n, "default"))
        cfg_error(r->e, c, "a computed field is neither required nor has it a default");
    if (c->kind != CFG_MAP) {
        cfg_want(c, CFG_SCALAR, r->e);
        return; /* the rest when all fields are known */
    }
    f->compute_hook = mf_bind(r, c, "hook", MF_H_CHECK, true);
    cfg_no_unknown(c, r->e);
}

void mf_check_compute(struct mf_reader *r, const struct mf_resource *res, struct cfg_node *n,
                      struct mf_field *f)
{
    struct cfg_node *c = cfg_get(n, "compute");
    if (!c || c->kind != CFG_SCALAR) return;
    struct expr_reader x = {.r = r, .res = res, .own = f, .at = c, .rest = c->scalar};
    if (c->scalar.n > MAX_TEXT) {
        fail(&x, "too long", SV(""));
        return;
    }
    next(&x);
    const struct mf_expr *e = read_or(&x);
    if (e && x.tok != T_END) e = fail(&x, "unexpected", x.text);
    if (e && !result_fits(f->type, e->kind))
        e = fail(&x, "the result is none of this type", SV(""));
    f->compute = e;
    f->compute_text = c->scalar;
}
