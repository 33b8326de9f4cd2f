/* Values of fields: what is one (pure functions on JSON, told at the field's
 * path), and how it is kept. */
#define LOG_ROOM "model"
#include "model/value.h"

#include <regex.h>
#include <stdio.h>

/* Integers stay numbers in JSON, so they stay within what every reader of JSON
 * can hold exactly. */
#define MAX_INT INT64_C(9007199254740991)
#define MAX_JSON (64u << 10)
#define MIN_TIME INT64_C(-30610224000000000) /* 1000-01-01, where DATETIME begins */
#define MAX_TIME INT64_C(253402300799999999) /* 9999-12-31 */

static sv text_of(const json_t *v)
{
    return (sv){json_string_value(v), json_string_length(v)};
}

static bool blank(sv v)
{
    return sv_trim(v).n == 0;
}

bool value_empty(const json_t *v)
{
    if (!v || json_is_null(v)) return true;
    if (json_is_string(v)) return blank(text_of(v));
    return json_is_array(v) && json_array_size(v) == 0;
}

static int number_arg(struct err *err, const char *path, const char *code, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    return err_field(err, path, code, text, NULL);
}

/* ---- texts ------------------------------------------------------------------------ */

static int64_t max_chars(const struct mf_field *f)
{
    if (f->has_max) return f->max;
    switch (f->type) {
    case MF_TEXT:
        return 200;
    case MF_EMAIL:
        return 254;
    case MF_LINK:
        return 2000;
    default:
        return 20000;
    }
}

static bool controls_ok(sv v, bool lines)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c == 0x7f || (c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))))
            return false;
    }
    return true;
}

static bool phone_ok(sv v)
{
    char out[TEXT_FORM];
    size_t n;
    return text_phone(v, out, &n);
}

static bool id_number_ok(sv v)
{
    char out[TEXT_FORM];
    size_t n;
    return text_id_number(v, out, &n);
}

static bool email_ok(sv v)
{
    sv domain, local = sv_cut(v, '@', &domain);
    if (!local.n || local.n > 64 || domain.n < 3 || v.n > 254) return false;
    bool dot = false;
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= ' ' || c == 0x7f || strchr("\"(),:;<>[]\\", c)) return false;
    }
    for (size_t i = 0; i < domain.n; i++) {
        char c = domain.p[i];
        if (c == '@') return false;
        if (c != '.') continue;
        if (i == 0 || i + 1 == domain.n || domain.p[i + 1] == '.') return false;
        dot = true;
    }
    return dot && local.p[0] != '.' && local.p[local.n - 1] != '.';
}

static bool link_ok(sv v)
{
    size_t skip = sv_starts(v, SV("https://")) ? 8 : sv_starts(v, SV("http://")) ? 7 : 0;
    if (!skip || v.n == skip) return false;
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] <= ' ' || v.p[i] == 0x7f || strchr("\"<>\\^`{|}", v.p[i]))
            return false;
    return !strchr("/?#:@.", v.p[skip]);
}

static bool color_ok(sv v)
{
    if (v.n != 7 || v.p[0] != '#') return false;
    for (size_t i = 1; i < 7; i++)
        if (!strchr("0123456789abcdefABCDEF", v.p[i])) return false;
    return true;
}

static int check_text(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    if (!json_is_string(v)) return err_field(err, path, "not_string", NULL);
    sv text = text_of(v);
    bool lines = f->type == MF_LONGTEXT || f->type == MF_RICHTEXT;
    if (!sv_utf8_ok(text) || !controls_ok(text, lines))
        return err_field(err, path, "pattern_mismatch", NULL);
    int64_t n = (int64_t)sv_utf8_len(text);
    if (n > max_chars(f)) return number_arg(err, path, "too_long", max_chars(f));
    if (f->has_min && n < f->min) return number_arg(err, path, "too_short", f->min);
    if (f->type == MF_PHONE && !phone_ok(text)) return err_field(err, path, "not_phone", NULL);
    if (f->type == MF_EMAIL && !email_ok(text)) return err_field(err, path, "not_email", NULL);
    if (f->type == MF_LINK && !link_ok(text)) return err_field(err, path, "not_url", NULL);
    if (f->type == MF_COLOR && !color_ok(text)) return err_field(err, path, "not_color", NULL);
    if (f->type == MF_ID_NUMBER && !id_number_ok(text))
        return err_field(err, path, "not_id_number", NULL);
    bool good = !f->matcher || regexec(f->matcher, text.p, 0, NULL, 0) == 0;
    return good ? 0 : err_field(err, path, "pattern_mismatch", NULL);
}

/* ---- numbers, times, choices ------------------------------------------------------ */

