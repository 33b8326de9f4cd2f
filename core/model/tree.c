/* Trees: which rows stand above a row, in a closure table beside the resource's
 * own: <table>_tree (ancestor, descendant, depth), each row its own ancestor at
 * depth 0. It changes in the transaction that changes `parent`. Whoever moves a
 * branch takes a lock of that tree first, because two moves that are each right
 * may together close a circle. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

#define MAX_LEVELS 60

static const struct store_col cols[] = {
    {.name = "ancestor", .type = STORE_COL_ID, .not_null = true},
    {.name = "descendant", .type = STORE_COL_ID, .not_null = true},
    {.name = "depth", .type = STORE_COL_I32, .not_null = true},
};
static const char *const primary[] = {"ancestor", "descendant"};
static const char *const upwards[] = {"descendant", "depth"};
static const struct store_idx indexes[] = {{.name = "i_descendant", .cols = upwards, .n_cols = 2}};

void tree_table(const struct model_resource *r, struct arena *a, struct store_table *out)
{
    *out = (struct store_table){.name = arena_printf(a, "%s_tree", r->table).p,
                                .cols = cols,
                                .n_cols = sizeof cols / sizeof *cols,
                                .primary = primary,
                                .n_primary = 2,
                                .idx = indexes,
                                .n_idx = 1};
    if (r->mf->was) out->was = arena_printf(a, "%s_%s_tree", r->mf->manifest->id, r->mf->was).p;
}

static int64_t parent_of(const json_t *row)
{
    int64_t id = 0;
    const char *s = json_string_value(json_object_get(row, "parent"));
    return s && sv_i64(sv_of(s), &id) ? id : 0;
}

static bool take(void *arg, const struct store_val *row, unsigned n_cols)
{
    if (n_cols && row[0].type == STORE_I64) *(int64_t *)arg = row[0].u.i;
    return true;
}

static int run(struct write *w, const char *fmt, const struct model_resource *r,
               const struct store_val *args, unsigned n, int64_t *out, struct err *err)
{
    /* Each statement names the table at most three times, and no other. */
    sv text = arena_printf(w->a, fmt, r->table, r->table, r->table);
    return store_run(w->conn, text, args, n, out ? take : NULL, out, err);
}

static int lock(struct write *w, const struct model_resource *r, struct err *err)
{
    struct store_val name[] = {STORE_S(arena_printf(w->a, "tree %s", r->table))};
    return store_exec(w->conn,
                      SV("INSERT INTO `core_sequence` (`name`,`value`) VALUES (?,1) "
                         "ON DUPLICATE KEY UPDATE `value`=`value`+1"),
                      name, 1, NULL, err);
}

static int refuse(const char *prefix, const char *code, struct err *err)
{
    char path[MODEL_PATH];
    return err_field(err, path_join(path, prefix, "parent"), code, NULL);
}

int tree_insert(struct write *w, const struct model_resource *r, int64_t id, const json_t *row,
                const char *prefix, struct err *err)
{
    int64_t parent = parent_of(row), level = 0;
    struct store_val own[] = {STORE_I(id), STORE_I(id)};
    struct store_val up[] = {STORE_I(id), STORE_I(parent)};
    if (lock(w, r, err) < 0) return -1;
    if (parent && run(w, "SELECT MAX(`depth`)+1 FROM `%s_tree` WHERE `descendant`=?", r, up + 1, 1,
                      &level, err) < 0)
        return -1;
    if (level >= MAX_LEVELS) return refuse(prefix, "tree_too_deep", err);
    if (parent && run(w,
                      "INSERT INTO `%s_tree` (`ancestor`,`descendant`,`depth`) "
                      "SELECT `ancestor`,?,`depth`+1 FROM `%s_tree` WHERE `descendant`=?",
                      r, up, 2, NULL, err) < 0)
        return -1;
    return run(w, "INSERT INTO `%s_tree` (`ancestor`,`descendant`,`depth`) VALUES (?,?,0)", r, own,
               2, NULL, err);
}

