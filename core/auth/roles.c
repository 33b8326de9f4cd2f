/* Roles of people, compiled once for everybody who has the same, and the rows
 * that come from plugins' role templates. */
#define LOG_ROOM "auth"

#include <stdio.h>
#include <stdlib.h>

#include "auth/room.h"

/* ---- compiled unions of a tenant --------------------------------------------------------- */

#define SHARED 64                    /* different sets of roles kept by a tenant */

struct role_cache {
    uint64_t key[2];
    struct { struct hash128 h; struct auth_roles *roles; } slot[SHARED];
};

struct reading {
    struct arena *arena;
    struct role_row *rows;
    size_t n, cap;
    struct role_edge *edges;
    size_t n_edges, cap_edges;
    unsigned hat;                    /* of the rows that are being read */
    bool custom;                     /* some scope names departments */
    struct buf print;                /* everything that the union depends on */
};

static int64_t number(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static bool on_row(void *arg, const struct store_val *v, unsigned n)
{
    struct reading *r = arg;
    (void)n;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        struct role_row *more = ARENA_ARRAY(r->arena, struct role_row, cap);
        if (r->n) memcpy(more, r->rows, r->n * sizeof *more);
        r->rows = more;
        r->cap = cap;
    }
    struct role_row *row = &r->rows[r->n++];
    row->code = arena_sv(r->arena, v[0].u.s);
    row->grants = v[1].type == STORE_NULL ? SV_NULL : arena_sv(r->arena, v[1].u.s);
    row->builtin = number(&v[2]) != 0;
    row->partner = number(&v[3]);
    row->hat = r->hat;
    r->custom |= role_is_custom(row->grants);
    buf_printf(&r->print, "%u:%lld:%zu:%zu:%d:", row->hat, (long long)row->partner, row->code.n,
               row->grants.n, row->builtin);
    buf_sv(&r->print, row->code);
    buf_sv(&r->print, row->grants);
    return true;
}

static bool on_edge(void *arg, const struct store_val *v, unsigned n)
{
    struct reading *r = arg;
    (void)n;
    if (r->n_edges == r->cap_edges) {
        size_t cap = r->cap_edges ? r->cap_edges * 2 : 64;
        struct role_edge *more = ARENA_ARRAY(r->arena, struct role_edge, cap);
        if (r->n_edges) memcpy(more, r->edges, r->n_edges * sizeof *more);
        r->edges = more;
        r->cap_edges = cap;
    }
    r->edges[r->n_edges++] = (struct role_edge){number(&v[0]), number(&v[1])};
    buf_printf(&r->print, "%lld>%lld;", (long long)number(&v[0]), (long long)number(&v[1]));
    return true;
}

static struct auth_roles *shared(struct tenant *t, const struct reading *r,
                                 const struct role_input *in)
{
    pthread_mutex_lock(&t->lock);
    if (!t->roles) {
        t->roles = xmalloc(sizeof *t->roles);
        memset(t->roles, 0, sizeof *t->roles);
        rand_bytes(t->roles->key, sizeof t->roles->key);
    }
    struct role_cache *rc = t->roles;
    struct hash128 h = seal_siphash(rc->key, buf_view(&r->print));
    size_t at = h.a % SHARED;
    if (!rc->slot[at].roles || rc->slot[at].h.a != h.a || rc->slot[at].h.b != h.b) {
        roles_unref(rc->slot[at].roles);
        rc->slot[at].roles = roles_compile_all(in);
        rc->slot[at].h = h;
    }
    struct auth_roles *out = roles_ref(rc->slot[at].roles);
    pthread_mutex_unlock(&t->lock);
    return out;
}

static int read_edges(struct store_conn *c, struct reading *r, struct err *err)
{
    return store_run(c, SV("SELECT ancestor, descendant FROM core_dept_tree WHERE depth > 0"
                           " ORDER BY ancestor, descendant"),
                     NULL, 0, on_edge, r, err);
}

int roles_edges(struct store_conn *c, struct arena *a, const struct role_edge **out, size_t *n,
                struct err *err)
{
    struct reading r = {.arena = a, .print = BUF_IN(a)};
    if (read_edges(c, &r, err) != 0) return -1;
    *out = r.edges;
    *n = r.n_edges;
    return 0;
}

