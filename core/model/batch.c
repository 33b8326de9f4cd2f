/* Many writes of one transaction by few statements (batch.h). */
#define LOG_ROOM "model"
#include "model/batch.h"

#define REFS_AT_ONCE 500u

struct gathered { /* rows for one table */
    struct gathered *next;
    sv head;
    unsigned n_cols;
    struct store_val *args;
    size_t n, cap, mark;
};
struct block { /* numbers of a sequence */
    struct block *next;
    sv name;
    int64_t at, left, mark_at, mark_left;
};
struct known_dict {
    struct known_dict *next;
    const char *code;
    struct dict d;
};
struct told {
    const struct model_resource *r;
    const char *event;
    int64_t id;
};

struct write_batch {
    struct arena *a;
    struct gathered *tables, **last_table;
    struct block *blocks;
    struct known_dict *dicts;
    const struct custom_defs *custom;
    const struct model_resource **known_of; /* what can be referred to: by resource and id */
    int64_t *known;
    uint32_t mask, n_known;
    struct rows locked;
    struct told *told;
    size_t n_told, cap_told, mark_told;
    unsigned rows;
};

bool batch_can(const struct model_resource *r, bool updates)
{
    if (core_resource(r->mf) || r->mf->check_hook || has_trait(r, MF_TREE)) return false;
    for (size_t i = 0; i < r->mf->n_fields; i++)
        if (r->mf->fields[i].compute_hook) return false;
    for (unsigned i = 0; i < r->n_kids; i++)
        if (updates || !batch_can(r->kids[i].res, false)) return false;
    return true;
}

struct write_batch *batch_new(struct model_ctx *c, unsigned rows)
{
    struct write_batch *b = ARENA_NEW(c->arena, struct write_batch);
    *b = (struct write_batch){.a = c->arena, .rows = rows};
    b->last_table = &b->tables;
    return b;
}

/* ---- rows ------------------------------------------------------------------------- */

static struct gathered *table(struct write_batch *b, sv head, unsigned n_cols)
{
    struct gathered *t = b->tables;
    while (t && !(t->n_cols == n_cols && sv_eq(t->head, head)))
        t = t->next;
    if (t) return t;
    t = ARENA_NEW(b->a, struct gathered);
    *t = (struct gathered){.head = arena_sv(b->a, head), .n_cols = n_cols};
    *b->last_table = t;
    b->last_table = &t->next;
    return t;
}

int write_rows(struct write *w, sv head, const struct store_val *args, unsigned n_cols,
               size_t n_rows, struct err *err)
{
    struct write_batch *b = w->c->batch;
    if (!b) return store_insert(w->conn, head, SV(""), args, n_cols, n_rows, NULL, err);
    struct gathered *t = table(b, head, n_cols);
    if (t->n + n_rows > t->cap) {
        size_t cap = (t->n + n_rows) * 2 > b->rows ? (t->n + n_rows) * 2 : b->rows;
        struct store_val *grown = ARENA_ARRAY(b->a, struct store_val, cap * n_cols);
        if (t->n) memcpy(grown, t->args, t->n * n_cols * sizeof *grown);
        t->args = grown;
        t->cap = cap;
    }
    memcpy(t->args + t->n * n_cols, args, n_rows * n_cols * sizeof *args);
    t->n += n_rows;
    return 0;
}

/* ---- what is referred to ------------------------------------------------------------ */

static uint32_t place(const struct write_batch *b, const struct model_resource *to, int64_t id)
{
    uint64_t h = ((uint64_t)id ^ (uintptr_t)to) * 0x9e3779b97f4a7c15u;
    uint32_t i = (uint32_t)(h >> 32) & b->mask;
    while (b->known_of[i] && !(b->known_of[i] == to && b->known[i] == id))
        i = (i + 1) & b->mask;
    return i;
}

bool batch_knows(const struct write_batch *b, const struct model_resource *to, int64_t id)
{
    return b && b->known_of && b->known_of[place(b, to, id)] == to;
}

