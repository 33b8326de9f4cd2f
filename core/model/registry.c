/* The registry: all resources of all manifests, checked together and then
 * never changed. */
#define LOG_ROOM "model"
#include "model/internal.h"
#include "model/task.h"

#include <stdio.h>
#include <stdlib.h>

struct model *model_new(struct auth *auth)
{
    struct model *m = xmalloc(sizeof *m);
    *m = (struct model){.auth = auth, .a = arena_new(64 << 10)};
    pthread_mutex_init(&m->lock, NULL);
    tasks_init(m);
    approvals_init(m);
    m->plans = plan_memory_new(m->a);
    task_kind(m, "core.rekey", rekey_task);
    return m;
}

void model_free(struct model *m)
{
    if (!m) return;
    pthread_mutex_destroy(&m->lock);
    arena_free(m->a);
    free(m);
}

void seal_error(struct cfg_errors *e, const struct mf_resource *r, const struct mf_field *f,
                const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    /* The tree of the file is gone by now; its places are in the structures. */
    bool own = f && f->line;
    struct cfg_node at = {.line = own ? f->line : r->line, .column = own ? f->column : r->column};
    const char *file = e->file;
    if (r->file) e->file = r->file;
    cfg_error(e, &at, "%s", text);
    e->file = file;
}

static struct model_plugin *plugin_find(const struct model *m, sv id)
{
    for (size_t i = 0; i < m->n_plugins; i++)
        if (sv_eqs(id, m->plugins[i]->mf->id)) return m->plugins[i];
    return NULL;
}

static struct model_resource *resource_find(const struct model *m, sv name)
{
    sv rest, plugin = sv_cut(name, '.', &rest);
    struct model_plugin *p = plugin_find(m, plugin);
    if (!p || p->dropped) return NULL;
    for (size_t i = 0; i < p->n_res; i++)
        if (sv_eq(p->res[i]->name, name)) return p->res[i];
    return NULL;
}

const struct mf_manifest *model_core_manifest(const struct model *m)
{
    const struct model_plugin *p = plugin_find(m, SV("core"));
    return p ? p->mf : NULL;
}

const struct model_resource *model_find(const struct model *m, sv name)
{
    return resource_find(m, name);
}

const struct mf_resource *model_manifest_of(const struct model_resource *r)
{
    return r->mf;
}

static int add_resource(struct model *m, struct model_plugin *p, const struct mf_resource *mf,
                        struct cfg_errors *e)
{
    struct arena *a = m->a;
    unsigned before = e->n;
    struct model_resource *r = ARENA_NEW(a, struct model_resource);
    r->mf = mf;
    r->model = m;
    r->name = arena_printf(a, "%s.%s", p->mf->id, mf->name);
    for (size_t i = 0; i < mf->n_rules; i++)
        msg_add(mf->rules[i].code, mf->rules[i].message.zh, mf->rules[i].message.en);
    sv table = arena_printf(a, "%s_%s", p->mf->id, mf->name);
    r->table = table.p;
    r->ident = arena_printf(a, "`%s`", r->table);
    p->res[p->n_res++] = r;
    if (table.n > 56) { /* "_history" must fit in MySQL's 64 */
        seal_error(e, mf, NULL, "the names of plugin and resource are longer than 55 together");
        return -1;
    }
    if (columns_build(r, a, e) == 0) indexes_build(r, a, e);
    return e->n == before ? 0 : -1;
}

