/* Geometry of fields: what a polygon is, its box, and what lies within. */
#define LOG_ROOM "model"
#include "model/geo.h"

#include <stdlib.h>

struct pt {
    double x, y;
};
struct seg {
    struct pt a, b;
    double low, high;    /* in x */
    size_t ring, at, of; /* its place in its ring, and how many that has */
};

static bool number(const json_t *v, double limit, double *out)
{
    if (!json_is_number(v)) return false;
    *out = json_number_value(v);
    return *out >= -limit && *out <= limit;
}

bool geo_point_ok(const json_t *v)
{
    double x, y;
    return json_is_object(v) && json_object_size(v) == 2 &&
           number(json_object_get(v, "lng"), 180, &x) && number(json_object_get(v, "lat"), 90, &y);
}

static bool position(const json_t *v, struct pt *out)
{
    return json_array_size(v) == 2 && number(json_array_get(v, 0), 180, &out->x) &&
           number(json_array_get(v, 1), 90, &out->y);
}

/* ---- crossing --------------------------------------------------------------------- */

static int side(struct pt a, struct pt b, struct pt p)
{
    double v = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
    return (v > 0) - (v < 0);
}

static bool within(struct pt a, struct pt b, struct pt p)
{
    return (a.x < b.x ? a.x : b.x) <= p.x && p.x <= (a.x > b.x ? a.x : b.x) &&
           (a.y < b.y ? a.y : b.y) <= p.y && p.y <= (a.y > b.y ? a.y : b.y);
}

static bool on_line(struct pt a, struct pt b, struct pt p)
{
    return side(a, b, p) == 0 && within(a, b, p);
}

static bool meet(const struct seg *s, const struct seg *t)
{
    if (side(s->a, s->b, t->a) * side(s->a, s->b, t->b) < 0 &&
        side(t->a, t->b, s->a) * side(t->a, t->b, s->b) < 0)
        return true;
    return on_line(s->a, s->b, t->a) || on_line(s->a, s->b, t->b) || on_line(t->a, t->b, s->a) ||
           on_line(t->a, t->b, s->b);
}

static bool cross(const struct seg *s, const struct seg *t)
{
    if (s->ring != t->ring) return meet(s, t);
    const struct seg *first = s->at < t->at ? s : t, *second = s->at < t->at ? t : s;
    if (first->at == 0 && second->at == second->of - 1 && second->of > 2) {
        const struct seg *swap = first; /* the last one leads into the first */
        first = second;
        second = swap;
    } else if (second->at != first->at + 1) {
        return meet(s, t);
    }
    /* Neighbours share a corner; more than that is a fold. */
    return on_line(first->a, first->b, second->b) || on_line(second->a, second->b, first->a);
}

static int by_low(const void *a, const void *b)
{
    const struct seg *s = a, *t = b;
    return (s->low > t->low) - (s->low < t->low);
}

static bool crossed(struct seg *v, size_t n)
{
    qsort(v, n, sizeof *v, by_low);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && v[k].low <= v[i].high; k++)
            if (cross(&v[i], &v[k])) return true;
    return false;
}

/* ---- polygons --------------------------------------------------------------------- */

static const char *read_ring(const json_t *ring, size_t number_of, struct seg *out, size_t *n)
{
    size_t points = json_array_size(ring);
    struct pt a, b, first;
    if (points < 4) return "polygon_points";
    if (!position(json_array_get(ring, 0), &a)) return "polygon_range";
    first = a;
    for (size_t i = 1; i < points; i++, a = b) {
        if (!position(json_array_get(ring, i), &b)) return "polygon_range";
        if (a.x == b.x && a.y == b.y) return "polygon_crossed"; /* a corner twice */
        out[(*n)++] = (struct seg){.a = a,
                                   .b = b,
                                   .low = a.x < b.x ? a.x : b.x,
                                   .high = a.x > b.x ? a.x : b.x,
                                   .ring = number_of,
                                   .at = i - 1,
                                   .of = points - 1};
    }
    return a.x == first.x && a.y == first.y ? NULL : "polygon_open";
}

static bool ring_holds(const json_t *ring, struct pt p, bool *border)
{
    bool in = false;
    struct pt a, b;
    size_t n = json_array_size(ring);
    *border = false;
    for (size_t i = 0; i + 1 < n; i++) {
        if (!position(json_array_get(ring, i), &a) || !position(json_array_get(ring, i + 1), &b))
            return false;
        if (on_line(a, b, p)) {
            *border = true;
            return true;
        }
        if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x)
            in = !in;
    }
    return in;
}

/* Holes lie within the outline; that no borders touch is known by then. */
static bool holes_inside(const json_t *rings)
{
    bool border;
    struct pt p;
    for (size_t i = 1; i < json_array_size(rings); i++)
        if (!position(json_array_get(json_array_get(rings, i), 0), &p) ||
            !ring_holds(json_array_get(rings, 0), p, &border))
            return false;
    return true;
}

const char *geo_polygon_wrong(const json_t *v)
{
    const json_t *rings = json_object_get(v, "coordinates");
    const char *type = json_string_value(json_object_get(v, "type"));
    if (!type || strcmp(type, "Polygon") != 0 || json_object_size(v) != 2 ||
        !json_array_size(rings))
        return "polygon_shape";
    size_t points = 0, n = 0;
    for (size_t i = 0; i < json_array_size(rings); i++)
        points += json_array_size(json_array_get(rings, i));
    if (points > GEO_MAX_POINTS) return "polygon_points";
    struct seg *segs = xmalloc((points + 1) * sizeof *segs);
    const char *wrong = NULL;
    for (size_t i = 0; i < json_array_size(rings) && !wrong; i++)
        wrong = read_ring(json_array_get(rings, i), i, segs, &n);
    if (!wrong && crossed(segs, n)) wrong = "polygon_crossed";
    free(segs);
    return wrong ? wrong : holes_inside(rings) ? NULL : "polygon_crossed";
}

struct geo_box geo_polygon_box(const json_t *v)
{
    const json_t *ring = json_array_get(json_object_get(v, "coordinates"), 0);
    struct geo_box box = {180, 90, -180, -90};
    for (size_t i = 0; i < json_array_size(ring); i++) {
        struct pt p;
        if (!position(json_array_get(ring, i), &p)) continue;
        if (p.x < box.min_lng) box.min_lng = p.x;
        if (p.x > box.max_lng) box.max_lng = p.x;
        if (p.y < box.min_lat) box.min_lat = p.y;
        if (p.y > box.max_lat) box.max_lat = p.y;
    }
    return box;
}

bool geo_polygon_holds(const json_t *polygon, double lng, double lat)
{
    const json_t *rings = json_object_get(polygon, "coordinates");
    bool border = false;
    if (!ring_holds(json_array_get(rings, 0), (struct pt){lng, lat}, &border)) return false;
    if (border) return true;
    for (size_t i = 1; i < json_array_size(rings); i++)
        if (ring_holds(json_array_get(rings, i), (struct pt){lng, lat}, &border)) return border;
    return true;
}