static int check_int(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    if (!json_is_integer(v)) return err_field(err, path, "not_integer", NULL);
    int64_t n = json_integer_value(v);
    int64_t cap = f->type == MF_PERCENT ? INT32_MAX : MAX_INT;
    int64_t min = f->has_min && f->min > -cap ? f->min : -cap;
    int64_t max = f->has_max && f->max < cap ? f->max : cap;
    if (n < min) return number_arg(err, path, "too_small", min);
    if (n > max) return number_arg(err, path, "too_large_value", max);
    return 0;
}

static int decimal_arg(const struct mf_field *f, const char *path, const char *code, int64_t units,
                       struct err *err)
{
    char text[32];
    decimal_format(units, f->scale, text);
    return err_field(err, path, code, text, NULL);
}

static int check_decimal(const struct mf_field *f, const json_t *v, const char *path,
                         struct err *err)
{
    int64_t units;
    if (!json_is_string(v) || !decimal_parse(text_of(v), f->scale, &units))
        return number_arg(err, path, "not_decimal", f->scale);
    if (f->has_min && units < f->min) return decimal_arg(f, path, "too_small", f->min, err);
    if (f->has_max && units > f->max) return decimal_arg(f, path, "too_large_value", f->max, err);
    return 0;
}

static bool clock_ok(sv v)
{
    char out[TEXT_FORM];
    size_t n;
    return text_clock(v, out, &n);
}

bool value_date_ok(sv v)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t y, m, d;
    if (v.n != 10 || v.p[4] != '-' || v.p[7] != '-') return false;
    for (size_t i = 0; i < 10; i++)
        if (i != 4 && i != 7 && (v.p[i] < '0' || v.p[i] > '9')) return false;
    sv_i64(sv_make(v.p, 4), &y);
    sv_i64(sv_make(v.p + 5, 2), &m);
    sv_i64(sv_make(v.p + 8, 2), &d);
    if (y < 1000 || m < 1 || m > 12 || d < 1) return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return d <= days[m - 1] + (m == 2 && leap);
}

static bool time_of(sv text, int64_t *us)
{
    return clock_parse(text, us) && *us >= MIN_TIME && *us <= MAX_TIME;
}

static int check_time(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    int64_t us;
    if (f->type == MF_DATE) {
        if (json_is_string(v) && value_date_ok(text_of(v))) return 0;
        return err_field(err, path, "not_date", NULL);
    }
    if (f->type == MF_TIME) {
        if (json_is_string(v) && clock_ok(text_of(v))) return 0;
        return err_field(err, path, "not_clock", NULL);
    }
    if (json_is_string(v) && time_of(text_of(v), &us)) return 0;
    return err_field(err, path, "not_time", NULL);
}

/* Codes of a dictionary are the tenant's: asked for when a row is written. */
static bool option_known(const struct mf_field *f, sv code)
{
    if (f->dictionary) return code.n > 0 && code.n <= 240;
    for (size_t i = 0; i < f->n_options; i++)
        if (sv_eqs(code, f->options[i].code)) return true;
    return false;
}

static int bad_option(const struct mf_field *f, const char *path, struct err *err)
{
    char text[150];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < f->n_options && used < sizeof text; i++) {
        int n =
            snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", f->options[i].code);
        used += n > 0 ? (size_t)n : 0;
    }
    return err_field(err, path, "not_in_options", text, NULL);
}

static int check_options(const struct mf_field *f, const json_t *v, const char *path,
                         struct err *err)
{
    if (f->type == MF_ENUM) {
        if (!json_is_string(v)) return err_field(err, path, "not_string", NULL);
        return option_known(f, text_of(v)) ? 0 : bad_option(f, path, err);
    }
    if (!json_is_array(v)) return err_field(err, path, "not_array", NULL);
    size_t n = json_array_size(v);
    if (f->has_max && (int64_t)n > f->max) return number_arg(err, path, "too_many_items", f->max);
    if (f->has_min && (int64_t)n < f->min) return number_arg(err, path, "too_few_items", f->min);
    if (!f->dictionary && n > f->n_options) return err_field(err, path, "duplicate", NULL);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(v, i);
        if (!json_is_string(one) || !option_known(f, text_of(one))) return bad_option(f, path, err);
        for (size_t k = 0; k < i; k++)
            if (json_equal(one, json_array_get(v, k)))
                return err_field(err, path, "duplicate", NULL);
    }
    return 0;
}

static bool id_of(const json_t *v, int64_t *id)
{
    return json_is_string(v) && sv_i64(text_of(v), id) && *id > 0;
}