int roles_of_key(struct tenant *t, struct store_conn *c, int64_t key, sv grants,
                 struct auth_roles **out, struct err *err)
{
    struct arena *a = arena_new(0);
    struct reading r = {.arena = a, .print = BUF_IN(a)};
    struct store_val args[] = {STORE_I(key)};
    int rc = store_run(c, SV("SELECT code, grants, builtin, partner FROM core_role WHERE id IN"
                             " (SELECT role FROM core_api_key_role WHERE api_key = ?) ORDER BY id"),
                       args, 1, on_row, &r, err);
    if (rc == 0) {
        struct store_val own[] = {STORE_S(SV("")), grants.p ? STORE_S(grants) : STORE_N, STORE_I(0), STORE_N};
        on_row(&r, own, 4);
        if (r.custom) rc = read_edges(c, &r, err);
    }
    if (rc == 0) {
        struct role_input in = {.rows = r.rows, .n = r.n, .below = r.edges, .n_below = r.n_edges};
        *out = shared(t, &r, &in);
    }
    arena_free(a);
    return rc;
}

/* Held directly, or by a post that one has now. */
#define HELD                                                                                     \
    "r.id IN (SELECT role FROM core_staff_role WHERE staff = ?)"                                 \
    " OR r.id IN (SELECT x.role FROM core_staff_post p JOIN core_post_role x ON x.post = p.post" \
    " WHERE p.staff = ? AND p.since <= ? AND (p.until IS NULL OR p.until > ?))"
#define COLUMNS "SELECT r.code, r.grants, r.builtin, r.partner FROM core_role r"

static int read_own(struct store_conn *c, struct reading *r, const struct role_person *who,
                    struct err *err)
{
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_S(who->partner ? SV(ROLE_PARTNERS) : SV(ROLE_EVERYONE)),
                               STORE_I(who->id), STORE_I(who->id), STORE_T(now), STORE_T(now)};
    r->hat = 0;
    return store_run(c, SV(COLUMNS " WHERE r.code = ? OR " HELD " ORDER BY r.id"), args, 5, on_row,
                     r, err);
}

/* All that the other holds himself, or what of it the delegation names; never to
 * be administrator, and never what he has from somebody else. */
static int read_hat(struct store_conn *c, struct reading *r, const struct role_hat *hat,
                    unsigned number, struct err *err)
{
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_I(hat->id), STORE_I(hat->id), STORE_T(now), STORE_T(now),
                               STORE_I(hat->all), STORE_I(hat->delegation)};
    r->hat = number;
    return store_run(c, SV(COLUMNS " WHERE r.builtin = 0 AND (" HELD ") AND (? = 1 OR r.id IN"
                           " (SELECT role FROM core_delegation_role WHERE delegation = ?))"
                           " ORDER BY r.id"),
                     args, 6, on_row, r, err);
}

static int read_limit(struct store_conn *c, struct reading *r, int64_t partner, struct err *err)
{
    struct store_val args[] = {STORE_I(partner)};
    r->hat = 0;
    return store_run(c, SV(COLUMNS " WHERE r.code = '" ROLE_PARTNERS "' OR r.id IN"
                           " (SELECT role FROM core_partner_role WHERE partner = ?) ORDER BY r.id"),
                     args, 1, on_row, r, err);
}

int roles_of_staff(struct tenant *t, struct store_conn *c, const struct role_person *who,
                   const struct role_hat *hats, unsigned n_hats, struct auth_roles **out,
                   struct err *err)
{
    struct arena *a = arena_new(0);
    struct reading r = {.arena = a, .print = BUF_IN(a)};
    struct reading limit = {.arena = a, .print = BUF_IN(a)};
    int rc = read_own(c, &r, who, err);
    for (unsigned i = 0; rc == 0 && i < n_hats; i++) rc = read_hat(c, &r, &hats[i], i + 1, err);
    if (rc == 0 && who->partner) rc = read_limit(c, &limit, who->partner, err);
    if (rc == 0 && (r.custom || limit.custom))
        rc = read_edges(c, &r, err);
    if (rc == 0) {
        buf_printf(&r.print, "|%lld|", (long long)who->partner);
        buf_sv(&r.print, buf_view(&limit.print));
        struct role_input in = {.rows = r.rows, .n = r.n, .below = r.edges, .n_below = r.n_edges,
                                .partner = who->partner, .limit = limit.rows, .n_limit = limit.n,
                                .for_partners = t->auth->for_partners,
                                .n_for_partners = t->auth->n_for_partners};
        *out = shared(t, &r, &in);
    }
    arena_free(a);
    return rc;
}

void roles_cache_free(struct role_cache *rc)
{
    if (!rc) return;
    for (size_t i = 0; i < SHARED; i++) roles_unref(rc->slot[i].roles);
    free(rc);
}

/* ---- templates --------------------------------------------------------------------------- */

