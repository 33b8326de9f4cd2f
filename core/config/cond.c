/* Condition trees: ["==", field, value], ["and", ...], and so on. The same trees
 * are evaluated by the console, the client and the resource engine. */
#include "config/manifest_reader.h"

enum shape { FIELD_VALUE, FIELD_NUMBER, FIELD_LIST, FIELD_ONLY, MANY, ONE };

static const struct {
    const char *name;
    enum shape shape;
    const char *form;
} operators[] = {
    {"==", FIELD_VALUE, "[\"==\", field, value]"},
    {"!=", FIELD_VALUE, "[\"!=\", field, value]"},
    {">", FIELD_NUMBER, "[\">\", field, value]"},
    {">=", FIELD_NUMBER, "[\">=\", field, value]"},
    {"<", FIELD_NUMBER, "[\"<\", field, value]"},
    {"<=", FIELD_NUMBER, "[\"<=\", field, value]"},
    {"in", FIELD_LIST, "[\"in\", field, [value, ...]]"},
    {"filled", FIELD_ONLY, "[\"filled\", field]"},
    {"and", MANY, "[\"and\", condition, ...]"},
    {"or", MANY, "[\"or\", condition, ...]"},
    {"not", ONE, "[\"not\", condition]"},
};
#define N_OPERATORS (sizeof operators / sizeof *operators)

/* What may be compared with what: 0 is like nothing but itself. */
static int class_of(const struct mf_field *f)
{
    switch (f ? f->type : MF_TYPE_COUNT) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
    case MF_DECIMAL:
        return 1;
    case MF_DATE:
        return 2;
    case MF_DATETIME:
        return 3;
    case MF_TIME:
        return 4;
    default:
        return 0;
    }
}

/* A comparison with what people may not see would tell it, guess by guess. */
static int check_masked(const struct mf_field *f, const struct cfg_node *at, struct cfg_errors *e)
{
    if (!f || !f->protect.masked) return 0;
    cfg_error(e, at, "'%s' is masked: a condition may only ask whether it is filled", f->name);
    return -1;
}

/* {field: other} or {today: days from it}. */
static int check_other(const struct mf_resource *r, const struct mf_field *f, struct cfg_node *v,
                       struct cfg_errors *e)
{
    struct cfg_node *field = cfg_get(v, "field"), *today = cfg_get(v, "today");
    const struct mf_field *other =
        field && field->kind == CFG_SCALAR ? mf_field_find(r, field->scalar) : NULL;
    int64_t days;
    unsigned before = e->n;
    if (v->n != 1 || (!field && !today)) {
        cfg_error(e, v, "compare with a value, {field: name} or {today: days}");
    } else if (today) {
        if (today->kind != CFG_SCALAR || !sv_i64(today->scalar, &days) || days < -40000 ||
            days > 40000)
            cfg_error(e, today, "'today' takes a number of days");
        if (class_of(f) != 2 && class_of(f) != 3)
            cfg_error(e, v, "only dates and times are compared with today");
    } else if (!other) {
        cfg_error(e, field, "'field' names no field of this resource");
    } else if (!f || (class_of(f) ? class_of(other) != class_of(f) : other->type != f->type)) {
        cfg_error(e, field, "'%s' is of another type", other->name);
    }
    if (e->n == before) check_masked(other, field, e);
    return e->n == before ? 0 : -1;
}

static int check_value(const struct mf_resource *r, sv name, struct cfg_node *v,
                       struct cfg_errors *e)
{
    const struct mf_field *f = mf_field_find(r, name);
    if (v->kind == CFG_MAP) return check_other(r, f, v, e);
    struct cfg_names codes = {0};
    int64_t i;
    if (v->kind != CFG_SCALAR) {
        cfg_error(e, v, "a condition compares with a single value");
        return -1;
    }
    if (f && f->dictionary) return 0;
    if (f && (f->type == MF_ENUM || f->type == MF_MULTI_ENUM)) {
        for (size_t k = 0; k < f->n_options; k++)
            cfg_names_add(e->a, &codes, f->options[k].code);
    } else if (!f && sv_eqs(name, "state")) {
        for (size_t k = 0; k < r->n_states; k++)
            cfg_names_add(e->a, &codes, r->states[k].name);
    } else if (f && f->type == MF_BOOL) {
        if (v->plain && (sv_eqs(v->scalar, "true") || sv_eqs(v->scalar, "false"))) return 0;
        cfg_error(e, v, "'%s' is compared with true or false", f->name);
        return -1;
    } else if (f && (f->type == MF_INT || f->type == MF_MONEY || f->type == MF_PERCENT)) {
        if (v->plain && sv_i64(v->scalar, &i)) return 0;
        cfg_error(e, v, "'%s' is compared with a whole number", f->name);
        return -1;
    } else if (class_of(f)) {
        const char *why = mf_wrong_value(f, v);
        if (!why || class_of(f) == 1) return 0;
        cfg_error(e, v, "'%s' %s", f->name, why);
        return -1;
    } else {
        return 0;
    }
    if (cfg_names_has(&codes, v->scalar)) return 0;
    cfg_no_such(e, v, "option", v->scalar, &codes);
    return -1;
}

