/* What roles allow: reading the grants of a role row, the union of several, and
 * the questions that are asked of it. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define MAX_RESOURCES 4000           /* a role that names more is nonsense */

/* ---- building the union ------------------------------------------------------------------ */

struct set { const sv *v; unsigned n; };

static sv text_of(const json_t *x)
{
    return json_is_string(x) ? sv_make(json_string_value(x), json_string_length(x)) : SV_NULL;
}

static bool has(const sv *v, unsigned n, sv x)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_eq(v[i], x)) return true;
    return false;
}

/* In place: out |= json array of texts. "all" swallows the others, unless only
 * named ones count. */
static void add_texts(struct arena *a, const sv **out, unsigned *n, const json_t *list, bool named)
{
    size_t more = json_array_size(list);
    if (more == 0) return;
    sv *all = ARENA_ARRAY(a, sv, *n + more);
    if (*n) memcpy(all, *out, *n * sizeof *all);
    unsigned count = *n;
    for (size_t i = 0; i < more; i++) {
        const json_t *x = json_array_get(list, i);
        sv text = sv_make(json_string_value(x), json_string_length(x));
        if (named && sv_eqs(text, "all")) continue;
        if (json_is_string(x) && !has(all, count, text)) all[count++] = arena_sv(a, text);
    }
    if (has(all, count, SV("all"))) {
        all[0] = SV("all");
        count = 1;
    }
    *out = all;
    *n = count;
}

static struct set fields_marked(struct arena *a, const json_t *fields, const char *mark,
                                const char *or_mark)
{
    sv *v = ARENA_ARRAY(a, sv, json_object_size(fields) + 1);
    unsigned n = 0;
    const char *name;
    json_t *x;
    json_object_foreach((json_t *)fields, name, x)
    {
        sv m = sv_make(json_string_value(x), json_string_length(x));
        if (json_is_string(x) && (sv_eqs(m, mark) || (or_mark && sv_eqs(m, or_mark))))
            v[n++] = arena_sv(a, sv_of(name));
    }
    return (struct set){v, n};
}

/* A right from any role lifts a mark: what stays is what all of them mark. The
 * first role brings its marks, each further one leaves those that are its too. */
static void meet(struct arena *a, bool first, const sv **out, unsigned *n, struct set with)
{
    if (first) {
        *out = with.v;
        *n = with.n;
        return;
    }
    sv *both = ARENA_ARRAY(a, sv, *n + 1);
    unsigned count = 0;
    for (unsigned i = 0; i < *n; i++)
        if (has(with.v, with.n, (*out)[i])) both[count++] = (*out)[i];
    *out = both;
    *n = count;
}

/* A right to unmask from any role holds. */
static void join(struct arena *a, const sv **out, unsigned *n, struct set with)
{
    sv *all = ARENA_ARRAY(a, sv, *n + with.n + 1);
    unsigned count = *n;
    if (*n) memcpy(all, *out, *n * sizeof *all);
    for (unsigned i = 0; i < with.n; i++)
        if (!has(all, count, with.v[i])) all[count++] = with.v[i];
    *out = all;
    *n = count;
}

struct build {
    const struct role_input *in;
    struct arena *arena;             /* of the result */
    struct arena *scratch;           /* of the documents read */
    struct auth_grant *grants;
    bool *reads, *writes;            /* some role so far reads, writes it */
    size_t n, cap;
};

static size_t grant_for(struct build *b, sv resource)
{
    for (size_t i = 0; i < b->n; i++)
        if (sv_eq(b->grants[i].resource, resource)) return i;
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 16;
        struct auth_grant *g = ARENA_ARRAY(b->arena, struct auth_grant, cap);
        bool *r = ARENA_ARRAY(b->arena, bool, cap), *w = ARENA_ARRAY(b->arena, bool, cap);
        if (b->n) {
            memcpy(g, b->grants, b->n * sizeof *g);
            memcpy(r, b->reads, b->n * sizeof *r);
            memcpy(w, b->writes, b->n * sizeof *w);
        }
        b->grants = g;
        b->reads = r;
        b->writes = w;
        b->cap = cap;
    }
    b->grants[b->n].resource = arena_sv(b->arena, resource);
    return b->n++;
}