int model_add(struct model *m, const struct mf_manifest *mf, struct cfg_errors *e)
{
    if (m->sealed) panic("model_add after model_seal");
    if (plugin_find(m, sv_of(mf->id))) {
        cfg_error(e, &(struct cfg_node){.line = 1, .column = 1},
                  "a plugin with the id \"%s\" is loaded already", mf->id);
        return -1;
    }
    if (m->n_plugins == m->cap_plugins) {
        size_t cap = m->cap_plugins ? m->cap_plugins * 2 : 16;
        struct model_plugin **grown = ARENA_ARRAY(m->a, struct model_plugin *, cap);
        if (m->n_plugins) memcpy(grown, m->plugins, m->n_plugins * sizeof *grown);
        m->plugins = grown;
        m->cap_plugins = cap;
    }
    struct model_plugin *p = ARENA_NEW(m->a, struct model_plugin);
    p->mf = mf;
    p->res = ARENA_ARRAY(m->a, struct model_resource *, mf->n_resources);
    m->plugins[m->n_plugins++] = p;
    int rc = 0;
    for (size_t i = 0; i < mf->n_resources; i++)
        if (add_resource(m, p, &mf->resources[i], e) < 0) rc = -1;
    p->dropped = rc < 0;
    return rc;
}

/* ---- seal ------------------------------------------------------------------------- */

static const char *target_of(const struct mf_field *f)
{
    switch (f->type) {
    case MF_USER:
        return "core.staff";
    case MF_DEPT:
        return "core.dept";
    case MF_IMAGE:
    case MF_FILE:
    case MF_VIDEO:
        return "core.file";
    case MF_REF:
        return f->to;
    default:
        return NULL;
    }
}

static const char *target_of_set(const struct mf_field *f)
{
    return f->type == MF_REFS                            ? f->to
           : f->type == MF_IMAGES || f->type == MF_FILES ? "core.file"
                                                         : NULL;
}

static void resolve_refs(struct model *m, struct model_resource *r, struct cfg_errors *e)
{
    for (unsigned i = 0; i < r->n_cols; i++) {
        struct model_col *c = &r->cols[i];
        const char *one = target_of(c->f), *many = target_of_set(c->f), *to = one ? one : many;
        if (!to) continue;
        const struct model_resource *res = resource_find(m, sv_of(to));
        c->ref = one ? res : NULL;
        c->many = one ? NULL : res;
        if (!res)
            seal_error(e, r->mf, c->f, "field \"%s\" refers to %s, which is not loaded", c->f->name,
                       to);
        c->tree = res && has_trait(res, MF_TREE) ? res : NULL;
    }
    if (has_trait(r, MF_TREE)) r->cols[r->id->at].tree = r;
}

static void resolve_children(struct model *m, struct model_resource *r, struct cfg_errors *e)
{
    for (unsigned i = 0; i < r->n_kids; i++) {
        struct model_child *k = &r->kids[i];
        sv full = arena_printf(m->a, "%s.%s", r->mf->manifest->id, k->f->to ? k->f->to : "");
        struct model_resource *child = resource_find(m, full);
        const struct model_col *by = child && k->f->by ? col_find(child, sv_of(k->f->by)) : NULL;
        if (!child) {
            seal_error(e, r->mf, k->f, "field \"%s\": there is no resource \"%s\"", k->f->name,
                       k->f->to ? k->f->to : "");
        } else if (!by || by->f->type != MF_REF || !sv_eqs(r->name, by->f->to)) {
            seal_error(e, r->mf, k->f, "field \"%s\": \"%s\" of %s does not refer to %s",
                       k->f->name, k->f->by ? k->f->by : "", k->f->to, r->name.p);
        } else if (child->n_kids) {
            seal_error(e, r->mf, k->f, "field \"%s\": children cannot have children themselves",
                       k->f->name);
        } else {
            k->res = child;
            k->by = by;
            const struct model_col *pos = col_find(child, SV("position"));
            k->position = pos && pos->f->type == MF_INT ? pos : NULL;
            child->parent = r;
            child->parent_by = by;
        }
    }
}

static void default_sort(struct model_resource *r)
{
    r->sort = r->id;
    r->sort_desc = true;
    if (!r->mf->n_list_sorts) return;
    const char *s = r->mf->list_sorts[0];
    const struct model_col *c = col_find(r, sv_of(s[0] == '-' ? s + 1 : s));
    if (!c) return;
    r->sort = c;
    r->sort_desc = s[0] == '-';
}

