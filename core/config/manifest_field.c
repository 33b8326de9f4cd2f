/* Fields of resources and settings. */
#include <regex.h>
#include <stdlib.h>

#include "config/manifest_reader.h"

const char *const mf_type_names[MF_TYPE_COUNT + 1] = {
    [MF_TEXT] = "text",
    [MF_LONGTEXT] = "longtext",
    [MF_RICHTEXT] = "richtext",
    [MF_INT] = "int",
    [MF_MONEY] = "money",
    [MF_PERCENT] = "percent",
    [MF_BOOL] = "bool",
    [MF_DATE] = "date",
    [MF_DATETIME] = "datetime",
    [MF_ENUM] = "enum",
    [MF_MULTI_ENUM] = "multi_enum",
    [MF_SEQUENCE] = "sequence",
    [MF_PHONE] = "phone",
    [MF_EMAIL] = "email",
    [MF_LINK] = "link",
    [MF_COLOR] = "color",
    [MF_JSON] = "json",
    [MF_IMAGE] = "image",
    [MF_FILE] = "file",
    [MF_VIDEO] = "video",
    [MF_REF] = "ref",
    [MF_CHILDREN] = "children",
    [MF_USER] = "user",
    [MF_DEPT] = "dept",
    [MF_DECIMAL] = "decimal",
    [MF_TIME] = "time",
    [MF_ID_NUMBER] = "id_number",
    [MF_ADDRESS] = "address",
    [MF_POINT] = "point",
    [MF_POLYGON] = "polygon",
    [MF_IMAGES] = "images",
    [MF_FILES] = "files",
    [MF_TAGS] = "tags",
    [MF_REFS] = "refs",
};

#define MAX_FIELDS 300
#define MAX_PATTERN 200
#define BIT(t) (UINT64_C(1) << (t))
#define TEXTS (BIT(MF_TEXT) | BIT(MF_LONGTEXT) | BIT(MF_RICHTEXT))
#define NUMBERS (BIT(MF_INT) | BIT(MF_MONEY) | BIT(MF_PERCENT))
#define TIMES (BIT(MF_DATE) | BIT(MF_DATETIME) | BIT(MF_TIME))
#define FILES (BIT(MF_IMAGE) | BIT(MF_FILE) | BIT(MF_VIDEO) | BIT(MF_IMAGES) | BIT(MF_FILES))
#define SETS (BIT(MF_MULTI_ENUM) | BIT(MF_TAGS) | BIT(MF_REFS) | BIT(MF_IMAGES) | BIT(MF_FILES))
#define LINES (BIT(MF_TEXT) | BIT(MF_PHONE) | BIT(MF_EMAIL) | BIT(MF_LINK))

/* Keys that have a meaning for some types only; elsewhere they are errors. */
static const struct {
    const char *key;
    uint64_t types;
    bool column; /* of resources only */
} special_keys[] = {
    {"min", TEXTS | NUMBERS | BIT(MF_DECIMAL) | SETS | BIT(MF_CHILDREN), false},
    {"max", TEXTS | NUMBERS | BIT(MF_DECIMAL) | SETS | BIT(MF_CHILDREN), false},
    {"scale", BIT(MF_DECIMAL), false},
    {"dictionary", BIT(MF_ENUM) | BIT(MF_MULTI_ENUM) | BIT(MF_TAGS), true},
    {"schema", BIT(MF_JSON), false},
    {"gapless", BIT(MF_SEQUENCE), false},
    {"pattern", BIT(MF_TEXT) | BIT(MF_SEQUENCE), false},
    {"options", BIT(MF_ENUM) | BIT(MF_MULTI_ENUM), false},
    {"to", BIT(MF_REF) | BIT(MF_REFS), false},
    {"on_delete", BIT(MF_REF) | BIT(MF_USER) | BIT(MF_DEPT) | BIT(MF_REFS), false},
    {"of", BIT(MF_CHILDREN), false},
    {"by", BIT(MF_CHILDREN), false},
    {"after", TIMES, false},
    {"accept", FILES, false},
    {"unique",
     BIT(MF_TEXT) | BIT(MF_PHONE) | BIT(MF_EMAIL) | BIT(MF_INT) | BIT(MF_SEQUENCE) | BIT(MF_REF) |
         BIT(MF_USER) | BIT(MF_DATE) | BIT(MF_DECIMAL) | BIT(MF_ID_NUMBER),
     true},
    {"compute",
     NUMBERS | BIT(MF_DECIMAL) | BIT(MF_TEXT) | BIT(MF_LONGTEXT) | BIT(MF_BOOL) | BIT(MF_DATE) |
         BIT(MF_DATETIME) | BIT(MF_ENUM),
     true},
    {"search", LINES | BIT(MF_LONGTEXT) | BIT(MF_SEQUENCE) | BIT(MF_ID_NUMBER), true},
    {"protect", LINES | BIT(MF_LONGTEXT) | BIT(MF_ID_NUMBER), true},
    {"default",
     TEXTS | NUMBERS | TIMES | BIT(MF_BOOL) | BIT(MF_ENUM) | BIT(MF_MULTI_ENUM) | BIT(MF_PHONE) |
         BIT(MF_EMAIL) | BIT(MF_LINK) | BIT(MF_COLOR) | BIT(MF_JSON) | BIT(MF_DECIMAL) |
         BIT(MF_TAGS) | BIT(MF_USER) | BIT(MF_DEPT),
     false},
};

