/* From a person to a principal: name, roles, departments. The one place where it
 * is done, for log-ins and for work that is carried on in somebody's name. */
#define LOG_ROOM "auth"

#include <stdlib.h>

#include "auth/room.h"

struct ids { int64_t *v; size_t n, cap; struct arena *a; };

static bool on_id(void *arg, const struct store_val *v, unsigned n)
{
    struct ids *l = arg;
    (void)n;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        int64_t *more = ARENA_ARRAY(l->a, int64_t, cap);
        if (l->n) memcpy(more, l->v, l->n * sizeof *more);
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n++] = v[0].u.i;
    return true;
}

static int read_depts(struct store_conn *c, int64_t dept, struct ids *out, struct err *err)
{
    struct store_val args[] = {STORE_I(dept)};
    if (!dept) return 0;
    return store_run(c, SV("SELECT descendant FROM core_dept_tree WHERE ancestor = ?"), args, 1,
                     on_id, out, err);
}

/* The six columns of PERSON_COLUMNS. */
int person_take(struct tenant *t, struct arena *a, struct auth_person *r,
                const struct store_val *v, struct err *err)
{
    r->name = v[0].type != STORE_NULL ? v[0].u.s : SV("");
    r->active = v[2].type != STORE_NULL && sv_eqs(v[2].u.s, "active");
    r->dept = v[3].type != STORE_NULL ? v[3].u.i : 0;
    r->partner = v[4].type != STORE_NULL ? v[4].u.i : 0;
    r->kind = r->partner ? AUTH_PARTNER : AUTH_STAFF;
    /* A frozen partner's people are out at once. */
    if (r->partner && (v[5].type == STORE_NULL || !sv_eqs(v[5].u.s, "active"))) r->active = false;
    return people_phone(t, a, AUTH_STAFF, r->id, &v[1], &r->phone, err);
}

/* What is known of somebody beside his row: whom he acts for, where, and as what. */
struct rights {
    struct ids depts[AUTH_HATS];     /* his own, then by hat */
    struct role_hat hats[AUTH_HATS - 1];
    unsigned n_hats;
    struct auth_roles *roles;
};

static int read_rights(struct tenant *t, struct store_conn *c, struct arena *a, const struct auth_person *r,
                       struct rights *out, struct err *err)
{
    struct role_person who = {r->id, r->partner};
    for (unsigned i = 0; i < AUTH_HATS; i++) out->depts[i].a = a;
    if (r->kind == AUTH_MEMBER) return 0;
    if (hats_of_staff(c, a, &who, out->hats, &out->n_hats, err) != 0 ||
        read_depts(c, r->dept, &out->depts[0], err) != 0)
        return -1;
    for (unsigned i = 0; i < out->n_hats; i++)
        if (read_depts(c, out->hats[i].dept, &out->depts[i + 1], err) != 0) return -1;
    return roles_of_staff(t, c, &who, out->hats, out->n_hats, &out->roles, err);
}

/* Everything that a principal points at, in one piece: its size, and the writing. */
static size_t tail_size(const struct auth_person *r, const struct rights *x, sv masked)
{
    size_t n = r->name.n + masked.n + 2 + _Alignof(struct auth_hat);
    for (unsigned i = 0; i <= x->n_hats; i++) n += x->depts[i].n * sizeof(int64_t);
    for (unsigned i = 0; i < x->n_hats; i++) n += sizeof(struct auth_hat) + x->hats[i].name.n;
    return n;
}

static sv put_text(char **at, sv v)
{
    char *p = *at;
    if (v.n) memcpy(p, v.p, v.n);
    *at += v.n;
    return sv_make(p, v.n);
}

static const int64_t *put_ids(int64_t **at, const struct ids *list)
{
    int64_t *p = *at;
    if (list->n) memcpy(p, list->v, list->n * sizeof *p);
    *at += list->n;
    return p;
}

static void fill_principal(struct auth_principal *p, char *tail, const struct auth_person *r,
                           const struct rights *x, sv masked)
{
    const uintptr_t edge = _Alignof(struct auth_hat) - 1;
    struct auth_hat *hats = (struct auth_hat *)(((uintptr_t)tail + edge) & ~edge);
    int64_t *ids = (int64_t *)(hats + x->n_hats);
    *p = (struct auth_principal){
        .kind = r->kind, .id = r->id, .session = r->session, .dept = r->dept, .partner = r->partner,
        .depts = put_ids(&ids, &x->depts[0]), .n_depts = (unsigned)x->depts[0].n,
        .hats = hats, .n_hats = x->n_hats, .admin = x->roles && x->roles->admin,
        .roles = x->roles, .device = {"", 0}};
    for (unsigned i = 0; i < x->n_hats; i++) {
        const struct ids *d = &x->depts[i + 1];
        hats[i] = (struct auth_hat){.delegation = x->hats[i].delegation, .id = x->hats[i].id,
                                    .dept = x->hats[i].dept, .n_depts = (unsigned)d->n,
                                    .depts = put_ids(&ids, d)};
    }
    char *text = (char *)ids;
    p->name = put_text(&text, r->name);
    *text++ = 0;
    p->phone_masked = put_text(&text, masked);
    *text++ = 0;
    for (unsigned i = 0; i < x->n_hats; i++) hats[i].name = put_text(&text, x->hats[i].name);
}

