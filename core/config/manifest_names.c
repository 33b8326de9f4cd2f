/* Names, titles, colours, hooks, permissions, cron lines. */
#include "config/manifest_reader.h"

bool mf_is_ident(sv name, size_t max)
{
    if (name.n == 0 || name.n > max || name.p[0] < 'a' || name.p[0] > 'z') return false;
    for (size_t i = 1; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

bool mf_is_dotted(sv name, size_t max)
{
    if (name.n == 0 || name.n > max) return false;
    for (sv rest = name; rest.p;)
        if (!mf_is_ident(sv_cut(rest, '.', &rest), max)) return false;
    return true;
}

bool mf_want_ident(struct mf_reader *r, const struct cfg_node *at, sv name, size_t max)
{
    if (mf_is_ident(name, max)) return true;
    cfg_error(r->e, at,
              "'%.*s' is not a name: a-z, 0-9 and _, beginning with a letter, at most %zu",
              CFG_SHOW(name), max);
    return false;
}

const char *mf_ident(struct mf_reader *r, struct cfg_node *map, const char *key, size_t max,
                     bool required)
{
    struct cfg_node *n = cfg_get(map, key);
    if (!n && required) cfg_missing(map, key, r->e);
    if (!n || !cfg_want(n, CFG_SCALAR, r->e)) return NULL;
    return mf_want_ident(r, n, n->scalar, max) ? n->scalar.p : NULL;
}

const char *mf_dotted(struct mf_reader *r, struct cfg_node *map, const char *key, bool required)
{
    struct cfg_node *n = cfg_get(map, key);
    if (!n && required) cfg_missing(map, key, r->e);
    if (!n || !cfg_want(n, CFG_SCALAR, r->e)) return NULL;
    if (mf_is_dotted(n->scalar, 100)) return n->scalar.p;
    cfg_error(r->e, n, "'%.*s' is not a dotted name such as vote.poll", CFG_SHOW(n->scalar));
    return NULL;
}

const char *mf_text(struct mf_reader *r, struct cfg_node *map, const char *key)
{
    struct cfg_node *n = cfg_get(map, key);
    if (!n) cfg_missing(map, key, r->e);
    if (!n || !cfg_want(n, CFG_SCALAR, r->e)) return NULL;
    if (n->scalar.n) return n->scalar.p;
    cfg_error(r->e, n, "'%s' is empty", key);
    return NULL;
}

struct mf_title mf_title_of(struct mf_reader *r, struct cfg_node *n)
{
    struct mf_title t = {0};
    if (!cfg_want(n, CFG_MAP, r->e)) return t;
    t.zh = mf_text(r, n, "zh");
    t.en = mf_text(r, n, "en");
    cfg_no_unknown(n, r->e);
    return t;
}

struct mf_title mf_title(struct mf_reader *r, struct cfg_node *map, const char *key, bool required)
{
    struct cfg_node *n = cfg_get(map, key);
    if (n) return mf_title_of(r, n);
    if (required) cfg_missing(map, key, r->e);
    return (struct mf_title){0};
}

const char *mf_color(struct mf_reader *r, struct cfg_node *map)
{
    struct cfg_node *n = cfg_get(map, "color");
    if (!n || !cfg_want(n, CFG_SCALAR, r->e)) return NULL;
    bool ok = mf_is_ident(n->scalar, 20);
    if (n->scalar.n == 7 && n->scalar.p[0] == '#')
        ok = strspn(n->scalar.p + 1, "0123456789abcdef") == 6;
    if (ok) return n->scalar.p;
    cfg_error(r->e, n, "'color' must be a name such as green, or \"#1a2b3c\"");
    return NULL;
}

const char *mf_bind(struct mf_reader *r, struct cfg_node *map, const char *key,
                    enum mf_hook_kind kind, bool required)
{
    static const char *const kinds[] = {
        [MF_H_CHECK] = "a check", [MF_H_TRANSITION] = "a transition",
        [MF_H_ROUTE] = "a route", [MF_H_EVENT] = "an event",
        [MF_H_JOB] = "a job",     [MF_H_STREAM] = "a stream",
    };
    const char *name = mf_ident(r, map, key, 63, required);
    if (!name) return NULL;
    for (const struct mf_bound *b = r->bound; b; b = b->next) {
        if (strcmp(b->name, name) != 0) continue;
        if (b->kind != kind)
            cfg_error(r->e, cfg_get(map, key),
                      "'%s' is used for %s already and cannot serve %s too", name, kinds[b->kind],
                      kinds[kind]);
        return name;
    }
    struct mf_bound *b = ARENA_NEW(r->a, struct mf_bound);
    *b = (struct mf_bound){name, kind, r->bound};
    r->bound = b;
    return name;
}

const char *mf_permission(struct mf_reader *r, struct cfg_node *map)
{
    static const char *const rights[] = {"read", "create", "update", "delete", "export", "import"};
    struct cfg_node *n = cfg_get(map, "permission");
    if (!n || !cfg_want(n, CFG_SCALAR, r->e)) return NULL;
    sv right, name = sv_cut(n->scalar, ':', &right);
    struct cfg_names resources = {0}, all = {0};
    for (size_t i = 0; i < r->m->n_resources; i++)
        cfg_names_add(r->a, &resources, r->m->resources[i].name);
    const struct mf_resource *res = mf_resource_find(r->m, name);
    if (!right.p) {
        cfg_error(r->e, n, "'permission' must be <resource>:<right>, such as \"poll:read\"");
        return NULL;
    }
    if (!res) {
        cfg_no_such(r->e, n, "resource", name, &resources);
        return NULL;
    }
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        cfg_names_add(r->a, &all, rights[i]);
    for (size_t i = 0; i < res->n_transitions; i++)
        cfg_names_add(r->a, &all, res->transitions[i].name);
    if (cfg_names_has(&all, right)) return n->scalar.p;
    cfg_no_such(r->e, n, "right", right, &all);
    return NULL;
}

/* One item of a cron field: '*', n, n-m, each perhaps with /step. */
static bool cron_item_ok(sv item, uint64_t min, uint64_t max)
{
    sv step, to;
    uint64_t a, b, s;
    item = sv_cut(item, '/', &step);
    if (step.p && (!sv_u64(step, &s) || s == 0 || s > max)) return false;
    if (sv_eq(item, SV("*"))) return true;
    item = sv_cut(item, '-', &to);
    if (!sv_u64(item, &a) || a < min || a > max) return false;
    return !to.p || (sv_u64(to, &b) && b >= a && b <= max);
}

/* Five fields: minute, hour, day of month, month, day of week (0 and 7: Sunday). */
bool mf_cron_ok(sv text)
{
    static const struct {
        uint64_t min, max;
    } bounds[] = {{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}};
    sv rest = text;
    for (size_t i = 0; i < 5; i++) {
        if (!rest.p) return false;
        sv field = sv_cut(rest, ' ', &rest);
        for (sv more = field; more.p;)
            if (!cron_item_ok(sv_cut(more, ',', &more), bounds[i].min, bounds[i].max)) return false;
    }
    return !rest.p;
}