/* What settings may be: values that stand alone. */
#define SETTING_TYPES                                                                              \
    (TEXTS | NUMBERS | TIMES | FILES | BIT(MF_BOOL) | BIT(MF_ENUM) | BIT(MF_MULTI_ENUM) |          \
     BIT(MF_PHONE) | BIT(MF_EMAIL) | BIT(MF_LINK) | BIT(MF_COLOR) | BIT(MF_JSON) |                 \
     BIT(MF_DECIMAL) | BIT(MF_POINT) | BIT(MF_TAGS))

/* Is the name a column that the engine itself adds to this resource? */
static bool taken(const struct mf_resource *res, const char *name)
{
    static const struct {
        const char *name;
        uint32_t trait; /* 0: of every resource */
    } columns[] = {
        {"id", 0},
        {"created_at", 0},
        {"updated_at", 0},
        {"created_by", 0},
        {"owner", MF_OWNED},
        {"custom", MF_CUSTOM},
        {"dept", MF_DEPT_TRAIT},
        {"version", MF_VERSIONED},
        {"deleted_at", MF_SOFT_DELETE},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcmp(name, columns[i].name) == 0)
            return !columns[i].trait || (res->traits & columns[i].trait);
    return res->n_states && strcmp(name, "state") == 0;
}

static void read_special_keys(struct mf_reader *r, struct cfg_node *n, enum mf_type type,
                              bool settings)
{
    for (size_t i = 0; i < sizeof special_keys / sizeof *special_keys; i++) {
        if (settings && special_keys[i].column) continue;
        struct cfg_node *k = cfg_get(n, special_keys[i].key);
        if (k && !(special_keys[i].types & BIT(type))) {
            struct cfg_node at = {.line = k->key_line, .column = k->key_column};
            cfg_error(r->e, &at, "'%s' has no meaning for type %s", special_keys[i].key,
                      mf_type_names[type]);
        }
    }
}

/* min and max of a decimal are decimals themselves. */
static void read_decimal(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    static const char *const keys[] = {"min", "max"};
    f->scale = (unsigned)cfg_int(n, "scale", 2, 0, DECIMAL_MAX_SCALE, r->e);
    for (size_t i = 0; i < 2; i++) {
        struct cfg_node *k = cfg_get(n, keys[i]);
        int64_t v = 0;
        if (!k || !cfg_want(k, CFG_SCALAR, r->e)) continue;
        if (!decimal_parse(k->scalar, f->scale, &v))
            cfg_error(r->e, k, "'%s' must be a number with at most %u decimals", keys[i], f->scale);
        *(i ? &f->has_max : &f->has_min) = true;
        *(i ? &f->max : &f->min) = v;
    }
    if (f->has_min && f->has_max && f->min > f->max)
        cfg_error(r->e, cfg_get(n, "min"), "'min' is above 'max'");
}

/* Items of a set when the manifest does not say. */
static int64_t most_items(enum mf_type t)
{
    return t == MF_REFS ? 200 : t == MF_MULTI_ENUM ? 1000 : 20;
}

