/* Fields of the tenant's own: what they are, how their values are checked and
 * kept, and by what lists find them. */
#define LOG_ROOM "model"
#include "model/batch.h"

#include <stdio.h>

#define MAX_DEFS 200
#define MAX_TEXT 200
#define MAX_LONG 20000
#define MAX_LINE 2000

/* ---- definitions ------------------------------------------------------------------ */

struct reading {
    struct arena *a;
    struct custom_defs *d;
    int64_t *ids;
};

static const char *text_at(struct arena *a, const struct store_val *v)
{
    return v->type == STORE_TEXT ? arena_str(a, v->u.s) : NULL;
}

/* How long a text may be where nobody says. */
static void bound_text(struct mf_field *f)
{
    f->max = f->type == MF_TEXT ? MAX_TEXT : f->type == MF_LONGTEXT ? MAX_LONG : MAX_LINE;
    f->has_max = f->type == MF_TEXT || f->type == MF_LONGTEXT || f->type == MF_LINK;
}

static bool take_field(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct reading *rd = arg;
    int type = 0;
    if (n_cols < 10 || rd->d->n == MAX_DEFS) return false;
    const char *name = text_at(rd->a, &row[1]), *kind = text_at(rd->a, &row[2]);
    while (mf_type_names[type] && kind && strcmp(mf_type_names[type], kind) != 0)
        type++;
    if (!name || !kind || !mf_type_names[type]) return true;
    struct custom_field *c = &rd->d->v[rd->d->n];
    rd->ids[rd->d->n++] = row[0].u.i;
    *c = (struct custom_field){
        .f = {.name = name,
              .type = (enum mf_type)type,
              .title = {text_at(rd->a, &row[3]), text_at(rd->a, &row[4])},
              .required = row[5].type == STORE_I64 && row[5].u.i,
              .scale = 2,
              .has_min = row[6].type == STORE_I64,
              .has_max = row[7].type == STORE_I64,
              .min = row[6].type == STORE_I64 ? row[6].u.i : 0,
              .max = row[7].type == STORE_I64 ? row[7].u.i : 0},
        .path = arena_printf(rd->a, "custom.%s", name).p,
        .filterable = row[8].type == STORE_I64 && row[8].u.i,
        .listed = row[9].type == STORE_I64 && row[9].u.i,
    };
    if (type == MF_DECIMAL) { /* a whole number there is one here */
        c->f.min *= 100;
        c->f.max *= 100;
    }
    if (!c->f.has_max) bound_text(&c->f);
    c->f.options = ARENA_ARRAY(rd->a, struct mf_option, MAX_DEFS);
    return true;
}

static bool take_option(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct reading *rd = arg;
    for (size_t i = 0; n_cols > 3 && i < rd->d->n; i++) {
        struct mf_field *f = &rd->d->v[i].f;
        if (rd->ids[i] != row[0].u.i || f->n_options == MAX_DEFS) continue;
        f->options[f->n_options++] = (struct mf_option){
            text_at(rd->a, &row[1]), {text_at(rd->a, &row[2]), text_at(rd->a, &row[3])}, NULL};
    }
    return true;
}

int custom_load(struct store_conn *conn, struct arena *a, const struct model_resource *r,
                struct custom_defs *out, struct err *err)
{
    struct store_val name[] = {STORE_S(r->name)};
    *out = (struct custom_defs){0};
    if (!r->custom) return 0;
    out->v = ARENA_ARRAY(a, struct custom_field, MAX_DEFS);
    struct reading rd = {a, out, ARENA_ARRAY(a, int64_t, MAX_DEFS)};
    if (store_run(
            conn,
            SV("SELECT `id`,`name`,`type`,`title_zh`,`title_en`,`required`,`min`,`max`,"
               "`filterable`,`listed` FROM `core_custom_field` WHERE `resource`=? AND (`is_off` IS "
               "NULL OR `is_off`=0) ORDER BY `position`,`id`"),
            name, 1, take_field, &rd, err) < 0)
        return -1;
    if (!out->n) return 0;
    return store_run(conn,
                     SV("SELECT `o`.`field`,`o`.`code`,`o`.`title_zh`,`o`.`title_en` FROM "
                        "`core_custom_field` AS `f` JOIN `core_custom_option` AS `o` ON "
                        "`o`.`field`=`f`.`id` WHERE `f`.`resource`=? ORDER BY `o`.`position`"),
                     name, 1, take_option, &rd, err);
}

