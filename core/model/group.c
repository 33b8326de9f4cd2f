/* Statistics: GET /api/p/r/group?by=state,created_at:day&sum=amount. The same
 * filter, search, scope and field rights as a list's; days, weeks and the like
 * are the tenant's own. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdlib.h>

#define MAX_BY 3
#define MAX_FIGURES 8
#define DEFAULT_GROUPS 200
#define MAX_GROUPS 1000

enum bucket { WHOLE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR };
static const char *const bucket_names[] = {"", "hour", "day", "week", "month", "quarter", "year"};

struct key {
    const struct model_col *col;
    enum bucket bucket;
};
struct figure {
    const struct model_col *col;
    const char *name, *sql; /* "sum" SUM */
};
struct grouping {
    struct query q;
    struct model_ctx *c;
    struct key by[MAX_BY];
    struct figure figures[MAX_FIGURES];
    unsigned n_by, n_figures, limit;
    struct rows rows;
    struct expand *x;
};

static int bad(sv name, const char *code, struct err *err)
{
    char text[80];
    size_t n = name.n < sizeof text - 1 ? name.n : sizeof text - 1;
    if (n) memcpy(text, name.p, n);
    text[n] = '\0';
    err_set(err, 400, "bad_group", text, NULL);
    return err_field(err, text, code, NULL);
}

/* ---- what was asked for ----------------------------------------------------------- */

static bool countable(const struct model_col *c)
{
    bool number = c->kind == COL_INT || c->kind == COL_DECIMAL;
    return number && c->f->type != MF_SEQUENCE;
}

static bool can_key(const struct model_col *c)
{
    if (c->kind == COL_JSON || c->f->type == MF_LONGTEXT || c->f->type == MF_RICHTEXT) return false;
    return c->kind != COL_TIME && c->kind != COL_CLOCK;
}

static int add_key(struct grouping *g, sv text, struct err *err)
{
    sv bucket, name = sv_trim(sv_cut(text, ':', &bucket));
    struct key *k = &g->by[g->n_by];
    if (g->n_by == MAX_BY) return bad(name, "too_many_items", err);
    k->col = policy_col(g->q.p, name, "bad_group", err);
    if (!k->col || protect_order(g->q.p, k->col, err) < 0) return -1;
    k->bucket = WHOLE;
    if (bucket.p) {
        for (unsigned i = HOUR; i <= YEAR; i++)
            if (sv_eqs(bucket, bucket_names[i])) k->bucket = (enum bucket)i;
        bool time = k->col->kind == COL_TIME, date = k->col->kind == COL_DATE;
        if (k->bucket == WHOLE || !(time || (date && k->bucket != HOUR)))
            return bad(name, "group_bucket", err);
    } else if (!can_key(k->col)) {
        return bad(name, k->col->kind == COL_TIME ? "group_bucket" : "group_key", err);
    }
    g->n_by++;
    return 0;
}

static int add_figures(struct grouping *g, const char *name, const char *sql, sv text,
                       struct err *err)
{
    while (text.p) {
        sv rest, one = sv_trim(sv_cut(text, ',', &rest));
        text = rest;
        if (!one.n) continue;
        if (g->n_figures == MAX_FIGURES) return bad(one, "too_many_items", err);
        const struct model_col *c = policy_col(g->q.p, one, "bad_group", err);
        if (!c) return -1;
        bool extreme = name[0] == 'm' && (c->kind == COL_TIME || c->kind == COL_DATE);
        if (!countable(c) && !extreme) return bad(one, "not_number", err);
        g->figures[g->n_figures++] = (struct figure){c, name, sql};
    }
    return 0;
}

static int read_asked(struct grouping *g, const struct model_group *a, struct err *err)
{
    for (sv text = a->by; text.p;) {
        sv rest, one = sv_trim(sv_cut(text, ',', &rest));
        if (one.n && add_key(g, one, err) < 0) return -1;
        text = rest;
    }
    return add_figures(g, "sum", "SUM", a->sum, err) < 0 ||
                   add_figures(g, "avg", "AVG", a->avg, err) < 0 ||
                   add_figures(g, "min", "MIN", a->min, err) < 0 ||
                   add_figures(g, "max", "MAX", a->max, err) < 0
               ? -1
               : 0;
}

/* ---- the statement ---------------------------------------------------------------- */

