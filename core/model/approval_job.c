/* What nobody does by hand: deadlines that have passed, and places of people who
 * have left. */
#define LOG_ROOM "model"
#include "model/approval.h"

#define AT_ONCE 200

struct due {
    int64_t v[AT_ONCE];
    size_t n;
};

static bool take(void *arg, const struct store_val *v, unsigned n)
{
    struct due *d = arg;
    (void)n;
    d->v[d->n++] = v[0].u.i;
    return d->n < AT_ONCE;
}

static int find(struct auth_tenant *t, enum approval_what what, struct due *out, struct err *err)
{
    struct store_conn *conn;
    struct store_val args[] = {STORE_T(clock_now_us())};
    sv late = SV("SELECT `id` FROM `core_approval` WHERE `status`='pending' AND `deadline_at`<=? "
                 "ORDER BY `deadline_at` LIMIT 200");
    /* Steps under way that wait for somebody who has left, or for nobody. */
    sv left = SV("SELECT p.`approval` FROM `core_approval` a JOIN `core_approval_step` p ON "
                 "p.`approval`=a.`id` AND p.`status`='active' LEFT JOIN `core_approval_seat` v ON "
                 "v.`step`=p.`id` AND v.`status`='open' LEFT JOIN `core_staff` s ON s.`id`=v.`staff` "
                 "AND s.`state`='active' AND s.`deleted_at` IS NULL WHERE a.`status`='pending' AND "
                 "s.`id` IS NULL GROUP BY p.`approval` LIMIT 200");
    out->n = 0;
    if (store_get(t->db, &conn, err) < 0) return -1;
    int rc = what == DO_TIMEOUT ? store_run(conn, late, args, 1, take, out, err)
                                : store_run(conn, left, NULL, 0, take, out, err);
    store_put(conn);
    return rc;
}

static int work_off(struct model *m, struct auth_tenant *t, enum approval_what what,
                    struct work_job *job, struct err *err)
{
    struct due *d = ARENA_NEW(job->arena, struct due);
    if (find(t, what, d, err) < 0) return -1;
    for (size_t i = 0; i < d->n; i++) {
        struct arena *a = arena_new(0);
        struct model_ctx c = {.tenant = t, .who = &auth_system, .arena = a, .lang = "zh"};
        struct approval_act x = {.m = m, .c = &c, .id = d->v[i], .what = what};
        struct err one = {0};
        /* One that fails must not hold up the others; it is tried again next time. */
        if (approval_act(&x, &one) < 0)
            log_warn("approval %lld: %s", (long long)d->v[i],
                     one.detail[0] ? one.detail : one.code);
        arena_free(a);
        if (!work_job_progress(job, (int)(100 * i / d->n))) return -1;
    }
    return 0;
}

static int tick(struct model *m, struct auth_tenant *t, struct work_job *job, struct err *err)
{
    return work_off(m, t, DO_TIMEOUT, job, err) < 0 ? -1 : work_off(m, t, DO_REFILL, job, err);
}

void approvals_init(struct model *m)
{
    model_core_job(m, "approvals_tick", tick);
}