static void know(struct write_batch *b, const struct model_resource *to, int64_t id)
{
    if (!b->known_of || b->n_known * 2 >= b->mask) {
        const struct model_resource **of = b->known_of;
        int64_t *ids = b->known;
        uint32_t cap = of ? b->mask + 1 : 0;
        b->mask = cap ? cap * 2 - 1 : 1023;
        b->known_of = ARENA_ARRAY(b->a, const struct model_resource *, b->mask + 1);
        b->known = ARENA_ARRAY(b->a, int64_t, b->mask + 1);
        for (uint32_t i = 0; i < cap; i++) {
            if (!of[i]) continue;
            uint32_t k = place(b, of[i], ids[i]);
            b->known_of[k] = of[i];
            b->known[k] = ids[i];
        }
    }
    uint32_t i = place(b, to, id);
    b->n_known += !b->known_of[i];
    b->known_of[i] = to;
    b->known[i] = id;
}

struct asked {
    struct write_batch *b;
    const struct model_resource *to;
};

static bool on_known(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct asked *x = arg;
    (void)n_cols;
    know(x->b, x->to, row[0].u.i);
    return true;
}

/* What is not found here is asked for by the write itself, which then complains. */
static int ask(struct write_batch *b, struct model_ctx *c, const struct model_resource *to,
               const int64_t *ids, size_t n, struct err *err)
{
    struct asked x = {b, to};
    struct sql s;
    sql_start(&s, b->a);
    buf_printf(&s.text, "SELECT `id` FROM %.*s WHERE `id` IN ", SVARG(to->ident));
    sql_in_ids(&s, ids, n);
    if (to->deleted_at) sql_text(&s, " AND `deleted_at` IS NULL");
    if (ref_visible(c, b->a, to, &s) < 0) return 0;
    sql_text(&s, " LOCK IN SHARE MODE");
    return store_run(c->conn, buf_view(&s.text), s.args, s.n, on_known, &x, err);
}

struct wanted {
    int64_t ids[REFS_AT_ONCE];
    size_t n;
};

static bool want(struct wanted *x, const struct write_batch *b, const struct model_resource *to,
                 const json_t *v)
{
    int64_t id;
    if (!json_is_string(v) || !sv_i64(sv_of(json_string_value(v)), &id)) return true;
    if (batch_knows(b, to, id)) return true;
    for (size_t i = 0; i < x->n; i++)
        if (x->ids[i] == id) return true;
    x->ids[x->n++] = id;
    return x->n < REFS_AT_ONCE;
}

static int refs_of_column(struct write_batch *b, const struct model_col *col, struct model_ctx *c,
                          json_t *const *rows, size_t n, struct err *err)
{
    const struct model_resource *to = col->ref ? col->ref : col->many;
    struct wanted x = {.n = 0};
    if (!to || col->file || sv_eqs(to->name, "core.file")) return 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(rows[i], col->f->name);
        for (size_t k = 0; json_is_array(v) && k < json_array_size(v); k++)
            if (!want(&x, b, to, json_array_get(v, k))) {
                if (ask(b, c, to, x.ids, x.n, err) < 0) return -1;
                x.n = 0;
            }
        if (want(&x, b, to, v)) continue;
        if (ask(b, c, to, x.ids, x.n, err) < 0) return -1;
        x.n = 0;
    }
    return x.n ? ask(b, c, to, x.ids, x.n, err) : 0;
}

int batch_refs(struct write_batch *b, const struct model_resource *r, struct model_ctx *c,
               json_t *const *bodies, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < r->n_cols; i++)
        if (refs_of_column(b, &r->cols[i], c, bodies, n, err) < 0) return -1;
    for (unsigned i = 0; i < r->n_kids; i++) {
        const struct model_child *k = &r->kids[i];
        for (unsigned m = 0; m < n; m++) {
            const json_t *list = json_object_get(bodies[m], k->f->name);
            size_t rows = json_array_size(list);
            json_t **one = ARENA_ARRAY(b->a, json_t *, rows + 1);
            for (size_t x = 0; x < rows; x++)
                one[x] = json_array_get(list, x);
            for (unsigned x = 0; rows && x < k->res->n_cols; x++)
                if (refs_of_column(b, &k->res->cols[x], c, one, rows, err) < 0) return -1;
        }
    }
    return 0;
}

/* ---- rows that are there ------------------------------------------------------------ */

int batch_lock(struct write_batch *b, const struct model_resource *r, struct model_ctx *c,
               const int64_t *ids, unsigned n, struct err *err)
{
    struct write w = {.r = r, .c = c, .conn = c->conn, .a = b->a, .version = -1};
    w.p = policy_of(r, c->who, c->arena, err);
    return w.p ? write_lock_all(&w, &w.p->update, false, ids, n, &b->locked, err) : -1;
}