static void write_texts(struct jsonw *w, const char *key, const char *const *list, size_t n)
{
    if (n == 0) return;
    jsonw_key(w, sv_of(key));
    jsonw_arr(w);
    for (size_t i = 0; i < n; i++) jsonw_cstr(w, list[i]);
    jsonw_end_arr(w);
}

static void write_grant(struct jsonw *w, const struct mf_grant *g)
{
    jsonw_obj(w);
    write_texts(w, "read", g->read, g->n_read);
    if (g->create) jsonw_kv_bool(w, "create", true);
    write_texts(w, "update", g->update, g->n_update);
    write_texts(w, "delete", g->del, g->n_del);
    if (g->export) jsonw_kv_bool(w, "export", true);
    if (g->import) jsonw_kv_bool(w, "import", true);
    write_texts(w, "do", g->doing, g->n_doing);
    if (g->partners) jsonw_kv_bool(w, "partners", true);
    if (g->n_fields) {
        jsonw_key(w, SV("fields"));
        jsonw_obj(w);
        for (size_t i = 0; i < g->n_fields; i++)
            jsonw_kv_str(w, g->fields[i].field, g->fields[i].mark);
        jsonw_end_obj(w);
    }
    jsonw_end_obj(w);
}

void roles_template(const struct mf_manifest *m, const char *role, struct buf *out)
{
    struct jsonw w = jsonw_on(out);
    jsonw_obj(&w);
    for (size_t i = 0; i < m->n_resources; i++) {
        const struct mf_resource *r = &m->resources[i];
        for (size_t k = 0; k < r->n_grants; k++) {
            if (strcmp(r->grants[k].role, role) != 0) continue;
            char name[160];
            size_t n = (size_t)snprintf(name, sizeof name, "%s.%s", m->id, r->name);
            jsonw_key(&w, sv_make(name, n < sizeof name ? n : sizeof name - 1));
            write_grant(&w, &r->grants[k]);
        }
    }
    jsonw_end_obj(&w);
}

/* A row whose grants are still those of the template it came from follows the
 * template; one that a tenant has edited stays. */
static int install_one(struct store_conn *c, struct arena *a, const struct mf_manifest *m,
                       const struct mf_role *role, struct err *err)
{
    struct buf grants = BUF_IN(a);
    roles_template(m, role->id, &grants);
    char hash[AUTH_HASH_CHARS], now_hash[AUTH_HASH_CHARS];
    seal_sha256_hex(buf_view(&grants), hash);
    sv code = arena_printf(a, "%s.%s", m->id, role->id);
    struct store_val key[] = {STORE_S(code)}, row[3];
    bool found;
    if (store_one(c, a, SV("SELECT id, grants, template_hash FROM core_role WHERE code = ?"), key,
                  1, row, 3, &found, err) != 0)
        return -1;
    int64_t now = clock_now_us();
    sv hash_sv = sv_make(hash, sizeof hash);
    if (!found) {
        struct store_val args[] = {STORE_I(id_next()), STORE_T(now),
                                   STORE_T(now),       STORE_S(code),
                                   STORE_S(sv_of(role->title.zh)), STORE_S(buf_view(&grants)),
                                   STORE_S(sv_of(m->id)), STORE_S(hash_sv)};
        return store_exec(c, SV("INSERT INTO core_role (id, created_at, updated_at, code, name,"
                                " grants, builtin, plugin, template_hash, version)"
                                " VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, 1)"
                                " ON DUPLICATE KEY UPDATE updated_at = updated_at"),
                          args, 8, NULL, err);
    }
    sv grants_now = row[1].type == STORE_NULL ? SV("") : row[1].u.s;
    seal_sha256_hex(grants_now, now_hash);
    bool untouched = row[2].type != STORE_NULL &&
                     sv_eq(row[2].u.s, sv_make(now_hash, sizeof now_hash));
    if (!untouched || sv_eq(row[2].u.s, hash_sv)) return 0;
    struct store_val args[] = {STORE_T(now), STORE_S(buf_view(&grants)), STORE_S(hash_sv),
                               STORE_I(row[0].u.i)};
    return store_exec(c, SV("UPDATE core_role SET updated_at = ?, grants = ?, template_hash = ?,"
                            " version = version + 1 WHERE id = ?"), args, 4, NULL, err);
}

int auth_install_roles(struct store_conn *c, const struct mf_manifest *m, struct err *err)
{
    struct arena *a = arena_new(0);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->n_roles; i++)
        rc = install_one(c, a, m, &m->roles[i], err);
    arena_free(a);
    return rc;
}
