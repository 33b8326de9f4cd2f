/* Delegations (代理): whom somebody acts for at this moment. */
#define LOG_ROOM "auth"

#include "auth/room.h"

struct reading {
    struct arena *a;
    struct role_hat *hats;
    unsigned n;
};

static int64_t number(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static bool on_hat(void *arg, const struct store_val *v, unsigned n)
{
    struct reading *r = arg;
    (void)n;
    if (r->n == AUTH_HATS - 1) return false;
    r->hats[r->n++] = (struct role_hat){.delegation = number(&v[0]),
                                        .id = number(&v[1]),
                                        .dept = number(&v[2]),
                                        .all = number(&v[3]) != 0,
                                        .name = arena_sv(r->a, v[4].u.s)};
    return true;
}

/* Between the organisation's own people or those of one partner, from somebody
 * who is still there. */
int hats_of_staff(struct store_conn *c, struct arena *a, const struct role_person *who,
                  struct role_hat hats[AUTH_HATS - 1], unsigned *n, struct err *err)
{
    struct reading r = {.a = a, .hats = hats};
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_I(who->id), STORE_T(now), STORE_T(now),
                               STORE_I(who->partner)};
    if (store_run(c, SV("SELECT d.id, s.id, s.department, d.all_roles, s.name"
                        " FROM core_delegation d JOIN core_staff s ON s.id = d.owner"
                        " WHERE d.to_staff = ? AND d.state = 'active' AND d.starts <= ?"
                        " AND d.ends > ? AND s.state = 'active' AND s.live = 1"
                        " AND IFNULL(s.partner, 0) = ? AND s.id <> d.to_staff ORDER BY d.id"),
                  args, 4, on_hat, &r, err) != 0)
        return -1;
    *n = r.n;
    return 0;
}
