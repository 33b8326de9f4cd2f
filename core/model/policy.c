/* Grant and resource compiled to one policy, which every path uses: get, list,
 * count, filter, sort, search, expand, export, history, and all writes.
 *
 * Policies are kept per resource by what they are made of (scopes and fields),
 * not by role, so that a thousand tenants with the same roles share one. */
#define LOG_ROOM "model"
#include "model/custom.h"

#define ALL_ROWS (UINT64_C(1) << 63)
#define MAX_KEPT 512 /* of one resource; beyond: per request */

int policy_refuse(const struct auth_principal *who, struct err *err)
{
    if (who->kind == AUTH_ANON) return err_set(err, 401, "unauthorized", NULL);
    return err_set(err, 403, "forbidden", NULL);
}

/* ---- what a grant says ------------------------------------------------------------ */

static uint64_t scope_mask(const struct model_resource *r, const sv *names, unsigned n)
{
    uint64_t m = 0;
    for (unsigned i = 0; i < n; i++) {
        if (sv_eqs(names[i], "all")) return ALL_ROWS;
        int k = scope_find(r, names[i]);
        if (k >= 0) m |= UINT64_C(1) << k;
    }
    return m;
}

static struct colset field_set(const struct model_resource *r, const sv *names, unsigned n)
{
    struct colset s = {{0}};
    for (unsigned i = 0; i < n; i++) {
        const struct model_col *c = col_find(r, names[i]);
        const struct model_child *k = c ? NULL : kid_find(r, names[i]);
        if (c) colset_put(&s, c->at);
        if (k) colset_put(&s, k->at);
    }
    return s;
}

/* Texts have a mask; what has none is hidden where a mask was asked. */
static void field_marks(struct model_policy *p, const struct auth_grant *g)
{
    const struct model_resource *r = p->res;
    struct colset masked = field_set(r, g->masked, g->n_masked);
    p->lifted = field_set(r, g->unmasked, g->n_unmasked);
    for (unsigned i = 0; i < r->n_cols + r->n_kids; i++) {
        if (!colset_has(&masked, i) || colset_has(&p->lifted, i)) continue;
        if (i < r->n_cols && r->cols[i].kind == COL_TEXT && !r->cols[i].system)
            colset_put(&p->marked, i);
        else
            colset_put(&p->hidden, i);
    }
}

/* Rows of an append-only resource are written by its plugin, unless some role
 * template lets people add them. */
bool resource_creatable(const struct mf_resource *mf)
{
    if (mf->traits & MF_MANAGED) return false;
    if (!(mf->traits & MF_APPEND_ONLY)) return true;
    for (size_t i = 0; i < mf->n_grants; i++)
        if (mf->grants[i].create) return true;
    return false;
}

static void all_rights(struct model_policy *p, bool system, bool unmask)
{
    p->read_mask[0] = p->update_mask[0] = p->del_mask[0] = ALL_ROWS;
    p->can_create = system || resource_creatable(p->res->mf);
    p->can_export = true;
    p->everything = system;
    for (unsigned i = 0; unmask && i < p->res->n_cols; i++)
        if (p->res->cols[i].f->protect.masked) colset_put(&p->lifted, i);
}

static void from_grant(struct model_policy *p, const struct auth_grant *g)
{
    const struct model_resource *r = p->res;
    p->grant = g;
    for (unsigned h = 0; h == 0 || h < g->n_hats; h++) {
        const struct auth_grant *x = g->n_hats ? &g->hats[h] : g;
        p->read_mask[h] = scope_mask(r, x->read, x->n_read);
        p->update_mask[h] = scope_mask(r, x->update, x->n_update);
        p->del_mask[h] = scope_mask(r, x->del, x->n_del);
    }
    p->hats = g->n_hats > 1;
    p->can_create = g->create && resource_creatable(r->mf);
    p->can_export = g->export;
    p->hidden = field_set(r, g->hidden, g->n_hidden);
    p->fixed = field_set(r, g->read_only, g->n_read_only);
    if (p->partner && r->partner) colset_put(&p->fixed, r->partner->at);
    field_marks(p, g);
}