static int attach(struct write *w, const struct model_resource *r, int64_t id, int64_t parent,
                  const char *prefix, struct err *err)
{
    struct store_val pair[] = {STORE_I(id), STORE_I(parent)};
    int64_t inside = 0, up = 0, down = 0;
    if (run(w, "SELECT 1 FROM `%s_tree` WHERE `ancestor`=? AND `descendant`=?", r, pair, 2, &inside,
            err) < 0)
        return -1;
    if (inside) return refuse(prefix, "tree_cycle", err);
    if (run(w, "SELECT MAX(`depth`) FROM `%s_tree` WHERE `ancestor`=?", r, pair, 1, &down, err) <
            0 ||
        run(w, "SELECT MAX(`depth`) FROM `%s_tree` WHERE `descendant`=?", r, pair + 1, 1, &up,
            err) < 0)
        return -1;
    if (up + down + 1 >= MAX_LEVELS) return refuse(prefix, "tree_too_deep", err);
    return 0;
}

int tree_move(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
              const json_t *after, const char *prefix, struct err *err)
{
    int64_t parent = parent_of(after);
    struct store_val twice[] = {STORE_I(id), STORE_I(id)};
    struct store_val pair[] = {STORE_I(parent), STORE_I(id)};
    if (parent == parent_of(before)) return 0;
    if (lock(w, r, err) < 0) return -1;
    if (parent && attach(w, r, id, parent, prefix, err) < 0) return -1;
    /* The branch lets go of what stood above it, and goes under the new one. */
    if (run(w,
            "DELETE `t` FROM `%s_tree` AS `t` JOIN `%s_tree` AS `s` ON `s`.`ancestor`=? "
            "AND `s`.`descendant`=`t`.`descendant` LEFT JOIN `%s_tree` AS `i` ON `i`.`ancestor`=? "
            "AND `i`.`descendant`=`t`.`ancestor` WHERE `i`.`ancestor` IS NULL",
            r, twice, 2, NULL, err) < 0)
        return -1;
    if (!parent) return 0;
    return run(w,
               "INSERT INTO `%s_tree` (`ancestor`,`descendant`,`depth`) "
               "SELECT `a`.`ancestor`,`s`.`descendant`,`a`.`depth`+`s`.`depth`+1 FROM `%s_tree` AS "
               "`a` JOIN `%s_tree` AS `s` WHERE `a`.`descendant`=? AND `s`.`ancestor`=?",
               r, pair, 2, NULL, err);
}

int tree_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err)
{
    struct store_val one[] = {STORE_I(id), STORE_I(id)};
    return run(w, "DELETE FROM `%s_tree` WHERE `descendant`=? OR `ancestor`=?", r, one, 2, NULL,
               err);
}

/* Rows that were there before the table was, or that C has written by SQL. A
 * circle among them would never end: whatever is deeper than a tree can be is
 * left out, and so stands by itself. */
static int fill(void *arg, struct store_conn *conn, struct err *err)
{
    const char *table = arg;
    struct arena *a = arena_new(0);
    int rc = store_exec(conn, arena_printf(a, "DELETE FROM `%s_tree`", table), NULL, 0, NULL, err);
    if (rc == 0)
        rc =
            store_exec(conn,
                       arena_printf(a,
                                    "INSERT IGNORE INTO `%s_tree` (`ancestor`,`descendant`,"
                                    "`depth`) WITH RECURSIVE `x` AS (SELECT `id` AS `d`,`id` AS "
                                    "`a`,0 AS `n` FROM `%s` UNION ALL SELECT `x`.`d`,`p`.`parent`,"
                                    "`x`.`n`+1 FROM `x` JOIN `%s` AS `p` ON `p`.`id`=`x`.`a` WHERE "
                                    "`p`.`parent` IS NOT NULL AND `x`.`n`<%d) "
                                    "SELECT `a`,`d`,`n` FROM `x` ORDER BY `n`",
                                    table, table, table, MAX_LEVELS),
                       NULL, 0, NULL, err);
    arena_free(a);
    return rc;
}

int tree_complete(struct store_conn *conn, const struct model_resource *r, struct arena *a,
                  struct err *err)
{
    int64_t missing = 0;
    sv text = arena_printf(a,
                           "SELECT 1 FROM `%s` AS `r` LEFT JOIN `%s_tree` AS `t` ON "
                           "`t`.`ancestor`=`r`.`id` AND `t`.`descendant`=`r`.`id` "
                           "WHERE `t`.`ancestor` IS NULL LIMIT 1",
                           r->table, r->table);
    if (store_run(conn, text, NULL, 0, take, &missing, err) < 0) return -1;
    return missing ? store_tx(conn, fill, (void *)(uintptr_t)r->table, err) : 0;
}