int principal_make(struct tenant *t, struct store_conn *c, struct arena *scratch,
                   const struct auth_person *who, struct session **out, struct err *err)
{
    struct rights x = {0};
    *out = NULL;
    if (read_rights(t, c, scratch, who, &x, err) != 0) {
        roles_unref(x.roles);
        return -1;
    }
    sv masked = phone_mask(scratch, who->phone);
    struct session *s = xmalloc(sizeof *s + tail_size(who, &x, masked));
    memset(s, 0, sizeof *s);
    atomic_init(&s->refs, 1);
    s->roles = x.roles;
    fill_principal(&s->p, s->tail, who, &x, masked);
    s->p.utc_offset = t->pub.utc_offset;
    *out = s;
    return 0;
}

/* ---- without a session ------------------------------------------------------------------- */

static void unref_session(void *s)
{
    session_unref(s);
}

static int read_staff(struct tenant *t, struct store_conn *c, struct arena *a, int64_t staff,
                      struct auth_person *who, struct err *err)
{
    struct store_val args[] = {STORE_I(staff)}, v[6];
    bool found = false;
    *who = (struct auth_person){.id = staff};
    if (store_one(c, a, SV("SELECT" PERSON_COLUMNS " FROM core_staff u" PERSON_PARTNER
                           " WHERE u.id = ? AND u.deleted_at IS NULL"),
                  args, 1, v, 6, &found, err) != 0)
        return -1;
    return found ? person_take(t, a, who, v, err) : 0;
}

int auth_staff_principal(struct auth_tenant *tenant, struct arena *a, int64_t staff,
                         const struct auth_principal **out, struct err *err)
{
    struct tenant *t = tenant_full(tenant);
    struct arena *scratch = arena_new(0);
    struct session *s = NULL;
    struct store_conn *c;
    struct auth_person who;
    *out = NULL;
    plugins_refresh(t);
    int rc = store_get(tenant->db, &c, err);
    if (rc == 0) {
        rc = read_staff(t, c, scratch, staff, &who, err);
        if (rc == 0 && who.active) rc = principal_make(t, c, scratch, &who, &s, err);
        store_put(c);
    }
    arena_free(scratch);
    if (!s) return rc;
    arena_on_free(a, unref_session, s);
    *out = &s->p;
    return 0;
}

static int read_role(struct store_conn *c, struct arena *a, int64_t role, struct role_row *out,
                     bool *found, struct err *err)
{
    struct store_val args[] = {STORE_I(role)}, v[3];
    if (store_one(c, a, SV("SELECT code, grants, builtin FROM core_role WHERE id = ?"), args, 1, v,
                  3, found, err) != 0)
        return -1;
    if (*found)
        *out = (struct role_row){.code = v[0].u.s,
                                 .grants = v[1].type == STORE_NULL ? SV_NULL : v[1].u.s,
                                 .builtin = v[2].type == STORE_I64 && v[2].u.i != 0};
    return 0;
}

static void unref_roles(void *r)
{
    roles_unref(r);
}

static int role_holder(struct store_conn *c, struct arena *a, int64_t role,
                       const struct auth_principal **out, struct err *err)
{
    struct role_row row;
    bool found;
    if (read_role(c, a, role, &row, &found, err) != 0) return -1;
    if (!found) return 0;
    struct auth_roles *roles = roles_compile(&row, 1);
    arena_on_free(a, unref_roles, roles);
    struct auth_principal *p = ARENA_NEW(a, struct auth_principal);
    *p = (struct auth_principal){.kind = AUTH_KEY, .admin = roles->admin, .name = row.code,
                                 .phone_masked = {"", 0}, .roles = roles, .device = {"", 0}};
    *out = p;
    return 0;
}

int auth_behalf(struct auth_tenant *tenant, struct store_conn *c, struct arena *a, int64_t staff,
                int64_t role, const struct auth_principal **out, struct err *err)
{
    struct session *s = NULL;
    struct auth_person who;
    *out = NULL;
    if (!staff) return role_holder(c, a, role, out, err);
    if (read_staff(tenant_full(tenant), c, a, staff, &who, err) != 0 ||
        (who.active && principal_make(tenant_full(tenant), c, a, &who, &s, err) != 0))
        return -1;
    if (!s) return 0;
    arena_on_free(a, unref_session, s);
    *out = &s->p;
    return 0;
}
