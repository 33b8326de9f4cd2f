/* Bringing stored values to the present keys: rows and history of a resource, in
 * small transactions along the id, each with the place where it stopped. It may be
 * killed anywhere and goes on there; writers wait for a batch at most. The same
 * pass seals what was stored before its field was protected.
 *
 * One row of core_protected per resource remembers the fields it was done for and
 * the numbers of the keys that everything is known to be under. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include "auth/protect.h"

#define BATCH 100

struct mark {
    bool there;
    sv fields, part; /* "rows" or "history" */
    int64_t data_key, hash_key;   /* done; 0: not yet */
    int64_t want_data, want_hash; /* of the pass under way */
    int64_t cursor;
};

struct pass {
    const struct model_resource *r;
    struct auth_tenant *t;
    struct arena *a; /* of one batch */
    sv fields;
    unsigned data_now, hash_now;
    bool verify; /* names changed: every value is opened */
    bool done;
    uint64_t rows;
    struct mark m;
};

bool reseal_needed(const struct model_resource *r)
{
    for (unsigned i = 0; i < r->n_cols; i++)
        if (r->cols[i].sealed) return true;
    for (unsigned k = 0; k < r->n_kids; k++)
        for (unsigned i = 0; i < r->kids[k].res->n_cols; i++)
            if (r->kids[k].res->cols[i].sealed) return true;
    return false;
}

static void add_fields(struct buf *b, const struct model_resource *r, const char *prefix)
{
    for (unsigned i = 0; i < r->n_cols; i++)
        if (r->cols[i].sealed)
            buf_printf(b, "%s%s%s%s", b->n ? "," : "", prefix, r->cols[i].f->name,
                       r->cols[i].hash.n ? "!" : "");
}

static sv field_list(const struct model_resource *r, struct arena *a)
{
    struct buf b = BUF_IN(a);
    add_fields(&b, r, "");
    for (unsigned k = 0; k < r->n_kids; k++)
        add_fields(&b, r->kids[k].res, arena_printf(a, "%s.", r->kids[k].f->name).p);
    return buf_view(&b);
}

/* ---- one value -------------------------------------------------------------------- */

/* Under its present name, else under the earlier ones. */
static int open_any(struct pass *p, const struct model_resource *r, const struct model_col *c,
                    int64_t id, sv text, sv *plain, struct err *err)
{
    const char *id_was = r->mf->was;
    sv names[2] = {r->name, id_was ? arena_printf(p->a, "%s.%s", r->mf->manifest->id, id_was)
                                   : SV_NULL};
    sv fields[2] = {c->name, sv_of(c->f->was)};
    for (unsigned i = 0; i < 4; i++) {
        struct auth_place at = {names[i / 2], fields[i % 2], id};
        struct err e = {0};
        if (!at.resource.p || !at.field.p) continue;
        if (auth_open_value(p->t, p->a, &at, text, plain, &e) == 0) return 0;
        if (i == 0 || e.status == 503) err_copy(err, &e);
        if (e.status == 503) return -1;
    }
    return -1;
}

/* *out: the text under the present key; SV_NULL: it is that already. */
static int renew(struct pass *p, const struct model_resource *r, const struct model_col *c,
                 int64_t id, sv text, bool hash_ok, sv *out, sv *hash, struct err *err)
{
    unsigned number = 0;
    sv plain;
    *out = *hash = SV_NULL;
    bool sealed = auth_sealed(text, &number);
    if (sealed && number == p->data_now && hash_ok && !p->verify) return 0;
    if (open_any(p, r, c, id, text, &plain, err) < 0) return -1;
    struct auth_place at = {r->name, c->name, id};
    if (auth_seal_value(p->t, p->a, &at, plain, out, err) < 0) return -1;
    return c->hash.n ? auth_hash(p->t, p->a, &at, c->f->type, plain, hash, err) : 0;
}

/* ---- rows ------------------------------------------------------------------------- */

