/* The manifest's condition trees on a row: visible_if, required_if and
 * read_only_if. The console evaluates the same trees in the browser. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_DEPTH 16

static const char *op_of(const json_t *tree)
{
    const char *op = json_string_value(json_array_get(tree, 0));
    return op ? op : "";
}

static bool equal(const json_t *a, const json_t *b)
{
    bool none_a = !a || json_is_null(a), none_b = !b || json_is_null(b);
    return none_a || none_b ? none_a && none_b : json_equal(a, b);
}

static bool in_list(const json_t *v, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (equal(v, json_array_get(list, i))) return true;
    return false;
}

/* ---- more and less ---------------------------------------------------------------- */

static sv text_of(const json_t *v)
{
    return (sv){json_string_value(v), json_string_length(v)};
}

/* Whole numbers and decimals as millionths, so that both compare exactly. */
static bool number(const json_t *v, long double *out)
{
    int64_t units;
    *out = 0;
    if (json_is_integer(v))
        *out = (long double)json_integer_value(v) * 1e6L;
    else if (json_is_real(v))
        *out = (long double)json_real_value(v) * 1e6L;
    else if (json_is_string(v) && decimal_parse(text_of(v), DECIMAL_MAX_SCALE, &units))
        *out = (long double)units;
    else
        return false;
    return true;
}

/* Dates, moments and times of day; a moment beside a date is its local day. */
static bool moments(const json_t *v, const json_t *want, int utc_offset, int *order)
{
    sv a = text_of(v), b = text_of(want);
    int64_t i, k;
    char day[32];
    if (!json_is_string(v) || !json_is_string(want)) return false;
    if (a.n > 10 && b.n > 10) {
        if (!clock_parse(a, &i) || !clock_parse(b, &k)) return false;
        *order = (i > k) - (i < k);
        return true;
    }
    if (a.n > 10 && b.n == 10) {
        if (!clock_parse(a, &i)) return false;
        clock_rfc3339(i + (int64_t)utc_offset * 60000000, day);
        a = sv_make(day, 10);
    }
    if (a.n == 8 && b.n == 5) a.n = 5; /* 08:30 */
    *order = sv_cmp(a, b);
    return a.n == b.n && a.n >= 5;
}

/* An empty field is neither more nor less than anything. */
static bool ordered(const char *op, const json_t *v, const json_t *want, int utc_offset)
{
    long double a, b;
    int order;
    if (number(v, &a) && number(want, &b))
        order = (a > b) - (a < b);
    else if (!moments(v, want, utc_offset, &order))
        return false;
    if (op[1] == '=' && order == 0) return true;
    return op[0] == '>' ? order > 0 : order < 0;
}

static json_t *today(const json_t *days, int utc_offset)
{
    char text[32];
    int64_t us = clock_now_us() + (int64_t)utc_offset * 60000000 +
                 (int64_t)json_integer_value(days) * 86400000000;
    clock_rfc3339(us, text);
    return json_stringn(text, 10);
}

/* What stands on the right: a value, {field: name} or {today: days}. */
static json_t *right_side(const json_t *want, const json_t *row, int utc_offset)
{
    const char *field = json_string_value(json_object_get(want, "field"));
    const json_t *days = json_object_get(want, "today");
    if (field) return json_incref(json_object_get(row, field));
    return days ? today(days, utc_offset) : json_incref((json_t *)(uintptr_t)want);
}

static bool compare(const char *op, const json_t *v, const json_t *want, int utc_offset)
{
    if (op[0] == '>' || op[0] == '<') return ordered(op, v, want, utc_offset);
    return equal(v, want) == (op[0] == '=');
}

static bool holds(const json_t *tree, const json_t *row, int utc_offset, unsigned depth)
{
    const char *op = op_of(tree);
    size_t n = json_array_size(tree);
    if (depth > MAX_DEPTH) return false;
    if (strcmp(op, "and") == 0) {
        for (size_t i = 1; i < n; i++)
            if (!holds(json_array_get(tree, i), row, utc_offset, depth + 1)) return false;
        return true;
    }
    if (strcmp(op, "or") == 0) {
        for (size_t i = 1; i < n; i++)
            if (holds(json_array_get(tree, i), row, utc_offset, depth + 1)) return true;
        return false;
    }
    if (strcmp(op, "not") == 0) return !holds(json_array_get(tree, 1), row, utc_offset, depth + 1);
    const char *field = json_string_value(json_array_get(tree, 1));
    const json_t *v = field ? json_object_get(row, field) : NULL;
    const json_t *want = json_array_get(tree, 2);
    if (strchr("=!<>", op[0]) && op[0]) {
        json_t *other = right_side(want, row, utc_offset);
        bool yes = compare(op, v, other, utc_offset);
        json_decref(other);
        return yes;
    }
    if (strcmp(op, "in") == 0) return in_list(v, want);
    if (strcmp(op, "filled") == 0) return !value_empty(v);
    return false; /* cfg_cond_check lets no other operator in */
}

bool rule_holds_at(sv tree, const json_t *row, int utc_offset)
{
    json_t *t = json_loadb(tree.p ? tree.p : "", tree.n, 0, NULL);
    bool yes = t && holds(t, row, utc_offset, 0);
    json_decref(t);
    return yes;
}

bool rule_holds(sv tree, const json_t *row)
{
    return rule_holds_at(tree, row, 480);
}

static bool each_field(const json_t *tree, rule_field_fn *fn, void *arg)
{
    size_t n = json_array_size(tree);
    const char *op = op_of(tree);
    bool deep = strcmp(op, "and") == 0 || strcmp(op, "or") == 0 || strcmp(op, "not") == 0;
    for (size_t i = 1; deep && i < n; i++)
        if (!each_field(json_array_get(tree, i), fn, arg)) return false;
    if (deep) return true;
    bool by_value = strcmp(op, "filled") != 0;
    const char *field = json_string_value(json_array_get(tree, 1));
    const char *other = json_string_value(json_object_get(json_array_get(tree, 2), "field"));
    return (!field || fn(arg, field, by_value)) && (!other || fn(arg, other, by_value));
}

bool rule_each_field(sv tree, rule_field_fn *fn, void *arg)
{
    json_t *t = json_loadb(tree.p ? tree.p : "", tree.n, 0, NULL);
    bool all = !t || each_field(t, fn, arg);
    json_decref(t);
    return all;
}

static bool not_in_body(void *arg, const char *field, bool by_value)
{
    (void)by_value;
    return !json_object_get(arg, field);
}

bool rule_concerns(sv tree, const json_t *body)
{
    return !rule_each_field(tree, not_in_body, (void *)(uintptr_t)body);
}