/* More and less are of what has an order. */
static int check_ordered(const struct mf_resource *r, const struct cfg_node *field,
                         struct cfg_node *v, struct cfg_errors *e)
{
    const struct mf_field *f = mf_field_find(r, field->scalar);
    if (class_of(f)) return check_value(r, field->scalar, v, e);
    cfg_error(e, field, "only numbers, dates and times are compared by more and less");
    return -1;
}

static int check_field(const struct mf_resource *r, const struct cfg_node *n, struct cfg_errors *e)
{
    static const char *const built_in[] = {"id", "created_at", "updated_at", "created_by"};
    struct cfg_names all = {0};
    for (size_t i = 0; i < r->n_fields; i++)
        cfg_names_add(e->a, &all, r->fields[i].name);
    if (r->name) { /* not the settings' fields, which are no rows */
        for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
            cfg_names_add(e->a, &all, built_in[i]);
        if (r->traits & MF_OWNED) cfg_names_add(e->a, &all, "owner");
        if (r->traits & MF_DEPT_TRAIT) cfg_names_add(e->a, &all, "dept");
        if (r->n_states) cfg_names_add(e->a, &all, "state");
    }
    if (n->kind == CFG_SCALAR && cfg_names_has(&all, n->scalar)) return 0;
    if (n->kind == CFG_SCALAR)
        cfg_no_such(e, n, "field", n->scalar, &all);
    else
        cfg_error(e, n, "a condition names a field here");
    return -1;
}

static int check_many(const struct mf_resource *r, struct cfg_node *first, struct cfg_errors *e)
{
    int rc = 0;
    for (struct cfg_node *c = first; c; c = c->next)
        if (cfg_cond_check(r, c, e) != 0) rc = -1;
    return rc;
}

static int check_list(const struct mf_resource *r, sv field, const struct cfg_node *list,
                      struct cfg_errors *e)
{
    int rc = 0;
    for (struct cfg_node *c = list->first; c; c = c->next)
        if (check_value(r, field, c, e) != 0) rc = -1;
    return rc;
}

int cfg_cond_check(const struct mf_resource *r, struct cfg_node *n, struct cfg_errors *e)
{
    struct cfg_names names = {0};
    for (size_t i = 0; i < N_OPERATORS; i++)
        cfg_names_add(e->a, &names, operators[i].name);
    if (n->kind != CFG_LIST || !n->first || n->first->kind != CFG_SCALAR) {
        cfg_error(e, n,
                  "a condition is a list that begins with an operator, such as "
                  "[\"==\", field, value]");
        return -1;
    }
    size_t op = 0;
    while (op < N_OPERATORS && !sv_eqs(n->first->scalar, operators[op].name))
        op++;
    if (op == N_OPERATORS) {
        cfg_no_such(e, n->first, "operator", n->first->scalar, &names);
        return -1;
    }
    enum shape shape = operators[op].shape;
    struct cfg_node *one = n->first->next, *two = one ? one->next : NULL;
    bool formed = shape == MANY ? n->n >= 2
                  : shape == FIELD_LIST
                      ? n->n == 3 && two->kind == CFG_LIST && two->n
                      : n->n == (shape == FIELD_VALUE || shape == FIELD_NUMBER ? 3 : 2);
    if (!formed) {
        cfg_error(e, n, "write %s", operators[op].form);
        return -1;
    }
    if (shape == MANY || shape == ONE) return check_many(r, one, e);
    if (check_field(r, one, e) != 0) return -1;
    if (shape != FIELD_ONLY && check_masked(mf_field_find(r, one->scalar), one, e) != 0) return -1;
    if (shape == FIELD_NUMBER) return check_ordered(r, one, two, e);
    if (shape == FIELD_VALUE) return check_value(r, one->scalar, two, e);
    return shape == FIELD_LIST ? check_list(r, one->scalar, two, e) : 0;
}
