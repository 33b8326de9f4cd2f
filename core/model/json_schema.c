/* The part of JSON Schema that a json field may declare (`schema:`), on a value.
 * The manifest reader lets nothing else in, so what is not known is not there. */
#define LOG_ROOM "model"
#include "model/value.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 16

static bool type_is(const char *type, const json_t *v)
{
    if (strcmp(type, "object") == 0) return json_is_object(v);
    if (strcmp(type, "array") == 0) return json_is_array(v);
    if (strcmp(type, "string") == 0) return json_is_string(v);
    if (strcmp(type, "integer") == 0) return json_is_integer(v);
    if (strcmp(type, "number") == 0) return json_is_number(v);
    if (strcmp(type, "boolean") == 0) return json_is_boolean(v);
    return json_is_null(v);
}

static const char *type_code(const char *type)
{
    return strcmp(type, "object") == 0    ? "not_object"
           : strcmp(type, "array") == 0   ? "not_array"
           : strcmp(type, "string") == 0  ? "not_string"
           : strcmp(type, "integer") == 0 ? "not_integer"
           : strcmp(type, "number") == 0  ? "not_number"
           : strcmp(type, "boolean") == 0 ? "not_boolean"
                                          : "not_null";
}

static int limit(const json_t *schema, const char *key, double have, bool least, const char *path,
                 const char *code, struct err *err)
{
    const json_t *want = json_object_get(schema, key);
    char text[24];
    if (!json_is_integer(want)) return 0;
    double bound = (double)json_integer_value(want);
    if (least ? have >= bound : have <= bound) return 0;
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(want));
    return err_field(err, path, code, text, NULL);
}

static int check_string(const json_t *schema, const json_t *v, const char *path, struct err *err)
{
    sv text = {json_string_value(v), json_string_length(v)};
    double n = (double)sv_utf8_len(text);
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    regex_t re;
    if (limit(schema, "minLength", n, true, path, "too_short", err) < 0 ||
        limit(schema, "maxLength", n, false, path, "too_long", err) < 0)
        return -1;
    if (!pattern || regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0) return 0;
    int rc = regexec(&re, text.p, 0, NULL, 0);
    regfree(&re);
    return rc == 0 ? 0 : err_field(err, path, "pattern_mismatch", NULL);
}

static int check(const json_t *schema, const json_t *v, const char *path, unsigned depth,
                 struct err *err);

static int check_array(const json_t *schema, const json_t *v, const char *path, unsigned depth,
                       struct err *err)
{
    const json_t *items = json_object_get(schema, "items");
    double n = (double)json_array_size(v);
    char at[MODEL_PATH];
    if (limit(schema, "minItems", n, true, path, "too_few_items", err) < 0 ||
        limit(schema, "maxItems", n, false, path, "too_many_items", err) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; items && i < json_array_size(v); i++)
        if (check(items, json_array_get(v, i), path_item(at, path, i, ""), depth + 1, err) < 0)
            rc = -1;
    return rc;
}

static int check_object(const json_t *schema, const json_t *v, const char *path, unsigned depth,
                        struct err *err)
{
    const json_t *known = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    char at[MODEL_PATH];
    const char *name;
    json_t *one;
    int rc = 0;
    for (size_t i = 0; i < json_array_size(required); i++) {
        name = json_string_value(json_array_get(required, i));
        if (name && !json_object_get(v, name))
            rc = err_field(err, path_member(at, path, name), "required", NULL);
    }
    json_object_foreach((json_t *)(uintptr_t)v, name, one)
    {
        const json_t *part = json_object_get(known, name);
        path_member(at, path, name);
        if (part && check(part, one, at, depth + 1, err) < 0) rc = -1;
        if (!part && closed) rc = err_field(err, at, "unknown_field", NULL);
    }
    return rc;
}

static int check_choice(const json_t *schema, const json_t *v, const char *path, struct err *err)
{
    const json_t *values = json_object_get(schema, "enum");
    char list[150];
    size_t used = 0;
    if (!json_is_array(values)) return 0;
    list[0] = '\0';
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (json_equal(json_array_get(values, i), v)) return 0;
        char *text = json_dumps(json_array_get(values, i), JSON_ENCODE_ANY | JSON_COMPACT);
        int n = used < sizeof list
                    ? snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", text)
                    : 0;
        used += n > 0 ? (size_t)n : 0;
        free(text);
    }
    return err_field(err, path, "not_in_options", list, NULL);
}

static int check(const json_t *schema, const json_t *v, const char *path, unsigned depth,
                 struct err *err)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    if (depth > MAX_DEPTH) return 0; /* nor does the reader go deeper */
    if (type && !type_is(type, v)) return err_field(err, path, type_code(type), NULL);
    if (check_choice(schema, v, path, err) < 0) return -1;
    if (json_is_number(v) &&
        (limit(schema, "minimum", json_number_value(v), true, path, "too_small", err) < 0 ||
         limit(schema, "maximum", json_number_value(v), false, path, "too_large_value", err) < 0))
        return -1;
    if (json_is_string(v)) return check_string(schema, v, path, err);
    if (json_is_array(v)) return check_array(schema, v, path, depth, err);
    return json_is_object(v) ? check_object(schema, v, path, depth, err) : 0;
}

int json_schema_check(sv schema, const json_t *v, const char *path, struct err *err)
{
    json_t *tree = json_loadb(schema.p ? schema.p : "", schema.n, 0, NULL);
    int rc = tree ? check(tree, v, path, 0, err) : 0;
    json_decref(tree);
    return rc;
}