static int fix_row(struct pass *p, struct store_conn *conn, const struct model_col *const *cols,
                   unsigned n, const struct store_val *row, struct err *err)
{
    struct sql s;
    sql_start(&s, p->a);
    buf_printf(&s.text, "UPDATE %.*s SET ", SVARG(p->r->ident));
    for (unsigned i = 1; i < n; i++) {
        const struct store_val *v = &row[2 * i], *h = &row[2 * i + 1];
        struct err e = {0};
        unsigned number = 0;
        sv text, hash;
        if (v->type != STORE_TEXT) continue;
        bool hash_ok = !cols[i]->hash.n || (h->type == STORE_TEXT &&
                                            auth_hash_number(h->u.s, &number) &&
                                            number == p->hash_now);
        if (renew(p, p->r, cols[i], row[0].u.i, v->u.s, hash_ok, &text, &hash, &e) < 0) {
            if (e.status == 503) {
                err_copy(err, &e);
                return -1;
            }
            log_error("left as it is: %s", e.detail);
            continue;
        }
        if (!text.p) continue;
        buf_printf(&s.text, "%s%.*s=?", s.n ? "," : "", SVARG(cols[i]->ident));
        sql_val(&s, STORE_S(text));
        if (!cols[i]->hash.n) continue;
        buf_printf(&s.text, ",%.*s=?", SVARG(cols[i]->hash));
        sql_val(&s, STORE_S(hash));
    }
    if (!s.n) return 0;
    sql_text(&s, " WHERE `id`=?");
    sql_val(&s, row[0]);
    return store_exec(conn, buf_view(&s.text), s.args, s.n, NULL, err);
}

/* Id, then a pair of value and hash for each column; rows are locked, so that no
 * writer comes between. */
static int rows_batch(struct pass *p, struct store_conn *conn, size_t *n, struct err *err)
{
    const struct model_resource *r = p->r;
    const struct model_col **cols = ARENA_ARRAY(p->a, const struct model_col *, r->n_cols + 1);
    const struct model_col **pairs = ARENA_ARRAY(p->a, const struct model_col *, 2 * r->n_cols + 2);
    unsigned k = 0;
    struct sql s;
    cols[k++] = r->id;
    sql_start(&s, p->a);
    sql_text(&s, "SELECT `id`,1");
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (!c->sealed) continue;
        cols[k++] = c;
        buf_printf(&s.text, ",%.*s,%.*s", SVARG(c->ident), SVARG(c->hash.n ? c->hash : SV("1")));
    }
    buf_printf(&s.text, " FROM %.*s WHERE `id`>? ORDER BY `id` LIMIT %d FOR UPDATE",
               SVARG(r->ident), BATCH);
    sql_val(&s, STORE_I(p->m.cursor));
    struct rows found = {.a = p->a, .cols = pairs, .n_cols = 2 * k};
    *n = 0;
    if (k == 1) return 0; /* only its children have any */
    if (store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &found, err) < 0) return -1;
    for (size_t i = 0; i < found.n; i++)
        if (fix_row(p, conn, cols, k, rows_at(&found, i), err) < 0) return -1;
    if (found.n) p->m.cursor = rows_at(&found, found.n - 1)[0].u.i;
    *n = found.n;
    return 0;
}

/* ---- history ---------------------------------------------------------------------- */

static int renew_member(struct pass *p, const struct model_resource *r, const struct model_col *c,
                        int64_t id, json_t *holder, const char *key, bool *changed,
                        struct err *err)
{
    const json_t *j = json_object_get(holder, key);
    struct err e = {0};
    sv text, hash;
    if (!json_is_string(j) || !json_string_length(j)) return 0;
    sv old = sv_make(json_string_value(j), json_string_length(j));
    if (renew(p, r, c, id, old, true, &text, &hash, &e) < 0) {
        if (e.status == 503) {
            err_copy(err, &e);
            return -1;
        }
        log_error("left as it is: %s", e.detail);
        return 0;
    }
    if (!text.p) return 0;
    json_object_set_new(holder, key, json_stringn(text.p, text.n));
    *changed = true;
    return 0;
}

static int renew_child_rows(struct pass *p, const struct model_resource *r, json_t *list,
                            bool *changed, struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *row = json_array_get(list, i);
        int64_t id = 0;
        sv text = json_get_sv(row, "id");
        if (text.p) sv_i64(text, &id);
        for (unsigned k = 0; k < r->n_cols; k++)
            if (r->cols[k].sealed &&
                renew_member(p, r, &r->cols[k], id, row, r->cols[k].f->name, changed, err) < 0)
                return -1;
    }
    return 0;
}

static int fix_change(struct pass *p, int64_t id, json_t *change, bool *changed, struct err *err)
{
    sv field = json_get_sv(change, "field");
    const struct model_col *c = col_find(p->r, field);
    const struct model_child *k = c ? NULL : kid_find(p->r, field);
    if (c && c->sealed &&
        (renew_member(p, p->r, c, id, change, "before", changed, err) < 0 ||
         renew_member(p, p->r, c, id, change, "after", changed, err) < 0))
        return -1;
    if (k && (renew_child_rows(p, k->res, json_object_get(change, "before"), changed, err) < 0 ||
              renew_child_rows(p, k->res, json_object_get(change, "after"), changed, err) < 0))
        return -1;
    return 0;
}

