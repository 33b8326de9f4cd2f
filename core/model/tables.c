/* From resources to tables. Every column but the engine's own may be NULL: that
 * a field is required is a rule of the engine, which a later version of the
 * manifest may drop or add without rebuilding a large table. Fields with a
 * default have it in the database as well, for rows that plugins write by SQL. */
#define LOG_ROOM "model"
#include "model/custom.h"

#include "auth/protect.h"

#include <stdio.h>

/* A default as an SQL literal, NULL when the database cannot hold one. */
static const char *sql_default(struct arena *a, const struct model_col *c)
{
    if (!c->f->has_default) return NULL;
    json_t *v = NULL;
    struct err err = {0};
    if (json_parse(a, c->f->dflt, &v, &err) < 0) return NULL;
    if (json_is_integer(v)) {
        struct buf b = BUF_IN(a);
        buf_i64(&b, json_integer_value(v));
        return arena_str(a, buf_view(&b));
    }
    if (json_is_boolean(v)) return json_is_true(v) ? "1" : "0";
    if (c->f->type != MF_ENUM || !json_is_string(v)) return NULL;
    /* Codes of options are identifiers; anything else is left to the engine. */
    for (const char *p = json_string_value(v); *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              *p == '_' || *p == '-'))
            return NULL;
    return arena_printf(a, "'%s'", json_string_value(v)).p;
}

static unsigned text_size(const struct mf_field *f, unsigned dflt)
{
    return f->has_max && f->max > 0 && f->max < 16000 ? (unsigned)f->max : dflt;
}

#define MAX_LINE 600 /* characters of a sealed text that is a VARCHAR */

/* Room for the longest value in UTF-8 with nonce, tag and key number. */
static void sealed_column(const struct mf_field *f, struct store_col *out)
{
    bool number = f->type == MF_PHONE || f->type == MF_ID_NUMBER;
    unsigned chars = text_size(f, f->type == MF_EMAIL ? 254 : 2000);
    size_t size = AUTH_SEALED_SIZE(number ? 20 : 4 * (size_t)chars);
    out->type = number                                      ? STORE_COL_ASCII
                : size > MAX_LINE || f->type == MF_LONGTEXT ? STORE_COL_TEXT
                                                            : STORE_COL_VARCHAR;
    out->size = (unsigned)size;
}

static struct store_col column(struct arena *a, const struct model_col *c)
{
    const struct mf_field *f = c->f;
    struct store_col out = {
        .name = f->name, .was = f->was, .not_null = c->not_null, .dflt = sql_default(a, c)};
    if (c->sealed) {
        sealed_column(f, &out);
        return out;
    }
    switch (f->type) {
    case MF_TEXT:
        out.type = f->has_max && f->max >= 16000 ? STORE_COL_TEXT : STORE_COL_VARCHAR;
        out.size = text_size(f, 200);
        break;
    case MF_LONGTEXT:
    case MF_RICHTEXT:
        out.type = STORE_COL_TEXT;
        break;
    case MF_INT:
    case MF_MONEY:
        out.type = STORE_COL_I64;
        break;
    case MF_PERCENT:
        out.type = STORE_COL_I32;
        break;
    case MF_BOOL:
        out.type = STORE_COL_BOOL;
        break;
    case MF_DATE:
        out.type = STORE_COL_DATE;
        break;
    case MF_DATETIME:
        out.type = STORE_COL_DATETIME;
        break;
    case MF_ENUM:
        out.type = f->dictionary ? STORE_COL_VARCHAR : STORE_COL_ASCII;
        out.size = 64;
        break;
    case MF_TIME:
        out.type = STORE_COL_TIME;
        break;
    case MF_DECIMAL:
        out.type = STORE_COL_DECIMAL;
        out.size = 20;
        out.scale = f->scale;
        break;
    case MF_ID_NUMBER:
        out.type = STORE_COL_ASCII;
        out.size = 18;
        break;
    case MF_MULTI_ENUM:
    case MF_JSON:
    case MF_ADDRESS:
    case MF_POINT:
    case MF_POLYGON:
    case MF_IMAGES:
    case MF_FILES:
    case MF_TAGS:
    case MF_REFS:
        out.type = STORE_COL_JSON;
        break;
    case MF_SEQUENCE:
        out.type = STORE_COL_VARCHAR;
        out.size = 64;
        break;
    case MF_PHONE:
        out.type = STORE_COL_ASCII;
        out.size = 20;
        break;
    case MF_EMAIL:
        out.type = STORE_COL_VARCHAR;
        out.size = text_size(f, 254);
        break;
    case MF_LINK:
        out.type = STORE_COL_VARCHAR;
        out.size = text_size(f, 2000);
        break;
    case MF_COLOR:
        out.type = STORE_COL_ASCII;
        out.size = 7;
        break;
    default:
        out.type = STORE_COL_ID;
        break;
    }
    return out;
}

