/* Names to ids: what a text in a file refers to, among the rows the caller may see.
 * Asked for in batches and kept, since files repeat themselves; trees, which people
 * write as paths (总部/销售部), are read whole. */
#define LOG_ROOM "model"
#include "model/import.h"

#include <stdlib.h>

#define MAX_KEPT 100000u
#define MAX_TREE 50000u
#define MAX_WAYS 4
#define AT_ONCE 500u

enum { UNKNOWN = 0, MISSING = -1, AMBIGUOUS = -2 }; /* in the place of an id */

struct entry {
    sv text; /* p NULL: free */
    int64_t id;
};

struct import_refs {
    const struct model_resource *to;
    const struct model_policy *p;
    struct model_ctx *c;
    struct arena *a; /* of the texts */
    struct entry *slots;
    uint32_t mask, n;
    sv *news; /* not asked for yet */
    unsigned n_news, cap_news;
    const struct model_col *ways[MAX_WAYS]; /* label, then unique texts */
    unsigned n_ways;
    bool tree, whole;
};

/* ---- the table ----------------------------------------------------------------------- */

static void table_new(struct import_refs *x, uint32_t cap)
{
    x->slots = calloc(cap, sizeof *x->slots);
    if (!x->slots) panic("import: out of memory");
    x->mask = cap - 1;
}

/* A, a and Ａ are one to the database's collation; ASCII case is what people vary. */
static uint64_t hash(sv v)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 0x100000001b3u;
    }
    return h ^ h >> 29;
}

static struct entry *slot(const struct import_refs *x, sv text)
{
    uint64_t i = hash(text) & x->mask;
    while (x->slots[i].text.p && !sv_ieq(x->slots[i].text, text))
        i = (i + 1) & x->mask;
    return &x->slots[i];
}

static void grow(struct import_refs *x)
{
    struct entry *old = x->slots;
    uint32_t cap = x->mask + 1;
    table_new(x, cap * 2);
    for (uint32_t i = 0; i < cap; i++)
        if (old[i].text.p) *slot(x, old[i].text) = old[i];
    free(old);
}

static struct entry *put(struct import_refs *x, sv text)
{
    struct entry *e = slot(x, text);
    if (e->text.p) return e;
    if ((x->n + 1) * 2 > x->mask) {
        grow(x);
        e = slot(x, text);
    }
    e->text = arena_sv(x->a, text);
    x->n++;
    return e;
}

static void name_it(struct import_refs *x, sv text, int64_t id)
{
    struct entry *e = put(x, text);
    e->id = e->id == UNKNOWN || e->id == MISSING || e->id == id ? id : AMBIGUOUS;
}

/* ---- making -------------------------------------------------------------------------- */

/* By what is encrypted or shown as a mask nothing is looked up: the answer would tell
 * whose it is. */
static bool usable(const struct import_refs *x, const struct model_col *c)
{
    return c && c->kind == COL_TEXT && !c->secret && !c->sealed &&
           colset_has(&x->p->readable, c->at) && !colset_has(&x->p->masked, c->at);
}

struct import_refs *import_refs_new(const struct model_resource *to, struct model_ctx *c,
                                    struct err *err)
{
    struct err none = {0};
    const struct model_policy *p = policy_of(to, c->who, c->arena, &none);
    if (!p || !p->can_read) {
        policy_refuse(c->who, err);
        return NULL;
    }
    struct import_refs *x = malloc(sizeof *x);
    if (!x) panic("import: out of memory");
    *x = (struct import_refs){.to = to, .p = p, .c = c, .a = arena_new(16 << 10)};
    table_new(x, 1024);
    x->tree = has_trait(to, MF_TREE);
    if (usable(x, to->label)) x->ways[x->n_ways++] = to->label;
    for (unsigned i = 0; i < to->n_cols && x->n_ways < MAX_WAYS; i++)
        if (to->cols[i].f->unique && &to->cols[i] != to->label && usable(x, &to->cols[i]))
            x->ways[x->n_ways++] = &to->cols[i];
    return x;
}

void import_refs_free(struct import_refs *x)
{
    if (!x) return;
    free(x->slots);
    free(x->news);
    arena_free(x->a);
    free(x);
}

/* ---- a tree -------------------------------------------------------------------------- */

struct node {
    int64_t id, parent;
    sv label;
};
struct tree {
    struct arena *a;
    struct node *v;
    size_t n, cap;
};

static bool on_node(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct tree *t = arg;
    (void)n_cols;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        struct node *v = ARENA_ARRAY(t->a, struct node, cap);
        if (t->n) memcpy(v, t->v, t->n * sizeof *v);
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n++] = (struct node){row[0].u.i, row[1].type == STORE_I64 ? row[1].u.i : 0,
                                 row[2].type == STORE_TEXT ? arena_sv(t->a, row[2].u.s) : SV("")};
    return t->n <= MAX_TREE;
}