static int check_json(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    size_t n = json_dumpb(v, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
    if (n > MAX_JSON) return number_arg(err, path, "too_long", MAX_JSON);
    return f->schema.n ? json_schema_check(f->schema, v, path, err) : 0;
}

int value_check(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    int64_t id;
    switch (f->type) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
        return check_int(f, v, path, err);
    case MF_BOOL:
        return json_is_boolean(v) ? 0 : err_field(err, path, "not_boolean", NULL);
    case MF_DATE:
    case MF_DATETIME:
    case MF_TIME:
        return check_time(f, v, path, err);
    case MF_DECIMAL:
        return check_decimal(f, v, path, err);
    case MF_ENUM:
    case MF_MULTI_ENUM:
        return check_options(f, v, path, err);
    case MF_JSON:
        return check_json(f, v, path, err);
    case MF_ADDRESS:
    case MF_POINT:
    case MF_POLYGON:
    case MF_IMAGES:
    case MF_FILES:
    case MF_TAGS:
    case MF_REFS:
        return shape_check(f, v, path, err);
    case MF_IMAGE:
    case MF_FILE:
    case MF_VIDEO:
    case MF_REF:
    case MF_USER:
    case MF_DEPT:
        return id_of(v, &id) ? 0 : err_field(err, path, "not_id", NULL);
    default:
        return check_text(f, v, path, err);
    }
}

/* ---- to the database -------------------------------------------------------------- */

bool value_store(const struct model_col *c, const json_t *v, struct arena *a, struct store_val *out)
{
    int64_t n;
    *out = STORE_N;
    if (!v || json_is_null(v)) return true;
    switch (c->kind) {
    case COL_ID:
        if (!id_of(v, &n)) return false;
        *out = STORE_I(n);
        return true;
    case COL_INT:
        *out = STORE_I(json_integer_value(v));
        return json_is_integer(v);
    case COL_BOOL:
        *out = STORE_I(json_is_true(v));
        return json_is_boolean(v);
    case COL_TIME:
        if (!json_is_string(v) || !time_of(text_of(v), &n)) return false;
        *out = STORE_T(n);
        return true;
    case COL_DATE:
        if (!json_is_string(v) || !value_date_ok(text_of(v))) return false;
        break;
    case COL_DECIMAL:
        if (!json_is_string(v) || !decimal_parse(text_of(v), c->f->scale, &n)) return false;
        break;
    case COL_CLOCK:
        if (!json_is_string(v) || !clock_ok(text_of(v))) return false;
        break;
    case COL_JSON: {
        struct buf b = BUF_IN(a);
        struct jsonw w = jsonw_on(&b);
        jsonw_json(&w, v);
        *out = STORE_S(buf_view(&b));
        return true;
    }
    case COL_TEXT:
        if (!json_is_string(v)) return false;
        /* Empty and absent are one thing, so that a unique field may be left
         * out by many and `null` in a filter means what a person sees. */
        if (json_string_length(v) == 0) return true;
        break;
    }
    *out = STORE_S(arena_sv(a, text_of(v)));
    return true;
}

/* Whoever looks for "+86 138 0013 8000" means the number that is kept. */
static sv text_kept(const struct mf_field *f, sv text, struct arena *a)
{
    char out[TEXT_FORM];
    size_t n;
    bool (*form)(sv, char[TEXT_FORM], size_t *) = f->type == MF_PHONE       ? text_phone
                                                  : f->type == MF_ID_NUMBER ? text_id_number
                                                                            : NULL;
    return form && form(text, out, &n) ? arena_sv(a, sv_make(out, n)) : arena_sv(a, text);
}

bool value_of_text(const struct model_col *c, sv text, struct arena *a, struct store_val *out)
{
    int64_t n;
    switch (c->kind) {
    case COL_ID:
    case COL_INT:
        if (!sv_i64(text, &n)) return false;
        *out = STORE_I(n);
        return true;
    case COL_BOOL:
        if (!sv_eqs(text, "true") && !sv_eqs(text, "false")) return false;
        *out = STORE_I(text.n == 4);
        return true;
    case COL_TIME:
        if (!time_of(text, &n)) return false;
        *out = STORE_T(n);
        return true;
    case COL_DATE:
        if (!value_date_ok(text)) return false;
        *out = STORE_S(arena_sv(a, text));
        return true;
    case COL_DECIMAL:
        if (!decimal_parse(text, c->f->scale, &n)) return false;
        *out = STORE_S(arena_sv(a, text));
        return true;
    case COL_CLOCK:
        if (!clock_ok(text)) return false;
        *out = STORE_S(arena_sv(a, text));
        return true;
    case COL_TEXT:
        if (c->f->type == MF_ENUM && !option_known(c->f, text)) return false;
        *out = STORE_S(text_kept(c->f, text, a));
        return true;
    case COL_JSON:
        return false;
    }
    return false;
}