static void resource_table(const struct model_resource *r, struct arena *a, struct store_table *out)
{
    static const char *const primary[] = {"id"};
    struct store_col *cols = ARENA_ARRAY(a, struct store_col, 2 * (size_t)r->n_cols);
    const char **gone = ARENA_ARRAY(a, const char *, 2 * (size_t)r->n_cols);
    unsigned n_cols = r->n_cols, n_gone = 0;
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        cols[i] = column(a, c);
        if (!c->sealed) continue;
        gone[n_gone++] = arena_printf(a, "u_%s", c->f->name).p;
        gone[n_gone++] = arena_printf(a, "i_%s", c->f->name).p;
        if (c->hash_name)
            cols[n_cols++] = (struct store_col){
                .name = c->hash_name,
                .was = c->f->was ? arena_printf(a, "%s_hash", c->f->was).p : NULL,
                .type = STORE_COL_ASCII,
                .size = AUTH_HASH_SIZE};
    }
    struct store_idx *idx = ARENA_ARRAY(a, struct store_idx, r->n_indexes);
    for (unsigned i = 0; i < r->n_indexes; i++)
        idx[i] = (struct store_idx){.name = r->indexes[i].name,
                                    .cols = r->indexes[i].cols,
                                    .n_cols = r->indexes[i].n,
                                    .unique = r->indexes[i].unique};
    *out = (struct store_table){.name = r->table,
                                .cols = cols,
                                .n_cols = n_cols,
                                .primary = primary,
                                .n_primary = 1,
                                .idx = idx,
                                .n_idx = r->n_indexes,
                                .gone = gone,
                                .n_gone = n_gone,
                                .retire = r->mf->retire,
                                .n_retire = (unsigned)r->mf->n_retire};
    if (r->mf->was) out->was = arena_printf(a, "%s_%s", r->mf->manifest->id, r->mf->was).p;
}

static const struct model_plugin *plugin_of(const struct model *m, const struct mf_manifest *mf,
                                            struct err *err)
{
    for (size_t i = 0; i < m->n_plugins; i++)
        if (m->plugins[i]->mf == mf && !m->plugins[i]->dropped) return m->plugins[i];
    err_internal(err, "manifest %s is not loaded", mf->id);
    return NULL;
}

int model_tables(const struct model *m, const struct mf_manifest *mf, struct arena *a,
                 struct store_table **out, size_t *n, struct err *err)
{
    const struct model_plugin *p = plugin_of(m, mf, err);
    if (!p) return -1;

    bool core = strcmp(mf->id, "core") == 0;
    size_t most = core ? engine_n_tables : 0;
    for (size_t i = 0; i < p->n_res; i++)
        most += 4 + p->res[i]->mf->n_fields;
    struct store_table *t = ARENA_ARRAY(a, struct store_table, most);
    size_t k = 0;
    for (size_t i = 0; i < p->n_res; i++) {
        resource_table(p->res[i], a, &t[k++]);
        if (has_trait(p->res[i], MF_AUDITED)) history_table(p->res[i], a, &t[k++]);
        if (has_trait(p->res[i], MF_TREE)) tree_table(p->res[i], a, &t[k++]);
        if (p->res[i]->custom) custom_table(p->res[i], a, &t[k++]);
        for (unsigned c = 0; c < p->res[i]->n_cols; c++)
            if (p->res[i]->cols[c].link.n) link_table(p->res[i], &p->res[i]->cols[c], a, &t[k++]);
    }
    /* The engine's own tables come with the core, which every tenant has. */
    for (size_t i = 0; core && i < engine_n_tables; i++)
        t[k++] = engine_tables[i];
    *out = t;
    *n = k;
    return 0;
}

static int migrate(struct store_conn *conn, struct arena *a, const struct store_table *t, size_t n,
                   const struct mf_manifest *mf, struct err *err)
{
    struct store_plan plan = {0};
    if (store_plan(conn, a, t, n, false, &plan, err) < 0) return -1;
    if (plan.n == 0) return 0;
    return store_apply(conn, &plan, arena_printf(a, "%s %s", mf->id, mf->version).p, err);
}

/* What stands beside the rows follows from them. */
static int complete(const struct model *m, const struct mf_manifest *mf, struct store_conn *conn,
                    struct arena *a, struct err *err)
{
    const struct model_plugin *p = plugin_of(m, mf, err);
    for (size_t i = 0; p && i < p->n_res; i++)
        if ((has_trait(p->res[i], MF_TREE) && tree_complete(conn, p->res[i], a, err) < 0) ||
            links_complete(conn, p->res[i], a, err) < 0)
            return -1;
    return p ? 0 : -1;
}

static int seal_old_rows(const struct model *m, const struct mf_manifest *mf,
                         struct auth_tenant *t, struct err *err)
{
    for (size_t i = 0; i < m->n_all; i++)
        if (m->all[i]->mf->manifest == mf && reseal_new_fields(m->all[i], t, err) < 0) return -1;
    return 0;
}

int model_migrate(const struct model *m, const struct mf_manifest *mf, struct auth_tenant *t,
                  struct err *err)
{
    struct arena *a = arena_new(32 << 10);
    struct store_table *tables = NULL;
    struct store_conn *conn = NULL;
    size_t n = 0;
    int rc = model_tables(m, mf, a, &tables, &n, err);
    if (rc == 0) rc = store_get(t->db, &conn, err);
    if (rc == 0) {
        rc = migrate(conn, a, tables, n, mf, err);
        if (rc == 0) rc = complete(m, mf, conn, a, err);
        store_put(conn);
    }
    arena_free(a);
    return rc == 0 ? seal_old_rows(m, mf, t, err) : rc;
}

int model_drop_retired(const struct model *m, const struct mf_manifest *mf, struct auth_tenant *t,
                       size_t *dropped, struct err *err)
{
    struct arena *a = arena_new(0);
    struct store_conn *conn = NULL;
    struct store_table *tables;
    struct store_plan plan = {0};
    size_t n;
    *dropped = 0;
    int rc = model_tables(m, mf, a, &tables, &n, err);
    if (rc == 0) rc = store_get(t->db, &conn, err);
    if (rc == 0) rc = store_plan(conn, a, tables, n, true, &plan, err);
    for (size_t i = 0; i < plan.n; i++)
        if (plan.steps[i].destructive) plan.steps[(*dropped)++] = plan.steps[i];
    plan.n = *dropped;
    if (rc == 0 && plan.n)
        rc =
            store_apply(conn, &plan, arena_printf(a, "%s %s: retired", mf->id, mf->version).p, err);
    if (conn) store_put(conn);
    arena_free(a);
    return rc;
}
