/* Seats that are split off: for one unit, for no fewer than it has people, and no
 * more than there are. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

struct sums { int64_t people, within, split, everybody; };

static bool take_sums(void *arg, const struct store_val *v, unsigned n_cols)
{
    int64_t *out = arg;
    for (unsigned i = 0; i < n_cols; i++)
        out[i] = v[i].type == STORE_I64 ? v[i].u.i : 0;
    return true;
}

static int64_t id_in(const json_t *row, const char *name)
{
    int64_t id = 0;
    return sv_i64(json_get_sv(row, name), &id) ? id : 0;
}

#define ACTIVE "p.`state`='active' AND p.`live`=1"

/* People of this unit; people and seats of the other units that stand at the top;
 * everybody. Whoever adds people or seats holds the same lock. */
static int read_sums(struct model_hook_call *call, int64_t dept, int64_t partner, struct sums *out,
                     struct err *err)
{
    int64_t lock[1], id = call->id;
    struct store_val args[] = {STORE_I(dept), STORE_I(partner), STORE_I(id), STORE_I(dept),
                               STORE_I(id)};
    if (store_run(call->conn, SV("SELECT `id` FROM `core_role` WHERE `code`='admin' FOR UPDATE"),
                  NULL, 0, take_sums, lock, err) < 0)
        return -1;
    return store_run(
        call->conn,
        SV("SELECT (SELECT COUNT(*) FROM `core_staff` AS p WHERE " ACTIVE " AND (p.`department` IN "
           "(SELECT `descendant` FROM `core_dept_tree` WHERE `ancestor`=?) OR p.`partner`=?)),"
           "(SELECT COUNT(*) FROM `core_staff` AS p WHERE " ACTIVE " AND (p.`department` IN "
           "(SELECT t.`descendant` FROM `core_dept_tree` AS t JOIN `core_seat` AS s ON "
           "s.`dept`=t.`ancestor` WHERE s.`id`<>?) OR p.`partner` IN (SELECT `partner` FROM "
           "`core_seat`))),"
           "(SELECT IFNULL(SUM(s.`seats`),0) FROM `core_seat` AS s WHERE NOT EXISTS (SELECT 1 FROM "
           "`core_dept_tree` AS t WHERE t.`descendant`=s.`dept` AND t.`depth`>0 AND (t.`ancestor`=? "
           "OR t.`ancestor` IN (SELECT `dept` FROM `core_seat` WHERE `dept` IS NOT NULL))) AND "
           "s.`id`<>?),"
           "(SELECT COUNT(*) FROM `core_staff` AS p WHERE " ACTIVE ") LOCK IN SHARE MODE"),
        args, 5, take_sums, out, err);
}

static int say(struct err *err, const char *code, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    return err_field(err, "seats", code, text, NULL);
}

int seat_check(struct model_hook_call *call, struct err *err)
{
    const json_t *row = call->after;
    int64_t dept = id_in(row, "dept"), partner = id_in(row, "partner");
    int64_t seats = json_integer_value(json_object_get(row, "seats"));
    int64_t total = atomic_load(&call->tenant->seats);
    struct sums s = {0};
    if (strcmp(call->event, "check") != 0) return 0; /* given back to the whole */
    if (!dept == !partner) return err_field(err, dept ? "partner" : "dept", "seat_one_unit", NULL);
    if (read_sums(call, dept, partner, &s, err) < 0) return -1;
    if (seats < s.people) return say(err, "seats_in_use", s.people);
    if (total >= 0 && s.split + seats > total) return say(err, "seats_over_total", total - s.split);
    return 0;
}
