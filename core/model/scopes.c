/* Row scopes by number: what a manifest declares, and what follows from traits. */
#define LOG_ROOM "model"
#include "model/internal.h"

static const char *const built_in[] = {"own", "department", "subtree", "custom"};
enum { OWN, DEPARTMENT, SUBTREE, CUSTOM, N_BUILT_IN };

/* Whose row it is and where it belongs; people and departments are their own. */
static const struct model_col *owner_of(const struct model_resource *r)
{
    return sv_eq(r->name, SV("core.staff")) ? r->id : r->owner;
}

static const struct model_col *place_of(const struct model_resource *r)
{
    if (sv_eq(r->name, SV("core.staff"))) return col_find(r, SV("department"));
    return sv_eq(r->name, SV("core.dept")) ? r->id : r->dept;
}

unsigned scope_count(const struct model_resource *r)
{
    return (unsigned)r->mf->n_scopes + N_BUILT_IN;
}

int scope_find(const struct model_resource *r, sv name)
{
    for (size_t i = 0; i < r->mf->n_scopes; i++)
        if (sv_eqs(name, r->mf->scopes[i].name)) return (int)i;
    for (unsigned i = 0; i < N_BUILT_IN; i++) {
        if (!sv_eqs(name, built_in[i])) continue;
        bool there = i == OWN ? owner_of(r) != NULL : place_of(r) != NULL;
        return there ? (int)(r->mf->n_scopes + i) : -1;
    }
    return -1;
}

/* A written scope; the tree is kept beside, for lists that go by branches. */
static void written(struct model_resource *r, size_t i, sv text, struct arena *a)
{
    struct err err = {0};
    if (cond_parse(r, a, text, true, &r->scope_trees[i], &err) < 0 ||
        cond_compile(r->scope_trees[i], a, &r->scopes[i], &err) < 0)
        panic("model: a scope that was checked does not compile");
}

static void built(struct model_resource *r, size_t i, const struct model_col *c, const char *test,
                  struct arena *a)
{
    if (c)
        written(r, i, arena_printf(a, "%s %s", c->f->name, test), a);
    else
        r->scopes[i] = (struct frag){.text = SV("0")};
}

/* A list that a role gives, which no text can say. */
static struct frag by_role(const struct model_col *c, sv resource, struct arena *a)
{
    struct frag f = {.text = SV("0")};
    if (!c) return f;
    f.text = arena_printf(a, "%.*s IN \1", SVARG(c->ident));
    f.args = ARENA_NEW(a, struct frag_arg);
    f.args[0] = (struct frag_arg){.var = VAR_CUSTOM, .v = STORE_S(resource)};
    f.n_args = 1;
    f.by_depts = true;
    return f;
}

const sv *model_partner_resources(const struct model *m, unsigned *n)
{
    sv *names = ARENA_ARRAY(m->a, sv, m->n_all + 1);
    *n = 0;
    for (size_t i = 0; i < m->n_all; i++)
        if (m->all[i]->partner) names[(*n)++] = m->all[i]->name;
    return names;
}

void scopes_build(struct model_resource *r, struct arena *a)
{
    size_t n = r->mf->n_scopes;
    r->scopes = ARENA_ARRAY(a, struct frag, scope_count(r));
    r->scope_trees = ARENA_ARRAY(a, struct cond *, scope_count(r));
    for (size_t i = 0; i < n; i++)
        written(r, i, r->mf->scopes[i].expr, a);
    built(r, n + OWN, owner_of(r), "== $user", a);
    built(r, n + DEPARTMENT, place_of(r), "== $user.dept", a);
    built(r, n + SUBTREE, place_of(r), "in $user.depts", a);
    r->scopes[n + CUSTOM] = by_role(place_of(r), r->name, a);
}