/* ---- compiling -------------------------------------------------------------------- */

/* The scopes of the masks OR-ed, each with whom it speaks of. No scope at all: no
 * row. */
static struct frag scopes_of(const struct model_resource *r, const uint64_t *masks,
                             unsigned n_masks, struct arena *a)
{
    struct frag f = {0};
    struct buf b = BUF_IN(a);
    unsigned n = 0, n_scopes = scope_count(r);
    for (unsigned h = 0; h < n_masks; h++) {
        if (masks[h] & ALL_ROWS) return f;
        for (unsigned i = 0; i < n_scopes; i++)
            if (masks[h] >> i & 1) n += r->scopes[i].n_args;
    }
    f.args = arena_calloc(a, n ? n : 1, sizeof *f.args);
    for (unsigned h = 0; h < n_masks; h++)
        for (unsigned i = 0; i < n_scopes; i++) {
            if (!(masks[h] >> i & 1)) continue;
            const struct frag *s = &r->scopes[i];
            buf_str(&b, b.n ? " OR " : "(");
            buf_sv(&b, s->text);
            for (unsigned k = 0; k < s->n_args; k++) {
                f.args[f.n_args] = s->args[k];
                f.args[f.n_args++].hat = (unsigned char)h;
            }
            f.by_depts |= s->by_depts;
        }
    buf_str(&b, b.n ? ")" : "0");
    f.text = buf_view(&b);
    return f;
}

/* A partner's people are among their own rows, whatever their scopes say. */
static void keep_to_partner(const struct model_resource *r, struct frag *f, struct arena *a)
{
    struct frag_arg *args = ARENA_ARRAY(a, struct frag_arg, f->n_args + 1);
    args[0] = (struct frag_arg){.var = VAR_PARTNER};
    if (f->n_args) memcpy(args + 1, f->args, f->n_args * sizeof *args);
    f->text = arena_printf(a, "(%.*s=?%s%.*s)", SVARG(r->partner->ident), f->text.p ? " AND " : "",
                           SVARG(f->text));
    f->args = args;
    f->n_args++;
}

static struct frag rows_of(const struct model_policy *p, const uint64_t *masks, enum auth_act act,
                           bool own, struct arena *a)
{
    const struct model_resource *r = p->res;
    struct frag f = scopes_of(r, masks, p->hats && !own ? AUTH_HATS : 1, a);
    for (unsigned i = 0; i < f.n_args; i++)
        if (f.args[i].var == VAR_CUSTOM) f.args[i].act = (unsigned char)act;
    if (p->partner && r->partner) keep_to_partner(r, &f, a);
    return f;
}

/* The same rows in parts that indexes serve; NULL when some scope has no such part. */
static const struct branch *branches(const struct model_policy *p, struct arena *a)
{
    const struct model_resource *r = p->res;
    struct branch *list = NULL;
    if (p->hats || p->partner || p->parent || (p->read_mask[0] & ALL_ROWS)) return NULL;
    for (unsigned i = 0; i < scope_count(r); i++)
        if (p->read_mask[0] >> i & 1 &&
            (!r->scope_trees[i] || !branches_of(r->scope_trees[i], a, &list)))
            return NULL;
    return list;
}

/* Children are seen with the parents that are seen. */
static struct frag rows_of_parent(const struct model_resource *r, const struct model_policy *parent,
                                  struct arena *a)
{
    struct frag f = parent->read;
    const struct model_resource *up = r->parent;
    f.text = arena_printf(a, "%.*s IN (SELECT `id` FROM %.*s WHERE %s%s%.*s)",
                          SVARG(r->parent_by->ident), SVARG(up->ident),
                          up->deleted_at ? "`deleted_at` IS NULL" : "1", f.text.p ? " AND " : "",
                          SVARG(f.text));
    return f;
}

