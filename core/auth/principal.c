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

/* UNION drops doubles, so a tree that somebody closed into a ring still ends. */
static int read_depts(struct store_conn *c, int64_t dept, struct ids *out, struct err *err)
{
    struct store_val args[] = {STORE_I(dept)};
    return store_run(c, SV("WITH RECURSIVE tree AS (SELECT id FROM core_dept WHERE id = ?"
                           " UNION SELECT d.id FROM core_dept d JOIN tree ON d.parent = tree.id)"
                           " SELECT id FROM tree"),
                     args, 1, on_id, out, err);
}

static struct session *build(const struct auth_person *who, struct arena *scratch,
                             const struct ids *depts, struct auth_roles *roles)
{
    sv masked = phone_mask(scratch, who->phone);
    size_t ids = depts->n * sizeof(int64_t);
    struct session *s = xmalloc(sizeof *s + ids + who->name.n + masked.n + 2 + _Alignof(int64_t));
    memset(s, 0, sizeof *s);
    atomic_init(&s->refs, 1);
    s->roles = roles;
    const uintptr_t edge = _Alignof(int64_t) - 1;
    int64_t *list = (int64_t *)(((uintptr_t)s->tail + edge) & ~edge);
    if (ids) memcpy(list, depts->v, ids);
    char *name = (char *)list + ids, *phone = name + who->name.n + 1;
    memcpy(name, who->name.p, who->name.n);
    name[who->name.n] = 0;
    memcpy(phone, masked.p, masked.n);
    phone[masked.n] = 0;
    s->p = (struct auth_principal){
        .kind = who->kind, .id = who->id, .session = who->session, .dept = who->dept,
        .depts = list, .n_depts = (unsigned)depts->n, .admin = roles && roles->admin,
        .name = {name, who->name.n}, .phone_masked = {phone, masked.n}, .roles = roles,
        .device = {"", 0}};
    return s;
}

int principal_make(struct tenant *t, struct store_conn *c, struct arena *scratch,
                   const struct auth_person *who, struct session **out, struct err *err)
{
    struct ids depts = {.a = scratch};
    struct auth_roles *roles = NULL;
    *out = NULL;
    if ((who->kind == AUTH_STAFF && roles_of_staff(t, c, who->id, &roles, err) != 0) ||
        (who->dept && read_depts(c, who->dept, &depts, err) != 0)) {
        roles_unref(roles);
        return -1;
    }
    *out = build(who, scratch, &depts, roles);
    return 0;
}

/* ---- without a session ------------------------------------------------------------------- */

static void unref_session(void *s)
{
    session_unref(s);
}

static int read_staff(struct store_conn *c, struct arena *a, int64_t staff, struct auth_person *who,
                      struct err *err)
{
    struct store_val args[] = {STORE_I(staff)}, v[4];
    bool found = false;
    if (store_one(c, a, SV("SELECT name, phone, state, department FROM core_staff"
                           " WHERE id = ? AND deleted_at IS NULL"),
                  args, 1, v, 4, &found, err) != 0)
        return -1;
    *who = (struct auth_person){.kind = AUTH_STAFF, .id = staff, .name = SV(""), .phone = SV("")};
    if (!found) return 0;
    who->active = v[2].type == STORE_TEXT && sv_eqs(v[2].u.s, "active");
    if (v[0].type == STORE_TEXT) who->name = v[0].u.s;
    if (v[1].type == STORE_TEXT) who->phone = v[1].u.s;
    if (v[3].type == STORE_I64) who->dept = v[3].u.i;
    return 0;
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
        rc = read_staff(c, scratch, staff, &who, err);
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
    if (read_staff(c, a, staff, &who, err) != 0 ||
        (who.active && principal_make(tenant_full(tenant), c, a, &who, &s, err) != 0))
        return -1;
    if (!s) return 0;
    arena_on_free(a, unref_session, s);
    *out = &s->p;
    return 0;
}
