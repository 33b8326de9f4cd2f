/* Values with parts: addresses, points, polygons, and sets of texts or ids. */
#define LOG_ROOM "model"
#include "model/geo.h"
#include "model/value.h"

#include <stdio.h>

#define MAX_ADDRESS 200
#define MAX_TAG 40

static sv text_of(const json_t *v)
{
    return (sv){json_string_value(v), json_string_length(v)};
}

static int told(struct err *err, const char *path, const char *code, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    return err_field(err, path, code, text, NULL);
}

static bool plain_text(const json_t *v, size_t max)
{
    sv t = text_of(v);
    if (!json_is_string(v) || !sv_utf8_ok(t) || sv_utf8_len(t) > max) return false;
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f) return false;
    return true;
}

/* ---- address, point, polygon ------------------------------------------------------ */

static int check_address(const json_t *v, const char *path, struct err *err)
{
    char at[MODEL_PATH];
    const char *name;
    json_t *part;
    if (!json_is_object(v)) return err_field(err, path, "not_object", NULL);
    json_object_foreach((json_t *)(uintptr_t)v, name, part)
    {
        const char *code = NULL;
        if (strcmp(name, "region") == 0) {
            bool none = json_is_null(part) || (json_is_string(part) && !text_of(part).n);
            if (!none && (!json_is_string(part) || !text_region(text_of(part))))
                code = "not_region";
        } else if (strcmp(name, "text") == 0) {
            if (!json_is_null(part) && !plain_text(part, MAX_ADDRESS)) code = "pattern_mismatch";
        } else if (strcmp(name, "point") == 0) {
            if (!json_is_null(part) && !geo_point_ok(part)) code = "not_point";
        } else {
            code = "unknown_field";
        }
        if (code) return err_field(err, path_member(at, path, name), code, NULL);
    }
    return 0;
}

static int check_polygon(const json_t *v, const char *path, struct err *err)
{
    const char *wrong = geo_polygon_wrong(v);
    return wrong ? told(err, path, wrong, GEO_MAX_POINTS) : 0;
}

/* ---- sets ------------------------------------------------------------------------- */

int64_t set_max(const struct mf_field *f)
{
    return f->has_max ? f->max : 1000;
}

static bool item_ok(const struct mf_field *f, const json_t *v)
{
    int64_t id;
    sv t = text_of(v);
    if (f->type == MF_TAGS) return plain_text(v, MAX_TAG) && sv_trim(t).n;
    return json_is_string(v) && sv_i64(t, &id) && id > 0;
}

static bool same_item(const struct mf_field *f, const json_t *a, const json_t *b)
{
    if (f->type == MF_TAGS) return sv_ieq(sv_trim(text_of(a)), sv_trim(text_of(b)));
    return json_equal(a, b);
}

static int check_set(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    size_t n = json_array_size(v);
    char at[MODEL_PATH];
    if (!json_is_array(v)) return err_field(err, path, "not_array", NULL);
    if ((int64_t)n > set_max(f)) return told(err, path, "too_many_items", set_max(f));
    if (f->has_min && (int64_t)n < f->min) return told(err, path, "too_few_items", f->min);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(v, i);
        path_item(at, path, i, "");
        if (!item_ok(f, one))
            return f->type == MF_TAGS ? told(err, at, "not_tag", MAX_TAG)
                                      : err_field(err, at, "not_id", NULL);
        for (size_t k = 0; k < i; k++)
            if (same_item(f, one, json_array_get(v, k)))
                return err_field(err, at, "duplicate", NULL);
    }
    return 0;
}

int shape_check(const struct mf_field *f, const json_t *v, const char *path, struct err *err)
{
    if (f->type == MF_ADDRESS) return check_address(v, path, err);
    if (f->type == MF_POINT) return geo_point_ok(v) ? 0 : err_field(err, path, "not_point", NULL);
    if (f->type == MF_POLYGON) return check_polygon(v, path, err);
    return check_set(f, v, path, err);
}