static void bucket_sql(const struct grouping *g, const struct key *k, struct sql *s)
{
    struct arena *a = g->q.a;
    int offset = g->q.utc_offset;
    sv c = k->col->ident;
    if (k->col->kind == COL_TIME)
        c = arena_printf(a, "TIMESTAMPADD(MINUTE,%d,%.*s)", offset, SVARG(k->col->ident));
    switch (k->bucket) {
    case WHOLE:
        sql_ident(s, k->col);
        return;
    case HOUR:
        buf_printf(&s->text, "DATE_FORMAT(%.*s,'%%Y-%%m-%%dT%%H:00:00%c%02d:%02d')", SVARG(c),
                   offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
        return;
    case DAY:
        buf_printf(&s->text, "DATE_FORMAT(%.*s,'%%Y-%%m-%%d')", SVARG(c));
        return;
    case WEEK:
        buf_printf(&s->text, "DATE_FORMAT(DATE_SUB(%.*s,INTERVAL WEEKDAY(%.*s) DAY),'%%Y-%%m-%%d')",
                   SVARG(c), SVARG(c));
        return;
    case MONTH:
        buf_printf(&s->text, "DATE_FORMAT(%.*s,'%%Y-%%m-01')", SVARG(c));
        return;
    case QUARTER:
        buf_printf(&s->text, "CONCAT(YEAR(%.*s),'-',LPAD(QUARTER(%.*s)*3-2,2,'0'),'-01')", SVARG(c),
                   SVARG(c));
        return;
    case YEAR:
        buf_printf(&s->text, "DATE_FORMAT(%.*s,'%%Y-01-01')", SVARG(c));
    }
}

static void statement(const struct grouping *g, struct sql *s)
{
    sql_text(s, "SELECT ");
    for (unsigned i = 0; i < g->n_by; i++) {
        bucket_sql(g, &g->by[i], s);
        sql_text(s, ",");
    }
    sql_text(s, "COUNT(*)");
    for (unsigned i = 0; i < g->n_figures; i++) {
        const struct figure *f = &g->figures[i];
        bool mean = strcmp(f->name, "avg") == 0;
        buf_printf(&s->text, mean ? ",ROUND(%s(%.*s),4)" : ",%s(%.*s)", f->sql,
                   SVARG(f->col->ident));
    }
    buf_printf(&s->text, " FROM %.*s", SVARG(g->q.r->ident));
    query_where(&g->q, s);
    for (unsigned i = 0; i < g->n_by; i++)
        buf_printf(&s->text, "%s%u", i ? "," : " GROUP BY ", i + 1);
    for (unsigned i = 0; i < g->n_by; i++)
        buf_printf(&s->text, "%s%u", i ? "," : " ORDER BY ", i + 1);
    sql_text(s, " LIMIT ?");
    sql_val(s, STORE_I((int64_t)g->limit + 1));
}

/* ---- the answer ------------------------------------------------------------------- */

/* A sum may come as text of digits, and is a number all the same. */
static void write_number(struct buf *out, const struct model_col *c, const struct store_val *v)
{
    if (v->type != STORE_TEXT) {
        row_value(out, c, v);
        return;
    }
    sv text = v->u.s;
    bool fraction = text.n && memchr(text.p, '.', text.n);
    while (fraction && text.n && text.p[text.n - 1] == '0')
        text.n--;
    if (fraction && text.n && text.p[text.n - 1] == '.') text.n--;
    buf_sv(out, text.n ? text : SV("0"));
}

static void write_group(const struct grouping *g, size_t i, struct buf *out)
{
    const struct store_val *row = rows_at(&g->rows, i);
    struct jsonw w = jsonw_on(out);
    if (i) buf_chr(out, ',');
    if (g->n_by) {
        expand_row(g->x, &g->rows, i, g->n_by, out);
        out->n--; /* goes on behind the keys */
        buf_chr(out, ',');
    } else {
        buf_chr(out, '{');
    }
    buf_str(out, "\"count\":");
    jsonw_i64(&w, row[g->n_by].u.i);
    for (unsigned k = 0; k < g->n_figures; k++) {
        const struct figure *f = &g->figures[k];
        buf_printf(out, ",\"%s_%s\":", f->name, f->col->f->name);
        write_number(out, f->col, &row[g->n_by + 1 + k]);
    }
    buf_chr(out, '}');
}

/* Only keys have labels. */
static int read_expand(struct grouping *g, sv text, struct err *err)
{
    for (sv rest = text; rest.p;) {
        sv one = sv_trim(sv_cut(rest, ',', &rest));
        bool key = !one.n;
        for (unsigned i = 0; i < g->n_by; i++)
            if (sv_eq(one, g->by[i].col->name)) key = true;
        if (!key) return bad(one, "group_key", err);
    }
    return text.n ? expand_parse(g->q.p, g->c, text, false, &g->x, err) : 0;
}

static int run(struct grouping *g, struct buf *out, struct err *err)
{
    struct store_conn *conn;
    struct sql s;
    const struct model_col **cols =
        ARENA_ARRAY(g->q.a, const struct model_col *, MAX_BY + 1 + MAX_FIGURES);
    for (unsigned i = 0; i < g->n_by; i++)
        cols[i] = g->by[i].col;
    g->rows = (struct rows){.a = g->q.a, .cols = cols, .n_cols = g->n_by + 1 + g->n_figures};
    sql_start(&s, g->q.a);
    statement(g, &s);
    if (conn_enter(g->c, &conn, err) < 0) return -1;
    int rc = store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &g->rows, err);
    if (rc == 0 && g->x) rc = expand_load(g->x, conn, &g->rows, err);
    conn_leave(g->c, conn);
    if (rc < 0) return -1;
    buf_str(out, "{\"items\":[");
    for (size_t i = 0; i < g->rows.n && i < g->limit; i++)
        write_group(g, i, out);
    buf_str(out, g->rows.n > g->limit ? "],\"capped\":true}" : "],\"capped\":false}");
    return 0;
}

int model_groups(const struct model_resource *r, struct model_ctx *c, const struct model_group *a,
                 struct buf *out, struct err *err)
{
    struct grouping g = {.c = c, .limit = a->limit ? a->limit : DEFAULT_GROUPS};
    struct model_list l = {.filter = a->filter, .search = a->search};
    if (a->limit > MAX_GROUPS) {
        err_set(err, 400, "bad_limit", "1000", NULL);
        return err_field(err, "limit", "bad_limit", "1000", NULL);
    }
    if (query_prepare(r, c, &l, &g.q, err) < 0 || read_asked(&g, a, err) < 0 ||
        read_expand(&g, a->expand, err) < 0)
        return -1;
    return run(&g, out, err);
}
