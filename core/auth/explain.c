/* Which roles somebody has, and where from: to explain what he may do. */
#define LOG_ROOM "auth"

#include "auth/room.h"

struct views {
    struct arena *a;
    struct auth_role_view *v;
    size_t n, cap;
    unsigned hat;
    sv for_whom;
};

static void unref(void *r)
{
    roles_unref(r);
}

static bool on_view(void *arg, const struct store_val *v, unsigned n)
{
    struct views *x = arg;
    (void)n;
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 8;
        struct auth_role_view *more = ARENA_ARRAY(x->a, struct auth_role_view, cap);
        if (x->n) memcpy(more, x->v, x->n * sizeof *more);
        x->v = more;
        x->cap = cap;
    }
    struct role_row row = {.code = arena_sv(x->a, v[1].u.s), .builtin = v[4].u.i != 0,
                           .grants = v[3].type == STORE_NULL ? SV_NULL : arena_sv(x->a, v[3].u.s)};
    struct auth_roles *roles = roles_compile(&row, 1);
    arena_on_free(x->a, unref, roles);
    x->v[x->n++] = (struct auth_role_view){
        .id = v[0].u.i, .code = row.code, .name = arena_sv(x->a, v[2].u.s), .hat = x->hat,
        .via = x->hat ? SV("delegation") : arena_sv(x->a, v[5].u.s),
        .via_name = x->hat ? x->for_whom : v[6].type == STORE_NULL ? SV("") : arena_sv(x->a, v[6].u.s),
        .roles = roles, .admin = roles->admin};
    return true;
}

#define COLUMNS "SELECT r.id, r.code, r.name, r.grants, r.builtin, "

static int read_all(struct store_conn *c, struct views *x, int64_t staff, sv everyone,
                    struct err *err)
{
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_S(everyone), STORE_I(staff), STORE_I(staff), STORE_T(now),
                               STORE_T(now)};
    return store_run(
        c,
        SV(COLUMNS "'everyone', NULL FROM core_role r WHERE r.code = ? UNION ALL " COLUMNS
           "'role', NULL FROM core_staff_role s JOIN core_role r ON r.id = s.role WHERE s.staff = ?"
           " UNION ALL " COLUMNS "'post', q.name FROM core_staff_post p"
           " JOIN core_post q ON q.id = p.post JOIN core_post_role y ON y.post = p.post"
           " JOIN core_role r ON r.id = y.role WHERE p.staff = ? AND p.since <= ?"
           " AND (p.until IS NULL OR p.until > ?)"),
        args, 5, on_view, x, err);
}

/* What a delegation names, or all that its giver holds himself but administration. */
static int read_hats(struct store_conn *c, struct views *x, const struct auth_principal *who,
                     struct err *err)
{
    int64_t now = clock_now_us();
    for (unsigned h = 0; h < who->n_hats; h++) {
        const struct auth_hat *hat = &who->hats[h];
        struct store_val args[] = {STORE_I(hat->delegation), STORE_I(hat->delegation),
                                   STORE_I(hat->id), STORE_I(hat->id), STORE_T(now), STORE_T(now)};
        x->hat = h + 1;
        x->for_whom = hat->name;
        if (store_run(c, SV(COLUMNS "'delegation', NULL FROM core_role r WHERE r.builtin = 0 AND"
                            " (EXISTS (SELECT 1 FROM core_delegation WHERE id = ? AND all_roles = 1)"
                            " OR r.id IN (SELECT role FROM core_delegation_role WHERE delegation = ?))"
                            " AND (r.id IN (SELECT role FROM core_staff_role WHERE staff = ?)"
                            " OR r.id IN (SELECT y.role FROM core_staff_post p JOIN core_post_role y"
                            " ON y.post = p.post WHERE p.staff = ? AND p.since <= ?"
                            " AND (p.until IS NULL OR p.until > ?)))"),
                      args, 6, on_view, x, err) != 0)
            return -1;
    }
    return 0;
}

int auth_roles_of_staff(struct auth_tenant *t, struct arena *a, const struct auth_principal *who,
                        struct auth_role_view **out, size_t *n, struct err *err)
{
    struct store_conn *c;
    struct views x = {.a = a};
    if (store_get(t->db, &c, err) != 0) return -1;
    int rc = read_all(c, &x, who->id, who->partner ? SV(ROLE_PARTNERS) : SV(ROLE_EVERYONE), err);
    if (rc == 0) rc = read_hats(c, &x, who, err);
    store_put(c);
    *out = x.v;
    *n = x.n;
    return rc;
}