static bool may_write(const struct model_policy *p, const struct model_col *c)
{
    const struct model_resource *r = p->res;
    if (colset_has(&p->hidden, c->at) || colset_has(&p->fixed, c->at)) return false;
    if (c->system)
        return c == r->owner || c == r->dept || c == r->custom || (c == r->partner && !p->partner);
    return !c->secret && !c->f->read_only && c->f->type != MF_SEQUENCE;
}

/* The manifest masks for everybody but the system; a role's mark for its holders. */
static void mask(struct model_policy *p, const struct model_col *c)
{
    bool masked = c->f->protect.masked || colset_has(&p->marked, c->at);
    if (!p->everything && masked) colset_put(&p->masked, c->at);
    if (!p->everything && masked && colset_has(&p->lifted, c->at))
        colset_put(&p->unmaskable, c->at);
    p->guarded |= c->sealed || (masked && !p->everything);
}

static void columns(struct model_policy *p, struct arena *a)
{
    const struct model_resource *r = p->res;
    struct buf b = BUF_IN(a);
    p->custom = custom_of(r, p->grant, a);
    p->grant = NULL; /* it lives no longer than its request */
    p->cols = ARENA_ARRAY(a, const struct model_col *, r->n_cols);
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (may_write(p, c)) colset_put(&p->writable, i);
        if (c == r->deleted_at || c == r->live || (c->secret && !p->everything)) continue;
        if (colset_has(&p->hidden, i)) continue;
        colset_put(&p->readable, i);
        mask(p, c);
        if (c->part_of && !p->everything) continue; /* shown when asked for */
        if (p->n_cols) buf_chr(&b, ',');
        buf_sv(&b, c->ident);
        p->cols[p->n_cols++] = c == r->custom ? p->custom : c;
    }
    for (unsigned i = 0; i < r->n_kids; i++) {
        unsigned at = r->kids[i].at;
        const struct mf_field *f = r->kids[i].f;
        if (f->hidden || colset_has(&p->hidden, at)) continue;
        colset_put(&p->readable, at);
        if (!f->read_only && !colset_has(&p->fixed, at)) colset_put(&p->writable, at);
    }
    p->columns = buf_view(&b);
}

static bool any_mask(const uint64_t masks[AUTH_HATS])
{
    for (unsigned h = 0; h < AUTH_HATS; h++)
        if (masks[h]) return true;
    return false;
}

static void compile(struct model_policy *p, struct arena *a)
{
    const struct model_resource *r = p->res;
    colset_drop(&p->hidden, r->id->at); /* a row without its id is none */
    for (unsigned i = 0; i < r->n_cols; i++)
        if (r->cols[i].part_of && colset_has(&p->hidden, r->cols[i].part_of->at))
            colset_put(&p->hidden, i);
    p->read =
        p->parent ? rows_of_parent(r, p->parent, a) : rows_of(p, p->read_mask, AUTH_READ, false, a);
    p->branches = branches(p, a);
    p->update = rows_of(p, p->update_mask, AUTH_UPDATE, false, a);
    p->del = rows_of(p, p->del_mask, AUTH_DELETE, false, a);
    if (p->hats) {
        p->own_read = rows_of(p, p->read_mask, AUTH_READ, true, a);
        p->own_update = rows_of(p, p->update_mask, AUTH_UPDATE, true, a);
        p->own_del = rows_of(p, p->del_mask, AUTH_DELETE, true, a);
    }
    p->can_read = p->parent || any_mask(p->read_mask);
    bool edit = !has_trait(r, MF_APPEND_ONLY) && (p->everything || !has_trait(r, MF_MANAGED));
    p->can_update = p->can_read && any_mask(p->update_mask) && edit;
    p->can_delete = p->can_read && any_mask(p->del_mask) && edit;
    columns(p, a);
    if (p->read.by_depts) return;
    struct buf b = BUF_IN(a);
    buf_printf(&b, "SELECT %.*s FROM %.*s WHERE `id`=?", SVARG(p->columns), SVARG(r->ident));
    if (r->deleted_at) buf_str(&b, " AND `deleted_at` IS NULL");
    if (p->read.text.p) buf_printf(&b, " AND %.*s", SVARG(p->read.text));
    p->get_text = buf_view(&b);
}