/* What the core alone writes; and what is written with the row it belongs to,
 * where it is checked whether the writer may give it. */
static bool read_only_for_roles(sv resource)
{
    static const char *const names[] = {
        "core.audit",        "core.outbox",          "core.login_provider", "core.staff_role",
        "core.post_role",    "core.partner_role",    "core.delegation_role", "core.seat"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (sv_eqs(resource, names[i])) return true;
    return false;
}

static bool has_id(const struct auth_ids *ids, int64_t id)
{
    for (unsigned i = 0; i < ids->n; i++)
        if (ids->v[i] == id) return true;
    return false;
}

static bool names_custom(const json_t *scopes)
{
    for (size_t i = 0; i < json_array_size(scopes); i++)
        if (sv_eqs(text_of(json_array_get(scopes, i)), "custom")) return true;
    return false;
}

/* The departments of `depts`, with those below them when the role says so. */
static void add_custom(struct build *b, struct auth_ids *out, const json_t *scopes, const json_t *j)
{
    const json_t *depts = json_object_get(j, "depts");
    bool below = json_is_true(json_object_get(j, "below"));
    if (!names_custom(scopes) || json_array_size(depts) == 0) return;
    size_t cap = out->n + json_array_size(depts) + (below ? b->in->n_below : 0);
    int64_t *v = ARENA_ARRAY(b->arena, int64_t, cap), id;
    struct auth_ids all = {v, out->n};
    if (out->n) memcpy(v, out->v, out->n * sizeof *v);
    for (size_t i = 0; i < json_array_size(depts); i++) {
        if (!sv_i64(text_of(json_array_get(depts, i)), &id)) continue;
        if (!has_id(&all, id)) v[all.n++] = id;
        for (size_t k = 0; below && k < b->in->n_below; k++)
            if (b->in->below[k].ancestor == id && !has_id(&all, b->in->below[k].descendant))
                v[all.n++] = b->in->below[k].descendant;
    }
    *out = all;
}

/* A partner's people have no rights on rows that know no partner, but for what the
 * host means for them, row by row. */
enum reach { REACH_NONE, REACH_NAMED, REACH_ALL };
static enum reach reach_of(const struct role_input *in, const struct role_row *row, sv resource,
                           const json_t *j)
{
    if (!in->partner || has(in->for_partners, in->n_for_partners, resource)) return REACH_ALL;
    bool meant = row->partner == 0 && json_is_true(json_object_get(j, "partners"));
    return meant ? REACH_NAMED : REACH_NONE;
}

static void add_resource(struct build *b, const struct role_row *row, sv resource, const json_t *j)
{
    enum reach reach = reach_of(b->in, row, resource, j);
    if (reach == REACH_NONE) return;
    bool named = reach == REACH_NAMED;
    size_t at = grant_for(b, resource);
    struct auth_grant *g = &b->grants[at];
    struct arena *a = b->arena;
    const json_t *read = json_object_get(j, "read"), *fields = json_object_get(j, "fields");
    add_texts(a, &g->read, &g->n_read, read, named);
    add_custom(b, &g->custom[AUTH_READ], read, j);
    if (json_is_true(json_object_get(j, "export"))) g->export = true;
    if (json_array_size(read) > 0) {
        meet(a, !b->reads[at], &g->hidden, &g->n_hidden,
             fields_marked(a, fields, "hidden", NULL));
        /* one who sees it masked sees more than one from whom it is hidden */
        meet(a, !b->reads[at], &g->masked, &g->n_masked,
             fields_marked(a, fields, "masked", "hidden"));
        join(a, &g->unmasked, &g->n_unmasked, fields_marked(a, fields, "unmasked", NULL));
        b->reads[at] = true;
    }
    if (read_only_for_roles(resource)) return;
    const json_t *update = json_object_get(j, "update");
    bool create = json_is_true(json_object_get(j, "create"));
    const json_t *del = json_object_get(j, "delete");
    add_texts(a, &g->update, &g->n_update, update, named);
    add_texts(a, &g->del, &g->n_del, del, named);
    add_texts(a, &g->doing, &g->n_doing, json_object_get(j, "do"), named);
    add_custom(b, &g->custom[AUTH_UPDATE], update, j);
    add_custom(b, &g->custom[AUTH_DELETE], del, j);
    if (create) g->create = true;
    if (create && json_is_true(json_object_get(j, "import"))) g->import = true;
    if (create || json_array_size(update) > 0) {
        meet(a, !b->writes[at], &g->read_only, &g->n_read_only,
             fields_marked(a, fields, "read_only", "hidden"));
        b->writes[at] = true;
    }
}

static void add_role(struct build *b, const struct role_row *row)
{
    if (row->grants.n == 0) return;
    struct err e = {0};
    json_t *doc;
    const char *name;
    json_t *x;
    if (json_parse(b->scratch, row->grants, &doc, &e) != 0 || !json_is_object(doc)) {
        log_warn("the grants of role %.*s cannot be read: it allows nothing", SVARG(row->code));
        return;
    }
    json_object_foreach(doc, name, x)
        if (json_is_object(x) && b->n < MAX_RESOURCES) add_resource(b, row, sv_of(name), x);
}

static void index_grants(struct auth_roles *r)
{
    unsigned cap = 8;
    while (cap < r->n_grants * 2) cap *= 2;
    r->mask = cap - 1;
    r->slots = ARENA_ARRAY(r->arena, const struct auth_grant *, cap);
    for (unsigned k = 0; k < r->n_grants; k++) {
        uint64_t i = sv_hash(r->grants[k].resource) & r->mask;
        while (r->slots[i]) i = (i + 1) & r->mask;
        r->slots[i] = &r->grants[k];
    }
}

/* Rows of one hat, or of all together. */
#define ANY_HAT UINT32_MAX
static void build_union(struct build *b, unsigned hat, const struct auth_roles *limit)
{
    for (size_t i = 0; i < b->in->n; i++) {
        const struct role_row *row = &b->in->rows[i];
        if (hat == ANY_HAT || row->hat == hat) add_role(b, row);
    }
    if (limit) b->n = roles_bound(b->grants, (unsigned)b->n, limit);
}

static const struct auth_grant *built(const struct build *b, sv resource)
{
    for (size_t i = 0; i < b->n; i++)
        if (sv_eq(b->grants[i].resource, resource)) return &b->grants[i];
    return NULL;
}

/* Beside the union, whose each part of it is. */
static void split_by_hat(struct build *all, unsigned n_hats, const struct auth_roles *limit)
{
    struct build part[AUTH_HATS];
    for (unsigned h = 0; h < n_hats; h++) {
        part[h] = (struct build){.in = all->in, .arena = all->arena, .scratch = all->scratch};
        build_union(&part[h], h, limit);
    }
    for (size_t i = 0; i < all->n; i++) {
        struct auth_grant *g = &all->grants[i];
        struct auth_grant *hats = ARENA_ARRAY(all->arena, struct auth_grant, n_hats);
        for (unsigned h = 0; h < n_hats; h++) {
            const struct auth_grant *own = built(&part[h], g->resource);
            if (own) hats[h] = *own;
            hats[h].resource = g->resource;
        }
        g->hats = hats;
        g->n_hats = n_hats;
    }
}

static void add_menus(struct auth_roles *r, struct arena *scratch, const struct role_row *row)
{
    struct err e = {0};
    json_t *doc;
    if (row->grants.n == 0 || json_parse(scratch, row->grants, &doc, &e) != 0) return;
    const json_t *menus = json_object_get(doc, "menus");
    if (json_is_array(menus)) r->picks_menus = true;
    add_texts(r->arena, &r->menus, &r->n_menus, menus, false);
    add_texts(r->arena, &r->hidden_menus, &r->n_hidden_menus, json_object_get(doc, "hide_menus"),
              false);
}

static bool for_all(sv code)
{
    return sv_eqs(code, ROLE_EVERYONE) || sv_eqs(code, ROLE_PARTNERS);
}

struct auth_roles *roles_compile_all(const struct role_input *in)
{
    struct arena *a = arena_new(0);
    struct auth_roles *r = ARENA_NEW(a, struct auth_roles), *limit = NULL;
    struct build b = {.in = in, .arena = a, .scratch = arena_new(0)};
    sv *codes = ARENA_ARRAY(a, sv, in->n + 1);
    unsigned n_hats = 1;
    r->arena = a;
    atomic_init(&r->refs, 1);
    for (size_t i = 0; i < in->n; i++) {
        const struct role_row *row = &in->rows[i];
        if (row->hat >= n_hats) n_hats = row->hat + 1;
        if (row->hat) continue;
        if (!for_all(row->code)) codes[r->n_codes++] = arena_sv(a, row->code);
        if (row->builtin && !in->partner && sv_eqs(row->code, ROLE_ADMIN)) r->admin = true;
        add_menus(r, b.scratch, row);
    }
    if (n_hats > AUTH_HATS) panic("auth: more delegations than there are hats");
    if (in->partner) {
        struct role_input bound = *in;
        bound.rows = in->limit;
        bound.n = in->n_limit;
        bound.limit = NULL;
        bound.partner = 0;
        limit = roles_compile_all(&bound);
    }
    build_union(&b, ANY_HAT, limit);
    if (n_hats > 1) split_by_hat(&b, n_hats, limit);
    roles_unref(limit);
    arena_free(b.scratch);
    r->codes = codes;
    r->grants = b.grants;
    r->n_grants = (unsigned)b.n;
    index_grants(r);
    return r;
}

struct auth_roles *roles_compile(const struct role_row *rows, size_t n)
{
    return roles_compile_all(&(struct role_input){.rows = rows, .n = n});
}

bool role_is_custom(sv grants)
{
    static const char word[] = "\"custom\"";
    for (size_t i = 0; i + sizeof word - 1 <= grants.n; i++)
        if (memcmp(grants.p + i, word, sizeof word - 1) == 0) return true;
    return false;
}

struct auth_roles *roles_ref(struct auth_roles *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void roles_unref(struct auth_roles *r)
{
    if (r && atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        arena_free(r->arena);
}

/* ---- asking ------------------------------------------------------------------------------ */

static const sv only_all[] = {{"all", 3}};
static const struct auth_grant everything = {
    .resource = {"*", 1}, .create = true, .export = true, .import = true,
    .read = only_all, .update = only_all, .del = only_all, .doing = only_all,
    .n_read = 1, .n_update = 1, .n_del = 1, .n_doing = 1,
};
/* What the core alone writes: not even the administrator. */
static const struct auth_grant look_only = {
    .resource = {"*", 1}, .export = true, .read = only_all, .n_read = 1,
};

const struct auth_grant *auth_grant_of(const struct auth_principal *p, sv resource)
{
    if (p->admin) {
        bool core_writes = sv_eq(resource, SV("core.audit")) || sv_eq(resource, SV("core.outbox"));
        return core_writes && p->kind != AUTH_SYSTEM ? &look_only : &everything;
    }
    return auth_grant_in(p->roles, resource);
}

const struct auth_grant *auth_grant_in(const struct auth_roles *r, sv resource)
{
    if (!r) return NULL;
    for (uint64_t i = sv_hash(resource) & r->mask; r->slots[i]; i = (i + 1) & r->mask)
        if (sv_eq(r->slots[i]->resource, resource)) return r->slots[i];
    return NULL;
}

bool auth_scope_all(const sv *scopes, unsigned n)
{
    return has(scopes, n, SV("all"));
}

bool auth_can(const struct auth_principal *p, sv resource, sv action)
{
    const struct auth_grant *g = auth_grant_of(p, resource);
    if (!g) return false;
    if (sv_eqs(action, "read")) return g->n_read > 0;
    if (sv_eqs(action, "create")) return g->create;
    if (sv_eqs(action, "update")) return g->n_update > 0;
    if (sv_eqs(action, "delete")) return g->n_del > 0;
    if (sv_eqs(action, "export")) return g->export && g->n_read > 0;
    if (sv_eqs(action, "import")) return g->import && g->create;
    return has(g->doing, g->n_doing, action) || auth_scope_all(g->doing, g->n_doing);
}