static int fix_line(struct pass *p, struct store_conn *conn, const struct store_val *row,
                    struct err *err)
{
    json_t *list = NULL;
    struct err none = {0};
    bool changed = false;
    if (row[2].type != STORE_TEXT || json_parse(p->a, row[2].u.s, &list, &none) < 0) return 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (fix_change(p, row[1].u.i, json_array_get(list, i), &changed, err) < 0) return -1;
    if (!changed) return 0;
    struct buf b = BUF_IN(p->a);
    struct jsonw w = jsonw_on(&b);
    jsonw_json(&w, list);
    struct store_val args[] = {STORE_S(buf_view(&b)), row[0]};
    sv sql = arena_printf(p->a, "UPDATE `%s_history` SET `changes`=? WHERE `id`=?", p->r->table);
    return store_exec(conn, sql, args, 2, NULL, err);
}

static int history_batch(struct pass *p, struct store_conn *conn, size_t *n, struct err *err)
{
    const struct model_col *cols[3] = {p->r->id, p->r->id, p->r->id};
    struct rows found = {.a = p->a, .cols = cols, .n_cols = 3};
    struct store_val args[] = {STORE_I(p->m.cursor)};
    *n = 0;
    if (!has_trait(p->r, MF_AUDITED)) return 0;
    sv sql = arena_printf(p->a,
                          "SELECT `id`,`row_id`,`changes` FROM `%s_history` WHERE `id`>? "
                          "ORDER BY `id` LIMIT %d FOR UPDATE",
                          p->r->table, BATCH);
    if (store_run(conn, sql, args, 1, rows_collect, &found, err) < 0) return -1;
    for (size_t i = 0; i < found.n; i++)
        if (fix_line(p, conn, rows_at(&found, i), err) < 0) return -1;
    if (found.n) p->m.cursor = rows_at(&found, found.n - 1)[0].u.i;
    *n = found.n;
    return 0;
}

/* ---- the mark --------------------------------------------------------------------- */