static void read_range(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    if (f->type == MF_DECIMAL) {
        read_decimal(r, n, f);
        return;
    }
    bool value = BIT(f->type) & NUMBERS;
    int64_t low = value ? INT64_MIN : 0, high = INT64_MAX;
    if (f->type == MF_TEXT)
        high = 2000; /* longer lines are longtext */
    else if (BIT(f->type) & TEXTS)
        high = 1000000;
    else if (f->type == MF_PERCENT)
        low = INT32_MIN, high = INT32_MAX;
    else if (!value)
        high = 1000;
    f->has_min = cfg_get(n, "min") != NULL;
    f->has_max = cfg_get(n, "max") != NULL;
    f->min = cfg_int(n, "min", 0, low, high, r->e);
    f->max = cfg_int(n, "max", f->type == MF_TEXT ? 200 : 20000, low, high, r->e);
    if (BIT(f->type) & TEXTS) f->has_max = true;
    if ((BIT(f->type) & SETS) && f->type != MF_MULTI_ENUM && !f->has_max) {
        f->max = most_items(f->type);
        f->has_max = true;
    }
    if (f->has_min && f->has_max && f->min > f->max)
        cfg_error(r->e, cfg_get(n, "min"), "'min' (%lld) is above 'max' (%lld)", (long long)f->min,
                  (long long)f->max);
}

/* Nested repetitions multiply; the C library unrolls them when it compiles. */
static bool repeats_too_much(const char *p)
{
    uint64_t product = 1;
    for (; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
        } else if (*p == '{') {
            uint64_t most = 1, v = 0;
            for (p++; *p && *p != '}'; p++) {
                v = *p == ',' ? 0 : v * 10 + (uint64_t)(*p - '0');
                if (*p != ',' && (*p < '0' || *p > '9')) return false; /* regcomp complains */
                if (v > 1000) return true;
                if (v > most) most = v;
            }
            product *= most;
            if (product > 4000) return true;
            if (!*p) return false;
        }
    }
    return false;
}

/* yyyy, yy, MM, dd and runs of them. */
static bool date_parts(sv part)
{
    while (part.n) {
        size_t n =
            sv_starts(part, SV("yyyy")) ? 4
            : sv_starts(part, SV("yy")) || sv_starts(part, SV("MM")) || sv_starts(part, SV("dd"))
                ? 2
                : 0;
        if (!n) return false;
        part = sv_make(part.p + n, part.n - n);
    }
    return true;
}

static void check_sequence(struct mf_reader *r, struct cfg_node *at, const char *pattern)
{
    unsigned numbers = 0;
    for (const char *p = strchr(pattern, '{'); p; p = strchr(p + 1, '{')) {
        const char *end = strchr(p, '}');
        sv part = {p + 1, end ? (size_t)(end - p - 1) : 0};
        bool number = part.n && part.n <= 18 && strspn(part.p, "0") == part.n;
        numbers += number;
        if (!end || !part.n || (!number && !date_parts(part))) {
            cfg_error(r->e, at,
                      "'pattern': {%.*s} is no part; write yyyy, yy, MM, dd or the number, such as "
                      "{0000}",
                      CFG_SHOW(part));
            return;
        }
    }
    if (numbers != 1)
        cfg_error(r->e, at, "a sequence's pattern needs its number once, such as {0000}");
}

static void drop_matcher(void *re)
{
    regfree(re);
}

/* Once for all values: any thread may match by it. */
static void compile_pattern(struct mf_reader *r, struct cfg_node *p, struct mf_field *f)
{
    regex_t *re = ARENA_NEW(r->a, regex_t);
    char why[100];
    int rc = regcomp(re, f->pattern, REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        regerror(rc, re, why, sizeof why);
        cfg_error(r->e, p, "'pattern' is not a regular expression: %s", why);
        return;
    }
    regfree(re); /* by itself it is one; what is matched is the whole value */
    if (regcomp(re, arena_printf(r->a, "^(%s)$", f->pattern).p, REG_EXTENDED | REG_NOSUB) != 0) {
        cfg_error(r->e, p, "'pattern' is not a regular expression in parentheses");
        return;
    }
    arena_on_free(r->a, drop_matcher, re);
    f->matcher = re;
}