const struct custom_field *custom_find(const struct custom_defs *d, sv name)
{
    for (size_t i = 0; i < d->n; i++)
        if (sv_eqs(name, d->v[i].f.name)) return &d->v[i];
    return NULL;
}

static bool named(const sv *list, unsigned n, sv name)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_starts(list[i], SV("custom.")) && sv_eq(sv_make(list[i].p + 7, list[i].n - 7), name))
            return true;
    return false;
}

static const struct auth_grant *grant_of(const struct model_resource *r,
                                         const struct auth_principal *who)
{
    bool all = who->admin || who->kind == AUTH_SYSTEM;
    return all ? NULL : auth_grant_of(who, r->name);
}

bool custom_hidden(const struct model_resource *r, const struct auth_principal *who, sv name)
{
    const struct auth_grant *g = grant_of(r, who);
    return g && named(g->hidden, g->n_hidden, name);
}

bool custom_fixed(const struct model_resource *r, const struct auth_principal *who, sv name)
{
    const struct auth_grant *g = grant_of(r, who);
    return g && named(g->read_only, g->n_read_only, name);
}

void custom_visible(struct custom_defs *d, const struct model_resource *r,
                    const struct auth_principal *who)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        if (!custom_hidden(r, who, sv_of(d->v[i].f.name))) d->v[n++] = d->v[i];
    d->n = n;
}

/* ---- a write ---------------------------------------------------------------------- */

/* Values of fields that are off stay: they may come back. */
static json_t *lay(struct write *w, const struct custom_defs *d, const json_t *given,
                   const json_t *had, struct err *err)
{
    json_t *out = json_is_object(had) ? json_deep_copy((json_t *)(uintptr_t)had) : json_object();
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)given, name, v)
    {
        const struct custom_field *c = custom_find(d, sv_of(name));
        const json_t *old = json_object_get(had, name);
        char path[MODEL_PATH];
        path_member(path, "custom", name);
        bool same = old ? json_equal(old, v) : json_is_null(v);
        if (custom_hidden(w->r, w->c->who, sv_of(name))) {
            err_field(err, path, "forbidden", NULL);
        } else if (same) {
            continue;
        } else if (!c) {
            err_field(err, path, "unknown_field", NULL);
        } else if (custom_fixed(w->r, w->c->who, sv_of(name))) {
            err_field(err, path, "read_only", NULL);
        } else if (value_void(&c->f, v)) {
            json_object_del(out, name);
        } else if (value_check(&c->f, v, path, err) == 0) {
            json_object_set_new(out, name, value_normal(&c->f, v));
        }
    }
    return out;
}

static void demand(const struct custom_defs *d, const json_t *given, const json_t *all, bool create,
                   struct err *err)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct custom_field *c = &d->v[i];
        if (!c->f.required || json_object_get(all, c->f.name)) continue;
        /* A field that is new asks nothing of rows that are changed elsewhere. */
        if (create || json_object_get(given, c->f.name)) err_field(err, c->path, "required", NULL);
    }
}

static int definitions(struct write *w, struct custom_defs *out, struct err *err)
{
    const struct custom_defs *known = batch_custom(w->c->batch);
    if (!known && custom_load(w->conn, w->a, w->r, out, err) < 0) return -1;
    if (known)
        *out = *known;
    else
        batch_keep_custom(w->c->batch, out);
    return 0;
}

int custom_merge(struct write *w, const json_t *body, struct err *err)
{
    const json_t *given = json_object_get(body, "custom");
    const json_t *had = w->before ? json_object_get(w->before, "custom") : NULL;
    struct custom_defs d;
    if (!w->r->custom || (!given && w->before)) return 0;
    if (given && !json_is_object(given) && !json_is_null(given))
        return err_field(err, "custom", "not_object", NULL);
    if (definitions(w, &d, err) < 0) return -1;
    json_t *all = lay(w, &d, given, had, err);
    if (!w->p->everything) demand(&d, given, all, !w->before, err);
    if (json_object_size(all) == 0) {
        json_decref(all);
        all = json_null();
    }
    json_object_set_new(w->after, "custom", all);
    return err_is(err) ? -1 : 0;
}

/* ---- what lists ask --------------------------------------------------------------- */