static int64_t number(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

static int read_mark(struct pass *p, struct store_conn *conn, bool lock, struct err *err)
{
    struct store_val key[] = {STORE_S(p->r->name)}, v[7];
    bool found;
    sv sql = lock ? SV("SELECT `fields`,`part`,`data_key`,`hash_key`,`want_data`,`want_hash`,"
                       "`at_id` FROM `core_protected` WHERE `resource`=? FOR UPDATE")
                  : SV("SELECT `fields`,`part`,`data_key`,`hash_key`,`want_data`,`want_hash`,"
                       "`at_id` FROM `core_protected` WHERE `resource`=?");
    p->m = (struct mark){0};
    if (store_one(conn, p->a, sql, key, 1, v, 7, &found, err) < 0) return -1;
    if (!found) return 0;
    p->m = (struct mark){.there = true,
                         .fields = v[0].u.s,
                         .part = v[1].u.s,
                         .data_key = number(&v[2]),
                         .hash_key = number(&v[3]),
                         .want_data = number(&v[4]),
                         .want_hash = number(&v[5]),
                         .cursor = number(&v[6])};
    return 0;
}

static int write_mark(struct pass *p, struct store_conn *conn, struct err *err)
{
    const struct mark *m = &p->m;
    struct store_val args[] = {STORE_S(p->r->name),  STORE_S(m->fields),    STORE_S(m->part),
                               STORE_I(m->data_key), STORE_I(m->hash_key),  STORE_I(m->want_data),
                               STORE_I(m->want_hash), STORE_I(m->cursor)};
    return store_exec(conn,
                      SV("INSERT INTO `core_protected` (`resource`,`fields`,`part`,`data_key`,"
                         "`hash_key`,`want_data`,`want_hash`,`at_id`) VALUES (?,?,?,?,?,?,?,?) "
                         "ON DUPLICATE KEY UPDATE `fields`=VALUES(`fields`),`part`=VALUES(`part`),"
                         "`data_key`=VALUES(`data_key`),`hash_key`=VALUES(`hash_key`),"
                         "`want_data`=VALUES(`want_data`),`want_hash`=VALUES(`want_hash`),"
                         "`at_id`=VALUES(`at_id`)"),
                      args, 8, NULL, err);
}

/* ---- a pass ----------------------------------------------------------------------- */

static bool finished(const struct pass *p)
{
    const struct mark *m = &p->m;
    return m->there && sv_eq(m->fields, p->fields) && m->data_key == p->data_now &&
           m->hash_key == p->hash_now;
}

/* A pass for other keys or fields than the present ones begins anew. */
static void begin(struct pass *p)
{
    struct mark *m = &p->m;
    bool same = m->there && sv_eq(m->fields, p->fields);
    p->verify = !same || m->data_key == 0;
    if (same && m->want_data == p->data_now && m->want_hash == p->hash_now) return;
    *m = (struct mark){.there = true,
                       .fields = p->fields,
                       .part = SV("rows"),
                       .data_key = same ? m->data_key : 0,
                       .hash_key = same ? m->hash_key : 0,
                       .want_data = p->data_now,
                       .want_hash = p->hash_now};
}

static int batch(void *arg, struct store_conn *conn, struct err *err)
{
    struct pass *p = arg;
    size_t n = 0;
    p->rows = 0;
    if (read_mark(p, conn, true, err) < 0) return -1;
    if (finished(p)) {
        p->done = true;
        return 0;
    }
    begin(p);
    bool history = sv_eqs(p->m.part, "history");
    if ((history ? history_batch(p, conn, &n, err) : rows_batch(p, conn, &n, err)) < 0) return -1;
    p->rows = n;
    if (!n && !history) {
        p->m.part = SV("history");
        p->m.cursor = 0;
    } else if (!n) {
        p->m.data_key = p->data_now;
        p->m.hash_key = p->hash_now;
        p->done = true;
    }
    return write_mark(p, conn, err);
}

static int run(struct pass *p, const struct reseal *how, struct err *err)
{
    struct store_conn *conn;
    int rc = 0;
    while (rc == 0 && !p->done) {
        struct auth_keys keys;
        arena_reset(p->a);
        p->fields = field_list(p->r, p->a);
        if (auth_keys(p->t, false, &keys, err) < 0) return -1;
        p->data_now = keys.data_now;
        p->hash_now = keys.hash_now;
        if (store_get(p->t->db, &conn, err) < 0) return -1;
        rc = store_tx(conn, batch, p, err);
        store_put(conn);
        if (rc == 0 && how && how->more && !how->more(how->arg, p->rows, err)) rc = -1;
    }
    return rc;
}

int reseal_resource(const struct model_resource *r, struct auth_tenant *t,
                    const struct reseal *how, struct err *err)
{
    if (!reseal_needed(r)) return 0;
    struct pass p = {.r = r, .t = t, .a = arena_new(256 << 10)};
    int rc = run(&p, how, err);
    arena_free(p.a);
    return rc;
}

/* A rotation under way is its task's business; here only what was never sealed,
 * or whose hashes nobody looks up any more (a plugin that was away meanwhile). */
int reseal_new_fields(const struct model_resource *r, struct auth_tenant *t, struct err *err)
{
    struct store_conn *conn;
    struct auth_keys keys;
    if (!reseal_needed(r)) return 0;
    struct pass p = {.r = r, .t = t, .a = arena_new(0)};
    p.fields = field_list(r, p.a);
    int rc = auth_keys(t, false, &keys, err);
    if (rc == 0) rc = store_get(t->db, &conn, err);
    if (rc == 0) {
        rc = read_mark(&p, conn, false, err);
        store_put(conn);
    }
    bool due = rc == 0 && (!p.m.there || !sv_eq(p.m.fields, p.fields) || p.m.data_key == 0);
    for (unsigned i = 0; rc == 0 && i < keys.n_hash; i++)
        due |= keys.hash[i].number == p.m.hash_key && keys.hash[i].state == AUTH_KEY_RETIRED;
    arena_free(p.a);
    return due ? reseal_resource(r, t, NULL, err) : rc;
}

/* ---- for the task ----------------------------------------------------------------- */

static bool take_row(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return true;
}

int reseal_there(const struct model_resource *r, struct store_conn *conn, bool *there,
                 struct err *err)
{
    struct store_val args[] = {STORE_S(r->name)};
    *there = false;
    return store_run(conn, SV("SELECT 1 FROM `core_protected` WHERE `resource`=?"), args, 1,
                     take_row, there, err);
}

int reseal_uses_hash(const struct model_resource *r, struct store_conn *conn, unsigned n,
                     bool *used, struct err *err)
{
    struct arena *a = arena_new(0);
    int rc = 0;
    *used = false;
    for (unsigned i = 0; rc == 0 && !*used && i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (!c->hash.n) continue;
        struct store_val like[] = {STORE_S(arena_printf(a, "%u.%%", n))};
        sv sql = arena_printf(a, "SELECT 1 FROM %.*s WHERE %.*s LIKE ? LIMIT 1", SVARG(r->ident),
                              SVARG(c->hash));
        rc = store_run(conn, sql, like, 1, take_row, used, err);
    }
    arena_free(a);
    return rc;
}

int reseal_again(struct auth_tenant *t, struct err *err)
{
    struct store_conn *conn;
    if (store_get(t->db, &conn, err) < 0) return -1;
    int rc = store_exec(conn, SV("UPDATE `core_protected` SET `hash_key`=0,`want_hash`=0"), NULL, 0,
                        NULL, err);
    store_put(conn);
    return rc;
}
