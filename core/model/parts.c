/* Columns that the engine writes beside a field with parts, so that lists can ask
 * for them: the region and the place of an address, a point's place, the box
 * around a polygon. They follow their field in every right. */
#define LOG_ROOM "model"
#include "model/geo.h"
#include "model/internal.h"

#include <stdio.h>

static json_t *degrees(double v)
{
    char text[32];
    size_t n = decimal_format((int64_t)(v * 1e6 + (v < 0 ? -0.5 : 0.5)), 6, text);
    return json_stringn(text, n);
}

static json_t *of_point(const json_t *p, const char *end)
{
    if (!geo_point_ok(p)) return json_null();
    return degrees(json_number_value(json_object_get(p, end + 1)));
}

static json_t *of_polygon(const json_t *v, const char *end)
{
    if (!json_is_object(v)) return json_null();
    struct geo_box b = geo_polygon_box(v);
    bool lng = strcmp(end + strlen(end) - 3, "lng") == 0, min = strncmp(end, "_min", 4) == 0;
    return degrees(lng ? (min ? b.min_lng : b.max_lng) : (min ? b.min_lat : b.max_lat));
}

static json_t *part(const struct model_col *c, const json_t *v)
{
    const struct mf_field *of = c->part_of->f;
    const char *end = c->f->name + strlen(of->name);
    if (!v || json_is_null(v)) return json_null();
    if (of->type == MF_POINT) return of_point(v, end);
    if (of->type == MF_POLYGON) return of_polygon(v, end);
    if (strcmp(end, "_region") != 0) return of_point(json_object_get(v, "point"), end);
    const json_t *region = json_object_get(v, "region");
    return json_string_length(region) ? json_incref((json_t *)(uintptr_t)region) : json_null();
}

void parts_write(const struct model_resource *r, json_t *row)
{
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (c->part_of)
            json_object_set_new(row, c->f->name,
                                part(c, json_object_get(row, c->part_of->f->name)));
    }
}

/* How the engine describes such a column to itself. */
const struct mf_field *parts_field(const struct mf_field *of, const char *end, struct arena *a)
{
    static const struct {
        const char *end;
        struct mf_title title;
    } titles[] = {{"_region", {"地区", "region"}}, {"_lng", {"经度", "longitude"}},
                  {"_lat", {"纬度", "latitude"}},  {"_min_lng", {"西界", "west"}},
                  {"_min_lat", {"南界", "south"}}, {"_max_lng", {"东界", "east"}},
                  {"_max_lat", {"北界", "north"}}};
    struct mf_field *f = ARENA_NEW(a, struct mf_field);
    bool region = strcmp(end, "_region") == 0;
    *f = (struct mf_field){.name = arena_printf(a, "%s%s", of->name, end).p,
                           .type = region ? MF_TEXT : MF_DECIMAL,
                           .scale = 6,
                           .read_only = true,
                           .hidden = of->hidden,
                           .has_max = region,
                           .max = 6,
                           .line = of->line,
                           .column = of->column};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i].end, end) == 0)
            f->title = (struct mf_title){
                arena_printf(a, "%s%s", of->title.zh ? of->title.zh : "", titles[i].title.zh).p,
                arena_printf(a, "%s %s", of->title.en ? of->title.en : "", titles[i].title.en).p};
    if (of->was) f->was = arena_printf(a, "%s%s", of->was, end).p;
    return f;
}