bool batch_locked(const struct write_batch *b, int64_t id, struct rows *out)
{
    for (size_t i = 0; b && i < b->locked.n; i++) {
        if (rows_at(&b->locked, i)[0].u.i != id) continue;
        *out = b->locked;
        out->vals += i * out->n_cols;
        out->n = 1;
        return true;
    }
    return false;
}

/* ---- numbers ------------------------------------------------------------------------ */

static struct block *block(struct write_batch *b, sv name)
{
    struct block *x = b->blocks;
    while (x && !sv_eq(x->name, name))
        x = x->next;
    return x;
}

int64_t batch_number(struct write_batch *b, sv name, int64_t *n)
{
    struct block *x = block(b, name);
    *n = b->rows;
    if (!x || !x->left) return 0;
    x->left--;
    return x->at++;
}

void batch_block(struct write_batch *b, sv name, int64_t first, int64_t n)
{
    struct block *x = block(b, name);
    if (!x) {
        x = ARENA_NEW(b->a, struct block);
        *x = (struct block){.next = b->blocks, .name = arena_sv(b->a, name)};
        b->blocks = x;
    }
    x->at = first;
    x->left = n;
    x->mark_at = first - 1; /* with the one that was taken with the block */
    x->mark_left = n + 1;
}

/* Numbers that nobody took go back: the counter is locked since they were. */
static int give_back(struct write_batch *b, struct store_conn *conn, struct err *err)
{
    for (struct block *x = b->blocks; x; x = x->next) {
        struct store_val args[] = {STORE_I(x->left), STORE_S(x->name)};
        if (x->left && store_exec(conn,
                                  SV("UPDATE `core_sequence` SET `value`=`value`-? WHERE `name`=?"),
                                  args, 2, NULL, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- what was read before ------------------------------------------------------------ */

const struct dict *batch_dict(const struct write_batch *b, const char *code)
{
    for (const struct known_dict *x = b ? b->dicts : NULL; x; x = x->next)
        if (strcmp(x->code, code) == 0) return &x->d;
    return NULL;
}

void batch_keep_dict(struct write_batch *b, const char *code, const struct dict *d)
{
    if (!b) return;
    struct known_dict *x = ARENA_NEW(b->a, struct known_dict);
    *x = (struct known_dict){b->dicts, code, *d};
    b->dicts = x;
}

const struct custom_defs *batch_custom(const struct write_batch *b)
{
    return b ? b->custom : NULL;
}

void batch_keep_custom(struct write_batch *b, const struct custom_defs *d)
{
    if (!b) return;
    struct custom_defs *kept = ARENA_NEW(b->a, struct custom_defs);
    *kept = *d;
    b->custom = kept;
}

/* ---- one row, and all ----------------------------------------------------------------- */

void batch_tell(struct write_batch *b, const struct write *w)
{
    if (b->n_told == b->cap_told) {
        size_t cap = b->cap_told ? b->cap_told * 2 : b->rows;
        struct told *grown = ARENA_ARRAY(b->a, struct told, cap);
        if (b->n_told) memcpy(grown, b->told, b->n_told * sizeof *grown);
        b->told = grown;
        b->cap_told = cap;
    }
    b->told[b->n_told++] = (struct told){w->r, w->event, w->id};
}

void batch_mark(struct write_batch *b)
{
    for (struct gathered *t = b->tables; t; t = t->next)
        t->mark = t->n;
    for (struct block *x = b->blocks; x; x = x->next) {
        x->mark_at = x->at;
        x->mark_left = x->left;
    }
    b->mark_told = b->n_told;
}

void batch_back(struct write_batch *b)
{
    for (struct gathered *t = b->tables; t; t = t->next)
        t->n = t->mark;
    for (struct block *x = b->blocks; x; x = x->next) {
        x->at = x->mark_at;
        x->left = x->mark_left;
    }
    b->n_told = b->mark_told;
}

int batch_flush(struct write_batch *b, struct model_ctx *c, struct err *err)
{
    for (struct gathered *t = b->tables; t; t = t->next)
        if (t->n && store_insert(c->conn, t->head, SV(""), t->args, t->n_cols, t->n, NULL, err) < 0)
            return -1;
    if (give_back(b, c->conn, err) < 0) return -1;
    for (size_t i = 0; i < b->n_told; i++)
        if (write_record(c, c->conn, b->told[i].r, b->told[i].event, b->told[i].id, false, err) < 0)
            return -1;
    return 0;
}