static const struct store_col cols[] = {
    {.name = "row", .type = STORE_COL_ID, .not_null = true},
    {.name = "field", .type = STORE_COL_ASCII, .size = 40, .not_null = true},
    {.name = "n", .type = STORE_COL_I32, .not_null = true},
    {.name = "v_text", .type = STORE_COL_VARCHAR, .size = MAX_TEXT},
    {.name = "v_num", .type = STORE_COL_DECIMAL, .size = 24, .scale = 6},
    {.name = "v_time", .type = STORE_COL_DATETIME},
};
static const char *const primary[] = {"row", "field", "n"};
static const char *const by_text[] = {"field", "v_text", "row"};
static const char *const by_num[] = {"field", "v_num", "row"};
static const char *const by_time[] = {"field", "v_time", "row"};
static const struct store_idx indexes[] = {
    {.name = "i_text", .cols = by_text, .n_cols = 3},
    {.name = "i_num", .cols = by_num, .n_cols = 3},
    {.name = "i_time", .cols = by_time, .n_cols = 3},
};

void custom_table(const struct model_resource *r, struct arena *a, struct store_table *out)
{
    *out = (struct store_table){.name = arena_printf(a, "%s__custom", r->table).p,
                                .cols = cols,
                                .n_cols = sizeof cols / sizeof *cols,
                                .primary = primary,
                                .n_primary = 3,
                                .idx = indexes,
                                .n_idx = 3};
    if (r->mf->was) out->was = arena_printf(a, "%s_%s__custom", r->mf->manifest->id, r->mf->was).p;
}

const char *custom_column(enum mf_type t)
{
    switch (t) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
    case MF_DECIMAL:
    case MF_BOOL:
        return "v_num";
    case MF_DATE:
    case MF_DATETIME:
        return "v_time";
    case MF_TEXT:
    case MF_ENUM:
    case MF_MULTI_ENUM:
    case MF_PHONE:
    case MF_EMAIL:
        return "v_text";
    default:
        return NULL;
    }
}

/* One value as the three columns have it; false when lists cannot ask for it. */
static bool place(const json_t *v, struct arena *a, struct store_val out[3])
{
    sv text = {json_string_value(v), json_string_length(v)};
    int64_t us, units;
    out[0] = out[1] = out[2] = STORE_N;
    if (json_is_boolean(v))
        out[1] = STORE_I(json_is_true(v));
    else if (json_is_integer(v))
        out[1] = STORE_I(json_integer_value(v));
    else if (!json_is_string(v))
        return false;
    else if (value_date_ok(text))
        out[2] = STORE_S(arena_sv(a, text));
    else if (text.n > 18 && clock_parse(text, &us))
        out[2] = STORE_T(us);
    else if (sv_utf8_len(text) <= MAX_TEXT)
        out[0] = STORE_S(arena_sv(a, text));
    if (json_is_string(v) && decimal_parse(text, DECIMAL_MAX_SCALE, &units))
        out[1] = STORE_S(arena_sv(a, text));
    return true;
}

int custom_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err)
{
    struct store_val one[] = {STORE_I(id)};
    if (!r->custom) return 0;
    return store_exec(w->conn,
                      arena_printf(w->a, "DELETE FROM `%s__custom` WHERE `row`=?", r->table), one,
                      1, NULL, err);
}

int custom_write(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
                 const json_t *after, struct err *err)
{
    const json_t *old = before ? json_object_get(before, "custom") : NULL;
    const json_t *new = json_object_get(after, "custom");
    const char *name;
    json_t *v;
    if (!r->custom || (old && new &&json_equal(old, new))) return 0;
    if (before && custom_remove(w, r, id, err) < 0) return -1;
    size_t n = 0, cap = 0;
    json_object_foreach((json_t *)(uintptr_t) new, name, v) cap += 1 + json_array_size(v);
    if (!cap) return 0;
    struct store_val *args = ARENA_ARRAY(w->a, struct store_val, 6 * cap);
    json_object_foreach((json_t *)(uintptr_t) new, name, v)
    {
        size_t items = json_is_array(v) ? json_array_size(v) : 1;
        for (size_t i = 0; i < items; i++) {
            struct store_val *row = args + 6 * n;
            if (!place(json_is_array(v) ? json_array_get(v, i) : v, w->a, row + 3)) continue;
            row[0] = STORE_I(id);
            row[1] = STORE_S(arena_sv(w->a, sv_of(name)));
            row[2] = STORE_I((int64_t)i);
            n++;
        }
    }
    if (!n) return 0;
    return write_rows(w,
                      arena_printf(w->a,
                                   "INSERT INTO `%s__custom` (`row`,`field`,`n`,`v_text`,`v_num`,"
                                   "`v_time`) VALUES ",
                                   r->table),
                      args, 6, n, err);
}
