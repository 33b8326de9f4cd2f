/* Whether one set of rights lies within another: what somebody may hand on, and
 * what bounds a partner. And which menus roles leave. */
#define LOG_ROOM "auth"

#include "auth/room.h"

static bool has(const sv *v, unsigned n, sv x)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_eq(v[i], x)) return true;
    return false;
}

static bool ids_within(const struct auth_ids *inner, const struct auth_ids *outer)
{
    for (unsigned i = 0; i < inner->n; i++) {
        bool found = false;
        for (unsigned k = 0; k < outer->n && !found; k++) found = inner->v[i] == outer->v[k];
        if (!found) return false;
    }
    return true;
}

/* A department is within its own branch; any other scope only within itself. */
static bool scopes_within(const sv *inner, unsigned n_inner, const sv *outer, unsigned n_outer,
                          const struct auth_ids *inner_ids, const struct auth_ids *outer_ids)
{
    if (has(outer, n_outer, SV("all"))) return true;
    for (unsigned i = 0; i < n_inner; i++) {
        bool branch = sv_eqs(inner[i], "department") && has(outer, n_outer, SV("subtree"));
        if (!branch && !has(outer, n_outer, inner[i])) return false;
        if (sv_eqs(inner[i], "custom") && !ids_within(inner_ids, outer_ids)) return false;
    }
    return true;
}

static bool names_within(const sv *inner, unsigned n_inner, const sv *outer, unsigned n_outer)
{
    for (unsigned i = 0; i < n_inner; i++)
        if (!has(outer, n_outer, inner[i])) return false;
    return true;
}

/* What the outer one hides or masks, the inner one must hide or mask too; and nobody
 * lets others unmask what he may not unmask himself. */
static bool marks_within(const struct auth_grant *in, const struct auth_grant *out)
{
    if (!names_within(out->hidden, out->n_hidden, in->hidden, in->n_hidden)) return false;
    for (unsigned i = 0; i < out->n_masked; i++)
        if (!has(out->unmasked, out->n_unmasked, out->masked[i]) &&
            !has(in->masked, in->n_masked, out->masked[i]))
            return false;
    return names_within(in->unmasked, in->n_unmasked, out->unmasked, out->n_unmasked);
}

static bool empty(const struct auth_grant *g)
{
    return !g->create && !g->export && !g->import && !g->n_read && !g->n_update && !g->n_del && !g->n_doing;
}

static bool grant_within(const struct auth_grant *in, const struct auth_grant *out)
{
    if (empty(in)) return true;
    if (!out || (in->create && !out->create) || (in->export && !out->export) ||
        (in->import && !out->import))
        return false;
    const struct auth_ids *ic = in->custom, *oc = out->custom;
    if (!scopes_within(in->read, in->n_read, out->read, out->n_read, &ic[0], &oc[0]) ||
        !scopes_within(in->update, in->n_update, out->update, out->n_update, &ic[1], &oc[1]) ||
        !scopes_within(in->del, in->n_del, out->del, out->n_del, &ic[2], &oc[2]))
        return false;
    if (!has(out->doing, out->n_doing, SV("all")) &&
        !names_within(in->doing, in->n_doing, out->doing, out->n_doing))
        return false;
    if (in->n_read && !marks_within(in, out)) return false;
    bool writes = in->create || in->n_update;
    return !writes ||
           names_within(out->read_only, out->n_read_only, in->read_only, in->n_read_only);
}

/* Rights by delegation are not one's own to hand on. */
static const struct auth_grant *own_part(const struct auth_roles *r, sv resource)
{
    const struct auth_grant *g = auth_grant_in(r, resource);
    return g && g->n_hats ? &g->hats[0] : g;
}

bool auth_roles_within(const struct auth_roles *inner, const struct auth_roles *outer,
                       sv *resource)
{
    if (inner->admin && !outer->admin) {
        *resource = SV("*");
        return false;
    }
    for (unsigned i = 0; !outer->admin && i < inner->n_grants; i++) {
        const struct auth_grant *g = &inner->grants[i];
        if (grant_within(g, own_part(outer, g->resource))) continue;
        *resource = g->resource;
        return false;
    }
    return true;
}

unsigned roles_bound(struct auth_grant *grants, unsigned n, const struct auth_roles *limit)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++)
        if (grant_within(&grants[i], auth_grant_in(limit, grants[i].resource)))
            grants[kept++] = grants[i];
    return kept;
}

static void unref(void *r)
{
    roles_unref(r);
}

int auth_roles_read(struct store_conn *c, struct arena *a, const sv *documents, size_t n,
                    const struct auth_roles **out, struct err *err)
{
    struct role_row *rows = ARENA_ARRAY(a, struct role_row, n + 1);
    struct role_input in = {.rows = rows, .n = n};
    bool custom = false;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct role_row){.code = SV("-"), .grants = documents[i]};
        custom |= role_is_custom(documents[i]);
    }
    if (custom && roles_edges(c, a, &in.below, &in.n_below, err) != 0) return -1;
    struct auth_roles *r = roles_compile_all(&in);
    arena_on_free(a, unref, r);
    *out = r;
    return 0;
}

/* ---- menus ------------------------------------------------------------------------------- */

bool auth_menu_shown(const struct auth_principal *p, sv menu)
{
    const struct auth_roles *r = p->roles;
    if (p->admin || !r) return true;
    if (has(r->menus, r->n_menus, menu)) return true;
    return !r->picks_menus && !has(r->hidden_menus, r->n_hidden_menus, menu);
}
