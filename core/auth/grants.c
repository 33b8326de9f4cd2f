/* What roles allow: reading the grants of a role row, the union of several, and
 * the questions that are asked of it. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define MAX_RESOURCES 4000           /* a role that names more is nonsense */

/* ---- building the union ------------------------------------------------------------------ */

struct set { const sv *v; unsigned n; };

static bool has(const sv *v, unsigned n, sv x)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_eq(v[i], x)) return true;
    return false;
}

/* In place: out |= json array of texts. "all" swallows the others. */
static void add_texts(struct arena *a, const sv **out, unsigned *n, const json_t *list)
{
    size_t more = json_array_size(list);
    if (more == 0) return;
    sv *all = ARENA_ARRAY(a, sv, *n + more);
    if (*n) memcpy(all, *out, *n * sizeof *all);
    unsigned count = *n;
    for (size_t i = 0; i < more; i++) {
        const json_t *x = json_array_get(list, i);
        sv text = sv_make(json_string_value(x), json_string_length(x));
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

struct build {
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

/* Who may write these could make himself administrator, or rewrite what the core
 * alone writes; rights to do so stay with the built-in role. */
static bool read_only_for_roles(sv resource)
{
    static const char *const names[] = {"core.staff", "core.staff_role", "core.role",
                                        "core.audit", "core.outbox",     "core.login_provider"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (sv_eqs(resource, names[i])) return true;
    return false;
}

static void add_resource(struct build *b, sv resource, const json_t *j)
{
    size_t at = grant_for(b, resource);
    struct auth_grant *g = &b->grants[at];
    struct arena *a = b->arena;
    const json_t *read = json_object_get(j, "read"), *fields = json_object_get(j, "fields");
    add_texts(a, &g->read, &g->n_read, read);
    if (json_is_true(json_object_get(j, "export"))) g->export = true;
    if (json_array_size(read) > 0) {
        meet(a, !b->reads[at], &g->hidden, &g->n_hidden,
             fields_marked(a, fields, "hidden", NULL));
        b->reads[at] = true;
    }
    if (read_only_for_roles(resource)) return;
    const json_t *update = json_object_get(j, "update");
    bool create = json_is_true(json_object_get(j, "create"));
    add_texts(a, &g->update, &g->n_update, update);
    add_texts(a, &g->del, &g->n_del, json_object_get(j, "delete"));
    add_texts(a, &g->doing, &g->n_doing, json_object_get(j, "do"));
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
        if (json_is_object(x) && b->n < MAX_RESOURCES) add_resource(b, sv_of(name), x);
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

struct auth_roles *roles_compile(const struct role_row *rows, size_t n)
{
    struct arena *a = arena_new(0);
    struct auth_roles *r = ARENA_NEW(a, struct auth_roles);
    struct build b = {.arena = a, .scratch = arena_new(0)};
    sv *codes = ARENA_ARRAY(a, sv, n + 1);
    r->arena = a;
    atomic_init(&r->refs, 1);
    for (size_t i = 0; i < n; i++) {
        if (!sv_eqs(rows[i].code, ROLE_EVERYONE)) codes[r->n_codes++] = arena_sv(a, rows[i].code);
        if (rows[i].builtin && sv_eqs(rows[i].code, ROLE_ADMIN)) r->admin = true;
        add_role(&b, &rows[i]);
    }
    arena_free(b.scratch);
    r->codes = codes;
    r->grants = b.grants;
    r->n_grants = (unsigned)b.n;
    index_grants(r);
    return r;
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
    const struct auth_roles *r = p->roles;
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