static void read_pattern(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    struct cfg_node *p = cfg_get(n, "pattern");
    if (!p || !cfg_want(p, CFG_SCALAR, r->e)) return;
    f->pattern = p->scalar.p;
    if (p->scalar.n == 0 || p->scalar.n > MAX_PATTERN) {
        cfg_error(r->e, p, "'pattern' must have 1 to %d characters", MAX_PATTERN);
    } else if (f->type == MF_SEQUENCE) {
        check_sequence(r, p, f->pattern);
    } else if (repeats_too_much(f->pattern)) {
        cfg_error(r->e, p, "'pattern' repeats too much");
    } else {
        compile_pattern(r, p, f);
    }
}

static bool is_code(sv v)
{
    if (v.n == 0 || v.n > 40) return false;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

/* options: {code: {zh, en, color}} */
static void read_options(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    struct cfg_node *map = cfg_map(n, "options", r->e);
    if (f->dictionary) {
        if (cfg_get(n, "options"))
            cfg_error(r->e, cfg_get(n, "options"), "'options' or 'dictionary', not both");
        return;
    }
    if (!map) {
        if (!cfg_get(n, "options")) cfg_missing(n, "options", r->e);
        return;
    }
    if (map->n == 0) cfg_error(r->e, map, "'options' is empty");
    f->options = ARENA_ARRAY(r->a, struct mf_option, map->n);
    for (struct cfg_node *c = map->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        if (!is_code(c->key))
            cfg_error(r->e, &at, "'%.*s' is not a code: letters, digits, _ and -, at most 40",
                      CFG_SHOW(c->key));
        struct mf_option *o = &f->options[f->n_options++];
        o->code = c->key.p;
        if (!cfg_want(c, CFG_MAP, r->e)) continue;
        o->color = mf_color(r, c);
        o->title = mf_title_of(r, c);
    }
}

static const char *read_dictionary(struct mf_reader *r, struct cfg_node *n)
{
    struct cfg_node *d = cfg_get(n, "dictionary");
    if (!d || !cfg_want(d, CFG_SCALAR, r->e)) return NULL;
    if (mf_is_dotted(d->scalar, 60)) return d->scalar.p;
    cfg_error(r->e, d, "'dictionary' must be the code of a dictionary, such as crm.source");
    return NULL;
}

static bool has_option(const struct mf_field *f, sv code)
{
    for (size_t i = 0; i < f->n_options; i++)
        if (sv_eqs(code, f->options[i].code)) return true;
    return false;
}

static bool date_ok(sv t)
{
    int64_t us;
    char full[32] = {0};
    if (t.n != 10) return false;
    memcpy(full, t.p, 10);
    memcpy(full + 10, "T00:00:00Z", 10);
    return clock_parse(sv_of(full), &us);
}

static bool time_ok(sv t)
{
    int64_t h, m, s = 0;
    if ((t.n != 5 && t.n != 8) || t.p[2] != ':' || (t.n == 8 && t.p[5] != ':')) return false;
    return sv_i64(sv_make(t.p, 2), &h) && sv_i64(sv_make(t.p + 3, 2), &m) &&
           (t.n == 5 || sv_i64(sv_make(t.p + 6, 2), &s)) && h >= 0 && h < 24 && m >= 0 && m < 60 &&
           s >= 0 && s < 60;
}

/* What a default may be that is known only when a row is written. */
static bool variable_fits(enum mf_type t, sv text)
{
    if (sv_eqs(text, "$today")) return t == MF_DATE;
    if (sv_eqs(text, "$now")) return t == MF_DATETIME || t == MF_TIME;
    if (sv_eqs(text, "$user")) return t == MF_USER;
    return sv_eqs(text, "$dept") && t == MF_DEPT;
}

bool mf_default_var(const struct mf_field *f)
{
    return f->has_default && f->dflt.n > 2 && f->dflt.p[1] == '$' &&
           variable_fits(f->type, sv_make(f->dflt.p + 1, f->dflt.n - 2));
}

/* Is the scalar a value of the field's type? Says what is expected if not. */
const char *mf_wrong_value(const struct mf_field *f, const struct cfg_node *d)
{
    int64_t v, us;
    sv t = d->scalar;
    if (variable_fits(f->type, t)) return NULL;
    switch (f->type) {
    case MF_TEXT:
    case MF_LONGTEXT:
    case MF_RICHTEXT:
        return sv_utf8_len(t) > (uint64_t)f->max ? "is longer than 'max'" : NULL;
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
        if (!d->plain || !sv_i64(t, &v)) return "must be a whole number";
        if ((f->has_min && v < f->min) || (f->has_max && v > f->max))
            return "is outside 'min' and 'max'";
        return NULL;
    case MF_BOOL:
        return d->plain && (sv_eqs(t, "true") || sv_eqs(t, "false")) ? NULL
                                                                     : "must be true or false";
    case MF_DATE:
        return date_ok(t) ? NULL : "must be a date such as 2026-01-31";
    case MF_DATETIME:
        return clock_parse(t, &us) ? NULL : "must be a time such as 2026-01-31T08:00:00Z";
    case MF_DECIMAL:
        if (!decimal_parse(t, f->scale, &v)) return "must be a decimal number";
        if ((f->has_min && v < f->min) || (f->has_max && v > f->max))
            return "is outside 'min' and 'max'";
        return NULL;
    case MF_TIME:
        return time_ok(t) ? NULL : "must be a time of day such as \"08:30\"";
    case MF_ENUM:
    case MF_MULTI_ENUM:
        return f->dictionary || has_option(f, t) ? NULL : "must be one of the options";
    case MF_USER:
    case MF_DEPT:
        return f->type == MF_USER ? "can only be $user" : "can only be $dept";
    default:
        return NULL;
    }
}

static void read_default(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    struct cfg_node *d = cfg_get(n, "default");
    if (!d) return;
    struct buf b = BUF_IN(r->a);
    struct jsonw w = jsonw_on(&b);
    f->has_default = true;
    if (f->type == MF_JSON) {
        cfg_to_json(d, &w);
    } else if (f->type == MF_MULTI_ENUM || f->type == MF_TAGS) {
        if (!cfg_want(d, CFG_LIST, r->e)) return;
        jsonw_arr(&w);
        for (struct cfg_node *c = d->first; c; c = c->next) {
            if (!cfg_want(c, CFG_SCALAR, r->e)) return;
            const char *why = mf_wrong_value(f, c);
            if (why) cfg_error(r->e, c, "'default' %s", why);
            jsonw_sv(&w, c->scalar);
        }
        jsonw_end_arr(&w);
    } else {
        if (!cfg_want(d, CFG_SCALAR, r->e)) return;
        const char *why = mf_wrong_value(f, d);
        if (why) cfg_error(r->e, d, "'default' %s", why);
        if ((BIT(f->type) & NUMBERS) || f->type == MF_BOOL)
            jsonw_raw(&w, d->scalar);
        else
            jsonw_sv(&w, d->scalar);
    }
    f->dflt = arena_sv(r->a, buf_view(&b));
}

static void read_reference(struct mf_reader *r, struct cfg_node *n, struct mf_field *f)
{
    static const char *const rules[] = {
        [MF_RESTRICT] = "restrict", [MF_CLEAR] = "clear", [MF_CASCADE] = "cascade", NULL};
    if (f->type == MF_REF || f->type == MF_REFS) {
        f->to = mf_dotted(r, n, "to", true);
        sv rest;
        if (f->to) sv_cut(sv_of(f->to), '.', &rest);
        if (f->to && (!rest.p || memchr(rest.p, '.', rest.n)))
            cfg_error(r->e, cfg_get(n, "to"), "'to' must be <plugin>.<resource>");
    } else if (f->type == MF_CHILDREN) {
        f->to = mf_ident(r, n, "of", 32, true);
        f->by = mf_ident(r, n, "by", 48, true);
    } else {
        f->to = f->type == MF_USER ? "core.staff" : f->type == MF_DEPT ? "core.dept" : NULL;
    }
    int rule = cfg_choice(n, "on_delete", rules, MF_RESTRICT, r->e);
    f->on_delete = rule == MF_CLEAR ? MF_CLEAR : rule == MF_CASCADE ? MF_CASCADE : MF_RESTRICT;
    if (f->on_delete == MF_CASCADE && f->type == MF_REFS)
        cfg_error(r->e, cfg_get(n, "on_delete"), "of many references one is cleared: no cascade");
    if (f->on_delete == MF_CLEAR && f->required)
        cfg_error(r->e, cfg_get(n, "on_delete"), "a required field cannot be cleared");
}

static void read_field(struct mf_reader *r, struct cfg_node *n, struct mf_field *f, bool settings)
{
    f->line = n->key_line;
    f->column = n->key_column;
    f->name = n->key.p;
    if (!cfg_want(n, CFG_MAP, r->e)) return;
    int type = cfg_choice(n, "type", mf_type_names, -1, r->e);
    if (!cfg_get(n, "type")) cfg_missing(n, "type", r->e);
    if (type < 0) return;
    f->type = (enum mf_type)type;
    if (settings && !(SETTING_TYPES & BIT(f->type)))
        cfg_error(r->e, cfg_get(n, "type"), "a setting cannot be of type %s", mf_type_names[type]);
    f->title = mf_title(r, n, "title", true);
    f->help = mf_title(r, n, "help", false);
    f->required = cfg_bool(n, "required", false, r->e);
    f->read_only = cfg_bool(n, "read_only", f->type == MF_SEQUENCE, r->e);
    if (!settings) { /* a setting is no column: these keys are unknown there */
        f->was = mf_ident(r, n, "was", 48, false);
        f->hidden = cfg_bool(n, "hidden", false, r->e);
        f->unique = cfg_bool(n, "unique", false, r->e);
        f->search = cfg_bool(n, "search", false, r->e);
        mf_read_protect(r, n, f);
    }
    read_special_keys(r, n, f->type, settings);
    read_range(r, n, f);
    read_pattern(r, n, f);
    if (f->type == MF_SEQUENCE && !cfg_get(n, "pattern")) cfg_missing(n, "pattern", r->e);
    f->dictionary = settings ? NULL : read_dictionary(r, n);
    if (f->type == MF_ENUM || f->type == MF_MULTI_ENUM) read_options(r, n, f);
    if (f->type == MF_SEQUENCE) f->gapless = cfg_bool(n, "gapless", true, r->e);
    if (f->type == MF_JSON) f->schema = mf_read_schema(r, cfg_get(n, "schema"));
    read_reference(r, n, f);
    f->after = mf_ident(r, n, "after", 48, false);
    f->accept = cfg_cstr(n, "accept", NULL, r->e);
    read_default(r, n, f);
    if (!settings) mf_read_compute(r, n, f);
    f->visible_if = cfg_json(n, "visible_if", r->e);
    f->required_if = cfg_json(n, "required_if", r->e);
    f->read_only_if = cfg_json(n, "read_only_if", r->e);
    cfg_no_unknown(n, r->e);
}

void mf_read_fields(struct mf_reader *r, struct cfg_node *map, struct mf_field **out, size_t *n,
                    bool settings)
{
    *n = 0;
    if (!map) return;
    if (map->n > MAX_FIELDS) {
        cfg_error(r->e, map, "more than %d fields", MAX_FIELDS);
        return;
    }
    *out = ARENA_ARRAY(r->a, struct mf_field, map->n);
    for (struct cfg_node *c = map->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        mf_want_ident(r, &at, c->key, 48);
        read_field(r, c, &(*out)[(*n)++], settings);
    }
}

void mf_check_fields(struct mf_reader *r, const struct mf_resource *res, struct cfg_node *map)
{
    static const char *const conditions[] = {"visible_if", "required_if", "read_only_if"};
    size_t i = 0;
    for (struct cfg_node *c = map->first; c; c = c->next, i++) {
        const struct mf_field *f = &res->fields[i];
        struct cfg_node at = {.line = f->line, .column = f->column};
        if (res->name && taken(res, f->name))
            cfg_error(r->e, &at, "the engine adds a column '%s' of its own; choose another name",
                      f->name);
        for (size_t k = 0; k < 3; k++) {
            struct cfg_node *cond = cfg_get(c, conditions[k]);
            if (cond) cfg_cond_check(res, cond, r->e);
        }
        if (res->name) mf_check_compute(r, res, c, &res->fields[i]);
        if (f->was && mf_field_find(res, sv_of(f->was)))
            cfg_error(r->e, cfg_get(c, "was"), "'was' names a field that is still there");
        if (!f->after) continue;
        const struct mf_field *other = mf_field_find(res, sv_of(f->after));
        if (!other || other == f || other->type != f->type)
            cfg_error(r->e, cfg_get(c, "after"), "'after' must name another field of type %s",
                      mf_type_names[f->type]);
    }
}
