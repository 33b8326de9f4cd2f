/* The language of filters and scopes: text to tree.
 *
 *   or    = and { "or" and }
 *   and   = term { "and" term }
 *   term  = [ "not" ] "(" or ")" | column test
 *   test  = ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~") value
 *         | ("contains" | "starts" | "ends" | "under") value | "has" list
 *         | "in" (list | variable | period) | "between" list | "null" | "!null"
 *   list  = "(" value { "," value } ")"
 *   value = "\"" text "\"" | bare word | variable
 *
 * Variables are $user, $user.dept, $user.depts (also written $user.dept_tree) and
 * $user.partner; words for dates are those of reltime.h. Scopes may also say "==". Everything is
 * bounded, and every complaint says where. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

#define MAX_TEXT 4096
#define MAX_DEPTH 16
#define MAX_TERMS 64
#define MAX_LIST 100

enum tok { T_END, T_WORD, T_STRING, T_OP, T_OPEN, T_CLOSE, T_COMMA, T_BAD };

struct lex {
    const struct model_resource *r;
    struct arena *a;
    const char *p, *end, *all, *from; /* from: where the token begins */
    enum tok tok;
    sv text; /* of the token; a string's without quotes and escapes */
    bool scope;
    unsigned depth, terms;
    struct err *err;
};

int cond_fail(struct err *err, const char *code, unsigned at, sv text, const char *field)
{
    char place[16], found[64];
    size_t n = text.n < sizeof found - 1 ? text.n : sizeof found - 1;
    while (n < text.n && n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--; /* never half a character */
    if (n) memcpy(found, text.p, n);
    found[n] = '\0';
    snprintf(place, sizeof place, "%u", at);
    err_set(err, 400, "bad_filter", place, NULL);
    return err_field(err, "filter", code, place, found, field, NULL);
}

static unsigned place(const struct lex *l)
{
    return (unsigned)sv_utf8_len(sv_make(l->all, (size_t)(l->from - l->all))) + 1;
}

/* Of the token that was just read. */
static int complain(struct lex *l, const char *code)
{
    return cond_fail(l->err, l->tok == T_BAD ? "filter_quote" : code, place(l), l->text, NULL);
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
    l->from = l->p;
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
    c->at = place(l);
    return c;
}

static int variable(struct lex *l, struct cond_val *v)
{
    if (sv_eqs(l->text, "$user"))
        v->var = VAR_USER;
    else if (sv_eqs(l->text, "$user.dept"))
        v->var = VAR_DEPT;
    else if (sv_eqs(l->text, "$user.depts") || sv_eqs(l->text, "$user.dept_tree"))
        v->var = VAR_DEPTS;
    else if (sv_eqs(l->text, "$user.partner"))
        v->var = VAR_PARTNER;
    else
        return complain(l, "filter_variable");
    return 0;
}

/* A plain date is a value of a date column as it is; of a time it is that day. */
static bool is_when(const struct model_col *c, sv text, struct reltime *out)
{
    bool time = c->kind == COL_TIME;
    return (time || c->kind == COL_DATE) && reltime_parse(text, out) &&
           (time || out->base != REL_FIXED);
}

static int value(struct lex *l, struct cond *c)
{
    if (l->tok != T_WORD && l->tok != T_STRING) return complain(l, "filter_value");
    if (c->n_vals == MAX_LIST) return complain(l, "filter_too_many");
    if (!c->vals) c->vals = arena_calloc(l->a, MAX_LIST, sizeof *c->vals);
    struct cond_val *v = &c->vals[c->n_vals++];
    *v = (struct cond_val){.text = l->text, .quoted = l->tok == T_STRING, .at = place(l)};
    if (!v->quoted && l->text.n && l->text.p[0] == '$') {
        if (variable(l, v) < 0) return -1;
    } else if (is_when(c->col, l->text, &v->when)) {
        v->var = VAR_TIME;
    }
    next(l);
    return 0;
}

static int list(struct lex *l, struct cond *c)
{
    struct reltime when;
    if (l->tok == T_WORD && ((l->text.n && l->text.p[0] == '$') || is_when(c->col, l->text, &when)))
        return value(l, c);
    if (l->tok != T_OPEN) return complain(l, "filter_open");
    do {
        next(l);
        if (value(l, c) < 0) return -1;
    } while (l->tok == T_COMMA);
    if (l->tok != T_CLOSE) return complain(l, "filter_close");
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
    sv op = l->scope && sv_eqs(l->text, "==") ? SV("=") : l->text;
    if (sv_eqs(op, "!")) {
        next(l);
        if (!word(l, "null")) return complain(l, "filter_operator");
        c->op = OP_NOT_NULL;
        next(l);
        return 0;
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!sv_eqs(op, ops[i].text)) continue;
        c->op = ops[i].op;
        next(l);
        return value(l, c);
    }
    return complain(l, "filter_operator");
}

