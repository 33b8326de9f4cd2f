/* Who changed what in a record: one row per write, with the fields before and
 * after, in a table of its own beside the resource's. */
#define LOG_ROOM "model"
#include "model/batch.h"

#define MAX_CHANGES (2u << 20)

/* ---- table ------------------------------------------------------------------------ */

static const struct store_col cols[] = {
    {.name = "id", .type = STORE_COL_ID, .not_null = true},
    {.name = "row_id", .type = STORE_COL_ID, .not_null = true},
    {.name = "at", .type = STORE_COL_DATETIME, .not_null = true},
    {.name = "who_kind", .type = STORE_COL_ASCII, .size = 16, .not_null = true},
    {.name = "who", .type = STORE_COL_ID},
    {.name = "who_name", .type = STORE_COL_VARCHAR, .size = 60},
    {.name = "action", .type = STORE_COL_VARCHAR, .size = 60, .not_null = true},
    {.name = "changes", .type = STORE_COL_JSON},
    {.name = "approval", .type = STORE_COL_ID}, /* by which it was agreed to */
};
static const char *const primary[] = {"id"};
static const char *const by_row[] = {"row_id"};
static const struct store_idx indexes[] = {{.name = "i_row_id", .cols = by_row, .n_cols = 1}};

void history_table(const struct model_resource *r, struct arena *a, struct store_table *out)
{
    *out = (struct store_table){.name = arena_printf(a, "%s_history", r->table).p,
                                .cols = cols,
                                .n_cols = sizeof cols / sizeof *cols,
                                .primary = primary,
                                .n_primary = 1,
                                .idx = indexes,
                                .n_idx = 1};
    if (r->mf->was) out->was = arena_printf(a, "%s_%s_history", r->mf->manifest->id, r->mf->was).p;
}

/* ---- writing ---------------------------------------------------------------------- */

static int64_t id_of(const json_t *row)
{
    int64_t id = 0;
    sv text = json_get_sv(row, "id");
    return text.p && sv_i64(text, &id) ? id : 0;
}

/* One value, sealed where the table has it sealed. */
static int value(struct write *wr, const struct model_resource *r, const struct model_col *c,
                 int64_t id, const json_t *v, struct jsonw *w, struct err *err)
{
    if (!c->sealed) {
        jsonw_json(w, v);
        return 0;
    }
    json_t *kept = protect_seal_json(wr, r, c, id, v, err);
    if (v && !kept) return -1;
    jsonw_json(w, kept);
    json_decref(kept);
    return 0;
}

static int rows_without_secrets(struct write *wr, const struct model_resource *r,
                                const json_t *list, struct jsonw *w, struct err *err)
{
    jsonw_arr(w);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name;
        json_t *v;
        jsonw_obj(w);
        json_object_foreach(json_array_get(list, i), name, v)
        {
            const struct model_col *c = col_find(r, sv_of(name));
            if (!c || c->secret || c->part_of || c == r->created_at || c == r->updated_at ||
                c == r->created_by)
                continue;
            jsonw_key(w, sv_of(name));
            if (value(wr, r, c, id_of(json_array_get(list, i)), v, w, err) < 0) return -1;
        }
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
    return 0;
}

static bool differ(const json_t *a, const json_t *b)
{
    bool none_a = !a || json_is_null(a), none_b = !b || json_is_null(b);
    return none_a || none_b ? none_a != none_b : !json_equal(a, b);
}

static bool told(const struct model_resource *r, const struct model_col *c)
{
    return !c->secret && !c->part_of && c != r->id && c != r->created_at && c != r->updated_at &&
           c != r->created_by && c != r->version && c != r->deleted_at;
}

/* One line for each of the tenant's own fields: custom.budget. */
static void custom_change(struct jsonw *jw, const char *name, const json_t *old, const json_t *new)
{
    char path[MODEL_PATH];
    if (!differ(old, new)) return;
    jsonw_obj(jw);
    jsonw_kv_str(jw, "field", path_member(path, "custom", name));
    jsonw_key(jw, SV("before"));
    jsonw_json(jw, old);
    jsonw_key(jw, SV("after"));
    jsonw_json(jw, new);
    jsonw_end_obj(jw);
}

static void custom_changes(struct jsonw *jw, const json_t *before, const json_t *after)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)before, name, v)
        custom_change(jw, name, v, json_object_get(after, name));
    json_object_foreach((json_t *)(uintptr_t)after, name, v) if (!json_object_get(before, name))
        custom_change(jw, name, NULL, v);
}

