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

/* An empty field is neither more nor less than anything. */
static bool ordered(const char *op, const json_t *v, const json_t *want)
{
    if (!json_is_integer(v) || !json_is_integer(want)) return false;
    json_int_t a = json_integer_value(v), b = json_integer_value(want);
    if (op[1] == '=' && a == b) return true;
    return op[0] == '>' ? a > b : a < b;
}

static bool holds(const json_t *tree, const json_t *row, unsigned depth)
{
    const char *op = op_of(tree);
    size_t n = json_array_size(tree);
    if (depth > MAX_DEPTH) return false;
    if (strcmp(op, "and") == 0) {
        for (size_t i = 1; i < n; i++)
            if (!holds(json_array_get(tree, i), row, depth + 1)) return false;
        return true;
    }
    if (strcmp(op, "or") == 0) {
        for (size_t i = 1; i < n; i++)
            if (holds(json_array_get(tree, i), row, depth + 1)) return true;
        return false;
    }
    if (strcmp(op, "not") == 0) return !holds(json_array_get(tree, 1), row, depth + 1);
    const char *field = json_string_value(json_array_get(tree, 1));
    const json_t *v = field ? json_object_get(row, field) : NULL;
    const json_t *want = json_array_get(tree, 2);
    if (strcmp(op, "==") == 0) return equal(v, want);
    if (strcmp(op, "!=") == 0) return !equal(v, want);
    if (op[0] == '>' || op[0] == '<') return ordered(op, v, want);
    if (strcmp(op, "in") == 0) return in_list(v, want);
    if (strcmp(op, "filled") == 0) return !value_empty(v);
    return false; /* cfg_cond_check lets no other operator in */
}

bool rule_holds(sv tree, const json_t *row)
{
    json_t *t = json_loadb(tree.p ? tree.p : "", tree.n, 0, NULL);
    bool yes = t && holds(t, row, 0);
    json_decref(t);
    return yes;
}
