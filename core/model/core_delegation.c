/* What a delegation must be: one's own rights, to a colleague, for a time. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define LONGEST_US (366LL * 86400 * 1000000)

static int64_t id_in(const json_t *row, const char *name)
{
    int64_t id = 0;
    return sv_i64(json_get_sv(row, name), &id) ? id : 0;
}

static bool take_number(void *arg, const struct store_val *v, unsigned n_cols)
{
    if (n_cols && v[0].type == STORE_I64) *(int64_t *)arg = v[0].u.i;
    return true;
}

/* Both are there, of the same organisation. */
static int colleagues(struct model_hook_call *call, int64_t from, int64_t to, struct err *err)
{
    int64_t n = 0;
    struct store_val args[] = {STORE_I(from), STORE_I(to)};
    if (store_run(call->conn,
                  SV("SELECT 1 FROM `core_staff` AS a JOIN `core_staff` AS b ON "
                     "IFNULL(a.`partner`,0)=IFNULL(b.`partner`,0) WHERE a.`id`=? AND b.`id`=? AND "
                     "a.`state`='active' AND b.`state`='active' AND a.`live`=1 AND b.`live`=1"),
                  args, 2, take_number, &n, err) < 0)
        return -1;
    return n ? 0 : err_field(err, "to_staff", "delegate_not_colleague", NULL);
}

/* A role that he holds himself, and that is not the administrator's. */
static int holds(struct model_hook_call *call, int64_t from, int64_t role, struct err *err)
{
    int64_t n = 0, now = clock_now_us();
    struct store_val args[] = {STORE_I(role), STORE_I(from), STORE_I(from), STORE_T(now),
                               STORE_T(now)};
    if (store_run(call->conn,
                  SV("SELECT 1 FROM `core_role` AS r WHERE r.`id`=? AND r.`builtin`=0 AND (r.`id` "
                     "IN (SELECT `role` FROM `core_staff_role` WHERE `staff`=?) OR r.`id` IN "
                     "(SELECT x.`role` FROM `core_staff_post` AS p JOIN `core_post_role` AS x ON "
                     "x.`post`=p.`post` WHERE p.`staff`=? AND p.`since`<=? AND (p.`until` IS NULL "
                     "OR p.`until`>?)))"),
                  args, 5, take_number, &n, err) < 0)
        return -1;
    return n ? 0 : err_field(err, "roles", "role_not_held", NULL);
}

static int check_time(const json_t *row, struct err *err)
{
    int64_t starts, ends;
    if (!clock_parse(json_get_sv(row, "starts"), &starts) ||
        !clock_parse(json_get_sv(row, "ends"), &ends))
        return 0;
    if (ends <= clock_now_us()) return err_field(err, "ends", "in_the_past", NULL);
    if (ends - starts > LONGEST_US) return err_field(err, "ends", "too_late", NULL);
    return 0;
}

int delegation_check(struct model_hook_call *call, struct err *err)
{
    const struct auth_principal *who = call->who;
    const json_t *row = call->after ? call->after : call->before;
    int64_t from = id_in(row, "owner"), to = id_in(row, "to_staff");
    bool any = who->admin || who->kind == AUTH_SYSTEM;
    if (strcmp(call->event, "check") != 0) return 0; /* ends by whoever sees it */
    if (!any && from != who->id) {
        err_set(err, 403, "forbidden", NULL);
        return err_field(err, "owner", "forbidden", NULL);
    }
    if (from == to) return err_field(err, "to_staff", "not_oneself", NULL);
    if (check_time(row, err) < 0 || colleagues(call, from, to, err) < 0) return -1;
    if (json_is_true(json_object_get(row, "all_roles"))) return 0;
    const json_t *roles = json_object_get(row, "roles");
    if (json_array_size(roles) == 0) return err_field(err, "roles", "required", NULL);
    for (size_t i = 0; i < json_array_size(roles); i++)
        if (holds(call, from, id_in(json_array_get(roles, i), "role"), err) < 0) return -1;
    return 0;
}