static int test(struct lex *l, struct cond *c)
{
    static const struct {
        const char *text;
        enum cond_op op;
    } words[] = {{"contains", OP_LIKE}, {"starts", OP_STARTS}, {"ends", OP_ENDS}};
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
    if (word(l, "has")) {
        c->op = OP_HAS;
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
        return c->n_vals == 2 ? 0 : cond_fail(l->err, "filter_two", c->at, SV(""), NULL);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!word(l, words[i].text)) continue;
        c->op = words[i].op;
        next(l);
        return value(l, c);
    }
    return complain(l, "filter_operator");
}

static int any(struct lex *l, struct cond **out);

static int group(struct lex *l, struct cond **out)
{
    if (++l->depth > MAX_DEPTH) return complain(l, "filter_too_deep");
    next(l);
    if (any(l, out) < 0) return -1;
    if (l->tok != T_CLOSE) return complain(l, "filter_close");
    l->depth--;
    next(l);
    return 0;
}

/* A field may be called `not`, but no field is followed by "(". */
static bool negates(const struct lex *l)
{
    const char *p = l->p;
    while (p < l->end && strchr(" \t\r\n", *p))
        p++;
    return word(l, "not") && p < l->end && *p == '(';
}

static int term(struct lex *l, struct cond **out)
{
    if (l->tok == T_OPEN) return group(l, out);
    if (l->tok != T_WORD) return complain(l, "filter_field");
    if (++l->terms > MAX_TERMS) return complain(l, "filter_too_many");
    struct cond *c = node(l, OP_NOT);
    *out = c;
    if (negates(l)) {
        next(l);
        return group(l, &c->first);
    }
    c->col = col_find(l->r, l->text);
    if (!c->col && l->r->custom && !l->scope && sv_starts(l->text, SV("custom."))) {
        c->col = l->r->custom;
        c->custom = sv_make(l->text.p + 7, l->text.n - 7);
        c->custom_in = l->r->table;
    }
    if (!c->col) return complain(l, "filter_unknown");
    next(l);
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
    struct lex l = {.r = r,
                    .a = a,
                    .p = text.p,
                    .end = text.p + text.n,
                    .all = text.p,
                    .from = text.p,
                    .scope = scope,
                    .err = err};
    if (text.n > MAX_TEXT) return cond_fail(err, "filter_too_long", MAX_TEXT, SV(""), NULL);
    if (!sv_utf8_ok(text)) return cond_fail(err, "filter_utf8", 1, SV(""), NULL);
    next(&l);
    if (any(&l, out) < 0) return -1;
    if (l.tok != T_END) return complain(&l, "filter_end");
    return 0;
}

bool cond_each_col(const struct cond *c, bool (*fn)(void *, const struct model_col *), void *arg)
{
    if (c->op != OP_AND && c->op != OP_OR && c->op != OP_NOT) return fn(arg, c->col);
    for (const struct cond *k = c->first; k; k = k->next)
        if (!cond_each_col(k, fn, arg)) return false;
    return true;
}