static int by_id(const void *a, const void *b)
{
    const struct node *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* A node by its name, by "parent/name", and so on up to the whole path. */
static void name_node(struct import_refs *x, const struct tree *t, const struct node *n)
{
    sv path = n->label;
    const struct node *up = n;
    name_it(x, path, n->id);
    for (unsigned depth = 0; up->parent && depth < 32; depth++) {
        struct node want = {.id = up->parent};
        up = bsearch(&want, t->v, t->n, sizeof *t->v, by_id);
        if (!up) return;
        path = arena_printf(t->a, "%.*s/%.*s", SVARG(up->label), SVARG(path));
        name_it(x, path, n->id);
    }
}

static int load_tree(struct import_refs *x, struct store_conn *conn, struct err *err)
{
    const struct model_col *parent = col_find(x->to, SV("parent"));
    struct tree t = {.a = arena_new(64 << 10)};
    struct sql s;
    sql_start(&s, t.a);
    buf_printf(&s.text, "SELECT `id`,%.*s,%.*s FROM %.*s", SVARG(parent->ident),
               SVARG(x->ways[0]->ident), SVARG(x->to->ident));
    policy_where(x->p, x->c->who, &x->p->read, false, &s);
    buf_printf(&s.text, " ORDER BY `id` LIMIT %u", MAX_TREE + 1);
    int rc = store_run(conn, buf_view(&s.text), s.args, s.n, on_node, &t, err);
    x->whole = rc == 0 && t.n <= MAX_TREE;
    for (size_t i = 0; x->whole && i < t.n; i++)
        name_node(x, &t, &t.v[i]);
    arena_free(t.a);
    return rc;
}

/* ---- asking -------------------------------------------------------------------------- */

void import_refs_want(struct import_refs *x, sv text)
{
    text = import_trim(text);
    if (!text.n || (x->tree && x->whole)) return;
    if (slot(x, text)->text.p) return;
    if (x->n_news == x->cap_news) {
        x->cap_news = x->cap_news ? x->cap_news * 2 : 512;
        x->news = realloc(x->news, x->cap_news * sizeof *x->news);
        if (!x->news) panic("import: out of memory");
    }
    x->news[x->n_news++] = put(x, text)->text;
}

static bool on_found(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct import_refs *x = arg;
    (void)n_cols;
    if (row[1].type != STORE_TEXT) return true;
    struct entry *e = slot(x, row[1].u.s);
    /* found by a collation that knows more than case: asked for by nobody here */
    if (!e->text.p) return true;
    e->id = e->id == MISSING || e->id == row[0].u.i ? row[0].u.i : AMBIGUOUS;
    return true;
}

static int ask(struct import_refs *x, const struct model_col *way, const sv *texts, unsigned n,
               struct store_conn *conn, struct err *err)
{
    struct arena *a = arena_new(0);
    struct sql s;
    sql_start(&s, a);
    buf_printf(&s.text, "SELECT `id`,%.*s FROM %.*s", SVARG(way->ident), SVARG(x->to->ident));
    policy_where(x->p, x->c->who, &x->p->read, false, &s);
    buf_printf(&s.text, " AND %.*s IN (", SVARG(way->ident));
    unsigned slots = 1;
    while (slots < n)
        slots *= 2;
    for (unsigned i = 0; i < slots; i++) { /* powers of two: few statements to prepare */
        sql_text(&s, i ? ",?" : "?");
        sql_val(&s, STORE_S(texts[i < n ? i : n - 1]));
    }
    sql_text(&s, ")");
    int rc = store_run(conn, buf_view(&s.text), s.args, s.n, on_found, x, err);
    arena_free(a);
    return rc;
}

/* The new texts that no way before has settled. */
static int ask_all(struct import_refs *x, const struct model_col *way, struct store_conn *conn,
                   struct err *err)
{
    sv texts[AT_ONCE];
    unsigned n = 0;
    for (unsigned i = 0; i < x->n_news; i++) {
        struct entry *e = slot(x, x->news[i]);
        if (e->id > 0 || e->id == AMBIGUOUS) continue;
        e->id = MISSING;
        texts[n++] = e->text;
        if (n < AT_ONCE) continue;
        if (ask(x, way, texts, n, conn, err) < 0) return -1;
        n = 0;
    }
    return n ? ask(x, way, texts, n, conn, err) : 0;
}

int import_refs_load(struct import_refs *x, struct store_conn *conn, struct err *err)
{
    if (x->tree && !x->whole && x->n_ways && load_tree(x, conn, err) < 0) return -1;
    for (unsigned i = 0; x->n_news && i < x->n_ways; i++)
        if (ask_all(x, x->ways[i], conn, err) < 0) return -1;
    x->n_news = 0;
    return 0;
}

void import_refs_trim(struct import_refs *x)
{
    if (x->n <= MAX_KEPT || x->whole) return;
    memset(x->slots, 0, (x->mask + 1) * sizeof *x->slots);
    arena_reset(x->a);
    x->n = x->n_news = 0;
}

int import_refs_find(const struct import_refs *x, sv text, int64_t *id, const char *path,
                     struct err *err)
{
    char shown[80];
    text = import_trim(text);
    const struct entry *e = slot(x, text);
    int64_t found = e->text.p ? e->id : MISSING;
    if (found > 0) {
        *id = found;
        return 0;
    }
    size_t n = text.n < sizeof shown - 1 ? text.n : sizeof shown - 1;
    while (n && !sv_utf8_ok(sv_make(text.p, n)))
        n--;
    memcpy(shown, text.p, n);
    shown[n] = '\0';
    return err_field(err, path, found == AMBIGUOUS ? "ref_ambiguous" : "ref_unknown", shown, NULL);
}
