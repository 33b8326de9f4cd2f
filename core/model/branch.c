/* Scopes as branches: an OR of parts, each with one column that an index begins
 * with and that must equal one of a few values (`owner == $user`, `dept in
 * $user.depts`). A list of somebody's rows is then the top of each value's own
 * index entries, put together, and never a walk over other people's rows.
 * plan.c makes statements of them. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_PARTS 64

struct parts {
    const struct cond *c[MAX_PARTS];
    unsigned n;
};

/* The conditions of an AND, also of one inside of it. */
static bool flatten(const struct cond *c, struct parts *out)
{
    if (c->op != OP_AND) {
        if (out->n == MAX_PARTS) return false;
        out->c[out->n++] = c;
        return true;
    }
    for (const struct cond *k = c->first; k; k = k->next)
        if (!flatten(k, out)) return false;
    return true;
}

/* The lower the better; 0: it drives nothing. */
static unsigned rank(const struct cond *c)
{
    bool eq = c->op == OP_EQ, in = c->op == OP_IN;
    if ((!eq && !in) || !c->n_vals) return 0;
    for (unsigned i = 0; i < c->n_vals; i++)
        if (c->vals[i].var == VAR_TIME) return 0;
    if (c->col->kind == COL_JSON || c->col->kind == COL_BOOL) return 0;
    if (eq && c->vals[0].var == VAR_USER) return 1;
    if (c->col->kind == COL_ID) return in ? 3 : 2;
    return 4; /* a state or the like: few values, many rows */
}

static const struct cond *driver(const struct parts *p)
{
    const struct cond *best = NULL;
    for (unsigned i = 0; i < p->n; i++) {
        unsigned r = rank(p->c[i]);
        if (r && (!best || r < rank(best))) best = p->c[i];
    }
    return best;
}

/* Everything of the parts but one, as one condition; NULL: nothing is left. */
static struct cond *others(const struct parts *p, const struct cond *but, struct arena *a)
{
    struct cond *all = ARENA_NEW(a, struct cond), **next = &all->first;
    all->op = OP_AND;
    for (unsigned i = 0; i < p->n; i++) {
        if (p->c[i] == but) continue;
        struct cond *k = ARENA_NEW(a, struct cond);
        *k = *p->c[i];
        k->next = NULL;
        *next = k;
        next = &k->next;
    }
    return all->first ? all : NULL;
}

static bool add_branch(const struct parts *p, const struct cond *d, struct arena *a,
                       struct branch **list)
{
    struct err err = {0};
    struct branch *b = ARENA_NEW(a, struct branch);
    struct frag f;
    const struct cond *rest = others(p, d, a);
    if (cond_compile(d, a, &f, &err) < 0 || (rest && cond_compile(rest, a, &b->rest, &err) < 0))
        return false;
    b->col = d->col;
    b->depts = f.by_depts;
    b->vals = f.args;
    b->n_vals = d->n_vals; /* not those that pad the list */
    b->next = *list;
    *list = b;
    return true;
}

static bool collect(const struct parts *with, const struct cond *c, struct arena *a,
                    struct branch **list);

/* An AND whose columns drive nothing may hold an OR whose parts do. */
static bool distribute(const struct parts *p, struct arena *a, struct branch **list)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (p->c[i]->op != OP_OR) continue;
        struct parts with = {.n = 0};
        for (unsigned k = 0; k < p->n; k++)
            if (k != i) with.c[with.n++] = p->c[k];
        return collect(&with, p->c[i], a, list);
    }
    return false;
}

static bool collect(const struct parts *with, const struct cond *c, struct arena *a,
                    struct branch **list)
{
    if (c->op == OP_OR) {
        for (const struct cond *k = c->first; k; k = k->next)
            if (!collect(with, k, a, list)) return false;
        return true;
    }
    struct parts p = *with;
    if (!flatten(c, &p)) return false;
    const struct cond *d = driver(&p);
    return d ? add_branch(&p, d, a, list) : distribute(&p, a, list);
}

bool branches_of(const struct cond *c, struct arena *a, struct branch **list)
{
    static const struct parts none;
    return collect(&none, c, a, list);
}

void branch_drivers(const struct cond *c, struct arena *a, struct colset *out)
{
    struct branch *list = NULL;
    if (!branches_of(c, a, &list)) return;
    for (const struct branch *b = list; b; b = b->next)
        colset_put(out, b->col->at);
}