/* ---- keeping ---------------------------------------------------------------------- */

static bool same(const struct model_policy *a, const struct model_policy *b)
{
    return a->parent == b->parent && a->partner == b->partner && a->hats == b->hats &&
           memcmp(a->read_mask, b->read_mask, sizeof a->read_mask) == 0 &&
           memcmp(a->update_mask, b->update_mask, sizeof a->update_mask) == 0 &&
           memcmp(a->del_mask, b->del_mask, sizeof a->del_mask) == 0 &&
           a->can_create == b->can_create && a->can_export == b->can_export &&
           a->everything == b->everything && custom_same(a->custom, b->grant) &&
           memcmp(&a->hidden, &b->hidden, sizeof a->hidden) == 0 &&
           memcmp(&a->fixed, &b->fixed, sizeof a->fixed) == 0 &&
           memcmp(&a->marked, &b->marked, sizeof a->marked) == 0 &&
           memcmp(&a->lifted, &b->lifted, sizeof a->lifted) == 0;
}

static const struct model_policy *kept(const struct model_resource *r,
                                       const struct model_policy *want)
{
    for (const struct model_policy *p = atomic_load_explicit(&r->policies, memory_order_acquire); p;
         p = p->next)
        if (same(p, want)) return p;
    return NULL;
}

static const struct model_policy *intern(const struct model_policy *want, struct arena *request)
{
    /* The resource is immutable but for its list of policies. */
    struct model_resource *r = (struct model_resource *)(uintptr_t)want->res;
    const struct model_policy *p = kept(r, want);
    if (p) return p;
    struct model *m = r->model;
    pthread_mutex_lock(&m->lock);
    p = kept(r, want);
    if (!p) {
        bool keep = atomic_load(&r->n_policies) < MAX_KEPT;
        struct arena *a = keep ? m->a : request;
        struct model_policy *made = ARENA_NEW(a, struct model_policy);
        *made = *want;
        compile(made, a);
        p = made;
        if (keep) {
            made->next = atomic_load_explicit(&r->policies, memory_order_relaxed);
            atomic_fetch_add(&r->n_policies, 1);
            atomic_store_explicit(&r->policies, made, memory_order_release);
        }
    }
    pthread_mutex_unlock(&m->lock);
    return p;
}

/* What a field of the parent hides, its own address must not show. */
static bool shows_children(const struct model_policy *parent, const struct model_resource *r)
{
    for (unsigned i = 0; i < parent->res->n_kids; i++)
        if (parent->res->kids[i].res == r)
            return colset_has(&parent->readable, parent->res->kids[i].at);
    return false;
}

const struct model_policy *policy_of(const struct model_resource *r,
                                     const struct auth_principal *who, struct arena *a,
                                     struct err *err)
{
    struct model_policy want = {.res = r};
    if (who->admin || who->kind == AUTH_SYSTEM) {
        all_rights(&want, who->kind == AUTH_SYSTEM, true);
        return intern(&want, a);
    }
    /* Rows that do not know their partner themselves follow the rows they are of. */
    want.partner = who->kind == AUTH_PARTNER;
    bool follows = want.partner && r->parent && !r->partner;
    const struct auth_grant *g = follows ? NULL : auth_grant_of(who, r->name);
    if (g) {
        from_grant(&want, g);
        return intern(&want, a);
    }
    if (r->parent) {
        want.parent = policy_of(r->parent, who, a, err);
        if (!want.parent) return NULL;
        if (!want.parent->can_read || !shows_children(want.parent, r)) {
            policy_refuse(who, err);
            return NULL;
        }
        want.can_export = want.parent->can_export;
        return intern(&want, a);
    }
    policy_refuse(who, err);
    return NULL;
}

