/* Computed fields: an expression of the manifest (core/config/manifest_expr.c) on
 * the row as it will be. Numbers are exact fractions, so that money comes out to
 * the cent; rounded once, half away from zero, to the places of the result. A
 * value that is not there makes the result empty, and so does division by zero. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

__extension__ typedef __int128 wide;

struct val {
    bool none, overflow;
    wide num, den; /* NUMBER; BOOL: num */
    sv text;       /* TEXT and DAY, as JSON has them */
};

struct run {
    const json_t *row;
    struct arena *a;
    int utc_offset;
};

static const struct val nothing = {.none = true};
static const struct val too_much = {.none = true, .overflow = true};

static wide gcd(wide a, wide b)
{
    if (a < 0) a = -a;
    while (b) {
        wide t = a % b;
        a = b;
        b = t;
    }
    return a ? a : 1;
}

static struct val fraction(wide num, wide den)
{
    if (den < 0) {
        num = -num;
        den = -den;
    }
    wide d = gcd(num, den);
    return (struct val){.num = num / d, .den = den / d};
}

static struct val boolean(bool b)
{
    return (struct val){.num = b, .den = 1};
}

static bool mul(wide a, wide b, wide *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static wide power10(unsigned n)
{
    wide v = 1;
    while (n--)
        v *= 10;
    return v;
}

/* ---- reading ---------------------------------------------------------------------- */

static struct val field(const struct run *x, const struct mf_field *f)
{
    const json_t *v = json_object_get(x->row, f->name);
    int64_t units;
    bool whole = f->type == MF_INT || f->type == MF_MONEY || f->type == MF_PERCENT;
    if (f->type == MF_BOOL) return json_is_boolean(v) ? boolean(json_is_true(v)) : nothing;
    if (whole) return json_is_integer(v) ? fraction(json_integer_value(v), 1) : nothing;
    if (!json_is_string(v) || !json_string_length(v)) return nothing;
    sv text = {json_string_value(v), json_string_length(v)};
    if (f->type != MF_DECIMAL) return (struct val){.text = text};
    if (!decimal_parse(text, f->scale, &units)) return nothing;
    return fraction(units, power10(f->scale));
}

static bool day_of(const struct run *x, sv text, int64_t *day)
{
    int64_t us;
    char full[32];
    if (text.n == 10) {
        snprintf(full, sizeof full, "%.10sT00:00:00Z", text.p);
        if (!clock_parse(sv_of(full), &us)) return false;
        *day = clock_day(us, 0);
        return true;
    }
    if (!clock_parse(text, &us)) return false;
    *day = clock_day(us, x->utc_offset);
    return true;
}

/* ---- arithmetic ------------------------------------------------------------------- */

static struct val add(struct val a, struct val b, int sign)
{
    wide l, r, num, den;
    if (!mul(a.num, b.den, &l) || !mul(b.num, a.den, &r) || !mul(a.den, b.den, &den) ||
        __builtin_add_overflow(l, sign * r, &num))
        return too_much;
    return fraction(num, den);
}

static struct val times(struct val a, struct val b)
{
    wide num, den, k = gcd(a.num, b.den), l = gcd(b.num, a.den);
    if (!mul(a.num / k, b.num / l, &num) || !mul(a.den / l, b.den / k, &den)) return too_much;
    return fraction(num, den);
}

/* Half away from zero; false when it is too large to hold. */
static bool rounded(struct val v, unsigned places, wide *units)
{
    wide num, twice;
    if (!mul(v.num, power10(places), &num) || !mul(num, 2, &twice)) return false;
    wide half = twice < 0 ? -v.den : v.den;
    if (__builtin_add_overflow(twice, half, &twice)) return false;
    *units = twice / (2 * v.den);
    return true;
}

static int order(const struct mf_expr *e, const struct run *x, struct val a, struct val b)
{
    if (e->args[0]->kind == MF_K_NUMBER || e->args[0]->kind == MF_K_BOOL) {
        struct val d = add(a, b, -1);
        return (d.num > 0) - (d.num < 0);
    }
    int64_t i, k;
    if (e->args[0]->kind == MF_K_DAY && day_of(x, a.text, &i) && day_of(x, b.text, &k) &&
        (a.text.n == 10 || b.text.n == 10))
        return (i > k) - (i < k);
    return sv_cmp(a.text, b.text);
}

static bool holds(enum mf_expr_op op, int order_of)
{
    switch (op) {
    case MF_EX_EQ:
        return order_of == 0;
    case MF_EX_NE:
        return order_of != 0;
    case MF_EX_LT:
        return order_of < 0;
    case MF_EX_LE:
        return order_of <= 0;
    case MF_EX_GT:
        return order_of > 0;
    default:
        return order_of >= 0;
    }
}

/* ---- the tree --------------------------------------------------------------------- */

static struct val eval(const struct mf_expr *e, const struct run *x);

static void write_number(struct buf *b, struct val v)
{
    wide units;
    char text[32];
    if (!rounded(v, 6, &units) || units > DECIMAL_MAX_UNITS || units < -DECIMAL_MAX_UNITS) return;
    size_t n = decimal_format((int64_t)units, 6, text);
    while (text[n - 1] == '0')
        n--;
    buf_add(b, text, text[n - 1] == '.' ? n - 1 : n);
}

static struct val concat(const struct mf_expr *e, const struct run *x)
{
    struct buf b = BUF_IN(x->a);
    for (unsigned i = 0; i < e->n; i++) {
        struct val v = eval(e->args[i], x);
        if (v.overflow) return v;
        if (v.none) continue;
        if (e->args[i]->kind == MF_K_NUMBER)
            write_number(&b, v);
        else if (e->args[i]->kind == MF_K_BOOL)
            buf_str(&b, v.num ? "true" : "false");
        else
            buf_sv(&b, v.text);
    }
    return (struct val){.text = b.n ? buf_view(&b) : SV("")};
}

static struct val days(const struct run *x, struct val a, struct val b)
{
    int64_t i, k;
    if (!day_of(x, a.text, &i) || !day_of(x, b.text, &k)) return nothing;
    return fraction(i - k, 1);
}

static struct val round_to(const struct mf_expr *e, struct val v)
{
    unsigned places = e->n == 2 ? (unsigned)(e->args[1]->units / 1000000) : 0;
    wide units;
    return rounded(v, places, &units) ? fraction(units, power10(places)) : too_much;
}

/* "and" and "or" know their end before an empty side; all others do not. */
static struct val logic(const struct mf_expr *e, const struct run *x)
{
    struct val a = eval(e->args[0], x), b = eval(e->args[1], x);
    bool l = !a.none && a.num, r = !b.none && b.num;
    return boolean(e->op == MF_EX_AND ? l && r : l || r);
}

static struct val choose(const struct mf_expr *e, const struct run *x)
{
    if (e->op == MF_EX_IF) {
        struct val c = eval(e->args[0], x);
        return eval(e->args[!c.none && c.num ? 1 : 2], x);
    }
    for (unsigned i = 0; i < e->n; i++) {
        struct val v = eval(e->args[i], x);
        if (!v.none || v.overflow) return v;
    }
    return nothing;
}

static struct val both(const struct mf_expr *e, const struct run *x)
{
    struct val a = eval(e->args[0], x), b = e->n > 1 ? eval(e->args[1], x) : boolean(false);
    if (a.overflow || b.overflow) return too_much;
    bool comparison = e->op >= MF_EX_EQ && e->op <= MF_EX_GE;
    if (a.none || b.none)
        return comparison ? boolean(e->op == MF_EX_NE && a.none != b.none) : nothing;
    switch (e->op) {
    case MF_EX_ADD:
        return add(a, b, 1);
    case MF_EX_SUB:
        return add(a, b, -1);
    case MF_EX_MUL:
        return times(a, b);
    case MF_EX_DIV:
        return b.num ? times(a, fraction(b.den, b.num)) : nothing;
    case MF_EX_NEG:
        return fraction(-a.num, a.den);
    case MF_EX_ROUND:
        return round_to(e, a);
    case MF_EX_DAYS:
        return days(x, a, b);
    default:
        return boolean(holds(e->op, order(e, x, a, b)));
    }
}

static struct val eval(const struct mf_expr *e, const struct run *x)
{
    switch (e->op) {
    case MF_EX_NUMBER:
        return fraction(e->units, 1000000);
    case MF_EX_TEXT:
        return (struct val){.text = e->text};
    case MF_EX_BOOL:
        return boolean(e->units);
    case MF_EX_FIELD:
        return field(x, e->field);
    case MF_EX_CONCAT:
        return concat(e, x);
    case MF_EX_IF:
    case MF_EX_COALESCE:
        return choose(e, x);
    case MF_EX_AND:
    case MF_EX_OR:
        return logic(e, x);
    case MF_EX_NOT: {
        struct val v = eval(e->args[0], x);
        return boolean(v.none || !v.num);
    }
    default:
        return both(e, x);
    }
}

/* ---- the result ------------------------------------------------------------------- */

static json_t *number_json(const struct mf_field *f, struct val v, bool *overflow)
{
    wide units;
    char text[32];
    unsigned places = f->type == MF_DECIMAL ? f->scale : 0;
    if (!rounded(v, places, &units) || units > DECIMAL_MAX_UNITS || units < -DECIMAL_MAX_UNITS) {
        *overflow = true;
        return json_null();
    }
    if (f->type != MF_DECIMAL) return json_integer((json_int_t)units);
    size_t n = decimal_format((int64_t)units, places, text);
    return json_stringn(text, n);
}

json_t *compute_value(const struct mf_field *f, const json_t *row, int utc_offset, struct arena *a,
                      bool *overflow)
{
    struct run x = {.row = row, .a = a, .utc_offset = utc_offset};
    struct val v = eval(f->compute, &x);
    *overflow = v.overflow;
    if (v.none) return json_null();
    if (f->compute->kind == MF_K_NUMBER) return number_json(f, v, overflow);
    if (f->compute->kind == MF_K_BOOL) return json_boolean(v.num != 0);
    if (!v.text.n) return json_null();
    return json_stringn(v.text.p, v.text.n);
}

int compute_row(struct write *w, const struct model_resource *r, json_t *row, const char *prefix,
                struct err *err)
{
    for (size_t i = 0; i < r->mf->n_fields; i++) {
        const struct mf_field *f = &r->mf->fields[i];
        char path[MODEL_PATH];
        bool overflow = false;
        if (!f->compute) continue;
        json_t *v = compute_value(f, row, w->c->tenant->utc_offset, w->a, &overflow);
        json_object_set_new(row, f->name, v);
        path_join(path, prefix, f->name);
        if (overflow)
            err_field(err, path, "too_large_value", "10^18", NULL);
        else if (!json_is_null(v))
            value_check(f, v, path, err);
    }
    return err_is(err) ? -1 : 0;
}
