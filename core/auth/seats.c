/* Seats (席位): how many active people a tenant has licences for, and how they are
 * split over departments and partners. */
#define LOG_ROOM "auth"

#include "auth/room.h"

int auth_seats_full(const struct auth_seat *units, size_t n, const bool *above, int64_t total,
                    int64_t everybody)
{
    int64_t split = 0, within = 0;
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        if (above[i] && units[i].people >= units[i].seats) return (int)i;
        inside |= above[i];
        if (units[i].nested) continue;
        split += units[i].seats;
        within += units[i].people;
    }
    if (total < 0) return -1;
    if (everybody >= total) return (int)n;
    /* What is split off is kept for its unit, used or not. */
    if (!inside && everybody - within >= total - split) return (int)n;
    return -1;
}

struct units {
    struct arena *a;
    struct auth_seat *v;
    sv *names;
    bool *above;
    size_t n, cap;
    int64_t one;
};

static int64_t number(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static bool on_unit(void *arg, const struct store_val *v, unsigned n)
{
    struct units *u = arg;
    (void)n;
    if (u->n == u->cap) {
        size_t cap = u->cap ? u->cap * 2 : 16;
        struct auth_seat *seats = ARENA_ARRAY(u->a, struct auth_seat, cap);
        sv *names = ARENA_ARRAY(u->a, sv, cap);
        bool *above = ARENA_ARRAY(u->a, bool, cap);
        if (u->n) {
            memcpy(seats, u->v, u->n * sizeof *seats);
            memcpy(names, u->names, u->n * sizeof *names);
            memcpy(above, u->above, u->n * sizeof *above);
        }
        u->v = seats;
        u->names = names;
        u->above = above;
        u->cap = cap;
    }
    u->v[u->n] = (struct auth_seat){number(&v[0]), number(&v[1]), number(&v[2]), number(&v[3]),
                                    number(&v[6]) != 0};
    u->names[u->n] = v[4].type == STORE_NULL ? SV("-") : arena_sv(u->a, v[4].u.s);
    u->above[u->n++] = number(&v[5]) != 0;
    return true;
}

static bool on_number(void *arg, const struct store_val *v, unsigned n)
{
    (void)n;
    ((struct units *)arg)->one = number(&v[0]);
    return true;
}

/* The built-in role's row stands for all people: whoever adds one waits here. */
static int lock(struct store_conn *c, struct units *u, struct err *err)
{
    return store_run(c, SV("SELECT id FROM core_role WHERE code = '" ROLE_ADMIN "' FOR UPDATE"),
                     NULL, 0, on_number, u, err);
}

/* Counts are read with locks, so that they are of now and not of the snapshot. */
static int read_units(struct store_conn *c, struct units *u, int64_t dept, int64_t partner,
                      int64_t staff, struct err *err)
{
    struct store_val args[] = {STORE_I(staff), STORE_I(staff), STORE_I(dept), STORE_I(partner)};
    return store_run(
        c,
        SV("SELECT s.dept, s.partner, s.seats,"
           " IF(s.dept IS NOT NULL,"
           " (SELECT COUNT(*) FROM core_dept_tree t JOIN core_staff p ON p.department = t.descendant"
           " WHERE t.ancestor = s.dept AND p.state = 'active' AND p.live = 1 AND p.id <> ?),"
           " (SELECT COUNT(*) FROM core_staff p WHERE p.partner = s.partner"
           " AND p.state = 'active' AND p.live = 1 AND p.id <> ?)),"
           " IFNULL(d.name, r.name),"
           " EXISTS (SELECT 1 FROM core_dept_tree t WHERE t.ancestor = s.dept AND t.descendant = ?)"
           " OR IFNULL(s.partner = ?, 0),"
           " EXISTS (SELECT 1 FROM core_dept_tree t JOIN core_seat o ON o.dept = t.ancestor"
           " WHERE t.descendant = s.dept AND t.depth > 0)"
           " FROM core_seat s LEFT JOIN core_dept d ON d.id = s.dept"
           " LEFT JOIN core_partner r ON r.id = s.partner ORDER BY s.id LOCK IN SHARE MODE"),
        args, 4, on_unit, u, err);
}

static int refuse(const struct auth_tenant *t, const struct units *u, int full, int64_t total,
                  struct err *err)
{
    bool unit = (size_t)full < u->n;
    char seats[24];
    snprintf(seats, sizeof seats, "%lld", (long long)(unit ? u->v[full].seats : total));
    const char *name = arena_str(u->a, unit ? u->names[full] : t->name);
    return err_set(err, 409, "seats_exhausted", name, seats, NULL);
}

int auth_seats_check(struct auth_tenant *t, struct store_conn *c, int64_t dept, int64_t partner,
                     int64_t staff, struct err *err)
{
    int64_t total = atomic_load(&t->seats);
    struct units u = {.a = arena_new(0)};
    struct store_val who[] = {STORE_I(staff)};
    int rc = lock(c, &u, err);
    if (rc == 0) rc = read_units(c, &u, dept, partner, staff, err);
    if (rc == 0 && (u.n || total >= 0)) {
        u.one = 0;
        rc = store_run(c, SV("SELECT COUNT(*) FROM core_staff WHERE state = 'active' AND live = 1"
                             " AND id <> ? LOCK IN SHARE MODE"),
                       who, 1, on_number, &u, err);
        int full = rc == 0 ? auth_seats_full(u.v, u.n, u.above, total, u.one) : -1;
        if (full >= 0) rc = refuse(t, &u, full, total, err);
    }
    arena_free(u.a);
    return rc;
}

int auth_tenant_seats(struct auth *a, struct auth_tenant *t, int64_t seats, struct err *err)
{
    struct store_conn *c;
    struct store_val args[] = {seats < 0 ? STORE_N : STORE_I(seats), STORE_T(clock_now_us()),
                               STORE_I(t->id)};
    if (store_get(a->control, &c, err) != 0) return -1;
    int rc = store_exec(c, SV("UPDATE tenant SET seats = ?, updated_at = ? WHERE id = ?"), args, 3,
                        NULL, err);
    store_put(c);
    if (rc == 0) atomic_store(&t->seats, seats < 0 ? -1 : seats);
    return rc;
}
