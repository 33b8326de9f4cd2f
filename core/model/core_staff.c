/* What must hold of staff: somebody is left who may do everything. Without that
 * nobody could ever give a right again but the operator. */
#define LOG_ROOM "model"
#include "model/internal.h"

static bool take_number(void *arg, const struct store_val *row, unsigned n_cols)
{
    if (n_cols && row[0].type == STORE_I64) *(int64_t *)arg = row[0].u.i;
    return true;
}

/* The built-in role's row, locked: two administrators who leave at once wait for
 * each other here. 0: there is none yet. */
static int admin_role(struct model_hook_call *call, int64_t *role, struct err *err)
{
    *role = 0;
    return store_run(call->conn,
                     SV("SELECT `id` FROM `core_role` WHERE `code`='admin' AND `builtin`=1 "
                        "FOR UPDATE"),
                     NULL, 0, take_number, role, err);
}

/* Does the person hold the role, and how many others who may sign in do? */
static int count(struct model_hook_call *call, int64_t role, int64_t *own, int64_t *others,
                 struct err *err)
{
    struct store_val args[] = {STORE_I(role), STORE_I(call->id)};
    *own = *others = 0;
    if (store_run(call->conn,
                  SV("SELECT COUNT(*) FROM `core_staff_role` WHERE `role`=? AND `staff`=?"), args,
                  2, take_number, own, err) < 0)
        return -1;
    return store_run(call->conn,
                     SV("SELECT COUNT(*) FROM `core_staff_role` AS `r` JOIN `core_staff` AS `s` "
                        "ON `s`.`id`=`r`.`staff` WHERE `r`.`role`=? AND `s`.`id`<>? AND "
                        "`s`.`state`='active' AND `s`.`live`=1"),
                     args, 2, take_number, others, err);
}

static bool holds(const json_t *row, int64_t role)
{
    const json_t *roles = json_object_get(row, "roles");
    for (size_t i = 0; i < json_array_size(roles); i++) {
        int64_t id = 0;
        if (sv_i64(json_get_sv(json_array_get(roles, i), "role"), &id) && id == role) return true;
    }
    return false;
}

bool staff_stays_admin(const char *event, const json_t *after, int64_t role)
{
    if (strcmp(event, "check") != 0) return strcmp(event, "restore") == 0;
    return holds(after, role) && sv_eqs(json_get_sv(after, "state"), "active");
}

int staff_check(struct model_hook_call *call, struct err *err)
{
    int64_t role, own, others;
    if (manage_staff(call, err) < 0) return -1;
    if (!call->id || strcmp(call->event, "restore") == 0) return 0;
    if (call->before && !sv_eqs(json_get_sv(call->before, "state"), "active")) return 0;
    if (admin_role(call, &role, err) < 0) return -1;
    if (!role || staff_stays_admin(call->event, call->after, role)) return 0;
    if (count(call, role, &own, &others, err) < 0) return -1;
    if (!own || others) return 0;
    if (strcmp(call->event, "check") == 0) return err_field(err, "roles", "last_admin", NULL);
    return err_set(err, 409, "last_admin", NULL);
}