int history_changes(struct write *w, struct history_note *out, struct err *err)
{
    const struct model_resource *r = w->r;
    struct buf b = BUF_IN(w->a), names = BUF_IN(w->a);
    struct jsonw jw = jsonw_on(&b), nw = jsonw_on(&names);
    jsonw_arr(&jw);
    jsonw_arr(&nw);
    for (unsigned i = 0; w->after && i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        const json_t *old = w->before ? json_object_get(w->before, c->f->name) : NULL;
        const json_t *new = json_object_get(w->after, c->f->name);
        if (!told(r, c) || !differ(old, new)) continue;
        if (c == r->custom) {
            custom_changes(&jw, old, new);
            continue;
        }
        jsonw_obj(&jw);
        jsonw_kv_str(&jw, "field", c->f->name);
        jsonw_cstr(&nw, c->f->name);
        jsonw_key(&jw, SV("before"));
        if (value(w, r, c, w->id, old, &jw, err) < 0) return -1;
        jsonw_key(&jw, SV("after"));
        if (value(w, r, c, w->id, new, &jw, err) < 0) return -1;
        jsonw_end_obj(&jw);
    }
    for (unsigned i = 0; w->after && i < r->n_kids; i++) {
        const struct model_child *k = &r->kids[i];
        const json_t *old = w->before ? json_object_get(w->before, k->f->name) : NULL;
        const json_t *new = json_object_get(w->after, k->f->name);
        bool none = json_array_size(old) == 0 && json_array_size(new) == 0;
        if (k->f->hidden || none || (old && json_equal(old, new))) continue;
        jsonw_obj(&jw);
        jsonw_kv_str(&jw, "field", k->f->name);
        jsonw_cstr(&nw, k->f->name);
        jsonw_key(&jw, SV("before"));
        if (rows_without_secrets(w, k->res, old, &jw, err) < 0) return -1;
        jsonw_key(&jw, SV("after"));
        if (rows_without_secrets(w, k->res, new, &jw, err) < 0) return -1;
        jsonw_end_obj(&jw);
    }
    jsonw_end_arr(&jw);
    jsonw_end_arr(&nw);
    *out = (struct history_note){.changes = buf_view(&b)};
    if (w->before && names.n > 2) out->fields = buf_view(&names);
    return 0;
}

static const char *kind_name(enum auth_kind k)
{
    static const char *const names[] = {"anon", "staff", "member", "key", "system"};
    return (unsigned)k < 5 ? names[k] : "system";
}

int history_add(struct write *w, struct history_note *n, struct err *err)
{
    const struct auth_principal *who = w->c->who;
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text,
               "INSERT INTO `%s_history` (`id`,`row_id`,`at`,`who_kind`,`who`,`who_name`,`action`,"
               "`changes`,`approval`) VALUES ",
               w->r->table);
    n->id = id_next();
    sql_val(&s, STORE_I(n->id));
    sql_val(&s, STORE_I(w->id));
    sql_val(&s, STORE_T(w->now));
    sql_val(&s, STORE_S(sv_of(kind_name(who->kind))));
    sql_val(&s, who->id ? STORE_I(who->id) : STORE_N);
    sql_val(&s, store_text_or_null(who->name));
    sql_val(&s, STORE_S(sv_of(w->action)));
    sql_val(&s, n->changes.n <= MAX_CHANGES ? STORE_S(n->changes) : STORE_N);
    int64_t agreed = approval_agreed(w->c);
    sql_val(&s, agreed ? STORE_I(agreed) : STORE_N);
    return write_rows(w, buf_view(&s.text), s.args, s.n, 1, err);
}

/* Never a value: whoever reads the log may not read the record. */
sv history_pointer(struct write *w, const struct history_note *n)
{
    int64_t agreed = approval_agreed(w->c);
    struct buf b = BUF_IN(w->a);
    struct jsonw jw = jsonw_on(&b);
    if (!agreed && !n->id) return SV_NULL;
    jsonw_obj(&jw);
    if (n->id) jsonw_kv_id(&jw, "history", n->id);
    if (n->fields.n) jsonw_kv_raw(&jw, "fields", n->fields);
    if (agreed) jsonw_kv_id(&jw, "approval", agreed);
    jsonw_end_obj(&jw);
    return buf_view(&b);
}
