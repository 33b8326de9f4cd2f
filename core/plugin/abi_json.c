/* atrium.json/1: a read value is jansson's, a writer is base's. */
#include "plugin/internal.h"

static const json_t *dom(const struct atrium_json *v)
{
    return (const json_t *)v;
}

static const struct atrium_json *shown(const json_t *v)
{
    return (const struct atrium_json *)v;
}

/* ---- reading ----------------------------------------------------------------------- */

static atrium_status read_text(struct atrium_ctx *ctx, struct atrium_str text,
                               const struct atrium_json **out, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    json_t *v;
    struct err e;
    err_clear(&e);
    if (json_parse(ctx->arena, to_sv(text), &v, &e) != 0) return plug_error_out(err, &e);
    *out = shown(v);
    return ATRIUM_OK;
}

static atrium_json_type type_of(const struct atrium_json *value)
{
    if (!value) return ATRIUM_JSON_ABSENT;
    switch (json_typeof(dom(value))) {
    case JSON_OBJECT: return ATRIUM_JSON_OBJECT;
    case JSON_ARRAY: return ATRIUM_JSON_ARRAY;
    case JSON_STRING: return ATRIUM_JSON_STRING;
    case JSON_INTEGER: return ATRIUM_JSON_INT;
    case JSON_REAL: return ATRIUM_JSON_REAL;
    case JSON_TRUE: case JSON_FALSE: return ATRIUM_JSON_BOOL;
    case JSON_NULL: return ATRIUM_JSON_NULL;
    }
    return ATRIUM_JSON_ABSENT;
}

static const struct atrium_json *get(const struct atrium_json *object, const char *key)
{
    return shown(json_object_get(dom(object), key));
}

static size_t size(const struct atrium_json *value)
{
    return json_is_object(dom(value)) ? json_object_size(dom(value)) : json_array_size(dom(value));
}

static const struct atrium_json *at(const struct atrium_json *array, size_t i)
{
    return shown(json_array_get(dom(array), i));
}

static void each(const struct atrium_json *object,
                 bool (*fn)(void *arg, struct atrium_str key, const struct atrium_json *value),
                 void *arg)
{
    if (!json_is_object(dom(object))) return;
    json_t *o = (json_t *)dom(object);   /* iterators do not change it */
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        if (!fn(arg, atrium_cstr(json_object_iter_key(i)), shown(json_object_iter_value(i))))
            return;
    }
}

static bool as_str(const struct atrium_json *value, struct atrium_str *out)
{
    if (!json_is_string(dom(value))) return false;
    *out = atrium_str_make(json_string_value(dom(value)), json_string_length(dom(value)));
    return true;
}

static bool as_i64(const struct atrium_json *value, int64_t *out)
{
    if (!json_is_integer(dom(value))) return false;
    *out = json_integer_value(dom(value));
    return true;
}

static bool as_f64(const struct atrium_json *value, double *out)
{
    if (!json_is_number(dom(value))) return false;
    *out = json_number_value(dom(value));
    return true;
}

static bool as_bool(const struct atrium_json *value, bool *out)
{
    if (!json_is_boolean(dom(value))) return false;
    *out = json_is_true(dom(value));
    return true;
}

static bool as_id(const struct atrium_json *value, int64_t *out)
{
    struct atrium_str s;
    if (as_str(value, &s)) return sv_i64(to_sv(s), out);
    return as_i64(value, out);
}

/* ---- writing ------------------------------------------------------------------------- */

static struct atrium_json_writer *writer(struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    struct atrium_json_writer *w = ARENA_NEW(ctx->arena, struct atrium_json_writer);
    w->own = BUF_IN(ctx->arena);
    w->w = jsonw_on(&w->own);
    return w;
}

static struct atrium_str text(const struct atrium_json_writer *w)
{
    return to_str(buf_view(w->w.out));
}

static void begin_object(struct atrium_json_writer *w)
{
    jsonw_obj(&w->w);
}

static void end_object(struct atrium_json_writer *w)
{
    jsonw_end_obj(&w->w);
}

static void begin_array(struct atrium_json_writer *w)
{
    jsonw_arr(&w->w);
}

static void end_array(struct atrium_json_writer *w)
{
    jsonw_end_arr(&w->w);
}

static void key(struct atrium_json_writer *w, struct atrium_str k)
{
    jsonw_key(&w->w, to_sv(k));
}

static void str(struct atrium_json_writer *w, struct atrium_str t)
{
    jsonw_sv(&w->w, to_sv(t));
}

static void i64(struct atrium_json_writer *w, int64_t v)
{
    jsonw_i64(&w->w, v);
}

static void id(struct atrium_json_writer *w, int64_t v)
{
    jsonw_id(&w->w, v);
}

static void f64(struct atrium_json_writer *w, double v)
{
    jsonw_f64(&w->w, v);
}

static void boolean(struct atrium_json_writer *w, bool v)
{
    jsonw_bool(&w->w, v);
}

static void null(struct atrium_json_writer *w)
{
    jsonw_null(&w->w);
}

static void time_value(struct atrium_json_writer *w, int64_t us)
{
    jsonw_time(&w->w, us);
}

static void raw(struct atrium_json_writer *w, struct atrium_str json)
{
    jsonw_raw(&w->w, to_sv(json));
}

static void value(struct atrium_json_writer *w, const struct atrium_json *v)
{
    if (v)
        jsonw_json(&w->w, dom(v));
    else
        jsonw_null(&w->w);
}

const struct atrium_json_1 plug_json_1 = {
    .parse = read_text,
    .type = type_of,
    .get = get,
    .size = size,
    .at = at,
    .each = each,
    .as_str = as_str,
    .as_i64 = as_i64,
    .as_f64 = as_f64,
    .as_bool = as_bool,
    .as_id = as_id,
    .writer = writer,
    .text = text,
    .begin_object = begin_object,
    .end_object = end_object,
    .begin_array = begin_array,
    .end_array = end_array,
    .key = key,
    .str = str,
    .i64 = i64,
    .id = id,
    .f64 = f64,
    .boolean = boolean,
    .null = null,
    .time = time_value,
    .raw = raw,
    .value = value,
};
