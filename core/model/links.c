/* Sets: several options, tags, references, pictures or files in one field. The
 * value stands as JSON in the row; beside it a table of links, <table>__<field>
 * (row, value), indexed both ways, so that `has` need not read rows and whoever
 * is referred to can be asked who does. Kept in the row's transaction. */
#define LOG_ROOM "model"
#include "model/batch.h"

#include <stdio.h>

#define MAX_TEXT 64

static const char *const primary[] = {"row", "value"};
static const char *const backwards[] = {"value", "row"};
static const struct store_idx indexes[] = {{.name = "i_value", .cols = backwards, .n_cols = 2}};

void link_table(const struct model_resource *r, const struct model_col *c, struct arena *a,
                struct store_table *out)
{
    static const struct store_col ids[] = {
        {.name = "row", .type = STORE_COL_ID, .not_null = true},
        {.name = "value", .type = STORE_COL_ID, .not_null = true},
    };
    static const struct store_col texts[] = {
        {.name = "row", .type = STORE_COL_ID, .not_null = true},
        {.name = "value", .type = STORE_COL_VARCHAR, .size = MAX_TEXT, .not_null = true},
    };
    *out = (struct store_table){.name = arena_printf(a, "%s__%s", r->table, c->f->name).p,
                                .cols = c->many ? ids : texts,
                                .n_cols = 2,
                                .primary = primary,
                                .n_primary = 2,
                                .idx = indexes,
                                .n_idx = 1};
    if (r->mf->was || c->f->was)
        out->was =
            arena_printf(a, "%s_%s__%s", r->mf->manifest->id, r->mf->was ? r->mf->was : r->mf->name,
                         c->f->was ? c->f->was : c->f->name)
                .p;
}

static const json_t *member(const json_t *row, const struct model_col *c)
{
    const json_t *v = row ? json_object_get(row, c->f->name) : NULL;
    return json_is_array(v) ? v : NULL;
}

static bool same_set(const json_t *a, const json_t *b)
{
    return json_array_size(a) == json_array_size(b) && (!json_array_size(a) || json_equal(a, b));
}

bool link_holds(const json_t *list, const json_t *one)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), one)) return true;
    return false;
}

static int drop(struct write *w, const struct model_col *c, int64_t id, struct err *err)
{
    struct store_val one[] = {STORE_I(id)};
    return store_exec(w->conn, arena_printf(w->a, "DELETE FROM %.*s WHERE `row`=?", SVARG(c->link)),
                      one, 1, NULL, err);
}

static int add(struct write *w, const struct model_col *c, int64_t id, const json_t *list,
               struct err *err)
{
    size_t n = json_array_size(list), k = 0;
    if (!n) return 0;
    struct store_val *args = ARENA_ARRAY(w->a, struct store_val, 2 * n);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        sv text = {json_string_value(one), json_string_length(one)};
        int64_t ref = 0;
        if (c->many && !sv_i64(text, &ref))
            return err_internal(err, "%s: a hook put what is no id into \"%s\"", w->r->name.p,
                                c->f->name);
        args[k++] = STORE_I(id);
        args[k++] = c->many ? STORE_I(ref) : STORE_S(arena_sv(w->a, text));
    }
    /* Texts that the database takes for the same share a link. */
    return write_rows(
        w, arena_printf(w->a, "INSERT IGNORE INTO %.*s (`row`,`value`) VALUES ", SVARG(c->link)),
        args, 2, n, err);
}

int links_write(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
                const json_t *after, struct err *err)
{
    for (unsigned i = 0; r->linked && i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        const json_t *old = member(before, c), *new = member(after, c);
        if (!c->link.n || same_set(old, new)) continue;
        if ((old && drop(w, c, id, err) < 0) || add(w, c, id, new, err) < 0) return -1;
    }
    return 0;
}

int links_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err)
{
    for (unsigned i = 0; r->linked && i < r->n_cols; i++)
        if (r->cols[i].link.n && drop(w, &r->cols[i], id, err) < 0) return -1;
    return 0;
}

int links_clear(struct write *w, const struct model_resource *r, const struct model_col *c,
                int64_t id, struct err *err)
{
    sv text = arena_printf(w->a, "%lld", (long long)id);
    struct store_val args[] = {STORE_S(text), STORE_T(w->now), STORE_I(id)};
    sv update = arena_printf(
        w->a,
        "UPDATE %.*s SET %.*s=NULLIF(JSON_REMOVE(%.*s,JSON_UNQUOTE(JSON_SEARCH(%.*s,'one',?))),"
        "'[]'),`updated_at`=?%s WHERE `id` IN (SELECT `row` FROM %.*s WHERE `value`=?)",
        SVARG(r->ident), SVARG(c->ident), SVARG(c->ident), SVARG(c->ident),
        r->version ? ",`version`=`version`+1" : "", SVARG(c->link));
    if (store_exec(w->conn, update, args, 3, NULL, err) < 0) return -1;
    return store_exec(w->conn,
                      arena_printf(w->a, "DELETE FROM %.*s WHERE `value`=?", SVARG(c->link)),
                      args + 2, 1, NULL, err);
}

/* ---- rows that were there before their links --------------------------------------- */

static bool take(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    *(bool *)arg = n_cols > 0;
    return true;
}

static int any(struct store_conn *conn, sv text, bool *out, struct err *err)
{
    *out = false;
    return store_run(conn, text, NULL, 0, take, out, err);
}

int links_complete(struct store_conn *conn, const struct model_resource *r, struct arena *a,
                   struct err *err)
{
    for (unsigned i = 0; r->linked && i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        bool linked, rows = false;
        /* Only this type is older than the links. */
        if (!c->link.n || c->f->type != MF_MULTI_ENUM) continue;
        if (any(conn, arena_printf(a, "SELECT 1 FROM %.*s LIMIT 1", SVARG(c->link)), &linked, err) <
            0)
            return -1;
        if (!linked && any(conn,
                           arena_printf(a, "SELECT 1 FROM %.*s WHERE %.*s IS NOT NULL LIMIT 1",
                                        SVARG(r->ident), SVARG(c->ident)),
                           &rows, err) < 0)
            return -1;
        if (rows &&
            store_exec(conn,
                       arena_printf(a,
                                    "INSERT IGNORE INTO %.*s (`row`,`value`) SELECT `r`.`id`,"
                                    "`j`.`v` FROM %.*s AS `r`, JSON_TABLE(`r`.%.*s,'$[*]' COLUMNS "
                                    "(`v` VARCHAR(%d) PATH '$')) AS `j` WHERE `r`.%.*s IS NOT NULL",
                                    SVARG(c->link), SVARG(r->ident), SVARG(c->ident), MAX_TEXT,
                                    SVARG(c->ident)),
                       NULL, 0, NULL, err) < 0)
            return -1;
    }
    return 0;
}