const struct model_policy *policy_of_child(const struct model_child *k,
                                           const struct auth_principal *who, struct arena *a)
{
    struct model_policy want = {.res = k->res};
    all_rights(&want, who->kind == AUTH_SYSTEM, who->admin || who->kind == AUTH_SYSTEM);
    const struct auth_grant *g =
        who->admin || who->kind == AUTH_SYSTEM ? NULL : auth_grant_of(who, k->res->name);
    if (g) {
        want.hidden = field_set(k->res, g->hidden, g->n_hidden);
        want.fixed = field_set(k->res, g->read_only, g->n_read_only);
        field_marks(&want, g);
    }
    return intern(&want, a);
}

static bool has_name(const sv *v, unsigned n, sv name)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_eq(v[i], name) || sv_eqs(v[i], "all")) return true;
    return false;
}

static bool grants(const struct auth_grant *g, sv action)
{
    if (sv_eqs(action, "create")) return g->create;
    if (sv_eqs(action, "export")) return g->export;
    if (sv_eqs(action, "import")) return g->import;
    if (sv_eqs(action, "reveal")) return g->n_unmasked > 0;
    if (sv_eqs(action, "update")) return g->n_update > 0;
    if (sv_eqs(action, "delete") || sv_eqs(action, "restore")) return g->n_del > 0;
    return has_name(g->doing, g->n_doing, action);
}

const struct auth_hat *policy_behalf(const struct model_resource *r,
                                     const struct auth_principal *who, sv action)
{
    const struct auth_grant *g = who->n_hats ? auth_grant_of(who, r->name) : NULL;
    if (!g || !g->n_hats || grants(&g->hats[0], action)) return NULL;
    for (unsigned h = 1; h < g->n_hats && h <= who->n_hats; h++)
        if (grants(&g->hats[h], action)) return &who->hats[h - 1];
    return NULL;
}

const struct model_policy *policy_of_nobody(const struct model_resource *r, struct arena *a)
{
    struct model_policy want = {.res = r};
    return intern(&want, a);
}

/* ---- use -------------------------------------------------------------------------- */

void policy_where(const struct model_policy *p, const struct auth_principal *who,
                  const struct frag *rows, bool deleted, struct sql *s)
{
    sql_text(s, " WHERE ");
    /* Asked for by `live`, which no index begins with: nearly every row is live,
     * and an index that says so only draws the optimiser away from a better one. */
    if (p->res->deleted_at)
        sql_text(s, deleted ? "`deleted_at` IS NOT NULL" : "`live`=1");
    else
        sql_text(s, "1");
    if (!rows->text.p) return;
    sql_text(s, " AND ");
    frag_render(rows, who, s);
}

const struct model_col *policy_col(const struct model_policy *p, sv name, const char *code,
                                   struct err *err)
{
    char text[80];
    size_t n = name.n < sizeof text - 1 ? name.n : sizeof text - 1;
    if (n) memcpy(text, name.p, n);
    text[n] = '\0';
    const struct model_col *c = col_find(p->res, name);
    if (c && colset_has(&p->hidden, c->at)) {
        err_set(err, 403, "forbidden", NULL);
        err_field(err, text, "forbidden", NULL);
        return NULL;
    }
    bool bin = c && c == p->res->deleted_at && p->can_delete;
    if (!c || (!colset_has(&p->readable, c->at) && !bin)) {
        err_set(err, 400, code, text, NULL);
        err_field(err, text, "unknown_field", NULL);
        return NULL;
    }
    return c;
}
