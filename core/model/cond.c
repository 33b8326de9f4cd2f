/* The language of filters and scopes: text to tree.
 *
 *   or    = and { "or" and }
 *   and   = term { "and" term }
 *   term  = "(" or ")" | column test
 *   test  = ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~") value
 *         | "in" (list | variable) | "between" list | "under" value
 *         | "null" | "!null"
 *   list  = "(" value { "," value } ")"
 *   value = "\"" text "\"" | bare word | variable
 *
 * Scopes may also say "==" and the variables $user, $user.dept, $user.depts
 * (also written $user.dept_tree). Everything is bounded. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_TEXT 4096
#define MAX_DEPTH 16
#define MAX_TERMS 64
#define MAX_LIST 100

enum tok { T_END, T_WORD, T_STRING, T_OP, T_OPEN, T_CLOSE, T_COMMA, T_BAD };

struct lex {
    const struct model_resource *r;
    struct arena *a;
    const char *p, *end;
    enum tok tok;
    sv text; /* of the token; a string's without quotes and escapes */
    bool scope;
    unsigned depth, terms;
    struct err *err;
};

static int complain(struct lex *l, const char *what, sv at)
{
    sv text = at.n ? arena_printf(l->a, "%s \"%.*s\"", what, (int)(at.n > 60 ? 60 : at.n), at.p)
                   : sv_of(what);
    return err_set(l->err, 400, "bad_filter", text.p, NULL);
}

static bool is_word(char c)
{
    return !strchr(" \t\r\n(),\"=!<>~", c);
}

static void lex_string(struct lex *l)
{
    struct buf b = BUF_IN(l->a);
    buf_reserve(&b, 1);
    const char *p = l->p + 1;
    for (; p < l->end && *p != '"'; p++) {
        if (*p == '\\' && p + 1 < l->end) p++;
        buf_chr(&b, *p);
    }
    l->tok = p < l->end ? T_STRING : T_BAD;
    l->text = l->tok == T_STRING ? buf_view(&b) : (sv){l->p, (size_t)(l->end - l->p)};
    l->p = p < l->end ? p + 1 : p;
}

static void next(struct lex *l)
{
    while (l->p < l->end && strchr(" \t\r\n", *l->p))
        l->p++;
    if (l->p == l->end) {
        l->tok = T_END;
        l->text = SV("");
        return;
    }
    const char *from = l->p;
    char c = *from;
    if (c == '"') {
        lex_string(l);
        return;
    }
    if (c == '\0') {
        l->tok = T_BAD;
    } else if (c == '(' || c == ')' || c == ',') {
        l->tok = c == '(' ? T_OPEN : c == ')' ? T_CLOSE : T_COMMA;
        l->p++;
    } else if (!is_word(c)) {
        l->tok = T_OP;
        l->p++;
        if (l->p < l->end && *l->p == '=' && c != '~') l->p++;
    } else {
        l->tok = T_WORD;
        while (l->p < l->end && *l->p && is_word(*l->p))
            l->p++;
    }
    l->text = (sv){from, (size_t)(l->p - from)};
}

static bool word(const struct lex *l, const char *w)
{
    return l->tok == T_WORD && sv_eqs(l->text, w);
}

static struct cond *node(struct lex *l, enum cond_op op)
{
    struct cond *c = ARENA_NEW(l->a, struct cond);
    c->op = op;
    return c;
}

static int variable(struct lex *l, enum frag_var *out)
{
    if (sv_eqs(l->text, "$user"))
        *out = VAR_USER;
    else if (sv_eqs(l->text, "$user.dept"))
        *out = VAR_DEPT;
    else if (sv_eqs(l->text, "$user.depts") || sv_eqs(l->text, "$user.dept_tree"))
        *out = VAR_DEPTS;
    else
        return complain(l, "unknown variable", l->text);
    return 0;
}

static int value(struct lex *l, struct cond *c)
{
    if (l->tok != T_WORD && l->tok != T_STRING)
        return complain(l, "a value is missing at", l->text);
    if (c->n_vals == MAX_LIST) return complain(l, "too many values", SV(""));
    enum frag_var var = VAR_VALUE;
    if (l->scope && l->tok == T_WORD && l->text.n && l->text.p[0] == '$' && variable(l, &var) < 0)
        return -1;
    if (!c->vals) c->vals = arena_calloc(l->a, MAX_LIST, sizeof *c->vals);
    c->vals[c->n_vals].var = var;
    c->vals[c->n_vals].text = l->text;
    c->vals[c->n_vals++].quoted = l->tok == T_STRING;
    next(l);
    return 0;
}