static const struct model_resource *referred(const struct model_col *c)
{
    return c->ref ? c->ref : c->many;
}

static void collect_referrers(struct model *m)
{
    for (size_t i = 0; i < m->n_all; i++)
        for (unsigned k = 0; k < m->all[i]->n_cols; k++) {
            const struct model_resource *to = referred(&m->all[i]->cols[k]);
            if (to) resource_find(m, to->name)->n_referrers++;
        }
    for (size_t i = 0; i < m->n_all; i++) {
        struct model_resource *r = m->all[i];
        r->referrers = ARENA_ARRAY(m->a, struct model_referrer, r->n_referrers);
        r->n_referrers = 0;
    }
    for (size_t i = 0; i < m->n_all; i++)
        for (unsigned k = 0; k < m->all[i]->n_cols; k++) {
            const struct model_col *c = &m->all[i]->cols[k];
            if (!referred(c) || c == m->all[i]->created_by) continue;
            struct model_resource *to = resource_find(m, referred(c)->name);
            to->referrers[to->n_referrers++] = (struct model_referrer){m->all[i], c};
        }
}

static void check_plugin(struct model *m, struct model_plugin *p, struct cfg_errors *e)
{
    unsigned before = e->n;
    for (size_t i = 0; i < p->mf->n_requires; i++) {
        struct model_plugin *q = plugin_find(m, sv_of(p->mf->requires[i]));
        if (!q || q->dropped)
            cfg_error(e, &(struct cfg_node){.line = 1, .column = 1},
                      "plugin \"%s\" requires \"%s\", which is not loaded", p->mf->id,
                      p->mf->requires[i]);
    }
    for (size_t i = 0; i < p->n_res; i++) {
        struct model_resource *r = p->res[i];
        r->parent = NULL;
        r->parent_by = NULL;
        resolve_refs(m, r, e);
    }
    for (size_t i = 0; i < p->n_res; i++)
        resolve_children(m, p->res[i], e);
    for (size_t i = 0; i < p->n_res; i++) {
        if (p->res[i]->mf->n_scopes > 50) seal_error(e, p->res[i]->mf, NULL, "more than 50 scopes");
        indexes_check(p->res[i], e);
        core_hooks_check(p->res[i]->mf, e);
    }
    p->dropped = e->n != before;
}

/* A plugin that is left out takes those with it that stand on it, so this goes
 * round until nothing more falls. Complaints of a round that is repeated for
 * those that stand are none, so nothing is said twice. */
static void drop_broken(struct model *m, struct cfg_errors *e)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < m->n_plugins; i++) {
            struct model_plugin *p = m->plugins[i];
            if (p->dropped) continue;
            const char *file = e->file;
            check_plugin(m, p, e);
            e->file = file;
            if (p->dropped) again = true;
        }
    }
}

int model_seal(struct model *m, const struct model_hooks *hooks, struct cfg_errors *e,
               const char *const **dropped)
{
    if (m->sealed) panic("model_seal twice");
    if (hooks) m->hooks = *hooks;
    drop_broken(m, e);
    size_t n = 0, n_dropped = 0;
    for (size_t i = 0; i < m->n_plugins; i++)
        n += m->plugins[i]->n_res;
    m->all = ARENA_ARRAY(m->a, struct model_resource *, n);
    const char **out = ARENA_ARRAY(m->a, const char *, m->n_plugins + 1);
    for (size_t i = 0; i < m->n_plugins; i++) {
        struct model_plugin *p = m->plugins[i];
        if (p->dropped) {
            out[n_dropped++] = p->mf->id;
            continue;
        }
        for (size_t k = 0; k < p->n_res; k++)
            m->all[m->n_all++] = p->res[k];
    }
    for (size_t i = 0; i < m->n_all; i++) {
        scopes_build(m->all[i], m->a);
        default_sort(m->all[i]);
    }
    collect_referrers(m);
    file_rights_init(m);
    m->sealed = true;
    if (dropped) *dropped = out;
    return n_dropped ? -1 : 0;
}
