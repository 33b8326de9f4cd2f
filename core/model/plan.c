/* How a list of part of the rows is asked for. The optimiser is not left to guess
 * between walking the newest rows of everybody and sorting all of somebody's: on
 * a million rows each guess is wrong for somebody by a factor of a thousand.
 *
 *   dense   the newest rows of the table hold a page of his: they are looked
 *           through, bounded by an id, so that being wrong costs little
 *   small   he has few rows: all of them are sorted
 *   union   else the top of each value's own index entries (branch.c) is taken
 *           and the page is the top of those
 *
 * Which of them it was is remembered for a while per tenant, resource and scope. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define DENSE_ROWS 1000 /* looked through at most */
#define SMALL_ROWS 1000 /* sorted at most */
#define MAX_UNION 256   /* branches of one statement */
#define FEW_VALUES 4    /* whose rows are put together here, not by the server */
#define KNOWN_US (INT64_C(30) * 1000000)
#define WINDOW_US (INT64_C(5) * 1000000)
#define SLOTS 4096

enum verdict { UNKNOWN, DENSE, SMALL, UNION };

/* ---- what is remembered ----------------------------------------------------------- */

struct slot {
    uint64_t key;
    int64_t until, value;
};
struct plan_memory {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
};

struct plan_memory *plan_memory_new(struct arena *a)
{
    struct plan_memory *m = ARENA_NEW(a, struct plan_memory);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

static bool recall(struct plan_memory *m, uint64_t key, int64_t *value)
{
    struct slot *s = &m->slots[key % SLOTS];
    pthread_mutex_lock(&m->lock);
    bool known = s->key == key && s->until > clock_mono_us();
    *value = s->value;
    pthread_mutex_unlock(&m->lock);
    return known;
}

static void remember(struct plan_memory *m, uint64_t key, int64_t value, int64_t for_us)
{
    struct slot *s = &m->slots[key % SLOTS];
    pthread_mutex_lock(&m->lock);
    *s = (struct slot){key, clock_mono_us() + for_us, value};
    pthread_mutex_unlock(&m->lock);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* Of this caller's rows under this filter. A department that he has only just been
 * given makes a slower plan for a while, never other rows. */
static uint64_t scope_key(const struct query *q)
{
    uint64_t h = mix((uint64_t)(uintptr_t)q->p, (uint64_t)q->tenant->id);
    h = mix(mix(h, (uint64_t)q->who->kind), (uint64_t)q->who->id);
    if (q->search.n) h = mix(h, sv_hash(q->search));
    if (q->filter.text.n) h = mix(h, sv_hash(q->filter.text));
    for (unsigned i = 0; i < q->filter.n_args; i++) {
        const struct store_val *v = &q->filter.args[i].v;
        bool text = v->type == STORE_TEXT || v->type == STORE_BLOB;
        h = mix(h, text ? sv_hash(v->u.s) : (uint64_t)v->u.i);
    }
    return h | 1;
}

/* ---- indexes ---------------------------------------------------------------------- */

static bool after_fixed(const struct model_index *x, unsigned from)
{
    return x->n == from || (x->n == from + 1 && strcmp(x->cols[from], "live") == 0);
}

/* One whose entries of a value stand in the order of the list. */
static const struct model_index *ordered(const struct query *q, const struct model_col *c)
{
    for (unsigned i = 0; i < q->r->n_indexes; i++) {
        const struct model_index *x = &q->r->indexes[i];
        if (strcmp(x->cols[0], c->f->name) != 0) continue;
        if (q->sort == q->r->id && after_fixed(x, 1)) return x;
        if (x->n > 1 && strcmp(x->cols[1], q->sort->f->name) == 0 && after_fixed(x, 2)) return x;
    }
    return NULL;
}

struct hint {
    const struct query *q;
    struct sql *s;
    bool any;
};

static void add_hints(struct hint *h, const char *col)
{
    for (unsigned i = 0; i < h->q->r->n_indexes; i++) {
        const struct model_index *x = &h->q->r->indexes[i];
        if (strcmp(x->cols[0][0] == '-' ? x->cols[0] + 1 : x->cols[0], col) != 0) continue;
        buf_printf(&h->s->text, "%s`%s`", h->any ? "," : " USE INDEX (", x->name);
        h->any = true;
    }
}

/* One of the column and of another that the filter fixes, in the order of the ids. */
static const struct model_index *fixed(const struct query *q, const struct model_col *c)
{
    if (q->sort != q->r->id) return NULL;
    for (unsigned i = 0; i < q->r->n_indexes; i++) {
        const struct model_index *x = &q->r->indexes[i];
        if (x->n < 2 || strcmp(x->cols[0], c->f->name) != 0 || !after_fixed(x, 2)) continue;
        for (unsigned k = 0; k < q->n_equals; k++)
            if (strcmp(x->cols[1], q->narrows[k]->f->name) == 0) return x;
    }
    return NULL;
}

/* Without a filter there is one right index. With one the optimiser chooses, by
 * counts that it takes of the index itself, among those that narrow the rows. */
static void hint(const struct query *q, const struct model_col *c, bool in_order, struct sql *s)
{
    const struct model_index *x = fixed(q, c);
    if (x) {
        buf_printf(&s->text, " FORCE INDEX (`%s`)", x->name);
        return;
    }
    x = ordered(q, c);
    bool free = q->filter.text.p || (in_order && !x);
    if (!free && x) {
        buf_printf(&s->text, " FORCE INDEX (`%s`)", x->name);
        return;
    }
    struct hint h = {.q = q, .s = s};
    add_hints(&h, c->f->name);
    for (unsigned i = 0; i < q->n_narrows; i++)
        if (q->narrows[i] != c) add_hints(&h, q->narrows[i]->f->name);
    if (h.any) buf_chr(&s->text, ')');
}

/* ---- values ----------------------------------------------------------------------- */

struct values {
    struct store_val *v;
    unsigned n;
};

/* Few lengths, so that many people share a prepared statement. */
static unsigned padded(unsigned n)
{
    unsigned step = 1;
    while (n > 4 * step)
        step *= 2;
    return (n + step - 1) / step * step;
}

/* An id of 0 is nobody's. */
static struct values values_of(const struct branch *b, const struct query *q)
{
    const struct auth_principal *who = q->who;
    unsigned n = b->depts ? (auth_is_staff(who) ? who->n_depts : 0) : b->n_vals;
    bool pad = b->col->kind == COL_ID;
    struct values out = {.n = n ? (pad ? padded(n) : n) : 1};
    out.v = ARENA_ARRAY(q->a, struct store_val, out.n);
    for (unsigned i = 0; i < out.n; i++)
        out.v[i] = i >= n     ? STORE_I(0)
                   : b->depts ? STORE_I(who->depts[i])
                              : frag_value(&b->vals[i], who, q->a);
    return out;
}

static unsigned count_values(const struct query *q)
{
    unsigned n = 0;
    for (const struct branch *b = q->p->branches; b; b = b->next)
        n += values_of(b, q).n;
    return n;
}

/* ---- statements ------------------------------------------------------------------- */

static void condition(const struct query *q, const struct branch *b, const struct values *v,
                      struct sql *s)
{
    sql_ident(s, b->col);
    sql_text(s, v->n == 1 ? "=?" : " IN (");
    for (unsigned i = 0; i < v->n; i++) {
        if (v->n > 1) sql_text(s, i ? ",?" : "?");
        sql_val(s, v->v[i]);
    }
    if (v->n > 1) sql_text(s, ")");
    if (b->rest.text.p) {
        sql_text(s, " AND ");
        frag_render(&b->rest, q->who, s);
    }
}

static void from_branch(const struct query *q, const struct branch *b, const struct values *v,
                        bool in_order, struct sql *s)
{
    buf_printf(&s->text, " FROM %.*s", SVARG(q->r->ident));
    hint(q, b->col, in_order, s);
    sql_text(s, q->r->live ? " WHERE `live`=1 AND " : " WHERE ");
    condition(q, b, v, s);
    query_narrow(q, s);
}

static void order(const struct query *q, const char *sort, const char *id, struct sql *s)
{
    const char *dir = q->desc ? " DESC" : "";
    sql_text(s, " ORDER BY ");
    if (q->sort != q->r->id) buf_printf(&s->text, "%s%s,", sort, dir);
    buf_printf(&s->text, "%s%s", id, dir);
}

static void limit_to(unsigned limit, struct sql *s)
{
    sql_text(s, " LIMIT ?");
    sql_val(s, STORE_I((int64_t)limit));
}

static void keys_of(const struct query *q, struct sql *s)
{
    sql_text(s, "SELECT `id` AS `k_id`");
    if (q->sort != q->r->id) buf_printf(&s->text, ",%.*s AS `k_sort`", SVARG(q->sort->ident));
}

/* The ids first, from indexes alone; then the rows of the page. */
static void one_branch(const struct query *q, const struct branch *b, const struct values *v,
                       unsigned limit, struct sql *s)
{
    keys_of(q, s);
    from_branch(q, b, v, v->n == 1, s);
    query_keyset(q, s);
    order(q, q->sort->ident.p, "`id`", s);
    limit_to(limit, s);
}

static void unite(const struct query *q, unsigned limit, struct sql *s)
{
    const char *by = q->p->branches->next ? " UNION " : " UNION ALL ";
    bool first = true;
    for (const struct branch *b = q->p->branches; b; b = b->next) {
        struct values all = values_of(b, q);
        for (unsigned i = 0; i < all.n; i++) {
            struct values v = {all.v + i, 1};
            sql_text(s, first ? "(" : by);
            if (!first) sql_text(s, "(");
            one_branch(q, b, &v, limit, s);
            sql_text(s, ")");
            first = false;
        }
    }
}

static void rows_by_keys(const struct query *q, unsigned limit, bool unite_all, struct sql *s)
{
    query_columns(q, s);
    sql_text(s, " FROM (");
    if (unite_all) {
        unite(q, limit, s);
        order(q, "`k_sort`", "`k_id`", s);
        limit_to(limit, s);
    } else {
        struct values v = values_of(q->p->branches, q);
        one_branch(q, q->p->branches, &v, limit, s);
    }
    buf_printf(&s->text, ") AS `x` STRAIGHT_JOIN %.*s ON `id`=`k_id`", SVARG(q->r->ident));
    order(q, "`k_sort`", "`k_id`", s);
}

bool plan_select(const struct query *q, unsigned limit, struct sql *s)
{
    if (!q->p->branches || q->deleted) return false;
    unsigned n = count_values(q);
    if (n == 1) {
        struct values v = values_of(q->p->branches, q);
        query_columns(q, s);
        from_branch(q, q->p->branches, &v, true, s);
        query_keyset(q, s);
        order(q, q->sort->ident.p, "`id`", s);
        limit_to(limit, s);
        return true;
    }
    if (n > MAX_UNION) return false;
    rows_by_keys(q, limit, true, s);
    return true;
}

/* ---- choosing --------------------------------------------------------------------- */

static bool take_number(void *arg, const struct store_val *row, unsigned n_cols)
{
    if (n_cols && row[0].type == STORE_I64) *(int64_t *)arg = row[0].u.i;
    return true;
}

static int number(const struct sql *s, struct store_conn *conn, int64_t *out, struct err *err)
{
    *out = 0;
    return store_run(conn, buf_view(&s->text), s->args, s->n, take_number, out, err);
}

/* The id behind which the newest rows of the table are; 0: that is all of them. */
static int window(const struct query *q, struct store_conn *conn, int64_t *from, struct err *err)
{
    struct plan_memory *m = q->r->model->plans;
    uint64_t key = mix((uint64_t)(uintptr_t)q->r, (uint64_t)q->tenant->id) | 1;
    if (recall(m, key, from)) return 0;
    struct sql s;
    sql_start(&s, q->a);
    buf_printf(&s.text, "SELECT `id` FROM %.*s%s ORDER BY `id` DESC LIMIT 1 OFFSET %d",
               SVARG(q->r->ident), q->r->live ? " WHERE `live`=1" : "", DENSE_ROWS);
    if (number(&s, conn, from, err) < 0) return -1;
    remember(m, key, *from, WINDOW_US);
    return 0;
}

struct tried {
    struct plan_rows *to;
    unsigned n;
};

static bool pass_on(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct tried *t = arg;
    t->n++;
    return t->to->row(t->to->arg, row, n_cols);
}

/* *done: the page is whole. */
static int try_dense(const struct query *q, unsigned limit, struct store_conn *conn,
                     struct plan_rows *to, bool *done, struct err *err)
{
    int64_t from;
    struct sql s;
    struct tried t = {.to = to};
    if (window(q, conn, &from, err) < 0) return -1;
    sql_start(&s, q->a);
    query_columns(q, &s);
    buf_printf(&s.text, " FROM %.*s FORCE INDEX (PRIMARY)", SVARG(q->r->ident));
    query_where(q, &s);
    sql_text(&s, " AND `id`>=?");
    sql_val(&s, STORE_I(from));
    order(q, "", "`id`", &s);
    limit_to(limit, &s);
    if (store_run(conn, buf_view(&s.text), s.args, s.n, pass_on, &t, err) < 0) return -1;
    *done = from == 0 || t.n >= limit;
    if (!*done) to->again(to->arg);
    return 0;
}

static int is_small(const struct query *q, struct store_conn *conn, bool *small, struct err *err)
{
    int64_t n = 0;
    struct sql s;
    struct values v = values_of(q->p->branches, q);
    sql_start(&s, q->a);
    sql_text(&s, "SELECT COUNT(*) FROM (SELECT 1");
    from_branch(q, q->p->branches, &v, false, &s);
    limit_to(SMALL_ROWS + 1, &s);
    sql_text(&s, ") AS `x`");
    if (number(&s, conn, &n, err) < 0) return -1;
    *small = n <= SMALL_ROWS;
    return 0;
}

/* The rows in the order of their ids can be had in three ways, others in one. */
static int choose(const struct query *q, unsigned limit, struct store_conn *conn,
                  struct plan_rows *to, enum verdict *v, bool *done, struct err *err)
{
    struct plan_memory *m = q->r->model->plans;
    uint64_t key = scope_key(q);
    int64_t known = UNKNOWN;
    bool newest = !q->after && q->desc && q->sort == q->r->id, small = false;
    bool plain = !q->filter.text.p && !q->search.n && q->sort == q->r->id;
    if (!recall(m, key, &known)) known = UNKNOWN;
    if (newest && (known == UNKNOWN || known == DENSE)) {
        if (try_dense(q, limit, conn, to, done, err) < 0) return -1;
        if (*done && known == UNKNOWN) remember(m, key, DENSE, KNOWN_US);
        if (*done) return 0;
        known = UNKNOWN;
    }
    bool one_column = !q->p->branches->next && count_values(q) > 1;
    if (known == UNKNOWN && plain && one_column && is_small(q, conn, &small, err) < 0) return -1;
    if (known == UNKNOWN && newest) remember(m, key, small ? SMALL : UNION, KNOWN_US);
    *v = small || (known == SMALL && plain) ? SMALL : UNION;
    return 0;
}

/* ---- a few values: their rows, put together here ---------------------------------- */

static int by_id(const struct query *q, const struct rows *rows, size_t a, size_t b)
{
    int64_t x = rows_at(rows, a)[q->at_id].u.i, y = rows_at(rows, b)[q->at_id].u.i;
    return x == y ? 0 : (x < y) == q->desc ? 1 : -1;
}

/* A branch's rows come in order, so a row's place is found from the end. */
static void place(const struct query *q, const struct rows *rows, size_t *at, unsigned *n,
                  unsigned limit, size_t i)
{
    unsigned k = *n;
    while (k && by_id(q, rows, at[k - 1], i) > 0)
        k--;
    if (k == limit || (k && by_id(q, rows, at[k - 1], i) == 0)) return;
    if (*n < limit) ++*n;
    memmove(at + k + 1, at + k, (*n - k - 1) * sizeof *at);
    at[k] = i;
}

/* No temporary table, no second look at the rows: dearer than what it saves only
 * when the values are many. */
static int run_few(const struct query *q, unsigned limit, struct store_conn *conn,
                   struct plan_rows *to, struct err *err)
{
    struct rows rows = {.a = q->a, .cols = q->cols, .n_cols = q->n_cols};
    size_t *at = ARENA_ARRAY(q->a, size_t, limit + 1);
    unsigned n = 0;
    struct sql s;
    sql_start(&s, q->a);
    for (const struct branch *b = q->p->branches; b; b = b->next) {
        struct values all = values_of(b, q);
        for (unsigned i = 0; i < all.n; i++) {
            struct values v = {all.v + i, 1};
            sql_text(&s, s.n ? " UNION ALL (" : "(");
            query_columns(q, &s);
            from_branch(q, b, &v, true, &s);
            query_keyset(q, &s);
            order(q, "", "`id`", &s);
            limit_to(limit, &s);
            sql_text(&s, ")");
        }
    }
    if (store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &rows, err) < 0) return -1;
    for (size_t i = 0; i < rows.n; i++)
        place(q, &rows, at, &n, limit, i);
    for (unsigned i = 0; i < n; i++)
        if (!to->row(to->arg, rows_at(&rows, at[i]), q->n_cols)) break;
    return 0;
}

int plan_run(const struct query *q, unsigned limit, struct store_conn *conn, struct plan_rows *to,
             struct err *err)
{
    enum verdict v = UNION;
    bool done = false;
    struct sql s;
    unsigned n = q->p->branches && !q->deleted ? count_values(q) : 0;
    if (n > 1 && choose(q, limit, conn, to, &v, &done, err) < 0) return -1;
    if (done) return 0;
    if (n > 1 && n <= FEW_VALUES && v == UNION && q->sort == q->r->id)
        return run_few(q, limit, conn, to, err);
    sql_start(&s, q->a);
    if (v == SMALL)
        rows_by_keys(q, limit, false, &s);
    else
        query_select(q, limit, &s);
    return store_run(conn, buf_view(&s.text), s.args, s.n, to->row, to->arg, err);
}

/* ---- counting --------------------------------------------------------------------- */

static int count_values_of(const struct query *q, const struct values *v, unsigned cap,
                           struct store_conn *conn, int64_t *n, struct err *err)
{
    struct sql s;
    sql_start(&s, q->a);
    sql_text(&s, "SELECT COUNT(*) FROM (SELECT 1");
    from_branch(q, q->p->branches, v, false, &s);
    limit_to(cap + 1, &s);
    sql_text(&s, ") AS `x`");
    return number(&s, conn, n, err);
}

/* One part with many values. The server reads the entries of one value at half the
 * cost of those of a list, so values that have many are counted one by one, for what
 * is left of the cap; after three that have few, the rest at once. */
static int count_one(const struct query *q, unsigned cap, struct store_conn *conn, int64_t *n,
                     struct err *err)
{
    struct values v = values_of(q->p->branches, q);
    int64_t sum = 0, some = 0;
    unsigned few = 0;
    /* Departments are a set; a list in a scope might name one twice. */
    while (q->p->branches->depts && v.n > 1 && sum <= cap) {
        struct values first = {v.v, 1};
        if (count_values_of(q, &first, cap - (unsigned)sum, conn, &some, err) < 0) return -1;
        sum += some;
        v.v++;
        v.n--;
        if (some < cap / 8 && ++few == 3) break;
    }
    if (v.n && sum <= cap) {
        if (count_values_of(q, &v, cap - (unsigned)sum, conn, &some, err) < 0) return -1;
        sum += some;
    }
    *n = sum;
    return 0;
}

static void count_branch(const struct query *q, const struct branch *b, unsigned cap,
                         const char *what, struct sql *s)
{
    struct values v = values_of(b, q);
    sql_text(s, what);
    from_branch(q, b, &v, false, s);
    limit_to(cap + 1, s);
}

/* Rows of two parts, one of them with few: a + b - both, no list of ids put up. */
static int count_two(const struct query *q, const struct branch *few, const struct branch *other,
                     int64_t sum, unsigned cap, struct store_conn *conn, int64_t *n, struct err *err)
{
    struct sql s;
    struct values f = values_of(few, q), o = values_of(other, q);
    int64_t both = 0;
    sql_start(&s, q->a);
    sql_text(&s, "SELECT COUNT(*)");
    from_branch(q, few, &f, false, &s);
    sql_text(&s, " AND ");
    condition(q, other, &o, &s);
    if (number(&s, conn, &both, err) < 0) return -1;
    *n = sum - both <= cap ? sum - both : (int64_t)cap + 1;
    return 0;
}

int plan_count(const struct query *q, unsigned cap, struct store_conn *conn, int64_t *n,
               struct err *err)
{
    struct sql s;
    const struct branch *b = q->deleted ? NULL : q->p->branches;
    int64_t first = 0, sum = 0;
    sql_start(&s, q->a);
    if (!b) {
        query_count(q, cap, &s);
        return number(&s, conn, n, err);
    }
    if (!b->next && count_values(q) > 0) return count_one(q, cap, conn, n, err);
    /* One part alone may show that there are more than anybody counts. */
    for (const struct branch *k = b; k; k = k->next) {
        sql_start(&s, q->a);
        count_branch(q, k, cap, "SELECT COUNT(*) FROM (SELECT 1", &s);
        sql_text(&s, ") AS `x`");
        if (number(&s, conn, n, err) < 0) return -1;
        if (*n > cap || !b->next) return 0;
        if (k == b) first = *n;
        sum += *n;
    }
    if (!b->next->next && (first <= SMALL_ROWS || sum - first <= SMALL_ROWS)) {
        bool small = first <= sum - first;
        return count_two(q, small ? b : b->next, small ? b->next : b, sum, cap, conn, n,
                         err);
    }
    sql_start(&s, q->a);
    sql_text(&s, "SELECT COUNT(*) FROM (");
    for (const struct branch *k = b; k; k = k->next) {
        count_branch(q, k, cap, k == b ? "(SELECT `id`" : " UNION (SELECT `id`", &s);
        sql_text(&s, ")");
    }
    limit_to(cap + 1, &s);
    sql_text(&s, ") AS `x`");
    return number(&s, conn, n, err);
}
