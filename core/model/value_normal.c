/* The one way a value is kept. What is no value of its field is left as it is:
 * the validator complains of it. Pure. */
#define LOG_ROOM "model"
#include "model/geo.h"
#include "model/value.h"

static sv text_of(const json_t *v)
{
    return (sv){json_string_value(v), json_string_length(v)};
}

static json_t *copy(const json_t *v)
{
    return json_deep_copy((json_t *)(uintptr_t)v);
}

static json_t *text_form(const json_t *v, bool (*form)(sv, char[TEXT_FORM], size_t *))
{
    char out[TEXT_FORM];
    size_t n = 0;
    if (!json_is_string(v) || !form(text_of(v), out, &n)) return copy(v);
    return json_stringn(out, n);
}

static json_t *decimal(const struct mf_field *f, const json_t *v)
{
    int64_t units;
    char out[32];
    if (!json_is_string(v) || !decimal_parse(text_of(v), f->scale, &units)) return copy(v);
    size_t n = decimal_format(units, f->scale, out);
    return json_stringn(out, n);
}

/* To the sixth place, some 10 cm: what the columns beside it hold. */
static json_t *coordinate(const json_t *v)
{
    double x = json_number_value(v) * 1e6;
    int64_t n = (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
    /* A whole number comes back from the database as one. */
    return n % 1000000 == 0 ? json_integer(n / 1000000) : json_real((double)n / 1e6);
}

static json_t *point(const json_t *v)
{
    if (!geo_point_ok(v)) return copy(v);
    json_t *out = json_object();
    json_object_set_new(out, "lng", coordinate(json_object_get(v, "lng")));
    json_object_set_new(out, "lat", coordinate(json_object_get(v, "lat")));
    return out;
}

static json_t *text_or_empty(const json_t *v)
{
    return !v || json_is_null(v) ? json_string("") : copy(v);
}

static json_t *address(const json_t *v)
{
    if (!json_is_object(v)) return copy(v);
    json_t *out = copy(v);
    json_object_set_new(out, "region", text_or_empty(json_object_get(v, "region")));
    json_object_set_new(out, "text", text_or_empty(json_object_get(v, "text")));
    const json_t *p = json_object_get(v, "point");
    if (!p || json_is_null(p))
        json_object_del(out, "point");
    else
        json_object_set_new(out, "point", point(p));
    return out;
}

static json_t *tags(const json_t *v)
{
    if (!json_is_array(v)) return copy(v);
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *one = json_array_get(v, i);
        sv t = json_is_string(one) ? sv_trim(text_of(one)) : SV_NULL;
        json_array_append_new(out, json_is_string(one) ? json_stringn(t.p, t.n) : copy(one));
    }
    return out;
}

json_t *value_normal(const struct mf_field *f, const json_t *v)
{
    switch (f->type) {
    case MF_PHONE:
        return text_form(v, text_phone);
    case MF_ID_NUMBER:
        return text_form(v, text_id_number);
    case MF_TIME:
        return text_form(v, text_clock);
    case MF_DECIMAL:
        return decimal(f, v);
    case MF_POINT:
        return point(v);
    case MF_ADDRESS:
        return address(v);
    case MF_TAGS:
        return tags(v);
    default:
        return copy(v);
    }
}

bool value_void(const struct mf_field *f, const json_t *v)
{
    if (f->type == MF_JSON) return !v || json_is_null(v);
    if (f->type != MF_ADDRESS || !json_is_object(v)) return value_empty(v);
    size_t known = 0;
    static const char *const parts[] = {"region", "text", "point"};
    for (size_t i = 0; i < 3; i++)
        known += json_object_get(v, parts[i]) != NULL;
    if (json_object_size(v) != known) return false;
    return value_empty(json_object_get(v, "region")) && value_empty(json_object_get(v, "text")) &&
           value_empty(json_object_get(v, "point"));
}