static int list(struct lex *l, struct cond *c)
{
    if (l->scope && l->tok == T_WORD && l->text.n && l->text.p[0] == '$') return value(l, c);
    if (l->tok != T_OPEN) return complain(l, "\"(\" is missing at", l->text);
    do {
        next(l);
        if (value(l, c) < 0) return -1;
    } while (l->tok == T_COMMA);
    if (l->tok != T_CLOSE) return complain(l, "\")\" is missing at", l->text);
    next(l);
    return 0;
}

static int operator_test(struct lex *l, struct cond *c)
{
    static const struct {
        const char *text;
        enum cond_op op;
    } ops[] = {{"=", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT},  {"<=", OP_LE},
               {">", OP_GT}, {">=", OP_GE}, {"~", OP_LIKE}};
    sv op = l->text;
    next(l);
    if (sv_eqs(op, "!") && word(l, "null")) {
        c->op = OP_NOT_NULL;
        next(l);
        return 0;
    }
    if (l->scope && sv_eqs(op, "==")) op = SV("=");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!sv_eqs(op, ops[i].text)) continue;
        c->op = ops[i].op;
        return value(l, c);
    }
    return complain(l, "unknown operator", op);
}

static int test(struct lex *l, struct cond *c)
{
    if (l->tok == T_OP) return operator_test(l, c);
    if (word(l, "null")) {
        c->op = OP_NULL;
        next(l);
        return 0;
    }
    if (word(l, "in")) {
        c->op = OP_IN;
        next(l);
        return list(l, c);
    }
    if (word(l, "under")) {
        c->op = OP_UNDER;
        next(l);
        return value(l, c);
    }
    if (word(l, "between")) {
        c->op = OP_BETWEEN;
        next(l);
        if (list(l, c) < 0) return -1;
        return c->n_vals == 2 ? 0 : complain(l, "between takes two values", SV(""));
    }
    return complain(l, "an operator is missing at", l->text);
}

static int any(struct lex *l, struct cond **out);

static int term(struct lex *l, struct cond **out)
{
    if (l->tok == T_OPEN) {
        if (++l->depth > MAX_DEPTH) return complain(l, "nested too deeply", SV(""));
        next(l);
        if (any(l, out) < 0) return -1;
        if (l->tok != T_CLOSE) return complain(l, "\")\" is missing at", l->text);
        l->depth--;
        next(l);
        return 0;
    }
    if (l->tok != T_WORD) return complain(l, "a field is missing at", l->text);
    if (++l->terms > MAX_TERMS) return complain(l, "too many conditions", SV(""));
    struct cond *c = node(l, OP_EQ);
    c->col = col_find(l->r, l->text);
    if (!c->col) return complain(l, "unknown field", l->text);
    next(l);
    *out = c;
    return test(l, c);
}

static int chain(struct lex *l, struct cond **out, enum cond_op op, const char *by,
                 int (*part)(struct lex *, struct cond **))
{
    struct cond *first = NULL;
    if (part(l, &first) < 0) return -1;
    *out = first;
    if (!word(l, by)) return 0;
    struct cond *all = node(l, op), *last = first;
    all->first = first;
    while (word(l, by)) {
        next(l);
        if (part(l, &last->next) < 0) return -1;
        last = last->next;
    }
    *out = all;
    return 0;
}

static int both(struct lex *l, struct cond **out)
{
    return chain(l, out, OP_AND, "and", term);
}

static int any(struct lex *l, struct cond **out)
{
    return chain(l, out, OP_OR, "or", both);
}

int cond_parse(const struct model_resource *r, struct arena *a, sv text, bool scope,
               struct cond **out, struct err *err)
{
    struct lex l = {
        .r = r, .a = a, .p = text.p, .end = text.p + text.n, .scope = scope, .err = err};
    if (text.n > MAX_TEXT) return complain(&l, "too long", SV(""));
    if (!sv_utf8_ok(text)) return complain(&l, "not UTF-8", SV(""));
    next(&l);
    if (any(&l, out) < 0) return -1;
    if (l.tok != T_END) return complain(&l, "unexpected", l.text);
    return 0;
}

bool cond_each_col(const struct cond *c, bool (*fn)(void *, const struct model_col *), void *arg)
{
    if (c->op != OP_AND && c->op != OP_OR) return fn(arg, c->col);
    for (const struct cond *k = c->first; k; k = k->next)
        if (!cond_each_col(k, fn, arg)) return false;
    return true;
}
